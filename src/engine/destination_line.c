/* Who waits for his turn at a destination: pace (A38), connections of its own and of the common number. */
#include <assert.h>

#include "engine/destination_work.h"

/* ---- pace ---- */

static uint32_t pace_of(const struct destination *d)
{
    return d->slowed_per_minute ? d->slowed_per_minute : d->per_minute;
}

void destination_minute_roll(const struct engine *e, struct destination *d)
{
    if (e->now.monotonic_us - d->minute_us < US_PER_MINUTE)
        return;
    d->minute_last = e->now.monotonic_us - d->minute_us < 2 * US_PER_MINUTE ? d->minute_count : 0;
    d->minute_count = 0;
    d->minute_us = e->now.monotonic_us;
}

void destination_slow(struct engine *e, struct destination *d)
{
    if (d->pause_until_us > e->now.monotonic_us)
        return; /* what was under way when the pause began says the same */
    d->pause_us = d->pause_us ? d->pause_us * 2 : DESTINATION_PAUSE_MIN_US;
    if (d->pause_us > DESTINATION_PAUSE_MAX_US)
        d->pause_us = DESTINATION_PAUSE_MAX_US;
    d->pause_until_us = e->now.monotonic_us + d->pause_us;
    destination_minute_roll(e, d);
    uint32_t pace = pace_of(d);
    if (!pace)
        pace = d->minute_last > d->minute_count ? d->minute_last : d->minute_count;
    if (!pace)
        pace = PACE_UNKNOWN;
    d->slowed_per_minute = pace > 1 ? pace / 2 : 1;
    d->slow_until_us = e->now.monotonic_us + DESTINATION_SLOW_US;
    destination_update_timer(e, d);
}

void destination_pace_raise(struct engine *e, struct destination *d)
{
    d->pause_us = 0;
    d->slowed_per_minute *= 2;
    bool as_configured = d->per_minute && d->slowed_per_minute >= d->per_minute;
    if (as_configured || d->slowed_per_minute > 100 * PACE_UNKNOWN)
        d->slowed_per_minute = 0;
    d->slow_until_us = d->slowed_per_minute ? e->now.monotonic_us + DESTINATION_SLOW_US : 0;
}

static bool pace_free(const struct engine *e, const struct destination *d)
{
    return e->now.monotonic_us >= d->pause_until_us && e->now.monotonic_us >= d->pace_next_us;
}

static void pace_take(struct engine *e, struct destination *d)
{
    uint32_t pace = pace_of(d);
    d->pace_next_us = pace ? e->now.monotonic_us + US_PER_MINUTE / pace : 0;
}

/* ---- lines ---- */

struct destination_wait *destination_first_wait(const struct destination *d, enum destination_want want)
{
    for (struct list_item *i = list_first(&d->blocked); i; i = list_next(&d->blocked, i)) {
        struct destination_wait *wait = LIST_OWNER(i, struct destination_wait, item);
        if (wait->want == want)
            return wait;
    }
    return NULL;
}

static void wait_join(struct destination *d, struct destination_wait *wait, enum destination_want want)
{
    if (list_linked(&wait->item)) {
        assert(wait->destination == d && wait->want == want);
        return;
    }
    wait->destination = d;
    wait->want = want;
    wait->granted = false;
    list_append(&d->blocked, &wait->item);
}

static void wait_grant(struct engine *e, struct destination_wait *wait)
{
    list_remove(&wait->destination->blocked, &wait->item);
    wait->granted = true;
    machine_wake(e, wait->machine);
}

static bool wait_use(struct destination *d, struct destination_wait *wait, enum destination_want want)
{
    if (!wait->granted || wait->want != want)
        return false;
    assert(wait->destination == d);
    wait->granted = false;
    wait->want = DESTINATION_WANT_NOTHING;
    return true;
}

void destination_wait_init(struct destination_wait *wait, struct machine *machine)
{
    *wait = (struct destination_wait){ .machine = machine };
}

void destination_grant_pace(struct engine *e, struct destination *d)
{
    struct destination_wait *wait;
    while (pace_free(e, d) && (wait = destination_first_wait(d, DESTINATION_WANT_PACE)) != NULL) {
        pace_take(e, d);
        wait_grant(e, wait);
    }
    destination_update_timer(e, d);
}

bool destination_pace(struct engine *e, struct destination *d, struct destination_wait *wait)
{
    if (wait_use(d, wait, DESTINATION_WANT_PACE))
        return true;
    if (pace_free(e, d) && !destination_first_wait(d, DESTINATION_WANT_PACE)) {
        pace_take(e, d);
        return true;
    }
    wait_join(d, wait, DESTINATION_WANT_PACE);
    destination_update_timer(e, d);
    return false;
}

