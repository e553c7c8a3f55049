/* The header of a part, line by line. What is kept: Content-Type, for its boundary; Content-Transfer-Encoding.
 *
 *     content   = type "/" subtype *(";" name "=" (token / quoted-string)), RFC 2045 5.1, comments anywhere
 *
 * A line is held until it ends or is longer than any fold needs; a longer one is folded before its last blank within the
 * limit. Encoded-words take the octets above 127 with as little around them as a reader needs to decode them: in a
 * structured field (addresses, parameters) they stop at specials. One whose encoding would grow beyond what the contract
 * grants (a forgery: ",\xe9,\xe9") gets "?" instead. */
#include "proto/mime_work.h"

/* ---- Content-Type ---- */

static void skip_comment(struct cursor *c)
{
    size_t depth = 0;
    while (c->rest.size > 0) {
        char octet = (char)cursor_u8(c);
        if (octet == '\\')
            cursor_u8(c);
        else if (octet == '(')
            depth++;
        else if (octet == ')' && --depth == 0)
            return;
    }
}

static bool at(const struct cursor *c, char octet)
{
    return c->rest.size > 0 && c->rest.data[0] == octet;
}

static void skip_blanks(struct cursor *c)
{
    for (;;) {
        if (at(c, '('))
            skip_comment(c);
        else if (at(c, ' ') || at(c, '\t'))
            cursor_u8(c);
        else
            return;
    }
}

/* Up to a blank or one of `ends`; more is taken than the grammar has, because boundaries are written without quotes. */
static struct slice take_token(struct cursor *c, const char *ends)
{
    size_t size = 0;
    while (size < c->rest.size && c->rest.data[size] != ' ' && c->rest.data[size] != '\t' &&
           (c->rest.data[size] == '\0' || strchr(ends, c->rest.data[size]) == NULL))
        size++;
    return cursor_take(c, size);
}

/* Without quotes and backslashes; cut to the room, and then *ret_size is above it. */
static void take_value(struct cursor *c, char *text, size_t room, size_t *ret_size)
{
    size_t size = 0;
    if (!at(c, '"')) {
        struct slice token = take_token(c, ";");
        if (token.size <= room && token.size > 0)
            memcpy(text, token.data, token.size);
        *ret_size = token.size;
        return;
    }
    cursor_u8(c);
    while (c->rest.size > 0) {
        char octet = (char)cursor_u8(c);
        if (octet == '"')
            break;
        if (octet == '\\' && c->rest.size > 0)
            octet = (char)cursor_u8(c);
        if (size < room)
            text[size] = octet;
        size++;
    }
    *ret_size = size;
}

/* RFC 2046 5.1.1, with more characters than it has: printable ASCII, not ending in a blank. */
static size_t boundary_size(const char *text, size_t size)
{
    if (size > MIME_BOUNDARY_SIZE_MAX)
        return 0;
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return 0;
    }
    return size;
}

static void take_parameters(struct cursor *c, struct mime_type *type)
{
    bool found = false;
    while (c->rest.size > 0) {
        take_token(c, ";(\"");
        skip_blanks(c);
        if (at(c, '"')) {
            char nothing;
            size_t size;
            take_value(c, &nothing, 0, &size);
        }
        if (!at(c, ';'))
            continue;
        cursor_u8(c);
        skip_blanks(c);
        struct slice name = take_token(c, "=;(\"");
        skip_blanks(c);
        if (!at(c, '='))
            continue;
        cursor_u8(c);
        skip_blanks(c);
        if (!found && slice_equal_nocase(name, SLICE("boundary"))) {
            size_t size;
            take_value(c, type->boundary, sizeof type->boundary, &size);
            type->boundary_size = (uint8_t)boundary_size(type->boundary, size);
            found = true;
        }
    }
}

