#include "proto/smtp_reply.h"

#include <assert.h>

#include "proto/sasl_client.h"

/* ---- reading ---- */

void smtp_reply_reader_init(struct smtp_reply_reader *r)
{
    *r = (struct smtp_reply_reader){ 0 };
    buffer_init(&r->lines, SMTP_REPLY_SIZE_MAX);
    buffer_init(&r->text, SMTP_REPLY_SIZE_MAX);
}

void smtp_reply_reader_done(struct smtp_reply_reader *r)
{
    buffer_done(&r->lines);
    buffer_done(&r->text);
}

static void buffer_shrink(struct buffer *b)
{
    buffer_clear(b);
    if (b->capacity > SMTP_REPLY_KEPT_SIZE_MAX / 2)
        buffer_trim(b);
}

void smtp_reply_reader_trim(struct smtp_reply_reader *r)
{
    if (!smtp_reply_reader_at_start(r))
        return;
    buffer_shrink(&r->lines);
    buffer_shrink(&r->text);
    r->whole = false;
    r->line_from = 0;
    r->line_count = 0;
}

bool smtp_reply_reader_at_start(const struct smtp_reply_reader *r)
{
    return !r->fault && (r->whole || r->lines.size == 0);
}

const char *smtp_reply_reader_fault(const struct smtp_reply_reader *r)
{
    return r->fault ? r->fault : "";
}

/* Octets of a text that cannot stand in a line of anything. */
static void clean(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\t')
            text[i] = ' ';
        else if (c < 0x20 || c == 0x7f)
            text[i] = '?';
    }
}

