#include "proto/smtp_client_watch.h"

#include <assert.h>

#include "proto/smtp_client_work.h"

enum {
    IDLE_SIZE_MAX = 4 << 10, /* smtp_client.h, "Memory" */
    SLOT_SIZE_MAX = SMTP_CLIENT_TRANSCRIPT_MAX + (96 << 10), /* ... and what is held back of 1,000 refusals */
    SESSION_SIZE_MAX = SMTP_CLIENT_UNSENT_MAX + SMTP_CLIENT_INPUT_MAX + 2 * SMTP_REPLY_SIZE_MAX + (48 << 10) +
                       SMTP_CLIENT_IN_FLIGHT_MAX * SLOT_SIZE_MAX,
};

void client_watch_init(struct client_watch *w, const struct smtp_client *c)
{
    *w = (struct client_watch){
        .client = c, .implicit = c->options.tls == SMTP_CLIENT_TLS_IMPLICIT, .before = '\n',
    };
}

/* ---- in ---- */

static void watch_transaction(struct client_watch *w, const struct smtp_client_transaction *t)
{
    assert(smtp_client_accepts(w->client));
    assert(w->ready && !w->closed && w->mail_count < SMTP_CLIENT_IN_FLIGHT_MAX);
    struct client_watch_mail *m = &w->mails[w->mail_count++];
    memset(m, 0, sizeof *m);
    m->tag = t->tag;
    m->size = t->body_size;
    m->exact = t->body_size_exact;
    m->count = t->recipient_count;
    w->fed++;
}

static void watch_body(struct client_watch *w, const struct smtp_client_body *body)
{
    struct client_watch_mail *m = &w->mails[0];
    if (w->mail_count == 0 || m->asked_size == 0)
        return; /* too late: it must be taken for nothing */
    m->taken += body->bytes.size;
    m->last = m->exact ? m->taken == m->size : body->last;
    m->asked_size = 0;
}

void client_watch_input(struct client_watch *w, const struct smtp_client_input *input)
{
    switch (input->kind) {
    case SMTP_CLIENT_INPUT_SENT:
        assert(input->sent <= w->on_wire);
        w->on_wire -= input->sent;
        break;
    case SMTP_CLIENT_INPUT_TLS_UP:
        w->handshake = false;
        w->tls = input->tls_up.accepted;
        break;
    case SMTP_CLIENT_INPUT_TLS_FAILED:
        w->handshake = false;
        break;
    case SMTP_CLIENT_INPUT_LOST:
        w->lost = true;
        break;
    case SMTP_CLIENT_INPUT_TRANSACTION:
        watch_transaction(w, input->transaction);
        break;
    case SMTP_CLIENT_INPUT_BODY:
        watch_body(w, &input->body);
        break;
    case SMTP_CLIENT_INPUT_ABORT:
        w->abort = true;
        break;
    default:
        break;
    }
}

/* ---- out ---- */

static void watch_send(struct client_watch *w, struct slice bytes)
{
    assert(bytes.size > 0 && !w->handshake);
    assert(bytes.size <= SMTP_CLIENT_UNSENT_MAX - w->on_wire);
    w->on_wire += (uint32_t)bytes.size;
    for (size_t i = 0; i < bytes.size; i++) {
        char c = bytes.data[i];
        assert(c != '\0' && (c == '\n') == (w->before == '\r'));
        w->before = c;
    }
}

static void watch_outcome(const struct client_watch *w, const struct outcome *o)
{
    assert(o->stage != STAGE_NONE && (o->class == OUTCOME_OK || o->class == OUTCOME_TEMP || o->class == OUTCOME_PERM));
    assert((o->cause == OUTCOME_CAUSE_REPLY) == (o->code != 0));
    if (o->code != 0)
        assert(o->class == outcome_class_of_code(o->code) && (o->code < 300 || o->code >= 400));
    assert(o->enhanced.class == (o->class == OUTCOME_OK ? 2 : o->class == OUTCOME_TEMP ? 4 : 5));
    assert(o->tls == w->tls && o->text.size <= OUTCOME_TEXT_SIZE_MAX);
    for (size_t i = 0; i < o->text.size; i++)
        assert((unsigned char)o->text.data[i] >= ' ' || o->text.data[i] == '\n');
}

