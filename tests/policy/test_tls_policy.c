/* What is demanded of a link (A41), what may be sent over it (A33), the judgement of a handshake, and the keys under which
 * sessions are shared (S09). */
#include "page.h"

#include <stdio.h>
#include <string.h>

#include "policy/rule.h"
#include "policy/tls_policy.h"

#define TLS_POLICY "[TlsPolicy]\nreq.example = required\nver.example = verified\noff.example = off\n"
#define RELAY "[Delivery]\nMode = smarthost\nSmartHost = relay.example:587\n"
#define LOGIN "SmartHostAuth = yes\nSmartHostUser = us\nSmartHostPassword = secret\n"

/* "demanded verify ..." : the link, then what is set. */
static void plan_write(const struct tls_plan *p, char text[static 200])
{
    static const char *const names[] = { "off", "opportunistic", "demanded", "implicit" };
    snprintf(text, 200, "%s%s%s%s%s %s %s", names[p->tls], p->verify ? " verify" : "",
             p->clear_after_failure ? " clear-after" : "", p->allow_clear_login ? " clear-login" : "",
             p->allow_unverified_login ? " unverified-login" : "", rule_name(p->rule), config_key_name(p->key));
}

static void expect_plan(const struct tls_plan *plan, const char *expected, const char *what)
{
    char got[200];
    plan_write(plan, got);
    if (strcmp(got, expected) != 0)
        fail_msg("%s\n  expected: %s\n  got:      %s", what, expected, got);
    /* In no plan does what failed the judgement go on in clear. */
    assert_false(plan->verify && plan->clear_after_failure);
    assert_false(plan->tls != SMTP_CLIENT_TLS_OPPORTUNISTIC && plan->clear_after_failure);
}

