#include "sim/letters.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "sim/letters_work.h"
#include "sim/zone.h"

enum {
    CRASH_WINDOW_SECONDS = 5,
    CRASH_WINDOW_TROUBLE_MINUTES = 5, /* where the disk refuses, what it refused is written anew after 1 to 60 s */
    CRASH_WINDOW_DISK = 40,           /* times the disk's latency: batches and large bodies before it */
    LINE_SIZE_MAX = 200,
    LONG_LINE_SIZE_MAX = 3000,
    HEADER_SIZE_MAX = 4096,
};

/* ---- making ---- */

static const char *notify_draw(struct random_fast *r)
{
    static const char *const all[] = { "NEVER", "FAILURE", "DELAY", "SUCCESS", "SUCCESS,FAILURE,DELAY", "FAILURE,DELAY" };
    return sim_chance(r, 500) ? all[random_fast_below(r, sizeof all / sizeof *all)] : "";
}

static void recipient_make(struct letter_recipient *to, const struct sim_options *o, struct random_fast *r, uint32_t place,
                           bool may_be_local)
{
    bool local = sim_chance(r, 50) && may_be_local;
    to->domain = local ? ZONE_DOMAINS_MAX : (uint32_t)random_fast_below(r, o->domain_count);
    uint32_t kind = (uint32_t)random_fast_below(r, 20);
    const char *name = kind == 0 ? "full" : kind == 1 ? "unknown" : "user";
    if (local)
        snprintf(to->address, sizeof to->address, "postmaster@local.test");
    else
        snprintf(to->address, sizeof to->address, "%s%u@d%u.test", name, place, to->domain);
    to->refused = !local && kind == 1 && !zone_dead(o, to->domain);
    to->notify = notify_draw(r);
    if (sim_chance(r, 200))
        snprintf(to->orcpt, sizeof to->orcpt, "rfc822;once%u@elsewhere.test", place);
}

/* Eight from each number drawn: printable ones, or such as Latin-1 has too. */
static void octets_make(char *line, size_t length, bool eight_bit, struct random_fast *r)
{
    uint64_t drawn = 0;
    for (size_t i = 0; i < length; i++) {
        drawn = i % 8 == 0 ? random_fast_u64(r) : drawn >> 8;
        uint32_t octet = (uint32_t)(drawn & 0xff);
        line[i] = (char)(eight_bit && octet >= 160 ? octet : 33 + octet * 94 / 256);
    }
}

static size_t length_draw(const struct letter *letter, struct random_fast *r)
{
    bool over = letter->long_lines && sim_chance(r, 200);
    return (size_t)random_fast_below(r, over ? LONG_LINE_SIZE_MAX : LINE_SIZE_MAX);
}

static void body_make(const struct letter *letter, size_t size, struct random_fast *r, struct buffer *out)
{
    char line[LONG_LINE_SIZE_MAX];
    while (size > 0) {
        size_t length = length_draw(letter, r);
        if (length > size)
            length = size;
        size -= length > 0 ? length : 1;
        octets_make(line, length, letter->eight_bit && sim_chance(r, 300), r);
        if (length > 0 && sim_chance(r, 200))
            line[0] = '.'; /* to be stuffed */
        if (length > 1 && (letter->eight_bit || letter->long_lines) && sim_chance(r, 100))
            line[length - 1] = ' '; /* lost on the way where it is not encoded as it should be */
        buffer_add(out, slice(line, length));
        buffer_add_text(out, "\r\n");
    }
}

