#include "sim/world_server_work.h"

#include <assert.h>

#include "base/codec.h"
#include "sim/zone.h"

enum host_whim server_whim(struct world *world, const struct server *s, enum host_stage stage)
{
    return world->faults ? host_whim(&s->host, &world->options, stage, &world->random) : HOST_AGREES;
}

/* False: it did not agree, and has said so. */
static bool agrees(struct world *world, struct server *s, enum host_stage stage)
{
    enum host_whim whim = server_whim(world, s, stage);
    /* A notice that is refused for good is gone by the rules, and says nothing about the engine. */
    if (whim == HOST_PERM && s->null_sender && stage >= HOST_MAIL)
        whim = HOST_TEMP;
    switch (whim) {
    case HOST_AGREES: return true;
    case HOST_TEMP: server_reply(world, s, stage == HOST_AUTH ? "454 4.7.0 not now" : "451 4.3.0 not now"); break;
    case HOST_PERM: server_reply(world, s, stage == HOST_AUTH ? "535 5.7.8 no" : "554 5.6.0 never"); break;
    case HOST_SHUTS:
        server_reply(world, s, "421 4.3.2 shutting down");
        server_leave(world, s);
        break;
    }
    return false;
}

static void transaction_clear(struct server *s)
{
    s->mail = false;
    s->null_sender = false;
    s->recipient_count = s->asked_count = 0;
}

/* ---- the opening ---- */

static void verb_ehlo(struct world *world, struct server *s, bool extended)
{
    transaction_clear(s);
    s->ehlo = false;
    if (!agrees(world, s, HOST_EHLO))
        return;
    const struct host *h = &s->host;
    if (!extended) {
        server_reply(world, s, "250 mx.sim.test");
        return;
    }
    s->ehlo = true;
    char text[256];
    snprintf(text, sizeof(text), "250-mx.sim.test\r\n%s%s%s%s%s%s250 HELP", h->pipelining ? "250-PIPELINING\r\n" : "",
             h->eight_bit ? "250-8BITMIME\r\n" : "", h->starttls && !s->tls ? "250-STARTTLS\r\n" : "",
             h->dsn ? "250-DSN\r\n" : "", h->utf8 ? "250-SMTPUTF8\r\n" : "",
             h->login || h->role == HOST_MX || world->options.per_account_auth ? "250-AUTH PLAIN\r\n" : "");
    if (h->size_max > 0) {
        size_t size = strlen(text) - strlen("250 HELP");
        snprintf(text + size, sizeof(text) - size, "250-SIZE %u\r\n250 HELP", h->size_max);
    }
    server_reply(world, s, text);
}

static void verb_starttls(struct world *world, struct server *s)
{
    if (!s->host.starttls || s->tls || !s->ehlo)
        letters_violate(&world->letters, "%s: STARTTLS where it was not offered", s->name);
    if (!agrees(world, s, HOST_STARTTLS))
        return;
    s->starting_tls = true;
    server_reply(world, s, "220 2.0.0 go");
}

/* SIM_LOGIN_NONE: nobody's. */
static int login_read(const struct sim_options *o, struct slice plain)
{
    char right[32];
    if (o->smarthost_auth && slice_equal(plain, slice("\0us\0secret", 10)))
        return SIM_LOGIN_GENERAL;
    for (uint32_t i = 1; i <= o->account_count && o->per_account_auth; i += 2) {
        int size = snprintf(right, sizeof(right), "%csu%u%csp%u", 0, i, 0, i);
        if (slice_equal(plain, slice(right, (size_t)size)))
            return (int)i;
    }
    return SIM_LOGIN_NONE;
}

static void verb_auth(struct world *world, struct server *s, struct slice line)
{
    if (s->host.role != HOST_SMARTHOST)
        letters_violate(&world->letters, "%s: a login where none is wanted", s->name);
    if (!agrees(world, s, HOST_AUTH))
        return;
    struct buffer plain;
    buffer_init(&plain, 256);
    if (base64_decode(slice_after(line, SLICE("AUTH PLAIN ").size), &plain) == ERR_OK)
        s->login = login_read(&world->options, buffer_slice(&plain));
    buffer_done(&plain);
    if (s->login == SIM_LOGIN_NONE)
        letters_violate(&world->letters, "%s: a wrong login: %.*s", s->name, SLICE_ARG(line));
    server_reply(world, s, "235 2.7.0 welcome");
}

/* ---- the transaction ---- */

static bool has_parameter(struct slice line, struct slice name, struct slice *ret_value)
{
    size_t at = slice_find_slice(line, name);
    struct slice rest = slice_after(line, at + name.size);
    *ret_value = slice_part(rest, 0, slice_find(rest, ' '));
    return at < line.size;
}

