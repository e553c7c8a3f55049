/* A message's octets on the wire, both ways: strict about line ends in (S01), clean out (S02).
 *
 * Canonical form, everywhere inside this server: lines end with CRLF, no CR or LF stands alone, no NUL, no
 * dot-stuffing. Nothing is ever tidied: what is not canonical is refused.
 *
 * The readers copy nothing: each call takes octets from the front of the input and gives back at most one run of body
 * octets, a part of that input. They scan by block, not by line or octet. Any cutting of the input gives the same
 * body and the same end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum body_event {
    BODY_MORE,  /* all the input was taken (or none was there); the run may be empty */
    BODY_RUN,   /* a run of body octets; call again with the rest of the input */
    BODY_END,   /* CRLF.CRLF was read; the input's rest belongs to the next command; no run */
    BODY_WRONG, /* a bare CR, bare LF or NUL: refuse and close; nothing after it may be read; no run */
};

enum body_fault { BODY_FAULT_NONE, BODY_FAULT_CR, BODY_FAULT_LF, BODY_FAULT_NUL };

/* Plain value; reader_init starts it at the beginning of a line. The two kinds differ in who says where the end is. */
struct body_reader {
    bool counted;          /* BDAT: dots mean nothing, the caller ends it */
    uint8_t at;            /* enum of body.c: where in a line the next octet stands */
    uint8_t fault;         /* enum body_fault, once BODY_WRONG was given; stays */
};

void body_reader_init_dot(struct body_reader *r);     /* DATA */
void body_reader_init_counted(struct body_reader *r); /* BDAT: one reader for all chunks of a message */
/* *input loses what was taken. A CR whose LF has not come yet is held back and given with it as a run of its own
 * (a constant, not part of the input). After BODY_END or BODY_WRONG the reader is finished. */
enum body_event body_reader_next(struct body_reader *r, struct slice *input, struct slice *ret_run);
/* At the end of the last chunk: false when a CR is still held back (a bare CR at the very end). */
bool body_reader_finish(const struct body_reader *r);
/* "bare CR", "bare LF", "NUL" for the reply and the log. */
const char *body_fault_name(enum body_fault fault);

/* The writer: a stored canonical body becomes what is sent after DATA, dot-stuffed and ended with CRLF.CRLF.
 *
 * It is given the body in slices of any size, and writes into memory of the caller's; it stops when that is full and
 * goes on with the next call. Should the body have a bare CR, LF or NUL after all (a damaged disk), it stops with
 * BODY_WRONG before emitting it: the connection must be dropped, never the message finished. */
struct body_writer {
    uint8_t at;
    uint8_t tail_size;  /* octets of the end still to be written */
    const char *tail;
    uint64_t offset;    /* body octets taken so far: where the next slice must start */
};

void body_writer_init(struct body_writer *w);
/* Takes octets from the front of *body and writes at most `size` octets to `out`. BODY_MORE: all of *body was taken;
 * BODY_RUN: out is full, call again with the rest. Never splits a CRLF or a stuffed dot across a BODY_WRONG. */
enum body_event body_writer_next(struct body_writer *w, struct slice *body, char *out, size_t size,
                                 size_t *ret_written);
/* After the whole body was taken: CRLF where the last line lacks it (or the body is empty: none), then ".CRLF".
 * BODY_END when the end was written, BODY_RUN when out was too small: call again. BODY_WRONG: the body ended in CR. */
enum body_event body_writer_finish(struct body_writer *w, char *out, size_t size, size_t *ret_written);

/* Whether a whole body is canonical: for what is made here, and for BDAT out, where nothing is rewritten. */
enum body_fault body_check(struct slice body);
/* How far from the start of `octets` a canonical text goes on without anything that a reader must look at (a bare CR,
 * bare LF, NUL; with `dots` also a dot that begins a line). The block scanner below all of the above; `before` is the
 * octet before the first one (LF at the start of a text). */
size_t body_scan_plain(const char *octets, size_t size, char before, bool dots);
