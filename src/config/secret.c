#include "config/secret.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>

#include "base/codec.h"

#define SEALED "sealed:"
#define SEALED_1 "sealed:1:"

enum {
    HASH_SIZE = 32,
    COST_PASSES = 2,
    COST_KIB = 19456,
    COST_PASSES_MAX = 16,
    COST_KIB_MAX = 256 << 10,
    COST_KIB_MIN = 8, /* RFC 9106 3.1, with one lane */
    BASE64_SIZE_MAX = 64, /* of salt or hash */
};

_Static_assert(SECRET_KEY_SIZE == crypto_secretbox_KEYBYTES, "the key fits libsodium");
_Static_assert(SECRET_NONCE_SIZE == crypto_secretbox_NONCEBYTES, "the nonce fits libsodium");
_Static_assert(SECRET_SALT_SIZE == crypto_pwhash_SALTBYTES, "the salt fits libsodium");
_Static_assert(PASSWORD_HASH_SIZE_MAX == crypto_pwhash_STRBYTES, "the hash fits libsodium");

void secret_wipe(struct slice s)
{
    if (s.size > 0)
        sodium_memzero((void *)(uintptr_t)s.data, s.size);
}

void secret_wipe_buffer(struct buffer *b)
{
    secret_wipe(slice(b->data, b->capacity));
    buffer_clear(b);
}

bool secret_is_sealed(struct slice value)
{
    return slice_starts_with(value, SLICE(SEALED));
}

/* ---- sealed values ---- */

enum err secret_seal(const uint8_t key[static SECRET_KEY_SIZE], const uint8_t nonce[static SECRET_NONCE_SIZE],
                     struct slice secret, struct buffer *out)
{
    uint8_t box[SECRET_NONCE_SIZE + crypto_secretbox_MACBYTES + SECRET_SIZE_MAX];
    size_t start = out->size;
    if (secret.size > SECRET_SIZE_MAX)
        return ERR_TOO_LARGE;
    memcpy(box, nonce, SECRET_NONCE_SIZE);
    const uint8_t none = 0;
    const uint8_t *octets = secret.size > 0 ? (const uint8_t *)secret.data : &none;
    int rc = crypto_secretbox_easy(box + SECRET_NONCE_SIZE, octets, secret.size, nonce, key);
    assert(rc == 0);
    buffer_add_text(out, SEALED_1);
    base64_encode(slice(box, SECRET_NONCE_SIZE + crypto_secretbox_MACBYTES + secret.size), out);
    if (!out->overflow)
        return ERR_OK;
    out->size = start;
    return ERR_TOO_LARGE;
}

static enum err open_box(const uint8_t key[static SECRET_KEY_SIZE], struct slice box, struct buffer *out)
{
    uint8_t secret[SECRET_SIZE_MAX];
    size_t overhead = SECRET_NONCE_SIZE + crypto_secretbox_MACBYTES;
    if (box.size < overhead || box.size - overhead > sizeof secret)
        return ERR_SYNTAX;
    const uint8_t *nonce = (const uint8_t *)box.data;
    size_t size = box.size - overhead;
    if (crypto_secretbox_open_easy(secret, nonce + SECRET_NONCE_SIZE, box.size - SECRET_NONCE_SIZE, nonce, key) != 0)
        return ERR_CORRUPT;
    buffer_add(out, slice(secret, size));
    sodium_memzero(secret, sizeof secret);
    return out->overflow ? ERR_TOO_LARGE : ERR_OK;
}

enum err secret_open(const uint8_t key[static SECRET_KEY_SIZE], struct slice sealed, struct buffer *out)
{
    uint64_t version;
    if (!secret_is_sealed(sealed))
        return ERR_SYNTAX;
    struct slice rest = slice_after(sealed, sizeof SEALED - 1);
    struct slice number = slice_split(&rest, ':');
    if (!slice_to_u64(number, UINT32_MAX, &version) || version == 0)
        return ERR_SYNTAX;
    if (version > 1)
        return ERR_NEWER_FORMAT;
    struct buffer box;
    buffer_init(&box, SECRET_SEALED_SIZE_MAX);
    enum err err = base64_decode(rest, &box);
    if (err == ERR_OK)
        err = open_box(key, buffer_slice(&box), out);
    buffer_done(&box);
    return err;
}

/* ---- hashes ---- */

/* Base64 without the padding, as argon2's text form has it. */
static void add_unpadded(struct slice octets, struct buffer *out)
{
    char text[BASE64_SIZE_MAX];
    sodium_bin2base64(text, sizeof text, (const uint8_t *)octets.data, octets.size, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    buffer_add_text(out, text);
}

enum err password_hash(struct slice password, const uint8_t salt[static SECRET_SALT_SIZE], struct buffer *out)
{
    uint8_t hash[HASH_SIZE];
    size_t start = out->size;
    if (password.size > PASSWORD_SIZE_MAX)
        return ERR_TOO_LARGE;
    const char *octets = password.size > 0 ? password.data : "";
    if (crypto_pwhash(hash, sizeof hash, octets, password.size, salt, COST_PASSES, (size_t)COST_KIB << 10,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return ERR_IO;
    buffer_add_format(out, "$argon2id$v=19$m=%d,t=%d,p=1$", COST_KIB, COST_PASSES);
    add_unpadded(slice(salt, SECRET_SALT_SIZE), out);
    buffer_add_char(out, '$');
    add_unpadded(slice(hash, sizeof hash), out);
    if (!out->overflow)
        return ERR_OK;
    out->size = start;
    return ERR_TOO_LARGE;
}

static bool take_number(struct slice *rest, struct slice name, char end, uint64_t min, uint64_t max)
{
    uint64_t value;
    if (!slice_starts_with(*rest, name))
        return false;
    *rest = slice_after(*rest, name.size);
    return slice_to_u64(slice_split(rest, end), max, &value) && value >= min;
}

static bool take_unpadded(struct slice text, size_t size_min, size_t size_max)
{
    uint8_t octets[BASE64_SIZE_MAX];
    size_t size;
    return text.size <= BASE64_SIZE_MAX &&
           sodium_base642bin(octets, sizeof octets, text.data, text.size, NULL, &size, NULL,
                             sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
           size >= size_min && size <= size_max;
}

bool password_hash_valid(struct slice hash)
{
    struct slice rest = hash;
    struct slice head = SLICE("$argon2id$v=19$");
    if (hash.size >= PASSWORD_HASH_SIZE_MAX || !slice_starts_with(hash, head))
        return false;
    rest = slice_after(rest, head.size);
    if (!take_number(&rest, SLICE("m="), ',', COST_KIB_MIN, COST_KIB_MAX) || !take_number(&rest, SLICE("t="), ',', 1, COST_PASSES_MAX) ||
        !take_number(&rest, SLICE("p="), '$', 1, 1))
        return false;
    struct slice salt = slice_split(&rest, '$');
    return take_unpadded(salt, 8, BASE64_SIZE_MAX) && take_unpadded(rest, 16, BASE64_SIZE_MAX);
}

enum err password_verify(struct slice hash, struct slice password)
{
    char text[PASSWORD_HASH_SIZE_MAX] = { 0 };
    if (!password_hash_valid(hash))
        return ERR_CORRUPT;
    if (password.size > PASSWORD_SIZE_MAX)
        return ERR_REFUSED;
    memcpy(text, hash.data, hash.size);
    const char *octets = password.size > 0 ? password.data : "";
    errno = 0;
    if (crypto_pwhash_str_verify(text, octets, password.size) == 0)
        return ERR_OK;
    return errno == ENOMEM ? ERR_IO : ERR_REFUSED;
}
