/* A damaged row of the index is made anew from the journal, which has all that it said. */
#pragma once

#include "store/core.h"

/* Reads every segment for the last record of that message and writes the row. ERR_CORRUPT: there is none, so the index as a
 * whole is not to be trusted. */
enum err mend_row(struct store *store, uint64_t id, struct index_row *ret_row);
