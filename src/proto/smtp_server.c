/* The machine: what waits to be read, what is to be said, the states and their time. What each command does is in
 * smtp_server_verb.c.
 *
 * next() does one thing and looks again: first what is owed to the owner (an abort, a refusal, the question), then one
 * step of reading (a line, a run of body), and only when nothing more can be read are the gathered replies handed
 * out. So a pipelined envelope costs one write, and the owner never meets two questions at once. */
#include "proto/smtp_server.h"

#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "proto/smtp_server_work.h"

enum {
    REPLIES_SIZE_MAX = SMTP_SERVER_UNSENT_MAX + 4096, /* a step adds less than the difference */
    REPLIES_KEPT_MAX = 1024, /* capacity that an idle session keeps */
};

/* ---- options ---- */

void smtp_server_options_default(struct smtp_server_options *ret_options)
{
    *ret_options = (struct smtp_server_options){
        .kind = SMTP_SERVER_RELAY,
        .message_size_max = UINT64_C(50) << 20,
        .recipients_max = 1000,
        .errors_max = 10,
        .failed_logins_max = 3,
        .command_timeout_us = 5 * US_PER_MINUTE,
        .data_timeout_us = 3 * US_PER_MINUTE,
        .transaction_timeout_us = US_PER_HOUR,
        .answer_timeout_us = 10 * US_PER_MINUTE,
    };
}

void smtp_server_options_set_name(struct smtp_server_options *options, struct slice name)
{
    name = slice_part(name, 0, sizeof options->name);
    memcpy(options->name, name.data, name.size);
    options->name_size = (uint8_t)name.size;
}

const char *smtp_close_name(enum smtp_close reason)
{
    switch (reason) {
    case SMTP_CLOSE_QUIT:
        return "quit";
    case SMTP_CLOSE_ERRORS:
        return "errors";
    case SMTP_CLOSE_LOGINS:
        return "logins";
    case SMTP_CLOSE_TIMEOUT:
        return "timeout";
    case SMTP_CLOSE_ANSWER:
        return "answer";
    case SMTP_CLOSE_STRICT:
        return "strict";
    case SMTP_CLOSE_INJECTION:
        return "injection";
    case SMTP_CLOSE_FOREIGN:
        return "foreign";
    case SMTP_CLOSE_SIZE:
        return "size";
    case SMTP_CLOSE_SHUTDOWN:
        return "shutdown";
    case SMTP_CLOSE_OWNER:
        return "refused";
    case SMTP_CLOSE_LOST:
        return "lost";
    case SMTP_CLOSE_NONE:
        break;
    }
    return "none";
}

/* ---- states ---- */

#define TO(state) (1u << SMTP_SERVER_STATE_##state)
static const unsigned transitions[SMTP_SERVER_STATE_COUNT] = {
    [SMTP_SERVER_STATE_TLS] = TO(COMMAND) | TO(CLOSING) | TO(CLOSED),
    [SMTP_SERVER_STATE_COMMAND] = TO(COMMAND) | TO(TLS) | TO(SASL) | TO(ASK_AUTH) | TO(ASK_MAIL) | TO(ASK_RCPT) |
                                  TO(DATA) | TO(CHUNK) | TO(CLOSING) | TO(CLOSED),
    [SMTP_SERVER_STATE_SASL] = TO(SASL) | TO(ASK_AUTH) | TO(COMMAND) | TO(CLOSING) | TO(CLOSED),
    [SMTP_SERVER_STATE_ASK_AUTH] = TO(COMMAND) | TO(CLOSING) | TO(CLOSED),
    [SMTP_SERVER_STATE_ASK_MAIL] = TO(COMMAND) | TO(CLOSING) | TO(CLOSED),
    [SMTP_SERVER_STATE_ASK_RCPT] = TO(COMMAND) | TO(CLOSING) | TO(CLOSED),
    [SMTP_SERVER_STATE_ASK_MESSAGE] = TO(COMMAND) | TO(CLOSING) | TO(CLOSED),
    [SMTP_SERVER_STATE_DATA] = TO(ASK_MESSAGE) | TO(COMMAND) | TO(CLOSING) | TO(CLOSED),
    [SMTP_SERVER_STATE_CHUNK] = TO(ASK_MESSAGE) | TO(COMMAND) | TO(CLOSING) | TO(CLOSED),
    [SMTP_SERVER_STATE_CLOSING] = TO(CLOSED),
    [SMTP_SERVER_STATE_CLOSED] = 0,
};
#undef TO

