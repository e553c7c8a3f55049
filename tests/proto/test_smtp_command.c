/* Command lines as tables: what each parser takes, into which fields, and with which code it refuses the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/smtp_command.h"

static void test_verbs(void **state)
{
    static const struct {
        const char *line;
        enum smtp_verb verb;
        const char *argument;
    } rows[] = {
        { "EHLO x", SMTP_VERB_EHLO, "x" },
        { "ehlo x", SMTP_VERB_EHLO, "x" },
        { "eHlO x  ", SMTP_VERB_EHLO, "x" },
        { "HELO x y", SMTP_VERB_HELO, "x y" },
        { "MAIL FROM:<>", SMTP_VERB_MAIL, "FROM:<>" },
        { "MAIL  FROM:<>", SMTP_VERB_MAIL, " FROM:<>" }, /* one blank is taken */
        { "RCPT TO:<a@b>", SMTP_VERB_RCPT, "TO:<a@b>" },
        { "DATA", SMTP_VERB_DATA, "" },
        { "DATA \t ", SMTP_VERB_DATA, "" },
        { "BDAT 1 LAST", SMTP_VERB_BDAT, "1 LAST" },
        { "RSET", SMTP_VERB_RSET, "" },
        { "NOOP x", SMTP_VERB_NOOP, "x" },
        { "VRFY x", SMTP_VERB_VRFY, "x" },
        { "EXPN x", SMTP_VERB_EXPN, "x" },
        { "HELP", SMTP_VERB_HELP, "" },
        { "QUIT", SMTP_VERB_QUIT, "" },
        { "STARTTLS", SMTP_VERB_STARTTLS, "" },
        { "AUTH PLAIN =", SMTP_VERB_AUTH, "PLAIN =" },
        { "GET / HTTP/1.1", SMTP_VERB_FOREIGN, "/ HTTP/1.1" },
        { "post /", SMTP_VERB_FOREIGN, "/" },
        { "PRI * HTTP/2.0", SMTP_VERB_FOREIGN, "* HTTP/2.0" },
        { "", SMTP_VERB_UNKNOWN, "" },
        { " ", SMTP_VERB_UNKNOWN, "" },
        { " EHLO x", SMTP_VERB_UNKNOWN, "EHLO x" },
        { "EHLO\tx", SMTP_VERB_UNKNOWN, "" },
        { "EHLOx", SMTP_VERB_UNKNOWN, "" },
        { "EHL x", SMTP_VERB_UNKNOWN, "x" },
        { "MAILFROM:<>", SMTP_VERB_UNKNOWN, "" },
        { "DATA\xc2\xa0", SMTP_VERB_UNKNOWN, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice argument;
        if (smtp_command_verb(slice_of(rows[i].line), &argument) != rows[i].verb ||
            !slice_equal(argument, slice_of(rows[i].argument)))
            fail_msg("\"%s\" is read wrong, \"%.*s\"", rows[i].line, SLICE_ARG(argument));
    }
    for (enum smtp_verb verb = 0; verb < SMTP_VERB_COUNT; verb++) {
        struct slice argument;
        const char *name = smtp_verb_name(verb);
        bool named = verb != SMTP_VERB_UNKNOWN && verb != SMTP_VERB_FOREIGN;
        assert_int_equal(name[0] != '\0', named);
        if (named)
            assert_int_equal(smtp_command_verb(slice_of(name), &argument), verb);
    }
}

enum { HELO = 0, ESMTP = 1, TLS = 2, UTF8 = 4 }; /* what was offered; the transaction's SMTPUTF8 */

static struct smtp_offers offers_of(int flags)
{
    return (struct smtp_offers){ .esmtp = flags & ESMTP, .requiretls = flags & TLS };
}

