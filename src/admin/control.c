#include "admin/control.h"

#include <stdlib.h>
#include <string.h>

#include "admin/explain.h"
#include "admin/follow.h"
#include "admin/report.h"
#include "base/arena.h"
#include "base/table.h"
#include "proto/address.h"

enum { HISTORY_LIMIT_DEFAULT = 100, LOG_LIMIT_DEFAULT = 100 };

struct pending {
    uint64_t client;
    enum language language;
    bool one;             /* `why`: one message, as an object */
    json_t *about;        /* the ids of an order, the recipient of an explanation */
};

struct control {
    const struct engine *engine;
    struct control_calls calls;
    void *context;
    struct table pending; /* tag -> struct pending */
    struct follow *follow;
    uint64_t tag;
};

struct question {
    uint64_t client;
    enum language language;
    json_t *value;
};

struct control *control_new(const struct engine *engine, const struct control_calls *calls, void *context)
{
    struct control *c = mem_alloc(sizeof(*c));
    c->engine = engine;
    c->calls = *calls;
    c->context = context;
    const uint64_t key[2] = { 0 }; /* tags are ours */
    table_init(&c->pending, key);
    c->follow = follow_new();
    return c;
}

static void pending_free(struct pending *p)
{
    json_decref(p->about);
    mem_free(p);
}

void control_free(struct control *c)
{
    if (!c)
        return;
    size_t position = 0;
    for (struct pending *p; (p = table_next(&c->pending, &position)) != NULL;)
        pending_free(p);
    table_done(&c->pending);
    follow_free(c->follow);
    mem_free(c);
}

/* ---- answers ---- */

static void send(struct control *c, uint64_t client, json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);
    if (text)
        c->calls.send(c->context, client, slice_of(text));
    free(text);
    json_decref(answer);
}

static void send_result(struct control *c, uint64_t client, json_t *result)
{
    send(c, client, json_pack("{s:i,s:b,s:o}", "v", CONTROL_VERSION, "ok", 1, "result", result));
}

static void send_error(struct control *c, uint64_t client, const char *error)
{
    send(c, client, json_pack("{s:i,s:b,s:s}", "v", CONTROL_VERSION, "ok", 0, "error", error));
}

static uint64_t pending_new(struct control *c, const struct question *q, bool one)
{
    struct pending *p = mem_alloc(sizeof(*p));
    p->client = q->client;
    p->language = q->language;
    p->one = one;
    table_put(&c->pending, ++c->tag, p);
    return c->tag;
}

static struct pending *pending_take(struct control *c, uint64_t tag)
{
    return table_remove(&c->pending, tag);
}

/* ---- arguments ---- */

static struct slice text_of(const struct question *q, const char *name)
{
    const json_t *value = json_object_get(q->value, name);
    return json_is_string(value) ? slice(json_string_value(value), json_string_length(value)) : SLICE_EMPTY;
}

static uint64_t number_of(const struct question *q, const char *name, uint64_t fallback)
{
    const json_t *value = json_object_get(q->value, name);
    return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : fallback;
}

static bool id_of(const struct question *q, const char *name, uint64_t *ret_id)
{
    struct slice text = text_of(q, name);
    *ret_id = 0;
    return text.size == 0 || id_parse(text, ret_id);
}

/* A mailbox as everything here compares it; the null sender and an absent one are "". */
static bool mailbox_of(const struct question *q, const char *name, struct address *ret_address)
{
    struct slice text = text_of(q, name);
    address_set_null(ret_address);
    return text.size == 0 || slice_equal(text, SLICE("<>")) || address_parse(text, ADDRESS_UTF8, ret_address) == ERR_OK;
}

/* ---- verbs ---- */

static void verb_status(struct control *c, const struct question *q)
{
    send_result(c, q->client, report_status(c->engine, c->calls.now(c->context), c->calls.config(c->context),
                                            c->calls.reload_failed(c->context), q->language));
}

