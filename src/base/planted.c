#include "base/planted.h"

#ifdef FACTEUR_PLANTED

#include <string.h>

/* The one thing of the program that is not passed around: it must reach every floor, and is in no program but the test's. */
static enum planted chosen;

bool planted(enum planted defect)
{
    return chosen == defect;
}

bool planted_choose(const char *name)
{
    static const char *const names[] = {
        [PLANTED_NONE] = "none",
#define PLANTED_ROW(name, text) [PLANTED_##name] = text,
        PLANTED_ROWS(PLANTED_ROW)
#undef PLANTED_ROW
    };
    for (int i = 0; i < PLANTED_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            chosen = (enum planted)i;
            return true;
        }
    }
    return false;
}

#endif
