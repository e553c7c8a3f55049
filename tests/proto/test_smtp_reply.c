/* Replies: one table, each row read whole, octet by octet and at random cuts with the same replies and the same fault.
 * Then the limits (S17), and what EHLO offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/sasl_client.h"
#include "proto/smtp_reply.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { CUTS = 8, WORDS_MAX = 256 << 10 };

/* All that the reader says of the octets, in words: "250 2.1.5 [text] (2)" a reply, "wrong: fault", "more". */
static void read_all(struct slice octets, unsigned cut, struct buffer *words)
{
    struct smtp_reply_reader r;
    struct smtp_reply reply;
    unsigned seed = cut;
    enum smtp_reply_event event = SMTP_REPLY_MORE;
    smtp_reply_reader_init(&r);
    while (octets.size > 0 && event != SMTP_REPLY_WRONG) {
        size_t size = cut == 0 ? octets.size : cut == 1 ? 1 : 1 + (size_t)rand_r(&seed) % 40;
        struct slice piece = slice_part(octets, 0, size);
        octets = slice_after(octets, piece.size);
        do {
            event = smtp_reply_reader_next(&r, &piece, &reply);
            if (event == SMTP_REPLY_WHOLE) {
                char enhanced[16];
                enhanced_code_format(reply.enhanced, enhanced);
                assert_true(smtp_reply_reader_at_start(&r));
                buffer_add_format(words, "%u %s [", reply.code, enhanced);
                buffer_add(words, reply.text);
                buffer_add_format(words, "] (%u)\n", reply.line_count);
            }
        } while (event == SMTP_REPLY_WHOLE);
    }
    if (event == SMTP_REPLY_WRONG) {
        struct slice more = SLICE("250 ok\r\n");
        buffer_add_format(words, "wrong: %s\n", smtp_reply_reader_fault(&r));
        assert_int_equal(smtp_reply_reader_next(&r, &more, &reply), SMTP_REPLY_WRONG); /* it stays */
        assert_false(smtp_reply_reader_at_start(&r));
    } else if (!smtp_reply_reader_at_start(&r)) {
        buffer_add_text(words, "more\n");
    }
    smtp_reply_reader_done(&r);
}

static void check(struct slice octets, const char *wanted)
{
    struct buffer words;
    buffer_init(&words, WORDS_MAX);
    for (unsigned cut = 0; cut < CUTS; cut++) {
        buffer_clear(&words);
        read_all(octets, cut, &words);
        if (!slice_equal(buffer_slice(&words), slice_of(wanted)))
            fail_msg("cut %u of \"%.*s\": wanted \"%s\", got \"%.*s\"", cut, SLICE_ARG(octets), wanted,
                     SLICE_ARG(buffer_slice(&words)));
    }
    buffer_done(&words);
}

