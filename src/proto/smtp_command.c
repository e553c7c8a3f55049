/* RFC 5321 4.1.1, 4.1.2:
 *
 *     mail           = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
 *     rcpt           = "RCPT TO:" Forward-path [SP Rcpt-parameters] CRLF
 *     parameters     = esmtp-param *(SP esmtp-param)
 *     esmtp-param    = esmtp-keyword ["=" esmtp-value]
 *     esmtp-keyword  = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
 *     esmtp-value    = 1*(%d33-60 / %d62-126)              RFC 6531: / UTF8-non-ascii
 *
 * One reader takes parameters off the line; each parameter is a row of a table {keyword, whether it has a value, what
 * reads it}. MAIL's path comes before the parameter that says whether it may have octets above 127, so it is read
 * with them allowed and judged at the end. */
#include "proto/smtp_command.h"

#include <assert.h>

#include "base/codec.h"
#include "proto/utf8.h"

enum { PARAMETERS_MAX = 32 }; /* of one command: more rows than any table has */

static const struct smtp_refusal accepted = { 0, "", "" };
static const struct smtp_refusal bad_value = { 501, "5.5.4", "A parameter's value is wrong" };
static const struct smtp_refusal bad_parameters = { 501, "5.5.4", "The parameters' syntax is wrong" };

struct verb_row {
    const char *name;
    enum smtp_verb verb;
};

/* What other protocols begin with: browsers tricked into posting here (S10), and peers that expect another service. */
static const struct verb_row verb_rows[] = {
    { "MAIL", SMTP_VERB_MAIL },
    { "RCPT", SMTP_VERB_RCPT },
    { "DATA", SMTP_VERB_DATA },
    { "BDAT", SMTP_VERB_BDAT },
    { "EHLO", SMTP_VERB_EHLO },
    { "HELO", SMTP_VERB_HELO },
    { "RSET", SMTP_VERB_RSET },
    { "NOOP", SMTP_VERB_NOOP },
    { "QUIT", SMTP_VERB_QUIT },
    { "VRFY", SMTP_VERB_VRFY },
    { "EXPN", SMTP_VERB_EXPN },
    { "HELP", SMTP_VERB_HELP },
    { "AUTH", SMTP_VERB_AUTH },
    { "STARTTLS", SMTP_VERB_STARTTLS },
    { "GET", SMTP_VERB_FOREIGN },
    { "POST", SMTP_VERB_FOREIGN },
    { "PUT", SMTP_VERB_FOREIGN },
    { "HEAD", SMTP_VERB_FOREIGN },
    { "DELETE", SMTP_VERB_FOREIGN },
    { "CONNECT", SMTP_VERB_FOREIGN },
    { "OPTIONS", SMTP_VERB_FOREIGN },
    { "TRACE", SMTP_VERB_FOREIGN },
    { "PATCH", SMTP_VERB_FOREIGN },
    { "PRI", SMTP_VERB_FOREIGN },
    { "PROXY", SMTP_VERB_FOREIGN },
};

enum smtp_verb smtp_command_verb(struct slice line, struct slice *ret_argument)
{
    while (line.size > 0 && (line.data[line.size - 1] == ' ' || line.data[line.size - 1] == '\t'))
        line.size--;
    size_t size = slice_find(line, ' ');
    *ret_argument = slice_after(line, size + 1);
    for (size_t i = 0; i < sizeof verb_rows / sizeof verb_rows[0]; i++)
        if (slice_equal_nocase(slice_part(line, 0, size), slice_of(verb_rows[i].name)))
            return verb_rows[i].verb;
    return SMTP_VERB_UNKNOWN;
}

const char *smtp_verb_name(enum smtp_verb verb)
{
    for (size_t i = 0; i < sizeof verb_rows / sizeof verb_rows[0]; i++)
        if (verb_rows[i].verb == verb && verb != SMTP_VERB_FOREIGN)
            return verb_rows[i].name;
    return "";
}

