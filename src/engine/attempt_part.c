/* A part on its way: its candidates are looked up, each is tried with the recipients that stand before it, and the verdict
 * says for each of them what follows. */
#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "config/account.h"
#include "engine/alert.h"
#include "engine/attempt_work.h"
#include "policy/retry.h"
#include "policy/tls_policy.h"
#include "proto/address.h"

enum {
    LOCAL_PREFIX_SIZE_MAX = 2 * ADDRESS_SIZE_MAX + 64,
    HOST_NUMBER_SMARTHOST = 128, /* of the joined part: apart from every direct host's */
    ADDRESSES_MIN = 2,           /* A10a: so many are tried whatever the time */
};

/* A10a: the time for connecting to direct hosts in one attempt. */
#define CONNECT_DIRECT_US (60 * US_PER_SECOND)
#define CONNECT_BEFORE_SMARTHOST_US (30 * US_PER_SECOND)

static int64_t connect_limit_us(const struct engine *e)
{
    return e->config->delivery.mode == MODE_DIRECT_THEN_SMARTHOST ? CONNECT_BEFORE_SMARTHOST_US : CONNECT_DIRECT_US;
}

static struct arena *arena_of(struct part *p)
{
    return &p->attempt->message->arena;
}

/* ---- the route ---- */

struct lookup_context {
    struct engine *e;
    struct part *part;
};

static const struct event_dns *lookup(void *context, struct slice name, enum dns_type type)
{
    struct lookup_context *l = context;
    return lookup_ask(l->e, &l->part->client, name, type);
}

/* Nothing of a route points into the configuration or the resolver once it is built: those are of this turn. */
static void route_keep(struct arena *arena, struct route *route)
{
    for (uint8_t i = 0; i < route->count; i++) {
        struct candidate *c = &route->candidates[i];
        c->host = arena_copy(arena, c->host);
        c->domain = arena_copy(arena, c->domain);
        if (c->known) {
            struct outcome *known = arena_new(arena, struct outcome);
            *known = outcome_keep(arena, c->known);
            c->known = known;
        }
    }
}

/* What is remembered of a destination that fails stands for its hosts. */
static void route_put_failure(struct engine *e, struct part *p)
{
    const struct destination_failure *f = p->destination->failure;
    assert(f);
    struct outcome *known = arena_new(arena_of(p), struct outcome);
    *known = outcome_keep(arena_of(p), &f->outcome);
    known->at_us = e->now.wall_us;
    struct candidate *c = &p->route.candidates[0];
    memmove(c + 1, c, p->route.count * sizeof(*c));
    *c = (struct candidate){ .kind = p->kind == PART_DIRECT ? CANDIDATE_MX : CANDIDATE_SMARTHOST, .host = known->host,
                             .domain = p->domain, .known = known };
    p->route.count++;
}

static bool route_ask(struct engine *e, struct part *p)
{
    struct lookup_context context = { e, p };
    const struct route_question question = {
        .config = e->config, .domain = p->domain, .own_addresses = e->own_addresses,
        .own_address_count = e->own_address_count, .shuffle = engine_jitter(e, UINT64_MAX), .arena = arena_of(p),
        .lookup = lookup, .context = &context,
    };
    p->route.count = 0;
    if (p->answer == DESTINATION_FAIL) {
        if (p->kind == PART_DIRECT && e->config->delivery.mode == MODE_DIRECT_THEN_SMARTHOST) /* looked up in its own part */
            p->route.candidates[p->route.count++] = (struct candidate){
                .kind = CANDIDATE_SMARTHOST, .host = e->config->delivery.smarthost.host, .host_number = HOST_NUMBER_SMARTHOST };
        route_put_failure(e, p);
    } else if (!(p->kind == PART_SMARTHOST ? route_build_smarthost(&question, &p->route)
                                           : route_build_direct(&question, &p->route))) {
        return false;
    }
    route_keep(arena_of(p), &p->route);
    return true;
}

