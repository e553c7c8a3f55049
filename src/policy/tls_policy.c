#include "policy/tls_policy.h"

#include <assert.h>

#include "base/codec.h"
#include "policy/rule.h"
#include "proto/ip.h"

/* ---- what is demanded ---- */

static void demand(struct tls_plan *plan, bool verify)
{
    if (plan->tls != SMTP_CLIENT_TLS_IMPLICIT)
        plan->tls = SMTP_CLIENT_TLS_DEMANDED;
    plan->verify = plan->verify || verify;
    plan->clear_after_failure = false;
}

/* RFC 8689 4.2.1: a message with REQUIRETLS goes over verified TLS only, whatever the configuration says. */
static void demand_requiretls(struct tls_plan *plan)
{
    demand(plan, true);
    plan->rule = RULE_A41;
    plan->key = CONFIG_KEY_NONE;
    plan->line = 0;
}

void tls_plan_direct(const struct config *config, struct slice domain, bool requiretls, struct tls_plan *ret_plan)
{
    struct tls_plan plan = { .tls = SMTP_CLIENT_TLS_OPPORTUNISTIC, .clear_after_failure = true, .rule = RULE_A41 };
    const struct config_tls_policy *policy = config_tls_policy_of(config, domain);
    if (policy) {
        plan.key = CONFIG_TLS_POLICY;
        plan.line = policy->line;
        switch (policy->demand) {
        case TLS_DEMAND_OFF:
            plan.tls = SMTP_CLIENT_TLS_OFF;
            plan.clear_after_failure = false;
            break;
        case TLS_DEMAND_REQUIRED:
            demand(&plan, false);
            break;
        case TLS_DEMAND_VERIFIED:
            demand(&plan, true);
            break;
        }
    }
    if (requiretls)
        demand_requiretls(&plan);
    *ret_plan = plan;
}

/* SmartHostTls = auto with a login. The login is what must not be overheard: without AllowPlaintextAuth the link has to be
 * encrypted, and verified unless SmartHostVerifyCertificate says no (A33). With it the link is encrypted where the server
 * can; but a certificate that does not hold is no reason to go on in clear. */
static void plan_login(const struct config *config, struct tls_plan *plan)
{
    plan->verify = config->delivery.smarthost_verify_certificate;
    plan->clear_after_failure = config->delivery.allow_plaintext_auth && !plan->verify;
    plan->rule = RULE_A33;
    plan->key = CONFIG_DELIVERY_SMARTHOST_TLS;
    if (!config->delivery.allow_plaintext_auth)
        demand(plan, false);
}

void tls_plan_smarthost(const struct config *config, const struct credential *credential, bool requiretls,
                        struct tls_plan *ret_plan)
{
    struct tls_plan plan = { .tls = SMTP_CLIENT_TLS_OPPORTUNISTIC,
                             .clear_after_failure = true,
                             .allow_clear_login = config->delivery.allow_plaintext_auth,
                             .allow_unverified_login = !config->delivery.smarthost_verify_certificate,
                             .rule = RULE_A41,
                             .key = CONFIG_DELIVERY_SMARTHOST_TLS };
    switch (config->delivery.smarthost_tls) {
    case SMARTHOST_TLS_AUTO:
        if (credential->kind != CREDENTIAL_NONE)
            plan_login(config, &plan);
        break;
    case SMARTHOST_TLS_REQUIRED:
        demand(&plan, config->delivery.smarthost_verify_certificate);
        break;
    case SMARTHOST_TLS_OFF:
        plan.tls = SMTP_CLIENT_TLS_OFF;
        plan.clear_after_failure = false;
        break;
    }
    if (config->delivery.smarthost.implicit_tls) {
        plan.tls = SMTP_CLIENT_TLS_IMPLICIT;
        plan.clear_after_failure = false;
    }
    if (requiretls)
        demand_requiretls(&plan);
    *ret_plan = plan;
}

