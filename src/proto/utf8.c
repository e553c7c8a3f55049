#include "proto/utf8.h"

size_t utf8_write(uint32_t code, char text[static UTF8_SIZE_MAX])
{
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
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
