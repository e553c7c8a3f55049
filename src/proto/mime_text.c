/* Quoted-printable (RFC 2045 6.7):
 *
 *     line    = *(plain / "=" 2HEX) CRLF, at most 76 octets with the "=" of a soft line end
 *     plain   = %d33-60 / %d62-126, and blanks that do not end the line
 *
 * Encoded-words (RFC 2047): "=?utf-8?q?" 1*text "?=", at most 75 octets and each with whole characters. A blank between
 * two of them is not shown, so what separates words that are both encoded goes into them. */
#include "proto/mime_work.h"

#include "base/codec.h"

static const char hex_digits[17] = "0123456789ABCDEF";

/* ---- quoted-printable ---- */

/* `size` octets of output follow: a soft line end first where they would not leave room for another one. */
static void qp_room(struct mime_qp *qp, uint8_t size, struct buffer *out)
{
    if (qp->column + size > MIME_ENCODED_LINE_SIZE_MAX - 1) {
        buffer_add(out, SLICE("=\r\n"));
        qp->column = 0;
    }
    qp->column = (uint8_t)(qp->column + size);
}

static void qp_coded(struct mime_qp *qp, char c, struct buffer *out)
{
    uint8_t octet = (uint8_t)c;
    char text[3] = { '=', hex_digits[octet >> 4], hex_digits[octet & 15] };
    qp_room(qp, sizeof text, out);
    buffer_add(out, slice(text, sizeof text));
}

/* A hyphen that begins a line is coded: soft line ends must not make a delimiter (RFC 2046 5.1.1) of what was none. */
static void qp_plain(struct mime_qp *qp, char c, struct buffer *out)
{
    if (c == '-' && (qp->column == 0 || qp->column == MIME_ENCODED_LINE_SIZE_MAX - 1)) {
        qp_coded(qp, c, out);
        return;
    }
    qp_room(qp, 1, out);
    buffer_add_char(out, c);
}

/* What was held turned out not to end a line. */
static void qp_release(struct mime_qp *qp, struct buffer *out)
{
    if (qp->blank != 0)
        qp_plain(qp, qp->blank, out);
    qp->blank = 0;
    if (qp->cr)
        qp_coded(qp, '\r', out);
    qp->cr = false;
}

static void qp_line_end(struct mime_qp *qp, struct buffer *out)
{
    if (qp->blank != 0)
        qp_coded(qp, qp->blank, out);
    buffer_add(out, SLICE("\r\n"));
    *qp = (struct mime_qp){ 0 };
}

void mime_qp_add(struct mime_qp *qp, struct slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '\n' && qp->cr) {
            qp_line_end(qp, out);
            continue;
        }
        if (c == '\r' && !qp->cr) {
            qp->cr = true;
            continue;
        }
        qp_release(qp, out);
        if (c == ' ' || c == '\t')
            qp->blank = c;
        else if (c == '\r')
            qp->cr = true;
        else if (c > ' ' && c <= '~' && c != '=')
            qp_plain(qp, c, out);
        else
            qp_coded(qp, c, out);
    }
}

void mime_qp_finish(struct mime_qp *qp, struct buffer *out)
{
    char blank = qp->blank;
    qp->blank = 0;
    if (blank != 0 && qp->cr)
        qp_plain(qp, blank, out);
    else if (blank != 0)
        qp_coded(qp, blank, out);
    qp_release(qp, out);
    *qp = (struct mime_qp){ 0 };
}

void mime_add_quoted_printable(struct slice text, struct buffer *out)
{
    struct mime_qp qp = { 0 };
    mime_qp_add(&qp, text, out);
    mime_qp_finish(&qp, out);
}

/* A content that is quoted-printable already is taken apart into its tokens, which are laid out anew: what was coded
 * stays coded, what was plain stays plain (blanks before a line end too, which are nothing: RFC 2045 6.7 (3)), and "="
 * before a line end goes. */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is held is no token: a lone "=" is one that the sender forgot to code. */
static void rewrap_release(struct mime_qp_rewrap *r, struct buffer *out)
{
    struct slice held = slice(r->held, r->held_size);
    r->held_size = 0;
    mime_qp_add(&r->qp, held, out);
}

