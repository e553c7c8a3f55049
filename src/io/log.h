/* The log: lines gathered in a turn go to stderr in one write. A reader that does not keep up never stops the server:
 * what does not fit is dropped and counted, and the count is said in the next line that fits. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

struct log;

struct log *log_new(void);
void log_free(struct log *log);
void log_line(struct log *log, struct slice line); /* without its end; escaped already (base/codec) */
void log_flush(struct log *log);                   /* once a turn; one system call when there is something */
uint64_t log_dropped_count(const struct log *log);
