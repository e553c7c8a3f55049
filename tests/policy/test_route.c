/* Routes: a zone as text, a domain, and the ordered candidates. The lookup is the table; a name that the zone does not have
 * is NXDOMAIN, a type that a name does not have NODATA. */
#include "page.h"

#include <stdio.h>
#include <string.h>

#include "policy/route.h"
#include "proto/dns_record.h"
#include "proto/ip.h"

enum { ASKED_MAX = 64, RECORDS_MAX = 64, ADDRESSES_MAX = 4 };

/* ---- the name server ---- */

struct zone {
    struct slice text;   /* lines "name TYPE data"; data "servfail", or "later": no answer yet */
    bool later_known;    /* the second round: "later" is answered by what stands behind it */
    struct arena arena;
    struct slice asked[ASKED_MAX];
    size_t asked_count;
};

static const char *type_name(enum dns_type type)
{
    return type == DNS_MX ? "MX" : type == DNS_A ? "A" : type == DNS_AAAA ? "AAAA" : "other";
}

static struct slice rdata_of(struct zone *zone, enum dns_type type, struct slice data)
{
    struct buffer out;
    buffer_init(&out, 512);
    uint8_t octets[16] = { 0 };
    uint64_t preference;
    if (type == DNS_MX && slice_starts_with(data, SLICE("wrong"))) {
        buffer_add(&out, SLICE("\0\12\4m/..")); /* a label that is no host name's, and cut short */
    } else if (type == DNS_MX) {
        assert_true(slice_to_u64(slice_split(&data, ' '), 65535, &preference));
        assert_int_equal(dns_record_put_mx((uint16_t)preference, slice_equal(data, SLICE(".")) ? SLICE_EMPTY : data, &out), ERR_OK);
    } else {
        int family = ip_parse(data, octets);
        assert_int_equal(family, type == DNS_A ? 4 : 6);
        buffer_add(&out, slice(octets, family == 4 ? 4 : 16));
    }
    struct slice copy = arena_copy(&zone->arena, buffer_slice(&out));
    buffer_done(&out);
    return copy;
}

static const struct event_dns *zone_lookup(void *context, struct slice name, enum dns_type type)
{
    struct zone *zone = context;
    struct event_dns *answer = arena_new(&zone->arena, struct event_dns);
    struct slice *rdata = arena_array(&zone->arena, struct slice, RECORDS_MAX);
    *answer = (struct event_dns){ .status = DNS_NXDOMAIN, .secure = true, .rdata = rdata };
    assert_true(zone->asked_count < ASKED_MAX);
    zone->asked[zone->asked_count++] = arena_copy(&zone->arena, name);
    struct slice rest = zone->text;
    while (rest.size > 0) {
        struct slice line = slice_split(&rest, '\n');
        if (!slice_equal(slice_split(&line, ' '), name))
            continue;
        if (answer->status == DNS_NXDOMAIN)
            answer->status = DNS_NODATA;
        if (!slice_equal(slice_split(&line, ' '), slice_of(type_name(type))))
            continue;
        if (slice_starts_with(line, SLICE("later "))) {
            if (!zone->later_known)
                return NULL;
            line = slice_after(line, 6);
        }
        if (slice_equal(line, SLICE("servfail"))) {
            answer->status = DNS_TEMP;
            answer->error = SLICE("SERVFAIL");
            return answer;
        }
        if (slice_starts_with(line, SLICE("insecure "))) {
            answer->secure = false;
            line = slice_after(line, 9);
        }
        assert_true(answer->count < RECORDS_MAX);
        rdata[answer->count++] = rdata_of(zone, type, line);
        answer->status = DNS_OK;
    }
    return answer;
}

/* ---- one route, in words ---- */

static void write_candidate(const struct candidate *c, struct buffer *out)
{
    char text[IP_TEXT_SIZE];
    buffer_add_format(out, "%s%u %.*s %u ", c->kind == CANDIDATE_MX ? "mx" : "sh", c->host_number, SLICE_ARG(c->host),
                      c->preference);
    if (c->known) {
        assert_int_equal(c->address.family, 0);
        assert_int_equal(c->known->stage, STAGE_DNS);
        buffer_add_format(out, "%s %s\n", outcome_class_name(c->known->class), outcome_cause_name(c->known->cause));
        return;
    }
    buffer_add(out, ip_format(c->address.family, c->address.octets, text));
    buffer_add_format(out, " %u%s\n", c->address.port, c->secure ? "" : " insecure");
}