void smtp_server_set_state(struct smtp_server *s, enum smtp_server_state state)
{
    assert(transitions[s->state] & 1u << state);
    s->state = state;
    s->wait_from_us = s->now_us;
}

void smtp_server_ask(struct smtp_server *s, enum smtp_server_state state)
{
    smtp_server_set_state(s, state);
    s->question = true;
}

void smtp_server_reset(struct smtp_server *s)
{
    s->mail = s->smtputf8 = s->rcpt_tried = s->bdat = s->chunk_last = false;
    s->recipient_count = 0;
    s->message_size = 0;
}

void smtp_server_abort(struct smtp_server *s)
{
    if (s->mail)
        s->abort = true;
    smtp_server_reset(s);
}

/* Passwords come in here. So nothing that was read, and no old copy of what was not, stays in memory that is given back or
 * behind the input's end. */
static void input_wipe(struct buffer *input)
{
    if (input->size > 0)
        explicit_bzero(input->data, input->size);
    buffer_clear(input);
}

static void input_consume(struct smtp_server *s)
{
    size_t before = s->input.size;
    buffer_consume(&s->input, s->input_from);
    if (s->input_from > 0)
        explicit_bzero(s->input.data + s->input.size, before - s->input.size);
    s->input_from = 0;
}

/* What is not read yet moves to a block with room for count more octets. */
static void input_move(struct smtp_server *s, size_t count)
{
    struct buffer old = s->input;
    struct slice rest = smtp_server_pending(s);
    buffer_init(&s->input, SMTP_SERVER_INPUT_MAX);
    buffer_reserve(&s->input, rest.size + count);
    buffer_add(&s->input, rest);
    s->input_from = 0;
    input_wipe(&old);
    buffer_done(&old);
}

void smtp_server_forget(struct smtp_server *s)
{
    smtp_server_abort(s);
    s->helo_size = 0;
    s->esmtp = s->authenticated = false;
    input_wipe(&s->input);
    s->input_from = s->scanned = 0;
    s->line_too_long = false;
}

void smtp_server_close(struct smtp_server *s, enum smtp_close reason)
{
    if (s->state >= SMTP_SERVER_STATE_CLOSING)
        return;
    smtp_server_abort(s);
    s->close_reason = reason;
    s->question = s->start_tls = false;
    s->input_from = s->input.size;
    smtp_server_set_state(s, SMTP_SERVER_STATE_CLOSING);
}

/* ---- memory ---- */

struct smtp_server_work *smtp_server_work(struct smtp_server *s)
{
    if (s->work == NULL)
        s->work = mem_alloc(sizeof *s->work);
    return s->work;
}

static void work_free(struct smtp_server *s)
{
    if (s->work == NULL)
        return;
    explicit_bzero(s->work, sizeof *s->work); /* it may have held a password */
    mem_free(s->work);
    s->work = NULL;
}

/* At the end of a turn between messages: a session keeps what it has read of the next command and next to nothing
 * else, however large what it read before was. */
static void release(struct smtp_server *s)
{
    struct slice rest = smtp_server_pending(s);
    if (s->state != SMTP_SERVER_STATE_CLOSED && (s->state != SMTP_SERVER_STATE_COMMAND || s->mail))
        return;
    work_free(s);
    if (rest.size == 0) {
        input_wipe(&s->input);
        buffer_trim(&s->input);
        s->input_from = 0;
    } else if (rest.size <= SMTP_LINE_SIZE_MAX && s->input.capacity > 2 * SMTP_LINE_SIZE_MAX + rest.size) {
        input_move(s, 0);
    }
    if (s->replies.capacity > REPLIES_KEPT_MAX)
        buffer_trim(&s->replies);
}

/* ---- replies ---- */

void smtp_server_reply(struct smtp_server *s, unsigned code, const char *enhanced, const char *text)
{
    buffer_add_number(&s->replies, code);
    buffer_add_char(&s->replies, ' ');
    buffer_add_text(&s->replies, enhanced);
    buffer_add_char(&s->replies, ' ');
    buffer_add_text(&s->replies, text);
    buffer_add_text(&s->replies, "\r\n");
    assert(!s->replies.overflow);
}

