/* UTF-8 (RFC 3629) as far as envelopes need it: one character at a time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum { UTF8_SIZE_MAX = 4 };

/* Octets of the well-formed character at the front of text (shortest form, no surrogates, up to U+10FFFF), 0 when
 * there is none. */
size_t utf8_take(struct slice text, uint32_t *ret_code);
/* Octets written; 0 for what is no character (a surrogate, above U+10FFFF). */
size_t utf8_write(uint32_t code, char text[static UTF8_SIZE_MAX]);
/* C0 and C1 controls and DEL; line and paragraph separators. */
bool utf8_is_control(uint32_t code);
