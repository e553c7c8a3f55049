#include "store/vfs.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <threads.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/codec.h"

enum {
    PATH_SIZE_MAX = 256,
    SECTOR_SIZE = 4096,
    SHM_REGIONS_MAX = 1024, /* of 32 KiB: WAL of 4 million pages */
    FRAME_HEADER_SIZE = 24, /* in the WAL, before each page */
    FRAMES_GATHERED_MAX = 16,
};

/* What the connections to one file share; lives as long as one of them. */
struct vfs_node {
    struct vfs_node *next;
    char path[PATH_SIZE_MAX];
    uint32_t references;
    uint32_t shared;                   /* holders of a shared lock or more */
    const struct vfs_file *reserved;   /* holders of the other locks */
    const struct vfs_file *pending;
    uint32_t shm_references;
    void *shm_regions[SHM_REGIONS_MAX];
    int shm_region_count;
    uint32_t shm_shared[SQLITE_SHM_NLOCK];
    bool shm_exclusive[SQLITE_SHM_NLOCK];
};

struct vfs {
    sqlite3_vfs base;
    struct disk *disk;
    mtx_t mutex; /* guards the nodes */
    struct vfs_node *nodes;
    atomic_bool sync_failed;
    char name[40];
};

struct vfs_file {
    sqlite3_file base;
    struct vfs *vfs;
    struct vfs_node *node;
    struct disk_file *file;
    bool checksums;       /* it is a database, and what is read and written in whole pages carries them */
    bool wal;
    bool folder_sync_due; /* the file was created here and its name is not safe yet */
    uint64_t append_at;      /* WAL: behind what was written last */
    struct buffer gathered;  /* WAL: what stands before append_at and is not written yet */
    bool gathered_commit;    /* its last frame ends a transaction */
    int lock;
    bool shm_mapped;
    unsigned shm_shared; /* bits */
    unsigned shm_exclusive;
};

static struct vfs *vfs_of(sqlite3_vfs *base)
{
    return base->pAppData;
}

static struct vfs_file *file_of(sqlite3_file *base)
{
    return (struct vfs_file *)base;
}

static int result_of(enum err err, int otherwise)
{
    return err == ERR_OK ? SQLITE_OK : err == ERR_DISK_FULL ? SQLITE_FULL : otherwise;
}

/* ---- nodes; the mutex is held ---- */

static struct vfs_node *node_open(struct vfs *vfs, const char *path)
{
    for (struct vfs_node *node = vfs->nodes; node; node = node->next) {
        if (strcmp(node->path, path) == 0) {
            node->references++;
            return node;
        }
    }
    struct vfs_node *node = mem_alloc(sizeof *node);
    assert(strlen(path) < sizeof node->path);
    memcpy(node->path, path, strlen(path) + 1);
    node->references = 1;
    node->next = vfs->nodes;
    vfs->nodes = node;
    return node;
}

static void node_close(struct vfs *vfs, struct vfs_node *node)
{
    if (--node->references > 0)
        return;
    assert(node->shm_references == 0);
    struct vfs_node **place = &vfs->nodes;
    while (*place != node)
        place = &(*place)->next;
    *place = node->next;
    mem_free(node);
}

static int file_unlock(sqlite3_file *base, int level);

/* ---- the WAL's frames ---- */

/* SQLite appends a transaction to the WAL as two writes a page, the frame's header and the page, and shows it to readers
 * when all are done. Here they become one write; at the latest the page that ends the transaction, which its header says
 * by its second number, brings all of it to the file. Only what is appended is gathered: a header behind which no page
 * follows (SQLite mends checksums in earlier frames) goes out by itself. */
static enum err gathered_write(struct vfs_file *f)
{
    if (f->gathered.size == 0)
        return ERR_OK;
    struct disk_slice whole = { f->gathered.data, f->gathered.size };
    enum err err = f->file->calls->write(f->file, f->append_at - f->gathered.size, &whole, 1);
    buffer_clear(&f->gathered);
    return err;
}

