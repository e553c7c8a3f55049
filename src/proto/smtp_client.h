/* One outbound SMTP session (RFC 5321): a machine that carries any number of transactions, one after another, and says
 * what became of every recipient.
 *
 *     smtp_client_init(c, now, &options);           the connection is up
 *     smtp_client_feed(c, now, &input);             one input
 *     while (smtp_client_next(c, &output)) ...      until false
 *     smtp_client_deadline_us(c);                   when to feed a tick; finite until CLOSE was output
 *
 * Order of outputs: [START_TLS], then READY or FAILED; after READY for each TRANSACTION fed: NEED_BODY any number of
 * times, exactly one RESULT a recipient, then END; at last CLOSE, once. Whatever happens to the connection, every
 * transaction that was fed gets its RESULTs and its END before CLOSE. FAILED comes before READY only: a session that
 * ends later tells it by the results of what was under way, and by CLOSE's reason.
 *
 * Pipelining (RFC 2920): two cursors, sent and answered, over the steps of a transaction (MAIL, RCPT..., DATA, dot).
 * Where the server offers it, MAIL, RCPT and DATA go out in one write, and the next transaction may be fed once the
 * body of the one before has been taken (smtp_client_accepts): its envelope goes out behind the final dot. Otherwise
 * lockstep. BDAT is not used.
 *
 * Lifetime: an input's bytes are used or copied during the feed; options, login and transactions hold slices that the
 * owner keeps: options until CLOSE, a login until READY or FAILED, a transaction until its END was output. An output's
 * slices are valid until the next call on this machine.
 *
 * What is in doubt (A18): lost, timed out or garbled between the final dot and its answer. The only case.
 *
 * Memory: at most SMTP_CLIENT_UNSENT_MAX of output, a reply of SMTP_REPLY_SIZE_MAX, two transcripts; an idle session
 * holds this struct and at most 4 KiB. Nothing is allocated per message once the buffers have grown. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/now.h"
#include "proto/body.h"
#include "proto/outcome.h"
#include "proto/sasl_client.h"
#include "proto/smtp_command.h"
#include "proto/smtp_reply.h"

enum {
    SMTP_CLIENT_UNSENT_MAX = 256 << 10,
    SMTP_CLIENT_BODY_PIECE_MAX = 64 << 10,      /* of one NEED_BODY */
    SMTP_CLIENT_INPUT_MAX = 64 << 10,           /* of BYTES that next() has not been through */
    SMTP_CLIENT_RECIPIENTS_MAX = 1000,          /* of one transaction */
    SMTP_CLIENT_IN_FLIGHT_MAX = 2,
    SMTP_CLIENT_OPENING_TRANSCRIPT_MAX = 2 << 10,
    SMTP_CLIENT_TRANSCRIPT_MAX = 14 << 10,      /* of a transaction; with the opening 16 KiB */
    SMTP_CLIENT_GREETING_HOST_MAX = 255,
};

enum smtp_client_tls {
    SMTP_CLIENT_TLS_OFF,
    SMTP_CLIENT_TLS_OPPORTUNISTIC, /* STARTTLS when offered; refused by a reply: on in clear */
    SMTP_CLIENT_TLS_DEMANDED,      /* STARTTLS, or the session fails */
    SMTP_CLIENT_TLS_IMPLICIT,      /* START_TLS is the first output, before the banner */
};

struct smtp_client_login {
    struct sasl_credentials credentials;
    uint32_t mechanisms;    /* allowed: bits 1 << enum sasl_mechanism; 0: all that fit the credentials */
    bool optional;          /* a server that offers no AUTH at all is used without */
    bool allow_clear;       /* AllowPlaintextAuth: also without TLS */
    bool allow_unverified;  /* SmartHostVerifyCertificate = no: also over TLS that is not verified */
};

struct smtp_client_options {
    struct slice our_name;         /* EHLO's argument: a domain or an address literal */
    struct slice host;             /* name as written, for outcomes */
    struct slice address;          /* numeric, for outcomes */
    enum smtp_client_tls tls;
    const struct smtp_client_login *login; /* NULL: none */
    int64_t banner_timeout_us;     /* each covers a whole reply */
    int64_t command_timeout_us;
    int64_t data_timeout_us;       /* a block of the body: without progress in sending */
    int64_t dot_timeout_us;        /* the answer after the final dot */
    int64_t idle_timeout_us;       /* between transactions: QUIT then */
    bool transcript;               /* keep transcripts for notices */
};

struct smtp_client_recipient {
    struct slice address;          /* canonical mailbox */
    struct slice orcpt;            /* "rfc822;x@y", decoded; "" when not given */
    uint8_t notify;                /* enum smtp_notify; 0: not given */
};

