/* S16: the inbound session against a reference model of it, written from RFC 5321 (and 3030, 3207, 4954) and from
 * smtp_server.h, over generated sequences of commands: after any error, at any place, both are in the same state.
 *
 * The model says for each command what is answered and what the owner sees; so a whole session, with bodies where 354 or
 * BDAT asks for them, is written down first and then played, cut at random, answered at once or late.
 *
 *     test_proto_smtp_model [sequences [seed]]      20,000 sequences in the ordinary test; 1000000 takes about a minute
 *                                                   in an optimised build */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/codec.h"
#include "proto/smtp_talk.h"

enum { SEQUENCES = 20000, COMMANDS_MAX = 24, SIZE_MAX_OF_MESSAGE = 100, RCPT_MAX = 2 };

enum kind {
    K_EHLO,
    K_HELO,
    K_HELLO_BAD,
    K_MAIL,
    K_MAIL_BAD,
    K_MAIL_SIZE,
    K_MAIL_PARAMETER,
    K_RCPT,
    K_RCPT_BAD,
    K_RCPT_PARAMETER,
    K_DATA,
    K_BDAT,
    K_BDAT_LAST,
    K_BDAT_BAD,
    K_BDAT_HUGE,
    K_RSET,
    K_NOOP,
    K_VRFY,
    K_HELP,
    K_EXPN,
    K_UNKNOWN,
    K_ARGUMENT,
    K_LONG,
    K_QUIT,
    K_AUTH,
    K_AUTH_LOGIN,
    K_AUTH_CANCEL,
    K_AUTH_BAD,
    K_STARTTLS,
    K_FOREIGN,
    K_BARE,
};

static const struct {
    enum kind kind;
    unsigned weight;
    const char *line;
} commands[] = {
    { K_EHLO, 6, "EHLO client.test" },
    { K_HELO, 2, "HELO client.test" },
    { K_HELLO_BAD, 1, "EHLO <x>" },
    { K_MAIL, 12, "MAIL FROM:<a@x.org>" },
    { K_MAIL_BAD, 1, "MAIL FROM:a@x.org" },
    { K_MAIL_BAD, 1, "MAIL FROM:<\xc3\xa9@x.org" },
    { K_MAIL_SIZE, 1, "MAIL FROM:<a@x.org> SIZE=101" },
    { K_MAIL_PARAMETER, 1, "MAIL FROM:<a@x.org> FOO=1" },
    { K_RCPT, 16, "RCPT TO:<b@y.org>" },
    { K_RCPT_BAD, 2, "RCPT TO:<b@>" },
    { K_RCPT_PARAMETER, 1, "RCPT TO:<b@y.org> FOO" },
    { K_DATA, 8, "DATA" },
    { K_BDAT, 6, NULL },
    { K_BDAT_LAST, 6, NULL },
    { K_BDAT_BAD, 1, "BDAT 1 2" },
    { K_BDAT_HUGE, 1, "BDAT 202" },
    { K_RSET, 3, "RSET" },
    { K_NOOP, 2, "NOOP" },
    { K_VRFY, 1, "VRFY x SMTPUTF8" },
    { K_HELP, 1, "HELP" },
    { K_EXPN, 1, "EXPN x" },
    { K_UNKNOWN, 1, "FOO" },
    { K_ARGUMENT, 1, "RSET now" },
    { K_ARGUMENT, 1, "DATA now" },
    { K_LONG, 1, NULL },
    { K_QUIT, 1, "QUIT" },
    { K_AUTH, 2, "AUTH PLAIN AGxvZ2luAHNlY3JldA==" },
    { K_AUTH_LOGIN, 2, "AUTH LOGIN" },
    { K_AUTH_CANCEL, 1, "AUTH LOGIN bG9naW4=" },
    { K_AUTH_BAD, 1, "AUTH PLAIN x" },
    { K_STARTTLS, 3, "STARTTLS" },
    { K_FOREIGN, 1, "GET / HTTP/1.1" },
    { K_BARE, 1, "NOOP\nNOOP" },
};

/* ---- the model ---- */

struct model {
    enum { HELLO_NONE, HELLO_HELO, HELLO_EHLO } hello;
    bool tls, login, mail, tried, bdat, closed;
    bool auth_clear;  /* AUTH is offered without TLS */
    bool wants_login; /* what the client is after */
    unsigned rcpt, size, errors, errors_max, failed_logins;
    struct random_fast random;
    /* What comes of it: */
    struct buffer client, answers, codes, events, body;
};

static void code(struct model *m, unsigned code)
{
    buffer_add_format(&m->codes, "%u ", code);
}

