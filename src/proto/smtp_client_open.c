/* From the banner to READY: greeting, EHLO (HELO where it is refused), STARTTLS and EHLO again, the login. Lockstep: no
 * command goes out before the answer to the one before, and nothing that came in clear is believed after the handshake
 * (S06).
 *
 * A login (A33) begins only where the link is what the options ask for; before that no octet of it, not even the
 * mechanism's name, is said. The strongest mechanism is tried first, and the next one only where the server refuses the
 * mechanism rather than the password: a wrong password tried three times is a locked account. */
#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"
#include "proto/smtp_client_work.h"

enum {
    AUTH_LINE_SIZE_MAX = 512, /* RFC 4954 4: an initial response that does not fit waits for a challenge */
};

enum stage smtp_client_open_stage(const struct smtp_client *c)
{
    switch (c->state) {
    case SMTP_CLIENT_STATE_BANNER:
        return STAGE_BANNER;
    case SMTP_CLIENT_STATE_EHLO:
    case SMTP_CLIENT_STATE_HELO:
        return STAGE_EHLO;
    case SMTP_CLIENT_STATE_AUTH:
        return STAGE_AUTH;
    default:
        return STAGE_TLS;
    }
}

/* ---- refusals ---- */

/* The server has refused what the session cannot do without. After 421 it closes by itself. */
static void refused(struct smtp_client *c, const struct smtp_reply *reply)
{
    smtp_client_end_now(c, smtp_client_outcome_of(c, smtp_client_open_stage(c), reply), reply->code != 421);
}

/* The session is not what the options ask for. */
static void unfit(struct smtp_client *c, enum stage stage, enum outcome_cause cause, struct slice text)
{
    struct outcome why = smtp_client_outcome(c, OUTCOME_TEMP, stage, cause);
    why.text = text;
    smtp_client_end_now(c, why, true);
}

/* ---- the login ---- */

void smtp_client_sasl_drop(struct smtp_client *c)
{
    if (c->sasl == NULL)
        return;
    sasl_client_done(c->sasl);
    mem_free(c->sasl);
    c->sasl = NULL;
}

static void ready(struct smtp_client *c)
{
    smtp_client_sasl_drop(c);
    buffer_clear(&c->binding);
    buffer_trim(&c->binding);
    smtp_client_set_state(c, SMTP_CLIENT_STATE_READY);
    c->ready = c->was_ready = true;
}

static struct sasl_credentials credentials(const struct smtp_client *c)
{
    struct sasl_credentials k = c->options.login->credentials;
    if (c->binding.size > 0) {
        k.channel_binding = buffer_slice(&c->binding);
        k.channel_binding_exporter = c->binding_exporter;
    }
    return k;
}

/* Adds the response in base64. Room is made at once for all of it: growing would leave secrets in freed memory. */
static void add_response(struct smtp_client *c, struct slice response)
{
    char *room = buffer_reserve(&c->unsent, (response.size + 2) / 3 * 4 + SMTP_CLIENT_COMMAND_SIZE_MAX);
    assert(room != NULL);
    base64_encode(response, &c->unsent);
    c->secret = true;
}

static void say_auth(struct smtp_client *c)
{
    char shown[64];
    struct slice response;
    const char *name = sasl_mechanism_name(c->mechanism);
    size_t from = c->unsent.size;
    bool initial = sasl_client_initial(c->sasl, &response);
    size_t line_size = strlen("AUTH  \r\n") + strlen(name) + (initial ? (response.size + 2) / 3 * 4 : 0);
    c->sasl_held = initial && line_size > AUTH_LINE_SIZE_MAX;
    initial = initial && !c->sasl_held;
    snprintf(shown, sizeof shown, initial ? "AUTH %s ****" : "AUTH %s", name);
    buffer_add_format(&c->unsent, initial ? "AUTH %s " : "AUTH %s", name);
    if (initial) {
        assert(response.size > 0); /* no mechanism here has an empty one, which would be "=" */
        add_response(c, response);
    }
    smtp_client_command_end(c, &c->opening, from, shown);
}

/* The next mechanism that both sides have; false: there is none (any more). */
static bool login_try(struct smtp_client *c)
{
    const struct smtp_client_login *login = c->options.login;
    struct sasl_credentials k = credentials(c);
    uint32_t allowed = (login->mechanisms != 0 ? login->mechanisms : UINT32_MAX) & ~c->tried_mechanisms;
    smtp_client_sasl_drop(c);
    if (!sasl_client_choose(c->extensions.auth_mechanisms, allowed, &k, &c->mechanism))
        return false;
    c->tried_mechanisms |= 1u << c->mechanism;
    c->sasl_steps = 0;
    c->sasl_fault = ERR_OK;
    c->sasl = mem_alloc(sizeof *c->sasl);
    sasl_client_init(c->sasl, c->mechanism, c->extensions.auth_mechanisms, &k);
    smtp_client_set_state(c, SMTP_CLIENT_STATE_AUTH);
    say_auth(c);
    return true;
}

