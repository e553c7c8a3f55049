#include "engine/resolver.h"

#include <assert.h>

#include "base/arena.h"
#include "base/table.h"

/* One client waiting for one entry; in both lists, so that either end may go first. */
struct resolver_wait {
    struct list_item of_entry;
    struct list_item of_client;
    struct resolver_client *client;
    struct resolver_entry *entry;
};

void resolver_init(struct resolver *r, const uint64_t key[static 2])
{
    *r = (struct resolver){ .buckets = mem_alloc(RESOLVER_BUCKETS * sizeof(struct resolver_entry *)) };
    memcpy(r->key, key, sizeof(r->key));
    list_init(&r->queued);
    list_init(&r->asked);
    list_init(&r->known);
    list_init(&r->answered);
}

void resolver_client_init(struct resolver_client *client)
{
    *client = (struct resolver_client){ .pending = 0 };
    list_init(&client->waits);
}

static void wait_free(struct resolver_wait *wait)
{
    list_remove(&wait->entry->waits, &wait->of_entry);
    list_remove(&wait->client->waits, &wait->of_client);
    mem_free(wait);
}

void resolver_client_cancel(struct resolver *r, struct resolver_client *client)
{
    for (struct list_item *i; (i = list_first(&client->waits)) != NULL;)
        wait_free(LIST_OWNER(i, struct resolver_wait, of_client));
    client->pending = 0;
    if (list_linked(&client->item))
        list_remove(&r->answered, &client->item);
}

static struct list *list_of(struct resolver *r, enum resolver_state state)
{
    return state == RESOLVER_QUEUED ? &r->queued : state == RESOLVER_ASKED ? &r->asked : &r->known;
}

static void entry_free(struct resolver *r, struct resolver_entry *entry)
{
    assert(list_empty(&entry->waits));
    struct resolver_entry **link = &r->buckets[entry->hash % RESOLVER_BUCKETS];
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    list_remove(list_of(r, entry->state), &entry->item);
    r->entry_count--;
    r->bytes -= sizeof(*entry) + entry->name.size + entry->block_size;
    mem_free(entry->block);
    mem_free(entry);
}

