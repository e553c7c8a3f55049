/* Everything that can be wrong with a configuration: the fragment, and the lines that facteurd -t prints for it. */
#include "util.h"

#include <stdlib.h>

#include "config/ini.h"
#include "config/schema.h"

#define HEAD "[Server]\nName = mta.example.org\n"

static const struct {
    const char *text, *expected;
} vectors[] = {
#include "problems_table.h"
};

enum { VECTORS = sizeof vectors / sizeof vectors[0] };

static bool met[TEXT_COUNT]; /* by the tests so far; the last one looks */

static void parse_vector(size_t i, enum language language, struct parsed *p)
{
    char text[8192];
    bool whole = vectors[i].text[0] == '!';
    int size = snprintf(text, sizeof text, "%s%s", whole ? "" : HEAD, vectors[i].text + whole);
    assert_in_range(size, 0, (int)sizeof text - 1);
    parse(text, language, p);
}

static void test_what_is_told(void **state)
{
    for (size_t i = 0; i < VECTORS; i++) {
        struct parsed p;
        parse_vector(i, LANGUAGE_EN, &p);
        if (!slice_equal(buffer_slice(&p.lines), slice_of(vectors[i].expected)))
            fail_msg("%s\ngives\n%.*sin the place of\n%s", vectors[i].text, SLICE_ARG(buffer_slice(&p.lines)),
                     vectors[i].expected);
        note_texts(&p.problems, met);
        parsed_done(&p);
    }
}

/* The same problems, lines and keys in the other language, and never the same sentence. */
static void test_in_french(void **state)
{
    for (size_t i = 0; i < VECTORS; i++) {
        struct parsed en, fr;
        parse_vector(i, LANGUAGE_EN, &en);
        parse_vector(i, LANGUAGE_FR, &fr);
        assert_true(en.problems.count > 0);
        assert_int_equal(en.problems.count, fr.problems.count);
        assert_int_equal(en.problems.error_count, fr.problems.error_count);
        for (uint32_t k = 0; k < en.problems.count; k++) {
            const struct config_problem *a = &en.problems.items[k], *b = &fr.problems.items[k];
            assert_int_equal(a->line, b->line);
            assert_int_equal(a->warning, b->warning);
            assert_true(slice_equal(a->key, b->key));
            assert_false(slice_equal(a->what, b->what));
            assert_false(slice_equal(a->remedy, b->remedy));
        }
        parsed_done(&en);
        parsed_done(&fr);
    }
}

/* What is a secret, or may hold one, is not repeated (S08). */
static void test_no_secret_is_told(void **state)
{
    static const char *const files[] = {
        HEAD "[Delivery]\nSmartHostPassword = \"canary\n",
        HEAD "[Delivery]\nSmartHostPassword = canary\nSmartHostPassword = canary\n",
        HEAD "[Delivery]\nPopPassword = canary\nOAuthClientSecret = canary\nOAuthRefreshToken = canary\n",
        HEAD "[Delivery]\nSmartHost = smtps://me:canary@relay.example.net\n",
        HEAD "[Delivery]\nSmartHostPassword = sealed:canary\n",
        HEAD "[Delivery]\ncanary\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct parsed p;
        parse(files[i], LANGUAGE_EN, &p);
        assert_null(p.config);
        assert_true(slice_find_slice(buffer_slice(&p.lines), SLICE("canary")) == p.lines.size);
        note_texts(&p.problems, met);
        parsed_done(&p);
    }
}

/* ---- every key ---- */

/* A value that each type refuses; NULL: the type takes any text. */
static const char *wrong_value(const struct schema_row *row)
{
    switch (row->type) {
    case SCHEMA_TEXT:
    case SCHEMA_SECRET:
        return NULL;
    case SCHEMA_PATH:
        return "relative/path";
    case SCHEMA_LIST:
        return "a/b";
    default:
        return "?!";
    }
}

