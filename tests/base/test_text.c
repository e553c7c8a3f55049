/* What people are told: every row has the same places in both languages, is one clean piece of UTF-8, and follows the
 * typography of its language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/text.h"

enum { PLACES_MAX = 16 };

static const char *const names[] = {
    "NONE",
#define TEXT(id, english, french) #id,
#include "base/text_rows.h"
#undef TEXT
};

static size_t places(struct slice text, struct slice list[static PLACES_MAX])
{
    size_t count = 0;
    while (slice_find(text, '{') < text.size) {
        text = slice_after(text, slice_find(text, '{') + 1);
        size_t end = slice_find(text, '}');
        assert_true(end < text.size && end > 0 && count < PLACES_MAX);
        list[count] = slice_part(text, 0, end);
        for (size_t i = 0; i < end; i++) {
            char c = list[count].data[i];
            assert_true((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
        }
        count++;
        text = slice_after(text, end + 1);
    }
    return count;
}

static bool all_in(const struct slice *list, size_t count, const struct slice *others, size_t other_count)
{
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t j = 0; j < other_count; j++)
            found = found || slice_equal(list[i], others[j]);
        if (!found)
            return false;
    }
    return true;
}

static void test_places(void **state)
{
    (void)state;
    for (int id = 1; id < TEXT_COUNT; id++) {
        struct slice english[PLACES_MAX], french[PLACES_MAX];
        size_t english_count = places(slice_of(text_get(id, LANGUAGE_EN)), english);
        size_t french_count = places(slice_of(text_get(id, LANGUAGE_FR)), french);
        if (!all_in(english, english_count, french, french_count) ||
            !all_in(french, french_count, english, english_count))
            fail_msg("%s: the places differ", names[id]);
    }
}

/* Numbers of the characters, so that the ones beside one another can be looked at. */
static size_t characters(const char *text, uint32_t *numbers, size_t max)
{
    size_t count = 0;
    for (struct slice rest = slice_of(text); rest.size > 0; count++) {
        size_t size = utf8_next(rest, &numbers[count]);
        assert_true(size > 0 && count + 1 < max);
        rest = slice_after(rest, size);
    }
    numbers[count] = 0;
    return count;
}

static bool unbreakable(uint32_t number)
{
    return number == 0xa0 || number == 0x202f;
}

/* What is wrong at place i of a row; NULL: nothing. */
static const char *fault_common(const uint32_t *c, size_t i, size_t count)
{
    if (c[i] < ' ' && c[i] != '\n')
        return "a control";
    if (c[i] == 0x2014)
        return "an em dash";
    if (c[i] == ' ' && (i == 0 || i + 1 == count))
        return "a blank at an end";
    if (c[i] == ' ' && c[i + 1] == ' ')
        return "two blanks";
    return NULL;
}

static const char *fault_french(const uint32_t *c, size_t i, size_t count)
{
    uint32_t before = i > 0 ? c[i - 1] : 0, after = c[i + 1];
    bool ends = i + 1 == count || after == ' ' || after == '\n' || unbreakable(after);
    if (c[i] == '\'')
        return "a straight apostrophe";
    if (c[i] == '"')
        return "straight quotation marks";
    if (c[i] == 0xab && !unbreakable(after))
        return "no no-break space after the opening mark";
    if (c[i] == 0xbb && !unbreakable(before))
        return "no no-break space before the closing mark";
    if ((c[i] == ':' || c[i] == ';' || c[i] == '?' || c[i] == '!') && (before == ' ' || (ends && !unbreakable(before))))
        return "no no-break space before : ; ? !";
    return NULL;
}

static void test_typography(void **state)
{
    (void)state;
    static uint32_t numbers[8192];
    for (int id = 1; id < TEXT_COUNT; id++) {
        for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
            size_t count = characters(text_get(id, language), numbers, sizeof numbers / sizeof numbers[0]);
            if (count == 0)
                fail_msg("%s is empty", names[id]);
            for (size_t i = 0; i < count; i++) {
                const char *fault = fault_common(numbers, i, count);
                if (fault == NULL && language == LANGUAGE_FR)
                    fault = fault_french(numbers, i, count);
                if (fault != NULL)
                    fail_msg("%s, character %zu: %s: %s", names[id], i, fault, text_get(id, language));
            }
        }
    }
}

static void test_format(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1000);
    assert_string_equal(text_get(TEXT_NONE, LANGUAGE_FR), "");
    text_format(&out, LANGUAGE_EN, TEXT_NONE, NULL, 0);
    assert_int_equal(out.size, 0);
    for (int id = 1; id < TEXT_COUNT; id++) { /* every row can be filled in */
        struct slice list[PLACES_MAX];
        struct text_argument arguments[PLACES_MAX];
        static char place_names[PLACES_MAX][64];
        size_t count = places(slice_of(text_get(id, LANGUAGE_FR)), list);
        for (size_t i = 0; i < count; i++) {
            snprintf(place_names[i], sizeof place_names[i], "%.*s", SLICE_ARG(list[i]));
            arguments[i] = (struct text_argument){ place_names[i], SLICE("VALUE") };
        }
        buffer_clear(&out);
        text_format(&out, LANGUAGE_FR, id, arguments, count);
        assert_true(slice_find(buffer_slice(&out), '{') == out.size);
        assert_true((slice_find_slice(buffer_slice(&out), SLICE("VALUE")) < out.size) == (count > 0));
    }
    buffer_done(&out);
}

static void test_languages(void **state)
{
    (void)state;
    static const char *const french[] = { "fr", "FR", "fr_FR.UTF-8", "French", "fr-CA" };
    static const char *const english[] = { "", "en", "C", "de_DE", "f" };
    for (size_t i = 0; i < sizeof french / sizeof french[0]; i++)
        assert_int_equal(language_of_name(slice_of(french[i])), LANGUAGE_FR);
    for (size_t i = 0; i < sizeof english / sizeof english[0]; i++)
        assert_int_equal(language_of_name(slice_of(english[i])), LANGUAGE_EN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_typography),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
