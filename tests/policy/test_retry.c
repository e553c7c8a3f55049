/* The retry queue's clock: when again, in which queue, until when, and who is told. */
#include "page.h"

#include "base/now.h"
#include "policy/retry.h"
#include "policy/rule.h"

#define MINUTES(n) ((n) * US_PER_MINUTE)
#define RECEIVED (1000 * US_PER_DAY)

struct row {
    const char *lines;       /* of [RetryQueue] */
    int64_t age_us;          /* now, since it was received */
    uint32_t attempts;
    enum queue_kind queue;
    const char *outcome;
    enum rule rule;          /* of the verdict */
    /* the plan */
    bool give_up;
    int64_t due_us;          /* since it was received */
    enum queue_kind to;
    bool notice;
    enum rule decided_by;
    enum config_key key;
};

#define REMOTE CONFIG_RETRY_REMOTE_RETRY
#define RETRY CONFIG_RETRY_RETRY

static const struct row rows[] = {
    /* remote queue: 5, 10, 15, 15 ... minutes, and the last one on its end */
    { "", 0, 1, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(5), QUEUE_REMOTE, false, RULE_NONE, REMOTE },
    { "", MINUTES(5), 2, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(15), QUEUE_REMOTE, false, RULE_NONE, REMOTE },
    { "", MINUTES(15), 3, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(30), QUEUE_REMOTE, false, RULE_NONE, REMOTE },
    { "", MINUTES(30), 4, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(45), QUEUE_REMOTE, false, RULE_NONE, REMOTE },
    { "", MINUTES(50), 5, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(60), QUEUE_REMOTE, false, RULE_NONE, REMOTE },
    { "RemoteRetryMinutes = 1\n", 0, 1, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(1), QUEUE_REMOTE, false,
      RULE_NONE, REMOTE },
    { "RemoteRetryMinutes = 20\n", 0, 1, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(20), QUEUE_REMOTE, false,
      RULE_NONE, REMOTE },
    { "RemoteRetryMinutes = 20\n", MINUTES(20), 2, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(40), QUEUE_REMOTE,
      false, RULE_NONE, REMOTE },
    { "RemoteQueueMinutes = 3\n", 0, 1, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(3), QUEUE_REMOTE, false,
      RULE_NONE, REMOTE },
    /* then the retry queue, with the one delay notice */
    { "", MINUTES(60), 6, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(120), QUEUE_RETRY, true, RULE_NONE, RETRY },
    { "", MINUTES(120), 7, QUEUE_RETRY, "connect refused", RULE_A15, false, MINUTES(180), QUEUE_RETRY, false, RULE_NONE, RETRY },
    { "RemoteQueueMinutes = 0\n", 0, 1, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(60), QUEUE_RETRY, true,
      RULE_NONE, RETRY },
    { "InformSenderDelayed = no\n", MINUTES(60), 6, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(120), QUEUE_RETRY,
      false, RULE_NONE, RETRY },
    { "RetryMinutes = 10\n", MINUTES(60), 6, QUEUE_RETRY, "connect refused", RULE_A15, false, MINUTES(70), QUEUE_RETRY, false,
      RULE_NONE, RETRY },
    /* A2: told after the first attempt */
    { "", 0, 1, QUEUE_REMOTE, "dns nxdomain", RULE_A2, false, MINUTES(5), QUEUE_REMOTE, true, RULE_A2, REMOTE },
    { "InformSenderDelayed = no\n", 0, 1, QUEUE_REMOTE, "dns nxdomain", RULE_A2, false, MINUTES(5), QUEUE_REMOTE, false,
      RULE_NONE, REMOTE },
    /* DelayAfterTempErrorMinutes: never earlier than that after a 4xx */
    { "", 0, 1, QUEUE_REMOTE, "rcpt 450 Wait", RULE_A15, false, MINUTES(5), QUEUE_REMOTE, false, RULE_NONE, REMOTE },
    { "DelayAfterTempErrorMinutes = 12\n", 0, 1, QUEUE_REMOTE, "rcpt 450 Wait", RULE_A15, false, MINUTES(12), QUEUE_REMOTE, false,
      RULE_NONE, CONFIG_RETRY_DELAY_AFTER_TEMP_ERROR },
    { "DelayAfterTempErrorMinutes = 12\n", 0, 1, QUEUE_REMOTE, "rcpt lost", RULE_A15, false, MINUTES(12), QUEUE_REMOTE, false,
      RULE_NONE, CONFIG_RETRY_DELAY_AFTER_TEMP_ERROR },
    { "DelayAfterTempErrorMinutes = 12\n", 0, 1, QUEUE_REMOTE, "banner 421 Busy", RULE_A15, false, MINUTES(12), QUEUE_REMOTE,
      false, RULE_NONE, CONFIG_RETRY_DELAY_AFTER_TEMP_ERROR },
    { "DelayAfterTempErrorMinutes = 12\n", 0, 1, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(5), QUEUE_REMOTE, false,
      RULE_NONE, REMOTE },
    { "DelayAfterTempErrorMinutes = 0\nRemoteRetryMinutes = 1\n", 0, 1, QUEUE_REMOTE, "rcpt 450 Wait", RULE_A15, false, MINUTES(1),
      QUEUE_REMOTE, false, RULE_NONE, REMOTE },
    { "DelayAfterTempErrorMinutes = 90\n", MINUTES(60), 6, QUEUE_RETRY, "rcpt 450 Wait", RULE_A15, false, MINUTES(150), QUEUE_RETRY,
      false, RULE_NONE, CONFIG_RETRY_DELAY_AFTER_TEMP_ERROR },
    /* asked delays lengthen only */
    { "", 0, 1, QUEUE_REMOTE, "rcpt 450 Try again in 10 minutes", RULE_A15, false, MINUTES(10), QUEUE_REMOTE, false, RULE_NONE,
      CONFIG_KEY_NONE },
    { "", 0, 1, QUEUE_REMOTE, "rcpt 450 Try again in 10 seconds", RULE_A15, false, MINUTES(5), QUEUE_REMOTE, false, RULE_NONE,
      REMOTE },
    { "", 0, 1, QUEUE_REMOTE, "rcpt 450 Try again in 900 hours", RULE_A15, false, 24 * US_PER_HOUR, QUEUE_REMOTE, false, RULE_NONE,
      CONFIG_KEY_NONE },
    { "", 0, 1, QUEUE_REMOTE, "mail 550 Try again in 10 minutes", RULE_A23A, false, MINUTES(5), QUEUE_REMOTE, false, RULE_NONE,
      REMOTE },
    /* the end: on the dot, and the last attempt falls on it */
    { "", 5 * US_PER_DAY - MINUTES(20), 100, QUEUE_RETRY, "connect refused", RULE_A15, false, 5 * US_PER_DAY, QUEUE_RETRY, false,
      RULE_NONE, CONFIG_RETRY_GIVE_UP },
    { "", 5 * US_PER_DAY, 101, QUEUE_RETRY, "connect refused", RULE_A15, true, 5 * US_PER_DAY, QUEUE_RETRY, false, RULE_A45,
      CONFIG_RETRY_GIVE_UP },
    { "", 5 * US_PER_DAY, 101, QUEUE_RETRY, "dns nxdomain", RULE_A2, true, 5 * US_PER_DAY, QUEUE_RETRY, false, RULE_A45,
      CONFIG_RETRY_GIVE_UP },
    { "GiveUpDays = 1\n", US_PER_DAY - MINUTES(1), 30, QUEUE_RETRY, "rcpt 450 Try again in 5 hours", RULE_A15, false, US_PER_DAY,
      QUEUE_RETRY, false, RULE_NONE, CONFIG_RETRY_GIVE_UP },
    /* this server was down for a week: one more attempt all the same */
    { "", 7 * US_PER_DAY, 1, QUEUE_REMOTE, "connect refused", RULE_A15, false, 7 * US_PER_DAY + MINUTES(60), QUEUE_RETRY, true,
      RULE_NONE, RETRY },
    /* GiveUpDays = 0: the first attempt and one retry */
    { "GiveUpDays = 0\n", 0, 1, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(5), QUEUE_REMOTE, false, RULE_NONE,
      REMOTE },
    { "GiveUpDays = 0\n", MINUTES(5), 2, QUEUE_REMOTE, "connect refused", RULE_A15, true, MINUTES(5), QUEUE_RETRY, false, RULE_A45,
      CONFIG_RETRY_GIVE_UP },
    { "GiveUpDays = 0\nRemoteQueueMinutes = 0\n", 0, 1, QUEUE_REMOTE, "connect refused", RULE_A15, false, MINUTES(60), QUEUE_RETRY,
      true, RULE_NONE, RETRY },
    /* never really tried (its login rests): as after a first attempt */
    { "", MINUTES(2), 0, QUEUE_REMOTE, "auth resting", RULE_A25, false, MINUTES(7), QUEUE_REMOTE, false, RULE_NONE, REMOTE },
    /* a message in another queue counts as in the remote queue */
    { "", 0, 1, QUEUE_HOLDING, "connect refused", RULE_A15, false, MINUTES(5), QUEUE_REMOTE, false, RULE_NONE, REMOTE },
};

