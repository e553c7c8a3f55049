#include "base/codec.h"

#include <stdio.h>

#include "base/now.h"

/* ---- base64 ---- */

static const char base64_digits[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct slice bytes, struct buffer *out)
{
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t v = (uint32_t)(uint8_t)bytes.data[i] << 16;
        if (left > 1)
            v |= (uint32_t)(uint8_t)bytes.data[i + 1] << 8;
        if (left > 2)
            v |= (uint8_t)bytes.data[i + 2];
        char group[4] = { base64_digits[v >> 18], base64_digits[v >> 12 & 63],
                          left > 1 ? base64_digits[v >> 6 & 63] : '=', left > 2 ? base64_digits[v & 63] : '=' };
        buffer_add(out, slice(group, sizeof group));
    }
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err base64_decode(struct slice text, struct buffer *out)
{
    size_t start = out->size;
    if (text.size % 4 != 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.size; i += 4) {
        bool last = i + 4 == text.size;
        int padding = !last || text.data[i + 3] != '=' ? 0 : text.data[i + 2] == '=' ? 2 : 1;
        uint32_t v = 0;
        for (int j = 0; j < 4; j++) {
            int digit = j >= 4 - padding ? 0 : base64_value(text.data[i + (size_t)j]);
            if (digit < 0)
                goto wrong;
            v = v << 6 | (uint32_t)digit;
        }
        if ((padding == 1 && (v & 0xff) != 0) || (padding == 2 && (v & 0xffff) != 0))
            goto wrong;
        char group[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };
        buffer_add(out, slice(group, (size_t)(3 - padding)));
    }
    return out->overflow ? ERR_TOO_LARGE : ERR_OK;
wrong:
    out->size = start;
    return ERR_SYNTAX;
}

/* ---- hex and xtext ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void hex_encode(struct slice bytes, struct buffer *out)
{
    static const char digits[17] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t v = (uint8_t)bytes.data[i];
        char pair[2] = { digits[v >> 4], digits[v & 15] };
        buffer_add(out, slice(pair, 2));
    }
}

enum err hex_decode(struct slice text, struct buffer *out)
{
    size_t start = out->size;
    if (text.size % 2 != 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.size; i += 2) {
        int high = hex_value(text.data[i]);
        int low = hex_value(text.data[i + 1]);
        if (high < 0 || low < 0) {
            out->size = start;
            return ERR_SYNTAX;
        }
        buffer_add_char(out, (char)(high << 4 | low));
    }
    return out->overflow ? ERR_TOO_LARGE : ERR_OK;
}

void xtext_encode(struct slice bytes, struct buffer *out)
{
    static const char digits[17] = "0123456789ABCDEF";
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t v = (uint8_t)bytes.data[i];
        if (v >= 33 && v <= 126 && v != '+' && v != '=') {
            buffer_add_char(out, (char)v);
        } else {
            char code[3] = { '+', digits[v >> 4], digits[v & 15] };
            buffer_add(out, slice(code, 3));
        }
    }
}

enum err xtext_decode(struct slice text, struct buffer *out)
{
    size_t start = out->size;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool code = c == '+';
        /* RFC 3461 allows upper-case digits only. */
        bool digits = code && i + 2 < text.size && hex_value(text.data[i + 1]) >= 0 && hex_value(text.data[i + 2]) >= 0 &&
                      !(text.data[i + 1] >= 'a') && !(text.data[i + 2] >= 'a');
        if ((code && !digits) || c < 33 || c > 126 || c == '=') {
            out->size = start;
            return ERR_SYNTAX;
        }
        if (code) {
            c = (char)(hex_value(text.data[i + 1]) << 4 | hex_value(text.data[i + 2]));
            i += 2;
        }
        buffer_add_char(out, c);
    }
    return out->overflow ? ERR_TOO_LARGE : ERR_OK;
}

/* ---- dates ---- */

struct civil {
    int64_t year;
    int month, day, weekday, hour, minute, second, millisecond;
};

