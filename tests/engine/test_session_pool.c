/* The pool of sessions: limits, lines, memory, cancels, the end; then everything at random. */
#include "session_bench.h"

static struct engine *const e = &b.engine;

/* Many letters at a time for one host: few connections, no pause between the letters. */
static void test_flood(void **state)
{
    (void)state;
    for (uint32_t chunk = 0; chunk < 8; chunk += 7) {
        bench_init();
        b.chunk = chunk;
        b.servers[1].offers = "250-PIPELINING\r\n";
        for (uint32_t i = 0; i < 60; i++)
            submit(letter_new(1, "a.test", 1));
        run();
        pass(US_PER_SECOND);
        for (uint32_t i = 0; i < 60; i++)
            expect_ok(&b.letters[i]);
        assert_int_equal(b.servers[1].messages, 60);
        assert_in_range(b.servers[1].connections, 2, 20);
        bench_done();
    }
}

static void test_patience(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].dot = "";
    letter_send(1, "a.test");
    letter_send(1, "a.test"); /* waits for the one that is busy ... */
    assert_int_equal(b.servers[1].connections, 1);
    pass(SESSION_PATIENCE_US - 1);
    assert_int_equal(b.servers[1].connections, 1);
    pass(1);
    assert_int_equal(b.servers[1].connections, 2); /* ... not for ever */
    letter_send(1, "a.test");
    letter_send(1, "a.test");
    letter_send(1, "a.test");
    assert_int_equal(b.servers[1].connections, 2);
    letter_send(1, "a.test"); /* two wait for each */
    assert_int_equal(b.servers[1].connections, 3);
    bench_done();
}

/* ---- the pool's limits ---- */

static void limits(uint32_t connections, uint32_t smarthost_connections, uint32_t per_minute)
{
    const struct destination_limits limits = {
        .connections = connections, .smarthost_connections = smarthost_connections, .smarthost_per_minute = per_minute,
        .memory_us = 5 * US_PER_MINUTE, .probe_us = 5 * US_PER_MINUTE,
    };
    destinations_configure(e, &limits);
}

static void test_connections(void **state)
{
    (void)state;
    bench_init();
    limits(2, 2, 0);
    for (uint32_t i = 0; i < 20; i++)
        submit(letter_new(1 + i % 3, "a.test", 1)); /* three hosts of one domain */
    while (run_turns(1))
        assert_in_range(b.servers[1].open + b.servers[2].open + b.servers[3].open, 0, 2);
    for (unsigned i = 0; i < 100; i++) {
        pass(SESSION_PATIENCE_US);
        assert_in_range(b.servers[1].open + b.servers[2].open + b.servers[3].open, 0, 2);
    }
    for (uint32_t i = 0; i < 20; i++)
        expect_ok(&b.letters[i]);
    bench_done();
}

/* The smart host's number is one for all logins: idle sessions of one make room for the next. */
static void test_common_connections(void **state)
{
    static const char *const users[] = { "u", "v", "w", "x" };
    (void)state;
    bench_init();
    limits(20, 2, 0);
    b.servers[1].offers = "250-AUTH PLAIN\r\n";
    for (uint32_t i = 0; i < 40; i++) {
        struct letter *l = letter_new(1, "a.test", 1);
        smarthost(l, users[i % 4], "secret");
        submit(l);
    }
    while (run_turns(1))
        assert_in_range(b.servers[1].open, 0, 2);
    pass(US_PER_SECOND);
    for (uint32_t i = 0; i < 40; i++)
        expect_ok(&b.letters[i]);
    bench_done();
}

static void test_pace(void **state)
{
    (void)state;
    bench_init();
    limits(20, 5, 60);
    for (uint32_t i = 0; i < 5; i++) {
        struct letter *l = letter_new(1, "a.test", 1);
        smarthost(l, "", "");
        submit(l);
    }
    for (uint32_t i = 0; i < 5; i++) {
        run();
        assert_int_equal(b.servers[1].messages, i + 1);
        pass(US_PER_SECOND);
    }
    for (uint32_t i = 0; i < 5; i++)
        expect_ok(&b.letters[i]);
    bench_done();
}

static void test_idle_makes_room(void **state)
{
    (void)state;
    bench_init();
    limits(1, 1, 0);
    expect_ok(letter_send(1, "a.test"));
    assert_int_equal(b.servers[1].open, 1);
    expect_ok(letter_send(2, "a.test"));
    assert_int_equal(b.servers[1].open, 0);
    bench_done();
}

