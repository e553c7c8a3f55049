/* Logins against the vectors of their RFCs: CRAM-MD5 2195, PLAIN 4616, SCRAM 5802. The example of RFC 7677 has a nonce
 * of another length than ours, so the vectors of SCRAM-SHA-256 here were made with ours by a program of a few lines
 * that gives the example of RFC 7677 when it is given that one's nonce. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/codec.h"
#include "proto/sasl_client.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NONCE "fyko+d2lbbFgONRv9qkxdawL"
#define BIT(mechanism) (1u << SASL_##mechanism)

enum { STEPS_MAX = 3 };

struct vector {
    enum sasl_mechanism mechanism;
    uint32_t offered;
    const char *user, *secret, *authzid, *binding;
    bool exporter, token;
    struct slice initial; /* NULL data: the server speaks first */
    struct {
        const char *challenge;
        struct slice response;
    } steps[STEPS_MAX];
};

static const struct vector vectors[] = {
    { .mechanism = SASL_PLAIN, .user = "tim", .secret = "tanstaaftanstaaf",
      .initial = SLICE("\0tim\0tanstaaftanstaaf") },
    { .mechanism = SASL_PLAIN, .user = "Kurt", .secret = "xipj3plmq", .authzid = "Ursel",
      .initial = SLICE("Ursel\0Kurt\0xipj3plmq") },
    { .mechanism = SASL_LOGIN, .user = "user", .secret = "pencil",
      .steps = { { "Username:", SLICE("user") }, { "Password:", SLICE("pencil") } } },
    { .mechanism = SASL_LOGIN, .user = "user", .secret = "pencil", /* their words mean nothing */
      .steps = { { "", SLICE("user") }, { "Username:", SLICE("pencil") } } },
    { .mechanism = SASL_CRAM_MD5, .user = "tim", .secret = "tanstaaftanstaaf",
      .steps = { { "<1896.697170952@postoffice.reston.mci.net>", SLICE("tim b913a602c7eda7a495b4e6e7334d3890") } } },
    { .mechanism = SASL_SCRAM_SHA_1, .user = "user", .secret = "pencil", .initial = SLICE("n,,n=user,r=" NONCE),
      .steps = { { "r=" NONCE "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                   SLICE("c=biws,r=" NONCE "3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=") },
                 { "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", SLICE("") } } },
    { .mechanism = SASL_SCRAM_SHA_256, .user = "user", .secret = "pencil", .initial = SLICE("n,,n=user,r=" NONCE),
      .steps = { { "r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                   SLICE("c=biws,r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                         "p=2FUSN0pPcS7P8hBhsxBJOiUDbRoW4KVNGZT0LxVnSek=") },
                 { "v=zJZjsVp2g+W9jd01vgbsshippfH1sM0tLdBvs+e3DF4=", SLICE("") } } },
    { .mechanism = SASL_SCRAM_SHA_256_PLUS, .offered = BIT(SCRAM_SHA_256_PLUS) | BIT(SCRAM_SHA_256), .user = "user",
      .secret = "pencil", .binding = "0123456789abcdef", .exporter = true,
      .initial = SLICE("p=tls-exporter,,n=user,r=" NONCE),
      .steps = { { "r=" NONCE "xyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                   SLICE("c=cD10bHMtZXhwb3J0ZXIsLDAxMjM0NTY3ODlhYmNkZWY=,r=" NONCE
                         "xyz,p=7aWipADg9Dx8XIxZKwqPUQGIlYvirjtajya3bq1NstY=") },
                 { "v=ovDjZzBoRINBtN/wEeAzfJnkbSUTPMDWMaJGprz25lQ=", SLICE("") } } },
    { .mechanism = SASL_SCRAM_SHA_1_PLUS, .offered = BIT(SCRAM_SHA_1_PLUS), .user = "user", .secret = "pencil",
      .binding = "0123456789abcdef", .initial = SLICE("p=tls-server-end-point,,n=user,r=" NONCE),
      .steps = { { "r=" NONCE "xyz,s=QSXCR+Q6sek8bf92,i=4096",
                   SLICE("c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsMDEyMzQ1Njc4OWFiY2RlZg==,r=" NONCE
                         "xyz,p=Hbq33zIItDYCUFujWORFnhJ6f2w=") },
                 { "v=YIqP5ue2Pd1yB8NzrWGJr4OMSNA=", SLICE("") } } },
    /* We could bind, the server does not offer it: it is told so. */
    { .mechanism = SASL_SCRAM_SHA_256, .offered = BIT(SCRAM_SHA_256), .user = "user", .secret = "pencil",
      .binding = "0123456789abcdef", .exporter = true, .initial = SLICE("y,,n=user,r=" NONCE),
      .steps = { { "r=" NONCE "xyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                   SLICE("c=eSws,r=" NONCE "xyz,p=gtK4TZ9kAuFERTwc99BFk4EyUcHWi1zNjp9Dv4E1riY=") },
                 { "v=SZbxkAZE7zPZma/HG2hTb1AvW+yv1puYJTQ8gHdStbk=", SLICE("") } } },
    { .mechanism = SASL_SCRAM_SHA_256, .user = "u,s=er", .secret = "pencil", .authzid = "ad,min",
      .initial = SLICE("n,a=ad=2Cmin,n=u=2Cs=3Der,r=" NONCE),
      .steps = { { "r=" NONCE "xyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                   SLICE("c=bixhPWFkPTJDbWluLA==,r=" NONCE "xyz,p=5g1E+rN7l3cGuY0U1/Y0lO2ll8Ady09a71QHs0yePp8=") },
                 { "v=7DT6EtA80FOPOupE0H019dRXoQHKrOwmuuq/dac8a7U=", SLICE("") } } },
    { .mechanism = SASL_OAUTHBEARER, .user = "us,er", .secret = "TOKEN", .token = true,
      .initial = SLICE("n,a=us=2Cer,\001host=mx.example\001port=587\001auth=Bearer TOKEN\001\001"),
      .steps = { { "{\"status\":\"invalid_token\"}", SLICE("\001") } } },
    { .mechanism = SASL_XOAUTH2, .user = "user", .secret = "TOKEN", .token = true,
      .initial = SLICE("user=user\001auth=Bearer TOKEN\001\001"),
      .steps = { { "{\"status\":\"401\"}", SLICE("") } } },
};

static struct sasl_credentials credentials(const struct vector *v)
{
    struct buffer nonce;
    struct sasl_credentials k = {
        .user = slice_of(v->user),
        .secret = slice_of(v->secret),
        .token = v->token,
        .authzid = slice_of(v->authzid),
        .host = SLICE("mx.example"),
        .port = 587,
        .channel_binding = slice_of(v->binding),
        .channel_binding_exporter = v->exporter,
    };
    buffer_init(&nonce, 64);
    assert_int_equal(base64_decode(SLICE(NONCE), &nonce), ERR_OK);
    assert_int_equal(nonce.size, sizeof k.nonce);
    memcpy(k.nonce, nonce.data, nonce.size);
    buffer_done(&nonce);
    return k;
}

/* Begins and goes `steps` steps, each of which must be right. */
static void begin(struct sasl_client *c, const struct vector *v, const struct sasl_credentials *k, size_t steps)
{
    struct slice response = SLICE_EMPTY;
    sasl_client_init(c, v->mechanism, v->offered != 0 ? v->offered : 1u << v->mechanism, k);
    assert_int_equal(sasl_client_initial(c, &response), v->initial.data != NULL);
    assert_true(slice_equal(response, v->initial));
    for (size_t i = 0; i < steps; i++) {
        assert_int_equal(sasl_client_step(c, slice_of(v->steps[i].challenge), &response), ERR_OK);
        assert_true(slice_equal(response, v->steps[i].response));
    }
}

static size_t step_count(const struct vector *v)
{
    size_t count = 0;
    while (count < STEPS_MAX && v->steps[count].challenge != NULL)
        count++;
    return count;
}

static void test_vectors(void **state)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct sasl_credentials k = credentials(v);
        struct sasl_client c;
        struct slice response;
        size_t count = step_count(v);
        begin(&c, v, &k, count);
        assert_int_equal(sasl_client_finish(&c), ERR_OK);
        /* A challenge more than the mechanism has. */
        assert_int_equal(sasl_client_step(&c, SLICE("again"), &response), ERR_SYNTAX);
        sasl_client_done(&c);
    }
}

