/*     server  = [ "smtps://" ] ( host [ ":" port ] / v6 )
 *     host    = name / v4 / "[" ( name / v4 / [ "IPv6:" ] v6 ) "]"
 *
 * An IPv6 address without brackets is taken whole: it has no port. */
#include "config/place.h"

#include <stdio.h>

#include "proto/ip.h"

enum { PORT_SMTPS = 465, PORT_DNS = 53 };

static bool port_parse(struct slice text, uint16_t *ret_port)
{
    uint64_t port;
    if (!slice_to_u64(text, UINT16_MAX, &port) || port == 0)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

bool address_is_unspecified(uint8_t family, const uint8_t ip[static 16])
{
    static const uint8_t zero[16] = { 0 };
    return memcmp(ip, zero, family == 4 ? 4 : 16) == 0;
}

bool address_is_own_always(uint8_t family, const uint8_t ip[static 16])
{
    static const uint8_t loopback6[16] = { [15] = 1 };
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (address_is_unspecified(family, ip))
        return true;
    if (family == 6 && memcmp(ip, mapped, sizeof mapped) == 0)
        return ip[12] == 127 || address_is_unspecified(4, (const uint8_t[16]){ ip[12], ip[13], ip[14], ip[15] });
    return family == 4 ? ip[0] == 127 : memcmp(ip, loopback6, sizeof loopback6) == 0;
}

bool host_name_key(struct slice text, char key[static ADDRESS_DOMAIN_SIZE_MAX], struct slice *ret_key)
{
    struct slice name;
    uint64_t number;
    if (domain_key(text, key, &name) != ERR_OK)
        return false;
    size_t dot = slice_find_last(name, '.');
    struct slice last = dot < name.size ? slice_after(name, dot + 1) : name;
    if (slice_to_u64(last, UINT64_MAX, &number) || last.size > ADDRESS_DOMAIN_SIZE_MAX)
        return false;
    *ret_key = name;
    return true;
}

/* ---- servers ---- */

static struct wrong set_host(struct slice host, bool bracketed, struct arena *arena, struct config_server_place *place)
{
    char key[ADDRESS_DOMAIN_SIZE_MAX], number[IP_TEXT_SIZE];
    struct slice name;
    bool tagged = bracketed && slice_starts_with_nocase(host, SLICE("IPv6:"));
    int family = ip_parse(tagged ? slice_after(host, 5) : host, place->ip);
    if (family != 0 && (!tagged || family == 6)) {
        if (address_is_unspecified((uint8_t)family, place->ip))
            return WRONG(SERVER_UNSPECIFIED);
        place->form = SERVER_ADDRESS;
        place->family = (uint8_t)family;
        place->host = arena_copy(arena, ip_format(family, place->ip, number));
        return RIGHT;
    }
    if (!host_name_key(host, key, &name))
        return WRONG(SERVER);
    place->form = bracketed ? SERVER_LITERAL_NAME : SERVER_NAME;
    place->host = arena_copy(arena, name);
    return RIGHT;
}

/* Takes host and port apart; false when neither brackets nor colons make sense. */
static bool split_host(struct slice text, struct slice *ret_host, bool *ret_bracketed, struct slice *ret_port)
{
    uint8_t ip[16];
    size_t close = slice_find_last(text, ']');
    *ret_bracketed = text.data[0] == '[';
    if (*ret_bracketed) {
        *ret_host = slice_part(text, 1, close - 1);
        *ret_port = slice_after(text, close + 1);
        return close < text.size && (ret_port->size == 0 || (ret_port->size > 1 && ret_port->data[0] == ':'));
    }
    size_t colon = ip_parse(text, ip) == 6 ? text.size : slice_find(text, ':');
    *ret_host = slice_part(text, 0, colon);
    *ret_port = slice_after(text, colon);
    return ret_port->size != 1;
}

struct wrong server_place_parse(struct slice text, struct arena *arena, struct config_server_place *ret_place)
{
    struct config_server_place place = { .form = SERVER_NONE };
    struct slice host, port, rest = text;
    bool bracketed;
    if (text.size == 0) {
        *ret_place = place;
        return RIGHT;
    }
    if (slice_find(text, '@') < text.size)
        return WRONG(SERVER_LOGIN); /* may be "user:password@host": never shown */
    if (slice_starts_with_nocase(rest, SLICE("smtps://"))) {
        place.implicit_tls = true;
        rest = slice_after(rest, 8);
    }
    if (rest.size == 0 || !split_host(rest, &host, &bracketed, &port))
        return WRONG(SERVER);
    if (port.size > 0 && !port_parse(slice_after(port, 1), &place.port))
        return WRONG(SERVER_PORT);
    struct wrong wrong = set_host(host, bracketed, arena, &place);
    if (wrong.what != TEXT_NONE)
        return wrong;
    place.implicit_tls |= place.port == PORT_SMTPS;
    place.written = arena_copy(arena, text);
    *ret_place = place;
    return RIGHT;
}

/* ---- what we listen on ---- */

struct wrong config_listen_parse(struct slice text, struct config_listen *ret_listen)
{
    struct config_listen listen = { .family = 0 };
    size_t colon = slice_find_last(text, ':');
    struct slice address = slice_part(text, 0, colon);
    bool bracketed = address.size > 2 && address.data[0] == '[' && address.data[address.size - 1] == ']';
    int family = ip_parse(bracketed ? slice_part(address, 1, address.size - 2) : address, listen.ip);
    if (family != (bracketed ? 6 : 4) || !port_parse(slice_after(text, colon + 1), &listen.port))
        return WRONG(LISTEN);
    listen.family = (uint8_t)family;
    *ret_listen = listen;
    return RIGHT;
}

struct slice config_listen_format(const struct config_listen *listen, char text[static PLACE_TEXT_SIZE])
{
    char number[IP_TEXT_SIZE];
    struct slice ip = ip_format(listen->family, listen->ip, number);
    snprintf(text, PLACE_TEXT_SIZE, listen->family == 6 ? "[%.*s]:%u" : "%.*s:%u", SLICE_ARG(ip), listen->port);
    return slice_of(text);
}

/* ---- networks ---- */

static void mask(struct config_network *network)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = network->bits <= 8 * i ? 0 : network->bits - 8 * i;
        if (kept < 8)
            network->ip[i] &= (uint8_t)(0xff00u >> kept);
    }
}

