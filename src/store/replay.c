#include "store/replay.h"

#include <assert.h>

#include "base/arena.h"
#include "base/planted.h"
#include "store/fetch.h"
#include "store/scan.h"

enum {
    HELD_MAX = 2 * CUTS_MAX,               /* segments in doubt: those tried last, and spare ones */
    HELD_ITEMS_MAX = 2 * RECORD_BATCH_MAX, /* records and the damage between them */
    RESCUE_CUTS_MAX = CUTS_MAX - 2,        /* and those of the segment that is left */
};

/* A record, or damage, of a batch of which it is not known yet whether it counts. */
struct held_item {
    bool damaged;
    bool good;
    uint32_t offset, size;
    uint64_t id;
    struct record record;
};

/* The last batch of a segment, as long as nothing behind it has been found. */
struct held {
    struct segment *segment;
    uint32_t start;
    uint32_t end;
    struct held_item items[HELD_ITEMS_MAX];
    uint32_t item_count;
    struct cut cuts[CUTS_MAX];
    uint32_t cut_count;
    bool whole;
};

struct replay {
    struct store *store;
    struct held *held[HELD_MAX]; /* in the order of the journal; the last one grows */
    uint32_t held_count;
    struct scan_item gap; /* damage of which the next record tells to which batch it belongs */
    bool has_gap;
};

/* ---- confirmed records ---- */

static void replay_note(struct store *store, const struct record *record)
{
    struct core_note note = {
        .kind = record->kind,
        .id = record->id,
        .due_us = record->due_us,
        .queue = record->queue,
        .destination = record->destination,
        .envelope = { record->segment, record_envelope_offset(record), record->envelope_size },
        .body = record->body,
        .holds_body = record_holds_body(record) || (record->kind == RECORD_SUBMIT && record->body.big_id != 0),
        .batch = { record->segment, record->batch_offset },
    };
    store->report.replayed_count++;
    core_note(store, &note);
}

/* The table of unapplied messages is bounded: what does not fit goes to the index before the rest is read. */
static enum err replay_make_room(struct store *store)
{
    if (store->pending.count + RECORD_BATCH_MAX <= store->options.pending_max)
        return ERR_OK;
    return core_apply_all(store);
}

/* This batch counts: each good record of it, and the damage is damage. */
static enum err held_confirm(struct replay *replay, struct held *held)
{
    struct store *store = replay->store;
    enum err err = replay_make_room(store);
    if (err != ERR_OK)
        return err;
    for (uint32_t i = 0; i < held->item_count; i++) {
        const struct held_item *item = &held->items[i];
        if (item->good)
            replay_note(store, &item->record);
        else
            core_damage(store, item->id, held->segment, item->offset, item->size);
    }
    if (held->item_count > 0)
        store->spool.end = (struct position){ held->segment->header.number, held->end };
    held->item_count = 0;
    return ERR_OK;
}

/* ---- what earlier segments have left in doubt ---- */

static bool cut_of(const struct held *by, uint32_t segment, uint32_t *ret_end)
{
    for (uint32_t i = 0; i < by->cut_count; i++) {
        if (by->cuts[i].segment == segment) {
            *ret_end = by->cuts[i].end;
            return true;
        }
    }
    return false;
}

/* A batch that counts has been found in the last segment: it says what the segments before it are worth. Without a cut
 * for one of them (the record was damaged) its batch counts, because one in the next segment does. */
static enum err replay_resolve(struct replay *replay)
{
    struct held *last = replay->held[replay->held_count - 1];
    enum err err = ERR_OK;
    for (uint32_t i = 0; i + 1 < replay->held_count; i++) {
        struct held *held = replay->held[i];
        uint32_t end = UINT32_MAX;
        bool cut = cut_of(last, held->segment->header.number, &end);
        if (err == ERR_OK && held->start < end)
            err = held_confirm(replay, held);
        if (err == ERR_OK && cut && end > held->end && end <= held->segment->header.size)
            core_damage(replay->store, 0, held->segment, held->end, end - held->end);
        held->segment->end = cut ? end : held->end;
        mem_free(held);
    }
    replay->held[0] = last;
    replay->held_count = 1;
    return err;
}

/* ---- one segment ---- */

static void held_begin(struct held *held, uint32_t start)
{
    held->start = start;
    held->end = start;
    held->item_count = 0;
    held->cut_count = 0;
    held->whole = false;
}

static void held_add_cuts(struct held *held, const struct scan_item *item)
{
    for (size_t at = 0; at + CUT_SIZE <= item->envelope.size; at += CUT_SIZE) {
        if (held->cut_count < CUTS_MAX)
            held->cuts[held->cut_count++] = cut_decode(item->envelope.data + at);
    }
}

static void held_add(struct held *held, const struct scan_item *item)
{
    bool good = !item->damaged && item->envelope_good && item->body_good;
    if (held->item_count < HELD_ITEMS_MAX)
        held->items[held->item_count++] = (struct held_item){ .damaged = item->damaged,
                                                              .good = good,
                                                              .offset = item->offset,
                                                              .size = item->size,
                                                              .id = item->id,
                                                              .record = item->record };
    held->end = record_round((uint64_t)item->offset + item->size, SEGMENT_PAGE);
    if (good && item->record.kind == RECORD_CUT)
        held_add_cuts(held, item);
}

