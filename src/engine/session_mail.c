/* The transactions that a session carries: at most one behind the dot of another. */
#include <assert.h>

#include "base/arena.h"
#include "config/config.h"
#include "engine/session_work.h"

enum { RECIPIENTS_KEPT_MAX = 64 }; /* capacity that a session keeps between transactions */

static struct carried *carried_at(struct session *s, uint8_t index)
{
    return &s->carried[(s->carried_first + index) % SESSION_CARRIED_MAX];
}

static struct carried *carried_of(struct session *s, uint64_t tag)
{
    struct carried *k = carried_at(s, 0);
    if (k->tag != tag)
        k = carried_at(s, 1);
    assert(s->carried_count > 0 && k->tag == tag);
    return k;
}

/* ---- coming and going ---- */

void carried_bind(struct engine *e, struct session *s, struct transaction *t, bool opener)
{
    assert(s->carried_count < SESSION_CARRIED_MAX && !list_linked(&t->item));
    struct carried *k = carried_at(s, s->carried_count++);
    *k = (struct carried){ .t = t, .tag = ++s->tag, .opener = opener,
                           .recipients = k->recipients, .capacity = k->capacity };
    t->stage = TRANSACTION_CARRIED;
    t->session = s;
    outgoing_init(&t->outgoing, &s->machine, t->message);
    pool_leave_lists(e, s);
    pool_busy(s, true);
    machine_wake(e, &s->machine);
}

static void transaction_unbind(struct engine *e, struct transaction *t)
{
    outgoing_done(e, &t->outgoing);
    t->session = NULL;
}

static void memory_trim(struct carried *k)
{
    mem_free(k->kept);
    k->kept = NULL;
    if (k->capacity > RECIPIENTS_KEPT_MAX) {
        mem_free(k->recipients);
        k->recipients = NULL;
        k->capacity = 0;
    }
}

/* The last one, which the dialogue has not seen: out of the session, and the caller's; NULL when it was cancelled. */
static struct transaction *pop_unfed(struct engine *e, struct session *s)
{
    struct carried *k = carried_at(s, s->carried_count - 1);
    assert(s->carried_count > 0 && !k->fed);
    s->carried_count--;
    struct transaction *t = k->t;
    k->t = NULL;
    if (t)
        transaction_unbind(e, t);
    return t;
}

static bool has_unfed(struct session *s)
{
    return s->carried_count > 0 && !carried_at(s, s->carried_count - 1)->fed;
}

void carried_done(struct engine *e, struct session *s)
{
    for (uint8_t i = 0; i < SESSION_CARRIED_MAX; i++) {
        struct carried *k = &s->carried[i];
        if (k->t) {
            struct session_group *g = k->t->group;
            transaction_unbind(e, k->t);
            k->t->group = NULL;
            k->t->stage = TRANSACTION_OUT;
            g->members--;
            k->t = NULL;
        }
        mem_free(k->kept);
        mem_free(k->recipients);
    }
    s->carried_count = 0;
}

bool carried_accepts(const struct session *s)
{
    const struct carried *last = &s->carried[(s->carried_first + s->carried_count + 1) % SESSION_CARRIED_MAX];
    return s->carried_count < SESSION_CARRIED_MAX && smtp_client_accepts(&s->client) &&
           (s->carried_count == 0 || last->fed);
}

/* ---- to the dialogue ---- */

static bool has_8bit(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        if ((unsigned char)s.data[i] >= 0x80)
            return true;
    }
    return false;
}

/* A43: what is really sent needs it. */
static bool needs_smtputf8(const struct transaction *t)
{
    const struct envelope *envelope = &t->message->envelope;
    bool needs = envelope->header_8bit || has_8bit(envelope->sender);
    for (uint32_t i = 0; !needs && i < t->recipient_count; i++)
        needs = has_8bit(envelope->recipients[t->recipients[i]].address);
    return needs;
}

