/* How each type of value is read. A reader writes its member only when the value is right; the place of the member comes
 * from the row. */
#include "config/schema.h"

#include <assert.h>
#include <stdlib.h>

#include "base/now.h"
#include "config/place.h"
#include "config/secret.h"
#include "config/value.h"

enum {
    TEXT_VALUE_SIZE_MAX = 1024,
    PATH_SIZE_MAX = 4095,
    LIST_MAX = 256,
};

/* ---- single values ---- */

struct reading {
    const struct schema_row *row;
    struct slice text;
    const struct config_source *source;
    struct config *config;
};

static void *target_of(const struct reading *r)
{
    return (char *)r->config + r->row->offset;
}

static struct wrong with_item(struct wrong wrong, struct slice item)
{
    wrong.item = item;
    return wrong;
}

/* Where an empty value is wrong, that is what is wrong with it. */
static struct wrong empty_or(struct wrong wrong, struct slice text)
{
    if (wrong.what != TEXT_NONE && text.size == 0)
        wrong.what = TEXT_WRONG_EMPTY;
    return wrong;
}

static struct wrong read_switch(const struct reading *r)
{
    return switch_parse(r->text, target_of(r)) ? RIGHT : WRONG(SWITCH);
}

static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    bool ok = slice_to_u64(slice_of(text), UINT64_MAX, &number);
    assert(ok);
    return number;
}

static struct wrong read_number(const struct reading *r)
{
    uint64_t number;
    if (!slice_to_u64(r->text, UINT32_MAX, &number) || number < number_of(r->row->low) ||
        number > number_of(r->row->high))
        return WRONG(NUMBER);
    *(uint32_t *)target_of(r) = (uint32_t)number;
    return RIGHT;
}

static struct wrong read_duration(const struct reading *r)
{
    int64_t low = 0, high = 0, us;
    bool ok = duration_parse(slice_of(r->row->low), r->row->unit_us, &low) &&
              duration_parse(slice_of(r->row->high), r->row->unit_us, &high);
    assert(ok);
    if (!duration_parse(r->text, r->row->unit_us, &us))
        return r->row->unit_us == US_PER_SECOND   ? WRONG(SECONDS)
               : r->row->unit_us == US_PER_MINUTE ? WRONG(MINUTES)
                                                  : WRONG(DAYS);
    if (us < low || us > high)
        return WRONG(RANGE);
    *(int64_t *)target_of(r) = us;
    return RIGHT;
}

static struct wrong read_size(const struct reading *r)
{
    uint64_t low = 0, high = 0, bytes;
    bool ok = size_parse(slice_of(r->row->low), &low) && size_parse(slice_of(r->row->high), &high);
    assert(ok);
    if (!size_parse(r->text, &bytes))
        return WRONG(SIZE);
    if (bytes < low || bytes > high)
        return WRONG(RANGE);
    *(uint64_t *)target_of(r) = bytes;
    return RIGHT;
}

