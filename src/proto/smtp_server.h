/* One inbound SMTP session (RFC 5321 and the extensions that EHLO offers): a machine that is fed octets and answers, and drained of
 * replies and questions. It decides what may be said when; its owner (engine/intake) decides who may do what.
 *
 *     smtp_server_feed(s, now, &input);
 *     while (smtp_server_next(s, &output)) ...      until false
 *     smtp_server_credit(s)                         how many octets the driver may read now
 *     smtp_server_deadline_us(s)                    when to feed a tick
 *
 * Questions. AUTH, MAIL, RCPT and MESSAGE_END are questions: each is answered by exactly one input ANSWER, now or much
 * later, and while one is open nothing more of the input is read (what is pipelined waits, within the credit). BODY,
 * MESSAGE_ABORT, REFUSED are told and not answered. A message is: MAIL accepted, RCPT accepted once or more, BODY any
 * number of times (none for an empty message), then MESSAGE_END or MESSAGE_ABORT. A transaction that ends before its
 * body began (RSET, EHLO, QUIT, connection lost) is a MESSAGE_ABORT too: after every accepted MAIL exactly one of
 * MESSAGE_END and MESSAGE_ABORT follows; nothing follows a refused MAIL. The exception: an answer to MESSAGE_END that
 * the session did not wait for (connection lost, deadline) is not followed by anything, and the owner need not give
 * it: smtp_server_asking tells whether one is awaited.
 *
 * Lifetime: an input's octets are copied during the feed; an output's are valid until the next call on this machine.
 * The replies of a turn are gathered and come as one SEND, after all else that could be done.
 *
 * Strict (design 8): only CRLF ends a line; a bare CR, bare LF or NUL, in commands and bodies, gets a 5xx and the
 * connection is closed, whoever the client is (S01). Octets that came in clear behind STARTTLS close it too (S05).
 *
 * Memory: an idle session (between commands, no transaction) holds this struct and at most 1 KiB; a busy one at most
 * SMTP_SERVER_INPUT_MAX of input, SMTP_SERVER_UNSENT_MAX of replies and a work area of about 2 KiB. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/now.h"
#include "proto/body.h"
#include "proto/outcome.h"
#include "proto/smtp_command.h"

enum {
    SMTP_SERVER_INPUT_MAX = 64 << 10,  /* octets waiting to be read; the credit never exceeds it */
    SMTP_SERVER_UNSENT_MAX = 32 << 10, /* replies that the client has not taken: above it no input is read */
    SMTP_SERVER_NAME_SIZE_MAX = 253,
    SMTP_SERVER_GREETING_SIZE_MAX = 64,
    SMTP_SERVER_TEXT_SIZE_MAX = 480,   /* text of an answer; RFC 5321 4.5.3.1.5 gives a reply line 512 octets */
};

enum smtp_server_kind {
    SMTP_SERVER_RELAY,
    SMTP_SERVER_SUBMISSION,
    SMTP_SERVER_SUBMISSIONS, /* implicit TLS: START_TLS is the first output, unless options.tls */
    SMTP_SERVER_LOCAL,       /* sendmail's unix socket */
};

/* A value without pointers. smtp_server_options_default gives the page's defaults; every limit is at least 1. */
struct smtp_server_options {
    enum smtp_server_kind kind;
    bool tls;               /* the connection is already encrypted */
    bool starttls;          /* offered (and a certificate is there) */
    bool auth;              /* AUTH is offered under TLS */
    bool auth_clear;        /* ... and without (loopback) */
    bool auth_required;     /* MAIL before a login: 530 5.7.0 */
    bool requiretls;        /* REQUIRETLS offered under TLS (RFC 8689) */
    uint64_t message_size_max;
    uint32_t recipients_max;
    uint32_t errors_max;
    uint32_t failed_logins_max;
    int64_t command_timeout_us;     /* from the moment a command is awaited to its end */
    int64_t data_timeout_us;        /* a block of the body */
    int64_t transaction_timeout_us; /* from MAIL to the final dot, absolute */
    int64_t answer_timeout_us;      /* for the owner's answer: 421, should it never come */
    uint8_t name_size;
    uint8_t greeting_size;
    char name[SMTP_SERVER_NAME_SIZE_MAX];         /* ours, in the greeting and in EHLO */
    char greeting[SMTP_SERVER_GREETING_SIZE_MAX]; /* after "220 name ESMTP ", may be empty */
};

void smtp_server_options_default(struct smtp_server_options *ret_options);
void smtp_server_options_set_name(struct smtp_server_options *options, struct slice name); /* cut at its limit */

