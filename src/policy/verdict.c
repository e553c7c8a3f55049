#include "policy/verdict.h"

#include <assert.h>

/* How it is read: verdict_decide looks for an acceptance, then walks the direct hosts (what ends the attempt at once, else
 * the next host, else the end of the list), then, where the mode has one and the end of the list leads there, the smart
 * host. Each function is one group of rules and names the rule that it applies. Nothing is remembered: the answers so far
 * are the state, so the same list always gives the same verdict. */

/* ---- what one answer amounts to ---- */

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

/* RFC 7504: a host or domain that takes no mail. It says so at the banner already, and yet it is a verdict (A7). */
static bool takes_no_mail(const struct outcome *o)
{
    return o->cause == OUTCOME_CAUSE_REPLY &&
           ((o->code == 521 && o->stage == STAGE_BANNER) || (o->code == 556 && o->stage == STAGE_RCPT));
}

static bool tls_unmet(const struct outcome *o)
{
    return o->cause == OUTCOME_CAUSE_TLS_FAILED || o->cause == OUTCOME_CAUSE_TLS_NOT_OFFERED ||
           o->cause == OUTCOME_CAUSE_TLS_UNVERIFIED;
}

static enum answer answer_of(const struct verdict_question *q, const struct verdict_candidate *c)
{
    const struct outcome *o = c->outcome;
    if (!o || o->class == OUTCOME_NONE)
        return ANSWER_NONE;
    if (o->class == OUTCOME_OK)
        return ANSWER_OK;
    bool direct = c->kind == CANDIDATE_MX;
    if (direct && takes_no_mail(o))
        return ANSWER_PERM;
    if (direct && tls_unmet(o)) /* REQUIRETLS that is not offered is found out as late as MAIL, and no verdict either */
        return ANSWER_SESSION;
    if (outcome_is_session_failure(o)) {
        if (o->stage == STAGE_DNS && o->class == OUTCOME_PERM)
            return ANSWER_ABSENT;
        if (o->class == OUTCOME_PERM && (o->stage == STAGE_BANNER || o->stage == STAGE_EHLO))
            return ANSWER_REFUSED;
        return ANSWER_SESSION;
    }
    if (direct && q->page.mode == MODE_DIRECT_THEN_SMARTHOST && c->refusal == REFUSAL_CLIENT)
        return ANSWER_CLIENT;
    return o->class == OUTCOME_PERM ? ANSWER_PERM : ANSWER_TEMP;
}

/* ---- all direct answers together ---- */

enum { NOBODY = -1 };

struct direct {
    int next;      /* the host to try now, or NOBODY */
    int stopper;   /* A14: who has ended the list, or NOBODY */
    int temp, perm, client; /* the most preferred host that said so, or NOBODY */
    int telling;   /* of the session failures the one that tells most, or NOBODY */
    int last;      /* the last one tried, or NOBODY */
    bool absent;   /* nothing but authoritative absence */
    bool left;     /* there are more hosts, but no time for them (A10a) */
};

/* Which of two session failures tells more: the later in the dialogue; at the same point anything rather than what was not
 * even tried or is a fact of this machine's network; else the more preferred host's, which stands first. */
static int telling(const struct outcome *o)
{
    bool poor = o->cause == OUTCOME_CAUSE_UNREACHABLE || o->cause == OUTCOME_CAUSE_REMEMBERED ||
                (o->stage == STAGE_DNS && o->class == OUTCOME_PERM);
    return 2 * (int)o->stage + (poor ? 0 : 1);
}

static bool host_has_answered(const struct verdict_question *q, uint8_t host_number)
{
    for (uint8_t i = 0; i < q->count; i++) {
        if (q->candidates[i].kind == CANDIDATE_MX && q->candidates[i].host_number == host_number &&
            answer_of(q, &q->candidates[i]) >= ANSWER_CLIENT)
            return true;
    }
    return false;
}

