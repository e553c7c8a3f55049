/* One message being tried: what is decided from answer to answer, and what is written when. */
#include "engine_bench.h"

/* ---- settled as soon as it is answered ---- */

/* Another recipient's host is slow: what was delivered is durable long before the attempt is over. */
static void delivered_is_settled_at_once(void **state)
{
    bench_init("", "");
    domain_at("fast.test", "mx.fast.test", 1);
    domain_at("slow.test", "mx.slow.test", 2);
    b.servers[2].greeting = "";
    uint64_t id = message_put("from@example.org", "a@fast.test b@slow.test");
    pass(US_PER_SECOND);
    assert_int_equal(b.servers[1].messages, 1);
    assert_int_equal(b.settles, 1);
    assert_int_equal(stored_state(id, 0), RECIPIENT_DELIVERED);
    assert_int_equal(stored_state(id, 1), RECIPIENT_WAITING);
    assert_int_equal(b.inflight, 1); /* it is still being tried */
    b.servers[2].greeting = NULL;
    bench_restart(true);
    pass(US_PER_MINUTE);
    assert_int_equal(b.servers[1].messages, 1); /* no second copy */
    assert_int_equal(b.servers[2].messages, 1);
    assert_true(stored_find(id)->ended);
    bench_done();
}

static void one_transaction_is_one_settle(void **state)
{
    bench_init("", "");
    domain_at("fast.test", "mx.fast.test", 1);
    message_put("from@example.org", "a@fast.test b@fast.test");
    pass(US_PER_MINUTE);
    assert_int_equal(b.servers[1].messages, 1);
    assert_int_equal(b.settles, 0);
    assert_int_equal(b.ends, 1);
    assert_int_equal(b.batches, 1);
    bench_done();
}

/* fast.test has answered, slow.test is silent. */
static uint64_t half_way(const char *recipients, bool in_memory)
{
    bench_init("", "");
    domain_at("fast.test", "mx.fast.test", 1);
    domain_at("slow.test", "mx.slow.test", 2);
    b.servers[2].greeting = "";
    return message_put_body("from@example.org", recipients, SLICE("Subject: x\r\n\r\nhello\r\n"), in_memory);
}

/* What became of it waits until the store has what was settled before, and never overtakes it. */
static void the_end_waits_for_the_early_settle(void **state)
{
    uint64_t id = half_way("a@fast.test b@slow.test", true);
    b.store_silent = true;
    pass(US_PER_SECOND);
    assert_int_equal(b.batches, 1);
    assert_int_equal(b.settles, 1);
    pass(5 * US_PER_MINUTE + US_PER_SECOND); /* slow.test's host is given up */
    assert_int_equal(b.batches, 1);
    assert_int_equal(stored_envelope(id)->recipients[1].attempts, 0);
    b.store_silent = false;
    bench_store_answers();
    pass(US_PER_SECOND);
    assert_int_equal(b.settles, 2);
    assert_int_equal(stored_state(id, 0), RECIPIENT_DELIVERED);
    assert_int_equal(stored_envelope(id)->recipients[0].attempts, 1);
    assert_int_equal(stored_state(id, 1), RECIPIENT_WAITING);
    assert_int_equal(stored_envelope(id)->recipients[1].attempts, 1);
    assert_int_equal(b.inflight, 0);
    bench_done();
}

/* A store in trouble is asked again and again; the attempt goes on meanwhile. */
static void an_early_settle_is_tried_again(void **state)
{
    uint64_t id = half_way("a@fast.test b@slow.test", true);
    b.store_status = STORE_FAILED;
    pass(10 * US_PER_SECOND);
    assert_true(b.batches > 1);
    assert_int_equal(stored_state(id, 0), RECIPIENT_WAITING);
    b.store_status = STORE_OK;
    pass(US_PER_MINUTE);
    assert_int_equal(stored_state(id, 0), RECIPIENT_DELIVERED);
    bench_done(); /* ... in the middle of the attempt */
}

