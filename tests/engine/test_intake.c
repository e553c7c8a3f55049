/* Inbound sessions: who may send what to whom, when 250 is said, and what becomes of a body on its way in. */
#include "engine_bench.h"

#define HASH "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const char accounts[] = "[jo@local.test]\nPassword = " HASH "\nAlias = j@local.test\n[ann@away.test]\nPassword = " HASH "\n";
static const char networks[] = "[Relay]\nNetworks = 192.0.2.0/24\n";

static void begin(const char *settings)
{
    bench_init(settings, accounts);
    b.now.wall_us -= b.now.wall_us % US_PER_SECOND;
}

static struct peer *client_hello(enum listener_kind listener, const char *address)
{
    struct peer *client = client_new(listener, address);
    assert_true(client_heard_some(client, "220 mta.example.org"));
    client_say(client, "EHLO client.test\r\n");
    assert_true(client_heard_some(client, "250-SIZE ") || client->in.size == 0);
    return client;
}

static void log_in(struct peer *client, const char *password)
{
    /* \0jo@local.test\0right, \0jo@local.test\0wrong */
    bool right = strcmp(password, "right") == 0;
    client_say(client, right ? "AUTH PLAIN AGpvQGxvY2FsLnRlc3QAcmlnaHQ=\r\n" : "AUTH PLAIN AGpvQGxvY2FsLnRlc3QAd3Jvbmc=\r\n");
}

static uint64_t queued_id(void)
{
    return b.stored_count > 0 ? b.stored[b.stored_count - 1].id : 0;
}

/* ---- who may ---- */

static void a_stranger_reaches_mailboxes_here_only(void **state)
{
    begin(networks);
    struct peer *c = client_hello(LISTENER_RELAY, "203.0.113.9");
    client_say(c, "MAIL FROM:<a@far.test>\r\n");
    client_heard(c, "250 2.1.0 Sender ok\r\n");
    client_say(c, "RCPT TO:<x@elsewhere.test>\r\n");
    client_heard(c, "550 5.7.1 Relaying is not allowed without a login\r\n");
    client_say(c, "RCPT TO:<nobody@local.test>\r\n");
    client_heard(c, "550 5.1.1 No such mailbox here\r\n");
    client_say(c, "RCPT TO:<ann@away.test>\r\n"); /* its domain is not local: send-only */
    assert_true(client_heard_some(c, "550 5.7.1"));
    client_say(c, "RCPT TO:<J@LOCAL.test>\r\nRCPT TO:<jo@local.test>\r\nRCPT TO:<postmaster@local.test>\r\nRCPT TO:<Postmaster>\r\n");
    client_heard(c, "250 2.1.5 Recipient ok\r\n250 2.1.5 Recipient ok\r\n250 2.1.5 Recipient ok\r\n250 2.1.5 Recipient ok\r\n");
    assert_int_equal(traced_count("reject "), 3);
    bench_done();
}

static void a_network_and_a_login_may_relay(void **state)
{
    begin(networks);
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    client_say(c, "MAIL FROM:<anybody@far.test>\r\nRCPT TO:<x@elsewhere.test>\r\n");
    client_heard(c, "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n");
    c = client_hello(LISTENER_SUBMISSION, "127.0.0.1");
    client_say(c, "MAIL FROM:<jo@local.test>\r\n");
    assert_true(client_heard_some(c, "530 5.7.0"));
    log_in(c, "right");
    assert_true(client_heard_some(c, "235 2.7.0"));
    client_say(c, "MAIL FROM:<ann@away.test>\r\n");
    client_heard(c, "553 5.7.1 The account may not send as this address\r\n");
    client_say(c, "MAIL FROM:<J@local.test>\r\nRCPT TO:<x@elsewhere.test>\r\n");
    client_heard(c, "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n");
    client_say(c, "RSET\r\nMAIL FROM:<>\r\n"); /* receipts have it */
    assert_true(client_heard_some(c, "250 2.1.0 Sender ok"));
    bench_done();
}

static void three_wrong_passwords_are_enough(void **state)
{
    begin("");
    struct peer *c = client_hello(LISTENER_RELAY, "127.0.0.1");
    for (uint32_t i = 0; i < 3; i++)
        log_in(c, "wrong");
    assert_int_equal(traced_count("login-failed "), 3);
    assert_true(client_heard_some(c, "421 4.7.0"));
    assert_true(c->closing);
    bench_done();
}

