/* One command line of a client (RFC 5321 4.1, RFC 3461 4, RFC 1870, 6152, 6531, 8689, 4954, 3030): the line without
 * its CRLF becomes a plain struct, or the reply that refuses it.
 *
 * Pure and to the letter: anything that the grammar does not have is refused, parameters that are not known get 555
 * (RFC 5321 4.1.1.11). Values encoded as xtext are decoded, bounded and searched for control characters (S12) here,
 * so nothing downstream meets an encoded or raw line break. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/address.h"

enum smtp_verb {
    SMTP_VERB_UNKNOWN,
    SMTP_VERB_HELO,
    SMTP_VERB_EHLO,
    SMTP_VERB_MAIL,
    SMTP_VERB_RCPT,
    SMTP_VERB_DATA,
    SMTP_VERB_BDAT,
    SMTP_VERB_RSET,
    SMTP_VERB_NOOP,
    SMTP_VERB_VRFY,
    SMTP_VERB_EXPN,
    SMTP_VERB_HELP,
    SMTP_VERB_QUIT,
    SMTP_VERB_STARTTLS,
    SMTP_VERB_AUTH,
    SMTP_VERB_FOREIGN, /* a method of HTTP, or another protocol's first word: one reply, then close (S10) */
    SMTP_VERB_COUNT,
};

enum {
    SMTP_LINE_SIZE_MAX = 2048,       /* a command line with its CRLF */
    SMTP_SASL_LINE_SIZE_MAX = 12288, /* RFC 4954 4 */
    SMTP_ENVID_SIZE_MAX = 100,       /* RFC 3461 4.4, as sent and so as decoded too */
    SMTP_ORCPT_SIZE_MAX = 500,       /* RFC 3461 4.2 */
    SMTP_AUTH_SIZE_MAX = 500,        /* RFC 4954 5 */
    SMTP_HELO_SIZE_MAX = 255,
    SMTP_MECHANISM_SIZE_MAX = 20,    /* RFC 4422 3.1 */
};

/* The same values as in border/model.h: the engine converts by a cast and asserts that they are. */
enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };
enum smtp_notify {
    SMTP_NOTIFY_NEVER = 1 << 0,
    SMTP_NOTIFY_SUCCESS = 1 << 1,
    SMTP_NOTIFY_FAILURE = 1 << 2,
    SMTP_NOTIFY_DELAY = 1 << 3,
};

/* Text decoded from a parameter; without pointers, so that it can be kept. */
struct smtp_envid {
    uint16_t size;
    char text[SMTP_ENVID_SIZE_MAX];
};

struct smtp_orcpt {
    uint16_t size;
    char text[SMTP_ORCPT_SIZE_MAX];
};

struct smtp_mail {
    struct address sender;       /* ADDRESS_NULL or ADDRESS_MAILBOX */
    uint64_t size;               /* SIZE=, 0 when not given */
    enum smtp_body body;
    enum smtp_ret ret;
    bool smtputf8;
    bool requiretls;
    bool auth_given;             /* AUTH= (RFC 4954 5); the null address is "<>" */
    struct address auth;
    struct smtp_envid envid;
};

struct smtp_rcpt {
    struct address recipient;    /* ADDRESS_MAILBOX or ADDRESS_POSTMASTER */
    uint8_t notify;              /* enum smtp_notify; 0: not given */
    struct smtp_orcpt orcpt;     /* "rfc822;x@y", type in lower case; empty when not given */
};

struct smtp_bdat {
    uint64_t size;
    bool last;
};

/* What a refused line is answered. code 0: nothing is wrong. */
struct smtp_refusal {
    uint16_t code;
    const char *enhanced; /* "5.5.4" */
    const char *text;     /* static; never an echo of the input */
};

/* What the session offers: the parameters of everything else are 555. */
struct smtp_offers {
    bool esmtp;      /* EHLO was said; after HELO no parameter is known */
    bool requiretls;
};

/* The verb; *ret_argument is what follows it and one blank, without the blanks at the line's end (RFC 5321 4.1.1
 * tolerates those, and no others). */
enum smtp_verb smtp_command_verb(struct slice line, struct slice *ret_argument);
const char *smtp_verb_name(enum smtp_verb verb); /* "MAIL"; "" for unknown and foreign ones */

struct smtp_refusal smtp_command_mail(struct slice argument, const struct smtp_offers *offers,
                                      struct smtp_mail *ret_mail);
/* UTF-8 is allowed in paths when the transaction's MAIL said SMTPUTF8. */
struct smtp_refusal smtp_command_rcpt(struct slice argument, const struct smtp_offers *offers, bool smtputf8,
                                      struct smtp_rcpt *ret_rcpt);
/* What is refused here leaves unknown how many octets of body follow: the connection must be closed. */
struct smtp_refusal smtp_command_bdat(struct slice argument, struct smtp_bdat *ret_bdat);
/* AUTH mechanism [initial-response]; *ret_initial has NULL data when there is none, "=" stands for an empty one. */
struct smtp_refusal smtp_command_auth(struct slice argument, struct slice *ret_mechanism, struct slice *ret_initial);
