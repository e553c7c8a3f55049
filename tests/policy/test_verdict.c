/* The verdict, rule by rule: what each candidate answered, and what follows from it.
 *
 * A row: the mode (1 direct, 2 smarthost, 3 direct-then-smarthost) and its switches; the candidates, separated by '|', each
 * its host and what it answered; the verdict in words: action, the candidate (next, or whose answer is told), rule, key,
 * for a bounce its status, then effects.
 *
 * Hosts: a letter, 's' for the smart host; the same letter twice is another address of that host. Behind the answer '!'
 * stands for "refuses us as a client", '~' for "refuses our right", '%' for "too much at a time" (policy/refusal). */
#include "page.h"

#include <stdio.h>
#include <string.h>

#include "policy/verdict.h"

enum { CANDIDATES_MAX = 8 };

struct row {
    const char *page;
    const char *answers;
    const char *verdict;
};

static bool said(const char *page, const char *word)
{
    struct slice rest = slice_of(page);
    while (rest.size > 0) {
        if (slice_equal(slice_split(&rest, ' '), slice_of(word)))
            return true;
    }
    return false;
}

struct list {
    struct verdict_candidate items[CANDIDATES_MAX];
    struct outcome outcomes[CANDIDATES_MAX];
    uint8_t count;
};

static void candidate_read(struct slice text, struct list *list)
{
    text = slice_trim(text);
    assert_true(text.size > 2 && list->count < CANDIDATES_MAX);
    struct verdict_candidate *c = &list->items[list->count];
    *c = (struct verdict_candidate){ .kind = text.data[0] == 's' ? CANDIDATE_SMARTHOST : CANDIDATE_MX,
                                     .host_number = (uint8_t)text.data[0] };
    char words[200];
    char last = text.data[text.size - 1];
    c->refusal = last == '!' ? REFUSAL_CLIENT : last == '~' ? REFUSAL_RIGHT : last == '%' ? REFUSAL_PACE : REFUSAL_LETTER;
    if (c->refusal != REFUSAL_LETTER)
        text.size--;
    snprintf(words, sizeof(words), "%.*s", SLICE_ARG(slice_after(text, 2)));
    list->outcomes[list->count] = page_outcome(words);
    c->outcome = list->outcomes[list->count].class == OUTCOME_NONE ? NULL : &list->outcomes[list->count];
    list->count++;
}

static void list_read(const char *answers, struct list *list)
{
    list->count = 0;
    struct slice rest = slice_of(answers);
    while (rest.size > 0)
        candidate_read(slice_split(&rest, '|'), list);
}

static void question_read(const struct row *row, const struct list *list, struct verdict_question *q)
{
    *q = (struct verdict_question){
        .page = { .mode = said(row->page, "1")   ? MODE_DIRECT
                          : said(row->page, "2") ? MODE_SMARTHOST
                                                 : MODE_DIRECT_THEN_SMARTHOST,
                  .abort_on_rcpt_5xx = said(row->page, "abort"),
                  .bounce_if_no_mx_or_a = said(row->page, "nomx"),
                  .bounce_on_first_5xx = said(row->page, "first"),
                  .fallback_on_temp_error = said(row->page, "at-once") ? FALLBACK_TEMP_AT_ONCE
                                            : said(row->page, "never") ? FALLBACK_TEMP_NEVER
                                                                       : FALLBACK_TEMP_AFTER_REMOTE_QUEUE },
        .queue = said(row->page, "last")    ? VERDICT_QUEUE_LAST
                 : said(row->page, "retry") ? VERDICT_QUEUE_RETRY
                                            : VERDICT_QUEUE_REMOTE,
        .candidates = list->items,
        .count = list->count,
        .requiretls = said(row->page, "requiretls"),
        .smarthost_meets = !said(row->page, "unmet"),
        .smarthost_refusing = said(row->page, "refusing"),
        .time_up = said(row->page, "time-up"),
        .credential = said(row->page, "account") ? CREDENTIAL_ACCOUNT
                      : said(row->page, "login") ? CREDENTIAL_GENERAL
                                                 : CREDENTIAL_NONE,
    };
}

