/* core: the frame in which the engine's machines live. Internal to src/engine.
 *
 * A machine (a session, an attempt, the batches of the store) embeds struct machine and gives a table {feed, next,
 * deadline, free}. It never calls out: it changes its own state in feed, and is woken; when it stands at the head of
 * the list of the ready it is asked for operations until it has none, then for its deadline. Nothing looks through all
 * machines: a turn costs what is ready in it.
 *
 * The rules that follow from this:
 *   - Whoever changes a machine wakes it. Its deadline is read when it has nothing more to say, and then only.
 *   - A machine that is over says so (machine_close) and is freed by the core after its last operation, never within
 *     its own feed or next.
 *   - A machine that is not closed has a deadline, unless its kind may sleep (the parts that live as long as the
 *     engine and have nothing open). Asserted when the deadline is read; every machine's is read in the turn in which
 *     it was added, so it holds for all.
 *   - What an operation of a machine points to lives until the next call of its next (or free). What is put with
 *     op_put lives until the turn is drained: memory from turn_copy, or something that lives longer.
 *   - An event finds its machine by its handle. A machine may have several handles (a connection, a lookup, a load) and
 *     tells them apart by handle_equal. A handle that was dropped never finds anything again.
 *   - The configuration, the accounts and the clock are of this turn: nobody keeps pointers into them.
 *
 * All parts of the engine are functions on struct engine; each part's own state is behind its pointer here and belongs
 * to its module. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/now.h"
#include "base/random.h"
#include "border/op.h"
#include "engine/engine.h"
#include "engine/trace.h"
#include "policy/refusal.h"

enum {
    CORE_HANDLES_MAX = 1 << 20,
    CORE_OPS_MAX = 1 << 20,        /* operations of one turn waiting to be drained */
    CORE_TURN_BLOCK_SIZE = 64 << 10,
    CORE_TURN_BLOCKS_KEPT = 4,     /* memory kept from turn to turn */
    CORE_OPS_KEPT = 4096,
};

struct machine;
struct message;
struct store_result;

struct machine_kind {
    const char *name;
    bool may_sleep; /* lives as long as the engine: no deadline while it has nothing open */
    bool late;      /* asked when nothing else is ready: it gathers what the others say in a turn */
    /* An event for one of its handles, or EVENT_TICK: its deadline has come. The core wakes it. */
    void (*feed)(struct engine *e, struct machine *m, const struct event *event);
    /* The next operation, or false. Not asked any more once it is closed and has said false. */
    bool (*next)(struct engine *e, struct machine *m, struct op *ret_op);
    /* Monotonic; DEADLINE_NEVER only where it may sleep. */
    int64_t (*deadline_us)(const struct engine *e, const struct machine *m);
    /* Closed and drained: drops its handles and frees itself. The core has forgotten it already. */
    void (*free)(struct engine *e, struct machine *m);
};

struct machine {
    const struct machine_kind *kind;
    struct list_item place; /* among all */
    struct list_item ready;
    struct heap_item timer; /* key: its deadline; in the heap unless it sleeps */
    bool woken; /* since it was last asked */
    bool closed;
};

/* Registers and wakes it; its memory is the caller's (it is freed by kind->free). */
void machine_add(struct engine *e, struct machine *m, const struct machine_kind *kind);
void machine_wake(struct engine *e, struct machine *m); /* any number of times; within its own next: it is asked again */
void machine_close(struct engine *e, struct machine *m);
/* At once: the engine is being given back, nothing is fed or drained any more. */
void machine_end(struct engine *e, struct machine *m);

/* ---- handles ---- */

struct handle handle_new(struct engine *e, struct machine *m);
void handle_drop(struct engine *e, struct handle *handle); /* sets it to none; none is fine */
struct machine *handle_machine(const struct engine *e, struct handle handle); /* NULL when it is old or none */

static inline bool handle_is(struct handle h) /* it names something */
{
    return h.generation != 0;
}

