/* What a person is told: what happened to which message, for whom, what the other side said, what this server does next
 * and what can be done. Recipients whose story is the same share it.
 *
 * All values are cleaned before they go into a sentence, so that the result is one line a paragraph; only here are lines
 * made. The order of the paragraphs is the same in every notice. */
#include "proto/dsn_work.h"

#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"

enum {
    LINE_COLUMNS = 72,
    REPLY_SIZE_MAX = 600, /* of the answer that decided, in the text; the machine's part has all of it */
    OTHER_REPLY_SIZE_MAX = 200,
    CAUSE_SIZE_MAX = 1000,
    ADDRESS_TOLD_SIZE_MAX = 600,
};

/* The places that sentences may have; each always has a value, of the notice or of the recipient that is told of. */
enum place {
    PLACE_MESSAGE,
    PLACE_COUNT_OF,
    PLACE_DATE,
    PLACE_SUBJECT,
    PLACE_SENDER,
    PLACE_NAME,
    PLACE_ID,
    PLACE_POSTMASTER,
    PLACE_HOST,
    PLACE_DOMAIN,
    PLACE_COUNT,
};

static const char *const place_names[PLACE_COUNT] = {
    [PLACE_MESSAGE] = "message",       [PLACE_COUNT_OF] = "count", [PLACE_DATE] = "date", [PLACE_SUBJECT] = "subject",
    [PLACE_SENDER] = "sender",         [PLACE_NAME] = "name",      [PLACE_ID] = "id",     [PLACE_HOST] = "host",
    [PLACE_POSTMASTER] = "postmaster", [PLACE_DOMAIN] = "domain",
};

/* Sentences for what no reply decided. */
static const enum text_id cause_texts[OUTCOME_CAUSE_COUNT] = {
    [OUTCOME_CAUSE_NONE] = TEXT_DSN_CAUSE_NONE,
    [OUTCOME_CAUSE_REPLY] = TEXT_DSN_REPLY,
    [OUTCOME_CAUSE_TIMEOUT] = TEXT_DSN_CAUSE_TIMEOUT,
    [OUTCOME_CAUSE_LOST] = TEXT_DSN_CAUSE_LOST,
    [OUTCOME_CAUSE_REFUSED] = TEXT_DSN_CAUSE_REFUSED,
    [OUTCOME_CAUSE_UNREACHABLE] = TEXT_DSN_CAUSE_UNREACHABLE,
    [OUTCOME_CAUSE_PROTOCOL] = TEXT_DSN_CAUSE_PROTOCOL,
    [OUTCOME_CAUSE_REMEMBERED] = TEXT_DSN_CAUSE_REMEMBERED,
    [OUTCOME_CAUSE_DNS_TEMP] = TEXT_DSN_CAUSE_DNS_TEMP,
    [OUTCOME_CAUSE_DNS_NXDOMAIN] = TEXT_DSN_CAUSE_NXDOMAIN,
    [OUTCOME_CAUSE_DNS_NODATA] = TEXT_DSN_CAUSE_NODATA,
    [OUTCOME_CAUSE_DNS_NULL_MX] = TEXT_DSN_CAUSE_NULL_MX,
    [OUTCOME_CAUSE_OURSELVES] = TEXT_DSN_CAUSE_OURSELVES,
    [OUTCOME_CAUSE_TLS_FAILED] = TEXT_DSN_CAUSE_TLS_FAILED,
    [OUTCOME_CAUSE_TLS_NOT_OFFERED] = TEXT_DSN_CAUSE_TLS_NOT_OFFERED,
    [OUTCOME_CAUSE_TLS_UNVERIFIED] = TEXT_DSN_CAUSE_TLS_UNVERIFIED,
    [OUTCOME_CAUSE_AUTH_NO_MECHANISM] = TEXT_DSN_CAUSE_LOGIN,
    [OUTCOME_CAUSE_AUTH_CLEAR] = TEXT_DSN_CAUSE_LOGIN,
    [OUTCOME_CAUSE_AUTH_SECRET] = TEXT_DSN_CAUSE_LOGIN,
    [OUTCOME_CAUSE_RESTING] = TEXT_DSN_CAUSE_RESTING,
    [OUTCOME_CAUSE_SIZE] = TEXT_DSN_CAUSE_SIZE,
    [OUTCOME_CAUSE_SMTPUTF8] = TEXT_DSN_CAUSE_SMTPUTF8,
    [OUTCOME_CAUSE_SIBLING] = TEXT_DSN_CAUSE_SIBLING,
    [OUTCOME_CAUSE_LOCAL] = TEXT_DSN_CAUSE_LOCAL,
    [OUTCOME_CAUSE_EXPIRED] = TEXT_DSN_CAUSE_EXPIRED,
    [OUTCOME_CAUSE_HOPS] = TEXT_DSN_CAUSE_HOPS,
    [OUTCOME_CAUSE_ADMIN] = TEXT_DSN_CAUSE_ADMIN,
    [OUTCOME_CAUSE_CONVERSION] = TEXT_DSN_CAUSE_CONVERSION,
};

