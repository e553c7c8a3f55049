#include "io/dns.h"

#include <assert.h>
#include <stdio.h>
#include <unbound.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/now.h"

enum {
    SERVER_TEXT_SIZE_MAX = 80,
    NAME_SIZE_MAX = 256,
    CLASS_IN = 1,
    TYPE_SOA = 6,
    RCODE_NOERROR = 0,
    RCODE_NXDOMAIN = 3,
};

static const char root_anchor_file[] = "/usr/share/dns/root.key";

/* Lookups wait so long for the probe. */
#define PROBE_LIMIT_US (3 * US_PER_SECOND)

struct lookup {
    struct dns *dns;
    struct lookup *next, *previous; /* all unanswered, oldest first: deadlines grow along the list */
    struct handle handle;
    int64_t deadline_us;
    int async_id;
    bool probe;
    enum dns_type type;
    char name[NAME_SIZE_MAX];
};

struct dns {
    struct dns_options options;
    struct arena names; /* of the resolvers and the anchor */
    const char *const *servers;
    size_t server_count;
    struct ub_ctx *context;
    struct lookup *first, *last;
    struct lookup *waiting; /* asked while the probe is under way, newest first */
    enum dns_validation validation;
    const char *anchor_file;
    struct lookup *probe; /* under way; given back with the context that it was asked of */
    int64_t probe_until_us; /* 0: nobody has waited for it yet */
    bool probe_answered; /* set within ub_process, acted on after it: the context may have to be replaced */
    bool probe_stripped;
};

static void lookup_link(struct dns *dns, struct lookup *l)
{
    l->previous = dns->last;
    l->next = NULL;
    if (dns->last)
        dns->last->next = l;
    else
        dns->first = l;
    dns->last = l;
}

static void lookup_unlink(struct dns *dns, struct lookup *l)
{
    if (l->previous)
        l->previous->next = l->next;
    else
        dns->first = l->next;
    if (l->next)
        l->next->previous = l->previous;
    else
        dns->last = l->previous;
}

/* ---- the context ---- */

/* libunbound answers NXDOMAIN by itself for some names and refuses to ask a resolver on this machine; both would be
 * wrong here: the resolver asked is the authority on what exists. */
static const char *const transparent_zones[] = { "test.", "invalid.", "home.arpa.", "onion.", "localhost." };

static struct ub_ctx *context_make(const struct dns *dns, const char *anchor_file)
{
    struct ub_ctx *context = ub_ctx_create();
    if (!context)
        return NULL;
    ub_ctx_set_option(context, "do-not-query-localhost:", "no");
    ub_ctx_set_option(context, "unblock-lan-zones:", "yes");
    ub_ctx_set_option(context, "insecure-lan-zones:", "yes");
    ub_ctx_set_option(context, "cache-max-negative-ttl:", "60");
    for (size_t i = 0; i < sizeof transparent_zones / sizeof *transparent_zones; i++) {
        char value[64];
        snprintf(value, sizeof value, "%s transparent", transparent_zones[i]);
        ub_ctx_set_option(context, "local-zone:", value);
    }
    if (dns->server_count == 0)
        ub_ctx_resolvconf(context, NULL);
    for (size_t i = 0; i < dns->server_count; i++)
        ub_ctx_set_fwd(context, dns->servers[i]);
    ub_ctx_hosts(context, NULL);
    if (anchor_file)
        ub_ctx_add_ta_file(context, anchor_file);
    else
        ub_ctx_set_option(context, "module-config:", "iterator");
    ub_ctx_async(context, 1);
    return context;
}

/* ---- answers ---- */

static void answer_give(struct lookup *l, const struct event_dns *answer)
{
    l->dns->options.answer(l->dns->options.context, l->handle, answer);
}

static void answer_failed(struct lookup *l, const char *why)
{
    struct event_dns answer = { .status = DNS_TEMP, .error = slice_of(why) };
    answer_give(l, &answer);
}

