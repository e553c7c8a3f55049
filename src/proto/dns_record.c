#include "proto/dns_record.h"

#include <assert.h>

/* RFC 1035 3.1: labels of one length octet and as many octets, ended by a zero. Compression pointers (length octets from
 * 0xc0 on) do not occur in what a resolver library hands out, and are refused like every other length above 63. */

static bool label_octet(char c, char *ret_lower)
{
    if (c >= 'A' && c <= 'Z')
        c = (char)(c + 32);
    *ret_lower = c;
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static enum err name_read(struct cursor *c, struct dns_name *ret_name)
{
    struct dns_name name = { 0 };
    for (;;) {
        uint8_t size = cursor_u8(c);
        if (c->failed || size > DNS_LABEL_SIZE_MAX)
            return ERR_SYNTAX;
        if (size == 0)
            break;
        struct slice label = cursor_take(c, size);
        size_t from = name.size > 0 ? name.size + 1u : 0;
        if (c->failed || from + size > DNS_NAME_SIZE_MAX)
            return ERR_SYNTAX;
        if (from > 0)
            name.text[name.size] = '.';
        for (size_t i = 0; i < size; i++) {
            if (!label_octet(label.data[i], &name.text[from + i]))
                return ERR_SYNTAX;
        }
        name.size = (uint8_t)(from + size);
    }
    *ret_name = name;
    return ERR_OK;
}

enum err dns_record_a(struct slice rdata, uint8_t ret_address[static 4])
{
    if (rdata.size != 4)
        return ERR_SYNTAX;
    memcpy(ret_address, rdata.data, 4);
    return ERR_OK;
}

enum err dns_record_aaaa(struct slice rdata, uint8_t ret_address[static 16])
{
    if (rdata.size != 16)
        return ERR_SYNTAX;
    memcpy(ret_address, rdata.data, 16);
    return ERR_OK;
}

enum err dns_record_mx(struct slice rdata, struct dns_mx *ret_mx)
{
    struct cursor c = cursor(rdata);
    struct dns_mx mx = { .preference = cursor_u16_be(&c) };
    enum err err = name_read(&c, &mx.host);
    if (err != ERR_OK)
        return err;
    if (!cursor_at_end(&c))
        return ERR_SYNTAX;
    *ret_mx = mx;
    return ERR_OK;
}

enum err dns_record_name(struct slice rdata, struct dns_name *ret_name)
{
    struct cursor c = cursor(rdata);
    struct dns_name name;
    enum err err = name_read(&c, &name);
    if (err != ERR_OK)
        return err;
    if (!cursor_at_end(&c))
        return ERR_SYNTAX;
    *ret_name = name;
    return ERR_OK;
}

enum err dns_record_txt(struct slice rdata, struct buffer *out)
{
    /* Looked through before anything is added: nothing of a wrong record stays in out. */
    struct cursor c = cursor(rdata);
    size_t size = 0;
    do {
        size += cursor_take(&c, cursor_u8(&c)).size;
        if (c.failed)
            return ERR_SYNTAX;
    } while (!cursor_at_end(&c));
    if (size > DNS_TXT_SIZE_MAX)
        return ERR_TOO_LARGE;
    for (c = cursor(rdata); !cursor_at_end(&c);)
        buffer_add(out, cursor_take(&c, cursor_u8(&c)));
    return out->overflow ? ERR_TOO_LARGE : ERR_OK;
}

enum err dns_record_tlsa(struct slice rdata, struct dns_tlsa *ret_tlsa)
{
    struct cursor c = cursor(rdata);
    struct dns_tlsa tlsa;
    tlsa.usage = cursor_u8(&c);
    tlsa.selector = cursor_u8(&c);
    tlsa.matching = cursor_u8(&c);
    if (c.failed || c.rest.size == 0 || c.rest.size > DNS_TLSA_SIZE_MAX)
        return ERR_SYNTAX;
    tlsa.data = c.rest;
    *ret_tlsa = tlsa;
    return ERR_OK;
}

enum err dns_record_put_name(struct slice name, struct buffer *out)
{
    char wire[DNS_NAME_SIZE_MAX + 2], lower;
    size_t size = 0;
    if (name.size > DNS_NAME_SIZE_MAX || (name.size > 0 && name.data[name.size - 1] == '.'))
        return ERR_SYNTAX;
    while (name.size > 0) {
        struct slice label = slice_split(&name, '.');
        if (label.size == 0 || label.size > DNS_LABEL_SIZE_MAX)
            return ERR_SYNTAX;
        assert(size + 1 + label.size < sizeof wire);
        wire[size++] = (char)label.size;
        for (size_t i = 0; i < label.size; i++) {
            if (!label_octet(label.data[i], &lower))
                return ERR_SYNTAX;
            wire[size++] = lower;
        }
    }
    wire[size++] = '\0';
    buffer_add(out, slice(wire, size));
    return ERR_OK;
}

enum err dns_record_put_mx(uint16_t preference, struct slice host, struct buffer *out)
{
    size_t size = out->size;
    buffer_add_char(out, (char)(preference >> 8));
    buffer_add_char(out, (char)(preference & 0xff));
    enum err err = dns_record_put_name(host, out);
    if (err != ERR_OK)
        out->size = size;
    return err;
}

enum err dns_record_put_txt(struct slice text, struct buffer *out)
{
    if (text.size > DNS_TXT_SIZE_MAX)
        return ERR_TOO_LARGE;
    do {
        struct slice piece = slice_part(text, 0, 255);
        buffer_add_u8(out, (uint8_t)piece.size);
        buffer_add(out, piece);
        text = slice_after(text, piece.size);
    } while (text.size > 0);
    return ERR_OK;
}
