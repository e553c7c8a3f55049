/* What became of a message in an attempt, handed to settle: all of it when the attempt is over; before that who was delivered to,
 * since a crash would deliver to them again. */
#include <assert.h>

#include "base/arena.h"
#include "engine/attempt_work.h"
#include "engine/queue.h"

/* Most attempts are over within EARLY_MIN_US of the first delivery, and cost one settle. Each settle writes the whole envelope:
 * a letter to many is settled at intervals in proportion, lest what is written grow with the square of its recipients. */
#define EARLY_MIN_US (20 * US_PER_MS)
#define EARLY_MAX_US US_PER_SECOND
#define EARLY_RECIPIENT_US US_PER_MS

/* What others answered, for the notice (A16): refusals, the most preferred host's first. */
static void change_others(struct message *m, const struct one *one, struct settle_change *change)
{
    struct outcome *others = NULL;
    for (uint8_t i = 0; i < one->count && change->other_count < BOUNCE_OTHERS_MAX; i++) {
        const struct outcome *o = one->candidates[i].outcome;
        if (!o || i == one->verdict.told || o->class == OUTCOME_OK)
            continue;
        if (!others)
            others = arena_array(&m->arena, struct outcome, BOUNCE_OTHERS_MAX);
        others[change->other_count++] = *o;
    }
    change->others = others;
}

static void change_make(struct engine *e, struct message *m, const struct one *one, struct settle_change *change)
{
    *change = (struct settle_change){ .recipient = one->recipient };
    if (one->state != ONE_DECIDED) {
        change->action = VERDICT_WAIT;
        change->wait_short = true;
        change->due_us = e->now.wall_us;
        return;
    }
    const struct verdict *v = &one->verdict;
    assert(v->action != VERDICT_NEXT && v->told < one->count && one->candidates[v->told].outcome);
    change->action = v->action;
    change->outcome = *one->candidates[v->told].outcome;
    if (v->status.class != 0) /* 5.7.30 for a letter whose own demand was not met: the handshake's own code is another */
        change->outcome.enhanced = v->status;
    change->rule = v->rule;
    change->key = v->key;
    change->local_cause = v->local_cause;
    change->tried = true;
    change->relayed = v->action == VERDICT_DELIVERED && !one->dsn;
    if (v->action != VERDICT_DELIVERED)
        change_others(m, one, change);
}

static int64_t early_pause_us(const struct attempt *a)
{
    int64_t pause_us = a->message->envelope.recipient_count * EARLY_RECIPIENT_US;
    return pause_us < EARLY_MIN_US ? EARLY_MIN_US : pause_us > EARLY_MAX_US ? EARLY_MAX_US : pause_us;
}

void attempt_settle_early(struct engine *e, struct attempt *a)
{
    struct message *m = a->message;
    if (a->unsettled == 0 || m->settling)
        return;
    if (a->early_us == DEADLINE_NEVER)
        a->early_us = e->now.monotonic_us + early_pause_us(a);
    if (e->now.monotonic_us < a->early_us)
        return;
    struct settle_change *changes = arena_array(&m->arena, struct settle_change, a->unsettled);
    uint32_t count = 0;
    for (struct part *p = a->parts; p; p = p->next) {
        for (uint32_t i = 0; i < p->one_count; i++) {
            struct one *one = &p->ones[i];
            if (one->state != ONE_DECIDED || one->verdict.action != VERDICT_DELIVERED)
                continue;
            change_make(e, m, one, &changes[count++]);
            one->state = ONE_SETTLED;
        }
    }
    assert(count == a->unsettled);
    a->unsettled = 0;
    a->early_us = DEADLINE_NEVER;
    if (!handle_is(a->early))
        a->early = handle_new(e, &a->machine);
    settle_early(e, m, changes, count, a->early);
}

void attempt_finish(struct engine *e, struct attempt *a)
{
    struct message *m = a->message;
    uint32_t count = 0;
    for (struct part *p = a->parts; p; p = p->next) {
        part_done(e, p);
        count += p->one_count;
    }
    a->early_us = DEADLINE_NEVER;
    if (m->settling)
        return;
    struct settle_change *changes = arena_array(&m->arena, struct settle_change, count > 0 ? count : 1);
    count = 0;
    for (struct part *p = a->parts; p; p = p->next)
        for (uint32_t i = 0; i < p->one_count; i++)
            if (p->ones[i].state != ONE_PARKED && p->ones[i].state != ONE_SETTLED)
                change_make(e, m, &p->ones[i], &changes[count++]);
    m->owner = NULL;
    a->message = NULL;
    a->state = ATTEMPT_OVER;
    struct stub *stub = queue_stub(e->queue, a->stub);
    stub->crashed = stub->counted = stub->doubted = false;
    settle_begin(e, m, changes, count, buffer_slice(&a->transcript));
}
