/* Replies of any server: any cutting gives the same replies and the same end; nothing of them can end a line elsewhere
 * (S12), and memory stays bounded (S17). */
#include "fuzz.h"

#include "base/random.h"
#include "proto/smtp_reply.h"

enum { LOG_SIZE_MAX = 1 << 20, MEMORY_MAX = 2 * SMTP_REPLY_SIZE_MAX + 2 * SMTP_REPLY_LINE_SIZE_MAX };

static void check_text(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        assert(c == '\n' || (c >= ' ' && c != 0x7f));
    }
}

static void log_reply(const struct smtp_reply *reply, struct buffer *log)
{
    struct smtp_extensions x;
    assert(reply->code >= 200 && reply->code <= 599);
    assert(reply->text.size <= OUTCOME_TEXT_SIZE_MAX && reply->lines.size <= SMTP_REPLY_SIZE_MAX);
    assert(reply->line_count > 0 && reply->line_count <= SMTP_REPLY_LINES_MAX);
    assert(reply->enhanced.class == 0 || reply->enhanced.class == reply->code / 100);
    check_text(reply->text);
    check_text(reply->lines);
    check_text(smtp_reply_host(reply));
    smtp_extensions_parse(reply, &x);
    buffer_add_format(log, "%u %u.%u.%u %u [", reply->code, reply->enhanced.class, reply->enhanced.subject,
                      reply->enhanced.detail, reply->line_count);
    buffer_add(log, reply->text);
    buffer_add(log, reply->lines);
    buffer_add_format(log, "] %llu %x\n", (unsigned long long)x.size_max, x.auth_mechanisms);
}

static void read_all(struct slice octets, struct random_fast *random, struct buffer *log)
{
    struct smtp_reply_reader r;
    struct smtp_reply reply;
    enum smtp_reply_event event = SMTP_REPLY_MORE;
    smtp_reply_reader_init(&r);
    while (octets.size > 0 && event != SMTP_REPLY_WRONG) {
        struct slice piece = slice_part(octets, 0, random ? 1 + random_fast_below(random, 60) : octets.size);
        octets = slice_after(octets, piece.size);
        do {
            size_t before = piece.size;
            event = smtp_reply_reader_next(&r, &piece, &reply);
            assert(event != SMTP_REPLY_MORE || piece.size == 0);
            assert(event != SMTP_REPLY_WHOLE || piece.size < before);
            assert(r.lines.capacity + r.text.capacity <= MEMORY_MAX);
            if (event == SMTP_REPLY_WHOLE)
                log_reply(&reply, log);
        } while (event == SMTP_REPLY_WHOLE && piece.size > 0);
    }
    if (event == SMTP_REPLY_WRONG) {
        assert(smtp_reply_reader_fault(&r)[0] != '\0');
        buffer_add_format(log, "wrong: %s\n", smtp_reply_reader_fault(&r));
    } else {
        buffer_add_format(log, "%s\n", smtp_reply_reader_at_start(&r) ? "at the start" : "within");
        smtp_reply_reader_trim(&r);
    }
    smtp_reply_reader_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor(slice(data, size));
    struct random_fast random;
    struct buffer whole, cut;
    random_fast_init(&random, cursor_u16(&c));
    buffer_init(&whole, LOG_SIZE_MAX);
    buffer_init(&cut, LOG_SIZE_MAX);
    read_all(c.rest, NULL, &whole);
    read_all(c.rest, &random, &cut);
    assert(slice_equal(buffer_slice(&whole), buffer_slice(&cut)));
    buffer_done(&whole);
    buffer_done(&cut);
    return 0;
}
