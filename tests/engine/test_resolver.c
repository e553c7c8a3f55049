/* The resolver: one lookup for many who wait, lifetimes, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/resolver.h"

static struct now at(int64_t monotonic_us)
{
    return (struct now){ .monotonic_us = monotonic_us, .wall_us = INT64_C(1750000000000000) + monotonic_us };
}

static void answer(struct resolver *r, int64_t now_us, enum dns_status status, int64_t ttl_us)
{
    static const struct slice records[] = { { "\x7f\x00\x00\x01", 4 }, { "\x7f\x00\x00\x02", 4 } };
    struct event_dns event = { .status = status, .ttl_us = ttl_us, .canonical = SLICE("real.example"),
                               .rdata = records, .count = status == DNS_OK ? 2 : 0 };
    struct resolver_entry *entry = resolver_next_lookup(r, at(now_us));
    assert_non_null(entry);
    resolver_feed(r, at(now_us), entry, &event);
}

static void test_one_lookup_for_all(void **state)
{
    (void)state;
    struct resolver r;
    struct resolver_client a, b;
    resolver_init(&r, (const uint64_t[2]){ 1, 2 });
    resolver_client_init(&a);
    resolver_client_init(&b);
    assert_null(resolver_ask(&r, at(0), SLICE("Host.Example"), DNS_A, &a));
    assert_null(resolver_ask(&r, at(0), SLICE("host.example"), DNS_A, &b));
    assert_null(resolver_ask(&r, at(0), SLICE("host.example"), DNS_AAAA, &b));
    assert_null(resolver_take_answered(&r));
    answer(&r, 1, DNS_OK, 60 * US_PER_SECOND);
    assert_ptr_equal(resolver_take_answered(&r), &a);
    assert_null(resolver_take_answered(&r));
    answer(&r, 2, DNS_NODATA, 0);
    assert_ptr_equal(resolver_take_answered(&r), &b);
    assert_null(resolver_next_lookup(&r, at(2)));
    const struct resolver_answer *known = resolver_ask(&r, at(3), SLICE("HOST.example"), DNS_A, &a);
    assert_non_null(known);
    assert_int_equal(known->count, 2);
    assert_true(slice_equal(known->rdata[1], slice("\x7f\x00\x00\x02", 4)));
    assert_true(slice_equal(known->canonical, SLICE("real.example")));
    assert_int_equal(resolver_ask(&r, at(3), SLICE("host.example"), DNS_AAAA, &a)->status, DNS_NODATA);
    resolver_done(&r);
}

/* How long each kind of answer is believed. */
static void test_lifetimes(void **state)
{
    (void)state;
    static const struct {
        enum dns_status status;
        int64_t ttl_us, kept_us;
    } cases[] = {
        { DNS_OK, 0, RESOLVER_TTL_MIN_US },
        { DNS_OK, 30 * US_PER_SECOND, 30 * US_PER_SECOND },
        { DNS_OK, INT64_C(2147483648) * US_PER_SECOND, RESOLVER_TTL_MAX_US },
        { DNS_NXDOMAIN, US_PER_DAY, RESOLVER_NEGATIVE_TTL_MAX_US },
        { DNS_NODATA, 10 * US_PER_SECOND, 10 * US_PER_SECOND },
        { DNS_TEMP, US_PER_DAY, RESOLVER_TEMP_TTL_US },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct resolver r;
        struct resolver_client client;
        resolver_init(&r, (const uint64_t[2]){ 1, 2 });
        resolver_client_init(&client);
        assert_null(resolver_ask(&r, at(0), SLICE("x.example"), DNS_MX, &client));
        answer(&r, 0, cases[i].status, cases[i].ttl_us);
        assert_ptr_equal(resolver_take_answered(&r), &client);
        assert_non_null(resolver_peek(&r, at(cases[i].kept_us - 1), SLICE("x.example"), DNS_MX));
        assert_null(resolver_peek(&r, at(cases[i].kept_us), SLICE("x.example"), DNS_MX));
        assert_null(resolver_ask(&r, at(cases[i].kept_us), SLICE("x.example"), DNS_MX, &client));
        assert_true(resolver_has_lookup(&r));
        resolver_done(&r);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct resolver r;
    struct resolver_client client;
    char name[64];
    resolver_init(&r, (const uint64_t[2]){ 1, 2 });
    resolver_client_init(&client);
    for (unsigned i = 0; i < RESOLVER_LOOKUPS_MAX + 100; i++) {
        snprintf(name, sizeof(name), "h%u.example", i);
        assert_null(resolver_ask(&r, at(0), slice_of(name), DNS_A, &client));
    }
    for (unsigned i = 0; i < RESOLVER_LOOKUPS_MAX; i++)
        assert_non_null(resolver_next_lookup(&r, at(i)));
    assert_null(resolver_next_lookup(&r, at(0)));
    assert_int_equal(resolver_deadline_us(&r), RESOLVER_GUARD_US);
    assert_null(resolver_overdue(&r, at(RESOLVER_GUARD_US - 1)));
    struct resolver_entry *late = resolver_overdue(&r, at(RESOLVER_GUARD_US));
    assert_non_null(late);
    resolver_feed(&r, at(RESOLVER_GUARD_US), late, &(struct event_dns){ .status = DNS_TEMP });
    assert_int_equal(client.pending, RESOLVER_LOOKUPS_MAX + 99);
    resolver_client_cancel(&r, &client);
    assert_int_equal(client.pending, 0);
    resolver_done(&r);

    resolver_init(&r, (const uint64_t[2]){ 1, 2 });
    for (unsigned i = 0; i < RESOLVER_ENTRIES_MAX + 500; i++) {
        snprintf(name, sizeof(name), "h%u.example", i);
        assert_null(resolver_ask(&r, at(0), slice_of(name), DNS_A, &client));
        answer(&r, 0, DNS_OK, US_PER_HOUR);
        assert_ptr_equal(resolver_take_answered(&r), &client);
    }
    assert_true(r.entry_count <= RESOLVER_ENTRIES_MAX);
    assert_null(resolver_peek(&r, at(1), SLICE("h1.example"), DNS_A));
    assert_non_null(resolver_peek(&r, at(1), SLICE("h20400.example"), DNS_A));
    resolver_done(&r);
}

static void test_forget_failures(void **state)
{
    (void)state;
    struct resolver r;
    struct resolver_client client;
    resolver_init(&r, (const uint64_t[2]){ 1, 2 });
    resolver_client_init(&client);
    assert_null(resolver_ask(&r, at(0), SLICE("no.example"), DNS_A, &client));
    answer(&r, 0, DNS_NXDOMAIN, US_PER_HOUR);
    assert_null(resolver_ask(&r, at(0), SLICE("yes.example"), DNS_A, &client));
    answer(&r, 0, DNS_OK, US_PER_HOUR);
    resolver_forget_failures(&r);
    assert_null(resolver_peek(&r, at(1), SLICE("no.example"), DNS_A));
    assert_non_null(resolver_peek(&r, at(1), SLICE("yes.example"), DNS_A));
    resolver_forget_all(&r);
    assert_null(resolver_peek(&r, at(1), SLICE("yes.example"), DNS_A));
    resolver_client_cancel(&r, &client);
    assert_null(resolver_take_answered(&r));
    resolver_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_lookup_for_all),
        cmocka_unit_test(test_lifetimes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_forget_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
