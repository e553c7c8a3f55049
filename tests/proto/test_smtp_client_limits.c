/* What is bounded in the outbound session: octets on the wire and in memory, however large the message, however many its
 * recipients and however long the answers; the time that each answer has; transcripts, and that no secret is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/body.h"
#include "proto/smtp_client_watch.h"

enum { MANY = SMTP_CLIENT_RECIPIENTS_MAX, TURNS_MAX = 1000000 };

#define S US_PER_SECOND

struct play {
    struct smtp_client client;
    struct client_watch watch;
    struct smtp_client_options options;
    struct now now;
    struct slice body;
    struct buffer said;
    struct smtp_client_need_body need;
    bool needs;
    uint32_t results[OUTCOME_PERM + 1]; /* by class */
    struct outcome last;     /* of a RESULT; without its text */
    size_t last_text_size;
    bool in_doubt;           /* some RESULT said so */
    bool closed, abort;
};

static void setup(struct play *p)
{
    memset(p, 0, sizeof *p);
    p->now = (struct now){ US_PER_HOUR, 20000 * US_PER_DAY };
    p->options = (struct smtp_client_options){
        .our_name = SLICE("me.example"), .banner_timeout_us = 5 * S, .command_timeout_us = 4 * S,
        .data_timeout_us = 3 * S, .dot_timeout_us = 10 * S, .idle_timeout_us = 30 * S, .transcript = true,
    };
    buffer_init(&p->said, 64 << 20);
    smtp_client_init(&p->client, p->now, &p->options);
    client_watch_init(&p->watch, &p->client);
}

static void done(struct play *p)
{
    buffer_done(&p->said);
    smtp_client_done(&p->client);
}

static void feed(struct play *p, const struct smtp_client_input *input)
{
    client_watch_input(&p->watch, input);
    smtp_client_feed(&p->client, p->now, input);
}

static void drain(struct play *p)
{
    struct smtp_client_output o;
    while (smtp_client_next(&p->client, &o)) {
        client_watch_output(&p->watch, &o);
        if (o.kind == SMTP_CLIENT_SEND)
            buffer_add(&p->said, o.bytes);
        if (o.kind == SMTP_CLIENT_RESULT) {
            p->results[o.result.outcome.class]++;
            p->in_doubt |= o.result.outcome.in_doubt;
            p->last = o.result.outcome;
            p->last_text_size = o.result.outcome.text.size;
        }
        if (o.kind == SMTP_CLIENT_NEED_BODY) {
            p->need = o.need_body;
            p->needs = true;
        }
        if (o.kind == SMTP_CLIENT_CLOSE) {
            p->closed = true;
            p->abort = o.close.abort;
        }
    }
    client_watch_drained(&p->watch);
}

static void hear(struct play *p, const char *text)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = slice_of(text) };
    feed(p, &input);
    drain(p);
}

static void sent(struct play *p, uint32_t count)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_SENT, .sent = count };
    feed(p, &input);
    drain(p);
}

static void all_sent(struct play *p)
{
    sent(p, p->watch.on_wire);
}

static void supply(struct play *p)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BODY };
    input.body.bytes = slice_part(p->body, p->need.offset, p->need.size);
    p->needs = false;
    feed(p, &input);
    drain(p);
}

static void tick_at(struct play *p, int64_t us)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TICK };
    p->now.monotonic_us = US_PER_HOUR + us;
    feed(p, &input);
    drain(p);
}

static void transaction(struct play *p, const struct smtp_client_transaction *t)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TRANSACTION, .transaction = t };
    feed(p, &input);
    drain(p);
}

static void open_session(struct play *p, const char *offers)
{
    char text[256];
    drain(p);
    hear(p, "220 mx.example\r\n");
    snprintf(text, sizeof text, "250-mx.example\r\n%s250 DSN\r\n", offers);
    hear(p, text);
    assert_true(smtp_client_idle(&p->client));
    all_sent(p);
    buffer_clear(&p->said);
}

/* Answers that come in pieces faster than they are worked on, as TLS records do. */
static void test_pieces(void **state)
{
    (void)state;
    struct play p;
    setup(&p);
    drain(&p);
    static const char *const pieces[] = { "220-mx.ex", "ample\r\n220", " ready\r\n", "250-mx.example\r\n", "250-PIPELINING\r\n", "250 DSN\r\n" };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = slice_of(pieces[i]) };
        feed(&p, &input);
        if (i == 2)
            drain(&p);
    }
    drain(&p);
    assert_true(smtp_client_idle(&p.client));
    struct smtp_client_facts facts;
    smtp_client_facts(&p.client, &facts);
    assert_true(facts.extensions.pipelining && facts.extensions.dsn);
    done(&p);
}

