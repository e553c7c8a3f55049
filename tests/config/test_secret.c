/* Secrets at rest: sealed ones are opened with their key only; hashes are of argon2id at bearable costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "config/secret.h"

static const uint8_t key[SECRET_KEY_SIZE] = "0123456789abcdef0123456789abcde";
static const uint8_t nonce[SECRET_NONCE_SIZE] = "abcdefghijklmnopqrstuvw";
static const uint8_t salt[SECRET_SALT_SIZE] = "saltsaltsaltsal";

static void test_sealed_is_opened(void **state)
{
    static char octets[SECRET_SIZE_MAX];
    memset(octets, '\xfe', sizeof octets);
    static const size_t sizes[] = { 0, 1, 15, 16, 17, 1000, SECRET_SIZE_MAX };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buffer sealed, opened;
        buffer_init(&sealed, SECRET_SEALED_SIZE_MAX);
        buffer_init(&opened, SECRET_SIZE_MAX);
        assert_int_equal(secret_seal(key, nonce, slice(octets, sizes[i]), &sealed), ERR_OK);
        assert_true(secret_is_sealed(buffer_slice(&sealed)));
        assert_true(slice_starts_with(buffer_slice(&sealed), SLICE("sealed:1:")));
        assert_int_equal(secret_open(key, buffer_slice(&sealed), &opened), ERR_OK);
        assert_true(slice_equal(buffer_slice(&opened), slice(octets, sizes[i])));
        buffer_done(&sealed);
        buffer_done(&opened);
    }
    struct buffer sealed;
    buffer_init(&sealed, 1 << 16);
    static char large[SECRET_SIZE_MAX + 1];
    assert_int_equal(secret_seal(key, nonce, slice(large, sizeof large), &sealed), ERR_TOO_LARGE);
    assert_int_equal(sealed.size, 0);
    buffer_done(&sealed);
}

static void test_sealed_is_stable(void **state) /* a file of today is read by every later version */
{
    struct buffer opened;
    buffer_init(&opened, 100);
    struct slice sealed = SLICE("sealed:1:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dncArw1gBWcAo3h5aUrwFEgtUUa9oKPl9EfVgx/ldlQ=");
    assert_int_equal(secret_open(key, sealed, &opened), ERR_OK);
    assert_true(slice_equal(buffer_slice(&opened), SLICE("correct horse")));
    buffer_done(&opened);
}

static void test_another_key_or_a_changed_octet(void **state)
{
    struct buffer sealed, opened;
    buffer_init(&sealed, SECRET_SEALED_SIZE_MAX);
    buffer_init(&opened, SECRET_SIZE_MAX);
    assert_int_equal(secret_seal(key, nonce, SLICE("correct horse"), &sealed), ERR_OK);
    for (size_t i = 0; i < SECRET_KEY_SIZE; i++) {
        uint8_t other[SECRET_KEY_SIZE];
        memcpy(other, key, sizeof other);
        other[i] ^= 1;
        assert_int_equal(secret_open(other, buffer_slice(&sealed), &opened), ERR_CORRUPT);
    }
    for (size_t i = 9; i < sealed.size; i++) {
        char before = sealed.data[i];
        sealed.data[i] = before == 'A' ? 'B' : 'A';
        enum err err = secret_open(key, buffer_slice(&sealed), &opened);
        assert_true(err == ERR_CORRUPT || err == ERR_SYNTAX);
        sealed.data[i] = before;
        err = secret_open(key, slice_part(buffer_slice(&sealed), 0, i), &opened);
        assert_true(err == ERR_CORRUPT || err == ERR_SYNTAX);
    }
    assert_int_equal(opened.size, 0);
    buffer_done(&sealed);
    buffer_done(&opened);
}

static void test_no_sealed_text(void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        { "", ERR_SYNTAX },          { "secret", ERR_SYNTAX },       { "sealed:", ERR_SYNTAX },     { "sealed:1", ERR_SYNTAX },
        { "sealed:1:", ERR_SYNTAX }, { "sealed:x:AAAA", ERR_SYNTAX }, { "sealed:0:AAAA", ERR_SYNTAX }, { "sealed:1:A!AA", ERR_SYNTAX },
        { "sealed:1:AAAA", ERR_SYNTAX }, { "sealed:2:AAAA", ERR_NEWER_FORMAT }, { "sealed:10:whatever it is", ERR_NEWER_FORMAT },
        { "Sealed:1:AAAA", ERR_SYNTAX },
    };
    struct buffer opened;
    buffer_init(&opened, 100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(secret_open(key, slice_of(cases[i].text), &opened), cases[i].err);
    assert_int_equal(opened.size, 0);
    buffer_done(&opened);
}

