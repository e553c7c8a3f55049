/* The whole: events that concern no machine of their own, what a new configuration moves, starts, stops, and that the same
 * seed gives the same operations. */
#include "engine_bench.h"

#include "engine/engine.h"

#define RELAY(user, password) "[Delivery]\nMode = smarthost\nSmartHost = [192.0.2.1]:587\nSmartHostAuth = yes\nSmartHostUser = " user \
                              "\nSmartHostPassword = " password "\nSmartHostTls = off\nAllowPlaintextAuth = yes\n"

static struct engine_status status(void)
{
    struct engine_status s;
    engine_status(b.e, b.now, &s);
    return s;
}

/* ---- A46 ---- */

/* Example 11: 200 messages wait for a wrong password; it is mended, and all of them go. */
static void a_mended_password_moves_all(void **state)
{
    bench_init(RELAY("us", "wrong"), "");
    b.servers[1].offers = "250-AUTH PLAIN\r\n";
    b.servers[1].auth = "535 5.7.8 no";
    for (uint32_t i = 0; i < 200; i++)
        message_put("from@example.org", i % 2 ? "a@one.test" : "b@two.test");
    pass(30 * US_PER_MINUTE);
    assert_int_equal(b.servers[1].messages, 0);
    assert_int_equal(traced_count("status=bounced"), 0);
    assert_int_equal(traced_count("alert rule="), 1);
    assert_int_equal(status().queues[QUEUE_REMOTE], 200);
    b.servers[1].auth = NULL;
    bench_configure(RELAY("us", "right"));
    pass(5 * US_PER_SECOND);
    assert_int_equal(b.servers[1].messages, 200);
    assert_int_equal(traced_count("alert-resolved"), 1);
    assert_int_equal(status().queues[QUEUE_REMOTE], 0);
    bench_done();
}

/* The same configuration once more moves nothing: nothing was mended. */
static void a_reload_without_a_change_moves_nothing(void **state)
{
    bench_init(RELAY("us", "wrong"), "");
    b.servers[1].offers = "250-AUTH PLAIN\r\n";
    b.servers[1].auth = "535 5.7.8 no";
    message_put("from@example.org", "a@one.test");
    pass(US_PER_SECOND);
    uint32_t connections = b.servers[1].connections;
    bench_configure(RELAY("us", "wrong"));
    pass(10 * US_PER_SECOND);
    assert_int_equal(b.servers[1].connections, connections);
    bench_done();
}

/* Three recipients of three domains, directly in vain, become one transaction with the smart host. */
static void a_changed_mode_moves_the_queue(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].connect = 1 + CLOSE_REFUSED;
    name_fails("two.test", DNS_MX, DNS_TEMP, false);
    name_fails("three.test", DNS_MX, DNS_TEMP, false);
    uint64_t id = message_put("from@example.org", "a@one.test b@two.test c@three.test");
    pass(US_PER_SECOND);
    assert_int_equal(stored_state(id, 0), RECIPIENT_WAITING);
    bench_configure("[Delivery]\nMode = smarthost\nSmartHost = [192.0.2.1]:25\n");
    pass(5 * US_PER_SECOND);
    assert_int_equal(b.servers[1].messages, 1);
    assert_true(stored_find(id)->ended);
    bench_done();
}

/* ---- the store's news ---- */

static void the_store_says_how_it_is(void **state)
{
    static const struct {
        struct store_state state;
        uint32_t alerts;
        const char *line;
    } rows[] = {
        { { .full = true }, 1, "store " },
        { { .full = true, .failed = true }, 2, "status=refusing" },
        { { .accepting = true, .failed = true }, 1, "status=accepting" },
        { { .accepting = true }, 0, "alert-resolved" },
        { { .accepting = true, .quarantined = 1, .quarantined_last_id = 77 }, 1, "quarantined id=" },
    };
    bench_init("", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct event event = { .kind = EVENT_STORE_STATE, .store_state = rows[i].state };
        engine_feed(b.e, b.now, &event);
        run();
        assert_int_equal(alerts(RULE_NONE), rows[i].alerts);
        assert_true(traced(rows[i].line));
        assert_int_equal(status().store.full, rows[i].state.full);
    }
    bench_done();
}

/* What the store has copied elsewhere is read there. */
static void what_was_moved_is_read_where_it_is(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    uint64_t id = message_put_body("from@example.org", "busy@one.test", SLICE("Subject: x\r\n\r\n"), false);
    pass(US_PER_SECOND);
    const struct store_move moves[] = {
        { .id = id, .envelope = { .segment = 9, .offset = 512, .size = 300 }, .body = { .segment = 9, .offset = 4096, .size = 14 } },
        { .id = id + 1 }, /* one that has ended meanwhile */
    };
    struct event event = { .kind = EVENT_MOVED, .moved = { moves, 2 } };
    engine_feed(b.e, b.now, &event);
    const struct stub *stub = queue_stub(b.e->queue, queue_find(b.e->queue, id));
    assert_int_equal(stub->envelope.segment, 9);
    assert_int_equal(queue_body_ref(stub).segment, 9);
    assert_int_equal(queue_body_ref(stub).size, 14);
    bench_done();
}

