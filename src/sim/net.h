/* The network: links between the engine and the peers of the world.
 *
 * A link carries octets both ways with latency and random cuts, keeps to the engine's credit, and may be reset or stall.
 * The engine's end is named by its handle; the peer's end is a machine of the world that is called when octets arrive and
 * may send at any time. TLS is simulated by its facts only: octets pass as they are. */
#pragma once

#include "base/list.h"
#include "border/op.h"
#include "sim/agenda.h"
#include "sim/options.h"

struct link;

struct peer_calls {
    void (*opened)(struct world *world, void *peer);
    void (*received)(struct world *world, void *peer, struct slice bytes);
    void (*closed)(struct world *world, void *peer); /* by the engine or by a fault; the link is dead for the peer */
    void (*tls_up)(struct world *world, void *peer);
};

struct net {
    struct agenda *agenda;
    struct random_fast *random;
    const struct sim_options *options;
    bool *faults;                  /* whether they last */
    void (*feed)(struct world *world, const struct event *event);
    struct link **links;           /* by the engine's slot */
    size_t link_count;
    struct list all;
};

struct net *world_net(struct world *world); /* the world's; it is the world that has a network, not the other way round */
void net_init(struct net *net);
void net_heal(struct world *world, struct net *net); /* the faults are over: what stalled moves again */
/* Cuts every link: the engine is gone. Peers are told. */
void net_cut_all(struct world *world, struct net *net);
void net_done(struct world *world, struct net *net);

/* A peer's end towards the engine, as a client: the engine has given the handle. */
struct link *link_accepted(struct world *world, struct handle handle, const struct peer_calls *calls, void *peer);
/* The engine connects: EVENT_CONNECTED and `opened` come after the latency. */
struct link *link_connect(struct world *world, struct handle handle, const struct peer_calls *calls, void *peer);
/* The engine connects in vain: EVENT_CLOSED with the reason after `after_us`. */
void link_connect_fails(struct world *world, struct handle handle, enum close_reason reason, int64_t after_us);

/* The peer's side. */
void link_send(struct world *world, struct link *link, struct slice bytes);
/* After what was sent has arrived; `closed` is not called. */
void link_close(struct world *world, struct link *link);
void link_reset(struct world *world, struct link *link); /* at once, both directions; `closed` is not called */
/* Octets sent and not arrived at the engine. */
size_t link_pending(const struct link *link);

/* The engine's side, by its operations; an old handle is ignored. */
void net_send(struct world *world, struct handle handle, struct slice bytes);
void net_credit(struct world *world, struct handle handle, uint32_t octets);
void net_start_tls(struct world *world, struct handle handle, bool server);
void net_close(struct world *world, struct handle handle, bool abort);
