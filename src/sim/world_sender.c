/* Sessions that submit letters: each has some of them, one after another, and tries again until every one was taken. It
 * keeps the sender's side of the account: what it was told, and what it was never told. */
#include "sim/world.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/codec.h"
#include "border/model.h"

enum {
    INPUT_SIZE_MAX = 64 << 10,
    OUTPUT_SIZE_MAX = 8 << 20,
    RETRY_MINUTES_MAX = 10,
    SESSION_LETTERS_MAX = 8, /* then QUIT and a new connection */
};

enum sender_step { SENDER_BANNER, SENDER_EHLO, SENDER_STARTTLS, SENDER_TLS, SENDER_AUTH, SENDER_MAIL, SENDER_RCPT, SENDER_DATA, SENDER_DOT, SENDER_QUIT };

struct sender {
    struct list_item item;
    struct happening next;
    struct link *link;            /* NULL: not connected */
    uint32_t first, step;         /* its letters: first, first + step, ... */
    enum sender_step awaits;
    bool pipelining;
    uint32_t account;             /* 0: it need not log in */
    bool tls, wrong;              /* wrong: the password that was said */
    struct letter *letter;        /* under way */
    uint32_t answered, taken;     /* recipients */
    bool failed;                  /* of a pipelined envelope: something was refused for now */
    uint32_t sent_count;          /* letters on this connection */
    int64_t gap_us;               /* between two letters, at most */
    struct buffer input;
};

static const struct peer_calls sender_calls;

static void sender_goes_on(struct world *world, struct happening *h);

static struct letter *letter_next(struct world *world, const struct sender *s)
{
    for (uint32_t i = s->first; i < world->letters.count; i += s->step) {
        struct letter *letter = &world->letters.all[i];
        if (letter->state != LETTER_ACCEPTED && letter->state != LETTER_REFUSED)
            return letter;
    }
    return NULL;
}

static void say(struct world *world, struct sender *s, const char *text)
{
    link_send(world, s->link, slice_of(text));
}

static void later(struct world *world, struct sender *s, int64_t most_us)
{
    agenda_set(&world->agenda, &s->next, sender_goes_on, 1 + (int64_t)random_fast_below(&world->random, (uint64_t)most_us));
}

/* ---- one letter ---- */

static void say_mail(struct world *world, struct sender *s)
{
    static const char *const ret[] = { [RET_NONE] = "", [RET_FULL] = " RET=FULL", [RET_HDRS] = " RET=HDRS" };
    const struct letter *letter = s->letter;
    char line[128];
    snprintf(line, sizeof(line), "MAIL FROM:<%s>%s%s%s%s\r\n", letter->sender, letter->declared ? " BODY=8BITMIME" : "",
             ret[letter->ret], letter->envid[0] ? " ENVID=" : "", letter->envid);
    say(world, s, line);
}

static void say_rcpt(struct world *world, struct sender *s, uint32_t place)
{
    const struct letter_recipient *to = &s->letter->recipients[place];
    char line[256];
    snprintf(line, sizeof(line), "RCPT TO:<%s>%s%s%s%s\r\n", to->address, to->notify[0] ? " NOTIFY=" : "", to->notify,
             to->orcpt[0] ? " ORCPT=" : "", to->orcpt);
    say(world, s, line);
}

static void say_text(struct world *world, struct sender *s)
{
    struct buffer out;
    buffer_init(&out, OUTPUT_SIZE_MAX);
    struct slice rest = s->letter->text;
    while (rest.size > 0) {
        if (rest.data[0] == '.')
            buffer_add_char(&out, '.');
        size_t size = slice_find(rest, '\n') + 1;
        buffer_add(&out, slice_part(rest, 0, size));
        rest = slice_after(rest, size);
    }
    buffer_add_text(&out, ".\r\n");
    assert(!out.overflow);
    link_send(world, s->link, buffer_slice(&out));
    buffer_done(&out);
    s->letter->state = LETTER_OFFERED;
    s->awaits = SENDER_DOT;
}

static void letter_begin(struct world *world, struct sender *s)
{
    s->letter = letter_next(world, s);
    if (!s->letter || s->sent_count >= SESSION_LETTERS_MAX) {
        s->letter = NULL;
        say(world, s, "QUIT\r\n");
        s->awaits = SENDER_QUIT;
        return;
    }
    s->sent_count++;
    s->answered = s->taken = 0;
    s->failed = false;
    s->awaits = SENDER_MAIL;
    say_mail(world, s);
    if (!s->pipelining)
        return;
    for (uint32_t i = 0; i < s->letter->recipient_count; i++)
        say_rcpt(world, s, i);
    say(world, s, "DATA\r\n");
}

