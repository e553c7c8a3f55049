/* Whether it adds up, when all queues are empty. */
#include "sim/letters_work.h"

#include <assert.h>

bool letter_wants(const struct letter *letter, const struct letter_recipient *to, const char *what)
{
    if (letter->sender[0] == 0)
        return false;
    if (to->notify[0] == 0)
        return slice_equal(slice_of(what), SLICE("FAILURE"));
    return slice_find_slice(slice_of(to->notify), slice_of(what)) < slice_of(to->notify).size;
}

/* ---- what the store still has ---- */

static void message_kept(struct letters *letters, struct letter_message *m, const struct envelope *v, struct slice text)
{
    uint32_t number = m->letter->number, held = 0, failed = 0;
    m->held = v->queue == QUEUE_HOLDING;
    m->bad = v->queue == QUEUE_BAD;
    for (uint32_t i = 0; i < v->recipient_count; i++) {
        held += v->recipients[i].state == RECIPIENT_HELD;
        failed += v->recipients[i].state == RECIPIENT_BOUNCED || v->recipients[i].state == RECIPIENT_EXPIRED;
    }
    if (m->ended)
        letters_violate(letters, "letter %u has ended and is still in queue %s", number, queue_name(v->queue));
    if (!m->held && !m->bad)
        letters_violate(letters, "letter %u waits in queue %s, which is empty", number, queue_name(v->queue));
    if (m->held ? held == 0 : failed == 0)
        letters_violate(letters, "letter %u is in queue %s, and has nothing to do there", number, queue_name(v->queue));
    if (m->bad && m->letter->sender[0])
        letters_violate(letters, "letter %u is in the bad queue, and its sender was told", number);
    if (!letter_text_intact(m->letter, text))
        letters_violate(letters, "letter %u: its text in queue %s was changed", number, queue_name(v->queue));
}

void letters_kept(struct letters *letters, const struct envelope *v, struct slice text)
{
    struct letter_message *m = table_get(&letters->messages, v->id);
    struct letter_notice *notice = table_get(&letters->notices, v->id);
    if (m) {
        message_kept(letters, m, v, text);
    } else if (notice && !notice->ended) {
        notice->kept = true;
        if (notice->about)
            notice->about->notices_kept++;
    } else {
        letters_violate(letters, "in queue %s is what nobody has sent, or what has ended", queue_name(v->queue));
    }
}

/* ---- copies ---- */

/* A Maildir's lines end in LF alone, and two fields stand in front. */
static bool local_intact(const struct letter *letter, struct slice file)
{
    struct slice text = letter->text;
    size_t lines = 0;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    if (file.size < text.size - lines)
        return false;
    struct slice rest = slice_after(file, file.size - (text.size - lines));
    while (text.size > 0) {
        struct slice line = slice_part(text, 0, slice_find_slice(text, SLICE("\r\n")));
        struct slice other = slice_part(rest, 0, line.size);
        if (!slice_equal(line, other) || rest.size <= line.size || rest.data[line.size] != '\n')
            return false;
        rest = slice_after(rest, line.size + 1);
        text = slice_after(text, line.size + 2);
    }
    return rest.size == 0;
}

static uint32_t doubts_of(const struct letter_copy *copy)
{
    return (copy->in_doubt < copy->doubts_told ? copy->in_doubt : copy->doubts_told) + copy->crashed;
}

static void deliveries_check(struct letters *letters, const struct letter *letter, const char *to, const struct letter_copy *copy)
{
    if (copy->in_doubt > copy->doubts_told + copy->crashed)
        letters_violate(letters, "letter %u: %u answers to our dot for %s were lost, and %u were said to be in doubt",
                        letter->number, copy->in_doubt, to, copy->doubts_told);
    if (copy->delivered > 1 + doubts_of(copy))
        letters_violate(letters, "letter %u: %s got %u copies of one message, %u in doubt, %u by crashes", letter->number, to,
                        copy->delivered, doubts_of(copy) - copy->crashed, copy->crashed);
}

