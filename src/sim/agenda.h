/* Virtual time: what is to happen, and when. Nothing in the simulated world waits for real time.
 *
 * A happening lies within the thing that it happens to; it is in the agenda once at most. Happenings of the same instant
 * come in the order in which they were set. */
#pragma once

#include "base/heap.h"
#include "base/now.h"
#include "base/random.h"

struct world;
struct happening;

typedef void happening_call(struct world *world, struct happening *happening);

struct happening {
    struct heap_item item;
    happening_call *call;
};

struct agenda {
    struct heap heap;
    int64_t now_us;       /* monotonic */
    int64_t wall_start_us;
    uint64_t order;       /* breaks ties: the key is microseconds times AGENDA_ORDERS plus order */
    uint64_t happened_count;
};

void agenda_init(struct agenda *a, int64_t wall_start_us);
void agenda_done(struct agenda *a);
struct now agenda_now(const struct agenda *a);
/* Sets or moves. `after_us` is 0 or more. */
void agenda_set(struct agenda *a, struct happening *h, happening_call *call, int64_t after_us);
void agenda_cancel(struct agenda *a, struct happening *h);
bool agenda_is_set(const struct happening *h);
/* The next one, time moved to it, out of the agenda; NULL when there is none before or at until_us. */
struct happening *agenda_next(struct agenda *a, int64_t until_us);