struct teller {
    const struct dsn *dsn;
    struct buffer *out;
    struct buffer paragraph; /* the one being made, one line */
    struct arena arena;      /* what the places hold */
    struct text_argument arguments[PLACE_COUNT];
};

/* ---- values ---- */

static struct slice keep(struct teller *t, struct buffer *value)
{
    struct slice kept = arena_copy(&t->arena, buffer_slice(value));
    buffer_done(value);
    return kept;
}

static struct slice clean(struct teller *t, struct slice text, size_t size_max)
{
    struct buffer value;
    buffer_init(&value, size_max);
    dsn_add_clean(text, true, size_max, &value);
    return keep(t, &value);
}

static struct slice text_value(struct teller *t, enum text_id id)
{
    return slice_of(text_get(id, t->dsn->language));
}

/* "mx.example.org (192.0.2.1)" */
static struct slice host_value(struct teller *t, const struct outcome *outcome)
{
    struct buffer value;
    if (outcome->host.size == 0 && outcome->address.size == 0)
        return text_value(t, TEXT_DSN_HOST_UNKNOWN);
    buffer_init(&value, 2 * DSN_VALUE_SIZE_MAX);
    dsn_add_clean(outcome->host, true, DSN_VALUE_SIZE_MAX, &value);
    if (outcome->host.size > 0 && outcome->address.size > 0)
        buffer_add_text(&value, " (");
    dsn_add_clean(outcome->address, false, DSN_VALUE_SIZE_MAX - 3, &value);
    if (outcome->host.size > 0 && outcome->address.size > 0)
        buffer_add_char(&value, ')');
    return keep(t, &value);
}

/* In UTC, as a date is said in the language; from the digits of RFC 3339. */
static struct slice date_value(struct teller *t, int64_t wall_us)
{
    char date[DATE_SIZE_MAX];
    date_rfc3339(wall_us, date);
    unsigned month = (unsigned)(date[5] - '0') * 10 + (unsigned)(date[6] - '0');
    struct slice day = slice(date + 8, 2);
    if (day.data[0] == '0')
        day = slice_after(day, 1);
    if (slice_equal(day, SLICE("1")))
        day = text_value(t, TEXT_DSN_FIRST_OF_MONTH);
    struct buffer value;
    buffer_init(&value, DSN_VALUE_SIZE_MAX);
    text_format(&value, t->dsn->language, TEXT_DSN_DATE,
                TEXT_ARGUMENTS({ "day", day }, { "month", text_value(t, TEXT_DSN_MONTH_1 + (month - 1)) },
                               { "year", slice(date, 4) }, { "time", slice(date + 11, 5) }));
    return keep(t, &value);
}

/* ---- paragraphs ---- */

