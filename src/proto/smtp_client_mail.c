/* Transactions, RFC 5321 3.3: MAIL, RCPT..., DATA, body and dot, as two cursors over one list of steps (RFC 2920).
 *
 * What may be said before the answer to what was said before: with PIPELINING everything up to DATA, and the next
 * envelope behind the dot; without it nothing. DATA waits for all RCPTs where one refusal decides over the others (A20),
 * since a server that has said 354 can be left only by dropping the connection. Where DATA was on its way already when
 * nobody had been accepted, and is answered 354 all the same, a lone dot follows (RFC 2920 3.1).
 *
 * A recipient is told as soon as its fate is known: a refusal at its own reply, everything that concerns all of them by
 * `rest` once that is decided. */
#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/planted.h"
#include "proto/smtp_client_work.h"

enum {
    BODY_ASK_MIN = 16 << 10,       /* less room is not worth a question */
    BODY_TAIL_SIZE_MAX = 5,
    HELD_TEXTS_SIZE_MAX = 64 << 10,
    ORCPT_SENT_SIZE_MAX = 500,     /* RFC 3461 4.2 */
};

static uint32_t recipients(const struct smtp_client_slot *slot)
{
    return slot->transaction->recipient_count;
}

static uint32_t step_data(const struct smtp_client_slot *slot)
{
    return recipients(slot) + 1;
}

enum stage smtp_client_slot_stage(const struct smtp_client_slot *slot)
{
    if (slot->answered == 0)
        return STAGE_MAIL;
    if (slot->dot_out)
        return STAGE_DOT;
    return slot->answered < step_data(slot) ? STAGE_RCPT : STAGE_DATA;
}

/* ---- memory ---- */

static struct smtp_client_slot *slot_new(void)
{
    struct smtp_client_slot *slot = mem_alloc(sizeof *slot);
    buffer_init(&slot->said, OUTCOME_TEXT_SIZE_MAX + SMTP_CLIENT_COMMAND_SIZE_MAX);
    buffer_init(&slot->transcript, SMTP_CLIENT_TRANSCRIPT_MAX);
    buffer_init(&slot->held_texts, HELD_TEXTS_SIZE_MAX);
    return slot;
}

static void slot_free(struct smtp_client_slot *slot)
{
    if (slot == NULL)
        return;
    buffer_done(&slot->said);
    buffer_done(&slot->transcript);
    buffer_done(&slot->held_texts);
    mem_free(slot->fates);
    mem_free(slot->held);
    mem_free(slot);
}

void smtp_client_slots_free(struct smtp_client *c)
{
    for (size_t i = 0; i < SMTP_CLIENT_IN_FLIGHT_MAX; i++) {
        slot_free(c->slots[i]);
        c->slots[i] = NULL;
    }
    c->slot_count = 0;
}

static size_t slot_memory(const struct smtp_client_slot *slot)
{
    return sizeof *slot + slot->said.capacity + slot->transcript.capacity + slot->held_texts.capacity +
           slot->fates_capacity * sizeof *slot->fates + slot->held_capacity * sizeof *slot->held;
}

/* Whoever wants a transcript has asked for it by now: RESULT and END were output in this turn. */
void smtp_client_slots_release(struct smtp_client *c, size_t room)
{
    assert(c->slot_count == 0);
    for (size_t i = 0; i < SMTP_CLIENT_IN_FLIGHT_MAX; i++) {
        if (c->slots[i] != NULL && (i > 0 || slot_memory(c->slots[i]) > room)) {
            slot_free(c->slots[i]);
            c->slots[i] = NULL;
        }
    }
    c->slot_first = 0;
}

