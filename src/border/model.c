#include "border/model.h"

#include <assert.h>

/* Base 32 without the letters that are mistaken for digits or for each other (i, l, o, u). */
static const char id_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

enum { ID_DIGITS = 13 };

void id_format(uint64_t id, char text[static 16])
{
    for (int i = ID_DIGITS - 1; i >= 0; i--) {
        text[i] = id_digits[id & 31];
        id >>= 5;
    }
    text[ID_DIGITS] = '\0';
}

bool id_parse(struct slice text, uint64_t *ret_id)
{
    if (text.size != ID_DIGITS)
        return false;
    uint64_t id = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        const char *digit = memchr(id_digits, c, 32);
        if (!digit || id >> 59)
            return false;
        id = id << 5 | (uint64_t)(digit - id_digits);
    }
    if (id == 0 || id > INT64_MAX)
        return false;
    *ret_id = id;
    return true;
}

/* ---- the envelope's bytes ----
 *
 * Integers are little-endian, texts are counted (u32 length). Version 1:
 *
 *   u8 version
 *   u64 id, u64 received_us, u64 cause_id, u64 first_attempt_us, u64 body_size
 *   u8 protocol, u8 ret, u8 body, u8 queue, u8 priority, u8 crashes, u16 hops, u16 attempts, u32 flags
 *   texts: peer, helo, account, sender, envid
 *   u32 recipient_count, then of each recipient:
 *     u8 notify, u8 state, u8 flags, u16 attempts, u16 rule, u64 due_us, texts: address, orcpt
 *     with RECIPIENT_FLAG_LAST: u8 class, u8 stage, u8 cause, u8 flags, u16 code, u8 class, u16 subject, u16 detail,
 *     u64 at_us, texts: text, host, address
 *
 * Nothing may follow. A flag that this version does not know makes the record one of a newer format: a flag changes what
 * a message may have done to it (REQUIRETLS), so it is never passed over. */

enum envelope_flag {
    ENVELOPE_FLAG_FROM_NETWORK = 1 << 0,
    ENVELOPE_FLAG_SMTPUTF8 = 1 << 1,
    ENVELOPE_FLAG_HEADER_8BIT = 1 << 2,
    ENVELOPE_FLAG_BODY_8BIT = 1 << 3,
    ENVELOPE_FLAG_LONG_LINES = 1 << 4,
    ENVELOPE_FLAG_REQUIRETLS = 1 << 5,
    ENVELOPE_FLAG_HOLD = 1 << 6,
    ENVELOPE_FLAG_DELAY_NOTICE_SENT = 1 << 7,
    ENVELOPE_FLAG_NOTICE = 1 << 8,
    ENVELOPE_FLAGS_KNOWN = (1 << 9) - 1,
};

enum recipient_flag {
    RECIPIENT_FLAG_LOCAL = 1 << 0,
    RECIPIENT_FLAG_LAST = 1 << 1,
    RECIPIENT_FLAGS_KNOWN = (1 << 2) - 1,
};

enum outcome_flag {
    OUTCOME_FLAG_IN_DOUBT = 1 << 0,
    OUTCOME_FLAG_TLS = 1 << 1,
    OUTCOME_FLAGS_KNOWN = (1 << 2) - 1,
};

enum {
    NOTIFY_FLAGS_KNOWN = NOTIFY_NEVER | NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY,
    RECIPIENT_ENCODED_SIZE_MIN = 3 + 4 + 8 + 8, /* with empty texts and no outcome */
};

static uint32_t envelope_flags(const struct envelope *e)
{
    return (e->from_network ? ENVELOPE_FLAG_FROM_NETWORK : 0u) | (e->smtputf8 ? ENVELOPE_FLAG_SMTPUTF8 : 0u) |
           (e->header_8bit ? ENVELOPE_FLAG_HEADER_8BIT : 0u) | (e->body_8bit ? ENVELOPE_FLAG_BODY_8BIT : 0u) |
           (e->long_lines ? ENVELOPE_FLAG_LONG_LINES : 0u) | (e->requiretls ? ENVELOPE_FLAG_REQUIRETLS : 0u) |
           (e->hold ? ENVELOPE_FLAG_HOLD : 0u) |
           (e->delay_notice_sent ? ENVELOPE_FLAG_DELAY_NOTICE_SENT : 0u) | (e->notice ? ENVELOPE_FLAG_NOTICE : 0u);
}

