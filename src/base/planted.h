/* planted: six defects that the simulated worlds must find. A check that never finds anything proves nothing, so
 * facteur-sim-planted, the same sources compiled with FACTEUR_PLANTED, can switch one of them on; the seeds that find each
 * are in docs/TESTING.md. In every other program planted() is the constant false, and nothing of a defect is compiled.
 *
 * Each stands in one line, where such a mistake would be made. The choice is made once, before the first world. */
#pragma once

#include <stdbool.h>

#define PLANTED_ROWS(PLANTED_ROW)                                                                            \
    PLANTED_ROW(EARLY_250, "250-before-sync")        /* store/spool: a batch is answered before it is synced */ \
    PLANTED_ROW(FOLDER, "folder-not-synced")         /* store/segments: a new segment's name */                 \
    PLANTED_ROW(POSITION, "wrong-position")          /* store/replay: it begins one page too late */            \
    PLANTED_ROW(DOUBT, "in-doubt-dropped")           /* proto/smtp_client: a lost answer to the dot */          \
    PLANTED_ROW(CLASS, "5xx-as-4xx")                 /* proto/outcome: refused for good, taken for later */     \
    PLANTED_ROW(STALLED, "never-woken")              /* engine/destination: its queue stays shut */

enum planted {
    PLANTED_NONE,
#define PLANTED_ROW(name, text) PLANTED_##name,
    PLANTED_ROWS(PLANTED_ROW)
#undef PLANTED_ROW
    PLANTED_COUNT,
};

#ifdef FACTEUR_PLANTED
bool planted(enum planted defect);
bool planted_choose(const char *name); /* false: no such defect */
#else
static inline bool planted(enum planted defect)
{
    (void)defect;
    return false;
}
#endif
