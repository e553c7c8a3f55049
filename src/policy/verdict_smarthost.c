/* The verdict on the smart host's answers: A23 to A26, A33, A35, A38, A41 to A43. */
#include <assert.h>

#include "policy/verdict_work.h"

static void give_rest(struct verdict *v, int i, uint16_t rule)
{
    verdict_give(v, VERDICT_WAIT, i, rule);
    v->effects = VERDICT_EFFECT_REST;
    v->local_cause = true;
}

bool verdict_local_cause(uint16_t rule, const struct outcome *told)
{
    switch (rule) {
    case RULE_A23A:
    case RULE_A25:
    case RULE_A26:
    case RULE_A33:
        return true;
    case RULE_A32: /* the POP server refuses us, or is not to be had now */
        return told->class == OUTCOME_PERM;
    default:
        return false;
    }
}

/* A23a, A25, A26, A33, A38: the login. A connection that was lost meanwhile says nothing of it. */
static bool decide_login(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct outcome *o = q->candidates[i].outcome;
    bool account = q->credential == CREDENTIAL_ACCOUNT;
    switch (o->cause) {
    case OUTCOME_CAUSE_AUTH_CLEAR:
        give_rest(v, i, RULE_A33);
        return true;
    case OUTCOME_CAUSE_AUTH_NO_MECHANISM:
        give_rest(v, i, RULE_A25);
        return true;
    case OUTCOME_CAUSE_AUTH_SECRET:
        give_rest(v, i, account ? RULE_A26 : RULE_A25);
        return true;
    case OUTCOME_CAUSE_RESTING: /* it rests already */
        verdict_give(v, VERDICT_WAIT, i, account ? RULE_A26 : RULE_A25);
        v->local_cause = true;
        return true;
    default:
        break;
    }
    if (o->stage != STAGE_AUTH || (o->cause != OUTCOME_CAUSE_REPLY && o->cause != OUTCOME_CAUSE_PROTOCOL))
        return false;
    if (q->candidates[i].refusal == REFUSAL_PACE || o->code == 454) {
        verdict_give(v, VERDICT_WAIT, i, RULE_A38);
        v->effects = VERDICT_EFFECT_SLOW;
    } else if (o->class == OUTCOME_PERM) {
        give_rest(v, i, account ? RULE_A26 : RULE_A23A);
    } else {
        give_rest(v, i, RULE_A25);
    }
    return true;
}

/* A41: the letter's own demand (REQUIRETLS) is not met here: a bounce, or held where no letter bounces (A23b). */
static void give_requiretls(const struct verdict_question *q, int i, struct verdict *v)
{
    if (q->smarthost_refusing) {
        verdict_give(v, VERDICT_HOLD, i, RULE_A23B);
        return;
    }
    verdict_give(v, VERDICT_BOUNCE, i, RULE_A41);
    v->status = (struct enhanced_code){ 5, 7, 30 };
}

/* A33, A41: the link. A handshake that failed is a matter of that address; the next one is tried. What a letter with
 * REQUIRETLS meets says nothing of the login: nobody else's mail may rest for it. A certificate that does not match raises
 * the alert of A33 without a login too: nothing would go until somebody looks. */
static bool decide_link(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct outcome *o = q->candidates[i].outcome;
    bool unverified = o->cause == OUTCOME_CAUSE_TLS_UNVERIFIED;
    if (!outcome_is_session_failure(o) || (!unverified && o->cause != OUTCOME_CAUSE_TLS_NOT_OFFERED))
        return false;
    if (q->requiretls) {
        give_requiretls(q, i, v);
    } else if (unverified) {
        give_rest(v, i, RULE_A33);
        v->key = CONFIG_DELIVERY_SMARTHOST_VERIFY_CERTIFICATE;
    } else if (q->credential == CREDENTIAL_NONE) {
        verdict_give(v, VERDICT_WAIT, i, RULE_A41);
        v->key = CONFIG_DELIVERY_SMARTHOST_TLS;
    } else {
        give_rest(v, i, RULE_A33);
    }
    return true;
}

/* A19, A20, A23, A23a, A23b: a 5xx of the smart host to MAIL, RCPT, DATA or the dot. The switches that speak of the
 * recipient's hosts do not apply. */
