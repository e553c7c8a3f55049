#include <assert.h>

#include "base/arena.h"
#include "engine/commit.h"
#include "engine/inflight.h"
#include "engine/outgoing.h"
#include "engine/queue.h"
#include "engine/settle_work.h"
#include "policy/rule.h"

/* A notice's original is read within so long, or the notice goes without it. */
#define READ_GUARD_US (5 * US_PER_MINUTE)

/* Exists only while the original is being read for a notice; all else needs no waiting. */
struct settle {
    struct machine machine;
    struct list_item item;
    struct message *message;
    struct settle_plan *plan;
    struct outgoing reading;
    struct buffer original;
    int64_t guard_us;
    bool early; /* the message is its attempt's */
    bool over;
};

struct settles {
    struct list all;
    uint32_t count;
};

void settles_init(struct engine *e)
{
    e->settles = mem_alloc(sizeof(*e->settles));
    list_init(&e->settles->all);
}

void settles_done(struct engine *e)
{
    struct list_item *item;
    while ((item = list_first(&e->settles->all)))
        machine_end(e, &LIST_OWNER(item, struct settle, item)->machine);
    mem_free(e->settles);
    e->settles = NULL;
}

bool settles_idle(const struct engine *e)
{
    return e->settles->count == 0;
}

/* ---- the commit ---- */

static struct slice header_section(struct slice original)
{
    if (slice_starts_with(original, SLICE("\r\n")))
        return slice_part(original, 0, 2);
    size_t end = slice_find_slice(original, SLICE("\r\n\r\n"));
    if (end < original.size)
        return slice_part(original, 0, end + 4);
    if (original.size <= BOUNCE_HEADER_SIZE_MAX)
        return original;
    size_t cut = slice_find_last(slice_part(original, 0, BOUNCE_HEADER_SIZE_MAX), '\n');
    return slice_part(original, 0, cut < BOUNCE_HEADER_SIZE_MAX ? cut + 1 : 0);
}

static bool header_only(const struct message *m, const struct settle_notice *n)
{
    return n->kind != DSN_FAILED || n->to_postmaster || m->envelope.ret == RET_HDRS ||
           m->envelope.body_size > BOUNCE_ORIGINAL_SIZE_MAX;
}

/* One notice, or, where so many recipients or so much that was said of them would not fit into the journal, first less of the
 * original and of other hosts' words, then several notices. Those that the group has no room for are written by themselves. */
static void notice_put(struct engine *e, struct commit_group *group, const struct bounce_question *question)
{
    struct bounce_question q = *question;
    struct message *notice = bounce_make(e, &q);
    for (uint32_t less = 0; less < 2 && notice->body_bytes > STORE_INLINE_BODY_MAX; less++) {
        message_free(e, notice);
        struct bounce_recipient *bare = turn_alloc(e, q.recipient_count * sizeof(*bare));
        memcpy(bare, q.recipients, q.recipient_count * sizeof(*bare));
        for (uint32_t i = 0; less > 0 && i < q.recipient_count; i++)
            bare[i].other_count = 0;
        q.recipients = bare;
        q.header_only = true;
        q.original_body = SLICE_EMPTY;
        if (less > 0)
            q.original_header = q.transcript = SLICE_EMPTY;
        notice = bounce_make(e, &q);
    }
    if (notice->body_bytes > STORE_INLINE_BODY_MAX) {
        assert(q.recipient_count > 1); /* one recipient's lines are bounded far below */
        message_free(e, notice);
        uint32_t count = q.recipient_count;
        q.recipient_count = count / 2;
        notice_put(e, group, &q);
        q.recipients += count / 2;
        q.recipient_count = count - count / 2;
        notice_put(e, group, &q);
        return;
    }
    if (group->item_count + 1 < COMMIT_GROUP_ITEMS_MAX) {
        commit_add_submit(e, group, notice);
        return;
    }
    struct commit_group *own = commit_group_new(e, COMMIT_NOTICE);
    commit_add_submit(e, own, notice);
    commit_start(e, own);
}

static void notices_make(struct engine *e, struct message *m, const struct settle_plan *plan, struct slice original,
                         struct commit_group *group)
{
    struct slice header = header_section(original);
    for (uint32_t i = 0; i < plan->notice_count; i++) {
        const struct settle_notice *n = &plan->notices[i];
        bool quoted_whole = !header_only(m, n) && original.size == m->envelope.body_size;
        struct bounce_question question = {
            .original = m, .kind = n->kind, .to_postmaster = n->to_postmaster, .recipients = n->recipients,
            .recipient_count = n->recipient_count, .original_header = header,
            .original_body = quoted_whole ? slice_after(original, header.size) : SLICE_EMPTY,
            .header_only = !quoted_whole,
            .transcript = n->kind == DSN_FAILED || n->kind == DSN_DELAYED ? plan->transcript : SLICE_EMPTY,
        };
        notice_put(e, group, &question);
    }
}