/* ---- parameters ---- */

struct parameter {
    struct slice keyword;
    bool has_value;
    struct slice value;
};

struct target { /* what is being read; one of the two */
    struct smtp_mail *mail;
    struct smtp_rcpt *rcpt;
    struct slice auth; /* AUTH= as decoded: read at the end, when SMTPUTF8 is known */
    char auth_text[SMTP_AUTH_SIZE_MAX];
    bool utf8;         /* of RCPT: the transaction has SMTPUTF8 */
};

struct parameter_row {
    const char *keyword;
    bool has_value;
    bool requiretls; /* known only when offered */
    struct smtp_refusal (*read)(struct target *t, struct slice value);
};

static bool is_keyword_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Takes " KEYWORD[=value]" off the front. Octets above 127 are left to what reads the value. */
static bool parameter_take(struct slice *rest, struct parameter *ret_parameter)
{
    struct parameter p;
    assert(rest->size > 0);
    if (rest->data[0] != ' ')
        return false;
    struct slice text = slice_after(*rest, 1);
    text = slice_part(text, 0, slice_find(text, ' '));
    *rest = slice_after(*rest, 1 + text.size);
    size_t equals = slice_find(text, '=');
    p.keyword = slice_part(text, 0, equals);
    p.has_value = equals < text.size;
    p.value = slice_after(text, equals + 1);
    if (p.keyword.size == 0 || (p.has_value && p.value.size == 0))
        return false;
    for (size_t i = 0; i < p.keyword.size; i++)
        if (!is_keyword_char(p.keyword.data[i]) && !(i > 0 && p.keyword.data[i] == '-'))
            return false;
    for (size_t i = 0; i < p.value.size; i++) {
        unsigned char c = (unsigned char)p.value.data[i];
        if (c <= ' ' || c == '=' || c == 0x7f)
            return false;
    }
    *ret_parameter = p;
    return true;
}

/* The rows' names in the order met; a parameter given twice is refused. */
static struct smtp_refusal parameters_read(struct slice rest, const struct smtp_offers *offers,
                                           const struct parameter_row *rows, struct target *t)
{
    uint32_t seen = 0;
    while (rest.size > 0) {
        struct parameter p;
        if (!parameter_take(&rest, &p))
            return bad_parameters;
        size_t i = 0;
        while (rows[i].keyword != NULL && !slice_equal_nocase(p.keyword, slice_of(rows[i].keyword)))
            i++;
        assert(i < PARAMETERS_MAX);
        if (rows[i].keyword == NULL || !offers->esmtp || (rows[i].requiretls && !offers->requiretls))
            return (struct smtp_refusal){ 555, "5.5.4", "A parameter is not known or was not offered" };
        if (seen & UINT32_C(1) << i)
            return (struct smtp_refusal){ 501, "5.5.4", "A parameter is given twice" };
        seen |= UINT32_C(1) << i;
        if (p.has_value != rows[i].has_value)
            return bad_value;
        struct smtp_refusal refusal = rows[i].read(t, p.value);
        if (refusal.code != 0)
            return refusal;
    }
    return accepted;
}

/* Decodes xtext (RFC 3461 4) into `text`; only printable ASCII may come out (S12). False: anything else. */
static bool printable_xtext(struct slice value, size_t size_max, char *text, uint16_t *ret_size)
{
    struct buffer out = { .data = text, .capacity = size_max, .size_max = size_max }; /* what is decoded fits */
    if (value.size > size_max || xtext_decode(value, &out) != ERR_OK || out.size == 0)
        return false;
    for (size_t i = 0; i < out.size; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    *ret_size = (uint16_t)out.size;
    return true;
}

static struct smtp_refusal read_size(struct target *t, struct slice value)
{
    enum { SIZE_DIGITS_MAX = 20 }; /* RFC 1870 4; 20 digits may be more than 64 bits hold, which is too large anyway */
    uint64_t size;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < '0' || value.data[i] > '9')
            return bad_value;
    if (value.size > SIZE_DIGITS_MAX)
        return bad_value;
    t->mail->size = slice_to_u64(value, UINT64_MAX, &size) ? size : UINT64_MAX;
    return accepted;
}

