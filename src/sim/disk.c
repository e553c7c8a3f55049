#include "sim/disk.h"

#include <assert.h>

#include "base/arena.h"
#include "base/random.h"
#include "sim/disk_state.h"

enum { BLOCK_SIZE = 4096 }; /* files take room in these */

/* from and to: a rename; only to: a new name; only from: a removal. */
struct sim_change {
    char from[SIM_PATH_SIZE];
    char to[SIM_PATH_SIZE];
    struct sim_node *node;
};

struct sim_disk {
    struct disk border;
    struct random_fast random;
    uint64_t size_bytes;
    struct sim_names now;
    struct sim_names safe;
    struct sim_change *changes;
    size_t change_count, change_capacity;
    uint32_t life; /* files opened in an earlier one are dead */
    uint64_t operations;
    uint64_t syncs;
    uint64_t crash_at;
    bool crashed;
    void (*watch)(void *context, uint64_t operation);
    void *watch_context;
    struct sim_fault faults[SIM_FAULTS_MAX];
    size_t fault_count;
};

struct sim_file {
    struct disk_file border;
    struct sim_disk *disk;
    struct sim_node *node;
    char path[SIM_PATH_SIZE]; /* for faults */
    uint32_t life;
    bool locker;
};

static const struct disk_calls sim_calls;

static void names_apply(struct sim_names *names, const struct sim_change *change)
{
    if (change->from[0])
        sim_names_unset(names, change->from);
    if (change->to[0])
        sim_names_set(names, change->to, change->node);
}

static void disk_change(struct sim_disk *disk, const char *from, const char *to, struct sim_node *node)
{
    disk->changes = sim_grow(disk->changes, disk->change_count, &disk->change_capacity, sizeof *disk->changes);
    struct sim_change *change = &disk->changes[disk->change_count++];
    *change = (struct sim_change){ .node = sim_node_hold(node) };
    sim_path_copy(change->from, from);
    sim_path_copy(change->to, to);
    names_apply(&disk->now, change);
}

/* ---- the whole disk ---- */

struct sim_disk *sim_disk_new(uint64_t seed, uint64_t size_bytes)
{
    struct sim_disk *disk = mem_alloc(sizeof *disk);
    disk->border.calls = &sim_calls;
    random_fast_init(&disk->random, seed);
    disk->size_bytes = size_bytes;
    disk->crash_at = UINT64_MAX;
    return disk;
}

static void changes_clear(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->change_count; i++)
        sim_node_release(disk->changes[i].node);
    disk->change_count = 0;
}

void sim_disk_free(struct sim_disk *disk)
{
    if (!disk)
        return;
    changes_clear(disk);
    sim_names_clear(&disk->now);
    sim_names_clear(&disk->safe);
    mem_free(disk->now.names);
    mem_free(disk->safe.names);
    mem_free(disk->changes);
    mem_free(disk);
}

struct disk *sim_disk_border(struct sim_disk *disk)
{
    return &disk->border;
}

static void names_clone(struct sim_names *to, const struct sim_names *from)
{
    for (size_t i = 0; i < from->count; i++)
        sim_names_set(to, from->names[i].path, sim_node_clone(from->names[i].node));
}

static void names_forget_copies(const struct sim_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        names->names[i].node->copy = NULL;
}

struct sim_disk *sim_disk_clone(const struct sim_disk *disk)
{
    struct sim_disk *copy = sim_disk_new(0, disk->size_bytes);
    copy->random = disk->random;
    names_clone(&copy->now, &disk->now);
    names_clone(&copy->safe, &disk->safe);
    for (size_t i = 0; i < disk->change_count; i++) {
        copy->changes = sim_grow(copy->changes, copy->change_count, &copy->change_capacity, sizeof *copy->changes);
        struct sim_change *change = &copy->changes[copy->change_count++];
        *change = disk->changes[i];
        change->node = sim_node_hold(sim_node_clone(disk->changes[i].node));
    }
    names_forget_copies(&disk->now);
    names_forget_copies(&disk->safe);
    for (size_t i = 0; i < disk->change_count; i++)
        disk->changes[i].node->copy = NULL;
    return copy;
}

void sim_disk_kill(struct sim_disk *disk)
{
    disk->life++;
    disk->crashed = false;
    disk->crash_at = UINT64_MAX;
    for (size_t i = 0; i < disk->now.count; i++)
        disk->now.names[i].node->locked = false;
}

