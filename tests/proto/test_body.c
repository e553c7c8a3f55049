/* Bodies on the wire: the block scanner against a plain one, the reader against a plain reader at every cut (S01), the
 * writer against a plain stuffer (S02), and both together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "proto/body.h"

enum { OUT_SIZE_MAX = 4096 };

struct result {
    enum body_event event; /* BODY_MORE: it would go on */
    size_t taken;
    char body[OUT_SIZE_MAX];
    size_t size;
};

/* A reader as one would first write it: an octet at a time, over the whole input. */
static void plain_read(struct slice in, bool counted, struct result *r)
{
    size_t line_from = 0;
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < in.size; i++) {
        char c = in.data[i];
        bool crlf = c == '\r' && i + 1 < in.size && in.data[i + 1] == '\n';
        r->taken = i + 1;
        if (c == '\0' || c == '\n' || (c == '\r' && !crlf && i + 1 < in.size)) {
            r->event = BODY_WRONG;
            return;
        }
        if (c == '\r' && !crlf)
            return; /* not known yet */
        if (crlf) {
            if (!counted && i == line_from + 1 && in.data[line_from] == '.') {
                r->event = BODY_END;
                r->taken = i + 2;
                return;
            }
            r->body[r->size++] = '\r';
            r->body[r->size++] = '\n';
            line_from = i + 2;
            i++;
            r->taken = i + 1;
        } else if (counted || i != line_from || c != '.') {
            r->body[r->size++] = c;
        }
    }
}

/* What we have, given the input in pieces of the sizes that `cut` says (1: octet by octet, 0: whole, else random). */
static void cut_read(struct slice in, bool counted, unsigned cut, struct result *r)
{
    struct body_reader reader;
    unsigned seed = cut;
    memset(r, 0, sizeof *r);
    counted ? body_reader_init_counted(&reader) : body_reader_init_dot(&reader);
    for (size_t from = 0; from < in.size;) {
        size_t size = cut == 0 ? in.size : cut == 1 ? 1 : 1 + (size_t)rand_r(&seed) % 90;
        struct slice piece = slice_part(in, from, size);
        from += piece.size;
        enum body_event event;
        do {
            struct slice run;
            event = body_reader_next(&reader, &piece, &run);
            if (run.size > 0)
                memcpy(r->body + r->size, run.data, run.size);
            r->size += run.size;
        } while (event == BODY_RUN);
        r->taken = from - piece.size;
        if (event != BODY_MORE) {
            r->event = event;
            assert_int_equal(event == BODY_WRONG, reader.fault != BODY_FAULT_NONE);
            return;
        }
        assert_int_equal(piece.size, 0);
    }
}

static void check_read(struct slice in, bool counted)
{
    static struct result want, got;
    plain_read(in, counted, &want);
    for (unsigned cut = 0; cut < 6; cut++) {
        cut_read(in, counted, cut, &got);
        assert_int_equal(got.event, want.event);
        assert_int_equal(got.size, want.size);
        assert_memory_equal(got.body, want.body, want.size);
        if (want.event == BODY_END)
            assert_int_equal(got.taken, want.taken);
    }
}

static size_t random_text(unsigned *seed, char *text, size_t size_max, bool canonical)
{
    size_t size = (size_t)rand_r(seed) % size_max;
    for (size_t i = 0; i < size; i++) {
        int kind = rand_r(seed) % 24;
        if (kind < 3 && i + 1 < size) {
            text[i++] = '\r';
            text[i] = '\n';
        } else if (kind < 6) {
            text[i] = '.';
        } else if (kind == 6 && !canonical) {
            text[i] = "\r\n\0"[rand_r(seed) % 3];
        } else {
            text[i] = (char)('a' + kind);
        }
    }
    return size;
}

/* The smuggling sequences of S01: what is in front of them, and behind, is an ordinary body. */
static const struct slice smuggling[] = {
    { "\n.\n", 3 },         { "\n.\r", 3 },           { "\r.\n", 3 },          { "\r.\r", 3 },
    { "\n.\r\n", 4 },       { "\r.\r\n", 4 },         { "\r\n.\n", 4 },        { "\r\n.\r", 4 },
    { "\r\n\0.\r\n", 6 },   { "\r\n.\0\r\n", 6 },     { "\r\n.\r\r\n", 6 },    { "\r\r\n.\r\r\n", 7 },
    { "\n\n.\r\n", 5 },     { "\r\n\r.\r\n", 6 },     { "\0\r\n.\r\n", 6 },
};

static void test_smuggling(void **state)
{
    for (size_t i = 0; i < sizeof smuggling / sizeof smuggling[0]; i++) {
        char text[256];
        struct result r;
        size_t size = (size_t)snprintf(text, sizeof text, "Subject: x\r\n\r\nbody");
        memcpy(text + size, smuggling[i].data, smuggling[i].size);
        size += smuggling[i].size;
        size += (size_t)snprintf(text + size, sizeof text - size, "MAIL FROM:<a@b>\r\n.\r\n");
        check_read(slice(text, size), false);
        check_read(slice(text, size), true);
        for (unsigned cut = 0; cut < 6; cut++) {
            cut_read(slice(text, size), false, cut, &r);
            assert_int_equal(r.event, BODY_WRONG);
        }
    }
}