static void count_error(struct smtp_server *s)
{
    if (++s->error_count < s->options.errors_max || s->state >= SMTP_SERVER_STATE_CLOSING)
        return;
    smtp_server_reply(s, 421, "4.7.0", "Too many errors, closing");
    smtp_server_close(s, SMTP_CLOSE_ERRORS);
}

void smtp_server_refuse(struct smtp_server *s, unsigned code, const char *enhanced, const char *text)
{
    enum { CODE_SIZE = 4, END_SIZE = 2 };
    s->refused_from = (uint16_t)(s->replies.size + CODE_SIZE);
    smtp_server_reply(s, code, enhanced, text);
    s->refused_size = (uint16_t)(s->replies.size - END_SIZE - s->refused_from);
    s->refused_code = (uint16_t)code;
    if (code >= 500)
        count_error(s);
}

static void greet(struct smtp_server *s)
{
    const struct smtp_server_options *o = &s->options;
    buffer_add_format(&s->replies, "220 %.*s ESMTP%s%.*s\r\n", o->name_size, o->name, o->greeting_size > 0 ? " " : "",
                      o->greeting_size, o->greeting);
}

/* What the last next handed out is the driver's now. */
static void replies_drop(struct smtp_server *s)
{
    if (s->replies_out)
        buffer_clear(&s->replies);
    s->replies_out = false;
}

/* ---- the ends ---- */

void smtp_server_init(struct smtp_server *s, struct now now, const struct smtp_server_options *options)
{
    assert(options->message_size_max > 0 && options->recipients_max > 0 && options->errors_max > 0);
    assert(options->failed_logins_max > 0 && options->command_timeout_us > 0 && options->data_timeout_us > 0);
    assert(options->transaction_timeout_us > 0 && options->answer_timeout_us > 0);
    memset(s, 0, sizeof *s);
    s->options = *options;
    s->tls = options->tls;
    s->now_us = s->wait_from_us = now.monotonic_us;
    buffer_init(&s->input, SMTP_SERVER_INPUT_MAX);
    buffer_init(&s->replies, REPLIES_SIZE_MAX);
    s->state = SMTP_SERVER_STATE_COMMAND;
    if (options->kind == SMTP_SERVER_SUBMISSIONS && !options->tls) {
        s->state = SMTP_SERVER_STATE_TLS;
        s->start_tls = true;
        return;
    }
    greet(s);
}

void smtp_server_done(struct smtp_server *s)
{
    work_free(s);
    input_wipe(&s->input);
    buffer_done(&s->input);
    buffer_done(&s->replies);
}

/* ---- what comes in ---- */

static void feed_bytes(struct smtp_server *s, struct slice bytes)
{
    if (s->state >= SMTP_SERVER_STATE_CLOSING)
        return;
    if (s->state == SMTP_SERVER_STATE_TLS) { /* in clear, where a handshake was due: nothing can be answered */
        smtp_server_close(s, SMTP_CLOSE_INJECTION);
        return;
    }
    assert(bytes.size <= SMTP_SERVER_INPUT_MAX - smtp_server_pending(s).size);
    input_consume(s);
    if (bytes.size > s->input.capacity - s->input.size)
        input_move(s, bytes.size);
    buffer_add(&s->input, bytes);
    if (s->state == SMTP_SERVER_STATE_DATA || s->state == SMTP_SERVER_STATE_CHUNK)
        s->wait_from_us = s->now_us;
}

static void feed_sent(struct smtp_server *s, uint32_t count)
{
    bool was_blocked = smtp_server_blocked(s);
    assert(count <= s->unsent);
    s->unsent -= count;
    if (was_blocked && !smtp_server_blocked(s) && s->state < SMTP_SERVER_STATE_CLOSING)
        s->wait_from_us = s->now_us;
}

/* MESSAGE_END was output: whatever happens to the session, the message's fate is the owner's. */
static bool message_given(const struct smtp_server *s)
{
    return s->state == SMTP_SERVER_STATE_ASK_MESSAGE && !s->question;
}

