/* The form of facteur.ini: what is read, and that an edit changes what it speaks of and not an octet more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "config/ini.h"

/* ---- reading ---- */

/* Items as "line section|key|value" or "line !text id", one behind the other. */
static void describe(struct slice text, struct buffer *out)
{
    struct ini_reader reader;
    struct ini_item item;
    ini_reader_init(&reader, text);
    for (ini_reader_next(&reader, &item); item.kind != INI_END; ini_reader_next(&reader, &item)) {
        buffer_add_format(out, "%u ", item.line);
        if (item.kind == INI_WRONG)
            buffer_add_format(out, "!%d", item.wrong);
        else
            buffer_add_format(out, "%.*s|%.*s|%.*s", SLICE_ARG(item.section), SLICE_ARG(item.key), SLICE_ARG(item.value));
        buffer_add_char(out, '\n');
    }
    ini_reader_next(&reader, &item); /* for ever */
    assert_int_equal(item.kind, INI_END);
}

static const struct {
    struct slice text;
    const char *items;
} readings[] = {
    { SLICE(""), "" },
    { SLICE("\n\r\n \t \n"), "" },
    { SLICE("; a = 1\n# b = 2\n  ; [c]\n"), "" },
    { SLICE("a = 1"), "1 |a|1\n" },
    { SLICE("[s]\na=1\r\n b\t= \t2 2 \n"), "1 s||\n2 s|a|1\n3 s|b|2 2\n" },
    { SLICE("  [ s  t ] \nA = b = c ; d # e\n"), "1 s  t||\n2 s  t|A|b = c ; d # e\n" },
    { SLICE("[user@[192.0.2.1]]\nx=\n"), "1 user@[192.0.2.1]||\n2 user@[192.0.2.1]|x|\n" },
    { SLICE("[s]\nx = \" a \"\"b\"\" \"\n"), "1 s||\n2 s|x|\" a \"\"b\"\" \"\n" },
    { SLICE("\xef\xbb\xbf[s]\nx=1\n"), "1 s||\n2 s|x|1\n" },
    { SLICE("[s]\n\xef\xbb\xbfx=1\n"), "1 s||\n2 s|\xef\xbb\xbfx|1\n" },
    { SLICE("[s]\n[t]\nx=1\n"), "1 s||\n2 t||\n3 t|x|1\n" },
};

static void test_reading(void **state)
{
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        struct buffer items;
        buffer_init(&items, 1 << 16);
        describe(readings[i].text, &items);
        if (!slice_equal(buffer_slice(&items), slice_of(readings[i].items)))
            fail_msg("%.*s gives\n%.*s", SLICE_ARG(readings[i].text), SLICE_ARG(buffer_slice(&items)));
        buffer_done(&items);
    }
}

static void test_wrong_lines(void **state)
{
    static const struct {
        struct slice line;
        enum text_id wrong;
    } lines[] = {
        { SLICE("[s"), TEXT_INI_SECTION_OPEN },    { SLICE("[s] x"), TEXT_INI_SECTION_OPEN },
        { SLICE("[s] ; x"), TEXT_INI_SECTION_OPEN }, { SLICE("["), TEXT_INI_SECTION_OPEN },
        { SLICE("[]"), TEXT_INI_SECTION_EMPTY },   { SLICE("[ \t]"), TEXT_INI_SECTION_EMPTY },
        { SLICE("x"), TEXT_INI_NOT_A_LINE },       { SLICE("]"), TEXT_INI_NOT_A_LINE },
        { SLICE("x : y"), TEXT_INI_NOT_A_LINE },   { SLICE("= y"), TEXT_INI_KEY_EMPTY },
        { SLICE("="), TEXT_INI_KEY_EMPTY },        { SLICE("x = a\0b"), TEXT_INI_CONTROL },
        { SLICE("x = a\rb"), TEXT_INI_CONTROL },   { SLICE("x = a\x7f"), TEXT_INI_CONTROL },
        { SLICE("\x1b[s]"), TEXT_INI_CONTROL },    { SLICE("; \x01"), TEXT_INI_CONTROL },
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct buffer text;
        struct ini_reader reader;
        struct ini_item item;
        buffer_init(&text, 1000);
        buffer_add_text(&text, "[before]\n");
        buffer_add(&text, lines[i].line);
        buffer_add_text(&text, "\ny = 1\n");
        ini_reader_init(&reader, buffer_slice(&text));
        ini_reader_next(&reader, &item);
        ini_reader_next(&reader, &item);
        assert_int_equal(item.kind, INI_WRONG);
        assert_int_equal(item.wrong, lines[i].wrong);
        assert_int_equal(item.line, 2);
        ini_reader_next(&reader, &item); /* and goes on behind it, in the same section */
        assert_int_equal(item.kind, INI_KEY);
        assert_int_equal(item.line, 3);
        assert_true(slice_equal(item.section, SLICE("before")));
        buffer_done(&text);
    }
    struct ini_reader reader; /* a CR alone at the end of the file is no line end */
    struct ini_item item;
    ini_reader_init(&reader, SLICE("x = 1\r"));
    ini_reader_next(&reader, &item);
    assert_int_equal(item.wrong, TEXT_INI_CONTROL);
}

