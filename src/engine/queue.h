/* queue: which message is tried next.
 *
 * Every queued message is a stub with a home: the next hop that it waits for. A home has two lists, what waits for its
 * time and what is ready, and a limit on how much may be taken from it; a home with something ready and room is in the
 * ring of runnable homes, which are served in turn. So the due work of a slow or resting next hop lies in that home's
 * list and costs and hinders nobody.
 *
 * Homes are derived, never stored: the store keeps the hash of the recipients' domain, and queue_set_routing turns that
 * into a home by the mode in force. A message for several domains (or several logins) has the sorting home: it is read,
 * its parts are offered to their destinations, and when none has a slot it waits at the home of one of them.
 *
 * A message stays at most its patience in line; then it is handed out as overdue, to be given its delay notice or its
 * end although no slot was free.
 *
 * Who calls it: engine/engine (events), engine/attempt (takes and puts back), engine/settle (refs, end). Times are wall
 * time. Nothing here can fail, and nothing looks through all stubs but queue_set_routing and the slices of a wake. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/now.h"
#include "border/op.h"
#include "border/store.h"
#include "engine/stub.h"

enum {
    QUEUE_TICK_MAX = 1000,     /* stubs whose time has come, moved in one turn */
    QUEUE_WAKE_SLICE = 1000,   /* stubs looked at in one turn for a wake */
    QUEUE_WAKES_MAX = 256,     /* homes being woken at one time */
    QUEUE_HOME_CHUNK = 1024,
};

/* Keys of homes. All others are hashes of next hops (queue_hash). */
enum {
    HOME_SORTING = 0, /* several next hops, or one that only the envelope tells */
    HOME_LOCAL = 1,   /* Maildirs here */
    HOME_CRASHED = 2, /* in flight at an unclean end: one at a time */
    HOME_HASH_MIN = 16,
};

struct stub_line {
    uint32_t first, last;
    uint32_t count;
};

struct queue_home {
    uint32_t key;
    uint32_t key_next;        /* in the table of keys; next free home when free */
    struct stub_line waiting;
    struct stub_line ready;
    uint32_t loading;         /* taken and not yet arrived (queue_arrived) */
    uint32_t limit;           /* how many may be loading */
    uint32_t run_next;        /* in the ring of runnable homes */
    bool in_ring;
    bool pinned;              /* has a destination that sets the limit; else freed when empty */
    bool used;
};

struct queue_routing {
    bool smarthost;           /* everything that is not local has one next hop */
    uint32_t smarthost_key;   /* its home, or HOME_SORTING where logins differ by account */
    const uint32_t *local_domains; /* queue_hash of each, copied */
    size_t local_domain_count;
    int64_t remote_us;        /* time in the remote queue, time until give-up: the ends of patience */
    int64_t give_up_us;
};

struct queue_wake {
    uint32_t home;
    uint32_t left;            /* stubs of the waiting list still to be looked at */
    uint64_t rules;
};

struct queue_doubt {
    uint64_t id;
    bool dot_sent;
};

struct queue {
    struct stub_table stubs;
    struct queue_home **home_chunks;
    uint32_t home_chunk_count;
    uint32_t home_used, home_free, home_count;
    uint32_t *home_buckets;
    uint32_t home_bucket_mask;
    uint32_t ring_first, ring_last;
    struct stub_line overdue;
    struct stub_line aside;   /* holding and bad */
    struct queue_routing routing;
    uint32_t *local_domains;
    struct queue_wake wakes[QUEUE_WAKES_MAX];
    uint32_t wake_count;
    uint32_t sweep_next;      /* index of the next stub of a wake of all homes; 0: none under way */
    uint64_t sweep_rules;
    struct queue_doubt doubts[INFLIGHT_SLOTS]; /* in flight at an unclean end and not loaded yet, sorted by id */
    uint32_t doubt_count;
    uint32_t counts[QUEUE_COUNT];
    bool loaded;              /* the last slice of stubs has come */
};

/* Who is woken: a set of rule numbers, and whoever was not stopped by a verdict on the letter (a 4xx has its own time).
 * Stubs that stopped for a reason not known (after a start) belong to every set. */
