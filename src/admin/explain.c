#include "admin/explain.h"

#include "admin/event_json.h"
#include "policy/rule.h"
#include "policy/verdict.h"
#include "proto/ip.h"

enum { SENTENCE_SIZE_MAX = 4096 };

static json_t *sentence(enum language language, enum text_id id)
{
    return json_string(text_get(id, language));
}

/* ---- candidates ---- */

static const char *tls_name(const struct tls_plan *plan)
{
    switch (plan->tls) {
    case SMTP_CLIENT_TLS_OFF: return "off";
    case SMTP_CLIENT_TLS_IMPLICIT: return plan->verify ? "implicit, verified" : "implicit";
    case SMTP_CLIENT_TLS_DEMANDED: return plan->verify ? "verified" : "required";
    default: return "opportunistic";
    }
}

static json_t *known_json(const struct outcome *known)
{
    struct buffer b;
    buffer_init(&b, EVENT_JSON_SIZE_MAX);
    if (known)
        outcome_json(known, &b);
    json_t *value = known ? json_loadb(b.data, b.size, JSON_DECODE_ANY, NULL) : NULL;
    buffer_done(&b);
    return value ? value : json_null();
}

/* All addresses of the host, in the order in which they would be tried. */
static json_t *addresses_json(const struct route *route, uint8_t host_number)
{
    char ip[IP_TEXT_SIZE];
    json_t *addresses = json_array();
    for (uint8_t i = 0; i < route->count; i++) {
        const struct candidate *c = &route->candidates[i];
        if (c->host_number == host_number && c->address.family != 0)
            json_array_append_new(addresses, json_slice(ip_format(c->address.family, c->address.octets, ip)));
    }
    return addresses;
}

static json_t *candidate_json(const struct engine_answer *a, uint8_t i)
{
    const struct route *route = &a->explain.route;
    const struct candidate *c = &route->candidates[i];
    bool smarthost = c->kind == CANDIDATE_SMARTHOST;
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:o,s:b,s:o}", "kind", smarthost ? "smarthost" : "mx", "host",
                     json_slice_or_null(c->host), "addresses", addresses_json(route, c->host_number), "preference",
                     smarthost ? json_null() : json_integer(c->preference), "port",
                     c->address.port ? json_integer(c->address.port) : json_null(), "tls", tls_name(&a->explain.plans[i]),
                     "credential", smarthost ? report_credential(&a->explain.credential) : json_string("none"), "pop_check", 0,
                     "known", known_json(c->known));
}

/* One a host. */
static json_t *candidates_json(const struct engine_answer *a)
{
    const struct route *route = &a->explain.route;
    json_t *all = json_array();
    for (uint8_t i = 0; i < route->count; i++) {
        bool first = true;
        for (uint8_t k = 0; k < i; k++)
            first = first && route->candidates[k].host_number != route->candidates[i].host_number;
        if (first)
            json_array_append_new(all, candidate_json(a, i));
    }
    return all;
}

/* ---- consequences ---- */

enum concerned { CONCERNED_FIRST, CONCERNED_ALL_DIRECT, CONCERNED_ALL };

struct hypothesis {
    enum text_id when;
    enum concerned concerned;
    struct outcome outcome;
};

#define REPLY(class_, stage_, code_, ...) \
    { .class = class_, .stage = stage_, .cause = OUTCOME_CAUSE_REPLY, .code = code_, .enhanced = { __VA_ARGS__ } }
#define TIMEOUT { .class = OUTCOME_TEMP, .stage = STAGE_CONNECT, .cause = OUTCOME_CAUSE_TIMEOUT, .enhanced = { 4, 4, 1 } }

static const struct hypothesis HYPOTHESES[] = {
    { TEXT_IF_RCPT_5XX, CONCERNED_FIRST, REPLY(OUTCOME_PERM, STAGE_RCPT, 550, 5, 1, 1) },
    { TEXT_IF_RCPT_4XX, CONCERNED_FIRST, REPLY(OUTCOME_TEMP, STAGE_RCPT, 450, 4, 2, 0) },
    { TEXT_IF_BANNER_5XX, CONCERNED_FIRST, REPLY(OUTCOME_PERM, STAGE_BANNER, 554, 5, 3, 2) },
    { TEXT_IF_UNREACHABLE, CONCERNED_ALL_DIRECT, TIMEOUT },
};
/* What stands when no candidate can be used at all; also what the name server's answers alone decide. */
static const struct hypothesis NONE = { TEXT_IF_NONE, CONCERNED_ALL, TIMEOUT };

