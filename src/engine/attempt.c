#include <assert.h>

#include "base/arena.h"
#include "engine/attempt_work.h"
#include "engine/inflight.h"
#include "engine/queue.h"
#include "proto/address.h"

/* Nothing of an attempt takes so long without an event; should it, that is traced and looked at again. */
#define GUARD_US US_PER_HOUR
#define LOAD_AGAIN_US US_PER_MINUTE

enum { NAME_SIZE_MAX = DESTINATION_NAME_SIZE_MAX, RELEASES_A_TURN_MAX = 100 };

struct attempts {
    struct list all;
    uint32_t count;
    bool releasing; /* messages that A23b holds are to go on */
};

static const struct machine_kind ATTEMPT_KIND;

static struct attempt *attempt_of(struct machine *m)
{
    return LIST_OWNER(m, struct attempt, machine);
}

struct outcome outcome_keep(struct arena *arena, const struct outcome *o)
{
    struct outcome kept = *o;
    kept.text = arena_copy(arena, o->text);
    kept.host = arena_copy(arena, o->host);
    kept.address = arena_copy(arena, o->address);
    return kept;
}

void attempts_init(struct engine *e)
{
    e->attempts = mem_alloc(sizeof(*e->attempts));
    list_init(&e->attempts->all);
}

uint32_t attempts_count(const struct engine *e)
{
    return e->attempts->count;
}

bool attempts_idle(const struct engine *e)
{
    return e->attempts->count == 0;
}

bool attempts_wanted(const struct engine *e)
{
    return !e->stopping && e->attempts->count < ATTEMPTS_MAX && (e->attempts->releasing || queue_has_next(e->queue));
}

void attempts_release_held(struct engine *e)
{
    e->attempts->releasing = true;
}

/* ---- the beginning ---- */

static struct attempt *attempt_new(struct engine *e, uint32_t index)
{
    struct stub *stub = queue_stub(e->queue, index);
    struct attempt *a = mem_alloc(sizeof(*a));
    a->stub = index;
    a->overdue = stub->overdue;
    a->crashed = stub->crashed;
    a->doubted = stub->doubted;
    a->message = stub->message;
    stub->message = NULL; /* it is the attempt's, then the settle's, until it is put back: one owner at an end in between */
    a->state = a->message ? ATTEMPT_RUNNING : ATTEMPT_LOADING;
    a->guard_us = e->now.monotonic_us + GUARD_US;
    a->early_us = DEADLINE_NEVER;
    list_init(&a->pieces);
    buffer_init(&a->transcript, DSN_TRANSCRIPT_SIZE_MAX);
    list_append(&e->attempts->all, &a->item);
    e->attempts->count++;
    machine_add(e, &a->machine, &ATTEMPT_KIND);
    if (!a->message)
        a->load = handle_new(e, &a->machine);
    return a;
}

bool attempt_order(struct engine *e, uint32_t index, enum settle_order order, struct handle request)
{
    if (!queue_take(e->queue, index))
        return false;
    struct attempt *a = attempt_new(e, index);
    a->ordered = true;
    a->order = order;
    a->request = request;
    return true;
}

/* Held by A23b, as far as it is known: after a restart only the administrator releases. */
static uint32_t held_next(const struct queue *q, uint32_t index)
{
    for (; index; index = queue_stub(q, index)->next) {
        const struct stub *stub = queue_stub(q, index);
        if (stub->queue == QUEUE_HOLDING && stub->rule == rule_number(RULE_A23B))
            return index;
    }
    return 0;
}

static void pump_held(struct engine *e)
{
    uint32_t index = held_next(e->queue, e->queue->aside.first);
    for (uint32_t count = 0; index && count < RELEASES_A_TURN_MAX; count++) {
        uint32_t next = held_next(e->queue, queue_stub(e->queue, index)->next);
        attempt_order(e, index, SETTLE_RELEASE, (struct handle){ 0 });
        index = next;
    }
    e->attempts->releasing = index != 0;
}

