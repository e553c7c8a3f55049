#include "session_bench.h"

#include "border/tls_facts.h"

struct bench b;

static struct engine *e = &b.engine;

/* ---- the owner ---- */

static struct letter *letter_of(struct transaction *t)
{
    return LIST_OWNER(t, struct letter, t);
}

static void transaction_result(struct engine *engine, struct transaction *t, const struct transaction_result *result)
{
    struct letter *l = letter_of(t);
    assert_true(l->submitted && !l->cancelled && l->ends == 0);
    assert_in_range(result->recipient, 0, t->recipient_count - 1);
    assert_false(l->told[result->recipient]);
    assert_int_not_equal(result->outcome.class, OUTCOME_NONE);
    assert_int_not_equal(result->outcome.at_us, 0);
    assert_true(result->outcome.host.size > 0 && result->outcome.address.size > 0);
    l->told[result->recipient] = true;
    l->told_count++;
    l->outcomes[result->recipient] = result->outcome;
    snprintf(l->texts[result->recipient], sizeof l->texts[0], "%.*s", SLICE_ARG(result->outcome.text));
    l->too_many[result->recipient] = result->too_many;
    l->dsn[result->recipient] = result->dsn;
}

static void transaction_end(struct engine *engine, struct transaction *t, const struct transaction_end *end)
{
    struct letter *l = letter_of(t);
    assert_true(!l->cancelled && l->ends == 0);
    assert_int_equal(l->told_count, t->recipient_count);
    assert_null(t->session);
    l->ends++;
    l->submitted = false;
    l->dot_sent = end->dot_sent;
    l->mail_answered = end->mail_answered;
    snprintf(l->transcript, sizeof l->transcript, "%.*s", SLICE_ARG(end->transcript));
    snprintf(l->own_address, sizeof l->own_address, "%.*s", SLICE_ARG(end->own_address));
    b.over_count++;
    if (b.on_end)
        b.on_end(l);
}

static const struct engine_calls CALLS = {
    .transaction_result = transaction_result,
    .transaction_end = transaction_end,
};

static void owner_feed(struct engine *engine, struct machine *m, const struct event *event)
{
}

static bool owner_next(struct engine *engine, struct machine *m, struct op *ret_op)
{
    for (uint32_t i = 0; i < b.letter_count; i++) {
        if (b.letters[i].submitted && b.letters[i].t.wait.granted)
            session_granted(e, &b.letters[i].t);
    }
    return false;
}

static int64_t owner_deadline_us(const struct engine *engine, const struct machine *m)
{
    return DEADLINE_NEVER;
}

static void owner_free(struct engine *engine, struct machine *m)
{
}

static const struct machine_kind OWNER = {
    .name = "owner", .may_sleep = true, .feed = owner_feed, .next = owner_next, .deadline_us = owner_deadline_us,
    .free = owner_free,
};

/* ---- servers ---- */

static void say(struct peer *p, const char *usual, const char *instead)
{
    const char *line = instead ? instead : usual;
    if (strcmp(line, "!") == 0) {
        p->closing = true;
    } else if (line[0] != '\0') {
        buffer_add_text(&p->out, line);
        buffer_add_text(&p->out, "\r\n");
    }
}

static void hear_message(struct peer *p)
{
    struct server *s = p->server;
    struct slice in = buffer_slice(&p->in);
    size_t at = slice_find_slice(in, SLICE("\r\n.\r\n"));
    if (at == in.size)
        return;
    assert_in_range(++b.message_count, 1, b.dot_count); /* each was marked before */
    buffer_clear(&s->body);
    buffer_add(&s->body, slice_part(in, 0, at + 2));
    buffer_consume(&p->in, at + 5);
    buffer_add_text(&s->log, "<body>|");
    p->in_data = false;
    p->messages++;
    s->messages++;
    say(p, "250 2.0.0 taken", s->dot);
    if (s->close_after && p->messages == s->close_after)
        p->closing = true;
}

