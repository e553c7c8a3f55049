/* The outbound session against any server: replies that fit, replies that do not, octets that are none, cut anywhere; an
 * owner that feeds transactions of all kinds, supplies bodies late, in pieces, wrong ones or not at all; octets that
 * leave slowly, ticks, handshakes that fail, connections that go away. The watch asserts what smtp_client.h promises.
 * What is fed is freed when the header says that it may go, so the sanitizer sees whoever keeps it longer.
 *
 * The first octets choose options and the seed of all that is random. The rest is what the server says: as it is, or
 * (flag) an octet a reply, from a table, so that whole sessions come about. At the end nothing but time passes: by ticks
 * alone the session must come to its CLOSE. */
#include "fuzz.h"

#include "base/random.h"
#include "proto/smtp_client_watch.h"

enum {
    TURNS_MAX = 20000,
    TICKS_MAX = 16, /* of time alone: a reply, QUIT and its answer are waited for, little else */
    RECIPIENTS_MAX = 6,
    TRANSACTIONS_MAX = 8,
    BODY_SIZE_MAX = 100000,
};

struct mail {
    struct smtp_client_transaction t;
    struct smtp_client_recipient recipients[RECIPIENTS_MAX];
    char *body;
};

struct play {
    struct smtp_client client;
    struct client_watch watch;
    struct random_fast random;
    struct smtp_client_login login;
    struct slice server;  /* not said yet */
    struct slice reply;   /* of the table, begun */
    struct now now;
    struct mail *mails[SMTP_CLIENT_IN_FLIGHT_MAX]; /* the oldest first */
    struct smtp_client_need_body need;
    bool needs;
    bool by_table;
    bool patient; /* nothing is lost, late or wrong on our side */
    unsigned transaction_count;
};

static const struct slice table[] = {
    SLICE("250 2.0.0 ok\r\n"),
    SLICE("250 2.0.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n"),
    SLICE("354 go\r\n"),
    SLICE("220 mx.example ESMTP\r\n"),
    SLICE("250-mx.example\r\n250-PIPELINING\r\n250-SIZE 50000\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n"),
    SLICE("250-mx.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250-REQUIRETLS\r\n"
          "250 AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS XOAUTH2 OAUTHBEARER\r\n"),
    SLICE("250-mx.example\r\n250 AUTH LOGIN\r\n"),
    SLICE("250 mx.example\r\n"),
    SLICE("235 2.7.0 welcome\r\n"),
    SLICE("334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n"),
    SLICE("334\r\n"),
    SLICE("334 cj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUF4eXoscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==\r\n"),
    SLICE("421 4.3.2 bye\r\n"),
    SLICE("450 4.2.1 later\r\n"),
    SLICE("452 4.5.3 too many\r\n"),
    SLICE("552 too many\r\n"),
    SLICE("552-5.2.2 full\r\n552 5.2.2 really\r\n"),
    SLICE("550 5.1.1 nobody\r\n"),
    SLICE("530 5.7.0 Must issue a STARTTLS command first\r\n"),
    SLICE("535 5.7.8 wrong\r\n"),
    SLICE("504 5.5.4 no\r\n"),
    SLICE("500 what?\r\n"),
    SLICE("251 fine\r\n"),
    SLICE("250-endless\r\n"),
    SLICE("250 \0\r\n"),
    SLICE("what?\r\n"),
    SLICE("\r\n"),
    SLICE("25"),
};

static bool chance(struct play *p, uint64_t of)
{
    return random_fast_below(&p->random, of) == 0;
}

static void feed(struct play *p, const struct smtp_client_input *input)
{
    client_watch_input(&p->watch, input);
    smtp_client_feed(&p->client, p->now, input);
}

static void feed_kind(struct play *p, enum smtp_client_input_kind kind)
{
    feed(p, &(struct smtp_client_input){ .kind = kind });
}

/* ---- transactions ---- */

static void mail_free(struct mail *m)
{
    if (m != NULL)
        free(m->body);
    free(m);
}

static void mail_body(struct play *p, struct mail *m)
{
    static const char octets[] = "ab.\r\n\r\n.\r\n..";
    size_t size = random_fast_below(&p->random, chance(p, 8) ? BODY_SIZE_MAX : 60);
    size_t at = 0;
    m->body = malloc(size + 1);
    assert(m->body != NULL);
    while (at < size) { /* canonical, but for a damaged one now and then */
        char c = octets[random_fast_below(&p->random, sizeof octets - 1)];
        bool damaged = !p->patient && chance(p, 20000);
        if ((c == '\r' || c == '\n') && !damaged && at + 1 < size) {
            m->body[at++] = '\r';
            m->body[at++] = '\n';
        } else {
            m->body[at++] = damaged || (c != '\r' && c != '\n') ? c : 'x';
        }
    }
    m->t.body_size = size;
    m->t.body_size_exact = chance(p, 2);
}

