/* Destinations: who may go now, who waits, who is told at once; rests, pace and memories; and under random use no turn is
 * lost, no limit passed, nothing kept for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "engine/destination.h"
#include "engine/destination_work.h"
#include "engine/queue.h"

struct bench {
    struct engine engine;
    struct queue queue;
    struct machine machine; /* of everybody who waits here */
};

static struct bench b;

static const struct outcome refused = { .class = OUTCOME_TEMP, .stage = STAGE_CONNECT, .cause = OUTCOME_CAUSE_REFUSED };
static const struct destination_limits plain = {
    .connections = 2, .smarthost_connections = 3, .probe_us = 5 * US_PER_MINUTE, .memory_us = 5 * US_PER_MINUTE
};

static void machine_feed(struct engine *e, struct machine *m, const struct event *event) {}

static bool machine_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    return false;
}

static int64_t machine_deadline_us(const struct engine *e, const struct machine *m)
{
    return DEADLINE_NEVER;
}

static void machine_free(struct engine *e, struct machine *m) {}

static const struct machine_kind kind = {
    .name = "waits",
    .may_sleep = true,
    .feed = machine_feed,
    .next = machine_next,
    .deadline_us = machine_deadline_us,
    .free = machine_free,
};

static void go_to(int64_t monotonic_us)
{
    struct op op;
    assert_true(monotonic_us >= b.engine.now.monotonic_us);
    b.engine.now = (struct now){ monotonic_us, INT64_C(1795529580000000) + monotonic_us };
    core_tick(&b.engine);
    while (core_next(&b.engine, &op))
        fail_msg("a destination has no operations");
}

static void pass(int64_t us)
{
    go_to(b.engine.now.monotonic_us + us);
}

static void bench_init(const struct destination_limits *limits)
{
    struct engine_options options = { .seed = { 5 } };
    struct now now = { US_PER_HOUR, INT64_C(1795529580000000) };
    memset(&b, 0, sizeof b);
    core_init(&b.engine, now, &options);
    queue_init(&b.queue);
    b.engine.queue = &b.queue;
    destinations_init(&b.engine);
    machine_add(&b.engine, &b.machine, &kind);
    destinations_configure(&b.engine, limits);
    pass(0);
}

static void bench_done(void)
{
    core_done(&b.engine);
    queue_done(&b.queue);
}

static struct destination *get(const char *name)
{
    return destination_get(&b.engine, slice_of(name), slice_find(slice_of(name), ' ') < strlen(name));
}

static bool there(const char *name)
{
    return destination_find(&b.engine, slice_of(name)) != NULL;
}

/* ---- connections ---- */

static void test_connections_come_in_turn(void **state)
{
    struct destination_wait waits[4];
    bench_init(&plain);
    struct destination *d = get("y.org");
    for (int i = 0; i < 4; i++)
        destination_wait_init(&waits[i], &b.machine);
    assert_true(destination_connect(&b.engine, d, &waits[0]));
    assert_true(destination_connect(&b.engine, d, &waits[1]));
    assert_false(destination_connect(&b.engine, d, &waits[2]));
    assert_false(destination_connect(&b.engine, d, &waits[3]));
    assert_false(destination_connect(&b.engine, d, &waits[2])); /* asking again keeps its place */
    assert_true(destination_wanted(&b.engine, d) && d->connections == 2);
    destination_disconnect(&b.engine, d);
    assert_true(waits[2].granted && !waits[3].granted && d->connections == 2);
    destination_wait_cancel(&b.engine, &waits[2]); /* it has gone meanwhile: the next one's turn */
    assert_true(waits[3].granted && d->connections == 2);
    assert_true(destination_connect(&b.engine, d, &waits[3]));
    assert_false(destination_wanted(&b.engine, d));
    destination_disconnect(&b.engine, d);
    destination_disconnect(&b.engine, d);
    assert_false(there("y.org")); /* nothing is worth remembering */
    bench_done();
}