/* ---- quotes ---- */

static void test_unquote(void **state)
{
    static const struct {
        const char *value, *means; /* NULL: wrong */
    } cases[] = {
        { "", "" },           { "abc", "abc" },         { "a\"b", "a\"b" },       { "a\"", "a\"" },
        { "\"\"", "" },       { "\" a \"", " a " },     { "\"a\"\"b\"", "a\"b" }, { "\"\"\"\"", "\"" },
        { "\"", NULL },       { "\"a", NULL },          { "\"a\"b", NULL },       { "\"a\" ", NULL },
        { "\"\"\"", NULL },   { "\"a\"\"", NULL },      { "\"\"a\"", NULL },      { "\"a\"\"\"", "a\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out;
        buffer_init(&out, 100);
        buffer_add_text(&out, "before ");
        assert_int_equal(ini_unquote(slice_of(cases[i].value), &out), cases[i].means ? ERR_OK : ERR_SYNTAX);
        assert_true(slice_equal(slice_after(buffer_slice(&out), 7), slice_of(cases[i].means)));
        buffer_done(&out);
    }
}

static void test_quote(void **state)
{
    static const char *const as_is[] = { "", "a", "a b", "a\"b", "a;b", "#a", ";", "[x]", "=", "\u00e9" };
    for (size_t i = 0; i < sizeof as_is / sizeof as_is[0]; i++) {
        struct buffer out;
        buffer_init(&out, 100);
        assert_int_equal(ini_quote(slice_of(as_is[i]), &out), ERR_OK);
        assert_true(slice_equal(buffer_slice(&out), slice_of(as_is[i])));
        buffer_done(&out);
    }
    static const char *const impossible[] = { "a\nb", "a\r", "\x01", "\x7f" };
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        struct buffer out;
        buffer_init(&out, 100);
        assert_int_equal(ini_quote(slice_of(impossible[i]), &out), ERR_SYNTAX);
        assert_int_equal(out.size, 0);
        buffer_done(&out);
    }
    struct buffer small;
    buffer_init(&small, 3);
    assert_int_equal(ini_quote(SLICE(" ab"), &small), ERR_TOO_LARGE);
    buffer_done(&small);
}

/* ---- edits ---- */

static const struct {
    const char *text, *section, *key, *value;
    const char *set, *unset; /* what comes of it; unset NULL: not found */
} edits[] = {
    { "", "S", "K", "v", "[S]\nK = v\n", NULL },
    { "\xef\xbb\xbf", "S", "K", "v", "\xef\xbb\xbf[S]\nK = v\n", NULL },
    { "[T]\nx = 1\n", "S", "K", "v", "[T]\nx = 1\n\n[S]\nK = v\n", NULL },
    { "[T]\nx = 1", "S", "K", "v", "[T]\nx = 1\n\n[S]\nK = v\n", NULL },
    { "[S]\nK = old\n", "S", "K", "v", "[S]\nK = v\n", "[S]\n" },
    { "[s]\nk = old", "S", "K", "v", "[s]\nk = v", "[s]\n" },
    { "[S]\n  k\t=\told  \r\nL=1\r\n", "S", "K", "v", "[S]\n  k\t=\tv\r\nL=1\r\n", "[S]\nL=1\r\n" },
    { "[S]\nK=old\n", "S", "K", "v", "[S]\nK=v\n", "[S]\n" },
    { "[S]\nK =\n", "S", "K", "v", "[S]\nK = v\n", "[S]\n" },
    { "[S]\nK=\n", "S", "K", "v", "[S]\nK=v\n", "[S]\n" },
    { "[S]\nK =   \n", "S", "K", "v", "[S]\nK = v\n", "[S]\n" },
    { "[S]\nK = old\n", "S", "K", "", "[S]\nK =\n", "[S]\n" },
    { "[S]\n", "S", "K", "", "[S]\nK =\n", NULL },
    { "[S]\nK = old\n", "S", "K", " v \"w\"", "[S]\nK = \" v \"\"w\"\"\"\n", "[S]\n" },
    { "[S]\na = 1\n\n; of T\n[T]\nK = t\n", "S", "K", "v", "[S]\na = 1\nK = v\n\n; of T\n[T]\nK = t\n", NULL },
    { "[S]\n; K = remark\n[T]\n", "S", "K", "v", "[S]\nK = v\n; K = remark\n[T]\n", NULL },
    { "[S]\r\na = 1\r\n[T]\r\n", "S", "K", "v", "[S]\r\na = 1\r\nK = v\r\n[T]\r\n", NULL },
    { "[S]\r\na = 1", "S", "K", "v", "[S]\r\na = 1\r\nK = v\r\n", NULL },
    { "[S]\na = 1\n[T]\nb = 2\n[S]\nc = 3\n[U]\n", "S", "K", "v", "[S]\na = 1\n[T]\nb = 2\n[S]\nc = 3\nK = v\n[U]\n", NULL },
    { "[S]\na = 1\n[T]\n[S]\nK = 3\n", "S", "K", "v", "[S]\na = 1\n[T]\n[S]\nK = v\n", "[S]\na = 1\n[T]\n[S]\n" },
    { "K = 0\n[S]\nK = 1\n", "S", "K", "v", "K = 0\n[S]\nK = v\n", "K = 0\n[S]\n" },
    { "rubbish\n[S\n[S]\nK = 1\nrubbish", "S", "K", "v", "rubbish\n[S\n[S]\nK = v\nrubbish", "rubbish\n[S\n[S]\nrubbish" },
};

