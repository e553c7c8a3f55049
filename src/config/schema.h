/* The schema as a table: what a key is called, how its value is read and written, what it may be.
 *
 * The rows are in config/schema_rows.h; what a key means for people is its help text. Called by config/parse, and by
 * whoever shows or documents keys (commands, the manual, the web form). */
#pragma once

#include "config/config.h"
#include "config/problem.h"

enum schema_type {
    SCHEMA_SWITCH,
    SCHEMA_NUMBER,
    SCHEMA_DURATION,
    SCHEMA_SIZE,
    SCHEMA_CHOICE,
    SCHEMA_TEXT,
    SCHEMA_SECRET,
    SCHEMA_HOST,
    SCHEMA_PATH,
    SCHEMA_ADDRESS,
    SCHEMA_SERVER,
    SCHEMA_LIST,         /* the list types: several values separated by blanks */
    SCHEMA_LISTEN,
    SCHEMA_NETWORKS,
    SCHEMA_DOMAINS,
    SCHEMA_NAME_SERVERS,
    SCHEMA_TLS_POLICY,   /* each line of its section: "domain = demand" */
    SCHEMA_LATER,        /* belongs to a later version: nothing but its default is accepted */
    SCHEMA_TYPE_COUNT,
};

struct schema_row {
    const char *full_name;       /* "Delivery.Mode" */
    const char *section, *name;
    enum schema_type type;
    bool secret;
    const char *fallback;        /* the default, as it would be written */
    const char *low, *high;      /* of numbers, durations, sizes, as written; else NULL */
    int64_t unit_us;             /* of a bare number in a duration */
    const char *const *choices;  /* of a choice, ended by NULL; in the order of its enum */
    size_t offset;               /* of the member in struct config */
    size_t beside;               /* of the member that goes with it: a list's count, a secret's "unreadable" */
    enum text_id help;
};

/* For CONFIG_NONE a row of empty texts. */
const struct schema_row *schema_row(enum config_key key);
enum config_key schema_find(struct slice section, struct slice name); /* in any case; CONFIG_NONE */
bool schema_section_exists(struct slice section);
struct slice schema_section_nearest(struct slice section); /* "" when none is near */

struct schema_input {
    struct slice text;                  /* unquoted */
    const struct config_source *source; /* for secrets */
};

/* Reads one value into config, whose slices are then in its arena. Not for SCHEMA_TLS_POLICY, which is read by line. */
struct wrong schema_read(enum config_key key, const struct schema_input *input, struct config *config);
/* One line of [TlsPolicy]. *ret_earlier_line is set when the domain has a line already. */
struct wrong schema_read_tls_policy(struct slice domain, struct slice text, uint32_t line, struct config *config,
                                    uint32_t *ret_earlier_line);
/* Appends "yes, no" or "direct, smarthost": what a choice may be. */
void schema_add_choices(const struct schema_row *row, struct buffer *out);
