/* Who is told what, and when, in the life of a message: delays, the end, deliveries after all. */
#include "engine_bench.h"

static void begin(const char *settings)
{
    bench_init(settings, "[jo@local.test]\nPassword = $argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsAA$"
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    domain_at("one.test", "mx.one.test", 2);
    domain_at("two.test", "mx.two.test", 3);
}

/* Notices about the message that have this in them, to this address. */
static uint32_t notices(uint64_t id, const char *to, const char *text)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < b.stored_count; i++) {
        const struct envelope *v = stored_envelope(b.stored[i].id);
        if (v->cause_id != id || !slice_equal(v->recipients[0].address, slice_of(to)))
            continue;
        struct slice body = buffer_slice(&b.stored[i].body);
        count += slice_find_slice(body, slice_of(text)) < body.size;
    }
    return count;
}

/* ---- the end ---- */

static void the_actions_at_the_end(void **state)
{
    for (unsigned bits = 1; bits < 8; bits++) {
        bool sender = bits & 1, postmaster = bits & 2, keep = bits & 4;
        char settings[300];
        snprintf(settings, sizeof settings,
                 "[RetryQueue]\nGiveUpDays = 0\nInformSenderDelayed = no\nOnGiveUpInformSender = %s\n"
                 "OnGiveUpInformPostmaster = %s\nOnGiveUpKeepInBadQueue = %s\n",
                 sender ? "yes" : "no", postmaster ? "yes" : "no", keep ? "yes" : "no");
        begin(settings);
        uint64_t id = message_put("jo@local.test", "busy@one.test");
        pass(2 * US_PER_HOUR);
        assert_true(traced("attempt=2 ") && !traced("attempt=3 "));
        assert_int_equal(traced_count("status=expired"), 1);
        assert_int_equal(notices(id, "jo@local.test", "Action: failed"), sender);
        assert_int_equal(notices(id, "postmaster@local.test", "Action: failed"), postmaster);
        assert_int_equal(!stored_find(id)->ended, keep);
        if (sender)
            assert_int_equal(notices(id, "jo@local.test", "Status: 4.4.7"), 1);
        bench_done();
    }
}

/* A refusal always informs the sender, whatever is to be done at the end of patience. */
static void a_refusal_always_informs(void **state)
{
    begin("[RetryQueue]\nOnGiveUpInformSender = no\nOnGiveUpInformPostmaster = yes\n");
    uint64_t id = message_put("jo@local.test", "bad@one.test");
    pass(US_PER_SECOND);
    assert_int_equal(notices(id, "jo@local.test", "Status: 5.1.1"), 1);
    assert_int_equal(notices(id, "postmaster@local.test", "Action"), 0);
    assert_true(stored_find(id)->ended);
    bench_done();
}

/* NOTIFY=NEVER: not even then. */
static void never_is_never(void **state)
{
    begin("");
    uint64_t id = message_put_body("jo@local.test", "bad@one.test", SLICE("Subject: x\r\n\r\n"), false);
    struct envelope v = *stored_envelope(id);
    v.recipients[0].notify = NOTIFY_NEVER;
    stored_replace(id, &v);
    pass(US_PER_SECOND);
    assert_null(stored_notice(id));
    assert_true(stored_find(id)->ended);
    bench_done();
}

/* Two are refused in one attempt: one notice tells of both. Another one in a later attempt has a notice of its own. */
static void one_notice_an_attempt(void **state)
{
    begin("");
    uint64_t id = message_put("jo@local.test", "bad1@one.test bad2@one.test busy@two.test");
    pass(US_PER_SECOND);
    assert_int_equal(notices(id, "jo@local.test", "Action: failed"), 1);
    assert_int_equal(notices(id, "jo@local.test", "bad2@one.test"), 1);
    b.servers[3].rcpt = "550 5.2.1 closed";
    pass(US_PER_HOUR);
    assert_int_equal(notices(id, "jo@local.test", "Action: failed"), 2);
    assert_int_equal(notices(id, "jo@local.test", "5.2.1 closed"), 1);
    assert_true(stored_find(id)->ended);
    bench_done();
}

/* ---- delays ---- */

