#include "sim/zone.h"

#include <stdio.h>
#include <string.h>

enum domain_kind zone_kind(const struct sim_options *options, uint32_t domain)
{
    struct random_fast r;
    random_fast_init(&r, options->seed ^ UINT64_C(0x5a5a5a5a) ^ (uint64_t)domain << 32);
    uint64_t draw = random_fast_below(&r, 100);
    if (draw < 70)
        return DOMAIN_MX;
    if (draw < 85)
        return DOMAIN_IMPLICIT;
    return draw < 90 ? DOMAIN_NULL_MX : draw < 95 ? DOMAIN_NXDOMAIN : DOMAIN_NO_ADDRESS;
}

bool zone_dead(const struct sim_options *options, uint32_t domain)
{
    return zone_kind(options, domain) >= DOMAIN_NULL_MX;
}

static void add_address(struct zone_answer *a, uint8_t b, uint8_t c, uint8_t d)
{
    char *bytes = a->bytes[a->count];
    bytes[0] = 10;
    bytes[1] = (char)b;
    bytes[2] = (char)c;
    bytes[3] = (char)d;
    a->rdata[a->count++] = slice(bytes, 4);
    a->status = DNS_OK;
}

/* RFC 1035 3.3.9: preference, name as labels. */
static void add_mx(struct zone_answer *a, uint16_t preference, const char *name)
{
    char *bytes = a->bytes[a->count];
    bytes[0] = (char)(preference >> 8);
    bytes[1] = (char)preference;
    size_t size = 2;
    struct slice rest = slice_of(name);
    while (rest.size > 0) {
        struct slice label = slice_split(&rest, '.');
        bytes[size++] = (char)label.size;
        memcpy(bytes + size, label.data, label.size);
        size += label.size;
    }
    bytes[size++] = 0;
    a->rdata[a->count++] = slice(bytes, size);
    a->status = DNS_OK;
}

static void answer_domain(const struct sim_options *options, uint32_t domain, enum dns_type type, struct zone_answer *a)
{
    enum domain_kind kind = zone_kind(options, domain);
    a->status = kind == DOMAIN_NXDOMAIN ? DNS_NXDOMAIN : DNS_NODATA;
    if (type == DNS_A && kind == DOMAIN_IMPLICIT)
        add_address(a, 1, (uint8_t)domain, 0);
    if (type != DNS_MX)
        return;
    if (kind == DOMAIN_NULL_MX)
        add_mx(a, 0, "");
    for (uint32_t i = 1; (kind == DOMAIN_MX || kind == DOMAIN_NO_ADDRESS) && i <= options->host_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "mx%u.d%u.test", i, domain);
        add_mx(a, (uint16_t)(i * 10), name);
    }
}

/* "mx2.d7.test" and "d7.test"; host 0 is the domain itself. */
static bool name_read(struct slice name, uint32_t *ret_host, uint32_t *ret_domain)
{
    char text[64];
    unsigned host = 0;
    unsigned domain = 0;
    int end = 0;
    if (name.size >= sizeof text)
        return false;
    memcpy(text, name.data, name.size);
    text[name.size] = 0;
    bool found = sscanf(text, "mx%u.d%u.test%n", &host, &domain, &end) == 2 && end == (int)name.size;
    if (!found) {
        host = 0;
        found = sscanf(text, "d%u.test%n", &domain, &end) == 1 && end == (int)name.size;
    }
    *ret_host = host;
    *ret_domain = domain;
    return found && domain < ZONE_DOMAINS_MAX;
}

void zone_answer(const struct sim_options *options, struct slice name, enum dns_type type,
                 struct zone_answer *ret_answer)
{
    memset(ret_answer, 0, sizeof *ret_answer);
    ret_answer->status = DNS_NXDOMAIN;
    uint32_t host;
    uint32_t domain;
    if (slice_equal(name, SLICE("relay.isp.test")) || slice_equal(name, SLICE("from.test"))) {
        ret_answer->status = DNS_NODATA;
        if (type == DNS_A)
            add_address(ret_answer, name.data[0] == 'r' ? 2 : 3, 0, 1);
    } else if (name_read(name, &host, &domain)) {
        if (host == 0) {
            answer_domain(options, domain, type, ret_answer);
        } else {
            ret_answer->status = DNS_NODATA;
            if (type == DNS_A && zone_kind(options, domain) == DOMAIN_MX)
                add_address(ret_answer, 1, (uint8_t)domain, (uint8_t)host);
        }
    }
}