static bool outcome_is_blank(const struct outcome *o)
{
    return o->class == OUTCOME_NONE && o->stage == STAGE_NONE && o->cause == OUTCOME_CAUSE_NONE && o->code == 0 &&
           o->enhanced.class == 0 && !o->in_doubt && !o->tls && o->text.size == 0 && o->host.size == 0 &&
           o->address.size == 0 && o->at_us == 0;
}

static void outcome_encode(const struct outcome *o, struct buffer *out)
{
    buffer_add_u8(out, (uint8_t)o->class);
    buffer_add_u8(out, (uint8_t)o->stage);
    buffer_add_u8(out, (uint8_t)o->cause);
    buffer_add_u8(out, (uint8_t)((o->in_doubt ? OUTCOME_FLAG_IN_DOUBT : 0) | (o->tls ? OUTCOME_FLAG_TLS : 0)));
    buffer_add_u16(out, o->code);
    buffer_add_u8(out, o->enhanced.class);
    buffer_add_u16(out, o->enhanced.subject);
    buffer_add_u16(out, o->enhanced.detail);
    buffer_add_u64(out, (uint64_t)o->at_us);
    buffer_add_counted(out, slice_part(o->text, 0, OUTCOME_TEXT_SIZE_MAX));
    buffer_add_counted(out, slice_part(o->host, 0, OUTCOME_HOST_SIZE_MAX));
    buffer_add_counted(out, o->address);
}

static void recipient_encode(const struct recipient *r, struct buffer *out)
{
    assert(r->address.size <= ENVELOPE_ADDRESS_SIZE_MAX);
    bool last = !outcome_is_blank(&r->last);
    buffer_add_u8(out, r->notify);
    buffer_add_u8(out, (uint8_t)r->state);
    buffer_add_u8(out, (uint8_t)((r->local ? RECIPIENT_FLAG_LOCAL : 0) | (last ? RECIPIENT_FLAG_LAST : 0)));
    buffer_add_u16(out, r->attempts);
    buffer_add_u16(out, r->rule);
    buffer_add_u64(out, (uint64_t)r->due_us);
    buffer_add_counted(out, r->address);
    buffer_add_counted(out, r->orcpt);
    if (last)
        outcome_encode(&r->last, out);
}

void envelope_encode(const struct envelope *e, struct buffer *out)
{
    assert(e->recipient_count <= ENVELOPE_RECIPIENTS_MAX);
    buffer_add_u8(out, ENVELOPE_VERSION);
    buffer_add_u64(out, e->id);
    buffer_add_u64(out, (uint64_t)e->received_us);
    buffer_add_u64(out, e->cause_id);
    buffer_add_u64(out, (uint64_t)e->first_attempt_us);
    buffer_add_u64(out, e->body_size);
    buffer_add_u8(out, (uint8_t)e->protocol);
    buffer_add_u8(out, (uint8_t)e->ret);
    buffer_add_u8(out, (uint8_t)e->body);
    buffer_add_u8(out, (uint8_t)e->queue);
    buffer_add_u8(out, e->priority);
    buffer_add_u8(out, e->crashes);
    buffer_add_u16(out, e->hops);
    buffer_add_u16(out, e->attempts);
    buffer_add_u32(out, envelope_flags(e));
    buffer_add_counted(out, e->peer);
    buffer_add_counted(out, e->helo);
    buffer_add_counted(out, e->account);
    buffer_add_counted(out, e->sender);
    buffer_add_counted(out, e->envid);
    buffer_add_u32(out, e->recipient_count);
    for (uint32_t i = 0; i < e->recipient_count; i++)
        recipient_encode(&e->recipients[i], out);
}

/* Decoding: `bad` gathers what is out of range, the cursor what is too short; both are looked at once, at the end. */
struct decoder {
    struct cursor in;
    bool bad;
    bool newer;
};

