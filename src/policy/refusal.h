/* refusal: does a refusal speak of the letter, or of us? A13 (a direct host refuses our address as a client) and A23a (the
 * smart host refuses our right to use it).
 *
 * Pure. The phrases of A13 are a data file (data/refusal-phrases), one a line, compared without case; a line that begins
 * with '!' is an exception: a reply that holds it speaks of the letter, whatever else it holds. An administrator may add to
 * both. Those of A23a stand in the code: what they protect from (a bounce caused by our own mistake) is no taste. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "config/config.h"
#include "proto/outcome.h"

enum { REFUSAL_PHRASES_MAX = 2000 };

enum refusal {
    REFUSAL_LETTER, /* of this letter or recipient, or no refusal at all */
    REFUSAL_CLIENT, /* A13: of direct connections from us */
    REFUSAL_RIGHT,  /* A23a: of our login or our right to relay */
    REFUSAL_PACE,   /* A38: too much at a time (421, 432, 452, 454 of a smart host) */
};

struct refusal_phrases {
    struct slice *items; /* lower case */
    size_t count;
    struct slice *exceptions;
    size_t exception_count;
};

/* Text of the data file; comments begin with '#'. Blanks in a phrase match any number of blanks or line breaks. Phrases are
 * copied into the arena; of each kind at most the maximum, the rest is cut off. */
void refusal_phrases_parse(struct slice text, struct arena *arena, struct refusal_phrases *ret_phrases);

/* A direct host's answer at MAIL, RCPT, DATA or dot. own_address: numeric, of our end of that connection, "" unknown. For a
 * recipient that failed because another one was refused (A20) ask with the refused one's outcome. */
enum refusal refusal_of_direct(const struct outcome *outcome, enum config_fallback_policy fallback,
                               const struct refusal_phrases *phrases, struct slice own_address);
/* The smart host's, at any stage. A20 as above. */
enum refusal refusal_of_smarthost(const struct outcome *outcome);
