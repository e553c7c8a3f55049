/* What is decided about a message, on its envelope alone: states, due times, the queue, who is to be told. */
#include <assert.h>

#include "base/arena.h"
#include "engine/settle_work.h"
#include "policy/retry.h"
#include "policy/rule.h"

enum { CRASHES_HELD = 3 };

struct planner {
    struct engine *e;
    struct message *m;
    struct settle_plan *plan;
    bool keep_bad;      /* a copy stays in the bad queue */
    bool retry_queue;   /* some recipient goes to, or is in, the retry queue */
    bool delay;         /* the delay notice is due */
};

/* ---- notices ---- */

static void notice_add(struct planner *p, enum dsn_kind kind, bool to_postmaster, const struct bounce_recipient *who)
{
    struct settle_plan *plan = p->plan;
    struct settle_notice *n = NULL;
    for (uint32_t i = 0; i < plan->notice_count; i++)
        if (plan->notices[i].kind == kind && plan->notices[i].to_postmaster == to_postmaster)
            n = &plan->notices[i];
    if (!n) {
        assert(plan->notice_count < SETTLE_NOTICES_MAX);
        n = &plan->notices[plan->notice_count++];
        *n = (struct settle_notice){ .kind = kind, .to_postmaster = to_postmaster };
        n->recipients = arena_array(&p->m->arena, struct bounce_recipient, p->m->envelope.recipient_count);
    }
    n->recipients[n->recipient_count++] = *who;
}

static void notice_sender(struct planner *p, enum dsn_kind kind, const struct bounce_recipient *who)
{
    const struct envelope *v = &p->m->envelope;
    if (bounce_owed(v, &v->recipients[who->recipient], kind))
        notice_add(p, kind, false, who);
}

/* ---- traces ---- */

static struct slice status_of(const struct recipient *r)
{
    switch (r->state) {
    case RECIPIENT_DELIVERED: return SLICE("sent");
    case RECIPIENT_BOUNCED: return SLICE("bounced");
    case RECIPIENT_EXPIRED: return SLICE("expired");
    case RECIPIENT_HELD: return SLICE("held");
    default: return SLICE("deferred");
    }
}

static void trace_delivery(struct planner *p, const struct recipient *r, enum config_key key, enum queue_kind queue)
{
    const struct envelope *v = &p->m->envelope;
    struct trace_event event = {
        .kind = TRACE_DELIVERY, .id = v->id, .from = v->sender, .to = r->address, .outcome = r->last,
        .attempt = r->attempts, .delay_us = p->e->now.wall_us - v->received_us, .status = status_of(r), .rule = r->rule,
    };
    if (key != CONFIG_KEY_NONE) {
        event.key = slice_of(config_key_name(key));
        event.file = p->e->config->file;
        event.line = p->e->config->lines[key];
    }
    if (r->state == RECIPIENT_WAITING) {
        event.next_us = r->due_us;
        event.queue = queue;
        event.queue_given = true;
    }
    trace(p->e, &event);
}

/* ---- one recipient ---- */

static void recipient_fails(struct planner *p, const struct bounce_recipient *who)
{
    const struct envelope *v = &p->m->envelope;
    notice_sender(p, DSN_FAILED, who);
    /* A40: nobody can be told; the letter itself is kept where the administrator sees it. */
    if (v->sender.size == 0 && p->e->config->retry.undeliverable_notices_to_bad_queue)
        p->keep_bad = true;
}

static void recipient_expires(struct planner *p, struct recipient *r, struct bounce_recipient *who)
{
    const struct config *c = p->e->config;
    r->state = RECIPIENT_EXPIRED;
    who->expired = true;
    if (c->retry.on_give_up_inform_sender)
        recipient_fails(p, who);
    if (c->retry.on_give_up_inform_postmaster)
        notice_add(p, DSN_FAILED, true, who);
    p->keep_bad = p->keep_bad || c->retry.on_give_up_keep_in_bad_queue || who->local_cause;
}

/* Waits on, or is given up. */
static enum config_key recipient_waits(struct planner *p, struct recipient *r, struct bounce_recipient *who)
{
    const struct config *c = p->e->config;
    const struct envelope *v = &p->m->envelope;
    const struct retry_question question = {
        .config = c, .now_us = p->e->now.wall_us, .received_us = v->received_us,
        .attempts = r->attempts, .queue = v->queue, .outcome = &r->last, .rule = r->rule,
        .random = engine_jitter(p->e, UINT64_MAX),
    };
    struct retry_plan plan;
    retry_plan(&question, &plan);
    if (plan.give_up) {
        recipient_expires(p, r, who);
        return plan.key;
    }
    r->due_us = plan.due_us;
    p->retry_queue = p->retry_queue || plan.queue == QUEUE_RETRY;
    p->delay = p->delay || plan.delay_notice;
    return plan.key;
}

