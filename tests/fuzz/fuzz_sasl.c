/* Logins, both sides. The server's: lines of any octets; the client's: challenges of any octets, for each mechanism. */
#include "fuzz.h"

#include "proto/sasl_client.h"
#include "proto/sasl_server.h"

static void server(struct cursor c, uint8_t flags)
{
    struct sasl_server s;
    struct slice challenge = SLICE_EMPTY;
    bool initial = flags & 2;
    sasl_server_init(&s, flags & 1 ? SASL_SERVER_PLAIN : SASL_SERVER_LOGIN);
    enum sasl_server_step step = sasl_server_begin(&s, initial ? slice_split(&c.rest, '\n') : SLICE_EMPTY, &challenge);
    int rounds = 0;
    while (step == SASL_SERVER_CHALLENGE && c.rest.size > 0) {
        assert(challenge.data != NULL && ++rounds <= 3);
        step = sasl_server_feed(&s, slice_split(&c.rest, '\n'), &challenge);
    }
    if (step == SASL_SERVER_COMPLETE) {
        assert(s.login_size > 0 && s.login_size <= sizeof s.login && s.authzid_size <= sizeof s.authzid);
        assert(s.password_size > 0 && s.password_size <= sizeof s.password);
        for (size_t i = 0; i < s.login_size; i++)
            assert((unsigned char)s.login[i] >= ' ' && s.login[i] != 0x7f);
        assert(memchr(s.password, '\0', s.password_size) == NULL);
    }
    sasl_server_done(&s);
    assert(s.login_size == 0 && s.password[0] == '\0');
}

static void client(struct cursor c, uint8_t flags)
{
    struct sasl_client client;
    struct sasl_credentials credentials = {
        .user = SLICE("user"),
        .secret = SLICE("pencil"),
        .host = SLICE("mx.example.org"),
        .port = 587,
        .nonce = "0123456789abcdefg",
    };
    enum sasl_mechanism mechanism = flags % SASL_MECHANISM_COUNT;
    struct slice response;
    credentials.token = SASL_TOKEN_MECHANISMS >> mechanism & 1;
    if (SASL_BINDING_MECHANISMS >> mechanism & 1)
        credentials.channel_binding = SLICE("binding");
    sasl_client_init(&client, mechanism, 1u << mechanism, &credentials);
    if (sasl_client_initial(&client, &response))
        assert(response.size <= SASL_RESPONSE_SIZE_MAX);
    enum err err = ERR_OK;
    for (int step = 0; step < SASL_STEPS_MAX && err == ERR_OK; step++) {
        struct slice challenge = slice_split(&c.rest, '\n');
        if (challenge.size > SASL_CHALLENGE_SIZE_MAX)
            break;
        err = sasl_client_step(&client, challenge, &response);
        assert(err != ERR_OK || response.size <= SASL_RESPONSE_SIZE_MAX);
    }
    bool scram = mechanism <= SASL_SCRAM_SHA_1;
    assert(!scram || sasl_client_finish(&client) == ERR_REFUSED); /* nobody guesses the signature */
    sasl_client_done(&client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor(slice(data, size));
    uint8_t flags = cursor_u8(&c);
    server(c, flags);
    client(c, flags);
    return 0;
}
