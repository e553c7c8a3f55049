#include "proto/sasl_server.h"

#include <assert.h>

#include "base/codec.h"

enum { ANSWER_SIZE_MAX = 2 * (SASL_SERVER_LOGIN_SIZE_MAX + 1) + SASL_SERVER_PASSWORD_SIZE_MAX };

const char *sasl_server_mechanism_name(enum sasl_server_mechanism mechanism)
{
    switch (mechanism) {
    case SASL_SERVER_PLAIN:
        return "PLAIN";
    case SASL_SERVER_LOGIN:
        return "LOGIN";
    case SASL_SERVER_NONE:
        break;
    }
    return "";
}

enum sasl_server_mechanism sasl_server_mechanism_of(struct slice name)
{
    if (slice_equal_nocase(name, SLICE("PLAIN")))
        return SASL_SERVER_PLAIN;
    return slice_equal_nocase(name, SLICE("LOGIN")) ? SASL_SERVER_LOGIN : SASL_SERVER_NONE;
}

void sasl_server_init(struct sasl_server *s, enum sasl_server_mechanism mechanism)
{
    assert(mechanism != SASL_SERVER_NONE);
    s->mechanism = mechanism;
    s->login_known = false;
    s->authzid_size = s->login_size = s->password_size = 0;
}

void sasl_server_done(struct sasl_server *s)
{
    explicit_bzero(s, sizeof *s);
}

/* A name: no controls, so that it can be logged and looked up. Empty ones are for the caller to judge. */
static bool keep(struct slice value, bool name, char *text, size_t size_max, uint16_t *ret_size)
{
    if (value.size > size_max)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c == 0 || (name && (c < ' ' || c == 0x7f)))
            return false;
    }
    if (value.size > 0)
        memcpy(text, value.data, value.size);
    *ret_size = (uint16_t)value.size;
    return true;
}

static bool keep_login(struct sasl_server *s, struct slice login)
{
    return login.size > 0 && keep(login, true, s->login, sizeof s->login, &s->login_size);
}

static bool keep_password(struct sasl_server *s, struct slice password)
{
    return password.size > 0 && keep(password, false, s->password, sizeof s->password, &s->password_size);
}

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static enum sasl_server_step plain(struct sasl_server *s, struct slice message)
{
    struct slice authzid = slice_split(&message, '\0');
    bool second = slice_find(message, '\0') < message.size;
    struct slice login = slice_split(&message, '\0');
    if (!second || !keep(authzid, true, s->authzid, sizeof s->authzid, &s->authzid_size) || !keep_login(s, login) ||
        !keep_password(s, message))
        return SASL_SERVER_MALFORMED;
    return SASL_SERVER_COMPLETE;
}

/* Two questions, one answer each; the words are the ones that clients look for. */
static enum sasl_server_step login(struct sasl_server *s, struct slice answer, struct slice *ret_challenge)
{
    if (s->login_known)
        return keep_password(s, answer) ? SASL_SERVER_COMPLETE : SASL_SERVER_MALFORMED;
    if (!keep_login(s, answer))
        return SASL_SERVER_MALFORMED;
    s->login_known = true;
    *ret_challenge = SLICE("UGFzc3dvcmQ6"); /* Password: */
    return SASL_SERVER_CHALLENGE;
}

enum sasl_server_step sasl_server_begin(struct sasl_server *s, struct slice initial, struct slice *ret_challenge)
{
    if (initial.data == NULL) {
        *ret_challenge = s->mechanism == SASL_SERVER_LOGIN ? SLICE("VXNlcm5hbWU6") /* Username: */ : SLICE("");
        return SASL_SERVER_CHALLENGE;
    }
    if (slice_equal(initial, SLICE("=")))
        initial = SLICE("");
    else if (slice_equal(initial, SLICE("*")))
        return SASL_SERVER_MALFORMED;
    return sasl_server_feed(s, initial, ret_challenge);
}

enum sasl_server_step sasl_server_feed(struct sasl_server *s, struct slice line, struct slice *ret_challenge)
{
    char text[ANSWER_SIZE_MAX];
    struct buffer answer = { .data = text, .capacity = sizeof text, .size_max = sizeof text }; /* refuses more */
    if (slice_equal(line, SLICE("*")))
        return SASL_SERVER_CANCELLED;
    enum sasl_server_step step = SASL_SERVER_MALFORMED;
    if (base64_decode(line, &answer) == ERR_OK)
        step = s->mechanism == SASL_SERVER_PLAIN ? plain(s, buffer_slice(&answer))
                                                 : login(s, buffer_slice(&answer), ret_challenge);
    explicit_bzero(text, sizeof text);
    return step;
}
