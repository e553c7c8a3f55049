/* destination: what its three files share. destination.c: coming and going, failures, rests, time. destination_line.c: pace,
 * connections, and who waits for them. destination_host.c: addresses that failed lately. */
#pragma once

#include "base/table.h"
#include "engine/destination.h"

enum { HOST_KEY_SIZE = 19, PACE_UNKNOWN = 30 };

struct host_memory {
    struct list_item item;
    char key[HOST_KEY_SIZE];
    int64_t until_us;
    struct destination_failure failure;
};

struct destinations {
    struct machine machine;
    struct table by_name;
    struct heap timers;
    struct destination_limits limits;
    uint32_t connections, pool_connections;
    struct list pool; /* destinations that wait for the common number of connections */
    struct table hosts;
    struct list host_order; /* the one remembered longest first */
    uint32_t timeout_hashes[DESTINATION_TIMEOUTS_ALERT];
    int64_t timeout_us[DESTINATION_TIMEOUTS_ALERT];
    uint32_t timeout_count;
    bool timeouts_told;
};

void destination_update_home(struct engine *e, struct destination *d);
void destination_update_timer(struct engine *e, struct destination *d);
void destination_free_if_idle(struct engine *e, struct destination *d);
void destination_failure_set(struct destination_failure *failure, const struct outcome *outcome, uint16_t rule);
struct destination_wait *destination_first_wait(const struct destination *d, enum destination_want want);
void destination_grant_pace(struct engine *e, struct destination *d);
void destination_pace_raise(struct engine *e, struct destination *d);
void destination_minute_roll(const struct engine *e, struct destination *d);
void destination_host_free(struct destinations *all, struct host_memory *host);
