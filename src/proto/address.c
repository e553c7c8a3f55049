/* RFC 5321 4.1.2, 4.1.3, with RFC 6531 3.3 where the flag allows octets above 127:
 *
 *     Reverse-path   = Path / "<>"
 *     Forward-path   = Path / "<Postmaster>" (any case)
 *     Path           = "<" [ A-d-l ":" ] Mailbox ">"        A-d-l, the source route, is refused
 *     Mailbox        = Local-part "@" ( Domain / address-literal )
 *     Local-part     = Dot-string / Quoted-string
 *     Dot-string     = Atom *("." Atom)
 *     Quoted-string  = DQUOTE *(%d32-33 / %d35-91 / %d93-126 / "\" %d32-126) DQUOTE
 *     Domain         = sub-domain *("." sub-domain)
 *     sub-domain     = Let-dig [Ldh-str]  or a U-label
 *     literal        = "[" ( IPv4 / "IPv6:" IPv6 ) "]"      general literals are refused: nobody can deliver there
 *
 * The local part is decoded while it is read and written again in canonical form, so nothing of the input's spelling
 * survives: there is no second reading that could differ from ours. */
#include "proto/address.h"

#include <assert.h>
#include <idn2.h>
#include <stdio.h>

#include "base/codec.h"
#include "proto/ip.h"
#include "proto/utf8.h"

enum {
    LABEL_SIZE_MAX = 63,
    HELO_SIZE_MAX = 255,
    DOMAIN_UTF8_SIZE_MAX = 1023, /* U-labels take up to three octets and more for one of the A-label */
};

struct local_part {
    size_t size; /* decoded */
    bool utf8;
    char text[ADDRESS_LOCAL_SIZE_MAX];
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_atext(char c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void slice_advance(struct slice *s, size_t count)
{
    s->data += count;
    s->size -= count;
}

static bool slice_take_char(struct slice *s, char c)
{
    if (s->size == 0 || s->data[0] != c)
        return false;
    slice_advance(s, 1);
    return true;
}

static enum err local_add(struct local_part *local, struct slice octets)
{
    if (octets.size > sizeof local->text - local->size)
        return ERR_TOO_LARGE;
    memcpy(local->text + local->size, octets.data, octets.size);
    local->size += octets.size;
    return ERR_OK;
}

/* One character above 127 of either kind of local part. */
static enum err local_take_utf8(struct slice *rest, unsigned flags, struct local_part *local)
{
    if (!(flags & ADDRESS_UTF8))
        return ERR_UNSUPPORTED;
    uint32_t code;
    size_t size = utf8_next(*rest, &code);
    if (size == 0 || utf8_is_control(code))
        return ERR_SYNTAX;
    enum err err = local_add(local, slice(rest->data, size));
    slice_advance(rest, size);
    local->utf8 = true;
    return err;
}

static enum err parse_quoted(struct slice *rest, unsigned flags, struct local_part *local)
{
    slice_advance(rest, 1);
    while (rest->size > 0) {
        enum err err;
        char c = rest->data[0];
        if (c & 0x80) {
            err = local_take_utf8(rest, flags, local);
        } else if (c == '"') {
            slice_advance(rest, 1);
            return ERR_OK;
        } else {
            if (c == '\\') {
                slice_advance(rest, 1);
                if (rest->size == 0)
                    return ERR_SYNTAX;
                c = rest->data[0];
            }
            if (c < ' ' || c > '~') /* octets above 127 are negative or, as unsigned char, above '~' */
                return ERR_SYNTAX;
            err = local_add(local, slice(rest->data, 1));
            slice_advance(rest, 1);
        }
        if (err != ERR_OK)
            return err;
    }
    return ERR_SYNTAX;
}

static enum err parse_dot_string(struct slice *rest, unsigned flags, struct local_part *local)
{
    bool atom = false; /* at least one character since the last dot */
    while (rest->size > 0) {
        enum err err;
        char c = rest->data[0];
        if (c & 0x80) {
            err = local_take_utf8(rest, flags, local);
            atom = true;
        } else if (is_atext(c) || (c == '.' && atom)) {
            err = local_add(local, slice(rest->data, 1));
            slice_advance(rest, 1);
            atom = c != '.';
        } else {
            break;
        }
        if (err != ERR_OK)
            return err;
    }
    return atom ? ERR_OK : ERR_SYNTAX;
}

static bool local_is_dot_string(const struct local_part *local)
{
    bool atom = false;
    for (size_t i = 0; i < local->size; i++) {
        char c = local->text[i];
        if (!(c & 0x80) && !is_atext(c) && !(c == '.' && atom))
            return false;
        atom = c != '.';
    }
    return atom;
}

/* Canonical: quoted only where it is no dot-string, and then with a backslash only where one must stand. */
static enum err local_write(const struct local_part *local, struct address *a)
{
    bool quoted = !local_is_dot_string(local);
    size_t size = 0;
    if (quoted)
        a->text[size++] = '"';
    for (size_t i = 0; i < local->size; i++) {
        char c = local->text[i];
        bool escaped = quoted && (c == '"' || c == '\\');
        if (quoted && size + escaped + 2 > ADDRESS_LOCAL_SIZE_MAX) /* the character and the closing quote */
            return ERR_TOO_LARGE;
        if (escaped)
            a->text[size++] = '\\';
        a->text[size++] = c;
    }
    if (quoted)
        a->text[size++] = '"';
    assert(size <= ADDRESS_LOCAL_SIZE_MAX);
    a->local_size = (uint16_t)size;
    a->utf8 = local->utf8;
    return ERR_OK;
}

/* Letters, digits, inner hyphens; labels of 1 to 63 octets. Writes lower case. */
static enum err domain_ascii_key(struct slice domain, char text[static ADDRESS_DOMAIN_SIZE_MAX])
{
    if (domain.size > ADDRESS_DOMAIN_SIZE_MAX)
        return ERR_TOO_LARGE;
    size_t label_size = 0;
    char before = '.';
    for (size_t i = 0; i <= domain.size; i++) {
        char c = i < domain.size ? domain.data[i] : '.';
        if (c == '.') {
            if (label_size == 0 || before == '-')
                return ERR_SYNTAX;
            if (label_size > LABEL_SIZE_MAX)
                return ERR_TOO_LARGE;
            label_size = 0;
        } else {
            if (!is_letter(c) && !is_digit(c) && !(c == '-' && label_size > 0))
                return ERR_SYNTAX;
            label_size++;
        }
        if (i < domain.size)
            text[i] = to_lower(c);
        before = c;
    }
    return ERR_OK;
}

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] & 0x80)
            return false;
    return true;
}

