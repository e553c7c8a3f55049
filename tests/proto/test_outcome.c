/* Outcomes: names, classes, the enhanced code where a reply has none, RFC 3463 codes read and written, what counts as a
 * session failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/outcome.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_names(void **state)
{
    static const char *const stages[] = { "",    "dns",  "connect", "banner", "ehlo", "tls",
                                          "auth", "mail", "rcpt",    "data",   "dot",  "pop" };
    for (size_t i = 0; i < COUNT(stages); i++)
        assert_string_equal(stage_name((enum stage)i), stages[i]);
    assert_string_equal(outcome_class_name(OUTCOME_TEMP), "temp");
    for (size_t i = 0; i < OUTCOME_CAUSE_COUNT; i++) {
        const char *name = outcome_cause_name((enum outcome_cause)i);
        assert_non_null(name);
        assert_true(name[0] != '\0');
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(name, outcome_cause_name((enum outcome_cause)j));
    }
}

static void test_class_of_code(void **state)
{
    static const struct {
        uint16_t code;
        enum outcome_class class;
    } rows[] = {
        { 200, OUTCOME_OK },   { 250, OUTCOME_OK },   { 299, OUTCOME_OK },   { 354, OUTCOME_OK },  { 400, OUTCOME_TEMP },
        { 421, OUTCOME_TEMP }, { 499, OUTCOME_TEMP }, { 500, OUTCOME_PERM }, { 599, OUTCOME_PERM }, { 0, OUTCOME_NONE },
        { 199, OUTCOME_NONE }, { 600, OUTCOME_NONE },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(outcome_class_of_code(rows[i].code), rows[i].class);
}

static void test_enhanced_default(void **state)
{
    static const struct {
        enum outcome_class class;
        enum stage stage;
        enum outcome_cause cause;
        const char *code;
    } rows[] = {
        { OUTCOME_NONE, STAGE_RCPT, OUTCOME_CAUSE_NONE, "" },
        { OUTCOME_OK, STAGE_DOT, OUTCOME_CAUSE_REPLY, "2.0.0" },
        { OUTCOME_TEMP, STAGE_RCPT, OUTCOME_CAUSE_REPLY, "4.0.0" },
        { OUTCOME_PERM, STAGE_DOT, OUTCOME_CAUSE_REPLY, "5.0.0" },
        { OUTCOME_PERM, STAGE_BANNER, OUTCOME_CAUSE_REPLY, "5.3.2" },
        { OUTCOME_TEMP, STAGE_EHLO, OUTCOME_CAUSE_REPLY, "4.3.2" },
        { OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_TIMEOUT, "4.4.1" },
        { OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_REFUSED, "4.4.1" },
        { OUTCOME_TEMP, STAGE_DATA, OUTCOME_CAUSE_TIMEOUT, "4.4.2" },
        { OUTCOME_TEMP, STAGE_DOT, OUTCOME_CAUSE_LOST, "4.4.2" },
        { OUTCOME_TEMP, STAGE_DNS, OUTCOME_CAUSE_DNS_TEMP, "4.4.3" },
        { OUTCOME_PERM, STAGE_DNS, OUTCOME_CAUSE_DNS_NXDOMAIN, "5.1.2" },
        { OUTCOME_TEMP, STAGE_DNS, OUTCOME_CAUSE_DNS_NXDOMAIN, "4.1.2" },
        { OUTCOME_PERM, STAGE_DNS, OUTCOME_CAUSE_DNS_NODATA, "5.4.4" },
        { OUTCOME_PERM, STAGE_DNS, OUTCOME_CAUSE_DNS_NULL_MX, "5.1.10" },
        { OUTCOME_PERM, STAGE_DNS, OUTCOME_CAUSE_OURSELVES, "5.4.6" },
        { OUTCOME_TEMP, STAGE_TLS, OUTCOME_CAUSE_TLS_UNVERIFIED, "4.7.5" },
        { OUTCOME_PERM, STAGE_MAIL, OUTCOME_CAUSE_SIZE, "5.3.4" },
        { OUTCOME_PERM, STAGE_MAIL, OUTCOME_CAUSE_SMTPUTF8, "5.6.7" },
        { OUTCOME_PERM, STAGE_RCPT, OUTCOME_CAUSE_SIBLING, "5.0.0" },
        { OUTCOME_PERM, STAGE_NONE, OUTCOME_CAUSE_EXPIRED, "5.4.7" },
        { OUTCOME_PERM, STAGE_NONE, OUTCOME_CAUSE_HOPS, "5.4.6" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome o = { .class = rows[i].class, .stage = rows[i].stage, .cause = rows[i].cause };
        char text[16];
        enhanced_code_format(outcome_enhanced_default(&o), text);
        assert_string_equal(text, rows[i].code);
    }
}

static void test_enhanced_code(void **state)
{
    static const struct {
        const char *text;
        const char *code; /* NULL: none */
        const char *rest;
    } rows[] = {
        { "5.7.1 blocked", "5.7.1", "blocked" },
        { "5.7.2", "5.7.2", "" }, /* no text: another server read beyond it */
        { "4.4.10\t  x", "4.4.10", "x" },
        { "2.0.0 ", "2.0.0", "" },
        { "5.999.999 x", "5.999.999", "x" },
        { "5.7.1.2 is blocked", NULL, NULL },
        { "5.7.1: x", NULL, NULL },
        { "5.1000.1 x", NULL, NULL },
        { "5.7", NULL, NULL },
        { "5.7.", NULL, NULL },
        { "5..1", NULL, NULL },
        { "3.1.1 x", NULL, NULL },
        { "55.1.1 x", NULL, NULL },
        { "5", NULL, NULL },
        { "", NULL, NULL },
        { " 5.7.1 x", NULL, NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct enhanced_code code = { 9, 9, 9 };
        struct slice rest = SLICE("kept");
        char text[16];
        assert_int_equal(enhanced_code_parse(slice_of(rows[i].text), &code, &rest), rows[i].code != NULL);
        enhanced_code_format(code, text);
        assert_string_equal(text, rows[i].code != NULL ? rows[i].code : "9.9.9");
        assert_true(slice_equal(rest, slice_of(rows[i].code != NULL ? rows[i].rest : "kept")));
    }
    char text[16];
    enhanced_code_format((struct enhanced_code){ 255, 65535, 65535 }, text);
    assert_string_equal(text, "5.535.535"); /* from a damaged record only: it must fit */
}

