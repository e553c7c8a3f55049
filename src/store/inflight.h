/* DataDir/run/inflight: which messages were in an attempt when the process ended uncleanly.
 *
 * A block of memory of INFLIGHT_SIZE octets that the driver maps from the file; each slot of 16 octets is set and
 * cleared with one 8-octet store, so that a kill leaves it whole. After a power loss it may be old: ids that are not
 * queued any more are ignored by the engine. The format's version stands in the first slot. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "border/op.h"

enum {
    INFLIGHT_SLOT_SIZE = 16,
    INFLIGHT_SIZE = (INFLIGHT_SLOTS + 1) * INFLIGHT_SLOT_SIZE, /* a header and the slots */
};

/* memory is aligned to 8. Calls each slot in use; false when the block is not such a table or of another version (then
 * nothing is called; inflight_table_clear makes it one). */
bool inflight_table_scan(const void *memory, void (*each)(void *context, uint64_t id, bool dot_sent), void *context);
void inflight_table_clear(void *memory);
void inflight_table_set(void *memory, uint32_t slot, uint64_t id, bool dot_sent); /* id 0 clears the slot */