static int64_t divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01 and back, proleptic Gregorian calendar; years are counted from March so that the leap day is the
 * last of its year, and in eras of 400 years, which all have the same length. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = divide_down(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static struct civil civil_of(int64_t wall_us)
{
    int64_t days = divide_down(wall_us, US_PER_DAY);
    int64_t rest = wall_us - days * US_PER_DAY;
    int64_t shifted = days + 719468;
    int64_t era = divide_down(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (int)((5 * day_of_year + 2) / 153);
    struct civil c = {
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
        .month = month < 10 ? month + 3 : month - 9,
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
        .hour = (int)(rest / US_PER_HOUR),
        .minute = (int)(rest / US_PER_MINUTE % 60),
        .second = (int)(rest / US_PER_SECOND % 60),
        .millisecond = (int)(rest / US_PER_MS % 1000),
    };
    c.year = year_of_era + era * 400 + (c.month <= 2);
    return c;
}

/* Without printf: every line of the log and of the history has dates. */
static char *digits_put(char *at, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

/* Four digits as far as anybody will read them; what a damaged number makes of a year is at least a number. */
static char *year_put(char *at, int64_t year)
{
    return digits_put(at, year < 0 ? 0 : year, year > 9999 ? 6 : 4);
}

static char *clock_put(char *at, const struct civil *c)
{
    at = digits_put(at, c->hour, 2);
    *at++ = ':';
    at = digits_put(at, c->minute, 2);
    *at++ = ':';
    return digits_put(at, c->second, 2);
}

void date_mail(int64_t wall_us, char text[static DATE_SIZE_MAX])
{
    static const char weekdays[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct civil c = civil_of(wall_us);
    char *at = text;
    memcpy(at, weekdays[c.weekday], 3);
    memcpy(at + 3, ", ", 2);
    at = digits_put(at + 5, c.day, c.day < 10 ? 1 : 2);
    *at++ = ' ';
    memcpy(at, months[c.month - 1], 3);
    at[3] = ' ';
    at = year_put(at + 4, c.year);
    *at++ = ' ';
    at = clock_put(at, &c);
    memcpy(at, " +0000", 7);
}

void date_rfc3339(int64_t wall_us, char text[static DATE_SIZE_MAX])
{
    struct civil c = civil_of(wall_us);
    char *at = year_put(text, c.year);
    *at++ = '-';
    at = digits_put(at, c.month, 2);
    *at++ = '-';
    at = digits_put(at, c.day, 2);
    *at++ = 'T';
    at = clock_put(at, &c);
    *at++ = '.';
    at = digits_put(at, c.millisecond, 3);
    memcpy(at, "Z", 2);
}

static int64_t digits_take(struct cursor *c, size_t count)
{
    uint64_t value = 0;
    if (!slice_to_u64(cursor_take(c, count), UINT32_MAX, &value))
        c->failed = true;
    return (int64_t)value;
}

static void char_take(struct cursor *c, char expected, char also)
{
    struct slice s = cursor_take(c, 1);
    if (s.size == 1 && s.data[0] != expected && s.data[0] != also)
        c->failed = true;
}

static int64_t fraction_take(struct cursor *c)
{
    int64_t fraction_us = 0;
    int64_t unit_us = US_PER_SECOND / 10;
    cursor_take(c, 1);
    if (c->rest.size == 0 || c->rest.data[0] < '0' || c->rest.data[0] > '9')
        c->failed = true;
    while (c->rest.size > 0 && c->rest.data[0] >= '0' && c->rest.data[0] <= '9') {
        fraction_us += (c->rest.data[0] - '0') * unit_us;
        unit_us /= 10;
        cursor_take(c, 1);
    }
    return fraction_us;
}

static int64_t offset_take(struct cursor *c)
{
    struct slice sign = cursor_take(c, 1);
    if (c->failed || sign.data[0] == 'Z' || sign.data[0] == 'z')
        return 0;
    if (sign.data[0] != '+' && sign.data[0] != '-')
        c->failed = true;
    int64_t hours = digits_take(c, 2);
    char_take(c, ':', ':');
    int64_t minutes = digits_take(c, 2);
    if (hours > 23 || minutes > 59)
        c->failed = true;
    int64_t offset_us = hours * US_PER_HOUR + minutes * US_PER_MINUTE;
    return sign.data[0] == '-' ? -offset_us : offset_us;
}

enum err date_rfc3339_parse(struct slice text, int64_t *ret_wall_us)
{
    struct cursor c = cursor(text);
    int64_t year = digits_take(&c, 4);
    char_take(&c, '-', '-');
    int64_t month = digits_take(&c, 2);
    char_take(&c, '-', '-');
    int64_t day = digits_take(&c, 2);
    char_take(&c, 'T', 't');
    int64_t hour = digits_take(&c, 2);
    char_take(&c, ':', ':');
    int64_t minute = digits_take(&c, 2);
    char_take(&c, ':', ':');
    int64_t second = digits_take(&c, 2);
    int64_t fraction_us = !c.failed && c.rest.size > 0 && c.rest.data[0] == '.' ? fraction_take(&c) : 0;
    int64_t offset_us = offset_take(&c);
    if (!cursor_at_end(&c) || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60)
        return ERR_SYNTAX;
    int64_t days = days_of(year, (int)month, (int)day);
    struct civil check = civil_of(days * US_PER_DAY);
    if (check.month != month || check.day != day)
        return ERR_SYNTAX;
    *ret_wall_us = days * US_PER_DAY + hour * US_PER_HOUR + minute * US_PER_MINUTE + second * US_PER_SECOND + fraction_us -
                   offset_us;
    return ERR_OK;
}

/* ---- CRC-32C ---- */

static uint32_t crc32c_octet(uint32_t crc, uint8_t octet)
{
    crc ^= octet;
    for (int i = 0; i < 8; i++)
        crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
    return crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc32c_fast(uint32_t crc, struct slice bytes)
{
    uint64_t wide = crc;
    const char *p = bytes.data;
    size_t left = bytes.size;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        wide = __builtin_ia32_crc32di(wide, v);
    }
    crc = (uint32_t)wide;
    for (; left > 0; left--, p++)
        crc = __builtin_ia32_crc32qi(crc, (uint8_t)*p);
    return crc;
}

static bool crc32c_fast_usable(void)
{
    return __builtin_cpu_supports("sse4.2");
}

#else

static uint32_t crc32c_fast(uint32_t crc, struct slice bytes)
{
    (void)bytes;
    return crc;
}

static bool crc32c_fast_usable(void)
{
    return false;
}

#endif

uint32_t crc32c(uint32_t crc, struct slice bytes)
{
    crc = ~crc;
    if (crc32c_fast_usable())
        return ~crc32c_fast(crc, bytes);
    for (size_t i = 0; i < bytes.size; i++)
        crc = crc32c_octet(crc, (uint8_t)bytes.data[i]);
    return ~crc;
}

/* ---- text ---- */

size_t utf8_next(struct slice text, uint32_t *ret_number)
{
    static const uint32_t smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (text.size == 0)
        return 0;
    uint8_t first = (uint8_t)text.data[0];
    size_t size = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    if (size == 0 || size > text.size)
        return 0;
    uint32_t number = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        uint8_t c = (uint8_t)text.data[i];
        if ((c & 0xc0) != 0x80)
            return 0;
        number = number << 6 | (c & 0x3f);
    }
    if (number < smallest[size] || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff))
        return 0;
    *ret_number = number;
    return size;
}

/* Characters that change how a line is read without being seen: C1 controls, separators, bidirectional marks, tags. */
static bool misleading(uint32_t number)
{
    return (number >= 0x80 && number < 0xa0) || number == 0x061c || (number >= 0x200b && number <= 0x200f) ||
           (number >= 0x2028 && number <= 0x202e) || (number >= 0x2060 && number <= 0x206f) || number == 0xfeff ||
           (number >= 0xe0000 && number <= 0xe007f);
}

/* Octets at the front that stand for themselves. */
static size_t plain_size(struct slice text)
{
    size_t size = 0;
    while (size < text.size && text.data[size] >= ' ' && text.data[size] < 0x7f && text.data[size] != '\\')
        size++;
    return size;
}

void text_escape(struct slice text, struct buffer *out)
{
    for (;;) {
        size_t plain = plain_size(text);
        buffer_add(out, slice_part(text, 0, plain));
        text = slice_after(text, plain);
        if (text.size == 0)
            return;
        uint32_t number = 0;
        size_t size = utf8_next(text, &number);
        uint8_t octet = (uint8_t)text.data[0];
        if (size == 0 || number < 0x20 || number == 0x7f) {
            buffer_add_format(out, "\\x%02x", octet);
            size = 1;
        } else if (number == '\\') {
            buffer_add_text(out, "\\\\");
        } else if (misleading(number)) {
            buffer_add_format(out, "\\u{%x}", number);
        } else {
            buffer_add(out, slice_part(text, 0, size));
        }
        text = slice_after(text, size);
    }
}
