/* facteur.ini and accounts.ini of any octets: a configuration or errors, never both; each problem is one line without a
 * control; a value that is written is read back, and nothing else of the file changes. */
#include "fuzz.h"

#include "base/codec.h"
#include "config/account.h"
#include "config/config.h"
#include "config/ini.h"
#include "config/schema.h"

enum { TEXT_SIZE_MAX = 1 << 20 };

static enum err no_secret(void *context, struct slice sealed, struct buffer *out)
{
    (void)context;
    (void)out;
    return sealed.size % 2 ? ERR_NOT_FOUND : ERR_CORRUPT;
}

static void check_problems(const struct config_problems *problems)
{
    struct buffer out;
    uint32_t errors = 0;
    buffer_init(&out, TEXT_SIZE_MAX);
    for (uint32_t i = 0; i < problems->count; i++) {
        errors += !problems->items[i].warning;
        buffer_clear(&out);
        config_problem_format(SLICE("facteur.ini"), &problems->items[i], &out);
        for (struct slice rest = buffer_slice(&out); rest.size > 0;) {
            uint32_t number;
            size_t size = utf8_next(rest, &number);
            assert(size > 0 && number >= ' ' && number != 0x7f && number != 0x2028);
            rest = slice_after(rest, size);
        }
    }
    assert(errors <= problems->error_count && (errors > 0) == (problems->error_count > 0));
    buffer_done(&out);
}

/* As facteur.ini, from what is shown; a secret is shown as set only, so another one stands for it. */
static void write_out(const struct config *config, struct buffer *out)
{
    struct buffer value;
    buffer_init(&value, TEXT_SIZE_MAX);
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        const struct schema_row *row = schema_row(key);
        buffer_clear(&value);
        config_value(config, key, &value);
        if (row->type == SCHEMA_TLS_POLICY || (row->secret && value.size == 0))
            continue;
        buffer_add_format(out, "[%s]\n%s = ", row->section, row->name);
        enum err err = ini_quote(row->secret ? SLICE("x") : buffer_slice(&value), out);
        assert(err == ERR_OK);
        buffer_add_char(out, '\n');
    }
    buffer_add_text(out, "[TlsPolicy]\n");
    for (size_t i = 0; i < config->tls_policies_count; i++) {
        const struct config_tls_policy *policy = &config->tls_policies[i];
        assert(config_tls_policy_of(config, policy->domain) == policy);
        buffer_add_format(out, "%.*s = %s\n", SLICE_ARG(policy->domain),
                          schema_row(CONFIG_TLS_POLICY)->choices[policy->demand]);
    }
    buffer_done(&value);
}

