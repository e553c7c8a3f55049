/* Shared by the parts of policy/verdict: verdict.c (what an answer amounts to, direct hosts, all together) and
 * verdict_smarthost.c. */
#pragma once

#include "policy/verdict.h"

enum { NOBODY = -1 };

enum answer {
    ANSWER_NONE,    /* not tried */
    ANSWER_OK,
    ANSWER_ABSENT,  /* session failure: authoritatively no record */
    ANSWER_SESSION, /* any other session failure */
    ANSWER_REFUSED, /* session failure: 5xx to the connection, or to EHLO and HELO (A14) */
    ANSWER_CLIENT,  /* A13 in direct-then-smarthost: counts as a session failure */
    ANSWER_TEMP,    /* verdicts */
    ANSWER_PERM,
};

enum answer verdict_answer_of(const struct verdict_question *q, const struct verdict_candidate *c);
bool verdict_tls_unmet(const struct outcome *o);
bool verdict_requiretls_unmet(const struct outcome *o);
/* Which of two session failures tells more. */
int verdict_telling(const struct outcome *o);
int verdict_last_tried(const struct verdict_question *q); /* or NOBODY */

/* ---- giving a verdict: the key goes with the rule ---- */

void verdict_give(struct verdict *v, enum verdict_action action, int told, uint16_t rule);
void verdict_give_next(struct verdict *v, int next, int told, uint16_t rule);
/* Nothing in the list that the mode in force may use. */
void verdict_give_no_way(const struct verdict_question *q, struct verdict *v);

/* ---- groups of rules; true: it is decided ---- */

bool verdict_decide_unfinished(const struct verdict_question *q, int i, struct verdict *v);
bool verdict_decide_abort(const struct verdict_question *q, int i, struct verdict *v);
/* told and rule: what led here, of the direct list; NOBODY and RULE_NONE in mode smarthost. */
void verdict_decide_smarthost(const struct verdict_question *q, int told, uint16_t rule, struct verdict *v);
/* A41, mode smarthost. */
void verdict_decide_unmet(const struct verdict_question *q, struct verdict *v);
