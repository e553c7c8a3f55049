/* The disk as the store sees it: a table of calls on one folder (DataDir), implemented by io/disk on the real system
 * and by sim/disk on a disk that loses, tears and refuses.
 *
 * Calls block and are made on the store's own threads only. Paths are relative to the folder, slash-separated, without
 * ".." and without a leading slash; implementations open below the folder only and never follow links. Errors are
 * ERR_DISK_FULL, ERR_NOT_FOUND, ERR_EXISTS, ERR_BUSY (lock), ERR_CRASHED (simulated power loss: everything fails from
 * then on) and ERR_IO for the rest.
 *
 * Durability, the whole of the model that the store may rely on:
 *   - written bytes may vanish, wholly or in part and in any order, until sync of that file has returned ERR_OK;
 *   - a name (create, rename, remove) may vanish or come back until sync_folder of its folder has returned ERR_OK;
 *   - after a sync that failed nothing written to that file since the last good sync may be relied on, whatever a later
 *     sync says. The store never retries a sync as if it had worked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

struct disk;
struct disk_file;

enum disk_open_flags {
    DISK_OPEN_READ = 0,
    DISK_OPEN_WRITE = 1 << 0,     /* read and write */
    DISK_OPEN_CREATE = 1 << 1,    /* create when absent; with EXCLUSIVE it must be absent */
    DISK_OPEN_EXCLUSIVE = 1 << 2,
    DISK_OPEN_LOCK = 1 << 3,      /* take the exclusive lock of the file or fail with ERR_BUSY */
};

struct disk_slice {
    const void *data;
    size_t size;
};

struct disk_space {
    uint64_t free_bytes;
    uint64_t total_bytes;
};

struct disk_calls {
    enum err (*open)(struct disk *disk, const char *path, unsigned flags, struct disk_file **ret_file);
    void (*close)(struct disk_file *file);
    /* Reads up to size octets at offset; *ret_size below size only at the end of the file. */
    enum err (*read)(struct disk_file *file, uint64_t offset, void *data, size_t size, size_t *ret_size);
    /* Writes all the slices one behind the other at offset with one system call where possible, or fails. */
    enum err (*write)(struct disk_file *file, uint64_t offset, const struct disk_slice *slices, size_t count);
    enum err (*sync)(struct disk_file *file); /* fdatasync */
    enum err (*truncate)(struct disk_file *file, uint64_t size);
    enum err (*size)(struct disk_file *file, uint64_t *ret_size);
    enum err (*rename)(struct disk *disk, const char *from, const char *to);
    enum err (*remove)(struct disk *disk, const char *path);
    enum err (*make_folder)(struct disk *disk, const char *path); /* ERR_EXISTS when there */
    enum err (*sync_folder)(struct disk *disk, const char *path); /* "" is the folder itself */
    /* Calls each name (not "." and "..") in no order; stops when each() returns false. */
    enum err (*list)(struct disk *disk, const char *path, bool (*each)(void *context, const char *name), void *context);
    enum err (*space)(struct disk *disk, struct disk_space *ret_space);
};

struct disk {
    const struct disk_calls *calls;
};

struct disk_file {
    const struct disk_calls *calls;
};
