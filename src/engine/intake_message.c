/* A transaction: who may send what to whom, the message as it grows, and its commit. */
#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"
#include "config/account.h"
#include "engine/intake_work.h"
#include "proto/received.h"

enum {
    LINE_SIZE_MAX = 998,
    PREFIX_SIZE_MAX = MESSAGE_PREFIX_SIZE_MAX,
    INLINE_SIZE_MAX = STORE_INLINE_BODY_MAX - PREFIX_SIZE_MAX, /* what leaves room for the fields in front */
};

static const struct smtp_answer ACCEPT = { 0 };

/* ---- MAIL ---- */

static bool store_refuses(const struct engine *e, struct smtp_answer *ret_answer)
{
    if (e->store.accepting)
        return false;
    *ret_answer = e->store.full && !e->store.failed
                      ? (struct smtp_answer){ .code = 452, .enhanced = { 4, 3, 1 }, .text = SLICE("No room on the disk, try again later") }
                      : (struct smtp_answer){ .code = 451, .enhanced = { 4, 3, 0 }, .text = SLICE("The mail cannot be stored now, try again later") };
    return true;
}

/* A27: the null sender is nobody's name, so it is nobody else's either. */
static bool sender_refused(const struct engine *e, const struct intake *s, const struct address *sender)
{
    if (s->account.size == 0 || !e->config->submission.bind_sender || sender->kind == ADDRESS_NULL)
        return false;
    const struct account *account = accounts_find_text(e->accounts, s->account);
    return !account || !account_may_send_as(account, sender);
}

static enum received_protocol protocol_of(const struct intake *s)
{
    if (s->listener == LISTENER_LOCAL)
        return RECEIVED_LOCAL;
    if (!s->server.esmtp)
        return RECEIVED_SMTP;
    bool login = s->account.size > 0;
    return s->server.tls ? (login ? RECEIVED_ESMTPSA : RECEIVED_ESMTPS) : login ? RECEIVED_ESMTPA : RECEIVED_ESMTP;
}

static void envelope_begin(struct engine *e, const struct intake *s, struct message *m, const struct smtp_mail *mail)
{
    struct envelope *v = &m->envelope;
    v->received_us = e->now.wall_us;
    v->protocol = protocol_of(s);
    v->peer = arena_copy(&m->arena, slice_of(s->listener == LISTENER_LOCAL ? "" : s->address));
    v->helo = arena_copy(&m->arena, smtp_server_helo(&s->server));
    v->account = arena_copy(&m->arena, s->account);
    v->from_network = s->account.size == 0 && s->trusted && s->listener != LISTENER_LOCAL; /* A27 */
    v->sender = arena_copy(&m->arena, address_mailbox(&mail->sender));
    v->ret = (enum ret_kind)mail->ret;
    v->envid = arena_copy(&m->arena, slice(mail->envid.text, mail->envid.size));
    v->body = (enum body_kind)mail->body;
    v->smtputf8 = mail->smtputf8;
    v->requiretls = mail->requiretls;
}

void intake_mail(struct engine *e, struct intake *s, const struct smtp_mail *mail)
{
    struct smtp_answer answer = { .code = 553, .enhanced = { 5, 7, 1 }, .text = SLICE("The account may not send as this address") };
    if (sender_refused(e, s, &mail->sender) || store_refuses(e, &answer)) {
        intake_trace_rejected(e, s, STAGE_MAIL, address_mailbox(&mail->sender), SLICE_EMPTY, &answer);
        intake_answer(e, s, &answer);
        return;
    }
    assert(!s->work);
    s->work = mem_alloc(sizeof(*s->work));
    s->work->message = message_new(e);
    header_scan_init(&s->work->header);
    envelope_begin(e, s, s->work->message, mail);
    intake_answer(e, s, &ACCEPT);
}

/* ---- RCPT ---- */

static bool recipient_local(const struct engine *e, const struct address *a)
{
    return a->kind == ADDRESS_POSTMASTER || config_is_local_domain(e->config, address_domain(a));
}

