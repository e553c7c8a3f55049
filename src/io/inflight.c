#include "io/inflight.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

struct slot {
    uint64_t id;
    uint64_t flags;
};

enum { SLOT_DOT_SENT = 1, TABLE_SIZE = INFLIGHT_SLOTS * sizeof(struct slot) };

struct inflight {
    struct slot *slots;
};

enum err inflight_open(const char *data_folder, void (*found)(void *context, const struct event_inflight *slot),
                       void *context, struct inflight **ret_inflight)
{
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/run", data_folder);
    if (size < 0 || (size_t)size + sizeof "/inflight" > sizeof path)
        return ERR_TOO_LARGE;
    mkdir(path, 0700); /* there already, or the open below says what is wrong */
    snprintf(path, sizeof path, "%s/run/inflight", data_folder);
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return ERR_IO;
    void *table = MAP_FAILED;
    /* Allocated, not sparse: a full disk must not end the process at the first store into the table. */
    if (posix_fallocate(descriptor, 0, TABLE_SIZE) == 0)
        table = mmap(NULL, TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (table == MAP_FAILED)
        return ERR_IO;
    struct inflight *inflight = mem_alloc(sizeof *inflight);
    inflight->slots = table;
    for (size_t i = 0; i < INFLIGHT_SLOTS; i++) {
        struct event_inflight slot = { inflight->slots[i].id, inflight->slots[i].flags & SLOT_DOT_SENT };
        inflight->slots[i] = (struct slot){ 0 };
        if (slot.id != 0)
            found(context, &slot);
    }
    *ret_inflight = inflight;
    return ERR_OK;
}

void inflight_close(struct inflight *inflight)
{
    if (!inflight)
        return;
    munmap(inflight->slots, TABLE_SIZE);
    mem_free(inflight);
}

void inflight_set(struct inflight *inflight, const struct op_inflight *op)
{
    assert(op->slot < INFLIGHT_SLOTS);
    inflight->slots[op->slot] = (struct slot){ op->id, op->dot_sent ? SLOT_DOT_SENT : 0 };
}