/* libidn2 maps and checks; what it gives back is checked again by our own rules, which leave nothing but letters, digits
 * and hyphens. Its own flag for that (IDN2_USE_STD3_ASCII_RULES) must not be given: it deletes what it does not like
 * rather than refuse it, and a full-width "x@y.org" would become another domain, "xy.org". It needs a terminated
 * string, so a NUL in the domain must not shorten it. */
static enum err domain_idna(struct slice domain, char text[static ADDRESS_DOMAIN_SIZE_MAX], struct slice *ret_key)
{
    char terminated[DOMAIN_UTF8_SIZE_MAX + 1];
    if (domain.size > DOMAIN_UTF8_SIZE_MAX)
        return ERR_TOO_LARGE;
    memcpy(terminated, domain.data, domain.size);
    terminated[domain.size] = '\0';
    if (strlen(terminated) != domain.size)
        return ERR_SYNTAX;
    uint8_t *alabels = NULL;
    int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
    int rc = idn2_lookup_u8((const uint8_t *)terminated, &alabels, flags);
    if (rc != IDN2_OK)
        return rc == IDN2_TOO_BIG_DOMAIN || rc == IDN2_TOO_BIG_LABEL ? ERR_TOO_LARGE : ERR_SYNTAX;
    struct slice mapped = slice_of((const char *)alabels);
    enum err err = domain_ascii_key(mapped, text);
    if (err == ERR_OK)
        *ret_key = slice(text, mapped.size);
    idn2_free(alabels);
    return err;
}

enum err domain_key(struct slice domain, char text[static ADDRESS_DOMAIN_SIZE_MAX], struct slice *ret_key)
{
    if (!is_ascii(domain))
        return domain_idna(domain, text, ret_key);
    enum err err = domain_ascii_key(domain, text);
    if (err == ERR_OK)
        *ret_key = slice(text, domain.size);
    return err;
}

/* text is what stands between the brackets. */
static enum err literal_write(struct slice text, struct address *a)
{
    char number[IP_TEXT_SIZE];
    bool v6 = slice_starts_with_nocase(text, SLICE("IPv6:"));
    int family = ip_parse(v6 ? slice_after(text, 5) : text, a->ip);
    if (family != (v6 ? 6 : 4))
        return ERR_SYNTAX;
    struct slice shortest = ip_format(family, a->ip, number);
    char *out = a->text + a->local_size + 1;
    int size = snprintf(out, ADDRESS_DOMAIN_SIZE_MAX, v6 ? "[IPv6:%.*s]" : "[%.*s]", SLICE_ARG(shortest));
    a->host = v6 ? ADDRESS_HOST_IPV6 : ADDRESS_HOST_IPV4;
    a->size = (uint16_t)(a->local_size + 1 + size);
    return ERR_OK;
}

static enum err parse_domain(struct slice *rest, unsigned flags, struct address *a)
{
    if (slice_take_char(rest, '[')) {
        size_t end = slice_find(*rest, ']');
        if (end == rest->size)
            return ERR_SYNTAX;
        enum err err = literal_write(slice_part(*rest, 0, end), a);
        slice_advance(rest, end + 1);
        return err;
    }
    size_t size = 0;
    while (size < rest->size && (is_letter(rest->data[size]) || is_digit(rest->data[size]) ||
                                 rest->data[size] == '-' || rest->data[size] == '.' || (rest->data[size] & 0x80)))
        size++;
    struct slice domain = slice_part(*rest, 0, size);
    if (!(flags & ADDRESS_UTF8) && !is_ascii(domain))
        return ERR_UNSUPPORTED;
    struct slice key;
    enum err err = domain_key(domain, a->text + a->local_size + 1, &key);
    if (err != ERR_OK)
        return err;
    a->host = ADDRESS_HOST_NAME;
    a->size = (uint16_t)(a->local_size + 1 + key.size);
    slice_advance(rest, size);
    return ERR_OK;
}

