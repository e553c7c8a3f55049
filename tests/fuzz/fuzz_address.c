/* Addresses: parse, emit, parse again gives the same value (S19), in mailboxes, paths and domains. */
#include "fuzz.h"

#include "base/codec.h"
#include "proto/address.h"
#include "proto/ip.h"
#include "proto/utf8.h"

static void check(const struct address *a, unsigned flags)
{
    struct address again;
    char key[ADDRESS_LOCAL_SIZE_MAX], domain[ADDRESS_DOMAIN_SIZE_MAX];
    struct slice ret;
    assert(a->kind == ADDRESS_MAILBOX && a->size <= ADDRESS_SIZE_MAX && a->local_size > 0);
    assert(address_parse(address_mailbox(a), flags, &again) == ERR_OK);
    assert(address_equal(a, &again) && a->host == again.host && a->utf8 == again.utf8);
    assert(memcmp(a->ip, again.ip, sizeof a->ip) == 0);
    struct slice local = address_local(a);
    assert(local.size + 1 + address_domain(a).size == a->size);
    assert(local.data[0] == '"' || slice_find(local, '@') == local.size);
    assert(address_local_key(a, key).size <= local.size);
    if (a->host == ADDRESS_HOST_NAME) {
        assert(domain_key(address_domain(a), domain, &ret) == ERR_OK && slice_equal(ret, address_domain(a)));
        assert(domain_valid_helo(address_domain(a)));
    } else {
        assert(a->host != ADDRESS_HOST_NONE && address_domain(a).data[0] == '[');
    }
    for (struct slice rest = address_mailbox(a); rest.size > 0;) {
        uint32_t number;
        size_t size = utf8_next(rest, &number);
        assert(size > 0 && !utf8_is_control(number));
        rest = slice_after(rest, size);
    }
}

static void check_ip(struct slice text)
{
    uint8_t octets[16], again[16];
    char shortest[IP_TEXT_SIZE];
    int family = ip_parse(text, octets);
    if (family != 0)
        assert(ip_parse(ip_format(family, octets, shortest), again) == family && memcmp(octets, again, 16) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor(slice(data, size));
    unsigned flags = cursor_u8(&c) & 1 ? ADDRESS_UTF8 : 0;
    struct address a;
    struct slice rest, key;
    char text[ADDRESS_DOMAIN_SIZE_MAX];
    if (address_parse(c.rest, flags, &a) == ERR_OK)
        check(&a, flags);
    if (address_parse_forward_path(c.rest, flags, &a, &rest) == ERR_OK) {
        assert(a.kind != ADDRESS_NULL && rest.size < c.rest.size);
        if (a.kind == ADDRESS_MAILBOX)
            check(&a, flags);
    }
    if (address_parse_reverse_path(c.rest, flags, &a, &rest) == ERR_OK) {
        assert(a.kind != ADDRESS_POSTMASTER && rest.size < c.rest.size);
        if (a.kind == ADDRESS_MAILBOX)
            check(&a, flags);
    }
    if (domain_key(c.rest, text, &key) == ERR_OK) {
        char again[ADDRESS_DOMAIN_SIZE_MAX];
        struct slice same;
        assert(domain_key(key, again, &same) == ERR_OK && slice_equal(key, same));
    }
    check_ip(c.rest);
    return 0;
}