static void hear_line(struct peer *p, struct slice line)
{
    struct server *s = p->server;
    buffer_add(&s->log, line);
    buffer_add_text(&s->log, "|");
    s->commands++;
    if (slice_starts_with(line, SLICE("EHLO"))) {
        say(p, "250-there", s->ehlo);
        if (s->ehlo)
            return;
        if (s->offers)
            buffer_add_text(&p->out, s->offers);
        say(p, p->tls ? "250 SIZE" : "250-STARTTLS\r\n250 SIZE", NULL);
    } else if (slice_starts_with(line, SLICE("HELO"))) {
        say(p, "250 there", NULL);
    } else if (slice_starts_with(line, SLICE("STARTTLS"))) {
        say(p, "220 go", s->starttls);
    } else if (slice_starts_with(line, SLICE("AUTH"))) {
        say(p, "235 2.7.0 yes", s->auth);
    } else if (slice_starts_with(line, SLICE("MAIL"))) {
        say(p, "250 2.1.0 yes", s->stale && p->messages > 0 ? s->stale : s->mail);
    } else if (slice_starts_with(line, SLICE("RCPT"))) {
        bool bad = slice_find_slice(line, SLICE("bad")) < line.size;
        say(p, bad ? "550 5.1.1 no such user" : "250 2.1.5 yes", s->rcpt);
    } else if (slice_equal(line, SLICE("DATA"))) {
        say(p, "354 go", s->data);
        p->in_data = !s->data;
    } else if (slice_equal(line, SLICE("RSET"))) {
        say(p, "250 2.0.0 yes", NULL);
    } else {
        assert_true(slice_equal(line, SLICE("QUIT")));
        say(p, "221 2.0.0 bye", s->quit);
        p->closing = !s->quit;
    }
}

static void hear(struct peer *p)
{
    size_t before;
    do {
        before = p->in.size;
        struct slice in = buffer_slice(&p->in);
        size_t at = slice_find_slice(in, SLICE("\r\n"));
        if (p->in_data) {
            hear_message(p);
        } else if (at < in.size) {
            char line[1200];
            snprintf(line, sizeof line, "%.*s", (int)at, in.data);
            buffer_consume(&p->in, at + 2);
            hear_line(p, slice_of(line));
        }
    } while (p->in.size < before && !p->closing);
}

/* ---- the driver ---- */

static struct peer *peer_find(struct handle handle)
{
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        if (b.peers[i].used && handle_equal(b.peers[i].handle, handle))
            return &b.peers[i];
    }
    fail_msg("an operation on a handle that is dead");
    return NULL;
}

static void peer_free(struct peer *p)
{
    buffer_done(&p->in);
    buffer_done(&p->out);
    if (p->up)
        p->server->open--;
    memset(p, 0, sizeof *p);
}

static void peer_new(const struct op *op)
{
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        struct peer *p = &b.peers[i];
        if (p->used)
            continue;
        p->used = p->connecting = true;
        p->handle = op->handle;
        p->connect = op->connect;
        assert_int_equal(op->connect.address.family, 4);
        p->server = &b.servers[op->connect.address.octets[3] % SERVERS_MAX];
        buffer_init(&p->in, 8 << 20);
        buffer_init(&p->out, 1 << 20);
        return;
    }
    fail_msg("too many connections");
}

static void feed(struct event event)
{
    core_feed(e, b.now, &event);
}