/* The same memory, everything else anew. */
static void slot_reset(struct smtp_client_slot *slot, const struct smtp_client_transaction *t)
{
    struct smtp_client_slot old = *slot;
    uint32_t count = t->recipient_count;
    *slot = (struct smtp_client_slot){
        .transaction = t,
        .tag = t->tag,
        .said = old.said,
        .transcript = old.transcript,
        .held_texts = old.held_texts,
        .fates = old.fates,
        .fates_capacity = old.fates_capacity,
        .held = old.held,
        .held_capacity = old.held_capacity,
    };
    buffer_clear(&slot->said);
    buffer_clear(&slot->transcript);
    buffer_clear(&slot->held_texts);
    if (slot->fates_capacity < count) {
        slot->fates = mem_realloc(slot->fates, count, sizeof *slot->fates);
        slot->fates_capacity = count;
    }
    memset(slot->fates, SMTP_CLIENT_FATE_OPEN, count);
    if (t->abort_on_rcpt_5xx && slot->held_capacity < count) {
        slot->held = mem_realloc(slot->held, count, sizeof *slot->held);
        slot->held_capacity = count;
    }
    body_writer_init(&slot->writer);
}

/* ---- what is decided ---- */

static void decide(struct smtp_client_slot *slot, struct outcome rest)
{
    assert(!slot->decided);
    if (rest.text.data != slot->said.data) {
        buffer_clear(&slot->said);
        buffer_add(&slot->said, rest.text);
        rest.text = buffer_slice(&slot->said);
    }
    slot->rest = rest;
    slot->decided = true;
    slot->tell_from = 0;
}

static void decide_here(struct smtp_client *c, struct smtp_client_slot *slot, enum outcome_cause cause,
                        struct enhanced_code enhanced)
{
    struct outcome o = smtp_client_outcome(c, OUTCOME_PERM, STAGE_MAIL, cause);
    if (enhanced.class != 0)
        o.enhanced = enhanced;
    decide(slot, o);
}

/* What the server does not offer, or says that it will not take, is not sent (A42, A43, RFC 8689). An estimate of the
 * size may be too high, so what is refused for it is surely too large: else the server may judge what arrives. */
static void judge(struct smtp_client *c, struct smtp_client_slot *slot)
{
    const struct smtp_client_transaction *t = slot->transaction;
    const struct smtp_extensions *e = &c->extensions;
    uint64_t size = t->body_size_exact ? t->body_size : t->body_size_least;
    if (t->requiretls && !(c->tls && e->requiretls))
        decide_here(c, slot, OUTCOME_CAUSE_TLS_NOT_OFFERED, (struct enhanced_code){ 5, 7, 30 });
    else if (t->smtputf8 && !e->smtputf8)
        decide_here(c, slot, OUTCOME_CAUSE_SMTPUTF8, (struct enhanced_code){ 0 });
    else if (e->size_max > 0 && size > e->size_max)
        decide_here(c, slot, OUTCOME_CAUSE_SIZE, (struct enhanced_code){ 0 });
}

void smtp_client_slot_begin(struct smtp_client *c, const struct smtp_client_transaction *t)
{
    assert(t->tag != 0 && t->recipient_count > 0 && t->recipient_count <= SMTP_CLIENT_RECIPIENTS_MAX);
    assert(!t->body_8bit || c->extensions.eightbitmime);
    size_t place = (c->slot_first + c->slot_count) % SMTP_CLIENT_IN_FLIGHT_MAX;
    if (c->slots[place] == NULL)
        c->slots[place] = slot_new();
    slot_reset(c->slots[place], t);
    if (c->slot_count++ == 0)
        c->wait_from_us = c->now_us;
    judge(c, c->slots[place]);
}

/* ---- saying ---- */

/* Paths and names were parsed by our own parsers; what would end a line in one is a mistake of ours (S12). */
static void add_word(struct smtp_client *c, struct slice word)
{
    for (size_t i = 0; i < word.size; i++)
        assert((unsigned char)word.data[i] >= ' ' && word.data[i] != 0x7f);
    buffer_add(&c->unsent, word);
}