static enum mime_class class_of(struct slice type, struct slice subtype)
{
    if (slice_equal_nocase(type, SLICE("multipart")))
        return MIME_CLASS_MULTIPART;
    if (slice_equal_nocase(type, SLICE("message")))
        return slice_equal_nocase(subtype, SLICE("rfc822")) ? MIME_CLASS_MESSAGE : MIME_CLASS_TEXT;
    return slice_equal_nocase(type, SLICE("text")) ? MIME_CLASS_TEXT : MIME_CLASS_OTHER;
}

void mime_part_type(const struct mime_part *part, struct mime_type *ret_type)
{
    struct cursor c = cursor(slice(part->type_text, part->type_size));
    memset(ret_type, 0, sizeof *ret_type);
    ret_type->class = MIME_CLASS_TEXT;
    if (!part->has_type) {
        ret_type->class = part->in_digest ? MIME_CLASS_MESSAGE : MIME_CLASS_TEXT;
        return;
    }
    skip_blanks(&c);
    struct slice type = take_token(&c, "/;(\"");
    skip_blanks(&c);
    if (!at(&c, '/'))
        return; /* RFC 2045 5.2: what cannot be read is text/plain */
    cursor_u8(&c);
    skip_blanks(&c);
    struct slice subtype = take_token(&c, ";(\"");
    ret_type->class = class_of(type, subtype);
    ret_type->is_signed = ret_type->class == MIME_CLASS_MULTIPART && slice_equal_nocase(subtype, SLICE("signed"));
    ret_type->digest = ret_type->class == MIME_CLASS_MULTIPART && slice_equal_nocase(subtype, SLICE("digest"));
    take_parameters(&c, ret_type);
}

enum mime_encoding mime_part_encoding(const struct mime_part *part)
{
    static const struct {
        struct slice name;
        enum mime_encoding encoding;
    } rows[] = {
        { { "7bit", 4 }, MIME_ENCODING_7BIT },     { { "8bit", 4 }, MIME_ENCODING_8BIT },
        { { "binary", 6 }, MIME_ENCODING_8BIT },   { { "quoted-printable", 16 }, MIME_ENCODING_QP },
        { { "base64", 6 }, MIME_ENCODING_BASE64 },
    };
    struct cursor c = cursor(slice(part->encoding_text, part->encoding_size));
    skip_blanks(&c);
    struct slice token = take_token(&c, ";(");
    if (!part->has_encoding || token.size == 0)
        return MIME_ENCODING_7BIT;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (slice_equal_nocase(token, rows[i].name))
            return rows[i].encoding;
    }
    return MIME_ENCODING_UNKNOWN;
}

/* ---- fields ---- */

void mime_part_begin(struct mime *m, bool top, bool sealed, bool in_digest)
{
    struct mime_part *p = &m->part;
    memset(p, 0, offsetof(struct mime_part, type_text));
    p->octets = p->octets_8bit = 0;
    p->long_line = false;
    p->index = m->part_count++;
    p->top = top;
    p->sealed = sealed;
    p->in_digest = in_digest;
    p->unplanned = p->index >= MIME_PARTS_MAX;
    if (m->converting && !p->unplanned)
        p->action = (enum mime_action)(m->plan->actions[p->index / 2] >> (p->index % 2 * 4) & 15);
    m->region = MIME_REGION_HEADER;
    m->encoded_last = false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The place of the colon when the piece begins a field, else its size: RFC 5322 2.2, with blanks before the colon. */
static size_t field_colon(struct slice piece)
{
    size_t colon = slice_find(piece, ':');
    bool blanks = false;
    for (size_t i = 0; i < colon && colon < piece.size; i++) {
        char c = piece.data[i];
        if (is_blank(c) && i > 0)
            blanks = true;
        else if (c <= ' ' || c > '~' || blanks)
            return piece.size;
    }
    return colon;
}

/* Fields in whose values specials end a word: addresses, and MIME's own but the description. */
static bool field_structured(struct slice name)
{
    static const char *const names[] = { "From", "To", "Cc", "Bcc", "Reply-To", "Sender", "MIME-Version" };
    if (slice_starts_with_nocase(name, SLICE("Content-")))
        return !slice_equal_nocase(name, SLICE("Content-Description"));
    if (slice_starts_with_nocase(name, SLICE("Resent-")) || slice_starts_with_nocase(name, SLICE("Disposition-")))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_equal_nocase(name, slice_of(names[i])))
            return true;
    }
    return false;
}