struct wrong config_network_parse(struct slice text, struct config_network *ret_network)
{
    struct config_network network = { .family = 0 };
    size_t slash = slice_find(text, '/');
    int family = ip_parse(slice_part(text, 0, slash), network.ip);
    uint64_t size = family == 4 ? 32 : 128, bits = size;
    if (family == 0 || (slash < text.size && !slice_to_u64(slice_after(text, slash + 1), size, &bits)))
        return WRONG(NETWORK);
    network.family = (uint8_t)family;
    network.bits = (uint8_t)bits;
    struct config_network masked = network;
    mask(&masked);
    if (memcmp(masked.ip, network.ip, sizeof network.ip) != 0)
        return WRONG(NETWORK_BITS);
    *ret_network = network;
    return RIGHT;
}

struct slice config_network_format(const struct config_network *network, char text[static PLACE_TEXT_SIZE])
{
    char number[IP_TEXT_SIZE];
    struct slice ip = ip_format(network->family, network->ip, number);
    if (network->bits == (network->family == 4 ? 32 : 128))
        snprintf(text, PLACE_TEXT_SIZE, "%.*s", SLICE_ARG(ip));
    else
        snprintf(text, PLACE_TEXT_SIZE, "%.*s/%u", SLICE_ARG(ip), network->bits);
    return slice_of(text);
}

/* ---- name servers ---- */

struct wrong name_server_parse(struct slice text, struct arena *arena, struct slice *ret_server)
{
    char number[IP_TEXT_SIZE], written[PLACE_TEXT_SIZE];
    uint8_t ip[16];
    uint16_t port = PORT_DNS;
    size_t at = slice_find(text, '@');
    int family = ip_parse(slice_part(text, 0, at), ip);
    if (family == 0 || (at < text.size && !port_parse(slice_after(text, at + 1), &port)))
        return WRONG(NAME_SERVER);
    struct slice address = ip_format(family, ip, number);
    snprintf(written, sizeof written, "%.*s@%u", SLICE_ARG(address), port);
    *ret_server = arena_copy(arena, slice_of(written));
    return RIGHT;
}
