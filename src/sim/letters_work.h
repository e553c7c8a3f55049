/* What the parts of the account share: letters.c has the letters and what is reported of them, letters_arrive.c what
 * arrives, letters_mime.c what it says, letters_check.c whether it adds up in the end. */
#pragma once

#include "sim/letters.h"

struct letter_recipient *letter_recipient_find(const struct letter *letter, struct slice address, uint32_t *ret_place);
/* The letter that an X-Sim-Letter line anywhere in the text names, or NULL. */
struct letter *letter_named(struct letters *letters, struct slice text);
/* What was submitted is the end of it: fields may be added in front only. */
bool letter_text_intact(const struct letter *letter, struct slice text);
/* Appends what the message says: the decoded octets of each part, in order, a NUL behind each. */
void letter_read(struct slice text, struct buffer *out);
/* The sender wants to be told. */
bool letter_wants(const struct letter *letter, const struct letter_recipient *to, const char *what);
