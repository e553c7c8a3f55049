/* The header section of a message, scanned as it streams by.
 *
 * The scan takes a canonical body (proto/body) in slices of any size and keeps what intake, the attempt and the
 * verdict need: hops, which fields are there, what is 8-bit, the longest line. Linear time, bounded memory, no
 * recursion: a field's value beyond its limit is counted and not kept, odd names are just names (S18). RFC 5322 2.2,
 * with RFC 6532's UTF-8.
 *
 * The section ends at the first empty line, or at the first line that is neither a field nor a continuation (then
 * `broken` is set and that line belongs to the body), or with the message. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    HEADER_NAME_SIZE_MAX = 64,         /* longer names are fields that nobody asks for */
    HEADER_CONTENT_TYPE_SIZE_MAX = 998,
    HEADER_TOKEN_SIZE_MAX = 78,        /* Content-Transfer-Encoding, MIME-Version, Auto-Submitted */
    HEADER_MESSAGE_ID_SIZE_MAX = 255,
    HEADER_KEPT_SIZE_MAX = HEADER_CONTENT_TYPE_SIZE_MAX + 3 * HEADER_TOKEN_SIZE_MAX + HEADER_MESSAGE_ID_SIZE_MAX,
};

enum header_value { /* fields whose value is kept */
    HEADER_CONTENT_TYPE,
    HEADER_CONTENT_TRANSFER_ENCODING,
    HEADER_MIME_VERSION,
    HEADER_AUTO_SUBMITTED,
    HEADER_MESSAGE_ID,
    HEADER_VALUE_COUNT,
};

/* Values are unfolded (CRLF before a blank removed), trimmed, cut at their limit; the first field of a name counts. */
struct header_facts {
    uint32_t hops;               /* Received fields */
    uint32_t field_count;
    uint32_t from_count, date_count, message_id_count;
    bool return_path;
    bool broken;                 /* ended by a line that is no field */
    bool ended;                  /* the end was seen (else the message is all header) */
    bool header_8bit;            /* an octet above 127 in the section: needs SMTPUTF8 */
    bool body_8bit;              /* an octet above 127 after it */
    bool resent;                 /* a Resent- field */
    uint64_t header_size;        /* octets of the section, without the empty line */
    uint64_t body_offset;        /* where the body begins: after the empty line */
    uint64_t size;               /* octets scanned */
    uint64_t longest_line;       /* octets without CRLF, over the whole message */
    bool has[HEADER_VALUE_COUNT];
    struct slice value[HEADER_VALUE_COUNT]; /* "" when the field is not there */
};

/* Private but for its size. Embedded; the values are kept in a buffer that header_scan_done gives back. */
struct header_scan {
    struct header_facts facts; /* without the slices */
    struct buffer kept;
    uint64_t line_from;        /* offset of the current line */
    uint16_t value_from[HEADER_VALUE_COUNT], value_size[HEADER_VALUE_COUNT];
    uint8_t state;             /* enum of header.c */
    uint8_t value;             /* which kept value the open field is, HEADER_VALUE_COUNT: none */
    uint8_t name_size;
    char name[HEADER_NAME_SIZE_MAX];
};

void header_scan_init(struct header_scan *scan);
void header_scan_done(struct header_scan *scan);
void header_scan_reset(struct header_scan *scan); /* for the next message; keeps the memory */
void header_scan_feed(struct header_scan *scan, struct slice bytes);
/* After the last octet. Slices point into the scan and are valid until its next reset or done. */
void header_scan_finish(struct header_scan *scan, struct header_facts *ret_facts);
