/* A message as it is queued: the envelope record with all its fields, used or not, from the first version on.
 *
 * The envelope travels as bytes (envelope_encode) between the engine and the store, in the segment, in the index's row
 * and in queue listings: one format, versioned, length-prefixed, checksummed by whoever stores it. Decoded, it is a
 * plain value whose slices point into the bytes it was read from or into the arena given. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "proto/outcome.h"

enum {
    ENVELOPE_VERSION = 1,
    ENVELOPE_SIZE_MAX = 4 << 20,
    ENVELOPE_RECIPIENTS_MAX = 10000,
    ENVELOPE_ADDRESS_SIZE_MAX = 1024, /* of one mailbox in canonical form, SMTPUTF8 included */
};

/* Ids: 63 bits, made by the engine: 41 bits of milliseconds since 2020, 6 bits of node, 16 bits of counter; never
 * backwards. Written as 13 characters of base 32 (id_format). 0 is no id. */
void id_format(uint64_t id, char text[static 16]);
bool id_parse(struct slice text, uint64_t *ret_id);

enum recipient_state {
    RECIPIENT_WAITING,
    RECIPIENT_DELIVERED,
    RECIPIENT_BOUNCED, /* refused for good; the notice was part of the same batch where one was owed */
    RECIPIENT_HELD,
    RECIPIENT_EXPIRED,
    RECIPIENT_STATE_COUNT,
};

enum queue_kind {
    QUEUE_REMOTE,  /* fresh */
    QUEUE_RETRY,
    QUEUE_HOLDING,
    QUEUE_BAD,
    QUEUE_LOCAL,   /* only local recipients are waiting */
    QUEUE_COUNT,
};

enum notify_flags { /* RFC 3461 NOTIFY; 0: not given */
    NOTIFY_NEVER = 1 << 0,
    NOTIFY_SUCCESS = 1 << 1,
    NOTIFY_FAILURE = 1 << 2,
    NOTIFY_DELAY = 1 << 3,
};

enum ret_kind { RET_NONE, RET_FULL, RET_HDRS };

enum body_kind { BODY_7BIT, BODY_8BITMIME, BODY_BINARY };

enum received_protocol {
    RECEIVED_INTERNAL, /* made here: notices, alerts */
    RECEIVED_SMTP,
    RECEIVED_ESMTP,
    RECEIVED_ESMTPS,
    RECEIVED_ESMTPA,
    RECEIVED_ESMTPSA,
    RECEIVED_LOCAL,    /* sendmail, over the unix socket */
};

struct recipient {
    struct slice address; /* canonical mailbox, as emitted in RCPT */
    struct slice orcpt;   /* "rfc822;x@y", decoded from xtext; "" when not given */
    uint8_t notify;
    bool local;           /* delivered to a Maildir here when it was accepted; worked out anew at every attempt */
    enum recipient_state state;
    uint16_t attempts;
    uint16_t rule;        /* policy's rule_id that decided last, 0: none yet */
    int64_t due_us;       /* wall time of the next attempt */
    struct outcome last;  /* class OUTCOME_NONE before the first attempt */
};

struct envelope {
    uint64_t id;
    int64_t received_us;      /* wall */
    enum received_protocol protocol;
    struct slice peer;        /* numeric address of the client, "" for local */
    struct slice helo;
    struct slice account;     /* authenticated submitter, "" when none */
    bool from_network;        /* accepted because of [Relay] Networks (A27) */
    struct slice sender;      /* canonical mailbox, "" for the null sender */
    enum ret_kind ret;
    struct slice envid;       /* decoded from xtext */
    enum body_kind body;
    bool smtputf8;            /* the client asked for it */
    bool header_8bit;         /* the header section has octets above 127 (A43) */
    bool body_8bit;           /* the body has */
    bool long_lines;          /* a line over 998 octets */
    bool requiretls;
    uint8_t priority;
    bool hold;                /* by the administrator */
    bool delay_notice_sent;
    uint16_t hops;            /* Received fields when it came */
    bool notice;              /* made by us: a bounce, delay notice or alert */
    uint64_t cause_id;        /* the message that this notice speaks of */
    enum queue_kind queue;
    uint16_t attempts;        /* of the message: attempts begun for any recipient */
    int64_t first_attempt_us; /* wall, 0 before */
    uint8_t crashes;          /* unclean ends of the server while it was in flight; held at the third */
    uint64_t body_size;       /* octets of the stored message: header and body, canonical CRLF */
    struct recipient *recipients;
    uint32_t recipient_count;
};

/* Appends the record; the buffer's overflow is the caller's to look at. */
void envelope_encode(const struct envelope *envelope, struct buffer *out);
/* ERR_CORRUPT when it is not one (every bound is checked), ERR_NEWER_FORMAT for a later version. Slices point into
 * bytes; recipients come from the arena. */
enum err envelope_decode(struct slice bytes, struct arena *arena, struct envelope *ret_envelope);

/* Earliest due of the waiting recipients, INT64_MAX when none waits. */
int64_t envelope_due_us(const struct envelope *envelope);
bool envelope_finished(const struct envelope *envelope); /* no recipient waits or is held */

const char *recipient_state_name(enum recipient_state state); /* "waiting" ... */
const char *queue_name(enum queue_kind queue);                /* "remote" "retry" "holding" "bad" "local" */
const char *received_protocol_name(enum received_protocol protocol, bool smtputf8); /* RFC 3848, 6531: "UTF8SMTPSA" */
