/* The form of facteur.ini: sections, keys, comments, kept as they are so that a change touches one line only.
 *
 * "[Section]", "Key = value", comments on lines of their own that begin with ';' or '#'. A value goes to the end of the line
 * and is trimmed; in double quotes it keeps its blanks (and a doubled quote within stands for one). Names compare without
 * case. A section's name goes to the last "]" of its line, because accounts may be called "user@[192.0.2.1]". A key given
 * twice in one section is an error of the reader above, who sees both. Lines end with LF or CRLF; NUL and other controls
 * but the tab are refused; a byte order mark in front is passed over.
 *
 * Pure: text in, text out. Called by config/parse and config/account, and by whoever saves a change. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"

enum { INI_LINE_SIZE_MAX = 1 << 20 };

enum ini_kind { INI_SECTION, INI_KEY, INI_WRONG, INI_END };

struct ini_item {
    enum ini_kind kind;
    uint32_t line;          /* from 1 */
    struct slice section;   /* the current one */
    struct slice key;
    struct slice value;     /* as written, trimmed, quotes and all; ini_unquote gives what it means */
    enum text_id wrong;     /* INI_WRONG: what is wrong, without places to fill in */
};

struct ini_reader {
    struct slice rest;
    struct slice section;
    uint32_t line;
};

void ini_reader_init(struct ini_reader *reader, struct slice text);
void ini_reader_next(struct ini_reader *reader, struct ini_item *ret_item); /* INI_END for ever at the end */
/* Appends what the value means. ERR_SYNTAX: an open quote, or something behind the closing one; nothing is appended. */
enum err ini_unquote(struct slice value, struct buffer *out);
/* Appends the value so that it is read back as it is: quoted where it must be. ERR_SYNTAX: it has a line end or control. */
enum err ini_quote(struct slice value, struct buffer *out);

/* The edits append the whole changed text; nothing on failure. All but what they speak of stays to the octet, save that a
 * last line without an end gets one when something follows it. ERR_SYNTAX: a name or value that cannot be written;
 * ERR_TOO_LARGE: out is full. */

/* The key's line replaced, or added behind the last key of its section, or the section added at the end. */
enum err ini_set(struct slice text, struct slice section, struct slice key, struct slice value, struct buffer *out);
/* The line goes. ERR_NOT_FOUND. */
enum err ini_unset(struct slice text, struct slice section, struct slice key, struct buffer *out);
/* From the header to the last key, and the empty lines that follow. Comments behind them stay: they may belong to what
 * comes next. ERR_NOT_FOUND. */
enum err ini_remove_section(struct slice text, struct slice section, struct buffer *out);