void attempts_pump(struct engine *e)
{
    if (e->attempts->releasing && !e->stopping)
        pump_held(e);
    while (attempts_wanted(e)) {
        uint32_t index = queue_next(e->queue);
        if (!index)
            return;
        attempt_new(e, index);
    }
}

/* ---- what is to be tried ---- */

void attempt_credential(const struct engine *e, const struct attempt *a, struct credential *ret_credential)
{
    const struct envelope *v = &a->message->envelope;
    const struct credential_question question = { .account = v->account, .from_network = v->from_network,
                                                  .sender = v->sender, .notice = v->notice };
    credential_choose(e->config, e->accounts, &question, ret_credential);
}

/* The blank in it keeps it apart from every domain. */
void smarthost_name(const struct engine *e, const struct credential *credential, struct buffer *out)
{
    buffer_add(out, e->config->delivery.smarthost.written);
    buffer_add_char(out, ' ');
    credential_name(credential, out);
}

static void destination_name(const struct engine *e, const struct attempt *a, enum part_kind kind, struct slice domain,
                             struct buffer *out)
{
    struct credential credential;
    if (kind == PART_DIRECT) {
        buffer_add(out, domain);
        return;
    }
    attempt_credential(e, a, &credential);
    smarthost_name(e, &credential, out);
}

static struct destination *destination_of(struct engine *e, struct attempt *a, struct part *p)
{
    struct buffer name;
    buffer_init(&name, NAME_SIZE_MAX);
    destination_name(e, a, p->kind, p->domain, &name);
    struct destination *d = destination_get(e, buffer_slice(&name), p->kind != PART_DIRECT);
    buffer_done(&name);
    return d;
}

static void destination_retry(struct engine *e, struct attempt *a, enum part_kind kind, struct slice domain)
{
    struct buffer name;
    buffer_init(&name, NAME_SIZE_MAX);
    destination_name(e, a, kind, domain, &name);
    struct destination *d = destination_find(e, buffer_slice(&name));
    buffer_done(&name);
    if (!d)
        return;
    destination_forget(e, d);
    queue_home_wake(e->queue, d->home_key, QUEUE_RULES_MENDED);
}

static struct part *part_find(struct attempt *a, enum part_kind kind, struct slice domain)
{
    struct part *p = a->parts;
    while (p && (p->kind != kind || (kind == PART_DIRECT && !slice_equal(p->domain, domain))))
        p = p->next;
    return p;
}

static struct part *part_add(struct attempt *a, enum part_kind kind, struct slice domain)
{
    struct message *m = a->message;
    struct part *p = arena_new(&m->arena, struct part);
    p->attempt = a;
    p->kind = kind;
    p->domain = arena_copy(&m->arena, domain);
    lookup_client_init(&p->client, &a->machine);
    struct part **place = &a->parts;
    while (*place)
        place = &(*place)->next;
    *place = p;
    return p;
}

/* Which part a recipient belongs to by the configuration in force. */
static struct part *part_for(struct engine *e, struct attempt *a, const struct recipient *r)
{
    struct address address;
    enum err err = address_parse(r->address, ADDRESS_UTF8, &address);
    struct slice domain = err == ERR_OK ? address_domain(&address) : SLICE_EMPTY;
    enum part_kind kind = PART_DIRECT;
    if (domain.size == 0 || config_is_local_domain(e->config, domain))
        kind = PART_LOCAL; /* the bare postmaster, too */
    else if (e->config->delivery.mode == MODE_SMARTHOST)
        kind = PART_SMARTHOST;
    if (kind != PART_DIRECT)
        domain = SLICE_EMPTY;
    struct part *p = part_find(a, kind, domain);
    return p ? p : part_add(a, kind, domain);
}

/* A46: who orders a retry has mended something. Nothing of what failed on the message's ways is remembered, and what waits for the
 * same next hops goes too. */