/* ---- a start ---- */

static void what_the_store_has_is_the_queue(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].connect = 1 + CLOSE_REFUSED;
    uint64_t last = 0;
    for (uint32_t i = 0; i < 30; i++)
        last = message_put("from@example.org", "a@one.test");
    pass(US_PER_SECOND);
    assert_true(status().queues[QUEUE_REMOTE] == 30);
    bench_restart(false);
    run();
    assert_true(status().loaded && status().queues[QUEUE_REMOTE] == 30);
    assert_true(traced("start count=30"));
    b.servers[2].connect = 0;
    pass(20 * US_PER_MINUTE);
    assert_int_equal(b.servers[2].messages, 30);
    assert_true(message_put("from@example.org", "a@one.test") > last); /* ids never go back */
    bench_done();
}

/* ---- answers that come too late ---- */

static void old_handles_find_nothing(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].greeting = "";
    uint64_t id = message_put("from@example.org", "a@one.test");
    run();
    struct handle old = { 0 };
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        old = b.peers[i].used ? b.peers[i].handle : old;
    assert_true(handle_is(old));
    pass(6 * US_PER_MINUTE); /* the banner did not come: the session is over */
    static const enum event_kind kinds[] = { EVENT_CONNECTED, EVENT_RECEIVED, EVENT_CLOSED, EVENT_DNS, EVENT_LOADED, EVENT_BODY,
                                             EVENT_MAILDIR, EVENT_PASSWORD };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct event event = { .kind = kinds[i], .handle = old };
        engine_feed(b.e, b.now, &event);
        run();
    }
    assert_int_equal(stored_state(id, 0), RECIPIENT_WAITING);
    bench_done();
}

/* ---- a stop ---- */

static void a_stop_with_nothing_under_way(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].connect = 1 + CLOSE_REFUSED;
    message_put("from@example.org", "a@one.test");
    pass(US_PER_SECOND);
    assert_false(engine_stopped(b.e));
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_STOP });
    run();
    assert_true(engine_stopped(b.e));
    message_put("from@example.org", "a@one.test");
    pass(US_PER_HOUR);
    assert_true(engine_stopped(b.e)); /* nothing is begun any more */
    bench_done();
}

/* What speaks goes on to its end; what only waits for a name is left for the next start. */
static void a_stop_in_the_middle(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    name_fails("two.test", DNS_MX, DNS_OK, true);
    b.servers[2].dot = "";
    uint64_t speaks = message_put("from@example.org", "a@one.test");
    uint64_t waits = message_put("from@example.org", "b@two.test");
    run();
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_STOP });
    pass(US_PER_SECOND);
    assert_false(engine_stopped(b.e));
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        if (b.peers[i].used && b.peers[i].server)
            buffer_add_text(&b.peers[i].out, "250 2.0.0 taken\r\n");
    pass(US_PER_SECOND);
    assert_true(engine_stopped(b.e));
    assert_true(stored_find(speaks)->ended);
    assert_int_equal(stored_state(waits, 0), RECIPIENT_WAITING);
    assert_int_equal(stored_envelope(waits)->recipients[0].attempts, 0);
    bench_done();
}

/* ---- the same seed ---- */

static void a_day(struct buffer *out)
{
    bench_init("[Delivery]\nMode = direct-then-smarthost\nSmartHost = [192.0.2.1]:25\n", "");
    domain_at("one.test", "mx.one.test", 2);
    domain_at("two.test", "mx.two.test", 3);
    b.servers[3].connect = 1 + CLOSE_TIMEOUT;
    b.servers[1].mail = "451 4.3.0 later";
    for (uint32_t i = 0; i < 20; i++) {
        message_put("from@one.test", "a@one.test busy@one.test b@two.test bad@one.test");
        pass(US_PER_MINUTE);
    }
    pass(8 * US_PER_HOUR);
    buffer_add(out, buffer_slice(&b.traces));
    bench_done();
}

static void the_same_seed_gives_the_same_operations(void **state)
{
    struct buffer first, second;
    buffer_init(&first, 8 << 20);
    buffer_init(&second, 8 << 20);
    a_day(&first);
    a_day(&second);
    assert_true(first.size > 10000 && !first.overflow);
    assert_true(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    buffer_done(&first);
    buffer_done(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mended_password_moves_all),
        cmocka_unit_test(a_reload_without_a_change_moves_nothing),
        cmocka_unit_test(a_changed_mode_moves_the_queue),
        cmocka_unit_test(the_store_says_how_it_is),
        cmocka_unit_test(what_was_moved_is_read_where_it_is),
        cmocka_unit_test(what_the_store_has_is_the_queue),
        cmocka_unit_test(old_handles_find_nothing),
        cmocka_unit_test(a_stop_with_nothing_under_way),
        cmocka_unit_test(a_stop_in_the_middle),
        cmocka_unit_test(the_same_seed_gives_the_same_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