static void test_the_common_number(void **state)
{
    static const char *const names[] = { "relay one", "relay two", "relay three" };
    struct destination_wait waits[6];
    struct destination *d[3];
    bench_init(&plain);
    for (int i = 0; i < 3; i++)
        d[i] = get(names[i]);
    for (int i = 0; i < 6; i++)
        destination_wait_init(&waits[i], &b.machine);
    for (int i = 0; i < 3; i++)
        assert_true(destination_connect(&b.engine, d[0], &waits[0])); /* all three are one login's */
    assert_false(destination_connect(&b.engine, d[1], &waits[1]));
    assert_false(destination_connect(&b.engine, d[2], &waits[2]));
    assert_false(destination_connect(&b.engine, d[1], &waits[3]));
    assert_true(destination_wanted(&b.engine, d[0])); /* an idle one of it is in others' way */
    destination_disconnect(&b.engine, d[0]);
    assert_true(waits[1].granted && !waits[2].granted && !waits[3].granted);
    destination_disconnect(&b.engine, d[0]);
    destination_disconnect(&b.engine, d[0]);
    assert_true(waits[2].granted && waits[3].granted);
    for (int i = 1; i < 4; i++)
        assert_true(destination_connect(&b.engine, i == 2 ? d[2] : d[1], &waits[i]));
    destination_disconnect(&b.engine, d[1]);
    destination_disconnect(&b.engine, d[1]);
    destination_disconnect(&b.engine, d[2]);
    assert_false(there(names[0]) || there(names[1]) || there(names[2]));
    bench_done();
}

static void test_lending(void **state)
{
    struct destination_wait wait;
    bench_init(&plain);
    struct destination *from = get("a.org"), *to = get("b.org"), *smart = get("relay login");
    destination_wait_init(&wait, &b.machine);
    assert_true(destination_connect(&b.engine, from, &wait));
    assert_true(destination_lend(&b.engine, from, from));
    assert_false(destination_lend(&b.engine, from, smart));
    assert_true(destination_lend(&b.engine, from, to));
    assert_false(there("a.org"));
    assert_int_equal(to->connections, 1);
    from = get("a.org");
    assert_true(destination_connect(&b.engine, to, &wait) && destination_connect(&b.engine, from, &wait));
    assert_false(destination_lend(&b.engine, from, to)); /* its window is full */
    bench_done();
}

/* ---- pace ---- */

static void test_pace(void **state)
{
    struct destination_limits limits = plain;
    struct destination_wait waits[3];
    limits.smarthost_per_minute = 60;
    bench_init(&limits);
    struct destination *d = get("relay login"), *direct = get("y.org");
    for (int i = 0; i < 3; i++)
        destination_wait_init(&waits[i], &b.machine);
    assert_true(destination_pace(&b.engine, d, &waits[0]));
    assert_false(destination_pace(&b.engine, d, &waits[1]));
    assert_false(destination_pace(&b.engine, d, &waits[2]));
    for (int i = 0; i < 100; i++)
        assert_true(destination_pace(&b.engine, direct, &waits[0])); /* no pace of its own */
    pass(US_PER_SECOND - 1);
    assert_false(waits[1].granted);
    pass(1);
    assert_true(waits[1].granted && !waits[2].granted);
    destination_wait_cancel(&b.engine, &waits[1]); /* its turn goes to the next one, at once */
    assert_true(waits[2].granted);
    assert_true(destination_pace(&b.engine, d, &waits[2]));
    bench_done();
}

static void test_complaints(void **state)
{
    static const int64_t pauses_s[] = { 10, 20, 40, 80, 160, 320, 600, 600 };
    struct destination_limits limits = plain;
    struct destination_wait wait;
    limits.smarthost_per_minute = 60;
    bench_init(&limits);
    struct destination *d = get("relay login");
    destination_wait_init(&wait, &b.machine);
    uint32_t pace = 60;
    for (size_t i = 0; i < sizeof pauses_s / sizeof pauses_s[0]; i++) {
        destination_slow(&b.engine, d);
        destination_slow(&b.engine, d); /* what was under way says the same */
        pace = pace > 1 ? pace / 2 : 1;
        assert_int_equal(d->slowed_per_minute, pace);
        assert_false(destination_pace(&b.engine, d, &wait));
        pass(pauses_s[i] * US_PER_SECOND - 1);
        assert_false(wait.granted);
        pass(1);
        assert_true(wait.granted && destination_pace(&b.engine, d, &wait));
    }
    for (int i = 0; i < 12; i++) /* no complaint any more: doubled until it is as configured */
        pass(DESTINATION_SLOW_US);
    assert_false(there("relay login"));
    d = get("relay login");
    destination_slow(&b.engine, d);
    assert_int_equal(d->pause_us, DESTINATION_PAUSE_MIN_US);
    assert_int_equal(d->slowed_per_minute, 30);
    bench_done();
}

