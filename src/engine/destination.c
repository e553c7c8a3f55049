#include "engine/destination.h"

#include <assert.h>

#include "base/arena.h"
#include "base/table.h"
#include "engine/queue.h"

/* What waits for a destination to come back: everything but verdicts on a letter, and what stopped by its rests. */
#define COME_BACK_RULES                                                                                              \
    (QUEUE_NO_VERDICT | QUEUE_RULE(23) | QUEUE_RULE(24) | QUEUE_RULE(25) | QUEUE_RULE(26) | QUEUE_RULE(32) |         \
     QUEUE_RULE(35) | QUEUE_RULE(38))

enum { HOST_KEY_SIZE = 19, PACE_UNKNOWN = 30 };

struct host_memory {
    struct list_item item;
    char key[HOST_KEY_SIZE];
    int64_t until_us;
    struct destination_failure failure;
};

struct destinations {
    struct machine machine;
    struct table by_name;
    struct heap timers;
    struct destination_limits limits;
    uint32_t connections, pool_connections;
    struct list pool; /* destinations that wait for the common number of connections */
    struct table hosts;
    struct list host_order; /* the one remembered longest first */
    uint32_t timeout_hashes[DESTINATION_TIMEOUTS_ALERT];
    int64_t timeout_us[DESTINATION_TIMEOUTS_ALERT];
    uint32_t timeout_count;
    bool timeouts_told;
};

static void destination_tick(struct engine *e, struct destination *d);

/* ---- the machine: time ---- */

static struct destinations *destinations_of(struct machine *m)
{
    return (struct destinations *)(void *)((char *)m - offsetof(struct destinations, machine));
}

static void machine_feed(struct engine *e, struct machine *m, const struct event *event)
{
    struct destinations *all = destinations_of(m);
    (void)event;
    for (struct heap_item *item; (item = heap_first(&all->timers)) && item->key <= e->now.monotonic_us;) {
        heap_remove(&all->timers, item);
        destination_tick(e, LIST_OWNER(item, struct destination, timer));
    }
}

static bool machine_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    (void)e;
    (void)m;
    (void)ret_op;
    return false;
}

static int64_t machine_deadline_us(const struct engine *e, const struct machine *m)
{
    (void)m;
    const struct heap_item *item = heap_first(&e->destinations->timers);
    return item ? item->key : DEADLINE_NEVER;
}

static void host_free(struct destinations *all, struct host_memory *host)
{
    list_remove(&all->host_order, &host->item);
    table_remove_slice(&all->hosts, slice(host->key, HOST_KEY_SIZE));
    mem_free(host);
}

static void machine_free(struct engine *e, struct machine *m)
{
    struct destinations *all = destinations_of(m);
    size_t position = 0;
    for (struct destination *d; (d = table_next(&all->by_name, &position)) != NULL;) {
        mem_free(d->failure);
        mem_free(d);
    }
    for (struct list_item *i; (i = list_first(&all->host_order)) != NULL;)
        host_free(all, LIST_OWNER(i, struct host_memory, item));
    table_done(&all->by_name);
    table_done(&all->hosts);
    heap_done(&all->timers);
    mem_free(all);
    e->destinations = NULL;
}

static const struct machine_kind kind = {
    .name = "destinations", .may_sleep = true, .feed = machine_feed, .next = machine_next,
    .deadline_us = machine_deadline_us, .free = machine_free,
};

void destinations_init(struct engine *e)
{
    struct destinations *all = mem_alloc(sizeof(*all));
    uint64_t key[2];
    engine_random(e, key, sizeof(key));
    table_init(&all->by_name, key);
    table_init(&all->hosts, key);
    heap_init(&all->timers);
    list_init(&all->pool);
    list_init(&all->host_order);
    all->limits = (struct destination_limits){ .connections = 20, .smarthost_connections = 5,
                                               .memory_us = 5 * US_PER_MINUTE, .probe_us = 5 * US_PER_MINUTE };
    e->destinations = all;
    machine_add(e, &all->machine, &kind);
}

/* ---- limits ---- */

