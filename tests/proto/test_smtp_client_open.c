/* The opening against scripts: greeting, EHLO and HELO, STARTTLS (S06, S07), logins (A25, A33) with every mechanism, and
 * all that goes wrong there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "smtp_script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define OFF SMTP_CLIENT_TLS_OFF
#define OPPORTUNISTIC SMTP_CLIENT_TLS_OPPORTUNISTIC
#define DEMANDED SMTP_CLIENT_TLS_DEMANDED
#define IMPLICIT SMTP_CLIENT_TLS_IMPLICIT

#define GREETING "< 220 mx.example ESMTP\n> EHLO me.example\n"
#define CLOSED_BY_QUIT "> QUIT\n"

static const struct script greetings[] = {
    { "greeting refused", OFF, NULL,
      "< 554 5.7.1 no service for you\n"
      "+ failed perm banner reply 554 5.7.1: no service for you\n"
      CLOSED_BY_QUIT
      "+ close perm banner reply 554 5.7.1: no service for you\n" },
    { "no mail is taken here, RFC 7504", OFF, NULL,
      "< 521 no mail here\n"
      "+ failed perm banner reply 521 5.3.2: no mail here\n"
      CLOSED_BY_QUIT
      "+ close perm banner reply 521 5.3.2: no mail here\n" },
    { "busy", OFF, NULL,
      "< 421 4.3.2 busy\n"
      "+ failed temp banner reply 421 4.3.2: busy\n"
      "+ close temp banner reply 421 4.3.2: busy\n" },
    { "long greeting", OFF, NULL,
      "< 220-mx.example\n"
      "< 220-\n"
      "< 220 welcome\n"
      "> EHLO me.example\n"
      "< 250 mx.example\n"
      "+ ready\n"
      "* check esmtp\n" },
    { "greeting that is none", OFF, NULL,
      "< 354 go\n"
      "+ failed temp banner protocol 4.5.0: no greeting\n"
      "+ close temp banner protocol 4.5.0: no greeting\n" },
    { "another protocol", OFF, NULL,
      "< SSH-2.0-OpenSSH_9.2\n"
      "+ failed temp banner protocol 4.5.0: no reply code\n"
      "+ close temp banner protocol 4.5.0: no reply code\n" },
    { "no greeting", OFF, NULL,
      "* early\n"
      "* tick\n"
      "+ failed temp banner timeout 4.4.2\n"
      "+ close temp banner timeout 4.4.2\n" },
    { "lost before the greeting", OFF, NULL,
      "* lost\n"
      "+ failed temp banner lost 4.4.2\n"
      "+ close temp banner lost 4.4.2\n" },
    { "EHLO not known", OFF, NULL,
      GREETING
      "< 502 5.5.1 what?\n"
      "> HELO me.example\n"
      "< 250 mx.example\n"
      "+ ready\n"
      "* check no esmtp\n"
      "* mail 1 body=empty\n"
      "> MAIL FROM:<a@here.example>\n"
      "< 250 ok\n"
      "> RCPT TO:<b@there.example>\n" },
    { "EHLO and HELO refused", OFF, NULL,
      GREETING
      "< 550 5.7.1 not you\n"
      "> HELO me.example\n"
      "< 550 5.7.1 not you either\n"
      "+ failed perm ehlo reply 550 5.7.1: not you either\n"
      CLOSED_BY_QUIT
      "+ close perm ehlo reply 550 5.7.1: not you either\n" },
    { "EHLO refused for now", OFF, NULL,
      GREETING
      "< 450 later\n"
      "+ failed temp ehlo reply 450 4.3.2: later\n"
      CLOSED_BY_QUIT
      "+ close temp ehlo reply 450 4.3.2: later\n" },
    { "421 to EHLO", OFF, NULL,
      GREETING
      "< 421 bye\n"
      "+ failed temp ehlo reply 421 4.3.2: bye\n"
      "+ close temp ehlo reply 421 4.3.2: bye\n" },
    { "354 to EHLO", OFF, NULL,
      GREETING
      "< 354 go\n"
      "+ failed temp ehlo protocol 4.5.0: an answer that EHLO does not have\n"
      "+ close temp ehlo protocol 4.5.0: an answer that EHLO does not have\n" },
    { "no answer to HELO", OFF, NULL,
      GREETING
      "< 500 what?\n"
      "> HELO me.example\n"
      "* tick\n"
      "+ failed temp ehlo timeout 4.4.2\n"
      "+ close temp ehlo timeout 4.4.2\n" },
    { "QUIT wanted before the greeting", OFF, NULL,
      "* quit\n"
      GREETING
      "< 250 mx.example\n"
      "+ ready\n"
      "> QUIT\n"
      "* check no accepts\n"
      "< 221 bye\n"
      "+ close ok  none 2.0.0\n" },
    { "aborted", OFF, NULL,
      GREETING
      "* abort\n"
      "+ failed temp ehlo local 4.3.0\n"
      "+ close abort temp ehlo local 4.3.0\n" },
};

#define EHLO_STARTTLS GREETING "< 250-mx.example\n< 250-PIPELINING\n< 250 STARTTLS\n"

static const struct script tls[] = {
    { "implicit", IMPLICIT, NULL,
      "+ start-tls\n"
      "* tls-up\n"
      "< 220 mx.example ESMTP\n"
      "> EHLO me.example\n"
      "< 250-mx.example\n"
      "< 250 STARTTLS\n"
      "+ ready\n" },
    { "implicit, no handshake", IMPLICIT, NULL,
      "+ start-tls\n"
      "* tick\n"
      "+ failed temp tls timeout 4.4.2\n"
      "+ close temp tls timeout 4.4.2\n" },
    { "implicit, refused", IMPLICIT, NULL,
      "+ start-tls\n"
      "* tls-failed\n"
      "+ failed temp tls tls-failed 4.7.5: alert\n"
      "+ close temp tls tls-failed 4.7.5: alert\n" },
    { "implicit, a greeting in clear", IMPLICIT, NULL,
      "+ start-tls\n"
      "< 220 mx.example ESMTP\n"
      "+ failed temp tls protocol 4.5.0: octets in clear where the handshake was due\n"
      "+ close temp tls protocol 4.5.0: octets in clear where the handshake was due\n" },
    { "what was offered in clear is forgotten", OPPORTUNISTIC, NULL,
      EHLO_STARTTLS
      "> STARTTLS\n"
      "< 220 go\n"
      "+ start-tls\n"
      "* check starttls\n"
      "* tls-up\n"
      "> EHLO me.example\n"
      "* check no starttls\n"
      "< 250 mx.example\n"
      "+ ready\n"
      "* mail 1 to=b@x.example,c@x.example\n"
      "> MAIL FROM:<a@here.example>\n" },
    { "not wanted", OFF, NULL, EHLO_STARTTLS "+ ready\n" },
    { "opportunistic, not offered", OPPORTUNISTIC, NULL, GREETING "< 250 mx.example\n+ ready\n" },
    { "opportunistic, refused", OPPORTUNISTIC, NULL, EHLO_STARTTLS "> STARTTLS\n< 454 4.7.0 no key\n+ ready\n" },
    { "opportunistic, 421", OPPORTUNISTIC, NULL,
      EHLO_STARTTLS
      "> STARTTLS\n"
      "< 421 4.3.0 bye\n"
      "+ failed temp tls reply 421 4.3.0: bye\n"
      "+ close temp tls reply 421 4.3.0: bye\n" },
    { "opportunistic, handshake fails", OPPORTUNISTIC, NULL,
      EHLO_STARTTLS
      "> STARTTLS\n"
      "< 220 go\n"
      "+ start-tls\n"
      "* tls-failed\n"
      "+ failed temp tls tls-failed 4.7.5: alert\n"
      "+ close temp tls tls-failed 4.7.5: alert\n" },
    { "demanded, not offered", DEMANDED, NULL,
      GREETING
      "< 250 mx.example\n"
      "+ failed temp tls tls-not-offered 4.7.4\n"
      CLOSED_BY_QUIT
      "+ close temp tls tls-not-offered 4.7.4\n" },
    { "demanded, HELO only", DEMANDED, NULL,
      GREETING
      "< 500 what?\n"
      "> HELO me.example\n"
      "< 250 mx.example\n"
      "+ failed temp tls tls-not-offered 4.7.4\n"
      CLOSED_BY_QUIT
      "+ close temp tls tls-not-offered 4.7.4\n" },
    { "demanded, refused", DEMANDED, NULL,
      EHLO_STARTTLS
      "> STARTTLS\n"
      "< 502 5.5.1 no\n"
      "+ failed temp tls tls-not-offered 4.7.4: no\n"
      CLOSED_BY_QUIT
      "+ close temp tls tls-not-offered 4.7.4: no\n" },
    { "demanded, 334", DEMANDED, NULL,
      EHLO_STARTTLS
      "> STARTTLS\n"
      "< 334 no\n"
      "+ failed temp tls protocol 4.5.0: an answer that STARTTLS does not have\n"
      "+ close temp tls protocol 4.5.0: an answer that STARTTLS does not have\n" },
    /* Not one octet more goes to whom policy does not accept. */
    { "not accepted", DEMANDED, NULL,
      EHLO_STARTTLS
      "> STARTTLS\n"
      "< 220 go\n"
      "+ start-tls\n"
      "* tls-up refused\n"
      "+ failed temp tls tls-unverified 4.7.5: wrong name\n"
      "+ close temp tls tls-unverified 4.7.5: wrong name\n" },
    { "lost in the handshake", DEMANDED, NULL,
      EHLO_STARTTLS
      "> STARTTLS\n"
      "< 220 go\n"
      "+ start-tls\n"
      "* lost\n"
      "+ failed temp tls lost 4.4.2\n"
      "+ close temp tls lost 4.4.2\n" },
    { "EHLO refused after the handshake", DEMANDED, NULL,
      EHLO_STARTTLS
      "> STARTTLS\n"
      "< 220 go\n"
      "+ start-tls\n"
      "* tls-up verified\n"
      "> EHLO me.example\n"
      "< 454 no\n"
      "+ failed temp ehlo reply 454 4.3.2 tls: no\n"
      CLOSED_BY_QUIT
      "+ close temp ehlo reply 454 4.3.2 tls: no\n" },
};

