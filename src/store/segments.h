/* The segments' files: made, found again, recycled, pinned. What the records in them mean is not known here.
 *
 * Owned and changed by the store's thread. A reader on another thread may only pin, read and unpin: the mutex guards the
 * list and the states against that, and a segment that is pinned is neither recycled nor removed.
 *
 * A segment's life: made (zeros, header, all synced) -> spare -> active -> closed -> free -> spare again under a new
 * number and generation. docs/INVARIANTS.md 5 says when closed may become free; the caller does. One whose write or sync
 * failed is given up: it is never written again and its file is removed instead of being recycled. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <threads.h>

#include "base/random.h"
#include "border/disk.h"
#include "store/record.h"

enum {
    SEGMENTS_MAX = 1 << 16,
    SEGMENT_FILL_STEP = 1 << 20, /* octets of zeros written in one step */
};

enum segment_state {
    SEGMENT_SPARE,
    SEGMENT_ACTIVE,
    SEGMENT_CLOSED,
    SEGMENT_FREE,
};

struct segment {
    struct segment_header header;
    enum segment_state state;
    uint32_t file_number;     /* names the file */
    struct disk_file *file;
    uint32_t end;             /* active, closed: behind the last batch that counts; 0 when not known */
    int64_t alive_bytes;      /* in rows and in what is not applied yet */
    int64_t alive_change;     /* of the transaction that is being written */
    bool given_up;
    bool moving;              /* its survivors are being copied, or have been: places in it may be old */
    uint32_t pins;            /* guarded */
};

struct segments {
    struct disk *disk;
    uint32_t segment_size;
    struct random_stream *random; /* generations */
    struct segment **items;       /* by number; guarded */
    uint32_t count;
    uint32_t capacity;
    uint32_t next_number;
    uint32_t next_file_number;
    struct disk_file *filling;    /* a file in the making */
    uint32_t filled;
    mtx_t mutex;
};

/* Opens the folder segments/ (made when absent) and reads all headers. Files that were never finished are removed.
 * Everything found is closed, with end 0. damaged() is told the file numbers of segments whose header is unreadable; such
 * a file is left where it is. ERR_NEWER_FORMAT: nothing was changed. */
enum err segments_open(struct segments *segments, struct disk *disk, uint32_t segment_size,
                       struct random_stream *random, void (*damaged)(void *context, uint32_t file_number),
                       void *context);
void segments_close(struct segments *segments);

struct segment *segments_find(const struct segments *segments, uint32_t number); /* NULL; the store's thread */
uint32_t segments_count(const struct segments *segments, enum segment_state state);
void segments_set_state(struct segments *segments, struct segment *segment, enum segment_state state);

/* For a reader: NULL when there is no such segment, or it is free or spare. */
struct segment *segments_pin(struct segments *segments, uint32_t number);
void segments_unpin(struct segments *segments, struct segment *segment);
/* Closed to free, unless somebody reads it. */
bool segments_release(struct segments *segments, struct segment *segment);

/* A step towards one more spare: recycles a free segment, or goes on making a new file. *ret_done: there is one more. */
enum err segments_prepare(struct segments *segments, bool *ret_done);
/* The spare of the lowest number, or NULL. */
struct segment *segments_spare(const struct segments *segments);
/* Removes the file of a free segment, and the segment. */
enum err segments_remove(struct segments *segments, struct segment *segment);

/* Octets that became alive (or dead, below 0) in a segment; a number that is not there is passed over. */
void segments_alive(struct segments *segments, uint32_t number, int64_t bytes);
/* The same within a transaction of the index: counts only after segments_alive_settle(true). */
void segments_alive_later(struct segments *segments, uint32_t number, int64_t bytes);
void segments_alive_settle(struct segments *segments, bool committed);
