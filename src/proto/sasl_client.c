#include "proto/sasl_client.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/arena.h"
#include "base/codec.h"

enum { DIGEST_SIZE_MAX = 32, NONCE_TEXT_SIZE = SASL_NONCE_SIZE / 3 * 4, SALT_SIZE_MAX = 1024 };

/* RFC 5802. AuthMessage is gathered while the messages come: client-first-bare "," server-first "," client-final without
 * its proof. */
struct sasl_scram {
    const EVP_MD *digest;
    size_t digest_size;
    struct buffer gs2;           /* gs2-header, then the channel binding's octets */
    struct buffer messages;
    size_t nonce_from;           /* ours, in messages */
    uint8_t server_signature[DIGEST_SIZE_MAX];
};

static const struct {
    struct slice name;
    bool initial; /* the client speaks first */
} mechanisms[SASL_MECHANISM_COUNT] = {
    [SASL_SCRAM_SHA_256_PLUS] = { SLICE("SCRAM-SHA-256-PLUS"), true },
    [SASL_SCRAM_SHA_1_PLUS] = { SLICE("SCRAM-SHA-1-PLUS"), true },
    [SASL_SCRAM_SHA_256] = { SLICE("SCRAM-SHA-256"), true },
    [SASL_SCRAM_SHA_1] = { SLICE("SCRAM-SHA-1"), true },
    [SASL_CRAM_MD5] = { SLICE("CRAM-MD5"), false },
    [SASL_OAUTHBEARER] = { SLICE("OAUTHBEARER"), true },
    [SASL_XOAUTH2] = { SLICE("XOAUTH2"), true },
    [SASL_PLAIN] = { SLICE("PLAIN"), true },
    [SASL_LOGIN] = { SLICE("LOGIN"), false },
};

const char *sasl_mechanism_name(enum sasl_mechanism mechanism)
{
    assert((size_t)mechanism < SASL_MECHANISM_COUNT);
    return mechanisms[mechanism].name.data;
}

bool sasl_mechanism_parse(struct slice name, enum sasl_mechanism *ret_mechanism)
{
    for (size_t i = 0; i < SASL_MECHANISM_COUNT; i++) {
        if (slice_equal_nocase(name, mechanisms[i].name)) {
            *ret_mechanism = (enum sasl_mechanism)i;
            return true;
        }
    }
    return false;
}

static bool is_scram(enum sasl_mechanism mechanism)
{
    return mechanism <= SASL_SCRAM_SHA_1;
}

static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f)
            return true;
    }
    return false;
}

bool sasl_client_choose(uint32_t offered, uint32_t allowed, const struct sasl_credentials *credentials,
                        enum sasl_mechanism *ret_mechanism)
{
    uint32_t fit = credentials->token ? SASL_TOKEN_MECHANISMS : SASL_PASSWORD_MECHANISMS;
    if (credentials->channel_binding.size == 0)
        fit &= ~SASL_BINDING_MECHANISMS;
    /* A control character ends a field in one mechanism or the other; no server has such names or passwords. */
    if (credentials->user.size > SASL_USER_SIZE_MAX || credentials->secret.size > SASL_SECRET_SIZE_MAX ||
        credentials->authzid.size > SASL_USER_SIZE_MAX || has_control(credentials->user) ||
        has_control(credentials->secret) || has_control(credentials->authzid))
        return false;
    if (credentials->user.size == 0 && !credentials->token)
        return false;
    for (size_t i = 0; i < SASL_MECHANISM_COUNT; i++) {
        if (offered & allowed & fit & (1u << i)) {
            *ret_mechanism = (enum sasl_mechanism)i;
            return true;
        }
    }
    return false;
}

/* ---- life ---- */

