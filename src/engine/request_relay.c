/* A session with the smart host that goes as far as the login (or EHLO, where none is required) and says at each stage how it
 * went; nothing is sent. It does not use the pool: a test must not find a connection that is open already. */

#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "engine/request_work.h"
#include "policy/tls_policy.h"
#include "policy/verdict.h"
#include "proto/ip.h"
#include "proto/smtp_client.h"

enum { WORDS_SIZE_MAX = 8 << 10, KEY_SIZE_MAX = 2048, TEXT_SIZE_MAX = 600 };

enum test_state { TEST_ROUTING, TEST_CONNECTING, TEST_TALKING, TEST_OVER };

struct test {
    struct request base;
    struct arena arena;
    enum test_state state;
    struct lookup_client lookup;
    struct route route;
    uint8_t candidate;
    struct handle connection;
    struct smtp_client client;
    bool client_begun, open;
    struct smtp_client_options options;
    struct smtp_client_login login;
    struct tls_plan plan;
    uint32_t granted;
    struct buffer words, key;
    struct engine_answer answer; /* grows step by step; its slices are in the arena */
};

static const struct machine_kind TEST_KIND;

static struct test *test_of(const struct machine *m)
{
    return LIST_OWNER(request_of(m), struct test, base);
}

static void step_add(struct test *t, enum stage stage, bool ok, struct slice text)
{
    uint32_t *count = &t->answer.relay_test.step_count;
    if (*count == RELAY_TEST_STEPS_MAX)
        return;
    t->answer.relay_test.steps[*count].stage = stage;
    t->answer.relay_test.steps[*count].ok = ok;
    t->answer.relay_test.steps[(*count)++].text = arena_copy(&t->arena, slice_part(text, 0, TEXT_SIZE_MAX));
}

static void test_failed(struct test *t, const struct outcome *o)
{
    struct outcome *kept = &t->answer.relay_test.outcome;
    *kept = *o;
    kept->text = arena_copy(&t->arena, o->text);
    kept->host = arena_copy(&t->arena, o->host);
    kept->address = arena_copy(&t->arena, o->address);
    struct buffer b;
    buffer_init(&b, TEXT_SIZE_MAX + 32);
    if (o->code)
        buffer_add_format(&b, "%u ", o->code);
    buffer_add(&b, slice_part(o->text.size > 0 ? o->text : slice_of(outcome_cause_name(o->cause)), 0, TEXT_SIZE_MAX));
    step_add(t, o->stage, false, buffer_slice(&b));
    buffer_done(&b);
    t->state = TEST_OVER;
}

/* ---- resolving, connecting ---- */

struct lookup_context {
    struct engine *e;
    struct test *t;
};

static const struct event_dns *lookup(void *context, struct slice name, enum dns_type type)
{
    struct lookup_context *c = context;
    return lookup_ask(c->e, &c->t->lookup, name, type);
}

static void test_route(struct engine *e, struct test *t)
{
    struct lookup_context context = { e, t };
    const struct route_question question = {
        .config = e->config, .own_addresses = e->own_addresses, .own_address_count = e->own_address_count,
        .shuffle = engine_jitter(e, UINT64_MAX), .arena = &t->arena, .lookup = lookup, .context = &context,
    };
    if (!lookup_client_answered(&t->lookup) || !route_build_smarthost(&question, &t->route))
        return;
    for (uint8_t i = 0; i < t->route.count; i++)
        t->route.candidates[i].host = arena_copy(&t->arena, t->route.candidates[i].host);
    const struct candidate *first = &t->route.candidates[0];
    if (first->known) {
        test_failed(t, first->known);
        return;
    }
    char ip[IP_TEXT_SIZE];
    step_add(t, STAGE_DNS, true, ip_format(first->address.family, first->address.octets, ip));
    t->state = TEST_CONNECTING;
}