static void test_every_key_refuses(void **state)
{
    size_t count = 0;
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        char text[256], start[128];
        struct parsed p;
        const struct schema_row *row = schema_row(key);
        const char *value = wrong_value(row);
        if (!value)
            continue;
        const char *name = row->type == SCHEMA_TLS_POLICY ? "example.org" : row->name;
        bool own = key == CONFIG_SERVER_NAME;
        snprintf(text, sizeof text, "%s\n\n[%s]\n%s = %s\n", own ? "" : HEAD, row->section, name, value);
        snprintf(start, sizeof start, "facteur.ini:%d: %s.%s: ", own ? 4 : 6, row->section, name);
        parse(text, LANGUAGE_EN, &p);
        assert_int_equal(p.problems.count, 1);
        assert_int_equal(p.problems.error_count, 1);
        if (!slice_starts_with(buffer_slice(&p.lines), slice_of(start)))
            fail_msg("%.*s", SLICE_ARG(buffer_slice(&p.lines)));
        parsed_done(&p);
        count++;
    }
    assert_int_equal(count, CONFIG_KEY_COUNT - 1 - 2); /* all but the user name and the password */
}

/* The limits of every number, duration and size, from both sides. */
static void test_every_limit(void **state)
{
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        const struct schema_row *row = schema_row(key);
        if (!row->low)
            continue;
        uint64_t low = strtoull(row->low, NULL, 10), high = strtoull(row->high, NULL, 10);
        const char *low_unit = row->low + strspn(row->low, "0123456789");
        const char *high_unit = row->high + strspn(row->high, "0123456789");
        for (int i = 0; i < 4; i++) {
            char text[256];
            struct parsed p;
            if (i == 0 && low == 0)
                continue; /* there is nothing below */
            snprintf(text, sizeof text, HEAD "[RetryQueue]\n[%s]\n%s = %llu%s\n", row->section, row->name,
                     (unsigned long long)(i == 0 ? low - 1 : i == 1 ? low : i == 2 ? high : high + 1),
                     i < 2 ? low_unit : high_unit);
            parse(text, LANGUAGE_EN, &p);
            if ((p.config != NULL) != (i == 1 || i == 2))
                fail_msg("%s: %.*s", text, SLICE_ARG(buffer_slice(&p.lines)));
            parsed_done(&p);
        }
    }
}

/* ---- names ---- */

static void test_nearest(void **state)
{
    static const struct {
        const char *name;
        enum config_key nearest;
    } names[] = {
        { "Delivery.Mode", CONFIG_DELIVERY_MODE },
        { "delivery.MODE", CONFIG_DELIVERY_MODE },
        { "Delivery.Mdoe", CONFIG_DELIVERY_MODE },
        { "Server.Mode", CONFIG_DELIVERY_MODE },
        { "Mode", CONFIG_DELIVERY_MODE },
        { "Inbound.CommandTimout", CONFIG_INBOUND_COMMAND_TIMEOUT },
        { "Outbound.CommandTimout", CONFIG_OUTBOUND_COMMAND_TIMEOUT },
        { "Delivery.SmarthostPasword", CONFIG_DELIVERY_SMARTHOST_PASSWORD },
        { "Delivery.BounceOnFirst5x", CONFIG_DELIVERY_BOUNCE_ON_FIRST_5XX },
        { "RetryQueue.GiveUp", CONFIG_KEY_NONE },
        { "AUTH.ISPAUTHUsePassword", CONFIG_AUTH_ISP_AUTH_USE_PASSWORDS },
        { "Server.Completely", CONFIG_KEY_NONE },
        { "", CONFIG_KEY_NONE },
        { ".", CONFIG_KEY_NONE },
    };
    char longer[400];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (config_key_nearest(slice_of(names[i].name)) != names[i].nearest)
            fail_msg("%s: %s", names[i].name, config_key_name(config_key_nearest(slice_of(names[i].name))));
    }
    memset(longer, 'a', sizeof longer);
    assert_int_equal(config_key_nearest(slice(longer, sizeof longer)), CONFIG_KEY_NONE);
    assert_int_equal(config_key_find(SLICE("dELIVERY.mODE")), CONFIG_DELIVERY_MODE);
    assert_int_equal(config_key_find(SLICE("TlsPolicy.example.org")), CONFIG_TLS_POLICY);
    assert_int_equal(config_key_find(SLICE("Delivery.Mod")), CONFIG_KEY_NONE);
    assert_int_equal(config_key_find(SLICE("Delivery")), CONFIG_KEY_NONE);
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++)
        assert_int_equal(config_key_find(slice_of(config_key_name(key))), key);
    assert_string_equal(config_key_name(CONFIG_KEY_NONE), "");
}

