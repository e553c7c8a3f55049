/* One failure at one reply, for every failure and every reply of four sessions: with and without PIPELINING, in clear and
 * with STARTTLS and a login; two transactions each. What must be told follows from which reply it was, by a table that
 * knows nothing of the machine. The watch asserts all that holds whatever happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/smtp_client_watch.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { MAILS = 2, RECIPIENTS = 2, POINTS_MAX = 40, ENDLESS_MAX = 100 };

enum point { BANNER, EHLO, STARTTLS, HANDSHAKE, AUTH, MAIL, RCPT, DATA, DOT, QUIT, POINT_COUNT };

enum failure {
    NO_FAILURE,
    LOST,
    UNREACHABLE,
    TIMEOUT,
    CLOSING,       /* 421 */
    GARBAGE,
    ENDLESS_LINE,
    ENDLESS_REPLY,
    HALF_REPLY,    /* and then lost */
    ABORTED,       /* by the owner */
    TOGETHER,      /* the right answer, and the connection lost in the same turn */
    FAILURE_COUNT,
};

static const struct {
    enum stage stage;
    bool opening;
} points[POINT_COUNT] = {
    [BANNER] = { STAGE_BANNER, true },  [EHLO] = { STAGE_EHLO, true }, [STARTTLS] = { STAGE_TLS, true },
    [HANDSHAKE] = { STAGE_TLS, true },  [AUTH] = { STAGE_AUTH, true }, [MAIL] = { STAGE_MAIL, false },
    [RCPT] = { STAGE_RCPT, false },     [DATA] = { STAGE_DATA, false }, [DOT] = { STAGE_DOT, false },
    [QUIT] = { STAGE_NONE, false },
};

static const struct {
    enum outcome_cause cause;
    uint16_t code;
} failures[FAILURE_COUNT] = {
    [LOST] = { OUTCOME_CAUSE_LOST, 0 },          [UNREACHABLE] = { OUTCOME_CAUSE_UNREACHABLE, 0 },
    [TIMEOUT] = { OUTCOME_CAUSE_TIMEOUT, 0 },    [CLOSING] = { OUTCOME_CAUSE_REPLY, 421 },
    [GARBAGE] = { OUTCOME_CAUSE_PROTOCOL, 0 },   [ENDLESS_LINE] = { OUTCOME_CAUSE_PROTOCOL, 0 },
    [ENDLESS_REPLY] = { OUTCOME_CAUSE_PROTOCOL, 0 }, [HALF_REPLY] = { OUTCOME_CAUSE_LOST, 0 },
    [ABORTED] = { OUTCOME_CAUSE_LOCAL, 0 },      [TOGETHER] = { OUTCOME_CAUSE_LOST, 0 },
};

struct play {
    struct smtp_client client;
    struct client_watch watch;
    struct smtp_client_options options;
    struct smtp_client_login login;
    struct now now;
    struct smtp_client_recipient recipients[RECIPIENTS];
    struct smtp_client_transaction mails[MAILS];
    struct buffer said;
    bool pipelining;
    bool in_body;
    bool handshake;          /* START_TLS was output */
    enum failure failure;
    size_t fail_at;
    enum point done[POINTS_MAX]; /* replies so far */
    size_t done_count;
    bool over;               /* the failure has happened */
    /* what was told */
    bool ready;
    struct outcome failed, reason;
    struct outcome results[MAILS][RECIPIENTS];
    bool ended[MAILS], dot_sent[MAILS], replied[MAILS];
    size_t fed;
};

/* ---- the owner ---- */

static void feed(struct play *p, const struct smtp_client_input *input)
{
    p->now.monotonic_us++;
    p->now.wall_us++;
    client_watch_input(&p->watch, input);
    smtp_client_feed(&p->client, p->now, input);
}

static void feed_kind(struct play *p, enum smtp_client_input_kind kind)
{
    struct smtp_client_input input = { .kind = kind };
    feed(p, &input);
}

static void supply(struct play *p, const struct smtp_client_need_body *need)
{
    static const struct slice body = SLICE("a\r\n.b\r\n");
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BODY };
    input.body.bytes = slice_part(body, need->offset, need->size);
    feed(p, &input);
}

