/* What happened to messages, for people: an SQLite file of its own (history.db) that nothing depends on.
 *
 * Written in batches, asynchronously; pruned by age and size. A failure loses history and nothing else: a damaged file is
 * put aside and begun anew. One thread at a time uses a struct history; it may be another one than the store's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "border/disk.h"

enum {
    HISTORY_BATCH_MAX = 4096,  /* events in one history_add */
    HISTORY_PAGE_MAX = 1000,   /* rows of one query */
    HISTORY_TEXT_MAX = 64 << 10,
};

struct history;

struct history_options {
    int64_t age_max_us;      /* events older than that are pruned */
    uint64_t size_max_bytes; /* of the file; the oldest go first */
};

struct history_event {
    int64_t at_us;       /* wall */
    uint64_t id;         /* of the message, 0: none */
    struct slice event;  /* "attempt", "delivered" ... */
    struct slice from;
    struct slice to;
    uint16_t rule;
    struct slice text;   /* the rest, as the caller encodes it (JSON); returned as it was */
};

enum err history_open(struct disk *disk, const struct history_options *options, struct history **ret_history);
void history_close(struct history *history); /* NULL does nothing */
void history_configure(struct history *history, const struct history_options *options); /* from the next history_prune on */
/* One transaction. Errors are for a counter; the events are then lost. */
enum err history_add(struct history *history, const struct history_event *events, uint32_t count);
/* Removes at most `limit` events that are too old at now_us (wall) or too many; true: there are more. */
bool history_prune(struct history *history, int64_t now_us, uint32_t limit);

struct history_query {
    uint64_t id;        /* 0: any */
    struct slice from;  /* whole address, ASCII case does not matter; empty: any */
    struct slice to;
    uint32_t limit;     /* at most HISTORY_PAGE_MAX */
};

/* Newest first; events and their bytes in the arena. */
enum err history_query(struct history *history, const struct history_query *query, struct arena *arena,
                       struct history_event **ret_events, uint32_t *ret_count);
