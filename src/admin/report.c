#include "admin/report.h"

#include <stdio.h>

#include "admin/event_json.h"
#include "base/codec.h"
#include "engine/alert.h"
#include "policy/refusal.h"
#include "policy/rule.h"
#include "policy/verdict.h"
#include "proto/ip.h"

enum { TEXT_SIZE_MAX = 64 << 10 };

/* ---- values ---- */

/* By the encoder that makes invalid octets valid. */
json_t *json_slice(struct slice s)
{
    struct buffer b;
    buffer_init(&b, TEXT_SIZE_MAX);
    json_text(slice_part(s, 0, TEXT_SIZE_MAX / 8), &b);
    json_t *value = json_loadb(b.data, b.size, JSON_DECODE_ANY, NULL);
    buffer_done(&b);
    return value ? value : json_string("");
}

json_t *json_slice_or_null(struct slice s)
{
    return s.size > 0 ? json_slice(s) : json_null();
}

static json_t *json_time(int64_t wall_us)
{
    char date[DATE_SIZE_MAX];
    if (wall_us <= 0 || wall_us == INT64_MAX)
        return json_null();
    date_rfc3339(wall_us, date);
    return json_string(date);
}

static json_t *json_id(uint64_t id)
{
    char text[16];
    id_format(id, text);
    return json_string(text);
}

static json_t *json_outcome(const struct outcome *o)
{
    struct buffer b;
    buffer_init(&b, TEXT_SIZE_MAX);
    outcome_json(o, &b);
    json_t *value = json_loadb(b.data, b.size, JSON_DECODE_ANY, NULL);
    buffer_done(&b);
    return value ? value : json_null();
}

static json_t *sentence(enum language language, enum text_id id)
{
    return json_string(text_get(id, language));
}

/* ---- status ---- */

static json_t *alerts_json(const struct engine *engine, enum language language)
{
    json_t *all = json_array();
    for (const struct alert *a = alert_first(engine); a; a = alert_next(engine, a))
        json_array_append_new(all, json_pack("{s:o,s:o,s:o,s:o,s:o,s:I}", "at", json_time(a->since_us), "rule",
                                             json_slice_or_null(slice_of(rule_name(a->rule))), "subject",
                                             json_slice(slice_of(a->subject)), "text",
                                             json_slice(slice_of(a->text[language])), "remedy",
                                             json_slice(slice_of(a->remedy[language])), "count", (json_int_t)a->count));
    return all;
}

static json_t *counters_json(const struct trace_counters *c)
{
    json_t *all = json_object();
    for (int kind = 0; kind < TRACE_KIND_COUNT; kind++)
        json_object_set_new(all, trace_name((enum trace_kind)kind), json_integer((json_int_t)c->events[kind]));
    json_object_set_new(all, "delivered", json_integer((json_int_t)c->delivery_outcomes[OUTCOME_OK]));
    json_object_set_new(all, "in_doubt", json_integer((json_int_t)c->in_doubt));
    return all;
}

json_t *report_status(const struct engine *engine, struct now now, const struct config *config, bool reload_failed,
                      enum language language)
{
    struct engine_status s;
    engine_status(engine, now, &s);
    json_t *queues = json_object();
    for (int q = 0; q < QUEUE_COUNT; q++)
        json_object_set_new(queues, queue_name((enum queue_kind)q), json_integer(s.queues[q]));
    return json_pack("{s:s,s:I,s:b,s:s,s:o,s:o,s:o,s:b,s:i,s:i,s:i,s:I,s:b,s:b,s:o}", "version", FACTEUR_VERSION, "uptime_s",
                     (json_int_t)(s.uptime_us / US_PER_SECOND), "ready", (int)s.loaded, "mode",
                     config_mode_name(config->delivery.mode), "smarthost",
                     json_slice_or_null(config->delivery.smarthost.written), "queues", queues, "alerts",
                     alerts_json(engine, language), "reload_failed", (int)reload_failed, "sessions_in", (int)s.sessions_in,
                     "sessions_out", (int)s.sessions_out, "attempts", (int)s.attempts, "disk_free_bytes",
                     (json_int_t)s.store.free_bytes, "disk_full", (int)s.store.full, "disk_failed", (int)s.store.failed,
                     "counters", counters_json(s.counters));
}

/* ---- messages ---- */

