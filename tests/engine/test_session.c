/* Sessions against scripted servers: every stage, reuse, TLS, logins, bodies. */
#include "session_bench.h"

static struct engine *const e = &b.engine;

#define OPENING "EHLO mta.example.org|"
#define LETTER(domain) "MAIL FROM:<from@example.org> SIZE=21|RCPT TO:<r0@" domain ">|DATA|<body>|"

static void test_one_after_another(void **state)
{
    (void)state;
    bench_init();
    struct letter *l = letter_send(1, "a.test");
    expect_ok(l);
    assert_string_equal(l->texts[0], "taken");
    assert_string_equal(l->own_address, "198.51.100.7");
    assert_string_equal(l->transcript, ""); /* all went well */
    expect_log(1, OPENING LETTER("a.test"));
    expect_ok(letter_send(1, "a.test"));
    expect_ok(letter_send(1, "b.test")); /* another domain, the same host (A31) */
    expect_log(1, LETTER("a.test") LETTER("b.test"));
    assert_int_equal(destination("a.test", false)->connections, 0); /* lent */
    assert_int_equal(destination("b.test", false)->connections, 1);
    assert_int_equal(b.servers[1].connections, 1);
    assert_int_equal(b.dot_count, 3);
    pass(119 * US_PER_SECOND);
    assert_int_equal(b.servers[1].open, 1);
    pass(2 * US_PER_SECOND);
    assert_int_equal(b.servers[1].open, 0);
    expect_log(1, "QUIT|");
    bench_done();
}

/* Whatever fails, each recipient has one result, and then comes one end. */
static void test_every_stage(void **state)
{
    static const struct {
        struct server server;
        enum outcome_class class;
        enum stage stage;
        enum outcome_cause cause;
        bool in_doubt;
    } cases[] = {
        { { .connect = 1 + CLOSE_REFUSED }, OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_REFUSED, false },
        { { .connect = 1 + CLOSE_TIMEOUT }, OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_TIMEOUT, false },
        { { .connect = 1 + CLOSE_UNREACHABLE }, OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_UNREACHABLE, false },
        { { .connect = 1 + CLOSE_RESET }, OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_LOST, false },
        { { .connect = 1 + CLOSE_LOCAL }, OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_LOCAL, false },
        { { .connect = -1 }, OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_TIMEOUT, false },
        { { .greeting = "!" }, OUTCOME_TEMP, STAGE_BANNER, OUTCOME_CAUSE_LOST, false },
        { { .greeting = "" }, OUTCOME_TEMP, STAGE_BANNER, OUTCOME_CAUSE_TIMEOUT, false },
        { { .greeting = "554 no" }, OUTCOME_PERM, STAGE_BANNER, OUTCOME_CAUSE_REPLY, false },
        { { .greeting = "HTTP/1.1 400 what" }, OUTCOME_TEMP, STAGE_BANNER, OUTCOME_CAUSE_PROTOCOL, false },
        { { .ehlo = "421 busy" }, OUTCOME_TEMP, STAGE_EHLO, OUTCOME_CAUSE_REPLY, false },
        { { .ehlo = "!" }, OUTCOME_TEMP, STAGE_EHLO, OUTCOME_CAUSE_LOST, false },
        { { .mail = "450 4.2.1 later" }, OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_REPLY, false },
        { { .mail = "550 5.7.1 no" }, OUTCOME_PERM, STAGE_MAIL, OUTCOME_CAUSE_REPLY, false },
        { { .mail = "!" }, OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_LOST, false },
        { { .mail = "" }, OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_TIMEOUT, false },
        { { .rcpt = "550 5.1.1 no" }, OUTCOME_PERM, STAGE_RCPT, OUTCOME_CAUSE_REPLY, false },
        { { .rcpt = "!" }, OUTCOME_TEMP, STAGE_RCPT, OUTCOME_CAUSE_LOST, false },
        { { .data = "451 no" }, OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_REPLY, false },
        { { .data = "!" }, OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_LOST, false },
        { { .dot = "554 5.6.0 no" }, OUTCOME_PERM, STAGE_DOT, OUTCOME_CAUSE_REPLY, false },
        { { .dot = "!" }, OUTCOME_TEMP, STAGE_DOT, OUTCOME_CAUSE_LOST, true },
        { { .dot = "" }, OUTCOME_TEMP, STAGE_DOT, OUTCOME_CAUSE_TIMEOUT, true },
        { { .dot = NULL }, OUTCOME_OK, STAGE_DOT, OUTCOME_CAUSE_REPLY, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint32_t way = 0; way < 3; way++) {
            bench_init();
            b.chunk = way > 0;
            b.burst = way > 1;
            struct buffer log = b.servers[1].log, body = b.servers[1].body;
            b.servers[1] = cases[i].server;
            b.servers[1].log = log;
            b.servers[1].body = body;
            struct letter *l = letter_new(1, "a.test", 3);
            submit(l);
            pass(15 * US_PER_MINUTE);
            expect(l, cases[i].class, cases[i].stage, cases[i].cause);
            assert_int_equal(l->outcomes[0].in_doubt, cases[i].in_doubt);
            assert_int_equal(l->mail_answered, cases[i].stage > STAGE_MAIL || (cases[i].stage == STAGE_MAIL &&
                                                                               cases[i].cause == OUTCOME_CAUSE_REPLY));
            bench_done();
        }
    }
}

