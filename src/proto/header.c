/* RFC 5322 2.2:
 *
 *     header  = *field CRLF
 *     field   = name ":" value CRLF *(WSP value CRLF)
 *     name    = 1*%d33-57 / %d59-126, blanks before the colon as in 4.5
 *
 * Each octet is met once, each line by one search for its end; a line's kind is known at its first octets, so nothing
 * of it is held but the name's first 64 octets. */
#include "proto/header.h"

#include <assert.h>

enum state {
    STATE_LINE_START,
    STATE_NAME,
    STATE_NAME_BLANK, /* blanks between name and colon */
    STATE_VALUE,
    STATE_EMPTY_LINE, /* CR at a line's start */
    STATE_BODY,
};

enum field_use {
    USE_HOP,
    USE_FROM,
    USE_DATE,
    USE_RETURN_PATH,
    USE_VALUE, /* + enum header_value */
};

struct field_row {
    struct slice name;
    int use;
};

#define ROW(name, use) { { name, sizeof(name) - 1 }, use }
static const struct field_row field_rows[] = {
    ROW("Received", USE_HOP),
    ROW("From", USE_FROM),
    ROW("Date", USE_DATE),
    ROW("Return-Path", USE_RETURN_PATH),
    ROW("Content-Type", USE_VALUE + HEADER_CONTENT_TYPE),
    ROW("Content-Transfer-Encoding", USE_VALUE + HEADER_CONTENT_TRANSFER_ENCODING),
    ROW("MIME-Version", USE_VALUE + HEADER_MIME_VERSION),
    ROW("Auto-Submitted", USE_VALUE + HEADER_AUTO_SUBMITTED),
    ROW("Message-ID", USE_VALUE + HEADER_MESSAGE_ID),
};
#undef ROW

static const uint16_t value_size_max[HEADER_VALUE_COUNT] = {
    [HEADER_CONTENT_TYPE] = HEADER_CONTENT_TYPE_SIZE_MAX,
    [HEADER_CONTENT_TRANSFER_ENCODING] = HEADER_TOKEN_SIZE_MAX,
    [HEADER_MIME_VERSION] = HEADER_TOKEN_SIZE_MAX,
    [HEADER_AUTO_SUBMITTED] = HEADER_TOKEN_SIZE_MAX,
    [HEADER_MESSAGE_ID] = HEADER_MESSAGE_ID_SIZE_MAX,
};

void header_scan_init(struct header_scan *scan)
{
    memset(scan, 0, sizeof *scan);
    buffer_init(&scan->kept, HEADER_KEPT_SIZE_MAX);
    scan->value = HEADER_VALUE_COUNT;
}

void header_scan_done(struct header_scan *scan)
{
    buffer_done(&scan->kept);
}

void header_scan_reset(struct header_scan *scan)
{
    struct buffer kept = scan->kept;
    buffer_clear(&kept);
    memset(scan, 0, sizeof *scan);
    scan->kept = kept;
    scan->value = HEADER_VALUE_COUNT;
}

static bool has_8bit(struct slice s)
{
    uint64_t all = 0;
    size_t i = 0;
    for (; s.size - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, s.data + i, sizeof word);
        all |= word;
    }
    for (; i < s.size; i++)
        all |= (unsigned char)s.data[i];
    return (all & UINT64_C(0x8080808080808080)) != 0;
}

/* A line whose LF stands at offset `at` is over. */
static void line_end(struct header_scan *scan, uint64_t at)
{
    uint64_t size = at - scan->line_from;
    size -= size > 0 ? 1 : 0; /* its CR */
    if (size > scan->facts.longest_line)
        scan->facts.longest_line = size;
    scan->line_from = at + 1;
}

/* The section ends before the current line (which is empty, or no field). */
static void section_end(struct header_scan *scan, bool broken)
{
    scan->facts.ended = true;
    scan->facts.broken = broken;
    scan->facts.header_size = scan->line_from;
    scan->facts.body_offset = scan->line_from; /* an empty line is still to be added */
    scan->state = STATE_BODY;
    scan->value = HEADER_VALUE_COUNT;
}

static void field_begin(struct header_scan *scan)
{
    struct slice name = slice(scan->name, scan->name_size);
    struct header_facts *facts = &scan->facts;
    facts->field_count++;
    scan->value = HEADER_VALUE_COUNT;
    scan->state = STATE_VALUE;
    if (slice_starts_with_nocase(name, SLICE("Resent-")))
        facts->resent = true;
    for (size_t i = 0; i < sizeof field_rows / sizeof field_rows[0]; i++) {
        if (!slice_equal_nocase(name, field_rows[i].name))
            continue;
        int use = field_rows[i].use;
        facts->hops += use == USE_HOP;
        facts->from_count += use == USE_FROM;
        facts->date_count += use == USE_DATE;
        facts->message_id_count += use == USE_VALUE + HEADER_MESSAGE_ID;
        facts->return_path |= use == USE_RETURN_PATH;
        if (use >= USE_VALUE && !facts->has[use - USE_VALUE]) {
            scan->value = (uint8_t)(use - USE_VALUE);
            facts->has[scan->value] = true;
            scan->value_from[scan->value] = (uint16_t)scan->kept.size;
        }
        return;
    }
}