static void retry_forgets(struct engine *e, struct attempt *a)
{
    const struct envelope *v = &a->message->envelope;
    enum config_mode mode = e->config->delivery.mode;
    for (uint32_t i = 0; i < v->recipient_count && mode != MODE_SMARTHOST; i++) {
        const struct recipient *r = &v->recipients[i];
        if (r->state == RECIPIENT_WAITING || r->state == RECIPIENT_HELD)
            destination_retry(e, a, PART_DIRECT, slice_after(r->address, slice_find_last(r->address, '@') + 1));
    }
    if (mode != MODE_DIRECT)
        destination_retry(e, a, PART_SMARTHOST, SLICE_EMPTY);
    lookups_forget_failures(e);
}

static bool recipient_due(const struct recipient *r, int64_t until_us)
{
    return r->state == RECIPIENT_WAITING && r->due_us <= until_us;
}

/* Those that are due; where none is, the message was woken before its time, and all that wait are tried. */
static int64_t due_until_us(const struct engine *e, const struct envelope *v)
{
    for (uint32_t i = 0; i < v->recipient_count; i++)
        if (recipient_due(&v->recipients[i], e->now.wall_us))
            return e->now.wall_us;
    return INT64_MAX;
}

static void parts_make(struct engine *e, struct attempt *a)
{
    struct message *m = a->message;
    struct envelope *v = &m->envelope;
    int64_t until_us = due_until_us(e, v);
    for (uint32_t i = 0; i < v->recipient_count; i++)
        if (recipient_due(&v->recipients[i], until_us))
            part_for(e, a, &v->recipients[i])->one_count++;
    for (struct part *p = a->parts; p; p = p->next) {
        p->ones = arena_array(&m->arena, struct one, p->one_count);
        p->one_count = 0;
    }
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        if (!recipient_due(&v->recipients[i], until_us))
            continue;
        struct part *p = part_for(e, a, &v->recipients[i]);
        p->ones[p->one_count++].recipient = i;
    }
}

static enum destination_answer part_ask(struct engine *e, struct attempt *a, struct part *p)
{
    if (p->kind == PART_LOCAL)
        return DESTINATION_GO;
    p->destination = destination_of(e, a, p);
    const struct destination_question question = { .id = a->message->envelope.id,
                                                   .fresh = a->message->envelope.attempts == 0,
                                                   .due_us = envelope_due_us(&a->message->envelope) };
    return destination_ask(e, p->destination, &question);
}

/* Too many hops (A45): nobody is asked, all fail here. */
static bool hops_exceeded(struct engine *e, struct attempt *a)
{
    const struct envelope *v = &a->message->envelope;
    if (v->hops <= e->config->retry.max_hops)
        return false;
    struct outcome hops = { .class = OUTCOME_PERM, .cause = OUTCOME_CAUSE_HOPS, .at_us = e->now.wall_us };
    hops.enhanced = outcome_enhanced_default(&hops);
    for (struct part *p = a->parts; p; p = p->next) {
        for (uint32_t i = 0; i < p->one_count; i++) {
            struct one *one = &p->ones[i];
            one->count = 1;
            one->candidates = arena_array(&a->message->arena, struct verdict_candidate, 1);
            struct outcome *kept = arena_new(&a->message->arena, struct outcome);
            *kept = hops;
            one->candidates[0].outcome = kept;
            one->state = ONE_DECIDED;
            one->verdict = (struct verdict){ .action = VERDICT_BOUNCE, .rule = RULE_A45, .key = CONFIG_RETRY_MAX_HOPS };
        }
        p->state = PART_OVER;
    }
    return true;
}

/* No destination has a turn for any part: back into the line of one of them. */
static void attempt_wait(struct engine *e, struct attempt *a, uint32_t home_key)
{
    struct stub *stub = queue_stub(e->queue, a->stub);
    enum queue_kind kind = (enum queue_kind)stub->queue;
    for (struct part *p = a->parts; p; p = p->next)
        part_done(e, p);
    if (message_body_may_stay(e)) {
        stub->message = a->message;
        a->message->owner = NULL;
    } else {
        stub->message = NULL;
        message_free(e, a->message);
    }
    queue_put_ready(e->queue, e->now, a->stub, kind, home_key, false);
    a->message = NULL;
    a->state = ATTEMPT_OVER;
}

