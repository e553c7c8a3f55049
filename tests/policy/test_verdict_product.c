/* The whole product of the Delivery page: modes, switches, FallbackOnTempError, where the message stands, what TLS demands,
 * the time that is left, a smart host that refuses, whose login it is; and everything that two MX hosts and the smart host
 * may say. Each cell is reached as the engine reaches it: the verdict is asked, names the next candidate, that candidate
 * answers, and so on until it is over. In each cell the verdict is held against the second reading (reading.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reading.h"

enum { DIFFERENCES_MAX = 300, RULES_MAX = 600 };

/* One way in which both readings differ; cells that differ alike are counted, the first is described. */
struct difference {
    const struct row *row;
    struct verdict verdict;
    uint64_t count;
};

static struct difference differences[DIFFERENCES_MAX];
static size_t difference_count;
static uint64_t cell_count, uncovered_count, rule_counts[RULES_MAX];
static bool used_rows[256];

/* ---- a cell in words ---- */

static void print_cell(const struct cell *cell)
{
    static const char *const modes[] = { "direct", "smarthost", "direct-then-smarthost" };
    static const char *const temps[] = { "after-remote-queue", "at-once", "never" };
    static const char *const queues[] = { "remote", "last", "retry" };
    const struct verdict_question *q = &cell->question;
    print_error("    %s%s%s%s, temp errors %s, queue %s%s%s%s%s", modes[q->page.mode],
                q->page.abort_on_rcpt_5xx ? " ABORT" : "", q->page.bounce_if_no_mx_or_a ? " NO-MX" : "",
                q->page.bounce_on_first_5xx ? " FIRST-5XX" : "", temps[q->page.fallback_on_temp_error], queues[q->queue],
                q->smarthost_meets ? "" : ", TLS unmet", q->time_up ? ", time up" : "",
                q->smarthost_refusing ? ", refusing" : "",
                q->credential == CREDENTIAL_ACCOUNT ? ", account" :
                q->credential == CREDENTIAL_NONE    ? ", no login" : "");
    if (q->requiretls)
        print_error(" REQUIRETLS");
    for (uint8_t i = 0; i < q->count; i++)
        print_error(" [%s%u %s]", cell->candidates[i].kind == CANDIDATE_MX ? "mx" : "smart", cell->candidates[i].host_number,
                    cell->answers[i] ? cell->answers[i]->name : "-");
    print_error("\n");
}

static void print_verdict(const char *who, const struct verdict *v)
{
    print_error("    %s %s", who, verdict_action_name(v->action));
    if (v->action == VERDICT_NEXT)
        print_error(" %u", v->next);
    else
        print_error(" told %u", v->told);
    print_error(" rule %s key %d effects %u%s\n", v->rule == ANY_RULE ? "any" : rule_name(v->rule), (int)v->key, v->effects, v->local_cause ? " local" : "");
}

/* ---- one cell ---- */

static bool agree(const struct cell *cell, const struct reading *reading, const struct verdict *verdict)
{
    const struct row *row = reading->row;
    if (row->action != verdict->action || (row->rule == ANY_RULE ? verdict->rule == RULE_NONE : row->rule != verdict->rule) ||
        (row->key != ANY_KEY && row->key != (int)verdict->key))
        return false;
    if (row->action == VERDICT_NEXT)
        return reading->next == verdict->next;
    return (cell->tried == 0 || reading->told == verdict->told) && row->local_cause == verdict->local_cause &&
           row->effects == verdict->effects;
}

static void differ(const struct cell *cell, const struct reading *reading, const struct verdict *verdict)
{
    for (size_t i = 0; i < difference_count; i++) {
        struct difference *d = &differences[i];
        if (d->row == reading->row && d->verdict.action == verdict->action && d->verdict.rule == verdict->rule &&
            d->verdict.key == verdict->key && d->verdict.effects == verdict->effects &&
            d->verdict.local_cause == verdict->local_cause && d->verdict.told == verdict->told) {
            d->count++;
            return;
        }
    }
    if (difference_count == DIFFERENCES_MAX)
        return;
    differences[difference_count++] = (struct difference){ reading->row, *verdict, 1 };
    const struct row *row = reading->row;
    struct verdict read = { .action = row->action, .next = reading->next, .told = reading->told, .effects = row->effects,
                            .rule = row->rule, .key = (enum config_key)row->key, .local_cause = row->local_cause };
    print_error("difference %zu: %s\n", difference_count, row->sentence);
    print_cell(cell);
    print_verdict("reading", &read);
    print_verdict("verdict", verdict);
}