static void recipient_delivered(struct planner *p, struct recipient *r, const struct settle_change *change)
{
    const struct envelope *v = &p->m->envelope;
    struct bounce_recipient who = { .recipient = change->recipient, .relayed = change->relayed };
    r->state = RECIPIENT_DELIVERED;
    bool ours = change->relayed || change->outcome.cause == OUTCOME_CAUSE_LOCAL; /* the next hop tells nobody */
    if (ours && (r->notify & NOTIFY_SUCCESS))
        notice_sender(p, DSN_SUCCESS, &who);
    else if (v->delay_notice_sent && p->e->config->retry.inform_sender_delivered_after_delay)
        notice_sender(p, DSN_DELIVERED_AFTER_DELAY, &who);
}

static void change_apply(struct planner *p, const struct settle_change *change)
{
    struct recipient *r = &p->m->envelope.recipients[change->recipient];
    assert(r->state == RECIPIENT_WAITING);
    if (change->wait_short) {
        r->due_us = change->due_us;
        return;
    }
    r->attempts += change->tried && r->attempts < UINT16_MAX;
    r->last = change->outcome;
    r->rule = change->rule;
    struct bounce_recipient who = { .recipient = change->recipient, .local_cause = change->local_cause,
                                    .others = change->others, .other_count = change->other_count };
    enum config_key key = change->key;
    switch (change->action) {
    case VERDICT_DELIVERED: recipient_delivered(p, r, change); break;
    case VERDICT_HOLD: r->state = RECIPIENT_HELD; break;
    case VERDICT_BOUNCE:
        r->state = RECIPIENT_BOUNCED;
        recipient_fails(p, &who);
        p->keep_bad = p->keep_bad || r->last.cause == OUTCOME_CAUSE_HOPS; /* A45 */
        break;
    case VERDICT_WAIT: {
        enum config_key schedule = recipient_waits(p, r, &who);
        if (key == CONFIG_KEY_NONE)
            key = schedule;
        p->plan->rule = change->rule;
        p->plan->verdict = !outcome_is_session_failure(&change->outcome);
        break;
    }
    case VERDICT_NEXT: assert(!"a verdict is not final");
    }
    if (r->state == RECIPIENT_HELD)
        p->plan->rule = change->rule;
    trace_delivery(p, r, key, p->retry_queue ? QUEUE_RETRY : QUEUE_REMOTE);
}

/* ---- the message ---- */

static struct planner planner_new(struct engine *e, struct message *m)
{
    struct planner p = { .e = e, .m = m };
    p.plan = arena_new(&m->arena, struct settle_plan);
    p.retry_queue = m->envelope.queue == QUEUE_RETRY;
    return p;
}

static void delay_notices(struct planner *p)
{
    struct envelope *v = &p->m->envelope;
    if (!p->delay || v->delay_notice_sent || !p->e->config->retry.inform_sender_delayed)
        return;
    int64_t until_us = retry_give_up_us(p->e->config, v->received_us);
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        struct bounce_recipient who = { .recipient = i, .retry_until_us = until_us == INT64_MAX ? 0 : until_us };
        if (v->recipients[i].state != RECIPIENT_WAITING || v->recipients[i].last.class == OUTCOME_NONE)
            continue;
        uint32_t before = p->plan->notice_count;
        notice_sender(p, DSN_DELAYED, &who);
        v->delay_notice_sent = v->delay_notice_sent || p->plan->notice_count > before;
    }
}

static void trace_queue(struct planner *p, enum queue_kind before)
{
    const struct envelope *v = &p->m->envelope;
    if (v->queue == before)
        return;
    struct trace_event event = { .kind = TRACE_QUEUED, .id = v->id, .from = v->sender, .queue = v->queue,
                                 .queue_given = true, .rule = p->plan->rule };
    int64_t due_us = envelope_due_us(v);
    if (due_us != INT64_MAX)
        event.next_us = due_us;
    trace(p->e, &event);
}

