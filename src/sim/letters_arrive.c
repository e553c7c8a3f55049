/* What receivers take, and what a notice says. */
#include "sim/letters_work.h"

#include <stdio.h>

enum { QUOTED_SIZE = 4096 }; /* an original not larger than this is quoted as a whole */

/* The value of the next field of that name, from `text` on; *text moves behind it. "" when there is none. */
static struct slice field_next(struct slice *text, struct slice name)
{
    size_t at = slice_find_slice(*text, name);
    struct slice rest = slice_after(*text, at == text->size ? at : at + name.size);
    struct slice value = slice_part(rest, 0, slice_find(rest, '\r'));
    *text = slice_after(rest, value.size);
    return slice_trim(value);
}

static uint64_t id_read(struct slice text)
{
    uint64_t id;
    return id_parse(text, &id) ? id : 0;
}

/* ---- a letter ---- */

/* Our Received field is the first one of what we send, and has the protocol and the id: "with ESMTPSA id X". */
static uint64_t received_id(struct slice text, struct slice *ret_protocol)
{
    struct slice line = field_next(&text, SLICE(" with ESMTP"));
    size_t at = slice_find_slice(line, SLICE("id "));
    *ret_protocol = slice_trim(slice_part(line, 0, at));
    struct slice id = slice_after(line, at + 3);
    return id_read(slice_part(id, 0, slice_find(id, ';')));
}

bool letter_text_intact(const struct letter *letter, struct slice text)
{
    return text.size >= letter->text.size && slice_equal(slice_after(text, text.size - letter->text.size), letter->text);
}

static bool says_the_same(struct slice a, struct slice b)
{
    struct buffer one, other;
    buffer_init(&one, 64 << 20);
    buffer_init(&other, 64 << 20);
    letter_read(a, &one);
    letter_read(b, &other);
    bool same = slice_equal(buffer_slice(&one), buffer_slice(&other));
    buffer_done(&one);
    buffer_done(&other);
    return same;
}

static bool converts(const struct letter *letter, bool eight_bit)
{
    return letter->long_lines || (letter->eight_bit && !eight_bit);
}

bool letters_may_grow(struct letters *letters, struct slice text, bool eight_bit, uint64_t size_max)
{
    const struct letter *letter = letter_named(letters, text);
    return letter && converts(letter, eight_bit) && letter->text.size - letter->text.size / 16 <= size_max;
}

/* Octet for octet, but where the receiver cannot take it so: then what it says is the same. */
static void text_check(struct letters *letters, const struct letter *letter, const struct letter_arriving *a)
{
    if (letter_text_intact(letter, a->text))
        return;
    if (!converts(letter, a->eight_bit))
        letters_violate(letters, "letter %u: its text was changed", letter->number);
    else if (!says_the_same(letter->text, a->text))
        letters_violate(letters, "letter %u: its text says something else, converted", letter->number);
}

/* RFC 3461 5.2.1: what the sender said about notices goes with the letter, or is done here. */
static void parameters_check(struct letters *letters, const struct letter *letter, const struct letter_recipient *to,
                             const struct letter_arriving *a, struct slice said)
{
    char wanted[160];
    snprintf(wanted, sizeof wanted, "%s%s%s%s%s", to->notify[0] ? "NOTIFY=" : "", to->notify,
             to->notify[0] && to->orcpt[0] ? " " : "", to->orcpt[0] ? "ORCPT=" : "", to->orcpt);
    if (a->dsn && !slice_equal(said, slice_of(wanted)))
        letters_violate(letters, "letter %u: %s is passed on with '%.*s' instead of '%s'", letter->number, to->address,
                        SLICE_ARG(said), wanted);
}

