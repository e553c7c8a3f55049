#include "proto/smtp_server_watch.h"

#include <assert.h>

#include "base/codec.h"
#include "proto/utf8.h"

enum {
    REPLY_LINE_SIZE_MAX = 512,              /* RFC 5321 4.5.3.1.5 */
    UNSENT_SLACK = 4096,                    /* what one step adds after the limit was looked at */
    IDLE_SIZE_MAX = 1024,                   /* smtp_server.h, "Memory" */
    INPUT_KEPT_MAX = 3 * SMTP_LINE_SIZE_MAX /* ... and what was read of the next command */
};

void watch_init(struct watch *w, const struct smtp_server *s)
{
    *w = (struct watch){ .server = s, .tls = s->options.tls, .before = '\n' };
}

/* ---- in ---- */

static void message_over(struct watch *w)
{
    assert(w->mail);
    w->mail = w->body = false;
    w->recipients = 0;
    w->body_size = 0;
    w->before = '\n';
}

static void watch_answer(struct watch *w, const struct smtp_answer *answer)
{
    bool accepted = answer->code < 300;
    assert(smtp_server_asking(w->server));
    switch (w->question) {
    case SMTP_SERVER_AUTH: w->authenticated = accepted; break;
    case SMTP_SERVER_MAIL:
        w->mail = accepted;
        w->mails += accepted;
        break;
    case SMTP_SERVER_RCPT: w->recipients += accepted; break;
    default: assert(w->question == SMTP_SERVER_MESSAGE_END);
    }
    w->question = SMTP_SERVER_NOTHING;
}

void watch_input(struct watch *w, const struct smtp_server_input *input)
{
    switch (input->kind) {
    case SMTP_SERVER_INPUT_ANSWER: watch_answer(w, &input->answer); break;
    case SMTP_SERVER_INPUT_SENT:
        assert(input->sent <= w->unsent);
        w->unsent -= input->sent;
        break;
    case SMTP_SERVER_INPUT_TLS_UP:
        assert(w->handshake);
        w->handshake = false;
        w->tls = true;
        w->authenticated = false; /* RFC 3207 4.2 */
        break;
    case SMTP_SERVER_INPUT_LOST: w->lost = true; break;
    default: break;
    }
}

/* ---- out ---- */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whole lines, "250-" or "250 ", printable ASCII; the last line of a reply has the blank. */
static void watch_send(struct watch *w, struct slice bytes)
{
    assert(bytes.size > 0 && !w->closed && !w->lost);
    w->unsent += (uint32_t)bytes.size;
    assert(w->unsent == w->server->unsent && w->unsent <= SMTP_SERVER_UNSENT_MAX + UNSENT_SLACK);
    bool last = false;
    while (bytes.size > 0) {
        size_t end = slice_find_slice(bytes, SLICE("\r\n"));
        assert(end < bytes.size && end + 2 <= REPLY_LINE_SIZE_MAX && end >= 4);
        assert(bytes.data[0] >= '2' && bytes.data[0] <= '5' && digit(bytes.data[1]) && digit(bytes.data[2]));
        assert(bytes.data[3] == ' ' || bytes.data[3] == '-');
        for (size_t i = 0; i < end; i++)
            assert(bytes.data[i] >= ' ' && bytes.data[i] <= '~');
        last = bytes.data[3] == ' ';
        bytes = slice_after(bytes, end + 2);
    }
    assert(last);
}

static void watch_body(struct watch *w, struct slice run)
{
    assert(w->mail && w->recipients > 0 && w->question == SMTP_SERVER_NOTHING && run.size > 0);
    for (size_t i = 0; i < run.size; i++) {
        char c = run.data[i];
        assert(c != '\0' && (c == '\n') == (w->before == '\r'));
        w->before = c;
    }
    w->body = true;
    w->body_size += run.size;
    assert(w->body_size <= w->server->options.message_size_max);
}

/* What a client named, as it goes into a log, a queue record and another server's session (S12). */
static void watch_text(struct slice text)
{
    while (text.size > 0) {
        uint32_t number;
        size_t size = utf8_next(text, &number);
        assert(size > 0 && !utf8_is_control(number));
        text = slice_after(text, size);
    }
}