static void feed_tick(struct smtp_server *s)
{
    if (s->state >= SMTP_SERVER_STATE_CLOSING || s->now_us < smtp_server_deadline_us(s))
        return;
    if (s->state == SMTP_SERVER_STATE_TLS) {
        smtp_server_close(s, SMTP_CLOSE_TIMEOUT);
    } else if (smtp_server_asking(s)) {
        smtp_server_reply(s, 421, "4.3.0", "Local trouble, try again later");
        if (message_given(s))
            smtp_server_reset(s);
        smtp_server_close(s, SMTP_CLOSE_ANSWER);
    } else {
        smtp_server_reply(s, 421, "4.4.2", "Timeout, closing");
        smtp_server_close(s, SMTP_CLOSE_TIMEOUT);
    }
}

/* Every reply text that comes from outside this folder passes here: printable ASCII, one line. */
static void reply_answer(struct smtp_server *s, const struct smtp_answer *answer, const char *text)
{
    char enhanced[16];
    struct enhanced_code code = answer->enhanced;
    if (code.class == 0)
        code.class = (uint8_t)(answer->code / 100);
    enhanced_code_format(code, enhanced);
    buffer_add_number(&s->replies, answer->code);
    buffer_add_char(&s->replies, ' ');
    buffer_add_text(&s->replies, enhanced);
    buffer_add_char(&s->replies, ' ');
    size_t from = s->replies.size;
    buffer_add(&s->replies, answer->text.size > 0 ? slice_part(answer->text, 0, SMTP_SERVER_TEXT_SIZE_MAX)
                                                  : slice_of(text));
    for (size_t i = from; i < s->replies.size; i++)
        if (s->replies.data[i] < ' ' || s->replies.data[i] > '~')
            s->replies.data[i] = '?';
    buffer_add_text(&s->replies, "\r\n");
    assert(!s->replies.overflow);
}

static void shutdown_now(struct smtp_server *s, const struct smtp_answer *words)
{
    struct smtp_answer answer = words != NULL ? *words : (struct smtp_answer){ 0 };
    answer.code = 421;
    if (answer.enhanced.class == 0)
        answer.enhanced = (struct enhanced_code){ 4, 3, 2 };
    if (!s->greeted)
        buffer_clear(&s->replies); /* 421 is the greeting then */
    if (s->state != SMTP_SERVER_STATE_TLS)
        reply_answer(s, &answer, "Shutting down, try again later");
    smtp_server_close(s, SMTP_CLOSE_SHUTDOWN);
}

static void feed_shutdown(struct smtp_server *s, const struct smtp_answer *words)
{
    if (s->state == SMTP_SERVER_STATE_ASK_MESSAGE)
        s->shutdown = true;
    else if (s->state < SMTP_SERVER_STATE_CLOSING)
        shutdown_now(s, words);
}

static void feed_lost(struct smtp_server *s)
{
    if (s->state == SMTP_SERVER_STATE_CLOSED)
        return;
    if (message_given(s))
        smtp_server_reset(s);
    smtp_server_close(s, SMTP_CLOSE_LOST);
    smtp_server_set_state(s, SMTP_SERVER_STATE_CLOSED);
    buffer_clear(&s->replies);
    s->refused_size = 0;
}

struct ask_row {
    const char *words;            /* of an acceptance */
    struct enhanced_code enhanced;
    uint16_t code;
};

static const struct ask_row ask_rows[] = {
    [SMTP_SERVER_STATE_ASK_AUTH] = { "Authenticated", { 2, 7, 0 }, 235 },
    [SMTP_SERVER_STATE_ASK_MAIL] = { "Sender ok", { 2, 1, 0 }, 250 },
    [SMTP_SERVER_STATE_ASK_RCPT] = { "Recipient ok", { 2, 1, 5 }, 250 },
    [SMTP_SERVER_STATE_ASK_MESSAGE] = { "Message accepted", { 2, 0, 0 }, 250 },
};