/* The candidates stand behind those that the recipient has been to (none, but in the joined part). */
static void one_put_route(struct part *p, struct one *one)
{
    uint8_t count = one->base + p->route.count;
    struct verdict_candidate *candidates = arena_array(arena_of(p), struct verdict_candidate, count);
    for (uint8_t i = 0; i < one->base; i++)
        candidates[i] = one->candidates[i];
    for (uint8_t i = 0; i < p->route.count; i++) {
        const struct candidate *c = &p->route.candidates[i];
        candidates[one->base + i] = (struct verdict_candidate){ .kind = c->kind, .host_number = c->host_number };
        if (one->base > 0)
            candidates[one->base + i].host_number |= HOST_NUMBER_SMARTHOST;
    }
    one->candidates = candidates;
    one->count = count;
    one->next = one->base;
}

static bool part_route(struct engine *e, struct part *p)
{
    if (!lookup_client_answered(&p->client) || !route_ask(e, p))
        return false;
    assert(p->route.count > 0 && p->route.count < ROUTE_CANDIDATES_MAX);
    for (uint32_t i = 0; i < p->one_count; i++)
        one_put_route(p, &p->ones[i]);
    p->state = PART_TRYING;
    return true;
}

/* ---- the verdict ---- */

static void raise(struct engine *e, uint16_t rule, struct slice subject, enum text_id text, enum text_id remedy,
                  const struct outcome *o)
{
    char code[16];
    snprintf(code, sizeof(code), "%u", o->code);
    struct buffer said;
    buffer_init(&said, ALERT_TEXT_SIZE_MAX);
    if (o->code)
        buffer_add_format(&said, "%s ", code);
    dsn_add_clean(o->text, true, ALERT_TEXT_SIZE_MAX / 2, &said);
    const struct text_argument arguments[] = { { "subject", subject }, { "said", buffer_slice(&said) },
                                               { "host", o->host } };
    alert_raise(e, &(struct alert_question){ .rule = rule, .subject = subject, .text = text, .remedy = remedy,
                                             .arguments = arguments, .argument_count = 3 });
    buffer_done(&said);
}

static void smarthost_rests(struct engine *e, struct part *p, const struct outcome *o, const struct verdict *v)
{
    if (!destination_rest(e, p->destination, o, v->rule))
        return;
    trace(e, &(struct trace_event){ .kind = TRACE_REST, .outcome = *o, .rule = v->rule,
                                    .next_us = e->now.wall_us + p->destination->rest_us,
                                    .count = (uint64_t)(p->destination->rest_us / US_PER_MINUTE) });
    raise(e, v->rule, p->destination->name, TEXT_ALERT_LOGIN, TEXT_ALERT_LOGIN_REMEDY, o);
}

/* The smart host took the login and let us speak: what was said of it is over. Where it refuses us behind the login, only a
 * message that it accepts says so. */
static void smarthost_works(struct engine *e, struct part *p)
{
    if (p->destination->unwelcome)
        return;
    static const uint16_t login_rules[] = { RULE_A25, RULE_A23A, RULE_A26, RULE_A33, RULE_A35 };
    for (size_t i = 0; i < sizeof(login_rules) / sizeof(login_rules[0]); i++)
        alert_clear(e, login_rules[i], p->destination->name);
}

static struct slice domain_of(const struct recipient *r)
{
    return slice_after(r->address, slice_find_last(r->address, '@'));
}

