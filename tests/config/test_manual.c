/* docs/man/ holds what the schema and the texts say. When they have changed: run this program in the build folder with the
 * argument "write" (build/tests/test_config_manual write), look at the difference, commit it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "config/manual.h"
#include "config/schema.h"

static const char *const pages[LANGUAGE_COUNT] = { [LANGUAGE_EN] = "docs/man/facteur.ini.5",
                                                   [LANGUAGE_FR] = "docs/man/fr/facteur.ini.5" };

/* From this file's own name, which the build writes relative to its folder. */
static void path_of(enum language language, char path[static 512])
{
    static const char own[] = "tests/config/test_manual.c";
    struct slice name = slice_of(__FILE__);
    struct slice root = slice_part(name, 0, name.size - (sizeof own - 1));
    snprintf(path, 512, "%.*s%s", SLICE_ARG(root), pages[language]);
}

static void read_page(enum language language, struct buffer *out)
{
    char path[512], block[4096];
    path_of(language, path);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s is not there: run this in the build folder, with \"write\" if it was never written", path);
    for (size_t size; (size = fread(block, 1, sizeof block, file)) > 0;)
        buffer_add(out, slice(block, size));
    fclose(file);
}

static void test_pages_are_up_to_date(void **state)
{
    for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
        struct buffer there, made;
        buffer_init(&there, MANUAL_SIZE_MAX);
        buffer_init(&made, MANUAL_SIZE_MAX);
        read_page(language, &there);
        manual_write(language, &made);
        assert_false(made.overflow);
        if (!slice_equal(buffer_slice(&there), buffer_slice(&made)))
            fail_msg("%s differs from the schema: run this program with \"write\" and commit", pages[language]);
        buffer_done(&there);
        buffer_done(&made);
    }
}

/* Every key stands there, with its default and what it may be. */
static void test_every_key(void **state)
{
    struct buffer made;
    buffer_init(&made, MANUAL_SIZE_MAX);
    manual_write(LANGUAGE_EN, &made);
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        char line[128];
        const struct schema_row *row = schema_row(key);
        if (row->type == SCHEMA_TLS_POLICY)
            continue;
        snprintf(line, sizeof line, "\n.TP\n.B %s\n", row->type == SCHEMA_LATER ? row->full_name : row->name);
        if (slice_find_slice(buffer_slice(&made), slice_of(line)) == made.size)
            fail_msg("%s is missing", row->full_name);
    }
    assert_true(slice_find_slice(buffer_slice(&made), SLICE("Default: after\\-remote\\-queue\n")) < made.size);
    assert_true(slice_find_slice(buffer_slice(&made), SLICE("From 5 to 100.\n")) < made.size);
    assert_true(slice_find_slice(buffer_slice(&made), SLICE("One of: direct, smarthost, direct\\-then\\-smarthost.\n")) <
                made.size);
    buffer_done(&made);
}

static int write_pages(void)
{
    for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
        char path[512];
        struct buffer made;
        buffer_init(&made, MANUAL_SIZE_MAX);
        manual_write(language, &made);
        path_of(language, path);
        FILE *file = fopen(path, "w");
        if (!file || fwrite(made.data, 1, made.size, file) != made.size || fclose(file) != 0) {
            perror(path);
            return 1;
        }
        buffer_done(&made);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_are_up_to_date),
        cmocka_unit_test(test_every_key),
    };
    if (argc > 1 && slice_equal(slice_of(argv[1]), SLICE("write")))
        return write_pages();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
