/* control: the protocol of the control socket. One JSON object a line, both ways:
 *
 *     {"v":1,"verb":"status","language":"fr", ...arguments}
 *     {"v":1,"ok":true,"result":...}    or    {"v":1,"ok":false,"error":"a sentence","problems":[...]}
 *
 * Every line gets exactly one answer; those that take time (orders, explanations, lists) come when they are there. A hostile
 * line is refused and hurts nothing (S36): its size is bounded by the socket, its values by the parser here. After the answer
 * to a log that follows, each event is a line of its own until the client goes:
 *
 *     {"v":1,"ok":true,"event":{"at":...,"event":"delivery",...}}
 *
 * Verbs: status, reload, queue (limit, queue, from, to, host, id, after), order (order, ids), explain (from, to, account),
 * relay-test (sender), history (id, from, to, limit), log (id, from, to, limit, follow). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/account.h"
#include "config/config.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "engine/trace.h"
#include "store/history.h"
#include "store/store.h"

enum {
    CONTROL_VERSION = 1,
    CONTROL_LINE_SIZE_MAX = 4 << 20,
    CONTROL_PAGE_ROWS_MAX = 128, /* of a queue's list in one answer: it is written on the loop's thread, some 40 us a row */
    CONTROL_PENDING_MAX = 256, /* answers that are awaited, of all clients */
};

struct control;

struct control_calls {
    struct now (*now)(void *context);
    void (*feed)(void *context, const struct event *event);
    /* A line without its end for a client; a client that has gone is no error. */
    void (*send)(void *context, uint64_t client, struct slice line);
    size_t (*unsent)(void *context, uint64_t client); /* octets that wait for the client to read them */
    /* Answered by control_queue or control_history with the same tag. */
    void (*list_queue)(void *context, const struct store_query *query, uint64_t tag);
    void (*list_history)(void *context, const struct history_query *query, uint64_t tag);
    bool (*reload)(void *context, struct config_problems *problems);
    const struct config *(*config)(void *context);
    const struct accounts *(*accounts)(void *context);
    bool (*reload_failed)(void *context);
};

struct control *control_new(const struct engine *engine, const struct control_calls *calls, void *context);
void control_free(struct control *control); /* NULL is fine */
void control_line(struct control *control, uint64_t client, struct slice line);
void control_gone(struct control *control, uint64_t client); /* it sends and reads no more */
/* Of every event; json: as it went to the history, "" for one that did not. */
void control_trace(struct control *control, const struct trace_event *event, struct slice json);
void control_turn(struct control *control); /* at the end of each turn: what followers get goes out */
void control_reply(struct control *control, const struct op_reply *reply);
void control_queue(struct control *control, uint64_t tag, enum err err, const struct store_page *page);
void control_history(struct control *control, uint64_t tag, enum err err, const struct history_event *events, uint32_t count);