static void message_arrived(struct letters *letters, struct letter_message *m, const struct letter_arriving *a)
{
    const struct letter *letter = m->letter;
    if (!slice_equal(a->sender, slice_of(letter->sender)))
        letters_violate(letters, "letter %u: from somebody else: %.*s", letter->number, SLICE_ARG(a->sender));
    text_check(letters, letter, a);
    if (letter->state == LETTER_NEW || (letter->accepted == 0 && letter->unknown == 0 && letter->state != LETTER_OFFERED))
        letters_violate(letters, "letter %u arrived before it was accepted", letter->number);
    if (m->refused)
        letters_violate(letters, "letter %u arrived though the store had certainly not taken it", letter->number);
    for (uint32_t i = 0; i < a->recipient_count; i++) {
        uint32_t place;
        const struct letter_recipient *to = letter_recipient_find(letter, a->recipients[i], &place);
        if (!to) {
            letters_violate(letters, "letter %u: delivered to somebody else", letter->number);
            continue;
        }
        parameters_check(letters, letter, to, a, a->parameters[i]);
        m->copies[place].delivered++;
        m->copies[place].relayed += !a->dsn;
        m->copies[place].delivered_us = a->now_us;
    }
}

/* ---- a notice ---- */

static void recipient_told(struct letters *letters, struct letter_notice *notice, struct slice final, struct slice group)
{
    struct letter_message *m = notice->about;
    struct slice rest = group;
    struct slice action = field_next(&rest, SLICE("\nAction:")), status = field_next(&rest, SLICE("\nStatus:"));
    uint32_t place;
    const struct letter_recipient *to = letter_recipient_find(m->letter, final, &place);
    if (!to) {
        letters_violate(letters, "letter %u: a notice about somebody else: %.*s", m->letter->number, SLICE_ARG(final));
        return;
    }
    struct letter_copy *copy = &m->copies[place];
    bool failed = slice_equal(action, SLICE("failed")), delayed = slice_equal(action, SLICE("delayed"));
    bool relayed = slice_equal(action, SLICE("relayed")) || slice_equal(action, SLICE("delivered"));
    bool expired = failed && slice_equal(status, SLICE("4.4.7"));
    char class = failed && !expired ? '5' : relayed ? '2' : '4';
    if (!(failed || delayed || relayed) || status.size == 0 || status.data[0] != class)
        letters_violate(letters, "letter %u: a notice says %.*s with %.*s", m->letter->number, SLICE_ARG(action),
                        SLICE_ARG(status));
    copy->failed += failed;
    copy->delayed += delayed;
    copy->succeeded += relayed;
    copy->expired |= expired;
    copy->rescued += !notice->stored && (failed || delayed);
}

/* Each group of the delivery report begins with whom it is about. */
static void report_read(struct letters *letters, struct letter_notice *notice, struct slice text)
{
    const struct letter *letter = notice->about->letter;
    struct slice rest = slice_after(text, slice_find_slice(text, SLICE("Content-Type: message/delivery-status")));
    struct slice report = slice_part(rest, 0, slice_find_slice(rest, SLICE("\r\n--")));
    struct slice envelope = report;
    if (!slice_equal(field_next(&envelope, SLICE("\nOriginal-Envelope-Id:")), slice_of(letter->envid)))
        letters_violate(letters, "letter %u: a notice without its ENVID", letter->number);
    uint32_t count = 0;
    for (;; count++) {
        struct slice before = report;
        struct slice final = field_next(&report, SLICE("\nFinal-Recipient: rfc822;"));
        if (final.size == 0)
            break;
        struct slice original = slice_part(before, 0, before.size - report.size);
        uint32_t place;
        const struct letter_recipient *to = letter_recipient_find(letter, final, &place);
        struct slice orcpt = field_next(&original, SLICE("\nOriginal-Recipient: rfc822;"));
        if (to && !slice_equal(orcpt, slice_after(slice_of(to->orcpt), SLICE("rfc822;").size)))
            letters_violate(letters, "letter %u: a notice about %s calls it %.*s before", letter->number, to->address,
                            SLICE_ARG(orcpt));
        recipient_told(letters, notice, final, report);
    }
    if (count == 0)
        letters_violate(letters, "letter %u: a notice about nobody", letter->number);
}