static void say_mail(struct smtp_client *c, const struct smtp_client_transaction *t)
{
    const struct smtp_extensions *e = &c->extensions;
    struct buffer *b = &c->unsent;
    buffer_add_text(b, "MAIL FROM:<");
    add_word(c, t->sender);
    buffer_add_char(b, '>');
    if (e->size && t->body_size > 0 && (e->size_max == 0 || t->body_size <= e->size_max)) {
        buffer_add_text(b, " SIZE=");
        buffer_add_number(b, t->body_size);
    }
    if (t->body_8bit)
        buffer_add_text(b, " BODY=8BITMIME");
    if (t->smtputf8)
        buffer_add_text(b, " SMTPUTF8");
    if (t->requiretls)
        buffer_add_text(b, " REQUIRETLS");
    if (e->dsn && t->ret != SMTP_RET_NONE)
        buffer_add_text(b, t->ret == SMTP_RET_FULL ? " RET=FULL" : " RET=HDRS");
    if (e->dsn && t->envid.size > 0) {
        buffer_add_text(b, " ENVID=");
        xtext_encode(t->envid, b);
    }
}

/* RFC 6533 3: with SMTPUTF8 as it is, else "\x{HEX}". */
static void add_orcpt_utf8(struct buffer *b, struct slice text, bool raw)
{
    while (text.size > 0) {
        uint32_t code;
        size_t size = utf8_next(text, &code);
        bool plain = size > 0 && code > ' ' && code < 0x7f && code != '+' && code != '=' && code != '\\';
        if (size == 0) /* it was parsed as UTF-8, so a disk is damaged: its octets go nowhere */
            buffer_add_char(b, '?');
        else if (plain || (raw && code >= 0x80))
            buffer_add(b, slice_part(text, 0, size));
        else
            buffer_add_format(b, "\\x{%02X}", (unsigned)code);
        text = slice_after(text, size > 0 ? size : 1);
    }
}

/* One that would be too long is left out; the recipient is the same without it. */
static void say_orcpt(struct smtp_client *c, struct slice orcpt, bool smtputf8)
{
    struct buffer *b = &c->unsent;
    size_t from = b->size;
    struct slice address = orcpt, type = slice_split(&address, ';');
    buffer_add_text(b, " ORCPT=");
    size_t value_from = b->size;
    add_word(c, type);
    buffer_add_char(b, ';');
    if (slice_equal_nocase(type, SLICE("utf-8")))
        add_orcpt_utf8(b, address, smtputf8);
    else
        xtext_encode(address, b);
    if (b->size - value_from > ORCPT_SENT_SIZE_MAX)
        b->size = from;
}

static void say_notify(struct buffer *b, uint8_t notify)
{
    static const struct {
        enum smtp_notify bit;
        const char *word;
    } words[] = {
        { SMTP_NOTIFY_NEVER, "NEVER" },
        { SMTP_NOTIFY_SUCCESS, "SUCCESS" },
        { SMTP_NOTIFY_FAILURE, "FAILURE" },
        { SMTP_NOTIFY_DELAY, "DELAY" },
    };
    const char *separator = " NOTIFY=";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (notify & words[i].bit) {
            buffer_add_text(b, separator);
            buffer_add_text(b, words[i].word);
            separator = ",";
        }
    }
}

static void say_rcpt(struct smtp_client *c, const struct smtp_client_transaction *t, uint32_t recipient)
{
    const struct smtp_client_recipient *r = &t->recipients[recipient];
    buffer_add_text(&c->unsent, "RCPT TO:<");
    add_word(c, r->address);
    buffer_add_char(&c->unsent, '>');
    if (!c->extensions.dsn)
        return;
    say_notify(&c->unsent, r->notify);
    if (r->orcpt.size > 0)
        say_orcpt(c, r->orcpt, t->smtputf8);
}

/* Whether the slot's next step may be said now. */
static bool may_say(const struct smtp_client *c, const struct smtp_client_slot *slot)
{
    uint32_t data = step_data(slot);
    if (slot->decided || slot->refused || slot->sent > data)
        return false;
    if (!c->extensions.pipelining && slot->sent > slot->answered)
        return false;
    if (slot->sent == data && slot->answered < data && slot->transaction->abort_on_rcpt_5xx)
        return false;
    return smtp_client_room(c) > 0;
}

