/* The driver: turns the engine's operations into system calls and what happens into events.
 *
 * A turn: libuv tells of everything that is ready, each is fed at once; before it waits again the engine is drained,
 * at most one write goes out per connection, the store thread gets its batch, the log is written. Timers, DNS answers,
 * workers and the store's threads come in by the same way. One thread; it never blocks. */
#pragma once

#include <uv.h>

#include "engine/engine.h"
#include "io/connection.h"
#include "io/dns.h"
#include "io/inflight_map.h"
#include "io/log.h"
#include "io/store_thread.h"
#include "io/worker.h"

struct loop;

struct loop_listen {
    enum listener_kind kind;
    struct ip_address address; /* TCP */
    int descriptor;            /* an inherited socket (socket activation), or -1 */
    const char *path;          /* unix socket for LISTENER_LOCAL, else NULL */
    unsigned mode;             /* of the unix socket */
};

/* What the loop asks of the program above it; all on the loop's thread. */
struct loop_calls {
    void (*signal)(void *context, int number);                         /* SIGTERM, SIGINT, SIGHUP */
    void (*reply)(void *context, const struct op_reply *reply);        /* an answer for the control socket */
    void (*turn)(void *context, struct now now);                       /* at the end of each turn, before waiting */
    /* Each event of the log; json: as it went to the history, "" for one that did not. */
    void (*trace)(void *context, const struct trace_event *event, struct slice json);
    void (*validation)(void *context, enum dns_validation validation);
};

struct loop_options {
    struct engine *engine;
    struct store *store;
    struct disk *disk;
    struct history *history; /* NULL: none is kept */
    struct tls_store *tls;
    struct inflight_map *inflight;
    struct log *log;
    struct dns_resolvers resolvers; /* copied */
    int64_t dns_timeout_us;
    const struct loop_calls *calls;
    void *context;
};

/* On failure `problem` holds a sentence. */
enum err loop_new(const struct loop_options *options, struct buffer *problem, struct loop **ret_loop);
void loop_free(struct loop *loop);
/* On failure `problem` has the address and the reason. */
enum err loop_listen(struct loop *loop, const struct loop_listen *listen, struct buffer *problem);
bool loop_listens(const struct loop *loop, enum listener_kind kind, const struct ip_address *address);
/* Closes the listeners that `keep` does not want. */
typedef bool loop_listen_wanted(const void *context, enum listener_kind kind, const struct ip_address *address);
void loop_listen_keep(struct loop *loop, loop_listen_wanted *keep, const void *context);
void loop_listen_stop(struct loop *loop);    /* closes all of them */
void loop_run(struct loop *loop);            /* returns after loop_end, when nothing is left to flush */
void loop_end(struct loop *loop);
struct now loop_now(const struct loop *loop); /* of this turn */
uv_loop_t *loop_uv(struct loop *loop);
void loop_feed(struct loop *loop, const struct event *event); /* from the program: configuration, requests, stop */
void loop_set_tls(struct loop *loop, struct tls_store *tls);  /* for new connections; the old one stays until loop_free */
/* Other resolvers from now on; on failure those before stay. */
enum err loop_set_resolvers(struct loop *loop, const struct dns_resolvers *resolvers, int64_t timeout_us);
struct store_thread *loop_store(struct loop *loop);
