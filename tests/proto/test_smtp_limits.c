/* The inbound session at its limits: line ends within bodies (S01), lengths, counts, sizes, times, memory under floods
 * (S17), and what the world does to a session: shutting down, going away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "proto/smtp_talk.h"

#define HELLO "EHLO client.test\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\n"
#define EVIL "MAIL FROM:<evil@x.org>\r\nRCPT TO:<victim@y.org>\r\nDATA\r\nevil\r\n.\r\n"
#define HELLO_REPLIES "220|250-|250 2.1.0|250 2.1.5"

static struct smtp_server_input input_of(enum smtp_server_input_kind kind)
{
    return (struct smtp_server_input){ .kind = kind };
}

static void expect(struct talk *t, const char *replies, const char *events)
{
    if (!talk_replies_match(buffer_slice(&t->replies), replies) ||
        !slice_equal(buffer_slice(&t->events), slice_of(events)))
        fail_msg("the replies are\n%.*s\nand the events\n%.*s\nnot %s\nand\n%s", SLICE_ARG(buffer_slice(&t->replies)),
                 SLICE_ARG(buffer_slice(&t->events)), replies, events);
}

/* ---- S01 ---- */

static const struct slice smuggling[] = {
    BYTES("\n.\n"),       BYTES("\n.\r"),       BYTES("\r.\n"),       BYTES("\r.\r"),
    BYTES("\n.\r\n"),     BYTES("\r.\r\n"),     BYTES("\r\n.\n"),     BYTES("\r\n.\r"),
    BYTES("\r\n\0.\r\n"), BYTES("\r\n.\0\r\n"), BYTES("\r\n.\r\r\n"), BYTES("\r\r\n.\r\r\n"),
};

enum { SEQUENCES = sizeof smuggling / sizeof smuggling[0] };

static void test_smuggling_in_data(void **state)
{
    for (size_t i = 0; i < SEQUENCES; i++) {
        char client[1024];
        int before = snprintf(client, sizeof client, HELLO "DATA\r\nSubject: x\r\n\r\ntext");
        size_t size = (size_t)before;
        memcpy(client + size, smuggling[i].data, smuggling[i].size);
        size += smuggling[i].size;
        memcpy(client + size, EVIL, sizeof EVIL - 1);
        struct transcript t = {
            "smuggling", TALK_TLS | TALK_AUTH,           { client, size + sizeof EVIL - 1 },
            "",          HELLO_REPLIES "|354|554 5.5.2", "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\nCLOSE strict\n"
        };
        transcript_check(&t);
    }
}

static void test_smuggling_in_bdat(void **state)
{
    for (size_t i = 0; i < SEQUENCES; i++) {
        for (int last = 0; last < 2; last++) {
            char client[1024];
            int before = snprintf(client, sizeof client, HELLO "BDAT %zu%s\r\ntext",
                                  4 + smuggling[i].size + sizeof EVIL - 1, last ? " LAST" : "");
            size_t size = (size_t)before;
            memcpy(client + size, smuggling[i].data, smuggling[i].size);
            size += smuggling[i].size;
            memcpy(client + size, EVIL, sizeof EVIL - 1);
            struct transcript t = { "smuggling in BDAT",
                                    0,
                                    { client, size + sizeof EVIL - 1 },
                                    "",
                                    HELLO_REPLIES "|554 5.5.2",
                                    "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\nCLOSE strict\n" };
            transcript_check(&t);
        }
    }
}

/* ---- lengths and counts ---- */

static char *filled(char *to, size_t count, char c)
{
    memset(to, c, count);
    return to + count;
}

static void check_line(const char *before, size_t fill, const char *after, unsigned options, const char *replies,
                       const char *events)
{
    static char client[32 << 10];
    char *at = stpcpy(client, before);
    at = stpcpy(filled(at, fill, 'x'), after);
    struct transcript t = { "a long line", options, { client, (size_t)(at - client) }, "", replies, events };
    transcript_check(&t);
}

