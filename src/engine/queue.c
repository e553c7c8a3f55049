#include "engine/queue.h"

#include <assert.h>

#include "base/arena.h"

enum { HOME_BUCKETS_MIN = 256, HOME_LIMIT_UNKNOWN = 1 };

/* 2020-01-01T00:00:00Z: ids count milliseconds from here in their high bits (border/model.h). */
#define ID_EPOCH_US (INT64_C(1577836800) * US_PER_SECOND)

/* The longest interval in each queue: who has been in line for that long after its time is looked at anyway. */
static const int64_t PATIENCE_REMOTE_US = 15 * US_PER_MINUTE;
static const int64_t PATIENCE_RETRY_US = 60 * US_PER_MINUTE;

/* ---- lines: doubly linked through the stubs ---- */

static void line_push(struct queue *q, struct stub_line *line, uint32_t index, bool front)
{
    struct stub *s = queue_stub(q, index);
    assert(s->next == 0 && s->prev == 0);
    if (front) {
        s->next = line->first;
        if (line->first)
            queue_stub(q, line->first)->prev = index;
        line->first = index;
        if (!line->last)
            line->last = index;
    } else {
        s->prev = line->last;
        if (line->last)
            queue_stub(q, line->last)->next = index;
        line->last = index;
        if (!line->first)
            line->first = index;
    }
    line->count++;
}

static void line_remove(struct queue *q, struct stub_line *line, uint32_t index)
{
    struct stub *s = queue_stub(q, index);
    assert(line->count > 0);
    if (s->prev)
        queue_stub(q, s->prev)->next = s->next;
    else
        line->first = s->next;
    if (s->next)
        queue_stub(q, s->next)->prev = s->prev;
    else
        line->last = s->prev;
    s->next = s->prev = 0;
    line->count--;
}

/* ---- homes ---- */

static struct queue_home *home_at(const struct queue *q, uint32_t home)
{
    assert(home > 0 && home < q->home_used);
    return &q->home_chunks[home / QUEUE_HOME_CHUNK][home % QUEUE_HOME_CHUNK];
}

static uint32_t *home_bucket(const struct queue *q, uint32_t key)
{
    return &q->home_buckets[(key * UINT32_C(0x9e3779b1)) >> 8 & q->home_bucket_mask];
}

static uint32_t home_find(const struct queue *q, uint32_t key)
{
    if (!q->home_buckets)
        return 0;
    uint32_t home = *home_bucket(q, key);
    while (home && home_at(q, home)->key != key)
        home = home_at(q, home)->key_next;
    return home;
}

static void home_buckets_grow(struct queue *q)
{
    uint32_t count = q->home_buckets ? (q->home_bucket_mask + 1) * 2 : HOME_BUCKETS_MIN;
    mem_free(q->home_buckets);
    q->home_buckets = mem_alloc(count * sizeof(uint32_t));
    q->home_bucket_mask = count - 1;
    for (uint32_t i = 1; i < q->home_used; i++) {
        struct queue_home *h = home_at(q, i);
        if (!h->used)
            continue;
        uint32_t *bucket = home_bucket(q, h->key);
        h->key_next = *bucket;
        *bucket = i;
    }
}

static uint32_t home_get(struct queue *q, uint32_t key)
{
    uint32_t home = home_find(q, key);
    if (home)
        return home;
    if (!q->home_buckets || q->home_count > q->home_bucket_mask)
        home_buckets_grow(q);
    if (q->home_free) {
        home = q->home_free;
        q->home_free = home_at(q, home)->key_next;
    } else {
        if (q->home_used / QUEUE_HOME_CHUNK >= q->home_chunk_count) {
            q->home_chunks = mem_realloc(q->home_chunks, q->home_chunk_count + 1, sizeof(*q->home_chunks));
            q->home_chunks[q->home_chunk_count++] = mem_alloc(QUEUE_HOME_CHUNK * sizeof(struct queue_home));
        }
        home = q->home_used++;
    }
    struct queue_home *h = home_at(q, home);
    *h = (struct queue_home){ .key = key, .limit = HOME_LIMIT_UNKNOWN, .used = true };
    uint32_t *bucket = home_bucket(q, key);
    h->key_next = *bucket;
    *bucket = home;
    q->home_count++;
    return home;
}

