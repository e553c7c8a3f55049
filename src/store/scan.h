/* Walks the records of a segment front to back, over damage too: behind a record that cannot be read the next one is
 * found by its magic, generation and own offset. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "store/segments.h"

enum { SCAN_SEARCH_MAX = STORE_BATCH_SIZE_MAX + (1 << 20) }; /* no batch is longer */

struct scan_item {
    bool damaged;       /* nothing readable in [offset, offset + size) but perhaps an id */
    bool envelope_good; /* not damaged: the checksums hold */
    bool body_good;
    uint32_t offset;
    uint32_t size;
    uint64_t id;
    struct record record;
    struct slice envelope; /* until the next call */
};

struct scan {
    const struct segment *segment;
    uint32_t offset;     /* where the next record is expected */
    uint32_t end;        /* nothing counts from here on; 0: not known, look for more */
    struct record found; /* behind damage that was told first */
    bool has_found;
    bool tail_told; /* what cannot be read at the end has been told */
    uint32_t window_from;
    struct buffer window;
};

void scan_init(struct scan *scan, const struct segment *segment, uint32_t from, uint32_t end);
void scan_done(struct scan *scan);
/* Damage at the end, with no record behind it, is told when the end is known or when there are signs of a record.
 * ERR_NOT_FOUND: that was all. ERR_NEWER_FORMAT; ERR_IO as the disk said. */
enum err scan_next(struct scan *scan, struct scan_item *ret_item);