static void transaction(struct play *p)
{
    struct mail *m = calloc(1, sizeof *m);
    assert(m != NULL);
    struct smtp_client_facts facts;
    smtp_client_facts(&p->client, &facts);
    m->t = (struct smtp_client_transaction){
        .tag = ++p->transaction_count,
        .sender = chance(p, 2) ? SLICE("a@here.example") : SLICE(""),
        .smtputf8 = chance(p, 8),
        .body_8bit = facts.extensions.eightbitmime && chance(p, 2),
        .requiretls = chance(p, 8),
        .ret = (enum smtp_ret)random_fast_below(&p->random, 3),
        .envid = chance(p, 2) ? SLICE("id+\xff") : SLICE(""),
        .abort_on_rcpt_5xx = chance(p, 3),
        .recipients = m->recipients,
        .recipient_count = 1 + (uint32_t)random_fast_below(&p->random, RECIPIENTS_MAX),
    };
    for (size_t i = 0; i < m->t.recipient_count; i++)
        m->recipients[i] = (struct smtp_client_recipient){
            .address = SLICE("\"b c\"@there.example"),
            .orcpt = chance(p, 2) ? SLICE("utf-8;caf\xc3\xa9\xff@x") : SLICE("rfc822;+"),
            .notify = (uint8_t)random_fast_below(&p->random, 16),
        };
    mail_body(p, m);
    p->mails[p->mails[0] != NULL ? 1 : 0] = m;
    feed(p, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_TRANSACTION, .transaction = &m->t });
}

static void supply(struct play *p)
{
    const struct mail *m = p->mails[0];
    p->needs = false;
    if (m == NULL || m->t.tag != p->need.tag) { /* it is over: an answer that comes too late */
        struct smtp_client_body late = { .bytes = SLICE("late"), .last = true };
        feed(p, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_BODY, .body = late });
        return;
    }
    if (!p->patient && chance(p, 30)) {
        feed_kind(p, SMTP_CLIENT_INPUT_BODY_FAILED);
        return;
    }
    size_t left = (size_t)(m->t.body_size - p->need.offset);
    size_t size = left < p->need.size ? left : p->need.size;
    if (size > 1 && chance(p, 2))
        size = 1 + random_fast_below(&p->random, size);
    char *copy = malloc(size + 1);
    assert(copy != NULL);
    memcpy(copy, m->body + p->need.offset, size);
    struct smtp_client_body body = { .bytes = slice(copy, size), .last = size == left };
    feed(p, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_BODY, .body = body });
    free(copy);
}

/* ---- the drain ---- */

static void take(struct play *p, const struct smtp_client_output *o)
{
    struct buffer transcript;
    switch (o->kind) {
    case SMTP_CLIENT_NEED_BODY:
        assert(!p->needs);
        p->need = o->need_body;
        p->needs = true;
        break;
    case SMTP_CLIENT_END:
        buffer_init(&transcript, SMTP_CLIENT_OPENING_TRANSCRIPT_MAX + SMTP_CLIENT_TRANSCRIPT_MAX);
        smtp_client_transcript(&p->client, o->end.tag, &transcript);
        assert(!transcript.overflow);
        assert(slice_find_slice(buffer_slice(&transcript), SLICE("c2VjcmV0")) == transcript.size);
        buffer_done(&transcript);
        assert(p->mails[0] != NULL && p->mails[0]->t.tag == o->end.tag);
        mail_free(p->mails[0]);
        p->mails[0] = p->mails[1];
        p->mails[1] = NULL;
        break;
    default:
        break;
    }
}

static void drain(struct play *p)
{
    struct smtp_client_output output;
    while (smtp_client_next(&p->client, &output)) {
        client_watch_output(&p->watch, &output);
        take(p, &output);
        if (p->needs && chance(p, 2))
            supply(p);
    }
    client_watch_drained(&p->watch);
}

/* ---- the world ---- */

static void server_says(struct play *p)
{
    if (p->by_table && p->reply.size == 0 && p->server.size > 0) {
        p->reply = table[(uint8_t)p->server.data[0] % (sizeof table / sizeof table[0])];
        p->server = slice_after(p->server, 1);
    }
    struct slice *from = p->by_table ? &p->reply : &p->server;
    size_t size = from->size;
    if (size > 1 && chance(p, 2))
        size = 1 + random_fast_below(&p->random, size < 60 ? size : 60);
    if (size > SMTP_CLIENT_INPUT_MAX)
        size = SMTP_CLIENT_INPUT_MAX;
    char *copy = malloc(size + 1);
    assert(copy != NULL);
    if (size > 0)
        memcpy(copy, from->data, size);
    *from = slice_after(*from, size);
    feed(p, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = slice(copy, size) });
    free(copy);
}

