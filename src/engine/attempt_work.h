/* attempt: what its files share. attempt.c: a message is taken, read, and put into parts. attempt_part.c: a part's way from
 * candidate to candidate. attempt_end.c: what became of it, handed to settle. */
#pragma once

#include "engine/attempt.h"
#include "engine/bounce.h"
#include "engine/destination.h"
#include "engine/lookup.h"
#include "engine/settle.h"
#include "policy/credential.h"
#include "policy/route.h"
#include "policy/verdict.h"

enum part_kind { PART_DIRECT, PART_SMARTHOST, PART_LOCAL };

enum part_state {
    PART_ROUTING, /* its candidates are being looked up */
    PART_TRYING,  /* transactions are under way, or the next ones are to be begun */
    PART_OVER,    /* every recipient is decided, or waits for the smart host's part */
};

enum one_state {
    ONE_OPEN,    /* to be tried at candidates[next] */
    ONE_SENT,    /* in a transaction */
    ONE_PARKED,  /* goes on in the smart host's part */
    ONE_DECIDED, /* verdict and outcome stand */
    ONE_SETTLED, /* ... and settle has it: delivered while others were still tried */
    ONE_SHORT,   /* nothing was decided: stop, or no turn: due again at once */
};

/* One recipient on its way. */
struct one {
    uint32_t recipient;    /* index into the envelope's */
    uint8_t state;
    uint8_t next;
    uint8_t base;          /* of its candidates, those before are of an earlier part */
    uint8_t count;
    bool tried;
    bool dsn;              /* delivered to a next hop that takes DSN parameters */
    struct verdict_candidate *candidates;
    struct verdict verdict;
};

struct part {
    struct part *next;
    struct attempt *attempt;
    enum part_kind kind;
    enum part_state state;
    struct slice domain;
    struct destination *destination;
    enum destination_answer answer;
    bool begun;            /* counted at its destination */
    bool reached;          /* some host answered MAIL */
    struct one *ones;
    uint32_t one_count;
    struct route route;
    struct lookup_client client;
    uint32_t piece_count;  /* transactions under way */
    int64_t connect_us;    /* spent on connecting (A10a) */
    uint8_t addresses_tried;
    /* PART_LOCAL */
    struct handle maildir;
    uint32_t local_next;
    bool local_asked;
};

/* A transaction and whose recipients it has. */
struct piece {
    struct list_item item; /* in its attempt */
    struct part *part;
    struct transaction t;
    uint32_t count;
    uint32_t *ones;        /* indexes into the part's */
    uint32_t *recipients;
    struct outcome *outcomes;
    bool *too_many;
};

enum attempt_state { ATTEMPT_LOADING, ATTEMPT_RUNNING, ATTEMPT_OVER };

struct attempt {
    struct machine machine;
    struct list_item item;   /* among all */
    enum attempt_state state;
    struct message *message; /* NULL while it is being read */
    uint32_t stub;
    bool overdue, crashed, doubted;
    bool ordered;            /* taken for an order of the administrator */
    enum settle_order order;
    struct handle request;
    bool load_asked;
    struct handle load;
    struct part *parts;
    struct list pieces;
    struct buffer transcript;
    int64_t guard_us;
    uint32_t unsettled;      /* delivered recipients that settle has not got yet */
    int64_t early_us;        /* monotonic: when it gets them, should the attempt go on so long; DEADLINE_NEVER: none */
    struct handle early;     /* told by settle_early */
};

struct outcome outcome_keep(struct arena *arena, const struct outcome *o);

/* ---- attempt_part.c ---- */

void part_begin(struct engine *e, struct part *p);
/* Goes as far as it can now. */
void part_step(struct engine *e, struct part *p);
void part_stop(struct engine *e, struct part *p); /* the server stops: what waits in a line is given up for now */
void part_done(struct engine *e, struct part *p); /* ends it at its destination, cancels what waits */
/* Maildirs here, one recipient after another: the operation to be given out now; its answer. */
bool part_local_op(struct engine *e, struct part *p, struct op *ret_op);
void part_maildir(struct engine *e, struct part *p, const struct event_maildir *answer);
/* The parked recipients of all parts as one more part; NULL when there are none. */
struct part *part_join_parked(struct engine *e, struct attempt *a);
void part_piece_over(struct engine *e, struct piece *piece, const struct transaction_end *end);
void smarthost_name(const struct engine *e, const struct credential *credential, struct buffer *out);
void attempts_release_held(struct engine *e); /* what A23b holds is due again */
void attempt_credential(const struct engine *e, const struct attempt *a, struct credential *ret_credential);

/* ---- attempt_end.c ---- */

/* The attempt goes on: what is delivered already is given to settle when its time has come. */
void attempt_settle_early(struct engine *e, struct attempt *a);
/* All parts are over: the rest is settle's, once it has what it got early. */
void attempt_finish(struct engine *e, struct attempt *a);