static bool recipient_refused(const struct engine *e, const struct intake *s, const struct address *a,
                              struct smtp_answer *ret_answer)
{
    if (!recipient_local(e, a)) {
        if (s->trusted || s->account.size > 0)
            return false;
        *ret_answer = (struct smtp_answer){ .code = 550, .enhanced = { 5, 7, 1 }, .text = SLICE("Relaying is not allowed without a login") };
        return true;
    }
    const struct account *account = a->kind == ADDRESS_MAILBOX ? accounts_find(e->accounts, a) : NULL;
    if (account || address_is_postmaster(a))
        return false;
    *ret_answer = (struct smtp_answer){ .code = 550, .enhanced = { 5, 1, 1 }, .text = SLICE("No such mailbox here") };
    return true;
}

void intake_rcpt(struct engine *e, struct intake *s, const struct smtp_rcpt *rcpt)
{
    struct message *m = s->work->message;
    struct smtp_answer answer;
    if (recipient_refused(e, s, &rcpt->recipient, &answer)) {
        intake_trace_rejected(e, s, STAGE_RCPT, m->envelope.sender, address_mailbox(&rcpt->recipient), &answer);
        intake_answer(e, s, &answer);
        return;
    }
    struct recipient *r = message_recipient_add(m);
    r->address = arena_copy(&m->arena, address_mailbox(&rcpt->recipient));
    r->orcpt = arena_copy(&m->arena, slice(rcpt->orcpt.text, rcpt->orcpt.size));
    r->notify = rcpt->notify;
    r->local = recipient_local(e, &rcpt->recipient);
    r->state = RECIPIENT_WAITING;
    r->due_us = e->now.wall_us;
    intake_answer(e, s, &ACCEPT);
}

/* ---- the body ---- */

static bool submitted(const struct intake *s) /* RFC 6409 8: what a client of ours forgot is added */
{
    return s->listener != LISTENER_RELAY || s->account.size > 0;
}

static void prefix_build(struct engine *e, const struct intake *s, const struct header_facts *facts, struct buffer *out)
{
    const struct message *m = s->work->message;
    const struct envelope *v = &m->envelope;
    char id[16], date[DATE_SIZE_MAX];
    id_format(v->id, id);
    const struct received_facts received = {
        .helo = v->helo, .peer_address = v->peer, .by = e->config->server.name, .id = slice_of(id),
        .peer_user = s->listener == LISTENER_LOCAL ? slice_of(s->client) : SLICE_EMPTY,
        .tls_version = slice_of(s->tls_version), .tls_cipher = slice_of(s->tls_cipher),
        .recipient = v->recipient_count == 1 ? v->recipients[0].address : SLICE_EMPTY,
        .esmtp = s->server.esmtp, .authenticated = s->account.size > 0, .smtputf8 = v->smtputf8, .at_us = v->received_us,
    };
    received_build(&received, out);
    /* Of a header so large that it has not ended when the body begins to be streamed a second Date might follow: rather none. */
    bool known = facts->ended || s->work->ended;
    if (!submitted(s) || facts->broken || !known)
        return;
    if (facts->date_count == 0) {
        date_mail(v->received_us, date);
        buffer_add_format(out, "Date: %s\r\n", date);
    }
    if (facts->message_id_count == 0)
        buffer_add_format(out, "Message-ID: <%s@%.*s>\r\n", id, SLICE_ARG(e->config->server.name));
}

static void prefix_put(struct engine *e, struct intake *s)
{
    struct header_facts facts;
    struct header_scan *scan = &s->work->header;
    struct header_facts unfinished = scan->facts;
    if (s->work->ended)
        header_scan_finish(scan, &facts);
    struct buffer b;
    buffer_init(&b, PREFIX_SIZE_MAX);
    prefix_build(e, s, s->work->ended ? &facts : &unfinished, &b);
    message_body_prepend(e, s->work->message, buffer_slice(&b));
    buffer_done(&b);
}

