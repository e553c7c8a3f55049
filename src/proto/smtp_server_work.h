/* Private to the three files of the inbound session: smtp_server.c (the machine: input, output, states, time),
 * smtp_server_read.c (lines and bodies), smtp_server_verb.c (what each command does). One module, cut for its length. */
#pragma once

#include "proto/sasl_server.h"
#include "proto/smtp_server.h"

struct smtp_server_work {
    union {
        struct smtp_mail mail;
        struct smtp_rcpt rcpt;
        struct sasl_server sasl;
    };
};

struct smtp_server_work *smtp_server_work(struct smtp_server *s); /* made when first needed */

void smtp_server_set_state(struct smtp_server *s, enum smtp_server_state state);
/* A question is open from now on; it is the next output. */
void smtp_server_ask(struct smtp_server *s, enum smtp_server_state state);
/* One reply line, for what is no refusal. */
void smtp_server_reply(struct smtp_server *s, unsigned code, const char *enhanced, const char *text);
/* Refuses in the machine's own name: told to the owner, counted when 5xx, and 421 when there are too many. */
void smtp_server_refuse(struct smtp_server *s, unsigned code, const char *enhanced, const char *text);
/* After the replies: nothing is read any more. Aborts an open transaction. */
void smtp_server_close(struct smtp_server *s, enum smtp_close reason);
/* MESSAGE_ABORT where a transaction is open; no transaction afterwards. */
void smtp_server_abort(struct smtp_server *s);
/* No transaction afterwards, nothing is told. */
void smtp_server_reset(struct smtp_server *s);
/* HELO, login, everything but the counters (RFC 3207 4.2). */
void smtp_server_forget(struct smtp_server *s);

static inline struct slice smtp_server_pending(const struct smtp_server *s) /* not read yet */
{
    return slice_after(buffer_slice(&s->input), s->input_from);
}

static inline bool smtp_server_blocked(const struct smtp_server *s) /* the client does not take its replies */
{
    return s->unsent + s->replies.size >= SMTP_SERVER_UNSENT_MAX;
}

extern const struct smtp_refusal smtp_server_too_large; /* 552 5.3.4 */

/* smtp_server_read.c. False: nothing whole is there. */
bool smtp_server_read_line(struct smtp_server *s);
/* One step through the body: false when it needs more input. A run that is wanted is in *ret_run. */
bool smtp_server_read_body(struct smtp_server *s, struct slice *ret_run);

/* smtp_server_verb.c */
void smtp_server_command(struct smtp_server *s, struct slice line);
void smtp_server_sasl_line(struct smtp_server *s, struct slice line);
