/* follow: the log as clients see it: the last events, kept in memory, and who follows those to come.
 *
 * Kept are RECENT_SIZE octets of events as JSON (event_json), the oldest go first. Of what is neither in the history nor worth
 * more than DEBUG (connections) nothing is made while nobody follows. A follower gets what a turn has brought in one write;
 * one that does not read loses events and is told how many: it never stops the server (S21).
 *
 * Who calls it: admin/control, on the loop's thread. Nothing can fail but the number of followers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "engine/trace.h"

enum {
    FOLLOW_CLIENTS_MAX = 16,
    FOLLOW_RECENT_MAX = 1000,          /* events */
    FOLLOW_RECENT_SIZE = 256 << 10,    /* octets */
    FOLLOW_UNREAD_SIZE_MAX = 1 << 20,  /* gathered for a client that does not read */
    FOLLOW_ADDRESS_SIZE_MAX = 1024,
};

struct follow;

/* What is empty or 0 lets all through. Whole addresses, ASCII case does not matter; "<>" is the null sender. */
struct follow_filter {
    uint64_t id;
    struct slice from, to;
};

struct follow_calls {
    void (*send)(void *context, uint64_t client, struct slice lines); /* without the last line's end */
    size_t (*unsent)(void *context, uint64_t client);                 /* octets that wait for the client to read */
    void *context;
};

struct follow *follow_new(void);
void follow_free(struct follow *follow); /* NULL is fine */
/* json: the event as it went to the history, "" for one that did not. */
void follow_event(struct follow *follow, const struct trace_event *event, struct slice json);
/* The newest `limit` kept events that pass, oldest first, as a JSON array of at most 2 * FOLLOW_RECENT_SIZE octets. */
void follow_recent(const struct follow *follow, const struct follow_filter *filter, uint32_t limit, struct buffer *out);
/* From now on; replaces what the client followed. False: too many follow. */
bool follow_add(struct follow *follow, uint64_t client, const struct follow_filter *filter);
void follow_remove(struct follow *follow, uint64_t client); /* one that does not follow is fine */
void follow_flush(struct follow *follow, const struct follow_calls *calls); /* once a turn */
