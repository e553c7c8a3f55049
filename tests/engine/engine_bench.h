/* A bench for the whole engine: engine_new, and a driver that carries out every operation against scripted servers, a table of
 * names, a store in memory and Maildirs that only count, with a clock that the test moves. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "config/account.h"
#include "config/config.h"
#include "engine/alert.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/settle.h"
#include "policy/rule.h"

enum { SERVERS_MAX = 8, PEERS_MAX = 64, NAMES_MAX = 64, STORED_MAX = 400, HELD_MAX = 64 };

/* How the servers of one address behave. A reply NULL: the usual one; "": silence; "!": the connection is closed. RCPT of an
 * address with "bad" in it gets 550, with "busy" in it 450. */
struct server {
    int connect;              /* 0: accepts; 1 + enum close_reason: fails; -1: the driver never says anything */
    const char *greeting, *offers, *auth, *mail, *rcpt, *data, *dot;
    uint32_t connections, messages;
    struct buffer log;        /* the command lines, "|" between them; "<body>" for a message */
    struct buffer body;       /* of the last message */
};

struct peer {
    struct handle handle;
    struct server *server;    /* NULL: a client of ours */
    bool used, connecting, in_data, closing;
    struct buffer in, out;    /* to the peer; to the engine, not fed yet */
    uint32_t credit, unsent;
};

struct name {
    const char *name, *data;  /* data: "192.0.2.1", "10 mx.a.test" */
    enum dns_type type;
    enum dns_status status;
    bool silent;              /* never answered */
    uint32_t asked;
};

struct stored {
    uint64_t id;
    enum queue_kind queue;
    int64_t due_us;
    bool ended;
    struct buffer envelope, body;
    uint32_t settles;
};

struct bench {
    struct engine *e;
    struct config *config;
    struct accounts *accounts;
    struct now now;
    struct server servers[SERVERS_MAX]; /* 192.0.2.N */
    struct peer peers[PEERS_MAX];
    struct name names[NAMES_MAX];
    uint32_t name_count, lookups;
    struct stored stored[STORED_MAX];
    uint32_t stored_count;
    /* the store */
    bool store_silent;        /* commits are not answered until bench_store_answers */
    enum store_status store_status;
    struct handle commit;
    struct store_result results[STORE_BATCH_ITEMS_MAX];
    uint32_t result_count;
    uint32_t submits, settles, ends, batches;
    enum err load_err, read_err, maildir_err;
    bool maildir_silent;
    struct handle maildir;
    uint32_t loads, reads, maildirs;
    uint32_t inflight, dots;  /* slots in use; marks of a dot */
    uint64_t inflight_id[INFLIGHT_SLOTS];
    /* large bodies */
    struct handle big[HELD_MAX];
    struct op_big big_op[HELD_MAX];
    bool big_finish[HELD_MAX];
    uint32_t big_count, big_aborts;
    bool big_silent;
    enum store_status big_status;
    struct buffer big_body;   /* of the last large one */
    struct buffer traces;     /* the lines of the log */
    uint64_t reply_tag;       /* of the last OP_REPLY */
    uint32_t replies;
    enum request_order_result order_results[8]; /* of the last order */
    uint32_t order_count;
    void (*on_reply)(const struct engine_answer *answer); /* what it points to is the turn's */
};

extern struct bench b;

/* settings: lines of facteur.ini in addition, "[Delivery]\nMode = smarthost\n..."; accounts: accounts.ini. */
void bench_init(const char *settings, const char *accounts);
void bench_configure(const char *settings); /* another configuration comes into force */
void bench_restart(bool unclean); /* the engine ends; a new one loads what the store has, and what was in flight */
void bench_done(void);
void run(void);        /* until nobody has anything to say */
void pass(int64_t us); /* time, with everything that comes due in it */
void bench_store_answers(void);

void name_add(const char *name, enum dns_type type, const char *data);
void name_fails(const char *name, enum dns_type type, enum dns_status status, bool silent);
/* domain. MX 10 mx.domain. at 192.0.2.N */
void domain_at(const char *domain, const char *mx, uint32_t server);

/* A message that the store has: recipients separated by blanks. Its id; it is due. */
uint64_t message_put(const char *sender, const char *recipients);
uint64_t message_put_body(const char *sender, const char *recipients, struct slice body, bool in_memory);
struct stored *stored_find(uint64_t id); /* NULL when there is none */
struct stored *stored_notice(uint64_t cause_id); /* the last notice about it, NULL */
/* The envelope that the store has; valid until the next call. */
const struct envelope *stored_envelope(uint64_t id);
void stored_replace(uint64_t id, const struct envelope *envelope);
enum recipient_state stored_state(uint64_t id, uint32_t recipient);
bool traced(const char *text); /* some line of the log has it */
uint32_t traced_count(const char *text);
void order(enum settle_order order, uint64_t id);
uint32_t alerts(uint16_t rule); /* how many stand, of a rule */

/* Clients of the listeners. */
struct peer *client_new(enum listener_kind listener, const char *address);
void client_say(struct peer *client, const char *text); /* and run */
void client_say_bytes(struct peer *client, struct slice bytes);
void client_heard(struct peer *client, const char *text); /* all that was answered since, exactly */
bool client_heard_some(struct peer *client, const char *text); /* it occurs in it; what was answered is forgotten */

/* Shared by the bench's files. */
struct stored *stored_new(uint64_t id);
struct peer *peer_new(struct handle handle);
