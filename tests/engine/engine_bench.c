#include "engine_bench.h"

#include "proto/ip.h"

struct bench b;

enum { BUFFER_MAX = 8 << 20, TEXT_MAX = 4096 };

static const char base_config[] = "[Server]\nName = mta.example.org\nDataDir = /tmp\nPostmaster = postmaster@local.test\n"
                                  "[Listen]\nRelay = 127.0.0.1:2525\n[Domains]\nLocal = local.test\n";

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

static bool has(struct slice s, const char *text)
{
    return slice_find_slice(s, slice_of(text)) < s.size;
}

static bool hear_message(struct peer *p)
{
    struct server *s = p->server;
    struct slice in = buffer_slice(&p->in);
    size_t at = slice_find_slice(in, SLICE("\r\n.\r\n"));
    if (at == in.size)
        return false;
    buffer_clear(&s->body);
    buffer_add(&s->body, slice_part(in, 0, at + 2));
    buffer_consume(&p->in, at + 5);
    buffer_add_text(&s->log, "<body>|");
    p->in_data = false;
    s->messages++;
    say(p, "250 2.0.0 taken", s->dot);
    return true;
}

static void hear_line(struct peer *p, struct slice line)
{
    struct server *s = p->server;
    buffer_add(&s->log, line);
    buffer_add_text(&s->log, "|");
    if (slice_starts_with(line, SLICE("EHLO"))) {
        buffer_add_text(&p->out, "250-there\r\n");
        if (s->offers)
            buffer_add_text(&p->out, s->offers);
        buffer_add_text(&p->out, "250 SIZE\r\n");
    } else if (slice_starts_with(line, SLICE("AUTH"))) {
        say(p, "235 2.7.0 yes", s->auth);
    } else if (slice_starts_with(line, SLICE("MAIL"))) {
        say(p, "250 2.1.0 yes", s->mail);
    } else if (slice_starts_with(line, SLICE("RCPT"))) {
        say(p, has(line, "bad") ? "550 5.1.1 no such user" : has(line, "busy") ? "450 4.2.1 later" : "250 2.1.5 yes", s->rcpt);
    } else if (slice_equal(line, SLICE("DATA"))) {
        say(p, "354 go", s->data);
        p->in_data = !s->data;
    } else if (slice_equal(line, SLICE("RSET"))) {
        say(p, "250 2.0.0 yes", NULL);
    } else {
        assert_true(slice_equal(line, SLICE("QUIT")));
        say(p, "221 2.0.0 bye", NULL);
        p->closing = true;
    }
}

static void hear(struct peer *p)
{
    bool some = p->server != NULL;
    while (some && !p->closing) {
        struct slice in = buffer_slice(&p->in);
        size_t at = slice_find_slice(in, SLICE("\r\n"));
        if (p->in_data) {
            some = hear_message(p);
            continue;
        }
        some = at < in.size;
        if (!some)
            return;
        char line[TEXT_MAX];
        snprintf(line, sizeof line, "%.*s", (int)at, in.data);
        buffer_consume(&p->in, at + 2);
        hear_line(p, slice_of(line));
    }
}

/* ---- names ---- */

void name_fails(const char *name, enum dns_type type, enum dns_status status, bool silent)
{
    assert_true(b.name_count < NAMES_MAX);
    b.names[b.name_count++] = (struct name){ .name = name, .type = type, .status = status, .silent = silent };
}

void name_add(const char *name, enum dns_type type, const char *data)
{
    name_fails(name, type, DNS_OK, false);
    b.names[b.name_count - 1].data = data;
}

void domain_at(const char *domain, const char *mx, uint32_t server)
{
    static char texts[NAMES_MAX][TEXT_MAX / 16];
    char *priority = texts[b.name_count], *address = texts[b.name_count + 1];
    snprintf(priority, sizeof texts[0], "10 %s", mx);
    snprintf(address, sizeof texts[0], "192.0.2.%u", server);
    name_add(domain, DNS_MX, priority);
    name_add(mx, DNS_A, address);
}

static void rdata(const struct name *n, struct buffer *out)
{
    if (n->type == DNS_A) {
        uint8_t octets[16];
        assert_int_equal(ip_parse(slice_of(n->data), octets), 4);
        buffer_add(out, slice(octets, 4));
        return;
    }
    assert_int_equal(n->type, DNS_MX);
    unsigned preference;
    char host[TEXT_MAX];
    assert_int_equal(sscanf(n->data, "%u %4000s", &preference, host), 2);
    buffer_add_char(out, (char)(preference >> 8));
    buffer_add_char(out, (char)preference);
    for (char *label = strtok(host, "."); label; label = strtok(NULL, ".")) {
        buffer_add_char(out, (char)strlen(label));
        buffer_add_text(out, label);
    }
    buffer_add_char(out, 0);
}

