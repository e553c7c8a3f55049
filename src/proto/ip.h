/* Numeric IP addresses as text: for address literals, configuration, logs. Pure; the system's own functions belong to
 * io/. Octets are in network order, the first 4 of 16 for IPv4. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum { IP_TEXT_SIZE = 46 };

/* "192.0.2.1" or "2001:db8::1" (RFC 4291 2.2, with a dotted end too), nothing around it. The family is 4 or 6; 0:
 * neither, and nothing is written. No leading zeros in IPv4 (some read them as octal), no zone. */
int ip_parse(struct slice text, uint8_t ret_octets[static 16]);
/* The shortest form (RFC 5952; always hexadecimal), without brackets, NUL-terminated. */
struct slice ip_format(int family, const uint8_t octets[static 16], char text[static IP_TEXT_SIZE]);
