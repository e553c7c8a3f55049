#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "engine/trace.h"
#include "facteur/facteur.h"

void print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
    if (text)
        puts(text);
    free(text);
}

static const char *text_of(const json_t *object, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : fallback;
}

/* What strangers have said must not move the cursor or turn the line around (S21). */
static void put(const char *before, const char *text)
{
    struct buffer safe;
    buffer_init(&safe, (size_t)1 << 20);
    text_escape(slice_of(text), &safe);
    printf("%s%.*s", before, SLICE_ARG(buffer_slice(&safe)));
    buffer_done(&safe);
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* ---- words ---- */

static const struct word {
    const char *name;
    enum text_id text;
} STATUS_WORDS[] = {
    { "sent", TEXT_EVENT_SENT },       { "deferred", TEXT_EVENT_DEFERRED }, { "bounced", TEXT_EVENT_BOUNCED },
    { "expired", TEXT_EVENT_EXPIRED }, { "held", TEXT_EVENT_HELD },
}, STATE_WORDS[] = {
    { "waiting", TEXT_STATE_WAITING }, { "delivered", TEXT_STATE_DELIVERED }, { "bounced", TEXT_STATE_BOUNCED },
    { "held", TEXT_STATE_HELD },       { "expired", TEXT_STATE_EXPIRED },
}, QUEUE_WORDS[] = {
    { "remote", TEXT_QUEUE_REMOTE }, { "retry", TEXT_QUEUE_RETRY }, { "holding", TEXT_QUEUE_HOLDING },
    { "bad", TEXT_QUEUE_BAD },       { "local", TEXT_QUEUE_LOCAL },
};

static const char *word_of(const struct word *words, size_t count, const char *name, enum language language)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i].name, name) == 0)
            return text_get(words[i].text, language);
    return name;
}

void print_status(const struct facteur *f, const json_t *s)
{
    static const struct {
        const char *key;
        enum text_id name;
    } queues[] = { { "remote", TEXT_QUEUE_REMOTE }, { "retry", TEXT_QUEUE_RETRY }, { "holding", TEXT_QUEUE_HOLDING },
                   { "bad", TEXT_QUEUE_BAD }, { "local", TEXT_QUEUE_LOCAL } };
    printf("facteur %s  %s %s%s%s\n", text_of(s, "version", ""), text_get(TEXT_PRINT_MODE, f->language), text_of(s, "mode", ""),
           *text_of(s, "smarthost", "") ? "  " : "", text_of(s, "smarthost", ""));
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
        printf("%8lld  %s\n", number_of(json_object_get(s, "queues"), queues[i].key), text_get(queues[i].name, f->language));
    if (json_is_true(json_object_get(s, "reload_failed")))
        printf("! %s\n", text_get(TEXT_CONTROL_RELOAD_REFUSED, f->language));
    size_t i;
    const json_t *alert;
    json_array_foreach(json_object_get(s, "alerts"), i, alert)
        printf("! %s %s\n  %s\n", text_of(alert, "rule", ""), text_of(alert, "text", ""), text_of(alert, "remedy", ""));
}

/* Who was asked and what was said. */
static void print_last(const struct facteur *f, const json_t *last)
{
    if (!json_is_object(last))
        return;
    const char *host = text_of(last, "host", text_of(last, "address", ""));
    put(*host ? "  " : "", host);
    if (number_of(last, "code") > 0)
        printf("  %lld", number_of(last, "code"));
    if (json_is_string(json_object_get(last, "enhanced_code")))
        printf(" %s", text_of(last, "enhanced_code", ""));
    put("  ", text_of(last, "text", text_of(last, "cause", "")));
    if (json_is_true(json_object_get(last, "in_doubt")))
        printf("  %s", text_get(TEXT_EVENT_IN_DOUBT, f->language));
}

static void print_recipient(const struct facteur *f, const json_t *r)
{
    const json_t *last = json_object_get(r, "last");
    put("    ", text_of(r, "to", ""));
    printf("  %s", word_of(STATE_WORDS, sizeof(STATE_WORDS) / sizeof(STATE_WORDS[0]), text_of(r, "state", ""), f->language));
    if (json_is_string(json_object_get(r, "next_attempt")))
        printf("  %s", text_of(r, "next_attempt", ""));
    print_last(f, last);
    if (json_is_string(json_object_get(r, "rule")))
        printf("  (%s)", text_of(r, "rule", ""));
    putchar('\n');
}

void print_queue(const struct facteur *f, const json_t *rows)
{
    size_t i, k;
    const json_t *row, *r;
    if (json_array_size(rows) == 0)
        puts(text_get(TEXT_PRINT_EMPTY, f->language));
    json_array_foreach(rows, i, row) {
        const char *from = text_of(row, "from", "");
        printf("%s  %s", text_of(row, "id", ""),
               word_of(QUEUE_WORDS, sizeof(QUEUE_WORDS) / sizeof(QUEUE_WORDS[0]), text_of(row, "queue", ""), f->language));
        put("  ", *from ? from : "<>");
        printf("  %lld  %s\n", number_of(row, "size_bytes"), text_of(row, "received", ""));
        json_array_foreach(json_object_get(row, "recipients"), k, r) print_recipient(f, r);
    }
}