/* One letter left out, doubled, changed, or two swapped: the key is found again, for every key. */
static void test_every_slip_is_understood(void **state)
{
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        const struct schema_row *row = schema_row(key);
        size_t size = strlen(row->name);
        if (size < 5)
            continue; /* another short name may be as near */
        for (size_t at = 0; at + 1 < size; at++) {
            char slips[4][160];
            int rest = (int)(size - at);
            snprintf(slips[0], 160, "%s.%.*s%.*s", row->section, (int)at, row->name, rest, row->name + at + 1);
            snprintf(slips[1], 160, "%s.%.*s%c%.*s", row->section, (int)at, row->name, row->name[at], rest, row->name + at);
            snprintf(slips[2], 160, "%s.%.*sx%.*s", row->section, (int)at, row->name, rest, row->name + at + 1);
            snprintf(slips[3], 160, "%s.%.*s%c%c%.*s", row->section, (int)at, row->name, row->name[at + 1], row->name[at],
                     rest, row->name + at + 2);
            for (size_t i = at % 2; i < 4; i += 2) { /* every other one: it takes its time */
                enum config_key nearest = config_key_nearest(slice_of(slips[i]));
                if (key == CONFIG_LISTEN_SUBMISSIONS && nearest == CONFIG_LISTEN_SUBMISSION)
                    continue; /* "Submissios" is as near to both */
                if (nearest != key)
                    fail_msg("%s: %s", slips[i], config_key_name(nearest));
            }
        }
    }
}

/* ---- bounds ---- */

static void test_at_most_so_many_are_told(void **state)
{
    struct buffer text;
    struct parsed p;
    buffer_init(&text, 1 << 16);
    buffer_add_text(&text, HEAD);
    for (int i = 0; i < CONFIG_PROBLEMS_MAX + 50; i++)
        buffer_add_format(&text, "Key%d = 1\n", i);
    buffer_add_char(&text, '\0');
    parse(text.data, LANGUAGE_EN, &p);
    assert_int_equal(p.problems.count, CONFIG_PROBLEMS_MAX);
    assert_int_equal(p.problems.error_count, CONFIG_PROBLEMS_MAX + 50);
    parsed_done(&p);
    buffer_done(&text);
}

/* Whatever a file says stays within its line and is cut to a bearable length (S21). */
static void test_values_are_made_safe(void **state)
{
    static const char expected[] = "facteur.ini:3: Listen.Relay: “\\xff\\u{202e}evil";
    struct buffer text;
    struct parsed p;
    buffer_init(&text, 1 << 16);
    buffer_add_text(&text, HEAD "[Listen]\nRelay = \xff\u202e" "evil");
    for (int i = 0; i < 10000; i++)
        buffer_add_text(&text, "é");
    buffer_add_text(&text, "\n");
    buffer_add_char(&text, '\0');
    parse(text.data, LANGUAGE_EN, &p);
    assert_int_equal(p.problems.count, 1);
    assert_true(slice_find_slice(buffer_slice(&p.lines), slice_after(slice_of(expected), 28)) < p.lines.size);
    assert_in_range(p.lines.size, 200, 600);
    assert_true(slice_find_slice(buffer_slice(&p.lines), SLICE("é...”")) < p.lines.size);
    parsed_done(&p);
    buffer_done(&text);
}