static const struct smtp_client_recipient one = { .address = SLICE("b@x.example") };

static struct smtp_client_transaction simple(uint64_t size)
{
    return (struct smtp_client_transaction){
        .tag = 1, .sender = SLICE("a@x.example"), .body_size = size, .body_size_exact = true, .recipients = &one,
        .recipient_count = 1,
    };
}

/* ---- the wire ---- */

/* A body of many times what may be unsent, to a server that takes a little at a time: never more is asked for than there
 * is room for, and what arrives is the body. The worst one doubles nothing but its dots. */
static void large_body(const char *line, uint32_t step)
{
    enum { SIZE = 2 << 20 };
    static struct play p;
    struct buffer body;
    size_t size;
    buffer_init(&body, SIZE);
    while (body.size + strlen(line) <= SIZE)
        buffer_add_text(&body, line);
    setup(&p);
    open_session(&p, "250-PIPELINING\r\n");
    p.body = buffer_slice(&body);
    struct smtp_client_transaction t = simple(body.size);
    transaction(&p, &t);
    hear(&p, "250 ok\r\n250 ok\r\n354 go\r\n");
    all_sent(&p);
    buffer_clear(&p.said);
    uint32_t most = 0;
    for (size_t turns = 0; !smtp_client_accepts(&p.client); turns++) {
        assert_true(turns < TURNS_MAX);
        if (p.needs)
            supply(&p);
        else
            sent(&p, p.watch.on_wire < step ? p.watch.on_wire : step);
        most = p.watch.on_wire > most ? p.watch.on_wire : most;
    }
    assert_true(most > SMTP_CLIENT_UNSENT_MAX / 2 && most <= SMTP_CLIENT_UNSENT_MAX);
    struct body_writer w;
    char *wanted = test_malloc(2 * SIZE);
    struct slice rest = p.body;
    body_writer_init(&w);
    assert_int_equal(body_writer_next(&w, &rest, wanted, 2 * SIZE, &size), BODY_MORE);
    size_t all = size;
    assert_int_equal(body_writer_finish(&w, wanted + all, 8, &size), BODY_END);
    all += size;
    assert_int_equal(p.said.size, all);
    assert_memory_equal(p.said.data, wanted, all);
    test_free(wanted);
    all_sent(&p);
    hear(&p, "250 done\r\n");
    assert_int_equal(p.results[OUTCOME_OK], 1);
    assert_true(smtp_client_idle(&p.client)); /* and the watch has seen how little it holds */
    buffer_done(&body);
    done(&p);
}

static void test_large_body(void **state)
{
    large_body("a line of a letter as they are, sixty octets and some more of it\r\n", 5000);
    large_body(".\r\n", 70000);
    large_body("x", 100000);
}

/* ---- many recipients ---- */

struct many {
    struct smtp_client_recipient recipients[MANY];
    char address[300];
    char orcpt[400];
};

static void many_setup(struct many *m)
{
    memset(m->address, 'x', sizeof m->address);
    memcpy(m->address + sizeof m->address - 11, "@x.example", 10);
    memset(m->orcpt, '=', sizeof m->orcpt);
    memcpy(m->orcpt, "rfc822;", 7);
    for (size_t i = 0; i < MANY; i++)
        m->recipients[i] = (struct smtp_client_recipient){
            .address = slice(m->address, sizeof m->address - 1), .orcpt = slice(m->orcpt, i % 2 ? 160 : sizeof m->orcpt),
            .notify = SMTP_NOTIFY_FAILURE,
        };
}

static size_t count_of(const struct buffer *b, const char *needle)
{
    size_t count = 0;
    struct slice rest = buffer_slice(b), n = slice_of(needle);
    for (size_t at = slice_find_slice(rest, n); at < rest.size; at = slice_find_slice(rest, n)) {
        count++;
        rest = slice_after(rest, at + n.size);
    }
    return count;
}

