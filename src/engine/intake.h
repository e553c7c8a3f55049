/* intake: inbound sessions, one machine each: proto/smtp_server over an accepted connection, who may do what (relaying, logins,
 * senders, recipients, limits), the message that grows from it, and its commit. The only place that says 250 to a message,
 * and it does so when the store has said STORE_OK.
 *
 * Its message: a Received field in front, header facts by proto/header as it streams, the body in memory up to
 * STORE_INLINE_BODY_MAX and else streamed to a file of its own (OP_BIG_APPEND, two chunks in flight, then reading pauses).
 *
 * Rules: relays only for [Relay] Networks or an authenticated account; everybody else reaches local addresses only; unknown local
 * users are refused in the session (550 5.1.1), postmaster always taken; an account sends as itself (553 5.7.1). A
 * message with too many hops is taken in and bounced (A45). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/commit.h"
#include "engine/core.h"
#include "engine/engine.h"

enum { INTAKE_HASH_WAITS_MAX = 64 }; /* logins being checked at one time; more get 454 */

void intakes_init(struct engine *e);
void intakes_done(struct engine *e);
struct handle intake_accept(struct engine *e, const struct engine_accept *accept);
void intake_committed(struct engine *e, struct commit_group *group, enum store_status status); /* COMMIT_INTAKE's done */
void intakes_configure(struct engine *e); /* limits of sessions; certificates are the driver's */
void intakes_stop(struct engine *e);      /* EVENT_STOP: 421 between transactions */
uint32_t intakes_open(const struct engine *e);