static bool connect_op(struct engine *e, struct test *t, struct op *ret_op)
{
    if (handle_is(t->connection))
        return false;
    t->connection = handle_new(e, &t->base.machine);
    *ret_op = (struct op){ .kind = OP_CONNECT, .handle = t->connection,
                           .connect = { .address = t->route.candidates[t->candidate].address,
                                        .timeout_us = RELAY_TEST_LIMIT_US / 2 } };
    return true;
}

static void connect_failed(struct engine *e, struct test *t, enum close_reason reason)
{
    static const enum outcome_cause causes[] = {
        [CLOSE_PEER] = OUTCOME_CAUSE_LOST, [CLOSE_RESET] = OUTCOME_CAUSE_LOST, [CLOSE_REFUSED] = OUTCOME_CAUSE_REFUSED,
        [CLOSE_TIMEOUT] = OUTCOME_CAUSE_TIMEOUT, [CLOSE_UNREACHABLE] = OUTCOME_CAUSE_UNREACHABLE,
        [CLOSE_LOCAL] = OUTCOME_CAUSE_LOCAL,
    };
    handle_drop(e, &t->connection);
    if (t->candidate + 1 < t->route.count && !t->route.candidates[t->candidate + 1].known) {
        t->candidate++;
        return;
    }
    char ip[IP_TEXT_SIZE];
    const struct candidate *c = &t->route.candidates[t->candidate];
    const struct outcome o = { .class = OUTCOME_TEMP, .stage = STAGE_CONNECT, .cause = causes[reason], .host = c->host,
                               .address = ip_format(c->address.family, c->address.octets, ip), .at_us = e->now.wall_us };
    test_failed(t, &o);
}

/* ---- talking ---- */

static void talk_begin(struct engine *e, struct test *t)
{
    const struct config *c = e->config;
    const struct candidate *candidate = &t->route.candidates[t->candidate];
    const struct credential_question nobody = { .notice = true };
    struct credential credential;
    credential_choose(c, e->accounts, &nobody, &credential);
    tls_plan_smarthost(c, &credential, false, &t->plan);
    char ip[IP_TEXT_SIZE];
    t->options = (struct smtp_client_options){
        .our_name = arena_copy(&t->arena, c->server.name), .host = candidate->host,
        .address = arena_copy(&t->arena, ip_format(candidate->address.family, candidate->address.octets, ip)),
        .tls = t->plan.tls, .banner_timeout_us = RELAY_TEST_LIMIT_US, .command_timeout_us = RELAY_TEST_LIMIT_US,
        .data_timeout_us = RELAY_TEST_LIMIT_US, .dot_timeout_us = RELAY_TEST_LIMIT_US,
        .idle_timeout_us = RELAY_TEST_LIMIT_US,
    };
    if (credential.kind != CREDENTIAL_NONE) {
        t->login = (struct smtp_client_login){ .allow_clear = t->plan.allow_clear_login,
                                               .allow_unverified = t->plan.allow_unverified_login };
        t->login.credentials = (struct sasl_credentials){ .user = arena_copy(&t->arena, credential.user),
                                                          .secret = arena_copy(&t->arena, credential.password) };
        engine_random(e, t->login.credentials.nonce, sizeof(t->login.credentials.nonce));
        t->options.login = &t->login;
    }
    tls_session_key(&t->plan, candidate->host, &candidate->address, &credential, &t->key);
    step_add(t, STAGE_CONNECT, true, t->options.address);
    smtp_client_init(&t->client, e->now, &t->options);
    t->client_begun = t->open = true;
    t->state = TEST_TALKING;
}

static void client_feed(struct engine *e, struct test *t, struct smtp_client_input input)
{
    if (t->client_begun && !smtp_client_closed(&t->client))
        smtp_client_feed(&t->client, e->now, &input);
}