static bool held_is_whole(const struct held *held)
{
    if (held->item_count == 0)
        return false;
    const struct held_item *last = &held->items[held->item_count - 1];
    if (last->damaged || last->record.batch_count != held->item_count)
        return false;
    for (uint32_t i = 0; i < held->item_count; i++) {
        const struct held_item *item = &held->items[i];
        if (!item->good || item->record.batch_index != i || item->record.batch_offset != held->start)
            return false;
    }
    return true;
}

/* The batch that is held was synced before anything was written behind it. */
static enum err replay_next_batch(struct replay *replay, struct held *held, uint32_t start)
{
    enum err err = ERR_OK;
    if (held->item_count > 0) {
        err = replay_resolve(replay);
        if (err == ERR_OK)
            err = held_confirm(replay, held);
    }
    uint32_t end = held->end;
    held_begin(held, start);
    held->end = end > start ? end : start;
    return err;
}

static enum err replay_record(struct replay *replay, struct held *held, const struct scan_item *item)
{
    uint32_t start = item->record.batch_offset;
    enum err err = ERR_OK;
    if (replay->has_gap && replay->gap.offset < start) { /* it ends the batch before, or was one of its own */
        held_add(held, &replay->gap);
        replay->has_gap = false;
    }
    if (start != held->start)
        err = replay_next_batch(replay, held, start);
    if (replay->has_gap)
        held_add(held, &replay->gap);
    replay->has_gap = false;
    held_add(held, item);
    if (err == ERR_OK && held_is_whole(held)) {
        held->whole = true;
        err = replay_resolve(replay);
    }
    return err;
}

/* Damage with nothing behind it: what is left of a batch that was torn. */
static enum err replay_tail(struct replay *replay, struct held *held)
{
    enum err err = held->whole ? replay_next_batch(replay, held, replay->gap.offset) : ERR_OK;
    held_add(held, &replay->gap);
    replay->has_gap = false;
    return err;
}

static enum err replay_segment(struct replay *replay, struct segment *segment, uint32_t from)
{
    if (replay->held_count == HELD_MAX)
        return ERR_CORRUPT;
    struct held *held = mem_alloc(sizeof *held);
    held->segment = segment;
    held_begin(held, from);
    replay->held[replay->held_count++] = held;
    struct scan scan;
    scan_init(&scan, segment, from, 0);
    struct scan_item item;
    enum err err = ERR_OK;
    while (err == ERR_OK) {
        err = scan_next(&scan, &item);
        if (err == ERR_OK && item.damaged) {
            replay->gap = item;
            replay->has_gap = true;
        } else if (err == ERR_OK) {
            err = replay_record(replay, held, &item);
        }
    }
    scan_done(&scan);
    if (err == ERR_NOT_FOUND)
        err = replay->has_gap ? replay_tail(replay, held) : ERR_OK;
    segment->end = held->end;
    return err;
}

/* ---- rescue ---- */

/* What is written in one batch. All batches in doubt should go with one: the first that is there makes those before it
 * count that it does not cut off, should the process end right behind it. */
struct rescue {
    struct spool_item items[RECORD_BATCH_MAX];
    struct slice bodies[RECORD_BATCH_MAX];
    bool holds_body[RECORD_BATCH_MAX];
    uint32_t count;
    uint64_t size; /* at most */
    struct arena arena;
};

static enum err rescue_read(struct rescue *rescue, const struct held *held, const struct record *record)
{
    struct buffer bytes;
    buffer_init(&bytes, RECORD_HEADER_SIZE + ENVELOPE_SIZE_MAX + STORE_INLINE_BODY_MAX + FRAME_HEAD_SIZE + 64);
    struct record_ref place = { record->segment, record_envelope_offset(record), record->envelope_size };
    uint32_t at = rescue->count;
    struct spool_item *item = &rescue->items[at];
    *item = (struct spool_item){ .kind = record->kind,
                                 .id = record->id,
                                 .due_us = record->due_us,
                                 .queue = record->queue,
                                 .destination = record->destination,
                                 .body = record->body,
                                 .inline_body = record_holds_body(record) };
    enum err err = fetch_envelope(held->segment, record->id, place, &bytes);
    if (err == ERR_OK)
        item->envelope = arena_copy(&rescue->arena, buffer_slice(&bytes));
    buffer_clear(&bytes);
    if (err == ERR_OK && item->inline_body) {
        err = fetch_body(held->segment, record->id, &record->body, 0, (uint32_t)record->body.size, &bytes);
        rescue->bodies[at] = arena_copy(&rescue->arena, buffer_slice(&bytes));
        item->parts = &rescue->bodies[at];
        item->part_count = 1;
    }
    rescue->holds_body[at] = item->inline_body || (record->kind == RECORD_SUBMIT && record->body.big_id != 0);
    rescue->count++;
    buffer_done(&bytes);
    return err;
}

