#include "io/tls.h"

#include <assert.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/arena.h"

enum {
    SESSIONS_MAX = 512,         /* remembered client sessions, the oldest place is taken again */
    SESSION_KEY_SIZE_MAX = 512,
    FACT_TEXT_SIZE_MAX = 256,
    BINDING_SIZE_MAX = 64,
};

struct remembered_session {
    char *key;
    size_t key_size;
    SSL_SESSION *session;
};

struct tls_store {
    SSL_CTX *server; /* NULL without a certificate */
    SSL_CTX *client;
    struct remembered_session sessions[SESSIONS_MAX];
    size_t session_next;
    size_t connection_count; /* made from it and alive */
    bool gone;               /* freed by its owner: it goes with the last of them */
};

struct tls {
    struct tls_store *store;
    SSL *ssl;
    BIO *wire_in;  /* owned by ssl */
    BIO *wire_out; /* owned by ssl */
    enum tls_state state;
    bool server;
    bool heard;    /* something has come from the peer */
    bool name_is_address;
    bool dane;
    struct arena arena; /* session key, name, facts */
    char *name;
    struct slice session_key;
    struct tls_facts facts;
    bool facts_known;
    char error[FACT_TEXT_SIZE_MAX];
};

/* ---- remembered sessions ---- */

static struct remembered_session *session_find(struct tls_store *store, struct slice key)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct remembered_session *s = &store->sessions[i];
        if (s->session && slice_equal(slice(s->key, s->key_size), key))
            return s;
    }
    return NULL;
}

static void session_forget(struct remembered_session *s)
{
    SSL_SESSION_free(s->session);
    mem_free(s->key);
    *s = (struct remembered_session){ 0 };
}

static int session_new(SSL *ssl, SSL_SESSION *session)
{
    struct tls *tls = SSL_get_app_data(ssl);
    if (!tls || tls->server || tls->session_key.size == 0 || tls->session_key.size > SESSION_KEY_SIZE_MAX)
        return 0;
    struct tls_store *store = tls->store;
    struct remembered_session *s = session_find(store, tls->session_key);
    if (!s) {
        s = &store->sessions[store->session_next];
        store->session_next = (store->session_next + 1) % SESSIONS_MAX;
    }
    session_forget(s);
    s->key = mem_alloc(tls->session_key.size);
    memcpy(s->key, tls->session_key.data, tls->session_key.size);
    s->key_size = tls->session_key.size;
    s->session = session;
    return 1; /* the reference is ours now */
}

/* ---- contexts ---- */

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    assert(context);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    return context;
}

static enum err server_context(const struct tls_store_options *options, struct buffer *problem, SSL_CTX **ret_context)
{
    SSL_CTX *context = context_new(TLS_server_method());
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets only */
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(context, 1);
    if (SSL_CTX_use_certificate_chain_file(context, options->certificate_file) != 1) {
        buffer_add_format(problem, "%s: no usable PEM certificate: %s", options->certificate_file,
                          ERR_reason_error_string(ERR_peek_last_error()));
    } else if (SSL_CTX_use_PrivateKey_file(context, options->key_file, SSL_FILETYPE_PEM) != 1) {
        buffer_add_format(problem, "%s: no usable PEM key, or not the key of %s: %s", options->key_file,
                          options->certificate_file, ERR_reason_error_string(ERR_peek_last_error()));
    } else {
        *ret_context = context;
        return ERR_OK;
    }
    ERR_clear_error();
    SSL_CTX_free(context);
    return ERR_REFUSED;
}

static enum err client_context(const struct tls_store_options *options, struct buffer *problem, SSL_CTX **ret_context)
{
    SSL_CTX *context = context_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, session_new);
    SSL_CTX_dane_enable(context);
    int ok = options->ca_file ? SSL_CTX_load_verify_file(context, options->ca_file)
                              : SSL_CTX_set_default_verify_paths(context);
    if (ok != 1) {
        buffer_add_format(problem, "%s: no usable PEM certificates in it: %s",
                          options->ca_file ? options->ca_file : "the system's certificate store",
                          ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        SSL_CTX_free(context);
        return ERR_REFUSED;
    }
    *ret_context = context;
    return ERR_OK;
}

enum err tls_store_new(const struct tls_store_options *options, struct buffer *problem, struct tls_store **ret_store)
{
    struct tls_store *store = mem_alloc(sizeof *store);
    enum err err = client_context(options, problem, &store->client);
    if (err == ERR_OK && options->certificate_file)
        err = server_context(options, problem, &store->server);
    if (err != ERR_OK) {
        tls_store_free(store);
        return err;
    }
    *ret_store = store;
    return ERR_OK;
}

void tls_store_free(struct tls_store *store)
{
    if (!store)
        return;
    if (store->connection_count > 0) {
        store->gone = true;
        return;
    }
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        session_forget(&store->sessions[i]);
    SSL_CTX_free(store->server);
    SSL_CTX_free(store->client);
    mem_free(store);
}

