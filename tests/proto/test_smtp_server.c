/* The inbound session from transcripts: RFC 5321 and every extension that EHLO offers, as tables. Each is said whole,
 * octet by octet and cut at random, answered at once and late, to readers quick and slow (smtp_talk.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "proto/smtp_talk.h"

#define EHLO "EHLO client.test\r\n"
#define FROM "MAIL FROM:<a@x.org>\r\n"
#define TO "RCPT TO:<b@y.org>\r\n"
#define OK_EHLO "220 mx.test ESMTP|250-mx.test"
#define OK_FROM "|250 2.1.0 Sender ok"
#define OK_TO "|250 2.1.5 Recipient ok"
#define OK_DATA "|354 "
#define OK_DOT "|250 2.0.0 Message accepted"
#define MAIL_A "MAIL <a@x.org>\n"
#define RCPT_B "RCPT <b@y.org>\n"
#define CLOSED "CLOSE quit\n"

static const struct transcript commands[] = {
    { "a message", 0, BYTES(EHLO FROM TO "DATA\r\nSubject: x\r\n\r\ntext\r\n.\r\nQUIT\r\n"), "",
      OK_EHLO OK_FROM OK_TO OK_DATA OK_DOT "|221 2.0.0",
      MAIL_A RCPT_B "END Subject: x\\x0d\\x0a\\x0d\\x0atext\\x0d\\x0a\n" CLOSED },
    { "HELO, small letters, blanks at the end", 0,
      BYTES("helo client.test \r\nmail from:<a@x.org>  \r\nrcpt to:<b@y.org>\t\r\ndata\r\n.\r\nquit\r\n"), "",
      "220|250 mx.test" OK_FROM OK_TO OK_DATA OK_DOT "|221", MAIL_A RCPT_B "END \n" CLOSED },
    { "two messages, one session", 0, BYTES(EHLO FROM TO "DATA\r\none\r\n.\r\n" FROM TO TO "DATA\r\ntwo\r\n.\r\n"), "",
      OK_EHLO OK_FROM OK_TO OK_DATA OK_DOT OK_FROM OK_TO OK_TO OK_DATA OK_DOT,
      MAIL_A RCPT_B "END one\\x0d\\x0a\n" MAIL_A RCPT_B RCPT_B "END two\\x0d\\x0a\n" },
    { "dots", 0, BYTES(EHLO FROM TO "DATA\r\n..\r\n...x\r\n.y\r\nz.\r\n.\r\n"), "",
      OK_EHLO OK_FROM OK_TO OK_DATA OK_DOT, MAIL_A RCPT_B "END .\\x0d\\x0a..x\\x0d\\x0ay\\x0d\\x0az.\\x0d\\x0a\n" },
    { "commands at any time", 0,
      BYTES("NOOP\r\nNOOP ignored\r\nHELP\r\nHELP MAIL\r\nVRFY someone\r\nEXPN list\r\nRSET\r\nQUIT\r\n"), "",
      "220|250 2.0.0|250 2.0.0|214 2.0.0|214 2.0.0|252 2.5.2|502 5.5.1|250 2.0.0|221 2.0.0", CLOSED },
    { "within a transaction they change nothing", 0,
      BYTES(EHLO FROM "NOOP\r\nVRFY x\r\nHELP\r\n" TO "EXPN x\r\nBAD\r\nDATA\r\n.\r\n"), "",
      OK_EHLO OK_FROM "|250|252|214" OK_TO "|502|500" OK_DATA OK_DOT, MAIL_A RCPT_B "END \n" },
    { "arguments where none belong, and none where they do", 0,
      BYTES("RSET x\r\nQUIT now\r\nDATA x\r\nSTARTTLS x\r\nHELO\r\nEHLO\r\nMAIL\r\nRCPT\r\nVRFY\r\nAUTH\r\n"), "",
      "220|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4", "" },
    { "what is not known", 0,
      BYTES(
          "\r\n \r\nFOO\r\nMAILFROM:<a@x.org>\r\nMAIL\tFROM:<a@x.org>\r\n"
          "XCLIENT ADDR=127.0.0.1\r\nXFORWARD ADDR=127.0.0.1\r\nETRN x\r\nSEND FROM:<a@b>\r\nTURN\r\nDATAX\r\n\xff\xfe\r\n"),
      "", "220|500 5.5.1|500|500|500|500|500|500|500|500|500|500|500", "" },
    { "names in HELO", 0,
      BYTES("EHLO bad name\r\nEHLO <x>\r\nEHLO b\xc3\xbc"
            "cher\r\nHELO [192.0.2.300]\r\nEHLO [192.0.2.1]\r\nEHLO [IPv6:::1]\r\nHELO my_pc.\r\n"),
      "", "220|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|250-mx.test|250-mx.test|250 mx.test", "" },
    { "a refused name leaves the last one in force", 0, BYTES(EHLO "EHLO <x>\r\n" FROM), "", OK_EHLO "|501" OK_FROM,
      MAIL_A "ABORT\n" },
    { "replies are the owner's words", 0, BYTES(EHLO FROM TO TO "DATA\r\n.\r\n"),
      "250 2.1.0 Welcome|550 5.1.1 Nobody here|251 2.1.5 Will do|250 2.6.0 Queued as 17",
      OK_EHLO "|250 2.1.0 Welcome|550 5.1.1 Nobody here|251 2.1.5 Will do" OK_DATA "|250 2.6.0 Queued as 17",
      MAIL_A RCPT_B RCPT_B "END \n" },
    { "... cleaned", 0, BYTES(EHLO FROM), "550 5.7.1 caf\xc3\xa9\r\n250 x", OK_EHLO "|550 5.7.1 caf????250 x", MAIL_A },
    { "... and with a class where they have no code", 0, BYTES(EHLO FROM FROM FROM), "450|550|250 Hello",
      OK_EHLO "|450 4.0.0 Try again later|550 5.0.0 Refused|250 2.1.0 Hello", MAIL_A MAIL_A MAIL_A "ABORT\n" },
};

static const struct transcript order[] = {
    { "MAIL before HELO", 0, BYTES(FROM TO "DATA\r\nBDAT 0 LAST\r\n"), "",
      "220|503 5.5.1|503 5.5.1|503 5.5.1|503 5.5.1", "" },
    { "MAIL within MAIL", 0, BYTES(EHLO FROM FROM TO "MAIL FROM:<>\r\nDATA\r\n.\r\n"), "",
      OK_EHLO OK_FROM "|503 5.5.1" OK_TO "|503 5.5.1" OK_DATA OK_DOT, MAIL_A RCPT_B "END \n" },
    { "RCPT and DATA without MAIL", 0, BYTES(EHLO TO "DATA\r\n" FROM "RSET\r\n" TO), "",
      OK_EHLO "|503 5.5.1|503 5.5.1" OK_FROM "|250|503", MAIL_A "ABORT\n" },
    { "DATA without RCPT", 0, BYTES(EHLO FROM "DATA\r\n" TO "DATA\r\n.\r\n"), "",
      OK_EHLO OK_FROM "|503 5.5.1" OK_TO OK_DATA OK_DOT, MAIL_A RCPT_B "END \n" },
    { "DATA when all recipients were refused", 0, BYTES(EHLO FROM TO TO "DATA\r\nRSET\r\n"),
      "250|550 5.1.1 No|450 4.2.1 Later", OK_EHLO "|250|550 5.1.1|450 4.2.1|554 5.5.1|250",
      MAIL_A RCPT_B RCPT_B "ABORT\n" },
    { "a refused MAIL opens nothing", 0, BYTES(EHLO FROM TO "DATA\r\n" FROM TO "RSET\r\n"), "550 5.7.1 No|450 4.7.1 No",
      OK_EHLO "|550 5.7.1|503|503|450 4.7.1|503|250", MAIL_A MAIL_A },
    { "a refused recipient leaves the others", 0,
      BYTES(EHLO FROM TO "RCPT TO:<c@y.org>\r\nRCPT TO:<bad\r\nDATA\r\n.\r\n"), "250|250|550 5.1.1 No",
      OK_EHLO "|250|250|550 5.1.1|501 5.1.3" OK_DATA OK_DOT, MAIL_A RCPT_B "RCPT <c@y.org>\nEND \n" },
    { "RSET, HELO and EHLO end a transaction", 0,
      BYTES(EHLO FROM TO "RSET\r\n" FROM TO "HELO x\r\n" FROM TO EHLO FROM TO "QUIT\r\n"), "",
      OK_EHLO OK_FROM OK_TO "|250 2.0.0" OK_FROM OK_TO "|250 mx.test" OK_FROM OK_TO "|250-mx.test" OK_FROM OK_TO "|221",
      MAIL_A RCPT_B "ABORT\n" MAIL_A RCPT_B "ABORT\n" MAIL_A RCPT_B "ABORT\n" MAIL_A RCPT_B "ABORT\n" CLOSED },
    { "EHLO refused does not", 0, BYTES(EHLO FROM TO "EHLO <x>\r\nDATA\r\n.\r\n"), "",
      OK_EHLO OK_FROM OK_TO "|501" OK_DATA OK_DOT, MAIL_A RCPT_B "END \n" },
    { "a message refused at its end begins anew", 0,
      BYTES(EHLO FROM TO "DATA\r\nx\r\n.\r\nDATA\r\n" TO FROM TO "DATA\r\n.\r\nDATA\r\n"),
      "250|250|554 5.6.0 No|250|250|451 4.3.0 Later",
      OK_EHLO "|250|250" OK_DATA "|554 5.6.0|503|503|250|250" OK_DATA "|451 4.3.0|503",
      MAIL_A RCPT_B "END x\\x0d\\x0a\n" MAIL_A RCPT_B "END \n" },
    { "the owner closes", 0, BYTES(EHLO FROM TO), "250!", OK_EHLO "|250", MAIL_A "ABORT\nCLOSE refused\n" },
    { "... with 421, whatever else it means", 0, BYTES(EHLO FROM TO "DATA\r\n.\r\nNOOP\r\n"), "250|250|421 4.3.0 Gone",
      OK_EHLO "|250|250" OK_DATA "|421 4.3.0 Gone", MAIL_A RCPT_B "END \nCLOSE refused\n" },
};

static const struct transcript parameters[] = {
    { "all of MAIL", TALK_TLS | TALK_REQUIRETLS,
      BYTES(
          EHLO
          "MAIL FROM:<a@x.org> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=q+2B1+20x AUTH=b+2B@y.org REQUIRETLS\r\n"
          "RSET\r\nmail from:<> size=0 body=7bit ret=full auth=<>\r\n"),
      "", OK_EHLO OK_FROM "|250" OK_FROM,
      "MAIL <a@x.org> size=1000 8bit hdrs envid=q+1 x auth=<b+@y.org> utf8 requiretls\nABORT\nMAIL <> full auth=<>\nABORT\n" },
    { "all of RCPT", 0,
      BYTES(
          EHLO FROM
          "RCPT TO:<b@y.org> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=RFC822;Bob+2B1@y.org\r\n"
          "RCPT TO:<b@y.org> NOTIFY=NEVER\r\nRCPT TO:<b@y.org> orcpt=rfc822;b notify=delay\r\nRCPT TO:<PostMaster>\r\n"
          "RCPT TO:<\"a@evil\"@good.org>\r\n"),
      "", OK_EHLO OK_FROM OK_TO OK_TO OK_TO OK_TO OK_TO,
      MAIL_A "RCPT <b@y.org> success failure delay orcpt=rfc822;Bob+1@y.org\nRCPT <b@y.org> never\n"
             "RCPT <b@y.org> delay orcpt=rfc822;b\nRCPT <postmaster>\nRCPT <\"a@evil\"@good.org>\nABORT\n" },
    { "SMTPUTF8", 0,
      BYTES(EHLO "MAIL FROM:<\xc3\xa9@b\xc3\xbc"
                 "cher.example> SMTPUTF8\r\nRCPT TO:<\xe7\x94\xa8@x.org> ORCPT=utf-8;\\x{E9}@x.org\r\nRSET\r\n"
                 "MAIL FROM:<\xc3\xa9@x.org>\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<\xc3\xa9@x.org>\r\nRCPT TO:<b@b\xc3\xbc"
                 "cher.example>\r\n"),
      "", OK_EHLO OK_FROM OK_TO "|250|553 5.6.7" OK_FROM "|553 5.6.7|553 5.6.7",
      "MAIL <\xc3\xa9@xn--bcher-kva.example> utf8\nRCPT <\xe7\x94\xa8@x.org> orcpt=utf-8;\xc3\xa9@x.org\nABORT\n" MAIL_A
      "ABORT\n" },
    { "not after HELO, nor what was not offered", 0,
      BYTES("HELO x\r\nMAIL FROM:<a@x.org> SIZE=1\r\n" EHLO
            "MAIL FROM:<a@x.org> REQUIRETLS\r\nMAIL FROM:<a@x.org> FOO\r\nMAIL FROM:<a@x.org> BY=120;R\r\n" FROM
            "RCPT TO:<b@y.org> SIZE=1\r\nRCPT TO:<b@y.org> FOO=bar\r\n"),
      "", "220|250|555 5.5.4|250-|555 5.5.4|555 5.5.4|555 5.5.4" OK_FROM "|555 5.5.4|555 5.5.4", MAIL_A "ABORT\n" },
    { "wrong values", 0,
      BYTES(
          EHLO
          "MAIL FROM:<a@x.org> SIZE\r\nMAIL FROM:<a@x.org> SIZE=\r\nMAIL FROM:<a@x.org> SIZE=-1\r\nMAIL FROM:<a@x.org> SIZE=1k\r\n"
          "MAIL FROM:<a@x.org> BODY=BINARYMIME\r\nMAIL FROM:<a@x.org> RET=ALL\r\nMAIL FROM:<a@x.org> SMTPUTF8=1\r\nMAIL FROM:<a@x.org> ENVID=+2\r\n"
          "MAIL FROM:<a@x.org> SIZE=1 SIZE=2\r\nMAIL FROM:<a@x.org>  SIZE=1\r\nMAIL FROM:<a@x.org>SIZE=1\r\nMAIL FROM:<a@x.org> AUTH=x\r\n" FROM
          "RCPT TO:<b@y.org> NOTIFY=NEVER,DELAY\r\nRCPT TO:<b@y.org> NOTIFY=\r\nRCPT TO:<b@y.org> NOTIFY=SOON\r\nRCPT TO:<b@y.org> NOTIFY=DELAY,\r\n"
          "RCPT TO:<b@y.org> ORCPT=x\r\nRCPT TO:<b@y.org> ORCPT=;x\r\nRCPT TO:<b@y.org> ORCPT=rfc822;\r\nRCPT TO:<b@y.org> NOTIFY=DELAY NOTIFY=DELAY\r\n"),
      "", OK_EHLO "|501|501|501|501|501|501|501|501|501|501|501|501" OK_FROM "|501|501|501|501|501|501|501|501",
      MAIL_A "ABORT\n" },
    { "no line break gets through, raw or encoded (S12)", 0,
      BYTES(
          EHLO
          "MAIL FROM:<a@x.org> ENVID=a+0D+0Ab\r\nMAIL FROM:<a@x.org> ENVID=a+00b\r\nMAIL FROM:<a@x.org> ENVID=+C3+A9\r\n"
          "MAIL FROM:<a@x.org> AUTH=a+0A@y.org\r\nMAIL FROM:<\"a\\\x7f\"@x.org>\r\nMAIL FROM:<a@x.org> ENVID=\xc3\xa9\r\n" FROM
          "RCPT TO:<b@y.org> ORCPT=rfc822;a+0Ab\r\nRCPT TO:<b@y.org> ORCPT=rfc822;a+80\r\nRCPT TO:<b@y.org> ORCPT=utf-8;a\\x{A}b\r\n"
          "RCPT TO:<b@y.org> ORCPT=utf-8;a\\x{2028}b\r\nRCPT TO:<b\x02@y.org>\r\n"),
      "", OK_EHLO "|501|501|501|501|501|501" OK_FROM "|501|501|501|501|501", MAIL_A "ABORT\n" },
    { "SIZE above the limit", TALK_SMALL,
      BYTES(
          EHLO
          "MAIL FROM:<a@x.org> SIZE=101\r\nMAIL FROM:<a@x.org> SIZE=99999999999999999999\r\nMAIL FROM:<a@x.org> SIZE=999999999999999999999\r\n"
          "MAIL FROM:<a@x.org> SIZE=100\r\n"),
      "", OK_EHLO "|552 5.3.4|552 5.3.4|501" OK_FROM, "MAIL <a@x.org> size=100\nABORT\n" },
};

/* S24: what classic probes for open relays write. None is turned into another address on the way; what is refused here
 * the owner never sees, and the rest reaches it as it stands. */
