/* Slices, buffers and cursors: every bound, and what happens one octet beyond it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_comparison(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE("a\0b"), SLICE("a\0b")));
    assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
    assert_true(slice_equal(SLICE_EMPTY, SLICE("")));
    assert_false(slice_equal(SLICE("a"), SLICE("ab")));
    assert_true(slice_equal_nocase(SLICE("MAIL"), SLICE("mail")));
    assert_false(slice_equal_nocase(SLICE("@["), SLICE("`{")));             /* 32 apart, but no letters */
    assert_false(slice_equal_nocase(SLICE("\xc3\x89"), SLICE("\xc3\xa9"))); /* ASCII only */
    assert_true(slice_compare(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_compare(SLICE("ab"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE_EMPTY, SLICE("a")) < 0);
    assert_true(slice_compare(SLICE("\xff"), SLICE("a")) > 0);
    assert_int_equal(slice_compare(SLICE_EMPTY, SLICE("")), 0);
    assert_true(slice_starts_with(SLICE("abc"), SLICE("ab")));
    assert_true(slice_starts_with(SLICE("abc"), SLICE_EMPTY));
    assert_false(slice_starts_with(SLICE("ab"), SLICE("abc")));
    assert_true(slice_starts_with_nocase(SLICE("From:x"), SLICE("FROM:")));
    assert_true(slice_ends_with_nocase(SLICE("mx.TEST"), SLICE(".test")));
    assert_false(slice_ends_with_nocase(SLICE("t"), SLICE("est")));
    assert_int_equal(slice_of(NULL).size, 0);
}

static void test_finding(void **state)
{
    (void)state;
    assert_int_equal(slice_find(SLICE("abcabc"), 'b'), 1);
    assert_int_equal(slice_find_last(SLICE("abcabc"), 'b'), 4);
    assert_int_equal(slice_find(SLICE("abc"), 'x'), 3);
    assert_int_equal(slice_find_last(SLICE("abc"), 'x'), 3);
    assert_int_equal(slice_find(SLICE_EMPTY, 'x'), 0);
    assert_int_equal(slice_find_last(SLICE_EMPTY, 'x'), 0);
    assert_int_equal(slice_find(SLICE("a\0b"), '\0'), 1);
    assert_int_equal(slice_find_slice(SLICE("aabaab"), SLICE("aab")), 0);
    assert_int_equal(slice_find_slice(SLICE("abcaab"), SLICE("aab")), 3);
    assert_int_equal(slice_find_slice(SLICE("ab"), SLICE("abc")), 2);
    assert_int_equal(slice_find_slice(SLICE("ab"), SLICE_EMPTY), 0);
    assert_int_equal(slice_find_slice(SLICE_EMPTY, SLICE_EMPTY), 0);
}

static void test_parts(void **state)
{
    (void)state;
    struct slice s = SLICE("abcdef");
    assert_true(slice_equal(slice_part(s, 2, 3), SLICE("cde")));
    assert_true(slice_equal(slice_part(s, 4, SIZE_MAX), SLICE("ef")));
    assert_int_equal(slice_part(s, 6, 1).size, 0);
    assert_ptr_equal(slice_part(s, SIZE_MAX, 1).data, s.data + 6);
    assert_int_equal(slice_after(SLICE_EMPTY, 3).size, 0);
    assert_null(slice_after(SLICE_EMPTY, 3).data);
    assert_true(slice_equal(slice_trim(SLICE(" \t\r\n a b \r\n")), SLICE("a b")));
    assert_int_equal(slice_trim(SLICE(" \t ")).size, 0);
    struct slice rest = SLICE("a,,b");
    assert_true(slice_equal(slice_split(&rest, ','), SLICE("a")));
    assert_true(slice_equal(slice_split(&rest, ','), SLICE("")));
    assert_true(slice_equal(slice_split(&rest, ','), SLICE("b")));
    assert_int_equal(rest.size, 0);
    assert_int_equal(slice_split(&rest, ',').size, 0);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        bool good;
        uint64_t value;
    } rows[] = {
        { "0", 10, true, 0 },
        { "007", 10, true, 7 },
        { "10", 10, true, 10 },
        { "11", 10, false, 0 },
        { "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, false, 0 },
        { "99999999999999999999", UINT64_MAX, false, 0 },
        { "184467440737095516150", UINT64_MAX, false, 0 },
        { "", 10, false, 0 },
        { "+1", 10, false, 0 },
        { "-1", 10, false, 0 },
        { " 1", 10, false, 0 },
        { "1 ", 10, false, 0 },
        { "0x1", 100, false, 0 },
        { "\xd9\xa1", 100, false, 0 }, /* an Arabic digit */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 77;
        if (slice_to_u64(slice_of(rows[i].text), rows[i].max, &value) != rows[i].good)
            fail_msg("\"%s\"", rows[i].text);
        assert_true(value == (rows[i].good ? rows[i].value : 77)); /* untouched on failure */
    }
}

static void test_buffer_stops_at_its_maximum(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 5);
    assert_null(b.data);
    buffer_add(&b, SLICE_EMPTY);
    buffer_add_text(&b, "abc");
    buffer_add_char(&b, 'd');
    buffer_add_text(&b, "ef"); /* one too many: nothing of it */
    assert_true(b.overflow);
    assert_true(slice_equal(buffer_slice(&b), SLICE("abcd")));
    buffer_add_char(&b, 'e'); /* would fit, but what is missing before it would not be noticed */
    assert_int_equal(b.size, 4);
    assert_true(b.capacity <= 5);
    assert_null(buffer_reserve(&b, 1));
    buffer_clear(&b);
    assert_false(b.overflow);
    buffer_add_text(&b, "12345");
    assert_false(b.overflow);
    assert_null(buffer_reserve(&b, SIZE_MAX));
    assert_true(b.overflow);
    buffer_done(&b);
    assert_int_equal(b.size_max, 5);
    assert_non_null(buffer_reserve(&b, 0)); /* room for nothing is room, not a failure */
    assert_false(b.overflow);
    buffer_add_text(&b, "again");
    assert_true(slice_equal(buffer_slice(&b), SLICE("again")));
    buffer_done(&b);
}

