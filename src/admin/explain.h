/* explain: what would be done with a letter, and why, before anything is sent: sentences, the candidates in their order, what
 * follows from each answer that they might give (by policy/verdict, which decides it also in earnest), and the keys behind.
 *
 * As JSON of the outside contract, docs/OPERATING.md; `summary` and `decided_by` are ours. Called by admin/control. */
#pragma once

#include <jansson.h>

#include "admin/report.h"

/* domain: the recipient's, for the sentences. */
json_t *explain_json(const struct engine_answer *answer, struct slice domain, const struct report_context *context);