/* 1,000 RCPTs are more than may be unsent: they go out as the server takes and answers them. */
static void many_recipients(bool abort, const char *answer, uint32_t ok, uint32_t temp)
{
    static struct play p;
    static struct many m;
    many_setup(&m);
    setup(&p);
    open_session(&p, "250-PIPELINING\r\n");
    struct smtp_client_transaction t = simple(3);
    t.recipients = m.recipients;
    t.recipient_count = MANY;
    t.abort_on_rcpt_5xx = abort;
    p.body = SLICE("x\r\n");
    transaction(&p, &t);
    assert_true(p.watch.on_wire > SMTP_CLIENT_UNSENT_MAX - 8192);
    size_t answered = 0, asked = count_of(&p.said, "RCPT TO:<");
    assert_true(asked > 100 && asked < MANY);
    hear(&p, "250 ok\r\n");
    for (size_t turns = 0; answered < MANY; turns++) {
        assert_true(turns < TURNS_MAX);
        if (asked > answered) {
            hear(&p, answered++ % 2 ? answer : "250 ok\r\n");
        } else {
            all_sent(&p);
            asked = count_of(&p.said, "RCPT TO:<");
        }
    }
    all_sent(&p);
    assert_int_equal(count_of(&p.said, "RCPT TO:<"), MANY);
    assert_int_equal(count_of(&p.said, "ORCPT="), MANY / 2); /* the others would have been too long */
    assert_int_equal(count_of(&p.said, "DATA\r\n"), 1);
    hear(&p, "354 go\r\n");
    supply(&p);
    hear(&p, "250 done\r\n");
    assert_int_equal(p.results[OUTCOME_OK], ok);
    assert_int_equal(p.results[OUTCOME_TEMP], temp);
    all_sent(&p);
    assert_true(smtp_client_idle(&p.client));
    done(&p);
}

static void test_many_recipients(void **state)
{
    static char long_answer[4000];
    many_recipients(false, "250 ok\r\n", MANY, 0);
    many_recipients(false, "450 4.2.1 later\r\n", MANY / 2, MANY / 2);
    many_recipients(true, "450 4.2.1 later\r\n", MANY / 2, MANY / 2);
    /* 500 refusals of 4,000 octets each that must be held back (A20): their texts are not kept for ever. */
    memset(long_answer, 'x', sizeof long_answer);
    memcpy(long_answer, "450 4.2.1 ", 10);
    memcpy(long_answer + sizeof long_answer - 3, "\r\n", 3);
    many_recipients(true, long_answer, MANY / 2, MANY / 2);
}

/* A20: the text names who was refused, and is cut where a character begins. */
static void test_sibling_text(void **state)
{
    for (size_t shift = 0; shift < 4; shift++) {
        static struct play p;
        struct smtp_client_recipient two[2] = { one, one };
        struct buffer answer;
        setup(&p);
        open_session(&p, "250-PIPELINING\r\n");
        struct smtp_client_transaction t = simple(3);
        t.recipients = two;
        t.recipient_count = 2;
        t.abort_on_rcpt_5xx = true;
        transaction(&p, &t);
        hear(&p, "250 ok\r\n");
        buffer_init(&answer, 4096);
        buffer_add_text(&answer, "550 5.1.1 ");
        for (size_t i = 0; i < shift; i++)
            buffer_add_char(&answer, 'x');
        for (size_t i = 0; i < 300; i++)
            buffer_add_text(&answer, "\360\237\230\200");
        buffer_add_text(&answer, "\r\n");
        buffer_add_char(&answer, '\0');
        hear(&p, answer.data);
        assert_int_equal(p.results[OUTCOME_PERM], 1);
        hear(&p, "250 ok\r\n");
        assert_int_equal(p.results[OUTCOME_PERM], 2);
        assert_int_equal(p.last.cause, OUTCOME_CAUSE_SIBLING);
        assert_true(p.last_text_size <= OUTCOME_TEXT_SIZE_MAX && p.last_text_size > OUTCOME_TEXT_SIZE_MAX - 4);
        assert_int_equal((p.last_text_size - strlen("b@x.example: 550 5.1.1 ") - shift) % 4, 0);
        buffer_done(&answer);
        done(&p);
    }
}

/* ---- time ---- */

static void deadline_is(const struct play *p, int64_t us)
{
    assert_int_equal(smtp_client_deadline_us(&p->client), US_PER_HOUR + us);
}

