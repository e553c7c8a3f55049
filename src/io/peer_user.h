/* Who is at the other end of a unix socket. */
#pragma once

#include "base/bytes.h"

enum { PEER_USER_SIZE_MAX = 64 };

/* The user's name, or "uid-N" where it has none; "" when the system does not say. Points into `text`. */
struct slice peer_user(int descriptor, char text[static PEER_USER_SIZE_MAX]);
