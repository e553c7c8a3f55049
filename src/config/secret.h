/* Secrets at rest: sealed values for logins that must be read again, hashes for passwords that must not.
 *
 * A sealed value is "sealed:1:" and base64 of nonce and box (libsodium's secretbox, XSalsa20 and Poly1305) under a key of
 * the server that its owner keeps outside the configuration. A hash is argon2id in libsodium's text form.
 *
 * Pure: key, nonce and salt are inputs, so nothing here draws random octets or reads a file. password_hash and
 * password_verify take about 30 ms and 19 MiB: a worker or a command calls them, never the loop. The program has called
 * sodium_init before; the results would be the same without, but slower. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
    SECRET_KEY_SIZE = 32,
    SECRET_NONCE_SIZE = 24,
    SECRET_SALT_SIZE = 16,
    SECRET_SIZE_MAX = 4096,         /* of the secret itself */
    SECRET_SEALED_SIZE_MAX = 6144,  /* of its sealed text */
    PASSWORD_SIZE_MAX = 1024,
    PASSWORD_HASH_SIZE_MAX = 128,
};

bool secret_is_sealed(struct slice value); /* begins with "sealed:" */
/* Appends the sealed text. A nonce is used once only. ERR_TOO_LARGE. */
enum err secret_seal(const uint8_t key[static SECRET_KEY_SIZE], const uint8_t nonce[static SECRET_NONCE_SIZE],
                     struct slice secret, struct buffer *out);
/* Appends the secret. ERR_SYNTAX: no sealed text; ERR_NEWER_FORMAT: of a later version; ERR_CORRUPT: another key, or
 * changed. */
enum err secret_open(const uint8_t key[static SECRET_KEY_SIZE], struct slice sealed, struct buffer *out);

/* Appends "$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH". ERR_TOO_LARGE: above PASSWORD_SIZE_MAX; ERR_IO: no memory. */
enum err password_hash(struct slice password, const uint8_t salt[static SECRET_SALT_SIZE], struct buffer *out);
/* An argon2id hash whose costs we are willing to pay (at most 256 MiB and 16 passes): asked when accounts are read, so
 * that no line of a file can stop the workers. */
bool password_hash_valid(struct slice hash);
/* ERR_OK: it is the password; ERR_REFUSED: it is not; ERR_CORRUPT: the hash is none; ERR_IO: no memory. */
enum err password_verify(struct slice hash, struct slice password);

/* Overwrites octets that were secret; whoever owns them still frees them. */
void secret_wipe(struct slice s);
void secret_wipe_buffer(struct buffer *b); /* and empties it */