/* ---- when 250 is said ---- */

static void submit(struct peer *c)
{
    client_say(c, "MAIL FROM:<a@far.test>\r\nRCPT TO:<jo@local.test>\r\nDATA\r\n");
    assert_true(client_heard_some(c, "354"));
    client_say(c, "Subject: x\r\n\r\nhello\r\n.\r\n");
}

static void said_when_it_is_stored(void **state)
{
    begin(networks);
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    b.store_silent = b.maildir_silent = true;
    submit(c);
    pass(US_PER_MINUTE);
    client_heard(c, "");
    assert_int_equal(b.submits, 1);
    bench_store_answers();
    run();
    assert_true(client_heard_some(c, "250 2.0.0 Ok: queued as "));
    const struct envelope *v = stored_envelope(queued_id());
    assert_int_equal(v->queue, QUEUE_LOCAL);
    assert_true(v->from_network && v->recipients[0].local && slice_equal(v->sender, SLICE("a@far.test")));
    assert_int_equal(v->body_size, stored_find(v->id)->body.size);
    assert_true(slice_starts_with(buffer_slice(&stored_find(v->id)->body), SLICE("Received: from client.test")));
    bench_done();
}

static void what_the_store_refuses(void **state)
{
    static const struct {
        enum store_status status;
        const char *answer;
    } rows[] = { { STORE_FULL, "452 4.3.1" }, { STORE_FAILED, "451 4.3.0" }, { STORE_UNKNOWN, "451 4.3.0" } };
    begin(networks);
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        b.store_status = rows[i].status;
        submit(c);
        assert_true(client_heard_some(c, rows[i].answer));
    }
    assert_int_equal(b.stored_count, 0);
    assert_int_equal(traced_count("not-stored "), 3);
    assert_int_equal(b.e->queue->stubs.count, 0);
    b.store_status = STORE_OK;
    submit(c);
    assert_true(client_heard_some(c, "250 2.0.0"));
    struct event event = { .kind = EVENT_STORE_STATE, .store_state = { .full = true } };
    engine_feed(b.e, b.now, &event);
    client_say(c, "MAIL FROM:<a@far.test>\r\n");
    assert_true(client_heard_some(c, "452 4.3.1"));
    event.store_state.failed = true;
    engine_feed(b.e, b.now, &event);
    client_say(c, "MAIL FROM:<a@far.test>\r\n");
    assert_true(client_heard_some(c, "451 4.3.0"));
    bench_done();
}

/* Whoever is gone when it is stored: it is in the queue all the same. */
static void a_client_that_does_not_wait(void **state)
{
    begin(networks);
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    b.store_silent = b.maildir_silent = true;
    submit(c);
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_CLOSED, .handle = c->handle });
    c->handle = (struct handle){ 0 };
    run();
    bench_store_answers();
    run();
    assert_int_equal(b.e->queue->stubs.count, 1);
    assert_true(traced("received id="));
    bench_done();
}

/* ---- large bodies ---- */

/* A header with a line "Date:" as its last field behind `filler` octets of others, and a body of `size` octets. */
static struct slice large(size_t filler, const char *last_field, size_t size)
{
    static char text[4 << 20];
    static const char line[] = "X-Filler: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    size_t at = 0;
    for (; at < filler; at += sizeof line - 1)
        memcpy(text + at, line, sizeof line - 1);
    at += (size_t)snprintf(text + at, 200, "%s\r\n", last_field);
    static const char words[] = "body 5678901234567890123456789012345678901234567890123456789012345678\r\n";
    for (size_t end = at + size; at < end; at += sizeof words - 1)
        memcpy(text + at, words, sizeof words - 1);
    return slice(text, at);
}

static void submit_large(struct peer *c, struct slice text)
{
    client_say(c, "MAIL FROM:<jo@local.test>\r\nRCPT TO:<jo@local.test>\r\nDATA\r\n");
    assert_true(client_heard_some(c, "354"));
    client_say_bytes(c, text);
    client_say(c, ".\r\n");
}