/* ---- in ---- */

enum smtp_server_input_kind {
    SMTP_SERVER_INPUT_TICK,
    SMTP_SERVER_INPUT_BYTES,    /* at most smtp_server_credit octets */
    SMTP_SERVER_INPUT_SENT,     /* so many octets of SEND have left */
    SMTP_SERVER_INPUT_TLS_UP,
    SMTP_SERVER_INPUT_ANSWER,   /* to the open question */
    SMTP_SERVER_INPUT_SHUTDOWN, /* 421 and close, after the answer to an open MESSAGE_END; instead of the greeting
                                   when fed before the first next (too many sessions) */
    SMTP_SERVER_INPUT_LOST,     /* the connection is gone: the transaction is aborted, nothing is sent */
};

/* code 0 accepts with the usual words. 2xx accepts, 4xx and 5xx refuse; 5xx counts as an error of the client unless
 * `forgiven`; 421 closes after it. To AUTH: 535 is a failed login, anything else 4xx or 5xx is not. */
struct smtp_answer {
    uint16_t code;
    struct enhanced_code enhanced; /* class 0: none is written */
    struct slice text;             /* ASCII without controls (others become '?'), cut at its limit */
    bool forgiven;
    bool close;                    /* close after it */
};

struct smtp_server_input {
    enum smtp_server_input_kind kind;
    union {
        struct slice bytes;
        uint32_t sent;
        struct smtp_answer answer; /* SHUTDOWN: its enhanced code and text, where they are given */
    };
};

/* ---- out ---- */

enum smtp_server_output_kind {
    SMTP_SERVER_NOTHING,
    SMTP_SERVER_SEND,          /* bytes */
    SMTP_SERVER_START_TLS,     /* after all SENDs before it; answered by TLS_UP, or LOST */
    SMTP_SERVER_CLOSE,         /* flush, then close; the last output */
    SMTP_SERVER_AUTH,          /* question */
    SMTP_SERVER_MAIL,          /* question */
    SMTP_SERVER_RCPT,          /* question */
    SMTP_SERVER_BODY,          /* bytes, canonical */
    SMTP_SERVER_MESSAGE_END,   /* question: answered after the commit */
    SMTP_SERVER_MESSAGE_ABORT, /* drop what was gathered since MAIL */
    SMTP_SERVER_REFUSED,       /* the machine itself has answered 4xx or 5xx: for the trace */
};

enum smtp_close {
    SMTP_CLOSE_NONE,
    SMTP_CLOSE_QUIT,
    SMTP_CLOSE_ERRORS,    /* too many errors */
    SMTP_CLOSE_LOGINS,    /* too many failed logins */
    SMTP_CLOSE_TIMEOUT,   /* of a command, a block or a transaction */
    SMTP_CLOSE_ANSWER,    /* the owner did not answer in time */
    SMTP_CLOSE_STRICT,    /* bare CR, bare LF or NUL */
    SMTP_CLOSE_INJECTION, /* octets behind STARTTLS */
    SMTP_CLOSE_FOREIGN,   /* not SMTP */
    SMTP_CLOSE_SIZE,      /* went on far above the message's limit */
    SMTP_CLOSE_SHUTDOWN,
    SMTP_CLOSE_OWNER,     /* answer.close or 421 */
    SMTP_CLOSE_LOST,
};

const char *smtp_close_name(enum smtp_close reason); /* lower-case word, stable */

struct smtp_server_auth {
    struct slice mechanism; /* "PLAIN", "LOGIN" */
    struct slice authzid;   /* "" when not given */
    struct slice login;     /* the login and the password: wiped here once answered; the owner wipes its copies */
    struct slice password;
};

struct smtp_server_refused {
    enum smtp_verb verb; /* SMTP_VERB_UNKNOWN where no command is concerned */
    uint16_t code;
    struct slice text;   /* enhanced code and words */
};

struct smtp_server_output {
    enum smtp_server_output_kind kind;
    union {
        struct slice bytes;              /* SEND, BODY */
        enum smtp_close close;
        struct smtp_server_auth auth;
        const struct smtp_mail *mail;
        const struct smtp_rcpt *rcpt;
        struct smtp_server_refused refused;
    };
};

/* ---- the machine ---- */