static void take(struct play *p, const struct smtp_client_output *o)
{
    switch (o->kind) {
    case SMTP_CLIENT_SEND:
        assert_false(p->over && p->failure != CLOSING && p->failure != TOGETHER); /* nobody is there any more */
        buffer_add(&p->said, o->bytes);
        break;
    case SMTP_CLIENT_START_TLS:
        p->handshake = true;
        break;
    case SMTP_CLIENT_READY:
        p->ready = true;
        break;
    case SMTP_CLIENT_FAILED:
        p->failed = o->failed;
        break;
    case SMTP_CLIENT_RESULT:
        p->results[o->result.tag - 1][o->result.recipient] = o->result.outcome;
        break;
    case SMTP_CLIENT_END:
        p->ended[o->end.tag - 1] = true;
        p->dot_sent[o->end.tag - 1] = o->end.dot_sent;
        p->replied[o->end.tag - 1] = o->end.replied;
        break;
    case SMTP_CLIENT_CLOSE:
        p->reason = o->close.reason;
        break;
    default:
        break;
    }
}

static void drain(struct play *p)
{
    struct smtp_client_output o;
    bool more = true;
    while (more) {
        more = smtp_client_next(&p->client, &o);
        if (!more)
            break;
        client_watch_output(&p->watch, &o);
        take(p, &o);
        if (o.kind == SMTP_CLIENT_SEND) {
            struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_SENT, .sent = p->watch.on_wire };
            feed(p, &input);
        } else if (o.kind == SMTP_CLIENT_NEED_BODY) {
            supply(p, &o.need_body);
        }
    }
    client_watch_drained(&p->watch);
}

/* ---- the server ---- */

static void say(struct play *p, struct slice text)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = text };
    feed(p, &input);
}

static void lose(struct play *p, enum outcome_cause cause)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_LOST, .lost = cause };
    feed(p, &input);
}

static void go_wrong(struct play *p, struct slice answer)
{
    p->over = true;
    switch (p->failure) {
    case LOST:
    case UNREACHABLE:
        lose(p, failures[p->failure].cause);
        break;
    case TIMEOUT:
        p->now.monotonic_us = smtp_client_deadline_us(&p->client) - 1;
        feed_kind(p, SMTP_CLIENT_INPUT_TICK);
        break;
    case CLOSING:
        say(p, SLICE("421-4.3.2 bye\r\n421 4.3.2 bye\r\n"));
        break;
    case GARBAGE:
        say(p, SLICE("GET / HTTP/1.1\r\n"));
        break;
    case ENDLESS_LINE:
    case ENDLESS_REPLY:
        for (size_t i = 0; i < ENDLESS_MAX && !smtp_client_closed(&p->client); i++) {
            for (size_t j = 0; j < 100 && !smtp_client_closed(&p->client); j++) {
                say(p, p->failure == ENDLESS_LINE ? SLICE("250-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
                                                  : SLICE("250-a\r\n250-a\r\n250-a\r\n"));
                drain(p);
            }
        }
        break;
    case HALF_REPLY:
        say(p, slice_part(answer, 0, answer.size - 1));
        drain(p);
        lose(p, OUTCOME_CAUSE_LOST);
        break;
    case ABORTED:
        feed_kind(p, SMTP_CLIENT_INPUT_ABORT);
        break;
    default:
        assert_int_equal(p->failure, TOGETHER);
        say(p, answer);
        lose(p, OUTCOME_CAUSE_LOST);
    }
    drain(p);
}

static void reply(struct play *p, enum point point, struct slice answer)
{
    assert_true(p->done_count < POINTS_MAX);
    p->done[p->done_count++] = point;
    if (p->failure != NO_FAILURE && p->done_count - 1 == p->fail_at) {
        go_wrong(p, answer);
        return;
    }
    say(p, answer);
    drain(p);
}

static void handshake(struct play *p)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TLS_UP, .tls_up = { true, true } };
    p->handshake = false;
    p->done[p->done_count++] = HANDSHAKE;
    if (p->failure != NO_FAILURE && p->done_count - 1 == p->fail_at) {
        go_wrong(p, SLICE("220 go\r\n")); /* in clear: wrong in any case */
        return;
    }
    feed(p, &input);
    drain(p);
}

