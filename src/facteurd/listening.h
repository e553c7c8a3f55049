/* listening: the addresses of [Listen] as open sockets, at the start and when a changed configuration is taken up. */
#pragma once

#include "config/config.h"
#include "io/loop.h"

/* Opens what config names and is not open yet. False: `problems` has key, address, reason; what was open stays so. */
bool listening_open(struct loop *loop, const struct config *config, struct config_problems *problems);
/* Closes what config does not name; sessions that came in there go on. */
void listening_close_others(struct loop *loop, const struct config *config);
/* The unix socket for sendmail, DataDir/submit. */
enum err listening_local(struct loop *loop, const struct config *config, struct buffer *problem);
