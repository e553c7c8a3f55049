/* The envelope record from any octets: what is decoded is encoded to a record that decodes to the same octets again,
 * and no field is larger than its record (S12, S33). */
#include "fuzz.h"

#include "border/model.h"

static void check_bounds(const struct envelope *e, struct slice bytes)
{
    assert(e->recipient_count <= ENVELOPE_RECIPIENTS_MAX && e->queue < QUEUE_COUNT && e->body <= BODY_BINARY);
    size_t size = e->peer.size + e->helo.size + e->account.size + e->sender.size + e->envid.size;
    for (uint32_t i = 0; i < e->recipient_count; i++) {
        const struct recipient *r = &e->recipients[i];
        assert(r->state < RECIPIENT_STATE_COUNT && r->last.class <= OUTCOME_PERM &&
               r->last.cause < OUTCOME_CAUSE_COUNT);
        size += r->address.size + r->orcpt.size + r->last.text.size + r->last.host.size + r->last.address.size;
        assert(recipient_state_name(r->state)[0] != '\0');
    }
    assert(size <= bytes.size);
    assert(queue_name(e->queue)[0] != '\0');
    assert((received_protocol_name(e->protocol, e->smtputf8)[0] != '\0') == (e->protocol != RECEIVED_INTERNAL));
    assert(envelope_due_us(e) != INT64_MAX || envelope_finished(e) || e->recipient_count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice(data, size);
    struct arena arena;
    struct envelope e;
    struct buffer first, second;
    uint64_t id;
    char text[16];
    arena_init(&arena);
    buffer_init(&first, 2 * ENVELOPE_SIZE_MAX);
    buffer_init(&second, 2 * ENVELOPE_SIZE_MAX);
    enum err err = envelope_decode(bytes, &arena, &e);
    assert(err == ERR_OK || err == ERR_CORRUPT || err == ERR_NEWER_FORMAT);
    if (err == ERR_OK) {
        check_bounds(&e, bytes);
        envelope_encode(&e, &first);
        assert(!first.overflow && first.size <= size);
        assert(envelope_decode(buffer_slice(&first), &arena, &e) == ERR_OK);
        envelope_encode(&e, &second);
        assert(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    }
    if (id_parse(bytes, &id)) {
        id_format(id, text);
        assert(slice_equal_nocase(slice_of(text), bytes));
    }
    buffer_done(&first);
    buffer_done(&second);
    arena_done(&arena);
    return 0;
}