/* What an earlier attempt has ended and what is to be kept of it (A23a, A40, A45), while others were still waiting. */
static void keep_earlier(struct planner *p)
{
    const struct envelope *v = &p->m->envelope;
    const struct config *c = p->e->config;
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        const struct recipient *r = &v->recipients[i];
        bool bounced = r->state == RECIPIENT_BOUNCED, expired = r->state == RECIPIENT_EXPIRED;
        bool untold = v->sender.size == 0 && c->retry.undeliverable_notices_to_bad_queue &&
                      (bounced || (expired && c->retry.on_give_up_inform_sender));
        p->keep_bad = p->keep_bad || untold || (bounced && r->last.cause == OUTCOME_CAUSE_HOPS) ||
                      (expired && (c->retry.on_give_up_keep_in_bad_queue || verdict_local_cause(r->rule, &r->last)));
    }
}

/* From the recipients' states to the message's place. */
static struct settle_plan *planner_end(struct planner *p)
{
    struct envelope *v = &p->m->envelope;
    enum queue_kind before = v->queue;
    uint32_t waiting = 0, held = 0, local = 0;
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        waiting += v->recipients[i].state == RECIPIENT_WAITING;
        held += v->recipients[i].state == RECIPIENT_HELD;
        local += v->recipients[i].state == RECIPIENT_WAITING && v->recipients[i].local;
    }
    if (waiting > 0) {
        v->queue = p->retry_queue ? QUEUE_RETRY : local == waiting ? QUEUE_LOCAL : QUEUE_REMOTE;
        p->plan->after = SETTLE_AFTER_WAIT;
        delay_notices(p);
    } else if (held > 0) {
        v->queue = QUEUE_HOLDING;
        p->plan->after = SETTLE_AFTER_ASIDE;
    } else if (p->keep_bad) {
        v->queue = QUEUE_BAD;
        p->plan->after = SETTLE_AFTER_ASIDE;
    } else {
        p->plan->after = SETTLE_AFTER_END;
    }
    message_set_destination(p->m);
    if (p->plan->after != SETTLE_AFTER_END)
        trace_queue(p, before);
    return p->plan;
}

struct settle_plan *settle_plan_attempt(struct engine *e, struct message *m, const struct settle_change *changes,
                                        uint32_t count, struct slice transcript)
{
    struct planner p = planner_new(e, m);
    bool tried = false;
    keep_earlier(&p);
    for (uint32_t i = 0; i < count; i++) {
        change_apply(&p, &changes[i]);
        tried = tried || !changes[i].wait_short;
    }
    p.plan->transcript = arena_copy(&m->arena, transcript);
    struct settle_plan *plan = planner_end(&p);
    plan->unchanged = !tried && plan->after == SETTLE_AFTER_WAIT;
    return plan;
}

/* Place, queue and due time stay: a crash leaves the others as before the attempt. */
struct settle_plan *settle_plan_early(struct engine *e, struct message *m, const struct settle_change *changes, uint32_t count)
{
    struct planner p = planner_new(e, m);
    for (uint32_t i = 0; i < count; i++) {
        assert(changes[i].action == VERDICT_DELIVERED);
        change_apply(&p, &changes[i]);
    }
    message_set_destination(m);
    p.plan->early = true;
    return p.plan;
}

struct settle_plan *settle_plan_overdue(struct engine *e, struct message *m)
{
    struct planner p = planner_new(e, m);
    struct envelope *v = &m->envelope;
    if (v->queue == QUEUE_BAD) {
        p.plan->after = SETTLE_AFTER_END;
        return p.plan;
    }
    keep_earlier(&p);
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        struct recipient *r = &v->recipients[i];
        if (r->state != RECIPIENT_WAITING || r->due_us > e->now.wall_us)
            continue;
        if (r->last.class == OUTCOME_NONE)
            r->last = (struct outcome){ .class = OUTCOME_TEMP, .cause = OUTCOME_CAUSE_EXPIRED, .at_us = e->now.wall_us,
                                        .enhanced = { 4, 4, 7 } };
        struct bounce_recipient who = { .recipient = i, .local_cause = verdict_local_cause(r->rule, &r->last) };
        enum config_key key = recipient_waits(&p, r, &who);
        trace_delivery(&p, r, key, p.retry_queue ? QUEUE_RETRY : QUEUE_REMOTE);
    }
    return planner_end(&p);
}

/* ---- the administrator's orders ---- */

