#include "notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/body.h"
#include "proto/mime.h"

struct outcome reply(enum stage stage, uint16_t code, struct enhanced_code enhanced, const char *text)
{
    return (struct outcome){
        .class = outcome_class_of_code(code),
        .stage = stage,
        .cause = OUTCOME_CAUSE_REPLY,
        .code = code,
        .enhanced = enhanced,
        .text = slice_of(text),
        .host = SLICE("mx.example.com"),
        .address = SLICE("192.0.2.1"),
    };
}

struct outcome failure(enum stage stage, enum outcome_cause cause, enum outcome_class class)
{
    struct outcome o = { .class = class, .stage = stage, .cause = cause, .host = SLICE("mx.example.com") };
    o.enhanced = outcome_enhanced_default(&o);
    return o;
}

struct dsn notice(const struct dsn_recipient *recipients, size_t count)
{
    struct dsn dsn = {
        .kind = DSN_FAILED,
        .our_name = SLICE("mta.example.net"),
        .postmaster = SLICE("postmaster@example.net"),
        .to = SLICE("bob@example.net"),
        .sender = SLICE("bob@example.net"),
        .message_id = SLICE("n1@mta.example.net"),
        .original_id = SLICE("01HX7"),
        .subject = SLICE("Hello"),
        .arrival_us = noon - 2 * US_PER_DAY,
        .now_us = noon,
        .recipients = recipients,
        .recipient_count = count,
    };
    for (size_t i = 0; i < DSN_RANDOM_SIZE; i++)
        dsn.random[i] = (uint8_t)i;
    return dsn;
}

struct slice build(const struct dsn *dsn, struct slice original, struct buffer *out)
{
    buffer_init(out, DSN_PREFIX_SIZE_MAX + original.size + 1024);
    dsn_add_prefix(dsn, out);
    assert_true(out->size <= DSN_PREFIX_SIZE_MAX);
    buffer_add(out, original);
    dsn_add_suffix(dsn, original.size == 0 || slice_ends_with_nocase(original, SLICE("\n")), out);
    assert_false(out->overflow);
    return buffer_slice(out);
}

bool has(struct slice text, const char *needle)
{
    return slice_find_slice(text, slice_of(needle)) < text.size;
}

size_t occurrences(struct slice text, const char *needle)
{
    size_t count = 0, at;
    for (; (at = slice_find_slice(text, slice_of(needle))) < text.size; count++)
        text = slice_after(text, at + strlen(needle));
    return count;
}

struct slice part(struct slice all, int index)
{
    struct slice delimiter = SLICE("\r\n--" BOUNDARY);
    for (int i = 0; i <= index; i++)
        all = slice_after(all, slice_find_slice(all, delimiter) + delimiter.size);
    assert_true(slice_starts_with(all, SLICE("\r\n")));
    return slice_part(all, 2, slice_find_slice(all, delimiter) - 2);
}

struct slice told(struct slice all, struct buffer *out)
{
    struct slice text = part(all, 0);
    text = slice_after(text, slice_find_slice(text, SLICE("\r\n\r\n")) + 4);
    buffer_init(out, text.size);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '=' && text.data[i + 1] == '\r') {
            i += 2;
        } else if (text.data[i] == '=') {
            char hex[3] = { text.data[i + 1], text.data[i + 2], '\0' };
            buffer_add_char(out, (char)strtol(hex, NULL, 16));
            i += 2;
        } else if (text.data[i] == '\r') {
            buffer_add_char(out, ' ');
            while (i + 2 < text.size && text.data[i + 2] == ' ')
                i++;
            i++;
        } else {
            buffer_add_char(out, text.data[i]);
        }
    }
    return buffer_slice(out);
}

void check_form(struct slice all, bool ascii)
{
    static struct mime_plan plan;
    size_t line = 0;
    assert_int_equal(body_check(all), BODY_FAULT_NONE);
    for (size_t i = 0; i < all.size; i++) {
        unsigned char c = (unsigned char)all.data[i];
        line = c == '\n' ? 0 : line + 1;
        if (line > 999 || (c < ' ' && c != '\r' && c != '\n') || c == 0x7f || (c > 0x7f && ascii))
            fail_msg("octet %02x at %zu, column %zu", c, i, line);
    }
    struct mime *m = mime_new();
    mime_scan_start(m, MIME_WISH_7BIT);
    mime_scan_feed(m, all);
    mime_scan_finish(m, &plan);
    assert_int_equal(plan.verdict, MIME_AS_IS);
    mime_free(m);
    assert_int_equal(occurrences(all, "\r\n--" BOUNDARY), 4);
    assert_true(slice_ends_with_nocase(all, SLICE("\r\n--" BOUNDARY "--\r\n")));
}