static void test_too_large(void **state)
{
    struct parsed p;
    char *text = malloc(CONFIG_FILE_SIZE_MAX + 2);
    memset(text, ';', CONFIG_FILE_SIZE_MAX + 1);
    text[CONFIG_FILE_SIZE_MAX + 1] = '\0';
    parse(text, LANGUAGE_EN, &p);
    assert_null(p.config);
    assert_string_equal(p.problems.count == 1 ? "one" : "more", "one");
    assert_true(slice_equal(buffer_slice(&p.lines),
                            SLICE("facteur.ini:1: the file is larger than 1M; give the name of the right file\n")));
    note_texts(&p.problems, met);
    parsed_done(&p);
    for (size_t i = 0; i < CONFIG_FILE_SIZE_MAX; i++)
        text[i] = i % 2 ? '\n' : ';';
    text[CONFIG_FILE_SIZE_MAX] = '\0';
    parse(text, LANGUAGE_EN, &p); /* as large as it may be: nothing but comments, so the name is missing */
    assert_int_equal(p.problems.count, 1);
    parsed_done(&p);
    free(text);
}

static void test_lists_have_limits(void **state)
{
    static const struct {
        const char *key;
        int count_max;
    } lists[] = { { "[Domains]\nLocal =", CONFIG_DOMAINS_MAX },
                  { "[Relay]\nNetworks =", CONFIG_NETWORKS_MAX },
                  { "[Listen]\nSubmission =", CONFIG_LISTENS_MAX } };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (int more = 0; more < 2; more++) {
            struct buffer text;
            struct parsed p;
            buffer_init(&text, 1 << 20);
            buffer_add_format(&text, "%s%s", HEAD, lists[i].key);
            for (int k = 0; k < lists[i].count_max + more; k++)
                buffer_add_format(&text, i == 0 ? " d%d.org" : i == 1 ? " 10.0.0.%d" : " 127.0.0.1:%d", i == 2 ? k + 600 : k % (i == 1 ? 256 : 100000));
            buffer_add_char(&text, '\0');
            parse(text.data, LANGUAGE_EN, &p);
            assert_int_equal(p.config == NULL, more);
            assert_int_equal(p.problems.count, more);
            note_texts(&p.problems, met);
            parsed_done(&p);
            buffer_done(&text);
        }
    }
}

static void test_a_line_has_a_limit(void **state)
{
    struct buffer text;
    buffer_init(&text, 3 * INI_LINE_SIZE_MAX);
    buffer_add_text(&text, "x = ");
    for (size_t i = 0; i < INI_LINE_SIZE_MAX; i++)
        buffer_add_char(&text, 'a');
    struct ini_reader reader;
    struct ini_item item;
    ini_reader_init(&reader, buffer_slice(&text));
    ini_reader_next(&reader, &item);
    assert_int_equal(item.kind, INI_WRONG);
    assert_int_equal(item.wrong, TEXT_INI_LINE_LONG);
    met[TEXT_INI_LINE_LONG] = true; /* a configuration is never that large */
    buffer_done(&text);
}

/* ---- secrets ---- */

struct secrets {
    enum err err;      /* what reading or opening gives */
    const char *gives;
};

static enum err read_secret(void *context, const char *path, struct buffer *out)
{
    const struct secrets *secrets = context;
    assert_string_equal(path, "/run/secret");
    buffer_add_text(out, secrets->gives);
    return secrets->err;
}

static enum err open_secret(void *context, struct slice sealed, struct buffer *out)
{
    const struct secrets *secrets = context;
    assert_true(slice_equal(sealed, SLICE("sealed:1:abc")));
    buffer_add_text(out, secrets->gives);
    return secrets->err;
}

#define LOGIN HEAD "[Delivery]\nMode = smarthost\nSmartHost = relay.example.net\nSmartHostAuth = yes\nSmartHostUser = u\n" \
                   "SmartHostPassword = "

static void parse_secret(const char *value, struct secrets secrets, struct parsed *p)
{
    char text[512];
    snprintf(text, sizeof text, LOGIN "%s\n", value);
    struct config_source source = { .file = SLICE("facteur.ini"),
                                    .text = slice_of(text),
                                    .read_secret = read_secret,
                                    .open_secret = open_secret,
                                    .context = &secrets };
    parse_source(&source, p);
    note_texts(&p->problems, met);
}

