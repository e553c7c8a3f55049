/* The header section: its facts exact, at every cut; odd names and values (S18); sections without end (S17). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/header.h"

/* What is expected of a message; values "" where the field is not there. */
struct row {
    const char *what;
    const char *text; /* LF stands for CRLF */
    unsigned fields, hops, from, date, ids;
    bool return_path, broken, ended, header_8bit, body_8bit, resent;
    unsigned header_size, body_offset, longest_line;
    const char *type, *encoding, *version, *submitted, *id;
};

#define NO_VALUES .type = "", .encoding = "", .version = "", .submitted = "", .id = ""

static const struct row rows[] = {
    { "empty", "", NO_VALUES },
    { "no header", "\nbody\n", .ended = true, .body_offset = 2, .longest_line = 4, NO_VALUES },
    { "all header", "A: b\n", .fields = 1, .header_size = 6, .body_offset = 6, .longest_line = 4, NO_VALUES },
    { "without a last line end", "A: bc", .fields = 1, .header_size = 5, .body_offset = 5, .longest_line = 5,
      NO_VALUES },
    { "all facts",
      "Received: a\n b\nreceived: c\nReturn-Path: <>\nFrom: x\nFROM : y\nDate: d\nMessage-ID: <1@x> \nMessage-Id: <2@x>\n"
      "Resent-To: z\nContent-type:  text/plain;\n\tcharset=x \nContent-Transfer-Encoding: 8bit\nMIME-Version: 1.0\n"
      "Auto-Submitted:no\nContent-Type: second\n\n\xc3\xa9\n",
      .fields = 14, .hops = 2, .from = 2, .date = 1, .ids = 2, .return_path = true, .ended = true, .body_8bit = true,
      .resent = true, .header_size = 262, .body_offset = 264, .longest_line = 31, .type = "text/plain;\tcharset=x",
      .encoding = "8bit", .version = "1.0", .submitted = "no", .id = "<1@x>" },
    { "8-bit in the header", "Subject: \xc3\xa9\n\nx\n", .fields = 1, .ended = true, .header_8bit = true,
      .header_size = 13, .body_offset = 15, .longest_line = 11, NO_VALUES },
    { "a line that is no field", "A: b\nnot a field\nC: d\n", .fields = 1, .broken = true, .ended = true,
      .header_size = 6, .body_offset = 6, .longest_line = 11, NO_VALUES },
    { "a name above ASCII is none", "A: b\n\xc3\xa9: x\n", .fields = 1, .broken = true, .ended = true,
      .body_8bit = true, .header_size = 6, .body_offset = 6, .longest_line = 5, NO_VALUES },
    { "a continuation of nothing", " A: b\n", .broken = true, .ended = true, .longest_line = 5, NO_VALUES },
    { "a name without a colon at the end", "A: b\nName", .fields = 1, .broken = true, .ended = true, .header_size = 6,
      .body_offset = 6, .longest_line = 4, NO_VALUES },
    { "odd names are just names", "__proto__: x\n:\n::\n%s%n: y\nA\t : z\nconstructor: q\n\n", .fields = 6,
      .ended = true, .header_size = 54, .body_offset = 56, .longest_line = 14, NO_VALUES },
    { "blanks alone continue", "Message-ID:\n  <a@b>\n \t \n\n", .fields = 1, .ids = 1, .ended = true,
      .header_size = 27, .body_offset = 29, .longest_line = 11, .type = "", .encoding = "", .version = "",
      .submitted = "", .id = "<a@b>" },
    { "an empty value is there", "Content-Type:\nMIME-Version: \n\n", .fields = 2, .ended = true, .header_size = 31,
      .body_offset = 33, .longest_line = 14, NO_VALUES },
    { "similar names", "Receive: a\nReceivedd: b\nX-Received: c\nFro: d\nResent: e\n\n", .fields = 5, .ended = true,
      .header_size = 60, .body_offset = 62, .longest_line = 13, NO_VALUES },
};

static void check_row(const struct row *row, const struct header_facts *f, size_t size)
{
    const char *const want[HEADER_VALUE_COUNT] = {
        [HEADER_CONTENT_TYPE] = row->type,    [HEADER_CONTENT_TRANSFER_ENCODING] = row->encoding,
        [HEADER_MIME_VERSION] = row->version, [HEADER_AUTO_SUBMITTED] = row->submitted,
        [HEADER_MESSAGE_ID] = row->id,
    };
    assert_int_equal(f->field_count, row->fields);
    assert_int_equal(f->hops, row->hops);
    assert_int_equal(f->from_count, row->from);
    assert_int_equal(f->date_count, row->date);
    assert_int_equal(f->message_id_count, row->ids);
    assert_int_equal(f->return_path, row->return_path);
    assert_int_equal(f->broken, row->broken);
    assert_int_equal(f->ended, row->ended);
    assert_int_equal(f->header_8bit, row->header_8bit);
    assert_int_equal(f->body_8bit, row->body_8bit);
    assert_int_equal(f->resent, row->resent);
    assert_int_equal(f->header_size, row->header_size);
    assert_int_equal(f->body_offset, row->body_offset);
    assert_int_equal(f->longest_line, row->longest_line);
    assert_int_equal(f->size, size);
    for (int i = 0; i < HEADER_VALUE_COUNT; i++)
        if (!slice_equal(f->value[i], slice_of(want[i])))
            fail_msg("%s: value %d: \"%.*s\"", row->what, i, SLICE_ARG(f->value[i]));
}