static const struct transcript probes[] = {
    { "senders", 0,
      BYTES(
          EHLO
          "MAIL FROM:a@x.org\r\nMAIL FROM: <a@x.org>\r\nMAIL FROM:<a@x.org\r\nMAIL FROM:<@r.org:a@x.org>\r\nMAIL FROM:<a>\r\nMAIL FROM:<a@>\r\n"
          "MAIL FROM:<Postmaster>\r\nMAIL FROM:<a@x.org.>\r\nMAIL FROM:<a@[127.0.0.1>\r\nMAIL TO:<a@x.org>\r\nMAIL FROM:<a@x.org>,<b@x.org>\r\n"),
      "",
      OK_EHLO
      "|501 5.5.4|501 5.5.4|501 5.1.7|553 5.1.7|501 5.1.7|501 5.1.7|501 5.1.7|501 5.1.7|501 5.1.7|501 5.5.4|501 5.5.4",
      "" },
    { "recipients", 0,
      BYTES(
          EHLO FROM
          "RCPT TO:<@relay.org:victim@far.org>\r\nRCPT TO:<@a,@b:victim@far.org>\r\nRCPT TO:<victim@far.org@relay.org>\r\nRCPT TO:<victim>\r\n"
          "RCPT TO:<victim@>\r\nRCPT TO:<@far.org>\r\nRCPT TO:<>\r\nRCPT TO:victim@far.org\r\nRCPT TO:<victim@far.org.>\r\nRCPT TO:<victim@[1.2.3]>\r\n"
          "RCPT TO:<victim@far.org>;x\r\nRCPT TO:<(c)victim@far.org>\r\nRCPT TO:<\"victim@far.org\">\r\nRCPT TO:<victim@\"far.org\">\r\n"
          "RCPT TO:<victim@-far.org>\r\nRCPT TO:<victim@far..org>\r\nRCPT TO:<victim@far_.org>\r\n"),
      "", OK_EHLO OK_FROM "|553 5.1.3|553 5.1.3|501|501|501|553|501|501|501|501|501|501|501|501|501|501|501",
      MAIL_A "ABORT\n" },
    { "recipients that are addresses", 0,
      BYTES(
          EHLO FROM
          "RCPT TO:<victim%far.org@relay.org>\r\nRCPT TO:<far.org!victim@relay.org>\r\nRCPT TO:<\"victim@far.org\"@relay.org>\r\n"
          "RCPT TO:<victim@FAR.org>\r\nRCPT TO:<victim@[127.0.0.1]>\r\nRCPT TO:<\"victim\"@far.org>\r\n"),
      "250|550|550|550|550|550|550", OK_EHLO "|250|550|550|550|550|550|550",
      MAIL_A "RCPT <victim%far.org@relay.org>\nRCPT <far.org!victim@relay.org>\nRCPT <\"victim@far.org\"@relay.org>\n"
             "RCPT <victim@far.org>\nRCPT <victim@[127.0.0.1]>\nRCPT <victim@far.org>\nABORT\n" },
    { "another protocol (S10)", 0, BYTES("GET / HTTP/1.1\r\nHost: mx.test\r\nEHLO x\r\n"), "",
      "220|554 5.5.1 This is an SMTP server", "CLOSE foreign\n" },
    { "... that hides commands in its body", 0, BYTES("post /x HTTP/1.0\r\n\r\nEHLO x\r\nMAIL FROM:<a@b>\r\n"), "",
      "220|554", "CLOSE foreign\n" },
    { "... later on", 0, BYTES(EHLO FROM "PROXY TCP4 127.0.0.1 127.0.0.1 1 25\r\n" TO), "", OK_EHLO OK_FROM "|554",
      MAIL_A "ABORT\nCLOSE foreign\n" },
    { "line ends in commands (S01)", 0, BYTES(EHLO FROM "NOOP\nRCPT TO:<b@y.org>\r\n"), "",
      OK_EHLO OK_FROM "|500 5.5.2 bare LF", MAIL_A "ABORT\nCLOSE strict\n" },
    { "... a CR", 0, BYTES("NOOP\rNOOP\r\n"), "", "220|500 5.5.2 bare CR", "CLOSE strict\n" },
    { "... two", 0, BYTES("NOOP\r\r\n"), "", "220|500 5.5.2 bare CR", "CLOSE strict\n" },
    { "... a NUL", 0, BYTES("EHLO x\0y\r\n"), "", "220|500 5.5.2 NUL", "CLOSE strict\n" },
};

