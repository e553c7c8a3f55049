/* Any message: every cut gives the same plan and the same conversion, within the growth that is granted and in linear
 * time (S17); what comes out is canonical, 7-bit where that was wished, has the same parts, and needs nothing more. */
#include "fuzz.h"

#include "proto/body.h"
#include "proto/header.h"
#include "proto/mime_work.h"

enum { SIZE_MAX_IN = 1 << 20, LOOKS_MAX = 40 };

static size_t piece_size(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return 1 + (*seed >> 16) % ((*seed >> 8) % 3 == 0 ? 3 : 300);
}

/* Line feeds become line ends; no CR, no NUL. */
static void canonical(const uint8_t *data, size_t size, struct buffer *message)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n')
            buffer_add_text(message, "\r\n");
        else
            buffer_add_char(message, data[i] == '\0' || data[i] == '\r' ? 'x' : (char)data[i]);
    }
}

static void scan(struct mime *m, struct slice message, unsigned wish, unsigned seed, struct mime_plan *plan)
{
    mime_scan_start(m, wish);
    while (message.size > 0) {
        struct slice piece = slice_part(message, 0, seed == 0 ? message.size : piece_size(&seed));
        mime_scan_feed(m, piece);
        message = slice_after(message, piece.size);
    }
    mime_scan_finish(m, plan);
}

static void convert(struct mime *m, struct slice message, const struct mime_plan *plan, unsigned seed,
                    struct buffer *all)
{
    struct buffer out;
    bool more = true;
    mime_convert_start(m, plan);
    while (more) {
        struct slice piece = slice_part(message, 0, seed == 0 ? message.size : piece_size(&seed));
        buffer_init(&out, piece.size * MIME_GROWTH_MAX + MIME_HELD_SIZE_MAX);
        more = piece.size > 0;
        if (more)
            mime_convert_feed(m, piece, &out);
        else
            mime_convert_finish(m, &out);
        assert(!out.overflow);
        buffer_add(all, buffer_slice(&out));
        buffer_done(&out);
        message = slice_after(message, piece.size);
    }
}

static void check_output(struct mime *m, struct slice out, const struct mime_plan *plan)
{
    static struct mime_plan again;
    struct header_scan header;
    struct header_facts facts;
    header_scan_init(&header);
    header_scan_feed(&header, out);
    header_scan_finish(&header, &facts);
    assert((plan->wish & MIME_WISH_7BIT) == 0 || !facts.body_8bit);
    header_scan_done(&header);
    assert(body_check(out) == BODY_FAULT_NONE);
    scan(m, out, plan->wish, 0, &again);
    assert(again.part_count == plan->part_count);
    assert(again.verdict == MIME_AS_IS || again.verdict == MIME_CONVERT); /* a header line without a blank */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mime_plan plan, other;
    struct buffer message, whole, cut;
    if (size < 2)
        return 0;
    unsigned wish = data[0] % 2 ? MIME_WISH_7BIT : MIME_WISH_LONG_LINES, seed = data[1] + 1u;
    struct mime *m = mime_new();
    buffer_init(&message, SIZE_MAX_IN);
    buffer_init(&whole, SIZE_MAX_IN * MIME_GROWTH_MAX);
    buffer_init(&cut, SIZE_MAX_IN * MIME_GROWTH_MAX);
    canonical(data + 2, size - 2, &message);
    scan(m, buffer_slice(&message), wish, 0, &plan);
    assert(m->looked_at <= LOOKS_MAX * message.size + 1024);
    scan(m, buffer_slice(&message), wish, seed, &other);
    assert(memcmp(&plan, &other, sizeof plan) == 0);
    if (plan.verdict == MIME_CONVERT) {
        convert(m, buffer_slice(&message), &plan, 0, &whole);
        assert(m->looked_at <= LOOKS_MAX * message.size + 1024);
        convert(m, buffer_slice(&message), &plan, seed, &cut);
        assert(slice_equal(buffer_slice(&whole), buffer_slice(&cut)));
        check_output(m, buffer_slice(&whole), &plan);
    }
    mime_free(m);
    buffer_done(&message);
    buffer_done(&whole);
    buffer_done(&cut);
    return 0;
}