struct row {
    const char *delivery;  /* lines of the configuration */
    const char *own;       /* addresses of this machine */
    const char *domain;
    const char *zone;
    const char *route;
};

struct asker {
    struct config *config;
    struct zone zone;
    struct ip_address own[ADDRESSES_MAX];
    struct route_question question;
};

static void asker_init(struct asker *a, const struct row *row)
{
    *a = (struct asker){ .config = page_config(row->delivery) };
    a->zone.text = slice_of(row->zone);
    arena_init(&a->zone.arena);
    struct slice rest = slice_of(row->own);
    size_t count = 0;
    while (rest.size > 0) {
        assert_true(count < ADDRESSES_MAX);
        a->own[count].family = (uint8_t)ip_parse(slice_split(&rest, ' '), a->own[count].octets);
        assert_int_not_equal(a->own[count++].family, 0);
    }
    a->question = (struct route_question){
        .config = a->config, .domain = slice_of(row->domain), .own_addresses = a->own, .own_address_count = count,
        .shuffle = 7, .arena = &a->zone.arena, .lookup = zone_lookup, .context = &a->zone,
    };
}

static void asker_done(struct asker *a)
{
    arena_done(&a->zone.arena);
    config_free(a->config);
}

static void expect(const struct row *row)
{
    struct asker a;
    asker_init(&a, row);
    struct route route;
    assert_true(route_build(&a.question, &route));
    struct buffer out;
    buffer_init(&out, 8192);
    for (uint8_t i = 0; i < route.count; i++)
        write_candidate(&route.candidates[i], &out);
    if (!slice_equal(buffer_slice(&out), slice_of(row->route)))
        fail_msg("%s\n%s\nexpected:\n%sgot:\n%.*s", row->domain, row->zone, row->route, SLICE_ARG(buffer_slice(&out)));
    buffer_done(&out);
    asker_done(&a);
}

#define EXPECT(rows)                                                     \
    for (size_t row_ = 0; row_ < sizeof(rows) / sizeof((rows)[0]); row_++) \
    expect(&(rows)[row_])

#define DIRECT "[Delivery]\nMode = direct\n"
#define BOTH "[Delivery]\nMode = direct-then-smarthost\n"
#define RELAY "[Delivery]\nMode = smarthost\n"

/* ---- direct: MX, implicit MX, what DNS refuses ---- */

