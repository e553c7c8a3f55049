/* tls_policy: must the link be encrypted, verified; may a login go over it; what a session may be resumed for (A33, A41,
 * S07 to S09). Pure: facts of the handshake in, judgement out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "border/tls_facts.h"
#include "config/config.h"
#include "policy/credential.h"
#include "policy/route.h"
#include "proto/smtp_client.h"

struct tls_plan {
    enum smtp_client_tls tls;    /* what the dialogue does */
    bool verify;                 /* chain and name must hold, else the session fails */
    bool clear_after_failure;    /* opportunistic: the same host in clear on a new connection (A41); never with verify */
    bool allow_clear_login;      /* A33, for struct smtp_client_login */
    bool allow_unverified_login;
    uint16_t rule;
    enum config_key key;         /* CONFIG_KEY_NONE: the default */
    uint32_t line;               /* of a [TlsPolicy] line */
};

/* domain: of the recipient; requiretls: of the message (RFC 8689). */
void tls_plan_direct(const struct config *config, struct slice domain, bool requiretls, struct tls_plan *ret_plan);
void tls_plan_smarthost(const struct config *config, const struct credential *credential, bool requiretls,
                        struct tls_plan *ret_plan);
/* May mail for the domain go through the smart host, whose plan meets what is demanded for the domain (A41)? */
bool tls_smarthost_meets(const struct config *config, struct slice domain, bool requiretls);
/* Fills the input for the dialogue; text (when not accepted) and the names of A33's alert are appended to words. */
void tls_judge(const struct tls_plan *plan, const struct tls_facts *facts, struct buffer *words,
               struct smtp_client_tls_up *ret_up);
/* What the certificate must bear: the host's name, or its address where it is written as one (no SNI then). */
struct slice tls_peer_name(const struct candidate *candidate, bool *ret_is_address);
/* Under this key sessions are resumed and connections kept: host, address and port, demand, credential (NULL: none). Two
 * sessions that could be judged differently, or speak under different logins, never have the same one (S09). Readable, and
 * never a secret. */
void tls_session_key(const struct tls_plan *plan, struct slice host, const struct ip_address *address,
                     const struct credential *credential, struct buffer *out);
