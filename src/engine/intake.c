#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/table.h"
#include "config/account.h"
#include "engine/intake_work.h"
#include "proto/ip.h"

enum { CREDIT_MIN = 16 << 10, LISTEN_AGAIN = 100 };

struct intakes {
    struct list all;
    struct table by_address;   /* address -> struct address_count */
    uint32_t count;
    uint32_t logins;           /* being checked */
    bool listening;
};

struct address_count {
    uint32_t count;
    char key[17];
};

struct slice intake_listener(const struct intake *s)
{
    static const char *const names[] = {
        [LISTENER_RELAY] = "relay", [LISTENER_SUBMISSION] = "submission", [LISTENER_SUBMISSIONS] = "submissions",
        [LISTENER_LOCAL] = "local",
    };
    return slice_of(names[s->listener]);
}

static struct intake *intake_of(const struct machine *m)
{
    return LIST_OWNER((struct machine *)m, struct intake, machine);
}

static void trace_session(struct engine *e, const struct intake *s, enum trace_kind kind, struct slice reason)
{
    trace(e, &(struct trace_event){ .kind = kind, .listener = intake_listener(s),
                                    .client = slice_of(s->client), .helo = smtp_server_helo(&s->server),
                                    .account = s->account, .count = s->messages, .reason = reason });
}

void intake_trace_rejected(struct engine *e, const struct intake *s, enum stage stage, struct slice from, struct slice to,
                           const struct smtp_answer *answer)
{
    trace(e, &(struct trace_event){
                 .kind = TRACE_REJECTED, .listener = intake_listener(s), .client = slice_of(s->client),
                 .helo = smtp_server_helo(&s->server), .account = s->account, .from = from, .to = to,
                 .outcome = { .class = outcome_class_of_code(answer->code), .stage = stage, .code = answer->code,
                              .enhanced = answer->enhanced, .text = answer->text } });
}

/* ---- how many ---- */

static struct slice address_key(const struct ip_address *address, char key[static 17])
{
    key[0] = (char)address->family;
    memcpy(key + 1, address->octets, 16);
    return slice(key, 17);
}

static uint32_t address_count_add(struct engine *e, struct intake *s)
{
    char key[17];
    struct table *table = &e->intakes->by_address;
    struct address_count *count = table_get_slice(table, address_key(&s->peer, key));
    if (!count) {
        count = mem_alloc(sizeof(*count));
        table_put_slice(table, address_key(&s->peer, count->key), count);
    }
    s->counted = true;
    return ++count->count;
}

static void address_count_remove(struct engine *e, struct intake *s)
{
    char key[17];
    struct table *table = &e->intakes->by_address;
    struct address_count *count = s->counted ? table_get_slice(table, address_key(&s->peer, key)) : NULL;
    if (!count || --count->count > 0)
        return;
    table_remove_slice(table, slice(count->key, 17));
    mem_free(count);
}

/* Far above the limit nobody is even told: the kernel keeps who comes until there is room. */
static void listen_update(struct engine *e)
{
    struct intakes *all = e->intakes;
    uint32_t most = e->config->limits.max_sessions;
    bool listening = all->listening ? all->count < most + LISTEN_AGAIN : all->count < most;
    if (listening == all->listening)
        return;
    all->listening = listening;
    op_put(e, &(struct op){ .kind = OP_LISTEN, .listen = listening });
}

/* ---- a session begins ---- */

static bool is_loopback(const struct ip_address *a)
{
    static const uint8_t v6[16] = { [15] = 1 };
    return a->family == 4 ? a->octets[0] == 127 : a->family == 6 && memcmp(a->octets, v6, sizeof(v6)) == 0;
}

static void options_fill(const struct engine *e, const struct intake *s, struct smtp_server_options *o)
{
    static const enum smtp_server_kind kinds[] = {
        [LISTENER_RELAY] = SMTP_SERVER_RELAY, [LISTENER_SUBMISSION] = SMTP_SERVER_SUBMISSION,
        [LISTENER_SUBMISSIONS] = SMTP_SERVER_SUBMISSIONS, [LISTENER_LOCAL] = SMTP_SERVER_LOCAL,
    };
    const struct config *c = e->config;
    bool local = s->listener == LISTENER_LOCAL;
    smtp_server_options_default(o);
    o->kind = kinds[s->listener];
    o->starttls = !local && s->listener != LISTENER_SUBMISSIONS;
    o->auth = !local;
    o->auth_clear = !local && is_loopback(&s->peer);
    o->auth_required = s->listener == LISTENER_SUBMISSION || s->listener == LISTENER_SUBMISSIONS;
    o->requiretls = true;
    o->message_size_max = c->limits.max_message_bytes;
    o->recipients_max = c->limits.max_recipients;
    o->errors_max = c->limits.max_errors;
    o->failed_logins_max = c->limits.max_failed_logins;
    o->command_timeout_us = c->inbound.command_timeout_us;
    o->data_timeout_us = c->inbound.data_timeout_us;
    o->transaction_timeout_us = c->inbound.transaction_timeout_us;
    smtp_server_options_set_name(o, c->server.name);
}