static void login(struct smtp_client *c)
{
    const struct smtp_client_login *l = c->options.login;
    if (l == NULL || (l->optional && !c->extensions.auth)) {
        ready(c);
        return;
    }
    bool allowed = c->tls ? c->tls_verified || l->allow_unverified : l->allow_clear;
    if (!allowed)
        unfit(c, STAGE_AUTH, OUTCOME_CAUSE_AUTH_CLEAR, SLICE_EMPTY);
    else if (!login_try(c))
        unfit(c, STAGE_AUTH, OUTCOME_CAUSE_AUTH_NO_MECHANISM, SLICE_EMPTY);
}

static void sasl_respond(struct smtp_client *c, struct slice response)
{
    size_t from = c->unsent.size;
    add_response(c, response);
    smtp_client_command_end(c, &c->opening, from, "****");
}

static void sasl_cancel(struct smtp_client *c, enum err fault)
{
    c->sasl_fault = fault;
    smtp_client_command(c, &c->opening, "*");
}

static void sasl_challenge(struct smtp_client *c, const struct smtp_reply *reply)
{
    struct slice response;
    struct buffer challenge;
    if (c->sasl_fault != ERR_OK) {
        smtp_client_end_protocol(c, STAGE_AUTH, "a challenge after the login was cancelled");
        return;
    }
    if (c->sasl_held) { /* its challenge is empty, and says no more than "now" */
        c->sasl_held = false;
        sasl_respond(c, buffer_slice(&c->sasl->response));
        return;
    }
    buffer_init(&challenge, SASL_CHALLENGE_SIZE_MAX);
    enum err err = base64_decode(reply->lines, &challenge);
    if (err != ERR_OK && c->mechanism == SASL_LOGIN) { /* only their order counts, and some say it in clear */
        buffer_clear(&challenge);
        err = ERR_OK;
    }
    if (err == ERR_OK)
        err = sasl_client_step(c->sasl, buffer_slice(&challenge), &response);
    if (err == ERR_OK) {
        assert(++c->sasl_steps <= SASL_STEPS_MAX);
        sasl_respond(c, response);
    } else {
        sasl_cancel(c, err);
    }
    buffer_done(&challenge);
}

/* The server refuses the mechanism, not the login: RFC 4954 4 and 6. */
static bool refuses_mechanism(uint16_t code)
{
    return code == 504 || code == 534 || code == 538;
}

static void sasl_refused(struct smtp_client *c, const struct smtp_reply *reply)
{
    enum err fault = c->sasl_fault;
    if (reply->code == 421) {
        refused(c, reply);
    } else if (fault == ERR_OK) {
        if (!refuses_mechanism(reply->code) || !login_try(c))
            refused(c, reply);
    } else if (fault == ERR_REFUSED || !login_try(c)) {
        /* What lacks the proof of the password does not get the password itself by a weaker mechanism. */
        unfit(c, STAGE_AUTH, OUTCOME_CAUSE_PROTOCOL,
              fault == ERR_REFUSED ? SLICE("the server's proof of the login is wrong")
                                   : SLICE("the challenge is not one of the mechanism"));
    }
}

static void reply_auth(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (reply->code == 334) {
        sasl_challenge(c, reply);
    } else if (reply->code >= 400) {
        sasl_refused(c, reply);
    } else if (reply->code >= 300 || c->sasl_fault != ERR_OK) {
        smtp_client_end_protocol(c, STAGE_AUTH, "an answer that AUTH does not have");
    } else if (sasl_client_finish(c->sasl) != ERR_OK) {
        unfit(c, STAGE_AUTH, OUTCOME_CAUSE_PROTOCOL, SLICE("the server has not proved that it knows the password"));
    } else {
        c->authenticated = true;
        ready(c);
    }
}

/* ---- banner, EHLO, STARTTLS ---- */

static void say_hello(struct smtp_client *c, const char *verb)
{
    size_t from = c->unsent.size;
    buffer_add_text(&c->unsent, verb);
    buffer_add(&c->unsent, c->options.our_name);
    smtp_client_command_end(c, &c->opening, from, NULL);
}

