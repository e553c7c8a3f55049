#include "base/table.h"

#include <assert.h>

#include "base/arena.h"

enum { CAPACITY_MIN = 16 };

/* ---- SipHash-2-4 ---- */

static uint64_t rotate(uint64_t v, unsigned count)
{
    return v << count | v >> (64 - count);
}

static void sip_round(uint64_t v[static 4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t siphash(const uint64_t key[static 2], struct slice bytes)
{
    uint64_t v[4] = { key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                      key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573) };
    struct cursor c = cursor(bytes);
    uint64_t m;
    while (c.rest.size >= 8) {
        m = cursor_u64(&c);
        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
    }
    m = (uint64_t)bytes.size << 56;
    for (size_t i = 0; i < c.rest.size; i++)
        m |= (uint64_t)(uint8_t)c.rest.data[i] << (8 * i);
    v[3] ^= m;
    sip_round(v);
    sip_round(v);
    v[0] ^= m;
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the table ---- */

void table_init(struct table *t, const uint64_t key[static 2])
{
    *t = (struct table){ .key = { key[0], key[1] } };
}

void table_done(struct table *t)
{
    mem_free(t->entries);
    t->entries = NULL;
    t->capacity = t->count = 0;
}

static uint64_t hash_number(const struct table *t, uint64_t number)
{
    uint64_t z = number ^ t->key[0];
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool same(const struct table_entry *e, const struct table_entry *key)
{
    return e->hash == key->hash && e->number == key->number && slice_equal(e->octets, key->octets);
}

/* The key's place, or the free one where it would be put; the table is never full. */
static struct table_entry *place_of(const struct table *t, const struct table_entry *key)
{
    size_t mask = t->capacity - 1;
    size_t at = key->hash & mask;
    while (t->entries[at].value && !same(&t->entries[at], key))
        at = (at + 1) & mask;
    return &t->entries[at];
}

static void grow(struct table *t)
{
    struct table old = *t;
    t->capacity = old.capacity > 0 ? old.capacity * 2 : CAPACITY_MIN;
    t->entries = mem_alloc(t->capacity * sizeof *t->entries);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.entries[i].value)
            *place_of(t, &old.entries[i]) = old.entries[i];
    }
    mem_free(old.entries);
}

static void *get(const struct table *t, const struct table_entry *key)
{
    return t->count > 0 ? place_of(t, key)->value : NULL;
}

static void put(struct table *t, struct table_entry key, void *value)
{
    assert(value);
    if (t->count >= t->capacity / 4 * 3)
        grow(t);
    struct table_entry *e = place_of(t, &key);
    t->count += !e->value;
    key.value = value;
    *e = key;
}

/* Entries behind the hole that would not be found any more move into it. */
static void *take(struct table *t, const struct table_entry *key)
{
    struct table_entry *e = t->count > 0 ? place_of(t, key) : NULL;
    if (!e || !e->value)
        return NULL;
    void *value = e->value;
    size_t mask = t->capacity - 1;
    size_t hole = (size_t)(e - t->entries);
    for (size_t at = (hole + 1) & mask; t->entries[at].value; at = (at + 1) & mask) {
        size_t home = t->entries[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            t->entries[hole] = t->entries[at];
            hole = at;
        }
    }
    t->entries[hole] = (struct table_entry){ 0 };
    t->count--;
    return value;
}

static struct table_entry number_key(const struct table *t, uint64_t number)
{
    return (struct table_entry){ .hash = hash_number(t, number), .number = number };
}

static struct table_entry octets_key(const struct table *t, struct slice octets)
{
    return (struct table_entry){ .hash = siphash(t->key, octets), .octets = octets };
}

void *table_get(const struct table *t, uint64_t number)
{
    struct table_entry key = number_key(t, number);
    return get(t, &key);
}

void table_put(struct table *t, uint64_t number, void *value)
{
    put(t, number_key(t, number), value);
}

void *table_remove(struct table *t, uint64_t number)
{
    struct table_entry key = number_key(t, number);
    return take(t, &key);
}

void *table_get_slice(const struct table *t, struct slice octets)
{
    struct table_entry key = octets_key(t, octets);
    return get(t, &key);
}

void table_put_slice(struct table *t, struct slice octets, void *value)
{
    put(t, octets_key(t, octets), value);
}

void *table_remove_slice(struct table *t, struct slice octets)
{
    struct table_entry key = octets_key(t, octets);
    return take(t, &key);
}

void *table_next(const struct table *t, size_t *position)
{
    while (*position < t->capacity) {
        void *value = t->entries[(*position)++].value;
        if (value)
            return value;
    }
    return NULL;
}