static void test_mx(void **state)
{
    static const struct row rows[] = {
        { DIRECT, "", "d.example", "d.example MX 20 b.example\nd.example MX 10 a.example\na.example A 192.0.2.1\n"
                                   "b.example A 192.0.2.2\n",
          "mx0 a.example 10 192.0.2.1 25\nmx1 b.example 20 192.0.2.2 25\n" },
        /* implicit MX, of both families (A6) */
        { DIRECT, "", "d.example", "d.example A 192.0.2.1\n", "mx0 d.example 0 192.0.2.1 25\n" },
        { DIRECT, "", "d.example", "d.example AAAA 2001:db8::1\n", "mx0 d.example 0 2001:db8::1 25\n" },
        /* A5: nothing, and no such name */
        { DIRECT, "", "d.example", "d.example TXT x\n", "mx0 d.example 0 perm dns-nodata\n" },
        { DIRECT, "", "d.example", "", "mx0 d.example 0 perm dns-nxdomain\n" },
        /* A4: the address is never tried after a failed MX lookup */
        { DIRECT, "", "d.example", "d.example MX servfail\nd.example A 192.0.2.1\n", "mx0 d.example 0 temp dns-temp\n" },
        { DIRECT, "", "d.example", "d.example A servfail\nd.example TXT x\n", "mx0 d.example 0 temp dns-temp\n" },
        { DIRECT, "", "d.example", "d.example A servfail\nd.example AAAA 2001:db8::1\n", "mx0 d.example 0 2001:db8::1 25\n" },
        /* A7 */
        { DIRECT, "", "d.example", "d.example MX 0 .\nd.example A 192.0.2.1\n", "mx0 d.example 0 perm dns-null-mx\n" },
        { DIRECT, "", "d.example", "d.example MX 0 .\nd.example MX 10 a.example\na.example A 192.0.2.1\n",
          "mx0 a.example 10 192.0.2.1 25\n" },
        { DIRECT, "", "d.example", "d.example MX 0 .\nd.example MX wrong\n", "mx0 d.example 0 perm dns-nodata\n" },
        /* A8 */
        { DIRECT, "", "d.example", "d.example MX 10 a.example\nd.example MX 20 b.example\n", "mx0 a.example 0 perm dns-nodata\n" },
        { DIRECT, "", "d.example", "d.example MX 10 a.example\nd.example MX 20 b.example\nb.example A servfail\n",
          "mx0 b.example 20 temp dns-temp\n" },
        { DIRECT, "", "d.example", "d.example MX 10 a.example\nd.example MX 20 b.example\nb.example A 192.0.2.2\n",
          "mx0 a.example 10 perm dns-nodata\nmx1 b.example 20 192.0.2.2 25\n" },
        { DIRECT, "", "d.example", "d.example MX 10 a.example\nd.example MX 20 b.example\na.example A servfail\nb.example A 192.0.2.2\n",
          "mx0 a.example 10 temp dns-temp\nmx1 b.example 20 192.0.2.2 25\n" },
        /* names that are none */
        { DIRECT, "", "d.example", "d.example MX 5 192.0.2.7\nd.example MX wrong\nd.example MX 10 a.example\na.example A 192.0.2.1\n",
          "mx0 a.example 10 192.0.2.1 25\n" },
        { DIRECT, "", "d.example", "d.example MX 5 192.0.2.7\nd.example A 192.0.2.1\n", "mx0 d.example 0 perm dns-nodata\n" },
        /* a host listed twice */
        { DIRECT, "", "d.example", "d.example MX 30 a.example\nd.example MX 10 a.example\na.example A 192.0.2.1\n",
          "mx0 a.example 10 192.0.2.1 25\n" },
        /* whether all of it was validated */
        { DIRECT, "", "d.example", "d.example MX 10 a.example\na.example A insecure 192.0.2.1\n", "mx0 a.example 10 192.0.2.1 25 insecure\n" },
        { DIRECT, "", "d.example", "d.example MX insecure 10 a.example\na.example A 192.0.2.1\n", "mx0 a.example 10 192.0.2.1 25 insecure\n" },
        /* [Outbound] Port */
        { DIRECT "[Outbound]\nPort = 2526\n", "", "d.example", "d.example A 192.0.2.1\n", "mx0 d.example 0 192.0.2.1 2526\n" },
    };
    EXPECT(rows);
}

