/* What became of one recipient at one host: the only currency between the dialogue, the verdict, the notices and the
 * explanation.
 *
 * A plain value; its slices belong to whoever made it (the arena of the attempt, or of the message once settled). It
 * never mixes with enum err, which speaks of this program. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum outcome_class {
    OUTCOME_NONE, /* not known yet */
    OUTCOME_OK,
    OUTCOME_TEMP,
    OUTCOME_PERM,
};

/* Where in the dialogue it was decided. The names (stage_name) are the ones of the JSON contract. */
enum stage {
    STAGE_NONE,
    STAGE_DNS,
    STAGE_CONNECT,
    STAGE_BANNER,
    STAGE_EHLO,
    STAGE_TLS,
    STAGE_AUTH,
    STAGE_MAIL,
    STAGE_RCPT,
    STAGE_DATA,
    STAGE_DOT,
    STAGE_POP,
};

/* Who or what said so. OUTCOME_CAUSE_REPLY is the only one with a reply code. */
enum outcome_cause {
    OUTCOME_CAUSE_NONE,
    OUTCOME_CAUSE_REPLY,
    OUTCOME_CAUSE_TIMEOUT,
    OUTCOME_CAUSE_LOST,             /* the connection was closed or reset */
    OUTCOME_CAUSE_REFUSED,          /* connection refused */
    OUTCOME_CAUSE_UNREACHABLE,
    OUTCOME_CAUSE_PROTOCOL,         /* what came is not SMTP (or too much of it), injected before TLS (S06) */
    OUTCOME_CAUSE_REMEMBERED,       /* a connection failure of the last minutes (A37) */
    OUTCOME_CAUSE_DNS_TEMP,         /* SERVFAIL, timeout, REFUSED, bogus (A4) */
    OUTCOME_CAUSE_DNS_NXDOMAIN,     /* authoritative (A5) */
    OUTCOME_CAUSE_DNS_NODATA,       /* neither MX nor A nor AAAA, or no MX host has an address (A5, A8) */
    OUTCOME_CAUSE_DNS_NULL_MX,      /* A7 */
    OUTCOME_CAUSE_OURSELVES,        /* A9 */
    OUTCOME_CAUSE_TLS_FAILED,       /* handshake */
    OUTCOME_CAUSE_TLS_NOT_OFFERED,  /* demanded and not offered or refused */
    OUTCOME_CAUSE_TLS_UNVERIFIED,   /* demanded and not verified */
    OUTCOME_CAUSE_AUTH_NO_MECHANISM,/* none in common, or AUTH not offered */
    OUTCOME_CAUSE_AUTH_CLEAR,       /* A33: would have been sent on a clear or unverified link */
    OUTCOME_CAUSE_AUTH_SECRET,      /* the secret cannot be opened, or is missing */
    OUTCOME_CAUSE_RESTING,          /* a credential or host rests (A25, A38) */
    OUTCOME_CAUSE_SIZE,             /* A42 */
    OUTCOME_CAUSE_SMTPUTF8,         /* A43 */
    OUTCOME_CAUSE_SIBLING,          /* A20: another recipient of the transaction was refused */
    OUTCOME_CAUSE_LOCAL,            /* our own: Maildir, disk, a body that cannot be read */
    OUTCOME_CAUSE_EXPIRED,
    OUTCOME_CAUSE_HOPS,
    OUTCOME_CAUSE_ADMIN,            /* the administrator bounced it */
    OUTCOME_CAUSE_CONVERSION,       /* 8-bit or long lines that the host does not take and that cannot be converted */
    OUTCOME_CAUSE_COUNT,
};

/* RFC 3463. class is 2, 4 or 5; 0 when there is none. */
struct enhanced_code {
    uint8_t class;
    uint16_t subject;
    uint16_t detail;
};

enum {
    OUTCOME_TEXT_SIZE_MAX = 1024, /* a reply's text, lines joined with one LF each, cut at a character's border */
    OUTCOME_HOST_SIZE_MAX = 255,
};

struct outcome {
    enum outcome_class class;
    enum stage stage;
    enum outcome_cause cause;
    uint16_t code;                 /* the reply's three digits, 0 without a reply */
    struct enhanced_code enhanced; /* the reply's own, else derived by outcome_enhanced_default */
    bool in_doubt;                 /* the connection died between the final dot and its answer (A18) */
    bool tls;                      /* said over TLS */
    struct slice text;             /* at most OUTCOME_TEXT_SIZE_MAX octets, as received: never trusted */
    struct slice host;             /* name of the host that said so, "" when none did */
    struct slice address;          /* its numeric address ("192.0.2.1", "2001:db8::1"), "" when none */
    int64_t at_us;                 /* wall time, 0 when not set */
};

const char *stage_name(enum stage stage);                         /* "rcpt"; "" for STAGE_NONE */
const char *outcome_class_name(enum outcome_class class);         /* "ok", "temp", "perm", "none" */
const char *outcome_cause_name(enum outcome_cause cause);         /* lower-case words with dashes, stable */
/* Class of a reply code: 2xx and 3xx ok, 4xx temp, 5xx perm. */
enum outcome_class outcome_class_of_code(uint16_t code);
/* The enhanced code of an outcome whose reply had none: X.0.0 of its class, at banner and EHLO X.3.2; for causes
 * without a reply the fitting one (4.4.1 connect, 4.4.2 lost, 4.4.3 dns, 5.1.2 NXDOMAIN, 5.4.4 no address,
 * 5.1.10 null MX, 5.4.6 ourselves, 4.7.5 certificate, 5.3.4 size, 5.6.7 SMTPUTF8 ...). */
struct enhanced_code outcome_enhanced_default(const struct outcome *outcome);
/* "5.7.1" (three numbers, no blanks) at the front of a text: true and the rest after it. A code without text is fine
 * (Postfix CVE-2026-43964: "5.7.2" bare); a class that differs from the reply's is ignored by the caller. */
bool enhanced_code_parse(struct slice text, struct enhanced_code *ret_code, struct slice *ret_rest);
/* "5.7.1" into text of at least 16 octets, NUL-terminated; "" for class 0. */
void enhanced_code_format(struct enhanced_code code, char text[static 16]);
/* A session failure (semantics section 2): any failure at dns to auth, a 421 or lost connection before the first reply
 * to MAIL. Everything else that failed is a verdict. */
bool outcome_is_session_failure(const struct outcome *outcome);