/* Reply-line = Reply-code [ ("-" / SP) textstring ] CRLF. The open line becomes the text of a finished one. */
static const char *line_finish(struct smtp_reply_reader *r, bool *ret_last)
{
    size_t size = r->lines.size - r->line_from;
    if (size < 3) /* there may be no memory at all yet */
        return "no reply code";
    char *line = r->lines.data + r->line_from;
    while (size > 0 && line[size - 1] == '\r')
        size--;
    if (size < 3 || line[0] < '2' || line[0] > '5' || line[1] < '0' || line[1] > '9' || line[2] < '0' || line[2] > '9')
        return "no reply code";
    if (size > 3 && line[3] != ' ' && line[3] != '-')
        return "no reply code";
    uint16_t code = (uint16_t)((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
    if (r->line_count > 0 && code != r->code)
        return "two codes in one reply";
    if (r->line_count == SMTP_REPLY_LINES_MAX)
        return "too many lines";
    *ret_last = size == 3 || line[3] == ' ';
    size_t prefix = size == 3 ? 3 : 4;
    memmove(line, line + prefix, size - prefix);
    clean(line, size - prefix);
    r->lines.size = r->line_from + size - prefix;
    r->code = code;
    r->line_count++;
    return NULL;
}

/* Cut where a character begins, so that a cut text is as valid as the whole one was. */
static size_t cut_at_character(struct slice text, size_t size_max)
{
    if (text.size <= size_max)
        return text.size;
    size_t size = size_max;
    while (size > 0 && size_max - size < 3 && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--;
    return size;
}

static void reply_make(struct smtp_reply_reader *r, struct smtp_reply *ret_reply)
{
    struct slice lines = buffer_slice(&r->lines), rest = lines, text;
    struct enhanced_code enhanced = { 0 }, other;
    for (uint16_t i = 0; i < r->line_count; i++) {
        struct slice line = slice_split(&rest, '\n');
        if (enhanced_code_parse(line, &other, &text) && other.class == r->code / 100) {
            if (i == 0)
                enhanced = other;
            if (other.class == enhanced.class && other.subject == enhanced.subject && other.detail == enhanced.detail)
                line = text;
        }
        if (i > 0)
            buffer_add_char(&r->text, '\n');
        buffer_add(&r->text, line);
    }
    text = buffer_slice(&r->text);
    text.size = cut_at_character(text, OUTCOME_TEXT_SIZE_MAX);
    *ret_reply = (struct smtp_reply){
        .code = r->code, .enhanced = enhanced, .text = text, .lines = lines, .line_count = r->line_count,
    };
}

static void restart(struct smtp_reply_reader *r)
{
    buffer_clear(&r->lines);
    buffer_clear(&r->text);
    r->line_from = 0;
    r->line_count = 0;
    r->whole = false;
}

static enum smtp_reply_event wrong(struct smtp_reply_reader *r, const char *fault)
{
    r->fault = fault;
    return SMTP_REPLY_WRONG;
}

/* What is found first is what an octet-by-octet reader would find first: no cutting of the input changes the fault. */
static const char *line_add(struct smtp_reply_reader *r, struct slice piece)
{
    size_t line_room = SMTP_REPLY_LINE_SIZE_MAX - (r->lines.size - r->line_from);
    size_t room = SMTP_REPLY_SIZE_MAX - r->lines.size;
    struct slice allowed = slice_part(piece, 0, line_room < room ? line_room : room);
    if (slice_find(allowed, '\0') < allowed.size)
        return "a NUL in it";
    if (allowed.size < piece.size)
        return line_room <= room ? "line too long" : "reply too long";
    buffer_add(&r->lines, piece);
    return NULL;
}

enum smtp_reply_event smtp_reply_reader_next(struct smtp_reply_reader *r, struct slice *input,
                                             struct smtp_reply *ret_reply)
{
    if (r->fault)
        return SMTP_REPLY_WRONG;
    if (r->whole)
        restart(r);
    while (input->size > 0) {
        size_t size = slice_find(*input, '\n');
        bool ended = size < input->size;
        const char *fault = line_add(r, slice_part(*input, 0, size));
        if (fault)
            return wrong(r, fault);
        *input = slice_after(*input, ended ? size + 1 : size);
        if (!ended)
            break;
        bool last = false;
        fault = line_finish(r, &last);
        if (fault)
            return wrong(r, fault);
        if (last) {
            r->whole = true;
            reply_make(r, ret_reply);
            return SMTP_REPLY_WHOLE;
        }
        buffer_add_char(&r->lines, '\n');
        assert(!r->lines.overflow); /* the code that was taken off the line was longer */
        r->line_from = r->lines.size;
    }
    return SMTP_REPLY_MORE;
}

/* ---- what EHLO offers ---- */

static void auth_parse(struct slice mechanisms, struct smtp_extensions *e)
{
    e->auth = true;
    while (mechanisms.size > 0) {
        enum sasl_mechanism mechanism;
        if (sasl_mechanism_parse(slice_trim(slice_split(&mechanisms, ' ')), &mechanism))
            e->auth_mechanisms |= 1u << mechanism;
    }
}

static void extension_parse(struct slice line, struct smtp_extensions *e)
{
    static const struct {
        struct slice keyword;
        size_t flag;
    } flags[] = {
        { SLICE("PIPELINING"), offsetof(struct smtp_extensions, pipelining) },
        { SLICE("8BITMIME"), offsetof(struct smtp_extensions, eightbitmime) },
        { SLICE("SMTPUTF8"), offsetof(struct smtp_extensions, smtputf8) },
        { SLICE("DSN"), offsetof(struct smtp_extensions, dsn) },
        { SLICE("STARTTLS"), offsetof(struct smtp_extensions, starttls) },
        { SLICE("ENHANCEDSTATUSCODES"), offsetof(struct smtp_extensions, enhanced_codes) },
        { SLICE("CHUNKING"), offsetof(struct smtp_extensions, chunking) },
        { SLICE("REQUIRETLS"), offsetof(struct smtp_extensions, requiretls) },
    };
    /* "AUTH=LOGIN" is what servers of the nineties say beside "AUTH LOGIN"; some say nothing else. */
    if (slice_starts_with_nocase(line, SLICE("AUTH="))) {
        auth_parse(slice_after(line, 5), e);
        return;
    }
    struct slice arguments = line, keyword = slice_split(&arguments, ' ');
    arguments = slice_trim(arguments);
    if (slice_equal_nocase(keyword, SLICE("AUTH"))) {
        auth_parse(arguments, e);
        return;
    }
    if (slice_equal_nocase(keyword, SLICE("SIZE"))) {
        uint64_t size = 0;
        e->size = true;
        /* A limit that is no number is none. */
        e->size_max = slice_to_u64(slice_split(&arguments, ' '), UINT64_MAX, &size) ? size : 0;
        return;
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (slice_equal_nocase(keyword, flags[i].keyword))
            *(bool *)((char *)e + flags[i].flag) = true;
    }
}

void smtp_extensions_parse(const struct smtp_reply *reply, struct smtp_extensions *ret_extensions)
{
    struct smtp_extensions e = { .esmtp = true };
    struct slice rest = reply->lines;
    slice_split(&rest, '\n'); /* the host and its greeting */
    while (rest.size > 0)
        extension_parse(slice_trim(slice_split(&rest, '\n')), &e);
    *ret_extensions = e;
}

struct slice smtp_reply_host(const struct smtp_reply *reply)
{
    struct slice rest = reply->lines;
    struct slice line = slice_trim(slice_split(&rest, '\n'));
    return slice_split(&line, ' ');
}
