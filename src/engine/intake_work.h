/* intake: what its two files share. intake.c: sessions, limits, logins, credit. intake_message.c: who may send what to whom, and
 * the message as it grows, streams and is committed. */
#pragma once

#include "engine/intake.h"
#include "engine/message.h"
#include "proto/header.h"
#include "proto/smtp_server.h"

enum {
    INTAKE_BIG_IN_FLIGHT_MAX = 2,
    INTAKE_TLS_TEXT_SIZE = 40,
    INTAKE_CLIENT_SIZE = 64,
};

/* What a transaction needs and an idle session does not. */
struct intake_message {
    struct message *message;
    struct header_scan header;
    uint64_t appended;        /* octets handed to the large file */
    uint8_t in_flight;        /* appends that are not answered */
    bool streaming;           /* its body goes to a file of its own */
    bool sent_first;          /* the first block is being appended: it goes with the next call */
    bool ended;               /* the last octet is here */
    bool finishing;           /* OP_BIG_FINISH is under way */
    bool committing;
    enum store_status trouble; /* of the large file; STORE_OK: none */
};

struct intake {
    struct machine machine;
    struct list_item item;
    struct handle handle;           /* of the connection, and of what the session asks for */
    struct smtp_server server;
    enum listener_kind listener;
    struct ip_address peer;
    struct slice account;           /* authenticated as, canonical; own memory */
    struct slice claimed;           /* the login being checked; own memory */
    struct slice password;          /* likewise; wiped when answered */
    bool password_asked, password_due, unknown_login;
    bool trusted;                   /* [Relay] Networks, or the unix socket */
    bool counted;                   /* among the sessions of its address */
    uint32_t granted;               /* octets of credit that have not come yet */
    uint32_t messages;              /* taken in, for the trace */
    char client[INTAKE_CLIENT_SIZE]; /* "[192.0.2.1]:4711", or the user of the unix socket */
    char address[INTAKE_CLIENT_SIZE];
    char tls_version[INTAKE_TLS_TEXT_SIZE], tls_cipher[INTAKE_TLS_TEXT_SIZE];
    struct intake_message *work;
};

struct slice intake_listener(const struct intake *s); /* its name in the log */
void intake_answer(struct engine *e, struct intake *s, const struct smtp_answer *answer);
void intake_trace_rejected(struct engine *e, const struct intake *s, enum stage stage, struct slice from, struct slice to,
                           const struct smtp_answer *answer);

/* ---- intake_message.c ---- */

void intake_mail(struct engine *e, struct intake *s, const struct smtp_mail *mail);
void intake_rcpt(struct engine *e, struct intake *s, const struct smtp_rcpt *rcpt);
void intake_body(struct engine *e, struct intake *s, struct slice bytes);
void intake_message_end(struct engine *e, struct intake *s);
void intake_message_abort(struct engine *e, struct intake *s);
/* The next operation of a large body; false when there is none now. */
bool intake_big_op(struct engine *e, struct intake *s, struct op *ret_op);
void intake_big_answer(struct engine *e, struct intake *s, const struct event_big *answer);
bool intake_big_full(const struct intake *s); /* reading from the client pauses */
