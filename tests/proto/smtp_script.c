#include "smtp_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TRANSACTIONS_MAX = 8,
    RECIPIENTS_MAX = 8,
    TEXT_MAX = 1 << 20,
    STEP_US = 1000,
};

struct mail {
    struct smtp_client_transaction t;
    struct smtp_client_recipient recipients[RECIPIENTS_MAX];
    struct slice body;
    char words[1024]; /* the script's line, cut into the slices above */
};

struct run {
    const struct script *script;
    unsigned mode;
    unsigned seed;
    int line;
    struct smtp_client client;
    struct now now;
    struct mail mails[TRANSACTIONS_MAX];
    struct buffer said;   /* by the client, not named yet */
    struct buffer told;   /* to the owner, a line each, not named yet */
    struct smtp_client_need_body need;
    bool needs;           /* need is not answered */
    bool slow_body;       /* only "* body" answers */
    bool slow_wire;       /* only "* sent" says that octets have left */
    bool closed;
    uint32_t on_wire;
    uint64_t last_tag;    /* of END */
};

static const struct {
    const char *name;
    struct slice text;
} bodies[] = {
    { "short", SLICE("Subject: x\r\n\r\nhi\r\n") },
    { "empty", SLICE("") },
    { "dots", SLICE(".\r\n..\r\na.\r\n.b\r\n\r\n.") },
    { "open", SLICE("no end of line") },
    { "cr", SLICE("a\rb\r\n") },
    { "lf", SLICE("a\r\nb\nc\r\n") },
    { "nul", SLICE("a\0\r\nb") },
    { "cr-end", SLICE("a\r") },
};

static void fail_here(struct run *r, const char *what, struct slice got)
{
    fail_msg("%s (run %u), line %d: %s; got \"%.*s\"", r->script->name, r->mode, r->line, what, SLICE_ARG(got));
}

/* ---- what is told, in words ---- */

static void tell_outcome(struct run *r, const struct outcome *o)
{
    char enhanced[16];
    enhanced_code_format(o->enhanced, enhanced);
    buffer_add_format(&r->told, " %s %s %s", outcome_class_name(o->class), stage_name(o->stage),
                      outcome_cause_name(o->cause));
    if (o->code != 0)
        buffer_add_format(&r->told, " %u", o->code);
    buffer_add_format(&r->told, " %s%s%s", enhanced, o->tls ? " tls" : "", o->in_doubt ? " in-doubt" : "");
    if (o->text.size > 0) {
        buffer_add_text(&r->told, ": ");
        for (size_t i = 0; i < o->text.size; i++)
            buffer_add_char(&r->told, o->text.data[i] == '\n' ? '|' : o->text.data[i]);
    }
    assert_true(slice_equal(o->host, SLICE("mx.example")) && slice_equal(o->address, SLICE("192.0.2.1")));
    assert_true(o->at_us > r->now.wall_us - US_PER_SECOND && o->at_us <= r->now.wall_us);
}

static void tell(struct run *r, const struct smtp_client_output *o)
{
    switch (o->kind) {
    case SMTP_CLIENT_START_TLS:
        buffer_add_text(&r->told, "start-tls");
        break;
    case SMTP_CLIENT_READY:
        buffer_add_text(&r->told, "ready");
        break;
    case SMTP_CLIENT_FAILED:
        buffer_add_text(&r->told, "failed");
        tell_outcome(r, &o->failed);
        break;
    case SMTP_CLIENT_RESULT:
        buffer_add_format(&r->told, "result %llu.%u", (unsigned long long)o->result.tag, o->result.recipient);
        if (o->result.too_many)
            buffer_add_text(&r->told, " too-many");
        tell_outcome(r, &o->result.outcome);
        break;
    case SMTP_CLIENT_END:
        buffer_add_format(&r->told, "end %llu%s%s", (unsigned long long)o->end.tag, o->end.dot_sent ? " dot" : "",
                          o->end.replied ? " replied" : "");
        r->last_tag = o->end.tag;
        break;
    case SMTP_CLIENT_CLOSE:
        buffer_add_format(&r->told, "close%s", o->close.abort ? " abort" : "");
        tell_outcome(r, &o->close.reason);
        break;
    default:
        fail_here(r, "no such output", SLICE_EMPTY);
    }
    buffer_add_char(&r->told, '\n');
}

/* ---- the drain ---- */

static size_t cut(struct run *r, size_t left)
{
    size_t size = r->mode == 0 ? left : r->mode == 1 ? 1 : 1 + (size_t)rand_r(&r->seed) % 60;
    return size < left ? size : left;
}

static void feed(struct run *r, const struct smtp_client_input *input)
{
    r->now.monotonic_us += STEP_US;
    r->now.wall_us += STEP_US;
    smtp_client_feed(&r->client, r->now, input);
}

