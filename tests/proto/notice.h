/* Notices for tests: made of a few facts, taken apart again. */
#pragma once

#include "base/now.h"
#include "proto/dsn.h"

#define ORIGINAL "From: Bob <bob@example.net>\r\nSubject: Hello\r\n\r\nHello Alice.\r\n-- \r\nBob\r\n"
#define BOUNDARY "=_facteur_000102030405060708090a0b0c0d0e0f"
#define TEXT_ROW(literal)                                                                                              \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static const int64_t noon = 1795608000 * US_PER_SECOND; /* 2026-11-25 12:00 UTC */

struct outcome reply(enum stage stage, uint16_t code, struct enhanced_code enhanced, const char *text);
struct outcome failure(enum stage stage, enum outcome_cause cause, enum outcome_class class);
struct dsn notice(const struct dsn_recipient *recipients, size_t count);
/* The whole notice in a new buffer. */
struct slice build(const struct dsn *dsn, struct slice original, struct buffer *out);
bool has(struct slice text, const char *needle);
size_t occurrences(struct slice text, const char *needle);
/* Part `index` of three: header and content. */
struct slice part(struct slice all, int index);
/* The first part without its quoted-printable, each paragraph on one line, as one would search it; in a new buffer. */
struct slice told(struct slice all, struct buffer *out);
/* Canonical, without controls, lines within the limit, 7-bit, boundaries where they belong. */
void check_form(struct slice all, bool ascii);
