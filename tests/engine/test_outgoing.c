/* A message's octets: from memory, from the store in chunks, converted; the same for any cutting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/random.h"
#include "config/config.h"
#include "engine/outgoing.h"

struct bench {
    struct engine engine;
    struct config config;
    struct machine owner;
    struct outgoing outgoing;
    struct slice stored; /* what the store has */
    enum err err;        /* what it answers instead */
    bool shortened;      /* an octet is missing */
    uint32_t reads;
    bool asked;          /* a read is unanswered: */
    struct handle handle;
    struct op_body_read read;
};

static struct bench b;

static struct now at(int64_t monotonic_us)
{
    return (struct now){ .monotonic_us = monotonic_us, .wall_us = INT64_C(1795529580000000) + monotonic_us };
}

static void owner_feed(struct engine *e, struct machine *m, const struct event *event)
{
    b.asked = false;
    assert_true(outgoing_feed(e, &b.outgoing, event));
    assert_false(outgoing_feed(e, &b.outgoing, event)); /* one's own, and once */
}

static bool owner_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    return false;
}

static int64_t owner_deadline_us(const struct engine *e, const struct machine *m)
{
    return US_PER_DAY;
}

static void owner_free(struct engine *e, struct machine *m)
{
}

static const struct machine_kind OWNER = {
    .name = "owner", .feed = owner_feed, .next = owner_next, .deadline_us = owner_deadline_us, .free = owner_free,
};

static void bench_init(void)
{
    memset(&b, 0, sizeof b);
    b.config.limits.body_memory_bytes = 64 << 20;
    struct engine_options options = { .config = &b.config };
    core_init(&b.engine, at(0), &options);
    messages_init(&b.engine);
    machine_add(&b.engine, &b.owner, &OWNER);
}

static void bench_done(void)
{
    core_done(&b.engine);
    messages_done(&b.engine);
}

/* Takes the operations of a turn. */
static void drain(void)
{
    struct op op;
    while (core_next(&b.engine, &op)) {
        assert_int_equal(op.kind, OP_BODY_READ);
        assert_false(b.asked);
        assert_in_range(op.body_read.size, 1, STORE_CHUNK_SIZE);
        assert_true(op.body_read.offset + op.body_read.size <= b.stored.size);
        assert_int_equal(op.body_read.body.offset, 4096);
        b.asked = true;
        b.reads++;
        b.handle = op.handle;
        b.read = op.body_read;
    }
}

static bool answer(void)
{
    drain();
    if (!b.asked)
        return false;
    struct event event = { .kind = EVENT_BODY, .handle = b.handle };
    event.body = (struct event_body){ .id = b.read.id, .err = b.err, .offset = b.read.offset,
                                      .bytes = slice_part(b.stored, b.read.offset, b.read.size - b.shortened) };
    assert_true(core_feed(&b.engine, at(1), &event));
    return true;
}

static struct message *message(struct slice body, bool in_memory)
{
    struct message *m = message_new(&b.engine);
    b.stored = body;
    if (in_memory)
        message_body_add(&b.engine, m, body);
    m->body_whole = in_memory;
    m->body = (struct body_ref){ .segment = 1, .offset = 4096, .size = body.size };
    m->envelope.body_size = body.size;
    return m;
}

static enum outgoing_state prepare(unsigned wish)
{
    enum outgoing_state state;
    while ((state = outgoing_prepare(&b.engine, &b.outgoing, wish)) == OUTGOING_WAIT)
        assert_true(answer());
    return state;
}

/* All of it, in pieces of at most size_max octets (at random below it, when random is not NULL). */
static void read_all(uint32_t size_max, struct random_fast *random, struct buffer *out)
{
    struct slice bytes;
    bool last = false;
    buffer_clear(out);
    while (!last) {
        uint32_t size = random ? 1 + (uint32_t)random_fast_below(random, size_max) : size_max;
        enum outgoing_state state = outgoing_get(&b.engine, &b.outgoing, out->size, size, &bytes, &last);
        if (state == OUTGOING_WAIT) {
            last = false;
            assert_true(answer());
            continue;
        }
        assert_int_equal(state, OUTGOING_READY);
        assert_true(bytes.size <= size && (bytes.size > 0 || last));
        buffer_add(out, bytes);
        if (random && random_fast_below(random, 4) == 0) { /* the same ones again */
            struct slice again;
            bool again_last;
            out->size -= bytes.size;
            while (outgoing_get(&b.engine, &b.outgoing, out->size, size, &again, &again_last) == OUTGOING_WAIT)
                assert_true(answer());
            buffer_add(out, again);
            last = again_last;
        }
    }
}

/* ---- */

