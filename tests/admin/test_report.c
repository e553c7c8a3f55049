/* What is told of queued messages: every state and queue, every rule with its key and remedy, texts that are not UTF-8, a damaged record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/report.h"
#include "admin_bench.h"
#include "base/arena.h"
#include "policy/rule.h"

static const int64_t NOON_US = INT64_C(1795529580000000);

static struct envelope envelope(struct recipient *recipients, uint32_t count)
{
    return (struct envelope){ .id = 42, .received_us = NOON_US, .protocol = RECEIVED_ESMTP, .sender = SLICE("a@example.org"),
                              .body_size = 1234, .queue = QUEUE_REMOTE, .recipients = recipients, .recipient_count = count };
}

static json_t *told(const struct bench *b, const struct envelope *v, bool why, enum language language)
{
    struct buffer bytes;
    buffer_init(&bytes, 1 << 20);
    envelope_encode(v, &bytes);
    const struct report_context context = { b->config, b->accounts, language };
    const struct store_row row = { .stub = { .id = v->id, .queue = v->queue }, .envelope = buffer_slice(&bytes) };
    json_t *message = report_message(&row, &context, why);
    buffer_done(&bytes);
    return message;
}

static void test_states(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    struct recipient recipients[] = {
        { .address = SLICE("w@x"), .state = RECIPIENT_WAITING, .due_us = NOON_US + US_PER_HOUR },
        { .address = SLICE("d@x"), .state = RECIPIENT_DELIVERED, .attempts = 2, .rule = RULE_A15, .due_us = NOON_US,
          .last = { .class = OUTCOME_OK, .stage = STAGE_DOT, .cause = OUTCOME_CAUSE_REPLY, .code = 250, .at_us = NOON_US,
                    .enhanced = { 2, 0, 0 }, .text = SLICE("ok \xff") } },
        { .address = SLICE("b@x"), .state = RECIPIENT_BOUNCED },
        { .address = SLICE("h@x"), .state = RECIPIENT_HELD },
        { .address = SLICE("e@x"), .state = RECIPIENT_EXPIRED },
    };
    struct envelope v = envelope(recipients, 5);
    json_t *m = told(&b, &v, false, LANGUAGE_EN);
    static const char *const states[] = { "waiting", "delivered", "bounced", "held", "expired" };
    char path[64];
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "recipients.%d.state", i);
        assert_string_equal(text_at(m, path), states[i]);
        snprintf(path, sizeof path, "recipients.%d.next_attempt", i);
        assert_true(i == 0 ? text_at(m, path) != NULL : json_is_null(at(m, path)));
    }
    assert_string_equal(text_at(m, "recipients.0.next_attempt"), "2026-11-24T15:13:00.000Z");
    assert_true(json_is_null(at(m, "recipients.0.last")) && json_is_null(at(m, "recipients.0.rule")));
    assert_string_equal(text_at(m, "recipients.1.last.text"), "ok \xef\xbf\xbd");
    assert_string_equal(text_at(m, "recipients.1.reason"), text_get(rule_text(RULE_A15), LANGUAGE_EN));
    assert_string_equal(text_at(m, "from"), "a@example.org");
    assert_int_equal(json_integer_value(at(m, "size_bytes")), 1234);
    assert_null(at(m, "decided_by"));
    json_decref(m);
    v.sender = SLICE_EMPTY;
    m = told(&b, &v, false, LANGUAGE_EN);
    assert_string_equal(text_at(m, "from"), "");
    json_decref(m);
    bench_done(&b);
}

static void test_next_step(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    struct recipient r = { .address = SLICE("w@x"), .due_us = NOON_US };
    struct envelope v = envelope(&r, 1);
    for (enum language language = LANGUAGE_EN; language < LANGUAGE_COUNT; language++) {
        for (int queue = 0; queue < QUEUE_COUNT; queue++) {
            v.queue = (enum queue_kind)queue;
            r.state = queue == QUEUE_HOLDING ? RECIPIENT_HELD : queue == QUEUE_BAD ? RECIPIENT_BOUNCED : RECIPIENT_WAITING;
            json_t *m = told(&b, &v, true, language);
            const char *next = text_at(m, "next_step");
            if (queue == QUEUE_HOLDING || queue == QUEUE_BAD)
                assert_string_equal(next, text_get(queue == QUEUE_BAD ? TEXT_NEXT_STEP_BAD : TEXT_NEXT_STEP_HELD, language));
            else
                assert_non_null(strstr(next, "2026-11-24T14:13:00.000Z"));
            assert_string_equal(text_at(m, "queue"), queue_name(v.queue));
            assert_true(json_is_array(at(m, "history")) && json_is_array(at(m, "decided_by")) && json_is_array(at(m, "remedies")));
            json_decref(m);
        }
    }
    bench_done(&b);
}

/* Each rule is named, has a sentence and a remedy in both languages, and a key only where one decides. */
static void test_every_rule(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, "BounceOnFirst5xx = yes\n");
    struct recipient r = { .address = SLICE("w@x"), .state = RECIPIENT_WAITING, .due_us = NOON_US };
    const struct envelope v = envelope(&r, 1);
    uint32_t rules = 0, keys = 0;
    for (uint16_t rule = 1; rule < 470; rule++) {
        if (!*rule_name(rule))
            continue;
        rules++;
        r.rule = rule;
        for (enum language language = LANGUAGE_EN; language < LANGUAGE_COUNT; language++) {
            json_t *m = told(&b, &v, true, language);
            assert_string_equal(text_at(m, "recipients.0.rule"), rule_name(rule));
            assert_string_equal(text_at(m, "decided_by.0.rule"), rule_name(rule));
            assert_true(*text_at(m, "recipients.0.reason") && *text_at(m, "remedies.0"));
            assert_int_equal(json_array_size(at(m, "decided_by")), 1); /* mode direct: no login */
            const char *key = text_at(m, "decided_by.0.key");
            assert_true(key ? config_key_find(slice_of(key)) != CONFIG_KEY_NONE : json_is_null(at(m, "decided_by.0.key")));
            assert_int_equal(json_object_size(at(m, "decided_by.0")), 5);
            keys += key != NULL;
            json_decref(m);
        }
    }
    assert_int_equal(rules, 50);
    assert_true(keys > 30);
    r.rule = RULE_A14;
    json_t *m = told(&b, &v, true, LANGUAGE_EN);
    assert_string_equal(text_at(m, "decided_by.0.key"), "Delivery.BounceOnFirst5xx");
    assert_string_equal(text_at(m, "decided_by.0.value"), "yes");
    assert_string_equal(text_at(m, "decided_by.0.file"), "facteur.ini");
    assert_int_equal(json_integer_value(at(m, "decided_by.0.line")), 10);
    json_decref(m);
    bench_done(&b);
}