static void answer_line(struct play *p, struct slice line)
{
    char ehlo[128];
    if (p->in_body) {
        p->in_body = !slice_equal(line, SLICE("."));
        if (!p->in_body)
            reply(p, DOT, SLICE("250 2.0.0 done\r\n"));
    } else if (slice_starts_with(line, SLICE("EHLO "))) {
        snprintf(ehlo, sizeof ehlo, "250-mx.example\r\n%s%s250 AUTH LOGIN\r\n", p->pipelining ? "250-PIPELINING\r\n" : "",
                 p->options.tls == SMTP_CLIENT_TLS_OFF ? "" : "250-STARTTLS\r\n");
        reply(p, EHLO, slice_of(ehlo));
    } else if (slice_equal(line, SLICE("STARTTLS"))) {
        reply(p, STARTTLS, SLICE("220 go\r\n"));
    } else if (slice_equal(line, SLICE("AUTH LOGIN")) || slice_equal(line, SLICE("dXNlcg=="))) {
        reply(p, AUTH, SLICE("334 \r\n"));
    } else if (slice_equal(line, SLICE("cGVuY2ls"))) {
        reply(p, AUTH, SLICE("235 ok\r\n"));
    } else if (slice_starts_with(line, SLICE("MAIL "))) {
        reply(p, MAIL, SLICE("250 2.1.0 ok\r\n"));
    } else if (slice_starts_with(line, SLICE("RCPT "))) {
        reply(p, RCPT, SLICE("250 2.1.5 ok\r\n"));
    } else if (slice_equal(line, SLICE("DATA"))) {
        p->in_body = true;
        reply(p, DATA, SLICE("354 go\r\n"));
    } else {
        assert_true(slice_equal(line, SLICE("QUIT")));
        reply(p, QUIT, SLICE("221 bye\r\n"));
    }
}

static bool server_turn(struct play *p)
{
    struct slice said = buffer_slice(&p->said);
    size_t end = slice_find(said, '\n');
    char line[256];
    if (end == said.size || p->over)
        return false;
    assert_true(end < sizeof line);
    memcpy(line, said.data, end);
    buffer_consume(&p->said, end + 1);
    answer_line(p, slice(line, end - 1));
    return true;
}

/* ---- a session ---- */

static void setup(struct play *p, bool pipelining, bool tls, enum failure failure, size_t fail_at)
{
    memset(p, 0, sizeof *p);
    p->pipelining = pipelining;
    p->failure = failure;
    p->fail_at = fail_at;
    p->now = (struct now){ US_PER_HOUR, 20000 * US_PER_DAY };
    p->login.credentials.user = SLICE("user");
    p->login.credentials.secret = SLICE("pencil");
    p->options = (struct smtp_client_options){
        .our_name = SLICE("me.example"), .tls = tls ? SMTP_CLIENT_TLS_DEMANDED : SMTP_CLIENT_TLS_OFF,
        .login = tls ? &p->login : NULL, .banner_timeout_us = US_PER_MINUTE, .command_timeout_us = US_PER_MINUTE,
        .data_timeout_us = US_PER_MINUTE, .dot_timeout_us = US_PER_MINUTE, .idle_timeout_us = US_PER_MINUTE,
        .transcript = true,
    };
    p->recipients[0].address = SLICE("b@x.example");
    p->recipients[1].address = SLICE("c@x.example");
    for (size_t i = 0; i < MAILS; i++)
        p->mails[i] = (struct smtp_client_transaction){
            .tag = i + 1, .sender = SLICE("a@x.example"), .body_size = 7, .body_size_exact = true,
            .recipients = p->recipients, .recipient_count = RECIPIENTS,
        };
    buffer_init(&p->said, 1 << 20);
    smtp_client_init(&p->client, p->now, &p->options);
    client_watch_init(&p->watch, &p->client);
}

static void run(struct play *p)
{
    drain(p);
    reply(p, BANNER, SLICE("220 mx.example ESMTP\r\n"));
    for (size_t turns = 0; !smtp_client_closed(&p->client); turns++) {
        assert_true(turns < 1000);
        if (p->handshake) {
            handshake(p);
        } else if (p->fed < MAILS && smtp_client_accepts(&p->client)) {
            struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TRANSACTION };
            input.transaction = &p->mails[p->fed++];
            feed(p, &input);
            drain(p);
        } else if (!server_turn(p)) {
            assert_true(smtp_client_idle(&p->client));
            feed_kind(p, SMTP_CLIENT_INPUT_QUIT);
            drain(p);
        }
    }
    client_watch_end(&p->watch);
    buffer_done(&p->said);
    smtp_client_done(&p->client);
}