/* Success before the server has proved that it knows the password is none. */
static void test_proof_missing(void **state)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct sasl_credentials k = credentials(v);
        struct sasl_client c;
        if (v->mechanism > SASL_SCRAM_SHA_1)
            continue;
        for (size_t steps = 0; steps < 2; steps++) {
            begin(&c, v, &k, steps);
            assert_int_equal(sasl_client_finish(&c), ERR_REFUSED);
            sasl_client_done(&c);
        }
    }
}

static void test_scram_wrong(void **state)
{
    static const struct {
        size_t step; /* the wrong one */
        const char *challenge;
        enum err err;
    } rows[] = {
        { 0, "", ERR_SYNTAX },
        { 0, "r=" NONCE "xyz", ERR_SYNTAX },
        { 0, "r=" NONCE "xyz,s=QSXCR+Q6sek8bf92", ERR_SYNTAX },
        { 0, "r=" NONCE "xyz,s=QSXCR+Q6sek8bf92,i=", ERR_SYNTAX },
        { 0, "r=" NONCE "xyz,s=QSXCR+Q6sek8bf92,i=4096x", ERR_SYNTAX },
        { 0, "r=" NONCE "xyz,s=QSXCR+Q6sek8bf9,i=4096", ERR_SYNTAX },
        { 0, "r=" NONCE "xyz,s=,i=4096", ERR_SYNTAX },
        { 0, "s=QSXCR+Q6sek8bf92,r=" NONCE "xyz,i=4096", ERR_SYNTAX },
        { 0, "m=extension,r=" NONCE "xyz,s=QSXCR+Q6sek8bf92,i=4096", ERR_SYNTAX },
        { 0, "r=" NONCE ",s=QSXCR+Q6sek8bf92,i=4096", ERR_REFUSED }, /* nothing of the server's own in it */
        { 0, "r=gyko+d2lbbFgONRv9qkxdawLxyz,s=QSXCR+Q6sek8bf92,i=4096", ERR_REFUSED },
        { 0, "r=" NONCE "xyz,s=QSXCR+Q6sek8bf92,i=4095", ERR_REFUSED },
        { 0, "r=" NONCE "xyz,s=QSXCR+Q6sek8bf92,i=100001", ERR_REFUSED },
        { 1, "", ERR_SYNTAX },
        { 1, "x=rmF9pqV8S7suAoZWja4dJRkFsKQ=", ERR_SYNTAX },
        { 1, "v=rmF9pqV8S7suAoZWja4dJRkFsKR=", ERR_SYNTAX }, /* not base64 */
        { 1, "v=smF9pqV8S7suAoZWja4dJRkFsKQ=", ERR_REFUSED },
        { 1, "v=rmF9pqV8S7suAoZWja4dJRkFsA==", ERR_REFUSED },
        { 1, "e=invalid-proof", ERR_REFUSED },
    };
    const struct vector *v = &vectors[5];
    assert_int_equal(v->mechanism, SASL_SCRAM_SHA_1);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sasl_credentials k = credentials(v);
        struct sasl_client c;
        struct slice response = SLICE("kept");
        begin(&c, v, &k, rows[i].step);
        assert_int_equal(sasl_client_step(&c, slice_of(rows[i].challenge), &response), rows[i].err);
        assert_true(slice_equal(response, SLICE("kept")));
        assert_int_equal(sasl_client_finish(&c), ERR_REFUSED);
        sasl_client_done(&c);
    }
}