static void client_name(struct intake *s, const struct engine_accept *accept)
{
    if (s->listener == LISTENER_LOCAL) {
        snprintf(s->client, sizeof(s->client), "%.*s", SLICE_ARG(slice_part(accept->peer_user, 0, sizeof(s->client) - 1)));
        return;
    }
    char text[IP_TEXT_SIZE];
    struct slice ip = ip_format(s->peer.family, s->peer.octets, text);
    snprintf(s->address, sizeof(s->address), "%.*s", SLICE_ARG(ip));
    snprintf(s->client, sizeof(s->client), "[%.*s]:%u", SLICE_ARG(ip), s->peer.port);
}

static void refuse_session(struct engine *e, struct intake *s, const char *why, enum config_key key)
{
    struct smtp_server_input input = { .kind = SMTP_SERVER_INPUT_SHUTDOWN };
    input.answer = (struct smtp_answer){ .enhanced = { 4, 7, 0 }, .text = slice_of(why) };
    smtp_server_feed(&s->server, e->now, &input);
    trace(e, &(struct trace_event){ .kind = TRACE_SESSION_REFUSED, .listener = intake_listener(s),
                                    .client = slice_of(s->client), .key = slice_of(config_key_name(key)),
                                    .file = e->config->file, .line = e->config->lines[key], .reason = slice_of(why) });
}

static void limits_check(struct engine *e, struct intake *s)
{
    const struct config *c = e->config;
    uint32_t same = s->listener == LISTENER_LOCAL ? 0 : address_count_add(e, s);
    if (e->stopping)
        refuse_session(e, s, "The server is stopping, try again later", CONFIG_KEY_NONE);
    else if (e->intakes->count > c->limits.max_sessions)
        refuse_session(e, s, "Too many sessions, try again later", CONFIG_LIMITS_MAX_SESSIONS);
    else if (same > c->limits.max_sessions_per_address)
        refuse_session(e, s, "Too many sessions from your address, try again later",
                       CONFIG_LIMITS_MAX_SESSIONS_PER_ADDRESS);
}

static const struct machine_kind INTAKE_KIND;

struct handle intake_accept(struct engine *e, const struct engine_accept *accept)
{
    struct intake *s = mem_alloc(sizeof(*s));
    s->listener = accept->listener;
    s->peer = accept->peer;
    client_name(s, accept);
    s->trusted = s->listener == LISTENER_LOCAL ||
                 config_network_has(e->config->relay.networks, e->config->relay.networks_count, s->peer.family,
                                    s->peer.octets);
    struct smtp_server_options options;
    options_fill(e, s, &options);
    smtp_server_init(&s->server, e->now, &options);
    list_append(&e->intakes->all, &s->item);
    e->intakes->count++;
    machine_add(e, &s->machine, &INTAKE_KIND);
    s->handle = handle_new(e, &s->machine);
    limits_check(e, s);
    listen_update(e);
    trace_session(e, s, TRACE_SESSION_OPENED, SLICE_EMPTY);
    return s->handle;
}

/* ---- logins ---- */

static struct slice own_copy(struct slice s)
{
    if (s.size == 0)
        return SLICE_EMPTY;
    char *p = mem_alloc(s.size);
    memcpy(p, s.data, s.size);
    return slice(p, s.size);
}

static void own_wipe(struct slice *s)
{
    if (s->size > 0)
        explicit_bzero((char *)s->data, s->size);
    mem_free((char *)s->data);
    *s = SLICE_EMPTY;
}

void intake_answer(struct engine *e, struct intake *s, const struct smtp_answer *answer)
{
    struct smtp_server_input input = { .kind = SMTP_SERVER_INPUT_ANSWER, .answer = *answer };
    if (smtp_server_asking(&s->server))
        smtp_server_feed(&s->server, e->now, &input);
    machine_wake(e, &s->machine);
}

static void login_begin(struct engine *e, struct intake *s, const struct smtp_server_auth *auth)
{
    if (e->intakes->logins >= INTAKE_HASH_WAITS_MAX) {
        intake_answer(e, s, &(struct smtp_answer){ .code = 454, .enhanced = { 4, 7, 0 },
                                                   .text = SLICE("Too many logins at a time, try again later") });
        return;
    }
    s->claimed = own_copy(auth->login);
    s->password = own_copy(auth->password);
    /* Acting for somebody else is not offered; it is refused like a wrong password, in the same time. */
    s->unknown_login = auth->authzid.size > 0 && !slice_equal_nocase(auth->authzid, auth->login);
    s->password_due = true;
    e->intakes->logins++;
}

