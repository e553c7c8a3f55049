/* Notices: the report's fields to the letter, the header, the forms of the original; and all of it read again by Python's
 * email package. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "notice.h"
#include "python.h"

/* ---- the report ---- */

static void test_report(void **state)
{
    struct dsn_recipient recipients[] = {
        {
            .address = SLICE("alice@example.com"),
            .orcpt = SLICE("rfc822;Alice@Example.com"),
            .outcome = reply(STAGE_RCPT, 550, (struct enhanced_code){ 5, 1, 1 }, "no such user\nsee our page"),
            .last_attempt_us = noon - US_PER_SECOND,
            .will_retry_until_us = noon,
        },
        { .address = SLICE("carol@example.org"),
          .expired = true,
          .outcome = { .class = OUTCOME_TEMP,
                       .stage = STAGE_CONNECT,
                       .cause = OUTCOME_CAUSE_REFUSED,
                       .enhanced = { 4, 4, 1 },
                       .address = SLICE("2001:db8::1") } },
    };
    struct dsn dsn = notice(recipients, 2);
    struct buffer out;
    dsn.envid = SLICE("QQ314159");
    struct slice all = build(&dsn, SLICE(ORIGINAL), &out);
    check_form(all, true);
    static const char want[] = "Content-Type: message/delivery-status\r\n"
                               "Content-Description: Delivery report\r\n"
                               "\r\n"
                               "Original-Envelope-Id: QQ314159\r\n"
                               "Reporting-MTA: dns; mta.example.net\r\n"
                               "X-Facteur-Queue-Id: 01HX7\r\n"
                               "Arrival-Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
                               "\r\n"
                               "Original-Recipient: rfc822; Alice@Example.com\r\n"
                               "Final-Recipient: rfc822; alice@example.com\r\n"
                               "Action: failed\r\n"
                               "Status: 5.1.1\r\n"
                               "Remote-MTA: dns; mx.example.com\r\n"
                               "Diagnostic-Code: smtp; 550 5.1.1 no such user see our page\r\n"
                               "Last-Attempt-Date: Wed, 25 Nov 2026 11:59:59 +0000\r\n"
                               "\r\n"
                               "Final-Recipient: rfc822; carol@example.org\r\n"
                               "Action: failed\r\n"
                               "Status: 4.4.7\r\n"
                               "Remote-MTA: dns; [IPv6:2001:db8::1]\r\n"
                               "Diagnostic-Code: x-facteur; refused at connect\r\n";
    struct slice got = part(all, 1);
    assert_int_equal(got.size, sizeof want - 1);
    assert_memory_equal(got.data, want, sizeof want - 1);
    static const char original[] = "Content-Type: message/rfc822\r\nContent-Description: The message\r\n"
                                   "Content-Transfer-Encoding: 7bit\r\n\r\n" ORIGINAL;
    got = part(all, 2);
    assert_int_equal(got.size, sizeof original - 1);
    assert_memory_equal(got.data, original, sizeof original - 1);
    buffer_done(&out);
}