enum smtp_server_state {
    SMTP_SERVER_STATE_TLS,     /* the handshake is awaited */
    SMTP_SERVER_STATE_COMMAND, /* a command line is awaited */
    SMTP_SERVER_STATE_SASL,    /* a line of a SASL dialogue is awaited */
    SMTP_SERVER_STATE_ASK_AUTH,
    SMTP_SERVER_STATE_ASK_MAIL,
    SMTP_SERVER_STATE_ASK_RCPT,
    SMTP_SERVER_STATE_ASK_MESSAGE,
    SMTP_SERVER_STATE_DATA,    /* the body up to its dot is awaited */
    SMTP_SERVER_STATE_CHUNK,   /* the octets of a BDAT are awaited */
    SMTP_SERVER_STATE_CLOSING, /* nothing is read any more, the last reply goes out */
    SMTP_SERVER_STATE_CLOSED,
    SMTP_SERVER_STATE_COUNT,
};

struct smtp_server_work; /* what a transaction or a login needs and an idle session does not */

/* Embedded in the owner's session; the fields are private. */
struct smtp_server {
    enum smtp_server_state state;
    enum smtp_close close_reason;
    struct smtp_server_options options;
    struct buffer input;         /* from input_from on not read yet */
    struct buffer replies;       /* gathered, not handed out yet */
    struct smtp_server_work *work;
    const struct smtp_refusal *swallow; /* the body is dropped and at its end answered this; NULL: it is wanted */
    struct body_reader reader;
    size_t input_from;
    size_t scanned;              /* octets of the line at input_from known to have no CR, LF or NUL */
    uint64_t chunk_left;         /* octets of this BDAT still to come */
    uint64_t message_size;       /* octets of this message so far; when swallowing, of what is swallowed */
    int64_t now_us;              /* monotonic, of the last feed */
    int64_t wait_from_us;        /* since when this state, command or block is waited for */
    int64_t transaction_from_us; /* MAIL, or a BDAT without one */
    uint32_t unsent;             /* octets of SEND that have not left */
    uint32_t recipient_count;    /* accepted in this transaction */
    uint32_t error_count;
    uint32_t failed_login_count;
    uint16_t refused_from;       /* the last refusal of the machine's own within replies */
    uint16_t refused_size;       /* 0: none to be output */
    uint16_t refused_code;
    uint8_t verb;                /* enum smtp_verb of the current command */
    uint8_t helo_size;
    bool greeted;                /* something was sent */
    bool esmtp;                  /* EHLO rather than HELO */
    bool tls;
    bool authenticated;
    bool mail;                   /* MAIL was accepted: a transaction is open */
    bool smtputf8;
    bool rcpt_tried;             /* RCPT was said in this transaction */
    bool bdat;                   /* its body comes by BDAT and has begun */
    bool chunk_last;
    bool line_too_long;          /* the line's beginning was dropped */
    bool replies_out;            /* handed out by the last next: dropped at the next call */
    bool start_tls;              /* to be output once the replies are out */
    bool question;               /* the open question is still to be output */
    bool abort;                  /* MESSAGE_ABORT is to be output */
    bool shutdown;               /* as soon as the question is answered */
    char helo[SMTP_HELO_SIZE_MAX];
};

void smtp_server_init(struct smtp_server *s, struct now now, const struct smtp_server_options *options);
void smtp_server_done(struct smtp_server *s);
void smtp_server_feed(struct smtp_server *s, struct now now, const struct smtp_server_input *input);
bool smtp_server_next(struct smtp_server *s, struct smtp_server_output *ret_output);
/* Monotonic; DEADLINE_NEVER only when closed. */
int64_t smtp_server_deadline_us(const struct smtp_server *s);
/* Octets that may be fed now; 0 while enough waits. Not granting them (a slow disk) is the owner's way to pause. */
size_t smtp_server_credit(const struct smtp_server *s);

static inline struct slice smtp_server_helo(const struct smtp_server *s) /* "" before HELO and after STARTTLS */
{
    return (struct slice){ s->helo, s->helo_size };
}

static inline bool smtp_server_asking(const struct smtp_server *s) /* an ANSWER is awaited */
{
    return s->state >= SMTP_SERVER_STATE_ASK_AUTH && s->state <= SMTP_SERVER_STATE_ASK_MESSAGE;
}

static inline bool smtp_server_closed(const struct smtp_server *s) /* CLOSE was output, or the connection lost */
{
    return s->state == SMTP_SERVER_STATE_CLOSED;
}

static inline bool smtp_server_idle(const struct smtp_server *s) /* no transaction, nothing half read */
{
    return s->state == SMTP_SERVER_STATE_COMMAND && !s->mail && s->input_from == s->input.size;
}
