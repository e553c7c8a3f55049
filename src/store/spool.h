/* The journal's writing end: batches into the active segment, the next segment when it is full, giving up a segment
 * whose write or sync failed. What is written is one batch, one write, one sync; docs/INVARIANTS.md 2. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/pending.h"
#include "store/segments.h"

struct spool_item {
    enum record_kind kind; /* not a cut */
    uint64_t id;
    int64_t due_us;
    enum queue_kind queue;
    uint32_t destination;
    struct slice envelope;
    bool inline_body;           /* the body is given, and goes into the record */
    const struct slice *parts;
    uint32_t part_count;
    struct body_ref body;       /* not inline: where it is; inline: only its size; afterwards where it lies */
    struct record_ref place;    /* afterwards: of the envelope */
};

struct spool {
    struct segments *segments;
    struct segment *active;    /* NULL: the next batch goes to a fresh one */
    struct cut cuts[CUTS_MAX]; /* ends of segments that no synced cut names yet */
    uint32_t cut_count;
    struct position end;       /* behind the last synced batch */
    struct buffer staging;     /* the batch as it is written */
    uint64_t batches;          /* synced */
    uint64_t failures;         /* segments given up */
    bool rescuing;             /* the cut of this batch ends another batch: never write it without the items */
};

void spool_init(struct spool *spool, struct segments *segments);
void spool_done(struct spool *spool);

/* Writes and syncs the batch. `reserved`: it may take the last spare segment.
 *   STORE_OK       done; the items' places are filled in, *ret_batch is where the batch starts
 *   STORE_FULL     no segment; nothing was written. Or the disk said it is full; nothing of it will come alive
 *   STORE_FAILED   the segment was given up, and a synced cut says so (or: the batch fits in no segment)
 *   STORE_UNKNOWN  given up, and the cut could not be written */
enum store_status spool_write(struct spool *spool, struct spool_item *items, uint32_t count, bool reserved,
                              struct position *ret_batch);
/* To begin the next batch with: that segment ends there. */
void spool_cut(struct spool *spool, uint32_t segment, uint32_t end);
