/* alert: what the administrator must know, one entry a cause, from the first sign to its end (A44). Shown in status, logged and
 * counted when it begins and ends, repeated in the log after 24 hours.
 *
 * A cause is a rule and a subject ("relay.example:587 general"); raising it again while it lasts only updates the text and the
 * count. Who raises it also clears it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/text.h"
#include "engine/core.h"

enum { ALERTS_MAX = 200, ALERT_SUBJECT_SIZE_MAX = 800, ALERT_TEXT_SIZE_MAX = 1024 };

struct alert {
    struct list_item item;
    uint16_t rule;                       /* 0: of no rule (the disk, DNSSEC) */
    char subject[ALERT_SUBJECT_SIZE_MAX];
    char text[LANGUAGE_COUNT][ALERT_TEXT_SIZE_MAX];
    char remedy[LANGUAGE_COUNT][ALERT_TEXT_SIZE_MAX];
    int64_t since_us, told_us;           /* wall */
    uint64_t count;
};

struct alert_question {
    uint16_t rule;
    struct slice subject;
    enum text_id text, remedy;
    const struct text_argument *arguments; /* of both texts */
    size_t argument_count;
};

void alerts_init(struct engine *e);
void alerts_done(struct engine *e);
void alert_raise(struct engine *e, const struct alert_question *question);
void alert_clear(struct engine *e, uint16_t rule, struct slice subject); /* "" : every subject of the rule */
const struct alert *alert_first(const struct engine *e);  /* NULL when there is none; the oldest first */
const struct alert *alert_next(const struct engine *e, const struct alert *alert);
