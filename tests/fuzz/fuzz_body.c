/* Bodies: any cutting gives the same body, end and fault; a reader written here, octet by octet, agrees; what the writer
 * sends the reader gives back (S01, S02). */
#include "fuzz.h"

#include "base/random.h"
#include "proto/body.h"

enum { OUT_MAX = 1 << 16 };

struct result {
    struct buffer body;
    enum body_event event; /* MORE: the input ended first */
    enum body_fault fault;
    size_t taken;
    bool finished; /* of a counted one */
};

static void read_cut(struct slice octets, bool counted, struct random_fast *random, struct result *r)
{
    struct body_reader reader;
    struct slice all = octets;
    (counted ? body_reader_init_counted : body_reader_init_dot)(&reader);
    buffer_init(&r->body, OUT_MAX);
    r->event = BODY_MORE;
    while (all.size > 0 && r->event != BODY_END && r->event != BODY_WRONG) {
        size_t size = random == NULL ? all.size : 1 + random_fast_below(random, random_fast_below(random, 200) + 1);
        struct slice piece = slice_part(all, 0, size), run;
        size_t piece_size = piece.size;
        do {
            r->event = body_reader_next(&reader, &piece, &run);
            assert(r->event == BODY_RUN || run.size == 0);
            buffer_add(&r->body, run);
        } while (r->event == BODY_RUN);
        assert(r->event != BODY_MORE || piece.size == 0);
        all = slice_after(all, piece_size - piece.size);
    }
    r->taken = octets.size - all.size;
    r->fault = reader.fault;
    r->finished = counted && r->event == BODY_MORE && body_reader_finish(&reader);
}

/* The grammar, an octet at a time: lines end with CRLF, a dot alone ends the body, another dot that begins a line goes. */
static void read_plainly(struct slice octets, bool counted, struct result *r)
{
    size_t at = 0;
    bool start = true;
    buffer_init(&r->body, OUT_MAX);
    r->event = BODY_MORE;
    r->fault = BODY_FAULT_NONE;
    while (at < octets.size && r->event == BODY_MORE) {
        struct slice rest = slice_after(octets, at);
        if (!counted && start && slice_starts_with(rest, SLICE(".\r\n"))) {
            r->event = BODY_END;
            at += 3;
        } else if (!counted && start && rest.data[0] == '.') {
            start = false;
            at += 1;
        } else if (rest.data[0] == '\r') {
            if (rest.size == 1)
                break;
            if (rest.data[1] != '\n') {
                r->event = BODY_WRONG;
                r->fault = BODY_FAULT_CR;
            } else {
                buffer_add(&r->body, slice_part(rest, 0, 2));
                at += 2;
                start = true;
            }
        } else if (rest.data[0] == '\n' || rest.data[0] == '\0') {
            r->event = BODY_WRONG;
            r->fault = rest.data[0] == '\n' ? BODY_FAULT_LF : BODY_FAULT_NUL;
        } else {
            buffer_add(&r->body, slice_part(rest, 0, 1));
            at += 1;
            start = false;
        }
    }
    r->taken = at;
}

static void check_same(const struct result *a, const struct result *b)
{
    assert(slice_equal(buffer_slice(&a->body), buffer_slice(&b->body)));
    assert(a->event == b->event && a->fault == b->fault && !a->body.overflow);
    assert(a->event != BODY_END || a->taken == b->taken);
}

static void read_all(struct slice octets, bool counted, struct random_fast *random, struct result *ret)
{
    struct result cut, plain;
    read_cut(octets, counted, NULL, ret);
    read_cut(octets, counted, random, &cut);
    read_plainly(octets, counted, &plain);
    assert(ret->finished == cut.finished);
    check_same(ret, &cut);
    check_same(ret, &plain);
    buffer_done(&cut.body);
    buffer_done(&plain.body);
}

static void write_body(struct slice body, struct random_fast *random, struct buffer *wire)
{
    struct body_writer w;
    char out[300];
    enum body_event event;
    size_t written;
    body_writer_init(&w);
    buffer_init(wire, 4 * OUT_MAX);
    while (body.size > 0) {
        struct slice piece = slice_part(body, 0, 1 + random_fast_below(random, 300));
        size_t before = piece.size;
        event = body_writer_next(&w, &piece, out, 2 + random_fast_below(random, sizeof out - 2), &written);
        assert(event == BODY_MORE || event == BODY_RUN);
        buffer_add(wire, slice(out, written));
        body = slice_after(body, before - piece.size);
    }
    do {
        event = body_writer_finish(&w, out, 1 + random_fast_below(random, 6), &written);
        assert(event == BODY_END || event == BODY_RUN);
        buffer_add(wire, slice(out, written));
    } while (event != BODY_END);
}

/* A canonical body goes out and comes back, with the CRLF that its last line may have lacked. */
static void round_trip(struct slice body, struct random_fast *random)
{
    struct buffer wire;
    struct result back;
    bool ended = body.size == 0 || body.data[body.size - 1] == '\n';
    write_body(body, random, &wire);
    read_all(buffer_slice(&wire), false, random, &back);
    assert(back.event == BODY_END && back.taken == wire.size && back.body.size == body.size + (ended ? 0 : 2));
    assert(slice_equal(slice_part(buffer_slice(&back.body), 0, body.size), body));
    buffer_done(&wire);
    buffer_done(&back.body);
}

/* Whatever the writer is given, it emits nothing that is not canonical, and says so. */
static void write_any(struct slice body, struct random_fast *random)
{
    struct body_writer w;
    char out[OUT_MAX];
    size_t written = 0;
    body_writer_init(&w);
    enum body_event event = BODY_MORE;
    struct slice all = body;
    char before = '\n';
    while (all.size > 0 && event != BODY_WRONG) {
        struct slice piece = slice_part(all, 0, 1 + random_fast_below(random, 100));
        size_t size = piece.size;
        event = body_writer_next(&w, &piece, out, 2 + random_fast_below(random, 200), &written);
        for (size_t i = 0; i < written; i++) {
            assert(out[i] != '\0' && (out[i] == '\n') == (before == '\r'));
            before = out[i];
        }
        all = slice_after(all, size - piece.size);
    }
    assert(before != '\r');
    if (event != BODY_WRONG)
        event = body_writer_finish(&w, out, sizeof out, &written);
    assert((event == BODY_WRONG) == (body_check(body) != BODY_FAULT_NONE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor(slice(data, size));
    struct random_fast random;
    struct result r;
    random_fast_init(&random, cursor_u16(&c));
    if (c.rest.size > OUT_MAX / 4)
        return 0;
    read_all(c.rest, false, &random, &r);
    assert(body_check(buffer_slice(&r.body)) == BODY_FAULT_NONE);
    round_trip(buffer_slice(&r.body), &random);
    buffer_done(&r.body);
    read_all(c.rest, true, &random, &r);
    assert((r.event == BODY_MORE && r.finished) == (body_check(c.rest) == BODY_FAULT_NONE));
    buffer_done(&r.body);
    write_any(c.rest, &random);
    return 0;
}