static void test_mixed(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].offers = "250-PIPELINING\r\n250-DSN\r\n";
    struct letter *l = letter_new(1, "a.test", 3);
    l->t.message->envelope.recipients[1].address = SLICE("bad@a.test");
    submit(l);
    run();
    assert_int_equal(l->ends, 1);
    assert_int_equal(l->outcomes[0].class, OUTCOME_OK);
    assert_int_equal(l->outcomes[1].class, OUTCOME_PERM);
    assert_int_equal(l->outcomes[2].class, OUTCOME_OK);
    assert_true(l->dsn[0] && !l->dsn[1] && l->dsn[2]);
    assert_non_null(strstr(l->transcript, "S: 550 5.1.1 no such user"));
    assert_non_null(strstr(l->transcript, "C: EHLO"));
    bench_done();
}

/* A letter's index names one of the envelope's recipients, the result's names one of the transaction's. */
static void test_some_recipients(void **state)
{
    (void)state;
    bench_init();
    struct letter *l = letter_new(1, "a.test", 4);
    l->recipients[0] = 3;
    l->recipients[1] = 1;
    l->t.recipient_count = 2;
    submit(l);
    run();
    expect_ok(l);
    expect_log(1, OPENING "MAIL FROM:<from@example.org> SIZE=21|RCPT TO:<r3@a.test>|RCPT TO:<r1@a.test>|DATA|<body>|");
    bench_done();
}

/* The next envelope goes behind the dot of the one before. */
static void test_behind_the_dot(void **state)
{
    (void)state;
    bench_init();
    struct server *s = &b.servers[1];
    s->offers = "250-PIPELINING\r\n";
    struct letter *first = letter_new(1, "a.test", 1), *second = letter_new(1, "a.test", 1);
    submit(first);
    while (s->messages == 0)
        assert_true(run_turns(1));
    s->mute = true;
    submit(second);
    run();
    expect_log(1, OPENING LETTER("a.test") "MAIL FROM:<from@example.org> SIZE=21|RCPT TO:<r0@a.test>|DATA|");
    assert_int_equal(first->ends, 0);
    s->mute = false;
    run();
    expect_ok(first);
    expect_ok(second);
    assert_int_equal(s->connections, 1);
    bench_done();

    /* The connection dies there: the first is in doubt, of the second nothing is known, so it goes again. */
    bench_init();
    s->offers = "250-PIPELINING\r\n";
    first = letter_new(1, "a.test", 1);
    second = letter_new(1, "a.test", 2);
    submit(first);
    while (s->messages == 0)
        assert_true(run_turns(1));
    s->mute = true;
    submit(second);
    run();
    peer_lose(peer_of(1));
    s->mute = false;
    run();
    expect(first, OUTCOME_TEMP, STAGE_DOT, OUTCOME_CAUSE_LOST);
    assert_true(first->outcomes[0].in_doubt && first->dot_sent);
    expect_ok(second);
    assert_int_equal(s->connections, 2);
    bench_done();
}