static void carry_out(const struct op *op)
{
    struct peer *p = op->kind == OP_CONNECT || op->kind == OP_BODY_READ || op->kind == OP_INFLIGHT ||
                             op->kind == OP_TRACE
                         ? NULL
                         : peer_find(op->handle);
    b.ops++;
    switch (op->kind) {
    case OP_CONNECT:
        peer_new(op);
        break;
    case OP_SEND:
        assert_true(p->up && op->send.bytes.size > 0);
        buffer_add(&p->in, op->send.bytes);
        p->unsent += (uint32_t)op->send.bytes.size;
        assert_in_range(p->unsent, 1, UNSENT_MAX);
        break;
    case OP_CREDIT:
        p->credit += op->credit;
        assert_in_range(p->credit, 1, CREDIT_TURN_MAX);
        break;
    case OP_START_TLS:
        assert_true(p->up && !p->tls && op->start_tls.session_key.size > 0 && !op->start_tls.server);
        p->tls = p->tls_asked = true;
        snprintf(p->name_text, sizeof p->name_text, "%.*s", SLICE_ARG(op->start_tls.name));
        p->name_is_address = op->start_tls.name_is_address;
        break;
    case OP_CLOSE:
        if (!op->close.abort && !p->server->sticky && p->up)
            hear(p);
        peer_free(p);
        break;
    case OP_BODY_READ:
        b.reads++;
        b.read_handle = op->handle;
        if (!b.read_silent) {
            struct event event = { .kind = EVENT_BODY, .handle = op->handle };
            event.body = (struct event_body){ .err = b.read_err, .offset = op->body_read.offset,
                                              .bytes = slice_part(buffer_slice(&b.stored), op->body_read.offset,
                                                                  op->body_read.size) };
            feed(event);
        }
        break;
    case OP_INFLIGHT:
        assert_true(op->inflight.dot_sent && op->inflight.id != 0);
        b.dot_count++;
        break;
    default:
        assert_int_equal(op->kind, OP_TRACE);
    }
}

static bool drain(void)
{
    struct op op;
    bool some = false;
    while (core_next(e, &op)) {
        some = true;
        carry_out(&op);
    }
    return some;
}

static void connect_answer(struct peer *p)
{
    struct server *s = p->server;
    struct event event = { .kind = EVENT_CONNECTED, .handle = p->handle };
    p->connecting = false;
    if (s->connect > 0) {
        event.kind = EVENT_CLOSED;
        event.closed.reason = (enum close_reason)(s->connect - 1);
        peer_free(p);
    } else {
        event.connected.local = (struct ip_address){ .family = 4, .octets = { 198, 51, 100, 7 } };
        p->up = true;
        s->connections++;
        s->open++;
        say(p, "220 there ESMTP", s->greeting);
    }
    feed(event);
}

/* The handshake that was asked for. */
static void tls_answer(struct peer *p)
{
    struct tls_facts facts = { .version = SLICE("TLSv1.3"), .peer_certificate = true,
                               .chain_verified = p->server->tls == 0, .name_matched = p->server->tls == 0 };
    struct event event = { .kind = EVENT_TLS_UP, .handle = p->handle };
    event.tls_up.facts = &facts;
    if (p->server->tls == 2) {
        event.kind = EVENT_TLS_FAILED;
        event.tls_failed = SLICE("no shared cipher");
    } else if (p->server->tls == 3) {
        event.kind = EVENT_CLOSED;
        event.closed.reason = CLOSE_RESET;
        peer_free(p);
    }
    feed(event);
}

static bool peer_turn(struct peer *p)
{
    if (p->connecting) {
        if (p->server->connect < 0)
            return false;
        connect_answer(p);
        return true;
    }
    if (p->tls_asked) {
        p->tls_asked = false;
        tls_answer(p);
        return true;
    }
    if (p->unsent > 0 && !p->server->sticky) {
        struct event event = { .kind = EVENT_SENT, .handle = p->handle, .sent = p->unsent };
        p->unsent = 0;
        feed(event);
        hear(p);
        return true;
    }
    uint32_t fed = 0;
    while (p->out.size > 0 && p->credit > 0 && !p->server->mute && (fed == 0 || b.burst)) {
        uint32_t size = p->out.size < p->credit ? (uint32_t)p->out.size : p->credit;
        size = b.chunk && size > b.chunk ? b.chunk : size;
        struct event event = { .kind = EVENT_RECEIVED, .handle = p->handle };
        event.received = slice_part(buffer_slice(&p->out), 0, size);
        p->credit -= size;
        fed += size;
        feed(event);
        buffer_consume(&p->out, size);
    }
    if (p->closing && (fed == 0 || (b.burst && p->out.size == 0))) {
        peer_lose(p);
        return true;
    }
    return fed > 0;
}

bool run_turns(uint32_t turns)
{
    bool some = true;
    for (; some && turns > 0; turns--) {
        some = drain();
        for (uint32_t i = 0; i < PEERS_MAX; i++) {
            if (b.peers[i].used && peer_turn(&b.peers[i]))
                some = true;
        }
    }
    return some;
}

