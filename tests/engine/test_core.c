/* The frame of the engine: handles, the order in which machines are asked, deadlines, the bytes of a turn, ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "engine/core.h"

enum { WALL_2026_US_PER_S = 1795529580 };

struct bench {
    struct engine engine;
    struct buffer log; /* what was fed and freed, a word each */
};

/* A machine that says `left` operations, told apart by their credit, and then waits for its deadline. */
struct fake {
    struct machine machine;
    struct handle handle;
    struct bench *bench;
    char name;
    uint32_t left, said;
    int64_t deadline_us;
    bool closes;          /* after its last operation */
    bool puts;            /* an operation of its own in front of each */
    uint32_t wakes;       /* so many more operations come up when it has said that there are none */
    struct fake *closing; /* closes that one when fed */
};

static struct fake *fake_of(struct machine *m)
{
    return LIST_OWNER(m, struct fake, machine);
}

static void fake_feed(struct engine *e, struct machine *m, const struct event *event)
{
    struct fake *f = fake_of(m);
    buffer_add_format(&f->bench->log, "%c%s ", f->name, event->kind == EVENT_TICK ? "-tick" : "-fed");
    if (event->kind == EVENT_TICK)
        f->deadline_us += US_PER_MINUTE;
    if (f->closing)
        machine_close(e, &f->closing->machine);
}

static bool fake_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    struct fake *f = fake_of(m);
    if (f->left == 0 && f->wakes > 0) {
        f->wakes--;
        f->left = 1;
        machine_wake(e, m);
        return false;
    }
    if (f->left == 0) {
        if (f->closes)
            machine_close(e, m);
        return false;
    }
    f->left--;
    if (f->puts)
        op_put(e, &(struct op){ .kind = OP_CREDIT, .credit = (uint32_t)'p' << 8 | f->said });
    *ret_op = (struct op){ .kind = OP_CREDIT, .handle = f->handle, .credit = (uint32_t)f->name << 8 | f->said++ };
    return true;
}

static int64_t fake_deadline_us(const struct engine *e, const struct machine *m)
{
    return fake_of((struct machine *)(uintptr_t)m)->deadline_us;
}

static void fake_free(struct engine *e, struct machine *m)
{
    struct fake *f = fake_of(m);
    handle_drop(e, &f->handle);
    buffer_add_format(&f->bench->log, "%c-freed ", f->name);
    mem_free(f);
}

static const struct machine_kind fake_kind = {
    .name = "fake",
    .feed = fake_feed,
    .next = fake_next,
    .deadline_us = fake_deadline_us,
    .free = fake_free,
};
static const struct machine_kind late_kind = {
    .name = "late",
    .late = true,
    .feed = fake_feed,
    .next = fake_next,
    .deadline_us = fake_deadline_us,
    .free = fake_free,
};
static const struct machine_kind sleepy_kind = {
    .name = "sleepy",
    .may_sleep = true,
    .feed = fake_feed,
    .next = fake_next,
    .deadline_us = fake_deadline_us,
    .free = fake_free,
};

static struct now at(int64_t monotonic_us)
{
    return (struct now){ .monotonic_us = monotonic_us, .wall_us = WALL_2026_US_PER_S * US_PER_SECOND + monotonic_us };
}

static void bench_init(struct bench *b, uint64_t last_id, uint8_t node)
{
    struct engine_options options = { .seed = { 1, 2, 3 }, .node = node, .last_id = last_id };
    memset(b, 0, sizeof *b);
    buffer_init(&b->log, 1 << 20);
    core_init(&b->engine, at(0), &options);
}

static void bench_done(struct bench *b)
{
    core_done(&b->engine);
    buffer_done(&b->log);
}

static struct fake *add(struct bench *b, char name, uint32_t ops, const struct machine_kind *kind)
{
    struct fake *f = mem_alloc(sizeof *f);
    f->bench = b;
    f->name = name;
    f->left = ops;
    f->deadline_us = kind->may_sleep ? DEADLINE_NEVER : US_PER_SECOND;
    machine_add(&b->engine, &f->machine, kind);
    f->handle = handle_new(&b->engine, &f->machine);
    return f;
}

