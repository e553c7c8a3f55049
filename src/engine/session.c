/* One session as a machine: the connection, TLS, and what the dialogue puts out.
 *
 * Nothing is fed to the dialogue from outside its own turn but what the driver says: whoever wants it to end sets a mark and
 * wakes it. So an output's slices hold while it is told, whatever the one who is told does. */
#include "engine/session.h"

#include <assert.h>

#include "base/arena.h"
#include "config/config.h"
#include "engine/session_work.h"

enum step {
    STEP_OP,    /* an operation stands in *ret_op */
    STEP_AGAIN,
    STEP_REST,  /* nothing more to say */
};

enum { CREDIT_LOW = CREDIT_TURN_MAX / 2 }; /* granted anew when so much was taken in: short replies cost no operation each */
static_assert((int)SMTP_CLIENT_INPUT_MAX >= (int)CREDIT_TURN_MAX, "the dialogue takes all that was granted");

static const struct machine_kind SESSION_KIND;

static struct session *session_of(struct machine *m)
{
    return LIST_OWNER(m, struct session, machine);
}

/* ---- states ---- */

#define TO(state) (1u << SESSION_STATE_##state)
static const unsigned TRANSITIONS[SESSION_STATE_COUNT] = {
    [SESSION_STATE_CONNECT] = TO(CONNECTING) | TO(LEAVING),
    [SESSION_STATE_CONNECTING] = TO(OPENING) | TO(LEAVING),
    [SESSION_STATE_OPENING] = TO(READY) | TO(LEAVING),
    [SESSION_STATE_READY] = TO(LEAVING),
    [SESSION_STATE_LEAVING] = TO(CLOSED),
    [SESSION_STATE_CLOSED] = 0,
};
#undef TO

void session_set_state(struct session *s, enum session_state state)
{
    assert(TRANSITIONS[s->state] & 1u << state);
    s->state = state;
}

static void session_leave(struct engine *e, struct session *s)
{
    if (s->state >= SESSION_STATE_LEAVING)
        return;
    pool_leave_lists(e, s);
    session_set_state(s, SESSION_STATE_LEAVING);
}

void session_quit(struct engine *e, struct session *s)
{
    assert(s->state == SESSION_STATE_READY);
    session_leave(e, s);
    s->quit = true;
    machine_wake(e, &s->machine);
}

void session_drop(struct engine *e, struct session *s)
{
    if (s->state == SESSION_STATE_CONNECT)
        s->gone = true; /* the driver has not heard of it */
    session_leave(e, s);
    s->drop = true;
    machine_wake(e, &s->machine);
}

/* ---- life ---- */

struct outcome session_outcome(const struct engine *e, const struct session *s, enum outcome_class class,
                               enum stage stage, enum outcome_cause cause)
{
    struct outcome o = { .class = class, .stage = stage, .cause = cause, .tls = s->client_up && s->client.tls,
                         .host = s->host, .address = slice_of(s->address_text), .at_us = e->now.wall_us };
    o.enhanced = outcome_enhanced_default(&o);
    return o;
}

/* What outlives the transaction and the turn's configuration. */
static void keep_names(struct session *s, struct slice host, struct slice our_name)
{
    char *at = s->block = mem_alloc(host.size + our_name.size);
    memcpy(at, host.data, host.size);
    memcpy(at + host.size, our_name.data, our_name.size);
    s->host = slice(at, host.size);
    s->our_name = slice(at + host.size, our_name.size);
}

void session_open(struct engine *e, struct transaction *t)
{
    struct sessions *all = e->sessions;
    struct session *s = mem_alloc(sizeof *s);
    const struct candidate *c = t->candidate;
    keep_names(s, c->host, e->config->server.name);
    pool_plan(t, &s->plan);
    s->group = t->group;
    s->destination = t->destination;
    s->kind = c->kind;
    s->address = c->address;
    ip_format(c->address.family, c->address.octets, s->address_text);
    s->connect_timeout_us = t->connect_timeout_us ? t->connect_timeout_us : e->config->outbound.connect_timeout_us;
    s->connect_until_us = e->now.monotonic_us + s->connect_timeout_us + SESSION_CONNECT_GUARD_US;
    if (t->credential.kind != CREDENTIAL_NONE)
        s->login = (struct smtp_client_login){
            .credentials = { .user = s->group->user, .secret = s->group->password, .host = s->host,
                             .port = c->address.port },
            .allow_clear = s->plan.allow_clear_login,
            .allow_unverified = s->plan.allow_unverified_login,
        };
    machine_add(e, &s->machine, &SESSION_KIND);
    s->handle = handle_new(e, &s->machine);
    list_append(&all->all, &s->of_all);
    all->open++;
    s->group->sessions++;
    s->counted = true;
    carried_bind(e, s, t, true);
}

