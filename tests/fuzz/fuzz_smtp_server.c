/* The inbound session under any octets, cut anywhere, with answers that come at any time or never, a client that takes
 * its replies slowly, ticks, and connections that go away. The watch asserts what smtp_server.h promises; here it is
 * seen that all of the input is taken in the end. The first octets choose options and the seed of all that is random;
 * the rest is what the client says. */
#include "fuzz.h"

#include "base/random.h"
#include "proto/smtp_server_watch.h"

enum {
    TURNS_MAX = 20000, /* a turn takes an octet, answers, or ends it: more would be a session that is stuck */
};

struct play {
    struct smtp_server server;
    struct watch watch;
    struct random_fast random;
    struct slice client; /* not said yet */
    struct now now;
    bool patient; /* no ticks, losses or shutdowns: everything must be read */
};

static bool chance(struct play *p, uint64_t of)
{
    return random_fast_below(&p->random, of) == 0;
}

static void feed(struct play *p, const struct smtp_server_input *input)
{
    watch_input(&p->watch, input);
    smtp_server_feed(&p->server, p->now, input);
}

static void drain(struct play *p)
{
    struct smtp_server_output output;
    while (smtp_server_next(&p->server, &output))
        watch_output(&p->watch, &output);
    watch_drained(&p->watch);
}

static void answer(struct play *p)
{
    static const uint16_t codes[] = { 0, 0, 0, 0, 250, 421, 450, 454, 535, 550, 554 };
    struct smtp_server_input input = { .kind = SMTP_SERVER_INPUT_ANSWER };
    input.answer.code = codes[random_fast_below(&p->random, sizeof codes / sizeof codes[0])];
    if (p->patient && input.answer.code == 421)
        input.answer.code = 451;
    if (chance(p, 4))
        input.answer.enhanced = (struct enhanced_code){ 5, 65535, 7 };
    if (chance(p, 4))
        input.answer.text = SLICE("caf\xc3\xa9\r\n250 injected\0");
    input.answer.forgiven = chance(p, 2);
    input.answer.close = !p->patient && chance(p, 16);
    feed(p, &input);
}

static void say(struct play *p)
{
    size_t size = smtp_server_credit(&p->server);
    if (chance(p, 2) && size > 1)
        size = 1 + random_fast_below(&p->random, size < 80 ? size : 80);
    struct smtp_server_input input = { .kind = SMTP_SERVER_INPUT_BYTES };
    input.bytes = slice_part(p->client, 0, size);
    p->client = slice_after(p->client, size);
    if (input.bytes.size > 0)
        feed(p, &input);
}

/* What the world does to a session beside talking to it. */
static void disturb(struct play *p)
{
    struct smtp_server_input input = { .kind = SMTP_SERVER_INPUT_TICK };
    switch (random_fast_below(&p->random, 4)) {
    case 0: input.kind = SMTP_SERVER_INPUT_LOST; break;
    case 1: input.kind = SMTP_SERVER_INPUT_SHUTDOWN; break;
    case 2: p->now.monotonic_us += US_PER_MINUTE; break;
    default: {
        int64_t deadline_us = smtp_server_deadline_us(&p->server);
        if (deadline_us != DEADLINE_NEVER && deadline_us > p->now.monotonic_us)
            p->now.monotonic_us = deadline_us;
    }
    }
    feed(p, &input);
}

static void turn(struct play *p)
{
    if (p->watch.unsent > 0 && chance(p, 2)) {
        struct smtp_server_input sent = { .kind = SMTP_SERVER_INPUT_SENT };
        sent.sent = chance(p, 2) ? p->watch.unsent : 1 + (uint32_t)random_fast_below(&p->random, p->watch.unsent);
        feed(p, &sent);
    } else if (!p->patient && chance(p, 40)) {
        disturb(p);
    } else if (p->watch.handshake) {
        feed(p, &(struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_TLS_UP });
    } else if (smtp_server_asking(&p->server) && chance(p, 2)) {
        answer(p);
    } else {
        say(p);
    }
    drain(p);
}

static struct smtp_server_options options_of(struct cursor *c)
{
    struct smtp_server_options o;
    smtp_server_options_default(&o);
    uint8_t flags = cursor_u8(c), limits = cursor_u8(c);
    o.kind = flags & 3;
    o.tls = flags & 4;
    o.starttls = flags & 8;
    o.auth = flags & 16;
    o.auth_clear = flags & 32;
    o.auth_required = (flags & 0xc0) == 0xc0;
    o.requiretls = flags & 64;
    o.message_size_max = limits & 1 ? 40 : 100000;
    o.recipients_max = limits & 2 ? 2 : 100;
    o.errors_max = limits & 4 ? 3 : 100000;
    o.failed_logins_max = limits & 8 ? 1 : 1000;
    smtp_server_options_set_name(&o, SLICE("mx.example.org"));
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor(slice(data, size));
    struct play p;
    struct smtp_server_options options = options_of(&c);
    memset(&p, 0, sizeof p);
    p.patient = cursor_u8(&c) & 1;
    random_fast_init(&p.random, cursor_u16(&c));
    p.now.monotonic_us = US_PER_HOUR;
    p.client = c.rest;
    smtp_server_init(&p.server, p.now, &options);
    watch_init(&p.watch, &p.server);
    drain(&p);
    int turns = 0;
    while (!smtp_server_closed(&p.server) &&
           (p.client.size > 0 || smtp_server_asking(&p.server) || p.watch.handshake || p.watch.unsent > 0)) {
        turn(&p);
        assert(++turns < TURNS_MAX + 64 * (int)size);
    }
    if (!smtp_server_closed(&p.server)) {
        feed(&p, &(struct smtp_server_input){ .kind = SMTP_SERVER_INPUT_LOST });
        drain(&p);
    }
    watch_end(&p.watch);
    smtp_server_done(&p.server);
    return 0;
}