/* What is shown can be written, and is then the same configuration. */
static void round_trip(const struct config *config)
{
    struct config_problems problems;
    struct buffer first, second;
    buffer_init(&first, TEXT_SIZE_MAX);
    buffer_init(&second, TEXT_SIZE_MAX);
    write_out(config, &first);
    assert(!first.overflow);
    struct config_source source = { .file = SLICE("facteur.ini"), .text = buffer_slice(&first) };
    config_problems_init(&problems);
    struct config *again = config_parse(&source, &problems);
    assert(again != NULL);
    write_out(again, &second);
    assert(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    config_free(again);
    config_problems_done(&problems);
    buffer_done(&first);
    buffer_done(&second);
}

static void parse_config(struct slice text, enum language language)
{
    struct config_problems problems;
    struct config_source source = {
        .file = SLICE("facteur.ini"), .text = text, .language = language, .open_secret = no_secret
    };
    struct buffer out;
    config_problems_init(&problems);
    buffer_init(&out, TEXT_SIZE_MAX);
    struct config *config = config_parse(&source, &problems);
    assert((config == NULL) == (problems.error_count > 0));
    check_problems(&problems);
    for (int key = 0; config != NULL && key < CONFIG_KEY_COUNT; key++) {
        buffer_clear(&out);
        config_value(config, (enum config_key)key, &out);
        assert(slice_find(buffer_slice(&out), '\n') == out.size);
    }
    if (config != NULL)
        round_trip(config);
    config_free(config);
    config_problems_done(&problems);
    buffer_done(&out);
}

static void parse_accounts(struct slice text, const struct config *config, enum language language)
{
    struct config_problems problems;
    struct accounts_source source = { .file = SLICE("accounts.ini"),
                                      .text = text,
                                      .config = config,
                                      .language = language,
                                      .hash_key = { 1, 2 },
                                      .open_secret = no_secret };
    config_problems_init(&problems);
    struct accounts *accounts = accounts_parse(&source, &problems);
    assert((accounts == NULL) == (problems.error_count > 0));
    check_problems(&problems);
    for (size_t i = 0; accounts != NULL && i < accounts->count; i++)
        assert(accounts_find_text(accounts, accounts->items[i].address) == &accounts->items[i]);
    accounts_free(accounts);
    config_problems_done(&problems);
}

static bool has(struct slice text, struct slice section, struct slice key, struct slice *ret_value)
{
    struct ini_reader reader;
    struct ini_item item;
    bool found = false;
    ini_reader_init(&reader, text);
    do {
        ini_reader_next(&reader, &item);
        if (item.kind == INI_KEY && slice_equal_nocase(item.section, section) && slice_equal_nocase(item.key, key)) {
            found = true;
            *ret_value = item.value;
        }
    } while (item.kind != INI_END);
    return found;
}

static uint32_t count_lines(struct slice text)
{
    uint32_t count = 0;
    while (text.size > 0) {
        count++;
        slice_split(&text, '\n');
    }
    return count;
}

/* `value` is any octets: written, it comes back; unset, it is gone. */
static void edit(struct slice text, struct slice value)
{
    struct buffer changed, back, quoted;
    struct slice section = SLICE("Delivery"), key = SLICE("SmartHost"), found = SLICE_EMPTY;
    buffer_init(&changed, TEXT_SIZE_MAX);
    buffer_init(&back, TEXT_SIZE_MAX);
    buffer_init(&quoted, TEXT_SIZE_MAX);
    enum err err = ini_quote(value, &quoted);
    assert(err == ERR_OK || (err == ERR_SYNTAX && quoted.size == 0));
    if (err == ERR_OK) {
        assert(ini_unquote(buffer_slice(&quoted), &back) == ERR_OK && slice_equal(buffer_slice(&back), value));
        buffer_clear(&back);
    }
    err = ini_set(text, section, key, value, &changed);
    assert(err == ERR_OK || changed.size == 0);
    if (err == ERR_OK) {
        assert(has(buffer_slice(&changed), section, key, &found));
        uint32_t lines = count_lines(buffer_slice(&changed));
        assert(lines >= count_lines(text) && lines <= count_lines(text) + 3);
        if (ini_unset(buffer_slice(&changed), section, key, &back) == ERR_OK)
            assert(count_lines(buffer_slice(&back)) < lines);
    }
    buffer_done(&changed);
    buffer_done(&back);
    buffer_done(&quoted);
}

static const struct config *plain_config(void)
{
    static struct config *config;
    if (config == NULL) {
        struct config_problems problems;
        struct config_source source = { .file = SLICE("facteur.ini") };
        source.text = SLICE("[Server]\nName = mx.test\nDataDir = /tmp/data\n[Domains]\nLocal = y.org\n");
        config_problems_init(&problems);
        config = config_parse(&source, &problems);
        assert(config != NULL);
        config_problems_done(&problems);
    }
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor(slice(data, size));
    uint8_t flags = cursor_u8(&c);
    enum language language = flags & 1 ? LANGUAGE_FR : LANGUAGE_EN;
    if (c.rest.size > 20000)
        return 0;
    if (flags & 2)
        parse_accounts(c.rest, plain_config(), language);
    else
        parse_config(c.rest, language);
    size_t cut = c.rest.size > 0 ? (uint8_t)c.rest.data[0] % (c.rest.size + 1) : 0;
    edit(slice_after(c.rest, cut), slice_part(c.rest, 0, cut));
    return 0;
}
