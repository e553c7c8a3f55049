/* Notices: whether one is owed, to whom, and what the message that carries it is like. */
#include "engine/bounce.h"

#include "engine_bench.h"

enum { NEVER = NOTIFY_NEVER, SUCCESS = NOTIFY_SUCCESS, FAILURE = NOTIFY_FAILURE, DELAY = NOTIFY_DELAY };

/* RFC 3461 4.1, A40: by what the sender asked for. */
static void who_is_owed_what(void **state)
{
    static const struct {
        uint8_t notify;
        bool failed, delayed, success, after_delay;
    } rows[] = {
        { 0, true, true, false, true },
        { NEVER, false, false, false, false },
        { FAILURE, true, false, false, false },
        { DELAY, false, true, false, true },
        { SUCCESS, false, false, true, false },
        { SUCCESS | FAILURE | DELAY, true, true, true, true },
    };
    struct envelope v = { .sender = SLICE("a@x.test") }, nobody = { .sender = SLICE_EMPTY };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct recipient r = { .notify = rows[i].notify };
        assert_int_equal(bounce_owed(&v, &r, DSN_FAILED), rows[i].failed);
        assert_int_equal(bounce_owed(&v, &r, DSN_DELAYED), rows[i].delayed);
        assert_int_equal(bounce_owed(&v, &r, DSN_SUCCESS), rows[i].success);
        assert_int_equal(bounce_owed(&v, &r, DSN_DELIVERED_AFTER_DELAY), rows[i].after_delay);
        for (enum dsn_kind kind = DSN_FAILED; kind <= DSN_DELIVERED_AFTER_DELAY; kind++)
            assert_false(bounce_owed(&nobody, &r, kind));
    }
}

static const char header[] = "From: <a@x.test>\r\nSubject: the\r\n letter\r\n\r\n";

static struct message *original(const char *sender)
{
    struct message *m = message_new(b.e);
    m->envelope.sender = arena_copy(&m->arena, slice_of(sender));
    m->envelope.received_us = b.now.wall_us;
    m->envelope.envid = SLICE("envelope-7");
    m->envelope.long_lines = true;
    struct recipient *r = message_recipient_add(m);
    r->address = SLICE("b@y.test");
    r->orcpt = SLICE("rfc822;bee@y.test");
    r->last = (struct outcome){ .class = OUTCOME_PERM, .stage = STAGE_RCPT, .cause = OUTCOME_CAUSE_REPLY, .code = 550, .enhanced = { 5, 1, 1 },
                                .text = SLICE("no such user"), .host = SLICE("mx.y.test"), .at_us = b.now.wall_us };
    return m;
}

static struct slice body_of(struct message *m)
{
    static char text[1 << 20];
    struct slice parts[MESSAGE_BODY_PARTS_MAX];
    size_t size = 0;
    uint32_t count = message_body_parts(m, parts);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(text + size, parts[i].data, parts[i].size);
        size += parts[i].size;
    }
    assert_int_equal(size, m->envelope.body_size);
    return slice(text, size);
}

static bool says(struct slice text, const char *what)
{
    return slice_find_slice(text, slice_of(what)) < text.size;
}

static void a_notice_is_a_message(void **state)
{
    bench_init("", "");
    struct message *m = original("a@x.test");
    const struct outcome other = { .class = OUTCOME_TEMP, .stage = STAGE_RCPT, .cause = OUTCOME_CAUSE_REPLY, .code = 450, .text = SLICE("come back"),
                                   .host = SLICE("mx2.y.test"), .at_us = b.now.wall_us };
    const struct bounce_recipient who = { .recipient = 0, .local_cause = true, .others = &other, .other_count = 1 };
    const struct bounce_question question = {
        .original = m, .kind = DSN_FAILED, .recipients = &who, .recipient_count = 1, .original_header = slice(header, sizeof header - 1),
        .original_body = SLICE("hello\r\n"), .transcript = SLICE(">>> RCPT\n<<< 550\n"),
    };
    struct message *n = bounce_make(b.e, &question);
    const struct envelope *v = &n->envelope;
    assert_true(v->id > m->envelope.id);
    assert_true(v->sender.size == 0 && v->notice && v->cause_id == m->envelope.id && v->protocol == RECEIVED_INTERNAL);
    assert_int_equal(v->recipient_count, 1);
    assert_true(slice_equal(v->recipients[0].address, SLICE("a@x.test")) && v->recipients[0].due_us == b.now.wall_us);
    assert_int_equal(v->queue, QUEUE_REMOTE);
    assert_true(v->long_lines); /* it quotes them */
    assert_int_not_equal(n->destination, 0);
    struct slice text = body_of(n);
    static const char *const wanted[] = {
        "To: <a@x.test>", "multipart/report", "Auto-Submitted: auto-replied", "Original-Envelope-Id: envelope-7",
        "Original-Recipient: rfc822", "bee@y.test", "Final-Recipient: rfc822", "b@y.test", "Action: failed", "Status: 5.1.1",
        "no such user", "come back", "mx2.y.test", "RCPT", "Subject: the\r\n letter", "\r\nhello\r\n", "message/rfc822",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!says(text, wanted[i]))
            fail_msg("no \"%s\" in\n%.*s", wanted[i], SLICE_ARG(text));
    run();
    assert_true(traced("notice id=") && traced(" to=<a@x.test> dsn=5.1.1"));
    message_free(b.e, n);
    message_free(b.e, m);
    bench_done();
}

