#include "store/move.h"

#include <assert.h>

#include "base/arena.h"
#include "store/commit.h"
#include "store/fetch.h"
#include "store/scan.h"

enum {
    ALIVE_PERCENT_MAX = 20,     /* a segment with more of it alive is left alone */
    MOVE_ITEMS_MAX = 64,        /* in one batch */
    MOVE_SIZE_MAX = 1 << 20,    /* octets of it, at least one item */
    SCAN_RECORDS_MAX = 512,     /* looked at in one step */
};

struct mover {
    struct segment *segment;
    struct scan scan;
    struct arena arena; /* of one batch */
    struct slice bodies[MOVE_ITEMS_MAX];
    uint32_t count;
    uint64_t size;
    uint64_t damaged_id; /* found on the way: set aside when the batch is written */
};

/* ---- which segment ---- */

static bool may_move(const struct store *store, const struct segment *segment)
{
    return segment->state == SEGMENT_CLOSED && !segment->moving && segment->alive_bytes > 0 &&
           segment->alive_bytes * 100 < (int64_t)segment->header.size * ALIVE_PERCENT_MAX &&
           segment->header.number < store->mark.position.segment;
}

/* Much is dead: more than is alive, and more than two segments. Copying less would not pay. */
static bool much_is_dead(const struct store *store)
{
    int64_t alive = 0, size = 0;
    for (uint32_t i = 0; i < store->segments.count; i++) {
        const struct segment *segment = store->segments.items[i];
        if (segment->state != SEGMENT_CLOSED)
            continue;
        alive += segment->alive_bytes;
        size += segment->header.size;
    }
    return size - alive > alive && size - alive > 2 * (int64_t)store->options.segment_size;
}

static struct segment *move_candidate(const struct store *store)
{
    struct segment *best = NULL;
    for (uint32_t i = 0; i < store->segments.count; i++) {
        struct segment *segment = store->segments.items[i];
        if (may_move(store, segment) && (!best || segment->alive_bytes < best->alive_bytes))
            best = segment;
    }
    return best;
}

bool move_wanted(const struct store *store)
{
    if (!store->stubs_loaded || store->index_doubtful || store->move_count + MOVE_ITEMS_MAX > STORE_MOVES_MAX)
        return false;
    return store->mover || (much_is_dead(store) && move_candidate(store));
}

/* ---- one batch ---- */

static bool is_in_batch(const struct store *store, uint64_t id)
{
    for (uint32_t i = 0; i < store->mover->count; i++) {
        if (store->batch[i].id == id)
            return true;
    }
    return false;
}

static enum err move_read(struct store *store, const struct index_row *row, bool with_body)
{
    struct mover *mover = store->mover;
    const struct segment *segment = segments_find(&store->segments, row->envelope.segment);
    if (!segment)
        return ERR_CORRUPT;
    struct spool_item *item = &store->batch[mover->count];
    *item = (struct spool_item){ .kind = RECORD_MOVE,
                                 .id = row->id,
                                 .due_us = row->due_us,
                                 .queue = row->queue,
                                 .destination = row->destination,
                                 .body = row->body,
                                 .inline_body = with_body };
    struct buffer bytes;
    buffer_init(&bytes, 2 * ENVELOPE_SIZE_MAX);
    enum err err = fetch_envelope(segment, row->id, row->envelope, &bytes);
    if (err == ERR_OK)
        item->envelope = arena_copy(&mover->arena, buffer_slice(&bytes));
    buffer_clear(&bytes);
    if (err == ERR_OK && with_body) {
        err = fetch_body(mover->segment, row->id, &row->body, 0, (uint32_t)row->body.size, &bytes);
        mover->bodies[mover->count] = arena_copy(&mover->arena, buffer_slice(&bytes));
        item->parts = &mover->bodies[mover->count];
        item->part_count = 1;
    }
    buffer_done(&bytes);
    if (err == ERR_OK) {
        mover->size += item->envelope.size + (with_body ? row->body.size : 0);
        mover->count++;
    }
    return err;
}

