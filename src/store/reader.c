#include <assert.h>

#include "base/arena.h"
#include "store/core.h"
#include "store/fetch.h"

/* The reading side: a connection of its own to the index, segments pinned for the moment of a read. */

enum {
    SCRATCH_SIZE_MAX = RECORD_HEADER_SIZE + ENVELOPE_SIZE_MAX + STORE_INLINE_BODY_MAX + SEGMENT_PAGE,
    SCRATCH_SIZE_KEPT = 512 << 10,
    PLACES_MAX = 3,               /* tried one after the other while a message is being moved */
    QUERY_ROWS_STEP = 128,
    QUERY_ROWS_MAX = 4096,        /* looked at in one call */
    QUERY_SIZE_MAX = 4 << 20,     /* octets of envelopes in one page */
    DECODE_SIZE_KEPT = 64 << 10,
};

struct store_reader {
    struct store *store;
    struct index *index;
    struct big_reader big;
    struct buffer scratch; /* frames and headers on the way to the caller's buffer */
    struct arena decode;
};

enum err store_reader_open(struct store *store, struct store_reader **ret_reader)
{
    struct index *index;
    enum err err = index_open_reader(store->vfs, atomic_load(&store->index_number), &index);
    if (err != ERR_OK)
        return err;
    struct store_reader *reader = mem_alloc(sizeof *reader);
    reader->store = store;
    reader->index = index;
    big_reader_init(&reader->big, store->disk);
    buffer_init(&reader->scratch, SCRATCH_SIZE_MAX);
    arena_init(&reader->decode);
    *ret_reader = reader;
    return ERR_OK;
}

void store_reader_close(struct store_reader *reader)
{
    if (!reader)
        return;
    index_close(reader->index);
    big_reader_done(&reader->big);
    buffer_done(&reader->scratch);
    arena_done(&reader->decode);
    mem_free(reader);
}

/* The index may have been copied to another file since the last call. */
static enum err reader_index(struct store_reader *reader, struct index **ret_index)
{
    uint32_t number = atomic_load(&reader->store->index_number);
    if (number != index_number(reader->index)) {
        struct index *index;
        enum err err = index_open_reader(reader->store->vfs, number, &index);
        if (err != ERR_OK)
            return err;
        index_close(reader->index);
        reader->index = index;
    }
    *ret_index = reader->index;
    return ERR_OK;
}

static enum err reader_row(struct store_reader *reader, uint64_t id, struct index_row *ret_row)
{
    struct index *index;
    enum err err = reader_index(reader, &index);
    return err == ERR_OK ? index_get(index, id, ret_row) : err;
}

static void scratch_clear(struct store_reader *reader)
{
    buffer_clear(&reader->scratch);
    if (reader->scratch.capacity > SCRATCH_SIZE_KEPT)
        buffer_trim(&reader->scratch);
}

static enum err give(struct store_reader *reader, struct buffer *out)
{
    buffer_add(out, buffer_slice(&reader->scratch));
    return out->overflow ? ERR_TOO_LARGE : ERR_OK;
}

/* ERR_NOT_FOUND: the segment is not there any more. */
static enum err envelope_at(struct store_reader *reader, uint64_t id, struct record_ref ref)
{
    struct segment *segment = segments_pin(&reader->store->segments, ref.segment);
    if (!segment)
        return ERR_NOT_FOUND;
    scratch_clear(reader);
    enum err err = fetch_envelope(segment, id, ref, &reader->scratch);
    segments_unpin(&reader->store->segments, segment);
    return err;
}

static bool is_place_problem(enum err err)
{
    return err == ERR_NOT_FOUND || err == ERR_CORRUPT;
}

/* A place that is not good any more may be an old one: the message has been moved. The index knows the new one, because
 * a segment is recycled only after the index has it. */
enum err store_read_envelope(struct store_reader *reader, uint64_t id, struct record_ref ref, struct buffer *out)
{
    enum err err = envelope_at(reader, id, ref);
    for (int i = 1; i < PLACES_MAX && is_place_problem(err); i++) {
        struct index_row row;
        enum err row_err = reader_row(reader, id, &row);
        if (row_err != ERR_OK)
            return row_err == ERR_NOT_FOUND ? err : row_err;
        if (memcmp(&row.envelope, &ref, sizeof ref) == 0)
            return ERR_CORRUPT;
        ref = row.envelope;
        err = envelope_at(reader, id, ref);
    }
    return err == ERR_OK ? give(reader, out) : err;
}

static enum err body_at(struct store_reader *reader, uint64_t id, const struct body_ref *body, uint64_t offset,
                        uint32_t size)
{
    scratch_clear(reader);
    if (body->big_id != 0)
        return big_read(&reader->big, body->big_id, body->size, offset, size, &reader->scratch);
    struct segment *segment = segments_pin(&reader->store->segments, body->segment);
    if (!segment)
        return ERR_NOT_FOUND;
    enum err err = fetch_body(segment, id, body, offset, size, &reader->scratch);
    segments_unpin(&reader->store->segments, segment);
    return err;
}

static bool same_body(const struct body_ref *a, const struct body_ref *b)
{
    return a->segment == b->segment && a->offset == b->offset && a->size == b->size && a->big_id == b->big_id;
}

