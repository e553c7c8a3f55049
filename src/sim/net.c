#include "sim/net.h"

#include <assert.h>

#include "base/arena.h"

enum { LINK_SIZE_MAX = 256 << 20 };

/* One direction: what was sent and has not arrived. */
struct flow {
    struct happening arrival;
    struct buffer bytes;
    bool ends; /* closed behind the last octet */
};

struct link {
    struct list_item item;
    struct handle handle; /* generation 0: the engine has closed it, or was told of its end */
    const struct peer_calls *calls;
    void *peer;           /* NULL: the peer has closed it */
    struct flow to_engine, to_peer;
    struct happening begin, tls, failure;
    enum close_reason reason;
    uint32_t credit;
    bool established;
    bool stalled;         /* nothing moves until the faults end */
    bool handshaking;
    bool tls_server;
};

static struct link *link_of(struct happening *h, size_t offset)
{
    return (struct link *)((char *)h - offset);
}

static int64_t latency_us(struct net *net)
{
    return 1 + (int64_t)random_fast_below(net->random, (uint64_t)net->options->latency_us);
}

static void net_put(struct net *net, struct link *link)
{
    uint32_t slot = link->handle.slot;
    if (slot >= net->link_count) {
        size_t count = slot + 64;
        net->links = mem_realloc(net->links, count, sizeof *net->links);
        memset(net->links + net->link_count, 0, (count - net->link_count) * sizeof *net->links);
        net->link_count = count;
    }
    net->links[slot] = link;
}

static struct link *net_get(struct net *net, struct handle handle)
{
    struct link *link = handle.slot < net->link_count ? net->links[handle.slot] : NULL;
    return link && handle_equal(link->handle, handle) ? link : NULL;
}

static struct link *link_new(struct world *world, struct handle handle, const struct peer_calls *calls, void *peer)
{
    struct link *link = mem_alloc(sizeof *link);
    link->handle = handle;
    link->calls = calls;
    link->peer = peer;
    buffer_init(&link->to_engine.bytes, LINK_SIZE_MAX);
    buffer_init(&link->to_peer.bytes, LINK_SIZE_MAX);
    list_append(&world_net(world)->all, &link->item);
    net_put(world_net(world), link);
    return link;
}

static void link_free(struct world *world, struct link *link)
{
    struct net *net = world_net(world);
    struct happening *all[] = { &link->to_engine.arrival, &link->to_peer.arrival, &link->begin, &link->tls,
                                &link->failure };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        agenda_cancel(net->agenda, all[i]);
    if (link->handle.generation != 0 && net_get(net, link->handle) == link)
        net->links[link->handle.slot] = NULL;
    list_remove(&net->all, &link->item);
    buffer_done(&link->to_engine.bytes);
    buffer_done(&link->to_peer.bytes);
    mem_free(link);
}

static void peer_told(struct world *world, struct link *link)
{
    void *peer = link->peer;
    link->peer = NULL;
    if (peer)
        link->calls->closed(world, peer);
}

/* The engine is told, once; the handle is dead after it. */
static void engine_told(struct world *world, struct link *link, enum close_reason reason)
{
    struct handle handle = link->handle;
    if (handle.generation == 0)
        return;
    if (net_get(world_net(world), handle) == link)
        world_net(world)->links[handle.slot] = NULL;
    link->handle.generation = 0;
    world_net(world)->feed(world, &(struct event){ .kind = EVENT_CLOSED, .handle = handle, .closed.reason = reason });
}

static void link_broken(struct world *world, struct link *link, enum close_reason reason)
{
    peer_told(world, link);
    engine_told(world, link, reason);
    link_free(world, link);
}

/* ---- faults ---- */

static void link_fails(struct world *world, struct happening *h)
{
    struct link *link = link_of(h, offsetof(struct link, failure));
    link_broken(world, link, CLOSE_RESET);
}

static void faults_draw(struct world *world, struct link *link)
{
    struct net *net = world_net(world);
    if (!*net->faults)
        return;
    if (sim_chance(net->random, net->options->connection_reset))
        agenda_set(net->agenda, &link->failure, link_fails, latency_us(net) * (1 + (int64_t)random_fast_below(net->random, 20)));
    if (sim_chance(net->random, net->options->stall)) {
        link->stalled = true;
        /* Ended by whoever's patience ends first; by the network itself after two hours. */
        agenda_set(net->agenda, &link->failure, link_fails, 2 * US_PER_HOUR);
    }
}

/* ---- octets ---- */

static void arrive_at_peer(struct world *world, struct happening *h);
static void arrive_at_engine(struct world *world, struct happening *h);