static void home_free_if_empty(struct queue *q, uint32_t home)
{
    struct queue_home *h = home_at(q, home);
    assert(h->used);
    if (h->pinned || h->in_ring || h->loading || h->waiting.count || h->ready.count)
        return;
    for (uint32_t i = 0; i < q->wake_count; i++)
        if (q->wakes[i].home == home)
            q->wakes[i--] = q->wakes[--q->wake_count];
    uint32_t *link = home_bucket(q, h->key);
    while (*link != home)
        link = &home_at(q, *link)->key_next;
    *link = h->key_next;
    *h = (struct queue_home){ .key_next = q->home_free };
    q->home_free = home;
    q->home_count--;
}

static bool home_runnable(const struct queue_home *h)
{
    return h->ready.count > 0 && h->loading < h->limit;
}

static void home_update(struct queue *q, uint32_t home)
{
    struct queue_home *h = home_at(q, home);
    assert(h->used);
    if (h->in_ring || !home_runnable(h))
        return;
    h->in_ring = true;
    h->run_next = 0;
    if (q->ring_last)
        home_at(q, q->ring_last)->run_next = home;
    else
        q->ring_first = home;
    q->ring_last = home;
}

/* Takes the first home out of the ring, dropping those whose room or work has gone since they entered it. */
static uint32_t ring_take(struct queue *q)
{
    while (q->ring_first) {
        uint32_t home = q->ring_first;
        struct queue_home *h = home_at(q, home);
        q->ring_first = h->run_next;
        if (!q->ring_first)
            q->ring_last = 0;
        h->run_next = 0;
        h->in_ring = false;
        if (home_runnable(h))
            return home;
        home_free_if_empty(q, home);
    }
    return 0;
}

/* ---- states ---- */

static uint32_t home_key_of(const struct queue *q, const struct stub *s)
{
    if (s->crashed)
        return HOME_CRASHED;
    if (s->domain == HOME_SORTING)
        return HOME_SORTING;
    for (size_t i = 0; i < q->routing.local_domain_count; i++)
        if (q->local_domains[i] == s->domain)
            return HOME_LOCAL;
    return q->routing.smarthost ? q->routing.smarthost_key : s->domain;
}

/* When a message that is in line for now is looked at without a slot. Its id tells when it was received. */
static int64_t patience_end_us(const struct queue *q, struct now now, const struct stub *s)
{
    int64_t received_us = (int64_t)(s->id >> 22) * US_PER_MS + ID_EPOCH_US;
    bool retry = s->queue == QUEUE_RETRY;
    int64_t end_us = received_us + (retry ? q->routing.give_up_us : q->routing.remote_us);
    int64_t least_us = now.wall_us + (retry ? PATIENCE_RETRY_US : PATIENCE_REMOTE_US);
    return end_us > least_us ? end_us : least_us;
}

static void set_kind(struct queue *q, struct stub *s, enum queue_kind kind)
{
    assert(q->counts[s->queue] > 0);
    q->counts[s->queue]--;
    s->queue = (uint8_t)kind;
    q->counts[kind]++;
}

static void enter_ready(struct queue *q, struct now now, uint32_t index, uint32_t home, bool front)
{
    struct stub *s = queue_stub(q, index);
    s->state = STUB_READY;
    s->home = home;
    line_push(q, &home_at(q, home)->ready, index, front);
    stub_set_wake(&q->stubs, index, patience_end_us(q, now, s));
    home_update(q, home);
}

static void enter_waiting(struct queue *q, uint32_t index, uint32_t home, int64_t due_us)
{
    struct stub *s = queue_stub(q, index);
    s->state = STUB_WAITING;
    s->home = home;
    line_push(q, &home_at(q, home)->waiting, index, true);
    stub_set_wake(&q->stubs, index, due_us);
}

