#include "engine/outgoing.h"

#include <assert.h>

#include "base/arena.h"

enum {
    /* What is held of a converted body: less than is asked for before a piece is added, then what one piece becomes. */
    CONVERTED_SIZE_MAX = OUTGOING_CHUNK_SIZE + MIME_GROWTH_MAX * OUTGOING_PIECE_SIZE + 2 * MIME_HELD_SIZE_MAX,
};

void outgoing_init(struct outgoing *o, struct machine *owner, struct message *message)
{
    *o = (struct outgoing){ .owner = owner, .message = message };
    buffer_init(&o->chunk, OUTGOING_CHUNK_SIZE);
    buffer_init(&o->converted, CONVERTED_SIZE_MAX);
}

static void mime_drop(struct outgoing *o)
{
    mime_free(o->mime);
    o->mime = NULL;
}

void outgoing_done(struct engine *e, struct outgoing *o)
{
    handle_drop(e, &o->read);
    mime_drop(o);
    mem_free(o->plan);
    o->plan = NULL;
    buffer_done(&o->chunk);
    buffer_done(&o->converted);
}

/* ---- the stored octets ---- */

static uint64_t source_size(const struct outgoing *o)
{
    return o->message->body_whole ? o->message->body_bytes : o->message->body.size;
}

static void read_ask(struct engine *e, struct outgoing *o, uint64_t offset)
{
    uint64_t left = source_size(o) - offset;
    o->read = handle_new(e, o->owner);
    o->read_offset = offset;
    o->read_size = left < OUTGOING_CHUNK_SIZE ? (uint32_t)left : OUTGOING_CHUNK_SIZE;
    op_put(e, &(struct op){ .kind = OP_BODY_READ, .handle = o->read,
                            .body_read = { .id = o->message->envelope.id, .body = o->message->body,
                                           .offset = offset, .size = o->read_size } });
}

/* From offset on what is at hand, at most size octets; empty at the end. The body may leave memory between two calls:
 * where it lies is looked at anew each time. */
static enum outgoing_state source(struct engine *e, struct outgoing *o, uint64_t offset, size_t size,
                                  struct slice *ret_bytes)
{
    assert(offset <= source_size(o));
    if (o->message->body_whole || offset == source_size(o)) {
        struct slice all = o->message->body_whole ? message_body_at(o->message, offset) : SLICE_EMPTY;
        *ret_bytes = slice_part(all, 0, size);
        return OUTGOING_READY;
    }
    if (o->err != ERR_OK)
        return OUTGOING_FAILED;
    if (offset >= o->chunk_offset && offset - o->chunk_offset < o->chunk.size) {
        *ret_bytes = slice_part(buffer_slice(&o->chunk), (size_t)(offset - o->chunk_offset), size);
        return OUTGOING_READY;
    }
    if (handle_is(o->read) && o->read_offset != offset)
        handle_drop(e, &o->read);
    if (!handle_is(o->read))
        read_ask(e, o, offset);
    return OUTGOING_WAIT;
}

bool outgoing_feed(struct engine *e, struct outgoing *o, const struct event *event)
{
    if (event->kind != EVENT_BODY || !handle_is(o->read) || !handle_equal(event->handle, o->read))
        return false;
    handle_drop(e, &o->read);
    buffer_clear(&o->chunk);
    o->chunk_offset = o->read_offset;
    if (event->body.err != ERR_OK)
        o->err = event->body.err;
    else if (event->body.bytes.size != o->read_size)
        o->err = ERR_CORRUPT;
    else
        buffer_add(&o->chunk, event->body.bytes);
    return true;
}

/* ---- conversion ---- */

static void convert_start(struct outgoing *o)
{
    mime_convert_start(o->mime, o->plan);
    buffer_clear(&o->converted);
    o->converted_offset = o->source_offset = 0;
    o->finished = false;
}

static void scanned(struct outgoing *o)
{
    o->plan = mem_alloc(sizeof *o->plan);
    mime_scan_finish(o->mime, o->plan);
    o->prepared = true;
    o->converting = o->plan->verdict == MIME_CONVERT;
    if (o->converting)
        convert_start(o);
    else
        mime_drop(o);
}

