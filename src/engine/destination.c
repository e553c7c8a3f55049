#include <assert.h>

#include "base/arena.h"
#include "base/planted.h"
#include "engine/destination_work.h"
#include "engine/queue.h"

/* What waits for a destination to come back: everything but verdicts on a letter, and what stopped by its rests. */
#define COME_BACK_RULES                                                                                              \
    (QUEUE_NO_VERDICT | QUEUE_RULE(23) | QUEUE_RULE(24) | QUEUE_RULE(25) | QUEUE_RULE(26) | QUEUE_RULE(32) |         \
     QUEUE_RULE(35) | QUEUE_RULE(38))

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

static void machine_free(struct engine *e, struct machine *m)
{
    struct destinations *all = destinations_of(m);
    size_t position = 0;
    for (struct destination *d; (d = table_next(&all->by_name, &position)) != NULL;) {
        mem_free(d->failure);
        mem_free(d);
    }
    for (struct list_item *i; (i = list_first(&all->host_order)) != NULL;)
        destination_host_free(all, LIST_OWNER(i, struct host_memory, item));
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

bool destinations_quiet(const struct engine *e)
{
    size_t position = 0;
    for (const struct destination *d; (d = table_next(&e->destinations->by_name, &position)) != NULL;) {
        if (d->connections > 0 || !list_empty(&d->blocked))
            return false;
    }
    return e->destinations->connections == 0 && list_empty(&e->destinations->pool);
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

void destination_update_home(struct engine *e, struct destination *d)
{
    if (!d->shared_home)
        queue_home_limit(e->queue, d->home_key, room(e, d));
}

static int64_t sooner(int64_t a, int64_t b)
{
    return b && (!a || b < a) ? b : a;
}

void destination_update_timer(struct engine *e, struct destination *d)
{
    int64_t next_us = sooner(sooner(d->rest_until_us, d->slow_until_us), d->stale_us);
    if (destination_first_wait(d, DESTINATION_WANT_PACE))
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
        destination_update_home(e, d);
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
void destination_free_if_idle(struct engine *e, struct destination *d)
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

/* ---- what was remembered of a failure ---- */

static struct slice keep_text(char *to, size_t size, struct slice text)
{
    text = slice_part(text, 0, size);
    if (text.size)
        memcpy(to, text.data, text.size);
    return slice(to, text.size);
}

void destination_failure_set(struct destination_failure *failure, const struct outcome *outcome, uint16_t rule)
{
    failure->outcome = *outcome;
    failure->outcome.text = keep_text(failure->text, sizeof(failure->text), outcome->text);
    failure->outcome.host = keep_text(failure->host, sizeof(failure->host), outcome->host);
    failure->outcome.address = keep_text(failure->address, sizeof(failure->address), outcome->address);
    failure->rule = rule;
}

static void fail_with(struct engine *e, struct destination *d, const struct outcome *outcome, uint16_t rule)
{
    if (!d->failure)
        d->failure = mem_alloc(sizeof(*d->failure));
    destination_failure_set(d->failure, outcome, rule);
    d->failing = true;
    d->failed_us = e->now.wall_us;
    d->stale_us = e->now.monotonic_us + DESTINATION_STALE_US;
}

/* ---- messages ---- */

static bool may_probe(const struct engine *e, const struct destination *d, const struct destination_question *q)
{
    if (d->probing)
        return false;
    int64_t between_us = e->destinations->limits.probe_us;
    if (between_us > DESTINATION_PROBE_MAX_US)
        between_us = DESTINATION_PROBE_MAX_US;
    return q->id == d->prober || !d->tried_us || e->now.monotonic_us - d->tried_us >= between_us;
}

enum destination_answer destination_ask(struct engine *e, struct destination *d, const struct destination_question *q)
{
    if (destination_resting(e, d))
        return DESTINATION_FAIL;
    if (!d->failing)
        return DESTINATION_GO;
    if (may_probe(e, d, q))
        return DESTINATION_PROBE;
    if (d->probing && !e->destinations->limits.fallback)
        return DESTINATION_WAIT;
    /* After a refused login nobody but the probe may send one; else a new letter tries what is not remembered (A37). */
    return q->fresh && !d->rest_us ? DESTINATION_GO : DESTINATION_FAIL;
}

void destination_begin(struct engine *e, struct destination *d, uint64_t id, enum destination_answer answer)
{
    assert(answer != DESTINATION_WAIT);
    d->active++;
    if (answer == DESTINATION_FAIL) {
        d->fast++;
    } else if (answer == DESTINATION_PROBE) {
        assert(!d->probing);
        d->probing = d->prober = id;
        d->tried_us = e->now.monotonic_us;
    }
    destination_update_home(e, d);
}

void destination_end(struct engine *e, struct destination *d, uint64_t id, enum destination_answer answer)
{
    assert(d->active > 0);
    d->active--;
    if (answer == DESTINATION_FAIL) {
        assert(d->fast > 0);
        d->fast--;
    } else if (answer == DESTINATION_PROBE && d->probing == id) {
        d->probing = 0;
        d->tried_us = e->now.monotonic_us;
    }
    if (!planted(PLANTED_STALLED))
        destination_update_home(e, d);
    destination_free_if_idle(e, d);
}

void destination_works(struct engine *e, struct destination *d)
{
    if ((!d->failing && !d->rest_us) || d->unwelcome)
        return;
    d->failing = false;
    d->rest_us = d->rest_until_us = d->stale_us = 0;
    d->probing = d->prober = 0;
    d->tried_us = 0;
    forget_failure(d);
    destination_update_home(e, d);
    destination_update_timer(e, d);
    queue_home_wake(e->queue, d->home_key, COME_BACK_RULES);
}

void destination_failed(struct engine *e, struct destination *d, uint64_t id, const struct outcome *outcome,
                        uint16_t rule)
{
    (void)id;
    fail_with(e, d, outcome, rule);
    d->tried_us = e->now.monotonic_us;
    destination_update_home(e, d);
    destination_update_timer(e, d);
}

bool destination_rest(struct engine *e, struct destination *d, const struct outcome *outcome, uint16_t rule)
{
    if (destination_resting(e, d))
        return false;
    d->rest_us = d->rest_us ? d->rest_us * 2 : DESTINATION_REST_MIN_US;
    if (d->rest_us > DESTINATION_REST_MAX_US)
        d->rest_us = DESTINATION_REST_MAX_US;
    d->rest_until_us = e->now.monotonic_us + d->rest_us;
    d->unwelcome = d->unwelcome || outcome->stage > STAGE_AUTH;
    fail_with(e, d, outcome, rule);
    destination_update_home(e, d);
    destination_update_timer(e, d);
    return true;
}

bool destination_resting(const struct engine *e, const struct destination *d)
{
    return d->rest_until_us > e->now.monotonic_us;
}

/* ---- time ---- */

/* A domain that never answered keeps its place only as long as a letter waits for it. */
static void stale_check(struct engine *e, struct destination *d)
{
    bool waited_for = queue_home_waiting(e->queue, d->home_key) > 0 || queue_home_ready(e->queue, d->home_key) > 0;
    if (d->active || d->rest_until_us || waited_for) {
        d->stale_us = e->now.monotonic_us + DESTINATION_STALE_US;
        return;
    }
    d->failing = d->unwelcome = false;
    d->rest_us = d->stale_us = 0;
    d->prober = 0;
    forget_failure(d);
    destination_update_home(e, d);
}

static void destination_tick(struct engine *e, struct destination *d)
{
    int64_t now_us = e->now.monotonic_us;
    if (d->rest_until_us && d->rest_until_us <= now_us) {
        d->rest_until_us = 0;
        d->tried_us = 0; /* whoever comes next is the probe */
        destination_update_home(e, d);
        queue_home_wake_one(e->queue, e->now, d->home_key);
    }
    if (d->slow_until_us && d->slow_until_us <= now_us)
        destination_pace_raise(e, d);
    if (d->stale_us && d->stale_us <= now_us)
        stale_check(e, d);
    destination_grant_pace(e, d);
    destination_free_if_idle(e, d);
}

/* ---- the smart host's refusals (A23b) ---- */

bool destination_accepted(struct engine *e, struct destination *d, bool notice)
{
    destination_minute_roll(e, d);
    d->minute_count++;
    if (d->unwelcome) {
        d->unwelcome = false;
        destination_works(e, d);
    }
    if (notice) /* every refusal may cause one, that would end each row of them */
        return false;
    bool was = d->refusing;
    d->refusing = false;
    d->refusals = 0;
    d->refusal_senders = d->refusal_domains = false;
    return was;
}

bool destination_refused(struct engine *e, struct destination *d, uint64_t id, const struct outcome *outcome,
                         struct slice sender, struct slice domain)
{
    (void)e;
    if (d->refusals > 0 && !d->refusing &&
        (outcome->code != d->refusal_code || outcome->enhanced.class != d->refusal_enhanced.class ||
         outcome->enhanced.subject != d->refusal_enhanced.subject || outcome->enhanced.detail != d->refusal_enhanced.detail)) {
        d->refusals = 0;
        d->refusal_senders = d->refusal_domains = false;
    }
    uint32_t sender_hash = queue_hash(sender), domain_hash = queue_hash(domain);
    if (d->refusals == 0) {
        d->refusal_sender = sender_hash;
        d->refusal_domain = domain_hash;
        d->refusal_code = outcome->code;
        d->refusal_enhanced = outcome->enhanced;
    }
    d->refusal_senders = d->refusal_senders || sender_hash != d->refusal_sender;
    d->refusal_domains = d->refusal_domains || domain_hash != d->refusal_domain;
    if (d->refusals == 0 || (id != d->refusal_id && d->refusals < UINT32_MAX))
        d->refusals++;
    d->refusal_id = id;
    d->refusing = d->refusing || (d->refusals >= DESTINATION_REFUSALS_HOLD && d->refusal_senders && d->refusal_domains);
    return d->refusing;
}

/* ---- mended (A46) ---- */

static void forget_one(struct engine *e, struct destination *d)
{
    d->failing = d->unwelcome = false;
    d->prober = 0;
    d->tried_us = 0;
    d->rest_us = d->rest_until_us = 0;
    d->stale_us = e->now.monotonic_us + DESTINATION_STALE_US; /* should nobody come, it goes then */
    d->pause_us = d->pause_until_us = d->slow_until_us = 0;
    d->slowed_per_minute = 0;
    forget_failure(d);
    destination_update_home(e, d);
    destination_grant_pace(e, d);
}

void destination_forget(struct engine *e, struct destination *d)
{
    struct destinations *all = e->destinations;
    while (!list_empty(&all->host_order))
        destination_host_free(all, LIST_OWNER(list_first(&all->host_order), struct host_memory, item));
    if (d) {
        forget_one(e, d);
        return;
    }
    size_t position = 0;
    while ((d = table_next(&all->by_name, &position)) != NULL)
        forget_one(e, d);
}