static json_t *recipient_json(const struct recipient *r, enum language language)
{
    bool waits = r->state == RECIPIENT_WAITING;
    return json_pack("{s:o,s:s,s:i,s:o,s:o,s:o,s:o}", "to", json_slice(r->address), "state", recipient_state_name(r->state),
                     "attempts", (int)r->attempts, "next_attempt", waits ? json_time(r->due_us) : json_null(), "last",
                     json_outcome(&r->last), "rule", json_slice_or_null(slice_of(rule_name(r->rule))), "reason",
                     r->rule ? sentence(language, rule_text(r->rule)) : json_null());
}

/* Keys that a rule goes by: where the administrator looks. */
static enum config_key key_of_rule(uint16_t rule)
{
    switch (rule) {
    case RULE_A1:
    case RULE_A2:
    case RULE_A8: return CONFIG_DELIVERY_BOUNCE_IF_NO_MX_OR_A;
    case RULE_A11: return CONFIG_DELIVERY_FALLBACK_ON_TEMP_ERROR;
    case RULE_A13: return CONFIG_DELIVERY_FALLBACK_ON_POLICY_REFUSAL;
    case RULE_A14:
    case RULE_A15: return CONFIG_DELIVERY_BOUNCE_ON_FIRST_5XX;
    case RULE_A19:
    case RULE_A20: return CONFIG_DELIVERY_ABORT_ON_RCPT_5XX;
    case RULE_A23A:
    case RULE_A25: return CONFIG_DELIVERY_SMARTHOST_USER;
    case RULE_A24:
    case RULE_A35: return CONFIG_DELIVERY_SMARTHOST;
    case RULE_A33: return CONFIG_DELIVERY_SMARTHOST_VERIFY_CERTIFICATE;
    case RULE_A37: return CONFIG_DELIVERY_CACHE_CONNECTION_FAILURES;
    case RULE_A41: return CONFIG_TLS_POLICY;
    case RULE_A45: return CONFIG_RETRY_GIVE_UP;
    default: return CONFIG_DELIVERY_MODE;
    }
}

static json_t *decided_json(const struct config *config, uint16_t rule)
{
    enum config_key key = key_of_rule(rule);
    struct buffer value;
    buffer_init(&value, TEXT_SIZE_MAX);
    config_value(config, key, &value);
    uint32_t line = config->lines[key];
    json_t *decided = json_pack("{s:s,s:s,s:o,s:o,s:o}", "rule", rule_name(rule), "key", config_key_name(key), "value",
                                json_slice(buffer_slice(&value)), "file", json_slice_or_null(config->file), "line",
                                line ? json_integer(line) : json_null());
    buffer_done(&value);
    return decided;
}

static void remedies_add(json_t *remedies, const struct recipient *r, enum language language)
{
    enum text_id id = TEXT_NONE;
    switch (r->rule) {
    case RULE_A2:
    case RULE_A4:
    case RULE_A8: id = TEXT_REMEDY_WHY_DNS; break;
    case RULE_A23A:
    case RULE_A25:
    case RULE_A26:
    case RULE_A33: id = TEXT_ALERT_LOGIN_REMEDY; break;
    case RULE_A23B: id = TEXT_ALERT_REFUSING_REMEDY; break;
    case RULE_A24:
    case RULE_A35:
    case RULE_A36: id = TEXT_REMEDY_WHY_SMARTHOST; break;
    case RULE_A10:
    case RULE_A37: id = TEXT_ALERT_PORT_25_REMEDY; break;
    default: id = TEXT_REMEDY_WHY_RETRY; break;
    }
    json_array_append_new(remedies, sentence(language, id));
}

static json_t *next_step(const struct envelope *v, enum language language)
{
    int64_t due_us = envelope_due_us(v);
    char date[DATE_SIZE_MAX];
    struct buffer b;
    buffer_init(&b, TEXT_SIZE_MAX);
    if (due_us != INT64_MAX && v->queue != QUEUE_HOLDING && v->queue != QUEUE_BAD) {
        date_rfc3339(due_us, date);
        text_format(&b, language, TEXT_NEXT_STEP_TRIED, TEXT_ARGUMENTS({ "time", slice_of(date) }));
    } else {
        buffer_add_text(&b, text_get(v->queue == QUEUE_BAD ? TEXT_NEXT_STEP_BAD : TEXT_NEXT_STEP_HELD, language));
    }
    json_t *value = json_slice(buffer_slice(&b));
    buffer_done(&b);
    return value;
}

