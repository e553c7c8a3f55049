#include "io/connection.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"

enum {
    LINGER_MS = 5000,             /* for the last octets, and for the peer's end after them */
    LINGER_DISCARD_MAX = 1 << 20, /* octets read and thrown away meanwhile, so that close does not reset */
    OUT_KEPT_MAX = 256,           /* of an idle connection: room for a reply */
    OUT_SIZE_MAX = 64 << 20,      /* a fault, not a limit: the engine keeps to UNSENT_MAX; TLS adds its framing */
};

struct connection {
    union {
        uv_handle_t uv;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct connection_host *host;
    struct list_item open_item;
    struct list_item pump_item;
    bool pumping; /* on the host's pump list */
    struct handle handle; /* generation 0: the engine does not know it (any more) */
    bool inbound;
    bool connecting;
    bool reading;
    bool engine_closed;
    bool closing;
    bool shut;   /* our direction has been ended */
    bool failed; /* EVENT_CLOSED is to be told */
    enum close_reason failure;
    bool tls_told;
    uint32_t credit;
    uint32_t sent;     /* plain octets that are out and not told */
    uint32_t unsent;   /* plain octets whose wire form is in `out` or in a write under way */
    struct tls *tls;
    struct buffer out; /* wire octets of this turn, or behind a write under way */
    struct write *writing;
    struct wait *wait; /* connect or linger timer */
    uint32_t discarded;
};

/* A write that the kernel did not take at once; owns its bytes. */
struct write {
    uv_write_t request;
    struct connection *connection;
    struct buffer bytes;
    uint32_t plain;
};

struct wait {
    uv_timer_t timer;
    uv_connect_t connect;
    struct connection *connection; /* NULL: it is gone, only the timer's close callback is awaited */
};

/* ---- addresses ---- */

struct ip_address ip_address_of(const struct sockaddr *address)
{
    struct ip_address ip = { 0 };
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        ip.family = 4;
        ip.port = ntohs(in->sin_port);
        memcpy(ip.octets, &in->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in->sin6_addr);
        ip.family = mapped ? 4 : 6;
        ip.port = ntohs(in->sin6_port);
        memcpy(ip.octets, in->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
    }
    return ip;
}

bool ip_address_equal(const struct ip_address *a, const struct ip_address *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

bool ip_address_to(const struct ip_address *address, struct sockaddr_storage *ret_address)
{
    struct sockaddr_storage storage = { 0 };
    if (address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)&storage;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->octets, 4);
    } else if (address->family == 6) {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)&storage;
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(address->port);
        memcpy(in->sin6_addr.s6_addr, address->octets, 16);
    } else {
        return false;
    }
    *ret_address = storage;
    return true;
}

/* ---- telling the engine ---- */

static void pump_later(struct connection *c)
{
    if (c->pumping)
        return;
    c->pumping = true;
    list_append(&c->host->pump, &c->pump_item);
}

static void feed(struct connection *c, struct event event)
{
    if (c->handle.generation == 0)
        return;
    event.handle = c->handle;
    c->host->feed(c->host, &event);
}

static void fail(struct connection *c, enum close_reason reason)
{
    if (c->failed)
        return;
    c->failed = true;
    c->failure = reason;
    pump_later(c);
}

static enum close_reason reason_of(int status)
{
    switch (status) {
    case UV_EOF:
        return CLOSE_PEER;
    case UV_ECONNREFUSED:
        return CLOSE_REFUSED;
    case UV_ETIMEDOUT:
        return CLOSE_TIMEOUT;
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_EADDRNOTAVAIL:
    case UV_EAFNOSUPPORT:
    case UV_EACCES:
    case UV_EPERM:
    case UV_EINVAL:
        return CLOSE_UNREACHABLE;
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOMEM:
    case UV_ENOBUFS:
        return CLOSE_LOCAL;
    default:
        return CLOSE_RESET;
    }
}

/* ---- the end ---- */

static void wait_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void wait_drop(struct connection *c)
{
    if (!c->wait)
        return;
    struct wait *wait = c->wait;
    c->wait = NULL;
    wait->connection = NULL;
    uv_close((uv_handle_t *)&wait->timer, wait_closed);
}

static void connection_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    tls_free(c->tls);
    buffer_done(&c->out);
    mem_free(c);
}

static void destroy(struct connection *c)
{
    if (c->closing)
        return;
    c->closing = true;
    if (c->engine_closed)
        c->host->lingering_count--;
    if (c->pumping) {
        c->pumping = false;
        list_remove(&c->host->pump, &c->pump_item);
    }
    list_remove(&c->host->open, &c->open_item);
    wait_drop(c);
    uv_close(&c->uv, connection_closed);
}

