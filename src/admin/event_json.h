/* event_json: a trace event as the history keeps it and as `facteur history` and `log` print it: one JSON object. Written by hand
 * into a buffer, because three of them are made for each message; read back with jansson by admin/report.
 *
 * Keys as in the outside contract: "last" is null where no server was asked. Texts are valid UTF-8 whatever a server said. */
#pragma once

#include "base/bytes.h"
#include "engine/trace.h"

enum { EVENT_JSON_SIZE_MAX = 16 << 10 };

void event_json(const struct trace_event *event, struct buffer *out);
/* "last" by itself: an outcome, or null for class NONE. */
void outcome_json(const struct outcome *outcome, struct buffer *out);
void json_text(struct slice text, struct buffer *out); /* with its quotes; invalid UTF-8 and NUL become U+FFFD */
