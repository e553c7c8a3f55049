/* settle: what is written when something is decided about a queued message, by an attempt, by its age, or by the
 * administrator: recipients' states, due times, queue, notices, the end. One commit group; when it is durable the message goes
 * back to the queue (or is forgotten), and its notices are queued.
 *
 * It reads the original from the store first where a notice must quote it and it is not in memory (a machine of its own then).
 * It owns the message from settle_begin to its end, and clears its slot of engine/inflight when what was decided is durable. Decisions come from policy/verdict (in the changes) and policy/retry (asked
 * here); who is told comes from engine/bounce.
 *
 * Traces: one DELIVERY a recipient that was tried, NOTICE, QUEUED when it changes its queue, REMOVED. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "engine/commit.h"
#include "engine/core.h"
#include "engine/message.h"
#include "policy/verdict.h"
#include "proto/outcome.h"

/* What became of one recipient in this attempt. Slices and arrays live in the message's arena. */
struct settle_change {
    uint32_t recipient;            /* index into the envelope's */
    enum verdict_action action;    /* not NEXT */
    struct outcome outcome;        /* the one told */
    uint16_t rule;
    enum config_key key;
    bool local_cause;
    bool relayed;                  /* delivered to a next hop without DSN */
    bool tried;                    /* a server was asked or a lookup made: counts as an attempt */
    bool wait_short;               /* nothing was decided (a limit of ours, a stop): due again at due_us */
    int64_t due_us;                /* wait_short only, wall */
    const struct outcome *others;  /* other hosts' answers, the most preferred first (A16) */
    uint32_t other_count;
};

void settles_init(struct engine *e);
void settles_done(struct engine *e);
/* The attempt is over. The message is settle's from now on; `stub` in message->stub. The transcript is copied. changes live in
 * the message's arena. A message without changes goes back into the line as it was. */
void settle_begin(struct engine *e, struct message *message, const struct settle_change *changes, uint32_t change_count,
                  struct slice transcript);

/* What the administrator may order (request.h); applied to a message in memory that is nobody's. */
enum settle_order {
    SETTLE_HOLD,
    SETTLE_RELEASE, /* held ones: due where they were */
    SETTLE_RETRY,   /* due now */
    SETTLE_BOUNCE,  /* fails with 5.0.0, the sender is told */
    SETTLE_DROP,    /* forgotten, nobody is told */
};
/* request: told by engine_calls.ordered when it is durable; may be none. */
void settle_order(struct engine *e, struct message *message, enum settle_order order, struct handle request);
/* Patience ended while it was in line without a slot, or the bad queue's lifetime did: what is due is done. */
void settle_overdue(struct engine *e, struct message *message);
/* It was in flight when the server ended uncleanly: that is counted and written before it is tried again (alone), and at the
 * third time it is held (so that no letter can stop the server for ever). dot_sent: its waiting recipients are in doubt. */
void settle_crashed(struct engine *e, struct message *message, bool dot_sent);
/* An attempt goes on while some of its recipients are delivered: that is written now, with the notices owed for it, so that a crash
 * does not deliver to them again. The message stays the attempt's, who does not change its envelope nor let it go while
 * message->settling; then its handle's machine is woken. changes: VERDICT_DELIVERED only, in the message's arena. */
void settle_early(struct engine *e, struct message *message, const struct settle_change *changes, uint32_t change_count,
                  struct handle attempt);
void settle_early_committed(struct engine *e, struct commit_group *group, enum store_status status); /* COMMIT_EARLY's done */
void settle_committed(struct engine *e, struct commit_group *group, enum store_status status); /* COMMIT_SETTLE's done */
bool settles_idle(const struct engine *e);