static void test_replies(void **state)
{
    static const struct {
        struct slice octets;
        const char *words;
    } rows[] = {
        { SLICE("250 ok\r\n"), "250  [ok] (1)\n" },
        { SLICE("250\r\n"), "250  [] (1)\n" },
        { SLICE("250 \r\n"), "250  [] (1)\n" },
        { SLICE("250 ok\n"), "250  [ok] (1)\n" },
        { SLICE("250 2.1.5 ok\r\n"), "250 2.1.5 [ok] (1)\n" },
        { SLICE("550 5.7.2\r\n"), "550 5.7.2 [] (1)\n" },
        { SLICE("250-one\r\n250-two\r\n250 three\r\n"), "250  [one\ntwo\nthree] (3)\n" },
        { SLICE("250-\r\n250-\r\n250\r\n"), "250  [\n\n] (3)\n" },
        { SLICE("550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n"), "550 5.1.1 [no\nsuch\nuser] (3)\n" },
        { SLICE("550-5.1.1 no\r\n550 user\r\n"), "550 5.1.1 [no\nuser] (2)\n" },
        { SLICE("550-no\r\n550 5.1.1 user\r\n"), "550  [no\n5.1.1 user] (2)\n" },
        { SLICE("550-5.1.1 no\r\n550 5.7.1 that\r\n"), "550 5.1.1 [no\n5.7.1 that] (2)\n" },
        { SLICE("550 4.7.1 of another class\r\n"), "550  [4.7.1 of another class] (1)\n" },
        { SLICE("250 one\r\n354 two\r\n421 three\r\n"), "250  [one] (1)\n354  [two] (1)\n421  [three] (1)\n" },
        { SLICE("550 a\033b\177c\td\re\r\n"), "550  [a?b?c d?e] (1)\n" },
        { SLICE("550 caf\303\251\r\n"), "550  [caf\303\251] (1)\n" },
        { SLICE("250 ok\r\r\n"), "250  [ok] (1)\n" },
        { SLICE("250-one\r\n250"), "more\n" },
        { SLICE("2"), "more\n" },
        { SLICE("250-one\r\n"), "more\n" },
        { SLICE("ok\r\n"), "wrong: no reply code\n" },
        { SLICE("\r\n"), "wrong: no reply code\n" },
        { SLICE("25\r\n"), "wrong: no reply code\n" },
        { SLICE("250ok\r\n"), "wrong: no reply code\n" },
        { SLICE("150 ok\r\n"), "wrong: no reply code\n" },
        { SLICE("650 ok\r\n"), "wrong: no reply code\n" },
        { SLICE("2x0 ok\r\n"), "wrong: no reply code\n" },
        { SLICE("250-one\r\n251 two\r\n"), "wrong: two codes in one reply\n" },
        { SLICE("250 o\0k\r\n"), "wrong: a NUL in it\n" },
        { SLICE("\0"), "wrong: a NUL in it\n" },
        { SLICE("250 ok\r\nHTTP/1.1 400\r\n"), "250  [ok] (1)\nwrong: no reply code\n" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check(rows[i].octets, rows[i].words);
}

/* "CODE-" and the text up to the line's size, CR counted and LF not. */
static void add_line(struct buffer *b, const char *front, size_t size)
{
    size_t from = b->size;
    buffer_add_text(b, front);
    while (b->size - from < size - 1)
        buffer_add_char(b, 'x');
    buffer_add_text(b, "\r\n");
}

static void starts(struct buffer *octets, const char *wanted)
{
    struct buffer words;
    buffer_init(&words, WORDS_MAX);
    for (unsigned cut = 0; cut < CUTS; cut++) {
        buffer_clear(&words);
        read_all(buffer_slice(octets), cut, &words);
        assert_true(slice_starts_with(buffer_slice(&words), slice_of(wanted)));
    }
    buffer_done(&words);
    buffer_clear(octets);
}

static void test_limits(void **state)
{
    struct buffer b;
    buffer_init(&b, 1 << 20);

    add_line(&b, "250 ", SMTP_REPLY_LINE_SIZE_MAX);
    starts(&b, "250  [xxx");
    add_line(&b, "250 ", SMTP_REPLY_LINE_SIZE_MAX + 1);
    starts(&b, "wrong: line too long");

    for (size_t i = 0; i < 100000; i++) /* an endless line */
        buffer_add_char(&b, '2');
    starts(&b, "wrong: line too long");

    for (size_t i = 1; i < SMTP_REPLY_LINES_MAX; i++)
        buffer_add_text(&b, "250-a\r\n");
    buffer_add_text(&b, "250 a\r\n");
    starts(&b, "250  [a\na");
    for (size_t i = 0; i < SMTP_REPLY_LINES_MAX; i++)
        buffer_add_text(&b, "250-a\r\n");
    buffer_add_text(&b, "250 a\r\n");
    starts(&b, "wrong: too many lines");

    for (size_t i = 0; i < 10; i++) /* an endless reply of long lines */
        add_line(&b, "250-", 4000);
    starts(&b, "wrong: reply too long");
    /* Filled to the last octet, and one more. */
    for (size_t i = 0; i < 4; i++)
        add_line(&b, "250-", 4000);
    size_t left = SMTP_REPLY_SIZE_MAX - 4 * (4000 - 4);
    add_line(&b, "250 ", left);
    starts(&b, "250  [xxx");
    for (size_t i = 0; i < 4; i++)
        add_line(&b, "250-", 4000);
    add_line(&b, "250 ", left + 1);
    starts(&b, "wrong: reply too long");
    buffer_done(&b);
}

/* A long text is cut where a character begins; lines stays whole. */
static void test_text_cut(void **state)
{
    for (size_t shift = 0; shift < 4; shift++) {
        struct smtp_reply_reader r;
        struct smtp_reply reply;
        struct buffer b;
        buffer_init(&b, 8 << 10);
        buffer_add_text(&b, "550 5.7.1 ");
        for (size_t i = 0; i < shift; i++)
            buffer_add_char(&b, 'x');
        for (size_t i = 0; i < 400; i++)
            buffer_add_text(&b, "\360\237\230\200");
        buffer_add_text(&b, "\r\n");
        struct slice input = buffer_slice(&b);
        smtp_reply_reader_init(&r);
        assert_int_equal(smtp_reply_reader_next(&r, &input, &reply), SMTP_REPLY_WHOLE);
        assert_true(reply.text.size <= OUTCOME_TEXT_SIZE_MAX && reply.text.size > OUTCOME_TEXT_SIZE_MAX - 4);
        assert_int_equal((reply.text.size - shift) % 4, 0);
        assert_int_equal(reply.lines.size, 6 + shift + 1600);
        smtp_reply_reader_done(&r);
        buffer_done(&b);
    }
}

static void test_memory(void **state)
{
    struct smtp_reply_reader r;
    struct smtp_reply reply;
    struct buffer b;
    buffer_init(&b, 8 << 10);
    add_line(&b, "250 ", 4000);
    struct slice input = buffer_slice(&b);
    smtp_reply_reader_init(&r);
    assert_int_equal(smtp_reply_reader_next(&r, &input, &reply), SMTP_REPLY_WHOLE);
    smtp_reply_reader_trim(&r);
    assert_true(r.lines.capacity + r.text.capacity <= SMTP_REPLY_KEPT_SIZE_MAX);
    input = SLICE("250 o");
    assert_int_equal(smtp_reply_reader_next(&r, &input, &reply), SMTP_REPLY_MORE);
    smtp_reply_reader_trim(&r); /* half a reply stays */
    input = SLICE("k\r\n");
    assert_int_equal(smtp_reply_reader_next(&r, &input, &reply), SMTP_REPLY_WHOLE);
    assert_true(slice_equal(reply.text, SLICE("ok")));
    smtp_reply_reader_done(&r);
    buffer_done(&b);
}

static void ehlo(const char *octets, struct smtp_extensions *ret_extensions, char host[static 64])
{
    struct smtp_reply_reader r;
    struct smtp_reply reply;
    struct slice input = slice_of(octets);
    smtp_reply_reader_init(&r);
    assert_int_equal(smtp_reply_reader_next(&r, &input, &reply), SMTP_REPLY_WHOLE);
    smtp_extensions_parse(&reply, ret_extensions);
    struct slice name = smtp_reply_host(&reply);
    assert_true(name.size < 64);
    if (name.size > 0)
        memcpy(host, name.data, name.size);
    host[name.size] = '\0';
    smtp_reply_reader_done(&r);
}

static void test_extensions(void **state)
{
    struct smtp_extensions e;
    char host[64];
    ehlo("250-mx.example says hello\r\n250-PIPELINING\r\n250-8bitmime\r\n250-SIZE 1000\r\n250-SMTPUTF8\r\n250-DSN\r\n"
         "250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250-REQUIRETLS\r\n250-X-UNKNOWN y\r\n"
         "250 AUTH PLAIN  cram-md5 XYZ\r\n",
         &e, host);
    assert_string_equal(host, "mx.example");
    assert_true(e.esmtp && e.pipelining && e.eightbitmime && e.size && e.smtputf8 && e.dsn && e.starttls);
    assert_true(e.enhanced_codes && e.chunking && e.requiretls && e.auth);
    assert_int_equal(e.size_max, 1000);
    assert_int_equal(e.auth_mechanisms, 1u << SASL_PLAIN | 1u << SASL_CRAM_MD5);

    ehlo("250 mx.example\r\n", &e, host);
    assert_true(e.esmtp && !e.pipelining && !e.size && !e.auth && !e.starttls);

    /* The first line is a greeting, whatever it looks like. */
    ehlo("250-PIPELINING\r\n250 SIZE\r\n", &e, host);
    assert_true(!e.pipelining && e.size && e.size_max == 0);
    assert_string_equal(host, "PIPELINING");

    ehlo("250-\r\n250-SIZE 12a\r\n250-AUTH=LOGIN\r\n250-STARTTLSX\r\n250 AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-1\r\n", &e,
         host);
    assert_string_equal(host, "");
    assert_true(e.size && e.size_max == 0 && !e.starttls);
    assert_int_equal(e.auth_mechanisms, 1u << SASL_LOGIN | 1u << SASL_SCRAM_SHA_256_PLUS | 1u << SASL_SCRAM_SHA_1);

    ehlo("250-x\r\n250-SIZE 99999999999999999999999\r\n250 AUTH\r\n", &e, host);
    assert_true(e.size && e.size_max == 0 && e.auth && e.auth_mechanisms == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),  cmocka_unit_test(test_limits), cmocka_unit_test(test_text_cut),
        cmocka_unit_test(test_memory),   cmocka_unit_test(test_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
