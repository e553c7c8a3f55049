/* Our trace field: exactly as it is written, and never more than one field, whatever the peer said (S12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/now.h"
#include "base/random.h"
#include "proto/body.h"
#include "proto/received.h"

static const struct received_facts full = {
    .helo = { "client.test", 11 },
    .peer_name = { "host.test", 9 },
    .peer_address = { "192.0.2.1", 9 },
    .by = { "mx.test", 7 },
    .id = { "0123456789abc", 13 },
    .tls_version = { "TLSv1.3", 7 },
    .tls_cipher = { "TLS_AES_256_GCM_SHA384", 22 },
    .recipient = { "b@y.org", 7 },
    .esmtp = true,
    .authenticated = true,
    .at_us = INT64_C(1795529580000000),
};

static void check(const struct received_facts *facts, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 8192);
    received_build(facts, &out);
    assert_true(out.size < 8192);
    buffer_add_char(&out, '\0');
    assert_string_equal(out.data, expected);
    buffer_done(&out);
}

static void test_forms(void **state)
{
    struct received_facts f = full;
    check(&f, "Received: from client.test (host.test [192.0.2.1])\r\n"
              "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n"
              "\tby mx.test with ESMTPSA id 0123456789abc\r\n"
              "\tfor <b@y.org>;\r\n"
              "\tTue, 24 Nov 2026 14:13:00 +0000\r\n");
    f.tls_version = f.tls_cipher = f.recipient = f.peer_name = SLICE_EMPTY;
    f.peer_address = SLICE("2001:db8::1");
    f.authenticated = false;
    check(&f, "Received: from client.test ([IPv6:2001:db8::1])\r\n"
              "\tby mx.test with ESMTP id 0123456789abc;\r\n"
              "\tTue, 24 Nov 2026 14:13:00 +0000\r\n");
    struct received_facts local = { .peer_user = SLICE("anna"), .by = SLICE("mx.test"), .id = SLICE("x"), .at_us = 0 };
    check(&local, "Received: by mx.test (facteur, from user anna)\r\n\tid x;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
}

static void test_protocols(void **state)
{
    static const struct {
        bool esmtp, utf8, tls, authenticated;
        const char *with;
    } rows[] = {
        { false, false, false, false, "SMTP" },   { true, false, false, false, "ESMTP" },
        { true, false, true, false, "ESMTPS" },   { true, false, false, true, "ESMTPA" },
        { true, false, true, true, "ESMTPSA" },   { true, true, false, false, "UTF8SMTP" },
        { true, true, true, false, "UTF8SMTPS" }, { true, true, false, true, "UTF8SMTPA" },
        { true, true, true, true, "UTF8SMTPSA" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct received_facts f = full;
        f.esmtp = rows[i].esmtp;
        f.smtputf8 = rows[i].utf8;
        f.authenticated = rows[i].authenticated;
        f.tls_version = rows[i].tls ? SLICE("TLSv1.2") : SLICE_EMPTY;
        assert_string_equal(received_with(&f), rows[i].with);
    }
}

static void test_utf8_recipient(void **state)
{
    struct received_facts f = { .helo = SLICE("x"),
                                .peer_address = SLICE("::1"),
                                .by = SLICE("m"),
                                .id = SLICE("i"),
                                .esmtp = true,
                                .recipient = SLICE("\xc3\xa9@y.org"),
                                .smtputf8 = true };
    check(
        &f,
        "Received: from x ([IPv6:::1])\r\n\tby m with UTF8SMTP id i\r\n\tfor <\xc3\xa9@y.org>;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
    f.smtputf8 = false;
    check(
        &f,
        "Received: from x ([IPv6:::1])\r\n\tby m with ESMTP id i\r\n\tfor <??@y.org>;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
}

/* One field: its name, lines that all begin with a tab, the end; every line below 998 octets; no 8-bit octet. */
static void check_one_field(struct slice field)
{
    assert_int_equal(body_check(field), BODY_FAULT_NONE);
    assert_true(slice_starts_with(field, SLICE("Received: ")));
    bool first = true;
    while (field.size > 0) {
        size_t end = slice_find_slice(field, SLICE("\r\n"));
        assert_true(end < field.size && end > 0 && end < 998);
        assert_true(first || field.data[0] == '\t');
        for (size_t i = 0; i < end; i++)
            assert_true((field.data[i] >= ' ' && field.data[i] <= '~') || field.data[i] == '\t');
        field = slice_after(field, end + 2);
        first = false;
    }
}

static void test_hostile(void **state)
{
    struct random_fast random;
    struct buffer out;
    char octets[2000];
    random_fast_init(&random, 4);
    buffer_init(&out, 64 << 10);
    for (int round = 0; round < 3000; round++) {
        struct received_facts f = { 0 };
        struct slice *const values[] = { &f.helo, &f.peer_name,   &f.peer_address, &f.peer_user, &f.by,
                                         &f.id,   &f.tls_version, &f.tls_cipher,   &f.recipient };
        static const char odd[] = "\r\n\0()<>[]\\\";,:@\x80\xff\t ";
        for (size_t i = 0; i < sizeof octets; i++)
            octets[i] = random_fast_below(&random, 2) ? odd[random_fast_below(&random, sizeof odd)]
                                                      : (char)random_fast_u64(&random);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
            *values[i] = slice_part(slice(octets, sizeof octets), random_fast_below(&random, 1000),
                                    random_fast_below(&random, i == 8 ? 509 : 600));
        f.esmtp = f.authenticated = random_fast_below(&random, 2);
        f.at_us = (int64_t)random_fast_below(&random, 1u << 31) * US_PER_SECOND;
        buffer_clear(&out);
        received_build(&f, &out);
        assert_false(out.overflow);
        check_one_field(buffer_slice(&out));
    }
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_utf8_recipient),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