static struct config *config_of(const char *lines)
{
    struct buffer text;
    buffer_init(&text, 4096);
    buffer_add_text(&text, "[RetryQueue]\n");
    buffer_add_text(&text, lines);
    buffer_add_char(&text, '\0');
    struct config *config = page_config(text.data);
    buffer_done(&text);
    return config;
}

static void test_rows(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct config *config = config_of(r->lines);
        struct outcome o = page_outcome(r->outcome);
        const struct retry_question q = { .config = config, .now_us = RECEIVED + r->age_us, .received_us = RECEIVED,
                                          .attempts = r->attempts, .queue = r->queue, .outcome = &o, .rule = r->rule };
        struct retry_plan plan;
        retry_plan(&q, &plan);
        print_message("row %zu: %s%s\n", i, r->lines, r->outcome);
        assert_int_equal(plan.give_up, r->give_up);
        assert_int_equal(plan.due_us - RECEIVED, r->due_us);
        assert_int_equal(plan.queue, r->to);
        assert_int_equal(plan.delay_notice, r->notice);
        assert_int_equal(plan.rule, r->decided_by);
        assert_int_equal(plan.key, r->key);
        /* The verdict is told the same: what leaves the remote queue, or is given up, has had its last chance. */
        enum verdict_queue stage = retry_stage(config, q.now_us, RECEIVED, r->queue, r->attempts);
        bool last = r->queue != QUEUE_RETRY && (plan.queue == QUEUE_RETRY || plan.give_up);
        assert_int_equal(stage, r->queue == QUEUE_RETRY ? VERDICT_QUEUE_RETRY : last ? VERDICT_QUEUE_LAST : VERDICT_QUEUE_REMOTE);
        config_free(config);
    }
}