/* ---- what must have been told ---- */

static void check_outcome(const struct play *p, const struct outcome *o, enum stage stage, bool in_doubt)
{
    assert_int_equal(o->class, OUTCOME_TEMP);
    assert_int_equal(o->stage, stage);
    assert_int_equal(o->cause, failures[p->failure].cause);
    assert_int_equal(o->code, failures[p->failure].code);
    assert_int_equal(o->in_doubt, in_doubt);
}

static void check_mail(const struct play *p, size_t mail, enum stage stage, bool in_doubt)
{
    assert_true(p->ended[mail]);
    assert_int_equal(p->dot_sent[mail], stage == STAGE_DOT);
    assert_int_equal(p->replied[mail], stage != STAGE_MAIL);
    for (size_t i = 0; i < RECIPIENTS; i++)
        check_outcome(p, &p->results[mail][i], stage, in_doubt);
}

static void check_ok(const struct play *p, size_t mail)
{
    assert_true(p->ended[mail] && p->dot_sent[mail] && p->replied[mail]);
    for (size_t i = 0; i < RECIPIENTS; i++) {
        assert_int_equal(p->results[mail][i].class, OUTCOME_OK);
        assert_int_equal(p->results[mail][i].stage, STAGE_DOT);
        assert_int_equal(p->results[mail][i].code, 250);
    }
}

/* `good` has all replies of a session without failure. */
static void check(const struct play *p, const enum point *good)
{
    size_t at = p->fail_at;
    size_t mail = 0; /* to which the failure's reply belongs */
    for (size_t i = 0; i < at; i++)
        mail += good[i] == DOT;
    enum point point = good[at];
    bool answered = p->failure == TOGETHER && point != HANDSHAKE;
    enum stage stage = points[point].stage;
    if (answered) {
        mail += point == DOT;
        if (point != DATA) /* behind its answer nothing of the body is said yet: no doubt */
            point = good[at + 1];
        stage = points[point].stage;
    }
    if (good[at] == QUIT) {
        assert_int_equal(p->reason.class, OUTCOME_OK);
    } else if (points[point].opening) {
        assert_false(p->ready);
        if (good[at] == HANDSHAKE && p->failure != LOST && p->failure != UNREACHABLE && p->failure != TIMEOUT &&
            p->failure != ABORTED)
            assert_int_equal(p->failed.cause, OUTCOME_CAUSE_PROTOCOL); /* whatever came, it came in clear */
        else
            check_outcome(p, &p->failed, stage, false);
        assert_int_equal(p->failed.stage, stage);
        return;
    } else {
        assert_int_equal(p->reason.class, OUTCOME_TEMP);
    }
    assert_true(p->ready);
    for (size_t i = 0; i < p->fed; i++) {
        if (i < mail)
            check_ok(p, i);
        else
            check_mail(p, i, i == mail ? stage : STAGE_MAIL, i == mail && stage == STAGE_DOT && p->failure != CLOSING);
    }
}

static void matrix(bool pipelining, bool tls)
{
    static struct play good, bad;
    setup(&good, pipelining, tls, NO_FAILURE, 0);
    run(&good);
    for (size_t i = 0; i < MAILS; i++)
        check_ok(&good, i);
    assert_int_equal(good.reason.class, OUTCOME_OK);
    assert_true(good.done_count >= 2 + MAILS * (RECIPIENTS + 3) + 1);
    for (enum failure failure = LOST; failure < FAILURE_COUNT; failure++) {
        for (size_t at = 0; at < good.done_count; at++) {
            setup(&bad, pipelining, tls, failure, at);
            run(&bad);
            check(&bad, good.done);
        }
    }
}

static void test_lockstep(void **state)
{
    matrix(false, false);
}

static void test_pipelining(void **state)
{
    matrix(true, false);
}

static void test_tls(void **state)
{
    matrix(false, true);
    matrix(true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lockstep),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
