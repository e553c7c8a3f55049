/* What the two halves of a receiving server share: world_server.c has the octets, world_server_verb.c what they mean. */
#pragma once

#include "base/arena.h"
#include "sim/world.h"
#include "sim/world_host.h"

enum {
    SERVER_LINE_MAX = 2048,
    SERVER_IN_MAX = 64 << 20,
    SERVER_TEXT_MAX = 64 << 20,
    SERVER_RECIPIENTS_MAX = 100,
};

enum server_state { SERVER_COMMANDS, SERVER_TEXT, SERVER_LEAVING, SERVER_SILENT };

struct server {
    struct link *link;
    struct host host;
    char name[24];
    enum server_state state;
    bool greeted, ehlo, tls, starting_tls, mail, body_8bit, null_sender;
    int login;                     /* SIM_LOGIN_NONE before */
    char sender[128];
    struct arena arena;            /* of a transaction's recipients; the dotted one's stay */
    struct slice recipients[SERVER_RECIPIENTS_MAX], parameters[SERVER_RECIPIENTS_MAX];
    uint32_t recipient_count, asked_count;
    uint64_t size_said;
    struct buffer in, out, text;
    struct happening slow, bye;
    int64_t bye_after_us;
    uint64_t sent_total;
    bool dotted;                   /* a message was taken on this connection; the last one: */
    uint64_t dot_answer_at;        /* sent_total behind its answer; 0: none is given */
    struct arrival dotted_arrival;
    struct slice dotted_recipients[SERVER_RECIPIENTS_MAX];
    uint32_t dotted_count;
};

void server_work(struct world *world, struct server *s);
void server_reply(struct world *world, struct server *s, const char *text);
void server_leave(struct world *world, struct server *s); /* after what was answered has arrived */
void server_reset(struct world *world, struct server *s);
void server_doubt(struct world *world, struct server *s);
void server_command(struct world *world, struct server *s, struct slice line);
void server_dot(struct world *world, struct server *s);
enum host_whim server_whim(struct world *world, const struct server *s, enum host_stage stage);
