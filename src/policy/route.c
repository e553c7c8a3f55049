#include "policy/route.h"

#include <assert.h>

#include "base/random.h"
#include "proto/dns_record.h"
#include "proto/ip.h"

enum {
    KNOWN_MAX = 4, /* candidates of one kind whose failure was known before, beside others that have addresses */
};
static_assert(2 * (ROUTE_ADDRESSES_MAX + KNOWN_MAX) <= ROUTE_CANDIDATES_MAX, "both kinds must fit");

/* One host of the list while it is made. */
struct host {
    struct slice name;
    uint16_t preference;
    bool secure;
    bool ourselves;
    bool temporary;               /* a lookup that failed might have given more */
    struct slice error;           /* of that lookup */
    struct ip_address v4[ROUTE_ADDRESSES_MAX], v6[ROUTE_ADDRESSES_MAX];
    uint8_t v4_count, v6_count;
};

struct hosts {
    struct host items[ROUTE_MX_MAX];
    size_t count;
};

struct builder {
    const struct route_question *question;
    struct route *route;
    enum candidate_kind kind;
    uint16_t port;
    uint8_t host_number;          /* of the next host */
    bool pending;                 /* some lookup is under way */
};

/* ---- A9 ---- */

static bool same_address(const struct ip_address *a, const struct ip_address *b)
{
    return a->family == b->family && memcmp(a->octets, b->octets, a->family == 4 ? 4 : 16) == 0;
}

/* An IPv4 address in an IPv6 one (RFC 4291 2.5.5.2) is connected to as the former. */
static struct ip_address unmapped(const struct ip_address *address)
{
    static const uint8_t prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    struct ip_address a = *address;
    if (a.family == 6 && memcmp(a.octets, prefix, sizeof(prefix)) == 0) {
        a.family = 4;
        memcpy(a.octets, address->octets + 12, 4);
        memset(a.octets + 4, 0, 12);
    }
    return a;
}

/* 127.0.0.0/8, ::1, and the unspecified addresses, which connect to this machine too. */
static bool is_loopback(const struct ip_address *a)
{
    static const uint8_t zeros[16];
    if (a->family == 4)
        return a->octets[0] == 127 || memcmp(a->octets, zeros, 4) == 0;
    return memcmp(a->octets, zeros, 15) == 0 && a->octets[15] <= 1;
}

static bool is_own(const struct route_question *q, const struct ip_address *address)
{
    for (size_t i = 0; i < q->own_address_count; i++) {
        if (same_address(&q->own_addresses[i], address))
            return true;
    }
    return false;
}

bool route_is_ourselves(const struct route_question *question, const struct ip_address *address)
{
    struct ip_address a = unmapped(address);
    if (is_loopback(&a))
        return !question->config->outbound.allow_loopback_mx;
    return is_own(question, &a);
}

static bool listens_on(const struct config_listen *listens, size_t count, uint16_t port)
{
    for (size_t i = 0; i < count; i++) {
        if (listens[i].port == port)
            return true;
    }
    return false;
}

/* The smart host may be another server on this machine: only a port that we listen on makes it ourselves. */
static bool smarthost_is_ourselves(const struct route_question *q, const struct ip_address *address)
{
    const struct config *config = q->config;
    struct ip_address a = unmapped(address);
    if (!is_loopback(&a) && !is_own(q, &a))
        return false;
    return listens_on(config->listen.relay, config->listen.relay_count, address->port) ||
           listens_on(config->listen.submission, config->listen.submission_count, address->port) ||
           listens_on(config->listen.submissions, config->listen.submissions_count, address->port);
}

static bool is_ourselves(const struct builder *b, const struct ip_address *address)
{
    return b->kind == CANDIDATE_MX ? route_is_ourselves(b->question, address)
                                   : smarthost_is_ourselves(b->question, address);
}

/* ---- candidates ---- */

static struct candidate *add_candidate(struct builder *b, struct slice host, uint16_t preference)
{
    assert(b->route->count < ROUTE_CANDIDATES_MAX);
    struct candidate *c = &b->route->candidates[b->route->count++];
    /* A login never moves to another name, nor does the name that a certificate must bear (A34): the smart host keeps
     * its configured name, whatever MX host stands behind it. */
    bool direct = b->kind == CANDIDATE_MX;
    *c = (struct candidate){
        .kind = b->kind,
        .host_number = b->host_number,
        .host = arena_copy(b->question->arena, direct ? host : b->question->config->delivery.smarthost.host),
        .domain = direct ? arena_copy(b->question->arena, b->question->domain) : SLICE_EMPTY,
        .preference = preference,
    };
    return c;
}