static const struct transcript bdat[] = {
    { "one chunk", 0, BYTES(EHLO FROM TO "BDAT 6 LAST\r\nab\r\nc\nQUIT\r\n"), "",
      OK_EHLO OK_FROM OK_TO "|554 5.5.2 bare LF", MAIL_A RCPT_B "ABORT\nCLOSE strict\n" },
    { "a message in chunks", 0,
      BYTES(EHLO FROM TO "BDAT 5\r\na\r\n.\rBDAT 1\r\n\nBDAT 0\r\nBDAT 3 LAST\r\nb\r\nQUIT\r\n"), "",
      OK_EHLO OK_FROM OK_TO "|250 2.0.0 5 octets|250 2.0.0 6 octets|250 2.0.0 6 octets" OK_DOT "|221",
      MAIL_A RCPT_B "END a\\x0d\\x0a.\\x0d\\x0ab\\x0d\\x0a\n" CLOSED },
    { "an empty message, an empty end", 0,
      BYTES(EHLO FROM TO "BDAT 0 LAST\r\n" FROM TO "BDAT 4\r\nab\r\nbdat 0 last\r\n"), "",
      OK_EHLO OK_FROM OK_TO OK_DOT OK_FROM OK_TO "|250" OK_DOT,
      MAIL_A RCPT_B "END \n" MAIL_A RCPT_B "END ab\\x0d\\x0a\n" },
    { "a dot means nothing", 0, BYTES(EHLO FROM TO "BDAT 10 LAST\r\n..\r\n.\r\nx\r\n"), "",
      OK_EHLO OK_FROM OK_TO OK_DOT, MAIL_A RCPT_B "END ..\\x0d\\x0a.\\x0d\\x0ax\\x0d\\x0a\n" },
    { "no line end at the end", 0, BYTES(EHLO FROM TO "BDAT 3 LAST\r\na\r\r\n"), "",
      OK_EHLO OK_FROM OK_TO "|554 5.5.2 bare CR", MAIL_A RCPT_B "ABORT\nCLOSE strict\n" },
    { "a CR at the very end", 0, BYTES(EHLO FROM TO "BDAT 2 LAST\r\na\r"), "",
      OK_EHLO OK_FROM OK_TO "|554 5.5.2 bare CR", MAIL_A RCPT_B "ABORT\nCLOSE strict\n" },
    { "its octets are read whatever the answer", 0,
      BYTES("BDAT 6\r\nRSET\r\nBDAT 6 LAST\r\nQUIT\r\n" EHLO "BDAT 6\r\nNOOP\r\n" FROM "BDAT 6 LAST\r\nNOOP\r\n" TO
            "BDAT 0 LAST\r\n"),
      "", "220|503 5.5.1|503|250-|503" OK_FROM "|503" OK_TO OK_DOT, MAIL_A RCPT_B "END \n" },
    { "... all recipients refused", 0,
      BYTES(EHLO FROM TO "BDAT 6\r\nRSET\r\nBDAT 6 LAST\r\nRSET\r\nRSET\r\nBDAT 6 LAST\r\nNOOP\r\n"), "250|550",
      OK_EHLO "|250|550|554 5.5.1|554 5.5.1|250|503", MAIL_A RCPT_B "ABORT\n" },
    { "after an abort", 0,
      BYTES(EHLO FROM TO "BDAT 3\r\na\r\nRSET\r\nBDAT 3 LAST\r\nb\r\n" FROM TO "BDAT 3 LAST\r\nc\r\n"), "",
      OK_EHLO OK_FROM OK_TO "|250|250|503" OK_FROM OK_TO OK_DOT,
      MAIL_A RCPT_B "ABORT\n" MAIL_A RCPT_B "END c\\x0d\\x0a\n" },
    { "after its refusal", 0, BYTES(EHLO FROM TO "BDAT 3 LAST\r\na\r\nBDAT 3 LAST\r\nb\r\nDATA\r\n" FROM),
      "250|250|550 5.7.1 No", OK_EHLO "|250|250|550 5.7.1|503|503|250",
      MAIL_A RCPT_B "END a\\x0d\\x0a\n" MAIL_A "ABORT\n" },
    { "nothing between chunks but what does no harm", 0,
      BYTES(EHLO FROM TO "BDAT 3\r\na\r\nDATA\r\n" TO FROM "NOOP\r\nAUTH PLAIN\r\nBDAT 3 LAST\r\nb\r\n"), "",
      OK_EHLO OK_FROM OK_TO "|250|503 5.5.1|503 5.5.1|503 5.5.1|250|503 5.5.1" OK_DOT,
      MAIL_A RCPT_B "END a\\x0d\\x0ab\\x0d\\x0a\n" },
    { "a size that cannot be read ends the session", 0, BYTES(EHLO FROM TO "BDAT x\r\nNOOP\r\n"), "",
      OK_EHLO OK_FROM OK_TO "|501 5.5.4", MAIL_A RCPT_B "ABORT\nCLOSE size\n" },
    { "... none", 0, BYTES("BDAT\r\nNOOP\r\n"), "", "220|501 5.5.4", "CLOSE size\n" },
    { "... a strange word", 0, BYTES("BDAT 1 FIRST\r\nxNOOP\r\n"), "", "220|501 5.5.4", "CLOSE size\n" },
    { "... over 64 bits", 0, BYTES("BDAT 18446744073709551616\r\n"), "", "220|501 5.5.4", "CLOSE size\n" },
    { "... a huge one", 0, BYTES(EHLO FROM TO "BDAT 18446744073709551615 LAST\r\n"), "",
      OK_EHLO OK_FROM OK_TO "|552 5.3.4", MAIL_A RCPT_B "ABORT\nCLOSE size\n" },
    { "over the limit, by its own size", TALK_SMALL,
      BYTES(
          EHLO FROM TO
          "BDAT 101\r\n0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789x"
          "NOOP\r\n" FROM),
      "", OK_EHLO OK_FROM OK_TO "|552 5.3.4|250" OK_FROM, MAIL_A RCPT_B "ABORT\n" MAIL_A "ABORT\n" },
    { "over the limit, in sum", TALK_SMALL,
      BYTES(
          EHLO FROM TO
          "BDAT 99\r\n012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
          "BDAT 2 LAST\r\n\r\n"
          "BDAT 2 LAST\r\n\r\n" FROM TO
          "BDAT 100 LAST\r\n01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567\r\n"),
      "", OK_EHLO OK_FROM OK_TO "|250|552 5.3.4|503" OK_FROM OK_TO OK_DOT,
      MAIL_A RCPT_B
      "ABORT\n" MAIL_A RCPT_B
      "END 01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567\\x0d\\x0a\n" },
};

