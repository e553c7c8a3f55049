/* RDATA as tables (S15, S28), and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/dns_record.h"

#define B(literal)                                                                                                     \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_names(void **state)
{
    static const struct {
        struct slice rdata;
        const char *name; /* NULL: refused */
    } rows[] = {
        { B("\0"), "" },
        { B("\1a\0"), "a" },
        { B("\2MX\7example\3ORG\0"), "mx.example.org" },
        { B("\4_tcp\3a-b\0019\0"), "_tcp.a-b.9" },
        { B("\x3f" L63 "\0"), L63 },
        { B("\x3f" L63 "\x3f" L63 "\x3f" L63 "\x3d" L61 "\0"), L63 "." L63 "." L63 "." L61 },
        { B("\x3f" L63 "\x3f" L63 "\x3f" L63 "\x3e" L61 "a\0"), NULL }, /* 254 octets */
        { B(""), NULL },
        { B("\1"), NULL },
        { B("\1a"), NULL },
        { B("\2a\0"), NULL },
        { B("\1a\0\0"), NULL },        /* something behind it */
        { B("\x40" L63 "a\0"), NULL }, /* a label of 64 */
        { B("\xc0\x00"), NULL },       /* a compression pointer, to itself */
        { B("\1a\xc0\x00"), NULL },
        { B("\3/..\0"), NULL },
        { B("\3a.b\0"), NULL }, /* a dot within a label */
        { B("\2a \0"), NULL },
        { B("\2a\0\0"), NULL }, /* a NUL within a label */
        { B("\2\xc3\xa9\0"), NULL },
        { B("\1*\0"), NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dns_name name = { .size = 1, .text = "?" };
        enum err err = dns_record_name(rows[i].rdata, &name);
        if (err != (rows[i].name ? ERR_OK : ERR_SYNTAX))
            fail_msg("row %zu gives %s", i, err_name(err));
        assert_true(
            slice_equal(dns_name_slice(&name), slice_of(rows[i].name ? rows[i].name : "?"))); /* untouched on failure */
        if (rows[i].name == NULL)
            continue;
        struct buffer wire;
        struct dns_name again;
        buffer_init(&wire, 300);
        assert_int_equal(dns_record_put_name(dns_name_slice(&name), &wire), ERR_OK);
        assert_int_equal(dns_record_name(buffer_slice(&wire), &again), ERR_OK);
        assert_true(slice_equal(dns_name_slice(&name), dns_name_slice(&again)));
        buffer_done(&wire);
    }
}

