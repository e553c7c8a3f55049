#include "sim/letters.h"

#include <stdarg.h>
#include <stdio.h>

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
    arena_init(&letters->arena);
    letters->all = arena_array(&letters->arena, struct letter, letters->count);
    for (uint32_t i = 0; i < letters->count; i++) {
        letters->all[i].number = i;
        letter_make(letters, &letters->all[i], options, random);
    }
}

void letters_done(struct letters *letters)
{
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
        return (struct arrival){ notice_arrived(letters, text, now_us), true };
    if (!letter) {
        letters_violate(letters, "something arrived that nobody has sent");
        return (struct arrival){ NULL, false };
    }
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
        to->delivered++;
        to->delivered_us = now_us;
    }
    return (struct arrival){ letter, false };
}

void letters_doubt(const struct arrival *arrival, struct slice recipient)
{
    struct letter_recipient *to = arrival->letter && !arrival->notice ? recipient_find(arrival->letter, recipient) : NULL;
    if (to)
        to->in_doubt++;
    else if (arrival->letter)
        arrival->letter->notices_in_doubt++;
}

void letters_crashed(struct letters *letters, int64_t now_us)
{
    for (uint32_t i = 0; i < letters->count; i++) {
        struct letter *letter = &letters->all[i];
        if (letter->notice_us > 0 && now_us - letter->notice_us < CRASH_WINDOW_MINUTES * US_PER_MINUTE)
            letter->notices_in_doubt++;
        for (uint32_t j = 0; j < letter->recipient_count; j++) {
            struct letter_recipient *to = &letter->recipients[j];
            if (to->delivered > 0 && now_us - to->delivered_us < CRASH_WINDOW_MINUTES * US_PER_MINUTE)
                to->in_doubt++;
        }
    }
}

/* ---- the end ---- */

static void recipient_check(struct letters *letters, const struct letter *letter, const struct letter_recipient *to)
{
    uint32_t submissions = letter->accepted + letter->unknown;
    if (to->delivered > submissions + to->in_doubt)
        letters_violate(letters, "letter %u: %s got %u copies of %u submissions, %u in doubt", letter->number, to->address,
                        to->delivered, submissions, to->in_doubt);
    if (to->failed > submissions + letter->notices_in_doubt)
        letters_violate(letters, "letter %u: %u notices about %s", letter->number, to->failed, to->address);
    if (to->delivered > 0 && to->failed > 0 && submissions == 1 && to->in_doubt == 0)
        letters_violate(letters, "letter %u: %s has it, and a notice says it failed", letter->number, to->address);
}

void letters_check(struct letters *letters)
{
    for (uint32_t i = 0; i < letters->count; i++) {
        const struct letter *letter = &letters->all[i];
        for (uint32_t j = 0; j < letter->recipient_count; j++)
            recipient_check(letters, letter, &letter->recipients[j]);
    }
}