static const struct transcript logins[] = {
    { "PLAIN", TALK_TLS | TALK_AUTH,
      BYTES(EHLO "AUTH PLAIN AGxvZ2luAHNlY3JldA==\r\nAUTH PLAIN AGxvZ2luAHNlY3JldA==\r\n" FROM "AUTH LOGIN\r\n"), "",
      OK_EHLO "|235 2.7.0|503 5.5.1" OK_FROM "|503", "AUTH PLAIN [] [login] [secret]\n" MAIL_A "ABORT\n" },
    { "PLAIN without an initial response", TALK_TLS | TALK_AUTH,
      BYTES(EHLO "auth plain\r\nYXV0aHoAbG9naW4Ac2VjcmV0\r\nNOOP\r\n"), "", OK_EHLO "|334 \r\n|235|250",
      "AUTH PLAIN [authz] [login] [secret]\n" },
    { "LOGIN", TALK_TLS | TALK_AUTH, BYTES(EHLO "AUTH LOGIN\r\nbG9naW4=\r\nc2VjcmV0\r\n"), "",
      OK_EHLO "|334 VXNlcm5hbWU6|334 UGFzc3dvcmQ6|235", "AUTH LOGIN [] [login] [secret]\n" },
    { "LOGIN with an initial response", TALK_TLS | TALK_AUTH, BYTES(EHLO "AUTH LOGIN bG9naW4=\r\nc2VjcmV0\r\n"), "",
      OK_EHLO "|334 UGFzc3dvcmQ6|235", "AUTH LOGIN [] [login] [secret]\n" },
    { "refused, then right", TALK_TLS | TALK_AUTH,
      BYTES(
          EHLO
          "AUTH PLAIN AGxvZ2luAHNlY3JldA==\r\nAUTH PLAIN AGxvZ2luAHNlY3JldA==\r\nAUTH LOGIN bG9naW4=\r\nc2VjcmV0\r\n"),
      "535 5.7.8 No|454 4.7.0 Later", OK_EHLO "|535 5.7.8|454 4.7.0|334|235",
      "AUTH PLAIN [] [login] [secret]\nAUTH PLAIN [] [login] [secret]\nAUTH LOGIN [] [login] [secret]\n" },
    { "cancelled", TALK_TLS | TALK_AUTH,
      BYTES(EHLO "AUTH PLAIN\r\n*\r\nAUTH LOGIN\r\n*\r\nAUTH LOGIN bG9naW4=\r\n*\r\nNOOP\r\n"), "",
      OK_EHLO "|334|501 5.7.0|334|501 5.7.0|334|501 5.7.0|250", "" },
    { "malformed", TALK_TLS | TALK_AUTH,
      BYTES(
          EHLO
          "AUTH PLAIN =\r\nAUTH PLAIN x\r\nAUTH PLAIN AGxvZ2luAHNlY3JldA=\r\nAUTH PLAIN AGxvZ2luAHNlY3JldB==\r\nAUTH PLAIN bG9naW4=\r\n"
          "AUTH PLAIN AGxvZ2luAA==\r\nAUTH PLAIN AABzZWNyZXQ=\r\nAUTH LOGIN =\r\nAUTH LOGIN bG9naW4=\r\n\r\nAUTH PLAIN *\r\nAUTH PLAIN  AGxvZ2luAHNlY3JldA==\r\n"
          "AUTH LOGIN bG9n\x7f\r\nNOOP\r\n"),
      "",
      OK_EHLO
      "|501 5.5.2|501 5.5.2|501 5.5.2|501 5.5.2|501 5.5.2|501 5.5.2|501 5.5.2|501 5.5.2|334|501 5.5.2|501 5.5.2|501 5.5.2|501 5.5.2|250",
      "" },
    { "a name with a control in it, a password with a NUL", TALK_TLS | TALK_AUTH,
      BYTES(EHLO "AUTH PLAIN AGEKYgBz\r\nAUTH PLAIN AGEAYgBj\r\nAUTH LOGIN YQ1i\r\n"), "", OK_EHLO "|501|501|501", "" },
    { "not offered, or not now", 0, BYTES("AUTH PLAIN x\r\nHELO x\r\nAUTH PLAIN x\r\n" EHLO "AUTH PLAIN x\r\n"), "",
      "220|503|250|503|250-|502 5.5.1", "" },
    { "not in clear", TALK_AUTH, BYTES(EHLO "AUTH PLAIN AGxvZ2luAHNlY3JldA==\r\n"), "", OK_EHLO "|538 5.7.11", "" },
    { "in clear where that is allowed", TALK_AUTH | TALK_AUTH_CLEAR, BYTES(EHLO "AUTH PLAIN AGxvZ2luAHNlY3JldA==\r\n"),
      "", OK_EHLO "|235", "AUTH PLAIN [] [login] [secret]\n" },
    { "no such mechanism", TALK_TLS | TALK_AUTH,
      BYTES(EHLO "AUTH CRAM-MD5\r\nAUTH ANONYMOUS x\r\nAUTH PLAINX\r\nAUTH ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n"), "",
      OK_EHLO "|504 5.5.4|504|504|501", "" },
    { "required", TALK_TLS | TALK_AUTH | TALK_AUTH_REQUIRED,
      BYTES(EHLO FROM "AUTH PLAIN AGxvZ2luAHNlY3JldA==\r\n" FROM), "", OK_EHLO "|530 5.7.0|235" OK_FROM,
      "AUTH PLAIN [] [login] [secret]\n" MAIL_A "ABORT\n" },
    { "kept over EHLO and messages", TALK_TLS | TALK_AUTH | TALK_AUTH_REQUIRED,
      BYTES(EHLO "AUTH PLAIN AGxvZ2luAHNlY3JldA==\r\n" EHLO FROM TO "DATA\r\n.\r\nRSET\r\n" FROM), "",
      OK_EHLO "|235|250-" OK_FROM OK_TO OK_DATA OK_DOT "|250" OK_FROM,
      "AUTH PLAIN [] [login] [secret]\n" MAIL_A RCPT_B "END \n" MAIL_A "ABORT\n" },
    { "too many failures", TALK_TLS | TALK_AUTH | TALK_FEW_LOGINS,
      BYTES(EHLO "AUTH PLAIN AGxvZ2luAHNlY3JldA==\r\nAUTH PLAIN AGxvZ2luAHNlY3JldA==\r\nNOOP\r\n"),
      "535 5.7.8 No|535 5.7.8 No", OK_EHLO "|535 5.7.8|535 5.7.8|421 4.7.0",
      "AUTH PLAIN [] [login] [secret]\nAUTH PLAIN [] [login] [secret]\nCLOSE logins\n" },
};