/* A10a: five addresses, first one of each family of each host. */
static void test_addresses(void **state)
{
    static const struct row rows[] = {
        { DIRECT, "", "d.example",
          "d.example MX 10 a.example\nd.example MX 20 b.example\n"
          "a.example A 192.0.2.1\na.example A 192.0.2.2\na.example AAAA 2001:db8::1\na.example AAAA 2001:db8::2\n"
          "b.example A 192.0.2.3\nb.example AAAA 2001:db8::3\n",
          "mx0 a.example 10 2001:db8::1 25\nmx0 a.example 10 192.0.2.1 25\nmx1 b.example 20 2001:db8::3 25\n"
          "mx1 b.example 20 192.0.2.3 25\nmx0 a.example 10 2001:db8::2 25\n" },
        { DIRECT, "", "d.example",
          "d.example A 192.0.2.1\nd.example A 192.0.2.2\nd.example A 192.0.2.3\nd.example A 192.0.2.4\n"
          "d.example A 192.0.2.5\nd.example A 192.0.2.6\nd.example A 192.0.2.7\n",
          "mx0 d.example 0 192.0.2.1 25\nmx0 d.example 0 192.0.2.2 25\nmx0 d.example 0 192.0.2.3 25\n"
          "mx0 d.example 0 192.0.2.4 25\nmx0 d.example 0 192.0.2.5 25\n" },
        { DIRECT, "", "d.example",
          "d.example MX 1 a.example\nd.example MX 2 b.example\nd.example MX 3 c.example\nd.example MX 4 d.example\n"
          "d.example MX 5 e.example\nd.example MX 6 f.example\na.example A 192.0.2.1\nb.example A 192.0.2.2\n"
          "c.example A 192.0.2.3\nd.example A 192.0.2.4\ne.example A 192.0.2.5\nf.example A 192.0.2.6\n",
          "mx0 a.example 1 192.0.2.1 25\nmx1 b.example 2 192.0.2.2 25\nmx2 c.example 3 192.0.2.3 25\n"
          "mx3 d.example 4 192.0.2.4 25\nmx4 e.example 5 192.0.2.5 25\n" },
        /* IPv4 first where this machine has no IPv6 address of its own */
        { DIRECT, "198.51.100.1 ::1 fe80::1", "d.example", "d.example A 192.0.2.1\nd.example AAAA 2001:db8::1\n",
          "mx0 d.example 0 192.0.2.1 25\nmx0 d.example 0 2001:db8::1 25\n" },
        { DIRECT, "198.51.100.1 2001:db8::99", "d.example", "d.example A 192.0.2.1\nd.example AAAA 2001:db8::1\n",
          "mx0 d.example 0 2001:db8::1 25\nmx0 d.example 0 192.0.2.1 25\n" },
        /* what failed stands at its host's place, four at most */
        { DIRECT, "", "d.example",
          "d.example MX 1 a.example\nd.example MX 2 b.example\nd.example MX 3 c.example\nd.example MX 4 e.example\n"
          "d.example MX 5 f.example\nd.example MX 6 g.example\ng.example A 192.0.2.1\n",
          "mx0 a.example 1 perm dns-nodata\nmx1 b.example 2 perm dns-nodata\nmx2 c.example 3 perm dns-nodata\n"
          "mx3 e.example 4 perm dns-nodata\nmx5 g.example 6 192.0.2.1 25\n" },
    };
    EXPECT(rows);
}

/* A9 among MX hosts. */
static void test_ourselves(void **state)
{
    static const struct row rows[] = {
        /* by name, by address, and all that is not more preferred */
        { DIRECT, "", "d.example",
          "d.example MX 10 a.example\nd.example MX 20 mta.example.org\nd.example MX 20 b.example\nd.example MX 30 c.example\n"
          "a.example A 192.0.2.1\nb.example A 192.0.2.2\nc.example A 192.0.2.3\nmta.example.org A 198.51.100.1\n",
          "mx0 a.example 10 192.0.2.1 25\n" },
        { DIRECT, "198.51.100.1", "d.example",
          "d.example MX 10 a.example\nd.example MX 20 b.example\na.example A 192.0.2.1\nb.example A 192.0.2.2\n"
          "b.example A 198.51.100.1\n",
          "mx0 a.example 10 192.0.2.1 25\n" },
        { DIRECT, "2001:db8::99", "d.example", "d.example MX 10 a.example\na.example A 192.0.2.1\na.example AAAA 2001:db8::99\n",
          "mx0 d.example 0 perm ourselves\n" },
        { DIRECT, "", "d.example", "d.example MX 10 mta.example.org\n", "mx0 d.example 0 perm ourselves\n" },
        { DIRECT, "", "mta.example.org", "mta.example.org A 192.0.2.1\n", "mx0 mta.example.org 0 perm ourselves\n" },
        /* the loopback and the unspecified addresses */
        { DIRECT, "", "d.example", "d.example A 127.9.8.7\n", "mx0 d.example 0 perm ourselves\n" },
        { DIRECT, "", "d.example", "d.example A 0.0.0.0\n", "mx0 d.example 0 perm ourselves\n" },
        { DIRECT, "", "d.example", "d.example AAAA ::1\n", "mx0 d.example 0 perm ourselves\n" },
        { DIRECT, "", "d.example", "d.example AAAA ::\n", "mx0 d.example 0 perm ourselves\n" },
        { DIRECT, "", "d.example", "d.example AAAA ::ffff:127.0.0.1\n", "mx0 d.example 0 perm ourselves\n" },
        { DIRECT, "198.51.100.1", "d.example", "d.example AAAA ::ffff:198.51.100.1\n", "mx0 d.example 0 perm ourselves\n" },
        { DIRECT "[Outbound]\nAllowLoopbackMx = yes\nPort = 2526\n", "127.0.0.1 ::1", "d.example",
          "d.example A 127.0.0.2\nd.example AAAA ::1\n", "mx0 d.example 0 127.0.0.2 2526\nmx0 d.example 0 ::1 2526\n" },
        { DIRECT "[Outbound]\nAllowLoopbackMx = yes\n", "198.51.100.1", "d.example", "d.example A 198.51.100.1\n",
          "mx0 d.example 0 perm ourselves\n" },
        /* in front of us stands a host whose lookup fails: nothing is decided yet */
        { DIRECT, "", "d.example", "d.example MX 10 a.example\nd.example MX 20 mta.example.org\na.example A servfail\n",
          "mx0 a.example 10 temp dns-temp\n" },
    };
    EXPECT(rows);
}

