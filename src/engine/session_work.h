/* session: what its three files share. session_pool.c: groups, lines, who gets which session. session.c: one session as a
 * machine: its connection, TLS, the dialogue's outputs. session_mail.c: the transactions that it carries.
 *
 * A transaction is in one place at a time:
 *   OUT      its owner's
 *   KNOWN    its outcome is remembered; the pool's machine tells it
 *   PACE     waits for the destination's pace
 *   LINE     in group->line: for a session, patiently
 *   ASKED    in group->asked: for a session, or the connection that it has asked the destination for
 *   CARRIED  a session has it, being opened for it or open */
#pragma once

#include "base/heap.h"
#include "base/table.h"
#include "engine/session.h"
#include "proto/ip.h"
#include "proto/smtp_client.h"

enum transaction_stage {
    TRANSACTION_OUT,
    TRANSACTION_KNOWN,
    TRANSACTION_PACE,
    TRANSACTION_LINE,
    TRANSACTION_ASKED,
    TRANSACTION_CARRIED,
};

struct session_group {
    struct list_item of_pool;
    struct slice key, account, user, password; /* one block behind this struct; the last two are wiped with it */
    struct list hungry;         /* sessions that would take one behind a dot */
    struct list idle;           /* the one used last first */
    struct list line, asked;    /* struct transaction */
    uint32_t waiting;           /* in both */
    uint32_t sessions, busy;    /* busy: opening, or with a transaction */
    uint32_t members;           /* transactions that name it */
    struct heap_item patience;  /* while the line has somebody */
    bool login;                 /* user and password are said */
    bool retired;               /* of an earlier configuration */
};

struct sessions {
    struct machine machine;
    struct table by_key;        /* groups that are not retired */
    struct list groups;
    struct list all;            /* sessions */
    struct list idle;           /* sessions, the one idle longest first */
    struct list known;          /* transactions */
    struct heap patience;
    uint32_t idle_count, open;
    struct buffer key, words;   /* scratch */
};

enum session_state {
    SESSION_STATE_CONNECT,    /* OP_CONNECT is to be given out */
    SESSION_STATE_CONNECTING,
    SESSION_STATE_OPENING,    /* the dialogue has begun */
    SESSION_STATE_READY,
    SESSION_STATE_LEAVING,    /* takes nothing any more: QUIT, or what ends the dialogue */
    SESSION_STATE_CLOSED,
    SESSION_STATE_COUNT,
};

enum { SESSION_CARRIED_MAX = SMTP_CLIENT_IN_FLIGHT_MAX };

/* A transaction in a session; its memory is kept for the next ones. The dialogue reads `order` and `recipients` until its END. */
struct carried {
    struct transaction *t;      /* NULL: cancelled */
    uint64_t tag;
    struct smtp_client_transaction order;
    struct smtp_client_recipient *recipients;
    uint32_t capacity;
    void *kept;                 /* cancelled: copies of what order and recipients point to */
    int64_t since_us;           /* since when its first octets are awaited, 0 while they are not */
    bool fed;                   /* the dialogue has it */
    bool opener;                /* the connection was opened for it */
    bool reused;                /* others were fed before */
    bool asked;                 /* the dialogue waits for asked_size octets of the body from asked_offset on */
    bool works;                 /* the destination was told that it works */
    bool unhappy;               /* not all is well: a transcript is wanted */
    uint32_t stale;             /* results swallowed because the session is stale */
    uint64_t asked_offset;
    uint32_t asked_size;
};

