/* The control protocol: every line gets one answer, whatever it is (S36); every verb asks what it should; limits hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin_bench.h"
#include "base/arena.h"
#include "base/random.h"

#define STATUS "{\"v\":1,\"verb\":\"status\"}"

static void test_wrong_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "", " ", "x", "null", "1", "\"status\"", "[]", "{}", "{", "{\"v\":1}", "{\"verb\":\"status\"}", "{\"v\":0,\"verb\":\"status\"}",
        "{\"v\":2,\"verb\":\"status\"}", "{\"v\":-1,\"verb\":\"status\"}", "{\"v\":\"1\",\"verb\":\"status\"}",
        "{\"v\":1.0,\"verb\":\"status\"}", "{\"v\":1,\"verb\":7}", "{\"v\":1,\"verb\":\"\"}", "{\"v\":1,\"verb\":\"Status\"}",
        "{\"v\":1,\"verb\":\"status\"} ", "{\"v\":1,\"verb\":\"status\"}{}", "{\"v\":1,\"v\":1,\"verb\":\"status\"}",
        "{\"v\":1,\"verb\":\"status\\u0000\"}", "{\"v\":1,\"verb\":\"stat\xff\"}", "{\"v\":99999999999999999999,\"verb\":\"status\"}",
        "{\"v\":1,\"verb\":\"order\"}", "{\"v\":1,\"verb\":\"order\",\"order\":\"reroute\",\"ids\":[]}",
        "{\"v\":1,\"verb\":\"explain\"}", "{\"v\":1,\"verb\":\"explain\",\"to\":\"nobody\"}",
        "{\"v\":1,\"verb\":\"explain\",\"to\":\"\"}", "{\"v\":1,\"verb\":\"explain\",\"to\":\"b@x\",\"from\":\"@\"}",
        "{\"v\":1,\"verb\":\"queue\",\"queue\":\"nowhere\"}", "{\"v\":1,\"verb\":\"queue\",\"id\":\"?\"}",
        "{\"v\":1,\"verb\":\"queue\",\"after\":\"0123456789abcdef\"}", "{\"v\":1,\"verb\":\"history\",\"id\":\"-\"}",
        "{\"v\":1,\"verb\":\"log\",\"id\":\"-\",\"follow\":true}",
    };
    struct bench b;
    bench_init(&b, NULL);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (i == 19) /* a blank behind the object is no fault */
            assert_true(json_is_true(at(bench_ask(&b, lines[i]), "ok")));
        else
            assert_true(*bench_error(&b, lines[i]));
    }
    assert_int_equal(b.fed_count + b.listed_count, 0);
    assert_string_not_equal(bench_error(&b, "{\"v\":1,\"language\":\"fr\"}"), text_get(TEXT_CONTROL_WRONG, LANGUAGE_EN));
    assert_string_equal(bench_error(&b, "{\"v\":1,\"language\":\"fr\"}"), text_get(TEXT_CONTROL_WRONG, LANGUAGE_FR));
    control_line(b.control, 7, SLICE_EMPTY);
    assert_true(json_is_false(at(b.answer, "ok")));
    bench_done(&b);
}

static void test_status(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, "Mode = smarthost\nSmartHost = 192.0.2.1:587\n");
    json_t *answer = bench_ask(&b, STATUS);
    assert_string_equal(text_at(answer, "result.mode"), "smarthost");
    assert_string_equal(text_at(answer, "result.smarthost"), "192.0.2.1:587");
    assert_string_equal(text_at(answer, "result.version"), FACTEUR_VERSION);
    static const char *const queues[] = { "remote", "retry", "holding", "bad", "local" };
    for (size_t i = 0; i < 5; i++)
        assert_true(json_is_integer(json_object_get(at(answer, "result.queues"), queues[i])));
    assert_int_equal(json_object_size(at(answer, "result.queues")), 5);
    assert_true(json_is_array(at(answer, "result.alerts")));
    assert_true(json_is_false(at(answer, "result.reload_failed")));
    bench_done(&b);
}

