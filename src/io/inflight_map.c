#include "io/inflight_map.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/inflight.h"

enum { PATH_SIZE_MAX = 4096 };

struct inflight_map {
    void *memory;
};

enum err inflight_map_open(const char *data_folder, void (*found)(void *context, uint64_t id, bool dot_sent),
                           void *context, struct inflight_map **ret_map)
{
    char path[PATH_SIZE_MAX];
    int size = snprintf(path, sizeof path, "%s/run", data_folder);
    if (size < 0 || (size_t)size + sizeof "/inflight" > sizeof path)
        return ERR_TOO_LARGE;
    mkdir(path, 0700); /* there already, or the open below says what is wrong */
    snprintf(path, sizeof path, "%s/run/inflight", data_folder);
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return ERR_IO;
    void *memory = MAP_FAILED;
    /* Allocated, not sparse: a full disk must not end the process at the first store into the table. */
    if (posix_fallocate(descriptor, 0, INFLIGHT_SIZE) == 0)
        memory = mmap(NULL, INFLIGHT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (memory == MAP_FAILED)
        return ERR_IO;
    inflight_table_scan(memory, found, context);
    inflight_table_clear(memory);
    struct inflight_map *map = mem_alloc(sizeof *map);
    map->memory = memory;
    *ret_map = map;
    return ERR_OK;
}

void inflight_map_close(struct inflight_map *map)
{
    if (!map)
        return;
    munmap(map->memory, INFLIGHT_SIZE);
    mem_free(map);
}

void inflight_map_set(struct inflight_map *map, const struct op_inflight *op)
{
    inflight_table_set(map->memory, op->slot, op->id, op->dot_sent);
}
