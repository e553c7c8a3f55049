/* The manual page facteur.ini(5), written from the schema and the texts: docs/man/ holds what comes out, and a test
 * compares (tests/config/test_manual.c says how to write it anew). */
#pragma once

#include "base/bytes.h"
#include "base/text.h"

enum { MANUAL_SIZE_MAX = 256 << 10 };

void manual_write(enum language language, struct buffer *out); /* man(7), UTF-8 */
