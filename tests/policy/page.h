/* What the tests of policy share: a configuration from a few lines, outcomes from a few words. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "config/account.h"
#include "config/config.h"
#include "proto/outcome.h"

/* "[Server] Name = mta.example.org" and then the lines given; a problem fails the test. */
struct config *page_config(const char *lines);
struct accounts *page_accounts(const struct config *config, const char *lines);

/* "rcpt 550 5.1.1 No such user", or for what has no reply "connect refused", "dns nxdomain", "dot doubt": the stage, then
 * a code, or the cause. "ok" is accepted at the dot; "-" not tried (class NONE). */
struct outcome page_outcome(const char *words);
