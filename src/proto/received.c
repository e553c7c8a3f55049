/* RFC 5321 4.4:
 *
 *     Received: from HELO (NAME [ADDRESS])
 *             (using TLSv1.3 with cipher SUITE)
 *             by OURS with ESMTPSA id ID
 *             for <RECIPIENT>; DATE
 *
 * Local submission has neither "from" nor "with": no protocol of the registry is spoken there. */
#include "proto/received.h"

#include <assert.h>

#include "base/codec.h"

enum { VALUE_SIZE_MAX = 255 };

const char *received_with(const struct received_facts *facts)
{
    static const char *const names[2][2][2] = { /* SMTPUTF8, TLS, authenticated */
        { { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
        { { "UTF8SMTP", "UTF8SMTPA" }, { "UTF8SMTPS", "UTF8SMTPSA" } },
    };
    if (!facts->esmtp)
        return "SMTP";
    return names[facts->smtputf8][facts->tls_version.size > 0][facts->authenticated];
}

/* What somebody else said, made harmless: it can neither end the field, nor a comment, nor a path. */
static void add_value(struct buffer *out, struct slice value)
{
    value = slice_part(value, 0, VALUE_SIZE_MAX);
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        bool bad = c <= ' ' || c >= 0x7f || strchr("()<>\\;,\"", c) != NULL;
        buffer_add_char(out, bad ? '?' : (char)c);
    }
}

static void add_literal(struct buffer *out, struct slice address)
{
    bool v6 = slice_find(address, ':') < address.size;
    buffer_add_text(out, v6 ? "[IPv6:" : "[");
    add_value(out, address);
    buffer_add_char(out, ']');
}

/* The mailbox is canonical (proto/address) and stands as it is: its quotes belong to it. Only what could break the
 * line, or must not stand in it without SMTPUTF8, is looked at again. */
static void add_recipient(struct buffer *out, struct slice mailbox, bool utf8)
{
    buffer_add_text(out, "\r\n\tfor <");
    for (size_t i = 0; i < mailbox.size; i++) {
        unsigned char c = (unsigned char)mailbox.data[i];
        buffer_add_char(out, c < ' ' || c == 0x7f || (c > 0x7f && !utf8) ? '?' : (char)c);
    }
    buffer_add_text(out, ">");
}

static void add_from(const struct received_facts *facts, struct buffer *out)
{
    buffer_add_text(out, "from ");
    if (facts->helo.size > 0)
        add_value(out, facts->helo);
    else
        add_literal(out, facts->peer_address);
    buffer_add_text(out, " (");
    if (facts->peer_name.size > 0) {
        add_value(out, facts->peer_name);
        buffer_add_char(out, ' ');
    }
    add_literal(out, facts->peer_address);
    buffer_add_text(out, ")\r\n\t");
    if (facts->tls_version.size > 0) {
        buffer_add_text(out, "(using ");
        add_value(out, facts->tls_version);
        buffer_add_text(out, " with cipher ");
        add_value(out, facts->tls_cipher);
        buffer_add_text(out, ")\r\n\t");
    }
}

void received_build(const struct received_facts *facts, struct buffer *out)
{
    char date[DATE_SIZE_MAX];
    bool local = facts->peer_address.size == 0;
    date_mail(facts->at_us, date);
    buffer_add_text(out, "Received: ");
    if (!local)
        add_from(facts, out);
    buffer_add_text(out, "by ");
    add_value(out, facts->by);
    if (local) {
        buffer_add_text(out, " (facteur, from user ");
        add_value(out, facts->peer_user);
        buffer_add_text(out, ")\r\n\t");
    } else {
        buffer_add_text(out, " with ");
        buffer_add_text(out, received_with(facts));
        buffer_add_char(out, ' ');
    }
    buffer_add_text(out, "id ");
    add_value(out, facts->id);
    if (facts->recipient.size > 0)
        add_recipient(out, facts->recipient, facts->smtputf8);
    buffer_add_text(out, ";\r\n\t");
    buffer_add_text(out, date);
    buffer_add_text(out, "\r\n");
}
