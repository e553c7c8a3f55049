/* The queue: who is handed out when, that a slow next hop hinders nobody, and what a million messages cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/queue.h"

enum { MILLION = 1000000 };

static const int64_t START_US = INT64_C(1750000000) * US_PER_SECOND;

static struct now at(int64_t after_us)
{
    return (struct now){ .monotonic_us = after_us, .wall_us = START_US + after_us };
}

/* An id as the engine makes it: the high bits are the time of reception. */
static uint64_t id_at(int64_t after_us, uint32_t counter)
{
    int64_t ms = (START_US + after_us) / US_PER_MS - INT64_C(1577836800000);
    return (uint64_t)ms << 22 | counter;
}

static struct store_stub stub(uint32_t counter, const char *domain, int64_t due_after_us)
{
    return (struct store_stub){ .id = id_at(0, counter), .due_us = START_US + due_after_us, .queue = QUEUE_REMOTE,
                                .destination = domain ? queue_hash(slice_of(domain)) : 0,
                                .envelope = { .segment = 1, .offset = counter, .size = 300 },
                                .body = { .segment = 1, .offset = counter, .size = 1000 } };
}

static struct queue *queue_make(bool smarthost)
{
    struct queue *q = malloc(sizeof(*q));
    queue_init(q);
    uint32_t local = queue_hash(SLICE("here.example"));
    struct queue_routing routing = { .smarthost = smarthost, .smarthost_key = 777, .local_domains = &local,
                                     .local_domain_count = 1, .remote_us = 60 * US_PER_MINUTE,
                                     .give_up_us = 5 * US_PER_DAY };
    queue_set_routing(q, at(0), &routing);
    return q;
}

static void queue_drop(struct queue *q)
{
    queue_done(q);
    free(q);
}

static uint32_t hash_of(const char *domain)
{
    return queue_hash(slice_of(domain));
}

static void add(struct queue *q, struct store_stub s)
{
    assert_int_not_equal(queue_add(q, at(0), &s), 0);
}

static void test_hash_is_stable(void **state)
{
    (void)state;
    assert_int_equal(queue_hash(SLICE("example.org")), queue_hash(SLICE("EXAMPLE.Org")));
    assert_int_equal(queue_hash(SLICE("example.org")), 0x2d8e29b1u);
    assert_true(queue_hash(SLICE("")) >= HOME_HASH_MIN);
}

static void test_due_order(void **state)
{
    (void)state;
    struct queue *q = queue_make(false);
    queue_home_pin(q, hash_of("a.example"), 100);
    for (uint32_t i = 0; i < 50; i++)
        add(q, stub(i + 1, "a.example", (int64_t)((i * 37) % 50 + 1) * US_PER_SECOND));
    queue_tick(q, at(0));
    assert_int_equal(queue_next(q), 0);
    assert_int_equal(queue_wake_us(q), START_US + US_PER_SECOND);
    for (uint32_t second = 1; second <= 50; second++) {
        queue_tick(q, at(second * US_PER_SECOND));
        uint32_t index = queue_next(q);
        assert_int_not_equal(index, 0);
        assert_int_equal(((queue_stub(q, index)->id & 0xffff) - 1) * 37 % 50 + 1, second);
        assert_int_equal(queue_next(q), 0);
    }
    queue_drop(q);
}