static void watch_address(const struct address *a, bool utf8)
{
    struct address again;
    watch_text(address_mailbox(a));
    assert(utf8 || !a->utf8);
    if (a->kind == ADDRESS_MAILBOX)
        assert(address_parse(address_mailbox(a), utf8 ? ADDRESS_UTF8 : 0, &again) == ERR_OK &&
               address_equal(a, &again));
}

static void watch_question(struct watch *w, const struct smtp_server_output *output)
{
    const struct smtp_server *s = w->server;
    assert(w->question == SMTP_SERVER_NOTHING && !w->lost && !w->closed && smtp_server_asking(s));
    assert(smtp_server_helo(s).size > 0 && domain_valid_helo(smtp_server_helo(s)));
    w->question = output->kind;
    switch (output->kind) {
    case SMTP_SERVER_AUTH:
        assert(!w->mail && !w->authenticated && s->options.auth && (w->tls || s->options.auth_clear));
        assert(output->auth.login.size > 0 && output->auth.password.size > 0);
        break;
    case SMTP_SERVER_MAIL:
        assert(!w->mail && (w->authenticated || !s->options.auth_required));
        assert(output->mail->size <= s->options.message_size_max);
        assert(output->mail->sender.kind != ADDRESS_POSTMASTER);
        watch_address(&output->mail->sender, output->mail->smtputf8);
        if (output->mail->auth_given)
            watch_address(&output->mail->auth, output->mail->smtputf8);
        watch_text(slice(output->mail->envid.text, output->mail->envid.size));
        break;
    case SMTP_SERVER_RCPT:
        assert(w->mail && !w->body && w->recipients < s->options.recipients_max);
        assert(output->rcpt->recipient.kind != ADDRESS_NULL);
        watch_address(&output->rcpt->recipient, true);
        watch_text(slice(output->rcpt->orcpt.text, output->rcpt->orcpt.size));
        break;
    default:
        assert(w->mail && w->recipients > 0 && w->before != '\r');
        w->ends++;
        message_over(w);
    }
}

void watch_output(struct watch *w, const struct smtp_server_output *output)
{
    assert(!w->closed);
    switch (output->kind) {
    case SMTP_SERVER_SEND: watch_send(w, output->bytes); break;
    case SMTP_SERVER_BODY: watch_body(w, output->bytes); break;
    case SMTP_SERVER_MESSAGE_ABORT:
        assert(w->mail);
        w->aborts++;
        message_over(w);
        break;
    case SMTP_SERVER_START_TLS:
        assert(!w->tls && !w->handshake && !w->mail && w->question == SMTP_SERVER_NOTHING);
        w->handshake = true;
        break;
    case SMTP_SERVER_CLOSE:
        assert(!w->mail && !w->lost && output->close != SMTP_CLOSE_NONE);
        w->closed = true;
        break;
    case SMTP_SERVER_REFUSED:
        assert(output->refused.code >= 400 && output->refused.code < 600 && output->refused.text.size > 0);
        assert(output->refused.verb < SMTP_VERB_COUNT);
        watch_text(output->refused.text);
        break;
    case SMTP_SERVER_NOTHING: assert(!"true without an output"); break;
    default: watch_question(w, output);
    }
}

void watch_drained(struct watch *w)
{
    const struct smtp_server *s = w->server;
    size_t waiting = s->input.size - s->input_from;
    assert(smtp_server_closed(s) == (w->closed || w->lost));
    assert((smtp_server_deadline_us(s) == DEADLINE_NEVER) == smtp_server_closed(s));
    assert(waiting + smtp_server_credit(s) <= SMTP_SERVER_INPUT_MAX && s->input.capacity <= SMTP_SERVER_INPUT_MAX);
    assert(s->replies.capacity <= SMTP_SERVER_UNSENT_MAX + UNSENT_SLACK && !s->input.overflow && !s->replies.overflow);
    if (smtp_server_idle(s) && w->unsent == 0) {
        assert(s->work == NULL && s->replies.capacity <= IDLE_SIZE_MAX && s->input.capacity == 0);
    } else if (s->state == SMTP_SERVER_STATE_COMMAND && !s->mail && waiting <= SMTP_LINE_SIZE_MAX) {
        assert(s->input.capacity <= INPUT_KEPT_MAX);
    }
    if (w->closed || w->lost)
        assert(!w->mail);
}

void watch_end(struct watch *w)
{
    assert(w->closed || w->lost);
    assert(!w->mail && w->mails == w->ends + w->aborts);
}
