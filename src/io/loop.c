#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "admin/event_json.h"
#include "base/arena.h"
#include "engine/trace.h"
#include "io/peer_user.h"

enum {
    LISTENERS_MAX = 64,
    BACKLOG = 1024,
    SIGNALS = 3,
    LINE_SIZE_MAX = 64 << 10,
    END_WAIT_MS = 5000, /* for the last octets of closed connections */
    ACCEPTS_A_TURN_MAX = 64,
};

struct listener {
    union {
        uv_handle_t uv;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct loop *loop;
    enum listener_kind kind;
    struct ip_address address; /* TCP */
    bool open, closing;        /* neither: the place is free */
    char path[108];
};

struct loop {
    uv_loop_t uv;
    struct connection_host host; /* first of what connections see; its `feed` finds the loop by offset */
    struct loop_options options;
    struct engine *engine;
    struct now now; /* of this turn, sampled at its first event */
    bool now_stale;
    int64_t wall_offset_us; /* wall at the start minus monotonic: queue time never steps */
    uv_prepare_t prepare;
    uv_timer_t timer;
    int64_t timer_us; /* what the timer is set to */
    uv_timer_t dns_timer;
    uv_poll_t dns_poll;
    uv_timer_t end_timer;
    uv_signal_t signals[SIGNALS];
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    bool accepting;
    struct dns *dns;
    struct worker *worker;
    struct store_thread *store;
    struct connection **connections; /* by the engine's slot */
    size_t connection_count;
    struct buffer line;
    bool ending;
    char block[CREDIT_TURN_MAX];
};

/* ---- time ---- */

static int64_t clock_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * US_PER_SECOND + t.tv_nsec / 1000;
}

static void now_sample(struct loop *loop)
{
    loop->now.monotonic_us = clock_us(CLOCK_MONOTONIC);
    loop->now.wall_us = loop->now.monotonic_us + loop->wall_offset_us;
    loop->now_stale = false;
}

/* ---- events ---- */

static void feed_engine(struct loop *loop, const struct event *event)
{
    if (loop->now_stale)
        now_sample(loop);
    engine_feed(loop->engine, loop->now, event);
}

static void connection_forget(struct loop *loop, struct handle handle)
{
    if (handle.slot < loop->connection_count)
        loop->connections[handle.slot] = NULL;
}

static void host_feed(struct connection_host *host, const struct event *event)
{
    struct loop *loop = (struct loop *)((char *)host - offsetof(struct loop, host));
    if (event->kind == EVENT_CLOSED)
        connection_forget(loop, event->handle);
    feed_engine(loop, event);
}

static void context_feed(void *context, const struct event *event)
{
    feed_engine(context, event);
}

static void dns_answered(void *context, struct handle handle, const struct event_dns *answer)
{
    struct event event = { .kind = EVENT_DNS, .handle = handle, .dns = *answer };
    feed_engine(context, &event);
}

/* ---- connections by handle ---- */

static void connection_put(struct loop *loop, struct handle handle, struct connection *c)
{
    if (handle.slot >= loop->connection_count) {
        size_t count = (handle.slot + 256) & ~(size_t)255;
        loop->connections = mem_realloc(loop->connections, count, sizeof *loop->connections);
        memset(loop->connections + loop->connection_count, 0,
               (count - loop->connection_count) * sizeof *loop->connections);
        loop->connection_count = count;
    }
    loop->connections[handle.slot] = c;
}

static struct connection *connection_get(struct loop *loop, struct handle handle)
{
    struct connection *c = handle.slot < loop->connection_count ? loop->connections[handle.slot] : NULL;
    return c && handle_equal(connection_handle(c), handle) ? c : NULL;
}

/* ---- operations, one function each ---- */

static void do_connect(struct loop *loop, const struct op *op)
{
    connection_put(loop, op->handle, connection_open(&loop->host, op->handle, &op->connect, NULL));
}

static void do_send(struct loop *loop, const struct op *op)
{
    struct connection *c = connection_get(loop, op->handle);
    if (c)
        connection_send(c, op->send.bytes);
}

