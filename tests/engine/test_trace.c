/* Traces as lines: exactly as they read; and whatever a peer said, one line whose fields can be taken apart again (S21). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/now.h"
#include "base/random.h"
#include "engine/trace.h"

static const char *const keys[] = {
#define TRACE_FIELD(name, key) key,
    TRACE_FIELDS(TRACE_FIELD)
#undef TRACE_FIELD
};

enum { KEYS = sizeof keys / sizeof keys[0] };

static void check(const struct trace_event *event, const char *expected)
{
    struct buffer out;
    buffer_init(&out, TRACE_LINE_SIZE_MAX);
    trace_format(event, &out);
    assert_false(out.overflow);
    buffer_add_char(&out, '\0');
    assert_string_equal(out.data, expected);
    buffer_done(&out);
}

static void test_lines(void **state)
{
    struct trace_event received = {
        .kind = TRACE_RECEIVED,
        .id = 32,
        .listener = SLICE("relay"),
        .client = SLICE("[192.0.2.1]:4711"),
        .helo = SLICE("c.test"),
        .from = SLICE("a@x.org"),
        .protocol = SLICE("ESMTP"),
        .size_bytes = 1000,
        .recipient_count = 2,
    };
    check(&received,
          "received id=0000000000010 listener=relay client=[192.0.2.1]:4711 helo=c.test from=<a@x.org> proto=ESMTP "
          "size=1000 nrcpt=2");
    received.from = SLICE_EMPTY;
    received.helo = SLICE("a \"b\"\r\nc=\x1b[31m\xe2\x80\xae\xff");
    received.cause_id = 33;
    check(&received, "received id=0000000000010 cause=0000000000011 listener=relay client=[192.0.2.1]:4711 "
                     "helo=\"a \\x22b\\x22\\x0d\\x0ac=\\x1b[31m\\u{202e}\\xff\" from=<> proto=ESMTP size=1000 nrcpt=2");
    struct trace_event delivery = {
        .kind = TRACE_DELIVERY,
        .id = 32,
        .from = SLICE("a@x.org"),
        .to = SLICE("\"a b\"@y.org"),
        .port = 25,
        .attempt = 1,
        .delay_us = 1230000,
        .status = SLICE("deferred"),
        .queue = QUEUE_RETRY,
        .queue_given = true,
        .next_us = INT64_C(1795529580000000),
        .outcome = { .class = OUTCOME_TEMP,
                     .stage = STAGE_RCPT,
                     .cause = OUTCOME_CAUSE_REPLY,
                     .code = 451,
                     .enhanced = { 4, 7, 1 },
                     .tls = true,
                     .in_doubt = true,
                     .text = SLICE("later,\nsaid \"he\""),
                     .host = SLICE("mx.y.org"),
                     .address = SLICE("192.0.2.1") },
    };
    check(
        &delivery,
        "delivery id=0000000000010 from=<a@x.org> to=\"<\\x22a b\\x22@y.org>\" relay=mx.y.org[192.0.2.1]:25 tls=yes stage=rcpt "
        "attempt=1 delay=1.23 dsn=4.7.1 status=deferred in_doubt=yes queue=retry next=2026-11-24T14:13:00.000Z "
        "said=\"451 later,\\x0asaid \\x22he\\x22\"");
    check(&(struct trace_event){ .kind = TRACE_STOPPED }, "stop");
    check(&(struct trace_event){ .kind = TRACE_CONFIG,
                                 .key = SLICE("Delivery.Mode"),
                                 .value = SLICE("direct"),
                                 .file = SLICE("facteur.ini"),
                                 .line = 12 },
          "config key=Delivery.Mode value=\"direct\" at=facteur.ini:12");
}

/* Takes one field off the front: " key=value", the value as it stands, without its quotes. */
static bool field_take(struct slice *rest, size_t *ret_key, struct slice *ret_value)
{
    if (rest->size == 0 || rest->data[0] != ' ')
        return false;
    *rest = slice_after(*rest, 1);
    size_t equals = slice_find(*rest, '=');
    struct slice key = slice_part(*rest, 0, equals);
    *rest = slice_after(*rest, equals + 1);
    bool quoted = rest->size > 0 && rest->data[0] == '"';
    if (quoted)
        *rest = slice_after(*rest, 1);
    size_t end = slice_find(*rest, quoted ? '"' : ' ');
    if (quoted && end == rest->size)
        return false;
    *ret_value = slice_part(*rest, 0, end);
    *rest = slice_after(*rest, end + quoted);
    for (*ret_key = 0; *ret_key < KEYS; ++*ret_key)
        if (slice_equal(key, slice_of(keys[*ret_key])))
            return true;
    return slice_equal(key, SLICE("value")); /* stands behind key= */
}

static struct slice unescape(struct slice text, struct buffer *out)
{
    buffer_clear(out);
    while (text.size > 0) {
        struct slice hex = slice_part(text, 2, 2);
        if (slice_starts_with(text, SLICE("\\x")) && hex_decode(hex, out) == ERR_OK) {
            text = slice_after(text, 4);
        } else if (slice_starts_with(text, SLICE("\\\\"))) {
            buffer_add_char(out, '\\');
            text = slice_after(text, 2);
        } else {
            buffer_add(out, slice_part(text, 0, 1));
            text = slice_after(text, 1);
        }
    }
    return buffer_slice(out);
}