/* It counts no more, for nobody. */
static void session_release(struct engine *e, struct session *s)
{
    if (!s->counted)
        return;
    s->counted = false;
    pool_leave_lists(e, s);
    pool_busy(s, false);
    list_remove(&e->sessions->all, &s->of_all);
    e->sessions->open--;
    struct session_group *g = s->group;
    s->group = NULL;
    g->sessions--;
    pool_group_leave(e, g);
    destination_disconnect(e, s->destination);
    s->destination = NULL;
}

static void session_free(struct engine *e, struct machine *m)
{
    struct session *s = session_of(m);
    carried_done(e, s);
    if (s->client_up)
        smtp_client_done(&s->client);
    session_release(e, s);
    handle_drop(e, &s->handle);
    mem_free(s->block);
    mem_free(s);
}

static enum step session_close(struct engine *e, struct session *s, bool abort, struct op *ret_op)
{
    session_leave(e, s);
    session_set_state(s, SESSION_STATE_CLOSED);
    session_release(e, s);
    machine_close(e, &s->machine);
    if (s->gone)
        return STEP_REST;
    *ret_op = (struct op){ .kind = OP_CLOSE, .handle = s->handle, .close = { .abort = abort } };
    return STEP_OP;
}

/* ---- connecting ---- */

static enum outcome_cause cause_of(enum close_reason reason)
{
    switch (reason) {
    case CLOSE_REFUSED:
        return OUTCOME_CAUSE_REFUSED;
    case CLOSE_TIMEOUT:
        return OUTCOME_CAUSE_TIMEOUT;
    case CLOSE_UNREACHABLE:
        return OUTCOME_CAUSE_UNREACHABLE;
    case CLOSE_LOCAL:
        return OUTCOME_CAUSE_LOCAL;
    case CLOSE_PEER:
    case CLOSE_RESET:
        break;
    }
    return OUTCOME_CAUSE_LOST;
}

/* A limit of our own says nothing of the host (A38). */
static void connect_failed(struct engine *e, struct session *s, enum outcome_cause cause)
{
    struct outcome o = session_outcome(e, s, OUTCOME_TEMP, STAGE_CONNECT, cause);
    if (s->kind == CANDIDATE_MX && cause != OUTCOME_CAUSE_LOCAL)
        destination_host_failed(e, &s->address, &o);
    session_drop(e, s);
    carried_failed(e, s, &o, false);
}

static void client_start(struct engine *e, struct session *s)
{
    const struct config *config = e->config;
    bool login = s->group->login;
    if (login)
        engine_random(e, s->login.credentials.nonce, sizeof s->login.credentials.nonce);
    const struct smtp_client_options options = {
        .our_name = s->our_name,
        .host = s->host,
        .address = slice_of(s->address_text),
        .tls = s->plan.tls,
        .login = login ? &s->login : NULL,
        .banner_timeout_us = config->outbound.banner_timeout_us,
        .command_timeout_us = config->outbound.command_timeout_us,
        .data_timeout_us = config->outbound.data_timeout_us,
        .dot_timeout_us = config->outbound.dot_timeout_us,
        .idle_timeout_us = config->outbound.idle_timeout_us,
        .transcript = config->retry.transcript_in_notices,
    };
    smtp_client_init(&s->client, e->now, &options);
    s->client_up = true;
    s->credit_due = CREDIT_TURN_MAX;
    session_set_state(s, SESSION_STATE_OPENING);
}

static void connected(struct engine *e, struct session *s, const struct event_connected *event)
{
    if (s->state != SESSION_STATE_CONNECTING)
        return;
    if (event->local.family != 0)
        ip_format(event->local.family, event->local.octets, s->own_text);
    if (s->kind == CANDIDATE_MX)
        destination_connects(e);
    client_start(e, s);
}

/* ---- what the driver says ---- */

static void client_feed(struct engine *e, struct session *s, const struct smtp_client_input *input)
{
    smtp_client_feed(&s->client, e->now, input);
    s->drained = false;
}

static void client_feed_bytes(struct engine *e, struct session *s, struct slice bytes)
{
    s->credit_due += (uint32_t)bytes.size;
    client_feed(e, s, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = bytes });
}

static void closed(struct engine *e, struct session *s, enum close_reason reason)
{
    s->gone = true;
    if (!s->client_up) {
        if (!s->drop)
            connect_failed(e, s, cause_of(reason));
        return;
    }
    s->lost = true;
    s->lost_cause = cause_of(reason);
}

