/* What a test puts into the engine of the bench, and what it asks of it. */
#include "engine_bench.h"

#include "proto/ip.h"

/* ---- messages ---- */

uint64_t message_put_body(const char *sender, const char *recipients, struct slice body, bool in_memory)
{
    struct message *m = message_new(b.e);
    m->envelope.sender = arena_copy(&m->arena, slice_of(sender));
    m->envelope.received_us = b.now.wall_us;
    m->envelope.from_network = true;
    for (const char *at = recipients; *at != '\0';) {
        size_t size = strcspn(at, " ");
        struct recipient *r = message_recipient_add(m);
        r->address = arena_copy(&m->arena, slice(at, size));
        r->due_us = b.now.wall_us;
        at += size + (at[size] == ' ');
    }
    message_body_add(b.e, m, body);
    m->envelope.body_size = body.size;
    message_set_destination(m);
    struct stored *s = stored_new(m->envelope.id);
    buffer_add(&s->body, body);
    envelope_encode(&m->envelope, &s->envelope);
    s->due_us = b.now.wall_us;
    m->record = (struct record_ref){ .segment = 1, .offset = 4096, .size = (uint32_t)s->envelope.size };
    m->body = (struct body_ref){ .segment = 1, .offset = 4096, .size = body.size };
    if (!in_memory)
        message_body_drop(b.e, m);
    b.e->calls->queued(b.e, m);
    return s->id;
}

uint64_t message_put(const char *sender, const char *recipients)
{
    return message_put_body(sender, recipients, SLICE("Subject: x\r\n\r\nhello\r\n"), true);
}

const struct envelope *stored_envelope(uint64_t id)
{
    static struct arena arena;
    static struct envelope envelope;
    arena_done(&arena);
    arena_init(&arena);
    const struct stored *s = stored_find(id);
    assert_non_null(s);
    assert_int_equal(envelope_decode(buffer_slice(&s->envelope), &arena, &envelope), ERR_OK);
    return &envelope;
}

void stored_replace(uint64_t id, const struct envelope *envelope)
{
    struct stored *s = stored_find(id);
    struct buffer out;
    buffer_init(&out, ENVELOPE_SIZE_MAX);
    envelope_encode(envelope, &out); /* its slices may point into what it replaces */
    buffer_clear(&s->envelope);
    buffer_add(&s->envelope, buffer_slice(&out));
    buffer_done(&out);
}

enum recipient_state stored_state(uint64_t id, uint32_t recipient)
{
    const struct envelope *v = stored_envelope(id);
    assert_true(recipient < v->recipient_count);
    return v->recipients[recipient].state;
}

struct stored *stored_notice(uint64_t cause_id)
{
    struct stored *found = NULL;
    for (uint32_t i = 0; i < b.stored_count; i++)
        if (stored_envelope(b.stored[i].id)->cause_id == cause_id)
            found = &b.stored[i];
    return found;
}

uint32_t traced_count(const char *text)
{
    uint32_t count = 0;
    struct slice rest = buffer_slice(&b.traces), wanted = slice_of(text);
    for (size_t at; (at = slice_find_slice(rest, wanted)) < rest.size; count++)
        rest = slice_after(rest, at + wanted.size);
    return count;
}

bool traced(const char *text)
{
    return traced_count(text) > 0;
}

void order(enum settle_order order, uint64_t id)
{
    struct engine_request request = { .kind = REQUEST_ORDER, .tag = 7, .order = { .order = order, .ids = &id, .count = 1 } };
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_REQUEST, .request = &request });
    pass(US_PER_SECOND / 10); /* it is answered when it is durable */
}

uint32_t alerts(uint16_t rule)
{
    uint32_t count = 0;
    for (const struct alert *a = alert_first(b.e); a; a = alert_next(b.e, a))
        count += a->rule == rule;
    return count;
}

/* ---- clients ---- */

struct peer *client_new(enum listener_kind listener, const char *address)
{
    struct engine_accept accept = { .listener = listener, .peer = { .family = 4, .port = 4711 },
                                    .local = { .family = 4, .octets = { 127, 0, 0, 1 }, .port = 2525 } };
    assert_int_equal(ip_parse(slice_of(address), accept.peer.octets), 4);
    struct peer *p = peer_new(engine_accept(b.e, b.now, &accept));
    run();
    return p;
}

void client_say_bytes(struct peer *client, struct slice bytes)
{
    buffer_add(&client->out, bytes);
    run();
}

void client_say(struct peer *client, const char *text)
{
    client_say_bytes(client, slice_of(text));
}

void client_heard(struct peer *client, const char *text)
{
    if (!slice_equal(buffer_slice(&client->in), slice_of(text)))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARG(buffer_slice(&client->in)), text);
    buffer_clear(&client->in);
}

bool client_heard_some(struct peer *client, const char *text)
{
    struct slice said = buffer_slice(&client->in);
    bool some = slice_find_slice(said, slice_of(text)) < said.size;
    buffer_clear(&client->in);
    return some;
}