static void slot_say(struct smtp_client *c, struct smtp_client_slot *slot)
{
    while (may_say(c, slot)) {
        size_t from = c->unsent.size;
        if (slot->sent == 0)
            say_mail(c, slot->transaction);
        else if (slot->sent < step_data(slot))
            say_rcpt(c, slot->transaction, slot->sent - 1);
        else {
            assert(slot->answered < slot->sent || slot->accepted > 0); /* else all were told, and it is over */
            buffer_add_text(&c->unsent, "DATA");
        }
        smtp_client_command_end(c, &slot->transcript, from, NULL);
        slot->sent++;
    }
}

void smtp_client_slots_say(struct smtp_client *c)
{
    for (size_t i = 0; i < c->slot_count; i++)
        slot_say(c, c->slots[(c->slot_first + i) % SMTP_CLIENT_IN_FLIGHT_MAX]);
}

/* ---- the body ---- */

/* Our own body cannot be sent: dropped, never finished. */
static void body_broken(struct smtp_client *c, const char *text)
{
    struct outcome why = smtp_client_outcome(c, OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_LOCAL);
    why.text = slice_of(text);
    c->abort = true;
    smtp_client_end_after_input(c, why);
}

static void body_finish(struct smtp_client *c, struct smtp_client_slot *slot)
{
    size_t size;
    char *out = buffer_reserve(&c->unsent, BODY_TAIL_SIZE_MAX);
    assert(out != NULL);
    if (body_writer_finish(&slot->writer, out, BODY_TAIL_SIZE_MAX, &size) != BODY_END) {
        body_broken(c, "the body ends in the middle of a line end");
        return;
    }
    c->unsent.size += size;
    c->expected_unsent++;
    slot->sent++;
    char space[48];
    struct buffer text = { .data = space, .capacity = sizeof space, .size_max = sizeof space };
    buffer_add_char(&text, '[');
    buffer_add_number(&text, slot->writer.offset);
    buffer_add_text(&text, " octets]");
    smtp_client_note(c, &slot->transcript, "C: ", buffer_slice(&text));
    smtp_client_note(c, &slot->transcript, "C: ", SLICE("."));
}

static uint64_t body_left(const struct smtp_client_slot *slot)
{
    const struct smtp_client_transaction *t = slot->transaction;
    return t->body_size_exact ? t->body_size - slot->writer.offset : SMTP_CLIENT_BODY_PIECE_MAX;
}

bool smtp_client_slots_need_body(struct smtp_client *c, struct smtp_client_output *ret_output)
{
    struct smtp_client_slot *slot = smtp_client_slot(c);
    if (slot == NULL || !slot->body || slot->asked || smtp_client_slot_dotted(slot) || smtp_client_ending(c))
        return false;
    uint64_t size = body_left(slot);
    if (size > SMTP_CLIENT_BODY_PIECE_MAX)
        size = SMTP_CLIENT_BODY_PIECE_MAX;
    size_t room = smtp_client_room(c) / 4 * 3; /* three octets become four at most: a line that is a dot */
    if (room < size && room < BODY_ASK_MIN)
        return false;
    slot->asked = true;
    slot->asked_size = (uint32_t)(room < size ? room : size);
    ret_output->kind = SMTP_CLIENT_NEED_BODY;
    ret_output->need_body = (struct smtp_client_need_body){
        .tag = slot->tag, .offset = slot->writer.offset, .size = slot->asked_size,
    };
    return true;
}

void smtp_client_slot_body(struct smtp_client *c, const struct smtp_client_body *body)
{
    enum { CARRY_SIZE = 4 }; /* a CR held back, a dot stuffed at the front */
    struct smtp_client_slot *slot = smtp_client_slot(c);
    struct slice rest = body->bytes;
    size_t size = 0, room = rest.size + rest.size / 3 + CARRY_SIZE;
    if (smtp_client_ending(c))
        return;
    assert(slot != NULL && slot->asked && rest.size <= slot->asked_size);
    assert(rest.size > 0 || (body->last && !slot->transaction->body_size_exact));
    slot->asked = false;
    c->wait_from_us = c->now_us;
    char *out = buffer_reserve(&c->unsent, room);
    assert(out != NULL);
    enum body_event event = body_writer_next(&slot->writer, &rest, out, room, &size);
    assert(event != BODY_RUN);
    c->unsent.size += size;
    if (event == BODY_WRONG)
        body_broken(c, "the body is not canonical");
    else if (slot->transaction->body_size_exact ? body_left(slot) == 0 : body->last)
        body_finish(c, slot);
}