static void end_transaction(struct model *m, bool told)
{
    if (m->mail && told)
        buffer_add_text(&m->events, "ABORT\n");
    m->mail = m->tried = m->bdat = false;
    m->rcpt = m->size = 0;
    buffer_clear(&m->body);
}

static void close_session(struct model *m, const char *why)
{
    if (m->closed)
        return;
    end_transaction(m, true);
    buffer_add_format(&m->events, "CLOSE %s\n", why);
    m->closed = true;
}

static void refuse(struct model *m, unsigned value)
{
    code(m, value);
    if (value >= 500 && ++m->errors >= m->errors_max) {
        code(m, 421);
        close_session(m, "errors");
    }
}

/* A question; the answer is drawn, and refusals are counted as the owner's words say. */
static bool ask(struct model *m, const char *event, unsigned accepted)
{
    static const char *const answers[] = { "", "", "", "", "450", "550", "550*", "421" };
    uint64_t drawn =
        random_fast_below(&m->random, sizeof answers / sizeof answers[0] - (random_fast_below(&m->random, 8) ? 1 : 0));
    const char *answer = answers[drawn];
    bool login = accepted == 235;
    if (login && drawn >= 5)
        answer = "535";
    buffer_add_format(&m->answers, "%s|", answer);
    buffer_add_text(&m->events, event);
    if (accepted == 250 && event[0] == 'E') { /* the message's fate is the owner's */
        text_escape(buffer_slice(&m->body), &m->events);
        buffer_add_char(&m->events, '\n');
        end_transaction(m, false);
    }
    if (drawn < 4) {
        code(m, accepted);
        return true;
    }
    if (login && drawn >= 5) {
        code(m, 535);
        if (++m->failed_logins >= 2) {
            code(m, 421);
            close_session(m, "logins");
        }
    } else if (drawn == 5) {
        refuse(m, 550);
    } else {
        code(m, drawn == 4 ? 450 : drawn == 6 ? 550 : 421);
        if (drawn == 7)
            close_session(m, "refused");
    }
    return false;
}

static unsigned body_error(const struct model *m)
{
    return m->mail && m->rcpt > 0 ? 0 : m->mail && m->tried ? 554 : 503;
}

/* Lines of a body, some with a dot in front. */
static void body_lines(struct model *m, unsigned size)
{
    for (unsigned i = 0; i < size; i += 10) {
        bool dot = random_fast_below(&m->random, 4) == 0;
        buffer_add_text(&m->client, dot ? "..234567\r\n" : "12345678\r\n");
        buffer_add_text(&m->body, dot ? ".234567\r\n" : "12345678\r\n");
    }
}

static void say_data(struct model *m)
{
    unsigned error = m->bdat ? 503 : body_error(m);
    if (error != 0) {
        refuse(m, error);
        return;
    }
    code(m, 354);
    body_lines(m, (unsigned)random_fast_below(&m->random, random_fast_below(&m->random, 4) ? 60 : 230));
    buffer_add_text(&m->client, ".\r\n");
    if (m->body.size <= SIZE_MAX_OF_MESSAGE) {
        ask(m, "END ", 250);
        return;
    }
    bool endless = m->body.size > 2 * SIZE_MAX_OF_MESSAGE;
    end_transaction(m, true);
    refuse(m, 552);
    if (endless)
        close_session(m, "size");
}

static void say_bdat(struct model *m, bool last)
{
    unsigned size = (unsigned)random_fast_below(&m->random, random_fast_below(&m->random, 8) ? 40 : 202);
    bool bare = size > 0 && random_fast_below(&m->random, 32) == 0;
    unsigned error = body_error(m);
    size_t from = m->body.size;
    buffer_add_format(&m->client, "BDAT %u%s\r\n", size, last ? " LAST" : "");
    for (unsigned i = 0; i < size; i++)
        buffer_add_char(&m->body, bare && i == size / 2 ? '\n' : (char)('a' + i % 26));
    buffer_add(&m->client, slice_after(buffer_slice(&m->body), from));
    if (error == 0 && m->size + size > SIZE_MAX_OF_MESSAGE) {
        end_transaction(m, true);
        error = 552;
    }
    if (error != 0) { /* its octets are read and dropped, whatever they are */
        buffer_clear(&m->body);
        refuse(m, error);
        return;
    }
    m->size += size;
    m->bdat = true;
    if (bare) {
        end_transaction(m, true);
        refuse(m, 554);
        close_session(m, "strict");
    } else if (last) {
        ask(m, "END ", 250);
    } else {
        code(m, 250);
    }
}