/* ---- out ---- */

static void out_flush(struct connection *c);

static void write_done(uv_write_t *request, int status)
{
    struct write *write = (struct write *)request;
    struct connection *c = write->connection;
    c->writing = NULL;
    uint32_t plain = write->plain;
    buffer_done(&write->bytes);
    mem_free(write);
    if (c->closing)
        return;
    if (status != 0) {
        if (c->engine_closed)
            destroy(c);
        else
            fail(c, reason_of(status));
        return;
    }
    c->sent += plain;
    c->unsent -= plain;
    pump_later(c);
    out_flush(c);
}

static void shutdown_done(uv_shutdown_t *request, int status)
{
    struct connection *c = request->data;
    mem_free(request);
    if (status != 0 || !c->inbound || c->failed)
        destroy(c);
}

static void linger_expired(uv_timer_t *timer)
{
    struct wait *wait = timer->data;
    if (wait->connection)
        destroy(wait->connection);
}

static void read_block(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_block);
static void read_some(uv_stream_t *stream, ssize_t size, const uv_buf_t *block);

/* Everything is out: end our direction; an inbound peer may still be sending, and a close now would reset the
 * connection under the last reply. */
static void linger(struct connection *c)
{
    uv_shutdown_t *request = mem_alloc(sizeof *request);
    request->data = c;
    c->shut = true;
    if (uv_shutdown(request, &c->stream, shutdown_done) != 0) {
        mem_free(request);
        destroy(c);
        return;
    }
    if (c->inbound && !c->reading && uv_read_start(&c->stream, read_block, read_some) == 0)
        c->reading = true;
}

/* Gives libuv what the kernel did not take at once. */
static void out_wait(struct connection *c)
{
    struct write *write = mem_alloc(sizeof *write);
    write->connection = c;
    write->bytes = c->out;
    write->plain = c->unsent;
    buffer_init(&c->out, OUT_SIZE_MAX);
    c->writing = write;
    uv_buf_t part = uv_buf_init(write->bytes.data, (unsigned)write->bytes.size);
    int status = uv_write(&write->request, &c->stream, &part, 1, write_done);
    if (status != 0) {
        c->writing = NULL;
        buffer_done(&write->bytes);
        mem_free(write);
        if (c->engine_closed)
            destroy(c);
        else
            fail(c, reason_of(status));
    }
}

/* What has gathered goes to the kernel in one call. One write under way at a time. */
static void out_flush(struct connection *c)
{
    if (c->writing || c->connecting || c->closing || c->failed)
        return;
    if (c->out.size > 0) {
        uv_buf_t part = uv_buf_init(c->out.data, (unsigned)c->out.size);
        int n = uv_try_write(&c->stream, &part, 1);
        if (n < 0 && n != UV_EAGAIN) {
            if (c->engine_closed)
                destroy(c);
            else
                fail(c, reason_of(n));
            return;
        }
        if (n > 0)
            buffer_consume(&c->out, (size_t)n);
    }
    if (c->out.size > 0) {
        out_wait(c);
        return;
    }
    if (c->out.capacity > OUT_KEPT_MAX)
        buffer_trim(&c->out);
    if (c->unsent > 0) {
        c->sent += c->unsent;
        c->unsent = 0;
        pump_later(c);
    }
    if (c->engine_closed && !c->shut)
        linger(c);
}

/* What TLS has to say joins what waits. */
static void tls_flush(struct connection *c)
{
    struct slice wire = tls_wire_out(c->tls);
    if (wire.size == 0)
        return;
    buffer_add(&c->out, wire);
    assert(!c->out.overflow);
    tls_wire_sent(c->tls, wire.size);
}

/* Many small outputs of one turn are one write: it happens in connection_pump. */
void connection_send(struct connection *c, struct slice bytes)
{
    if (c->failed || c->closing)
        return;
    if (c->tls) {
        if (!tls_write(c->tls, bytes)) {
            fail(c, CLOSE_RESET);
            return;
        }
        tls_flush(c);
    } else {
        buffer_add(&c->out, bytes);
        assert(!c->out.overflow);
    }
    c->unsent += (uint32_t)bytes.size;
    pump_later(c);
}

/* ---- in ---- */

static void read_block(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_block)
{
    (void)suggested;
    struct connection *c = handle->data;
    size_t size = CREDIT_TURN_MAX;
    if (!c->tls && !c->engine_closed && c->credit < size)
        size = c->credit;
    *ret_block = uv_buf_init(c->host->block, (unsigned)size);
}

