/* Bytes: a slice borrows, a buffer owns, a cursor reads with a sticky error.
 *
 * Slices are passed by value and are not NUL-terminated; an empty slice may have a NULL pointer. All functions accept
 * any octet. Comparison without case folds ASCII only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct slice {
    const char *data;
    size_t size;
};

#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })
#define SLICE_EMPTY ((struct slice){ NULL, 0 })
/* For printf's "%.*s". */
#define SLICE_ARG(s) (int)(s).size, (s).data

static inline struct slice slice(const void *data, size_t size)
{
    return (struct slice){ data, size };
}

static inline struct slice slice_of(const char *text) /* NUL-terminated; NULL gives the empty slice */
{
    return (struct slice){ text, text ? strlen(text) : 0 };
}

bool slice_equal(struct slice a, struct slice b);
bool slice_equal_nocase(struct slice a, struct slice b);
int slice_compare(struct slice a, struct slice b); /* memcmp order, shorter first */
bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_starts_with_nocase(struct slice s, struct slice prefix);
bool slice_ends_with_nocase(struct slice s, struct slice suffix);
/* The first place of octet c or of needle, or s.size. */
size_t slice_find(struct slice s, char c);
size_t slice_find_last(struct slice s, char c);
size_t slice_find_slice(struct slice s, struct slice needle);
/* From octet `from` on, at most `count` octets; both are cut to what is there. */
struct slice slice_part(struct slice s, size_t from, size_t count);
struct slice slice_after(struct slice s, size_t from);
/* Without blanks and tabs (and CR, LF) at both ends. */
struct slice slice_trim(struct slice s);
/* Cuts at the first `separator`: *rest becomes what follows (empty when there is none), the part before is returned. */
struct slice slice_split(struct slice *rest, char separator);
/* Decimal digits only, no sign; false on anything else or above max. */
bool slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value);

/* A growable buffer with a maximum set when it is made. Going over it adds nothing and sets `overflow`, which stays
 * until buffer_clear: write ten times, test once. Memory comes from the heap and is given back by buffer_done, or by
 * buffer_trim when it is empty. */
struct buffer {
    char *data;
    size_t size;
    size_t capacity;
    size_t size_max;
    bool overflow;
};

void buffer_init(struct buffer *b, size_t size_max);
void buffer_done(struct buffer *b);
void buffer_clear(struct buffer *b);              /* keeps the memory */
void buffer_trim(struct buffer *b);               /* gives the memory back if the buffer is empty */
void buffer_add(struct buffer *b, struct slice s);
void buffer_add_char(struct buffer *b, char c);
void buffer_add_text(struct buffer *b, const char *text);
void buffer_add_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_add_number(struct buffer *b, uint64_t v); /* in decimal */
void buffer_add_u8(struct buffer *b, uint8_t v);  /* fixed-size integers are little-endian */
void buffer_add_u16(struct buffer *b, uint16_t v);
void buffer_add_u32(struct buffer *b, uint32_t v);
void buffer_add_u64(struct buffer *b, uint64_t v);
void buffer_add_counted(struct buffer *b, struct slice s); /* u32 length, then the octets */
void buffer_consume(struct buffer *b, size_t count);       /* drops octets at the front */
/* Room for `count` more octets at data + size, or NULL (and overflow) above the maximum; the caller adds to size. */
char *buffer_reserve(struct buffer *b, size_t count);

static inline struct slice buffer_slice(const struct buffer *b)
{
    return (struct slice){ b->data, b->size };
}

/* Reads front to back; a read over the end gives zero (or an empty slice) and sets `failed`, which stays. */
struct cursor {
    struct slice rest;
    bool failed;
};

static inline struct cursor cursor(struct slice s)
{
    return (struct cursor){ .rest = s };
}

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
uint16_t cursor_u16_be(struct cursor *c);
uint32_t cursor_u32_be(struct cursor *c);
struct slice cursor_take(struct cursor *c, size_t count);
struct slice cursor_counted(struct cursor *c); /* u32 length, then the octets */
bool cursor_at_end(const struct cursor *c);    /* everything read and nothing failed */