static size_t columns(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

/* Writes the paragraph in lines, `first` before the first one and blanks of the same width before the others. */
static void flow(struct teller *t, const char *first)
{
    struct slice rest = buffer_slice(&t->paragraph);
    size_t indent = strlen(first), column = indent;
    buffer_add_text(t->out, first);
    while (rest.size > 0) {
        struct slice word = slice_split(&rest, ' ');
        size_t width = columns(word);
        if (word.size == 0)
            continue;
        if (column > indent && column + 1 + width > LINE_COLUMNS) {
            buffer_add_text(t->out, "\r\n");
            for (size_t i = 0; i < indent; i++)
                buffer_add_char(t->out, ' ');
            column = indent;
        }
        if (column > indent) {
            buffer_add_char(t->out, ' ');
            column++;
        }
        buffer_add(t->out, word);
        column += width;
    }
    buffer_add_text(t->out, "\r\n");
    buffer_clear(&t->paragraph);
}

static void blank_line(struct teller *t)
{
    buffer_add_text(t->out, "\r\n");
}

static void say(struct teller *t, enum text_id id)
{
    if (t->paragraph.size > 0)
        buffer_add_char(&t->paragraph, ' ');
    text_format(&t->paragraph, t->dsn->language, id, t->arguments, PLACE_COUNT);
}

static void say_line(struct teller *t, enum text_id id, const char *first)
{
    say(t, id);
    flow(t, first);
}

/* ---- one recipient ---- */

static void quote_code(struct teller *t, const struct outcome *outcome)
{
    char code[16];
    if (outcome->code == 0)
        return;
    enhanced_code_format(outcome->enhanced, code);
    buffer_add_format(&t->paragraph, "%03u %s ", outcome->code % 1000u, code);
}

/* What the host said, a line a line. */
static void quote(struct teller *t, const struct outcome *outcome)
{
    struct slice rest = slice_part(outcome->text, 0, REPLY_SIZE_MAX);
    if (outcome->code == 0 && rest.size == 0)
        return;
    blank_line(t);
    quote_code(t, outcome);
    do {
        dsn_add_clean(slice_split(&rest, '\n'), true, REPLY_SIZE_MAX, &t->paragraph);
        if (t->paragraph.size > 0)
            flow(t, "        ");
    } while (rest.size > 0);
}

static enum text_id reply_text(const struct outcome *outcome)
{
    if (outcome->class == OUTCOME_OK)
        return TEXT_DSN_REPLY_OK;
    if (outcome->stage == STAGE_AUTH || outcome->stage == STAGE_POP)
        return TEXT_DSN_REPLY_LOGIN;
    if (outcome->class == OUTCOME_TEMP)
        return TEXT_DSN_REPLY_TEMP;
    switch (outcome->stage) {
    case STAGE_BANNER:
    case STAGE_EHLO: return TEXT_DSN_REPLY_BANNER;
    case STAGE_MAIL: return TEXT_DSN_REPLY_MAIL;
    case STAGE_RCPT: return TEXT_DSN_REPLY_RCPT;
    case STAGE_DATA:
    case STAGE_DOT: return TEXT_DSN_REPLY_DATA;
    default: return TEXT_DSN_REPLY;
    }
}

static enum text_id outcome_text(const struct outcome *outcome)
{
    if (outcome->cause == OUTCOME_CAUSE_REPLY)
        return reply_text(outcome);
    if (outcome->cause == OUTCOME_CAUSE_TIMEOUT && outcome->stage <= STAGE_CONNECT)
        return TEXT_DSN_CAUSE_NO_ANSWER;
    assert((size_t)outcome->cause < OUTCOME_CAUSE_COUNT);
    return cause_texts[outcome->cause];
}

/* A16: the answers of the domain's other hosts, one line each. */
static void tell_others(struct teller *t, const struct dsn_recipient *r)
{
    size_t told = r->other_count < DSN_OTHERS_MAX ? r->other_count : DSN_OTHERS_MAX;
    if (told == 0)
        return;
    blank_line(t);
    say_line(t, TEXT_DSN_OTHERS, "    ");
    for (size_t i = 0; i < told; i++) {
        const struct outcome *other = &r->others[i];
        t->arguments[PLACE_HOST].value = host_value(t, other);
        if (other->cause == OUTCOME_CAUSE_REPLY) {
            say(t, TEXT_DSN_OTHER_REPLY);
            buffer_add_char(&t->paragraph, ' ');
            quote_code(t, other);
        } else {
            say(t, outcome_text(other));
            buffer_add_char(&t->paragraph, ' ');
        }
        dsn_add_clean(other->text, true, OTHER_REPLY_SIZE_MAX, &t->paragraph);
        flow(t, "      - ");
    }
    if (told < r->other_count) {
        buffer_add_format(&t->paragraph, "(+ %zu)", r->other_count - told);
        flow(t, "      - ");
    }
}

/* The fault lies here, whatever was answered. */
static bool fault_is_ours(const struct dsn_recipient *r)
{
    switch (r->outcome.cause) {
    case OUTCOME_CAUSE_AUTH_NO_MECHANISM:
    case OUTCOME_CAUSE_AUTH_CLEAR:
    case OUTCOME_CAUSE_AUTH_SECRET:
    case OUTCOME_CAUSE_LOCAL:
    case OUTCOME_CAUSE_HOPS:
    case OUTCOME_CAUSE_OURSELVES:
    case OUTCOME_CAUSE_ADMIN: return true;
    default: return r->cause.size > 0 || r->outcome.stage == STAGE_AUTH || r->outcome.stage == STAGE_POP;
    }
}

/* By RFC 3463's subjects and details. */
static enum text_id code_advice(struct enhanced_code code)
{
    switch (code.subject) {
    case 1:
        if (code.detail == 7 || code.detail == 8) /* it is the sender's address */
            return TEXT_DSN_ADVICE_POLICY;
        return code.detail == 2 || code.detail == 10 ? TEXT_DSN_ADVICE_DOMAIN : TEXT_DSN_ADVICE_ADDRESS;
    case 2:
        if (code.detail == 2)
            return TEXT_DSN_ADVICE_FULL;
        return code.detail == 3 ? TEXT_DSN_ADVICE_SIZE : TEXT_DSN_ADVICE_OTHER;
    case 3: return code.detail == 4 ? TEXT_DSN_ADVICE_SIZE : TEXT_DSN_ADVICE_OTHER;
    case 7: return TEXT_DSN_ADVICE_POLICY;
    default: return TEXT_DSN_ADVICE_OTHER;
    }
}

static enum text_id advice(const struct dsn_recipient *r)
{
    struct enhanced_code code = r->outcome.enhanced;
    if (fault_is_ours(r))
        return TEXT_DSN_ADVICE_OURS;
    if (r->outcome.in_doubt)
        return TEXT_DSN_ADVICE_IN_DOUBT;
    switch (r->outcome.cause) {
    case OUTCOME_CAUSE_DNS_NXDOMAIN:
    case OUTCOME_CAUSE_DNS_NODATA:
    case OUTCOME_CAUSE_DNS_NULL_MX: return TEXT_DSN_ADVICE_DOMAIN;
    case OUTCOME_CAUSE_SIZE: return TEXT_DSN_ADVICE_SIZE;
    case OUTCOME_CAUSE_SMTPUTF8:
    case OUTCOME_CAUSE_CONVERSION: return TEXT_DSN_ADVICE_OTHER;
    case OUTCOME_CAUSE_SIBLING: return TEXT_DSN_ADVICE_SIBLING;
    case OUTCOME_CAUSE_REPLY:
        if (code.class == 0)
            code = outcome_enhanced_default(&r->outcome);
        if (code_advice(code) == TEXT_DSN_ADVICE_OTHER && r->expired)
            return TEXT_DSN_ADVICE_LATER;
        return code_advice(code);
    default: return TEXT_DSN_ADVICE_LATER;
    }
}

static void tell_story(struct teller *t, const struct dsn_recipient *r)
{
    const struct outcome *outcome = &r->outcome;
    struct slice domain = slice_after(r->address, slice_find_last(r->address, '@') + 1);
    t->arguments[PLACE_HOST].value = host_value(t, outcome);
    t->arguments[PLACE_DOMAIN].value = clean(t, domain, DSN_VALUE_SIZE_MAX);
    bool success = r->action == DSN_ACTION_DELIVERED || r->action == DSN_ACTION_RELAYED;
    if (success) {
        say_line(t, r->action == DSN_ACTION_DELIVERED ? TEXT_DSN_WAS_DELIVERED : TEXT_DSN_WAS_RELAYED, "    ");
        return;
    }
    if (r->expired)
        say(t, outcome->cause == OUTCOME_CAUSE_NONE ? TEXT_DSN_CAUSE_EXPIRED : TEXT_DSN_EXPIRED);
    if (!r->expired || outcome->cause != OUTCOME_CAUSE_NONE)
        say(t, outcome_text(outcome));
    flow(t, "    ");
    quote(t, outcome);
    if (outcome->in_doubt) {
        blank_line(t);
        say_line(t, TEXT_DSN_IN_DOUBT, "    ");
    }
    tell_others(t, r);
    if (r->cause.size > 0) {
        blank_line(t);
        dsn_add_clean(r->cause, true, CAUSE_SIZE_MAX, &t->paragraph);
        flow(t, "    ");
    }
    if (r->action == DSN_ACTION_FAILED) {
        blank_line(t);
        say_line(t, advice(r), "    ");
    }
}

/* The same host said the same: one story for both. */
static bool same_story(const struct dsn_recipient *a, const struct dsn_recipient *b)
{
    const struct outcome *x = &a->outcome, *y = &b->outcome;
    struct slice domain_a = slice_after(a->address, slice_find_last(a->address, '@'));
    struct slice domain_b = slice_after(b->address, slice_find_last(b->address, '@'));
    return a->action == b->action && a->expired == b->expired && x->class == y->class && x->stage == y->stage &&
           x->cause == y->cause && x->code == y->code && x->enhanced.subject == y->enhanced.subject &&
           x->enhanced.detail == y->enhanced.detail && x->in_doubt == y->in_doubt && a->other_count == 0 &&
           b->other_count == 0 && slice_equal(x->text, y->text) && slice_equal(x->host, y->host) &&
           slice_equal(x->address, y->address) && slice_equal(a->cause, b->cause) && slice_equal(domain_a, domain_b);
}

static void set_count(struct teller *t, size_t count)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%zu", count);
    t->arguments[PLACE_COUNT_OF].value = arena_copy(&t->arena, slice_of(digits));
}