/* Each reply has its own time; octets that trickle in give it no more. */
static void test_reply_time(void **state)
{
    static struct play p;
    setup(&p);
    drain(&p);
    deadline_is(&p, 5 * S);
    tick_at(&p, 4 * S);
    hear(&p, "220-mx\r\n22");
    deadline_is(&p, 5 * S);
    hear(&p, "0 mx\r\n");
    deadline_is(&p, 8 * S); /* EHLO from here on */
    tick_at(&p, 7 * S);
    hear(&p, "250-mx.example\r\n");
    deadline_is(&p, 8 * S);
    hear(&p, "250 PIPELINING\r\n");
    deadline_is(&p, 37 * S); /* idle */
    all_sent(&p);
    tick_at(&p, 10 * S);
    struct smtp_client_transaction t = simple(3);
    transaction(&p, &t);
    deadline_is(&p, 14 * S);
    tick_at(&p, 13 * S);
    hear(&p, "250 ok\r\n"); /* RCPT was said together with MAIL, and has its own time */
    deadline_is(&p, 17 * S);
    hear(&p, "25");
    tick_at(&p, 16 * S);
    hear(&p, "0");
    deadline_is(&p, 17 * S);
    tick_at(&p, 17 * S);
    assert_true(p.closed);
    assert_int_equal(p.last.cause, OUTCOME_CAUSE_TIMEOUT);
    assert_int_equal(p.last.stage, STAGE_RCPT);
    done(&p);
}

/* A body that moves is never late; the answer to its dot has a time of its own. */
static void test_body_time(void **state)
{
    enum { SIZE = 100000 };
    static struct play p;
    char *body = test_malloc(SIZE);
    memset(body, 'x', SIZE);
    setup(&p);
    open_session(&p, "250-PIPELINING\r\n");
    p.body = slice(body, SIZE);
    struct smtp_client_transaction t = simple(SIZE);
    transaction(&p, &t);
    all_sent(&p);
    hear(&p, "250 ok\r\n250 ok\r\n354 go\r\n");
    deadline_is(&p, 3 * S);
    tick_at(&p, 2 * S);
    supply(&p);
    deadline_is(&p, 5 * S);
    for (int i = 0; i < 100; i++) { /* the second piece is not supplied yet: what moves is on the wire */
        tick_at(&p, 2 * S + i * S);
        sent(&p, 10);
        deadline_is(&p, 5 * S + i * S);
    }
    supply(&p);
    deadline_is(&p, 101 * S + 10 * S); /* the dot is out */
    tick_at(&p, 105 * S);
    all_sent(&p);
    deadline_is(&p, 115 * S);
    struct smtp_client_transaction next = simple(3);
    next.tag = 2;
    tick_at(&p, 110 * S);
    transaction(&p, &next); /* its envelope goes out, and the answer is due no later */
    deadline_is(&p, 115 * S);
    tick_at(&p, 114 * S);
    hear(&p, "250-soon\r\n");
    deadline_is(&p, 115 * S);
    tick_at(&p, 115 * S);
    assert_true(p.closed && p.in_doubt && !p.last.in_doubt); /* the first is, the second is not */
    assert_int_equal(p.last.cause, OUTCOME_CAUSE_TIMEOUT);
    assert_int_equal(p.last.stage, STAGE_MAIL);
    test_free(body);
    done(&p);
}

/* Nothing moves: late, and whose fault it is depends on who was waited for. */
static void test_body_stuck(void **state)
{
    static struct play p;
    for (int supplied = 0; supplied < 2; supplied++) {
        enum { SIZE = 200000 };
        char *body = test_malloc(SIZE);
        memset(body, 'x', SIZE);
        setup(&p);
        open_session(&p, "250-PIPELINING\r\n");
        p.body = slice(body, SIZE);
        struct smtp_client_transaction t = simple(SIZE);
        transaction(&p, &t);
        all_sent(&p);
        hear(&p, "250 ok\r\n250 ok\r\n354 go\r\n");
        if (supplied)
            supply(&p);
        deadline_is(&p, 3 * S);
        tick_at(&p, 3 * S);
        assert_true(p.closed);
        assert_int_equal(p.last.stage, STAGE_DATA);
        assert_int_equal(p.last.cause, supplied ? OUTCOME_CAUSE_TIMEOUT : OUTCOME_CAUSE_LOCAL);
        assert_false(p.last.in_doubt);
        test_free(body);
        done(&p);
    }
}

/* ---- the end ---- */

