/* Receiving servers: MX hosts, the smart host, and where the notices go. Each session reads octets with an eye of its own
 * (line ends, dots, what may be said when) that shares nothing with proto/, and keeps the receiver's side of the account. */
#include "sim/world_server_work.h"

#include <assert.h>

#include "base/codec.h"
#include "sim/zone.h"

static const struct peer_calls server_calls;

/* ---- replies ---- */

static void flushed(struct world *world, struct happening *h)
{
    struct server *s = LIST_OWNER(h, struct server, slow);
    if (s->out.size > 0)
        link_send(world, s->link, buffer_slice(&s->out));
    buffer_clear(&s->out);
    server_work(world, s);
}

void server_reply(struct world *world, struct server *s, const char *text)
{
    if (world->trace)
        fprintf(stderr, "%14.6f %s > %s\n", (double)world->agenda.now_us / 1e6, s->name, text);
    buffer_add_text(&s->out, text);
    buffer_add_text(&s->out, "\r\n");
    if (s->host.slow_us == 0) {
        s->sent_total += s->out.size;
        link_send(world, s->link, buffer_slice(&s->out));
        buffer_clear(&s->out);
        return;
    }
    s->sent_total += strlen(text) + 2;
    if (!agenda_is_set(&s->slow))
        agenda_set(&world->agenda, &s->slow, flushed, 1 + (int64_t)random_fast_below(&world->random, (uint64_t)s->host.slow_us));
}

static size_t unread(const struct server *s)
{
    return s->out.size + link_pending(s->link);
}

/* ---- the end of a session ---- */

static void server_free(struct world *world, struct server *s)
{
    agenda_cancel(&world->agenda, &s->slow);
    agenda_cancel(&world->agenda, &s->bye);
    buffer_done(&s->in);
    buffer_done(&s->out);
    buffer_done(&s->text);
    arena_done(&s->arena);
    mem_free(s);
}

/* Closed once the engine has read all: until then it must be known whether it has. */
static void leaves(struct world *world, struct happening *h)
{
    struct server *s = LIST_OWNER(h, struct server, bye);
    if (unread(s) > 0) {
        s->bye_after_us *= 2;
        agenda_set(&world->agenda, &s->bye, leaves, s->bye_after_us);
        return;
    }
    link_close(world, s->link);
    server_free(world, s);
}

void server_leave(struct world *world, struct server *s)
{
    s->state = SERVER_LEAVING;
    s->bye_after_us = US_PER_MS;
    agenda_set(&world->agenda, &s->bye, leaves, s->bye_after_us);
}

static void resets(struct world *world, struct happening *h)
{
    struct server *s = LIST_OWNER(h, struct server, bye);
    link_reset(world, s->link);
    server_free(world, s);
}

/* Whatever was answered and has not arrived is lost, the dot's answer too. */
void server_reset(struct world *world, struct server *s)
{
    s->state = SERVER_LEAVING;
    server_doubt(world, s);
    agenda_set(&world->agenda, &s->bye, resets, 1);
}

static void server_closed(struct world *world, void *peer)
{
    struct server *s = peer;
    server_doubt(world, s);
    server_free(world, s);
}

/* The engine has not got the answer to the last dot: it must take the letter for undelivered. */
void server_doubt(struct world *world, struct server *s)
{
    if (!s->dotted || (s->dot_answer_at > 0 && s->sent_total - unread(s) >= s->dot_answer_at))
        return;
    s->dotted = false;
    for (uint32_t i = 0; i < s->dotted_count; i++)
        letters_doubt(&world->letters, &s->dotted_arrival, s->dotted_recipients[i]);
}

/* ---- lines ---- */

static void server_line(struct world *world, struct server *s, struct slice line, bool more)
{
    if (world->trace)
        fprintf(stderr, "%14.6f %s < %.*s\n", (double)world->agenda.now_us / 1e6, s->name, SLICE_ARG(line));
    for (size_t i = 0; i < line.size; i++) {
        uint8_t c = (uint8_t)line.data[i];
        if (c == 0 || c == '\r' || c > 126)
            letters_violate(&world->letters, "%s: a command with octet %u", s->name, c);
    }
    bool may_not_wait = slice_starts_with(line, SLICE("QUIT"));
    bool group = s->ehlo && s->host.pipelining && (slice_starts_with(line, SLICE("MAIL")) ||
        slice_starts_with(line, SLICE("RCPT")) || slice_starts_with(line, SLICE("RSET")));
    if (!may_not_wait && unread(s) > 0 && !(s->ehlo && s->host.pipelining))
        letters_violate(&world->letters, "%s: it did not wait for our answer: %.*s", s->name, SLICE_ARG(line));
    if (more && !group)
        letters_violate(&world->letters, "%s: more was said behind %.*s", s->name, SLICE_ARG(line));
    server_command(world, s, line);
}

static bool has_high_octet(struct slice line)
{
    uint64_t all = 0, word;
    size_t at = 0;
    for (; at + sizeof(word) <= line.size; at += sizeof(word)) {
        memcpy(&word, line.data + at, sizeof(word));
        all |= word;
    }
    for (; at < line.size; at++)
        all |= (uint8_t)line.data[at];
    return all & UINT64_C(0x8080808080808080);
}

