#include "config/schema.h"

#include <assert.h>
#include <stdio.h>

#include "base/now.h"
#include "config/place.h"
#include "config/value.h"

enum { NAME_SIZE_MAX = 64 }; /* of a key or section that somebody mistyped */

/* ---- the table ---- */

static const char *const languages[] = { "en", "fr", NULL };
static const char *const modes[] = { "direct", "smarthost", "direct-then-smarthost", NULL };
static const char *const smarthost_tls[] = { "auto", "required", "off", NULL };
static const char *const fallback_temp[] = { "after-remote-queue", "at-once", "never", NULL };
static const char *const fallback_policy[] = { "client", "no", "all", NULL };
static const char *const tls_demands[] = { "off", "required", "verified", NULL };

/* A row's type stands before its member, "TYPE_NUMBER(1, 5)(delivery.x)": the type's macro ends in the name of another
 * one, which takes the member: alone, or with what goes beside it. */
#define ALONE(member) .offset = offsetof(struct config, member)
#define COUNTED(member) .offset = offsetof(struct config, member), .beside = offsetof(struct config, member##_count)
#define SEALABLE(member) .offset = offsetof(struct config, member), .beside = offsetof(struct config, member##_unreadable)
#define NOWHERE(member) .offset = 0

#define TYPE_SWITCH .type = SCHEMA_SWITCH, ALONE
#define TYPE_NUMBER(from, to) .type = SCHEMA_NUMBER, .low = #from, .high = #to, ALONE
#define TYPE_SECONDS(from, to) .type = SCHEMA_DURATION, .unit_us = US_PER_SECOND, .low = from, .high = to, ALONE
#define TYPE_MINUTES(from, to) .type = SCHEMA_DURATION, .unit_us = US_PER_MINUTE, .low = from, .high = to, ALONE
#define TYPE_DAYS(from, to) .type = SCHEMA_DURATION, .unit_us = US_PER_DAY, .low = from, .high = to, ALONE
#define TYPE_SIZE(from, to) .type = SCHEMA_SIZE, .low = from, .high = to, ALONE
#define TYPE_TEXT .type = SCHEMA_TEXT, ALONE
#define TYPE_SECRET .type = SCHEMA_SECRET, .secret = true, SEALABLE
#define TYPE_HOST .type = SCHEMA_HOST, ALONE
#define TYPE_PATH .type = SCHEMA_PATH, ALONE
#define TYPE_ADDRESS .type = SCHEMA_ADDRESS, ALONE
#define TYPE_SERVER .type = SCHEMA_SERVER, ALONE
#define TYPE_LIST .type = SCHEMA_LIST, COUNTED
#define TYPE_LISTEN .type = SCHEMA_LISTEN, COUNTED
#define TYPE_NETWORKS .type = SCHEMA_NETWORKS, COUNTED
#define TYPE_DOMAINS .type = SCHEMA_DOMAINS, COUNTED
#define TYPE_SERVERS .type = SCHEMA_NAME_SERVERS, COUNTED
#define TYPE_LANGUAGE .type = SCHEMA_CHOICE, .choices = languages, ALONE
#define TYPE_MODE .type = SCHEMA_CHOICE, .choices = modes, ALONE
#define TYPE_SMARTHOST_TLS .type = SCHEMA_CHOICE, .choices = smarthost_tls, ALONE
#define TYPE_FALLBACK_TEMP .type = SCHEMA_CHOICE, .choices = fallback_temp, ALONE
#define TYPE_FALLBACK_POLICY .type = SCHEMA_CHOICE, .choices = fallback_policy, ALONE
#define TYPE_TLS_POLICY .type = SCHEMA_TLS_POLICY, .choices = tls_demands, COUNTED
#define TYPE_LATER .type = SCHEMA_LATER, NOWHERE
#define TYPE_LATER_SECRET .type = SCHEMA_LATER, .secret = true, NOWHERE