static void test_set_and_unset(void **state)
{
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct buffer out;
        struct slice text = slice_of(edits[i].text), section = slice_of(edits[i].section), key = slice_of(edits[i].key);
        buffer_init(&out, 1000);
        assert_int_equal(ini_set(text, section, key, slice_of(edits[i].value), &out), ERR_OK);
        if (!slice_equal(buffer_slice(&out), slice_of(edits[i].set)))
            fail_msg("%zu: set gives\n%.*s", i, SLICE_ARG(buffer_slice(&out)));
        buffer_clear(&out);
        assert_int_equal(ini_unset(text, section, key, &out), edits[i].unset ? ERR_OK : ERR_NOT_FOUND);
        if (!slice_equal(buffer_slice(&out), slice_of(edits[i].unset)))
            fail_msg("%zu: unset gives\n%.*s", i, SLICE_ARG(buffer_slice(&out)));
        buffer_done(&out);
    }
}

static void test_remove_section(void **state)
{
    static const struct {
        const char *text, *left; /* NULL: not found */
    } cases[] = {
        { "", NULL },
        { "[T]\n", NULL },
        { "[S]\n", "" },
        { "[S]", "" },
        { "\xef\xbb\xbf[S]\nx = 1\n[T]\n", "\xef\xbb\xbf[T]\n" },
        { "[A]\nx = 1\n\n[S]\nx = 1\n; within\ny = 2\n\n; of T\n[T]\nz = 3\n", "[A]\nx = 1\n\n; of T\n[T]\nz = 3\n" },
        { "; head\n[s]\nx = 1\n\n\n[T]\n", "; head\n[T]\n" },
        { "[S]\nx = 1\n[T]\ny = 2\n[S]\nz = 3\n[U]\n", "[T]\ny = 2\n[U]\n" },
        { "[S]\n[S]\nx = 1\n", "" },
        { "[S]\nx = 1\n; end", "; end" },
        { "[SS]\nx = 1\n", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out;
        buffer_init(&out, 1000);
        assert_int_equal(ini_remove_section(slice_of(cases[i].text), SLICE("S"), &out), cases[i].left ? ERR_OK : ERR_NOT_FOUND);
        if (!slice_equal(buffer_slice(&out), slice_of(cases[i].left)))
            fail_msg("%zu: leaves\n%.*s", i, SLICE_ARG(buffer_slice(&out)));
        buffer_done(&out);
    }
}

static void test_what_cannot_be_written(void **state)
{
    static const struct {
        const char *section, *key, *value;
    } cases[] = {
        { "", "K", "v" },   { "S", "", "v" },    { "S\n", "K", "v" }, { "S", "K\n", "v" }, { "S", "K=L", "v" }, { "S", "[K", "v" },
        { "S", ";K", "v" }, { "S", "#K", "v" },  { " S", "K", "v" },  { "S", "K ", "v" },  { "S", "K", "v\nx = 1" },
        { "S", "K", "\x01" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out;
        buffer_init(&out, 1000);
        assert_int_equal(ini_set(SLICE("[S]\nK = 1\n"), slice_of(cases[i].section), slice_of(cases[i].key), slice_of(cases[i].value), &out),
                         ERR_SYNTAX);
        assert_int_equal(out.size, 0);
        buffer_done(&out);
    }
    struct buffer small; /* nothing is left of what did not fit */
    buffer_init(&small, 16);
    buffer_add_text(&small, "before");
    assert_int_equal(ini_set(SLICE("[S]\nK = 1\n"), SLICE("S"), SLICE("K"), SLICE("longer"), &small), ERR_TOO_LARGE);
    assert_true(slice_equal(buffer_slice(&small), SLICE("before")));
    buffer_clear(&small);
    assert_int_equal(ini_unset(SLICE("[S]\nK = 1\n[Another]\n"), SLICE("S"), SLICE("K"), &small), ERR_OK);
    buffer_clear(&small);
    assert_int_equal(ini_unset(SLICE("[S]\nK = 1\n[Another one]\n"), SLICE("S"), SLICE("K"), &small), ERR_TOO_LARGE);
    assert_int_equal(small.size, 0);
    buffer_clear(&small);
    assert_int_equal(ini_remove_section(SLICE("[S]\n[Another one]\na = 1\n"), SLICE("S"), &small), ERR_TOO_LARGE);
    assert_int_equal(small.size, 0);
    buffer_done(&small);
}

/* ---- any text ---- */

static const char *const pieces[] = { "[S]",  "[T]",  "K",   "L",  " = ", "=",  "\n",  "\n",   "\r\n", "; r", "#",  "\"",
                                      "\"\"", " ",    "\t",  "v",  "[",   "]",  "\r",  "\x01", "\u00e9", "K = 1\n", "[S]\n" };

static void draw_text(struct random_fast *random, struct buffer *out)
{
    size_t count = (size_t)random_fast_below(random, 30);
    for (size_t i = 0; i < count; i++)
        buffer_add_text(out, pieces[random_fast_below(random, sizeof pieces / sizeof pieces[0])]);
}

/* The value of S.K, as whoever reads the file has it (the first one); false when there is none. */
static bool value_of(struct slice text, struct buffer *out)
{
    struct ini_reader reader;
    struct ini_item item;
    ini_reader_init(&reader, text);
    for (ini_reader_next(&reader, &item); item.kind != INI_END; ini_reader_next(&reader, &item)) {
        if (item.kind == INI_KEY && slice_equal_nocase(item.section, SLICE("S")) && slice_equal_nocase(item.key, SLICE("K")))
            return ini_unquote(item.value, out) == ERR_OK;
    }
    return false;
}

/* Whatever the text: a value that is set is read back as it was given; setting and unsetting a new key gives the text that
 * was there (but for the end of its last line, and the section); and what other keys say stays. */
static void test_any_text(void **state)
{
    struct random_fast random;
    random_fast_init(&random, 20261125);
    for (int round = 0; round < 20000; round++) {
        struct buffer text, value, set, again, read;
        buffer_init(&text, 1000);
        buffer_init(&value, 100);
        buffer_init(&set, 2000);
        buffer_init(&again, 2000);
        buffer_init(&read, 2000);
        draw_text(&random, &text);
        for (size_t i = random_fast_below(&random, 6); i > 0; i--)
            buffer_add_char(&value, " \tv;#\"=[]"[random_fast_below(&random, 9)]);
        assert_int_equal(ini_set(buffer_slice(&text), SLICE("S"), SLICE("K"), buffer_slice(&value), &set), ERR_OK);
        assert_true(value_of(buffer_slice(&set), &read));
        assert_true(slice_equal(buffer_slice(&read), buffer_slice(&value)));
        assert_int_equal(ini_set(buffer_slice(&set), SLICE("S"), SLICE("K"), buffer_slice(&value), &again), ERR_OK);
        assert_true(slice_equal(buffer_slice(&set), buffer_slice(&again))); /* twice is once */
        buffer_clear(&read);
        buffer_clear(&again);
        assert_int_equal(ini_unset(buffer_slice(&set), SLICE("S"), SLICE("K"), &again), ERR_OK);
        if (ini_unset(buffer_slice(&text), SLICE("S"), SLICE("K"), &read) == ERR_NOT_FOUND) {
            assert_true(slice_starts_with(buffer_slice(&again), buffer_slice(&text)));
            assert_in_range(again.size, text.size, text.size + sizeof "\r\n\r\n[S]\r\n");
        } else {
            assert_true(slice_equal(buffer_slice(&again), buffer_slice(&read)));
        }
        buffer_done(&text);
        buffer_done(&value);
        buffer_done(&set);
        buffer_done(&again);
        buffer_done(&read);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_wrong_lines),
        cmocka_unit_test(test_unquote),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_set_and_unset),
        cmocka_unit_test(test_remove_section),
        cmocka_unit_test(test_what_cannot_be_written),
        cmocka_unit_test(test_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
