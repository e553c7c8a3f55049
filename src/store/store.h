/* The embedded store: segments as journal (store/spool), SQLite as their index (store/index), one folder, one owner.
 *
 * It owns everything under DataDir except mail/, run/ and the configuration: lock, format, segments/, big/, index.db
 * and quarantine/. What is on disk after a crash, and why nothing answered STORE_OK is lost, is in docs/INVARIANTS.md.
 *
 * Threads: everything that takes a struct store blocks and is called by one thread, the store's (the writer). What takes
 * a struct store_reader blocks too and may be called by one other thread at the same time as the writer works; each
 * reader belongs to one thread. Nothing else is shared. The store reads no clock: monotonic time comes with the calls.
 *
 * What can go wrong: a failed write or sync gives up the segment (state.failed), never the process; a damaged record is
 * set aside and named (store_damage_next), the others go on; a full disk refuses submits and keeps room for settles. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/now.h"
#include "border/disk.h"
#include "border/op.h"
#include "border/store.h"

struct store;
struct store_reader;

enum {
    STORE_FORMAT_VERSION = 1,
    STORE_SEGMENT_SIZE = 64 << 20,
    STORE_SEGMENT_SIZE_MIN = 64 << 10,
    STORE_PENDING_MAX = 65536, /* messages committed and not yet in the index */
    STORE_MOVES_MAX = 1024,    /* reported by one call of store_moves_take */
};

struct store_options {
    uint64_t min_free_bytes; /* MinFree: submits get STORE_FULL below it */
    uint32_t segment_size;   /* of new segments; a multiple of 4096, at least STORE_SEGMENT_SIZE_MIN. A batch must fit in
                              * one: with small segments (tests) a larger batch gets STORE_FAILED */
    uint32_t pending_max;
    int64_t pending_age_us;  /* a message that has not ended by then goes to the index */
    uint8_t seed[32];        /* fresh at every start: from it come generations that nobody who sends mail can guess */
};

void store_options_default(struct store_options *ret_options); /* all but the seed */

/* ---- opening ---- */

/* Takes the lock, recovers, and returns when a submit may be accepted. ERR_BUSY: another facteurd has the folder.
 * ERR_NEWER_FORMAT: a later version wrote it; nothing was changed. ERR_DISK_FULL, ERR_IO: as the disk said. */
enum err store_open(struct disk *disk, struct now now, const struct store_options *options, struct store **ret_store);
/* Ends in good order; nothing depends on it. All readers must be closed before. NULL does nothing. */
void store_close(struct store *store);

/* Another MinFree from now on; on the writer's thread. */
void store_set_min_free(struct store *store, uint64_t bytes);

/* What opening found, for the log and for the engine's last_id. */
struct store_report {
    bool created;             /* the folder was empty */
    bool index_rebuilt;       /* the index was unreadable and has been made anew from the segments */
    uint64_t message_count;   /* queued messages */
    uint64_t last_id;         /* the largest id ever seen, of finished messages too */
    uint64_t replayed_count;  /* records read behind the position the index had */
    uint64_t torn_count;      /* unfinished records at the end of the journal, never answered STORE_OK */
    uint32_t orphan_count;    /* large files without a message, removed */
};

const struct store_report *store_report(const struct store *store);

/* Something damaged that was set aside; each is told once. id 0 when it cannot be read any more. The bytes, as far as
 * there are any, are kept in quarantine/ under segment and offset. */
struct store_damage {
    uint64_t id;
    uint32_t segment; /* 0: a row of the index */
    uint32_t offset;
};

bool store_damage_next(struct store *store, struct store_damage *ret_damage);

/* Stubs of the messages that were queued when the store was opened, by id, from after_id (0) on. *ret_count below max:
 * these were the last. */
enum err store_load_stubs(struct store *store, uint64_t after_id, struct store_stub *stubs, uint32_t max,
                          uint32_t *ret_count);

/* Stubs of messages that were due then, oldest first, each once: work starts before the whole queue is read in. Returns
 * how many; 0: no more. store_load_stubs gives them out again, as they are by then. */
uint32_t store_load_due(struct store *store, struct store_stub *stubs, uint32_t max);

/* ---- committing ---- */

