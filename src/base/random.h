/* Randomness is an input: everything here comes from a seed that the driver gives.
 *
 * The stream (ChaCha20, RFC 8439) is for what nobody may guess: ids, boundaries, nonces. The fast generator
 * (xoshiro256**) is for jitter, shuffles and simulations. Same seed, same values, on every machine. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct random_stream {
    uint32_t state[16];
    uint8_t block[64];
    size_t used;
};

void random_stream_init(struct random_stream *r, const uint8_t seed[static 32]);
void random_stream_bytes(struct random_stream *r, void *data, size_t size);
uint64_t random_stream_u64(struct random_stream *r);
/* Base 32 of digits, consonants and "_" (no vowels to read words in): 5 bits a character; NUL-terminated, text has
 * count + 1. */
void random_stream_text(struct random_stream *r, char *text, size_t count);

struct random_fast {
    uint64_t state[4];
};

void random_fast_init(struct random_fast *r, uint64_t seed);
uint64_t random_fast_u64(struct random_fast *r);
uint64_t random_fast_below(struct random_fast *r, uint64_t limit); /* 0 to limit - 1; limit above 0 */