/* S06: whatever a man in the middle adds behind the answer, however it is cut from it. The words of the failure differ
 * by where the cut is; nothing else does, and nothing is said after STARTTLS. */
static void test_injection(void **state)
{
    static const char *const behind[] = { "250-x\r\n250 AUTH LOGIN\r\n", "2", "\r\n", "220 go\r\n", "\0" };
    for (size_t i = 0; i < COUNT(behind); i++) {
        for (size_t cut = 0; cut < 9; cut++) {
            struct now now = { 1, 1 };
            struct smtp_client c;
            struct smtp_client_options o = {
                .our_name = SLICE("me.example"), .tls = i % 2 == 0 ? DEMANDED : OPPORTUNISTIC, .banner_timeout_us = 1,
                .command_timeout_us = 1, .data_timeout_us = 1, .dot_timeout_us = 1, .idle_timeout_us = 1,
            };
            struct smtp_client_output out = { .kind = SMTP_CLIENT_NOTHING };
            char text[64];
            size_t size = (size_t)snprintf(text, sizeof text, "220 go\r\n%s", behind[i]);
            size += i == COUNT(behind) - 1 ? 1 : 0;
            const struct slice says[] = {
                SLICE("220 mx\r\n"), SLICE("250-mx\r\n250 STARTTLS\r\n"), slice(text, cut), slice(text + cut, size - cut),
            };
            bool failed = false, closed = false;
            smtp_client_init(&c, now, &o);
            for (size_t j = 0; j < COUNT(says); j++) {
                struct smtp_client_input input = { .kind = SMTP_CLIENT_INPUT_BYTES, .bytes = says[j] };
                smtp_client_feed(&c, now, &input);
                while (smtp_client_next(&c, &out)) {
                    assert_true(j < 2 || out.kind != SMTP_CLIENT_SEND);
                    if (out.kind == SMTP_CLIENT_FAILED) {
                        failed = true;
                        assert_int_equal(out.failed.stage, STAGE_TLS);
                        assert_int_equal(out.failed.cause, OUTCOME_CAUSE_PROTOCOL);
                    }
                    closed |= out.kind == SMTP_CLIENT_CLOSE;
                }
            }
            assert_true(failed && closed);
            smtp_client_done(&c);
        }
    }
}

