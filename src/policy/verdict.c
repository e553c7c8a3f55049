#include <assert.h>

#include "policy/verdict_work.h"

/* How it is read: verdict_decide looks for an acceptance, then walks the direct hosts (what ends the attempt at once, else
 * the next host, else the end of the list), then, where the mode has one and the end of the list leads there, the smart
 * host. Each function is one group of rules and names the rule that it applies. Nothing is remembered: the answers so far
 * are the state, so the same list always gives the same verdict. */

/* ---- what one answer amounts to ---- */

/* RFC 7504: a host or domain that takes no mail. It says so at the banner already, and yet it is a verdict (A7). */
static bool takes_no_mail(const struct outcome *o)
{
    return o->cause == OUTCOME_CAUSE_REPLY &&
           ((o->code == 521 && o->stage == STAGE_BANNER) || (o->code == 556 && o->stage == STAGE_RCPT));
}

bool verdict_tls_unmet(const struct outcome *o)
{
    return o->cause == OUTCOME_CAUSE_TLS_FAILED || o->cause == OUTCOME_CAUSE_TLS_NOT_OFFERED ||
           o->cause == OUTCOME_CAUSE_TLS_UNVERIFIED;
}

enum answer verdict_answer_of(const struct verdict_question *q, const struct verdict_candidate *c)
{
    const struct outcome *o = c->outcome;
    if (!o || o->class == OUTCOME_NONE)
        return ANSWER_NONE;
    if (o->class == OUTCOME_OK)
        return ANSWER_OK;
    bool direct = c->kind == CANDIDATE_MX;
    if (direct && takes_no_mail(o))
        return ANSWER_PERM;
    if (direct && verdict_tls_unmet(o)) /* REQUIRETLS that is not offered is found out as late as MAIL, and no verdict either */
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
int verdict_telling(const struct outcome *o)
{
    bool poor = o->cause == OUTCOME_CAUSE_UNREACHABLE || o->cause == OUTCOME_CAUSE_REMEMBERED ||
                (o->stage == STAGE_DNS && o->class == OUTCOME_PERM);
    return 2 * (int)o->stage + (poor ? 0 : 1);
}

static bool host_has_answered(const struct verdict_question *q, uint8_t host_number)
{
    for (uint8_t i = 0; i < q->count; i++) {
        if (q->candidates[i].kind == CANDIDATE_MX && q->candidates[i].host_number == host_number &&
            verdict_answer_of(q, &q->candidates[i]) >= ANSWER_CLIENT)
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
        (d->telling == NOBODY || verdict_telling(q->candidates[i].outcome) > verdict_telling(q->candidates[d->telling].outcome)))
        d->telling = i;
}

static bool smarthost_was_asked(const struct verdict_question *q)
{
    for (uint8_t i = 0; i < q->count; i++) {
        if (q->candidates[i].kind == CANDIDATE_SMARTHOST && verdict_answer_of(q, &q->candidates[i]) != ANSWER_NONE)
            return true;
    }
    return false;
}

int verdict_last_tried(const struct verdict_question *q)
{
    int last = NOBODY;
    for (int i = 0; i < q->count; i++) {
        if (verdict_answer_of(q, &q->candidates[i]) != ANSWER_NONE)
            last = i;
    }
    return last;
}

/* A15: every MX host, and after a verdict the next host rather than another address of the same. Once the smart host was
 * asked the direct list is over: what had no time then (A10a) gets none in this attempt. */
static void direct_sum(const struct verdict_question *q, struct direct *ret_direct)
{
    struct direct d = { NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, true, false };
    bool over = q->time_up || smarthost_was_asked(q);
    for (int i = 0; i < q->count; i++) {
        const struct verdict_candidate *c = &q->candidates[i];
        if (c->kind != CANDIDATE_MX)
            continue;
        enum answer answer = verdict_answer_of(q, c);
        if (answer != ANSWER_NONE) {
            direct_note(&d, q, i, answer);
        } else if (!host_has_answered(q, c->host_number)) {
            d.absent = false;
            d.left = d.left || over;
            if (d.next == NOBODY && !over)
                d.next = i;
        }
    }
    d.absent = d.absent && d.last != NOBODY;
    *ret_direct = d;
}

/* ---- giving a verdict ---- */

enum config_key verdict_key_of_rule(uint16_t rule)
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

void verdict_give(struct verdict *v, enum verdict_action action, int told, uint16_t rule)
{
    *v = (struct verdict){ .action = action, .told = (uint8_t)told, .rule = rule, .key = verdict_key_of_rule(rule) };
}

void verdict_give_next(struct verdict *v, int next, int told, uint16_t rule)
{
    verdict_give(v, VERDICT_NEXT, told == NOBODY ? next : told, rule);
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
    if (o->stage == STAGE_TLS || verdict_tls_unmet(o))
        return RULE_A41;
    return otherwise;
}

bool verdict_requiretls_unmet(const struct outcome *o)
{
    return o->class == OUTCOME_PERM && o->enhanced.subject == 7 && o->enhanced.detail == 30;
}

/* A41: an unmet demand is temporary until expiry; a message that demands it itself (REQUIRETLS, RFC 8689) is returned. */
static void give_wait_or_requiretls(const struct verdict_question *q, struct verdict *v, int told, uint16_t rule)
{
    const struct outcome *o = q->candidates[told].outcome;
    bool final = rule == RULE_A41 && ((q->requiretls && verdict_tls_unmet(o)) || verdict_requiretls_unmet(o));
    verdict_give(v, final ? VERDICT_BOUNCE : VERDICT_WAIT, told, rule);
    if (final)
        v->status = (struct enhanced_code){ 5, 7, 30 };
}

/* ---- direct: what ends the attempt at once ---- */

/* A18, A38: nobody knows whether it has arrived, or the fault is ours: no other host in this attempt. */
bool verdict_decide_unfinished(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct outcome *o = q->candidates[i].outcome;
    if (o->in_doubt) {
        verdict_give(v, VERDICT_WAIT, i, RULE_A18);
        return true;
    }
    if (o->cause == OUTCOME_CAUSE_LOCAL && o->class == OUTCOME_TEMP) {
        verdict_give(v, VERDICT_WAIT, i, RULE_A38);
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
        verdict_give(v, VERDICT_BOUNCE, i, RULE_A7);
    else if (o->cause == OUTCOME_CAUSE_OURSELVES && (d->temp == NOBODY || d->temp > i))
        verdict_give(v, VERDICT_BOUNCE, i, RULE_A9);
    else if (o->cause == OUTCOME_CAUSE_OURSELVES)
        verdict_give(v, VERDICT_WAIT, d->temp, q->page.mode == MODE_DIRECT ? RULE_A15 : RULE_A11);
    else
        return false;
    return true;
}

/* A19, A20: AbortOnRcpt5xx. */
bool verdict_decide_abort(const struct verdict_question *q, int i, struct verdict *v)
{
    const struct outcome *o = q->candidates[i].outcome;
    if (o->class == OUTCOME_PERM && o->cause == OUTCOME_CAUSE_SIBLING) {
        verdict_give(v, VERDICT_BOUNCE, i, RULE_A20);
        return true;
    }
    if (q->page.abort_on_rcpt_5xx && o->class == OUTCOME_PERM && o->stage == STAGE_RCPT) {
        verdict_give(v, VERDICT_BOUNCE, i, RULE_A19);
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
    verdict_give(v, VERDICT_BOUNCE, i, RULE_A14);
    return true;
}

static bool decide_at_once(const struct verdict_question *q, const struct direct *d, struct verdict *v)
{
    for (int i = 0; i < q->count; i++) {
        const struct verdict_candidate *c = &q->candidates[i];
        enum answer answer = verdict_answer_of(q, c);
        if (c->kind != CANDIDATE_MX || answer == ANSWER_NONE)
            continue;
        if (verdict_decide_unfinished(q, i, v) || decide_never(q, d, i, v))
            return true;
        if (answer == ANSWER_PERM && verdict_decide_abort(q, i, v))
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
    switch (verdict_answer_of(q, &q->candidates[last])) {
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
    verdict_give(v, VERDICT_BOUNCE, d->telling, RULE_A1);
    return true;
}

/* The mode was changed while the attempt was under way, and its list has nothing that the mode in force may use: the next
 * attempt makes another one (A46). */
void verdict_give_no_way(const struct verdict_question *q, struct verdict *v)
{
    int last = verdict_last_tried(q);
    verdict_give(v, VERDICT_WAIT, last == NOBODY ? 0 : last, RULE_A46);
    v->key = CONFIG_DELIVERY_MODE;
}

/* Only session failures (A15; A2, A4, A10a, A37, A41 where that is why). */
static void decide_no_session(const struct verdict_question *q, const struct direct *d, struct verdict *v)
{
    assert(d->telling != NOBODY || d->left);
    if (d->telling == NOBODY) { /* no time for a single host: cannot be with a bound above 0, and harmless */
        verdict_give(v, VERDICT_WAIT, 0, RULE_A10A);
        return;
    }
    uint16_t rule = rule_of_session(q->candidates[d->telling].outcome, d->left ? RULE_A10A : RULE_A15);
    give_wait_or_requiretls(q, v, d->telling, d->absent ? RULE_A2 : rule);
}

/* Mode direct, every host tried: A15. A 4xx verdict holds the bounce back, and nothing else does. */
static void decide_direct_end(const struct verdict_question *q, const struct direct *d, struct verdict *v)
{
    if (d->last == NOBODY && !d->left) {
        verdict_give_no_way(q, v);
        return;
    }
    if (d->temp != NOBODY)
        verdict_give(v, VERDICT_WAIT, d->temp, RULE_A15);
    else if (d->perm != NOBODY)
        verdict_give(v, VERDICT_BOUNCE, d->perm, rule_of_perm(q->candidates[d->perm].outcome));
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
            verdict_give(v, VERDICT_WAIT, d->temp, RULE_A11);
            return false;
        }
        /* A 5xx verdict keeps the smart host away (A10, A12, A7); that a 4xx holds its bounce back changes nothing there. */
        if (d->perm != NOBODY) {
            verdict_give(v, VERDICT_WAIT, d->temp, RULE_A12);
            return false;
        }
        *ret_told = d->temp;
        *ret_rule = RULE_A11;
    } else if (d->perm != NOBODY) {
        verdict_give(v, VERDICT_BOUNCE, d->perm, rule_of_perm(q->candidates[d->perm].outcome));
        return false;
    } else {
        *ret_rule = rule_of_fallback(q, d);
        *ret_told = *ret_rule == RULE_A13 ? d->client : *ret_rule == RULE_A14 ? d->stopper : d->telling;
    }
    if (!q->smarthost_meets) {
        if (*ret_told == NOBODY)
            verdict_give(v, VERDICT_WAIT, 0, RULE_A10A);
        else
            give_wait_or_requiretls(q, v, *ret_told, RULE_A41);
        return false;
    }
    return true;
}

/* ---- all together ---- */

/* A18, whose host it was: also one that the mode in force, changed during the attempt, would not have asked. */
static bool decide_doubt(const struct verdict_question *q, struct verdict *v)
{
    for (int i = 0; i < q->count; i++) {
        const struct outcome *o = q->candidates[i].outcome;
        if (o && o->in_doubt)
            return verdict_decide_unfinished(q, i, v);
    }
    return false;
}

static int accepted(const struct verdict_question *q)
{
    for (int i = 0; i < q->count; i++) {
        if (verdict_answer_of(q, &q->candidates[i]) == ANSWER_OK)
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
        verdict_give(v, VERDICT_DELIVERED, ok, smarthost ? rule : RULE_A15);
        if (rule == RULE_NONE)
            v->key = CONFIG_DELIVERY_MODE;
        return;
    }
    if (decide_doubt(q, v))
        return;
    if (q->page.mode != MODE_SMARTHOST) {
        if (decide_at_once(q, &d, v))
            return;
        if (d.next != NOBODY && d.stopper == NOBODY) {
            verdict_give_next(v, d.next, d.last, rule_of_next(q, d.last));
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
        verdict_decide_unmet(q, v);
        return;
    }
    verdict_decide_smarthost(q, told, rule, v);
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