static void test_stale(void **state)
{
    static const char *const ways[] = { "!", "421 4.4.2 too long idle", "" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        bench_init();
        b.servers[1].stale = ways[i];
        expect_ok(letter_send(1, "a.test"));
        struct letter *l = letter_send(1, "a.test");
        pass(6 * US_PER_MINUTE);
        expect_ok(l);
        assert_int_equal(b.servers[1].connections, 2);
        bench_done();
    }
    /* A new connection that is no better: that is the result. */
    bench_init();
    expect_ok(letter_send(1, "a.test"));
    b.servers[1].mail = "!";
    expect(letter_send(1, "a.test"), OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_LOST);
    assert_int_equal(b.servers[1].connections, 2);
    bench_done();
}

/* The server closes an idle session: nobody notices. */
static void test_closed_while_idle(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].close_after = 1;
    expect_ok(letter_send(1, "a.test"));
    assert_int_equal(sessions_open(e), 0);
    expect_ok(letter_send(1, "a.test"));
    assert_int_equal(b.servers[1].connections, 2);
    bench_done();
}

/* ---- TLS ---- */

static void test_clear_after_failure(void **state)
{
    (void)state;
    for (int tls = 2; tls <= 3; tls++) {
        for (unsigned fallback = 0; fallback < 2; fallback++) {
            bench_init();
            b.servers[1].tls = tls;
            struct letter *l = letter_new(1, "a.test", 2);
            l->t.plan = (struct tls_plan){ .tls = fallback ? SMTP_CLIENT_TLS_OPPORTUNISTIC : SMTP_CLIENT_TLS_DEMANDED,
                                           .clear_after_failure = fallback };
            submit(l);
            run();
            if (fallback)
                expect_ok(l);
            else
                expect(l, OUTCOME_TEMP, STAGE_TLS, tls == 2 ? OUTCOME_CAUSE_TLS_FAILED : OUTCOME_CAUSE_LOST);
            assert_int_equal(b.servers[1].connections, 1 + fallback);
            assert_false(l->outcomes[0].tls);
            bench_done();
        }
    }
}

static void test_tls_name(void **state)
{
    static const struct {
        struct slice host;
        const char *name;
        bool address;
    } cases[] = {
        { { "mx.test", 7 }, "mx.test", false },
        { { "[192.0.2.1]", 11 }, "192.0.2.1", true },
        { { "[IPv6:2001:db8::1]", 18 }, "2001:db8::1", true },
        { { "192.0.2.1", 9 }, "192.0.2.1", true },
    };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        bench_init();
        struct letter *l = letter_new(1, "a.test", 1);
        l->candidate.host = cases[i].host;
        l->t.plan = (struct tls_plan){ .tls = SMTP_CLIENT_TLS_DEMANDED, .verify = true };
        submit(l);
        run();
        expect_ok(l);
        assert_true(l->outcomes[0].tls);
        assert_string_equal(peer_of(1)->name_text, cases[i].name);
        assert_int_equal(peer_of(1)->name_is_address, cases[i].address);
        expect_log(1, OPENING "STARTTLS|" OPENING LETTER("a.test"));
        bench_done();
    }
}

