/* What is written when something is decided: a whole engine, with messages that are given to settle by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "config/account.h"
#include "engine/queue.h"
#include "engine/settle.h"
#include "policy/rule.h"

enum { RECIPIENTS = 3000, RESULTS_MAX = 256 };

struct bench {
    struct engine *e;
    struct config *config;
    struct accounts *accounts;
    struct now now;
    uint32_t submits, settles, ends, told;
    enum queue_kind queue;      /* of the last settle */
    struct handle commit;
    struct store_result results[RESULTS_MAX];
    uint32_t result_count;
};

static struct bench b;

static void bench_init(void)
{
    memset(&b, 0, sizeof b);
    b.now = (struct now){ .monotonic_us = US_PER_HOUR, .wall_us = INT64_C(1795529580000000) };
    struct config_problems problems;
    config_problems_init(&problems);
    const struct config_source source = {
        .file = SLICE("facteur.ini"),
        .text = SLICE("[Server]\nName = mta.example.org\nDataDir = /tmp\n[Listen]\nRelay = 127.0.0.1:2525\n") };
    b.config = config_parse(&source, &problems);
    for (uint32_t i = 0; i < problems.count; i++)
        print_message("%.*s: %.*s\n", SLICE_ARG(problems.items[i].key), SLICE_ARG(problems.items[i].what));
    assert_non_null(b.config);
    const struct accounts_source accounts = { .file = SLICE("accounts.ini"), .config = b.config };
    b.accounts = accounts_parse(&accounts, &problems);
    assert_non_null(b.accounts);
    config_problems_done(&problems);
    const struct engine_options options = { .seed = { 1 }, .config = b.config, .accounts = b.accounts };
    b.e = engine_new(b.now, &options);
}

static void bench_done(void)
{
    engine_free(b.e);
    accounts_free(b.accounts);
    config_free(b.config);
}

static void item_take(const struct store_item *item)
{
    struct store_result *result = &b.results[b.result_count++];
    *result = (struct store_result){ .id = item->id, .tag = item->tag, .body = item->body };
    b.submits += item->kind == STORE_SUBMIT;
    b.settles += item->kind == STORE_SETTLE;
    b.ends += item->kind == STORE_END;
    if (item->kind == STORE_SETTLE)
        b.queue = item->queue;
    struct buffer body;
    buffer_init(&body, STORE_INLINE_BODY_MAX);
    for (uint32_t i = 0; i < item->body_part_count; i++)
        buffer_add(&body, item->body_parts[i]);
    assert_false(body.overflow);
    struct slice rest = buffer_slice(&body);
    for (size_t at; (at = slice_find_slice(rest, SLICE("Final-Recipient:"))) < rest.size; b.told++)
        rest = slice_after(rest, at + 1);
    buffer_done(&body);
}

/* Drains; takes what is committed, without answering it. */
static void drain(void)
{
    struct op op;
    while (engine_next(b.e, &op)) {
        if (op.kind != OP_COMMIT)
            continue;
        b.commit = op.handle;
        b.result_count = 0;
        for (uint32_t i = 0; i < op.commit.count; i++)
            item_take(&op.commit.items[i]);
    }
}

static void later(int64_t us)
{
    b.now.monotonic_us += us;
    b.now.wall_us += us;
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_TICK });
    drain();
}

static void answer(void)
{
    struct event event = { .kind = EVENT_COMMITTED, .handle = b.commit };
    event.committed = (struct event_committed){ b.results, b.result_count };
    b.result_count = 0;
    engine_feed(b.e, b.now, &event);
    drain();
}

