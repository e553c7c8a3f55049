/* The log as clients see it: what is kept, what passes a filter, what a client that does not read loses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "admin/follow.h"
#include "base/arena.h"

struct sent {
    uint32_t writes, events;
    uint64_t dropped;
    size_t octets, unsent;
    char last_to[64];
    struct follow *follow;
    bool leaves; /* the client goes when something is sent */
};

static void take(struct sent *s, struct slice line)
{
    json_t *value = json_loadb(line.data, line.size, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_true(json_object_get(value, "ok")));
    const json_t *event = json_object_get(value, "event");
    assert_true(json_is_object(event));
    if (strcmp(json_string_value(json_object_get(event, "event")), "dropped") == 0)
        s->dropped += (uint64_t)json_integer_value(json_object_get(event, "count"));
    else
        s->events++;
    const char *to = json_string_value(json_object_get(event, "to"));
    snprintf(s->last_to, sizeof s->last_to, "%s", to ? to : "");
    json_decref(value);
}

static void send(void *context, uint64_t client, struct slice lines)
{
    struct sent *s = context;
    s->writes++;
    s->octets += lines.size + 1;
    while (lines.size > 0)
        take(s, slice_split(&lines, '\n'));
    if (s->leaves)
        follow_remove(s->follow, client);
}

static size_t unsent(void *context, uint64_t client)
{
    (void)client;
    return ((struct sent *)context)->unsent;
}

static void happen(struct follow *f, uint64_t id, const char *from, const char *to)
{
    const struct trace_event event = { .kind = TRACE_DELIVERY, .at_us = 1795529580000000, .id = id, .from = slice_of(from),
                                       .to = slice_of(to), .outcome = { .class = OUTCOME_OK, .text = SLICE("250 ok") } };
    follow_event(f, &event, SLICE_EMPTY);
}

static json_t *recent_events(struct follow *f, const struct follow_filter *filter, uint32_t limit)
{
    struct buffer b;
    buffer_init(&b, 2 * FOLLOW_RECENT_SIZE);
    follow_recent(f, filter, limit, &b);
    assert_false(b.overflow);
    json_t *events = json_loadb(b.data, b.size, 0, NULL);
    assert_true(json_is_array(events));
    buffer_done(&b);
    return events;
}

static size_t recent(struct follow *f, struct follow_filter filter, uint32_t limit, const char *last_to)
{
    json_t *events = recent_events(f, &filter, limit);
    size_t count = json_array_size(events);
    if (last_to)
        assert_string_equal(json_string_value(json_object_get(json_array_get(events, count - 1), "to")), last_to);
    json_decref(events);
    return count;
}

static void test_recent(void **state)
{
    (void)state;
    struct follow *f = follow_new();
    assert_int_equal(recent(f, (struct follow_filter){ 0 }, 10, NULL), 0);
    happen(f, 1, "a@x", "b@x");
    happen(f, 2, "", "c@x");
    happen(f, 3, "A@X", "d@x");
    assert_int_equal(recent(f, (struct follow_filter){ 0 }, 10, "d@x"), 3);
    assert_int_equal(recent(f, (struct follow_filter){ 0 }, 2, "d@x"), 2);
    assert_int_equal(recent(f, (struct follow_filter){ .id = 2 }, 10, "c@x"), 1);
    assert_int_equal(recent(f, (struct follow_filter){ .from = SLICE("a@x") }, 10, "d@x"), 2);
    assert_int_equal(recent(f, (struct follow_filter){ .from = SLICE("<>") }, 10, "c@x"), 1);
    assert_int_equal(recent(f, (struct follow_filter){ .to = SLICE("B@x") }, 10, "b@x"), 1);
    assert_int_equal(recent(f, (struct follow_filter){ .id = 1, .to = SLICE("c@x") }, 10, NULL), 0);
    const struct trace_event connection = { .kind = TRACE_SESSION_OPENED };
    follow_event(f, &connection, SLICE_EMPTY); /* nobody follows: not worth it */
    assert_int_equal(recent(f, (struct follow_filter){ 0 }, 10, "d@x"), 3);
    follow_free(f);
}

