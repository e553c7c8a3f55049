/* commit: gathers what the store must have and hands it over in batches; one batch is under way at a time.
 *
 * A group is what must become durable together: one submit; or one settle (or end) with the notices that it causes.
 * It is never split over two batches, its submits stand before its settle, and it has one result.
 *
 * When a batch starts: at once when a submit waits and none is under way; a submit never waits on a timer. Settles
 * ride along; alone they start after COMMIT_SETTLE_DELAY_US (then no submit has come since the oldest of them), or
 * when a batch would be full.
 *
 * Results. A group is given back to its owner's kind, by the table that engine.c fills (commit_owner_calls): `done` is
 * called in the feed of EVENT_COMMITTED, once a group, with its status (the worst of the items'); after it the group is
 * free. The group's messages belong to commit from commit_start to done, and to the owner's kind again in it.
 *   COMMIT_INTAKE, COMMIT_CONTROL: any status. Somebody waits who can be told: STORE_OK 250, FULL 452, FAILED and
 *     UNKNOWN 451 (it may be stored, the client was told it is not: the one direction that a doubt may take).
 *   COMMIT_SETTLE, COMMIT_EARLY, COMMIT_NOTICE: STORE_OK and STORE_FENCED only. FULL, FAILED and UNKNOWN stay here and are tried
 *     again after 1, 2, 4 ... 60 s, for as long as it takes: what became of a letter is not forgotten while the process
 *     lives. commit_troubled tells the alerts.
 *
 * Before done the group's messages must not be changed: their envelopes were encoded when they were added, but the
 * bodies are sent from where they are. The settled message of COMMIT_EARLY alone stays its attempt's, who keeps it until done. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "border/store.h"
#include "engine/core.h"
#include "engine/message.h"

enum {
    COMMIT_GROUP_ITEMS_MAX = 8,
    COMMIT_SETTLE_DELAY_US = 20 * 1000,
    COMMIT_RETRY_MIN_US = 1000 * 1000,
    COMMIT_RETRY_MAX_US = 60 * 1000 * 1000,
    COMMIT_SLOW_US = 60 * 1000 * 1000, /* a batch without an answer for so long is traced, and again each time */
    COMMIT_GROUPS_KEPT_MAX = 512,      /* free ones kept for reuse */
    COMMIT_BYTES_KEPT_MAX = 4 << 10,   /* ... with their buffer, if it is no larger */
};

enum commit_owner {
    COMMIT_INTAKE,  /* one submit; answered to a session */
    COMMIT_SETTLE,  /* an attempt is over: settle or end, with notices */
    COMMIT_EARLY,   /* an attempt goes on: what of it is delivered already, with notices */
    COMMIT_NOTICE,  /* a message of our own by itself (alerts) */
    COMMIT_CONTROL, /* the administrator: hold, release, bounce, drop */
    COMMIT_OWNER_COUNT,
};

struct commit_group_item {
    enum store_item_kind kind;
    struct message *message;     /* STORE_END of a message that is not in memory: NULL */
    uint64_t id;
    uint32_t envelope_from, envelope_size; /* in the group's bytes */
    struct store_result result;  /* valid in done; refs of STORE_OK items */
    bool answered;
};

struct commit_group {
    struct list_item place;
    enum commit_owner owner;
    struct handle handle;        /* the owner's, may be none or old by then: handle_machine tells */
    uint64_t tag;                /* the owner's */
    void *context;               /* the owner's; only what lives as long as the group */
    struct commit_group_item items[COMMIT_GROUP_ITEMS_MAX];
    uint32_t item_count;
    uint32_t answered_count;
    struct buffer bytes;         /* encoded envelopes */
    uint64_t size_bytes;         /* what it counts in a batch */
    enum store_status status;    /* of the last try */
    uint32_t tries;
};

struct commit_owner_calls {
    /* The group's messages are given to the owner with it: queue them (calls->queued), keep them, or message_free them.
     * Their record and body refs are set where the item is STORE_OK. */
    void (*done)(struct engine *e, struct commit_group *group, enum store_status status);
};

void commit_init(struct engine *e, const struct commit_owner_calls calls[static COMMIT_OWNER_COUNT]);
void commit_done(struct engine *e); /* groups that are still there are freed with their messages */

/* A group being filled: add its items, submits (notices) first or last as it comes, then start it. */
struct commit_group *commit_group_new(struct engine *e, enum commit_owner owner);
/* The envelope is encoded now. A submit's body is message->body (big) or its blocks in memory. */
void commit_add_submit(struct engine *e, struct commit_group *group, struct message *message);
/* The envelope replaces the one in the store; due and queue are taken from it. */
void commit_add_settle(struct engine *e, struct commit_group *group, struct message *message);
/* The message is finished and forgotten. message may be NULL when only the stub is known. */
void commit_add_end(struct engine *e, struct commit_group *group, uint64_t id, struct message *message);
void commit_start(struct engine *e, struct commit_group *group);
/* Never started: frees the group, and not its messages. */
void commit_group_cancel(struct engine *e, struct commit_group *group);

bool commit_idle(const struct engine *e);             /* nothing waits, nothing is under way */
/* Groups that the store has refused and that are tried again; the last such status. */
uint32_t commit_troubled(const struct engine *e, enum store_status *ret_status);