/* How often the sender was told that it failed or waits, against how often he was to be. */
static void told_check(struct letters *letters, const struct letter_message *m, uint32_t place, bool at_home)
{
    const struct letter *letter = m->letter;
    const struct letter_recipient *to = &letter->recipients[place];
    const struct letter_copy *copy = &m->copies[place];
    bool dsn_asked = to->notify[0] != 0;
    if (copy->failed > 0 && !letter_wants(letter, to, "FAILURE"))
        letters_violate(letters, "letter %u: a notice that %s failed, with NOTIFY=%s", letter->number, to->address, to->notify);
    if (copy->delayed > 0 && dsn_asked && !letter_wants(letter, to, "DELAY"))
        letters_violate(letters, "letter %u: a notice that %s waits, with NOTIFY=%s", letter->number, to->address, to->notify);
    if (copy->failed > 1 + copy->rescued || copy->delayed > 1 + copy->rescued)
        letters_violate(letters, "letter %u: %u notices that %s failed, %u that it waits", letter->number, copy->failed,
                        to->address, copy->delayed);
    if (copy->delivered > 0 && copy->failed > 0 && doubts_of(copy) == 0)
        letters_violate(letters, "letter %u: %s has it, and a notice says it failed", letter->number, to->address);
    if (copy->expired && to->refused)
        letters_violate(letters, "letter %u: %s was refused for good, and the notice came when it expired", letter->number,
                        to->address);
    bool plain = copy->delivered + at_home == 1 && doubts_of(copy) == 0; /* else nobody can say which copy was told of */
    bool owed = letter_wants(letter, to, "SUCCESS") && (copy->relayed > 0 || at_home);
    if (copy->succeeded > 0 && !letter_wants(letter, to, "SUCCESS"))
        letters_violate(letters, "letter %u: a notice that %s has it, with NOTIFY=%s", letter->number, to->address, to->notify);
    if (m->ended && m->notices_kept == 0 && plain && copy->succeeded != owed)
        letters_violate(letters, "letter %u: %u notices that %s has it", letter->number, copy->succeeded, to->address);
}

/* What the engine has decided of a recipient must have come true. */
static void decision_check(struct letters *letters, const struct letter_message *m, uint32_t place, bool at_home)
{
    const struct letter *letter = m->letter;
    const struct letter_recipient *to = &letter->recipients[place];
    const struct letter_copy *copy = &m->copies[place];
    switch (copy->decided) {
    case RECIPIENT_DELIVERED:
        if (copy->delivered == 0 && !at_home)
            letters_violate(letters, "letter %u: %s is said to have it, and has not", letter->number, to->address);
        break;
    case RECIPIENT_BOUNCED:
    case RECIPIENT_EXPIRED:
        if (letter->sender[0] == 0 && !m->bad && !m->held)
            letters_violate(letters, "letter %u: %s failed, nobody can be told, and it is not kept", letter->number, to->address);
        if (letter_wants(letter, to, "FAILURE") && copy->failed == 0 && m->notices_kept == 0)
            letters_violate(letters, "letter %u: %s failed, and no notice came", letter->number, to->address);
        break;
    default:
        if (!m->held)
            letters_violate(letters, "letter %u: nothing was decided about %s, and it is gone", letter->number, to->address);
    }
}

/* ---- messages ---- */

static void message_check(struct letters *letters, const struct letter_message *m, letters_local *local, void *context)
{
    const struct letter *letter = m->letter;
    bool there = m->may_have_ended || m->held || m->bad;
    if (m->stored && !there)
        letters_violate(letters, "letter %u: accepted, and it is nowhere", letter->number);
    struct buffer file;
    buffer_init(&file, 64 << 20);
    for (uint32_t i = 0; i < letter->recipient_count; i++) {
        const struct letter_copy *copy = &m->copies[i];
        bool at_home = false;
        buffer_clear(&file);
        if (local(context, m->id, i, &file))
            at_home = local_intact(letter, buffer_slice(&file));
        deliveries_check(letters, letter, letter->recipients[i].address, copy);
        told_check(letters, m, i, at_home);
        if (there)
            decision_check(letters, m, i, at_home);
    }
    buffer_done(&file);
}

static void letter_check(struct letters *letters, const struct letter *letter, letters_local *local, void *context)
{
    uint32_t arrived = 0, stored = 0;
    for (const struct letter_message *m = letter->messages; m; m = m->next) {
        bool any = false;
        for (uint32_t i = 0; i < letter->recipient_count; i++)
            any |= m->copies[i].delivered > 0;
        arrived += any;
        stored += m->stored;
        message_check(letters, m, local, context);
    }
    if (stored < letter->accepted)
        letters_violate(letters, "letter %u: accepted %u times, stored %u times", letter->number, letter->accepted, stored);
    if (arrived > letter->accepted + letter->unknown)
        letters_violate(letters, "letter %u: %u messages arrived of %u submissions", letter->number, arrived,
                        letter->accepted + letter->unknown);
}

void letters_check(struct letters *letters, letters_local *local, void *context)
{
    for (uint32_t i = 0; i < letters->count; i++)
        letter_check(letters, &letters->all[i], local, context);
    size_t position = 0;
    for (struct letter_notice *n; (n = table_next(&letters->notices, &position)) != NULL;) {
        if (n->alert)
            continue;
        if (!n->about) {
            letters_violate(letters, "a notice about nothing");
            continue;
        }
        const struct letter *letter = n->about->letter;
        deliveries_check(letters, letter, letter->sender, &n->copy);
        if (n->stored && !n->may_have_ended && !n->kept)
            letters_violate(letters, "letter %u: a notice about it is nowhere", letter->number);
        if (n->ended && n->copy.delivered == 0)
            letters_violate(letters, "letter %u: a notice about it has ended, and nobody got it", letter->number);
    }
}