static void reply_banner(struct smtp_client *c, const struct smtp_reply *reply)
{
    struct slice host = slice_part(smtp_reply_host(reply), 0, sizeof c->host);
    if (reply->code >= 400) {
        refused(c, reply);
    } else if (reply->code >= 300) {
        smtp_client_end_protocol(c, STAGE_BANNER, "no greeting");
    } else {
        memcpy(c->host, host.data, host.size);
        c->host_size = (uint8_t)host.size;
        smtp_client_set_state(c, SMTP_CLIENT_STATE_EHLO);
        say_hello(c, "EHLO ");
    }
}

/* EHLO or HELO was taken: what comes next? */
static void greeted(struct smtp_client *c)
{
    bool wanted = c->options.tls == SMTP_CLIENT_TLS_DEMANDED || c->options.tls == SMTP_CLIENT_TLS_OPPORTUNISTIC;
    if (wanted && !c->tls && c->extensions.starttls) {
        smtp_client_set_state(c, SMTP_CLIENT_STATE_STARTTLS);
        smtp_client_command(c, &c->opening, "STARTTLS");
    } else if (c->options.tls == SMTP_CLIENT_TLS_DEMANDED && !c->tls) {
        unfit(c, STAGE_TLS, OUTCOME_CAUSE_TLS_NOT_OFFERED, SLICE_EMPTY);
    } else {
        login(c);
    }
}

static void reply_hello(struct smtp_client *c, const struct smtp_reply *reply)
{
    bool ehlo = c->state == SMTP_CLIENT_STATE_EHLO;
    if (ehlo && reply->code >= 500) { /* RFC 5321 3.2: a server of before 1995 */
        smtp_client_set_state(c, SMTP_CLIENT_STATE_HELO);
        say_hello(c, "HELO ");
    } else if (reply->code >= 400) {
        refused(c, reply);
    } else if (reply->code >= 300) {
        smtp_client_end_protocol(c, STAGE_EHLO, "an answer that EHLO does not have");
    } else {
        c->extensions = (struct smtp_extensions){ 0 };
        if (ehlo)
            smtp_extensions_parse(reply, &c->extensions);
        greeted(c);
    }
}

static void reply_starttls(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (reply->code == 421) {
        refused(c, reply);
    } else if (reply->code >= 400) {
        if (c->options.tls == SMTP_CLIENT_TLS_DEMANDED) {
            unfit(c, STAGE_TLS, OUTCOME_CAUSE_TLS_NOT_OFFERED, reply->text);
        } else {
            login(c);
        }
    } else if (reply->code >= 300) {
        smtp_client_end_protocol(c, STAGE_TLS, "an answer that STARTTLS does not have");
    } else if (smtp_client_unread(c) > 0) { /* whoever wrote it could not know who reads it (S06) */
        smtp_client_end_protocol(c, STAGE_TLS, "octets behind the answer to STARTTLS");
    } else {
        smtp_client_set_state(c, SMTP_CLIENT_STATE_TLS);
        c->start_tls = true;
    }
}

void smtp_client_open_tls_up(struct smtp_client *c, const struct smtp_client_tls_up *up)
{
    if (!up->accepted) {
        struct outcome why = smtp_client_outcome(c, OUTCOME_TEMP, STAGE_TLS, up->cause);
        why.text = up->text;
        smtp_client_end_now(c, why, false); /* not even QUIT goes to whom nobody knows */
        return;
    }
    c->tls = true;
    c->tls_verified = up->verified;
    c->extensions = (struct smtp_extensions){ 0 };
    buffer_add(&c->binding, up->channel_binding);
    c->binding_exporter = up->channel_binding_exporter;
    if (c->options.tls == SMTP_CLIENT_TLS_IMPLICIT) {
        smtp_client_set_state(c, SMTP_CLIENT_STATE_BANNER);
        c->expected = 1;
    } else {
        smtp_client_set_state(c, SMTP_CLIENT_STATE_EHLO);
        say_hello(c, "EHLO ");
    }
}

void smtp_client_open_reply(struct smtp_client *c, const struct smtp_reply *reply)
{
    switch (c->state) {
    case SMTP_CLIENT_STATE_BANNER:
        reply_banner(c, reply);
        break;
    case SMTP_CLIENT_STATE_EHLO:
    case SMTP_CLIENT_STATE_HELO:
        reply_hello(c, reply);
        break;
    case SMTP_CLIENT_STATE_STARTTLS:
        reply_starttls(c, reply);
        break;
    default:
        assert(c->state == SMTP_CLIENT_STATE_AUTH);
        reply_auth(c, reply);
    }
}