/* What the verdict asks of the engine besides; not again for what was only remembered. */
static void effects(struct engine *e, struct part *p, const struct one *one, const struct outcome *o,
                    const struct verdict *v)
{
    if (p->answer == DESTINATION_FAIL || p->kind != PART_SMARTHOST)
        return;
    const struct envelope *envelope = &p->attempt->message->envelope;
    if (v->effects & VERDICT_EFFECT_REST)
        smarthost_rests(e, p, o, v);
    if (v->effects & VERDICT_EFFECT_SLOW)
        destination_slow(e, p->destination);
    if ((v->effects & VERDICT_EFFECT_REFUSED) && !envelope->notice &&
        destination_refused(e, p->destination, envelope->id, o, envelope->sender,
                            domain_of(&envelope->recipients[one->recipient])))
        raise(e, RULE_A23B, p->destination->name, TEXT_ALERT_REFUSING, TEXT_ALERT_REFUSING_REMEDY, o);
    if (v->action == VERDICT_DELIVERED) {
        if (destination_accepted(e, p->destination, envelope->notice)) {
            alert_clear(e, RULE_A23B, p->destination->name);
            attempts_release_held(e);
        }
    }
}

/* A try that was not the last word on its recipient, or that may have brought the letter there unseen. */
static void trace_attempt(struct engine *e, struct part *p, const struct one *one, const struct outcome *o)
{
    bool next = one->verdict.action == VERDICT_NEXT;
    if (!next && !o->in_doubt)
        return;
    const struct envelope *v = &p->attempt->message->envelope;
    trace(e, &(struct trace_event){ .kind = TRACE_ATTEMPT, .id = v->id, .from = v->sender,
                                    .to = v->recipients[one->recipient].address, .outcome = *o, .attempt = v->attempts, .rule = one->verdict.rule,
                                    .key = slice_of(config_key_name(one->verdict.key)),
                                    .reason = next ? SLICE("next host") : SLICE_EMPTY });
}

static void question_of(struct engine *e, const struct part *p, const struct one *one,
                        struct verdict_question *ret_question)
{
    const struct envelope *envelope = &p->attempt->message->envelope;
    struct slice domain = p->kind == PART_DIRECT ? p->domain : slice_after(domain_of(&envelope->recipients[one->recipient]), 1);
    struct credential credential;
    attempt_credential(e, p->attempt, &credential);
    *ret_question = (struct verdict_question){
        .queue = retry_stage(e->config, e->now.wall_us, envelope->received_us, envelope->queue,
                             envelope->recipients[one->recipient].attempts + 1u),
        .candidates = one->candidates, .count = one->count,
        .requiretls = envelope->requiretls,
        .smarthost_meets = tls_smarthost_meets(e->config, domain, envelope->requiretls),
        .smarthost_refusing = p->kind == PART_SMARTHOST && p->destination->refusing,
        .time_up = p->connect_us >= connect_limit_us(e) && p->addresses_tried >= ADDRESSES_MIN,
        .credential = credential.kind,
    };
    verdict_page_of(e->config, &ret_question->page);
}

static void one_decide(struct engine *e, struct part *p, struct one *one, const struct outcome *o, enum refusal refusal)
{
    assert(one->next < one->count && !one->candidates[one->next].outcome);
    one->candidates[one->next].outcome = o;
    one->candidates[one->next].refusal = refusal;
    one->tried = true;
    struct verdict_question question;
    question_of(e, p, one, &question);
    verdict_decide(&question, &one->verdict);
    effects(e, p, one, o, &one->verdict);
    if (question.smarthost_refusing != (p->kind == PART_SMARTHOST && p->destination->refusing)) {
        question.smarthost_refusing = p->destination->refusing; /* this one made it so: held like those to come */
        verdict_decide(&question, &one->verdict);
    }
    trace_attempt(e, p, one, o);
    if (one->verdict.action != VERDICT_NEXT) {
        one->state = ONE_DECIDED;
        p->attempt->unsettled += one->verdict.action == VERDICT_DELIVERED;
        return;
    }
    assert(one->verdict.next > one->next && one->verdict.next < one->count);
    one->next = one->verdict.next;
    bool parked = p->kind == PART_DIRECT && one->candidates[one->next].kind == CANDIDATE_SMARTHOST;
    one->state = parked ? ONE_PARKED : ONE_OPEN;
}