static void attempt_begin(struct engine *e, struct attempt *a)
{
    struct message *m = a->message;
    m->owner = a;
    parts_make(e, a);
    bool any = false;
    uint32_t home_key = 0;
    for (struct part *p = a->parts; p; p = p->next) {
        p->answer = part_ask(e, a, p);
        if (p->answer == DESTINATION_WAIT)
            home_key = p->destination->home_key;
        any = any || p->answer != DESTINATION_WAIT;
    }
    if (a->parts && !any) {
        attempt_wait(e, a, home_key);
        return;
    }
    m->envelope.attempts++;
    if (m->envelope.first_attempt_us == 0)
        m->envelope.first_attempt_us = e->now.wall_us;
    if (hops_exceeded(e, a))
        return;
    inflight_take(e, m);
    for (struct part *p = a->parts; p; p = p->next)
        part_begin(e, p);
    queue_arrived(e->queue, a->stub); /* from here on its destinations count it */
}

/* It stands in the bad queue and was handed out all the same: nothing ends there before its lifetime is over. */
static void attempt_aside(struct engine *e, struct attempt *a)
{
    queue_stub(e->queue, a->stub)->message = NULL;
    queue_put_aside(e->queue, a->stub, QUEUE_BAD, e->now.wall_us + e->config->retry.bad_queue_us);
    message_free(e, a->message);
}

/* What was taken for another reason than being due. */
static bool attempt_special(struct engine *e, struct attempt *a)
{
    struct stub *stub = queue_stub(e->queue, a->stub);
    struct message *m = a->message;
    bool bad = m->envelope.queue == QUEUE_BAD;
    if (a->ordered || a->overdue || bad || (a->crashed && !stub->counted))
        queue_arrived(e->queue, a->stub);
    if (a->ordered && a->order == SETTLE_RETRY)
        retry_forgets(e, a);
    if (a->ordered)
        settle_order(e, m, a->order, a->request);
    else if (a->overdue)
        settle_overdue(e, m);
    else if (bad)
        attempt_aside(e, a);
    else if (a->crashed && !stub->counted)
        settle_crashed(e, m, a->doubted);
    else
        return false;
    a->message = NULL;
    a->state = ATTEMPT_OVER;
    return true;
}

static void attempt_loaded(struct engine *e, struct attempt *a)
{
    a->message->stub = a->stub;
    queue_stub(e->queue, a->stub)->message = a->message;
    a->state = ATTEMPT_RUNNING;
}

static void attempt_not_loaded(struct engine *e, struct attempt *a, const struct event_loaded *loaded)
{
    struct stub *stub = queue_stub(e->queue, a->stub);
    uint64_t id = stub->id;
    enum queue_kind kind = (enum queue_kind)stub->queue;
    queue_arrived(e->queue, a->stub);
    a->state = ATTEMPT_OVER;
    if (handle_is(a->request))
        e->calls->ordered(e, a->request);
    if (loaded->err == ERR_CORRUPT || loaded->err == ERR_NOT_FOUND) {
        trace(e, &(struct trace_event){ .kind = TRACE_QUARANTINED, .id = id, .reason = slice_of(err_name(loaded->err)) });
        queue_remove(e->queue, a->stub);
        return;
    }
    trace(e, &(struct trace_event){ .kind = TRACE_STORE_TROUBLE, .id = id, .count = 1,
                                    .next_us = e->now.wall_us + LOAD_AGAIN_US,
                                    .reason = slice_of(err_name(loaded->err)) });
    /* What stands aside stays there: an order that could not be read for changes nothing. */
    if (kind == QUEUE_HOLDING)
        queue_put_aside(e->queue, a->stub, kind, INT64_MAX);
    else if (kind == QUEUE_BAD)
        queue_put_aside(e->queue, a->stub, kind, e->now.wall_us + (a->overdue ? LOAD_AGAIN_US : e->config->retry.bad_queue_us));
    else
        queue_put_waiting(e->queue, e->now, a->stub, kind, e->now.wall_us + LOAD_AGAIN_US);
}

