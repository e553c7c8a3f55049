#include "proto/smtp_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/codec.h"

enum {
    LOG_SIZE_MAX = 8 << 20,
    RANDOM_MANNERS = 12,
};

/* ---- options, beginning, end ---- */

static struct smtp_server_options options_of(unsigned flags)
{
    struct smtp_server_options o;
    smtp_server_options_default(&o);
    o.kind = flags & TALK_SUBMISSIONS ? SMTP_SERVER_SUBMISSIONS : SMTP_SERVER_RELAY;
    o.tls = flags & TALK_TLS;
    o.starttls = flags & TALK_STARTTLS;
    o.auth = flags & TALK_AUTH;
    o.auth_clear = flags & TALK_AUTH_CLEAR;
    o.auth_required = flags & TALK_AUTH_REQUIRED;
    o.requiretls = flags & TALK_REQUIRETLS;
    o.message_size_max = flags & TALK_SMALL ? 100 : o.message_size_max;
    o.recipients_max = flags & TALK_FEW_RCPT ? 2 : o.recipients_max;
    o.errors_max = flags & TALK_FEW_ERRORS ? 3 : 1000;
    o.failed_logins_max = flags & TALK_FEW_LOGINS ? 2 : 3;
    smtp_server_options_set_name(&o, SLICE("mx.test"));
    return o;
}

static void drain(struct talk *t);

void talk_init(struct talk *t, unsigned options, const char *answers)
{
    struct smtp_server_options o = options_of(options);
    memset(t, 0, sizeof *t);
    t->now.monotonic_us = US_PER_DAY;
    t->answers = answers;
    buffer_init(&t->replies, LOG_SIZE_MAX);
    buffer_init(&t->events, LOG_SIZE_MAX);
    buffer_init(&t->refused, LOG_SIZE_MAX);
    buffer_init(&t->body, LOG_SIZE_MAX);
    smtp_server_init(&t->server, t->now, &o);
    watch_init(&t->watch, &t->server);
    drain(t);
}

void talk_hang_up(struct talk *t)
{
    if (!smtp_server_closed(&t->server))
        talk_feed(t, &(struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_LOST });
}

void talk_done(struct talk *t)
{
    talk_hang_up(t);
    watch_end(&t->watch);
    smtp_server_done(&t->server);
    buffer_done(&t->replies);
    buffer_done(&t->events);
    buffer_done(&t->refused);
    buffer_done(&t->body);
}

/* ---- what comes out ---- */

static void log_address(struct buffer *out, const char *before, const struct address *a)
{
    buffer_add_format(out, "%s<%.*s>", before, SLICE_ARG(address_mailbox(a)));
}

static void log_mail(struct buffer *out, const struct smtp_mail *mail)
{
    log_address(out, "MAIL ", &mail->sender);
    if (mail->size > 0)
        buffer_add_format(out, " size=%llu", (unsigned long long)mail->size);
    if (mail->body == SMTP_BODY_8BITMIME)
        buffer_add_text(out, " 8bit");
    if (mail->ret != SMTP_RET_NONE)
        buffer_add_text(out, mail->ret == SMTP_RET_FULL ? " full" : " hdrs");
    if (mail->envid.size > 0)
        buffer_add_format(out, " envid=%.*s", mail->envid.size, mail->envid.text);
    if (mail->auth_given)
        log_address(out, " auth=", &mail->auth);
    buffer_add_text(out, mail->smtputf8 ? " utf8" : "");
    buffer_add_text(out, mail->requiretls ? " requiretls" : "");
    buffer_add_char(out, '\n');
}

static void log_rcpt(struct buffer *out, const struct smtp_rcpt *rcpt)
{
    static const char *const names[] = { "never", "success", "failure", "delay" };
    log_address(out, "RCPT ", &rcpt->recipient);
    for (int i = 0; i < 4; i++)
        if (rcpt->notify & 1 << i)
            buffer_add_format(out, " %s", names[i]);
    if (rcpt->orcpt.size > 0)
        buffer_add_format(out, " orcpt=%.*s", rcpt->orcpt.size, rcpt->orcpt.text);
    buffer_add_char(out, '\n');
}