static void feed_sent(struct run *r, uint32_t count)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_SENT, .sent = count };
    r->on_wire -= count;
    feed(r, &input);
}

static void feed_body(struct run *r)
{
    struct mail *m = NULL;
    for (size_t i = 0; i < TRANSACTIONS_MAX; i++) {
        if (r->mails[i].t.tag == r->need.tag)
            m = &r->mails[i];
    }
    if (m == NULL)
        fail_here(r, "NEED_BODY for a transaction that is not there", SLICE_EMPTY);
    struct slice rest = slice_after(m->body, r->need.offset);
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BODY };
    size_t size = cut(r, rest.size < r->need.size ? rest.size : r->need.size);
    input.body.bytes = slice_part(rest, 0, size);
    input.body.last = size == rest.size;
    r->needs = false;
    feed(r, &input);
}

static void drain(struct run *r)
{
    struct smtp_client_output o;
    bool more = true;
    for (int turns = 0; more; turns++) {
        assert_true(turns < 100000);
        more = smtp_client_next(&r->client, &o);
        if (more)
            assert_false(r->closed);
        if (more && o.kind == SMTP_CLIENT_SEND) {
            buffer_add(&r->said, o.bytes);
            r->on_wire += (uint32_t)o.bytes.size;
            assert_true(r->on_wire <= SMTP_CLIENT_UNSENT_MAX);
        } else if (more && o.kind == SMTP_CLIENT_NEED_BODY) {
            assert_false(r->needs);
            assert_true(o.need_body.size > 0 && o.need_body.size <= SMTP_CLIENT_BODY_PIECE_MAX);
            r->need = o.need_body;
            r->needs = true;
        } else if (more) {
            tell(r, &o);
            r->closed = o.kind == SMTP_CLIENT_CLOSE;
        }
        if (r->on_wire > 0 && !r->slow_wire && !r->closed && !more) {
            feed_sent(r, r->on_wire);
            more = true;
        }
        if (r->needs && !r->slow_body && !r->closed) {
            feed_body(r);
            more = true;
        }
    }
    assert_true(r->closed == smtp_client_closed(&r->client));
    assert_true(r->closed == (smtp_client_deadline_us(&r->client) == DEADLINE_NEVER));
}

/* ---- what happens ---- */

static bool word_is(struct slice word, const char *name, struct slice *ret_value)
{
    struct slice n = slice_of(name);
    if (!slice_starts_with(word, n))
        return false;
    *ret_value = slice_after(word, n.size);
    return ret_value->size == 0 || ret_value->data[0] == '=' ? (*ret_value = slice_after(*ret_value, 1), true) : false;
}

static void mail_word(struct run *r, struct mail *m, struct slice word)
{
    struct slice v;
    uint64_t number = 0;
    if (word_is(word, "from", &v)) {
        m->t.sender = v;
    } else if (word_is(word, "to", &v)) {
        for (m->t.recipient_count = 0; v.size > 0; m->t.recipient_count++)
            m->recipients[m->t.recipient_count].address = slice_split(&v, ',');
    } else if (word_is(word, "body", &v)) {
        for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
            if (slice_equal(v, slice_of(bodies[i].name)))
                m->body = bodies[i].text;
        }
        m->t.body_size = m->body.size;
    } else if (word_is(word, "size", &v)) {
        assert_true(slice_to_u64(v, UINT64_MAX, &number));
        m->t.body_size = number;
    } else if (word_is(word, "least", &v)) {
        assert_true(slice_to_u64(v, UINT64_MAX, &number));
        m->t.body_size_least = number;
    } else if (word_is(word, "envid", &v)) {
        m->t.envid = v;
    } else if (word_is(word, "orcpt", &v)) {
        m->recipients[0].orcpt = v;
    } else if (word_is(word, "notify", &v)) {
        assert_true(slice_to_u64(v, 15, &number));
        m->recipients[0].notify = (uint8_t)number;
    } else if (word_is(word, "ret", &v)) {
        m->t.ret = slice_equal(v, SLICE("full")) ? SMTP_RET_FULL : SMTP_RET_HDRS;
    } else if (word_is(word, "8bit", &v)) {
        m->t.body_8bit = true;
    } else if (word_is(word, "utf8", &v)) {
        m->t.smtputf8 = true;
    } else if (word_is(word, "requiretls", &v)) {
        m->t.requiretls = true;
    } else if (word_is(word, "abort", &v)) {
        m->t.abort_on_rcpt_5xx = true;
    } else if (word_is(word, "estimate", &v)) {
        m->t.body_size_exact = false;
    } else {
        fail_here(r, "no such word", word);
    }
}

