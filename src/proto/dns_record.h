/* RDATA of DNS answers, in wire format and uncompressed (as libunbound gives it), into values; and back, for name
 * servers made in tests. RFC 1035 3.3, 3596, 6698. Every bound is checked (S15: MX data of 0 to 3 octets; S28: labels
 * with "/.."), what is left over behind a record is wrong too. ERR_SYNTAX for all of that. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
    DNS_NAME_SIZE_MAX = 253,   /* as text, without the dot at the end */
    DNS_LABEL_SIZE_MAX = 63,
    DNS_TXT_SIZE_MAX = 8 << 10,
    DNS_TLSA_SIZE_MAX = 64 << 10,
};

/* A host name: letters in lower case, digits, hyphens, underscores; anything else in a label is refused. The root is "". */
struct dns_name {
    uint8_t size;
    char text[DNS_NAME_SIZE_MAX];
};

static inline struct slice dns_name_slice(const struct dns_name *name)
{
    return (struct slice){ name->text, name->size };
}

struct dns_mx {
    uint16_t preference;
    struct dns_name host; /* "" : "." (RFC 7505 when it is the only one) */
};

struct dns_tlsa {
    uint8_t usage, selector, matching;
    struct slice data; /* part of the RDATA */
};

enum err dns_record_a(struct slice rdata, uint8_t ret_address[static 4]);
enum err dns_record_aaaa(struct slice rdata, uint8_t ret_address[static 16]);
enum err dns_record_mx(struct slice rdata, struct dns_mx *ret_mx);
enum err dns_record_name(struct slice rdata, struct dns_name *ret_name); /* CNAME, PTR */
/* All strings of the record, one after the other, appended to out. ERR_TOO_LARGE: over DNS_TXT_SIZE_MAX. */
enum err dns_record_txt(struct slice rdata, struct buffer *out);
/* Usage, selector and matching type are as given, known or not; empty data is wrong. */
enum err dns_record_tlsa(struct slice rdata, struct dns_tlsa *ret_tlsa);

/* ERR_SYNTAX: not a name that dns_record_name would give. Nothing is added then. */
enum err dns_record_put_name(struct slice name, struct buffer *out);
enum err dns_record_put_mx(uint16_t preference, struct slice host, struct buffer *out);
enum err dns_record_put_txt(struct slice text, struct buffer *out); /* cut into strings of 255 octets */