/* The notice that a delivered recipient is owed is durable with it, whether the original is in memory or must be read. */
static void a_success_is_told_early(bool in_memory)
{
    uint64_t id = half_way("a@fast.test b@slow.test", in_memory);
    struct message *m = queue_stub(b.e->queue, queue_find(b.e->queue, id))->message;
    if (m)
        m->envelope.recipients[0].notify = NOTIFY_SUCCESS;
    struct envelope v = *stored_envelope(id);
    v.recipients[0].notify = NOTIFY_SUCCESS;
    stored_replace(id, &v);
    b.store_silent = true;
    pass(US_PER_SECOND);
    assert_int_equal(stored_state(id, 0), RECIPIENT_DELIVERED);
    assert_int_equal(b.batches, 1);
    assert_int_equal(b.submits, 1);
    struct stored *notice = stored_notice(id);
    assert_non_null(notice);
    assert_true(slice_find_slice(buffer_slice(&notice->body), SLICE("Action: relayed")) < notice->body.size);
    assert_true(slice_find_slice(buffer_slice(&notice->body), SLICE("Subject: x")) < notice->body.size);
    b.store_silent = false;
    bench_store_answers();
    b.servers[2].greeting = NULL;
    pass(US_PER_HOUR);
    assert_int_equal(b.servers[1].messages, 1);
    assert_int_equal(b.servers[2].messages, 1);
    assert_int_equal(traced_count("notice id="), 1);
    bench_done();
}

static void a_success_is_told_early_from_memory(void **state)
{
    a_success_is_told_early(true);
}

static void a_success_is_told_early_from_the_store(void **state)
{
    a_success_is_told_early(false);
}

/* Three fast domains one after another: what is written stays in proportion, and each stands in the record. */
static void early_settles_of_many(void **state)
{
    bench_init("", "");
    char recipients[4000] = "late@slow.test";
    domain_at("slow.test", "mx.slow.test", 2);
    b.servers[2].greeting = "";
    static char names[20][2][40];
    for (uint32_t i = 0; i < 20; i++) {
        snprintf(names[i][0], sizeof names[i][0], "d%u.test", i);
        snprintf(names[i][1], sizeof names[i][1], "mx.d%u.test", i);
        domain_at(names[i][0], names[i][1], 3);
        snprintf(recipients + strlen(recipients), sizeof recipients - strlen(recipients), " u@d%u.test", i);
    }
    uint64_t id = message_put("from@example.org", recipients);
    pass(2 * US_PER_SECOND);
    assert_int_equal(b.servers[3].messages, 20);
    assert_in_range(b.settles, 1, 3);
    for (uint32_t i = 1; i <= 20; i++)
        assert_int_equal(stored_state(id, i), RECIPIENT_DELIVERED);
    assert_int_equal(stored_state(id, 0), RECIPIENT_WAITING);
    bench_done();
}

/* A server that stops waits for what is being written, and leaves no recipient undecided that was delivered to. */
static void a_stop_in_between(void **state)
{
    uint64_t id = half_way("a@fast.test b@slow.test", true);
    b.store_silent = true;
    pass(US_PER_SECOND);
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_STOP });
    run();
    assert_false(engine_stopped(b.e));
    b.store_silent = false;
    bench_store_answers();
    pass(6 * US_PER_MINUTE);
    assert_true(engine_stopped(b.e));
    assert_int_equal(stored_state(id, 0), RECIPIENT_DELIVERED);
    assert_int_equal(stored_state(id, 1), RECIPIENT_WAITING);
    bench_done();
}

/* ---- A23a: the smart host does not let us relay ---- */

static const char relay_settings[] = "[Delivery]\nMode = smarthost\nSmartHost = [192.0.2.1]:587\nSmartHostAuth = yes\n"
                                     "SmartHostUser = us\nSmartHostPassword = pw\nSmartHostTls = off\nAllowPlaintextAuth = yes\n";

