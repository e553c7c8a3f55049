#include "convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

/* Each octet is met by the line reader, the delimiter's or the header's, and the content's; a boundary of 200 octets is
 * compared with at most 32 frames. */
enum { LOOKS_MAX = 40, OUT_SIZE_MAX = 64 << 20 };

static struct slice piece_next(struct slice *rest, unsigned *cut)
{
    size_t size = rest->size;
    if (*cut == CUT_OCTETS)
        size = 1;
    else if (*cut != CUT_WHOLE)
        size = 1 + (size_t)rand_r(cut) % (rand_r(cut) % 2 == 0 ? 4 : 500);
    struct slice piece = slice_part(*rest, 0, size);
    *rest = slice_after(*rest, piece.size);
    if (*cut == CUT_OCTETS || *cut == CUT_WHOLE)
        return piece;
    *cut += *cut <= CUT_OCTETS ? 2 : 0; /* stays a seed */
    return piece;
}

void scan_cut(struct mime *m, struct slice message, unsigned wish, unsigned cut, struct mime_plan *ret_plan)
{
    mime_scan_start(m, wish);
    while (message.size > 0)
        mime_scan_feed(m, piece_next(&message, &cut));
    mime_scan_finish(m, ret_plan);
}

void convert_cut(struct mime *m, struct slice message, const struct mime_plan *plan, unsigned cut, struct buffer *out)
{
    struct buffer step;
    bool more = true;
    mime_convert_start(m, plan);
    while (more) {
        struct slice piece = piece_next(&message, &cut);
        buffer_init(&step, piece.size * MIME_GROWTH_MAX + MIME_HELD_SIZE_MAX);
        more = piece.size > 0;
        if (more)
            mime_convert_feed(m, piece, &step);
        else
            mime_convert_finish(m, &step);
        assert_false(step.overflow);
        buffer_add(out, buffer_slice(&step));
        buffer_done(&step);
    }
    assert_false(out->overflow);
}

void convert_all(struct slice message, unsigned wish, struct mime_plan *ret_plan, struct buffer *out)
{
    static struct mime_plan other;
    struct mime *m = mime_new();
    struct buffer again;
    buffer_init(out, OUT_SIZE_MAX);
    buffer_init(&again, OUT_SIZE_MAX);
    scan_cut(m, message, wish, CUT_WHOLE, ret_plan);
    assert_true(m->looked_at <= LOOKS_MAX * message.size + MIME_FIELD_SIZE_MAX);
    if (ret_plan->verdict == MIME_CONVERT) {
        convert_cut(m, message, ret_plan, CUT_WHOLE, out);
        assert_true(m->looked_at <= LOOKS_MAX * message.size + MIME_FIELD_SIZE_MAX);
    }
    for (unsigned cut = CUT_OCTETS; cut < 6; cut++) {
        scan_cut(m, message, wish, cut, &other);
        assert_memory_equal(ret_plan, &other, sizeof other);
        if (ret_plan->verdict != MIME_CONVERT)
            continue;
        buffer_clear(&again);
        convert_cut(m, message, ret_plan, cut, &again);
        assert_int_equal(again.size, out->size);
        assert_memory_equal(again.data, out->data, out->size);
    }
    buffer_done(&again);
    mime_free(m);
}

struct slice crlf(const char *text, struct buffer *out)
{
    buffer_init(out, 2 * strlen(text) + 1);
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            buffer_add_char(out, '\r');
        buffer_add_char(out, *text);
    }
    return buffer_slice(out);
}