/* ---- logins ---- */

#define NONCE "\x7f\x29\x28\xf9\xdd\xa5\x6d\xb1\x60\x38\xd4\x6f\xf6\xa9\x31\x75\xac\x0b"
#define PASSWORD(...)                                                                                                \
    { .credentials = { .user = SLICE("user"), .secret = SLICE("pencil"), .nonce = NONCE }, __VA_ARGS__ }
#define TOKEN(...)                                                                                                   \
    {                                                                                                                \
        .credentials = { .user = SLICE("user"), .secret = SLICE("TOKEN"), .token = true, .host = SLICE("mx.example"), \
                         .port = 587 },                                                                              \
        __VA_ARGS__                                                                                                  \
    }

static const struct smtp_client_login strict = PASSWORD(.optional = false);
static const struct smtp_client_login optional = PASSWORD(.optional = true);
static const struct smtp_client_login clear = PASSWORD(.allow_clear = true);
static const struct smtp_client_login unverified = PASSWORD(.allow_unverified = true);
static const struct smtp_client_login plain_only = PASSWORD(.mechanisms = 1u << SASL_PLAIN, .allow_clear = true);
static const struct smtp_client_login token = TOKEN(.allow_clear = true);

#define EHLO_AUTH(mechanisms) GREETING "< 250-mx.example\n< 250 AUTH " mechanisms "\n"
#define TLS_UP(how) EHLO_STARTTLS "> STARTTLS\n< 220 go\n+ start-tls\n* tls-up" how "\n> EHLO me.example\n"
#define AUTH_PLAIN "> AUTH PLAIN AHVzZXIAcGVuY2ls\n"
#define DONE "< 235 2.7.0 welcome\n+ ready\n* check authenticated\n"
#define FAILS(words) "+ failed " words "\n" CLOSED_BY_QUIT "+ close " words "\n"