static void test_orders(void **state)
{
    (void)state;
    static const char *const names[] = { "hold", "release", "retry", "bounce", "drop" };
    static const enum settle_order orders[] = { SETTLE_HOLD, SETTLE_RELEASE, SETTLE_RETRY, SETTLE_BOUNCE, SETTLE_DROP };
    static const enum request_order_result results[] = { ORDER_DONE, ORDER_NOT_FOUND, ORDER_BUSY, ORDER_NOT_FOUND };
    static const char *const told[] = { "done", "not-found", "busy", "not-found" };
    struct bench b;
    bench_init(&b, NULL);
    char line[256], id[16];
    id_format(UINT64_C(12345678901234567), id);
    for (size_t i = 0; i < 5; i++) {
        snprintf(line, sizeof line, "{\"v\":1,\"verb\":\"order\",\"order\":\"%s\",\"ids\":[\"%s\",\"what\",7,null]}", names[i], id);
        bench_line(&b, line);
        assert_int_equal(b.fed_count, i + 1);
        assert_int_equal(b.answer_count, i); /* it comes when it is done */
        assert_int_equal(b.fed.order.order, orders[i]);
        assert_int_equal(b.fed.order.count, 4);
        assert_true(b.fed_ids[0] == UINT64_C(12345678901234567));
        assert_true(b.fed_ids[1] == 0 && b.fed_ids[2] == 0 && b.fed_ids[3] == 0);
        struct engine_answer answer = { .kind = REQUEST_ORDER, .order = { .results = results, .count = 4 } };
        control_reply(b.control, &(struct op_reply){ .tag = b.fed.tag, .answer = &answer });
        assert_int_equal(b.answer_count, i + 1);
        assert_string_equal(text_at(b.answer, "result.0.id"), id);
        assert_string_equal(text_at(b.answer, "result.1.id"), "what");
        for (size_t k = 0; k < 4; k++) {
            snprintf(line, sizeof line, "result.%zu.result", k);
            assert_string_equal(text_at(b.answer, line), told[k]);
        }
        control_reply(b.control, &(struct op_reply){ .tag = b.fed.tag, .answer = &answer }); /* twice: nobody waits */
        assert_int_equal(b.answer_count, i + 1);
    }
    bench_done(&b);
}

static void test_too_many_ids(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    struct buffer line;
    buffer_init(&line, CONTROL_LINE_SIZE_MAX);
    buffer_add_text(&line, "{\"v\":1,\"verb\":\"order\",\"order\":\"hold\",\"ids\":[\"x\"");
    for (uint32_t i = 0; i < REQUEST_ORDER_IDS_MAX; i++)
        buffer_add_text(&line, ",\"x\"");
    buffer_add_text(&line, "]}");
    control_line(b.control, 7, buffer_slice(&line));
    assert_true(json_is_false(at(b.answer, "ok")));
    assert_int_equal(b.fed_count, 0);
    buffer_done(&line);
    bench_done(&b);
}

static void test_busy_order(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    bench_line(&b, "{\"v\":1,\"verb\":\"order\",\"order\":\"hold\",\"ids\":[]}");
    struct engine_answer answer = { .kind = REQUEST_ORDER, .busy = true };
    control_reply(b.control, &(struct op_reply){ .tag = b.fed.tag, .answer = &answer });
    assert_string_equal(text_at(b.answer, "error"), text_get(TEXT_CONTROL_BUSY, LANGUAGE_EN));
    bench_done(&b);
}

static void test_queue(void **state)
{
    (void)state;
    static const char *const names[] = { "remote", "retry", "holding", "bad", "local" };
    struct bench b;
    bench_init(&b, NULL);
    char line[256];
    for (int i = 0; i < QUEUE_COUNT; i++) {
        snprintf(line, sizeof line, "{\"v\":1,\"verb\":\"queue\",\"queue\":\"%s\",\"limit\":%d}", names[i], i * 100 - 50);
        bench_line(&b, line);
        assert_string_equal(queue_name((enum queue_kind)__builtin_ctz(b.query.queues)), names[i]);
        assert_int_equal(b.query.limit, i == 1 ? 50 : CONTROL_PAGE_ROWS_MAX);
    }
    bench_line(&b, "{\"v\":1,\"verb\":\"queue\"}");
    assert_int_equal(b.query.queues, 0);
    assert_int_equal(b.answer_count, 0);
    struct store_page page = { .more = true, .next_after_id = 77 };
    control_queue(b.control, b.listed_tag, ERR_OK, &page);
    char after[16];
    id_format(77, after);
    assert_int_equal(json_array_size(at(b.answer, "result.rows")), 0);
    assert_string_equal(text_at(b.answer, "result.after"), after);
    control_queue(b.control, b.listed_tag, ERR_OK, &page);
    assert_int_equal(b.answer_count, 1);
    snprintf(line, sizeof line, "{\"v\":1,\"verb\":\"queue\",\"id\":\"%s\"}", after);
    bench_line(&b, line);
    assert_int_equal(b.query.id, 77);
    assert_int_equal(b.query.queues, (1 << QUEUE_COUNT) - 1);
    control_queue(b.control, b.listed_tag, ERR_OK, &(struct store_page){ 0 });
    assert_string_equal(text_at(b.answer, "error"), text_get(TEXT_CONTROL_NO_SUCH, LANGUAGE_EN));
    bench_line(&b, "{\"v\":1,\"verb\":\"queue\",\"language\":\"fr\"}");
    control_queue(b.control, b.listed_tag, ERR_IO, &(struct store_page){ 0 });
    assert_string_equal(text_at(b.answer, "error"), text_get(TEXT_CONTROL_NOT_READ, LANGUAGE_FR));
    bench_done(&b);
}

