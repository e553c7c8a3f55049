#include "policy/refusal.h"

#include <string.h>

#include "proto/ip.h"

/* ---- text ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Lower case, runs of blanks and line breaks as one space: replies are wrapped where it pleases the server. */
static struct slice folded(struct slice text, char *room)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size && size < OUTCOME_TEXT_SIZE_MAX; i++) {
        if (!blank(text.data[i]))
            room[size++] = lower(text.data[i]);
        else if (size > 0 && room[size - 1] != ' ')
            room[size++] = ' ';
    }
    return slice(room, size);
}

static bool has(struct slice text, struct slice phrase)
{
    return phrase.size > 0 && slice_find_slice(text, phrase) < text.size;
}

static bool has_any(struct slice text, const struct slice *phrases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (has(text, phrases[i]))
            return true;
    }
    return false;
}

/* ---- the data file ---- */

void refusal_phrases_parse(struct slice text, struct arena *arena, struct refusal_phrases *ret_phrases)
{
    struct refusal_phrases p = { .items = arena_array(arena, struct slice, REFUSAL_PHRASES_MAX),
                                 .exceptions = arena_array(arena, struct slice, REFUSAL_PHRASES_MAX) };
    while (text.size > 0) {
        struct slice line = slice_trim(slice_split(&text, '\n'));
        bool exception = line.size > 0 && line.data[0] == '!';
        if (exception)
            line = slice_trim(slice_after(line, 1));
        if (line.size == 0 || line.data[0] == '#')
            continue;
        char room[OUTCOME_TEXT_SIZE_MAX];
        struct slice phrase = arena_copy(arena, folded(line, room));
        if (exception && p.exception_count < REFUSAL_PHRASES_MAX)
            p.exceptions[p.exception_count++] = phrase;
        else if (!exception && p.count < REFUSAL_PHRASES_MAX)
            p.items[p.count++] = phrase;
    }
    *ret_phrases = p;
}

/* ---- A13: a direct host refuses us as a client ---- */

static bool of_address(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '.' || c == ':';
}

struct numeric {
    int family;
    uint8_t octets[16];
};

static bool is_address(struct slice word, const struct numeric *wanted)
{
    uint8_t found[16] = { 0 };
    return ip_parse(word, found) == wanted->family && memcmp(found, wanted->octets, wanted->family == 4 ? 4 : 16) == 0;
}

/* A word as replies have it: with the full stop or colon of the sentence, with a port, with the "6:" that is left of an
 * "IPv6:" literal. */
static bool names_address(struct slice word, const struct numeric *wanted)
{
    if (is_address(word, wanted))
        return true;
    if (wanted->family == 4)
        word = slice_part(word, 0, slice_find(word, ':'));
    else if (slice_starts_with(word, SLICE("6:")))
        word = slice_after(word, 2);
    if (is_address(word, wanted))
        return true;
    return word.size > 0 && (word.data[word.size - 1] == '.' || word.data[word.size - 1] == ':') &&
           is_address(slice_part(word, 0, word.size - 1), wanted);
}

/* Is the address among the words of the text? Compared by value: 2001:DB8:0:0::1 is 2001:db8::1, and 192.0.2.1 does not
 * stand in 192.0.2.10. */
static bool quotes_address(struct slice text, struct slice address)
{
    struct numeric wanted = { 0 };
    wanted.family = ip_parse(address, wanted.octets);
    if (wanted.family == 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        size_t from = i;
        while (i < text.size && of_address(text.data[i]))
            i++;
        if (names_address(slice_part(text, from, i - from), &wanted))
            return true;
    }
    return false;
}

static bool at_transaction(enum stage stage)
{
    return stage == STAGE_MAIL || stage == STAGE_RCPT || stage == STAGE_DATA || stage == STAGE_DOT;
}

/* A server that greylists names us to say whom it makes wait; that is A11's matter, not a refusal of direct connections. */
static bool greylisting(struct slice text)
{
    return has(text, SLICE("greylist")) || has(text, SLICE("graylist")) || has(text, SLICE("grey-list")) ||
           has(text, SLICE("grey list"));
}

enum refusal refusal_of_direct(const struct outcome *outcome, enum config_fallback_policy fallback,
                               const struct refusal_phrases *phrases, struct slice own_address)
{
    if (fallback == FALLBACK_POLICY_NO || outcome->cause != OUTCOME_CAUSE_REPLY || !at_transaction(outcome->stage) ||
        outcome_class_of_code(outcome->code) < OUTCOME_TEMP)
        return REFUSAL_LETTER;
    if (outcome->code == 556) /* RFC 7504: the domain takes no mail, which no other way would change (A7) */
        return REFUSAL_LETTER;
    if (outcome->enhanced.subject == 7 && (outcome->enhanced.detail == 25 || fallback == FALLBACK_POLICY_ALL))
        return REFUSAL_CLIENT;
    char room[OUTCOME_TEXT_SIZE_MAX];
    struct slice text = folded(outcome->text, room);
    if (outcome->class == OUTCOME_TEMP && greylisting(text))
        return REFUSAL_LETTER;
    if (quotes_address(text, own_address))
        return REFUSAL_CLIENT;
    if (has_any(text, phrases->exceptions, phrases->exception_count))
        return REFUSAL_LETTER;
    return has_any(text, phrases->items, phrases->count) ? REFUSAL_CLIENT : REFUSAL_LETTER;
}