/* A notice to a receiver of 7-bit texts has the letter converted: then what it says must be in what the notice says. */
static bool quotes(const struct letter *letter, struct slice text, bool whole)
{
    bool may_change = letter->eight_bit || letter->long_lines;
    struct slice header = slice_part(letter->header, 0, letter->header.size - 2);
    if (may_change)
        header = slice_part(header, 0, slice_find_slice(header, SLICE("MIME-Version:")));
    if (slice_find_slice(text, whole ? letter->text : header) < text.size)
        return true;
    if (!whole || !may_change)
        return false;
    struct buffer ours, theirs;
    buffer_init(&ours, 64 << 20);
    buffer_init(&theirs, 64 << 20);
    letter_read(letter->text, &ours);
    letter_read(text, &theirs);
    bool found = slice_find_slice(buffer_slice(&theirs), buffer_slice(&ours)) < theirs.size;
    buffer_done(&ours);
    buffer_done(&theirs);
    return found;
}

static void quoted_check(struct letters *letters, const struct letter *letter, struct slice text)
{
    bool failed = slice_find_slice(text, SLICE("\nAction: failed")) < text.size;
    bool whole = failed && letter->ret != RET_HDRS && letter->text.size < QUOTED_SIZE;
    if (!quotes(letter, text, whole))
        letters_violate(letters, "letter %u: a notice quotes another text", letter->number);
    if (failed && letter->ret == RET_HDRS && letter->text.size > letter->header.size + 100 &&
        slice_find_slice(text, slice_after(letter->text, letter->header.size)) < text.size)
        letters_violate(letters, "letter %u: a notice quotes all of it in spite of RET=HDRS", letter->number);
}

static struct letter_notice *notice_arrived(struct letters *letters, const struct letter_arriving *a)
{
    struct slice rest = a->text;
    struct slice name = field_next(&rest, SLICE("\nMessage-ID: <"));
    uint64_t id = id_read(slice_part(name, 0, slice_find(name, '@')));
    uint64_t about = id_read(field_next(&rest, SLICE("\nX-Facteur-Queue-Id:")));
    struct letter_notice *notice = table_get(&letters->notices, id);
    if (!notice || !notice->about || notice->about->id != about) {
        letters_violate(letters, "a notice about nothing, or that was never stored");
        return NULL;
    }
    const struct letter *letter = notice->about->letter;
    if (letter->sender[0] == 0)
        letters_violate(letters, "letter %u: a notice about a letter with the null sender", letter->number);
    if (letter_named(letters, a->text) != letter)
        letters_violate(letters, "letter %u: a notice with the header of another", letter->number);
    if (a->recipient_count != 1 || !slice_equal(a->recipients[0], slice_of(letter->sender)))
        letters_violate(letters, "letter %u: a notice to %.*s", letter->number, SLICE_ARG(a->recipients[0]));
    notice->copy.delivered_us = a->now_us;
    if (notice->copy.delivered++ == 0) {
        quoted_check(letters, letter, a->text);
        report_read(letters, notice, a->text);
    }
    return notice;
}

/* ---- */

/* Nobody's mail goes out under another's login (A26, A27, A31). */
static void login_check(struct letters *letters, const struct letter_arriving *a, int login)
{
    if (a->smarthost && a->login != login)
        letters_violate(letters, "mail from <%.*s> was given to the smart host with login %d instead of %d", SLICE_ARG(a->sender),
                        a->login, login);
}

struct arrival letters_arrived(struct letters *letters, const struct letter_arriving *a)
{
    if (a->sender.size == 0 && slice_find_slice(a->text, SLICE("multipart/report")) < a->text.size) {
        login_check(letters, a, letters->notices_login);
        return (struct arrival){ .notice = notice_arrived(letters, a) };
    }
    struct slice protocol;
    struct letter_message *m = table_get(&letters->messages, received_id(a->text, &protocol));
    if (m && m->letter == letter_named(letters, a->text)) {
        if (!slice_equal(protocol, slice_of(m->letter->account ? "SA" : "")))
            letters_violate(letters, "letter %u: received with ESMTP%.*s", m->letter->number, SLICE_ARG(protocol));
        login_check(letters, a, m->letter->login);
        message_arrived(letters, m, a);
    } else {
        letters_violate(letters, "something arrived that nobody has sent");
    }
    return (struct arrival){ .message = m };
}