static void test_header(void **state)
{
    struct dsn_recipient r = { .address = SLICE("a@b"),
                               .outcome = reply(STAGE_RCPT, 550, (struct enhanced_code){ 0 }, "") };
    struct dsn dsn = notice(&r, 1);
    struct buffer out;
    struct slice all = build(&dsn, SLICE_EMPTY, &out);
    static const char want[] = "From: Mail delivery service <postmaster@example.net>\r\n"
                               "To: <bob@example.net>\r\n"
                               "Subject: Not delivered: Hello\r\n"
                               "Date: Wed, 25 Nov 2026 12:00:00 +0000\r\n"
                               "Message-ID: <n1@mta.example.net>\r\n"
                               "Auto-Submitted: auto-replied\r\n"
                               "MIME-Version: 1.0\r\n"
                               "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                               " boundary=\"" BOUNDARY "\"\r\n"
                               "Content-Transfer-Encoding: 7bit\r\n\r\n";
    assert_memory_equal(all.data, want, sizeof want - 1);
    buffer_done(&out);
    /* What it is about is in the subject, in the language; an encoded-word of the original's stays one. */
    dsn.language = LANGUAGE_FR;
    dsn.subject = SLICE(" =?utf-8?q?=C3=A9t=C3=A9?=\r\n de l\xe2\x80\x99"
                        "an ");
    all = build(&dsn, SLICE_EMPTY, &out);
    assert_true(has(all, "Subject: Non =?utf-8?q?distribu=C3=A9=C2=A0=3A_?= =?utf-8?q?=C3=A9t=C3=A9?=\r\n de "
                         "=?utf-8?q?l=E2=80=99an?=\r\n") ||
                has(all, "Subject: Non =?utf-8?q?distribu=C3=A9=C2=A0=3A_?=\r\n =?utf-8?q?=C3=A9t=C3=A9?= de "
                         "=?utf-8?q?l=E2=80=99an?=\r\n"));
    check_form(all, true);
    buffer_done(&out);
}

static void test_status(void **state)
{
    static const struct {
        enum dsn_action action;
        bool expired;
        enum outcome_class class;
        enum outcome_cause cause;
        struct enhanced_code code;
        const char *status;
    } rows[] = {
        { DSN_ACTION_FAILED, false, OUTCOME_PERM, OUTCOME_CAUSE_REPLY, { 5, 7, 1 }, "5.7.1" },
        { DSN_ACTION_FAILED, false, OUTCOME_PERM, OUTCOME_CAUSE_REPLY, { 0, 0, 0 }, "5.0.0" },
        { DSN_ACTION_FAILED, false, OUTCOME_PERM, OUTCOME_CAUSE_DNS_NXDOMAIN, { 0, 0, 0 }, "5.1.2" },
        { DSN_ACTION_FAILED, false, OUTCOME_PERM, OUTCOME_CAUSE_DNS_NULL_MX, { 0, 0, 0 }, "5.1.10" },
        { DSN_ACTION_FAILED, false, OUTCOME_PERM, OUTCOME_CAUSE_SIBLING, { 0, 0, 0 }, "5.0.0" },
        { DSN_ACTION_FAILED, false, OUTCOME_TEMP, OUTCOME_CAUSE_REPLY, { 4, 2, 2 }, "5.2.2" },
        { DSN_ACTION_FAILED, false, OUTCOME_OK, OUTCOME_CAUSE_REPLY, { 2, 6, 0 }, "5.0.0" },
        { DSN_ACTION_FAILED, false, OUTCOME_NONE, OUTCOME_CAUSE_NONE, { 0, 0, 0 }, "5.0.0" },
        { DSN_ACTION_FAILED, true, OUTCOME_NONE, OUTCOME_CAUSE_NONE, { 0, 0, 0 }, "4.4.7" },
        { DSN_ACTION_FAILED, true, OUTCOME_TEMP, OUTCOME_CAUSE_REPLY, { 4, 2, 1 }, "4.4.7" },
        { DSN_ACTION_FAILED, true, OUTCOME_PERM, OUTCOME_CAUSE_REPLY, { 5, 7, 8 }, "4.4.7" },
        { DSN_ACTION_FAILED, true, OUTCOME_OK, OUTCOME_CAUSE_REPLY, { 2, 0, 0 }, "4.4.7" },
        { DSN_ACTION_FAILED, true, OUTCOME_PERM, OUTCOME_CAUSE_DNS_NXDOMAIN, { 5, 1, 2 }, "5.1.2" },
        { DSN_ACTION_FAILED, true, OUTCOME_TEMP, OUTCOME_CAUSE_DNS_NODATA, { 4, 4, 4 }, "5.4.4" },
        { DSN_ACTION_FAILED, true, OUTCOME_TEMP, OUTCOME_CAUSE_DNS_TEMP, { 4, 4, 3 }, "4.4.7" },
        { DSN_ACTION_DELAYED, false, OUTCOME_TEMP, OUTCOME_CAUSE_TIMEOUT, { 4, 4, 1 }, "4.4.1" },
        { DSN_ACTION_DELAYED, false, OUTCOME_PERM, OUTCOME_CAUSE_DNS_NXDOMAIN, { 5, 1, 2 }, "4.1.2" },
        { DSN_ACTION_DELAYED, false, OUTCOME_NONE, OUTCOME_CAUSE_NONE, { 0, 0, 0 }, "4.0.0" },
        { DSN_ACTION_DELAYED, false, OUTCOME_OK, OUTCOME_CAUSE_REPLY, { 2, 1, 5 }, "4.0.0" },
        { DSN_ACTION_DELIVERED, false, OUTCOME_OK, OUTCOME_CAUSE_REPLY, { 2, 1, 5 }, "2.1.5" },
        { DSN_ACTION_DELIVERED, false, OUTCOME_NONE, OUTCOME_CAUSE_NONE, { 0, 0, 0 }, "2.0.0" },
        { DSN_ACTION_RELAYED, false, OUTCOME_OK, OUTCOME_CAUSE_REPLY, { 0, 0, 0 }, "2.0.0" },
        { DSN_ACTION_RELAYED, false, OUTCOME_TEMP, OUTCOME_CAUSE_REPLY, { 4, 2, 1 }, "2.0.0" },
    };
    static const char *const actions[] = { "failed", "delayed", "delivered", "relayed" };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dsn_recipient r = {
            .address = SLICE("a@b.c"),
            .action = rows[i].action,
            .expired = rows[i].expired,
            .outcome = { .class = rows[i].class, .cause = rows[i].cause, .code = 250, .enhanced = rows[i].code },
        };
        struct dsn dsn = notice(&r, 1);
        struct buffer out;
        char want[80];
        struct slice all = build(&dsn, SLICE(ORIGINAL), &out);
        snprintf(want, sizeof want, "\r\nAction: %s\r\nStatus: %s\r\n", actions[rows[i].action], rows[i].status);
        if (!has(part(all, 1), want))
            fail_msg("row %zu: not %s", i, want);
        check_form(all, true);
        buffer_done(&out);
    }
}

