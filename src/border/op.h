/* The engine's border: operations it asks for and events it is told. Plain data, no pointers to behaviour.
 *
 * The driver (io/loop with its threads, or sim/world) feeds events, then drains operations until there are none.
 * Bytes of an event are valid during the feed; bytes of an operation until the next engine_next, except those of a
 * store commit, which stay until its results are fed, and of OP_MAILDIR and OP_PASSWORD, until answered.
 *
 * Handles: every asynchronous thing has a handle {slot, generation} made by the engine; an event with an old generation
 * is dropped by the engine, an operation with an old one by the driver. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/now.h"
#include "border/model.h"
#include "border/store.h"
#include "border/tls_facts.h"

struct handle {
    uint32_t slot;
    uint32_t generation; /* 0: no handle */
};

static inline bool handle_equal(struct handle a, struct handle b)
{
    return a.slot == b.slot && a.generation == b.generation;
}

enum {
    CREDIT_TURN_MAX = 64 << 10,  /* octets read from one connection in one turn */
    UNSENT_MAX = 256 << 10,      /* octets a machine may have unsent on a connection */
    DNS_RECORDS_MAX = 64,        /* of one answer; the rest is cut off and said so */
    INFLIGHT_SLOTS = 4096,
};

/* An IP address; port in host order. */
struct ip_address {
    uint8_t family;   /* 4, 6; 0: none */
    uint8_t octets[16];
    uint16_t port;
};

enum listener_kind {
    LISTENER_RELAY,
    LISTENER_SUBMISSION,
    LISTENER_SUBMISSIONS, /* implicit TLS */
    LISTENER_LOCAL,       /* unix socket: sendmail; the peer's user is known */
};

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52, DNS_PTR = 12 };

enum dns_status {
    DNS_OK,       /* records follow, possibly none left after cutting */
    DNS_NODATA,   /* authoritative: the name exists, the type does not */
    DNS_NXDOMAIN, /* authoritative */
    DNS_TEMP,     /* SERVFAIL, REFUSED, timeout, bogus */
};

/* ---- operations: what the engine asks the driver to do ---- */

enum op_kind {
    OP_NONE,
    OP_CONNECT,     /* answered by EVENT_CONNECTED or EVENT_CLOSED */
    OP_SEND,        /* bytes to write; EVENT_SENT as they leave */
    OP_CREDIT,      /* the driver may read that many more octets and feed them */
    OP_START_TLS,   /* answered by EVENT_TLS_UP or EVENT_TLS_FAILED; what was read before is not given to TLS. Credit stays:
                       clear text may follow EVENT_TLS_UP at once */
    OP_CLOSE,       /* flush what was sent, then close; the handle is dead from now on, no EVENT_CLOSED follows */
    OP_DNS,         /* answered by EVENT_DNS */
    OP_COMMIT,      /* a batch to the store, one at a time; answered by EVENT_COMMITTED */
    OP_BIG_APPEND,  /* bytes for the large body of id, in order; at most two unanswered; EVENT_BIG */
    OP_BIG_FINISH,  /* sync file and folder; EVENT_BIG */
    OP_BIG_ABORT,   /* remove it; not answered */
    OP_LOAD,        /* read the envelope of a stub; EVENT_LOADED */
    OP_BODY_READ,   /* EVENT_BODY */
    OP_PASSWORD,    /* compare a password with an argon2id hash on a worker; EVENT_PASSWORD */
    OP_MAILDIR,     /* deliver to a Maildir on a worker; EVENT_MAILDIR */
    OP_INFLIGHT,    /* set or clear a slot of the mapped table; not answered */
    OP_LISTEN,      /* stop or resume accepting connections (too many sessions) */
    OP_TRACE,       /* one structured event: the log line, counter and history; not answered */
    OP_REPLY,       /* the answer to an EVENT_REQUEST */
};

struct op_connect {
    struct ip_address address;
    int64_t timeout_us;
};

struct op_send {
    struct slice bytes;
};

struct op_start_tls {
    bool server;              /* our role */
    struct slice name;        /* client: SNI and the name to match; server: "" */
    bool name_is_address;     /* match an IP address in the certificate, no SNI */
    struct slice session_key; /* client: policy's key for resumption (host, port, demand, credential, TLSA digest) */
    const struct slice *tlsa; /* DANE: RDATA of each record, validated; none: no DANE */
    size_t tlsa_count;
};

struct op_close {
    bool abort; /* reset, do not flush */
};

struct op_dns {
    struct slice name; /* A-labels, no dot at the end */
    enum dns_type type;
};

struct op_commit {
    const struct store_item *items;
    uint32_t count;
};

struct op_big {
    uint64_t id;
    uint64_t offset;
    struct slice bytes;
};

struct op_load {
    uint64_t id;
    struct record_ref envelope;
};

struct op_body_read {
    uint64_t id;
    struct body_ref body;
    uint64_t offset; /* within the body */
    uint32_t size;   /* at most STORE_CHUNK_SIZE */
};

struct op_password {
    struct slice hash;     /* argon2id, "" for an unknown account: the driver spends the same time */
    struct slice password; /* wiped by the driver after use */
};

