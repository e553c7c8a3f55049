/* What the store's tests share: items that name their own content, so that any message that is found can be checked. */
#pragma once

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/random.h"
#include "sim/disk.h"
#include "store/store.h"

enum { UTIL_BODY_MAX = 600 << 10 };

/* The body of a message is made from its id and size alone. */
static inline void util_body(uint64_t id, uint64_t offset, char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t at = offset + i;
        data[i] = (char)((id * 31 + at * 7 + (at >> 8)) ^ (id >> 8));
    }
}

/* The envelope says which version of the message it is. */
static inline struct slice util_envelope(uint64_t id, uint32_t version, struct arena *arena)
{
    static const char *const addresses[] = { "anna@example.org", "bert@example.net", "carla@mail.example.com" };
    struct recipient *recipient = arena_new(arena, struct recipient);
    recipient->address = slice_of(addresses[id % 3]);
    recipient->attempts = (uint16_t)version;
    recipient->due_us = (int64_t)id * 10 + version;
    char helo[300];
    size_t size = (size_t)(id * 7 % 251);
    memset(helo, 'h', sizeof helo);
    struct envelope envelope = { .id = id,
                                 .sender = slice_of(addresses[(id + 1) % 3]),
                                 .helo = slice(helo, size),
                                 .attempts = (uint16_t)version,
                                 .recipients = recipient,
                                 .recipient_count = 1 };
    struct buffer out;
    buffer_init(&out, ENVELOPE_SIZE_MAX);
    envelope_encode(&envelope, &out);
    struct slice copy = arena_copy(arena, buffer_slice(&out));
    buffer_done(&out);
    return copy;
}

static inline struct store_options util_options(uint64_t seed)
{
    struct store_options options;
    store_options_default(&options);
    options.segment_size = STORE_SEGMENT_SIZE_MIN;
    options.min_free_bytes = 0;
    options.pending_max = 1000;
    memcpy(options.seed, &seed, sizeof seed);
    return options;
}

static inline struct store_item util_submit(uint64_t id, size_t body_size, struct arena *arena)
{
    struct slice *part = arena_new(arena, struct slice);
    char *body = arena_alloc(arena, body_size + 1);
    util_body(id, 0, body, body_size);
    *part = slice(body, body_size);
    return (struct store_item){ .kind = STORE_SUBMIT,
                                .id = id,
                                .tag = id + 1000,
                                .due_us = (int64_t)id * 10,
                                .queue = QUEUE_REMOTE,
                                .destination = (uint32_t)id,
                                .envelope = util_envelope(id, 0, arena),
                                .body = { .size = body_size },
                                .body_parts = part,
                                .body_part_count = 1 };
}

static inline struct store_item util_settle(uint64_t id, uint32_t version, struct body_ref body, struct arena *arena)
{
    return (struct store_item){ .kind = STORE_SETTLE,
                                .id = id,
                                .tag = id + 2000,
                                .due_us = (int64_t)id * 10 + version,
                                .queue = QUEUE_RETRY,
                                .destination = (uint32_t)id,
                                .envelope = util_envelope(id, version, arena),
                                .body = body };
}

static inline struct store_item util_end(uint64_t id)
{
    return (struct store_item){ .kind = STORE_END, .id = id, .tag = id + 3000 };
}

/* The version that the message's envelope has, checked as a whole; -1 when it cannot be read. */
static inline int util_read_version(struct store_reader *reader, uint64_t id, struct record_ref ref, enum err *ret_err)
{
    struct buffer out;
    buffer_init(&out, ENVELOPE_SIZE_MAX);
    struct arena arena;
    arena_init(&arena);
    int version = -1;
    *ret_err = store_read_envelope(reader, id, ref, &out);
    if (*ret_err == ERR_OK) {
        struct envelope envelope = { 0 };
        *ret_err = envelope_decode(buffer_slice(&out), &arena, &envelope);
        version = envelope.attempts;
        if (!slice_equal(buffer_slice(&out), util_envelope(id, (uint32_t)version, &arena)))
            *ret_err = ERR_CORRUPT; /* what was given is not what was asked for */
    }
    arena_done(&arena);
    buffer_done(&out);
    return version;
}

static inline bool util_body_is_right(struct store_reader *reader, uint64_t id, const struct body_ref *body, enum err *ret_err)
{
    struct buffer out;
    buffer_init(&out, STORE_CHUNK_SIZE);
    char *want = malloc(STORE_CHUNK_SIZE);
    bool right = true;
    *ret_err = ERR_OK;
    for (uint64_t offset = 0; offset < body->size && right; offset += STORE_CHUNK_SIZE) {
        buffer_clear(&out);
        *ret_err = store_read_body(reader, id, body, offset, STORE_CHUNK_SIZE, &out);
        size_t size = body->size - offset < STORE_CHUNK_SIZE ? (size_t)(body->size - offset) : STORE_CHUNK_SIZE;
        util_body(id, offset, want, size);
        right = *ret_err == ERR_OK && slice_equal(buffer_slice(&out), slice(want, size));
    }
    free(want);
    buffer_done(&out);
    return right;
}

static inline struct now util_now(int64_t us)
{
    return (struct now){ .monotonic_us = us, .wall_us = 1700000000000000 + us };
}
