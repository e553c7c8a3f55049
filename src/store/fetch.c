#include "store/fetch.h"

#include "base/codec.h"

enum err fetch_raw(const struct segment *segment, uint32_t offset, uint32_t size, struct buffer *out)
{
    char *to = buffer_reserve(out, size);
    if (!to)
        return ERR_TOO_LARGE;
    size_t got;
    enum err err = segment->file->calls->read(segment->file, offset, to, size, &got);
    if (err == ERR_OK)
        out->size += got;
    return err;
}

/* Exactly so much, or ERR_CORRUPT: a segment's file never shrinks. */
static enum err fetch_whole(const struct segment *segment, uint32_t offset, uint32_t size, struct buffer *out)
{
    size_t before = out->size;
    if ((uint64_t)offset + size > segment->header.size)
        return ERR_CORRUPT;
    enum err err = fetch_raw(segment, offset, size, out);
    if (err == ERR_OK && out->size - before != size)
        err = ERR_CORRUPT;
    if (err != ERR_OK)
        out->size = before;
    return err;
}

static enum err header_check(const struct segment *segment, uint64_t id, struct record_ref ref, const char *header,
                             struct record *ret_record)
{
    struct record record;
    enum err err = record_decode(header, segment->header.number, segment->header.generation,
                                 ref.offset - RECORD_HEADER_SIZE, &record);
    if (err == ERR_OK && (record.id != id || record.envelope_size != ref.size))
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        *ret_record = record;
    return err;
}

enum err fetch_record(const struct segment *segment, uint64_t id, struct record_ref ref, struct record *ret_record)
{
    char header[RECORD_HEADER_SIZE];
    size_t got;
    if (ref.offset < SEGMENT_PAGE + RECORD_HEADER_SIZE)
        return ERR_CORRUPT;
    enum err err = segment->file->calls->read(segment->file, ref.offset - RECORD_HEADER_SIZE, header, sizeof header,
                                              &got);
    if (err != ERR_OK)
        return err;
    return got == sizeof header ? header_check(segment, id, ref, header, ret_record) : ERR_CORRUPT;
}

enum err fetch_envelope(const struct segment *segment, uint64_t id, struct record_ref ref, struct buffer *out)
{
    if (ref.offset < SEGMENT_PAGE + RECORD_HEADER_SIZE || ref.size > ENVELOPE_SIZE_MAX)
        return ERR_CORRUPT;
    size_t before = out->size;
    enum err err = fetch_whole(segment, ref.offset - RECORD_HEADER_SIZE, RECORD_HEADER_SIZE + ref.size, out);
    if (err != ERR_OK)
        return err;
    struct record record;
    char *header = out->data + before;
    struct slice envelope = slice(header + RECORD_HEADER_SIZE, ref.size);
    err = header_check(segment, id, ref, header, &record);
    if (err == ERR_OK && record.envelope_crc != crc32c(0, envelope))
        err = ERR_CORRUPT;
    out->size = before;
    if (err != ERR_OK)
        return err;
    memmove(header, envelope.data, envelope.size);
    out->size += envelope.size;
    return ERR_OK;
}

/* Chunk by chunk with the frame in front: the common body has one chunk, which is then one read. */
enum err fetch_body(const struct segment *segment, uint64_t id, const struct body_ref *body, uint64_t offset,
                    uint32_t size, struct buffer *out)
{
    uint32_t frame = frame_size(body->size);
    if (body->size > STORE_INLINE_BODY_MAX || body->offset < SEGMENT_PAGE + RECORD_HEADER_SIZE + frame)
        return ERR_CORRUPT;
    if (offset >= body->size || size == 0)
        return ERR_OK;
    uint64_t end = offset + size < body->size ? offset + size : body->size;
    uint32_t first = (uint32_t)(offset / STORE_CHUNK_SIZE);
    uint64_t from = (uint64_t)first * STORE_CHUNK_SIZE;
    uint64_t to = (end + STORE_CHUNK_SIZE - 1) / STORE_CHUNK_SIZE * STORE_CHUNK_SIZE;
    to = to < body->size ? to : body->size;
    size_t before = out->size;
    enum err err;
    if (first == 0) {
        err = fetch_whole(segment, body->offset - frame, frame + (uint32_t)to, out);
    } else {
        err = fetch_whole(segment, body->offset - frame, frame, out);
        if (err == ERR_OK)
            err = fetch_whole(segment, body->offset + (uint32_t)from, (uint32_t)(to - from), out);
    }
    if (err == ERR_OK) {
        const char *table = out->data + before;
        struct slice chunks = slice(table + frame, (size_t)(to - from));
        bool good = frame_check(table, id, body->size);
        for (uint32_t i = 0; good && (uint64_t)i * STORE_CHUNK_SIZE < chunks.size; i++)
            good = frame_check_chunk(table, first + i,
                                     slice_part(chunks, (size_t)i * STORE_CHUNK_SIZE, STORE_CHUNK_SIZE));
        err = good ? ERR_OK : ERR_CORRUPT;
    }
    out->size = before;
    if (err != ERR_OK)
        return err;
    memmove(out->data + before, out->data + before + frame + (offset - from), (size_t)(end - offset));
    out->size += (size_t)(end - offset);
    return ERR_OK;
}
