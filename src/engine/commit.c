#include "engine/commit.h"

#include <assert.h>

#include "base/arena.h"
#include "config/config.h"

enum {
    TAG_BATCH_SHIFT = 16,
    PARTS_MAX = STORE_BATCH_ITEMS_MAX * MESSAGE_BODY_PARTS_MAX,
    GROUP_BYTES_MAX = COMMIT_GROUP_ITEMS_MAX * ENVELOPE_SIZE_MAX,
    ITEM_OVERHEAD = 128, /* what the store writes around an item, roughly */
};

struct batch_place {
    struct commit_group *group;
    uint32_t item;
};

struct commit {
    struct machine machine;
    struct handle handle;
    struct commit_owner_calls calls[COMMIT_OWNER_COUNT];
    struct list waiting;      /* in the order in which they came */
    struct list refused;      /* by the store: tried again at refused_due_us */
    struct list flight;       /* in the batch under way */
    struct list free;
    uint32_t waiting_items, urgent_groups, refused_groups, free_groups;
    uint64_t waiting_bytes;
    int64_t waiting_since_us; /* of the first of the waiting */
    int64_t refused_due_us, refused_pause_us;
    enum store_status refused_status;
    bool in_flight;
    int64_t slow_us;          /* when the batch under way counts as slow */
    uint64_t batch;           /* its number, part of its items' tags */
    uint32_t item_count, part_count;
    struct store_item items[STORE_BATCH_ITEMS_MAX];
    struct batch_place places[STORE_BATCH_ITEMS_MAX];
    struct slice parts[PARTS_MAX];
};

static const char *const STATUS_NAMES[] = {
    [STORE_OK] = "ok", [STORE_FENCED] = "fenced", [STORE_FULL] = "full",
    [STORE_FAILED] = "failed", [STORE_UNKNOWN] = "unknown",
};

static struct commit *commit_of(struct machine *m)
{
    return LIST_OWNER(m, struct commit, machine);
}

static struct commit_group *group_of(struct list_item *place)
{
    return LIST_OWNER(place, struct commit_group, place);
}

/* Somebody waits for the answer. */
static bool group_urgent(const struct commit_group *group)
{
    return group->owner == COMMIT_INTAKE || group->owner == COMMIT_CONTROL;
}

/* ---- groups ---- */

struct commit_group *commit_group_new(struct engine *e, enum commit_owner owner)
{
    struct commit *c = e->commit;
    struct list_item *place = list_take_first(&c->free);
    struct commit_group *group;
    if (place) {
        group = group_of(place);
        c->free_groups--;
    } else {
        group = mem_alloc(sizeof *group);
        buffer_init(&group->bytes, GROUP_BYTES_MAX);
    }
    group->owner = owner;
    return group;
}

static void group_free(struct commit *c, struct commit_group *group)
{
    struct buffer bytes = group->bytes;
    if (bytes.capacity > COMMIT_BYTES_KEPT_MAX) {
        buffer_done(&bytes);
        buffer_init(&bytes, GROUP_BYTES_MAX);
    }
    if (c->free_groups >= COMMIT_GROUPS_KEPT_MAX) {
        buffer_done(&bytes);
        mem_free(group);
        return;
    }
    buffer_clear(&bytes);
    *group = (struct commit_group){ .bytes = bytes };
    list_prepend(&c->free, &group->place);
    c->free_groups++;
}

void commit_group_cancel(struct engine *e, struct commit_group *group)
{
    assert(!list_linked(&group->place));
    group_free(e->commit, group);
}

static struct commit_group_item *group_item_add(struct commit_group *group, enum store_item_kind kind, uint64_t id,
                                                struct message *message)
{
    assert(group->item_count < COMMIT_GROUP_ITEMS_MAX && !list_linked(&group->place));
    struct commit_group_item *item = &group->items[group->item_count++];
    *item = (struct commit_group_item){ .kind = kind, .id = id, .message = message };
    group->size_bytes += ITEM_OVERHEAD;
    return item;
}

static void item_encode(struct commit_group *group, struct commit_group_item *item)
{
    size_t from = group->bytes.size;
    envelope_encode(&item->message->envelope, &group->bytes);
    assert(!group->bytes.overflow && group->bytes.size - from <= ENVELOPE_SIZE_MAX);
    item->envelope_from = (uint32_t)from;
    item->envelope_size = (uint32_t)(group->bytes.size - from);
    group->size_bytes += item->envelope_size;
}

void commit_add_submit(struct engine *e, struct commit_group *group, struct message *message)
{
    assert(message->body.big_id != 0 || (message->body_whole && message->body_bytes <= STORE_INLINE_BODY_MAX));
    item_encode(group, group_item_add(group, STORE_SUBMIT, message->envelope.id, message));
    if (message->body.big_id == 0)
        group->size_bytes += message->body_bytes;
}

void commit_add_settle(struct engine *e, struct commit_group *group, struct message *message)
{
    item_encode(group, group_item_add(group, STORE_SETTLE, message->envelope.id, message));
}

void commit_add_end(struct engine *e, struct commit_group *group, uint64_t id, struct message *message)
{
    group_item_add(group, STORE_END, id, message);
}