/* What is not known to have left is not flushed behind our back: the message is in doubt as it is. */
static void test_dot_unsent(void **state)
{
    static struct play p;
    for (int left = 0; left < 2; left++) {
        struct smtp_client_input lost = { .kind = SMTP_CLIENT_INPUT_LOST, .lost = OUTCOME_CAUSE_TIMEOUT };
        setup(&p);
        p.body = SLICE("x\r\n");
        open_session(&p, "");
        struct smtp_client_transaction t = simple(3);
        transaction(&p, &t);
        hear(&p, "250 ok\r\n");
        hear(&p, "250 ok\r\n");
        hear(&p, "354 go\r\n");
        all_sent(&p);
        supply(&p);
        if (left)
            all_sent(&p);
        feed(&p, &lost);
        deadline_is(&p, 0); /* there is something to be drained */
        drain(&p);
        assert_true(p.closed && p.last.in_doubt);
        assert_int_equal(p.abort, !left);
        done(&p);
    }
}

/* Refused, and the connection is gone: nothing is said any more. */
static void test_refused_and_lost(void **state)
{
    static struct play p;
    struct smtp_client_input refused = { .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = SLICE("554 no\r\n") };
    struct smtp_client_input lost = { .kind = SMTP_CLIENT_INPUT_LOST, .lost = OUTCOME_CAUSE_LOST };
    setup(&p);
    drain(&p);
    feed(&p, &refused);
    feed(&p, &lost);
    drain(&p);
    assert_true(p.closed && p.watch.failed);
    assert_int_equal(p.said.size, 0);
    done(&p);
}

/* ---- transcripts ---- */

static void transcript_is(const struct play *p, uint64_t tag, const char *wanted)
{
    struct buffer b;
    buffer_init(&b, 64 << 10);
    smtp_client_transcript(&p->client, tag, &b);
    if (!slice_equal(buffer_slice(&b), slice_of(wanted)))
        fail_msg("got \"%.*s\"", SLICE_ARG(buffer_slice(&b)));
    buffer_done(&b);
}

static void next_kind(struct play *p, enum smtp_client_output_kind kind)
{
    struct smtp_client_output o = { .kind = SMTP_CLIENT_NOTHING };
    while (o.kind != kind && smtp_client_next(&p->client, &o)) {
    }
    assert_int_equal(o.kind, kind);
}

/* Neither in a transcript nor left behind in memory. */
static void no_secret(const struct play *p)
{
    const struct buffer *b = &p->client.unsent;
    assert_int_equal(b->size, 0);
    for (size_t i = 0; i + 8 <= b->capacity; i++)
        assert_memory_not_equal(b->data + i, "cGVuY2ls", 8);
}

static void test_transcript(void **state)
{
    static struct play p;
    struct smtp_client_login login = {
        .credentials = { .user = SLICE("user"), .secret = SLICE("pencil") }, .allow_clear = true,
    };
    setup(&p);
    p.client.options.login = &login;
    drain(&p);
    hear(&p, "220-mx.example\r\n220 welcome\r\n");
    hear(&p, "250-mx.example\r\n250 AUTH LOGIN PLAIN\r\n");
    hear(&p, "504 5.5.4 no\r\n");
    hear(&p, "334 VXNlcm5hbWU6\r\n");
    hear(&p, "334 UGFzc3dvcmQ6\r\n");
    no_secret(&p);
    hear(&p, "235 ok\r\n");
#define OPENING                                                                                                     \
    "S: 220-mx.example\nS: 220 welcome\nC: EHLO me.example\nS: 250-mx.example\nS: 250 AUTH LOGIN PLAIN\n"              \
    "C: AUTH PLAIN ****\nS: 504 5.5.4 no\nC: AUTH LOGIN\nS: 334 ****\nC: ****\nS: 334 ****\nC: ****\nS: 235 ok\n"
    transcript_is(&p, 0, OPENING);
    struct smtp_client_transaction t = simple(8);
    p.body = SLICE("secret\r\n");
    transaction(&p, &t);
    hear(&p, "250 ok\r\n");
    hear(&p, "250 2.1.5 fine\033\r\n");
    hear(&p, "354 go\r\n");
    supply(&p);
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = SLICE("250 done\r\n") };
#define LETTER                                                                                                      \
    "C: MAIL FROM:<a@x.example>\nS: 250 ok\nC: RCPT TO:<b@x.example>\nS: 250 2.1.5 fine?\nC: DATA\nS: 354 go\n"        \
    "C: [8 octets]\nC: .\nS: 250 done\n"
    smtp_client_feed(&p.client, p.now, &input);
    next_kind(&p, SMTP_CLIENT_RESULT);
    transcript_is(&p, 1, OPENING LETTER);
    next_kind(&p, SMTP_CLIENT_END);
    transcript_is(&p, 1, OPENING LETTER);
    transcript_is(&p, 2, OPENING);
    done(&p);
}

