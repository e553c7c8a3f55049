#include "config/config.h"

#include <stdlib.h>

const char *config_mode_name(enum config_mode mode)
{
    static const char *const names[] = { [MODE_DIRECT] = "direct",
                                         [MODE_SMARTHOST] = "smarthost",
                                         [MODE_DIRECT_THEN_SMARTHOST] = "direct-then-smarthost" };
    return names[mode];
}

static int compare_slices(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

bool config_is_local_domain(const struct config *config, struct slice domain)
{
    return config->domains.local_count > 0 && bsearch(&domain, config->domains.local, config->domains.local_count,
                                                      sizeof domain, compare_slices) != NULL;
}

static bool network_has(const struct config_network *network, uint8_t family, const uint8_t ip[static 16])
{
    unsigned whole = network->bits / 8, left = network->bits % 8;
    if (network->family != family || memcmp(network->ip, ip, whole) != 0)
        return false;
    return left == 0 || (network->ip[whole] ^ ip[whole]) >> (8 - left) == 0;
}

bool config_network_has(const struct config_network *networks, size_t count, uint8_t family, const uint8_t ip[static 16])
{
    for (size_t i = 0; i < count; i++) {
        if (network_has(&networks[i], family, ip))
            return true;
    }
    return false;
}

bool config_smarthost_login(const struct config *config)
{
    return config->delivery.smarthost_auth || config->delivery.per_account_auth;
}

uint16_t config_smarthost_port(const struct config *config)
{
    const struct config_server_place *place = &config->delivery.smarthost;
    if (place->port != 0)
        return place->port;
    return place->implicit_tls ? 465 : config_smarthost_login(config) ? 587 : 25;
}

static int compare_policy(const void *domain, const void *policy)
{
    return slice_compare(*(const struct slice *)domain, ((const struct config_tls_policy *)policy)->domain);
}

static const struct config_tls_policy *policy_find(const struct config *config, struct slice domain)
{
    return config->tls_policies_count > 0 ? bsearch(&domain, config->tls_policies, config->tls_policies_count,
                                                    sizeof *config->tls_policies, compare_policy)
                                          : NULL;
}

const struct config_tls_policy *config_tls_policy_of(const struct config *config, struct slice domain)
{
    const struct config_tls_policy *own = policy_find(config, domain);
    return own ? own : policy_find(config, SLICE("*"));
}
