#include "store/spool.h"

#include <assert.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/planted.h"

enum {
    STAGING_SIZE_MAX = 64 << 20, /* no batch is larger than a segment */
    STAGING_SIZE_KEPT = 1 << 20, /* given back when the batch was larger */
    SPARE_RESERVE = 1,           /* for settles, ends and notices */
};

void spool_init(struct spool *spool, struct segments *segments)
{
    *spool = (struct spool){ .segments = segments };
    buffer_init(&spool->staging, STAGING_SIZE_MAX);
}

void spool_done(struct spool *spool)
{
    buffer_done(&spool->staging);
}

void spool_cut(struct spool *spool, uint32_t segment, uint32_t end)
{
    assert(spool->cut_count < CUTS_MAX);
    spool->cuts[spool->cut_count++] = (struct cut){ segment, end };
}

/* ---- which segment ---- */

static uint32_t batch_size(const struct spool_item *items, uint32_t count, uint32_t cut_count)
{
    uint64_t size = cut_count > 0 ? record_size(cut_count * CUT_SIZE, 0, false) : 0;
    for (uint32_t i = 0; i < count; i++)
        size += record_size((uint32_t)items[i].envelope.size, items[i].body.size, items[i].inline_body);
    assert(size < UINT32_MAX);
    return record_round(size, SEGMENT_PAGE);
}

/* Makes one on the spot when the background has not kept up. */
static enum err spool_spare(struct spool *spool, bool reserved, struct segment **ret_spare)
{
    uint32_t wanted = reserved ? 1 : 1 + SPARE_RESERVE;
    enum err err = ERR_OK;
    while (err == ERR_OK && segments_count(spool->segments, SEGMENT_SPARE) < wanted) {
        bool done = false;
        while (err == ERR_OK && !done)
            err = segments_prepare(spool->segments, &done);
    }
    if (err == ERR_OK)
        *ret_spare = segments_spare(spool->segments);
    return err;
}

static void spool_close_active(struct spool *spool)
{
    if (!spool->active)
        return;
    spool_cut(spool, spool->active->header.number, spool->active->end);
    segments_set_state(spool->segments, spool->active, SEGMENT_CLOSED);
    spool->active = NULL;
}

/* The active segment with room for `size`, or a fresh one. */
static enum store_status spool_choose(struct spool *spool, uint32_t size, bool reserved)
{
    if (spool->active && spool->active->end + (uint64_t)size <= spool->active->header.size)
        return STORE_OK;
    if (spool->cut_count + 2 > CUTS_MAX)
        return STORE_FAILED; /* so many failed one after the other: nothing is written any more */
    struct segment *spare;
    enum err err = spool_spare(spool, reserved, &spare);
    if (err != ERR_OK)
        return err == ERR_DISK_FULL ? STORE_FULL : STORE_FAILED;
    spool_close_active(spool);
    segments_set_state(spool->segments, spare, SEGMENT_ACTIVE);
    spare->end = SEGMENT_PAGE;
    spool->active = spare;
    return STORE_OK;
}

/* ---- the batch's octets ---- */

struct batch {
    struct spool *spool;
    uint32_t start;
    uint16_t index, count;
};

static char *batch_take(struct batch *batch, uint32_t size)
{
    struct buffer *staging = &batch->spool->staging;
    char *at = buffer_reserve(staging, size);
    assert(at);
    staging->size += size;
    return at;
}

static void batch_pad(struct batch *batch, uint32_t to)
{
    uint32_t size = (uint32_t)batch->spool->staging.size;
    uint32_t more = record_round(size, to) - size;
    memset(batch_take(batch, more), 0, more);
}

static struct record batch_record(const struct batch *batch, enum record_kind kind)
{
    const struct segment *segment = batch->spool->active;
    return (struct record){ .kind = kind,
                            .segment = segment->header.number,
                            .generation = segment->header.generation,
                            .offset = batch->start + (uint32_t)batch->spool->staging.size,
                            .batch_offset = batch->start,
                            .batch_index = batch->index,
                            .batch_count = batch->count };
}

static void batch_add_cuts(struct batch *batch)
{
    struct spool *spool = batch->spool;
    struct record record = batch_record(batch, RECORD_CUT);
    char bytes[CUTS_MAX * CUT_SIZE];
    for (uint32_t i = 0; i < spool->cut_count; i++)
        cut_encode(spool->cuts[i], bytes + (size_t)i * CUT_SIZE);
    struct slice cuts = slice(bytes, (size_t)spool->cut_count * CUT_SIZE);
    record.envelope_size = (uint32_t)cuts.size;
    record.envelope_crc = crc32c(0, cuts);
    record.size = record_size(record.envelope_size, 0, false);
    record_encode(&record, batch_take(batch, RECORD_HEADER_SIZE));
    buffer_add(&spool->staging, cuts);
    batch_pad(batch, RECORD_ALIGN);
    batch->index++;
}

