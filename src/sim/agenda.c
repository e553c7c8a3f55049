#include "sim/agenda.h"

#include <assert.h>

enum { AGENDA_ORDERS = 1 << 10 };

void agenda_init(struct agenda *a, int64_t wall_start_us)
{
    *a = (struct agenda){ .wall_start_us = wall_start_us, .now_us = US_PER_DAY };
    heap_init(&a->heap);
}

void agenda_done(struct agenda *a)
{
    heap_done(&a->heap);
}

struct now agenda_now(const struct agenda *a)
{
    return (struct now){ a->now_us, a->wall_start_us + a->now_us };
}

void agenda_set(struct agenda *a, struct happening *h, happening_call *call, int64_t after_us)
{
    assert(after_us >= 0 && after_us < 100 * 365 * US_PER_DAY);
    h->call = call;
    heap_remove(&a->heap, &h->item);
    heap_set(&a->heap, &h->item, (a->now_us + after_us) * AGENDA_ORDERS + (int64_t)(a->order++ % AGENDA_ORDERS));
}

void agenda_cancel(struct agenda *a, struct happening *h)
{
    heap_remove(&a->heap, &h->item);
}

bool agenda_is_set(const struct happening *h)
{
    return h->item.position != 0;
}

struct happening *agenda_next(struct agenda *a, int64_t until_us)
{
    struct heap_item *item = heap_first(&a->heap);
    if (!item || item->key / AGENDA_ORDERS > until_us)
        return NULL;
    heap_remove(&a->heap, item);
    if (item->key / AGENDA_ORDERS > a->now_us)
        a->now_us = item->key / AGENDA_ORDERS;
    a->happened_count++;
    return (struct happening *)item;
}