static bool login_op(struct engine *e, struct intake *s, struct op *ret_op)
{
    if (!s->password_due)
        return false;
    const struct account *account = s->unknown_login ? NULL : accounts_find_login(e->accounts, s->claimed);
    s->password_due = false;
    s->password_asked = true;
    struct slice hash = account ? turn_copy(e, account->hash) : SLICE_EMPTY;
    *ret_op = (struct op){ .kind = OP_PASSWORD, .handle = s->handle, .password = { .hash = hash, .password = s->password } };
    return true;
}

static void login_over(struct engine *e, struct intake *s)
{
    s->password_asked = s->password_due = false;
    own_wipe(&s->password);
    own_wipe(&s->claimed);
    e->intakes->logins--;
}

static void login_answered(struct engine *e, struct intake *s, bool matched)
{
    if (!s->password_asked)
        return;
    const struct account *account =
        matched && !s->unknown_login ? accounts_find_login(e->accounts, s->claimed) : NULL;
    bool awaited = smtp_server_asking(&s->server);
    if (account && account->hash.size > 0 && awaited) {
        s->account = own_copy(account->address);
        trace_session(e, s, TRACE_LOGIN, SLICE_EMPTY);
        login_over(e, s);
        intake_answer(e, s, &(struct smtp_answer){ 0 });
        return;
    }
    trace(e, &(struct trace_event){ .kind = TRACE_LOGIN_FAILED, .listener = intake_listener(s),
                                    .client = slice_of(s->client), .helo = smtp_server_helo(&s->server),
                                    .account = slice_part(s->claimed, 0, ADDRESS_SIZE_MAX) });
    login_over(e, s);
    intake_answer(e, s, &(struct smtp_answer){ .code = 535, .enhanced = { 5, 7, 8 },
                                               .text = SLICE("User name or password is wrong") });
}

/* ---- the machine ---- */

static void server_feed(struct engine *e, struct intake *s, struct smtp_server_input input)
{
    smtp_server_feed(&s->server, e->now, &input);
}

static void tls_up(struct engine *e, struct intake *s, const struct tls_facts *facts)
{
    snprintf(s->tls_version, sizeof(s->tls_version), "%.*s", SLICE_ARG(facts->version));
    snprintf(s->tls_cipher, sizeof(s->tls_cipher), "%.*s", SLICE_ARG(facts->cipher));
    server_feed(e, s, (struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_TLS_UP });
}

static void intake_feed(struct engine *e, struct machine *m, const struct event *event)
{
    struct intake *s = intake_of(m);
    switch (event->kind) {
    case EVENT_RECEIVED:
        assert(event->received.size <= s->granted);
        s->granted -= (uint32_t)event->received.size;
        server_feed(e, s, (struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_BYTES, .bytes = event->received });
        break;
    case EVENT_SENT:
        server_feed(e, s, (struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_SENT, .sent = event->sent });
        break;
    case EVENT_TLS_UP: tls_up(e, s, event->tls_up.facts); break;
    case EVENT_TLS_FAILED:
    case EVENT_CLOSED:
        if (event->kind == EVENT_TLS_FAILED)
            op_put(e, &(struct op){ .kind = OP_CLOSE, .handle = s->handle, .close = { .abort = true } });
        server_feed(e, s, (struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_LOST });
        break;
    case EVENT_PASSWORD: login_answered(e, s, event->password.matched); break;
    case EVENT_BIG: intake_big_answer(e, s, &event->big); break;
    case EVENT_TICK: server_feed(e, s, (struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_TICK }); break;
    default: assert(!"no event of an inbound session");
    }
}

static void refused(struct engine *e, struct intake *s, const struct smtp_server_refused *r)
{
    static const enum stage stages[SMTP_VERB_COUNT] = {
        [SMTP_VERB_EHLO] = STAGE_EHLO, [SMTP_VERB_HELO] = STAGE_EHLO, [SMTP_VERB_AUTH] = STAGE_AUTH,
        [SMTP_VERB_MAIL] = STAGE_MAIL, [SMTP_VERB_RCPT] = STAGE_RCPT, [SMTP_VERB_DATA] = STAGE_DATA,
        [SMTP_VERB_BDAT] = STAGE_DATA, [SMTP_VERB_STARTTLS] = STAGE_TLS,
    };
    const struct smtp_answer answer = { .code = r->code, .text = r->text };
    intake_trace_rejected(e, s, stages[r->verb], SLICE_EMPTY, SLICE_EMPTY, &answer);
}

static void session_over(struct engine *e, struct intake *s)
{
    enum smtp_close why = s->server.close_reason;
    bool broken = why != SMTP_CLOSE_QUIT && why != SMTP_CLOSE_NONE && why != SMTP_CLOSE_SHUTDOWN;
    trace_session(e, s, broken ? TRACE_SESSION_BROKEN : TRACE_SESSION_CLOSED, slice_of(smtp_close_name(why)));
    intake_message_abort(e, s);
    machine_close(e, &s->machine);
}

