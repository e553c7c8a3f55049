/* A server's reply, RFC 5321 4.2: octets in, one whole reply out. And what EHLO's reply offers.
 *
 * Bounded: a reply over its limits (S17: endless line, endless continuation) is wrong, and so is all that is not a
 * reply: no three digits, another code on a continuation line, a NUL. Lenient where no harm comes of it: a line may end
 * with a bare LF, enhanced codes may be missing, a text may be missing (S15: "5.7.2" bare). Control characters in texts
 * become '?' here, so that no reply can end a line of a log, a notice or an envelope (S12); octets above 127 are kept
 * and never trusted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/outcome.h"

enum {
    SMTP_REPLY_LINE_SIZE_MAX = 4096,  /* RFC 5321 4.5.3.1.5: 512; longer ones are seen */
    SMTP_REPLY_LINES_MAX = 256,
    SMTP_REPLY_SIZE_MAX = 16 << 10,   /* all lines of one reply */
};

/* Slices point into the reader and are valid until its next call. */
struct smtp_reply {
    uint16_t code;                 /* 200-599 */
    struct enhanced_code enhanced; /* class 0 when there was none or its class was not the code's */
    struct slice text;             /* without codes, lines joined with LF, at most OUTCOME_TEXT_SIZE_MAX */
    struct slice lines;            /* each line's text after its code and separator, joined with LF, uncut */
    uint16_t line_count;
};

enum smtp_reply_event {
    SMTP_REPLY_MORE,  /* all the input was taken */
    SMTP_REPLY_WHOLE,
    SMTP_REPLY_WRONG, /* not a reply, or too much of it; the reader stays wrong */
};

/* Embedded; the fields are private. Holds memory only while a reply is being read or used, and up to
 * SMTP_REPLY_KEPT_SIZE_MAX after it. */
struct smtp_reply_reader {
    struct buffer lines;   /* texts of the finished lines, joined with LF; then the open line, raw */
    struct buffer text;    /* of the finished reply, codes removed */
    size_t line_from;      /* where the open line starts in lines */
    uint16_t line_count;   /* finished lines */
    uint16_t code;         /* of the finished lines */
    bool whole;            /* the last call gave a reply */
    const char *fault;     /* why it is wrong, NULL while it is not */
};

enum { SMTP_REPLY_KEPT_SIZE_MAX = 1024 };

void smtp_reply_reader_init(struct smtp_reply_reader *r);
void smtp_reply_reader_done(struct smtp_reply_reader *r);
/* *input loses what was taken: at most one reply. */
enum smtp_reply_event smtp_reply_reader_next(struct smtp_reply_reader *r, struct slice *input,
                                             struct smtp_reply *ret_reply);
/* Nothing of a reply was read yet (octets behind STARTTLS: S06). */
bool smtp_reply_reader_at_start(const struct smtp_reply_reader *r);
/* "no reply code", "line too long", ... once wrong. */
const char *smtp_reply_reader_fault(const struct smtp_reply_reader *r);
/* Gives back what an idle session does not need. */
void smtp_reply_reader_trim(struct smtp_reply_reader *r);

/* What the lines of an EHLO reply offer (RFC 5321 4.1.1.1). Keywords in any case, unknown ones are skipped. */
struct smtp_extensions {
    bool esmtp;        /* EHLO was taken; false after HELO */
    bool pipelining;
    bool eightbitmime;
    bool size;
    uint64_t size_max; /* 0: no limit told */
    bool smtputf8;
    bool dsn;
    bool starttls;
    bool enhanced_codes;
    bool chunking;
    bool requiretls;
    bool auth;         /* AUTH was offered, whatever its mechanisms */
    uint32_t auth_mechanisms; /* bits: 1 << enum sasl_mechanism */
};

void smtp_extensions_parse(const struct smtp_reply *reply, struct smtp_extensions *ret_extensions);
/* The first word of the greeting or of EHLO's first line: the host's name as it says, "" when there is none. */
struct slice smtp_reply_host(const struct smtp_reply *reply);
