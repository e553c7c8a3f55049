/* The server's side of PLAIN and LOGIN as tables: a row is the lines that the client sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/codec.h"
#include "proto/sasl_server.h"

struct row {
    enum sasl_server_mechanism mechanism;
    const char *initial; /* NULL: none */
    const char *lines;   /* each ended by LF */
    const char *steps;   /* one letter each: c challenge, o complete, x cancelled, m malformed */
    const char *result;  /* authzid|login|password */
};

static const struct row rows[] = {
    { SASL_SERVER_PLAIN, "AGxvZ2luAHNlY3JldA==", "", "o", "|login|secret" },
    { SASL_SERVER_PLAIN, "YXV0aHoAbG9naW4Ac2VjcmV0", "", "o", "authz|login|secret" },
    { SASL_SERVER_PLAIN, NULL, "AGxvZ2luAHNlY3JldA==\n", "co", "|login|secret" },
    { SASL_SERVER_PLAIN, NULL, "*\n", "cx", NULL },
    { SASL_SERVER_PLAIN, NULL, "\n", "cm", NULL },
    { SASL_SERVER_PLAIN, NULL, "=\n", "cm", NULL },
    { SASL_SERVER_PLAIN, "=", "", "m", NULL },
    { SASL_SERVER_PLAIN, "", "", "m", NULL },
    { SASL_SERVER_PLAIN, "*", "", "m", NULL },
    { SASL_SERVER_PLAIN, "bG9naW4=", "", "m", NULL },            /* login */
    { SASL_SERVER_PLAIN, "bG9naW4Ac2VjcmV0", "", "m", NULL },    /* login NUL secret */
    { SASL_SERVER_PLAIN, "AGxvZ2luAA==", "", "m", NULL },        /* no password */
    { SASL_SERVER_PLAIN, "AABzZWNyZXQ=", "", "m", NULL },        /* no login */
    { SASL_SERVER_PLAIN, "AGEAYgBj", "", "m", NULL },            /* a NUL in the password */
    { SASL_SERVER_PLAIN, "AGEKYgBz", "", "m", NULL },            /* a line feed in the login */
    { SASL_SERVER_PLAIN, "YQ1iAGMAZA==", "", "m", NULL },        /* a CR in the authzid */
    { SASL_SERVER_PLAIN, "AGxvZ2luAHNlY3JldA=", "", "m", NULL }, /* length % 4 (CVE-2018-6789) */
    { SASL_SERVER_PLAIN, "AGxvZ2luAHNlY3JldA", "", "m", NULL },
    { SASL_SERVER_PLAIN, "AGxvZ2luAHNlY3JldB==", "", "m", NULL }, /* bits left over */
    { SASL_SERVER_PLAIN, "AGxv Z2luAHNlY3JldA==", "", "m", NULL },
    { SASL_SERVER_PLAIN, "AMOpAMOp", "", "o", "|\xc3\xa9|\xc3\xa9" }, /* octets above 127 are the owner's to judge */
    { SASL_SERVER_LOGIN, NULL, "bG9naW4=\nc2VjcmV0\n", "cco", "|login|secret" },
    { SASL_SERVER_LOGIN, "bG9naW4=", "c2VjcmV0\n", "co", "|login|secret" },
    { SASL_SERVER_LOGIN, NULL, "*\n", "cx", NULL },
    { SASL_SERVER_LOGIN, NULL, "bG9naW4=\n*\n", "ccx", NULL },
    { SASL_SERVER_LOGIN, NULL, "\n", "cm", NULL },
    { SASL_SERVER_LOGIN, "=", "", "m", NULL },
    { SASL_SERVER_LOGIN, "bG9naW4=", "\n", "cm", NULL },
    { SASL_SERVER_LOGIN, "bG9naW4=", "x\n", "cm", NULL },
    { SASL_SERVER_LOGIN, "YQBi", "", "m", NULL },
    { SASL_SERVER_LOGIN, "bG9naW4=", "YQBi\n", "cm", NULL },
};

static char step_letter(enum sasl_server_step step)
{
    return "coxm"[step];
}

