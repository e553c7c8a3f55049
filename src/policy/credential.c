#include "policy/credential.h"

#include <assert.h>

/* The page's own pair, or nothing where no authentication is required. A pair that is required and not there makes the
 * mail wait rather than go without (A25): the check of the configuration allows that only beside logins per account, where
 * it warns who cannot send (A28). */
static void choose_general(const struct config *config, struct credential *c)
{
    if (!config->delivery.smarthost_auth) {
        c->kind = CREDENTIAL_NONE;
        return;
    }
    c->kind = CREDENTIAL_GENERAL;
    c->user = config->delivery.smarthost_user;
    c->password = config->delivery.smarthost_password;
    if (config->delivery.smarthost_password_unreadable) {
        c->missing = true;
        c->rule = RULE_A25;
        c->key = CONFIG_DELIVERY_SMARTHOST_PASSWORD;
    } else if (c->user.size == 0 || c->password.size == 0) {
        c->missing = true;
        c->rule = RULE_A28;
        c->key = CONFIG_DELIVERY_SMARTHOST_USER;
    }
}

/* A27: the authenticated submitter, whatever MAIL FROM is; else, for a trusted network, whose address MAIL FROM is. */
static const struct account *whose(const struct config *config, const struct accounts *accounts,
                                   const struct credential_question *question, enum credential_reason *ret_reason)
{
    if (!accounts || question->notice)
        return NULL;
    if (question->account.size > 0) {
        *ret_reason = CREDENTIAL_BY_LOGIN;
        return accounts_find_text(accounts, question->account);
    }
    if (question->from_network && config->delivery.per_account_by_address && question->sender.size > 0) {
        *ret_reason = CREDENTIAL_BY_ADDRESS;
        return accounts_find_text(accounts, question->sender);
    }
    return NULL;
}

/* The account's own login. One whose password cannot be opened counts as refused: its mail waits (A26), since falling back
 * to the general pair would send it in somebody else's name. */
static void choose_account(const struct account *account, struct credential *c)
{
    c->kind = CREDENTIAL_ACCOUNT;
    c->account = account->address;
    c->user = account->smarthost_user;
    c->password = account->smarthost_password;
    if (account->smarthost_password_unreadable) {
        c->missing = true;
        c->rule = RULE_A26;
    }
}

static bool half_filled(const struct account *account)
{
    return (account->smarthost_user.size > 0) != (account->smarthost_password.size > 0);
}

void credential_choose(const struct config *config, const struct accounts *accounts,
                       const struct credential_question *question, struct credential *ret_credential)
{
    struct credential c = { .key = CONFIG_DELIVERY_PER_ACCOUNT_AUTH };
    if (!config->delivery.per_account_auth) {
        c.key = CONFIG_DELIVERY_SMARTHOST_AUTH;
        c.reason = config->delivery.smarthost_auth ? CREDENTIAL_GENERAL_ONLY : CREDENTIAL_NOT_REQUIRED;
        choose_general(config, &c);
        *ret_credential = c;
        return;
    }
    enum credential_reason found = CREDENTIAL_NO_ACCOUNT;
    const struct account *account = whose(config, accounts, question, &found);
    bool unreadable = account && account->smarthost_password_unreadable && account->smarthost_user.size > 0;
    c.rule = RULE_A27;
    if (account && (unreadable || account_has_smarthost_login(account))) {
        c.reason = found;
        if (found == CREDENTIAL_BY_ADDRESS)
            c.key = CONFIG_DELIVERY_PER_ACCOUNT_BY_ADDRESS;
        choose_account(account, &c);
    } else {
        c.reason = account ? CREDENTIAL_ACCOUNT_HAS_NONE : CREDENTIAL_NO_ACCOUNT;
        if (account)
            c.rule = half_filled(account) ? RULE_A29 : RULE_A28;
        if (!config->delivery.smarthost_auth) {
            c.rule = account && half_filled(account) ? RULE_A29 : RULE_A28;
            c.reason = CREDENTIAL_NOT_REQUIRED;
        }
        choose_general(config, &c);
    }
    *ret_credential = c;
}

void credential_name(const struct credential *credential, struct buffer *out)
{
    switch (credential->kind) {
    case CREDENTIAL_NONE:
        buffer_add_text(out, "none");
        break;
    case CREDENTIAL_GENERAL:
        buffer_add_text(out, "general");
        break;
    case CREDENTIAL_ACCOUNT:
        assert(credential->account.size > 0);
        buffer_add_text(out, "account:");
        buffer_add(out, credential->account);
        break;
    }
}
