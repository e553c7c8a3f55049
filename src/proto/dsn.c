/* RFC 3464 on RFC 6522 (multipart/report): text, message/delivery-status, the original or its header. The transcript
 * belongs to the text, because a report has no fourth part.
 *
 * The boundary begins with "=_", which quoted-printable never has, and no field begins with a hyphen: it cannot be met
 * in what is made here. In the original it could only by guessing 128 random bits.
 *
 * Addresses above ASCII stand in the 7-bit form of RFC 6533 3 ("utf-8;" and \x{...}), so that the machine's part stays
 * message/delivery-status, which every reader knows, and passes any server. */
#include "proto/dsn_work.h"

#include <assert.h>

#include "base/codec.h"
#include "proto/mime.h"

enum {
    FIELD_LINE_SIZE_MAX = 76,
    FIELD_WORD_SIZE_MAX = 900, /* a longer word is broken, so that the line stays within RFC 5322's 998 */
    FIELD_SIZE_MAX = 8 << 10,
    ORCPT_SIZE_MAX = 1024,
    ENVID_SIZE_MAX = 256,
    DIAGNOSTIC_SIZE_MIN = 100,
    REPORT_SIZE_WANTED = 8 << 20,  /* above it diagnostic texts get shorter */
    PREFIX_RESERVE_SIZE = 8 << 10, /* what follows the report */
};

#define BOUNDARY_START "=_facteur_"

/* ---- texts from outside ---- */

/* Controls, and characters that change how a line is read without being seen. Joiners are letters' own matter. */
static bool character_is_unsafe(uint32_t number)
{
    return number < 0x20 || (number >= 0x7f && number < 0xa0) || number == 0x061c || number == 0x200e ||
           number == 0x200f || (number >= 0x2028 && number <= 0x202e) || (number >= 0x2060 && number <= 0x206f) ||
           number == 0xfeff || number == 0xfffe || number == 0xffff;
}

void dsn_add_clean(struct slice text, bool utf8, size_t size_max, struct buffer *out)
{
    size_t left = size_max;
    while (text.size > 0) {
        uint32_t number = 0;
        size_t size = utf8_next(text, &number);
        struct slice character = slice_part(text, 0, size);
        if (slice_starts_with(text, SLICE("\r\n")))
            size = 2;
        if (text.data[0] == '\r' || text.data[0] == '\n' || text.data[0] == '\t')
            character = SLICE(" ");
        else if (size == 0 || (size > 1 && !utf8) || character_is_unsafe(number))
            character = SLICE("?");
        if (character.size > left)
            return;
        left -= character.size;
        buffer_add(out, character);
        text = slice_after(text, size > 0 ? size : 1);
    }
}

/* ---- fields ---- */

struct writer {
    const struct dsn *dsn;
    struct buffer *out;
    struct buffer field; /* the value of the field that is being made, clean, not yet folded */
};

/* Folded at blanks (several count as one), a word that fits no line in its middle. */
static void writer_add_field(struct writer *w, const char *name)
{
    struct slice rest = buffer_slice(&w->field);
    size_t column = strlen(name) + 1;
    buffer_add_text(w->out, name);
    buffer_add_char(w->out, ':');
    while (rest.size > 0) {
        struct slice word = slice_split(&rest, ' ');
        while (word.size > 0) {
            struct slice piece = slice_part(word, 0, FIELD_WORD_SIZE_MAX);
            if (column + 1 + piece.size > FIELD_LINE_SIZE_MAX && column > strlen(name) + 1) {
                buffer_add_text(w->out, "\r\n");
                column = 0;
            }
            buffer_add_char(w->out, ' ');
            buffer_add(w->out, piece);
            column += 1 + piece.size;
            word = slice_after(word, piece.size);
        }
    }
    buffer_add_text(w->out, "\r\n");
    buffer_clear(&w->field);
}

static void writer_add_text_field(struct writer *w, const char *name, const char *type, struct slice value,
                                  size_t size_max)
{
    buffer_add_text(&w->field, type);
    dsn_add_clean(value, false, size_max, &w->field);
    writer_add_field(w, name);
}

static void writer_add_date_field(struct writer *w, const char *name, int64_t wall_us)
{
    char date[DATE_SIZE_MAX];
    date_mail(wall_us, date);
    buffer_add_text(&w->field, date);
    writer_add_field(w, name);
}

