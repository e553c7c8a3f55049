/* route: from the configuration and the name server's answers to the ordered list of candidates (section 2 of
 * docs/DELIVERY.md, A1 to A10a, A34, A35, A39). Pure: lookups are asked of the caller, who has the answer or not yet.
 *
 * What failed already in DNS stands in the list as a candidate with its outcome known, so that the verdict sees one list:
 * a domain without records, an MX host whose address cannot be looked up, ourselves among the MX hosts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "border/op.h"
#include "config/config.h"
#include "proto/outcome.h"

enum {
    ROUTE_ADDRESSES_MAX = 5,    /* A10a, of the direct hosts; as many of the smart host */
    ROUTE_CANDIDATES_MAX = 24,
    ROUTE_MX_MAX = 16,          /* hosts looked at, the most preferred */
};

enum candidate_kind { CANDIDATE_MX, CANDIDATE_SMARTHOST };

struct candidate {
    enum candidate_kind kind;
    uint8_t host_number;        /* addresses of one host share it; counts from 0 over both kinds */
    struct slice host;          /* lower-case A-labels, or a literal with its brackets; the smart host: its configured name (or
                                 * numeric address), whatever MX host stands behind it (A34); in the arena */
    struct slice domain;        /* direct: the recipient's domain; smart host: "" */
    struct ip_address address;  /* with the port; family 0 when `known` says why there is none, or nobody looked (route_build_direct) */
    uint16_t preference;
    bool secure;                /* every lookup that led here was validated (DANE, later) */
    const struct outcome *known; /* failed before connecting; in the arena */
};

struct route {
    struct candidate candidates[ROUTE_CANDIDATES_MAX];
    uint8_t count;
};

struct route_question {
    const struct config *config;
    struct slice domain;        /* of the recipients: lower-case A-labels, or an address literal; "" in mode smarthost */
    const struct ip_address *own_addresses; /* this machine's (A9) */
    size_t own_address_count;
    uint64_t shuffle;           /* random: the order of equal preferences */
    struct arena *arena;
    /* The answer, or NULL: it is being looked up. The name has no dot at the end. Valid until route_build returns. */
    const struct event_dns *(*lookup)(void *context, struct slice name, enum dns_type type);
    void *context;
};

/* The whole list of the mode: in direct-then-smarthost the smart host stands behind the direct hosts.
 * false: some lookup is under way; ask again when it is answered (all that can be asked at once has been asked). */
bool route_build(const struct route_question *question, struct route *ret_route);
/* The same for an attempt: the smart host stands behind the direct hosts as one candidate without an address, so that its lookup
 * delays no direct attempt; whoever comes to it asks route_build_smarthost then. */
bool route_build_direct(const struct route_question *question, struct route *ret_route);
/* Only the smart host's part: where several domains meet there (A22), and for tests of the relay. */
bool route_build_smarthost(const struct route_question *question, struct route *ret_route);
/* A9 for one address of an MX host: ours, or the loopback unless AllowLoopbackMx. */
bool route_is_ourselves(const struct route_question *question, const struct ip_address *address);
