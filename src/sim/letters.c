#include "sim/letters.h"

#include <stdarg.h>
#include <stdio.h>

#include "border/model.h"
#include "sim/zone.h"

enum {
    CRASH_WINDOW_MINUTES = 60, /* what was delivered within it before a crash may not have been recorded: an attempt is
                                * settled as a whole, and another recipient's host may keep it waiting */
    LINE_SIZE_MAX = 200,
    HEADER_SIZE_MAX = 4096,
};

static const char mark[] = "\nX-Sim-Letter: ";

/* ---- making ---- */

static void recipient_make(struct letter_recipient *to, const struct sim_options *o, struct random_fast *r, uint32_t place)
{
    bool local = sim_chance(r, 50);
    to->domain = local ? ZONE_DOMAINS_MAX : (uint32_t)random_fast_below(r, o->domain_count);
    uint32_t kind = (uint32_t)random_fast_below(r, 20);
    const char *name = kind == 0 ? "full" : kind == 1 ? "unknown" : "user";
    if (local)
        snprintf(to->address, sizeof to->address, "postmaster@local.test");
    else
        snprintf(to->address, sizeof to->address, "%s%u@d%u.test", name, place, to->domain);
    to->refused = !local && kind == 1 && !zone_dead(o, to->domain);
}

/* Printable ones, eight from each number drawn. */
static void octets_make(char *line, size_t length, struct random_fast *r)
{
    uint64_t drawn = 0;
    for (size_t i = 0; i < length; i++) {
        drawn = i % 8 == 0 ? random_fast_u64(r) : drawn >> 8;
        line[i] = (char)(33 + (drawn & 0xff) * 94 / 256);
    }
}

static void body_make(struct buffer *out, const struct sim_options *o, struct random_fast *r)
{
    size_t size = (size_t)random_fast_below(r, o->body_size_max);
    char line[LINE_SIZE_MAX];
    while (size > 0) {
        size_t length = (size_t)random_fast_below(r, LINE_SIZE_MAX);
        if (length > size)
            length = size;
        size -= length > 0 ? length : 1;
        octets_make(line, length, r);
        if (length > 0 && sim_chance(r, 200))
            line[0] = '.'; /* to be stuffed */
        buffer_add(out, slice(line, length));
        buffer_add_text(out, "\r\n");
    }
}

static void letter_make(struct letters *letters, struct letter *letter, const struct sim_options *o,
                        struct random_fast *r)
{
    letter->null_sender = sim_chance(r, 50);
    letter->recipient_count = 1 + (uint32_t)random_fast_below(r, o->recipients_max);
    letter->recipients = arena_array(&letters->arena, struct letter_recipient, letter->recipient_count);
    bool local = false;
    for (uint32_t i = 0; i < letter->recipient_count; i++) {
        struct letter_recipient *to = &letter->recipients[i];
        recipient_make(to, o, r, i);
        if (to->domain == ZONE_DOMAINS_MAX && local)
            snprintf(to->address, sizeof to->address, "user%u@d%u.test", i, to->domain = 0);
        local |= to->domain == ZONE_DOMAINS_MAX;
    }
    struct buffer text;
    buffer_init(&text, o->body_size_max * 3 + HEADER_SIZE_MAX);
    buffer_add_format(&text, "From: <sender@from.test>\r\nSubject: letter\r\nX-Sim-Letter: %u\r\n\r\n", letter->number);
    body_make(&text, o, r);
    letter->text = arena_copy(&letters->arena, buffer_slice(&text));
    buffer_done(&text);
}

void letters_make(struct letters *letters, const struct sim_options *options, struct random_fast *random)
{
    *letters = (struct letters){ .count = options->letter_count };
    table_init(&letters->by_id, (const uint64_t[2]){ 0 });
    arena_init(&letters->arena);
    letters->all = arena_array(&letters->arena, struct letter, letters->count);
    for (uint32_t i = 0; i < letters->count; i++) {
        letters->all[i].number = i;
        letter_make(letters, &letters->all[i], options, random);
    }
}

