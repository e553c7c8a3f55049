/* The accounts: who may log in and send, who has a mailbox here, and the logins that accounts have at the smart host.
 *
 * Kept in DataDir/accounts.ini, written by facteurd only: one section an account, "[user@example.org]", with the keys
 * Password (argon2id), Alias, SendAs, SmartHostUser, SmartHostPassword (several values separated by spaces). Like the
 * configuration a struct accounts is never changed: an edit gives new text, which is parsed again, saved and put in
 * force. Addresses are compared without regard to ASCII case. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/table.h"
#include "config/config.h"
#include "proto/address.h"

enum {
    ACCOUNTS_FILE_SIZE_MAX = 64 << 20,
    ACCOUNTS_MAX = 100000,
    ACCOUNT_ALIASES_MAX = 1000,
    ACCOUNT_SEND_AS_MAX = 1000,
};

struct account {
    struct slice address;        /* canonical */
    struct slice hash;           /* argon2id as libsodium writes it; "" : no login */
    struct slice *aliases;       /* canonical */
    size_t alias_count;
    struct slice *send_as;       /* addresses, or domains without "@" */
    size_t send_as_count;
    struct slice smarthost_user, smarthost_password; /* both empty: none; one empty: half filled (A29) */
    bool smarthost_password_unreadable; /* sealed under a key that is not there: the login counts as failed (A26) */
    bool local;                  /* its domain is one of [Domains] Local: it has a mailbox */
};

struct accounts {
    struct arena arena;
    struct account *items;       /* in the order of the file */
    size_t count;
    struct table by_address;     /* lower-case address or alias -> struct account */
};

struct accounts_source {
    struct slice file;           /* its name, for messages */
    struct slice text;           /* its octets; an empty text gives no accounts */
    const struct config *config; /* domains and switches */
    enum language language;      /* of the problems */
    uint64_t hash_key[2];        /* random, for the table */
    /* As in struct config_source. */
    enum err (*open_secret)(void *context, struct slice sealed, struct buffer *out);
    void *context;
};

/* NULL when something is wrong: problems tells, with lines. Warnings come with accounts too. */
struct accounts *accounts_parse(const struct accounts_source *source, struct config_problems *problems);
void accounts_free(struct accounts *accounts); /* NULL is fine; wipes secrets */

/* By its address or one of its aliases; NULL. `a` is a mailbox. */
const struct account *accounts_find(const struct accounts *accounts, const struct address *a);
/* By what a client logs in with: its address, no alias. NULL. */
const struct account *accounts_find_login(const struct accounts *accounts, struct slice login);
const struct account *accounts_find_text(const struct accounts *accounts, struct slice mailbox); /* canonical text */
/* A27: its address, an alias, or what send_as allows; the null sender too, which receipts have (RFC 8098 3) and which
 * feigns nobody. */
bool account_may_send_as(const struct account *account, const struct address *sender);
bool account_has_smarthost_login(const struct account *account); /* whole */

/* ---- edits: text in, text out ---- */

/* Takes the next of several addresses off the front, "" at the end: blanks are between them, and may be in a quoted local
 * part. */
struct slice account_word(struct slice *rest);

struct account_edit {
    struct slice address;         /* canonical; the section */
    bool create;                  /* add: ERR_EXISTS when it is there; else ERR_NOT_FOUND when it is not */
    bool remove;
    const struct slice *password_hash;  /* NULL: unchanged */
    const struct slice *alias_add, *alias_remove;
    size_t alias_add_count, alias_remove_count;
    const struct slice *send_as;  /* replaces, where send_as_given */
    size_t send_as_count;
    bool send_as_given;
    const struct slice *smarthost_user, *smarthost_password; /* NULL: unchanged; "" removes */
};

/* Appends the changed text; comments and order stay. The result is to be parsed before it is saved. Removing an alias that
 * is not there changes nothing. ERR_EXISTS, ERR_NOT_FOUND; ERR_SYNTAX: a value with a line end or control;
 * ERR_TOO_LARGE. Nothing is appended on failure. */
enum err accounts_edit(struct slice text, const struct account_edit *edit, struct buffer *out);