static void relay_init(void)
{
    bench_init(relay_settings, "");
    b.servers[1].offers = "250-AUTH PLAIN\r\n";
}

/* The login is taken and MAIL answered each time: that is no sign that the trouble is over. */
static void a_refused_right_rests_until_one_is_accepted(void **state)
{
    relay_init();
    b.servers[1].rcpt = "550 5.7.64 TenantAttribution; Relay Access Denied";
    for (uint32_t i = 0; i < 5; i++)
        message_put("from@example.org", i % 2 ? "a@one.test" : "b@two.test");
    pass(5 * US_PER_MINUTE);
    assert_int_equal(alerts(RULE_A23A), 1);
    assert_int_equal(traced_count("alert rule=A23a"), 1);
    assert_int_equal(traced_count("alert-resolved"), 0);
    assert_int_equal(traced_count("status=bounced"), 0);
    pass(4 * US_PER_HOUR);
    assert_true(traced("rest ") && traced("count=1 ") && traced("count=2 ") && traced("count=4 ") && traced("count=32 "));
    assert_int_equal(traced_count("alert-resolved"), 0);
    assert_in_range(b.servers[1].connections, 6, 20); /* not one each time that one of the five is due */
    b.servers[1].rcpt = NULL;
    pass(US_PER_HOUR + US_PER_MINUTE);
    assert_int_equal(b.servers[1].messages, 10); /* and the five delay notices */
    assert_int_equal(traced_count("alert-resolved"), 1);
    assert_int_equal(alerts(RULE_A23A), 0);
    bench_done();
}

/* Another login refused in between changes nothing of that; a letter that is refused for its own sake is not accepted. */
static void what_does_not_end_a_refused_right(void **state)
{
    relay_init();
    b.servers[1].mail = "550 5.7.60 relay access denied";
    message_put("from@example.org", "a@one.test");
    pass(US_PER_SECOND);
    assert_int_equal(alerts(RULE_A23A), 1);
    b.servers[1].mail = NULL;
    b.servers[1].auth = "535 5.7.8 no";
    pass(10 * US_PER_MINUTE);
    b.servers[1].auth = NULL;
    b.servers[1].rcpt = "550 5.1.1 no such user";
    pass(2 * US_PER_HOUR);
    assert_int_equal(traced_count("status=bounced"), 2); /* the letter, and its notice in vain */
    assert_int_equal(alerts(RULE_A23A), 1);
    b.servers[1].rcpt = NULL;
    message_put("from@example.org", "c@one.test");
    pass(2 * US_PER_HOUR);
    assert_int_equal(alerts(RULE_A23A), 0);
    assert_int_equal(traced_count("alert-resolved"), 1);
    bench_done();
}

/* A login that was refused works again as soon as it is taken and MAIL is answered, whatever becomes of the letter. */
static void a_refused_login_rests_until_it_is_taken(void **state)
{
    relay_init();
    b.servers[1].auth = "535 5.7.8 no";
    message_put("from@example.org", "busy@one.test");
    pass(US_PER_SECOND);
    assert_int_equal(alerts(RULE_A23A), 1);
    b.servers[1].auth = NULL;
    pass(10 * US_PER_MINUTE);
    assert_int_equal(alerts(RULE_A23A), 0);
    bench_done();
}

/* ---- A46: an order to retry really tries ---- */

static void a_retry_that_is_ordered_ends_the_rest(void **state)
{
    relay_init();
    b.servers[1].auth = "535 5.7.8 no";
    message_put("from@example.org", "a@one.test");
    uint64_t id = message_put("from@example.org", "b@two.test");
    pass(US_PER_SECOND);
    assert_int_equal(b.servers[1].connections, 1);
    b.servers[1].auth = NULL;
    order(SETTLE_RETRY, id);
    pass(US_PER_SECOND);
    assert_int_equal(b.servers[1].messages, 2); /* the other one too */
    bench_done();
}

