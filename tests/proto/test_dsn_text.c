/* Notices: what people are told, in both languages; what comes from outside made harmless (S12, S22); bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "notice.h"

/* ---- the text ---- */

/* A16: the most preferred host's verdict first, then what the others said. */
static void test_several_hosts(void **state)
{
    struct outcome others[DSN_OTHERS_MAX + 3];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        others[i] = reply(STAGE_BANNER, 554, (struct enhanced_code){ 5, 3, 2 }, "no service");
    others[0] = reply(STAGE_RCPT, 551, (struct enhanced_code){ 5, 1, 6 }, "moved");
    others[0].host = SLICE("mx2.example.com");
    others[1] = failure(STAGE_CONNECT, OUTCOME_CAUSE_REFUSED, OUTCOME_TEMP);
    others[1].host = SLICE("mx3.example.com");
    struct dsn_recipient r = { .address = SLICE("alice@example.com"),
                               .outcome = reply(STAGE_RCPT, 550, (struct enhanced_code){ 5, 1, 1 }, "unknown\nreally"),
                               .others = others,
                               .other_count = DSN_OTHERS_MAX + 3 };
    struct dsn dsn = notice(&r, 1);
    struct buffer out, text;
    struct slice all = build(&dsn, SLICE(ORIGINAL), &out);
    assert_true(has(part(all, 1), "Diagnostic-Code: smtp; 550 5.1.1 unknown really\r\n"));
    struct slice said = told(all, &text);
    assert_true(has(said, "The mail server mx.example.com (192.0.2.1) refused this recipient. It answered:"));
    assert_true(has(said, "550 5.1.1 unknown really"));
    assert_true(has(said, "- mx2.example.com (192.0.2.1) answered: 551 5.1.6 moved"));
    assert_true(has(said, "- The mail server mx3.example.com could not be reached: the connection was refused."));
    assert_true(has(said, "554 5.3.2 no service - (+ 3)"));
    assert_int_equal(occurrences(said, "no service"), DSN_OTHERS_MAX - 2);
    assert_true(has(said, "check the address for a typing mistake"));
    buffer_done(&text);
    buffer_done(&out);
}

/* A23a: the local cause is named, and it is not the recipient's fault. */
static void test_local_cause(void **state)
{
    struct dsn_recipient r = { .address = SLICE("alice@example.com"),
                               .expired = true,
                               .outcome = reply(STAGE_RCPT, 550, (struct enhanced_code){ 5, 7, 64 }, "relay denied"),
                               .cause = SLICE("The smart host does not accept this server's login.") };
    struct dsn dsn = notice(&r, 1);
    struct buffer out, text;
    struct slice all = build(&dsn, SLICE(ORIGINAL), &out);
    struct slice said = told(all, &text);
    assert_true(has(part(all, 1), "\r\nStatus: 4.4.7\r\n"));
    assert_true(has(said, "tried for as long as its settings allow"));
    assert_true(has(said, "550 5.7.64 relay denied"));
    assert_true(has(said, "The smart host does not accept this server's login."));
    assert_true(has(said, "This lies with this server") && !has(said, "have the message let in"));
    buffer_done(&text);
    buffer_done(&out);
}

static void test_same_story(void **state)
{
    struct dsn_recipient r[3];
    for (size_t i = 0; i < 3; i++)
        r[i] = (struct dsn_recipient){ .outcome = reply(STAGE_DOT, 552, (struct enhanced_code){ 5, 3, 4 }, "too big") };
    r[0].address = SLICE("a@example.com");
    r[1].address = SLICE("b@example.com");
    r[2].address = SLICE("c@example.org");
    struct dsn dsn = notice(r, 3);
    struct buffer out, text;
    struct slice said = told(build(&dsn, SLICE(ORIGINAL), &out), &text);
    assert_true(has(said, "a@example.com b@example.com"));
    assert_int_equal(occurrences(said, "552 5.3.4 too big"), 2);
    assert_true(has(said, "send the attachments in several messages"));
    buffer_done(&text);
    buffer_done(&out);
}

/* Every cause at every stage has a sentence in both languages, and nothing is said of success that failed. */
static void test_every_cause(void **state)
{
    for (int language = 0; language < LANGUAGE_COUNT; language++)
        for (int cause = 0; cause < OUTCOME_CAUSE_COUNT; cause++)
            for (int stage = 0; stage <= STAGE_POP; stage++)
                for (int class = OUTCOME_TEMP; class <= OUTCOME_PERM; class ++) {
                    struct dsn_recipient r = { .address = SLICE("a@b.c"), .outcome = failure(stage, cause, class) };
                    r.expired = class == OUTCOME_TEMP;
                    struct dsn dsn = notice(&r, 1);
                    struct buffer out, text;
                    dsn.language = language;
                    struct slice said = told(build(&dsn, SLICE_EMPTY, &out), &text);
                    assert_false(has(said, "{") || has(said, "  ."));
                    assert_true(has(said, language == LANGUAGE_EN ? "could not be delivered" : "n’a pas pu être"));
                    buffer_done(&text);
                    buffer_done(&out);
                }
}