static void verdict_write(const struct verdict *v, char *text, size_t size)
{
    char status[16];
    enhanced_code_format(v->status, status);
    snprintf(text, size, "%s %u %s %s%s%s%s%s%s%s", verdict_action_name(v->action),
             v->action == VERDICT_NEXT ? v->next : v->told, rule_name(v->rule), config_key_name(v->key),
             status[0] ? " " : "", status, v->effects & VERDICT_EFFECT_REST ? " rest" : "",
             v->effects & VERDICT_EFFECT_SLOW ? " slow" : "", v->effects & VERDICT_EFFECT_REFUSED ? " refused" : "",
             v->local_cause ? " local" : "");
}

/* "-" in the rule's or key's place stands for none. */
static void expect(const struct row *row)
{
    struct list list;
    struct verdict_question q;
    struct verdict v;
    list_read(row->answers, &list);
    question_read(row, &list, &q);
    verdict_decide(&q, &v);
    char got[200], again[200];
    verdict_write(&v, got, sizeof(got));
    if (strcmp(got, row->verdict) != 0)
        fail_msg("%s: %s\n  expected: %s\n  got:      %s", row->page, row->answers, row->verdict, got);
    verdict_decide(&q, &v);
    verdict_write(&v, again, sizeof(again));
    assert_string_equal(got, again);
}

static void expect_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(&rows[i]);
}

#define EXPECT(rows) expect_all(rows, sizeof(rows) / sizeof((rows)[0]))
#define NO_MX "Delivery.BounceIfNoMxOrA"
#define FIRST "Delivery.BounceOnFirst5xx"
#define ABORT "Delivery.AbortOnRcpt5xx"
#define MODE "Delivery.Mode"
#define TEMPORARY "Delivery.FallbackOnTempError"
#define POLICY "Delivery.FallbackOnPolicyRefusal"
#define HOST "Delivery.SmartHost"
#define LOGIN "Delivery.SmartHostAuth"

/* ---- the examples of docs/DELIVERY.md ---- */

static void test_examples(void **state)
{
    static const struct row rows[] = {
        /* 1 */
        { "3", "a dns nxdomain | s -", "next 1 A2 " NO_MX },
        { "3", "a dns nxdomain | s ok", "delivered 1 A2 " NO_MX },
        { "3 nomx", "a dns nxdomain | s -", "bounce 0 A1 " NO_MX " 5.1.2" },
        /* 2 */
        { "3 nomx", "a dns servfail | s -", "next 1 A4 " },
        { "3 nomx", "a dns servfail | s connect refused", "retry 1 A24 " HOST },
        /* 3 */
        { "1 nomx", "a dns servfail", "retry 0 A4 " },
        { "1 nomx", "a dns nxdomain", "bounce 0 A1 " NO_MX " 5.1.2" },
        /* 4 */
        { "1", "a rcpt 550 | b -", "next 1 A15 " FIRST },
        { "1", "a rcpt 550 | b rcpt 450", "retry 1 A15 " FIRST },
        { "1", "a rcpt 550 5.1.1 | b rcpt 550 5.7.1", "bounce 0 A15 " FIRST " 5.1.1" },
        { "1", "a rcpt 550 5.1.1 | b connect refused", "bounce 0 A15 " FIRST " 5.1.1" },
        { "1", "a connect refused | b connect refused", "retry 0 A15 " FIRST },
        { "1", "a banner 554 | b connect timeout", "retry 0 A15 " FIRST },
        { "1 first", "a rcpt 550 5.1.1 | b -", "bounce 0 A14 " FIRST " 5.1.1" },
        /* 5 */
        { "3", "a rcpt 550 | s -", "bounce 0 A15 " FIRST " 5.0.0" },
        { "3", "a banner 554 | b connect timeout | s -", "next 2 A10 " MODE },
        { "3", "a rcpt 550 5.7.1! | s -", "next 1 A13 " POLICY },
        { "3", "a rcpt 450 | s -", "retry 0 A11 " TEMPORARY },
        { "3 last", "a rcpt 450 | s -", "next 1 A11 " TEMPORARY },
        /* 6 */
        { "1 abort", "a rcpt 550 5.1.1 | b -", "bounce 0 A19 " ABORT " 5.1.1" },
        { "1 abort", "a rcpt sibling | b -", "bounce 0 A20 " ABORT " 5.0.0" },
        { "1", "a ok | b -", "delivered 0 A15 " MODE },
        /* 8 */
        { "2 login", "s auth 535 5.7.8~", "retry 0 A23a " LOGIN " rest local" },
        { "2 login", "s rcpt 550 5.7.64 relay access denied~", "retry 0 A23a " LOGIN " rest local" },
        /* 9 */
        { "1", "a dns nullmx", "bounce 0 A7  5.1.10" },
        { "3", "a dns nullmx | s -", "bounce 0 A7  5.1.10" },
        { "2", "s ok", "delivered 0  " MODE },
    };
    EXPECT(rows);
}