/* A41 in mode smarthost: nobody is asked where the smart host does not meet what is demanded for a recipient's domain. That
 * is no failure of the smart host, whose other mail goes on. */
static void part_refuse_unmet(struct engine *e, struct part *p)
{
    if (p->kind != PART_SMARTHOST || e->config->delivery.mode != MODE_SMARTHOST)
        return;
    for (uint32_t i = 0; i < p->one_count; i++) {
        struct one *one = &p->ones[i];
        struct verdict_question question;
        question_of(e, p, one, &question);
        if (question.smarthost_meets || one->candidates[one->next].outcome)
            continue;
        struct outcome *o = arena_new(arena_of(p), struct outcome);
        *o = (struct outcome){ .class = OUTCOME_TEMP, .stage = STAGE_TLS, .cause = OUTCOME_CAUSE_TLS_NOT_OFFERED,
                               .host = p->route.candidates[0].host, .at_us = e->now.wall_us };
        o->enhanced = outcome_enhanced_default(o);
        one->candidates[one->next].outcome = o;
        verdict_decide(&question, &one->verdict);
        assert(one->verdict.action != VERDICT_NEXT);
        one->state = ONE_DECIDED;
    }
}

/* ---- transactions ---- */

static enum refusal refusal_of(const struct engine *e, const struct candidate *c, const struct outcome *o,
                               struct slice own_address)
{
    return c->kind == CANDIDATE_SMARTHOST
               ? refusal_of_smarthost(o)
               : refusal_of_direct(o, e->config->delivery.fallback_on_policy_refusal, &e->phrases, own_address);
}

/* A20: who failed because another recipient was refused shares that refusal's meaning (A13, A23a). */
static const struct outcome *outcome_meant(const struct piece *piece, const struct outcome *o)
{
    if (o->cause != OUTCOME_CAUSE_SIBLING)
        return o;
    for (uint32_t i = 0; i < piece->count; i++) {
        const struct outcome *other = &piece->outcomes[i];
        if (other->cause == OUTCOME_CAUSE_REPLY && other->class == OUTCOME_PERM && other->stage == STAGE_RCPT)
            return other;
    }
    return o;
}

static struct piece *piece_new(struct part *p, uint32_t count)
{
    struct piece *piece = mem_alloc(sizeof(*piece));
    struct arena *arena = arena_of(p);
    piece->part = p;
    piece->ones = arena_array(arena, uint32_t, count);
    piece->recipients = arena_array(arena, uint32_t, count);
    piece->outcomes = arena_array(arena, struct outcome, count);
    piece->too_many = arena_array(arena, bool, count);
    list_append(&p->attempt->pieces, &piece->item);
    p->piece_count++;
    return piece;
}

static void piece_free(struct piece *piece)
{
    list_remove(&piece->part->attempt->pieces, &piece->item);
    piece->part->piece_count--;
    mem_free(piece);
}

static void piece_submit(struct engine *e, struct piece *piece, const struct candidate *c)
{
    struct part *p = piece->part;
    struct attempt *a = p->attempt;
    struct transaction *t = &piece->t;
    t->owner = &a->machine;
    t->message = a->message;
    t->destination = p->destination;
    t->candidate = c;
    attempt_credential(e, a, &t->credential);
    if (c->kind == CANDIDATE_SMARTHOST)
        tls_plan_smarthost(e->config, &t->credential, a->message->envelope.requiretls, &t->plan);
    else
        tls_plan_direct(e->config, p->domain, a->message->envelope.requiretls, &t->plan);
    if (c->kind == CANDIDATE_MX)
        t->credential = (struct credential){ .kind = CREDENTIAL_NONE }; /* never in a direct session */
    t->recipients = piece->recipients;
    t->recipient_count = piece->count;
    t->probe = p->answer == DESTINATION_PROBE || c->kind == CANDIDATE_SMARTHOST;
    if (c->kind == CANDIDATE_MX && e->config->delivery.mode == MODE_DIRECT_THEN_SMARTHOST &&
        e->config->outbound.connect_timeout_us > CONNECT_BEFORE_SMARTHOST_US / ADDRESSES_MIN)
        t->connect_timeout_us = CONNECT_BEFORE_SMARTHOST_US / ADDRESSES_MIN;
    session_submit(e, t);
}