/* ---- answers that are given after the drain ---- */

enum { RECORDS_MAX = 4, ANSWERS_MAX = 1000 };

struct answer {
    struct event event;
    struct buffer bytes;
    struct slice parts[RECORDS_MAX];
};

static struct answer answers[ANSWERS_MAX];
static uint32_t answer_count;

static struct answer *answer_new(enum event_kind kind, struct handle handle)
{
    assert_true(answer_count < ANSWERS_MAX);
    struct answer *a = &answers[answer_count++];
    a->event = (struct event){ .kind = kind, .handle = handle };
    buffer_init(&a->bytes, BUFFER_MAX);
    return a;
}

/* All records of the name and type; a name that is known by another type only has none. */
static void look_up(const struct op *op)
{
    enum { RECORD_SIZE_MAX = 300 };
    enum dns_status status = DNS_NXDOMAIN;
    struct answer *a = answer_new(EVENT_DNS, op->handle);
    size_t count = 0;
    b.lookups++;
    buffer_reserve(&a->bytes, RECORDS_MAX * RECORD_SIZE_MAX);
    for (uint32_t i = 0; i < b.name_count; i++) {
        struct name *n = &b.names[i];
        if (!slice_equal(op->dns.name, slice_of(n->name)))
            continue;
        if (n->type != op->dns.type) {
            status = status == DNS_NXDOMAIN ? DNS_NODATA : status;
            continue;
        }
        n->asked++;
        if (n->silent) {
            answer_count--;
            buffer_done(&a->bytes);
            return;
        }
        status = n->status;
        size_t from = a->bytes.size;
        if (n->data && count < RECORDS_MAX) {
            rdata(n, &a->bytes);
            a->parts[count++] = slice(a->bytes.data + from, a->bytes.size - from);
        }
    }
    a->event.dns = (struct event_dns){ .status = status, .ttl_us = US_PER_HOUR, .rdata = a->parts, .count = count };
}

/* ---- the store ---- */

struct stored *stored_find(uint64_t id)
{
    for (uint32_t i = 0; i < b.stored_count; i++)
        if (b.stored[i].id == id)
            return &b.stored[i];
    return NULL;
}

struct stored *stored_new(uint64_t id)
{
    assert_true(b.stored_count < STORED_MAX);
    struct stored *s = &b.stored[b.stored_count++];
    s->id = id;
    buffer_init(&s->envelope, ENVELOPE_SIZE_MAX);
    buffer_init(&s->body, BUFFER_MAX);
    return s;
}

static void store_item(const struct store_item *item)
{
    struct stored *s = stored_find(item->id);
    b.submits += item->kind == STORE_SUBMIT;
    b.settles += item->kind == STORE_SETTLE;
    b.ends += item->kind == STORE_END;
    if (item->kind == STORE_SUBMIT && !s)
        s = stored_new(item->id);
    assert_non_null(s);
    assert_false(s->ended);
    s->ended = item->kind == STORE_END;
    if (s->ended)
        return;
    s->settles += item->kind == STORE_SETTLE;
    s->queue = item->queue;
    s->due_us = item->due_us;
    buffer_clear(&s->envelope);
    buffer_add(&s->envelope, item->envelope);
    for (uint32_t i = 0; i < item->body_part_count; i++)
        buffer_add(&s->body, item->body_parts[i]);
}

static void commit(const struct op *op)
{
    b.batches++;
    b.commit = op->handle;
    b.result_count = op->commit.count;
    for (uint32_t i = 0; i < op->commit.count; i++) {
        const struct store_item *item = &op->commit.items[i];
        if (b.store_status == STORE_OK)
            store_item(item);
        b.results[i] = (struct store_result){ .id = item->id, .tag = item->tag, .status = b.store_status };
        b.results[i].envelope = (struct record_ref){ .segment = b.batches, .offset = 4096, .size = (uint32_t)item->envelope.size };
        b.results[i].body = item->body;
        if (item->kind == STORE_SUBMIT && item->body.big_id == 0)
            b.results[i].body = (struct body_ref){ .segment = b.batches, .offset = 4096, .size = stored_find(item->id) ? stored_find(item->id)->body.size : 0 };
    }
}

