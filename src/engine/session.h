/* session: connections to other servers, one machine each (proto/smtp_client over a connection of the driver), and the pool
 * that gives them transactions.
 *
 * A transaction is handed in once (session_submit) and always ends: each of its recipients gets exactly one result, then
 * comes its end. A connection that could not be made, a handshake or login that failed is told as the result of every
 * recipient; so whoever tries a letter sees one thing only.
 *
 * The pool keeps a group for each key (tls_session_key: host, address, port, demand, credential; A31). A transaction takes
 * a session of its group that accepts one (behind the final dot of the one before where the server pipelines). While few
 * wait for each busy session it waits SESSION_PATIENCE_US for one of them, since a session that never pauses costs least;
 * then an idle session is woken, else a new connection is opened where the destination allows one (engine/destination:
 * connections, pace), else it waits for what comes first. An idle session ends after IdleTimeout, or at once when
 * somebody else needs its place (destination_wanted).
 *
 * What it does by itself, because no letter is concerned:
 *   - a reused session that turns out stale (nothing answered MAIL) gives its transaction to a new connection, once;
 *   - opportunistic TLS that fails is tried again in clear on a new connection (tls_plan.clear_after_failure, A41);
 *   - memory of failed addresses (A37, unless `probe`) and of a smart host's login that rests (A25): such a transaction
 *     fails at once with the remembered outcome, an address's with the cause REMEMBERED. Connection failures and successes
 *     are reported to engine/destination;
 *   - a direct host or smart host that greets with our own name: cause OURSELVES, stage BANNER (A9, A35).
 *
 * Bodies are read under handles of the session's own machine (struct outgoing has it as its owner), so the attempt sees none of
 * it. MAIL is not said before the first octets of the body are here. When the last piece of a body goes to the dialogue the
 * message's slot is marked (inflight_dot): before the dot can have left.
 *
 * Results go up by engine_calls (core.h): transaction_result and transaction_end, called from feed or next of the session or
 * its pool, never from within session_submit, session_granted or session_cancel. The owner may do with the transaction what it
 * likes within transaction_end, free it or submit it anew.
 *
 * Secrets are kept once a group, wiped with it; a group goes with its last session and transaction, and when the
 * configuration changes no new transaction joins it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "engine/core.h"
#include "engine/destination.h"
#include "engine/message.h"
#include "engine/inflight.h"
#include "engine/outgoing.h"
#include "policy/credential.h"
#include "policy/route.h"
#include "policy/tls_policy.h"
#include "proto/outcome.h"

enum {
    SESSION_KEY_SIZE_MAX = 1600,
    SESSION_IDLE_MAX = 500,          /* idle sessions in all; the oldest ends */
    SESSION_BUSY_WAITING_WAKES = 2,  /* an idle session is woken when so many wait for each busy one */
    SESSION_LOOK_MAX = 64,           /* transactions of a line that a free session looks at */
};

#define SESSION_PATIENCE_US (20 * US_PER_MS)     /* ... or one for so long */
#define SESSION_CONNECT_GUARD_US (30 * US_PER_SECOND) /* beyond the timeout given to the driver */
#define SESSION_READ_MAX_US (2 * US_PER_MINUTE)  /* for the first octets of a body to be there */

struct session;

/* Embedded in whoever hands it in, who keeps it until its end. */
struct transaction {
    /* ---- set by the owner ---- */
    struct machine *owner;           /* woken when a wait of the transaction is granted: the attempt */
    struct message *message;
    struct destination *destination;
    const struct candidate *candidate; /* with an address */
    struct tls_plan plan;
    struct credential credential;    /* of this turn; user and password are copied where they are needed */
    const uint32_t *recipients;      /* indexes into the envelope's */
    uint32_t recipient_count;        /* 1 to MaxRecipientsPerTransaction */
    int64_t connect_timeout_us;      /* 0: the configured one (A10a shortens it) */
    bool probe;                      /* a real try, whatever is remembered (A37) */
    void *context;                   /* the owner's */
    /* ---- the pool's ---- */
    struct list_item item;           /* in a line of its group, or among those whose outcome is known */
    struct session_group *group;
    struct session *session;         /* under way */
    struct destination_wait wait;
    struct outgoing outgoing;        /* while it is under way */
    uint8_t stage;                   /* enum transaction_stage of session_work.h */
    bool fresh_only;                 /* a stale session had it: a new connection only */
    bool clear;                      /* opportunistic TLS has failed: in clear */
};

/* What a result says besides the outcome. */
struct transaction_result {
    uint32_t recipient;              /* index into transaction->recipients */
    struct outcome outcome;          /* slices valid during the call */
    bool too_many;                   /* A22: the next transaction at once */
    bool dsn;                        /* ok: the next hop takes DSN parameters (else NOTIFY=SUCCESS is owed `relayed`) */
};

struct transaction_end {
    struct slice transcript;         /* valid during the call; "" when none is kept, or all went well */
    struct slice own_address;        /* numeric, our end of the connection (A13); "" when there was none */
    bool dot_sent;
    bool mail_answered;              /* the host answered MAIL: it works */
};

void sessions_init(struct engine *e);
void sessions_done(struct engine *e);           /* ends all sessions, tells nobody */
/* Never calls back from within; a result that is known at once comes in the same turn. */
void session_submit(struct engine *e, struct transaction *t);
/* Out of the line; of one under way the connection is dropped, unless that would hurt another one: behind
 * another one's dot it is dropped once that is answered, in front of another one its answer goes to nobody. No results,
 * no end any more: the owner may go. Nothing when it is not handed in. */
void session_cancel(struct engine *e, struct transaction *t);
void sessions_configure(struct engine *e);      /* a new configuration: idle sessions end, what comes gets new ones */
void sessions_stop(struct engine *e);           /* EVENT_STOP: idle ones end, busy ones when nothing waits for them */
/* The owner was woken: t->wait.granted. Harmless otherwise. */
void session_granted(struct engine *e, struct transaction *t);
uint32_t sessions_open(const struct engine *e); /* connections, for status */