static const struct schema_row rows[CONFIG_KEY_COUNT] = {
    [CONFIG_KEY_NONE] = { .full_name = "", .section = "", .name = "", .type = SCHEMA_LATER, .fallback = "" },
#define KEY(id, in_section, key_name, kind, member, value)                                                             \
    [CONFIG_##id] = { .full_name = in_section "." key_name,                                                            \
                      .section = in_section,                                                                           \
                      .name = key_name,                                                                                \
                      .fallback = value,                                                                               \
                      .help = TEXT_KEY_##id,                                                                           \
                      TYPE_##kind(member) },
#include "config/schema_rows.h"
#undef KEY
};

const struct schema_row *schema_row(enum config_key key)
{
    assert(key < CONFIG_KEY_COUNT);
    return &rows[key];
}


/* ---- names ---- */

const char *config_key_name(enum config_key key)
{
    return schema_row(key)->full_name;
}

bool config_key_secret(enum config_key key)
{
    return schema_row(key)->secret;
}

enum config_key schema_find(struct slice section, struct slice name)
{
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        bool any = rows[key].type == SCHEMA_TLS_POLICY;
        if (slice_equal_nocase(section, slice_of(rows[key].section)) &&
            (any || slice_equal_nocase(name, slice_of(rows[key].name))))
            return key;
    }
    return CONFIG_KEY_NONE;
}

bool schema_section_exists(struct slice section)
{
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        if (slice_equal_nocase(section, slice_of(rows[key].section)))
            return true;
    }
    return false;
}

enum config_key config_key_find(struct slice name)
{
    size_t dot = slice_find(name, '.');
    return dot < name.size ? schema_find(slice_part(name, 0, dot), slice_after(name, dot + 1)) : CONFIG_KEY_NONE;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that make one of the other; case does not count. UINT32_MAX
 * where the lengths alone differ by more than max, and above NAME_SIZE_MAX, where nothing is near. */
static unsigned edit_distance(struct slice a, struct slice b, unsigned max)
{
    unsigned char d[NAME_SIZE_MAX + 1][NAME_SIZE_MAX + 1];
    if (a.size > NAME_SIZE_MAX || b.size > NAME_SIZE_MAX || a.size > b.size + max || b.size > a.size + max)
        return UINT32_MAX;
    for (size_t i = 0; i <= a.size; i++) {
        for (size_t j = 0; j <= b.size; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = (unsigned char)(i + j);
                continue;
            }
            bool same = lower(a.data[i - 1]) == lower(b.data[j - 1]);
            unsigned best = least(least(d[i - 1][j], d[i][j - 1]) + 1u, d[i - 1][j - 1] + !same);
            bool swapped = i > 1 && j > 1 && lower(a.data[i - 1]) == lower(b.data[j - 2]) &&
                           lower(a.data[i - 2]) == lower(b.data[j - 1]);
            d[i][j] = (unsigned char)(swapped ? least(best, d[i - 2][j - 2] + 1u) : best);
        }
    }
    return d[a.size][b.size];
}

/* How far one may be off: about a third of what was written. */
static unsigned distance_max(struct slice name)
{
    return name.size < 6 ? 2 : (unsigned)name.size / 3;
}

struct slice schema_section_nearest(struct slice section)
{
    const char *nearest = NULL;
    unsigned best = distance_max(section) + 1;
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        unsigned distance = edit_distance(section, slice_of(rows[key].section), best);
        if (distance < best) {
            best = distance;
            nearest = rows[key].section;
        }
    }
    return slice_of(nearest);
}

/* The same name in another section first, then what is nearest in its own section, then anywhere. */
enum config_key config_key_nearest(struct slice name)
{
    size_t dot = slice_find(name, '.');
    struct slice section = dot < name.size ? slice_part(name, 0, dot) : SLICE_EMPTY;
    struct slice own = dot < name.size ? slice_after(name, dot + 1) : name;
    enum config_key nearest = CONFIG_KEY_NONE;
    unsigned best = 2 * distance_max(own) + 2;
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        if (rows[key].type == SCHEMA_TLS_POLICY)
            continue;
        unsigned distance = edit_distance(own, slice_of(rows[key].name), distance_max(own));
        if (distance > distance_max(own))
            continue;
        distance = 2 * distance + !slice_equal_nocase(section, slice_of(rows[key].section));
        if (distance < best) {
            best = distance;
            nearest = key;
        }
    }
    return nearest;
}