static void recipients_fill(struct carried *k)
{
    const struct transaction *t = k->t;
    if (k->capacity < t->recipient_count) {
        k->recipients = mem_realloc(k->recipients, t->recipient_count, sizeof *k->recipients);
        k->capacity = t->recipient_count;
    }
    for (uint32_t i = 0; i < t->recipient_count; i++) {
        assert(t->recipients[i] < t->message->envelope.recipient_count);
        const struct recipient *r = &t->message->envelope.recipients[t->recipients[i]];
        k->recipients[i] = (struct smtp_client_recipient){ .address = r->address, .orcpt = r->orcpt,
                                                           .notify = r->notify };
    }
}

_Static_assert((int)NOTIFY_NEVER == (int)SMTP_NOTIFY_NEVER && (int)NOTIFY_SUCCESS == (int)SMTP_NOTIFY_SUCCESS &&
                   (int)NOTIFY_FAILURE == (int)SMTP_NOTIFY_FAILURE && (int)NOTIFY_DELAY == (int)SMTP_NOTIFY_DELAY,
               "the envelope's bits are the dialogue's");
_Static_assert((int)RET_NONE == (int)SMTP_RET_NONE && (int)RET_FULL == (int)SMTP_RET_FULL &&
                   (int)RET_HDRS == (int)SMTP_RET_HDRS,
               "and so is RET");

static void order_fill(const struct engine *e, struct carried *k, const struct smtp_extensions *offered)
{
    const struct transaction *t = k->t;
    const struct envelope *envelope = &t->message->envelope;
    bool converted = outgoing_converted(&t->outgoing);
    recipients_fill(k);
    k->order = (struct smtp_client_transaction){
        .tag = k->tag,
        .sender = envelope->sender,
        .smtputf8 = needs_smtputf8(t),
        .body_8bit = offered->eightbitmime && ((envelope->body_8bit && !outgoing_is_7bit(&t->outgoing)) || envelope->header_8bit),
        .requiretls = envelope->requiretls,
        .ret = (enum smtp_ret)envelope->ret,
        .envid = envelope->envid,
        .body_size = outgoing_size(&t->outgoing),
        .body_size_least = outgoing_size_least(&t->outgoing),
        .body_size_exact = !converted,
        .abort_on_rcpt_5xx = e->config->delivery.abort_on_rcpt_5xx,
        .recipients = k->recipients,
        .recipient_count = t->recipient_count,
    };
}

/* It ends here; the session goes on. */
static void unfed_refuse(struct engine *e, struct session *s, const struct outcome *outcome)
{
    struct transaction *t = pop_unfed(e, s);
    pool_tell_all(e, t, outcome, &(struct transaction_end){ .own_address = slice_of(s->own_text) });
}

static void refuse_local(struct engine *e, struct session *s)
{
    struct outcome o = session_outcome(e, s, OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_LOCAL);
    o.text = SLICE("the message cannot be read");
    unfed_refuse(e, s, &o);
}

static void refuse_conversion(struct engine *e, struct session *s, enum mime_verdict verdict)
{
    struct outcome o = session_outcome(e, s, OUTCOME_PERM, STAGE_MAIL, OUTCOME_CAUSE_CONVERSION);
    if (verdict == MIME_REFUSED_SIGNED)
        o.text = SLICE("a signed part would have to be changed");
    else if (verdict == MIME_REFUSED_ENCODING)
        o.text = SLICE("a part has an encoding that is not known");
    else
        o.text = SLICE("the parts of the message are nested too deeply");
    unfed_refuse(e, s, &o);
}

/* MAIL is said when the first octets are here: who has said DATA must be able to go on. */
static void feed_next(struct engine *e, struct session *s, struct carried *k)
{
    struct smtp_client_facts facts;
    struct slice bytes;
    bool last;
    if (s->state != SESSION_STATE_READY || !smtp_client_accepts(&s->client))
        return;
    struct outgoing *out = &k->t->outgoing;
    smtp_client_facts(&s->client, &facts);
    enum outgoing_state state =
        outgoing_prepare(e, out, outgoing_wish(&k->t->message->envelope, facts.extensions.eightbitmime));
    if (state == OUTGOING_READY)
        state = outgoing_get(e, out, 0, OUTGOING_CHUNK_SIZE, &bytes, &last);
    if (state == OUTGOING_WAIT) {
        if (k->since_us == 0)
            k->since_us = e->now.monotonic_us;
    } else if (state == OUTGOING_FAILED) {
        refuse_local(e, s);
    } else if (state == OUTGOING_REFUSED) {
        refuse_conversion(e, s, outgoing_refusal(out));
    } else {
        order_fill(e, k, &facts.extensions);
        k->fed = true;
        k->since_us = 0;
        k->reused = s->fed_count++ > 0;
        smtp_client_feed(&s->client, e->now, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_TRANSACTION,
                                                                          .transaction = &k->order });
    }
}

