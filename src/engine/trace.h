/* trace: one structured event for each decision, made where it is taken. The same event is the journal's line, the
 * counter, and (rows marked so) the message's history. One table of rows below; there is no other place where a name of
 * an event or of a key is spelt.
 *
 * A struct trace_event is plain data; its slices are the maker's for the call of trace() (core.h), which copies them, and
 * the turn's after it. OP_TRACE carries it to the driver, which formats it with trace_format and gives it to the
 * history. Secrets never stand in it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "border/model.h"
#include "proto/outcome.h"

/* Fields, in the order in which a line shows them: TRACE_FIELD(NAME, "key", what). A field that says nothing (empty, 0)
 * is left out, but for from= and to=, which show "<>". */
#define TRACE_FIELDS(TRACE_FIELD)                                                                     \
    TRACE_FIELD(ID, "id")             /* the message */                                               \
    TRACE_FIELD(CAUSE, "cause")       /* the message that a notice speaks of: cause_id */             \
    TRACE_FIELD(LISTENER, "listener") /* relay, submission, submissions, local */                     \
    TRACE_FIELD(CLIENT, "client")     /* [address]:port, or the user of the unix socket */            \
    TRACE_FIELD(HELO, "helo")                                                                         \
    TRACE_FIELD(ACCOUNT, "account")                                                                   \
    TRACE_FIELD(FROM, "from")                                                                         \
    TRACE_FIELD(TO, "to")                                                                             \
    TRACE_FIELD(PROTOCOL, "proto")    /* ESMTPSA ... */                                               \
    TRACE_FIELD(SIZE, "size")                                                                         \
    TRACE_FIELD(RECIPIENTS, "nrcpt")                                                                  \
    TRACE_FIELD(RELAY, "relay")       /* outcome.host[outcome.address]:port; "none" */                \
    TRACE_FIELD(TLS, "tls")           /* yes, no: outcome.tls; or tls_version where it is given */    \
    TRACE_FIELD(STAGE, "stage")       /* outcome.stage */                                             \
    TRACE_FIELD(ATTEMPT, "attempt")   /* its number */                                                \
    TRACE_FIELD(DELAY, "delay")       /* seconds since it was received */                             \
    TRACE_FIELD(DSN, "dsn")           /* outcome.enhanced */                                          \
    TRACE_FIELD(STATUS, "status")     /* sent, deferred, bounced, expired, held, ... */               \
    TRACE_FIELD(IN_DOUBT, "in_doubt") /* yes */                                                       \
    TRACE_FIELD(QUEUE, "queue")                                                                       \
    TRACE_FIELD(NEXT, "next")         /* RFC 3339, when it is tried again */                          \
    TRACE_FIELD(RULE, "rule")                                                                         \
    TRACE_FIELD(KEY, "key")           /* the configuration's key and value that decided */            \
    TRACE_FIELD(AT, "at")             /* facteur.ini:12 */                                            \
    TRACE_FIELD(COUNT, "count")                                                                       \
    TRACE_FIELD(REASON, "reason")     /* our own words */                                             \
    TRACE_FIELD(SAID, "said")         /* code and text of the reply: theirs, escaped */               \
    TRACE_FIELD(REMEDY, "remedy")

enum trace_field {
#define TRACE_FIELD(name, key) TRACE_FIELD_##name,
    TRACE_FIELDS(TRACE_FIELD)
#undef TRACE_FIELD
    TRACE_FIELDS_END,
};