/* Is anything of this record alive? A settled message has its envelope in one place and its body in another. */
static enum err move_look(struct store *store, const struct record *record)
{
    struct index_row row;
    if (record->kind == RECORD_CUT || record->kind == RECORD_END || is_in_batch(store, record->id))
        return ERR_OK;
    enum err err = core_find(store, record->id, &row);
    if (err == ERR_NOT_FOUND || err == ERR_CORRUPT)
        return ERR_OK; /* ended; or a row that is set aside when it is read */
    if (err != ERR_OK)
        return err;
    bool envelope = row.envelope.segment == record->segment && row.envelope.offset == record_envelope_offset(record);
    bool body = record_holds_body(record) && row.body.segment == record->segment &&
                row.body.offset == record->body.offset;
    if (!envelope && !body)
        return ERR_OK;
    err = move_read(store, &row, body);
    if (err == ERR_CORRUPT)
        store->mover->damaged_id = row.id;
    return err == ERR_CORRUPT ? ERR_OK : err;
}

static enum err move_collect(struct store *store, bool *ret_end)
{
    struct mover *mover = store->mover;
    struct scan_item item;
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < SCAN_RECORDS_MAX && err == ERR_OK; i++) {
        if (mover->count == MOVE_ITEMS_MAX || mover->size >= MOVE_SIZE_MAX || mover->damaged_id != 0)
            return ERR_OK;
        err = scan_next(&mover->scan, &item);
        if (err == ERR_OK && !item.damaged)
            err = move_look(store, &item.record);
    }
    *ret_end = err == ERR_NOT_FOUND;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err move_write(struct store *store)
{
    struct mover *mover = store->mover;
    struct position batch;
    enum err err = err_of_status(spool_write(&store->spool, store->batch, mover->count, false, &batch));
    for (uint32_t i = 0; i < mover->count && err == ERR_OK; i++) {
        const struct spool_item *item = &store->batch[i];
        core_note(store, &(struct core_note){ .kind = RECORD_MOVE,
                                              .id = item->id,
                                              .due_us = item->due_us,
                                              .queue = item->queue,
                                              .destination = item->destination,
                                              .envelope = item->place,
                                              .body = item->body,
                                              .holds_body = item->inline_body,
                                              .batch = batch });
        store->moves[store->move_count++] =
            (struct store_move){ .id = item->id, .envelope = item->place, .body = item->body };
    }
    return err;
}

/* Pinned: it may die meanwhile, but is not recycled under the scan. */
static void move_begin(struct store *store, struct segment *segment)
{
    struct segment *pinned = segments_pin(&store->segments, segment->header.number);
    assert(pinned == segment);
    struct mover *mover = mem_alloc(sizeof *mover);
    mover->segment = segment;
    segment->moving = true;
    scan_init(&mover->scan, segment, SEGMENT_PAGE, segment->end);
    arena_init(&mover->arena);
    store->mover = mover;
}

void move_done(struct store *store)
{
    if (!store->mover)
        return;
    segments_unpin(&store->segments, store->mover->segment);
    scan_done(&store->mover->scan);
    arena_done(&store->mover->arena);
    mem_free(store->mover);
    store->mover = NULL;
}

/* What could not be written is met again: the segment is read anew from its beginning, later. */
enum err move_step(struct store *store)
{
    if (!store->mover)
        move_begin(store, move_candidate(store));
    struct mover *mover = store->mover;
    mover->count = 0;
    mover->size = 0;
    mover->damaged_id = 0;
    arena_clear(&mover->arena, MOVE_SIZE_MAX);
    bool end = false;
    enum err err = move_collect(store, &end);
    if (err == ERR_OK && mover->count > 0)
        err = move_write(store);
    if (err == ERR_OK && mover->damaged_id != 0)
        err = commit_quarantine(store, mover->damaged_id);
    if (err != ERR_OK)
        mover->segment->moving = false;
    if (err != ERR_OK || end)
        move_done(store);
    return err;
}