/* False: it is to be written by itself. */
static bool gathered_take(struct vfs_file *f, const char *data, size_t size, uint64_t offset)
{
    if (!f->wal || offset != f->append_at || (size != FRAME_HEADER_SIZE && f->gathered.size == 0) ||
        f->gathered.size + size > f->gathered.size_max)
        return false;
    if (size == FRAME_HEADER_SIZE)
        f->gathered_commit = memcmp(data + 4, (const char[4]){ 0 }, 4) != 0;
    buffer_add(&f->gathered, slice(data, size));
    f->append_at += size;
    return true;
}

static enum err wal_write(struct vfs_file *f, const char *data, size_t size, uint64_t offset)
{
    if (gathered_take(f, data, size, offset)) {
        bool full = f->gathered.size >= FRAMES_GATHERED_MAX * (FRAME_HEADER_SIZE + VFS_PAGE_SIZE);
        return size != FRAME_HEADER_SIZE && (full || f->gathered_commit) ? gathered_write(f) : ERR_OK;
    }
    enum err err = gathered_write(f);
    struct disk_slice whole = { data, size };
    if (err == ERR_OK)
        err = f->file->calls->write(f->file, offset, &whole, 1);
    f->append_at = offset + size;
    return err;
}

/* ---- files ---- */

static int file_close(sqlite3_file *base)
{
    struct vfs_file *f = file_of(base);
    (void)gathered_write(f); /* of no finished transaction */
    buffer_done(&f->gathered);
    file_unlock(base, SQLITE_LOCK_NONE);
    f->file->calls->close(f->file);
    mtx_lock(&f->vfs->mutex);
    node_close(f->vfs, f->node);
    mtx_unlock(&f->vfs->mutex);
    return SQLITE_OK;
}

/* The sum binds a page to its place: one written to the wrong place does not hold there. */
static uint64_t page_sum(const void *page, sqlite3_int64 offset)
{
    uint32_t number = (uint32_t)(offset / VFS_PAGE_SIZE) + 1;
    uint32_t sum = crc32c(number, slice(page, VFS_PAGE_SIZE - VFS_RESERVED));
    return (uint64_t)~number << 32 | sum;
}

static bool is_page(const struct vfs_file *f, int size, sqlite3_int64 offset)
{
    return f->checksums && size == VFS_PAGE_SIZE && offset % VFS_PAGE_SIZE == 0;
}

/* A page of zeros was never written; SQLite knows what to make of it. */
static bool page_holds(const char *page, sqlite3_int64 offset)
{
    uint64_t sum;
    memcpy(&sum, page + VFS_PAGE_SIZE - VFS_RESERVED, sizeof sum);
    return sum == page_sum(page, offset) || (page[0] == 0 && memcmp(page, page + 1, VFS_PAGE_SIZE - 1) == 0);
}

static int file_read(sqlite3_file *base, void *data, int size, sqlite3_int64 offset)
{
    struct disk_file *file = file_of(base)->file;
    size_t got;
    if ((uint64_t)offset + (uint64_t)size > file_of(base)->append_at - file_of(base)->gathered.size &&
        gathered_write(file_of(base)) != ERR_OK)
        return SQLITE_IOERR_WRITE;
    if (file->calls->read(file, (uint64_t)offset, data, (size_t)size, &got) != ERR_OK)
        return SQLITE_IOERR_READ;
    if (got == (size_t)size)
        return is_page(file_of(base), size, offset) && !page_holds(data, offset) ? SQLITE_IOERR_DATA : SQLITE_OK;
    memset((char *)data + got, 0, (size_t)size - got); /* SQLite asks for that */
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
    struct disk_file *file = file_of(base)->file;
    if (!is_page(file_of(base), size, offset))
        return result_of(wal_write(file_of(base), data, (size_t)size, (uint64_t)offset), SQLITE_IOERR_WRITE);
    uint64_t sum = page_sum(data, offset);
    struct disk_slice slices[2] = { { data, VFS_PAGE_SIZE - VFS_RESERVED }, { &sum, sizeof sum } };
    return result_of(file->calls->write(file, (uint64_t)offset, slices, 2), SQLITE_IOERR_WRITE);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct disk_file *file = file_of(base)->file;
    enum err err = gathered_write(file_of(base));
    if (err == ERR_OK)
        err = file->calls->truncate(file, (uint64_t)size);
    return result_of(err, SQLITE_IOERR_TRUNCATE);
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct vfs_file *f = file_of(base);
    enum err err = gathered_write(f);
    if (err == ERR_OK)
        err = f->file->calls->sync(f->file);
    if (err == ERR_OK && f->folder_sync_due) {
        err = f->vfs->disk->calls->sync_folder(f->vfs->disk, "");
        f->folder_sync_due = err != ERR_OK;
    }
    if (err != ERR_OK)
        atomic_store(&f->vfs->sync_failed, true);
    return result_of(err, SQLITE_IOERR_FSYNC);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    struct disk_file *file = file_of(base)->file;
    uint64_t size;
    if (gathered_write(file_of(base)) != ERR_OK)
        return SQLITE_IOERR_WRITE;
    if (file->calls->size(file, &size) != ERR_OK)
        return SQLITE_IOERR_FSTAT;
    *ret_size = (sqlite3_int64)size;
    return SQLITE_OK;
}

