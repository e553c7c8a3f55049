#include "admin_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static struct now bench_now(void *context)
{
    return ((struct bench *)context)->now;
}

static void bench_feed(void *context, const struct event *event)
{
    struct bench *b = context;
    assert_int_equal(event->kind, EVENT_REQUEST);
    b->fed_count++;
    b->fed = *event->request;
    if (b->fed.kind == REQUEST_ORDER)
        for (uint32_t i = 0; i < b->fed.order.count && i < 8; i++)
            b->fed_ids[i] = b->fed.order.ids[i];
    if (b->fed.kind == REQUEST_EXPLAIN) {
        snprintf(b->fed_from, sizeof b->fed_from, "%.*s", SLICE_ARG(b->fed.explain.from));
        snprintf(b->fed_to, sizeof b->fed_to, "%.*s", SLICE_ARG(b->fed.explain.to));
    }
}

/* Whatever is sent is lines of JSON objects of this version, without a line end inside. */
static void bench_send(void *context, uint64_t client, struct slice lines)
{
    struct bench *b = context;
    assert_true(lines.size > 0);
    while (lines.size > 0) {
        struct slice line = slice_split(&lines, '\n');
        json_decref(b->answer);
        b->answer = json_loadb(line.data, line.size, JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_is_object(b->answer));
        assert_int_equal(json_integer_value(json_object_get(b->answer, "v")), CONTROL_VERSION);
        assert_true(json_is_boolean(json_object_get(b->answer, "ok")));
        b->answer_count++;
    }
    b->answer_client = client;
}

static size_t bench_unsent(void *context, uint64_t client)
{
    (void)client;
    return ((struct bench *)context)->unsent;
}

static void bench_list_queue(void *context, const struct store_query *query, uint64_t tag)
{
    struct bench *b = context;
    b->listed_count++;
    b->query = *query;
    b->listed_tag = tag;
}

static void bench_list_history(void *context, const struct history_query *query, uint64_t tag)
{
    struct bench *b = context;
    b->listed_count++;
    b->history = *query;
    b->listed_tag = tag;
}

static bool bench_reload(void *context, struct config_problems *problems)
{
    struct bench *b = context;
    const struct config_source source = { .file = SLICE("new.ini"), .text = SLICE("[Delivery]\nMode = sideways\n"),
                                          .language = problems->language };
    if (!b->reload_good)
        assert_null(config_parse(&source, problems));
    return b->reload_good;
}

static const struct config *bench_config(void *context)
{
    return ((struct bench *)context)->config;
}

static const struct accounts *bench_accounts(void *context)
{
    return ((struct bench *)context)->accounts;
}

static bool bench_reload_failed(void *context)
{
    return !((struct bench *)context)->reload_good;
}

static const struct control_calls CALLS = {
    .now = bench_now, .feed = bench_feed, .send = bench_send, .unsent = bench_unsent, .list_queue = bench_list_queue,
    .list_history = bench_list_history, .reload = bench_reload, .config = bench_config, .accounts = bench_accounts,
    .reload_failed = bench_reload_failed,
};

void bench_init(struct bench *b, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text, "[Server]\nName = mta.example.org\nDataDir = /tmp\nPostmaster = p@example.org\n"
                                "[Domains]\nLocal = example.org\n[Listen]\nRelay = 127.0.0.1:2525\n[Delivery]\n%s", more ? more : "");
    *b = (struct bench){ .now = { .monotonic_us = US_PER_HOUR, .wall_us = INT64_C(1795529580000000) }, .reload_good = true };
    struct config_problems problems;
    config_problems_init(&problems);
    const struct config_source source = { .file = SLICE("facteur.ini"), .text = slice_of(text) };
    b->config = config_parse(&source, &problems);
    assert_non_null(b->config);
    const struct accounts_source accounts = { .file = SLICE("accounts.ini"), .config = b->config };
    b->accounts = accounts_parse(&accounts, &problems);
    assert_non_null(b->accounts);
    config_problems_done(&problems);
    const struct engine_options options = { .seed = { 1 }, .config = b->config, .accounts = b->accounts };
    b->engine = engine_new(b->now, &options);
    b->control = control_new(b->engine, &CALLS, b);
}

void bench_done(struct bench *b)
{
    control_free(b->control);
    engine_free(b->engine);
    accounts_free(b->accounts);
    config_free(b->config);
    json_decref(b->answer);
}

void bench_line(struct bench *b, const char *line)
{
    control_line(b->control, 7, slice_of(line));
}

json_t *bench_ask(struct bench *b, const char *line)
{
    uint32_t before = b->answer_count;
    bench_line(b, line);
    assert_int_equal(b->answer_count, before + 1);
    assert_int_equal(b->answer_client, 7);
    return b->answer;
}

const char *bench_error(struct bench *b, const char *line)
{
    json_t *answer = bench_ask(b, line);
    assert_true(json_is_false(json_object_get(answer, "ok")));
    const char *error = json_string_value(json_object_get(answer, "error"));
    assert_non_null(error);
    return error;
}

const json_t *at(const json_t *value, const char *path)
{
    char key[64];
    while (value && *path) {
        size_t size = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)size, path);
        value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10)) : json_object_get(value, key);
        path += size + (path[size] == '.');
    }
    return value;
}

const char *text_at(const json_t *value, const char *path)
{
    return json_string_value(at(value, path));
}