static void do_credit(struct loop *loop, const struct op *op)
{
    struct connection *c = connection_get(loop, op->handle);
    if (c)
        connection_credit(c, op->credit);
}

static void do_start_tls(struct loop *loop, const struct op *op)
{
    struct connection *c = connection_get(loop, op->handle);
    if (c)
        connection_start_tls(c, &op->start_tls);
}

static void do_close(struct loop *loop, const struct op *op)
{
    struct connection *c = connection_get(loop, op->handle);
    if (!c)
        return;
    connection_forget(loop, op->handle);
    connection_close(c, op->close.abort);
}

static void dns_timer_set(struct loop *loop);

static void do_dns(struct loop *loop, const struct op *op)
{
    dns_ask(loop->dns, op->handle, &op->dns, loop->now.monotonic_us + loop->options.dns_timeout_us);
    dns_timer_set(loop);
}

static void do_store(struct loop *loop, const struct op *op)
{
    store_thread_op(loop->store, op);
}

static void do_password(struct loop *loop, const struct op *op)
{
    worker_password(loop->worker, op->handle, &op->password);
}

static void do_maildir(struct loop *loop, const struct op *op)
{
    worker_maildir(loop->worker, op->handle, &op->maildir);
}

static void do_inflight(struct loop *loop, const struct op *op)
{
    inflight_map_set(loop->options.inflight, &op->inflight);
}

static void do_trace(struct loop *loop, const struct op *op)
{
    buffer_clear(&loop->line);
    trace_format(op->trace, &loop->line);
    log_line(loop->options.log, buffer_slice(&loop->line));
    buffer_clear(&loop->line);
    if (trace_in_history(op->trace->kind))
        event_json(op->trace, &loop->line);
    if (loop->line.overflow)
        buffer_clear(&loop->line); /* no JSON any more */
    loop->options.calls->trace(loop->options.context, op->trace, buffer_slice(&loop->line));
    if (loop->line.size == 0)
        return;
    const struct history_event event = {
        .at_us = op->trace->at_us, .id = op->trace->id, .event = slice_of(trace_name(op->trace->kind)),
        .from = op->trace->from, .to = op->trace->to, .rule = op->trace->rule, .text = buffer_slice(&loop->line),
    };
    store_thread_history(loop->store, &event);
}

static void do_reply(struct loop *loop, const struct op *op)
{
    loop->options.calls->reply(loop->options.context, &op->reply);
}

static void accepted(uv_stream_t *stream, int status);

static void do_listen(struct loop *loop, const struct op *op)
{
    loop->accepting = op->listen;
    if (!op->listen)
        return;
    /* Connections that came while it was not accepting wait in libuv, one a listener, the rest in the kernel. */
    for (size_t i = 0; i < loop->listener_count; i++) {
        if (loop->listeners[i].open)
            accepted(&loop->listeners[i].stream, 0);
    }
}

static void (*const operations[])(struct loop *loop, const struct op *op) = {
    [OP_CONNECT] = do_connect,
    [OP_SEND] = do_send,
    [OP_CREDIT] = do_credit,
    [OP_START_TLS] = do_start_tls,
    [OP_CLOSE] = do_close,
    [OP_DNS] = do_dns,
    [OP_COMMIT] = do_store,
    [OP_BIG_APPEND] = do_store,
    [OP_BIG_FINISH] = do_store,
    [OP_BIG_ABORT] = do_store,
    [OP_LOAD] = do_store,
    [OP_BODY_READ] = do_store,
    [OP_PASSWORD] = do_password,
    [OP_MAILDIR] = do_maildir,
    [OP_INFLIGHT] = do_inflight,
    [OP_LISTEN] = do_listen,
    [OP_TRACE] = do_trace,
    [OP_REPLY] = do_reply,
};

/* ---- the turn ---- */

static void timer_expired(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    loop->timer_us = DEADLINE_NEVER;
    feed_engine(loop, &(struct event){ .kind = EVENT_TICK });
}

