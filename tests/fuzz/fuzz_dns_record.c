/* RDATA of every kind from any octets (S15, S28); what is read can be written and is read the same again. */
#include "fuzz.h"

#include "proto/address.h"
#include "proto/dns_record.h"

static void check_name(const struct dns_name *name)
{
    struct dns_name again;
    struct buffer wire;
    buffer_init(&wire, 512);
    assert(name->size <= DNS_NAME_SIZE_MAX);
    for (size_t i = 0; i < name->size; i++)
        assert(name->text[i] == '.' || name->text[i] == '-' || name->text[i] == '_' ||
               (name->text[i] >= '0' && name->text[i] <= '9') || (name->text[i] >= 'a' && name->text[i] <= 'z'));
    assert(dns_record_put_name(dns_name_slice(name), &wire) == ERR_OK && !wire.overflow);
    assert(dns_record_name(buffer_slice(&wire), &again) == ERR_OK);
    assert(slice_equal(dns_name_slice(name), dns_name_slice(&again)));
    buffer_done(&wire);
}

static void check_put(struct slice text)
{
    struct dns_name name;
    struct buffer wire;
    buffer_init(&wire, 32 << 10);
    if (dns_record_put_name(text, &wire) == ERR_OK) {
        assert(dns_record_name(buffer_slice(&wire), &name) == ERR_OK);
        assert(slice_equal_nocase(dns_name_slice(&name), text));
    } else {
        assert(wire.size == 0);
    }
    buffer_clear(&wire);
    if (dns_record_put_txt(text, &wire) == ERR_OK) {
        struct buffer out;
        buffer_init(&out, DNS_TXT_SIZE_MAX);
        assert(dns_record_txt(buffer_slice(&wire), &out) == ERR_OK && slice_equal(buffer_slice(&out), text));
        buffer_done(&out);
    }
    buffer_done(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rdata = slice(data, size);
    struct dns_mx mx;
    struct dns_name name;
    struct dns_tlsa tlsa;
    struct buffer txt;
    uint8_t octets[16];
    buffer_init(&txt, DNS_TXT_SIZE_MAX);
    if (dns_record_mx(rdata, &mx) == ERR_OK)
        check_name(&mx.host);
    if (dns_record_name(rdata, &name) == ERR_OK)
        check_name(&name);
    if (dns_record_tlsa(rdata, &tlsa) == ERR_OK)
        assert(tlsa.data.size > 0 && tlsa.data.data + tlsa.data.size == rdata.data + rdata.size);
    if (dns_record_txt(rdata, &txt) != ERR_OK)
        assert(txt.size == 0);
    assert((dns_record_a(rdata, octets) == ERR_OK) == (size == 4));
    assert((dns_record_aaaa(rdata, octets) == ERR_OK) == (size == 16));
    buffer_done(&txt);
    check_put(rdata);
    return 0;
}