/* A login that is required and not there (A28): nobody is asked. */
static const struct outcome *login_missing(struct engine *e, struct part *p, const struct candidate *c)
{
    struct credential credential;
    attempt_credential(e, p->attempt, &credential);
    if (c->kind != CANDIDATE_SMARTHOST || !credential.missing)
        return NULL;
    struct outcome *o = arena_new(arena_of(p), struct outcome);
    *o = (struct outcome){ .class = OUTCOME_TEMP, .stage = STAGE_AUTH, .cause = OUTCOME_CAUSE_AUTH_SECRET,
                           .host = c->host, .at_us = e->now.wall_us };
    o->enhanced = outcome_enhanced_default(o);
    return o;
}

/* The configuration may have changed since the route was made: then the login in force is another server's, and whoever stands
 * here waits for a new attempt. */
static bool smarthost_changed(struct engine *e, struct part *p)
{
    struct credential credential;
    struct buffer name;
    buffer_init(&name, DESTINATION_NAME_SIZE_MAX);
    attempt_credential(e, p->attempt, &credential);
    smarthost_name(e, &credential, &name);
    bool changed = !slice_equal(buffer_slice(&name), p->destination->name);
    buffer_done(&name);
    return changed;
}

static void candidate_try(struct engine *e, struct part *p, const struct candidate *c, uint8_t index)
{
    if (c->kind == CANDIDATE_SMARTHOST && smarthost_changed(e, p)) {
        for (uint32_t i = 0; i < p->one_count; i++)
            if (p->ones[i].state == ONE_OPEN)
                p->ones[i].state = ONE_SHORT;
        return;
    }
    uint32_t most = e->config->delivery.max_recipients_per_transaction, left = 0;
    for (uint32_t i = 0; i < p->one_count; i++)
        left += p->ones[i].state == ONE_OPEN && p->ones[i].next - p->ones[i].base == index;
    struct piece *piece = NULL;
    for (uint32_t i = 0; i < p->one_count; i++) {
        struct one *one = &p->ones[i];
        if (one->state != ONE_OPEN || one->next - one->base != index)
            continue;
        if (!piece)
            piece = piece_new(p, left < most ? left : most);
        one->state = ONE_SENT;
        piece->ones[piece->count] = i;
        piece->recipients[piece->count++] = one->recipient;
        left--;
        if (piece->count == most || left == 0) {
            piece_submit(e, piece, c);
            piece = NULL;
        }
    }
}

/* The first candidate before which somebody stands; false when nobody does. */
static bool candidate_next(const struct part *p, uint8_t *ret_index)
{
    bool found = false;
    for (uint32_t i = 0; i < p->one_count; i++) {
        const struct one *one = &p->ones[i];
        uint8_t index = one->next - one->base;
        if (one->state != ONE_OPEN || (found && index >= *ret_index))
            continue;
        *ret_index = index;
        found = true;
    }
    return found;
}

static void decide_known(struct engine *e, struct part *p, uint8_t index, const struct outcome *o)
{
    const struct candidate *c = &p->route.candidates[index];
    enum refusal refusal = refusal_of(e, c, o, SLICE_EMPTY);
    for (uint32_t i = 0; i < p->one_count; i++)
        if (p->ones[i].state == ONE_OPEN && p->ones[i].next - p->ones[i].base == index)
            one_decide(e, p, &p->ones[i], o, refusal);
}

