/* Batches: when one starts, what goes into it together and in which order, what becomes of each answer of the store;
 * then random groups, answers and times, with a count of every group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "config/config.h"
#include "engine/commit.h"

enum { MESSAGES_MAX = 4000 };

struct bench {
    struct engine engine;
    struct config config;
    struct buffer log;              /* "done OWNER TAG STATUS;" */
    const struct store_item *items; /* of the batch under way */
    uint32_t count;
    struct handle handle;
    uint32_t traces;
    uint32_t done[MESSAGES_MAX]; /* by tag */
};

static struct bench b;

static struct now at(int64_t monotonic_us)
{
    return (struct now){ .monotonic_us = monotonic_us, .wall_us = INT64_C(1795529580000000) + monotonic_us };
}

static void group_done(struct engine *e, struct commit_group *group, enum store_status status)
{
    static const char owners[COMMIT_OWNER_COUNT] = {
        [COMMIT_INTAKE] = 'i', [COMMIT_SETTLE] = 's', [COMMIT_EARLY] = 'e', [COMMIT_NOTICE] = 'n', [COMMIT_CONTROL] = 'c',
    };
    buffer_add_format(&b.log, "%c%u=%d;", owners[group->owner], (unsigned)group->tag, status);
    b.done[group->tag]++;
    for (uint32_t i = 0; i < group->item_count; i++) {
        const struct commit_group_item *item = &group->items[i];
        if (status == STORE_OK && item->message != NULL && item->kind != STORE_END)
            assert_int_equal(item->message->record.offset, item->id & 0xffff); /* where the store said */
        message_free(e, item->message);
    }
}

static void bench_init(void)
{
    static const struct commit_owner_calls calls[COMMIT_OWNER_COUNT] = {
        { group_done }, { group_done }, { group_done }, { group_done }, { group_done }
    };
    memset(&b, 0, sizeof b);
    b.config.retry.bad_queue_us = 30 * US_PER_DAY;
    b.config.limits.body_memory_bytes = 1 << 20;
    struct engine_options options = { .config = &b.config };
    buffer_init(&b.log, 1 << 20);
    core_init(&b.engine, at(0), &options);
    messages_init(&b.engine);
    commit_init(&b.engine, calls);
}

static void bench_done(void)
{
    commit_done(&b.engine);
    core_done(&b.engine);
    messages_done(&b.engine);
    buffer_done(&b.log);
}

/* ---- groups ---- */

static struct message *message(size_t body_size)
{
    static char body[STORE_INLINE_BODY_MAX];
    struct message *m = message_new(&b.engine);
    m->envelope.sender = SLICE("a@x.org");
    struct recipient *r = message_recipient_add(m);
    r->address = SLICE("b@y.org");
    r->due_us = 77;
    memset(body, 'x', body_size);
    message_body_add(&b.engine, m, slice(body, body_size));
    return m;
}

/* What stands in a group: 's' submit, 't' settle, 'e' end, 'n' end of a message that is not in memory. */
static void start(enum commit_owner owner, uint64_t tag, const char *items, size_t body_size)
{
    struct commit_group *group = commit_group_new(&b.engine, owner);
    group->tag = tag;
    for (; *items != '\0'; items++) {
        if (*items == 's')
            commit_add_submit(&b.engine, group, message(body_size));
        else if (*items == 't')
            commit_add_settle(&b.engine, group, message(0));
        else if (*items == 'e') {
            struct message *m = message(0);
            commit_add_end(&b.engine, group, m->envelope.id, m);
        } else {
            commit_add_end(&b.engine, group, engine_id_new(&b.engine), NULL);
        }
    }
    commit_start(&b.engine, group);
}

/* ---- turns ---- */

static void drain(void)
{
    struct op op;
    while (core_next(&b.engine, &op)) {
        if (op.kind == OP_TRACE) {
            b.traces++;
            continue;
        }
        assert_int_equal(op.kind, OP_COMMIT);
        assert_null(b.items); /* one at a time */
        assert_true(op.commit.count > 0 && op.commit.count <= STORE_BATCH_ITEMS_MAX);
        b.items = op.commit.items;
        b.count = op.commit.count;
        b.handle = op.handle;
    }
}

static void tick(int64_t monotonic_us)
{
    b.engine.now = at(monotonic_us);
    core_tick(&b.engine);
    drain();
}

/* Answers the batch under way: the items from `from` on with `status`, those before with STORE_OK, and only the first
 * `answers` of all. */
