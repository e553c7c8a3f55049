/* The frame's events that concern no machine of their own, and what ties the modules together. */
#include "engine/engine.h"

#include <assert.h>

#include "base/arena.h"
#include "engine/alert.h"
#include "engine/attempt.h"
#include "engine/commit.h"
#include "engine/intake.h"
#include "engine/lookup.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/session.h"
#include "engine/settle.h"

/* What other resolvers may answer otherwise. */
#define DNS_RULES                                                                                                      \
    (QUEUE_RULE(1) | QUEUE_RULE(2) | QUEUE_RULE(3) | QUEUE_RULE(4) | QUEUE_RULE(5) | QUEUE_RULE(6) | QUEUE_RULE(7) |   \
     QUEUE_RULE(8) | QUEUE_RULE(9) | QUEUE_RULE(35))

/* ---- the pump: the queue hands out what is due when everybody else has had his say ---- */

struct pump {
    struct machine machine;
    struct queue queue;
};

static struct pump *pump_of(const struct engine *e)
{
    return LIST_OWNER(e->queue, struct pump, queue);
}

static void pump_feed(struct engine *e, struct machine *m, const struct event *event)
{
    (void)e;
    (void)m;
    (void)event;
}

static bool pump_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    (void)m;
    (void)ret_op;
    queue_tick(e->queue, e->now);
    attempts_pump(e);
    return false;
}

static int64_t pump_deadline_us(const struct engine *e, const struct machine *m)
{
    (void)m;
    if (e->stopping)
        return DEADLINE_NEVER;
    if (attempts_wanted(e))
        return e->now.monotonic_us;
    int64_t wake_us = queue_wake_us(e->queue);
    return wake_us == INT64_MAX ? DEADLINE_NEVER : e->now.monotonic_us + wake_us - e->now.wall_us;
}

static void pump_free(struct engine *e, struct machine *m)
{
    struct pump *pump = LIST_OWNER(m, struct pump, machine);
    queue_done(&pump->queue);
    mem_free(pump);
    e->queue = NULL;
}

static const struct machine_kind PUMP_KIND = {
    .name = "pump", .may_sleep = true, .late = true, .feed = pump_feed, .next = pump_next,
    .deadline_us = pump_deadline_us, .free = pump_free,
};

static void pump_init(struct engine *e)
{
    struct pump *pump = mem_alloc(sizeof(*pump));
    queue_init(&pump->queue);
    e->queue = &pump->queue;
    machine_add(e, &pump->machine, &PUMP_KIND);
}

/* ---- what modules hand up ---- */

static void queued(struct engine *e, struct message *m)
{
    const struct store_stub stub = {
        .id = m->envelope.id, .due_us = envelope_due_us(&m->envelope), .queue = m->envelope.queue,
        .destination = m->destination, .envelope = m->record, .body = m->body,
    };
    m->stub = queue_add(e->queue, e->now, &stub);
    if (m->body_whole && message_body_may_stay(e))
        queue_stub(e->queue, m->stub)->message = m;
    else
        message_free(e, m);
    machine_wake(e, &pump_of(e)->machine);
}

static void notice_committed(struct engine *e, struct commit_group *group, enum store_status status)
{
    for (uint32_t i = 0; i < group->item_count; i++) {
        if (status == STORE_OK)
            queued(e, group->items[i].message);
        else
            message_free(e, group->items[i].message);
    }
}

static const struct engine_calls CALLS = {
    .queued = queued,
    .transaction_result = attempt_transaction_result,
    .transaction_end = attempt_transaction_end,
    .ordered = request_ordered,
};

static const struct commit_owner_calls COMMIT_CALLS[COMMIT_OWNER_COUNT] = {
    [COMMIT_INTAKE] = { intake_committed },
    [COMMIT_SETTLE] = { settle_committed },
    [COMMIT_EARLY] = { settle_early_committed },
    [COMMIT_NOTICE] = { notice_committed },
    [COMMIT_CONTROL] = { settle_committed },
};

/* ---- life ---- */

static void phrases_set(struct engine *e, struct slice text)
{
    arena_done(&e->phrases_arena);
    refusal_phrases_parse(text, &e->phrases_arena, &e->phrases);
}

struct engine *engine_new(struct now now, const struct engine_options *options)
{
    struct engine *e = mem_alloc(sizeof(*e));
    core_init(e, now, options);
    e->calls = &CALLS;
    arena_init(&e->phrases_arena);
    phrases_set(e, options->refusal_phrases);
    messages_init(e);
    pump_init(e);
    destinations_init(e);
    lookups_init(e);
    alerts_init(e);
    commit_init(e, COMMIT_CALLS);
    intakes_init(e);
    sessions_init(e);
    settles_init(e);
    attempts_init(e);
    requests_init(e);
    attempts_configure(e);
    return e;
}