static void tell_recipients(struct teller *t)
{
    const struct dsn *dsn = t->dsn;
    size_t told = dsn->recipient_count < DSN_RECIPIENTS_TOLD_MAX ? dsn->recipient_count : DSN_RECIPIENTS_TOLD_MAX;
    for (size_t i = 0; i < told; i++) {
        const struct dsn_recipient *r = &dsn->recipients[i];
        if (i == 0 || !same_story(r - 1, r))
            blank_line(t);
        dsn_add_clean(r->address, true, ADDRESS_TOLD_SIZE_MAX, &t->paragraph);
        flow(t, "  ");
        if (i + 1 < told && same_story(r, r + 1))
            continue;
        blank_line(t);
        tell_story(t, r);
    }
    if (told < dsn->recipient_count) {
        set_count(t, dsn->recipient_count - told);
        blank_line(t);
        say_line(t, TEXT_DSN_MORE, "  ");
    }
}

/* ---- the whole text ---- */

static void tell_intro(struct teller *t)
{
    const struct dsn *dsn = t->dsn;
    bool one = dsn->recipient_count == 1;
    set_count(t, dsn->recipient_count);
    switch (dsn->kind) {
    case DSN_FAILED: say_line(t, one ? TEXT_DSN_FAILED_ONE : TEXT_DSN_FAILED_MANY, ""); break;
    case DSN_DELAYED:
        say(t, one ? TEXT_DSN_DELAYED_ONE : TEXT_DSN_DELAYED_MANY);
        say_line(t, dsn->give_up_us > 0 ? TEXT_DSN_DELAYED_UNTIL : TEXT_DSN_DELAYED_OPEN, "");
        break;
    case DSN_SUCCESS: say_line(t, TEXT_DSN_SUCCESS, ""); break;
    case DSN_DELIVERED_AFTER_DELAY: say_line(t, TEXT_DSN_AFTER_DELAY, ""); break;
    }
    if (dsn->for_postmaster) {
        blank_line(t);
        say_line(t, dsn->sender.size > 0 ? TEXT_DSN_POSTMASTER : TEXT_DSN_POSTMASTER_NULL, "");
    }
}