/* ---- the direct way ---- */

static void test_dns(void **state)
{
    static const struct row rows[] = {
        { "1 nomx", "a dns nodata", "bounce 0 A1 " NO_MX " 5.4.4" },
        { "3 nomx", "a dns nodata | s -", "bounce 0 A1 " NO_MX " 5.4.4" },
        { "1", "a dns nxdomain", "retry 0 A2 " NO_MX },
        { "1", "a dns nodata", "retry 0 A2 " NO_MX },
        { "3", "a dns nodata | s -", "next 1 A2 " NO_MX },
        { "3 first abort", "a dns nodata | s -", "next 1 A2 " NO_MX },
        /* A3: of no effect in mode smarthost, which has no direct candidate and ignores one */
        { "2 nomx", "s -", "next 0  " MODE },
        { "2 nomx", "a dns nxdomain | s -", "next 1  " MODE },
        { "2 nomx", "s dns nxdomain", "retry 0 A35 " HOST },
        /* A4 */
        { "1", "a dns servfail", "retry 0 A4 " },
        { "1 retry", "a dns servfail", "retry 0 A4 " },
        { "3 last", "a dns servfail | s -", "next 1 A4 " },
        /* A7 */
        { "1 first nomx", "a dns nullmx", "bounce 0 A7  5.1.10" },
        { "1", "a banner 521 | b connect refused", "bounce 0 A7  5.3.2" },
        { "3", "a banner 521 | s -", "bounce 0 A7  5.3.2" },
        { "3 first", "a banner 521 | s -", "bounce 0 A14 " FIRST " 5.3.2" },
        { "3", "a rcpt 556 5.1.10! | s -", "bounce 0 A7  5.1.10" },
        /* A8: all absent as A1 and A2, one temporary as A4 */
        { "1 nomx", "a dns nodata | b dns nodata", "bounce 0 A1 " NO_MX " 5.4.4" },
        { "1 nomx", "a dns nodata | b -", "next 1 A15 " FIRST },
        { "1 nomx", "a dns nodata | b connect refused", "retry 1 A15 " FIRST },
        { "1 nomx", "a dns nodata | b dns servfail", "retry 1 A4 " },
        { "3 nomx", "a dns nodata | b dns servfail | s -", "next 2 A4 " },
        { "1", "a dns servfail | b rcpt 550", "bounce 1 A15 " FIRST " 5.0.0" },
        /* A9 */
        { "1", "a dns ourselves", "bounce 0 A9  5.4.6" },
        { "3", "a dns ourselves | s -", "bounce 0 A9  5.4.6" },
        { "3", "a banner ourselves | b - | s -", "bounce 0 A9  5.4.6" },
        { "1", "a rcpt 450 | b banner ourselves", "retry 0 A15 " FIRST },
    };
    EXPECT(rows);
}

