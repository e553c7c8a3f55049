/* Many seeds on several processes. A process that dies in a world (an assertion, a sanitizer) is a violation of the seed that
 * it was at, so that a long run is not over with it. What is told comes in the order in which it happens, and at the end the
 * seeds that failed once more, sorted. Called by main only; everything else here is one process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { JOBS_MAX = 64, JOBS_TEXT_SIZE = 512 };

struct jobs_options {
    uint32_t count;       /* of processes, 1 to JOBS_MAX */
    bool keep_going;      /* behind the first violation */
    const uint64_t *list; /* the seeds; NULL: those from `first` on */
    uint64_t first;
    uint64_t seed_count;
    /* Runs one seed's world; what is wrong with it, or "". */
    void (*run)(void *context, uint64_t seed, char ret_violation[static JOBS_TEXT_SIZE]);
    void *context;
};

struct jobs_result {
    uint64_t worlds, violations;
};

/* False: the system gave no process or memory; it is told on stderr. */
bool jobs_run(const struct jobs_options *options, struct jobs_result *ret_result);