static void why_add(json_t *message, const struct envelope *v, const struct config *config, enum language language)
{
    json_t *decided = json_array(), *remedies = json_array();
    uint16_t told = RULE_NONE;
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        const struct recipient *r = &v->recipients[i];
        if (r->rule == RULE_NONE || r->rule == told || r->state == RECIPIENT_DELIVERED)
            continue;
        told = r->rule;
        json_array_append_new(decided, decided_json(config, r->rule));
        remedies_add(remedies, r, language);
    }
    json_object_set_new(message, "history", json_array());
    json_object_set_new(message, "decided_by", decided);
    json_object_set_new(message, "next_step", next_step(v, language));
    json_object_set_new(message, "remedies", remedies);
}

json_t *report_message(const struct store_row *row, const struct config *config, bool why, enum language language)
{
    struct arena arena = { 0 };
    struct envelope v;
    if (row->envelope.size == 0 || envelope_decode(row->envelope, &arena, &v) != ERR_OK) {
        arena_done(&arena);
        return NULL;
    }
    json_t *recipients = json_array();
    for (uint32_t i = 0; i < v.recipient_count; i++)
        json_array_append_new(recipients, recipient_json(&v.recipients[i], language));
    json_t *message = json_pack("{s:o,s:s,s:o,s:I,s:o,s:o}", "id", json_id(row->stub.id), "queue", queue_name(v.queue), "from",
                                json_slice(v.sender), "size_bytes", (json_int_t)v.body_size, "received",
                                json_time(v.received_us), "recipients", recipients);
    if (why)
        why_add(message, &v, config, language);
    arena_done(&arena);
    return message;
}

json_t *report_history(const struct history_event *events, uint32_t count)
{
    json_t *all = json_array();
    for (uint32_t i = count; i-- > 0;) {
        json_t *event = json_loadb(events[i].text.data, events[i].text.size, 0, NULL);
        if (event)
            json_array_append_new(all, event);
    }
    return all;
}

/* ---- explain ---- */

static const char *tls_name(const struct tls_plan *plan)
{
    switch (plan->tls) {
    case SMTP_CLIENT_TLS_OFF: return "off";
    case SMTP_CLIENT_TLS_IMPLICIT: return plan->verify ? "implicit, verified" : "implicit";
    case SMTP_CLIENT_TLS_DEMANDED: return plan->verify ? "verified" : "required";
    default: return "opportunistic";
    }
}

static json_t *candidate_json(const struct engine_answer *a, uint8_t i)
{
    const struct candidate *c = &a->explain.route.candidates[i];
    bool smarthost = c->kind == CANDIDATE_SMARTHOST;
    char ip[IP_TEXT_SIZE];
    json_t *addresses = json_array();
    if (c->address.family != 0)
        json_array_append_new(addresses, json_slice(ip_format(c->address.family, c->address.octets, ip)));
    struct buffer credential;
    buffer_init(&credential, TEXT_SIZE_MAX);
    if (smarthost)
        credential_name(&a->explain.credential, &credential);
    json_t *value = json_pack("{s:s,s:o,s:o,s:i,s:i,s:s,s:o,s:b,s:o}", "kind", smarthost ? "smarthost" : "mx", "host",
                              json_slice_or_null(c->host), "addresses", addresses, "preference", (int)c->preference, "port",
                              (int)c->address.port, "tls", tls_name(&a->explain.plans[i]), "credential",
                              smarthost ? json_slice(buffer_slice(&credential)) : json_string("none"), "pop_check", 0,
                              "known", c->known ? json_outcome(c->known) : json_null());
    buffer_done(&credential);
    return value;
}

struct hypothesis {
    enum text_id when;
    bool all_direct;
    struct outcome outcome;
};

static const struct hypothesis HYPOTHESES[] = {
    { TEXT_IF_RCPT_5XX, false, { .class = OUTCOME_PERM, .stage = STAGE_RCPT, .cause = OUTCOME_CAUSE_REPLY, .code = 550, .enhanced = { 5, 1, 1 } } },
    { TEXT_IF_RCPT_4XX, false, { .class = OUTCOME_TEMP, .stage = STAGE_RCPT, .cause = OUTCOME_CAUSE_REPLY, .code = 450, .enhanced = { 4, 2, 0 } } },
    { TEXT_IF_BANNER_5XX, false, { .class = OUTCOME_PERM, .stage = STAGE_BANNER, .cause = OUTCOME_CAUSE_REPLY, .code = 554, .enhanced = { 5, 3, 2 } } },
    { TEXT_IF_UNREACHABLE, true, { .class = OUTCOME_TEMP, .stage = STAGE_CONNECT, .cause = OUTCOME_CAUSE_TIMEOUT, .enhanced = { 4, 4, 1 } } },
};