static void answer(uint32_t from, enum store_status status, uint32_t answers)
{
    static struct store_result results[STORE_BATCH_ITEMS_MAX];
    assert_non_null(b.items);
    uint32_t count = answers < b.count ? answers : b.count;
    for (uint32_t i = 0; i < count; i++) {
        results[i] = (struct store_result){ .id = b.items[i].id, .tag = b.items[i].tag };
        results[i].status = i < from ? STORE_OK : status;
        results[i].envelope = (struct record_ref){ .segment = 1, .offset = b.items[i].id & 0xffff, .size = 1 };
    }
    b.items = NULL;
    struct event event = { .kind = EVENT_COMMITTED, .handle = b.handle, .committed = { results, count } };
    assert_true(core_feed(&b.engine, b.engine.now, &event));
    drain();
}

static void answer_all(enum store_status status)
{
    answer(0, status, UINT32_MAX);
}

static void expect_kinds(const char *kinds)
{
    char got[STORE_BATCH_ITEMS_MAX + 1];
    uint32_t count = b.items ? b.count : 0;
    for (uint32_t i = 0; i < count; i++)
        got[i] = "ste"[b.items[i].kind];
    got[count] = '\0';
    assert_string_equal(got, kinds);
}

static void expect_log(const char *expected)
{
    buffer_add_char(&b.log, '\0');
    assert_string_equal(b.log.data, expected);
    buffer_clear(&b.log);
}

/* ---- tests ---- */

static void test_a_submit_does_not_wait(void **state)
{
    bench_init();
    drain();
    assert_true(commit_idle(&b.engine) && core_deadline_us(&b.engine) == DEADLINE_NEVER);
    start(COMMIT_INTAKE, 1, "s", 100);
    drain();
    expect_kinds("s");
    assert_false(commit_idle(&b.engine));
    const struct store_item *item = b.items;
    struct envelope e;
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(envelope_decode(item->envelope, &arena, &e), ERR_OK);
    assert_true(e.id == item->id && slice_equal(e.sender, SLICE("a@x.org")));
    arena_done(&arena);
    assert_true(item->due_us == 77 && item->body_part_count == 1 && item->body_parts[0].size == 100 && !item->notice);
    start(COMMIT_INTAKE, 2, "s", 100); /* gathers while one is under way */
    start(COMMIT_INTAKE, 3, "s", 100);
    drain();
    expect_kinds("s");
    answer_all(STORE_OK);
    expect_log("i1=0;");
    expect_kinds("ss");
    answer_all(STORE_OK);
    expect_log("i2=0;i3=0;");
    assert_true(commit_idle(&b.engine));
    bench_done();
}

static void test_a_settle_waits_or_rides(void **state)
{
    bench_init();
    start(COMMIT_SETTLE, 1, "t", 0);
    drain();
    expect_kinds("");
    assert_true(core_deadline_us(&b.engine) == COMMIT_SETTLE_DELAY_US);
    tick(COMMIT_SETTLE_DELAY_US - 1);
    expect_kinds("");
    tick(COMMIT_SETTLE_DELAY_US);
    expect_kinds("t");
    answer_all(STORE_OK);
    expect_log("s1=0;");
    start(COMMIT_SETTLE, 2, "n", 0);
    drain();
    start(COMMIT_INTAKE, 3, "s", 10); /* takes it along at once */
    drain();
    expect_kinds("es");
    answer_all(STORE_OK);
    expect_log("s2=0;i3=0;");
    start(COMMIT_CONTROL, 4, "t", 0); /* somebody waits */
    drain();
    expect_kinds("t");
    answer_all(STORE_OK);
    start(COMMIT_NOTICE, 5, "s", 10); /* nobody does */
    drain();
    expect_kinds("");
    for (uint64_t i = 0; i < 32; i++)
        start(COMMIT_SETTLE, 10 + i, "tttttttt", 0); /* 256 more: full */
    drain();
    assert_int_equal(b.count, 1 + 31 * 8);
    answer_all(STORE_OK);
    bench_done();
}

static void test_a_group_stays_together(void **state)
{
    bench_init();
    start(COMMIT_SETTLE, 1, "tss", 10); /* its notices first: a torn batch leaves one too many, never one too few */
    start(COMMIT_SETTLE, 2, "nse", 10);
    tick(COMMIT_SETTLE_DELAY_US);
    expect_kinds("sstsee");
    assert_true(b.items[0].notice && b.items[1].notice && !b.items[2].notice && b.items[3].notice &&
                !b.items[4].notice);
    answer(5, STORE_FENCED, UINT32_MAX); /* one item of the second: the worst counts for all of it */
    expect_log("s1=0;s2=1;");
    for (uint64_t i = 0; i < 100; i++)
        start(COMMIT_SETTLE, 100 + i, "sst", 10);
    drain();
    assert_int_equal(b.count, 255); /* 85 whole groups */
    answer_all(STORE_OK);
    buffer_clear(&b.log);
    tick(US_PER_SECOND);
    assert_int_equal(b.count, 45);
    answer_all(STORE_OK);
    bench_done();
}

