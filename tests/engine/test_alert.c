/* Alerts: one a cause, told when it begins, each day, and when it is over. */
#include "engine_bench.h"

static void raise(uint16_t rule, const char *subject, const char *said)
{
    const struct text_argument arguments[] = { { "subject", slice_of(subject) }, { "said", slice_of(said) }, { "host", SLICE("h") } };
    alert_raise(b.e, &(struct alert_question){ .rule = rule, .subject = slice_of(subject), .text = TEXT_ALERT_LOGIN,
                                               .remedy = TEXT_ALERT_LOGIN_REMEDY, .arguments = arguments, .argument_count = 3 });
    run();
}

static void one_a_cause(void **state)
{
    bench_init("", "");
    raise(RULE_A25, "relay.test general", "454 first");
    raise(RULE_A25, "relay.test general", "454 second");
    raise(RULE_A25, "relay.test account:jo", "454 third");
    raise(RULE_A33, "relay.test general", "");
    assert_int_equal(alerts(RULE_A25), 2);
    assert_int_equal(traced_count("alert rule="), 3);
    const struct alert *first = alert_first(b.e);
    assert_int_equal(first->count, 2); /* of ten accounts refused by one cause the last words stand there */
    assert_non_null(strstr(first->text[LANGUAGE_EN], "454 second"));
    assert_non_null(strstr(first->text[LANGUAGE_FR], "454 second"));
    assert_string_not_equal(first->text[LANGUAGE_EN], first->text[LANGUAGE_FR]);
    assert_string_not_equal(first->remedy[LANGUAGE_EN], "");
    alert_clear(b.e, RULE_A25, SLICE("relay.test account:jo"));
    alert_clear(b.e, RULE_A25, SLICE("somebody else"));
    run();
    assert_int_equal(alerts(RULE_A25), 1);
    assert_int_equal(traced_count("alert-resolved rule=A25"), 1);
    bench_done();
}

static void every_subject_of_a_rule(void **state)
{
    bench_init("", "");
    raise(RULE_A10B, "one", "");
    raise(RULE_A10B, "two", "");
    raise(RULE_A25, "one", "");
    alert_clear(b.e, RULE_A10B, SLICE_EMPTY);
    run();
    assert_int_equal(alerts(RULE_A10B), 0);
    assert_int_equal(alerts(RULE_A25), 1);
    assert_int_equal(traced_count("alert-resolved"), 2);
    alert_clear(b.e, RULE_A10B, SLICE_EMPTY); /* nothing is over twice */
    run();
    assert_int_equal(traced_count("alert-resolved"), 2);
    bench_done();
}

static void told_again_each_day(void **state)
{
    bench_init("", "");
    raise(RULE_A25, "relay.test", "no");
    pass(US_PER_DAY - US_PER_MINUTE);
    raise(RULE_A25, "relay.test", "no");
    assert_int_equal(traced_count("alert rule="), 1);
    pass(2 * US_PER_MINUTE);
    assert_int_equal(traced_count("alert rule="), 2);
    pass(3 * US_PER_DAY);
    assert_int_equal(traced_count("alert rule="), 5);
    alert_clear(b.e, RULE_A25, SLICE_EMPTY);
    pass(3 * US_PER_DAY);
    assert_int_equal(traced_count("alert rule="), 5);
    bench_done();
}

/* However many causes there are, and however long what was said. */
static void bounded(void **state)
{
    static char subject[3000], said[20000];
    bench_init("", "");
    memset(said, 'x', sizeof said - 1);
    for (uint32_t i = 0; i < ALERTS_MAX + 50; i++) {
        snprintf(subject, sizeof subject, "%u", i);
        memset(subject + strlen(subject), 's', 1500);
        raise(RULE_A25, subject, said);
    }
    assert_int_equal(alerts(RULE_A25), ALERTS_MAX);
    alert_clear(b.e, RULE_A25, SLICE_EMPTY);
    raise(RULE_A25, "room again", "");
    assert_int_equal(alerts(RULE_A25), 1);
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_a_cause),
        cmocka_unit_test(every_subject_of_a_rule),
        cmocka_unit_test(told_again_each_day),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