static void test_mx(void **state)
{
    static const struct {
        struct slice rdata;
        int preference; /* -1: refused */
        const char *host;
    } rows[] = {
        { B("\0\012\2mx\4test\0"), 10, "mx.test" },
        { B("\377\377\1a\0"), 65535, "a" },
        { B("\0\0\0"), 0, "" }, /* a null MX, RFC 7505 */
        { B(""), -1, NULL },    /* 0 to 2 octets: the two-byte over-read */
        { B("\0"), -1, NULL },
        { B("\0\012"), -1, NULL },
        { B("\0\012\1"), -1, NULL },
        { B("\0\012\3/..\0"), -1, NULL },
        { B("\0\012\0x"), -1, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dns_mx mx = { .preference = 77 };
        enum err err = dns_record_mx(rows[i].rdata, &mx);
        assert_int_equal(err, rows[i].preference < 0 ? ERR_SYNTAX : ERR_OK);
        assert_int_equal(mx.preference, rows[i].preference < 0 ? 77 : rows[i].preference);
        if (err == ERR_OK)
            assert_true(slice_equal(dns_name_slice(&mx.host), slice_of(rows[i].host)));
    }
    struct buffer wire;
    struct dns_mx mx;
    buffer_init(&wire, 300);
    assert_int_equal(dns_record_put_mx(0x1234, SLICE("MX.test"), &wire), ERR_OK);
    assert_int_equal(dns_record_mx(buffer_slice(&wire), &mx), ERR_OK);
    assert_int_equal(mx.preference, 0x1234);
    assert_true(slice_equal(dns_name_slice(&mx.host), SLICE("mx.test")));
    size_t size = wire.size;
    assert_int_equal(dns_record_put_mx(1, SLICE("bad..name"), &wire), ERR_SYNTAX);
    assert_int_equal(wire.size, size);
    buffer_done(&wire);
}

static void test_addresses(void **state)
{
    uint8_t octets[16] = { 0 };
    assert_int_equal(dns_record_a(SLICE("\xc0\x00\x02\x01"), octets), ERR_OK);
    assert_memory_equal(octets, "\xc0\x00\x02\x01", 4);
    assert_int_equal(dns_record_a(SLICE("\xc0\x00\x02"), octets), ERR_SYNTAX);
    assert_int_equal(dns_record_a(SLICE("\xc0\x00\x02\x01\x00"), octets), ERR_SYNTAX);
    assert_int_equal(dns_record_a(SLICE_EMPTY, octets), ERR_SYNTAX);
    assert_int_equal(dns_record_aaaa(SLICE("0123456789abcdef"), octets), ERR_OK);
    assert_memory_equal(octets, "0123456789abcdef", 16);
    assert_int_equal(dns_record_aaaa(SLICE("0123456789abcde"), octets), ERR_SYNTAX);
    assert_int_equal(dns_record_aaaa(SLICE("0123456789abcdefg"), octets), ERR_SYNTAX);
}

static void test_txt(void **state)
{
    static const struct {
        struct slice rdata;
        const char *text; /* NULL: refused */
    } rows[] = {
        { B("\5v=abc"), "v=abc" }, { B("\3abc\0\2de"), "abcde" }, { B("\0"), "" },        { B(""), NULL },
        { B("\1"), NULL },         { B("\3ab"), NULL },           { B("\1a\3bc"), NULL },
    };
    struct buffer out;
    buffer_init(&out, DNS_TXT_SIZE_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buffer_clear(&out);
        assert_int_equal(dns_record_txt(rows[i].rdata, &out), rows[i].text ? ERR_OK : ERR_SYNTAX);
        assert_true(slice_equal(buffer_slice(&out), slice_of(rows[i].text)));
    }
    buffer_done(&out);
}

static void test_txt_sizes(void **state)
{
    static char text[DNS_TXT_SIZE_MAX + 1];
    static const size_t sizes[] = { 0, 1, 254, 255, 256, 510, 511, 5000, DNS_TXT_SIZE_MAX };
    struct buffer wire, out;
    memset(text, 'x', sizeof text);
    buffer_init(&wire, 2 * sizeof text);
    buffer_init(&out, 2 * sizeof text);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        buffer_clear(&wire);
        buffer_clear(&out);
        assert_int_equal(dns_record_put_txt(slice(text, sizes[i]), &wire), ERR_OK);
        assert_int_equal(dns_record_txt(buffer_slice(&wire), &out), ERR_OK);
        assert_true(slice_equal(buffer_slice(&out), slice(text, sizes[i])));
    }
    assert_int_equal(dns_record_put_txt(slice(text, sizeof text), &wire), ERR_TOO_LARGE);
    buffer_add(&wire, SLICE("\1x")); /* one octet more than the largest */
    buffer_clear(&out);
    assert_int_equal(dns_record_txt(buffer_slice(&wire), &out), ERR_TOO_LARGE);
    assert_int_equal(out.size, 0);
    buffer_done(&wire);
    buffer_done(&out);
}

static void test_tlsa(void **state)
{
    struct dns_tlsa tlsa;
    assert_int_equal(dns_record_tlsa(SLICE("\3\1\2abc"), &tlsa), ERR_OK);
    assert_true(tlsa.usage == 3 && tlsa.selector == 1 && tlsa.matching == 2 && slice_equal(tlsa.data, SLICE("abc")));
    assert_int_equal(dns_record_tlsa(SLICE("\377\376\375x"), &tlsa), ERR_OK); /* unknown values are kept as they are */
    assert_int_equal(tlsa.usage, 255);
    assert_int_equal(dns_record_tlsa(SLICE(""), &tlsa), ERR_SYNTAX);
    assert_int_equal(dns_record_tlsa(SLICE("\3\1"), &tlsa), ERR_SYNTAX);
    assert_int_equal(dns_record_tlsa(SLICE("\3\1\1"), &tlsa), ERR_SYNTAX);
}

static void test_put_refusals(void **state)
{
    static const char *const bad[] = { ".",   "a.",  ".a",          "a..b",  "a b",
                                       "a/b", "*.x", "caf\xc3\xa9", L63 "a", L63 "." L63 "." L63 "." L63 };
    struct buffer wire;
    buffer_init(&wire, 300);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(dns_record_put_name(slice_of(bad[i]), &wire), ERR_SYNTAX);
        assert_int_equal(wire.size, 0);
    }
    buffer_done(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),        cmocka_unit_test(test_mx),        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_txt),          cmocka_unit_test(test_txt_sizes), cmocka_unit_test(test_tlsa),
        cmocka_unit_test(test_put_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
