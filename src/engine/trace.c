#include "engine/trace.h"

#include <assert.h>

#include "base/codec.h"
#include "base/now.h"
#include "policy/rule.h"

struct row {
    const char *name;
    enum trace_level level;
    bool history;
    uint32_t fields;
};

#define F(field) (UINT32_C(1) << TRACE_FIELD_##field)
#define TRACE_ROW(kind, name, level, history, fields) [TRACE_##kind] = { name, TRACE_LEVEL_##level, history, fields },
static const struct row ROWS[TRACE_KIND_COUNT] = { TRACE_ROWS(TRACE_ROW, F) };
#undef TRACE_ROW
#undef F

#define TRACE_FIELD(name, key) [TRACE_FIELD_##name] = key,
static const char *const KEYS[TRACE_FIELDS_END] = { TRACE_FIELDS(TRACE_FIELD) };
#undef TRACE_FIELD

_Static_assert(TRACE_FIELDS_END <= 32, "the rows' sets of fields have 32 bits");

const char *trace_name(enum trace_kind kind)
{
    return ROWS[kind].name;
}

enum trace_level trace_level(enum trace_kind kind)
{
    return ROWS[kind].level;
}

const char *trace_level_name(enum trace_level level)
{
    static const char *const names[] = { "debug", "info", "warning", "error" };
    return names[level];
}

bool trace_in_history(enum trace_kind kind)
{
    return ROWS[kind].history;
}

void trace_count(struct trace_counters *counters, const struct trace_event *event)
{
    counters->events[event->kind]++;
    if (event->kind == TRACE_RECEIVED) {
        counters->received_octets += event->size_bytes;
        counters->received_recipients += event->recipient_count;
    } else if (event->kind == TRACE_DELIVERY) {
        counters->delivery_outcomes[event->outcome.class]++;
    } else if (event->kind == TRACE_ATTEMPT && event->outcome.in_doubt) {
        counters->in_doubt++;
    }
}

/* ---- the line ---- */

/* What may stand without quotes: printable, no blank, quote or equals sign is left to guess at. */
static bool value_plain(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c == '"' || c == '\\' || c >= 0x7f)
            return false;
    }
    return text.size > 0;
}

/* Within quotes a quote is \x22, so that a value ends at the next one, whoever reads it. */
static void escape_quoted(struct slice text, struct buffer *out)
{
    while (text.size > 0) {
        size_t plain = slice_find(text, '"');
        text_escape(slice_part(text, 0, plain), out);
        if (plain < text.size)
            buffer_add(out, SLICE("\\x22"));
        text = slice_after(text, plain + 1);
    }
}