static void field_begin(struct mime_part *p, struct slice name)
{
    p->any_field = true;
    p->field = MIME_FIELD_OTHER;
    p->dropped = p->keeps = false;
    p->structured = field_structured(name);
    if (slice_equal_nocase(name, SLICE("Content-Type"))) {
        p->field = MIME_FIELD_TYPE;
        p->keeps = !p->has_type;
        p->has_type = true;
    } else if (slice_equal_nocase(name, SLICE("Content-Transfer-Encoding"))) {
        p->field = MIME_FIELD_ENCODING;
        p->keeps = !p->has_encoding;
        p->has_encoding = true;
        p->dropped = p->unplanned || (p->action != MIME_ACTION_NONE && p->action != MIME_ACTION_REWRAP);
    } else if (slice_equal_nocase(name, SLICE("MIME-Version"))) {
        p->has_version = true;
    }
}

static void keep(char *text, uint16_t *size, size_t room, struct slice value)
{
    value = slice_part(value, 0, room - *size);
    if (value.size > 0)
        memcpy(text + *size, value.data, value.size);
    *size = (uint16_t)(*size + value.size);
}

static void value_keep(struct mime_part *p, struct slice value)
{
    if (p->keeps && p->field == MIME_FIELD_TYPE)
        keep(p->type_text, &p->type_size, sizeof p->type_text, value);
    else if (p->keeps && p->field == MIME_FIELD_ENCODING)
        keep(p->encoding_text, &p->encoding_size, sizeof p->encoding_text, value);
}

/* ---- encoded-words in a line ---- */

static bool is_special(char c)
{
    return c != '\0' && strchr("()<>@,;:\\\"/[]=", c) != NULL;
}

struct line_writer {
    struct buffer *out;
    size_t column;
    struct slice blanks; /* not yet out: the line may be folded before them */
    bool words;          /* something stands on the line */
};

static void writer_blanks(struct line_writer *w, size_t needed)
{
    if (w->blanks.size > 0 && w->words && w->column + w->blanks.size + needed > MIME_ENCODED_LINE_SIZE_MAX) {
        buffer_add(w->out, SLICE("\r\n"));
        w->column = 0;
    }
    buffer_add(w->out, w->blanks);
    w->column += w->blanks.size;
    w->blanks = SLICE_EMPTY;
}

/* Text as it is; folded where it has blanks and is too wide. */
static void writer_plain(struct line_writer *w, struct slice text)
{
    size_t i = 0;
    while (i < text.size) {
        size_t from = i;
        while (i < text.size && is_blank(text.data[i]))
            i++;
        if (i > from) {
            writer_blanks(w, 0); /* of the text before: it ended with blanks, now there are more */
            w->blanks = slice_part(text, from, i - from);
        }
        from = i;
        while (i < text.size && !is_blank(text.data[i]))
            i++;
        if (i > from) {
            writer_blanks(w, i - from);
            buffer_add(w->out, slice_part(text, from, i - from));
            w->column += i - from;
            w->words = true;
        }
    }
}

static void writer_encoded(struct line_writer *w, struct slice run)
{
    enum { ENOUGH = 36 };
    writer_blanks(w, ENOUGH);
    if (w->column > MIME_LINE_SIZE_MAX - 2 * MIME_ENCODED_LINE_SIZE_MAX) {
        buffer_add(w->out, SLICE("\r\n "));
        w->column = 1;
    }
    mime_add_encoded_words(run, &w->column, w->out);
    w->words = true;
}