void intake_body(struct engine *e, struct intake *s, struct slice bytes)
{
    struct intake_message *w = s->work;
    header_scan_feed(&w->header, bytes);
    w->message->envelope.body_size += bytes.size;
    if (w->trouble != STORE_OK)
        return; /* its answer is certain; the octets go nowhere */
    message_body_add(e, w->message, bytes);
    if (w->streaming || w->message->body_bytes <= INLINE_SIZE_MAX)
        return;
    prefix_put(e, s);
    w->message->envelope.body_size += w->message->body_bytes - w->message->envelope.body_size;
    w->streaming = true;
}

/* ---- a large body, in a file of its own ---- */

bool intake_big_full(const struct intake *s)
{
    const struct intake_message *w = s->work;
    if (!w || !w->streaming || w->trouble != STORE_OK) /* in trouble the octets go nowhere: the client is heard to its end */
        return false;
    return w->in_flight >= INTAKE_BIG_IN_FLIGHT_MAX || w->message->body_bytes > 2 * STORE_CHUNK_SIZE;
}

static void big_done(struct engine *e, struct intake *s);

bool intake_big_op(struct engine *e, struct intake *s, struct op *ret_op)
{
    struct intake_message *w = s->work;
    if (!w || !w->streaming || w->trouble != STORE_OK || w->finishing || w->committing)
        return false;
    struct message *m = w->message;
    if (w->sent_first)
        message_body_take_first(e, m);
    w->sent_first = false;
    const struct message_block *first = m->first;
    bool whole = first && (first->next || w->ended); /* a block that still grows is left alone */
    *ret_op = (struct op){ .handle = s->handle, .big = { .id = m->envelope.id, .offset = w->appended } };
    if (whole && w->in_flight < INTAKE_BIG_IN_FLIGHT_MAX) {
        ret_op->kind = OP_BIG_APPEND;
        ret_op->big.bytes = slice(first->data, first->size);
        w->appended += first->size;
        w->in_flight++;
        w->sent_first = true;
        return true;
    }
    if (!w->ended || first || w->in_flight > 0)
        return false;
    ret_op->kind = OP_BIG_FINISH;
    w->finishing = true;
    return true;
}

void intake_big_answer(struct engine *e, struct intake *s, const struct event_big *answer)
{
    struct intake_message *w = s->work;
    if (!w || answer->id != w->message->envelope.id)
        return; /* of a transaction that is over */
    if (answer->finished)
        w->finishing = false;
    else
        w->in_flight--;
    if (answer->status != STORE_OK && w->trouble == STORE_OK) {
        w->trouble = answer->status;
        w->sent_first = false;
        message_body_drop(e, w->message);
    }
    if ((answer->finished || w->trouble != STORE_OK) && w->ended)
        big_done(e, s);
}

static void big_abort(struct engine *e, const struct intake_message *w)
{
    if (w->streaming)
        op_put(e, &(struct op){ .kind = OP_BIG_ABORT, .big = { .id = w->message->envelope.id } });
}

/* ---- the end ---- */

static void work_free(struct intake *s)
{
    header_scan_done(&s->work->header);
    mem_free(s->work);
    s->work = NULL;
}

void intake_message_abort(struct engine *e, struct intake *s)
{
    struct intake_message *w = s->work;
    if (!w)
        return;
    if (!w->committing) { /* else it is the commit's: stored, though nobody will hear of it */
        big_abort(e, w);
        message_free(e, w->message);
    }
    work_free(s);
}

static void not_stored(struct engine *e, struct intake *s, enum store_status status, struct smtp_answer *ret_answer)
{
    const struct envelope *v = &s->work->message->envelope;
    *ret_answer = status == STORE_FULL
                      ? (struct smtp_answer){ .code = 452, .enhanced = { 4, 3, 1 }, .text = SLICE("No room on the disk, try again later") }
                      : (struct smtp_answer){ .code = 451, .enhanced = { 4, 3, 0 }, .text = SLICE("The mail could not be stored, try again later") };
    trace(e, &(struct trace_event){ .kind = TRACE_NOT_STORED, .id = v->id, .client = slice_of(s->client), .from = v->sender,
                                    .size_bytes = v->body_size,
                                    .reason = status == STORE_FULL ? SLICE("disk full") : SLICE("the store refused it") });
}