static void direct_note(struct direct *d, const struct verdict_question *q, int i, enum answer answer)
{
    d->last = i;
    if (answer != ANSWER_ABSENT)
        d->absent = false;
    if (answer == ANSWER_TEMP && d->temp == NOBODY)
        d->temp = i;
    else if (answer == ANSWER_PERM && d->perm == NOBODY)
        d->perm = i;
    else if (answer == ANSWER_CLIENT && d->client == NOBODY)
        d->client = i;
    if (q->page.bounce_on_first_5xx && q->candidates[i].outcome->class == OUTCOME_PERM && d->stopper == NOBODY &&
        (answer == ANSWER_REFUSED || answer == ANSWER_CLIENT))
        d->stopper = i;
    if (answer < ANSWER_TEMP &&
        (d->telling == NOBODY || telling(q->candidates[i].outcome) > telling(q->candidates[d->telling].outcome)))
        d->telling = i;
}

/* A15: every MX host, and after a verdict the next host rather than another address of the same. */
static void direct_sum(const struct verdict_question *q, struct direct *ret_direct)
{
    struct direct d = { NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, true, false };
    for (int i = 0; i < q->count; i++) {
        const struct verdict_candidate *c = &q->candidates[i];
        if (c->kind != CANDIDATE_MX)
            continue;
        enum answer answer = answer_of(q, c);
        if (answer != ANSWER_NONE) {
            direct_note(&d, q, i, answer);
        } else if (!host_has_answered(q, c->host_number)) {
            d.absent = false;
            d.left = d.left || q->time_up;
            if (d.next == NOBODY && !q->time_up)
                d.next = i;
        }
    }
    d.absent = d.absent && d.last != NOBODY;
    *ret_direct = d;
}

/* ---- giving a verdict ---- */

static enum config_key key_of(uint16_t rule)
{
    switch (rule) {
    case RULE_A1:
    case RULE_A2:
        return CONFIG_DELIVERY_BOUNCE_IF_NO_MX_OR_A;
    case RULE_A10:
    case RULE_A36:
        return CONFIG_DELIVERY_MODE;
    case RULE_A11:
        return CONFIG_DELIVERY_FALLBACK_ON_TEMP_ERROR;
    case RULE_A13:
        return CONFIG_DELIVERY_FALLBACK_ON_POLICY_REFUSAL;
    case RULE_A14:
    case RULE_A15:
    case RULE_A17:
        return CONFIG_DELIVERY_BOUNCE_ON_FIRST_5XX;
    case RULE_A19:
    case RULE_A20:
        return CONFIG_DELIVERY_ABORT_ON_RCPT_5XX;
    case RULE_A23:
    case RULE_A24:
    case RULE_A35:
        return CONFIG_DELIVERY_SMARTHOST;
    case RULE_A23A:
    case RULE_A25:
        return CONFIG_DELIVERY_SMARTHOST_AUTH;
    case RULE_A26:
        return CONFIG_DELIVERY_PER_ACCOUNT_AUTH;
    case RULE_A33:
        return CONFIG_DELIVERY_ALLOW_PLAINTEXT_AUTH;
    case RULE_A37:
        return CONFIG_DELIVERY_CACHE_CONNECTION_FAILURES;
    case RULE_A41:
        return CONFIG_TLS_POLICY;
    default:
        return CONFIG_KEY_NONE;
    }
}

static void give(struct verdict *v, enum verdict_action action, int told, uint16_t rule)
{
    *v = (struct verdict){ .action = action, .told = (uint8_t)told, .rule = rule, .key = key_of(rule) };
}

static void give_next(struct verdict *v, int next, int told, uint16_t rule)
{
    give(v, VERDICT_NEXT, told == NOBODY ? next : told, rule);
    v->next = (uint8_t)next;
    if (told == NOBODY)
        v->key = CONFIG_DELIVERY_MODE;
}

/* The rule behind a 5xx verdict that no other host has outweighed. */
static uint16_t rule_of_perm(const struct outcome *o)
{
    if (o->cause == OUTCOME_CAUSE_SIZE)
        return RULE_A42;
    if (o->cause == OUTCOME_CAUSE_SMTPUTF8)
        return RULE_A43;
    if (takes_no_mail(o))
        return RULE_A7;
    return RULE_A15;
}

