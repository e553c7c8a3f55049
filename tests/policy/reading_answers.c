/* What a candidate may say, and the rules' word for it: section 2, A7, A9, A13, A18, A20, A23a, A33, A38, A42, A43. */
#include "reading.h"

#define CODE(c, s, d) { .class = (c), .subject = (s), .detail = (d) }
#define SAID(class_, stage_, code_, text_) \
    .outcome = { .class = OUTCOME_##class_, .stage = STAGE_##stage_, .cause = OUTCOME_CAUSE_REPLY, .code = (code_), \
                 .text = { text_, sizeof(text_) - 1 } }
#define FELL(class_, stage_, cause_) \
    .outcome = { .class = OUTCOME_##class_, .stage = STAGE_##stage_, .cause = OUTCOME_CAUSE_##cause_ }
#define CLIENT .refusal = REFUSAL_CLIENT
#define RIGHT .refusal = REFUSAL_RIGHT
#define PACE .refusal = REFUSAL_PACE
#define BLOCKED "5.7.1 your address is on a blocklist"

const struct answer reading_direct[] = {
    { "ok", D_OK, SAID(OK, DOT, 250, "2.0.0 queued"), .delegate = true },
    /* A5: NXDOMAIN and NODATA: the same rule. */
    { "nxdomain", D_ABSENT, FELL(PERM, DNS, DNS_NXDOMAIN), .delegate = true },
    { "no address", D_ABSENT, FELL(PERM, DNS, DNS_NODATA) },
    { "dns temporary", D_DNS, FELL(TEMP, DNS, DNS_TEMP), .delegate = true },
    /* A7: "`MX 0 .` alone ... a `.` beside other MX is ignored". */
    { "null MX", D_NULL_MX, FELL(PERM, DNS, DNS_NULL_MX), .alone = true },
    /* A9: "drop ourselves and all of equal or worse preference; none left, or a direct host that greets with our name". */
    { "ourselves by address", D_SELF, FELL(PERM, DNS, OURSELVES), .alone = true },
    { "ourselves by greeting", D_SELF, FELL(PERM, BANNER, OURSELVES), .delegate = true },
    /* "A session failure is any failure at dns to auth, and any 421 or lost connection before the first reply to MAIL". */
    { "connection refused", D_UNREACHED, FELL(TEMP, CONNECT, REFUSED), .delegate = true },
    { "connect timeout", D_UNREACHED, FELL(TEMP, CONNECT, TIMEOUT) },
    { "unreachable", D_UNREACHED, FELL(TEMP, CONNECT, UNREACHABLE) },
    { "banner timeout", D_UNREACHED, FELL(TEMP, BANNER, TIMEOUT) },
    { "closed before the banner", D_UNREACHED, FELL(TEMP, BANNER, LOST) },
    { "banner is not SMTP", D_UNREACHED, FELL(TEMP, BANNER, PROTOCOL) },
    { "banner 450", D_UNREACHED, SAID(TEMP, BANNER, 450, "later") },
    { "banner 421", D_UNREACHED, SAID(TEMP, BANNER, 421, "busy") },
    { "ehlo 450", D_UNREACHED, SAID(TEMP, EHLO, 450, "later") },
    { "ehlo 421", D_UNREACHED, SAID(TEMP, EHLO, 421, "closing") },
    { "ehlo lost", D_UNREACHED, FELL(TEMP, EHLO, LOST) },
    { "ehlo timeout", D_UNREACHED, FELL(TEMP, EHLO, TIMEOUT) },
    { "lost before the answer to MAIL", D_UNREACHED, FELL(TEMP, MAIL, LOST) },
    { "no answer to MAIL", D_UNREACHED, FELL(TEMP, MAIL, TIMEOUT) },
    { "mail 421", D_UNREACHED, SAID(TEMP, MAIL, 421, "closing") },
    { "remembered", D_REMEMBERED, FELL(TEMP, CONNECT, REMEMBERED), .delegate = true },
    /* A14: "refused session (banner; EHLO and HELO)". */
    { "banner 554", D_REFUSED, SAID(PERM, BANNER, 554, "no service"), .delegate = true },
    { "ehlo 550", D_REFUSED, SAID(PERM, EHLO, 550, "no") },
    /* A7: "A 521 banner and a 556 at RCPT (RFC 7504) are 5xx verdicts of that host, never for the smart host". */
    { "banner 521", D_521, SAID(PERM, BANNER, 521, "does not accept mail"), .delegate = true },
    { "rcpt 556", D_556, SAID(PERM, RCPT, 556, "domain does not accept mail"), .delegate = true },
    /* A41: "demanded: never in clear, next MX". */
    { "tls handshake failed", D_TLS, FELL(TEMP, TLS, TLS_FAILED), .delegate = true },
    { "tls not offered", D_TLS, FELL(TEMP, TLS, TLS_NOT_OFFERED) },
    { "tls not verified", D_TLS, FELL(TEMP, TLS, TLS_UNVERIFIED) },
    { "requiretls not offered", D_REQUIRETLS, .outcome = { .class = OUTCOME_PERM, .stage = STAGE_MAIL,
      .cause = OUTCOME_CAUSE_TLS_NOT_OFFERED, .enhanced = CODE(5, 7, 30) }, .delegate = true },
    /* "a verdict is a reply to MAIL, RCPT, DATA or the dot; a connection lost or timed out after the first reply to MAIL
     * counts as a 4xx verdict". */
    { "mail 450", D_4XX, SAID(TEMP, MAIL, 450, "later") },
    { "rcpt 450", D_4XX, SAID(TEMP, RCPT, 450, "greylisted"), .delegate = true },
    { "rcpt 421", D_4XX, SAID(TEMP, RCPT, 421, "closing") },
    { "rcpt lost", D_4XX, FELL(TEMP, RCPT, LOST) },
    { "rcpt timeout", D_4XX, FELL(TEMP, RCPT, TIMEOUT) },
    { "data 450", D_4XX, SAID(TEMP, DATA, 450, "later") },
    { "data lost", D_4XX, FELL(TEMP, DATA, LOST) },
    { "dot 450", D_4XX, SAID(TEMP, DOT, 450, "later") },
    { "dot 421", D_4XX, SAID(TEMP, DOT, 421, "closing") },
    { "mail 550", D_5XX, SAID(PERM, MAIL, 550, "no"), .delegate = true },
    { "data 554", D_5XX, SAID(PERM, DATA, 554, "no") },
    { "rcpt 550", D_RCPT_5XX, SAID(PERM, RCPT, 550, "5.1.1 no such user"), .delegate = true },
    { "dot 554", D_DOT_5XX, SAID(PERM, DOT, 554, "spam"), .delegate = true },
    { "too large", D_SIZE, FELL(PERM, MAIL, SIZE), .delegate = true },
    { "smtputf8 not offered", D_UTF8, FELL(PERM, MAIL, SMTPUTF8), .delegate = true },
    /* A13: "a 4xx or 5xx at MAIL, RCPT, DATA or dot that refuses our client". */
    { "mail 450 client", D_CLIENT_4XX, SAID(TEMP, MAIL, 450, BLOCKED), CLIENT },
    { "mail 421 client", D_UNREACHED, SAID(TEMP, MAIL, 421, BLOCKED), CLIENT }, /* a session failure whatever it says */
    { "rcpt 450 client", D_CLIENT_4XX, SAID(TEMP, RCPT, 450, BLOCKED), CLIENT, .delegate = true },
    { "data 450 client", D_CLIENT_4XX, SAID(TEMP, DATA, 450, BLOCKED), CLIENT },
    { "dot 450 client", D_CLIENT_4XX, SAID(TEMP, DOT, 450, BLOCKED), CLIENT },
    { "mail 554 client", D_CLIENT_5XX, SAID(PERM, MAIL, 554, BLOCKED), CLIENT, .delegate = true },
    { "data 554 client", D_CLIENT_5XX, SAID(PERM, DATA, 554, BLOCKED), CLIENT },
    { "rcpt 554 client", D_CLIENT_RCPT_5XX, SAID(PERM, RCPT, 554, BLOCKED), CLIENT, .delegate = true },
    { "dot 554 client", D_CLIENT_DOT_5XX, SAID(PERM, DOT, 554, BLOCKED), CLIENT, .delegate = true },
    { "in doubt", D_DOUBT, .outcome = { .class = OUTCOME_TEMP, .stage = STAGE_DOT, .cause = OUTCOME_CAUSE_LOST, .in_doubt = true }, .delegate = true },
    { "sibling refused", D_SIBLING, FELL(PERM, RCPT, SIBLING), .delegate = true },
    { "sibling refused client", D_CLIENT_SIBLING, FELL(PERM, RCPT, SIBLING), CLIENT, .delegate = true },
    { "body cannot be read", D_LIMIT, FELL(TEMP, DATA, LOCAL), .delegate = true },
};
const size_t reading_direct_count = sizeof(reading_direct) / sizeof(reading_direct[0]);

const struct answer reading_smarthost[] = {
    { "ok", S_OK, SAID(OK, DOT, 250, "2.0.0 queued"), .delegate = true },
    /* A35: "the smart host's name does not resolve: temporary always". */
    { "dns temporary", S_DNS, FELL(TEMP, DNS, DNS_TEMP), .delegate = true },
    { "nxdomain", S_DNS, FELL(PERM, DNS, DNS_NXDOMAIN) },
    { "no address", S_DNS, FELL(PERM, DNS, DNS_NODATA) },
    { "null MX", S_DNS, FELL(PERM, DNS, DNS_NULL_MX) },
    { "ourselves by address", S_SELF, FELL(PERM, DNS, OURSELVES) },
    { "ourselves by greeting", S_SELF, FELL(PERM, BANNER, OURSELVES), .delegate = true },
    /* A24: "smart host unreachable, 4xx, or 5xx at banner/EHLO". */
    { "connection refused", S_UNREACHED, FELL(TEMP, CONNECT, REFUSED), .delegate = true },
    { "connect timeout", S_UNREACHED, FELL(TEMP, CONNECT, TIMEOUT) },
    { "unreachable", S_UNREACHED, FELL(TEMP, CONNECT, UNREACHABLE) },
    { "banner timeout", S_UNREACHED, FELL(TEMP, BANNER, TIMEOUT) },
    { "closed before the banner", S_UNREACHED, FELL(TEMP, BANNER, LOST) },
    { "banner 450", S_UNREACHED, SAID(TEMP, BANNER, 450, "later") },
    { "banner 554", S_UNREACHED, SAID(PERM, BANNER, 554, "no") },
    { "banner 521", S_UNREACHED, SAID(PERM, BANNER, 521, "does not accept mail") },
    { "ehlo 450", S_UNREACHED, SAID(TEMP, EHLO, 450, "later") },
    { "ehlo 550", S_UNREACHED, SAID(PERM, EHLO, 550, "no") },
    { "ehlo lost", S_UNREACHED, FELL(TEMP, EHLO, LOST) },
    { "lost before the answer to MAIL", S_UNREACHED, FELL(TEMP, MAIL, LOST) },
    { "tls handshake failed", S_TLS, FELL(TEMP, TLS, TLS_FAILED), .delegate = true },
    { "tls not offered", S_NO_TLS, FELL(TEMP, TLS, TLS_NOT_OFFERED), .delegate = true },
    { "requiretls not offered", S_REQUIRETLS, .outcome = { .class = OUTCOME_PERM, .stage = STAGE_MAIL,
      .cause = OUTCOME_CAUSE_TLS_NOT_OFFERED, .enhanced = CODE(5, 7, 30) }, .delegate = true },
    { "certificate not verified", S_CERTIFICATE, FELL(TEMP, TLS, TLS_UNVERIFIED), .delegate = true },
    { "login in clear", S_CLEAR, FELL(TEMP, AUTH, AUTH_CLEAR), .delegate = true },
    { "auth 535", S_LOGIN, SAID(PERM, AUTH, 535, "5.7.8 bad credentials"), RIGHT, .delegate = true },
    { "auth 504", S_LOGIN, SAID(PERM, AUTH, 504, "5.5.4 no"), RIGHT },
    { "no mechanism", S_NO_LOGIN, FELL(TEMP, AUTH, AUTH_NO_MECHANISM), .delegate = true },
    { "no secret", S_NO_SECRET, FELL(TEMP, AUTH, AUTH_SECRET), .delegate = true },
    { "auth 454", S_PACE, SAID(TEMP, AUTH, 454, "4.7.0 temporary"), PACE, .delegate = true },
    { "auth 432", S_PACE, SAID(TEMP, AUTH, 432, "4.7.12 too many"), PACE },
    { "banner 421", S_PACE_SESSION, SAID(TEMP, BANNER, 421, "busy"), PACE, .delegate = true },
    { "ehlo 421", S_PACE_SESSION, SAID(TEMP, EHLO, 421, "busy"), PACE },
    { "mail 421", S_PACE_SESSION, SAID(TEMP, MAIL, 421, "4.7.0 too many"), PACE },
    { "mail 452", S_PACE, SAID(TEMP, MAIL, 452, "4.3.1 later"), PACE },
    { "rcpt 452", S_PACE, SAID(TEMP, RCPT, 452, "4.5.3 later"), PACE },
    { "dot 421", S_PACE, SAID(TEMP, DOT, 421, "4.7.0 too many"), PACE },
    { "rests", S_RESTS, FELL(TEMP, CONNECT, RESTING), .delegate = true },
    { "mail 450", S_4XX, SAID(TEMP, MAIL, 450, "later") },
    { "rcpt 450", S_4XX, SAID(TEMP, RCPT, 450, "later"), .delegate = true },
    { "rcpt lost", S_4XX, FELL(TEMP, RCPT, LOST) },
    { "data 451", S_4XX, SAID(TEMP, DATA, 451, "later") },
    { "dot 451", S_4XX, SAID(TEMP, DOT, 451, "later") },
    { "in doubt", S_DOUBT, .outcome = { .class = OUTCOME_TEMP, .stage = STAGE_DOT, .cause = OUTCOME_CAUSE_TIMEOUT, .in_doubt = true }, .delegate = true },
    /* A23a: "530, 538; a 5xx on our right to use it". */
    { "mail 530", S_RIGHT, SAID(PERM, MAIL, 530, "5.7.57 not authenticated"), RIGHT },
    { "rcpt 550 relaying", S_RIGHT, SAID(PERM, RCPT, 550, "5.7.64 relay access denied"), RIGHT, .delegate = true },
    { "data 554 quota", S_RIGHT, SAID(PERM, DATA, 554, "5.4.5 quota exceeded"), RIGHT },
    { "dot 550 address", S_RIGHT, SAID(PERM, DOT, 550, "5.7.57 no"), RIGHT },
    { "mail 550", S_5XX, SAID(PERM, MAIL, 550, "no"), .delegate = true },
    { "data 554", S_5XX, SAID(PERM, DATA, 554, "no") },
    { "dot 554", S_5XX, SAID(PERM, DOT, 554, "spam") },
    { "rcpt 550", S_RCPT_5XX, SAID(PERM, RCPT, 550, "5.1.1 no such user"), .delegate = true },
    { "too large", S_SIZE, FELL(PERM, MAIL, SIZE), .delegate = true },
    { "smtputf8 not offered", S_UTF8, FELL(PERM, MAIL, SMTPUTF8), .delegate = true },
    { "sibling refused", S_SIBLING, FELL(PERM, RCPT, SIBLING), .delegate = true },
    { "sibling refused, our right", S_RIGHT, FELL(PERM, RCPT, SIBLING), RIGHT },
    { "body cannot be read", S_LIMIT, FELL(TEMP, DATA, LOCAL), .delegate = true },
};
const size_t reading_smarthost_count = sizeof(reading_smarthost) / sizeof(reading_smarthost[0]);
