/* Addresses: vectors of our own for every rule of RFC 5321 4.1.2 and 4.1.3, the classic confusions (S19, S24), and the
 * property that emission parses to the same value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/address.h"
#include "proto/ip.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A63 A16 A16 A16 "aaaaaaaaaaaaaaa"
#define A62 A16 A16 A16 "aaaaaaaaaaaaaa"
#define A190 A63 A63 "ab" A62
#define A255 A63 "b" A63 "c" A63 "d" A63

struct vector {
    const char *text;
    const char *canonical; /* NULL: refused */
    enum err err;
};

static const struct vector mailboxes[] = {
    { "user@example.org", "user@example.org", 0 },
    { "User.Name@Example.ORG", "User.Name@example.org", 0 },
    { "a@b", "a@b", 0 },
    { "!#$%&'*+-/=?^_`{|}~@x.org", "!#$%&'*+-/=?^_`{|}~@x.org", 0 },
    { "1.2.3@4.5", "1.2.3@4.5", 0 },
    { "user+tag@x.org", "user+tag@x.org", 0 },
    { "user%elsewhere.org@x.org", "user%elsewhere.org@x.org", 0 },
    { "elsewhere!user@x.org", "elsewhere!user@x.org", 0 },
    { "\"user\"@x.org", "user@x.org", 0 },
    { "\"user.name\"@x.org", "user.name@x.org", 0 },
    { "\"\\u\\s\\e\\r\"@x.org", "user@x.org", 0 },
    { "\"a b\"@x.org", "\"a b\"@x.org", 0 },
    { "\"a@evil.org\"@good.org", "\"a@evil.org\"@good.org", 0 },
    { "\"a\\@evil.org\"@good.org", "\"a@evil.org\"@good.org", 0 },
    { "\"a>b\"@x.org", "\"a>b\"@x.org", 0 },
    { "\"a\\\"b\"@x.org", "\"a\\\"b\"@x.org", 0 },
    { "\"a\\\\b\"@x.org", "\"a\\\\b\"@x.org", 0 },
    { "\".a\"@x.org", "\".a\"@x.org", 0 },
    { "\"a.\"@x.org", "\"a.\"@x.org", 0 },
    { "\"a..b\"@x.org", "\"a..b\"@x.org", 0 },
    { "\"\"@x.org", "\"\"@x.org", 0 },
    { "\" \"@x.org", "\" \"@x.org", 0 },
    { "a@x-y.org", "a@x-y.org", 0 },
    { "a@x--y.org", "a@x--y.org", 0 },
    { "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", 0 },
    { "a@" A63 ".org", "a@" A63 ".org", 0 },
    { A255 "@x.org", A255 "@x.org", 0 },
    { "a@[192.0.2.1]", "a@[192.0.2.1]", 0 },
    { "a@[0.0.0.0]", "a@[0.0.0.0]", 0 },
    { "a@[255.255.255.255]", "a@[255.255.255.255]", 0 },
    { "a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]", 0 },
    { "a@[ipv6:2001:0DB8:0:0:0:0:0:1]", "a@[IPv6:2001:db8::1]", 0 },
    { "a@[IPv6:::]", "a@[IPv6:::]", 0 },
    { "a@[IPv6:::1]", "a@[IPv6:::1]", 0 },
    { "a@[IPv6:1::]", "a@[IPv6:1::]", 0 },
    { "a@[IPv6:::ffff:192.0.2.1]", "a@[IPv6:::ffff:c000:201]", 0 },
    { "a@[IPv6:1:2:3:4:5:6:192.0.2.1]", "a@[IPv6:1:2:3:4:5:6:c000:201]", 0 },
    { "a@[IPv6:1:0:0:2:0:0:0:3]", "a@[IPv6:1:0:0:2::3]", 0 },
    { "a@[IPv6:1:0:2:0:3:0:4:0]", "a@[IPv6:1:0:2:0:3:0:4:0]", 0 },
    { "", NULL, ERR_SYNTAX },
    { "user", NULL, ERR_SYNTAX },
    { "user@", NULL, ERR_SYNTAX },
    { "@x.org", NULL, ERR_SYNTAX },
    { "a@b@c", NULL, ERR_SYNTAX },
    { "a@b@c.org", NULL, ERR_SYNTAX },
    { "a b@x.org", NULL, ERR_SYNTAX },
    { " a@x.org", NULL, ERR_SYNTAX },
    { "a@x.org ", NULL, ERR_SYNTAX },
    { "a @x.org", NULL, ERR_SYNTAX },
    { "a@ x.org", NULL, ERR_SYNTAX },
    { "a\t@x.org", NULL, ERR_SYNTAX },
    { ".a@x.org", NULL, ERR_SYNTAX },
    { "a.@x.org", NULL, ERR_SYNTAX },
    { "a..b@x.org", NULL, ERR_SYNTAX },
    { "a,b@x.org", NULL, ERR_SYNTAX },
    { "a;b@x.org", NULL, ERR_SYNTAX },
    { "a:b@x.org", NULL, ERR_SYNTAX },
    { "a(c)@x.org", NULL, ERR_SYNTAX },
    { "(c)a@x.org", NULL, ERR_SYNTAX },
    { "a@x.org(c)", NULL, ERR_SYNTAX },
    { "a@(c)x.org", NULL, ERR_SYNTAX },
    { "a\\@b@x.org", NULL, ERR_SYNTAX },
    { "<a@x.org>", NULL, ERR_SYNTAX },
    { "a<b@x.org", NULL, ERR_SYNTAX },
    { "a@x.org>", NULL, ERR_SYNTAX },
    { "\"a@x.org", NULL, ERR_SYNTAX },
    { "\"a\"b@x.org", NULL, ERR_SYNTAX },
    { "a\"b\"@x.org", NULL, ERR_SYNTAX },
    { "\"a\".b@x.org", NULL, ERR_SYNTAX },
    { "a.\"b\"@x.org", NULL, ERR_SYNTAX },
    { "\"a\\\"@x.org", NULL, ERR_SYNTAX },
    { "\"a\rb\"@x.org", NULL, ERR_SYNTAX },
    { "\"a\nb\"@x.org", NULL, ERR_SYNTAX },
    { "\"a\\\nb\"@x.org", NULL, ERR_SYNTAX },
    { "\"a\x7f\"@x.org", NULL, ERR_SYNTAX },
    { "\"a\tb\"@x.org", NULL, ERR_SYNTAX },
    { "a\r\n@x.org", NULL, ERR_SYNTAX },
    { "a@x.org\r\n", NULL, ERR_SYNTAX },
    { "a@.org", NULL, ERR_SYNTAX },
    { "a@x..org", NULL, ERR_SYNTAX },
    { "a@x.org.", NULL, ERR_SYNTAX },
    { "a@-x.org", NULL, ERR_SYNTAX },
    { "a@x-.org", NULL, ERR_SYNTAX },
    { "a@x.-org", NULL, ERR_SYNTAX },
    { "a@x.org-", NULL, ERR_SYNTAX },
    { "a@x_y.org", NULL, ERR_SYNTAX },
    { "a@x!y.org", NULL, ERR_SYNTAX },
    { "a@x%y.org", NULL, ERR_SYNTAX },
    { "a@x,y.org", NULL, ERR_SYNTAX },
    { "a@x.org:25", NULL, ERR_SYNTAX },
    { "a@\"x.org\"", NULL, ERR_SYNTAX },
    { "a@192.0.2.1]", NULL, ERR_SYNTAX },
    { "a@[192.0.2.1", NULL, ERR_SYNTAX },
    { "a@[192.0.2]", NULL, ERR_SYNTAX },
    { "a@[192.0.2.1.1]", NULL, ERR_SYNTAX },
    { "a@[192.0.2.256]", NULL, ERR_SYNTAX },
    { "a@[192.0.2.01]", NULL, ERR_SYNTAX },
    { "a@[192.0.2.0x1]", NULL, ERR_SYNTAX },
    { "a@[192.0.2.]", NULL, ERR_SYNTAX },
    { "a@[ 192.0.2.1]", NULL, ERR_SYNTAX },
    { "a@[192.0.2.1].org", NULL, ERR_SYNTAX },
    { "a@[2001:db8::1]", NULL, ERR_SYNTAX },
    { "a@[IPv6:192.0.2.1]", NULL, ERR_SYNTAX },
    { "a@[IPv6:]", NULL, ERR_SYNTAX },
    { "a@[IPv6:1::2::3]", NULL, ERR_SYNTAX },
    { "a@[IPv6::::]", NULL, ERR_SYNTAX },
    { "a@[IPv6:1:2:3:4:5:6:7]", NULL, ERR_SYNTAX },
    { "a@[IPv6:1:2:3:4:5:6:7:8:9]", NULL, ERR_SYNTAX },
    { "a@[IPv6:1:2:3:4:5:6:7:8::]", NULL, ERR_SYNTAX },
    { "a@[IPv6:12345::]", NULL, ERR_SYNTAX },
    { "a@[IPv6:g::]", NULL, ERR_SYNTAX },
    { "a@[IPv6:fe80::1%eth0]", NULL, ERR_SYNTAX },
    { "a@[IPv6:1:2:3:4:5:6:7:192.0.2.1]", NULL, ERR_SYNTAX },
    { "a@[IPv6:192.0.2.1::1]", NULL, ERR_SYNTAX },
    { "a@[x:general literal]", NULL, ERR_SYNTAX },
    { "a@[]", NULL, ERR_SYNTAX },
    { "a@" A63 "a.org", NULL, ERR_TOO_LARGE },
    { "a@" A63 "." A63 "." A63 "." A63, NULL, ERR_TOO_LARGE },
    { A255 "a@x.org", NULL, ERR_TOO_LARGE },
    { "\"" A255 " \"@x.org", NULL, ERR_TOO_LARGE },
    { "\"" A190 A63 "\"@x.org", A190 A63 "@x.org", 0 },
    { "\" " A190 A62 "\"@x.org", "\" " A190 A62 "\"@x.org", 0 }, /* 255 octets with its quotes */
    { "\" " A190 A63 "\"@x.org", NULL, ERR_TOO_LARGE },
    { "\"\\\"" A190 A62 "\"@x.org", NULL, ERR_TOO_LARGE },
    { "b\xc3\xbc" "cher@x.org", NULL, ERR_UNSUPPORTED },
    { "\"b\xc3\xbc" "cher\"@x.org", NULL, ERR_UNSUPPORTED },
    { "a@b\xc3\xbc" "cher.example", NULL, ERR_UNSUPPORTED },
};

