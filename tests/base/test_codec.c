/* Encodings against the vectors of their RFCs, dates over all leap rules, and text made safe for a log (S21). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/now.h"
#include "base/random.h"

typedef void encoder(struct slice bytes, struct buffer *out);
typedef enum err decoder(struct slice text, struct buffer *out);

static void check_encode(encoder *encode, struct slice bytes, struct slice text)
{
    struct buffer out;
    buffer_init(&out, 4096);
    encode(bytes, &out);
    if (!slice_equal(buffer_slice(&out), text))
        fail_msg("\"%.*s\" instead of \"%.*s\"", SLICE_ARG(buffer_slice(&out)), SLICE_ARG(text));
    buffer_done(&out);
}

static void check_decode(decoder *decode, struct slice text, struct slice bytes)
{
    struct buffer out;
    buffer_init(&out, 4096);
    if (decode(text, &out) != ERR_OK || !slice_equal(buffer_slice(&out), bytes))
        fail_msg("\"%.*s\" is read wrong", SLICE_ARG(text));
    buffer_done(&out);
}

static void check_refused(decoder *decode, struct slice text)
{
    struct buffer out;
    buffer_init(&out, 4096);
    buffer_add_text(&out, "before");
    if (decode(text, &out) != ERR_SYNTAX)
        fail_msg("\"%.*s\" is taken", SLICE_ARG(text));
    assert_true(slice_equal(buffer_slice(&out), SLICE("before"))); /* nothing of it was added */
    buffer_done(&out);
}

static void check_every_octet(encoder *encode, decoder *decode)
{
    char all[256];
    struct buffer text, bytes;
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    buffer_init(&text, 4096);
    buffer_init(&bytes, 4096);
    for (size_t size = 0; size <= sizeof all; size++) {
        buffer_clear(&text);
        buffer_clear(&bytes);
        encode(slice(all, size), &text);
        assert_int_equal(decode(buffer_slice(&text), &bytes), ERR_OK);
        assert_true(slice_equal(buffer_slice(&bytes), slice(all, size)));
    }
    buffer_done(&bytes);
    buffer_init(&bytes, 100); /* too small */
    assert_int_equal(decode(buffer_slice(&text), &bytes), ERR_TOO_LARGE);
    buffer_done(&text);
    buffer_done(&bytes);
}

