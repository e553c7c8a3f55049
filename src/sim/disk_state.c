#include "sim/disk_state.h"

#include <assert.h>

#include "base/arena.h"

enum { SECTOR_SIZE = 512 };

void *sim_grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? 2 * *capacity : 8;
    return mem_realloc(items, *capacity, size);
}

/* ---- nodes ---- */

struct sim_node *sim_node_new(bool folder)
{
    struct sim_node *node = mem_alloc(sizeof *node);
    node->folder = folder;
    return node;
}

struct sim_node *sim_node_hold(struct sim_node *node)
{
    node->references++;
    return node;
}

void sim_node_release(struct sim_node *node)
{
    if (--node->references > 0)
        return;
    for (size_t i = 0; i < node->write_count; i++)
        mem_free(node->writes[i].data);
    mem_free(node->writes);
    sim_content_done(&node->now);
    sim_content_done(&node->safe);
    mem_free(node);
}

static void node_remember(struct sim_node *node, struct sim_write write)
{
    node->writes = sim_grow(node->writes, node->write_count, &node->write_capacity, sizeof *node->writes);
    node->writes[node->write_count++] = write;
}

static bool all_zeros(const char *data, size_t size)
{
    return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

void sim_node_write(struct sim_node *node, uint64_t offset, const void *data, size_t size)
{
    if (size == 0)
        return;
    struct sim_write write = { .offset = offset, .size = size };
    if (!all_zeros(data, size)) {
        write.data = mem_realloc(NULL, 1, size);
        memcpy(write.data, data, size);
    }
    sim_content_write(&node->now, offset, write.data, size);
    node_remember(node, write);
}

void sim_node_truncate(struct sim_node *node, uint64_t size)
{
    sim_content_resize(&node->now, size);
    node_remember(node, (struct sim_write){ .offset = size, .resizes = true });
}

static void write_apply(struct sim_node *node, const struct sim_write *write)
{
    if (write->resizes)
        sim_content_resize(&node->safe, write->offset);
    else
        sim_content_write(&node->safe, write->offset, write->data, write->size);
}

/* Doubtful writes stay doubtful until the same octets have been written again; what was written over them is safe, so
 * that they are cut down to what it left. */
static void doubtful_cut(struct sim_node *node, size_t before, const struct sim_write *by)
{
    for (size_t i = 0; i < before; i++) {
        struct sim_write *old = &node->writes[i];
        if (!old->doubtful || old->resizes || by->resizes)
            continue;
        uint64_t from = by->offset > old->offset ? by->offset : old->offset;
        uint64_t to = by->offset + by->size < old->offset + old->size ? by->offset + by->size : old->offset + old->size;
        if (from >= to)
            continue;
        if (!old->data)
            old->data = mem_alloc(old->size);
        sim_content_read(&node->now, from, old->data + (from - old->offset), (size_t)(to - from)); /* what stands there now */
    }
}

/* Without doubtful writes: what is read now is what will be safe. */
static void sync_all(struct sim_node *node)
{
    for (size_t i = 0; i < node->write_count; i++) {
        const struct sim_write *write = &node->writes[i];
        if (write->resizes)
            sim_content_share(&node->safe, &node->now, 0, node->now.size);
        else
            sim_content_share(&node->safe, &node->now, write->offset, write->size);
        mem_free(write->data);
    }
    node->write_count = 0;
}

void sim_node_sync(struct sim_node *node)
{
    size_t kept = 0;
    bool doubtful = false;
    for (size_t i = 0; i < node->write_count; i++)
        doubtful |= node->writes[i].doubtful;
    if (!doubtful) {
        sync_all(node);
        return;
    }
    for (size_t i = 0; i < node->write_count; i++) {
        struct sim_write write = node->writes[i];
        if (write.doubtful) {
            node->writes[kept++] = write;
            continue;
        }
        write_apply(node, &write);
        doubtful_cut(node, kept, &write);
        mem_free(write.data);
    }
    node->write_count = kept;
}

void sim_node_doubt(struct sim_node *node)
{
    for (size_t i = 0; i < node->write_count; i++)
        node->writes[i].doubtful = true;
}

enum survival { SURVIVE_NOTHING, SURVIVE_ALL, SURVIVE_SECTORS, SURVIVE_WRITES, SURVIVAL_COUNT };

static void write_tear(struct sim_node *node, const struct sim_write *write, struct random_fast *random)
{
    uint64_t end = write->offset + write->size;
    for (uint64_t from = write->offset; from < end;) {
        uint64_t to = (from / SECTOR_SIZE + 1) * SECTOR_SIZE;
        if (to > end)
            to = end;
        if (random_fast_below(random, 2) == 0)
            sim_content_write(&node->safe, from, write->data ? write->data + (from - write->offset) : NULL, (size_t)(to - from));
        from = to;
    }
}

void sim_node_power_loss(struct sim_node *node, struct random_fast *random)
{
    enum survival survival = (enum survival)random_fast_below(random, SURVIVAL_COUNT);
    for (size_t i = 0; i < node->write_count; i++) {
        const struct sim_write *write = &node->writes[i];
        if (survival == SURVIVE_SECTORS && !write->resizes)
            write_tear(node, write, random);
        else if (survival == SURVIVE_ALL || (survival >= SURVIVE_SECTORS && random_fast_below(random, 2) == 0))
            write_apply(node, write);
        mem_free(write->data);
    }
    node->write_count = 0;
    sim_content_share(&node->now, &node->safe, 0, node->safe.size);
    node->locked = false;
}

/* ---- names ---- */

struct sim_name *sim_names_find(const struct sim_names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->names[i].path, path) == 0)
            return &names->names[i];
    }
    return NULL;
}