/* A33: before the link is what the login demands not even the mechanism's name is said. */
static void test_login(void **state)
{
    static const struct {
        int tls;
        struct tls_plan plan;
        enum stage stage;
        enum outcome_cause cause;
    } cases[] = {
        { 0, { .tls = SMTP_CLIENT_TLS_DEMANDED, .verify = true }, STAGE_DOT, OUTCOME_CAUSE_REPLY },
        { 0, { .tls = SMTP_CLIENT_TLS_IMPLICIT, .verify = true }, STAGE_DOT, OUTCOME_CAUSE_REPLY },
        { 1, { .tls = SMTP_CLIENT_TLS_DEMANDED, .verify = true }, STAGE_TLS, OUTCOME_CAUSE_TLS_UNVERIFIED },
        { 1, { .tls = SMTP_CLIENT_TLS_DEMANDED }, STAGE_AUTH, OUTCOME_CAUSE_AUTH_CLEAR },
        { 1, { .tls = SMTP_CLIENT_TLS_OPPORTUNISTIC }, STAGE_AUTH, OUTCOME_CAUSE_AUTH_CLEAR },
        { 1, { .tls = SMTP_CLIENT_TLS_DEMANDED, .allow_unverified_login = true }, STAGE_DOT, OUTCOME_CAUSE_REPLY },
        { 0, { .tls = SMTP_CLIENT_TLS_OFF }, STAGE_AUTH, OUTCOME_CAUSE_AUTH_CLEAR },
        { 0, { .tls = SMTP_CLIENT_TLS_OFF, .allow_clear_login = true }, STAGE_DOT, OUTCOME_CAUSE_REPLY },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench_init();
        b.servers[1].offers = "250-AUTH PLAIN\r\n";
        b.servers[1].tls = cases[i].tls;
        struct letter *l = letter_new(1, "a.test", 1);
        smarthost(l, "u", "secret");
        l->t.plan = cases[i].plan;
        submit(l);
        run();
        bool ok = cases[i].stage == STAGE_DOT;
        expect(l, ok ? OUTCOME_OK : OUTCOME_TEMP, cases[i].stage, cases[i].cause);
        bool said = slice_find_slice(buffer_slice(&b.servers[1].log), SLICE("AUTH PLAIN AHUAc2VjcmV0")) <
                    b.servers[1].log.size;
        assert_int_equal(said, ok);
        assert_int_equal(slice_find_slice(buffer_slice(&b.servers[1].log), SLICE("AUTH")) < b.servers[1].log.size, ok);
        assert_null(strstr(l->transcript, "AHUAc2VjcmV0"));
        bench_done();
    }
}

static void test_login_refused(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].offers = "250-AUTH PLAIN\r\n";
    b.servers[1].auth = "535 5.7.8 no";
    struct letter *l = letter_new(1, "a.test", 1);
    smarthost(l, "u", "secret");
    submit(l);
    run();
    expect(l, OUTCOME_PERM, STAGE_AUTH, OUTCOME_CAUSE_REPLY);
    assert_false(l->mail_answered);
    bench_done();
}

/* Handed in again on a new connection, after the configuration that had the login is gone. */
static void test_login_outlives_configuration(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].offers = "250-AUTH PLAIN\r\n";
    for (int i = 0; i < 2; i++) {
        char user[] = "u", password[] = "secret";
        struct letter *l = letter_new(1, "a.test", 1);
        smarthost(l, user, password);
        submit(l);
        memset(user, '#', sizeof user - 1);
        memset(password, '#', sizeof password - 1);
        run();
        expect_ok(l);
        b.servers[1].stale = "!";
    }
    assert_int_equal(b.servers[1].connections, 2);
    struct slice rest = buffer_slice(&b.servers[1].log);
    for (int i = 0; i < 2; i++) {
        size_t at = slice_find_slice(rest, SLICE("AUTH PLAIN "));
        rest = slice_after(rest, at + SLICE("AUTH PLAIN ").size);
        assert_true(slice_starts_with(rest, SLICE("AHUAc2VjcmV0")));
    }
    bench_done();
}

