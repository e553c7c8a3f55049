/* The configuration as a value: all that facteur.ini says, parsed, checked and completed with the defaults.
 *
 * Never changed once it is made: a reload makes another one, and who decides something uses the one of the turn. Its
 * slices live in its own arena. Each key remembers the line on which it was given, so that a decision can name it.
 *
 * Reading: config_parse takes the file's octets (secret files are read by the caller's function, because this floor
 * opens no file) and either gives a whole configuration or the list of everything that is wrong with it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"
#include "proto/address.h"

enum config_key {
    CONFIG_KEY_NONE,
#define KEY(id, section, name, type, member, fallback) CONFIG_##id,
#include "config/schema_rows.h"
#undef KEY
    CONFIG_KEY_COUNT,
};

enum {
    CONFIG_FILE_SIZE_MAX = 1 << 20,
    CONFIG_PROBLEMS_MAX = 100, /* told; the rest is counted. At most half of them warnings, so that errors have room */
    CONFIG_LISTENS_MAX = 16,   /* a key */
    CONFIG_NETWORKS_MAX = 256,
    CONFIG_DOMAINS_MAX = 10000,
    CONFIG_SERVERS_MAX = 8,
};

enum config_mode { MODE_DIRECT, MODE_SMARTHOST, MODE_DIRECT_THEN_SMARTHOST };
enum config_smarthost_tls { SMARTHOST_TLS_AUTO, SMARTHOST_TLS_REQUIRED, SMARTHOST_TLS_OFF };
enum config_fallback_temp { FALLBACK_TEMP_AFTER_REMOTE_QUEUE, FALLBACK_TEMP_AT_ONCE, FALLBACK_TEMP_NEVER };
enum config_fallback_policy { FALLBACK_POLICY_CLIENT, FALLBACK_POLICY_NO, FALLBACK_POLICY_ALL };
enum config_tls_demand { TLS_DEMAND_OFF, TLS_DEMAND_REQUIRED, TLS_DEMAND_VERIFIED };

/* A34: what SmartHost (and later PopHost) says, taken apart. */
enum server_form {
    SERVER_NONE,    /* empty */
    SERVER_NAME,    /* "name", "name:port": MX too where the rule allows it */
    SERVER_LITERAL_NAME, /* "[name]": A and AAAA only */
    SERVER_ADDRESS, /* an IP address */
};

struct config_server_place {
    struct slice written;  /* as in the file, for people */
    enum server_form form;
    struct slice host;     /* lower-case A-labels, or the numeric address */
    uint8_t family;        /* of an address: 4, 6 */
    uint8_t ip[16];
    uint16_t port;         /* 0: not given */
    bool implicit_tls;     /* smtps:// or port 465 */
};

struct config_listen {
    uint8_t family;
    uint8_t ip[16];
    uint16_t port;
};

struct config_network {
    uint8_t family;
    uint8_t ip[16];
    uint8_t bits;
};

struct config_tls_policy {
    struct slice domain;   /* lower-case A-labels; "*": every other one */
    enum config_tls_demand demand;
    uint32_t line;
};

struct config {
    struct arena arena;
    struct slice file;     /* name as given to the parser, for "facteur.ini:12" */
    uint64_t number;       /* counts up with every configuration of this process; set by its owner */
    uint32_t lines[CONFIG_KEY_COUNT]; /* where the key was given; 0: the default holds */

    struct {
        struct slice name, data_dir;
        struct slice postmaster;       /* a mailbox, "postmaster@Name" when not given */
        enum language language;
        struct slice *admins;
        size_t admins_count;
    } server;
    struct {
        struct config_listen *relay, *submission, *submissions;
        size_t relay_count, submission_count, submissions_count;
    } listen;
    struct {
        struct config_network *networks;
        size_t networks_count;
    } relay;
    struct {
        struct slice *local;           /* lower-case A-labels, sorted */
        size_t local_count;
    } domains;
    struct {
        enum config_mode mode;
        struct config_server_place smarthost;
        bool smarthost_auth;
        struct slice smarthost_user, smarthost_password;
        bool smarthost_password_unreadable; /* sealed under a key that is not there: the login counts as failed (A25) */
        enum config_smarthost_tls smarthost_tls;
        bool smarthost_verify_certificate, allow_plaintext_auth;
        uint32_t smarthost_max_connections, smarthost_messages_per_minute;
        bool per_account_auth, per_account_by_address;
        bool abort_on_rcpt_5xx, bounce_if_no_mx_or_a, bounce_on_first_5xx;
        enum config_fallback_temp fallback_on_temp_error;
        enum config_fallback_policy fallback_on_policy_refusal;
        int64_t cache_connection_failures_us;
        uint32_t max_recipients_per_transaction;
        bool alerts_may_go_direct;
        struct slice refusal_phrases_file;
    } delivery;
    struct {
        int64_t remote_queue_us, remote_retry_us, delay_after_temp_error_us, retry_us, give_up_us, bad_queue_us;
        bool on_give_up_inform_sender, on_give_up_inform_postmaster, on_give_up_keep_in_bad_queue;
        bool inform_sender_delayed, inform_sender_delivered_after_delay, transcript_in_notices;
        bool undeliverable_notices_to_bad_queue;
        uint32_t max_hops;
    } retry;
    struct {
        uint32_t port;
        uint32_t max_connections_per_destination;
        bool allow_loopback_mx;
        int64_t connect_timeout_us, banner_timeout_us, command_timeout_us, data_timeout_us, dot_timeout_us;
        int64_t idle_timeout_us;
    } outbound;
    struct {
        bool bind_sender;
    } submission;
    struct {
        int64_t command_timeout_us, data_timeout_us, transaction_timeout_us;
    } inbound;
    struct {
        uint64_t max_message_bytes, body_memory_bytes, min_free_bytes, segment_bytes, history_bytes;
        uint32_t max_recipients, max_errors, max_failed_logins, max_sessions_per_address, max_sessions;
        int64_t history_us;
    } limits;
    struct config_tls_policy *tls_policies; /* sorted by domain */
    size_t tls_policies_count;
    struct {
        int64_t timeout_us;
        struct slice *servers;         /* "192.0.2.1@53" */
        size_t servers_count;
        struct slice trust_anchor_file;
    } dns;
    struct {
        struct slice certificate, key, ca_file;
    } tls;
    struct {
        struct config_listen *listen;
        size_t listen_count;
        struct config_network *metrics_networks;
        size_t metrics_networks_count;
    } web;
};