static void test_idle_max(void **state)
{
    (void)state;
    bench_init();
    for (uint32_t i = 0; i < SESSION_IDLE_MAX + 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "d%u.test", i);
        struct letter *l = letter_new(1, name, 1);
        l->candidate.address.port = (uint16_t)(1000 + i);
        submit(l);
        run();
        expect_ok(l);
    }
    assert_int_equal(sessions_open(e), SESSION_IDLE_MAX);
    bench_done();
}

/* ---- A37 ---- */

static void test_memory(void **state)
{
    static const struct server ways[] = { { .connect = 1 + CLOSE_REFUSED }, { .greeting = "!" }, { .greeting = "" } };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        bench_init();
        limits(20, 5, 0);
        b.servers[1].connect = ways[i].connect;
        b.servers[1].greeting = ways[i].greeting;
        struct letter *l = letter_send(1, "a.test");
        pass(5 * US_PER_MINUTE + US_PER_SECOND);
        assert_int_equal(l->ends, 1);
        if (i < 2)
            letter_send(1, "a.test"); /* forgotten by now */
        uint32_t ops = b.ops;
        l = letter_send(1, "b.test");
        expect(l, OUTCOME_TEMP, i == 0 ? STAGE_CONNECT : STAGE_BANNER, OUTCOME_CAUSE_REMEMBERED);
        assert_int_equal(b.ops, ops);
        b.servers[1].connect = 0;
        b.servers[1].greeting = NULL;
        l = letter_new(1, "b.test", 1);
        l->t.probe = true;
        submit(l);
        run();
        expect_ok(l);
        expect_ok(letter_send(1, "c.test"));
        bench_done();
    }
}

/* One fails; the others that waited for it are told at once, without trying. */
static void test_memory_of_those_who_wait(void **state)
{
    (void)state;
    bench_init();
    limits(1, 1, 0);
    b.servers[1].connect = 1 + CLOSE_TIMEOUT;
    for (uint32_t i = 0; i < 5; i++)
        submit(letter_new(1, "a.test", 2));
    pass(US_PER_SECOND);
    expect(&b.letters[0], OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_TIMEOUT);
    for (uint32_t i = 1; i < 5; i++)
        expect(&b.letters[i], OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_REMEMBERED);
    bench_done();
}

/* ---- cancelled, stopped, configured ---- */

/* After every number of turns, of each of two letters that share a session where the server pipelines. */
static void test_cancel(void **state)
{
    (void)state;
    for (uint32_t turns = 0; turns < 40; turns++) {
        for (unsigned which = 0; which < 8; which++) {
            bench_init();
            limits(which & 2 ? 1 : 20, 5, 0);
            b.servers[1].offers = "250-PIPELINING\r\n";
            if (which & 4)
                b.servers[1].dot = "";
            struct letter *first = letter_new(1, "a.test", 2), *second = letter_new(1, "a.test", 1);
            letter_body(first, SLICE("Subject: x\r\n\r\nx\r\n"), false);
            submit(first);
            submit(second);
            run_turns(turns);
            struct letter *gone = which & 1 ? second : first, *other = which & 1 ? first : second;
            if (gone->submitted && gone->told_count == 0)
                cancel(gone);
            b.servers[1].dot = NULL;
            run();
            pass(11 * US_PER_MINUTE);
            assert_int_equal(other->ends, 1);
            assert_true(gone->ends == 1 || gone->cancelled);
            if (!(which & 4))
                expect_ok(other);
            expect_ok(letter_send(1, "a.test"));
            bench_done();
        }
    }
}

/* Before a connection, while it is being made, and while the pace holds it back. */
static void test_cancel_early(void **state)
{
    (void)state;
    bench_init();
    limits(1, 1, 1);
    b.servers[1].connect = -1;
    struct letter *l = letter_new(1, "a.test", 1);
    submit(l);
    cancel(l);
    run();
    l = letter_send(1, "a.test");
    struct letter *waits = letter_send(1, "a.test");
    pass(US_PER_SECOND);
    cancel(waits);
    cancel(l);
    run();
    assert_int_equal(sessions_open(e), 0);
    for (unsigned i = 0; i < 2; i++) {
        l = letter_new(2, "a.test", 1);
        smarthost(l, "", "");
        submit(l);
        run();
    }
    assert_int_equal(l->ends, 0); /* one a minute */
    cancel(l);
    b.servers[1].connect = 1 + CLOSE_REFUSED;
    letter_send(1, "b.test");
    l = letter_new(1, "b.test", 1); /* remembered, and not told yet */
    submit(l);
    cancel(l);
    bench_done();
}