static void enter_aside(struct queue *q, uint32_t index, int64_t end_us)
{
    struct stub *s = queue_stub(q, index);
    s->state = STUB_SET_ASIDE;
    s->home = 0;
    line_push(q, &q->aside, index, false);
    stub_set_wake(&q->stubs, index, end_us);
}

/* Out of whichever list it is in; the caller gives it its next state. */
static void leave(struct queue *q, uint32_t index)
{
    struct stub *s = queue_stub(q, index);
    uint32_t home = s->home;
    switch ((enum stub_state)s->state) {
    case STUB_WAITING:
        line_remove(q, &home_at(q, home)->waiting, index);
        break;
    case STUB_READY:
        line_remove(q, s->overdue ? &q->overdue : &home_at(q, home)->ready, index);
        break;
    case STUB_SET_ASIDE:
        line_remove(q, s->overdue ? &q->overdue : &q->aside, index);
        break;
    case STUB_TAKEN:
        queue_arrived(q, index);
        home = 0;
        break;
    case STUB_FREE:
        assert(!"a free stub is in no list");
    }
    s->state = STUB_TAKEN;
    s->home = 0;
    s->overdue = 0;
    if (home)
        home_free_if_empty(q, home);
}

void queue_init(struct queue *q)
{
    *q = (struct queue){ .home_used = 1 };
    stub_table_init(&q->stubs);
}

void queue_done(struct queue *q)
{
    stub_table_done(&q->stubs);
    for (uint32_t i = 0; i < q->home_chunk_count; i++)
        mem_free(q->home_chunks[i]);
    mem_free(q->home_chunks);
    mem_free(q->home_buckets);
    mem_free(q->local_domains);
}

size_t queue_bytes(const struct queue *q)
{
    size_t bytes = stub_table_bytes(&q->stubs);
    bytes += (size_t)q->home_chunk_count * (QUEUE_HOME_CHUNK * sizeof(struct queue_home) + sizeof(void *));
    if (q->home_buckets)
        bytes += ((size_t)q->home_bucket_mask + 1) * sizeof(uint32_t);
    return bytes;
}

/* FNV-1a over the name in lower case. In the store since the first version: it must not change. */
uint32_t queue_hash(struct slice name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = (uint8_t)name.data[i];
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c + ('a' - 'A'));
        hash = (hash ^ c) * UINT32_C(16777619);
    }
    return hash < HOME_HASH_MIN ? hash + HOME_HASH_MIN : hash;
}

void queue_set_routing(struct queue *q, struct now now, const struct queue_routing *routing)
{
    mem_free(q->local_domains);
    q->routing = *routing;
    q->routing.local_domains = NULL;
    q->local_domains = mem_alloc((routing->local_domain_count + 1) * sizeof(uint32_t));
    for (size_t i = 0; i < routing->local_domain_count; i++)
        q->local_domains[i] = routing->local_domains[i];
    for (uint32_t i = 1; i < q->stubs.used; i++) {
        struct stub *s = queue_stub(q, i);
        bool waiting = s->state == STUB_WAITING;
        if (!waiting && (s->state != STUB_READY || s->overdue))
            continue;
        uint32_t key = home_key_of(q, s);
        if (home_at(q, s->home)->key == key)
            continue;
        int64_t wake_us = s->wake_us;
        leave(q, i);
        if (waiting)
            enter_waiting(q, i, home_get(q, key), wake_us);
        else
            enter_ready(q, now, i, home_get(q, key), false);
    }
}

/* ---- adding, removing ---- */