static void test_to_whom(void **state)
{
    struct dsn_recipient r = { .address = SLICE("a@b.c"),
                               .action = DSN_ACTION_RELAYED,
                               .outcome = reply(STAGE_DOT, 250, (struct enhanced_code){ 2, 0, 0 }, "ok") };
    struct dsn dsn = notice(&r, 1);
    struct buffer out, text;
    dsn.kind = DSN_SUCCESS;
    struct slice said = told(build(&dsn, SLICE_EMPTY, &out), &text);
    assert_true(has(said, "accepted by the mail server mx.example.com (192.0.2.1), which sends no confirmations"));
    assert_true(has(said, "write to postmaster@example.net and give the number 01HX7"));
    buffer_done(&text);
    buffer_done(&out);
    /* The postmaster is told whose message it was, and who else is told; of a notice that failed, nobody else (A40). */
    r.action = DSN_ACTION_FAILED;
    dsn.kind = DSN_FAILED;
    dsn.for_postmaster = true;
    dsn.to = dsn.postmaster;
    struct slice all = build(&dsn, SLICE_EMPTY, &out);
    said = told(all, &text);
    assert_true(has(all, "\r\nAuto-Submitted: auto-generated\r\n"));
    assert_true(has(said, "The message could not be delivered") && has(said, "Sender: bob@example.net"));
    assert_true(has(said, "The sender gets one of their own"));
    buffer_done(&text);
    buffer_done(&out);
    dsn.sender = SLICE_EMPTY;
    said = told(build(&dsn, SLICE_EMPTY, &out), &text);
    assert_true(has(said, "has no sender") && !has(said, "Sender:"));
    buffer_done(&text);
    buffer_done(&out);
}

static void test_transcript(void **state)
{
    struct dsn_recipient r = { .address = SLICE("a@b.c") };
    struct dsn dsn = notice(&r, 1);
    struct buffer out, long_one, text;
    dsn.transcript = SLICE("S: 220 hi\r\nC: EHLO x\nS: 5\x1b[31m00 \xff\n");
    struct slice said = told(build(&dsn, SLICE_EMPTY, &out), &text);
    assert_true(has(said, "Transcript of the session:") && has(said, "S: 220 hi C: EHLO x S: 5?[31m00 ?"));
    check_form(buffer_slice(&out), true);
    buffer_done(&text);
    buffer_done(&out);
    buffer_init(&long_one, 1 << 20);
    for (int i = 0; i < 5000; i++)
        buffer_add_format(&long_one, "S: 250 line %d\n", i);
    dsn.transcript = buffer_slice(&long_one);
    said = told(build(&dsn, SLICE_EMPTY, &out), &text);
    assert_true(has(said, "[...] S: 250 line") && has(said, "S: 250 line 4999") && !has(said, "line 3 "));
    assert_true(said.size < DSN_TRANSCRIPT_SIZE_MAX * 2);
    buffer_done(&text);
    buffer_done(&out);
    buffer_done(&long_one);
}

/* ---- what comes from outside ---- */