static void a_retry_that_is_ordered_forgets_what_failed(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    domain_at("two.test", "mx.two.test", 3);
    b.servers[2].connect = b.servers[3].connect = 1 + CLOSE_REFUSED;
    message_put("from@example.org", "a@one.test");
    message_put("from@example.org", "c@two.test");
    pass(US_PER_SECOND);
    uint64_t id = message_put("from@example.org", "b@one.test");
    pass(US_PER_SECOND);
    b.servers[2].connect = b.servers[3].connect = 0;
    order(SETTLE_RETRY, id);
    pass(US_PER_SECOND);
    assert_int_equal(b.servers[2].messages, 2);
    assert_int_equal(b.servers[3].messages, 0); /* nobody spoke of that one */
    bench_done();
}

/* ---- directly first ---- */

static const char fallback_settings[] = "[Delivery]\nMode = direct-then-smarthost\nSmartHost = relay.test\n";

/* The smart host's name is looked up when the smart host's turn comes: a slow answer delays nothing before. */
static void the_direct_way_waits_for_no_other_name(void **state)
{
    bench_init(fallback_settings, "");
    name_fails("relay.test", DNS_MX, DNS_OK, true);
    domain_at("one.test", "mx.one.test", 2);
    message_put("from@example.org", "a@one.test");
    run();
    assert_int_equal(b.servers[2].messages, 1);
    assert_int_equal(b.names[0].asked, 0);
    bench_done();
}

static void the_smart_host_is_looked_up_in_its_turn(void **state)
{
    bench_init(fallback_settings, "");
    domain_at("relay.test", "mx.relay.test", 1);
    domain_at("one.test", "mx.one.test", 2);
    domain_at("two.test", "mx.two.test", 3);
    b.servers[2].connect = b.servers[3].connect = 1 + CLOSE_REFUSED;
    uint64_t id = message_put("from@example.org", "a@one.test b@two.test c@nowhere.test");
    run();
    assert_int_equal(b.servers[1].messages, 1); /* one transaction for all (A22) */
    assert_int_equal(b.names[0].asked, 1);
    assert_true(traced("to=<a@one.test> relay=relay.test") && traced("rule=A10 ") && traced("rule=A2 "));
    pass(US_PER_SECOND);
    assert_true(stored_find(id)->ended);
    bench_done();
}

/* ... and where it cannot be found, the mail waits with an alert (A35). */
static void the_smart_host_is_not_found_in_its_turn(void **state)
{
    bench_init(fallback_settings, "");
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].connect = 1 + CLOSE_REFUSED;
    uint64_t id = message_put("from@example.org", "a@one.test");
    pass(US_PER_SECOND);
    assert_int_equal(stored_state(id, 0), RECIPIENT_WAITING);
    assert_true(traced("stage=dns") && traced("relay=relay.test"));
    bench_done();
}

/* What is remembered of the domain goes to the smart host at once. */
static void a_remembered_failure_goes_to_the_smart_host(void **state)
{
    bench_init(fallback_settings, "");
    domain_at("relay.test", "mx.relay.test", 1);
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].connect = 1 + CLOSE_REFUSED;
    for (uint32_t i = 0; i < 3; i++) {
        message_put("from@example.org", "a@one.test");
        run();
    }
    assert_int_equal(b.servers[1].messages, 3);
    bench_done();
}

/* ---- the smart host is changed while a message is being tried ---- */

static const char base64_us[] = "AHVzAHB3", base64_new[] = "AG5ldwBuZXdwdw=="; /* \0us\0pw, \0new\0newpw */

static bool log_has(uint32_t server, const char *text)
{
    struct slice log = buffer_slice(&b.servers[server].log);
    return slice_find_slice(log, slice_of(text)) < log.size;
}

