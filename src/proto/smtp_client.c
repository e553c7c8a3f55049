/* The machine: what has been received, what is to be said, the states and their time.
 *
 * next() does one thing and looks again: first what is owed to the owner, then one reply; only when nothing more can be
 * read are commands said and octets of the body asked for, and only when there are none to be had is what has gathered
 * handed out. So MAIL, RCPT and DATA are one write, and a body, its dot and the next envelope are one.
 *
 * An end has two steps. Why it ends is noted at once (c->end); what was received before is still read, so that an answer
 * to the dot which arrived together with the loss of the connection counts. Then all that is not decided follows from
 * it (ENDING), is told, and CLOSE is the last output. */
#include "proto/smtp_client.h"

#include <assert.h>

#include "base/arena.h"
#include "proto/smtp_client_work.h"

enum {
    QUIT_TIMEOUT_US = 10 * US_PER_SECOND, /* who has said QUIT waits no longer for its answer */
    KEPT_MAX = 512, /* capacity of a buffer that an idle session keeps */
    IDLE_MAX = 4 << 10, /* ... and of all of them, with what the next transaction can use again */
};

/* ---- states ---- */

#define TO(state) (1u << SMTP_CLIENT_STATE_##state)
static const unsigned transitions[SMTP_CLIENT_STATE_COUNT] = {
    [SMTP_CLIENT_STATE_TLS] = TO(BANNER) | TO(EHLO) | TO(ENDING),
    [SMTP_CLIENT_STATE_BANNER] = TO(EHLO) | TO(ENDING),
    [SMTP_CLIENT_STATE_EHLO] = TO(HELO) | TO(STARTTLS) | TO(AUTH) | TO(READY) | TO(ENDING),
    [SMTP_CLIENT_STATE_HELO] = TO(READY) | TO(ENDING),
    [SMTP_CLIENT_STATE_STARTTLS] = TO(TLS) | TO(AUTH) | TO(READY) | TO(ENDING),
    [SMTP_CLIENT_STATE_AUTH] = TO(AUTH) | TO(READY) | TO(ENDING),
    [SMTP_CLIENT_STATE_READY] = TO(QUIT) | TO(ENDING),
    [SMTP_CLIENT_STATE_QUIT] = TO(ENDING),
    [SMTP_CLIENT_STATE_ENDING] = TO(CLOSED),
    [SMTP_CLIENT_STATE_CLOSED] = 0,
};
#undef TO

void smtp_client_set_state(struct smtp_client *c, enum smtp_client_state state)
{
    assert(transitions[c->state] & 1u << state);
    c->state = state;
    c->wait_from_us = c->now_us;
}

/* ---- outcomes ---- */

struct outcome smtp_client_outcome(const struct smtp_client *c, enum outcome_class class, enum stage stage,
                                   enum outcome_cause cause)
{
    struct outcome o = {
        .class = class,
        .stage = stage,
        .cause = cause,
        .tls = c->tls,
        .host = c->options.host,
        .address = c->options.address,
        .at_us = c->wall_us,
    };
    o.enhanced = outcome_enhanced_default(&o);
    return o;
}

struct outcome smtp_client_outcome_of(const struct smtp_client *c, enum stage stage, const struct smtp_reply *reply)
{
    struct outcome o = smtp_client_outcome(c, outcome_class_of_code(reply->code), stage, OUTCOME_CAUSE_REPLY);
    o.code = reply->code;
    if (reply->enhanced.class != 0)
        o.enhanced = reply->enhanced;
    o.text = reply->text;
    return o;
}

static enum stage stage_now(const struct smtp_client *c)
{
    const struct smtp_client_slot *slot = smtp_client_slot(c);
    if (c->state < SMTP_CLIENT_STATE_READY)
        return smtp_client_open_stage(c);
    return slot != NULL ? smtp_client_slot_stage(slot) : STAGE_MAIL;
}

/* ---- what is said ---- */

void smtp_client_note(const struct smtp_client *c, struct buffer *transcript, const char *prefix, struct slice text)
{
    static const char cut[] = "[...]\n";
    if (transcript == NULL || !c->options.transcript || transcript->overflow)
        return;
    if (transcript->size + strlen(prefix) + text.size + sizeof cut > transcript->size_max) {
        buffer_add_text(transcript, cut);
        transcript->overflow = true;
        return;
    }
    buffer_add_text(transcript, prefix);
    buffer_add(transcript, text);
    buffer_add_char(transcript, '\n');
}