static void timer_set(struct loop *loop)
{
    int64_t deadline_us = engine_deadline_us(loop->engine);
    if (deadline_us == loop->timer_us)
        return;
    loop->timer_us = deadline_us;
    if (deadline_us == DEADLINE_NEVER) {
        uv_timer_stop(&loop->timer);
        return;
    }
    int64_t wait_us = deadline_us - loop->now.monotonic_us;
    uint64_t wait_ms = wait_us > 0 ? (uint64_t)((wait_us + US_PER_MS - 1) / US_PER_MS) : 0;
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->timer, timer_expired, wait_ms, 0);
}

static void drain(struct loop *loop)
{
    do {
        struct op op;
        while (engine_next(loop->engine, &op)) {
            assert(op.kind > OP_NONE && op.kind < sizeof operations / sizeof *operations);
            operations[op.kind](loop, &op);
        }
    } while (connection_pump_all(&loop->host));
}

static void end_if_flushed(struct loop *loop)
{
    if (loop->ending && loop->host.lingering_count == 0)
        uv_stop(&loop->uv);
}

static void turn_end(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    drain(loop);
    loop->options.calls->turn(loop->options.context, loop->now);
    drain(loop);
    end_if_flushed(loop);
    log_flush(loop->options.log);
    timer_set(loop);
    loop->now_stale = true;
}

/* ---- DNS ---- */

static void dns_timer_expired(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    now_sample(loop);
    dns_timer_set(loop);
}

/* Answers what has waited too long and sets the timer for the next one. */
static void dns_timer_set(struct loop *loop)
{
    int64_t deadline_us = dns_expire(loop->dns, loop->now.monotonic_us);
    if (deadline_us == DEADLINE_NEVER)
        uv_timer_stop(&loop->dns_timer);
    else if (!uv_is_active((uv_handle_t *)&loop->dns_timer))
        uv_timer_start(&loop->dns_timer, dns_timer_expired,
                       (uint64_t)((deadline_us - loop->now.monotonic_us) / US_PER_MS) + 1, 0);
}

static void dns_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct loop *loop = poll->data;
    if (status == 0)
        dns_process(loop->dns);
}

static void dns_watch(struct loop *loop)
{
    int status = uv_poll_init(&loop->uv, &loop->dns_poll, dns_descriptor(loop->dns));
    assert(status == 0);
    loop->dns_poll.data = loop;
    uv_poll_start(&loop->dns_poll, UV_READABLE, dns_readable);
}

static void dns_rewatch(uv_handle_t *handle)
{
    dns_watch(handle->data);
}

/* A new context has a new descriptor. */
static void dns_watch_anew(struct loop *loop)
{
    if (!uv_is_closing((uv_handle_t *)&loop->dns_poll))
        uv_close((uv_handle_t *)&loop->dns_poll, dns_rewatch);
}

static void dns_validation(void *context, enum dns_validation validation)
{
    struct loop *loop = context;
    if (validation == DNS_VALIDATION_UNAVAILABLE)
        dns_watch_anew(loop);
    loop->options.calls->validation(loop->options.context, validation);
}

/* ---- listeners ---- */

static void accepted(uv_stream_t *stream, int status)
{
    struct listener *l = stream->data;
    struct loop *loop = l->loop;
    if (status != 0 || !loop->accepting)
        return;
    struct engine_accept accept = { .listener = l->kind };
    enum connection_kind kind = l->kind == LISTENER_LOCAL ? CONNECTION_UNIX : CONNECTION_TCP;
    struct connection *c = connection_accept(&loop->host, stream, kind, &accept.peer, &accept.local);
    if (!c)
        return;
    char user[PEER_USER_SIZE_MAX];
    if (kind == CONNECTION_UNIX)
        accept.peer_user = peer_user(connection_descriptor(c), user);
    if (loop->now_stale)
        now_sample(loop);
    struct handle handle = engine_accept(loop->engine, loop->now, &accept);
    connection_adopt(c, handle);
    connection_put(loop, handle, c);
}

