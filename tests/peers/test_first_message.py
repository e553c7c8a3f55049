"""The first messages: in over each listener, checked, out to where they belong."""
import mailbox
import smtplib
import ssl

import pytest

from peer.common import wait_until

LETTER = "From: a@facteur.test\r\nSubject: first\r\n\r\nhello\r\n.dot\r\n"
USER, PASSWORD = "a@facteur.test", "wait; what # is this"


@pytest.fixture
def server(facteurd, nameserver, sink):
    """A facteurd with one account, and the receiver of dest.test."""
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    f = facteurd(start=False)
    f.write_accounts({USER: {"Password": PASSWORD, "Alias": "alias@facteur.test"}})
    f.receiver = sink(2)
    return f.start()


def test_relay_to_a_receiver_found_by_mx(server):
    server.send(USER, ["b@dest.test"], LETTER)
    message, = server.receiver.wait_messages(1)
    assert message.sender == USER and message.recipients == ["b@dest.test"]
    assert message.data.endswith(LETTER.encode())
    assert message.session.helo == "mta.facteur.test"
    server.wait_log(r"delivery .*to=<b@dest.test> .*status=sent")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("listener", ["submission", "submissions"])
def test_swaks_submits_with_a_login(server, swaks, listener, mechanism):
    port, tls = (server.submission_port, "-tls") if listener == "submission" else (server.submissions_port, "--tls-on-connect")
    common = ("--server", f"127.0.0.1:{port}", "--from", USER, "--to", "b@dest.test", tls, "--auth", mechanism, "--auth-user", USER)
    wrong = swaks(*common, "--auth-password", "wrong")
    assert wrong.returncode != 0 and "535 5.7.8" in wrong.stdout
    done = swaks(*common, "--auth-password", PASSWORD)
    assert done.returncode == 0, done.stdout + done.stderr
    message, = server.receiver.wait_messages(1)
    assert b"ESMTPSA" in message.data
    assert PASSWORD not in server.log_text()


def test_swaks_over_relay(server, swaks):
    done = swaks("--server", f"127.0.0.1:{server.relay_port}", "--from", USER, "--to", "b@dest.test,c@dest.test")
    assert done.returncode == 0, done.stdout + done.stderr
    message, = server.receiver.wait_messages(1)
    assert sorted(message.recipients) == ["b@dest.test", "c@dest.test"]


def test_smtplib_submits_over_starttls(server):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with server.client(server.submission_port) as client:
        assert client.docmd("MAIL FROM:<a@facteur.test>")[0] in (503, 530)
        client.starttls(context=context)
        client.ehlo()
        for offered in ("8bitmime", "size", "dsn", "smtputf8", "pipelining", "chunking", "enhancedstatuscodes"):
            assert client.has_extn(offered)
        assert not client.has_extn("starttls")
        assert client.docmd("MAIL FROM:<a@facteur.test>")[0] == 530
        client.login(USER, PASSWORD)
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.sendmail("other@facteur.test", ["b@dest.test"], LETTER)
        assert refused.value.smtp_code == 553 and b"5.7.1" in refused.value.smtp_error
        client.rset()
        client.sendmail("alias@facteur.test", ["b@dest.test"], LETTER)
    assert server.receiver.wait_messages(1)[0].sender == "alias@facteur.test"


def test_local_mail_lies_in_a_maildir(server):
    server.send("b@dest.test", [USER, "alias@facteur.test", "Postmaster"], LETTER)
    path = server.data / "mail/facteur.test/a"
    wait_until("the letter lies in the Maildir", lambda: (path / "new").exists() and list((path / "new").iterdir()))
    letter = next(iter(mailbox.Maildir(path, create=False)))
    assert letter["Subject"] == "first" and letter["Return-Path"] == "<b@dest.test>"
    postmaster = server.data / "mail/facteur.test/postmaster/new"
    wait_until("the postmaster has one too", lambda: postmaster.exists() and list(postmaster.iterdir()))
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        server.send("b@dest.test", ["nobody@facteur.test"], LETTER)
    assert refused.value.recipients["nobody@facteur.test"][0] == 550


def test_three_wrong_logins_end_the_session(server):
    """[Limits] MaxFailedLogins."""
    with server.client(server.submission_port) as client:
        client.ehlo()
        codes = []
        for _ in range(3):
            client.user, client.password = USER, "wrong"
            try:
                client.auth("PLAIN", client.auth_plain)
            except smtplib.SMTPAuthenticationError as error:
                codes.append(error.smtp_code)
        assert codes[:2] == [535, 535] and codes[2] in (421, 535)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            while True:
                if client.noop()[0] == 421:
                    raise smtplib.SMTPServerDisconnected
