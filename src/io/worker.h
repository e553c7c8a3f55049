/* What blocks, on libuv's worker threads: password hashing (argon2id) and Maildirs.
 *
 * The operation's bytes stay valid until answered (border/op.h), so nothing is copied but the password, which is wiped
 * by the worker once compared. Hashing takes tens of milliseconds and tens of megabytes: at most
 * WORKER_HASHES_MAX run at a time, the others wait in order. */
#pragma once

#include <uv.h>

#include "border/op.h"
#include "store/maildir.h"

enum { WORKER_HASHES_MAX = 2 };

struct worker;

struct worker_options {
    uv_loop_t *uv;
    struct disk *disk;             /* DataDir, for the Maildirs */
    struct maildir_source source;  /* called on a worker thread */
    void (*feed)(void *context, const struct event *event);
    void *context;
};

struct worker *worker_new(const struct worker_options *options);
void worker_free(struct worker *worker); /* nothing may be under way: worker_busy */
bool worker_busy(const struct worker *worker);
void worker_password(struct worker *worker, struct handle handle, const struct op_password *op);
void worker_maildir(struct worker *worker, struct handle handle, const struct op_maildir *op);