static void load_feed(struct engine *e, struct attempt *a, const struct event *event)
{
    handle_drop(e, &a->load);
    enum err err = event->loaded.err;
    struct message *m = NULL;
    if (err == ERR_OK) {
        const struct stub *stub = queue_stub(e->queue, a->stub);
        m = message_new_empty(e);
        err = message_decode(m, event->loaded.envelope);
        m->record = stub->envelope;
        m->body = queue_body_ref(stub);
        m->destination = stub->domain;
    }
    if (err == ERR_OK) {
        a->message = m;
        attempt_loaded(e, a);
        return;
    }
    message_free(e, m);
    const struct event_loaded failed = { .id = event->loaded.id, .err = err };
    attempt_not_loaded(e, a, &failed);
}

/* ---- the machine ---- */

static bool parts_over(const struct attempt *a)
{
    for (const struct part *p = a->parts; p; p = p->next)
        if (p->state != PART_OVER)
            return false;
    return true;
}

static void attempt_feed(struct engine *e, struct machine *m, const struct event *event)
{
    struct attempt *a = attempt_of(m);
    if (event->kind == EVENT_LOADED && handle_equal(event->handle, a->load)) {
        load_feed(e, a, event);
        return;
    }
    for (struct part *p = a->parts; p && event->kind == EVENT_MAILDIR; p = p->next) {
        if (handle_is(p->maildir) && handle_equal(event->handle, p->maildir)) {
            part_maildir(e, p, &event->maildir);
            return;
        }
    }
    if (event->kind == EVENT_TICK && e->now.monotonic_us >= a->guard_us)
        trace(e, &(struct trace_event){ .kind = TRACE_STORE_TROUBLE, .id = queue_stub(e->queue, a->stub)->id,
                                        .count = 1, .reason = SLICE("an attempt makes no progress") });
}

static void pieces_granted(struct engine *e, struct attempt *a)
{
    struct list_item *next;
    for (struct list_item *i = list_first(&a->pieces); i; i = next) {
        next = list_next(&a->pieces, i);
        struct piece *piece = LIST_OWNER(i, struct piece, item);
        if (piece->t.wait.granted)
            session_granted(e, &piece->t);
    }
}

static void attempt_run(struct engine *e, struct attempt *a)
{
    if (!a->message->owner && attempt_special(e, a))
        return;
    if (!a->message->owner)
        attempt_begin(e, a);
    if (a->state != ATTEMPT_RUNNING)
        return;
    pieces_granted(e, a);
    for (struct part *p = a->parts; p; p = p->next) {
        if (e->stopping)
            part_stop(e, p);
        part_step(e, p);
    }
    if (!parts_over(a) || !list_empty(&a->pieces)) {
        attempt_settle_early(e, a);
        return;
    }
    struct part *joined = part_join_parked(e, a);
    if (!joined) {
        attempt_finish(e, a);
        return;
    }
    joined->answer = part_ask(e, a, joined);
    part_begin(e, joined);
    machine_wake(e, &a->machine);
}

static bool attempt_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    struct attempt *a = attempt_of(m);
    if (a->state == ATTEMPT_LOADING && !a->load_asked) {
        const struct stub *stub = queue_stub(e->queue, a->stub);
        a->load_asked = true;
        *ret_op = (struct op){ .kind = OP_LOAD, .handle = a->load, .load = { .id = stub->id, .envelope = stub->envelope } };
        return true;
    }
    if (a->state == ATTEMPT_RUNNING) {
        attempt_run(e, a);
        for (struct part *p = a->parts; p && a->state == ATTEMPT_RUNNING; p = p->next)
            if (p->kind == PART_LOCAL && part_local_op(e, p, ret_op))
                return true;
    }
    if (a->state == ATTEMPT_OVER && !a->machine.closed)
        machine_close(e, m);
    return false;
}

static int64_t attempt_deadline_us(const struct engine *e, const struct machine *m)
{
    struct attempt *a = LIST_OWNER((struct machine *)m, struct attempt, machine);
    a->guard_us = e->now.monotonic_us + GUARD_US;
    return a->early_us < a->guard_us ? a->early_us : a->guard_us;
}