static bool has_8bit(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        if ((unsigned char)s.data[i] > 0x7f)
            return true;
    }
    return false;
}

/* RFC 6533 3, utf-8-addr-xtext. `all`: also what ASCII has to be escaped, for an address that is not yet in a form of
 * RFC 6533. */
static void add_utf8_address(struct slice address, bool all, struct buffer *out)
{
    while (address.size > 0) {
        uint32_t number = 0;
        size_t size = utf8_next(address, &number);
        if (size == 0 || character_is_unsafe(number))
            buffer_add_char(out, '?');
        else if (number > 0x7f || (all && (number == ' ' || number == '\\' || number == '+' || number == '=')))
            buffer_add_format(out, "\\x{%02X}", number);
        else
            buffer_add_char(out, (char)number);
        address = slice_after(address, size > 0 ? size : 1);
    }
}

static void add_final_recipient(struct writer *w, struct slice address)
{
    address = slice_part(address, 0, ORCPT_SIZE_MAX);
    if (has_8bit(address)) {
        buffer_add_text(&w->field, "utf-8; ");
        add_utf8_address(address, true, &w->field);
    } else {
        buffer_add_text(&w->field, "rfc822; ");
        dsn_add_clean(address, false, ORCPT_SIZE_MAX, &w->field);
    }
    writer_add_field(w, "Final-Recipient");
}

/* "type;address" as the sender gave it. */
static void add_original_recipient(struct writer *w, struct slice orcpt)
{
    struct slice address = orcpt, type = slice_split(&address, ';');
    if (orcpt.size == 0)
        return;
    dsn_add_clean(type, false, 32, &w->field);
    buffer_add_text(&w->field, "; ");
    address = slice_part(address, 0, ORCPT_SIZE_MAX);
    if (slice_equal_nocase(type, SLICE("utf-8")))
        add_utf8_address(address, false, &w->field);
    else
        dsn_add_clean(address, false, ORCPT_SIZE_MAX, &w->field);
    writer_add_field(w, "Original-Recipient");
}

/* ---- the machine's part ---- */

struct enhanced_code dsn_status(const struct dsn_recipient *r)
{
    static const uint8_t classes[] = {
        [DSN_ACTION_FAILED] = 5,
        [DSN_ACTION_DELAYED] = 4,
        [DSN_ACTION_DELIVERED] = 2,
        [DSN_ACTION_RELAYED] = 2,
    };
    struct enhanced_code code = r->outcome.enhanced;
    if (r->expired && r->action == DSN_ACTION_FAILED) {
        if (r->outcome.cause == OUTCOME_CAUSE_DNS_NXDOMAIN)
            return (struct enhanced_code){ 5, 1, 2 };
        if (r->outcome.cause == OUTCOME_CAUSE_DNS_NODATA)
            return (struct enhanced_code){ 5, 4, 4 };
        return (struct enhanced_code){ 4, 4, 7 };
    }
    if (code.class == 0)
        code = outcome_enhanced_default(&r->outcome);
    assert((size_t)r->action < sizeof classes);
    if ((code.class == 2) != (classes[r->action] == 2)) /* a detail of success says nothing about a failure */
        code = (struct enhanced_code){ 0 };
    code.class = classes[r->action];
    return code;
}

/* The reply that decided; or, where there was none, the stage and the cause in the log's words. */
static void add_diagnostic(struct writer *w, const struct outcome *outcome, size_t size_max)
{
    char code[16];
    if (outcome->cause == OUTCOME_CAUSE_NONE)
        return;
    if (outcome->cause == OUTCOME_CAUSE_REPLY) {
        enhanced_code_format(outcome->enhanced, code);
        buffer_add_format(&w->field, "smtp; %03u %s", outcome->code % 1000u, code);
    } else {
        buffer_add_format(&w->field, "x-facteur; %s", outcome_cause_name(outcome->cause));
        if (outcome->stage != STAGE_NONE)
            buffer_add_format(&w->field, " at %s", stage_name(outcome->stage));
        if (outcome->in_doubt)
            buffer_add_text(&w->field, ", in doubt");
        if (outcome->text.size > 0)
            buffer_add_char(&w->field, ':');
    }
    buffer_add_char(&w->field, ' ');
    dsn_add_clean(outcome->text, false, size_max, &w->field);
    writer_add_field(w, "Diagnostic-Code");
}