static void note_reply(struct smtp_client *c, const struct smtp_reply *reply)
{
    struct smtp_client_slot *slot = smtp_client_slot(c);
    struct buffer *transcript = !c->was_ready ? &c->opening : slot != NULL ? &slot->transcript : NULL;
    struct slice lines = reply->lines;
    char prefix[] = "S: 000-";
    for (unsigned i = 0, code = reply->code; i < 3; i++, code /= 10)
        prefix[5 - i] = (char)('0' + code % 10);
    if (reply->code == 334) { /* a challenge is of no use to anybody, and belongs to the login */
        smtp_client_note(c, transcript, "S: 334 ", SLICE("****"));
        return;
    }
    for (unsigned i = 1; i <= reply->line_count; i++) {
        prefix[6] = i < reply->line_count ? '-' : ' ';
        smtp_client_note(c, transcript, prefix, slice_split(&lines, '\n'));
    }
}

void smtp_client_command_end(struct smtp_client *c, struct buffer *transcript, size_t from, const char *shown)
{
    struct slice line = shown != NULL ? slice_of(shown) : slice_after(buffer_slice(&c->unsent), from);
    smtp_client_note(c, transcript, "C: ", line);
    buffer_add_text(&c->unsent, "\r\n");
    assert(!c->unsent.overflow);
    c->expected_unsent++;
}

void smtp_client_command(struct smtp_client *c, struct buffer *transcript, const char *line)
{
    size_t from = c->unsent.size;
    buffer_add_text(&c->unsent, line);
    smtp_client_command_end(c, transcript, from, NULL);
}

size_t smtp_client_room(const struct smtp_client *c)
{
    size_t used = c->on_wire + c->unsent.size + SMTP_CLIENT_COMMAND_SIZE_MAX;
    return used < SMTP_CLIENT_UNSENT_MAX ? SMTP_CLIENT_UNSENT_MAX - used : 0;
}

static void unsent_clear(struct smtp_client *c)
{
    if (c->secret)
        explicit_bzero(c->unsent.data, c->unsent.size);
    buffer_clear(&c->unsent);
    c->secret = false;
}

/* What the last next handed out is the driver's now. */
static void unsent_drop(struct smtp_client *c)
{
    if (c->sent_out)
        unsent_clear(c);
    c->sent_out = false;
}

/* ---- the end ---- */

/* The reason's text is kept here; everything else in it outlives the session. */
static void end_note(struct smtp_client *c, struct outcome why)
{
    buffer_clear(&c->words);
    buffer_add(&c->words, slice_part(why.text, 0, OUTCOME_TEXT_SIZE_MAX));
    why.text = buffer_slice(&c->words);
    c->end = why;
}

static void ending_enter(struct smtp_client *c)
{
    const struct smtp_client_slot *slot = smtp_client_slot(c);
    bool body_cut = slot != NULL && slot->body && !slot->dot_out;
    bool dot_on_its_way = slot != NULL && slot->dot_out && c->on_wire > 0;
    if (body_cut || dot_on_its_way)
        c->abort = true;
    c->input_from = c->input.size;
    unsent_clear(c);
    c->expected_unsent = 0;
    c->start_tls = false;
    c->failed = !c->was_ready;
    smtp_client_sasl_drop(c);
    smtp_client_slots_lose(c);
    smtp_client_set_state(c, SMTP_CLIENT_STATE_ENDING);
}

void smtp_client_end_after_input(struct smtp_client *c, struct outcome why)
{
    if (!smtp_client_ending(c))
        end_note(c, why);
}

void smtp_client_end_now(struct smtp_client *c, struct outcome why, bool polite)
{
    assert(c->state < SMTP_CLIENT_STATE_ENDING);
    bool gone = smtp_client_ending(c); /* lost already: nothing can be said any more */
    end_note(c, why);
    ending_enter(c);
    if (polite && !gone && !c->abort)
        buffer_add_text(&c->unsent, "QUIT\r\n");
}

