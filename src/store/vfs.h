/* SQLite's way to the disk: a VFS on border/disk.h, so that the index and the history stand on the same simulated disk as
 * the journal does.
 *
 * All connections to a file are of this process (the store holds the folder's lock), so locks and the shared memory of
 * the WAL lie on the heap, guarded by a mutex: connections may be used on different threads. No temporary files are
 * offered: connections set temp_store to memory.
 *
 * Pages of a database (VFS_PAGE_SIZE, with VFS_RESERVED octets at the end that SQLite leaves alone: vfs_prepare) carry a
 * checksum of their content and place. One that does not hold gives SQLITE_IOERR_DATA. The WAL has checksums of its own; what
 * a transaction appends to it gathers, up to 16 pages, and is written at the latest with its last page. */
#pragma once

#include <stdbool.h>

#include "border/disk.h"

struct sqlite3;
struct vfs;

enum {
    VFS_PAGE_SIZE = 4096,
    VFS_RESERVED = 8,
};

struct vfs *vfs_new(struct disk *disk); /* registers it with SQLite under a name of its own */
void vfs_free(struct vfs *vfs);         /* no file may be open; NULL does nothing */
const char *vfs_name(const struct vfs *vfs); /* for sqlite3_open_v2 */

/* To be called on every new connection, before anything else. False: out of memory. */
bool vfs_prepare(struct sqlite3 *database);

/* Has a sync of a file or its folder failed since the last call? What was written before cannot be relied on. */
bool vfs_sync_failed_take(struct vfs *vfs);