/* ---- failing ---- */

static enum destination_answer ask(struct destination *d, uint64_t id, bool fresh)
{
    struct destination_question q = { .id = id, .fresh = fresh };
    return destination_ask(&b.engine, d, &q);
}

static void test_one_probes(void **state)
{
    for (int fallback = 0; fallback < 2; fallback++) {
        struct destination_limits limits = plain;
        limits.fallback = fallback;
        bench_init(&limits);
        struct destination *d = get("y.org");
        assert_int_equal(ask(d, 1, true), DESTINATION_GO);
        destination_begin(&b.engine, d, 1, DESTINATION_GO);
        destination_failed(&b.engine, d, 1, &refused, 10);
        destination_end(&b.engine, d, 1, DESTINATION_GO);
        assert_true(there("y.org") && d->failure->rule == 10);
        assert_int_equal(ask(d, 1, false), DESTINATION_FAIL); /* just tried: told at once */
        assert_int_equal(ask(d, 2, true), DESTINATION_GO);    /* a new one really tries (A37) */
        pass(5 * US_PER_MINUTE);
        assert_int_equal(ask(d, 3, false), DESTINATION_PROBE);
        destination_begin(&b.engine, d, 3, DESTINATION_PROBE);
        assert_int_equal(ask(d, 1, false), fallback ? DESTINATION_FAIL : DESTINATION_WAIT);
        destination_failed(&b.engine, d, 3, &refused, 10);
        destination_end(&b.engine, d, 3, DESTINATION_PROBE);
        assert_int_equal(ask(d, 1, false), DESTINATION_FAIL);
        assert_int_equal(ask(d, 3, false), DESTINATION_PROBE); /* who probed last has his own interval */
        destination_begin(&b.engine, d, 3, DESTINATION_PROBE);
        destination_works(&b.engine, d);
        destination_end(&b.engine, d, 3, DESTINATION_PROBE);
        assert_false(there("y.org"));
        bench_done();
    }
}

static void add_stub(uint64_t id, const char *domain)
{
    struct store_stub stub = { .id = id,
                               .due_us = b.engine.now.wall_us + US_PER_DAY,
                               .destination = queue_hash(slice_of(domain)) };
    stub.envelope.size = 1;
    queue_add(&b.queue, b.engine.now, &stub);
}

static void test_who_comes_back_wakes_the_others(void **state)
{
    bench_init(&plain);
    struct destination *d = get("y.org");
    for (uint64_t id = 1; id <= 10; id++)
        add_stub(id, "y.org");
    add_stub(11, "z.org");
    destination_begin(&b.engine, d, 99, DESTINATION_GO);
    destination_failed(&b.engine, d, 99, &refused, 10);
    assert_int_equal(queue_home_waiting(&b.queue, d->home_key), 10);
    destination_works(&b.engine, d);
    queue_tick(&b.queue, b.engine.now);
    assert_int_equal(queue_home_ready(&b.queue, d->home_key), 10);
    assert_int_equal(queue_home_waiting(&b.queue, queue_hash(SLICE("z.org"))), 1);
    destination_end(&b.engine, d, 99, DESTINATION_GO);
    bench_done();
}

