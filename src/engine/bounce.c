#include "engine/bounce.h"

#include <assert.h>

#include "base/arena.h"
#include "proto/address.h"
#include "proto/dsn.h"
#include "proto/header.h"

enum { MESSAGE_ID_SIZE_MAX = 400, SUBJECT_SIZE_MAX = 998 };

static const uint8_t NOTIFY_OF_KIND[] = {
    [DSN_FAILED] = NOTIFY_FAILURE,
    [DSN_DELAYED] = NOTIFY_DELAY,
    [DSN_SUCCESS] = NOTIFY_SUCCESS,
    [DSN_DELIVERED_AFTER_DELAY] = NOTIFY_DELAY,
};

bool bounce_owed(const struct envelope *original, const struct recipient *recipient, enum dsn_kind kind)
{
    if (original->sender.size == 0 || (recipient->notify & NOTIFY_NEVER))
        return false;
    if (recipient->notify == 0)
        return kind != DSN_SUCCESS; /* RFC 3461 4.1: as before DSN, failures and, at our discretion, delays */
    return (recipient->notify & NOTIFY_OF_KIND[kind]) != 0;
}

/* ---- what the original says of itself ---- */

/* The first Subject of the header section, unfolded: for the notice's own subject and text. */
static struct slice subject_of(struct slice header, struct buffer *out)
{
    struct slice rest = header;
    while (rest.size > 0) {
        struct slice line = slice_split(&rest, '\n');
        if (!slice_starts_with_nocase(line, SLICE("subject:")))
            continue;
        buffer_add(out, slice_trim(slice_after(line, 8)));
        while (rest.size > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t')) {
            buffer_add_char(out, ' ');
            buffer_add(out, slice_trim(slice_split(&rest, '\n')));
        }
        break;
    }
    return slice_part(buffer_slice(out), 0, SUBJECT_SIZE_MAX);
}

/* ---- the notice ---- */

static void recipients_fill(const struct bounce_question *q, struct arena *arena, enum language language,
                            struct dsn_recipient *out)
{
    static const enum dsn_action actions[] = {
        [DSN_FAILED] = DSN_ACTION_FAILED,
        [DSN_DELAYED] = DSN_ACTION_DELAYED,
        [DSN_SUCCESS] = DSN_ACTION_DELIVERED,
        [DSN_DELIVERED_AFTER_DELAY] = DSN_ACTION_DELIVERED,
    };
    for (uint32_t i = 0; i < q->recipient_count; i++) {
        const struct bounce_recipient *from = &q->recipients[i];
        const struct recipient *r = &q->original->envelope.recipients[from->recipient];
        struct dsn_recipient *to = &out[i];
        to->address = r->address;
        to->orcpt = r->orcpt;
        to->action = actions[q->kind];
        if (to->action == DSN_ACTION_DELIVERED && from->relayed)
            to->action = DSN_ACTION_RELAYED;
        to->outcome = from->outcome ? *from->outcome : r->last;
        to->expired = from->expired;
        to->others = from->others;
        to->other_count = from->other_count < DSN_OTHERS_MAX ? from->other_count : DSN_OTHERS_MAX;
        to->cause = from->local_cause ? slice_of(text_get(TEXT_BOUNCE_LOCAL_CAUSE, language)) : SLICE_EMPTY;
        to->last_attempt_us = to->outcome.at_us;
        to->will_retry_until_us = from->retry_until_us;
        (void)arena;
    }
}

static void notice_envelope(struct engine *e, const struct bounce_question *q, struct message *notice, const struct dsn *dsn)
{
    struct envelope *v = &notice->envelope;
    v->received_us = e->now.wall_us;
    v->protocol = RECEIVED_INTERNAL;
    v->sender = SLICE_EMPTY;
    v->notice = true;
    v->cause_id = q->original->envelope.id;
    v->smtputf8 = dsn_needs_smtputf8(dsn);
    v->header_8bit = v->smtputf8;
    v->body_8bit = dsn_is_8bit(dsn);
    v->body = v->body_8bit ? BODY_8BITMIME : BODY_7BIT;
    v->long_lines = q->original->envelope.long_lines && !q->header_only;
    struct recipient *r = message_recipient_add(notice);
    r->address = arena_copy(&notice->arena, dsn->to);
    r->due_us = e->now.wall_us;
    r->notify = 0;
    struct address address;
    if (address_parse(dsn->to, ADDRESS_UTF8, &address) == ERR_OK)
        r->local = config_is_local_domain(e->config, address_domain(&address));
    v->queue = r->local ? QUEUE_LOCAL : QUEUE_REMOTE;
    message_set_destination(notice);
}

static void notice_body(struct engine *e, const struct bounce_question *q, struct message *notice, const struct dsn *dsn)
{
    struct buffer b;
    buffer_init(&b, DSN_PREFIX_SIZE_MAX);
    dsn_add_prefix(dsn, &b);
    message_body_add(e, notice, buffer_slice(&b));
    message_body_add(e, notice, q->original_header);
    struct slice end = q->original_header;
    if (!q->header_only && q->original_body.size > 0) {
        message_body_add(e, notice, q->original_body);
        end = q->original_body;
    }
    buffer_clear(&b);
    dsn_add_suffix(dsn, end.size > 0 && end.data[end.size - 1] == '\n', &b);
    message_body_add(e, notice, buffer_slice(&b));
    buffer_done(&b);
    notice->envelope.body_size = notice->body_bytes;
}

struct message *bounce_make(struct engine *e, const struct bounce_question *q)
{
    const struct config *c = e->config;
    const struct envelope *original = &q->original->envelope;
    struct message *notice = message_new(e);
    struct arena *arena = &notice->arena;
    char original_id[16], id[16];
    id_format(original->id, original_id);
    id_format(notice->envelope.id, id);
    struct buffer message_id, subject;
    buffer_init(&message_id, MESSAGE_ID_SIZE_MAX);
    buffer_add_format(&message_id, "%s@%.*s", id, SLICE_ARG(c->server.name));
    buffer_init(&subject, BOUNCE_HEADER_SIZE_MAX);
    struct dsn_recipient *recipients = arena_array(arena, struct dsn_recipient, q->recipient_count);
    recipients_fill(q, arena, c->server.language, recipients);
    struct dsn dsn = {
        .kind = q->kind, .language = c->server.language, .our_name = c->server.name,
        .postmaster = c->server.postmaster,
        .to = q->to_postmaster ? c->server.postmaster : original->sender, .for_postmaster = q->to_postmaster,
        .sender = original->sender, .message_id = buffer_slice(&message_id), .original_id = slice_of(original_id),
        .subject = subject_of(q->original_header, &subject), .envid = original->envid,
        .arrival_us = original->received_us, .now_us = e->now.wall_us,
        .recipients = recipients, .recipient_count = q->recipient_count, .header_only = q->header_only,
        .original_header_8bit = original->header_8bit,
        .original_body_8bit = original->body_8bit && !q->header_only, .transcript = q->transcript,
    };
    if (q->kind == DSN_DELAYED && q->recipient_count > 0)
        dsn.give_up_us = q->recipients[0].retry_until_us;
    engine_random(e, dsn.random, sizeof(dsn.random));
    notice_envelope(e, q, notice, &dsn);
    notice_body(e, q, notice, &dsn);
    buffer_done(&message_id);
    buffer_done(&subject);
    trace(e, &(struct trace_event){ .kind = TRACE_NOTICE, .id = notice->envelope.id, .cause_id = original->id,
                                    .to = dsn.to, .outcome = recipients[0].outcome });
    return notice;
}
