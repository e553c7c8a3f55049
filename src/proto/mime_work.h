/* What the parts of proto/mime share: the line encoder. Included by them only. */
#pragma once

#include "proto/mime.h"

enum {
    MIME_ENCODED_LINE_SIZE_MAX = 76, /* RFC 2045 6.7, 6.8; RFC 2047 2 */
};

/* Quoted-printable, streaming: zero-initialised at the start of a content. A blank and a CR are held until it is known
 * whether a line ends behind them. */
struct mime_qp {
    uint8_t column;
    char blank;
    bool cr;
};

void mime_qp_add(struct mime_qp *qp, struct slice text, struct buffer *out);
/* The content is over: what is held stands at its end. Ready for the next one. */
void mime_qp_finish(struct mime_qp *qp, struct buffer *out);