/* A message that is taken out of the queue, as an attempt has it. */
static struct message *message_taken(const char *sender, uint32_t count)
{
    struct message *m = message_new(b.e);
    m->envelope.sender = arena_copy(&m->arena, slice_of(sender));
    m->envelope.received_us = b.now.wall_us;
    m->envelope.attempts = 1;
    for (uint32_t i = 0; i < count; i++) {
        char address[100];
        snprintf(address, sizeof address, "recipient-%04u@a-rather-long-domain.example.net", i);
        struct recipient *r = message_recipient_add(m);
        r->address = arena_copy(&m->arena, slice_of(address));
    }
    message_body_add(b.e, m, SLICE("Subject: x\r\n\r\nhello\r\n"));
    m->envelope.body_size = m->body_bytes;
    message_set_destination(m);
    const struct store_stub stub = { .id = m->envelope.id, .due_us = INT64_MAX, .queue = m->envelope.queue };
    m->stub = queue_add(b.e->queue, b.now, &stub);
    assert_true(queue_take(b.e->queue, m->stub));
    queue_stub(b.e->queue, m->stub)->message = m;
    return m;
}

static struct settle_change *changes_of(struct message *m, enum verdict_action action, const char *text)
{
    uint32_t count = m->envelope.recipient_count;
    struct settle_change *changes = arena_array(&m->arena, struct settle_change, count);
    for (uint32_t i = 0; i < count; i++) {
        changes[i] = (struct settle_change){ .recipient = i, .action = action, .tried = true };
        changes[i].outcome = (struct outcome){ .class = action == VERDICT_DELIVERED ? OUTCOME_OK : action == VERDICT_BOUNCE ? OUTCOME_PERM : OUTCOME_TEMP,
                                               .stage = STAGE_RCPT, .code = 550, .at_us = b.now.wall_us,
                                               .enhanced = { action == VERDICT_BOUNCE ? 5 : 4, 1, 1 },
                                               .text = arena_copy(&m->arena, slice_of(text)) };
    }
    return changes;
}

/* A letter to three thousand, each refused with many words: every one is told of, and no notice is larger than the journal takes. */
static void notices_that_would_be_too_large(void **state)
{
    bench_init();
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct message *m = message_taken("from@example.org", RECIPIENTS);
    settle_begin(b.e, m, changes_of(m, VERDICT_BOUNCE, text), RECIPIENTS, SLICE_EMPTY);
    drain();
    later(US_PER_SECOND);
    assert_int_equal(b.ends, 1);
    assert_true(b.submits > 1);
    assert_int_equal(b.told, RECIPIENTS);
    bench_done(); /* ... with the batch under way */
}

/* A40: who cannot be told of a recipient is not forgotten because another one was delivered to later. */
static void bad_queue_whoever_ends_last(void **state)
{
    bench_init();
    struct message *m = message_taken("", 2);
    struct settle_change *changes = changes_of(m, VERDICT_BOUNCE, "no");
    changes[1].action = VERDICT_WAIT;
    changes[1].outcome.class = OUTCOME_TEMP;
    changes[1].outcome.code = 450;
    settle_begin(b.e, m, changes, 2, SLICE_EMPTY);
    drain();
    later(US_PER_SECOND);
    assert_int_equal(b.settles, 1);
    assert_int_equal(b.queue, QUEUE_REMOTE);
    struct settle_change *second = changes_of(m, VERDICT_DELIVERED, "ok");
    m->envelope.recipients[1].state = RECIPIENT_WAITING;
    struct envelope kept = m->envelope;
    char record[4096];
    struct buffer out;
    buffer_init(&out, sizeof record);
    envelope_encode(&kept, &out);
    (void)second;
    struct message *again = message_new_empty(b.e);
    assert_int_equal(message_decode(again, buffer_slice(&out)), ERR_OK);
    buffer_done(&out);
    uint32_t stub = m->stub;
    answer();
    assert_true(queue_take(b.e->queue, stub));
    again->stub = stub;
    queue_stub(b.e->queue, stub)->message = again;
    second = changes_of(again, VERDICT_DELIVERED, "ok");
    settle_begin(b.e, again, &second[1], 1, SLICE_EMPTY);
    drain();
    later(US_PER_SECOND);
    assert_int_equal(b.ends, 0);
    assert_int_equal(b.settles, 2);
    assert_int_equal(b.queue, QUEUE_BAD);
    answer();
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notices_that_would_be_too_large),
        cmocka_unit_test(bad_queue_whoever_ends_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
