/* How the readers of this folder say what is wrong: a phrase, a remedy, a place. Rows WRONG_..., WARN_... and REMEDY_... of
 * base/text_rows_config.h. The public side (struct config_problems) is in config/config.h. */
#pragma once

#include "base/text.h"
#include "config/config.h"

/* What a parser of one value says; what is TEXT_NONE when nothing is wrong. */
struct wrong {
    enum text_id what, remedy;
    bool warning;
    struct slice item; /* the part of the value that is meant; "" : the whole of it. Never of a secret */
};

#define WRONG(name) ((struct wrong){ .what = TEXT_WRONG_##name, .remedy = TEXT_REMEDY_##name })
#define RIGHT ((struct wrong){ .what = TEXT_NONE })

struct problem_at {
    uint32_t line;
    struct slice key; /* "Delivery.Mode" */
    bool warning;
};

/* Arguments as of text_format; both phrases may use all of them. */
void problem_add(struct config_problems *problems, struct problem_at at, enum text_id what, enum text_id remedy,
                 const struct text_argument *arguments, size_t count);
/* What the file says, made safe for a line and cut to a bearable length; lives as long as the problems. */
struct slice problem_value(struct config_problems *problems, struct slice value);
struct slice problem_number(struct config_problems *problems, uint64_t number);
