/* A second reading of the rules of delivery, beside policy/verdict: the rules as a table of rows, tried from the first to
 * the last. It shares no line with verdict.c and was written from the text of the rules alone; where the two differ, the
 * text decides which of them is mended.
 *
 * An answer is one thing that a candidate may say; its kind is the reading's word for it (section 2 of the rules says what
 * is a session failure and what a verdict). A row holds conditions on the page, on the last answer and on all answers of
 * direct hosts, and says what follows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "policy/verdict.h"

/* What a direct host said. */
#define K(number) (UINT64_C(1) << (number))
#define D_OK K(0)
#define D_ABSENT K(1)          /* authoritatively no record, no address */
#define D_DNS K(2)             /* a lookup failed for now */
#define D_NULL_MX K(3)
#define D_SELF K(4)            /* ourselves, by address or by greeting */
#define D_UNREACHED K(5)       /* any other session failure */
#define D_REMEMBERED K(6)
#define D_REFUSED K(7)         /* a refused session: 5xx banner; EHLO and HELO refused */
#define D_TLS K(8)             /* TLS was demanded and could not be had */
#define D_REQUIRETLS K(9)      /* the letter demands it (RFC 8689) and the host does not offer it */
#define D_4XX K(10)
#define D_RCPT_5XX K(11)
#define D_DOT_5XX K(12)
#define D_5XX K(13)            /* at MAIL or DATA */
#define D_SIZE K(14)           /* A42: refused before it was sent */
#define D_521 K(15)            /* RFC 7504: banner */
#define D_556 K(16)            /* RFC 7504: RCPT */
#define D_CLIENT_4XX K(17)     /* A13: refuses our address */
#define D_CLIENT_RCPT_5XX K(18)
#define D_CLIENT_DOT_5XX K(19)
#define D_CLIENT_5XX K(20)
#define D_DOUBT K(21)
#define D_SIBLING K(22)
#define D_LIMIT K(23)          /* a limit or failure of our own */
#define D_UTF8 K(24)           /* A43 */
#define D_CLIENT_SIBLING K(25) /* A20 because of a recipient whose refusal is A13's */
/* What the smart host said. */
#define S_OK K(32)
#define S_DNS K(33)
#define S_SELF K(34)
#define S_UNREACHED K(35)
#define S_TLS K(36)             /* the handshake failed */
#define S_CLEAR K(37)          /* A33: a login would go in clear */
#define S_LOGIN K(38)          /* 5xx at AUTH */
#define S_NO_LOGIN K(39)       /* no mechanism in common */
#define S_NO_SECRET K(40)
#define S_RIGHT K(41)          /* A23a after AUTH */
#define S_PACE K(42)
#define S_RESTS K(43)
#define S_4XX K(44)
#define S_RCPT_5XX K(45)
#define S_5XX K(46)
#define S_SIZE K(47)
#define S_DOUBT K(48)
#define S_SIBLING K(49)
#define S_NO_TLS K(50)         /* demanded and not offered */
#define S_REQUIRETLS K(51)
#define S_LIMIT K(52)
#define S_UTF8 K(53)
#define S_CERTIFICATE K(55)    /* does not match */
#define S_PACE_SESSION K(54)   /* 421 before the session stands */

#define D_CLIENT_ANY_5XX (D_CLIENT_RCPT_5XX | D_CLIENT_DOT_5XX | D_CLIENT_5XX | D_CLIENT_SIBLING)
#define D_CLIENT (D_CLIENT_4XX | D_CLIENT_ANY_5XX)
#define D_LETTER_5XX (D_RCPT_5XX | D_DOT_5XX | D_5XX | D_SIZE | D_UTF8 | D_521 | D_556)
#define D_LETTER (D_4XX | D_LETTER_5XX)
#define D_SESSION (D_ABSENT | D_DNS | D_UNREACHED | D_REMEMBERED | D_REFUSED | D_TLS | D_REQUIRETLS)

struct answer {
    const char *name;
    uint64_t kind;
    struct outcome outcome;
    enum refusal refusal;
    bool alone;     /* the name server's word on the whole domain: no other direct candidate stands beside it */
    bool delegate;  /* speaks for its kind where the product would grow too large */
};

extern const struct answer reading_direct[], reading_smarthost[];
extern const size_t reading_direct_count, reading_smarthost_count;

/* The page and where the message stands, as facts. */
enum {
    P_DIRECT = 1 << 0,
    P_SMARTHOST = 1 << 1,
    P_BOTH = 1 << 2,
    P_ABORT = 1 << 3,      /* AbortOnRcpt5xx */
    P_NO_MX = 1 << 4,      /* BounceIfNoMxOrA */
    P_FIRST_5XX = 1 << 5,  /* BounceOnFirst5xx */
    P_AFTER = 1 << 6,      /* FallbackOnTempError */
    P_AT_ONCE = 1 << 7,
    P_NEVER = 1 << 8,
    P_REMOTE = 1 << 9,     /* it stays in the remote queue */
    P_MEETS = 1 << 10,     /* the smart host meets what TLS is demanded */
    P_REFUSING = 1 << 11,  /* A23b */
    P_ACCOUNT = 1 << 12,   /* an account's own login */
    P_NOTHING = 1 << 13,   /* nothing was tried */
    P_LEFT = 1 << 14,      /* a direct candidate may still be tried */
    P_TIME = 1 << 15,      /* one was not tried, because the time was over */
    P_OTHER = 1 << 16,     /* the smart host has another address */
    P_LOGIN = 1 << 17,     /* a login at the smart host, the page's or an account's */
    P_REQUIRETLS = 1 << 18, /* the letter itself demands TLS */
};

enum reading_next { TO_DIRECT, TO_SMARTHOST };

/* Who is told: the most preferred; or of session failures the one that got furthest in its dialogue, at the same stage
 * one that says more than "no record", "remembered" or "no way there", then the most preferred. */
enum reading_pick { PICK_PREFERRED, PICK_TELLING };

/* Keys are compared where the rule speaks of one: ANY_KEY elsewhere. */
enum { ANY_KEY = -1, ANY_RULE = 0xffff };

struct row {
    const char *sentence;  /* the rule's own */
    uint32_t page, not_page; /* all of these; none of these */
    uint64_t last;         /* the last answer is one of these; 0: whatever it is */
    uint64_t had;          /* a direct host said one of these; 0: no matter */
    uint64_t also;         /* and one said one of these; 0: no matter */
    uint64_t only;         /* direct hosts said nothing but these; 0: no matter */
    uint64_t quote;        /* told: of the candidates that said one of these, as pick says; 0: the last one */
    uint64_t quoted;       /* and what it said is one of these; 0: no matter */
    enum verdict_action action;
    enum reading_next next;
    enum reading_pick pick;
    uint16_t rule;
    int key;
    uint8_t effects;
    bool local_cause;
};

extern const struct row reading_rows[];
extern const size_t reading_row_count;

/* A cell: the candidates of one recipient and what those tried have answered. */
enum { READING_CANDIDATES_MAX = ROUTE_CANDIDATES_MAX };
struct cell {
    struct verdict_question question;
    struct verdict_candidate candidates[READING_CANDIDATES_MAX];
    const struct answer *answers[READING_CANDIDATES_MAX]; /* NULL: not tried */
    uint8_t last;           /* the candidate tried last, when one was */
    uint8_t tried;          /* how many */
};

struct reading {
    const struct row *row;  /* NULL: no row covers the cell */
    uint8_t next, told;
};

void reading_of(const struct cell *cell, struct reading *ret_reading);
