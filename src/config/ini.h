/* The form of facteur.ini: sections, keys, comments, kept as they are so that a change touches one line only.
 *
 * "[Section]", "Key = value", comments on lines of their own that begin with ';' or '#'. A value goes to the end of the line
 * and is trimmed; in double quotes it keeps its blanks (and a doubled quote within stands for one). Names compare without
 * case. A key given twice in one section is an error of the reader above, who sees both. Lines end with LF or CRLF; NUL and
 * other controls are refused. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum { INI_LINE_SIZE_MAX = 16 << 10 };

enum ini_kind { INI_SECTION, INI_KEY, INI_WRONG, INI_END };

struct ini_item {
    enum ini_kind kind;
    uint32_t line;          /* from 1 */
    struct slice section;   /* the current one */
    struct slice key;
    struct slice value;     /* as written, trimmed, quotes and all; ini_unquote gives what it means */
    const char *wrong;      /* INI_WRONG: a short phrase */
};

struct ini_reader {
    struct slice rest;
    struct slice section;
    uint32_t line;
};

void ini_reader_init(struct ini_reader *reader, struct slice text);
void ini_reader_next(struct ini_reader *reader, struct ini_item *ret_item); /* INI_END for ever at the end */
/* Appends what the value means. ERR_SYNTAX: an open quote, or something behind the closing one. */
enum err ini_unquote(struct slice value, struct buffer *out);
/* Appends the value so that it is read back as it is: quoted where it must be. ERR_SYNTAX: it has a line end or control. */
enum err ini_quote(struct slice value, struct buffer *out);
/* Appends text with the key set: its line replaced, or added at the end of its section, or the section added at the end.
 * All else stays to the octet. */
enum err ini_set(struct slice text, struct slice section, struct slice key, struct slice value, struct buffer *out);
enum err ini_unset(struct slice text, struct slice section, struct slice key, struct buffer *out); /* the line goes */
enum err ini_remove_section(struct slice text, struct slice section, struct buffer *out);