/* One write and one sync for all items, then their results (as many as items, in order). Items: at most
 * STORE_BATCH_ITEMS_MAX and STORE_BATCH_SIZE_MAX. Either all items of a batch that got STORE_OK are there after a crash,
 * or, if the crash came before the return, possibly none.
 *   STORE_OK       durable
 *   STORE_FULL     not stored: no room. Below MinFree only submits without `notice` get it
 *   STORE_FAILED   certainly not stored, now or after any crash
 *   STORE_UNKNOWN  a sync failed and that it failed could not be written down either
 * Settle and end take the body's place as the engine last knew it; a place that has moved meanwhile is corrected, the
 * result says where it is. A submit whose id is queued already changes nothing. */
void store_commit(struct store *store, struct now now, const struct store_item *items, uint32_t count,
                  struct store_result *results);

void store_state_get(const struct store *store, struct store_state *ret_state);

/* Large bodies: appended in order at `offset`, finished (file and folder synced) before the submit that names them.
 * An append at a wrong offset, to an unknown id (offset above 0) or over STORE_BIG_OPEN_MAX open ones: STORE_FAILED. */
enum { STORE_BIG_OPEN_MAX = 2048 };
enum store_status store_big_append(struct store *store, uint64_t id, uint64_t offset, struct slice bytes);
enum store_status store_big_finish(struct store *store, uint64_t id);
void store_big_abort(struct store *store, uint64_t id);

/* ---- work in the background, each call a bounded step ---- */

/* Writes up to `budget` committed messages, oldest first, to the index, in one transaction with the position reached. A
 * message that has ended meanwhile never becomes a row. ERR_IO, ERR_DISK_FULL: nothing was changed, call again later. */
enum err store_apply(struct store *store, uint32_t budget);
/* Applies what is old, checkpoints, prepares segments, moves survivors, recycles, removes large files. True: more waits
 * to be done at once (call again when no batch waits); false: nothing before store_deadline_us. */
bool store_background(struct store *store, struct now now);
int64_t store_deadline_us(const struct store *store); /* monotonic; DEADLINE_NEVER when nothing waits */

/* Numbers of the last committed and the last applied batch: a query sees all up to the latter. Who wants a list that
 * has everything remembers store_committed, applies until store_applied has reached it, then queries. */
uint64_t store_committed(const struct store *store);
uint64_t store_applied(const struct store *store);

/* Messages whose bytes have moved since the last call; up to max, returns how many. While they are not taken, no more are
 * moved. Old places go on working: a reader that finds the bytes gone looks the message up in the index. */
uint32_t store_moves_take(struct store *store, struct store_move *moves, uint32_t max);

/* Sets a message aside whose bytes the reader found damaged (ERR_CORRUPT): out of the index, its bytes into quarantine/.
 * It is named by store_damage_next and comes back never. */
enum err store_quarantine(struct store *store, struct now now, uint64_t id);

/* ---- reading (a struct store_reader; any one other thread) ---- */

/* Opened and closed by its own thread, while the store is open. */
enum err store_reader_open(struct store *store, struct store_reader **ret_reader);
void store_reader_close(struct store_reader *reader); /* NULL does nothing */

/* Appends the envelope's bytes to out. ERR_CORRUPT: the checksum does not hold. ERR_NOT_FOUND: no such message any more. */
enum err store_read_envelope(struct store_reader *reader, uint64_t id, struct record_ref ref, struct buffer *out);
/* Appends `size` octets of the body at `offset` (fewer at its end), checked. Cheapest in whole STORE_CHUNK_SIZE at
 * multiples of it. */
enum err store_read_body(struct store_reader *reader, uint64_t id, const struct body_ref *body, uint64_t offset,
                         uint32_t size, struct buffer *out);

/* A page of queued messages by id. An address filter with a local part compares the whole address, one without ("@x.org"
 * or "x.org") the domain; ASCII case never matters. */
struct store_query {
    uint64_t after_id;
    uint32_t limit;       /* rows, at most STORE_PAGE_ROWS_MAX */
    uint32_t queues;      /* bits 1 << enum queue_kind; 0: all but the bad queue */
    uint64_t id;          /* only this message; 0: all */
    struct slice from;    /* "<>" is the null sender; empty: any */
    struct slice to;
    struct slice host;    /* domain of a recipient, or the host that answered last */
};

struct store_row {
    struct store_stub stub;
    struct slice envelope; /* encoded; empty when its bytes are damaged */
};

struct store_page {
    struct store_row *rows; /* in the arena */
    uint32_t count;
    uint64_t next_after_id; /* for the next page */
    bool more;              /* the next page may have rows, even if this one has none: a call looks at a bounded number */
};

enum err store_query(struct store_reader *reader, const struct store_query *query, struct arena *arena,
                     struct store_page *ret_page);