static void flow_go(struct world *world, struct flow *flow, happening_call *call)
{
    if (!agenda_is_set(&flow->arrival))
        agenda_set(world_net(world)->agenda, &flow->arrival, call, latency_us(world_net(world)));
}

static size_t cut(struct net *net, size_t size)
{
    if (size > 1 && sim_chance(net->random, 150))
        return 1 + (size_t)random_fast_below(net->random, size);
    return size;
}

static void arrive_at_peer(struct world *world, struct happening *h)
{
    struct link *link = LIST_OWNER(h, struct link, to_peer.arrival);
    struct flow *flow = &link->to_peer;
    if (link->stalled && *world_net(world)->faults)
        return;
    size_t size = cut(world_net(world), flow->bytes.size);
    if (size > 0) {
        char *copy = mem_alloc(size);
        memcpy(copy, flow->bytes.data, size);
        buffer_consume(&flow->bytes, size);
        if (link->handle.generation != 0)
            world_net(world)->feed(world, &(struct event){ .kind = EVENT_SENT, .handle = link->handle, .sent = (uint32_t)size });
        if (link->peer)
            link->calls->received(world, link->peer, slice(copy, size));
        mem_free(copy);
    }
    if (flow->bytes.size > 0) {
        flow_go(world, flow, arrive_at_peer);
    } else if (flow->ends) {
        peer_told(world, link);
        link_free(world, link);
    }
}

static void arrive_at_engine(struct world *world, struct happening *h)
{
    struct link *link = LIST_OWNER(h, struct link, to_engine.arrival);
    struct flow *flow = &link->to_engine;
    if ((link->stalled && *world_net(world)->faults) || link->handle.generation == 0)
        return;
    size_t size = flow->bytes.size < link->credit ? flow->bytes.size : link->credit;
    if (size > CREDIT_TURN_MAX)
        size = CREDIT_TURN_MAX;
    size = cut(world_net(world), size);
    if (size > 0 && !link->handshaking) {
        char *copy = mem_alloc(size);
        memcpy(copy, flow->bytes.data, size);
        buffer_consume(&flow->bytes, size);
        link->credit -= (uint32_t)size;
        world_net(world)->feed(world, &(struct event){ .kind = EVENT_RECEIVED, .handle = link->handle, .received = slice(copy, size) });
        mem_free(copy);
    }
    if (flow->bytes.size > 0 && link->credit > 0 && !link->handshaking)
        flow_go(world, flow, arrive_at_engine);
    else if (flow->bytes.size == 0 && flow->ends)
        link_broken(world, link, CLOSE_PEER);
}

/* ---- the peer's side ---- */

void link_send(struct world *world, struct link *link, struct slice bytes)
{
    assert(!link->to_engine.ends);
    buffer_add(&link->to_engine.bytes, bytes);
    assert(!link->to_engine.bytes.overflow);
    flow_go(world, &link->to_engine, arrive_at_engine);
}

void link_close(struct world *world, struct link *link)
{
    link->peer = NULL;
    link->to_engine.ends = true;
    flow_go(world, &link->to_engine, arrive_at_engine);
}

static void link_was_reset(struct world *world, struct happening *h)
{
    link_broken(world, link_of(h, offsetof(struct link, failure)), CLOSE_RESET);
}

/* Not from within: the peer may be in the middle of an arrival. */
void link_reset(struct world *world, struct link *link)
{
    link->peer = NULL;
    buffer_clear(&link->to_engine.bytes);
    agenda_cancel(world_net(world)->agenda, &link->to_engine.arrival);
    agenda_set(world_net(world)->agenda, &link->failure, link_was_reset, latency_us(world_net(world)));
}

size_t link_pending(const struct link *link)
{
    return link->to_engine.bytes.size;
}

struct link *link_accepted(struct world *world, struct handle handle, const struct peer_calls *calls, void *peer)
{
    struct link *link = link_new(world, handle, calls, peer);
    link->established = true;
    faults_draw(world, link);
    return link;
}

/* ---- the engine's side ---- */

static void established(struct world *world, struct happening *h)
{
    struct link *link = link_of(h, offsetof(struct link, begin));
    link->established = true;
    struct event event = { .kind = EVENT_CONNECTED, .handle = link->handle };
    event.connected.local = (struct ip_address){ 4, { 10, 255, 0, 1 }, 40000 };
    faults_draw(world, link);
    world_net(world)->feed(world, &event);
    if (link->peer)
        link->calls->opened(world, link->peer);
}

