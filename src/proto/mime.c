/* The machine: lines, delimiters and parts (RFC 2046 5.1).
 *
 *     body       = [preamble CRLF] delimiter *(part delimiter) [CRLF epilogue]
 *     delimiter  = "--" boundary ["--"] *blank CRLF, at the start of a line; the CRLF before it is its own
 *
 * A line of a body is held only while it may be a delimiter, so content goes through in runs as it comes. All open
 * boundaries count, the innermost first: an outer one ends all that is inside it. There is no recursion; what is open
 * lies in `frames`, at most MIME_DEPTH_MAX.
 *
 * Both passes go through the same states. A part's action is written to the plan when its content ends, at its place in
 * the order of appearance, and read back from there when its header begins: so a field that precedes the content can say
 * what will be done with it. */
#include "proto/mime_work.h"

#include <assert.h>

#include "base/arena.h"

enum { SCRATCH_SIZE_MAX = 32 << 10 };

struct mime *mime_new(void)
{
    struct mime *m = mem_alloc(sizeof *m);
    buffer_init(&m->scratch, SCRATCH_SIZE_MAX);
    return m;
}

void mime_free(struct mime *m)
{
    if (m == NULL)
        return;
    buffer_done(&m->scratch);
    mem_free(m);
}

static void start(struct mime *m, unsigned wish, const struct mime_plan *plan)
{
    struct buffer scratch = m->scratch;
    memset(m, 0, sizeof *m);
    m->scratch = scratch;
    m->wish = wish;
    m->plan = plan;
    m->converting = plan != NULL;
    m->header_credit = MIME_HEADER_CREDIT_MAX;
    mime_part_begin(m, true, false, false);
}

/* ---- content ---- */

/* What the content of the present part would need; the same in both passes. */
static enum mime_action leaf_action(const struct mime_part *p, bool few_8bit)
{
    switch (p->encoding) {
    case MIME_ENCODING_QP:
    case MIME_ENCODING_BASE64: return MIME_ACTION_REWRAP;
    case MIME_ENCODING_UNKNOWN: return MIME_ACTION_NONE;
    default: return p->class == MIME_CLASS_OTHER && !few_8bit ? MIME_ACTION_BASE64 : MIME_ACTION_QP;
    }
}

static void refuse(struct mime *m, enum mime_verdict why)
{
    if (m->refused == MIME_AS_IS)
        m->refused = why;
}

static void plan_action(struct mime *m, enum mime_action action)
{
    uint32_t index = m->part.index;
    if (index < MIME_PARTS_MAX)
        m->actions[index / 2] |= (uint8_t)(action << (index % 2 * 4));
}

static void leaf_judge(struct mime *m)
{
    struct mime_part *p = &m->part;
    bool dirty = p->long_line || ((m->wish & MIME_WISH_7BIT) != 0 && p->octets_8bit > 0);
    if (!dirty)
        return;
    m->needed = true;
    if (p->sealed)
        refuse(m, MIME_REFUSED_SIGNED);
    else if (p->too_deep)
        refuse(m, MIME_REFUSED_DEPTH);
    else if (p->encoding == MIME_ENCODING_UNKNOWN)
        refuse(m, MIME_REFUSED_ENCODING);
    else
        plan_action(m, leaf_action(p, p->octets_8bit * 6 < p->octets));
}

static void scan_content(struct mime *m, struct slice bytes)
{
    struct mime_part *p = &m->part;
    uint64_t count = 0;
    for (size_t i = 0; i < bytes.size; i++)
        count += (unsigned char)bytes.data[i] >> 7;
    bool long_line = m->line_octets > MIME_LINE_SIZE_MAX;
    mime_utf8_feed(&m->utf8, bytes);
    if (m->region == MIME_REGION_LEAF) {
        p->octets += bytes.size;
        p->octets_8bit += count;
        p->long_line = p->long_line || long_line;
    } else if (long_line || (count > 0 && (m->wish & MIME_WISH_7BIT) != 0)) {
        m->needed = true;
        if (m->region_sealed)
            refuse(m, MIME_REFUSED_SIGNED);
    }
}

/* A preamble or epilogue. The blank keeps the rest of a broken line from being a delimiter. */
static void scrub(struct mime *m, struct slice bytes)
{
    bool ascii = (m->wish & MIME_WISH_7BIT) != 0;
    for (size_t i = 0; i < bytes.size; i++) {
        if (m->column == MIME_LINE_SIZE_MAX) {
            buffer_add(m->out, SLICE("\r\n "));
            m->column = 1;
        }
        buffer_add_char(m->out, ascii && (unsigned char)bytes.data[i] > 0x7f ? '?' : bytes.data[i]);
        m->column++;
    }
}