static unsigned decode_enum(struct decoder *d, unsigned count)
{
    unsigned value = cursor_u8(&d->in);
    if (value < count)
        return value;
    d->bad = true;
    return 0;
}

static struct slice decode_text(struct decoder *d, size_t size_max)
{
    struct slice text = cursor_counted(&d->in);
    d->bad |= text.size > size_max;
    return text;
}

static void decode_outcome(struct decoder *d, struct outcome *o)
{
    o->class = decode_enum(d, OUTCOME_PERM + 1);
    o->stage = decode_enum(d, STAGE_POP + 1);
    o->cause = decode_enum(d, OUTCOME_CAUSE_COUNT);
    unsigned flags = cursor_u8(&d->in);
    d->newer |= (flags & ~(unsigned)OUTCOME_FLAGS_KNOWN) != 0;
    o->in_doubt = flags & OUTCOME_FLAG_IN_DOUBT;
    o->tls = flags & OUTCOME_FLAG_TLS;
    o->code = cursor_u16(&d->in);
    o->enhanced.class = cursor_u8(&d->in);
    o->enhanced.subject = cursor_u16(&d->in);
    o->enhanced.detail = cursor_u16(&d->in);
    o->at_us = (int64_t)cursor_u64(&d->in);
    o->text = decode_text(d, OUTCOME_TEXT_SIZE_MAX);
    o->host = decode_text(d, OUTCOME_HOST_SIZE_MAX);
    o->address = decode_text(d, OUTCOME_HOST_SIZE_MAX);
}

static void decode_recipient(struct decoder *d, struct recipient *r)
{
    r->notify = cursor_u8(&d->in);
    d->newer |= (r->notify & ~(unsigned)NOTIFY_FLAGS_KNOWN) != 0;
    r->state = decode_enum(d, RECIPIENT_STATE_COUNT);
    unsigned flags = cursor_u8(&d->in);
    d->newer |= (flags & ~(unsigned)RECIPIENT_FLAGS_KNOWN) != 0;
    r->local = flags & RECIPIENT_FLAG_LOCAL;
    r->attempts = cursor_u16(&d->in);
    r->rule = cursor_u16(&d->in);
    r->due_us = (int64_t)cursor_u64(&d->in);
    r->address = decode_text(d, ENVELOPE_ADDRESS_SIZE_MAX);
    r->orcpt = decode_text(d, ENVELOPE_SIZE_MAX);
    if (flags & RECIPIENT_FLAG_LAST)
        decode_outcome(d, &r->last);
}

static void decode_flags(struct decoder *d, struct envelope *e)
{
    uint32_t flags = cursor_u32(&d->in);
    d->newer |= (flags & ~(uint32_t)ENVELOPE_FLAGS_KNOWN) != 0;
    e->from_network = flags & ENVELOPE_FLAG_FROM_NETWORK;
    e->smtputf8 = flags & ENVELOPE_FLAG_SMTPUTF8;
    e->header_8bit = flags & ENVELOPE_FLAG_HEADER_8BIT;
    e->body_8bit = flags & ENVELOPE_FLAG_BODY_8BIT;
    e->long_lines = flags & ENVELOPE_FLAG_LONG_LINES;
    e->requiretls = flags & ENVELOPE_FLAG_REQUIRETLS;
    e->hold = flags & ENVELOPE_FLAG_HOLD;
    e->delay_notice_sent = flags & ENVELOPE_FLAG_DELAY_NOTICE_SENT;
    e->notice = flags & ENVELOPE_FLAG_NOTICE;
}

