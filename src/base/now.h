/* The time of one turn, sampled once by the driver and passed in as a value: nothing below io/ reads a clock.
 *
 * monotonic_us never goes backwards and has no relation to the calendar; deadlines are in it. wall_us is microseconds
 * since 1970 UTC: wall time at the start of the process plus monotonic progress, so a step of the system's clock moves
 * nothing that waits. Queue times (received, due) are wall_us, because they outlive the process. */
#pragma once

#include <stdint.h>

struct now {
    int64_t monotonic_us;
    int64_t wall_us;
};

#define US_PER_MS INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR (60 * US_PER_MINUTE)
#define US_PER_DAY (24 * US_PER_HOUR)

#define DEADLINE_NEVER INT64_MAX
