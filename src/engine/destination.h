/* destination: how much goes to a next hop at a time, and what is remembered of it: its failures, its rests, its pace.
 *
 * A destination is a recipient domain, or the smart host with one login. It exists while something is under way to it or
 * worth remembering, and speaks for one home of the queue (its limit there is what it would take now).
 *
 * Failing. When an attempt reaches no host at all the destination fails for all: from then on one message at a time
 * probes it (destination_ask says who), the others are told the probe's outcome at once when they come due. Whoever gets
 * through ends that and wakes what waits. Besides, single addresses whose connection failed are remembered for some
 * minutes (A37), whichever domain they serve.
 *
 * Rests. A refused login lets the smart host's destination rest for 1, 2, 4 ... 60 minutes (A25), and so does a refusal of our
 * right to use it (A23a), which a login that is taken and a MAIL that is answered do not end; too much traffic (A38)
 * halves its pace and makes a pause from 10 s on. At the end of a rest one message probes.
 *
 * Who calls it: engine/attempt (ask, begin, end, what came of it), engine/session (connections), engine/engine
 * (configuration). Time passes by one machine with a heap of the destinations that wait for something, so none is ever
 * stalled: a destination that holds something back has an end to that in the heap. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/heap.h"
#include "base/list.h"
#include "engine/core.h"
#include "proto/outcome.h"

enum {
    DESTINATION_NAME_SIZE_MAX = 800,      /* "relay.example:587 account:someone@example.org" */
    DESTINATION_TEXT_SIZE_MAX = 256,      /* kept of a failure's text */
    DESTINATION_AHEAD = 2,                /* attempts begun for each connection allowed: one speaks, one is prepared */
    DESTINATION_FAST_FAILS = 16,          /* at one time, while it rests or fails */
    DESTINATION_CONNECTIONS_MAX = 3000,   /* outgoing ones in all */
    DESTINATION_HOSTS_MAX = 10000,        /* addresses remembered as failing */
    DESTINATION_TIMEOUTS_ALERT = 10,      /* A10b: so many destinations ... */
    DESTINATION_REFUSALS_HOLD = 5,        /* A23b */
};

#define DESTINATION_TIMEOUTS_WINDOW_US (10 * US_PER_MINUTE) /* ... in so long */
#define DESTINATION_REST_MIN_US US_PER_MINUTE
#define DESTINATION_REST_MAX_US (60 * US_PER_MINUTE)
#define DESTINATION_PAUSE_MIN_US (10 * US_PER_SECOND)
#define DESTINATION_PAUSE_MAX_US (10 * US_PER_MINUTE)
#define DESTINATION_SLOW_US (10 * US_PER_MINUTE)            /* without a complaint the pace is doubled again */
#define DESTINATION_STALE_US (2 * US_PER_HOUR)              /* a failure that nobody waits for is forgotten */
#define DESTINATION_PROBE_MAX_US (5 * US_PER_MINUTE)        /* between two probes by different messages */

enum destination_want { DESTINATION_WANT_NOTHING, DESTINATION_WANT_PACE, DESTINATION_WANT_CONNECTION };

/* Somebody who waits for the pace or for a connection. Its turn is a grant: counted for it when it is woken, and used by
 * asking again or given back by a cancel, so that no turn is ever lost. Embedded in a transaction. */
struct destination_wait {
    struct list_item item;
    struct machine *machine;
    struct destination *destination; /* in whose list it is, or who has granted */
    enum destination_want want;
    bool granted;
};

/* From the configuration. */
struct destination_limits {
    uint32_t connections;            /* MaxConnectionsPerDestination */
    uint32_t smarthost_connections;  /* SmartHostMaxConnections, over all logins */
    uint32_t smarthost_per_minute;   /* SmartHostMessagesPerMinute, 0: no limit; each login */
    int64_t memory_us;               /* CacheConnectionFailuresMinutes, 0: nothing is remembered */
    int64_t probe_us;                /* the shortest interval of attempts */
    bool fallback;                   /* direct-then-smarthost: who is not served here has another way */
};

/* What is remembered of the last failure; its slices point into text. */
struct destination_failure {
    struct outcome outcome;
    uint16_t rule;
    char text[DESTINATION_TEXT_SIZE_MAX];
    char host[OUTCOME_HOST_SIZE_MAX];
    char address[64];
};

struct destination {
    struct slice name;               /* its bytes follow this struct */
    bool smarthost;
    bool shared_home;                /* another one has the same home (a collision of hashes) */
    uint32_t home_key;
    struct heap_item timer;
    uint32_t active;                 /* attempts begun and not over */
    uint32_t fast;                   /* of them: only told the outcome of the probe */
    uint32_t connections;            /* open or opening in its name */
    uint32_t window;                 /* connections at most */
    struct list blocked;             /* struct destination_wait */
    struct list_item of_pool;        /* smart host: waits for a connection of the common number */

    bool failing;
    uint64_t probing;                /* id of the message whose probe is under way, 0: none */
    uint64_t prober;                 /* id of the message that probed last */
    int64_t failed_us, tried_us;     /* wall: of the last failure; monotonic: of the last real try */
    struct destination_failure *failure; /* while failing or resting */
    int64_t stale_us;                /* monotonic: when it is looked whether anybody still waits for it; 0: no failure */