/* With ADDRESS_UTF8. */
static const struct vector mailboxes_utf8[] = {
    { "b\xc3\xbc" "cher@x.org", "b\xc3\xbc" "cher@x.org", 0 },
    { "\"b\xc3\xbc" "cher\"@x.org", "b\xc3\xbc" "cher@x.org", 0 },
    { "\"b\xc3\xbc cher\"@x.org", "\"b\xc3\xbc cher\"@x.org", 0 },
    { "\xe7\x94\xa8\xe6\x88\xb7@x.org", "\xe7\x94\xa8\xe6\x88\xb7@x.org", 0 },
    { "\xf0\x9f\x93\xae@x.org", "\xf0\x9f\x93\xae@x.org", 0 },
    { "a@b\xc3\xbc" "cher.example", "a@xn--bcher-kva.example", 0 },
    { "a@B\xc3\x9c" "CHER.Example", "a@xn--bcher-kva.example", 0 },
    { "a@bu\xcc\x88" "cher.example", "a@xn--bcher-kva.example", 0 },                      /* decomposed */
    { "a@\xef\xbd\x98\xef\xbc\x8e" "org", "a@x.org", 0 },                                 /* full width */
    { "a@\xe4\xbe\x8b\xe5\xad\x90\xe3\x80\x82" "org", "a@xn--fsqu00a.org", 0 },           /* ideographic full stop */
    { "user@example.org", "user@example.org", 0 },
    { "a\xc3@x.org", NULL, ERR_SYNTAX },
    { "a\x80@x.org", NULL, ERR_SYNTAX },
    { "a\xc0\xaf@x.org", NULL, ERR_SYNTAX },         /* overlong */
    { "a\xed\xa0\x80@x.org", NULL, ERR_SYNTAX },     /* surrogate */
    { "a\xf4\x90\x80\x80@x.org", NULL, ERR_SYNTAX }, /* above U+10FFFF */
    { "a\xc2\x85@x.org", NULL, ERR_SYNTAX },         /* U+0085, next line */
    { "a\xe2\x80\xa8@x.org", NULL, ERR_SYNTAX },     /* U+2028, line separator */
    { "\"\\\xc3\xbc\"@x.org", NULL, ERR_SYNTAX },
    { "a@x\xc3.org", NULL, ERR_SYNTAX },
    { "a@\xe2\x80\xa8.org", NULL, ERR_SYNTAX },
    { "a@x\xef\xbc\xa0y.org", NULL, ERR_SYNTAX },    /* full-width commercial at */
    { "a@x\xef\xbc\x8fy.org", NULL, ERR_SYNTAX },    /* full-width slash */
    { "a@x\xef\xbc\xbfy.org", NULL, ERR_SYNTAX },    /* full-width low line */
    { "a@\xe2\x84\x80.org", NULL, ERR_SYNTAX },       /* U+2100, which maps to "a/c" */
    { "a@\xe2\x98\x83.org", NULL, ERR_SYNTAX },       /* a symbol: no letter of IDNA 2008 */
    { "a@xn--a.\xc3\xbc", NULL, ERR_SYNTAX },          /* no A-label */
};