static void test_a_batch_has_a_size(void **state)
{
    bench_init();
    for (uint64_t i = 0; i < 20; i++)
        start(COMMIT_INTAKE, i, "s", STORE_INLINE_BODY_MAX);
    drain();
    assert_int_equal(b.count, 15); /* 4 MiB with what stands around the bodies */
    uint64_t size = 0;
    for (uint32_t i = 0; i < b.items[0].body_part_count; i++)
        size += b.items[0].body_parts[i].size;
    assert_true(size == STORE_INLINE_BODY_MAX);
    answer_all(STORE_OK);
    assert_int_equal(b.count, 5);
    answer_all(STORE_OK);
    bench_done();
}

static void test_intake_is_told(void **state)
{
    bench_init();
    for (enum store_status status = STORE_OK; status <= STORE_UNKNOWN; status++) {
        start(COMMIT_INTAKE, status, "s", 10);
        start(COMMIT_CONTROL, 10u + status, "t", 0);
        drain();
        answer_all(status);
    }
    expect_log("i0=0;c10=0;i1=1;c11=1;i2=2;c12=2;i3=3;c13=3;i4=4;c14=4;");
    start(COMMIT_INTAKE, 20, "s", 10);
    start(COMMIT_INTAKE, 21, "s", 10);
    drain();
    answer(0, STORE_OK, 1); /* no answer for the second: nobody knows */
    expect_log("i20=0;i21=4;");
    assert_true(commit_idle(&b.engine));
    bench_done();
}

/* What became of a letter is not forgotten: refused settles are tried again, later and later. */
static void test_settles_are_tried_again(void **state)
{
    static const int64_t pauses_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
    enum store_status status;
    bench_init();
    start(COMMIT_SETTLE, 1, "st", 10);
    start(COMMIT_NOTICE, 2, "s", 10);
    tick(COMMIT_SETTLE_DELAY_US);
    for (size_t i = 0; i < sizeof pauses_s / sizeof pauses_s[0]; i++) {
        expect_kinds("sts");
        answer_all(i % 2 == 0 ? STORE_FULL : STORE_UNKNOWN);
        assert_int_equal(commit_troubled(&b.engine, &status), 2);
        assert_int_equal(status, i % 2 == 0 ? STORE_FULL : STORE_UNKNOWN);
        assert_int_equal(b.traces, i + 1);
        assert_false(commit_idle(&b.engine));
        int64_t due_us = b.engine.now.monotonic_us + pauses_s[i] * US_PER_SECOND;
        assert_true(core_deadline_us(&b.engine) == due_us);
        start(COMMIT_INTAKE, 50 + i, "s", 10); /* others go on */
        drain();
        expect_kinds("s");
        answer_all(STORE_FULL);
        tick(due_us - 1);
        expect_kinds("");
        tick(due_us);
        tick(due_us + COMMIT_SETTLE_DELAY_US);
    }
    buffer_clear(&b.log);
    answer_all(STORE_OK);
    expect_log("s1=0;n2=0;");
    assert_int_equal(commit_troubled(&b.engine, &status), 0);
    start(COMMIT_SETTLE, 3, "t", 0); /* all is well again: the next trouble begins with a second */
    int64_t now_us = b.engine.now.monotonic_us;
    drain();
    tick(now_us + COMMIT_SETTLE_DELAY_US);
    answer_all(STORE_FAILED);
    assert_true(core_deadline_us(&b.engine) == b.engine.now.monotonic_us + US_PER_SECOND);
    bench_done(); /* with the group that still waits */
}