/* Which message it is. */
static void tell_message(struct teller *t)
{
    const struct dsn *dsn = t->dsn;
    blank_line(t);
    say_line(t, TEXT_DSN_DETAIL_SUBJECT, "  ");
    if (dsn->for_postmaster && dsn->sender.size > 0)
        say_line(t, TEXT_DSN_DETAIL_SENDER, "  ");
    if (dsn->arrival_us > 0) {
        t->arguments[PLACE_DATE].value = date_value(t, dsn->arrival_us);
        say_line(t, TEXT_DSN_DETAIL_RECEIVED, "  ");
    }
    if (dsn->original_id.size > 0)
        say_line(t, TEXT_DSN_DETAIL_ID, "  ");
}

/* The session as the owner has noted it; of a long one the end, because there it went wrong. */
static void tell_transcript(struct teller *t)
{
    struct slice rest = t->dsn->transcript;
    if (rest.size == 0)
        return;
    blank_line(t);
    say_line(t, TEXT_DSN_TRANSCRIPT, "");
    blank_line(t);
    if (rest.size > DSN_TRANSCRIPT_SIZE_MAX) {
        rest = slice_after(rest, rest.size - DSN_TRANSCRIPT_SIZE_MAX);
        slice_split(&rest, '\n');
        buffer_add_text(t->out, "  [...]\r\n");
    }
    while (rest.size > 0) {
        struct slice line = slice_split(&rest, '\n');
        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        buffer_add_text(t->out, "  ");
        dsn_add_clean(line, true, DSN_TRANSCRIPT_SIZE_MAX, t->out);
        buffer_add_text(t->out, "\r\n");
    }
}

