#include "config/problem.h"

#include "base/codec.h"

enum {
    TEXT_SIZE_MAX = 16 << 10,
    VALUE_SIZE_MAX = 120, /* octets of a value that are shown */
};

void config_problems_init(struct config_problems *problems)
{
    *problems = (struct config_problems){ .language = LANGUAGE_EN };
    arena_init(&problems->arena);
}

void config_problems_done(struct config_problems *problems)
{
    arena_done(&problems->arena);
    *problems = (struct config_problems){ .language = problems->language };
}

/* "what", "what; remedy", either behind "warning: ": as the language writes it. */
static void format_phrases(const struct config_problem *problem, struct buffer *out)
{
    struct buffer what;
    buffer_init(&what, TEXT_SIZE_MAX);
    if (problem->warning)
        text_format(&what, problem->language, TEXT_PROBLEM_WARNING, TEXT_ARGUMENTS({ "what", problem->what }));
    else
        buffer_add(&what, problem->what);
    if (problem->remedy.size > 0)
        text_format(out, problem->language, TEXT_PROBLEM_REMEDY,
                    TEXT_ARGUMENTS({ "what", buffer_slice(&what) }, { "remedy", problem->remedy }));
    else
        buffer_add(out, buffer_slice(&what));
    buffer_done(&what);
}

void config_problem_format(struct slice file, const struct config_problem *problem, struct buffer *out)
{
    text_escape(file, out);
    buffer_add_char(out, ':');
    if (problem->line > 0)
        buffer_add_format(out, "%u:", problem->line);
    buffer_add_char(out, ' ');
    if (problem->key.size > 0) {
        buffer_add(out, problem->key);
        buffer_add_text(out, ": ");
    }
    format_phrases(problem, out);
}

static struct slice fill_in(struct config_problems *problems, enum text_id id, const struct text_argument *arguments,
                            size_t count)
{
    struct buffer text;
    buffer_init(&text, TEXT_SIZE_MAX);
    text_format(&text, problems->language, id, arguments, count);
    struct slice copy = arena_copy(&problems->arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}

void problem_add(struct config_problems *problems, struct problem_at at, enum text_id what, enum text_id remedy,
                 const struct text_argument *arguments, size_t count)
{
    problems->error_count += !at.warning;
    if (problems->count >= (at.warning ? CONFIG_PROBLEMS_MAX / 2 : CONFIG_PROBLEMS_MAX))
        return; /* warnings leave room: what is refused must be told */
    if (!problems->items)
        problems->items = arena_array(&problems->arena, struct config_problem, CONFIG_PROBLEMS_MAX);
    problems->items[problems->count++] = (struct config_problem){
        .line = at.line,
        .warning = at.warning,
        .language = problems->language,
        .key = problem_value(problems, at.key),
        .what = fill_in(problems, what, arguments, count),
        .remedy = fill_in(problems, remedy, arguments, count),
    };
}

struct slice problem_value(struct config_problems *problems, struct slice value)
{
    struct buffer text;
    bool cut = value.size > VALUE_SIZE_MAX;
    size_t size = cut ? VALUE_SIZE_MAX : value.size;
    while (cut && size > 0 && ((unsigned char)value.data[size] & 0xc0) == 0x80)
        size--; /* not within a character */
    buffer_init(&text, TEXT_SIZE_MAX);
    text_escape(slice_part(value, 0, size), &text);
    if (cut)
        buffer_add_text(&text, "...");
    struct slice copy = arena_copy(&problems->arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}

struct slice problem_number(struct config_problems *problems, uint64_t number)
{
    struct buffer text;
    buffer_init(&text, 32);
    buffer_add_format(&text, "%llu", (unsigned long long)number);
    struct slice copy = arena_copy(&problems->arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}