static bool choice_find(const char *const *choices, struct slice text, unsigned *ret_index)
{
    for (unsigned i = 0; choices[i]; i++) {
        if (slice_equal_nocase(text, slice_of(choices[i]))) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static struct wrong read_choice(const struct reading *r)
{
    unsigned index;
    if (!choice_find(r->row->choices, r->text, &index))
        return WRONG(CHOICE);
    memcpy(target_of(r), &index, sizeof index); /* the enums have the size of unsigned, see below */
    return RIGHT;
}

_Static_assert(sizeof(enum config_mode) == sizeof(unsigned) && sizeof(enum language) == sizeof(unsigned) &&
                   sizeof(enum config_smarthost_tls) == sizeof(unsigned) &&
                   sizeof(enum config_fallback_temp) == sizeof(unsigned) &&
                   sizeof(enum config_fallback_policy) == sizeof(unsigned),
               "a choice is stored as unsigned");

static struct wrong read_text(const struct reading *r)
{
    if (r->text.size > TEXT_VALUE_SIZE_MAX)
        return WRONG(TEXT);
    *(struct slice *)target_of(r) = arena_copy(&r->config->arena, r->text);
    return RIGHT;
}

static bool path_valid(struct slice text)
{
    return text.size > 0 && text.size <= PATH_SIZE_MAX && text.data[0] == '/';
}

static struct wrong read_path(const struct reading *r)
{
    struct slice path = r->text;
    if (path.size > 0 && !path_valid(path))
        return WRONG(PATH);
    while (path.size > 1 && path.data[path.size - 1] == '/')
        path.size--;
    *(struct slice *)target_of(r) = arena_copy(&r->config->arena, path);
    return RIGHT;
}

static struct wrong read_host(const struct reading *r)
{
    char key[ADDRESS_DOMAIN_SIZE_MAX];
    struct slice name = SLICE_EMPTY;
    if (r->text.size > 0 && !host_name_key(r->text, key, &name))
        return WRONG(HOST);
    *(struct slice *)target_of(r) = arena_copy(&r->config->arena, name);
    return RIGHT;
}

static struct wrong read_address(const struct reading *r)
{
    struct address address;
    address_set_null(&address);
    if (r->text.size > 0 && (address_parse(r->text, ADDRESS_UTF8, &address) != ERR_OK || address.utf8))
        return WRONG(ADDRESS);
    *(struct slice *)target_of(r) = arena_copy(&r->config->arena, address_mailbox(&address));
    return RIGHT;
}

static struct wrong read_server(const struct reading *r)
{
    return server_place_parse(r->text, &r->config->arena, target_of(r));
}

static struct wrong read_later(const struct reading *r)
{
    bool on;
    bool no = slice_equal_nocase(slice_of(r->row->fallback), SLICE("no")) && switch_parse(r->text, &on) && !on;
    if (no || r->text.size == 0 || slice_equal_nocase(r->text, slice_of(r->row->fallback)))
        return RIGHT;
    struct wrong wrong = WRONG(LATER);
    if (r->row->fallback[0] == '\0')
        wrong.remedy = TEXT_REMEDY_LATER_EMPTY;
    return wrong;
}

/* ---- secrets ---- */

static struct wrong read_secret_file(const struct reading *r, struct buffer *out)
{
    struct slice path = slice_trim(slice_after(r->text, 5));
    if (!path_valid(path))
        return with_item(WRONG(SECRET_PATH), path);
    if (!r->source->read_secret)
        return with_item(WRONG(SECRET_FILE_HERE), path);
    char terminated[PATH_SIZE_MAX + 1];
    memcpy(terminated, path.data, path.size);
    terminated[path.size] = '\0';
    enum err err = r->source->read_secret(r->source->context, terminated, out);
    if (err == ERR_TOO_LARGE || out->overflow)
        return WRONG(SECRET_LONG);
    if (err != ERR_OK)
        return with_item(WRONG(SECRET_FILE), path);
    return out->size > 0 ? RIGHT : with_item(WRONG(SECRET_FILE_EMPTY), path);
}

static struct wrong read_sealed(const struct reading *r, struct buffer *out)
{
    if (!r->source->open_secret)
        return WRONG(SEALED_HERE);
    switch (r->source->open_secret(r->source->context, r->text, out)) {
    case ERR_OK:
        return RIGHT;
    case ERR_NOT_FOUND:
    case ERR_CORRUPT:
        *(bool *)((char *)r->config + r->row->beside) = true;
        return (struct wrong){ .what = TEXT_WARN_SEALED_KEY, .remedy = TEXT_REMEDY_SEALED_KEY, .warning = true };
    case ERR_NEWER_FORMAT:
        return WRONG(SEALED_NEWER);
    case ERR_TOO_LARGE:
        return WRONG(SECRET_LONG);
    default:
        return WRONG(SEALED);
    }
}

static struct wrong read_secret(const struct reading *r)
{
    struct buffer secret;
    struct wrong wrong = RIGHT;
    buffer_init(&secret, SECRET_SIZE_MAX);
    buffer_reserve(&secret, SECRET_SIZE_MAX); /* at once: growing would leave copies behind */
    if (slice_starts_with(r->text, SLICE("file:")))
        wrong = read_secret_file(r, &secret);
    else if (secret_is_sealed(r->text))
        wrong = read_sealed(r, &secret);
    else
        buffer_add(&secret, r->text);
    if (wrong.what == TEXT_NONE && secret.overflow)
        wrong = WRONG(SECRET_LONG);
    if (wrong.what == TEXT_NONE)
        *(struct slice *)target_of(r) = arena_copy(&r->config->arena, buffer_slice(&secret));
    secret_wipe_buffer(&secret);
    buffer_done(&secret);
    return wrong;
}

/* ---- lists ---- */

static struct wrong read_list_item(const struct reading *r, struct slice item, struct slice *target)
{
    if (item.size > TEXT_VALUE_SIZE_MAX || slice_find(item, '/') < item.size)
        return WRONG(LIST);
    *target = arena_copy(&r->config->arena, item);
    return RIGHT;
}

static struct wrong read_domain(const struct reading *r, struct slice item, struct slice *target)
{
    char key[ADDRESS_DOMAIN_SIZE_MAX];
    struct slice domain;
    if (!host_name_key(item, key, &domain))
        return WRONG(DOMAIN);
    *target = arena_copy(&r->config->arena, domain);
    return RIGHT;
}

static struct wrong read_item(const struct reading *r, struct slice item, void *target)
{
    switch (r->row->type) {
    case SCHEMA_LISTEN:
        return config_listen_parse(item, target);
    case SCHEMA_NETWORKS:
        return config_network_parse(item, target);
    case SCHEMA_DOMAINS:
        return read_domain(r, item, target);
    case SCHEMA_NAME_SERVERS:
        return name_server_parse(item, &r->config->arena, target);
    default:
        return read_list_item(r, item, target);
    }
}

static const struct list_form {
    size_t size;  /* of an item */
    size_t count_max;
} list_forms[SCHEMA_TYPE_COUNT] = {
    [SCHEMA_LIST] = { sizeof(struct slice), LIST_MAX },
    [SCHEMA_LISTEN] = { sizeof(struct config_listen), CONFIG_LISTENS_MAX },
    [SCHEMA_NETWORKS] = { sizeof(struct config_network), CONFIG_NETWORKS_MAX },
    [SCHEMA_DOMAINS] = { sizeof(struct slice), CONFIG_DOMAINS_MAX },
    [SCHEMA_NAME_SERVERS] = { sizeof(struct slice), CONFIG_SERVERS_MAX },
};

static struct slice take_word(struct slice *rest)
{
    size_t size = 0;
    *rest = slice_trim(*rest);
    while (size < rest->size && rest->data[size] != ' ' && rest->data[size] != '\t')
        size++;
    struct slice word = slice_part(*rest, 0, size);
    *rest = slice_after(*rest, size);
    return word;
}

static size_t count_words(struct slice text)
{
    size_t count = 0;
    while (take_word(&text).size > 0)
        count++;
    return count;
}

static struct wrong read_items(const struct reading *r)
{
    const struct list_form *form = &list_forms[r->row->type];
    size_t count = count_words(r->text);
    if (count > form->count_max)
        return WRONG(TOO_MANY);
    char *items = count > 0 ? arena_alloc_array(&r->config->arena, count, form->size) : NULL;
    struct slice rest = r->text;
    for (size_t i = 0; i < count; i++) {
        struct slice item = take_word(&rest);
        struct wrong wrong = read_item(r, item, items + i * form->size);
        if (wrong.what != TEXT_NONE)
            return with_item(wrong, item);
    }
    memcpy(target_of(r), &items, sizeof items);
    *(size_t *)((char *)r->config + r->row->beside) = count;
    return RIGHT;
}

static int compare_slices(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* Sorted for the search; the same one twice does no harm and is kept once. */
static struct wrong read_domains(const struct reading *r)
{
    struct wrong wrong = read_items(r);
    struct slice *domains = *(struct slice **)target_of(r);
    size_t *count = (size_t *)((char *)r->config + r->row->beside);
    if (wrong.what != TEXT_NONE || *count == 0)
        return wrong;
    qsort(domains, *count, sizeof *domains, compare_slices);
    size_t kept = 1;
    for (size_t i = 1; i < *count; i++) {
        if (!slice_equal(domains[i], domains[kept - 1]))
            domains[kept++] = domains[i];
    }
    *count = kept;
    return RIGHT;
}

/* ---- [TlsPolicy] ---- */

static void add_tls_policy(struct config *config, const struct config_tls_policy *policy)
{
    size_t count = config->tls_policies_count;
    if ((count & (count - 1)) == 0) { /* 0, 1, 2, 4 ...: room for as many again */
        struct config_tls_policy *grown = arena_array(&config->arena, struct config_tls_policy, count > 0 ? 2 * count : 1);
        if (count > 0)
            memcpy(grown, config->tls_policies, count * sizeof *grown);
        config->tls_policies = grown;
    }
    config->tls_policies[config->tls_policies_count++] = *policy;
}

struct wrong schema_read_tls_policy(struct slice domain, struct slice text, uint32_t line, struct config *config,
                                    uint32_t *ret_earlier_line)
{
    char key[ADDRESS_DOMAIN_SIZE_MAX];
    struct config_tls_policy policy = { .domain = domain, .line = line };
    unsigned demand;
    if (!slice_equal(domain, SLICE("*")) && !host_name_key(domain, key, &policy.domain))
        return with_item(WRONG(TLS_POLICY_DOMAIN), domain);
    if (!choice_find(schema_row(CONFIG_TLS_POLICY)->choices, text, &demand))
        return empty_or(WRONG(CHOICE), text);
    for (size_t i = 0; i < config->tls_policies_count; i++) {
        if (slice_equal(config->tls_policies[i].domain, policy.domain)) {
            *ret_earlier_line = config->tls_policies[i].line;
            return WRONG(TWICE);
        }
    }
    if (config->tls_policies_count == CONFIG_DOMAINS_MAX)
        return WRONG(TOO_MANY);
    policy.demand = (enum config_tls_demand)demand;
    policy.domain = arena_copy(&config->arena, policy.domain);
    add_tls_policy(config, &policy);
    return RIGHT;
}

static struct wrong read_nothing(const struct reading *r)
{
    assert(r->text.size == 0); /* the default; lines are read by schema_read_tls_policy */
    return RIGHT;
}

struct wrong schema_read(enum config_key key, const struct schema_input *input, struct config *config)
{
    static struct wrong (*const readers[SCHEMA_TYPE_COUNT])(const struct reading *) = {
        [SCHEMA_SWITCH] = read_switch,   [SCHEMA_NUMBER] = read_number,       [SCHEMA_DURATION] = read_duration,
        [SCHEMA_SIZE] = read_size,       [SCHEMA_CHOICE] = read_choice,       [SCHEMA_TEXT] = read_text,
        [SCHEMA_SECRET] = read_secret,   [SCHEMA_HOST] = read_host,           [SCHEMA_PATH] = read_path,
        [SCHEMA_ADDRESS] = read_address, [SCHEMA_SERVER] = read_server,       [SCHEMA_LIST] = read_items,
        [SCHEMA_LISTEN] = read_items,    [SCHEMA_NETWORKS] = read_items,      [SCHEMA_DOMAINS] = read_domains,
        [SCHEMA_NAME_SERVERS] = read_items, [SCHEMA_TLS_POLICY] = read_nothing, [SCHEMA_LATER] = read_later,
    };
    assert(key > CONFIG_KEY_NONE && key < CONFIG_KEY_COUNT);
    struct reading r = { .row = schema_row(key), .text = input->text, .source = input->source, .config = config };
    return empty_or(readers[r.row->type](&r), input->text);
}
