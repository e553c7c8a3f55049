/* Why by block: a body is the bulk of what passes through here, and nearly all of it is plain: text with CRLF at line
 * ends and no dot in front. For 64 octets at a time four bit masks say where CR, LF, NUL and dots are; a shift lays
 * each CR over the LF that must follow it, and each LF over the octet that begins a line. Where nothing is left over,
 * the 64 octets are plain. The state machines below look only at the octet where something was left over. */
#include "proto/body.h"

#include <assert.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum at {
    AT_LINE_START,
    AT_MIDDLE,
    AT_CR,     /* a CR is held back */
    AT_DOT,    /* reader: the dot that began this line is held back */
    AT_DOT_CR, /* reader: and the CR behind it */
    AT_END,
    AT_WRONG,
};

enum { BLOCK_SIZE = 64 };

struct masks {
    uint64_t cr, lf, nul, dot;
};

#ifdef __SSE2__
static inline uint64_t mask_of(const __m128i block[4], char octet)
{
    __m128i wanted = _mm_set1_epi8(octet);
    uint64_t mask = 0;
    for (int i = 3; i >= 0; i--)
        mask = mask << 16 | (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block[i], wanted));
    return mask;
}

static inline struct masks block_masks(const char *octets)
{
    __m128i block[4];
    for (int i = 0; i < 4; i++)
        block[i] = _mm_loadu_si128((const __m128i *)(const void *)(octets + 16 * i));
    return (struct masks){ mask_of(block, '\r'), mask_of(block, '\n'), mask_of(block, '\0'), mask_of(block, '.') };
}
#else
static inline struct masks block_masks(const char *octets)
{
    struct masks m = { 0 };
    for (int i = 0; i < BLOCK_SIZE; i++) {
        m.cr |= (uint64_t)(octets[i] == '\r') << i;
        m.lf |= (uint64_t)(octets[i] == '\n') << i;
        m.nul |= (uint64_t)(octets[i] == '\0') << i;
        m.dot |= (uint64_t)(octets[i] == '.') << i;
    }
    return m;
}
#endif

/* The place of the first octet to look at within a block, or BLOCK_SIZE. `before` is the octet in front of it. A CR
 * is reported where it stands, though its neighbour gave it away; -1 when it stands in front of the block. */
static inline int block_find(const struct masks *m, char before, bool dots)
{
    uint64_t lf_due = m->cr << 1 | (before == '\r');
    uint64_t odd = (m->lf ^ lf_due) | m->nul;
    if (dots)
        odd |= m->dot & (m->lf << 1 | (before == '\n'));
    if (odd == 0)
        return BLOCK_SIZE;
    int at = __builtin_ctzll(odd);
    bool lf_missing = (lf_due >> at & 1) && !(m->lf >> at & 1);
    return lf_missing ? at - 1 : at;
}

size_t body_scan_plain(const char *octets, size_t size, char before, bool dots)
{
    assert(before != '\r');
    size_t from = 0;
    for (; size - from >= BLOCK_SIZE; from += BLOCK_SIZE) {
        struct masks m = block_masks(octets + from);
        int at = block_find(&m, before, dots);
        if (at != BLOCK_SIZE)
            return from + (size_t)at; /* at is -1 only behind an earlier block */
        before = octets[from + BLOCK_SIZE - 1];
    }
    if (from < size) {
        char padded[BLOCK_SIZE];
        memset(padded, '\n', sizeof padded); /* ends a CR at the end; reported, where it is bare, beyond the size */
        memcpy(padded, octets + from, size - from);
        struct masks m = block_masks(padded);
        int at = block_find(&m, before, dots);
        if (at < (int)(size - from))
            return from + (size_t)at;
    }
    return size > 0 && octets[size - 1] == '\r' ? size - 1 : size;
}

static void input_take(struct slice *input, size_t count)
{
    input->data += count;
    input->size -= count;
}

static uint8_t at_after(struct slice run)
{
    return run.data[run.size - 1] == '\n' ? AT_LINE_START : AT_MIDDLE;
}

void body_reader_init_dot(struct body_reader *r)
{
    *r = (struct body_reader){ .at = AT_LINE_START };
}

void body_reader_init_counted(struct body_reader *r)
{
    *r = (struct body_reader){ .at = AT_LINE_START, .counted = true };
}

static enum body_event reader_wrong(struct body_reader *r, enum body_fault fault)
{
    r->fault = (uint8_t)fault;
    r->at = AT_WRONG;
    return BODY_WRONG;
}

/* What is held back meets its next octet. BODY_MORE: nothing is held any more, or something else is. */
static enum body_event reader_resolve(struct body_reader *r, struct slice *input, struct slice *ret_run)
{
    char octet = input->data[0];
    switch (r->at) {
    case AT_CR:
        if (octet != '\n')
            return reader_wrong(r, BODY_FAULT_CR);
        input_take(input, 1);
        r->at = AT_LINE_START;
        *ret_run = SLICE("\r\n");
        return BODY_RUN;
    case AT_DOT:
        if (octet == '\r') {
            input_take(input, 1);
            r->at = AT_DOT_CR;
        } else {
            r->at = AT_MIDDLE; /* the dot was stuffed, RFC 5321 4.5.2 */
        }
        return BODY_MORE;
    default:
        assert(r->at == AT_DOT_CR);
        if (octet != '\n')
            return reader_wrong(r, BODY_FAULT_CR);
        input_take(input, 1);
        r->at = AT_END;
        return BODY_END;
    }
}