/* The octets of text from its first word above ASCII up to its last one; empty when it has none. */
static struct slice coded_run(struct slice text)
{
    size_t first = text.size, end = 0;
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] > 0x7f) {
            first = i < first ? i : first;
            end = i + 1;
        }
    }
    while (first > 0 && first < text.size && !is_blank(text.data[first - 1]))
        first--;
    while (end > 0 && end < text.size && !is_blank(text.data[end]))
        end++;
    return first < end ? slice_part(text, first, end - first) : SLICE_EMPTY;
}

/* `value` is what stands behind the colon, or a continuation line. */
static void encode_value(struct mime *m, struct line_writer *w, struct slice value)
{
    bool encoded = false;
    for (size_t from = 0; from < value.size;) {
        size_t end = from;
        while (end < value.size && !(m->part.structured && is_special(value.data[end])))
            end++;
        struct slice text = slice_part(value, from, end - from), run = coded_run(text);
        struct slice before = slice_part(text, 0, run.size > 0 ? (size_t)(run.data - text.data) : text.size);
        writer_plain(w, before);
        if (run.size > 0) {
            size_t run_end = before.size + run.size;
            /* A line that goes on with an encoded-word has the blank between the two in it. */
            if (from == 0 && m->encoded_last && before.size > 0 && slice_trim(before).size == 0)
                run = slice(run.data - 1, run.size + 1);
            writer_encoded(w, run);
            writer_plain(w, slice_after(text, run_end));
        }
        encoded = run.size > 0 && end == value.size && slice_trim(slice_after(text, before.size + run.size)).size == 0;
        while (end < value.size && m->part.structured && is_special(value.data[end])) {
            writer_plain(w, slice_part(value, end, 1));
            end++;
        }
        from = end;
    }
    buffer_add(w->out, w->blanks);
    m->encoded_last = encoded;
}

/* ---- lines out ---- */

/* A blank before which `text` may be folded, such that at most `room` octets stay on the line, or else the first one
 * there is; text.size when there is none. Not before `from`, nor where a line of blanks would come of it. */
static size_t fold_place(struct slice text, size_t from, size_t room)
{
    size_t place = text.size;
    for (size_t i = from; i + 1 < text.size; i++) {
        if (!is_blank(text.data[i]) || is_blank(text.data[i + 1]))
            continue;
        if (i > room && place < text.size)
            break;
        place = i;
        if (i > room)
            break;
    }
    return place;
}

static void emit_encoded(struct mime *m, struct slice text, size_t value_from)
{
    size_t granted = text.size * 4 + m->header_credit;
    struct line_writer w = { .out = &m->scratch, .column = m->column };
    buffer_clear(&m->scratch);
    writer_plain(&w, slice_part(text, 0, value_from));
    encode_value(m, &w, slice_after(text, value_from));
    if (m->scratch.overflow || m->scratch.size > granted) {
        for (size_t i = 0; i < text.size; i++)
            buffer_add_char(m->out, (unsigned char)text.data[i] > 0x7f ? '?' : text.data[i]);
        m->column += text.size;
        m->encoded_last = false;
        return;
    }
    buffer_add(m->out, buffer_slice(&m->scratch));
    m->column = w.column + w.blanks.size;
    granted -= m->scratch.size;
    m->header_credit = granted < MIME_HEADER_CREDIT_MAX ? granted : MIME_HEADER_CREDIT_MAX;
}

static void emit(struct mime *m, struct slice text, size_t value_from)
{
    bool encode = !m->part.top && !m->part.sealed && (m->wish & MIME_WISH_7BIT) != 0 && mime_has_8bit(text);
    if (encode) {
        emit_encoded(m, text, value_from);
        return;
    }
    buffer_add(m->out, text);
    m->column += text.size;
    m->encoded_last = m->encoded_last && slice_trim(text).size == 0;
}

