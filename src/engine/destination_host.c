/* Addresses whose connections failed lately (A37), and the sign that port 25 is closed (A10b). */
#include <assert.h>

#include "base/arena.h"
#include "engine/destination_work.h"
#include "engine/queue.h"

void destination_host_free(struct destinations *all, struct host_memory *host)
{
    list_remove(&all->host_order, &host->item);
    table_remove_slice(&all->hosts, slice(host->key, HOST_KEY_SIZE));
    mem_free(host);
}

static void host_key(const struct ip_address *address, char key[static HOST_KEY_SIZE])
{
    memset(key, 0, HOST_KEY_SIZE);
    key[0] = (char)address->family;
    memcpy(key + 1, address->octets, address->family == 4 ? 4 : 16);
    key[17] = (char)(address->port >> 8);
    key[18] = (char)address->port;
}

void destination_host_failed(struct engine *e, const struct ip_address *address, const struct outcome *outcome)
{
    struct destinations *all = e->destinations;
    if (all->limits.memory_us == 0)
        return;
    char key[HOST_KEY_SIZE];
    host_key(address, key);
    struct host_memory *host = table_get_slice(&all->hosts, slice(key, HOST_KEY_SIZE));
    if (host) {
        list_remove(&all->host_order, &host->item);
    } else {
        if (table_count(&all->hosts) >= DESTINATION_HOSTS_MAX)
            destination_host_free(all, LIST_OWNER(list_first(&all->host_order), struct host_memory, item));
        host = mem_alloc(sizeof(*host));
        memcpy(host->key, key, HOST_KEY_SIZE);
        table_put_slice(&all->hosts, slice(host->key, HOST_KEY_SIZE), host);
    }
    host->until_us = e->now.monotonic_us + all->limits.memory_us;
    destination_failure_set(&host->failure, outcome, 0);
    list_append(&all->host_order, &host->item);
}

void destination_host_works(struct engine *e, const struct ip_address *address)
{
    struct destinations *all = e->destinations;
    char key[HOST_KEY_SIZE];
    host_key(address, key);
    struct host_memory *host = table_get_slice(&all->hosts, slice(key, HOST_KEY_SIZE));
    if (host)
        destination_host_free(all, host);
}

void destination_connects(struct engine *e)
{
    e->destinations->timeout_count = 0;
    e->destinations->timeouts_told = false;
}

const struct destination_failure *destination_host_failure(struct engine *e, const struct ip_address *address)
{
    struct destinations *all = e->destinations;
    char key[HOST_KEY_SIZE];
    host_key(address, key);
    struct host_memory *host = table_get_slice(&all->hosts, slice(key, HOST_KEY_SIZE));
    if (!host)
        return NULL;
    if (host->until_us > e->now.monotonic_us)
        return &host->failure;
    destination_host_free(all, host);
    return NULL;
}

bool destination_timed_out(struct engine *e, struct destination *d)
{
    struct destinations *all = e->destinations;
    uint32_t hash = queue_hash(d->name), kept = 0;
    for (uint32_t i = 0; i < all->timeout_count; i++) {
        if (all->timeout_hashes[i] == hash || e->now.monotonic_us - all->timeout_us[i] > DESTINATION_TIMEOUTS_WINDOW_US)
            continue;
        all->timeout_hashes[kept] = all->timeout_hashes[i];
        all->timeout_us[kept++] = all->timeout_us[i];
    }
    if (kept < DESTINATION_TIMEOUTS_ALERT) {
        all->timeout_hashes[kept] = hash;
        all->timeout_us[kept++] = e->now.monotonic_us;
    }
    all->timeout_count = kept;
    if (kept < DESTINATION_TIMEOUTS_ALERT || all->timeouts_told)
        return false;
    return all->timeouts_told = true;
}