/* ---- replies ---- */

/* A22. 552 once meant that there are too many (RFC 821); its enhanced code may say that it means something else. */
static bool means_too_many(const struct smtp_reply *reply)
{
    const struct enhanced_code *e = &reply->enhanced;
    return reply->code == 452 || (reply->code == 552 && (e->class == 0 || e->subject == 0 || e->subject == 5));
}

/* "530 Must issue a STARTTLS command first": about the session, not about the letter (semantics 2). */
static bool wants_starttls(const struct smtp_client *c, const struct smtp_reply *reply)
{
    struct slice text = reply->text;
    if (reply->code != 530 || c->tls)
        return false;
    for (; text.size > 0; text = slice_after(text, 1)) {
        if (slice_starts_with_nocase(text, SLICE("STARTTLS")))
            return true;
    }
    return false;
}

static void result(const struct smtp_client_slot *slot, uint32_t recipient, const struct outcome *outcome,
                   bool too_many, struct smtp_client_output *ret_output)
{
    ret_output->kind = SMTP_CLIENT_RESULT;
    ret_output->result = (struct smtp_client_result){
        .tag = slot->tag, .recipient = recipient, .outcome = *outcome, .too_many = too_many,
    };
}

static void reply_mail(struct smtp_client *c, struct smtp_client_slot *slot, const struct smtp_reply *reply)
{
    slot->replied = true;
    if (reply->code >= 400)
        decide(slot, smtp_client_outcome_of(c, STAGE_MAIL, reply));
    else
        slot->mail_accepted = true;
}

/* A20: what all others will be told, with the refused one's name. */
static void rcpt_abort(struct smtp_client *c, struct smtp_client_slot *slot, uint32_t recipient,
                       const struct outcome *outcome)
{
    char enhanced[16];
    enhanced_code_format(outcome->enhanced, enhanced);
    buffer_clear(&slot->said);
    buffer_add(&slot->said, slot->transaction->recipients[recipient].address);
    buffer_add_format(&slot->said, ": %u %s ", outcome->code, enhanced);
    buffer_add(&slot->said, outcome->text);
    if (slot->said.size > OUTCOME_TEXT_SIZE_MAX) { /* cut at the front of a character */
        slot->said.size = OUTCOME_TEXT_SIZE_MAX;
        while (slot->said.size > 0 && (slot->said.data[slot->said.size] & 0xc0) == 0x80)
            slot->said.size--;
    }
    slot->rest = smtp_client_outcome(c, OUTCOME_PERM, STAGE_RCPT, OUTCOME_CAUSE_SIBLING);
    slot->rest.text = buffer_slice(&slot->said);
    slot->refused = true;
}

static void rcpt_hold(struct smtp_client_slot *slot, uint32_t recipient, const struct outcome *outcome, bool too_many)
{
    struct smtp_client_held *held = &slot->held[recipient];
    size_t from = slot->held_texts.size;
    buffer_add(&slot->held_texts, outcome->text); /* all of it or, when there are very many, nothing */
    *held = (struct smtp_client_held){
        .code = outcome->code,
        .enhanced = outcome->enhanced,
        .too_many = too_many,
        .text_from = (uint32_t)from,
        .text_size = (uint16_t)(slot->held_texts.size - from),
    };
    slot->fates[recipient] = SMTP_CLIENT_FATE_HELD;
}