static void tls_came_up(struct engine *e, struct test *t, const struct tls_facts *facts)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TLS_UP };
    tls_judge(&t->plan, facts, &t->words, &input.tls_up);
    struct buffer b;
    buffer_init(&b, TEXT_SIZE_MAX);
    buffer_add(&b, facts->version);
    for (size_t i = 0; i < facts->name_count; i++) {
        buffer_add_text(&b, i == 0 ? ", " : " ");
        buffer_add(&b, facts->names[i]);
    }
    if (input.tls_up.accepted)
        step_add(t, STAGE_TLS, true, buffer_slice(&b));
    buffer_done(&b);
    client_feed(e, t, input);
}

static void ready(struct engine *e, struct test *t)
{
    struct smtp_client_facts facts;
    smtp_client_facts(&t->client, &facts);
    step_add(t, STAGE_EHLO, true, facts.greeting_host);
    if (facts.authenticated)
        step_add(t, STAGE_AUTH, true, slice_of(sasl_mechanism_name(facts.mechanism)));
    t->answer.relay_test.ok = true;
    t->answer.relay_test.outcome.class = OUTCOME_OK;
    client_feed(e, t, (struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_QUIT });
}

static bool talk_next(struct engine *e, struct test *t, struct op *ret_op)
{
    struct smtp_client_output out;
    while (t->client_begun && smtp_client_next(&t->client, &out)) {
        const struct candidate *c = &t->route.candidates[t->candidate];
        switch (out.kind) {
        case SMTP_CLIENT_SEND:
            *ret_op = (struct op){ .kind = OP_SEND, .handle = t->connection, .send = { out.bytes } };
            return true;
        case SMTP_CLIENT_START_TLS:
            *ret_op = (struct op){ .kind = OP_START_TLS, .handle = t->connection,
                                   .start_tls = { .session_key = buffer_slice(&t->key) } };
            ret_op->start_tls.name = tls_peer_name(c, &ret_op->start_tls.name_is_address);
            return true;
        case SMTP_CLIENT_READY: ready(e, t); break;
        case SMTP_CLIENT_FAILED: test_failed(t, &out.failed); break;
        case SMTP_CLIENT_CLOSE:
            t->state = TEST_OVER;
            if (!t->open)
                break;
            t->open = false;
            *ret_op = (struct op){ .kind = OP_CLOSE, .handle = t->connection, .close = { .abort = out.close.abort } };
            return true;
        default: break; /* no transaction was fed: nothing else comes */
        }
    }
    if (t->state != TEST_TALKING || t->granted > 0)
        return false;
    t->granted = SMTP_CLIENT_INPUT_MAX;
    *ret_op = (struct op){ .kind = OP_CREDIT, .handle = t->connection, .credit = t->granted };
    return true;
}

/* ---- the machine ---- */

static void test_feed(struct engine *e, struct machine *m, const struct event *event)
{
    struct test *t = test_of(m);
    switch (event->kind) {
    case EVENT_CONNECTED: talk_begin(e, t); break;
    case EVENT_RECEIVED:
        t->granted -= (uint32_t)event->received.size;
        client_feed(e, t, (struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = event->received });
        break;
    case EVENT_SENT: client_feed(e, t, (struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_SENT, .sent = event->sent }); break;
    case EVENT_TLS_UP: tls_came_up(e, t, event->tls_up.facts); break;
    case EVENT_TLS_FAILED:
        client_feed(e, t, (struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_TLS_FAILED, .tls_failed = event->tls_failed });
        break;
    case EVENT_CLOSED:
        t->open = false;
        if (t->state == TEST_CONNECTING)
            connect_failed(e, t, event->closed.reason);
        else
            client_feed(e, t, (struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_LOST, .lost = OUTCOME_CAUSE_LOST });
        break;
    default: break;
    }
}

static void test_late(struct engine *e, struct test *t)
{
    static const enum stage stages[] = { [TEST_ROUTING] = STAGE_DNS, [TEST_CONNECTING] = STAGE_CONNECT,
                                         [TEST_TALKING] = STAGE_BANNER };
    const struct outcome late = { .class = OUTCOME_TEMP, .stage = stages[t->state], .cause = OUTCOME_CAUSE_TIMEOUT,
                                  .text = SLICE("no answer within the time of the test"), .at_us = e->now.wall_us };
    test_failed(t, &late);
}

