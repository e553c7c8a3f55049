/* The heap of deadlines against a search through all items. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/heap.h"
#include "base/random.h"

enum { ITEMS = 200, ROUNDS = 100000 };

static int64_t smallest(const struct heap_item *items, size_t *ret_count)
{
    int64_t key = INT64_MAX;
    *ret_count = 0;
    for (int i = 0; i < ITEMS; i++)
        if (items[i].position != 0) {
            (*ret_count)++;
            key = items[i].key < key ? items[i].key : key;
        }
    return key;
}

static void check(const struct heap *h, const struct heap_item *items)
{
    size_t count;
    int64_t key = smallest(items, &count);
    assert_int_equal(h->count, count);
    if (count == 0)
        assert_null(heap_first(h));
    else
        assert_true(heap_first(h)->key == key);
    for (size_t i = 0; i < h->count; i++)
        assert_int_equal(h->items[i]->position, i + 1);
}

static void test_random(void **state)
{
    (void)state;
    struct heap h;
    struct heap_item items[ITEMS] = { 0 };
    struct random_fast random;
    random_fast_init(&random, 1);
    heap_init(&h);
    check(&h, items);
    for (int round = 0; round < ROUNDS; round++) {
        struct heap_item *item = &items[random_fast_below(&random, round % 20000 < 10000 ? ITEMS : 10)];
        if (random_fast_below(&random, 3) == 0)
            heap_remove(&h, item); /* whether it is in or not */
        else
            heap_set(&h, item, (int64_t)random_fast_below(&random, 50) - 25);
        if (round % 16 == 0)
            check(&h, items);
    }
    int64_t before = INT64_MIN;
    while (heap_first(&h) != NULL) { /* sorted */
        struct heap_item *first = heap_first(&h);
        assert_true(first->key >= before);
        before = first->key;
        heap_remove(&h, first);
        assert_int_equal(first->position, 0);
    }
    check(&h, items);
    heap_done(&h);
}

static void test_extremes(void **state)
{
    (void)state;
    struct heap h;
    struct heap_item a = { 0 }, b = { 0 };
    heap_init(&h);
    heap_set(&h, &a, INT64_MAX);
    heap_set(&h, &b, INT64_MIN);
    assert_ptr_equal(heap_first(&h), &b);
    heap_set(&h, &b, INT64_MAX); /* moved within the heap, both ways */
    heap_set(&h, &a, 0);
    assert_ptr_equal(heap_first(&h), &a);
    heap_remove(&h, &a);
    heap_remove(&h, &a);
    assert_ptr_equal(heap_first(&h), &b);
    heap_remove(&h, &b);
    assert_null(heap_first(&h));
    heap_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random), cmocka_unit_test(test_extremes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