void sim_disk_power_loss(struct sim_disk *disk, uint64_t seed)
{
    sim_disk_kill(disk);
    struct random_fast random;
    random_fast_init(&random, seed);
    uint64_t kept = random_fast_below(&random, 3); /* of the names: none, all, some */
    for (size_t i = 0; i < disk->change_count; i++) {
        if (kept == 1 || (kept == 2 && random_fast_below(&random, 2) == 0))
            names_apply(&disk->safe, &disk->changes[i]);
    }
    changes_clear(disk);
    sim_names_clear(&disk->now);
    for (size_t i = 0; i < disk->safe.count; i++) {
        const struct sim_name *name = &disk->safe.names[i];
        if (sim_names_reach(&disk->safe, name->path))
            sim_names_set(&disk->now, name->path, name->node);
    }
    sim_names_clear(&disk->safe);
    for (size_t i = 0; i < disk->now.count; i++) {
        const struct sim_name *name = &disk->now.names[i];
        sim_names_set(&disk->safe, name->path, name->node);
        sim_node_power_loss(name->node, &random);
    }
}

uint64_t sim_disk_operations(const struct sim_disk *disk)
{
    return disk->operations;
}

uint64_t sim_disk_syncs(const struct sim_disk *disk)
{
    return disk->syncs;
}

void sim_disk_crash_at(struct sim_disk *disk, uint64_t number)
{
    disk->crash_at = number;
}

void sim_disk_watch(struct sim_disk *disk, void (*watch)(void *context, uint64_t operation), void *context)
{
    disk->watch = watch;
    disk->watch_context = context;
}

void sim_disk_fault(struct sim_disk *disk, const struct sim_fault *fault)
{
    assert(disk->fault_count < SIM_FAULTS_MAX);
    assert(fault->err != ERR_OK || (fault->on & ~(unsigned)(SIM_SYNC | SIM_SYNC_FOLDER)) == 0);
    disk->faults[disk->fault_count++] = *fault;
}

void sim_disk_heal(struct sim_disk *disk)
{
    disk->fault_count = 0;
}

void sim_disk_resize(struct sim_disk *disk, uint64_t size_bytes)
{
    disk->size_bytes = size_bytes;
}

bool sim_disk_rot(struct sim_disk *disk, const char *path, uint64_t offset, uint8_t mask)
{
    struct sim_name *name = sim_names_find(&disk->now, path);
    if (!name || offset >= name->node->now.size)
        return false;
    char octet = 0;
    sim_content_read(&name->node->now, offset, &octet, 1);
    octet = (char)(octet ^ mask);
    sim_content_write(&name->node->now, offset, &octet, 1);
    if (offset < name->node->safe.size)
        sim_content_write(&name->node->safe, offset, &octet, 1);
    return true;
}

bool sim_disk_file_size(struct sim_disk *disk, const char *path, uint64_t *ret_size)
{
    struct sim_name *name = sim_names_find(&disk->now, path);
    if (!name)
        return false;
    *ret_size = name->node->now.size;
    return true;
}

/* ---- the calls ---- */

enum gate {
    GATE_GO,     /* do it */
    GATE_FAIL,   /* fail with *err, perhaps having done a part */
    GATE_FEIGN,  /* say that it was done */
};

/* Every call passes here: power, faults, and the count of changing operations. */
static enum gate disk_gate(struct sim_disk *disk, enum sim_operation operation, const char *path, enum err *err)
{
    if (disk->crashed) {
        *err = ERR_CRASHED;
        return GATE_FAIL;
    }
    if (operation != SIM_READ) {
        if (disk->watch)
            disk->watch(disk->watch_context, disk->operations);
        if (disk->operations++ >= disk->crash_at) {
            disk->crashed = true;
            *err = ERR_CRASHED;
            return GATE_FAIL;
        }
    }
    for (size_t i = 0; i < disk->fault_count; i++) {
        struct sim_fault *fault = &disk->faults[i];
        if (!(fault->on & operation) || (fault->path && !strstr(path, fault->path)))
            continue;
        if (fault->skip > 0) {
            fault->skip--;
            continue;
        }
        if (fault->times == 0)
            continue;
        if (fault->times != UINT32_MAX)
            fault->times--;
        *err = fault->err;
        return fault->err == ERR_OK ? GATE_FEIGN : GATE_FAIL;
    }
    return GATE_GO;
}

static struct sim_disk *sim_disk_of(struct disk *disk)
{
    return (struct sim_disk *)disk;
}

static struct sim_file *sim_file_of(struct disk_file *file)
{
    return (struct sim_file *)file;
}

static enum gate file_gate(struct sim_file *file, enum sim_operation operation, enum err *err)
{
    if (file->life != file->disk->life) {
        *err = ERR_CRASHED;
        return GATE_FAIL;
    }
    return disk_gate(file->disk, operation, file->path, err);
}

