/* report: what is told of queued messages and of the server, as JSON values of the outside contract (docs/OPERATING.md). Absent facts
 * are null. Sentences are in the language asked for; keys never change. */
#pragma once

#include <jansson.h>

#include "base/text.h"
#include "config/config.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "store/history.h"
#include "store/store.h"

json_t *report_status(const struct engine *engine, struct now now, const struct config *config, bool reload_failed,
                      enum language language);
/* One queued message; NULL when its record is damaged. `why`: with decided_by, next_step and remedies. */
json_t *report_message(const struct store_row *row, const struct config *config, bool why, enum language language);
json_t *report_history(const struct history_event *events, uint32_t count);
json_t *report_explain(const struct engine_answer *answer, const struct config *config, enum language language);
json_t *report_relay_test(const struct engine_answer *answer, enum language language);
json_t *report_problems(const struct config_problems *problems, struct slice file);
json_t *json_slice(struct slice s);         /* a string; invalid UTF-8 is made valid */
json_t *json_slice_or_null(struct slice s); /* null when empty */