/* A39. */
static void test_literal(void **state)
{
    static const struct row rows[] = {
        { DIRECT, "", "[192.0.2.1]", "", "mx0 [192.0.2.1] 0 192.0.2.1 25 insecure\n" },
        { DIRECT, "", "[IPv6:2001:db8::1]", "", "mx0 [IPv6:2001:db8::1] 0 2001:db8::1 25 insecure\n" },
        { DIRECT, "", "[127.0.0.1]", "", "mx0 [127.0.0.1] 0 perm ourselves\n" },
        { DIRECT, "192.0.2.1", "[192.0.2.1]", "", "mx0 [192.0.2.1] 0 perm ourselves\n" },
        { DIRECT "[Outbound]\nAllowLoopbackMx = yes\nPort = 2526\n", "127.0.0.1", "[127.0.0.1]", "",
          "mx0 [127.0.0.1] 0 127.0.0.1 2526 insecure\n" },
        { BOTH "SmartHost = [relay.example]\n", "", "[192.0.2.1]", "relay.example A 192.0.2.9\n",
          "mx0 [192.0.2.1] 0 192.0.2.1 25 insecure\nsh1 relay.example 0 192.0.2.9 25\n" },
        { RELAY "SmartHost = [relay.example]\n", "", "", "relay.example A 192.0.2.9\n", "sh0 relay.example 0 192.0.2.9 25\n" },
    };
    EXPECT(rows);
}

/* ---- the smart host: A34, A35, A9 ---- */

#define LOGIN "SmartHostAuth = yes\nSmartHostUser = us\nSmartHostPassword = secret\n"
#define RELAY_ZONE                                                                                     \
    "relay.example MX 10 m.relay.example\nrelay.example A 192.0.2.9\nm.relay.example A 192.0.2.10\n" \
    "m.relay.example AAAA 2001:db8::10\n"