#define SCRAM_1_FIRST "biwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM"
#define SCRAM_1_SERVER "cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng=="
#define SCRAM_1_PROOF                                                                                                \
    "Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZMVpWdldWczdqLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ=="
#define SCRAM_1_FINAL "dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9"

static const struct script logins[] = {
    { "PLAIN", OFF, &clear, EHLO_AUTH("PLAIN") AUTH_PLAIN DONE },
    { "LOGIN", OFF, &clear,
      EHLO_AUTH("LOGIN")
      "> AUTH LOGIN\n"
      "< 334 VXNlcm5hbWU6\n"
      "> dXNlcg==\n"
      "< 334 UGFzc3dvcmQ6\n"
      "> cGVuY2ls\n"
      DONE },
    { "LOGIN, asked in clear words", OFF, &clear,
      EHLO_AUTH("LOGIN")
      "> AUTH LOGIN\n"
      "< 334 Username:\n"
      "> dXNlcg==\n"
      "< 334\n"
      "> cGVuY2ls\n"
      DONE },
    { "CRAM-MD5 before PLAIN", OFF, &clear,
      EHLO_AUTH("PLAIN LOGIN CRAM-MD5")
      "> AUTH CRAM-MD5\n"
      "< 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\n"
      "> dXNlciAyNjZmODJiYjJkMWFjZTY3MjlkMmM1NzNlNGUwMDRjNg==\n"
      DONE },
    { "SCRAM-SHA-1", OFF, &clear,
      EHLO_AUTH("SCRAM-SHA-1 CRAM-MD5")
      "> AUTH SCRAM-SHA-1 " SCRAM_1_FIRST "\n"
      "< 334 " SCRAM_1_SERVER "\n"
      "> " SCRAM_1_PROOF "\n"
      "< 334 " SCRAM_1_FINAL "\n"
      "> \n"
      DONE },
    { "SCRAM-SHA-256, never bound in clear", OFF, &clear,
      EHLO_AUTH("SCRAM-SHA-1 SCRAM-SHA-256-PLUS SCRAM-SHA-256")
      "> AUTH SCRAM-SHA-256 " SCRAM_1_FIRST "\n"
      "< 334 cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wlaHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAscz1XMjJaYUowU05ZN3NvRXNVRWpi"
      "NmdRPT0saT00MDk2\n"
      "> Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMJWh2WURwV1VhMlJhVENBZnV4RklsailoTmxGJGswLHA9MkZVU04wcFBjUzdQOGhC"
      "aHN4QkpPaVVEYlJvVzRLVk5HWlQwTHhWblNlaz0=\n"
      "< 334 dj16Slpqc1ZwMmcrVzlqZDAxdmdic3NoaXBwZkgxc00wdExkQnZzK2UzREY0PQ==\n"
      "> \n"
      DONE },
    { "SCRAM-SHA-256-PLUS", DEMANDED, &strict,
      TLS_UP(" verified binding=0123456789abcdef")
      "< 250-mx.example\n"
      "< 250 AUTH PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS\n"
      "> AUTH SCRAM-SHA-256-PLUS cD10bHMtZXhwb3J0ZXIsLG49dXNlcixyPWZ5a28rZDJsYmJGZ09OUnY5cWt4ZGF3TA==\n"
      "< 334 cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0x4eXoscz1XMjJaYUowU05ZN3NvRXNVRWpiNmdRPT0saT00MDk2\n"
      "> Yz1jRDEwYkhNdFpYaHdiM0owWlhJc0xEQXhNak0wTlRZM09EbGhZbU5rWldZPSxyPWZ5a28rZDJsYmJGZ09OUnY5cWt4ZGF3THh5eixwPTdh"
      "V2lwQURnOUR4OFhJeFpLd3FQVVFHSWxZdmlyanRhanlhM2JxMU5zdFk9\n"
      "< 334 dj1vdkRqWnpCb1JJTkJ0Ti93RWVBemZKbmtiU1VUUE1EV01hSkdwcnoyNWxRPQ==\n"
      "> \n"
      DONE },
    { "OAUTHBEARER before XOAUTH2", OFF, &token,
      EHLO_AUTH("PLAIN XOAUTH2 OAUTHBEARER")
      "> AUTH OAUTHBEARER bixhPXVzZXIsAWhvc3Q9bXguZXhhbXBsZQFwb3J0PTU4NwFhdXRoPUJlYXJlciBUT0tFTgEB\n"
      DONE },
    { "OAUTHBEARER refused", OFF, &token,
      EHLO_AUTH("OAUTHBEARER")
      "> AUTH OAUTHBEARER bixhPXVzZXIsAWhvc3Q9bXguZXhhbXBsZQFwb3J0PTU4NwFhdXRoPUJlYXJlciBUT0tFTgEB\n"
      "< 334 eyJzdGF0dXMiOiI0MDEifQ==\n"
      "> AQ==\n"
      "< 535 5.7.8 expired\n"
      FAILS("perm auth reply 535 5.7.8: expired") },
    { "XOAUTH2", OFF, &token,
      EHLO_AUTH("PLAIN XOAUTH2")
      "> AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIFRPS0VOAQE=\n"
      DONE },
    { "XOAUTH2 refused", OFF, &token,
      EHLO_AUTH("XOAUTH2")
      "> AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIFRPS0VOAQE=\n"
      "< 334 eyJzdGF0dXMiOiI0MDEifQ==\n"
      "> \n"
      "< 535 5.7.8 expired\n"
      FAILS("perm auth reply 535 5.7.8: expired") },
    { "only what is allowed", OFF, &plain_only, EHLO_AUTH("LOGIN CRAM-MD5 PLAIN") AUTH_PLAIN DONE },
    { "none in common", OFF, &plain_only, EHLO_AUTH("GSSAPI LOGIN") FAILS("temp auth auth-no-mechanism 4.7.4") },
    { "not offered", OFF, &clear, GREETING "< 250 mx.example\n" FAILS("temp auth auth-no-mechanism 4.7.4") },
    { "not offered after HELO", OFF, &clear,
      GREETING "< 500 what?\n> HELO me.example\n< 250 mx.example\n" FAILS("temp auth auth-no-mechanism 4.7.4") },
    { "not offered, optional", OFF, &optional, GREETING "< 250 mx.example\n+ ready\n* check no authenticated\n" },
    { "not offered after HELO, optional", OFF, &optional,
      GREETING "< 500 what?\n> HELO me.example\n< 250 mx.example\n+ ready\n* check no authenticated\n" },
    { "wrong password", OFF, &clear,
      EHLO_AUTH("PLAIN LOGIN")
      AUTH_PLAIN
      "< 535 5.7.8 wrong\n"
      FAILS("perm auth reply 535 5.7.8: wrong") },
    { "no answer from their directory", OFF, &clear,
      EHLO_AUTH("PLAIN")
      AUTH_PLAIN
      "< 454 4.7.0 later\n"
      FAILS("temp auth reply 454 4.7.0: later") },
    { "password must be changed", OFF, &clear,
      EHLO_AUTH("PLAIN")
      AUTH_PLAIN
      "< 432 4.7.12 change it\n"
      FAILS("temp auth reply 432 4.7.12: change it") },
    { "530 at AUTH", OFF, &clear,
      EHLO_AUTH("PLAIN")
      AUTH_PLAIN
      "< 530 5.7.0 STARTTLS first\n"
      FAILS("perm auth reply 530 5.7.0: STARTTLS first") },
    { "421 at AUTH", OFF, &clear,
      EHLO_AUTH("PLAIN")
      AUTH_PLAIN
      "< 421 4.7.0 too many\n"
      "+ failed temp auth reply 421 4.7.0: too many\n"
      "+ close temp auth reply 421 4.7.0: too many\n" },
    { "the next mechanism", OFF, &clear,
      EHLO_AUTH("CRAM-MD5 PLAIN LOGIN")
      "> AUTH CRAM-MD5\n"
      "< 504 5.5.4 not for you\n"
      AUTH_PLAIN
      "< 534 5.7.9 too weak\n"
      "> AUTH LOGIN\n"
      "< 538 5.7.11 encrypt\n"
      FAILS("perm auth reply 538 5.7.11: encrypt") },
    { "a challenge that is not base64", OFF, &clear,
      EHLO_AUTH("CRAM-MD5 PLAIN")
      "> AUTH CRAM-MD5\n"
      "< 334 what?\n"
      "> *\n"
      "< 501 5.7.0 cancelled\n"
      AUTH_PLAIN
      DONE },
    { "a challenge too many", OFF, &plain_only,
      EHLO_AUTH("PLAIN")
      AUTH_PLAIN
      "< 334 Z28gb24=\n"
      "> *\n"
      "< 501 5.7.0 cancelled\n"
      FAILS("temp auth protocol 4.5.0: the challenge is not one of the mechanism") },
    { "challenges without end", OFF, &clear,
      EHLO_AUTH("LOGIN")
      "> AUTH LOGIN\n"
      "< 334\n"
      "> dXNlcg==\n"
      "< 334\n"
      "> cGVuY2ls\n"
      "< 334\n"
      "> *\n"
      "< 334\n"
      "+ failed temp auth protocol 4.5.0: a challenge after the login was cancelled\n"
      "+ close temp auth protocol 4.5.0: a challenge after the login was cancelled\n" },
    { "welcome after the login was cancelled", OFF, &plain_only,
      EHLO_AUTH("PLAIN")
      AUTH_PLAIN
      "< 334 Z28gb24=\n"
      "> *\n"
      "< 235 welcome\n"
      "+ failed temp auth protocol 4.5.0: an answer that AUTH does not have\n"
      "+ close temp auth protocol 4.5.0: an answer that AUTH does not have\n" },
    /* What fails to prove itself gets no password by a weaker mechanism. */
    { "SCRAM without its proof", OFF, &clear,
      EHLO_AUTH("SCRAM-SHA-1 PLAIN")
      "> AUTH SCRAM-SHA-1 " SCRAM_1_FIRST "\n"
      "< 235 2.7.0 welcome\n"
      FAILS("temp auth protocol 4.5.0: the server has not proved that it knows the password") },
    { "SCRAM with a wrong proof", OFF, &clear,
      EHLO_AUTH("SCRAM-SHA-1 PLAIN")
      "> AUTH SCRAM-SHA-1 " SCRAM_1_FIRST "\n"
      "< 334 " SCRAM_1_SERVER "\n"
      "> " SCRAM_1_PROOF "\n"
      "< 334 dj1zbUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9\n"
      "> *\n"
      "< 501 cancelled\n"
      FAILS("temp auth protocol 4.5.0: the server's proof of the login is wrong") },
    { "lost at AUTH", OFF, &clear,
      EHLO_AUTH("PLAIN")
      AUTH_PLAIN
      "* lost\n"
      "+ failed temp auth lost 4.4.2\n"
      "+ close temp auth lost 4.4.2\n" },
    { "no answer to a response", OFF, &clear,
      EHLO_AUTH("LOGIN")
      "> AUTH LOGIN\n"
      "< 334\n"
      "> dXNlcg==\n"
      "* tick\n"
      "+ failed temp auth timeout 4.4.2\n"
      "+ close temp auth timeout 4.4.2\n" },
    { "354 at AUTH", OFF, &clear,
      EHLO_AUTH("PLAIN")
      AUTH_PLAIN
      "< 354 go\n"
      "+ failed temp auth protocol 4.5.0: an answer that AUTH does not have\n"
      "+ close temp auth protocol 4.5.0: an answer that AUTH does not have\n" },

    /* A33: not one octet of it, not the mechanism's name, on a link that is not what is asked for. */
    { "never in clear", OFF, &strict, EHLO_AUTH("PLAIN SCRAM-SHA-256") FAILS("temp auth auth-clear 4.7.11") },
    { "never in clear, not when offered later", OFF, &strict, GREETING "< 250 mx.example\n"
      FAILS("temp auth auth-clear 4.7.11") },
    { "never in clear, though optional", OFF, &optional, EHLO_AUTH("PLAIN") FAILS("temp auth auth-clear 4.7.11") },
    { "never in clear, though STARTTLS was refused", OPPORTUNISTIC, &strict,
      GREETING
      "< 250-mx.example\n"
      "< 250-AUTH PLAIN\n"
      "< 250 STARTTLS\n"
      "> STARTTLS\n"
      "< 454 no\n"
      FAILS("temp auth auth-clear 4.7.11") },
    { "never unverified", OPPORTUNISTIC, &strict,
      TLS_UP("") "< 250-mx.example\n< 250 AUTH PLAIN\n" FAILS("temp auth auth-clear 4.7.11 tls") },
    { "never unverified because clear is allowed", OPPORTUNISTIC, &clear,
      TLS_UP("") "< 250-mx.example\n< 250 AUTH PLAIN\n" FAILS("temp auth auth-clear 4.7.11 tls") },
    { "never clear because unverified is allowed", OFF, &unverified,
      EHLO_AUTH("PLAIN") FAILS("temp auth auth-clear 4.7.11") },
    { "unverified where allowed", OPPORTUNISTIC, &unverified,
      TLS_UP("") "< 250-mx.example\n< 250 AUTH PLAIN\n" AUTH_PLAIN DONE },
    { "verified", DEMANDED, &strict, TLS_UP(" verified") "< 250-mx.example\n< 250 AUTH=PLAIN\n" AUTH_PLAIN DONE },
    /* What was offered in clear is nothing after the handshake. */
    { "AUTH offered in clear only", DEMANDED, &strict,
      GREETING
      "< 250-mx.example\n"
      "< 250-AUTH PLAIN\n"
      "< 250 STARTTLS\n"
      "> STARTTLS\n"
      "< 220 go\n"
      "+ start-tls\n"
      "* tls-up verified\n"
      "> EHLO me.example\n"
      "< 250 mx.example\n"
      FAILS("temp auth auth-no-mechanism 4.7.4 tls") },
};

