/* Refusals: of the letter, of us as a client (A13), of our right to the smart host (A23a), of our pace (A38). */
#include "page.h"

#include <stdio.h>
#include <string.h>

#include "policy/refusal.h"

struct shipped {
    struct arena arena;
    struct refusal_phrases phrases;
};

/* The data file as it is installed. */
static int setup(void **state)
{
    static char text[64 << 10];
    FILE *file = fopen(FACTEUR_SOURCE "/data/refusal-phrases", "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_in_range(size, 1000, sizeof(text) - 1);
    struct shipped *s = calloc(1, sizeof(*s));
    arena_init(&s->arena);
    refusal_phrases_parse(slice(text, size), &s->arena, &s->phrases);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct shipped *s = *state;
    arena_done(&s->arena);
    free(s);
    return 0;
}

struct row {
    const char *answer;
    enum refusal refusal;
};

static void expect_direct(const struct shipped *s, enum config_fallback_policy policy, const char *address,
                          const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct outcome o = page_outcome(rows[i].answer);
        if (refusal_of_direct(&o, policy, &s->phrases, slice_of(address)) != rows[i].refusal)
            fail_msg("%s: not %d", rows[i].answer, rows[i].refusal);
    }
}

#define DIRECT(policy, address, rows) expect_direct(*state, policy, address, rows, sizeof(rows) / sizeof((rows)[0]))

static void test_client(void **state)
{
    static const struct row rows[] = {
        { "rcpt 554 5.7.1 Service unavailable; Client host [203.0.113.5] blocked using zen.spamhaus.org", REFUSAL_CLIENT },
        { "mail 550 5.7.1 Connections from your IP are not accepted here", REFUSAL_CLIENT },
        { "rcpt 550 5.7.25 The sending address does not match", REFUSAL_CLIENT },
        { "rcpt 450 4.7.25 Client host rejected: cannot find your hostname", REFUSAL_CLIENT },
        { "mail 554 5.7.1 [203.0.113.5] blocked", REFUSAL_CLIENT },
        { "dot 550 5.7.1 203.0.113.5: rejected.", REFUSAL_CLIENT },
        { "dot 451 4.7.650 The mail server 203.0.113.5. has been limited", REFUSAL_CLIENT },
        { "mail 550 host 203.0.113.5:25 refused", REFUSAL_CLIENT },
        { "data 550 5.7.1 Use your provider's relay", REFUSAL_CLIENT },
        { "mail 550 5.7.1 Please USE YOUR ISP'S\nSMTP server", REFUSAL_CLIENT },
        { "rcpt 550 5.7.1 Mail from dynamic/residential hosts is refused", REFUSAL_CLIENT },
        { "rcpt 553 Dialup hosts do not send mail here", REFUSAL_CLIENT },
        { "mail 550 Rejected: listed at b.barracudacentral.org", REFUSAL_CLIENT },
        { "mail 550 5.7.1 Messages from\n203.0.113.5 are refused", REFUSAL_CLIENT },
    };
    DIRECT(FALLBACK_POLICY_CLIENT, "203.0.113.5", rows);
}

static void test_letter(void **state)
{
    static const struct row rows[] = {
        { "rcpt 550 5.1.1 No such user", REFUSAL_LETTER },
        { "rcpt 550 5.7.1 Sender address [x@y.example] blocked using dbl.spamhaus.org", REFUSAL_LETTER },
        { "dot 554 5.7.1 The message contains a URL listed by dbl.spamhaus.org", REFUSAL_LETTER },
        { "dot 550 5.7.1 Message content rejected, see www.spamhaus.org", REFUSAL_LETTER },
        { "dot 550 5.7.1 Link in your letter: blocked using multi.surbl.org", REFUSAL_LETTER },
        { "dot 552 5.7.0 This message was blocked because of its attachment", REFUSAL_LETTER },
        { "dot 554 5.7.1 Spam message rejected", REFUSAL_LETTER },
        { "rcpt 550 5.7.1 The user does not accept mail from you", REFUSAL_LETTER },
        { "rcpt 550 5.2.2 Mailbox full", REFUSAL_LETTER },
        { "mail 550 5.7.26 Unauthenticated mail from the domain is not accepted", REFUSAL_LETTER },
        /* another address than ours, and ours within a longer one */
        { "dot 550 5.7.1 Received from 198.51.100.7 refused", REFUSAL_LETTER },
        { "dot 550 5.7.1 Received from 203.0.113.50 refused", REFUSAL_LETTER },
        { "dot 550 5.7.1 Received from 1203.0.113.5 refused", REFUSAL_LETTER },
        /* greylisting is A11's matter */
        { "rcpt 450 4.7.1 Greylisted: 203.0.113.5, try again in 5 minutes", REFUSAL_LETTER },
        { "rcpt 451 4.7.1 [203.0.113.5] Graylisting in action", REFUSAL_LETTER },
        /* A7 */
        { "rcpt 556 5.1.10 203.0.113.5: this domain takes no mail", REFUSAL_LETTER },
        /* no verdict, no refusal at all */
        { "banner 554 203.0.113.5 blocked using zen.spamhaus.org", REFUSAL_LETTER },
        { "connect refused 203.0.113.5", REFUSAL_LETTER },
        { "rcpt lost 203.0.113.5", REFUSAL_LETTER },
        { "ok", REFUSAL_LETTER },
    };
    DIRECT(FALLBACK_POLICY_CLIENT, "203.0.113.5", rows);
}

