/* message: a message active in memory: its envelope decoded, and its body where that is here.
 *
 * Owners, one at a time: intake (or bounce) from message_new to the commit's submit; commit while its group is
 * there; the queue from `queued` on, for as long as the message is in memory; it frees it (or keeps it until the first
 * attempt is over, because of its body). On a refused submit commit frees it.
 *
 * The envelope's slices point into the message's arena or at static text, nowhere else. The body is a chain of blocks
 * with the stored octets (Received field first, canonical CRLF), or nothing when it lies in the store only. Messages,
 * arenas and blocks are reused: a fresh message allocates nothing once the server is warm. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "border/model.h"
#include "border/store.h"
#include "engine/core.h"

enum {
    MESSAGE_BLOCK_SMALL_SIZE = 4 << 10,  /* the first block: most letters need no other */
    MESSAGE_BLOCK_SIZE = 32 << 10,
    MESSAGE_BODY_PARTS_MAX = STORE_INLINE_BODY_MAX / MESSAGE_BLOCK_SIZE + 4, /* the prefix, a small one */
    MESSAGE_PREFIX_SIZE_MAX = 4000,      /* what may be prepended: it goes into one small block */
    MESSAGES_KEPT_MAX = 256,             /* free messages and small blocks kept for reuse */
    MESSAGE_BLOCKS_KEPT_MAX = 64,        /* likewise, of the others */
    MESSAGE_ARENA_KEPT_SIZE = 16 << 10,  /* an arena that grew above it is given back */
};

struct message_block {
    struct message_block *next;
    uint32_t size;     /* octets in it */
    uint32_t capacity;
    char data[];
};

struct message {
    struct message *next_free;
    struct arena arena;
    struct envelope envelope;         /* .id is the message's id */
    struct record_ref record;         /* where the envelope lies in the store; size 0 before the commit */
    struct body_ref body;             /* where the body lies; size 0 before the commit */
    struct message_block *first, *last; /* the body in memory, NULL when it is not */
    uint64_t body_bytes;              /* octets in the blocks */
    uint32_t recipient_capacity;
    uint32_t destination;             /* queue_hash of the recipients' domain, 0 when there are several: the index's hint */
    bool body_whole;                  /* the blocks hold the whole body */
    uint32_t stub;                    /* the queue's index, 0 before it has one */
    bool settling;                    /* settle_early: not durable yet */
    bool inflight;                    /* it has a slot of engine/inflight */
    uint32_t inflight_slot;
    void *owner;                      /* the present owner's (an attempt, a settle) */
};

struct messages; /* the pool; one an engine */

void messages_init(struct engine *e);
void messages_done(struct engine *e);

struct message *message_new(struct engine *e); /* with a new id; everything else is zero */
struct message *message_new_empty(struct engine *e); /* without an id: to be decoded into */
void message_free(struct engine *e, struct message *m); /* NULL is fine */

/* Decodes the record into the message's own arena (which copies the bytes). ERR_CORRUPT, ERR_NEWER_FORMAT. */
enum err message_decode(struct message *m, struct slice record);
/* Room for one more recipient at the end, zeroed; the caller fills it. At most ENVELOPE_RECIPIENTS_MAX. */
struct recipient *message_recipient_add(struct message *m);

/* destination: by the recipients that are not finished. */
void message_set_destination(struct message *m);

void message_body_add(struct engine *e, struct message *m, struct slice bytes);
void message_body_prepend(struct engine *e, struct message *m, struct slice bytes); /* a block of its own in front */
/* Gives the first block back (a large body is being streamed); body_whole becomes false. */
void message_body_take_first(struct engine *e, struct message *m);
/* Gives all blocks back (the store has the body); body_whole becomes false. */
void message_body_drop(struct engine *e, struct message *m);
/* The octets in memory as slices, at most MESSAGE_BODY_PARTS_MAX; body_whole must hold. */
uint32_t message_body_parts(const struct message *m, struct slice ret_parts[static MESSAGE_BODY_PARTS_MAX]);
/* From octet `offset` on as far as its block goes; empty at the end. For sending from memory. */
struct slice message_body_at(const struct message *m, uint64_t offset);
/* Fresh bodies may stay in memory: what all messages hold is below BodyMemory. */
bool message_body_may_stay(const struct engine *e);
uint64_t messages_body_memory(const struct engine *e);