/* A31: nobody's mail goes out under another's login, or over a link that promises less. */
static void test_keys(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].offers = "250-AUTH PLAIN\r\n";
    static const char *const users[] = { "u", "v", "", "u", "v", "" };
    for (size_t i = 0; i < 6; i++) {
        struct letter *l = letter_new(1, "a.test", 1);
        smarthost(l, users[i], "secret");
        submit(l);
        run();
        expect_ok(l);
        assert_int_equal(b.servers[1].connections, i < 3 ? i + 1 : 3);
    }
    struct letter *l = letter_new(1, "a.test", 1);
    smarthost(l, "u", "secret");
    l->t.plan.verify = false;
    l->t.plan.allow_unverified_login = true;
    submit(l);
    run();
    expect_ok(l);
    assert_int_equal(b.servers[1].connections, 4);
    l = letter_new(1, "a.test", 1);
    smarthost(l, "u", "another");
    submit(l);
    run();
    expect_ok(l);
    assert_int_equal(b.servers[1].connections, 5);
    bench_done();
}

static void test_ourselves(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].greeting = "220 MTA.example.org ESMTP";
    expect(letter_send(1, "a.test"), OUTCOME_PERM, STAGE_BANNER, OUTCOME_CAUSE_OURSELVES);
    struct letter *l = letter_new(1, "a.test", 1);
    smarthost(l, "u", "secret");
    submit(l);
    run();
    expect(l, OUTCOME_TEMP, STAGE_BANNER, OUTCOME_CAUSE_OURSELVES);
    expect_log(1, ""); /* not even EHLO */
    bench_done();
}

/* ---- bodies ---- */

static void test_stored_body(void **state)
{
    struct buffer body;
    (void)state;
    buffer_init(&body, 1 << 20);
    buffer_add_text(&body, "Subject: long\r\n\r\n");
    while (body.size < 300000)
        buffer_add_text(&body, ".a line with a dot in front\r\nand one without\r\n");
    bench_init();
    struct letter *l = letter_new(1, "a.test", 1);
    letter_body(l, buffer_slice(&body), false);
    submit(l);
    run();
    expect_ok(l);
    assert_int_equal(b.reads, 5);
    assert_true(slice_starts_with(buffer_slice(&b.servers[1].body), SLICE("Subject: long\r\n\r\n..a line")));
    bench_done();

    bench_init();
    b.servers[1].sticky = false;
    l = letter_new(1, "a.test", 1);
    letter_body(l, buffer_slice(&body), false);
    b.read_silent = true; /* MAIL is not said before the first octets are here */
    submit(l);
    run();
    expect_log(1, OPENING);
    pass(SESSION_READ_MAX_US + US_PER_SECOND);
    expect(l, OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_LOCAL);
    bench_done();

    bench_init();
    b.read_err = ERR_IO;
    l = letter_new(1, "a.test", 2);
    letter_body(l, buffer_slice(&body), false);
    submit(l);
    run();
    expect(l, OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_LOCAL);
    expect_log(1, OPENING);
    expect_ok(letter_send(1, "a.test")); /* the session goes on */
    assert_int_equal(b.servers[1].connections, 1);
    bench_done();
    buffer_done(&body);
}

