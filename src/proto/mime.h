/* Conversion of a message for a receiver that takes no 8-bit bodies (RFC 6152 3), and of lines over 998 octets for
 * every receiver (RFC 5321 4.5.3.1.6): part by part to quoted-printable or base64 (RFC 2045), streaming.
 *
 * Two passes over the same octets by the same machine. The scan decides for each part what is to be done and gives a
 * plan (about 2 KiB, may be kept); the conversion carries it out. Both take the message in slices of any size and give
 * the same for any cutting. What cannot be told in the first pass is never found in the second: once the plan says
 * MIME_CONVERT, conversion cannot fail.
 *
 * What is done: a text part, or one whose 8-bit octets are few, becomes quoted-printable, else base64. multipart and
 * message/rfc822 are entered, their own encoding becomes 7bit; other message types are taken as text. Parts that
 * are already quoted-printable or base64 and have long lines are re-wrapped. A message without a content type gets one
 * (text/plain; charset utf-8 when it is, else unknown-8bit: RFC 1428) and MIME-Version. 8-bit octets in the headers of
 * inner parts become encoded-words (RFC 2047). Octets that no reader shows (preambles and epilogues) become '?', their
 * long lines are broken. Header lines over 998 octets are folded at a blank where they have one. The message's own
 * header is not touched otherwise: 8-bit there is SMTPUTF8's matter (A43).
 *
 * What is refused: content under multipart/signed (RFC 1847 2.1: a changed signed part is a forged one), a part of an
 * unknown encoding, a structure deeper than MIME_DEPTH_MAX, where it has 8-bit octets or long lines in it. The field's
 * answer to that is a bounce, 5.6.3. A DKIM signature of the message does not survive conversion. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    MIME_DEPTH_MAX = 32,   /* multiparts and messages inside one another */
    MIME_PARTS_MAX = 4096, /* with a decision of their own; later ones are converted whether needed or not */
    MIME_LINE_SIZE_MAX = 998,
    MIME_BOUNDARY_SIZE_MAX = 200, /* RFC 2046 5.1.1: 70 */
    MIME_FIELD_SIZE_MAX = 4096,   /* of a Content-Type that is looked at */
    MIME_GROWTH_MAX = 8,          /* output is at most that many times the input of a feed ... */
    MIME_HELD_SIZE_MAX = 8 << 10, /* ... plus this */
};

enum mime_wish {
    MIME_WISH_7BIT = 1 << 0,       /* the receiver has no 8BITMIME: neither 8-bit nor long lines */
    MIME_WISH_LONG_LINES = 1 << 1, /* it has: only long lines are mended */
};

enum mime_verdict {
    MIME_AS_IS, /* send it unchanged */
    MIME_CONVERT,
    MIME_REFUSED_SIGNED,
    MIME_REFUSED_ENCODING,
    MIME_REFUSED_DEPTH,
};

/* A value without pointers. */
struct mime_plan {
    enum mime_verdict verdict;
    uint8_t wish;
    bool utf8; /* the whole body is valid UTF-8 */
    uint32_t part_count;
    uint8_t actions[MIME_PARTS_MAX / 2]; /* four bits a part, in order of appearance */
};

/* A part that was encoded before is encoded anew: it may become shorter. */
bool mime_plan_rewraps(const struct mime_plan *plan);

struct mime; /* about 16 KiB and bounded */

struct mime *mime_new(void);
void mime_free(struct mime *m);

/* First pass. The plan is written by mime_scan_finish. */
void mime_scan_start(struct mime *m, unsigned wish);
void mime_scan_feed(struct mime *m, struct slice bytes);
void mime_scan_finish(struct mime *m, struct mime_plan *ret_plan);

/* Second pass; the plan's verdict must be MIME_CONVERT and the plan stay where it is. Appends to out, which must have
 * room for MIME_GROWTH_MAX times the bytes and MIME_HELD_SIZE_MAX. */
void mime_convert_start(struct mime *m, const struct mime_plan *plan);
void mime_convert_feed(struct mime *m, struct slice bytes, struct buffer *out);
void mime_convert_finish(struct mime *m, struct buffer *out);

/* Words of our own: quoted-printable lines (RFC 2045 6.7) of a text with CRLF line ends; an unstructured header text as
 * RFC 2047 encoded-words where it has octets above 127, folded, without its field name (`column` octets stand before). */
void mime_add_quoted_printable(struct slice text, struct buffer *out);
void mime_add_header_text(struct slice text, size_t column, struct buffer *out);