void run(void)
{
    assert_false(run_turns(1000000));
}

void pass(int64_t us)
{
    int64_t until_us = b.now.monotonic_us + us;
    run();
    for (int64_t next_us; (next_us = core_deadline_us(e)) <= until_us; run()) {
        int64_t by_us = next_us > b.now.monotonic_us ? next_us - b.now.monotonic_us : 0;
        b.now.monotonic_us += by_us;
        b.now.wall_us += by_us;
        e->now = b.now;
        core_tick(e);
    }
    b.now.wall_us += until_us - b.now.monotonic_us;
    b.now.monotonic_us = until_us;
    e->now = b.now;
    run();
}

void peer_lose(struct peer *p)
{
    struct event event = { .kind = EVENT_CLOSED, .handle = p->handle };
    event.closed.reason = CLOSE_PEER;
    peer_free(p);
    feed(event);
}

struct peer *peer_of(uint32_t server)
{
    struct peer *found = NULL;
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        if (b.peers[i].used && b.peers[i].server == &b.servers[server])
            found = &b.peers[i];
    }
    assert_non_null(found);
    return found;
}

/* ---- life ---- */

void bench_init(void)
{
    memset(&b, 0, sizeof b);
    b.now = (struct now){ .monotonic_us = US_PER_HOUR, .wall_us = INT64_C(1795529580000000) };
    b.config.server.name = SLICE("mta.example.org");
    b.config.limits.body_memory_bytes = 64 << 20;
    b.config.outbound.connect_timeout_us = 30 * US_PER_SECOND;
    b.config.outbound.banner_timeout_us = b.config.outbound.command_timeout_us = 5 * US_PER_MINUTE;
    b.config.outbound.data_timeout_us = 3 * US_PER_MINUTE;
    b.config.outbound.dot_timeout_us = 10 * US_PER_MINUTE;
    b.config.outbound.idle_timeout_us = 2 * US_PER_MINUTE;
    b.config.retry.transcript_in_notices = true;
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        buffer_init(&b.servers[i].log, 8 << 20);
        buffer_init(&b.servers[i].body, 8 << 20);
    }
    buffer_init(&b.stored, 8 << 20);
    struct engine_options options = { .seed = { 1 }, .config = &b.config };
    core_init(e, b.now, &options);
    e->calls = &CALLS;
    queue_init(&b.queue);
    e->queue = &b.queue;
    messages_init(e);
    destinations_init(e);
    sessions_init(e);
    machine_add(e, &b.owner, &OWNER);
}

void bench_done(void)
{
    run();
    for (uint32_t i = 0; i < b.letter_count; i++) {
        struct letter *l = &b.letters[i];
        if (l->submitted)
            cancel(l);
    }
    run();
    pass(3 * US_PER_MINUTE); /* idle sessions end */
    assert_int_equal(sessions_open(e), 0);
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        assert_false(b.peers[i].used);
    for (uint32_t i = 0; i < b.letter_count; i++) {
        struct letter *l = &b.letters[i];
        assert_int_equal(l->t.destination->connections, 0);
        assert_true(list_empty(&l->t.destination->blocked));
    }
    bench_end();
}

void bench_end(void)
{
    sessions_done(e);
    assert_true(destinations_quiet(e));
    core_done(e);
    for (uint32_t i = 0; i < b.letter_count; i++)
        message_free(e, b.letters[i].t.message);
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        if (b.peers[i].used)
            peer_free(&b.peers[i]);
    }
    messages_done(e);
    queue_done(&b.queue);
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        buffer_done(&b.servers[i].log);
        buffer_done(&b.servers[i].body);
    }
    buffer_done(&b.stored);
}

/* ---- letters ---- */

struct destination *destination(const char *name, bool smart)
{
    struct destination *d = destination_find(e, slice_of(name));
    if (!d) {
        d = destination_get(e, slice_of(name), smart);
        destination_begin(e, d, 1, DESTINATION_GO); /* stays for the whole test */
    }
    return d;
}