static uint64_t disk_used(const struct sim_disk *disk)
{
    uint64_t used = 0;
    for (size_t i = 0; i < disk->now.count; i++)
        used += (disk->now.names[i].node->now.size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
    return used;
}

static bool disk_has_room(struct sim_disk *disk, uint64_t size_before, uint64_t size)
{
    if (size <= size_before)
        return true;
    uint64_t more = (size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE - (size_before + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
    return more == 0 || disk_used(disk) + more <= disk->size_bytes;
}

static enum err sim_open(struct disk *border, const char *path, unsigned flags, struct disk_file **ret_file)
{
    struct sim_disk *disk = sim_disk_of(border);
    enum err err = ERR_IO;
    if (disk->crashed)
        return ERR_CRASHED;
    struct sim_name *name = sim_names_find(&disk->now, path);
    if (name && (name->node->folder || ((flags & DISK_OPEN_CREATE) && (flags & DISK_OPEN_EXCLUSIVE))))
        return name->node->folder ? ERR_IO : ERR_EXISTS;
    if (!name) {
        if (!(flags & DISK_OPEN_CREATE) || !sim_names_reach(&disk->now, path))
            return ERR_NOT_FOUND;
        if (disk_gate(disk, SIM_CREATE, path, &err) != GATE_GO)
            return err;
        disk_change(disk, "", path, sim_node_new(false));
        name = sim_names_find(&disk->now, path);
    }
    if ((flags & DISK_OPEN_LOCK) && name->node->locked)
        return ERR_BUSY;
    struct sim_file *file = mem_alloc(sizeof *file);
    file->border.calls = &sim_calls;
    file->disk = disk;
    file->life = disk->life;
    file->node = sim_node_hold(name->node);
    sim_path_copy(file->path, path);
    file->locker = flags & DISK_OPEN_LOCK;
    file->node->locked |= file->locker;
    *ret_file = &file->border;
    return ERR_OK;
}

static void sim_close(struct disk_file *border)
{
    struct sim_file *file = sim_file_of(border);
    if (file->locker && file->life == file->disk->life)
        file->node->locked = false;
    sim_node_release(file->node);
    mem_free(file);
}

static enum err sim_read(struct disk_file *border, uint64_t offset, void *data, size_t size, size_t *ret_size)
{
    struct sim_file *file = sim_file_of(border);
    enum err err = ERR_IO;
    if (file_gate(file, SIM_READ, &err) != GATE_GO)
        return err;
    *ret_size = sim_content_read(&file->node->now, offset, data, size);
    return ERR_OK;
}

static enum err sim_write(struct disk_file *border, uint64_t offset, const struct disk_slice *slices, size_t count)
{
    struct sim_file *file = sim_file_of(border);
    enum err err = ERR_IO;
    bool gone = file->life != file->disk->life || file->disk->crashed; /* nobody is there any more to do a part */
    enum gate gate = file_gate(file, SIM_WRITE, &err);
    if (gone)
        return err;
    uint64_t end = offset;
    for (size_t i = 0; i < count; i++)
        end += slices[i].size;
    if (!disk_has_room(file->disk, file->node->now.size, end))
        return gate == GATE_FAIL ? err : ERR_DISK_FULL;
    uint64_t limit = end; /* of a failing write: up to where it was done */
    if (gate == GATE_FAIL)
        limit = offset + (err == ERR_DISK_FULL ? 0 : random_fast_below(&file->disk->random, end - offset + 1));
    for (size_t i = 0; i < count && offset < limit; i++) {
        uint64_t size = slices[i].size < limit - offset ? slices[i].size : limit - offset;
        sim_node_write(file->node, offset, slices[i].data, (size_t)size);
        offset += size;
    }
    return gate == GATE_FAIL ? err : ERR_OK;
}

static enum err sim_sync(struct disk_file *border)
{
    struct sim_file *file = sim_file_of(border);
    enum err err = ERR_OK;
    switch (file_gate(file, SIM_SYNC, &err)) {
    case GATE_GO:
        file->disk->syncs++;
        sim_node_sync(file->node);
        return ERR_OK;
    case GATE_FEIGN:
        return ERR_OK;
    case GATE_FAIL:
        break;
    }
    if (err != ERR_CRASHED)
        sim_node_doubt(file->node);
    return err;
}

static enum err sim_truncate(struct disk_file *border, uint64_t size)
{
    struct sim_file *file = sim_file_of(border);
    enum err err = ERR_IO;
    if (file_gate(file, SIM_TRUNCATE, &err) != GATE_GO)
        return err;
    if (!disk_has_room(file->disk, file->node->now.size, size))
        return ERR_DISK_FULL;
    sim_node_truncate(file->node, size);
    return ERR_OK;
}

static enum err sim_size(struct disk_file *border, uint64_t *ret_size)
{
    struct sim_file *file = sim_file_of(border);
    enum err err = ERR_IO;
    if (file_gate(file, SIM_READ, &err) != GATE_GO)
        return err;
    *ret_size = file->node->now.size;
    return ERR_OK;
}

static enum err sim_rename(struct disk *border, const char *from, const char *to)
{
    struct sim_disk *disk = sim_disk_of(border);
    struct sim_name *name = sim_names_find(&disk->now, from);
    enum err err = ERR_IO;
    if (!disk->crashed && (!name || name->node->folder || !sim_names_reach(&disk->now, to)))
        return ERR_NOT_FOUND;
    if (disk_gate(disk, SIM_RENAME, from, &err) != GATE_GO)
        return err;
    struct sim_node *node = sim_node_hold(name->node);
    disk_change(disk, from, to, node);
    sim_node_release(node);
    return ERR_OK;
}

static enum err sim_remove(struct disk *border, const char *path)
{
    struct sim_disk *disk = sim_disk_of(border);
    struct sim_name *name = sim_names_find(&disk->now, path);
    enum err err = ERR_IO;
    if (!disk->crashed && (!name || name->node->folder))
        return ERR_NOT_FOUND;
    if (disk_gate(disk, SIM_REMOVE, path, &err) != GATE_GO)
        return err;
    disk_change(disk, path, "", name->node);
    return ERR_OK;
}

static enum err sim_make_folder(struct disk *border, const char *path)
{
    struct sim_disk *disk = sim_disk_of(border);
    enum err err = ERR_IO;
    if (!disk->crashed && sim_names_find(&disk->now, path))
        return ERR_EXISTS;
    if (!disk->crashed && !sim_names_reach(&disk->now, path))
        return ERR_NOT_FOUND;
    if (disk_gate(disk, SIM_MAKE_FOLDER, path, &err) != GATE_GO)
        return err;
    disk_change(disk, "", path, sim_node_new(true));
    return ERR_OK;
}

static enum err sim_sync_folder(struct disk *border, const char *path)
{
    struct sim_disk *disk = sim_disk_of(border);
    enum err err = ERR_OK;
    struct sim_name *name = sim_names_find(&disk->now, path);
    if (!disk->crashed && path[0] && (!name || !name->node->folder))
        return ERR_NOT_FOUND;
    enum gate gate = disk_gate(disk, SIM_SYNC_FOLDER, path, &err);
    if (gate != GATE_GO)
        return gate == GATE_FEIGN ? ERR_OK : err;
    size_t kept = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        struct sim_change change = disk->changes[i];
        if (sim_path_in(change.from, path) || sim_path_in(change.to, path)) {
            names_apply(&disk->safe, &change);
            sim_node_release(change.node);
        } else {
            disk->changes[kept++] = change;
        }
    }
    disk->change_count = kept;
    return ERR_OK;
}

static enum err sim_list(struct disk *border, const char *path, bool (*each)(void *context, const char *name),
                         void *context)
{
    struct sim_disk *disk = sim_disk_of(border);
    enum err err = ERR_IO;
    if (disk_gate(disk, SIM_READ, path, &err) != GATE_GO)
        return err;
    struct sim_name *folder = sim_names_find(&disk->now, path);
    if (path[0] && (!folder || !folder->node->folder))
        return ERR_NOT_FOUND;
    for (size_t i = 0; i < disk->now.count; i++) {
        const char *name = disk->now.names[i].path;
        if (sim_path_in(name, path) && !each(context, path[0] ? name + strlen(path) + 1 : name))
            break;
    }
    return ERR_OK;
}

static enum err sim_space(struct disk *border, struct disk_space *ret_space)
{
    struct sim_disk *disk = sim_disk_of(border);
    if (disk->crashed)
        return ERR_CRASHED;
    uint64_t used = disk_used(disk);
    ret_space->total_bytes = disk->size_bytes;
    ret_space->free_bytes = used < disk->size_bytes ? disk->size_bytes - used : 0;
    return ERR_OK;
}

static const struct disk_calls sim_calls = {
    .open = sim_open,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .truncate = sim_truncate,
    .size = sim_size,
    .rename = sim_rename,
    .remove = sim_remove,
    .make_folder = sim_make_folder,
    .sync_folder = sim_sync_folder,
    .list = sim_list,
    .space = sim_space,
};
