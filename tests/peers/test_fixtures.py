"""The peers themselves: each does what the tests that use it rely on."""
import smtplib
import socket
import ssl
import threading

import pytest

from peer.sink import CLOSE, DEFAULT, HANG, RESET

LETTER = "Subject: x\r\n\r\nhello\r\n.dot\r\n"


def client_of(server):
    return smtplib.SMTP(server.address, server.port, local_hostname="client.test", timeout=60)


def test_sink_records_a_message(sink):
    s = sink(2)
    with client_of(s) as client:
        client.sendmail("a@from.test", ["b@to.test", "c@to.test"], LETTER, mail_options=["BODY=8BITMIME"])
    message, = s.wait_messages(1)
    assert message.sender == "a@from.test" and message.recipients == ["b@to.test", "c@to.test"]
    assert message.parameters["BODY"] == "8BITMIME"
    assert message.data == LETTER.encode()
    s.wait_over()
    assert s.sessions[0].helo == "client.test" and s.sessions[0].commands[-1] == "QUIT"


def test_sink_answers_by_stage_and_match(sink):
    s = sink(2)
    s.on("rcpt", "550 5.1.1 no", match="bad@")
    s.on("mail", "450 4.7.1 later\n450 4.7.1 much later", DEFAULT)
    with client_of(s) as client:
        client.ehlo()
        assert client.mail("a@from.test") == (450, b"4.7.1 later\n4.7.1 much later")
        assert client.mail("a@from.test")[0] == 250
        assert client.rcpt("bad@to.test")[0] == 550
        assert client.rcpt("good@to.test")[0] == 250
        assert client.data("x\r\n")[0] == 250
    message, = s.wait_messages(1)
    assert message.recipients == ["good@to.test"] and message.refused == ["bad@to.test"]


