#include "proto/utf8.h"

static bool is_character(uint32_t code)
{
    return code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
}

size_t utf8_take(struct slice text, uint32_t *ret_code)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (text.size == 0)
        return 0;
    unsigned char first = (unsigned char)text.data[0];
    if (first < 0x80) {
        *ret_code = first;
        return 1;
    }
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size < size)
        return 0;
    uint32_t code = first & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        unsigned char octet = (unsigned char)text.data[i];
        if ((octet & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (octet & 0x3f);
    }
    if (code < smallest[size] || !is_character(code))
        return 0;
    *ret_code = code;
    return size;
}

size_t utf8_write(uint32_t code, char text[static UTF8_SIZE_MAX])
{
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    if (!is_character(code))
        return 0;
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    text[0] = (char)(lead[size] | code);
    return size;
}

bool utf8_is_control(uint32_t code)
{
    return code < ' ' || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029;
}
