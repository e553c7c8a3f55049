#include "engine/core.h"

#include <assert.h>

#include "base/arena.h"

/* Milliseconds of 2020-01-01 UTC, where ids begin. */
#define ID_EPOCH_MS INT64_C(1577836800000)

enum {
    SLOTS_MIN = 256,
    OPS_MIN = 64,
    ID_NODE_SHIFT = 16,
    ID_MS_SHIFT = 22,
    ID_COUNTER_MAX = 0xffff,
    ID_COUNTER_START_MASK = 0x7fff, /* a new millisecond starts anywhere in the lower half: ids cannot be counted up */
};

void core_init(struct engine *e, struct now now, const struct engine_options *options)
{
    assert(options->node < 64);
    e->now = now;
    e->started = now;
    e->config = options->config;
    e->accounts = options->accounts;
    e->node = options->node;
    e->id_last = options->last_id;
    e->store.accepting = true;
    assert(options->own_address_count <= sizeof e->own_addresses / sizeof e->own_addresses[0]);
    e->own_address_count = options->own_address_count;
    memcpy(e->own_addresses, options->own_addresses, sizeof e->own_addresses);
    random_stream_init(&e->secret, options->seed);
    random_fast_init(&e->fast, random_stream_u64(&e->secret));
    list_init(&e->machines);
    list_init(&e->ready);
    list_init(&e->ready_late);
    heap_init(&e->timers);
}

static void blocks_free(struct core_turn_block *block)
{
    while (block) {
        struct core_turn_block *next = block->next;
        mem_free(block);
        block = next;
    }
}

/* ---- machines ---- */

static struct machine *ready_owner(struct list_item *item)
{
    return LIST_OWNER(item, struct machine, ready);
}

void machine_add(struct engine *e, struct machine *m, const struct machine_kind *kind)
{
    *m = (struct machine){ .kind = kind };
    list_append(&e->machines, &m->place);
    machine_wake(e, m);
}

void machine_wake(struct engine *e, struct machine *m)
{
    m->woken = true;
    if (!list_linked(&m->ready))
        list_append(m->kind->late ? &e->ready_late : &e->ready, &m->ready);
}

void machine_close(struct engine *e, struct machine *m)
{
    m->closed = true;
    machine_wake(e, m);
}

static void machine_forget(struct engine *e, struct machine *m)
{
    if (list_linked(&m->ready))
        list_remove(&e->ready, &m->ready);
    heap_remove(&e->timers, &m->timer);
    list_remove(&e->machines, &m->place);
    m->kind->free(e, m);
}

void machine_end(struct engine *e, struct machine *m)
{
    machine_forget(e, m);
}

/* It has nothing more to say: over, or waiting for something that has a deadline. */
static void machine_rest(struct engine *e, struct machine *m)
{
    if (m->closed) {
        machine_forget(e, m);
        return;
    }
    list_remove(&e->ready, &m->ready);
    if (m->woken) { /* on the way something came up for it, perhaps behind what it had looked at */
        machine_wake(e, m);
        return;
    }
    int64_t deadline_us = m->kind->deadline_us(e, m);
    if (deadline_us == DEADLINE_NEVER) {
        assert(m->kind->may_sleep);
        heap_remove(&e->timers, &m->timer);
    } else if (m->timer.position == 0 || m->timer.key != deadline_us) {
        heap_set(&e->timers, &m->timer, deadline_us);
    }
}

/* The last one first: those that serve the others were there before them. */
void core_done(struct engine *e)
{
    while (!list_empty(&e->machines))
        machine_forget(e, LIST_OWNER(e->machines.head.previous, struct machine, place));
    heap_done(&e->timers);
    mem_free(e->slots);
    mem_free(e->ops);
    blocks_free(e->turn);
    blocks_free(e->turn_spare);
}

/* ---- handles ---- */

static void slots_grow(struct engine *e)
{
    uint32_t capacity = e->slot_capacity ? e->slot_capacity * 2 : SLOTS_MIN;
    assert(capacity <= CORE_HANDLES_MAX);
    e->slots = mem_realloc(e->slots, capacity, sizeof *e->slots);
    for (uint32_t i = capacity; i-- > e->slot_capacity;) {
        e->slots[i] = (struct core_slot){ .generation = 1, .free_next = e->slot_free };
        if (i > 0)
            e->slot_free = i;
    }
    e->slot_capacity = capacity;
}