/* Before its final dot: nothing can have become of this try. */
static void letter_back(struct sender *s)
{
    struct letter *letter = s->letter;
    s->letter = NULL;
    if (letter && letter->accepted == 0)
        letter->state = letter->unknown > 0 ? LETTER_OFFERED : LETTER_NEW;
}

static void sender_leave(struct world *world, struct sender *s)
{
    letter_back(s);
    link_close(world, s->link);
    s->link = NULL;
    buffer_clear(&s->input);
    if (letter_next(world, s))
        later(world, s, RETRY_MINUTES_MAX * US_PER_MINUTE);
}

static void dot_answered(struct world *world, struct sender *s, uint32_t code, struct slice text)
{
    struct letter *letter = s->letter;
    s->letter = NULL;
    if (!letter) { /* none is under way: the server ends the session */
        sender_leave(world, s);
        return;
    }
    if (code == 250) {
        size_t at = slice_find_slice(text, SLICE("queued as "));
        uint64_t id;
        if (id_parse(slice_trim(slice_after(text, at + SLICE("queued as ").size)), &id))
            letters_accepted(&world->letters, letter, id);
        else
            letters_violate(&world->letters, "letter %u: 250 without an id", letter->number);
        if (s->gap_us > 0)
            later(world, s, s->gap_us);
        else
            letter_begin(world, s);
        return;
    }
    /* A refusal for now: nothing of it is stored, unless the store itself does not know. */
    letter->unknown += world->letters.doubt_everywhere;
    s->letter = letter;
    sender_leave(world, s);
}

/* ---- replies ---- */

static void data_answered(struct world *world, struct sender *s, uint32_t code)
{
    if (code == 354)
        say_text(world, s);
    else
        sender_leave(world, s);
}

static void envelope_answered(struct world *world, struct sender *s, uint32_t code)
{
    s->failed |= code != 250;
    if (s->awaits == SENDER_MAIL) {
        s->awaits = SENDER_RCPT;
        if (!s->pipelining && !s->failed)
            say_rcpt(world, s, 0);
    } else if (++s->answered == s->letter->recipient_count) {
        s->awaits = SENDER_DATA;
        if (!s->pipelining && !s->failed)
            say(world, s, "DATA\r\n");
    } else if (!s->pipelining && !s->failed) {
        say_rcpt(world, s, s->answered);
    }
    /* Pipelined: leaving now says nothing to what was sent behind it, and no dot was. */
    if (s->failed)
        sender_leave(world, s);
}

/* Once in a while the password is wrong at first. */
static void say_login(struct world *world, struct sender *s, bool wrong)
{
    char plain[64];
    struct buffer line;
    buffer_init(&line, 256);
    int size = snprintf(plain, sizeof(plain), "%ca%u@accounts.test%cpw%u", 0, s->account, 0, s->account + wrong);
    buffer_add_text(&line, "AUTH PLAIN ");
    base64_encode(slice(plain, (size_t)size), &line);
    buffer_add_text(&line, "\r\n");
    link_send(world, s->link, buffer_slice(&line));
    buffer_done(&line);
    s->wrong = wrong;
    s->awaits = SENDER_AUTH;
}

static void ehlo_answered(struct world *world, struct sender *s)
{
    if (s->account == 0) {
        letter_begin(world, s);
    } else if (!s->tls) {
        say(world, s, "STARTTLS\r\n");
        s->awaits = SENDER_STARTTLS;
    } else {
        say_login(world, s, sim_chance(&world->random, 100));
    }
}

static void login_answered(struct world *world, struct sender *s, uint32_t code)
{
    if (s->wrong != (code == 535) || (!s->wrong && code != 235))
        letters_violate(&world->letters, "a login with the %s password is answered %u", s->wrong ? "wrong" : "right", code);
    else if (s->wrong)
        say_login(world, s, false);
    else
        letter_begin(world, s);
}

static void say_ehlo(struct world *world, struct sender *s)
{
    say(world, s, "EHLO client.test\r\n");
    s->awaits = SENDER_EHLO;
}

static void sender_tls_up(struct world *world, void *peer)
{
    struct sender *s = peer;
    s->tls = true;
    if (s->awaits == SENDER_TLS)
        say_ehlo(world, s);
}

