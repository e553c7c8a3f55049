#include "store/record.h"

#include <assert.h>

#include "base/codec.h"

static const char segment_magic[8] = { 'F', 'A', 'C', 'T', 'S', 'E', 'G', 'M' };
static const char record_magic[4] = { 'F', 'c', 'R', '\x1a' };

/* Fixed places are written and read by these; base's buffers are for what grows. */
static void put_u16(char *at, uint16_t v)
{
    at[0] = (char)v;
    at[1] = (char)(v >> 8);
}

static void put_u32(char *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(v >> 8 * i);
}

static void put_u64(char *at, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        at[i] = (char)(v >> 8 * i);
}

static uint16_t get_u16(const char *at)
{
    return (uint16_t)((uint8_t)at[0] | (uint8_t)at[1] << 8);
}

static uint32_t get_u32(const char *at)
{
    return (uint32_t)get_u16(at) | (uint32_t)get_u16(at + 2) << 16;
}

static uint64_t get_u64(const char *at)
{
    return get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

/* ---- segment header: 0 magic, 8 version, 12 number, 16 generation, 24 size, 28 zero, 36 crc ---- */

enum { SEGMENT_CRC_AT = SEGMENT_HEADER_SIZE - 4 };

void segment_header_encode(const struct segment_header *header, char page[static SEGMENT_PAGE])
{
    memset(page, 0, SEGMENT_PAGE);
    memcpy(page, segment_magic, sizeof segment_magic);
    put_u32(page + 8, SEGMENT_VERSION);
    put_u32(page + 12, header->number);
    put_u64(page + 16, header->generation);
    put_u32(page + 24, header->size);
    put_u32(page + SEGMENT_CRC_AT, crc32c(0, slice(page, SEGMENT_CRC_AT)));
    memcpy(page + SEGMENT_HEADER_COPY, page, SEGMENT_HEADER_SIZE);
}

static enum err header_decode_one(const char *at, struct segment_header *ret_header)
{
    if (memcmp(at, segment_magic, sizeof segment_magic) != 0)
        return ERR_NOT_FOUND;
    if (get_u32(at + SEGMENT_CRC_AT) != crc32c(0, slice(at, SEGMENT_CRC_AT)))
        return ERR_CORRUPT;
    if (get_u32(at + 8) > SEGMENT_VERSION)
        return ERR_NEWER_FORMAT;
    struct segment_header header = { .number = get_u32(at + 12),
                                     .generation = get_u64(at + 16),
                                     .size = get_u32(at + 24) };
    if (header.number == 0 || header.size < 2 * SEGMENT_PAGE)
        return ERR_CORRUPT;
    *ret_header = header;
    return ERR_OK;
}

/* The two copies lie in different sectors: while a recycled file is prepared, one may be old. Then the segment is empty
 * under its new number and dead under its old one; the larger number is right. */
enum err segment_header_decode(const char page[static SEGMENT_PAGE], struct segment_header *ret_header)
{
    struct segment_header first = { 0 }, second = { 0 };
    enum err err = header_decode_one(page, &first);
    enum err err_second = header_decode_one(page + SEGMENT_HEADER_COPY, &second);
    if (err == ERR_NEWER_FORMAT || err_second == ERR_NEWER_FORMAT)
        return ERR_NEWER_FORMAT;
    if (err != ERR_OK && err_second != ERR_OK)
        return err == ERR_CORRUPT || err_second == ERR_CORRUPT ? ERR_CORRUPT : ERR_NOT_FOUND;
    *ret_header = first.number >= second.number ? first : second;
    return ERR_OK;
}

/* ---- records ---- */

uint32_t frame_chunks(uint64_t body_size)
{
    return (uint32_t)((body_size + STORE_CHUNK_SIZE - 1) / STORE_CHUNK_SIZE);
}

uint32_t frame_size(uint64_t body_size)
{
    return FRAME_HEAD_SIZE + record_round(4 * (uint64_t)frame_chunks(body_size), RECORD_ALIGN);
}

uint32_t record_size(uint32_t envelope_size, uint64_t body_size, bool inline_body)
{
    uint32_t size = RECORD_HEADER_SIZE + record_round(envelope_size, RECORD_ALIGN);
    if (inline_body)
        size += frame_size(body_size) + record_round(body_size, RECORD_ALIGN);
    return size;
}

uint32_t record_body_offset(uint32_t record_offset, uint32_t envelope_size, uint64_t body_size)
{
    return record_offset + RECORD_HEADER_SIZE + record_round(envelope_size, RECORD_ALIGN) + frame_size(body_size);
}

bool record_holds_body(const struct record *record)
{
    return (record->kind == RECORD_SUBMIT || record->kind == RECORD_MOVE) && record->body.big_id == 0 &&
           record->body.segment == record->segment &&
           record->body.offset == record_body_offset(record->offset, record->envelope_size, record->body.size);
}

/* 0 magic, 4 version, 5 kind, 6 queue, 7 zero, 8 segment, 12 offset, 16 generation, 24 batch offset, 28 index, 30 count,
 * 32 size, 36 envelope size, 40 envelope crc, 44 destination, 48 id, 56 due, 64 body: segment, 68 offset, 72 size,
 * 80 big id, 88 zero, 92 crc */
enum { RECORD_CRC_AT = RECORD_HEADER_SIZE - 4 };

void record_encode(const struct record *record, char header[static RECORD_HEADER_SIZE])
{
    assert(record->size % RECORD_ALIGN == 0 && record->offset % RECORD_ALIGN == 0);
    assert(record->batch_index < record->batch_count);
    memset(header, 0, RECORD_HEADER_SIZE);
    memcpy(header, record_magic, sizeof record_magic);
    header[4] = RECORD_VERSION;
    header[5] = (char)record->kind;
    header[6] = (char)record->queue;
    put_u32(header + 8, record->segment);
    put_u32(header + 12, record->offset);
    put_u64(header + 16, record->generation);
    put_u32(header + 24, record->batch_offset);
    put_u16(header + 28, record->batch_index);
    put_u16(header + 30, record->batch_count);
    put_u32(header + 32, record->size);
    put_u32(header + 36, record->envelope_size);
    put_u32(header + 40, record->envelope_crc);
    put_u32(header + 44, record->destination);
    put_u64(header + 48, record->id);
    put_u64(header + 56, (uint64_t)record->due_us);
    put_u32(header + 64, record->body.segment);
    put_u32(header + 68, record->body.offset);
    put_u64(header + 72, record->body.size);
    put_u64(header + 80, record->body.big_id);
    put_u32(header + RECORD_CRC_AT, crc32c(0, slice(header, RECORD_CRC_AT)));
}

static bool record_is_sound(const struct record *r)
{
    if (r->kind == 0 || r->kind >= RECORD_KIND_END || (unsigned)r->queue >= QUEUE_COUNT)
        return false;
    if (r->batch_index >= r->batch_count || r->batch_count > RECORD_BATCH_MAX)
        return false;
    if (r->batch_offset % SEGMENT_PAGE != 0 || r->batch_offset < SEGMENT_PAGE || r->batch_offset > r->offset)
        return false;
    if (r->envelope_size > ENVELOPE_SIZE_MAX || (r->kind == RECORD_CUT ? r->id != 0 : r->id == 0))
        return false;
    bool holds_body = record_holds_body(r);
    if (holds_body && r->body.size > STORE_INLINE_BODY_MAX)
        return false;
    if (r->kind == RECORD_SUBMIT && !holds_body && r->body.big_id != r->id)
        return false;
    if (r->kind == RECORD_CUT && (r->envelope_size % CUT_SIZE != 0 || r->envelope_size > CUTS_MAX * CUT_SIZE))
        return false;
    return r->size == record_size(r->envelope_size, r->body.size, holds_body);
}

static bool magic_at(const char *bytes)
{
    return memcmp(bytes, record_magic, sizeof record_magic) == 0;
}

enum err record_decode(const char header[static RECORD_HEADER_SIZE], uint32_t segment, uint64_t generation,
                       uint32_t offset, struct record *ret_record)
{
    if (!magic_at(header) || get_u32(header + RECORD_CRC_AT) != crc32c(0, slice(header, RECORD_CRC_AT)))
        return ERR_CORRUPT;
    struct record r = {
        .kind = (enum record_kind)(uint8_t)header[5],
        .queue = (enum queue_kind)(uint8_t)header[6],
        .segment = get_u32(header + 8),
        .offset = get_u32(header + 12),
        .generation = get_u64(header + 16),
        .batch_offset = get_u32(header + 24),
        .batch_index = get_u16(header + 28),
        .batch_count = get_u16(header + 30),
        .size = get_u32(header + 32),
        .envelope_size = get_u32(header + 36),
        .envelope_crc = get_u32(header + 40),
        .destination = get_u32(header + 44),
        .id = get_u64(header + 48),
        .due_us = (int64_t)get_u64(header + 56),
        .body = { .segment = get_u32(header + 64),
                  .offset = get_u32(header + 68),
                  .size = get_u64(header + 72),
                  .big_id = get_u64(header + 80) },
    };
    if (r.segment != segment || r.generation != generation || r.offset != offset)
        return ERR_CORRUPT;
    if ((uint8_t)header[4] > RECORD_VERSION)
        return ERR_NEWER_FORMAT;
    if (!record_is_sound(&r))
        return ERR_CORRUPT;
    *ret_record = r;
    return ERR_OK;
}

bool record_guess(const char header[static RECORD_HEADER_SIZE], uint32_t segment, uint64_t generation, uint32_t offset,
                  uint64_t *ret_id, uint32_t *ret_size)
{
    int signs = magic_at(header) + (get_u32(header + 8) == segment) + (get_u32(header + 12) == offset) +
                (get_u64(header + 16) == generation);
    if (signs < 3)
        return false;
    uint64_t id = get_u64(header + 48);
    *ret_id = id <= INT64_MAX ? id : 0;
    *ret_size = get_u32(header + 32);
    return true;
}

uint32_t record_magic_find(struct slice bytes)
{
    uint32_t at = 0;
    while (at + sizeof record_magic <= bytes.size && memcmp(bytes.data + at, record_magic, sizeof record_magic) != 0)
        at += RECORD_ALIGN;
    return at;
}

/* ---- frames ---- */

static uint32_t frame_crc(const char *frame, uint32_t chunks)
{
    uint32_t crc = crc32c(0, slice(frame, 12));
    return crc32c(crc, slice(frame + FRAME_HEAD_SIZE, 4 * (size_t)chunks));
}

void frame_encode(uint64_t id, uint64_t body_size, const struct slice *parts, uint32_t part_count, char *frame)
{
    assert(body_size <= STORE_INLINE_BODY_MAX);
    memset(frame, 0, frame_size(body_size));
    put_u64(frame, id);
    put_u32(frame + 8, (uint32_t)body_size);
    uint32_t chunk = 0;
    uint32_t crc = 0;
    size_t room = STORE_CHUNK_SIZE;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        for (size_t from = 0; from < parts[i].size;) {
            struct slice piece = slice_part(parts[i], from, room);
            crc = crc32c(crc, piece);
            from += piece.size;
            room -= piece.size;
            seen += piece.size;
            if (room == 0 || seen == body_size) {
                put_u32(frame + FRAME_HEAD_SIZE + 4 * (size_t)chunk++, crc);
                crc = 0;
                room = STORE_CHUNK_SIZE;
            }
        }
    }
    assert(seen == body_size && chunk == frame_chunks(body_size));
    put_u32(frame + 12, frame_crc(frame, chunk));
}

bool frame_check(const char *frame, uint64_t id, uint64_t body_size)
{
    return get_u64(frame) == id && get_u32(frame + 8) == body_size &&
           get_u32(frame + 12) == frame_crc(frame, frame_chunks(body_size));
}

bool frame_check_chunk(const char *frame, uint32_t chunk, struct slice bytes)
{
    return get_u32(frame + FRAME_HEAD_SIZE + 4 * (size_t)chunk) == crc32c(0, bytes);
}

void cut_encode(struct cut cut, char bytes[static CUT_SIZE])
{
    put_u32(bytes, cut.segment);
    put_u32(bytes + 4, cut.end);
}

struct cut cut_decode(const char bytes[static CUT_SIZE])
{
    return (struct cut){ .segment = get_u32(bytes), .end = get_u32(bytes + 4) };
}