/* Machines are freed by the core in the order in which they were made; what they give back on the way (connections counted at
 * a destination, groups, messages) must still be there, so the modules whose machines come and go are ended first. */
void engine_free(struct engine *e)
{
    if (!e)
        return;
    requests_done(e);
    intakes_done(e);
    attempts_done(e);
    sessions_done(e);
    assert(destinations_quiet(e));
    settles_done(e);
    commit_done(e);
    for (uint32_t i = 1; i < e->queue->stubs.used; i++) {
        struct stub *stub = queue_stub(e->queue, i);
        if (stub->state != STUB_FREE && stub->state != STUB_TAKEN) /* a taken one's message was its attempt's, settle's or group's */
            message_free(e, stub->message);
    }
    core_done(e);
    messages_done(e);
    arena_done(&e->phrases_arena);
    mem_free(e);
}

struct handle engine_accept(struct engine *e, struct now now, const struct engine_accept *accept)
{
    assert(now.monotonic_us >= e->now.monotonic_us);
    e->now = now;
    return intake_accept(e, accept);
}

/* ---- events ---- */

static void feed_tick(struct engine *e, const struct event *event)
{
    (void)event;
    core_tick(e);
}

static void feed_stubs(struct engine *e, const struct event *event)
{
    for (uint32_t i = 0; i < event->stubs.count; i++)
        queue_add(e->queue, e->now, &event->stubs.stubs[i]);
    if (!event->stubs.last)
        return;
    e->queue->loaded = true;
    trace(e, &(struct trace_event){ .kind = TRACE_STARTED, .count = e->queue->stubs.count,
                                    .reason = SLICE("the queue is read in") });
}

static void feed_inflight(struct engine *e, const struct event *event)
{
    queue_note_crashed(e->queue, e->now, event->inflight.id, event->inflight.dot_sent);
}

static void feed_moved(struct engine *e, const struct event *event)
{
    for (uint32_t i = 0; i < event->moved.count; i++) {
        const struct store_move *move = &event->moved.moves[i];
        uint32_t index = queue_find(e->queue, move->id);
        if (!index)
            continue;
        queue_set_refs(e->queue, index, move->envelope, move->body);
        struct message *m = queue_stub(e->queue, index)->message;
        if (m) {
            m->record = move->envelope;
            m->body = move->body;
        }
    }
}

/* Of no rule, with a text that has no places. */
static void plain_alert(struct engine *e, bool raised, struct slice subject, enum text_id text, enum text_id remedy)
{
    const struct alert_question question = { .subject = subject, .text = text, .remedy = remedy };
    if (raised)
        alert_raise(e, &question);
    else
        alert_clear(e, RULE_NONE, subject);
}

static void feed_store_state(struct engine *e, const struct event *event)
{
    struct store_state before = e->store;
    e->store = event->store_state;
    plain_alert(e, e->store.full, SLICE("disk full"), TEXT_ALERT_DISK_FULL, TEXT_ALERT_DISK_FULL_REMEDY);
    plain_alert(e, e->store.failed, SLICE("disk failed"), TEXT_ALERT_DISK_FAILED, TEXT_ALERT_DISK_FAILED_REMEDY);
    if (e->store.quarantined != before.quarantined) {
        trace(e, &(struct trace_event){ .kind = TRACE_QUARANTINED, .id = e->store.quarantined_last_id,
                                        .reason = SLICE("damaged on the disk, set aside") });
        plain_alert(e, true, SLICE("damaged"), TEXT_ALERT_DAMAGED, TEXT_ALERT_DAMAGED_REMEDY);
    }
    if (e->store.accepting == before.accepting)
        return;
    trace(e, &(struct trace_event){ .kind = TRACE_STORE_STATE, .size_bytes = e->store.free_bytes,
                                    .status = e->store.accepting ? SLICE("accepting") : SLICE("refusing"),
                                    .reason = e->store.failed ? SLICE("a write or sync failed")
                                              : e->store.full ? SLICE("below MinFree")
                                                              : SLICE("room again") });
}

void engine_dnssec(struct engine *e, bool available)
{
    plain_alert(e, !available, SLICE("dnssec"), TEXT_ALERT_DNSSEC_OFF, TEXT_ALERT_DNSSEC_OFF_REMEDY);
}

static bool place_changed(const struct config_server_place *a, const struct config_server_place *b)
{
    return !slice_equal(a->written, b->written);
}