static enum err parse_mailbox(struct slice *rest, unsigned flags, struct address *a)
{
    struct local_part local;
    local.size = 0;
    local.utf8 = false;
    if (rest->size == 0)
        return ERR_SYNTAX;
    enum err err = rest->data[0] == '"' ? parse_quoted(rest, flags, &local) : parse_dot_string(rest, flags, &local);
    if (err == ERR_OK)
        err = local_write(&local, a);
    if (err != ERR_OK)
        return err;
    if (!slice_take_char(rest, '@'))
        return ERR_SYNTAX;
    a->kind = ADDRESS_MAILBOX;
    a->text[a->local_size] = '@';
    return parse_domain(rest, flags, a);
}

void address_set_null(struct address *a)
{
    a->kind = ADDRESS_NULL;
    a->host = ADDRESS_HOST_NONE;
    a->utf8 = false;
    a->local_size = a->size = 0;
    memset(a->ip, 0, sizeof a->ip);
}

enum err address_parse(struct slice text, unsigned flags, struct address *ret_address)
{
    struct address a;
    address_set_null(&a);
    enum err err = parse_mailbox(&text, flags, &a);
    if (err == ERR_OK && text.size > 0)
        err = ERR_SYNTAX;
    if (err == ERR_OK)
        address_copy(ret_address, &a);
    return err;
}

/* After the "<". */
static enum err parse_path_rest(struct slice text, unsigned flags, struct address *ret_address, struct slice *ret_rest)
{
    struct address a;
    address_set_null(&a);
    if (text.size > 0 && text.data[0] == '@')
        return ERR_REFUSED;
    enum err err = parse_mailbox(&text, flags, &a);
    if (err == ERR_OK && !slice_take_char(&text, '>'))
        err = ERR_SYNTAX;
    if (err != ERR_OK)
        return err;
    address_copy(ret_address, &a);
    *ret_rest = text;
    return ERR_OK;
}

enum err address_parse_reverse_path(struct slice text, unsigned flags, struct address *ret_address,
                                    struct slice *ret_rest)
{
    if (!slice_take_char(&text, '<'))
        return ERR_SYNTAX;
    if (!slice_take_char(&text, '>'))
        return parse_path_rest(text, flags, ret_address, ret_rest);
    address_set_null(ret_address);
    *ret_rest = text;
    return ERR_OK;
}

enum err address_parse_forward_path(struct slice text, unsigned flags, struct address *ret_address,
                                    struct slice *ret_rest)
{
    struct slice bare = SLICE("Postmaster>");
    if (!slice_take_char(&text, '<'))
        return ERR_SYNTAX;
    if (!slice_starts_with_nocase(text, bare))
        return parse_path_rest(text, flags, ret_address, ret_rest);
    address_set_null(ret_address);
    ret_address->kind = ADDRESS_POSTMASTER;
    ret_address->local_size = ret_address->size = (uint16_t)(bare.size - 1);
    memcpy(ret_address->text, "postmaster", bare.size - 1);
    *ret_rest = slice_after(text, bare.size);
    return ERR_OK;
}

void address_copy(struct address *to, const struct address *from)
{
    memcpy(to, from, offsetof(struct address, text) + from->size);
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->kind == b->kind && slice_equal(address_mailbox(a), address_mailbox(b));
}

bool address_equal_nocase(const struct address *a, const struct address *b)
{
    return a->kind == b->kind && slice_equal_nocase(address_mailbox(a), address_mailbox(b));
}

bool address_is_postmaster(const struct address *a)
{
    return slice_equal_nocase(address_local(a), SLICE("postmaster"));
}

struct slice address_local_key(const struct address *a, char text[static ADDRESS_LOCAL_SIZE_MAX])
{
    struct slice local = address_local(a);
    bool quoted = local.size > 0 && local.data[0] == '"';
    size_t size = 0;
    size_t end = quoted ? local.size - 1 : local.size;
    for (size_t i = quoted ? 1 : 0; i < end; i++) {
        if (quoted && local.data[i] == '\\')
            i++;
        text[size++] = to_lower(local.data[i]);
    }
    return slice(text, size);
}

bool domain_valid_helo(struct slice text)
{
    uint8_t octets[16];
    if (text.size == 0 || text.size > HELO_SIZE_MAX)
        return false;
    if (text.data[0] == '[') {
        if (text.data[text.size - 1] != ']')
            return false;
        struct slice inner = slice_part(text, 1, text.size - 2);
        if (slice_starts_with_nocase(inner, SLICE("IPv6:")))
            return ip_parse(slice_after(inner, 5), octets) == 6;
        return ip_parse(inner, octets) != 0; /* some clients leave the tag out */
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return true;
}
