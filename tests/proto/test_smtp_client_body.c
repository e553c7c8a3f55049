/* What is offered decides what is said (A42, A43, REQUIRETLS, DSN); bodies; what happens between transactions: scripts,
 * see smtp_script.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "smtp_script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What is offered decides what is said; what is needed and not offered is not sent. */
static const struct script offers[] = {
    { "nothing offered, nothing asked", OFFERS("< 250 HELP\n")
      "* mail 1 ret=hdrs envid=e1 orcpt=rfc822;o@x.example notify=14\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n" },
    { "all offered", OFFERS("< 250-SIZE 1000\n< 250-8BITMIME\n< 250-SMTPUTF8\n< 250 DSN\n")
      "* mail 1 8bit utf8 ret=hdrs envid=e+1=\x01 orcpt=rfc822;o+1=@x.example notify=14\n"
      "> MAIL FROM:<a@here.example> SIZE=18 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e+2B1+3D+01\n"
      "< 250 ok\n"
      "> RCPT TO:<b@there.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;o+2B1+3D@x.example\n" },
    { "DSN, never", OFFERS("< 250 DSN\n")
      "* mail 1 ret=full notify=1\n"
      "> MAIL FROM:<a@here.example> RET=FULL\n"
      "< 250 ok\n"
      "> RCPT TO:<b@there.example> NOTIFY=NEVER\n" },
    { "ORCPT of RFC 6533 with SMTPUTF8", OFFERS("< 250-SMTPUTF8\n< 250 DSN\n")
      "* mail 1 utf8 orcpt=utf-8;caf\303\251+@x.example\n"
      "> MAIL FROM:<a@here.example> SMTPUTF8\n"
      "< 250 ok\n"
      "> RCPT TO:<b@there.example> ORCPT=utf-8;caf\303\251\\x{2B}@x.example\n" },
    { "ORCPT of RFC 6533 without", OFFERS("< 250 DSN\n")
      "* mail 1 orcpt=utf-8;caf\303\251+@x.example\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example> ORCPT=utf-8;caf\\x{E9}\\x{2B}@x.example\n" },
    { "ORCPT that is not UTF-8 after all", OFFERS("< 250 DSN\n")
      "* mail 1 orcpt=utf-8;a\377=@x.example\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example> ORCPT=utf-8;a?\\x{3D}@x.example\n" },
    { "null sender", OFFERS("< 250-SIZE\n< 250 DSN\n")
      "* mail 1 from= body=empty\n"
      "> MAIL FROM:<>\n" },
    { "A42: too large", OFFERS("< 250 SIZE 17\n")
      "* mail 1 to=b@x.example,c@x.example\n"
      "+ result 1.0 perm mail size 5.3.4\n"
      "+ result 1.1 perm mail size 5.3.4\n"
      "+ end 1\n"
      "* check idle\n"
      "* mail 2 body=open\n"
      "> MAIL FROM:<a@here.example> SIZE=14\n" },
    { "A42: just fits", OFFERS("< 250 SIZE 18\n")
      "* mail 1\n"
      "> MAIL FROM:<a@here.example> SIZE=18\n" },
    { "A42: no limit", OFFERS("< 250 SIZE 0\n")
      "* mail 1 size=99999999999\n"
      "> MAIL FROM:<a@here.example> SIZE=99999999999\n" },
    { "A42: an estimate refuses nothing", OFFERS("< 250 SIZE 17\n")
      "* mail 1 estimate\n"
      MAIL },
    { "A42: an estimate refuses what is surely too large", OFFERS("< 250 SIZE 17\n")
      "* mail 1 estimate least=18\n"
      "+ result 1.0 perm mail size 5.3.4\n"
      "+ end 1\n"
      "* mail 2 estimate least=17\n"
      MAIL },
    { "A42: an estimate is told where it fits", OFFERS("< 250 SIZE 100\n")
      "* mail 1 estimate size=50\n"
      "> MAIL FROM:<a@here.example> SIZE=50\n" },
    { "A43: SMTPUTF8 not offered", OFFERS("< 250 8BITMIME\n")
      "* mail 1 utf8\n"
      "+ result 1.0 perm mail smtputf8 5.6.7\n"
      "+ end 1\n"
      "* check idle\n" },
    { "REQUIRETLS in clear", OFFERS("< 250 REQUIRETLS\n")
      "* mail 1 requiretls\n"
      "+ result 1.0 perm mail tls-not-offered 5.7.30\n"
      "+ end 1\n" },
    { "REQUIRETLS not offered", SMTP_CLIENT_TLS_IMPLICIT, NULL,
      "+ start-tls\n"
      "* tls-up verified\n"
      EHLO("< 250 DSN\n")
      "* mail 1 requiretls\n"
      "+ result 1.0 perm mail tls-not-offered 5.7.30 tls\n"
      "+ end 1\n" },
    { "REQUIRETLS", SMTP_CLIENT_TLS_IMPLICIT, NULL,
      "+ start-tls\n"
      "* tls-up verified\n"
      EHLO("< 250 REQUIRETLS\n")
      "* mail 1 requiretls\n"
      "> MAIL FROM:<a@here.example> REQUIRETLS\n" },
    { "refused here with one in flight", OFFERS("< 250-PIPELINING\n< 250 SIZE 18\n")
      "* mail 1\n"
      "> MAIL FROM:<a@here.example> SIZE=18\n"
      "> RCPT TO:<b@there.example>\n"
      "> DATA\n"
      "< 250 ok\n"
      "< 250 ok\n"
      "< 354 go\n"
      BODY
      "* mail 2 body=dots size=19\n"
      "< 250 ok\n"
      "+ result 1.0 ok dot reply 250 2.0.0: ok\n"
      "+ end 1 dot replied\n"
      "+ result 2.0 perm mail size 5.3.4\n"
      "+ end 2\n"
      "* check idle\n" },
};

