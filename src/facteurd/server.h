/* server: the running facteurd: engine, loop, control socket, the configuration in force, reload and stop. */
#pragma once

#include "config/account.h"
#include "config/config.h"

/* Serves until SIGTERM or SIGINT; the exit status. Owns both values from now on. Prints "ready" when all listeners accept. */
int server_run(const char *config_path, struct config *config, struct accounts *accounts, const uint64_t hash_key[static 2]);