struct smtp_client_transaction {
    uint64_t tag;                  /* the owner's, not 0; given back with every output that concerns it */
    struct slice sender;           /* canonical mailbox, "" for the null sender */
    bool smtputf8;                 /* an address or header that is sent needs it: 5.6.7 where not offered */
    bool body_8bit;                /* BODY=8BITMIME; not allowed where not offered: the owner converts before (facts) */
    bool requiretls;               /* 5.7.30 where not offered */
    enum smtp_ret ret;
    struct slice envid;            /* decoded */
    uint64_t body_size;            /* octets that will be supplied; for a converted body an upper bound or estimate */
    uint64_t body_size_least;      /* not exact: it will hardly be less; 0: not known */
    bool body_size_exact;          /* the body ends at body_size; else it ends with the input BODY that says last */
    bool abort_on_rcpt_5xx;        /* A20 */
    const struct smtp_client_recipient *recipients;
    uint32_t recipient_count;      /* 1 to SMTP_CLIENT_RECIPIENTS_MAX */
};

/* ---- in ---- */

enum smtp_client_input_kind {
    SMTP_CLIENT_INPUT_TICK,
    SMTP_CLIENT_INPUT_BYTES,       /* at most SMTP_CLIENT_INPUT_MAX since next() has last said false */
    SMTP_CLIENT_INPUT_SENT,        /* so many octets of SEND have left */
    SMTP_CLIENT_INPUT_TLS_UP,
    SMTP_CLIENT_INPUT_TLS_FAILED,
    SMTP_CLIENT_INPUT_LOST,        /* the connection is gone */
    SMTP_CLIENT_INPUT_TRANSACTION, /* only when smtp_client_accepts */
    SMTP_CLIENT_INPUT_BODY,        /* the answer to NEED_BODY, now or later */
    SMTP_CLIENT_INPUT_BODY_FAILED, /* it cannot be read: the connection is dropped, nothing is finished */
    SMTP_CLIENT_INPUT_QUIT,        /* after what is in flight: QUIT and CLOSE */
    SMTP_CLIENT_INPUT_ABORT,       /* now: what is in flight is lost (LOCAL), CLOSE */
};

/* What the owner's policy says of the handshake. */
struct smtp_client_tls_up {
    bool accepted;
    bool verified;                 /* chain and name, or DANE: a login may be sent (A33) */
    enum outcome_cause cause;      /* when not accepted: OUTCOME_CAUSE_TLS_UNVERIFIED ... */
    struct slice text;             /* when not accepted: why, in words */
    struct slice channel_binding;  /* for -PLUS mechanisms; "" without; copied */
    bool channel_binding_exporter;
};

struct smtp_client_body {
    struct slice bytes;            /* canonical, at NEED_BODY's offset, 1 octet at least unless last */
    bool last;                     /* nothing follows; ignored when body_size_exact */
};

struct smtp_client_input {
    enum smtp_client_input_kind kind;
    union {
        struct slice bytes;
        uint32_t sent;
        struct smtp_client_tls_up tls_up;
        struct slice tls_failed;   /* in words */
        enum outcome_cause lost;   /* OUTCOME_CAUSE_LOST, TIMEOUT, UNREACHABLE, LOCAL */
        const struct smtp_client_transaction *transaction;
        struct smtp_client_body body;
    };
};

/* ---- out ---- */

enum smtp_client_output_kind {
    SMTP_CLIENT_NOTHING,
    SMTP_CLIENT_SEND,
    SMTP_CLIENT_START_TLS, /* after all SENDs before it */
    SMTP_CLIENT_READY,     /* smtp_client_facts is complete; transactions are accepted */
    SMTP_CLIENT_FAILED,    /* before READY: outcome; CLOSE follows */
    SMTP_CLIENT_NEED_BODY,
    SMTP_CLIENT_RESULT,
    SMTP_CLIENT_END,       /* the transaction is over; the slices of its struct may go */
    SMTP_CLIENT_CLOSE,     /* the last output */
};

struct smtp_client_need_body {
    uint64_t tag;
    uint64_t offset;       /* octets of the body taken so far */
    uint32_t size;         /* at most so many; fewer are fine */
};

struct smtp_client_result {
    uint64_t tag;
    uint32_t recipient;    /* index in the transaction */
    struct outcome outcome;
    bool too_many;         /* A22: 452, or 552 for too many recipients, after an accepted RCPT: in the next transaction at
                              once. A 552 whose enhanced code speaks of a mailbox or a message is none */
};

struct smtp_client_end {
    uint64_t tag;
    bool dot_sent;         /* the final dot was handed out */
    bool replied;          /* the server has answered MAIL, other than by 421: false on a reused session means that it was
                              stale (or that the transaction was refused here: size, SMTPUTF8, REQUIRETLS) */
};

struct smtp_client_close {
    bool abort;            /* reset, do not flush: a body was cut short */
    struct outcome reason; /* class OUTCOME_OK after our own QUIT */
};

struct smtp_client_output {
    enum smtp_client_output_kind kind;
    union {
        struct slice bytes;
        struct outcome failed;
        struct smtp_client_need_body need_body;
        struct smtp_client_result result;
        struct smtp_client_end end;
        struct smtp_client_close close;
    };
};