/* "* mail TAG words": from=, to=A,B, body=NAME, size=N, least=N, envid=, orcpt=, notify=BITS, ret=, 8bit, utf8, requiretls, abort,
 * estimate. */
static void do_mail(struct run *r, struct slice words)
{
    uint64_t tag = 0;
    assert_true(slice_to_u64(slice_split(&words, ' '), TRANSACTIONS_MAX, &tag));
    struct mail *m = &r->mails[tag - 1];
    memset(m, 0, sizeof *m);
    assert_true(words.size <= sizeof m->words);
    if (words.size > 0)
        memcpy(m->words, words.data, words.size);
    words.data = m->words;
    m->t = (struct smtp_client_transaction){
        .tag = tag, .sender = SLICE("a@here.example"), .recipients = m->recipients, .recipient_count = 1,
        .body_size_exact = true,
    };
    m->recipients[0].address = SLICE("b@there.example");
    m->body = bodies[0].text;
    m->t.body_size = m->body.size;
    while (words.size > 0)
        mail_word(r, m, slice_split(&words, ' '));
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TRANSACTION, .transaction = &m->t };
    if (!smtp_client_accepts(&r->client))
        fail_here(r, "no transaction is accepted", SLICE_EMPTY);
    feed(r, &input);
}

static void do_tls_up(struct run *r, struct slice words)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TLS_UP, .tls_up.accepted = true };
    while (words.size > 0) {
        struct slice v, word = slice_split(&words, ' ');
        if (word_is(word, "verified", &v)) {
            input.tls_up.verified = true;
        } else if (word_is(word, "refused", &v)) {
            input.tls_up.accepted = false;
            input.tls_up.cause = OUTCOME_CAUSE_TLS_UNVERIFIED;
            input.tls_up.text = SLICE("wrong name");
        } else if (word_is(word, "binding", &v)) {
            input.tls_up.channel_binding = v;
            input.tls_up.channel_binding_exporter = true;
        } else {
            fail_here(r, "no such word", word);
        }
    }
    feed(r, &input);
}

static void do_simple(struct run *r, enum smtp_client_input_kind kind)
{
    struct smtp_client_input input = { .kind = kind };
    if (kind == SMTP_CLIENT_INPUT_TLS_FAILED)
        input.tls_failed = SLICE("alert");
    if (kind == SMTP_CLIENT_INPUT_LOST)
        input.lost = OUTCOME_CAUSE_LOST;
    if (kind == SMTP_CLIENT_INPUT_BODY_FAILED)
        r->needs = false;
    feed(r, &input);
}

/* To the deadline, or (early) to just before it. */
static void do_tick(struct run *r, bool early)
{
    struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_TICK };
    int64_t to_us = smtp_client_deadline_us(&r->client) - STEP_US - (early ? 1 : 0);
    assert_true(to_us >= r->now.monotonic_us - STEP_US);
    r->now.wall_us += to_us - r->now.monotonic_us;
    r->now.monotonic_us = to_us;
    feed(r, &input);
}

static void do_sent(struct run *r, struct slice words)
{
    uint64_t count = r->on_wire;
    if (words.size > 0)
        assert_true(slice_to_u64(words, r->on_wire, &count));
    feed_sent(r, (uint32_t)count);
}

/* "* check accepts" and the like: a question to the machine, and "no" in front of it. */
static void do_check(struct run *r, struct slice words)
{
    bool wanted = !slice_starts_with(words, SLICE("no "));
    struct smtp_client_facts facts;
    bool got = false;
    smtp_client_facts(&r->client, &facts);
    if (!wanted)
        words = slice_after(words, 3);
    if (slice_equal(words, SLICE("accepts")))
        got = smtp_client_accepts(&r->client);
    else if (slice_equal(words, SLICE("idle")))
        got = smtp_client_idle(&r->client);
    else if (slice_equal(words, SLICE("need")))
        got = r->needs;
    else if (slice_equal(words, SLICE("authenticated")))
        got = facts.authenticated;
    else if (slice_equal(words, SLICE("starttls")))
        got = facts.extensions.starttls;
    else if (slice_equal(words, SLICE("esmtp")))
        got = facts.extensions.esmtp;
    else
        fail_here(r, "no such question", words);
    if (got != wanted)
        fail_here(r, "not so", words);
}