static void answer_result(struct lookup *l, const struct ub_result *result)
{
    struct slice rdata[DNS_RECORDS_MAX];
    struct event_dns answer = {
        .status = DNS_TEMP,
        .secure = result->secure,
        .bogus = result->bogus,
        .ttl_us = (int64_t)result->ttl * US_PER_SECOND,
        .canonical = slice_of(result->canonname),
        .rdata = rdata,
    };
    char text[64];
    if (result->bogus) {
        answer.error = slice_of(result->why_bogus);
    } else if (result->rcode == RCODE_NXDOMAIN) {
        answer.status = DNS_NXDOMAIN;
    } else if (result->rcode != RCODE_NOERROR) {
        snprintf(text, sizeof text, result->rcode == 2 ? "SERVFAIL" : result->rcode == 5 ? "REFUSED" : "rcode %d",
                 result->rcode);
        answer.error = slice_of(text);
    } else {
        answer.status = result->havedata ? DNS_OK : DNS_NODATA;
    }
    for (int i = 0; answer.status == DNS_OK && result->data[i] && answer.count < DNS_RECORDS_MAX; i++)
        rdata[answer.count++] = slice(result->data[i], (size_t)result->len[i]);
    answer_give(l, &answer);
}

static void lookup_answered(void *data, int err, struct ub_result *result);

static void lookup_start(struct dns *dns, struct lookup *l)
{
    lookup_link(dns, l);
    int err = ub_resolve_async(dns->context, l->name, (int)l->type, CLASS_IN, l, lookup_answered, &l->async_id);
    if (err != 0)
        l->deadline_us = 0; /* dns_expire answers it in the next turn: never from within dns_ask */
}

/* Asks what is open of the context of now; the one before is gone. */
static void lookups_restart(struct dns *dns)
{
    struct lookup *l = dns->first;
    dns->first = dns->last = NULL;
    while (l) {
        struct lookup *next = l->next;
        lookup_start(dns, l);
        l = next;
    }
}

static void context_replace(struct dns *dns, struct ub_ctx *context)
{
    ub_ctx_delete(dns->context);
    mem_free(dns->probe);
    dns->probe = NULL;
    dns->context = context;
}

/* Without an anchor nothing is bogus; what was asked of the old context is asked again. */
static void validation_give_up(struct dns *dns)
{
    struct ub_ctx *context = context_make(dns, NULL);
    assert(context);
    context_replace(dns, context);
    lookups_restart(dns);
}

static void waiting_start(struct dns *dns)
{
    struct lookup *in_order = NULL;
    while (dns->waiting) {
        struct lookup *l = dns->waiting;
        dns->waiting = l->next;
        l->next = in_order;
        in_order = l;
    }
    while (in_order) {
        struct lookup *l = in_order;
        in_order = l->next;
        lookup_start(dns, l);
    }
}

/* Only an answer that was validated says that the resolvers pass DNSSEC on. One that was not, or none in time (a resolver that
 * knows its own zones only), would make every name bogus: mail would wait for ever. */
static void probe_done(struct dns *dns, bool stripped)
{
    if (stripped)
        validation_give_up(dns);
    dns->validation = stripped ? DNS_VALIDATION_UNAVAILABLE : DNS_VALIDATION_ON;
    waiting_start(dns);
    dns->options.validation(dns->options.context, dns->validation);
}

static void lookup_answered(void *data, int err, struct ub_result *result)
{
    struct lookup *l = data;
    if (l->probe) {
        l->dns->probe_answered = true;
        l->dns->probe_stripped = !result || !result->secure;
        ub_resolve_free(result);
        l->dns->probe = NULL;
        mem_free(l);
        return;
    }
    lookup_unlink(l->dns, l);
    if (err != 0)
        answer_failed(l, ub_strerror(err));
    else
        answer_result(l, result);
    ub_resolve_free(result);
    mem_free(l);
}

/* ---- public ---- */

static void resolvers_keep(struct dns *dns, const struct dns_resolvers *resolvers)
{
    const char **servers = arena_array(&dns->names, const char *, resolvers->server_count + 1);
    for (size_t i = 0; i < resolvers->server_count; i++)
        servers[i] = arena_text(&dns->names, resolvers->servers[i]);
    dns->servers = servers;
    dns->server_count = resolvers->server_count;
    dns->anchor_file = resolvers->anchor_file.size > 0 ? arena_text(&dns->names, resolvers->anchor_file) : NULL;
    if (!dns->anchor_file && access(root_anchor_file, R_OK) == 0)
        dns->anchor_file = root_anchor_file;
}

