/* Whose login (A26 to A30): the configuration, the accounts, the message; the credential and why. */
#include "page.h"

#include <string.h>

#include "policy/credential.h"

static const char account_lines[] = "[own@example.org]\n"
                                    "Alias = alias@example.org\n"
                                    "SmartHostUser = own-user\n"
                                    "SmartHostPassword = own-secret\n"
                                    "[none@example.org]\n"
                                    "[half@example.org]\n"
                                    "SmartHostUser = half-user\n";

#define GENERAL "SmartHostAuth = yes\nSmartHostUser = us\nSmartHostPassword = secret\n"
#define SMARTHOST "[Delivery]\nMode = smarthost\nSmartHost = relay.example.net\n"

struct row {
    const char *delivery; /* besides SMARTHOST */
    const char *account, *sender;
    bool from_network, notice;
    const char *name, *user, *password;
    enum credential_reason reason;
    enum rule rule;
    enum config_key key;
    bool missing;
};

static const struct row rows[] = {
    /* per-account logins are off: the general pair, or none */
    { "", "own@example.org", "own@example.org", false, false, "none", "", "", CREDENTIAL_NOT_REQUIRED, RULE_NONE,
      CONFIG_DELIVERY_SMARTHOST_AUTH, false },
    { GENERAL, "own@example.org", "own@example.org", false, false, "general", "us", "secret", CREDENTIAL_GENERAL_ONLY, RULE_NONE,
      CONFIG_DELIVERY_SMARTHOST_AUTH, false },
    /* A27: the submitter, whatever MAIL FROM is */
    { GENERAL "PerAccountAuth = yes\n", "own@example.org", "someone@elsewhere.example", false, false,
      "account:own@example.org", "own-user", "own-secret", CREDENTIAL_BY_LOGIN, RULE_A27,
      CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    { GENERAL "PerAccountAuth = yes\n", "own@example.org", "", true, false, "account:own@example.org", "own-user",
      "own-secret", CREDENTIAL_BY_LOGIN, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    /* ... else the account whose address or alias it is, from a trusted network only */
    { GENERAL "PerAccountAuth = yes\n", "", "own@example.org", true, false, "account:own@example.org", "own-user",
      "own-secret", CREDENTIAL_BY_ADDRESS, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_BY_ADDRESS, false },
    { GENERAL "PerAccountAuth = yes\n", "", "Alias@example.org", true, false, "account:own@example.org", "own-user",
      "own-secret", CREDENTIAL_BY_ADDRESS, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_BY_ADDRESS, false },
    { GENERAL "PerAccountAuth = yes\n", "", "own@example.org", false, false, "general", "us", "secret",
      CREDENTIAL_NO_ACCOUNT, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    { GENERAL "PerAccountAuth = yes\nPerAccountByAddress = no\n", "", "own@example.org", true, false, "general", "us",
      "secret", CREDENTIAL_NO_ACCOUNT, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    { GENERAL "PerAccountAuth = yes\n", "", "", true, false, "general", "us", "secret", CREDENTIAL_NO_ACCOUNT, RULE_A27,
      CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    { GENERAL "PerAccountAuth = yes\n", "", "stranger@elsewhere.example", true, false, "general", "us", "secret",
      CREDENTIAL_NO_ACCOUNT, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    /* ... an account that is gone: the general pair */
    { GENERAL "PerAccountAuth = yes\n", "gone@example.org", "own@example.org", true, false, "general", "us", "secret",
      CREDENTIAL_NO_ACCOUNT, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    /* our own notices */
    { GENERAL "PerAccountAuth = yes\n", "own@example.org", "own@example.org", true, true, "general", "us", "secret",
      CREDENTIAL_NO_ACCOUNT, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    /* A28 */
    { "PerAccountAuth = yes\n", "own@example.org", "", false, false, "account:own@example.org", "own-user", "own-secret",
      CREDENTIAL_BY_LOGIN, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    { "PerAccountAuth = yes\n", "none@example.org", "", false, false, "none", "", "", CREDENTIAL_NOT_REQUIRED, RULE_A28,
      CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    { GENERAL "PerAccountAuth = yes\n", "none@example.org", "", false, false, "general", "us", "secret",
      CREDENTIAL_ACCOUNT_HAS_NONE, RULE_A28, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    { "PerAccountAuth = yes\nSmartHostAuth = yes\n", "none@example.org", "", false, false, "general", "", "",
      CREDENTIAL_ACCOUNT_HAS_NONE, RULE_A28, CONFIG_DELIVERY_SMARTHOST_USER, true },
    { "PerAccountAuth = yes\nSmartHostAuth = yes\n", "own@example.org", "", false, false, "account:own@example.org",
      "own-user", "own-secret", CREDENTIAL_BY_LOGIN, RULE_A27, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    /* A29 */
    { GENERAL "PerAccountAuth = yes\n", "half@example.org", "", false, false, "general", "us", "secret",
      CREDENTIAL_ACCOUNT_HAS_NONE, RULE_A29, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
    { "PerAccountAuth = yes\n", "half@example.org", "", false, false, "none", "", "", CREDENTIAL_NOT_REQUIRED, RULE_A29,
      CONFIG_DELIVERY_PER_ACCOUNT_AUTH, false },
};

static struct config *config_of(const char *delivery)
{
    struct buffer lines;
    buffer_init(&lines, 4096);
    buffer_add_text(&lines, SMARTHOST);
    buffer_add_text(&lines, delivery);
    buffer_add_char(&lines, '\0');
    struct config *config = page_config(lines.data);
    buffer_done(&lines);
    return config;
}

static void test_rows(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct config *config = config_of(r->delivery);
        struct accounts *accounts = page_accounts(config, account_lines);
        const struct credential_question q = { slice_of(r->account), r->from_network, slice_of(r->sender), r->notice };
        struct credential c;
        credential_choose(config, accounts, &q, &c);
        struct buffer name;
        buffer_init(&name, 1024);
        credential_name(&c, &name);
        print_message("row %zu: %s\n", i, r->name);
        assert_true(slice_equal(buffer_slice(&name), slice_of(r->name)));
        assert_true(slice_equal(c.user, slice_of(r->user)) && slice_equal(c.password, slice_of(r->password)));
        assert_int_equal(c.reason, r->reason);
        assert_int_equal(c.rule, r->rule);
        assert_int_equal(c.key, r->key);
        assert_int_equal(c.missing, r->missing);
        buffer_done(&name);
        accounts_free(accounts);
        config_free(config);
    }
}

/* A secret that is sealed under a key which is not there: the mail waits, and no other login steps in. */
static void test_unreadable(void **state)
{
    struct config *config = config_of(GENERAL "PerAccountAuth = yes\n");
    struct accounts *accounts = page_accounts(config, account_lines);
    config->delivery.smarthost_password_unreadable = true;
    config->delivery.smarthost_password = SLICE_EMPTY;
    struct credential_question q = { .account = SLICE("none@example.org") };
    struct credential c;
    credential_choose(config, accounts, &q, &c);
    assert_int_equal(c.kind, CREDENTIAL_GENERAL);
    assert_true(c.missing);
    assert_int_equal(c.rule, RULE_A25);
    assert_int_equal(c.key, CONFIG_DELIVERY_SMARTHOST_PASSWORD);

    accounts->items[0].smarthost_password_unreadable = true;
    accounts->items[0].smarthost_password = SLICE_EMPTY;
    q.account = SLICE("own@example.org");
    credential_choose(config, accounts, &q, &c);
    assert_int_equal(c.kind, CREDENTIAL_ACCOUNT);
    assert_true(c.missing);
    assert_int_equal(c.rule, RULE_A26);
    accounts_free(accounts);
    config_free(config);
}

static void test_without_accounts(void **state)
{
    struct config *config = config_of(GENERAL "PerAccountAuth = yes\n");
    const struct credential_question q = { .account = SLICE("own@example.org") };
    struct credential c;
    credential_choose(config, NULL, &q, &c);
    assert_int_equal(c.kind, CREDENTIAL_GENERAL);
    assert_int_equal(c.reason, CREDENTIAL_NO_ACCOUNT);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_without_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