#define SAID_TO_DATA(body)                                                                                            \
    "* mail 1 body=" body "\n" ALL_SAID "< 250 ok\n< 250 ok\n< 354 go\n"

static const struct script bodies[] = {
    { "dots", PIPELINED
      SAID_TO_DATA("dots")
      "> ..\n"
      "> ...\n"
      "> a.\n"
      "> ..b\n"
      "> \n"
      "> ..\n"
      "> .\n" },
    { "dots, supplied without knowing the end", PIPELINED
      SAID_TO_DATA("dots estimate size=3")
      "> ..\n"
      "> ...\n"
      "> a.\n"
      "> ..b\n"
      "> \n"
      "> ..\n"
      "> .\n" },
    { "empty", PIPELINED SAID_TO_DATA("empty") "> .\n" },
    { "empty, not known before", PIPELINED SAID_TO_DATA("empty estimate size=7") "> .\n" },
    { "no line end at the end", PIPELINED SAID_TO_DATA("open") "> no end of line\n> .\n" },
    { "supplied later", PIPELINED
      "* slow-body\n"
      SAID_TO_DATA("short")
      "* check need\n"
      "* early\n"
      "* check no accepts\n" },
    { "not supplied", PIPELINED
      "* slow-body\n"
      SAID_TO_DATA("short")
      "* tick\n"
      "+ result 1.0 temp data local 4.3.0\n"
      "+ end 1 replied\n"
      GONE("abort temp data local 4.3.0") },
    { "cannot be read", PIPELINED
      "* slow-body\n"
      SAID_TO_DATA("short")
      "* body-failed\n"
      "+ result 1.0 temp data local 4.3.0\n"
      "+ end 1 replied\n"
      GONE("abort temp data local 4.3.0") },
    { "supplied when it is over", PIPELINED
      "* slow-body\n"
      SAID_TO_DATA("short")
      "* lost\n"
      "+ result 1.0 temp data lost 4.4.2\n"
      "+ end 1 replied\n"
      GONE("abort temp data lost 4.4.2")
      "* body\n" },
    { "an error while it is awaited", PIPELINED
      "* slow-body\n"
      SAID_TO_DATA("short")
      "< 552 5.3.4 too large\n"
      "+ result 1.0 perm data reply 552 5.3.4: too large\n"
      "+ end 1 replied\n"
      GONE("abort perm data reply 552 5.3.4: too large")
      "* body\n" },
    { "421 while it is awaited", PIPELINED
      "* slow-body\n"
      SAID_TO_DATA("short")
      "< 421 4.3.2 bye\n"
      "+ result 1.0 temp data reply 421 4.3.2: bye\n"
      "+ end 1 replied\n"
      GONE("abort temp data reply 421 4.3.2: bye") },
    { "250 while it is awaited", PIPELINED
      "* slow-body\n"
      SAID_TO_DATA("short")
      "< 250 done\n"
      "+ result 1.0 temp data protocol 4.5.0: a reply to nothing\n"
      "+ end 1 replied\n"
      GONE("abort temp data protocol 4.5.0: a reply to nothing") },
};