static void probe_start(struct dns *dns)
{
    dns->probe_until_us = 0;
    dns->probe_answered = false;
    dns->validation = dns->anchor_file ? DNS_VALIDATION_PROBING : DNS_VALIDATION_OFF;
    if (dns->validation != DNS_VALIDATION_PROBING)
        return;
    struct lookup *l = mem_alloc(sizeof *l);
    l->dns = dns;
    l->probe = true;
    dns->probe = l;
    if (ub_resolve_async(dns->context, ".", TYPE_SOA, CLASS_IN, l, lookup_answered, NULL) != 0) {
        mem_free(l);
        dns->probe = NULL;
        dns->validation = DNS_VALIDATION_ON;
    }
}

enum err dns_new(const struct dns_options *options, struct dns **ret_dns)
{
    struct dns *dns = mem_alloc(sizeof *dns);
    dns->options = *options;
    arena_init(&dns->names);
    resolvers_keep(dns, &options->resolvers);
    dns->context = context_make(dns, dns->anchor_file);
    if (!dns->context) {
        arena_done(&dns->names);
        mem_free(dns);
        return ERR_IO;
    }
    probe_start(dns);
    *ret_dns = dns;
    return ERR_OK;
}

/* What waits for the probe keeps waiting for the new one, or starts when there is none. */
enum err dns_configure(struct dns *dns, const struct dns_resolvers *resolvers)
{
    struct dns before = *dns;
    arena_init(&dns->names);
    resolvers_keep(dns, resolvers);
    struct ub_ctx *context = context_make(dns, dns->anchor_file);
    if (!context) {
        arena_done(&dns->names);
        *dns = before;
        return ERR_IO;
    }
    arena_done(&before.names);
    context_replace(dns, context);
    probe_start(dns);
    lookups_restart(dns);
    if (dns->validation != DNS_VALIDATION_PROBING)
        waiting_start(dns);
    return ERR_OK;
}

void dns_free(struct dns *dns)
{
    if (!dns)
        return;
    ub_ctx_delete(dns->context);
    mem_free(dns->probe);
    while (dns->first) {
        struct lookup *l = dns->first;
        lookup_unlink(dns, l);
        mem_free(l);
    }
    while (dns->waiting) {
        struct lookup *l = dns->waiting;
        dns->waiting = l->next;
        mem_free(l);
    }
    arena_done(&dns->names);
    mem_free(dns);
}

int dns_descriptor(const struct dns *dns)
{
    return ub_fd(dns->context);
}

void dns_process(struct dns *dns)
{
    ub_process(dns->context);
    if (dns->probe_answered) {
        dns->probe_answered = false;
        probe_done(dns, dns->probe_stripped);
    }
}

void dns_ask(struct dns *dns, struct handle handle, const struct op_dns *op, int64_t deadline_us)
{
    struct lookup *l = mem_alloc(sizeof *l);
    l->dns = dns;
    l->handle = handle;
    l->type = op->type;
    l->deadline_us = deadline_us;
    assert(op->name.size < sizeof l->name);
    memcpy(l->name, op->name.data, op->name.size);
    if (dns->validation == DNS_VALIDATION_PROBING) {
        l->next = dns->waiting;
        dns->waiting = l;
    } else {
        lookup_start(dns, l);
    }
}

int64_t dns_expire(struct dns *dns, int64_t monotonic_us)
{
    if (dns->validation == DNS_VALIDATION_PROBING && dns->waiting) {
        if (dns->probe_until_us == 0)
            dns->probe_until_us = monotonic_us + PROBE_LIMIT_US;
        if (dns->probe_until_us <= monotonic_us)
            probe_done(dns, true);
    }
    struct lookup *l = dns->first;
    while (l && l->deadline_us <= monotonic_us) {
        struct lookup *next = l->next;
        lookup_unlink(dns, l);
        if (l->async_id != 0)
            ub_cancel(dns->context, l->async_id);
        answer_failed(l, "no answer in time");
        mem_free(l);
        l = next;
    }
    if (dns->validation == DNS_VALIDATION_PROBING && dns->waiting)
        return dns->probe_until_us;
    return dns->first ? dns->first->deadline_us : DEADLINE_NEVER;
}