static struct slice value_cut(struct slice text)
{
    if (text.size <= TRACE_TEXT_SIZE_MAX)
        return text;
    size_t size = TRACE_TEXT_SIZE_MAX;
    while (size > TRACE_TEXT_SIZE_MAX - 4 && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--;
    return slice_part(text, 0, size);
}

static void add_key(struct buffer *out, enum trace_field field)
{
    buffer_add_char(out, ' ');
    buffer_add_text(out, KEYS[field]);
    buffer_add_char(out, '=');
}

static void add_text(struct buffer *out, enum trace_field field, struct slice text)
{
    if (text.size == 0)
        return;
    text = value_cut(text);
    add_key(out, field);
    if (value_plain(text)) {
        buffer_add(out, text);
        return;
    }
    buffer_add_char(out, '"');
    escape_quoted(text, out);
    buffer_add_char(out, '"');
}

static void add_path(struct buffer *out, enum trace_field field, struct slice address)
{
    add_key(out, field);
    bool plain = address.size == 0 || value_plain(address);
    buffer_add_text(out, plain ? "<" : "\"<");
    if (plain)
        buffer_add(out, address);
    else
        escape_quoted(value_cut(address), out);
    buffer_add_text(out, plain ? ">" : ">\"");
}

static void add_u64(struct buffer *out, enum trace_field field, uint64_t value)
{
    if (value == 0)
        return;
    add_key(out, field);
    buffer_add_number(out, value);
}

static void add_id(struct buffer *out, enum trace_field field, uint64_t id)
{
    if (id == 0)
        return;
    char text[16];
    id_format(id, text);
    add_text(out, field, slice_of(text));
}

static void add_time(struct buffer *out, enum trace_field field, int64_t wall_us)
{
    if (wall_us == 0 || wall_us == INT64_MAX)
        return;
    char text[DATE_SIZE_MAX];
    date_rfc3339(wall_us, text);
    add_text(out, field, slice_of(text));
}

static void add_relay(struct buffer *out, const struct trace_event *event)
{
    const struct outcome *o = &event->outcome;
    char space[OUTCOME_HOST_SIZE_MAX + 64];
    struct buffer text = { .data = space, .capacity = sizeof space, .size_max = sizeof space };
    if (o->host.size == 0 && o->address.size == 0)
        buffer_add_text(&text, "none");
    buffer_add(&text, slice_part(o->host, 0, OUTCOME_HOST_SIZE_MAX));
    if (o->address.size > 0 && o->address.size < 50) {
        buffer_add_char(&text, '[');
        buffer_add(&text, o->address);
        buffer_add_char(&text, ']');
    }
    if (event->port > 0 && o->address.size > 0) {
        buffer_add_char(&text, ':');
        buffer_add_number(&text, event->port);
    }
    add_text(out, TRACE_FIELD_RELAY, buffer_slice(&text));
}

static void add_said(struct buffer *out, const struct outcome *outcome)
{
    if (outcome->code == 0 && outcome->text.size == 0)
        return;
    add_key(out, TRACE_FIELD_SAID);
    buffer_add_char(out, '"');
    if (outcome->code > 0)
        buffer_add_number(out, outcome->code);
    if (outcome->code > 0 && outcome->text.size > 0)
        buffer_add_char(out, ' ');
    escape_quoted(value_cut(outcome->text), out);
    buffer_add_char(out, '"');
}

static void add_delay(struct buffer *out, int64_t delay_us)
{
    if (delay_us < 0)
        delay_us = 0;
    add_key(out, TRACE_FIELD_DELAY);
    buffer_add_number(out, (uint64_t)(delay_us / US_PER_SECOND));
    buffer_add_char(out, '.');
    buffer_add_number(out, (uint64_t)(delay_us % US_PER_SECOND / (100 * US_PER_MS)));
    buffer_add_number(out, (uint64_t)(delay_us % (100 * US_PER_MS) / (10 * US_PER_MS)));
}

static void add_at(struct buffer *out, const struct trace_event *event)
{
    if (event->file.size == 0)
        return;
    char space[300];
    struct buffer text = { .data = space, .capacity = sizeof space, .size_max = sizeof space };
    buffer_add(&text, slice_part(event->file, 0, 256));
    if (event->line > 0)
        buffer_add_format(&text, ":%u", event->line);
    add_text(out, TRACE_FIELD_AT, buffer_slice(&text));
}

static void add_key_value(struct buffer *out, const struct trace_event *event)
{
    add_text(out, TRACE_FIELD_KEY, event->key);
    if (event->key.size == 0 || event->value.size == 0)
        return;
    buffer_add_text(out, " value=\"");
    escape_quoted(value_cut(event->value), out);
    buffer_add_char(out, '"');
}

/* One field an arm: what a field is made of stands here and nowhere else. */
static void add_field(struct buffer *out, enum trace_field field, const struct trace_event *event)
{
    const struct outcome *o = &event->outcome;
    char code[16] = "";
    switch (field) {
    case TRACE_FIELD_ID: add_id(out, field, event->id); break;
    case TRACE_FIELD_CAUSE: add_id(out, field, event->cause_id); break;
    case TRACE_FIELD_LISTENER: add_text(out, field, event->listener); break;
    case TRACE_FIELD_CLIENT: add_text(out, field, event->client); break;
    case TRACE_FIELD_HELO: add_text(out, field, event->helo); break;
    case TRACE_FIELD_ACCOUNT: add_text(out, field, event->account); break;
    case TRACE_FIELD_FROM: add_path(out, field, event->from); break;
    case TRACE_FIELD_TO:
        if (event->to.size > 0)
            add_path(out, field, event->to);
        break;
    case TRACE_FIELD_PROTOCOL: add_text(out, field, event->protocol); break;
    case TRACE_FIELD_SIZE: add_u64(out, field, event->size_bytes); break;
    case TRACE_FIELD_RECIPIENTS: add_u64(out, field, event->recipient_count); break;
    case TRACE_FIELD_RELAY: add_relay(out, event); break;
    case TRACE_FIELD_TLS:
        if (event->tls_version.size > 0)
            add_text(out, field, event->tls_version);
        else if (o->tls)
            add_text(out, field, SLICE("yes"));
        break;
    case TRACE_FIELD_STAGE: add_text(out, field, slice_of(stage_name(o->stage))); break;
    case TRACE_FIELD_ATTEMPT: add_u64(out, field, event->attempt); break;
    case TRACE_FIELD_DELAY: add_delay(out, event->delay_us); break;
    case TRACE_FIELD_DSN:
        enhanced_code_format(o->enhanced, code);
        add_text(out, field, slice_of(code));
        break;
    case TRACE_FIELD_STATUS: add_text(out, field, event->status); break;
    case TRACE_FIELD_IN_DOUBT: add_text(out, field, o->in_doubt ? SLICE("yes") : SLICE_EMPTY); break;
    case TRACE_FIELD_QUEUE:
        if (event->queue_given)
            add_text(out, field, slice_of(queue_name(event->queue)));
        break;
    case TRACE_FIELD_NEXT: add_time(out, field, event->next_us); break;
    case TRACE_FIELD_RULE: add_text(out, field, slice_of(rule_name(event->rule))); break;
    case TRACE_FIELD_KEY: add_key_value(out, event); break;
    case TRACE_FIELD_AT: add_at(out, event); break;
    case TRACE_FIELD_COUNT: add_u64(out, field, event->count); break;
    case TRACE_FIELD_REASON: add_text(out, field, event->reason); break;
    case TRACE_FIELD_SAID: add_said(out, o); break;
    case TRACE_FIELD_REMEDY: add_text(out, field, event->remedy); break;
    case TRACE_FIELDS_END: break;
    }
}

void trace_format(const struct trace_event *event, struct buffer *out)
{
    const struct row *row = &ROWS[event->kind];
    buffer_add_text(out, row->name);
    for (uint32_t left = row->fields; left != 0; left &= left - 1)
        add_field(out, (enum trace_field)__builtin_ctz(left), event);
}