static void test_clean(void **state)
{
    static const struct {
        struct slice text;
        bool utf8;
        size_t size_max;
        const char *want;
    } rows[] = {
        { TEXT_ROW("plain ~text"), false, 100, "plain ~text" },
        { TEXT_ROW("a\r\nb\rc\nd\te"), false, 100, "a b c d e" },
        { TEXT_ROW("a\0b\x1b[0m\x7f"), false, 100, "a?b?[0m?" },
        { TEXT_ROW("\xc3\xa9t\xc3\xa9"), true, 100, "\xc3\xa9t\xc3\xa9" },
        { TEXT_ROW("\xc3\xa9t\xc3\xa9"), false, 100, "?t?" },
        { TEXT_ROW("\xc3\xa9t\xc3\xa9"), true, 4, "\xc3\xa9t" },
        { TEXT_ROW("\xff\xc3"), true, 100, "??" },
        { TEXT_ROW("\xed\xa0\x80"), true, 100, "???" }, /* a surrogate */
        { TEXT_ROW("a\xe2\x80\xae"
                   "b\xe2\x80\xa8"
                   "c\xc2\x85"),
          true, 100, "a?b?c?" }, /* right-to-left, separator, NEL */
        { TEXT_ROW("\xd9\x85\xe2\x80\x8c\xd8\xa7"), true, 100,
          "\xd9\x85\xe2\x80\x8c\xd8\xa7" }, /* a joiner is letters' */
        { { NULL, 0 }, true, 100, "" },
        { TEXT_ROW("abc"), true, 0, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out;
        buffer_init(&out, 200);
        dsn_add_clean(rows[i].text, rows[i].utf8, rows[i].size_max, &out);
        if (!slice_equal(buffer_slice(&out), slice_of(rows[i].want)))
            fail_msg("row %zu: %.*s", i, SLICE_ARG(buffer_slice(&out)));
        buffer_done(&out);
    }
}

static void test_hostile(void **state)
{
    static const struct slice attacks[] = {
        TEXT_ROW("x\r\nBcc: all@example.org\r\n\r\n--" BOUNDARY "\r\n\r\ninjected"),
        TEXT_ROW("\r\n.\r\nMAIL FROM:<>\r\n"),
        TEXT_ROW("\0\x1b]0;owned\x07\x9b\xff\xfe"),
        TEXT_ROW("\xe2\x80\xae\xc2\x85\xe2\x80\xa9"),
        TEXT_ROW("; x=y, (comment \"quoted\" <a@b> \\"),
        TEXT_ROW("=?utf-8?q?=0D=0ABcc:_x?="),
        TEXT_ROW("        "),
    };
    char *large = malloc(64 << 10);
    assert_non_null(large);
    for (size_t fill = 0; fill < sizeof attacks / sizeof attacks[0] + 3; fill++) {
        struct slice bad = slice(large, 64 << 10);
        if (fill < sizeof attacks / sizeof attacks[0])
            bad = attacks[fill];
        else
            memset(large, "a\xe9\n"[fill - sizeof attacks / sizeof attacks[0]], bad.size);
        struct outcome o = { .class = OUTCOME_PERM,
                             .stage = STAGE_RCPT,
                             .cause = OUTCOME_CAUSE_REPLY,
                             .code = 550,
                             .text = bad,
                             .host = bad,
                             .address = bad };
        struct dsn_recipient r[] = {
            { .address = bad, .orcpt = bad, .outcome = o, .others = &o, .other_count = 1, .cause = bad },
            { .address = SLICE("a@b"), .outcome = o },
        };
        r[1].outcome.cause = OUTCOME_CAUSE_TLS_UNVERIFIED;
        struct dsn dsn = notice(r, 2);
        dsn.our_name = dsn.message_id = dsn.original_id = dsn.subject = dsn.envid = dsn.transcript = bad;
        dsn.sender = bad;
        struct buffer out;
        struct slice all = build(&dsn, SLICE(ORIGINAL), &out);
        check_form(all, true);
        assert_int_equal(occurrences(part(all, 1), "\r\nFinal-Recipient: "), 2);
        struct slice header = slice_part(all, 0, slice_find_slice(all, SLICE("\r\n\r\n")));
        assert_int_equal(occurrences(header, "\r\nBcc:") + occurrences(part(all, 1), "\r\nBcc:"), 0);
        assert_true(out.size < 256 << 10);
        buffer_done(&out);
    }
    free(large);
}

/* ---- bounds ---- */

static void test_many_recipients(void **state)
{
    enum { COUNT = 10000 };
    struct dsn_recipient *r = calloc(COUNT, sizeof *r);
    char(*addresses)[64] = calloc(COUNT, sizeof *addresses);
    struct buffer out, text;
    char long_text[OUTCOME_TEXT_SIZE_MAX];
    assert_true(r != NULL && addresses != NULL);
    memset(long_text, 'x', sizeof long_text);
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(addresses[i], sizeof addresses[i], "user%zu@example.com", i);
        r[i].address = slice_of(addresses[i]);
        r[i].outcome = reply(STAGE_RCPT, 550, (struct enhanced_code){ 5, 1, 1 }, "");
        r[i].outcome.text = slice(long_text, sizeof long_text);
    }
    struct dsn dsn = notice(r, COUNT);
    struct slice all = build(&dsn, SLICE(ORIGINAL), &out);
    check_form(all, true);
    assert_int_equal(occurrences(all, "\r\nAction: failed\r\n"), COUNT);
    assert_true(has(all, "Final-Recipient: rfc822; user9999@example.com\r\n"));
    struct slice said = told(all, &text);
    assert_true(has(said, "to the 10000 addresses below"));
    assert_true(has(said, "user49@example.com") && !has(said, "user50@example.com"));
    assert_true(has(said, "... and 9950 more"));
    buffer_done(&text);
    buffer_done(&out);
    /* The longest addresses there are, each octet of them escaped: the notice stays whole and within its limit. */
    char *worst = malloc(509);
    assert_non_null(worst);
    memset(worst, '+', 509);
    memcpy(worst, "\xc3\xa9", 2);
    worst[255] = '@';
    for (size_t i = 0; i < COUNT; i++)
        r[i].address = r[i].orcpt = slice(worst, 509);
    all = build(&dsn, SLICE(ORIGINAL), &out);
    check_form(all, true);
    assert_true(occurrences(all, "\r\nAction: failed\r\n") > 1000);
    buffer_done(&out);
    free(worst);
    free(addresses);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_hosts),   cmocka_unit_test(test_local_cause),
        cmocka_unit_test(test_same_story),      cmocka_unit_test(test_every_cause),
        cmocka_unit_test(test_to_whom),         cmocka_unit_test(test_transcript),
        cmocka_unit_test(test_clean),           cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_many_recipients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