/* ---- the body ---- */

void carried_need(struct engine *e, struct session *s, const struct smtp_client_need_body *need)
{
    struct carried *k = carried_of(s, need->tag);
    k->asked = true;
    k->asked_offset = need->offset;
    k->asked_size = need->size;
    if (!k->works && k->t) {
        k->works = true;
        destination_works(e, k->t->destination);
    }
}

static void body_give(struct engine *e, struct session *s, struct carried *k)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BODY_FAILED };
    struct slice bytes;
    bool last;
    enum outgoing_state state = outgoing_get(e, &k->t->outgoing, k->asked_offset, k->asked_size, &bytes, &last);
    if (state == OUTGOING_WAIT)
        return;
    if (state == OUTGOING_READY) {
        input.kind = SMTP_CLIENT_INPUT_BODY;
        input.body = (struct smtp_client_body){ .bytes = bytes, .last = last };
        if (k->order.body_size_exact)
            last = k->asked_offset + bytes.size == k->order.body_size;
        if (last && k->t->message->inflight)
            inflight_dot(e, k->t->message->inflight_slot, k->t->message->envelope.id);
    }
    k->asked = false;
    smtp_client_feed(&s->client, e->now, &input);
}

bool carried_body(struct engine *e, struct session *s, const struct event *event)
{
    for (uint8_t i = 0; i < s->carried_count; i++) {
        struct carried *k = carried_at(s, i);
        if (k->t && outgoing_feed(e, &k->t->outgoing, event))
            return true;
    }
    return false;
}

/* Cancelled, and nothing but the end of the connection takes back what has been said. Behind its dot another one may stand:
 * then it has been said in full, and its answer goes to nobody. */
static bool must_drop(struct session *s)
{
    const struct carried *first = carried_at(s, 0), *second = carried_at(s, 1);
    bool behind = s->carried_count > 1 && second->fed && second->t;
    return s->carried_count > 0 && first->fed && !first->t && !behind && !s->dropped;
}

void carried_step(struct engine *e, struct session *s)
{
    if (must_drop(s)) {
        session_drop(e, s);
        return;
    }
    for (uint8_t i = 0; i < s->carried_count; i++) {
        struct carried *k = carried_at(s, i);
        if (!k->fed)
            feed_next(e, s, k);
        else if (k->asked && k->t)
            body_give(e, s, k);
    }
}

int64_t carried_deadline_us(const struct session *s)
{
    int64_t since_us = 0;
    for (uint8_t i = 0; i < SESSION_CARRIED_MAX; i++)
        since_us = s->carried[i].t && s->carried[i].since_us ? s->carried[i].since_us : since_us;
    return since_us ? since_us + SESSION_READ_MAX_US : DEADLINE_NEVER;
}

void carried_tick(struct engine *e, struct session *s)
{
    if (has_unfed(s) && e->now.monotonic_us >= carried_deadline_us(s))
        refuse_local(e, s);
}

/* ---- what became of it ---- */

/* The server has gone before it said anything of this transaction: of the letter that says nothing. */
static bool stale(const struct outcome *o)
{
    if (o->stage != STAGE_MAIL || o->class != OUTCOME_TEMP)
        return false;
    return o->cause == OUTCOME_CAUSE_LOST || o->cause == OUTCOME_CAUSE_TIMEOUT || o->cause == OUTCOME_CAUSE_PROTOCOL ||
           o->cause == OUTCOME_CAUSE_LOCAL || o->cause == OUTCOME_CAUSE_UNREACHABLE || o->code == 421;
}