static void streamed_into_a_file(void **state)
{
    begin(networks);
    b.maildir_silent = true;
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    submit_large(c, large(0, "Subject: x\r\n", 1 << 20));
    assert_true(client_heard_some(c, "250 2.0.0"));
    const struct envelope *v = stored_envelope(queued_id());
    assert_int_equal(v->body_size, b.big_body.size);
    struct slice sent = large(0, "Subject: x\r\n", 1 << 20);
    assert_true(slice_equal(slice_after(buffer_slice(&b.big_body), b.big_body.size - sent.size), sent));
    assert_int_equal(b.big_aborts, 0);
    bench_done();
}

/* Two chunks in flight, then nothing more is read from the client. */
static void reading_pauses(void **state)
{
    begin(networks);
    b.big_silent = b.maildir_silent = true;
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    submit_large(c, large(0, "Subject: x\r\n", 2 << 20));
    assert_int_equal(b.big_count, 2);
    assert_true(c->out.size > 1 << 20);
    assert_in_range(messages_body_memory(b.e), 1, 1 << 20);
    b.big_silent = false;
    run();
    assert_true(client_heard_some(c, "250 2.0.0"));
    bench_done();
}

/* Its file fails: the client is heard to the end and told 451; nothing stays. */
static void a_large_body_that_fails(void **state)
{
    static const struct {
        enum store_status status;
        const char *answer;
    } rows[] = { { STORE_FULL, "452 4.3.1" }, { STORE_FAILED, "451 4.3.0" } };
    begin(networks);
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    for (uint32_t i = 0; i < 2; i++) {
        b.big_status = rows[i].status;
        submit_large(c, large(0, "Subject: x\r\n", 2 << 20));
        assert_true(client_heard_some(c, rows[i].answer));
        assert_int_equal(b.big_aborts, i + 1);
    }
    assert_int_equal(b.submits, 0);
    assert_int_equal(messages_body_memory(b.e), 0);
    b.big_status = STORE_OK;
    submit(c); /* the session goes on */
    assert_true(client_heard_some(c, "250 2.0.0"));
    bench_done();
}

/* The file failed at its very end, and while nothing else was under way. */
static void a_large_body_that_fails_at_the_end(void **state)
{
    begin(networks);
    b.big_silent = true;
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    submit_large(c, large(0, "Subject: x\r\n", 300 << 10));
    while (b.big_count > 0 && !b.big_finish[0]) {
        struct event event = { .kind = EVENT_BIG, .handle = b.big[0], .big = { .id = b.big_op[0].id } };
        b.big_count--;
        memmove(b.big, b.big + 1, sizeof b.big - sizeof b.big[0]);
        memmove(b.big_op, b.big_op + 1, sizeof b.big_op - sizeof b.big_op[0]);
        memmove(b.big_finish, b.big_finish + 1, sizeof b.big_finish - sizeof b.big_finish[0]);
        engine_feed(b.e, b.now, &event);
        run();
    }
    assert_int_equal(b.big_count, 1);
    client_heard(c, "");
    b.big_status = STORE_FAILED;
    b.big_silent = false;
    run();
    assert_true(client_heard_some(c, "451 4.3.0"));
    assert_int_equal(b.big_aborts, 1);
    bench_done();
}

/* Its record may be in the journal: the file must stay for the restart that finds it; else it goes. */
static void a_large_file_whose_record_is_in_doubt(void **state)
{
    begin(networks);
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    b.store_status = STORE_UNKNOWN;
    submit_large(c, large(0, "Subject: x\r\n", 1 << 20));
    assert_true(client_heard_some(c, "451 4.3.0"));
    assert_int_equal(b.big_aborts, 0);
    b.store_status = STORE_FAILED;
    submit_large(c, large(0, "Subject: x\r\n", 1 << 20));
    assert_true(client_heard_some(c, "451 4.3.0"));
    assert_int_equal(b.big_aborts, 1);
    bench_done();
}

static void a_client_that_is_gone_leaves_no_file(void **state)
{
    begin(networks);
    struct peer *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    client_say(c, "MAIL FROM:<jo@local.test>\r\nRCPT TO:<jo@local.test>\r\nDATA\r\n");
    client_say_bytes(c, large(0, "Subject: x\r\n", 1 << 20));
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_CLOSED, .handle = c->handle });
    c->handle = (struct handle){ 0 };
    run();
    assert_int_equal(b.big_aborts, 1);
    assert_int_equal(b.submits, 0);
    bench_done();
}

/* ---- what a client of ours forgot is added, once ---- */

static uint32_t occurs(struct slice text, const char *what)
{
    uint32_t count = 0;
    for (size_t at; (at = slice_find_slice(text, slice_of(what))) < text.size; count++)
        text = slice_after(text, at + 1);
    return count;
}

