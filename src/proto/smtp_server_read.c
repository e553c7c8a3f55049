/* Reading: lines in a command or SASL dialogue, bodies by DATA and BDAT. Each step takes whole things off the front of
 * what waits; how the octets were cut on their way changes nothing that is said or done. */
#include <assert.h>
#include <stdio.h>

#include "proto/smtp_server_work.h"

enum { LINE_END_SIZE = 2 };

const struct smtp_refusal smtp_server_too_large = { 552, "5.3.4", "The message is too large" };

enum line_result { LINE_NONE, LINE_WHOLE, LINE_TOO_LONG, LINE_WRONG };

/* One line off the front, found at its CRLF. The octets of a line that is too long already are dropped as they come. */
static enum line_result take_line(struct smtp_server *s, size_t size_max, struct slice *ret_line,
                                  enum body_fault *ret_fault)
{
    struct slice input = smtp_server_pending(s);
    size_t at = s->scanned;
    while (at < input.size && input.data[at] != '\r' && input.data[at] != '\n' && input.data[at] != '\0')
        at++;
    s->scanned = at;
    if (at == input.size || (input.data[at] == '\r' && at + 1 == input.size)) {
        if (at + LINE_END_SIZE > size_max) {
            s->input_from += at;
            s->scanned = 0;
            s->line_too_long = true;
        }
        return LINE_NONE;
    }
    if (input.data[at] != '\r' || input.data[at + 1] != '\n') {
        *ret_fault = input.data[at] == '\r'   ? BODY_FAULT_CR
                     : input.data[at] == '\n' ? BODY_FAULT_LF
                                              : BODY_FAULT_NUL;
        return LINE_WRONG;
    }
    bool too_long = s->line_too_long || at + LINE_END_SIZE > size_max;
    s->input_from += at + LINE_END_SIZE;
    s->scanned = 0;
    s->line_too_long = false;
    *ret_line = slice_part(input, 0, at);
    return too_long ? LINE_TOO_LONG : LINE_WHOLE;
}

static void refuse_fault(struct smtp_server *s, unsigned code, enum body_fault fault)
{
    char text[64];
    snprintf(text, sizeof text, "%s received; lines end with CRLF", body_fault_name(fault));
    smtp_server_refuse(s, code, "5.5.2", text);
    smtp_server_close(s, SMTP_CLOSE_STRICT);
}

/* False: nothing whole is there. */
bool smtp_server_read_line(struct smtp_server *s)
{
    bool sasl = s->state == SMTP_SERVER_STATE_SASL;
    struct slice line;
    enum body_fault fault;
    if (smtp_server_blocked(s))
        return false;
    switch (take_line(s, sasl ? SMTP_SASL_LINE_SIZE_MAX + LINE_END_SIZE : SMTP_LINE_SIZE_MAX, &line, &fault)) {
    case LINE_NONE:
        return false;
    case LINE_WRONG:
        s->verb = SMTP_VERB_UNKNOWN;
        refuse_fault(s, 500, fault);
        break;
    case LINE_TOO_LONG:
        s->verb = sasl ? SMTP_VERB_AUTH : SMTP_VERB_UNKNOWN;
        smtp_server_set_state(s, SMTP_SERVER_STATE_COMMAND);
        smtp_server_refuse(s, 500, sasl ? "5.5.6" : "5.5.2", "The line is too long");
        break;
    case LINE_WHOLE:
        if (sasl)
            smtp_server_sasl_line(s, line);
        else
            smtp_server_command(s, line);
        if (sasl || s->verb == SMTP_VERB_AUTH) /* it has a password */
            explicit_bzero(s->input.data + (line.data - s->input.data), line.size);
        break;
    }
    return true;
}

/* A body has a limit; what is over it is swallowed until the body ends, up to the same limit again: then it is enough.
 * True: the run is wanted. */
static bool count_body(struct smtp_server *s, size_t size)
{
    uint64_t size_max = s->options.message_size_max;
    s->message_size += size;
    if (s->swallow == NULL && s->message_size > size_max) {
        uint64_t over = s->message_size - size_max;
        smtp_server_abort(s);
        s->swallow = &smtp_server_too_large;
        s->message_size = over;
    }
    if (s->swallow == NULL)
        return size > 0;
    if (s->message_size > size_max) {
        smtp_server_refuse(s, s->swallow->code, s->swallow->enhanced, s->swallow->text);
        smtp_server_close(s, SMTP_CLOSE_SIZE);
    }
    return false;
}

/* The end of a body or chunk that was swallowed: its answer is due. */
static void swallow_end(struct smtp_server *s)
{
    const struct smtp_refusal *why = s->swallow;
    s->swallow = NULL;
    s->message_size = 0;
    smtp_server_set_state(s, SMTP_SERVER_STATE_COMMAND);
    smtp_server_refuse(s, why->code, why->enhanced, why->text);
}

static void chunk_end(struct smtp_server *s)
{
    char text[48];
    if (s->swallow != NULL) {
        swallow_end(s);
    } else if (!s->chunk_last) {
        snprintf(text, sizeof text, "%llu octets so far", (unsigned long long)s->message_size);
        smtp_server_reply(s, 250, "2.0.0", text);
        smtp_server_set_state(s, SMTP_SERVER_STATE_COMMAND);
    } else if (!body_reader_finish(&s->reader)) {
        refuse_fault(s, 554, BODY_FAULT_CR);
    } else {
        smtp_server_ask(s, SMTP_SERVER_STATE_ASK_MESSAGE);
    }
}

/* One step through the body: false when it needs more input. A run that is wanted is in *ret_run. */
bool smtp_server_read_body(struct smtp_server *s, struct slice *ret_run)
{
    bool chunk = s->state == SMTP_SERVER_STATE_CHUNK;
    struct slice input = smtp_server_pending(s);
    if (chunk)
        input = slice_part(input, 0, s->chunk_left < input.size ? (size_t)s->chunk_left : input.size);
    struct slice rest = input;
    enum body_event event = BODY_MORE;
    *ret_run = SLICE_EMPTY;
    if (chunk && s->swallow != NULL)
        rest = slice_after(input, input.size);
    else
        event = body_reader_next(&s->reader, &rest, ret_run);
    size_t taken = input.size - rest.size;
    s->input_from += taken;
    s->chunk_left -= chunk ? taken : 0;
    if (event == BODY_WRONG) {
        refuse_fault(s, 554, s->reader.fault);
        return true;
    }
    if (!chunk && !count_body(s, ret_run->size))
        *ret_run = SLICE_EMPTY;
    if (s->state >= SMTP_SERVER_STATE_CLOSING)
        return true;
    if (event == BODY_END) {
        if (s->swallow != NULL)
            swallow_end(s);
        else
            smtp_server_ask(s, SMTP_SERVER_STATE_ASK_MESSAGE);
        return true;
    }
    if (chunk && s->chunk_left == 0 && ret_run->size == 0) {
        chunk_end(s);
        return true;
    }
    return taken > 0;
}