static bool reply_rcpt(struct smtp_client *c, struct smtp_client_slot *slot, const struct smtp_reply *reply,
                       struct smtp_client_output *ret_output)
{
    uint32_t recipient = slot->answered - 2; /* MAIL's answer and this one are counted */
    bool abort = slot->transaction->abort_on_rcpt_5xx;
    if (slot->decided)
        return false; /* MAIL was refused */
    if (reply->code < 400) {
        slot->fates[recipient] = SMTP_CLIENT_FATE_ACCEPTED;
        slot->accepted++;
        return false;
    }
    struct outcome o = smtp_client_outcome_of(c, STAGE_RCPT, reply);
    bool too_many = slot->accepted > 0 && means_too_many(reply);
    if (abort && (o.class == OUTCOME_TEMP || too_many)) {
        rcpt_hold(slot, recipient, &o, too_many);
        return false;
    }
    if (abort && !slot->refused)
        rcpt_abort(c, slot, recipient, &o);
    slot->fates[recipient] = SMTP_CLIENT_FATE_TOLD;
    slot->told++;
    result(slot, recipient, &o, too_many, ret_output);
    return true;
}

static void reply_data(struct smtp_client *c, struct smtp_client_slot *slot, const struct smtp_reply *reply)
{
    bool wanted = slot->accepted > 0 && !slot->decided;
    if (reply->code >= 400) {
        if (wanted)
            decide(slot, smtp_client_outcome_of(c, STAGE_DATA, reply));
    } else if (wanted) {
        slot->body = true;
        if (slot->transaction->body_size_exact && slot->transaction->body_size == 0)
            body_finish(c, slot);
    } else {
        slot->lone = true;
        slot->sent++;
        smtp_client_command(c, &slot->transcript, ".");
    }
}

/* 2xx, and 3xx for DATA, are the answers that let it go on; the other of both has no meaning here. */
static bool answer_fits(const struct smtp_client_slot *slot, uint16_t code)
{
    bool data = slot->answered == step_data(slot) + 1;
    return code >= 400 || (code >= 300) == data;
}

/* After every answer: is anything known of those that wait for others? */
static void settle(struct smtp_client_slot *slot)
{
    if (slot->decided)
        return;
    if (slot->refused && slot->answered == slot->sent)
        decide(slot, slot->rest);
    else if (!slot->refused && !slot->tell_held && slot->answered >= step_data(slot)) {
        slot->tell_held = true;
        slot->tell_from = 0;
    }
}

/* The server closes (421), or wants another session: it speaks of all that is not decided. */
static void reply_final(struct smtp_client *c, struct smtp_client_slot *slot, struct outcome why, bool polite)
{
    if (!slot->decided && !slot->refused)
        decide(slot, why);
    smtp_client_end_now(c, why, polite);
}

bool smtp_client_slot_reply(struct smtp_client *c, const struct smtp_reply *reply,
                            struct smtp_client_output *ret_output)
{
    struct smtp_client_slot *slot = smtp_client_slot(c);
    assert(slot != NULL && slot->answered < slot->sent);
    enum stage stage = smtp_client_slot_stage(slot);
    uint32_t step = slot->answered++;
    if (reply->code == 421 || wants_starttls(c, reply)) {
        slot->tell_held = true;
        slot->replied = slot->replied || reply->code != 421;
        reply_final(c, slot, smtp_client_outcome_of(c, reply->code == 421 ? stage : STAGE_TLS, reply),
                    reply->code != 421);
        return false;
    }
    if (!answer_fits(slot, reply->code)) {
        slot->answered--;
        smtp_client_end_protocol(c, stage, "an answer that the command does not have");
        return false;
    }
    bool told = false;
    if (step == 0)
        reply_mail(c, slot, reply);
    else if (step < step_data(slot))
        told = reply_rcpt(c, slot, reply, ret_output);
    else if (step == step_data(slot))
        reply_data(c, slot, reply);
    else if (!slot->lone)
        decide(slot, smtp_client_outcome_of(c, STAGE_DOT, reply));
    settle(slot);
    return told;
}

