/* What the parts of proto/mime share: the machine's state (mime.c), the header of a part (mime_header.c), the encoders
 * (mime_text.c). Included by them and by their test only. */
#pragma once

#include "proto/mime.h"

enum {
    MIME_ENCODED_LINE_SIZE_MAX = 76,  /* RFC 2045 6.7, 6.8; RFC 2047 2 */
    MIME_HEADER_HELD_SIZE_MAX = 1024, /* of a header line, until it is known where it may be folded */
    MIME_DELIMITER_SIZE_MAX = MIME_BOUNDARY_SIZE_MAX + 72, /* hyphens and blanks included; longer lines are none */
    MIME_ENCODING_SIZE_MAX = 78,                           /* of a Content-Transfer-Encoding */
    MIME_HEADER_CREDIT_MAX = 1024,
};

/* ---- encoders ---- */

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

struct mime_base64 {
    uint8_t column;
    uint8_t held_size;
    char held[3];
};

void mime_base64_add(struct mime_base64 *b, struct slice bytes, struct buffer *out);
void mime_base64_finish(struct mime_base64 *b, struct buffer *out); /* without a line end */
/* What is base64 already, in lines of 76; octets that are not of the alphabet are nothing (RFC 2045 6.8). */
void mime_base64_rewrap(struct mime_base64 *b, struct slice text, struct buffer *out);

/* What is quoted-printable already: `held` is "=" and what may still belong to it. */
struct mime_qp_rewrap {
    struct mime_qp qp;
    uint8_t held_size;
    char held[64];
};

void mime_qp_rewrap_add(struct mime_qp_rewrap *r, struct slice text, struct buffer *out);
void mime_qp_rewrap_line_end(struct mime_qp_rewrap *r, struct buffer *out);
void mime_qp_rewrap_finish(struct mime_qp_rewrap *r, struct buffer *out);

/* Encoded-words of a text, the first one from *column on, the others on lines of their own. */
void mime_add_encoded_words(struct slice text, size_t *column, struct buffer *out);

/* UTF-8 in pieces of any size. */
struct mime_utf8 {
    uint8_t size; /* of the character that has begun */
    char octets[4];
    bool invalid;
};

void mime_utf8_feed(struct mime_utf8 *u, struct slice bytes);
bool mime_utf8_valid(const struct mime_utf8 *u); /* at the end */

/* ---- the machine ---- */

enum mime_region {
    MIME_REGION_HEADER,
    MIME_REGION_LEAF,
    MIME_REGION_PREAMBLE,
    MIME_REGION_EPILOGUE,
};

enum mime_class { MIME_CLASS_TEXT, MIME_CLASS_OTHER, MIME_CLASS_MULTIPART, MIME_CLASS_MESSAGE };

enum mime_encoding {
    MIME_ENCODING_7BIT,
    MIME_ENCODING_8BIT, /* or binary */
    MIME_ENCODING_QP,
    MIME_ENCODING_BASE64,
    MIME_ENCODING_UNKNOWN,
};

/* What is done with a part; four bits of the plan. */
enum mime_action {
    MIME_ACTION_NONE,
    MIME_ACTION_QP,
    MIME_ACTION_BASE64,
    MIME_ACTION_REWRAP,
    MIME_ACTION_RELABEL, /* a multipart or message: its encoding becomes 7bit */
};

enum mime_field { MIME_FIELD_OTHER, MIME_FIELD_TYPE, MIME_FIELD_ENCODING, MIME_FIELD_VERSION };

struct mime_type {
    enum mime_class class;
    bool is_signed;        /* multipart/signed */
    bool digest;           /* multipart/digest */
    uint8_t boundary_size; /* 0: none that can be used */
    char boundary[MIME_BOUNDARY_SIZE_MAX];
};

/* The part whose header or content is being read. */
struct mime_part {
    uint32_t index;
    bool top;       /* the message itself */
    bool sealed;    /* under multipart/signed */
    bool in_digest; /* message/rfc822 when it has no type */
    bool too_deep;
    bool unplanned; /* the plan has no room for it: its action is told at the end of its header */
    enum mime_action action;
    enum mime_class class;
    enum mime_encoding encoding;
    enum mime_field field; /* the open field */
    bool dropped;          /* ... is left out of the output */
    bool structured;       /* ... has specials that no encoded-word may cover */
    bool any_field;
    bool has_type, has_encoding, has_version; /* the first one counts */
    bool keeps;                               /* the open field is the first of its kind */
    uint16_t type_size, encoding_size;
    char type_text[MIME_FIELD_SIZE_MAX];
    char encoding_text[MIME_ENCODING_SIZE_MAX];
    uint64_t octets, octets_8bit; /* of its content; first pass */
    bool long_line;
};

struct mime_frame {
    bool message; /* message/rfc822; else a multipart */
    bool sealed;  /* what lies in it must not be changed */
    bool digest;
    uint8_t boundary_size;
    char boundary[MIME_BOUNDARY_SIZE_MAX];
};

struct mime {
    bool converting;
    unsigned wish;
    bool needed;                  /* first pass: something must be changed */
    enum mime_verdict refused;    /* first pass: MIME_AS_IS while it is not */
    const struct mime_plan *plan; /* second pass */
    struct buffer *out;           /* second pass, during a call */
    uint32_t part_count;
    uint8_t actions[MIME_PARTS_MAX / 2]; /* first pass */
    struct mime_utf8 utf8;

    enum mime_region region;
    bool region_sealed;  /* a preamble or epilogue that must not be changed */
    bool cr;             /* the input so far ends in it */
    bool line_open;      /* the line is no delimiter: its text goes through */
    bool line_continues; /* part of the header line is already out */
    bool crlf_pending;   /* a line end that belongs to the content, or to the delimiter behind it */
    uint16_t line_size;
    uint16_t line_kept; /* octets at the front of it that were looked at before the line was folded */
    char line[MIME_HEADER_HELD_SIZE_MAX];
    uint64_t line_octets; /* of the line so far */
    size_t column;        /* second pass: of the output line, in headers, preambles and epilogues */

    struct mime_part part;
    size_t frame_count;
    struct mime_frame frames[MIME_DEPTH_MAX];

    struct mime_qp qp;
    struct mime_base64 base64;
    struct mime_qp_rewrap rewrap;

    bool encoded_last;     /* the header line before ended with an encoded-word of ours */
    size_t header_credit;  /* output octets that header lines have left unused */
    struct buffer scratch; /* an encoded header line, until it is known that it fits */
    uint64_t looked_at;    /* octets, each as often as something looked at it */
};

bool mime_has_8bit(struct slice s);

/* mime_header.c. A header's line, or the front of one that is too long to be held, stands in m->line. */
void mime_part_begin(struct mime *m, bool top, bool sealed, bool in_digest);
/* False: no header line, the section is over and the line belongs to what follows. */
bool mime_header_piece(struct mime *m, bool whole);
/* The fields that conversion adds. */
void mime_header_finish(struct mime *m);
/* What the part's Content-Type and Content-Transfer-Encoding say. */
void mime_part_type(const struct mime_part *part, struct mime_type *ret_type);
enum mime_encoding mime_part_encoding(const struct mime_part *part);