static void rewrap_octet(struct mime_qp_rewrap *r, char c, struct buffer *out)
{
    if (r->held_size == 0 && c != '=') {
        mime_qp_add(&r->qp, slice(&c, 1), out);
        return;
    }
    if (r->held_size == 2 && hex_value(r->held[1]) >= 0 && hex_value(c) >= 0) {
        qp_release(&r->qp, out);
        qp_coded(&r->qp, (char)(hex_value(r->held[1]) << 4 | hex_value(c)), out);
        r->held_size = 0;
        return;
    }
    bool blank = c == ' ' || c == '\t';
    bool blanks = r->held_size >= 1 && (r->held_size == 1 || r->held[1] == ' ' || r->held[1] == '\t');
    bool may_go_on = r->held_size == 0 || (r->held_size == 1 && hex_value(c) >= 0) || (blanks && blank);
    if (!may_go_on || r->held_size == sizeof r->held) {
        rewrap_release(r, out);
        rewrap_octet(r, c, out); /* with nothing held: once */
        return;
    }
    r->held[r->held_size++] = c;
}

void mime_qp_rewrap_add(struct mime_qp_rewrap *r, struct slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++)
        rewrap_octet(r, text.data[i], out);
}

static bool rewrap_soft_end(const struct mime_qp_rewrap *r)
{
    return r->held_size == 1 || (r->held_size > 1 && (r->held[1] == ' ' || r->held[1] == '\t'));
}

void mime_qp_rewrap_line_end(struct mime_qp_rewrap *r, struct buffer *out)
{
    if (rewrap_soft_end(r)) {
        r->held_size = 0;
        return;
    }
    rewrap_release(r, out);
    qp_release(&r->qp, out);
    mime_qp_add(&r->qp, SLICE("\r\n"), out);
}

void mime_qp_rewrap_finish(struct mime_qp_rewrap *r, struct buffer *out)
{
    if (!rewrap_soft_end(r))
        rewrap_release(r, out);
    qp_release(&r->qp, out);
    *r = (struct mime_qp_rewrap){ 0 };
}

/* ---- base64 ---- */

static void base64_room(struct mime_base64 *b, uint8_t size, struct buffer *out)
{
    if (b->column + size > MIME_ENCODED_LINE_SIZE_MAX) {
        buffer_add(out, SLICE("\r\n"));
        b->column = 0;
    }
    b->column = (uint8_t)(b->column + size);
}

static void base64_group(struct mime_base64 *b, struct buffer *out)
{
    base64_room(b, 4, out);
    base64_encode(slice(b->held, b->held_size), out);
    b->held_size = 0;
}

void mime_base64_add(struct mime_base64 *b, struct slice bytes, struct buffer *out)
{
    for (size_t i = 0; i < bytes.size; i++) {
        b->held[b->held_size++] = bytes.data[i];
        if (b->held_size == sizeof b->held)
            base64_group(b, out);
    }
}

void mime_base64_finish(struct mime_base64 *b, struct buffer *out)
{
    if (b->held_size > 0)
        base64_group(b, out);
    b->column = 0;
}

void mime_base64_rewrap(struct mime_base64 *b, struct slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
            c == '=') {
            base64_room(b, 1, out);
            buffer_add_char(out, c);
        }
    }
}

/* ---- UTF-8 ---- */

bool mime_has_8bit(struct slice s)
{
    unsigned char all = 0;
    for (size_t i = 0; i < s.size; i++)
        all |= (unsigned char)s.data[i];
    return all > 0x7f;
}

static size_t utf8_size(char first)
{
    unsigned char c = (unsigned char)first;
    return c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
}

void mime_utf8_feed(struct mime_utf8 *u, struct slice bytes)
{
    if (u->invalid || (u->size == 0 && !mime_has_8bit(bytes)))
        return;
    for (size_t i = 0; i < bytes.size && !u->invalid; i++) {
        uint32_t number;
        u->octets[u->size++] = bytes.data[i];
        size_t wanted = utf8_size(u->octets[0]);
        if (wanted == 0 || (u->size == wanted && utf8_next(slice(u->octets, u->size), &number) == 0))
            u->invalid = true;
        else if (u->size == wanted)
            u->size = 0;
    }
}

bool mime_utf8_valid(const struct mime_utf8 *u)
{
    return !u->invalid && u->size == 0;
}

/* ---- encoded-words ---- */

enum { ENCODED_CLOSE_SIZE = 2 };

static size_t q_size(char c)
{
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '!' ||
                 c == '*' || c == '+' || c == '/' || c == ' ';
    return plain ? 1 : 3;
}

static void add_q(struct slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (q_size(c) == 1)
            buffer_add_char(out, c == ' ' ? '_' : c);
        else
            buffer_add_format(out, "=%02X", (unsigned char)c);
    }
}

struct encoded_form {
    const char *open;
    bool utf8;
    bool base64;
};