/* Two in flight: each has its own, though their octets were mixed. */
static void test_transcript_two(void **state)
{
    static struct play p;
    setup(&p);
    p.body = SLICE("x\r\n");
    open_session(&p, "250-PIPELINING\r\n");
    struct smtp_client_transaction first = simple(3), second = simple(3);
    second.tag = 2;
    second.sender = SLICE("");
    transaction(&p, &first);
    hear(&p, "250 ok\r\n250 ok\r\n354 go\r\n");
    supply(&p);
    transaction(&p, &second);
    struct smtp_client_input input = {
        .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = SLICE("250 one\r\n550 two\r\n503 x\r\n503 y\r\n"),
    };
    smtp_client_feed(&p.client, p.now, &input);
#define HELLO "S: 220 mx.example\nC: EHLO me.example\nS: 250-mx.example\nS: 250-PIPELINING\nS: 250 DSN\n"
    next_kind(&p, SMTP_CLIENT_END);
    transcript_is(&p, 1,
                  HELLO "C: MAIL FROM:<a@x.example>\nC: RCPT TO:<b@x.example>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
                        "C: [3 octets]\nC: .\nS: 250 one\n");
    next_kind(&p, SMTP_CLIENT_RESULT);
    transcript_is(&p, 2, HELLO "C: MAIL FROM:<>\nC: RCPT TO:<b@x.example>\nC: DATA\nS: 550 two\n");
    next_kind(&p, SMTP_CLIENT_END);
    transcript_is(&p, 2, HELLO "C: MAIL FROM:<>\nC: RCPT TO:<b@x.example>\nC: DATA\nS: 550 two\nS: 503 x\nS: 503 y\n");
    done(&p);
}

static void test_transcript_bounds(void **state)
{
    static struct play p;
    struct buffer b;
    setup(&p);
    drain(&p);
    for (int i = 0; i < 100; i++)
        hear(&p, "220-what a long greeting this is, line after line of it\r\n");
    hear(&p, "220 mx.example\r\n");
    buffer_init(&b, 64 << 10);
    smtp_client_transcript(&p.client, 0, &b);
    assert_true(b.size <= SMTP_CLIENT_OPENING_TRANSCRIPT_MAX && b.size > SMTP_CLIENT_OPENING_TRANSCRIPT_MAX - 128);
    assert_true(slice_ends_with_nocase(buffer_slice(&b), SLICE("\n[...]\n")));
    buffer_done(&b);
    done(&p);
}

/* The longest transcript of an opening, long answers, and a transaction after another: idle is 4 KiB at most, as the
 * watch has it, and what a usual transaction needs is kept for the next. */
static void test_idle_memory(void **state)
{
    static struct play p;
    setup(&p);
    drain(&p);
    for (int i = 0; i < 40; i++)
        hear(&p, "220-what a long greeting this is, line after line of it\r\n");
    open_session(&p, "");
    struct smtp_client_transaction t = simple(3);
    for (int i = 0; i < 3; i++) {
        transaction(&p, &t);
        hear(&p, "550 5.7.1 a refusal of the length that some have: it tells what the sender must do, whom he should "
                 "ask, where it is written, and what it was that was found, in a text of three hundred octets and more, "
                 "so that whoever reads the notice may think that he was not meant, and writes to the postmaster.\r\n");
        assert_true(smtp_client_idle(&p.client));
    }
    done(&p);

    setup(&p);
    open_session(&p, "");
    transaction(&p, &t);
    hear(&p, "550 no\r\n");
    assert_true(smtp_client_idle(&p.client));
    assert_non_null(p.client.slots[0]);
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),          cmocka_unit_test(test_large_body),
        cmocka_unit_test(test_many_recipients),
        cmocka_unit_test(test_sibling_text),    cmocka_unit_test(test_reply_time),
        cmocka_unit_test(test_body_time),       cmocka_unit_test(test_body_stuck),
        cmocka_unit_test(test_dot_unsent),      cmocka_unit_test(test_refused_and_lost),
        cmocka_unit_test(test_transcript),      cmocka_unit_test(test_transcript_two),
        cmocka_unit_test(test_transcript_bounds), cmocka_unit_test(test_idle_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
