/* The arena: all that it hands out is aligned, zeroed, apart from all else, and given back at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/random.h"

enum { THINGS = 500 };

static void test_things_do_not_overlap(void **state)
{
    (void)state;
    struct arena a;
    struct random_fast random;
    char *things[THINGS];
    size_t sizes[THINGS], total = 0;
    random_fast_init(&random, 3);
    arena_init(&a);
    assert_null(a.blocks);
    for (int i = 0; i < THINGS; i++) {
        sizes[i] = random_fast_below(&random, random_fast_below(&random, 20) == 0 ? 100000 : 300);
        things[i] = arena_alloc(&a, sizes[i]);
        assert_int_equal((uintptr_t)things[i] % 16, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(things[i][j], 0);
        memset(things[i], i & 0xff, sizes[i]);
        total += sizes[i];
    }
    for (int i = 0; i < THINGS; i++)
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal((uint8_t)things[i][j], i & 0xff);
    assert_true(a.used_bytes >= total && a.used_bytes <= total + 16 * THINGS);
    arena_done(&a);
    assert_null(a.blocks);
    assert_int_equal(a.used_bytes, 0);
    assert_non_null(arena_alloc(&a, 1)); /* may be used again */
    arena_done(&a);
}

static void test_a_large_thing_wastes_no_block(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a);
    char *before = arena_alloc(&a, 16);
    arena_alloc(&a, 1 << 20);
    char *after = arena_alloc(&a, 16);
    assert_ptr_equal(after, before + 16); /* the first block's rest is still used */
    arena_done(&a);
}

static void test_clear_keeps_one_block(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a);
    arena_clear(&a, 1000); /* nothing there */
    for (int i = 0; i < 100; i++)
        memset(arena_alloc(&a, 1000), 0xff, 1000);
    arena_clear(&a, 4096);
    assert_non_null(a.blocks);
    assert_int_equal(a.used_bytes, 0);
    struct arena_block *kept = a.blocks;
    char *p = arena_alloc(&a, 500);
    assert_ptr_equal(a.blocks, kept);
    for (int i = 0; i < 500; i++)
        assert_int_equal(p[i], 0); /* zeroed anew */
    arena_clear(&a, 0);
    assert_null(a.blocks);
    arena_done(&a);
}

static void test_copies(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a);
    struct slice copy = arena_copy(&a, SLICE("a\0b"));
    assert_true(slice_equal(copy, SLICE("a\0b")));
    assert_int_equal(arena_copy(&a, SLICE_EMPTY).size, 0);
    assert_string_equal(arena_text(&a, SLICE("text")), "text");
    assert_string_equal(arena_text(&a, SLICE_EMPTY), "");
    uint64_t *numbers = arena_array(&a, uint64_t, 10);
    for (int i = 0; i < 10; i++)
        assert_true(numbers[i] == 0);
    struct slice *one = arena_new(&a, struct slice);
    assert_null(one->data);
    arena_done(&a);
    uint32_t *grown = mem_realloc(NULL, 3, sizeof *grown);
    grown[2] = 7;
    grown = mem_realloc(grown, 1000, sizeof *grown);
    assert_int_equal(grown[2], 7);
    mem_free(grown);
    char *nothing = mem_alloc(0);
    assert_non_null(nothing);
    mem_free(nothing);
    mem_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_things_do_not_overlap),
        cmocka_unit_test(test_a_large_thing_wastes_no_block),
        cmocka_unit_test(test_clear_keeps_one_block),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