static void print_reason(const struct facteur *f, const json_t *r)
{
    put("", text_of(r, "to", ""));
    printf("%s %s\n", f->language == LANGUAGE_FR ? "\u00a0:" : ":", text_of(r, "reason", ""));
}

static void print_login(const struct facteur *f, const char *reason)
{
    struct buffer b;
    buffer_init(&b, 4096);
    text_format(&b, f->language, TEXT_EXPLAIN_LOGIN, TEXT_ARGUMENTS({ "reason", slice_of(reason) }));
    printf("%.*s\n", SLICE_ARG(buffer_slice(&b)));
    buffer_done(&b);
}

/* Rule, key and value, and where that is written. */
static void print_decided(const struct facteur *f, const json_t *decided)
{
    size_t i;
    const json_t *item;
    json_array_foreach(decided, i, item) {
        printf("    %-4s", text_of(item, "rule", "-"));
        if (json_is_string(json_object_get(item, "key")))
            printf("  %s = %s", text_of(item, "key", ""), text_of(item, "value", ""));
        if (json_is_integer(json_object_get(item, "line")))
            printf("  %s:%lld", text_of(item, "file", ""), number_of(item, "line"));
        else if (json_is_string(json_object_get(item, "key")))
            printf("  (%s)", text_get(TEXT_PRINT_DEFAULT, f->language));
        putchar('\n');
    }
}

/* Sentences first; the rule, the key, file and line behind. */
void print_message(const struct facteur *f, const json_t *m)
{
    size_t i;
    const json_t *item;
    json_t *rows = json_array();
    json_array_foreach(json_object_get(m, "recipients"), i, item)
        if (json_is_string(json_object_get(item, "reason")))
            print_reason(f, item);
    if (json_is_string(json_object_get(m, "credential_reason")))
        print_login(f, text_of(m, "credential_reason", ""));
    if (*text_of(m, "next_step", ""))
        printf("%s\n", text_of(m, "next_step", ""));
    json_array_foreach(json_object_get(m, "remedies"), i, item) printf("%s\n", json_string_value(item));
    putchar('\n');
    json_array_append(rows, (json_t *)m);
    print_queue(f, rows);
    json_decref(rows);
    print_decided(f, json_object_get(m, "decided_by"));
    if (json_array_size(json_object_get(m, "history")) > 0)
        print_history(f, json_object_get(m, "history"));
}

/* ---- events ---- */

static const enum text_id EVENT_WORDS[TRACE_KIND_COUNT] = {
    [TRACE_SESSION_OPENED] = TEXT_EVENT_SESSION_OPENED,
    [TRACE_SESSION_CLOSED] = TEXT_EVENT_SESSION_CLOSED,
    [TRACE_SESSION_REFUSED] = TEXT_EVENT_SESSION_REFUSED,
    [TRACE_SESSION_BROKEN] = TEXT_EVENT_SESSION_BROKEN,
    [TRACE_LOGIN] = TEXT_EVENT_LOGIN,
    [TRACE_LOGIN_FAILED] = TEXT_EVENT_LOGIN_FAILED,
    [TRACE_REJECTED] = TEXT_EVENT_REJECTED,
    [TRACE_RECEIVED] = TEXT_EVENT_RECEIVED,
    [TRACE_NOT_STORED] = TEXT_EVENT_NOT_STORED,
    [TRACE_ATTEMPT] = TEXT_EVENT_ATTEMPT,
    [TRACE_DELIVERY] = TEXT_EVENT_DELIVERY,
    [TRACE_QUEUED] = TEXT_EVENT_QUEUED,
    [TRACE_NOTICE] = TEXT_EVENT_NOTICE,
    [TRACE_REMOVED] = TEXT_EVENT_REMOVED,
    [TRACE_CONTROL] = TEXT_EVENT_CONTROL,
    [TRACE_REST] = TEXT_EVENT_REST,
    [TRACE_QUARANTINED] = TEXT_EVENT_QUARANTINED,
    [TRACE_ALERT] = TEXT_EVENT_ALERT,
    [TRACE_ALERT_OVER] = TEXT_EVENT_ALERT_OVER,
    [TRACE_STORE_TROUBLE] = TEXT_EVENT_STORE_TROUBLE,
    [TRACE_STORE_STATE] = TEXT_EVENT_STORE_STATE,
    [TRACE_STARTED] = TEXT_EVENT_STARTED,
    [TRACE_CONFIG] = TEXT_EVENT_CONFIG,
    [TRACE_STOPPED] = TEXT_EVENT_STOPPED,
};

