/* Hash tables against an array that is searched from end to end, and SipHash against its authors' vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/table.h"

enum { KEYS = 200, ROUNDS = 100000 };

static const uint64_t key[2] = { 1, 2 };

static void test_siphash(void **state)
{
    (void)state;
    static const uint64_t zero_to_fifteen[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
    static const char octets[] = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e";
    assert_true(siphash(zero_to_fifteen, SLICE_EMPTY) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(siphash(zero_to_fifteen, slice(octets, 1)) == UINT64_C(0x74f839c593dc67fd));
    assert_true(siphash(zero_to_fifteen, slice(octets, 2)) == UINT64_C(0x0d6c8009d9a94f5a));
    assert_true(siphash(zero_to_fifteen, slice(octets, 15)) == UINT64_C(0xa129ca6149be45e5));
}

struct reference {
    char texts[KEYS][16];
    void *values[KEYS];
    size_t count;
};

static struct slice text_of(const struct reference *r, size_t i)
{
    return slice_of(r->texts[i]);
}

/* A walk meets each value as often as it is in. */
static void check_walk(const struct table *t, const struct reference *r)
{
    size_t position = 0;
    size_t met[KEYS] = { 0 }, expected[KEYS] = { 0 };
    for (const char *value = table_next(t, &position); value != NULL; value = table_next(t, &position))
        met[(size_t)(value - r->texts[0]) / sizeof r->texts[0]]++;
    for (size_t i = 0; i < KEYS; i++)
        if (r->values[i] != NULL)
            expected[(size_t)((const char *)r->values[i] - r->texts[0]) / sizeof r->texts[0]]++;
    assert_memory_equal(met, expected, sizeof met);
}

static void check_all(const struct table *t, const struct reference *r, bool octets)
{
    assert_int_equal(t->count, r->count);
    assert_true(t->capacity == 0 || t->count <= t->capacity / 4 * 3);
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(octets ? table_get_slice(t, text_of(r, i)) : table_get(t, i * 1000), r->values[i]);
    check_walk(t, r);
}

static void check_random(bool octets)
{
    static struct reference r;
    struct table t;
    struct random_fast random;
    memset(&r, 0, sizeof r);
    table_init(&t, key);
    random_fast_init(&random, octets ? 1 : 2);
    for (size_t i = 0; i < KEYS; i++)
        snprintf(r.texts[i], sizeof r.texts[i], "key %zu", i);
    check_all(&t, &r, octets); /* empty, nothing allocated */
    for (int round = 0; round < ROUNDS; round++) {
        /* Few keys at first, many later, few again: it grows and thins out. */
        size_t i = random_fast_below(&random, round < ROUNDS / 2 ? 20 : KEYS);
        if (random_fast_below(&random, 2) == 0) {
            void *value = &r.texts[random_fast_below(&random, KEYS)];
            r.count += r.values[i] == NULL;
            r.values[i] = value;
            if (octets)
                table_put_slice(&t, text_of(&r, i), value);
            else
                table_put(&t, i * 1000, value);
        } else {
            void *removed = octets ? table_remove_slice(&t, text_of(&r, i)) : table_remove(&t, i * 1000);
            assert_ptr_equal(removed, r.values[i]);
            r.count -= r.values[i] != NULL;
            r.values[i] = NULL;
        }
        if (round % 500 == 0)
            check_all(&t, &r, octets);
    }
    check_all(&t, &r, octets);
    table_done(&t);
    assert_int_equal(t.count, 0);
}

static void test_numbers(void **state)
{
    (void)state;
    check_random(false);
}

static void test_octets(void **state)
{
    (void)state;
    check_random(true);
}

static void test_edges(void **state)
{
    (void)state;
    struct table t;
    int value;
    table_init(&t, key);
    assert_null(table_get(&t, 0));
    assert_null(table_remove(&t, 0));
    table_put(&t, 0, &value); /* the number 0 is a key like any other */
    table_put(&t, UINT64_MAX, &value);
    assert_ptr_equal(table_get(&t, 0), &value);
    assert_ptr_equal(table_remove(&t, 0), &value);
    assert_null(table_get(&t, 0));
    assert_ptr_equal(table_get(&t, UINT64_MAX), &value);
    table_done(&t);
    table_init(&t, key);
    table_put_slice(&t, SLICE_EMPTY, &value);
    table_put_slice(&t, SLICE("a\0b"), &t);
    assert_ptr_equal(table_get_slice(&t, SLICE("")), &value);
    assert_ptr_equal(table_get_slice(&t, SLICE("a\0b")), &t);
    assert_null(table_get_slice(&t, SLICE("a\0c")));
    assert_null(table_get_slice(&t, SLICE("a")));
    table_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