static void test_line_length(void **state)
{
    check_line("NOOP ", 2048 - 7, "\r\nNOOP\r\n", 0, "220|250|250", "");
    check_line("NOOP ", 2049 - 7, "\r\nNOOP\r\n", 0, "220|500 5.5.2|250", "");
    check_line("", 20000, "\r\nNOOP\r\n", 0, "220|500 5.5.2|250", "");
    check_line("", 20000, "\nNOOP\r\n", 0, "220|500 5.5.2 bare LF", "CLOSE strict\n");
    check_line("EHLO ", 255, "\r\nNOOP\r\n", 0, "220|250-|250", "");
    check_line("EHLO ", 256, "\r\nNOOP\r\n", 0, "220|501|250", "");
    check_line(
        HELLO "RCPT TO:<", 255, "@y.org>\r\nRSET\r\n", 0, HELLO_REPLIES "|250 2.1.5|250", /* the longest local part */
        "MAIL <a@x.org>\nRCPT <b@y.org>\n"
        "RCPT <xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxx@y.org>\nABORT\n");
    check_line(HELLO "RCPT TO:<", 256, "@y.org>\r\n", 0, HELLO_REPLIES "|501 5.1.3",
               "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\n");
    check_line("EHLO x\r\nMAIL FROM:<a@x.org> ENVID=", 100, "\r\n", 0, "220|250-|250", NULL);
    check_line("EHLO x\r\nMAIL FROM:<a@x.org> ENVID=", 101, "\r\n", 0, "220|250-|501", "");
    check_line(HELLO "RCPT TO:<b@y.org> ORCPT=rfc822;", 500 - 7, "\r\n", 0, HELLO_REPLIES "|250", NULL);
    check_line(HELLO "RCPT TO:<b@y.org> ORCPT=rfc822;", 501 - 7, "\r\n", 0, HELLO_REPLIES "|501", NULL);
}

static void test_sasl_line_length(void **state)
{
    unsigned options = TALK_TLS | TALK_AUTH;
    check_line("EHLO x\r\nAUTH PLAIN\r\n", 12288, "\r\nNOOP\r\n", options, "220|250-|334|501 5.5.2|250", "");
    check_line("EHLO x\r\nAUTH PLAIN\r\n", 12289, "\r\nNOOP\r\n", options, "220|250-|334|500 5.5.6|250", "");
    check_line("EHLO x\r\nAUTH LOGIN\r\n", 20000, "\r\nNOOP\r\n", options, "220|250-|334|500 5.5.6|250", "");
    check_line("EHLO x\r\nAUTH PLAIN ", 2030, "\r\nNOOP\r\n", options, "220|250-|501 5.5.2|250", "");
    check_line("EHLO x\r\nAUTH PLAIN ", 2040, "\r\nNOOP\r\n", options, "220|250-|500 5.5.2|250", "");
}