static const char *event_word(const char *name, enum language language)
{
    for (int kind = 0; kind < TRACE_KIND_COUNT; kind++)
        if (strcmp(trace_name((enum trace_kind)kind), name) == 0)
            return text_get(EVENT_WORDS[kind], language);
    return strcmp(name, "dropped") == 0 ? text_get(TEXT_EVENT_DROPPED, language) : name;
}

/* What became of it, where the event says that; else what happened. */
static const char *what_happened(const json_t *e, enum language language)
{
    const char *name = text_of(e, "event", ""), *status = text_of(e, "status", "");
    if (strcmp(name, trace_name(TRACE_DELIVERY)) == 0 && *status)
        return word_of(STATUS_WORDS, sizeof(STATUS_WORDS) / sizeof(STATUS_WORDS[0]), status, language);
    return event_word(name, language);
}

static void print_path(const char *before, const json_t *e, const char *key)
{
    if (!json_is_string(json_object_get(e, key)))
        return;
    printf("%s<", before);
    put("", text_of(e, key, ""));
    putchar('>');
}

/* One line: when, which message, what happened, whom it concerns, what was said, and the rule behind it. */
void print_event(const struct facteur *f, const json_t *e)
{
    static const char *const details[] = { "client", "account", "reason", "remedy" };
    bool of_message = json_is_string(json_object_get(e, "id"));
    printf("%s  %s%s%s", text_of(e, "at", "-"), text_of(e, "id", ""), of_message ? "  " : "", what_happened(e, f->language));
    if (of_message || *text_of(e, "from", ""))
        print_path("  ", e, "from");
    print_path(" > ", e, "to");
    if (strcmp(text_of(e, "event", ""), trace_name(TRACE_CONTROL)) == 0)
        printf("  %s", text_of(e, "status", ""));
    if (json_is_string(json_object_get(e, "queue")))
        printf("  %s", word_of(QUEUE_WORDS, sizeof(QUEUE_WORDS) / sizeof(QUEUE_WORDS[0]), text_of(e, "queue", ""), f->language));
    print_last(f, json_object_get(e, "last"));
    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++)
        if (json_is_string(json_object_get(e, details[i])))
            put("  ", text_of(e, details[i], ""));
    if (number_of(e, "count") > 1)
        printf("  %lld", number_of(e, "count"));
    if (json_is_string(json_object_get(e, "next_attempt")))
        printf("  -> %s", text_of(e, "next_attempt", ""));
    if (json_is_string(json_object_get(e, "rule")))
        printf("  (%s)", text_of(e, "rule", ""));
    putchar('\n');
}

void print_history(const struct facteur *f, const json_t *events)
{
    size_t i;
    const json_t *e;
    json_array_foreach(events, i, e) print_event(f, e);
}

static void print_candidate(const json_t *c, size_t number)
{
    const json_t *known = json_object_get(c, "known"), *address;
    size_t i;
    printf("%zu. %s", number, text_of(c, "kind", ""));
    put("  ", text_of(c, "host", ""));
    json_array_foreach(json_object_get(c, "addresses"), i, address) printf(" [%s]", json_string_value(address));
    if (json_is_integer(json_object_get(c, "port")))
        printf(":%lld", number_of(c, "port"));
    printf("  tls: %s  login: %s%s%s\n", text_of(c, "tls", ""), text_of(c, "credential", ""), json_is_object(known) ? "  " : "",
           json_is_object(known) ? text_of(known, "cause", "") : "");
}

static void print_consequence(const struct facteur *f, const json_t *c)
{
    struct buffer b;
    buffer_init(&b, 4096);
    text_format(&b, f->language, TEXT_PRINT_CONSEQUENCE,
                TEXT_ARGUMENTS({ "if", slice_of(text_of(c, "if", "")) }, { "then", slice_of(text_of(c, "then", "")) }));
    printf("%.*s (%s)\n", SLICE_ARG(buffer_slice(&b)), text_of(c, "rule", ""));
    buffer_done(&b);
}

/* Sentences first; the hosts and the keys behind. */
void print_explain(const struct facteur *f, const json_t *x)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(x, "summary"), i, item) puts(json_string_value(item));
    json_array_foreach(json_object_get(x, "consequences"), i, item) print_consequence(f, item);
    if (json_array_size(json_object_get(x, "candidates")) > 0)
        putchar('\n');
    json_array_foreach(json_object_get(x, "candidates"), i, item) print_candidate(item, i + 1);
    print_decided(f, json_object_get(x, "decided_by"));
}

void print_relay_test(const struct facteur *f, const json_t *t)
{
    size_t i;
    const json_t *step;
    json_array_foreach(json_object_get(t, "steps"), i, step) {
        printf("%s %s", json_is_true(json_object_get(step, "ok")) ? "+" : "-", text_of(step, "stage", ""));
        put("  ", text_of(step, "text", ""));
        putchar('\n');
    }
    if (json_is_true(json_object_get(t, "ok"))) {
        puts(text_get(TEXT_PRINT_RELAY_OK, f->language));
        return;
    }
    put("", text_of(t, "cause", ""));
    printf("\n%s\n", text_of(t, "remedy", ""));
}