static void value_keep(struct header_scan *scan, struct slice octets)
{
    if (scan->value == HEADER_VALUE_COUNT)
        return;
    uint16_t *size = &scan->value_size[scan->value];
    if (*size == 0)
        while (octets.size > 0 && (octets.data[0] == ' ' || octets.data[0] == '\t'))
            octets = slice_after(octets, 1);
    octets = slice_part(octets, 0, value_size_max[scan->value] - *size);
    buffer_add(&scan->kept, octets);
    *size = (uint16_t)(*size + octets.size);
}

/* One octet outside a value. False: the section ended, and the octet belongs to the body. */
static bool feed_octet(struct header_scan *scan, char c)
{
    bool blank = c == ' ' || c == '\t';
    switch ((enum state)scan->state) {
    case STATE_LINE_START:
        scan->name_size = 0;
        if (c == '\r') {
            scan->state = STATE_EMPTY_LINE;
            return true;
        }
        if (blank && scan->facts.field_count > 0) {
            scan->state = STATE_VALUE; /* of the same field */
            value_keep(scan, slice(&c, 1));
            return true;
        }
        scan->state = STATE_NAME;
        break;
    case STATE_EMPTY_LINE:
        section_end(scan, c != '\n');
        if (c != '\n')
            return false;
        line_end(scan, scan->facts.size);
        scan->facts.body_offset = scan->line_from;
        return true;
    case STATE_NAME:
    case STATE_NAME_BLANK:
        break;
    case STATE_VALUE:
    case STATE_BODY:
        assert(false);
    }
    bool blanks_only = scan->state == STATE_NAME_BLANK || (blank && scan->name_size > 0);
    if (c == ':') {
        field_begin(scan);
    } else if (blank && blanks_only) {
        scan->state = STATE_NAME_BLANK;
    } else if (c > ' ' && c <= '~' && !blanks_only) {
        if (scan->name_size < HEADER_NAME_SIZE_MAX)
            scan->name[scan->name_size++] = c; /* a longer name equals none of ours: they are shorter */
    } else {
        section_end(scan, true);
        return false;
    }
    return true;
}

static size_t feed_value(struct header_scan *scan, struct slice bytes)
{
    size_t lf = slice_find(bytes, '\n');
    bool ends = lf < bytes.size;
    struct slice value = slice_part(bytes, 0, lf);
    struct slice kept = value;
    if (kept.size > 0 && kept.data[kept.size - 1] == '\r')
        kept.size--;
    if (!scan->facts.header_8bit && has_8bit(value))
        scan->facts.header_8bit = true;
    value_keep(scan, kept);
    if (ends) {
        line_end(scan, scan->facts.size + lf);
        scan->state = STATE_LINE_START;
    }
    return value.size + (ends ? 1 : 0);
}

static void feed_body(struct header_scan *scan, struct slice bytes)
{
    struct header_facts *facts = &scan->facts;
    if (!facts->body_8bit && has_8bit(bytes))
        facts->body_8bit = true;
    for (size_t from = 0; from < bytes.size;) {
        const char *lf = memchr(bytes.data + from, '\n', bytes.size - from);
        if (lf == NULL)
            break;
        from = (size_t)(lf - bytes.data) + 1;
        line_end(scan, facts->size + from - 1);
    }
    facts->size += bytes.size;
}

void header_scan_feed(struct header_scan *scan, struct slice bytes)
{
    size_t from = 0;
    while (from < bytes.size && scan->state != STATE_BODY) {
        size_t count = 1;
        if (scan->state == STATE_VALUE)
            count = feed_value(scan, slice_after(bytes, from));
        else if (!feed_octet(scan, bytes.data[from]))
            break;
        from += count;
        scan->facts.size += count;
    }
    if (from < bytes.size)
        feed_body(scan, slice_after(bytes, from));
}

void header_scan_finish(struct header_scan *scan, struct header_facts *ret_facts)
{
    struct header_facts *facts = &scan->facts;
    if (scan->state == STATE_NAME || scan->state == STATE_NAME_BLANK || scan->state == STATE_EMPTY_LINE)
        section_end(scan, true); /* the message ends in a line that is no field */
    if (facts->size - scan->line_from > facts->longest_line)
        facts->longest_line = facts->size - scan->line_from;
    if (!facts->ended)
        facts->header_size = facts->body_offset = facts->size;
    *ret_facts = *facts;
    for (int i = 0; i < HEADER_VALUE_COUNT; i++)
        ret_facts->value[i] =
            slice_trim(slice_part(buffer_slice(&scan->kept), scan->value_from[i], scan->value_size[i]));
}
