#include "proto/outcome.h"

#include <assert.h>
#include <stdio.h>

#include "base/planted.h"

static const char *const stage_names[] = {
    [STAGE_NONE] = "",     [STAGE_DNS] = "dns",   [STAGE_CONNECT] = "connect", [STAGE_BANNER] = "banner",
    [STAGE_EHLO] = "ehlo", [STAGE_TLS] = "tls",   [STAGE_AUTH] = "auth",       [STAGE_MAIL] = "mail",
    [STAGE_RCPT] = "rcpt", [STAGE_DATA] = "data", [STAGE_DOT] = "dot",         [STAGE_POP] = "pop",
};

static const char *const cause_names[OUTCOME_CAUSE_COUNT] = {
    [OUTCOME_CAUSE_NONE] = "none",
    [OUTCOME_CAUSE_REPLY] = "reply",
    [OUTCOME_CAUSE_TIMEOUT] = "timeout",
    [OUTCOME_CAUSE_LOST] = "lost",
    [OUTCOME_CAUSE_REFUSED] = "refused",
    [OUTCOME_CAUSE_UNREACHABLE] = "unreachable",
    [OUTCOME_CAUSE_PROTOCOL] = "protocol",
    [OUTCOME_CAUSE_REMEMBERED] = "remembered",
    [OUTCOME_CAUSE_DNS_TEMP] = "dns-temp",
    [OUTCOME_CAUSE_DNS_NXDOMAIN] = "dns-nxdomain",
    [OUTCOME_CAUSE_DNS_NODATA] = "dns-nodata",
    [OUTCOME_CAUSE_DNS_NULL_MX] = "dns-null-mx",
    [OUTCOME_CAUSE_OURSELVES] = "ourselves",
    [OUTCOME_CAUSE_TLS_FAILED] = "tls-failed",
    [OUTCOME_CAUSE_TLS_NOT_OFFERED] = "tls-not-offered",
    [OUTCOME_CAUSE_TLS_UNVERIFIED] = "tls-unverified",
    [OUTCOME_CAUSE_AUTH_NO_MECHANISM] = "auth-no-mechanism",
    [OUTCOME_CAUSE_AUTH_CLEAR] = "auth-clear",
    [OUTCOME_CAUSE_AUTH_SECRET] = "auth-secret",
    [OUTCOME_CAUSE_RESTING] = "resting",
    [OUTCOME_CAUSE_SIZE] = "size",
    [OUTCOME_CAUSE_SMTPUTF8] = "smtputf8",
    [OUTCOME_CAUSE_SIBLING] = "sibling",
    [OUTCOME_CAUSE_LOCAL] = "local",
    [OUTCOME_CAUSE_EXPIRED] = "expired",
    [OUTCOME_CAUSE_HOPS] = "hops",
    [OUTCOME_CAUSE_ADMIN] = "admin",
    [OUTCOME_CAUSE_CONVERSION] = "conversion",
};

/* RFC 3463 subject and detail where no reply has told them. 0.0 rows leave it to the stage. */
static const struct {
    uint8_t subject, detail;
} cause_codes[OUTCOME_CAUSE_COUNT] = {
    [OUTCOME_CAUSE_TIMEOUT] = { 4, 2 },
    [OUTCOME_CAUSE_LOST] = { 4, 2 },
    [OUTCOME_CAUSE_REFUSED] = { 4, 1 },
    [OUTCOME_CAUSE_UNREACHABLE] = { 4, 1 },
    [OUTCOME_CAUSE_PROTOCOL] = { 5, 0 },
    [OUTCOME_CAUSE_REMEMBERED] = { 4, 1 },
    [OUTCOME_CAUSE_DNS_TEMP] = { 4, 3 },
    [OUTCOME_CAUSE_DNS_NXDOMAIN] = { 1, 2 },
    [OUTCOME_CAUSE_DNS_NODATA] = { 4, 4 },
    [OUTCOME_CAUSE_DNS_NULL_MX] = { 1, 10 },
    [OUTCOME_CAUSE_OURSELVES] = { 4, 6 },
    [OUTCOME_CAUSE_TLS_FAILED] = { 7, 5 },
    [OUTCOME_CAUSE_TLS_NOT_OFFERED] = { 7, 4 },
    [OUTCOME_CAUSE_TLS_UNVERIFIED] = { 7, 5 },
    [OUTCOME_CAUSE_AUTH_NO_MECHANISM] = { 7, 4 },
    [OUTCOME_CAUSE_AUTH_CLEAR] = { 7, 11 },
    [OUTCOME_CAUSE_AUTH_SECRET] = { 7, 8 },
    [OUTCOME_CAUSE_RESTING] = { 4, 1 },
    [OUTCOME_CAUSE_SIZE] = { 3, 4 },
    [OUTCOME_CAUSE_SMTPUTF8] = { 6, 7 },
    [OUTCOME_CAUSE_LOCAL] = { 3, 0 },
    [OUTCOME_CAUSE_EXPIRED] = { 4, 7 },
    [OUTCOME_CAUSE_HOPS] = { 4, 6 },
    [OUTCOME_CAUSE_CONVERSION] = { 6, 3 },
};