static void quoted_by_its_header_only(void **state)
{
    bench_init("", "");
    struct message *m = original("a@x.test");
    const struct bounce_recipient who = { .recipient = 0, .retry_until_us = b.now.wall_us + US_PER_DAY };
    const struct bounce_question question = {
        .original = m, .kind = DSN_DELAYED, .recipients = &who, .recipient_count = 1, .original_header = slice(header, sizeof header - 1),
        .original_body = SLICE("hello\r\n"), .header_only = true,
    };
    struct message *n = bounce_make(b.e, &question);
    struct slice text = body_of(n);
    assert_true(says(text, "text/rfc822-headers") && says(text, "Subject: the") && !says(text, "\r\nhello\r\n"));
    assert_true(says(text, "Action: delayed") && says(text, "Will-Retry-Until: "));
    assert_false(n->envelope.long_lines);
    message_free(b.e, n);
    message_free(b.e, m);
    bench_done();
}

static void relayed_and_delivered(void **state)
{
    bench_init("", "");
    struct message *m = original("a@x.test");
    m->envelope.recipients[0].last = (struct outcome){ .class = OUTCOME_OK, .stage = STAGE_DOT, .code = 250, .enhanced = { 2, 0, 0 },
                                                       .at_us = b.now.wall_us };
    for (uint32_t i = 0; i < 2; i++) {
        const struct bounce_recipient who = { .recipient = 0, .relayed = i == 0 };
        const struct bounce_question question = { .original = m, .kind = DSN_SUCCESS, .recipients = &who, .recipient_count = 1,
                                                  .original_header = slice(header, sizeof header - 1), .header_only = true };
        struct message *n = bounce_make(b.e, &question);
        struct slice text = body_of(n);
        assert_true(says(text, i == 0 ? "Action: relayed" : "Action: delivered") && says(text, "Status: 2.0.0"));
        message_free(b.e, n);
    }
    message_free(b.e, m);
    bench_done();
}

/* OnGiveUpInformPostmaster: to the postmaster, who is a mailbox here. */
static void for_the_postmaster(void **state)
{
    bench_init("", "");
    struct message *m = original("");
    const struct bounce_recipient who = { .recipient = 0, .expired = true };
    const struct bounce_question question = { .original = m, .kind = DSN_FAILED, .to_postmaster = true, .recipients = &who,
                                              .recipient_count = 1, .original_header = slice(header, sizeof header - 1), .header_only = true };
    struct message *n = bounce_make(b.e, &question);
    assert_true(slice_equal(n->envelope.recipients[0].address, SLICE("postmaster@local.test")));
    assert_true(n->envelope.recipients[0].local);
    assert_int_equal(n->envelope.queue, QUEUE_LOCAL);
    message_free(b.e, n);
    message_free(b.e, m);
    bench_done();
}

static void in_french(void **state)
{
    bench_init("", "");
    struct message *m = original("a@x.test");
    const struct bounce_recipient who = { .recipient = 0, .local_cause = true };
    const struct bounce_question question = { .original = m, .kind = DSN_FAILED, .recipients = &who, .recipient_count = 1,
                                              .original_header = slice(header, sizeof header - 1), .header_only = true };
    struct message *english = bounce_make(b.e, &question);
    static char kept[100000];
    struct slice text = body_of(english);
    assert_true(text.size < sizeof kept);
    memcpy(kept, text.data, text.size);
    size_t size = text.size;
    b.config->server.language = LANGUAGE_FR;
    struct message *french = bounce_make(b.e, &question);
    text = body_of(french);
    assert_false(slice_equal(text, slice(kept, size)));
    assert_true(says(text, "Action: failed") && says(text, "Status: 5.1.1")); /* what programs read is the same */
    assert_true(says(text, "Content-Language: fr") || !says(slice(kept, size), "Content-Language: en"));
    message_free(b.e, english);
    message_free(b.e, french);
    message_free(b.e, m);
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_owed_what),
        cmocka_unit_test(a_notice_is_a_message),
        cmocka_unit_test(quoted_by_its_header_only),
        cmocka_unit_test(relayed_and_delivered),
        cmocka_unit_test(for_the_postmaster),
        cmocka_unit_test(in_french),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
