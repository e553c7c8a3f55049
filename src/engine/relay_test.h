/* relay_test: a session with the smart host that goes as far as the login (or EHLO, where none is required) and says at each
 * stage how it went; nothing is sent. One machine, at most RELAY_TEST_LIMIT_US.
 *
 * Who calls it: engine/request. It does not use the pool: a test must not find a connection that is open already. */
#pragma once

#include "engine/request_work.h"

void relay_test_begin(struct engine *e, const struct engine_request *request);