static const struct transcript tls[] = {
    { "STARTTLS", TALK_STARTTLS | TALK_AUTH,
      BYTES(EHLO "STARTTLS\r\n" TALK_WAIT FROM "STARTTLS\r\n" EHLO "AUTH PLAIN AGxvZ2luAHNlY3JldA==\r\nSTARTTLS\r\n"),
      "", OK_EHLO "|220 2.0.0|503 5.5.1|503 5.5.1|250-|235|503 5.5.1", "TLS\nAUTH PLAIN [] [login] [secret]\n" },
    { "it forgets all", TALK_STARTTLS | TALK_AUTH | TALK_AUTH_CLEAR,
      BYTES(EHLO "AUTH PLAIN AGxvZ2luAHNlY3JldA==\r\n" FROM TO "STARTTLS\r\n" TALK_WAIT TO EHLO TO
                 "AUTH LOGIN bG9naW4=\r\nc2VjcmV0\r\n"),
      "", OK_EHLO "|235" OK_FROM OK_TO "|220|503|250-|503|334|235",
      "AUTH PLAIN [] [login] [secret]\n" MAIL_A RCPT_B "ABORT\nTLS\nAUTH LOGIN [] [login] [secret]\n" },
    { "nothing may follow it (S05)", TALK_STARTTLS | TALK_WHOLE,
      BYTES(EHLO FROM "STARTTLS\r\nEHLO evil\r\nMAIL FROM:<e@e.org>\r\n"), "", OK_EHLO OK_FROM "|554 5.5.1",
      MAIL_A "ABORT\nCLOSE injection\n" },
    { "not one octet", TALK_STARTTLS | TALK_WHOLE, BYTES(EHLO "STARTTLS\r\n\r"), "", OK_EHLO "|554 5.5.1",
      "CLOSE injection\n" },
    { "not offered, too early, or with an argument", TALK_STARTTLS,
      BYTES("STARTTLS\r\nHELO x\r\nSTARTTLS\r\n" EHLO "STARTTLS now\r\n"), "", "220|503|250|503|250-|501", "" },
    { "not offered", 0, BYTES(EHLO "STARTTLS\r\n"), "", OK_EHLO "|502 5.5.1", "" },
    { "from the first octet", TALK_SUBMISSIONS | TALK_STARTTLS | TALK_AUTH,
      BYTES(EHLO "STARTTLS\r\nAUTH LOGIN bG9naW4=\r\nc2VjcmV0\r\n"), "", OK_EHLO "|503|334|235",
      "TLS\nAUTH LOGIN [] [login] [secret]\n" },
};