struct letter *letter_new(uint32_t server, const char *domain, uint32_t recipient_count)
{
    struct letter *l = &b.letters[b.letter_count++];
    struct message *m = message_new(e);
    assert_true(b.letter_count <= LETTERS_MAX && recipient_count <= RECIPIENTS_MAX);
    m->envelope.sender = SLICE("from@example.org");
    for (uint32_t i = 0; i < recipient_count; i++) {
        char address[100];
        int size = snprintf(address, sizeof address, "r%u@%s", i, domain);
        message_recipient_add(m)->address = arena_copy(&m->arena, slice(address, (size_t)size));
        l->recipients[i] = i;
    }
    m->inflight = true;
    m->inflight_slot = b.letter_count;
    l->candidate = (struct candidate){ .kind = CANDIDATE_MX, .host = SLICE("mx.test"), .domain = SLICE("test"),
                                       .address = { .family = 4, .octets = { 192, 0, 2, (uint8_t)server }, .port = 25 } };
    l->t = (struct transaction){ .owner = &b.owner, .message = m, .candidate = &l->candidate,
                                 .destination = destination(domain, false), .recipients = l->recipients,
                                 .recipient_count = recipient_count };
    letter_body(l, SLICE("Subject: x\r\n\r\nhello\r\n"), true);
    return l;
}

void letter_body(struct letter *l, struct slice body, bool in_memory)
{
    struct message *m = l->t.message;
    message_body_drop(e, m);
    m->body_whole = in_memory;
    if (in_memory)
        message_body_add(e, m, body);
    buffer_clear(&b.stored);
    buffer_add(&b.stored, body);
    m->body = (struct body_ref){ .segment = 1, .offset = 4096, .size = body.size };
    m->envelope.body_size = body.size;
}

void smarthost(struct letter *l, const char *user, const char *password)
{
    char name[100];
    snprintf(name, sizeof name, "relay.test:587 %s", user);
    l->candidate.kind = CANDIDATE_SMARTHOST;
    l->candidate.host = SLICE("relay.test");
    l->candidate.address.port = 587;
    l->t.destination = destination(name, true);
    l->t.plan = (struct tls_plan){ .tls = SMTP_CLIENT_TLS_DEMANDED, .verify = true };
    if (user[0] != '\0')
        l->t.credential = (struct credential){ .kind = CREDENTIAL_ACCOUNT, .account = slice_of(user),
                                               .user = slice_of(user), .password = slice_of(password) };
}

void submit(struct letter *l)
{
    memset(l->told, 0, sizeof l->told);
    l->told_count = l->ends = 0;
    l->submitted = true;
    session_submit(e, &l->t);
    assert_int_equal(l->told_count, 0); /* never from within */
}

struct letter *letter_send(uint32_t server, const char *domain)
{
    struct letter *l = letter_new(server, domain, 1);
    submit(l);
    run();
    return l;
}

void cancel(struct letter *l)
{
    session_cancel(e, &l->t);
    assert_true(l->submitted && l->told_count < l->t.recipient_count + 1 && l->ends == 0);
    l->submitted = false;
    l->cancelled = true;
}

void expect(const struct letter *l, enum outcome_class class, enum stage stage, enum outcome_cause cause)
{
    assert_int_equal(l->ends, 1);
    for (uint32_t i = 0; i < l->t.recipient_count; i++) {
        const struct outcome *o = &l->outcomes[i];
        if (o->class != class || o->stage != stage || o->cause != cause)
            fail_msg("%s %s %s %u instead of %s %s %s", outcome_class_name(o->class), stage_name(o->stage),
                     outcome_cause_name(o->cause), o->code, outcome_class_name(class), stage_name(stage),
                     outcome_cause_name(cause));
    }
}

void expect_ok(const struct letter *l)
{
    expect(l, OUTCOME_OK, STAGE_DOT, OUTCOME_CAUSE_REPLY);
    assert_true(l->dot_sent && l->mail_answered);
}

void expect_log(uint32_t server, const char *log)
{
    struct buffer *said = &b.servers[server].log;
    if (!slice_equal(buffer_slice(said), slice_of(log)))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARG(buffer_slice(said)), log);
    buffer_clear(said);
}