void carried_result(struct engine *e, struct session *s, const struct smtp_client_result *result)
{
    struct carried *k = carried_of(s, result->tag);
    if (!k->t)
        return;
    if (k->reused && stale(&result->outcome)) {
        k->stale++;
        return;
    }
    bool ok = result->outcome.class == OUTCOME_OK;
    k->unhappy = k->unhappy || !ok;
    pool_tell(e, k->t, result->recipient, &result->outcome, result->too_many, ok && s->client.extensions.dsn);
}

static struct slice transcript(struct engine *e, const struct session *s, uint64_t tag)
{
    struct buffer *words = &e->sessions->words;
    buffer_clear(words);
    if (s->client_up)
        smtp_client_transcript(&s->client, tag, words);
    return buffer_slice(words);
}

void carried_end(struct engine *e, struct session *s, const struct smtp_client_end *end)
{
    struct carried *k = carried_at(s, 0);
    assert(s->carried_count > 0 && k->fed && k->tag == end->tag);
    struct transaction *t = k->t;
    k->t = NULL;
    s->carried_first = (uint8_t)((s->carried_first + 1) % SESSION_CARRIED_MAX);
    s->carried_count--;
    memory_trim(k);
    if (!t)
        return;
    transaction_unbind(e, t);
    if (k->stale > 0) {
        assert(k->stale == t->recipient_count && !end->replied && !end->dot_sent);
        pool_again(e, t);
        return;
    }
    if (end->replied && !k->works)
        destination_works(e, t->destination);
    const struct transaction_end over = {
        .transcript = k->unhappy ? transcript(e, s, end->tag) : SLICE_EMPTY,
        .own_address = slice_of(s->own_text),
        .dot_sent = end->dot_sent,
        .mail_answered = end->replied,
    };
    pool_end(e, t, &over);
}

void carried_failed(struct engine *e, struct session *s, const struct outcome *outcome, bool clear)
{
    if (!has_unfed(s))
        return;
    struct transaction *t = pop_unfed(e, s);
    if (!t)
        return;
    if (clear) {
        t->clear = true;
        pool_again(e, t);
        return;
    }
    const struct transaction_end over = { .transcript = transcript(e, s, 0), .own_address = slice_of(s->own_text) };
    pool_tell_all(e, t, outcome, &over);
}

void carried_closed(struct engine *e, struct session *s, const struct outcome *reason)
{
    if (!has_unfed(s))
        return;
    if (!carried_at(s, s->carried_count - 1)->opener) {
        struct transaction *t = pop_unfed(e, s);
        if (t)
            pool_again(e, t);
        return;
    }
    struct outcome o = *reason;
    o.stage = STAGE_MAIL;
    if (o.class == OUTCOME_OK) /* it has idled away while the body was read */
        o = session_outcome(e, s, OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_LOCAL);
    carried_failed(e, s, &o, false);
}

/* ---- cancelled ---- */

static size_t size_of(const struct carried *k)
{
    size_t size = k->order.sender.size + k->order.envid.size;
    for (uint32_t i = 0; i < k->order.recipient_count; i++)
        size += k->recipients[i].address.size + k->recipients[i].orcpt.size;
    return size;
}

static void keep(struct slice *s, char **at)
{
    if (s->size > 0)
        memcpy(*at, s->data, s->size);
    *s = slice(*at, s->size);
    *at += s->size;
}

/* The dialogue may still look at it, and its owner may go. */
static void keep_order(struct carried *k)
{
    char *at = k->kept = mem_alloc(size_of(k) + 1);
    keep(&k->order.sender, &at);
    keep(&k->order.envid, &at);
    for (uint32_t i = 0; i < k->order.recipient_count; i++) {
        keep(&k->recipients[i].address, &at);
        keep(&k->recipients[i].orcpt, &at);
    }
}

void carried_cancel(struct engine *e, struct session *s, struct transaction *t)
{
    struct carried *k = carried_at(s, 0);
    if (k->t != t)
        k = carried_at(s, 1);
    assert(k->t == t);
    if (!k->fed) {
        pop_unfed(e, s);
        if (s->state < SESSION_STATE_READY)
            session_drop(e, s);
        machine_wake(e, &s->machine);
        return;
    }
    transaction_unbind(e, t);
    k->t = NULL;
    keep_order(k);
    machine_wake(e, &s->machine);
}