/* A46: mail that was stopped by what has been changed goes at once. */
static bool delivery_changed(const struct config *a, const struct config *b)
{
    return a->delivery.mode != b->delivery.mode || place_changed(&a->delivery.smarthost, &b->delivery.smarthost) ||
           a->delivery.smarthost_auth != b->delivery.smarthost_auth ||
           !slice_equal(a->delivery.smarthost_user, b->delivery.smarthost_user) ||
           !slice_equal(a->delivery.smarthost_password, b->delivery.smarthost_password) ||
           a->delivery.smarthost_tls != b->delivery.smarthost_tls ||
           a->delivery.smarthost_verify_certificate != b->delivery.smarthost_verify_certificate ||
           a->delivery.allow_plaintext_auth != b->delivery.allow_plaintext_auth ||
           a->delivery.per_account_auth != b->delivery.per_account_auth ||
           a->delivery.per_account_by_address != b->delivery.per_account_by_address ||
           !slice_equal(a->tls.ca_file, b->tls.ca_file);
}

/* Logins that accounts have at the smart host. */
static bool logins_changed(const struct accounts *a, const struct accounts *b)
{
    if (a->count != b->count)
        return true;
    for (size_t i = 0; i < a->count; i++)
        if (!slice_equal(a->items[i].smarthost_user, b->items[i].smarthost_user) ||
            !slice_equal(a->items[i].smarthost_password, b->items[i].smarthost_password))
            return true;
    return false;
}

void engine_mended(struct engine *e)
{
    destination_forget(e, NULL);
    lookups_forget_failures(e);
    queue_wake_all(e->queue, QUEUE_RULES_MENDED);
}

static void feed_config(struct engine *e, const struct event *event)
{
    bool mended = delivery_changed(e->config, event->config.config) ||
                  (e->accounts != event->config.accounts && logins_changed(e->accounts, event->config.accounts));
    bool resolvers = !config_resolvers_equal(e->config, event->config.config);
    e->config = event->config.config;
    e->accounts = event->config.accounts;
    phrases_set(e, event->config.refusal_phrases);
    sessions_configure(e);
    intakes_configure(e);
    attempts_configure(e);
    if (mended)
        engine_mended(e);
    if (resolvers) {
        destination_forget(e, NULL);
        lookups_forget_all(e);
        queue_wake_all(e->queue, mended ? QUEUE_RULES_MENDED | DNS_RULES : DNS_RULES);
    }
    trace(e, &(struct trace_event){ .kind = TRACE_CONFIG, .reason = SLICE("a new configuration is in force") });
}

static void feed_request(struct engine *e, const struct event *event)
{
    request_feed(e, event->request);
}

static void feed_stop(struct engine *e, const struct event *event)
{
    (void)event;
    if (e->stopping)
        return;
    e->stopping = true;
    intakes_stop(e);
    attempts_stop(e);
    sessions_stop(e);
}

/* Events of the whole engine; all others go to the machine of their handle. */
static void (*const FEEDS[])(struct engine *e, const struct event *event) = {
    [EVENT_TICK] = feed_tick,           [EVENT_STUBS] = feed_stubs,   [EVENT_INFLIGHT] = feed_inflight,
    [EVENT_MOVED] = feed_moved,         [EVENT_STORE_STATE] = feed_store_state,
    [EVENT_CONFIG] = feed_config,       [EVENT_REQUEST] = feed_request, [EVENT_STOP] = feed_stop,
};

void engine_feed(struct engine *e, struct now now, const struct event *event)
{
    assert(event->kind > EVENT_NONE && event->kind <= EVENT_STOP);
    if (FEEDS[event->kind]) {
        assert(now.monotonic_us >= e->now.monotonic_us);
        e->now = now;
        FEEDS[event->kind](e, event);
    } else {
        core_feed(e, now, event);
    }
    machine_wake(e, &pump_of(e)->machine);
}

bool engine_next(struct engine *e, struct op *ret_op)
{
    return core_next(e, ret_op);
}

int64_t engine_deadline_us(const struct engine *e)
{
    return core_deadline_us(e);
}

bool engine_stopped(const struct engine *e)
{
    return e->stopping && intakes_open(e) == 0 && sessions_open(e) == 0 && attempts_idle(e) && settles_idle(e) &&
           commit_idle(e);
}

void engine_status(const struct engine *e, struct now now, struct engine_status *ret_status)
{
    *ret_status = (struct engine_status){
        .uptime_us = now.monotonic_us - e->started.monotonic_us, .loaded = e->queue->loaded,
        .sessions_in = intakes_open(e), .sessions_out = sessions_open(e), .attempts = attempts_count(e),
        .body_memory_bytes = messages_body_memory(e), .queue_memory_bytes = queue_bytes(e->queue), .store = e->store,
        .counters = &e->counters,
    };
    memcpy(ret_status->queues, e->queue->counts, sizeof(ret_status->queues));
}
