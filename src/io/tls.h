/* TLS over memory: bytes from the wire in, bytes for the wire out, plain text on the other side. No socket here.
 *
 * OpenSSL verifies and never refuses: the handshake's facts (struct tls_facts) go to the engine, where policy judges
 * before the next byte. Client sessions are resumed only under the same session key, which policy makes of everything
 * that the judgement rests on (S09). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "border/op.h"

struct tls_store; /* certificates, trust and remembered sessions; one for the process and configuration */
struct tls;       /* one connection */

struct tls_store_options {
    const char *certificate_file; /* PEM, the chain; with key_file */
    const char *key_file;
    const char *ca_file;          /* NULL: the system's store */
};

/* On failure `problem` holds a sentence with the file's name. */
enum err tls_store_new(const struct tls_store_options *options, struct buffer *problem, struct tls_store **ret_store);
/* Nobody makes connections from it any more; it goes with the last that there are. NULL does nothing. */
void tls_store_free(struct tls_store *store);

/* Makes a self-signed certificate and its key (P-256, ten years) as PEM. */
enum err tls_self_signed(struct slice name, struct buffer *ret_certificate, struct buffer *ret_key);

struct tls *tls_new(struct tls_store *store, const struct op_start_tls *start);
void tls_free(struct tls *tls);

void tls_wire_in(struct tls *tls, struct slice bytes); /* from the socket */
struct slice tls_wire_out(struct tls *tls);            /* for the socket; valid until the next call */
void tls_wire_sent(struct tls *tls, size_t count);     /* that much of it is out */

enum tls_state {
    TLS_HANDSHAKE, /* wants more from the wire */
    TLS_UP,
    TLS_CLOSED,    /* close_notify came: an orderly end */
    TLS_BROKEN,    /* handshake or record failed: tls_error says why */
};

enum tls_state tls_advance(struct tls *tls);                 /* drives the handshake; the state now */
size_t tls_read(struct tls *tls, void *data, size_t size);   /* plain text, 0: none now, look at tls_state */
bool tls_write(struct tls *tls, struct slice plain);         /* all of it, into the wire-out memory */
enum tls_state tls_state(const struct tls *tls);
struct slice tls_error(const struct tls *tls);
void tls_shutdown(struct tls *tls);                          /* queues close_notify */
/* Facts of an established connection; slices live as long as the connection. */
const struct tls_facts *tls_facts(struct tls *tls);