static void test_stop(void **state)
{
    (void)state;
    bench_init();
    expect_ok(letter_send(1, "a.test"));
    b.servers[2].dot = "";
    struct letter *l = letter_send(2, "a.test");
    e->stopping = true;
    sessions_stop(e);
    run();
    assert_int_equal(sessions_open(e), 1);
    assert_int_equal(l->ends, 0);
    buffer_add_text(&peer_of(2)->out, "250 taken\r\n");
    run();
    expect_ok(l);
    assert_int_equal(sessions_open(e), 0);
    bench_done();
}

static void test_configure(void **state)
{
    (void)state;
    bench_init();
    expect_ok(letter_send(1, "a.test"));
    b.servers[2].dot = "";
    struct letter *l = letter_send(2, "a.test");
    sessions_configure(e);
    run();
    assert_int_equal(b.servers[1].open, 0);
    expect_ok(letter_send(1, "a.test"));
    assert_int_equal(b.servers[1].connections, 2);
    buffer_add_text(&peer_of(2)->out, "250 taken\r\n");
    run();
    expect_ok(l);
    assert_int_equal(b.servers[2].open, 0);
    bench_done();
}

/* The engine ends: with its owners gone before, or still there. */
static void test_end_at_any_time(void **state)
{
    (void)state;
    for (uint32_t turns = 0; turns < 60; turns++) {
        bool cancelled = turns % 2;
        bench_init();
        limits(2, 2, 0);
        b.servers[1].offers = "250-PIPELINING\r\n";
        b.servers[2].connect = 1 + CLOSE_REFUSED;
        for (uint32_t i = 0; i < 8; i++) {
            struct letter *l = letter_new(1 + i % 2, i % 3 ? "a.test" : "b.test", 2);
            if (i == 5)
                smarthost(l, "", "");
            letter_body(l, SLICE("Subject: x\r\n\r\nx\r\n"), i % 2);
            submit(l);
        }
        run_turns(turns / 2);
        for (uint32_t i = 0; i < b.letter_count && cancelled; i++) {
            if (b.letters[i].submitted)
                cancel(&b.letters[i]);
        }
        bench_end();
    }
}

/* An idle session takes a letter, and is gone before the letter was read. */
static void test_lost_while_read(void **state)
{
    (void)state;
    bench_init();
    b.config.outbound.idle_timeout_us = 10 * US_PER_MINUTE;
    expect_ok(letter_send(1, "a.test"));
    struct letter *l = letter_new(1, "a.test", 1);
    letter_body(l, SLICE("Subject: x\r\n\r\nx\r\n"), false);
    b.read_silent = true;
    submit(l);
    run();
    assert_int_equal(b.servers[1].connections, 1);
    peer_lose(peer_of(1));
    b.read_silent = false;
    run();
    expect_ok(l);
    assert_int_equal(b.servers[1].connections, 2);
    b.read_silent = true; /* a read that never ends keeps the session for its time only */
    l = letter_new(1, "a.test", 1);
    letter_body(l, SLICE("Subject: x\r\n\r\nx\r\n"), false);
    submit(l);
    pass(SESSION_READ_MAX_US - 1);
    assert_int_equal(l->ends, 0);
    pass(1);
    expect(l, OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_LOCAL);
    expect_ok(letter_send(1, "a.test"));
    assert_int_equal(b.servers[1].connections, 2);
    pass(10 * US_PER_MINUTE);
    bench_done();
}

/* A46 in the very turn in which a letter was to be told what is remembered. */
static void test_forgotten_at_once(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].connect = 1 + CLOSE_REFUSED;
    letter_send(1, "a.test");
    b.servers[1].connect = 0;
    struct letter *l = letter_new(1, "a.test", 1);
    submit(l);
    destination_forget(e, NULL);
    run();
    expect_ok(l);
    bench_done();
}

/* The answer has come when its time is up, in the same turn: it counts. */
static void test_in_the_last_moment(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].greeting = "";
    struct letter *l = letter_send(1, "a.test");
    struct peer *p = peer_of(1);
    b.now.wall_us += core_deadline_us(e) - b.now.monotonic_us;
    b.now.monotonic_us = core_deadline_us(e);
    struct event event = { .kind = EVENT_RECEIVED, .handle = p->handle };
    event.received = SLICE("220 there\r\n");
    p->credit -= (uint32_t)event.received.size;
    assert_true(core_feed(e, b.now, &event));
    core_tick(e);
    run();
    expect_ok(l);
    bench_done();
}