static void one_delay_notice(void **state)
{
    begin("");
    uint64_t id = message_put("jo@local.test", "busy@one.test");
    pass(50 * US_PER_MINUTE);
    assert_int_equal(notices(id, "jo@local.test", "Action: delayed"), 0);
    pass(20 * US_PER_MINUTE);
    assert_int_equal(stored_find(id)->queue, QUEUE_RETRY);
    assert_int_equal(notices(id, "jo@local.test", "Action: delayed"), 1);
    pass(US_PER_DAY);
    assert_int_equal(notices(id, "jo@local.test", "Action: delayed"), 1);
    assert_true(stored_envelope(id)->delay_notice_sent);
    pass(5 * US_PER_DAY);
    assert_int_equal(notices(id, "jo@local.test", "Action: failed"), 1); /* and one at the end */
    bench_done();
}

/* A2: a domain that does not exist is told of after the first attempt. */
static void told_at_once_where_the_domain_is_none(void **state)
{
    begin("");
    uint64_t id = message_put("jo@local.test", "a@nowhere.test");
    pass(US_PER_SECOND);
    assert_int_equal(notices(id, "jo@local.test", "Action: delayed"), 1);
    assert_int_equal(stored_find(id)->queue, QUEUE_REMOTE);
    bench_done();
}

static void no_delay_notice_that_is_not_wanted(void **state)
{
    begin("[RetryQueue]\nInformSenderDelayed = no\n");
    uint64_t id = message_put("jo@local.test", "busy@one.test");
    pass(5 * US_PER_HOUR);
    assert_null(stored_notice(id));
    bench_done();
}

static void delivered_after_a_delay(void **state)
{
    for (unsigned wanted = 0; wanted < 2; wanted++) {
        begin(wanted ? "[RetryQueue]\nInformSenderDeliveredAfterDelay = yes\n" : "");
        uint64_t id = message_put("jo@local.test", "busy@one.test");
        pass(3 * US_PER_HOUR);
        b.servers[2].rcpt = "250 2.1.5 yes";
        pass(2 * US_PER_HOUR);
        assert_int_equal(b.servers[2].messages, 1);
        assert_int_equal(notices(id, "jo@local.test", "Action: relayed") + notices(id, "jo@local.test", "Action: delivered"), wanted);
        bench_done();
    }
}

/* ---- success ---- */

/* RFC 3461: who asked for it hears of a delivery here, and of a next hop that has no DSN; a next hop that has it tells itself. */
static void success_is_told_where_nobody_else_would(void **state)
{
    static const struct {
        const char *recipient, *offers, *action;
    } rows[] = {
        { "a@one.test", NULL, "Action: relayed" },
        { "a@one.test", "250-DSN\r\n", NULL },
        { "postmaster@local.test", NULL, "Action: delivered" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin("");
        b.servers[2].offers = rows[i].offers;
        uint64_t id = message_put_body("jo@local.test", rows[i].recipient, SLICE("Subject: x\r\n\r\n"), false);
        struct envelope v = *stored_envelope(id);
        v.recipients[0].notify = NOTIFY_SUCCESS;
        stored_replace(id, &v);
        pass(US_PER_SECOND);
        assert_true(stored_find(id)->ended);
        if (rows[i].action)
            assert_int_equal(notices(id, "jo@local.test", rows[i].action), 1);
        else
            assert_null(stored_notice(id));
        bench_done();
    }
}

/* A settled recipient and the notice that it causes are one batch. */
static void the_notice_is_durable_with_its_cause(void **state)
{
    begin("");
    uint64_t id = message_put("jo@local.test", "bad@one.test");
    b.store_silent = true;
    pass(US_PER_SECOND);
    assert_int_equal(b.batches, 1);
    assert_int_equal(b.submits, 1);
    assert_int_equal(b.ends, 1);
    assert_int_equal(b.maildirs, 0); /* it is not delivered before */
    b.store_silent = false;
    bench_store_answers();
    pass(US_PER_SECOND);
    assert_int_equal(b.maildirs, 1);
    assert_true(stored_find(id)->ended);
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_actions_at_the_end),
        cmocka_unit_test(a_refusal_always_informs),
        cmocka_unit_test(never_is_never),
        cmocka_unit_test(one_notice_an_attempt),
        cmocka_unit_test(one_delay_notice),
        cmocka_unit_test(told_at_once_where_the_domain_is_none),
        cmocka_unit_test(no_delay_notice_that_is_not_wanted),
        cmocka_unit_test(delivered_after_a_delay),
        cmocka_unit_test(success_is_told_where_nobody_else_would),
        cmocka_unit_test(the_notice_is_durable_with_its_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
