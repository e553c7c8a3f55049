/* Messages in memory: bodies in blocks, records read into them, what is kept for reuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "config/config.h"
#include "engine/message.h"
#include "engine/queue.h"

static struct engine engine;
static struct config config;

static int set_up(void **state)
{
    struct engine_options options = { .config = &config };
    memset(&engine, 0, sizeof engine);
    config.limits.body_memory_bytes = 1 << 20;
    core_init(&engine, (struct now){ 1, INT64_C(1795529580000000) }, &options);
    messages_init(&engine);
    return 0;
}

static int tear_down(void **state)
{
    messages_done(&engine);
    core_done(&engine);
    return 0;
}

/* The body as it is read by offset, in whatever pieces it lies, and as its parts give it. */
static void check_body(const struct message *m, struct slice expected)
{
    struct slice parts[MESSAGE_BODY_PARTS_MAX];
    uint64_t at = 0, sum = 0;
    for (struct slice piece; (piece = message_body_at(m, at)).size > 0; at += piece.size)
        assert_true(slice_equal(piece, slice_part(expected, at, piece.size)));
    assert_true(at == expected.size && m->body_bytes == expected.size);
    for (uint32_t i = 0, count = message_body_parts(m, parts); i < count; sum += parts[i++].size)
        assert_true(slice_equal(parts[i], slice_part(expected, sum, parts[i].size)));
    assert_true(sum == expected.size);
    for (uint64_t offset = 0; offset < expected.size; offset += 997)
        assert_int_equal(message_body_at(m, offset).data[0], expected.data[offset]);
}

static void test_bodies(void **state)
{
    static char body[STORE_INLINE_BODY_MAX];
    static const size_t sizes[] = { 0, 1, 4000, 4064, 4065, 40000, STORE_INLINE_BODY_MAX - MESSAGE_PREFIX_SIZE_MAX };
    struct random_fast random;
    random_fast_init(&random, 1);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)random_fast_u64(&random);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct message *m = message_new(&engine);
        struct slice whole = slice(body, MESSAGE_PREFIX_SIZE_MAX + sizes[s]),
                     rest = slice_after(whole, MESSAGE_PREFIX_SIZE_MAX);
        check_body(m, SLICE_EMPTY);
        while (rest.size > 0) {
            struct slice piece = slice_part(rest, 0, 1 + random_fast_below(&random, 5000));
            message_body_add(&engine, m, piece);
            rest = slice_after(rest, piece.size);
        }
        check_body(m, slice_after(whole, MESSAGE_PREFIX_SIZE_MAX));
        message_body_prepend(&engine, m, slice_part(whole, 0, MESSAGE_PREFIX_SIZE_MAX)); /* our trace field */
        check_body(m, whole);
        assert_true(messages_body_memory(&engine) >= whole.size);
        message_free(&engine, m);
        assert_true(messages_body_memory(&engine) == 0);
    }
}

static void test_streaming(void **state)
{
    static char block[10000];
    struct message *m = message_new(&engine);
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 100; i++) { /* a megabyte, never more than a few blocks of it here */
        message_body_add(&engine, m, slice(block, sizeof block));
        while (m->first != m->last) {
            uint64_t before = m->body_bytes;
            uint32_t size = m->first->size;
            message_body_take_first(&engine, m);
            assert_true(m->body_bytes == before - size);
        }
        assert_true(messages_body_memory(&engine) <= 2 * MESSAGE_BLOCK_SIZE);
    }
    assert_false(m->body_whole);
    message_body_drop(&engine, m);
    assert_true(m->body_bytes == 0 && m->first == NULL && m->last == NULL);
    message_free(&engine, m);
    message_free(&engine, NULL);
}

static void test_body_memory(void **state)
{
    static char body[100000];
    struct message *all[12];
    size_t count = 0;
    while (message_body_may_stay(&engine)) {
        assert_true(count < 12);
        all[count] = message_new(&engine);
        message_body_add(&engine, all[count++], slice(body, sizeof body));
    }
    assert_true(count >= 8); /* of a megabyte */
    while (count > 0)
        message_free(&engine, all[--count]);
    assert_true(message_body_may_stay(&engine));
}