void part_piece_over(struct engine *e, struct piece *piece, const struct transaction_end *end)
{
    struct part *p = piece->part;
    const struct candidate *c = piece->t.candidate;
    p->reached = p->reached || end->mail_answered;
    if (end->mail_answered && c->kind == CANDIDATE_MX)
        alert_clear(e, RULE_A10B, SLICE_EMPTY);
    const struct outcome *first = &piece->outcomes[0];
    if (first->cause != OUTCOME_CAUSE_REMEMBERED)
        p->addresses_tried++;
    if (first->stage == STAGE_CONNECT && first->cause == OUTCOME_CAUSE_TIMEOUT)
        p->connect_us += piece->t.connect_timeout_us ? piece->t.connect_timeout_us : e->config->outbound.connect_timeout_us;
    for (uint32_t i = 0; i < piece->count; i++) {
        struct one *one = &p->ones[piece->ones[i]];
        const struct outcome *o = &piece->outcomes[i];
        assert(one->state == ONE_SENT);
        one->state = ONE_OPEN;
        if (!piece->too_many[i])
            one_decide(e, p, one, o, refusal_of(e, c, outcome_meant(piece, o), end->own_address));
    }
    if (end->mail_answered && c->kind == CANDIDATE_SMARTHOST)
        smarthost_works(e, p);
    piece_free(piece);
}

/* ---- life ---- */

void part_begin(struct engine *e, struct part *p)
{
    if (p->answer == DESTINATION_WAIT) {
        for (uint32_t i = 0; i < p->one_count; i++)
            p->ones[i].state = ONE_SHORT;
        p->state = PART_OVER;
        return;
    }
    if (p->destination)
        destination_begin(e, p->destination, p->attempt->message->envelope.id, p->answer);
    p->begun = true;
    p->state = p->kind == PART_LOCAL ? PART_TRYING : PART_ROUTING;
}

/* The last thing that was heard from a next hop that nobody reached. */
static const struct one *unreached(const struct part *p)
{
    for (uint32_t i = p->one_count; i-- > 0;) {
        const struct one *one = &p->ones[i];
        bool parked = one->state == ONE_PARKED;
        if ((parked || (one->state == ONE_DECIDED && one->verdict.action == VERDICT_WAIT)) && one->tried)
            return one;
    }
    return NULL;
}

static void part_over(struct engine *e, struct part *p)
{
    p->state = PART_OVER;
    if (p->reached || !p->destination || p->answer == DESTINATION_FAIL)
        return;
    const struct one *one = unreached(p);
    const struct outcome *last = NULL;
    enum candidate_kind own = p->kind == PART_DIRECT ? CANDIDATE_MX : CANDIDATE_SMARTHOST;
    for (uint8_t i = one ? one->base : 0; one && i < one->count; i++)
        if (one->candidates[i].outcome && one->candidates[i].kind == own)
            last = one->candidates[i].outcome;
    if (!last || !outcome_is_session_failure(last) || destination_resting(e, p->destination))
        return;
    destination_failed(e, p->destination, p->attempt->message->envelope.id, last, one->verdict.rule);
    if (p->kind == PART_DIRECT && last->stage == STAGE_CONNECT && last->cause == OUTCOME_CAUSE_TIMEOUT &&
        destination_timed_out(e, p->destination))
        raise(e, RULE_A10B, SLICE("port 25"), TEXT_ALERT_PORT_25, TEXT_ALERT_PORT_25_REMEDY, last);
}

void part_step(struct engine *e, struct part *p)
{
    if (p->state == PART_ROUTING) {
        if (!part_route(e, p))
            return;
        part_refuse_unmet(e, p);
    }
    uint8_t index = 0;
    while (p->state == PART_TRYING && p->kind != PART_LOCAL && p->piece_count == 0) {
        if (!candidate_next(p, &index)) {
            part_over(e, p);
            return;
        }
        const struct candidate *c = &p->route.candidates[index];
        const struct outcome *known = c->known ? c->known : login_missing(e, p, c);
        if (known)
            decide_known(e, p, index, known);
        else
            candidate_try(e, p, c, index);
    }
}

