#include <assert.h>

#include "base/arena.h"
#include "engine/attempt.h"
#include "engine/queue.h"
#include "engine/request_work.h"
#include "proto/address.h"

#define EXPLAIN_LIMIT_US US_PER_MINUTE
#define ORDER_GUARD_US US_PER_HOUR

/* ---- all of them ---- */

void requests_init(struct engine *e)
{
    e->requests = mem_alloc(sizeof(*e->requests));
    list_init(&e->requests->all);
}

void requests_done(struct engine *e)
{
    struct list_item *item;
    while ((item = list_first(&e->requests->all)))
        machine_end(e, &LIST_OWNER(item, struct request, item)->machine);
    mem_free(e->requests);
    e->requests = NULL;
}

void request_add(struct engine *e, struct request *r, uint64_t tag, const struct machine_kind *kind, int64_t limit_us)
{
    r->tag = tag;
    r->limit_us = e->now.monotonic_us + limit_us;
    list_append(&e->requests->all, &r->item);
    e->requests->count++;
    machine_add(e, &r->machine, kind);
}

void request_remove(struct engine *e, struct request *r)
{
    list_remove(&e->requests->all, &r->item);
    e->requests->count--;
}

void request_reply(struct engine *e, uint64_t tag, const struct engine_answer *answer)
{
    struct engine_answer *copy = turn_alloc(e, sizeof(*copy));
    *copy = *answer;
    op_put(e, &(struct op){ .kind = OP_REPLY, .reply = { .tag = tag, .answer = copy } });
}

static int64_t request_deadline_us(const struct engine *e, const struct machine *m)
{
    (void)e;
    return request_of(m)->limit_us;
}

/* ---- orders ---- */

struct order {
    struct request base;
    struct handle handle;
    enum settle_order order;
    uint64_t *ids;
    enum request_order_result *results;
    uint32_t count, begun, under_way;
};

static struct order *order_of(const struct machine *m)
{
    return LIST_OWNER(request_of(m), struct order, base);
}

static void order_begin(struct engine *e, struct order *o)
{
    while (o->begun < o->count && o->under_way < REQUEST_ORDERS_AT_ONCE) {
        uint32_t index = queue_find(e->queue, o->ids[o->begun]);
        enum request_order_result *result = &o->results[o->begun++];
        *result = ORDER_NOT_FOUND;
        if (!index)
            continue;
        bool taken = attempt_order(e, index, o->order, o->handle);
        *result = taken ? ORDER_DONE : ORDER_BUSY;
        o->under_way += taken;
    }
}

static void order_feed(struct engine *e, struct machine *m, const struct event *event)
{
    (void)event;
    struct order *o = order_of(m);
    if (e->now.monotonic_us >= o->base.limit_us)
        o->base.limit_us = e->now.monotonic_us + ORDER_GUARD_US; /* a store in trouble tries again for as long as it takes */
}

static bool order_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    (void)ret_op;
    struct order *o = order_of(m);
    if (m->closed)
        return false;
    order_begin(e, o);
    if (o->begun < o->count || o->under_way > 0)
        return false;
    struct engine_answer answer = { .kind = REQUEST_ORDER };
    size_t size = o->count * sizeof(*o->results);
    enum request_order_result *results = turn_alloc(e, size > 0 ? size : 1);
    memcpy(results, o->results, size);
    answer.order.results = results;
    answer.order.count = o->count;
    request_reply(e, o->base.tag, &answer);
    machine_close(e, m);
    return false;
}

static void order_free(struct engine *e, struct machine *m)
{
    struct order *o = order_of(m);
    handle_drop(e, &o->handle);
    request_remove(e, &o->base);
    mem_free(o->ids);
    mem_free(o->results);
    mem_free(o);
}

static const struct machine_kind ORDER_KIND = {
    .name = "order", .feed = order_feed, .next = order_next, .deadline_us = request_deadline_us, .free = order_free,
};

static void order_new(struct engine *e, const struct engine_request *request)
{
    struct order *o = mem_alloc(sizeof(*o));
    o->order = request->order.order;
    o->count = request->order.count < REQUEST_ORDER_IDS_MAX ? request->order.count : REQUEST_ORDER_IDS_MAX;
    o->ids = mem_realloc(NULL, o->count + 1, sizeof(*o->ids));
    if (o->count > 0)
        memcpy(o->ids, request->order.ids, o->count * sizeof(*o->ids));
    o->results = mem_realloc(NULL, o->count + 1, sizeof(*o->results));
    request_add(e, &o->base, request->tag, &ORDER_KIND, ORDER_GUARD_US);
    o->handle = handle_new(e, &o->base.machine);
}

void request_ordered(struct engine *e, struct handle request)
{
    struct machine *m = handle_machine(e, request);
    if (!m)
        return;
    struct order *o = order_of(m);
    assert(o->under_way > 0);
    o->under_way--;
    machine_wake(e, m);
}

