/* lookup: the resolver as a machine of the engine: it hands lookups to the driver, feeds the answers, and wakes who waits.
 *
 * Whoever needs names (an attempt, a request) embeds a struct lookup_client, asks, and is woken when everything that it asked
 * for has been answered; it then asks again. */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "engine/core.h"
#include "engine/resolver.h"

struct lookup_client {
    struct resolver_client client;
    struct machine *owner;
};

void lookups_init(struct engine *e); /* given back with the engine's machines */
void lookup_client_init(struct lookup_client *client, struct machine *owner);
void lookup_client_cancel(struct engine *e, struct lookup_client *client);
/* The answer, valid in this turn; NULL: it is being looked up, the owner will be woken. */
const struct event_dns *lookup_ask(struct engine *e, struct lookup_client *client, struct slice name,
                                   enum dns_type type);
/* Everything that it asked for is answered. */
static inline bool lookup_client_answered(const struct lookup_client *client)
{
    return client->client.pending == 0;
}
void lookups_forget_failures(struct engine *e);
void lookups_forget_all(struct engine *e); /* A46 */
