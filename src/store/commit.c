#include "store/commit.h"

#include <assert.h>

#include "base/arena.h"

/* Between two looks at the room that is left: octets committed, and time, since others write to the disk too. */
enum { LOOK_BYTES = 4 << 20, LOOK_US = 1000000 };
enum { SET_ASIDE_MAX = 65536 };

enum err err_of_status(enum store_status status)
{
    return status == STORE_OK ? ERR_OK : status == STORE_FULL ? ERR_DISK_FULL : ERR_IO;
}

/* ---- judging ---- */

/* Only settles and ends of messages that are in the table already go on when it cannot be emptied. */
static void commit_make_room(struct store *store, uint32_t count)
{
    if (store->pending.count + count <= store->options.pending_max)
        return;
    uint32_t budget = store->pending.count < APPLY_STEP ? store->pending.count : APPLY_STEP;
    enum err err = core_apply(store, budget);
    if (err != ERR_OK)
        store->no_room = err == ERR_DISK_FULL || store->no_room;
}

static enum store_status judge_submit(struct store *store, const struct store_item *item, bool room)
{
    if (item->body.big_id != 0 && (item->body.big_id != item->id || !big_is_finished(&store->big, item->id, item->body.size)))
        return STORE_FAILED;
    if (item->body.big_id == 0 && item->body.size > STORE_INLINE_BODY_MAX)
        return STORE_FAILED;
    if ((store->full && !item->notice) || !room)
        return STORE_FULL;
    return STORE_OK;
}

static bool is_set_aside(const struct store *store, uint64_t id)
{
    for (uint32_t i = 0; i < store->set_aside_count; i++) {
        if (store->set_aside[i] == id)
            return true;
    }
    return false;
}

static enum store_status judge(struct store *store, const struct store_item *item, bool room)
{
    if (item->id == 0 || item->id > INT64_MAX || item->envelope.size > ENVELOPE_SIZE_MAX)
        return STORE_FAILED;
    if (item->kind == STORE_SUBMIT)
        return judge_submit(store, item, room);
    if (is_set_aside(store, item->id))
        return STORE_FENCED;
    return room || pending_find(&store->pending, item->id) ? STORE_OK : STORE_FULL;
}

/* A submit that is in the table already changes nothing: its result says where it lies. */
static bool is_here(const struct store *store, const struct store_item *item, struct store_result *result)
{
    const struct pending_entry *entry = pending_find(&store->pending, item->id);
    if (item->kind != STORE_SUBMIT || !entry || entry->flags & PENDING_ENDED)
        return false;
    result->envelope = entry->envelope;
    result->body = entry->body;
    return true;
}

/* The body's place as the engine last knew it; if its segment is gone or going, the place is looked up. */
static struct body_ref current_body(struct store *store, const struct store_item *item)
{
    if (item->body.big_id != 0)
        return item->body;
    const struct segment *segment = segments_find(&store->segments, item->body.segment);
    bool stays = segment && !segment->moving && segment->state != SEGMENT_FREE;
    const struct pending_entry *entry = pending_find(&store->pending, item->id);
    struct index_row row;
    if (entry && !(entry->flags & PENDING_ENDED))
        return entry->body;
    if (!stays && index_get(store->index, item->id, &row) == ERR_OK)
        return row.body;
    return item->body;
}

/* ---- writing ---- */

static struct spool_item spool_item_of(struct store *store, const struct store_item *item)
{
    static const enum record_kind kinds[] = {
        [STORE_SUBMIT] = RECORD_SUBMIT,
        [STORE_SETTLE] = RECORD_SETTLE,
        [STORE_END] = RECORD_END,
    };
    struct spool_item to = {
        .kind = kinds[item->kind],
        .id = item->id,
        .due_us = item->due_us,
        .queue = item->queue,
        .destination = item->destination,
        .envelope = item->kind == STORE_END ? SLICE_EMPTY : item->envelope,
        .body = item->body,
    };
    if (item->kind == STORE_SUBMIT && item->body.big_id == 0) {
        to.inline_body = true;
        to.parts = item->body_parts;
        to.part_count = item->body_part_count;
        to.body = (struct body_ref){ 0 };
        for (uint32_t i = 0; i < item->body_part_count; i++)
            to.body.size += item->body_parts[i].size;
    } else if (item->kind == STORE_SETTLE) {
        to.body = current_body(store, item);
    } else if (item->kind == STORE_END) {
        to.body = (struct body_ref){ 0 };
    }
    return to;
}

/* A move that was not reported yet is old when the message goes on. */
static void forget_move(struct store *store, uint64_t id)
{
    for (uint32_t i = 0; i < store->move_count; i++) {
        if (store->moves[i].id == id)
            store->moves[i--] = store->moves[--store->move_count];
    }
}

static void commit_note(struct store *store, const struct spool_item *item, struct position batch)
{
    forget_move(store, item->id);
    bool big_submit = item->kind == RECORD_SUBMIT && item->body.big_id != 0;
    if (big_submit)
        big_commit(&store->big, item->id);
    core_note(store, &(struct core_note){ .kind = item->kind,
                                          .id = item->id,
                                          .due_us = item->due_us,
                                          .queue = item->queue,
                                          .destination = item->destination,
                                          .envelope = item->place,
                                          .body = item->body,
                                          .holds_body = item->inline_body || big_submit,
                                          .batch = batch });
}