static void fill(struct buffer *body, size_t size, uint64_t seed)
{
    struct random_fast random;
    random_fast_init(&random, seed);
    buffer_add_text(body, "Subject: much\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    while (body->size < size) {
        for (uint64_t left = random_fast_below(&random, 90); left > 0; left--)
            buffer_add(body, random_fast_below(&random, 9) ? SLICE("e") : SLICE("\xc3\xa9"));
        buffer_add_text(body, "\r\n");
    }
}

static void test_plain(void **state)
{
    static const size_t sizes[] = { 0, 1, 100, STORE_CHUNK_SIZE - 1, STORE_CHUNK_SIZE, STORE_CHUNK_SIZE + 1, 200000 };
    struct buffer body, out;
    struct random_fast random;
    (void)state;
    random_fast_init(&random, 7);
    buffer_init(&body, 1 << 20);
    buffer_init(&out, 1 << 20);
    fill(&body, 250000, 1);
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        bench_init();
        struct slice all = slice_part(buffer_slice(&body), 0, sizes[i / 2]);
        struct message *m = message(all, i % 2 == 0);
        outgoing_init(&b.outgoing, &b.owner, m);
        assert_int_equal(prepare(0), OUTGOING_READY);
        assert_int_equal(outgoing_size(&b.outgoing), all.size);
        assert_false(outgoing_converted(&b.outgoing));
        for (unsigned times = 0; times < 3; times++) {
            read_all(times == 0 ? OUTGOING_CHUNK_SIZE : 5000, times == 2 ? &random : NULL, &out);
            assert_true(slice_equal(buffer_slice(&out), all));
        }
        if (i % 2 == 0)
            assert_int_equal(b.reads, 0);
        outgoing_done(&b.engine, &b.outgoing);
        message_free(&b.engine, m);
        bench_done();
    }
    buffer_done(&body);
    buffer_done(&out);
}

/* 100 MB would be read a chunk at a time: one chunk is held, and never two reads are under way. */
static void test_chunks(void **state)
{
    struct buffer body, out;
    (void)state;
    buffer_init(&body, 1 << 20);
    buffer_init(&out, 1 << 20);
    fill(&body, 5 * STORE_CHUNK_SIZE, 2);
    struct slice all = slice_part(buffer_slice(&body), 0, 5 * STORE_CHUNK_SIZE - 10);
    bench_init();
    struct message *m = message(all, false);
    outgoing_init(&b.outgoing, &b.owner, m);
    assert_int_equal(prepare(0), OUTGOING_READY);
    read_all(OUTGOING_CHUNK_SIZE, NULL, &out);
    assert_true(slice_equal(buffer_slice(&out), all));
    assert_int_equal(b.reads, 5);
    assert_true(b.outgoing.chunk.capacity <= 2 * OUTGOING_CHUNK_SIZE);
    outgoing_done(&b.engine, &b.outgoing);
    message_free(&b.engine, m);
    bench_done();
    buffer_done(&body);
    buffer_done(&out);
}

/* The body leaves memory while it is sent. */
static void test_dropped(void **state)
{
    struct buffer body, out;
    struct slice bytes;
    bool last;
    (void)state;
    buffer_init(&body, 1 << 20);
    buffer_init(&out, 1 << 20);
    fill(&body, 100000, 3);
    bench_init();
    struct message *m = message(buffer_slice(&body), true);
    outgoing_init(&b.outgoing, &b.owner, m);
    assert_int_equal(prepare(0), OUTGOING_READY);
    assert_int_equal(outgoing_get(&b.engine, &b.outgoing, 0, 1000, &bytes, &last), OUTGOING_READY);
    buffer_add(&out, bytes);
    message_body_drop(&b.engine, m);
    while (!last) {
        enum outgoing_state got = outgoing_get(&b.engine, &b.outgoing, out.size, 30000, &bytes, &last);
        if (got == OUTGOING_WAIT) {
            last = false;
            assert_true(answer());
        } else {
            buffer_add(&out, bytes);
        }
    }
    assert_true(slice_equal(buffer_slice(&out), buffer_slice(&body)));
    assert_int_equal(b.reads, 2);
    outgoing_done(&b.engine, &b.outgoing);
    message_free(&b.engine, m);
    bench_done();
    buffer_done(&body);
    buffer_done(&out);
}