/* The old one's second address would follow, with the new one's login: that never goes there. */
static void a_login_goes_to_its_own_smart_host(void **state)
{
    bench_init("[Delivery]\nMode = smarthost\nSmartHost = relay.test:587\nSmartHostAuth = yes\nSmartHostUser = us\n"
               "SmartHostPassword = pw\nSmartHostTls = off\nAllowPlaintextAuth = yes\n", "");
    for (uint32_t i = 1; i <= 3; i++)
        b.servers[i].offers = "250-AUTH PLAIN\r\n";
    name_add("relay.test", DNS_A, "192.0.2.1");
    name_add("relay.test", DNS_A, "192.0.2.2");
    b.servers[1].connect = -1;
    uint64_t id = message_put("from@example.org", "a@one.test");
    run();
    bench_configure("[Delivery]\nMode = smarthost\nSmartHost = [192.0.2.3]:587\nSmartHostAuth = yes\nSmartHostUser = new\n"
                    "SmartHostPassword = newpw\nSmartHostTls = off\nAllowPlaintextAuth = yes\n");
    run();
    b.servers[1].connect = 1 + CLOSE_REFUSED;
    pass(US_PER_MINUTE);
    assert_int_equal(b.servers[2].connections, 0);
    assert_int_equal(b.servers[3].messages, 1);
    assert_true(log_has(3, base64_new) && !log_has(3, base64_us));
    assert_true(stored_find(id)->ended);
    bench_done();
}

/* Likewise who has been to his own domain first, and meets another smart host than he was to. */
static void a_changed_smart_host_behind_the_direct_way(void **state)
{
    bench_init("[Delivery]\nMode = direct-then-smarthost\nSmartHost = [192.0.2.1]:587\n", "");
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].connect = -1;
    uint64_t id = message_put("from@example.org", "a@one.test");
    run();
    bench_configure("[Delivery]\nMode = direct-then-smarthost\nSmartHost = [192.0.2.3]:587\n");
    run();
    b.servers[2].connect = 1 + CLOSE_REFUSED;
    pass(US_PER_MINUTE);
    assert_int_equal(b.servers[1].connections, 0);
    assert_int_equal(b.servers[3].messages, 1);
    assert_true(stored_find(id)->ended);
    bench_done();
}

/* ---- who gets what ---- */

static void recipients_keep_apart(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    domain_at("two.test", "mx.two.test", 3);
    uint64_t id = message_put("from@two.test", "ok@one.test bad@one.test busy@one.test x@two.test nobody@local.test postmaster@local.test");
    pass(US_PER_SECOND);
    static const enum recipient_state states[] = { RECIPIENT_DELIVERED, RECIPIENT_BOUNCED, RECIPIENT_WAITING,
                                                   RECIPIENT_DELIVERED, RECIPIENT_BOUNCED, RECIPIENT_DELIVERED };
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(stored_state(id, i), states[i]);
    assert_int_equal(b.servers[2].messages, 1); /* one transaction for all of a domain (A22) */
    assert_int_equal(b.maildirs, 1);
    assert_int_equal(traced_count("notice id="), 1); /* one notice about both */
    pass(10 * US_PER_MINUTE);
    assert_int_equal(b.servers[2].messages, 1); /* only the unfinished one is tried again (A21) */
    assert_int_equal(stored_envelope(id)->recipients[2].attempts, 2);
    assert_int_equal(stored_envelope(id)->recipients[0].attempts, 1);
    bench_done();
}

static void at_most_so_many_a_transaction(void **state)
{
    bench_init("[Delivery]\nMode = smarthost\nSmartHost = [192.0.2.1]:25\nMaxRecipientsPerTransaction = 2\n", "");
    uint64_t id = message_put("from@example.org", "a@one.test b@two.test c@three.test d@four.test e@five.test");
    pass(US_PER_SECOND);
    assert_int_equal(b.servers[1].messages, 3);
    assert_true(stored_find(id)->ended);
    assert_int_equal(b.lookups, 0);
    bench_done();
}

