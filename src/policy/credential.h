/* credential: whose login is used at the smart host (A26 to A30). Pure.
 *
 * A credential is part of the key under which connections are kept and of the destination's name, so that nobody's mail
 * ever goes out under another's login (A31). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "config/account.h"
#include "config/config.h"
#include "policy/rule.h"

enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_GENERAL, CREDENTIAL_ACCOUNT };

/* How it was found: for `why` (text rows CREDENTIAL_...). */
enum credential_reason {
    CREDENTIAL_NOT_REQUIRED,     /* neither a general login nor one of the account's */
    CREDENTIAL_BY_LOGIN,         /* the authenticated submitter */
    CREDENTIAL_BY_ADDRESS,       /* MAIL FROM is an account's address, from a trusted network */
    CREDENTIAL_GENERAL_ONLY,     /* per-account logins are off */
    CREDENTIAL_NO_ACCOUNT,       /* nobody's: the general pair */
    CREDENTIAL_ACCOUNT_HAS_NONE, /* the account has no login there, or half of one (A29) */
};

struct credential {
    enum credential_kind kind;
    struct slice account;        /* address of the account whose login it is, else "" */
    struct slice user, password; /* of the configuration or accounts of this turn */
    bool missing;                /* a login is required and there is none: the mail waits (A28, A25) */
    enum credential_reason reason;
    uint16_t rule;
    enum config_key key;
};

struct credential_question {
    struct slice account;        /* authenticated submitter, "" none */
    bool from_network;           /* accepted because of [Relay] Networks */
    struct slice sender;         /* canonical mailbox, "" null */
    bool notice;                 /* made by us: the general pair */
};

void credential_choose(const struct config *config, const struct accounts *accounts,
                       const struct credential_question *question, struct credential *ret_credential);
/* "none", "general", "account:user@example.org". */
void credential_name(const struct credential *credential, struct buffer *out);
