/* What the parts of proto/dsn share: the recipient's status, and the text for people (dsn_text.c). Included by them
 * only. */
#pragma once

#include "proto/dsn.h"

enum {
    DSN_VALUE_SIZE_MAX = 320, /* a host, a name, an id, where a field or sentence takes it */
    DSN_SUBJECT_SIZE_MAX = 500,
    DSN_TEXT_SIZE_MAX = 2 << 20, /* the text before its encoding; what its limits allow is less */
};

/* RFC 3463: the outcome's own code, made to fit the action (never 2.x.x for what failed, never 5.x.x for a delay). */
struct enhanced_code dsn_status(const struct dsn_recipient *recipient);
/* The subject of the notice, UTF-8, clean. */
void dsn_add_subject(const struct dsn *dsn, struct buffer *out);
/* The whole first part, UTF-8 with CRLF, without controls, lines of about 72 columns. */
void dsn_add_told(const struct dsn *dsn, struct buffer *out);
