/* settle: what its two files share. settle_plan.c: what is decided, on the envelope alone. settle.c: reading what a notice
 * quotes, committing, and what follows when that is durable. */
#pragma once

#include "engine/bounce.h"
#include "engine/settle.h"

enum settle_after {
    SETTLE_AFTER_WAIT,    /* back into the queue */
    SETTLE_AFTER_ASIDE,   /* holding or bad */
    SETTLE_AFTER_END,     /* finished and forgotten */
    SETTLE_AFTER_CRASHED, /* counted: to be tried alone now */
};

struct settle_notice {
    enum dsn_kind kind;
    bool to_postmaster;
    struct bounce_recipient *recipients; /* in the message's arena */
    uint32_t recipient_count;
};

enum { SETTLE_NOTICES_MAX = 5 };

/* In the message's arena. */
struct settle_plan {
    enum settle_after after;
    uint16_t rule;                /* that stopped it last, for the queue's wakes */
    bool verdict;                 /* it was a verdict on the letter */
    bool early;                   /* the attempt goes on: the message stays its own */
    struct handle attempt;        /* early: woken when it is durable */
    bool unchanged;               /* nothing to be written: back into the line as it was */
    struct settle_notice notices[SETTLE_NOTICES_MAX];
    uint32_t notice_count;
    struct slice transcript;
    struct handle request;        /* whose order it is, told when it is durable */
};

/* Each makes the plan and changes the envelope; traces what it decides. */
struct settle_plan *settle_plan_attempt(struct engine *e, struct message *m, const struct settle_change *changes,
                                        uint32_t count, struct slice transcript);
struct settle_plan *settle_plan_early(struct engine *e, struct message *m, const struct settle_change *changes,
                                      uint32_t count);
struct settle_plan *settle_plan_order(struct engine *e, struct message *m, enum settle_order order);
struct settle_plan *settle_plan_overdue(struct engine *e, struct message *m);
struct settle_plan *settle_plan_crashed(struct engine *e, struct message *m, bool dot_sent);