static void reply_read(struct world *world, struct sender *s, uint32_t code, struct slice text)
{
    if (world->trace)
        fprintf(stderr, "%14.6f sender %u < %.*s\n", (double)world->agenda.now_us / 1e6, s->first, SLICE_ARG(text));
    if (s->awaits == SENDER_AUTH && code != 454 && code != 421) {
        login_answered(world, s, code);
        return;
    }
    if (code >= 500 && s->awaits != SENDER_QUIT)
        letters_violate(&world->letters, "the sender was refused for good: %.*s", SLICE_ARG(text));
    if (code >= 400 && s->awaits != SENDER_DOT && s->awaits != SENDER_QUIT) {
        sender_leave(world, s);
        return;
    }
    switch (s->awaits) {
    case SENDER_BANNER: say_ehlo(world, s); break;
    case SENDER_EHLO: ehlo_answered(world, s); break;
    case SENDER_STARTTLS: s->awaits = SENDER_TLS; break;
    case SENDER_TLS:
    case SENDER_AUTH: letters_violate(&world->letters, "the sender was told something unasked: %.*s", SLICE_ARG(text)); break;
    case SENDER_MAIL:
    case SENDER_RCPT: envelope_answered(world, s, code); break;
    case SENDER_DATA: data_answered(world, s, code); break;
    case SENDER_DOT: dot_answered(world, s, code, text); break;
    case SENDER_QUIT: sender_leave(world, s); break;
    }
}

static void sender_received(struct world *world, void *peer, struct slice bytes)
{
    struct sender *s = peer;
    buffer_add(&s->input, bytes);
    size_t end;
    while (s->link && (end = slice_find(buffer_slice(&s->input), '\n')) < s->input.size) {
        char line[1024];
        size_t size = end < sizeof(line) ? end : sizeof(line);
        memcpy(line, s->input.data, size);
        buffer_consume(&s->input, end + 1);
        struct slice text = slice_trim(slice(line, size));
        uint64_t code;
        if (size < 4 || !slice_to_u64(slice_part(text, 0, 3), 599, &code))
            letters_violate(&world->letters, "the sender was told nonsense: %.*s", SLICE_ARG(text));
        else if (line[3] != '-')
            reply_read(world, s, (uint32_t)code, text);
    }
}

/* ---- connections ---- */

static void sender_closed(struct world *world, void *peer)
{
    struct sender *s = peer;
    if (s->letter && s->awaits == SENDER_DOT && link_pending(s->link) == 0)
        s->letter->unknown++; /* all of it got there, the answer did not */
    letter_back(s);
    s->link = NULL;
    buffer_clear(&s->input);
    if (letter_next(world, s))
        later(world, s, RETRY_MINUTES_MAX * US_PER_MINUTE);
}

static void sender_goes_on(struct world *world, struct happening *h)
{
    struct sender *s = LIST_OWNER(h, struct sender, next);
    if (s->link) {
        letter_begin(world, s);
        return;
    }
    if (!world_up(world)) {
        later(world, s, US_PER_MINUTE);
        return;
    }
    static const uint16_t ports[] = { [LISTENER_RELAY] = 25, [LISTENER_SUBMISSION] = 587, [LISTENER_SUBMISSIONS] = 465 };
    enum listener_kind listener = s->account == 0                   ? LISTENER_RELAY
                                  : sim_chance(&world->random, 500) ? LISTENER_SUBMISSION : LISTENER_SUBMISSIONS;
    const struct engine_accept accept = {
        .listener = listener,
        .peer = { .family = 4, .octets = { 10, 254, 0, (uint8_t)(s->first + 1) }, .port = 30000 },
        .local = { .family = 4, .octets = { 10, 255, 0, 1 }, .port = ports[listener] },
    };
    s->tls = false;
    struct handle handle = engine_accept(world->engine, world_now(world), &accept);
    s->awaits = SENDER_BANNER;
    s->sent_count = 0;
    s->link = link_accepted(world, handle, &sender_calls, s);
}

static const struct peer_calls sender_calls = { .received = sender_received, .closed = sender_closed, .tls_up = sender_tls_up };

void senders_start(struct world *world)
{
    const struct sim_options *o = &world->options;
    bool spread = sim_chance(&world->random, 500);
    for (uint32_t i = 0; i < o->session_count && i < o->letter_count; i++) {
        struct sender *s = mem_alloc(sizeof(*s));
        s->first = i;
        s->step = o->session_count;
        s->account = sim_account(o, i);
        s->pipelining = sim_chance(&world->random, 500);
        s->gap_us = spread ? 1 + o->faults_us * (int64_t)o->session_count / (int64_t)o->letter_count : 0;
        buffer_init(&s->input, INPUT_SIZE_MAX);
        list_append(&world->peers, &s->item);
        later(world, s, spread ? o->faults_us : US_PER_SECOND);
    }
}

bool senders_over(const struct world *world)
{
    for (uint32_t i = 0; i < world->letters.count; i++) {
        enum letter_state state = world->letters.all[i].state;
        if (state != LETTER_ACCEPTED && state != LETTER_REFUSED)
            return false;
    }
    return true;
}

void senders_done(struct world *world)
{
    struct list_item *item;
    while ((item = list_take_first(&world->peers))) {
        struct sender *s = LIST_OWNER(item, struct sender, item);
        agenda_cancel(&world->agenda, &s->next);
        buffer_done(&s->input);
        mem_free(s);
    }
}