static void test_smarthost(void **state)
{
    static const struct row rows[] = {
        /* a bare name: MX, but the candidate keeps the configured name */
        { RELAY "SmartHost = relay.example\n", "", "", RELAY_ZONE,
          "sh0 relay.example 10 2001:db8::10 25\nsh0 relay.example 10 192.0.2.10 25\n" },
        { RELAY "SmartHost = relay.example\n", "", "", "relay.example A 192.0.2.9\n", "sh0 relay.example 0 192.0.2.9 25\n" },
        /* addresses only with a port, a login, an account's login, brackets, implicit TLS */
        { RELAY "SmartHost = relay.example:2525\n", "", "", RELAY_ZONE, "sh0 relay.example 0 192.0.2.9 2525\n" },
        { RELAY "SmartHost = relay.example\n" LOGIN, "", "", RELAY_ZONE, "sh0 relay.example 0 192.0.2.9 587\n" },
        { RELAY "SmartHost = relay.example\nPerAccountAuth = yes\n", "", "", RELAY_ZONE, "sh0 relay.example 0 192.0.2.9 587\n" },
        { RELAY "SmartHost = [relay.example]\n", "", "", RELAY_ZONE, "sh0 relay.example 0 192.0.2.9 25\n" },
        { RELAY "SmartHost = [relay.example]:26\n", "", "", RELAY_ZONE, "sh0 relay.example 0 192.0.2.9 26\n" },
        { RELAY "SmartHost = smtps://relay.example\n", "", "", RELAY_ZONE, "sh0 relay.example 0 192.0.2.9 465\n" },
        { RELAY "SmartHost = relay.example:465\n", "", "", RELAY_ZONE, "sh0 relay.example 0 192.0.2.9 465\n" },
        { RELAY "SmartHost = 192.0.2.9\n", "", "", "", "sh0 192.0.2.9 0 192.0.2.9 25 insecure\n" },
        { RELAY "SmartHost = 192.0.2.9:2525\n", "", "", "", "sh0 192.0.2.9 0 192.0.2.9 2525 insecure\n" },
        { RELAY "SmartHost = [2001:db8::9]:26\n", "", "", "", "sh0 2001:db8::9 0 2001:db8::9 26 insecure\n" },
        /* A35: temporary, whatever it is */
        { RELAY "SmartHost = relay.example:25\n", "", "", "", "sh0 relay.example 0 temp dns-nodata\n" },
        { RELAY "SmartHost = relay.example\n", "", "", "", "sh0 relay.example 0 temp dns-nodata\n" },
        { RELAY "SmartHost = relay.example\n", "", "", "relay.example MX servfail\nrelay.example A 192.0.2.9\n",
          "sh0 relay.example 0 temp dns-temp\n" },
        { RELAY "SmartHost = relay.example:25\n", "", "", "relay.example A servfail\n", "sh0 relay.example 0 temp dns-temp\n" },
        { RELAY "SmartHost = relay.example\n", "", "", "relay.example MX 0 .\n", "sh0 relay.example 0 temp dns-null-mx\n" },
        /* A9: another server on this machine is fine, on a port that we listen on it is ourselves */
        { RELAY "SmartHost = relay.example:2525\n", "198.51.100.1", "", "relay.example A 198.51.100.1\n",
          "sh0 relay.example 0 198.51.100.1 2525\n" },
        { RELAY "SmartHost = relay.example:2525\n[Listen]\nRelay = 0.0.0.0:2525\n", "198.51.100.1", "",
          "relay.example A 198.51.100.1\n", "sh0 relay.example 0 temp ourselves\n" },
        { RELAY "SmartHost = relay.example:2587\n[Listen]\nSubmission = 127.0.0.1:2587\n", "", "", "relay.example A 127.0.0.1\n",
          "sh0 relay.example 0 temp ourselves\n" },
        { RELAY "SmartHost = relay.example:2526\n[Listen]\nRelay = 127.0.0.1:2525\n", "127.0.0.1", "",
          "relay.example A 127.0.0.1\n", "sh0 relay.example 0 127.0.0.1 2526\n" },
    };
    EXPECT(rows);
}

/* The direct list first, then the smart host; host numbers run on. */
static void test_both(void **state)
{
    static const struct row rows[] = {
        { BOTH "SmartHost = relay.example:26\n", "", "d.example",
          RELAY_ZONE "d.example MX 10 a.example\nd.example MX 20 b.example\na.example A 192.0.2.1\nb.example A 192.0.2.2\n",
          "mx0 a.example 10 192.0.2.1 25\nmx1 b.example 20 192.0.2.2 25\nsh2 relay.example 0 192.0.2.9 26\n" },
        { BOTH "SmartHost = relay.example:26\n", "", "d.example", RELAY_ZONE,
          "mx0 d.example 0 perm dns-nxdomain\nsh1 relay.example 0 192.0.2.9 26\n" },
        { BOTH "SmartHost = relay.example:26\n", "", "d.example", "d.example A 192.0.2.1\n",
          "mx0 d.example 0 192.0.2.1 25\nsh1 relay.example 0 temp dns-nodata\n" },
    };
    EXPECT(rows);
    /* its part alone */
    struct asker a;
    struct route route;
    asker_init(&a, &rows[0]);
    assert_true(route_build_smarthost(&a.question, &route));
    assert_int_equal(route.count, 1);
    assert_int_equal(route.candidates[0].kind, CANDIDATE_SMARTHOST);
    assert_int_equal(route.candidates[0].host_number, 0);
    asker_done(&a);
}

/* ---- lookups that are under way ---- */

static bool was_asked(const struct zone *zone, const char *name)
{
    for (size_t i = 0; i < zone->asked_count; i++) {
        if (slice_equal(zone->asked[i], slice_of(name)))
            return true;
    }
    return false;
}