static void test_hosts(void **state)
{
    static const struct row rows[] = {
        { "1", "a - | b -", "next 0  " MODE },
        { "3", "a - | b - | s -", "next 0  " MODE },
        /* A15: after a session failure the next address, after a verdict the next host */
        { "1", "a connect timeout | a - | b -", "next 1 A15 " FIRST },
        { "1", "a rcpt 450 | a - | b -", "next 2 A15 " FIRST },
        { "1", "a connect refused | a rcpt 450 | b - | a - | b -", "next 2 A15 " FIRST },
        { "1", "a rcpt 450 | b connect refused | a -", "retry 0 A15 " FIRST },
        { "1", "a rcpt 450 | b ok", "delivered 1 A15 " MODE },
        { "1", "a mail 450 | b data 451", "retry 0 A15 " FIRST },
        { "1", "a mail lost | b -", "next 1 A15 " FIRST },
        { "1", "a rcpt lost | b connect refused", "retry 0 A15 " FIRST },
        { "1", "a mail 421 | b mail 421", "retry 0 A15 " FIRST },
        { "1", "a rcpt 550 | b banner 450", "bounce 0 A15 " FIRST " 5.0.0" },
        /* A16: the most preferred host's 5xx */
        { "1", "a connect refused | b rcpt 553 5.1.3 | c rcpt 550 5.1.1", "bounce 1 A15 " FIRST " 5.1.3" },
        /* A17 */
        { "1", "a dot 554 | b -", "next 1 A17 " FIRST },
        { "1", "a dot 554 | b connect refused", "bounce 0 A15 " FIRST " 5.0.0" },
        { "1 first", "a dot 554 | b -", "bounce 0 A14 " FIRST " 5.0.0" },
        /* A18 */
        { "1", "a dot doubt | b -", "retry 0 A18 " },
        { "3 last", "a dot doubt | b - | s -", "retry 0 A18 " },
        { "3 last", "a rcpt 550 | b dot doubt | s -", "retry 1 A18 " },
        { "2", "s dot doubt | s -", "retry 0 A18 " },
        /* A10a */
        { "1 time-up", "a connect timeout | b -", "retry 0 A10a " },
        { "3 time-up", "a connect timeout | b - | s -", "next 2 A10a " },
        /* once the smart host was asked the direct list is over, however the time is counted then */
        { "3", "a connect timeout | a - | b - | s rcpt 450", "retry 3 A24 " HOST },
        { "3", "a connect timeout | a - | b - | s connect refused | s -", "next 4 A24 " HOST },
        { "3", "a connect timeout | a - | b - | s ok", "delivered 3 A10a " },
        { "1 time-up", "a rcpt 550 | b -", "bounce 0 A15 " FIRST " 5.0.0" },
        { "1 time-up nomx", "a dns nodata | b -", "retry 0 A10a " },
        /* A37 */
        { "1", "a connect remembered | b -", "next 1 A37 Delivery.CacheConnectionFailuresMinutes" },
        { "1", "a connect remembered", "retry 0 A37 Delivery.CacheConnectionFailuresMinutes" },
        { "3", "a connect remembered | s -", "next 1 A37 Delivery.CacheConnectionFailuresMinutes" },
        { "1", "a connect remembered | b connect refused", "retry 1 A15 " FIRST },
        /* A38: a fault or limit of ours is no failure of the host */
        { "1", "a connect local | b -", "retry 0 A38 " },
        { "3 last", "a data local | s -", "retry 0 A38 " },
        { "2", "s data local | s -", "retry 0 A38 " },
        /* A41 */
        { "1", "a tls unverified | b -", "next 1 A41 TlsPolicy.*" },
        { "1", "a tls tls-missing | b connect refused", "retry 0 A41 TlsPolicy.*" },
        { "3", "a tls unverified | s -", "next 1 A41 TlsPolicy.*" },
        { "3 unmet", "a tls unverified | s -", "retry 0 A41 TlsPolicy.*" },
        { "3 unmet", "a connect refused | s -", "retry 0 A41 TlsPolicy.*" },
        { "3 unmet last", "a rcpt 450 | s -", "retry 0 A41 TlsPolicy.*" },
        { "1 requiretls", "a tls tls-missing", "bounce 0 A41 TlsPolicy.* 5.7.30" },
        { "1 requiretls", "a connect refused", "retry 0 A15 " FIRST },
        { "3 unmet requiretls", "a connect refused | s -", "retry 0 A41 TlsPolicy.*" },
        { "3 unmet requiretls at-once", "a rcpt 450 | s -", "retry 0 A41 TlsPolicy.*" },
        { "1", "a mail requiretls | b -", "next 1 A41 TlsPolicy.*" },
        { "1", "a mail requiretls | b connect refused", "bounce 0 A41 TlsPolicy.* 5.7.30" },
        { "3 requiretls", "a mail requiretls | s -", "next 1 A41 TlsPolicy.*" },
        { "3 requiretls", "a mail requiretls | s mail requiretls", "bounce 1 A41 TlsPolicy.* 5.7.30" },
        /* A42, A43 */
        { "1", "a mail size | b -", "next 1 A15 " FIRST },
        { "1", "a mail size | b connect refused", "bounce 0 A42  5.3.4" },
        { "3", "a mail size | s -", "bounce 0 A42  5.3.4" },
        { "3", "a mail smtputf8 | s -", "bounce 0 A43  5.6.7" },
        { "2", "s mail size", "bounce 0 A23 " HOST " 5.3.4" },
    };
    EXPECT(rows);
}