/* Whole, by octets, and cut in two at every place. */
static void test_rows(void **state)
{
    struct header_scan scan;
    struct header_facts facts;
    header_scan_init(&scan);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer text;
        buffer_init(&text, 4096);
        for (const char *p = rows[i].text; *p != '\0'; p++) {
            if (*p == '\n')
                buffer_add_char(&text, '\r');
            buffer_add_char(&text, *p);
        }
        struct slice all = buffer_slice(&text);
        for (size_t at = 0; at <= all.size; at++) {
            header_scan_reset(&scan);
            header_scan_feed(&scan, slice_part(all, 0, at));
            header_scan_feed(&scan, slice_after(all, at));
            header_scan_finish(&scan, &facts);
            check_row(&rows[i], &facts, all.size);
        }
        header_scan_reset(&scan);
        for (size_t at = 0; at < all.size; at++)
            header_scan_feed(&scan, slice_part(all, at, 1));
        header_scan_finish(&scan, &facts);
        check_row(&rows[i], &facts, all.size);
        buffer_done(&text);
    }
    header_scan_done(&scan);
}

static void repeat(struct header_scan *scan, struct slice unit, size_t count)
{
    for (size_t i = 0; i < count; i++)
        header_scan_feed(scan, unit);
}

/* Values are cut at their limits, names of any length are names, and a million of them take no memory. */
static void test_bounds(void **state)
{
    enum { MANY = 1000000, LONG = 64 << 10 };
    struct header_scan scan;
    struct header_facts facts;
    header_scan_init(&scan);
    repeat(&scan, SLICE("Received: by x; y\r\n"), MANY);
    repeat(&scan, SLICE("Content-Type: a/b\r\n"), MANY);
    repeat(&scan, SLICE("N"), LONG);
    header_scan_feed(&scan, SLICE(": x\r\nMessage-ID: "));
    repeat(&scan, SLICE("i"), LONG);
    header_scan_feed(&scan, SLICE("\r\n\r\n"));
    header_scan_finish(&scan, &facts);
    assert_int_equal(facts.hops, MANY);
    assert_int_equal(facts.field_count, 2 * MANY + 2);
    assert_int_equal(facts.longest_line, LONG + 12);
    assert_true(facts.ended && !facts.broken);
    assert_true(slice_equal(facts.value[HEADER_CONTENT_TYPE], SLICE("a/b")));
    assert_int_equal(facts.value[HEADER_MESSAGE_ID].size, HEADER_MESSAGE_ID_SIZE_MAX);
    assert_true(scan.kept.capacity <= 2 * HEADER_KEPT_SIZE_MAX);
    /* All kept values at once, each longer than what is kept of it, in pieces. */
    static const char *const names[] = { "Content-Type:", "Content-Transfer-Encoding:", "MIME-Version:",
                                         "Auto-Submitted:", "Message-ID:" };
    static const size_t limits[] = { HEADER_CONTENT_TYPE_SIZE_MAX, HEADER_TOKEN_SIZE_MAX, HEADER_TOKEN_SIZE_MAX,
                                     HEADER_TOKEN_SIZE_MAX, HEADER_MESSAGE_ID_SIZE_MAX };
    header_scan_reset(&scan);
    for (size_t i = 0; i < HEADER_VALUE_COUNT; i++) {
        header_scan_feed(&scan, slice_of(names[i]));
        repeat(&scan, SLICE("xyz\r\n\t"), 1000);
        header_scan_feed(&scan, SLICE("end\r\n"));
    }
    header_scan_finish(&scan, &facts);
    for (size_t i = 0; i < HEADER_VALUE_COUNT; i++)
        assert_in_range(facts.value[i].size, limits[i] - 1, limits[i]); /* a blank at its end is trimmed */
    assert_false(scan.kept.overflow);
    header_scan_done(&scan);
}

/* A scan that is used again knows nothing of the message before. */
static void test_reset(void **state)
{
    struct header_scan scan;
    struct header_facts facts;
    header_scan_init(&scan);
    header_scan_feed(&scan, SLICE("Message-ID: <a@b>\r\nReceived: x\r\n\r\n\xff\r\n"));
    header_scan_finish(&scan, &facts);
    header_scan_reset(&scan);
    header_scan_finish(&scan, &facts);
    assert_int_equal(facts.hops + facts.field_count + facts.size + facts.longest_line, 0);
    assert_false(facts.ended || facts.body_8bit || facts.has[HEADER_MESSAGE_ID]);
    assert_int_equal(facts.value[HEADER_MESSAGE_ID].size, 0);
    header_scan_done(&scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