void sim_path_copy(char to[static SIM_PATH_SIZE], const char *path)
{
    assert(strlen(path) < SIM_PATH_SIZE);
    memcpy(to, path, strlen(path) + 1);
}

void sim_names_set(struct sim_names *names, const char *path, struct sim_node *node)
{
    sim_node_hold(node);
    struct sim_name *name = sim_names_find(names, path);
    if (name) {
        sim_node_release(name->node);
        name->node = node;
        return;
    }
    names->names = sim_grow(names->names, names->count, &names->capacity, sizeof *names->names);
    name = &names->names[names->count++];
    sim_path_copy(name->path, path);
    name->node = node;
}

void sim_names_unset(struct sim_names *names, const char *path)
{
    struct sim_name *name = sim_names_find(names, path);
    if (!name)
        return;
    sim_node_release(name->node);
    size_t index = (size_t)(name - names->names);
    memmove(name, name + 1, (names->count - index - 1) * sizeof *name);
    names->count--;
}

void sim_names_clear(struct sim_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        sim_node_release(names->names[i].node);
    names->count = 0;
}

struct sim_node *sim_node_clone(struct sim_node *node)
{
    if (node->copy)
        return node->copy;
    struct sim_node *copy = sim_node_new(node->folder);
    sim_content_share(&copy->now, &node->now, 0, node->now.size);
    sim_content_share(&copy->safe, &node->safe, 0, node->safe.size);
    for (size_t i = 0; i < node->write_count; i++) {
        struct sim_write write = node->writes[i];
        if (write.data) {
            write.data = mem_alloc(write.size);
            memcpy(write.data, node->writes[i].data, write.size);
        }
        node_remember(copy, write);
    }
    node->copy = copy;
    return copy;
}

/* Is the path directly in the folder? */
bool sim_path_in(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    if (path[0] == '\0')
        return false;
    if (size == 0)
        return strchr(path, '/') == NULL;
    return strncmp(path, folder, size) == 0 && path[size] == '/' && strchr(path + size + 1, '/') == NULL;
}

bool sim_names_reach(const struct sim_names *names, const char *path)
{
    char folder[SIM_PATH_SIZE];
    sim_path_copy(folder, path);
    for (char *slash = strrchr(folder, '/'); slash; slash = strrchr(folder, '/')) {
        *slash = '\0';
        const struct sim_name *name = sim_names_find(names, folder);
        if (!name || !name->node->folder)
            return false;
    }
    return true;
}