/* The octet at the front is one to look at. BODY_MORE: it is held back now. */
static enum body_event reader_look(struct body_reader *r, struct slice *input)
{
    switch (input->data[0]) {
    case '\r':
        if (input->size > 1)
            return reader_wrong(r, BODY_FAULT_CR);
        r->at = AT_CR;
        break;
    case '\n':
        return reader_wrong(r, BODY_FAULT_LF);
    case '\0':
        return reader_wrong(r, BODY_FAULT_NUL);
    default:
        assert(input->data[0] == '.' && r->at == AT_LINE_START && !r->counted);
        r->at = AT_DOT;
    }
    input_take(input, 1);
    return BODY_MORE;
}

enum body_event body_reader_next(struct body_reader *r, struct slice *input, struct slice *ret_run)
{
    assert(r->at != AT_END && r->at != AT_WRONG);
    *ret_run = SLICE_EMPTY;
    while (input->size > 0) { /* at most three times: each turn takes an octet or ends it */
        enum body_event event;
        if (r->at != AT_LINE_START && r->at != AT_MIDDLE) {
            event = reader_resolve(r, input, ret_run);
        } else {
            char before = r->at == AT_LINE_START ? '\n' : ' ';
            size_t plain = body_scan_plain(input->data, input->size, before, !r->counted);
            if (plain > 0) {
                *ret_run = slice(input->data, plain);
                input_take(input, plain);
                r->at = at_after(*ret_run);
                return BODY_RUN;
            }
            event = reader_look(r, input);
        }
        if (event != BODY_MORE)
            return event;
    }
    return BODY_MORE;
}

bool body_reader_finish(const struct body_reader *r)
{
    assert(r->counted);
    return r->at != AT_CR;
}

const char *body_fault_name(enum body_fault fault)
{
    switch (fault) {
    case BODY_FAULT_CR:
        return "bare CR";
    case BODY_FAULT_LF:
        return "bare LF";
    case BODY_FAULT_NUL:
        return "NUL";
    case BODY_FAULT_NONE:
        break;
    }
    return "";
}

void body_writer_init(struct body_writer *w)
{
    *w = (struct body_writer){ .at = AT_LINE_START };
}

static void writer_take(struct body_writer *w, struct slice *body, size_t count)
{
    input_take(body, count);
    w->offset += count;
}

/* The octet at the front needs more than copying. BODY_MORE: it is dealt with; BODY_RUN: no room for it. */
static enum body_event writer_look(struct body_writer *w, struct slice *body, char *out, size_t room,
                                   size_t *ret_written)
{
    char octet = body->data[0];
    *ret_written = 0;
    if (w->at == AT_CR ? octet != '\n' : octet == '\n' || octet == '\0')
        return BODY_WRONG;
    if (octet == '\r') {
        if (body->size > 1)
            return body->data[1] == '\n' ? BODY_RUN : BODY_WRONG; /* CRLF came here only for lack of room */
        writer_take(w, body, 1);
        w->at = AT_CR;
        return BODY_MORE;
    }
    if (room < 2)
        return BODY_RUN;
    assert(w->at == AT_CR || (octet == '.' && w->at == AT_LINE_START));
    memcpy(out, w->at == AT_CR ? "\r\n" : "..", 2);
    w->at = w->at == AT_CR ? AT_LINE_START : AT_MIDDLE;
    writer_take(w, body, 1);
    *ret_written = 2;
    return BODY_MORE;
}

enum body_event body_writer_next(struct body_writer *w, struct slice *body, char *out, size_t size,
                                 size_t *ret_written)
{
    assert(w->tail == NULL && w->at != AT_WRONG && size >= 2);
    size_t written = 0;
    enum body_event event = BODY_MORE;
    while (body->size > 0 && event == BODY_MORE) {
        size_t room = size - written;
        size_t plain = 0;
        if (w->at != AT_CR && room > 0)
            plain = body_scan_plain(body->data, body->size < room ? body->size : room,
                                    w->at == AT_LINE_START ? '\n' : ' ', true);
        if (plain > 0) {
            memcpy(out + written, body->data, plain);
            w->at = at_after(slice(body->data, plain));
            writer_take(w, body, plain);
            written += plain;
        } else if (room == 0) {
            event = BODY_RUN;
        } else {
            size_t count;
            event = writer_look(w, body, out + written, room, &count);
            written += count;
        }
    }
    if (event == BODY_WRONG)
        w->at = AT_WRONG;
    *ret_written = written;
    return event;
}

enum body_event body_writer_finish(struct body_writer *w, char *out, size_t size, size_t *ret_written)
{
    *ret_written = 0;
    if (w->at == AT_CR || w->at == AT_WRONG)
        return BODY_WRONG;
    if (w->tail == NULL) {
        struct slice tail = w->at == AT_LINE_START ? SLICE(".\r\n") : SLICE("\r\n.\r\n");
        w->tail = tail.data;
        w->tail_size = (uint8_t)tail.size;
    }
    size_t count = size < w->tail_size ? size : w->tail_size;
    memcpy(out, w->tail, count);
    w->tail += count;
    w->tail_size -= (uint8_t)count;
    *ret_written = count;
    if (w->tail_size > 0)
        return BODY_RUN;
    w->at = AT_END;
    return BODY_END;
}

enum body_fault body_check(struct slice body)
{
    size_t plain = body_scan_plain(body.data, body.size, '\n', false);
    if (plain == body.size)
        return BODY_FAULT_NONE;
    switch (body.data[plain]) {
    case '\r':
        return BODY_FAULT_CR;
    case '\n':
        return BODY_FAULT_LF;
    default:
        return BODY_FAULT_NUL;
    }
}