static void test_history(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    bench_line(&b, "{\"v\":1,\"verb\":\"history\",\"limit\":4294967296}");
    assert_int_equal(b.history.limit, HISTORY_PAGE_MAX);
    const struct history_event events[] = { { .text = SLICE("{\"event\":\"second\"}") }, { .text = SLICE("{damaged") },
                                            { .text = SLICE("{\"event\":\"first\"}") } };
    control_history(b.control, b.listed_tag, ERR_OK, events, 3);
    assert_int_equal(json_array_size(at(b.answer, "result")), 2);
    assert_string_equal(text_at(b.answer, "result.0.event"), "first");
    bench_line(&b, "{\"v\":1,\"verb\":\"history\",\"from\":\"a@b\",\"to\":\"c@d\"}");
    assert_int_equal(b.history.limit, 100);
    control_history(b.control, b.listed_tag, ERR_IO, NULL, 0);
    assert_true(json_is_false(at(b.answer, "ok")));
    control_history(b.control, 999999, ERR_OK, events, 3);
    assert_int_equal(b.answer_count, 2);
    bench_done(&b);
}

static void test_reload(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    assert_int_equal(json_array_size(at(bench_ask(&b, "{\"v\":1,\"verb\":\"reload\"}"), "result.warnings")), 0);
    b.reload_good = false;
    assert_string_equal(bench_error(&b, "{\"v\":1,\"verb\":\"reload\"}"), text_get(TEXT_CONTROL_RELOAD_REFUSED, LANGUAGE_EN));
    const char *problem = NULL;
    for (size_t i = 0; i < json_array_size(at(b.answer, "problems")) && !problem; i++) {
        const char *one = json_string_value(json_array_get(at(b.answer, "problems"), i));
        problem = strstr(one, "Delivery.Mode") ? one : NULL;
    }
    assert_non_null(problem);
    assert_non_null(strstr(problem, "facteur.ini:2: "));
    assert_non_null(strstr(problem, "direct-then-smarthost"));
    bench_done(&b);
}

static void test_explain_and_relay_test(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    bench_line(&b, "{\"v\":1,\"verb\":\"explain\",\"to\":\"b@Dest.example\",\"from\":\"<>\"}");
    assert_int_equal(b.fed.kind, REQUEST_EXPLAIN);
    assert_string_equal(b.fed_from, "");
    assert_string_equal(b.fed_to, "b@dest.example");
    struct outcome absent = { .class = OUTCOME_PERM, .stage = STAGE_DNS, .cause = OUTCOME_CAUSE_DNS_NXDOMAIN, .enhanced = { 5, 1, 2 },
                              .host = SLICE("dest.example") };
    struct engine_answer answer = { .kind = REQUEST_EXPLAIN };
    answer.explain.route.count = 1;
    answer.explain.route.candidates[0] = (struct candidate){ .kind = CANDIDATE_MX, .host = SLICE("dest.example"), .known = &absent };
    control_reply(b.control, &(struct op_reply){ .tag = b.fed.tag, .answer = &answer });
    assert_string_equal(text_at(b.answer, "result.candidates.0.known.cause"), "dns-nxdomain");
    assert_true(json_is_null(at(b.answer, "result.candidates.0.port")));
    assert_string_equal(text_at(b.answer, "result.consequences.0.rule"), "A2");
    assert_string_equal(text_at(b.answer, "result.outcome_if_none"), "retry");
    assert_non_null(strstr(text_at(b.answer, "result.summary.0"), "directly"));
    bench_line(&b, "{\"v\":1,\"verb\":\"relay-test\",\"language\":\"fr\"}");
    assert_int_equal(b.fed.kind, REQUEST_RELAY_TEST);
    struct engine_answer test = { .kind = REQUEST_RELAY_TEST };
    test.relay_test.outcome = (struct outcome){ .class = OUTCOME_TEMP, .stage = STAGE_CONNECT, .cause = OUTCOME_CAUSE_REFUSED };
    control_reply(b.control, &(struct op_reply){ .tag = b.fed.tag, .answer = &test });
    assert_true(json_is_false(at(b.answer, "result.ok")));
    assert_non_null(strstr(text_at(b.answer, "result.remedy"), "V\xc3\xa9rifiez")); /* what it says is relay_words' */
    assert_true(*text_at(b.answer, "result.cause"));
    bench_done(&b);
}

