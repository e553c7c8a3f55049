/* The plain values of the configuration: switches, numbers, durations, sizes; read and written. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* yes/no, true/false, on/off, 1/0 in any case. */
bool switch_parse(struct slice text, bool *ret_on);
/* "90s", "5m", "2h", "1d"; a bare number counts in unit_us. At most 100 years. */
bool duration_parse(struct slice text, int64_t unit_us, int64_t *ret_us);
/* As it is read again: bare in a unit above a second where that is exact, else with the largest unit that is. */
void duration_format(int64_t us, int64_t unit_us, struct buffer *out);
/* Octets; "k", "M", "G" for 1,024 of the one before. */
bool size_parse(struct slice text, uint64_t *ret_bytes);
void size_format(uint64_t bytes, struct buffer *out);