/* ---- the switches ---- */

static void test_first_5xx(void **state)
{
    static const struct row rows[] = {
        { "1 first", "a banner 554 | b -", "bounce 0 A14 " FIRST " 5.3.2" },
        { "1 first", "a ehlo 502 | b -", "bounce 0 A14 " FIRST " 5.3.2" },
        { "1 first", "a connect refused | b -", "next 1 A15 " FIRST },
        { "1 first", "a rcpt 450 | b -", "next 1 A15 " FIRST },
        { "1 first", "a rcpt 450 | b rcpt 550", "bounce 1 A14 " FIRST " 5.0.0" },
        { "1 first", "a rcpt 550! | b -", "bounce 0 A14 " FIRST " 5.0.0" },
        { "3 first", "a banner 554 | b - | s -", "next 2 A14 " FIRST },
        { "3 first", "a banner 554 | b - | s ok", "delivered 2 A14 " FIRST },
        { "3 first", "a banner 450 | b - | s -", "next 1 A10 " MODE },
        { "3 first", "a rcpt 550 | b - | s -", "bounce 0 A14 " FIRST " 5.0.0" },
        { "3 first", "a rcpt 450 | b banner 554 | c - | s -", "retry 0 A11 " TEMPORARY },
        { "3 first last", "a rcpt 450 | b banner 554 | c - | s -", "next 3 A11 " TEMPORARY },
        { "3 first", "a connect refused | b banner 554 | c - | s -", "next 3 A14 " FIRST },
        { "3 first", "a rcpt 550! | b - | s -", "next 2 A13 " POLICY },
        { "3 first", "a rcpt 450! | b - | s -", "next 1 A13 " POLICY },
        { "3 first", "s -", "next 0 A10 " MODE },
    };
    EXPECT(rows);
}

static void test_abort(void **state)
{
    static const struct row rows[] = {
        { "3 abort", "a rcpt 550 | b - | s -", "bounce 0 A19 " ABORT " 5.0.0" },
        { "3 abort first", "a rcpt 550 | b - | s -", "bounce 0 A19 " ABORT " 5.0.0" },
        { "1 abort", "a rcpt 450 | b -", "next 1 A15 " FIRST },
        { "1 abort", "a rcpt 450 | b rcpt 550", "bounce 1 A19 " ABORT " 5.0.0" },
        { "1 abort", "a mail 550 | b -", "next 1 A15 " FIRST },
        { "2 abort", "s rcpt 550 5.1.1", "bounce 0 A19 " ABORT " 5.1.1 refused" },
        { "2 abort", "s rcpt sibling", "bounce 0 A20 " ABORT " 5.0.0" },
        { "2", "s rcpt 550 5.1.1", "bounce 0 A23 " HOST " 5.1.1 refused" },
        /* A13 and A23a before them */
        { "3 abort", "a rcpt 550! | s -", "next 1 A13 " POLICY },
        { "3 abort", "a rcpt sibling! | s -", "next 1 A13 " POLICY },
        { "2 abort", "s rcpt 550~", "retry 0 A23a " LOGIN " rest local" },
        { "2 abort", "s rcpt sibling~", "retry 0 A23a " LOGIN " rest local" },
    };
    EXPECT(rows);
}

/* ---- from the direct way to the smart host ---- */

