#include "admin/follow.h"

#include <assert.h>
#include <jansson.h>

#include "admin/event_json.h"
#include "base/arena.h"
#include "base/codec.h"
#include "base/list.h"
#include "base/mem.h"
#include "border/model.h"

#define LINE_BEFORE "{\"v\":1,\"ok\":true,\"event\":"

enum { LINE_AROUND_SIZE = sizeof LINE_BEFORE + 2, DROPPED_LINE_SIZE = 256 };

struct follower {
    struct list_item item;
    uint64_t client;
    struct arena arena;          /* of the filter */
    struct follow_filter filter;
    struct buffer lines;         /* not yet given to the socket, each with its end */
    uint64_t dropped_count;
};

struct kept {
    uint32_t offset, size;
};

struct follow {
    char *ring;                  /* FOLLOW_RECENT_SIZE octets; no event wraps around its end */
    size_t ring_at;              /* where the next one goes */
    struct kept kept[FOLLOW_RECENT_MAX];
    uint32_t first, count;
    struct list followers;
    uint32_t follower_count;
    struct buffer json;          /* of the event at hand */
};

struct follow *follow_new(void)
{
    struct follow *f = mem_alloc(sizeof *f);
    f->ring = mem_alloc(FOLLOW_RECENT_SIZE);
    list_init(&f->followers);
    buffer_init(&f->json, EVENT_JSON_SIZE_MAX);
    return f;
}

static void follower_free(struct follow *f, struct follower *one)
{
    list_remove(&f->followers, &one->item);
    f->follower_count--;
    arena_done(&one->arena);
    buffer_done(&one->lines);
    mem_free(one);
}

void follow_free(struct follow *f)
{
    if (!f)
        return;
    struct list_item *item;
    while ((item = list_first(&f->followers)))
        follower_free(f, LIST_OWNER(item, struct follower, item));
    buffer_done(&f->json);
    mem_free(f->ring);
    mem_free(f);
}

/* ---- what is kept ---- */

static void oldest_forget(struct follow *f)
{
    assert(f->count > 0);
    f->first = (f->first + 1) % FOLLOW_RECENT_MAX;
    f->count--;
}

/* The events stand in the ring in their order, so those in the way of a new one are the oldest. */
static void keep(struct follow *f, struct slice json)
{
    size_t start = f->ring_at, end = start + json.size;
    if (end > FOLLOW_RECENT_SIZE) {
        while (f->count > 0 && f->kept[f->first].offset >= start)
            oldest_forget(f);
        start = 0;
        end = json.size;
    }
    while (f->count > 0 && f->kept[f->first].offset >= start && f->kept[f->first].offset < end)
        oldest_forget(f);
    if (f->count == FOLLOW_RECENT_MAX)
        oldest_forget(f);
    memcpy(f->ring + start, json.data, json.size);
    f->kept[(f->first + f->count++) % FOLLOW_RECENT_MAX] = (struct kept){ (uint32_t)start, (uint32_t)json.size };
    f->ring_at = end;
}

/* ---- what passes ---- */

static bool address_passes(struct slice wanted, struct slice address, uint64_t id)
{
    if (slice_equal(wanted, SLICE("<>")))
        return id != 0 && address.size == 0;
    return wanted.size == 0 || slice_equal_nocase(wanted, address);
}

static bool passes(const struct follow_filter *filter, uint64_t id, struct slice from, struct slice to)
{
    return (filter->id == 0 || filter->id == id) && address_passes(filter->from, from, id) &&
           (filter->to.size == 0 || slice_equal_nocase(filter->to, to));
}

static struct slice text_of(const json_t *event, const char *key)
{
    const json_t *value = json_object_get(event, key);
    return slice(json_string_value(value), json_string_length(value));
}

/* Read only where something is asked of it: that costs more than all else here. */
static bool json_passes(const struct follow_filter *filter, struct slice json)
{
    char id[16] = "";
    if (filter->id != 0)
        id_format(filter->id, id);
    if (slice_find_slice(json, slice_of(id)) == json.size && filter->id != 0)
        return false;
    if (filter->id == 0 && filter->from.size == 0 && filter->to.size == 0)
        return true;
    json_t *event = json_loadb(json.data, json.size, 0, NULL);
    uint64_t number = 0;
    struct slice text = text_of(event, "id");
    bool good = event && (text.size == 0 || id_parse(text, &number)) &&
                passes(filter, number, text_of(event, "from"), text_of(event, "to"));
    json_decref(event);
    return good;
}

