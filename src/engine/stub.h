/* stub: what the engine keeps in memory of a queued message, found by id and ordered by when it is looked at next.
 *
 * A stub holds no address and no envelope: where they lie in the store, when the message is due, and which list of the
 * queue it is in. A million of them cost about 90 octets each with the tables here (stub_table_bytes). Stubs are named
 * by index; an index stays valid until stub_remove. Index 0 is no stub.
 *
 * Owned by engine/queue, which alone changes links and states. Nothing here can fail. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "border/store.h"

enum {
    STUB_CHUNK_COUNT = 4096,           /* stubs are allocated in chunks and never move */
    STUB_COUNT_MAX = 64 << 20,
    STUB_CHUNKS_MAX = STUB_COUNT_MAX / STUB_CHUNK_COUNT,
    STUB_HEAP_PAGE = 16384,
};

enum stub_state {
    STUB_FREE,
    STUB_WAITING, /* its time has not come */
    STUB_READY,   /* due: in line at its home */
    STUB_TAKEN,   /* loading, in an attempt, or its settle is being written */
    STUB_SET_ASIDE, /* holding or bad: nobody tries it; bad ones wake at the end of their lifetime */
};

struct message; /* engine/message.h: the message in memory, where it is */

struct stub {
    uint64_t id;
    int64_t wake_us;          /* wall: due when waiting, end of patience when ready; INT64_MAX: not in the heap */
    uint64_t body_size;
    struct message *message;  /* in memory, else NULL */
    struct record_ref envelope;
    uint32_t body_segment;
    uint32_t body_offset;
    uint32_t domain;          /* hash of the recipients' domain, 0: several */
    uint32_t home;            /* index of the queue's home whose list it is in */
    uint32_t next, prev;      /* in that list */
    uint32_t heap_position;   /* from 1; 0: not in the heap */
    uint32_t id_next;         /* in the table of ids; next free stub when free */
    uint8_t rule;             /* number of the rule that stopped it last (A15: 15), 0: not known */
    uint8_t queue;            /* enum queue_kind */
    uint8_t state;            /* enum stub_state */
    uint8_t body_big : 1;     /* the body is a file of its own, named by the id */
    uint8_t crashed : 1;      /* was in flight at an unclean end: tried alone */
    uint8_t doubted : 1;      /* ... and past the final dot */
    uint8_t counted : 1;      /* ... and that is written in its envelope */
    uint8_t verdict : 1;      /* what stopped it last was a verdict on the letter, no session failure */
    uint8_t overdue : 1;      /* taken because its patience in line ended, not because of a free slot */
    uint8_t woken : 1;        /* all were woken while it was taken */
};

struct stub_table {
    struct stub **chunks;
    uint32_t chunk_count;
    uint32_t used;         /* indexes handed out so far */
    uint32_t free_first;
    uint32_t count;
    uint32_t *buckets;
    uint32_t bucket_mask;
    uint32_t **heap_pages; /* the heap's array of indexes, in pages so that growing copies nothing */
    uint32_t heap_page_count;
    uint32_t heap_count;
};

void stub_table_init(struct stub_table *t);
void stub_table_done(struct stub_table *t);
size_t stub_table_bytes(const struct stub_table *t); /* all memory that it holds */

uint32_t stub_add(struct stub_table *t, uint64_t id); /* zeroed, not in the heap; the id must be new */
void stub_remove(struct stub_table *t, uint32_t index);
uint32_t stub_find(const struct stub_table *t, uint64_t id); /* 0 when there is none */
struct stub *stub_at(const struct stub_table *t, uint32_t index);

/* Puts the stub into the heap, moves it there, or takes it out (INT64_MAX). */
void stub_set_wake(struct stub_table *t, uint32_t index, int64_t wake_us);
uint32_t stub_first(const struct stub_table *t); /* the one with the earliest wake, 0 when the heap is empty */
