/* Events as JSON: the keys that are always there, every kind, and texts of strangers that stay within their quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "admin/event_json.h"
#include "base/arena.h"
#include "base/now.h"
#include "base/random.h"
#include "border/model.h"
#include "policy/rule.h"

static json_t *parsed(const struct trace_event *event)
{
    struct buffer b;
    buffer_init(&b, EVENT_JSON_SIZE_MAX);
    event_json(event, &b);
    assert_false(b.overflow);
    json_t *value = json_loadb(b.data, b.size, JSON_REJECT_DUPLICATES, NULL);
    if (!value)
        print_error("%.*s\n", SLICE_ARG(buffer_slice(&b)));
    assert_true(json_is_object(value));
    buffer_done(&b);
    return value;
}

static const char *text(const json_t *value, const char *key)
{
    return json_string_value(json_object_get(value, key));
}

static void test_keys_of_every_kind(void **state)
{
    (void)state;
    static const char *const always[] = { "at", "event", "id", "from", "to", "rule", "last", "status", "next_attempt", "queue" };
    for (int kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        const struct trace_event event = { .kind = (enum trace_kind)kind };
        json_t *value = parsed(&event);
        assert_string_equal(text(value, "event"), trace_name((enum trace_kind)kind));
        for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
            assert_non_null(json_object_get(value, always[i]));
        assert_true(json_is_null(json_object_get(value, "at")) && json_is_null(json_object_get(value, "last")));
        assert_int_equal(json_object_size(value), 10);
        json_decref(value);
    }
}

static void test_a_full_one(void **state)
{
    (void)state;
    const struct trace_event event = {
        .kind = TRACE_DELIVERY, .at_us = INT64_C(1795529580123000), .id = 42, .cause_id = 41, .listener = SLICE("relay"),
        .client = SLICE("[::1]:25"), .helo = SLICE("h"), .account = SLICE("a@b"), .from = SLICE("f@g"), .to = SLICE("t@u"),
        .protocol = SLICE("ESMTP"), .size_bytes = 12, .recipient_count = 3, .attempt = 2, .delay_us = 7 * US_PER_SECOND,
        .status = SLICE("deferred"), .queue = QUEUE_RETRY, .queue_given = true, .next_us = INT64_C(1795529580999000),
        .rule = RULE_A10A, .key = SLICE("Delivery.Mode"), .line = 12, .count = 5, .reason = SLICE("why"), .remedy = SLICE("what"),
        .outcome = { .class = OUTCOME_TEMP, .stage = STAGE_DOT, .cause = OUTCOME_CAUSE_LOST, .enhanced = { 4, 4, 2 }, .in_doubt = true,
                     .tls = true, .host = SLICE("mx"), .address = SLICE("192.0.2.1"), .at_us = INT64_C(1795529580000000) },
    };
    json_t *value = parsed(&event), *last = json_object_get(value, "last");
    char id[16];
    id_format(42, id);
    assert_string_equal(text(value, "id"), id);
    assert_string_equal(text(value, "at"), "2026-11-24T14:13:00.123Z");
    assert_string_equal(text(value, "rule"), "A10a");
    assert_string_equal(text(value, "queue"), "retry");
    assert_string_equal(text(value, "listener"), "relay");
    assert_string_equal(text(value, "helo"), "h");
    assert_string_equal(text(value, "remedy"), "what");
    assert_int_equal(json_integer_value(json_object_get(value, "delay_s")), 7);
    assert_int_equal(json_integer_value(json_object_get(value, "count")), 5);
    assert_string_equal(text(last, "stage"), "dot");
    assert_string_equal(text(last, "enhanced_code"), "4.4.2");
    assert_string_equal(text(last, "cause"), "lost");
    assert_true(json_is_null(json_object_get(last, "code")) && json_is_null(json_object_get(last, "text")));
    assert_true(json_is_true(json_object_get(last, "in_doubt")) && json_is_true(json_object_get(last, "tls")));
    json_decref(value);
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *read;
    } rows[] = {
        { "plain", "plain" },
        { "\"quoted\\\"", "\"quoted\\\"" },
        { "line\r\nend\ttab\x7f", "line\r\nend\ttab\x7f" },
        { "\xc3\xa9\xe2\x80\x99", "\xc3\xa9\xe2\x80\x99" },
        { "\xf0\x9f\x93\xac", "\xf0\x9f\x93\xac" },
        { "\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct trace_event event = { .kind = TRACE_REJECTED, .reason = slice_of(rows[i].text) };
        json_t *value = parsed(&event);
        assert_string_equal(text(value, "reason"), rows[i].read);
        json_decref(value);
    }
    json_t *value = parsed(&(struct trace_event){ .kind = TRACE_REJECTED, .reason = SLICE("a\0b") });
    assert_string_equal(text(value, "reason"), "a\xef\xbf\xbd" "b");
    json_decref(value);
}

/* S12, S21: any octets in every text, as long as a server may make them. */
static void test_random_octets(void **state)
{
    (void)state;
    struct random_fast random;
    random_fast_init(&random, 21);
    char octets[1024];
    for (int i = 0; i < 3000; i++) {
        size_t size = random_fast_below(&random, sizeof octets + 1), part = size / 8;
        for (size_t k = 0; k < size; k++)
            octets[k] = (char)random_fast_below(&random, 256);
        const struct slice all = slice(octets, size), some = slice(octets, part);
        const struct trace_event event = {
            .kind = (enum trace_kind)random_fast_below(&random, TRACE_KIND_COUNT), .id = 1, .from = some, .to = some, .helo = some,
            .client = some, .account = some, .reason = some, .remedy = some, .status = some, .rule = (uint16_t)i,
            .outcome = { .class = OUTCOME_PERM, .host = some, .address = some, .text = all },
        };
        json_decref(parsed(&event));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_every_kind),
        cmocka_unit_test(test_a_full_one),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_random_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