static void test_session_failure(void **state)
{
    static const struct {
        enum outcome_class class;
        enum stage stage;
        enum outcome_cause cause;
        uint16_t code;
        bool wanted;
    } rows[] = {
        { OUTCOME_TEMP, STAGE_DNS, OUTCOME_CAUSE_DNS_TEMP, 0, true },
        { OUTCOME_TEMP, STAGE_CONNECT, OUTCOME_CAUSE_REFUSED, 0, true },
        { OUTCOME_PERM, STAGE_BANNER, OUTCOME_CAUSE_REPLY, 554, true },
        { OUTCOME_PERM, STAGE_EHLO, OUTCOME_CAUSE_REPLY, 550, true },
        { OUTCOME_TEMP, STAGE_TLS, OUTCOME_CAUSE_TLS_FAILED, 0, true },
        { OUTCOME_PERM, STAGE_AUTH, OUTCOME_CAUSE_REPLY, 535, true },
        { OUTCOME_TEMP, STAGE_POP, OUTCOME_CAUSE_LOST, 0, true },
        { OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_REPLY, 421, true },
        { OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_LOST, 0, true },
        { OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_TIMEOUT, 0, true },
        { OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_PROTOCOL, 0, true },
        { OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_UNREACHABLE, 0, true },
        { OUTCOME_TEMP, STAGE_MAIL, OUTCOME_CAUSE_REPLY, 451, false },
        { OUTCOME_PERM, STAGE_MAIL, OUTCOME_CAUSE_REPLY, 550, false },
        { OUTCOME_PERM, STAGE_MAIL, OUTCOME_CAUSE_SIZE, 0, false },
        { OUTCOME_TEMP, STAGE_RCPT, OUTCOME_CAUSE_REPLY, 421, false },
        { OUTCOME_TEMP, STAGE_RCPT, OUTCOME_CAUSE_LOST, 0, false },
        { OUTCOME_TEMP, STAGE_DOT, OUTCOME_CAUSE_LOST, 0, false },
        { OUTCOME_OK, STAGE_DOT, OUTCOME_CAUSE_REPLY, 250, false },
        { OUTCOME_NONE, STAGE_CONNECT, OUTCOME_CAUSE_NONE, 0, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome o = {
            .class = rows[i].class, .stage = rows[i].stage, .cause = rows[i].cause, .code = rows[i].code,
        };
        assert_int_equal(outcome_is_session_failure(&o), rows[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_class_of_code),
        cmocka_unit_test(test_enhanced_default), cmocka_unit_test(test_enhanced_code),
        cmocka_unit_test(test_session_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