static void talk_event(struct talk *t, const struct smtp_server_output *output)
{
    struct buffer *out = &t->events;
    switch (output->kind) {
    case SMTP_SERVER_SEND: buffer_add(&t->replies, output->bytes); break;
    case SMTP_SERVER_START_TLS: buffer_add_text(out, "TLS\n"); break;
    case SMTP_SERVER_CLOSE: buffer_add_format(out, "CLOSE %s\n", smtp_close_name(output->close)); break;
    case SMTP_SERVER_AUTH:
        buffer_add_format(out, "AUTH %.*s [%.*s] [%.*s] [%.*s]\n", SLICE_ARG(output->auth.mechanism),
                          SLICE_ARG(output->auth.authzid), SLICE_ARG(output->auth.login),
                          SLICE_ARG(output->auth.password));
        break;
    case SMTP_SERVER_MAIL: log_mail(out, output->mail); break;
    case SMTP_SERVER_RCPT: log_rcpt(out, output->rcpt); break;
    case SMTP_SERVER_BODY: buffer_add(&t->body, output->bytes); break;
    case SMTP_SERVER_MESSAGE_END:
        buffer_add_text(out, "END ");
        text_escape(buffer_slice(&t->body), out);
        buffer_add_char(out, '\n');
        buffer_clear(&t->body);
        break;
    case SMTP_SERVER_MESSAGE_ABORT: /* how much of the body came before depends on how it was cut */
        buffer_add_text(out, "ABORT\n");
        buffer_clear(&t->body);
        break;
    case SMTP_SERVER_REFUSED:
        buffer_add_format(&t->refused, "%u %s\n", output->refused.code, smtp_verb_name(output->refused.verb));
        break;
    case SMTP_SERVER_NOTHING: fail_msg("next gave nothing");
    }
    assert_false(t->events.overflow || t->replies.overflow || t->refused.overflow || t->body.overflow);
}

static void drain(struct talk *t)
{
    struct smtp_server_output output;
    while (smtp_server_next(&t->server, &output)) {
        watch_output(&t->watch, &output);
        talk_event(t, &output);
    }
    watch_drained(&t->watch);
}

/* ---- what goes in ---- */

void talk_feed(struct talk *t, const struct smtp_server_input *input)
{
    watch_input(&t->watch, input);
    smtp_server_feed(&t->server, t->now, input);
    drain(t);
}

void talk_say(struct talk *t, struct slice octets)
{
    while (octets.size > 0 && smtp_server_credit(&t->server) > 0) {
        struct smtp_server_input input = { .kind = SMTP_SERVER_INPUT_BYTES };
        input.bytes = slice_part(octets, 0, smtp_server_credit(&t->server));
        octets = slice_after(octets, input.bytes.size);
        talk_feed(t, &input);
    }
    assert_true(octets.size == 0 || smtp_server_credit(&t->server) == 0);
}

void talk_sent(struct talk *t, uint32_t count)
{
    talk_feed(t, &(struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_SENT, .sent = count });
}

void talk_tls_up(struct talk *t)
{
    talk_feed(t, &(struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_TLS_UP });
}

void talk_tick(struct talk *t, int64_t monotonic_us)
{
    t->now.monotonic_us = monotonic_us;
    talk_feed(t, &(struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_TICK });
}

void talk_answer(struct talk *t)
{
    struct slice rest = slice_of(t->answers);
    struct slice text = slice_split(&rest, '|');
    struct smtp_server_input input = { .kind = SMTP_SERVER_INPUT_ANSWER };
    uint64_t code = 0;
    t->answers += text.size + (t->answers[text.size] != '\0');
    if (text.size > 0) {
        assert_true(text.size >= 3 && slice_to_u64(slice_part(text, 0, 3), 599, &code));
        text = slice_after(text, 3);
        input.answer.forgiven = slice_starts_with(text, SLICE("*"));
        input.answer.close = slice_starts_with(text, SLICE("!"));
        text = slice_trim(slice_after(text, input.answer.forgiven || input.answer.close));
        if (enhanced_code_parse(text, &input.answer.enhanced, &text))
            text = slice_trim(text);
        input.answer.text = text;
    }
    input.answer.code = (uint16_t)code;
    talk_feed(t, &input);
}

/* ---- a whole transcript ---- */

struct manner {
    enum { CUT_WHOLE, CUT_OCTETS, CUT_RANDOM } cut;
    bool late_answers; /* only when nothing more can be said, or by chance */
    bool slow_reader;  /* a part of what was sent is taken, and only now and then */
    struct random_fast random;
};

static size_t cut_size(struct manner *m, size_t credit)
{
    if (m->cut == CUT_WHOLE)
        return credit;
    return m->cut == CUT_OCTETS ? 1 : 1 + random_fast_below(&m->random, credit < 40 ? credit : 40);
}

/* One thing that can be done; false: nothing is left to do. */
static bool step(struct talk *t, struct manner *m, struct slice *segment)
{
    size_t credit = smtp_server_credit(&t->server);
    bool can_say = segment->size > 0 && credit > 0;
    bool chance = random_fast_below(&m->random, 4) == 0;
    if (t->watch.unsent > 0 && (!m->slow_reader || chance || (!can_say && !smtp_server_asking(&t->server)))) {
        talk_sent(t, m->slow_reader ? 1 + (uint32_t)random_fast_below(&m->random, t->watch.unsent) : t->watch.unsent);
    } else if (smtp_server_asking(&t->server) && (!m->late_answers || chance || !can_say)) {
        talk_answer(t);
    } else if (can_say) {
        struct slice piece = slice_part(*segment, 0, cut_size(m, credit));
        *segment = slice_after(*segment, piece.size);
        talk_say(t, piece);
    } else {
        return false;
    }
    return true;
}