/* What has ended is returned out of the bad queue only: elsewhere its sender was told. */
static void order_bounce(struct planner *p, uint32_t i)
{
    struct recipient *r = &p->m->envelope.recipients[i];
    bool ended = r->state == RECIPIENT_BOUNCED || r->state == RECIPIENT_EXPIRED;
    if (r->state == RECIPIENT_DELIVERED || (ended && p->m->envelope.queue != QUEUE_BAD))
        return;
    struct outcome *before = arena_new(&p->m->arena, struct outcome);
    *before = r->last;
    r->last = (struct outcome){ .class = OUTCOME_PERM, .cause = OUTCOME_CAUSE_ADMIN, .at_us = p->e->now.wall_us,
                                .enhanced = { 5, 0, 0 }, .text = SLICE("returned by the administrator") };
    r->state = RECIPIENT_BOUNCED;
    r->rule = RULE_NONE;
    struct bounce_recipient who = { .recipient = i, .others = before, .other_count = before->class != OUTCOME_NONE };
    recipient_fails(p, &who);
    trace_delivery(p, r, CONFIG_KEY_NONE, QUEUE_REMOTE);
}

/* Due now; what had ended in the bad queue begins a new life there. */
static void order_due(struct planner *p, uint32_t i, bool held_only)
{
    struct recipient *r = &p->m->envelope.recipients[i];
    bool ended = r->state == RECIPIENT_BOUNCED || r->state == RECIPIENT_EXPIRED;
    if (held_only && r->state != RECIPIENT_HELD)
        return;
    if (r->state == RECIPIENT_DELIVERED || (ended && p->m->envelope.queue != QUEUE_BAD))
        return;
    r->state = RECIPIENT_WAITING;
    r->due_us = p->e->now.wall_us;
}

struct settle_plan *settle_plan_order(struct engine *e, struct message *m, enum settle_order order)
{
    static const char *const names[] = {
        [SETTLE_HOLD] = "hold", [SETTLE_RELEASE] = "release", [SETTLE_RETRY] = "retry",
        [SETTLE_BOUNCE] = "bounce", [SETTLE_DROP] = "drop",
    };
    struct planner p = planner_new(e, m);
    struct envelope *v = &m->envelope;
    trace(e, &(struct trace_event){ .kind = TRACE_CONTROL, .id = v->id, .status = slice_of(names[order]) });
    if (order == SETTLE_DROP) {
        p.plan->after = SETTLE_AFTER_END;
        return p.plan;
    }
    bool bad = v->queue == QUEUE_BAD;
    if (!bad)
        keep_earlier(&p);
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        if (order == SETTLE_BOUNCE)
            order_bounce(&p, i);
        else if (order != SETTLE_HOLD)
            order_due(&p, i, order == SETTLE_RELEASE && !bad);
        else if (v->recipients[i].state == RECIPIENT_WAITING)
            v->recipients[i].state = RECIPIENT_HELD;
    }
    v->hold = order == SETTLE_HOLD;
    if (order == SETTLE_RELEASE || order == SETTLE_RETRY)
        p.retry_queue = v->first_attempt_us != 0 && e->now.wall_us >= retry_remote_end_us(e->config, v->received_us);
    p.keep_bad = p.keep_bad || (bad && order == SETTLE_HOLD);
    return planner_end(&p);
}

/* ---- an unclean end ---- */

struct settle_plan *settle_plan_crashed(struct engine *e, struct message *m, bool dot_sent)
{
    struct planner p = planner_new(e, m);
    struct envelope *v = &m->envelope;
    v->crashes += v->crashes < UINT8_MAX;
    bool hold = v->crashes >= CRASHES_HELD;
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        struct recipient *r = &v->recipients[i];
        if (r->state != RECIPIENT_WAITING)
            continue;
        r->last = (struct outcome){ .class = OUTCOME_TEMP, .stage = dot_sent ? STAGE_DOT : STAGE_NONE,
                                    .cause = OUTCOME_CAUSE_LOCAL, .in_doubt = dot_sent, .at_us = e->now.wall_us,
                                    .enhanced = { 4, 3, 0 }, .text = SLICE("the server ended during the attempt") };
        r->rule = dot_sent ? RULE_A18 : RULE_NONE;
        r->state = hold ? RECIPIENT_HELD : RECIPIENT_WAITING;
        trace(e, &(struct trace_event){ .kind = TRACE_ATTEMPT, .id = v->id, .from = v->sender, .to = r->address, .outcome = r->last,
                                        .attempt = v->attempts, .rule = r->rule,
                                        .reason = hold ? SLICE("held: three unclean ends of the server with it") : SLICE("tried again alone") });
    }
    struct settle_plan *plan = planner_end(&p);
    if (plan->after == SETTLE_AFTER_WAIT)
        plan->after = SETTLE_AFTER_CRASHED;
    return plan;
}