static struct slice hostile(struct random_fast *random, char *to, size_t size_max)
{
    static const char odd[] = "\" =\\\r\n\0\t\x1b\x7f\x80\xff<>{}";
    size_t size = random_fast_below(random, size_max);
    for (size_t i = 0; i < size; i++)
        to[i] = random_fast_below(random, 2) ? odd[random_fast_below(random, sizeof odd)]
                                             : (char)(' ' + random_fast_below(random, 95));
    return slice(to, size);
}

static void check_line(struct slice line, const struct trace_event *event)
{
    struct buffer plain;
    size_t key, before = 0;
    struct slice value;
    buffer_init(&plain, 1 << 16);
    for (size_t i = 0; i < line.size; i++)
        assert_true((unsigned char)line.data[i] >= ' ' && line.data[i] != 0x7f);
    const char *name = trace_name(event->kind);
    assert_true(slice_starts_with(line, slice_of(name)));
    line = slice_after(line, strlen(name));
    for (bool first = true; line.size > 0; first = false) {
        if (!field_take(&line, &key, &value))
            fail_msg("%s cannot be taken apart before \"%.*s\"", name, SLICE_ARG(line));
        if (key == KEYS)
            continue;
        assert_true(first || key > before); /* in their order, each once */
        before = key;
        value = unescape(value, &plain);
        if (key == TRACE_FIELD_HELO)
            assert_true(slice_equal(value, event->helo));
        if (key == TRACE_FIELD_REASON)
            assert_true(slice_equal(value, event->reason));
        if (key == TRACE_FIELD_FROM)
            assert_true(slice_equal(slice_part(value, 1, value.size - 2), event->from));
    }
    buffer_done(&plain);
}

static void test_hostile_values(void **state)
{
    static char texts[10][2000];
    struct random_fast random;
    struct buffer out;
    random_fast_init(&random, 21);
    buffer_init(&out, 1 << 17);
    for (int round = 0; round < 20000; round++) {
        struct trace_event e = { .kind = (enum trace_kind)random_fast_below(&random, TRACE_KIND_COUNT) };
        struct slice *const slices[] = { &e.client, &e.helo,  &e.account,      &e.from,         &e.to,
                                         &e.reason, &e.value, &e.outcome.text, &e.outcome.host, &e.key };
        for (size_t i = 0; i < 10; i++)
            *slices[i] = hostile(&random, texts[i], round % 10 == 0 ? 1000 : 40);
        e.outcome.code = (uint16_t)random_fast_below(&random, 600);
        e.id = random_fast_u64(&random) >> 1;
        e.delay_us = (int64_t)random_fast_u64(&random) >> 2;
        e.count = random_fast_u64(&random);
        buffer_clear(&out);
        trace_format(&e, &out);
        check_line(buffer_slice(&out), &e);
    }
    buffer_done(&out);
}

/* The largest that each field may be in earnest fits a line; more than fits is cut, and is one line still. */
static void test_long_values(void **state)
{
    static char text[70000];
    struct buffer out;
    buffer_init(&out, TRACE_LINE_SIZE_MAX);
    memset(text, '\xff', sizeof text);
    struct trace_event e = { .kind = TRACE_REJECTED, .outcome = { .code = 550, .text = { text, sizeof text } } };
    char letters[600];
    memset(letters, 'x', sizeof letters);
    e.helo = slice(letters, 255);
    e.account = slice(letters, 320);
    e.from = e.to = slice(letters, 509);
    e.reason = slice(letters, 300);
    e.client = slice(letters, 60);
    trace_format(&e, &out);
    assert_false(out.overflow);
    check_line(buffer_slice(&out), &e);
    assert_true(out.size < TRACE_LINE_SIZE_MAX);
    e.helo = e.account = e.from = e.reason = slice(text, sizeof text);
    buffer_clear(&out);
    trace_format(&e, &out);
    for (size_t i = 0; i < out.size; i++)
        assert_true((unsigned char)out.data[i] >= ' ' && (unsigned char)out.data[i] < 0x7f);
    buffer_done(&out);
}

static void test_names(void **state)
{
    for (int kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        assert_true(trace_name((enum trace_kind)kind)[0] != '\0');
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(trace_name((enum trace_kind)kind), trace_name((enum trace_kind)other));
        assert_true(trace_level_name(trace_level((enum trace_kind)kind))[0] != '\0');
    }
    assert_true(trace_in_history(TRACE_DELIVERY) && !trace_in_history(TRACE_SESSION_OPENED));
}

static void test_counters(void **state)
{
    struct trace_counters c = { 0 };
    trace_count(&c, &(struct trace_event){ .kind = TRACE_RECEIVED, .size_bytes = 1000, .recipient_count = 3 });
    trace_count(&c, &(struct trace_event){ .kind = TRACE_RECEIVED, .size_bytes = 1, .recipient_count = 1 });
    trace_count(&c, &(struct trace_event){ .kind = TRACE_DELIVERY, .outcome = { .class = OUTCOME_PERM } });
    trace_count(&c, &(struct trace_event){ .kind = TRACE_ATTEMPT, .outcome = { .in_doubt = true } });
    assert_true(c.events[TRACE_RECEIVED] == 2 && c.events[TRACE_DELIVERY] == 1 && c.events[TRACE_ATTEMPT] == 1);
    assert_true(c.received_octets == 1001 && c.received_recipients == 4);
    assert_true(c.delivery_outcomes[OUTCOME_PERM] == 1 && c.in_doubt == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines), cmocka_unit_test(test_hostile_values), cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_names), cmocka_unit_test(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
