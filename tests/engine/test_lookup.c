/* Names asked for by several, answered once; whoever asked is woken when all that he asked for is there. */
#include "engine/lookup.h"

#include "engine_bench.h"

/* An asker: a machine that only counts its wakes. */
struct asker {
    struct machine machine;
    struct lookup_client client;
    uint32_t wakes;
};

static void asker_feed(struct engine *e, struct machine *m, const struct event *event)
{
}

static bool asker_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    LIST_OWNER(m, struct asker, machine)->wakes++;
    return false;
}

static int64_t asker_deadline_us(const struct engine *e, const struct machine *m)
{
    return DEADLINE_NEVER;
}

static void asker_free(struct engine *e, struct machine *m)
{
}

static const struct machine_kind ASKER = {
    .name = "asker", .may_sleep = true, .feed = asker_feed, .next = asker_next, .deadline_us = asker_deadline_us, .free = asker_free,
};

static void asker_begin(struct asker *a)
{
    *a = (struct asker){ .wakes = 0 };
    machine_add(b.e, &a->machine, &ASKER);
    lookup_client_init(&a->client, &a->machine);
    run();
    a->wakes = 0;
}

static void asker_end(struct asker *a)
{
    lookup_client_cancel(b.e, &a->client);
    machine_end(b.e, &a->machine);
}

static const struct event_dns *ask(struct asker *a, const char *name, enum dns_type type)
{
    return lookup_ask(b.e, &a->client, slice_of(name), type);
}

static void asked_once_for_two(void **state)
{
    struct asker one, two;
    bench_init("", "");
    name_add("mx.test", DNS_A, "192.0.2.9");
    asker_begin(&one);
    asker_begin(&two);
    assert_null(ask(&one, "mx.test", DNS_A));
    assert_null(ask(&two, "mx.test", DNS_A));
    assert_false(lookup_client_answered(&one.client));
    run();
    assert_int_equal(b.lookups, 1);
    assert_true(one.wakes > 0 && two.wakes > 0);
    assert_true(lookup_client_answered(&one.client) && lookup_client_answered(&two.client));
    const struct event_dns *answer = ask(&one, "mx.test", DNS_A);
    assert_non_null(answer);
    assert_int_equal(answer->status, DNS_OK);
    assert_int_equal(answer->count, 1);
    assert_true(answer->ttl_us > 0 && answer->ttl_us <= US_PER_HOUR);
    assert_int_equal(b.lookups, 1); /* kept */
    pass(2 * US_PER_HOUR); /* its time is over: asked anew */
    assert_null(ask(&two, "mx.test", DNS_A));
    run();
    assert_int_equal(b.lookups, 2);
    asker_end(&one);
    asker_end(&two);
    bench_done();
}

/* Woken when the last of several is there, not at each. */
static void woken_when_all_is_there(void **state)
{
    struct asker one;
    bench_init("", "");
    name_add("a.test", DNS_A, "192.0.2.9");
    name_fails("slow.test", DNS_A, DNS_OK, true);
    asker_begin(&one);
    assert_null(ask(&one, "a.test", DNS_A));
    assert_null(ask(&one, "slow.test", DNS_A));
    run();
    assert_int_equal(one.wakes, 0);
    pass(5 * US_PER_MINUTE); /* the other has no answer in time: a temporary failure (A4) */
    assert_true(one.wakes > 0);
    const struct event_dns *answer = ask(&one, "slow.test", DNS_A);
    if (answer)
        assert_int_equal(answer->status, DNS_TEMP);
    asker_end(&one);
    bench_done();
}

static void a_failure_is_forgotten(void **state)
{
    struct asker one;
    bench_init("", "");
    name_fails("a.test", DNS_A, DNS_TEMP, false);
    asker_begin(&one);
    assert_null(ask(&one, "a.test", DNS_A));
    run();
    const struct event_dns *answer = ask(&one, "a.test", DNS_A);
    assert_non_null(answer);
    assert_int_equal(answer->status, DNS_TEMP);
    lookups_forget_failures(b.e); /* A46 */
    assert_null(ask(&one, "a.test", DNS_A));
    run();
    assert_int_equal(b.lookups, 2);
    asker_end(&one);
    bench_done();
}

/* Who has gone is not woken, and the answer is kept for the next one. */
static void an_asker_that_goes(void **state)
{
    struct asker one, two;
    bench_init("", "");
    name_add("a.test", DNS_A, "192.0.2.9");
    asker_begin(&one);
    asker_begin(&two);
    assert_null(ask(&one, "a.test", DNS_A));
    asker_end(&one);
    run();
    assert_int_equal(one.wakes, 0);
    assert_int_equal(b.lookups, 1);
    assert_non_null(ask(&two, "a.test", DNS_A));
    asker_end(&two);
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asked_once_for_two),
        cmocka_unit_test(woken_when_all_is_there),
        cmocka_unit_test(a_failure_is_forgotten),
        cmocka_unit_test(an_asker_that_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
