/* Moves the survivors out of a segment in which little is alive, so that it can be recycled. */
#pragma once

#include "store/core.h"

/* Is there a segment whose survivors are worth moving, or one that is being moved? */
bool move_wanted(const struct store *store);
/* A bounded step: reads on in the segment and copies what it finds alive, one batch. */
enum err move_step(struct store *store);
void move_done(struct store *store); /* gives up what was begun; nothing is lost */
