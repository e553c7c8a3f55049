/* One connection: a socket, TLS on it if asked for, credit on the way in, and what the kernel has not taken yet on the
 * way out.
 *
 * Owned by the loop's table under the engine's handle until it is closed by the engine or has failed; after that it
 * lives by itself until its last octets are out. It tells the loop by events, and feeds nothing while the engine is being
 * drained: what happens during an operation is kept and told by connection_pump. */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "base/now.h"
#include "border/op.h"
#include "io/tls.h"

struct connection;

/* What a connection needs of the loop. */
struct connection_host {
    uv_loop_t *uv;
    struct tls_store *tls; /* of the configuration in force */
    char *block;           /* CREDIT_TURN_MAX octets, shared: bytes live only during a feed */
    void (*feed)(struct connection_host *host, const struct event *event);
    struct list pump;      /* connections with something to tell after the drain */
    struct list open;      /* all of them */
    size_t lingering_count; /* closed by the engine, still flushing */
};

enum connection_kind { CONNECTION_TCP, CONNECTION_UNIX };

/* Accepts from a listening stream; NULL when there was none after all. peer and local are set for TCP. */
struct connection *connection_accept(struct connection_host *host, uv_stream_t *listener, enum connection_kind kind,
                                     struct ip_address *ret_peer, struct ip_address *ret_local);
/* The engine has given the accepted connection its handle. */
void connection_adopt(struct connection *c, struct handle handle);
/* Begins to connect; EVENT_CONNECTED or EVENT_CLOSED follow by the host's feed, never from within. */
struct connection *connection_open(struct connection_host *host, struct handle handle, const struct op_connect *op,
                                   const struct ip_address *source);
struct handle connection_handle(const struct connection *c);
int connection_descriptor(const struct connection *c);

/* Kept until the engine is drained: all that is sent in a turn is one write, in connection_pump_all. */
void connection_send(struct connection *c, struct slice bytes);
void connection_credit(struct connection *c, uint32_t octets);
void connection_start_tls(struct connection *c, const struct op_start_tls *op);
void connection_close(struct connection *c, bool abort); /* the engine is done with it: c is dead for the caller */

/* Ends the one whose item in host->open this is, at once and without an event: the loop is being taken down. */
void connection_destroy_item(struct list_item *open_item);

/* Writes what was sent, and feeds what has gathered (sent counts, plain text within new credit, failures); false when there
 * was nothing. */
bool connection_pump_all(struct connection_host *host);

struct ip_address ip_address_of(const struct sockaddr *address);
/* false for an unusable family */
bool ip_address_equal(const struct ip_address *a, const struct ip_address *b); /* port included */
bool ip_address_to(const struct ip_address *address, struct sockaddr_storage *ret_address);