/* The rule behind a session failure. */
static uint16_t rule_of_session(const struct outcome *o, uint16_t otherwise)
{
    if (o->cause == OUTCOME_CAUSE_DNS_TEMP)
        return RULE_A4;
    if (o->cause == OUTCOME_CAUSE_REMEMBERED)
        return RULE_A37;
    if (o->stage == STAGE_TLS || tls_unmet(o))
        return RULE_A41;
    return otherwise;
}

static bool requiretls_unmet(const struct outcome *o)
{
    return o->class == OUTCOME_PERM && o->enhanced.subject == 7 && o->enhanced.detail == 30;
}

/* A41: an unmet demand is temporary until expiry; a message that demands it itself (REQUIRETLS, RFC 8689) is returned. */
static void give_wait_or_requiretls(const struct verdict_question *q, struct verdict *v, int told, uint16_t rule)
{
    const struct outcome *o = q->candidates[told].outcome;
    bool final = rule == RULE_A41 && ((q->requiretls && tls_unmet(o)) || requiretls_unmet(o));
    give(v, final ? VERDICT_BOUNCE : VERDICT_WAIT, told, rule);
    if (final)
        v->status = (struct enhanced_code){ 5, 7, 30 };
}

/* ---- direct: what ends the attempt at once ---- */

/* A18, A38: nobody knows whether it has arrived, or the fault is ours: no other host in this attempt. */
static bool decide_unfinished(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct outcome *o = q->candidates[i].outcome;
    if (o->in_doubt) {
        give(v, VERDICT_WAIT, i, RULE_A18);
        return true;
    }
    if (o->cause == OUTCOME_CAUSE_LOCAL && o->class == OUTCOME_TEMP) {
        give(v, VERDICT_WAIT, i, RULE_A38);
        return true;
    }
    return false;
}

/* A7 (null MX) and A9 (ourselves): permanent whatever the switches, and nothing for the smart host. A 4xx verdict before
 * holds it back as it holds back every bounce (A15). */
static bool decide_never(const struct verdict_question *q, const struct direct *d, int i, struct verdict *v)
{
    const struct outcome *o = q->candidates[i].outcome;
    if (o->cause == OUTCOME_CAUSE_DNS_NULL_MX)
        give(v, VERDICT_BOUNCE, i, RULE_A7);
    else if (o->cause == OUTCOME_CAUSE_OURSELVES && (d->temp == NOBODY || d->temp > i))
        give(v, VERDICT_BOUNCE, i, RULE_A9);
    else if (o->cause == OUTCOME_CAUSE_OURSELVES)
        give(v, VERDICT_WAIT, d->temp, q->page.mode == MODE_DIRECT ? RULE_A15 : RULE_A11);
    else
        return false;
    return true;
}

/* A19, A20: AbortOnRcpt5xx. */
static bool decide_abort(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct outcome *o = q->candidates[i].outcome;
    if (o->class == OUTCOME_PERM && o->cause == OUTCOME_CAUSE_SIBLING) {
        give(v, VERDICT_BOUNCE, i, RULE_A20);
        return true;
    }
    if (q->page.abort_on_rcpt_5xx && o->class == OUTCOME_PERM && o->stage == STAGE_RCPT) {
        give(v, VERDICT_BOUNCE, i, RULE_A19);
        return true;
    }
    return false;
}

/* A14: BounceOnFirst5xx. In direct-then-smarthost what refuses the session (or us, A13) ends the list too, but goes to the
 * smart host: direct.stopper. */
static bool decide_first_5xx(const struct verdict_question *q, int i, enum answer answer, struct verdict *v)
{
    if (!q->page.bounce_on_first_5xx ||
        !(answer == ANSWER_PERM || (answer == ANSWER_REFUSED && q->page.mode == MODE_DIRECT)))
        return false;
    give(v, VERDICT_BOUNCE, i, RULE_A14);
    return true;
}

static bool decide_at_once(const struct verdict_question *q, const struct direct *d, struct verdict *v)
{
    for (int i = 0; i < q->count; i++) {
        const struct verdict_candidate *c = &q->candidates[i];
        enum answer answer = answer_of(q, c);
        if (c->kind != CANDIDATE_MX || answer == ANSWER_NONE)
            continue;
        if (decide_unfinished(q, i, v) || decide_never(q, d, i, v))
            return true;
        if (answer == ANSWER_PERM && decide_abort(q, i, v))
            return true;
        if (decide_first_5xx(q, i, answer, v))
            return true;
    }
    return false;
}