/* Q, which can be read, unless B is much smaller; a text that is not UTF-8 says so (RFC 1428). */
static struct encoded_form encoded_form(struct slice text)
{
    size_t q = 0;
    struct mime_utf8 utf8 = { 0 };
    for (size_t i = 0; i < text.size; i++)
        q += q_size(text.data[i]);
    mime_utf8_feed(&utf8, text);
    struct encoded_form form = { .utf8 = mime_utf8_valid(&utf8), .base64 = q > text.size * 2 + 8 };
    if (form.utf8)
        form.open = form.base64 ? "=?utf-8?b?" : "=?utf-8?q?";
    else
        form.open = form.base64 ? "=?unknown-8bit?b?" : "=?unknown-8bit?q?";
    return form;
}

/* The front of text that fits `room` octets when it is encoded; whole characters, one at least. */
static struct slice encoded_piece(struct encoded_form form, struct slice text, size_t room)
{
    size_t taken = 0, q = 0;
    while (taken < text.size) {
        uint32_t number;
        size_t size = form.utf8 ? utf8_next(slice_after(text, taken), &number) : 1;
        for (size_t i = 0; i < size; i++)
            q += q_size(text.data[taken + i]);
        size_t needed = form.base64 ? (taken + size + 2) / 3 * 4 : q;
        if (needed > room && taken > 0)
            break;
        taken += size;
    }
    return slice_part(text, 0, taken);
}

void mime_add_encoded_words(struct slice text, size_t *column, struct buffer *out)
{
    struct encoded_form form = encoded_form(text);
    size_t frame = strlen(form.open) + ENCODED_CLOSE_SIZE;
    while (text.size > 0) {
        size_t used = *column + frame;
        struct slice piece =
            encoded_piece(form, text, used < MIME_ENCODED_LINE_SIZE_MAX ? MIME_ENCODED_LINE_SIZE_MAX - used : 0);
        size_t before = out->size;
        buffer_add_text(out, form.open);
        if (form.base64)
            base64_encode(piece, out);
        else
            add_q(piece, out);
        buffer_add_text(out, "?=");
        *column += out->size - before;
        text = slice_after(text, piece.size);
        if (text.size > 0) {
            buffer_add_text(out, "\r\n ");
            *column = 1;
        }
    }
}

/* ---- header texts of our own ---- */

enum {
    PLAIN_WORD_SIZE_MAX = MIME_ENCODED_LINE_SIZE_MAX - 1, /* longer words are encoded, so that they can be cut */
    ENCODED_WORD_SIZE_MIN = 32,                           /* room worth beginning an encoded-word in */
};

static bool word_is_plain(struct slice word)
{
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] <= ' ' || word.data[i] > '~')
            return false;
    }
    return word.size <= PLAIN_WORD_SIZE_MAX;
}

static struct slice next_word(struct slice *text)
{
    while (text->size > 0 && (text->data[0] == ' ' || text->data[0] == '\t'))
        *text = slice_after(*text, 1);
    size_t size = 0;
    while (size < text->size && text->data[size] != ' ' && text->data[size] != '\t')
        size++;
    struct slice word = slice_part(*text, 0, size);
    *text = slice_after(*text, size);
    return word;
}

/* The run of words from `first` on that must be encoded, with the blanks between them; *text loses it. A blank before
 * an encoded-word of somebody else's goes into ours. */
static struct slice encoded_run(struct slice first, struct slice *text)
{
    struct slice run = first;
    for (;;) {
        struct slice rest = *text, word = next_word(&rest);
        if (word.size == 0)
            return run;
        if (word_is_plain(word)) {
            run.size += slice_starts_with(word, SLICE("=?")) ? 1 : 0;
            return run;
        }
        run.size = (size_t)(word.data + word.size - run.data);
        *text = rest;
    }
}

void mime_add_header_text(struct slice text, size_t column, struct buffer *out)
{
    bool begun = false, after_encoded = false; /* the word before is an encoded-word of somebody else's */
    for (struct slice word = next_word(&text); word.size > 0; word = next_word(&text)) {
        bool plain = word_is_plain(word);
        bool fits = column + 1 + (plain ? word.size : ENCODED_WORD_SIZE_MIN) <= MIME_ENCODED_LINE_SIZE_MAX;
        if (!plain)
            word = encoded_run(word, &text);
        if (!plain && after_encoded) /* with the blank before it */
            word = slice(word.data - 1, word.size + 1);
        if (!fits && (begun || !plain)) {
            buffer_add_text(out, "\r\n ");
            column = 1;
        } else if (begun) {
            buffer_add_char(out, ' ');
            column++;
        }
        after_encoded = plain && slice_starts_with(word, SLICE("=?"));
        begun = true;
        if (plain) {
            buffer_add(out, word);
            column += word.size;
        } else {
            mime_add_encoded_words(word, &column, out);
        }
    }
}
