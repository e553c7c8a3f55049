#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "border/model.h"

/* The envelope's bytes: whatever is written is read back, and nothing else is accepted. */

static const struct outcome last_reply = {
    .class = OUTCOME_TEMP,
    .stage = STAGE_RCPT,
    .cause = OUTCOME_CAUSE_REPLY,
    .code = 451,
    .enhanced = { 4, 7, 1 },
    .in_doubt = true,
    .tls = true,
    .text = { "try later\r\n\0\xff", 13 },
    .host = { "mx.example.org", 14 },
    .address = { "192.0.2.1", 9 },
    .at_us = 1700000000000001,
};

static struct envelope sample(struct recipient recipients[static 2])
{
    recipients[0] = (struct recipient){ .address = SLICE("a@example.org"),
                                        .orcpt = SLICE("rfc822;\r\n\0a"),
                                        .notify = NOTIFY_FAILURE | NOTIFY_DELAY,
                                        .local = true,
                                        .state = RECIPIENT_HELD,
                                        .attempts = 3,
                                        .rule = 12,
                                        .due_us = -5,
                                        .last = last_reply };
    recipients[1] = (struct recipient){ .address = SLICE("b@example.org"), .state = RECIPIENT_WAITING, .due_us = 77 };
    return (struct envelope){ .id = 0x123456789abcdef,
                              .received_us = 1,
                              .protocol = RECEIVED_ESMTPSA,
                              .peer = SLICE("2001:db8::1"),
                              .helo = SLICE("client.example"),
                              .account = SLICE("me@example.org"),
                              .from_network = true,
                              .sender = SLICE("me@example.org"),
                              .ret = RET_HDRS,
                              .envid = SLICE("x\0y"),
                              .body = BODY_8BITMIME,
                              .smtputf8 = true,
                              .header_8bit = true,
                              .body_8bit = true,
                              .long_lines = true,
                              .requiretls = true,
                              .priority = 9,
                              .hold = true,
                              .delay_notice_sent = true,
                              .hops = 4,
                              .notice = true,
                              .cause_id = 99,
                              .queue = QUEUE_RETRY,
                              .attempts = 6,
                              .first_attempt_us = 2,
                              .crashes = 1,
                              .body_size = 12345,
                              .recipients = recipients,
                              .recipient_count = 2 };
}

static struct slice encode(const struct envelope *e, struct buffer *out)
{
    buffer_init(out, ENVELOPE_SIZE_MAX);
    envelope_encode(e, out);
    assert_false(out->overflow);
    return buffer_slice(out);
}

/* Equal bytes after another round: every field was carried. */
static void assert_same_bytes(struct slice bytes)
{
    struct arena arena;
    arena_init(&arena);
    struct envelope e;
    assert_int_equal(envelope_decode(bytes, &arena, &e), ERR_OK);
    struct buffer again;
    assert_true(slice_equal(bytes, encode(&e, &again)));
    buffer_done(&again);
    arena_done(&arena);
}

static void test_every_field_is_carried(void **state)
{
    struct recipient recipients[2];
    struct envelope e = sample(recipients);
    struct buffer out;
    struct slice bytes = encode(&e, &out);
    struct arena arena;
    arena_init(&arena);
    struct envelope d;
    assert_int_equal(envelope_decode(bytes, &arena, &d), ERR_OK);
    assert_int_equal(d.id, e.id);
    assert_int_equal(d.received_us, 1);
    assert_int_equal(d.protocol, RECEIVED_ESMTPSA);
    assert_true(slice_equal(d.peer, e.peer) && slice_equal(d.helo, e.helo) && slice_equal(d.account, e.account));
    assert_true(slice_equal(d.sender, e.sender) && slice_equal(d.envid, e.envid));
    assert_true(d.from_network && d.smtputf8 && d.header_8bit && d.body_8bit && d.long_lines && d.requiretls);
    assert_true(d.hold && d.delay_notice_sent && d.notice);
    assert_int_equal(d.ret, RET_HDRS);
    assert_int_equal(d.body, BODY_8BITMIME);
    assert_int_equal(d.priority, 9);
    assert_int_equal(d.hops, 4);
    assert_int_equal(d.cause_id, 99);
    assert_int_equal(d.queue, QUEUE_RETRY);
    assert_int_equal(d.attempts, 6);
    assert_int_equal(d.first_attempt_us, 2);
    assert_int_equal(d.crashes, 1);
    assert_int_equal(d.body_size, 12345);
    assert_int_equal(d.recipient_count, 2);
    const struct recipient *r = &d.recipients[0];
    assert_true(slice_equal(r->address, SLICE("a@example.org")) && slice_equal(r->orcpt, SLICE("rfc822;\r\n\0a")));
    assert_int_equal(r->notify, NOTIFY_FAILURE | NOTIFY_DELAY);
    assert_true(r->local);
    assert_int_equal(r->state, RECIPIENT_HELD);
    assert_int_equal(r->attempts, 3);
    assert_int_equal(r->rule, 12);
    assert_int_equal(r->due_us, -5);
    assert_int_equal(r->last.class, OUTCOME_TEMP);
    assert_int_equal(r->last.stage, STAGE_RCPT);
    assert_int_equal(r->last.cause, OUTCOME_CAUSE_REPLY);
    assert_int_equal(r->last.code, 451);
    assert_int_equal(r->last.enhanced.class, 4);
    assert_int_equal(r->last.enhanced.subject, 7);
    assert_int_equal(r->last.enhanced.detail, 1);
    assert_true(r->last.in_doubt && r->last.tls);
    assert_true(slice_equal(r->last.text, last_reply.text) && slice_equal(r->last.host, last_reply.host));
    assert_true(slice_equal(r->last.address, last_reply.address));
    assert_int_equal(r->last.at_us, last_reply.at_us);
    assert_int_equal(d.recipients[1].last.class, OUTCOME_NONE);
    assert_same_bytes(bytes);
    arena_done(&arena);
    buffer_done(&out);
}

