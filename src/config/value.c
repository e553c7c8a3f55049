#include "config/value.h"

#include "base/now.h"

#define DURATION_MAX_US (36500 * US_PER_DAY)
#define SIZE_MAX_BYTES (UINT64_C(1) << 50)

bool switch_parse(struct slice text, bool *ret_on)
{
    static const struct {
        const char *name;
        bool on;
    } names[] = { { "yes", true }, { "no", false }, { "true", true }, { "false", false },
                  { "on", true },  { "off", false }, { "1", true },   { "0", false } };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_equal_nocase(text, slice_of(names[i].name))) {
            *ret_on = names[i].on;
            return true;
        }
    }
    return false;
}

struct unit {
    char letter;  /* as written */
    uint64_t count;
};

static const struct unit durations[] = {
    { 'd', (uint64_t)US_PER_DAY },
    { 'h', (uint64_t)US_PER_HOUR },
    { 'm', (uint64_t)US_PER_MINUTE },
    { 's', (uint64_t)US_PER_SECOND },
};
static const struct unit sizes[] = { { 'G', UINT64_C(1) << 30 }, { 'M', UINT64_C(1) << 20 }, { 'k', UINT64_C(1) << 10 } };

static bool with_unit_parse(struct slice text, const struct unit *units, size_t unit_count, uint64_t bare, uint64_t max,
                            uint64_t *ret_value)
{
    uint64_t unit = bare, number;
    char last = text.size > 0 ? (char)(text.data[text.size - 1] | 0x20) : '0';
    for (size_t i = 0; i < unit_count; i++) {
        if ((units[i].letter | 0x20) == last) {
            unit = units[i].count;
            text = slice_trim(slice_part(text, 0, text.size - 1));
            break;
        }
    }
    if (!slice_to_u64(text, max / unit, &number))
        return false;
    *ret_value = number * unit;
    return true;
}

static void with_unit_format(uint64_t value, const struct unit *units, size_t unit_count, struct buffer *out)
{
    for (size_t i = 0; i < unit_count; i++) {
        if (value > 0 && value % units[i].count == 0) {
            buffer_add_format(out, "%llu%c", (unsigned long long)(value / units[i].count), units[i].letter);
            return;
        }
    }
    buffer_add_format(out, "%llu", (unsigned long long)value);
}

bool duration_parse(struct slice text, int64_t unit_us, int64_t *ret_us)
{
    uint64_t us;
    if (!with_unit_parse(text, durations, sizeof durations / sizeof durations[0], (uint64_t)unit_us,
                         (uint64_t)DURATION_MAX_US, &us))
        return false;
    *ret_us = (int64_t)us;
    return true;
}

void duration_format(int64_t us, int64_t unit_us, struct buffer *out)
{
    if (us == 0 || (unit_us > US_PER_SECOND && us % unit_us == 0))
        buffer_add_format(out, "%lld", (long long)(us / unit_us));
    else
        with_unit_format((uint64_t)us, durations, sizeof durations / sizeof durations[0], out);
}

bool size_parse(struct slice text, uint64_t *ret_bytes)
{
    return with_unit_parse(text, sizes, sizeof sizes / sizeof sizes[0], 1, SIZE_MAX_BYTES, ret_bytes);
}

void size_format(uint64_t bytes, struct buffer *out)
{
    with_unit_format(bytes, sizes, sizeof sizes / sizeof sizes[0], out);
}