void smtp_client_end_protocol(struct smtp_client *c, enum stage stage, const char *fault)
{
    struct outcome why = smtp_client_outcome(c, OUTCOME_TEMP, stage, OUTCOME_CAUSE_PROTOCOL);
    why.text = slice_of(fault);
    smtp_client_end_now(c, why, false);
}

static void end_quit(struct smtp_client *c)
{
    struct outcome why = smtp_client_outcome(c, OUTCOME_OK, STAGE_NONE, OUTCOME_CAUSE_NONE);
    smtp_client_end_now(c, why, false);
}

/* ---- life ---- */

void smtp_client_init(struct smtp_client *c, struct now now, const struct smtp_client_options *options)
{
    assert(options->banner_timeout_us > 0 && options->command_timeout_us > 0 && options->data_timeout_us > 0);
    assert(options->dot_timeout_us > 0 && options->idle_timeout_us > 0);
    assert(options->our_name.size > 0 && options->our_name.size <= SMTP_HELO_SIZE_MAX);
    memset(c, 0, sizeof *c);
    c->options = *options;
    c->now_us = c->wait_from_us = now.monotonic_us;
    c->wall_us = now.wall_us;
    smtp_reply_reader_init(&c->reader);
    buffer_init(&c->input, SMTP_CLIENT_INPUT_MAX);
    buffer_init(&c->unsent, SMTP_CLIENT_UNSENT_MAX);
    buffer_init(&c->opening, SMTP_CLIENT_OPENING_TRANSCRIPT_MAX);
    buffer_init(&c->words, OUTCOME_TEXT_SIZE_MAX);
    buffer_init(&c->binding, SASL_CHALLENGE_SIZE_MAX);
    c->state = SMTP_CLIENT_STATE_BANNER;
    c->expected = 1; /* the greeting */
    if (options->tls == SMTP_CLIENT_TLS_IMPLICIT) {
        c->state = SMTP_CLIENT_STATE_TLS;
        c->expected = 0;
        c->start_tls = true;
    }
}

void smtp_client_done(struct smtp_client *c)
{
    unsent_clear(c);
    smtp_client_sasl_drop(c);
    smtp_client_slots_free(c);
    smtp_reply_reader_done(&c->reader);
    buffer_done(&c->input);
    buffer_done(&c->unsent);
    buffer_done(&c->opening);
    buffer_done(&c->words);
    buffer_done(&c->binding);
}

/* At the end of a turn between transactions: the session keeps next to nothing. */
static void release(struct smtp_client *c)
{
    if (c->slot_count > 0 || (c->state != SMTP_CLIENT_STATE_READY && c->state != SMTP_CLIENT_STATE_CLOSED))
        return;
    if (smtp_client_unread(c) == 0) {
        buffer_clear(&c->input);
        c->input_from = 0;
        if (c->input.capacity > KEPT_MAX)
            buffer_trim(&c->input);
    }
    if (c->unsent.size == 0 && c->unsent.capacity > KEPT_MAX)
        buffer_trim(&c->unsent);
    smtp_reply_reader_trim(&c->reader);
    size_t kept = c->input.capacity + c->unsent.capacity + c->reader.lines.capacity + c->reader.text.capacity +
                  c->opening.capacity + c->words.capacity + c->binding.capacity;
    smtp_client_slots_release(c, kept < IDLE_MAX ? IDLE_MAX - kept : 0);
}

/* ---- what comes in ---- */

static void feed_bytes(struct smtp_client *c, struct slice bytes)
{
    if (smtp_client_ending(c))
        return;
    assert(bytes.size <= SMTP_CLIENT_INPUT_MAX - smtp_client_unread(c));
    if (c->state == SMTP_CLIENT_STATE_TLS) { /* in clear, where a handshake is due (S06) */
        smtp_client_end_protocol(c, STAGE_TLS, "octets in clear where the handshake was due");
        return;
    }
    buffer_consume(&c->input, c->input_from);
    c->input_from = 0;
    buffer_add(&c->input, bytes);
}

static void feed_sent(struct smtp_client *c, uint32_t count)
{
    const struct smtp_client_slot *slot = smtp_client_slot(c);
    assert(count <= c->on_wire);
    c->on_wire -= count;
    if (slot != NULL && slot->body && count > 0)
        c->wait_from_us = c->now_us;
}

