/* From the file's text to a configuration: the defaults first, then line by line, then what goes together. Every problem
 * is collected before the answer is given. */
#include <assert.h>
#include <stdlib.h>

#include "base/now.h"
#include "config/check.h"
#include "config/config.h"
#include "config/ini.h"
#include "config/problem.h"
#include "config/schema.h"
#include "config/secret.h"
#include "config/value.h"

enum { NAME_SIZE_MAX = 300 }; /* of "TlsPolicy." and a domain, for a problem's key */

struct parse {
    const struct config_source *source;
    struct config *config;
    struct config_problems *problems;
    bool section_known;
    bool wrong[CONFIG_KEY_COUNT];
    uint32_t places[CONFIG_KEY_COUNT]; /* of the key, or of its section, or the file's last line */
};

/* ---- telling ---- */

struct told {
    struct slice section, key; /* as they are to be shown */
    uint32_t line, earlier_line;
    enum config_key known;     /* CONFIG_KEY_NONE */
    struct slice value;        /* "" when it is a secret */
    enum config_key near;
};

static struct slice choices_of(struct parse *p, const struct schema_row *row)
{
    struct buffer names;
    buffer_init(&names, 256);
    schema_add_choices(row, &names);
    struct slice copy = arena_copy(&p->problems->arena, buffer_slice(&names));
    buffer_done(&names);
    return copy;
}

static void tell(struct parse *p, const struct told *told, struct wrong wrong)
{
    const struct schema_row *row = schema_row(told->known);
    struct buffer key;
    buffer_init(&key, 2 * NAME_SIZE_MAX + 2);
    buffer_add(&key, slice_part(told->section, 0, NAME_SIZE_MAX));
    if (told->section.size > 0 && told->key.size > 0)
        buffer_add_char(&key, '.');
    buffer_add(&key, slice_part(told->key, 0, NAME_SIZE_MAX));
    struct slice value = wrong.item.size > 0 ? wrong.item : told->value;
    const struct schema_row *near = schema_row(told->near);
    struct slice names = told->near != CONFIG_KEY_NONE ? slice_of(near->name) : choices_of(p, row);
    problem_add(p->problems,
                (struct problem_at){ .line = told->line, .key = buffer_slice(&key), .warning = wrong.warning }, wrong.what,
                wrong.remedy,
                TEXT_ARGUMENTS({ "value", problem_value(p->problems, value) }, { "names", names },
                               { "low", slice_of(row->low) }, { "high", slice_of(row->high) },
                               { "default", slice_of(row->fallback) }, { "section", slice_of(near->section) },
                               { "line", problem_number(p->problems, told->earlier_line) }));
    buffer_done(&key);
}

/* ---- sections and keys ---- */

static void note_section(struct parse *p, const struct ini_item *item)
{
    p->section_known = schema_section_exists(item->section);
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        if (p->places[key] == 0 && slice_equal_nocase(item->section, slice_of(schema_row(key)->section)))
            p->places[key] = item->line;
    }
    if (p->section_known)
        return;
    struct slice nearest = schema_section_nearest(item->section);
    problem_add(p->problems, (struct problem_at){ .line = item->line, .key = item->section }, TEXT_WRONG_SECTION,
                nearest.size > 0 ? TEXT_REMEDY_SECTION_NEAR : TEXT_REMEDY_SECTION,
                TEXT_ARGUMENTS({ "value", problem_value(p->problems, item->section) }, { "names", nearest }));
}

static void tell_unknown(struct parse *p, const struct ini_item *item)
{
    char name[NAME_SIZE_MAX];
    struct told told = { .section = item->section, .key = item->key, .line = item->line };
    struct wrong wrong = WRONG(KEY);
    if (item->section.size + 1 + item->key.size <= sizeof name) {
        struct buffer dotted;
        buffer_init(&dotted, sizeof name);
        buffer_add(&dotted, item->section);
        buffer_add_char(&dotted, '.');
        buffer_add(&dotted, item->key);
        told.near = config_key_nearest(buffer_slice(&dotted));
        buffer_done(&dotted);
    }
    if (told.near != CONFIG_KEY_NONE)
        wrong.remedy = slice_equal_nocase(item->key, slice_of(schema_row(told.near)->name)) ? TEXT_REMEDY_KEY_ELSEWHERE
                                                                                           : TEXT_REMEDY_KEY_NEAR;
    tell(p, &told, wrong);
}

static struct wrong read_value(struct parse *p, enum config_key key, struct slice text, struct told *told)
{
    struct config *config = p->config;
    if (schema_row(key)->type == SCHEMA_TLS_POLICY) {
        if (config->lines[key] == 0)
            config->lines[key] = p->places[key] = told->line;
        return schema_read_tls_policy(told->key, text, told->line, config, &told->earlier_line);
    }
    if (config->lines[key] > 0) {
        told->earlier_line = config->lines[key];
        return WRONG(TWICE);
    }
    config->lines[key] = p->places[key] = told->line;
    return schema_read(key, &(struct schema_input){ .text = text, .source = p->source }, config);
}