static void commit(struct engine *e, struct intake *s)
{
    struct intake_message *w = s->work;
    struct commit_group *group = commit_group_new(e, COMMIT_INTAKE);
    group->handle = s->handle;
    w->committing = true;
    commit_add_submit(e, group, w->message);
    commit_start(e, group);
}

static void big_done(struct engine *e, struct intake *s)
{
    struct intake_message *w = s->work;
    if (w->trouble == STORE_OK) {
        w->message->body = (struct body_ref){ .size = w->appended, .big_id = w->message->envelope.id };
        w->message->envelope.body_size = w->appended;
        commit(e, s);
        return;
    }
    struct smtp_answer answer;
    not_stored(e, s, w->trouble, &answer);
    intake_message_abort(e, s);
    intake_answer(e, s, &answer);
}

/* What the header and body showed goes into the envelope: what can be sent to whom is decided from it (A43, A45). */
static void envelope_finish(struct engine *e, struct intake *s)
{
    struct message *m = s->work->message;
    struct envelope *v = &m->envelope;
    struct header_facts facts;
    header_scan_finish(&s->work->header, &facts);
    v->header_8bit = facts.header_8bit;
    v->body_8bit = facts.body_8bit;
    v->long_lines = facts.longest_line > LINE_SIZE_MAX;
    v->hops = facts.hops < UINT16_MAX ? (uint16_t)facts.hops : UINT16_MAX;
    bool all_local = true;
    for (uint32_t i = 0; i < v->recipient_count; i++)
        all_local = all_local && v->recipients[i].local;
    v->queue = all_local ? QUEUE_LOCAL : QUEUE_REMOTE;
    message_set_destination(m);
}

void intake_message_end(struct engine *e, struct intake *s)
{
    struct intake_message *w = s->work;
    w->ended = true;
    envelope_finish(e, s);
    if (w->streaming) {
        if (w->trouble != STORE_OK && w->in_flight == 0)
            big_done(e, s);
        machine_wake(e, &s->machine);
        return;
    }
    prefix_put(e, s);
    w->message->envelope.body_size = w->message->body_bytes;
    commit(e, s);
}

static void trace_received(struct engine *e, const struct intake *s, const struct message *m)
{
    const struct envelope *v = &m->envelope;
    struct trace_event event = {
        .kind = TRACE_RECEIVED, .id = v->id, .helo = v->helo, .account = v->account, .from = v->sender,
        .client = v->peer, .protocol = slice_of(received_protocol_name(v->protocol, v->smtputf8)),
        .size_bytes = v->body_size, .recipient_count = v->recipient_count,
    };
    if (s) {
        event.listener = intake_listener(s);
        event.client = slice_of(s->client);
    }
    trace(e, &event);
}

void intake_committed(struct engine *e, struct commit_group *group, enum store_status status)
{
    struct message *m = group->items[0].message;
    struct machine *machine = handle_machine(e, group->handle);
    struct intake *s = machine ? LIST_OWNER(machine, struct intake, machine) : NULL;
    bool mine = s && s->work && s->work->committing && s->work->message == m;
    struct smtp_answer answer = { .code = 250, .enhanced = { 2, 0, 0 } };
    char id[16], text[64];
    id_format(m->envelope.id, id);
    answer.text = slice(text, (size_t)snprintf(text, sizeof(text), "Ok: queued as %s", id));
    if (status == STORE_OK) {
        trace_received(e, mine ? s : NULL, m);
    } else if (mine) {
        not_stored(e, s, status, &answer);
    }
    if (mine) {
        s->messages += status == STORE_OK;
        work_free(s);
        intake_answer(e, s, &answer);
    }
    if (status == STORE_OK) {
        e->calls->queued(e, m);
        return;
    }
    /* UNKNOWN: a restart may find the record, which then must find its file; else the file is an orphan there. */
    if (m->body.big_id && status != STORE_UNKNOWN)
        op_put(e, &(struct op){ .kind = OP_BIG_ABORT, .big = { .id = m->envelope.id } });
    message_free(e, m);
}
