/* Notices about a message: RFC 3464 multipart/report with a text that a person understands, the machine's part, the
 * message itself or its header (RFC 3461 RET), and the transcript of the session where wanted. RFC 6533 for addresses
 * above ASCII; English and French.
 *
 * The builder makes what stands before and what stands behind the original's octets; the owner puts those between, so
 * that messages of any size stream. Whether a notice is owed, and to whom, is the engine's (engine/bounce).
 *
 * Texts from outside (replies, host names, transcript) are cleaned, cut and folded here (S12, S22). Everything is 7-bit
 * but the original. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/text.h"
#include "proto/outcome.h"

enum {
    DSN_RECIPIENTS_TOLD_MAX = 50, /* in the text; the machine's part has all */
    DSN_OTHERS_MAX = 8,           /* other hosts' answers listed for a recipient (A16) */
    DSN_TRANSCRIPT_SIZE_MAX = 16 << 10,
    DSN_PREFIX_SIZE_MAX = 16 << 20, /* 10,000 recipients */
    DSN_RANDOM_SIZE = 16,
};

enum dsn_kind {
    DSN_FAILED, /* for good, or given up */
    DSN_DELAYED,
    DSN_SUCCESS,               /* NOTIFY=SUCCESS: delivered or relayed, by each recipient's action */
    DSN_DELIVERED_AFTER_DELAY, /* nobody asked but the administrator: the delayed message has gone after all */
};

enum dsn_action { DSN_ACTION_FAILED, DSN_ACTION_DELAYED, DSN_ACTION_DELIVERED, DSN_ACTION_RELAYED };

struct dsn_recipient {
    struct slice address; /* canonical mailbox */
    struct slice orcpt;   /* "rfc822;x@y", decoded; "" when not given */
    enum dsn_action action;
    struct outcome outcome;       /* what decided; class OUTCOME_NONE when nothing was tried */
    bool expired;                 /* given up after patience: 4.4.7, or 5.1.2, 5.4.4 by the outcome; never 2.x.x */
    const struct outcome *others; /* what other hosts answered, the most preferred first */
    size_t other_count;
    struct slice cause;      /* a sentence of the owner's in the notice's language: the local cause (A23a); "" none */
    int64_t last_attempt_us; /* wall; 0: none */
    int64_t will_retry_until_us; /* for delays; 0: not told */
};

struct dsn {
    enum dsn_kind kind;
    enum language language;
    struct slice our_name;           /* Reporting-MTA */
    struct slice postmaster;         /* whom to ask, and From's address */
    struct slice to;                 /* the original's sender, or the postmaster */
    bool for_postmaster;             /* the text says that the sender is told, or that there is none */
    struct slice sender;             /* the original's sender, "" for the null one */
    struct slice message_id;         /* the notice's own, without angle brackets */
    struct slice original_id;        /* our queue id of the original */
    struct slice subject;            /* the original's, raw, "" when not known */
    struct slice envid;              /* decoded; "" when not given */
    int64_t arrival_us;              /* wall */
    int64_t now_us;                  /* wall: Date */
    int64_t give_up_us;              /* delay notices: wall time until which it is tried; 0: not told */
    uint8_t random[DSN_RANDOM_SIZE]; /* for the boundary */
    const struct dsn_recipient *recipients;
    size_t recipient_count;
    bool header_only;          /* RET=HDRS, or the original is too large: the owner gives its header section only */
    bool original_header_8bit; /* message/global (RFC 6533) rather than message/rfc822 */
    bool original_body_8bit;
    struct slice transcript; /* lines ended with LF, "" without */
};

/* All up to the original's first octet, ending with an empty line. */
void dsn_add_prefix(const struct dsn *dsn, struct buffer *out);
/* After the original's last octet; `at_line_start`: that was the LF of a CRLF. */
void dsn_add_suffix(const struct dsn *dsn, bool at_line_start, struct buffer *out);
/* The notice's body is 8-bit: because the original is. */
bool dsn_is_8bit(const struct dsn *dsn);
/* Its envelope or header needs SMTPUTF8: because `to` does. */
bool dsn_needs_smtputf8(const struct dsn *dsn);

/* A text from outside for a person or a field: printable ASCII and, where allowed, valid UTF-8; the rest becomes '?',
 * line ends a blank; cut at size_max. */
void dsn_add_clean(struct slice text, bool utf8, size_t size_max, struct buffer *out);
