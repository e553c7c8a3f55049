/* What must hold of every attempt, whatever the rules say in detail: random pages, lists and answers, walked as the engine
 * does. The lists have more hosts and addresses than the product, and candidates that the mode must not touch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "reading.h"

enum { WALKS = 50000 };

/* One attempt: the page, the list, and what each candidate would answer if it were asked. */
struct attempt {
    struct verdict_question question;
    struct verdict_candidate candidates[READING_CANDIDATES_MAX];
    const struct answer *would[READING_CANDIDATES_MAX];
    uint8_t time_up_after; /* so many answers */
};

struct course {
    struct verdict verdict; /* the last one */
    const struct answer *answers[READING_CANDIDATES_MAX];
    uint8_t tried;
    uint8_t order[READING_CANDIDATES_MAX];
};

static uint32_t draw(struct random_fast *random, uint32_t choices)
{
    return (uint32_t)random_fast_below(random, choices);
}

static void draw_page(struct random_fast *random, struct verdict_question *q)
{
    q->page.mode = (enum config_mode)draw(random, 3);
    q->page.abort_on_rcpt_5xx = draw(random, 2);
    q->page.bounce_if_no_mx_or_a = draw(random, 2);
    q->page.bounce_on_first_5xx = draw(random, 2);
    q->page.fallback_on_temp_error = (enum config_fallback_temp)draw(random, 3);
    q->queue = (enum verdict_queue)draw(random, 3);
    q->smarthost_meets = draw(random, 4) > 0;
    q->smarthost_refusing = draw(random, 4) == 0;
    q->credential = (enum credential_kind)draw(random, 3);
    q->requiretls = draw(random, 4) == 0;
}

static const struct answer *draw_answer(struct random_fast *random, enum candidate_kind kind, bool requiretls)
{
    const struct answer *answer;
    do {
        answer = kind == CANDIDATE_MX ? &reading_direct[draw(random, (uint32_t)reading_direct_count)]
                                      : &reading_smarthost[draw(random, (uint32_t)reading_smarthost_count)];
    } while (answer->alone || (!requiretls && (answer->kind & (D_REQUIRETLS | S_REQUIRETLS)) != 0));
    return answer;
}

/* Hosts of the domain, then the smart host, in every mode. */
static void draw_attempt(struct random_fast *random, struct attempt *attempt)
{
    memset(attempt, 0, sizeof(*attempt));
    struct verdict_question *q = &attempt->question;
    draw_page(random, q);
    q->candidates = attempt->candidates;
    uint8_t host = 0;
    for (uint32_t hosts = 1 + draw(random, 4); hosts > 0; hosts--, host++) {
        for (uint32_t addresses = 1 + draw(random, 3); addresses > 0; addresses--) {
            attempt->would[q->count] = draw_answer(random, CANDIDATE_MX, q->requiretls);
            attempt->candidates[q->count++] = (struct verdict_candidate){ .kind = CANDIDATE_MX, .host_number = host };
        }
    }
    for (uint32_t addresses = 1 + draw(random, 3); addresses > 0; addresses--) {
        attempt->would[q->count] = draw_answer(random, CANDIDATE_SMARTHOST, q->requiretls);
        attempt->candidates[q->count++] = (struct verdict_candidate){ .kind = CANDIDATE_SMARTHOST, .host_number = host };
    }
    attempt->time_up_after = draw(random, 4) == 0 ? (uint8_t)(1 + draw(random, 3)) : UINT8_MAX;
}

/* As the engine walks; asserts what must hold at each step. */
static void course_run(const struct attempt *attempt, struct course *ret_course)
{
    struct attempt run = *attempt;
    struct verdict_question *q = &run.question;
    q->candidates = run.candidates;
    memset(ret_course, 0, sizeof(*ret_course));
    for (;;) {
        struct verdict *v = &ret_course->verdict;
        struct verdict again;
        verdict_decide(q, v);
        verdict_decide(q, &again);
        assert_int_equal(v->action, again.action);
        assert_int_equal(v->rule, again.rule);
        if (v->action != VERDICT_NEXT)
            return;
        assert_true(v->next < q->count);
        assert_null(run.candidates[v->next].outcome);
        assert_true(ret_course->tried == 0 || v->next > ret_course->order[ret_course->tried - 1]);
        const struct answer *answer = run.would[v->next];
        run.candidates[v->next].outcome = &answer->outcome;
        run.candidates[v->next].refusal = answer->refusal;
        ret_course->answers[v->next] = answer;
        ret_course->order[ret_course->tried++] = v->next;
        /* The time is that of the direct hosts; the engine counts it anew in the smart host's part. */
        q->time_up = ret_course->tried >= run.time_up_after && run.candidates[v->next].kind == CANDIDATE_MX;
    }
}

