#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_SIZE_MIN = 1008, /* of the first block; each next one is twice as large, up to BLOCK_SIZE_MAX */
    BLOCK_SIZE_MAX = 32 << 10,
    ALIGNMENT = 16,
};

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    _Alignas(ALIGNMENT) char data[];
};

void arena_init(struct arena *a)
{
    *a = (struct arena){ 0 };
}

void arena_done(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        free(block);
    }
    a->used_bytes = 0;
}

void arena_clear(struct arena *a, size_t keep_bytes_max)
{
    struct arena_block *kept = NULL;
    while (a->blocks) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        if (block->size <= keep_bytes_max && (!kept || block->size > kept->size)) {
            free(kept);
            kept = block;
        } else {
            free(block);
        }
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
    }
    a->blocks = kept;
    a->used_bytes = 0;
}

static struct arena_block *block_add(struct arena *a, size_t size)
{
    size_t wanted = a->blocks ? a->blocks->size * 2 : BLOCK_SIZE_MIN;
    if (wanted > BLOCK_SIZE_MAX)
        wanted = BLOCK_SIZE_MAX;
    if (wanted < size)
        wanted = size;
    struct arena_block *block = malloc(sizeof *block + wanted);
    if (!block)
        abort();
    block->size = wanted;
    block->used = 0;
    /* A block made for one large thing goes behind the current one, whose rest is still good. */
    if (a->blocks && a->blocks->size - a->blocks->used > wanted - size) {
        block->next = a->blocks->next;
        a->blocks->next = block;
    } else {
        block->next = a->blocks;
        a->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
    assert(size < SIZE_MAX / 2);
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct arena_block *block = a->blocks;
    if (!block || block->size - block->used < rounded)
        block = block_add(a, rounded);
    void *p = block->data + block->used;
    block->used += rounded;
    a->used_bytes += rounded;
    return memset(p, 0, size);
}

void *arena_alloc_array(struct arena *a, size_t count, size_t size)
{
    size_t total;
    bool overflow = __builtin_mul_overflow(count, size, &total);
    assert(!overflow);
    return arena_alloc(a, total);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    if (s.size == 0)
        return SLICE_EMPTY;
    char *p = arena_alloc(a, s.size);
    memcpy(p, s.data, s.size);
    return slice(p, s.size);
}

char *arena_text(struct arena *a, struct slice s)
{
    char *p = arena_alloc(a, s.size + 1);
    if (s.size > 0)
        memcpy(p, s.data, s.size);
    return p;
}