static void check(const struct transcript *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        transcript_check(&rows[i]);
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof(rows)[0])

static void test_commands(void **state)
{
    CHECK(commands);
}
static void test_order(void **state)
{
    CHECK(order);
}
static void test_parameters(void **state)
{
    CHECK(parameters);
}
static void test_probes(void **state)
{
    CHECK(probes);
}
static void test_bdat(void **state)
{
    CHECK(bdat);
}
static void test_logins(void **state)
{
    CHECK(logins);
}
static void test_tls(void **state)
{
    CHECK(tls);
}

/* What EHLO says, to the letter. */
static void test_ehlo(void **state)
{
    static const struct {
        unsigned options;
        const char *lines;
    } rows[] = {
        { 0, "" },
        { TALK_STARTTLS, "250-STARTTLS\r\n" },
        { TALK_STARTTLS | TALK_AUTH, "250-STARTTLS\r\n" },
        { TALK_AUTH | TALK_AUTH_CLEAR, "250-AUTH PLAIN LOGIN\r\n" },
        { TALK_TLS | TALK_STARTTLS | TALK_AUTH | TALK_REQUIRETLS, "250-AUTH PLAIN LOGIN\r\n250-REQUIRETLS\r\n" },
        { TALK_REQUIRETLS, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct talk t;
        char expected[512];
        snprintf(expected, sizeof expected,
                 "220 mx.test ESMTP\r\n250-mx.test\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n"
                 "250-DSN\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n%s250 CHUNKING\r\n",
                 rows[i].lines);
        talk_init(&t, rows[i].options, "");
        assert_true(talk_run(&t, SLICE("EHLO x\r\n")));
        assert_int_equal(t.replies.size, strlen(expected));
        assert_memory_equal(t.replies.data, expected, t.replies.size);
        assert_true(slice_equal(smtp_server_helo(&t.server), SLICE("x")));
        talk_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands), cmocka_unit_test(test_order), cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_probes),   cmocka_unit_test(test_bdat),  cmocka_unit_test(test_logins),
        cmocka_unit_test(test_tls),      cmocka_unit_test(test_ehlo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