static void settle_commit(struct engine *e, struct message *m, struct settle_plan *plan, struct slice original)
{
    struct commit_group *group = commit_group_new(e, plan->early ? COMMIT_EARLY : COMMIT_SETTLE);
    group->context = plan;
    group->handle = plan->attempt;
    notices_make(e, m, plan, original, group);
    if (plan->after == SETTLE_AFTER_END)
        commit_add_end(e, group, m->envelope.id, m);
    else
        commit_add_settle(e, group, m);
    commit_start(e, group);
}

/* ---- reading what is quoted ---- */

static uint64_t wanted_size(const struct message *m, const struct settle_plan *plan)
{
    uint64_t size = m->envelope.body_size;
    for (uint32_t i = 0; i < plan->notice_count; i++)
        if (!header_only(m, &plan->notices[i]))
            return size;
    return size < BOUNCE_HEADER_SIZE_MAX ? size : BOUNCE_HEADER_SIZE_MAX;
}

static void settle_read(struct engine *e, struct settle *s)
{
    uint64_t wanted = wanted_size(s->message, s->plan);
    bool last = false;
    while (s->original.size < wanted && !last) {
        struct slice bytes;
        enum outgoing_state state = outgoing_prepare(e, &s->reading, 0);
        if (state == OUTGOING_READY)
            state = outgoing_get(e, &s->reading, s->original.size, OUTGOING_CHUNK_SIZE, &bytes, &last);
        if (state == OUTGOING_WAIT && e->now.monotonic_us < s->guard_us)
            return;
        if (state != OUTGOING_READY)
            break; /* it goes without the rest: better than no notice */
        buffer_add(&s->original, slice_part(bytes, 0, (size_t)(wanted - s->original.size)));
    }
    settle_commit(e, s->message, s->plan, buffer_slice(&s->original));
    s->message = NULL;
    s->over = true;
}

static struct settle *settle_of(const struct machine *m)
{
    return LIST_OWNER((struct machine *)m, struct settle, machine);
}

static void settle_feed(struct engine *e, struct machine *m, const struct event *event)
{
    outgoing_feed(e, &settle_of(m)->reading, event);
}

static bool settle_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    (void)ret_op;
    struct settle *s = settle_of(m);
    if (!s->over)
        settle_read(e, s);
    if (s->over && !m->closed)
        machine_close(e, m);
    return false;
}

static int64_t settle_deadline_us(const struct engine *e, const struct machine *m)
{
    (void)e;
    return settle_of(m)->guard_us;
}

static void settle_free(struct engine *e, struct machine *m)
{
    struct settle *s = settle_of(m);
    outgoing_done(e, &s->reading);
    if (!s->early)
        message_free(e, s->message);
    buffer_done(&s->original);
    list_remove(&e->settles->all, &s->item);
    e->settles->count--;
    mem_free(s);
}

static const struct machine_kind SETTLE_KIND = {
    .name = "settle", .feed = settle_feed, .next = settle_next, .deadline_us = settle_deadline_us, .free = settle_free,
};

static void settle_start_reading(struct engine *e, struct message *m, struct settle_plan *plan)
{
    struct settle *s = mem_alloc(sizeof(*s));
    s->message = m;
    s->plan = plan;
    s->early = plan->early;
    s->guard_us = e->now.monotonic_us + READ_GUARD_US;
    buffer_init(&s->original, BOUNCE_ORIGINAL_SIZE_MAX);
    list_append(&e->settles->all, &s->item);
    e->settles->count++;
    machine_add(e, &s->machine, &SETTLE_KIND);
    outgoing_init(&s->reading, &s->machine, m);
}

/* ---- what follows ---- */

/* The stub's own copy of what the queue goes by. */
static struct stub *stub_update(struct engine *e, struct message *m, const struct settle_plan *plan)
{
    struct stub *stub = queue_stub(e->queue, m->stub);
    stub->rule = rule_number(plan->rule);
    stub->verdict = plan->verdict;
    stub->domain = m->destination;
    stub->message = NULL;
    return stub;
}

static void place(struct engine *e, struct message *m, const struct settle_plan *plan)
{
    const struct envelope *v = &m->envelope;
    struct stub *stub = stub_update(e, m, plan);
    queue_set_refs(e->queue, m->stub, m->record, m->body);
    if (plan->after == SETTLE_AFTER_CRASHED) {
        stub->crashed = stub->counted = true;
        queue_put_ready(e->queue, e->now, m->stub, v->queue, HOME_CRASHED, false);
    } else if (plan->after == SETTLE_AFTER_WAIT) {
        queue_put_waiting(e->queue, e->now, m->stub, v->queue, envelope_due_us(v));
    } else {
        int64_t end_us = v->queue == QUEUE_BAD ? e->now.wall_us + e->config->retry.bad_queue_us : INT64_MAX;
        queue_put_aside(e->queue, m->stub, v->queue, end_us);
    }
}