static void test_counts(void **state)
{
    static const struct transcript rows[] = {
        { "recipients", TALK_FEW_RCPT,
          BYTES(
              HELLO
              "RCPT TO:<c@y.org>\r\nRCPT TO:<d@y.org>\r\nRCPT TO:<bad\r\nDATA\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<d@y.org>\r\n"),
          "", HELLO_REPLIES "|250|452 4.5.3|501|354|250|250|250",
          "MAIL <a@x.org>\nRCPT <b@y.org>\nRCPT <c@y.org>\nEND \nMAIL <>\nRCPT <d@y.org>\nABORT\n" },
        { "refused recipients do not count", TALK_FEW_RCPT,
          BYTES(HELLO "RCPT TO:<c@y.org>\r\nRCPT TO:<d@y.org>\r\nRCPT TO:<e@y.org>\r\n"), "250|550*|250|250",
          "220|250-|250|550|250|250|452", "MAIL <a@x.org>\nRCPT <b@y.org>\nRCPT <c@y.org>\nRCPT <d@y.org>\nABORT\n" },
        { "errors", TALK_FEW_ERRORS, BYTES("FOO\r\nFOO\r\nFOO\r\nNOOP\r\n"), "", "220|500|500|500|421 4.7.0",
          "CLOSE errors\n" },
        { "errors of the owner's count", TALK_FEW_ERRORS, BYTES(HELLO "RCPT TO:<c@y.org>\r\nFOO\r\nNOOP\r\n"),
          "250|550|551", "220|250-|250|550|551|500|421 4.7.0",
          "MAIL <a@x.org>\nRCPT <b@y.org>\nRCPT <c@y.org>\nABORT\nCLOSE errors\n" },
        { "... 4xx do not, nor what is forgiven", TALK_FEW_ERRORS,
          BYTES(
              HELLO
              "RCPT TO:<c@y.org>\r\nRCPT TO:<c@y.org>\r\nRCPT TO:<c@y.org>\r\nRCPT TO:<c@y.org>\r\nFOO\r\nFOO\r\nNOOP\r\n"),
          "250|450|550*|450|550*|550*", "220|250-|250|450|550|450|550|550|500|500|250",
          "MAIL <a@x.org>\nRCPT <b@y.org>\nRCPT <c@y.org>\nRCPT <c@y.org>\nRCPT <c@y.org>\nRCPT <c@y.org>\nABORT\n" },
        { "failed logins are counted apart", TALK_FEW_ERRORS | TALK_TLS | TALK_AUTH,
          BYTES("EHLO x\r\nAUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGEAYg==\r\nFOO\r\nFOO\r\nNOOP\r\n"),
          "535 5.7.8|535 5.7.8", "220|250-|535|535|500|500|250", "AUTH PLAIN [] [a] [b]\nAUTH PLAIN [] [a] [b]\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        transcript_check(&rows[i]);
}

/* A body of so many octets, lines of 10, in a session with a limit of 100. */
static void check_size(size_t size, const char *replies, const char *events)
{
    static char client[4096];
    char *at = stpcpy(client, HELLO "DATA\r\n");
    for (size_t i = 0; i + 10 < size; i += 10)
        at = stpcpy(at, "12345678\r\n");
    at = stpcpy(filled(at, size - 2 - (size - 1) / 10 * 10, 'y'), "\r\n");
    at = stpcpy(at, ".\r\nNOOP\r\n");
    struct transcript t = { "a size", TALK_SMALL, { client, (size_t)(at - client) }, "", replies, events };
    transcript_check(&t);
}

static void test_size(void **state)
{
    check_size(100, HELLO_REPLIES "|354|250 2.0.0|250", NULL);
    check_size(102, HELLO_REPLIES "|354|552 5.3.4|250", "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\n");
    check_size(200, HELLO_REPLIES "|354|552 5.3.4|250", "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\n");
    check_size(202, HELLO_REPLIES "|354|552 5.3.4", "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\nCLOSE size\n");
    check_size(2000, HELLO_REPLIES "|354|552 5.3.4", "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\nCLOSE size\n");
}

/* ---- floods ---- */

static void flood_init(struct talk *t, const char *hello)
{
    talk_init(t, 0, "");
    assert_true(talk_run(t, slice_of(hello)));
}

static void say_and_forget(struct talk *t, struct slice octets)
{
    talk_say(t, octets);
    talk_sent(t, t->watch.unsent);
    buffer_clear(&t->replies);
    buffer_clear(&t->refused);
    buffer_clear(&t->body);
}

/* The watch asserts the bounds of memory after each drain. */
static void test_chunks_of_one_octet(void **state)
{
    struct talk t;
    flood_init(&t, HELLO);
    for (int i = 0; i < 1000000; i++)
        say_and_forget(&t, SLICE("BDAT 1\r\nx"));
    say_and_forget(&t, SLICE("BDAT 1\r\n\rBDAT 1 LAST\r\n\n"));
    assert_true(smtp_server_asking(&t.server));
    assert_int_equal(t.watch.ends, 1);
    talk_done(&t);
}

static void test_endless_line(void **state)
{
    static char block[16 << 10];
    struct talk t;
    memset(block, 'x', sizeof block);
    flood_init(&t, "");
    for (int i = 0; i < 6400; i++) /* 100 MB */
        say_and_forget(&t, slice(block, sizeof block));
    assert_int_equal(t.watch.unsent, 0);
    talk_say(&t, SLICE("\r\nNOOP\r\n"));
    expect(&t, "500 5.5.2|250", "");
    talk_done(&t);
}

static void test_endless_sasl_line(void **state)
{
    static char block[16 << 10];
    struct talk t;
    memset(block, 'A', sizeof block);
    talk_init(&t, TALK_TLS | TALK_AUTH, "");
    assert_true(talk_run(&t, SLICE("EHLO x\r\nAUTH PLAIN\r\n")));
    for (int i = 0; i < 1000; i++)
        say_and_forget(&t, slice(block, sizeof block));
    talk_say(&t, SLICE("\r\nNOOP\r\n"));
    expect(&t, "500 5.5.6|250", "");
    talk_done(&t);
}

/* A client that pipelines and never reads: its commands are not read either beyond the bound, and it times out. */
static void test_client_that_does_not_read(void **state)
{
    struct talk t;
    talk_init(&t, 0, "");
    int said = 0;
    while (smtp_server_credit(&t.server) > 0 && said < 1000000) {
        talk_say(&t, SLICE("HELP\r\n"));
        said++;
    }
    assert_true(said < 20000);
    assert_int_equal(smtp_server_credit(&t.server), 0);
    assert_true(t.watch.unsent >= SMTP_SERVER_UNSENT_MAX);
    int64_t deadline_us = smtp_server_deadline_us(&t.server);
    assert_true(deadline_us <= t.now.monotonic_us + 5 * US_PER_MINUTE);
    t.now.monotonic_us += US_PER_MINUTE;
    talk_sent(&t, t.watch.unsent / 2); /* goes on from there, with new time */
    assert_true(smtp_server_credit(&t.server) > 0);
    assert_true(smtp_server_deadline_us(&t.server) > deadline_us);
    talk_done(&t);
    talk_init(&t, 0, "");
    while (smtp_server_credit(&t.server) > 0)
        talk_say(&t, SLICE("HELP\r\n"));
    talk_tick(&t, smtp_server_deadline_us(&t.server));
    assert_true(slice_equal(buffer_slice(&t.events), SLICE("CLOSE timeout\n")));
    talk_done(&t);
}

static void test_many_resets(void **state)
{
    struct talk t;
    flood_init(&t, "EHLO x\r\n");
    buffer_clear(&t.events);
    for (int i = 0; i < 100000; i++)
        say_and_forget(&t, SLICE("RSET\r\nNOOP\r\n"));
    expect(&t, "", "");
    talk_done(&t);
}

/* ---- time ---- */

static void test_command_timeout(void **state)
{
    struct talk t;
    talk_init(&t, 0, "");
    int64_t deadline_us = t.now.monotonic_us + 5 * US_PER_MINUTE;
    for (int i = 0; i < 4; i++) { /* an octet a minute gains nothing (S27) */
        assert_true(smtp_server_deadline_us(&t.server) == deadline_us);
        t.now.monotonic_us += US_PER_MINUTE;
        talk_say(&t, SLICE("x"));
    }
    talk_tick(&t, deadline_us - 1);
    expect(&t, "220", "");
    talk_say(&t, SLICE("\r\nNOOP\r\n")); /* the next command has its own time */
    assert_true(smtp_server_deadline_us(&t.server) == deadline_us - 1 + 5 * US_PER_MINUTE);
    talk_tick(&t, smtp_server_deadline_us(&t.server));
    expect(&t, "220|500|250|421 4.4.2", "CLOSE timeout\n");
    talk_done(&t);
}

static void test_sasl_timeout(void **state)
{
    struct talk t;
    talk_init(&t, TALK_TLS | TALK_AUTH, "");
    talk_say(&t, SLICE("EHLO x\r\nAUTH LOGIN\r\nbG9n"));
    assert_true(smtp_server_deadline_us(&t.server) == t.now.monotonic_us + 5 * US_PER_MINUTE);
    talk_tick(&t, smtp_server_deadline_us(&t.server));
    expect(&t, "220|250-|334|421 4.4.2", "CLOSE timeout\n");
    talk_done(&t);
}

static void test_data_timeouts(void **state)
{
    struct talk t;
    talk_init(&t, 0, "");
    talk_run(&t, SLICE(HELLO "DATA\r\nx"));
    assert_true(smtp_server_deadline_us(&t.server) == t.now.monotonic_us + 3 * US_PER_MINUTE);
    talk_tick(&t, smtp_server_deadline_us(&t.server)); /* of a block */
    expect(&t, HELLO_REPLIES "|354|421 4.4.2", "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\nCLOSE timeout\n");
    talk_done(&t);
    for (int bdat = 0; bdat < 2; bdat++) { /* of the transaction, however often a block comes */
        talk_init(&t, 0, "");
        int64_t end_us = t.now.monotonic_us + US_PER_HOUR;
        talk_run(&t, SLICE(HELLO));
        talk_run(&t, bdat ? SLICE("BDAT 100000\r\n") : SLICE("DATA\r\n"));
        while (t.now.monotonic_us < end_us - US_PER_MINUTE) {
            t.now.monotonic_us += US_PER_MINUTE;
            talk_say(&t, SLICE("x\r\n"));
        }
        assert_true(smtp_server_deadline_us(&t.server) == end_us);
        talk_tick(&t, end_us);
        expect(&t, bdat ? HELLO_REPLIES "|421 4.4.2" : HELLO_REPLIES "|354|421 4.4.2",
               "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\nCLOSE timeout\n");
        talk_done(&t);
    }
}

/* Commands between MAIL and the end count as well. */
static void test_transaction_timeout(void **state)
{
    struct talk t;
    talk_init(&t, 0, "");
    int64_t end_us = t.now.monotonic_us + US_PER_HOUR;
    talk_run(&t, SLICE(HELLO));
    while (t.now.monotonic_us < end_us - US_PER_MINUTE) {
        t.now.monotonic_us += US_PER_MINUTE;
        talk_run(&t, SLICE("NOOP\r\n"));
    }
    assert_true(smtp_server_deadline_us(&t.server) == end_us);
    talk_run(&t, SLICE("RSET\r\n")); /* no transaction, no such limit */
    assert_true(smtp_server_deadline_us(&t.server) > end_us);
    talk_done(&t);
}

static void test_swallowed_chunk_timeout(void **state)
{
    struct talk t;
    talk_init(&t, 0, "");
    int64_t end_us = t.now.monotonic_us + US_PER_HOUR;
    talk_run(&t, SLICE("BDAT 100000\r\n")); /* without MAIL: its octets are read all the same */
    while (t.now.monotonic_us < end_us - US_PER_MINUTE) {
        t.now.monotonic_us += US_PER_MINUTE;
        talk_say(&t, SLICE("x"));
    }
    talk_tick(&t, end_us);
    expect(&t, "220|421 4.4.2", "CLOSE timeout\n");
    talk_done(&t);
}

static void test_answer_timeout(void **state)
{
    static const struct {
        const char *said, *replies, *events;
    } rows[] = {
        { "EHLO x\r\nMAIL FROM:<a@x.org>\r\n", "220|250-|421 4.3.0", "MAIL <a@x.org>\nCLOSE answer\n" },
        { "EHLO x\r\nAUTH PLAIN AGEAYg==\r\n", "220|250-|421 4.3.0", "AUTH PLAIN [] [a] [b]\nCLOSE answer\n" },
    };
    struct talk t;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        talk_init(&t, TALK_TLS | TALK_AUTH, "");
        talk_say(&t, slice_of(rows[i].said));
        assert_true(smtp_server_asking(&t.server));
        assert_true(smtp_server_deadline_us(&t.server) == t.now.monotonic_us + 10 * US_PER_MINUTE);
        talk_tick(&t, smtp_server_deadline_us(&t.server));
        assert_false(smtp_server_asking(&t.server));
        expect(&t, rows[i].replies, rows[i].events);
        talk_done(&t);
    }
    talk_init(&t, 0, ""); /* the message's fate is the owner's from MESSAGE_END on: no abort */
    talk_run(&t, SLICE(HELLO));
    talk_say(&t, SLICE("DATA\r\n.\r\n"));
    talk_tick(&t, smtp_server_deadline_us(&t.server));
    expect(&t, HELLO_REPLIES "|354|421 4.3.0", "MAIL <a@x.org>\nRCPT <b@y.org>\nEND \nCLOSE answer\n");
    talk_done(&t);
}

static void test_early_tick(void **state)
{
    struct talk t;
    talk_init(&t, TALK_SUBMISSIONS | TALK_STARTTLS, "");
    talk_tick(&t, t.now.monotonic_us + 1);
    expect(&t, "", "TLS\n");
    talk_tick(&t, smtp_server_deadline_us(&t.server)); /* the handshake: nothing can be said */
    expect(&t, "", "TLS\nCLOSE timeout\n");
    talk_done(&t);
}

/* ---- the world ---- */

static void test_shutdown(void **state)
{
    static const struct {
        const char *said, *replies, *events;
    } rows[] = {
        { "", "220|421 4.3.2", "CLOSE shutdown\n" },
        { "EHLO x\r\nMAIL FROM:<a@x.org>\r\n", "220|250-|421 4.3.2",
          "MAIL <a@x.org>\nCLOSE shutdown\n" }, /* asked, not answered */
        { "EHLO x\r\nNO", "220|250-|421 4.3.2", "CLOSE shutdown\n" },
        { "EHLO x\r\nAUTH LOGIN\r\n", "220|250-|334|421 4.3.2", "CLOSE shutdown\n" },
    };
    struct talk t;
    struct smtp_server_input down = input_of(SMTP_SERVER_INPUT_SHUTDOWN);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        talk_init(&t, TALK_TLS | TALK_AUTH, "");
        talk_say(&t, slice_of(rows[i].said));
        talk_feed(&t, &down);
        expect(&t, rows[i].replies, rows[i].events);
        talk_done(&t);
    }
    talk_init(&t, 0, "");
    talk_run(&t, SLICE(HELLO "DATA\r\nx\r\n"));
    talk_feed(&t, &down);
    expect(&t, HELLO_REPLIES "|354|421 4.3.2", "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\nCLOSE shutdown\n");
    talk_done(&t);
    talk_init(&t, 0, ""); /* the answer to a message is waited for */
    talk_run(&t, SLICE(HELLO));
    talk_say(&t, SLICE("DATA\r\n.\r\nNOOP\r\n"));
    talk_feed(&t, &down);
    assert_true(smtp_server_asking(&t.server));
    talk_answer(&t);
    expect(&t, HELLO_REPLIES "|354|250 2.0.0|421 4.3.2", "MAIL <a@x.org>\nRCPT <b@y.org>\nEND \nCLOSE shutdown\n");
    talk_feed(&t, &down); /* again: nothing */
    talk_done(&t);
}

