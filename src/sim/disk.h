/* A simulated disk: struct disk on memory, drawn from a seed, that loses, tears and refuses as real ones do.
 *
 * The fault model, in the words of border/disk.h:
 *   - a write is in memory only, in pieces (sectors) of 512 octets, until sync of its file; a power loss keeps any
 *     subset of the unsynced sectors, none, or all;
 *   - a name made, renamed or removed is in memory only until sync_folder of its folder; a power loss keeps any subset of
 *     these changes. A file whose name was lost is gone, synced or not. A rename is kept whole or not at all;
 *   - a sync that fails drops what was written since the last good one from what later syncs will save, while it can
 *     still be read: it is on the disk in part, or not, after the next power loss;
 *   - a write that fails may have been done in part;
 *   - the end of a process loses nothing, but does not make anything safe either.
 *
 * One thread. Same seed and calls, same disk. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "border/disk.h"

struct sim_disk; /* begins with a struct disk */

/* An empty folder with room for size_bytes octets of files. */
struct sim_disk *sim_disk_new(uint64_t seed, uint64_t size_bytes);
void sim_disk_free(struct sim_disk *disk); /* NULL does nothing; files still open on it may not be used any more */
struct disk *sim_disk_border(struct sim_disk *disk);
/* The same state, what is not yet safe included; no open files, locks or faults. */
struct sim_disk *sim_disk_clone(const struct sim_disk *disk);

/* The process is gone: all open files fail from now on with ERR_CRASHED, locks are free. */
void sim_disk_kill(struct sim_disk *disk);
/* The machine was without power: a kill, and what is not safe is lost as the seed says. */
void sim_disk_power_loss(struct sim_disk *disk, uint64_t seed);

/* Changing operations up to now: create, write, sync, truncate, rename, remove, make_folder, sync_folder. */
uint64_t sim_disk_operations(const struct sim_disk *disk);
uint64_t sim_disk_syncs(const struct sim_disk *disk); /* of files */
/* Operation number `number` (from 0) and everything after it fails with ERR_CRASHED; that one may be done in part. */
void sim_disk_crash_at(struct sim_disk *disk, uint64_t number);
/* Called before each changing operation: the moment to clone the disk and see what a crash now would leave. */
void sim_disk_watch(struct sim_disk *disk, void (*watch)(void *context, uint64_t operation), void *context);

enum sim_operation {
    SIM_READ = 1 << 0,
    SIM_WRITE = 1 << 1,
    SIM_SYNC = 1 << 2,
    SIM_TRUNCATE = 1 << 3,
    SIM_RENAME = 1 << 4,
    SIM_REMOVE = 1 << 5,
    SIM_MAKE_FOLDER = 1 << 6,
    SIM_SYNC_FOLDER = 1 << 7,
    SIM_CREATE = 1 << 8,
    SIM_ALL = (1 << 9) - 1,
};

/* What fails. Also for planted defects: ERR_OK makes a sync or sync_folder say that it was done and do nothing. */
struct sim_fault {
    unsigned on;            /* enum sim_operation */
    const char *path;       /* only paths that contain it; NULL: all; must stay valid */
    uint32_t skip;          /* lets that many pass first */
    uint32_t times;         /* then fails that many; UINT32_MAX: for ever */
    enum err err;
};

enum { SIM_FAULTS_MAX = 8 };
void sim_disk_fault(struct sim_disk *disk, const struct sim_fault *fault);
void sim_disk_heal(struct sim_disk *disk); /* no faults from now on */
void sim_disk_resize(struct sim_disk *disk, uint64_t size_bytes);

/* Changes one octet of a file, as it is read and as it is on the disk. False when there is no such octet. */
bool sim_disk_rot(struct sim_disk *disk, const char *path, uint64_t offset, uint8_t mask);
/* The size of a file now; false when there is none. */
bool sim_disk_file_size(struct sim_disk *disk, const char *path, uint64_t *ret_size);
