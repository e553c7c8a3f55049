/* What a message says, whichever way it was encoded for its receiver: an eye of its own, which shares nothing with proto/. It
 * knows as much of MIME as the letters of the worlds and the notices about them have: multipart, message/rfc822,
 * quoted-printable, base64. */
#include "sim/letters_work.h"

enum { DEPTH_MAX = 8, BOUNDARY_MAX = 100 };

static void entity_read(struct slice text, unsigned depth, struct buffer *out);

/* The value of a field, continuation lines included; "" when it is not there. */
static struct slice field_of(struct slice header, struct slice name)
{
    while (header.size > 0) {
        size_t end = 0;
        do {
            end += slice_find(slice_after(header, end), '\n') + 1;
        } while (end < header.size && (header.data[end] == ' ' || header.data[end] == '\t'));
        if (slice_starts_with_nocase(header, name))
            return slice_trim(slice_after(slice_part(header, 0, end), name.size));
        header = slice_after(header, end);
    }
    return SLICE_EMPTY;
}

static int digit(char c, const char *alphabet)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

static void read_base64(struct slice body, struct buffer *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0, count = 0;
    for (size_t i = 0; i < body.size; i++) {
        int value = digit(body.data[i], alphabet);
        if (value < 0)
            continue; /* line ends, and the padding */
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buffer_add_char(out, (char)(bits >> count));
        }
    }
}

static void read_quoted_printable(struct slice body, struct buffer *out)
{
    static const char alphabet[] = "0123456789ABCDEF";
    for (size_t i = 0; i < body.size; i++) {
        if (body.data[i] != '=') {
            buffer_add_char(out, body.data[i]);
        } else if (slice_starts_with(slice_after(body, i + 1), SLICE("\r\n"))) {
            i += 2;
        } else if (i + 2 < body.size) {
            buffer_add_char(out, (char)(digit(body.data[i + 1], alphabet) * 16 + digit(body.data[i + 2], alphabet)));
            i += 2;
        }
    }
}

static struct slice boundary_of(struct slice type)
{
    size_t at = slice_find_slice(type, SLICE("boundary=\""));
    struct slice rest = slice_after(type, at + SLICE("boundary=\"").size);
    return at < type.size ? slice_part(rest, 0, slice_find(rest, '"')) : SLICE_EMPTY;
}

/* The line end in front of a boundary belongs to it. */
static void read_parts(struct slice body, struct slice boundary, unsigned depth, struct buffer *out)
{
    char mark[BOUNDARY_MAX + 8];
    size_t size = 0;
    memcpy(mark, "\r\n--", 4);
    size = 4 + (boundary.size < BOUNDARY_MAX ? boundary.size : BOUNDARY_MAX);
    memcpy(mark + 4, boundary.data, size - 4);
    struct slice line = slice(mark, size), rest = body;
    bool first = slice_starts_with(body, slice_after(line, 2));
    rest = slice_after(rest, first ? size - 2 : slice_find_slice(rest, line) + size);
    while (rest.size > 0 && !slice_starts_with(rest, SLICE("--"))) {
        rest = slice_after(rest, slice_find(rest, '\n') + 1);
        size_t end = slice_find_slice(rest, line);
        entity_read(slice_part(rest, 0, end), depth + 1, out);
        rest = slice_after(rest, end + size);
    }
}

static void entity_read(struct slice text, unsigned depth, struct buffer *out)
{
    size_t header_size = slice_starts_with(text, SLICE("\r\n")) ? 0 : slice_find_slice(text, SLICE("\r\n\r\n")) + 2;
    struct slice header = slice_part(text, 0, header_size), body = slice_after(text, header_size + 2);
    struct slice type = field_of(header, SLICE("Content-Type:")), encoding = field_of(header, SLICE("Content-Transfer-Encoding:"));
    struct slice boundary = slice_starts_with_nocase(type, SLICE("multipart/")) ? boundary_of(type) : SLICE_EMPTY;
    if (boundary.size > 0 && depth < DEPTH_MAX)
        read_parts(body, boundary, depth, out);
    else if (slice_starts_with_nocase(type, SLICE("message/rfc822")) && depth < DEPTH_MAX)
        entity_read(body, depth + 1, out);
    else if (slice_equal_nocase(encoding, SLICE("base64")))
        read_base64(body, out);
    else if (slice_equal_nocase(encoding, SLICE("quoted-printable")))
        read_quoted_printable(body, out);
    else
        buffer_add(out, body);
    buffer_add_char(out, '\0');
}

void letter_read(struct slice text, struct buffer *out)
{
    entity_read(text, 0, out);
}
