#include "base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

/* ---- slices ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    }
    return true;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.size >= prefix.size && slice_equal(slice_part(s, 0, prefix.size), prefix);
}

bool slice_starts_with_nocase(struct slice s, struct slice prefix)
{
    return s.size >= prefix.size && slice_equal_nocase(slice_part(s, 0, prefix.size), prefix);
}

bool slice_ends_with_nocase(struct slice s, struct slice suffix)
{
    return s.size >= suffix.size && slice_equal_nocase(slice_after(s, s.size - suffix.size), suffix);
}

size_t slice_find(struct slice s, char c)
{
    const char *p = s.size > 0 ? memchr(s.data, c, s.size) : NULL;
    return p ? (size_t)(p - s.data) : s.size;
}

size_t slice_find_last(struct slice s, char c)
{
    const char *p = s.size > 0 ? memrchr(s.data, c, s.size) : NULL;
    return p ? (size_t)(p - s.data) : s.size;
}

size_t slice_find_slice(struct slice s, struct slice needle)
{
    if (needle.size == 0)
        return 0;
    const char *p = s.size >= needle.size ? memmem(s.data, s.size, needle.data, needle.size) : NULL;
    return p ? (size_t)(p - s.data) : s.size;
}

struct slice slice_part(struct slice s, size_t from, size_t count)
{
    if (from >= s.size)
        return (struct slice){ s.data ? s.data + s.size : NULL, 0 };
    size_t left = s.size - from;
    return (struct slice){ s.data + from, count < left ? count : left };
}

struct slice slice_after(struct slice s, size_t from)
{
    return slice_part(s, from, SIZE_MAX);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.size > 0 && blank(s.data[0]))
        s = slice_after(s, 1);
    while (s.size > 0 && blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

struct slice slice_split(struct slice *rest, char separator)
{
    size_t at = slice_find(*rest, separator);
    struct slice head = slice_part(*rest, 0, at);
    *rest = slice_after(*rest, at < rest->size ? at + 1 : at);
    return head;
}

bool slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.size == 0)
        return false;
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(c - '0'), &value) || value > max)
            return false;
    }
    *ret_value = value;
    return true;
}

/* ---- buffers ---- */

enum { BUFFER_CAPACITY_MIN = 64 };

void buffer_init(struct buffer *b, size_t size_max)
{
    *b = (struct buffer){ .size_max = size_max };
}

void buffer_done(struct buffer *b)
{
    mem_free(b->data);
    *b = (struct buffer){ .size_max = b->size_max };
}

void buffer_clear(struct buffer *b)
{
    b->size = 0;
    b->overflow = false;
}

void buffer_trim(struct buffer *b)
{
    if (b->size > 0)
        return;
    mem_free(b->data);
    b->data = NULL;
    b->capacity = 0;
}

char *buffer_reserve(struct buffer *b, size_t count)
{
    if (b->overflow || count > b->size_max - b->size) {
        b->overflow = true;
        return NULL;
    }
    size_t needed = b->size + count;
    if (needed > b->capacity || b->data == NULL) {
        size_t capacity = b->capacity > BUFFER_CAPACITY_MIN ? b->capacity : BUFFER_CAPACITY_MIN;
        while (capacity < needed)
            capacity *= 2;
        if (capacity > b->size_max)
            capacity = b->size_max;
        b->data = mem_realloc(b->data, capacity, 1);
        b->capacity = capacity;
    }
    return b->data + b->size;
}

void buffer_add(struct buffer *b, struct slice s)
{
    char *p = s.size > 0 ? buffer_reserve(b, s.size) : NULL;
    if (!p)
        return;
    memcpy(p, s.data, s.size);
    b->size += s.size;
}

void buffer_add_char(struct buffer *b, char c)
{
    buffer_add(b, slice(&c, 1));
}

void buffer_add_text(struct buffer *b, const char *text)
{
    buffer_add(b, slice_of(text));
}

void buffer_add_number(struct buffer *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    buffer_add(b, slice(digits + at, sizeof digits - at));
}

void buffer_add_format(struct buffer *b, const char *format, ...)
{
    char small[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    if ((size_t)size < sizeof small) {
        buffer_add(b, slice(small, (size_t)size));
        return;
    }
    char *large = mem_alloc((size_t)size + 1); /* vsnprintf ends its text with NUL, which is not part of ours */
    va_start(arguments, format);
    vsnprintf(large, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buffer_add(b, slice(large, (size_t)size));
    mem_free(large);
}

static void add_little_endian(struct buffer *b, uint64_t v, size_t size)
{
    char octets[8];
    for (size_t i = 0; i < size; i++)
        octets[i] = (char)(v >> (8 * i));
    buffer_add(b, slice(octets, size));
}

void buffer_add_u8(struct buffer *b, uint8_t v)
{
    add_little_endian(b, v, 1);
}

void buffer_add_u16(struct buffer *b, uint16_t v)
{
    add_little_endian(b, v, 2);
}

void buffer_add_u32(struct buffer *b, uint32_t v)
{
    add_little_endian(b, v, 4);
}

void buffer_add_u64(struct buffer *b, uint64_t v)
{
    add_little_endian(b, v, 8);
}

void buffer_add_counted(struct buffer *b, struct slice s)
{
    if (s.size > UINT32_MAX) {
        b->overflow = true;
        return;
    }
    buffer_add_u32(b, (uint32_t)s.size);
    buffer_add(b, s);
}

void buffer_consume(struct buffer *b, size_t count)
{
    assert(count <= b->size);
    b->size -= count;
    if (b->size > 0 && count > 0)
        memmove(b->data, b->data + count, b->size);
}

/* ---- cursors ---- */

struct slice cursor_take(struct cursor *c, size_t count)
{
    if (c->failed || count > c->rest.size) {
        c->failed = true;
        return SLICE_EMPTY;
    }
    struct slice taken = slice_part(c->rest, 0, count);
    c->rest = slice_after(c->rest, count);
    return taken;
}

static uint64_t take_little_endian(struct cursor *c, size_t size)
{
    struct slice s = cursor_take(c, size);
    uint64_t v = 0;
    for (size_t i = s.size; i > 0; i--)
        v = v << 8 | (uint8_t)s.data[i - 1];
    return v;
}

uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)take_little_endian(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
    return (uint16_t)take_little_endian(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
    return (uint32_t)take_little_endian(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
    return take_little_endian(c, 8);
}

uint16_t cursor_u16_be(struct cursor *c)
{
    return __builtin_bswap16(cursor_u16(c));
}

uint32_t cursor_u32_be(struct cursor *c)
{
    return __builtin_bswap32(cursor_u32(c));
}

struct slice cursor_counted(struct cursor *c)
{
    return cursor_take(c, cursor_u32(c));
}

bool cursor_at_end(const struct cursor *c)
{
    return !c->failed && c->rest.size == 0;
}
