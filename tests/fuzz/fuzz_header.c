/* Any canonical text as a header section: every cut finds the same facts, and they agree with one another (S18). */
#include "fuzz.h"

#include "proto/header.h"

static void scan(struct header_scan *scan, struct slice text, unsigned seed, struct header_facts *facts)
{
    header_scan_reset(scan);
    for (size_t from = 0; from < text.size;) {
        seed = seed * 1103515245u + 12345u;
        struct slice piece = slice_part(text, from, 1 + (seed >> 16) % 40);
        header_scan_feed(scan, piece);
        from += piece.size;
    }
    header_scan_finish(scan, facts);
}

static void check_facts(const struct header_facts *f, size_t size)
{
    assert(f->size == size && f->header_size <= size && f->body_offset <= size && f->longest_line <= size);
    assert(f->ended || (!f->broken && f->header_size == size));
    assert(f->hops + f->from_count + f->date_count + f->message_id_count <= f->field_count);
    assert(!f->ended || f->body_offset == f->header_size + (f->broken ? 0 : 2));
    for (int i = 0; i < HEADER_VALUE_COUNT; i++) {
        assert(f->has[i] || f->value[i].size == 0);
        assert(slice_equal(slice_trim(f->value[i]), f->value[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct header_scan whole, cut;
    struct header_facts a, b;
    struct buffer text;
    buffer_init(&text, 2 * size);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n')
            buffer_add_text(&text, "\r\n");
        else
            buffer_add_char(&text, data[i] == '\0' || data[i] == '\r' ? 'x' : (char)data[i]);
    }
    header_scan_init(&whole);
    header_scan_init(&cut);
    header_scan_feed(&whole, buffer_slice(&text));
    header_scan_finish(&whole, &a);
    scan(&cut, buffer_slice(&text), (unsigned)size, &b);
    check_facts(&a, text.size);
    for (int i = 0; i < HEADER_VALUE_COUNT; i++) {
        assert(slice_equal(a.value[i], b.value[i]));
        a.value[i] = b.value[i] = SLICE_EMPTY;
    }
    assert(memcmp(&a, &b, sizeof a) == 0);
    buffer_done(&text);
    header_scan_done(&whole);
    header_scan_done(&cut);
    return 0;
}
