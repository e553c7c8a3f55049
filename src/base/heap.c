#include "base/heap.h"

#include <assert.h>

#include "base/arena.h"

void heap_init(struct heap *h)
{
    *h = (struct heap){ 0 };
}

void heap_done(struct heap *h)
{
    mem_free(h->items);
    heap_init(h);
}

static void place(struct heap *h, size_t position, struct heap_item *item)
{
    h->items[position - 1] = item;
    item->position = position;
}

static void rise(struct heap *h, struct heap_item *item)
{
    size_t at = item->position;
    while (at > 1 && h->items[at / 2 - 1]->key > item->key) {
        place(h, at, h->items[at / 2 - 1]);
        at /= 2;
    }
    place(h, at, item);
}

static void sink(struct heap *h, struct heap_item *item)
{
    size_t at = item->position;
    while (at * 2 <= h->count) {
        size_t child = at * 2;
        if (child < h->count && h->items[child]->key < h->items[child - 1]->key)
            child++;
        if (h->items[child - 1]->key >= item->key)
            break;
        place(h, at, h->items[child - 1]);
        at = child;
    }
    place(h, at, item);
}

void heap_set(struct heap *h, struct heap_item *item, int64_t key)
{
    item->key = key;
    if (item->position == 0) {
        if (h->count == h->capacity) {
            h->capacity = h->capacity > 0 ? h->capacity * 2 : 64;
            h->items = mem_realloc(h->items, h->capacity, sizeof *h->items);
        }
        h->count++;
        place(h, h->count, item);
    }
    assert(h->items[item->position - 1] == item);
    rise(h, item);
    sink(h, item);
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    if (item->position == 0)
        return;
    size_t at = item->position;
    assert(h->items[at - 1] == item);
    struct heap_item *last = h->items[h->count - 1];
    h->count--;
    item->position = 0;
    if (last == item)
        return;
    place(h, at, last);
    rise(h, last);
    sink(h, last);
}

struct heap_item *heap_first(const struct heap *h)
{
    return h->count > 0 ? h->items[0] : NULL;
}