static bool is_4xx_verdict(const struct attempt *attempt, const struct answer *answer)
{
    return answer && ((answer->kind & D_4XX) != 0 ||
                      (attempt->question.page.mode == MODE_DIRECT && (answer->kind & D_CLIENT_4XX) != 0));
}

static void check_end(const struct attempt *attempt, const struct course *course)
{
    const struct verdict *v = &course->verdict;
    const struct verdict_question *q = &attempt->question;
    assert_true(v->rule != RULE_NONE || (v->action == VERDICT_DELIVERED && v->key == CONFIG_DELIVERY_MODE));
    bool was_4xx = false, was_ok = false;
    for (uint8_t i = 0; i < q->count; i++) {
        if (!course->answers[i])
            continue;
        assert_false(q->page.mode == MODE_DIRECT && attempt->candidates[i].kind == CANDIDATE_SMARTHOST);
        assert_false(q->page.mode == MODE_SMARTHOST && attempt->candidates[i].kind == CANDIDATE_MX);
        was_4xx = was_4xx || is_4xx_verdict(attempt, course->answers[i]);
        was_ok = was_ok || course->answers[i]->outcome.class == OUTCOME_OK;
    }
    assert_int_equal(was_ok, v->action == VERDICT_DELIVERED);
    if (course->tried == 0) {
        bool held = q->requiretls && q->smarthost_refusing;
        assert_int_equal(v->action, held ? VERDICT_HOLD : q->requiretls ? VERDICT_BOUNCE : VERDICT_WAIT);
        assert_int_equal(v->rule, held ? RULE_A23B : RULE_A41);
        return;
    }
    assert_true(v->told < q->count);
    const struct answer *told = course->answers[v->told];
    assert_non_null(told);
    bool smarthost = attempt->candidates[v->told].kind == CANDIDATE_SMARTHOST;
    assert_true(smarthost || (v->effects == 0 && !v->local_cause));
    if (v->action == VERDICT_WAIT) /* told from the record alone, once it stands there */
        assert_int_equal(v->local_cause, verdict_local_cause(v->rule, &told->outcome));
    if (v->action == VERDICT_DELIVERED)
        assert_int_equal(told->outcome.class, OUTCOME_OK);
    if (v->action == VERDICT_BOUNCE) {
        assert_true(told->outcome.class == OUTCOME_PERM || (v->rule == RULE_A41 && q->requiretls));
        assert_int_equal(v->status.class, 5);
        assert_false(v->local_cause);
        assert_true(!was_4xx || smarthost || v->rule == RULE_A14 || v->rule == RULE_A19 || v->rule == RULE_A20 ||
                    v->rule == RULE_A7);
    }
    if (v->action == VERDICT_HOLD)
        assert_true(smarthost && q->smarthost_refusing && (told->outcome.class == OUTCOME_PERM || q->requiretls));
}

static void test_every_attempt_is_sane(void **state)
{
    (void)state;
    struct random_fast random;
    random_fast_init(&random, 1);
    uint32_t ends[5] = { 0 };
    for (uint32_t i = 0; i < WALKS; i++) {
        struct attempt attempt;
        struct course course;
        draw_attempt(&random, &attempt);
        course_run(&attempt, &course);
        check_end(&attempt, &course);
        ends[course.verdict.action]++;
    }
    for (int action = VERDICT_DELIVERED; action <= VERDICT_HOLD; action++)
        assert_true(ends[action] > 0);
}

/* The configuration in force decides, and may be another one at each step: the mode changes, or the attempt was begun in a
 * mode whose list has candidates of one kind only. */
