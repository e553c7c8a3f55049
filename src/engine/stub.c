#include "engine/stub.h"

#include <assert.h>

#include "base/arena.h"

enum { BUCKETS_MIN = 1024, HEAP_PAGES_MAX = STUB_COUNT_MAX / STUB_HEAP_PAGE };

void stub_table_init(struct stub_table *t)
{
    *t = (struct stub_table){ .used = 1 };
}

void stub_table_done(struct stub_table *t)
{
    for (uint32_t i = 0; i < t->chunk_count; i++)
        mem_free(t->chunks[i]);
    for (uint32_t i = 0; i < t->heap_page_count; i++)
        mem_free(t->heap_pages[i]);
    mem_free(t->chunks);
    mem_free(t->heap_pages);
    mem_free(t->buckets);
    stub_table_init(t);
}

size_t stub_table_bytes(const struct stub_table *t)
{
    size_t bytes = (size_t)t->chunk_count * (STUB_CHUNK_COUNT * sizeof(struct stub) + sizeof(void *));
    bytes += (size_t)t->heap_page_count * (STUB_HEAP_PAGE * sizeof(uint32_t) + sizeof(void *));
    if (t->buckets)
        bytes += ((size_t)t->bucket_mask + 1) * sizeof(uint32_t);
    return bytes;
}

struct stub *stub_at(const struct stub_table *t, uint32_t index)
{
    assert(index > 0 && index < t->used);
    return &t->chunks[index / STUB_CHUNK_COUNT][index % STUB_CHUNK_COUNT];
}

/* Ids count milliseconds in their high bits and messages in the low ones: a multiplication spreads both. */
static uint32_t bucket_of(const struct stub_table *t, uint64_t id)
{
    return (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & t->bucket_mask;
}

static void buckets_grow(struct stub_table *t)
{
    uint32_t count = t->buckets ? (t->bucket_mask + 1) * 2 : BUCKETS_MIN;
    mem_free(t->buckets);
    t->buckets = mem_alloc(count * sizeof(uint32_t));
    t->bucket_mask = count - 1;
    for (uint32_t i = 1; i < t->used; i++) {
        struct stub *s = stub_at(t, i);
        if (s->state == STUB_FREE)
            continue;
        uint32_t *bucket = &t->buckets[bucket_of(t, s->id)];
        s->id_next = *bucket;
        *bucket = i;
    }
}

static uint32_t index_take(struct stub_table *t)
{
    if (t->free_first) {
        uint32_t index = t->free_first;
        t->free_first = stub_at(t, index)->id_next;
        return index;
    }
    assert(t->used < STUB_COUNT_MAX);
    if (t->used / STUB_CHUNK_COUNT >= t->chunk_count) {
        t->chunks = mem_realloc(t->chunks, t->chunk_count + 1, sizeof(*t->chunks));
        t->chunks[t->chunk_count++] = mem_alloc(STUB_CHUNK_COUNT * sizeof(struct stub));
    }
    return t->used++;
}

uint32_t stub_add(struct stub_table *t, uint64_t id)
{
    assert(id != 0);
    assert(stub_find(t, id) == 0);
    if (!t->buckets || t->count > t->bucket_mask)
        buckets_grow(t);
    uint32_t index = index_take(t);
    struct stub *s = stub_at(t, index);
    *s = (struct stub){ .id = id, .wake_us = INT64_MAX, .state = STUB_TAKEN };
    uint32_t *bucket = &t->buckets[bucket_of(t, id)];
    s->id_next = *bucket;
    *bucket = index;
    t->count++;
    return index;
}

void stub_remove(struct stub_table *t, uint32_t index)
{
    struct stub *s = stub_at(t, index);
    assert(s->state != STUB_FREE);
    stub_set_wake(t, index, INT64_MAX);
    uint32_t *link = &t->buckets[bucket_of(t, s->id)];
    while (*link != index) {
        assert(*link != 0);
        link = &stub_at(t, *link)->id_next;
    }
    *link = s->id_next;
    *s = (struct stub){ .state = STUB_FREE, .id_next = t->free_first };
    t->free_first = index;
    t->count--;
}

uint32_t stub_find(const struct stub_table *t, uint64_t id)
{
    if (!t->buckets)
        return 0;
    uint32_t index = t->buckets[bucket_of(t, id)];
    while (index && stub_at(t, index)->id != id)
        index = stub_at(t, index)->id_next;
    return index;
}

/* The heap counts its places from 1: place p has its children at 2p and 2p + 1. */
static uint32_t *heap_place(const struct stub_table *t, uint32_t place)
{
    return &t->heap_pages[place / STUB_HEAP_PAGE][place % STUB_HEAP_PAGE];
}

static void heap_set(struct stub_table *t, uint32_t place, uint32_t index)
{
    *heap_place(t, place) = index;
    stub_at(t, index)->heap_position = place;
}

/* Equal times go by id, so that the order never depends on what happened to be in the heap. */
static bool heap_before(const struct stub *a, const struct stub *b)
{
    return a->wake_us != b->wake_us ? a->wake_us < b->wake_us : a->id < b->id;
}

static void heap_settle(struct stub_table *t, uint32_t place, uint32_t index)
{
    const struct stub *s = stub_at(t, index);
    while (place > 1) {
        uint32_t parent = *heap_place(t, place / 2);
        if (!heap_before(s, stub_at(t, parent)))
            break;
        heap_set(t, place, parent);
        place /= 2;
    }
    for (;;) {
        uint32_t child_place = place * 2;
        if (child_place > t->heap_count)
            break;
        uint32_t child = *heap_place(t, child_place);
        if (child_place < t->heap_count) {
            uint32_t other = *heap_place(t, child_place + 1);
            if (heap_before(stub_at(t, other), stub_at(t, child))) {
                child = other;
                child_place++;
            }
        }
        if (!heap_before(stub_at(t, child), s))
            break;
        heap_set(t, place, child);
        place = child_place;
    }
    heap_set(t, place, index);
}

static void heap_grow(struct stub_table *t)
{
    assert(t->heap_page_count < HEAP_PAGES_MAX);
    t->heap_pages = mem_realloc(t->heap_pages, t->heap_page_count + 1, sizeof(*t->heap_pages));
    t->heap_pages[t->heap_page_count++] = mem_alloc(STUB_HEAP_PAGE * sizeof(uint32_t));
}

static void heap_remove(struct stub_table *t, struct stub *s)
{
    uint32_t place = s->heap_position;
    uint32_t last = *heap_place(t, t->heap_count--);
    s->heap_position = 0;
    if (stub_at(t, last) != s)
        heap_settle(t, place, last);
}

void stub_set_wake(struct stub_table *t, uint32_t index, int64_t wake_us)
{
    struct stub *s = stub_at(t, index);
    s->wake_us = wake_us;
    if (wake_us == INT64_MAX) {
        if (s->heap_position)
            heap_remove(t, s);
        return;
    }
    if (!s->heap_position) {
        t->heap_count++;
        if (t->heap_count / STUB_HEAP_PAGE >= t->heap_page_count)
            heap_grow(t);
        heap_settle(t, t->heap_count, index);
        return;
    }
    heap_settle(t, s->heap_position, index);
}

uint32_t stub_first(const struct stub_table *t)
{
    return t->heap_count ? *heap_place(t, 1) : 0;
}