/* ---- connections ---- */

static bool connection_free(const struct destinations *all, const struct destination *d)
{
    return all->connections < DESTINATION_CONNECTIONS_MAX &&
           (!d->smarthost || all->pool_connections < all->limits.smarthost_connections);
}

static void connection_count(struct destinations *all, struct destination *d)
{
    d->connections++;
    all->connections++;
    all->pool_connections += d->smarthost;
}

static void connection_uncount(struct destinations *all, struct destination *d)
{
    assert(d->connections > 0 && all->connections > 0);
    d->connections--;
    all->connections--;
    all->pool_connections -= d->smarthost;
}

static void pool_leave(struct destinations *all, struct destination *d)
{
    if (list_linked(&d->of_pool))
        list_remove(&all->pool, &d->of_pool);
}

/* Its own waits, as far as its window and the common limits go; in the common line while only the latter hinder it. */
static void grant_connections(struct engine *e, struct destination *d)
{
    struct destinations *all = e->destinations;
    struct destination_wait *wait;
    while ((wait = destination_first_wait(d, DESTINATION_WANT_CONNECTION)) != NULL) {
        if (d->connections >= d->window)
            break;
        if (!connection_free(all, d)) {
            if (!list_linked(&d->of_pool))
                list_append(&all->pool, &d->of_pool);
            return;
        }
        connection_count(all, d);
        wait_grant(e, wait);
    }
    pool_leave(all, d);
}

/* A place has become free: its destination's own waits first come first, then the common line in turn. */
static void grant_all(struct engine *e, struct destination *d)
{
    struct destinations *all = e->destinations;
    grant_connections(e, d);
    size_t most = table_count(&all->by_name);
    for (struct list_item *i; most > 0 && (i = list_first(&all->pool)) != NULL; most--) {
        list_remove(&all->pool, i);
        grant_connections(e, LIST_OWNER(i, struct destination, of_pool));
    }
}

bool destination_connect(struct engine *e, struct destination *d, struct destination_wait *wait)
{
    struct destinations *all = e->destinations;
    if (wait_use(d, wait, DESTINATION_WANT_CONNECTION))
        return true;
    if (d->connections < d->window && connection_free(all, d) && !destination_first_wait(d, DESTINATION_WANT_CONNECTION)) {
        connection_count(all, d);
        return true;
    }
    wait_join(d, wait, DESTINATION_WANT_CONNECTION);
    if (d->connections < d->window && !list_linked(&d->of_pool))
        list_append(&all->pool, &d->of_pool);
    return false;
}

void destination_disconnect(struct engine *e, struct destination *d)
{
    connection_uncount(e->destinations, d);
    grant_all(e, d);
    destination_free_if_idle(e, d);
}

bool destination_lend(struct engine *e, struct destination *from, struct destination *to)
{
    if (from == to)
        return true;
    if (from->smarthost != to->smarthost || to->connections >= to->window)
        return false;
    struct destinations *all = e->destinations;
    connection_uncount(all, from);
    connection_count(all, to);
    grant_all(e, from);
    destination_free_if_idle(e, from);
    return true;
}

void destination_wait_cancel(struct engine *e, struct destination_wait *wait)
{
    struct destination *d = wait->destination;
    if (list_linked(&wait->item)) {
        list_remove(&d->blocked, &wait->item);
        if (!destination_first_wait(d, DESTINATION_WANT_CONNECTION))
            pool_leave(e->destinations, d);
        destination_update_timer(e, d);
        destination_free_if_idle(e, d);
    } else if (wait->granted) {
        enum destination_want want = wait->want;
        wait->granted = false;
        if (want == DESTINATION_WANT_CONNECTION) {
            destination_disconnect(e, d);
        } else {
            d->pace_next_us = 0; /* its turn goes to the next one */
            destination_grant_pace(e, d);
            destination_free_if_idle(e, d);
        }
    }
    wait->destination = NULL;
    wait->want = DESTINATION_WANT_NOTHING;
}

bool destination_wanted(const struct engine *e, const struct destination *d)
{
    if (destination_first_wait(d, DESTINATION_WANT_CONNECTION))
        return true;
    const struct destinations *all = e->destinations;
    for (struct list_item *i = list_first(&all->pool); i; i = list_next(&all->pool, i)) {
        if (LIST_OWNER(i, struct destination, of_pool)->smarthost == d->smarthost ||
            all->connections >= DESTINATION_CONNECTIONS_MAX)
            return true;
    }
    return false;
}
