/* A batch from the engine, judged item by item, written, and answered. */
#pragma once

#include "store/core.h"

/* store_commit is here. */

/* Sets a message aside: its octets to quarantine/, an end to the journal. ERR_NOT_FOUND, or as the disk said. */
enum err commit_quarantine(struct store *store, uint64_t id);
/* After a failure that could not be written down: tries to. ERR_OK when there is nothing to write down. */
enum err commit_cuts(struct store *store);
enum err err_of_status(enum store_status status);
