/* The journal's format: segment headers, records, body frames. Pure: bytes to values and back.
 *
 * A segment is a file of a fixed size. Integers are little-endian; everything starts at a multiple of 8.
 *
 *   page 0       the header, twice (at 0 and at 2048), so that one rotten octet costs nothing:
 *                  "FACTSEGM" u32 version u32 number u64 generation u32 size u32 crc
 *   page 1 on    batches; each starts at a page and is padded with zeros to the next:
 *                  record record ... record
 *   record       header (96 octets), envelope, padding to 8, and, if the body lies in it, frame, body, padding to 8
 *   frame        u64 id, u32 size, u32 crc of id, size and table; table: u32 crc of each 64 KiB of the body; padding
 *
 * The header of a record has a checksum of its own and those of envelope and frame: the envelope can be read with its
 * header, any part of a body with its frame. A record names its own place (segment, generation, offset); one that is
 * found elsewhere is none. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "border/store.h"

enum {
    SEGMENT_VERSION = 1,
    SEGMENT_PAGE = 4096,
    SEGMENT_HEADER_SIZE = 40,
    SEGMENT_HEADER_COPY = 2048, /* where the second one stands */
    RECORD_VERSION = 1,
    RECORD_HEADER_SIZE = 96,
    RECORD_ALIGN = 8,
    FRAME_HEAD_SIZE = 16,
    RECORD_BATCH_MAX = STORE_BATCH_ITEMS_MAX + 1, /* the items and a cut */
    CUTS_MAX = 64,           /* in one record */
    CUT_SIZE = 8,
};

struct segment_header {
    uint32_t number;     /* from 1 */
    uint64_t generation; /* random */
    uint32_t size;       /* of the file */
};

void segment_header_encode(const struct segment_header *header, char page[static SEGMENT_PAGE]);
/* ERR_NOT_FOUND: not a segment, or not finished. ERR_NEWER_FORMAT. ERR_CORRUPT: both copies are damaged. */
enum err segment_header_decode(const char page[static SEGMENT_PAGE], struct segment_header *ret_header);

enum record_kind {
    RECORD_SUBMIT = 1,
    RECORD_SETTLE,
    RECORD_END,
    RECORD_MOVE,
    RECORD_CUT,
    RECORD_KIND_END,
};

struct record {
    enum record_kind kind;
    enum queue_kind queue;
    uint32_t segment;
    uint32_t offset; /* of the header */
    uint64_t generation;
    uint32_t batch_offset; /* where its batch starts */
    uint16_t batch_index;
    uint16_t batch_count;
    uint32_t size; /* of all, padding included */
    uint32_t envelope_size;
    uint32_t envelope_crc;
    uint32_t destination;
    uint64_t id;
    int64_t due_us;
    struct body_ref body; /* in this record when body.segment and body.offset say so (record_holds_body) */
};

static inline uint32_t record_round(uint64_t size, uint32_t to)
{
    return (uint32_t)((size + to - 1) / to * to);
}

/* The frame of a body of that size, its table and padding included; the body follows. */
uint32_t frame_size(uint64_t body_size);
uint32_t frame_chunks(uint64_t body_size);
/* What a record takes, with an inline body of that size (0: none). */
uint32_t record_size(uint32_t envelope_size, uint64_t body_size, bool inline_body);

static inline uint32_t record_envelope_offset(const struct record *record)
{
    return record->offset + RECORD_HEADER_SIZE;
}

/* Where an inline body of this record stands. */
uint32_t record_body_offset(uint32_t record_offset, uint32_t envelope_size, uint64_t body_size);
bool record_holds_body(const struct record *record);

void record_encode(const struct record *record, char header[static RECORD_HEADER_SIZE]);
/* ERR_CORRUPT: not a whole header, or not at home here. ERR_NEWER_FORMAT: whole, and later than this version. What was
 * read as id is given even then, for the log. */
enum err record_decode(const char header[static RECORD_HEADER_SIZE], uint32_t segment, uint64_t generation,
                       uint32_t offset, struct record *ret_record);
/* As far as it can be told without a checksum: was a record of this segment's life here? Then its id (0: unreadable) and
 * size, both only for the log and for quarantine. */
bool record_guess(const char header[static RECORD_HEADER_SIZE], uint32_t segment, uint64_t generation, uint32_t offset,
                  uint64_t *ret_id, uint32_t *ret_size);
/* Where a header may begin: the first multiple of RECORD_ALIGN at which its magic stands, or one so near the end that none
 * fits behind it. */
uint32_t record_magic_find(struct slice bytes);

/* Writes the frame of the body that is given in pieces. */
void frame_encode(uint64_t id, uint64_t body_size, const struct slice *parts, uint32_t part_count, char *frame);
/* Checks head and table; frame has frame_size(body_size) octets. */
bool frame_check(const char *frame, uint64_t id, uint64_t body_size);
/* Checks one chunk against the table of a checked frame. */
bool frame_check_chunk(const char *frame, uint32_t chunk, struct slice bytes);

/* A cut: from `end` on nothing in that segment counts. */
struct cut {
    uint32_t segment;
    uint32_t end;
};

void cut_encode(struct cut cut, char bytes[static CUT_SIZE]);
struct cut cut_decode(const char bytes[static CUT_SIZE]);