static void batch_add_body(struct batch *batch, const struct spool_item *item)
{
    char *frame = batch_take(batch, frame_size(item->body.size));
    frame_encode(item->id, item->body.size, item->parts, item->part_count, frame);
    for (uint32_t i = 0; i < item->part_count; i++)
        buffer_add(&batch->spool->staging, item->parts[i]);
    batch_pad(batch, RECORD_ALIGN);
}

static void batch_add_item(struct batch *batch, struct spool_item *item)
{
    struct record record = batch_record(batch, item->kind);
    uint32_t envelope_size = (uint32_t)item->envelope.size;
    if (item->inline_body)
        item->body = (struct body_ref){ .segment = record.segment,
                                        .offset = record_body_offset(record.offset, envelope_size, item->body.size),
                                        .size = item->body.size };
    record.id = item->id;
    record.due_us = item->due_us;
    record.queue = item->queue;
    record.destination = item->destination;
    record.body = item->body;
    record.envelope_size = envelope_size;
    record.envelope_crc = crc32c(0, item->envelope);
    record.size = record_size(envelope_size, item->body.size, item->inline_body);
    record_encode(&record, batch_take(batch, RECORD_HEADER_SIZE));
    buffer_add(&batch->spool->staging, item->envelope);
    batch_pad(batch, RECORD_ALIGN);
    if (item->inline_body)
        batch_add_body(batch, item);
    item->place = (struct record_ref){ record.segment, record_envelope_offset(&record), envelope_size };
    batch->index++;
}

/* One write, one sync. */
static enum err spool_put(struct spool *spool, struct spool_item *items, uint32_t count)
{
    struct segment *segment = spool->active;
    buffer_clear(&spool->staging);
    struct batch batch = { .spool = spool,
                           .start = segment->end,
                           .count = (uint16_t)(count + (spool->cut_count > 0 ? 1 : 0)) };
    if (spool->cut_count > 0)
        batch_add_cuts(&batch);
    for (uint32_t i = 0; i < count; i++)
        batch_add_item(&batch, &items[i]);
    batch_pad(&batch, SEGMENT_PAGE);
    assert(!spool->staging.overflow && batch.index == batch.count);
    struct disk_slice slice = { spool->staging.data, spool->staging.size };
    enum err err = segment->file->calls->write(segment->file, segment->end, &slice, 1);
    if (err == ERR_OK && !planted(PLANTED_EARLY_250))
        err = segment->file->calls->sync(segment->file);
    if (err == ERR_OK) {
        segment->end += (uint32_t)spool->staging.size;
        spool->end = (struct position){ segment->header.number, segment->end };
        spool->cut_count = 0;
        spool->batches++;
    }
    if (spool->staging.capacity > STAGING_SIZE_KEPT) {
        buffer_clear(&spool->staging);
        buffer_trim(&spool->staging);
    }
    return err;
}

/* ---- failure ---- */

/* From here on the segment is only read, up to where it was good. The cut is written at once, so that the batch's items
 * are known to be dead; if that fails too, it goes with the next batch. */
static enum store_status spool_give_up(struct spool *spool, enum err err)
{
    spool->active->given_up = true;
    spool->failures++;
    spool_close_active(spool);
    if (spool->rescuing)
        return STORE_UNKNOWN;
    uint32_t size = batch_size(NULL, 0, spool->cut_count);
    if (spool_choose(spool, size, true) != STORE_OK)
        return STORE_UNKNOWN;
    if (spool_put(spool, NULL, 0) != ERR_OK) {
        spool->active->given_up = true;
        spool->failures++;
        spool_close_active(spool);
        return STORE_UNKNOWN;
    }
    return err == ERR_DISK_FULL ? STORE_FULL : STORE_FAILED;
}

enum store_status spool_write(struct spool *spool, struct spool_item *items, uint32_t count, bool reserved,
                              struct position *ret_batch)
{
    assert(count > 0 || spool->cut_count > 0);
    /* Two pages of a fresh segment are not for items: the header, and the cut that they get now or when they are rescued. */
    if (batch_size(items, count, 0) > spool->segments->segment_size - 2 * SEGMENT_PAGE)
        return STORE_FAILED;
    uint32_t size = batch_size(items, count, spool->cut_count);
    bool fresh = !spool->active || spool->active->end + (uint64_t)size > spool->active->header.size;
    if (fresh) /* with the cut of the segment that is left */
        size = batch_size(items, count, spool->cut_count + (spool->active ? 1 : 0));
    enum store_status status = spool_choose(spool, size, reserved);
    if (status != STORE_OK)
        return status;
    struct position batch = { spool->active->header.number, spool->active->end };
    enum err err = spool_put(spool, items, count);
    if (err != ERR_OK)
        return spool_give_up(spool, err);
    *ret_batch = batch;
    return STORE_OK;
}
