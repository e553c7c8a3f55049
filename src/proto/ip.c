#include "proto/ip.h"

#include <assert.h>
#include <stdio.h>

enum { GROUPS = 8 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_v4(struct slice text, uint8_t octets[static 4])
{
    for (int i = 0; i < 4; i++) {
        bool dot = slice_find(text, '.') < text.size;
        struct slice number = slice_split(&text, '.');
        uint64_t value;
        if (dot != (i < 3) || number.size > 3 || (number.size > 1 && number.data[0] == '0') ||
            !slice_to_u64(number, 255, &value))
            return false;
        octets[i] = (uint8_t)value;
    }
    return true;
}

static bool parse_group(struct slice text, uint16_t *ret_group)
{
    unsigned value = 0;
    if (text.size == 0 || text.size > 4)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        int digit = hex_digit(text.data[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (unsigned)digit;
    }
    *ret_group = (uint16_t)value;
    return true;
}

/* Groups between colons on one side of "::" (or of nothing); a dotted end counts as two. -1: wrong. */
static int parse_groups(struct slice text, bool may_end_dotted, uint16_t groups[static GROUPS])
{
    int count = 0;
    bool more = text.size > 0;
    while (more) {
        size_t colon = slice_find(text, ':');
        more = colon < text.size;
        struct slice group = slice_split(&text, ':');
        uint8_t octets[4];
        if (!more && may_end_dotted && count <= GROUPS - 2 && parse_v4(group, octets)) {
            groups[count++] = (uint16_t)(octets[0] << 8 | octets[1]);
            groups[count++] = (uint16_t)(octets[2] << 8 | octets[3]);
        } else if (count == GROUPS || !parse_group(group, &groups[count++])) {
            return -1;
        }
    }
    return count;
}

static bool parse_v6(struct slice text, uint8_t octets[static 16])
{
    uint16_t left[GROUPS] = { 0 }, right[GROUPS] = { 0 };
    size_t gap = slice_find_slice(text, SLICE("::"));
    bool whole = gap == text.size;
    int left_count = parse_groups(slice_part(text, 0, gap), whole, left);
    int right_count = whole ? 0 : parse_groups(slice_after(text, gap + 2), true, right);
    if (left_count < 0 || right_count < 0)
        return false;
    if (whole ? left_count != GROUPS : left_count + right_count >= GROUPS)
        return false;
    for (int i = 0; i < right_count; i++)
        left[GROUPS - right_count + i] = right[i];
    for (int i = 0; i < GROUPS; i++) {
        octets[2 * i] = (uint8_t)(left[i] >> 8);
        octets[2 * i + 1] = (uint8_t)left[i];
    }
    return true;
}

int ip_parse(struct slice text, uint8_t ret_octets[static 16])
{
    uint8_t octets[16] = { 0 };
    int family = parse_v4(text, octets) ? 4 : 0;
    if (family == 0) {
        memset(octets, 0, sizeof octets);
        family = parse_v6(text, octets) ? 6 : 0;
    }
    if (family != 0)
        memcpy(ret_octets, octets, sizeof octets);
    return family;
}

/* RFC 5952 4.2: the longest run of zero groups, the first of equals, never a single one. */
static int zero_run(const uint16_t groups[static GROUPS], int *ret_size)
{
    int best = -1, best_size = 1;
    for (int i = 0; i < GROUPS; i++) {
        int size = 0;
        while (i + size < GROUPS && groups[i + size] == 0)
            size++;
        if (size > best_size) {
            best = i;
            best_size = size;
        }
    }
    *ret_size = best_size;
    return best;
}

struct slice ip_format(int family, const uint8_t octets[static 16], char text[static IP_TEXT_SIZE])
{
    assert(family == 4 || family == 6);
    if (family == 4) {
        snprintf(text, IP_TEXT_SIZE, "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
        return slice_of(text);
    }
    uint16_t groups[GROUPS];
    for (int i = 0; i < GROUPS; i++)
        groups[i] = (uint16_t)(octets[2 * i] << 8 | octets[2 * i + 1]);
    int run_size;
    int run = zero_run(groups, &run_size);
    size_t size = 0;
    text[0] = '\0';
    for (int i = 0; i < GROUPS; i++) {
        if (i == run) {
            size += (size_t)snprintf(text + size, IP_TEXT_SIZE - size, "::");
            i += run_size - 1;
        } else {
            const char *colon = size == 0 || text[size - 1] == ':' ? "" : ":";
            size += (size_t)snprintf(text + size, IP_TEXT_SIZE - size, "%s%x", colon, groups[i]);
        }
    }
    return slice(text, size);
}
