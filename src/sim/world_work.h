/* The store's threads of a world (world_storage.c), as world.c uses them: writer, reader and worker as jobs with latency. */
#pragma once

#include "sim/world.h"

void storage_op(struct world *world, const struct op *op);
void storage_start(struct world *world);  /* the queue is read in */
void storage_clear(struct world *world);  /* the process is gone: nothing of it goes on */
bool storage_crash_due(const struct world *world); /* the disk has met the operation at which it was to end */
void storage_answered(struct world *world, struct happening *h);