void follow_recent(const struct follow *f, const struct follow_filter *filter, uint32_t limit, struct buffer *out)
{
    struct slice found[FOLLOW_RECENT_MAX];
    uint32_t count = 0;
    for (uint32_t i = f->count; i-- > 0 && count < limit;) {
        const struct kept *one = &f->kept[(f->first + i) % FOLLOW_RECENT_MAX];
        struct slice json = slice(f->ring + one->offset, one->size);
        if (json_passes(filter, json))
            found[count++] = json;
    }
    buffer_add_char(out, '[');
    while (count-- > 0) {
        buffer_add(out, found[count]);
        if (count > 0)
            buffer_add_char(out, ',');
    }
    buffer_add_char(out, ']');
}

/* ---- those who follow ---- */

static struct follower *find(const struct follow *f, uint64_t client)
{
    for (struct list_item *i = list_first(&f->followers); i; i = list_next(&f->followers, i))
        if (LIST_OWNER(i, struct follower, item)->client == client)
            return LIST_OWNER(i, struct follower, item);
    return NULL;
}

bool follow_add(struct follow *f, uint64_t client, const struct follow_filter *filter)
{
    assert(filter->from.size <= FOLLOW_ADDRESS_SIZE_MAX && filter->to.size <= FOLLOW_ADDRESS_SIZE_MAX);
    follow_remove(f, client);
    if (f->follower_count == FOLLOW_CLIENTS_MAX)
        return false;
    struct follower *one = mem_alloc(sizeof *one);
    one->client = client;
    one->filter = (struct follow_filter){ filter->id, arena_copy(&one->arena, filter->from), arena_copy(&one->arena, filter->to) };
    buffer_init(&one->lines, FOLLOW_UNREAD_SIZE_MAX);
    list_append(&f->followers, &one->item);
    f->follower_count++;
    return true;
}

void follow_remove(struct follow *f, uint64_t client)
{
    struct follower *one = find(f, client);
    if (one)
        follower_free(f, one);
}

/* The count of what was left out is said before what comes next. */
static void dropped_say(struct follower *one)
{
    if (one->dropped_count == 0)
        return;
    buffer_add_text(&one->lines, LINE_BEFORE "{\"at\":null,\"event\":\"dropped\",\"id\":null,\"from\":\"\",\"to\":null,"
                                             "\"rule\":null,\"last\":null,");
    buffer_add_format(&one->lines, "\"count\":%llu}}\n", (unsigned long long)one->dropped_count);
    one->dropped_count = 0;
}

static void follower_give(struct follower *one, struct slice json)
{
    if (one->lines.size + json.size + LINE_AROUND_SIZE + DROPPED_LINE_SIZE > FOLLOW_UNREAD_SIZE_MAX) {
        one->dropped_count++;
        return;
    }
    dropped_say(one);
    buffer_add_text(&one->lines, LINE_BEFORE);
    buffer_add(&one->lines, json);
    buffer_add_text(&one->lines, "}\n");
    assert(!one->lines.overflow);
}

void follow_event(struct follow *f, const struct trace_event *event, struct slice json)
{
    if (json.size == 0 && f->follower_count == 0 && trace_level(event->kind) == TRACE_LEVEL_DEBUG)
        return;
    if (json.size == 0) {
        buffer_clear(&f->json);
        event_json(event, &f->json);
        json = f->json.overflow ? SLICE_EMPTY : buffer_slice(&f->json); /* what was cut is no JSON any more */
    }
    if (json.size == 0 || json.size > EVENT_JSON_SIZE_MAX)
        return;
    keep(f, json);
    for (struct list_item *i = list_first(&f->followers); i; i = list_next(&f->followers, i)) {
        struct follower *one = LIST_OWNER(i, struct follower, item);
        if (passes(&one->filter, event->id, event->from, event->to))
            follower_give(one, json);
    }
}

void follow_flush(struct follow *f, const struct follow_calls *calls)
{
    for (struct list_item *i = list_first(&f->followers), *next; i; i = next) {
        struct follower *one = LIST_OWNER(i, struct follower, item);
        next = list_next(&f->followers, i);
        if ((one->lines.size == 0 && one->dropped_count == 0) || calls->unsent(calls->context, one->client) > 0)
            continue;
        if (one->lines.size + DROPPED_LINE_SIZE <= FOLLOW_UNREAD_SIZE_MAX)
            dropped_say(one);
        struct buffer lines = one->lines; /* sending may end the client, and with it the follower */
        buffer_init(&one->lines, FOLLOW_UNREAD_SIZE_MAX);
        calls->send(calls->context, one->client, slice_part(buffer_slice(&lines), 0, lines.size - 1));
        buffer_done(&lines);
    }
}