#define QUEUE_RULE(number) (UINT64_C(1) << (number))
#define QUEUE_NO_VERDICT QUEUE_RULE(0)
#define QUEUE_RULES_ALL UINT64_MAX
/* A46: what stopped messages that a changed configuration or an order to retry may have mended. */
#define QUEUE_RULES_MENDED                                                                                             \
    (QUEUE_NO_VERDICT | QUEUE_RULE(10) | QUEUE_RULE(11) | QUEUE_RULE(12) | QUEUE_RULE(13) | QUEUE_RULE(23) |           \
     QUEUE_RULE(24) | QUEUE_RULE(25) | QUEUE_RULE(26) | QUEUE_RULE(32) | QUEUE_RULE(33) | QUEUE_RULE(35) |             \
     QUEUE_RULE(46))

void queue_init(struct queue *q);
void queue_done(struct queue *q);
size_t queue_bytes(const struct queue *q); /* memory of stubs, homes and tables */

/* Hash of a next hop's name (any case), the same in every version: it is in the store. Never below HOME_HASH_MIN. */
uint32_t queue_hash(struct slice name);

/* All stubs move to the homes that the routing gives; lists keep their kind (waiting, ready). */
void queue_set_routing(struct queue *q, struct now now, const struct queue_routing *routing);

/* A message that the store has: waiting, ready when due, or set aside by its queue. An id already there is not added
 * again (its index is returned). */
uint32_t queue_add(struct queue *q, struct now now, const struct store_stub *stub);
void queue_remove(struct queue *q, uint32_t index);
/* Refs after a commit or a move; body_big and body_size never change. */
void queue_set_refs(struct queue *q, uint32_t index, struct record_ref envelope, struct body_ref body);
struct body_ref queue_body_ref(const struct stub *stub);
/* Before or after the stub is added: it was in flight when the server ended. */
void queue_note_crashed(struct queue *q, struct now now, uint64_t id, bool dot_sent);

static inline struct stub *queue_stub(const struct queue *q, uint32_t index)
{
    return stub_at(&q->stubs, index);
}

static inline uint32_t queue_find(const struct queue *q, uint64_t id)
{
    return stub_find(&q->stubs, id);
}

/* Moves what has come due; to be called once a turn. */
void queue_tick(struct queue *q, struct now now);
/* Wall time of the next thing to do here, INT64_MAX when there is none; the present when slices are left. */
int64_t queue_wake_us(const struct queue *q);
/* The next message to be tried, STUB_TAKEN from now on; 0 when none is ready where there is room. */
uint32_t queue_next(struct queue *q);
bool queue_has_next(const struct queue *q);
/* The taken message's part in its home's loading is over: its destinations are known and count for themselves. */
void queue_arrived(struct queue *q, uint32_t index);
/* Takes a message out of turn (an administrator's order, a read for an answer); false when it is taken already. */
bool queue_take(struct queue *q, uint32_t index);

/* Back after being taken. The queue kind is as the envelope says now. */
void queue_put_waiting(struct queue *q, struct now now, uint32_t index, enum queue_kind kind, int64_t due_us);
void queue_put_ready(struct queue *q, struct now now, uint32_t index, enum queue_kind kind, uint32_t home_key, bool front);
void queue_put_aside(struct queue *q, uint32_t index, enum queue_kind kind, int64_t end_us);

/* A home that a destination speaks for. limit: how many more messages it would take now. */
void queue_home_pin(struct queue *q, uint32_t key, uint32_t limit);
void queue_home_limit(struct queue *q, uint32_t key, uint32_t limit);
bool queue_home_pinned(const struct queue *q, uint32_t key);
void queue_home_unpin(struct queue *q, uint32_t key);
uint32_t queue_home_ready(const struct queue *q, uint32_t key);
uint32_t queue_home_waiting(const struct queue *q, uint32_t key);
/* What waits at the home and was stopped by one of the rules becomes ready, in slices. */
void queue_home_wake(struct queue *q, uint32_t key, uint64_t rules);
/* Just one, whichever: the next probe of a destination that has nothing ready. False when nothing waits. */
bool queue_home_wake_one(struct queue *q, struct now now, uint32_t key);
/* Those that wait, in slices; and those that are taken, should they come back stopped by one of the rules. */
void queue_wake_all(struct queue *q, uint64_t rules);