/* A45: too many hops: nobody is asked. */
static void a_loop_is_bounced(void **state)
{
    bench_init("[RetryQueue]\nMaxHops = 5\n", "");
    domain_at("one.test", "mx.one.test", 2);
    domain_at("example.org", "mx.example.org", 3);
    uint64_t id = message_put_body("from@example.org", "a@one.test", SLICE("Subject: x\r\n\r\n"), false);
    struct envelope v = *stored_envelope(id);
    v.hops = 6;
    stored_replace(id, &v);
    pass(US_PER_SECOND);
    assert_int_equal(b.servers[2].connections, 0);
    assert_int_equal(stored_state(id, 0), RECIPIENT_BOUNCED);
    assert_int_equal(stored_find(id)->queue, QUEUE_BAD);
    assert_int_equal(b.servers[3].messages, 1);
    assert_true(traced("dsn=5.4.6"));
    bench_done();
}

/* A37: where a destination fails for all one message probes it, the others hear at once and wait. */
static void one_message_probes(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    b.servers[2].connect = 1 + CLOSE_REFUSED;
    for (uint32_t i = 0; i < 20; i++)
        message_put("from@example.org", "a@one.test");
    pass(6 * US_PER_MINUTE);
    assert_int_equal(b.e->queue->counts[QUEUE_REMOTE], 20);
    b.servers[2].connect = 0;
    pass(10 * US_PER_MINUTE); /* the probe gets through: all go, without their own time having come */
    assert_int_equal(b.servers[2].messages, 20);
    bench_done();
}

/* The envelope of what is due cannot be read now: later; it is damaged: named and out of the queue. */
static void a_load_that_fails(void **state)
{
    bench_init("", "");
    domain_at("one.test", "mx.one.test", 2);
    uint64_t id = message_put_body("from@example.org", "a@one.test", SLICE("Subject: x\r\n\r\n"), false);
    b.load_err = ERR_IO;
    pass(US_PER_SECOND);
    assert_true(traced("store-trouble id="));
    b.load_err = ERR_OK;
    pass(2 * US_PER_MINUTE);
    assert_int_equal(b.servers[2].messages, 1);
    assert_true(stored_find(id)->ended);
    id = message_put_body("from@example.org", "a@one.test", SLICE("Subject: x\r\n\r\n"), false);
    stored_find(id)->envelope.data[0] ^= 1;
    pass(US_PER_SECOND);
    assert_true(traced("quarantined id="));
    assert_int_equal(queue_find(b.e->queue, id), 0);
    bench_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivered_is_settled_at_once),
        cmocka_unit_test(the_end_waits_for_the_early_settle),
        cmocka_unit_test(an_early_settle_is_tried_again),
        cmocka_unit_test(a_success_is_told_early_from_memory),
        cmocka_unit_test(a_success_is_told_early_from_the_store),
        cmocka_unit_test(early_settles_of_many),
        cmocka_unit_test(a_stop_in_between),
        cmocka_unit_test(one_transaction_is_one_settle),
        cmocka_unit_test(a_refused_right_rests_until_one_is_accepted),
        cmocka_unit_test(what_does_not_end_a_refused_right),
        cmocka_unit_test(a_refused_login_rests_until_it_is_taken),
        cmocka_unit_test(a_retry_that_is_ordered_ends_the_rest),
        cmocka_unit_test(a_retry_that_is_ordered_forgets_what_failed),
        cmocka_unit_test(the_direct_way_waits_for_no_other_name),
        cmocka_unit_test(the_smart_host_is_looked_up_in_its_turn),
        cmocka_unit_test(the_smart_host_is_not_found_in_its_turn),
        cmocka_unit_test(a_remembered_failure_goes_to_the_smart_host),
        cmocka_unit_test(a_login_goes_to_its_own_smart_host),
        cmocka_unit_test(a_changed_smart_host_behind_the_direct_way),
        cmocka_unit_test(recipients_keep_apart),
        cmocka_unit_test(at_most_so_many_a_transaction),
        cmocka_unit_test(a_loop_is_bounced),
        cmocka_unit_test(one_message_probes),
        cmocka_unit_test(a_load_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