static void reading_update(struct connection *c)
{
    bool want = (c->credit > 0 || (c->tls && tls_state(c->tls) == TLS_HANDSHAKE)) && !c->connecting && !c->failed;
    if (c->engine_closed || c->closing || want == c->reading)
        return;
    if (want && uv_read_start(&c->stream, read_block, read_some) != 0)
        fail(c, CLOSE_RESET);
    else if (!want)
        uv_read_stop(&c->stream);
    c->reading = want;
}

/* Plain text within the credit, and what TLS itself has to say. */
static void tls_pump(struct connection *c)
{
    enum tls_state state = tls_advance(c->tls);
    tls_flush(c);
    out_flush(c);
    if (state == TLS_UP && !c->tls_told) {
        c->tls_told = true;
        feed(c, (struct event){ .kind = EVENT_TLS_UP, .tls_up.facts = tls_facts(c->tls) });
    }
    if (state == TLS_BROKEN && !c->tls_told) {
        c->tls_told = true;
        feed(c, (struct event){ .kind = EVENT_TLS_FAILED, .tls_failed = tls_error(c->tls) });
        return;
    }
    while (c->credit > 0 && !c->engine_closed && state == TLS_UP) {
        size_t size = c->credit < CREDIT_TURN_MAX ? c->credit : CREDIT_TURN_MAX;
        size = tls_read(c->tls, c->host->block, size);
        state = tls_state(c->tls);
        if (size == 0)
            break;
        c->credit -= (uint32_t)size;
        feed(c, (struct event){ .kind = EVENT_RECEIVED, .received = slice(c->host->block, size) });
    }
    if (c->tls_told && (state == TLS_CLOSED || state == TLS_BROKEN))
        fail(c, state == TLS_CLOSED ? CLOSE_PEER : CLOSE_RESET);
}

static void read_ended(struct connection *c, ssize_t status)
{
    uv_read_stop(&c->stream);
    c->reading = false;
    if (c->tls && !c->tls_told && !c->engine_closed) {
        c->tls_told = true;
        feed(c, (struct event){ .kind = EVENT_TLS_FAILED, .tls_failed = SLICE("connection lost during the handshake") });
        return;
    }
    fail(c, reason_of((int)status));
}

static void read_some(uv_stream_t *stream, ssize_t size, const uv_buf_t *block)
{
    struct connection *c = stream->data;
    if (size == 0)
        return;
    if (c->engine_closed) {
        c->discarded += size > 0 ? (uint32_t)size : 0;
        if (size < 0 || c->discarded > LINGER_DISCARD_MAX)
            destroy(c);
        return;
    }
    if (size < 0) {
        read_ended(c, size);
        return;
    }
    if (c->tls) {
        tls_wire_in(c->tls, slice(block->base, (size_t)size));
        tls_pump(c);
    } else {
        assert((size_t)size <= c->credit);
        c->credit -= (uint32_t)size;
        feed(c, (struct event){ .kind = EVENT_RECEIVED, .received = slice(block->base, (size_t)size) });
    }
    reading_update(c);
}

void connection_credit(struct connection *c, uint32_t octets)
{
    c->credit += octets;
    if (c->tls)
        pump_later(c);
    reading_update(c);
}

void connection_start_tls(struct connection *c, const struct op_start_tls *op)
{
    assert(!c->tls);
    c->tls = tls_new(c->host->tls, op);
    pump_later(c);
    reading_update(c);
}

/* ---- beginning ---- */

static struct connection *connection_make(struct connection_host *host, enum connection_kind kind)
{
    struct connection *c = mem_alloc(sizeof *c);
    c->host = host;
    buffer_init(&c->out, OUT_SIZE_MAX);
    int status = kind == CONNECTION_TCP ? uv_tcp_init(host->uv, &c->tcp) : uv_pipe_init(host->uv, &c->pipe, 0);
    assert(status == 0);
    c->uv.data = c;
    list_append(&host->open, &c->open_item);
    return c;
}

static struct wait *wait_start(struct connection *c, uint64_t timeout_ms, uv_timer_cb expired)
{
    struct wait *wait = mem_alloc(sizeof *wait);
    wait->connection = c;
    uv_timer_init(c->host->uv, &wait->timer);
    wait->timer.data = wait;
    wait->connect.data = wait;
    uv_timer_start(&wait->timer, expired, timeout_ms, 0);
    c->wait = wait;
    return wait;
}

struct connection *connection_accept(struct connection_host *host, uv_stream_t *listener, enum connection_kind kind,
                                     struct ip_address *ret_peer, struct ip_address *ret_local)
{
    struct connection *c = connection_make(host, kind);
    c->inbound = true;
    if (uv_accept(listener, &c->stream) != 0) {
        destroy(c);
        return NULL;
    }
    if (kind == CONNECTION_TCP) {
        struct sockaddr_storage address = { 0 };
        int size = sizeof address;
        if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &size) == 0)
            *ret_peer = ip_address_of((struct sockaddr *)&address);
        size = sizeof address;
        if (uv_tcp_getsockname(&c->tcp, (struct sockaddr *)&address, &size) == 0)
            *ret_local = ip_address_of((struct sockaddr *)&address);
        uv_tcp_nodelay(&c->tcp, 1);
    }
    return c;
}