static void test_rests(void **state)
{
    static const int64_t minutes[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
    bench_init(&plain);
    struct destination *d = get("relay login");
    add_stub(1, "y.org");
    for (size_t i = 0; i < sizeof minutes / sizeof minutes[0]; i++) {
        assert_true(destination_rest(&b.engine, d, &refused, 25));
        assert_false(destination_rest(&b.engine, d, &refused, 25)); /* rests already */
        assert_int_equal(ask(d, 1, true), DESTINATION_FAIL);
        pass(minutes[i] * US_PER_MINUTE - 1);
        assert_true(destination_resting(&b.engine, d));
        pass(1);
        assert_false(destination_resting(&b.engine, d));
        assert_int_equal(ask(d, 1 + i, false), DESTINATION_PROBE); /* whoever comes first */
        destination_begin(&b.engine, d, 1 + i, DESTINATION_PROBE);
        assert_int_equal(ask(d, 100, true), DESTINATION_WAIT); /* nobody else sends the login */
        destination_end(&b.engine, d, 1 + i, DESTINATION_PROBE);
        assert_int_equal(ask(d, 100, true), DESTINATION_FAIL);
    }
    destination_forget(&b.engine, NULL); /* A46 */
    assert_int_equal(ask(d, 1, false), DESTINATION_GO);
    destination_rest(&b.engine, d, &refused, 25);
    assert_true(d->rest_us == DESTINATION_REST_MIN_US);
    bench_done();
}

/* A23b: five letters running, from two senders to two domains at least. */
static const struct outcome no_such_user = { .class = OUTCOME_PERM, .stage = STAGE_RCPT, .cause = OUTCOME_CAUSE_REPLY,
                                             .code = 550, .enhanced = { 5, 1, 1 } };
static const struct outcome not_wanted = { .class = OUTCOME_PERM, .stage = STAGE_RCPT, .cause = OUTCOME_CAUSE_REPLY,
                                           .code = 550, .enhanced = { 5, 7, 1 } };

static bool refuse(struct destination *d, uint64_t id, const struct outcome *o, const char *sender, const char *domain)
{
    return destination_refused(&b.engine, d, id, o, slice_of(sender), slice_of(domain));
}

static void test_refusals(void **state)
{
    bench_init(&plain);
    struct destination *d = get("relay login");
    uint64_t id = 1;
    for (int i = 0; i < 20; i++)
        assert_false(refuse(d, id++, &not_wanted, "a@x.org", i % 2 ? "y.org" : "z.org"));
    assert_true(refuse(d, id++, &not_wanted, "b@x.org", "y.org"));
    assert_true(refuse(d, id++, &not_wanted, "a@x.org", "y.org"));
    assert_true(refuse(d, id++, &no_such_user, "a@x.org", "y.org")); /* held is held */
    assert_false(destination_accepted(&b.engine, d, true));
    assert_true(d->refusing);
    assert_true(destination_accepted(&b.engine, d, false));
    assert_false(destination_accepted(&b.engine, d, false));
    for (int i = 0; i < 4; i++)
        assert_false(refuse(d, id++, &not_wanted, i % 2 ? "a@x.org" : "b@x.org", i % 2 ? "y.org" : "z.org"));
    assert_false(destination_accepted(&b.engine, d, false)); /* one between: they count anew */
    for (int i = 0; i < 4; i++)
        assert_false(refuse(d, id++, &not_wanted, i % 2 ? "a@x.org" : "b@x.org", i % 2 ? "y.org" : "z.org"));
    assert_false(destination_accepted(&b.engine, d, true)); /* a notice of our own does not count */
    assert_true(refuse(d, id++, &not_wanted, "a@x.org", "y.org"));
    bench_done();
}

/* One letter to many wrong addresses is one refusal, and it takes the same 5xx each time. */
static void test_refusals_count_letters(void **state)
{
    bench_init(&plain);
    struct destination *d = get("relay login");
    for (int i = 0; i < 50; i++)
        assert_false(refuse(d, 1, &no_such_user, "a@x.org", i % 2 ? "y.org" : "z.org"));
    for (int i = 0; i < 50; i++)
        assert_false(refuse(d, 2, &no_such_user, "b@x.org", i % 2 ? "y.org" : "z.org"));
    for (uint64_t id = 3; id < 30; id++)
        assert_false(refuse(d, id, id % 3 ? &no_such_user : &not_wanted, id % 2 ? "a@x.org" : "b@x.org",
                            id % 2 ? "y.org" : "z.org"));
    for (uint64_t id = 30; id < 34; id++)
        assert_false(refuse(d, id, &not_wanted, id % 2 ? "a@x.org" : "b@x.org", id % 2 ? "y.org" : "z.org"));
    assert_true(refuse(d, 34, &not_wanted, "a@x.org", "y.org"));
    bench_done();
}

/* ---- addresses ---- */

static struct ip_address address_of(uint32_t number, uint16_t port)
{
    struct ip_address a = { .family = 4, .port = port };
    memcpy(a.octets, &number, 4);
    return a;
}

static void test_hosts(void **state)
{
    struct destination_limits limits = plain;
    bench_init(&limits);
    struct ip_address a = address_of(1, 25), other_port = address_of(1, 26), v6 = a;
    v6.family = 6;
    assert_null(destination_host_failure(&b.engine, &a));
    destination_host_failed(&b.engine, &a, &refused);
    assert_int_equal(destination_host_failure(&b.engine, &a)->outcome.cause, OUTCOME_CAUSE_REFUSED);
    assert_null(destination_host_failure(&b.engine, &other_port));
    assert_null(destination_host_failure(&b.engine, &v6));
    pass(5 * US_PER_MINUTE - 1);
    assert_non_null(destination_host_failure(&b.engine, &a));
    destination_host_failed(&b.engine, &a, &refused); /* again: five minutes from now */
    pass(5 * US_PER_MINUTE - 1);
    assert_non_null(destination_host_failure(&b.engine, &a));
    pass(1);
    assert_null(destination_host_failure(&b.engine, &a));
    destination_host_failed(&b.engine, &a, &refused);
    destination_host_works(&b.engine, &a);
    assert_null(destination_host_failure(&b.engine, &a));
    for (uint32_t i = 0; i < DESTINATION_HOSTS_MAX + 100; i++) {
        a = address_of(i, 25);
        destination_host_failed(&b.engine, &a, &refused);
    }
    assert_true(table_count(&b.engine.destinations->hosts) == DESTINATION_HOSTS_MAX);
    a = address_of(99, 25); /* the first hundred had to go */
    assert_null(destination_host_failure(&b.engine, &a));
    a = address_of(100, 25);
    assert_non_null(destination_host_failure(&b.engine, &a));
    destination_forget(&b.engine, NULL);
    assert_null(destination_host_failure(&b.engine, &a));
    limits.memory_us = 0;
    destinations_configure(&b.engine, &limits);
    destination_host_failed(&b.engine, &a, &refused);
    assert_null(destination_host_failure(&b.engine, &a));
    bench_done();
}

/* A10b: ten destinations in ten minutes, and none that connects. */
static void test_port_25_is_closed(void **state)
{
    char name[16];
    bench_init(&plain);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 9; i++) {
            snprintf(name, sizeof name, "d%d.org", i);
            assert_false(destination_timed_out(&b.engine, get(name)));
            assert_false(destination_timed_out(&b.engine, get(name))); /* the same one counts once */
        }
        if (round == 0) {
            pass(DESTINATION_TIMEOUTS_WINDOW_US + 1); /* too long ago */
            assert_false(destination_timed_out(&b.engine, get("last.org")));
        } else {
            assert_true(destination_timed_out(&b.engine, get("last.org")));
            assert_false(destination_timed_out(&b.engine, get("more.org"))); /* told once */
        }
        destination_connects(&b.engine);
    }
    bench_done();
}