static void add_remote(struct writer *w, const struct outcome *outcome)
{
    if (outcome->host.size > 0) {
        writer_add_text_field(w, "Remote-MTA", "dns; ", outcome->host, DSN_VALUE_SIZE_MAX);
    } else if (outcome->address.size > 0) {
        bool v6 = slice_find(outcome->address, ':') < outcome->address.size;
        buffer_add_text(&w->field, v6 ? "dns; [IPv6:" : "dns; [");
        dsn_add_clean(outcome->address, false, DSN_VALUE_SIZE_MAX, &w->field);
        buffer_add_char(&w->field, ']');
        writer_add_field(w, "Remote-MTA");
    }
}

/* RFC 3464 2.3, in its order. */
static void add_recipient(struct writer *w, const struct dsn_recipient *r, size_t diagnostic_size_max)
{
    static const char *const actions[] = {
        [DSN_ACTION_FAILED] = "failed",
        [DSN_ACTION_DELAYED] = "delayed",
        [DSN_ACTION_DELIVERED] = "delivered",
        [DSN_ACTION_RELAYED] = "relayed",
    };
    char status[16];
    add_original_recipient(w, r->orcpt);
    add_final_recipient(w, r->address);
    writer_add_text_field(w, "Action", "", slice_of(actions[r->action]), DSN_VALUE_SIZE_MAX);
    enhanced_code_format(dsn_status(r), status);
    writer_add_text_field(w, "Status", "", slice_of(status), DSN_VALUE_SIZE_MAX);
    add_remote(w, &r->outcome);
    add_diagnostic(w, &r->outcome, diagnostic_size_max);
    if (r->last_attempt_us > 0)
        writer_add_date_field(w, "Last-Attempt-Date", r->last_attempt_us);
    if (r->action == DSN_ACTION_DELAYED && r->will_retry_until_us > 0)
        writer_add_date_field(w, "Will-Retry-Until", r->will_retry_until_us);
}

/* RFC 3464 2.2, then a group a recipient. Should the longest addresses there are fill all the room, the last ones are
 * left out: the notice stays whole. */
static void add_report(struct writer *w, size_t prefix_from)
{
    const struct dsn *dsn = w->dsn;
    if (dsn->envid.size > 0)
        writer_add_text_field(w, "Original-Envelope-Id", "", dsn->envid, ENVID_SIZE_MAX);
    writer_add_text_field(w, "Reporting-MTA", "dns; ", dsn->our_name, DSN_VALUE_SIZE_MAX);
    if (dsn->original_id.size > 0)
        writer_add_text_field(w, "X-Facteur-Queue-Id", "", dsn->original_id, DSN_VALUE_SIZE_MAX);
    if (dsn->arrival_us > 0)
        writer_add_date_field(w, "Arrival-Date", dsn->arrival_us);
    for (size_t i = 0; i < dsn->recipient_count; i++) {
        size_t start = w->out->size;
        bool crowded = start - prefix_from > REPORT_SIZE_WANTED;
        buffer_add_text(w->out, "\r\n");
        add_recipient(w, &dsn->recipients[i], crowded ? DIAGNOSTIC_SIZE_MIN : OUTCOME_TEXT_SIZE_MAX);
        if (w->out->size - prefix_from > DSN_PREFIX_SIZE_MAX - PREFIX_RESERVE_SIZE) {
            w->out->size = start;
            return;
        }
    }
}

/* ---- the frame ---- */

static void add_boundary(const struct dsn *dsn, struct buffer *out)
{
    buffer_add_text(out, BOUNDARY_START);
    hex_encode(slice(dsn->random, sizeof dsn->random), out);
}

static void add_part(const struct dsn *dsn, const char *header, struct buffer *out)
{
    buffer_add_text(out, "--");
    add_boundary(dsn, out);
    buffer_add_text(out, "\r\n");
    buffer_add_text(out, header);
}

/* A mailbox is canonical (proto/address); only what could break the line is looked at again. A notice goes to where its
 * address can be written: UTF-8 of ours must not make it need SMTPUTF8. */