/* ---- the certificate of the first start ---- */

static void pem_take(BIO *bio, struct buffer *out)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    buffer_add(out, slice(data, (size_t)size));
    BIO_free(bio);
}

static X509 *certificate_make(struct slice name, EVP_PKEY *key)
{
    char alternative[300];
    snprintf(alternative, sizeof alternative, "DNS:%.*s", SLICE_ARG(name));
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3650L * 86400);
    X509_NAME *subject = X509_get_subject_name(certificate);
    int common = name.size <= 64 ? (int)name.size : 64; /* ub-common-name, RFC 5280 */
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name.data, common, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
    if (extension) {
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    X509_set_pubkey(certificate, key);
    if (X509_sign(certificate, key, EVP_sha256()) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

enum err tls_self_signed(struct slice name, struct buffer *ret_certificate, struct buffer *ret_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? certificate_make(name, key) : NULL;
    enum err err = ERR_UNSUPPORTED;
    if (certificate) {
        BIO *bio = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(bio, certificate);
        pem_take(bio, ret_certificate);
        bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
        pem_take(bio, ret_key);
        err = ERR_OK;
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return err;
}

/* ---- one connection ---- */

static void dane_add(struct tls *tls, const struct op_start_tls *start)
{
    if (start->tlsa_count == 0 || SSL_dane_enable(tls->ssl, tls->name) <= 0)
        return;
    tls->dane = true;
    for (size_t i = 0; i < start->tlsa_count; i++) {
        struct cursor c = cursor(start->tlsa[i]);
        uint8_t usage = cursor_u8(&c);
        uint8_t selector = cursor_u8(&c);
        uint8_t matching = cursor_u8(&c);
        if (!c.failed && c.rest.size > 0)
            SSL_dane_tlsa_add(tls->ssl, usage, selector, matching, (const unsigned char *)c.rest.data, c.rest.size);
    }
}

static void client_prepare(struct tls *tls, const struct op_start_tls *start)
{
    tls->name = arena_text(&tls->arena, start->name);
    tls->name_is_address = start->name_is_address;
    tls->session_key = arena_copy(&tls->arena, start->session_key);
    if (!tls->name_is_address && tls->name[0])
        SSL_set_tlsext_host_name(tls->ssl, tls->name);
    dane_add(tls, start);
    struct remembered_session *s = session_find(tls->store, tls->session_key);
    if (s)
        SSL_set_session(tls->ssl, s->session);
    SSL_set_connect_state(tls->ssl);
}

struct tls *tls_new(struct tls_store *store, const struct op_start_tls *start)
{
    assert(!start->server || store->server);
    struct tls *tls = mem_alloc(sizeof *tls);
    arena_init(&tls->arena);
    tls->store = store;
    store->connection_count++;
    tls->server = start->server;
    tls->ssl = SSL_new(start->server ? store->server : store->client);
    tls->wire_in = BIO_new(BIO_s_mem());
    tls->wire_out = BIO_new(BIO_s_mem());
    assert(tls->ssl && tls->wire_in && tls->wire_out);
    BIO_set_mem_eof_return(tls->wire_in, -1);
    BIO_set_mem_eof_return(tls->wire_out, -1);
    SSL_set_bio(tls->ssl, tls->wire_in, tls->wire_out);
    SSL_set_app_data(tls->ssl, tls);
    if (start->server)
        SSL_set_accept_state(tls->ssl);
    else
        client_prepare(tls, start);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    struct tls_store *store = tls->store;
    SSL_free(tls->ssl);
    arena_done(&tls->arena);
    mem_free(tls);
    store->connection_count--;
    if (store->gone)
        tls_store_free(store);
}

void tls_wire_in(struct tls *tls, struct slice bytes)
{
    assert(bytes.size <= INT32_MAX);
    if (bytes.size > 0) {
        tls->heard = true;
        int written = BIO_write(tls->wire_in, bytes.data, (int)bytes.size);
        assert(written == (int)bytes.size); /* a memory BIO takes all */
    }
}

struct slice tls_wire_out(struct tls *tls)
{
    char *data = NULL;
    long size = BIO_get_mem_data(tls->wire_out, &data);
    return slice(data, size > 0 ? (size_t)size : 0);
}

void tls_wire_sent(struct tls *tls, size_t count)
{
    char drop[4096];
    while (count > 0) {
        int n = BIO_read(tls->wire_out, drop, count < sizeof drop ? (int)count : (int)sizeof drop);
        assert(n > 0);
        count -= (size_t)n;
    }
}

static void break_off(struct tls *tls, int result)
{
    int kind = SSL_get_error(tls->ssl, result);
    unsigned long number = ERR_peek_last_error();
    const char *reason = number ? ERR_reason_error_string(number) : NULL;
    if (kind == SSL_ERROR_ZERO_RETURN) {
        tls->state = TLS_CLOSED;
    } else if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE) {
        tls->state = TLS_BROKEN;
        snprintf(tls->error, sizeof tls->error, "%s", reason ? reason : "TLS connection broken");
    }
    ERR_clear_error();
}

enum tls_state tls_advance(struct tls *tls)
{
    if (tls->state != TLS_HANDSHAKE || (tls->server && !tls->heard))
        return tls->state; /* the client speaks first: until then OpenSSL needs no buffers, which are most of a session */
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1)
        tls->state = TLS_UP;
    else
        break_off(tls, result);
    return tls->state;
}

size_t tls_read(struct tls *tls, void *data, size_t size)
{
    if (tls->state != TLS_UP)
        return 0;
    size_t got = 0;
    ERR_clear_error();
    int result = SSL_read_ex(tls->ssl, data, size, &got);
    if (result == 1)
        return got;
    break_off(tls, result);
    return 0;
}

bool tls_write(struct tls *tls, struct slice plain)
{
    if (tls->state == TLS_BROKEN || tls->state == TLS_HANDSHAKE)
        return false;
    size_t written = 0;
    ERR_clear_error();
    int result = plain.size > 0 ? SSL_write_ex(tls->ssl, plain.data, plain.size, &written) : 1;
    if (result != 1)
        break_off(tls, result);
    return result == 1;
}

enum tls_state tls_state(const struct tls *tls)
{
    return tls->state;
}

struct slice tls_error(const struct tls *tls)
{
    return slice_of(tls->error);
}

void tls_shutdown(struct tls *tls)
{
    if (tls->state == TLS_UP || tls->state == TLS_CLOSED)
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

/* ---- facts ---- */

static void names_collect(struct tls *tls, X509 *certificate)
{
    struct tls_facts *facts = &tls->facts;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && facts->name_count < TLS_NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        const char *data = (const char *)ASN1_STRING_get0_data(name->d.dNSName);
        size_t size = (size_t)ASN1_STRING_length(name->d.dNSName);
        if (size <= FACT_TEXT_SIZE_MAX)
            facts->names[facts->name_count++] = arena_copy(&tls->arena, slice(data, size));
    }
    GENERAL_NAMES_free(names);
    if (facts->name_count > 0)
        return;
    char common[FACT_TEXT_SIZE_MAX];
    int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common, sizeof common);
    if (size > 0)
        facts->names[facts->name_count++] = arena_copy(&tls->arena, slice(common, (size_t)size));
}