void bench_store_answers(void)
{
    assert_true(handle_is(b.commit));
    struct event event = { .kind = EVENT_COMMITTED, .handle = b.commit };
    event.committed = (struct event_committed){ b.results, b.result_count };
    b.commit = (struct handle){ 0 };
    engine_feed(b.e, b.now, &event);
}

static void load(const struct op *op)
{
    const struct stored *s = stored_find(op->load.id);
    struct answer *a = answer_new(EVENT_LOADED, op->handle);
    b.loads++;
    a->event.loaded = (struct event_loaded){ .id = op->load.id, .err = b.load_err };
    if (b.load_err == ERR_OK && (!s || s->ended))
        a->event.loaded.err = ERR_NOT_FOUND;
    else if (b.load_err == ERR_OK)
        a->event.loaded.envelope = buffer_slice(&s->envelope);
}

static void body_read(const struct op *op)
{
    const struct stored *s = stored_find(op->body_read.id);
    struct answer *a = answer_new(EVENT_BODY, op->handle);
    b.reads++;
    assert_non_null(s);
    a->event.body = (struct event_body){ .id = s->id, .err = b.read_err, .offset = op->body_read.offset };
    if (b.read_err == ERR_OK)
        a->event.body.bytes = slice_part(buffer_slice(&s->body), op->body_read.offset, op->body_read.size);
}

static void big(const struct op *op)
{
    if (op->kind == OP_BIG_ABORT) {
        b.big_aborts++;
        return;
    }
    assert_true(b.big_count < HELD_MAX);
    b.big[b.big_count] = op->handle;
    b.big_op[b.big_count] = op->big;
    b.big_finish[b.big_count++] = op->kind == OP_BIG_FINISH;
    if (op->kind == OP_BIG_APPEND && op->big.offset == 0)
        buffer_clear(&b.big_body);
    assert_true(op->kind == OP_BIG_FINISH || op->big.offset == b.big_body.size);
    buffer_add(&b.big_body, op->big.bytes);
}

static void maildir_answer(void)
{
    struct event event = { .kind = EVENT_MAILDIR, .handle = b.maildir, .maildir = { .err = b.maildir_err } };
    b.maildir = (struct handle){ 0 };
    engine_feed(b.e, b.now, &event);
}

/* ---- the driver ---- */

static struct peer *peer_find(struct handle handle)
{
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        if (b.peers[i].used && handle_equal(b.peers[i].handle, handle))
            return &b.peers[i];
    fail_msg("an operation on a handle that is dead");
    return NULL;
}

static void peer_free(struct peer *p)
{
    buffer_done(&p->in);
    buffer_done(&p->out);
    memset(p, 0, sizeof *p);
}

struct peer *peer_new(struct handle handle)
{
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        struct peer *p = &b.peers[i];
        if (p->used)
            continue;
        p->used = true;
        p->handle = handle;
        buffer_init(&p->in, BUFFER_MAX);
        buffer_init(&p->out, BUFFER_MAX);
        return p;
    }
    fail_msg("too many connections");
    return NULL;
}

static void inflight(const struct op_inflight *op)
{
    b.inflight += (op->id != 0) - (b.inflight_id[op->slot] != 0);
    b.inflight_id[op->slot] = op->id;
    b.dots += op->dot_sent;
}

static void carry_out_on(struct peer *p, const struct op *op)
{
    switch (op->kind) {
    case OP_SEND:
        buffer_add(&p->in, op->send.bytes);
        p->unsent += (uint32_t)op->send.bytes.size;
        break;
    case OP_CREDIT: p->credit += op->credit; break;
    default:
        assert_int_equal(op->kind, OP_CLOSE);
        if (p->server) {
            hear(p);
            peer_free(p);
        } else {
            p->closing = true; /* what was said before stays to be read */
            p->handle = (struct handle){ 0 };
        }
    }
}

static void reply(const struct op_reply *op)
{
    const struct engine_answer *answer = op->answer;
    b.replies++;
    b.reply_tag = op->tag;
    if (b.on_reply)
        b.on_reply(answer);
    if (answer->kind != REQUEST_ORDER)
        return;
    b.order_count = answer->order.count;
    for (uint32_t i = 0; i < answer->order.count && i < 8; i++)
        b.order_results[i] = answer->order.results[i];
}

