/* letter: a message as programs give it to sendmail (Unix lines, headers that may be missing, recipients in them) made into what
 * goes over SMTP. Pure: octets in, octets and recipients out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum {
    LETTER_RECIPIENTS_MAX = 10000,
    LETTER_SIZE_MAX = 256 << 20,
    LETTER_DEPTH_MAX = 16, /* comments within comments */
};

struct letter_recipients {
    struct slice *items;   /* "user@example.org", or a bare local name */
    uint32_t count;
    bool too_many;
};

/* Splits a header field's value into mailboxes: display names, comments, groups and quoted strings are understood, routes are
 * not. What is no address is left out and counted in *ret_wrong. */
void letter_addresses(struct slice value, struct arena *arena, struct letter_recipients *recipients, uint32_t *ret_wrong);
/* The addresses of To, Cc and Bcc; with resent fields, of those instead (RFC 5322 3.6.6). */
void letter_recipients_of(struct slice text, struct arena *arena, struct letter_recipients *recipients, uint32_t *ret_wrong);
/* Appends the message in canonical form: CRLF lines, Bcc fields left out, a From field in front where none is there (from: its
 * value), an empty line where the text begins with no header field at all. A bare CR becomes a line end, a NUL is dropped. */
void letter_write(struct slice text, struct slice from, struct buffer *out);
/* As letter_write's input: text up to a line with a single dot, when dot_ends. */
struct slice letter_up_to_dot(struct slice text);