/* What is known of the server; grows during the opening, complete at READY. */
struct smtp_client_facts {
    struct slice greeting_host; /* the first word of the greeting (A9), "" when none */
    struct smtp_extensions extensions; /* of the last EHLO: those before TLS are forgotten (S06) */
    bool tls;
    bool tls_verified;
    bool authenticated;
    enum sasl_mechanism mechanism; /* when authenticated */
    uint32_t transaction_count; /* ended with an answer to the dot or refused before */
};

/* ---- the machine ---- */

enum smtp_client_state {
    SMTP_CLIENT_STATE_TLS,      /* a handshake is awaited */
    SMTP_CLIENT_STATE_BANNER,
    SMTP_CLIENT_STATE_EHLO,
    SMTP_CLIENT_STATE_HELO,
    SMTP_CLIENT_STATE_STARTTLS,
    SMTP_CLIENT_STATE_AUTH,     /* an answer within a login is awaited */
    SMTP_CLIENT_STATE_READY,    /* transactions, by their own cursors */
    SMTP_CLIENT_STATE_QUIT,     /* the answer to QUIT is awaited */
    SMTP_CLIENT_STATE_ENDING,   /* results and CLOSE are still to be output */
    SMTP_CLIENT_STATE_CLOSED,
    SMTP_CLIENT_STATE_COUNT,
};

struct smtp_client_slot; /* a transaction in flight */

/* Embedded in the owner's session; the fields are private. */
struct smtp_client {
    enum smtp_client_state state;
    struct smtp_client_options options;
    struct smtp_extensions extensions;
    struct smtp_reply_reader reader;
    struct buffer input;          /* not read yet, from input_from on */
    struct buffer unsent;         /* not handed out yet */
    struct buffer opening;        /* transcript up to READY */
    struct buffer words;          /* text of `end` */
    struct buffer binding;        /* the channel's, for logins */
    struct smtp_client_slot *slots[SMTP_CLIENT_IN_FLIGHT_MAX]; /* kept for the next transactions */
    struct sasl_client *sasl;     /* during a login */
    struct outcome end;           /* why it ends; class NONE while it does not */
    size_t input_from;
    int64_t now_us;               /* monotonic, of the last feed */
    int64_t wall_us;
    int64_t wait_from_us;         /* since when what is awaited is awaited */
    uint32_t on_wire;             /* octets of SEND that have not left */
    uint32_t expected;            /* replies owed to commands that were handed out */
    uint32_t expected_unsent;     /* ... and to those in unsent */
    uint32_t transaction_count;
    uint32_t tried_mechanisms;
    uint8_t slot_first;           /* the older transaction in flight */
    uint8_t slot_count;
    uint8_t sasl_steps;
    uint8_t host_size;
    enum sasl_mechanism mechanism;
    enum err sasl_fault;          /* why the login was cancelled; ERR_OK while it was not */
    bool sasl_held;               /* the initial response was too long for the AUTH line: at the first challenge */
    bool binding_exporter;
    bool tls;
    bool tls_verified;
    bool authenticated;
    bool sent_out;                /* unsent was handed out by the last next */
    bool secret;                  /* unsent has a secret in it: wiped */
    bool start_tls;               /* START_TLS is to be output once unsent is out */
    bool ready;                   /* READY is to be output */
    bool failed;                  /* FAILED is to be output */
    bool was_ready;
    bool rset;                    /* the answer to a RSET is awaited before all else */
    bool quit;                    /* QUIT is wanted once nothing is in flight */
    bool abort;
    char host[SMTP_CLIENT_GREETING_HOST_MAX];
};

void smtp_client_init(struct smtp_client *c, struct now now, const struct smtp_client_options *options);
void smtp_client_done(struct smtp_client *c);
void smtp_client_feed(struct smtp_client *c, struct now now, const struct smtp_client_input *input);
bool smtp_client_next(struct smtp_client *c, struct smtp_client_output *ret_output);
/* Monotonic; DEADLINE_NEVER only when closed. */
int64_t smtp_client_deadline_us(const struct smtp_client *c);

/* A TRANSACTION may be fed now: the session is ready, and idle or (with PIPELINING) waiting for the answer to a dot. */
bool smtp_client_accepts(const struct smtp_client *c);
/* READY, nothing in flight, not ending. */
bool smtp_client_idle(const struct smtp_client *c);
bool smtp_client_closed(const struct smtp_client *c);
void smtp_client_facts(const struct smtp_client *c, struct smtp_client_facts *ret_facts);
/* What was said, lines ended with LF, "C: " and "S: " in front; secrets are never in it. The opening, then the
 * transaction `tag` (0: the opening only). Call it when its RESULT or END, or FAILED, was output. */
void smtp_client_transcript(const struct smtp_client *c, uint64_t tag, struct buffer *out);
