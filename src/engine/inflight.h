/* inflight: the slots of DataDir/run/inflight, one for each message in an attempt, so that an unclean end tells which letters
 * were under way (INVARIANTS, crash). Marked by the session when a final dot goes out, cleared by settle when what became
 * of the message is durable. */
#pragma once

#include <stdint.h>

#include "engine/core.h"
#include "engine/message.h"

void inflight_take(struct engine *e, struct message *m);  /* sets m->inflight_slot; nothing when all are in use */
void inflight_dot(struct engine *e, uint32_t slot, uint64_t id); /* the final dot may leave from now on */
void inflight_clear(struct engine *e, struct message *m); /* nothing when it has none */