void sasl_client_init(struct sasl_client *c, enum sasl_mechanism mechanism, uint32_t offered,
                      const struct sasl_credentials *credentials)
{
    *c = (struct sasl_client){ .mechanism = mechanism, .credentials = *credentials };
    buffer_init(&c->response, SASL_RESPONSE_SIZE_MAX);
    /* At its full size at once: growing would leave secrets behind in freed memory. */
    char *room = buffer_reserve(&c->response, SASL_RESPONSE_SIZE_MAX);
    assert(room);
    if (!is_scram(mechanism))
        return;
    bool sha_256 = mechanism == SASL_SCRAM_SHA_256 || mechanism == SASL_SCRAM_SHA_256_PLUS;
    c->binding_offered = offered & (1u << (sha_256 ? SASL_SCRAM_SHA_256_PLUS : SASL_SCRAM_SHA_1_PLUS));
    c->scram = mem_alloc(sizeof *c->scram);
    c->scram->digest = sha_256 ? EVP_sha256() : EVP_sha1();
    c->scram->digest_size = sha_256 ? 32 : 20;
    buffer_init(&c->scram->gs2, 4 << 10);
    buffer_init(&c->scram->messages, 3 * SASL_CHALLENGE_SIZE_MAX);
}

void sasl_client_done(struct sasl_client *c)
{
    if (c->response.data)
        explicit_bzero(c->response.data, c->response.capacity);
    buffer_done(&c->response);
    if (c->scram) {
        buffer_done(&c->scram->gs2);
        buffer_done(&c->scram->messages);
        explicit_bzero(c->scram, sizeof *c->scram);
        mem_free(c->scram);
    }
    explicit_bzero(c, sizeof *c);
}

static void response_restart(struct sasl_client *c)
{
    explicit_bzero(c->response.data, c->response.size);
    buffer_clear(&c->response);
}

/* ---- SCRAM ---- */

static const char *binding_name(const struct sasl_client *c)
{
    return c->credentials.channel_binding_exporter ? "tls-exporter" : "tls-server-end-point";
}

/* saslname, RFC 5802 7: "=" and "," are written "=3D" and "=2C". */
static void add_saslname(struct slice name, struct buffer *out)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '=')
            buffer_add_text(out, "=3D");
        else if (name.data[i] == ',')
            buffer_add_text(out, "=2C");
        else
            buffer_add_char(out, name.data[i]);
    }
}

static void scram_first(struct sasl_client *c)
{
    struct sasl_scram *s = c->scram;
    bool plus = c->mechanism == SASL_SCRAM_SHA_256_PLUS || c->mechanism == SASL_SCRAM_SHA_1_PLUS;
    if (plus)
        buffer_add_format(&s->gs2, "p=%s,", binding_name(c));
    else if (c->credentials.channel_binding.size > 0 && !c->binding_offered)
        buffer_add_text(&s->gs2, "y,"); /* had it been offered and struck out on the way, the server now knows */
    else
        buffer_add_text(&s->gs2, "n,");
    if (c->credentials.authzid.size > 0) {
        buffer_add_text(&s->gs2, "a=");
        add_saslname(c->credentials.authzid, &s->gs2);
    }
    buffer_add_char(&s->gs2, ',');
    buffer_add(&c->response, buffer_slice(&s->gs2));
    if (plus)
        buffer_add(&s->gs2, c->credentials.channel_binding);

    buffer_add_text(&s->messages, "n=");
    add_saslname(c->credentials.user, &s->messages);
    buffer_add_text(&s->messages, ",r=");
    s->nonce_from = s->messages.size;
    base64_encode(slice(c->credentials.nonce, SASL_NONCE_SIZE), &s->messages);
    buffer_add(&c->response, buffer_slice(&s->messages));
}

/* attr-val "," ...: the value of the attribute that must come now. */
static bool attribute(struct slice *rest, char name, struct slice *ret_value)
{
    struct slice part = slice_split(rest, ',');
    if (part.size < 2 || part.data[0] != name || part.data[1] != '=')
        return false;
    *ret_value = slice_after(part, 2);
    return true;
}

static void scram_sign(const struct sasl_scram *s, struct slice key, struct slice text, uint8_t *ret_signature)
{
    unsigned size = 0;
    const unsigned char *p = HMAC(s->digest, key.data, (int)key.size, (const unsigned char *)text.data, text.size,
                                  ret_signature, &size);
    assert(p && size == s->digest_size);
}

