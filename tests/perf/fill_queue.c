/* fill-queue FOLDER COUNT DUE [SECONDS [DOMAINS]]: commits COUNT messages to a data folder through the store's own
 * functions, for tests of large queues. The last DUE of them are due now, the others in SECONDS (a day if not said), and
 * they go to DOMAINS domains in turn (1,000; d0.test, d1.test ...). No facteurd may have the folder.
 *
 * Each is what a client's letter of 1 KB becomes: an envelope with one recipient that was tried once and got a 4xx, so
 * that its record is of the usual size, and a body in the segment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "engine/queue.h"
#include "io/disk.h"
#include "store/store.h"

enum { BODY_SIZE = 1024, ADDRESS_SIZE_MAX = 64, ID_COUNTER_BITS = 16, ID_NODE_BITS = 6 };

static const int64_t ID_EPOCH_US = INT64_C(1577836800) * US_PER_SECOND; /* 2020-01-01, as border/model.h counts ids */

struct fill {
    struct store *store;
    struct now now;
    uint64_t count, due, domains;
    int64_t later_us;
    uint64_t id_first;
    char body[BODY_SIZE];
};

static struct now now_sample(void)
{
    struct timespec m, w;
    clock_gettime(CLOCK_MONOTONIC, &m);
    clock_gettime(CLOCK_REALTIME, &w);
    return (struct now){ (int64_t)m.tv_sec * US_PER_SECOND + m.tv_nsec / 1000,
                         (int64_t)w.tv_sec * US_PER_SECOND + w.tv_nsec / 1000 };
}

static struct slice envelope_of(const struct fill *f, struct store_item *item, uint64_t n, struct arena *arena)
{
    char address[ADDRESS_SIZE_MAX];
    int size = snprintf(address, sizeof(address), "to%llu@d%llu.test", (unsigned long long)n,
                        (unsigned long long)(n % f->domains));
    struct recipient *recipient = arena_new(arena, struct recipient);
    recipient->address = arena_copy(arena, slice(address, (size_t)size));
    recipient->due_us = item->due_us;
    recipient->attempts = 1;
    recipient->last = (struct outcome){ .class = OUTCOME_TEMP, .stage = STAGE_RCPT, .code = 450,
                                        .enhanced = { 4, 2, 0 }, .host = SLICE("mx.dest.test"),
                                        .text = SLICE("greylisted, try again later"), .at_us = f->now.wall_us };
    const struct envelope envelope = {
        .id = item->id, .received_us = f->now.wall_us, .protocol = RECEIVED_ESMTP, .peer = SLICE("127.0.0.1"),
        .helo = SLICE("client.test"), .from_network = true, .sender = SLICE("sender@source.test"), .attempts = 1,
        .first_attempt_us = f->now.wall_us, .body_size = BODY_SIZE, .recipients = recipient, .recipient_count = 1,
        .queue = QUEUE_REMOTE,
    };
    item->destination = queue_hash(slice_after(recipient->address, slice_find(recipient->address, '@') + 1));
    struct buffer out;
    buffer_init(&out, ENVELOPE_SIZE_MAX);
    envelope_encode(&envelope, &out);
    struct slice copy = arena_copy(arena, buffer_slice(&out));
    buffer_done(&out);
    return copy;
}

static void batch(struct fill *f, uint64_t from, uint32_t count, struct arena *arena)
{
    struct store_item *items = arena_array(arena, struct store_item, count);
    struct store_result *results = arena_array(arena, struct store_result, count);
    struct slice body = slice(f->body, BODY_SIZE);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t n = from + i;
        items[i] = (struct store_item){ .kind = STORE_SUBMIT, .id = f->id_first + n, .queue = QUEUE_REMOTE,
                                        .body = { .size = BODY_SIZE }, .body_parts = &body, .body_part_count = 1 };
        items[i].due_us = n >= f->count - f->due ? f->now.wall_us : f->now.wall_us + f->later_us;
        items[i].envelope = envelope_of(f, &items[i], n, arena);
    }
    store_commit(f->store, now_sample(), items, count, results);
    for (uint32_t i = 0; i < count; i++) {
        if (results[i].status == STORE_OK)
            continue;
        fprintf(stderr, "fill-queue: the store refused message %llu (status %d)\n", (unsigned long long)(from + i),
                (int)results[i].status);
        exit(1);
    }
}

static void fill(struct fill *f)
{
    struct arena arena;
    arena_init(&arena);
    memset(f->body, 'x', BODY_SIZE);
    memcpy(f->body, "Subject: queued\r\n\r\n", 19);
    for (int i = 98; i < BODY_SIZE; i += 80)
        memcpy(f->body + i, "\r\n", 2);
    memcpy(f->body + BODY_SIZE - 2, "\r\n", 2);
    for (uint64_t n = 0; n < f->count;) {
        uint64_t left = f->count - n;
        uint32_t count = left < STORE_BATCH_ITEMS_MAX ? (uint32_t)left : STORE_BATCH_ITEMS_MAX;
        batch(f, n, count, &arena);
        arena_clear(&arena, STORE_BATCH_SIZE_MAX);
        n += count;
        while (store_background(f->store, now_sample()))
            ;
    }
    arena_done(&arena);
}

static uint64_t number(const char *text)
{
    uint64_t value = 0;
    if (!slice_to_u64(slice_of(text), INT32_MAX, &value)) {
        fprintf(stderr, "fill-queue: %s is not a number\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 6) {
        fprintf(stderr, "usage: fill-queue FOLDER COUNT DUE [SECONDS [DOMAINS]]\n");
        return 2;
    }
    struct fill f = { .now = now_sample(), .count = number(argv[2]), .due = number(argv[3]) };
    f.later_us = (argc > 4 ? (int64_t)number(argv[4]) * US_PER_SECOND : US_PER_DAY);
    f.domains = argc > 5 ? number(argv[5]) : 1000;
    if (f.due > f.count || f.domains == 0)
        return 2;
    f.id_first = (uint64_t)((f.now.wall_us - ID_EPOCH_US) / US_PER_MS) << (ID_NODE_BITS + ID_COUNTER_BITS);
    f.id_first -= f.count; /* all of them are older than what facteurd makes next */
    struct disk *disk = NULL;
    struct store_options options;
    store_options_default(&options);
    options.min_free_bytes = 0;
    enum err err = disk_system_open(argv[1], &disk);
    if (err == ERR_OK)
        err = store_open(disk, f.now, &options, &f.store);
    if (err != ERR_OK) {
        fprintf(stderr, "fill-queue: %s: %s\n", argv[1], err_name(err));
        return 1;
    }
    fill(&f);
    store_close(f.store);
    disk_system_close(disk);
    return 0;
}
