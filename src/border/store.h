/* The store's contract: every call a batch, every answer an event. The engine never knows which store it has.
 *
 * A message's durable state is a record: the envelope (as bytes) and where its body lies. A submit creates it, a settle
 * replaces the envelope (whole: recipients' states, queue, due) or ends the message. A batch is one write and one sync;
 * results are per item. Ids are the engine's, so a batch with unknown results may be sent again: a submit or settle with
 * an id and sequence already there is answered STORE_OK and changes nothing.
 *
 * Bytes of a commit stay valid until its results have been fed: the engine owns them anyway until then. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "border/model.h"

enum {
    STORE_BATCH_ITEMS_MAX = 256,
    STORE_BATCH_SIZE_MAX = 4 << 20,    /* octets of envelopes and inline bodies, at least one item */
    STORE_INLINE_BODY_MAX = 256 << 10, /* larger bodies go by big_append */
    STORE_CHUNK_SIZE = 64 << 10,
    STORE_PAGE_ROWS_MAX = 1000,
};

/* Where bytes lie. segment 0: nothing, or (for a body) the large file named by the message's id. Segment numbers only
 * grow; a recycled file gets a new number. */
struct record_ref {
    uint32_t segment;
    uint32_t offset; /* of the bytes themselves in the segment's file */
    uint32_t size;
};

struct body_ref {
    uint32_t segment;
    uint32_t offset;
    uint64_t size;
    uint64_t big_id; /* 0: in the segment; else the large file of that id */
};

enum store_status {
    STORE_OK,
    STORE_FENCED,  /* somebody else owns the message now, or it was set aside as damaged */
    STORE_FULL,    /* no room: 452 */
    STORE_FAILED,  /* certainly not stored: 451 */
    STORE_UNKNOWN, /* it may or may not be: a sync failed or an answer was lost; treated as not accepted, never as lost */
};

enum store_item_kind {
    STORE_SUBMIT,
    STORE_SETTLE, /* the envelope replaces the one before */
    STORE_END,    /* the message is finished and forgotten */
};

struct store_item {
    enum store_item_kind kind;
    uint64_t id;
    uint64_t tag;             /* the engine's, comes back with the result */
    int64_t due_us;           /* wall; the index's copy of what the envelope says */
    enum queue_kind queue;
    uint32_t destination;     /* hash of the next hop, 0 when there are several; a hint for the index */
    bool notice;              /* submit: made by us (a bounce that rides with its settle); may use the reserved room */
    struct slice envelope;    /* encoded; empty for STORE_END */
    struct body_ref body;     /* settle: as it was; submit of a large body: big_id and size */
    const struct slice *body_parts; /* submit: the inline body in up to body_part_count pieces */
    uint32_t body_part_count;
};

struct store_result {
    uint64_t id;
    uint64_t tag;
    enum store_status status;
    struct record_ref envelope; /* where it lies now */
    struct body_ref body;
};

/* One queued message as it is loaded at start: all that the engine keeps in memory about it. */
struct store_stub {
    uint64_t id;
    int64_t due_us;
    enum queue_kind queue;
    uint32_t destination;
    struct record_ref envelope;
    struct body_ref body;
};

/* What the store says of itself, fed when it changes. */
struct store_state {
    bool accepting;        /* false below MinFree or after a failed sync: submits get STORE_FULL or STORE_FAILED */
    bool full;             /* below MinFree */
    bool failed;           /* a segment was abandoned after a failed write or sync: an alert */
    uint64_t free_bytes;
    uint32_t quarantined;  /* damaged records found and set aside, named in the log */
    uint64_t quarantined_last_id;
};