/* ---- writing ---- */

void schema_add_choices(const struct schema_row *row, struct buffer *out)
{
    for (size_t i = 0; row->choices && row->choices[i]; i++) {
        buffer_add_text(out, i > 0 ? ", " : "");
        buffer_add_text(out, row->choices[i]);
    }
}

static void add_word(struct slice word, size_t index, struct buffer *out)
{
    if (index > 0)
        buffer_add_char(out, ' ');
    buffer_add(out, word);
}

static void write_list(const struct schema_row *row, const void *items, size_t count, struct buffer *out)
{
    char text[PLACE_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        if (row->type == SCHEMA_LISTEN)
            add_word(config_listen_format((const struct config_listen *)items + i, text), i, out);
        else if (row->type == SCHEMA_NETWORKS)
            add_word(config_network_format((const struct config_network *)items + i, text), i, out);
        else
            add_word(((const struct slice *)items)[i], i, out);
    }
}

static void write_tls_policies(const struct config *config, struct buffer *out)
{
    for (size_t i = 0; i < config->tls_policies_count; i++) {
        add_word(config->tls_policies[i].domain, i, out);
        buffer_add_char(out, '=');
        buffer_add_text(out, tls_demands[config->tls_policies[i].demand]);
    }
}

static void write_choice(const struct schema_row *row, const void *member, struct buffer *out)
{
    unsigned index;
    memcpy(&index, member, sizeof index);
    buffer_add_text(out, row->choices[index]);
}

static void write_secret(const struct schema_row *row, const struct config *config, const void *member, struct buffer *out)
{
    bool unreadable = *(const bool *)((const char *)config + row->beside);
    if (((const struct slice *)member)->size > 0 || unreadable)
        buffer_add_text(out, "(set)");
}

void config_value(const struct config *config, enum config_key key, struct buffer *out)
{
    const struct schema_row *row = schema_row(key);
    const void *member = (const char *)config + row->offset;
    const void *items;
    switch (row->type) {
    case SCHEMA_SWITCH:
        buffer_add_text(out, *(const bool *)member ? "yes" : "no");
        break;
    case SCHEMA_NUMBER:
        buffer_add_format(out, "%u", *(const uint32_t *)member);
        break;
    case SCHEMA_DURATION:
        duration_format(*(const int64_t *)member, row->unit_us, out);
        break;
    case SCHEMA_SIZE:
        size_format(*(const uint64_t *)member, out);
        break;
    case SCHEMA_CHOICE:
        write_choice(row, member, out);
        break;
    case SCHEMA_TEXT:
    case SCHEMA_HOST:
    case SCHEMA_PATH:
    case SCHEMA_ADDRESS:
        buffer_add(out, *(const struct slice *)member);
        break;
    case SCHEMA_SECRET:
        write_secret(row, config, member, out);
        break;
    case SCHEMA_SERVER:
        buffer_add(out, ((const struct config_server_place *)member)->written);
        break;
    case SCHEMA_LIST:
    case SCHEMA_LISTEN:
    case SCHEMA_NETWORKS:
    case SCHEMA_DOMAINS:
    case SCHEMA_NAME_SERVERS:
        memcpy(&items, member, sizeof items);
        write_list(row, items, *(const size_t *)((const char *)config + row->beside), out);
        break;
    case SCHEMA_TLS_POLICY:
        write_tls_policies(config, out);
        break;
    case SCHEMA_LATER:
        buffer_add_text(out, row->fallback);
        break;
    case SCHEMA_TYPE_COUNT:
        break;
    }
}
