/* A configuration read in a test, with its problems as lines of text. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "config/config.h"

struct parsed {
    struct config *config; /* NULL: refused */
    struct config_problems problems;
    struct buffer lines;   /* as facteurd -t prints them */
};

static inline void parsed_done(struct parsed *p)
{
    config_free(p->config);
    config_problems_done(&p->problems);
    buffer_done(&p->lines);
}

static inline void add_problem_lines(struct slice file, const struct config_problems *problems, struct buffer *out)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        config_problem_format(file, &problems->items[i], out);
        buffer_add_char(out, '\n');
    }
}

static inline void parse_source(const struct config_source *source, struct parsed *p)
{
    config_problems_init(&p->problems);
    buffer_init(&p->lines, 1 << 20);
    p->config = config_parse(source, &p->problems);
    assert_int_equal(p->config == NULL, p->problems.error_count > 0);
    add_problem_lines(source->file, &p->problems, &p->lines);
}

static inline void parse(const char *text, enum language language, struct parsed *p)
{
    struct config_source source = { .file = SLICE("facteur.ini"), .text = slice_of(text), .language = language };
    parse_source(&source, p);
}

/* With the problems shown when it is not as expected. */
static inline struct config *parse_good(const char *text, struct parsed *p)
{
    parse(text, LANGUAGE_EN, p);
    if (p->problems.count > 0)
        fail_msg("%.*s", SLICE_ARG(buffer_slice(&p->lines)));
    return p->config;
}

/* ---- which texts were met ---- */

/* Whether a text is an instance of the row, whose places stand for anything. */
static inline bool text_matches(struct slice row, struct slice text)
{
    bool open_start = false;
    while (row.size > 0) {
        size_t brace = slice_find(row, '{');
        struct slice fixed = slice_part(row, 0, brace);
        size_t at = slice_find_slice(text, fixed);
        if (fixed.size > text.size || (at > 0 && !open_start) || (fixed.size > 0 && at == text.size))
            return false;
        if (brace == row.size && fixed.size > 0) /* the end: the last place of it */
            return slice_equal(slice_after(text, text.size - fixed.size), fixed) && (open_start || text.size == fixed.size);
        text = slice_after(text, at + fixed.size);
        row = slice_after(row, brace);
        row = slice_after(row, slice_find(row, '}') + 1);
        open_start = true;
    }
    return open_start || text.size == 0;
}

static inline void note_texts(const struct config_problems *problems, bool met[static TEXT_COUNT])
{
    for (uint32_t i = 0; i < problems->count; i++) {
        for (int id = 1; id < TEXT_COUNT; id++) {
            struct slice row = slice_of(text_get(id, problems->items[i].language));
            met[id] |= text_matches(row, problems->items[i].what) || text_matches(row, problems->items[i].remedy);
        }
    }
}

/* All rows of what can be wrong: with accounts, or with the rest. */
static inline void assert_all_met(const bool met[static TEXT_COUNT], bool accounts)
{
    static const struct {
        enum text_id id;
        const char *name;
    } rows[] = {
#define TEXT(id, english, french) { TEXT_##id, #id },
#include "base/text_rows_config.h"
#undef TEXT
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice name = slice_of(rows[i].name);
        bool ours = slice_starts_with(name, SLICE("WRONG_")) || slice_starts_with(name, SLICE("WARN_")) ||
                    slice_starts_with(name, SLICE("REMEDY_")) || slice_starts_with(name, SLICE("INI_"));
        bool of_accounts = slice_find_slice(name, SLICE("_ACCOUNT")) < name.size &&
                           slice_find_slice(name, SLICE("LOGIN_ACCOUNTS_ONLY")) == name.size;
        if (ours && of_accounts == accounts && !met[rows[i].id])
            fail_msg("no test meets %s", rows[i].name);
    }
}