/* Looked at as a whole first: most lines have nothing that they may not have, and worlds carry many. */
static void octets_check(struct world *world, const struct server *s, struct slice line)
{
    unsigned most = s->body_8bit ? 255 : 127;
    bool bad = line.size > 0 && (memchr(line.data, 0, line.size) || memchr(line.data, '\r', line.size) ||
                                 (most == 127 && has_high_octet(line)));
    for (size_t i = 0; bad && i < line.size; i++) {
        uint8_t c = (uint8_t)line.data[i];
        if (c == 0 || c == '\r' || c > most)
            letters_violate(&world->letters, "%s: octet %u in a message", s->name, c);
    }
}

/* One line of a message, its CR with it; false: it was the last. */
static bool text_line(struct world *world, struct server *s, struct slice line)
{
    if (line.size == 0 || line.data[line.size - 1] != '\r')
        letters_violate(&world->letters, "%s: a bare LF in a message", s->name);
    else
        line.size--;
    if (line.size > (line.size > 0 && line.data[0] == '.' ? 999u : 998u))
        letters_violate(&world->letters, "%s: a line of %zu octets", s->name, line.size);
    octets_check(world, s, line);
    if (line.size == 1 && line.data[0] == '.')
        return false;
    buffer_add(&s->text, slice_after(line, line.size > 0 && line.data[0] == '.'));
    buffer_add(&s->text, SLICE("\r\n"));
    return true;
}

/* The octets of a message, from the front of the input, as many lines as are there; false: more are needed. */
static bool text_lines(struct world *world, struct server *s)
{
    struct slice rest = buffer_slice(&s->in);
    bool more = true;
    size_t end;
    while (more && (end = slice_find(rest, '\n')) < rest.size) {
        more = text_line(world, s, slice_part(rest, 0, end));
        rest = slice_after(rest, end + 1);
    }
    buffer_consume(&s->in, s->in.size - rest.size);
    if (!more) {
        s->state = SERVER_COMMANDS;
        server_dot(world, s);
    }
    return !more;
}

static bool command_line(struct world *world, struct server *s)
{
    struct slice in = buffer_slice(&s->in);
    size_t end = slice_find_slice(in, SLICE("\r\n"));
    if (end == in.size)
        return false;
    char line[SERVER_LINE_MAX];
    size_t size = end < sizeof(line) ? end : sizeof(line);
    if (end >= sizeof(line))
        letters_violate(&world->letters, "%s: a command line of %zu octets", s->name, end);
    memcpy(line, in.data, size);
    buffer_consume(&s->in, end + 2);
    server_line(world, s, slice(line, size), s->in.size > 0);
    return true;
}

void server_work(struct world *world, struct server *s)
{
    bool on = true;
    while (on && s->state != SERVER_LEAVING && s->state != SERVER_SILENT)
        on = s->state == SERVER_TEXT ? text_lines(world, s) : command_line(world, s);
}

static void server_received(struct world *world, void *peer, struct slice bytes)
{
    struct server *s = peer;
    if (s->state == SERVER_LEAVING || s->state == SERVER_SILENT)
        return;
    if (!s->greeted)
        letters_violate(&world->letters, "%s: it spoke before our banner", s->name);
    buffer_add(&s->in, bytes);
    assert(!s->in.overflow);
    server_work(world, s);
}

/* ---- connections ---- */

static void server_opened(struct world *world, void *peer)
{
    struct server *s = peer;
    s->greeted = true;
    enum host_whim whim = server_whim(world, s, HOST_BANNER);
    static const char *const replies[] = { "220 mx.sim.test ESMTP", "421 4.3.2 not now", "554 5.3.2 no", "421 4.3.2 go" };
    server_reply(world, s, replies[whim]);
    if (whim != HOST_AGREES)
        server_leave(world, s);
}

static void server_tls_up(struct world *world, void *peer)
{
    struct server *s = peer;
    if (!s->starting_tls || s->in.size > 0)
        letters_violate(&world->letters, "%s: TLS was begun at the wrong moment", s->name);
    s->tls = true;
    s->starting_tls = false;
    s->ehlo = s->mail = false;
}

static const struct peer_calls server_calls = { server_opened, server_received, server_closed, server_tls_up };

static void mode_check(struct world *world, const struct host *host)
{
    bool direct = host->role != HOST_SMARTHOST;
    if (world->mode_changed)
        return;
    if (world->mode == SIM_DIRECT && !direct)
        letters_violate(&world->letters, "a connection to the smart host in mode direct");
    if (world->mode == SIM_SMARTHOST && direct)
        letters_violate(&world->letters, "a connection to a recipient's host in mode smarthost");
}

void server_connect(struct world *world, struct handle handle, const struct op_connect *connect)
{
    const struct sim_options *o = &world->options;
    struct host host;
    host_draw(o, &connect->address, &host);
    mode_check(world, &host);
    int64_t soon_us = 1 + (int64_t)random_fast_below(&world->random, (uint64_t)o->latency_us * 2);
    if (host.dead || (world->faults && sim_chance(&world->random, o->connect_hangs))) {
        link_connect_fails(world, handle, CLOSE_TIMEOUT, connect->timeout_us);
    } else if (world->faults && sim_chance(&world->random, o->connect_refused)) {
        link_connect_fails(world, handle, CLOSE_REFUSED, soon_us);
    } else {
        struct server *s = mem_alloc(sizeof(*s));
        s->host = host;
        s->login = SIM_LOGIN_NONE;
        const uint8_t *a = connect->address.octets;
        snprintf(s->name, sizeof(s->name), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
        buffer_init(&s->in, SERVER_IN_MAX);
        buffer_init(&s->out, SERVER_IN_MAX);
        buffer_init(&s->text, SERVER_TEXT_MAX);
        s->link = link_connect(world, handle, &server_calls, s);
    }
}
