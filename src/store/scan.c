#include "store/scan.h"

#include "base/codec.h"
#include "store/fetch.h"

enum {
    WINDOW_SIZE = 256 << 10,
    WINDOW_SIZE_MAX = 8 << 20, /* the largest record is below it */
};

void scan_init(struct scan *scan, const struct segment *segment, uint32_t from, uint32_t end)
{
    *scan = (struct scan){ .segment = segment, .offset = from < SEGMENT_PAGE ? SEGMENT_PAGE : from, .end = end };
    buffer_init(&scan->window, WINDOW_SIZE_MAX);
}

void scan_done(struct scan *scan)
{
    buffer_done(&scan->window);
}

/* The octets at offset, fewer at the end of the file; they stay until the next call. */
static enum err scan_look(struct scan *scan, uint32_t offset, uint32_t size, struct slice *ret_bytes)
{
    uint64_t window_to = scan->window_from + scan->window.size;
    if (offset < scan->window_from || offset + (uint64_t)size > window_to) {
        buffer_clear(&scan->window);
        scan->window_from = offset;
        enum err err = fetch_raw(scan->segment, offset, size > WINDOW_SIZE ? size : WINDOW_SIZE, &scan->window);
        if (err != ERR_OK)
            return err;
    }
    *ret_bytes = slice_part(buffer_slice(&scan->window), offset - scan->window_from, size);
    return ERR_OK;
}

static uint32_t scan_limit(const struct scan *scan)
{
    uint32_t size = scan->segment->header.size;
    if (scan->end != 0)
        return scan->end < size ? scan->end : size;
    return size - scan->offset > SCAN_SEARCH_MAX ? scan->offset + SCAN_SEARCH_MAX : size;
}

/* ERR_CORRUPT: no header at this place. */
static enum err scan_header(struct scan *scan, uint32_t offset, uint32_t limit, struct record *ret_record)
{
    struct slice header;
    enum err err = scan_look(scan, offset, RECORD_HEADER_SIZE, &header);
    if (err != ERR_OK)
        return err;
    if (header.size < RECORD_HEADER_SIZE)
        return ERR_CORRUPT;
    struct record record;
    err = record_decode(header.data, scan->segment->header.number, scan->segment->header.generation, offset, &record);
    if (err == ERR_OK && record.size > limit - offset)
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        *ret_record = record;
    return err;
}

/* The next header behind a place where none is; ERR_NOT_FOUND. Mostly there is none, and all the rest is zeros: it goes by
 * whole windows. */
static enum err scan_search(struct scan *scan, uint32_t from, uint32_t limit, struct record *ret_record)
{
    while (from + RECORD_HEADER_SIZE <= limit) {
        struct slice header;
        enum err err = scan_look(scan, from, RECORD_HEADER_SIZE, &header);
        if (err != ERR_OK)
            return err;
        if (header.size < RECORD_HEADER_SIZE)
            return ERR_NOT_FOUND;
        struct slice seen = slice_after(buffer_slice(&scan->window), from - scan->window_from);
        seen = slice_part(seen, 0, limit - from);
        uint32_t at = record_magic_find(slice_part(seen, 0, seen.size - RECORD_HEADER_SIZE + 4));
        from += at;
        if (at + RECORD_HEADER_SIZE > seen.size)
            continue;
        err = scan_header(scan, from, limit, ret_record);
        if (err != ERR_CORRUPT)
            return err;
        from += RECORD_ALIGN;
    }
    return ERR_NOT_FOUND;
}

/* Tells the damage from here up to `to`; 0: nothing was found behind it, and its size is guessed. ERR_NOT_FOUND: there is
 * no sign that a record was ever here. */
static enum err scan_gap(struct scan *scan, uint32_t to, uint32_t limit, struct scan_item *ret_item)
{
    struct slice header;
    enum err err = scan_look(scan, scan->offset, RECORD_HEADER_SIZE, &header);
    if (err != ERR_OK)
        return err;
    struct scan_item item = { .damaged = true, .offset = scan->offset, .size = to - scan->offset };
    uint32_t size = 0;
    bool sign = header.size == RECORD_HEADER_SIZE &&
                record_guess(header.data, scan->segment->header.number, scan->segment->header.generation, scan->offset,
                             &item.id, &size);
    if (to == 0) {
        item.size = size > 0 && size <= limit - scan->offset ? size : limit - scan->offset;
        if (item.size > SEGMENT_PAGE && size == 0)
            item.size = SEGMENT_PAGE;
        scan->tail_told = true;
    } else {
        scan->offset = to;
    }
    if (to == 0 && !sign)
        return ERR_NOT_FOUND;
    *ret_item = item;
    return ERR_OK;
}

static bool body_is_good(const struct record *record, struct slice bytes)
{
    if (!record_holds_body(record))
        return true;
    const char *frame = bytes.data + RECORD_HEADER_SIZE + record_round(record->envelope_size, RECORD_ALIGN);
    if (!frame_check(frame, record->id, record->body.size))
        return false;
    struct slice body = slice(frame + frame_size(record->body.size), (size_t)record->body.size);
    for (uint32_t i = 0; i < frame_chunks(record->body.size); i++) {
        if (!frame_check_chunk(frame, i, slice_part(body, (size_t)i * STORE_CHUNK_SIZE, STORE_CHUNK_SIZE)))
            return false;
    }
    return true;
}

static enum err scan_record(struct scan *scan, const struct record *record, struct scan_item *ret_item)
{
    struct slice bytes;
    enum err err = scan_look(scan, record->offset, record->size, &bytes);
    if (err != ERR_OK)
        return err;
    struct scan_item item = { .offset = record->offset, .size = record->size, .id = record->id, .record = *record };
    if (bytes.size == record->size) {
        item.envelope = slice_part(bytes, RECORD_HEADER_SIZE, record->envelope_size);
        item.envelope_good = record->envelope_crc == crc32c(0, item.envelope);
        item.body_good = body_is_good(record, bytes);
    }
    bool last_of_batch = record->batch_index + 1 == record->batch_count;
    scan->offset = record_round((uint64_t)record->offset + record->size, last_of_batch ? SEGMENT_PAGE : RECORD_ALIGN);
    *ret_item = item;
    return ERR_OK;
}

enum err scan_next(struct scan *scan, struct scan_item *ret_item)
{
    if (scan->has_found) {
        scan->has_found = false;
        return scan_record(scan, &scan->found, ret_item);
    }
    uint32_t limit = scan_limit(scan);
    if (scan->offset + RECORD_HEADER_SIZE > limit || scan->tail_told)
        return ERR_NOT_FOUND;
    struct record record;
    enum err err = scan_header(scan, scan->offset, limit, &record);
    if (err == ERR_OK)
        return scan_record(scan, &record, ret_item);
    if (err != ERR_CORRUPT)
        return err;
    err = scan_search(scan, scan->offset + RECORD_ALIGN, limit, &record);
    if (err == ERR_OK) {
        scan->found = record;
        scan->has_found = true;
        return scan_gap(scan, record.offset, limit, ret_item);
    }
    if (err == ERR_NOT_FOUND) /* with a known end: up to there all was written and synced */
        return scan_gap(scan, scan->end != 0 ? limit : 0, limit, ret_item);
    return err;
}