struct handle handle_new(struct engine *e, struct machine *m)
{
    if (e->slot_free == 0)
        slots_grow(e);
    uint32_t slot = e->slot_free;
    e->slot_free = e->slots[slot].free_next;
    e->slots[slot].machine = m;
    return (struct handle){ .slot = slot, .generation = e->slots[slot].generation };
}

struct machine *handle_machine(const struct engine *e, struct handle handle)
{
    if (handle.slot >= e->slot_capacity || handle.generation == 0)
        return NULL;
    const struct core_slot *slot = &e->slots[handle.slot];
    return slot->generation == handle.generation ? slot->machine : NULL;
}

void handle_drop(struct engine *e, struct handle *handle)
{
    if (!handle_is(*handle))
        return;
    assert(handle_machine(e, *handle));
    struct core_slot *slot = &e->slots[handle->slot];
    slot->machine = NULL;
    slot->generation += slot->generation == UINT32_MAX ? 2u : 1u; /* 0 is no generation */
    slot->free_next = e->slot_free;
    e->slot_free = handle->slot;
    *handle = (struct handle){ 0 };
}

/* ---- the bytes of a turn ---- */

static struct core_turn_block *turn_block_add(struct engine *e, size_t size)
{
    struct core_turn_block *block = e->turn_spare;
    if (size <= CORE_TURN_BLOCK_SIZE && block) {
        e->turn_spare = block->next;
        e->turn_spare_count--;
    } else {
        size = size < CORE_TURN_BLOCK_SIZE ? CORE_TURN_BLOCK_SIZE : size;
        block = mem_alloc(sizeof *block + size);
        block->size = size;
    }
    block->used = 0;
    block->next = e->turn;
    e->turn = block;
    return block;
}

void *turn_alloc(struct engine *e, size_t size)
{
    assert(size < SIZE_MAX / 2);
    size_t rounded = (size + 15) & ~(size_t)15;
    struct core_turn_block *block = e->turn;
    if (!block || block->size - block->used < rounded)
        block = turn_block_add(e, rounded);
    void *p = block->data + block->used;
    block->used += rounded;
    return memset(p, 0, size);
}

struct slice turn_copy(struct engine *e, struct slice s)
{
    if (s.size == 0)
        return SLICE_EMPTY;
    char *p = turn_alloc(e, s.size);
    memcpy(p, s.data, s.size);
    return slice(p, s.size);
}

static void turn_over(struct engine *e)
{
    while (e->turn) {
        struct core_turn_block *block = e->turn;
        e->turn = block->next;
        if (block->size == CORE_TURN_BLOCK_SIZE && e->turn_spare_count < CORE_TURN_BLOCKS_KEPT) {
            block->next = e->turn_spare;
            e->turn_spare = block;
            e->turn_spare_count++;
        } else {
            mem_free(block);
        }
    }
    if (e->op_capacity > CORE_OPS_KEPT) {
        mem_free(e->ops);
        e->ops = NULL;
        e->op_capacity = 0;
    }
    e->op_first = 0;
}

/* ---- operations ---- */

static void ops_grow(struct engine *e)
{
    uint32_t capacity = e->op_capacity ? e->op_capacity * 2 : OPS_MIN;
    assert(capacity <= CORE_OPS_MAX);
    struct op *ops = mem_realloc(NULL, capacity, sizeof *ops);
    for (uint32_t i = 0; i < e->op_count; i++)
        ops[i] = e->ops[(e->op_first + i) & (e->op_capacity - 1)];
    mem_free(e->ops);
    e->ops = ops;
    e->op_capacity = capacity;
    e->op_first = 0;
}

void op_put(struct engine *e, const struct op *op)
{
    assert(op->kind != OP_NONE);
    if (e->op_count == e->op_capacity)
        ops_grow(e);
    e->ops[(e->op_first + e->op_count) & (e->op_capacity - 1)] = *op;
    e->op_count++;
}

