/* The store on two threads of its own, the writer and the reader, and history beside the reader.
 *
 * Operations go in, events come out on the loop's thread by one wake-up for all that has gathered. The writer works in
 * order; when nothing waits it does the store's background work. The reader serves loads, bodies and lists, and writes
 * history. A list sees all that was committed before it was asked for. */
#pragma once

#include <uv.h>

#include "border/op.h"
#include "store/history.h"
#include "store/maildir.h"
#include "store/store.h"

struct store_thread;

struct store_thread_options {
    struct store *store;
    struct history *history; /* NULL: none is kept */
    uv_loop_t *uv;
    void (*feed)(void *context, const struct event *event);
    void *context;
};

struct store_thread *store_thread_new(const struct store_thread_options *options);
/* Ends both threads after what was given them; nothing is fed any more. Store and history stay the caller's. What is left of it
 * goes when the loop runs once more, as it does to close its handles. */
void store_thread_free(struct store_thread *st);
/* Begins to load the queue: EVENT_STUBS in slices, the next one when the one before was fed. */
void store_thread_load(struct store_thread *st);
/* OP_COMMIT, OP_BIG_*, OP_LOAD, OP_BODY_READ. */
void store_thread_op(struct store_thread *st, const struct op *op);
/* Remembers an event for history; the bytes are copied. Dropped and counted when the reader does not keep up. */
void store_thread_history(struct store_thread *st, const struct history_event *event);
uint64_t store_thread_history_dropped(const struct store_thread *st);

/* Limits of a changed configuration; both threads take them up after what was given them before. */
struct store_limits {
    uint64_t min_free_bytes;
    struct history_options history;
};

void store_thread_limits(struct store_thread *st, const struct store_limits *limits);

/* A list of queued messages, or of history, for people; `done` is called on the loop's thread. */
struct store_list {
    enum { STORE_LIST_QUEUE, STORE_LIST_HISTORY } kind;
    struct store_query query;
    struct history_query history;
    void (*done)(void *context, const struct store_list *list);
    void *context;
    /* the answer */
    enum err err;
    struct store_page page;
    struct history_event *events;
    uint32_t event_count;
};

/* The list's slices are copied. */
void store_thread_list(struct store_thread *st, const struct store_list *list);
/* Reads bodies on any one worker thread at a time; made once. */
struct maildir_source store_thread_source(struct store_thread *st);