void smtp_client_slot_interrupted(struct smtp_client *c, const struct smtp_reply *reply)
{
    reply_final(c, smtp_client_slot(c), smtp_client_outcome_of(c, STAGE_DATA, reply), false);
}

/* ---- what is owed ---- */

static struct outcome outcome_held(const struct smtp_client *c, const struct smtp_client_slot *slot, uint32_t recipient)
{
    const struct smtp_client_held *held = &slot->held[recipient];
    struct outcome o = smtp_client_outcome(c, outcome_class_of_code(held->code), STAGE_RCPT, OUTCOME_CAUSE_REPLY);
    o.code = held->code;
    o.enhanced = held->enhanced;
    o.text = slice_part(buffer_slice(&slot->held_texts), held->text_from, held->text_size);
    return o;
}

/* The transaction is over. A server that still has its envelope is told to forget it. */
static void slot_end(struct smtp_client *c, struct smtp_client_slot *slot, struct smtp_client_output *ret_output)
{
    bool ending = smtp_client_ending(c);
    bool open = slot->mail_accepted && !slot->dot_out && !slot->lone;
    ret_output->kind = SMTP_CLIENT_END;
    ret_output->end = (struct smtp_client_end){ .tag = slot->tag, .dot_sent = slot->dot_out, .replied = slot->replied };
    slot->transaction = NULL;
    c->slot_first = (uint8_t)((c->slot_first + 1) % SMTP_CLIENT_IN_FLIGHT_MAX);
    c->slot_count--;
    if (ending)
        return;
    c->transaction_count++;
    c->wait_from_us = c->now_us;
    if (open && !c->quit) {
        assert(c->slot_count == 0);
        smtp_client_command(c, NULL, "RSET");
        c->rset = true;
    }
}

bool smtp_client_slot_tell(struct smtp_client *c, struct smtp_client_output *ret_output)
{
    struct smtp_client_slot *slot = smtp_client_slot(c);
    uint32_t count = recipients(slot);
    bool tells = slot->decided || slot->tell_held;
    for (uint32_t i = slot->tell_from; tells && i < count; i++) {
        bool held = slot->fates[i] == SMTP_CLIENT_FATE_HELD && slot->tell_held;
        slot->tell_from = i + 1;
        if (slot->fates[i] == SMTP_CLIENT_FATE_TOLD || !(held || slot->decided))
            continue;
        struct outcome o = held ? outcome_held(c, slot, i) : slot->rest;
        slot->fates[i] = SMTP_CLIENT_FATE_TOLD;
        slot->told++;
        result(slot, i, &o, held && slot->held[i].too_many, ret_output);
        return true;
    }
    if (slot->told < count || (slot->answered < slot->sent && c->state < SMTP_CLIENT_STATE_ENDING))
        return false;
    slot_end(c, slot, ret_output);
    return true;
}

void smtp_client_slots_lose(struct smtp_client *c)
{
    for (size_t i = 0; i < c->slot_count; i++) {
        struct smtp_client_slot *slot = c->slots[(c->slot_first + i) % SMTP_CLIENT_IN_FLIGHT_MAX];
        struct outcome rest = c->end;
        if (slot->decided)
            continue;
        slot->tell_held = !slot->refused;
        if (slot->refused) {
            rest = slot->rest;
        } else if (rest.stage != STAGE_TLS) { /* "STARTTLS first" is of the session */
            rest.stage = smtp_client_slot_stage(slot);
            rest.in_doubt = slot->dot_out && !planted(PLANTED_DOUBT); /* an answer to it would have decided */
        }
        assert(rest.class != OUTCOME_OK); /* QUIT is said when nothing is in flight */
        slot->asked = false;
        decide(slot, rest);
    }
}

void smtp_client_slots_handed_out(struct smtp_client *c)
{
    for (size_t i = 0; i < c->slot_count; i++) {
        struct smtp_client_slot *slot = c->slots[(c->slot_first + i) % SMTP_CLIENT_IN_FLIGHT_MAX];
        if (slot->body && smtp_client_slot_dotted(slot))
            slot->dot_out = true;
    }
}