static void note_key(struct parse *p, const struct ini_item *item)
{
    enum config_key key = schema_find(item->section, item->key);
    if (item->section.size == 0)
        tell(p, &(struct told){ .key = item->key, .line = item->line }, WRONG(NO_SECTION));
    if (item->section.size == 0 || !p->section_known)
        return; /* of an unknown section, which was told: its keys say nothing more */
    if (key == CONFIG_KEY_NONE) {
        tell_unknown(p, item);
        return;
    }
    const struct schema_row *row = schema_row(key);
    bool named = row->type == SCHEMA_TLS_POLICY;
    struct told told = { .section = slice_of(row->section),
                         .key = named ? item->key : slice_of(row->name),
                         .line = item->line,
                         .known = key };
    struct buffer value;
    buffer_init(&value, INI_LINE_SIZE_MAX);
    buffer_reserve(&value, item->value.size); /* it may be a secret: no copy is left behind by growing */
    struct wrong wrong = WRONG(QUOTE);
    if (ini_unquote(item->value, &value) == ERR_OK) {
        told.value = row->secret ? SLICE_EMPTY : buffer_slice(&value);
        wrong = read_value(p, key, buffer_slice(&value), &told);
    }
    if (wrong.what != TEXT_NONE) {
        p->wrong[key] |= !wrong.warning;
        tell(p, &told, wrong);
    }
    if (row->secret)
        secret_wipe_buffer(&value);
    buffer_done(&value);
}

static void read_lines(struct parse *p)
{
    struct ini_reader reader;
    struct ini_item item;
    ini_reader_init(&reader, p->source->text);
    for (ini_reader_next(&reader, &item); item.kind != INI_END; ini_reader_next(&reader, &item)) {
        if (item.kind == INI_SECTION)
            note_section(p, &item);
        else if (item.kind == INI_KEY)
            note_key(p, &item);
        else
            problem_add(p->problems, (struct problem_at){ .line = item.line }, item.wrong, TEXT_REMEDY_INI, NULL, 0);
    }
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        if (p->places[key] == 0)
            p->places[key] = item.line > 0 ? item.line : 1;
    }
}

/* ---- the whole ---- */

static void set_defaults(struct config *config, const struct config_source *source)
{
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        struct schema_input input = { .text = slice_of(schema_row(key)->fallback), .source = source };
        struct wrong wrong = schema_read(key, &input, config);
        assert(wrong.what == TEXT_NONE);
    }
}

static int compare_policies(const void *a, const void *b)
{
    return slice_compare(((const struct config_tls_policy *)a)->domain, ((const struct config_tls_policy *)b)->domain);
}

/* What depends on other keys, and the order that config_tls_policy_of searches in. */
static void complete(struct config *config)
{
    if (config->tls_policies_count > 0)
        qsort(config->tls_policies, config->tls_policies_count, sizeof *config->tls_policies, compare_policies);
    if (config->server.postmaster.size > 0 || config->server.name.size == 0)
        return;
    struct slice at = SLICE("postmaster@");
    char *text = arena_alloc(&config->arena, at.size + config->server.name.size);
    memcpy(text, at.data, at.size);
    memcpy(text + at.size, config->server.name.data, config->server.name.size);
    config->server.postmaster = slice(text, at.size + config->server.name.size);
}

static void parse_text(struct parse *p)
{
    if (p->source->text.size > CONFIG_FILE_SIZE_MAX) {
        problem_add(p->problems, (struct problem_at){ .line = 1 }, TEXT_WRONG_FILE_SIZE, TEXT_REMEDY_FILE_SIZE,
                    TEXT_ARGUMENTS({ "high", SLICE("1M") }));
        return;
    }
    read_lines(p);
    complete(p->config);
    config_check_all(&(struct config_check){ .config = p->config,
                                             .source = p->source,
                                             .problems = p->problems,
                                             .wrong = p->wrong,
                                             .places = p->places });
}

struct config *config_parse(const struct config_source *source, struct config_problems *problems)
{
    uint32_t errors = problems->error_count;
    struct config *config = mem_alloc(sizeof *config);
    arena_init(&config->arena);
    config->file = arena_copy(&config->arena, source->file);
    set_defaults(config, source);
    problems->language = source->language;
    struct parse p = { .source = source, .config = config, .problems = problems };
    parse_text(&p);
    if (problems->error_count == errors)
        return config;
    config_free(config);
    return NULL;
}

bool config_resolvers_equal(const struct config *a, const struct config *b)
{
    if (a->dns.servers_count != b->dns.servers_count || !slice_equal(a->dns.trust_anchor_file, b->dns.trust_anchor_file))
        return false;
    for (size_t i = 0; i < a->dns.servers_count; i++) {
        if (!slice_equal(a->dns.servers[i], b->dns.servers[i]))
            return false;
    }
    return true;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        const struct schema_row *row = schema_row(key);
        if (row->type == SCHEMA_SECRET)
            secret_wipe(*(struct slice *)((char *)config + row->offset));
    }
    arena_done(&config->arena);
    mem_free(config);
}
