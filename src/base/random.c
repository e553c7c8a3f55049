#include "base/random.h"

#include <assert.h>
#include <string.h>

/* ---- the stream ---- */

static uint32_t rotate(uint32_t v, unsigned count)
{
    return v << count | v >> (32 - count);
}

static void quarter_round(uint32_t *x, int a, int b, int c, int d)
{
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

static void block_make(struct random_stream *r)
{
    uint32_t x[16];
    memcpy(x, r->state, sizeof x);
    for (int i = 0; i < 10; i++) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++) {
        uint32_t v = x[i] + r->state[i];
        for (int j = 0; j < 4; j++)
            r->block[i * 4 + j] = (uint8_t)(v >> (8 * j));
    }
    if (++r->state[12] == 0)
        r->state[13]++; /* a 64-bit counter: the nonce is not used otherwise */
    r->used = 0;
}

void random_stream_init(struct random_stream *r, const uint8_t seed[static 32])
{
    static const char constant[] = "expand 32-byte k";
    for (int i = 0; i < 4; i++)
        memcpy(&r->state[i], constant + i * 4, 4);
    for (int i = 0; i < 8; i++) {
        const uint8_t *s = seed + i * 4;
        r->state[4 + i] = s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
    }
    memset(&r->state[12], 0, 4 * sizeof r->state[12]);
    r->used = sizeof r->block;
}

void random_stream_bytes(struct random_stream *r, void *data, size_t size)
{
    uint8_t *out = data;
    while (size > 0) {
        if (r->used == sizeof r->block)
            block_make(r);
        size_t count = sizeof r->block - r->used;
        if (count > size)
            count = size;
        memcpy(out, r->block + r->used, count);
        r->used += count;
        out += count;
        size -= count;
    }
}

uint64_t random_stream_u64(struct random_stream *r)
{
    uint8_t b[8];
    random_stream_bytes(r, b, sizeof b);
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | b[i];
    return v;
}

void random_stream_text(struct random_stream *r, char *text, size_t count)
{
    static const char digits[33] = "0123456789BCDFGHJKLMNPQRSTVWXYZ_";
    for (size_t i = 0; i < count; i++) {
        uint8_t b;
        random_stream_bytes(r, &b, 1);
        text[i] = digits[b & 31];
    }
    text[count] = 0;
}

/* ---- the fast generator ---- */

static uint64_t rotate64(uint64_t v, unsigned count)
{
    return v << count | v >> (64 - count);
}

void random_fast_init(struct random_fast *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) { /* splitmix64 */
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r->state[i] = z ^ z >> 31;
    }
}

uint64_t random_fast_u64(struct random_fast *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate64(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate64(s[3], 45);
    return result;
}

uint64_t random_fast_below(struct random_fast *r, uint64_t limit)
{
    assert(limit > 0);
    uint64_t reject_below = -limit % limit; /* 2^64 mod limit: values below would favour small results */
    for (;;) {
        uint64_t v = random_fast_u64(r);
        if (v >= reject_below)
            return v % limit;
    }
}