static struct smtp_refusal read_body(struct target *t, struct slice value)
{
    if (slice_equal_nocase(value, SLICE("8BITMIME")))
        t->mail->body = SMTP_BODY_8BITMIME;
    else if (!slice_equal_nocase(value, SLICE("7BIT")))
        return bad_value;
    return accepted;
}

static struct smtp_refusal read_ret(struct target *t, struct slice value)
{
    if (slice_equal_nocase(value, SLICE("FULL")))
        t->mail->ret = SMTP_RET_FULL;
    else if (slice_equal_nocase(value, SLICE("HDRS")))
        t->mail->ret = SMTP_RET_HDRS;
    else
        return bad_value;
    return accepted;
}

static struct smtp_refusal read_envid(struct target *t, struct slice value)
{
    struct smtp_envid *envid = &t->mail->envid;
    return printable_xtext(value, sizeof envid->text, envid->text, &envid->size) ? accepted : bad_value;
}

static struct smtp_refusal read_smtputf8(struct target *t, struct slice value)
{
    (void)value;
    t->mail->smtputf8 = true;
    return accepted;
}

static struct smtp_refusal read_requiretls(struct target *t, struct slice value)
{
    (void)value;
    t->mail->requiretls = true;
    return accepted;
}

/* "<>" or a mailbox in xtext (RFC 4954 5). Its UTF-8, encoded or not, is judged by the parser of addresses. */
static struct smtp_refusal read_auth(struct target *t, struct slice value)
{
    struct buffer out = { .data = t->auth_text, .capacity = sizeof t->auth_text, .size_max = sizeof t->auth_text };
    t->mail->auth_given = true;
    if (value.size > sizeof t->auth_text || xtext_decode(value, &out) != ERR_OK)
        return bad_value;
    t->auth = buffer_slice(&out);
    return accepted;
}

/* RFC 3461 4.1: NEVER alone, or a list of the others. */
static struct smtp_refusal read_notify(struct target *t, struct slice value)
{
    bool more = true;
    unsigned notify = 0;
    while (more) {
        more = slice_find(value, ',') < value.size;
        struct slice word = slice_split(&value, ',');
        if (slice_equal_nocase(word, SLICE("NEVER")))
            notify |= SMTP_NOTIFY_NEVER;
        else if (slice_equal_nocase(word, SLICE("SUCCESS")))
            notify |= SMTP_NOTIFY_SUCCESS;
        else if (slice_equal_nocase(word, SLICE("FAILURE")))
            notify |= SMTP_NOTIFY_FAILURE;
        else if (slice_equal_nocase(word, SLICE("DELAY")))
            notify |= SMTP_NOTIFY_DELAY;
        else
            return bad_value;
    }
    if ((notify & SMTP_NOTIFY_NEVER) && notify != SMTP_NOTIFY_NEVER)
        return bad_value;
    t->rcpt->notify = (uint8_t)notify;
    return accepted;
}

/* "\x{HEX}" at the front (RFC 6533 3, EmbeddedUnicodeChar): octets it takes, 0 when it is none. */
static size_t embedded_take(struct slice text, uint32_t *ret_code)
{
    enum { HEX_DIGITS_MAX = 6 };
    if (!slice_starts_with(text, SLICE("\\x{")))
        return 0;
    struct slice digits = slice_after(text, 3);
    digits = slice_part(digits, 0, slice_find(digits, '}'));
    if (digits.size == 0 || digits.size > HEX_DIGITS_MAX || digits.data + digits.size == text.data + text.size)
        return 0;
    uint32_t code = 0;
    for (size_t i = 0; i < digits.size; i++) {
        char c = digits.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F')))
            return 0;
        code = code << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
    }
    *ret_code = code;
    return 3 + digits.size + 1;
}