static void test_converted(void **state)
{
    struct buffer body, first, out;
    struct random_fast random;
    (void)state;
    random_fast_init(&random, 9);
    buffer_init(&body, 1 << 20);
    buffer_init(&first, 4 << 20);
    buffer_init(&out, 4 << 20);
    fill(&body, 150000, 4);
    for (unsigned i = 0; i < 6; i++) {
        bench_init();
        struct message *m = message(buffer_slice(&body), i % 2 == 0);
        m->envelope.body_8bit = true;
        outgoing_init(&b.outgoing, &b.owner, m);
        assert_int_equal(outgoing_wish(&m->envelope, true), 0);
        unsigned wish = outgoing_wish(&m->envelope, false);
        assert_int_equal(wish, MIME_WISH_7BIT);
        assert_int_equal(prepare(wish), OUTGOING_READY);
        assert_true(outgoing_converted(&b.outgoing));
        read_all(i < 2 ? OUTGOING_CHUNK_SIZE : 700, i < 4 ? NULL : &random, &out);
        if (i == 0)
            buffer_add(&first, buffer_slice(&out));
        assert_true(slice_equal(buffer_slice(&out), buffer_slice(&first)));
        read_all(OUTGOING_CHUNK_SIZE, &random, &out); /* another host, from the beginning */
        assert_true(slice_equal(buffer_slice(&out), buffer_slice(&first)));
        assert_int_equal(prepare(0), OUTGOING_READY); /* one that takes it as it is */
        read_all(OUTGOING_CHUNK_SIZE, NULL, &out);
        assert_true(slice_equal(buffer_slice(&out), buffer_slice(&body)));
        outgoing_done(&b.engine, &b.outgoing);
        message_free(&b.engine, m);
        bench_done();
    }
    for (size_t i = 0; i < first.size; i++)
        assert_in_range(first.data[i], 1, 127);
    assert_true(slice_find_slice(buffer_slice(&first), SLICE("quoted-printable")) < first.size ||
                slice_find_slice(buffer_slice(&first), SLICE("base64")) < first.size);
    buffer_done(&body);
    buffer_done(&first);
    buffer_done(&out);
}

static void test_refused(void **state)
{
    struct slice bytes = SLICE("Content-Type: multipart/signed; boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\n"
                               "Content-Type: text/plain\r\n\r\n\xe9t\xe9\r\n--b--\r\n");
    (void)state;
    bench_init();
    struct message *m = message(bytes, false);
    outgoing_init(&b.outgoing, &b.owner, m);
    assert_int_equal(prepare(MIME_WISH_7BIT), OUTGOING_REFUSED);
    assert_int_equal(outgoing_refusal(&b.outgoing), MIME_REFUSED_SIGNED);
    assert_int_equal(outgoing_prepare(&b.engine, &b.outgoing, MIME_WISH_7BIT), OUTGOING_REFUSED);
    assert_int_equal(prepare(0), OUTGOING_READY); /* the next host has 8BITMIME */
    outgoing_done(&b.engine, &b.outgoing);
    message_free(&b.engine, m);
    bench_done();
}

static void test_unreadable(void **state)
{
    struct slice bytes;
    bool last;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        bench_init();
        struct message *m = message(SLICE("Subject: x\r\n\r\nx\r\n"), false);
        b.err = i == 0 ? ERR_IO : ERR_OK;
        b.shortened = i == 1;
        if (i == 2)
            m->body.size = 0;
        outgoing_init(&b.outgoing, &b.owner, m);
        unsigned wish = i == 1 ? MIME_WISH_7BIT : 0;
        enum outgoing_state got = prepare(wish);
        if (i == 0) {
            assert_int_equal(got, OUTGOING_READY);
            assert_int_equal(outgoing_get(&b.engine, &b.outgoing, 0, 10, &bytes, &last), OUTGOING_WAIT);
            assert_true(answer());
            got = outgoing_get(&b.engine, &b.outgoing, 0, 10, &bytes, &last);
        }
        assert_int_equal(got, OUTGOING_FAILED);
        assert_int_equal(b.outgoing.err, i == 0 ? ERR_IO : ERR_CORRUPT);
        outgoing_done(&b.engine, &b.outgoing);
        message_free(&b.engine, m);
        bench_done();
    }
}

/* An answer that comes after the end finds nobody. */
static void test_forgotten(void **state)
{
    struct slice bytes;
    bool last;
    (void)state;
    bench_init();
    struct message *m = message(SLICE("Subject: x\r\n\r\nx\r\n"), false);
    outgoing_init(&b.outgoing, &b.owner, m);
    assert_int_equal(prepare(0), OUTGOING_READY);
    assert_int_equal(outgoing_get(&b.engine, &b.outgoing, 0, 10, &bytes, &last), OUTGOING_WAIT);
    drain();
    assert_true(b.asked);
    outgoing_done(&b.engine, &b.outgoing);
    struct event event = { .kind = EVENT_BODY, .handle = b.handle };
    event.body = (struct event_body){ .bytes = b.stored };
    assert_false(core_feed(&b.engine, at(1), &event));
    message_free(&b.engine, m);
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),    cmocka_unit_test(test_chunks),     cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_converted), cmocka_unit_test(test_refused),   cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