static void test_dates_of_a_delay(void **state)
{
    struct dsn_recipient r = { .address = SLICE("a@b.c"),
                               .action = DSN_ACTION_DELAYED,
                               .outcome = failure(STAGE_CONNECT, OUTCOME_CAUSE_TIMEOUT, OUTCOME_TEMP),
                               .last_attempt_us = noon,
                               .will_retry_until_us = noon + 3 * US_PER_DAY };
    struct dsn dsn = notice(&r, 1);
    struct buffer out, text;
    dsn.kind = DSN_DELAYED;
    dsn.give_up_us = noon + 6 * US_PER_DAY;
    struct slice all = build(&dsn, SLICE(ORIGINAL), &out);
    assert_true(has(part(all, 1), "\r\nWill-Retry-Until: Sat, 28 Nov 2026 12:00:00 +0000\r\n"));
    assert_true(has(part(all, 1), "\r\nLast-Attempt-Date: Wed, 25 Nov 2026 12:00:00 +0000\r\n"));
    assert_true(has(told(all, &text), "keeps trying until 1 December 2026, 12:00 UTC"));
    buffer_done(&text);
    buffer_done(&out);
    dsn.language = LANGUAGE_FR;
    all = build(&dsn, SLICE(ORIGINAL), &out);
    assert_true(has(told(all, &text), "jusqu’au 1er décembre 2026 à 12:00 UTC"));
    buffer_done(&text);
    buffer_done(&out);
}