static void check_same(const struct address *a, unsigned flags)
{
    struct address again;
    assert_int_equal(address_parse(address_mailbox(a), flags, &again), ERR_OK);
    assert_true(address_equal(a, &again));
    assert_int_equal(a->host, again.host);
    assert_int_equal(a->utf8, again.utf8);
    assert_int_equal(a->local_size, again.local_size);
    assert_memory_equal(a->ip, again.ip, sizeof a->ip);
    assert_int_equal(address_local(a).size + 1 + address_domain(a).size, address_mailbox(a).size);
}

static void check_vectors(const struct vector *rows, size_t count, unsigned flags)
{
    for (size_t i = 0; i < count; i++) {
        struct address a;
        enum err err = address_parse(slice_of(rows[i].text), flags, &a);
        if (err != rows[i].err)
            fail_msg("<%s> gives %s", rows[i].text, err_name(err));
        if (err != ERR_OK)
            continue;
        if (!slice_equal(address_mailbox(&a), slice_of(rows[i].canonical)))
            fail_msg("<%s> becomes <%.*s>", rows[i].text, SLICE_ARG(address_mailbox(&a)));
        check_same(&a, flags);
    }
}

static void test_mailboxes(void **state)
{
    check_vectors(mailboxes, sizeof mailboxes / sizeof mailboxes[0], 0);
    check_vectors(mailboxes_utf8, sizeof mailboxes_utf8 / sizeof mailboxes_utf8[0], ADDRESS_UTF8);
}

