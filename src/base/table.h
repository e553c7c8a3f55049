/* Hash tables from 64-bit keys or from octets to pointers. Open addressing, grown at 3/4; removal leaves no marks.
 *
 * Keys of octets come from strangers: they are hashed with SipHash under a key that the owner draws from its seed. The
 * octets of a key are the caller's and must live as long as the entry. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

uint64_t siphash(const uint64_t key[static 2], struct slice bytes); /* SipHash-2-4 */

struct table_entry {
    uint64_t hash; /* the key itself in a table of numbers, mixed; 0 in `value` tells a free place */
    uint64_t number;
    struct slice octets;
    void *value;   /* NULL: free */
};

struct table {
    struct table_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t key[2];
};

void table_init(struct table *t, const uint64_t key[static 2]);
void table_done(struct table *t);
/* By number. */
void *table_get(const struct table *t, uint64_t number);
void table_put(struct table *t, uint64_t number, void *value); /* replaces; value is not NULL */
void *table_remove(struct table *t, uint64_t number);          /* the value, or NULL */
/* By octets. One table has keys of one kind only. */
void *table_get_slice(const struct table *t, struct slice octets);
void table_put_slice(struct table *t, struct slice octets, void *value);
void *table_remove_slice(struct table *t, struct slice octets);
static inline size_t table_count(const struct table *t)
{
    return t->count;
}

/* Walks all values: *position starts at 0; NULL at the end. The table must not change meanwhile. */
void *table_next(const struct table *t, size_t *position);