static void test_secrets(void **state)
{
    static char large[5000];
    memset(large, 'x', sizeof large - 1);
    static const struct {
        const char *value, *gives;
        enum err err;
        const char *password;    /* NULL: refused */
        bool unreadable;
        const char *what;        /* "" : nothing */
    } cases[] = {
        { "pass;word # 1", "", 0, "pass;word # 1", false, "" },
        { "\" pass \"\"word\"\" \"", "", 0, " pass \"word\" ", false, "" },
        { "file:/run/secret", "hidden", 0, "hidden", false, "" },
        { "file:/run/secret", " hidden ", 0, " hidden ", false, "" },
        { "file:/run/secret", "", 0, NULL, false, "the first line of “/run/secret” is empty" },
        { "file:/run/secret", "", ERR_NOT_FOUND, NULL, false, "the file “/run/secret” cannot be read" },
        { "file:/run/secret", "part", ERR_IO, NULL, false, "the file “/run/secret” cannot be read" },
        { "file:/run/secret", large, 0, NULL, false, "the secret is longer than 4,096 octets" },
        { "file:/run/secret", "", ERR_TOO_LARGE, NULL, false, "the secret is longer than 4,096 octets" },
        { "sealed:1:abc", "", ERR_TOO_LARGE, NULL, false, "the secret is longer than 4,096 octets" },
        { "file:run/secret", "", 0, NULL, false, "in “file:PATH”, the path must be absolute" },
        { "sealed:1:abc", "hidden", 0, "hidden", false, "" },
        { "sealed:1:abc", "", ERR_SYNTAX, NULL, false, "the sealed value is damaged" },
        { "sealed:1:abc", "", ERR_NEWER_FORMAT, NULL, false, "the value was sealed by a later version of facteur" },
        { "sealed:1:abc", "", ERR_NOT_FOUND, "", true,
          "the key that opens the sealed value is missing or another one: the login counts as failed" },
        { "sealed:1:abc", "", ERR_CORRUPT, "", true,
          "the key that opens the sealed value is missing or another one: the login counts as failed" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed p;
        parse_secret(cases[i].value, (struct secrets){ cases[i].err, cases[i].gives }, &p);
        assert_int_equal(p.config != NULL, cases[i].password != NULL);
        assert_int_equal(p.problems.count, cases[i].what[0] != '\0');
        if (p.problems.count > 0) {
            assert_true(slice_equal(p.problems.items[0].what, slice_of(cases[i].what)));
            assert_true(slice_equal(p.problems.items[0].key, SLICE("Delivery.SmartHostPassword")));
            assert_int_equal(p.problems.items[0].line, 8);
        }
        if (p.config) {
            struct buffer shown;
            buffer_init(&shown, 100);
            config_value(p.config, CONFIG_DELIVERY_SMARTHOST_PASSWORD, &shown);
            assert_true(slice_equal(buffer_slice(&shown), SLICE("(set)")));
            buffer_done(&shown);
            assert_true(slice_equal(p.config->delivery.smarthost_password, slice_of(cases[i].password)));
            assert_int_equal(p.config->delivery.smarthost_password_unreadable, cases[i].unreadable);
        }
        parsed_done(&p);
    }
}

static void test_long_text(void **state)
{
    struct buffer text;
    struct parsed p;
    buffer_init(&text, 1 << 16);
    buffer_add_text(&text, HEAD "[Delivery]\nSmartHostUser = ");
    for (int i = 0; i < 1025; i++)
        buffer_add_char(&text, 'u');
    buffer_add_char(&text, '\0');
    parse(text.data, LANGUAGE_EN, &p);
    assert_null(p.config);
    note_texts(&p.problems, met);
    parsed_done(&p);
    buffer_done(&text);
}

static void test_every_text_was_met(void **state)
{
    assert_all_met(met, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told),
        cmocka_unit_test(test_in_french),
        cmocka_unit_test(test_no_secret_is_told),
        cmocka_unit_test(test_every_key_refuses),
        cmocka_unit_test(test_every_limit),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_every_slip_is_understood),
        cmocka_unit_test(test_at_most_so_many_are_told),
        cmocka_unit_test(test_values_are_made_safe),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_lists_have_limits),
        cmocka_unit_test(test_a_line_has_a_limit),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_every_text_was_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