/* The ring goes round many times with events of all sizes: what is kept is whole, in order, and the newest. */
static void test_ring(void **state)
{
    (void)state;
    struct follow *f = follow_new();
    char text[5000];
    memset(text, 'x', sizeof text);
    for (uint32_t i = 1; i < 4000; i++) {
        const struct trace_event event = { .kind = TRACE_DELIVERY, .id = i, .reason = slice(text, i * 2654435761u % sizeof text) };
        follow_event(f, &event, SLICE_EMPTY);
        if (i % 97 != 0)
            continue;
        json_t *events = recent_events(f, &(struct follow_filter){ 0 }, FOLLOW_RECENT_MAX);
        size_t count = json_array_size(events);
        assert_true(count >= (i < 40 ? i : 40));
        for (size_t k = 0; k < count; k++) {
            uint64_t id = 0;
            const char *written = json_string_value(json_object_get(json_array_get(events, k), "id"));
            assert_true(id_parse(slice_of(written), &id));
            assert_int_equal(id, i - count + 1 + k);
        }
        json_decref(events);
    }
    for (uint32_t i = 0; i < 2 * FOLLOW_RECENT_MAX; i++) /* short ones: their number is bounded too */
        follow_event(f, &(struct trace_event){ .kind = TRACE_STOPPED }, SLICE("{}"));
    assert_int_equal(recent(f, (struct follow_filter){ 0 }, UINT32_MAX, NULL), FOLLOW_RECENT_MAX);
    char *large = calloc(1, (16 << 10) + 1);
    follow_event(f, &(struct trace_event){ .kind = TRACE_STOPPED }, slice(large, (16 << 10) + 1)); /* too large: left out */
    free(large);
    assert_int_equal(recent(f, (struct follow_filter){ 0 }, UINT32_MAX, NULL), FOLLOW_RECENT_MAX);
    follow_free(f);
}

static void test_followers(void **state)
{
    (void)state;
    struct follow *f = follow_new();
    struct sent s = { .follow = f };
    const struct follow_calls calls = { send, unsent, &s };
    assert_true(follow_add(f, 7, &(struct follow_filter){ .to = SLICE("b@x") }));
    happen(f, 1, "a@x", "b@x");
    happen(f, 2, "a@x", "c@x");
    happen(f, 3, "a@x", "B@X");
    assert_int_equal(s.writes, 0);
    follow_flush(f, &calls);
    assert_int_equal(s.writes, 1); /* a turn's events in one */
    assert_int_equal(s.events, 2);
    follow_flush(f, &calls);
    assert_int_equal(s.writes, 1);
    assert_true(follow_add(f, 7, &(struct follow_filter){ .to = SLICE("c@x") })); /* instead of what it followed */
    happen(f, 4, "a@x", "b@x");
    happen(f, 5, "a@x", "c@x");
    follow_flush(f, &calls);
    assert_int_equal(s.events, 3);
    assert_string_equal(s.last_to, "c@x");
    follow_event(f, &(struct trace_event){ .kind = TRACE_SESSION_OPENED }, SLICE_EMPTY);
    follow_remove(f, 7);
    follow_remove(f, 7);
    happen(f, 6, "a@x", "c@x");
    follow_flush(f, &calls);
    assert_int_equal(s.events, 3);
    for (uint64_t client = 1; client <= FOLLOW_CLIENTS_MAX; client++)
        assert_true(follow_add(f, client, &(struct follow_filter){ 0 }));
    assert_false(follow_add(f, 99, &(struct follow_filter){ 0 }));
    assert_true(follow_add(f, 3, &(struct follow_filter){ 0 }));
    s.leaves = true;
    happen(f, 7, "a@x", "c@x");
    follow_flush(f, &calls); /* each goes as it is written to */
    assert_int_equal(s.events, 3 + FOLLOW_CLIENTS_MAX);
    assert_true(follow_add(f, 99, &(struct follow_filter){ 0 }));
    follow_free(f);
}

static void test_one_that_does_not_read(void **state)
{
    (void)state;
    enum { EVENTS = 20000 };
    struct follow *f = follow_new();
    struct sent s = { .follow = f, .unsent = 1 };
    const struct follow_calls calls = { send, unsent, &s };
    assert_true(follow_add(f, 7, &(struct follow_filter){ 0 }));
    for (uint32_t i = 1; i <= EVENTS; i++) {
        happen(f, i, "a@x", "b@x");
        follow_flush(f, &calls);
    }
    assert_int_equal(s.writes, 0);
    s.unsent = 0;
    follow_flush(f, &calls);
    assert_int_equal(s.writes, 1);
    assert_true(s.octets <= FOLLOW_UNREAD_SIZE_MAX);
    assert_true(s.octets > FOLLOW_UNREAD_SIZE_MAX / 2);
    happen(f, EVENTS + 1, "a@x", "last@x");
    follow_flush(f, &calls);
    assert_true(s.dropped > 0);
    assert_int_equal(s.events + s.dropped, EVENTS + 1);
    assert_string_equal(s.last_to, "last@x");
    follow_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recent),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_followers),
        cmocka_unit_test(test_one_that_does_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
