/* The store's inside: what its parts share, and the bookkeeping of what is committed, applied, alive and damaged.
 *
 * Only files of this folder include it. All of it is the store thread's, but segments (guarded) and index_number. */
#pragma once

#include <stdatomic.h>

#include "base/random.h"
#include "store/big.h"
#include "store/index.h"
#include "store/pending.h"
#include "store/segments.h"
#include "store/spool.h"
#include "store/store.h"
#include "store/vfs.h"

enum {
    DAMAGES_MAX = 256,          /* told; more are only counted */
    APPLY_STEP = 4096,          /* messages in one transaction when there is no other budget */
    QUARANTINE_SIZE_MAX = 8 << 20, /* octets kept of one damage */
    DUE_IDS_MAX = 16384,        /* that store_load_due gives out; with more, the first slices have enough work anyway */
    BIG_REMOVALS_MAX = 1 << 16, /* large files that wait for removal; more wait for the next start */
};

struct store {
    struct disk *disk;
    struct store_options options;
    struct random_stream random;
    struct disk_file *lock;
    struct vfs *vfs;
    struct index *index;
    atomic_uint index_number;   /* a reader whose connection has another number opens the new file */
    struct segments segments;
    struct spool spool;
    struct pending pending;
    struct big_writer big;
    struct index_mark mark;     /* as it is in the index */
    uint64_t last_id;           /* largest ever seen */
    uint64_t row_last_id;       /* largest that ever was a row: above it there is none */
    uint64_t loaded_to;         /* stubs up to this id are given out by store_load_stubs */
    bool stubs_loaded;
    int64_t opened_us;          /* wall */
    uint64_t *due_ids;          /* of messages that were due then, until store_load_due has given them out */
    uint32_t due_count, due_given;
    bool replaying;
    bool index_doubtful;        /* a sync of its files failed: no checkpoint, no recycling until it is copied */
    bool full;                  /* below MinFree */
    bool no_room;               /* the disk has refused a segment */
    bool failed;
    uint64_t free_bytes;
    uint64_t looked_bytes;      /* committed since the last look at the room */
    int64_t looked_us;
    int64_t now_us;             /* monotonic, of the last call that gave it */
    int64_t retry_us;           /* no background work before that: something has failed */
    struct store_report report;
    struct store_damage damages[DAMAGES_MAX];
    uint32_t damage_count, damage_told;
    uint32_t quarantined;
    uint64_t quarantined_last_id;
    uint64_t *set_aside;        /* ids, in this life: settles of them come too late */
    uint32_t set_aside_count, set_aside_capacity;
    uint64_t *big_removals;
    uint32_t big_removal_count, big_removal_capacity;
    struct store_move *moves;
    uint32_t move_count;
    struct mover *mover;        /* store/move.c: a segment that is being moved out; NULL */
    struct spool_item batch[STORE_BATCH_ITEMS_MAX];
};

void core_free(struct store *store); /* closes what is open */

/* ---- what is committed ---- */

struct core_note {
    enum record_kind kind;
    uint64_t id;
    int64_t due_us;
    enum queue_kind queue;
    uint32_t destination;
    struct record_ref envelope;
    struct body_ref body;
    bool holds_body;       /* the record has the body in it, or is the submit of a large one */
    struct position batch; /* where its batch starts */
};

/* A record that is on disk: the table of unapplied messages and what is alive. */
void core_note(struct store *store, const struct core_note *note);
/* Where a message is now, unapplied records included. ERR_NOT_FOUND: nowhere. */
enum err core_find(struct store *store, uint64_t id, struct index_row *ret_row);
int64_t core_envelope_weight(struct record_ref envelope);
int64_t core_body_weight(const struct body_ref *body);

/* ---- applying ---- */

/* One transaction of up to `budget` messages and the position. */
enum err core_apply(struct store *store, uint32_t budget);
enum err core_apply_all(struct store *store);
/* Is the index behind the end of the journal, though nothing waits? */
bool core_mark_is_old(const struct store *store);
/* After a failed sync the index is copied; else a checkpoint (with `all`, of everything and with an empty WAL). */
enum err core_checkpoint(struct store *store, bool all);
/* Nothing needs the segment once a checkpoint that begins now has ended well. */
bool core_can_release(const struct store *store, const struct segment *segment);
/* Frees those; a checkpoint must just have ended well. */
void core_release_segments(struct store *store);

/* ---- damage, room ---- */

/* Names it, counts it, and puts what can be read of the octets into quarantine/. */
void core_damage(struct store *store, uint64_t id, const struct segment *segment, uint32_t offset, uint32_t size);
/* Copies octets to quarantine/, as far as the disk lets it. */
void core_keep_octets(struct store *store, const struct segment *segment, uint32_t offset, uint32_t size);
/* Moves a large file to quarantine/. */
enum err core_keep_big(struct store *store, uint64_t id);
/* Something unfinished at the end of the journal: only counted, but its octets are kept in case it was rot. */
void core_torn(struct store *store, const struct segment *segment, uint32_t offset, uint32_t size);
void core_remove_big_later(struct store *store, uint64_t id);
void core_look_at_room(struct store *store);