/* Each single flag goes its own way: no two share a bit. */
static void test_flags_are_apart(void **state)
{
    size_t flag_offsets[] = { offsetof(struct envelope, from_network), offsetof(struct envelope, smtputf8),
                              offsetof(struct envelope, header_8bit),  offsetof(struct envelope, body_8bit),
                              offsetof(struct envelope, long_lines),   offsetof(struct envelope, requiretls),
                              offsetof(struct envelope, hold),         offsetof(struct envelope, delay_notice_sent),
                              offsetof(struct envelope, notice) };
    enum { COUNT = sizeof flag_offsets / sizeof flag_offsets[0] };
    for (size_t i = 0; i < COUNT; i++) {
        struct envelope e = { .id = 1 };
        *(bool *)((char *)&e + flag_offsets[i]) = true;
        struct buffer out;
        struct slice bytes = encode(&e, &out);
        struct arena arena;
        arena_init(&arena);
        struct envelope d;
        assert_int_equal(envelope_decode(bytes, &arena, &d), ERR_OK);
        for (size_t j = 0; j < COUNT; j++)
            assert_int_equal(*(bool *)((char *)&d + flag_offsets[j]), i == j);
        arena_done(&arena);
        buffer_done(&out);
    }
}

static void test_cut_anywhere_is_corrupt(void **state)
{
    struct recipient recipients[2];
    struct envelope e = sample(recipients);
    struct buffer out;
    struct slice bytes = encode(&e, &out);
    struct arena arena;
    arena_init(&arena);
    struct envelope d;
    for (size_t size = 0; size < bytes.size; size++) {
        char *copy = malloc(size + 1); /* of its own size: a read over the end is seen */
        memcpy(copy, bytes.data, size);
        assert_int_equal(envelope_decode(slice(copy, size), &arena, &d), ERR_CORRUPT);
        free(copy);
    }
    buffer_add_u8(&out, 0);
    assert_int_equal(envelope_decode(buffer_slice(&out), &arena, &d), ERR_CORRUPT);
    arena_done(&arena);
    buffer_done(&out);
}

/* Any octet changed: refused, or read as something that is again written so. */
static void test_any_octet_changed(void **state)
{
    struct recipient recipients[2];
    struct envelope e = sample(recipients);
    struct buffer out;
    struct slice bytes = encode(&e, &out);
    struct random_fast random;
    random_fast_init(&random, 1);
    for (int round = 0; round < 20000; round++) {
        size_t at = (size_t)random_fast_below(&random, bytes.size);
        char before = out.data[at];
        out.data[at] = (char)random_fast_u64(&random);
        struct arena arena;
        arena_init(&arena);
        struct envelope d;
        enum err err = envelope_decode(bytes, &arena, &d);
        if (err == ERR_OK) {
            assert_true(d.recipient_count <= ENVELOPE_RECIPIENTS_MAX);
            assert_true((unsigned)d.queue < QUEUE_COUNT);
        } else {
            assert_true(err == ERR_CORRUPT || err == ERR_NEWER_FORMAT);
        }
        arena_done(&arena);
        out.data[at] = before;
    }
    buffer_done(&out);
}

static void test_newer_is_refused(void **state)
{
    struct envelope e = { .id = 1 };
    struct buffer out;
    struct slice bytes = encode(&e, &out);
    struct arena arena;
    arena_init(&arena);
    struct envelope d;
    out.data[0] = ENVELOPE_VERSION + 1;
    assert_int_equal(envelope_decode(bytes, &arena, &d), ERR_NEWER_FORMAT);
    out.data[0] = 0;
    assert_int_equal(envelope_decode(bytes, &arena, &d), ERR_CORRUPT);
    out.data[0] = ENVELOPE_VERSION;
    size_t flags_at = 1 + 5 * 8 + 6 + 4;
    out.data[flags_at + 3] = (char)0x80; /* a flag of later days */
    assert_int_equal(envelope_decode(bytes, &arena, &d), ERR_NEWER_FORMAT);
    out.data[flags_at + 3] = 0;
    assert_int_equal(envelope_decode(bytes, &arena, &d), ERR_OK);
    arena_done(&arena);
    buffer_done(&out);
}

