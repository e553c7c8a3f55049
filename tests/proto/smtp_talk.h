/* Plays the inbound session from transcripts: what the client says, what the owner answers, what must come of it.
 *
 * What comes is gathered as two texts, since how the two interleave depends on how the octets arrive: the replies, and
 * the events that the owner sees. Both must be the same however the client's octets are cut, however late the answers
 * come, and however slowly the client reads. */
#pragma once

#include "base/random.h"
#include "proto/smtp_server_watch.h"

enum talk_options {
    TALK_TLS = 1 << 0, /* encrypted from the start */
    TALK_STARTTLS = 1 << 1,
    TALK_AUTH = 1 << 2,
    TALK_AUTH_CLEAR = 1 << 3,
    TALK_AUTH_REQUIRED = 1 << 4,
    TALK_REQUIRETLS = 1 << 5,
    TALK_SUBMISSIONS = 1 << 6,
    TALK_SMALL = 1 << 7,       /* messages of at most 100 octets */
    TALK_FEW_RCPT = 1 << 8,    /* 2 recipients */
    TALK_FEW_ERRORS = 1 << 9,  /* 3 errors (1000 otherwise) */
    TALK_FEW_LOGINS = 1 << 10, /* 2 failed logins (3 otherwise) */
    TALK_WHOLE = 1 << 11,      /* only said whole: the octets that lie together are what it is about */
};

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }
#define TALK_WAIT "\x01" /* in `client`: everything before it has been answered */

struct transcript {
    const char *name;
    unsigned options;
    struct slice client;
    /* One a question, "|" between them: "250", "550 5.1.1 Who?"; "550*" is forgiven, "250!" closes. "": accepted in the
     * usual words, and so is what comes after the last one. */
    const char *answers;
    /* The beginning of each reply's first line, "|" between them. The greeting is one. */
    const char *replies;
    /* A line an event, exactly: see talk_event in smtp_talk.c. The client goes away at the end. NULL: any. */
    const char *events;
};

struct talk {
    struct smtp_server server;
    struct watch watch;
    struct now now;
    struct buffer replies, events;
    struct buffer refused; /* codes and verbs of SMTP_SERVER_REFUSED, a line each */
    struct buffer body;    /* of the open message */
    const char *answers;   /* what is left of them */
};

void talk_init(struct talk *t, unsigned options, const char *answers);
void talk_hang_up(struct talk *t); /* the client goes away, unless the session is closed */
void talk_done(struct talk *t);    /* hangs up */
void talk_feed(struct talk *t, const struct smtp_server_input *input); /* and drains; nothing is marked as sent */
void talk_say(struct talk *t, struct slice octets);                    /* as much at a time as there is credit for */
void talk_answer(struct talk *t);                                      /* the next of the answers */
void talk_sent(struct talk *t, uint32_t count);
void talk_tick(struct talk *t, int64_t monotonic_us); /* moves time there and feeds a tick */
void talk_tls_up(struct talk *t);
/* Says all of it as a friendly client would, answering at once; false: the session closed before the end. */
bool talk_run(struct talk *t, struct slice client);
bool talk_run_cut(struct talk *t, struct slice client, uint64_t seed); /* ... in a manner drawn from the seed */
bool talk_replies_match(struct slice replies, const char *expected);

/* Plays it whole, octet by octet, and in many random manners; fails the test where anything differs. */
void transcript_check(const struct transcript *t);
