/* The outbound session held against scripts: see smtp_script.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "smtp_script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define QUIT                                  \
    "* quit\n"                                \
    "> QUIT\n"                                \
    "< 221 2.0.0 Bye\n"                       \
    "+ close ok  none 2.0.0\n"

static const struct script basic[] = {
    { "lockstep", LOCKSTEP
      "* check idle\n"
      "* mail 1 to=b@x.example,c@x.example\n"
      "> MAIL FROM:<a@here.example>\n"
      "< 250 2.1.0 ok\n"
      "> RCPT TO:<b@x.example>\n"
      "< 250 2.1.5 ok\n"
      "> RCPT TO:<c@x.example>\n"
      "< 250 2.1.5 ok\n"
      "> DATA\n"
      "* check no accepts\n"
      "< 354 go\n"
      BODY
      "* check no accepts\n"
      "< 250 2.0.0 queued as 1\n"
      "+ result 1.0 ok dot reply 250 2.0.0: queued as 1\n"
      "+ result 1.1 ok dot reply 250 2.0.0: queued as 1\n"
      "+ end 1 dot replied\n"
      "* check idle\n"
      "* check accepts\n"
      QUIT },
    { "pipelining", PIPELINED
      "* mail 1 to=b@x.example,c@x.example\n"
      "> MAIL FROM:<a@here.example>\n"
      "> RCPT TO:<b@x.example>\n"
      "> RCPT TO:<c@x.example>\n"
      "> DATA\n"
      "< 250 2.1.0 ok\n"
      "< 250 2.1.5 ok\n"
      "< 550 5.1.1 nobody\n"
      "< 354 go\n"
      "+ result 1.1 perm rcpt reply 550 5.1.1: nobody\n"
      BODY
      "< 250 ok\n"
      "+ result 1.0 ok dot reply 250 2.0.0: ok\n"
      "+ end 1 dot replied\n"
      QUIT },
    { "next envelope behind the dot", PIPELINED
      "* mail 1\n"
      "> MAIL FROM:<a@here.example>\n"
      "> RCPT TO:<b@there.example>\n"
      "> DATA\n"
      "< 250 ok\n"
      "< 250 ok\n"
      "< 354 go\n"
      BODY
      "* check accepts\n"
      "* mail 2 to=d@x.example\n"
      "> MAIL FROM:<a@here.example>\n"
      "> RCPT TO:<d@x.example>\n"
      "> DATA\n"
      "* check no accepts\n"
      "< 250 one\n"
      "< 250 ok\n"
      "< 250 ok\n"
      "< 354 go\n"
      "+ result 1.0 ok dot reply 250 2.0.0: one\n"
      "+ end 1 dot replied\n"
      BODY
      "< 451 4.3.0 two\n"
      "+ result 2.0 temp dot reply 451 4.3.0: two\n"
      "+ end 2 dot replied\n"
      QUIT },
    { "STARTTLS", SMTP_CLIENT_TLS_DEMANDED, NULL,
      "< 220 mx.example ESMTP\n"
      "> EHLO me.example\n"
      "< 250-mx.example\n"
      "< 250-PIPELINING\n"
      "< 250 STARTTLS\n"
      "> STARTTLS\n"
      "< 220 go\n"
      "+ start-tls\n"
      "* tls-up verified\n"
      "> EHLO me.example\n"
      "< 250 mx.example\n"
      "+ ready\n"
      "* check no starttls\n"
      "* mail 1\n"
      "> MAIL FROM:<a@here.example>\n"
      "< 550 no\n"
      "+ result 1.0 perm mail reply 550 5.0.0 tls: no\n"
      "+ end 1 replied\n"
      "* quit\n"
      "> QUIT\n"
      "< 221 2.0.0 Bye\n"
      "+ close ok  none 2.0.0 tls\n" },
    { "in doubt", LOCKSTEP
      "* mail 1\n"
      "> MAIL FROM:<a@here.example>\n"
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "< 250 ok\n"
      "> DATA\n"
      "< 354 go\n"
      BODY
      "* lost\n"
      "+ result 1.0 temp dot lost 4.4.2 in-doubt\n"
      "+ end 1 dot replied\n"
      "+ close temp dot lost 4.4.2\n" },
};

/* What each answer means, in lockstep. */
static const struct script answers[] = {
    { "MAIL refused", LOCKSTEP
      "* mail 1 to=b@x.example,c@x.example\n"
      MAIL
      "< 550 5.7.1 you again\n"
      "+ result 1.0 perm mail reply 550 5.7.1: you again\n"
      "+ result 1.1 perm mail reply 550 5.7.1: you again\n"
      "+ end 1 replied\n"
      "* check idle\n" },
    { "MAIL refused for now", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 451 later\n"
      "+ result 1.0 temp mail reply 451 4.0.0: later\n"
      "+ end 1 replied\n"
      "* mail 2\n"
      MAIL },
    { "all refused", LOCKSTEP
      "* mail 1 to=b@x.example,c@x.example\n"
      MAIL
      "< 250 ok\n"
      RCPT("b")
      "< 550 5.1.1 no b\n"
      "+ result 1.0 perm rcpt reply 550 5.1.1: no b\n"
      RCPT("c")
      "< 450 4.2.1 not now\n"
      "+ result 1.1 temp rcpt reply 450 4.2.1: not now\n"
      "+ end 1 replied\n"
      RSET
      "* mail 2\n"
      MAIL },
    { "DATA refused", LOCKSTEP
      "* mail 1 to=b@x.example,c@x.example\n"
      MAIL
      "< 250 ok\n"
      RCPT("b")
      "< 250 ok\n"
      RCPT("c")
      "< 550 no\n"
      "+ result 1.1 perm rcpt reply 550 5.0.0: no\n"
      "> DATA\n"
      "< 554 5.7.1 not this\n"
      "+ result 1.0 perm data reply 554 5.7.1: not this\n"
      "+ end 1 replied\n"
      RSET },
    { "message refused", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "< 251 will forward\n"
      "> DATA\n"
      "< 354 go\n"
      BODY
      "< 554-5.6.0 this is\n"
      "< 554 5.6.0 spam\n"
      "+ result 1.0 perm dot reply 554 5.6.0: this is|spam\n"
      "+ end 1 dot replied\n"
      "* check idle\n" },
    { "RSET refused", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "< 550 no\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no\n"
      "+ end 1 replied\n"
      "> RSET\n"
      "< 500 what?\n"
      "> QUIT\n"
      GONE("perm mail reply 500 5.0.0: what?") },
    { "354 to RSET", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "< 550 no\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no\n"
      "+ end 1 replied\n"
      "> RSET\n"
      "< 354 go\n"
      GONE("temp mail protocol 4.5.0: an answer that RSET does not have") },
    { "421 to RSET", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "< 550 no\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no\n"
      "+ end 1 replied\n"
      "> RSET\n"
      "< 421 bye\n"
      GONE("temp mail reply 421 4.0.0: bye") },
    { "no answer to RSET", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "< 550 no\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no\n"
      "+ end 1 replied\n"
      "> RSET\n"
      "* tick\n"
      GONE("temp mail timeout 4.4.2") },
    { "QUIT instead of RSET", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "* quit\n"
      "< 550 no\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no\n"
      "+ end 1 replied\n"
      "> QUIT\n"
      "< 500 what?\n"
      "+ close ok  none 2.0.0\n" },
    { "STARTTLS is asked for", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 530 5.7.0 Must issue a STARTTLS command first\n"
      "+ result 1.0 perm tls reply 530 5.7.0: Must issue a STARTTLS command first\n"
      "+ end 1 replied\n"
      "> QUIT\n"
      GONE("perm tls reply 530 5.7.0: Must issue a STARTTLS command first") },
    { "a login is asked for", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 530 5.7.0 Authentication required\n"
      "+ result 1.0 perm mail reply 530 5.7.0: Authentication required\n"
      "+ end 1 replied\n" },
    { "answers that the commands do not have", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 354 go\n"
      "+ result 1.0 temp mail protocol 4.5.0: an answer that the command does not have\n"
      "+ end 1\n"
      GONE("temp mail protocol 4.5.0: an answer that the command does not have") },
    { "250 to DATA", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "< 250 ok\n"
      "> DATA\n"
      "< 250 ok\n"
      "+ result 1.0 temp data protocol 4.5.0: an answer that the command does not have\n"
      "+ end 1 replied\n"
      GONE("temp data protocol 4.5.0: an answer that the command does not have") },
    { "354 to the dot", LOCKSTEP
      "* mail 1\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "< 250 ok\n"
      "> DATA\n"
      "< 354 go\n"
      BODY
      "< 354 go on\n"
      "+ result 1.0 temp dot protocol 4.5.0 in-doubt: an answer that the command does not have\n"
      "+ end 1 dot replied\n"
      GONE("temp dot protocol 4.5.0: an answer that the command does not have") },
};