/* One thing that is wrong (or, a warning, unwise). `what` and `remedy` are phrases in the language asked for, without a
 * full stop; values of the file in them are escaped and cut, secrets never shown. A key that is missing has the line of
 * what demands it. */
struct config_problem {
    uint32_t line;         /* 0: of no line */
    bool warning;
    enum language language;
    struct slice key;      /* "Delivery.SmartHost", "" when none */
    struct slice what;
    struct slice remedy;   /* "": none */
};

struct config_problems {
    struct arena arena;
    enum language language; /* of those to come; English after init, config_parse sets it from its source */
    struct config_problem *items;
    uint32_t count;        /* kept */
    uint32_t error_count;  /* all, kept or not; warnings not counted */
};

void config_problems_init(struct config_problems *problems);
void config_problems_done(struct config_problems *problems);
/* "FILE:LINE: KEY: what; remedy" without a line end; "warning: " before what, where it is one. */
void config_problem_format(struct slice file, const struct config_problem *problem, struct buffer *out);

struct config_source {
    struct slice file;     /* its name, for messages */
    struct slice text;     /* its octets */
    enum language language; /* of the problems */
    /* Reads the file that a secret is kept in ("file:PATH"), first line without its end, appended to out; NULL: such
     * values are refused. */
    enum err (*read_secret)(void *context, const char *path, struct buffer *out);
    /* Opens "sealed:..." and appends the secret, as secret_open of config/secret.h does; NULL: such values are refused.
     * ERR_NOT_FOUND (no key) and ERR_CORRUPT (another key) are warnings: the value counts as given and unreadable. */
    enum err (*open_secret)(void *context, struct slice sealed, struct buffer *out);
    void *context;
    const struct config_listen *own_addresses; /* of this machine, port 0: for A9's checks; may be none */
    size_t own_address_count;
};

/* NULL when something is wrong: then problems has at least one error. Warnings come with a configuration too. */
struct config *config_parse(const struct config_source *source, struct config_problems *problems);
void config_free(struct config *config); /* NULL is fine; wipes secrets */
/* Do both name the same resolvers and trust anchor? */
bool config_resolvers_equal(const struct config *a, const struct config *b);

/* ---- keys by name, for commands and explanations ---- */

const char *config_key_name(enum config_key key);    /* "Delivery.Mode"; "" for none */
enum config_key config_key_find(struct slice name);  /* in any case; CONFIG_KEY_NONE */
enum config_key config_key_nearest(struct slice name); /* the nearest known one, for a remedy; CONFIG_KEY_NONE */
bool config_key_secret(enum config_key key);
/* The value as it would be written in the file; secrets as "(set)" or "". */
void config_value(const struct config *config, enum config_key key, struct buffer *out);
const char *config_mode_name(enum config_mode mode); /* "direct" ... */

/* ---- questions that many ask ---- */

bool config_is_local_domain(const struct config *config, struct slice domain); /* lower-case A-labels */
bool config_network_has(const struct config_network *networks, size_t count, uint8_t family, const uint8_t ip[static 16]);
/* The smart host's port when none is written: 465 with implicit TLS, 587 with a login, else 25 (A34). */
uint16_t config_smarthost_port(const struct config *config);
/* A login may be sent to the smart host: general or some account's. */
bool config_smarthost_login(const struct config *config);
/* "Name" of the [TlsPolicy] line that holds for a domain; NULL when none does. The domain's own before "*". */
const struct config_tls_policy *config_tls_policy_of(const struct config *config, struct slice domain);
