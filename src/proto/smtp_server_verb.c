/* What each command does, RFC 5321 4.1.1 and 4.1.4 (order of commands). A row per verb says what the argument may be and
 * which function carries it out; every function ends in exactly one reply, one question, or the beginning of a body. */
#include <assert.h>

#include "proto/smtp_server_work.h"

enum argument { ARGUMENT_ANY, ARGUMENT_NONE, ARGUMENT_NEEDED };

struct verb_row {
    enum argument argument;
    void (*run)(struct smtp_server *s, struct slice argument);
};

static const struct smtp_refusal no_transaction = { 503, "5.5.1", "MAIL and RCPT come first" };
static const struct smtp_refusal no_recipients = { 554, "5.5.1", "No recipient was accepted" };

static void refuse_with(struct smtp_server *s, const struct smtp_refusal *why)
{
    smtp_server_refuse(s, why->code, why->enhanced, why->text);
}

static bool auth_offered(const struct smtp_server *s)
{
    return s->options.auth && (s->tls || s->options.auth_clear);
}

static struct smtp_offers offers(const struct smtp_server *s)
{
    return (struct smtp_offers){ .esmtp = s->esmtp, .requiretls = s->options.requiretls && s->tls };
}

static bool hello(struct smtp_server *s, struct slice name, bool esmtp)
{
    if (!domain_valid_helo(name)) {
        smtp_server_refuse(s, 501, "5.5.4", "A domain name or an address literal is needed");
        return false;
    }
    smtp_server_abort(s); /* RFC 5321 4.1.4: as if by RSET */
    memcpy(s->helo, name.data, name.size);
    s->helo_size = (uint8_t)name.size;
    s->esmtp = esmtp;
    return true;
}

static void run_helo(struct smtp_server *s, struct slice argument)
{
    if (hello(s, argument, false))
        buffer_add_format(&s->replies, "250 %.*s\r\n", s->options.name_size, s->options.name);
}

static void run_ehlo(struct smtp_server *s, struct slice argument)
{
    const struct smtp_server_options *o = &s->options;
    if (!hello(s, argument, true))
        return;
    buffer_add_format(&s->replies, "250-%.*s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n250-DSN\r\n"
                                   "250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n",
                      o->name_size, o->name, (unsigned long long)o->message_size_max);
    if (o->starttls && !s->tls)
        buffer_add_text(&s->replies, "250-STARTTLS\r\n");
    if (auth_offered(s))
        buffer_add_text(&s->replies, "250-AUTH " SASL_SERVER_MECHANISMS "\r\n");
    if (offers(s).requiretls)
        buffer_add_text(&s->replies, "250-REQUIRETLS\r\n");
    buffer_add_text(&s->replies, "250 CHUNKING\r\n");
}

static void run_starttls(struct smtp_server *s, struct slice argument)
{
    if (s->tls)
        smtp_server_refuse(s, 503, "5.5.1", "The connection is encrypted already");
    else if (!s->options.starttls)
        smtp_server_refuse(s, 502, "5.5.1", "STARTTLS is not offered");
    else if (!s->esmtp)
        smtp_server_refuse(s, 503, "5.5.1", "EHLO comes first");
    else if (s->input_from < s->input.size) { /* whoever wrote it could not know who reads it (S05) */
        smtp_server_refuse(s, 554, "5.5.1", "Nothing may follow STARTTLS before the handshake");
        smtp_server_close(s, SMTP_CLOSE_INJECTION);
    } else {
        smtp_server_abort(s);
        smtp_server_reply(s, 220, "2.0.0", "Begin TLS");
        s->start_tls = true;
        smtp_server_set_state(s, SMTP_SERVER_STATE_TLS);
    }
}

static void sasl_step(struct smtp_server *s, enum sasl_server_step step, struct slice challenge)
{
    switch (step) {
    case SASL_SERVER_CHALLENGE:
        buffer_add_format(&s->replies, "334 %.*s\r\n", SLICE_ARG(challenge));
        smtp_server_set_state(s, SMTP_SERVER_STATE_SASL);
        return;
    case SASL_SERVER_COMPLETE:
        smtp_server_ask(s, SMTP_SERVER_STATE_ASK_AUTH);
        return;
    case SASL_SERVER_CANCELLED:
    case SASL_SERVER_MALFORMED:
        sasl_server_done(&s->work->sasl);
        smtp_server_set_state(s, SMTP_SERVER_STATE_COMMAND);
        if (step == SASL_SERVER_CANCELLED)
            smtp_server_refuse(s, 501, "5.7.0", "Authentication cancelled");
        else
            smtp_server_refuse(s, 501, "5.5.2", "The response is not what the mechanism asks for");
        return;
    }
}