static void test_the_mode_may_change(void **state)
{
    (void)state;
    struct random_fast random;
    random_fast_init(&random, 6);
    uint32_t unusable = 0;
    for (uint32_t i = 0; i < WALKS; i++) {
        struct attempt attempt;
        draw_attempt(&random, &attempt);
        struct verdict_question *q = &attempt.question;
        uint32_t kinds = draw(&random, 3);
        uint8_t from = 0, next = 0;
        while (kinds == 1 && attempt.candidates[from].kind == CANDIDATE_MX)
            from++;
        while (kinds == 2 && attempt.candidates[q->count - 1].kind == CANDIDATE_SMARTHOST)
            q->count--;
        memmove(attempt.candidates, attempt.candidates + from, (q->count - from) * sizeof(attempt.candidates[0]));
        memmove(attempt.would, attempt.would + from, (q->count - from) * sizeof(attempt.would[0]));
        q->count -= from;
        for (;;) {
            attempt.candidates[next].outcome = &attempt.would[next]->outcome;
            attempt.candidates[next].refusal = attempt.would[next]->refusal;
            q->page.mode = (enum config_mode)draw(&random, 3);
            struct verdict v;
            verdict_decide(q, &v);
            if (v.action != VERDICT_NEXT) {
                assert_non_null(attempt.candidates[v.told].outcome);
                unusable += v.rule == RULE_A46;
                break;
            }
            assert_true(v.next > next && v.next < q->count);
            next = v.next;
        }
    }
    assert_true(unusable > 0);
}

/* Longer lists than the product has, against the second reading. */
static void test_long_lists_read_alike(void **state)
{
    (void)state;
    struct random_fast random;
    random_fast_init(&random, 2);
    for (uint32_t i = 0; i < WALKS; i++) {
        struct attempt attempt;
        struct course course;
        draw_attempt(&random, &attempt);
        course_run(&attempt, &course);
        struct cell cell = { .question = attempt.question, .tried = course.tried };
        cell.question.candidates = cell.candidates;
        cell.question.time_up = course.tried >= attempt.time_up_after;
        memcpy(cell.candidates, attempt.candidates, sizeof(cell.candidates));
        memcpy(cell.answers, course.answers, sizeof(cell.answers));
        cell.last = course.tried > 0 ? course.order[course.tried - 1] : 0;
        struct reading reading;
        reading_of(&cell, &reading);
        assert_non_null(reading.row);
        assert_int_equal(reading.row->action, course.verdict.action);
        if (course.tried > 0)
            assert_int_equal(reading.told, course.verdict.told);
        if (reading.row->rule != ANY_RULE)
            assert_int_equal(reading.row->rule, course.verdict.rule);
    }
}

static bool same_course(const struct course *a, const struct course *b)
{
    return a->verdict.action == b->verdict.action && a->verdict.rule == b->verdict.rule && a->verdict.told == b->verdict.told &&
           a->verdict.effects == b->verdict.effects && a->tried == b->tried &&
           memcmp(a->order, b->order, a->tried) == 0;
}

/* A3, A23: the switches on the recipient's hosts say nothing in mode smarthost; section 2: what belongs to the smart host
 * says nothing in mode direct. */
static void test_what_a_mode_does_not_use(void **state)
{
    (void)state;
    struct random_fast random;
    random_fast_init(&random, 3);
    for (uint32_t i = 0; i < WALKS; i++) {
        struct attempt attempt, other;
        struct course course, other_course;
        draw_attempt(&random, &attempt);
        struct verdict_question drawn = { 0 };
        draw_page(&random, &drawn);
        other = attempt;
        struct verdict_question *q = &other.question;
        if (q->page.mode == MODE_DIRECT_THEN_SMARTHOST)
            continue;
        q->page.fallback_on_temp_error = drawn.page.fallback_on_temp_error;
        q->queue = drawn.queue;
        if (q->page.mode == MODE_SMARTHOST) {
            q->page.bounce_if_no_mx_or_a = drawn.page.bounce_if_no_mx_or_a;
            q->page.bounce_on_first_5xx = drawn.page.bounce_on_first_5xx;
            other.time_up_after = (uint8_t)(1 + draw(&random, 3));
        } else {
            q->smarthost_meets = drawn.smarthost_meets;
            q->smarthost_refusing = drawn.smarthost_refusing;
            q->credential = drawn.credential;
        }
        course_run(&attempt, &course);
        course_run(&other, &other_course);
        assert_true(same_course(&course, &other_course));
    }
}