@pytest.mark.parametrize("stage", ["banner", "ehlo", "mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("act", [CLOSE, RESET])
def test_sink_ends_at_any_stage(sink, stage, act):
    s = sink(2)
    s.on(stage, act)
    with pytest.raises((smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError, OSError)):
        with client_of(s) as client:
            client.sendmail("a@from.test", ["b@to.test"], LETTER)
    s.wait_over()
    assert not s.messages


def test_sink_hangs_until_the_client_goes(sink):
    s = sink(2)
    s.on("dot", HANG)
    client = client_of(s)
    client.ehlo(), client.mail("a@from.test"), client.rcpt("b@to.test")
    client.putcmd("data")
    assert client.getreply()[0] == 354
    client.send("x\r\n.\r\n")
    s.wait_for("the body", lambda: s.sessions[0].messages[0].data)
    client.sock.settimeout(0.2)
    with pytest.raises(OSError):
        client.sock.recv(1)
    client.close()
    s.wait_over()
    assert not s.messages


def test_sink_waits_for_a_gate(sink):
    s, gate = sink(2), threading.Event()
    s.on("mail", (gate, DEFAULT))
    with client_of(s) as client:
        client.ehlo()
        client.putcmd("mail", "FROM:<a@from.test>")
        s.wait_for("MAIL", lambda: any(c.startswith("mail") for c in s.sessions[0].commands))
        gate.set()
        assert client.getreply()[0] == 250


def test_sink_starttls_and_logins(sink, ca):
    s = sink(3, tls=True, logins={"user": "secret"})
    context = ssl.create_default_context(cafile=ca.certificate)
    for mechanism in ("auth_plain", "auth_login", "auth_cram_md5"):
        with client_of(s) as client:
            client.ehlo()
            assert not client.has_extn("auth")
            client._host = s.name  # the name that the certificate must bear
            client.starttls(context=context)
            client.ehlo()
            client.user, client.password = "user", "secret"
            name = mechanism[5:].upper().replace("_", "-")
            assert client.auth(name, getattr(client, mechanism))[0] == 235
            assert s.sessions[-1].tls[0] == "TLSv1.3" and s.sessions[-1].login[:2] == (name, "user")
    with client_of(s) as client:
        client.starttls()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("user", "wrong")


def test_sink_implicit_tls_and_swaks(sink, swaks):
    s = sink(4, tls=True, implicit_tls=True, logins={"user": "secret"})
    done = swaks("--server", f"{s.address}:{s.port}", "--tls-on-connect", "--auth", "CRAM-MD5", "--auth-user", "user", "--auth-password",
                 "secret", "--from", "a@from.test", "--to", "b@to.test")
    assert done.returncode == 0, done.stdout + done.stderr
    message, = s.wait_messages(1)
    assert message.session.login == ("CRAM-MD5", "user", None)


def test_sink_takes_chunks(sink):
    s = sink(2)
    with client_of(s) as client:
        client.ehlo(), client.mail("a@from.test"), client.rcpt("b@to.test")
        client.send(b"BDAT 4\r\nab\r\nBDAT 5 LAST\r\n.cd\r\n")
        assert client.getreply()[0] == 250 and client.getreply()[0] == 250
    assert s.wait_messages(1)[0].data == b"ab\r\n.cd\r\n"


def test_sink_refuses_connections(sink):
    s = sink(2)
    s.stop_listening()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((s.address, s.port), 60)
    s.listen_again()
    with client_of(s) as client:
        assert client.noop()[0] == 250


def test_nameserver(nameserver):
    ns = nameserver
    ns.set("dest.test. MX 10 mx1.dest.test.", "dest.test. MX 20 mx2.dest.test.", "mx1.dest.test. A 127.0.0.2", "null.test. MX 0 .",
           "plain.test. A 127.0.0.3", "v6.test. AAAA ::1")
    assert ns.ask("dest.test", "MX") == ("NOERROR", ["10 mx1.dest.test.", "20 mx2.dest.test."])
    assert ns.ask("mx1.dest.test", "A") == ("NOERROR", ["127.0.0.2"])
    assert ns.ask("null.test", "MX") == ("NOERROR", ["0 ."])
    assert ns.ask("plain.test", "MX") == ("NOERROR", [])
    assert ns.ask("v6.test", "AAAA") == ("NOERROR", ["::1"])
    assert ns.ask("nowhere.test", "MX") == ("NXDOMAIN", [])
    ns.break_zone("broken.test")
    assert ns.ask("broken.test", "MX") == ("SERVFAIL", [])
    assert ns.ask("a.broken.test", "A") == ("SERVFAIL", [])
    for n in range(3):
        ns.add(f"late{n}.test. A 127.0.0.4")
        assert ns.ask(f"late{n}.test", "A") == ("NOERROR", ["127.0.0.4"])


def test_postfix_receives(postfix):
    p = postfix(domains=["to.test"])
    with client_of(p) as client:
        client.sendmail("a@from.test", ["b@to.test"], LETTER)
    letter, = p.wait_messages("b", "to.test")
    assert letter["Subject"] == "x" and letter["Return-Path"] == "<a@from.test>"


def test_postfix_sends(postfix, sink):
    s = sink(2)
    p = postfix(relay=f"[{s.address}]:{s.port}")
    p.sendmail(b"Subject: from a program\n\nhello\n", "-f", "a@from.test", "b@to.test")
    with client_of(p) as client:
        client.sendmail("a@from.test", ["c@to.test"], LETTER)
    messages = s.wait_messages(2)
    assert sorted(message.recipients[0] for message in messages) == ["b@to.test", "c@to.test"]


def test_postfix_checks_logins_by_dovecot(postfix, dovecot_logins, ca, swaks):
    logins = dovecot_logins({"user": "secret"})
    certificate, key = ca.issue("smarthost.test", "127.0.0.1")
    p = postfix(domains=["to.test"], **logins.settings(), smtpd_tls_security_level="may", smtpd_tls_cert_file=certificate,
                smtpd_tls_key_file=key)
    with client_of(p) as client:
        client.ehlo()
        assert {"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"} <= set(client.esmtp_features["auth"].split())
    common = ("--server", f"{p.address}:{p.port}", "--from", "a@from.test", "--to", "b@to.test")
    assert swaks(*common).returncode != 0
    for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
        done = swaks(*common, "-tls", "--auth", mechanism, "--auth-user", "user", "--auth-password", "secret")
        assert done.returncode == 0, done.stdout + done.stderr
    assert swaks(*common, "-tls", "--auth", "PLAIN", "--auth-user", "user", "--auth-password", "wrong").returncode != 0
    assert len(p.wait_messages("b", "to.test", 3)) == 3