void resolver_done(struct resolver *r)
{
    for (enum resolver_state state = RESOLVER_QUEUED; state <= RESOLVER_KNOWN; state++) {
        for (struct list_item *i; (i = list_first(list_of(r, state))) != NULL;) {
            struct resolver_entry *entry = LIST_OWNER(i, struct resolver_entry, item);
            for (struct list_item *w; (w = list_first(&entry->waits)) != NULL;)
                wait_free(LIST_OWNER(w, struct resolver_wait, of_entry));
            entry_free(r, entry);
        }
    }
    mem_free(r->buckets);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static uint64_t hash_of(const struct resolver *r, struct slice name, enum dns_type type)
{
    char bytes[RESOLVER_NAME_SIZE_MAX + 1];
    assert(name.size <= RESOLVER_NAME_SIZE_MAX);
    for (size_t i = 0; i < name.size; i++)
        bytes[i] = lower(name.data[i]);
    bytes[name.size] = (char)type;
    return siphash(r->key, slice(bytes, name.size + 1));
}

static struct resolver_entry *entry_find(const struct resolver *r, struct slice name, enum dns_type type, uint64_t hash)
{
    struct resolver_entry *entry = r->buckets[hash % RESOLVER_BUCKETS];
    while (entry && (entry->hash != hash || entry->type != type || !slice_equal_nocase(entry->name, name)))
        entry = entry->next;
    return entry;
}

static void entry_set_state(struct resolver *r, struct resolver_entry *entry, enum resolver_state state)
{
    list_remove(list_of(r, entry->state), &entry->item);
    r->asked_count -= entry->state == RESOLVER_ASKED;
    r->asked_count += state == RESOLVER_ASKED;
    entry->state = state;
    list_append(list_of(r, state), &entry->item);
}

/* The least recently used go first; what is being looked up is not among them. */
static void make_room(struct resolver *r)
{
    while (r->entry_count >= RESOLVER_ENTRIES_MAX || r->bytes >= RESOLVER_BYTES_MAX) {
        struct list_item *oldest = list_first(&r->known);
        if (!oldest)
            return;
        entry_free(r, LIST_OWNER(oldest, struct resolver_entry, item));
    }
}

static struct resolver_entry *entry_new(struct resolver *r, struct slice name, enum dns_type type, uint64_t hash)
{
    make_room(r);
    struct resolver_entry *entry = mem_alloc(sizeof(*entry) + name.size);
    char *bytes = (char *)(entry + 1);
    for (size_t i = 0; i < name.size; i++)
        bytes[i] = lower(name.data[i]);
    entry->name = slice(bytes, name.size);
    entry->type = type;
    entry->hash = hash;
    list_init(&entry->waits);
    list_append(&r->queued, &entry->item);
    entry->next = r->buckets[hash % RESOLVER_BUCKETS];
    r->buckets[hash % RESOLVER_BUCKETS] = entry;
    r->entry_count++;
    r->bytes += sizeof(*entry) + name.size;
    return entry;
}

const struct resolver_answer *resolver_peek(struct resolver *r, struct now now, struct slice name, enum dns_type type)
{
    struct resolver_entry *entry = entry_find(r, name, type, hash_of(r, name, type));
    if (!entry || entry->state != RESOLVER_KNOWN || entry->answer.expires_us <= now.monotonic_us)
        return NULL;
    list_remove(&r->known, &entry->item);
    list_append(&r->known, &entry->item);
    return &entry->answer;
}

const struct resolver_answer *resolver_ask(struct resolver *r, struct now now, struct slice name, enum dns_type type,
                                           struct resolver_client *client)
{
    assert(name.size > 0 && name.size <= RESOLVER_NAME_SIZE_MAX);
    const struct resolver_answer *answer = resolver_peek(r, now, name, type);
    if (answer)
        return answer;
    uint64_t hash = hash_of(r, name, type);
    struct resolver_entry *entry = entry_find(r, name, type, hash);
    if (!entry)
        entry = entry_new(r, name, type, hash);
    else if (entry->state == RESOLVER_KNOWN)
        entry_set_state(r, entry, RESOLVER_QUEUED);
    struct resolver_wait *wait = mem_alloc(sizeof(*wait));
    wait->client = client;
    wait->entry = entry;
    list_append(&entry->waits, &wait->of_entry);
    list_append(&client->waits, &wait->of_client);
    client->pending++;
    return NULL;
}

bool resolver_has_lookup(const struct resolver *r)
{
    return !list_empty(&r->queued) && r->asked_count < RESOLVER_LOOKUPS_MAX;
}

struct resolver_entry *resolver_next_lookup(struct resolver *r, struct now now)
{
    if (!resolver_has_lookup(r))
        return NULL;
    struct resolver_entry *entry = LIST_OWNER(list_first(&r->queued), struct resolver_entry, item);
    entry_set_state(r, entry, RESOLVER_ASKED);
    entry->asked_us = now.monotonic_us;
    return entry;
}

static int64_t time_to_live_us(const struct event_dns *event)
{
    if (event->status == DNS_TEMP)
        return RESOLVER_TEMP_TTL_US;
    int64_t max_us = event->status == DNS_OK ? RESOLVER_TTL_MAX_US : RESOLVER_NEGATIVE_TTL_MAX_US;
    if (event->ttl_us > max_us)
        return max_us;
    return event->ttl_us < RESOLVER_TTL_MIN_US ? RESOLVER_TTL_MIN_US : event->ttl_us;
}

static struct slice block_copy(char **place, struct slice s)
{
    struct slice copy = slice(*place, s.size);
    if (s.size)
        memcpy(*place, s.data, s.size);
    *place += s.size;
    return copy;
}

static void entry_fill(struct resolver *r, struct resolver_entry *entry, struct now now, const struct event_dns *event)
{
    size_t count = event->count < DNS_RECORDS_MAX ? event->count : DNS_RECORDS_MAX;
    size_t size = count * sizeof(struct slice) + event->canonical.size + event->error.size;
    for (size_t i = 0; i < count; i++)
        size += event->rdata[i].size;
    r->bytes -= entry->block_size;
    r->bytes += size;
    mem_free(entry->block);
    entry->block = mem_alloc(size + 1);
    entry->block_size = size;
    struct slice *rdata = entry->block;
    char *place = (char *)(rdata + count);
    for (size_t i = 0; i < count; i++)
        rdata[i] = block_copy(&place, event->rdata[i]);
    entry->answer = (struct resolver_answer){
        .status = event->status, .secure = event->secure, .bogus = event->bogus,
        .expires_us = now.monotonic_us + time_to_live_us(event),
        .canonical = block_copy(&place, event->canonical), .error = block_copy(&place, event->error),
        .rdata = rdata, .count = count,
    };
}

void resolver_feed(struct resolver *r, struct now now, struct resolver_entry *entry, const struct event_dns *event)
{
    assert(entry->state == RESOLVER_ASKED);
    entry_fill(r, entry, now, event);
    entry_set_state(r, entry, RESOLVER_KNOWN);
    entry->handle = (struct handle){ 0 };
    for (struct list_item *i; (i = list_first(&entry->waits)) != NULL;) {
        struct resolver_wait *wait = LIST_OWNER(i, struct resolver_wait, of_entry);
        struct resolver_client *client = wait->client;
        wait_free(wait);
        assert(client->pending > 0);
        if (--client->pending == 0 && !list_linked(&client->item))
            list_append(&r->answered, &client->item);
    }
}

struct resolver_client *resolver_take_answered(struct resolver *r)
{
    struct list_item *item = list_take_first(&r->answered);
    return item ? LIST_OWNER(item, struct resolver_client, item) : NULL;
}

int64_t resolver_deadline_us(const struct resolver *r)
{
    struct list_item *item = list_first(&r->asked);
    return item ? LIST_OWNER(item, struct resolver_entry, item)->asked_us + RESOLVER_GUARD_US : DEADLINE_NEVER;
}

struct resolver_entry *resolver_overdue(struct resolver *r, struct now now)
{
    return now.monotonic_us < resolver_deadline_us(r) ? NULL
                                                      : LIST_OWNER(list_first(&r->asked), struct resolver_entry, item);
}

static void forget(struct resolver *r, bool failures_only)
{
    struct list_item *next;
    for (struct list_item *i = list_first(&r->known); i; i = next) {
        next = list_next(&r->known, i);
        struct resolver_entry *entry = LIST_OWNER(i, struct resolver_entry, item);
        if (!failures_only || entry->answer.status != DNS_OK)
            entry_free(r, entry);
    }
}

void resolver_forget_failures(struct resolver *r)
{
    forget(r, true);
}

void resolver_forget_all(struct resolver *r)
{
    forget(r, false);
}