static void run_auth(struct smtp_server *s, struct slice argument)
{
    struct slice name, initial, challenge = SLICE_EMPTY;
    if (!s->esmtp)
        smtp_server_refuse(s, 503, "5.5.1", "EHLO comes first");
    else if (s->authenticated)
        smtp_server_refuse(s, 503, "5.5.1", "Authenticated already");
    else if (s->mail)
        smtp_server_refuse(s, 503, "5.5.1", "Not within a transaction");
    else if (!s->options.auth)
        smtp_server_refuse(s, 502, "5.5.1", "AUTH is not offered");
    else if (!auth_offered(s))
        smtp_server_refuse(s, 538, "5.7.11", "Encryption is required for logins");
    else {
        struct smtp_refusal refusal = smtp_command_auth(argument, &name, &initial);
        enum sasl_server_mechanism mechanism = SASL_SERVER_NONE;
        if (refusal.code == 0)
            mechanism = sasl_server_mechanism_of(name);
        if (refusal.code != 0)
            refuse_with(s, &refusal);
        else if (mechanism == SASL_SERVER_NONE)
            smtp_server_refuse(s, 504, "5.5.4", "The mechanism is not offered");
        else {
            struct sasl_server *sasl = &smtp_server_work(s)->sasl;
            sasl_server_init(sasl, mechanism);
            enum sasl_server_step step = sasl_server_begin(sasl, initial, &challenge);
            sasl_step(s, step, challenge);
        }
    }
}

void smtp_server_sasl_line(struct smtp_server *s, struct slice line)
{
    struct slice challenge = SLICE_EMPTY;
    enum sasl_server_step step = sasl_server_feed(&s->work->sasl, line, &challenge);
    sasl_step(s, step, challenge);
}

static void run_mail(struct smtp_server *s, struct slice argument)
{
    if (s->helo_size == 0)
        smtp_server_refuse(s, 503, "5.5.1", "EHLO or HELO comes first");
    else if (s->mail)
        smtp_server_refuse(s, 503, "5.5.1", "A transaction is open already");
    else if (s->options.auth_required && !s->authenticated)
        smtp_server_refuse(s, 530, "5.7.0", "Authentication is required");
    else {
        struct smtp_mail *mail = &smtp_server_work(s)->mail;
        struct smtp_offers offered = offers(s);
        struct smtp_refusal refusal = smtp_command_mail(argument, &offered, mail);
        if (refusal.code == 0 && mail->size > s->options.message_size_max)
            refusal = smtp_server_too_large;
        if (refusal.code != 0) {
            refuse_with(s, &refusal);
            return;
        }
        s->transaction_from_us = s->now_us;
        smtp_server_ask(s, SMTP_SERVER_STATE_ASK_MAIL);
    }
}

static void run_rcpt(struct smtp_server *s, struct slice argument)
{
    if (!s->mail)
        smtp_server_refuse(s, 503, "5.5.1", "MAIL comes first");
    else if (s->bdat)
        smtp_server_refuse(s, 503, "5.5.1", "The message has begun already");
    else {
        struct smtp_offers offered = offers(s);
        struct smtp_refusal refusal = smtp_command_rcpt(argument, &offered, s->smtputf8, &smtp_server_work(s)->rcpt);
        s->rcpt_tried = true;
        if (refusal.code != 0)
            refuse_with(s, &refusal);
        else if (s->recipient_count >= s->options.recipients_max)
            smtp_server_refuse(s, 452, "4.5.3", "Too many recipients; send the others in another transaction");
        else
            smtp_server_ask(s, SMTP_SERVER_STATE_ASK_RCPT);
    }
}

/* Why no body may begin now; NULL: it may. */
static const struct smtp_refusal *body_refusal(const struct smtp_server *s)
{
    if (s->mail && s->recipient_count > 0)
        return NULL;
    return s->mail && s->rcpt_tried ? &no_recipients : &no_transaction;
}

static void run_data(struct smtp_server *s, struct slice argument)
{
    const struct smtp_refusal *refusal = body_refusal(s);
    if (s->bdat) {
        smtp_server_refuse(s, 503, "5.5.1", "The message has begun with BDAT");
    } else if (refusal != NULL) {
        refuse_with(s, refusal);
    } else {
        buffer_add_text(&s->replies, "354 End with a dot on a line of its own\r\n");
        s->swallow = NULL;
        body_reader_init_dot(&s->reader);
        smtp_server_set_state(s, SMTP_SERVER_STATE_DATA);
    }
}

/* RFC 3030 2: whatever the answer, the octets follow. A size that cannot be read leaves no way to tell them from
 * commands; one that is absurd would have to be read for hours. Both end the session. */
