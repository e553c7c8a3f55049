/* Reading envelopes and bodies out of a segment, checked. Whoever calls holds the segment: its own thread's, or pinned. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "store/segments.h"

/* The header of the record whose envelope stands at ref. ERR_CORRUPT. */
enum err fetch_record(const struct segment *segment, uint64_t id, struct record_ref ref, struct record *ret_record);
/* Appends the envelope. ERR_CORRUPT when header or checksum is wrong. */
enum err fetch_envelope(const struct segment *segment, uint64_t id, struct record_ref ref, struct buffer *out);
/* Appends up to `size` octets at `offset` of an inline body. */
enum err fetch_body(const struct segment *segment, uint64_t id, const struct body_ref *body, uint64_t offset,
                    uint32_t size, struct buffer *out);
/* Appends octets of the file as they are, fewer at its end; for quarantine. */
enum err fetch_raw(const struct segment *segment, uint32_t offset, uint32_t size, struct buffer *out);