/* The whole life with nothing but failures: due times grow, the remote queue lasts at least as long as it says, everything
 * ends, on time, and the notice is wanted once. */
static void life(const char *lines, uint64_t random)
{
    struct config *config = config_of(lines);
    struct outcome o = page_outcome("connect refused");
    struct retry_question q = { .config = config, .now_us = RECEIVED, .received_us = RECEIVED, .queue = QUEUE_REMOTE,
                                .outcome = &o, .rule = RULE_A15, .random = random };
    unsigned notices = 0;
    for (q.attempts = 1; q.attempts < 2000; q.attempts++) {
        struct retry_plan plan;
        retry_plan(&q, &plan);
        if (plan.give_up)
            break;
        assert_true(plan.due_us > q.now_us);
        assert_true(plan.queue == QUEUE_RETRY || q.queue == QUEUE_REMOTE);
        if (plan.queue == QUEUE_RETRY && q.queue == QUEUE_REMOTE)
            assert_true(q.now_us >= retry_remote_end_us(config, RECEIVED));
        notices += plan.delay_notice;
        q.queue = plan.queue;
        q.now_us = plan.due_us;
    }
    assert_in_range(q.attempts, 2, 1999);
    assert_int_equal(notices, config->retry.give_up_us == 0 ? 0 : 1);
    if (config->retry.give_up_us > 0)
        assert_int_equal(q.now_us, retry_give_up_us(config, RECEIVED));
    config_free(config);
}

static void test_life(void **state)
{
    for (uint64_t random = 0; random < 50; random++) {
        life("", random * UINT64_C(0x9e3779b97f4a7c15));
        life("RemoteQueueMinutes = 7\nRetryMinutes = 5\nGiveUpDays = 1\n", random * UINT64_C(0x9e3779b97f4a7c15));
        life("GiveUpDays = 0\n", random * UINT64_C(0x9e3779b97f4a7c15));
    }
}

static void test_jitter(void **state)
{
    struct config *config = config_of("");
    int64_t least = INT64_MAX, most = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        struct outcome o = page_outcome("connect refused");
        const struct retry_question q = { .config = config, .now_us = RECEIVED + MINUTES(90), .received_us = RECEIVED,
                                          .attempts = 8, .queue = QUEUE_RETRY, .outcome = &o,
                                          .random = i * UINT64_C(0x9e3779b97f4a7c15) };
        struct retry_plan plan;
        retry_plan(&q, &plan);
        int64_t wait_us = plan.due_us - q.now_us;
        least = wait_us < least ? wait_us : least;
        most = wait_us > most ? wait_us : most;
    }
    assert_in_range(least, MINUTES(60), MINUTES(61));
    assert_in_range(most, MINUTES(62), MINUTES(63));
    config_free(config);
}

static void test_asked(void **state)
{
    static const struct {
        const char *text;
        int64_t asked_us;
    } asked[] = {
        { "Try again in 10 minutes", MINUTES(10) },
        { "try again in 300 seconds.", MINUTES(5) },
        { "Please retry after 5 min", MINUTES(5) },
        { "Please wait 90s", 90 * US_PER_SECOND },
        { "4.7.1 Greylisted for 5 minutes", MINUTES(5) },
        { "Greylisting in action, please come back in 00:05:00", MINUTES(5) },
        { "Greylisting in action, please come back in 04:30", 270 * US_PER_SECOND },
        { "Come back in 1 hour or 2 hours", US_PER_HOUR },
        { "Deferred: wait another 30 secs; then wait for 2 minutes", MINUTES(2) },
        { "Retry after: 120 seconds", MINUTES(2) },
        { "Wait at least (15) minutes, then try", MINUTES(15) },
        { "Try again in 99999999 hours", 0 },
        { "Try again in 9999999 hours", RETRY_ASKED_MAX_MINUTES * US_PER_MINUTE },
        { "100 messages in 60 minutes. Try again later", 0 },
        { "Try again later", 0 },
        { "Try again at 10:30:99:12", 0 },
        { "Try again in a while, see item 10 minutes", 0 },
        { "Try again in 10 bananas", 0 },
        { "No such user in 10 minutes", 0 },
        { "again in", 0 },
        { "", 0 },
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        if (retry_asked_us(slice_of(asked[i].text)) != asked[i].asked_us)
            fail_msg("%s: %lld", asked[i].text, (long long)retry_asked_us(slice_of(asked[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