/* ---- direct: the next host, and the end of the list ---- */

static uint16_t rule_of_next(const struct verdict_question *q, int last)
{
    if (last == NOBODY)
        return RULE_NONE;
    const struct outcome *o = q->candidates[last].outcome;
    bool fallback = q->page.mode == MODE_DIRECT_THEN_SMARTHOST;
    switch (answer_of(q, &q->candidates[last])) {
    case ANSWER_CLIENT:
        return RULE_A13;
    case ANSWER_PERM:
        return o->stage == STAGE_DOT ? RULE_A17 : RULE_A15;
    case ANSWER_TEMP:
        return RULE_A15;
    default:
        return rule_of_session(o, fallback ? RULE_A10 : RULE_A15);
    }
}

/* A1: the switch says "immediately", in both modes that look the domain up (A8: nor has any MX host an address). */
static bool decide_absent(const struct verdict_question *q, const struct direct *d, struct verdict *v)
{
    if (!d->absent || !q->page.bounce_if_no_mx_or_a)
        return false;
    give(v, VERDICT_BOUNCE, d->telling, RULE_A1);
    return true;
}

/* Only session failures (A15; A2, A4, A10a, A37, A41 where that is why). */
static void decide_no_session(const struct verdict_question *q, const struct direct *d, struct verdict *v)
{
    assert(d->telling != NOBODY || d->left);
    if (d->telling == NOBODY) { /* no time for a single host: cannot be with a bound above 0, and harmless */
        give(v, VERDICT_WAIT, 0, RULE_A10A);
        return;
    }
    uint16_t rule = rule_of_session(q->candidates[d->telling].outcome, d->left ? RULE_A10A : RULE_A15);
    give_wait_or_requiretls(q, v, d->telling, d->absent ? RULE_A2 : rule);
}

/* Mode direct, every host tried: A15. A 4xx verdict holds the bounce back, and nothing else does. */
static void decide_direct_end(const struct verdict_question *q, const struct direct *d, struct verdict *v)
{
    if (d->temp != NOBODY)
        give(v, VERDICT_WAIT, d->temp, RULE_A15);
    else if (d->perm != NOBODY)
        give(v, VERDICT_BOUNCE, d->perm, rule_of_perm(q->candidates[d->perm].outcome));
    else
        decide_no_session(q, d, v);
}

/* A11: after a 4xx verdict the smart host is tried when waiting on in the remote queue is over. */
static bool smarthost_after_temp(const struct verdict_question *q)
{
    switch (q->page.fallback_on_temp_error) {
    case FALLBACK_TEMP_AT_ONCE:
        return true;
    case FALLBACK_TEMP_NEVER:
        return false;
    case FALLBACK_TEMP_AFTER_REMOTE_QUEUE:
        break;
    }
    return q->queue != VERDICT_QUEUE_REMOTE;
}

/* Why the smart host follows when no direct host gave a verdict. */
static uint16_t rule_of_fallback(const struct verdict_question *q, const struct direct *d)
{
    if (d->absent)
        return RULE_A2;
    if (d->client != NOBODY)
        return RULE_A13;
    if (d->stopper != NOBODY)
        return RULE_A14;
    uint16_t rule = d->left ? RULE_A10A : RULE_A10;
    return d->telling == NOBODY ? rule : rule_of_session(q->candidates[d->telling].outcome, rule);
}

/* Mode direct-then-smarthost, the direct list is over (A10 to A14): true when the smart host follows, and why. */
static bool decide_fallback(const struct verdict_question *q, const struct direct *d, struct verdict *v, int *ret_told,
                            uint16_t *ret_rule)
{
    if (d->temp != NOBODY) {
        if (!smarthost_after_temp(q)) {
            give(v, VERDICT_WAIT, d->temp, RULE_A11);
            return false;
        }
        /* A 5xx verdict keeps the smart host away (A10, A12, A7); that a 4xx holds its bounce back changes nothing there. */
        if (d->perm != NOBODY) {
            give(v, VERDICT_WAIT, d->temp, RULE_A12);
            return false;
        }
        *ret_told = d->temp;
        *ret_rule = RULE_A11;
    } else if (d->perm != NOBODY) {
        give(v, VERDICT_BOUNCE, d->perm, rule_of_perm(q->candidates[d->perm].outcome));
        return false;
    } else {
        *ret_rule = rule_of_fallback(q, d);
        *ret_told = *ret_rule == RULE_A13 ? d->client : *ret_rule == RULE_A14 ? d->stopper : d->telling;
    }
    if (!q->smarthost_meets) {
        if (*ret_told == NOBODY)
            give(v, VERDICT_WAIT, 0, RULE_A10A);
        else
            give_wait_or_requiretls(q, v, *ret_told, RULE_A41);
        return false;
    }
    return true;
}