/* How many more messages the queue may hand out for this destination. */
static uint32_t room(const struct engine *e, const struct destination *d)
{
    const struct destinations *all = e->destinations;
    if (d->rest_until_us || (d->failing && !d->probing))
        return d->fast < DESTINATION_FAST_FAILS ? DESTINATION_FAST_FAILS - d->fast : 0;
    if (d->failing && !all->limits.fallback)
        return 0;
    uint32_t most = d->window * DESTINATION_AHEAD;
    return d->active < most ? most - d->active : 0;
}

static void update_home(struct engine *e, struct destination *d)
{
    if (!d->shared_home)
        queue_home_limit(e->queue, d->home_key, room(e, d));
}

static int64_t sooner(int64_t a, int64_t b)
{
    return b && (!a || b < a) ? b : a;
}

static void update_timer(struct engine *e, struct destination *d)
{
    int64_t next_us = sooner(d->rest_until_us, d->slow_until_us);
    struct list_item *first = list_first(&d->blocked);
    if (first && LIST_OWNER(first, struct destination_wait, item)->want == DESTINATION_WANT_PACE)
        next_us = sooner(next_us, d->pause_until_us > d->pace_next_us ? d->pause_until_us : d->pace_next_us);
    if (next_us)
        heap_set(&e->destinations->timers, &d->timer, next_us);
    else
        heap_remove(&e->destinations->timers, &d->timer);
    machine_wake(e, &e->destinations->machine);
}

static uint32_t window_of(const struct destinations *all, bool smarthost)
{
    return smarthost ? all->limits.smarthost_connections : all->limits.connections;
}

void destinations_configure(struct engine *e, const struct destination_limits *limits)
{
    struct destinations *all = e->destinations;
    assert(limits->connections > 0 && limits->smarthost_connections > 0);
    all->limits = *limits;
    size_t position = 0;
    for (struct destination *d; (d = table_next(&all->by_name, &position)) != NULL;) {
        d->window = window_of(all, d->smarthost);
        d->per_minute = d->smarthost ? limits->smarthost_per_minute : 0;
        if (d->slowed_per_minute && d->per_minute && d->slowed_per_minute >= d->per_minute)
            d->slowed_per_minute = 0;
        update_home(e, d);
    }
}

/* ---- coming and going ---- */

uint32_t destination_home_key(struct slice name, bool smarthost)
{
    (void)smarthost; /* a smart host's name has a blank in it: no domain is called so */
    return queue_hash(name);
}

struct destination *destination_find(struct engine *e, struct slice name)
{
    return table_get_slice(&e->destinations->by_name, name);
}

struct destination *destination_get(struct engine *e, struct slice name, bool smarthost)
{
    struct destinations *all = e->destinations;
    assert(name.size > 0 && name.size <= DESTINATION_NAME_SIZE_MAX);
    struct destination *d = destination_find(e, name);
    if (d)
        return d;
    d = mem_alloc(sizeof(*d) + name.size);
    memcpy(d + 1, name.data, name.size);
    d->name = slice(d + 1, name.size);
    d->smarthost = smarthost;
    d->window = window_of(all, smarthost);
    d->per_minute = smarthost ? all->limits.smarthost_per_minute : 0;
    d->home_key = destination_home_key(name, smarthost);
    list_init(&d->blocked);
    d->shared_home = queue_home_pinned(e->queue, d->home_key);
    if (!d->shared_home)
        queue_home_pin(e->queue, d->home_key, room(e, d));
    table_put_slice(&all->by_name, d->name, d);
    return d;
}

static void forget_failure(struct destination *d)
{
    mem_free(d->failure);
    d->failure = NULL;
}

/* Gone when nothing is under way and nothing is worth remembering. */
static void free_if_idle(struct engine *e, struct destination *d)
{
    struct destinations *all = e->destinations;
    bool paced = d->pace_next_us > e->now.monotonic_us || d->pause_until_us > e->now.monotonic_us || d->slow_until_us;
    if (d->active || d->connections || !list_empty(&d->blocked) || d->failing || d->rest_us || d->refusals ||
        d->refusing || paced || heap_first(&all->timers) == &d->timer || d->timer.position)
        return;
    if (!d->shared_home)
        queue_home_unpin(e->queue, d->home_key);
    table_remove_slice(&all->by_name, d->name);
    if (list_linked(&d->of_pool))
        list_remove(&all->pool, &d->of_pool);
    forget_failure(d);
    mem_free(d);
}
