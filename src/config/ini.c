/* A file is lines; a line is understood by itself, but for the section it stands in:
 *
 *     file    = [ BOM ] *( line ( LF / CRLF ) ) [ line ]
 *     line    = blanks [ comment / section / key ] blanks
 *     comment = ( ";" / "#" ) anything
 *     section = "[" name "]"
 *     key     = name blanks "=" blanks [ value ]
 *     value   = DQUOTE *( any but DQUOTE / 2DQUOTE ) DQUOTE / text that does not begin with DQUOTE
 *
 * An edit walks the lines once to find where it applies, then copies what is before, writes, and copies what is behind:
 * so nothing else can change. */
#include "config/ini.h"

enum line_kind { LINE_EMPTY, LINE_COMMENT, LINE_SECTION, LINE_KEY, LINE_WRONG };

struct line {
    enum line_kind kind;
    struct slice whole;  /* with its end */
    struct slice end;    /* "\n", "\r\n", or "" at the end of the file */
    struct slice name;   /* of the section or the key */
    struct slice value;  /* trimmed */
    enum text_id wrong;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim(struct slice s)
{
    while (s.size > 0 && is_blank(s.data[0]))
        s = slice_after(s, 1);
    while (s.size > 0 && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static void line_wrong(struct line *line, enum text_id wrong)
{
    line->kind = LINE_WRONG;
    line->wrong = wrong;
}

static void line_understand(struct line *line, struct slice text)
{
    bool comment = text.size > 0 && (text.data[0] == ';' || text.data[0] == '#');
    size_t equals = slice_find(text, '=');
    if (text.size == 0) {
        line->kind = LINE_EMPTY;
    } else if (comment) {
        line->kind = LINE_COMMENT;
    } else if (text.data[0] == '[') {
        line->kind = LINE_SECTION;
        line->name = trim(slice_part(text, 1, text.size - 2));
        if (text.data[text.size - 1] != ']')
            line_wrong(line, TEXT_INI_SECTION_OPEN);
        else if (line->name.size == 0)
            line_wrong(line, TEXT_INI_SECTION_EMPTY);
    } else if (equals == text.size) {
        line_wrong(line, TEXT_INI_NOT_A_LINE);
    } else {
        line->kind = LINE_KEY;
        line->name = trim(slice_part(text, 0, equals));
        line->value = trim(slice_after(text, equals + 1));
        if (line->name.size == 0)
            line_wrong(line, TEXT_INI_KEY_EMPTY);
    }
}

/* Takes the next line off the front; false at the end. */
static bool line_take(struct slice *rest, struct line *line)
{
    *line = (struct line){ .kind = LINE_EMPTY };
    if (rest->size == 0)
        return false;
    size_t feed = slice_find(*rest, '\n');
    line->whole = slice_part(*rest, 0, feed + 1);
    *rest = slice_after(*rest, line->whole.size);
    struct slice text = slice_part(line->whole, 0, feed);
    if (text.size > 0 && text.data[text.size - 1] == '\r' && feed < line->whole.size)
        text.size--;
    line->end = slice_after(line->whole, text.size);
    if (text.size > INI_LINE_SIZE_MAX)
        line_wrong(line, TEXT_INI_LINE_LONG);
    else if (has_control(text))
        line_wrong(line, TEXT_INI_CONTROL);
    else
        line_understand(line, trim(text));
    return true;
}

static size_t mark_size(struct slice text)
{
    return slice_starts_with(text, SLICE("\xef\xbb\xbf")) ? 3 : 0;
}

/* ---- reading ---- */

void ini_reader_init(struct ini_reader *reader, struct slice text)
{
    *reader = (struct ini_reader){ .rest = slice_after(text, mark_size(text)) };
}

void ini_reader_next(struct ini_reader *reader, struct ini_item *ret_item)
{
    struct line line;
    do {
        if (!line_take(&reader->rest, &line)) {
            *ret_item = (struct ini_item){ .kind = INI_END, .line = reader->line, .section = reader->section };
            return;
        }
        reader->line++;
    } while (line.kind == LINE_EMPTY || line.kind == LINE_COMMENT);
    if (line.kind == LINE_SECTION)
        reader->section = line.name;
    *ret_item = (struct ini_item){ .kind = line.kind == LINE_SECTION ? INI_SECTION
                                           : line.kind == LINE_KEY   ? INI_KEY
                                                                     : INI_WRONG,
                                   .line = reader->line,
                                   .section = reader->section,
                                   .wrong = line.wrong };
    if (line.kind == LINE_KEY) {
        ret_item->key = line.name;
        ret_item->value = line.value;
    }
}

enum err ini_unquote(struct slice value, struct buffer *out)
{
    size_t start = out->size;
    if (value.size == 0 || value.data[0] != '"') {
        buffer_add(out, value);
        return out->overflow ? ERR_TOO_LARGE : ERR_OK;
    }
    size_t i = 1;
    while (i < value.size) {
        bool quote = value.data[i] == '"';
        if (quote && (i + 1 == value.size || value.data[i + 1] != '"'))
            break;
        buffer_add_char(out, value.data[i]);
        i += quote ? 2 : 1;
    }
    if (i + 1 != value.size) {
        out->size = start;
        return ERR_SYNTAX;
    }
    return out->overflow ? ERR_TOO_LARGE : ERR_OK;
}

enum err ini_quote(struct slice value, struct buffer *out)
{
    if (has_control(value))
        return ERR_SYNTAX;
    bool quoted = value.size > 0 && (value.data[0] == '"' || trim(value).size < value.size);
    if (quoted)
        buffer_add_char(out, '"');
    for (size_t i = 0; i < value.size; i++) {
        if (quoted && value.data[i] == '"')
            buffer_add_char(out, '"');
        buffer_add_char(out, value.data[i]);
    }
    if (quoted)
        buffer_add_char(out, '"');
    return out->overflow ? ERR_TOO_LARGE : ERR_OK;
}

/* ---- editing ---- */

/* Where in the text an edit applies, as offsets. */
struct place {
    bool section_found, key_found;
    size_t section;         /* of the last header of that name */
    size_t key, key_end;    /* the key's line */
    struct line key_line;
    size_t behind;          /* behind the last key of the section, or its header */
    struct slice end;       /* the line end in use there */
};

static struct place place_find(struct slice text, struct slice section, struct slice key)
{
    struct place place = { .end = SLICE("\n") };
    struct slice rest = slice_after(text, mark_size(text));
    struct line line;
    bool inside = false;
    while (line_take(&rest, &line)) {
        size_t end = text.size - rest.size;
        if (line.kind == LINE_SECTION) {
            inside = slice_equal_nocase(line.name, section);
            place.section_found |= inside;
            if (inside)
                place.section = end - line.whole.size;
        }
        if (inside && line.kind == LINE_KEY && !place.key_found && slice_equal_nocase(line.name, key)) {
            place.key_found = true;
            place.key = end - line.whole.size;
            place.key_end = end;
            place.key_line = line;
        }
        if (inside && (line.kind == LINE_SECTION || line.kind == LINE_KEY))
            place.behind = end;
        if (line.end.size > 0 && (inside || !place.section_found))
            place.end = line.end;
    }
    return place;
}

static bool name_writable(struct slice name)
{
    return name.size > 0 && !has_control(name) && trim(name).size == name.size;
}

static bool key_writable(struct slice key)
{
    return name_writable(key) && slice_find(key, '=') == key.size && !memchr("[;#", key.data[0], 3);
}

/* An edit that did not fit leaves nothing behind. */
static enum err edit_end(struct buffer *out, size_t start)
{
    if (!out->overflow)
        return ERR_OK;
    out->size = start;
    return ERR_TOO_LARGE;
}

/* Keeps what the administrator wrote before the value: indentation, spelling of the key, blanks around "=". */
static void replace_value(const struct place *place, struct slice value, struct buffer *out)
{
    const struct line *line = &place->key_line;
    struct slice text = slice_part(line->whole, 0, line->whole.size - line->end.size);
    size_t equals = slice_find(text, '=');
    size_t from = equals + 1;
    while (from < text.size && is_blank(text.data[from]))
        from++;
    bool spaced = equals > 0 && is_blank(text.data[equals - 1]);
    if (value.size == 0 || line->value.size == 0)
        from = equals + 1;
    buffer_add(out, slice_part(text, 0, from));
    if (value.size > 0 && line->value.size == 0 && spaced)
        buffer_add_char(out, ' ');
    buffer_add(out, value);
    buffer_add(out, line->end);
}

static void add_key(struct slice key, struct slice value, struct slice end, struct buffer *out)
{
    buffer_add(out, key);
    buffer_add_text(out, value.size > 0 ? " = " : " =");
    buffer_add(out, value);
    buffer_add(out, end);
}

static void add_line_end(struct slice before, struct slice end, struct buffer *out)
{
    if (before.size > mark_size(before) && before.data[before.size - 1] != '\n')
        buffer_add(out, end);
}

static void set_quoted(struct slice text, struct slice section, struct slice key, struct slice value, struct buffer *out)
{
    struct place place = place_find(text, section, key);
    if (place.key_found) {
        buffer_add(out, slice_part(text, 0, place.key));
        replace_value(&place, value, out);
        buffer_add(out, slice_after(text, place.key_end));
        return;
    }
    struct slice before = place.section_found ? slice_part(text, 0, place.behind) : text;
    buffer_add(out, before);
    add_line_end(before, place.end, out);
    if (!place.section_found) {
        if (text.size > mark_size(text))
            buffer_add(out, place.end);
        buffer_add_char(out, '[');
        buffer_add(out, section);
        buffer_add_char(out, ']');
        buffer_add(out, place.end);
    }
    add_key(key, value, place.end, out);
    buffer_add(out, slice_after(text, before.size));
}

enum err ini_set(struct slice text, struct slice section, struct slice key, struct slice value, struct buffer *out)
{
    size_t start = out->size;
    if (!name_writable(section) || !key_writable(key) || value.size > INI_LINE_SIZE_MAX / 4)
        return ERR_SYNTAX;
    struct buffer quoted;
    buffer_init(&quoted, INI_LINE_SIZE_MAX);
    buffer_reserve(&quoted, 2 * value.size + 2); /* it may be a password: no copy is left behind by growing */
    enum err err = ini_quote(value, &quoted);
    if (err == ERR_OK) {
        set_quoted(text, section, key, buffer_slice(&quoted), out);
        err = edit_end(out, start);
    }
    if (quoted.size > 0)
        explicit_bzero(quoted.data, quoted.size);
    buffer_done(&quoted);
    return err;
}

enum err ini_unset(struct slice text, struct slice section, struct slice key, struct buffer *out)
{
    size_t start = out->size;
    struct place place = place_find(text, section, key);
    if (!place.key_found)
        return ERR_NOT_FOUND;
    buffer_add(out, slice_part(text, 0, place.key));
    buffer_add(out, slice_after(text, place.key_end));
    return edit_end(out, start);
}

/* Without the first section of that name; false when there is none. */
static bool remove_once(struct slice *rest, struct slice section, struct buffer *out)
{
    struct slice text = *rest;
    struct slice ahead = text;
    struct line line;
    bool inside = false;
    size_t from = 0, to = 0;
    while (line_take(&ahead, &line)) {
        size_t end = text.size - ahead.size;
        if (inside && line.kind == LINE_SECTION)
            break;
        if (line.kind == LINE_SECTION && slice_equal_nocase(line.name, section)) {
            inside = true;
            from = end - line.whole.size;
        }
        bool follows = line.kind == LINE_EMPTY && to == end - line.whole.size;
        if (inside && (line.kind != LINE_EMPTY || follows) && line.kind != LINE_COMMENT)
            to = end;
    }
    buffer_add(out, slice_part(text, 0, inside ? from : text.size));
    *rest = slice_after(text, inside ? to : text.size);
    return inside;
}

enum err ini_remove_section(struct slice text, struct slice section, struct buffer *out)
{
    size_t start = out->size;
    struct place place = place_find(text, section, SLICE_EMPTY);
    if (!place.section_found)
        return ERR_NOT_FOUND;
    size_t mark = mark_size(text);
    buffer_add(out, slice_part(text, 0, mark));
    struct slice rest = slice_after(text, mark);
    while (remove_once(&rest, section, out))
        ;
    return edit_end(out, start);
}