static void feed_tls_failed(struct smtp_client *c, struct slice text)
{
    if (smtp_client_ending(c))
        return;
    assert(c->state == SMTP_CLIENT_STATE_TLS);
    struct outcome why = smtp_client_outcome(c, OUTCOME_TEMP, STAGE_TLS, OUTCOME_CAUSE_TLS_FAILED);
    why.text = text;
    smtp_client_end_now(c, why, false);
}

static void feed_tls_up(struct smtp_client *c, const struct smtp_client_tls_up *up)
{
    if (smtp_client_ending(c))
        return;
    assert(c->state == SMTP_CLIENT_STATE_TLS && !c->start_tls);
    smtp_client_open_tls_up(c, up);
}

/* The connection is gone, for whatever reason. After QUIT that is what was wanted. */
static void feed_lost(struct smtp_client *c, enum outcome_cause cause)
{
    if (c->state == SMTP_CLIENT_STATE_QUIT)
        smtp_client_end_after_input(c, smtp_client_outcome(c, OUTCOME_OK, STAGE_NONE, OUTCOME_CAUSE_NONE));
    else
        smtp_client_end_after_input(c, smtp_client_outcome(c, OUTCOME_TEMP, stage_now(c), cause));
}

static void feed_tick(struct smtp_client *c)
{
    const struct smtp_client_slot *slot = smtp_client_slot(c);
    enum outcome_cause cause = OUTCOME_CAUSE_TIMEOUT;
    if (smtp_client_ending(c) || c->now_us < smtp_client_deadline_us(c))
        return;
    if (c->state == SMTP_CLIENT_STATE_READY && slot == NULL && !c->rset) {
        c->quit = true;
        c->wait_from_us = c->now_us;
        return;
    }
    /* Octets that the owner did not supply in time are no failure of the host. */
    if (slot != NULL && slot->asked && c->on_wire == 0)
        cause = OUTCOME_CAUSE_LOCAL;
    feed_lost(c, cause);
}

static void feed_abort(struct smtp_client *c)
{
    if (c->state >= SMTP_CLIENT_STATE_ENDING)
        return;
    c->abort = true;
    feed_lost(c, OUTCOME_CAUSE_LOCAL);
}

void smtp_client_feed(struct smtp_client *c, struct now now, const struct smtp_client_input *input)
{
    c->now_us = now.monotonic_us;
    c->wall_us = now.wall_us;
    unsent_drop(c);
    switch (input->kind) {
    case SMTP_CLIENT_INPUT_TICK:
        feed_tick(c);
        break;
    case SMTP_CLIENT_INPUT_BYTES:
        feed_bytes(c, input->bytes);
        break;
    case SMTP_CLIENT_INPUT_SENT:
        feed_sent(c, input->sent);
        break;
    case SMTP_CLIENT_INPUT_TLS_UP:
        feed_tls_up(c, &input->tls_up);
        break;
    case SMTP_CLIENT_INPUT_TLS_FAILED:
        feed_tls_failed(c, input->tls_failed);
        break;
    case SMTP_CLIENT_INPUT_LOST:
        feed_lost(c, input->lost);
        break;
    case SMTP_CLIENT_INPUT_TRANSACTION:
        assert(smtp_client_accepts(c));
        smtp_client_slot_begin(c, input->transaction);
        break;
    case SMTP_CLIENT_INPUT_BODY:
        smtp_client_slot_body(c, &input->body);
        break;
    case SMTP_CLIENT_INPUT_BODY_FAILED:
        feed_lost(c, OUTCOME_CAUSE_LOCAL);
        break;
    case SMTP_CLIENT_INPUT_QUIT:
        c->quit = true;
        break;
    case SMTP_CLIENT_INPUT_ABORT:
        feed_abort(c);
        break;
    }
}

/* ---- replies ---- */

/* Nobody has asked for it. 421 may come at any time (RFC 5321 3.8), and an error while the body is on its way speaks of
 * that; anything else would be taken for the answer to a command that the server has not seen. */
static void reply_unasked(struct smtp_client *c, const struct smtp_reply *reply)
{
    const struct smtp_client_slot *slot = smtp_client_slot(c);
    if (slot != NULL && slot->body && !slot->dot_out && reply->code >= 400)
        smtp_client_slot_interrupted(c, reply);
    else if (reply->code == 421)
        smtp_client_end_now(c, smtp_client_outcome_of(c, stage_now(c), reply), false);
    else
        smtp_client_end_protocol(c, stage_now(c), "a reply to nothing");
}

