/* The outbound session held against scripts: see smtp_script.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "smtp_script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- openings ---- */

#define PLAIN_OPENING                 \
    "< 220 mx.example ESMTP\n"        \
    "> EHLO me.example\n"             \
    "< 250-mx.example\n"              \
    "< 250 ENHANCEDSTATUSCODES\n"     \
    "+ ready\n"

#define PIPELINING_OPENING            \
    "< 220 mx.example ESMTP\n"        \
    "> EHLO me.example\n"             \
    "< 250-mx.example\n"              \
    "< 250-PIPELINING\n"              \
    "< 250 8BITMIME\n"                \
    "+ ready\n"

#define QUIT                                  \
    "* quit\n"                                \
    "> QUIT\n"                                \
    "< 221 2.0.0 Bye\n"                       \
    "+ close ok  none 2.0.0\n"

#define BODY                          \
    "> Subject: x\n"                  \
    "> \n"                            \
    "> hi\n"                          \
    "> .\n"

static const struct script basic[] = {
    { "lockstep", SMTP_CLIENT_TLS_OFF, NULL,
      PLAIN_OPENING
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
    { "pipelining", SMTP_CLIENT_TLS_OFF, NULL,
      PIPELINING_OPENING
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
    { "next envelope behind the dot", SMTP_CLIENT_TLS_OFF, NULL,
      PIPELINING_OPENING
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
    { "in doubt", SMTP_CLIENT_TLS_OFF, NULL,
      PLAIN_OPENING
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

static void test_basic(void **state)
{
    script_run_all(basic, COUNT(basic));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
