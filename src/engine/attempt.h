/* attempt: one message being tried: it is read, its recipients are put together by next hop (A22), each next hop's candidates
 * are worked out anew from the configuration in force (policy/route with engine/resolver), and carried from one to the next as
 * policy/verdict says, until nothing is left to try; then engine/settle writes what became of it.
 *
 * Parts. A part is the recipients that share one list of candidates: one domain (direct), the smart host, or the Maildirs
 * here. Recipients of several domains whose verdict sends them on to the smart host meet in one last part, which begins
 * when all direct parts are over (A22).
 *
 * attempts_pump takes what the queue hands out, as long as there is room; it is called once a turn by engine/engine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/core.h"
#include "engine/message.h"
#include "engine/session.h"
#include "engine/settle.h"

enum {
    ATTEMPTS_MAX = 4000,           /* at one time: below INFLIGHT_SLOTS */
};

void attempts_init(struct engine *e);
void attempts_done(struct engine *e);
void attempts_pump(struct engine *e);
/* Takes a message that nobody has for an order of the administrator; false: it is taken already. */
bool attempt_order(struct engine *e, uint32_t index, enum settle_order order, struct handle request);
bool attempts_wanted(const struct engine *e); /* the pump has something to do */
uint32_t attempts_count(const struct engine *e);
bool attempts_idle(const struct engine *e);   /* none under way */
void attempts_stop(struct engine *e);          /* EVENT_STOP: what only waits ends, what speaks goes on to its end */
void attempts_configure(struct engine *e);    /* routing of the queue by the configuration in force (homes, limits) */

/* engine_calls of the session's results. */
void attempt_transaction_result(struct engine *e, struct transaction *t, const struct transaction_result *result);
void attempt_transaction_end(struct engine *e, struct transaction *t, const struct transaction_end *end);
