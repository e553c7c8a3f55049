/* How a queued message ends: by its age, by an order, in the bad queue, by unclean ends of the server. */
#include "engine_bench.h"

#define SHORT "[RetryQueue]\nGiveUpDays = 0\nInformSenderDelayed = no\n"
#define KEPT "OnGiveUpKeepInBadQueue = yes\n"
#define SILENT "OnGiveUpInformSender = no\n"
#define LOGIN "[Delivery]\nMode = smarthost\nSmartHost = [192.0.2.1]:587\nSmartHostAuth = yes\nSmartHostUser = us\n" \
              "SmartHostPassword = pw\nSmartHostTls = off\nAllowPlaintextAuth = yes\n"

static void begin(const char *settings)
{
    bench_init(settings, "[jo@local.test]\nPassword = $argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsAA$"
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    b.servers[1].offers = "250-AUTH PLAIN\r\n";
    domain_at("one.test", "mx.one.test", 2);
    domain_at("two.test", "mx.two.test", 3);
}

static bool notice_says(uint64_t id, const char *text)
{
    const struct stored *notice = stored_notice(id);
    assert_non_null(notice);
    return slice_find_slice(buffer_slice(&notice->body), slice_of(text)) < notice->body.size;
}

static enum queue_kind queue_of(uint64_t id)
{
    assert_false(stored_find(id)->ended);
    assert_int_equal(queue_stub(b.e->queue, queue_find(b.e->queue, id))->queue, stored_find(id)->queue);
    return stored_find(id)->queue;
}

/* ---- the bad queue ---- */

/* Given up, kept, the sender not told; then the administrator returns it. */
static void a_bounce_out_of_the_bad_queue(void **state)
{
    begin(SHORT KEPT SILENT);
    uint64_t id = message_put("jo@local.test", "busy@one.test ok@two.test");
    pass(2 * US_PER_HOUR);
    assert_int_equal(queue_of(id), QUEUE_BAD);
    assert_int_equal(stored_state(id, 0), RECIPIENT_EXPIRED);
    assert_null(stored_notice(id));
    order(SETTLE_BOUNCE, id);
    assert_int_equal(b.order_results[0], ORDER_DONE);
    assert_true(stored_find(id)->ended);
    assert_true(notice_says(id, "returned by the administrator"));
    assert_true(notice_says(id, "busy@one.test"));
    assert_true(notice_says(id, "450 4.2.1 later")); /* what had been said */
    assert_false(notice_says(id, "Final-Recipient: rfc822;ok@two.test"));
    assert_int_equal(b.maildirs, 1);
    bench_done();
}

/* Nobody can be told: it stays where it is seen. */
static void a_bounce_of_what_has_no_sender(void **state)
{
    begin("");
    uint64_t id = message_put("", "bad@one.test");
    pass(US_PER_SECOND);
    assert_int_equal(queue_of(id), QUEUE_BAD);
    order(SETTLE_BOUNCE, id);
    assert_int_equal(queue_of(id), QUEUE_BAD);
    assert_null(stored_notice(id));
    order(SETTLE_DROP, id);
    assert_true(stored_find(id)->ended);
    bench_done();
}

static void the_bad_queue_has_a_lifetime(void **state)
{
    begin("[RetryQueue]\nBadQueueDays = 3\n");
    uint64_t id = message_put("", "bad@one.test");
    pass(US_PER_SECOND);
    assert_int_equal(queue_of(id), QUEUE_BAD);
    pass(3 * US_PER_DAY - US_PER_MINUTE);
    assert_int_equal(queue_of(id), QUEUE_BAD);
    bench_restart(false);
    pass(30 * US_PER_SECOND);
    assert_int_equal(queue_of(id), QUEUE_BAD);
    pass(2 * US_PER_MINUTE);
    assert_true(stored_find(id)->ended);
    bench_done();
}

/* However it came to be handed out before its lifetime is over: it is not ended for that. */
static void what_is_bad_is_not_ended_before_its_time(void **state)
{
    begin("");
    uint64_t id = message_put_body("a@one.test", "b@two.test", SLICE("Subject: x\r\n\r\n"), false);
    struct envelope v = *stored_envelope(id);
    struct stored *s = stored_find(id);
    v.queue = QUEUE_BAD;
    v.recipients[0].state = RECIPIENT_EXPIRED;
    stored_replace(id, &v);
    pass(US_PER_MINUTE);
    assert_false(s->ended);
    assert_int_equal(queue_stub(b.e->queue, queue_find(b.e->queue, id))->queue, QUEUE_BAD);
    assert_int_equal(b.ends, 0);
    assert_int_equal(b.servers[3].connections, 0);
    bench_done();
}

static void out_of_the_bad_queue_into_a_new_life(void **state)
{
    begin(SHORT KEPT SILENT);
    uint64_t id = message_put("jo@local.test", "busy@one.test");
    pass(2 * US_PER_HOUR);
    assert_int_equal(queue_of(id), QUEUE_BAD);
    b.servers[2].rcpt = "250 2.1.5 yes";
    order(SETTLE_RETRY, id);
    pass(US_PER_SECOND);
    assert_int_equal(b.servers[2].messages, 1);
    assert_true(stored_find(id)->ended);
    bench_done();
}

/* ---- a copy is kept, whoever ends last ---- */

/* The administrator returns what still waits; a recipient that had expired before is kept for its own reason. */
static void an_order_forgets_no_copy(void **state)
{
    begin(SHORT KEPT);
    uint64_t id = message_put("jo@local.test", "busy@one.test held@two.test");
    b.servers[3].rcpt = "450 4.3.0 try again in 23 hours";
    pass(2 * US_PER_HOUR);
    assert_int_equal(stored_state(id, 0), RECIPIENT_EXPIRED);
    if (stored_state(id, 1) == RECIPIENT_WAITING)
        order(SETTLE_BOUNCE, id);
    assert_int_equal(queue_of(id), QUEUE_BAD);
    bench_done();
}

/* A23a, A25: expired for our own cause: the notice says so and a copy stays, also when nothing was tried at the end ... */
static void our_own_cause_at_the_end_of_a_line(void **state)
{
    begin(SHORT LOGIN);
    b.servers[1].auth = "535 5.7.8 no";
    uint64_t id = message_put("jo@local.test", "a@one.test");
    pass(US_PER_SECOND);
    assert_int_equal(stored_envelope(id)->recipients[0].rule, RULE_A23A);
    /* It is taken as overdue: patience ended in line. */
    uint32_t index = queue_find(b.e->queue, id);
    assert_true(queue_take(b.e->queue, index));
    b.now.wall_us += 2 * US_PER_DAY;
    struct message *m = message_new_empty(b.e);
    assert_int_equal(message_decode(m, buffer_slice(&stored_find(id)->envelope)), ERR_OK);
    m->stub = index;
    m->record = queue_stub(b.e->queue, index)->envelope;
    m->body = queue_body_ref(queue_stub(b.e->queue, index));
    m->envelope.recipients[0].attempts = 5;
    b.e->now = b.now;
    queue_arrived(b.e->queue, index);
    settle_overdue(b.e, m);
    pass(US_PER_SECOND);
    assert_int_equal(stored_state(id, 0), RECIPIENT_EXPIRED);
    assert_true(notice_says(id, "login"));
    assert_int_equal(queue_of(id), QUEUE_BAD);
    bench_done();
}

/* ... and when another recipient is delivered to after that. */
static void our_own_cause_of_an_earlier_end(void **state)
{
    begin("");
    uint64_t id = message_put_body("jo@local.test", "a@one.test b@two.test", SLICE("Subject: x\r\n\r\n"), false);
    struct envelope v = *stored_envelope(id);
    v.recipients[0].state = RECIPIENT_EXPIRED;
    v.recipients[0].rule = RULE_A25;
    v.recipients[0].last = (struct outcome){ .class = OUTCOME_TEMP, .stage = STAGE_AUTH, .code = 454 };
    stored_replace(id, &v);
    pass(US_PER_SECOND);
    assert_int_equal(b.servers[3].messages, 1);
    assert_int_equal(queue_of(id), QUEUE_BAD);
    bench_done();
}

/* ---- unclean ends ---- */

static void alone_and_held_at_the_third(void **state)
{
    begin("");
    b.servers[2].greeting = "";
    uint64_t id = message_put("jo@local.test", "a@one.test");
    for (uint32_t i = 1; i <= 3; i++) {
        pass(US_PER_SECOND);
        assert_int_equal(b.inflight, 1);
        bench_restart(true);
        pass(US_PER_SECOND);
        assert_int_equal(stored_envelope(id)->crashes, i);
    }
    assert_int_equal(queue_of(id), QUEUE_HOLDING);
    assert_int_equal(b.inflight, 0);
    b.servers[2].greeting = NULL;
    order(SETTLE_RELEASE, id);
    pass(US_PER_MINUTE);
    assert_int_equal(b.servers[2].messages, 1);
    bench_done();
}

/* ---- orders ---- */

static void held_released_dropped(void **state)
{
    begin("");
    b.servers[2].connect = 1 + CLOSE_REFUSED;
    uint64_t id = message_put("jo@local.test", "a@one.test");
    pass(US_PER_SECOND);
    order(SETTLE_HOLD, id);
    assert_int_equal(queue_of(id), QUEUE_HOLDING);
    assert_int_equal(stored_state(id, 0), RECIPIENT_HELD);
    b.servers[2].connect = 0;
    pass(US_PER_DAY);
    assert_int_equal(b.servers[2].messages, 0);
    order(SETTLE_RELEASE, id);
    pass(US_PER_SECOND);
    assert_int_equal(b.servers[2].messages, 1);
    id = message_put("jo@local.test", "busy@one.test");
    pass(US_PER_SECOND);
    order(SETTLE_DROP, id);
    assert_true(stored_find(id)->ended);
    assert_null(stored_notice(id));
    order(SETTLE_DROP, id);
    assert_int_equal(b.order_results[0], ORDER_NOT_FOUND);
    bench_done();
}

static void who_is_being_tried_is_busy(void **state)
{
    begin("");
    b.servers[2].greeting = "";
    uint64_t id = message_put("jo@local.test", "a@one.test");
    pass(US_PER_SECOND);
    order(SETTLE_DROP, id);
    assert_int_equal(b.order_results[0], ORDER_BUSY);
    assert_false(stored_find(id)->ended);
    bench_done();
}

/* The envelope cannot be read: the order changes nothing and is answered, and the message stays where it is. */
static void an_order_whose_load_fails(void **state)
{
    static const enum err errors[] = { ERR_IO, ERR_CORRUPT };
    for (uint32_t i = 0; i < 2; i++) {
        begin("");
        uint64_t id = message_put("", "bad@one.test");
        pass(US_PER_SECOND);
        assert_int_equal(queue_of(id), QUEUE_BAD);
        b.load_err = errors[i];
        uint32_t replies = b.replies;
        order(SETTLE_RETRY, id);
        assert_int_equal(b.replies, replies + 1);
        assert_int_equal(b.order_count, 1);
        b.load_err = ERR_OK;
        if (errors[i] == ERR_CORRUPT) {
            assert_true(traced("quarantined id=") && !queue_find(b.e->queue, id)); /* named, out of the queue */
        } else {
            assert_true(traced("store-trouble id="));
            assert_int_equal(queue_of(id), QUEUE_BAD);
            order(SETTLE_DROP, id);
            assert_true(stored_find(id)->ended);
        }
        bench_done();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bounce_out_of_the_bad_queue),
        cmocka_unit_test(a_bounce_of_what_has_no_sender),
        cmocka_unit_test(the_bad_queue_has_a_lifetime),
        cmocka_unit_test(what_is_bad_is_not_ended_before_its_time),
        cmocka_unit_test(out_of_the_bad_queue_into_a_new_life),
        cmocka_unit_test(an_order_forgets_no_copy),
        cmocka_unit_test(our_own_cause_at_the_end_of_a_line),
        cmocka_unit_test(our_own_cause_of_an_earlier_end),
        cmocka_unit_test(alone_and_held_at_the_third),
        cmocka_unit_test(held_released_dropped),
        cmocka_unit_test(who_is_being_tried_is_busy),
        cmocka_unit_test(an_order_whose_load_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