static void attempt_free(struct engine *e, struct machine *m)
{
    struct attempt *a = attempt_of(m);
    handle_drop(e, &a->load);
    handle_drop(e, &a->early);
    for (struct part *p = a->message ? a->parts : NULL; p; p = p->next)
        part_done(e, p);
    if (a->message) {
        queue_stub(e->queue, a->stub)->message = NULL;
        message_free(e, a->message);
    }
    buffer_done(&a->transcript);
    list_remove(&e->attempts->all, &a->item);
    e->attempts->count--;
    mem_free(a);
}

static const struct machine_kind ATTEMPT_KIND = {
    .name = "attempt", .feed = attempt_feed, .next = attempt_next, .deadline_us = attempt_deadline_us,
    .free = attempt_free,
};

void attempts_stop(struct engine *e)
{
    for (struct list_item *i = list_first(&e->attempts->all); i; i = list_next(&e->attempts->all, i))
        machine_wake(e, &LIST_OWNER(i, struct attempt, item)->machine);
}

void attempts_done(struct engine *e)
{
    struct list_item *item;
    while ((item = list_first(&e->attempts->all)))
        machine_end(e, &LIST_OWNER(item, struct attempt, item)->machine);
    mem_free(e->attempts);
    e->attempts = NULL;
}

/* ---- session's results ---- */

static struct piece *piece_of(struct transaction *t)
{
    return LIST_OWNER(t, struct piece, t);
}

void attempt_transaction_result(struct engine *e, struct transaction *t, const struct transaction_result *result)
{
    struct piece *piece = piece_of(t);
    assert(result->recipient < piece->count);
    struct message *m = piece->part->attempt->message;
    struct outcome *o = &piece->outcomes[result->recipient];
    *o = outcome_keep(&m->arena, &result->outcome);
    if (o->at_us == 0)
        o->at_us = e->now.wall_us;
    piece->too_many[result->recipient] = result->too_many;
    piece->part->ones[piece->ones[result->recipient]].dsn = result->dsn;
}

void attempt_transaction_end(struct engine *e, struct transaction *t, const struct transaction_end *end)
{
    struct piece *piece = piece_of(t);
    struct attempt *a = piece->part->attempt;
    buffer_add(&a->transcript, slice_part(end->transcript, 0, a->transcript.size_max - a->transcript.size));
    part_piece_over(e, piece, end);
    machine_wake(e, &a->machine);
}

/* ---- configuration ---- */

void attempts_configure(struct engine *e)
{
    const struct config *c = e->config;
    struct buffer name;
    buffer_init(&name, NAME_SIZE_MAX);
    const struct credential_question nobody = { .notice = true };
    struct credential general;
    credential_choose(c, e->accounts, &nobody, &general);
    smarthost_name(e, &general, &name);
    uint32_t *locals = mem_realloc(NULL, c->domains.local_count > 0 ? c->domains.local_count : 1, sizeof(*locals));
    for (size_t i = 0; i < c->domains.local_count; i++)
        locals[i] = queue_hash(c->domains.local[i]);
    struct queue_routing routing = {
        .smarthost = c->delivery.mode == MODE_SMARTHOST,
        .smarthost_key = c->delivery.per_account_auth ? HOME_SORTING : destination_home_key(buffer_slice(&name), true),
        .local_domains = locals, .local_domain_count = c->domains.local_count,
        .remote_us = c->retry.remote_queue_us, .give_up_us = c->retry.give_up_us,
    };
    queue_set_routing(e->queue, e->now, &routing);
    mem_free(locals);
    buffer_done(&name);
    struct destination_limits limits = {
        .connections = c->outbound.max_connections_per_destination,
        .smarthost_connections = c->delivery.smarthost_max_connections,
        .smarthost_per_minute = c->delivery.smarthost_messages_per_minute,
        .memory_us = c->delivery.cache_connection_failures_us,
        .probe_us = c->retry.remote_retry_us < c->retry.retry_us ? c->retry.remote_retry_us : c->retry.retry_us,
        .fallback = c->delivery.mode == MODE_DIRECT_THEN_SMARTHOST,
    };
    destinations_configure(e, &limits);
}
