/* The server's side of a SASL dialogue: PLAIN (RFC 4616) and LOGIN, as lines of base64 (RFC 4954 4). It ends with a
 * login and a password, which somebody else compares; it compares nothing itself.
 *
 * Owned by smtp_server's work area. Holds the secret from the client's answer until sasl_server_done, which wipes it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    SASL_SERVER_LOGIN_SIZE_MAX = 320,     /* of the login and of the authorization identity each */
    SASL_SERVER_PASSWORD_SIZE_MAX = 1024,
};

enum sasl_server_mechanism { SASL_SERVER_NONE, SASL_SERVER_PLAIN, SASL_SERVER_LOGIN };

enum sasl_server_step {
    SASL_SERVER_CHALLENGE,   /* send the challenge after "334 " */
    SASL_SERVER_COMPLETE,    /* login and password are there */
    SASL_SERVER_CANCELLED,   /* the client sent "*" */
    SASL_SERVER_MALFORMED,   /* no base64, or not what the mechanism has, or too long */
};

struct sasl_server {
    enum sasl_server_mechanism mechanism;
    bool login_known; /* LOGIN: the next answer is the password */
    uint16_t authzid_size, login_size, password_size;
    char authzid[SASL_SERVER_LOGIN_SIZE_MAX];
    char login[SASL_SERVER_LOGIN_SIZE_MAX];
    char password[SASL_SERVER_PASSWORD_SIZE_MAX];
};

#define SASL_SERVER_MECHANISMS "PLAIN LOGIN" /* as EHLO lists them */

enum sasl_server_mechanism sasl_server_mechanism_of(struct slice name); /* in any case; NONE: not known */
const char *sasl_server_mechanism_name(enum sasl_server_mechanism mechanism);

void sasl_server_init(struct sasl_server *s, enum sasl_server_mechanism mechanism);
void sasl_server_done(struct sasl_server *s); /* wipes */
/* The command itself: initial has NULL data where there was no initial response, and is "=" for an empty one.
 * ret_challenge (static, base64, may be "") is set with SASL_SERVER_CHALLENGE only. */
enum sasl_server_step sasl_server_begin(struct sasl_server *s, struct slice initial, struct slice *ret_challenge);
/* A line of the client's. */
enum sasl_server_step sasl_server_feed(struct sasl_server *s, struct slice line, struct slice *ret_challenge);