static void test_slow_home_hinders_nobody(void **state)
{
    (void)state;
    struct queue *q = queue_make(false);
    for (uint32_t i = 0; i < 1000; i++)
        add(q, stub(i + 1, "slow.example", 0));
    for (uint32_t i = 0; i < 5; i++)
        add(q, stub(2000 + i, "good.example", 0));
    queue_home_pin(q, hash_of("slow.example"), 0);
    queue_home_pin(q, hash_of("good.example"), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(queue_stub(q, queue_next(q))->id & 0xffff, 2000 + i);
    assert_int_equal(queue_next(q), 0);
    queue_home_limit(q, hash_of("slow.example"), 1);
    queue_home_limit(q, hash_of("good.example"), 5);
    /* In turn: one of each, then what is left. */
    assert_int_equal(queue_stub(q, queue_next(q))->id & 0xffff, 1);
    assert_int_equal(queue_stub(q, queue_next(q))->id & 0xffff, 2003);
    assert_int_equal(queue_stub(q, queue_next(q))->id & 0xffff, 2004);
    assert_int_equal(queue_next(q), 0);
    queue_drop(q);
}

static void test_unknown_home_gives_one(void **state)
{
    (void)state;
    struct queue *q = queue_make(false);
    for (uint32_t i = 0; i < 3; i++)
        add(q, stub(i + 1, "new.example", 0));
    uint32_t index = queue_next(q);
    assert_int_not_equal(index, 0);
    assert_int_equal(queue_next(q), 0);
    queue_arrived(q, index);
    assert_int_not_equal(queue_next(q), 0);
    assert_int_equal(queue_next(q), 0);
    queue_drop(q);
}

static void test_routing_switch_moves_all(void **state)
{
    (void)state;
    struct queue *q = queue_make(false);
    char name[32];
    for (uint32_t i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "d%u.example", i % 3000);
        add(q, stub(i + 1, i % 100 ? name : "here.example", i % 2 ? 0 : US_PER_HOUR));
    }
    assert_int_equal(queue_home_ready(q, 777), 0);
    uint32_t local = hash_of("here.example");
    struct queue_routing routing = { .smarthost = true, .smarthost_key = 777, .local_domains = &local,
                                     .local_domain_count = 1, .remote_us = US_PER_HOUR, .give_up_us = US_PER_DAY };
    queue_set_routing(q, at(0), &routing);
    assert_int_equal(queue_home_ready(q, 777), 5000);
    assert_int_equal(queue_home_waiting(q, 777), 4900);
    assert_int_equal(queue_home_waiting(q, HOME_LOCAL), 100);
    assert_int_equal(queue_home_ready(q, hash_of("d1.example")), 0);
    queue_home_pin(q, 777, 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_not_equal(queue_next(q), 0);
    assert_int_equal(queue_next(q), 0);
    routing.smarthost = false;
    queue_set_routing(q, at(0), &routing);
    assert_int_equal(queue_home_waiting(q, 777), 0);
    assert_int_equal(q->stubs.count, 10000);
    queue_home_unpin(q, 777);
    /* Homes without anything are gone. */
    assert_true(q->home_count <= 3001);
    queue_drop(q);
}

static void test_wake_by_rule(void **state)
{
    (void)state;
    struct queue *q = queue_make(false);
    queue_home_pin(q, hash_of("back.example"), 10000);
    for (uint32_t i = 0; i < 3000; i++) {
        add(q, stub(i + 1, "back.example", US_PER_HOUR));
        queue_stub(q, queue_find(q, id_at(0, i + 1)))->rule = i % 3 == 0 ? 0 : i % 3 == 1 ? 10 : 15;
    }
    queue_home_wake(q, hash_of("back.example"), QUEUE_RULE(10));
    assert_int_equal(queue_wake_us(q), INT64_MIN);
    queue_tick(q, at(0));
    assert_in_range(queue_home_ready(q, hash_of("back.example")), 1, QUEUE_WAKE_SLICE);
    for (int i = 0; i < 10; i++)
        queue_tick(q, at(0));
    assert_int_equal(queue_home_ready(q, hash_of("back.example")), 2000);
    assert_int_equal(queue_home_waiting(q, hash_of("back.example")), 1000);
    queue_wake_all(q, QUEUE_RULES_ALL);
    for (int i = 0; i < 10; i++)
        queue_tick(q, at(0));
    assert_int_equal(queue_home_ready(q, hash_of("back.example")), 3000);
    assert_false(queue_home_wake_one(q, at(0), hash_of("back.example")));
    queue_drop(q);
}

/* A46: what is being tried while all are woken had begun by what has been changed; it is tried again at once if it fails for that. */
static void test_wake_reaches_the_taken(void **state)
{
    (void)state;
    static const struct {
        uint8_t rule;
        bool verdict, again;
    } rows[] = { { 15, false, true }, { 25, true, true }, { 15, true, false }, { 0, false, true } };
    struct queue *q = queue_make(false);
    uint32_t taken[4];
    for (uint32_t i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof(name), "t%u.example", i);
        add(q, stub(i + 1, name, 0));
        queue_tick(q, at(0));
        taken[i] = queue_next(q);
        assert_int_not_equal(taken[i], 0);
    }
    queue_wake_all(q, QUEUE_NO_VERDICT | QUEUE_RULE(25));
    queue_tick(q, at(0));
    for (uint32_t round = 0; round < 2; round++) {
        uint32_t ready = 0;
        for (uint32_t i = 0; i < 4; i++) {
            struct stub *s = queue_stub(q, taken[i]);
            s->rule = rows[i].rule;
            s->verdict = rows[i].verdict;
            if (s->state == STUB_TAKEN)
                queue_put_waiting(q, at(0), taken[i], QUEUE_REMOTE, START_US + 5 * US_PER_MINUTE);
            assert_int_equal(s->state, rows[i].again && round == 0 ? STUB_READY : STUB_WAITING);
            ready += s->state == STUB_READY;
        }
        for (uint32_t i = 0; i < ready; i++)
            assert_int_not_equal(queue_next(q), 0); /* once more, and then in its own time */
    }
    queue_drop(q);
}