static void test_international(void **state)
{
    struct dsn_recipient recipients[] = {
        { .address = SLICE("jos\xc3\xa9+x=y@xn--bcher-kva.example"),
          .orcpt = SLICE("utf-8;jos\\x{E9}+x=y@b\xc3\xbc"
                         "cher.example") },
        { .address = SLICE("\"\xf0\x9f\x98\x80 b\"@c.d"), .orcpt = SLICE("rfc822;\xc3\xa9@x") },
    };
    struct dsn dsn = notice(recipients, 2);
    struct buffer out;
    struct slice all = build(&dsn, SLICE(ORIGINAL), &out);
    check_form(all, true);
    assert_true(has(all, "Final-Recipient: utf-8; jos\\x{E9}\\x{2B}x\\x{3D}y@xn--bcher-kva.example\r\n"));
    assert_true(has(all, "Original-Recipient: utf-8; jos\\x{E9}+x=y@b\\x{FC}cher.example\r\n"));
    assert_true(has(all, "Final-Recipient: utf-8; \"\\x{1F600}\\x{20}b\"@c.d\r\n"));
    assert_true(has(all, "Original-Recipient: rfc822; ?@x\r\n"));
    assert_false(dsn_needs_smtputf8(&dsn) || dsn_is_8bit(&dsn));
    buffer_done(&out);
    /* To a sender above ASCII the notice needs SMTPUTF8; one within it never does, whatever our own name is. */
    dsn.postmaster = SLICE("postm\xc3\xa4ster@example.net");
    all = build(&dsn, SLICE(ORIGINAL), &out);
    assert_true(has(all, "From: Mail delivery service <postmaster@mta.example.net>\r\n"));
    check_form(all, true);
    buffer_done(&out);
    dsn.to = SLICE("\xc3\xa9@x.org");
    all = build(&dsn, SLICE(ORIGINAL), &out);
    assert_true(dsn_needs_smtputf8(&dsn));
    assert_true(has(all, "To: <\xc3\xa9@x.org>\r\n") && has(all, "<postm\xc3\xa4ster@example.net>"));
    check_form(all, false);
    buffer_done(&out);
}

static void test_original_forms(void **state)
{
    static const struct {
        bool header_only, header_8bit, body_8bit, is_8bit;
        const char *type;
    } rows[] = {
        { false, false, false, false, "Content-Type: message/rfc822\r\n" },
        { false, false, true, true, "Content-Type: message/rfc822\r\n" },
        { false, true, false, true, "Content-Type: message/global\r\n" },
        { true, false, true, false, "Content-Type: text/rfc822-headers\r\n" },
        { true, true, true, true, "Content-Type: message/global-headers\r\n" },
    };
    struct dsn_recipient r = { .address = SLICE("a@b.c") };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dsn dsn = notice(&r, 1);
        struct buffer out;
        dsn.header_only = rows[i].header_only;
        dsn.original_header_8bit = rows[i].header_8bit;
        dsn.original_body_8bit = rows[i].body_8bit;
        struct slice all = build(&dsn, SLICE("Subject: x\r\n"), &out);
        assert_int_equal(dsn_is_8bit(&dsn), rows[i].is_8bit);
        assert_true(slice_starts_with(part(all, 2), slice_of(rows[i].type)));
        assert_int_equal(occurrences(all, "Content-Transfer-Encoding: 8bit\r\n"), rows[i].is_8bit ? 2 : 0);
        buffer_done(&out);
    }
    /* Every line of the original is ended, and the line end before the boundary is the boundary's. */
    struct dsn dsn = notice(&r, 1);
    struct buffer suffix;
    buffer_init(&suffix, 200);
    dsn_add_suffix(&dsn, true, &suffix);
    assert_true(slice_equal(buffer_slice(&suffix), SLICE("\r\n--" BOUNDARY "--\r\n")));
    buffer_clear(&suffix);
    dsn_add_suffix(&dsn, false, &suffix);
    assert_true(slice_equal(buffer_slice(&suffix), SLICE("\r\n\r\n--" BOUNDARY "--\r\n")));
    buffer_done(&suffix);
}