static void test_the_login_is_told_and_no_secret(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, "Mode = smarthost\nSmartHost = 192.0.2.1\nSmartHostAuth = yes\nSmartHostUser = u\nSmartHostPassword = canary-5\n");
    struct recipient r = { .address = SLICE("w@x"), .state = RECIPIENT_WAITING, .rule = RULE_A25 };
    const struct envelope v = envelope(&r, 1);
    json_t *m = told(&b, &v, true, LANGUAGE_FR);
    assert_string_equal(text_at(m, "credential"), "general");
    assert_string_equal(text_at(m, "credential_reason"), text_get(TEXT_CREDENTIAL_GENERAL_ONLY, LANGUAGE_FR));
    assert_string_equal(text_at(m, "decided_by.1.key"), "Delivery.SmartHostAuth");
    char *all = json_dumps(m, 0);
    assert_null(strstr(all, "canary"));
    free(all);
    json_decref(m);
    m = report_decided(b.config, RULE_A25, CONFIG_DELIVERY_SMARTHOST_PASSWORD);
    assert_string_equal(text_at(m, "value"), "(set)");
    json_decref(m);
    r.local = true;
    m = told(&b, &v, true, LANGUAGE_EN);
    assert_null(at(m, "credential"));
    json_decref(m);
    bench_done(&b);
}

static void test_damaged(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    struct recipient r = { .address = SLICE("w@x"), .state = RECIPIENT_WAITING };
    const struct envelope v = envelope(&r, 1);
    struct buffer bytes;
    buffer_init(&bytes, 1 << 16);
    envelope_encode(&v, &bytes);
    const struct report_context context = { b.config, b.accounts, LANGUAGE_EN };
    for (size_t size = 0; size < bytes.size; size++) {
        const struct store_row row = { .stub = { .id = 42 }, .envelope = slice_part(buffer_slice(&bytes), 0, size) };
        assert_null(report_message(&row, &context, true));
    }
    buffer_done(&bytes);
    bench_done(&b);
}

static void test_texts(void **state)
{
    (void)state;
    json_t *value = json_slice(SLICE("a\xff\0\"b"));
    assert_string_equal(json_string_value(value), "a\xef\xbf\xbd\xef\xbf\xbd\"b");
    json_decref(value);
    value = json_slice(SLICE_EMPTY);
    assert_string_equal(json_string_value(value), "");
    json_decref(value);
    assert_true(json_is_null(json_slice_or_null(SLICE_EMPTY)));
    char *large = calloc(1, 1 << 20);
    value = json_slice(slice(large, 1 << 20)); /* cut, not lost */
    assert_true(json_string_length(value) > 1000);
    json_decref(value);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_next_step),
        cmocka_unit_test(test_every_rule),
        cmocka_unit_test(test_the_login_is_told_and_no_secret),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