    int64_t rest_until_us;           /* monotonic; 0: none */
    int64_t rest_us;                 /* the last rest's length, 0 after a success */
    bool unwelcome;                  /* it takes our login and refuses us behind it (A23a): until it accepts a message */

    uint32_t per_minute;             /* configured, 0: no limit */
    uint32_t slowed_per_minute;      /* after complaints, 0: as configured */
    int64_t pace_next_us;            /* when the next transaction may go */
    int64_t pause_until_us, pause_us;
    int64_t slow_until_us;           /* when the pace is raised again */
    int64_t minute_us;               /* start of the minute in which `minute_count` were accepted */
    uint32_t minute_count, minute_last;

    uint32_t refusals;               /* A23b: letters running; with another sender, another domain among them? */
    uint64_t refusal_id;             /* the last of them */
    uint16_t refusal_code;           /* what all of them were told */
    struct enhanced_code refusal_enhanced;
    uint32_t refusal_sender, refusal_domain;
    bool refusal_senders, refusal_domains;
    bool refusing;                   /* held until one is accepted */
};

struct destinations;

void destinations_init(struct engine *e); /* given back with the engine's machines */
bool destinations_quiet(const struct engine *e); /* no connection is counted, nobody waits: so it is when all sessions are gone */
/* At the start and when the configuration has changed. */
void destinations_configure(struct engine *e, const struct destination_limits *limits);

/* Made when it is not there. Stays at least as long as something is active, connected or blocked there. */
struct destination *destination_get(struct engine *e, struct slice name, bool smarthost);
struct destination *destination_find(struct engine *e, struct slice name); /* or NULL */
uint32_t destination_home_key(struct slice name, bool smarthost);

/* ---- messages ---- */

enum destination_answer {
    DESTINATION_GO,    /* an ordinary attempt */
    DESTINATION_PROBE, /* a real try, whatever is remembered (A37) */
    DESTINATION_WAIT,  /* not now: back into the line of its home */
    DESTINATION_FAIL,  /* at once, with d->failure */
};

struct destination_question {
    uint64_t id;
    bool fresh;         /* its first attempt: it really tries, but for what is remembered of addresses */
    int64_t due_us;     /* wall */
};

enum destination_answer destination_ask(struct engine *e, struct destination *d, const struct destination_question *q);
/* The attempt begins as was answered (not WAIT), and is over. */
void destination_begin(struct engine *e, struct destination *d, uint64_t id, enum destination_answer answer);
void destination_end(struct engine *e, struct destination *d, uint64_t id, enum destination_answer answer);

/* A host answered MAIL, or the smart host took the login: it works, unless we are unwelcome there. Wakes what waits when it had
 * failed or rested. */
void destination_works(struct engine *e, struct destination *d);
/* No candidate was reached; outcome is the last of them. */
void destination_failed(struct engine *e, struct destination *d, uint64_t id, const struct outcome *outcome,
                        uint16_t rule);
/* A25, A23a: the login is refused, or we are at `outcome`'s stage behind it. True when a rest began (an alert's occasion); false when it rests already. */
bool destination_rest(struct engine *e, struct destination *d, const struct outcome *outcome, uint16_t rule);
bool destination_resting(const struct engine *e, const struct destination *d);
/* A38: it complained of too much. */
void destination_slow(struct engine *e, struct destination *d);
/* The smart host accepted a message; ends A23a, and A23b unless it is a notice of our own. True when it was refusing (A23b). */
bool destination_accepted(struct engine *e, struct destination *d, bool notice);
/* A23b: a 5xx of the smart host about a letter (id), for a recipient in domain; no notice of our own. A letter counts once,
 * and the same 5xx only: another one begins anew. True when from now on mail there is to be held. */
bool destination_refused(struct engine *e, struct destination *d, uint64_t id, const struct outcome *outcome,
                         struct slice sender, struct slice domain);

/* A46: memories and rests are gone, for one or (NULL) for all. What waits is woken by the caller. */
void destination_forget(struct engine *e, struct destination *d);

/* ---- connections ---- */

/* The pace lets one more transaction through, and counts it; else false, and the wait is in line. */
bool destination_pace(struct engine *e, struct destination *d, struct destination_wait *wait);
/* One more connection may be opened, and is counted; else false, and the wait is in line. */
bool destination_connect(struct engine *e, struct destination *d, struct destination_wait *wait);
void destination_disconnect(struct engine *e, struct destination *d);
/* An idle connection of `from` is used for `to` from now on; false when `to` has no room. */
bool destination_lend(struct engine *e, struct destination *from, struct destination *to);
void destination_wait_init(struct destination_wait *wait, struct machine *machine);
void destination_wait_cancel(struct engine *e, struct destination_wait *wait);
/* Somebody waits for a connection that an idle one of this destination keeps from him. */
bool destination_wanted(const struct engine *e, const struct destination *d);

/* ---- addresses (A37) ---- */

void destination_host_failed(struct engine *e, const struct ip_address *address, const struct outcome *outcome);
void destination_host_works(struct engine *e, const struct ip_address *address);
void destination_connects(struct engine *e); /* some direct host took a connection: port 25 is not closed (A10b) */
/* The failure remembered, or NULL. */
const struct destination_failure *destination_host_failure(struct engine *e, const struct ip_address *address);
/* A10b. True once, when it is the tenth. */
bool destination_timed_out(struct engine *e, struct destination *d);