static void decode_head(struct decoder *d, struct envelope *e)
{
    e->id = cursor_u64(&d->in);
    e->received_us = (int64_t)cursor_u64(&d->in);
    e->cause_id = cursor_u64(&d->in);
    e->first_attempt_us = (int64_t)cursor_u64(&d->in);
    e->body_size = cursor_u64(&d->in);
    e->protocol = decode_enum(d, RECEIVED_LOCAL + 1);
    e->ret = decode_enum(d, RET_HDRS + 1);
    e->body = decode_enum(d, BODY_BINARY + 1);
    e->queue = decode_enum(d, QUEUE_COUNT);
    e->priority = cursor_u8(&d->in);
    e->crashes = cursor_u8(&d->in);
    e->hops = cursor_u16(&d->in);
    e->attempts = cursor_u16(&d->in);
    decode_flags(d, e);
    e->peer = decode_text(d, ENVELOPE_SIZE_MAX);
    e->helo = decode_text(d, ENVELOPE_SIZE_MAX);
    e->account = decode_text(d, ENVELOPE_SIZE_MAX);
    e->sender = decode_text(d, ENVELOPE_ADDRESS_SIZE_MAX);
    e->envid = decode_text(d, ENVELOPE_SIZE_MAX);
}

enum err envelope_decode(struct slice bytes, struct arena *arena, struct envelope *ret_envelope)
{
    if (bytes.size > ENVELOPE_SIZE_MAX)
        return ERR_CORRUPT;
    struct decoder d = { .in = cursor(bytes) };
    struct envelope e = { 0 };
    uint8_t version = cursor_u8(&d.in);
    if (version > ENVELOPE_VERSION)
        return ERR_NEWER_FORMAT;
    if (version != ENVELOPE_VERSION)
        return ERR_CORRUPT;
    decode_head(&d, &e);
    e.recipient_count = cursor_u32(&d.in);
    if (d.in.failed || d.bad || e.recipient_count > ENVELOPE_RECIPIENTS_MAX ||
        e.recipient_count > d.in.rest.size / RECIPIENT_ENCODED_SIZE_MIN)
        return ERR_CORRUPT; /* before memory is asked for */
    e.recipients = arena_array(arena, struct recipient, e.recipient_count);
    for (uint32_t i = 0; i < e.recipient_count; i++)
        decode_recipient(&d, &e.recipients[i]);
    if (d.bad || !cursor_at_end(&d.in))
        return ERR_CORRUPT;
    if (d.newer)
        return ERR_NEWER_FORMAT;
    *ret_envelope = e;
    return ERR_OK;
}

int64_t envelope_due_us(const struct envelope *envelope)
{
    int64_t due_us = INT64_MAX;
    for (uint32_t i = 0; i < envelope->recipient_count; i++) {
        const struct recipient *r = &envelope->recipients[i];
        if (r->state == RECIPIENT_WAITING && r->due_us < due_us)
            due_us = r->due_us;
    }
    return due_us;
}

bool envelope_finished(const struct envelope *envelope)
{
    for (uint32_t i = 0; i < envelope->recipient_count; i++) {
        enum recipient_state state = envelope->recipients[i].state;
        if (state == RECIPIENT_WAITING || state == RECIPIENT_HELD)
            return false;
    }
    return true;
}

const char *recipient_state_name(enum recipient_state state)
{
    static const char *const names[] = { "waiting", "delivered", "bounced", "held", "expired" };
    assert((unsigned)state < RECIPIENT_STATE_COUNT);
    return names[state];
}

const char *queue_name(enum queue_kind queue)
{
    static const char *const names[] = { "remote", "retry", "holding", "bad", "local" };
    assert((unsigned)queue < QUEUE_COUNT);
    return names[queue];
}

/* sendmail speaks ESMTP to us; what we make ourselves has come by no protocol. */
const char *received_protocol_name(enum received_protocol protocol, bool smtputf8)
{
    static const char *const names[][2] = {
        [RECEIVED_INTERNAL] = { "", "" },
        [RECEIVED_SMTP] = { "SMTP", "UTF8SMTP" },
        [RECEIVED_ESMTP] = { "ESMTP", "UTF8SMTP" },
        [RECEIVED_ESMTPS] = { "ESMTPS", "UTF8SMTPS" },
        [RECEIVED_ESMTPA] = { "ESMTPA", "UTF8SMTPA" },
        [RECEIVED_ESMTPSA] = { "ESMTPSA", "UTF8SMTPSA" },
        [RECEIVED_LOCAL] = { "ESMTP", "UTF8SMTP" },
    };
    assert((unsigned)protocol <= RECEIVED_LOCAL);
    return names[protocol][smtputf8];
}