static void carry_out(const struct op *op)
{
    switch (op->kind) {
    case OP_CONNECT: {
        struct peer *p = peer_new(op->handle);
        assert_int_equal(op->connect.address.family, 4);
        p->server = &b.servers[op->connect.address.octets[3] % SERVERS_MAX];
        p->connecting = true;
        break;
    }
    case OP_DNS: look_up(op); break;
    case OP_COMMIT: commit(op); break;
    case OP_LOAD: load(op); break;
    case OP_BODY_READ: body_read(op); break;
    case OP_BIG_APPEND:
    case OP_BIG_FINISH:
    case OP_BIG_ABORT: big(op); break;
    case OP_MAILDIR:
        b.maildirs++;
        b.maildir = op->handle;
        break;
    case OP_INFLIGHT: inflight(&op->inflight); break;
    case OP_PASSWORD:
        answer_new(EVENT_PASSWORD, op->handle)->event.password.matched = slice_equal(op->password.password, SLICE("right"));
        break;
    case OP_TRACE:
        trace_format(op->trace, &b.traces);
        buffer_add_char(&b.traces, '\n');
        break;
    case OP_REPLY: reply(&op->reply); break;
    case OP_LISTEN: break;
    default: carry_out_on(peer_find(op->handle), op);
    }
}

static bool drain(void)
{
    struct op op;
    bool some = false;
    for (; engine_next(b.e, &op); some = true)
        carry_out(&op);
    return some;
}

static void peer_lost(struct peer *p, enum close_reason reason)
{
    struct event event = { .kind = EVENT_CLOSED, .handle = p->handle };
    event.closed.reason = reason;
    peer_free(p);
    engine_feed(b.e, b.now, &event);
}

static bool peer_connects(struct peer *p)
{
    struct server *s = p->server;
    if (s->connect < 0)
        return false;
    p->connecting = false;
    if (s->connect > 0) {
        peer_lost(p, (enum close_reason)(s->connect - 1));
        return true;
    }
    struct event event = { .kind = EVENT_CONNECTED, .handle = p->handle };
    event.connected.local = (struct ip_address){ .family = 4, .octets = { 198, 51, 100, 7 } };
    s->connections++;
    say(p, "220 there ESMTP", s->greeting);
    engine_feed(b.e, b.now, &event);
    return true;
}

static bool peer_turn(struct peer *p)
{
    if (p->connecting)
        return peer_connects(p);
    if (!handle_is(p->handle))
        return false;
    if (p->unsent > 0) {
        struct event event = { .kind = EVENT_SENT, .handle = p->handle, .sent = p->unsent };
        p->unsent = 0;
        engine_feed(b.e, b.now, &event);
        hear(p);
        return true;
    }
    if (p->out.size > 0 && p->credit > 0) {
        uint32_t size = p->out.size < p->credit ? (uint32_t)p->out.size : p->credit;
        struct event event = { .kind = EVENT_RECEIVED, .handle = p->handle };
        event.received = slice_part(buffer_slice(&p->out), 0, size);
        p->credit -= size;
        engine_feed(b.e, b.now, &event);
        buffer_consume(&p->out, size);
        return true;
    }
    if (!p->closing || p->out.size > 0)
        return false;
    peer_lost(p, CLOSE_PEER);
    return true;
}

static bool answer_big(void)
{
    if (b.big_count == 0 || b.big_silent)
        return false;
    struct event event = { .kind = EVENT_BIG, .handle = b.big[0] };
    event.big = (struct event_big){ .id = b.big_op[0].id, .finished = b.big_finish[0], .status = b.big_status };
    b.big_count--;
    memmove(b.big, b.big + 1, b.big_count * sizeof b.big[0]);
    memmove(b.big_op, b.big_op + 1, b.big_count * sizeof b.big_op[0]);
    memmove(b.big_finish, b.big_finish + 1, b.big_count * sizeof b.big_finish[0]);
    engine_feed(b.e, b.now, &event);
    return true;
}

static bool answer_all(void)
{
    bool some = answer_count > 0;
    for (uint32_t i = 0; i < answer_count; i++) {
        engine_feed(b.e, b.now, &answers[i].event);
        buffer_done(&answers[i].bytes);
    }
    answer_count = 0;
    if (handle_is(b.commit) && !b.store_silent) {
        bench_store_answers();
        some = true;
    }
    if (handle_is(b.maildir) && !b.maildir_silent) {
        maildir_answer();
        some = true;
    }
    return answer_big() || some;
}

void run(void)
{
    bool some = true;
    for (uint32_t turns = 0; some; turns++) {
        assert_true(turns < 1000000);
        some = drain();
        some = answer_all() || some;
        for (uint32_t i = 0; i < PEERS_MAX; i++)
            if (b.peers[i].used && peer_turn(&b.peers[i]))
                some = true;
    }
}

