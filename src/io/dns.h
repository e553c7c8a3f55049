/* Names: libunbound in its own thread, asked only for what the engine's resolver does not know.
 *
 * dns_descriptor becomes readable when answers have come; dns_process then calls `answer` for each, on the caller's
 * thread. DNSSEC is validated where the resolvers pass it on; at the start that is probed once with the trust anchor:
 * a resolver that strips signatures or knows its own zones only would make every name bogus, so validation is then switched
 * off and said so. Other resolvers (dns_configure) are probed anew; what is open is asked again of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "border/op.h"

struct dns;

enum dns_validation {
    DNS_VALIDATION_PROBING,
    DNS_VALIDATION_ON,
    DNS_VALIDATION_OFF,         /* no trust anchor is there */
    DNS_VALIDATION_UNAVAILABLE, /* the resolvers strip DNSSEC: an alert */
};

struct dns_resolvers {
    const struct slice *servers; /* "192.0.2.1@53"; none: the system's resolvers */
    size_t server_count;
    struct slice anchor_file;    /* empty: Debian's dns-root-data when it is there */
};

struct dns_options {
    struct dns_resolvers resolvers; /* copied */
    void (*answer)(void *context, struct handle handle, const struct event_dns *answer);
    void (*validation)(void *context, enum dns_validation validation);
    void *context;
};

enum err dns_new(const struct dns_options *options, struct dns **ret_dns);
void dns_free(struct dns *dns); /* unanswered lookups are never answered */
/* Changes when `validation` reports DNS_VALIDATION_UNAVAILABLE and with dns_configure. */
int dns_descriptor(const struct dns *dns);
enum err dns_configure(struct dns *dns, const struct dns_resolvers *resolvers); /* on failure those before stay */
void dns_process(struct dns *dns);
/* A lookup; `answer` comes later, never from here. The driver limits the time: dns_expire. */
void dns_ask(struct dns *dns, struct handle handle, const struct op_dns *op, int64_t deadline_us);
/* Answers DNS_TEMP to all whose deadline has passed; returns the next deadline or DEADLINE_NEVER. */
int64_t dns_expire(struct dns *dns, int64_t monotonic_us);