/* ---- the smart host ---- */

static void give_rest(struct verdict *v, int i, uint16_t rule)
{
    give(v, VERDICT_WAIT, i, rule);
    v->effects = VERDICT_EFFECT_REST;
    v->local_cause = true;
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
        give(v, VERDICT_WAIT, i, account ? RULE_A26 : RULE_A25);
        v->local_cause = true;
        return true;
    default:
        break;
    }
    if (o->stage != STAGE_AUTH || (o->cause != OUTCOME_CAUSE_REPLY && o->cause != OUTCOME_CAUSE_PROTOCOL))
        return false;
    if (q->candidates[i].refusal == REFUSAL_PACE || o->code == 454) {
        give(v, VERDICT_WAIT, i, RULE_A38);
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
        give(v, VERDICT_HOLD, i, RULE_A23B);
        return;
    }
    give(v, VERDICT_BOUNCE, i, RULE_A41);
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
        give(v, VERDICT_WAIT, i, RULE_A41);
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
        give(v, VERDICT_HOLD, i, RULE_A23B);
    else if (requiretls_unmet(c->outcome))
        give_requiretls(q, i, v);
    else if (!decide_abort(q, i, v))
        give(v, VERDICT_BOUNCE, i, RULE_A23);
    if (c->outcome->cause == OUTCOME_CAUSE_REPLY)
        v->effects = VERDICT_EFFECT_REFUSED;
}