/* All operations of a turn: "a0 a1 b0". */
static void expect_ops(struct bench *b, const char *expected)
{
    struct buffer said;
    struct op op;
    buffer_init(&said, 1 << 16);
    while (core_next(&b->engine, &op))
        buffer_add_format(&said, said.size ? " %c%u" : "%c%u", (int)(op.credit >> 8), op.credit & 0xff);
    if (!slice_equal(buffer_slice(&said), slice_of(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARG(buffer_slice(&said)), expected);
    buffer_done(&said);
}

static void expect_log(struct bench *b, const char *expected)
{
    if (!slice_equal(buffer_slice(&b->log), slice_of(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARG(buffer_slice(&b->log)), expected);
    buffer_clear(&b->log);
}

static bool feed(struct bench *b, int64_t now_us, struct handle handle)
{
    return core_feed(&b->engine, at(now_us), &(struct event){ .kind = EVENT_SENT, .handle = handle });
}

static void test_order(void **state)
{
    struct bench b;
    bench_init(&b, 0, 0);
    struct fake *late = add(&b, 'z', 2, &late_kind);
    struct fake *first = add(&b, 'a', 2, &fake_kind);
    struct fake *second = add(&b, 'b', 1, &fake_kind);
    expect_ops(&b, "a0 a1 b0 z0 z1"); /* one after the other, the late one when nothing else is ready */
    expect_ops(&b, "");
    second->left = first->left = late->left = 1;
    machine_wake(&b.engine, &late->machine);
    machine_wake(&b.engine, &second->machine);
    machine_wake(&b.engine, &first->machine);
    machine_wake(&b.engine, &second->machine); /* any number of times */
    expect_ops(&b, "b1 a2 z2");
    bench_done(&b);
}

static void test_what_is_put_comes_first(void **state)
{
    struct bench b;
    bench_init(&b, 0, 0);
    struct fake *f = add(&b, 'a', 3, &fake_kind);
    f->puts = true;
    op_put(&b.engine, &(struct op){ .kind = OP_CREDIT, .credit = 'x' << 8 });
    expect_ops(&b, "x0 p0 a0 p1 a1 p2 a2");
    bench_done(&b);
}

/* The ring keeps its order whatever is put and taken, and however it grows. */
static void test_ring(void **state)
{
    struct bench b;
    struct random_fast random;
    uint32_t put = 0, taken = 0;
    struct op op;
    bench_init(&b, 0, 0);
    random_fast_init(&random, 9);
    for (int round = 0; round < 200; round++) {
        for (uint64_t i = random_fast_below(&random, round < 100 ? 200 : 20); i > 0; i--)
            op_put(&b.engine, &(struct op){ .kind = OP_CREDIT, .credit = put++ });
        for (uint64_t i = random_fast_below(&random, round < 100 ? 150 : 200); i > 0 && taken < put; i--) {
            assert_true(core_next(&b.engine, &op));
            assert_int_equal(op.credit, taken++);
        }
    }
    while (core_next(&b.engine, &op))
        assert_int_equal(op.credit, taken++);
    assert_int_equal(put, taken);
    assert_true(b.engine.op_capacity <= CORE_OPS_KEPT); /* a large one is given back */
    bench_done(&b);
}

static void test_old_handles_find_nothing(void **state)
{
    struct bench b;
    bench_init(&b, 0, 0);
    struct fake *f = add(&b, 'a', 0, &fake_kind);
    struct handle none = { 0 }, second = handle_new(&b.engine, &f->machine), old = second;
    assert_false(handle_is(none));
    assert_null(handle_machine(&b.engine, none));
    handle_drop(&b.engine, &none);
    assert_false(handle_equal(f->handle, second));
    assert_ptr_equal(handle_machine(&b.engine, second), &f->machine);
    handle_drop(&b.engine, &second);
    assert_false(handle_is(second));
    assert_null(handle_machine(&b.engine, old));
    struct handle reused = handle_new(&b.engine, &f->machine); /* the same slot, another generation */
    assert_int_equal(reused.slot, old.slot);
    assert_null(handle_machine(&b.engine, old));
    assert_false(feed(&b, 1, old));
    expect_log(&b, "");
    assert_true(feed(&b, 1, reused));
    expect_log(&b, "a-fed ");
    b.engine.slots[reused.slot].generation = UINT32_MAX; /* 2^32 lives later: 0 is skipped */
    reused.generation = UINT32_MAX;
    old = reused;
    handle_drop(&b.engine, &reused);
    reused = handle_new(&b.engine, &f->machine);
    assert_true(reused.slot == old.slot && reused.generation == 1);
    assert_null(handle_machine(&b.engine, old));
    handle_drop(&b.engine, &reused);
    static const struct handle wild[] = { { 0, 1 }, { UINT32_MAX, 1 }, { 5000, 1 } };
    for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++)
        assert_null(handle_machine(&b.engine, wild[i]));
    bench_done(&b);
}

static void test_many_handles(void **state)
{
    enum { MANY = 5000 };
    static struct handle handles[MANY];
    struct bench b;
    struct random_fast random;
    bench_init(&b, 0, 0);
    random_fast_init(&random, 1);
    struct fake *f = add(&b, 'a', 0, &fake_kind);
    memset(handles, 0, sizeof handles);
    for (int round = 0; round < 50000; round++) {
        struct handle *h = &handles[random_fast_below(&random, MANY)];
        if (handle_is(*h)) {
            struct handle old = *h;
            handle_drop(&b.engine, h);
            assert_null(handle_machine(&b.engine, old));
        } else {
            *h = handle_new(&b.engine, &f->machine);
        }
    }
    for (size_t i = 0; i < MANY; i++)
        for (size_t j = i + 1; j < i + 20 && j < MANY; j++)
            assert_false(handle_is(handles[i]) && handle_equal(handles[i], handles[j]));
    for (size_t i = 0; i < MANY; i++)
        if (handle_is(handles[i]))
            assert_ptr_equal(handle_machine(&b.engine, handles[i]), &f->machine);
    bench_done(&b);
}

static void test_deadlines(void **state)
{
    struct bench b;
    bench_init(&b, 0, 0);
    assert_true(core_deadline_us(&b.engine) == DEADLINE_NEVER);
    struct fake *slow = add(&b, 's', 0, &fake_kind), *quick = add(&b, 'q', 0, &fake_kind);
    struct fake *asleep = add(&b, 'z', 0, &sleepy_kind);
    slow->deadline_us = 3 * US_PER_SECOND;
    quick->deadline_us = 2 * US_PER_SECOND;
    expect_ops(&b, "");
    assert_true(core_deadline_us(&b.engine) == 2 * US_PER_SECOND);
    b.engine.now = at(2 * US_PER_SECOND - 1);
    core_tick(&b.engine);
    expect_log(&b, ""); /* nothing is due */
    b.engine.now = at(2 * US_PER_SECOND);
    core_tick(&b.engine);
    expect_ops(&b, "");
    expect_log(&b, "q-tick ");
    assert_true(core_deadline_us(&b.engine) == 3 * US_PER_SECOND);
    quick->deadline_us = US_PER_HOUR; /* read again only when it is woken */
    asleep->deadline_us = 5 * US_PER_SECOND;
    machine_wake(&b.engine, &quick->machine);
    machine_wake(&b.engine, &asleep->machine);
    expect_ops(&b, "");
    b.engine.now = at(US_PER_HOUR); /* all are late: in the order of their deadlines */
    core_tick(&b.engine);
    expect_log(&b, "s-tick z-tick q-tick ");
    asleep->deadline_us = DEADLINE_NEVER;
    expect_ops(&b, "");
    quick->closes = slow->closes = true;
    machine_wake(&b.engine, &quick->machine);
    machine_wake(&b.engine, &slow->machine);
    expect_ops(&b, "");
    expect_log(&b, "q-freed s-freed ");
    assert_true(core_deadline_us(&b.engine) == DEADLINE_NEVER);
    bench_done(&b);
}

static void test_closing(void **state)
{
    struct bench b;
    bench_init(&b, 0, 0);
    struct fake *f = add(&b, 'a', 0, &fake_kind), *other = add(&b, 'b', 0, &fake_kind);
    struct handle handle = f->handle;
    expect_ops(&b, "");
    f->left = 2;
    machine_close(&b.engine, &f->machine);
    assert_false(feed(&b, 1, handle)); /* over: it is told nothing more, but says what it has to say */
    expect_ops(&b, "a0 a1");
    expect_log(&b, "a-freed ");
    assert_null(handle_machine(&b.engine, handle));
    /* Closed by another whose deadline comes at the same time, before its own. */
    struct fake *third = add(&b, 'c', 0, &fake_kind);
    third->deadline_us = other->deadline_us + 1;
    other->closing = third;
    expect_ops(&b, "");
    b.engine.now = at(US_PER_MINUTE);
    core_tick(&b.engine);
    expect_log(&b, "b-tick ");
    other->closing = NULL;
    expect_ops(&b, "");
    expect_log(&b, "c-freed ");
    bench_done(&b);
}

static void test_the_last_goes_first(void **state)
{
    struct bench b;
    bench_init(&b, 0, 0);
    add(&b, 'a', 1, &fake_kind);
    add(&b, 'b', 0, &sleepy_kind);
    add(&b, 'c', 1, &late_kind);
    core_done(&b.engine);
    expect_log(&b, "c-freed b-freed a-freed ");
    buffer_done(&b.log);
}

static void test_bytes_of_a_turn(void **state)
{
    struct bench b;
    struct op op;
    struct slice kept[200];
    char text[32];
    bench_init(&b, 0, 0);
    assert_int_equal(turn_copy(&b.engine, SLICE_EMPTY).size, 0);
    for (int turn = 0; turn < 5; turn++) {
        for (int i = 0; i < 200; i++) {
            int size = snprintf(text, sizeof text, "text %d of turn %d", i, turn);
            kept[i] = turn_copy(&b.engine, slice(text, (size_t)size));
            uint8_t *p = turn_alloc(&b.engine, i % 50 == 0 ? 200000 : 3000);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_int_equal(p[0] | p[2999], 0);
            memset(p, 0xff, 3000);
        }
        for (int i = 0; i < 200; i++) {
            int size = snprintf(text, sizeof text, "text %d of turn %d", i, turn);
            assert_true(slice_equal(kept[i], slice(text, (size_t)size)));
        }
        assert_false(core_next(&b.engine, &op));
        assert_null(b.engine.turn);
        assert_true(b.engine.turn_spare_count <= CORE_TURN_BLOCKS_KEPT);
    }
    bench_done(&b);
}

static void test_traces_are_copies(void **state)
{
    struct bench b;
    struct op op;
    char text[] = "client.example";
    bench_init(&b, 0, 0);
    add(&b, 'a', 1, &fake_kind);
    b.engine.now = at(7);
    trace(&b.engine, &(struct trace_event){ .kind = TRACE_STORE_TROUBLE, .reason = slice_of(text), .at_us = 1 });
    memset(text, 'x', sizeof text - 1);
    assert_true(core_next(&b.engine, &op));
    assert_int_equal(op.kind, OP_TRACE);
    assert_true(slice_equal(op.trace->reason, SLICE("client.example")));
    assert_true(op.trace->at_us == at(7).wall_us);
    expect_ops(&b, "a0");
    bench_done(&b);
}

static void check_ids(uint64_t last_id, uint8_t node, int64_t step_us)
{
    struct bench b;
    bench_init(&b, last_id, node);
    uint64_t before = last_id;
    for (int i = 0; i < 100000; i++) {
        b.engine.now.wall_us += step_us;
        uint64_t id = engine_id_new(&b.engine);
        assert_true(id > before && id <= INT64_MAX);
        assert_int_equal(id >> 16 & 63, node);
        before = id;
    }
    bench_done(&b);
}

static void test_ids(void **state)
{
    check_ids(0, 0, 1);
    check_ids(0, 63, 100);
    check_ids(0, 1, 0);                  /* more in a millisecond than the counter has */
    check_ids(0, 1, -US_PER_SECOND);     /* a clock that goes back */
    check_ids((uint64_t)1 << 60, 5, 10); /* what the store knows is from the future */
    check_ids(0xffffffffffff, 0, 10);    /* ... or another node's */
    struct bench b;
    bench_init(&b, 0, 0);
    uint64_t id = engine_id_new(&b.engine);
    assert_true((int64_t)(id >> 22) == at(0).wall_us / 1000 - INT64_C(1577836800000)); /* milliseconds since 2020 */
    bench_done(&b);
}

static void test_same_seed(void **state)
{
    struct bench a, b;
    char one[100], other[100];
    bench_init(&a, 0, 0);
    bench_init(&b, 0, 0);
    engine_random(&a.engine, one, sizeof one);
    engine_random(&b.engine, other, sizeof other);
    assert_memory_equal(one, other, sizeof one);
    for (int i = 0; i < 100; i++) {
        assert_true(engine_id_new(&a.engine) == engine_id_new(&b.engine));
        uint64_t jitter = engine_jitter(&a.engine, 1000);
        assert_true(jitter < 1000 && jitter == engine_jitter(&b.engine, 1000));
    }
    assert_true(engine_jitter(&a.engine, 0) == 0);
    bench_done(&a);
    bench_done(&b);
}

/* Who is woken while it is asked is asked again, after the others. */
static void test_woken_while_asked(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b, 0, 0);
    struct fake *a = add(&b, 'a', 1, &fake_kind);
    a->wakes = 2;
    add(&b, 'b', 1, &fake_kind);
    expect_ops(&b, "a0 b0 a1 a2");
    assert_int_equal(core_deadline_us(&b.engine), US_PER_SECOND);
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_woken_while_asked),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_what_is_put_comes_first),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_old_handles_find_nothing),
        cmocka_unit_test(test_many_handles),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_closing),
        cmocka_unit_test(test_the_last_goes_first),
        cmocka_unit_test(test_bytes_of_a_turn),
        cmocka_unit_test(test_traces_are_copies),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_same_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
