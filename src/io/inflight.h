/* What was under way when the server ended uncleanly: a mapped table in DataDir/run/inflight, one slot an attempt.
 *
 * Setting a slot costs no system call and survives the end of the process (not of the machine, and need not: it says
 * which letters to be careful with, not which exist). Format: INFLIGHT_SLOTS slots of 16 octets: id, then bit 0 for
 * "the final dot was sent"; little-endian. */
#pragma once

#include "base/err.h"
#include "border/op.h"

struct inflight;

/* Maps the table, calls `found` for every slot that the last end has left, and clears it. */
enum err inflight_open(const char *data_folder, void (*found)(void *context, const struct event_inflight *slot),
                       void *context, struct inflight **ret_inflight);
void inflight_close(struct inflight *inflight);
void inflight_set(struct inflight *inflight, const struct op_inflight *op);