static void part_cancel(struct engine *e, struct part *p, bool all)
{
    struct list *pieces = &p->attempt->pieces;
    struct list_item *next;
    for (struct list_item *i = list_first(pieces); i; i = next) {
        next = list_next(pieces, i);
        struct piece *piece = LIST_OWNER(i, struct piece, item);
        if (piece->part != p || (piece->t.session && !all))
            continue;
        session_cancel(e, &piece->t);
        for (uint32_t k = 0; k < piece->count; k++)
            p->ones[piece->ones[k]].state = ONE_SHORT;
        piece_free(piece);
    }
}

void part_stop(struct engine *e, struct part *p)
{
    for (uint32_t i = 0; i < p->one_count; i++)
        if (p->ones[i].state == ONE_PARKED || (p->ones[i].state == ONE_OPEN && !p->local_asked))
            p->ones[i].state = ONE_SHORT;
    if (p->state == PART_OVER || p->local_asked)
        return;
    part_cancel(e, p, false);
    lookup_client_cancel(e, &p->client);
    if (p->piece_count == 0)
        p->state = PART_OVER;
}

void part_done(struct engine *e, struct part *p)
{
    part_cancel(e, p, true);
    lookup_client_cancel(e, &p->client);
    handle_drop(e, &p->maildir);
    if (p->destination && p->begun)
        destination_end(e, p->destination, p->attempt->message->envelope.id, p->answer);
    p->begun = false;
}

struct part *part_join_parked(struct engine *e, struct attempt *a)
{
    uint32_t count = 0;
    for (struct part *p = a->parts; p; p = p->next)
        for (uint32_t i = 0; i < p->one_count; i++)
            count += p->ones[i].state == ONE_PARKED;
    if (count == 0 || e->stopping)
        return NULL;
    struct arena *arena = &a->message->arena;
    struct part *joined = arena_new(arena, struct part);
    joined->attempt = a;
    joined->kind = PART_SMARTHOST;
    joined->ones = arena_array(arena, struct one, count);
    lookup_client_init(&joined->client, &a->machine);
    struct part **last = &a->parts;
    for (; *last; last = &(*last)->next) {
        struct part *p = *last;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < p->one_count; i++) {
            if (p->ones[i].state != ONE_PARKED) {
                p->ones[kept++] = p->ones[i];
                continue;
            }
            struct one *one = &joined->ones[joined->one_count++];
            *one = p->ones[i];
            one->base = one->next;
            one->state = ONE_OPEN;
        }
        p->one_count = kept;
    }
    *last = joined;
    return joined;
}

/* ---- Maildirs here ---- */

static void local_decide(struct engine *e, struct part *p, struct one *one, const struct outcome *o)
{
    struct arena *arena = arena_of(p);
    struct outcome *kept = arena_new(arena, struct outcome);
    *kept = *o;
    kept->at_us = e->now.wall_us;
    kept->enhanced = kept->class == OUTCOME_OK ? (struct enhanced_code){ 2, 0, 0 }
                     : kept->enhanced.class    ? kept->enhanced
                                               : outcome_enhanced_default(kept);
    one->count = 1;
    one->candidates = arena_array(arena, struct verdict_candidate, 1);
    one->candidates[0].outcome = kept;
    one->tried = one->dsn = true;
    one->state = ONE_DECIDED;
    one->verdict = (struct verdict){ .action = kept->class == OUTCOME_OK     ? VERDICT_DELIVERED
                                               : kept->class == OUTCOME_PERM ? VERDICT_BOUNCE
                                                                             : VERDICT_WAIT };
    p->attempt->unsettled += kept->class == OUTCOME_OK;
}