enum err store_read_body(struct store_reader *reader, uint64_t id, const struct body_ref *body, uint64_t offset,
                         uint32_t size, struct buffer *out)
{
    assert(size <= STORE_INLINE_BODY_MAX);
    struct body_ref at = *body;
    enum err err = body_at(reader, id, &at, offset, size);
    for (int i = 1; i < PLACES_MAX && is_place_problem(err); i++) {
        struct index_row row;
        enum err row_err = reader_row(reader, id, &row);
        if (row_err != ERR_OK)
            return row_err == ERR_NOT_FOUND ? err : row_err;
        if (same_body(&row.body, &at))
            return ERR_CORRUPT;
        at = row.body;
        err = body_at(reader, id, &at, offset, size);
    }
    return err == ERR_OK ? give(reader, out) : err;
}

/* ---- lists ---- */

static bool matches_address(struct slice address, struct slice filter)
{
    if (slice_equal(filter, SLICE("<>")))
        return address.size == 0;
    size_t at = slice_find_last(filter, '@');
    if (at < filter.size && at > 0)
        return slice_equal_nocase(address, filter);
    struct slice domain = at < filter.size ? slice_after(filter, at + 1) : filter;
    return slice_equal_nocase(slice_after(address, slice_find_last(address, '@') + 1), domain);
}

static bool matches_host(const struct recipient *recipient, struct slice host)
{
    return slice_equal_nocase(recipient->last.host, host) || matches_address(recipient->address, host);
}

static bool matches(const struct envelope *envelope, const struct store_query *query)
{
    bool to = query->to.size == 0, host = query->host.size == 0;
    if (query->from.size > 0 && !matches_address(envelope->sender, query->from))
        return false;
    for (uint32_t i = 0; i < envelope->recipient_count; i++) {
        to = to || matches_address(envelope->recipients[i].address, query->to);
        host = host || matches_host(&envelope->recipients[i], query->host);
    }
    return to && host;
}

static bool has_filter(const struct store_query *query)
{
    return query->from.size > 0 || query->to.size > 0 || query->host.size > 0;
}

/* Is the row wanted? Then its envelope is in the scratch buffer, which is empty if it cannot be read. */
static enum err query_look(struct store_reader *reader, const struct store_query *query, const struct index_row *row,
                           bool *ret_wanted)
{
    uint32_t queues = query->queues != 0 ? query->queues : ~(1u << QUEUE_BAD);
    *ret_wanted = false;
    if (!(queues & 1u << row->queue))
        return ERR_OK;
    enum err err = envelope_at(reader, row->id, row->envelope);
    if (err != ERR_OK) {
        buffer_clear(&reader->scratch);
        *ret_wanted = !has_filter(query);
        return err == ERR_CORRUPT || err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    *ret_wanted = true;
    if (has_filter(query)) {
        struct envelope envelope;
        arena_clear(&reader->decode, DECODE_SIZE_KEPT);
        *ret_wanted = envelope_decode(buffer_slice(&reader->scratch), &reader->decode, &envelope) == ERR_OK &&
                      matches(&envelope, query);
    }
    return ERR_OK;
}

static void page_add(struct store_page *page, const struct index_row *row, struct slice envelope, struct arena *arena)
{
    page->rows[page->count++] = (struct store_row){ .stub = { .id = row->id,
                                                              .due_us = row->due_us,
                                                              .queue = row->queue,
                                                              .destination = row->destination,
                                                              .envelope = row->envelope,
                                                              .body = row->body },
                                                    .envelope = arena_copy(arena, envelope) };
}

/* Rows are read in short steps, so that no read transaction holds up a checkpoint. */
static enum err query_rows(struct store_reader *reader, const struct store_query *query, uint32_t limit,
                           struct arena *arena, struct store_page *page)
{
    struct index_row rows[QUERY_ROWS_STEP];
    struct index *index;
    uint64_t size = 0;
    uint64_t last = query->id != 0 ? query->id : INT64_MAX;
    enum err err = reader_index(reader, &index);
    for (uint32_t looked = 0; err == ERR_OK && looked < QUERY_ROWS_MAX; looked += QUERY_ROWS_STEP) {
        uint32_t count = 0;
        err = index_page(index, page->next_after_id, last, rows, QUERY_ROWS_STEP, &count);
        for (uint32_t i = 0; err == ERR_OK && i < count; i++) {
            bool wanted;
            err = query_look(reader, query, &rows[i], &wanted);
            if (err != ERR_OK)
                break;
            page->next_after_id = rows[i].id;
            if (!wanted)
                continue;
            page_add(page, &rows[i], buffer_slice(&reader->scratch), arena);
            size += reader->scratch.size;
            if (page->count == limit || size >= QUERY_SIZE_MAX)
                return ERR_OK;
        }
        if (err == ERR_OK && count < QUERY_ROWS_STEP) {
            page->more = false;
            return ERR_OK;
        }
    }
    return err;
}

enum err store_query(struct store_reader *reader, const struct store_query *query, struct arena *arena,
                     struct store_page *ret_page)
{
    uint32_t limit = query->limit < STORE_PAGE_ROWS_MAX ? query->limit : STORE_PAGE_ROWS_MAX;
    struct store_page page = { .next_after_id = query->after_id, .more = true };
    if (query->id != 0 && query->id > page.next_after_id)
        page.next_after_id = query->id - 1;
    page.rows = arena_array(arena, struct store_row, limit);
    enum err err = limit > 0 ? query_rows(reader, query, limit, arena, &page) : ERR_OK;
    if (err == ERR_OK)
        *ret_page = page;
    return err;
}