void commit_start(struct engine *e, struct commit_group *group)
{
    struct commit *c = e->commit;
    assert(group->item_count > 0);
    if (list_empty(&c->waiting))
        c->waiting_since_us = e->now.monotonic_us;
    list_append(&c->waiting, &group->place);
    c->waiting_items += group->item_count;
    c->waiting_bytes += group->size_bytes;
    c->urgent_groups += group_urgent(group);
    machine_wake(e, &c->machine);
}

/* ---- a batch ---- */

/* Within a group submits go first: should a crash tear the batch, there is a notice without its settle (and so one too
 * many), never a settled recipient without the notice that was owed. */
static void batch_add_item(struct engine *e, struct commit *c, struct commit_group *group, uint32_t index)
{
    struct commit_group_item *from = &group->items[index];
    struct store_item *item = &c->items[c->item_count];
    *item = (struct store_item){ .kind = from->kind, .id = from->id };
    item->tag = c->batch << TAG_BATCH_SHIFT | c->item_count;
    item->notice = from->kind == STORE_SUBMIT && group->owner != COMMIT_INTAKE; /* may use the room kept for settles */
    c->places[c->item_count] = (struct batch_place){ .group = group, .item = index };
    c->item_count++;
    from->answered = false;
    if (from->kind == STORE_END)
        return;
    const struct message *message = from->message;
    item->due_us = envelope_due_us(&message->envelope);
    if (message->envelope.queue == QUEUE_BAD)
        item->due_us = e->now.wall_us + e->config->retry.bad_queue_us; /* the end of its lifetime there (A45) */
    item->queue = message->envelope.queue;
    item->destination = message->destination;
    item->envelope = slice(group->bytes.data + from->envelope_from, from->envelope_size);
    item->body = message->body;
    if (from->kind == STORE_SUBMIT && message->body.big_id == 0) {
        item->body_parts = &c->parts[c->part_count];
        item->body_part_count = message_body_parts(message, &c->parts[c->part_count]);
        c->part_count += item->body_part_count;
    }
}

static void batch_add_group(struct engine *e, struct commit *c, struct commit_group *group)
{
    list_remove(&c->waiting, &group->place);
    list_append(&c->flight, &group->place);
    c->waiting_items -= group->item_count;
    c->waiting_bytes -= group->size_bytes;
    c->urgent_groups -= group_urgent(group);
    group->status = STORE_OK;
    group->answered_count = 0;
    group->tries++;
    for (uint32_t i = 0; i < group->item_count; i++)
        if (group->items[i].kind == STORE_SUBMIT)
            batch_add_item(e, c, group, i);
    for (uint32_t i = 0; i < group->item_count; i++)
        if (group->items[i].kind != STORE_SUBMIT)
            batch_add_item(e, c, group, i);
}

static void batch_form(struct engine *e, struct commit *c)
{
    c->batch++;
    c->item_count = 0;
    c->part_count = 0;
    uint64_t size_bytes = 0;
    struct list_item *place;
    while ((place = list_first(&c->waiting))) {
        struct commit_group *group = group_of(place);
        bool first = c->item_count == 0;
        if (!first && (c->item_count + group->item_count > STORE_BATCH_ITEMS_MAX ||
                       size_bytes + group->size_bytes > STORE_BATCH_SIZE_MAX))
            break;
        size_bytes += group->size_bytes;
        batch_add_group(e, c, group);
    }
    c->waiting_since_us = e->now.monotonic_us;
    c->in_flight = true;
    c->slow_us = e->now.monotonic_us + COMMIT_SLOW_US;
}

static int64_t settle_due_us(const struct commit *c)
{
    bool full = c->waiting_items >= STORE_BATCH_ITEMS_MAX || c->waiting_bytes >= STORE_BATCH_SIZE_MAX;
    return full || c->urgent_groups > 0 ? INT64_MIN : c->waiting_since_us + COMMIT_SETTLE_DELAY_US;
}

static void refused_again(struct engine *e, struct commit *c)
{
    struct list_item *place;
    while ((place = list_take_first(&c->refused)))
        commit_start(e, group_of(place));
    c->refused_groups = 0;
}

static bool commit_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    struct commit *c = commit_of(m);
    if (c->in_flight)
        return false;
    if (c->refused_groups > 0 && e->now.monotonic_us >= c->refused_due_us)
        refused_again(e, c);
    if (list_empty(&c->waiting) || e->now.monotonic_us < settle_due_us(c))
        return false;
    batch_form(e, c);
    *ret_op = (struct op){ .kind = OP_COMMIT, .handle = c->handle };
    ret_op->commit = (struct op_commit){ .items = c->items, .count = c->item_count };
    return true;
}

static int64_t commit_deadline_us(const struct engine *e, const struct machine *m)
{
    const struct commit *c = e->commit;
    if (c->in_flight)
        return c->slow_us;
    int64_t deadline_us = list_empty(&c->waiting) ? DEADLINE_NEVER : settle_due_us(c);
    if (c->refused_groups > 0 && c->refused_due_us < deadline_us)
        deadline_us = c->refused_due_us;
    return deadline_us;
}