static void test_patience_ends(void **state)
{
    (void)state;
    struct queue *q = queue_make(false);
    add(q, stub(1, "stuck.example", 0));
    queue_home_pin(q, hash_of("stuck.example"), 0);
    queue_tick(q, at(59 * US_PER_MINUTE));
    assert_int_equal(queue_next(q), 0);
    queue_tick(q, at(60 * US_PER_MINUTE));
    uint32_t index = queue_next(q);
    assert_int_not_equal(index, 0);
    assert_true(queue_stub(q, index)->overdue);
    queue_put_waiting(q, at(60 * US_PER_MINUTE), index, QUEUE_RETRY, START_US + 60 * US_PER_MINUTE);
    assert_int_equal(q->counts[QUEUE_RETRY], 1);
    assert_int_equal(queue_home_ready(q, hash_of("stuck.example")), 1);
    assert_int_equal(queue_wake_us(q), START_US + 5 * US_PER_DAY);
    queue_remove(q, index);
    assert_int_equal(q->stubs.count, 0);
    queue_drop(q);
}

static void test_crashed_go_one_at_a_time(void **state)
{
    (void)state;
    struct queue *q = queue_make(false);
    queue_note_crashed(q, at(0), id_at(0, 2), true);
    queue_note_crashed(q, at(0), id_at(0, 1), false);
    for (uint32_t i = 1; i <= 3; i++)
        add(q, stub(i, i == 3 ? "c.example" : "same.example", 0));
    uint32_t first = queue_next(q);
    assert_int_equal(queue_stub(q, first)->id, id_at(0, 1));
    assert_true(queue_stub(q, first)->crashed && !queue_stub(q, first)->doubted);
    uint32_t other = queue_next(q);
    assert_int_equal(queue_stub(q, other)->id, id_at(0, 3));
    assert_false(queue_stub(q, other)->crashed);
    assert_int_equal(queue_next(q), 0);
    queue_remove(q, first);
    uint32_t second = queue_next(q);
    assert_int_equal(queue_stub(q, second)->id, id_at(0, 2));
    assert_true(queue_stub(q, second)->doubted);
    queue_note_crashed(q, at(0), id_at(0, 3), false);
    assert_true(queue_stub(q, other)->crashed);
    queue_drop(q);
}

static void test_set_aside(void **state)
{
    (void)state;
    struct queue *q = queue_make(false);
    struct store_stub s = stub(1, "a.example", 0);
    s.queue = QUEUE_HOLDING;
    add(q, s);
    s = stub(2, "a.example", US_PER_DAY);
    s.queue = QUEUE_BAD;
    add(q, s);
    queue_tick(q, at(0));
    assert_int_equal(queue_next(q), 0);
    uint32_t held = queue_find(q, id_at(0, 1));
    assert_true(queue_take(q, held));
    assert_false(queue_take(q, held));
    queue_put_ready(q, at(0), held, QUEUE_REMOTE, hash_of("a.example"), false);
    assert_int_equal(queue_next(q), held);
    queue_tick(q, at(US_PER_DAY));
    uint32_t bad = queue_next(q);
    assert_int_equal(queue_stub(q, bad)->id, id_at(0, 2));
    assert_true(queue_stub(q, bad)->overdue);
    queue_put_aside(q, bad, QUEUE_BAD, INT64_MAX);
    assert_int_equal(queue_wake_us(q), INT64_MAX);
    assert_int_equal(q->counts[QUEUE_BAD], 1);
    queue_drop(q);
}

