/* report: what is told of queued messages and of the server, as JSON values of the outside contract (docs/OPERATING.md). Absent facts
 * are null. Sentences are in the language asked for; keys never change. */
#pragma once

#include <jansson.h>

#include "base/text.h"
#include "config/account.h"
#include "config/config.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "policy/credential.h"
#include "store/history.h"
#include "store/store.h"

struct report_context {
    const struct config *config;
    const struct accounts *accounts;
    enum language language;
};

json_t *report_status(const struct engine *engine, struct now now, const struct config *config, bool reload_failed,
                      enum language language);
/* One queued message; NULL when its record is damaged. `why`: with decided_by, next_step, remedies and the login (A27). */
json_t *report_message(const struct store_row *row, const struct report_context *context, bool why);
/* {rule, key, value, file, line}: what a decision goes by, and where it is written. */
json_t *report_decided(const struct config *config, uint16_t rule, enum config_key key);
json_t *report_credential(const struct credential *credential); /* "none", "general", "account:ADDRESS" */
enum text_id report_credential_reason(const struct credential *credential);
json_t *report_history(const struct history_event *events, uint32_t count);
json_t *report_relay_test(const struct engine_answer *answer, const struct config *config, enum language language);
json_t *report_problems(const struct config_problems *problems, struct slice file);
json_t *json_slice(struct slice s);         /* a string; invalid UTF-8 is made valid */
json_t *json_slice_or_null(struct slice s); /* null when empty */
