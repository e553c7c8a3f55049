/* Stands between smtp_client and whoever drives it in a test, and asserts what smtp_client.h promises, whatever the server
 * says: READY or FAILED once, exactly one RESULT a recipient and then END for every transaction that was fed, CLOSE last
 * and after all of them; in_doubt only between the dot and its answer; clean line ends (S02); credit, memory, deadlines.
 *
 * Asserts rather than reports: it serves cmocka tests and fuzz targets alike. */
#pragma once

#include "proto/smtp_client.h"

struct client_watch_mail {
    uint64_t tag;
    uint64_t taken;        /* octets of the body that were supplied */
    uint64_t size;
    bool exact;
    uint32_t count;        /* recipients */
    uint32_t told;
    uint32_t asked_size;   /* of the open NEED_BODY; 0: none is open */
    bool last;             /* all of the body was supplied */
    bool in_doubt;         /* a RESULT said so */
    bool seen[SMTP_CLIENT_RECIPIENTS_MAX];
};

struct client_watch {
    const struct smtp_client *client;
    struct client_watch_mail mails[SMTP_CLIENT_IN_FLIGHT_MAX]; /* the oldest first */
    uint32_t mail_count;
    uint32_t fed, ended;
    uint32_t on_wire;
    bool implicit;
    bool handshake;        /* START_TLS was output, and not answered */
    bool tls;
    bool ready, failed, closed, lost;
    bool abort;
    char before;           /* the last octet that was said */
};

void client_watch_init(struct client_watch *w, const struct smtp_client *c);
void client_watch_input(struct client_watch *w, const struct smtp_client_input *input);    /* before each feed */
void client_watch_output(struct client_watch *w, const struct smtp_client_output *output); /* after next gave true */
void client_watch_drained(struct client_watch *w);                                         /* after next gave false */
void client_watch_end(struct client_watch *w); /* closed, and every transaction accounted for */
/* Octets that the machine holds beside its struct. */
size_t client_watch_memory(const struct smtp_client *c);