/* ---- Python reads them ---- */

static void write_notice(const char *folder, const char *name, struct dsn *dsn, struct slice original)
{
    for (int language = 0; language < LANGUAGE_COUNT; language++) {
        char file[80];
        struct buffer out;
        dsn->language = language;
        struct slice all = build(dsn, original, &out);
        snprintf(file, sizeof file, "%s-%s.eml", name, language == LANGUAGE_EN ? "en" : "fr");
        python_write(folder, file, all);
        snprintf(file, sizeof file, "%s-%s.original", name, language == LANGUAGE_EN ? "en" : "fr");
        python_write(folder, file, original);
        buffer_done(&out);
    }
}

static void test_python(void **state)
{
    static const char *const kinds[] = { "failed", "delayed", "success", "after_delay" };
    char *folder = python_folder();
    struct outcome other = failure(STAGE_CONNECT, OUTCOME_CAUSE_UNREACHABLE, OUTCOME_TEMP);
    for (int kind = 0; kind <= DSN_DELIVERED_AFTER_DELAY; kind++) {
        struct dsn_recipient r[] = {
            { .address = SLICE("alice@example.com"),
              .orcpt = SLICE("rfc822;alice@example.com"),
              .others = &other,
              .outcome = reply(STAGE_RCPT, 550, (struct enhanced_code){ 5, 1, 1 }, "no; such (user\nhere"),
              .other_count = 1,
              .last_attempt_us = noon,
              .cause = SLICE("C’est local\xc2\xa0: voilà.") },
            { .address = SLICE("\"a b\"@example.org"),
              .expired = true,
              .outcome = failure(STAGE_DNS, OUTCOME_CAUSE_DNS_NODATA, OUTCOME_PERM),
              .last_attempt_us = noon },
            { .address = SLICE("jos\xc3\xa9@example.org"),
              .outcome = failure(STAGE_DOT, OUTCOME_CAUSE_LOST, OUTCOME_TEMP),
              .will_retry_until_us = noon },
        };
        static const enum dsn_action actions[] = { DSN_ACTION_FAILED, DSN_ACTION_DELAYED, DSN_ACTION_RELAYED,
                                                   DSN_ACTION_DELIVERED };
        for (size_t i = 0; i < 3; i++)
            r[i].action = actions[kind];
        struct dsn dsn = notice(r, 3);
        char name[40];
        dsn.kind = kind;
        dsn.give_up_us = noon + US_PER_DAY;
        dsn.transcript = SLICE("S: 220 mx.example.com ESMTP\nC: EHLO mta.example.net\n");
        write_notice(folder, kinds[kind], &dsn, SLICE(ORIGINAL));
        dsn.header_only = true;
        dsn.for_postmaster = true;
        dsn.to = dsn.postmaster;
        dsn.subject = SLICE(
            "R\xc3\xa9union \xe2\x80\x94 ordre du jour provisoire de la semaine prochaine, \xe5\x85\xa8\xe9\x83\xa8");
        snprintf(name, sizeof name, "header_%s", kinds[kind]);
        write_notice(folder, name, &dsn, SLICE("Subject: only this\r\n"));
        dsn.sender = SLICE_EMPTY;
        dsn.header_only = false;
        dsn.original_header_8bit = true;
        snprintf(name, sizeof name, "global_%s", kinds[kind]);
        write_notice(folder, name, &dsn, SLICE("Subject: \xc3\xa9\r\n\r\n\xc3\xa9\r\n"));
    }
    python_check("read_notices.py", folder);
    python_done(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report),        cmocka_unit_test(test_header),
        cmocka_unit_test(test_status),        cmocka_unit_test(test_dates_of_a_delay),
        cmocka_unit_test(test_international), cmocka_unit_test(test_original_forms),
        cmocka_unit_test(test_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