/* ---- explanations ---- */

struct explain {
    struct request base;
    struct arena arena;
    struct lookup_client client;
    struct slice from, domain, account;
    bool local;
};

static struct explain *explain_of(const struct machine *m)
{
    return LIST_OWNER(request_of(m), struct explain, base);
}

static const struct event_dns *explain_lookup(void *context, struct slice name, enum dns_type type)
{
    struct {
        struct engine *e;
        struct explain *x;
    } *c = context;
    return lookup_ask(c->e, &c->x->client, name, type);
}

static bool explain_route(struct engine *e, struct explain *x, struct route *ret_route)
{
    struct {
        struct engine *e;
        struct explain *x;
    } context = { e, x };
    const struct route_question question = {
        .config = e->config, .domain = x->domain, .own_addresses = e->own_addresses,
        .own_address_count = e->own_address_count, .shuffle = engine_jitter(e, UINT64_MAX), .arena = &x->arena,
        .lookup = explain_lookup, .context = &context,
    };
    if (!lookup_client_answered(&x->client))
        return false;
    return e->config->delivery.mode == MODE_SMARTHOST ? route_build_smarthost(&question, ret_route)
                                                      : route_build(&question, ret_route);
}

static void explain_feed(struct engine *e, struct machine *m, const struct event *event)
{
    (void)e;
    (void)m;
    (void)event;
}

/* The configuration in force answers, so the credential's slices and those of the route are the turn's. */
static void explain_reply(struct engine *e, struct explain *x, struct engine_answer *answer)
{
    const struct credential_question question = { .account = x->account, .from_network = x->account.size == 0,
                                                  .sender = x->from };
    struct credential *credential = &answer->explain.credential;
    credential_choose(e->config, e->accounts, &question, credential);
    credential->account = turn_copy(e, credential->account);
    credential->user = credential->password = SLICE_EMPTY; /* never told */
    struct route *route = &answer->explain.route;
    for (uint8_t i = 0; i < route->count; i++) {
        struct candidate *c = &route->candidates[i];
        if (c->kind == CANDIDATE_SMARTHOST)
            tls_plan_smarthost(e->config, credential, false, &answer->explain.plans[i]);
        else
            tls_plan_direct(e->config, x->domain, false, &answer->explain.plans[i]);
        c->host = turn_copy(e, c->host);
        c->domain = turn_copy(e, c->domain);
        if (!c->known)
            continue;
        struct outcome *known = turn_alloc(e, sizeof(*known));
        *known = *c->known;
        known->text = turn_copy(e, known->text);
        known->host = turn_copy(e, known->host);
        known->address = turn_copy(e, known->address);
        c->known = known;
    }
    request_reply(e, x->base.tag, answer);
}

static bool explain_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    (void)ret_op;
    struct explain *x = explain_of(m);
    if (m->closed)
        return false;
    struct engine_answer answer = { .kind = REQUEST_EXPLAIN };
    answer.explain.local = x->local;
    bool late = e->now.monotonic_us >= x->base.limit_us;
    if (!x->local && !explain_route(e, x, &answer.explain.route)) {
        if (!late)
            return false;
        answer.busy = true;
    }
    explain_reply(e, x, &answer);
    machine_close(e, m);
    return false;
}

static void explain_free(struct engine *e, struct machine *m)
{
    struct explain *x = explain_of(m);
    lookup_client_cancel(e, &x->client);
    request_remove(e, &x->base);
    arena_done(&x->arena);
    mem_free(x);
}

static const struct machine_kind EXPLAIN_KIND = {
    .name = "explain", .feed = explain_feed, .next = explain_next, .deadline_us = request_deadline_us,
    .free = explain_free,
};

static void explain_new(struct engine *e, const struct engine_request *request)
{
    struct explain *x = mem_alloc(sizeof(*x));
    x->from = arena_copy(&x->arena, request->explain.from);
    x->account = arena_copy(&x->arena, request->explain.account);
    struct address to;
    if (address_parse(request->explain.to, ADDRESS_UTF8, &to) == ERR_OK)
        x->domain = arena_copy(&x->arena, address_domain(&to));
    x->local = x->domain.size == 0 || config_is_local_domain(e->config, x->domain);
    request_add(e, &x->base, request->tag, &EXPLAIN_KIND, EXPLAIN_LIMIT_US);
    lookup_client_init(&x->client, &x->base.machine);
}

/* ---- the way in ---- */

void request_feed(struct engine *e, const struct engine_request *request)
{
    if (e->requests->count >= REQUESTS_MAX) {
        request_reply(e, request->tag, &(struct engine_answer){ .kind = request->kind, .busy = true });
        return;
    }
    switch (request->kind) {
    case REQUEST_ORDER: order_new(e, request); break;
    case REQUEST_EXPLAIN: explain_new(e, request); break;
    case REQUEST_RELAY_TEST: relay_test_begin(e, request); break;
    }
}