/* ---- no memory for ever ---- */

static void fail_once(const char *name)
{
    struct destination *d = get(name);
    destination_begin(&b.engine, d, 1, DESTINATION_GO);
    destination_failed(&b.engine, d, 1, &refused, 10);
    destination_end(&b.engine, d, 1, DESTINATION_GO);
}

static void test_what_nobody_waits_for_is_forgotten(void **state)
{
    char name[32];
    bench_init(&plain);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "gone%d.org", i);
        fail_once(name);
    }
    add_stub(7, "waited-for.org");
    fail_once("waited-for.org");
    struct destination *login = get("relay login");
    destination_rest(&b.engine, login, &refused, 25);
    assert_true(there("gone0.org") && there("waited-for.org") && there("relay login"));
    for (int hour = 0; hour < 6; hour++)
        pass(US_PER_HOUR);
    assert_false(there("gone0.org") || there("gone999.org") || there("relay login"));
    assert_true(there("waited-for.org"));
    queue_remove(&b.queue, queue_find(&b.queue, 7));
    for (int hour = 0; hour < 6; hour++)
        pass(US_PER_HOUR);
    assert_false(there("waited-for.org"));
    fail_once("mended.org");
    destination_forget(&b.engine, NULL);
    for (int hour = 0; hour < 6; hour++)
        pass(US_PER_HOUR);
    assert_int_equal(table_count(&b.engine.destinations->by_name), 0);
    bench_done();
}

/* ---- everything at random ---- */

enum { GOERS = 60, NAMES = 6 };