/* The same verdict as the engine's, asked what would follow. */
static void consequence(const struct engine_answer *a, const struct config *config, const struct hypothesis *h,
                        struct verdict *ret_verdict)
{
    struct verdict_candidate candidates[ROUTE_CANDIDATES_MAX] = { 0 };
    const struct route *route = &a->explain.route;
    bool given = false;
    for (uint8_t i = 0; i < route->count; i++) {
        const struct candidate *c = &route->candidates[i];
        candidates[i].kind = c->kind;
        candidates[i].host_number = c->host_number;
        candidates[i].outcome = c->known;
        bool concerned = h->concerned == CONCERNED_ALL || (h->concerned == CONCERNED_FIRST && !given) ||
                         (h->concerned == CONCERNED_ALL_DIRECT && c->kind == route->candidates[0].kind);
        if (concerned && !c->known) {
            candidates[i].outcome = &h->outcome;
            given = true;
        }
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

/* Of the hosts that would be asked first, is there one about which the name server has not said the last word? */
static bool somebody_is_asked(const struct route *route)
{
    bool asked = false;
    for (uint8_t i = 0; i < route->count; i++)
        asked = asked || (!route->candidates[i].known && route->candidates[i].kind == route->candidates[0].kind);
    return asked;
}

/* False: the letter's way ends there. */
static bool consequence_add(json_t *all, const struct engine_answer *a, const struct report_context *context,
                            const struct hypothesis *h, enum text_id when)
{
    struct verdict v;
    consequence(a, context->config, h, &v);
    json_array_append_new(all, json_pack("{s:o,s:o,s:o}", "if", sentence(context->language, when), "then",
                                         sentence(context->language, then_text(a, &v)), "rule",
                                         json_slice_or_null(slice_of(rule_name(v.rule)))));
    return v.action == VERDICT_NEXT;
}

static json_t *consequences_json(const struct engine_answer *a, const struct report_context *context)
{
    json_t *all = json_array();
    const struct route *route = &a->explain.route;
    if (route->count == 0)
        return all;
    bool asked = somebody_is_asked(route), goes_on = true;
    for (size_t i = 0; asked && i < sizeof(HYPOTHESES) / sizeof(HYPOTHESES[0]); i++)
        goes_on = consequence_add(all, a, context, &HYPOTHESES[i], HYPOTHESES[i].when);
    if (!asked) {
        const struct hypothesis now = { .concerned = CONCERNED_ALL_DIRECT }; /* all of those are known already */
        goes_on = consequence_add(all, a, context, &now, TEXT_IF_NOW);
    }
    if (goes_on && route->candidates[0].kind != route->candidates[route->count - 1].kind)
        consequence_add(all, a, context, &NONE, NONE.when);
    return all;
}

/* ---- sentences ---- */

static void say(json_t *summary, enum language language, enum text_id id, struct slice domain, struct slice server,
                struct slice reason)
{
    struct buffer b;
    buffer_init(&b, SENTENCE_SIZE_MAX);
    text_format(&b, language, id, TEXT_ARGUMENTS({ "domain", domain }, { "server", server }, { "host", server }, { "reason", reason }));
    json_array_append_new(summary, json_slice(buffer_slice(&b)));
    buffer_done(&b);
}

static enum text_id known_text(const struct outcome *known)
{
    switch (known->cause) {
    case OUTCOME_CAUSE_DNS_TEMP: return TEXT_DSN_CAUSE_DNS_TEMP;
    case OUTCOME_CAUSE_DNS_NXDOMAIN: return TEXT_DSN_CAUSE_NXDOMAIN;
    case OUTCOME_CAUSE_DNS_NODATA: return TEXT_DSN_CAUSE_NODATA;
    case OUTCOME_CAUSE_DNS_NULL_MX: return TEXT_DSN_CAUSE_NULL_MX;
    case OUTCOME_CAUSE_OURSELVES: return TEXT_DSN_CAUSE_OURSELVES;
    default: return TEXT_NONE;
    }
}

static json_t *summary_json(const struct engine_answer *a, struct slice domain, const struct report_context *context)
{
    static const enum text_id ways[] = {
        [MODE_DIRECT] = TEXT_EXPLAIN_DIRECT,
        [MODE_SMARTHOST] = TEXT_EXPLAIN_SMARTHOST,
        [MODE_DIRECT_THEN_SMARTHOST] = TEXT_EXPLAIN_BOTH,
    };
    const struct config *c = context->config;
    enum language language = context->language;
    struct slice server = c->delivery.smarthost.written;
    json_t *summary = json_array();
    if (a->explain.local) {
        say(summary, language, TEXT_PRINT_LOCAL, domain, server, SLICE_EMPTY);
        return summary;
    }
    say(summary, language, ways[c->delivery.mode], domain, server, SLICE_EMPTY);
    const struct route *route = &a->explain.route;
    const struct outcome *first = route->count > 0 && !somebody_is_asked(route) ? route->candidates[0].known : NULL;
    if (first && known_text(first) != TEXT_NONE)
        say(summary, language, known_text(first), domain, first->host, SLICE_EMPTY);
    if (c->delivery.mode != MODE_DIRECT)
        say(summary, language, TEXT_EXPLAIN_LOGIN, domain, server,
            slice_of(text_get(report_credential_reason(&a->explain.credential), language)));
    return summary;
}

json_t *explain_json(const struct engine_answer *a, struct slice domain, const struct report_context *context)
{
    const struct config *c = context->config;
    json_t *decided = json_array(), *none = json_null();
    if (!a->explain.local) {
        json_array_append_new(decided, report_decided(c, RULE_NONE, CONFIG_DELIVERY_MODE));
        if (c->delivery.mode != MODE_DIRECT)
            json_array_append_new(decided, report_decided(c, a->explain.credential.rule, a->explain.credential.key));
    }
    if (a->explain.route.count > 0) {
        struct verdict v;
        consequence(a, c, &NONE, &v);
        none = json_string(verdict_action_name(v.action));
    }
    return json_pack("{s:s,s:b,s:o,s:o,s:o,s:o,s:o}", "mode", config_mode_name(c->delivery.mode), "local",
                     (int)a->explain.local, "candidates", candidates_json(a), "outcome_if_none", none, "consequences",
                     consequences_json(a, context), "summary", summary_json(a, domain, context), "decided_by", decided);
}