static void test_direct(void **state)
{
    static const struct {
        const char *lines, *domain;
        bool requiretls;
        uint32_t line;
        const char *plan;
    } rows[] = {
        { "", "dest.example", false, 0, "opportunistic clear-after A41 " },
        { "", "dest.example", true, 0, "demanded verify A41 " },
        { TLS_POLICY, "dest.example", false, 0, "opportunistic clear-after A41 " },
        { TLS_POLICY, "req.example", false, 6, "demanded A41 TlsPolicy.*" },
        { TLS_POLICY, "ver.example", false, 7, "demanded verify A41 TlsPolicy.*" },
        { TLS_POLICY, "off.example", false, 8, "off A41 TlsPolicy.*" },
        { TLS_POLICY, "off.example", true, 0, "demanded verify A41 " },
        { TLS_POLICY, "req.example", true, 0, "demanded verify A41 " },
        { TLS_POLICY "* = required\n", "dest.example", false, 9, "demanded A41 TlsPolicy.*" },
        { TLS_POLICY "* = required\n", "off.example", false, 8, "off A41 TlsPolicy.*" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *config = page_config(rows[i].lines);
        struct tls_plan plan;
        tls_plan_direct(config, slice_of(rows[i].domain), rows[i].requiretls, &plan);
        expect_plan(&plan, rows[i].plan, rows[i].domain);
        assert_int_equal(plan.line, rows[i].line);
        config_free(config);
    }
}

static void test_smarthost(void **state)
{
    static const struct {
        const char *lines;
        enum credential_kind credential;
        bool requiretls;
        const char *plan;
    } rows[] = {
        /* auto: opportunistic, verified as soon as a login is sent */
        { RELAY, CREDENTIAL_NONE, false, "opportunistic clear-after A41 Delivery.SmartHostTls" },
        { RELAY LOGIN, CREDENTIAL_GENERAL, false, "demanded verify A33 Delivery.SmartHostTls" },
        { RELAY "PerAccountAuth = yes\n", CREDENTIAL_ACCOUNT, false, "demanded verify A33 Delivery.SmartHostTls" },
        { RELAY "PerAccountAuth = yes\n", CREDENTIAL_NONE, false, "opportunistic clear-after A41 Delivery.SmartHostTls" },
        { RELAY LOGIN "SmartHostVerifyCertificate = no\n", CREDENTIAL_GENERAL, false,
          "demanded unverified-login A33 Delivery.SmartHostTls" },
        { RELAY LOGIN "AllowPlaintextAuth = yes\n", CREDENTIAL_GENERAL, false,
          "opportunistic verify clear-login A33 Delivery.SmartHostTls" },
        { RELAY LOGIN "AllowPlaintextAuth = yes\nSmartHostVerifyCertificate = no\n", CREDENTIAL_GENERAL, false,
          "opportunistic clear-after clear-login unverified-login A33 Delivery.SmartHostTls" },
        /* required */
        { RELAY "SmartHostTls = required\n", CREDENTIAL_NONE, false, "demanded verify A41 Delivery.SmartHostTls" },
        { RELAY "SmartHostTls = required\nSmartHostVerifyCertificate = no\n", CREDENTIAL_NONE, false,
          "demanded unverified-login A41 Delivery.SmartHostTls" },
        { RELAY LOGIN "SmartHostTls = required\nAllowPlaintextAuth = yes\n", CREDENTIAL_GENERAL, false,
          "demanded verify clear-login A41 Delivery.SmartHostTls" },
        /* off */
        { RELAY "SmartHostTls = off\n", CREDENTIAL_NONE, false, "off A41 Delivery.SmartHostTls" },
        { RELAY LOGIN "SmartHostTls = off\nAllowPlaintextAuth = yes\n", CREDENTIAL_GENERAL, false,
          "off clear-login A41 Delivery.SmartHostTls" },
        { RELAY "SmartHostTls = off\n", CREDENTIAL_NONE, true, "demanded verify A41 " },
        /* implicit TLS */
        { "[Delivery]\nMode = smarthost\nSmartHost = relay.example:465\n", CREDENTIAL_NONE, false, "implicit A41 Delivery.SmartHostTls" },
        { "[Delivery]\nMode = smarthost\nSmartHost = smtps://relay.example\n" LOGIN, CREDENTIAL_GENERAL, false,
          "implicit verify A33 Delivery.SmartHostTls" },
        { "[Delivery]\nMode = smarthost\nSmartHost = relay.example:465\n", CREDENTIAL_NONE, true, "implicit verify A41 " },
        { RELAY, CREDENTIAL_NONE, true, "demanded verify A41 " },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *config = page_config(rows[i].lines);
        const struct credential credential = { .kind = rows[i].credential };
        struct tls_plan plan;
        tls_plan_smarthost(config, &credential, rows[i].requiretls, &plan);
        expect_plan(&plan, rows[i].plan, rows[i].lines);
        config_free(config);
    }
}

/* What a domain demands, the smart host must keep (A41). */
static void test_meets(void **state)
{
    static const struct {
        const char *lines;
        bool required, verified;
    } rows[] = {
        { RELAY, false, false },
        { RELAY LOGIN, true, true },
        { RELAY LOGIN "SmartHostVerifyCertificate = no\n", true, false },
        { RELAY LOGIN "AllowPlaintextAuth = yes\n", false, false },
        { RELAY "PerAccountAuth = yes\n", false, false }, /* some mail may go without a login */
        { RELAY "SmartHostTls = required\n", true, true },
        { RELAY "SmartHostTls = required\nSmartHostVerifyCertificate = no\n", true, false },
        { RELAY "SmartHostTls = off\n", false, false },
        { "[Delivery]\nMode = smarthost\nSmartHost = relay.example:465\n", true, false },
        { "[Delivery]\nMode = smarthost\nSmartHost = relay.example:465\n" LOGIN, true, true },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1000];
        snprintf(text, sizeof(text), "%s%s", rows[i].lines, TLS_POLICY);
        struct config *config = page_config(text);
        assert_true(tls_smarthost_meets(config, SLICE("dest.example"), false));
        assert_true(tls_smarthost_meets(config, SLICE("off.example"), false));
        assert_int_equal(tls_smarthost_meets(config, SLICE("req.example"), false), rows[i].required);
        assert_int_equal(tls_smarthost_meets(config, SLICE("ver.example"), false), rows[i].verified);
        /* The message's own demand makes the plan, so any smart host is asked for it. */
        assert_true(tls_smarthost_meets(config, SLICE("ver.example"), true));
        config_free(config);
    }
}

/* Every combination of facts against both demands. */
static void test_judge(void **state)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        const struct tls_facts facts = {
            .peer_certificate = bits & 1, .chain_verified = bits & 2, .name_matched = bits & 4,
            .dane = bits & 8 ? DANE_MATCH : DANE_NOT_ASKED, .chain_error = SLICE("it has expired"),
            .names = { SLICE("a.example"), SLICE("b\r\n.example") }, .name_count = bits & 16 ? 2 : 0,
            .channel_binding = SLICE("binding"), .channel_binding_exporter = true,
        };
        const struct tls_plan plan = { .tls = SMTP_CLIENT_TLS_DEMANDED, .verify = bits & 32 };
        struct smtp_client_tls_up up;
        struct buffer words;
        buffer_init(&words, 1000);
        buffer_add_text(&words, "before");
        tls_judge(&plan, &facts, &words, &up);
        bool verified = facts.peer_certificate && ((facts.chain_verified && facts.name_matched) || facts.dane == DANE_MATCH);
        assert_int_equal(up.verified, verified);
        assert_int_equal(up.accepted, verified || !plan.verify);
        assert_true(slice_equal(up.channel_binding, SLICE("binding")) && up.channel_binding_exporter);
        assert_int_equal(up.text.size > 0, !up.accepted);
        if (!up.accepted) {
            assert_int_equal(up.cause, OUTCOME_CAUSE_TLS_UNVERIFIED);
            assert_int_equal(slice_find(up.text, '\n'), up.text.size);
            assert_int_equal(slice_find_slice(up.text, SLICE("a.example")) < up.text.size, facts.name_count > 0);
            assert_int_equal(slice_find_slice(up.text, SLICE("expired")) < up.text.size,
                             facts.peer_certificate && !facts.chain_verified);
        }
        buffer_done(&words);
    }
}

