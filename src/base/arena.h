/* An arena: memory of one session, message or attempt, given back all at once. Not for anything that grows for ever. */
#pragma once

#include <stddef.h>

#include "base/bytes.h"
#include "base/mem.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used_bytes; /* all that was handed out */
};

void arena_init(struct arena *a); /* allocates nothing */
void arena_done(struct arena *a); /* frees all; the arena may be used again */
/* Takes back all that was handed out and keeps one block of at most keep_bytes_max: for an arena that is used for one
 * message after another. */
void arena_clear(struct arena *a, size_t keep_bytes_max);
void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
struct slice arena_copy(struct arena *a, struct slice s);
char *arena_text(struct arena *a, struct slice s); /* a NUL-terminated copy */

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc_array((a), (count), sizeof(type)))
void *arena_alloc_array(struct arena *a, size_t count, size_t size);
