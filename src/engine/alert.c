#include "engine/alert.h"

#include <assert.h>

#include "base/arena.h"

#define TELL_AGAIN_US US_PER_DAY

struct alerts {
    struct machine machine;
    struct list list; /* the oldest first */
    uint32_t count;
};

static struct alert *alert_of(struct list_item *item)
{
    return LIST_OWNER(item, struct alert, item);
}

static void tell(struct engine *e, struct alert *a)
{
    a->told_us = e->now.wall_us;
    trace(e, &(struct trace_event){ .kind = TRACE_ALERT, .rule = a->rule, .count = a->count,
                                    .reason = slice_of(a->text[LANGUAGE_EN]), .remedy = slice_of(a->remedy[LANGUAGE_EN]) });
}

static void alerts_feed(struct engine *e, struct machine *m, const struct event *event)
{
    (void)event;
    struct alerts *all = LIST_OWNER(m, struct alerts, machine);
    for (struct list_item *i = list_first(&all->list); i; i = list_next(&all->list, i))
        if (e->now.wall_us - alert_of(i)->told_us >= TELL_AGAIN_US)
            tell(e, alert_of(i));
}

static bool alerts_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    (void)e;
    (void)m;
    (void)ret_op;
    return false;
}

static int64_t alerts_deadline_us(const struct engine *e, const struct machine *m)
{
    const struct alerts *all = LIST_OWNER(m, const struct alerts, machine);
    int64_t next_us = DEADLINE_NEVER;
    for (struct list_item *i = list_first(&all->list); i; i = list_next(&all->list, i)) {
        int64_t due_us = e->now.monotonic_us + alert_of(i)->told_us + TELL_AGAIN_US - e->now.wall_us;
        if (due_us < next_us)
            next_us = due_us;
    }
    return next_us;
}

static void alerts_free(struct engine *e, struct machine *m)
{
    struct alerts *all = LIST_OWNER(m, struct alerts, machine);
    struct list_item *item;
    while ((item = list_take_first(&all->list)))
        mem_free(alert_of(item));
    mem_free(all);
    e->alerts = NULL;
}

static const struct machine_kind ALERTS_KIND = {
    .name = "alerts", .may_sleep = true, .feed = alerts_feed, .next = alerts_next, .deadline_us = alerts_deadline_us,
    .free = alerts_free,
};

void alerts_init(struct engine *e)
{
    e->alerts = mem_alloc(sizeof(*e->alerts));
    list_init(&e->alerts->list);
    machine_add(e, &e->alerts->machine, &ALERTS_KIND);
}

static struct alert *alert_find(struct engine *e, uint16_t rule, struct slice subject)
{
    for (struct list_item *i = list_first(&e->alerts->list); i; i = list_next(&e->alerts->list, i))
        if (alert_of(i)->rule == rule && slice_equal(slice_of(alert_of(i)->subject), subject))
            return alert_of(i);
    return NULL;
}

/* Cut, never refused: an alert that is too long is still one. */
static void text_put(char *to, size_t size, struct slice s)
{
    s = slice_part(s, 0, size - 1);
    if (s.size > 0)
        memcpy(to, s.data, s.size);
    to[s.size] = '\0';
}

static void text_fill(char to[static ALERT_TEXT_SIZE_MAX], const struct alert_question *q, enum text_id id,
                      enum language language)
{
    struct buffer b;
    buffer_init(&b, 8 * ALERT_TEXT_SIZE_MAX);
    text_format(&b, language, id, q->arguments, q->argument_count);
    text_put(to, ALERT_TEXT_SIZE_MAX, buffer_slice(&b));
    buffer_done(&b);
}

void alert_raise(struct engine *e, const struct alert_question *question)
{
    struct slice subject = slice_part(question->subject, 0, ALERT_SUBJECT_SIZE_MAX - 1);
    struct alert *a = alert_find(e, question->rule, subject);
    bool new = a == NULL;
    if (new) {
        if (e->alerts->count == ALERTS_MAX)
            return; /* two hundred causes at a time say enough */
        a = mem_alloc(sizeof(*a));
        a->rule = question->rule;
        a->since_us = e->now.wall_us;
        text_put(a->subject, sizeof(a->subject), subject);
        list_append(&e->alerts->list, &a->item);
        e->alerts->count++;
    }
    for (enum language l = 0; l < LANGUAGE_COUNT; l++) {
        text_fill(a->text[l], question, question->text, l);
        text_fill(a->remedy[l], question, question->remedy, l);
    }
    a->count++;
    if (new)
        tell(e, a);
    machine_wake(e, &e->alerts->machine);
}

void alert_clear(struct engine *e, uint16_t rule, struct slice subject)
{
    struct list_item *next;
    for (struct list_item *i = list_first(&e->alerts->list); i; i = next) {
        next = list_next(&e->alerts->list, i);
        struct alert *a = alert_of(i);
        if (a->rule != rule || (subject.size > 0 && !slice_equal(slice_of(a->subject), subject)))
            continue;
        trace(e, &(struct trace_event){ .kind = TRACE_ALERT_OVER, .rule = a->rule,
                                        .reason = slice_of(a->text[LANGUAGE_EN]) });
        list_remove(&e->alerts->list, &a->item);
        e->alerts->count--;
        mem_free(a);
    }
}

const struct alert *alert_first(const struct engine *e)
{
    struct list_item *item = list_first(&e->alerts->list);
    return item ? alert_of(item) : NULL;
}

const struct alert *alert_next(const struct engine *e, const struct alert *alert)
{
    struct list_item *item = list_next(&e->alerts->list, &alert->item);
    return item ? alert_of(item) : NULL;
}
