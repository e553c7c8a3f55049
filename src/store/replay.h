/* What a start makes of the journal: docs/INVARIANTS.md 3. */
#pragma once

#include "base/err.h"
#include "store/core.h"

/* Reads the journal from the index's position on, notes what is confirmed, sets aside what is damaged, rescues what is in
 * doubt to a fresh segment, and frees the segments without anything in them. Then all that counts is noted, and the
 * journal's end is known. */
enum err replay_run(struct store *store);