/* ---- hashes ---- */

static void test_passwords(void **state)
{
    struct buffer hash;
    buffer_init(&hash, PASSWORD_HASH_SIZE_MAX);
    assert_int_equal(password_hash(SLICE("correct horse"), salt, &hash), ERR_OK);
    assert_true(slice_starts_with(buffer_slice(&hash), SLICE("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsAA$")));
    assert_true(password_hash_valid(buffer_slice(&hash)));
    assert_int_equal(password_verify(buffer_slice(&hash), SLICE("correct horse")), ERR_OK);
    assert_int_equal(password_verify(buffer_slice(&hash), SLICE("correct horsf")), ERR_REFUSED);
    assert_int_equal(password_verify(buffer_slice(&hash), SLICE("correct horse ")), ERR_REFUSED);
    assert_int_equal(password_verify(buffer_slice(&hash), SLICE("")), ERR_REFUSED);
    buffer_clear(&hash);
    assert_int_equal(password_hash(SLICE(""), salt, &hash), ERR_OK); /* may be asked for, is judged elsewhere */
    assert_int_equal(password_verify(buffer_slice(&hash), SLICE("")), ERR_OK);
    assert_int_equal(password_verify(buffer_slice(&hash), SLICE("x")), ERR_REFUSED);
    buffer_done(&hash);
    static char large[PASSWORD_SIZE_MAX + 1];
    struct buffer small;
    buffer_init(&small, 20);
    assert_int_equal(password_hash(slice(large, sizeof large), salt, &small), ERR_TOO_LARGE);
    assert_int_equal(password_hash(SLICE("x"), salt, &small), ERR_TOO_LARGE);
    assert_int_equal(small.size, 0);
    buffer_done(&small);
}

#define SALT "c2FsdHNhbHRzYWx0c2FsAA"
#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void test_hashes_of_others(void **state)
{
    static const struct {
        const char *hash;
        bool valid;
    } cases[] = {
        { "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" HASH, true },
        { "$argon2id$v=19$m=262144,t=16,p=1$" SALT "$" HASH, true },
        { "$argon2id$v=19$m=262145,t=2,p=1$" SALT "$" HASH, false }, /* more than a worker may spend */
        { "$argon2id$v=19$m=19456,t=17,p=1$" SALT "$" HASH, false },
        { "$argon2id$v=19$m=19456,t=2,p=2$" SALT "$" HASH, false },
        { "$argon2id$v=19$m=7,t=2,p=1$" SALT "$" HASH, false },
        { "$argon2id$v=19$m=19456,t=0,p=1$" SALT "$" HASH, false },
        { "$argon2id$v=16$m=19456,t=2,p=1$" SALT "$" HASH, false },
        { "$argon2i$v=19$m=19456,t=2,p=1$" SALT "$" HASH, false },
        { "$argon2id$v=19$m=19456,t=2,p=1$" SALT, false },
        { "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$", false },
        { "$argon2id$v=19$m=19456,t=2,p=1$$" HASH, false },
        { "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" HASH "$", false },
        { "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" HASH "=", false },
        { "$argon2id$v=19$t=2,m=19456,p=1$" SALT "$" HASH, false },
        { "$argon2id$v=19$m=19456,t=2$" SALT "$" HASH, false },
        { "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" HASH HASH HASH, false },
        { "$6$salt$hash", false },
        { "plain", false },
        { "", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (password_hash_valid(slice_of(cases[i].hash)) != cases[i].valid)
            fail_msg("%s", cases[i].hash);
        if (!cases[i].valid)
            assert_int_equal(password_verify(slice_of(cases[i].hash), SLICE("x")), ERR_CORRUPT);
    }
}

static void test_wiped(void **state)
{
    char octets[] = "secret";
    struct buffer b;
    secret_wipe(slice(octets, sizeof octets));
    for (size_t i = 0; i < sizeof octets; i++)
        assert_int_equal(octets[i], 0);
    secret_wipe(SLICE_EMPTY);
    buffer_init(&b, 100);
    buffer_add_text(&b, "secret");
    secret_wipe_buffer(&b);
    assert_int_equal(b.size, 0);
    assert_memory_equal(b.data, "\0\0\0\0\0\0", 6);
    buffer_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed_is_opened),
        cmocka_unit_test(test_sealed_is_stable),
        cmocka_unit_test(test_another_key_or_a_changed_octet),
        cmocka_unit_test(test_no_sealed_text),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_hashes_of_others),
        cmocka_unit_test(test_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
