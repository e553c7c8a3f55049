/* Random values: the published vectors, and the same seed always giving the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/random.h"

static void check_stream(const char *seed_hex, const char *expected_hex)
{
    struct random_stream r;
    struct buffer seed, expected;
    char octets[128];
    buffer_init(&seed, 32);
    buffer_init(&expected, sizeof octets);
    assert_int_equal(hex_decode(slice_of(seed_hex), &seed), ERR_OK);
    assert_int_equal(hex_decode(slice_of(expected_hex), &expected), ERR_OK);
    random_stream_init(&r, (const uint8_t *)seed.data);
    random_stream_bytes(&r, octets, expected.size);
    assert_memory_equal(octets, expected.data, expected.size);
    random_stream_init(&r, (const uint8_t *)seed.data);
    for (size_t from = 0, size = 1; from < expected.size; from += size, size = size % 13 + 1) { /* in any pieces */
        size = size < expected.size - from ? size : expected.size - from;
        random_stream_bytes(&r, octets + from, size);
    }
    assert_memory_equal(octets, expected.data, expected.size);
    buffer_done(&seed);
    buffer_done(&expected);
}

static void test_chacha20(void **state)
{
    (void)state;
    /* RFC 8439 A.1, vectors 1 and 2: two blocks of one key. */
    check_stream("0000000000000000000000000000000000000000000000000000000000000000",
                 "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                 "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
                 "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                 "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    /* Another key, from another implementation (OpenSSL). */
    check_stream("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                 "39fd2b7dd9c5196a8dbd0377b8dc4a498a35d86fbcde6accb2cc7d4cd8ea2492"
                 "2b23cce7a26023ab3f0eef693ac87f64258235eab1f7a32dc22762a0485b410c"
                 "18b84231ade6a6d113615c61af434e27f8b1f3f5e1ad5b5cecf8fc122a35755c"
                 "7208086dd1ee3c5d9d815824640e003c9ba0f65ede5d59ce0d2a4a7f31955acd");
}

static void test_stream_counter_carries(void **state)
{
    (void)state;
    struct random_stream r;
    uint8_t seed[32] = { 7 };
    random_stream_init(&r, seed);
    r.state[12] = UINT32_MAX;
    (void)random_stream_u64(&r);
    assert_int_equal(r.state[12], 0);
    assert_int_equal(r.state[13], 1);
}

static void test_stream_values(void **state)
{
    (void)state;
    struct random_stream a, b;
    uint8_t seed[32] = { 0 };
    char text[41];
    random_stream_init(&a, seed);
    assert_true(random_stream_u64(&a) == UINT64_C(0x903df1a0ade0b876)); /* little-endian */
    random_stream_init(&a, seed);
    random_stream_init(&b, seed);
    for (int i = 0; i < 1000; i++)
        assert_true(random_stream_u64(&a) == random_stream_u64(&b));
    random_stream_text(&a, text, 40);
    assert_int_equal(strlen(text), 40);
    for (int i = 0; i < 40; i++)
        assert_true((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'B' && text[i] <= 'Z') || text[i] == '_');
    random_stream_text(&a, text, 0);
    assert_string_equal(text, "");
}

static void test_xoshiro(void **state)
{
    (void)state;
    struct random_fast r;
    random_fast_init(&r, 0); /* splitmix64 of 0 */
    assert_true(r.state[0] == UINT64_C(0xe220a8397b1dcdaf) && r.state[1] == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(r.state[2] == UINT64_C(0x06c45d188009454f) && r.state[3] == UINT64_C(0xf88bb8a8724c81ec));
    r = (struct random_fast){ { 1, 2, 3, 4 } };
    assert_true(random_fast_u64(&r) == 11520);
    assert_true(random_fast_u64(&r) == 0);
    assert_true(random_fast_u64(&r) == 1509978240);
    assert_true(random_fast_u64(&r) == UINT64_C(1215971899390074240));
}

static void test_fast_is_deterministic_and_fair(void **state)
{
    (void)state;
    struct random_fast a, b;
    unsigned counts[10] = { 0 };
    random_fast_init(&a, 42);
    random_fast_init(&b, 42);
    for (int i = 0; i < 100000; i++) {
        uint64_t v = random_fast_below(&a, 10);
        assert_true(v < 10 && v == random_fast_below(&b, 10));
        counts[v]++;
    }
    for (int i = 0; i < 10; i++) /* 10,000 each; 500 is more than five standard deviations */
        assert_in_range(counts[i], 9500, 10500);
    for (int i = 0; i < 100; i++) {
        assert_true(random_fast_below(&a, 1) == 0);
        assert_true(random_fast_below(&a, UINT64_MAX) < UINT64_MAX);
    }
    random_fast_init(&b, 43);
    assert_true(random_fast_u64(&a) != random_fast_u64(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chacha20),
        cmocka_unit_test(test_stream_counter_carries),
        cmocka_unit_test(test_stream_values),
        cmocka_unit_test(test_xoshiro),
        cmocka_unit_test(test_fast_is_deterministic_and_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
