#include "admin/event_json.h"

#include "base/codec.h"
#include "base/now.h"
#include "policy/rule.h"

/* Octets at the front that stand for themselves. */
static size_t plain_size(struct slice text)
{
    size_t size = 0;
    while (size < text.size && text.data[size] >= ' ' && text.data[size] < 0x7f && text.data[size] != '"' &&
           text.data[size] != '\\')
        size++;
    return size;
}

void json_text(struct slice text, struct buffer *out)
{
    buffer_add_char(out, '"');
    for (;;) {
        size_t plain = plain_size(text);
        buffer_add(out, slice_part(text, 0, plain));
        text = slice_after(text, plain);
        if (text.size == 0)
            break;
        uint32_t number = 0;
        size_t size = utf8_next(text, &number);
        if (size == 0 || number == 0) { /* most readers, ours too, take no NUL */
            buffer_add_text(out, "\\ufffd");
            size = 1;
        } else if (number == '"' || number == '\\') {
            buffer_add_char(out, '\\');
            buffer_add_char(out, (char)number);
        } else if (number < 0x20 || number == 0x7f) {
            buffer_add_format(out, "\\u%04x", number);
        } else {
            buffer_add(out, slice_part(text, 0, size));
        }
        text = slice_after(text, size);
    }
    buffer_add_char(out, '"');
}

static void key(struct buffer *out, const char *name)
{
    char last = out->size > 0 ? out->data[out->size - 1] : '{';
    buffer_add_text(out, last == '{' ? "\"" : ",\"");
    buffer_add_text(out, name);
    buffer_add_text(out, "\":");
}

static void put_text(struct buffer *out, const char *name, struct slice text)
{
    key(out, name);
    json_text(text, out);
}

static void put_text_or_null(struct buffer *out, const char *name, struct slice text)
{
    key(out, name);
    if (text.size > 0)
        json_text(text, out);
    else
        buffer_add_text(out, "null");
}

static void put_time(struct buffer *out, const char *name, int64_t wall_us)
{
    char date[DATE_SIZE_MAX];
    if (wall_us != 0)
        date_rfc3339(wall_us, date);
    put_text_or_null(out, name, wall_us != 0 ? slice_of(date) : SLICE_EMPTY);
}

static void put_number(struct buffer *out, const char *name, uint64_t number)
{
    key(out, name);
    buffer_add_number(out, number);
}

static void put_id(struct buffer *out, const char *name, uint64_t id)
{
    char text[16];
    if (id != 0)
        id_format(id, text);
    put_text_or_null(out, name, id != 0 ? slice_of(text) : SLICE_EMPTY);
}

void outcome_json(const struct outcome *o, struct buffer *out)
{
    if (o->class == OUTCOME_NONE) {
        buffer_add_text(out, "null");
        return;
    }
    char enhanced[16];
    enhanced_code_format(o->enhanced, enhanced);
    buffer_add_char(out, '{');
    put_time(out, "at", o->at_us);
    put_text_or_null(out, "stage", slice_of(stage_name(o->stage)));
    put_text_or_null(out, "host", o->host);
    put_text_or_null(out, "address", o->address);
    key(out, "code");
    if (o->code > 0)
        buffer_add_number(out, o->code);
    else
        buffer_add_text(out, "null");
    put_text_or_null(out, "enhanced_code", slice_of(enhanced));
    put_text_or_null(out, "text", o->text);
    key(out, "tls");
    buffer_add_text(out, o->tls ? "true" : "false");
    key(out, "in_doubt");
    buffer_add_text(out, o->in_doubt ? "true" : "false");
    put_text(out, "class", slice_of(outcome_class_name(o->class)));
    put_text(out, "cause", slice_of(outcome_cause_name(o->cause)));
    buffer_add_char(out, '}');
}

void event_json(const struct trace_event *e, struct buffer *out)
{
    buffer_add_char(out, '{');
    put_time(out, "at", e->at_us);
    put_text(out, "event", slice_of(trace_name(e->kind)));
    put_id(out, "id", e->id);
    put_text(out, "from", e->from);
    put_text_or_null(out, "to", e->to);
    put_text_or_null(out, "rule", slice_of(rule_name(e->rule)));
    key(out, "last");
    outcome_json(&e->outcome, out);
    put_text_or_null(out, "status", e->status);
    put_time(out, "next_attempt", e->next_us);
    put_text_or_null(out, "queue", e->queue_given ? slice_of(queue_name(e->queue)) : SLICE_EMPTY);
    if (e->cause_id != 0)
        put_id(out, "cause", e->cause_id);
    if (e->listener.size > 0)
        put_text(out, "listener", e->listener);
    if (e->client.size > 0)
        put_text(out, "client", e->client);
    if (e->helo.size > 0)
        put_text(out, "helo", e->helo);
    if (e->account.size > 0)
        put_text(out, "account", e->account);
    if (e->protocol.size > 0)
        put_text(out, "protocol", e->protocol);
    if (e->size_bytes > 0)
        put_number(out, "size_bytes", e->size_bytes);
    if (e->recipient_count > 0)
        put_number(out, "recipients", e->recipient_count);
    if (e->attempt > 0)
        put_number(out, "attempt", e->attempt);
    if (e->delay_us > 0)
        put_number(out, "delay_s", (uint64_t)(e->delay_us / US_PER_SECOND));
    if (e->key.size > 0)
        put_text(out, "key", e->key);
    if (e->line > 0)
        put_number(out, "line", e->line);
    if (e->count > 0)
        put_number(out, "count", e->count);
    if (e->reason.size > 0)
        put_text(out, "reason", e->reason);
    if (e->remedy.size > 0)
        put_text(out, "remedy", e->remedy);
    buffer_add_char(out, '}');
}
