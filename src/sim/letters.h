/* What was sent, what became of it: the oracle, which knows nothing of how the engine works.
 *
 * A letter is what a sender wants to submit; its text names it (X-Sim-Letter), and so do its sender's address and ENVID. What
 * the engine makes of one submission is a message with an id of its own. Senders and receivers report what they saw on the
 * wire, the store's thread what it has answered for, the log what the engine says of itself; letters_check says whether it
 * adds up:
 *   - whoever was told 250 finds every recipient delivered, or a notice, or the message held or in the bad queue where the
 *     administrator sees it (never nothing; I1);
 *   - what arrives is what was sent, octet for octet, behind the fields added in front (I2);
 *   - a recipient gets a second copy of a message only where the answer to our final dot was lost and the engine has
 *     said so (in_doubt), or by a crash between the answer and its commit (I3);
 *   - nothing arrives that nobody submitted, or that was certainly not stored (I4);
 *   - a failure is told exactly once to the sender who wants to know, a delay at most once, a success where it was asked for
 *     and nobody else tells it; nobody else is told anything (I5);
 *   - whoever was refused for good is told so, and not when the letter expires. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/table.h"
#include "border/model.h"
#include "border/store.h"
#include "engine/trace.h"
#include "sim/options.h"

struct letter_recipient {
    char address[64];
    char orcpt[64];        /* "" when not given */
    const char *notify;    /* as in RCPT: "SUCCESS,FAILURE", or "" */
    uint32_t domain;       /* of the zone; ZONE_DOMAINS_MAX: local */
    bool refused;          /* its host knows nobody of that name, and says so */
};

/* One recipient of one message. */
struct letter_copy {
    uint32_t delivered;    /* how often a receiver answered 250 */
    uint32_t relayed;      /* of them, to a host that was not told of NOTIFY */
    uint32_t in_doubt;     /* deliveries whose 250 never reached the engine */
    uint32_t doubts_told;  /* by the engine's own log */
    uint32_t crashed;      /* deliveries, and doubts not told yet, that a crash may have taken from it */
    int64_t delivered_us;
    bool recorded;         /* the store has answered for a record that says delivered */
    enum recipient_state decided; /* as the engine last said; RECIPIENT_WAITING before */
    uint32_t failed, delayed, succeeded; /* notices that arrived, each once */
    uint32_t rescued;      /* of the failed and delayed, those that the store never answered for */
    bool expired;          /* one of them said 4.4.7 */
};

struct letter_message {
    uint64_t id;
    struct letter *letter;
    struct letter_message *next;  /* of the letter */
    bool stored, refused;  /* the store has answered for it; said that it is certainly not there */
    bool ended;            /* its end is stored */
    bool may_have_ended;   /* an end was written, and a crash took the store's answer */
    bool held, bad;        /* so it lies there in the end */
    uint32_t notices_kept; /* notices about it that lie there in the end */
    struct letter_copy *copies;   /* of each recipient of the letter */
};

/* A notice is a message of the engine's own. */
struct letter_notice {
    uint64_t id;
    struct letter_message *about;
    bool stored, ended, may_have_ended, kept;
    bool alert;            /* about no message */
    struct letter_copy copy;
};

enum letter_state {
    LETTER_NEW,
    LETTER_OFFERED,  /* the final dot was sent, no answer yet */
    LETTER_ACCEPTED, /* 250 */
    LETTER_REFUSED,  /* 5xx for good, by the engine */
};

struct letter {
    uint32_t number;
    enum letter_state state;
    uint32_t accepted;     /* times answered 250 */
    uint32_t unknown;      /* times the answer to the dot was lost, or was 4xx */
    char sender[32];       /* "" the null one */
    char envid[16];        /* "" when not given */
    enum ret_kind ret;
    struct slice text;     /* as submitted, canonical, with the name in it */
    struct slice header;   /* of it, with the empty line */
    struct letter_recipient *recipients;
    uint32_t recipient_count;
    struct letter_message *messages;
    uint32_t account;      /* whose session submits it, 0: nobody's */
    int login;             /* that the smart host sees */
    bool eight_bit;        /* the body has octets above 127 */
    bool declared;         /* and the sender says so: BODY=8BITMIME */
    bool long_lines;       /* it has lines over 998 octets, which nobody else takes */
};

/* A whole message, as a receiver took it. */
struct letter_arriving {
    struct slice sender;
    const struct slice *recipients;
    const struct slice *parameters; /* of each RCPT: "NOTIFY=NEVER", or "" */
    uint32_t recipient_count;
    struct slice text;
    bool dsn;                       /* NOTIFY was possible */
    bool eight_bit;                 /* BODY=8BITMIME */
    bool smarthost;
    int login;                      /* that was used there */
    int64_t now_us;
};

/* What it was taken for: a message, or a notice about one; neither: a violation, told already. */
struct arrival {
    struct letter_message *message;
    struct letter_notice *notice;
};

struct letters {
    struct arena arena;
    struct letter *all;
    uint32_t count;
    struct table messages, notices; /* by id */
    int64_t crash_window_us; /* what was delivered so long before a crash may not have been recorded */
    int notices_login;      /* that the smart host sees */
    uint32_t violations;
    char violation[512];   /* the first */
    bool doubt_everywhere; /* a store answered UNKNOWN: a 451 may have been stored */
};

void letters_make(struct letters *letters, const struct sim_options *options, struct random_fast *random);
void letters_done(struct letters *letters);
void letters_violate(struct letters *letters, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- what is reported ---- */

/* A sender was answered 250. */
void letters_accepted(struct letters *letters, struct letter *letter, uint64_t id);
/* The store has answered for one item of a batch. */
void letters_committed(struct letters *letters, const struct store_item *item, enum store_status status);
/* What the engine says about itself: what it has decided, and doubts. */
void letters_traced(struct letters *letters, const struct trace_event *event);
/* A whole message was taken by a receiver. */
struct arrival letters_arrived(struct letters *letters, const struct letter_arriving *arriving);
/* It is larger than `size_max` perhaps only because it had to be converted. */
bool letters_may_grow(struct letters *letters, struct slice text, bool eight_bit, uint64_t size_max);
/* The answer to its dot did not reach the engine. */
void letters_doubt(struct letters *letters, const struct arrival *arrival, struct slice recipient);
/* The process or the machine has ended: what was delivered lately may not have been recorded. */
void letters_crashed(struct letters *letters, int64_t now_us);

/* ---- the end ---- */

/* What a Maildir has of a recipient: the file's octets; false: no file. */
typedef bool letters_local(void *context, uint64_t id, uint32_t place, struct buffer *out);
/* A message that the store still has when all queues are empty; `text` is its body. */
void letters_kept(struct letters *letters, const struct envelope *envelope, struct slice text);
/* After the last letters_kept. */
void letters_check(struct letters *letters, letters_local *local, void *context);
