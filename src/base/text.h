/* What people are told, in English and French: one row a sentence in base/text_rows.h, named by its id.
 *
 * A text may hold places, {name}, filled in by text_format from named arguments; both languages have the same ones
 * (tests/base/test_text). French follows French typography: ’, no-break spaces before : ; ? ! and within « ». */
#pragma once

#include "base/bytes.h"

enum language { LANGUAGE_EN, LANGUAGE_FR, LANGUAGE_COUNT };

enum text_id {
    TEXT_NONE,
#define TEXT(id, english, french) TEXT_##id,
#include "base/text_rows.h"
#undef TEXT
    TEXT_COUNT,
};

struct text_argument {
    const char *name;
    struct slice value; /* put in as it is: whoever writes to a terminal or a notice has made it safe */
};

const char *text_get(enum text_id id, enum language language); /* never NULL; "" for TEXT_NONE */
/* Appends the text; a place without an argument is a programmer's error. */
void text_format(struct buffer *out, enum language language, enum text_id id, const struct text_argument *arguments,
                 size_t count);
/* TEXT_ARGUMENTS({ "host", host }, { "code", code }) gives the last two arguments of text_format. */
#define TEXT_ARGUMENTS(...)                                                                                            \
    (const struct text_argument[]){ __VA_ARGS__ },                                                                     \
        sizeof((const struct text_argument[]){ __VA_ARGS__ }) / sizeof(struct text_argument)
enum language language_of_name(struct slice name); /* "fr", "fr_FR.UTF-8", "French": French; all else English */
