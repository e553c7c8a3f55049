/* relay_words: why a session with the smart host failed and what can be done, each in one sentence for the administrator. The
 * rule says what facteur does about it; this says what a person can. */
#pragma once

#include "base/bytes.h"
#include "base/text.h"
#include "config/config.h"
#include "proto/outcome.h"

/* Appends to both. What the server said is made safe for a terminal and cut. */
void relay_words(const struct outcome *outcome, const struct config *config, enum language language, struct buffer *cause,
                 struct buffer *remedy);