static void test_unanswered(void **state)
{
    static const struct row row = {
        BOTH "SmartHost = relay.example:26\n", "", "d.example",
        "d.example MX 10 a.example\nd.example MX 20 b.example\nd.example MX 30 c.example\na.example A later 192.0.2.1\n"
        "b.example A 192.0.2.2\nc.example AAAA later 2001:db8::3\nrelay.example A later 192.0.2.9\n", ""
    };
    struct asker a;
    struct route route;
    asker_init(&a, &row);
    assert_false(route_build(&a.question, &route));
    assert_true(was_asked(&a.zone, "a.example") && was_asked(&a.zone, "b.example") && was_asked(&a.zone, "c.example"));
    assert_true(was_asked(&a.zone, "relay.example"));
    a.zone.asked_count = 0;
    assert_false(route_build_direct(&a.question, &route));
    assert_false(was_asked(&a.zone, "relay.example"));
    a.zone.later_known = true;
    a.zone.asked_count = 0;
    assert_true(route_build(&a.question, &route));
    assert_int_equal(route.count, 4);
    a.zone.asked_count = 0;
    assert_true(route_build_direct(&a.question, &route));
    assert_int_equal(route.count, 4);
    assert_int_equal(route.candidates[3].kind, CANDIDATE_SMARTHOST);
    assert_int_equal(route.candidates[3].address.family, 0);
    assert_true(slice_equal(route.candidates[3].host, SLICE("relay.example")) && !route.candidates[3].known);
    assert_true(route.candidates[3].host_number > route.candidates[2].host_number);
    assert_false(was_asked(&a.zone, "relay.example"));
    asker_done(&a);

    /* The MX lookup comes first and alone; the smart host's goes beside it. */
    static const struct row first = { BOTH "SmartHost = relay.example:26\n", "", "d.example",
                                      "d.example MX later 10 a.example\nd.example A 192.0.2.1\na.example A 192.0.2.2\n"
                                      "relay.example A 192.0.2.9\n", "" };
    asker_init(&a, &first);
    assert_false(route_build(&a.question, &route));
    assert_false(was_asked(&a.zone, "a.example"));
    assert_true(was_asked(&a.zone, "relay.example"));
    asker_done(&a);
}

/* ---- equal preferences ---- */

static void test_shuffle(void **state)
{
    static const struct row row = { DIRECT, "", "d.example",
                                    "d.example MX 10 a.example\nd.example MX 10 b.example\nd.example MX 5 z.example\n"
                                    "a.example A 192.0.2.1\nb.example A 192.0.2.2\nz.example A 192.0.2.3\n", "" };
    unsigned a_first = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct asker a;
        struct route route, again;
        asker_init(&a, &row);
        a.question.shuffle = seed;
        assert_true(route_build(&a.question, &route));
        a.zone.asked_count = 0;
        assert_true(route_build(&a.question, &again));
        assert_int_equal(route.count, 3);
        assert_true(slice_equal(route.candidates[0].host, SLICE("z.example")));
        for (int i = 0; i < 3; i++)
            assert_true(slice_equal(route.candidates[i].host, again.candidates[i].host));
        a_first += slice_equal(route.candidates[1].host, SLICE("a.example"));
        asker_done(&a);
    }
    assert_in_range(a_first, 60, 140);
}

/* As many records as an answer may have, and more hosts than are looked at. */
static void test_bounds(void **state)
{
    struct buffer zone;
    buffer_init(&zone, 64 << 10);
    for (int i = 0; i < RECORDS_MAX; i++)
        buffer_add_format(&zone, "d.example MX %d h%02d.example\nh%02d.example A 192.0.2.%d\nh%02d.example AAAA 2001:db8::%d\n", i,
                          i, i, i + 1, i, i + 1);
    buffer_add_char(&zone, '\0');
    struct row row = { DIRECT, "", "d.example", zone.data,
                       "mx0 h00.example 0 2001:db8::1 25\nmx0 h00.example 0 192.0.2.1 25\nmx1 h01.example 1 2001:db8::2 25\n"
                       "mx1 h01.example 1 192.0.2.2 25\nmx2 h02.example 2 2001:db8::3 25\n" };
    expect(&row);
    buffer_done(&zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mx),        cmocka_unit_test(test_addresses), cmocka_unit_test(test_ourselves),
        cmocka_unit_test(test_literal),   cmocka_unit_test(test_smarthost), cmocka_unit_test(test_both),
        cmocka_unit_test(test_unanswered), cmocka_unit_test(test_shuffle),  cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