/* ---- locks: as sqlite3.h describes them for xLock ---- */

static int file_lock_held(struct vfs_file *f, int level)
{
    struct vfs_node *node = f->node;
    if (f->lock >= level)
        return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED) {
        if (node->pending)
            return SQLITE_BUSY;
        node->shared++;
        f->lock = SQLITE_LOCK_SHARED;
        return SQLITE_OK;
    }
    if (node->reserved && node->reserved != f)
        return SQLITE_BUSY;
    node->reserved = f;
    if (level == SQLITE_LOCK_RESERVED) {
        f->lock = SQLITE_LOCK_RESERVED;
        return SQLITE_OK;
    }
    node->pending = f; /* from here on nobody new comes in */
    f->lock = node->shared == 1 ? SQLITE_LOCK_EXCLUSIVE : SQLITE_LOCK_PENDING;
    return f->lock == SQLITE_LOCK_EXCLUSIVE ? SQLITE_OK : SQLITE_BUSY;
}

static int file_lock(sqlite3_file *base, int level)
{
    struct vfs_file *f = file_of(base);
    mtx_lock(&f->vfs->mutex);
    int result = file_lock_held(f, level);
    mtx_unlock(&f->vfs->mutex);
    return result;
}

static int file_unlock(sqlite3_file *base, int level)
{
    struct vfs_file *f = file_of(base);
    if (f->lock <= level)
        return SQLITE_OK;
    mtx_lock(&f->vfs->mutex);
    if (f->node->reserved == f)
        f->node->reserved = NULL;
    if (f->node->pending == f)
        f->node->pending = NULL;
    if (level == SQLITE_LOCK_NONE)
        f->node->shared--;
    f->lock = level;
    mtx_unlock(&f->vfs->mutex);
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret_reserved)
{
    struct vfs_file *f = file_of(base);
    mtx_lock(&f->vfs->mutex);
    *ret_reserved = f->node->reserved != NULL;
    mtx_unlock(&f->vfs->mutex);
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int operation, void *argument)
{
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base)
{
    return SECTOR_SIZE;
}

static int file_characteristics(sqlite3_file *base)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- the WAL's shared memory ---- */

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret_memory)
{
    struct vfs_file *f = file_of(base);
    struct vfs_node *node = f->node;
    int result = SQLITE_OK;
    mtx_lock(&f->vfs->mutex);
    if (!f->shm_mapped) {
        f->shm_mapped = true;
        node->shm_references++;
    }
    if (region >= SHM_REGIONS_MAX)
        result = SQLITE_NOMEM;
    while (result == SQLITE_OK && extend && node->shm_region_count <= region)
        node->shm_regions[node->shm_region_count++] = mem_alloc((size_t)size);
    *ret_memory = result == SQLITE_OK && region < node->shm_region_count ? node->shm_regions[region] : NULL;
    mtx_unlock(&f->vfs->mutex);
    return result;
}

static bool shm_lock_is_free(const struct vfs_file *f, unsigned mask, bool exclusive)
{
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        if (!(mask & 1u << i))
            continue;
        uint32_t others = f->node->shm_shared[i] - ((f->shm_shared >> i) & 1);
        bool taken = f->node->shm_exclusive[i] && !(f->shm_exclusive >> i & 1);
        if (taken || (exclusive && others > 0))
            return false;
    }
    return true;
}