static void rescue_note(struct store *store, const struct rescue *rescue, struct position batch)
{
    for (uint32_t i = 0; i < rescue->count; i++) {
        const struct spool_item *item = &rescue->items[i];
        core_note(store, &(struct core_note){ .kind = item->kind,
                                              .id = item->id,
                                              .due_us = item->due_us,
                                              .queue = item->queue,
                                              .destination = item->destination,
                                              .envelope = item->place,
                                              .body = item->body,
                                              .holds_body = rescue->holds_body[i],
                                              .batch = batch });
    }
}

static enum err rescue_write(struct replay *replay, struct rescue *rescue)
{
    struct store *store = replay->store;
    struct position batch;
    store->spool.rescuing = true;
    enum store_status status = spool_write(&store->spool, rescue->items, rescue->count, true, &batch);
    store->spool.rescuing = false;
    if (status != STORE_OK)
        return status == STORE_FULL ? ERR_DISK_FULL : ERR_IO;
    store->report.replayed_count += rescue->count;
    rescue_note(store, rescue, batch);
    rescue->count = 0;
    rescue->size = 0;
    arena_clear(&rescue->arena, 0);
    return replay_make_room(store);
}

static bool rescue_wanted(const struct held *held, const struct held_item *item)
{
    return item->good && (item->record.kind == RECORD_SUBMIT || (held->whole && item->record.kind != RECORD_CUT));
}

static bool rescue_has_room(const struct replay *replay, const struct rescue *rescue, const struct held *held)
{
    uint64_t size = rescue->size, count = rescue->count;
    for (uint32_t i = 0; i < held->item_count; i++) {
        bool wanted = rescue_wanted(held, &held->items[i]);
        count += wanted;
        size += wanted ? held->items[i].size : 0;
    }
    return count <= RECORD_BATCH_MAX && replay->store->spool.cut_count < RESCUE_CUTS_MAX &&
           size <= replay->store->segments.segment_size - 4 * SEGMENT_PAGE;
}

/* A batch in doubt is written anew, behind the cut that ends its old segment; a torn one only with its submits. */
static enum err rescue_held(struct replay *replay, struct rescue *rescue, struct held *held)
{
    struct store *store = replay->store;
    enum err err = ERR_OK;
    if ((rescue->count > 0 || store->spool.cut_count > 0) && !rescue_has_room(replay, rescue, held))
        err = rescue_write(replay, rescue);
    for (uint32_t i = 0; i < held->item_count && err == ERR_OK; i++) {
        const struct held_item *item = &held->items[i];
        if (rescue_wanted(held, item)) {
            err = rescue_read(rescue, held, &item->record);
            rescue->size += item->size;
        } else if (!item->good || item->record.kind != RECORD_CUT) {
            core_torn(store, held->segment, item->offset, item->size);
        }
    }
    if (err == ERR_OK) {
        spool_cut(&store->spool, held->segment->header.number, held->start);
        held->segment->end = held->start;
    }
    return err;
}

static enum err rescue_run(struct replay *replay)
{
    enum err err = replay_make_room(replay->store);
    struct rescue *rescue = mem_alloc(sizeof *rescue);
    arena_init(&rescue->arena);
    for (uint32_t i = 0; i < replay->held_count && err == ERR_OK; i++)
        if (replay->held[i]->item_count > 0)
            err = rescue_held(replay, rescue, replay->held[i]);
    if (err == ERR_OK && replay->store->spool.cut_count > 0)
        err = rescue_write(replay, rescue);
    arena_done(&rescue->arena);
    mem_free(rescue);
    return err;
}

/* ---- all of it ---- */

/* A segment behind the journal's end in which nothing was found can be prepared anew at once. */
static void release_empty(struct store *store, const struct replay *replay)
{
    for (uint32_t i = 0; i < store->segments.count; i++) {
        struct segment *segment = store->segments.items[i];
        bool empty = segment->state == SEGMENT_CLOSED && segment->alive_bytes <= 0 &&
                     segment->header.number > store->spool.end.segment;
        for (uint32_t j = 0; j < replay->held_count; j++)
            empty = empty && (replay->held[j]->segment != segment || replay->held[j]->item_count == 0);
        if (empty)
            (void)segments_release(&store->segments, segment); /* there are no readers yet */
    }
}

enum err replay_run(struct store *store)
{
    struct replay replay = { .store = store };
    struct position from = store->mark.position;
    if (planted(PLANTED_POSITION))
        from.offset += SEGMENT_PAGE;
    store->spool.end = from;
    store->replaying = true;
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < store->segments.count && err == ERR_OK; i++) {
        struct segment *segment = store->segments.items[i];
        if (segment->header.number >= from.segment)
            err = replay_segment(&replay, segment, segment->header.number == from.segment ? from.offset : SEGMENT_PAGE);
    }
    if (err == ERR_OK)
        release_empty(store, &replay);
    if (err == ERR_OK)
        err = rescue_run(&replay);
    for (uint32_t i = 0; i < replay.held_count; i++)
        mem_free(replay.held[i]);
    if (err == ERR_OK)
        err = core_apply_all(store);
    store->replaying = false;
    return err;
}
