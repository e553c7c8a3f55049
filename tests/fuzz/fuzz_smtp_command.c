/* Command lines: what is accepted holds no control, raw or decoded (S12), and its addresses parse to themselves. */
#include "fuzz.h"

#include "base/codec.h"
#include "proto/smtp_command.h"
#include "proto/utf8.h"

static void check_text(const char *text, size_t size)
{
    struct slice rest = slice(text, size);
    while (rest.size > 0) {
        uint32_t number;
        size_t taken = utf8_next(rest, &number);
        assert(taken > 0 && !utf8_is_control(number));
        rest = slice_after(rest, taken);
    }
}

static void check_address(const struct address *a, bool utf8)
{
    struct address again;
    check_text(a->text, a->size);
    assert(utf8 || !a->utf8);
    if (a->kind == ADDRESS_MAILBOX)
        assert(address_parse(address_mailbox(a), utf8 ? ADDRESS_UTF8 : 0, &again) == ERR_OK &&
               address_equal(a, &again));
}

static void check_refusal(struct smtp_refusal r)
{
    assert(r.code >= 500 && r.code < 600 && r.enhanced[0] == '5' && r.text[0] != '\0');
}

static void mail(struct slice argument, const struct smtp_offers *offers)
{
    struct smtp_mail m;
    struct smtp_refusal r = smtp_command_mail(argument, offers, &m);
    if (r.code != 0) {
        check_refusal(r);
        return;
    }
    assert(m.sender.kind != ADDRESS_POSTMASTER && (offers->requiretls || !m.requiretls));
    assert(offers->esmtp || (m.size == 0 && !m.smtputf8 && !m.auth_given && m.envid.size == 0));
    check_address(&m.sender, m.smtputf8);
    if (m.auth_given)
        check_address(&m.auth, m.smtputf8);
    check_text(m.envid.text, m.envid.size);
}

static void rcpt(struct slice argument, const struct smtp_offers *offers, bool utf8)
{
    struct smtp_rcpt t;
    struct smtp_refusal r = smtp_command_rcpt(argument, offers, utf8, &t);
    if (r.code != 0) {
        check_refusal(r);
        return;
    }
    assert(t.recipient.kind != ADDRESS_NULL);
    assert(!(t.notify & SMTP_NOTIFY_NEVER) || t.notify == SMTP_NOTIFY_NEVER);
    check_address(&t.recipient, utf8);
    check_text(t.orcpt.text, t.orcpt.size);
    assert(t.orcpt.size == 0 || slice_find(slice(t.orcpt.text, t.orcpt.size), ';') < t.orcpt.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor(slice(data, size));
    uint8_t flags = cursor_u8(&c);
    struct smtp_offers offers = { .esmtp = flags & 1, .requiretls = flags & 2 };
    struct slice argument, mechanism, initial;
    struct smtp_bdat bdat;
    enum smtp_verb verb = smtp_command_verb(c.rest, &argument);
    assert(verb < SMTP_VERB_COUNT && argument.size <= c.rest.size);
    mail(verb == SMTP_VERB_UNKNOWN ? c.rest : argument, &offers);
    rcpt(verb == SMTP_VERB_UNKNOWN ? c.rest : argument, &offers, flags & 4);
    if (smtp_command_bdat(argument, &bdat).code == 0)
        assert(argument.size > 0);
    if (smtp_command_auth(argument, &mechanism, &initial).code == 0)
        assert(mechanism.size > 0 && mechanism.size <= SMTP_MECHANISM_SIZE_MAX);
    return 0;
}