static void parameters_check(struct world *world, struct server *s, struct slice line)
{
    struct slice value;
    const struct host *h = &s->host;
    s->size_said = 0;
    if (has_parameter(line, SLICE(" SIZE="), &value) &&
        (h->size_max == 0 || !s->ehlo || !slice_to_u64(value, UINT32_MAX, &s->size_said)))
        letters_violate(&world->letters, "%s: SIZE where it is not offered", s->name);
    s->body_8bit = has_parameter(line, SLICE(" BODY="), &value) && slice_equal(value, SLICE("8BITMIME"));
    if (value.size > 0 && (!h->eight_bit || !s->ehlo))
        letters_violate(&world->letters, "%s: BODY where it is not offered", s->name);
    if (has_parameter(line, SLICE(" SMTPUTF8"), &value))
        letters_violate(&world->letters, "%s: SMTPUTF8 for a letter that does not need it", s->name);
    bool dsn = has_parameter(line, SLICE(" RET="), &value) || has_parameter(line, SLICE(" ENVID="), &value);
    if (dsn && (!h->dsn || !s->ehlo))
        letters_violate(&world->letters, "%s: DSN parameters where they are not offered", s->name);
}

static struct slice path_of(struct slice line)
{
    struct slice rest = slice_after(line, slice_find(line, '<') + 1);
    return slice_part(rest, 0, slice_find(rest, '>'));
}

static void verb_mail(struct world *world, struct server *s, struct slice line)
{
    if (s->mail)
        letters_violate(&world->letters, "%s: MAIL within a transaction", s->name);
    if (s->host.login && s->login == SIM_LOGIN_NONE)
        letters_violate(&world->letters, "%s: MAIL without the login that it demands", s->name);
    transaction_clear(s);
    parameters_check(world, s, line);
    struct slice path = path_of(line);
    snprintf(s->sender, sizeof(s->sender), "%.*s", SLICE_ARG(path));
    s->null_sender = path.size == 0;
    if (!agrees(world, s, HOST_MAIL))
        return;
    if (s->host.size_max > 0 && s->size_said > s->host.size_max) {
        letters_violate(&world->letters, "%s: MAIL for a message of %llu, and it takes %u", s->name,
                        (unsigned long long)s->size_said, s->host.size_max);
        return;
    }
    s->mail = true;
    server_reply(world, s, "250 2.1.0 ok");
}

static bool greylisted(struct world *world, struct server *s)
{
    if (s->host.grey_us == 0)
        return false;
    int64_t *seen_us = &world->grey_us[s->host.domain % ZONE_DOMAINS_MAX];
    if (*seen_us == 0)
        *seen_us = world->agenda.now_us + 1;
    return world->agenda.now_us - *seen_us < s->host.grey_us;
}

/* A recipient that is never taken, or never taken now, by its name. */
static const char *fixed_answer(struct world *world, struct server *s, struct slice path)
{
    if (slice_starts_with(path, SLICE("unknown")))
        return "550 5.1.1 nobody of that name";
    if (slice_starts_with(path, SLICE("full")))
        return "452 4.2.2 mailbox full";
    return greylisted(world, s) ? "451 4.7.1 greylisted, come again" : NULL;
}

static void domain_check(struct world *world, struct server *s, struct slice path)
{
    char domain[32];
    snprintf(domain, sizeof(domain), "@d%u.test", s->host.domain);
    struct slice at = slice_after(path, slice_find_last(path, '@'));
    bool right = s->host.role == HOST_SMARTHOST ||
                 slice_equal_nocase(at, s->host.role == HOST_MX ? slice_of(domain) : SLICE("@from.test"));
    if (!right)
        letters_violate(&world->letters, "%s: it is asked to take a letter for %.*s", s->name, SLICE_ARG(path));
}

static void verb_rcpt(struct world *world, struct server *s, struct slice line)
{
    if (!s->mail) {
        /* Behind a MAIL that was refused, pipelined: the same answer again. */
        server_reply(world, s, "503 5.5.1 MAIL first");
        return;
    }
    struct slice path = path_of(line);
    domain_check(world, s, path);
    if (++s->asked_count > SERVER_RECIPIENTS_MAX) {
        letters_violate(&world->letters, "%s: more than %d recipients", s->name, SERVER_RECIPIENTS_MAX);
        return;
    }
    const char *fixed = fixed_answer(world, s, path);
    if (fixed) {
        server_reply(world, s, fixed);
        return;
    }
    if (!agrees(world, s, HOST_RCPT))
        return;
    struct slice parameters = slice_trim(slice_after(line, slice_find(line, '>') + 1));
    if (parameters.size > 0 && (!s->host.dsn || !s->ehlo))
        letters_violate(&world->letters, "%s: DSN parameters where they are not offered", s->name);
    s->parameters[s->recipient_count] = arena_copy(&s->arena, parameters);
    s->recipients[s->recipient_count++] = arena_copy(&s->arena, path);
    server_reply(world, s, "250 2.1.5 ok");
}