/* ---- operations that no machine has to be asked for, traces, bytes of the turn ---- */

/* In order, before anything that a machine has to say. */
void op_put(struct engine *e, const struct op *op);
struct slice turn_copy(struct engine *e, struct slice s);
void *turn_alloc(struct engine *e, size_t size); /* zeroed */
/* Copies what it points to, stamps the time, counts it, and puts an OP_TRACE. */
void trace(struct engine *e, const struct trace_event *event);

/* ---- randomness and ids ---- */

void engine_random(struct engine *e, void *bytes, size_t size); /* ChaCha20: ids, boundaries, nonces */
uint64_t engine_jitter(struct engine *e, uint64_t below);       /* fast: 0 .. below - 1, 0 for 0 */
uint64_t engine_id_new(struct engine *e);                       /* larger than every one before */

/* ---- what is handed up: filled in by engine.c, so that no module knows one that stands after it ---- */

struct transaction; /* session.h */
struct transaction_result;
struct transaction_end;

struct engine_calls {
    /* A message that the store has now: its owner from here on. message->record and ->body are set. */
    void (*queued)(struct engine *e, struct message *message);
    /* Of a transaction that was handed to a session: one result a recipient, then its end (it is the owner's again). */
    void (*transaction_result)(struct engine *e, struct transaction *t, const struct transaction_result *result);
    void (*transaction_end)(struct engine *e, struct transaction *t, const struct transaction_end *end);
    /* What an order of the administrator asked for is durable; `request` is its handle (request.h). */
    void (*ordered)(struct engine *e, struct handle request);
};

/* ---- the engine ---- */

struct core_slot {
    struct machine *machine; /* NULL: free */
    uint32_t generation;
    uint32_t free_next;
};

struct core_turn_block {
    struct core_turn_block *next;
    size_t size;
    size_t used;
    _Alignas(16) char data[];
};

struct engine {
    struct now now;                 /* of the current turn */
    const struct config *config;    /* of the current turn */
    const struct accounts *accounts;
    const struct engine_calls *calls;
    struct ip_address own_addresses[32];
    size_t own_address_count;
    struct now started;
    struct store_state store;       /* what the store said last */
    bool stopping;

    struct core_slot *slots;
    uint32_t slot_count, slot_capacity, slot_free; /* slot 0 is never used */
    struct list machines;
    struct list ready, ready_late;
    struct heap timers;
    struct op *ops;                 /* a ring */
    uint32_t op_first, op_count, op_capacity;
    struct core_turn_block *turn;   /* the first one is being filled */
    struct core_turn_block *turn_spare;
    uint32_t turn_spare_count;
    struct random_stream secret;
    struct random_fast fast;
    uint64_t id_last;
    uint8_t node;
    uint64_t inflight_used[INFLIGHT_SLOTS / 64]; /* inflight.h */
    uint32_t inflight_last;
    struct trace_counters counters;

    struct messages *messages;      /* message.h */
    struct commit *commit;          /* commit.h */
    struct intakes *intakes;        /* intake.h */
    struct resolver *resolver;
    struct destinations *destinations;
    struct queue *queue;
    struct sessions *sessions;      /* session.h */
    struct attempts *attempts;      /* attempt.h */
    struct settles *settles;        /* settle.h */
    struct alerts *alerts;          /* alert.h */
    struct requests *requests;      /* request.h */
    struct refusal_phrases phrases; /* A13 */
    struct arena phrases_arena;
};

void core_init(struct engine *e, struct now now, const struct engine_options *options);
void core_done(struct engine *e); /* frees the machines that are left, by their kind, the last one added first */
/* Sets the turn's time and gives the event to the machine of its handle; false when there is none (an old answer). */
bool core_feed(struct engine *e, struct now now, const struct event *event);
void core_tick(struct engine *e); /* EVENT_TICK to every machine whose deadline has come */
bool core_next(struct engine *e, struct op *ret_op);
int64_t core_deadline_us(const struct engine *e);