static void add_from(const struct dsn *dsn, struct buffer *out)
{
    bool ours = dsn->postmaster.size == 0 || (has_8bit(dsn->postmaster) && !has_8bit(dsn->to));
    buffer_add_text(out, "From: ");
    mime_add_header_text(slice_of(text_get(TEXT_DSN_FROM, dsn->language)), 6, out);
    buffer_add_text(out, " <");
    if (ours) {
        buffer_add_text(out, "postmaster@");
        dsn_add_clean(dsn->our_name, false, DSN_VALUE_SIZE_MAX, out);
    } else {
        dsn_add_clean(dsn->postmaster, true, FIELD_WORD_SIZE_MAX, out);
    }
    buffer_add_text(out, ">\r\n");
}

static void add_header(struct writer *w)
{
    const struct dsn *dsn = w->dsn;
    struct buffer *out = w->out, *field = &w->field;
    char date[DATE_SIZE_MAX];
    date_mail(dsn->now_us, date);
    add_from(dsn, out);
    buffer_add_text(out, "To: <");
    dsn_add_clean(dsn->to, true, FIELD_WORD_SIZE_MAX, out);
    buffer_add_text(out, ">\r\nSubject: ");
    dsn_add_subject(dsn, field);
    mime_add_header_text(buffer_slice(field), sizeof "Subject: " - 1, out);
    buffer_clear(field);
    buffer_add_format(out, "\r\nDate: %s\r\nMessage-ID: <", date);
    dsn_add_clean(dsn->message_id, false, DSN_VALUE_SIZE_MAX, out);
    buffer_add_format(out, ">\r\nAuto-Submitted: %s\r\nMIME-Version: 1.0\r\n",
                      dsn->for_postmaster ? "auto-generated" : "auto-replied");
    buffer_add_text(out, "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"");
    add_boundary(dsn, out);
    buffer_add_format(out, "\"\r\nContent-Transfer-Encoding: %s\r\n\r\n", dsn_is_8bit(dsn) ? "8bit" : "7bit");
}

static void add_original_start(const struct dsn *dsn, struct buffer *out)
{
    const char *type = dsn->original_header_8bit ? "message/global" : "message/rfc822";
    if (dsn->header_only)
        type = dsn->original_header_8bit ? "message/global-headers" : "text/rfc822-headers";
    buffer_add_text(out, "\r\n");
    add_part(dsn, "", out);
    buffer_add_format(out, "Content-Type: %s\r\nContent-Description: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n", type,
                      dsn->header_only ? "Header of the message" : "The message", dsn_is_8bit(dsn) ? "8bit" : "7bit");
}

void dsn_add_prefix(const struct dsn *dsn, struct buffer *out)
{
    assert(dsn->to.size > 0 && dsn->recipient_count > 0); /* nobody is told of a notice that fails (A40) */
    struct writer w = { .dsn = dsn, .out = out };
    struct buffer told;
    size_t from = out->size;
    buffer_init(&w.field, FIELD_SIZE_MAX);
    buffer_init(&told, DSN_TEXT_SIZE_MAX);
    add_header(&w);
    add_part(dsn, "Content-Type: text/plain; charset=utf-8\r\nContent-Description: Notice\r\n", out);
    buffer_add_format(out, "Content-Language: %s\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
                      dsn->language == LANGUAGE_FR ? "fr" : "en");
    dsn_add_told(dsn, &told);
    mime_add_quoted_printable(buffer_slice(&told), out);
    buffer_add_text(out, "\r\n");
    add_part(dsn, "Content-Type: message/delivery-status\r\nContent-Description: Delivery report\r\n\r\n", out);
    add_report(&w, from);
    add_original_start(dsn, out);
    buffer_done(&told);
    buffer_done(&w.field);
}

void dsn_add_suffix(const struct dsn *dsn, bool at_line_start, struct buffer *out)
{
    /* The original's last line is ended as it would have been on the wire; the line end after it is the boundary's. */
    buffer_add_text(out, at_line_start ? "\r\n--" : "\r\n\r\n--");
    add_boundary(dsn, out);
    buffer_add_text(out, "--\r\n");
}

bool dsn_is_8bit(const struct dsn *dsn)
{
    return dsn->original_header_8bit || (dsn->original_body_8bit && !dsn->header_only);
}

bool dsn_needs_smtputf8(const struct dsn *dsn)
{
    return has_8bit(dsn->to);
}
