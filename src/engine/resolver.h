/* resolver: the name server's answers, kept for their time to live, and one lookup for all who wait for the same answer.
 *
 * A client (an attempt, a request) asks for what it needs; what is known is returned at once, what is not is looked up,
 * and when nothing that the client asked for is missing any more it is put on the list of answered clients. It then
 * asks again, and finds the answers: each is kept for at least RESOLVER_TTL_MIN_US.
 *
 * Owns all entries. The engine asks resolver_next_lookup for lookups to hand to the driver and feeds the answers. What
 * can go wrong: nothing; a lookup that is never answered is a temporary failure after RESOLVER_GUARD_US. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/now.h"
#include "border/op.h"

enum {
    RESOLVER_ENTRIES_MAX = 20000,
    RESOLVER_BYTES_MAX = 16 << 20,
    RESOLVER_LOOKUPS_MAX = 500, /* with the driver at one time; more wait here */
    RESOLVER_BUCKETS = 8192,
    RESOLVER_NAME_SIZE_MAX = 255,
};

#define RESOLVER_TTL_MIN_US (5 * US_PER_SECOND)
#define RESOLVER_TTL_MAX_US US_PER_HOUR
#define RESOLVER_NEGATIVE_TTL_MAX_US US_PER_MINUTE
#define RESOLVER_TEMP_TTL_US (5 * US_PER_SECOND)
#define RESOLVER_GUARD_US (3 * US_PER_MINUTE)

struct resolver_answer {
    enum dns_status status;
    bool secure, bogus;
    int64_t expires_us;        /* monotonic */
    struct slice canonical;
    struct slice error;        /* in words, for DNS_TEMP */
    const struct slice *rdata; /* wire format */
    size_t count;
};

enum resolver_state { RESOLVER_QUEUED, RESOLVER_ASKED, RESOLVER_KNOWN };

struct resolver_entry {
    struct list_item item;     /* queued, asked in order of time, or known in order of last use */
    struct resolver_entry *next; /* in its bucket */
    struct list waits;
    enum resolver_state state;
    uint64_t hash;
    enum dns_type type;
    struct slice name;         /* lower case; bytes follow this struct */
    struct handle handle;      /* of the lookup, set by the engine */
    int64_t asked_us;
    void *block;               /* holds the answer's bytes */
    size_t block_size;
    struct resolver_answer answer;
};

/* Whoever asks embeds one. */
struct resolver_client {
    struct list_item item;     /* in the list of answered clients */
    struct list waits;
    unsigned pending;          /* lookups that it waits for */
};

struct resolver {
    struct resolver_entry **buckets;
    struct list queued, asked, known;
    struct list answered;
    size_t entry_count, asked_count;
    size_t bytes;
    uint64_t key[2];           /* names come from strangers: the hash is keyed */
};

void resolver_init(struct resolver *r, const uint64_t key[static 2]);
void resolver_done(struct resolver *r);

void resolver_client_init(struct resolver_client *client);
void resolver_client_cancel(struct resolver *r, struct resolver_client *client); /* it waits for nothing any more */

/* The answer, valid until the resolver is fed again; NULL: it is being looked up and the client waits for it. The name
 * is in A-labels, at most RESOLVER_NAME_SIZE_MAX octets, without a dot at the end. */
const struct resolver_answer *resolver_ask(struct resolver *r, struct now now, struct slice name, enum dns_type type,
                                           struct resolver_client *client);
/* What is known already, without asking or waiting; NULL when nothing is. */
const struct resolver_answer *resolver_peek(struct resolver *r, struct now now, struct slice name, enum dns_type type);

/* The next lookup to hand to the driver, or NULL. The engine sets its handle. */
struct resolver_entry *resolver_next_lookup(struct resolver *r, struct now now);
bool resolver_has_lookup(const struct resolver *r);
void resolver_feed(struct resolver *r, struct now now, struct resolver_entry *entry, const struct event_dns *event);
struct resolver_client *resolver_take_answered(struct resolver *r); /* NULL when there is none */

int64_t resolver_deadline_us(const struct resolver *r);
/* The first lookup that the driver has not answered in time, to be fed as a temporary failure; NULL. */
struct resolver_entry *resolver_overdue(struct resolver *r, struct now now);

/* Forgets what is known: what says no, or nothing, when the administrator has mended something (A46); all of it when other
 * resolvers are asked from now on. */
void resolver_forget_failures(struct resolver *r);
void resolver_forget_all(struct resolver *r);