static const struct script pipelined[] = {
    { "MAIL refused", PIPELINED
      "* mail 1\n"
      ALL_SAID
      "< 550 no\n"
      "+ result 1.0 perm mail reply 550 5.0.0: no\n"
      "< 503 MAIL first\n"
      "< 503 MAIL first\n"
      "+ end 1 replied\n"
      "* check idle\n" },
    { "MAIL refused, and yet 354", PIPELINED
      "* mail 1\n"
      ALL_SAID
      "< 550 no\n"
      "< 250 ok\n"
      "< 354 go\n"
      "+ result 1.0 perm mail reply 550 5.0.0: no\n"
      "> .\n"
      "< 250 queued\n"
      "+ end 1 replied\n"
      "* check idle\n" },
    { "all refused", PIPELINED
      "* mail 1 to=b@x.example,c@x.example\n"
      MAIL RCPT("b") RCPT("c") "> DATA\n"
      "< 250 ok\n"
      "< 550 no b\n"
      "< 550 no c\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no b\n"
      "+ result 1.1 perm rcpt reply 550 5.0.0: no c\n"
      "< 554 no valid recipients\n"
      "+ end 1 replied\n"
      RSET },
    { "all refused, and yet 354: nothing but a dot", PIPELINED
      "* mail 1 to=b@x.example,c@x.example\n"
      MAIL RCPT("b") RCPT("c") "> DATA\n"
      "< 250 ok\n"
      "< 550 no b\n"
      "< 450 no c\n"
      "< 354 go\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no b\n"
      "+ result 1.1 temp rcpt reply 450 4.0.0: no c\n"
      "> .\n"
      "< 554 no recipients\n"
      "+ end 1 replied\n"
      "* check idle\n" },
    { "lost after such a dot: nothing is in doubt", PIPELINED
      "* mail 1\n"
      ALL_SAID
      "< 250 ok\n"
      "< 550 no\n"
      "< 354 go\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no\n"
      "> .\n"
      "* lost\n"
      "+ end 1 replied\n"
      GONE("temp data lost 4.4.2") },
    { "mixed answers", PIPELINED
      "* mail 1 to=b@x.example,c@x.example,d@x.example,e@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d") RCPT("e") "> DATA\n"
      "< 250 ok\n"
      "< 250 ok\n"
      "< 450 c\n"
      "< 550 d\n"
      "< 250 ok\n"
      "+ result 1.1 temp rcpt reply 450 4.0.0: c\n"
      "+ result 1.2 perm rcpt reply 550 5.0.0: d\n"
      "< 354 go\n"
      BODY
      "< 250 done\n"
      "+ result 1.0 ok dot reply 250 2.0.0: done\n"
      "+ result 1.3 ok dot reply 250 2.0.0: done\n"
      "+ end 1 dot replied\n" },
    { "DATA refused, others before", PIPELINED
      "* mail 1 to=b@x.example,c@x.example\n"
      MAIL RCPT("b") RCPT("c") "> DATA\n"
      "< 250 ok\n"
      "< 250 ok\n"
      "< 450 c\n"
      "< 451 not now\n"
      "+ result 1.1 temp rcpt reply 450 4.0.0: c\n"
      "+ result 1.0 temp data reply 451 4.0.0: not now\n"
      "+ end 1 replied\n"
      RSET },
    { "the second refused while the first is not answered", PIPELINED
      "* mail 1\n"
      ALL_SAID
      "< 250 ok\n"
      "< 250 ok\n"
      "< 354 go\n"
      BODY
      "* mail 2\n"
      ALL_SAID
      "< 250 one\n"
      "< 250 ok\n"
      "< 550 no\n"
      "< 503 no\n"
      "+ result 1.0 ok dot reply 250 2.0.0: one\n"
      "+ end 1 dot replied\n"
      "+ result 2.0 perm rcpt reply 550 5.0.0: no\n"
      "+ end 2 replied\n"
      RSET
      "* mail 3\n"
      ALL_SAID },
    { "lost with two in flight", PIPELINED
      "* mail 1\n"
      ALL_SAID
      "< 250 ok\n"
      "< 250 ok\n"
      "< 354 go\n"
      BODY
      "* mail 2\n"
      ALL_SAID
      "* lost\n"
      "+ result 1.0 temp dot lost 4.4.2 in-doubt\n"
      "+ end 1 dot replied\n"
      "+ result 2.0 temp mail lost 4.4.2\n"
      "+ end 2\n"
      GONE("temp dot lost 4.4.2") },
    { "421 to the dot with two in flight", PIPELINED
      "* mail 1\n"
      ALL_SAID
      "< 250 ok\n"
      "< 250 ok\n"
      "< 354 go\n"
      BODY
      "* mail 2\n"
      ALL_SAID
      "< 421 4.3.2 bye\n"
      "+ result 1.0 temp dot reply 421 4.3.2: bye\n"
      "+ end 1 dot replied\n"
      "+ result 2.0 temp mail reply 421 4.3.2: bye\n"
      "+ end 2\n"
      GONE("temp dot reply 421 4.3.2: bye") },
    { "QUIT with two in flight", PIPELINED
      "* mail 1\n"
      ALL_SAID
      "< 250 ok\n"
      "< 250 ok\n"
      "< 354 go\n"
      BODY
      "* mail 2 body=empty\n"
      ALL_SAID
      "* quit\n"
      "< 250 one\n"
      "+ result 1.0 ok dot reply 250 2.0.0: one\n"
      "+ end 1 dot replied\n"
      "* check no accepts\n"
      "< 250 ok\n"
      "< 250 ok\n"
      "< 354 go\n"
      "> .\n"
      "< 250 two\n"
      "+ result 2.0 ok dot reply 250 2.0.0: two\n"
      "+ end 2 dot replied\n"
      "> QUIT\n"
      "* lost\n"
      "+ close ok  none 2.0.0\n" },
};