void letters_done(struct letters *letters)
{
    table_done(&letters->by_id);
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

/* ---- what arrives ---- */

bool letter_number(struct slice text, uint32_t *ret_number)
{
    size_t at = slice_find_slice(text, SLICE("\nX-Sim-Letter: "));
    struct slice rest = slice_after(text, at + sizeof mark - 1);
    uint64_t number;
    if (at == text.size || !slice_to_u64(slice_part(rest, 0, slice_find(rest, '\r')), UINT32_MAX, &number))
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static struct letter *letter_find(struct letters *letters, struct slice text)
{
    uint32_t number;
    return letter_number(text, &number) && number < letters->count ? &letters->all[number] : NULL;
}

static struct letter_recipient *recipient_find(const struct letter *letter, struct slice address)
{
    for (uint32_t i = 0; i < letter->recipient_count; i++) {
        if (slice_equal_nocase(slice_of(letter->recipients[i].address), address))
            return &letter->recipients[i];
    }
    return NULL;
}

static struct letter_copy *copy_of(struct letters *letters, struct letter_recipient *to, uint64_t id)
{
    for (struct letter_copy *copy = to->copies; copy; copy = copy->next) {
        if (copy->id == id)
            return copy;
    }
    struct letter_copy *copy = arena_new(&letters->arena, struct letter_copy);
    *copy = (struct letter_copy){ .id = id, .next = to->copies };
    return to->copies = copy;
}

/* Our Received field is the first line of what we send, and has the id. */
static uint64_t id_of(struct slice text)
{
    struct slice field = slice_after(text, slice_find_slice(text, SLICE("SMTP id ")));
    struct slice id = slice_after(field, SLICE("SMTP id ").size);
    id = slice_part(id, 0, slice_find(id, '\r'));
    uint64_t number;
    return id_parse(slice_part(id, 0, slice_find(id, ';')), &number) ? number : 0;
}

void letters_accepted(struct letters *letters, struct letter *letter, uint64_t id, int64_t now_us)
{
    letter->state = LETTER_ACCEPTED;
    letter->accepted++;
    letter->accepted_us = now_us;
    letter->id = id;
    table_put(&letters->by_id, id, letter);
}

void letters_traced(struct letters *letters, const struct trace_event *event)
{
    bool told = event->kind == TRACE_DELIVERY || event->kind == TRACE_ATTEMPT;
    struct letter *letter = told && event->outcome.in_doubt ? table_get(&letters->by_id, event->id) : NULL;
    struct letter_recipient *to = letter ? recipient_find(letter, event->to) : NULL;
    if (to)
        copy_of(letters, to, event->id)->doubts_told++;
}

/* The value of a field of a delivery-status part, from `text` on; *text moves behind it. */
static struct slice field_next(struct slice *text, struct slice name)
{
    size_t at = slice_find_slice(*text, name);
    struct slice rest = slice_after(*text, at == text->size ? at : at + name.size);
    struct slice value = slice_part(rest, 0, slice_find(rest, '\r'));
    *text = slice_after(rest, value.size);
    return slice_trim(value);
}

static struct letter *notice_arrived(struct letters *letters, struct slice text, int64_t now_us)
{
    letters->notices++;
    struct letter *letter = letter_find(letters, text);
    if (!letter) {
        letters_violate(letters, "a notice does not contain the letter's header");
        return NULL;
    }
    letter->notice_us = now_us;
    if (letter->null_sender)
        letters_violate(letters, "letter %u: a notice about a letter with the null sender", letter->number);
    struct slice rest = text;
    for (;;) {
        struct slice final = field_next(&rest, SLICE("\nFinal-Recipient: rfc822;"));
        if (final.size == 0)
            break;
        struct slice action = field_next(&rest, SLICE("\nAction:"));
        struct slice status = field_next(&rest, SLICE("\nStatus:"));
        struct letter_recipient *to = recipient_find(letter, final);
        if (!to) {
            letters_violate(letters, "letter %u: a notice about somebody else", letter->number);
            return letter;
        }
        if (slice_equal(action, SLICE("failed"))) {
            to->failed++;
            to->expired |= slice_equal(status, SLICE("4.4.7"));
        }
    }
    return letter;
}

/* What was submitted must be the end of what arrived: fields may be added in front only. */
static bool text_intact(struct slice sent, struct slice arrived)
{
    return arrived.size >= sent.size && slice_equal(slice_after(arrived, arrived.size - sent.size), sent);
}

struct arrival letters_arrived(struct letters *letters, struct slice sender, const struct slice *recipients,
                               uint32_t recipient_count, struct slice text, int64_t now_us)
{
    struct letter *letter = letter_find(letters, text);
    bool notice = sender.size == 0 && slice_find_slice(text, SLICE("multipart/report")) < text.size;
    if (notice)
        return (struct arrival){ notice_arrived(letters, text, now_us), 0, true };
    uint64_t id = id_of(text);
    if (!letter || id == 0) {
        letters_violate(letters, "something arrived that nobody has sent");
        return (struct arrival){ NULL, 0, false };
    }
    table_put(&letters->by_id, id, letter);
    if (!text_intact(letter->text, text))
        letters_violate(letters, "letter %u: its text was changed", letter->number);
    if (letter->state == LETTER_NEW || (letter->accepted == 0 && letter->unknown == 0 && letter->state != LETTER_OFFERED))
        letters_violate(letters, "letter %u arrived before it was accepted", letter->number);
    for (uint32_t i = 0; i < recipient_count; i++) {
        struct letter_recipient *to = recipient_find(letter, recipients[i]);
        if (!to) {
            letters_violate(letters, "letter %u: delivered to somebody else", letter->number);
            continue;
        }
        struct letter_copy *copy = copy_of(letters, to, id);
        to->delivered++;
        copy->delivered++;
        copy->delivered_us = now_us;
    }
    return (struct arrival){ letter, id, false };
}

void letters_doubt(struct letters *letters, const struct arrival *arrival, struct slice recipient)
{
    struct letter_recipient *to = arrival->letter && !arrival->notice ? recipient_find(arrival->letter, recipient) : NULL;
    if (to)
        copy_of(letters, to, arrival->id)->in_doubt++;
    else if (arrival->letter)
        arrival->letter->notices_in_doubt++;
}

static void copy_crashed(struct letter_copy *copy, int64_t now_us)
{
    bool lately = copy->delivered > 0 && now_us - copy->delivered_us < CRASH_WINDOW_MINUTES * US_PER_MINUTE;
    if (lately || copy->in_doubt > copy->doubts_told + copy->crashed)
        copy->crashed++;
}

void letters_crashed(struct letters *letters, int64_t now_us)
{
    for (uint32_t i = 0; i < letters->count; i++) {
        struct letter *letter = &letters->all[i];
        if (letter->notice_us > 0 && now_us - letter->notice_us < CRASH_WINDOW_MINUTES * US_PER_MINUTE)
            letter->notices_in_doubt++;
        for (uint32_t j = 0; j < letter->recipient_count; j++)
            for (struct letter_copy *copy = letter->recipients[j].copies; copy; copy = copy->next)
                copy_crashed(copy, now_us);
    }
}

/* ---- the end ---- */

static uint32_t copy_check(struct letters *letters, const struct letter *letter, const struct letter_recipient *to,
                           const struct letter_copy *copy)
{
    if (copy->in_doubt > copy->doubts_told + copy->crashed)
        letters_violate(letters, "letter %u: %u answers to its dot for %s were lost, and %u were said to be in doubt",
                        letter->number, copy->in_doubt, to->address, copy->doubts_told);
    uint32_t doubts = copy->in_doubt < copy->doubts_told ? copy->in_doubt : copy->doubts_told;
    if (copy->delivered > 1 + doubts + copy->crashed)
        letters_violate(letters, "letter %u: %s got %u copies of one submission, %u in doubt, %u crashes", letter->number,
                        to->address, copy->delivered, doubts, copy->crashed);
    return doubts + copy->crashed;
}

static void recipient_check(struct letters *letters, const struct letter *letter, const struct letter_recipient *to)
{
    uint32_t submissions = letter->accepted + letter->unknown;
    uint32_t copies = 0, doubts = 0;
    for (const struct letter_copy *copy = to->copies; copy; copy = copy->next) {
        copies += copy->delivered > 0;
        doubts += copy_check(letters, letter, to, copy);
    }
    if (copies > submissions)
        letters_violate(letters, "letter %u: %s got %u messages of %u submissions", letter->number, to->address, copies,
                        submissions);
    if (to->failed > submissions + letter->notices_in_doubt)
        letters_violate(letters, "letter %u: %u notices about %s", letter->number, to->failed, to->address);
    if (to->delivered > 0 && to->failed > 0 && submissions == 1 && doubts == 0)
        letters_violate(letters, "letter %u: %s has it, and a notice says it failed", letter->number, to->address);
    if (to->expired && to->refused)
        letters_violate(letters, "letter %u: %s was refused for good, and the notice came when it expired", letter->number,
                        to->address);
}

void letters_check(struct letters *letters)
{
    for (uint32_t i = 0; i < letters->count; i++) {
        const struct letter *letter = &letters->all[i];
        for (uint32_t j = 0; j < letter->recipient_count; j++)
            recipient_check(letters, letter, &letter->recipients[j]);
    }
}
