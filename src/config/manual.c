#include "config/manual.h"

#include "base/now.h"
#include "config/schema.h"

enum { LINE_SIZE_MAX = 100, PHRASE_SIZE_MAX = 1024 };

/* Backslashes, hyphens that must stay what they are when copied, and what a line of roff may not begin with. */
static void add_escaped(struct buffer *out, struct slice text)
{
    if (text.size > 0 && (text.data[0] == '.' || text.data[0] == '\'')) /* as a word may come to stand first */
        buffer_add_text(out, "\\&");
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\\')
            buffer_add_text(out, "\\e");
        else if (text.data[i] == '-')
            buffer_add_text(out, "\\-");
        else
            buffer_add_char(out, text.data[i]);
    }
}

/* In lines of a bearable length, so that a change of a word changes a line. */
static void add_prose(struct buffer *out, struct slice text)
{
    size_t column = 0;
    while (text.size > 0) {
        struct slice word = slice_split(&text, ' ');
        bool breaks = column > 0 && column + 1 + word.size > LINE_SIZE_MAX;
        if (column > 0)
            buffer_add_char(out, breaks ? '\n' : ' ');
        column = breaks ? 0 : column;
        add_escaped(out, word);
        column += word.size + 1;
    }
    buffer_add_char(out, '\n');
}

static void add_heading(struct buffer *out, const char *macro, struct slice text)
{
    buffer_add_text(out, macro);
    buffer_add_text(out, " \"");
    add_escaped(out, text);
    buffer_add_text(out, "\"\n");
}

static void add_paragraph(struct buffer *out, enum language language, enum text_id id)
{
    buffer_add_text(out, ".PP\n");
    add_prose(out, slice_of(text_get(id, language)));
}

static void add_section(struct buffer *out, enum language language, enum text_id heading)
{
    add_heading(out, ".SH", slice_of(text_get(heading, language)));
}

/* "One of: ...", "From ... to ...": what the value may be, as far as the type has such a sentence. */
static void add_values(struct buffer *out, enum language language, const struct schema_row *row)
{
    struct buffer phrase, names;
    buffer_init(&phrase, PHRASE_SIZE_MAX);
    buffer_init(&names, PHRASE_SIZE_MAX);
    schema_add_choices(row, &names);
    if (row->choices)
        text_format(&phrase, language, TEXT_MANUAL_CHOICES, TEXT_ARGUMENTS({ "names", buffer_slice(&names) }));
    else if (row->low)
        text_format(&phrase, language, TEXT_MANUAL_RANGE,
                    TEXT_ARGUMENTS({ "low", slice_of(row->low) }, { "high", slice_of(row->high) }));
    if (row->type == SCHEMA_DURATION) {
        buffer_add_char(&phrase, ' ');
        buffer_add_text(&phrase, text_get(row->unit_us == US_PER_SECOND   ? TEXT_MANUAL_UNIT_SECONDS
                                          : row->unit_us == US_PER_MINUTE ? TEXT_MANUAL_UNIT_MINUTES
                                                                          : TEXT_MANUAL_UNIT_DAYS,
                                          language));
    }
    if (phrase.size > 0)
        add_prose(out, buffer_slice(&phrase));
    buffer_done(&names);
    buffer_done(&phrase);
}

static void add_default(struct buffer *out, enum language language, const struct schema_row *row)
{
    struct buffer phrase;
    buffer_init(&phrase, PHRASE_SIZE_MAX);
    if (row->fallback[0] == '\0')
        buffer_add_text(&phrase, text_get(TEXT_MANUAL_DEFAULT_EMPTY, language));
    else
        text_format(&phrase, language, TEXT_MANUAL_DEFAULT, TEXT_ARGUMENTS({ "default", slice_of(row->fallback) }));
    buffer_add_text(out, ".br\n");
    add_prose(out, buffer_slice(&phrase));
    buffer_done(&phrase);
}

static void add_key(struct buffer *out, enum language language, const struct schema_row *row)
{
    bool each_line = row->type == SCHEMA_TLS_POLICY, later = row->type == SCHEMA_LATER;
    buffer_add_text(out, ".TP\n.B ");
    add_escaped(out, slice_of(each_line ? text_get(TEXT_MANUAL_DOMAIN, language) : later ? row->full_name : row->name));
    buffer_add_char(out, '\n');
    add_prose(out, slice_of(text_get(row->help, language)));
    add_values(out, language, row);
    if (!each_line)
        add_default(out, language, row);
}

static void add_keys(struct buffer *out, enum language language, bool later)
{
    const char *section = "";
    for (enum config_key key = CONFIG_KEY_NONE + 1; key < CONFIG_KEY_COUNT; key++) {
        const struct schema_row *row = schema_row(key);
        if ((row->type == SCHEMA_LATER) != later)
            continue;
        if (!later && !slice_equal(slice_of(section), slice_of(row->section))) {
            struct buffer heading;
            section = row->section;
            buffer_init(&heading, PHRASE_SIZE_MAX);
            buffer_add_format(&heading, "[%s]", section);
            add_heading(out, ".SS", buffer_slice(&heading));
            buffer_done(&heading);
        }
        add_key(out, language, row);
    }
}

static void add_checks(struct buffer *out, enum language language)
{
    struct buffer text;
    buffer_init(&text, PHRASE_SIZE_MAX);
    text_format(&text, language, TEXT_MANUAL_CHECKS, TEXT_ARGUMENTS({ "form", SLICE("FILE:LINE: KEY: PROBLEM; REMEDY") }));
    add_prose(out, buffer_slice(&text));
    buffer_done(&text);
}

void manual_write(enum language language, struct buffer *out)
{
    buffer_add_text(out, ".\\\" Written from src/config/schema_rows.h and src/base/text_rows_keys.h: change those, and see "
                         "tests/config/test_manual.c.\n.TH FACTEUR.INI 5 \"\" facteur\n");
    add_section(out, language, TEXT_MANUAL_SECTION_NAME);
    buffer_add_text(out, "facteur.ini \\- ");
    add_prose(out, slice_of(text_get(TEXT_MANUAL_TITLE, language)));
    add_section(out, language, TEXT_MANUAL_SECTION_DESCRIPTION);
    add_prose(out, slice_of(text_get(TEXT_MANUAL_DESCRIPTION, language)));
    add_section(out, language, TEXT_MANUAL_SECTION_FORM);
    add_prose(out, slice_of(text_get(TEXT_MANUAL_FORM_LINES, language)));
    add_paragraph(out, language, TEXT_MANUAL_FORM_VALUES);
    add_section(out, language, TEXT_MANUAL_SECTION_KEYS);
    add_keys(out, language, false);
    add_section(out, language, TEXT_MANUAL_SECTION_LATER);
    add_prose(out, slice_of(text_get(TEXT_MANUAL_LATER, language)));
    add_keys(out, language, true);
    add_section(out, language, TEXT_MANUAL_SECTION_CHECKS);
    add_checks(out, language);
    add_section(out, language, TEXT_MANUAL_SECTION_SEE_ALSO);
    buffer_add_text(out, ".BR facteur (1),\n.BR facteurd (8)\n");
}