static const struct {
    const char *argument;
    int flags;
    unsigned code;
    const char *enhanced;
} mails[] = {
    { "FROM:<>", HELO, 0, "" },
    { "from:<a@x.org>", HELO, 0, "" },
    { "FROM:<a@x.org> SIZE=1", HELO, 555, "5.5.4" },
    { "FROM:<a@x.org> SIZE=1", ESMTP, 0, "" },
    { "FROM:<a@x.org> size=1 body=8bitmime smtputf8", ESMTP, 0, "" },
    { "FROM:<a@x.org> REQUIRETLS", ESMTP, 555, "5.5.4" },
    { "FROM:<a@x.org> REQUIRETLS", ESMTP | TLS, 0, "" },
    { "FROM:<a@x.org> REQUIRETLS=1", ESMTP | TLS, 501, "5.5.4" },
    { "FROM:<a@x.org> X=1", ESMTP, 555, "5.5.4" },
    { "FROM:<a@x.org> X", ESMTP, 555, "5.5.4" },
    { "FROM:<a@x.org> NOTIFY=NEVER", ESMTP, 555, "5.5.4" },
    { "FROM:<a@x.org> -X=1", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> X_Y=1", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> =1", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> X==", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> X=a=b", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> X=\x01", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org>\tX=1", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org>X=1", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org>  SIZE=1", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> SIZE=1 SIZE=1", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> SIZE=1 size=2", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> SIZE=00000000000000000001", ESMTP, 0, "" },
    { "FROM:<a@x.org> SIZE=000000000000000000001", ESMTP, 501, "5.5.4" }, /* 21 digits, RFC 1870 has 20 */
    { "FROM:<a@x.org> SIZE=+1", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> BODY=7BIT", ESMTP, 0, "" },
    { "FROM:<a@x.org> BODY=8BIT", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> BODY", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> RET=HDRS", ESMTP, 0, "" },
    { "FROM:<a@x.org> RET=HDR", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> ENVID=a+2B", ESMTP, 0, "" },
    { "FROM:<a@x.org> ENVID=a+2b", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> ENVID=+0A", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> ENVID=+7F", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> AUTH=<>", ESMTP, 0, "" },
    { "FROM:<a@x.org> AUTH=e+3Dmc2@example.com", ESMTP, 0, "" }, /* RFC 4954 5's own */
    { "FROM:<a@x.org> AUTH=", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> AUTH=<a@x.org>", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> AUTH=+C3+A9@x.org", ESMTP, 501, "5.5.4" },
    { "FROM:<a@x.org> AUTH=+C3+A9@x.org SMTPUTF8", ESMTP, 0, "" },
    { "FROM:<\xc3\xa9@x.org> SMTPUTF8", ESMTP, 0, "" },
    { "FROM:<\xc3\xa9@x.org>", ESMTP, 553, "5.6.7" },
    { "FROM:<a@b\xc3\xbc"
      "cher.org>",
      ESMTP, 553, "5.6.7" },
    { "FROM:<\xc3@x.org> SMTPUTF8", ESMTP, 501, "5.1.7" },
    { "FROM:a@x.org", ESMTP, 501, "5.5.4" },
    { "FROM: <a@x.org>", ESMTP, 501, "5.5.4" },
    { "FROM <a@x.org>", ESMTP, 501, "5.5.4" },
    { "<a@x.org>", ESMTP, 501, "5.5.4" },
    { "", ESMTP, 501, "5.5.4" },
    { "FROM:", ESMTP, 501, "5.5.4" },
    { "FROM:<", ESMTP, 501, "5.1.7" },
    { "FROM:<a@x.org", ESMTP, 501, "5.1.7" },
    { "FROM:<Postmaster>", ESMTP, 501, "5.1.7" },
    { "FROM:<@x:a@y>", ESMTP, 553, "5.1.7" },
};

static void test_mail(void **state)
{
    for (size_t i = 0; i < sizeof mails / sizeof mails[0]; i++) {
        struct smtp_mail mail;
        struct smtp_offers offers = offers_of(mails[i].flags);
        struct smtp_refusal r = smtp_command_mail(slice_of(mails[i].argument), &offers, &mail);
        if (r.code != mails[i].code || strcmp(r.enhanced, mails[i].enhanced) != 0)
            fail_msg("\"%s\" gives %u %s", mails[i].argument, r.code, r.enhanced);
    }
}

static void test_mail_fields(void **state)
{
    struct smtp_mail mail;
    struct smtp_offers offers = offers_of(ESMTP | TLS);
    struct slice argument =
        SLICE("FROM:<\"A b\"@X.ORG> SIZE=18446744073709551615 BODY=8BITMIME RET=FULL ENVID=+41+20b REQUIRETLS "
              "AUTH=<> SMTPUTF8");
    memset(&mail, 0xff, sizeof mail);
    assert_int_equal(smtp_command_mail(argument, &offers, &mail).code, 0);
    assert_true(slice_equal(address_mailbox(&mail.sender), SLICE("\"A b\"@x.org")));
    assert_true(mail.size == UINT64_MAX && mail.body == SMTP_BODY_8BITMIME && mail.ret == SMTP_RET_FULL);
    assert_true(mail.smtputf8 && mail.requiretls && mail.auth_given && mail.auth.kind == ADDRESS_NULL);
    assert_true(slice_equal(slice(mail.envid.text, mail.envid.size), SLICE("A b")));
    assert_int_equal(smtp_command_mail(SLICE("FROM:<> SIZE=99999999999999999999"), &offers, &mail).code, 0);
    assert_true(mail.size == UINT64_MAX && mail.body == SMTP_BODY_7BIT &&
                mail.ret == SMTP_RET_NONE); /* nothing is left of the last one */
    assert_true(!mail.smtputf8 && !mail.requiretls && !mail.auth_given && mail.envid.size == 0);
    assert_int_equal(mail.sender.kind, ADDRESS_NULL);
    assert_int_equal(smtp_command_mail(SLICE("FROM:<> AUTH=e+3Dmc2@Example.com"), &offers, &mail).code, 0);
    assert_true(slice_equal(address_mailbox(&mail.auth), SLICE("e=mc2@example.com")));
}

static void test_rcpt(void **state)
{
    static const struct {
        const char *argument;
        int flags;
        unsigned code;
        const char *enhanced;
        uint8_t notify;
        const char *orcpt;
    } rows[] = {
        { "TO:<a@x.org>", HELO, 0, "", 0, "" },
        { "to:<postmaster>", HELO, 0, "", 0, "" },
        { "TO:<a@x.org> NOTIFY=NEVER", HELO, 555, "5.5.4", 0, NULL },
        { "TO:<a@x.org> NOTIFY=NEVER", ESMTP, 0, "", SMTP_NOTIFY_NEVER, "" },
        { "TO:<a@x.org> notify=success,DELAY", ESMTP, 0, "", SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY, "" },
        { "TO:<a@x.org> NOTIFY=FAILURE,FAILURE", ESMTP, 0, "", SMTP_NOTIFY_FAILURE, "" },
        { "TO:<a@x.org> NOTIFY=NEVER,FAILURE", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> NOTIFY=,FAILURE", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> NOTIFY=FAILURE,", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> NOTIFY=ALWAYS", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=rfc822;Bob@x.org NOTIFY=DELAY", ESMTP, 0, "", SMTP_NOTIFY_DELAY, "rfc822;Bob@x.org" },
        { "TO:<a@x.org> ORCPT=RFC822;Bob+40x", ESMTP, 0, "", 0, "rfc822;Bob@x" },
        { "TO:<a@x.org> ORCPT=x400;/c=us", ESMTP, 501, "5.5.4", 0, NULL }, /* "=" is none of xtext's */
        { "TO:<a@x.org> ORCPT=x400;/c+3Dus;x", ESMTP, 0, "", 0, "x400;/c=us;x" },
        { "TO:<a@x.org> ORCPT=rfc822", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=;x", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=rfc822;", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=rfc+822;x", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=rfc822;a+0D+0Ab", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=rfc822;a+", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=rfc822;+C3+A9", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;\\x{E9}\\x{1F4EE}@x", ESMTP, 0, "", 0, "utf-8;\xc3\xa9\xf0\x9f\x93\xae@x" },
        { "TO:<a@x.org> ORCPT=UTF-8;\\x{5C}\\x{2B}\\x{20}", ESMTP, 0, "", 0, "utf-8;\\+ " },
        { "TO:<a@x.org> ORCPT=utf-8;\xc3\xa9", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;\xc3\xa9", ESMTP | UTF8, 0, "", 0, "utf-8;\xc3\xa9" },
        { "TO:<a@x.org> ORCPT=utf-8;\xc3", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;\\x{D800}", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;\\x{110000}", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;\\x{A}", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;\\x{85}", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;\\x{E9", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;\\x{}", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;\\x{e9}", ESMTP | UTF8, 501, "5.5.4", 0, NULL }, /* upper case only */
        { "TO:<a@x.org> ORCPT=utf-8;\\x{0000041}", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;a\\b", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<a@x.org> ORCPT=utf-8;a+b", ESMTP | UTF8, 501, "5.5.4", 0, NULL },
        { "TO:<\xc3\xa9@x.org>", ESMTP | UTF8, 0, "", 0, "" },
        { "TO:<\xc3\xa9@x.org>", ESMTP, 553, "5.6.7", 0, NULL },
        { "TO:<>", ESMTP, 501, "5.1.3", 0, NULL },
        { "TO:<a>", ESMTP, 501, "5.1.3", 0, NULL },
        { "TO:<@x,@y:a@z>", ESMTP, 553, "5.1.3", 0, NULL },
        { "TO: <a@x.org>", ESMTP, 501, "5.5.4", 0, NULL },
        { "TO:a@x.org", ESMTP, 501, "5.5.4", 0, NULL },
        { "FROM:<a@x.org>", ESMTP, 501, "5.5.4", 0, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_rcpt rcpt;
        struct smtp_offers offers = offers_of(rows[i].flags);
        struct smtp_refusal r = smtp_command_rcpt(slice_of(rows[i].argument), &offers, rows[i].flags & UTF8, &rcpt);
        if (r.code != rows[i].code || strcmp(r.enhanced, rows[i].enhanced) != 0)
            fail_msg("\"%s\" gives %u %s", rows[i].argument, r.code, r.enhanced);
        if (r.code == 0 && (rcpt.notify != rows[i].notify ||
                            !slice_equal(slice(rcpt.orcpt.text, rcpt.orcpt.size), slice_of(rows[i].orcpt))))
            fail_msg("\"%s\" is read as %u %.*s", rows[i].argument, rcpt.notify, rcpt.orcpt.size, rcpt.orcpt.text);
    }
}

static void test_bdat(void **state)
{
    static const struct {
        const char *argument;
        bool good, last;
        uint64_t size;
    } rows[] = {
        { "0", true, false, 0 },
        { "1 LAST", true, true, 1 },
        { "0 last", true, true, 0 },
        { "18446744073709551615", true, false, UINT64_MAX },
        { "18446744073709551616", false, false, 0 },
        { "", false, false, 0 },
        { " 1", false, false, 0 },
        { "1  LAST", false, false, 0 },
        { "LAST", false, false, 0 },
        { "1 LAST LAST", false, false, 0 },
        { "1 FIRST", false, false, 0 },
        { "-1", false, false, 0 },
        { "+1", false, false, 0 },
        { "1x", false, false, 0 },
        { "0x10", false, false, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_bdat b;
        struct smtp_refusal r = smtp_command_bdat(slice_of(rows[i].argument), &b);
        if ((r.code == 0) != rows[i].good || (rows[i].good && (b.size != rows[i].size || b.last != rows[i].last)))
            fail_msg("\"%s\" gives %u", rows[i].argument, r.code);
    }
}

static void test_auth(void **state)
{
    struct slice mechanism, initial;
    assert_int_equal(smtp_command_auth(SLICE("PLAIN"), &mechanism, &initial).code, 0);
    assert_true(slice_equal(mechanism, SLICE("PLAIN")));
    assert_null(initial.data);
    assert_int_equal(smtp_command_auth(SLICE("PLAIN ="), &mechanism, &initial).code, 0);
    assert_true(slice_equal(initial, SLICE("=")));
    assert_int_equal(smtp_command_auth(SLICE("X-Y_1 AAAA BBBB"), &mechanism, &initial).code, 0);
    assert_true(slice_equal(initial, SLICE("AAAA BBBB"))); /* no base64: refused where it is read */
    assert_int_equal(smtp_command_auth(SLICE(" PLAIN"), &mechanism, &initial).code, 501);
    assert_int_equal(smtp_command_auth(SLICE("ABCDEFGHIJKLMNOPQRST"), &mechanism, &initial).code, 0);
    assert_int_equal(smtp_command_auth(SLICE("ABCDEFGHIJKLMNOPQRSTU"), &mechanism, &initial).code, 501);
    assert_int_equal(smtp_command_auth(SLICE(""), &mechanism, &initial).code, 501);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs), cmocka_unit_test(test_mail), cmocka_unit_test(test_mail_fields),
        cmocka_unit_test(test_rcpt),  cmocka_unit_test(test_bdat), cmocka_unit_test(test_auth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