static void test_rows(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct sasl_server s;
        struct slice challenge = SLICE_EMPTY, lines = slice_of(row->lines);
        char steps[8] = "", result[256];
        size_t count = 0;
        sasl_server_init(&s, row->mechanism);
        enum sasl_server_step step = sasl_server_begin(&s, slice_of(row->initial), &challenge);
        steps[count++] = step_letter(step);
        while (step == SASL_SERVER_CHALLENGE && lines.size > 0) {
            step = sasl_server_feed(&s, slice_split(&lines, '\n'), &challenge);
            steps[count++] = step_letter(step);
        }
        assert_int_equal(lines.size, 0);
        if (!slice_equal(slice(steps, count), slice_of(row->steps)))
            fail_msg("row %zu: %s, not %s", i, steps, row->steps);
        if (step == SASL_SERVER_COMPLETE) {
            snprintf(result, sizeof result, "%.*s|%.*s|%.*s", s.authzid_size, s.authzid, s.login_size, s.login,
                     s.password_size, s.password);
            assert_string_equal(result, row->result);
        }
        sasl_server_done(&s);
        for (size_t j = 0; j < sizeof s; j++)
            assert_int_equal(((const char *)&s)[j], 0); /* wiped */
    }
}

static void test_challenges(void **state)
{
    struct sasl_server s;
    struct slice challenge = SLICE_EMPTY;
    sasl_server_init(&s, SASL_SERVER_PLAIN);
    assert_int_equal(sasl_server_begin(&s, SLICE_EMPTY, &challenge), SASL_SERVER_CHALLENGE);
    assert_int_equal(challenge.size, 0);
    sasl_server_init(&s, SASL_SERVER_LOGIN);
    assert_int_equal(sasl_server_begin(&s, SLICE_EMPTY, &challenge), SASL_SERVER_CHALLENGE);
    assert_true(slice_equal(challenge, SLICE("VXNlcm5hbWU6")));
    assert_int_equal(sasl_server_feed(&s, SLICE("YQ=="), &challenge), SASL_SERVER_CHALLENGE);
    assert_true(slice_equal(challenge, SLICE("UGFzc3dvcmQ6")));
    sasl_server_done(&s);
}

/* PLAIN with fields of these sizes. */
static enum sasl_server_step plain_of(size_t authzid, size_t login, size_t password)
{
    struct sasl_server s;
    struct slice challenge;
    struct buffer message, text;
    buffer_init(&message, 8192);
    buffer_init(&text, 16384);
    for (size_t i = 0; i < authzid; i++)
        buffer_add_char(&message, 'a');
    buffer_add_char(&message, '\0');
    for (size_t i = 0; i < login; i++)
        buffer_add_char(&message, 'b');
    buffer_add_char(&message, '\0');
    for (size_t i = 0; i < password; i++)
        buffer_add_char(&message, 'c');
    base64_encode(buffer_slice(&message), &text);
    sasl_server_init(&s, SASL_SERVER_PLAIN);
    enum sasl_server_step step = sasl_server_begin(&s, buffer_slice(&text), &challenge);
    sasl_server_done(&s);
    buffer_done(&message);
    buffer_done(&text);
    return step;
}

static void test_sizes(void **state)
{
    enum { NAME = SASL_SERVER_LOGIN_SIZE_MAX, PASSWORD = SASL_SERVER_PASSWORD_SIZE_MAX };
    assert_int_equal(plain_of(NAME, NAME, PASSWORD), SASL_SERVER_COMPLETE);
    assert_int_equal(plain_of(NAME + 1, NAME, PASSWORD), SASL_SERVER_MALFORMED);
    assert_int_equal(plain_of(0, NAME + 1, PASSWORD), SASL_SERVER_MALFORMED);
    assert_int_equal(plain_of(0, NAME, PASSWORD + 1), SASL_SERVER_MALFORMED);
    assert_int_equal(plain_of(0, 1, 6000), SASL_SERVER_MALFORMED);
    for (size_t size = 0; size < 8; size++) /* every padding at the limit */
        assert_int_equal(plain_of(NAME - size, NAME, PASSWORD), SASL_SERVER_COMPLETE);
}

static void test_mechanisms(void **state)
{
    assert_int_equal(sasl_server_mechanism_of(SLICE("plain")), SASL_SERVER_PLAIN);
    assert_int_equal(sasl_server_mechanism_of(SLICE("LoGiN")), SASL_SERVER_LOGIN);
    assert_int_equal(sasl_server_mechanism_of(SLICE("CRAM-MD5")), SASL_SERVER_NONE);
    assert_int_equal(sasl_server_mechanism_of(SLICE_EMPTY), SASL_SERVER_NONE);
    assert_string_equal(sasl_server_mechanism_name(SASL_SERVER_PLAIN), "PLAIN");
    assert_string_equal(sasl_server_mechanism_name(SASL_SERVER_LOGIN), "LOGIN");
    assert_string_equal(sasl_server_mechanism_name(SASL_SERVER_NONE), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_challenges),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_mechanisms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