/* A body with a bare CR, LF or NUL in it (a damaged disk) is never finished. What was said before depends on the cuts. */
static void test_body_damaged(void **state)
{
    static const char *const rows[][2] = {
        { "cr", "the body is not canonical" },
        { "lf", "the body is not canonical" },
        { "nul", "the body is not canonical" },
        { "cr-end", "the body ends in the middle of a line end" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[1024];
        snprintf(text, sizeof text, EHLO("< 250-PIPELINING\n< 250 8BITMIME\n")
                 "* mail 1 body=%s\n" ALL_SAID "< 250 ok\n< 250 ok\n< 354 go\n"
                 "+ result 1.0 temp data local 4.3.0: %s\n"
                 "+ end 1 replied\n"
                 GONE("abort temp data local 4.3.0: %s"), rows[i][0], rows[i][1], rows[i][1]);
        const struct script script = { rows[i][0], SMTP_CLIENT_TLS_OFF, NULL, text };
        script_run(&script, 0);
    }
}

/* Between transactions. */
static const struct script between[] = {
    { "idle", LOCKSTEP
      "* early\n"
      "* tick\n"
      "> QUIT\n"
      "* early\n"
      "* tick\n"
      "+ close ok  none 2.0.0\n" },
    { "421 when idle", LOCKSTEP
      "< 421 4.4.2 timeout\n"
      GONE("temp mail reply 421 4.4.2: timeout") },
    { "lost when idle", LOCKSTEP "* lost\n" GONE("temp mail lost 4.4.2") },
    { "a reply when idle", LOCKSTEP "< 250 ok\n" GONE("temp mail protocol 4.5.0: a reply to nothing") },
    { "aborted when idle", LOCKSTEP "* abort\n" GONE("abort temp mail local 4.3.0") },
    { "what comes after the end is nothing", LOCKSTEP
      "< 250 ok\n"
      GONE("temp mail protocol 4.5.0: a reply to nothing")
      "< 421 bye\n"
      "* lost\n"
      "* abort\n"
      "* quit\n"
      "* tls-failed\n"
      "* tls-up verified\n"
      "* body-failed\n"
      "* check no accepts\n"
      "* check no idle\n" },
    { "stale: lost", LOCKSTEP
      "* mail 1 body=empty\n"
      MAIL
      "* lost\n"
      "+ result 1.0 temp mail lost 4.4.2\n"
      "+ end 1\n"
      GONE("temp mail lost 4.4.2") },
    { "stale: 421", LOCKSTEP
      "* mail 1 body=empty\n"
      MAIL
      "< 421 4.4.2 timeout\n"
      "+ result 1.0 temp mail reply 421 4.4.2: timeout\n"
      "+ end 1\n"
      GONE("temp mail reply 421 4.4.2: timeout") },
    { "answers to QUIT", LOCKSTEP "* quit\n> QUIT\n< 421 bye\n+ close ok  none 2.0.0\n" },
    { "garbage to QUIT", LOCKSTEP "* quit\n> QUIT\n< bye\n+ close ok  none 2.0.0\n" },
    { "QUIT twice, then lost", LOCKSTEP "* quit\n> QUIT\n* quit\n* lost\n+ close ok  none 2.0.0\n" },
    { "aborted at the dot", LOCKSTEP
      "* mail 1 body=empty\n"
      MAIL
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n"
      "< 250 ok\n"
      "> DATA\n"
      "< 354 go\n"
      "> .\n"
      "* abort\n"
      "+ result 1.0 temp dot local 4.3.0 in-doubt\n"
      "+ end 1 dot replied\n"
      GONE("abort temp dot local 4.3.0") },
};

static void test_offers(void **state)
{
    script_run_all(offers, COUNT(offers));
}

static void test_bodies(void **state)
{
    script_run_all(bodies, COUNT(bodies));
}

static void test_between(void **state)
{
    script_run_all(between, COUNT(between));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_body_damaged),
        cmocka_unit_test(test_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