static struct slice maildir_prefix(struct part *p, const struct recipient *r)
{
    struct buffer b;
    buffer_init(&b, LOCAL_PREFIX_SIZE_MAX);
    buffer_add_text(&b, "Return-Path: <");
    buffer_add(&b, p->attempt->message->envelope.sender);
    buffer_add_text(&b, ">\r\nDelivered-To: ");
    buffer_add(&b, r->address);
    buffer_add_text(&b, "\r\n");
    struct slice kept = arena_copy(arena_of(p), buffer_slice(&b));
    buffer_done(&b);
    return kept;
}

/* Whose Maildir: the account's that has the address or alias; the postmaster's, account or not. */
static bool maildir_of(struct engine *e, struct part *p, const struct recipient *r, struct op_maildir *ret_maildir)
{
    struct address address;
    if (address_parse(r->address, ADDRESS_UTF8, &address) != ERR_OK)
        address_set_null(&address);
    char key[ADDRESS_LOCAL_SIZE_MAX];
    const struct account *account = address.size > 0 ? accounts_find(e->accounts, &address) : NULL;
    if (account && address_parse(account->address, ADDRESS_UTF8, &address) != ERR_OK)
        return false;
    if (!account && address.size > 0 && !address_is_postmaster(&address))
        return false;
    if (!account && address_domain(&address).size == 0 &&
        address_parse(e->config->server.postmaster, ADDRESS_UTF8, &address) != ERR_OK)
        return false;
    ret_maildir->domain = arena_copy(arena_of(p), address_domain(&address));
    ret_maildir->localpart = arena_copy(arena_of(p), address_local_key(&address, key));
    return true;
}

bool part_local_op(struct engine *e, struct part *p, struct op *ret_op)
{
    struct message *m = p->attempt->message;
    for (; p->state == PART_TRYING && !p->local_asked && p->local_next < p->one_count; p->local_next++) {
        struct one *one = &p->ones[p->local_next];
        const struct recipient *r = &m->envelope.recipients[one->recipient];
        struct op_maildir maildir = { .id = m->envelope.id, .body = m->body, .recipient = one->recipient };
        if (!maildir_of(e, p, r, &maildir)) {
            const struct outcome unknown = { .class = OUTCOME_PERM, .cause = OUTCOME_CAUSE_LOCAL,
                                             .enhanced = { 5, 1, 1 }, .text = SLICE("no such mailbox here") };
            local_decide(e, p, one, &unknown);
            continue;
        }
        maildir.prefix = maildir_prefix(p, r);
        if (m->body_whole && m->first == m->last && m->first)
            maildir.body_bytes = slice(m->first->data, m->first->size);
        p->maildir = handle_new(e, &p->attempt->machine);
        p->local_asked = true;
        *ret_op = (struct op){ .kind = OP_MAILDIR, .handle = p->maildir, .maildir = maildir };
        return true;
    }
    if (p->state == PART_TRYING && !p->local_asked) {
        p->state = PART_OVER;
        machine_wake(e, &p->attempt->machine);
    }
    return false;
}

void part_maildir(struct engine *e, struct part *p, const struct event_maildir *answer)
{
    handle_drop(e, &p->maildir);
    p->local_asked = false;
    struct outcome o = { .class = OUTCOME_OK, .stage = STAGE_DOT, .cause = OUTCOME_CAUSE_LOCAL,
                         .text = SLICE("delivered to the mailbox") };
    if (answer->err == ERR_REFUSED)
        o = (struct outcome){ .class = OUTCOME_PERM, .cause = OUTCOME_CAUSE_LOCAL, .enhanced = { 5, 1, 1 },
                              .text = SLICE("the address names no mailbox") };
    else if (answer->err != ERR_OK)
        o = (struct outcome){ .class = OUTCOME_TEMP, .cause = OUTCOME_CAUSE_LOCAL, .enhanced = { 4, 2, 0 },
                              .text = slice_of(err_name(answer->err)) };
    local_decide(e, p, &p->ones[p->local_next++], &o);
}