/* Only one part's lines are too long: the other one stays as it is, 8-bit, and BODY says so (seed 445). */
static void test_long_lines_beside_8bit(void **state)
{
    (void)state;
    bench_init();
    b.servers[1].offers = "250-8BITMIME\r\n";
    struct letter *l = letter_new(1, "a.test", 1);
    struct buffer text;
    buffer_init(&text, 4096);
    buffer_add_text(&text, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n");
    for (int i = 0; i < 1200; i++)
        buffer_add_char(&text, 'x');
    buffer_add_text(&text, "\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nd\xc3\xa9j\xc3\xa0 vu\r\n--b--\r\n");
    letter_body(l, buffer_slice(&text), true);
    l->t.message->envelope.body_8bit = l->t.message->envelope.long_lines = true;
    submit(l);
    run();
    expect_ok(l);
    struct slice body = buffer_slice(&b.servers[1].body), log = buffer_slice(&b.servers[1].log);
    assert_true(slice_find_slice(body, SLICE("d\xc3\xa9j\xc3\xa0 vu")) < body.size);
    assert_true(slice_find_slice(body, SLICE("x=\r\nx")) < body.size);
    assert_true(slice_find_slice(log, SLICE("BODY=8BITMIME")) < log.size);
    buffer_done(&text);
    bench_done();
}

static void test_converted_body(void **state)
{
    struct slice text = SLICE("Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                              "d\xc3\xa9j\xc3\xa0 vu\r\n");
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool offered = i % 2;
        bench_init();
        b.servers[1].offers = offered ? "250-8BITMIME\r\n" : NULL;
        struct letter *l = letter_new(1, "a.test", 1);
        letter_body(l, text, i < 2);
        l->t.message->envelope.body_8bit = true;
        submit(l);
        run();
        expect_ok(l);
        struct slice body = buffer_slice(&b.servers[1].body);
        bool whole = slice_find_slice(body, SLICE("d\xc3\xa9j\xc3\xa0 vu")) < body.size;
        bool quoted = slice_find_slice(body, SLICE("d=C3=A9j=C3=A0 vu")) < body.size ||
                      slice_find_slice(body, SLICE("base64")) < body.size;
        assert_int_equal(whole, offered);
        assert_int_equal(quoted, !offered);
        bool told = slice_find_slice(buffer_slice(&b.servers[1].log), SLICE("BODY=8BITMIME")) < b.servers[1].log.size;
        assert_int_equal(told, offered);
        bench_done();
    }
    bench_init();
    struct letter *l = letter_new(1, "a.test", 2);
    letter_body(l, SLICE("Content-Type: multipart/signed; boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\n"
                         "Content-Type: text/plain\r\n\r\n\xe9t\xe9\r\n--b--\r\n"), true);
    l->t.message->envelope.body_8bit = true;
    submit(l);
    run();
    expect(l, OUTCOME_PERM, STAGE_MAIL, OUTCOME_CAUSE_CONVERSION);
    assert_int_equal(l->outcomes[0].enhanced.subject, 6);
    assert_int_equal(l->outcomes[0].enhanced.detail, 3);
    expect_log(1, OPENING);
    l = letter_new(1, "a.test", 1); /* A43 */
    l->t.message->envelope.recipients[0].address = SLICE("\xc3\xa9@a.test");
    submit(l);
    run();
    expect(l, OUTCOME_PERM, STAGE_MAIL, OUTCOME_CAUSE_SMTPUTF8);
    bench_done();
}

/* A receiver that takes nothing: what is held for it is bounded (the driver looks), and it times out. */
static void test_slow_receiver(void **state)
{
    struct buffer body;
    (void)state;
    buffer_init(&body, 4 << 20);
    buffer_add_text(&body, "Subject: long\r\n\r\n");
    while (body.size < 2000000)
        buffer_add_text(&body, "a line of no interest, but there are many of them\r\n");
    bench_init();
    b.servers[1].data = "354 go"; /* and does not look at what comes */
    struct letter *l = letter_new(1, "a.test", 1);
    letter_body(l, buffer_slice(&body), false);
    submit(l);
    while (b.reads == 0 && run_turns(1)) {
    }
    while (l->ends == 0 && !b.servers[1].sticky && run_turns(1))
        b.servers[1].sticky = slice_find_slice(buffer_slice(&b.servers[1].log), SLICE("DATA")) < b.servers[1].log.size;
    run();
    assert_in_range(b.reads, 2, 6);
    pass(4 * US_PER_MINUTE);
    expect(l, OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_TIMEOUT);
    assert_false(l->outcomes[0].in_doubt);
    bench_done();
    buffer_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_another),
        cmocka_unit_test(test_every_stage),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_some_recipients),
        cmocka_unit_test(test_behind_the_dot),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_closed_while_idle),
        cmocka_unit_test(test_clear_after_failure),
        cmocka_unit_test(test_tls_name),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_login_refused),
        cmocka_unit_test(test_login_outlives_configuration),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_ourselves),
        cmocka_unit_test(test_stored_body),
        cmocka_unit_test(test_converted_body),
        cmocka_unit_test(test_long_lines_beside_8bit),
        cmocka_unit_test(test_slow_receiver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