static bool play(struct talk *t, struct manner *m, struct slice client)
{
    if (t->watch.handshake)
        talk_tls_up(t);
    while (client.size > 0) {
        struct slice segment = slice_split(&client, TALK_WAIT[0]);
        while (!smtp_server_closed(&t->server) && step(t, m, &segment))
            ;
        if (smtp_server_closed(&t->server))
            return client.size == 0 && segment.size == 0;
        assert_int_equal(segment.size, 0);
        if (t->watch.handshake)
            talk_tls_up(t);
    }
    return true;
}

bool talk_run(struct talk *t, struct slice client)
{
    struct manner m = { .cut = CUT_WHOLE };
    random_fast_init(&m.random, 0);
    return play(t, &m, client);
}

bool talk_run_cut(struct talk *t, struct slice client, uint64_t seed)
{
    struct manner m = { .cut = CUT_RANDOM };
    random_fast_init(&m.random, seed);
    m.late_answers = random_fast_below(&m.random, 2);
    m.slow_reader = random_fast_below(&m.random, 2);
    if (random_fast_below(&m.random, 4) == 0)
        m.cut = CUT_WHOLE;
    return play(t, &m, client);
}

/* The first line of each reply begins as expected, and there are as many. */
bool talk_replies_match(struct slice replies, const char *expected_text)
{
    struct slice expected = slice_of(expected_text);
    bool more = expected.size > 0;
    while (more && replies.size > 0) {
        more = slice_find(expected, '|') < expected.size;
        if (!slice_starts_with(replies, slice_split(&expected, '|')))
            return false;
        bool last = false;
        while (!last) {
            last = replies.data[3] == ' ';
            replies = slice_after(replies, slice_find_slice(replies, SLICE("\r\n")) + 2);
        }
    }
    return !more && replies.size == 0;
}

static void play_and_compare(const struct transcript *row, struct manner *m, struct buffer *ret_replies,
                             struct buffer *ret_refused, const char *manner)
{
    struct talk t;
    talk_init(&t, row->options, row->answers);
    play(&t, m, row->client);
    talk_hang_up(&t);
    if (!talk_replies_match(buffer_slice(&t.replies), row->replies))
        fail_msg("%s, %s: the replies are\n%.*s\nnot %s\nand the events\n%.*s", row->name, manner,
                 SLICE_ARG(buffer_slice(&t.replies)), row->replies, SLICE_ARG(buffer_slice(&t.events)));
    if (row->events != NULL && !slice_equal(buffer_slice(&t.events), slice_of(row->events)))
        fail_msg("%s, %s: the events are\n%.*s\nnot\n%s\nthe replies\n%.*s", row->name, manner,
                 SLICE_ARG(buffer_slice(&t.events)), row->events, SLICE_ARG(buffer_slice(&t.replies)));
    if (ret_replies->data == NULL) {
        buffer_add(ret_replies, buffer_slice(&t.replies));
        buffer_add(ret_refused, buffer_slice(&t.refused));
    }
    if (!slice_equal(buffer_slice(&t.replies), buffer_slice(ret_replies)) ||
        !slice_equal(buffer_slice(&t.refused), buffer_slice(ret_refused)))
        fail_msg("%s, %s: the replies\n%.*s\ndiffer from those when said whole\n%.*s", row->name, manner,
                 SLICE_ARG(buffer_slice(&t.replies)), SLICE_ARG(buffer_slice(ret_replies)));
    talk_done(&t);
}

void transcript_check(const struct transcript *t)
{
    struct buffer replies, refused;
    buffer_init(&replies, LOG_SIZE_MAX);
    buffer_init(&refused, LOG_SIZE_MAX);
    struct manner whole = { .cut = CUT_WHOLE }, late = { .cut = CUT_WHOLE, .late_answers = true },
                  octets = { .cut = CUT_OCTETS };
    random_fast_init(&whole.random, 0);
    random_fast_init(&late.random, 0);
    random_fast_init(&octets.random, 0);
    play_and_compare(t, &whole, &replies, &refused, "whole");
    play_and_compare(t, &late, &replies, &refused, "answered late");
    for (uint64_t seed = 0; !(t->options & TALK_WHOLE) && seed < RANDOM_MANNERS; seed++) {
        struct manner m = { .cut = CUT_RANDOM, .late_answers = seed & 1, .slow_reader = seed & 2 };
        random_fast_init(&m.random, seed);
        play_and_compare(t, &m, &replies, &refused, "cut at random");
    }
    if (!(t->options & TALK_WHOLE))
        play_and_compare(t, &octets, &replies, &refused, "octet by octet");
    buffer_done(&replies);
    buffer_done(&refused);
}