/* Too many sessions: 421 is the greeting. */
static void test_shutdown_before_the_greeting(void **state)
{
    struct smtp_server s;
    struct smtp_server_options o;
    struct smtp_server_output output;
    struct now now = { .monotonic_us = 1 };
    struct smtp_server_input down = input_of(SMTP_SERVER_INPUT_SHUTDOWN);
    down.answer.text = SLICE("Too many sessions");
    down.answer.enhanced = (struct enhanced_code){ 4, 7, 0 };
    smtp_server_options_default(&o);
    smtp_server_init(&s, now, &o);
    smtp_server_feed(&s, now, &down);
    assert_true(smtp_server_next(&s, &output));
    assert_int_equal(output.kind, SMTP_SERVER_SEND);
    assert_true(slice_equal(output.bytes, SLICE("421 4.7.0 Too many sessions\r\n")));
    assert_true(smtp_server_next(&s, &output));
    assert_int_equal(output.kind, SMTP_SERVER_CLOSE);
    assert_int_equal(output.close, SMTP_CLOSE_SHUTDOWN);
    assert_false(smtp_server_next(&s, &output));
    assert_true(smtp_server_closed(&s) && smtp_server_deadline_us(&s) == DEADLINE_NEVER);
    smtp_server_done(&s);
}