/* The same verdict as the engine's, asked what would follow. */
static void consequence(const struct engine_answer *a, const struct config *config, const struct hypothesis *h, struct verdict *ret_verdict)
{
    struct verdict_candidate candidates[ROUTE_CANDIDATES_MAX] = { 0 };
    const struct route *route = &a->explain.route;
    for (uint8_t i = 0; i < route->count; i++) {
        candidates[i].kind = route->candidates[i].kind;
        candidates[i].host_number = route->candidates[i].host_number;
        candidates[i].outcome = route->candidates[i].known;
        bool concerned = i == 0 || (h->all_direct && route->candidates[i].kind == route->candidates[0].kind);
        if (concerned && !candidates[i].outcome)
            candidates[i].outcome = &h->outcome;
    }
    struct verdict_question question = { .candidates = candidates, .count = route->count, .smarthost_meets = true,
                                         .credential = a->explain.credential.kind };
    verdict_page_of(config, &question.page);
    verdict_decide(&question, ret_verdict);
}

static enum text_id then_text(const struct engine_answer *a, const struct verdict *v)
{
    switch (v->action) {
    case VERDICT_NEXT:
        return a->explain.route.candidates[v->next].kind == CANDIDATE_SMARTHOST ? TEXT_THEN_SMARTHOST : TEXT_THEN_NEXT_HOST;
    case VERDICT_BOUNCE: return TEXT_THEN_BOUNCE;
    case VERDICT_HOLD: return TEXT_THEN_HOLD;
    default: return TEXT_THEN_RETRY;
    }
}

json_t *report_explain(const struct engine_answer *a, const struct config *config, enum language language)
{
    json_t *candidates = json_array(), *consequences = json_array();
    for (uint8_t i = 0; i < a->explain.route.count; i++)
        json_array_append_new(candidates, candidate_json(a, i));
    json_t *none = json_null();
    for (size_t i = 0; a->explain.route.count > 0 && i < sizeof(HYPOTHESES) / sizeof(HYPOTHESES[0]); i++) {
        struct verdict v;
        consequence(a, config, &HYPOTHESES[i], &v);
        json_array_append_new(consequences, json_pack("{s:o,s:o,s:o}", "if", sentence(language, HYPOTHESES[i].when), "then",
                                                      sentence(language, then_text(a, &v)), "rule",
                                                      json_slice_or_null(slice_of(rule_name(v.rule)))));
        if (HYPOTHESES[i].all_direct) {
            json_decref(none);
            none = json_string(verdict_action_name(v.action));
        }
    }
    return json_pack("{s:s,s:b,s:o,s:o,s:o}", "mode", config_mode_name(config->delivery.mode), "local", (int)a->explain.local,
                     "candidates", candidates, "outcome_if_none", none, "consequences", consequences);
}

json_t *report_relay_test(const struct engine_answer *a, enum language language)
{
    json_t *steps = json_array();
    for (uint32_t i = 0; i < a->relay_test.step_count; i++)
        json_array_append_new(steps, json_pack("{s:s,s:b,s:o}", "stage", stage_name(a->relay_test.steps[i].stage), "ok",
                                               (int)a->relay_test.steps[i].ok, "text", json_slice(a->relay_test.steps[i].text)));
    bool ok = a->relay_test.ok;
    const struct outcome *o = &a->relay_test.outcome;
    enum text_id remedy = o->stage == STAGE_AUTH || o->stage == STAGE_TLS ? TEXT_ALERT_LOGIN_REMEDY : TEXT_REMEDY_WHY_SMARTHOST;
    json_t *cause = ok ? json_null() : json_slice(o->text.size > 0 ? o->text : slice_of(outcome_cause_name(o->cause)));
    return json_pack("{s:b,s:o,s:o,s:o,s:o}", "ok", (int)ok, "steps", steps, "cause", cause, "remedy",
                     ok ? json_null() : sentence(language, remedy), "rule",
                     json_slice_or_null(slice_of(rule_name(a->relay_test.rule))));
}

json_t *report_problems(const struct config_problems *problems, struct slice file)
{
    json_t *all = json_array();
    struct buffer line;
    buffer_init(&line, TEXT_SIZE_MAX);
    for (uint32_t i = 0; i < problems->count; i++) {
        buffer_clear(&line);
        config_problem_format(file, &problems->items[i], &line);
        json_array_append_new(all, json_slice(buffer_slice(&line)));
    }
    buffer_done(&line);
    return all;
}
