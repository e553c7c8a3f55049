/* A binary heap of deadlines: the item lies within the thing that waits and knows its place, so it can be moved or taken
 * out at any time. Equal keys come out in no particular but reproducible order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t key;
    size_t position; /* from 1; 0: in no heap */
};

struct heap {
    struct heap_item **items;
    size_t count;
    size_t capacity;
};

void heap_init(struct heap *h);
void heap_done(struct heap *h);
/* Inserts the item, or moves it when it is in the heap already. */
void heap_set(struct heap *h, struct heap_item *item, int64_t key);
void heap_remove(struct heap *h, struct heap_item *item); /* nothing when it is in no heap */
struct heap_item *heap_first(const struct heap *h);       /* smallest key; NULL when empty */