/* What failed in DNS already. The smart host's name is our own setting: its failure is temporary always (A35). */
static void add_known(struct builder *b, struct slice host, uint16_t preference, enum outcome_cause cause,
                      struct slice text)
{
    struct candidate *c = add_candidate(b, host, preference);
    struct outcome *o = arena_new(b->question->arena, struct outcome);
    bool final = cause != OUTCOME_CAUSE_DNS_TEMP && b->kind == CANDIDATE_MX;
    *o = (struct outcome){
        .class = final ? OUTCOME_PERM : OUTCOME_TEMP,
        .stage = STAGE_DNS,
        .cause = cause,
        .text = arena_copy(b->question->arena, slice_part(text, 0, OUTCOME_TEXT_SIZE_MAX)),
        .host = c->host,
    };
    o->enhanced = outcome_enhanced_default(o);
    c->known = o;
}

static void add_address(struct builder *b, const struct host *host, const struct ip_address *address)
{
    struct candidate *c = add_candidate(b, host->name, host->preference);
    c->address = *address;
    c->secure = host->secure;
}

/* ---- lookups ---- */

static const struct event_dns *ask(struct builder *b, struct slice name, enum dns_type type)
{
    const struct event_dns *answer = b->question->lookup(b->question->context, name, type);
    b->pending = b->pending || !answer;
    return answer;
}

static void take_address(struct builder *b, struct host *host, const struct event_dns *answer, size_t i, uint8_t family)
{
    struct ip_address address = { .family = family, .port = b->port };
    enum err err = family == 4 ? dns_record_a(answer->rdata[i], address.octets)
                               : dns_record_aaaa(answer->rdata[i], address.octets);
    if (err != ERR_OK)
        return;
    host->ourselves = host->ourselves || is_ourselves(b, &address);
    if (family == 4 && host->v4_count < ROUTE_ADDRESSES_MAX)
        host->v4[host->v4_count++] = address;
    else if (family == 6 && host->v6_count < ROUTE_ADDRESSES_MAX)
        host->v6[host->v6_count++] = address;
}

/* A6: both kinds of address; one that could not be looked up leaves what the other has given. */
static void look_up_addresses(struct builder *b, struct host *host)
{
    static const struct {
        enum dns_type type;
        uint8_t family;
    } kinds[] = { { DNS_A, 4 }, { DNS_AAAA, 6 } };
    for (size_t k = 0; k < 2; k++) {
        const struct event_dns *answer = ask(b, host->name, kinds[k].type);
        if (!answer)
            continue;
        if (answer->status == DNS_TEMP) {
            host->temporary = true;
            host->error = answer->error;
        }
        host->secure = host->secure && answer->secure;
        for (size_t i = 0; answer->status == DNS_OK && i < answer->count; i++)
            take_address(b, host, answer, i, kinds[k].family);
    }
}

/* ---- MX ---- */

struct mx_list {
    struct dns_mx items[DNS_RECORDS_MAX];
    size_t count;
    bool null_only;  /* A7 */
};

/* A dot beside other records is ignored, a name that is none or an IP address dropped (RFC 5321 5.1, RFC 7505). */
static void mx_read(const struct event_dns *answer, struct mx_list *list)
{
    list->count = 0;
    bool null = false, other = false;
    for (size_t i = 0; i < answer->count && i < DNS_RECORDS_MAX; i++) {
        struct dns_mx *mx = &list->items[list->count];
        uint8_t octets[16];
        if (dns_record_mx(answer->rdata[i], mx) != ERR_OK || ip_parse(dns_name_slice(&mx->host), octets) != 0)
            other = true;
        else if (mx->host.size == 0)
            null = true;
        else
            list->count++;
    }
    list->null_only = null && !other && list->count == 0;
}

/* By preference, equal ones in an order drawn from the seed: shuffled first, then sorted stably. */
static void mx_sort(struct mx_list *list, uint64_t seed)
{
    struct random_fast random;
    random_fast_init(&random, seed);
    for (size_t i = list->count; i > 1; i--) {
        size_t k = (size_t)random_fast_below(&random, i);
        struct dns_mx kept = list->items[i - 1];
        list->items[i - 1] = list->items[k];
        list->items[k] = kept;
    }
    for (size_t i = 1; i < list->count; i++) {
        struct dns_mx moved = list->items[i];
        size_t k = i;
        for (; k > 0 && list->items[k - 1].preference > moved.preference; k--)
            list->items[k] = list->items[k - 1];
        list->items[k] = moved;
    }
}

static bool hosts_have(const struct hosts *hosts, struct slice name)
{
    for (size_t i = 0; i < hosts->count; i++) {
        if (slice_equal(hosts->items[i].name, name))
            return true;
    }
    return false;
}

static struct host *hosts_add(struct hosts *hosts, struct slice name, uint16_t preference, bool secure)
{
    assert(hosts->count < ROUTE_MX_MAX);
    struct host *host = &hosts->items[hosts->count++];
    *host = (struct host){ .name = name, .preference = preference, .secure = secure };
    return host;
}