static void teller_init(struct teller *t, const struct dsn *dsn, struct buffer *out)
{
    *t = (struct teller){ .dsn = dsn, .out = out };
    buffer_init(&t->paragraph, 8 * DSN_VALUE_SIZE_MAX + CAUSE_SIZE_MAX);
    arena_init(&t->arena);
    for (size_t i = 0; i < PLACE_COUNT; i++)
        t->arguments[i] = (struct text_argument){ place_names[i], SLICE_EMPTY };
    struct slice subject = slice_trim(dsn->subject);
    t->arguments[PLACE_MESSAGE].value =
        text_value(t, dsn->for_postmaster ? TEXT_DSN_THE_MESSAGE : TEXT_DSN_YOUR_MESSAGE);
    t->arguments[PLACE_SUBJECT].value =
        subject.size > 0 ? clean(t, subject, DSN_SUBJECT_SIZE_MAX) : text_value(t, TEXT_DSN_NO_SUBJECT);
    t->arguments[PLACE_SENDER].value = clean(t, dsn->sender, ADDRESS_TOLD_SIZE_MAX);
    t->arguments[PLACE_NAME].value = clean(t, dsn->our_name, DSN_VALUE_SIZE_MAX);
    t->arguments[PLACE_ID].value = clean(t, dsn->original_id, DSN_VALUE_SIZE_MAX);
    t->arguments[PLACE_POSTMASTER].value = clean(t, dsn->postmaster, ADDRESS_TOLD_SIZE_MAX);
    if (dsn->give_up_us > 0)
        t->arguments[PLACE_DATE].value = date_value(t, dsn->give_up_us);
}

static void teller_done(struct teller *t)
{
    arena_done(&t->arena);
    buffer_done(&t->paragraph);
}

void dsn_add_subject(const struct dsn *dsn, struct buffer *out)
{
    static const enum text_id subjects[] = {
        [DSN_FAILED] = TEXT_DSN_SUBJECT_FAILED,
        [DSN_DELAYED] = TEXT_DSN_SUBJECT_DELAYED,
        [DSN_SUCCESS] = TEXT_DSN_SUBJECT_SUCCESS,
        [DSN_DELIVERED_AFTER_DELAY] = TEXT_DSN_SUBJECT_AFTER_DELAY,
    };
    struct teller t;
    assert((size_t)dsn->kind < sizeof subjects / sizeof subjects[0]);
    teller_init(&t, dsn, out);
    say(&t, subjects[dsn->kind]);
    buffer_add(out, buffer_slice(&t.paragraph));
    teller_done(&t);
}

void dsn_add_told(const struct dsn *dsn, struct buffer *out)
{
    struct teller t;
    teller_init(&t, dsn, out);
    tell_intro(&t);
    tell_message(&t);
    tell_recipients(&t);
    blank_line(&t);
    if (!dsn->for_postmaster && dsn->postmaster.size > 0 && dsn->original_id.size > 0)
        say(&t, TEXT_DSN_HELP);
    say_line(&t, dsn->header_only ? TEXT_DSN_ATTACHED_HEADER : TEXT_DSN_ATTACHED_WHOLE, "");
    tell_transcript(&t);
    teller_done(&t);
}
