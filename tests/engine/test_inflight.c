/* The slots that tell after an unclean end which letters were under way. */
#include "engine/inflight.h"

#include "engine_bench.h"

static void a_slot_each(void **state)
{
    bench_init("", "");
    struct message *m[3];
    for (uint32_t i = 0; i < 3; i++) {
        m[i] = message_new(b.e);
        inflight_take(b.e, m[i]);
    }
    run();
    assert_int_equal(b.inflight, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(b.inflight_id[m[i]->inflight_slot], m[i]->envelope.id);
    inflight_clear(b.e, m[1]);
    inflight_clear(b.e, m[1]); /* nothing any more */
    run();
    assert_int_equal(b.inflight, 2);
    assert_false(m[1]->inflight);
    for (uint32_t i = 0; i < 3; i++) {
        inflight_clear(b.e, m[i]);
        message_free(b.e, m[i]);
    }
    run();
    assert_int_equal(b.inflight, 0);
    bench_done();
}

/* All are in use: whoever comes goes without, and a slot that comes free is found wherever it is. */
static void all_in_use(void **state)
{
    static struct message *m[INFLIGHT_SLOTS + 1];
    bench_init("", "");
    for (uint32_t i = 0; i <= INFLIGHT_SLOTS; i++) {
        m[i] = message_new(b.e);
        inflight_take(b.e, m[i]);
        assert_int_equal(m[i]->inflight, i < INFLIGHT_SLOTS);
    }
    run();
    assert_int_equal(b.inflight, INFLIGHT_SLOTS);
    uint32_t slot = m[1234]->inflight_slot;
    inflight_clear(b.e, m[1234]);
    inflight_take(b.e, m[INFLIGHT_SLOTS]);
    assert_int_equal(m[INFLIGHT_SLOTS]->inflight_slot, slot);
    for (uint32_t i = 0; i <= INFLIGHT_SLOTS; i++) {
        inflight_clear(b.e, m[i]);
        message_free(b.e, m[i]);
    }
    run();
    assert_int_equal(b.inflight, 0);
    bench_done();
}

/* Marked before the dot can have left, and cleared when what became of it is durable, not before. */
static void from_the_dot_to_the_settle(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].dot = "";
    uint64_t id = message_put("a@x.test", "b@one.test");
    run();
    assert_int_equal(b.inflight, 1);
    assert_int_equal(b.dots, 1);
    b.store_silent = true;
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        if (b.peers[i].used && b.peers[i].server)
            buffer_add_text(&b.peers[i].out, "250 2.0.0 taken\r\n");
    pass(US_PER_SECOND);
    assert_int_equal(b.inflight, 1);
    bench_store_answers();
    run();
    assert_int_equal(b.inflight, 0);
    assert_true(stored_find(id)->ended);
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_each),
        cmocka_unit_test(all_in_use),
        cmocka_unit_test(from_the_dot_to_the_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
