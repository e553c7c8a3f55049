/* Encodings: base64, hexadecimal, xtext, dates, CRC-32C, and text made safe for a log line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* RFC 4648 section 4, with padding and without line breaks. Decoding is strict: ERR_SYNTAX for any other octet, a length
 * that is no multiple of four, or bits that must be zero and are not. */
void base64_encode(struct slice bytes, struct buffer *out);
enum err base64_decode(struct slice text, struct buffer *out);

void hex_encode(struct slice bytes, struct buffer *out); /* lower case */
enum err hex_decode(struct slice text, struct buffer *out);

/* RFC 3461 section 4: printable ASCII but "+" and "=" as it is, all else "+XX". */
void xtext_encode(struct slice bytes, struct buffer *out);
enum err xtext_decode(struct slice text, struct buffer *out);

enum { DATE_SIZE_MAX = 40 };

/* RFC 5322 3.3 in UTC: "Tue, 24 Nov 2026 14:13:00 +0000"; NUL-terminated. Years 0 to 9999. */
void date_mail(int64_t wall_us, char text[static DATE_SIZE_MAX]);
/* RFC 3339 in UTC with milliseconds: "2026-11-24T14:13:00.123Z"; NUL-terminated. */
void date_rfc3339(int64_t wall_us, char text[static DATE_SIZE_MAX]);
/* RFC 3339 with "Z" or an offset, with or without a fraction. */
enum err date_rfc3339_parse(struct slice text, int64_t *ret_wall_us);

/* CRC-32C (Castagnoli), continued from `crc` (0 at the start). */
uint32_t crc32c(uint32_t crc, struct slice bytes);

/* Appends text so that it stays within one line and one field of a log, whatever it is (S21): controls, the backslash,
 * invalid UTF-8, line and paragraph separators and bidirectional controls become \xNN or \u{N}. */
void text_escape(struct slice text, struct buffer *out);
/* The length of the valid UTF-8 character at the front (RFC 3629: no surrogates, no overlong forms) and its number; 0
 * when there is none. */
size_t utf8_next(struct slice text, uint32_t *ret_number);