static void binding_collect(struct tls *tls)
{
    /* RFC 9266; TLS 1.2 and before would need tls-server-end-point or the extended master secret. */
    static const char label[] = "EXPORTER-Channel-Binding";
    unsigned char bytes[32];
    if (SSL_version(tls->ssl) < TLS1_3_VERSION)
        return;
    if (SSL_export_keying_material(tls->ssl, bytes, sizeof bytes, label, sizeof label - 1, NULL, 0, 0) != 1)
        return;
    tls->facts.channel_binding = arena_copy(&tls->arena, slice(bytes, sizeof bytes));
    tls->facts.channel_binding_exporter = true;
}

static void verification_collect(struct tls *tls, X509 *certificate)
{
    struct tls_facts *facts = &tls->facts;
    long result = SSL_get_verify_result(tls->ssl);
    facts->chain_verified = result == X509_V_OK;
    if (!facts->chain_verified)
        facts->chain_error = arena_copy(&tls->arena, slice_of(X509_verify_cert_error_string(result)));
    if (tls->name_is_address)
        facts->name_matched = X509_check_ip_asc(certificate, tls->name, 0) == 1;
    else
        facts->name_matched = X509_check_host(certificate, tls->name, 0, 0, NULL) == 1;
    if (tls->dane) {
        bool matched = facts->chain_verified && SSL_get0_dane_authority(tls->ssl, NULL, NULL) >= 0;
        facts->dane = matched ? DANE_MATCH : DANE_NO_MATCH;
    }
}

const struct tls_facts *tls_facts(struct tls *tls)
{
    if (tls->facts_known || tls->state == TLS_HANDSHAKE)
        return &tls->facts;
    tls->facts_known = true;
    struct tls_facts *facts = &tls->facts;
    facts->version = slice_of(SSL_get_version(tls->ssl));
    facts->cipher = slice_of(SSL_get_cipher_name(tls->ssl));
    facts->resumed = SSL_session_reused(tls->ssl) == 1;
    X509 *certificate = tls->server ? NULL : SSL_get0_peer_certificate(tls->ssl);
    if (certificate) {
        facts->peer_certificate = true;
        verification_collect(tls, certificate);
        names_collect(tls, certificate);
    }
    binding_collect(tls);
    ERR_clear_error();
    return facts;
}
