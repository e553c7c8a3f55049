/* Private to the three files of the outbound session: smtp_client.c (the machine: input, output, states, time),
 * smtp_client_open.c (from the banner to READY), smtp_client_mail.c (transactions). One module, cut for its length.
 *
 * Who answers what: each command line adds one to the replies that are expected once it has been handed out. A reply
 * that nothing handed out has asked for is never taken as the answer to a later command: a server whose replies are
 * one ahead would otherwise say 250 to a message that it has not read. */
#pragma once

#include "proto/smtp_client.h"

enum { SMTP_CLIENT_COMMAND_SIZE_MAX = 4 << 10 }; /* of one command but AUTH; so much room is there before one is said */

/* ---- smtp_client.c ---- */

void smtp_client_set_state(struct smtp_client *c, enum smtp_client_state state);
/* What begins at `from` in unsent is a command: its CRLF is added, an answer is expected. The transcript gets `shown`,
 * where that is not NULL, instead of the line. transcript NULL: none. */
void smtp_client_command_end(struct smtp_client *c, struct buffer *transcript, size_t from, const char *shown);
void smtp_client_command(struct smtp_client *c, struct buffer *transcript, const char *line);
/* A line of a transcript: "C: " or "S: " and the text. */
void smtp_client_note(const struct smtp_client *c, struct buffer *transcript, const char *prefix, struct slice text);
/* Octets that may be added to unsent, SMTP_CLIENT_COMMAND_SIZE_MAX kept free for the next command. */
size_t smtp_client_room(const struct smtp_client *c);

/* An outcome of our own (the enhanced code follows), and one that the server has said. */
struct outcome smtp_client_outcome(const struct smtp_client *c, enum outcome_class class, enum stage stage,
                                   enum outcome_cause cause);
struct outcome smtp_client_outcome_of(const struct smtp_client *c, enum stage stage, const struct smtp_reply *reply);

/* The session ends once what has been received is read; a later and better reason replaces this one. */
void smtp_client_end_after_input(struct smtp_client *c, struct outcome why);
/* It ends now; nothing more is read. polite: QUIT is said, its answer is not waited for. */
void smtp_client_end_now(struct smtp_client *c, struct outcome why, bool polite);
/* ... for what is not SMTP, or not what SMTP allows here. */
void smtp_client_end_protocol(struct smtp_client *c, enum stage stage, const char *fault);

static inline bool smtp_client_ending(const struct smtp_client *c) /* or ended */
{
    return c->end.class != OUTCOME_NONE;
}

static inline size_t smtp_client_unread(const struct smtp_client *c)
{
    return c->input.size - c->input_from;
}

/* ---- smtp_client_open.c ---- */

void smtp_client_open_reply(struct smtp_client *c, const struct smtp_reply *reply);
void smtp_client_open_tls_up(struct smtp_client *c, const struct smtp_client_tls_up *up);
enum stage smtp_client_open_stage(const struct smtp_client *c);
void smtp_client_sasl_drop(struct smtp_client *c);

/* ---- smtp_client_mail.c ---- */

enum smtp_client_fate {
    SMTP_CLIENT_FATE_OPEN,     /* RCPT is not answered */
    SMTP_CLIENT_FATE_ACCEPTED, /* ... is answered 2xx: the rest decides */
    SMTP_CLIENT_FATE_HELD,     /* ... 4xx, and a 5xx to another may yet decide (A20) */
    SMTP_CLIENT_FATE_TOLD,     /* its RESULT was output */
};

/* A 4xx that is held back; its text lies in held_texts. */
struct smtp_client_held {
    struct enhanced_code enhanced;
    uint16_t code;
    uint16_t text_size;
    uint32_t text_from;
    bool too_many;
};

/* A transaction's steps are MAIL, a RCPT for each recipient, DATA, the dot; `sent` and `answered` count them. */
struct smtp_client_slot {
    const struct smtp_client_transaction *transaction;
    uint64_t tag;              /* outlives END, for the transcript; 0: never used */
    struct outcome rest;       /* once decided: of all who were not told; its text is in said */
    struct buffer said;
    struct buffer transcript;
    struct body_writer writer;
    uint8_t *fates;            /* enum smtp_client_fate, a recipient each */
    uint32_t fates_capacity;
    struct smtp_client_held *held; /* a recipient each; only for A20 */
    uint32_t held_capacity;
    struct buffer held_texts;
    uint32_t sent;
    uint32_t answered;
    uint32_t accepted;         /* recipients */
    uint32_t told;
    uint32_t tell_from;        /* recipients before it have nothing to be told now */
    uint32_t asked_size;       /* of the NEED_BODY that was output */
    bool asked;                /* and not answered */
    bool decided;              /* `rest` holds */
    bool tell_held;            /* no A20 any more */
    bool refused;              /* A20: a 5xx to RCPT; rest is ready, and holds when all is answered */
    bool replied;
    bool mail_accepted;
    bool body;                 /* 354 was read: the body is on its way or was */
    bool lone;                 /* 354 though nobody was accepted: a dot without a body */
    bool dot_out;              /* the dot of a body was handed out */
};

void smtp_client_slot_begin(struct smtp_client *c, const struct smtp_client_transaction *transaction);
/* The answer to the oldest unanswered step of the oldest transaction. True: *ret_output is a RESULT. */
bool smtp_client_slot_reply(struct smtp_client *c, const struct smtp_reply *reply,
                            struct smtp_client_output *ret_output);
/* An error reply while the body is on its way: what it says is taken for what becomes of the message. */
void smtp_client_slot_interrupted(struct smtp_client *c, const struct smtp_reply *reply);
/* Says the commands that may be said now. */
void smtp_client_slots_say(struct smtp_client *c);
/* NEED_BODY, when octets are wanted and there is room for them. */
bool smtp_client_slots_need_body(struct smtp_client *c, struct smtp_client_output *ret_output);
void smtp_client_slot_body(struct smtp_client *c, const struct smtp_client_body *body);
/* A RESULT or the END that is owed for the oldest transaction. After its END it is no longer in flight. */
bool smtp_client_slot_tell(struct smtp_client *c, struct smtp_client_output *ret_output);
/* The session is over: what is not decided follows from c->end. */
void smtp_client_slots_lose(struct smtp_client *c);
/* All of unsent was handed out. */
void smtp_client_slots_handed_out(struct smtp_client *c);
/* Nothing is in flight: keeps the memory of one transaction for the next, if it is no more than room octets. */
void smtp_client_slots_release(struct smtp_client *c, size_t room);
void smtp_client_slots_free(struct smtp_client *c);
enum stage smtp_client_slot_stage(const struct smtp_client_slot *slot);

/* The oldest transaction in flight; NULL: none. */
static inline struct smtp_client_slot *smtp_client_slot(const struct smtp_client *c)
{
    return c->slot_count > 0 ? c->slots[c->slot_first] : NULL;
}

static inline struct smtp_client_slot *smtp_client_slot_last(const struct smtp_client *c)
{
    return c->slot_count > 0 ? c->slots[(c->slot_first + c->slot_count - 1) % SMTP_CLIENT_IN_FLIGHT_MAX] : NULL;
}

static inline bool smtp_client_slot_dotted(const struct smtp_client_slot *slot) /* the dot stands in unsent or is out */
{
    return slot->sent == slot->transaction->recipient_count + 3;
}
