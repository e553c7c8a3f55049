/* What single values cannot say: what must be there, and what does not go together (A1, A9, A20, A28, A33, A45). */
#pragma once

#include "config/config.h"

struct config_check {
    const struct config *config;        /* complete, save for the keys that are wrong */
    const struct config_source *source;
    struct config_problems *problems;
    const bool *wrong;                  /* by key: its value was refused, so nothing can be said about it */
    const uint32_t *places;             /* by key: the line to name, also for a key that is not there */
};

void config_check_all(const struct config_check *check);