/* RFC 6533 3: printable ASCII but "+", "=", "\"; "\x{HEX}"; octets above 127 with SMTPUTF8. Decoded to UTF-8. */
static bool orcpt_utf8(struct slice value, bool utf8, struct smtp_orcpt *orcpt)
{
    while (value.size > 0) {
        uint32_t code;
        size_t taken = value.data[0] == '\\' ? embedded_take(value, &code) : utf8_next(value, &code);
        if (taken == 0 || utf8_is_control(code) || value.data[0] == '+' || ((value.data[0] & 0x80) && !utf8))
            return false;
        char octets[UTF8_SIZE_MAX];
        size_t size = utf8_write(code, octets);
        if (size == 0 || orcpt->size + size > sizeof orcpt->text)
            return false;
        memcpy(orcpt->text + orcpt->size, octets, size);
        orcpt->size = (uint16_t)(orcpt->size + size);
        value = slice_after(value, taken);
    }
    return true;
}

/* RFC 3461 4.2: addr-type ";" xtext, the type an atom. */
static struct smtp_refusal read_orcpt(struct target *t, struct slice value)
{
    struct smtp_orcpt *orcpt = &t->rcpt->orcpt;
    if (value.size > sizeof orcpt->text)
        return bad_value;
    size_t type_size = slice_find(value, ';');
    struct slice type = slice_part(value, 0, type_size);
    struct slice rest = slice_after(value, type_size + 1);
    if (type.size == 0 || rest.size == 0)
        return bad_value;
    for (size_t i = 0; i < type.size; i++) {
        char c = type.data[i];
        if (!is_keyword_char(c) && c != '-')
            return bad_value;
        orcpt->text[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    orcpt->text[type.size] = ';';
    size_t from = type.size + 1;
    bool right;
    if (slice_equal(slice(orcpt->text, type.size), SLICE("utf-8"))) {
        orcpt->size = (uint16_t)from;
        right = orcpt_utf8(rest, t->utf8, orcpt);
    } else {
        right = printable_xtext(rest, sizeof orcpt->text - from, orcpt->text + from, &orcpt->size);
        orcpt->size = (uint16_t)(orcpt->size + from);
    }
    return right ? accepted : bad_value;
}

/* ---- commands ---- */

static const struct parameter_row mail_rows[] = {
    { "SIZE", true, false, read_size },
    { "BODY", true, false, read_body },
    { "RET", true, false, read_ret },
    { "ENVID", true, false, read_envid },
    { "AUTH", true, false, read_auth },
    { "SMTPUTF8", false, false, read_smtputf8 },
    { "REQUIRETLS", false, true, read_requiretls },
    { NULL, false, false, NULL },
};

static const struct parameter_row rcpt_rows[] = {
    { "NOTIFY", true, false, read_notify },
    { "ORCPT", true, false, read_orcpt },
    { NULL, false, false, NULL },
};

static const struct smtp_refusal no_utf8 = { 553, "5.6.7", "The address needs SMTPUTF8, which was not asked for" };

static struct smtp_refusal path_refusal(enum err err, bool sender)
{
    switch (err) {
    case ERR_REFUSED:
        return (struct smtp_refusal){ 553, sender ? "5.1.7" : "5.1.3", "Source routes are not accepted" };
    case ERR_TOO_LARGE:
        return (struct smtp_refusal){ 501, sender ? "5.1.7" : "5.1.3", "The address is too long" };
    case ERR_UNSUPPORTED:
        return no_utf8;
    default:
        return (struct smtp_refusal){ 501, sender ? "5.1.7" : "5.1.3", "The address's syntax is wrong" };
    }
}

static bool has_8bit(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] & 0x80)
            return true;
    return false;
}