static void verb_reload(struct control *c, const struct question *q)
{
    struct config_problems problems;
    config_problems_init(&problems);
    problems.language = q->language;
    bool done = c->calls.reload(c->context, &problems);
    struct slice file = c->calls.config(c->context)->file;
    json_t *told = report_problems(&problems, file);
    config_problems_done(&problems);
    if (done)
        send_result(c, q->client, json_pack("{s:o}", "warnings", told));
    else
        send(c, q->client, json_pack("{s:i,s:b,s:s,s:o}", "v", CONTROL_VERSION, "ok", 0, "error",
                                     text_get(TEXT_CONTROL_RELOAD_REFUSED, q->language), "problems", told));
}

static bool queue_bits(struct slice name, uint32_t *ret_bits)
{
    *ret_bits = 0;
    for (int queue = 0; queue < QUEUE_COUNT; queue++)
        if (slice_equal_nocase(name, slice_of(queue_name((enum queue_kind)queue))))
            *ret_bits = 1u << queue;
    return name.size == 0 || *ret_bits != 0;
}

static void verb_queue(struct control *c, const struct question *q)
{
    struct store_query query = { .from = text_of(q, "from"), .to = text_of(q, "to"), .host = text_of(q, "host") };
    uint64_t limit = number_of(q, "limit", CONTROL_PAGE_ROWS_MAX);
    query.limit = limit < CONTROL_PAGE_ROWS_MAX ? (uint32_t)limit : CONTROL_PAGE_ROWS_MAX;
    if (!id_of(q, "id", &query.id) || !id_of(q, "after", &query.after_id) || !queue_bits(text_of(q, "queue"), &query.queues)) {
        send_error(c, q->client, text_get(TEXT_CONTROL_NO_SUCH, q->language));
        return;
    }
    if (query.id != 0)
        query.queues = (1u << QUEUE_COUNT) - 1;
    c->calls.list_queue(c->context, &query, pending_new(c, q, query.id != 0));
}

static void verb_history(struct control *c, const struct question *q)
{
    struct history_query query = { .from = text_of(q, "from"), .to = text_of(q, "to") };
    uint64_t limit = number_of(q, "limit", HISTORY_LIMIT_DEFAULT);
    query.limit = limit < HISTORY_PAGE_MAX ? (uint32_t)limit : HISTORY_PAGE_MAX;
    if (!id_of(q, "id", &query.id)) {
        send_error(c, q->client, text_get(TEXT_CONTROL_NO_SUCH, q->language));
        return;
    }
    c->calls.list_history(c->context, &query, pending_new(c, q, false));
}

static void verb_log(struct control *c, const struct question *q)
{
    struct follow_filter filter = { .from = text_of(q, "from"), .to = text_of(q, "to") };
    uint64_t limit = number_of(q, "limit", LOG_LIMIT_DEFAULT);
    enum text_id wrong = TEXT_NONE;
    if (!id_of(q, "id", &filter.id))
        wrong = TEXT_CONTROL_NO_SUCH;
    else if (filter.from.size > FOLLOW_ADDRESS_SIZE_MAX || filter.to.size > FOLLOW_ADDRESS_SIZE_MAX)
        wrong = TEXT_CONTROL_NO_ADDRESS;
    else if (json_is_true(json_object_get(q->value, "follow")) && !follow_add(c->follow, q->client, &filter))
        wrong = TEXT_CONTROL_BUSY;
    if (wrong != TEXT_NONE) {
        send_error(c, q->client, text_get(wrong, q->language));
        return;
    }
    struct buffer answer;
    buffer_init(&answer, 3 * FOLLOW_RECENT_SIZE);
    buffer_add_format(&answer, "{\"v\":%d,\"ok\":true,\"result\":", CONTROL_VERSION);
    follow_recent(c->follow, &filter, limit < FOLLOW_RECENT_MAX ? (uint32_t)limit : FOLLOW_RECENT_MAX, &answer);
    buffer_add_char(&answer, '}');
    c->calls.send(c->context, q->client, buffer_slice(&answer));
    buffer_done(&answer);
}