static void tls_up(struct engine *e, struct session *s, const struct tls_facts *facts)
{
    struct buffer *words = &e->sessions->words;
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TLS_UP };
    buffer_clear(words);
    tls_judge(&s->plan, facts, words, &input.tls_up);
    client_feed(e, s, &input);
}

static void tick(struct engine *e, struct session *s)
{
    if (!s->client_up) {
        if (s->state == SESSION_STATE_CONNECTING && e->now.monotonic_us >= s->connect_until_us)
            connect_failed(e, s, OUTCOME_CAUSE_TIMEOUT);
        return;
    }
    if (!s->drained)
        return; /* octets have come in this very turn */
    carried_tick(e, s);
    client_feed(e, s, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_TICK });
}

static void session_feed(struct engine *e, struct machine *m, const struct event *event)
{
    struct session *s = session_of(m);
    if (event->kind == EVENT_TICK) {
        tick(e, s);
    } else if (!handle_equal(event->handle, s->handle)) {
        carried_body(e, s, event);
    } else if (event->kind == EVENT_CONNECTED) {
        connected(e, s, &event->connected);
    } else if (event->kind == EVENT_CLOSED) {
        closed(e, s, event->closed.reason);
    } else if (!s->client_up) {
        return;
    } else if (event->kind == EVENT_RECEIVED) {
        client_feed_bytes(e, s, event->received);
    } else if (event->kind == EVENT_SENT) {
        client_feed(e, s, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_SENT, .sent = event->sent });
    } else if (event->kind == EVENT_TLS_UP) {
        tls_up(e, s, event->tls_up.facts);
    } else if (event->kind == EVENT_TLS_FAILED) {
        client_feed(e, s, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_TLS_FAILED,
                                                       .tls_failed = event->tls_failed });
    }
}

/* ---- what the dialogue says ---- */

/* A9: looked at before EHLO is said, so that we never log in to ourselves. */
static bool greeted_by_ourselves(struct engine *e, struct session *s)
{
    struct smtp_client_facts facts;
    if (s->greeted || s->state != SESSION_STATE_OPENING)
        return false;
    smtp_client_facts(&s->client, &facts);
    if (facts.greeting_host.size == 0)
        return false;
    s->greeted = true;
    s->ourselves = slice_equal_nocase(facts.greeting_host, e->config->server.name);
    return s->ourselves;
}

static void opened(struct engine *e, struct session *s)
{
    struct smtp_client_facts facts;
    session_set_state(s, SESSION_STATE_READY);
    smtp_client_facts(&s->client, &facts);
    if (s->kind == CANDIDATE_MX)
        destination_host_works(e, &s->address);
    if (facts.authenticated)
        destination_works(e, s->destination);
}

static bool tls_has_failed(const struct outcome *o)
{
    return o->stage == STAGE_TLS && o->cause != OUTCOME_CAUSE_REPLY && o->cause != OUTCOME_CAUSE_LOCAL;
}

static void opening_failed(struct engine *e, struct session *s, const struct outcome *outcome)
{
    struct outcome o = *outcome;
    if (s->ourselves) {
        /* Of the smart host it is a matter of the name server or of our own settings (A35). */
        o = session_outcome(e, s, s->kind == CANDIDATE_MX ? OUTCOME_PERM : OUTCOME_TEMP, STAGE_BANNER,
                            OUTCOME_CAUSE_OURSELVES);
    }
    bool no_banner = o.stage == STAGE_BANNER && (o.cause == OUTCOME_CAUSE_TIMEOUT || o.cause == OUTCOME_CAUSE_LOST);
    if (s->kind == CANDIDATE_MX && no_banner)
        destination_host_failed(e, &s->address, &o);
    else if (s->kind == CANDIDATE_MX && o.cause != OUTCOME_CAUSE_LOCAL)
        destination_host_works(e, &s->address);
    session_leave(e, s);
    carried_failed(e, s, &o, s->plan.clear_after_failure && tls_has_failed(&o));
}

static void start_tls(const struct session *s, struct op *ret_op)
{
    uint8_t octets[16];
    struct slice name = s->host;
    if (name.size > 2 && name.data[0] == '[' && name.data[name.size - 1] == ']')
        name = slice_part(name, 1, name.size - 2);
    if (slice_starts_with_nocase(name, SLICE("IPv6:")))
        name = slice_after(name, SLICE("IPv6:").size);
    *ret_op = (struct op){ .kind = OP_START_TLS, .handle = s->handle };
    ret_op->start_tls = (struct op_start_tls){ .name = name, .name_is_address = ip_parse(name, octets) != 0,
                                               .session_key = s->group->key };
}