static void test_fallback(void **state)
{
    static const struct row rows[] = {
        /* A10: every session failure, after all direct hosts, if none gave a verdict */
        { "3", "a connect refused | b - | s -", "next 1 A10 " MODE },
        { "3", "a connect refused | b banner timeout | s -", "next 2 A10 " MODE },
        { "3", "a ehlo 502 | s -", "next 1 A10 " MODE },
        { "3", "a mail 421 | s -", "next 1 A10 " MODE },
        { "3", "a mail lost | s -", "next 1 A10 " MODE },
        { "3", "a rcpt lost | s -", "retry 0 A11 " TEMPORARY },
        { "3", "a connect refused | b rcpt 550 | s -", "bounce 1 A15 " FIRST " 5.0.0" },
        { "3", "a rcpt 550 | b connect refused | s -", "bounce 0 A15 " FIRST " 5.0.0" },
        { "3", "a connect refused | s ok", "delivered 1 A10 " MODE },
        /* A11 */
        { "3 retry", "a rcpt 450 | s -", "next 1 A11 " TEMPORARY },
        { "3 retry", "a rcpt 450 | s ok", "delivered 1 A11 " TEMPORARY },
        { "3 at-once", "a rcpt 450 | s -", "next 1 A11 " TEMPORARY },
        { "3 at-once", "a rcpt 450 | b - | s -", "next 1 A15 " FIRST },
        { "3 never last", "a rcpt 450 | s -", "retry 0 A11 " TEMPORARY },
        { "3 never retry", "a rcpt 450 | s -", "retry 0 A11 " TEMPORARY },
        { "3", "a rcpt 550 | b rcpt 450 | s -", "retry 1 A11 " TEMPORARY },
        { "3 last", "a rcpt 550 | b rcpt 450 | s -", "retry 1 A12 " },
        { "3 at-once", "a rcpt 450 | b data 554 | s -", "retry 0 A12 " },
        { "3 never last", "a rcpt 450 | b rcpt 550 | s -", "retry 0 A11 " TEMPORARY },
        { "3 last", "a rcpt 450 | s rcpt 550 5.1.1", "bounce 1 A23 " HOST " 5.1.1 refused" },
        { "3 last", "a rcpt 450 | s connect refused", "retry 1 A24 " HOST },
        /* A12 */
        { "3 retry", "a rcpt 550 | s -", "bounce 0 A15 " FIRST " 5.0.0" },
        /* A13 */
        { "3", "a mail 554! | b - | s -", "next 1 A13 " POLICY },
        { "3", "a mail 554! | b mail 554! | s -", "next 2 A13 " POLICY },
        { "3", "a dot 450! | s -", "next 1 A13 " POLICY },
        { "3", "a mail 554! | a - | s -", "next 2 A13 " POLICY },
        { "3", "a mail 554! | b rcpt 550 5.1.1 | s -", "bounce 1 A15 " FIRST " 5.1.1" },
        { "3", "a mail 554! | b rcpt 450 | s -", "retry 1 A11 " TEMPORARY },
        { "1", "a mail 554! | b -", "next 1 A15 " FIRST },
        { "1", "a mail 554! | b connect refused", "bounce 0 A15 " FIRST " 5.0.0" },
        /* A36: both again */
        { "3", "a connect refused | s connect timeout", "retry 1 A24 " HOST },
    };
    EXPECT(rows);
}

/* ---- the smart host ---- */