struct goer {
    struct destination_wait wait;
    struct destination *d;
    enum { G_IDLE, G_PACE, G_CONNECT, G_OPEN } at;
    bool asked; /* and was refused: waits */
};

static void goer_step(struct goer *g, struct random_fast *random)
{
    static const char *const names[NAMES] = { "a.org", "b.org", "c.org", "relay one", "relay two", "relay three" };
    uint64_t id = (uint64_t)(uintptr_t)g;
    if (g->at == G_IDLE) {
        g->d = get(names[random_fast_below(random, NAMES)]);
        destination_begin(&b.engine, g->d, id, DESTINATION_GO);
        g->at = G_PACE;
    }
    bool waits = g->asked && !g->wait.granted;
    if (g->at != G_OPEN && waits && random_fast_below(random, 30) > 0)
        return;
    if (g->at != G_OPEN && random_fast_below(random, 20) == 0) { /* gives up, granted or not */
        destination_wait_cancel(&b.engine, &g->wait);
    } else if (g->at == G_PACE) {
        g->asked = !destination_pace(&b.engine, g->d, &g->wait);
        g->at = g->asked ? G_PACE : G_CONNECT;
        return;
    } else if (g->at == G_CONNECT) {
        g->asked = !destination_connect(&b.engine, g->d, &g->wait);
        g->at = g->asked ? G_CONNECT : G_OPEN;
        return;
    } else {
        destination_disconnect(&b.engine, g->d);
    }
    destination_end(&b.engine, g->d, id, DESTINATION_GO);
    g->at = G_IDLE;
    g->asked = false;
}

static void check_limits(const struct goer *goers)
{
    const struct destinations *all = b.engine.destinations;
    uint32_t pool = 0, sum = 0, counted = 0;
    size_t position = 0;
    for (struct destination *d; (d = table_next(&all->by_name, &position)) != NULL;) {
        assert_true(d->connections <= d->window);
        sum += d->connections;
        pool += d->smarthost ? d->connections : 0;
    }
    for (int i = 0; i < GOERS; i++)
        counted += goers[i].at == G_OPEN || (goers[i].at == G_CONNECT && goers[i].wait.granted);
    assert_true(sum == all->connections && pool == all->pool_connections && sum == counted && pool <= 3);
}

static void test_no_turn_is_lost(void **state)
{
    static struct goer goers[GOERS];
    struct destination_limits limits = plain;
    struct random_fast random;
    limits.smarthost_per_minute = 600;
    bench_init(&limits);
    random_fast_init(&random, 3);
    memset(goers, 0, sizeof goers);
    for (int i = 0; i < GOERS; i++)
        destination_wait_init(&goers[i].wait, &b.machine);
    for (int round = 0; round < 60000; round++) {
        goer_step(&goers[random_fast_below(&random, GOERS)], &random);
        if (random_fast_below(&random, 500) == 0)
            destination_slow(&b.engine, get("relay two"));
        if (random_fast_below(&random, 4) == 0)
            pass((int64_t)random_fast_below(&random, US_PER_SECOND));
        check_limits(goers);
    }
    for (int i = 0; i < GOERS; i++) /* whoever is in finishes; then nobody may wait for ever */
        for (int turn = 0; turn < 100000 && goers[i].at != G_IDLE; turn++) {
            for (int j = 0; j < GOERS; j++)
                if (goers[j].at != G_IDLE && (!goers[j].asked || goers[j].wait.granted))
                    goer_step(&goers[j], &random);
            if (core_deadline_us(&b.engine) != DEADLINE_NEVER &&
                core_deadline_us(&b.engine) > b.engine.now.monotonic_us)
                go_to(core_deadline_us(&b.engine));
        }
    for (int i = 0; i < GOERS; i++)
        assert_int_equal(goers[i].at, G_IDLE);
    check_limits(goers);
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections_come_in_turn),
        cmocka_unit_test(test_the_common_number),
        cmocka_unit_test(test_lending),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_one_probes),
        cmocka_unit_test(test_who_comes_back_wakes_the_others),
        cmocka_unit_test(test_rests),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusals_count_letters),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_port_25_is_closed),
        cmocka_unit_test(test_what_nobody_waits_for_is_forgotten),
        cmocka_unit_test(test_no_turn_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