static void convert_content(struct mime *m, struct slice bytes)
{
    if (m->region != MIME_REGION_LEAF) {
        if (m->region_sealed)
            buffer_add(m->out, bytes);
        else
            scrub(m, bytes);
        return;
    }
    switch (m->part.action) {
    case MIME_ACTION_QP: mime_qp_add(&m->qp, bytes, m->out); break;
    case MIME_ACTION_BASE64: mime_base64_add(&m->base64, bytes, m->out); break;
    case MIME_ACTION_REWRAP:
        if (m->part.encoding == MIME_ENCODING_QP)
            mime_qp_rewrap_add(&m->rewrap, bytes, m->out);
        else
            mime_base64_rewrap(&m->base64, bytes, m->out);
        break;
    default: buffer_add(m->out, bytes);
    }
}

static void convert_line_end(struct mime *m)
{
    m->column = 0;
    if (m->region == MIME_REGION_LEAF && m->part.action == MIME_ACTION_REWRAP) {
        if (m->part.encoding == MIME_ENCODING_QP)
            mime_qp_rewrap_line_end(&m->rewrap, m->out);
    } else if (m->region == MIME_REGION_LEAF) {
        convert_content(m, SLICE("\r\n"));
    } else {
        buffer_add(m->out, SLICE("\r\n"));
    }
}

/* The line end that was held is content after all. */
static void crlf_release(struct mime *m)
{
    if (!m->crlf_pending)
        return;
    m->crlf_pending = false;
    if (m->converting)
        convert_line_end(m);
    else if (m->region == MIME_REGION_LEAF)
        m->part.octets += 2;
}

static void content(struct mime *m, struct slice bytes)
{
    if (bytes.size == 0)
        return;
    crlf_release(m);
    m->looked_at += bytes.size;
    if (m->converting)
        convert_content(m, bytes);
    else
        scan_content(m, bytes);
}

/* The content of the part, the preamble or the epilogue ends here. */
static void content_end(struct mime *m)
{
    if (m->region == MIME_REGION_LEAF && m->converting) {
        if (m->part.action == MIME_ACTION_QP)
            mime_qp_finish(&m->qp, m->out);
        else if (m->part.action == MIME_ACTION_BASE64)
            mime_base64_finish(&m->base64, m->out);
        else if (m->part.action == MIME_ACTION_REWRAP && m->part.encoding == MIME_ENCODING_QP)
            mime_qp_rewrap_finish(&m->rewrap, m->out);
        m->base64.column = 0;
    } else if (m->region == MIME_REGION_LEAF) {
        leaf_judge(m);
    }
}

/* ---- the end of a header ---- */

static struct mime_frame *frame_push(struct mime *m)
{
    assert(m->frame_count < MIME_DEPTH_MAX);
    struct mime_frame *frame = &m->frames[m->frame_count++];
    frame->message = frame->digest = false;
    frame->sealed = m->part.sealed;
    frame->boundary_size = 0;
    return frame;
}

static void container_begin(struct mime *m, const struct mime_type *type)
{
    struct mime_part *p = &m->part;
    struct mime_frame *frame = frame_push(m);
    if (type->class == MIME_CLASS_MESSAGE) {
        frame->message = true;
        mime_part_begin(m, false, frame->sealed, false);
        return;
    }
    frame->sealed = frame->sealed || type->is_signed;
    frame->digest = type->digest;
    frame->boundary_size = type->boundary_size;
    memcpy(frame->boundary, type->boundary, type->boundary_size);
    m->region = MIME_REGION_PREAMBLE;
    m->region_sealed = p->sealed;
}

/* What the part is, and what its content will be; `cut`: it has none. The empty line, where there is one, is out after
 * the fields that conversion adds. */