struct op_maildir {
    uint64_t id;
    struct slice domain;    /* lower case, checked: no slash, no leading dot */
    struct slice localpart; /* likewise, canonical */
    struct slice prefix;    /* Return-Path and Delivered-To fields, ends with CRLF */
    struct body_ref body;
    struct slice body_bytes; /* the whole body where it is in memory, else empty and read by the driver */
    uint32_t recipient;      /* with the id it names the file: a second delivery replaces the first */
};

struct op_inflight {
    uint32_t slot;   /* below INFLIGHT_SLOTS */
    uint64_t id;     /* 0 clears the slot */
    bool dot_sent;
};

struct trace_event; /* engine/trace.h */

struct op_reply {
    uint64_t tag;
    const void *answer; /* by the kind of request, see engine/engine.h */
};

struct op {
    enum op_kind kind;
    struct handle handle; /* of the connection, lookup, load ... */
    union {
        struct op_connect connect;
        struct op_send send;
        uint32_t credit;
        struct op_start_tls start_tls;
        struct op_close close;
        struct op_dns dns;
        struct op_commit commit;
        struct op_big big;
        struct op_load load;
        struct op_body_read body_read;
        struct op_password password;
        struct op_maildir maildir;
        struct op_inflight inflight;
        bool listen;
        const struct trace_event *trace;
        struct op_reply reply;
    };
};

/* ---- events: what the driver tells the engine ---- */

enum event_kind {
    EVENT_NONE,
    EVENT_TICK,        /* a deadline has come; always harmless */
    EVENT_CONNECTED,
    EVENT_RECEIVED,    /* bytes, at most what was granted */
    EVENT_SENT,        /* octets that have left (been accepted by the kernel) since the last one */
    EVENT_CLOSED,      /* by the peer or by failure; the handle is dead */
    EVENT_TLS_UP,
    EVENT_TLS_FAILED,  /* the handshake failed; the connection is unusable and to be closed by the engine */
    EVENT_DNS,
    EVENT_COMMITTED,
    EVENT_BIG,
    EVENT_LOADED,
    EVENT_BODY,
    EVENT_PASSWORD,
    EVENT_MAILDIR,
    EVENT_STUBS,       /* a slice of the queue at start; the last one says so */
    EVENT_INFLIGHT,    /* at start: a slot that an unclean end has left */
    EVENT_MOVED,       /* the store has copied bodies or envelopes of a segment elsewhere */
    EVENT_STORE_STATE,
    EVENT_CONFIG,      /* a new configuration is in force; the old one is freed after the feed */
    EVENT_REQUEST,     /* from the control socket, see engine/engine.h */
    EVENT_STOP,        /* no new sessions or attempts; engine_stopped() tells when nothing is in flight */
};

enum close_reason {
    CLOSE_PEER,        /* end of stream */
    CLOSE_RESET,
    CLOSE_REFUSED,     /* connect */
    CLOSE_TIMEOUT,     /* connect */
    CLOSE_UNREACHABLE, /* connect: no route, no such family */
    CLOSE_LOCAL,       /* a limit or failure here: descriptors, memory */
};

struct event_connected {
    struct ip_address local; /* our own address on it */
};

struct event_tls_up {
    const struct tls_facts *facts;
};

struct event_dns {
    enum dns_status status;
    bool secure;            /* DNSSEC-validated */
    bool bogus;
    int64_t ttl_us;
    struct slice canonical; /* the name after CNAMEs */
    struct slice error;     /* in words, for DNS_TEMP */
    const struct slice *rdata; /* wire format, as proto/dns_record reads it */
    size_t count;
};

struct event_committed {
    const struct store_result *results;
    uint32_t count;
};

struct event_big {
    uint64_t id;
    bool finished; /* the answer to OP_BIG_FINISH */
    enum store_status status;
};

struct event_loaded {
    uint64_t id;
    enum err err; /* ERR_CORRUPT: quarantine it */
    struct slice envelope;
};

struct event_body {
    uint64_t id;
    enum err err;
    uint64_t offset;
    struct slice bytes;
};

struct event_password {
    bool matched;
};

struct event_maildir {
    enum err err; /* ERR_DISK_FULL, ERR_IO: temporary */
};

struct event_stubs {
    const struct store_stub *stubs;
    uint32_t count;
    bool last;
};

struct event_inflight {
    uint64_t id;
    bool dot_sent;
};

struct store_move {
    uint64_t id;
    struct record_ref envelope; /* where they lie now */
    struct body_ref body;
};

struct event_moved {
    const struct store_move *moves;
    uint32_t count;
};

struct config;   /* config/config.h */
struct accounts; /* config/account.h */

struct event_config {
    const struct config *config;
    const struct accounts *accounts;
    struct slice refusal_phrases; /* the data file of A13; valid during the call */
};

struct engine_request; /* engine/engine.h */

struct event {
    enum event_kind kind;
    struct handle handle;
    union {
        struct event_connected connected;
        struct slice received;
        uint32_t sent;
        struct {
            enum close_reason reason;
        } closed;
        struct event_tls_up tls_up;
        struct slice tls_failed; /* in words */
        struct event_dns dns;
        struct event_committed committed;
        struct event_big big;
        struct event_loaded loaded;
        struct event_body body;
        struct event_password password;
        struct event_maildir maildir;
        struct event_stubs stubs;
        struct event_inflight inflight;
        struct event_moved moved;
        struct store_state store_state;
        struct event_config config;
        const struct engine_request *request;
    };
};
