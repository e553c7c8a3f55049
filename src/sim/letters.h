/* What was sent, what became of it: the oracle, which knows nothing of how the engine works.
 *
 * A letter is one message that a sender wants to submit; its text names it (X-Sim-Letter). Senders and receivers report what
 * they saw on the wire; letters_check says whether it adds up:
 *   - whoever was told 250 finds every recipient delivered, or a notice (never nothing; I1);
 *   - what arrives is what was sent, octet for octet, behind the fields added in front (I2);
 *   - a recipient gets a second copy of a submission only where the answer to our final dot was lost and the engine has
 *     said so (in_doubt), or by a crash between the answer and its commit (I3);
 *   - whoever was refused for good is told so, and not when the letter expires;
 *   - nothing arrives that nobody submitted (I4); a notice is owed by a failure, and is one (I5). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/table.h"
#include "engine/trace.h"
#include "sim/options.h"

/* A recipient of one message of the engine's: a letter that was submitted twice is two of them. */
struct letter_copy {
    struct letter_copy *next;
    uint64_t id;           /* the engine's */
    uint32_t delivered;    /* how often it arrived */
    uint32_t in_doubt;     /* arrivals whose 250 never reached the engine */
    uint32_t doubts_told;  /* by the engine's own trace */
    uint32_t crashed;      /* arrivals, and doubts not told yet, that a crash may have taken from it */
    int64_t delivered_us;
};

struct letter_recipient {
    char address[64];
    uint32_t domain;       /* of the zone; ZONE_DOMAINS_MAX: local */
    uint32_t delivered;    /* copies that a receiver has answered 250 to */
    uint32_t failed;       /* notices "failed" */
    bool expired;          /* one of them said 4.4.7 */
    bool refused;          /* its host knows nobody of that name, and says so */
    struct letter_copy *copies;
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
    bool null_sender;
    struct slice text;     /* as submitted, canonical, with the name in it */
    struct letter_recipient *recipients;
    uint32_t recipient_count;
    uint64_t id;           /* the engine's, of the last acceptance; 0 unknown */
    int64_t accepted_us;
    bool eight_bit;
    uint32_t notices_in_doubt; /* notices about it whose 250 never reached the engine, or whose settle a crash took */
    int64_t notice_us;     /* the last one */
};

/* What a receiver took: a letter, or a notice about one. */
struct arrival {
    struct letter *letter; /* NULL: a violation, told already */
    uint64_t id;           /* the engine's, of a letter */
    bool notice;
};

struct letters {
    struct arena arena;
    struct letter *all;
    uint32_t count;
    uint32_t violations;
    char violation[512];   /* the first */
    uint32_t notices;
    struct table by_id;    /* the letter of each of the engine's ids that were seen */
    bool doubt_everywhere; /* a store answered UNKNOWN: a 451 may have been stored */
};

void letters_make(struct letters *letters, const struct sim_options *options, struct random_fast *random);
void letters_done(struct letters *letters);
void letters_violate(struct letters *letters, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The engine answered 250 to it, and what it calls it. */
void letters_accepted(struct letters *letters, struct letter *letter, uint64_t id, int64_t now_us);
/* What the engine says about itself: doubts. */
void letters_traced(struct letters *letters, const struct trace_event *event);
/* A whole message was taken by a receiver: whose, for whom. */
struct arrival letters_arrived(struct letters *letters, struct slice sender, const struct slice *recipients,
                               uint32_t recipient_count, struct slice text, int64_t now_us);
/* The answer to its dot did not reach the engine. */
void letters_doubt(struct letters *letters, const struct arrival *arrival, struct slice recipient);
/* The process or the machine has ended: what was delivered lately may not have been recorded. */
void letters_crashed(struct letters *letters, int64_t now_us);
void letters_check(struct letters *letters);
/* The number in an X-Sim-Letter line anywhere in the text; false when there is none. */
bool letter_number(struct slice text, uint32_t *ret_number);