static void shm_lock_take(struct vfs_file *f, unsigned mask, bool exclusive)
{
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        if (!(mask & 1u << i))
            continue;
        if (exclusive)
            f->node->shm_exclusive[i] = true;
        else if (!(f->shm_shared >> i & 1))
            f->node->shm_shared[i]++;
    }
    if (exclusive)
        f->shm_exclusive |= mask;
    else
        f->shm_shared |= mask;
}

static void shm_lock_give(struct vfs_file *f, unsigned mask)
{
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        if (mask & f->shm_exclusive & 1u << i)
            f->node->shm_exclusive[i] = false;
        if (mask & f->shm_shared & 1u << i)
            f->node->shm_shared[i]--;
    }
    f->shm_exclusive &= ~mask;
    f->shm_shared &= ~mask;
}

static int shm_lock(sqlite3_file *base, int first, int count, int flags)
{
    struct vfs_file *f = file_of(base);
    assert(first >= 0 && count >= 1 && first + count <= SQLITE_SHM_NLOCK);
    unsigned mask = ((1u << count) - 1) << first;
    int result = SQLITE_OK;
    mtx_lock(&f->vfs->mutex);
    if (flags & SQLITE_SHM_UNLOCK)
        shm_lock_give(f, mask);
    else if (shm_lock_is_free(f, mask, flags & SQLITE_SHM_EXCLUSIVE))
        shm_lock_take(f, mask, flags & SQLITE_SHM_EXCLUSIVE);
    else
        result = SQLITE_BUSY;
    mtx_unlock(&f->vfs->mutex);
    return result;
}

static void shm_barrier(sqlite3_file *base)
{
    struct vfs_file *f = file_of(base);
    atomic_thread_fence(memory_order_seq_cst);
    mtx_lock(&f->vfs->mutex); /* what ThreadSanitizer understands as well */
    mtx_unlock(&f->vfs->mutex);
}

static int shm_unmap(sqlite3_file *base, int remove)
{
    struct vfs_file *f = file_of(base);
    mtx_lock(&f->vfs->mutex);
    if (f->shm_mapped) {
        shm_lock_give(f, ~0u);
        f->shm_mapped = false;
        if (--f->node->shm_references == 0) {
            for (int i = 0; i < f->node->shm_region_count; i++)
                mem_free(f->node->shm_regions[i]);
            f->node->shm_region_count = 0;
        }
    }
    mtx_unlock(&f->vfs->mutex);
    return SQLITE_OK;
}

/* ---- the file system ---- */

static int vfs_open(sqlite3_vfs *base, sqlite3_filename path, sqlite3_file *base_file, int flags, int *ret_flags)
{
    static const sqlite3_io_methods methods = {
        .iVersion = 2,
        .xClose = file_close,
        .xRead = file_read,
        .xWrite = file_write,
        .xTruncate = file_truncate,
        .xSync = file_sync,
        .xFileSize = file_size,
        .xLock = file_lock,
        .xUnlock = file_unlock,
        .xCheckReservedLock = file_check_reserved,
        .xFileControl = file_control,
        .xSectorSize = file_sector_size,
        .xDeviceCharacteristics = file_characteristics,
        .xShmMap = shm_map,
        .xShmLock = shm_lock,
        .xShmBarrier = shm_barrier,
        .xShmUnmap = shm_unmap,
    };
    struct vfs *vfs = vfs_of(base);
    struct vfs_file *f = file_of(base_file);
    memset(f, 0, sizeof *f); /* without methods SQLite does not close it */
    if (!path || strlen(path) >= PATH_SIZE_MAX)
        return SQLITE_CANTOPEN;
    unsigned mode = flags & SQLITE_OPEN_READONLY ? DISK_OPEN_READ : DISK_OPEN_WRITE;
    enum err err = vfs->disk->calls->open(vfs->disk, path, mode, &f->file);
    if (err == ERR_NOT_FOUND && (flags & SQLITE_OPEN_CREATE)) {
        err = vfs->disk->calls->open(vfs->disk, path, mode | DISK_OPEN_CREATE, &f->file);
        f->folder_sync_due = true;
    }
    if (err != ERR_OK)
        return result_of(err, SQLITE_CANTOPEN);
    f->vfs = vfs;
    f->checksums = flags & SQLITE_OPEN_MAIN_DB;
    f->wal = flags & SQLITE_OPEN_WAL;
    buffer_init(&f->gathered, (FRAMES_GATHERED_MAX + 1) * (FRAME_HEADER_SIZE + VFS_PAGE_SIZE));
    mtx_lock(&vfs->mutex);
    f->node = node_open(vfs, path);
    mtx_unlock(&vfs->mutex);
    f->base.pMethods = &methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *path, int sync_folder)
{
    struct vfs *vfs = vfs_of(base);
    enum err err = vfs->disk->calls->remove(vfs->disk, path);
    if (err == ERR_NOT_FOUND)
        return SQLITE_IOERR_DELETE_NOENT;
    if (err == ERR_OK && sync_folder && vfs->disk->calls->sync_folder(vfs->disk, "") != ERR_OK) {
        atomic_store(&vfs->sync_failed, true);
        return SQLITE_IOERR_DIR_FSYNC;
    }
    return result_of(err, SQLITE_IOERR_DELETE);
}