/* The settled message is its attempt's, wherever its group stands when the engine ends; the notice is the group's. */
static void test_an_early_settle_owns_its_notices_only(void **state)
{
    for (uint32_t turn = 0; turn < 3; turn++) {
        bench_init();
        struct message *own = message(0);
        struct commit_group *group = commit_group_new(&b.engine, COMMIT_EARLY);
        commit_add_submit(&b.engine, group, message(10));
        commit_add_settle(&b.engine, group, own);
        commit_start(&b.engine, group);
        drain();
        if (turn > 0)
            tick(COMMIT_SETTLE_DELAY_US); /* the batch is under way */
        if (turn > 1)
            answer_all(STORE_FULL); /* it is to be tried again */
        assert_int_equal(b.done[0], 0);
        commit_done(&b.engine);
        message_free(&b.engine, own);
        core_done(&b.engine);
        messages_done(&b.engine);
        buffer_done(&b.log);
    }
}

static void test_a_slow_store(void **state)
{
    bench_init();
    start(COMMIT_INTAKE, 1, "s", 10);
    drain();
    for (int i = 1; i <= 3; i++) {
        assert_true(core_deadline_us(&b.engine) == i * (int64_t)COMMIT_SLOW_US);
        tick(core_deadline_us(&b.engine));
        assert_int_equal(b.traces, i);
    }
    answer_all(STORE_OK);
    expect_log("i1=0;");
    assert_true(core_deadline_us(&b.engine) == DEADLINE_NEVER);
    /* An answer that nothing waits for changes nothing. */
    struct event event = { .kind = EVENT_COMMITTED, .handle = b.handle };
    assert_true(core_feed(&b.engine, b.engine.now, &event));
    drain();
    expect_log("");
    struct commit_group *group = commit_group_new(&b.engine, COMMIT_INTAKE);
    struct message *m = message(10);
    commit_add_submit(&b.engine, group, m);
    commit_group_cancel(&b.engine, group); /* the message is the caller's still */
    message_free(&b.engine, m);
    bench_done();
}

static void test_the_bad_queue_has_a_lifetime(void **state)
{
    bench_init();
    struct commit_group *group = commit_group_new(&b.engine, COMMIT_CONTROL);
    struct message *m = message(0);
    m->envelope.queue = QUEUE_BAD;
    commit_add_settle(&b.engine, group, m);
    commit_start(&b.engine, group);
    drain();
    assert_true(b.items[0].due_us == at(0).wall_us + 30 * US_PER_DAY && b.items[0].queue == QUEUE_BAD);
    answer_all(STORE_OK);
    bench_done();
}

/* Everything at random; then the store is well, and each group has come back exactly once. */
static void test_random(void **state)
{
    static const char *const shapes[] = { "s", "t", "e", "n", "st", "ssst", "sssssst", "tn" };
    struct random_fast random;
    uint32_t started = 0;
    bench_init();
    random_fast_init(&random, 11);
    for (int round = 0; round < 20000; round++) {
        uint64_t drawn = random_fast_below(&random, 10);
        if (drawn < 4 && started < MESSAGES_MAX) {
            enum commit_owner owner = random_fast_below(&random, COMMIT_OWNER_COUNT);
            bool submit = owner == COMMIT_INTAKE || owner == COMMIT_NOTICE;
            start(owner, started++, submit ? "s" : shapes[random_fast_below(&random, 8)],
                  random_fast_below(&random, 5000));
            drain();
        } else if (drawn < 8 && b.items != NULL) {
            answer((uint32_t)random_fast_below(&random, b.count + 1), random_fast_below(&random, 5),
                   random_fast_below(&random, 20) ? UINT32_MAX : (uint32_t)random_fast_below(&random, b.count + 1));
        } else {
            tick(b.engine.now.monotonic_us + (int64_t)random_fast_below(&random, 100000));
        }
        assert_true(commit_idle(&b.engine) || core_deadline_us(&b.engine) != DEADLINE_NEVER);
    }
    for (int i = 0; i < 100000 && !commit_idle(&b.engine); i++) {
        if (b.items != NULL)
            answer_all(STORE_OK);
        else
            tick(core_deadline_us(&b.engine));
    }
    assert_true(commit_idle(&b.engine) && started == MESSAGES_MAX);
    for (uint32_t i = 0; i < started; i++)
        assert_int_equal(b.done[i], 1);
    assert_true(messages_body_memory(&b.engine) == 0);
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_submit_does_not_wait),
        cmocka_unit_test(test_a_settle_waits_or_rides),
        cmocka_unit_test(test_a_group_stays_together),
        cmocka_unit_test(test_a_batch_has_a_size),
        cmocka_unit_test(test_intake_is_told),
        cmocka_unit_test(test_settles_are_tried_again),
        cmocka_unit_test(test_an_early_settle_owns_its_notices_only),
        cmocka_unit_test(test_a_slow_store),
        cmocka_unit_test(test_the_bad_queue_has_a_lifetime),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