static void test_limits(void **state)
{
    struct recipient *recipients = calloc(ENVELOPE_RECIPIENTS_MAX, sizeof *recipients);
    for (int i = 0; i < ENVELOPE_RECIPIENTS_MAX; i++)
        recipients[i].address = SLICE("somebody@example.org");
    struct envelope e = { .id = 1, .recipients = recipients, .recipient_count = ENVELOPE_RECIPIENTS_MAX };
    struct buffer out;
    assert_same_bytes(encode(&e, &out));
    buffer_done(&out);

    buffer_init(&out, 64); /* too small: said so, nothing written over its end */
    envelope_encode(&e, &out);
    assert_true(out.overflow);
    buffer_done(&out);
    free(recipients);

    struct buffer lie; /* a count that the octets cannot hold asks for no memory */
    e = (struct envelope){ .id = 1 };
    struct slice bytes = encode(&e, &lie);
    memcpy(lie.data + bytes.size - 4, "\xff\xff\xff\x00", 4);
    struct arena arena;
    arena_init(&arena);
    struct envelope d;
    assert_int_equal(envelope_decode(bytes, &arena, &d), ERR_CORRUPT);
    memcpy(lie.data + bytes.size - 4, "\x01\x00\x00\x00", 4);
    assert_int_equal(envelope_decode(bytes, &arena, &d), ERR_CORRUPT);
    assert_int_equal(arena.used_bytes, 0);
    arena_done(&arena);
    buffer_done(&lie);
}

static void test_due_and_finished(void **state)
{
    struct recipient recipients[3] = { { .state = RECIPIENT_DELIVERED, .due_us = 1 },
                                       { .state = RECIPIENT_WAITING, .due_us = 9 },
                                       { .state = RECIPIENT_WAITING, .due_us = 5 } };
    struct envelope e = { .recipients = recipients, .recipient_count = 3 };
    assert_int_equal(envelope_due_us(&e), 5);
    assert_false(envelope_finished(&e));
    recipients[1].state = RECIPIENT_HELD;
    recipients[2].state = RECIPIENT_EXPIRED;
    assert_int_equal(envelope_due_us(&e), INT64_MAX);
    assert_false(envelope_finished(&e));
    recipients[1].state = RECIPIENT_BOUNCED;
    assert_true(envelope_finished(&e));
}

static void test_ids(void **state)
{
    static const uint64_t ids[] = { 1, 31, 32, 0x123456789abcdef, INT64_MAX };
    char text[16];
    uint64_t id;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        id_format(ids[i], text);
        assert_int_equal(strlen(text), 13);
        assert_true(id_parse(slice_of(text), &id));
        assert_int_equal(id, ids[i]);
        for (char *c = text; *c; c++) {
            if (*c >= 'a' && *c <= 'z')
                *c = (char)(*c - 32);
        }
        assert_true(id_parse(slice_of(text), &id)); /* as somebody types it */
        assert_int_equal(id, ids[i]);
    }
    static const char *const wrong[] = { "", "0000000000000", "000000000000", "00000000000001", "000000000000u",
                                         "000000000000-", "zzzzzzzzzzzzz", "8000000000000", "00000000 0001" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(id_parse(slice_of(wrong[i]), &id));
    assert_false(id_parse(SLICE("00000000000\0001"), &id));
    char earlier[16];
    id_format(1000, earlier); /* in the order of the numbers */
    id_format(1001, text);
    assert_true(strcmp(earlier, text) < 0);
}

static void test_names(void **state)
{
    assert_string_equal(recipient_state_name(RECIPIENT_WAITING), "waiting");
    assert_string_equal(recipient_state_name(RECIPIENT_EXPIRED), "expired");
    assert_string_equal(queue_name(QUEUE_REMOTE), "remote");
    assert_string_equal(queue_name(QUEUE_LOCAL), "local");
    assert_string_equal(received_protocol_name(RECEIVED_ESMTPSA, false), "ESMTPSA");
    assert_string_equal(received_protocol_name(RECEIVED_ESMTPSA, true), "UTF8SMTPSA");
    assert_string_equal(received_protocol_name(RECEIVED_SMTP, false), "SMTP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_is_carried),
        cmocka_unit_test(test_flags_are_apart),
        cmocka_unit_test(test_cut_anywhere_is_corrupt),
        cmocka_unit_test(test_any_octet_changed),
        cmocka_unit_test(test_newer_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_due_and_finished),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
