#include "base/text.h"

#include <assert.h>

static const char *const texts[TEXT_COUNT][LANGUAGE_COUNT] = {
    [TEXT_NONE] = { "", "" },
#define TEXT(id, english, french) [TEXT_##id] = { english, french },
#include "base/text_rows.h"
#undef TEXT
};

const char *text_get(enum text_id id, enum language language)
{
    assert(id < TEXT_COUNT && language < LANGUAGE_COUNT);
    return texts[id][language];
}

static struct slice argument_value(struct slice name, const struct text_argument *arguments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(name, slice_of(arguments[i].name)))
            return arguments[i].value;
    }
    assert(!"a place of the text has no argument");
    return SLICE_EMPTY;
}

void text_format(struct buffer *out, enum language language, enum text_id id, const struct text_argument *arguments,
                 size_t count)
{
    struct slice rest = slice_of(text_get(id, language));
    while (rest.size > 0) {
        size_t open = slice_find(rest, '{');
        buffer_add(out, slice_part(rest, 0, open));
        rest = slice_after(rest, open);
        if (rest.size == 0)
            break;
        size_t close = slice_find(rest, '}');
        assert(close < rest.size);
        buffer_add(out, argument_value(slice_part(rest, 1, close - 1), arguments, count));
        rest = slice_after(rest, close + 1);
    }
}

enum language language_of_name(struct slice name)
{
    return slice_starts_with_nocase(name, SLICE("fr")) ? LANGUAGE_FR : LANGUAGE_EN;
}
