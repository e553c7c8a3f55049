/* Messages whose last record is committed but not in the index yet: one entry each, in the order of their oldest such
 * record, found by id. A message that ends here never becomes a row.
 *
 * Entries say what the journal says; which octets are alive is counted by the caller (store/core). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"
#include "border/store.h"

enum pending_flag {
    PENDING_SUBMITTED = 1 << 0, /* the submit is among the records: there may be no row */
    PENDING_SURELY_NEW = 1 << 1, /* there is certainly no row */
    PENDING_SETTLED = 1 << 2,
    PENDING_MOVED = 1 << 3,
    PENDING_ENDED = 1 << 4,
    PENDING_BODY_COUNTED = 1 << 5, /* the body's octets are counted as alive with this entry */
};

/* A place in the journal. */
struct position {
    uint32_t segment;
    uint32_t offset;
};

struct pending_entry {
    struct list_item item;
    uint64_t id;
    unsigned flags;
    enum queue_kind queue;
    uint32_t destination;
    int64_t due_us;
    struct record_ref envelope; /* segment 0: not in these records (a message that ended) */
    struct body_ref body;
    struct position first;      /* the batch of the oldest record */
    uint64_t batch;             /* its number */
    int64_t since_us;           /* monotonic */
};

struct pending {
    struct table by_id;
    struct list order;
    struct pending_entry *unused; /* a free list through item.next */
    struct pending_block *blocks;
    uint32_t count;
};

void pending_init(struct pending *pending);
void pending_done(struct pending *pending);
struct pending_entry *pending_find(const struct pending *pending, uint64_t id);
struct pending_entry *pending_add(struct pending *pending, uint64_t id); /* behind all others; not there yet */
void pending_remove(struct pending *pending, struct pending_entry *entry);
struct pending_entry *pending_first(const struct pending *pending); /* NULL when empty */
struct pending_entry *pending_next(const struct pending *pending, const struct pending_entry *entry);
