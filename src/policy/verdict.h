/* verdict: the Delivery page as one pure function. What each candidate answered, for one recipient, in; what follows, and
 * the rule and key that say so, out. Nothing else in this server decides whether a letter goes to the next host, is delivered,
 * waits, bounces or is held: the engine, `explain`, the simulator and what-if call this.
 *
 * Rules A1 to A24 with A10a, A13, A23a, A23b, A26, A35, A36, A37, A38, A41 to A43; docs/DELIVERY.md gives each with its
 * reason. When it is retried is policy/retry's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "policy/credential.h"
#include "policy/refusal.h"
#include "policy/route.h"
#include "policy/rule.h"
#include "proto/outcome.h"

/* Where the message stands should this attempt fail (A11). */
enum verdict_queue {
    VERDICT_QUEUE_REMOTE, /* it stays in the remote queue */
    VERDICT_QUEUE_LAST,   /* this attempt would send it to the retry queue */
    VERDICT_QUEUE_RETRY,  /* it is there */
};

/* The part of the page that it reads. */
struct verdict_page {
    enum config_mode mode;
    bool abort_on_rcpt_5xx, bounce_if_no_mx_or_a, bounce_on_first_5xx;
    enum config_fallback_temp fallback_on_temp_error;
};

struct verdict_candidate {
    enum candidate_kind kind;
    uint8_t host_number;
    const struct outcome *outcome; /* NULL: not tried (yet) */
    enum refusal refusal;          /* of the outcome (policy/refusal); of a SIBLING's outcome (A20) that of the refused one */
};

struct verdict_question {
    struct verdict_page page;
    enum verdict_queue queue;
    const struct verdict_candidate *candidates; /* all, in the order of the list; those tried have outcomes */
    uint8_t count;
    bool requiretls;          /* of the message: an unmet demand is final (A41) */
    bool smarthost_meets;     /* A41: what TLS is demanded the smart host meets */
    bool smarthost_refusing;  /* A23b holds */
    bool time_up;             /* A10a: no more connecting to direct hosts in this attempt */
    enum credential_kind credential; /* at the smart host: A26 names an account's login */
};

enum verdict_action {
    VERDICT_NEXT,      /* try candidates[next] */
    VERDICT_DELIVERED,
    VERDICT_WAIT,      /* retried, or given up when its time is over: policy/retry says */
    VERDICT_BOUNCE,
    VERDICT_HOLD,      /* A23b */
};

enum verdict_effect { /* bits: what the engine does besides */
    VERDICT_EFFECT_REST = 1 << 0,    /* the credential rests, an alert (A25, A23a, A26) */
    VERDICT_EFFECT_SLOW = 1 << 1,    /* A38 */
    VERDICT_EFFECT_REFUSED = 1 << 2, /* counts for A23b */
};

struct verdict {
    enum verdict_action action;
    uint8_t next;             /* NEXT */
    uint8_t told;             /* the candidate whose outcome is recorded and quoted (A16); NEXT: which one led there */
    uint8_t effects;
    uint16_t rule;
    enum config_key key;      /* the switch or setting that decided; CONFIG_KEY_NONE: none did */
    struct enhanced_code status; /* BOUNCE: of the notice, class 5; else class 0 */
    bool local_cause;         /* A23a, A25, A26, A33: a notice at expiry names our own cause, a copy stays in the bad queue */
};

/* At least one candidate is there; those with outcomes need not be the first ones. */
void verdict_decide(const struct verdict_question *question, struct verdict *ret_verdict);
/* local_cause of the verdict WAIT whose rule and told outcome stand in the record. */
bool verdict_local_cause(uint16_t rule, const struct outcome *told);
void verdict_page_of(const struct config *config, struct verdict_page *ret_page);
enum config_key verdict_key_of_rule(uint16_t rule); /* the switch or setting behind it; CONFIG_KEY_NONE: none is */
const char *verdict_action_name(enum verdict_action action); /* "next" "delivered" "retry" "bounce" "hold" */