static void verb_data(struct world *world, struct server *s)
{
    if (!s->mail || (s->recipient_count == 0 && !s->host.eager_data)) {
        server_reply(world, s, "503 5.5.1 no recipients");
        return;
    }
    if (!agrees(world, s, HOST_DATA))
        return;
    buffer_clear(&s->text);
    s->state = SERVER_TEXT;
    server_reply(world, s, "354 go ahead");
}

/* ---- the message ---- */

static void taken(struct world *world, struct server *s)
{
    struct slice text = buffer_slice(&s->text);
    const struct letter_arriving arriving = {
        .sender = slice_of(s->sender), .recipients = s->recipients, .parameters = s->parameters,
        .recipient_count = s->recipient_count, .text = text, .dsn = s->ehlo && s->host.dsn, .eight_bit = s->body_8bit,
        .smarthost = s->host.role == HOST_SMARTHOST, .login = s->login, .now_us = world->agenda.now_us,
    };
    s->dotted_arrival = letters_arrived(&world->letters, &arriving);
    memcpy(s->dotted_recipients, s->recipients, sizeof(s->recipients));
    s->dotted_count = s->recipient_count;
    s->dotted = true;
    s->dot_answer_at = 0;
}

/* The answer gets lost: after the message was taken, or before. */
static void dot_lost(struct world *world, struct server *s)
{
    if (sim_chance(&world->random, 700))
        taken(world, s);
    transaction_clear(s);
    if (sim_chance(&world->random, 500))
        server_reset(world, s);
    else
        s->state = SERVER_SILENT;
}

void server_dot(struct world *world, struct server *s)
{
    assert(!s->text.overflow);
    if (s->recipient_count == 0) {
        if (s->text.size > 0)
            letters_violate(&world->letters, "%s: a message for nobody", s->name);
        transaction_clear(s);
        server_reply(world, s, "554 5.5.1 for nobody");
        return;
    }
    if (world->faults && sim_chance(&world->random, world->options.dot_answer_lost)) {
        dot_lost(world, s);
        return;
    }
    if (s->host.size_max > 0 && s->text.size > s->host.size_max) {
        /* Whoever was told HELO's little cannot know. */
        if (s->ehlo && !letters_may_grow(&world->letters, buffer_slice(&s->text), s->body_8bit, s->host.size_max))
            letters_violate(&world->letters, "%s: a message of %zu, and it takes %u", s->name, s->text.size, s->host.size_max);
        transaction_clear(s);
        server_reply(world, s, "552 5.3.4 too large");
        return;
    }
    if (!agrees(world, s, HOST_DOT)) {
        transaction_clear(s);
        return;
    }
    taken(world, s);
    transaction_clear(s);
    server_reply(world, s, "250 2.0.0 taken");
    s->dot_answer_at = s->sent_total;
}

/* ---- */

void server_command(struct world *world, struct server *s, struct slice line)
{
    if (slice_starts_with(line, SLICE("EHLO mta.sim.test"))) {
        verb_ehlo(world, s, true);
    } else if (slice_starts_with(line, SLICE("HELO mta.sim.test"))) {
        verb_ehlo(world, s, false);
    } else if (slice_equal(line, SLICE("STARTTLS"))) {
        verb_starttls(world, s);
    } else if (slice_starts_with(line, SLICE("AUTH PLAIN "))) {
        verb_auth(world, s, line);
    } else if (slice_starts_with(line, SLICE("MAIL FROM:<"))) {
        verb_mail(world, s, line);
    } else if (slice_starts_with(line, SLICE("RCPT TO:<"))) {
        verb_rcpt(world, s, line);
    } else if (slice_equal(line, SLICE("DATA"))) {
        verb_data(world, s);
    } else if (slice_equal(line, SLICE("RSET"))) {
        transaction_clear(s);
        server_reply(world, s, "250 2.0.0 ok");
    } else if (slice_equal(line, SLICE("NOOP"))) {
        server_reply(world, s, "250 2.0.0 ok");
    } else if (slice_equal(line, SLICE("QUIT"))) {
        server_reply(world, s, "221 2.0.0 bye");
        server_leave(world, s);
    } else {
        letters_violate(&world->letters, "%s: not a command: %.*s", s->name, SLICE_ARG(line));
    }
}