/* bounced < waits or held < delivered */
static int worth(const struct course *course)
{
    switch (course->verdict.action) {
    case VERDICT_BOUNCE:
        return 0;
    case VERDICT_DELIVERED:
        return 2;
    default:
        return 1;
    }
}

/* A switch whose name says bounce or abort never saves a letter: turned off, the end is the same or better.
 * BounceOnFirst5xx in direct-then-smarthost is no such switch: it brings the smart host's turn forward (A14). */
static void test_switches_only_bounce(void **state)
{
    (void)state;
    struct random_fast random;
    random_fast_init(&random, 4);
    uint32_t worse = 0;
    for (uint32_t i = 0; i < WALKS; i++) {
        struct attempt on, off;
        struct course on_course, off_course;
        draw_attempt(&random, &on);
        off = on;
        uint32_t which = draw(&random, 3);
        if (which == 2 && on.question.page.mode == MODE_DIRECT_THEN_SMARTHOST)
            continue;
        *(which == 0 ? &on.question.page.abort_on_rcpt_5xx :
          which == 1 ? &on.question.page.bounce_if_no_mx_or_a : &on.question.page.bounce_on_first_5xx) = true;
        *(which == 0 ? &off.question.page.abort_on_rcpt_5xx :
          which == 1 ? &off.question.page.bounce_if_no_mx_or_a : &off.question.page.bounce_on_first_5xx) = false;
        course_run(&on, &on_course);
        course_run(&off, &off_course);
        if (worth(&on_course) < worth(&off_course))
            worse++;
        assert_true(worth(&on_course) <= worth(&off_course));
    }
    assert_true(worse > 0);
}

/* A host that says 4xx where it had said 5xx never makes the end worse; unless that brings the smart host in, which may
 * refuse for good (A11, A23). */
static void test_a_milder_host_never_hurts(void **state)
{
    (void)state;
#define RCPT(class_, code_) { .class = OUTCOME_##class_, .stage = STAGE_RCPT, .cause = OUTCOME_CAUSE_REPLY, .code = (code_) }
    static const struct answer hard[] = { [CANDIDATE_MX] = { .kind = D_RCPT_5XX, .outcome = RCPT(PERM, 550) },
                                          [CANDIDATE_SMARTHOST] = { .kind = S_RCPT_5XX, .outcome = RCPT(PERM, 550) } };
    static const struct answer mild[] = { [CANDIDATE_MX] = { .kind = D_4XX, .outcome = RCPT(TEMP, 450) },
                                          [CANDIDATE_SMARTHOST] = { .kind = S_4XX, .outcome = RCPT(TEMP, 450) } };
#undef RCPT
    struct random_fast random;
    random_fast_init(&random, 5);
    uint32_t better = 0;
    for (uint32_t i = 0; i < WALKS; i++) {
        struct attempt a, b;
        struct course hard_course, mild_course;
        draw_attempt(&random, &a);
        uint8_t place = (uint8_t)draw(&random, a.question.count);
        a.would[place] = &hard[a.candidates[place].kind];
        b = a;
        b.would[place] = &mild[b.candidates[place].kind];
        course_run(&a, &hard_course);
        course_run(&b, &mild_course);
        bool smarthost = mild_course.tried > 0 && mild_course.verdict.told < a.question.count &&
                         a.candidates[mild_course.verdict.told].kind == CANDIDATE_SMARTHOST;
        assert_true(worth(&mild_course) >= worth(&hard_course) ||
                    (a.question.page.mode == MODE_DIRECT_THEN_SMARTHOST && smarthost));
        better += worth(&mild_course) > worth(&hard_course);
    }
    assert_true(better > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_attempt_is_sane),
        cmocka_unit_test(test_the_mode_may_change),
        cmocka_unit_test(test_long_lists_read_alike),
        cmocka_unit_test(test_what_a_mode_does_not_use),
        cmocka_unit_test(test_switches_only_bounce),
        cmocka_unit_test(test_a_milder_host_never_hurts),
    };
    return cmocka_run_group_tests_name("verdict sanity", tests, NULL, NULL);
}
