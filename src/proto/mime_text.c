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

static void qp_plain(struct mime_qp *qp, char c, struct buffer *out)
{
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

/* ---- header texts ---- */

#define ENCODED_OPEN "=?utf-8?q?"
#define ENCODED_CLOSE "?="

enum { PLAIN_WORD_SIZE_MAX = MIME_ENCODED_LINE_SIZE_MAX - 1 }; /* longer words are encoded, so that they can be cut */

struct header_line {
    struct buffer *out;
    size_t column;
    bool begun;
};

static bool word_is_plain(struct slice word)
{
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] <= ' ' || word.data[i] > '~')
            return false;
    }
    return word.size <= PLAIN_WORD_SIZE_MAX;
}

/* A blank that separates, as a line end and a blank where `size` more octets do not fit the line. */
static void line_blank(struct header_line *line, size_t size)
{
    if (line->column + 1 + size > MIME_ENCODED_LINE_SIZE_MAX) {
        buffer_add(line->out, SLICE("\r\n"));
        line->column = 0;
    }
    buffer_add_char(line->out, ' ');
    line->column++;
}

static size_t encoded_octet(char c, char text[static 3])
{
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '!' ||
                 c == '*' || c == '+' || c == '/';
    text[0] = c == ' ' ? '_' : plain ? c : '=';
    if (text[0] != '=')
        return 1;
    text[1] = hex_digits[(uint8_t)c >> 4];
    text[2] = hex_digits[(uint8_t)c & 15];
    return 3;
}

/* The next character of `text` as it stands in an encoded-word; an octet that is none becomes U+FFFD. */
static size_t encoded_character(struct slice *text, char encoded[static 12])
{
    uint32_t number;
    size_t size = utf8_next(*text, &number);
    struct slice character = size > 0 ? slice_part(*text, 0, size) : SLICE("\xef\xbf\xbd");
    *text = slice_after(*text, size > 0 ? size : 1);
    size = 0;
    for (size_t i = 0; i < character.size; i++)
        size += encoded_octet(character.data[i], encoded + size);
    return size;
}

static void line_add_encoded(struct header_line *line, struct slice text)
{
    enum { OPEN = sizeof ENCODED_OPEN - 1, CLOSE = sizeof ENCODED_CLOSE - 1 };
    if (line->begun || line->column + OPEN + 12 + CLOSE > MIME_ENCODED_LINE_SIZE_MAX)
        line_blank(line, OPEN + 12 + CLOSE);
    buffer_add_text(line->out, ENCODED_OPEN);
    line->column += OPEN;
    while (text.size > 0) {
        char encoded[12];
        size_t size = encoded_character(&text, encoded);
        if (line->column + size + CLOSE > MIME_ENCODED_LINE_SIZE_MAX) {
            buffer_add(line->out, SLICE(ENCODED_CLOSE "\r\n " ENCODED_OPEN));
            line->column = 1 + OPEN;
        }
        buffer_add(line->out, slice(encoded, size));
        line->column += size;
    }
    buffer_add_text(line->out, ENCODED_CLOSE);
    line->column += CLOSE;
    line->begun = true;
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

/* The run of words from `first` on that must be encoded, with the blanks between them; *text loses it. */
static struct slice encoded_run(struct slice first, struct slice *text)
{
    struct slice run = first;
    for (;;) {
        struct slice rest = *text, word = next_word(&rest);
        bool shown_as_one = slice_starts_with(word, SLICE("=?")); /* the blank before it goes into our word */
        if (word.size == 0)
            return run;
        if (word_is_plain(word)) {
            if (shown_as_one)
                run.size++;
            return run;
        }
        run.size = (size_t)(word.data + word.size - run.data);
        *text = rest;
    }
}

void mime_add_header_text(struct slice text, size_t column, struct buffer *out)
{
    struct header_line line = { out, column, false };
    bool after_encoded = false; /* the word before is an encoded-word of somebody else's */
    for (struct slice word = next_word(&text); word.size > 0; word = next_word(&text)) {
        if (!word_is_plain(word)) {
            struct slice run = encoded_run(word, &text);
            if (after_encoded) /* the blank before it */
                run = slice(run.data - 1, run.size + 1);
            line_add_encoded(&line, run);
            after_encoded = false;
            continue;
        }
        if (line.begun)
            line_blank(&line, word.size);
        buffer_add(out, word);
        line.column += word.size;
        line.begun = true;
        after_encoded = slice_starts_with(word, SLICE("=?"));
    }
}