static struct smtp_refusal read_auth_address(const struct target *t, struct smtp_mail *mail)
{
    if (slice_equal(t->auth, SLICE("<>"))) {
        address_set_null(&mail->auth);
        return accepted;
    }
    enum err err = address_parse(t->auth, mail->smtputf8 ? ADDRESS_UTF8 : 0, &mail->auth);
    return err == ERR_OK ? accepted : bad_value;
}

struct smtp_refusal smtp_command_mail(struct slice argument, const struct smtp_offers *offers,
                                      struct smtp_mail *ret_mail)
{
    struct slice from = SLICE("FROM:");
    if (!slice_starts_with_nocase(argument, from) || !slice_starts_with(slice_after(argument, from.size), SLICE("<")))
        return (struct smtp_refusal){ 501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]" };
    struct slice path = slice_after(argument, from.size);
    struct slice rest;
    enum err err = address_parse_reverse_path(path, ADDRESS_UTF8, &ret_mail->sender, &rest);
    if (err != ERR_OK)
        return path_refusal(err, true);
    ret_mail->size = 0;
    ret_mail->body = SMTP_BODY_7BIT;
    ret_mail->ret = SMTP_RET_NONE;
    ret_mail->smtputf8 = ret_mail->requiretls = ret_mail->auth_given = false;
    ret_mail->envid.size = 0;
    struct target t;
    t.mail = ret_mail;
    struct smtp_refusal refusal = parameters_read(rest, offers, mail_rows, &t);
    if (refusal.code != 0)
        return refusal;
    if (!ret_mail->smtputf8 && has_8bit(slice_part(path, 0, path.size - rest.size)))
        return no_utf8;
    return ret_mail->auth_given ? read_auth_address(&t, ret_mail) : accepted;
}

struct smtp_refusal smtp_command_rcpt(struct slice argument, const struct smtp_offers *offers, bool smtputf8,
                                      struct smtp_rcpt *ret_rcpt)
{
    struct slice to = SLICE("TO:");
    if (!slice_starts_with_nocase(argument, to) || !slice_starts_with(slice_after(argument, to.size), SLICE("<")))
        return (struct smtp_refusal){ 501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]" };
    struct slice rest;
    enum err err = address_parse_forward_path(slice_after(argument, to.size), smtputf8 ? ADDRESS_UTF8 : 0,
                                              &ret_rcpt->recipient, &rest);
    if (err != ERR_OK)
        return path_refusal(err, false);
    ret_rcpt->notify = 0;
    ret_rcpt->orcpt.size = 0;
    struct target t;
    t.rcpt = ret_rcpt;
    t.utf8 = smtputf8;
    return parameters_read(rest, offers, rcpt_rows, &t);
}

struct smtp_refusal smtp_command_bdat(struct slice argument, struct smtp_bdat *ret_bdat)
{
    static const struct smtp_refusal refusal = { 501, "5.5.4", "Syntax: BDAT size [LAST]" };
    size_t blank = slice_find(argument, ' ');
    struct slice last = slice_after(argument, blank + 1);
    if (!slice_to_u64(slice_part(argument, 0, blank), UINT64_MAX, &ret_bdat->size) ||
        (blank < argument.size && !slice_equal_nocase(last, SLICE("LAST"))))
        return refusal;
    ret_bdat->last = last.size > 0;
    return accepted;
}

struct smtp_refusal smtp_command_auth(struct slice argument, struct slice *ret_mechanism, struct slice *ret_initial)
{
    size_t blank = slice_find(argument, ' ');
    struct slice mechanism = slice_part(argument, 0, blank);
    if (mechanism.size == 0 || mechanism.size > SMTP_MECHANISM_SIZE_MAX)
        return (struct smtp_refusal){ 501, "5.5.4", "Syntax: AUTH mechanism [initial-response]" };
    *ret_mechanism = mechanism;
    *ret_initial = blank < argument.size ? slice_after(argument, blank + 1) : SLICE_EMPTY;
    return accepted;
}