static void watch_result(struct client_watch *w, const struct smtp_client_result *r)
{
    struct client_watch_mail *m = &w->mails[0];
    const struct outcome *o = &r->outcome;
    assert(w->mail_count > 0 && r->tag == m->tag && r->recipient < m->count && !m->seen[r->recipient]);
    watch_outcome(w, o);
    if (o->class == OUTCOME_OK) /* nothing else than an answer to the dot of a whole body */
        assert(o->stage == STAGE_DOT && o->code / 100 == 2 && (m->last || m->size == 0));
    if (o->in_doubt)
        assert(o->class == OUTCOME_TEMP && o->stage == STAGE_DOT && o->code == 0 && (m->last || m->size == 0));
    if (r->too_many)
        assert(o->code == 452 || o->code == 552);
    m->in_doubt |= o->in_doubt;
    m->seen[r->recipient] = true;
    m->told++;
}

static void watch_end(struct client_watch *w, const struct smtp_client_end *e)
{
    const struct client_watch_mail *m = &w->mails[0];
    assert(w->mail_count > 0 && e->tag == m->tag && m->told == m->count);
    assert(!m->in_doubt || e->dot_sent);
    assert(!e->dot_sent || e->replied);
    w->mails[0] = w->mails[1];
    w->mail_count--;
    w->ended++;
}

static void watch_need(struct client_watch *w, const struct smtp_client_need_body *n)
{
    struct client_watch_mail *m = &w->mails[0];
    assert(w->mail_count > 0 && n->tag == m->tag && m->asked_size == 0 && !m->last && n->offset == m->taken);
    assert(n->size > 0 && n->size <= SMTP_CLIENT_BODY_PIECE_MAX && (!m->exact || n->size <= m->size - m->taken));
    m->asked_size = n->size;
}

void client_watch_output(struct client_watch *w, const struct smtp_client_output *output)
{
    assert(!w->closed);
    switch (output->kind) {
    case SMTP_CLIENT_SEND:
        watch_send(w, output->bytes);
        break;
    case SMTP_CLIENT_START_TLS:
        assert(!w->tls && !w->handshake && !w->ready && w->client->options.tls != SMTP_CLIENT_TLS_OFF);
        w->handshake = true;
        break;
    case SMTP_CLIENT_READY:
        assert(!w->ready && !w->failed && !w->handshake);
        assert(w->tls || w->client->options.tls < SMTP_CLIENT_TLS_DEMANDED);
        w->ready = true;
        break;
    case SMTP_CLIENT_FAILED:
        assert(!w->ready && !w->failed && output->failed.class != OUTCOME_OK);
        watch_outcome(w, &output->failed);
        w->failed = true;
        break;
    case SMTP_CLIENT_NEED_BODY:
        watch_need(w, &output->need_body);
        break;
    case SMTP_CLIENT_RESULT:
        watch_result(w, &output->result);
        break;
    case SMTP_CLIENT_END:
        watch_end(w, &output->end);
        break;
    case SMTP_CLIENT_CLOSE:
        assert(w->ready != w->failed && w->mail_count == 0 && output->close.reason.class != OUTCOME_NONE);
        assert(!w->failed || output->close.reason.class != OUTCOME_OK);
        w->closed = true;
        break;
    default:
        assert(!"no such output");
    }
}

size_t client_watch_memory(const struct smtp_client *c)
{
    size_t size = c->reader.lines.capacity + c->reader.text.capacity + c->input.capacity + c->unsent.capacity +
                  c->opening.capacity + c->words.capacity + c->binding.capacity;
    if (c->sasl != NULL)
        size += sizeof *c->sasl + c->sasl->response.capacity;
    for (size_t i = 0; i < SMTP_CLIENT_IN_FLIGHT_MAX; i++) {
        const struct smtp_client_slot *s = c->slots[i];
        if (s != NULL)
            size += sizeof *s + s->said.capacity + s->transcript.capacity + s->held_texts.capacity + s->fates_capacity +
                    s->held_capacity * sizeof *s->held;
    }
    return size;
}

void client_watch_drained(struct client_watch *w)
{
    const struct smtp_client *c = w->client;
    assert(w->closed == smtp_client_closed(c));
    assert(w->closed == (smtp_client_deadline_us(c) == DEADLINE_NEVER));
    assert(client_watch_memory(c) <= SESSION_SIZE_MAX);
    if (w->lost || w->abort)
        assert(w->closed);
    if (smtp_client_idle(c))
        assert(w->mail_count == 0);
    if (smtp_client_idle(c) && smtp_reply_reader_at_start(&c->reader)) /* half a 421 may be there */
        assert(client_watch_memory(c) <= IDLE_SIZE_MAX);
    if (smtp_client_accepts(c))
        assert(w->ready && w->mail_count < SMTP_CLIENT_IN_FLIGHT_MAX);
}

void client_watch_end(struct client_watch *w)
{
    assert(w->closed && w->fed == w->ended && w->mail_count == 0);
}
