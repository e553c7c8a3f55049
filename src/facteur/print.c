#include <stdio.h>
#include <stdlib.h>

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

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
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

static void print_recipient(const json_t *r)
{
    const json_t *last = json_object_get(r, "last");
    printf("    %s  %s", text_of(r, "to", ""), text_of(r, "state", ""));
    if (json_is_string(json_object_get(r, "next_attempt")))
        printf("  %s", text_of(r, "next_attempt", ""));
    if (json_is_object(last))
        printf("  %s %lld %s", text_of(last, "host", ""), number_of(last, "code"), text_of(last, "text", text_of(last, "cause", "")));
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
        printf("%s  %s  %s  %lld  %s\n", text_of(row, "id", ""), text_of(row, "queue", ""), *from ? from : "<>",
               number_of(row, "size_bytes"), text_of(row, "received", ""));
        json_array_foreach(json_object_get(row, "recipients"), k, r) print_recipient(r);
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
            printf("%s: %s\n", text_of(item, "to", ""), text_of(item, "reason", ""));
    if (*text_of(m, "next_step", ""))
        printf("%s\n", text_of(m, "next_step", ""));
    json_array_foreach(json_object_get(m, "remedies"), i, item) printf("%s\n", json_string_value(item));
    putchar('\n');
    json_array_append(rows, (json_t *)m);
    print_queue(f, rows);
    json_decref(rows);
    json_array_foreach(json_object_get(m, "decided_by"), i, item)
        printf("    %s  %s = %s  %s:%lld\n", text_of(item, "rule", ""), text_of(item, "key", ""), text_of(item, "value", ""),
               text_of(item, "file", ""), number_of(item, "line"));
    if (json_array_size(json_object_get(m, "history")) > 0)
        print_history(json_object_get(m, "history"));
}

void print_history(const json_t *events)
{
    size_t i;
    const json_t *e;
    json_array_foreach(events, i, e) {
        const json_t *last = json_object_get(e, "last");
        printf("%s  %s  %s  %s  %s  %s  %s\n", text_of(e, "at", ""), text_of(e, "id", ""), text_of(e, "event", ""),
               text_of(e, "status", ""), text_of(e, "to", ""), text_of(e, "rule", ""),
               json_is_object(last) ? text_of(last, "text", "") : "");
    }
}

void print_explain(const struct facteur *f, const json_t *x)
{
    size_t i;
    const json_t *item;
    if (json_is_true(json_object_get(x, "local")))
        puts(text_get(TEXT_PRINT_LOCAL, f->language));
    json_array_foreach(json_object_get(x, "candidates"), i, item) {
        const json_t *known = json_object_get(item, "known"), *addresses = json_object_get(item, "addresses");
        const char *address = json_string_value(json_array_get(addresses, 0));
        printf("%zu. %s  %s [%s]:%lld  tls: %s  login: %s%s%s\n", i + 1, text_of(item, "kind", ""), text_of(item, "host", ""),
               address ? address : "-", number_of(item, "port"), text_of(item, "tls", ""), text_of(item, "credential", ""),
               json_is_object(known) ? "  " : "", json_is_object(known) ? text_of(known, "cause", "") : "");
    }
    json_array_foreach(json_object_get(x, "consequences"), i, item)
        printf("%s %s: %s (%s)\n", text_get(TEXT_PRINT_IF, f->language), text_of(item, "if", ""), text_of(item, "then", ""),
               text_of(item, "rule", ""));
}

void print_relay_test(const struct facteur *f, const json_t *t)
{
    size_t i;
    const json_t *step;
    json_array_foreach(json_object_get(t, "steps"), i, step)
        printf("%s %s  %s\n", json_is_true(json_object_get(step, "ok")) ? "+" : "-", text_of(step, "stage", ""), text_of(step, "text", ""));
    if (json_is_true(json_object_get(t, "ok")))
        puts(text_get(TEXT_PRINT_RELAY_OK, f->language));
    else
        printf("%s\n%s\n", text_of(t, "cause", ""), text_of(t, "remedy", ""));
}