static void run_bdat(struct smtp_server *s, struct slice argument)
{
    struct smtp_bdat bdat;
    uint64_t size_max = s->options.message_size_max;
    struct smtp_refusal refusal = smtp_command_bdat(argument, &bdat);
    if (refusal.code == 0 && bdat.size / 2 > size_max)
        refusal = smtp_server_too_large;
    if (refusal.code != 0) {
        refuse_with(s, &refusal);
        smtp_server_close(s, SMTP_CLOSE_SIZE);
        return;
    }
    s->swallow = body_refusal(s);
    if (s->swallow == NULL && bdat.size > size_max - s->message_size) {
        smtp_server_abort(s);
        s->swallow = &smtp_server_too_large;
    }
    if (s->swallow == NULL && !s->bdat) {
        s->bdat = true;
        body_reader_init_counted(&s->reader);
    }
    if (s->swallow == NULL)
        s->message_size += bdat.size;
    if (!s->mail)
        s->transaction_from_us = s->now_us; /* what is swallowed has its time too */
    s->chunk_left = bdat.size;
    s->chunk_last = bdat.last;
    smtp_server_set_state(s, SMTP_SERVER_STATE_CHUNK);
}

static void run_rset(struct smtp_server *s, struct slice argument)
{
    smtp_server_abort(s);
    smtp_server_reply(s, 250, "2.0.0", "Reset");
}

static void run_noop(struct smtp_server *s, struct slice argument)
{
    smtp_server_reply(s, 250, "2.0.0", "Ok");
}

/* Nobody is told who exists here (RFC 5321 7.3); so nobody need be asked. */
static void run_vrfy(struct smtp_server *s, struct slice argument)
{
    smtp_server_reply(s, 252, "2.5.2", "Not verified; send the message and it will be tried");
}

static void run_expn(struct smtp_server *s, struct slice argument)
{
    smtp_server_refuse(s, 502, "5.5.1", "EXPN is not offered");
}

static void run_help(struct smtp_server *s, struct slice argument)
{
    smtp_server_reply(s, 214, "2.0.0",
                      "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT STARTTLS AUTH: see RFC 5321");
}

static void run_quit(struct smtp_server *s, struct slice argument)
{
    smtp_server_reply(s, 221, "2.0.0", "Bye");
    smtp_server_close(s, SMTP_CLOSE_QUIT);
}

/* One reply, nothing of the request in it (S10). */
static void run_foreign(struct smtp_server *s, struct slice argument)
{
    smtp_server_refuse(s, 554, "5.5.1", "This is an SMTP server");
    smtp_server_close(s, SMTP_CLOSE_FOREIGN);
}

static void run_unknown(struct smtp_server *s, struct slice argument)
{
    smtp_server_refuse(s, 500, "5.5.1", "The command is not known");
}

static const struct verb_row verb_rows[SMTP_VERB_COUNT] = {
    [SMTP_VERB_UNKNOWN] = { ARGUMENT_ANY, run_unknown },
    [SMTP_VERB_HELO] = { ARGUMENT_NEEDED, run_helo },
    [SMTP_VERB_EHLO] = { ARGUMENT_NEEDED, run_ehlo },
    [SMTP_VERB_MAIL] = { ARGUMENT_NEEDED, run_mail },
    [SMTP_VERB_RCPT] = { ARGUMENT_NEEDED, run_rcpt },
    [SMTP_VERB_DATA] = { ARGUMENT_NONE, run_data },
    [SMTP_VERB_BDAT] = { ARGUMENT_ANY, run_bdat },
    [SMTP_VERB_RSET] = { ARGUMENT_NONE, run_rset },
    [SMTP_VERB_NOOP] = { ARGUMENT_ANY, run_noop },
    [SMTP_VERB_VRFY] = { ARGUMENT_NEEDED, run_vrfy },
    [SMTP_VERB_EXPN] = { ARGUMENT_ANY, run_expn },
    [SMTP_VERB_HELP] = { ARGUMENT_ANY, run_help },
    [SMTP_VERB_QUIT] = { ARGUMENT_NONE, run_quit },
    [SMTP_VERB_STARTTLS] = { ARGUMENT_NONE, run_starttls },
    [SMTP_VERB_AUTH] = { ARGUMENT_NEEDED, run_auth },
    [SMTP_VERB_FOREIGN] = { ARGUMENT_ANY, run_foreign },
};

void smtp_server_command(struct smtp_server *s, struct slice line)
{
    struct slice argument;
    enum smtp_verb verb = smtp_command_verb(line, &argument);
    const struct verb_row *row = &verb_rows[verb];
    s->verb = (uint8_t)verb;
    s->wait_from_us = s->now_us; /* the next command has its own time */
    if (row->argument == ARGUMENT_NONE && argument.size > 0)
        smtp_server_refuse(s, 501, "5.5.4", "The command takes no argument");
    else if (row->argument == ARGUMENT_NEEDED && argument.size == 0)
        smtp_server_refuse(s, 501, "5.5.4", "The command needs an argument");
    else
        row->run(s, argument);
}
