/* The client's side of one login: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), SCRAM (RFC 5802, 7677, with and without
 * channel binding: RFC 5929, 9266), XOAUTH2, OAUTHBEARER (RFC 7628). Plain octets in and out; base64 and the SMTP around
 * it are the caller's.
 *
 * Credentials are slices that the owner keeps until sasl_client_done; responses are valid until the next call and are
 * wiped then. Nothing random is drawn here: the nonce is an input. Passwords are taken as the octets that they are
 * (no SASLprep: ASCII is unchanged by it, and servers in the field compare octets). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum sasl_mechanism { /* strongest first: the order in which they are tried */
    SASL_SCRAM_SHA_256_PLUS,
    SASL_SCRAM_SHA_1_PLUS,
    SASL_SCRAM_SHA_256,
    SASL_SCRAM_SHA_1,
    SASL_CRAM_MD5,
    SASL_OAUTHBEARER,
    SASL_XOAUTH2,
    SASL_PLAIN,
    SASL_LOGIN,
    SASL_MECHANISM_COUNT,
};

#define SASL_PASSWORD_MECHANISMS \
    (1u << SASL_SCRAM_SHA_256_PLUS | 1u << SASL_SCRAM_SHA_1_PLUS | 1u << SASL_SCRAM_SHA_256 | 1u << SASL_SCRAM_SHA_1 | \
     1u << SASL_CRAM_MD5 | 1u << SASL_PLAIN | 1u << SASL_LOGIN)
#define SASL_TOKEN_MECHANISMS (1u << SASL_OAUTHBEARER | 1u << SASL_XOAUTH2)
#define SASL_BINDING_MECHANISMS (1u << SASL_SCRAM_SHA_256_PLUS | 1u << SASL_SCRAM_SHA_1_PLUS)

enum {
    SASL_CHALLENGE_SIZE_MAX = 8 << 10, /* decoded */
    SASL_RESPONSE_SIZE_MAX = 9 << 10,  /* 12288 octets in base64 (RFC 4954 4) */
    SASL_USER_SIZE_MAX = 255,
    SASL_SECRET_SIZE_MAX = 8 << 10,    /* tokens are long */
    SASL_NONCE_SIZE = 18,              /* random octets; 24 characters on the wire */
    SASL_ITERATIONS_MIN = 4096,        /* of SCRAM, RFC 7677 4 */
    SASL_ITERATIONS_MAX = 100000,      /* about 50 ms of the loop: more is refused */
    SASL_STEPS_MAX = 4,                /* challenges that any mechanism here needs at most */
};

const char *sasl_mechanism_name(enum sasl_mechanism mechanism); /* "SCRAM-SHA-256" */
bool sasl_mechanism_parse(struct slice name, enum sasl_mechanism *ret_mechanism); /* in any case; false: unknown */

struct sasl_credentials {
    struct slice user;      /* "" is refused by every mechanism but the token ones */
    struct slice secret;    /* password, or the bearer token */
    bool token;             /* secret is a token */
    struct slice authzid;   /* "" as a rule */
    struct slice host;      /* OAUTHBEARER's host and port fields: as configured */
    uint16_t port;
    struct slice channel_binding; /* "" without */
    bool channel_binding_exporter; /* tls-exporter, else tls-server-end-point */
    uint8_t nonce[SASL_NONCE_SIZE];
};

/* The strongest of the offered and allowed ones that the credentials can carry out; false: none in common. */
bool sasl_client_choose(uint32_t offered, uint32_t allowed, const struct sasl_credentials *credentials,
                        enum sasl_mechanism *ret_mechanism);

struct sasl_scram; /* the work area of SCRAM */

struct sasl_client {
    enum sasl_mechanism mechanism;
    struct sasl_credentials credentials;
    bool binding_offered;   /* the server offers the -PLUS of this mechanism: else we say "y" */
    uint8_t step;
    bool verified;          /* SCRAM: the server's signature was right */
    struct buffer response;
    struct sasl_scram *scram;
};

void sasl_client_init(struct sasl_client *c, enum sasl_mechanism mechanism, uint32_t offered,
                      const struct sasl_credentials *credentials);
void sasl_client_done(struct sasl_client *c); /* wipes and gives back */
/* false: the mechanism waits for the server first (LOGIN, CRAM-MD5). */
bool sasl_client_initial(struct sasl_client *c, struct slice *ret_response);
/* The answer to a challenge. ERR_SYNTAX: the challenge is not of the mechanism; ERR_REFUSED: the server's proof or nonce
 * is wrong, or it asks for what is not done (iterations); ERR_TOO_LARGE. Cancel the login then ("*"). */
enum err sasl_client_step(struct sasl_client *c, struct slice challenge, struct slice *ret_response);
/* The server said that the login is good. ERR_REFUSED: it has not proved that it knows the password (SCRAM). */
enum err sasl_client_finish(const struct sasl_client *c);