static bool doubt_take(struct queue *q, uint64_t id, bool *ret_dot_sent)
{
    uint32_t low = 0, high = q->doubt_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (q->doubts[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == q->doubt_count || q->doubts[low].id != id)
        return false;
    *ret_dot_sent = q->doubts[low].dot_sent;
    q->doubt_count--;
    memmove(&q->doubts[low], &q->doubts[low + 1], (q->doubt_count - low) * sizeof(q->doubts[0]));
    return true;
}

uint32_t queue_add(struct queue *q, struct now now, const struct store_stub *stub)
{
    uint32_t index = stub_find(&q->stubs, stub->id);
    if (index)
        return index;
    assert(stub->body.big_id == 0 || stub->body.big_id == stub->id);
    index = stub_add(&q->stubs, stub->id);
    struct stub *s = queue_stub(q, index);
    s->body_big = stub->body.big_id != 0;
    s->body_size = stub->body.size;
    s->domain = stub->destination;
    s->queue = (uint8_t)stub->queue;
    q->counts[s->queue]++;
    queue_set_refs(q, index, stub->envelope, stub->body);
    bool dot_sent;
    if (doubt_take(q, stub->id, &dot_sent)) {
        s->crashed = 1;
        s->doubted = dot_sent;
    }
    if (stub->queue == QUEUE_HOLDING || stub->queue == QUEUE_BAD)
        enter_aside(q, index, stub->queue == QUEUE_BAD ? stub->due_us : INT64_MAX);
    else if (stub->due_us <= now.wall_us)
        enter_ready(q, now, index, home_get(q, home_key_of(q, s)), false);
    else
        enter_waiting(q, index, home_get(q, home_key_of(q, s)), stub->due_us);
    return index;
}

void queue_remove(struct queue *q, uint32_t index)
{
    leave(q, index);
    struct stub *s = queue_stub(q, index);
    assert(q->counts[s->queue] > 0 && !s->message);
    q->counts[s->queue]--;
    stub_remove(&q->stubs, index);
}

void queue_set_refs(struct queue *q, uint32_t index, struct record_ref envelope, struct body_ref body)
{
    struct stub *s = queue_stub(q, index);
    s->envelope = envelope;
    s->body_segment = body.segment;
    s->body_offset = body.offset;
}

struct body_ref queue_body_ref(const struct stub *s)
{
    return (struct body_ref){ .segment = s->body_segment, .offset = s->body_offset, .size = s->body_size,
                              .big_id = s->body_big ? s->id : 0 };
}

void queue_note_crashed(struct queue *q, struct now now, uint64_t id, bool dot_sent)
{
    uint32_t index = stub_find(&q->stubs, id);
    if (!index) {
        assert(q->doubt_count < INFLIGHT_SLOTS);
        uint32_t place = q->doubt_count++;
        for (; place > 0 && q->doubts[place - 1].id > id; place--)
            q->doubts[place] = q->doubts[place - 1];
        q->doubts[place] = (struct queue_doubt){ .id = id, .dot_sent = dot_sent };
        return;
    }
    struct stub *s = queue_stub(q, index);
    s->crashed = 1;
    s->doubted = dot_sent;
    if (s->state != STUB_WAITING && s->state != STUB_READY)
        return;
    leave(q, index);
    enter_ready(q, now, index, home_get(q, HOME_CRASHED), false);
}

/* ---- time ---- */

static void come_due(struct queue *q, struct now now, uint32_t index)
{
    struct stub *s = queue_stub(q, index);
    if (s->state == STUB_WAITING) {
        uint32_t home = s->home;
        line_remove(q, &home_at(q, home)->waiting, index);
        enter_ready(q, now, index, home, false);
        return;
    }
    assert(s->state == STUB_READY || s->state == STUB_SET_ASIDE);
    assert(!s->overdue);
    uint32_t home = s->home;
    line_remove(q, home ? &home_at(q, home)->ready : &q->aside, index);
    s->home = 0;
    if (home)
        home_free_if_empty(q, home);
    s->overdue = 1;
    line_push(q, &q->overdue, index, false);
    stub_set_wake(&q->stubs, index, INT64_MAX);
}

static bool woken_by(const struct stub *s, uint64_t rules)
{
    return s->rule == 0 || rules & QUEUE_RULE(s->rule) || (!s->verdict && rules & QUEUE_NO_VERDICT);
}

/* Looks at a slice of a home's waiting list, from its end; what is put there meanwhile goes to its front. */
static uint32_t wake_slice(struct queue *q, struct now now, struct queue_wake *wake, uint32_t count)
{
    struct queue_home *h = home_at(q, wake->home);
    for (; count > 0 && wake->left > 0 && h->waiting.last; count--, wake->left--) {
        uint32_t index = h->waiting.last;
        struct stub *s = queue_stub(q, index);
        line_remove(q, &h->waiting, index);
        if (woken_by(s, wake->rules))
            enter_ready(q, now, index, wake->home, false);
        else
            line_push(q, &h->waiting, index, true);
    }
    if (!h->waiting.last)
        wake->left = 0;
    return count;
}

static void sweep_slice(struct queue *q, struct now now, uint32_t count)
{
    for (; count > 0 && q->sweep_next; count--) {
        if (q->sweep_next >= q->stubs.used) {
            q->sweep_next = 0;
            return;
        }
        uint32_t index = q->sweep_next++;
        struct stub *s = queue_stub(q, index);
        if (s->state == STUB_TAKEN)
            s->woken = 1; /* its attempt began by what has been changed: looked at when it comes back */
        if (s->state != STUB_WAITING || !woken_by(s, q->sweep_rules))
            continue;
        uint32_t home = s->home;
        line_remove(q, &home_at(q, home)->waiting, index);
        enter_ready(q, now, index, home, false);
    }
}

void queue_tick(struct queue *q, struct now now)
{
    for (uint32_t i = 0; i < QUEUE_TICK_MAX; i++) {
        uint32_t index = stub_first(&q->stubs);
        if (!index || queue_stub(q, index)->wake_us > now.wall_us)
            break;
        come_due(q, now, index);
    }
    uint32_t count = QUEUE_WAKE_SLICE;
    while (q->wake_count > 0 && count > 0) {
        struct queue_wake *wake = &q->wakes[q->wake_count - 1];
        count = wake_slice(q, now, wake, count);
        if (wake->left == 0) {
            uint32_t home = wake->home;
            q->wake_count--;
            home_free_if_empty(q, home);
        }
    }
    sweep_slice(q, now, count);
}

int64_t queue_wake_us(const struct queue *q)
{
    if (q->wake_count > 0 || q->sweep_next)
        return INT64_MIN;
    uint32_t index = stub_first(&q->stubs);
    return index ? queue_stub(q, index)->wake_us : INT64_MAX;
}

/* ---- handing out ---- */

bool queue_has_next(const struct queue *q)
{
    return q->overdue.first || q->ring_first;
}

uint32_t queue_next(struct queue *q)
{
    uint32_t index = q->overdue.first;
    if (index) {
        line_remove(q, &q->overdue, index);
        queue_stub(q, index)->state = STUB_TAKEN;
        queue_stub(q, index)->home = 0;
        return index;
    }
    uint32_t home = ring_take(q);
    if (!home)
        return 0;
    struct queue_home *h = home_at(q, home);
    index = h->ready.first;
    line_remove(q, &h->ready, index);
    h->loading++;
    queue_stub(q, index)->state = STUB_TAKEN;
    stub_set_wake(&q->stubs, index, INT64_MAX);
    home_update(q, home);
    return index;
}

void queue_arrived(struct queue *q, uint32_t index)
{
    struct stub *s = queue_stub(q, index);
    assert(s->state == STUB_TAKEN);
    if (!s->home)
        return;
    uint32_t home = s->home;
    s->home = 0;
    assert(home_at(q, home)->loading > 0);
    home_at(q, home)->loading--;
    home_update(q, home);
    home_free_if_empty(q, home);
}

bool queue_take(struct queue *q, uint32_t index)
{
    if (queue_stub(q, index)->state == STUB_TAKEN)
        return false;
    leave(q, index);
    stub_set_wake(&q->stubs, index, INT64_MAX);
    return true;
}

void queue_put_waiting(struct queue *q, struct now now, uint32_t index, enum queue_kind kind, int64_t due_us)
{
    leave(q, index);
    struct stub *s = queue_stub(q, index);
    set_kind(q, s, kind);
    bool woken = s->woken && woken_by(s, q->sweep_rules);
    s->woken = 0;
    uint32_t home = home_get(q, home_key_of(q, s));
    if (woken || due_us <= now.wall_us)
        enter_ready(q, now, index, home, false);
    else
        enter_waiting(q, index, home, due_us);
}

void queue_put_ready(struct queue *q, struct now now, uint32_t index, enum queue_kind kind, uint32_t home_key, bool front)
{
    leave(q, index);
    set_kind(q, queue_stub(q, index), kind);
    queue_stub(q, index)->woken = 0;
    enter_ready(q, now, index, home_get(q, home_key), front);
}

void queue_put_aside(struct queue *q, uint32_t index, enum queue_kind kind, int64_t end_us)
{
    leave(q, index);
    set_kind(q, queue_stub(q, index), kind);
    queue_stub(q, index)->woken = 0;
    enter_aside(q, index, end_us);
}

/* ---- what destinations say ---- */

void queue_home_pin(struct queue *q, uint32_t key, uint32_t limit)
{
    uint32_t home = home_get(q, key);
    assert(!home_at(q, home)->pinned);
    home_at(q, home)->pinned = true;
    home_at(q, home)->limit = limit;
    home_update(q, home);
}

bool queue_home_pinned(const struct queue *q, uint32_t key)
{
    uint32_t home = home_find(q, key);
    return home && home_at(q, home)->pinned;
}

void queue_home_limit(struct queue *q, uint32_t key, uint32_t limit)
{
    uint32_t home = home_find(q, key);
    assert(home && home_at(q, home)->pinned);
    home_at(q, home)->limit = limit;
    home_update(q, home);
}

void queue_home_unpin(struct queue *q, uint32_t key)
{
    uint32_t home = home_find(q, key);
    assert(home && home_at(q, home)->pinned);
    home_at(q, home)->pinned = false;
    home_at(q, home)->limit = HOME_LIMIT_UNKNOWN;
    home_update(q, home);
    home_free_if_empty(q, home);
}

uint32_t queue_home_ready(const struct queue *q, uint32_t key)
{
    uint32_t home = home_find(q, key);
    return home ? home_at(q, home)->ready.count : 0;
}

uint32_t queue_home_waiting(const struct queue *q, uint32_t key)
{
    uint32_t home = home_find(q, key);
    return home ? home_at(q, home)->waiting.count : 0;
}

void queue_home_wake(struct queue *q, uint32_t key, uint64_t rules)
{
    uint32_t home = home_find(q, key);
    if (!home || !home_at(q, home)->waiting.count)
        return;
    struct queue_wake wake = { .home = home, .left = home_at(q, home)->waiting.count, .rules = rules };
    for (uint32_t i = 0; i < q->wake_count; i++) {
        if (q->wakes[i].home == home) {
            wake.rules |= q->wakes[i].rules;
            q->wakes[i] = wake;
            return;
        }
    }
    /* With that many homes coming back at once one sweep over everything is the cheaper way, and wakes too many only. */
    if (q->wake_count == QUEUE_WAKES_MAX)
        queue_wake_all(q, rules);
    else
        q->wakes[q->wake_count++] = wake;
}

bool queue_home_wake_one(struct queue *q, struct now now, uint32_t key)
{
    uint32_t home = home_find(q, key);
    if (!home || !home_at(q, home)->waiting.last)
        return false;
    uint32_t index = home_at(q, home)->waiting.last;
    line_remove(q, &home_at(q, home)->waiting, index);
    enter_ready(q, now, index, home, false);
    return true;
}

void queue_wake_all(struct queue *q, uint64_t rules)
{
    q->sweep_rules = q->sweep_next ? q->sweep_rules | rules : rules;
    q->sweep_next = 1;
}