void trace(struct engine *e, const struct trace_event *event)
{
    assert(event->kind < TRACE_KIND_COUNT);
    struct trace_event *copy = turn_alloc(e, sizeof *copy);
    *copy = *event;
    copy->at_us = e->now.wall_us;
    struct slice *const slices[] = {
        &copy->listener, &copy->client, &copy->helo,   &copy->account, &copy->from,   &copy->to,
        &copy->protocol, &copy->status, &copy->key,    &copy->value,   &copy->file,   &copy->reason,
        &copy->remedy,   &copy->tls_version,           &copy->outcome.text,           &copy->outcome.host,
        &copy->outcome.address,
    };
    for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++)
        *slices[i] = turn_copy(e, *slices[i]);
    trace_count(&e->counters, copy);
    op_put(e, &(struct op){ .kind = OP_TRACE, .trace = copy });
}

bool core_next(struct engine *e, struct op *ret_op)
{
    for (;;) {
        if (e->op_count > 0) {
            *ret_op = e->ops[e->op_first];
            e->op_first = (e->op_first + 1) & (e->op_capacity - 1);
            e->op_count--;
            return true;
        }
        struct list_item *item = list_first(&e->ready);
        if (!item)
            item = list_first(&e->ready_late);
        if (!item) {
            turn_over(e);
            return false;
        }
        struct machine *m = ready_owner(item);
        struct op op = { .kind = OP_NONE };
        m->woken = false;
        if (!m->kind->next(e, m, &op)) {
            machine_rest(e, m);
        } else if (e->op_count == 0) {
            assert(op.kind != OP_NONE);
            *ret_op = op;
            return true;
        } else {
            /* What it put on the way comes first: a trace before the reply that it speaks of. Its own operation's
             * bytes live until its next is called, which is after the ring is empty again. */
            op_put(e, &op);
        }
    }
}

bool core_feed(struct engine *e, struct now now, const struct event *event)
{
    assert(now.monotonic_us >= e->now.monotonic_us);
    e->now = now;
    struct machine *m = handle_machine(e, event->handle);
    if (!m || m->closed)
        return false;
    m->kind->feed(e, m, event);
    machine_wake(e, m);
    return true;
}

void core_tick(struct engine *e)
{
    const struct event tick = { .kind = EVENT_TICK };
    struct heap_item *item;
    while ((item = heap_first(&e->timers)) && item->key <= e->now.monotonic_us) {
        struct machine *m = LIST_OWNER(item, struct machine, timer);
        heap_remove(&e->timers, item);
        if (!m->closed) /* another one's tick may have closed it */
            m->kind->feed(e, m, &tick);
        machine_wake(e, m);
    }
}

int64_t core_deadline_us(const struct engine *e)
{
    const struct heap_item *item = heap_first(&e->timers);
    return item ? item->key : DEADLINE_NEVER;
}

/* ---- randomness and ids ---- */

void engine_random(struct engine *e, void *bytes, size_t size)
{
    random_stream_bytes(&e->secret, bytes, size);
}

uint64_t engine_jitter(struct engine *e, uint64_t below)
{
    return below > 0 ? random_fast_below(&e->fast, below) : 0;
}

uint64_t engine_id_new(struct engine *e)
{
    uint64_t last_ms = e->id_last >> ID_MS_SHIFT;
    int64_t since_ms = e->now.wall_us / 1000 - ID_EPOCH_MS;
    uint64_t ms = since_ms > 0 ? (uint64_t)since_ms : 0;
    uint64_t counter = (e->id_last & ID_COUNTER_MAX) + 1;
    uint64_t id = last_ms << ID_MS_SHIFT | (uint64_t)e->node << ID_NODE_SHIFT | counter;
    if (ms > last_ms || counter > ID_COUNTER_MAX || id <= e->id_last) {
        /* A clock that went back, a busy millisecond or another node's last id: the millisecond after is ours. */
        ms = ms > last_ms ? ms : last_ms + 1;
        counter = random_stream_u64(&e->secret) & ID_COUNTER_START_MASK;
        id = ms << ID_MS_SHIFT | (uint64_t)e->node << ID_NODE_SHIFT | counter;
    }
    assert(id > e->id_last && id <= INT64_MAX);
    e->id_last = id;
    return id;
}
