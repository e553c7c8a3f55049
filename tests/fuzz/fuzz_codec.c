/* Encodings: what is decoded encodes to the same text; what is encoded decodes to the same octets; escaped text is one
 * line without a control, whatever it was (S21). */
#include "fuzz.h"

#include "base/codec.h"
#include "base/now.h"

typedef void encoder(struct slice bytes, struct buffer *out);
typedef enum err decoder(struct slice text, struct buffer *out);

/* `same`: each value has one text only. */
static void check(encoder *encode, decoder *decode, bool same, struct slice input)
{
    struct buffer text, bytes;
    buffer_init(&text, 1 << 20);
    buffer_init(&bytes, 1 << 20);
    encode(input, &text);
    assert(!text.overflow && decode(buffer_slice(&text), &bytes) == ERR_OK);
    assert(slice_equal(buffer_slice(&bytes), input));
    buffer_clear(&text);
    buffer_clear(&bytes);
    enum err err = decode(input, &bytes);
    assert(err == ERR_OK || (err == ERR_SYNTAX && bytes.size == 0));
    if (err == ERR_OK && same) {
        encode(buffer_slice(&bytes), &text);
        assert(slice_equal(buffer_slice(&text), input));
    }
    buffer_done(&text);
    buffer_done(&bytes);
}

static void check_escape(struct slice input)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    text_escape(input, &out);
    assert(!out.overflow && (input.size == 0) == (out.size == 0));
    for (struct slice rest = buffer_slice(&out); rest.size > 0;) {
        uint32_t number;
        size_t size = utf8_next(rest, &number);
        assert(size > 0 && number >= ' ' && (number < 0x7f || number >= 0xa0));
        assert(number < 0x2028 || number > 0x202e);
        assert(number < 0x2066 || number > 0x2069);
        assert(number < 0xe0000 || number > 0xe007f);
        rest = slice_after(rest, size);
    }
    buffer_done(&out);
}

static void check_date(struct slice input)
{
    int64_t wall_us, again_us;
    char text[DATE_SIZE_MAX], mail[DATE_SIZE_MAX];
    if (date_rfc3339_parse(input, &wall_us) != ERR_OK)
        return;
    date_rfc3339(wall_us, text);
    date_mail(wall_us, mail);
    if (text[0] == '-' || strlen(text) != sizeof "2026-11-24T14:13:00.123Z" - 1)
        return; /* an offset has led out of the years 0 to 9999 */
    assert(date_rfc3339_parse(slice_of(text), &again_us) == ERR_OK);
    assert(again_us <= wall_us && wall_us - again_us < US_PER_MS);
}

static void check_crc(struct slice input)
{
    size_t half = input.size / 3;
    uint32_t crc = crc32c(crc32c(0, slice_part(input, 0, half)), slice_after(input, half));
    assert(crc == crc32c(0, input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice(data, size);
    check(base64_encode, base64_decode, true, input);
    check(hex_encode, hex_decode, false, input);
    check(xtext_encode, xtext_decode, false, input);
    check_escape(input);
    check_date(input);
    check_crc(input);
    return 0;
}