static bool is_plain(const struct store_item *item)
{
    return item->kind == STORE_SUBMIT && !item->notice;
}

/* Writes all items whose results are still STORE_OK and that are not here; `plain` submits too, or not. */
static enum store_status commit_write(struct store *store, const struct store_item *items, uint32_t count,
                                      struct store_result *results, bool plain)
{
    uint32_t chosen[STORE_BATCH_ITEMS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (results[i].status != STORE_OK || results[i].envelope.segment != 0 || (!plain && is_plain(&items[i])))
            continue;
        store->batch[n] = spool_item_of(store, &items[i]);
        store->looked_bytes += items[i].envelope.size + store->batch[n].body.size;
        chosen[n++] = i;
    }
    if (n == 0)
        return STORE_OK;
    struct position batch;
    enum store_status status = spool_write(&store->spool, store->batch, n, !plain, &batch);
    for (uint32_t i = 0; i < n; i++) {
        struct store_result *result = &results[chosen[i]];
        result->status = status;
        if (status != STORE_OK)
            continue;
        commit_note(store, &store->batch[i], batch);
        result->envelope = store->batch[i].place;
        result->body = store->batch[i].body;
    }
    return status;
}

/* There is no room for submits: the rest may take what is reserved. Nothing of the first try is alive. */
static void commit_without_plain(struct store *store, const struct store_item *items, uint32_t count,
                                 struct store_result *results, bool room)
{
    store->no_room = true;
    for (uint32_t i = 0; i < count; i++) {
        if (results[i].status == STORE_FULL && results[i].envelope.segment == 0 && !is_plain(&items[i]) &&
            judge(store, &items[i], room) == STORE_OK)
            results[i].status = STORE_OK;
    }
    (void)commit_write(store, items, count, results, false); /* the results say it */
}

void store_commit(struct store *store, struct now now, const struct store_item *items, uint32_t count,
                  struct store_result *results)
{
    assert(count > 0 && count <= STORE_BATCH_ITEMS_MAX);
    store->now_us = now.monotonic_us;
    if (store->now_us - store->looked_us >= LOOK_US)
        core_look_at_room(store);
    commit_make_room(store, count);
    bool room = store->pending.count + count <= store->options.pending_max;
    bool any_plain = false;
    for (uint32_t i = 0; i < count; i++) {
        results[i] = (struct store_result){ .id = items[i].id, .tag = items[i].tag, .body = items[i].body };
        if (is_here(store, &items[i], &results[i]))
            continue;
        results[i].status = judge(store, &items[i], room);
        any_plain |= results[i].status == STORE_OK && is_plain(&items[i]);
    }
    enum store_status status = commit_write(store, items, count, results, any_plain);
    if (status == STORE_FULL && any_plain)
        commit_without_plain(store, items, count, results, room);
    if (store->spool.failures > 0)
        store->failed = true;
    if (store->looked_bytes >= LOOK_BYTES || store->looked_bytes >= store->options.segment_size / 4)
        core_look_at_room(store);
}

/* ---- beside the engine's batches ---- */

enum err commit_cuts(struct store *store)
{
    if (store->spool.active || store->spool.cut_count == 0)
        return ERR_OK;
    struct position batch;
    return err_of_status(spool_write(&store->spool, NULL, 0, true, &batch));
}

/* One that is being tried is settled after that: a settle would bring it back without its body. With more damage than anybody
 * can look at, only the first ones are remembered. */
static void set_aside_add(struct store *store, uint64_t id)
{
    if (store->set_aside_count == SET_ASIDE_MAX)
        return;
    if (store->set_aside_count == store->set_aside_capacity) {
        store->set_aside_capacity = store->set_aside_capacity ? 2 * store->set_aside_capacity : 16;
        store->set_aside = mem_realloc(store->set_aside, store->set_aside_capacity, sizeof(uint64_t));
    }
    store->set_aside[store->set_aside_count++] = id;
}

enum err commit_quarantine(struct store *store, uint64_t id)
{
    struct index_row row = { 0 };
    enum err err = core_find(store, id, &row);
    if (err != ERR_OK && err != ERR_CORRUPT)
        return err;
    const struct segment *segment = segments_find(&store->segments, row.envelope.segment);
    struct spool_item end = { .kind = RECORD_END, .id = id };
    struct position batch;
    err = err_of_status(spool_write(&store->spool, &end, 1, true, &batch));
    if (err != ERR_OK)
        return err;
    set_aside_add(store, id);
    if (segment && row.envelope.offset > RECORD_HEADER_SIZE)
        core_damage(store, id, segment, row.envelope.offset - RECORD_HEADER_SIZE, RECORD_HEADER_SIZE + row.envelope.size);
    else
        core_damage(store, id, NULL, 0, 0);
    segment = segments_find(&store->segments, row.body.segment);
    uint32_t frame = frame_size(row.body.size);
    if (segment && row.body.size <= STORE_INLINE_BODY_MAX && row.body.offset > frame)
        core_keep_octets(store, segment, row.body.offset - frame, frame + (uint32_t)row.body.size);
    if (row.body.big_id != 0 && core_keep_big(store, row.body.big_id) != ERR_OK)
        store->failed = true; /* the end is on disk: the file would go with it, but nobody may count on that */
    commit_note(store, &end, batch);
    return ERR_OK;
}

enum err store_quarantine(struct store *store, struct now now, uint64_t id)
{
    store->now_us = now.monotonic_us;
    return commit_quarantine(store, id);
}
