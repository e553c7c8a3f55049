#include "admin/report.h"

#include <stdio.h>

#include "admin/event_json.h"
#include "admin/relay_words.h"
#include "base/codec.h"
#include "engine/alert.h"
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

static enum config_key key_of_rule(uint16_t rule)
{
    if (rule == RULE_A8)
        return CONFIG_DELIVERY_BOUNCE_IF_NO_MX_OR_A;
    return rule == RULE_A45 ? CONFIG_RETRY_GIVE_UP : verdict_key_of_rule(rule);
}

json_t *report_decided(const struct config *config, uint16_t rule, enum config_key key)
{
    struct buffer value;
    buffer_init(&value, TEXT_SIZE_MAX);
    bool has_key = key != CONFIG_KEY_NONE;
    if (has_key)
        config_value(config, key, &value);
    uint32_t line = has_key ? config->lines[key] : 0;
    json_t *decided = json_pack("{s:o,s:o,s:o,s:o,s:o}", "rule", json_slice_or_null(slice_of(rule_name(rule))), "key",
                                has_key ? json_string(config_key_name(key)) : json_null(), "value",
                                has_key ? json_slice(buffer_slice(&value)) : json_null(), "file",
                                has_key ? json_slice_or_null(config->file) : json_null(), "line",
                                line ? json_integer(line) : json_null());
    buffer_done(&value);
    return decided;
}

json_t *report_credential(const struct credential *credential)
{
    struct buffer name;
    buffer_init(&name, TEXT_SIZE_MAX);
    credential_name(credential, &name);
    json_t *value = json_slice(buffer_slice(&name));
    buffer_done(&name);
    return value;
}

enum text_id report_credential_reason(const struct credential *credential)
{
    static const enum text_id texts[] = {
        [CREDENTIAL_NOT_REQUIRED] = TEXT_CREDENTIAL_NOT_REQUIRED, [CREDENTIAL_BY_LOGIN] = TEXT_CREDENTIAL_BY_LOGIN,
        [CREDENTIAL_BY_ADDRESS] = TEXT_CREDENTIAL_BY_ADDRESS,     [CREDENTIAL_GENERAL_ONLY] = TEXT_CREDENTIAL_GENERAL_ONLY,
        [CREDENTIAL_NO_ACCOUNT] = TEXT_CREDENTIAL_NO_ACCOUNT,
        [CREDENTIAL_ACCOUNT_HAS_NONE] = TEXT_CREDENTIAL_ACCOUNT_HAS_NONE,
    };
    return texts[credential->reason];
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

/* A27: whose login the smart host gets, and why that. */
static void why_add_login(json_t *message, const struct envelope *v, const struct report_context *context, json_t *decided)
{
    bool used = context->config->delivery.mode != MODE_DIRECT;
    struct credential credential;
    const struct credential_question question = { .account = v->account, .from_network = v->from_network, .sender = v->sender,
                                                  .notice = v->notice };
    credential_choose(context->config, context->accounts, &question, &credential);
    json_object_set_new(message, "credential", used ? report_credential(&credential) : json_null());
    json_object_set_new(message, "credential_reason",
                        used ? sentence(context->language, report_credential_reason(&credential)) : json_null());
    if (used)
        json_array_append_new(decided, report_decided(context->config, credential.rule, credential.key));
}

static void why_add(json_t *message, const struct envelope *v, const struct report_context *context)
{
    json_t *decided = json_array(), *remedies = json_array();
    uint16_t told = RULE_NONE;
    bool outward = false;
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        const struct recipient *r = &v->recipients[i];
        bool over = r->state == RECIPIENT_DELIVERED;
        outward = outward || (!over && !r->local);
        if (r->rule == RULE_NONE || r->rule == told || over)
            continue;
        told = r->rule;
        json_array_append_new(decided, report_decided(context->config, r->rule, key_of_rule(r->rule)));
        remedies_add(remedies, r, context->language);
    }
    if (outward)
        why_add_login(message, v, context, decided);
    json_object_set_new(message, "history", json_array());
    json_object_set_new(message, "decided_by", decided);
    json_object_set_new(message, "next_step", next_step(v, context->language));
    json_object_set_new(message, "remedies", remedies);
}

json_t *report_message(const struct store_row *row, const struct report_context *context, bool why)
{
    struct arena arena = { 0 };
    struct envelope v;
    if (row->envelope.size == 0 || envelope_decode(row->envelope, &arena, &v) != ERR_OK) {
        arena_done(&arena);
        return NULL;
    }
    json_t *recipients = json_array();
    for (uint32_t i = 0; i < v.recipient_count; i++)
        json_array_append_new(recipients, recipient_json(&v.recipients[i], context->language));
    json_t *message = json_pack("{s:o,s:s,s:o,s:I,s:o,s:o}", "id", json_id(row->stub.id), "queue", queue_name(v.queue), "from",
                                json_slice(v.sender), "size_bytes", (json_int_t)v.body_size, "received",
                                json_time(v.received_us), "recipients", recipients);
    if (why)
        why_add(message, &v, context);
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

json_t *report_relay_test(const struct engine_answer *a, const struct config *config, enum language language)
{
    json_t *steps = json_array();
    for (uint32_t i = 0; i < a->relay_test.step_count; i++)
        json_array_append_new(steps, json_pack("{s:s,s:b,s:o}", "stage", stage_name(a->relay_test.steps[i].stage), "ok",
                                               (int)a->relay_test.steps[i].ok, "text", json_slice(a->relay_test.steps[i].text)));
    bool ok = a->relay_test.ok;
    const struct outcome *o = &a->relay_test.outcome;
    struct buffer cause, remedy;
    buffer_init(&cause, TEXT_SIZE_MAX);
    buffer_init(&remedy, TEXT_SIZE_MAX);
    if (!ok)
        relay_words(o, config, language, &cause, &remedy);
    json_t *told = json_pack("{s:b,s:o,s:o,s:o,s:o}", "ok", (int)ok, "steps", steps, "cause",
                             json_slice_or_null(buffer_slice(&cause)), "remedy", json_slice_or_null(buffer_slice(&remedy)),
                             "rule", json_slice_or_null(slice_of(rule_name(a->relay_test.rule))));
    buffer_done(&cause);
    buffer_done(&remedy);
    return told;
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