/* Asks both; true: on to ret_next. */
static bool ask(struct cell *cell, uint8_t *ret_next)
{
    struct verdict verdict;
    struct reading reading;
    verdict_decide(&cell->question, &verdict);
    reading_of(cell, &reading);
    cell_count++;
    if (!reading.row) {
        if (uncovered_count++ == 0) {
            print_error("no row covers:\n");
            print_cell(cell);
        }
        return false;
    }
    used_rows[reading.row - reading_rows] = true;
    assert_true(verdict.rule < RULES_MAX);
    rule_counts[verdict.rule]++;
    if (!agree(cell, &reading, &verdict)) {
        differ(cell, &reading, &verdict);
        return false;
    }
    *ret_next = verdict.next;
    return verdict.action == VERDICT_NEXT;
}

/* ---- the walk ---- */

struct shape {
    const char *name;
    uint8_t hosts[READING_CANDIDATES_MAX]; /* host numbers of the direct candidates */
    uint8_t direct_count, smarthost_count;
    bool delegates;       /* one answer of each kind, of all candidates */
    bool manners_by_kind; /* one answer of each kind, in all manners but the first and when the time is up */
};

/* What only some answers ask. Where the product grows too large, all but the first are multiplied with one answer of each
 * kind. */
static const struct manner {
    bool refusing;
    enum credential_kind credential;
    bool requiretls;
} manners[] = {
    { false, CREDENTIAL_GENERAL, false }, { false, CREDENTIAL_GENERAL, true }, { false, CREDENTIAL_ACCOUNT, false },
    { false, CREDENTIAL_ACCOUNT, true },  { false, CREDENTIAL_NONE, false },   { false, CREDENTIAL_NONE, true },
    { true, CREDENTIAL_GENERAL, false },  { true, CREDENTIAL_GENERAL, true },  { true, CREDENTIAL_ACCOUNT, false },
    { true, CREDENTIAL_ACCOUNT, true },   { true, CREDENTIAL_NONE, false },    { true, CREDENTIAL_NONE, true },
};
enum { MANNERS = sizeof(manners) / sizeof(manners[0]), PAGES = 3 * 8 * 3 * 3 * 2 * 2 * MANNERS };

struct walk {
    struct cell cell;
    const struct shape *shape;
    bool time_up;           /* from the first answer on: something was connected to */
    bool delegates[2];      /* by kind of candidate */
};

static bool can_say(const struct walk *w, enum candidate_kind kind, const struct answer *answer)
{
    return !(answer->alone && w->shape->direct_count > 1) && (!w->delegates[kind] || answer->delegate) &&
           (w->cell.question.requiretls || (answer->kind & (D_REQUIRETLS | S_REQUIRETLS)) == 0);
}

static void walk(struct walk *w)
{
    struct cell *cell = &w->cell;
    uint8_t place;
    if (!ask(cell, &place))
        return;
    assert_true(place < cell->question.count && !cell->answers[place]);
    struct verdict_candidate *candidate = &cell->candidates[place];
    bool direct = candidate->kind == CANDIDATE_MX;
    const struct answer *answers = direct ? reading_direct : reading_smarthost;
    size_t count = direct ? reading_direct_count : reading_smarthost_count;
    uint8_t last = cell->last;
    cell->last = place;
    cell->tried++;
    cell->question.time_up = w->time_up;
    for (size_t i = 0; i < count; i++) {
        if (!can_say(w, candidate->kind, &answers[i]))
            continue;
        cell->answers[place] = &answers[i];
        candidate->outcome = &answers[i].outcome;
        candidate->refusal = answers[i].refusal;
        walk(w);
    }
    cell->answers[place] = NULL;
    candidate->outcome = NULL;
    candidate->refusal = REFUSAL_LETTER;
    cell->last = last;
    cell->tried--;
    cell->question.time_up = w->time_up && cell->tried > 0;
}

static uint32_t draw(uint32_t *number, uint32_t choices)
{
    uint32_t drawn = *number % choices;
    *number /= choices;
    return drawn;
}