static int listener_bind(struct loop *loop, struct listener *l, const struct loop_listen *listen)
{
    if (listen->path) {
        int status = uv_pipe_init(&loop->uv, &l->pipe, 0);
        unlink(listen->path); /* left by an unclean end: the lock of DataDir says that nobody else is here */
        if (status == 0)
            status = uv_pipe_bind(&l->pipe, listen->path);
        if (status == 0 && chmod(listen->path, listen->mode) != 0)
            status = -errno;
        return status;
    }
    int status = uv_tcp_init(&loop->uv, &l->tcp);
    if (status == 0 && listen->descriptor >= 0)
        return uv_tcp_open(&l->tcp, listen->descriptor);
    struct sockaddr_storage address;
    if (!ip_address_to(&listen->address, &address))
        return UV_EAFNOSUPPORT;
    if (status == 0)
        status = uv_tcp_bind(&l->tcp, (struct sockaddr *)&address,
                             listen->address.family == 6 ? UV_TCP_IPV6ONLY : 0);
    return status;
}

static struct listener *listener_place(struct loop *loop)
{
    for (size_t i = 0; i < loop->listener_count; i++) {
        if (!loop->listeners[i].open && !loop->listeners[i].closing)
            return &loop->listeners[i];
    }
    return loop->listener_count < LISTENERS_MAX ? &loop->listeners[loop->listener_count++] : NULL;
}

static void listener_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    l->closing = false;
}

static void listener_close(struct listener *l)
{
    l->open = false;
    l->closing = true;
    uv_close(&l->uv, listener_closed);
    if (l->path[0])
        unlink(l->path);
}

static void address_add(struct buffer *out, const struct ip_address *address)
{
    struct sockaddr_storage storage;
    char text[64];
    if (ip_address_to(address, &storage) && uv_ip_name((struct sockaddr *)&storage, text, sizeof text) == 0)
        buffer_add_format(out, address->family == 6 ? "[%s]:%u: " : "%s:%u: ", text, address->port);
}

enum err loop_listen(struct loop *loop, const struct loop_listen *listen, struct buffer *problem)
{
    struct listener *l = listener_place(loop);
    if (!l) {
        buffer_add_format(problem, "more than %d listen addresses", LISTENERS_MAX);
        return ERR_TOO_LARGE;
    }
    *l = (struct listener){ .loop = loop, .kind = listen->kind, .address = listen->address };
    int status = listener_bind(loop, l, listen);
    l->uv.data = l;
    if (listen->path)
        snprintf(l->path, sizeof l->path, "%s", listen->path);
    if (status == 0)
        status = uv_listen(&l->stream, BACKLOG, accepted);
    l->open = true;
    if (status == 0)
        return ERR_OK;
    l->path[0] = 0; /* what stands there is not ours */
    listener_close(l);
    if (!listen->path)
        address_add(problem, &listen->address);
    buffer_add_format(problem, "%s", uv_strerror(status));
    return ERR_REFUSED;
}

bool loop_listens(const struct loop *loop, enum listener_kind kind, const struct ip_address *address)
{
    for (size_t i = 0; i < loop->listener_count; i++) {
        const struct listener *l = &loop->listeners[i];
        if (l->open && l->kind == kind && ip_address_equal(&l->address, address))
            return true;
    }
    return false;
}

void loop_listen_keep(struct loop *loop, loop_listen_wanted *keep, const void *context)
{
    for (size_t i = 0; i < loop->listener_count; i++) {
        struct listener *l = &loop->listeners[i];
        if (l->open && !keep(context, l->kind, &l->address))
            listener_close(l);
    }
}

static bool none_wanted(const void *context, enum listener_kind kind, const struct ip_address *address)
{
    (void)context;
    (void)kind;
    (void)address;
    return false;
}

void loop_listen_stop(struct loop *loop)
{
    loop_listen_keep(loop, none_wanted, NULL);
}

/* ---- the loop ---- */

static void signalled(uv_signal_t *signal, int number)
{
    struct loop *loop = signal->data;
    loop->options.calls->signal(loop->options.context, number);
}