/* ---- results ---- */

static void result_take(struct commit *c, const struct store_result *result)
{
    uint64_t index = result->tag & ((1u << TAG_BATCH_SHIFT) - 1);
    assert(result->tag >> TAG_BATCH_SHIFT == c->batch && index < c->item_count);
    struct commit_group *group = c->places[index].group;
    struct commit_group_item *item = &group->items[c->places[index].item];
    assert(item->id == result->id && !item->answered);
    item->answered = true;
    item->result = *result;
    group->answered_count++;
    if (result->status > group->status)
        group->status = result->status;
    if (result->status == STORE_OK && item->message && item->kind != STORE_END) {
        item->message->record = result->envelope;
        item->message->body = result->body;
    }
}

static void group_refused(struct engine *e, struct commit *c, struct commit_group *group)
{
    if (c->refused_groups == 0) {
        c->refused_pause_us = c->refused_pause_us > 0 ? c->refused_pause_us * 2 : COMMIT_RETRY_MIN_US;
        if (c->refused_pause_us > COMMIT_RETRY_MAX_US)
            c->refused_pause_us = COMMIT_RETRY_MAX_US;
        c->refused_due_us = e->now.monotonic_us + c->refused_pause_us;
        trace(e, &(struct trace_event){ .kind = TRACE_STORE_TROUBLE, .id = group->items[0].id, .count = group->tries,
                                        .next_us = e->now.wall_us + c->refused_pause_us,
                                        .reason = slice_of(STATUS_NAMES[group->status]) });
    }
    c->refused_status = group->status;
    c->refused_groups++;
    list_append(&c->refused, &group->place);
}

static void batch_over(struct engine *e, struct commit *c)
{
    c->in_flight = false;
    bool some_ok = false;
    struct list_item *place;
    while ((place = list_take_first(&c->flight))) {
        struct commit_group *group = group_of(place);
        if (group->answered_count < group->item_count)
            group->status = STORE_UNKNOWN;
        some_ok = some_ok || group->status == STORE_OK;
        if (group->status > STORE_FENCED && !group_urgent(group)) {
            group_refused(e, c, group);
            continue;
        }
        c->calls[group->owner].done(e, group, group->status);
        group_free(c, group);
    }
    if (some_ok && c->refused_groups == 0)
        c->refused_pause_us = 0;
}

static void commit_feed(struct engine *e, struct machine *m, const struct event *event)
{
    struct commit *c = commit_of(m);
    if (event->kind == EVENT_COMMITTED && c->in_flight) {
        for (uint32_t i = 0; i < event->committed.count; i++)
            result_take(c, &event->committed.results[i]);
        batch_over(e, c);
    } else if (event->kind == EVENT_TICK && c->in_flight && e->now.monotonic_us >= c->slow_us) {
        c->slow_us = e->now.monotonic_us + COMMIT_SLOW_US;
        trace(e, &(struct trace_event){ .kind = TRACE_STORE_TROUBLE, .id = c->items[0].id, .count = c->item_count,
                                        .reason = SLICE("no answer yet") });
    }
}

/* ---- life ---- */

static void commit_free(struct engine *e, struct machine *m)
{
    /* Lives as long as the engine; commit_done gives it back. */
}

static const struct machine_kind COMMIT_KIND = {
    .name = "commit",
    .may_sleep = true,
    .late = true,
    .feed = commit_feed,
    .next = commit_next,
    .deadline_us = commit_deadline_us,
    .free = commit_free,
};

void commit_init(struct engine *e, const struct commit_owner_calls calls[static COMMIT_OWNER_COUNT])
{
    struct commit *c = e->commit = mem_alloc(sizeof *c);
    memcpy(c->calls, calls, sizeof c->calls);
    list_init(&c->waiting);
    list_init(&c->refused);
    list_init(&c->flight);
    list_init(&c->free);
    machine_add(e, &c->machine, &COMMIT_KIND);
    c->handle = handle_new(e, &c->machine);
}

static void groups_free(struct engine *e, struct list *list, bool messages)
{
    struct list_item *place;
    while ((place = list_take_first(list))) {
        struct commit_group *group = group_of(place);
        for (uint32_t i = 0; messages && i < group->item_count; i++)
            if (group->owner != COMMIT_EARLY || group->items[i].kind == STORE_SUBMIT)
                message_free(e, group->items[i].message);
        buffer_done(&group->bytes);
        mem_free(group);
    }
}

void commit_done(struct engine *e)
{
    struct commit *c = e->commit;
    groups_free(e, &c->waiting, true);
    groups_free(e, &c->refused, true);
    groups_free(e, &c->flight, true);
    groups_free(e, &c->free, false);
    handle_drop(e, &c->handle);
    machine_end(e, &c->machine);
    mem_free(c);
    e->commit = NULL;
}

bool commit_idle(const struct engine *e)
{
    const struct commit *c = e->commit;
    return !c->in_flight && list_empty(&c->waiting) && c->refused_groups == 0;
}

uint32_t commit_troubled(const struct engine *e, enum store_status *ret_status)
{
    *ret_status = e->commit->refused_status;
    return e->commit->refused_groups;
}