static void answer_apply(struct smtp_server *s, enum smtp_server_state asked, bool accepted, uint16_t code)
{
    switch (asked) {
    case SMTP_SERVER_STATE_ASK_AUTH:
        s->authenticated = accepted;
        work_free(s);
        if (code == 535 && ++s->failed_login_count >= s->options.failed_logins_max) {
            smtp_server_reply(s, 421, "4.7.0", "Too many failed logins, closing");
            smtp_server_close(s, SMTP_CLOSE_LOGINS);
        }
        break;
    case SMTP_SERVER_STATE_ASK_MAIL:
        s->mail = accepted;
        if (accepted)
            s->smtputf8 = s->work->mail.smtputf8;
        break;
    case SMTP_SERVER_STATE_ASK_RCPT:
        s->recipient_count += accepted ? 1 : 0;
        break;
    default:
        assert(asked == SMTP_SERVER_STATE_ASK_MESSAGE);
        smtp_server_reset(s); /* accepted or not: the next message begins with MAIL */
    }
}

static void feed_answer(struct smtp_server *s, const struct smtp_answer *given)
{
    struct smtp_answer answer = *given;
    enum smtp_server_state asked = s->state;
    assert(smtp_server_asking(s) && !s->question);
    const struct ask_row *row = &ask_rows[asked];
    if (answer.code == 0)
        answer.code = row->code;
    bool accepted = answer.code < 300;
    assert((answer.code >= 200 && answer.code < 300) || (answer.code >= 400 && answer.code < 600));
    if (accepted && answer.enhanced.class == 0)
        answer.enhanced = row->enhanced;
    reply_answer(s, &answer, accepted ? row->words : answer.code < 500 ? "Try again later" : "Refused");
    smtp_server_set_state(s, SMTP_SERVER_STATE_COMMAND);
    answer_apply(s, asked, accepted, answer.code);
    if (answer.code == 421 || answer.close)
        smtp_server_close(s, SMTP_CLOSE_OWNER);
    else if (answer.code >= 500 && !answer.forgiven && asked != SMTP_SERVER_STATE_ASK_AUTH)
        count_error(s);
    if (s->shutdown && s->state < SMTP_SERVER_STATE_CLOSING)
        shutdown_now(s, NULL);
}

static void feed_tls_up(struct smtp_server *s)
{
    if (s->state >= SMTP_SERVER_STATE_CLOSING)
        return;
    assert(s->state == SMTP_SERVER_STATE_TLS && !s->start_tls);
    smtp_server_forget(s);
    s->tls = true;
    smtp_server_set_state(s, SMTP_SERVER_STATE_COMMAND);
    if (!s->greeted)
        greet(s); /* implicit TLS */
}

void smtp_server_feed(struct smtp_server *s, struct now now, const struct smtp_server_input *input)
{
    s->now_us = now.monotonic_us;
    replies_drop(s);
    switch (input->kind) {
    case SMTP_SERVER_INPUT_TICK:
        feed_tick(s);
        break;
    case SMTP_SERVER_INPUT_BYTES:
        feed_bytes(s, input->bytes);
        break;
    case SMTP_SERVER_INPUT_SENT:
        feed_sent(s, input->sent);
        break;
    case SMTP_SERVER_INPUT_TLS_UP:
        feed_tls_up(s);
        break;
    case SMTP_SERVER_INPUT_ANSWER:
        feed_answer(s, &input->answer);
        break;
    case SMTP_SERVER_INPUT_SHUTDOWN:
        feed_shutdown(s, &input->answer);
        break;
    case SMTP_SERVER_INPUT_LOST:
        feed_lost(s);
        break;
    }
}

/* ---- what goes out ---- */

static void output_question(struct smtp_server *s, struct smtp_server_output *ret_output)
{
    switch (s->state) {
    case SMTP_SERVER_STATE_ASK_AUTH: {
        const struct sasl_server *sasl = &s->work->sasl;
        ret_output->kind = SMTP_SERVER_AUTH;
        ret_output->auth = (struct smtp_server_auth){
            .mechanism = slice_of(sasl_server_mechanism_name(sasl->mechanism)),
            .authzid = slice(sasl->authzid, sasl->authzid_size),
            .login = slice(sasl->login, sasl->login_size),
            .password = slice(sasl->password, sasl->password_size),
        };
        break;
    }
    case SMTP_SERVER_STATE_ASK_MAIL:
        ret_output->kind = SMTP_SERVER_MAIL;
        ret_output->mail = &s->work->mail;
        break;
    case SMTP_SERVER_STATE_ASK_RCPT:
        ret_output->kind = SMTP_SERVER_RCPT;
        ret_output->rcpt = &s->work->rcpt;
        break;
    default:
        assert(s->state == SMTP_SERVER_STATE_ASK_MESSAGE);
        ret_output->kind = SMTP_SERVER_MESSAGE_END;
    }
    s->question = false;
}