/* Adds ",p=" and the proof; keeps the signature that the server will have to show. */
static void scram_prove(struct sasl_client *c, struct slice salt, uint32_t iterations)
{
    struct sasl_scram *s = c->scram;
    struct slice messages = buffer_slice(&s->messages);
    uint8_t salted[DIGEST_SIZE_MAX], key[DIGEST_SIZE_MAX], stored[DIGEST_SIZE_MAX], signature[DIGEST_SIZE_MAX];
    int done = PKCS5_PBKDF2_HMAC(c->credentials.secret.size > 0 ? c->credentials.secret.data : "",
                                 (int)c->credentials.secret.size, (const unsigned char *)salt.data, (int)salt.size,
                                 (int)iterations, s->digest, (int)s->digest_size, salted);
    assert(done == 1);
    scram_sign(s, slice(salted, s->digest_size), SLICE("Client Key"), key);
    done = EVP_Digest(key, s->digest_size, stored, NULL, s->digest, NULL);
    assert(done == 1);
    scram_sign(s, slice(stored, s->digest_size), messages, signature);
    for (size_t i = 0; i < s->digest_size; i++)
        signature[i] ^= key[i];
    buffer_add_text(&c->response, ",p=");
    base64_encode(slice(signature, s->digest_size), &c->response);

    scram_sign(s, slice(salted, s->digest_size), SLICE("Server Key"), key);
    scram_sign(s, slice(key, s->digest_size), messages, s->server_signature);
    explicit_bzero(salted, sizeof salted);
    explicit_bzero(key, sizeof key);
    explicit_bzero(stored, sizeof stored);
}

static enum err scram_second(struct sasl_client *c, struct slice challenge)
{
    struct sasl_scram *s = c->scram;
    struct slice rest = challenge, nonce, salt_text, count;
    uint64_t iterations;
    if (!attribute(&rest, 'r', &nonce) || !attribute(&rest, 's', &salt_text) || !attribute(&rest, 'i', &count) ||
        !slice_to_u64(count, UINT32_MAX, &iterations))
        return ERR_SYNTAX;
    struct slice ours = slice_part(buffer_slice(&s->messages), s->nonce_from, NONCE_TEXT_SIZE);
    if (nonce.size <= ours.size || !slice_starts_with(nonce, ours) || iterations < SASL_ITERATIONS_MIN ||
        iterations > SASL_ITERATIONS_MAX)
        return ERR_REFUSED;
    struct buffer salt;
    buffer_init(&salt, SALT_SIZE_MAX);
    enum err err = base64_decode(salt_text, &salt);
    if (err == ERR_OK && (salt.overflow || salt.size == 0))
        err = ERR_SYNTAX;
    if (err == ERR_OK) {
        buffer_add_text(&c->response, "c=");
        base64_encode(buffer_slice(&s->gs2), &c->response);
        buffer_add_text(&c->response, ",r=");
        buffer_add(&c->response, nonce);
        buffer_add_char(&s->messages, ',');
        buffer_add(&s->messages, challenge);
        buffer_add_char(&s->messages, ',');
        buffer_add(&s->messages, buffer_slice(&c->response));
        if (s->messages.overflow || s->gs2.overflow)
            err = ERR_TOO_LARGE;
        else
            scram_prove(c, buffer_slice(&salt), (uint32_t)iterations);
    }
    buffer_done(&salt);
    return err;
}

static enum err scram_third(struct sasl_client *c, struct slice challenge)
{
    struct slice rest = challenge, value;
    if (attribute(&rest, 'e', &value))
        return ERR_REFUSED;
    rest = challenge;
    if (!attribute(&rest, 'v', &value))
        return ERR_SYNTAX;
    struct buffer signature;
    buffer_init(&signature, SALT_SIZE_MAX);
    enum err err = base64_decode(value, &signature);
    if (err == ERR_OK && (signature.size != c->scram->digest_size ||
                          CRYPTO_memcmp(signature.data, c->scram->server_signature, signature.size) != 0))
        err = ERR_REFUSED;
    buffer_done(&signature);
    c->verified = err == ERR_OK;
    return err;
}

/* ---- the others ---- */