/* What the dialogue says next; true when it became an operation. */
static bool server_next(struct engine *e, struct intake *s, struct op *ret_op)
{
    struct smtp_server_output out;
    while (smtp_server_next(&s->server, &out)) {
        switch (out.kind) {
        case SMTP_SERVER_SEND:
            *ret_op = (struct op){ .kind = OP_SEND, .handle = s->handle, .send = { out.bytes } };
            return true;
        case SMTP_SERVER_START_TLS:
            *ret_op = (struct op){ .kind = OP_START_TLS, .handle = s->handle, .start_tls = { .server = true } };
            return true;
        case SMTP_SERVER_CLOSE:
            *ret_op = (struct op){ .kind = OP_CLOSE, .handle = s->handle };
            session_over(e, s);
            return true;
        case SMTP_SERVER_AUTH:
            login_begin(e, s, &out.auth);
            break;
        case SMTP_SERVER_MAIL: intake_mail(e, s, out.mail); break;
        case SMTP_SERVER_RCPT: intake_rcpt(e, s, out.rcpt); break;
        case SMTP_SERVER_BODY: intake_body(e, s, out.bytes); break;
        case SMTP_SERVER_MESSAGE_END: intake_message_end(e, s); break;
        case SMTP_SERVER_MESSAGE_ABORT: intake_message_abort(e, s); break;
        case SMTP_SERVER_REFUSED: refused(e, s, &out.refused); break;
        case SMTP_SERVER_NOTHING: break;
        }
    }
    return false;
}

static bool credit_op(struct intake *s, struct op *ret_op)
{
    if (smtp_server_closed(&s->server) || intake_big_full(s))
        return false;
    size_t credit = smtp_server_credit(&s->server);
    if (credit > CREDIT_TURN_MAX)
        credit = CREDIT_TURN_MAX;
    if (credit <= s->granted || (s->granted > 0 && credit - s->granted < CREDIT_MIN))
        return false;
    *ret_op = (struct op){ .kind = OP_CREDIT, .handle = s->handle, .credit = (uint32_t)credit - s->granted };
    s->granted = (uint32_t)credit;
    return true;
}

static bool intake_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    struct intake *s = intake_of(m);
    if (m->closed)
        return false;
    if (server_next(e, s, ret_op) || login_op(e, s, ret_op) || intake_big_op(e, s, ret_op))
        return true;
    if (smtp_server_closed(&s->server)) { /* lost: no CLOSE was output */
        session_over(e, s);
        return false;
    }
    return credit_op(s, ret_op);
}

static int64_t intake_deadline_us(const struct engine *e, const struct machine *m)
{
    (void)e;
    return smtp_server_deadline_us(&intake_of(m)->server);
}

static void intake_free(struct engine *e, struct machine *m)
{
    struct intake *s = intake_of(m);
    intake_message_abort(e, s);
    if (s->password_asked || s->password_due)
        login_over(e, s);
    handle_drop(e, &s->handle);
    address_count_remove(e, s);
    own_wipe(&s->account);
    smtp_server_done(&s->server);
    list_remove(&e->intakes->all, &s->item);
    e->intakes->count--;
    if (!e->stopping)
        listen_update(e);
    mem_free(s);
}

static const struct machine_kind INTAKE_KIND = {
    .name = "intake", .feed = intake_feed, .next = intake_next, .deadline_us = intake_deadline_us, .free = intake_free,
};

/* ---- all of them ---- */

void intakes_init(struct engine *e)
{
    e->intakes = mem_alloc(sizeof(*e->intakes));
    list_init(&e->intakes->all);
    uint64_t key[2];
    engine_random(e, key, sizeof(key));
    table_init(&e->intakes->by_address, key);
    e->intakes->listening = true;
}

void intakes_done(struct engine *e)
{
    struct list_item *item;
    while ((item = list_first(&e->intakes->all)))
        machine_end(e, &LIST_OWNER(item, struct intake, item)->machine);
    table_done(&e->intakes->by_address);
    mem_free(e->intakes);
    e->intakes = NULL;
}

void intakes_configure(struct engine *e)
{
    listen_update(e); /* sessions keep the limits with which they began */
}

void intakes_stop(struct engine *e)
{
    for (struct list_item *i = list_first(&e->intakes->all); i; i = list_next(&e->intakes->all, i)) {
        struct intake *s = LIST_OWNER(i, struct intake, item);
        server_feed(e, s, (struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_SHUTDOWN });
        machine_wake(e, &s->machine);
    }
}

uint32_t intakes_open(const struct engine *e)
{
    return e->intakes->count;
}