void connection_adopt(struct connection *c, struct handle handle)
{
    c->handle = handle;
}

static void connected(uv_connect_t *request, int status)
{
    struct wait *wait = request->data;
    struct connection *c = wait->connection;
    if (!c || c->closing || c->failed)
        return;
    wait_drop(c);
    c->connecting = false;
    if (status != 0) {
        fail(c, reason_of(status));
        return;
    }
    struct sockaddr_storage address = { 0 };
    int size = sizeof address;
    struct event event = { .kind = EVENT_CONNECTED };
    if (uv_tcp_getsockname(&c->tcp, (struct sockaddr *)&address, &size) == 0)
        event.connected.local = ip_address_of((struct sockaddr *)&address);
    uv_tcp_nodelay(&c->tcp, 1);
    reading_update(c);
    feed(c, event);
}

static void connect_expired(uv_timer_t *timer)
{
    struct wait *wait = timer->data;
    if (wait->connection)
        fail(wait->connection, CLOSE_TIMEOUT);
}

struct connection *connection_open(struct connection_host *host, struct handle handle, const struct op_connect *op,
                                   const struct ip_address *source)
{
    struct connection *c = connection_make(host, CONNECTION_TCP);
    c->handle = handle;
    c->connecting = true;
    struct wait *wait = wait_start(c, (uint64_t)(op->timeout_us / US_PER_MS) + 1, connect_expired);
    struct sockaddr_storage address;
    int status = ip_address_to(&op->address, &address) ? 0 : UV_EAFNOSUPPORT;
    struct sockaddr_storage from;
    if (status == 0 && source && ip_address_to(source, &from))
        status = uv_tcp_bind(&c->tcp, (struct sockaddr *)&from, 0);
    if (status == 0)
        status = uv_tcp_connect(&wait->connect, &c->tcp, (struct sockaddr *)&address, connected);
    if (status != 0)
        fail(c, reason_of(status));
    return c;
}

struct handle connection_handle(const struct connection *c)
{
    return c->handle;
}

int connection_descriptor(const struct connection *c)
{
    uv_os_fd_t descriptor = -1;
    uv_fileno(&c->uv, &descriptor);
    return descriptor;
}

void connection_close(struct connection *c, bool abort)
{
    assert(!c->engine_closed);
    out_flush(c); /* what was said in this turn is said, whatever follows */
    c->handle = (struct handle){ 0 };
    c->engine_closed = true;
    c->host->lingering_count++;
    if (abort || c->failed || c->connecting) {
        destroy(c);
        return;
    }
    wait_drop(c);
    wait_start(c, LINGER_MS, linger_expired);
    if (c->tls) {
        tls_shutdown(c->tls);
        tls_flush(c);
    }
    if (c->reading && !c->inbound) {
        uv_read_stop(&c->stream);
        c->reading = false;
    }
    out_flush(c);
}

/* ---- after the drain ---- */

static void connection_pump(struct connection *c)
{
    if (c->sent > 0) {
        uint32_t sent = c->sent;
        c->sent = 0;
        feed(c, (struct event){ .kind = EVENT_SENT, .sent = sent });
    }
    if (c->tls && !c->failed && !c->engine_closed) {
        tls_pump(c);
        reading_update(c);
    }
    if (c->failed && !c->engine_closed && c->handle.generation != 0) {
        struct event event = { .kind = EVENT_CLOSED, .closed.reason = c->failure };
        if (c->reading) {
            uv_read_stop(&c->stream);
            c->reading = false;
        }
        feed(c, event);
        c->handle.generation = 0;
        destroy(c);
    } else if (c->failed && c->engine_closed) {
        destroy(c);
    }
}

bool connection_pump_all(struct connection_host *host)
{
    bool any = false;
    struct list_item *item;
    while ((item = list_first(&host->pump)) != NULL) {
        struct connection *c = (struct connection *)((char *)item - offsetof(struct connection, pump_item));
        any = true;
        out_flush(c);
        if (c->closing)
            continue; /* and off the list */
        list_remove(&host->pump, item);
        c->pumping = false;
        connection_pump(c);
    }
    return any;
}

void connection_destroy_item(struct list_item *open_item)
{
    destroy((struct connection *)((char *)open_item - offsetof(struct connection, open_item)));
}
