/* Conversion at its limits (S17, S18), and of generated messages, which Python's email package reads before and after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/random.h"
#include "convert.h"
#include "proto/body.h"
#include "python.h"

#define E "\xc3\xa9"

enum { MESSAGE_SIZE_MAX = 32 << 20 };

static bool has(struct slice text, const char *needle)
{
    return slice_find_slice(text, slice_of(needle)) < text.size;
}

static size_t longest_line(struct slice text)
{
    size_t longest = 0;
    while (text.size > 0) {
        struct slice line = slice_split(&text, '\n');
        longest = line.size > longest ? line.size : longest;
    }
    return longest > 0 ? longest - 1 : 0; /* without CR */
}

/* ---- limits ---- */

/* A message that opens `depth` multiparts or messages in one another, with an octet above 127 in the innermost. */
static void nested(struct buffer *in, unsigned depth, bool messages, bool dirty)
{
    buffer_init(in, MESSAGE_SIZE_MAX);
    buffer_add_text(in, "MIME-Version: 1.0\r\n");
    for (unsigned i = 0; i < depth; i++) {
        if (messages)
            buffer_add_text(in, "Content-Type: message/rfc822\r\n\r\n");
        else
            buffer_add_format(in, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
    }
    buffer_add_text(in, dirty ? "\r\n" E "\r\n" : "\r\nx\r\n");
}

static void test_depth(void **state)
{
    static struct mime_plan plan;
    for (int messages = 0; messages < 2; messages++) {
        static const struct {
            unsigned depth;
            bool dirty;
            enum mime_verdict verdict;
        } rows[] = {
            { MIME_DEPTH_MAX, true, MIME_CONVERT },
            { MIME_DEPTH_MAX + 1, true, MIME_REFUSED_DEPTH },
            { MIME_DEPTH_MAX + 1, false, MIME_AS_IS },
            { 100000, true, MIME_REFUSED_DEPTH },
            { 100000, false, MIME_AS_IS },
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct buffer in, out;
            nested(&in, rows[i].depth, messages, rows[i].dirty);
            convert_all(buffer_slice(&in), MIME_WISH_7BIT, &plan, &out);
            if (plan.verdict != rows[i].verdict)
                fail_msg("%s, depth %u: verdict %d", messages ? "messages" : "multiparts", rows[i].depth, plan.verdict);
            assert_true(plan.part_count <= MIME_DEPTH_MAX + 1);
            assert_true(plan.verdict != MIME_CONVERT || has(buffer_slice(&out), "\r\n\r\n=C3=A9\r\n"));
            buffer_done(&in);
            buffer_done(&out);
        }
    }
    /* 32 frames, a plan for 4096 parts, a header's value: what the machine is. */
    assert_true(sizeof(struct mime) < 20 << 10);
}

/* Parts beyond the plan are converted whether needed or not, and are still what they were. */
static void test_many_parts(void **state)
{
    static struct mime_plan plan, again;
    static const char *const parts[] = {
        "\r\n" E "\r\n",
        "\r\nplain\r\n",
        "Content-Transfer-Encoding: base64\r\nContent-Type: image/png\r\n\r\nAAAA\r\n",
        "Content-Transfer-Encoding: 8bit\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\n" E
        "\r\n--i--\r\n",
        "Content-Type: image/png\r\n\r\n\xff\r\n",
        "Content-Transfer-Encoding: x-odd\r\n\r\nodd\r\n",
        "Content-Type: message/rfc822\r\n\r\nSubject: " E "\r\n\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9\r\n",
    };
    enum { COUNT = 6000, KINDS = sizeof parts / sizeof parts[0] };
    struct buffer in, out;
    buffer_init(&in, MESSAGE_SIZE_MAX);
    buffer_add_text(&in, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (int i = 0; i < COUNT; i++)
        buffer_add_format(&in, "--b\r\n%s", parts[i % KINDS]);
    buffer_add_text(&in, "--b--\r\n");
    convert_all(buffer_slice(&in), MIME_WISH_7BIT, &plan, &out);
    assert_int_equal(plan.verdict, MIME_CONVERT);
    assert_true(plan.part_count > COUNT && plan.part_count > MIME_PARTS_MAX);
    struct slice end = slice_after(buffer_slice(&out), out.size - 1500);
    assert_true(has(end, "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9\r\n"));
    assert_true(has(end, "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nplain\r\n"));
    assert_true(has(end, "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"));
    assert_true(has(end, "boundary=i\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--i\r\n"));
    assert_true(has(end, "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==\r\n"));
    assert_true(has(end, "--b\r\nContent-Transfer-Encoding: x-odd\r\n\r\nodd\r\n"));
    assert_true(has(end, "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?=C3=A9?=\r\n"));
    buffer_done(&in);
    convert_all(buffer_slice(&out), MIME_WISH_7BIT, &again, &in);
    assert_int_equal(again.verdict, MIME_AS_IS);
    assert_int_equal(again.part_count, plan.part_count);
    buffer_done(&in);
    buffer_done(&out);
}

/* The smallest parts there are, each with an octet that needs a field: the growth that is granted is what it takes. */
static void test_small_parts(void **state)
{
    static struct mime_plan plan;
    struct buffer in, out;
    buffer_init(&in, MESSAGE_SIZE_MAX);
    buffer_add_text(&in, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (int i = 0; i < 20000; i++)
        buffer_add_text(&in, "--b\r\n\r\n\xff\r\n");
    convert_all(buffer_slice(&in), MIME_WISH_7BIT, &plan, &out);
    assert_int_equal(plan.verdict, MIME_CONVERT);
    assert_true(out.size > in.size * 4 && out.size < in.size * MIME_GROWTH_MAX);
    buffer_done(&in);
    buffer_done(&out);
}

/* Header lines of inner parts, without end or made to grow: bounded, 7-bit, and every blank is a place to fold. */
static void test_inner_headers(void **state)
{
    static struct mime_plan plan;
    static const char *const units[] = {
        "\xe9,", E " ", "a " E, "x", " ", "\t", E, "\xff", "(", "\"" E "\"", ":", "a:b ", "=?utf-8?q?x?= " E " "
    };
    static const char *const names[] = { "Subject:", "To:", "Content-Type:", "X", ":", "__proto__:", " " };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            struct buffer in, out;
            buffer_init(&in, MESSAGE_SIZE_MAX);
            buffer_add_text(&in, "Content-Type: message/rfc822\r\n\r\n");
            buffer_add_text(&in, names[j]);
            while (in.size < 40000)
                buffer_add_text(&in, units[i]);
            buffer_add_text(&in, "\r\nA: b\r\n\r\n" E "\r\n");
            convert_all(buffer_slice(&in), MIME_WISH_7BIT, &plan, &out);
            assert_int_equal(plan.verdict, MIME_CONVERT);
            assert_int_equal(body_check(buffer_slice(&out)), BODY_FAULT_NONE);
            assert_false(mime_has_8bit(buffer_slice(&out)));
            bool foldable = units[i][0] != 'x' && units[i][0] != '(' && units[i][0] != ':' && units[i][0] != ' ' &&
                            units[i][0] != '\t';
            if (foldable && longest_line(buffer_slice(&out)) > MIME_LINE_SIZE_MAX)
                assert_true(units[i][0] == '\xe9' || units[i][1] == E[0]); /* forged: no blank anywhere */
            buffer_done(&in);
            buffer_done(&out);
        }
}

/* A body's line without an end, comments without an end, a type longer than what is read of it. */
static void test_endless(void **state)
{
    static struct mime_plan plan;
    static const char *const starts[] = {
        "A: b\r\n\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        "Content-Transfer-Encoding: base64\r\n\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=",
    };
    static const char *const units[] = { "x", " ", "-", "=", E, "(" };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        for (size_t j = 0; j < sizeof units / sizeof units[0]; j++) {
            struct buffer in, out;
            buffer_init(&in, MESSAGE_SIZE_MAX);
            buffer_add_text(&in, starts[i]);
            while (in.size < 100000)
                buffer_add_text(&in, units[j]);
            convert_all(buffer_slice(&in), MIME_WISH_7BIT, &plan, &out);
            assert_int_equal(plan.verdict, MIME_CONVERT);
            assert_true(longest_line(buffer_slice(&out)) <= MIME_LINE_SIZE_MAX);
            assert_false(mime_has_8bit(buffer_slice(&out)));
            buffer_done(&in);
            buffer_done(&out);
        }
    struct buffer in, out;
    buffer_init(&in, MESSAGE_SIZE_MAX);
    buffer_add_text(&in, "Content-Type: multipart/mixed ");
    for (int i = 0; i < 100000; i++)
        buffer_add_char(&in, '(');
    buffer_add_text(&in, "; boundary=b\r\n\r\n--b\r\n\r\nx\r\n");
    convert_all(buffer_slice(&in), MIME_WISH_7BIT, &plan, &out);
    assert_int_equal(plan.part_count, 1);
    buffer_done(&in);
    buffer_done(&out);
}

/* ---- generated messages ---- */

static uint32_t below(struct random_fast *r, uint32_t bound)
{
    return (uint32_t)random_fast_below(r, bound);
}

static void repeat(struct random_fast *r, struct buffer *out, const char *const *units, uint32_t count, uint32_t max)
{
    for (uint32_t i = below(r, max + 1); i > 0; i--)
        buffer_add_text(out, units[below(r, count)]);
}

static void add_line(struct random_fast *r, struct buffer *out)
{
    static const char *const plain[] = { "a", "b", "c", " ", "XYZ", "=", "-", ".", "\t" };
    static const char *const french[] = { E, "\xc3\xa0", " ", "abc" };
    static const char *const octets[] = { "\xe9", "\xff", "A", " ", "=" };
    static const char *const odd[] = { "--",  "--b1", "-",  "From x", ".",   "..",     "=",
                                       "--b", "=E9",  "a=", "tab\t",  "a:b", "blank ", "--b1-- x" };
    switch (below(r, 10)) {
    case 0:
    case 1:
    case 2: repeat(r, out, plain, 9, 40); break;
    case 3:
    case 4: repeat(r, out, french, 4, 50); break;
    case 5: repeat(r, out, octets, 5, 80); break;
    case 6:
        for (uint32_t i = 990 + below(r, 110); i > 0; i--)
            buffer_add_char(out, below(r, 20) == 0 ? ' ' : 'x');
        break;
    default: buffer_add_text(out, odd[below(r, sizeof odd / sizeof odd[0])]);
    }
    buffer_add_text(out, "\r\n");
}

static void add_lines(struct random_fast *r, struct buffer *out, uint32_t max)
{
    for (uint32_t i = below(r, max); i > 0; i--)
        add_line(r, out);
}

static void add_leaf_content(struct random_fast *r, struct buffer *out, int encoding)
{
    struct buffer raw, coded;
    buffer_init(&raw, 1 << 20);
    buffer_init(&coded, 2 << 20);
    add_lines(r, &raw, 8);
    if (encoding == 1) {
        size_t width = below(r, 2) == 0 ? 76 : 1500;
        base64_encode(buffer_slice(&raw), &coded);
        for (size_t at = 0; at < coded.size; at += width) {
            buffer_add(out, slice_part(buffer_slice(&coded), at, width));
            buffer_add_text(out, "\r\n");
        }
    } else if (encoding == 2) {
        mime_add_quoted_printable(buffer_slice(&raw), &coded);
        if (below(r, 2) == 0)
            buffer_add(out, buffer_slice(&coded));
        for (struct slice rest = buffer_slice(&coded); rest.size > 0 && out->data[out->size - 1] != '=';) {
            struct slice line = slice_split(&rest, '\n'); /* in long lines: soft line ends taken out */
            line.size -= line.size > 0 && line.data[line.size - 1] == '\r' ? 1 : 0;
            bool soft = line.size > 0 && line.data[line.size - 1] == '=';
            buffer_add(out, slice_part(line, 0, line.size - (soft ? 1 : 0)));
            if (!soft)
                buffer_add_text(out, "\r\n");
        }
    } else {
        buffer_add(out, buffer_slice(&raw));
    }
    buffer_done(&raw);
    buffer_done(&coded);
}

static void add_fields(struct random_fast *r, struct buffer *out, bool inner)
{
    static const char *const texts[] = { E, "d" E "j" E, "plain", " ", " ", "(x)", " plain ", ",", "\r\n " };
    if (below(r, 3) == 0) {
        buffer_add_text(out, below(r, 2) == 0 ? "Subject: a" : "X-Text: a");
        repeat(r, out, texts, inner ? 9 : 0, inner ? 12 : 0);
        buffer_add_text(out, "z\r\n");
    }
    if (below(r, 6) == 0) {
        buffer_add_text(out, "References:");
        for (uint32_t i = below(r, 200); i > 0; i--)
            buffer_add_format(out, " <%u@x>", i);
        buffer_add_text(out, " end\r\n");
    }
    if (inner && below(r, 4) == 0)
        buffer_add_text(out, "Content-Disposition: attachment; filename=\"" E "t" E ".pdf\"\r\n");
}

static void add_leaf(struct random_fast *r, struct buffer *out, bool inner)
{
    static const char *const types[] = { "text/plain; charset=utf-8", "text/html", "image/png", "application/pdf" };
    static const char *const encodings[] = { "8bit", "base64", "quoted-printable", "7bit", "binary" };
    uint32_t encoding = below(r, 5);
    add_fields(r, out, inner);
    if (below(r, 4) != 0)
        buffer_add_format(out, "Content-Type: %s\r\n", types[below(r, 4)]);
    if (encoding == 1 || encoding == 2 || below(r, 4) != 0)
        buffer_add_format(out, "Content-Transfer-Encoding: %s\r\n", encodings[encoding]);
    buffer_add_text(out, "\r\n");
    add_leaf_content(r, out, (int)encoding);
}

static void add_entity(struct random_fast *r, struct buffer *out, int depth, bool inner)
{
    static unsigned number;
    unsigned own = number++;
    if (depth == 0 || below(r, 3) == 0) {
        add_leaf(r, out, inner);
        return;
    }
    add_fields(r, out, inner);
    if (below(r, 2) == 0)
        buffer_add_text(out, "Content-Transfer-Encoding: 8bit\r\n");
    if (below(r, 4) == 0) {
        buffer_add_text(out, "Content-Type: message/rfc822\r\n\r\n");
        add_entity(r, out, depth - 1, true);
        return;
    }
    static const char *const forms[] = { "b%u", "=_%u=", "--%u", "a b %u", "b%uxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=" };
    char boundary[80];
    snprintf(boundary, sizeof boundary, "%.*s%u%s", (int)strcspn(forms[own % 5], "%"), forms[own % 5], own,
             forms[own % 5] + strcspn(forms[own % 5], "%") + 2);
    buffer_add_format(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n", boundary);
    add_lines(r, out, 3);
    for (uint32_t i = 1 + below(r, 3); i > 0; i--) {
        buffer_add_format(out, "--%s%s\r\n", boundary, below(r, 4) == 0 ? "  " : "");
        add_entity(r, out, depth - 1, true);
        buffer_add_text(out, below(r, 3) == 0 ? "" : "\r\n");
    }
    buffer_add_format(out, "--%s--\r\n", boundary);
    add_lines(r, out, 3);
}

static void test_python(void **state)
{
    static struct mime_plan plan;
    char *folder = python_folder();
    struct random_fast r;
    unsigned converted = 0;
    random_fast_init(&r, 20261125);
    for (unsigned i = 0; i < 400; i++) {
        struct buffer in, out;
        unsigned wish = i % 3 == 0 ? MIME_WISH_LONG_LINES : MIME_WISH_7BIT;
        char name[40];
        buffer_init(&in, MESSAGE_SIZE_MAX);
        buffer_add_text(&in, "From: a@b.c\r\nMIME-Version: 1.0\r\n");
        add_entity(&r, &in, (int)below(&r, 5), false);
        assert_int_equal(body_check(buffer_slice(&in)), BODY_FAULT_NONE);
        convert_all(buffer_slice(&in), wish, &plan, &out);
        assert_true(plan.verdict == MIME_AS_IS || plan.verdict == MIME_CONVERT);
        if (plan.verdict == MIME_CONVERT) {
            converted++;
            snprintf(name, sizeof name, "%u%s.in", i, wish == MIME_WISH_7BIT ? ".7bit" : "");
            python_write(folder, name, buffer_slice(&in));
            snprintf(name, sizeof name, "%u%s.out", i, wish == MIME_WISH_7BIT ? ".7bit" : "");
            python_write(folder, name, buffer_slice(&out));
        }
        buffer_done(&in);
        buffer_done(&out);
    }
    assert_true(converted > 100);
    python_check("read_conversions.py", folder);
    python_done(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),         cmocka_unit_test(test_many_parts), cmocka_unit_test(test_small_parts),
        cmocka_unit_test(test_inner_headers), cmocka_unit_test(test_endless),    cmocka_unit_test(test_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