/* Any order of operations: everybody is somewhere, and all are handed out in the end. */
static void test_random_operations(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed;
        struct queue *q = queue_make(seed % 2);
        uint32_t taken[2000], taken_count = 0, counter = 0, left = 0;
        int64_t clock_us = 0;
        char name[32];
        for (int step = 0; step < 20000; step++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            uint32_t dice = (uint32_t)(random >> 33);
            snprintf(name, sizeof(name), "d%u.example", dice % 17);
            clock_us += dice % 500 * US_PER_MS;
            if (dice % 5 == 0 && left < 1500) {
                struct store_stub s = stub(++counter, dice % 19 ? name : NULL, clock_us + dice % 100000 * 1000);
                queue_add(q, at(clock_us), &s);
                left++;
            } else if (dice % 5 == 1 && taken_count > 0) {
                uint32_t i = dice % taken_count, index = taken[i];
                taken[i] = taken[--taken_count];
                if (dice % 3 == 0) {
                    queue_remove(q, index);
                    left--;
                } else if (dice % 3 == 1) {
                    queue_put_waiting(q, at(clock_us), index, QUEUE_RETRY, START_US + clock_us + dice % 50000 * 1000);
                } else {
                    queue_put_ready(q, at(clock_us), index, QUEUE_REMOTE, hash_of(name), dice % 2);
                }
            } else if (dice % 71 == 0) {
                queue_wake_all(q, QUEUE_RULES_ALL);
            } else if (dice % 73 == 0) {
                struct queue_routing routing = q->routing;
                routing.smarthost = !routing.smarthost;
                routing.local_domain_count = 0;
                queue_set_routing(q, at(clock_us), &routing);
            } else if (taken_count < 2000) {
                queue_tick(q, at(clock_us));
                uint32_t index = queue_next(q);
                if (index)
                    taken[taken_count++] = index;
                if (index && dice % 2)
                    queue_arrived(q, index);
            }
            assert_int_equal(q->stubs.count, left);
        }
        for (uint32_t i = 0; i < taken_count; i++)
            queue_put_waiting(q, at(clock_us), taken[i], QUEUE_REMOTE, 0);
        queue_wake_all(q, QUEUE_RULES_ALL);
        for (uint32_t turn = 0; turn < 20000 && left > 0; turn++) {
            queue_tick(q, at(clock_us));
            uint32_t index = queue_next(q);
            if (!index)
                continue;
            queue_remove(q, index);
            left--;
        }
        assert_int_equal(left, 0);
        assert_int_equal(q->stubs.count, 0);
        queue_drop(q);
    }
}

/* A million messages, each for a domain of its own, is the dearest case: memory, and what is due is found. */
static void test_a_million(void **state)
{
    (void)state;
    struct queue *q = queue_make(false);
    char name[32];
    for (uint32_t i = 0; i < MILLION; i++) {
        snprintf(name, sizeof(name), "d%u.example", i);
        struct store_stub s = stub(i, name, (int64_t)(1 + (i * UINT64_C(7919)) % MILLION) * US_PER_SECOND);
        s.id = id_at(i * US_PER_MS, i & 0xffff);
        queue_add(q, at(0), &s);
    }
    assert_int_equal(q->stubs.count, MILLION);
    assert_true(queue_bytes(q) / MILLION <= 150);
    queue_tick(q, at(100 * US_PER_SECOND));
    uint32_t found = 0;
    for (uint32_t index; (index = queue_next(q)) != 0; found++)
        queue_remove(q, index);
    assert_in_range(found, 99, 100);
    struct queue_routing routing = { .smarthost = true, .smarthost_key = 777, .remote_us = US_PER_HOUR,
                                     .give_up_us = US_PER_DAY };
    queue_set_routing(q, at(0), &routing);
    assert_int_equal(queue_home_waiting(q, 777), MILLION - found);
    assert_int_equal(q->home_count, 1);
    assert_true(queue_bytes(q) / MILLION <= 150);
    queue_drop(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_is_stable),       cmocka_unit_test(test_due_order),
        cmocka_unit_test(test_slow_home_hinders_nobody), cmocka_unit_test(test_unknown_home_gives_one),
        cmocka_unit_test(test_routing_switch_moves_all), cmocka_unit_test(test_wake_by_rule),
        cmocka_unit_test(test_wake_reaches_the_taken),
        cmocka_unit_test(test_patience_ends),        cmocka_unit_test(test_crashed_go_one_at_a_time),
        cmocka_unit_test(test_set_aside),            cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_a_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
