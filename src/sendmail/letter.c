#include "sendmail/letter.h"

#include <string.h>

/* ---- addresses (RFC 5322 3.4), as far as programs write them ---- */

static void recipient_add(struct letter_recipients *r, struct arena *arena, struct slice address)
{
    if (r->count == LETTER_RECIPIENTS_MAX) {
        r->too_many = true;
        return;
    }
    if (!r->items)
        r->items = arena_array(arena, struct slice, LETTER_RECIPIENTS_MAX);
    r->items[r->count++] = arena_copy(arena, address);
}

struct scan {
    struct slice rest;
    struct buffer word;  /* outside of angle brackets: the address, or a display name */
    struct buffer angle;
    bool in_angle, had_angle;
};

/* Behind the comment's end, nested ones included. */
static void skip_comment(struct slice *rest)
{
    unsigned depth = 0;
    while (rest->size > 0) {
        char c = rest->data[0];
        *rest = slice_after(*rest, c == '\\' && rest->size > 1 ? 2 : 1);
        if (c == '(' && depth < LETTER_DEPTH_MAX)
            depth++;
        else if (c == ')' && --depth == 0)
            return;
    }
}

static void take_quoted(struct slice *rest, struct buffer *out)
{
    buffer_add_char(out, '"');
    *rest = slice_after(*rest, 1);
    while (rest->size > 0) {
        char c = rest->data[0];
        size_t size = c == '\\' && rest->size > 1 ? 2 : 1;
        buffer_add(out, slice_part(*rest, 0, size));
        *rest = slice_after(*rest, size);
        if (c == '"')
            return;
    }
}

static void address_end(struct scan *s, struct arena *arena, struct letter_recipients *recipients, uint32_t *wrong)
{
    struct slice address = slice_trim(buffer_slice(s->had_angle ? &s->angle : &s->word));
    bool blank = slice_find(address, ' ') < address.size && address.data[0] != '"';
    if (address.size > 0 && !blank)
        recipient_add(recipients, arena, address);
    else if (address.size > 0)
        ++*wrong;
    buffer_clear(&s->word);
    buffer_clear(&s->angle);
    s->in_angle = s->had_angle = false;
}

void letter_addresses(struct slice value, struct arena *arena, struct letter_recipients *recipients, uint32_t *ret_wrong)
{
    struct scan s = { .rest = value };
    buffer_init(&s.word, value.size + 16);
    buffer_init(&s.angle, value.size + 16);
    while (s.rest.size > 0) {
        char c = s.rest.data[0];
        struct buffer *out = s.in_angle ? &s.angle : &s.word;
        if (c == '(') {
            skip_comment(&s.rest);
            continue;
        }
        if (c == '"') {
            take_quoted(&s.rest, out);
            continue;
        }
        s.rest = slice_after(s.rest, 1);
        if (c == '<') {
            s.in_angle = s.had_angle = true;
            buffer_clear(&s.angle);
        } else if (c == '>') {
            s.in_angle = false;
        } else if (c == ',' || c == ';') {
            address_end(&s, arena, recipients, ret_wrong);
        } else if (c == ':' && !s.in_angle) {
            buffer_clear(&s.word); /* a group's name */
        } else if (c != '\r' && c != '\n') {
            buffer_add_char(out, c == '\t' ? ' ' : c);
        }
    }
    address_end(&s, arena, recipients, ret_wrong);
    buffer_done(&s.word);
    buffer_done(&s.angle);
}

/* ---- header fields ---- */

static bool field_name_octet(char c)
{
    return c > 32 && c < 127 && c != ':';
}

/* The field at the front with its continuations; an empty slice where the header section ends. */
static struct slice field_next(struct slice *rest, struct slice *ret_name)
{
    size_t colon = 0;
    while (colon < rest->size && field_name_octet(rest->data[colon]))
        colon++;
    if (colon == 0 || colon == rest->size || rest->data[colon] != ':')
        return SLICE_EMPTY;
    *ret_name = slice_part(*rest, 0, colon);
    size_t end = 0;
    do {
        size_t line = slice_find(slice_after(*rest, end), '\n');
        end += line + 1;
    } while (end < rest->size && (rest->data[end] == ' ' || rest->data[end] == '\t'));
    struct slice field = slice_part(*rest, 0, end);
    *rest = slice_after(*rest, end);
    return field;
}

static bool name_is(struct slice name, const char *wanted, bool resent)
{
    if (resent != slice_starts_with_nocase(name, SLICE("resent-")))
        return false;
    return slice_equal_nocase(slice_after(name, resent ? 7 : 0), slice_of(wanted));
}

static bool recipients_from(struct slice text, bool resent, struct arena *arena, struct letter_recipients *recipients,
                            uint32_t *wrong)
{
    static const char *const names[] = { "to", "cc", "bcc" };
    bool any = false;
    struct slice name, field;
    while ((field = field_next(&text, &name)).size > 0) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (!name_is(name, names[i], resent))
                continue;
            any = true;
            letter_addresses(slice_after(field, name.size + 1), arena, recipients, wrong);
        }
    }
    return any;
}

void letter_recipients_of(struct slice text, struct arena *arena, struct letter_recipients *recipients, uint32_t *ret_wrong)
{
    if (!recipients_from(text, true, arena, recipients, ret_wrong))
        recipients_from(text, false, arena, recipients, ret_wrong);
}

/* ---- writing ---- */

static void write_lines(struct slice text, struct buffer *out)
{
    while (text.size > 0) {
        size_t plain = 0;
        while (plain < text.size && text.data[plain] != '\r' && text.data[plain] != '\n' && text.data[plain] != '\0')
            plain++;
        buffer_add(out, slice_part(text, 0, plain));
        text = slice_after(text, plain);
        if (text.size == 0)
            break;
        char c = text.data[0];
        text = slice_after(text, 1);
        if (c == '\0')
            continue;
        if (c == '\r' && text.size > 0 && text.data[0] == '\n')
            text = slice_after(text, 1);
        buffer_add_text(out, "\r\n");
    }
}

static bool has_from(struct slice text)
{
    struct slice name, field;
    while ((field = field_next(&text, &name)).size > 0)
        if (slice_equal_nocase(name, SLICE("from")))
            return true;
    return false;
}

void letter_write(struct slice text, struct slice from, struct buffer *out)
{
    if (slice_starts_with(text, SLICE("From "))) /* an mbox separator before the header */
        text = slice_after(text, slice_find(text, '\n') + 1);
    if (!has_from(text)) {
        buffer_add_text(out, "From: ");
        buffer_add(out, from);
        buffer_add_text(out, "\r\n");
    }
    struct slice name, field, rest = text;
    while ((field = field_next(&rest, &name)).size > 0)
        if (!name_is(name, "bcc", false) && !name_is(name, "bcc", true))
            write_lines(field, out);
    if (rest.size > 0 && rest.data[0] != '\n' && rest.data[0] != '\r')
        buffer_add_text(out, "\r\n"); /* the body begins without an empty line */
    write_lines(rest, out);
    if (out->size > 0 && out->data[out->size - 1] != '\n')
        buffer_add_text(out, "\r\n");
}

struct slice letter_up_to_dot(struct slice text)
{
    for (size_t at = 0; at < text.size;) {
        struct slice line = slice_part(slice_after(text, at), 0, slice_find(slice_after(text, at), '\n'));
        struct slice bare = line.size > 0 && line.data[line.size - 1] == '\r' ? slice_part(line, 0, line.size - 1) : line;
        if (slice_equal(bare, SLICE(".")))
            return slice_part(text, 0, at);
        at += line.size + 1;
    }
    return text;
}