static void test_own_address(void **state)
{
    static const struct row six[] = {
        { "mail 550 5.7.1 [IPv6:2001:db8::5] is not welcome", REFUSAL_CLIENT },
        { "mail 550 5.7.1 2001:DB8:0:0:0:0:0:5: not welcome", REFUSAL_CLIENT },
        { "mail 550 5.7.1 [2001:db8::5] not welcome", REFUSAL_CLIENT },
        { "mail 550 5.7.1 [2001:db8::55] not welcome", REFUSAL_LETTER },
        { "mail 550 5.7.1 203.0.113.5 not welcome", REFUSAL_LETTER },
    };
    DIRECT(FALLBACK_POLICY_CLIENT, "2001:db8::5", six);
    static const struct row unknown[] = {
        { "mail 550 5.7.1 [203.0.113.5] not welcome", REFUSAL_LETTER },
        { "mail 550 5.7.1 : . :: not welcome", REFUSAL_LETTER },
    };
    DIRECT(FALLBACK_POLICY_CLIENT, "", unknown);
}

static void test_policy(void **state)
{
    static const struct row no[] = {
        { "rcpt 554 5.7.25 Client host [203.0.113.5] blocked using zen.spamhaus.org", REFUSAL_LETTER },
    };
    DIRECT(FALLBACK_POLICY_NO, "203.0.113.5", no);
    static const struct row all[] = {
        { "rcpt 550 5.7.1 Not today", REFUSAL_CLIENT },
        { "rcpt 450 4.7.0 Not today", REFUSAL_CLIENT },
        { "rcpt 550 5.1.1 No such user", REFUSAL_LETTER },
        { "rcpt 550 5.1.1 Client host blocked", REFUSAL_CLIENT },
        { "rcpt 556 5.7.1 No mail", REFUSAL_LETTER },
    };
    DIRECT(FALLBACK_POLICY_ALL, "203.0.113.5", all);
}

static void test_phrases(void **state)
{
    struct arena arena;
    arena_init(&arena);
    struct refusal_phrases p;
    refusal_phrases_parse(SLICE("# a comment\r\n\r\n  Not   From\tThere \r\n! but  you\n!\n"), &arena, &p);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.exception_count, 1);
    assert_true(slice_equal(p.items[0], SLICE("not from there")));
    assert_true(slice_equal(p.exceptions[0], SLICE("but you")));
    struct outcome o = page_outcome("rcpt 550 5.7.1 We take mail, NOT\nfrom there");
    assert_int_equal(refusal_of_direct(&o, FALLBACK_POLICY_CLIENT, &p, SLICE_EMPTY), REFUSAL_CLIENT);
    o = page_outcome("rcpt 550 5.7.1 not from there, BUT YOU may");
    assert_int_equal(refusal_of_direct(&o, FALLBACK_POLICY_CLIENT, &p, SLICE_EMPTY), REFUSAL_LETTER);
    refusal_phrases_parse(SLICE_EMPTY, &arena, &p);
    assert_int_equal(p.count + p.exception_count, 0);
    assert_int_equal(refusal_of_direct(&o, FALLBACK_POLICY_CLIENT, &p, SLICE_EMPTY), REFUSAL_LETTER);
    /* more than the maximum */
    struct buffer many;
    buffer_init(&many, 1 << 20);
    for (int i = 0; i < REFUSAL_PHRASES_MAX + 5; i++)
        buffer_add_format(&many, "phrase %d\n!exception %d\n", i, i);
    refusal_phrases_parse(buffer_slice(&many), &arena, &p);
    assert_int_equal(p.count, REFUSAL_PHRASES_MAX);
    assert_int_equal(p.exception_count, REFUSAL_PHRASES_MAX);
    buffer_done(&many);
    arena_done(&arena);
}

