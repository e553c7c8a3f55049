/* request: what is asked of the engine from outside and takes time: orders about queued messages, an explanation that needs the
 * name server, a test of the smart host. One machine a request; the answer is an OP_REPLY with its tag, exactly one.
 *
 * Who calls it: the control socket (EVENT_REQUEST, by admin/control). What can be told at once is engine_status and others
 * (engine.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "engine/core.h"
#include "engine/settle.h"
#include "policy/credential.h"
#include "policy/route.h"
#include "policy/tls_policy.h"
#include "proto/outcome.h"

enum {
    REQUEST_ORDER_IDS_MAX = 100000,
    REQUEST_ORDERS_AT_ONCE = 200,
    REQUESTS_MAX = 100,          /* at one time; more are answered `busy` */
    RELAY_TEST_STEPS_MAX = 12,
};

#define RELAY_TEST_LIMIT_US (15 * US_PER_SECOND)

enum engine_request_kind { REQUEST_ORDER, REQUEST_EXPLAIN, REQUEST_RELAY_TEST };

/* Slices and arrays are copied. */
struct engine_request {
    enum engine_request_kind kind;
    uint64_t tag;                /* the asker's */
    union {
        struct {
            enum settle_order order;
            const uint64_t *ids;
            uint32_t count;
        } order;
        struct {
            struct slice from;   /* canonical mailbox, "" null */
            struct slice to;     /* canonical mailbox */
            struct slice account; /* authenticated as, "" nobody */
        } explain;
        struct {
            struct slice sender; /* MAIL FROM is tried with it; "": the session ends after the login */
        } relay_test;
    };
};

enum request_order_result { ORDER_DONE, ORDER_NOT_FOUND, ORDER_BUSY /* being tried just now */ };

struct engine_answer {
    enum engine_request_kind kind;
    bool busy;                   /* too many requests: nothing was done */
    union {
        struct {
            const enum request_order_result *results; /* as many as ids */
            uint32_t count;
        } order;
        struct {
            bool local;          /* delivered here; no candidates */
            struct route route;
            struct credential credential;
            struct tls_plan plans[ROUTE_CANDIDATES_MAX]; /* of each candidate */
        } explain;
        struct {
            bool ok;
            struct {
                enum stage stage;
                bool ok;
                struct slice text;
            } steps[RELAY_TEST_STEPS_MAX];
            uint32_t step_count;
            struct outcome outcome; /* of what failed; class OK */
            uint16_t rule;
        } relay_test;
    };
};

void requests_init(struct engine *e);
void requests_done(struct engine *e);
void request_feed(struct engine *e, const struct engine_request *request);
void request_ordered(struct engine *e, struct handle request); /* engine_calls.ordered */
