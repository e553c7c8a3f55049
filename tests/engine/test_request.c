/* What is asked of the engine from outside: orders about queued messages, and what would be done with a letter. */
#include "engine_bench.h"

#include "engine/lookup.h"

static struct engine_answer explained;
static char hosts[ROUTE_CANDIDATES_MAX][300];

static void keep(const struct engine_answer *answer)
{
    explained = *answer;
    if (answer->kind == REQUEST_EXPLAIN)
        for (uint8_t i = 0; i < answer->explain.route.count; i++)
            snprintf(hosts[i], sizeof hosts[i], "%.*s", SLICE_ARG(answer->explain.route.candidates[i].host));
}

static void begin(const char *settings, const char *accounts)
{
    bench_init(settings, accounts);
    b.on_reply = keep;
}

static void ask(const struct engine_request *request)
{
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_REQUEST, .request = request });
    run();
}

static void explain(const char *from, const char *to)
{
    ask(&(struct engine_request){ .kind = REQUEST_EXPLAIN, .tag = 12,
                                  .explain = { .from = slice_of(from), .to = slice_of(to) } });
}

/* ---- orders ---- */

/* One answer for all, each id with its own result, when the last is durable. */
static void one_answer_for_all(void **state)
{
    begin("", "");
    domain_at("one.test", "mx.one.test", 2);
    domain_at("slow.test", "mx.slow.test", 3);
    b.servers[3].greeting = "";
    uint64_t ids[] = { message_put("a@x.test", "busy@one.test"), message_put("a@x.test", "b@slow.test"), 4711,
                       message_put("a@x.test", "busy@one.test") };
    pass(US_PER_SECOND);
    const struct engine_request request = { .kind = REQUEST_ORDER, .tag = 9, .order = { .order = SETTLE_HOLD, .ids = ids, .count = 4 } };
    b.store_silent = true;
    ask(&request);
    memset(ids, 0, sizeof ids); /* it keeps a copy */
    pass(US_PER_SECOND);
    assert_int_equal(b.replies, 0);
    b.store_silent = false;
    bench_store_answers();
    pass(US_PER_SECOND);
    assert_int_equal(b.replies, 1);
    assert_int_equal(b.reply_tag, 9);
    static const enum request_order_result expected[] = { ORDER_DONE, ORDER_BUSY, ORDER_NOT_FOUND, ORDER_DONE };
    assert_int_equal(b.order_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(b.order_results[i], expected[i]);
    assert_int_equal(b.e->queue->counts[QUEUE_HOLDING], 2);
    bench_done();
}

/* More than are carried out at a time. */
static void many(void **state)
{
    enum { COUNT = REQUEST_ORDERS_AT_ONCE + 57 };
    static uint64_t ids[COUNT];
    begin("", "");
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].connect = 1 + CLOSE_REFUSED;
    for (uint32_t i = 0; i < COUNT; i++)
        ids[i] = message_put("a@x.test", "b@one.test");
    pass(US_PER_SECOND);
    ask(&(struct engine_request){ .kind = REQUEST_ORDER, .tag = 1, .order = { .order = SETTLE_DROP, .ids = ids, .count = COUNT } });
    pass(10 * US_PER_SECOND);
    assert_int_equal(b.replies, 1);
    assert_int_equal(b.order_count, COUNT);
    assert_int_equal(b.e->queue->stubs.count, 0);
    bench_done();
}

static void none_at_all(void **state)
{
    begin("", "");
    ask(&(struct engine_request){ .kind = REQUEST_ORDER, .tag = 5, .order = { .order = SETTLE_DROP } });
    pass(US_PER_SECOND);
    assert_int_equal(b.replies, 1);
    assert_int_equal(b.order_count, 0);
    bench_done();
}

/* ---- explanations ---- */

static void what_would_be_done(void **state)
{
    begin("[Delivery]\nMode = direct-then-smarthost\nSmartHost = relay.test\n", "");
    domain_at("one.test", "mx.one.test", 2);
    domain_at("relay.test", "mx.relay.test", 1);
    explain("a@x.test", "b@one.test");
    assert_int_equal(b.replies, 1);
    assert_int_equal(b.reply_tag, 12);
    const struct route *route = &explained.explain.route;
    assert_false(explained.explain.local);
    assert_int_equal(route->count, 2);
    assert_int_equal(route->candidates[0].kind, CANDIDATE_MX);
    assert_string_equal(hosts[0], "mx.one.test");
    assert_int_equal(route->candidates[0].address.octets[3], 2);
    assert_int_equal(route->candidates[1].kind, CANDIDATE_SMARTHOST);
    assert_string_equal(hosts[1], "relay.test");
    assert_int_equal(route->candidates[1].address.octets[3], 1); /* looked up here: somebody wants to see it */
    assert_int_equal(b.servers[1].connections + b.servers[2].connections, 0); /* nothing is sent */
    explain("a@x.test", "postmaster@local.test");
    assert_true(explained.explain.local);
    bench_done();
}

static void a_secret_is_never_told(void **state)
{
    begin("[Delivery]\nMode = smarthost\nSmartHost = [192.0.2.1]:587\nSmartHostAuth = yes\nSmartHostUser = us\n"
          "SmartHostPassword = pw\n", "");
    explain("a@x.test", "b@one.test");
    const struct credential *c = &explained.explain.credential;
    assert_int_equal(c->kind, CREDENTIAL_GENERAL);
    assert_int_equal(c->user.size + c->password.size, 0);
    bench_done();
}

/* The name server never answers: it is told all the same, in the end. */
static void a_name_server_that_is_silent(void **state)
{
    begin("", "");
    name_fails("one.test", DNS_MX, DNS_OK, true);
    explain("a@x.test", "b@one.test");
    assert_int_equal(b.replies, 0);
    pass(2 * US_PER_MINUTE);
    assert_int_equal(b.replies, 1);
    bench_done();
}

/* ---- how many ---- */

static void too_many_at_a_time(void **state)
{
    begin("", "");
    name_fails("one.test", DNS_MX, DNS_OK, true);
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        explain("a@x.test", "b@one.test");
    assert_int_equal(b.replies, 0);
    explain("a@x.test", "b@one.test");
    assert_int_equal(b.replies, 1);
    assert_true(explained.busy);
    pass(2 * US_PER_MINUTE);
    assert_int_equal(b.replies, REQUESTS_MAX + 1);
    explain("a@x.test", "postmaster@local.test"); /* room again */
    assert_false(explained.busy);
    bench_done(); /* with nothing left over */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_answer_for_all),
        cmocka_unit_test(many),
        cmocka_unit_test(none_at_all),
        cmocka_unit_test(what_would_be_done),
        cmocka_unit_test(a_secret_is_never_told),
        cmocka_unit_test(a_name_server_that_is_silent),
        cmocka_unit_test(too_many_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