static enum step output(struct engine *e, struct session *s, const struct smtp_client_output *o, struct op *ret_op)
{
    switch (o->kind) {
    case SMTP_CLIENT_SEND:
        *ret_op = (struct op){ .kind = OP_SEND, .handle = s->handle, .send = { .bytes = o->bytes } };
        return s->gone ? STEP_AGAIN : STEP_OP;
    case SMTP_CLIENT_START_TLS:
        start_tls(s, ret_op);
        return s->gone ? STEP_AGAIN : STEP_OP;
    case SMTP_CLIENT_READY:
        if (s->state == SESSION_STATE_OPENING) /* else it is being dropped */
            opened(e, s);
        break;
    case SMTP_CLIENT_FAILED:
        opening_failed(e, s, &o->failed);
        break;
    case SMTP_CLIENT_NEED_BODY:
        carried_need(e, s, &o->need_body);
        break;
    case SMTP_CLIENT_RESULT:
        carried_result(e, s, &o->result);
        break;
    case SMTP_CLIENT_END:
        carried_end(e, s, &o->end);
        break;
    case SMTP_CLIENT_CLOSE:
        carried_closed(e, s, &o->close.reason);
        return session_close(e, s, o->close.abort, ret_op);
    case SMTP_CLIENT_NOTHING:
        break;
    }
    return STEP_AGAIN;
}

/* What others want of it. */
static void wishes(struct engine *e, struct session *s)
{
    if (s->drop)
        client_feed(e, s, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_ABORT });
    else if (s->quit)
        client_feed(e, s, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_QUIT });
    s->dropped = s->dropped || s->drop;
    s->drop = s->quit = false;
}

/* The dialogue has nothing to say: an end that waits to be fed, or the next transaction. */
static enum step rest(struct engine *e, struct session *s)
{
    s->drained = true;
    if (s->lost) {
        s->lost = false;
        client_feed(e, s, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_LOST, .lost = s->lost_cause });
        return STEP_AGAIN;
    }
    if (s->state != SESSION_STATE_READY)
        return STEP_REST;
    if (!carried_accepts(s)) {
        pool_leave_lists(e, s);
        return STEP_REST;
    }
    struct transaction *t = pool_take(e, s);
    if (t)
        carried_bind(e, s, t, false);
    else if (s->carried_count == 0)
        pool_idle(e, s);
    else
        pool_hungry(e, s);
    return t || s->quit ? STEP_AGAIN : STEP_REST;
}

static enum step dialogue_step(struct engine *e, struct session *s, struct op *ret_op)
{
    struct smtp_client_output o;
    wishes(e, s);
    if (s->credit_due >= CREDIT_LOW && !s->gone) {
        *ret_op = (struct op){ .kind = OP_CREDIT, .handle = s->handle, .credit = s->credit_due };
        s->credit_due = 0;
        return STEP_OP;
    }
    carried_step(e, s);
    if (s->drop)
        return STEP_AGAIN;
    if (!smtp_client_next(&s->client, &o))
        return rest(e, s);
    s->drained = false;
    if (greeted_by_ourselves(e, s)) {
        session_drop(e, s);
        return STEP_AGAIN;
    }
    return output(e, s, &o, ret_op);
}

static bool session_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    struct session *s = session_of(m);
    if (s->state == SESSION_STATE_CONNECT) {
        session_set_state(s, SESSION_STATE_CONNECTING);
        *ret_op = (struct op){ .kind = OP_CONNECT, .handle = s->handle,
                               .connect = { .address = s->address, .timeout_us = s->connect_timeout_us } };
        return true;
    }
    enum step step = STEP_AGAIN;
    while (step == STEP_AGAIN && s->state != SESSION_STATE_CLOSED) {
        if (s->client_up)
            step = dialogue_step(e, s, ret_op);
        else
            step = s->drop ? session_close(e, s, true, ret_op) : STEP_REST;
    }
    return step == STEP_OP;
}

static int64_t session_deadline_us(const struct engine *e, const struct machine *m)
{
    const struct session *s = LIST_OWNER(m, const struct session, machine);
    if (!s->client_up)
        return s->connect_until_us;
    int64_t deadline_us = smtp_client_deadline_us(&s->client), body_us = carried_deadline_us(s);
    return body_us < deadline_us ? body_us : deadline_us;
}

static const struct machine_kind SESSION_KIND = {
    .name = "session", .feed = session_feed, .next = session_next, .deadline_us = session_deadline_us,
    .free = session_free,
};