static void header_end(struct mime *m, bool cut)
{
    struct mime_part *p = &m->part;
    struct mime_type type;
    mime_part_type(p, &type);
    m->looked_at += p->type_size;
    p->encoding = mime_part_encoding(p);
    p->class = type.class;
    bool plain = p->encoding == MIME_ENCODING_7BIT || p->encoding == MIME_ENCODING_8BIT;
    bool container =
        plain && (type.class == MIME_CLASS_MESSAGE || (type.class == MIME_CLASS_MULTIPART && type.boundary_size > 0));
    p->too_deep = container && m->frame_count == MIME_DEPTH_MAX;
    container = container && !p->too_deep;
    enum mime_action action = MIME_ACTION_NONE;
    if (container && p->encoding == MIME_ENCODING_8BIT && (m->wish & MIME_WISH_7BIT) != 0 && !p->sealed)
        action = MIME_ACTION_RELABEL;
    if (!m->converting)
        plan_action(m, action);
    else if (p->unplanned)
        p->action = container || p->sealed || p->too_deep ? action : leaf_action(p, false);
    mime_header_finish(m);
    if (m->converting && !cut)
        buffer_add(m->out, SLICE("\r\n"));
    m->region = MIME_REGION_LEAF;
    m->column = 0;
    m->crlf_pending = false;
    if (container && !cut)
        container_begin(m, &type);
}

/* ---- delimiters ---- */

/* The frame whose delimiter the line is, or frame_count; *ret_closing: the last one of its multipart. */
static size_t delimiter_frame(struct mime *m, bool *ret_closing)
{
    struct slice line = slice_trim(slice(m->line, m->line_size));
    if (m->line_size < 3 || m->line[0] != '-' || m->line[1] != '-')
        return m->frame_count;
    line = slice_after(line, 2);
    m->looked_at += line.size;
    for (size_t i = m->frame_count; i-- > 0;) {
        const struct mime_frame *frame = &m->frames[i];
        struct slice boundary = slice(frame->boundary, frame->boundary_size);
        bool closing = line.size == boundary.size + 2 && slice_ends_with_nocase(line, SLICE("--"));
        if (boundary.size == 0 || (line.size != boundary.size && !closing))
            continue;
        m->looked_at += boundary.size;
        if (!slice_starts_with(line, boundary))
            continue;
        *ret_closing = closing;
        return i;
    }
    return m->frame_count;
}

/* The line is a delimiter: what was open in that multipart is over. `crlf`: it has its line end. */
static bool delimiter(struct mime *m, bool crlf)
{
    bool closing = false;
    size_t at = delimiter_frame(m, &closing);
    if (at == m->frame_count)
        return false;
    if (m->region == MIME_REGION_HEADER)
        header_end(m, true);
    content_end(m);
    if (m->converting) {
        if (m->crlf_pending)
            buffer_add(m->out, SLICE("\r\n"));
        buffer_add(m->out, slice(m->line, m->line_size));
        if (crlf)
            buffer_add(m->out, SLICE("\r\n"));
    }
    m->crlf_pending = false;
    m->column = 0;
    m->frame_count = closing ? at : at + 1;
    if (closing) {
        m->region = MIME_REGION_EPILOGUE;
        m->region_sealed = at > 0 && m->frames[at - 1].sealed;
    } else {
        mime_part_begin(m, false, m->frames[at].sealed, m->frames[at].digest);
    }
    return true;
}

/* ---- lines ---- */

static bool may_be_delimiter(const struct mime *m, struct slice line)
{
    return m->frame_count > 0 && line.size < MIME_DELIMITER_SIZE_MAX && line.data[0] == '-' &&
           (line.size < 2 || line.data[1] == '-');
}

/* The line, or what is there of it, belongs to a body. */
static void line_release(struct mime *m)
{
    m->line_open = true;
    content(m, slice(m->line, m->line_size));
    m->line_size = 0;
}

/* A header line that is none ends the section: the line is the first one of the body. That may be a header again, of the
 * message in message/rfc822; a second such line is a text. */
static bool header_line(struct mime *m, bool whole)
{
    while (m->region == MIME_REGION_HEADER) {
        if (whole && m->line_size == 0 && !m->line_continues) {
            header_end(m, false);
            return true;
        }
        if (mime_header_piece(m, whole))
            return true;
        header_end(m, false);
    }
    return false;
}

