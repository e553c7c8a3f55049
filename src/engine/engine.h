/* The delivery engine: a value that is fed events and drained of operations.
 *
 * It owns all sessions, attempts, the queue in memory, destinations and the answers of the name server, and no socket,
 * file, thread, clock or random source. The driver (io/loop, sim/world) calls:
 *
 *     engine_feed(e, now, &event);               one event
 *     while (engine_next(e, &op)) carry_out(op); drain until false
 *     engine_deadline_us(e);                     when to feed EVENT_TICK
 *
 * Same seed, configuration and events give the same operations. Nothing here fails: what cannot be done is an outcome,
 * a reply or an alert. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/now.h"
#include "border/op.h"

struct engine;

struct engine_options {
    uint8_t seed[32];
    uint8_t node; /* below 64, part of every id */
    const struct config *config;
    const struct accounts *accounts;
    struct slice refusal_phrases; /* the data file of A13, one phrase a line */
    struct ip_address own_addresses[32]; /* of this machine's interfaces (A9) */
    size_t own_address_count;
    uint64_t last_id; /* the largest id the store knows: new ones are larger */
};

struct engine *engine_new(struct now now, const struct engine_options *options);
void engine_free(struct engine *e);

struct engine_accept {
    enum listener_kind listener;
    struct ip_address peer;
    struct ip_address local;
    struct slice peer_user; /* unix socket: the name of the peer's user, else "" */
};

/* A connection was accepted: the handle for all that concerns it. Always given; a session over a limit is answered 421
 * and closed by the engine. */
struct handle engine_accept(struct engine *e, struct now now, const struct engine_accept *accept);

void engine_feed(struct engine *e, struct now now, const struct event *event);
bool engine_next(struct engine *e, struct op *ret_op);
int64_t engine_deadline_us(const struct engine *e); /* monotonic; never DEADLINE_NEVER while anything is unfinished */
void engine_mended(struct engine *e);                 /* A46: what failed is tried again at once, paced */
/* Not available: the resolvers strip DNSSEC or answer it wrongly; validation is off, DANE with it, and an alert says so. */
void engine_dnssec(struct engine *e, bool available);
bool engine_stopped(const struct engine *e);        /* after EVENT_STOP: nothing is in flight any more */

/* ---- what can be told at once (admin/): read it between two events ---- */

struct alert; /* alert.h: alert_first, alert_next */

struct engine_status {
    int64_t uptime_us;
    bool loaded;                       /* the queue is read in */
    uint32_t queues[QUEUE_COUNT];      /* messages */
    uint32_t sessions_in, sessions_out;
    uint32_t attempts;
    uint64_t body_memory_bytes;
    uint64_t queue_memory_bytes;
    struct store_state store;
    const struct trace_counters *counters;
};

void engine_status(const struct engine *e, struct now now, struct engine_status *ret_status);
