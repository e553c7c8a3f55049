/* Addresses: the only parser, for what is routed and for what is emitted (S19).
 *
 * RFC 5321 4.1.2 (Path, Mailbox) and 4.1.3 (address literals) to the letter, with RFC 6531's UTF-8 where the
 * transaction has SMTPUTF8. Source routes, general address literals, empty and dotless-label oddities, comments and
 * white space are refused. What was parsed is held in canonical form only: the local part quoted only where it must
 * be, the domain in lower-case A-labels (RFC 6531 3.2 lets a client send either form, and so an ASCII local part never
 * needs SMTPUTF8 for its domain's sake), an IPv6 literal in its shortest form. The domain's text is therefore also what
 * is looked up and compared. Emitting is copying that text; parsing the text again gives the same value.
 *
 * An address is a plain value without pointers: it may be copied and kept. Slices that the accessors give point into
 * it. Lengths: RFC 5321 4.5.3.1 gives the sizes that everybody must take and asks for no limits above them; encoded
 * return paths (VERP, SRS) are longer than 64 octets every day, so the local part may have 255. A domain is bound by
 * DNS: 253 octets, 63 a label, in A-labels. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
    ADDRESS_LOCAL_SIZE_MAX = 255,  /* as written canonically, quotes included */
    ADDRESS_DOMAIN_SIZE_MAX = 253, /* A-labels, no dot at the end; or a literal with its brackets */
    ADDRESS_SIZE_MAX = ADDRESS_LOCAL_SIZE_MAX + 1 + ADDRESS_DOMAIN_SIZE_MAX,
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
    bool utf8;             /* needs SMTPUTF8: an octet above 127 in the local part */
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

/* Lower-case A-labels, or a literal with its brackets: as looked up, compared and emitted. "" for null and postmaster. */
static inline struct slice address_domain(const struct address *a)
{
    size_t from = a->local_size + (a->size > a->local_size ? 1u : 0u);
    return (struct slice){ a->text + from, a->size - from };
}

void address_set_null(struct address *a);
/* Copies what is used of it: the text's size rather than its maximum. */
void address_copy(struct address *to, const struct address *from);
/* The same mailbox: local parts octet by octet (RFC 5321 2.4). */
bool address_equal(const struct address *a, const struct address *b);
/* The same account here: local parts without regard to ASCII case. */
bool address_equal_nocase(const struct address *a, const struct address *b);
/* Local part "postmaster" in any case, with or without a domain (RFC 5321 4.5.1). */
bool address_is_postmaster(const struct address *a);
/* The local part as an account's key: unquoted, ASCII in lower case. Any octet but controls may occur in it, slashes
 * too. */
struct slice address_local_key(const struct address *a, char text[static ADDRESS_LOCAL_SIZE_MAX]);

/* A domain name in lower-case A-labels (IDNA 2008 with UTS 46 mapping), as address_domain gives it: for configuration,
 * lookups, certificates. Checks the syntax: letters, digits, inner hyphens, 63 octets a label, 253 in all, no dot at
 * the end. ASCII takes a short way without libidn2. ERR_SYNTAX, ERR_TOO_LARGE. *ret_key points into text. */
enum err domain_key(struct slice domain, char text[static ADDRESS_DOMAIN_SIZE_MAX], struct slice *ret_key);
/* The argument of HELO and EHLO, RFC 5321 4.1.1.1: a domain or an address literal. More is taken than the grammar has
 * (underscores, labels of any length, a dot at the end), because clients' host names have it and nothing rests on it:
 * at most 255 letters, digits, hyphens, dots, underscores; or a literal. */
bool domain_valid_helo(struct slice text);
