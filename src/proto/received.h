/* Our own trace field, put in front of every message that is taken in: RFC 5321 4.4, with the protocol names of RFC 3848
 * and RFC 6531 ("ESMTPSA", "UTF8SMTPSA"). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct received_facts {
    struct slice helo;         /* as the client said it, checked by smtp_server; "" for local submission */
    struct slice peer_name;    /* reverse name, "" when not known */
    struct slice peer_address; /* numeric, "" for local submission */
    struct slice peer_user;    /* local submission: the user's name */
    struct slice by;           /* our name */
    struct slice id;
    struct slice tls_version;  /* "TLSv1.3", "" without TLS; cipher likewise */
    struct slice tls_cipher;
    struct slice recipient;    /* the mailbox when there is one recipient only, else "": nobody learns of the others */
    bool esmtp;
    bool authenticated;
    bool smtputf8;
    int64_t at_us;             /* wall time */
};

/* Appends the folded field with its CRLF. Octets that must not stand in it (controls, 8-bit ones but in the recipient with
 * smtputf8, brackets and parentheses within names) become '?', so that nothing a peer said can end the field. A value
 * but the recipient is cut at 255 octets, so every line stays below 998. */
void received_build(const struct received_facts *facts, struct buffer *out);
/* "SMTP", "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA", "UTF8SMTP", ... */
const char *received_with(const struct received_facts *facts);
