/* Conversion, as a table of messages and what becomes of them; each in pieces of every size, with the same result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "convert.h"

#define E "\xc3\xa9"
#define LONG_60 "0123456789 0123456789 0123456789 0123456789 0123456789 12345"
#define X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X900 X100 X100 X100 X100 X100 X100 X100 X100 X100

/* Lines end with LF here. `out` NULL: it stays as it is, or is refused. */
struct row {
    const char *what;
    unsigned wish;
    enum mime_verdict verdict;
    const char *in;
    const char *out;
};

static const struct row rows[] = {
    { "ascii", MIME_WISH_7BIT, MIME_AS_IS, "Subject: x\n\nhello\n", NULL },
    { "empty", MIME_WISH_7BIT, MIME_AS_IS, "", NULL },
    { "header only", MIME_WISH_7BIT, MIME_AS_IS, "Subject: x\n", NULL },
    { "8-bit header of the message is SMTPUTF8's matter", MIME_WISH_7BIT, MIME_AS_IS, "Subject: " E "\n\nx\n", NULL },
    { "8-bit, and the receiver takes it", MIME_WISH_LONG_LINES, MIME_AS_IS, "Subject: x\n\n" E "\n", NULL },
    { "no type", MIME_WISH_7BIT, MIME_CONVERT, "Subject: x\n\nh" E "llo\n",
      "Subject: x\nContent-Type: text/plain; charset=utf-8\nMIME-Version: 1.0\n"
      "Content-Transfer-Encoding: quoted-printable\n\nh=C3=A9llo\n" },
    { "no type, not UTF-8", MIME_WISH_7BIT, MIME_CONVERT, "Subject: x\n\nh\xe9llo\n",
      "Subject: x\nContent-Type: text/plain; charset=unknown-8bit\nMIME-Version: 1.0\n"
      "Content-Transfer-Encoding: quoted-printable\n\nh=E9llo\n" },
    { "text", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Transfer-Encoding:\n 8bit\nContent-Type: text/plain; charset=utf-8\n\n"
      "a=b \n" E "\t\n.\n--x\nFrom me\n" E " end",
      "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
      "a=3Db=20\n=C3=A9=09\n.\n=2D-x\nFrom me\n=C3=A9 end" },
    { "octets", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n\xff\xfe\xfd\n",
      "MIME-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n//79DQo=\n" },
    { "octets, few above 127", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: application/pdf\n\n0123456789 " E " 0123456789\n",
      "MIME-Version: 1.0\nContent-Type: application/pdf\nContent-Transfer-Encoding: quoted-printable\n\n"
      "0123456789 =C3=A9 0123456789\n" },
    { "type that cannot be read is text", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: x y\n\n" E E E "\n",
      "MIME-Version: 1.0\nContent-Type: x y\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A9=C3=A9=C3=A9\n" },
    { "multipart", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=\"a b\"; x=y\nContent-Transfer-Encoding: 8bit\n\n"
      "pr" E "amble\n--a b\nContent-Type: text/plain\n\nascii\n--a b \t\n\n" E "\n\n--a b\nContent-Type: image/png\n\n"
      "\xff\xff\xff\n--a b--\n" E "pilogue\n--a b\n",
      "MIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=\"a b\"; x=y\nContent-Transfer-Encoding: 7bit\n\n"
      "pr??amble\n--a b\nContent-Type: text/plain\n\nascii\n--a b \t\nContent-Transfer-Encoding: quoted-printable\n\n"
      "=C3=A9\n\n--a b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n////\n--a b--\n??pilogue\n"
      "--a b\n" },
    { "multipart without an empty line behind its header", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n--b\n\n" E "\n--b--\n",
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
      "Content-Transfer-Encoding: quoted-printable\n\n=C3=A9\n--b--\n" },
    { "boundary in a comment's company, twice", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: (c (d\\) e) f) MultiPart (x) / mixed (\"; boundary=no) ; a=\"; boundary=no\";\n"
      " BOUNDARY = \"\\b\" ; boundary=second\n\n--b\n\n" E "\n--b--\n",
      "MIME-Version: 1.0\nContent-Type: (c (d\\) e) f) MultiPart (x) / mixed (\"; boundary=no) ; a=\"; boundary=no\";\n"
      " BOUNDARY = \"\\b\" ; boundary=second\n\n--b\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A9\n--b--\n" },
    { "multipart that is cut off", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n" E "\n",
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n"
      "Content-Transfer-Encoding: quoted-printable\n\n=C3=A9\n" },
    { "an outer delimiter ends what is inside", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n"
      "--i\n\n" E "\n--o\nContent-Type: application/x\n\n\xff\n--i\n--o--",
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n"
      "--i\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A9\n--o\nContent-Type: application/x\n"
      "Content-Transfer-Encoding: base64\n\n/w0KLS1p\n--o--" },
    { "a boundary that cannot be used: the whole is a text", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: multipart/mixed\n\n--b\n\n" E "\n--b--\n",
      "MIME-Version: 1.0\nContent-Type: multipart/mixed\nContent-Transfer-Encoding: quoted-printable\n\n"
      "=2D-b\n\n=C3=A9\n=2D-b--\n" },
    { "soft line ends make no delimiter", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n" LONG_60 " 0123456789123" E
      "--b\n--b--\n",
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
      "Content-Transfer-Encoding: quoted-printable\n\n" LONG_60 " 0123456789123=\n=C3=A9--b\n--b--\n" },
    { "a message in a message", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nSubject: " E " d" E "j" E
      "\n\n" E "\n",
      "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\n"
      "Subject: =?utf-8?q?=C3=A9_d=C3=A9j=C3=A9?=\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A9\n" },
    { "digest", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\n" E "\n--b--\n",
      "MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n"
      "Content-Transfer-Encoding: quoted-printable\n\n=C3=A9\n--b--\n" },
    { "another message type is a text", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: message/delivery-status\n\nA: " E E E "\n",
      "MIME-Version: 1.0\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: quoted-printable\n\n"
      "A: =C3=A9=C3=A9=C3=A9\n" },
    { "base64 with long lines", MIME_WISH_LONG_LINES, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: image/png\nContent-Transfer-Encoding: BASE64\n\n" X900 X100 "\n",
      "MIME-Version: 1.0\nContent-Type: image/png\nContent-Transfer-Encoding: BASE64\n\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "xxxxxxxxxxxx\n" },
    { "quoted-printable with octets that it should not have", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n" E
      "=C3=A9=\nx=  \ny=3d =2 =\xff=0D=0A \nend=\n",
      "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n"
      "=C3=A9=C3=A9xy=3D =3D2 =3D=FF=0D=0A \nend" },
    { "unknown encoding", MIME_WISH_7BIT, MIME_REFUSED_ENCODING,
      "MIME-Version: 1.0\nContent-Transfer-Encoding: x-yenc\n\n" E "\n", NULL },
    { "unknown encoding, but nothing to convert", MIME_WISH_7BIT, MIME_AS_IS,
      "MIME-Version: 1.0\nContent-Transfer-Encoding: x-uuencode\n\nbegin\n", NULL },
    { "signed", MIME_WISH_7BIT, MIME_REFUSED_SIGNED,
      "MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=s\n\n--s\n\n" E "\n--s\n\nsig\n--s--\n", NULL },
    { "signed, further inside", MIME_WISH_7BIT, MIME_REFUSED_SIGNED,
      "MIME-Version: 1.0\nContent-Type: multipart/Signed; boundary=s\n\n--s\nContent-Type: multipart/mixed; boundary=m\n\n"
      "--m\nSubject: " E "\n\nx\n--m--\n--s\n\nsig\n--s--\n",
      NULL },
    { "signed, and 7-bit", MIME_WISH_7BIT, MIME_AS_IS,
      "MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=s\n\n--s\n\nx\n--s\n\nsig\n--s--\n", NULL },
    { "what is signed is not touched, the rest is", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/signed; boundary=s\n"
      "Content-Transfer-Encoding: 8bit\n\n" E
      "\n--s\nContent-Transfer-Encoding: 8bit\n\nx\n--s\n\nsig\n--s--\n--m\n\n" E "\n--m--\n",
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/signed; boundary=s\n"
      "Content-Transfer-Encoding: 7bit\n\n??\n--s\nContent-Transfer-Encoding: 8bit\n\nx\n--s\n\nsig\n--s--\n--m\n"
      "Content-Transfer-Encoding: quoted-printable\n\n=C3=A9\n--m--\n" },
    { "998 octets are no long line", MIME_WISH_LONG_LINES, MIME_AS_IS,
      "A: b\n\n" X900
      "12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678\n",
      NULL },
    { "999 are", MIME_WISH_LONG_LINES, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: application/x\n\n" X900 X100 "\n", NULL },
    { "a long line of the header", MIME_WISH_LONG_LINES, MIME_CONVERT,
      "References: " X900 " <a@b> " X100 " <c@d>\nB: c\n\nx\n",
      "References: " X900 " <a@b>\n " X100 " <c@d>\nB: c\n\nx\n" },
    { "a long line of the header, no blank", MIME_WISH_LONG_LINES, MIME_CONVERT, "A: " X900 X100 X100 X100 " y\n\nx\n",
      "A: " X900 X100 X100 X100 "\n y\n\nx\n" },
    { "specials end an encoded-word", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: message/rfc822\n\nFrom: \"" E " Doe\" <a@b>, (" E ") c@d\n"
      "Content-Disposition: attachment; filename=\"" E ".pdf\"\n\nx\n",
      "MIME-Version: 1.0\nContent-Type: message/rfc822\n\nFrom: \"=?utf-8?q?=C3=A9?= Doe\" <a@b>, (=?utf-8?q?=C3=A9?=) c@d\n"
      "Content-Disposition: attachment; filename=\"=?utf-8?q?=C3=A9=2Epdf?=\"\n\nx\n" },
    { "a type stays one, whatever its subtype", MIME_WISH_7BIT, MIME_CONVERT,
      "Content-Type: multipart/x; boundary=o\n\n--o\nContent-Type: multipart/" E "; boundary=i\n\n--i\n\n" E
      "\n--i--\n",
      "Content-Type: multipart/x; boundary=o\nMIME-Version: 1.0\n\n--o\nContent-Type: multipart/=?utf-8?q?=C3=A9?=; "
      "boundary=i\n\n--i\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A9\n--i--\n" },
    { "a blank between encoded-words of two lines is kept in one", MIME_WISH_7BIT, MIME_CONVERT,
      "MIME-Version: 1.0\nContent-Type: message/rfc822\n\nSubject: a" E "bc\n d" E "ef\n g\n\nx\n",
      "MIME-Version: 1.0\nContent-Type: message/rfc822\n\nSubject: =?utf-8?q?a=C3=A9bc?=\n =?utf-8?q?_d=C3=A9ef?=\n"
      " g\n\nx\n" },
    { "a body without a header", MIME_WISH_7BIT, MIME_CONVERT, E " is here\n",
      "Content-Type: text/plain; charset=utf-8\nMIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\n"
      "=C3=A9 is here\n" },
};

static void test_table(void **state)
{
    static struct mime_plan plan, other;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer in, out, want;
        struct slice message = crlf(rows[i].in, &in);
        convert_all(message, rows[i].wish, &plan, &out);
        if (plan.verdict != rows[i].verdict)
            fail_msg("%s: verdict %d", rows[i].what, plan.verdict);
        if (rows[i].out != NULL) {
            struct slice text = crlf(rows[i].out, &want);
            if (!slice_equal(buffer_slice(&out), text))
                fail_msg("%s:\n%.*s\n--- but ---\n%.*s", rows[i].what, SLICE_ARG(text), SLICE_ARG(buffer_slice(&out)));
            buffer_done(&want);
        }
        /* Every place where the message can be cut in two. */
        struct mime *m = mime_new();
        for (size_t at = 1; at < message.size && plan.verdict == MIME_CONVERT; at++) {
            struct buffer again;
            buffer_init(&again, out.size + MIME_HELD_SIZE_MAX);
            mime_scan_start(m, rows[i].wish);
            mime_scan_feed(m, slice_part(message, 0, at));
            mime_scan_feed(m, slice_after(message, at));
            mime_scan_finish(m, &other);
            assert_memory_equal(&plan, &other, sizeof plan);
            mime_convert_start(m, &plan);
            mime_convert_feed(m, slice_part(message, 0, at), &again);
            mime_convert_feed(m, slice_after(message, at), &again);
            mime_convert_finish(m, &again);
            assert_true(slice_equal(buffer_slice(&again), buffer_slice(&out)));
            buffer_done(&again);
        }
        mime_free(m);
        buffer_done(&in);
        buffer_done(&out);
    }
}

/* ---- our own words ---- */

static void test_quoted_printable(void **state)
{
    static const struct {
        struct slice text;
        const char *want;
    } texts[] = {
        { { "", 0 }, "" },
        { { "a=b\r\n", 5 }, "a=3Db\r\n" },
        { { "a \r\n\t\r\n b ", 10 }, "a=20\r\n=09\r\n b=20" },
        { { "-- \r\n-\r\n", 8 }, "=2D-=20\r\n=2D\r\n" },
        { { "a\rb\nc\r", 6 }, "a=0Db=0Ac=0D" },
        { { " \r", 2 }, " =0D" },
        { { "\0\xff~", 3 }, "=00=FF~" },
        { { X100, 100 },
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n"
          "xxxxxxxxxxxxxxxxxxxxxxxxx" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer out;
        buffer_init(&out, 1000);
        mime_add_quoted_printable(texts[i].text, &out);
        if (!slice_equal(buffer_slice(&out), slice_of(texts[i].want)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(buffer_slice(&out)));
        buffer_done(&out);
    }
}

static void test_header_text(void **state)
{
    static const struct {
        const char *text;
        size_t column;
        const char *want;
    } texts[] = {
        { "", 9, "" },
        { "  plain   words ", 9, "plain words" },
        { "d" E "j" E " vu", 9, "=?utf-8?q?d=C3=A9j=C3=A9?= vu" },
        { "one " E " two " E "", 9, "one =?utf-8?q?=C3=A9?= two =?utf-8?q?=C3=A9?=" },
        { "a" E "bcd " E "xyz", 9, "=?utf-8?q?a=C3=A9bcd_=C3=A9xyz?=" },
        { "caf" E "s: =?x?q?y?= th" E "s", 9, "=?utf-8?q?caf=C3=A9s=3A_?= =?x?q?y?=\r\n =?utf-8?q?_th=C3=A9s?=" },
        { "a\r\nBcc: x", 9, "=?utf-8?q?a=0D=0ABcc=3A?= x" },
        { LONG_60 " 1234567", 9, LONG_60 "\r\n 1234567" },
        { "\xe9t\xe9 de la mer", 9, "=?unknown-8bit?q?=E9t=E9?= de la mer" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer out;
        buffer_init(&out, 1000);
        mime_add_header_text(slice_of(texts[i].text), texts[i].column, &out);
        if (!slice_equal(buffer_slice(&out), slice_of(texts[i].want)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(buffer_slice(&out)));
        buffer_done(&out);
    }
    /* Nothing that is wide stays so. */
    static const char *const units[] = { "x", "\xc3\xa9", "\xe5\x85\xa8", "\xf0\x9f\x98\x80", "\xff", "x " E " " };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct buffer text, out;
        size_t column = 9;
        buffer_init(&text, 20000);
        buffer_init(&out, 80000);
        for (int j = 0; j < 2000; j++)
            buffer_add_text(&text, units[i]);
        mime_add_header_text(buffer_slice(&text), column, &out);
        assert_false(out.overflow);
        for (size_t at = 0; at < out.size; at++) {
            column = out.data[at] == '\n' ? 0 : column + 1;
            assert_true(column <= MIME_ENCODED_LINE_SIZE_MAX + 1 && (unsigned char)out.data[at] < 0x7f);
        }
        buffer_done(&text);
        buffer_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_quoted_printable),
        cmocka_unit_test(test_header_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