/* What the smart host's link is sure to be, for mail without a login of an account: the least of all. */
bool tls_smarthost_meets(const struct config *config, struct slice domain, bool requiretls)
{
    if (requiretls)
        return true; /* the plan of such a message demands it of any host */
    const struct config_tls_policy *policy = config_tls_policy_of(config, domain);
    if (!policy || policy->demand == TLS_DEMAND_OFF)
        return true;
    struct credential credential = { .kind = config->delivery.smarthost_auth ? CREDENTIAL_GENERAL : CREDENTIAL_NONE };
    struct tls_plan plan;
    tls_plan_smarthost(config, &credential, false, &plan);
    bool encrypted = plan.tls == SMTP_CLIENT_TLS_DEMANDED || plan.tls == SMTP_CLIENT_TLS_IMPLICIT;
    return encrypted && (policy->demand == TLS_DEMAND_REQUIRED || plan.verify);
}

/* ---- the judgement ---- */

static void add_names(const struct tls_facts *facts, struct buffer *words)
{
    for (size_t i = 0; i < facts->name_count && i < TLS_NAMES_MAX; i++) {
        buffer_add_text(words, i == 0 ? "" : ", ");
        text_escape(facts->names[i], words);
    }
}

static void explain(const struct tls_facts *facts, struct buffer *words)
{
    if (!facts->peer_certificate) {
        buffer_add_text(words, "the server has shown no certificate");
    } else if (!facts->chain_verified) {
        buffer_add_text(words, "the certificate could not be verified: ");
        text_escape(facts->chain_error, words);
    } else {
        buffer_add_text(words, "the certificate does not bear the name of the server");
    }
    if (facts->name_count > 0) {
        buffer_add_text(words, " (it is for ");
        add_names(facts, words);
        buffer_add_text(words, ")");
    }
}

void tls_judge(const struct tls_plan *plan, const struct tls_facts *facts, struct buffer *words,
               struct smtp_client_tls_up *ret_up)
{
    struct smtp_client_tls_up up = { .channel_binding = facts->channel_binding,
                                     .channel_binding_exporter = facts->channel_binding_exporter };
    up.verified = facts->peer_certificate && (facts->dane == DANE_MATCH || (facts->chain_verified && facts->name_matched));
    up.accepted = up.verified || !plan->verify;
    if (!up.accepted) {
        size_t from = words->size;
        explain(facts, words);
        up.cause = OUTCOME_CAUSE_TLS_UNVERIFIED;
        up.text = slice_after(buffer_slice(words), from);
    }
    *ret_up = up;
}

/* ---- the key ---- */

static void add_counted(struct buffer *out, const char *what, struct slice text)
{
    buffer_add_format(out, " %s:%zu:", what, text.size);
    buffer_add(out, text);
}

void tls_session_key(const struct tls_plan *plan, struct slice host, const struct ip_address *address,
                     const struct credential *credential, struct buffer *out)
{
    static const char *const names[] = {
        [SMTP_CLIENT_TLS_OFF] = "off",
        [SMTP_CLIENT_TLS_OPPORTUNISTIC] = "opportunistic",
        [SMTP_CLIENT_TLS_DEMANDED] = "demanded",
        [SMTP_CLIENT_TLS_IMPLICIT] = "implicit",
    };
    assert((size_t)plan->tls < sizeof(names) / sizeof(names[0]));
    char text[IP_TEXT_SIZE];
    buffer_add(out, host);
    buffer_add_text(out, " [");
    if (address->family != 0)
        buffer_add(out, ip_format(address->family, address->octets, text));
    buffer_add_format(out, "]:%u tls:%s", address->port, names[plan->tls]);
    if (plan->verify)
        buffer_add_text(out, ",verify");
    if (plan->clear_after_failure)
        buffer_add_text(out, ",clear-after-failure");
    if (plan->allow_clear_login)
        buffer_add_text(out, ",clear-login");
    if (plan->allow_unverified_login)
        buffer_add_text(out, ",unverified-login");
    if (!credential || credential->kind == CREDENTIAL_NONE)
        return;
    add_counted(out, credential->kind == CREDENTIAL_GENERAL ? "general" : "account", credential->account);
    add_counted(out, "user", credential->user);
}

struct slice tls_peer_name(const struct candidate *candidate, bool *ret_is_address)
{
    struct slice name = candidate->host;
    if (slice_starts_with(name, SLICE("[")) && name.size > 2)
        name = slice_part(name, 1, name.size - 2);
    if (slice_starts_with_nocase(name, SLICE("IPv6:")))
        name = slice_after(name, 5);
    uint8_t octets[16];
    *ret_is_address = ip_parse(name, octets) != 0;
    return name;
}
