/* outgoing: the octets of one message as one receiver takes them: from memory, from the store, or converted (RFC 6152 3, and
 * lines over 998 octets for every receiver). Embedded in a transaction.
 *
 * Reading is asynchronous: a chunk that is not here is asked for by OP_BODY_READ under a handle of the owner's machine,
 * which passes EVENT_BODY on and then asks again. What is converted is bounded by proto/mime. Octets are asked for in order;
 * offset 0 starts anew at any time.
 *
 * Who calls it: engine/session (to send), engine/settle (to quote the original in a notice). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "engine/core.h"
#include "engine/message.h"
#include "proto/mime.h"

enum {
    OUTGOING_CHUNK_SIZE = STORE_CHUNK_SIZE,
    OUTGOING_PIECE_SIZE = 16 << 10, /* converted at a time */
};

enum outgoing_state {
    OUTGOING_READY,
    OUTGOING_WAIT,    /* EVENT_BODY will come */
    OUTGOING_FAILED,  /* the body cannot be read (outgoing->err): temporary, our own fault */
    OUTGOING_REFUSED, /* it cannot be converted: 5.6.3 (outgoing_refusal) */
};

struct outgoing {
    struct machine *owner;
    struct message *message;
    struct handle read;        /* the read under way */
    uint64_t read_offset;
    uint32_t read_size;
    struct buffer chunk;       /* octets of the store from chunk_offset on */
    uint64_t chunk_offset;
    uint64_t source_offset;    /* how far scan or conversion has got */
    struct mime *mime;         /* while it scans or converts */
    struct mime_plan *plan;    /* once it was scanned */
    struct buffer converted;   /* from converted_offset of the converted body on */
    uint64_t converted_offset;
    unsigned wish;             /* what is being prepared, or was */
    bool prepared;
    bool converting;           /* what is given out is converted ... */
    bool finished;             /* ... all of it stands in `converted` */
    enum err err;
};

void outgoing_init(struct outgoing *o, struct machine *owner, struct message *message);
void outgoing_done(struct engine *e, struct outgoing *o); /* a read under way is forgotten */
/* wish: enum mime_wish bits, 0: as it is. Asked again after WAIT until it is something else; may be asked anew with another
 * wish. READY: sizes and octets can be asked for. */
enum outgoing_state outgoing_prepare(struct engine *e, struct outgoing *o, unsigned wish);
/* What a receiver's facts demand: MIME_WISH_7BIT where the body is 8-bit and it has no 8BITMIME, MIME_WISH_LONG_LINES where
 * lines are too long. */
unsigned outgoing_wish(const struct envelope *envelope, bool eightbitmime);
/* At most size octets from offset on (those at the front of the last call's again, or the next ones). *ret_last: nothing
 * follows them; they may then be none. READY, WAIT or FAILED. Slices are valid until the next call with this outgoing, or
 * its message's body being dropped. */
enum outgoing_state outgoing_get(struct engine *e, struct outgoing *o, uint64_t offset, uint32_t size,
                                 struct slice *ret_bytes, bool *ret_last);
/* EVENT_BODY for one of the owner's handles: true when it was this one's; then ask again. */
bool outgoing_feed(struct engine *e, struct outgoing *o, const struct event *event);
bool outgoing_is_7bit(const struct outgoing *o);       /* by conversion; else what was 8-bit may still be so, in part */
bool outgoing_converted(const struct outgoing *o);     /* what is sent is not what is stored: its size is an estimate */
uint64_t outgoing_size(const struct outgoing *o);      /* exact, or an estimate when converted */
uint64_t outgoing_size_least(const struct outgoing *o); /* hardly less when converted */
enum mime_verdict outgoing_refusal(const struct outgoing *o);
