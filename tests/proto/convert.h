/* Conversion for tests: both passes, the message cut in pieces, with the bounds of the contract asserted on every feed. */
#pragma once

#include "proto/mime_work.h"

enum { CUT_WHOLE = 0, CUT_OCTETS = 1 }; /* other numbers: seeds of random cuts */

void scan_cut(struct mime *m, struct slice message, unsigned wish, unsigned cut, struct mime_plan *ret_plan);
void convert_cut(struct mime *m, struct slice message, const struct mime_plan *plan, unsigned cut, struct buffer *out);
/* Both passes whole, by octets and at random cuts, all with the same result, in linear time. `out` is a new buffer: the
 * converted message, or nothing when the plan's verdict is not MIME_CONVERT. */
void convert_all(struct slice message, unsigned wish, struct mime_plan *ret_plan, struct buffer *out);
/* Line feeds become line ends; in a new buffer. */
struct slice crlf(const char *text, struct buffer *out);
