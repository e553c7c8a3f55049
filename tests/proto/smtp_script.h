/* Dialogues of the outbound session as data: a script says what the server says, what the client must say and what its
 * owner must be told. One script is run whole, octet by octet and at random cuts, and must hold each time.
 *
 * A script is text, a line each; `have` runs it.
 *
 *     < text             the server says it (CRLF is added); adjacent ones arrive together, cut as the run says
 *     > text             the client must have said just that
 *     + text             its owner must have been told just that: see smtp_script.c for the words
 *     * verb words       something happens: see the table of verbs in smtp_script.c
 *     # remark
 *
 * Before anything arrives or happens all that was said and told must have been named: nothing goes out early. */
#pragma once

#include "proto/smtp_client.h"

enum { SCRIPT_RUNS = 8 }; /* 0: whole, 1: octet by octet, then random cuts */

struct script {
    const char *name;
    enum smtp_client_tls tls;
    const struct smtp_client_login *login;
    const char *text;
};

void script_run(const struct script *script, unsigned run);
void script_run_all(const struct script *scripts, size_t count);

/* ---- pieces of scripts ---- */

#define EHLO(offers) "< 220 mx.example ESMTP\n> EHLO me.example\n< 250-mx.example\n" offers "+ ready\n"
#define OFFERS(offers) SMTP_CLIENT_TLS_OFF, NULL, EHLO(offers)
#define LOCKSTEP OFFERS("< 250 ENHANCEDSTATUSCODES\n")
#define PIPELINED OFFERS("< 250-PIPELINING\n< 250 8BITMIME\n")
#define MAIL "> MAIL FROM:<a@here.example>\n"
#define RCPT(name) "> RCPT TO:<" name "@x.example>\n"
#define ALL_SAID MAIL "> RCPT TO:<b@there.example>\n> DATA\n"
#define GONE(words) "+ close " words "\n"
#define RSET "> RSET\n* check no accepts\n< 250 reset\n* check idle\n"
#define BODY                          \
    "> Subject: x\n"                  \
    "> \n"                            \
    "> hi\n"                          \
    "> .\n"