/* Answers that are awaited are bounded; one that comes makes room. Those that nobody takes are freed with the rest. */
static void test_many_are_awaited(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    for (int i = 0; i < CONTROL_PENDING_MAX; i++)
        bench_line(&b, "{\"v\":1,\"verb\":\"queue\"}");
    assert_int_equal(b.answer_count, 0);
    assert_string_equal(bench_error(&b, STATUS), text_get(TEXT_CONTROL_BUSY, LANGUAGE_EN));
    control_queue(b.control, b.listed_tag, ERR_OK, &(struct store_page){ 0 });
    assert_true(json_is_true(at(bench_ask(&b, STATUS), "ok")));
    bench_done(&b);
}

/* ---- whatever comes (S36) ---- */

static const char *const SEEDS[] = {
    STATUS, "{\"v\":1,\"verb\":\"reload\"}", "{\"v\":1,\"verb\":\"queue\",\"limit\":3,\"queue\":\"bad\",\"from\":\"a@b\",\"id\":\"0sbay8n5r0b0r\"}",
    "{\"v\":1,\"verb\":\"order\",\"order\":\"drop\",\"ids\":[\"0sbay8n5r0b0r\",\"x\"]}", "{\"v\":1,\"verb\":\"relay-test\"}",
    "{\"v\":1,\"verb\":\"explain\",\"from\":\"a@b.example\",\"to\":\"c@d.example\",\"account\":\"e@f\"}",
    "{\"v\":1,\"verb\":\"history\",\"id\":\"0sbay8n5r0b0r\",\"to\":\"x\"}", "{\"v\":1,\"verb\":\"log\",\"follow\":true,\"limit\":5,\"from\":\"<>\"}",
};

static size_t seed_mutated(struct random_fast *random, char *line, size_t capacity)
{
    const char *seed = SEEDS[random_fast_below(random, sizeof SEEDS / sizeof SEEDS[0])];
    size_t size = strlen(seed);
    memcpy(line, seed, size);
    for (uint64_t n = random_fast_below(random, 6); n > 0; n--) {
        size_t place = random_fast_below(random, size), other = random_fast_below(random, size);
        size_t count = random_fast_below(random, size - place + 1);
        switch (random_fast_below(random, 4)) {
        case 0: line[place] = (char)random_fast_below(random, 256); break;
        case 1: line[place] = "{}[]\":,\\0-1e"[random_fast_below(random, 12)]; break;
        case 2: size = place > 0 ? place : size; break;
        default:
            if (other + count < capacity) {
                memmove(line + other, line + place, count);
                size = other + count > size ? other + count : size;
            }
        }
    }
    return size;
}

static void test_random_lines(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    struct random_fast random;
    random_fast_init(&random, 36);
    char line[1024];
    uint32_t asked = 0;
    for (int i = 0; i < 60000; i++) {
        size_t size;
        if (i % 4 == 0) {
            size = random_fast_below(&random, sizeof line);
            for (size_t k = 0; k < size; k++)
                line[k] = (char)random_fast_below(&random, 256);
        } else {
            size = seed_mutated(&random, line, sizeof line);
        }
        uint32_t before = b.answer_count + b.fed_count + b.listed_count;
        control_line(b.control, random_fast_below(&random, 40), slice(line, size));
        assert_int_equal(b.answer_count + b.fed_count + b.listed_count, before + 1);
        asked += b.fed_count + b.listed_count > 0;
        if (b.listed_count > 0)
            control_queue(b.control, b.listed_tag, ERR_IO, NULL);
        struct engine_answer busy = { .busy = true };
        if (b.fed_count > 0)
            control_reply(b.control, &(struct op_reply){ .tag = b.fed.tag, .answer = &busy });
        b.fed_count = b.listed_count = 0;
    }
    assert_true(asked > 5000);
    control_turn(b.control);
    bench_done(&b);
}

static void test_deep_and_long(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, NULL);
    struct buffer line;
    buffer_init(&line, CONTROL_LINE_SIZE_MAX);
    for (int i = 0; i < 1000000; i++)
        buffer_add_char(&line, i % 2 ? '[' : '{');
    control_line(b.control, 7, buffer_slice(&line));
    assert_true(json_is_false(at(b.answer, "ok")));
    buffer_clear(&line);
    buffer_add_text(&line, "{\"v\":1,\"verb\":\"log\",\"follow\":true,\"from\":\"");
    while (line.size < CONTROL_LINE_SIZE_MAX - 2)
        buffer_add_char(&line, 'a');
    buffer_add_text(&line, "\"}");
    control_line(b.control, 7, buffer_slice(&line));
    assert_string_equal(text_at(b.answer, "error"), text_get(TEXT_CONTROL_NO_ADDRESS, LANGUAGE_EN));
    buffer_done(&line);
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_lines),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_too_many_ids),
        cmocka_unit_test(test_busy_order),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_explain_and_relay_test),
        cmocka_unit_test(test_many_are_awaited),
        cmocka_unit_test(test_random_lines),
        cmocka_unit_test(test_deep_and_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