static void test_reader(void **state)
{
    static const char *const texts[] = {
        "", ".\r\n", "..\r\n.\r\n", ".a\r\n.\r\n", "a\r\n.\r\nQUIT\r\n", "\r\n.\r\n", "a\r\n..\r\n...\r\n.\r\n", ".", ".\r",
        "a\r", "a\r\n.", "a\r\n.\r", "\r\n\r\n\r\n.\r\n", "...\r\n.\r\n", ".\r\n.\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_read(slice_of(texts[i]), false);
        check_read(slice_of(texts[i]), true);
    }
    unsigned seed = 7;
    for (int round = 0; round < 30000; round++) {
        char text[400];
        size_t size = random_text(&seed, text, sizeof text, round % 2 == 0);
        check_read(slice(text, size), round % 3 == 0);
    }
}

static void test_scan(void **state)
{
    unsigned seed = 3;
    for (int round = 0; round < 30000; round++) {
        char text[300];
        size_t size = random_text(&seed, text, sizeof text, round % 3 > 0);
        bool dots = round % 2 == 0;
        char before = round % 5 == 0 ? ' ' : '\n';
        size_t want = 0;
        for (; want < size; want++) {
            char c = text[want], b = want > 0 ? text[want - 1] : before;
            if (c == '\0' || (c == '.' && dots && b == '\n') || (c == '\n' && (want == 0 || b != '\r')) ||
                (c == '\r' && (want + 1 == size || text[want + 1] != '\n')))
                break;
        }
        assert_int_equal(body_scan_plain(text, size, before, dots), want);
    }
}

/* Writes with output windows of the size given, the body in slices of random size. */
static enum body_event write_all(struct slice body, size_t window, unsigned seed, char *out, size_t *ret_size)
{
    struct body_writer w;
    enum body_event event = BODY_MORE;
    size_t size = 0, written, from = 0;
    body_writer_init(&w);
    while (from < body.size && event != BODY_WRONG) {
        struct slice piece = slice_part(body, from, 1 + (size_t)rand_r(&seed) % 200);
        from += piece.size;
        do {
            event = body_writer_next(&w, &piece, out + size, window, &written);
            assert_true(written <= window);
            size += written;
        } while (event == BODY_RUN);
        assert_int_equal(w.offset, from - piece.size);
    }
    while (event != BODY_WRONG && event != BODY_END) {
        event = body_writer_finish(&w, out + size, window, &written);
        assert_true(written <= window);
        size += written;
    }
    *ret_size = size;
    return event;
}

static void test_writer(void **state)
{
    static char out[OUT_SIZE_MAX], want[OUT_SIZE_MAX];
    unsigned seed = 11;
    for (int round = 0; round < 30000; round++) {
        char text[400];
        bool canonical = round % 3 > 0;
        struct slice body = slice(text, random_text(&seed, text, sizeof text, canonical));
        size_t window = round % 4 == 0 ? 2 : 2 + (size_t)rand_r(&seed) % 300;
        size_t size, want_size = 0;
        enum body_event event = write_all(body, window, (unsigned)round, out, &size);
        for (size_t i = 0; i + 1 < size; i++) { /* whatever the body: never a bare line end, but for a CR cut at the end */
            assert_int_not_equal(out[i], '\0');
            assert_int_equal(out[i] == '\r', out[i + 1] == '\n');
        }
        if (body_check(body) != BODY_FAULT_NONE) {
            assert_int_equal(event, BODY_WRONG);
            continue;
        }
        assert_int_equal(event, BODY_END);
        for (size_t i = 0; i < body.size; i++) {
            if (body.data[i] == '.' && (i == 0 || body.data[i - 1] == '\n'))
                want[want_size++] = '.';
            want[want_size++] = body.data[i];
        }
        bool ended = body.size == 0 || body.data[body.size - 1] == '\n';
        struct slice tail = ended ? SLICE(".\r\n") : SLICE("\r\n.\r\n");
        memcpy(want + want_size, tail.data, tail.size);
        want_size += tail.size;
        assert_int_equal(size, want_size);
        assert_memory_equal(out, want, size);
        static struct result back; /* read again, it is the same body, and one message only */
        plain_read(slice(out, size), false, &back);
        assert_int_equal(back.event, BODY_END);
        assert_int_equal(back.taken, size);
        assert_int_equal(back.size, body.size + (ended ? 0 : 2));
        assert_memory_equal(back.body, body.data, body.size);
    }
}

static void test_faults(void **state)
{
    assert_int_equal(body_check(SLICE("")), BODY_FAULT_NONE);
    assert_int_equal(body_check(SLICE("a\r\nb")), BODY_FAULT_NONE);
    assert_int_equal(body_check(SLICE("a\r")), BODY_FAULT_CR);
    assert_int_equal(body_check(SLICE("a\rb")), BODY_FAULT_CR);
    assert_int_equal(body_check(SLICE("a\n")), BODY_FAULT_LF);
    assert_int_equal(body_check(SLICE("\n")), BODY_FAULT_LF);
    assert_int_equal(body_check(SLICE("a\0b")), BODY_FAULT_NUL);
    assert_string_equal(body_fault_name(BODY_FAULT_LF), "bare LF");
    struct body_reader r;
    struct slice in = SLICE("a\r"), run;
    body_reader_init_counted(&r);
    while (body_reader_next(&r, &in, &run) == BODY_RUN)
        assert_true(run.size > 0);
    assert_false(body_reader_finish(&r));
    in = SLICE("\n");
    while (body_reader_next(&r, &in, &run) == BODY_RUN)
        assert_true(run.size > 0);
    assert_true(body_reader_finish(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),   cmocka_unit_test(test_smuggling), cmocka_unit_test(test_reader),
        cmocka_unit_test(test_writer), cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
