#include "store/inflight.h"

#include <assert.h>

/* Slot 0 is the header: magic and version in one word. A slot's first word is the id with the dot's bit above it (ids have
 * 63 bits), its second is not used yet and zero. */
enum { INFLIGHT_VERSION = 1 };
static const uint64_t header_word = UINT64_C(0x46434c46494e4600) | INFLIGHT_VERSION;
static const uint64_t dot_bit = UINT64_C(1) << 63;

static uint64_t *word_at(void *memory, uint32_t slot)
{
    assert((uintptr_t)memory % sizeof(uint64_t) == 0);
    return (uint64_t *)memory + (size_t)slot * (INFLIGHT_SLOT_SIZE / sizeof(uint64_t));
}

bool inflight_table_scan(const void *memory, void (*each)(void *context, uint64_t id, bool dot_sent), void *context)
{
    if (*word_at((void *)memory, 0) != header_word)
        return false;
    for (uint32_t slot = 0; slot < INFLIGHT_SLOTS; slot++) {
        uint64_t word = *word_at((void *)memory, slot + 1);
        if (word & ~dot_bit)
            each(context, word & ~dot_bit, word & dot_bit);
    }
    return true;
}

void inflight_table_clear(void *memory)
{
    memset(memory, 0, INFLIGHT_SIZE);
    *word_at(memory, 0) = header_word;
}

void inflight_table_set(void *memory, uint32_t slot, uint64_t id, bool dot_sent)
{
    assert(slot < INFLIGHT_SLOTS && !(id & dot_bit));
    __atomic_store_n(word_at(memory, slot + 1), id | (dot_sent ? dot_bit : 0), __ATOMIC_RELEASE);
}