static int vfs_access(sqlite3_vfs *base, const char *path, int flags, int *ret_there)
{
    struct vfs *vfs = vfs_of(base);
    struct disk_file *file;
    enum err err = vfs->disk->calls->open(vfs->disk, path, DISK_OPEN_READ, &file);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return SQLITE_IOERR_ACCESS;
    *ret_there = 0;
    if (err == ERR_OK) {
        uint64_t size = 0; /* as SQLite's own does it: an empty journal is none */
        *ret_there = flags != SQLITE_ACCESS_EXISTS || (file->calls->size(file, &size) == ERR_OK && size > 0);
        file->calls->close(file);
    }
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *base, const char *path, int size, char *ret_path)
{
    if (strlen(path) >= (size_t)size)
        return SQLITE_CANTOPEN;
    memcpy(ret_path, path, strlen(path) + 1);
    return SQLITE_OK;
}

/* SQLite draws from its default VFS, never from this one; nor does the index use the time. */
static int vfs_randomness(sqlite3_vfs *base, int size, char *ret_octets)
{
    memset(ret_octets, 0, (size_t)size);
    return size;
}

static int vfs_sleep(sqlite3_vfs *base, int microseconds)
{
    return 0;
}

static int vfs_time(sqlite3_vfs *base, sqlite3_int64 *ret_ms)
{
    *ret_ms = 0;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *base, int size, char *text)
{
    return 0;
}

struct vfs *vfs_new(struct disk *disk)
{
    struct vfs *vfs = mem_alloc(sizeof *vfs);
    vfs->disk = disk;
    snprintf(vfs->name, sizeof vfs->name, "facteur-%p", (void *)vfs);
    int made = mtx_init(&vfs->mutex, mtx_plain);
    assert(made == thrd_success);
    vfs->base = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct vfs_file),
        .mxPathname = PATH_SIZE_MAX - 1,
        .zName = vfs->name,
        .pAppData = vfs,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    int registered = sqlite3_vfs_register(&vfs->base, 0);
    assert(registered == SQLITE_OK);
    return vfs;
}

void vfs_free(struct vfs *vfs)
{
    if (!vfs)
        return;
    assert(!vfs->nodes);
    sqlite3_vfs_unregister(&vfs->base);
    mtx_destroy(&vfs->mutex);
    mem_free(vfs);
}

const char *vfs_name(const struct vfs *vfs)
{
    return vfs->name;
}

bool vfs_prepare(struct sqlite3 *database)
{
    int reserved = VFS_RESERVED;
    return sqlite3_file_control(database, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved) == SQLITE_OK &&
           sqlite3_extended_result_codes(database, 1) == SQLITE_OK;
}

bool vfs_sync_failed_take(struct vfs *vfs)
{
    return atomic_exchange(&vfs->sync_failed, false);
}