/* The shipped list: lower case, no phrase twice, none so short that it matches by accident. */
static void test_shipped_list(void **state)
{
    const struct refusal_phrases *p = &((const struct shipped *)*state)->phrases;
    assert_true(p->count > 80 && p->exception_count > 10);
    for (size_t i = 0; i < p->count; i++) {
        assert_true(p->items[i].size >= 6);
        for (size_t k = 0; k < i; k++)
            assert_false(slice_equal(p->items[i], p->items[k]));
    }
}

static void test_smarthost(void **state)
{
    static const struct row rows[] = {
        { "auth 535 5.7.8 Bad credentials", REFUSAL_RIGHT },
        { "auth 451 Try later", REFUSAL_RIGHT },
        { "auth no-mechanism", REFUSAL_RIGHT },
        { "auth clear", REFUSAL_RIGHT },
        { "auth secret", REFUSAL_RIGHT },
        { "auth lost", REFUSAL_LETTER },
        { "mail 530 5.7.0 Authentication required", REFUSAL_RIGHT },
        { "mail 538 Encryption required", REFUSAL_RIGHT },
        { "rcpt 550 5.7.64 TenantAttribution; Relay Access Denied", REFUSAL_RIGHT },
        { "mail 550 5.7.57 Client was not authenticated to send", REFUSAL_RIGHT },
        { "rcpt 554 5.7.1 <a@b.example>: Relay access denied", REFUSAL_RIGHT },
        { "rcpt 550 Relaying denied. Proper authentication required", REFUSAL_RIGHT },
        { "dot 550 5.4.5 Daily user sending limit exceeded", REFUSAL_RIGHT },
        { "mail 552 5.2.2 Mailbox over quota", REFUSAL_RIGHT },
        { "rcpt 554 5.7.1 Client host [203.0.113.5] blocked", REFUSAL_RIGHT },
        { "rcpt 552 5.2.2 Mailbox full", REFUSAL_LETTER },
        { "rcpt 550 5.1.1 No such user", REFUSAL_LETTER },
        { "mail 553 5.1.8 Sender domain not found", REFUSAL_LETTER },
        { "dot 554 5.7.1 Spam", REFUSAL_LETTER },
        { "rcpt 450 4.7.1 Relay access denied", REFUSAL_LETTER },
        { "banner 554 Go away", REFUSAL_LETTER },
        { "mail 421 4.7.0 Too many", REFUSAL_PACE },
        { "rcpt 452 4.5.3 Too many", REFUSAL_PACE },
        { "banner 421 Busy", REFUSAL_PACE },
        { "auth 454 4.7.0 Temporary authentication failure", REFUSAL_PACE },
        { "mail 432 4.3.2 Concurrent connections limit", REFUSAL_PACE },
        { "dot 454 Throttling failure: maximum sending rate exceeded", REFUSAL_PACE },
        { "tls 454 TLS not available", REFUSAL_LETTER },
        { "rcpt sibling", REFUSAL_LETTER },
        { "ok", REFUSAL_LETTER },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct outcome o = page_outcome(rows[i].answer);
        if (refusal_of_smarthost(&o) != rows[i].refusal)
            fail_msg("%s: not %d", rows[i].answer, rows[i].refusal);
    }
}

/* A text longer than an outcome's may be is read to its bound. */
static void test_long_text(void **state)
{
    static char text[4 * OUTCOME_TEXT_SIZE_MAX];
    memset(text, 'x', sizeof(text));
    memcpy(text + sizeof(text) - 12, "client host ", 12);
    struct outcome o = page_outcome("rcpt 550 5.7.1 x");
    o.text = slice(text, sizeof(text));
    const struct shipped *s = *state;
    assert_int_equal(refusal_of_direct(&o, FALLBACK_POLICY_CLIENT, &s->phrases, SLICE("203.0.113.5")), REFUSAL_LETTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client),  cmocka_unit_test(test_letter),       cmocka_unit_test(test_own_address),
        cmocka_unit_test(test_policy),  cmocka_unit_test(test_phrases),      cmocka_unit_test(test_shipped_list),
        cmocka_unit_test(test_smarthost), cmocka_unit_test(test_long_text),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