static void tick(int64_t until_us)
{
    int64_t by_us = until_us - b.now.monotonic_us;
    b.now.monotonic_us += by_us > 0 ? by_us : 0;
    b.now.wall_us += by_us > 0 ? by_us : 0;
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_TICK });
}

void pass(int64_t us)
{
    int64_t until_us = b.now.monotonic_us + us;
    run();
    for (int64_t next_us; (next_us = engine_deadline_us(b.e)) <= until_us; run())
        tick(next_us);
    tick(until_us);
    run();
}

/* ---- life ---- */

static void configuration(const char *settings, const char *accounts)
{
    char text[TEXT_MAX];
    snprintf(text, sizeof text, "%s%s", base_config, settings);
    struct config_problems problems;
    config_problems_init(&problems);
    const struct config_source source = { .file = SLICE("facteur.ini"), .text = slice_of(text) };
    b.config = config_parse(&source, &problems);
    const struct accounts_source from = { .file = SLICE("accounts.ini"), .text = slice_of(accounts), .config = b.config };
    b.accounts = b.config ? accounts_parse(&from, &problems) : NULL;
    for (uint32_t i = 0; !b.accounts && i < problems.count; i++)
        print_message("%.*s: %.*s\n", SLICE_ARG(problems.items[i].key), SLICE_ARG(problems.items[i].what));
    assert_non_null(b.accounts);
    config_problems_done(&problems);
}

static void engine_begin(void)
{
    const struct engine_options options = { .seed = { 1 }, .config = b.config, .accounts = b.accounts,
                                            .last_id = b.stored_count > 0 ? b.stored[b.stored_count - 1].id : 0 };
    b.e = engine_new(b.now, &options);
}

void bench_init(const char *settings, const char *accounts)
{
    memset(&b, 0, sizeof b);
    b.now = (struct now){ .monotonic_us = US_PER_HOUR, .wall_us = INT64_C(1795529580000000) };
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        buffer_init(&b.servers[i].log, BUFFER_MAX);
        buffer_init(&b.servers[i].body, BUFFER_MAX);
    }
    buffer_init(&b.traces, BUFFER_MAX);
    buffer_init(&b.big_body, BUFFER_MAX);
    configuration(settings, accounts);
    engine_begin();
}

void bench_configure(const char *settings)
{
    struct config *config = b.config;
    struct accounts *accounts = b.accounts;
    configuration(settings, "");
    struct event event = { .kind = EVENT_CONFIG, .config = { b.config, b.accounts } };
    engine_feed(b.e, b.now, &event);
    accounts_free(accounts);
    config_free(config);
}

static void engine_end(void)
{
    engine_free(b.e);
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        if (b.peers[i].used)
            peer_free(&b.peers[i]);
    for (uint32_t i = 0; i < answer_count; i++)
        buffer_done(&answers[i].bytes);
    answer_count = 0;
    b.commit = b.maildir = (struct handle){ 0 };
    b.big_count = 0;
}

void bench_restart(bool unclean)
{
    engine_end();
    engine_begin();
    for (uint32_t i = 0; unclean && i < INFLIGHT_SLOTS; i++) {
        struct event event = { .kind = EVENT_INFLIGHT, .inflight = { .id = b.inflight_id[i] } };
        if (b.inflight_id[i] != 0)
            engine_feed(b.e, b.now, &event);
    }
    memset(b.inflight_id, 0, sizeof b.inflight_id);
    b.inflight = 0;
    for (uint32_t i = 0; i < b.stored_count; i++) {
        const struct stored *s = &b.stored[i];
        const struct store_stub stub = { .id = s->id, .due_us = s->due_us, .queue = s->queue,
                                         .envelope = { .segment = 1, .offset = 4096, .size = (uint32_t)s->envelope.size },
                                         .body = { .segment = 1, .offset = 4096, .size = s->body.size } };
        struct event event = { .kind = EVENT_STUBS, .stubs = { &stub, 1, false } };
        if (!s->ended)
            engine_feed(b.e, b.now, &event);
    }
    engine_feed(b.e, b.now, &(struct event){ .kind = EVENT_STUBS, .stubs = { .last = true } });
}

void bench_done(void)
{
    engine_end();
    accounts_free(b.accounts);
    config_free(b.config);
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        buffer_done(&b.servers[i].log);
        buffer_done(&b.servers[i].body);
    }
    for (uint32_t i = 0; i < b.stored_count; i++) {
        buffer_done(&b.stored[i].envelope);
        buffer_done(&b.stored[i].body);
    }
    buffer_done(&b.traces);
    buffer_done(&b.big_body);
}
