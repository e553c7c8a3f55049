/* What a TLS handshake showed: facts, no judgement. io/tls fills it and never refuses a certificate by itself;
 * policy/tls_policy judges before the next byte goes out. */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

enum { TLS_NAMES_MAX = 16 };

enum dane_verdict {
    DANE_NOT_ASKED,
    DANE_MATCH,
    DANE_NO_MATCH,
};

struct tls_facts {
    struct slice version;     /* "TLSv1.3" */
    struct slice cipher;      /* "TLS_AES_256_GCM_SHA384" */
    bool resumed;
    bool peer_certificate;    /* the peer has shown one */
    bool chain_verified;      /* up to a trusted root, within its validity */
    bool name_matched;        /* the name given with start_tls, RFC 6125 */
    enum dane_verdict dane;
    struct slice chain_error; /* X509 verification error in words, "" when verified */
    struct slice names[TLS_NAMES_MAX]; /* the certificate's own DNS names (else its common name), for the alert (A33) */
    size_t name_count;
    struct slice channel_binding; /* tls-exporter (TLS 1.3) or tls-server-end-point bytes, "" when not available */
    bool channel_binding_exporter;
};
