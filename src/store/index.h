/* The index: one row a queued message, and the position up to which the journal is in it. SQLite, WAL mode.
 *
 * One file at a time is the index: index-N.db, the largest N. A copy takes over when the files of the old one cannot be
 * relied on any more (a sync of them failed), or when they cannot be read (then it begins empty, and the journal is read
 * from its beginning). A struct index is one connection and belongs to one thread; a reader's only reads.
 *
 * Rows have a checksum of their own. What SQLite says is told as ERR_DISK_FULL, ERR_CORRUPT, ERR_BUSY, else ERR_IO. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "border/disk.h"
#include "border/store.h"
#include "store/pending.h"
#include "store/vfs.h"

enum { INDEX_VERSION = 1 };

struct index;

struct index_row {
    uint64_t id;
    int64_t due_us;
    enum queue_kind queue;
    uint32_t destination;
    struct record_ref envelope;
    struct body_ref body;
};

struct index_mark {
    struct position position;
    uint64_t last_id; /* the largest ever seen */
};

/* The writer's. *ret_fresh: there was none, or it could not be read and was put aside. */
enum err index_open(struct disk *disk, struct vfs *vfs, struct index **ret_index, bool *ret_fresh);
/* Closes it and renames its file to index.damaged: what it says is not to be trusted. The next index_open makes another. */
enum err index_put_aside(struct index *index, struct disk *disk);
/* A reader's connection to the file of that number. */
enum err index_open_reader(struct vfs *vfs, uint32_t number, struct index **ret_index);
void index_close(struct index *index); /* NULL does nothing */
uint32_t index_number(const struct index *index);

enum err index_mark_get(struct index *index, struct index_mark *ret_mark);

/* A transaction: begin, changes, then commit with the mark, or rollback. A change that failed: roll back. */
enum err index_begin(struct index *index);
enum err index_commit(struct index *index, const struct index_mark *mark);
void index_rollback(struct index *index);
enum err index_insert(struct index *index, const struct index_row *row, bool *ret_inserted); /* false: id is there */
enum err index_update(struct index *index, const struct index_row *row);
enum err index_remove(struct index *index, uint64_t id);

/* ERR_NOT_FOUND. ERR_CORRUPT: the row's checksum does not hold. */
enum err index_get(struct index *index, uint64_t id, struct index_row *ret_row);
/* Rows by id from after_id on, up to `to_id`; a damaged row has an empty envelope. */
enum err index_page(struct index *index, uint64_t after_id, uint64_t to_id, struct index_row *rows, uint32_t max,
                    uint32_t *ret_count);
enum err index_has_big(struct index *index, uint64_t id, bool *ret_has);

/* Pages of the WAL that are not in the database file yet, after the last commit. */
uint32_t index_waiting_pages(const struct index *index);
/* Moves them there and syncs. ERR_BUSY: a reader held up some of it. With `all` the WAL is emptied too. */
enum err index_checkpoint(struct index *index, bool all);

/* Copies the index to a file of the next number, synced and in place; the caller opens it and closes this one. */
enum err index_copy(struct index *index, struct disk *disk);
