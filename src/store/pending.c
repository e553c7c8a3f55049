#include "store/pending.h"

#include <assert.h>

#include "base/arena.h"

enum { BLOCK_ENTRIES = 256 };

/* Entries come in blocks that live as long as the table: their number is bounded and comes back with the next burst. */
struct pending_block {
    struct pending_block *next;
    struct pending_entry entries[BLOCK_ENTRIES];
};

void pending_init(struct pending *pending)
{
    static const uint64_t no_key[2]; /* keys are ids, ours */
    *pending = (struct pending){ 0 };
    table_init(&pending->by_id, no_key);
    list_init(&pending->order);
}

void pending_done(struct pending *pending)
{
    table_done(&pending->by_id);
    while (pending->blocks) {
        struct pending_block *block = pending->blocks;
        pending->blocks = block->next;
        mem_free(block);
    }
}

struct pending_entry *pending_find(const struct pending *pending, uint64_t id)
{
    return table_get(&pending->by_id, id);
}

static void pending_grow(struct pending *pending)
{
    struct pending_block *block = mem_alloc(sizeof *block);
    block->next = pending->blocks;
    pending->blocks = block;
    for (size_t i = 0; i < BLOCK_ENTRIES; i++) {
        block->entries[i].item.next = pending->unused ? &pending->unused->item : NULL;
        pending->unused = &block->entries[i];
    }
}

struct pending_entry *pending_add(struct pending *pending, uint64_t id)
{
    assert(!pending_find(pending, id));
    if (!pending->unused)
        pending_grow(pending);
    struct pending_entry *entry = pending->unused;
    pending->unused = entry->item.next ? LIST_OWNER(entry->item.next, struct pending_entry, item) : NULL;
    *entry = (struct pending_entry){ .id = id };
    list_append(&pending->order, &entry->item);
    table_put(&pending->by_id, id, entry);
    pending->count++;
    return entry;
}

void pending_remove(struct pending *pending, struct pending_entry *entry)
{
    list_remove(&pending->order, &entry->item);
    table_remove(&pending->by_id, entry->id);
    entry->item.next = pending->unused ? &pending->unused->item : NULL;
    pending->unused = entry;
    pending->count--;
}

static struct pending_entry *owner(struct list_item *item)
{
    return item ? LIST_OWNER(item, struct pending_entry, item) : NULL;
}

struct pending_entry *pending_first(const struct pending *pending)
{
    return owner(list_first(&pending->order));
}

struct pending_entry *pending_next(const struct pending *pending, const struct pending_entry *entry)
{
    return owner(list_next(&pending->order, &entry->item));
}