/* Rows: TRACE_ROW(KIND, "name in the log, history and metrics", level, in the history, fields). F(X) is a field. */
#define TRACE_ROWS(TRACE_ROW, F)                                                                                       \
    /* coming in */                                                                                                    \
    TRACE_ROW(SESSION_OPENED, "connect", DEBUG, false, F(LISTENER) | F(CLIENT))                                        \
    TRACE_ROW(SESSION_CLOSED, "disconnect", DEBUG, false, F(LISTENER) | F(CLIENT) | F(COUNT) | F(REASON))              \
    TRACE_ROW(SESSION_REFUSED, "session-refused", WARNING, false,                                                      \
              F(LISTENER) | F(CLIENT) | F(KEY) | F(AT) | F(COUNT) | F(REASON))                                         \
    TRACE_ROW(SESSION_BROKEN, "session-broken", INFO, false,                                                           \
              F(LISTENER) | F(CLIENT) | F(HELO) | F(ACCOUNT) | F(COUNT) | F(REASON))                                   \
    TRACE_ROW(LOGIN, "login", INFO, false, F(LISTENER) | F(CLIENT) | F(HELO) | F(ACCOUNT) | F(REASON))                 \
    TRACE_ROW(LOGIN_FAILED, "login-failed", WARNING, false, F(LISTENER) | F(CLIENT) | F(HELO) | F(ACCOUNT) | F(REASON))\
    TRACE_ROW(REJECTED, "reject", INFO, false,                                                                         \
              F(LISTENER) | F(CLIENT) | F(HELO) | F(ACCOUNT) | F(FROM) | F(TO) | F(STAGE) | F(DSN) | F(RULE) |         \
              F(KEY) | F(AT) | F(REASON) | F(SAID))                                                                    \
    TRACE_ROW(RECEIVED, "received", INFO, true,                                                                        \
              F(ID) | F(CAUSE) | F(LISTENER) | F(CLIENT) | F(HELO) | F(ACCOUNT) | F(FROM) | F(PROTOCOL) | F(SIZE) |    \
              F(RECIPIENTS) | F(RULE))                                                                                 \
    TRACE_ROW(NOT_STORED, "not-stored", WARNING, false, F(ID) | F(CLIENT) | F(FROM) | F(SIZE) | F(REASON))             \
    /* going out */                                                                                                    \
    TRACE_ROW(ATTEMPT, "attempt", DEBUG, true,                                                                         \
              F(ID) | F(TO) | F(RELAY) | F(TLS) | F(STAGE) | F(ATTEMPT) | F(DSN) | F(IN_DOUBT) | F(RULE) | F(KEY) |    \
              F(AT) | F(REASON) | F(SAID))                                                                             \
    TRACE_ROW(DELIVERY, "delivery", INFO, true,                                                                        \
              F(ID) | F(FROM) | F(TO) | F(RELAY) | F(TLS) | F(STAGE) | F(ATTEMPT) | F(DELAY) | F(DSN) | F(STATUS) |    \
              F(IN_DOUBT) | F(QUEUE) | F(NEXT) | F(RULE) | F(KEY) | F(AT) | F(REASON) | F(SAID))                       \
    TRACE_ROW(QUEUED, "queue", INFO, true, F(ID) | F(FROM) | F(QUEUE) | F(NEXT) | F(RULE) | F(KEY) | F(AT) | F(REASON))\
    TRACE_ROW(NOTICE, "notice", INFO, true, F(ID) | F(CAUSE) | F(TO) | F(DSN) | F(RULE) | F(REASON))                   \
    TRACE_ROW(REMOVED, "removed", INFO, true, F(ID) | F(FROM) | F(DELAY) | F(STATUS))                                  \
    TRACE_ROW(CONTROL, "control", INFO, true, F(ID) | F(STATUS) | F(REASON))                                           \
    TRACE_ROW(REST, "rest", WARNING, false, F(RELAY) | F(NEXT) | F(RULE) | F(COUNT) | F(REASON) | F(SAID))             \
    TRACE_ROW(QUARANTINED, "quarantined", ERROR, true, F(ID) | F(REASON))                                              \
    /* the server itself */                                                                                            \
    TRACE_ROW(ALERT, "alert", WARNING, false, F(RULE) | F(COUNT) | F(REASON) | F(REMEDY))                              \
    TRACE_ROW(ALERT_OVER, "alert-resolved", INFO, false, F(RULE) | F(REASON))                                          \
    TRACE_ROW(STORE_TROUBLE, "store-trouble", ERROR, false, F(ID) | F(COUNT) | F(NEXT) | F(REASON))                    \
    TRACE_ROW(STORE_STATE, "store", WARNING, false, F(SIZE) | F(STATUS) | F(REASON))                                   \
    TRACE_ROW(STARTED, "start", INFO, false, F(COUNT) | F(REASON))                                                     \
    TRACE_ROW(CONFIG, "config", INFO, false, F(KEY) | F(AT) | F(REASON))                                               \
    TRACE_ROW(STOPPED, "stop", INFO, false, F(REASON))

enum trace_level { TRACE_LEVEL_DEBUG, TRACE_LEVEL_INFO, TRACE_LEVEL_WARNING, TRACE_LEVEL_ERROR };

enum trace_kind {
#define TRACE_ROW(kind, name, level, history, fields) TRACE_##kind,
    TRACE_ROWS(TRACE_ROW, )
#undef TRACE_ROW
    TRACE_KIND_COUNT,
};

/* Only what the row names is shown; the rest stays zero. */
struct trace_event {
    enum trace_kind kind;
    int64_t at_us;           /* wall; stamped by trace() */
    uint64_t id, cause_id;
    struct slice listener, client, helo, account, from, to, protocol;
    uint64_t size_bytes;
    uint32_t recipient_count;
    struct outcome outcome;  /* relay, tls, stage, dsn, in_doubt, said */
    uint16_t port;           /* of the relay, 0: not shown */
    struct slice tls_version;
    uint32_t attempt;
    int64_t delay_us;
    struct slice status;
    enum queue_kind queue;   /* shown where the row has it and queue_given */
    bool queue_given;
    int64_t next_us;         /* wall */
    uint16_t rule;           /* policy's rule_id */
    struct slice key, value; /* "Delivery.BounceOnFirst5xx"; never of a secret */
    struct slice file;
    uint32_t line;
    uint64_t count;
    struct slice reason, remedy;
};

/* One line without its end: name key=value ... Values with blanks or quotes stand in double quotes; what could end the
 * line or the value is escaped (S21). out should take TRACE_LINE_SIZE_MAX; long texts are cut. */
enum { TRACE_LINE_SIZE_MAX = 8 << 10, TRACE_TEXT_SIZE_MAX = 1024 };
void trace_format(const struct trace_event *event, struct buffer *out);

const char *trace_name(enum trace_kind kind);
enum trace_level trace_level(enum trace_kind kind);
const char *trace_level_name(enum trace_level level); /* "debug" "info" "warning" "error" */
bool trace_in_history(enum trace_kind kind);

/* Since the start. Read by status and /metrics. */
struct trace_counters {
    uint64_t events[TRACE_KIND_COUNT];
    uint64_t received_octets, received_recipients;
    uint64_t delivery_outcomes[4]; /* of DELIVERY, by enum outcome_class */
    uint64_t in_doubt;             /* ATTEMPT events in doubt */
};

void trace_count(struct trace_counters *counters, const struct trace_event *event);