static void test_lost(void **state)
{
    static const struct {
        const char *said;
        unsigned answers; /* given before it is lost */
        const char *events;
    } rows[] = {
        { "", 0, "" },
        { HELLO, 0, "MAIL <a@x.org>\n" },
        { HELLO, 1, "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\n" },
        { HELLO "DATA\r\nx\r\n", 2, "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\n" },
        { HELLO "BDAT 4\r\nx\r\nBDAT 4 LAST\r\nx", 2, "MAIL <a@x.org>\nRCPT <b@y.org>\nABORT\n" },
        { HELLO "DATA\r\n.\r\n", 2, "MAIL <a@x.org>\nRCPT <b@y.org>\nEND \n" },
        { HELLO "DATA\r\n.\r\nMAIL FROM:<>\r\n", 4, "MAIL <a@x.org>\nRCPT <b@y.org>\nEND \nMAIL <>\nABORT\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct talk t;
        talk_init(&t, 0, "");
        talk_say(&t, slice_of(rows[i].said));
        for (unsigned j = 0; j < rows[i].answers; j++)
            talk_answer(&t);
        size_t replies = t.replies.size;
        talk_hang_up(&t);
        assert_int_equal(t.replies.size, replies);
        assert_true(slice_equal(buffer_slice(&t.events), slice_of(rows[i].events)));
        assert_false(smtp_server_asking(&t.server));
        struct smtp_server_input again = input_of(SMTP_SERVER_INPUT_LOST), tick = input_of(SMTP_SERVER_INPUT_TICK);
        talk_feed(&t, &again);
        talk_feed(&t, &tick);
        talk_done(&t);
    }
}

/* Octets in clear where a handshake was due: from a driver that had read them already. */
static void test_clear_octets_instead_of_a_handshake(void **state)
{
    struct talk t;
    talk_init(&t, TALK_STARTTLS, "");
    talk_run(&t, SLICE("EHLO x\r\n"));
    struct smtp_server_input input = input_of(SMTP_SERVER_INPUT_BYTES);
    input.bytes = SLICE("STARTTLS\r\n");
    talk_feed(&t, &input);
    assert_int_equal(smtp_server_credit(&t.server), 0);
    input.bytes = SLICE("EHLO evil\r\n");
    talk_feed(&t, &input);
    expect(&t, "220|250-|220", "TLS\nCLOSE injection\n");
    talk_done(&t);
}

/* What may be idle for hours holds next to nothing, whatever it did before. */
static void test_idle_memory(void **state)
{
    struct talk t;
    talk_init(&t, TALK_TLS | TALK_AUTH, "");
    for (int i = 0; i < 3; i++) {
        static char line[60000];
        memset(line, 'x', sizeof line);
        talk_run(&t, SLICE("EHLO x\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nDATA\r\n"));
        talk_run(&t, slice(line, sizeof line));
        talk_run(&t, SLICE("\r\n.\r\n"));
        talk_run(&t, SLICE("AUTH PLAIN AGEAYg==\r\n"));
        talk_run(&t, SLICE("EHLO x\r\nEHLO x\r\nEHLO x\r\nEHLO x\r\nEHLO x\r\nEHLO x\r\n")); /* more than a KiB to say */
        assert_true(smtp_server_idle(&t.server));
        assert_int_equal(t.server.input.capacity, 0);
        assert_true(t.server.replies.capacity <= 1024);
        assert_null(t.server.work);
    }
    assert_true(sizeof(struct smtp_server) <= 1536);
    talk_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smuggling_in_data),
        cmocka_unit_test(test_smuggling_in_bdat),
        cmocka_unit_test(test_line_length),
        cmocka_unit_test(test_sasl_line_length),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_chunks_of_one_octet),
        cmocka_unit_test(test_endless_line),
        cmocka_unit_test(test_endless_sasl_line),
        cmocka_unit_test(test_client_that_does_not_read),
        cmocka_unit_test(test_many_resets),
        cmocka_unit_test(test_command_timeout),
        cmocka_unit_test(test_sasl_timeout),
        cmocka_unit_test(test_data_timeouts),
        cmocka_unit_test(test_transaction_timeout),
        cmocka_unit_test(test_swallowed_chunk_timeout),
        cmocka_unit_test(test_answer_timeout),
        cmocka_unit_test(test_early_tick),
        cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_shutdown_before_the_greeting),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_clear_octets_instead_of_a_handshake),
        cmocka_unit_test(test_idle_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