static void test_too_large(void **state)
{
    const struct vector *v = &vectors[5];
    struct sasl_credentials k = credentials(v);
    struct sasl_client c;
    struct slice response;
    char *large = test_malloc(SASL_CHALLENGE_SIZE_MAX + 1);
    memset(large, 'A', SASL_CHALLENGE_SIZE_MAX + 1);
    begin(&c, v, &k, 0);
    assert_int_equal(sasl_client_step(&c, slice(large, SASL_CHALLENGE_SIZE_MAX + 1), &response), ERR_TOO_LARGE);
    /* The largest challenge, all of it nonce: its answer does not fit, or does; nothing overflows. */
    memcpy(large, "r=" NONCE, 2 + sizeof NONCE - 1);
    memcpy(large + SASL_CHALLENGE_SIZE_MAX - 26, ",s=QSXCR+Q6sek8bf92,i=4096", 26);
    enum err err = sasl_client_step(&c, slice(large, SASL_CHALLENGE_SIZE_MAX), &response);
    assert_true(err == ERR_OK || err == ERR_TOO_LARGE);
    sasl_client_done(&c);
    test_free(large);
}

static void test_choose(void **state)
{
    static const struct {
        uint32_t offered, allowed;
        const char *user, *secret, *binding;
        bool token;
        int mechanism; /* -1: none */
    } rows[] = {
        { UINT32_MAX, UINT32_MAX, "u", "p", "b", false, SASL_SCRAM_SHA_256_PLUS },
        { UINT32_MAX, UINT32_MAX, "u", "p", NULL, false, SASL_SCRAM_SHA_256 },
        { UINT32_MAX, UINT32_MAX, "u", "t", NULL, true, SASL_OAUTHBEARER },
        { UINT32_MAX, UINT32_MAX, "", "t", NULL, true, SASL_OAUTHBEARER },
        { BIT(XOAUTH2) | BIT(PLAIN), UINT32_MAX, "u", "t", NULL, true, SASL_XOAUTH2 },
        { BIT(XOAUTH2) | BIT(PLAIN), UINT32_MAX, "u", "p", NULL, false, SASL_PLAIN },
        { BIT(PLAIN) | BIT(LOGIN), UINT32_MAX, "u", "p", NULL, false, SASL_PLAIN },
        { BIT(LOGIN), UINT32_MAX, "u", "p", NULL, false, SASL_LOGIN },
        { BIT(CRAM_MD5) | BIT(PLAIN), BIT(PLAIN), "u", "p", NULL, false, SASL_PLAIN },
        { BIT(SCRAM_SHA_1) | BIT(CRAM_MD5), UINT32_MAX, "u", "p", NULL, false, SASL_SCRAM_SHA_1 },
        { BIT(PLAIN), BIT(LOGIN), "u", "p", NULL, false, -1 },
        { 0, UINT32_MAX, "u", "p", NULL, false, -1 },
        { UINT32_MAX, UINT32_MAX, "", "p", NULL, false, -1 },
        { UINT32_MAX, UINT32_MAX, "u\r\nRSET", "p", NULL, false, -1 },
        { UINT32_MAX, UINT32_MAX, "u", "p\001", NULL, false, -1 },
        { BIT(PLAIN), UINT32_MAX, "u", "t", NULL, true, -1 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sasl_credentials k = {
            .user = slice_of(rows[i].user), .secret = slice_of(rows[i].secret), .token = rows[i].token,
            .channel_binding = slice_of(rows[i].binding),
        };
        enum sasl_mechanism mechanism = SASL_MECHANISM_COUNT;
        bool found = sasl_client_choose(rows[i].offered, rows[i].allowed, &k, &mechanism);
        assert_int_equal(found, rows[i].mechanism >= 0);
        assert_int_equal(mechanism, found ? (enum sasl_mechanism)rows[i].mechanism : SASL_MECHANISM_COUNT);
    }
}

static void test_names(void **state)
{
    enum sasl_mechanism mechanism;
    for (size_t i = 0; i < SASL_MECHANISM_COUNT; i++) {
        const char *name = sasl_mechanism_name((enum sasl_mechanism)i);
        assert_true(sasl_mechanism_parse(slice_of(name), &mechanism));
        assert_int_equal(mechanism, i);
    }
    assert_true(sasl_mechanism_parse(SLICE("cram-Md5"), &mechanism));
    assert_int_equal(mechanism, SASL_CRAM_MD5);
    assert_false(sasl_mechanism_parse(SLICE("SCRAM-SHA"), &mechanism));
    assert_false(sasl_mechanism_parse(SLICE("SCRAM-SHA-512"), &mechanism));
    assert_false(sasl_mechanism_parse(SLICE(""), &mechanism));
}

/* The longest user and secret that are taken give a response that fits (RFC 4954 4: 12288 octets in base64). */
static void test_longest(void **state)
{
    char *user = test_malloc(SASL_USER_SIZE_MAX), *secret = test_malloc(SASL_SECRET_SIZE_MAX);
    memset(user, '=', SASL_USER_SIZE_MAX);
    memset(secret, 's', SASL_SECRET_SIZE_MAX);
    for (size_t i = 0; i < SASL_MECHANISM_COUNT; i++) {
        struct sasl_credentials k = {
            .user = slice(user, SASL_USER_SIZE_MAX),
            .secret = slice(secret, SASL_SECRET_SIZE_MAX),
            .authzid = slice(user, i == SASL_PLAIN ? SASL_USER_SIZE_MAX : 0),
            .channel_binding = SLICE("0123456789abcdef0123456789abcdef"),
        };
        struct sasl_client c;
        struct slice response = SLICE_EMPTY;
        sasl_client_init(&c, (enum sasl_mechanism)i, UINT32_MAX, &k);
        if (sasl_client_initial(&c, &response))
            assert_true(response.size > 0 && response.size <= SASL_RESPONSE_SIZE_MAX);
        else
            assert_int_equal(sasl_client_step(&c, SLICE("<1@x>"), &response), ERR_OK);
        sasl_client_done(&c);
    }
    test_free(user);
    test_free(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),   cmocka_unit_test(test_proof_missing), cmocka_unit_test(test_scram_wrong),
        cmocka_unit_test(test_too_large), cmocka_unit_test(test_choose),        cmocka_unit_test(test_names),
        cmocka_unit_test(test_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