/* A name that is listed twice counts where it is more preferred. */
static void hosts_of_mx(const struct mx_list *list, bool secure, struct hosts *hosts)
{
    for (size_t i = 0; i < list->count && hosts->count < ROUTE_MX_MAX; i++) {
        struct slice name = dns_name_slice(&list->items[i].host);
        if (!hosts_have(hosts, name))
            hosts_add(hosts, name, list->items[i].preference, secure);
    }
}

/* ---- from hosts to candidates ---- */

/* A9: ourselves and all of equal or worse preference are dropped, for mail there would come back here. */
static void drop_ourselves(const struct builder *b, struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        if (slice_equal_nocase(hosts->items[i].name, b->question->config->server.name))
            hosts->items[i].ourselves = true;
    }
    for (size_t i = 0; i < hosts->count; i++) {
        if (!hosts->items[i].ourselves)
            continue;
        size_t k = i;
        while (k > 0 && hosts->items[k - 1].preference == hosts->items[i].preference)
            k--;
        hosts->count = k;
    }
}

/* IPv6 first, unless this machine is known to have no IPv6 address that others could be reached from. */
static bool v6_first(const struct route_question *q)
{
    for (size_t i = 0; i < q->own_address_count; i++) {
        const struct ip_address *a = &q->own_addresses[i];
        if (a->family == 6 && !is_loopback(a) && !(a->octets[0] == 0xfe && (a->octets[1] & 0xc0) == 0x80))
            return true;
    }
    return q->own_address_count == 0;
}

/* A10a: in each round one address of each family of each host, so that later hosts and both families are covered before
 * further addresses of the same host. What failed already stands at its host's place. */
static void add_hosts(struct builder *b, const struct hosts *hosts)
{
    bool six = v6_first(b->question);
    size_t known = 0, added = 0;
    uint8_t first = b->host_number;
    for (uint8_t round = 0; round < ROUTE_ADDRESSES_MAX; round++) {
        for (size_t i = 0; i < hosts->count; i++) {
            const struct host *host = &hosts->items[i];
            b->host_number = (uint8_t)(first + i);
            bool none = host->v4_count == 0 && host->v6_count == 0;
            if (round == 0 && none && known++ < KNOWN_MAX)
                add_known(b, host->name, host->preference,
                          host->temporary ? OUTCOME_CAUSE_DNS_TEMP : OUTCOME_CAUSE_DNS_NODATA, host->error);
            for (int k = 0; k < 2; k++) {
                bool v6 = (k == 0) == six;
                if (added < ROUTE_ADDRESSES_MAX && round < (v6 ? host->v6_count : host->v4_count)) {
                    add_address(b, host, v6 ? &host->v6[round] : &host->v4[round]);
                    added++;
                }
            }
        }
    }
    b->host_number = (uint8_t)(first + hosts->count);
}

/* A8: no host has an address. One lookup that failed makes all of it temporary (A4). */
static void add_without_address(struct builder *b, const struct hosts *hosts, struct slice domain)
{
    for (size_t i = 0; i < hosts->count; i++) {
        if (hosts->items[i].temporary) {
            add_known(b, hosts->items[i].name, hosts->items[i].preference, OUTCOME_CAUSE_DNS_TEMP, hosts->items[i].error);
            return;
        }
    }
    add_known(b, hosts->count > 0 ? hosts->items[0].name : domain, 0, OUTCOME_CAUSE_DNS_NODATA, SLICE_EMPTY);
}

static void finish_hosts(struct builder *b, struct hosts *hosts, struct slice domain)
{
    for (size_t i = 0; i < hosts->count; i++)
        look_up_addresses(b, &hosts->items[i]);
    if (b->pending)
        return;
    size_t before = hosts->count;
    drop_ourselves(b, hosts);
    bool any = false;
    for (size_t i = 0; i < hosts->count; i++)
        any = any || hosts->items[i].v4_count > 0 || hosts->items[i].v6_count > 0;
    if (any) {
        add_hosts(b, hosts);
        return;
    }
    if (hosts->count == 0 && before > 0)
        add_known(b, domain, 0, OUTCOME_CAUSE_OURSELVES, SLICE_EMPTY);
    else
        add_without_address(b, hosts, domain);
    b->host_number++;
}

/* ---- a name: MX, then addresses ---- */

/* A4, A5: addresses are asked for only when there is authoritatively no MX. A name that does not exist has none either, but
 * the smart host's may stand in /etc/hosts, which the lookup of addresses knows. */