/* Everything but the answers, from a number below PAGES. */
static void page_walk(const struct shape *shape, uint32_t number)
{
    struct walk w = { .shape = shape };
    struct verdict_question *q = &w.cell.question;
    q->page.mode = (enum config_mode)draw(&number, 3);
    q->page.abort_on_rcpt_5xx = draw(&number, 2);
    q->page.bounce_if_no_mx_or_a = draw(&number, 2);
    q->page.bounce_on_first_5xx = draw(&number, 2);
    q->page.fallback_on_temp_error = (enum config_fallback_temp)draw(&number, 3);
    q->queue = (enum verdict_queue)draw(&number, 3);
    q->smarthost_meets = draw(&number, 2);
    w.time_up = draw(&number, 2);
    const struct manner *manner = &manners[draw(&number, MANNERS)];
    q->smarthost_refusing = manner->refusing;
    q->credential = manner->credential;
    q->requiretls = manner->requiretls;
    bool by_kind = shape->delegates || (shape->manners_by_kind && (manner > manners || w.time_up));
    w.delegates[CANDIDATE_MX] = w.delegates[CANDIDATE_SMARTHOST] = by_kind;
    if ((shape->delegates && (w.time_up || manner > manners)) || (shape->direct_count > 1 && w.time_up && manner > &manners[1]))
        return;
    bool direct = q->page.mode != MODE_SMARTHOST, smarthost = q->page.mode != MODE_DIRECT;
    if (direct != (shape->direct_count > 0) || (!smarthost && manner > &manners[1]))
        return;
    q->candidates = w.cell.candidates;
    uint8_t host = 0;
    for (uint8_t i = 0; i < shape->direct_count; i++) {
        host = (uint8_t)(shape->hosts[i] + 1);
        w.cell.candidates[q->count++] = (struct verdict_candidate){ .kind = CANDIDATE_MX, .host_number = shape->hosts[i] };
    }
    for (uint8_t i = 0; smarthost && i < shape->smarthost_count; i++)
        w.cell.candidates[q->count++] = (struct verdict_candidate){ .kind = CANDIDATE_SMARTHOST, .host_number = host };
    walk(&w);
}

static void report(const char *name)
{
    for (size_t i = 0; i < difference_count; i++)
        print_error("difference %zu: %llu cells\n", i + 1, (unsigned long long)differences[i].count);
    print_message("%s: %llu cells", name, (unsigned long long)cell_count);
    for (uint16_t rule = 0; rule < RULES_MAX; rule++) {
        if (rule_counts[rule] > 0)
            print_message(" %s %llu", rule == RULE_NONE ? "(mode)" : rule_name(rule), (unsigned long long)rule_counts[rule]);
    }
    print_message("\n");
    assert_int_equal(uncovered_count, 0);
    assert_int_equal(difference_count, 0);
    assert_true(cell_count > 0);
    cell_count = 0;
    memset(rule_counts, 0, sizeof(rule_counts));
}

static void shape_walk(const struct shape *shape)
{
    difference_count = 0;
    uncovered_count = 0;
    for (uint32_t number = 0; number < PAGES; number++)
        page_walk(shape, number);
    report(shape->name);
}

static void test_smarthost_alone(void **state)
{
    (void)state;
    shape_walk(&(struct shape){ .name = "smart host, one address", .smarthost_count = 1 });
    shape_walk(&(struct shape){ .name = "smart host, two addresses", .smarthost_count = 2, .manners_by_kind = true });
}

static void test_one_direct_candidate(void **state)
{
    (void)state;
    shape_walk(&(struct shape){ .name = "one MX host, one address", .hosts = { 0 }, .direct_count = 1, .smarthost_count = 1,
                                .manners_by_kind = true });
}

static void test_two_mx_hosts(void **state)
{
    (void)state;
    shape_walk(&(struct shape){ .name = "two MX hosts", .hosts = { 0, 1 }, .direct_count = 2, .smarthost_count = 1,
                                .manners_by_kind = true });
}

/* Two addresses of a host: A15 "after a verdict, the next host and not another address of the same". */
static void test_two_addresses(void **state)
{
    (void)state;
    shape_walk(&(struct shape){ .name = "two MX hosts, three addresses", .hosts = { 0, 0, 1 }, .direct_count = 3,
                                .smarthost_count = 1, .delegates = true });
}

/* A row that no cell meets says nothing: either it is wrong or an answer is missing. */
static void test_every_row_is_met(void **state)
{
    (void)state;
    assert_true(reading_row_count <= sizeof(used_rows) / sizeof(used_rows[0]));
    for (size_t i = 0; i < reading_row_count; i++) {
        if (!used_rows[i])
            print_error("no cell meets row %zu: %s\n", i, reading_rows[i].sentence);
        assert_true(used_rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smarthost_alone),
        cmocka_unit_test(test_one_direct_candidate),
        cmocka_unit_test(test_two_mx_hosts),
        cmocka_unit_test(test_two_addresses),
        cmocka_unit_test(test_every_row_is_met),
    };
    return cmocka_run_group_tests_name("verdict product", tests, NULL, NULL);
}