struct link *link_connect(struct world *world, struct handle handle, const struct peer_calls *calls, void *peer)
{
    struct link *link = link_new(world, handle, calls, peer);
    agenda_set(world_net(world)->agenda, &link->begin, established, 2 * latency_us(world_net(world)));
    return link;
}

static void connect_failed(struct world *world, struct happening *h)
{
    struct link *link = link_of(h, offsetof(struct link, failure));
    link_broken(world, link, link->reason);
}

void link_connect_fails(struct world *world, struct handle handle, enum close_reason reason, int64_t after_us)
{
    struct link *link = link_new(world, handle, NULL, NULL);
    link->reason = reason;
    agenda_set(world_net(world)->agenda, &link->failure, connect_failed, after_us);
}

void net_send(struct world *world, struct handle handle, struct slice bytes)
{
    struct link *link = net_get(world_net(world), handle);
    if (!link)
        return;
    assert(link->established && !link->handshaking);
    buffer_add(&link->to_peer.bytes, bytes);
    assert(link->to_peer.bytes.size <= UNSENT_MAX);
    flow_go(world, &link->to_peer, arrive_at_peer);
}

void net_credit(struct world *world, struct handle handle, uint32_t octets)
{
    struct link *link = net_get(world_net(world), handle);
    if (!link)
        return;
    link->credit += octets;
    if (link->to_engine.bytes.size > 0 || link->to_engine.ends)
        flow_go(world, &link->to_engine, arrive_at_engine);
}

static void tls_done(struct world *world, struct happening *h)
{
    struct link *link = link_of(h, offsetof(struct link, tls));
    struct net *net = world_net(world);
    link->handshaking = false;
    struct handle handle = link->handle;
    if (handle.generation == 0)
        return;
    if (*net->faults && sim_chance(net->random, net->options->tls_fails)) {
        net->feed(world, &(struct event){ .kind = EVENT_TLS_FAILED, .handle = handle, .tls_failed = SLICE("handshake failure") });
        return;
    }
    struct tls_facts facts = { .version = SLICE("TLSv1.3"), .cipher = SLICE("SIM"), .peer_certificate = !link->tls_server };
    facts.chain_error = SLICE("self-signed certificate");
    if (link->peer)
        link->calls->tls_up(world, link->peer);
    net->feed(world, &(struct event){ .kind = EVENT_TLS_UP, .handle = handle, .tls_up.facts = &facts });
    if (link->to_engine.bytes.size > 0)
        flow_go(world, &link->to_engine, arrive_at_engine);
}

/* The handshake begins behind what was sent before it. */
void net_start_tls(struct world *world, struct handle handle, bool server)
{
    struct link *link = net_get(world_net(world), handle);
    if (!link)
        return;
    link->handshaking = true;
    link->tls_server = server;
    agenda_set(world_net(world)->agenda, &link->tls, tls_done, 4 * world_net(world)->options->latency_us);
}

void net_close(struct world *world, struct handle handle, bool abort)
{
    struct link *link = net_get(world_net(world), handle);
    if (!link)
        return;
    world_net(world)->links[handle.slot] = NULL;
    link->handle.generation = 0;
    link->to_peer.ends = true;
    if (abort || !link->established || !link->peer) {
        agenda_set(world_net(world)->agenda, &link->failure, link_was_reset, 1);
        return;
    }
    agenda_cancel(world_net(world)->agenda, &link->tls);
    flow_go(world, &link->to_peer, arrive_at_peer);
}

/* ---- the whole ---- */

void net_init(struct net *net)
{
    list_init(&net->all);
}

void net_heal(struct world *world, struct net *net)
{
    for (struct list_item *item = list_first(&net->all); item; item = list_next(&net->all, item)) {
        struct link *link = LIST_OWNER(item, struct link, item);
        if (!link->stalled)
            continue;
        link->stalled = false;
        agenda_cancel(net->agenda, &link->failure);
        flow_go(world, &link->to_peer, arrive_at_peer);
        flow_go(world, &link->to_engine, arrive_at_engine);
    }
}

void net_cut_all(struct world *world, struct net *net)
{
    struct list_item *item;
    while ((item = list_first(&net->all)) != NULL) {
        struct link *link = LIST_OWNER(item, struct link, item);
        link->handle.generation = 0;
        peer_told(world, link);
        link_free(world, link);
    }
    if (net->link_count > 0)
        memset(net->links, 0, net->link_count * sizeof *net->links);
}

void net_done(struct world *world, struct net *net)
{
    net_cut_all(world, net);
    mem_free(net->links);
}