static void mime_header(struct buffer *out, const char *encoding)
{
    buffer_add_format(out, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n", encoding);
}

/* A plain text, one that says what it is, or two parts. */
static size_t text_make(const struct letter *letter, size_t size, struct random_fast *r, struct buffer *out)
{
    const char *encoding = letter->eight_bit ? "8bit" : "7bit";
    uint64_t form = random_fast_below(r, letter->eight_bit || letter->long_lines ? 3 : 10);
    if (form == 2) {
        buffer_add_format(out, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"=_part_%u\"\r\n"
                               "Content-Transfer-Encoding: %s\r\n\r\n", letter->number, encoding);
        size_t header_size = out->size;
        for (int i = 0; i < 2; i++) {
            buffer_add_format(out, "--=_part_%u\r\n", letter->number);
            mime_header(out, encoding);
            body_make(letter, size / 2, r, out);
        }
        buffer_add_format(out, "\r\n--=_part_%u--\r\n", letter->number);
        return header_size;
    }
    if (form == 1) {
        buffer_add_text(out, "MIME-Version: 1.0\r\n");
        mime_header(out, encoding);
    } else {
        buffer_add_text(out, "\r\n");
    }
    size_t header_size = out->size;
    body_make(letter, size, r, out);
    return header_size;
}

static void envelope_make(struct letter *letter, struct random_fast *r)
{
    bool null_sender = sim_chance(r, 50);
    if (!null_sender)
        snprintf(letter->sender, sizeof letter->sender, "s%u@from.test", letter->number);
    if (null_sender || sim_chance(r, 500)) /* its only name in the envelope */
        snprintf(letter->envid, sizeof letter->envid, "letter-%u", letter->number);
    letter->eight_bit = sim_chance(r, 200);
    letter->declared = letter->eight_bit && sim_chance(r, 800);
    letter->long_lines = sim_chance(r, 60);
    letter->ret = sim_chance(r, 500) ? RET_NONE : sim_chance(r, 500) ? RET_FULL : RET_HDRS;
}

static void letter_make(struct letters *letters, struct letter *letter, const struct sim_options *o,
                        struct random_fast *r)
{
    envelope_make(letter, r);
    letter->recipient_count = 1 + (uint32_t)random_fast_below(r, o->recipients_max);
    letter->recipients = arena_array(&letters->arena, struct letter_recipient, letter->recipient_count);
    bool local = false;
    for (uint32_t i = 0; i < letter->recipient_count; i++) {
        recipient_make(&letter->recipients[i], o, r, i, !local);
        local |= letter->recipients[i].domain == ZONE_DOMAINS_MAX;
    }
    struct buffer text;
    buffer_init(&text, o->body_size_max * 3 + HEADER_SIZE_MAX);
    buffer_add_format(&text, "From: <sender@from.test>\r\nSubject: letter\r\nX-Sim-Letter: %u\r\n", letter->number);
    size_t size = (size_t)random_fast_below(r, o->body_size_max) >> random_fast_below(r, 8); /* few are large */
    size_t header_size = text_make(letter, size, r, &text);
    assert(!text.overflow);
    letter->text = arena_copy(&letters->arena, buffer_slice(&text));
    letter->header = slice_part(letter->text, 0, header_size);
    buffer_done(&text);
}

void letters_make(struct letters *letters, const struct sim_options *options, struct random_fast *random)
{
    *letters = (struct letters){ .count = options->letter_count };
    letters->crash_window_us = options->disk_fault > 0 ? CRASH_WINDOW_TROUBLE_MINUTES * US_PER_MINUTE
                                                       : CRASH_WINDOW_SECONDS * US_PER_SECOND;
    letters->crash_window_us += CRASH_WINDOW_DISK * options->disk_latency_us;
    letters->notices_login = sim_smarthost_login(options, 0);
    table_init(&letters->messages, (const uint64_t[2]){ 0 });
    table_init(&letters->notices, (const uint64_t[2]){ 0 });
    arena_init(&letters->arena);
    letters->all = arena_array(&letters->arena, struct letter, letters->count);
    for (uint32_t i = 0; i < letters->count; i++) {
        letters->all[i].number = i;
        letters->all[i].account = sim_account(options, i % options->session_count);
        letters->all[i].login = sim_smarthost_login(options, letters->all[i].account);
        letter_make(letters, &letters->all[i], options, random);
    }
}

void letters_done(struct letters *letters)
{
    table_done(&letters->messages);
    table_done(&letters->notices);
    arena_done(&letters->arena);
}

void letters_violate(struct letters *letters, const char *format, ...)
{
    if (letters->violations++ > 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(letters->violation, sizeof letters->violation, format, arguments);
    va_end(arguments);
}

/* ---- which one is it ---- */

static struct letter *letter_numbered(struct letters *letters, struct slice number)
{
    uint64_t value;
    return slice_to_u64(number, UINT32_MAX, &value) && value < letters->count ? &letters->all[value] : NULL;
}

struct letter *letter_named(struct letters *letters, struct slice text)
{
    size_t at = slice_find_slice(text, SLICE("\nX-Sim-Letter: "));
    struct slice rest = slice_after(text, at + SLICE("\nX-Sim-Letter: ").size);
    return at < text.size ? letter_numbered(letters, slice_part(rest, 0, slice_find(rest, '\r'))) : NULL;
}

static struct letter *letter_of_envelope(struct letters *letters, const struct envelope *v)
{
    struct slice number = slice_after(v->sender, 1);
    if (v->sender.size == 0)
        return letter_numbered(letters, slice_after(v->envid, SLICE("letter-").size));
    return letter_numbered(letters, slice_part(number, 0, slice_find(number, '@')));
}

struct letter_recipient *letter_recipient_find(const struct letter *letter, struct slice address, uint32_t *ret_place)
{
    for (uint32_t i = 0; i < letter->recipient_count; i++) {
        if (slice_equal_nocase(slice_of(letter->recipients[i].address), address)) {
            *ret_place = i;
            return &letter->recipients[i];
        }
    }
    return NULL;
}

static struct letter_copy *copy_find(struct letters *letters, uint64_t id, struct slice address)
{
    struct letter_message *m = table_get(&letters->messages, id);
    struct letter_notice *notice = table_get(&letters->notices, id);
    uint32_t place;
    if (m)
        return letter_recipient_find(m->letter, address, &place) ? &m->copies[place] : NULL;
    return notice ? &notice->copy : NULL;
}

/* ---- what is reported ---- */

void letters_accepted(struct letters *letters, struct letter *letter, uint64_t id)
{
    letter->state = LETTER_ACCEPTED;
    letter->accepted++;
    const struct letter_message *m = table_get(&letters->messages, id);
    if (!m || !m->stored || m->letter != letter)
        letters_violate(letters, "letter %u: 250 before it was stored", letter->number);
}

static void submit_committed(struct letters *letters, const struct envelope *v, enum store_status status)
{
    if (v->notice) {
        struct letter_notice *notice = table_get(&letters->notices, v->id);
        if (!notice) {
            notice = arena_new(&letters->arena, struct letter_notice);
            *notice = (struct letter_notice){ .id = v->id, .about = table_get(&letters->messages, v->cause_id),
                                              .alert = v->cause_id == 0 };
            table_put(&letters->notices, v->id, notice);
        }
        notice->stored |= status == STORE_OK;
        return;
    }
    struct letter *letter = letter_of_envelope(letters, v);
    if (!letter || table_get(&letters->messages, v->id)) {
        letters_violate(letters, "a message that nobody has sent, or twice under one id, is stored");
        return;
    }
    struct letter_message *m = arena_new(&letters->arena, struct letter_message);
    *m = (struct letter_message){ .id = v->id, .letter = letter, .next = letter->messages };
    m->copies = arena_array(&letters->arena, struct letter_copy, letter->recipient_count);
    m->stored = status == STORE_OK;
    m->refused = status == STORE_FULL || status == STORE_FAILED;
    letter->messages = m;
    table_put(&letters->messages, v->id, m);
}

static void settle_committed(struct letters *letters, const struct envelope *v)
{
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        struct letter_copy *copy = copy_find(letters, v->id, v->recipients[i].address);
        if (copy)
            copy->recorded |= v->recipients[i].state == RECIPIENT_DELIVERED;
        else
            letters_violate(letters, "a record names a recipient that the letter does not have");
    }
}

static void end_committed(struct letters *letters, uint64_t id, bool surely)
{
    struct letter_message *m = table_get(&letters->messages, id);
    struct letter_notice *notice = table_get(&letters->notices, id);
    if (m)
        m->may_have_ended = true;
    if (notice)
        notice->may_have_ended = true;
    if (!surely)
        return;
    if (notice)
        notice->ended = notice->copy.recorded = true;
    for (uint32_t i = 0; m && i < m->letter->recipient_count; i++)
        m->copies[i].recorded = true;
    if (m)
        m->ended = true;
}

void letters_committed(struct letters *letters, const struct store_item *item, enum store_status status)
{
    if (item->kind == STORE_END) {
        end_committed(letters, item->id, status == STORE_OK);
        return;
    }
    struct arena arena;
    struct envelope v;
    arena_init(&arena);
    if (envelope_decode(item->envelope, &arena, &v) != ERR_OK || v.id != item->id)
        letters_violate(letters, "what is stored is no envelope");
    else if (item->kind == STORE_SUBMIT)
        submit_committed(letters, &v, status);
    else if (status == STORE_OK)
        settle_committed(letters, &v);
    arena_done(&arena);
}

static enum recipient_state state_of(struct slice status)
{
    static const struct { const char *name; enum recipient_state state; } all[] = {
        { "sent", RECIPIENT_DELIVERED }, { "bounced", RECIPIENT_BOUNCED }, { "expired", RECIPIENT_EXPIRED },
        { "held", RECIPIENT_HELD },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (slice_equal(status, slice_of(all[i].name)))
            return all[i].state;
    }
    return RECIPIENT_WAITING;
}

void letters_traced(struct letters *letters, const struct trace_event *event)
{
    if (event->kind != TRACE_DELIVERY && event->kind != TRACE_ATTEMPT)
        return;
    struct letter_copy *copy = copy_find(letters, event->id, event->to);
    if (!copy) {
        letters_violate(letters, "the log speaks of a delivery of what was never stored");
        return;
    }
    copy->doubts_told += event->outcome.in_doubt;
    if (event->kind == TRACE_DELIVERY)
        copy->decided = state_of(event->status);
}

void letters_doubt(struct letters *letters, const struct arrival *arrival, struct slice recipient)
{
    uint64_t id = arrival->message ? arrival->message->id : arrival->notice ? arrival->notice->id : 0;
    struct letter_copy *copy = copy_find(letters, id, recipient);
    if (copy)
        copy->in_doubt++;
}

static void copy_crashed(const struct letters *letters, struct letter_copy *copy, int64_t now_us)
{
    bool lately = copy->delivered > 0 && !copy->recorded && now_us - copy->delivered_us < letters->crash_window_us;
    if (lately || copy->in_doubt > copy->doubts_told + copy->crashed)
        copy->crashed++;
}

void letters_crashed(struct letters *letters, int64_t now_us)
{
    size_t position = 0;
    for (struct letter_message *m; (m = table_next(&letters->messages, &position)) != NULL;)
        for (uint32_t i = 0; i < m->letter->recipient_count; i++)
            copy_crashed(letters, &m->copies[i], now_us);
    position = 0;
    for (struct letter_notice *notice; (notice = table_next(&letters->notices, &position)) != NULL;)
        copy_crashed(letters, &notice->copy, now_us);
}