static void verb_order(struct control *c, const struct question *q)
{
    static const char *const names[] = { "hold", "release", "retry", "bounce", "drop" };
    struct engine_request request = { .kind = REQUEST_ORDER };
    json_t *given = json_object_get(q->value, "ids");
    size_t order = 0, count = json_array_size(given);
    while (order < 5 && !slice_equal(text_of(q, "order"), slice_of(names[order])))
        order++;
    if (order == 5 || count > REQUEST_ORDER_IDS_MAX) {
        send_error(c, q->client, text_get(TEXT_CONTROL_WRONG, q->language));
        return;
    }
    struct arena arena = { 0 };
    uint64_t *ids = arena_array(&arena, uint64_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(given, i);
        if (json_is_string(id))
            id_parse(slice(json_string_value(id), json_string_length(id)), &ids[i]); /* 0: not found */
    }
    request.tag = pending_new(c, q, false);
    struct pending *p = table_get(&c->pending, request.tag);
    p->about = json_incref(given);
    request.order.order = (enum settle_order)order;
    request.order.ids = ids;
    request.order.count = (uint32_t)count;
    c->calls.feed(c->context, &(struct event){ .kind = EVENT_REQUEST, .request = &request });
    arena_done(&arena);
}

static void verb_explain(struct control *c, const struct question *q)
{
    struct address from, to;
    struct engine_request request = { .kind = REQUEST_EXPLAIN };
    if (!mailbox_of(q, "from", &from) || !mailbox_of(q, "to", &to) || to.kind != ADDRESS_MAILBOX) {
        send_error(c, q->client, text_get(TEXT_CONTROL_NO_ADDRESS, q->language));
        return;
    }
    request.tag = pending_new(c, q, false);
    struct pending *p = table_get(&c->pending, request.tag);
    p->about = json_incref(json_object_get(q->value, "to"));
    request.explain.from = address_mailbox(&from);
    request.explain.to = address_mailbox(&to);
    request.explain.account = text_of(q, "account");
    c->calls.feed(c->context, &(struct event){ .kind = EVENT_REQUEST, .request = &request });
}

static void verb_relay_test(struct control *c, const struct question *q)
{
    struct engine_request request = { .kind = REQUEST_RELAY_TEST };
    request.tag = pending_new(c, q, false);
    c->calls.feed(c->context, &(struct event){ .kind = EVENT_REQUEST, .request = &request });
}

static const struct {
    const char *name;
    void (*run)(struct control *c, const struct question *q);
} VERBS[] = {
    { "status", verb_status },   { "reload", verb_reload },   { "queue", verb_queue },           { "history", verb_history },
    { "order", verb_order },     { "explain", verb_explain }, { "relay-test", verb_relay_test }, { "log", verb_log },
};

void control_line(struct control *c, uint64_t client, struct slice line)
{
    struct question q = { .client = client };
    q.value = json_loadb(line.data ? line.data : "", line.size, JSON_REJECT_DUPLICATES, NULL);
    q.language = language_of_name(text_of(&q, "language"));
    struct slice verb = text_of(&q, "verb");
    size_t i = 0, count = sizeof(VERBS) / sizeof(VERBS[0]);
    while (i < count && !slice_equal(verb, slice_of(VERBS[i].name)))
        i++;
    if (!json_is_object(q.value) || i == count || number_of(&q, "v", 0) > CONTROL_VERSION || number_of(&q, "v", 0) == 0)
        send_error(c, client, text_get(TEXT_CONTROL_WRONG, q.language));
    else if (table_count(&c->pending) >= CONTROL_PENDING_MAX)
        send_error(c, client, text_get(TEXT_CONTROL_BUSY, q.language));
    else
        VERBS[i].run(c, &q);
    json_decref(q.value);
}