struct session {
    struct machine machine;
    struct list_item of_all;
    struct list_item of_group;  /* in its group's hungry or idle list */
    struct list_item of_idle;   /* in the pool's */
    struct session_group *group;
    struct destination *destination; /* in whose name it is counted */
    enum session_state state;
    struct handle handle;
    enum candidate_kind kind;
    struct tls_plan plan;
    struct ip_address address;
    struct slice host, our_name; /* in block */
    void *block;
    char address_text[IP_TEXT_SIZE], own_text[IP_TEXT_SIZE];
    int64_t connect_timeout_us, connect_until_us;
    struct smtp_client_login login;
    struct smtp_client client;
    bool client_up;             /* it was initialised */
    bool drained;               /* it has said that there is nothing more since it was last fed */
    bool busy;                  /* counted in group->busy */
    bool gone;                  /* the handle is dead at the driver's */
    bool quit, drop;            /* to be ended: with QUIT, without a word */
    bool dropped;               /* that was done */
    bool greeted, ourselves;    /* the banner was looked at; it has our name */
    bool lost;                  /* the end is held back until all octets are fed */
    enum outcome_cause lost_cause;
    uint32_t credit_due;        /* taken in since the last grant */
    bool counted;               /* in its group, its destination, the pool */
    uint64_t tag;               /* of the last one carried */
    uint64_t fed_count;         /* transactions given to the dialogue */
    struct carried carried[SESSION_CARRIED_MAX];
    uint8_t carried_first, carried_count;
};

/* ---- session_pool.c ---- */

/* Among what waits in its group the first that it may take, out of the line; NULL. */
struct transaction *pool_take(struct engine *e, struct session *s);
/* It has nothing to do, or would take one behind a dot. */
void pool_hungry(struct engine *e, struct session *s);
void pool_idle(struct engine *e, struct session *s);
void pool_leave_lists(struct engine *e, struct session *s); /* out of those two */
void pool_busy(struct session *s, bool busy);
/* Back to the pool: a stale session had it, or TLS has failed (t->clear). */
void pool_again(struct engine *e, struct transaction *t);
/* t is its owner's again from here on. */
void pool_tell(struct engine *e, struct transaction *t, uint32_t recipient, const struct outcome *outcome, bool too_many,
               bool dsn);
void pool_end(struct engine *e, struct transaction *t, const struct transaction_end *end);
/* The same outcome for every recipient, and the end. */
void pool_tell_all(struct engine *e, struct transaction *t, const struct outcome *outcome,
                   const struct transaction_end *end);
void pool_group_leave(struct engine *e, struct session_group *g); /* freed when nothing is left in it */
/* The plan as it is carried out: t->clear. */
void pool_plan(const struct transaction *t, struct tls_plan *ret_plan);

/* ---- session.c ---- */

/* A connection for t, which the destination has counted. */
void session_open(struct engine *e, struct transaction *t);
void session_set_state(struct session *s, enum session_state state);
void session_quit(struct engine *e, struct session *s); /* an idle one */
void session_drop(struct engine *e, struct session *s); /* without a word */
struct outcome session_outcome(const struct engine *e, const struct session *s, enum outcome_class class,
                               enum stage stage, enum outcome_cause cause);

/* ---- session_mail.c ---- */

void carried_bind(struct engine *e, struct session *s, struct transaction *t, bool opener);
/* What the carried transactions need: they are fed to the dialogue, asked bodies are given. */
void carried_step(struct engine *e, struct session *s);
bool carried_body(struct engine *e, struct session *s, const struct event *event);
void carried_need(struct engine *e, struct session *s, const struct smtp_client_need_body *need);
void carried_result(struct engine *e, struct session *s, const struct smtp_client_result *result);
void carried_end(struct engine *e, struct session *s, const struct smtp_client_end *end);
/* The connection, or its opening, has failed: whoever was not fed yet. clear: tried again in clear (A41). */
void carried_failed(struct engine *e, struct session *s, const struct outcome *outcome, bool clear);
/* The session has closed: whoever was not fed yet. */
void carried_closed(struct engine *e, struct session *s, const struct outcome *reason);
void carried_cancel(struct engine *e, struct session *s, struct transaction *t);
void carried_tick(struct engine *e, struct session *s); /* bodies that do not come */
int64_t carried_deadline_us(const struct session *s);
/* It would take another one: all it has are fed, and the dialogue accepts. */
bool carried_accepts(const struct session *s);
void carried_done(struct engine *e, struct session *s); /* the engine ends */