/* RFC 5321 4.5: RSET is never refused by what works. */
static void reply_rset(struct smtp_client *c, const struct smtp_reply *reply)
{
    c->rset = false;
    if (reply->code >= 400)
        smtp_client_end_now(c, smtp_client_outcome_of(c, STAGE_MAIL, reply), reply->code != 421);
    else if (reply->code >= 300)
        smtp_client_end_protocol(c, STAGE_MAIL, "an answer that RSET does not have");
}

/* One reply, if a whole one is there. *ret_output may be a RESULT. */
static bool read_reply(struct smtp_client *c, struct smtp_client_output *ret_output)
{
    struct smtp_reply reply;
    struct slice rest = slice_after(buffer_slice(&c->input), c->input_from);
    if (rest.size == 0)
        return false;
    enum smtp_reply_event event = smtp_reply_reader_next(&c->reader, &rest, &reply);
    c->input_from = c->input.size - rest.size;
    if (event == SMTP_REPLY_MORE)
        return false;
    if (c->state == SMTP_CLIENT_STATE_QUIT) { /* whatever it is */
        end_quit(c);
        return true;
    }
    if (event == SMTP_REPLY_WRONG) {
        smtp_client_end_protocol(c, stage_now(c), smtp_reply_reader_fault(&c->reader));
        return true;
    }
    c->wait_from_us = c->now_us;
    note_reply(c, &reply);
    if (c->expected == 0) {
        reply_unasked(c, &reply);
        return true;
    }
    c->expected--;
    if (c->state < SMTP_CLIENT_STATE_READY)
        smtp_client_open_reply(c, &reply);
    else if (c->rset)
        reply_rset(c, &reply);
    else
        smtp_client_slot_reply(c, &reply, ret_output);
    return true;
}

/* ---- what goes out ---- */

static bool output_owed(struct smtp_client *c, struct smtp_client_output *ret_output)
{
    if (c->ready) {
        c->ready = false;
        ret_output->kind = SMTP_CLIENT_READY;
        return true;
    }
    if (c->failed) {
        c->failed = false;
        ret_output->kind = SMTP_CLIENT_FAILED;
        ret_output->failed = c->end;
        return true;
    }
    return c->slot_count > 0 && smtp_client_slot_tell(c, ret_output);
}

static bool output_send(struct smtp_client *c, struct smtp_client_output *ret_output)
{
    if (c->unsent.size == 0)
        return false;
    if (c->expected == 0)
        c->wait_from_us = c->now_us;
    ret_output->kind = SMTP_CLIENT_SEND;
    ret_output->bytes = buffer_slice(&c->unsent);
    c->on_wire += (uint32_t)c->unsent.size;
    assert(c->on_wire <= SMTP_CLIENT_UNSENT_MAX);
    c->expected += c->expected_unsent;
    c->expected_unsent = 0;
    c->sent_out = true;
    smtp_client_slots_handed_out(c);
    return true;
}

static void say(struct smtp_client *c)
{
    if (c->state != SMTP_CLIENT_STATE_READY)
        return;
    smtp_client_slots_say(c);
    if (c->quit && c->slot_count == 0 && !c->rset) {
        smtp_client_set_state(c, SMTP_CLIENT_STATE_QUIT);
        smtp_client_command(c, NULL, "QUIT");
    }
}

/* Nothing more can be read in this turn. */
static bool output_rest(struct smtp_client *c, struct smtp_client_output *ret_output)
{
    if (c->state != SMTP_CLIENT_STATE_ENDING) {
        say(c);
        if (c->state == SMTP_CLIENT_STATE_READY && smtp_client_slots_need_body(c, ret_output))
            return true;
    }
    if (output_send(c, ret_output))
        return true;
    if (c->start_tls) {
        c->start_tls = false;
        ret_output->kind = SMTP_CLIENT_START_TLS;
        return true;
    }
    if (c->state == SMTP_CLIENT_STATE_ENDING) {
        smtp_client_set_state(c, SMTP_CLIENT_STATE_CLOSED);
        ret_output->kind = SMTP_CLIENT_CLOSE;
        ret_output->close = (struct smtp_client_close){ .abort = c->abort, .reason = c->end };
        return true;
    }
    release(c);
    return false;
}