static void test_reply(struct engine *e, struct test *t)
{
    struct engine_answer *a = &t->answer;
    struct verdict_page page;
    verdict_page_of(e->config, &page);
    for (uint32_t i = 0; i < a->relay_test.step_count; i++)
        a->relay_test.steps[i].text = turn_copy(e, a->relay_test.steps[i].text);
    struct outcome *o = &a->relay_test.outcome;
    if (!a->relay_test.ok) {
        const struct verdict_candidate candidate = { .kind = CANDIDATE_SMARTHOST, .outcome = o,
                                                     .refusal = refusal_of_smarthost(o) };
        const struct verdict_question question = { .page = page, .candidates = &candidate, .count = 1,
                                                   .smarthost_meets = true };
        struct verdict verdict;
        verdict_decide(&question, &verdict);
        a->relay_test.rule = verdict.rule;
    }
    o->text = turn_copy(e, o->text);
    o->host = turn_copy(e, o->host);
    o->address = turn_copy(e, o->address);
    request_reply(e, t->base.tag, a);
}

static bool test_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    struct test *t = test_of(m);
    if (m->closed)
        return false;
    if (t->state != TEST_OVER && e->now.monotonic_us >= t->base.limit_us)
        test_late(e, t);
    if (t->state == TEST_ROUTING)
        test_route(e, t);
    if (t->state == TEST_CONNECTING && connect_op(e, t, ret_op))
        return true;
    if (talk_next(e, t, ret_op))
        return true;
    if (t->state != TEST_OVER)
        return false;
    if (handle_is(t->connection) && t->open) {
        t->open = false;
        *ret_op = (struct op){ .kind = OP_CLOSE, .handle = t->connection, .close = { .abort = true } };
        return true;
    }
    test_reply(e, t);
    if (t->answer.relay_test.ok)
        engine_mended(e); /* A46: what failed may go now */
    machine_close(e, m);
    return false;
}

static int64_t test_deadline_us(const struct engine *e, const struct machine *m)
{
    (void)e;
    return request_of(m)->limit_us;
}

static void test_free(struct engine *e, struct machine *m)
{
    struct test *t = test_of(m);
    lookup_client_cancel(e, &t->lookup);
    handle_drop(e, &t->connection);
    if (t->client_begun)
        smtp_client_done(&t->client);
    request_remove(e, &t->base);
    struct slice secret = t->login.credentials.secret;
    if (secret.size > 0)
        explicit_bzero((char *)secret.data, secret.size);
    buffer_done(&t->words);
    buffer_done(&t->key);
    arena_done(&t->arena);
    mem_free(t);
}

static const struct machine_kind TEST_KIND = {
    .name = "relay-test", .feed = test_feed, .next = test_next, .deadline_us = test_deadline_us, .free = test_free,
};

void relay_test_begin(struct engine *e, const struct engine_request *request)
{
    struct test *t = mem_alloc(sizeof(*t));
    buffer_init(&t->words, WORDS_SIZE_MAX);
    buffer_init(&t->key, KEY_SIZE_MAX);
    t->answer.kind = REQUEST_RELAY_TEST;
    request_add(e, &t->base, request->tag, &TEST_KIND, RELAY_TEST_LIMIT_US);
    lookup_client_init(&t->lookup, &t->base.machine);
    if (e->config->delivery.smarthost.form == SERVER_NONE) {
        const struct outcome none = { .class = OUTCOME_PERM, .stage = STAGE_DNS, .cause = OUTCOME_CAUSE_DNS_NODATA,
                                      .text = SLICE("no smart host is configured (Delivery.SmartHost)") };
        test_failed(t, &none);
    }
}