const char *stage_name(enum stage stage)
{
    assert((size_t)stage < sizeof(stage_names) / sizeof(stage_names[0]));
    return stage_names[stage];
}

const char *outcome_class_name(enum outcome_class class)
{
    static const char *const names[] = { "none", "ok", "temp", "perm" };
    assert((size_t)class < sizeof(names) / sizeof(names[0]));
    return names[class];
}

const char *outcome_cause_name(enum outcome_cause cause)
{
    assert((size_t)cause < OUTCOME_CAUSE_COUNT);
    return cause_names[cause];
}

enum outcome_class outcome_class_of_code(uint16_t code)
{
    switch (code / 100) {
    case 2:
    case 3:
        return OUTCOME_OK;
    case 4:
        return OUTCOME_TEMP;
    case 5:
        return planted(PLANTED_CLASS) ? OUTCOME_TEMP : OUTCOME_PERM;
    default:
        return OUTCOME_NONE;
    }
}

struct enhanced_code outcome_enhanced_default(const struct outcome *outcome)
{
    assert((size_t)outcome->cause < OUTCOME_CAUSE_COUNT);
    struct enhanced_code code = { 0 };
    switch (outcome->class) {
    case OUTCOME_NONE:
        return code;
    case OUTCOME_OK:
        code.class = 2;
        return code;
    case OUTCOME_TEMP:
        code.class = 4;
        break;
    case OUTCOME_PERM:
        code.class = 5;
        break;
    }
    if (outcome->cause == OUTCOME_CAUSE_REPLY) {
        if (outcome->stage == STAGE_BANNER || outcome->stage == STAGE_EHLO) {
            code.subject = 3;
            code.detail = 2;
        }
        return code;
    }
    /* Timed out before there was a connection: no answer from the host, rather than a bad connection. */
    if (outcome->cause == OUTCOME_CAUSE_TIMEOUT && outcome->stage == STAGE_CONNECT) {
        code.subject = 4;
        code.detail = 1;
        return code;
    }
    code.subject = cause_codes[outcome->cause].subject;
    code.detail = cause_codes[outcome->cause].detail;
    return code;
}

/* class "." subject "." detail, RFC 3463 2: one digit, then one to three digits each. What follows must be the end or
 * a blank: "5.7.1.2 is blocked" is an address and no code. */
static bool number(struct slice *text, uint16_t *ret_value)
{
    size_t digits = 0;
    unsigned value = 0;
    while (digits < text->size && digits < 3 && text->data[digits] >= '0' && text->data[digits] <= '9') {
        value = value * 10 + (unsigned)(text->data[digits] - '0');
        digits++;
    }
    if (digits == 0)
        return false;
    *text = slice_after(*text, digits);
    *ret_value = (uint16_t)value;
    return true;
}

static bool dot(struct slice *text)
{
    if (text->size == 0 || text->data[0] != '.')
        return false;
    *text = slice_after(*text, 1);
    return true;
}

bool enhanced_code_parse(struct slice text, struct enhanced_code *ret_code, struct slice *ret_rest)
{
    if (text.size == 0 || (text.data[0] != '2' && text.data[0] != '4' && text.data[0] != '5'))
        return false;
    struct enhanced_code code = { .class = (uint8_t)(text.data[0] - '0') };
    text = slice_after(text, 1);
    if (!dot(&text) || !number(&text, &code.subject) || !dot(&text) || !number(&text, &code.detail))
        return false;
    if (text.size > 0 && text.data[0] != ' ' && text.data[0] != '\t')
        return false;
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_after(text, 1);
    *ret_code = code;
    *ret_rest = text;
    return true;
}

void enhanced_code_format(struct enhanced_code code, char text[static 16])
{
    if (code.class == 0) {
        text[0] = '\0';
        return;
    }
    /* Three-digit numbers; wider ones, which only a decoded record could have, are cut so that the room suffices. */
    struct buffer out = { .data = text, .capacity = 15, .size_max = 15 };
    buffer_add_number(&out, code.class % 10u);
    buffer_add_char(&out, '.');
    buffer_add_number(&out, code.subject % 1000u);
    buffer_add_char(&out, '.');
    buffer_add_number(&out, code.detail % 1000u);
    text[out.size] = '\0';
}

bool outcome_is_session_failure(const struct outcome *outcome)
{
    if (outcome->class != OUTCOME_TEMP && outcome->class != OUTCOME_PERM)
        return false;
    switch (outcome->stage) {
    case STAGE_DNS:
    case STAGE_CONNECT:
    case STAGE_BANNER:
    case STAGE_EHLO:
    case STAGE_TLS:
    case STAGE_AUTH:
    case STAGE_POP:
        return true;
    case STAGE_MAIL:
        /* The client gives this stage only while MAIL is unanswered, or with the answer to it. */
        return outcome->code == 421 || outcome->cause == OUTCOME_CAUSE_LOST || outcome->cause == OUTCOME_CAUSE_TIMEOUT ||
               outcome->cause == OUTCOME_CAUSE_PROTOCOL || outcome->cause == OUTCOME_CAUSE_UNREACHABLE;
    default:
        return false;
    }
}
