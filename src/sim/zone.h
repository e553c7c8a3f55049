/* The names of the world and what its name server answers.
 *
 * dK.test is a recipient's domain, of a kind drawn from the seed; from.test takes the notices; relay.isp.test is the smart
 * host. Addresses: 10.1.K.H host H of dK.test (0: the domain's own), 10.2.0.1 the smart host, 10.3.0.1 from.test. */
#pragma once

#include "border/op.h"
#include "sim/options.h"

enum domain_kind {
    DOMAIN_MX,
    DOMAIN_IMPLICIT,    /* no MX, an address */
    DOMAIN_NULL_MX,
    DOMAIN_NXDOMAIN,
    DOMAIN_NO_ADDRESS,  /* MX hosts without addresses */
    DOMAIN_KIND_COUNT,
};

enum { ZONE_DOMAINS_MAX = 64, ZONE_RECORDS_MAX = 4, ZONE_RDATA_MAX = 64 };

struct zone_answer {
    enum dns_status status;
    size_t count;
    struct slice rdata[ZONE_RECORDS_MAX];
    char bytes[ZONE_RECORDS_MAX][ZONE_RDATA_MAX];
};

enum domain_kind zone_kind(const struct sim_options *options, uint32_t domain);
/* Nothing of the domain can ever be delivered by its own hosts. */
bool zone_dead(const struct sim_options *options, uint32_t domain);
void zone_answer(const struct sim_options *options, struct slice name, enum dns_type type,
                 struct zone_answer *ret_answer);
