#include "engine/lookup.h"

#include <assert.h>

#include "base/arena.h"
#include "base/table.h"

struct lookups {
    struct machine machine;
    struct resolver resolver;
    struct table asked; /* slot of the handle -> struct resolver_entry */
};

static struct lookups *lookups_of(struct machine *m)
{
    return LIST_OWNER(m, struct lookups, machine);
}

static struct lookups *lookups_in(const struct engine *e)
{
    return LIST_OWNER(e->resolver, struct lookups, resolver);
}

static void answered_wake(struct engine *e, struct resolver *r)
{
    struct resolver_client *client;
    while ((client = resolver_take_answered(r)) != NULL)
        machine_wake(e, LIST_OWNER(client, struct lookup_client, client)->owner);
}

static void answer(struct engine *e, struct lookups *all, struct resolver_entry *entry, const struct event_dns *event)
{
    table_remove(&all->asked, entry->handle.slot);
    handle_drop(e, &entry->handle);
    resolver_feed(&all->resolver, e->now, entry, event);
    answered_wake(e, &all->resolver);
}

static void lookups_feed(struct engine *e, struct machine *m, const struct event *event)
{
    struct lookups *all = lookups_of(m);
    struct resolver_entry *entry;
    if (event->kind == EVENT_DNS) {
        entry = table_get(&all->asked, event->handle.slot);
        if (entry)
            answer(e, all, entry, &event->dns);
        return;
    }
    const struct event_dns none = { .status = DNS_TEMP, .error = SLICE("no answer from the name server") };
    while ((entry = resolver_overdue(&all->resolver, e->now)) != NULL)
        answer(e, all, entry, &none);
}

static bool lookups_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    struct lookups *all = lookups_of(m);
    struct resolver_entry *entry = resolver_next_lookup(&all->resolver, e->now);
    if (!entry)
        return false;
    entry->handle = handle_new(e, m);
    table_put(&all->asked, entry->handle.slot, entry);
    *ret_op = (struct op){ .kind = OP_DNS, .handle = entry->handle,
                           .dns = { .name = entry->name, .type = entry->type } };
    return true;
}

static int64_t lookups_deadline_us(const struct engine *e, const struct machine *m)
{
    (void)m;
    return resolver_deadline_us(e->resolver);
}

static void lookups_free(struct engine *e, struct machine *m)
{
    struct lookups *all = lookups_of(m);
    table_done(&all->asked);
    resolver_done(&all->resolver);
    mem_free(all);
    e->resolver = NULL;
}

static const struct machine_kind LOOKUPS_KIND = {
    .name = "lookups", .may_sleep = true, .feed = lookups_feed, .next = lookups_next,
    .deadline_us = lookups_deadline_us, .free = lookups_free,
};

void lookups_init(struct engine *e)
{
    struct lookups *all = mem_alloc(sizeof(*all));
    uint64_t key[2];
    engine_random(e, key, sizeof(key));
    resolver_init(&all->resolver, key);
    table_init(&all->asked, key);
    e->resolver = &all->resolver;
    machine_add(e, &all->machine, &LOOKUPS_KIND);
}

void lookup_client_init(struct lookup_client *client, struct machine *owner)
{
    resolver_client_init(&client->client);
    client->owner = owner;
}

void lookup_client_cancel(struct engine *e, struct lookup_client *client)
{
    resolver_client_cancel(e->resolver, &client->client);
}

const struct event_dns *lookup_ask(struct engine *e, struct lookup_client *client, struct slice name,
                                   enum dns_type type)
{
    const struct resolver_answer *a = resolver_ask(e->resolver, e->now, name, type, &client->client);
    if (!a) {
        machine_wake(e, &lookups_in(e)->machine);
        return NULL;
    }
    struct event_dns *dns = turn_alloc(e, sizeof(*dns));
    int64_t ttl_us = a->expires_us - e->now.monotonic_us;
    *dns = (struct event_dns){ .status = a->status, .secure = a->secure, .bogus = a->bogus, .ttl_us = ttl_us,
                               .canonical = a->canonical, .error = a->error, .rdata = a->rdata, .count = a->count };
    return dns;
}

void lookups_forget_failures(struct engine *e)
{
    resolver_forget_failures(e->resolver);
}

void lookups_forget_all(struct engine *e)
{
    resolver_forget_all(e->resolver);
}