bool smtp_client_next(struct smtp_client *c, struct smtp_client_output *ret_output)
{
    struct smtp_client_output output = { .kind = SMTP_CLIENT_NOTHING };
    unsent_drop(c);
    while (output.kind == SMTP_CLIENT_NOTHING && !output_owed(c, &output)) { /* ends: each turn takes a reply */
        if (c->state >= SMTP_CLIENT_STATE_ENDING)
            break;
        if (read_reply(c, &output))
            continue;
        if (!smtp_client_ending(c))
            break;
        if (c->end.class != OUTCOME_OK)
            c->end.stage = stage_now(c); /* what was read last may have led to another one */
        ending_enter(c);
    }
    if (output.kind == SMTP_CLIENT_NOTHING &&
        (c->state == SMTP_CLIENT_STATE_CLOSED || !output_rest(c, &output))) {
        assert(smtp_client_closed(c) || smtp_client_deadline_us(c) != DEADLINE_NEVER);
        return false;
    }
    *ret_output = output;
    return true;
}

/* ---- time ---- */

static int64_t wait_us(const struct smtp_client *c)
{
    const struct smtp_client_options *o = &c->options;
    const struct smtp_client_slot *slot = smtp_client_slot(c);
    switch (c->state) {
    case SMTP_CLIENT_STATE_BANNER:
        return o->banner_timeout_us;
    case SMTP_CLIENT_STATE_QUIT:
        return o->command_timeout_us < QUIT_TIMEOUT_US ? o->command_timeout_us : QUIT_TIMEOUT_US;
    case SMTP_CLIENT_STATE_READY:
        break;
    default:
        return o->command_timeout_us;
    }
    if (slot == NULL)
        return c->rset ? o->command_timeout_us : o->idle_timeout_us;
    if (!slot->body && !slot->lone)
        return o->command_timeout_us;
    return smtp_client_slot_dotted(slot) ? o->dot_timeout_us : o->data_timeout_us;
}

int64_t smtp_client_deadline_us(const struct smtp_client *c)
{
    if (c->state == SMTP_CLIENT_STATE_CLOSED)
        return DEADLINE_NEVER;
    if (smtp_client_ending(c))
        return c->wait_from_us; /* its outputs were not drained: at once */
    return c->wait_from_us + wait_us(c);
}

/* ---- questions ---- */

bool smtp_client_accepts(const struct smtp_client *c)
{
    const struct smtp_client_slot *last = smtp_client_slot_last(c);
    if (c->state != SMTP_CLIENT_STATE_READY || smtp_client_ending(c) || c->quit || c->rset)
        return false;
    return last == NULL || (c->slot_count < SMTP_CLIENT_IN_FLIGHT_MAX && c->extensions.pipelining &&
                            smtp_client_slot_dotted(last));
}

bool smtp_client_idle(const struct smtp_client *c)
{
    return c->state == SMTP_CLIENT_STATE_READY && !smtp_client_ending(c) && c->slot_count == 0 && !c->rset && !c->quit;
}

bool smtp_client_closed(const struct smtp_client *c)
{
    return c->state == SMTP_CLIENT_STATE_CLOSED;
}

void smtp_client_facts(const struct smtp_client *c, struct smtp_client_facts *ret_facts)
{
    *ret_facts = (struct smtp_client_facts){
        .greeting_host = slice(c->host, c->host_size),
        .extensions = c->extensions,
        .tls = c->tls,
        .tls_verified = c->tls_verified,
        .authenticated = c->authenticated,
        .mechanism = c->mechanism,
        .transaction_count = c->transaction_count,
    };
}

void smtp_client_transcript(const struct smtp_client *c, uint64_t tag, struct buffer *out)
{
    buffer_add(out, buffer_slice(&c->opening));
    for (size_t i = 0; i < SMTP_CLIENT_IN_FLIGHT_MAX; i++) {
        if (tag != 0 && c->slots[i] != NULL && c->slots[i]->tag == tag)
            buffer_add(out, buffer_slice(&c->slots[i]->transcript));
    }
}