/* What is owed to the owner, before anything more is read. */
static bool output_owed(struct smtp_server *s, struct smtp_server_output *ret_output)
{
    if (s->abort) {
        s->abort = false;
        ret_output->kind = SMTP_SERVER_MESSAGE_ABORT;
        return true;
    }
    if (s->refused_size > 0) {
        ret_output->kind = SMTP_SERVER_REFUSED;
        ret_output->refused = (struct smtp_server_refused){
            .verb = s->verb,
            .code = s->refused_code,
            .text = slice(s->replies.data + s->refused_from, s->refused_size),
        };
        s->refused_size = 0;
        return true;
    }
    if (s->question)
        output_question(s, ret_output);
    return ret_output->kind != SMTP_SERVER_NOTHING;
}

/* Nothing more can be read in this turn. */
static bool output_rest(struct smtp_server *s, struct smtp_server_output *ret_output)
{
    if (s->replies.size > 0) {
        ret_output->kind = SMTP_SERVER_SEND;
        ret_output->bytes = buffer_slice(&s->replies);
        s->unsent += (uint32_t)s->replies.size;
        s->replies_out = s->greeted = true;
        return true;
    }
    if (s->start_tls) {
        s->start_tls = false;
        ret_output->kind = SMTP_SERVER_START_TLS;
        return true;
    }
    if (s->state == SMTP_SERVER_STATE_CLOSING) {
        smtp_server_set_state(s, SMTP_SERVER_STATE_CLOSED);
        ret_output->kind = SMTP_SERVER_CLOSE;
        ret_output->close = s->close_reason;
        return true;
    }
    release(s);
    return false;
}

bool smtp_server_next(struct smtp_server *s, struct smtp_server_output *ret_output)
{
    struct smtp_server_output output = { .kind = SMTP_SERVER_NOTHING };
    replies_drop(s);
    bool more = true;
    while (more && output.kind == SMTP_SERVER_NOTHING && !output_owed(s, &output)) { /* ends: each turn takes octets */
        switch (s->state) {
        case SMTP_SERVER_STATE_COMMAND:
        case SMTP_SERVER_STATE_SASL:
            more = smtp_server_read_line(s);
            break;
        case SMTP_SERVER_STATE_DATA:
        case SMTP_SERVER_STATE_CHUNK:
            more = smtp_server_read_body(s, &output.bytes);
            if (output.bytes.size > 0)
                output.kind = SMTP_SERVER_BODY;
            break;
        default:
            more = false;
        }
    }
    if (output.kind == SMTP_SERVER_NOTHING && !output_rest(s, &output)) {
        assert(smtp_server_closed(s) || smtp_server_deadline_us(s) != DEADLINE_NEVER);
        return false;
    }
    *ret_output = output;
    return true;
}

int64_t smtp_server_deadline_us(const struct smtp_server *s)
{
    const struct smtp_server_options *o = &s->options;
    int64_t transaction_us = s->transaction_from_us + o->transaction_timeout_us;
    int64_t deadline_us;
    bool body = s->state == SMTP_SERVER_STATE_DATA || s->state == SMTP_SERVER_STATE_CHUNK;
    if (s->state == SMTP_SERVER_STATE_CLOSED)
        return DEADLINE_NEVER;
    if (s->state == SMTP_SERVER_STATE_CLOSING)
        return s->wait_from_us; /* its outputs were not drained: at once */
    if (smtp_server_asking(s))
        return s->wait_from_us + o->answer_timeout_us;
    deadline_us = s->wait_from_us + (body ? o->data_timeout_us : o->command_timeout_us);
    return (s->mail || body) && transaction_us < deadline_us ? transaction_us : deadline_us;
}

size_t smtp_server_credit(const struct smtp_server *s)
{
    if (s->state == SMTP_SERVER_STATE_TLS || s->state >= SMTP_SERVER_STATE_CLOSING || smtp_server_blocked(s))
        return 0;
    return SMTP_SERVER_INPUT_MAX - smtp_server_pending(s).size;
}