static void add_name(struct builder *b, struct slice name, bool with_mx)
{
    struct mx_list list = { .count = 0 };
    struct hosts hosts = { .count = 0 };
    bool secure = true;
    const struct event_dns *answer = with_mx ? ask(b, name, DNS_MX) : NULL;
    if (with_mx && !answer)
        return;
    if (answer && answer->status == DNS_TEMP) {
        add_known(b, name, 0, OUTCOME_CAUSE_DNS_TEMP, answer->error);
        b->host_number++;
        return;
    }
    if (answer && answer->status == DNS_NXDOMAIN && b->kind == CANDIDATE_MX) {
        add_known(b, name, 0, OUTCOME_CAUSE_DNS_NXDOMAIN, SLICE_EMPTY);
        b->host_number++;
        return;
    }
    if (answer)
        secure = answer->secure;
    if (answer && answer->status == DNS_OK && answer->count > 0) {
        mx_read(answer, &list);
        if (list.null_only) {
            add_known(b, name, 0, OUTCOME_CAUSE_DNS_NULL_MX, SLICE_EMPTY);
            b->host_number++;
            return;
        }
        mx_sort(&list, b->question->shuffle);
        hosts_of_mx(&list, secure, &hosts);
    } else {
        hosts_add(&hosts, name, 0, secure);
    }
    finish_hosts(b, &hosts, name);
}

/* A39: the address itself, no lookup. */
static bool literal_address(struct slice domain, struct ip_address *ret_address)
{
    if (domain.size < 2 || domain.data[0] != '[' || domain.data[domain.size - 1] != ']')
        return false;
    struct slice text = slice_part(domain, 1, domain.size - 2);
    if (slice_starts_with_nocase(text, SLICE("IPv6:")))
        text = slice_after(text, 5);
    struct ip_address address = { 0 };
    address.family = (uint8_t)ip_parse(text, address.octets);
    if (address.family == 0)
        return false;
    *ret_address = address;
    return true;
}

static void add_one_address(struct builder *b, struct slice host, struct ip_address address)
{
    address.port = b->port;
    if (is_ourselves(b, &address))
        add_known(b, host, 0, OUTCOME_CAUSE_OURSELVES, SLICE_EMPTY);
    else
        add_candidate(b, host, 0)->address = address;
    b->host_number++;
}

static void add_direct(struct builder *b)
{
    b->kind = CANDIDATE_MX;
    b->port = (uint16_t)b->question->config->outbound.port;
    struct slice domain = b->question->domain;
    struct ip_address address;
    if (literal_address(domain, &address))
        add_one_address(b, domain, address);
    else
        add_name(b, domain, true);
}

/* A34: MX only for a bare name, and then only where nothing is sent that belongs to that name. */
static void add_smarthost(struct builder *b)
{
    const struct config *config = b->question->config;
    const struct config_server_place *place = &config->delivery.smarthost;
    b->kind = CANDIDATE_SMARTHOST;
    b->port = place->port != 0 ? place->port : config_smarthost_port(config);
    struct ip_address address = { .family = place->family };
    switch (place->form) {
    case SERVER_NONE:
        add_known(b, place->host, 0, OUTCOME_CAUSE_DNS_NODATA, SLICE_EMPTY);
        b->host_number++;
        break;
    case SERVER_ADDRESS:
        memcpy(address.octets, place->ip, sizeof(address.octets));
        add_one_address(b, place->host, address);
        break;
    case SERVER_LITERAL_NAME:
        add_name(b, place->host, false);
        break;
    case SERVER_NAME:
        add_name(b, place->host, place->port == 0 && !place->implicit_tls && !config_smarthost_login(config));
        break;
    }
}

/* ---- all together ---- */

enum smarthost_part { SMARTHOST_NONE, SMARTHOST_LATER, SMARTHOST_NOW };

static bool build(const struct route_question *question, bool direct, enum smarthost_part smarthost, struct route *ret_route)
{
    ret_route->count = 0;
    struct builder b = { .question = question, .route = ret_route };
    if (direct)
        add_direct(&b);
    if (smarthost == SMARTHOST_NOW)
        add_smarthost(&b);
    if (smarthost == SMARTHOST_LATER) {
        b.kind = CANDIDATE_SMARTHOST;
        add_candidate(&b, SLICE_EMPTY, 0);
    }
    assert(b.pending || ret_route->count > 0);
    return !b.pending;
}

bool route_build(const struct route_question *question, struct route *ret_route)
{
    enum config_mode mode = question->config->delivery.mode;
    return build(question, mode != MODE_SMARTHOST, mode != MODE_DIRECT ? SMARTHOST_NOW : SMARTHOST_NONE, ret_route);
}

bool route_build_direct(const struct route_question *question, struct route *ret_route)
{
    enum config_mode mode = question->config->delivery.mode;
    return build(question, mode != MODE_SMARTHOST, mode != MODE_DIRECT ? SMARTHOST_LATER : SMARTHOST_NONE, ret_route);
}

bool route_build_smarthost(const struct route_question *question, struct route *ret_route)
{
    return build(question, false, SMARTHOST_NOW, ret_route);
}