/* Takes all of the line's text, or what stands before the place where it is folded. `value_from`: behind the colon. */
static void line_out(struct mime *m, size_t value_from, bool whole)
{
    for (;;) {
        struct slice text = slice(m->line, m->line_size);
        size_t room = m->column < MIME_LINE_SIZE_MAX ? MIME_LINE_SIZE_MAX - m->column : 0;
        bool fits = whole && text.size <= room;
        size_t fold_from = value_from;
        while (m->column == 0 && fold_from < text.size && is_blank(text.data[fold_from]))
            fold_from++;
        size_t place = fits ? text.size : fold_place(text, fold_from, room);
        bool folded = place < text.size;
        if (m->converting && !m->part.dropped) {
            emit(m, slice_part(text, 0, place), value_from);
            if (folded || whole)
                buffer_add(m->out, SLICE("\r\n"));
        }
        if (folded || whole)
            m->column = 0;
        m->line_size = (uint16_t)(text.size - place);
        memmove(m->line, m->line + place, m->line_size);
        value_from = 0;
        m->looked_at += text.size * 2;
        if (!folded || !whole)
            return;
    }
}

/* First pass: does the section need conversion? */
static void line_judge(struct mime *m, struct slice text)
{
    bool dirty = m->line_octets > MIME_LINE_SIZE_MAX;
    if (!m->part.top && (m->wish & MIME_WISH_7BIT) != 0)
        dirty = dirty || mime_has_8bit(text);
    if (dirty && m->part.sealed && m->refused == MIME_AS_IS)
        m->refused = MIME_REFUSED_SIGNED;
    m->needed = m->needed || dirty;
}

bool mime_header_piece(struct mime *m, bool whole)
{
    struct mime_part *p = &m->part;
    struct slice text = slice(m->line, m->line_size);
    size_t value_from = 0;
    bool continues = m->line_continues || (text.size > 0 && is_blank(text.data[0]) && p->any_field);
    if (!continues) {
        size_t colon = field_colon(text);
        if (colon == text.size)
            return false;
        field_begin(p, slice_trim(slice_part(text, 0, colon)));
        m->encoded_last = false;
        value_from = colon + 1;
    }
    if (!m->converting)
        line_judge(m, text);
    if (!p->top)
        mime_utf8_feed(&m->utf8, slice_after(text, m->line_kept));
    value_keep(p, slice_after(text, m->line_continues ? m->line_kept : value_from));
    line_out(m, value_from, whole);
    m->line_kept = whole ? 0 : m->line_size;
    m->line_continues = !whole;
    return true;
}

void mime_header_finish(struct mime *m)
{
    static const char *const names[] = {
        [MIME_ACTION_QP] = "quoted-printable",
        [MIME_ACTION_BASE64] = "base64",
        [MIME_ACTION_RELABEL] = "7bit",
    };
    struct mime_part *p = &m->part;
    bool encodes = p->action == MIME_ACTION_QP || p->action == MIME_ACTION_BASE64;
    if (!m->converting)
        return;
    if (p->top && !p->has_type && encodes)
        buffer_add_format(m->out, "Content-Type: text/plain; charset=%s\r\n", m->plan->utf8 ? "utf-8" : "unknown-8bit");
    if (p->top && !p->has_version && (p->has_type || encodes))
        buffer_add_text(m->out, "MIME-Version: 1.0\r\n");
    if (encodes || p->action == MIME_ACTION_RELABEL) {
        buffer_add_format(m->out, "Content-Transfer-Encoding: %s\r\n", names[p->action]);
    } else if (p->unplanned && p->has_encoding) {
        buffer_add_text(m->out, "Content-Transfer-Encoding:");
        for (size_t i = 0; i < p->encoding_size; i++)
            buffer_add_char(m->out, (unsigned char)p->encoding_text[i] > 0x7f ? '?' : p->encoding_text[i]);
        buffer_add_text(m->out, "\r\n");
    }
}