static void line_text(struct mime *m, struct slice text)
{
    while (text.size > 0) {
        if (m->region != MIME_REGION_HEADER && !m->line_open && m->line_size == 0 && !may_be_delimiter(m, text))
            m->line_open = true;
        if (m->line_open) {
            m->line_octets += text.size;
            content(m, text);
            return;
        }
        /* Body lines octet by octet up to the first one that tells; header lines as far as there is room. */
        size_t room = m->region == MIME_REGION_HEADER ? sizeof m->line - m->line_size : 1;
        struct slice taken = slice_part(text, 0, room);
        memcpy(m->line + m->line_size, taken.data, taken.size);
        m->line_size = (uint16_t)(m->line_size + taken.size);
        m->line_octets += taken.size;
        text = slice_after(text, taken.size);
        if (m->region == MIME_REGION_HEADER && m->line_size == sizeof m->line && !header_line(m, false))
            line_release(m);
        else if (m->region != MIME_REGION_HEADER && !may_be_delimiter(m, slice(m->line, m->line_size)))
            line_release(m);
    }
}

static void line_reset(struct mime *m)
{
    m->line_open = m->line_continues = false;
    m->line_size = 0;
    m->line_kept = 0;
    m->line_octets = 0;
}

/* A whole line that is a delimiter or of a header. One that ends a header without being empty is looked at again: it may
 * be the first delimiter of the multipart whose header that was. */
static bool line_take(struct mime *m, bool crlf)
{
    bool held = !m->line_open && !m->line_continues;
    if (held && delimiter(m, crlf))
        return true;
    if (m->region != MIME_REGION_HEADER)
        return false;
    return header_line(m, true) || (held && delimiter(m, crlf));
}

static void line_end(struct mime *m)
{
    if (!line_take(m, true)) {
        if (!m->line_open)
            line_release(m);
        crlf_release(m);
        m->crlf_pending = true;
    }
    line_reset(m);
}

static void feed(struct mime *m, struct slice bytes)
{
    m->looked_at += bytes.size;
    while (bytes.size > 0) {
        if (m->cr) {
            m->cr = false;
            if (bytes.data[0] == '\n') {
                line_end(m);
                bytes = slice_after(bytes, 1);
                continue;
            }
            line_text(m, SLICE("\r"));
        }
        size_t cr = slice_find(bytes, '\r');
        line_text(m, slice_part(bytes, 0, cr));
        m->cr = cr < bytes.size;
        bytes = slice_after(bytes, cr + 1);
    }
}

static void finish(struct mime *m)
{
    if (m->cr)
        line_text(m, SLICE("\r"));
    m->cr = false;
    bool open = m->line_continues || m->line_size > 0;
    if (open && !line_take(m, false))
        line_release(m);
    if (m->region == MIME_REGION_HEADER)
        header_end(m, true);
    crlf_release(m);
    bool base64 = m->converting && m->region == MIME_REGION_LEAF && (m->base64.column > 0 || m->base64.held_size > 0);
    content_end(m);
    if (base64)
        buffer_add(m->out, SLICE("\r\n"));
}

/* ---- the two passes ---- */

void mime_scan_start(struct mime *m, unsigned wish)
{
    assert(wish != 0);
    start(m, wish, NULL);
}

void mime_scan_feed(struct mime *m, struct slice bytes)
{
    assert(!m->converting);
    feed(m, bytes);
}

bool mime_plan_rewraps(const struct mime_plan *plan)
{
    bool rewraps = plan->part_count > MIME_PARTS_MAX;
    for (uint32_t i = 0; i < plan->part_count && !rewraps; i++)
        rewraps = (plan->actions[i / 2] >> (i % 2 * 4) & 0xf) == MIME_ACTION_REWRAP;
    return rewraps;
}

void mime_scan_finish(struct mime *m, struct mime_plan *ret_plan)
{
    assert(!m->converting);
    finish(m);
    memset(ret_plan, 0, sizeof *ret_plan);
    ret_plan->verdict = !m->needed ? MIME_AS_IS : m->refused != MIME_AS_IS ? m->refused : MIME_CONVERT;
    ret_plan->wish = (uint8_t)m->wish;
    ret_plan->utf8 = mime_utf8_valid(&m->utf8);
    ret_plan->part_count = m->part_count;
    memcpy(ret_plan->actions, m->actions, sizeof ret_plan->actions);
}

void mime_convert_start(struct mime *m, const struct mime_plan *plan)
{
    assert(plan->verdict == MIME_CONVERT);
    start(m, plan->wish, plan);
}

void mime_convert_feed(struct mime *m, struct slice bytes, struct buffer *out)
{
    assert(m->converting);
    m->out = out;
    feed(m, bytes);
    m->out = NULL;
}

void mime_convert_finish(struct mime *m, struct buffer *out)
{
    assert(m->converting);
    m->out = out;
    finish(m);
    m->out = NULL;
}
