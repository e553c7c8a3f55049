/* A notice from any texts (S12, S22): canonical, 7-bit, lines within the limit, three parts, nothing that could be taken
 * for a delimiter, and no recipient left out. The input's first octets choose the kind, the rest is cut into texts. */
#include "fuzz.h"

#include "proto/body.h"
#include "proto/dsn.h"
#include "proto/mime.h"

enum { RECIPIENTS_MAX = 60, OTHERS_MAX = 10 };

static struct slice text(struct cursor *c)
{
    return cursor_take(c, cursor_u8(c) % 40u < c->rest.size ? (size_t)cursor_u8(c) * 3 % (c->rest.size + 1) : 0);
}

static struct outcome outcome(struct cursor *c)
{
    struct outcome o = {
        .class = cursor_u8(c) % 4,
        .stage = cursor_u8(c) % (STAGE_POP + 1),
        .cause = cursor_u8(c) % OUTCOME_CAUSE_COUNT,
        .code = (uint16_t)(200 + cursor_u8(c) * 7 % 400),
        .in_doubt = cursor_u8(c) % 8 == 0,
    };
    o.enhanced = (struct enhanced_code){ cursor_u8(c) % 3 * 2, cursor_u8(c) % 10, cursor_u8(c) % 20 };
    o.text = text(c);
    o.host = slice_part(text(c), 0, OUTCOME_HOST_SIZE_MAX);
    o.address = slice_part(text(c), 0, 40);
    return o;
}

static void notice(struct cursor *c, struct dsn *dsn, struct dsn_recipient *recipients, struct outcome *others)
{
    uint8_t flags = cursor_u8(c);
    *dsn = (struct dsn){
        .kind = cursor_u8(c) % 4,
        .language = cursor_u8(c) % LANGUAGE_COUNT,
        .for_postmaster = flags & 1,
        .header_only = flags & 2,
        .original_header_8bit = flags & 4,
        .original_body_8bit = flags & 8,
        .our_name = text(c),
        .postmaster = text(c),
        .to = text(c),
        .sender = text(c),
        .message_id = text(c),
        .original_id = text(c),
        .subject = text(c),
        .envid = text(c),
        .transcript = text(c),
        .arrival_us = (int64_t)cursor_u32(c) * 1000000,
        .now_us = (int64_t)cursor_u32(c) * 1000000,
        .give_up_us = (int64_t)cursor_u32(c) * 1000000,
        .recipients = recipients,
        .recipient_count = 1 + cursor_u8(c) % RECIPIENTS_MAX,
    };
    if (dsn->to.size == 0)
        dsn->to = SLICE("a@b");
    for (size_t i = 0; i < OTHERS_MAX; i++)
        others[i] = outcome(c);
    for (size_t i = 0; i < dsn->recipient_count; i++) {
        uint8_t how = cursor_u8(c);
        recipients[i] = (struct dsn_recipient){
            .address = text(c),
            .orcpt = text(c),
            .action = how % 4,
            .expired = how & 4,
            .outcome = outcome(c),
            .others = others,
            .other_count = how & 8 ? how % (OTHERS_MAX + 1) : 0,
            .cause = text(c),
            .last_attempt_us = cursor_u32(c),
            .will_retry_until_us = cursor_u32(c),
        };
    }
}

static void check_text(struct slice prefix, bool header_utf8)
{
    size_t line = 0;
    assert(body_check(prefix) == BODY_FAULT_NONE);
    for (size_t i = 0; i < prefix.size; i++) {
        unsigned char c = (unsigned char)prefix.data[i];
        line = c == '\n' ? 0 : line + 1;
        assert(line <= 999); /* with its CR */
        assert(c == '\r' || c == '\n' || (c >= ' ' && c != 0x7f));
        assert(c <= 0x7f || header_utf8);
    }
}

static size_t occurrences(struct slice text, struct slice needle)
{
    size_t count = 0;
    for (size_t at = slice_find_slice(text, needle); at < text.size; at = slice_find_slice(text, needle)) {
        text = slice_after(text, at + needle.size);
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mime_plan plan;
    struct cursor c = cursor(slice(data, size));
    struct dsn_recipient recipients[RECIPIENTS_MAX];
    struct outcome others[OTHERS_MAX];
    struct dsn dsn;
    struct buffer out;
    notice(&c, &dsn, recipients, others);
    buffer_init(&out, DSN_PREFIX_SIZE_MAX);
    dsn_add_prefix(&dsn, &out);
    assert(!out.overflow);
    check_text(buffer_slice(&out), dsn_needs_smtputf8(&dsn));
    struct slice report = buffer_slice(&out);
    for (int part = 0; part < 2; part++)
        report = slice_after(report, slice_find_slice(report, SLICE("\r\n--=_facteur_")) + 2);
    assert(occurrences(report, SLICE("\r\nAction: ")) == dsn.recipient_count);
    buffer_add_text(&out, "Subject: x\r\n\r\nbody\r\n");
    dsn_add_suffix(&dsn, true, &out);
    /* Before each of three parts, and at the end. */
    assert(occurrences(buffer_slice(&out), SLICE("\r\n--=_facteur_")) == 4);
    struct mime *m = mime_new();
    mime_scan_start(m, MIME_WISH_7BIT);
    mime_scan_feed(m, buffer_slice(&out));
    mime_scan_finish(m, &plan);
    assert(plan.verdict == MIME_AS_IS && plan.part_count == (dsn.header_only || dsn.original_header_8bit ? 4 : 5));
    mime_free(m);
    buffer_done(&out);
    return 0;
}