static void cram_md5(struct sasl_client *c, struct slice challenge)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const unsigned char *p = HMAC(EVP_md5(), c->credentials.secret.size > 0 ? c->credentials.secret.data : "",
                                  (int)c->credentials.secret.size, (const unsigned char *)challenge.data,
                                  challenge.size, digest, &size);
    assert(p && size == 16);
    buffer_add(&c->response, c->credentials.user);
    buffer_add_char(&c->response, ' ');
    hex_encode(slice(digest, size), &c->response);
}

static void token_first(struct sasl_client *c)
{
    const struct sasl_credentials *k = &c->credentials;
    if (c->mechanism == SASL_XOAUTH2) {
        buffer_add_text(&c->response, "user=");
        buffer_add(&c->response, k->user);
        buffer_add_text(&c->response, "\001auth=Bearer ");
    } else {
        buffer_add_text(&c->response, "n,a=");
        add_saslname(k->user, &c->response);
        buffer_add_text(&c->response, ",\001host=");
        buffer_add(&c->response, k->host);
        buffer_add_format(&c->response, "\001port=%u\001auth=Bearer ", k->port);
    }
    buffer_add(&c->response, k->secret);
    buffer_add_text(&c->response, "\001\001");
}

/* ---- the dialogue ---- */

bool sasl_client_initial(struct sasl_client *c, struct slice *ret_response)
{
    assert(c->step == 0);
    if (!mechanisms[c->mechanism].initial)
        return false;
    response_restart(c);
    c->step = 1;
    if (is_scram(c->mechanism)) {
        scram_first(c);
    } else if (c->mechanism == SASL_PLAIN) {
        buffer_add(&c->response, c->credentials.authzid);
        buffer_add_char(&c->response, '\0');
        buffer_add(&c->response, c->credentials.user);
        buffer_add_char(&c->response, '\0');
        buffer_add(&c->response, c->credentials.secret);
    } else {
        token_first(c);
    }
    assert(!c->response.overflow);
    *ret_response = buffer_slice(&c->response);
    return true;
}

static enum err step(struct sasl_client *c, struct slice challenge)
{
    switch (c->mechanism) {
    case SASL_SCRAM_SHA_256_PLUS:
    case SASL_SCRAM_SHA_1_PLUS:
    case SASL_SCRAM_SHA_256:
    case SASL_SCRAM_SHA_1:
        if (c->step == 1)
            return scram_second(c, challenge);
        return c->step == 2 ? scram_third(c, challenge) : ERR_SYNTAX;
    case SASL_CRAM_MD5:
        if (c->step > 0 || challenge.size == 0)
            return ERR_SYNTAX;
        cram_md5(c, challenge);
        return ERR_OK;
    case SASL_LOGIN:
        /* The challenges are "Username:" and "Password:" in many spellings and languages; only their order counts. */
        if (c->step > 1)
            return ERR_SYNTAX;
        buffer_add(&c->response, c->step == 0 ? c->credentials.user : c->credentials.secret);
        return ERR_OK;
    case SASL_OAUTHBEARER:
    case SASL_XOAUTH2:
        /* The challenge tells why the token is refused; after this answer the refusal itself comes (RFC 7628 3.2.3). */
        if (c->step > 1)
            return ERR_SYNTAX;
        if (c->mechanism == SASL_OAUTHBEARER)
            buffer_add_char(&c->response, '\001');
        return ERR_OK;
    case SASL_PLAIN:
    case SASL_MECHANISM_COUNT:
        break;
    }
    return ERR_SYNTAX;
}

enum err sasl_client_step(struct sasl_client *c, struct slice challenge, struct slice *ret_response)
{
    response_restart(c);
    if (challenge.size > SASL_CHALLENGE_SIZE_MAX)
        return ERR_TOO_LARGE;
    enum err err = step(c, challenge);
    if (err == ERR_OK && c->response.overflow)
        err = ERR_TOO_LARGE;
    if (err != ERR_OK) {
        response_restart(c);
        return err;
    }
    c->step++;
    *ret_response = buffer_slice(&c->response);
    return ERR_OK;
}

enum err sasl_client_finish(const struct sasl_client *c)
{
    return is_scram(c->mechanism) && !c->verified ? ERR_REFUSED : ERR_OK;
}