static void test_a_reused_message_is_new(void **state)
{
    struct message *m = message_new(&engine);
    uint64_t id = m->envelope.id;
    m->envelope.sender = arena_copy(&m->arena, SLICE("a@x.org"));
    m->envelope.hold = m->inflight = true;
    m->stub = 7;
    m->owner = &engine;
    message_recipient_add(m)->address = SLICE("b@y.org");
    message_body_add(&engine, m, SLICE("text"));
    message_free(&engine, m);
    struct message *again = message_new(&engine);
    assert_ptr_equal(again, m);
    assert_true(again->envelope.id > id && again->envelope.sender.size == 0 && again->envelope.recipient_count == 0);
    assert_true(!again->envelope.hold && !again->inflight && again->stub == 0 && again->owner == NULL &&
                again->first == NULL);
    assert_true(again->body_whole && again->body_bytes == 0 && again->recipient_capacity == 0);
    struct message *empty = message_new_empty(&engine);
    assert_true(empty->envelope.id == 0 && !empty->body_whole);
    message_free(&engine, empty);
    message_free(&engine, again);
}

static void test_recipients(void **state)
{
    struct message *m = message_new(&engine);
    char text[32];
    for (int i = 0; i < 1000; i++) {
        struct recipient *r = message_recipient_add(m);
        int size = snprintf(text, sizeof text, "user%d@y.org", i);
        assert_int_equal(r->address.size, 0);
        r->address = arena_copy(&m->arena, slice(text, (size_t)size));
    }
    assert_int_equal(m->envelope.recipient_count, 1000);
    for (int i = 0; i < 1000; i++) {
        int size = snprintf(text, sizeof text, "user%d@y.org", i);
        assert_true(slice_equal(m->envelope.recipients[i].address, slice(text, (size_t)size)));
    }
    message_free(&engine, m);
}

/* A record is copied: its octets may go. And what was read can be added to. */
static void test_decoding(void **state)
{
    struct message *m = message_new(&engine), *read = message_new_empty(&engine);
    struct buffer record;
    buffer_init(&record, ENVELOPE_SIZE_MAX);
    m->envelope.sender = SLICE("a@x.org");
    message_recipient_add(m)->address = SLICE("b@y.org");
    envelope_encode(&m->envelope, &record);
    assert_int_equal(message_decode(read, buffer_slice(&record)), ERR_OK);
    memset(record.data, 0xff, record.size);
    message_recipient_add(read)->address = SLICE("c@z.org");
    assert_true(read->envelope.id == m->envelope.id && slice_equal(read->envelope.sender, SLICE("a@x.org")));
    assert_int_equal(read->envelope.recipient_count, 2);
    assert_true(slice_equal(read->envelope.recipients[0].address, SLICE("b@y.org")));
    assert_true(slice_equal(read->envelope.recipients[1].address, SLICE("c@z.org")));
    assert_int_not_equal(message_decode(read, buffer_slice(&record)), ERR_OK);
    message_free(&engine, m);
    message_free(&engine, read);
    buffer_done(&record);
}

static void test_destination(void **state)
{
    struct message *m = message_new(&engine);
    message_set_destination(m);
    assert_int_equal(m->destination, 0);
    message_recipient_add(m)->address = SLICE("a@Y.org");
    message_recipient_add(m)->address = SLICE("\"b@c\"@y.ORG");
    message_set_destination(m);
    assert_int_equal(m->destination, queue_hash(SLICE("y.org")));
    struct recipient *third = message_recipient_add(m);
    third->address = SLICE("c@z.org");
    message_set_destination(m);
    assert_int_equal(m->destination, 0); /* two next hops */
    third->state = RECIPIENT_DELIVERED;
    message_set_destination(m);
    assert_int_equal(m->destination, queue_hash(SLICE("y.org")));
    message_free(&engine, m);
}

static void test_reuse_is_bounded(void **state)
{
    static struct message *many[1000];
    static char body[50000];
    for (int i = 0; i < 1000; i++) {
        many[i] = message_new(&engine);
        message_body_add(&engine, many[i], slice(body, sizeof body));
        arena_alloc(&many[i]->arena, 100000);
    }
    for (int i = 0; i < 1000; i++)
        message_free(&engine, many[i]);
    assert_true(messages_body_memory(&engine) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bodies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streaming, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_body_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_reused_message_is_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recipients, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_decoding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_destination, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reuse_is_bounded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