static void test_base64(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        /* RFC 4648 10 */
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    static const char *const bad[] = { "Z",     "Zg",       "Zg=",    "Zm9vY", "====",    "Z===", "=Zg=",
                                       "Zg=a",  "Zg==Zg==", "Zh==",   "Zm9=",  "Zm9-",    "Zm9_", "Zm9 ",
                                       " Zm9v", "Zm9v\r\n", "Zm9v\n", "Zm\n9", "Zm9\x80", "Zm9*", "Zm8=Zm8=" };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_encode(base64_encode, slice_of(rows[i][0]), slice_of(rows[i][1]));
        check_decode(base64_decode, slice_of(rows[i][1]), slice_of(rows[i][0]));
    }
    check_encode(base64_encode, SLICE("\xfb\xff\xfe"), SLICE("+//+"));
    check_decode(base64_decode, SLICE("AAAA"), SLICE("\0\0\0"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_refused(base64_decode, slice_of(bad[i]));
    check_refused(base64_decode, SLICE("Zm\09"));
    check_every_octet(base64_encode, base64_decode);
}

static void test_hex(void **state)
{
    (void)state;
    check_encode(hex_encode, SLICE("\x00\x9a\xff"), SLICE("009aff"));
    check_decode(hex_decode, SLICE("009aFF"), SLICE("\x00\x9a\xff"));
    static const char *const bad[] = { "0", "0g", "g0", "00 ", "0x", "\xff\xff", "-1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_refused(hex_decode, slice_of(bad[i]));
    check_every_octet(hex_encode, hex_decode);
}

static void test_xtext(void **state)
{
    (void)state;
    check_encode(xtext_encode, SLICE("QQ314159"), SLICE("QQ314159"));
    check_encode(xtext_encode, SLICE("a+b=c d\r\n\0\x7f\xc3"), SLICE("a+2Bb+3Dc+20d+0D+0A+00+7F+C3"));
    check_decode(xtext_decode, SLICE("+2B+3D!~"), SLICE("+=!~"));
    static const char *const bad[] = { "+",   "+2",   "a+",     "a+2",  "+2b",      "+gg", "+ 2", "a=b",
                                       "a b", "a\tb", "a\r\nb", "\x7f", "\xc3\xa9", "+-1", "++2B" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_refused(xtext_decode, slice_of(bad[i]));
    check_refused(xtext_decode, SLICE("a\0b"));
    check_every_octet(xtext_encode, xtext_decode);
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *mail, *rfc3339;
    } rows[] = {
        { INT64_C(-62167219200), "Sat, 1 Jan 0000 00:00:00 +0000", "0000-01-01T00:00:00.000Z" },
        { INT64_C(-62135596800), "Mon, 1 Jan 0001 00:00:00 +0000", "0001-01-01T00:00:00.000Z" },
        { INT64_C(-11670998400), "Tue, 29 Feb 1600 00:00:00 +0000", "1600-02-29T00:00:00.000Z" },
        { INT64_C(-2203891201), "Wed, 28 Feb 1900 23:59:59 +0000", "1900-02-28T23:59:59.000Z" },
        { INT64_C(-2203891200), "Thu, 1 Mar 1900 00:00:00 +0000", "1900-03-01T00:00:00.000Z" },
        { INT64_C(-1), "Wed, 31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59.000Z" },
        { INT64_C(0), "Thu, 1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00.000Z" },
        { INT64_C(946684799), "Fri, 31 Dec 1999 23:59:59 +0000", "1999-12-31T23:59:59.000Z" },
        { INT64_C(951782400), "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00.000Z" },
        { INT64_C(951868800), "Wed, 1 Mar 2000 00:00:00 +0000", "2000-03-01T00:00:00.000Z" },
        { INT64_C(1709208000), "Thu, 29 Feb 2024 12:00:00 +0000", "2024-02-29T12:00:00.000Z" },
        { INT64_C(1795529580), "Tue, 24 Nov 2026 14:13:00 +0000", "2026-11-24T14:13:00.000Z" },
        { INT64_C(2147483648), "Tue, 19 Jan 2038 03:14:08 +0000", "2038-01-19T03:14:08.000Z" },
        { INT64_C(4107542399), "Sun, 28 Feb 2100 23:59:59 +0000", "2100-02-28T23:59:59.000Z" },
        { INT64_C(4107542400), "Mon, 1 Mar 2100 00:00:00 +0000", "2100-03-01T00:00:00.000Z" },
        { INT64_C(13574563200), "Tue, 29 Feb 2400 00:00:00 +0000", "2400-02-29T00:00:00.000Z" },
        { INT64_C(253402300799), "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59.000Z" },
    };
    char text[DATE_SIZE_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t wall_us = rows[i].seconds * US_PER_SECOND, back_us;
        date_mail(wall_us, text);
        assert_string_equal(text, rows[i].mail);
        date_rfc3339(wall_us, text);
        assert_string_equal(text, rows[i].rfc3339);
        assert_int_equal(date_rfc3339_parse(slice_of(text), &back_us), ERR_OK);
        assert_true(back_us == wall_us);
    }
    date_rfc3339(-1, text); /* rounds down, never to a date in the future */
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

static void test_date_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        { "1970-01-01T00:00:01Z", 1000000 },
        { "1970-01-01t00:00:01z", 1000000 },
        { "1970-01-01T00:00:00.5Z", 500000 },
        { "1970-01-01T00:00:00.123456789012345678901234567890Z", 123456 },
        { "1970-01-01T01:30:00+01:30", 0 },
        { "1969-12-31T23:00:00-01:00", 0 },
        { "1970-01-01T00:00:00-00:00", 0 },
        { "1969-12-31T23:59:60Z", 0 }, /* a leap second */
        { "2000-02-29T00:00:00Z", INT64_C(951782400000000) },
    };
    static const char *const bad[] = {
        "",
        "1970",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-1-1T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.5",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+01:60",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00+1",
        "1970-01-01T00:00:00Zx",
        "+970-01-01T00:00:00Z",
        "1970-01-01T00:00:0 Z",
        "1970/01/01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t us = 77;
        if (date_rfc3339_parse(slice_of(rows[i].text), &us) != ERR_OK || us != rows[i].us)
            fail_msg("%s gives %lld", rows[i].text, (long long)us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t us = 77;
        if (date_rfc3339_parse(slice_of(bad[i]), &us) != ERR_SYNTAX || us != 77)
            fail_msg("\"%s\" is taken", bad[i]);
    }
}

/* Every day of 800 years is the day after the one before, and comes back. */
static void test_every_day(void **state)
{
    (void)state;
    static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t day_us = INT64_C(-11676096000) * US_PER_SECOND; /* 1600-01-01 */
    char text[DATE_SIZE_MAX], expected[DATE_SIZE_MAX + 40];
    for (int year = 1600; year < 2400; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            int days = lengths[month - 1] + (month == 2 && leap ? 1 : 0);
            for (int day = 1; day <= days; day++, day_us += US_PER_DAY) {
                int64_t back_us;
                date_rfc3339(day_us, text);
                snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00.000Z", year, month, day);
                assert_string_equal(text, expected);
                assert_int_equal(date_rfc3339_parse(slice_of(text), &back_us), ERR_OK);
                assert_true(back_us == day_us);
            }
        }
    }
}

static uint32_t crc32c_plainly(struct slice bytes)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= (uint8_t)bytes.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    return ~crc;
}

