/* Rules: every number has a name that is read back, and a sentence in both languages. */
#include "page.h"

#include <string.h>

#include "policy/rule.h"

static const char *const names[] = {
    "A1",  "A2",  "A3",  "A4",  "A5",  "A6",   "A7",   "A8",  "A9",  "A10", "A10a", "A10b", "A11", "A12", "A13", "A14", "A15",
    "A16", "A17", "A18", "A19", "A20", "A21",  "A22",  "A23", "A23a", "A23b", "A24", "A25", "A26", "A27", "A28", "A29", "A30",
    "A31", "A32", "A33", "A34", "A35", "A36",  "A37",  "A38", "A39", "A40", "A41", "A42", "A43", "A44", "A45", "A46",
};
enum { NAME_COUNT = sizeof(names) / sizeof(names[0]) };

static void test_names(void **state)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        uint16_t rule = rule_parse(slice_of(names[i]));
        assert_int_not_equal(rule, RULE_NONE);
        assert_string_equal(rule_name(rule), names[i]);
        assert_int_equal(rule_number(rule), strtol(names[i] + 1, NULL, 10));
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(rule, rule_parse(slice_of(names[k])));
    }
    assert_int_equal(rule_parse(SLICE("a23A")), RULE_A23A);
    assert_int_equal(RULE_A10A, 101);
    assert_int_equal(RULE_A46, 460);
}

static void test_unknown(void **state)
{
    static const char *const wrong[] = { "", "A", "A0", "A47", "A1a", "A10c", " A1", "A1 ", "B1", "1" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(rule_parse(slice_of(wrong[i])), RULE_NONE);
    assert_string_equal(rule_name(RULE_NONE), "");
    assert_string_equal(rule_name(11), "");
    assert_string_equal(rule_name(UINT16_MAX), "");
    assert_int_equal(rule_text(RULE_NONE), TEXT_NONE);
    assert_int_equal(rule_text(11), TEXT_NONE);
}

/* A sentence each, ending as one, in French with its own marks: no straight apostrophe, no breaking space before ; : ? ! */
static void test_sentences(void **state)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        enum text_id id = rule_text(rule_parse(slice_of(names[i])));
        assert_int_not_equal(id, TEXT_NONE);
        for (enum language language = LANGUAGE_EN; language < LANGUAGE_COUNT; language++) {
            const char *text = text_get(id, language);
            assert_true(strlen(text) > 20 && text[strlen(text) - 1] == '.');
        }
        const char *french = text_get(id, LANGUAGE_FR);
        assert_string_not_equal(french, text_get(id, LANGUAGE_EN));
        assert_null(strchr(french, '\''));
        assert_null(strstr(french, " ;"));
        assert_null(strstr(french, " :"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