static void happen(struct run *r, struct slice words)
{
    static const struct {
        const char *verb;
        enum smtp_client_input_kind kind;
    } simple[] = {
        { "lost", SMTP_CLIENT_INPUT_LOST },       { "tls-failed", SMTP_CLIENT_INPUT_TLS_FAILED },
        { "quit", SMTP_CLIENT_INPUT_QUIT },       { "body-failed", SMTP_CLIENT_INPUT_BODY_FAILED },
        { "abort", SMTP_CLIENT_INPUT_ABORT },
    };
    struct slice verb = slice_split(&words, ' ');
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++) {
        if (slice_equal(verb, slice_of(simple[i].verb))) {
            do_simple(r, simple[i].kind);
            return;
        }
    }
    if (slice_equal(verb, SLICE("mail")))
        do_mail(r, words);
    else if (slice_equal(verb, SLICE("tls-up")))
        do_tls_up(r, words);
    else if (slice_equal(verb, SLICE("tick")))
        do_tick(r, false);
    else if (slice_equal(verb, SLICE("early")))
        do_tick(r, true);
    else if (slice_equal(verb, SLICE("slow-body")))
        r->slow_body = true;
    else if (slice_equal(verb, SLICE("slow-wire")))
        r->slow_wire = true;
    else if (slice_equal(verb, SLICE("sent")))
        do_sent(r, words);
    else if (slice_equal(verb, SLICE("body")))
        feed_body(r);
    else if (slice_equal(verb, SLICE("check")))
        do_check(r, words);
    else
        fail_here(r, "no such verb", verb);
}

/* ---- the script ---- */

static void named(struct run *r, struct buffer *queue, struct slice text, const char *end)
{
    struct slice front, whole = slice_of(end);
    front = slice_part(buffer_slice(queue), 0, text.size + whole.size);
    if (front.size < text.size + whole.size || !slice_starts_with(front, text) ||
        !slice_equal(slice_after(front, text.size), whole))
        fail_here(r, text.size > 0 ? text.data : "an empty line", buffer_slice(queue));
    buffer_consume(queue, front.size);
}

static void all_named(struct run *r)
{
    if (r->said.size > 0)
        fail_here(r, "said too much", buffer_slice(&r->said));
    if (r->told.size > 0)
        fail_here(r, "told too much", buffer_slice(&r->told));
}

/* What the script's lines from *text on let the server say, as octets. */
static void server_says(struct run *r, struct slice *text)
{
    struct buffer octets;
    buffer_init(&octets, TEXT_MAX);
    while (slice_starts_with(*text, SLICE("< "))) {
        struct slice line = slice_split(text, '\n');
        buffer_add(&octets, slice_after(line, 2));
        buffer_add_text(&octets, "\r\n");
    }
    struct slice rest = buffer_slice(&octets);
    while (rest.size > 0) {
        size_t size = cut(r, rest.size);
        struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = slice_part(rest, 0, size) };
        rest = slice_after(rest, size);
        feed(r, &input);
        drain(r);
    }
    buffer_done(&octets);
}

static void play(struct run *r)
{
    struct slice text = slice_of(r->script->text);
    drain(r);
    while (text.size > 0) {
        r->line++;
        if (slice_starts_with(text, SLICE("< "))) {
            all_named(r);
            server_says(r, &text);
            continue;
        }
        struct slice line = slice_split(&text, '\n');
        struct slice words = slice_after(line, 2);
        if (line.size == 0 || line.data[0] == '#')
            continue;
        if (line.data[0] == '>') {
            named(r, &r->said, words, "\r\n");
        } else if (line.data[0] == '+') {
            named(r, &r->told, words, "\n");
        } else if (line.data[0] == '*') {
            all_named(r);
            happen(r, words);
            drain(r);
        } else {
            fail_here(r, "not a line of a script", line);
        }
    }
    all_named(r);
}

void script_run(const struct script *script, unsigned run)
{
    struct run *r = test_calloc(1, sizeof *r);
    struct smtp_client_options options = {
        .our_name = SLICE("me.example"),
        .host = SLICE("mx.example"),
        .address = SLICE("192.0.2.1"),
        .tls = script->tls,
        .login = script->login,
        .banner_timeout_us = 5 * US_PER_MINUTE,
        .command_timeout_us = 4 * US_PER_MINUTE,
        .data_timeout_us = 3 * US_PER_MINUTE,
        .dot_timeout_us = 10 * US_PER_MINUTE,
        .idle_timeout_us = 30 * US_PER_SECOND,
        .transcript = true,
    };
    r->script = script;
    r->mode = r->seed = run;
    r->now = (struct now){ .monotonic_us = US_PER_HOUR, .wall_us = 20000 * US_PER_DAY };
    buffer_init(&r->said, TEXT_MAX);
    buffer_init(&r->told, TEXT_MAX);
    smtp_client_init(&r->client, r->now, &options);
    play(r);
    smtp_client_done(&r->client);
    buffer_done(&r->said);
    buffer_done(&r->told);
    test_free(r);
}

void script_run_all(const struct script *scripts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (unsigned run = 0; run < SCRIPT_RUNS; run++)
            script_run(&scripts[i], run);
    }
}
