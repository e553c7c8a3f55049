/* Addresses: the only parser, for what is routed and for what is emitted (S19).
 *
 * RFC 5321 4.1.2 (Path, Mailbox) and 4.1.3 (address literals) to the letter, with RFC 6531's UTF-8 where the
 * transaction has SMTPUTF8. Source routes, general address literals, empty and dotless-label oddities, comments and
 * white space are refused. What was parsed is held in canonical form only: the local part quoted only where it must
 * be, the domain in lower case, an IPv6 literal in its shortest form. Emitting is copying that text; parsing the text
 * again gives the same value.
 *
 * An address is a plain value without pointers: it may be copied and kept. Slices that the accessors give point into
 * it. Lengths: RFC 5321 4.5.3.1 gives the sizes that everybody must take and asks for no limits above them; encoded
 * return paths (VERP, SRS) are longer than 64 octets every day, so the local part may have 255. A domain is bound by
 * DNS: 253 octets, 63 a label, also in its A-label form. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
    ADDRESS_LOCAL_SIZE_MAX = 255,  /* as written canonically, quotes included */
    ADDRESS_DOMAIN_SIZE_MAX = 255, /* as written, U-labels included, brackets of a literal included */
    ADDRESS_SIZE_MAX = ADDRESS_LOCAL_SIZE_MAX + 1 + ADDRESS_DOMAIN_SIZE_MAX,
    DOMAIN_KEY_SIZE_MAX = 253,     /* A-labels, no dot at the end */
};

enum address_kind {
    ADDRESS_NULL,       /* "<>", only in a reverse path */
    ADDRESS_POSTMASTER, /* "<Postmaster>" without a domain, only in a forward path; canonically "postmaster" */
    ADDRESS_MAILBOX,
};

enum address_host {
    ADDRESS_HOST_NONE, /* null and bare postmaster */
    ADDRESS_HOST_NAME,
    ADDRESS_HOST_IPV4, /* [192.0.2.1] */
    ADDRESS_HOST_IPV6, /* [IPv6:2001:db8::1] */
};

struct address {
    enum address_kind kind;
    enum address_host host;
    bool utf8;             /* needs SMTPUTF8 as it stands: an octet above 127 in either part */
    uint16_t local_size;
    uint16_t size;
    uint8_t ip[16];        /* of a literal, network order; the first 4 octets for IPv4 */
    char text[ADDRESS_SIZE_MAX]; /* canonical; not NUL-terminated */
};

enum { ADDRESS_UTF8 = 1 << 0 }; /* flags of the parsers: octets above 127 are allowed (and must be valid UTF-8) */

/* "user@example.org", without angle brackets: command line, configuration, header-like fields.
 * ERR_SYNTAX, ERR_TOO_LARGE; ERR_UNSUPPORTED: UTF-8 without the flag. */
enum err address_parse(struct slice text, unsigned flags, struct address *ret_address);
/* "<user@example.org>" or "<>", at the front of text; *ret_rest is what follows the bracket.
 * ERR_REFUSED: a source route. */
enum err address_parse_reverse_path(struct slice text, unsigned flags, struct address *ret_address,
                                    struct slice *ret_rest);
/* Likewise, or "<Postmaster>" in any case. */
enum err address_parse_forward_path(struct slice text, unsigned flags, struct address *ret_address,
                                    struct slice *ret_rest);

static inline struct slice address_mailbox(const struct address *a) /* as emitted between brackets; "" when null */
{
    return (struct slice){ a->text, a->size };
}

static inline struct slice address_local(const struct address *a) /* canonical, with its quotes where it has any */
{
    return (struct slice){ a->text, a->local_size };
}

static inline struct slice address_domain(const struct address *a) /* "" for null and bare postmaster */
{
    size_t from = a->local_size + (a->size > a->local_size ? 1u : 0u);
    return (struct slice){ a->text + from, a->size - from };
}

/* The same mailbox: domains by their A-labels, local parts octet by octet (RFC 5321 2.4). */
bool address_equal(const struct address *a, const struct address *b);
/* The same account here: local parts without regard to ASCII case. */
bool address_equal_nocase(const struct address *a, const struct address *b);
/* Local part "postmaster" in any case, with or without a domain (RFC 5321 4.5.1). */
bool address_is_postmaster(const struct address *a);
/* The local part as an account's key: unquoted, ASCII in lower case. At most ADDRESS_LOCAL_SIZE_MAX octets; any
 * octet but controls may occur in it, slashes too. */
struct slice address_local_key(const struct address *a, char text[static ADDRESS_LOCAL_SIZE_MAX]);
/* The domain as it is looked up and compared: domain_key of a name, the bracketed text of a literal. */
struct slice address_domain_key(const struct address *a, char text[static ADDRESS_DOMAIN_SIZE_MAX]);
/* An ASCII form of the mailbox (domain in A-labels), for hosts without SMTPUTF8: false when the local part is not
 * ASCII. */
bool address_to_ascii(const struct address *a, struct address *ret_address);

/* A domain name in lower-case A-labels (IDNA 2008, RFC 5891), for lookups, comparison and certificates. Checks the
 * syntax (letters, digits, inner hyphens, 63 octets a label, 253 in all, no dot at the end). Plain ASCII takes a
 * short way without libidn2. ERR_SYNTAX, ERR_TOO_LARGE. */
enum err domain_key(struct slice domain, char text[static DOMAIN_KEY_SIZE_MAX], struct slice *ret_key);
/* The argument of HELO and EHLO, RFC 5321 4.1.1.1: a domain or an address literal. Underscores are taken too, because
 * many clients' host names have them and nothing is looked up. */
bool domain_valid_helo(struct slice text);
/* "192.0.2.1" or "2001:db8::1", nothing around it; octets in network order. The family is 4 or 6, 0: neither. */
int ip_parse(struct slice text, uint8_t ret_octets[static 16]);
/* The shortest form (RFC 5952), without brackets; text takes 46 octets and is NUL-terminated. */
struct slice ip_format(int family, const uint8_t octets[static 16], char text[static 46]);