static void say_auth(struct model *m, enum kind kind)
{
    static const char login[] = "AUTH LOGIN [] [login] [secret]\n";
    if (m->hello != HELLO_EHLO || m->login || m->mail) {
        refuse(m, 503);
    } else if (!m->tls && !m->auth_clear) {
        refuse(m, 538);
    } else if (kind == K_AUTH) {
        m->login = ask(m, "AUTH PLAIN [] [login] [secret]\n", 235);
    } else if (kind == K_AUTH_BAD) {
        refuse(m, 501);
    } else if (kind == K_AUTH_CANCEL) {
        buffer_add_text(&m->client, "*\r\n");
        code(m, 334);
        refuse(m, 501);
    } else {
        buffer_add_text(&m->client, "bG9naW4=\r\nc2VjcmV0\r\n");
        code(m, 334);
        code(m, 334);
        m->login = ask(m, login, 235);
    }
}

static void say_mail(struct model *m, enum kind kind)
{
    bool esmtp = m->hello == HELLO_EHLO;
    if (m->hello == HELLO_NONE || m->mail)
        refuse(m, 503);
    else if (kind == K_MAIL_BAD)
        refuse(m, 501);
    else if (kind == K_MAIL_PARAMETER || (kind == K_MAIL_SIZE && !esmtp))
        refuse(m, 555);
    else if (kind == K_MAIL_SIZE)
        refuse(m, 552);
    else if (ask(m, "MAIL <a@x.org>\n", 250))
        m->mail = true;
}

static void say_rcpt(struct model *m, enum kind kind)
{
    if (!m->mail || m->bdat) {
        refuse(m, 503);
        return;
    }
    m->tried = true;
    if (kind == K_RCPT_BAD)
        refuse(m, 501);
    else if (kind == K_RCPT_PARAMETER)
        refuse(m, 555);
    else if (m->rcpt == RCPT_MAX)
        refuse(m, 452);
    else if (ask(m, "RCPT <b@y.org>\n", 250))
        m->rcpt++;
}

static void say_starttls(struct model *m)
{
    if (m->tls || m->hello != HELLO_EHLO) {
        refuse(m, 503);
        return;
    }
    end_transaction(m, true);
    code(m, 220);
    buffer_add_text(&m->events, "TLS\n");
    buffer_add_text(&m->client, TALK_WAIT);
    m->tls = true;
    m->login = false;
    m->hello = HELLO_NONE;
}

static void say(struct model *m, enum kind kind)
{
    static const struct {
        unsigned code;
        const char *closes;
    } plain[] = {
        [K_HELLO_BAD] = { 501, NULL }, [K_BDAT_BAD] = { 501, "size" },   [K_BDAT_HUGE] = { 552, "size" },
        [K_EXPN] = { 502, NULL },      [K_UNKNOWN] = { 500, NULL },      [K_ARGUMENT] = { 501, NULL },
        [K_LONG] = { 500, NULL },      [K_FOREIGN] = { 554, "foreign" }, [K_BARE] = { 500, "strict" },
        [K_NOOP] = { 250, NULL },      [K_VRFY] = { 252, NULL },         [K_HELP] = { 214, NULL },
        [K_QUIT] = { 221, "quit" },
    };
    switch (kind) {
    case K_EHLO:
    case K_HELO:
        end_transaction(m, true);
        m->hello = kind == K_EHLO ? HELLO_EHLO : HELLO_HELO;
        code(m, 250);
        break;
    case K_RSET:
        end_transaction(m, true);
        code(m, 250);
        break;
    case K_MAIL:
    case K_MAIL_BAD:
    case K_MAIL_SIZE:
    case K_MAIL_PARAMETER: say_mail(m, kind); break;
    case K_RCPT:
    case K_RCPT_BAD:
    case K_RCPT_PARAMETER: say_rcpt(m, kind); break;
    case K_DATA: say_data(m); break;
    case K_BDAT:
    case K_BDAT_LAST: say_bdat(m, kind == K_BDAT_LAST); break;
    case K_AUTH:
    case K_AUTH_LOGIN:
    case K_AUTH_CANCEL:
    case K_AUTH_BAD: say_auth(m, kind); break;
    case K_STARTTLS: say_starttls(m); break;
    default: /* the same in every state */
        if (plain[kind].code >= 400)
            refuse(m, plain[kind].code);
        else
            code(m, plain[kind].code);
        if (plain[kind].closes != NULL)
            close_session(m, plain[kind].closes);
    }
}

/* ---- sequences ---- */

