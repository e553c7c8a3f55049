/* Places in the network as the configuration writes them: servers (A34), what we listen on, networks, name servers. */
#pragma once

#include "base/arena.h"
#include "config/config.h"
#include "config/problem.h"

enum { PLACE_TEXT_SIZE = 64 };

/* Empty, "name", "[name]", "192.0.2.1", "2001:db8::1", "[2001:db8::1]", each but the last but one with ":port", all with
 * "smtps://" in front. Slices are copied into the arena. */
struct wrong server_place_parse(struct slice text, struct arena *arena, struct config_server_place *ret_place);
/* "192.0.2.1:25", "[2001:db8::1]:25". */
struct wrong config_listen_parse(struct slice text, struct config_listen *ret_listen);
struct slice config_listen_format(const struct config_listen *listen, char text[static PLACE_TEXT_SIZE]);
/* "192.0.2.0/24", "2001:db8::/32", an address alone. No bits behind the mask. */
struct wrong config_network_parse(struct slice text, struct config_network *ret_network);
struct slice config_network_format(const struct config_network *network, char text[static PLACE_TEXT_SIZE]);
/* "192.0.2.1", "2001:db8::1", either with "@port"; written as "192.0.2.1@53". */
struct wrong name_server_parse(struct slice text, struct arena *arena, struct slice *ret_server);
/* A name as domain_key gives it, whose last label is not a number (RFC 3696 2): else it would be a mistyped address. */
bool host_name_key(struct slice text, char key[static ADDRESS_DOMAIN_SIZE_MAX], struct slice *ret_key);
/* 127.0.0.0/8, ::1, and the unspecified addresses, which connect to this machine as well. */
bool address_is_own_always(uint8_t family, const uint8_t ip[static 16]);
bool address_is_unspecified(uint8_t family, const uint8_t ip[static 16]);
