/* bounce: notices about a message: whether one is owed (RFC 3461 NOTIFY and RET, A40, A45), to whom, and the message that
 * carries it (proto/dsn gives the text). Nothing asynchronous here: the original's octets are given by the caller.
 *
 * Who calls it: engine/settle, which commits the notice in the same batch as the settle that causes it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "engine/core.h"
#include "engine/message.h"
#include "proto/dsn.h"
#include "proto/outcome.h"

enum {
    BOUNCE_ORIGINAL_SIZE_MAX = 160 << 10, /* a larger original is quoted by its header section only */
    BOUNCE_HEADER_SIZE_MAX = 64 << 10,    /* of it; the rest is cut at a line */
    BOUNCE_OTHERS_MAX = DSN_OTHERS_MAX,
};

enum bounce_whom { BOUNCE_NOBODY, BOUNCE_SENDER, BOUNCE_POSTMASTER };

struct bounce_recipient {
    uint32_t recipient;            /* index into the envelope's */
    const struct outcome *outcome; /* NULL: the envelope's last */
    bool expired;
    bool local_cause;              /* A23a, A25: the notice names it */
    bool relayed;                  /* SUCCESS: the next hop has no DSN */
    const struct outcome *others;  /* other hosts' answers, the most preferred first (A16) */
    uint32_t other_count;
    int64_t retry_until_us;        /* delays */
};

/* Is the sender (else nobody) owed a notice of this kind about this recipient? The null sender never is (A40). */
bool bounce_owed(const struct envelope *original, const struct recipient *recipient, enum dsn_kind kind);

struct bounce_question {
    const struct message *original;
    enum dsn_kind kind;
    bool to_postmaster;            /* instead of the sender (OnGiveUpInformPostmaster, A45) */
    const struct bounce_recipient *recipients;
    uint32_t recipient_count;
    struct slice original_header;  /* octets of the header section, with its empty line */
    struct slice original_body;    /* the rest; ignored when header only */
    bool header_only;
    struct slice transcript;       /* "" without */
};

/* A new message (envelope complete, queue REMOTE or LOCAL, due now, body in memory), the caller's; never NULL. */
struct message *bounce_make(struct engine *e, const struct bounce_question *question);