/* ---- what comes later ---- */

static struct report_context context_of(const struct control *c, const struct pending *p)
{
    return (struct report_context){ c->calls.config(c->context), c->calls.accounts(c->context), p->language };
}

void control_queue(struct control *c, uint64_t tag, enum err err, const struct store_page *page)
{
    struct pending *p = pending_take(c, tag);
    if (!p)
        return;
    const struct report_context context = context_of(c, p);
    json_t *rows = json_array();
    for (uint32_t i = 0; err == ERR_OK && i < page->count; i++) {
        json_t *row = report_message(&page->rows[i], &context, p->one);
        if (row)
            json_array_append_new(rows, row);
    }
    if (err != ERR_OK) {
        send_error(c, p->client, text_get(TEXT_CONTROL_NOT_READ, p->language));
        json_decref(rows);
    } else if (p->one && json_array_size(rows) == 0) {
        send_error(c, p->client, text_get(TEXT_CONTROL_NO_SUCH, p->language));
        json_decref(rows);
    } else if (p->one) {
        send_result(c, p->client, json_incref(json_array_get(rows, 0)));
        json_decref(rows);
    } else {
        char next[16] = "";
        if (page->more)
            id_format(page->next_after_id, next);
        send_result(c, p->client, json_pack("{s:o,s:o}", "rows", rows, "after", json_slice_or_null(slice_of(next))));
    }
    pending_free(p);
}

void control_history(struct control *c, uint64_t tag, enum err err, const struct history_event *events, uint32_t count)
{
    struct pending *p = pending_take(c, tag);
    if (!p)
        return;
    if (err != ERR_OK)
        send_error(c, p->client, text_get(TEXT_CONTROL_NOT_READ, p->language));
    else
        send_result(c, p->client, report_history(events, count));
    pending_free(p);
}

static json_t *order_json(const struct engine_answer *a, const struct pending *p)
{
    static const char *const names[] = { [ORDER_DONE] = "done", [ORDER_NOT_FOUND] = "not-found", [ORDER_BUSY] = "busy" };
    json_t *all = json_array();
    for (uint32_t i = 0; i < a->order.count; i++)
        json_array_append_new(all, json_pack("{s:O,s:s}", "id", json_array_get(p->about, i), "result", names[a->order.results[i]]));
    return all;
}

static json_t *explanation(const struct control *c, const struct pending *p, const struct engine_answer *a)
{
    const struct report_context context = context_of(c, p);
    struct slice to = slice(json_string_value(p->about), json_string_length(p->about));
    return explain_json(a, slice_after(to, slice_find_last(to, '@') + 1), &context);
}

void control_reply(struct control *c, const struct op_reply *reply)
{
    struct pending *p = pending_take(c, reply->tag);
    const struct engine_answer *a = reply->answer;
    if (!p)
        return;
    if (a->busy) {
        send_error(c, p->client, text_get(TEXT_CONTROL_BUSY, p->language));
    } else {
        switch (a->kind) {
        case REQUEST_ORDER: send_result(c, p->client, order_json(a, p)); break;
        case REQUEST_EXPLAIN: send_result(c, p->client, explanation(c, p, a)); break;
        case REQUEST_RELAY_TEST:
            send_result(c, p->client, report_relay_test(a, c->calls.config(c->context), p->language));
            break;
        }
    }
    pending_free(p);
}

/* ---- those who follow the log ---- */

void control_gone(struct control *c, uint64_t client)
{
    follow_remove(c->follow, client);
}

void control_trace(struct control *c, const struct trace_event *event, struct slice json)
{
    follow_event(c->follow, event, json);
}

void control_turn(struct control *c)
{
    const struct follow_calls calls = { c->calls.send, c->calls.unsent, c->context };
    follow_flush(c->follow, &calls);
}