static void test_greetings(void **state)
{
    script_run_all(greetings, COUNT(greetings));
}

static void test_tls(void **state)
{
    script_run_all(tls, COUNT(tls));
}

static void test_logins(void **state)
{
    script_run_all(logins, COUNT(logins));
}

/* RFC 4954 4: a response that does not fit the AUTH line waits for the first challenge. */
static void test_long_token(void **state)
{
    enum { TOKEN_SIZE = 3000 };
    struct smtp_client_login login = TOKEN(.allow_clear = true);
    struct buffer secret, text;
    buffer_init(&secret, TOKEN_SIZE);
    buffer_init(&text, 16 << 10);
    for (size_t i = 0; i < TOKEN_SIZE; i++)
        buffer_add_char(&secret, 'A');
    login.credentials.secret = buffer_slice(&secret);
    buffer_add_text(&text, EHLO_AUTH("XOAUTH2") "> AUTH XOAUTH2\n< 334\n> ");
    buffer_add_text(&text, "dXNlcj11c2VyAWF1dGg9QmVhcmVyIEFB"); /* "user=user", 1, "auth=Bearer AA" */
    for (size_t i = 2; i + 3 <= TOKEN_SIZE; i += 3)
        buffer_add_text(&text, "QUFB");
    buffer_add_text(&text, "QQEB\n" DONE); /* "A", 1, 1 */
    buffer_add_char(&text, '\0');
    const struct script one = { "long token", OFF, &login, text.data };
    script_run_all(&one, 1);
    buffer_done(&secret);
    buffer_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greetings), cmocka_unit_test(test_tls),        cmocka_unit_test(test_injection),
        cmocka_unit_test(test_logins),    cmocka_unit_test(test_long_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