/* ---- A23a: the smart host refuses our right to use it ---- */

/* Enhanced codes (class 5) that speak of the submitting client, login or tenant, whatever the letter is: RFC 3463, 4954,
 * 7372 and the documented ones of large providers. Wrong recipients, contents and sender addresses are not among them. */
static const struct {
    uint16_t subject, detail;
} right_codes[] = {
    { 4, 5 },   /* Google: the daily quota of the login is used up */
    { 7, 8 },   /* RFC 4954: credentials invalid */
    { 7, 9 },   /* RFC 4954: mechanism too weak */
    { 7, 11 },  /* RFC 4954: encryption needed for the mechanism */
    { 7, 14 },  /* trust relationship required; Google: log in by browser */
    { 7, 25 },  /* RFC 7372: our address has no valid reverse name */
    { 7, 57 },  /* Microsoft: the client was not authenticated */
    { 7, 64 },  /* Microsoft: tenant attribution, relay access denied */
    { 7, 139 }, /* Microsoft: basic authentication is switched off */
    { 7, 705 }, /* Microsoft: the tenant has exceeded its threshold */
    { 7, 708 }, /* Microsoft: no traffic from this address */
    { 7, 750 }, /* Microsoft: the tenant may not send */
};

static const char *const right_phrases[] = {
    "relay access denied",
    "relaying denied",
    "relay denied",
    "relaying not allowed",
    "relay not permitted",
    "relaying is not permitted",
    "not permitted to relay",
    "not allowed to relay",
    "unable to relay",
    "cannot relay",
    "do not relay",
    "no relaying",
    "authentication required",
    "authentication is required",
    "requires authentication",
    "authentication needed",
    "must authenticate",
    "please authenticate",
    "not authenticated",
    "authenticate first",
    "must log in",
    "login required",
    "client host [",
    "client host rejected",
    "submission quota",
    "sending quota",
    "sending limit",
    "daily user sending",
    "daily message quota",
    "account suspended",
    "account has been suspended",
    "account is disabled",
};

static bool refuses_right(const struct outcome *outcome)
{
    /* 530 and 538 are RFC 4954's; 534 and 535 belong to AUTH and are given at MAIL by servers that ask for a new login. */
    if (outcome->code == 530 || outcome->code == 534 || outcome->code == 535 || outcome->code == 538)
        return true;
    for (size_t i = 0; i < sizeof(right_codes) / sizeof(right_codes[0]); i++) {
        if (outcome->enhanced.subject == right_codes[i].subject && outcome->enhanced.detail == right_codes[i].detail)
            return true;
    }
    /* 5.2.2: a full mailbox. At MAIL it can only be the one that submits; at RCPT it is the recipient's; later the text
     * tells (the phrases: "submission quota"). */
    if (outcome->enhanced.subject == 2 && outcome->enhanced.detail == 2 && outcome->stage == STAGE_MAIL)
        return true;
    char room[OUTCOME_TEXT_SIZE_MAX];
    struct slice text = folded(outcome->text, room);
    for (size_t i = 0; i < sizeof(right_phrases) / sizeof(right_phrases[0]); i++) {
        if (has(text, slice_of(right_phrases[i])))
            return true;
    }
    return false;
}

enum refusal refusal_of_smarthost(const struct outcome *outcome)
{
    switch (outcome->cause) {
    case OUTCOME_CAUSE_AUTH_NO_MECHANISM:
    case OUTCOME_CAUSE_AUTH_CLEAR:
    case OUTCOME_CAUSE_AUTH_SECRET:
        return REFUSAL_RIGHT;
    case OUTCOME_CAUSE_REPLY:
        break;
    default:
        return REFUSAL_LETTER;
    }
    if (outcome->class == OUTCOME_TEMP && outcome->stage != STAGE_TLS &&
        (outcome->code == 421 || outcome->code == 432 || outcome->code == 452 || outcome->code == 454))
        return REFUSAL_PACE;
    if (outcome->stage == STAGE_AUTH)
        return outcome->class >= OUTCOME_TEMP ? REFUSAL_RIGHT : REFUSAL_LETTER;
    if (outcome->class == OUTCOME_PERM && at_transaction(outcome->stage) && refuses_right(outcome))
        return REFUSAL_RIGHT;
    return REFUSAL_LETTER;
}