static void test_buffer_formats_and_consumes(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 1000);
    buffer_add_format(&b, "%d-%s", 42, "x");
    assert_true(slice_equal(buffer_slice(&b), SLICE("42-x")));
    buffer_add_format(&b, "%0600d", 1); /* longer than the text that is made on the stack */
    assert_int_equal(b.size, 604);
    assert_int_equal(b.data[603], '1');
    buffer_add_format(&b, "%0600d", 1);
    assert_true(b.overflow);
    assert_int_equal(b.size, 604);
    buffer_clear(&b);
    buffer_add_format(&b, "%0255d|%0256d", 1, 2); /* either side of the same border */
    assert_int_equal(b.size, 512);
    buffer_clear(&b);
    buffer_add_text(&b, "abcdef");
    buffer_consume(&b, 0);
    buffer_consume(&b, 4);
    assert_true(slice_equal(buffer_slice(&b), SLICE("ef")));
    buffer_trim(&b); /* not empty: keeps its memory */
    assert_non_null(b.data);
    buffer_consume(&b, 2);
    assert_int_equal(b.size, 0);
    buffer_trim(&b);
    assert_null(b.data);
    assert_int_equal(b.capacity, 0);
    buffer_done(&b);
}

static void test_buffer_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        const char *text;
    } rows[] = { { 0, "0" }, { 7, "7" }, { 10, "10" }, { 354, "354" }, { UINT64_MAX, "18446744073709551615" } };
    struct buffer b;
    buffer_init(&b, 64);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buffer_clear(&b);
        buffer_add_number(&b, rows[i].number);
        assert_true(slice_equal(buffer_slice(&b), slice_of(rows[i].text)));
    }
    buffer_done(&b);
}

static void test_integers_come_back(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 100);
    buffer_add_u8(&b, 0xfe);
    buffer_add_u16(&b, 0xfedc);
    buffer_add_u32(&b, 0xfedcba98);
    buffer_add_u64(&b, UINT64_C(0xfedcba9876543210));
    buffer_add_counted(&b, SLICE("a\0b"));
    buffer_add_counted(&b, SLICE_EMPTY);
    assert_memory_equal(b.data, "\xfe\xdc\xfe\x98\xba\xdc\xfe", 7);
    struct cursor c = cursor(buffer_slice(&b));
    assert_int_equal(cursor_u8(&c), 0xfe);
    assert_int_equal(cursor_u16(&c), 0xfedc);
    assert_int_equal(cursor_u32(&c), 0xfedcba98);
    assert_true(cursor_u64(&c) == UINT64_C(0xfedcba9876543210));
    assert_true(slice_equal(cursor_counted(&c), SLICE("a\0b")));
    assert_false(cursor_at_end(&c));
    assert_int_equal(cursor_counted(&c).size, 0);
    assert_true(cursor_at_end(&c));
    struct cursor big = cursor(SLICE("\x12\x34\x12\x34\x56\x78"));
    assert_int_equal(cursor_u16_be(&big), 0x1234);
    assert_int_equal(cursor_u32_be(&big), 0x12345678);
    assert_true(cursor_at_end(&big));
    buffer_done(&b);
}

static void test_cursor_fails_for_good(void **state)
{
    (void)state;
    struct cursor c = cursor(SLICE("\x01\x02\x03"));
    assert_int_equal(cursor_u32(&c), 0);
    assert_true(c.failed);
    assert_int_equal(cursor_u8(&c), 0); /* would be there */
    assert_int_equal(cursor_take(&c, 0).size, 0);
    assert_false(cursor_at_end(&c));
    struct cursor counted = cursor(SLICE("\x04\0\0\0abc"));
    assert_int_equal(cursor_counted(&counted).size, 0);
    assert_true(counted.failed);
    struct cursor huge = cursor(SLICE("\xff\xff\xff\xff"));
    assert_int_equal(cursor_counted(&huge).size, 0);
    assert_true(huge.failed);
    struct cursor none = cursor(SLICE_EMPTY);
    assert_true(cursor_at_end(&none));
    assert_int_equal(cursor_u8(&none), 0);
    assert_true(none.failed);
}

static void test_error_names(void **state)
{
    (void)state;
    for (int err = 0; err >= -12; err--) {
        const char *name = err_name((enum err)err);
        assert_true(name[0] >= 'a' && name[0] <= 'z');
        for (int other = 0; other > err; other--)
            assert_string_not_equal(name, err_name((enum err)other));
    }
    assert_non_null(err_name((enum err) - 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_buffer_stops_at_its_maximum),
        cmocka_unit_test(test_buffer_formats_and_consumes),
        cmocka_unit_test(test_buffer_numbers),
        cmocka_unit_test(test_integers_come_back),
        cmocka_unit_test(test_cursor_fails_for_good),
        cmocka_unit_test(test_error_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