static void test_nul(void **state)
{
    struct address a;
    assert_int_equal(address_parse(SLICE("a\0b@x.org"), ADDRESS_UTF8, &a), ERR_SYNTAX);
    assert_int_equal(address_parse(SLICE("\"a\0b\"@x.org"), ADDRESS_UTF8, &a), ERR_SYNTAX);
    assert_int_equal(address_parse(SLICE("a@x\0y.org"), ADDRESS_UTF8, &a), ERR_SYNTAX);
    assert_int_equal(address_parse(SLICE("a@b\xc3\xbc\0.org"), ADDRESS_UTF8, &a), ERR_SYNTAX);
    assert_int_equal(address_parse(SLICE("a@x.org\0"), ADDRESS_UTF8, &a), ERR_SYNTAX);
}

static void test_paths(void **state)
{
    static const struct {
        const char *text;
        bool forward;
        enum err err;
        enum address_kind kind;
        const char *mailbox, *rest;
    } rows[] = {
        { "<>", false, 0, ADDRESS_NULL, "", "" },
        { "<> SIZE=1", false, 0, ADDRESS_NULL, "", " SIZE=1" },
        { "<a@x.org>", false, 0, ADDRESS_MAILBOX, "a@x.org", "" },
        { "<a@x.org> BODY=7BIT", false, 0, ADDRESS_MAILBOX, "a@x.org", " BODY=7BIT" },
        { "<a@x.org>BODY", false, 0, ADDRESS_MAILBOX, "a@x.org", "BODY" },
        { "<\"a>b\"@x.org> X", false, 0, ADDRESS_MAILBOX, "\"a>b\"@x.org", " X" },
        { "<a@[192.0.2.1]>", true, 0, ADDRESS_MAILBOX, "a@[192.0.2.1]", "" },
        { "<a@x.org>", true, 0, ADDRESS_MAILBOX, "a@x.org", "" },
        { "<Postmaster>", true, 0, ADDRESS_POSTMASTER, "postmaster", "" },
        { "<POSTMASTER> NOTIFY=NEVER", true, 0, ADDRESS_POSTMASTER, "postmaster", " NOTIFY=NEVER" },
        { "<postmaster@x.org>", true, 0, ADDRESS_MAILBOX, "postmaster@x.org", "" },
        { "<>", true, ERR_SYNTAX, 0, NULL, NULL },
        { "<Postmaster>", false, ERR_SYNTAX, 0, NULL, NULL },
        { "<\"postmaster\">", true, ERR_SYNTAX, 0, NULL, NULL },
        { "<user>", true, ERR_SYNTAX, 0, NULL, NULL },
        { "a@x.org", true, ERR_SYNTAX, 0, NULL, NULL },
        { "", true, ERR_SYNTAX, 0, NULL, NULL },
        { "<", true, ERR_SYNTAX, 0, NULL, NULL },
        { "<a@x.org", true, ERR_SYNTAX, 0, NULL, NULL },
        { " <a@x.org>", true, ERR_SYNTAX, 0, NULL, NULL },
        { "< a@x.org>", true, ERR_SYNTAX, 0, NULL, NULL },
        { "<a@x.org >", true, ERR_SYNTAX, 0, NULL, NULL },
        { "<<a@x.org>>", true, ERR_SYNTAX, 0, NULL, NULL },
        { "< >", false, ERR_SYNTAX, 0, NULL, NULL },
        { "<@x,@y:a@b>", true, ERR_REFUSED, 0, NULL, NULL },
        { "<@relay.org:a@b>", true, ERR_REFUSED, 0, NULL, NULL },
        { "<@relay.org:a@b>", false, ERR_REFUSED, 0, NULL, NULL },
        { "<@>", false, ERR_REFUSED, 0, NULL, NULL },
        { "<a@x.org,b@x.org>", true, ERR_SYNTAX, 0, NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address a;
        struct slice rest;
        struct slice text = slice_of(rows[i].text);
        enum err err = rows[i].forward ? address_parse_forward_path(text, 0, &a, &rest)
                                       : address_parse_reverse_path(text, 0, &a, &rest);
        if (err != rows[i].err)
            fail_msg("%s gives %s", rows[i].text, err_name(err));
        if (err != ERR_OK)
            continue;
        assert_int_equal(a.kind, rows[i].kind);
        assert_true(slice_equal(address_mailbox(&a), slice_of(rows[i].mailbox)));
        assert_true(slice_equal(rest, slice_of(rows[i].rest)));
    }
}

static void test_comparison(void **state)
{
    struct address a, b, c, p;
    struct slice rest;
    char text[ADDRESS_LOCAL_SIZE_MAX];
    assert_int_equal(address_parse(SLICE("\"User\"@X.org"), 0, &a), ERR_OK);
    assert_int_equal(address_parse(SLICE("User@x.ORG"), 0, &b), ERR_OK);
    assert_int_equal(address_parse(SLICE("user@x.org"), 0, &c), ERR_OK);
    assert_true(address_equal(&a, &b));
    assert_false(address_equal(&a, &c));
    assert_true(address_equal_nocase(&a, &c));
    assert_true(slice_equal(address_local_key(&a, text), SLICE("user")));
    assert_true(slice_equal(address_domain(&a), SLICE("x.org")));
    assert_int_equal(address_parse(SLICE("\"A \\\"/\\\\..\"@x.org"), 0, &a), ERR_OK);
    assert_true(slice_equal(address_local_key(&a, text), SLICE("a \"/\\..")));
    assert_int_equal(address_parse_forward_path(SLICE("<PostMaster>"), 0, &p, &rest), ERR_OK);
    assert_true(address_is_postmaster(&p));
    assert_int_equal(address_domain(&p).size, 0);
    assert_int_equal(address_parse(SLICE("POSTMASTER@x.org"), 0, &p), ERR_OK);
    assert_true(address_is_postmaster(&p));
    assert_false(address_is_postmaster(&c));
    address_set_null(&p);
    assert_int_equal(address_mailbox(&p).size, 0);
    assert_false(address_equal(&p, &c));
    address_copy(&p, &c);
    assert_true(address_equal(&p, &c));
}

static void test_domains(void **state)
{
    char text[ADDRESS_DOMAIN_SIZE_MAX];
    struct slice key;
    assert_int_equal(domain_key(SLICE("MX1.Example.ORG"), text, &key), ERR_OK);
    assert_true(slice_equal(key, SLICE("mx1.example.org")));
    assert_int_equal(domain_key(SLICE("stra\xc3\x9f" "e.example"), text, &key), ERR_OK);
    assert_true(slice_equal(key, SLICE("xn--strae-oqa.example")));
    assert_int_equal(domain_key(SLICE(""), text, &key), ERR_SYNTAX);
    assert_int_equal(domain_key(SLICE("a/b"), text, &key), ERR_SYNTAX);
    assert_int_equal(domain_key(SLICE("a.."), text, &key), ERR_SYNTAX);
    static const char *const good[] = { "x", "x.org", "my_pc", "x.org.", "[192.0.2.1]", "[IPv6:::1]", "[::1]" };
    static const char *const bad[] = { "", "a b", "<x>", "[", "[]", "[x]", "[192.0.2.1", "a\"b", "x;y", "b\xc3\xbc", "(x)" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(domain_valid_helo(slice_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(domain_valid_helo(slice_of(bad[i])));
}

/* Random strings over the characters that matter: whatever parses is emitted to the same value, and canonical text
 * never has a second '@' outside quotes. */
static void test_random(void **state)
{
    static const char alphabet[] = "ab.@\"\\<>[]: 1%!,-_\xc3\xbc";
    unsigned seed = 12345, parsed = 0;
    for (int round = 0; round < 200000; round++) {
        char text[24];
        size_t size = (size_t)rand_r(&seed) % 12;
        for (size_t i = 0; i < size; i++)
            text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof alphabet - 1)];
        if (round % 2 == 0) {
            text[0] = '"';
            text[size++] = '"';
        }
        if (round % 4 < 3) {
            memcpy(text + size, "@b.a", 4);
            size += 4;
        }
        struct address a;
        if (address_parse(slice(text, size), ADDRESS_UTF8, &a) != ERR_OK)
            continue;
        parsed++;
        check_same(&a, ADDRESS_UTF8);
        struct slice local = address_local(&a);
        assert_true(local.data[0] == '"' || slice_find(local, '@') == local.size);
    }
    assert_true(parsed > 5000);
}

static void test_ip(void **state)
{
    uint8_t octets[16];
    char text[IP_TEXT_SIZE];
    assert_int_equal(ip_parse(SLICE("127.0.0.1"), octets), 4);
    assert_memory_equal(octets, "\x7f\0\0\1", 4);
    assert_true(slice_equal(ip_format(4, octets, text), SLICE("127.0.0.1")));
    assert_int_equal(ip_parse(SLICE("FFFF:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), octets), 6);
    assert_true(slice_equal(ip_format(6, octets, text), SLICE("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
    assert_int_equal(ip_parse(SLICE("::"), octets), 6);
    assert_true(slice_equal(ip_format(6, octets, text), SLICE("::")));
    assert_int_equal(ip_parse(SLICE("1:2:3:4:5:6:7::"), octets), 6);
    assert_true(slice_equal(ip_format(6, octets, text), SLICE("1:2:3:4:5:6:7:0")));
    static const char *const bad[] = { "", ".", "1", "1.2.3", "1.2.3.4.", "1.2.3.4 ", "-1.2.3.4", "1.2.3.1000", ":", ":1",
                                       "1:", "1:::2", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "[::1]" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ip_parse(slice_of(bad[i]), octets) != 0)
            fail_msg("%s was taken", bad[i]);
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) { /* every value comes back */
        uint8_t value[16];
        for (int i = 0; i < 16; i++)
            value[i] = rand_r(&seed) % 3 == 0 ? (uint8_t)rand_r(&seed) : 0;
        assert_int_equal(ip_parse(ip_format(6, value, text), octets), 6);
        assert_memory_equal(octets, value, 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailboxes), cmocka_unit_test(test_nul),    cmocka_unit_test(test_paths),
        cmocka_unit_test(test_comparison), cmocka_unit_test(test_domains), cmocka_unit_test(test_random),
        cmocka_unit_test(test_ip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
