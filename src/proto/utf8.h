/* Unicode as far as envelopes need it, beside utf8_next of base/codec, which reads. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum { UTF8_SIZE_MAX = 4 };

/* Octets written; 0 for what is no character (a surrogate, above U+10FFFF). */
size_t utf8_write(uint32_t code, char text[static UTF8_SIZE_MAX]);
/* C0 and C1 controls and DEL; line and paragraph separators: what no address may have in it. */
bool utf8_is_control(uint32_t code);