static void test_crc32c(void **state)
{
    (void)state;
    char octets[1000];
    assert_int_equal(crc32c(0, SLICE_EMPTY), 0);
    assert_int_equal(crc32c(0, SLICE("123456789")), 0xe3069283);
    memset(octets, 0, 32); /* RFC 3720 B.4, this one and the next three */
    assert_int_equal(crc32c(0, slice(octets, 32)), 0x8a9136aa);
    memset(octets, 0xff, 32);
    assert_int_equal(crc32c(0, slice(octets, 32)), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        octets[i] = (char)i;
    assert_int_equal(crc32c(0, slice(octets, 32)), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        octets[i] = (char)(31 - i);
    assert_int_equal(crc32c(0, slice(octets, 32)), 0x113fdb5c);
    struct random_fast random;
    random_fast_init(&random, 5);
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (char)random_fast_u64(&random);
    for (int round = 0; round < 2000; round++) { /* any size, any alignment, in any parts */
        size_t from = random_fast_below(&random, 16), size = random_fast_below(&random, 900);
        struct slice all = slice(octets + from, size);
        size_t cut = random_fast_below(&random, size + 1);
        uint32_t crc = crc32c(0, all);
        assert_int_equal(crc, crc32c_plainly(all));
        assert_int_equal(crc, crc32c(crc32c(0, slice_part(all, 0, cut)), slice_after(all, cut)));
    }
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        uint32_t number;
    } rows[] = {
        { "a", 1, 'a' },
        { "\x7f", 1, 0x7f },
        { "\xc2\x80", 2, 0x80 },
        { "\xdf\xbf", 2, 0x7ff },
        { "\xe0\xa0\x80", 3, 0x800 },
        { "\xed\x9f\xbf", 3, 0xd7ff },
        { "\xee\x80\x80", 3, 0xe000 },
        { "\xef\xbf\xbf", 3, 0xffff },
        { "\xf0\x90\x80\x80", 4, 0x10000 },
        { "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
        { "\xc3\xa9x", 2, 0xe9 },
        { "", 0, 0 },
        { "\x80", 0, 0 }, /* a second octet first */
        { "\xbf\xbf", 0, 0 },
        { "\xc0\x80", 0, 0 }, /* overlong forms */
        { "\xc1\xbf", 0, 0 },
        { "\xe0\x9f\xbf", 0, 0 },
        { "\xf0\x8f\xbf\xbf", 0, 0 },
        { "\xed\xa0\x80", 0, 0 }, /* surrogates */
        { "\xed\xbf\xbf", 0, 0 },
        { "\xf4\x90\x80\x80", 0, 0 }, /* above U+10FFFF */
        { "\xf5\x80\x80\x80", 0, 0 },
        { "\xf8\x88\x80\x80\x80", 0, 0 },
        { "\xff", 0, 0 },
        { "\xc3", 0, 0 }, /* cut off */
        { "\xe2\x82", 0, 0 },
        { "\xf0\x9f\x93", 0, 0 },
        { "\xc3(", 0, 0 },
        { "\xe2\x82(", 0, 0 },
        { "\xe2(\xac", 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t number = 0;
        if (utf8_next(slice_of(rows[i].text), &number) != rows[i].size || number != rows[i].number)
            fail_msg("row %zu", i);
    }
}

static void test_escape(void **state)
{
    (void)state;
    static const struct {
        const char *text, *escaped;
    } rows[] = {
        { "", "" },
        { "plain text, 42%", "plain text, 42%" },
        { "a\r\nb", "a\\x0d\\x0ab" },
        { "tab\there", "tab\\x09here" },
        { "\x1b[31mred", "\\x1b[31mred" },
        { "\x7f", "\\x7f" },
        { "back\\slash \\x0a", "back\\\\slash \\\\x0a" }, /* nobody can write an escape of ours */
        { "caf\xc3\xa9 \xe4\xbe\x8b \xf0\x9f\x93\xae", "caf\xc3\xa9 \xe4\xbe\x8b \xf0\x9f\x93\xae" },
        { "\xc2\x85", "\\u{85}" },
        { "\xc2\x9b"
          "31m",
          "\\u{9b}31m" },
        { "\xc2\xa0", "\xc2\xa0" },
        { "\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}" },
        { "exe.\xe2\x80\xae"
          "fdp",
          "exe.\\u{202e}fdp" },
        { "\xe2\x81\xa6"
          "x\xe2\x81\xa9",
          "\\u{2066}x\\u{2069}" },
        { "\xe2\x80\x8b\xe2\x80\x8f\xef\xbb\xbf", "\\u{200b}\\u{200f}\\u{feff}" },
        { "\xd8\x9c", "\\u{61c}" },
        { "\xf3\xa0\x81\x81", "\\u{e0041}" },
        { "\xc3", "\\xc3" },
        { "a\xff\xfe"
          "b",
          "a\\xff\\xfeb" },
        { "\xc0\xaf", "\\xc0\\xaf" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
        { "\xe2\x82(", "\\xe2\\x82(" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_encode(text_escape, slice_of(rows[i].text), slice_of(rows[i].escaped));
    check_encode(text_escape, SLICE("a\0b"), SLICE("a\\x00b"));
}

static void test_escape_of_anything(void **state)
{
    (void)state;
    struct random_fast random;
    struct buffer out;
    random_fast_init(&random, 21);
    buffer_init(&out, 4096);
    for (int round = 0; round < 20000; round++) {
        char octets[64];
        size_t size = random_fast_below(&random, sizeof octets);
        for (size_t i = 0; i < size; i++)
            octets[i] = (char)(random_fast_below(&random, 2) ? 0x80 | random_fast_below(&random, 128)
                                                             : random_fast_u64(&random));
        buffer_clear(&out);
        text_escape(slice(octets, size), &out);
        assert_false(out.overflow);
        for (struct slice rest = buffer_slice(&out); rest.size > 0;) {
            uint32_t number;
            size_t taken = utf8_next(rest, &number);
            assert_true(taken > 0 && number >= ' ' && number != 0x7f && !(number >= 0x80 && number < 0xa0));
            rest = slice_after(rest, taken);
        }
    }
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),     cmocka_unit_test(test_hex),
        cmocka_unit_test(test_xtext),      cmocka_unit_test(test_dates),
        cmocka_unit_test(test_date_forms), cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_crc32c),     cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_escape),     cmocka_unit_test(test_escape_of_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