static void the_fields_that_are_added(void **state)
{
    static const struct {
        size_t filler, body;
        const char *field;
        uint32_t dates, ids;
    } rows[] = {
        { 0, 100, "Subject: x\r\n", 1, 1 },
        { 0, 100, "Date: Wed, 25 Nov 2026 16:00:00 +0000\r\n", 1, 1 },
        { 0, 1 << 20, "Subject: x\r\n", 1, 1 }, /* streamed */
        { 0, 1 << 20, "Date: Wed, 25 Nov 2026 16:00:00 +0000\r\nMessage-ID: <a@b>\r\n", 1, 1 },
        /* The header has not ended when the body begins to be streamed: rather none than a second. */
        { 400 << 10, 100, "Date: Wed, 25 Nov 2026 16:00:00 +0000\r\nMessage-ID: <a@b>\r\n", 1, 1 },
        { 400 << 10, 1 << 20, "Subject: x\r\n", 0, 0 },
    };
    begin(networks);
    b.maildir_silent = true;
    struct peer *c = client_hello(LISTENER_SUBMISSION, "127.0.0.1");
    log_in(c, "right");
    assert_true(client_heard_some(c, "235 2.7.0"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice text = large(rows[i].filler, rows[i].field, rows[i].body);
        submit_large(c, text);
        assert_true(client_heard_some(c, "250 2.0.0"));
        struct stored *s = stored_find(queued_id());
        struct slice got = buffer_slice(text.size > STORE_INLINE_BODY_MAX ? &b.big_body : &s->body);
        if (occurs(got, "\nDate: ") != rows[i].dates || occurs(got, "\nMessage-ID: ") != rows[i].ids)
            fail_msg("row %zu: %u dates, %u ids", i, occurs(got, "\nDate: "), occurs(got, "\nMessage-ID: "));
    }
    bench_done();
}

/* ---- how many ---- */

static void sessions_of_an_address(void **state)
{
    begin("[Limits]\nMaxSessionsPerAddress = 2\n");
    client_hello(LISTENER_RELAY, "203.0.113.9");
    struct peer *second = client_hello(LISTENER_RELAY, "203.0.113.9");
    struct peer *c = client_new(LISTENER_RELAY, "203.0.113.9");
    assert_true(client_heard_some(c, "Too many sessions from your address"));
    assert_true(traced("session-refused ") && traced("key=Limits.MaxSessionsPerAddress at=facteur.ini:"));
    client_hello(LISTENER_RELAY, "203.0.113.10");
    client_say(second, "QUIT\r\n");
    assert_true(client_heard_some(second, "221 2.0.0"));
    client_hello(LISTENER_RELAY, "203.0.113.9");
    bench_done();
}

static void a_stop_lets_a_message_end(void **state)
{
    begin(networks);
    struct peer *idle = client_hello(LISTENER_RELAY, "192.0.2.1"), *c = client_hello(LISTENER_RELAY, "192.0.2.77");
    b.store_silent = true;
    submit(c);
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_STOP });
    run();
    assert_true(client_heard_some(idle, "421 4.3.2") && idle->closing);
    client_heard(c, "");
    assert_false(engine_stopped(b.e));
    bench_store_answers();
    run();
    assert_true(client_heard_some(c, "250 2.0.0"));
    assert_true(c->closing && engine_stopped(b.e));
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_reaches_mailboxes_here_only),
        cmocka_unit_test(a_network_and_a_login_may_relay),
        cmocka_unit_test(three_wrong_passwords_are_enough),
        cmocka_unit_test(said_when_it_is_stored),
        cmocka_unit_test(what_the_store_refuses),
        cmocka_unit_test(a_client_that_does_not_wait),
        cmocka_unit_test(streamed_into_a_file),
        cmocka_unit_test(reading_pauses),
        cmocka_unit_test(a_large_body_that_fails),
        cmocka_unit_test(a_large_body_that_fails_at_the_end),
        cmocka_unit_test(a_large_file_whose_record_is_in_doubt),
        cmocka_unit_test(a_client_that_is_gone_leaves_no_file),
        cmocka_unit_test(the_fields_that_are_added),
        cmocka_unit_test(sessions_of_an_address),
        cmocka_unit_test(a_stop_lets_a_message_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