static void prepare_anew(struct outgoing *o, unsigned wish)
{
    mime_drop(o);
    mem_free(o->plan);
    o->plan = NULL;
    o->converting = false;
    o->source_offset = 0;
    o->wish = wish;
    o->prepared = wish == 0;
    if (o->prepared)
        return;
    o->mime = mime_new();
    mime_scan_start(o->mime, wish);
}

enum outgoing_state outgoing_prepare(struct engine *e, struct outgoing *o, unsigned wish)
{
    if (wish != o->wish || (!o->prepared && !o->mime))
        prepare_anew(o, wish);
    if (source_size(o) == 0 && o->message->envelope.body_size > 0)
        o->err = ERR_CORRUPT; /* the letter has octets, and nobody knows where */
    while (!o->prepared && o->err == ERR_OK) {
        struct slice piece;
        enum outgoing_state state = source(e, o, o->source_offset, OUTGOING_CHUNK_SIZE, &piece);
        if (state != OUTGOING_READY)
            return state;
        if (piece.size == 0)
            scanned(o);
        else
            mime_scan_feed(o->mime, piece);
        o->source_offset += piece.size;
    }
    if (o->err != ERR_OK)
        return OUTGOING_FAILED;
    return !o->plan || o->plan->verdict <= MIME_CONVERT ? OUTGOING_READY : OUTGOING_REFUSED;
}

static enum outgoing_state get_converted(struct engine *e, struct outgoing *o, uint64_t offset, uint32_t size,
                                         struct slice *ret_bytes, bool *ret_last)
{
    if (offset == 0 && o->converted_offset > 0)
        convert_start(o);
    assert(offset >= o->converted_offset && offset - o->converted_offset <= o->converted.size);
    buffer_consume(&o->converted, (size_t)(offset - o->converted_offset));
    o->converted_offset = offset;
    while (o->converted.size < size && !o->finished) {
        struct slice piece;
        enum outgoing_state state = source(e, o, o->source_offset, OUTGOING_PIECE_SIZE, &piece);
        if (state == OUTGOING_WAIT && o->converted.size > 0)
            break;
        if (state != OUTGOING_READY)
            return state;
        o->finished = piece.size == 0;
        if (o->finished)
            mime_convert_finish(o->mime, &o->converted);
        else
            mime_convert_feed(o->mime, piece, &o->converted);
        assert(!o->converted.overflow);
        o->source_offset += piece.size;
    }
    *ret_bytes = slice_part(buffer_slice(&o->converted), 0, size);
    *ret_last = o->finished && ret_bytes->size == o->converted.size;
    return OUTGOING_READY;
}

enum outgoing_state outgoing_get(struct engine *e, struct outgoing *o, uint64_t offset, uint32_t size,
                                 struct slice *ret_bytes, bool *ret_last)
{
    assert(o->prepared && size > 0 && size <= OUTGOING_CHUNK_SIZE);
    if (o->converting)
        return get_converted(e, o, offset, size, ret_bytes, ret_last);
    enum outgoing_state state = source(e, o, offset, size, ret_bytes);
    if (state == OUTGOING_READY)
        *ret_last = offset + ret_bytes->size == source_size(o);
    return state;
}

unsigned outgoing_wish(const struct envelope *envelope, bool eightbitmime)
{
    if (envelope->body_8bit && !eightbitmime)
        return MIME_WISH_7BIT;
    return envelope->long_lines ? MIME_WISH_LONG_LINES : 0;
}

/* ---- questions ---- */

bool outgoing_converted(const struct outgoing *o)
{
    return o->converting;
}

bool outgoing_is_7bit(const struct outgoing *o)
{
    return o->converting && (o->wish & MIME_WISH_7BIT);
}

uint64_t outgoing_size(const struct outgoing *o)
{
    uint64_t size = source_size(o);
    return o->converting ? size + size / 2 : size; /* base64 takes 1.37, quoted-printable is chosen where it takes less */
}

/* Only what had been encoded before can get much shorter; else labels lose an octet or two. */
uint64_t outgoing_size_least(const struct outgoing *o)
{
    uint64_t size = source_size(o);
    if (!o->converting)
        return size;
    return mime_plan_rewraps(o->plan) ? size / 3 : size - size / 16;
}

enum mime_verdict outgoing_refusal(const struct outgoing *o)
{
    assert(o->plan);
    return o->plan->verdict;
}