static void message_over(struct engine *e, struct message *m)
{
    const struct envelope *v = &m->envelope;
    trace(e, &(struct trace_event){ .kind = TRACE_REMOVED, .id = v->id, .from = v->sender,
                                    .delay_us = e->now.wall_us - v->received_us });
    queue_stub(e->queue, m->stub)->message = NULL;
    queue_remove(e->queue, m->stub);
}

/* The notices are queued; the message that was settled is the caller's. */
static struct message *group_settled(struct engine *e, struct commit_group *group)
{
    struct message *own = NULL;
    for (uint32_t i = 0; i < group->item_count; i++) {
        struct commit_group_item *item = &group->items[i];
        if (item->kind != STORE_SUBMIT)
            own = item->message;
        else
            e->calls->queued(e, item->message);
    }
    assert(own);
    return own;
}

/* FENCED: that is seen by the settle that ends the attempt. */
void settle_early_committed(struct engine *e, struct commit_group *group, enum store_status status)
{
    struct message *own = group_settled(e, group);
    own->settling = false;
    if (status == STORE_OK)
        queue_set_refs(e->queue, own->stub, own->record, own->body);
    struct machine *attempt = handle_machine(e, group->handle);
    assert(attempt);
    machine_wake(e, attempt);
}

void settle_committed(struct engine *e, struct commit_group *group, enum store_status status)
{
    const struct settle_plan *plan = group->context;
    struct message *own = group_settled(e, group);
    inflight_clear(e, own);
    if (handle_is(plan->request))
        e->calls->ordered(e, plan->request);
    /* FENCED: somebody else has the message now; here it is over. */
    if (plan->after == SETTLE_AFTER_END || status == STORE_FENCED)
        message_over(e, own);
    else
        place(e, own, plan);
    message_free(e, own);
}

/* ---- the ways in ---- */

static void settle_carry_out(struct engine *e, struct message *m, struct settle_plan *plan)
{
    if (plan->notice_count == 0) {
        settle_commit(e, m, plan, SLICE_EMPTY);
        return;
    }
    if (!m->body_whole) {
        settle_start_reading(e, m, plan);
        return;
    }
    struct buffer original;
    buffer_init(&original, BOUNCE_ORIGINAL_SIZE_MAX);
    uint64_t wanted = wanted_size(m, plan);
    while (original.size < wanted) {
        struct slice bytes = message_body_at(m, original.size);
        if (bytes.size == 0)
            break;
        buffer_add(&original, slice_part(bytes, 0, (size_t)(wanted - original.size)));
    }
    settle_commit(e, m, plan, buffer_slice(&original));
    buffer_done(&original);
}

void settle_begin(struct engine *e, struct message *m, const struct settle_change *changes, uint32_t change_count,
                  struct slice transcript)
{
    struct settle_plan *plan = settle_plan_attempt(e, m, changes, change_count, transcript);
    if (!plan->unchanged) {
        settle_carry_out(e, m, plan);
        return;
    }
    inflight_clear(e, m);
    struct stub *stub = queue_stub(e->queue, m->stub);
    stub->message = NULL;
    queue_put_waiting(e->queue, e->now, m->stub, m->envelope.queue, envelope_due_us(&m->envelope));
    message_free(e, m);
}

void settle_early(struct engine *e, struct message *m, const struct settle_change *changes, uint32_t change_count,
                  struct handle attempt)
{
    assert(!m->settling);
    struct settle_plan *plan = settle_plan_early(e, m, changes, change_count);
    plan->attempt = attempt;
    m->settling = true;
    settle_carry_out(e, m, plan);
}

void settle_order(struct engine *e, struct message *m, enum settle_order order, struct handle request)
{
    struct settle_plan *plan = settle_plan_order(e, m, order);
    plan->request = request;
    settle_carry_out(e, m, plan);
}

void settle_overdue(struct engine *e, struct message *m)
{
    settle_carry_out(e, m, settle_plan_overdue(e, m));
}

void settle_crashed(struct engine *e, struct message *m, bool dot_sent)
{
    struct settle_plan *plan = settle_plan_crashed(e, m, dot_sent);
    struct stub *stub = queue_stub(e->queue, m->stub);
    if (plan->after != SETTLE_AFTER_CRASHED)
        stub->crashed = stub->doubted = false; /* counted and held: who releases it has it tried like any other */
    settle_carry_out(e, m, plan);
}