/* Any command; half of the time one that a client would go on with. */
static size_t draw(const struct model *m, struct random_fast *random)
{
    static const enum kind bodies[] = { K_DATA, K_BDAT, K_BDAT_LAST };
    unsigned sum = 0;
    if (random_fast_below(random, 2) == 0) {
        enum kind wanted = m->rcpt > 0 ? bodies[random_fast_below(random, 3)] : m->mail ? K_RCPT : K_MAIL;
        if (m->hello == HELLO_NONE)
            wanted = K_EHLO;
        else if (m->wants_login && !m->mail && !m->login)
            wanted = m->tls || m->auth_clear ? random_fast_below(random, 2) ? K_AUTH : K_AUTH_LOGIN : K_STARTTLS;
        size_t row = 0;
        while (commands[row].kind != wanted)
            row++;
        return row;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        sum += commands[i].weight;
    uint64_t at = random_fast_below(random, sum);
    size_t i = 0;
    for (; at >= commands[i].weight; i++)
        at -= commands[i].weight;
    return i;
}

static void write_session(struct model *m)
{
    code(m, 220);
    if (random_fast_below(&m->random, 4) > 0) { /* most begin as clients do */
        buffer_add_text(&m->client, "EHLO client.test\r\n");
        say(m, K_EHLO);
    }
    uint64_t count = 1 + random_fast_below(&m->random, COMMANDS_MAX);
    for (uint64_t i = 0; i < count && !m->closed; i++) {
        size_t row = draw(m, &m->random);
        if (commands[row].kind == K_LONG)
            buffer_add_format(&m->client, "NOOP %02050d\r\n", 0);
        else if (commands[row].line != NULL)
            buffer_add_format(&m->client, "%s\r\n", commands[row].line);
        say(m, commands[row].kind);
    }
    if (!m->closed)
        end_transaction(m, true); /* the client goes away */
}

static void reply_codes(struct slice replies, struct buffer *out)
{
    while (replies.size > 0) {
        if (replies.data[3] == ' ')
            buffer_add_format(out, "%.3s ", replies.data);
        replies = slice_after(replies, slice_find_slice(replies, SLICE("\r\n")) + 2);
    }
}

static void play(struct model *m, uint64_t seed)
{
    struct talk t;
    struct buffer codes;
    buffer_init(&codes, 1 << 16);
    buffer_add_char(&m->answers, '\0');
    unsigned options = TALK_STARTTLS | TALK_AUTH | TALK_SMALL | TALK_FEW_RCPT | TALK_FEW_LOGINS;
    options |= (m->errors_max == 3 ? TALK_FEW_ERRORS : 0) | (m->auth_clear ? TALK_AUTH_CLEAR : 0);
    talk_init(&t, options, m->answers.data);
    talk_run_cut(&t, buffer_slice(&m->client), seed);
    talk_hang_up(&t);
    reply_codes(buffer_slice(&t.replies), &codes);
    if (!slice_equal(buffer_slice(&codes), buffer_slice(&m->codes)) ||
        !slice_equal(buffer_slice(&t.events), buffer_slice(&m->events)))
        fail_msg(
            "seed %llu: the client says\n%.*s\nthe answers are %s\nthe model has %.*s\n%.*s\nand the session %.*s\n%.*s",
            (unsigned long long)seed, SLICE_ARG(buffer_slice(&m->client)), m->answers.data,
            SLICE_ARG(buffer_slice(&m->codes)), SLICE_ARG(buffer_slice(&m->events)), SLICE_ARG(buffer_slice(&codes)),
            SLICE_ARG(buffer_slice(&t.events)));
    buffer_done(&codes);
    talk_done(&t);
}

static uint64_t sequences = SEQUENCES, first_seed;

static void test_model(void **state)
{
    struct model m = { 0 };
    struct buffer *const buffers[] = { &m.client, &m.answers, &m.codes, &m.events, &m.body };
    uint64_t messages = 0, logins = 0;
    for (int i = 0; i < 5; i++)
        buffer_init(buffers[i], 1 << 20);
    for (uint64_t seed = first_seed; seed < first_seed + sequences; seed++) {
        struct model fresh = {
            .client = m.client, .answers = m.answers, .codes = m.codes, .events = m.events, .body = m.body
        };
        m = fresh;
        for (int i = 0; i < 5; i++)
            buffer_clear(buffers[i]);
        random_fast_init(&m.random, seed);
        m.wants_login = random_fast_below(&m.random, 4) == 0;
        m.auth_clear = random_fast_below(&m.random, 2);
        m.errors_max = random_fast_below(&m.random, 4) ? 1000 : 3;
        write_session(&m);
        play(&m, seed);
        messages += slice_find_slice(buffer_slice(&m.events), SLICE("END ")) < m.events.size;
        logins += slice_find_slice(buffer_slice(&m.events), SLICE("AUTH ")) < m.events.size;
    }
    print_message("%llu sequences, %llu with a message, %llu with a login\n", (unsigned long long)sequences,
                  (unsigned long long)messages, (unsigned long long)logins);
    assert_true(messages > sequences / 4 && logins > sequences / 50); /* the sequences get somewhere */
    for (int i = 0; i < 5; i++)
        buffer_done(buffers[i]);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        sequences = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        first_seed = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_model) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