static void test_smarthost(void **state)
{
    static const struct row rows[] = {
        /* A23, A23b */
        { "2 first nomx", "s mail 550", "bounce 0 A23 " HOST " 5.0.0 refused" },
        { "2", "s dot 554 5.7.1", "bounce 0 A23 " HOST " 5.7.1 refused" },
        { "2 refusing", "s dot 554 5.7.1", "hold 0 A23b  refused" },
        { "2 refusing abort", "s rcpt 550", "hold 0 A23b  refused" },
        { "3 refusing", "a connect refused | s rcpt 550", "hold 1 A23b  refused" },
        { "2 refusing", "s ok", "delivered 0  " MODE },
        { "2 refusing", "s rcpt 450", "retry 0 A24 " HOST },
        /* A24 */
        { "2", "s connect refused | s -", "next 1 A24 " HOST },
        { "2", "s connect refused | s connect timeout", "retry 0 A24 " HOST },
        { "2", "s banner 554 | s -", "next 1 A24 " HOST },
        { "2", "s banner 554", "retry 0 A24 " HOST },
        { "2", "s ehlo 502", "retry 0 A24 " HOST },
        { "2", "s rcpt 450 | s -", "retry 0 A24 " HOST },
        { "2", "s data lost | s -", "retry 0 A24 " HOST },
        { "2 login", "s auth lost | s -", "next 1 A24 " HOST },
        { "2 login", "s auth timeout", "retry 0 A24 " HOST },
        { "2", "s tls tls-failed | s -", "next 1 A24 " HOST },
        /* A25, A23a, A26 */
        { "2 login", "s auth 535 | s -", "retry 0 A23a " LOGIN " rest local" },
        { "2 login", "s auth 451~", "retry 0 A25 " LOGIN " rest local" },
        { "2 login", "s auth no-mechanism~ | s -", "retry 0 A25 " LOGIN " rest local" },
        { "2 login", "s auth secret~", "retry 0 A25 " LOGIN " rest local" },
        { "2 login", "s auth garbled", "retry 0 A25 " LOGIN " rest local" },
        { "2 login", "s auth resting", "retry 0 A25 " LOGIN " local" },
        { "2 account", "s auth 535~", "retry 0 A26 Delivery.PerAccountAuth rest local" },
        { "2 account", "s auth secret~", "retry 0 A26 Delivery.PerAccountAuth rest local" },
        { "3 login", "a connect refused | s auth 535~", "retry 1 A23a " LOGIN " rest local" },
        { "2", "s mail 530~", "retry 0 A23a " LOGIN " rest local" },
        { "2 refusing", "s rcpt 550~", "retry 0 A23a " LOGIN " rest local" },
        /* A33 before A25; A41 where no login is at stake */
        { "2 login", "s auth clear~", "retry 0 A33 Delivery.AllowPlaintextAuth rest local" },
        { "2 login", "s tls tls-missing", "retry 0 A33 Delivery.AllowPlaintextAuth rest local" },
        { "2 login", "s tls unverified | s -", "retry 0 A33 Delivery.SmartHostVerifyCertificate rest local" },
        { "2", "s tls unverified | s -", "retry 0 A33 Delivery.SmartHostVerifyCertificate rest local" },
        { "2 login requiretls", "s tls unverified | s -", "bounce 0 A41 TlsPolicy.* 5.7.30" },
        { "2 login requiretls", "s tls tls-missing", "bounce 0 A41 TlsPolicy.* 5.7.30" },
        { "2 login requiretls refusing", "s tls tls-missing", "hold 0 A23b " },
        { "2 unmet", "s - | s -", "retry 0 A41 TlsPolicy.*" },
        { "2 unmet login", "s tls tls-missing | s -", "retry 0 A41 TlsPolicy.*" },
        { "2 unmet requiretls", "s -", "bounce 0 A41 TlsPolicy.* 5.7.30" },
        { "2", "s tls tls-missing", "retry 0 A41 Delivery.SmartHostTls" },
        { "2 login", "s tls tls-failed", "retry 0 A41 Delivery.SmartHostTls" },
        /* A32 */
        { "2", "s pop 500", "retry 0 A32  rest local" },
        { "2", "s pop timeout | s -", "next 1 A24 " HOST },
        { "2", "s pop timeout", "retry 0 A32 " },
        /* A35, A9 */
        { "2", "s dns servfail", "retry 0 A35 " HOST },
        { "2", "s dns nodata", "retry 0 A35 " HOST },
        { "3", "a connect refused | s dns servfail", "retry 1 A35 " HOST },
        { "2", "s dns ourselves", "retry 0 A9 " HOST },
        { "2", "s banner ourselves", "retry 0 A9 " HOST },
        { "3", "a connect refused | s banner ourselves", "retry 1 A9 " HOST },
        /* A38 */
        { "2", "s rcpt 452%", "retry 0 A38  slow" },
        { "2 login", "s auth 454%", "retry 0 A38  slow" },
        { "2", "s banner 421% | s -", "next 1 A24 " HOST },
        { "2", "s banner 421%", "retry 0 A38  slow" },
        { "3", "a connect refused | s mail 432%", "retry 1 A38  slow" },
    };
    EXPECT(rows);
}

/* The mode was changed during the attempt, whose list has nothing of the new way: it waits for the next one (A46). */
static void test_mode_changed(void **state)
{
    static const struct row rows[] = {
        { "2", "a -", "retry 0 A46 " MODE },
        { "2", "a rcpt 450 | b -", "retry 0 A46 " MODE },
        { "3", "a connect refused", "retry 0 A46 " MODE },
        { "1", "s connect refused | s -", "retry 0 A46 " MODE },
        { "1", "s rcpt 550", "retry 0 A46 " MODE },
        /* What is in doubt stays so (A18). */
        { "2", "a dot doubt | b -", "retry 0 A18 " },
        { "1", "s dot doubt", "retry 0 A18 " },
        { "1", "a connect refused | s dot doubt", "retry 1 A18 " },
        { "1", "s ok", "delivered 0  " MODE },
    };
    EXPECT(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples), cmocka_unit_test(test_dns),      cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_first_5xx), cmocka_unit_test(test_abort),   cmocka_unit_test(test_fallback),
        cmocka_unit_test(test_smarthost),
        cmocka_unit_test(test_mode_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
