/* What programs give to sendmail, as tables: recipients found in it, and what is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "proto/body.h"
#include "sendmail/letter.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *value;
        const char *expected; /* joined with '|' */
        uint32_t wrong;
    } rows[] = {
        { "a@x.org", "a@x.org", 0 },
        { " Jo <jo@x.org>,\n\t b@y.org", "jo@x.org|b@y.org", 0 },
        { "\"Jo, B.\" <jo@x.org>", "jo@x.org", 0 },
        { "a@x.org (a comment, (nested) one)", "a@x.org", 0 },
        { "friends: a@x.org, b@x.org; c@x.org", "a@x.org|b@x.org|c@x.org", 0 },
        { "root", "root", 0 },
        { "\"odd, local\"@x.org", "\"odd, local\"@x.org", 0 },
        { "undisclosed-recipients:;", "", 0 },
        { "two words", "", 1 },
        { "", "", 0 },
        { "<>", "", 0 },
        { "a@x.org,,b@x.org", "a@x.org|b@x.org", 0 },
        { "((((((((((((((((((((unbalanced", "", 0 },
        { "\"unbalanced", "\"unbalanced", 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena = { 0 };
        struct letter_recipients r = { 0 };
        uint32_t wrong = 0;
        letter_addresses(slice_of(rows[i].value), &arena, &r, &wrong);
        char joined[512] = "";
        size_t used = 0;
        for (uint32_t k = 0; k < r.count; k++)
            used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%s%.*s", k ? "|" : "", SLICE_ARG(r.items[k]));
        assert_string_equal(joined, rows[i].expected);
        assert_int_equal(wrong, rows[i].wrong);
        arena_done(&arena);
    }
}

static void test_recipients_of_header(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    struct letter_recipients r = { 0 };
    uint32_t wrong = 0;
    letter_recipients_of(SLICE("To: a@x.org,\n b@x.org\nSubject: To: no@x.org\nbcc: c@x.org\n\nTo: body@x.org\n"), &arena, &r, &wrong);
    assert_int_equal(r.count, 3);
    assert_true(slice_equal(r.items[2], SLICE("c@x.org")));
    struct letter_recipients resent = { 0 };
    letter_recipients_of(SLICE("To: a@x.org\nResent-To: z@x.org\n\n"), &arena, &resent, &wrong);
    assert_int_equal(resent.count, 1);
    assert_true(slice_equal(resent.items[0], SLICE("z@x.org")));
    assert_int_equal(wrong, 0);
    arena_done(&arena);
}

static void test_written(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        { "Subject: s\n\nb\n", "From: <u@h>\r\nSubject: s\r\n\r\nb\r\n" },
        { "From: me@x.org\nBcc: c@x.org,\n d@x.org\nTo: a@x.org\n\nb", "From: me@x.org\r\nTo: a@x.org\r\n\r\nb\r\n" },
        { "no header at all\n", "From: <u@h>\r\n\r\nno header at all\r\n" },
        { "Subject: s\r\n\r\n.\r\nmac\rend", "From: <u@h>\r\nSubject: s\r\n\r\n.\r\nmac\r\nend\r\n" },
        { "From root Mon Jan  1\nFrom: a@b\n\nx\n", "From: a@b\r\n\r\nx\r\n" },
        { "Subject: s\nbody without an empty line\n", "From: <u@h>\r\nSubject: s\r\n\r\nbody without an empty line\r\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        letter_write(slice_of(rows[i].text), SLICE("<u@h>"), &out);
        buffer_add_char(&out, '\0');
        assert_string_equal(out.data, rows[i].expected);
        assert_int_equal(body_check(slice(out.data, out.size - 1)), BODY_FAULT_NONE);
        buffer_done(&out);
    }
    struct buffer out;
    buffer_init(&out, 4096);
    letter_write(SLICE("From: a@b\n\nn\0ul\n"), SLICE("<u@h>"), &out);
    assert_true(slice_equal(buffer_slice(&out), SLICE("From: a@b\r\n\r\nnul\r\n")));
    buffer_done(&out);
}

static void test_dot(void **state)
{
    (void)state;
    assert_true(slice_equal(letter_up_to_dot(SLICE("a\n.\nb\n")), SLICE("a\n")));
    assert_true(slice_equal(letter_up_to_dot(SLICE("a\r\n.\r\nb")), SLICE("a\r\n")));
    assert_true(slice_equal(letter_up_to_dot(SLICE("a\n..\nb\n")), SLICE("a\n..\nb\n")));
    assert_true(slice_equal(letter_up_to_dot(SLICE(".\n")), SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_recipients_of_header), cmocka_unit_test(test_written),
        cmocka_unit_test(test_dot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