static void signals_watch(struct loop *loop)
{
    static const int numbers[SIGNALS] = { SIGTERM, SIGINT, SIGHUP };
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
        uv_signal_start(&loop->signals[i], signalled, numbers[i]);
    }
}

static enum err dns_begin(struct loop *loop, struct buffer *problem)
{
    const struct loop_options *o = &loop->options;
    struct dns_options dns = {
        .resolvers = o->resolvers,
        .answer = dns_answered,
        .validation = dns_validation,
        .context = loop,
    };
    enum err err = dns_new(&dns, &loop->dns);
    if (err != ERR_OK) {
        buffer_add_text(problem, "the DNS library could not be started");
        return err;
    }
    uv_timer_init(&loop->uv, &loop->dns_timer);
    loop->dns_timer.data = loop;
    dns_watch(loop);
    return ERR_OK;
}

enum err loop_new(const struct loop_options *options, struct buffer *problem, struct loop **ret_loop)
{
    struct loop *loop = mem_alloc(sizeof *loop);
    loop->options = *options;
    loop->engine = options->engine;
    loop->wall_offset_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC);
    loop->timer_us = DEADLINE_NEVER;
    loop->accepting = true;
    buffer_init(&loop->line, LINE_SIZE_MAX);
    uv_loop_init(&loop->uv);
    loop->host = (struct connection_host){ .uv = &loop->uv, .tls = options->tls, .block = loop->block, .feed = host_feed };
    list_init(&loop->host.pump);
    list_init(&loop->host.open);
    now_sample(loop);
    uv_prepare_init(&loop->uv, &loop->prepare);
    loop->prepare.data = loop;
    uv_prepare_start(&loop->prepare, turn_end);
    uv_timer_init(&loop->uv, &loop->timer);
    loop->timer.data = loop;
    uv_timer_init(&loop->uv, &loop->end_timer);
    loop->end_timer.data = loop;
    signals_watch(loop);
    enum err err = dns_begin(loop, problem);
    if (err != ERR_OK)
        return err; /* the program ends: nothing to take back */
    struct store_thread_options store = { options->store, options->history, &loop->uv, context_feed, loop };
    loop->store = store_thread_new(&store);
    struct worker_options worker = { &loop->uv, options->disk, store_thread_source(loop->store), context_feed, loop };
    loop->worker = worker_new(&worker);
    *ret_loop = loop;
    return ERR_OK;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void end_expired(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

void loop_end(struct loop *loop)
{
    if (loop->ending)
        return;
    loop->ending = true;
    uv_timer_start(&loop->end_timer, end_expired, END_WAIT_MS, 0);
}

static void handle_close(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Connections first, by their own way, since they own memory; then all that is left. */
void loop_free(struct loop *loop)
{
    loop_listen_stop(loop);
    struct list_item *item;
    while ((item = list_first(&loop->host.open)) != NULL)
        connection_destroy_item(item);
    while (worker_busy(loop->worker))
        uv_run(&loop->uv, UV_RUN_ONCE);
    store_thread_free(loop->store);
    dns_free(loop->dns);
    uv_prepare_stop(&loop->prepare);
    uv_walk(&loop->uv, handle_close, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    worker_free(loop->worker);
    mem_free(loop->connections);
    buffer_done(&loop->line);
    mem_free(loop);
}

struct now loop_now(const struct loop *loop)
{
    return loop->now;
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

void loop_feed(struct loop *loop, const struct event *event)
{
    feed_engine(loop, event);
}

void loop_set_tls(struct loop *loop, struct tls_store *tls)
{
    loop->host.tls = tls;
}

enum err loop_set_resolvers(struct loop *loop, const struct dns_resolvers *resolvers, int64_t timeout_us)
{
    loop->options.dns_timeout_us = timeout_us;
    dns_watch_anew(loop);
    enum err err = dns_configure(loop->dns, resolvers);
    dns_timer_set(loop);
    return err;
}

struct store_thread *loop_store(struct loop *loop)
{
    return loop->store;
}