/* ---- keys ---- */

enum { VARIANTS = 9 };

/* What may differ between two sessions; bit i takes the other value of it. */
static struct slice key_of(unsigned bits, struct buffer *out)
{
    const struct tls_plan plan = { .tls = bits & 1 ? SMTP_CLIENT_TLS_DEMANDED : SMTP_CLIENT_TLS_OPPORTUNISTIC,
                                   .verify = bits & 2, .allow_clear_login = bits & 4, .allow_unverified_login = bits & 8 };
    const struct ip_address address = { .family = 4, .octets = { 192, 0, 2, bits & 16 ? 1 : 2 }, .port = bits & 32 ? 25 : 587 };
    const struct credential credential = { .kind = bits & 64 ? CREDENTIAL_ACCOUNT : CREDENTIAL_GENERAL,
                                           .account = bits & 64 ? SLICE("me@example.org") : SLICE_EMPTY,
                                           .user = bits & 128 ? SLICE("us") : SLICE("them"), .password = SLICE("canary") };
    tls_session_key(&plan, bits & 256 ? SLICE("relay.example") : SLICE("other.example"), &address, &credential, out);
    assert_false(out->overflow);
    return buffer_slice(out);
}

static void test_keys_differ(void **state)
{
    static struct buffer keys[1 << VARIANTS];
    for (unsigned i = 0; i < 1 << VARIANTS; i++) {
        buffer_init(&keys[i], 1600);
        struct slice key = key_of(i, &keys[i]);
        assert_int_equal(slice_find_slice(key, SLICE("canary")), key.size);
        for (unsigned k = 0; k < i; k++)
            assert_false(slice_equal(key, buffer_slice(&keys[k])));
    }
    for (unsigned i = 0; i < 1 << VARIANTS; i++)
        buffer_done(&keys[i]);
}

static void test_keys_equal(void **state)
{
    struct tls_plan plan = { .tls = SMTP_CLIENT_TLS_OPPORTUNISTIC, .clear_after_failure = true, .rule = RULE_A41 };
    const struct ip_address address = { .family = 6, .octets = { 0x20, 1, 0xd, 0xb8 }, .port = 25 };
    struct credential none = { .kind = CREDENTIAL_NONE };
    struct buffer a, b;
    buffer_init(&a, 1600);
    buffer_init(&b, 1600);
    tls_session_key(&plan, SLICE("mx.example"), &address, &none, &a);
    /* Why a plan is as it is makes no difference, nor do two ways to have no login. */
    plan.rule = RULE_NONE;
    plan.key = CONFIG_TLS_POLICY;
    plan.line = 12;
    tls_session_key(&plan, SLICE("mx.example"), &address, NULL, &b);
    assert_true(slice_equal(buffer_slice(&a), buffer_slice(&b)));
    assert_true(slice_equal(buffer_slice(&a), SLICE("mx.example [2001:db8::]:25 tls:opportunistic,clear-after-failure")));
    buffer_done(&a);
    buffer_done(&b);
}

/* An account's name cannot be made to look like another key. */
static void test_keys_forged(void **state)
{
    const struct tls_plan plan = { .tls = SMTP_CLIENT_TLS_DEMANDED };
    const struct ip_address address = { .family = 4, .octets = { 192, 0, 2, 1 }, .port = 587 };
    struct credential first = { .kind = CREDENTIAL_ACCOUNT, .account = SLICE("a user:1:b"), .user = SLICE("c") };
    struct credential second = { .kind = CREDENTIAL_ACCOUNT, .account = SLICE("a"), .user = SLICE("b user:1:c") };
    struct buffer a, b;
    buffer_init(&a, 1600);
    buffer_init(&b, 1600);
    tls_session_key(&plan, SLICE("relay.example"), &address, &first, &a);
    tls_session_key(&plan, SLICE("relay.example"), &address, &second, &b);
    assert_false(slice_equal(buffer_slice(&a), buffer_slice(&b)));
    buffer_done(&a);
    buffer_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct),      cmocka_unit_test(test_smarthost),  cmocka_unit_test(test_meets),
        cmocka_unit_test(test_judge),       cmocka_unit_test(test_keys_differ), cmocka_unit_test(test_keys_equal),
        cmocka_unit_test(test_keys_forged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