/* What ends the attempt at once. Session failures otherwise leave it to the next address. */
static bool decide_smarthost_answer(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct verdict_candidate *c = &q->candidates[i];
    if (decide_unfinished(q, i, v) || decide_login(q, i, v) || decide_link(q, i, v))
        return true;
    switch (answer_of(q, c)) {
    case ANSWER_PERM:
        decide_smarthost_perm(q, i, v);
        return true;
    case ANSWER_TEMP:
        give(v, VERDICT_WAIT, i, c->refusal == REFUSAL_PACE ? RULE_A38 : RULE_A24);
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
    give(v, VERDICT_WAIT, i, rule);
    if (rule == RULE_A38)
        v->effects = VERDICT_EFFECT_SLOW;
    if (rule == RULE_A9)
        v->key = CONFIG_DELIVERY_SMARTHOST;
    if (rule == RULE_A41)
        v->key = CONFIG_DELIVERY_SMARTHOST_TLS;
}

/* A41 in mode smarthost, whose smart host does not meet what is demanded for the recipient: it is not asked. Told is its
 * first address, whose outcome the caller gives (or not: `explain` asks before anything was tried). */
static void decide_unmet(const struct verdict_question *q, struct verdict *v)
{
    int first = 0;
    while (first + 1 < q->count && q->candidates[first].kind != CANDIDATE_SMARTHOST)
        first++;
    if (q->requiretls)
        give_requiretls(q, first, v);
    else
        give(v, VERDICT_WAIT, first, RULE_A41);
}

/* told and rule: what led here, of the direct list; NOBODY and RULE_NONE in mode smarthost. */
static void decide_smarthost(const struct verdict_question *q, int told, uint16_t rule, struct verdict *v)
{
    int next = NOBODY, failed = NOBODY;
    for (int i = 0; i < q->count; i++) {
        const struct verdict_candidate *c = &q->candidates[i];
        if (c->kind != CANDIDATE_SMARTHOST)
            continue;
        if (answer_of(q, c) == ANSWER_NONE) {
            next = next == NOBODY ? i : next;
            continue;
        }
        if (decide_smarthost_answer(q, i, v))
            return;
        if (failed == NOBODY || telling(c->outcome) > telling(q->candidates[failed].outcome))
            failed = i;
    }
    if (next != NOBODY)
        give_next(v, next, failed != NOBODY ? failed : told, failed != NOBODY ? RULE_A24 : rule);
    else if (failed != NOBODY)
        decide_smarthost_unusable(q, failed, v);
    else
        give(v, VERDICT_WAIT, told == NOBODY ? 0 : told, RULE_A35); /* the list has no smart host */
}

/* ---- all together ---- */

static int accepted(const struct verdict_question *q)
{
    for (int i = 0; i < q->count; i++) {
        if (answer_of(q, &q->candidates[i]) == ANSWER_OK)
            return i;
    }
    return NOBODY;
}

static void decide(const struct verdict_question *q, struct verdict *v)
{
    struct direct d;
    direct_sum(q, &d);
    int told = NOBODY;
    uint16_t rule = RULE_NONE;
    int ok = accepted(q);
    if (ok != NOBODY) {
        /* Any acceptance wins (A15); one by the smart host keeps the rule that has led there. */
        bool smarthost = q->candidates[ok].kind == CANDIDATE_SMARTHOST;
        if (smarthost && q->page.mode == MODE_DIRECT_THEN_SMARTHOST)
            rule = d.temp != NOBODY ? RULE_A11 : rule_of_fallback(q, &d);
        give(v, VERDICT_DELIVERED, ok, smarthost ? rule : RULE_A15);
        if (rule == RULE_NONE)
            v->key = CONFIG_DELIVERY_MODE;
        return;
    }
    if (q->page.mode != MODE_SMARTHOST) {
        if (decide_at_once(q, &d, v))
            return;
        if (d.next != NOBODY && d.stopper == NOBODY) {
            give_next(v, d.next, d.last, rule_of_next(q, d.last));
            return;
        }
        if (decide_absent(q, &d, v))
            return;
        if (q->page.mode == MODE_DIRECT) {
            decide_direct_end(q, &d, v);
            return;
        }
        if (!decide_fallback(q, &d, v, &told, &rule))
            return;
    } else if (!q->smarthost_meets) {
        decide_unmet(q, v);
        return;
    }
    decide_smarthost(q, told, rule, v);
}

/* The status of the notice: what the host said, else what fits, always of class 5. */
static struct enhanced_code status_of(const struct outcome *o)
{
    struct enhanced_code code = o->enhanced.class != 0 ? o->enhanced : outcome_enhanced_default(o);
    code.class = 5;
    return code;
}

void verdict_decide(const struct verdict_question *question, struct verdict *ret_verdict)
{
    assert(question->count > 0);
    decide(question, ret_verdict);
    assert(ret_verdict->told < question->count && ret_verdict->next < question->count);
    assert(ret_verdict->action != VERDICT_NEXT || !question->candidates[ret_verdict->next].outcome ||
           question->candidates[ret_verdict->next].outcome->class == OUTCOME_NONE);
    if (ret_verdict->action == VERDICT_BOUNCE && ret_verdict->status.class == 0)
        ret_verdict->status = status_of(question->candidates[ret_verdict->told].outcome);
}

void verdict_page_of(const struct config *config, struct verdict_page *ret_page)
{
    *ret_page = (struct verdict_page){
        .mode = config->delivery.mode,
        .abort_on_rcpt_5xx = config->delivery.abort_on_rcpt_5xx,
        .bounce_if_no_mx_or_a = config->delivery.bounce_if_no_mx_or_a,
        .bounce_on_first_5xx = config->delivery.bounce_on_first_5xx,
        .fallback_on_temp_error = config->delivery.fallback_on_temp_error,
    };
}

const char *verdict_action_name(enum verdict_action action)
{
    static const char *const names[] = {
        [VERDICT_NEXT] = "next",   [VERDICT_DELIVERED] = "delivered", [VERDICT_WAIT] = "retry",
        [VERDICT_BOUNCE] = "bounce", [VERDICT_HOLD] = "hold",
    };
    assert((size_t)action < sizeof(names) / sizeof(names[0]));
    return names[action];
}
