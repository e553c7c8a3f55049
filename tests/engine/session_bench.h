/* A bench for sessions: the engine's frame with destinations and sessions, an owner of transactions in the place of the
 * attempts, a driver that carries out every operation against scripted servers, and a clock that the test moves.
 *
 * The driver checks what a driver may rely on: nothing is said on a handle that is dead or not connected, no octet is fed that
 * was not granted, OP_INFLIGHT with dot_sent comes before the dot. The owner checks that every recipient gets one result,
 * before one end, and that a cancelled transaction hears nothing. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/random.h"
#include "config/config.h"
#include "engine/queue.h"
#include "engine/session.h"

enum { SERVERS_MAX = 8, PEERS_MAX = 600, LETTERS_MAX = 2000, RECIPIENTS_MAX = 8 };

/* How the servers of one address behave. A reply NULL: the usual one; "": silence; "!": the connection is closed. */
struct server {
    int connect;              /* 0: accepts; 1 + enum close_reason: fails; -1: the driver never says anything */
    const char *greeting, *ehlo, *offers, *starttls, *auth, *mail, *rcpt, *data, *dot, *quit;
    int tls;                  /* 0: verified; 1: not verified; 2: the handshake fails; 3: the connection is lost in it */
    uint32_t close_after;     /* closes each connection after so many messages, 0: never */
    const char *stale;        /* its answer to MAIL on a connection that has had a message */
    bool mute;                /* what it says stays with it */
    bool sticky;              /* takes no octet: nothing leaves */
    /* what it has seen */
    uint32_t connections, open, messages, commands;
    struct buffer log;        /* the command lines, "|" between them; "<body>" for a message */
    struct buffer body;       /* of the last message */
};

struct peer {
    struct handle handle;
    struct server *server;
    bool used, connecting, up, tls, tls_asked, in_data, closing;
    struct buffer in, out;    /* to the server, not read yet; to the engine, not fed yet */
    uint32_t credit, unsent, messages;
    struct op_connect connect;
    bool name_is_address;     /* of START_TLS */
    char name_text[300];
};

struct letter {
    struct transaction t;
    struct candidate candidate;
    uint32_t recipients[RECIPIENTS_MAX];
    struct outcome outcomes[RECIPIENTS_MAX]; /* slices are gone but for text */
    char texts[RECIPIENTS_MAX][200];
    bool too_many[RECIPIENTS_MAX], dsn[RECIPIENTS_MAX], told[RECIPIENTS_MAX];
    uint32_t told_count, ends;
    bool submitted, cancelled, dot_sent, mail_answered;
    char transcript[2000], own_address[64];
};

struct bench {
    struct engine engine;
    struct config config;
    struct queue queue;
    struct machine owner;
    struct server servers[SERVERS_MAX]; /* 192.0.2.N */
    struct peer peers[PEERS_MAX];
    struct letter letters[LETTERS_MAX];
    uint32_t letter_count, over_count;
    struct now now;
    uint32_t chunk;           /* octets fed at a time, 0: all */
    bool burst;               /* all that is there is fed, and the loss behind it, before the engine is drained */
    enum err read_err;        /* the store's answer */
    bool read_silent;
    uint32_t reads;
    struct handle read_handle;
    struct buffer stored;     /* the body that the store has */
    uint32_t dot_count;       /* OP_INFLIGHT with dot_sent */
    uint32_t message_count, ops;
    void (*on_end)(struct letter *letter);
};

extern struct bench b;

void bench_init(void);
void bench_done(void); /* everything is balanced */
void bench_end(void);  /* the engine ends in the middle of all */
void run(void);        /* until nobody has anything to say */
bool run_turns(uint32_t turns); /* false: nobody has */
void pass(int64_t us); /* time, with everything that comes due in it */

struct destination *destination(const char *name, bool smarthost);
/* A letter with recipients "r0@DOMAIN" ... to server N by way of destination `domain`. */
struct letter *letter_new(uint32_t server, const char *domain, uint32_t recipient_count);
void letter_body(struct letter *l, struct slice body, bool in_memory);
void smarthost(struct letter *l, const char *user, const char *password);
void submit(struct letter *l);
struct letter *letter_send(uint32_t server, const char *domain); /* one recipient, submitted and run */
void cancel(struct letter *l);
struct peer *peer_of(uint32_t server); /* its last connection that is open */
void peer_lose(struct peer *p);        /* the connection dies */

/* All recipients have that outcome, and the end has come. */
void expect(const struct letter *l, enum outcome_class class, enum stage stage, enum outcome_cause cause);
void expect_ok(const struct letter *l);
void expect_log(uint32_t server, const char *log);
