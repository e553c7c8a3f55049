#include "engine/inflight.h"

#include <assert.h>

static void put(struct engine *e, uint32_t slot, uint64_t id, bool dot_sent)
{
    op_put(e, &(struct op){ .kind = OP_INFLIGHT, .inflight = { .slot = slot, .id = id, .dot_sent = dot_sent } });
}

/* Looks on from the last one taken: with far more slots than attempts the first look nearly always finds one. */
void inflight_take(struct engine *e, struct message *m)
{
    assert(!m->inflight);
    for (uint32_t i = 0; i < INFLIGHT_SLOTS; i++) {
        uint32_t slot = (e->inflight_last + 1 + i) % INFLIGHT_SLOTS;
        uint64_t bit = UINT64_C(1) << (slot % 64);
        if (e->inflight_used[slot / 64] & bit)
            continue;
        e->inflight_used[slot / 64] |= bit;
        e->inflight_last = slot;
        m->inflight = true;
        m->inflight_slot = slot;
        put(e, slot, m->envelope.id, false);
        return;
    }
}

void inflight_dot(struct engine *e, uint32_t slot, uint64_t id)
{
    put(e, slot, id, true);
}

void inflight_clear(struct engine *e, struct message *m)
{
    if (!m->inflight)
        return;
    e->inflight_used[m->inflight_slot / 64] &= ~(UINT64_C(1) << (m->inflight_slot % 64));
    put(e, m->inflight_slot, 0, false);
    m->inflight = false;
}