/* A20, A22. */
static const struct script rules[] = {
    { "A20: one refused, no DATA", PIPELINED
      "* mail 1 abort to=b@x.example,c@x.example,d@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d")
      "< 250 ok\n"
      "< 250 ok\n"
      "< 550 5.1.1 no c\n"
      "< 451 4.3.0 d later\n"
      "+ result 1.1 perm rcpt reply 550 5.1.1: no c\n"
      "+ result 1.0 perm rcpt sibling 5.0.0: c@x.example: 550 5.1.1 no c\n"
      "+ result 1.2 perm rcpt sibling 5.0.0: c@x.example: 550 5.1.1 no c\n"
      "+ end 1 replied\n"
      RSET },
    { "A20: each refused one has its own reply", PIPELINED
      "* mail 1 abort to=b@x.example,c@x.example,d@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d")
      "< 250 ok\n"
      "< 550 no b\n"
      "< 550 no c\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no b\n"
      "+ result 1.1 perm rcpt reply 550 5.0.0: no c\n"
      "< 250 ok\n"
      "+ result 1.2 perm rcpt sibling 5.0.0: b@x.example: 550 5.0.0 no b\n"
      "+ end 1 replied\n"
      RSET },
    { "A20: lockstep, nobody is asked any more", LOCKSTEP
      "* mail 1 abort to=b@x.example,c@x.example,d@x.example\n"
      MAIL
      "< 250 ok\n"
      RCPT("b")
      "< 550 no b\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: no b\n"
      "+ result 1.1 perm rcpt sibling 5.0.0: b@x.example: 550 5.0.0 no b\n"
      "+ result 1.2 perm rcpt sibling 5.0.0: b@x.example: 550 5.0.0 no b\n"
      "+ end 1 replied\n"
      RSET },
    { "A20: only 4xx, the others get it", PIPELINED
      "* mail 1 abort to=b@x.example,c@x.example,d@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d")
      "< 250 ok\n"
      "< 450 4.2.1 b later\n"
      "< 250 ok\n"
      "< 451 d later\n"
      "+ result 1.0 temp rcpt reply 450 4.2.1: b later\n"
      "+ result 1.2 temp rcpt reply 451 4.0.0: d later\n"
      "> DATA\n"
      "< 354 go\n"
      BODY
      "< 250 ok\n"
      "+ result 1.1 ok dot reply 250 2.0.0: ok\n"
      "+ end 1 dot replied\n" },
    { "A20: all 4xx", PIPELINED
      "* mail 1 abort to=b@x.example,c@x.example\n"
      MAIL RCPT("b") RCPT("c")
      "< 250 ok\n"
      "< 450 b\n"
      "< 450 c\n"
      "+ result 1.0 temp rcpt reply 450 4.0.0: b\n"
      "+ result 1.1 temp rcpt reply 450 4.0.0: c\n"
      "+ end 1 replied\n"
      RSET },
    { "A20: lost before all have answered", PIPELINED
      "* mail 1 abort to=b@x.example,c@x.example,d@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d")
      "< 250 ok\n"
      "< 450 b\n"
      "* lost\n"
      "+ result 1.0 temp rcpt reply 450 4.0.0: b\n"
      "+ result 1.1 temp rcpt lost 4.4.2\n"
      "+ result 1.2 temp rcpt lost 4.4.2\n"
      "+ end 1 replied\n"
      GONE("temp rcpt lost 4.4.2") },
    { "A20: lost after one was refused", PIPELINED
      "* mail 1 abort to=b@x.example,c@x.example,d@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d")
      "< 250 ok\n"
      "< 450 b\n"
      "< 550 c\n"
      "+ result 1.1 perm rcpt reply 550 5.0.0: c\n"
      "* lost\n"
      "+ result 1.0 perm rcpt sibling 5.0.0: c@x.example: 550 5.0.0 c\n"
      "+ result 1.2 perm rcpt sibling 5.0.0: c@x.example: 550 5.0.0 c\n"
      "+ end 1 replied\n"
      GONE("temp rcpt lost 4.4.2") },
    { "A20: 421 after one was refused", PIPELINED
      "* mail 1 abort to=b@x.example,c@x.example,d@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d")
      "< 250 ok\n"
      "< 550 b\n"
      "< 421 bye\n"
      "+ result 1.0 perm rcpt reply 550 5.0.0: b\n"
      "+ result 1.1 perm rcpt sibling 5.0.0: b@x.example: 550 5.0.0 b\n"
      "+ result 1.2 perm rcpt sibling 5.0.0: b@x.example: 550 5.0.0 b\n"
      "+ end 1 replied\n"
      GONE("temp rcpt reply 421 4.0.0: bye") },
    { "A22: too many", PIPELINED
      "* mail 1 to=b@x.example,c@x.example,d@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d") "> DATA\n"
      "< 250 ok\n"
      "< 250 ok\n"
      "< 452 4.5.3 too many\n"
      "< 552 too many\n"
      "+ result 1.1 too-many temp rcpt reply 452 4.5.3: too many\n"
      "+ result 1.2 too-many perm rcpt reply 552 5.0.0: too many\n"
      "< 354 go\n"
      BODY
      "< 250 ok\n"
      "+ result 1.0 ok dot reply 250 2.0.0: ok\n"
      "+ end 1 dot replied\n" },
    { "A22: not before one was accepted", PIPELINED
      "* mail 1 to=b@x.example,c@x.example\n"
      MAIL RCPT("b") RCPT("c") "> DATA\n"
      "< 250 ok\n"
      "< 452 4.5.3 too many\n"
      "< 552 5.5.3 too many\n"
      "< 554 nobody\n"
      "+ result 1.0 temp rcpt reply 452 4.5.3: too many\n"
      "+ result 1.1 perm rcpt reply 552 5.5.3: too many\n"
      "+ end 1 replied\n"
      RSET },
    { "A22: 552 of a full mailbox is a verdict", PIPELINED
      "* mail 1 to=b@x.example,c@x.example,d@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d") "> DATA\n"
      "< 250 ok\n"
      "< 250 ok\n"
      "< 552 5.2.2 full\n"
      "< 552 5.5.3 too many\n"
      "+ result 1.1 perm rcpt reply 552 5.2.2: full\n"
      "+ result 1.2 too-many perm rcpt reply 552 5.5.3: too many\n" },
    { "A22: 452 at MAIL is none", PIPELINED
      "* mail 1\n"
      ALL_SAID
      "< 452 4.3.1 full\n"
      "< 503 no\n"
      "< 503 no\n"
      "+ result 1.0 temp mail reply 452 4.3.1: full\n"
      "+ end 1 replied\n" },
    { "A20 with A22: too many is no refusal", PIPELINED
      "* mail 1 abort to=b@x.example,c@x.example,d@x.example\n"
      MAIL RCPT("b") RCPT("c") RCPT("d")
      "< 250 ok\n"
      "< 250 ok\n"
      "< 552 5.5.3 too many\n"
      "< 452 too many\n"
      "+ result 1.1 too-many perm rcpt reply 552 5.5.3: too many\n"
      "+ result 1.2 too-many temp rcpt reply 452 4.0.0: too many\n"
      "> DATA\n"
      "< 354 go\n"
      BODY
      "< 250 ok\n"
      "+ result 1.0 ok dot reply 250 2.0.0: ok\n"
      "+ end 1 dot replied\n" },
};

static void test_basic(void **state)
{
    script_run_all(basic, COUNT(basic));
}

static void test_answers(void **state)
{
    script_run_all(answers, COUNT(answers));
}

static void test_pipelined(void **state)
{
    script_run_all(pipelined, COUNT(pipelined));
}

static void test_rules(void **state)
{
    script_run_all(rules, COUNT(rules));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