static void decide_smarthost_perm(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct verdict_candidate *c = &q->candidates[i];
    if (c->refusal == REFUSAL_RIGHT) {
        give_rest(v, i, RULE_A23A);
        return;
    }
    if (q->smarthost_refusing)
        verdict_give(v, VERDICT_HOLD, i, RULE_A23B);
    else if (verdict_requiretls_unmet(c->outcome))
        give_requiretls(q, i, v);
    else if (!verdict_decide_abort(q, i, v))
        verdict_give(v, VERDICT_BOUNCE, i, RULE_A23);
    if (c->outcome->cause == OUTCOME_CAUSE_REPLY)
        v->effects = VERDICT_EFFECT_REFUSED;
}

/* What ends the attempt at once. Session failures otherwise leave it to the next address. */
static bool decide_smarthost_answer(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct verdict_candidate *c = &q->candidates[i];
    if (verdict_decide_unfinished(q, i, v) || decide_login(q, i, v) || decide_link(q, i, v))
        return true;
    switch (verdict_answer_of(q, c)) {
    case ANSWER_PERM:
        decide_smarthost_perm(q, i, v);
        return true;
    case ANSWER_TEMP:
        verdict_give(v, VERDICT_WAIT, i, c->refusal == REFUSAL_PACE ? RULE_A38 : RULE_A24);
        v->effects = c->refusal == REFUSAL_PACE ? VERDICT_EFFECT_SLOW : 0;
        return true;
    default:
        if (c->outcome->stage == STAGE_POP && c->outcome->class == OUTCOME_PERM) {
            give_rest(v, i, RULE_A32);
            return true;
        }
        return false;
    }
}

/* No address of the smart host gave a session: A24, A35, A9, A32, A38, A41. */
static void decide_smarthost_unusable(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct verdict_candidate *c = &q->candidates[i];
    uint16_t rule = RULE_A24;
    if (c->outcome->cause == OUTCOME_CAUSE_OURSELVES)
        rule = RULE_A9;
    else if (c->outcome->stage == STAGE_DNS)
        rule = RULE_A35;
    else if (c->outcome->stage == STAGE_POP)
        rule = RULE_A32;
    else if (c->refusal == REFUSAL_PACE)
        rule = RULE_A38;
    else if (c->outcome->stage == STAGE_TLS)
        rule = RULE_A41;
    if (rule == RULE_A41 && q->requiretls) {
        give_requiretls(q, i, v);
        return;
    }
    verdict_give(v, VERDICT_WAIT, i, rule);
    if (rule == RULE_A38)
        v->effects = VERDICT_EFFECT_SLOW;
    if (rule == RULE_A9)
        v->key = CONFIG_DELIVERY_SMARTHOST;
    if (rule == RULE_A41)
        v->key = CONFIG_DELIVERY_SMARTHOST_TLS;
}

/* A41 in mode smarthost, whose smart host does not meet what is demanded for the recipient: it is not asked. Told is its
 * first address, whose outcome the caller gives (or not: `explain` asks before anything was tried). */
void verdict_decide_unmet(const struct verdict_question *q, struct verdict *v)
{
    int told = verdict_last_tried(q);
    for (int i = 0; told == NOBODY && i < q->count; i++)
        told = q->candidates[i].kind == CANDIDATE_SMARTHOST ? i : NOBODY;
    told = told == NOBODY ? 0 : told;
    if (q->requiretls)
        give_requiretls(q, told, v);
    else
        verdict_give(v, VERDICT_WAIT, told, RULE_A41);
}

/* told and rule: what led here, of the direct list; NOBODY and RULE_NONE in mode smarthost. */
void verdict_decide_smarthost(const struct verdict_question *q, int told, uint16_t rule, struct verdict *v)
{
    int next = NOBODY, failed = NOBODY;
    for (int i = 0; i < q->count; i++) {
        const struct verdict_candidate *c = &q->candidates[i];
        if (c->kind != CANDIDATE_SMARTHOST)
            continue;
        if (verdict_answer_of(q, c) == ANSWER_NONE) {
            next = next == NOBODY ? i : next;
            continue;
        }
        if (decide_smarthost_answer(q, i, v))
            return;
        if (failed == NOBODY || verdict_telling(c->outcome) > verdict_telling(q->candidates[failed].outcome))
            failed = i;
    }
    if (next != NOBODY)
        verdict_give_next(v, next, failed != NOBODY ? failed : told, failed != NOBODY ? RULE_A24 : rule);
    else if (failed != NOBODY)
        decide_smarthost_unusable(q, failed, v);
    else
        verdict_give_no_way(q, v);
}