static void disturb(struct play *p)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_LOST, .lost = OUTCOME_CAUSE_LOST };
    switch (random_fast_below(&p->random, 6)) {
    case 0:
        feed(p, &input);
        break;
    case 1:
        feed_kind(p, SMTP_CLIENT_INPUT_ABORT);
        break;
    case 2:
        feed_kind(p, SMTP_CLIENT_INPUT_QUIT);
        break;
    case 3: /* the last octets and the loss in one turn */
        server_says(p);
        feed(p, &input);
        break;
    default:
        if (smtp_client_deadline_us(&p->client) != DEADLINE_NEVER && chance(p, 2))
            p->now.monotonic_us = smtp_client_deadline_us(&p->client);
        feed_kind(p, SMTP_CLIENT_INPUT_TICK);
    }
}

static void handshake(struct play *p)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TLS_UP };
    input.tls_up.accepted = !chance(p, 10);
    input.tls_up.verified = chance(p, 2);
    input.tls_up.cause = OUTCOME_CAUSE_TLS_UNVERIFIED;
    input.tls_up.channel_binding = chance(p, 2) ? SLICE("0123456789abcdef") : SLICE_EMPTY;
    input.tls_up.channel_binding_exporter = true;
    if (chance(p, 10))
        feed_kind(p, SMTP_CLIENT_INPUT_TLS_FAILED);
    else
        feed(p, &input);
}

static void turn(struct play *p)
{
    if (p->watch.on_wire > 0 && chance(p, 2)) {
        uint32_t count = chance(p, 2) ? p->watch.on_wire : 1 + (uint32_t)random_fast_below(&p->random, p->watch.on_wire);
        feed(p, &(struct smtp_client_input){ .kind = SMTP_CLIENT_INPUT_SENT, .sent = count });
    } else if (!p->patient && chance(p, 60)) {
        disturb(p);
    } else if (p->watch.handshake && (p->patient || !chance(p, 10))) {
        handshake(p);
    } else if (p->needs && chance(p, 2)) {
        supply(p);
    } else if (smtp_client_accepts(&p->client) && p->transaction_count < TRANSACTIONS_MAX && chance(p, 2)) {
        transaction(p);
    } else {
        server_says(p);
    }
    drain(p);
}

static void time_passes(struct play *p)
{
    for (int ticks = 0; !smtp_client_closed(&p->client); ticks++) {
        assert(ticks < TICKS_MAX);
        p->now.monotonic_us = smtp_client_deadline_us(&p->client);
        feed_kind(p, SMTP_CLIENT_INPUT_TICK);
        drain(p);
    }
    if (p->needs)
        supply(p); /* after CLOSE: taken for nothing */
    drain(p);
}

static struct smtp_client_options options_of(struct cursor *c, struct play *p)
{
    uint8_t flags = cursor_u8(c), login = cursor_u8(c);
    p->by_table = flags & 4;
    p->patient = flags & 8;
    p->login = (struct smtp_client_login){
        .credentials = { .user = SLICE("user"), .secret = SLICE("secret"), .token = login & 2 },
        .optional = login & 4,
        .allow_clear = login & 8,
        .allow_unverified = login & 16,
    };
    return (struct smtp_client_options){
        .our_name = SLICE("me.example"),
        .host = SLICE("mx.example"),
        .address = SLICE("192.0.2.1"),
        .tls = (enum smtp_client_tls)(flags & 3),
        .login = login & 1 ? &p->login : NULL,
        .banner_timeout_us = US_PER_MINUTE,
        .command_timeout_us = US_PER_MINUTE,
        .data_timeout_us = US_PER_MINUTE,
        .dot_timeout_us = US_PER_MINUTE,
        .idle_timeout_us = US_PER_MINUTE,
        .transcript = flags & 16,
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor(slice(data, size));
    struct play p;
    memset(&p, 0, sizeof p);
    struct smtp_client_options options = options_of(&c, &p);
    random_fast_init(&p.random, cursor_u16(&c));
    p.server = c.rest;
    p.now = (struct now){ US_PER_HOUR, 20000 * US_PER_DAY };
    smtp_client_init(&p.client, p.now, &options);
    client_watch_init(&p.watch, &p.client);
    drain(&p);
    int turns = 0;
    while (!smtp_client_closed(&p.client) && (p.server.size > 0 || p.reply.size > 0)) {
        turn(&p);
        assert(++turns < TURNS_MAX + 64 * (int)size);
    }
    time_passes(&p);
    client_watch_end(&p.watch);
    for (size_t i = 0; i < SMTP_CLIENT_IN_FLIGHT_MAX; i++)
        assert(p.mails[i] == NULL);
    smtp_client_done(&p.client);
    return 0;
}
