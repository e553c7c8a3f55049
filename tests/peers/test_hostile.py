"""What strangers try on the listeners: S01, S05, S10, S24, and the loop of S23."""
import re
import ssl

import pytest

from peer.raw import OPENING, connect, reply

SECOND = b"MAIL FROM:<evil@facteur.test>\r\nRCPT TO:<b@dest.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n"
ENDS = [b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n.\r\r\n",
        b"\r\r\n.\r\r\n"]


@pytest.mark.parametrize("step", ["whole", "octets"])
def test_s01_no_end_but_one_gives_a_message(facteurd, nameserver, sink, step):
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    receiver, f = sink(2), facteurd()
    for end in ENDS:
        connection, file = connect(f.relay_port)
        reply(file)
        for line in OPENING:
            connection.sendall(line)
            assert reply(file)[:1] in b"23"
        octets = b"Subject: one\r\n\r\nbody" + end + SECOND
        try:
            for part in [octets] if step == "whole" else [octets[n:n + 1] for n in range(len(octets))]:
                connection.sendall(part)
        except OSError:
            pass  # closed while we were still talking
        try:
            assert file.readline()[:1] == b"5", end
            assert not [line for line in file if line[:1] in b"23"], end
        except ConnectionResetError:
            pass
        connection.close()
    f.send("a@facteur.test", ["b@dest.test"], "Subject: good\r\n\r\nx\r\n")
    message, = receiver.wait_messages(1)
    assert b"Subject: good" in message.data and len(re.findall(r"^received ", f.log_text(), re.M)) == 1


def test_s05_what_came_before_tls_is_forgotten(facteurd):
    f = facteurd()
    connection, file = connect(f.submission_port)
    reply(file)
    connection.sendall(b"EHLO client.test\r\n")
    assert b"STARTTLS" in reply(file)
    connection.sendall(b"STARTTLS\r\nNOOP\r\nNOOP\r\n")
    first = file.readline()
    if first[:3] != b"220":
        assert first[:1] in b"45" or not first
        return
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        secure = context.wrap_socket(connection)
        secure.sendall(b"EHLO client.test\r\n")
        answer = secure.recv(4096)
    except OSError:
        return
    assert answer == b"" or answer.startswith(b"250-mta.facteur.test")


def test_s10_http_is_not_spoken(facteurd):
    f = facteurd()
    for port in (f.relay_port, f.submission_port):
        connection, file = connect(port)
        reply(file)
        connection.sendall(b"POST /canary HTTP/1.1\r\nHost: canary\r\n\r\nEHLO x\r\n")
        try:
            lines = file.readlines()
        except ConnectionResetError:
            lines = []
        assert len(lines) <= 1 and b"canary" not in b"".join(lines), lines


PROBES = ["b@dest.test", "b%dest.test@facteur.test", "dest.test!b", "@facteur.test:b@dest.test", '"b@dest.test"@facteur.test',
          '"b@dest.test"', "b@dest.test.", "B@DEST.TEST", "b@[127.0.0.2]", "b@[dest.test]", "b@dest.test@facteur.test", "b@", "@dest.test",
          "b@facteur.test@dest.test", "b@d\u00e9st.test", "nobody@facteur.test", "b@dest.test%facteur.test", "b@localhost", "b@mta.facteur.test"]


def test_s24_no_open_relay(facteurd, nameserver, sink):
    """Only Networks relay: a loopback address outside of them is a stranger."""
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    receiver = sink(2)
    f = facteurd({"Relay": {"Networks": "127.0.0.2/32"}, "Limits": {"MaxErrors": "1000"}})
    for sender in (b"<>", b"<a@facteur.test>", b"<b@dest.test>", b"<postmaster@facteur.test>"):
        connection, file = connect(f.relay_port)
        reply(file)
        connection.sendall(b"XCLIENT ADDR=127.0.0.2\r\n")
        assert reply(file)[:1] == b"5"
        connection.sendall(b"EHLO client.test\r\n")
        reply(file)
        connection.sendall(b"MAIL FROM:" + sender + b"\r\n")
        if reply(file)[:1] != b"2":
            continue
        for probe in PROBES:
            connection.sendall(b"RCPT TO:<" + probe.encode() + b">\r\n")
            assert reply(file)[:1] == b"5", (sender, probe)
        connection.close()
    connection, file = connect(f.relay_port, "127.0.0.2")
    reply(file)
    for line in OPENING:
        connection.sendall(line)
        assert reply(file)[:1] in b"23", line
    assert not receiver.messages


def test_a9_s23_an_mx_that_is_ourselves(facteurd, nameserver, sink):
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    receiver, f = sink(2), facteurd({"Outbound": {"AllowLoopbackMx": "no"}})
    f.send("a@facteur.test", ["b@dest.test"])
    f.wait_log(r"delivery .*to=<b@dest.test> .*dsn=5.4.6 status=bounced.* rule=A9")
    assert not receiver.sessions
