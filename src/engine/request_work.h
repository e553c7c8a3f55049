/* request: what its two files share. request.c: orders and explanations. request_relay.c: the test of the
 * smart host. */
#pragma once

#include "base/list.h"
#include "engine/lookup.h"
#include "engine/request.h"

struct requests {
    struct list all;
    uint32_t count;
};

/* Each request's machine begins with it. */
struct request {
    struct machine machine;
    struct list_item item;
    uint64_t tag;
    int64_t limit_us; /* monotonic */
};

void request_add(struct engine *e, struct request *r, uint64_t tag, const struct machine_kind *kind, int64_t limit_us);
void request_remove(struct engine *e, struct request *r); /* in the machine's free */
/* The answer lives until the turn is drained. */
void request_reply(struct engine *e, uint64_t tag, const struct engine_answer *answer);

void relay_test_begin(struct engine *e, const struct engine_request *request);

static inline struct request *request_of(const struct machine *m)
{
    return LIST_OWNER((struct machine *)m, struct request, machine);
}