/* The owner submits the next one within the end of the one before, as an attempt does. */
static uint32_t again_left;

static void send_again(struct letter *l)
{
    if (again_left == 0)
        return;
    again_left--;
    submit(l);
}

static void test_again_from_within(void **state)
{
    (void)state;
    bench_init();
    b.on_end = send_again;
    again_left = 30;
    struct letter *l = letter_send(1, "a.test");
    expect_ok(l);
    pass(US_PER_SECOND);
    assert_int_equal(again_left, 0);
    assert_int_equal(b.servers[1].messages, 31);
    assert_int_equal(b.servers[1].connections, 1);
    bench_done();
}

/* Servers that do now this and now that, cancels, time; then all is well, and everything must end. */
static void test_random(void **state)
{
    static const char *const replies[] = { NULL, NULL, NULL, "", "!", "421 bye", "450 later", "550 no" };
    struct random_fast random;
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        random_fast_init(&random, seed);
        bench_init();
        limits(1 + (uint32_t)random_fast_below(&random, 4), 1 + (uint32_t)random_fast_below(&random, 3),
               random_fast_below(&random, 2) ? 600 : 0);
        b.chunk = (uint32_t)random_fast_below(&random, 40);
        b.burst = random_fast_below(&random, 2);
        for (uint32_t i = 0; i < 150; i++) {
            struct server *s = &b.servers[1 + random_fast_below(&random, 3)];
            const char **const knobs[] = { &s->greeting, &s->ehlo, &s->starttls, &s->mail, &s->rcpt,
                                           &s->data,     &s->dot,  &s->auth,     &s->stale };
            *knobs[random_fast_below(&random, 9)] = replies[random_fast_below(&random, 8)];
            s->offers = random_fast_below(&random, 2) ? "250-PIPELINING\r\n250-AUTH PLAIN\r\n" : "250-AUTH PLAIN\r\n";
            s->tls = (int)random_fast_below(&random, 4);
            s->connect = random_fast_below(&random, 6) ? 0 : 1 + (int)random_fast_below(&random, 6);
            struct letter *l = letter_new(1 + (uint32_t)random_fast_below(&random, 3),
                                          random_fast_below(&random, 2) ? "a.test" : "b.test",
                                          1 + (uint32_t)random_fast_below(&random, 3));
            l->t.plan = (struct tls_plan){ .tls = SMTP_CLIENT_TLS_OPPORTUNISTIC, .clear_after_failure = true };
            l->t.probe = random_fast_below(&random, 2);
            letter_body(l, SLICE("Subject: x\r\n\r\nx\r\n"), random_fast_below(&random, 2));
            if (random_fast_below(&random, 3) == 0)
                smarthost(l, random_fast_below(&random, 2) ? "u" : "v", "secret");
            submit(l);
            run_turns((uint32_t)random_fast_below(&random, 12));
            struct letter *c = &b.letters[random_fast_below(&random, b.letter_count)];
            if (random_fast_below(&random, 4) == 0 && c->submitted && c->told_count == 0)
                cancel(c);
            if (random_fast_below(&random, 20) == 0)
                sessions_configure(e);
            if (random_fast_below(&random, 10) == 0)
                pass((int64_t)random_fast_below(&random, 4) * US_PER_MINUTE);
        }
        for (uint32_t i = 1; i <= 3; i++) {
            struct server *s = &b.servers[i];
            s->greeting = s->ehlo = s->starttls = s->mail = s->rcpt = s->data = s->dot = s->auth = s->stale = NULL;
            s->connect = s->tls = 0;
        }
        pass(2 * US_PER_HOUR);
        for (uint32_t i = 0; i < b.letter_count; i++)
            assert_true(b.letters[i].ends == 1 || b.letters[i].cancelled);
        bench_done();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_common_connections),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_idle_makes_room),
        cmocka_unit_test(test_idle_max),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_memory_of_those_who_wait),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_early),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_configure),
        cmocka_unit_test(test_end_at_any_time),
        cmocka_unit_test(test_lost_while_read),
        cmocka_unit_test(test_forgotten_at_once),
        cmocka_unit_test(test_in_the_last_moment),
        cmocka_unit_test(test_again_from_within),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
