/* Stands between smtp_server and whoever drives it in a test, and asserts what smtp_server.h promises about the order of
 * its outputs, whatever the input: questions one at a time, exactly one of MESSAGE_END and MESSAGE_ABORT after every
 * accepted MAIL, a canonical body within its limit, replies of the right form, credit, memory, deadlines.
 *
 * Asserts rather than reports: it serves cmocka tests and fuzz targets alike. */
#pragma once

#include "proto/smtp_server.h"

struct watch {
    const struct smtp_server *server;
    enum smtp_server_output_kind question; /* open; SMTP_SERVER_NOTHING: none */
    bool tls;
    bool handshake; /* START_TLS was output */
    bool authenticated;
    bool mail;   /* accepted, and not ended yet */
    bool body;   /* a BODY of this message was output */
    bool closed; /* CLOSE was output */
    bool lost;
    bool reply_open; /* the last SEND ended within a multi-line reply: never */
    char before;     /* the last octet of the body so far; LF at its start */
    uint32_t recipients;
    uint32_t mails, ends, aborts;
    uint32_t unsent;
    uint64_t body_size;
};

void watch_init(struct watch *w, const struct smtp_server *s);
void watch_input(struct watch *w, const struct smtp_server_input *input);    /* before each feed */
void watch_output(struct watch *w, const struct smtp_server_output *output); /* after each next that gave true */
void watch_drained(struct watch *w);                                         /* after each next that gave false */
void watch_end(struct watch *w); /* after the last drain: closed or lost, and every message accounted for */
