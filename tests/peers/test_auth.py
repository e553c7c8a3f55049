"""Who may send, and as whom: swaks and Python's smtplib against the three listeners."""
import base64
import re
import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

import pytest

from peer.common import LIMIT

USER, PASSWORD = "a@facteur.test", "canary; # p\u00e4ss \"word\""
TO = "b@dest.test"


@pytest.fixture
def server(facteurd, sink):
    """server(settings): facteurd with one account, and behind it `receiver`, its smart host."""
    def make(settings=None):
        receiver = sink(2)
        f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"{receiver.address}:{receiver.port}"}, **(settings or {})}, start=False)
        f.write_accounts({USER: {"Password": PASSWORD, "Alias": "alias@facteur.test"}, "c@facteur.test": {"Password": "other"}})
        f.receiver = receiver
        return f.start()
    return make


def port_of(f, listener):
    return {"relay": f.relay_port, "submission": f.submission_port, "submissions": f.submissions_port}[listener]


def login(f, listener, mechanism=None, sender=USER, user=USER, password=PASSWORD, address="127.0.0.1"):
    """swaks's arguments; TLS as the listener has it."""
    tls = {"relay": "-tls", "submission": "-tls", "submissions": "--tls-on-connect"}[listener]
    return ("--server", f"{address}:{port_of(f, listener)}", tls, "--auth", mechanism or "PLAIN", "--auth-user", user, "--auth-password",
            password, "--from", sender, "--to", TO)


def own_address():
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # no packet is sent
        return probe.getsockname()[0]


def test_a_login_opens_the_relay_listener_to_strangers(server, swaks):
    """Who is not in Networks relays there with a login only, by each mechanism."""
    f = server({"Relay": {"Networks": "192.0.2.1/32"}})
    bare = swaks("--server", f"127.0.0.1:{f.relay_port}", "-tls", "--from", USER, "--to", TO)
    assert bare.returncode == 24 and re.search(r"<~\* 5\d\d 5\.7\.1 Relaying", bare.stdout)
    for n, mechanism in enumerate(("PLAIN", "LOGIN"), 1):
        done = swaks(*login(f, "relay", mechanism))
        assert done.returncode == 0, done.stdout
        message = f.receiver.wait_messages(n)[-1]
        assert message.sender == USER and b"with ESMTPSA" in message.data


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_in_clear_on_loopback(server, swaks, mechanism):
    """What a program on this machine does that knows no TLS."""
    f = server()
    done = swaks(*[a for a in login(f, "submission", mechanism) if a != "-tls"])
    assert done.returncode == 0, done.stdout
    assert b"with ESMTPA" in f.receiver.wait_messages(1)[0].data


def test_in_clear_from_elsewhere_no_login_is_taken(server, swaks):
    """From another address AUTH is not offered before STARTTLS, and refused when it is said all the same; under TLS it works."""
    address = own_address()
    f = server()
    f.change({"Listen": {"Submission": f"{address}:{f.submission_port}"}})
    f.restart()
    arguments = login(f, "submission", address=address)
    clear = swaks(*[a for a in arguments if a != "-tls"])
    assert clear.returncode == 28 and "AUTH PLAIN" not in clear.stdout.replace("*** ", "")
    with socket.create_connection((address, f.submission_port), LIMIT) as connection:
        file = connection.makefile("rwb", buffering=0)
        file.readline()
        file.write(b"EHLO client.test\r\n")
        offered = []
        while not offered or offered[-1][3:4] == b"-":
            offered.append(file.readline())
        assert b"250-STARTTLS\r\n" in [line.replace(b"250 ", b"250-") for line in offered] and not any(b"AUTH" in line for line in offered)
        for line in (b"AUTH PLAIN " + base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()), b"AUTH LOGIN", b"MAIL FROM:<a@facteur.test>"):
            file.write(line + b"\r\n")
            assert re.match(rb"(503|530|538) 5", file.readline()), line
    assert swaks(*arguments).returncode == 0
    assert len(f.receiver.wait_messages(1)) == 1 and "canary" not in f.log_text()


def test_mechanisms_that_are_not_offered(server, swaks):
    """Only PLAIN and LOGIN: passwords are kept as hashes. A client that insists is told 504."""
    f = server()
    done = swaks(*login(f, "submissions", "CRAM-MD5"))
    assert done.returncode == 28 and "AUTH PLAIN LOGIN" in done.stdout
    with client_of(f) as client:
        assert client.docmd("AUTH", "CRAM-MD5")[0] == 504
        assert client.docmd("AUTH", "SCRAM-SHA-256 bix5")[0] == 504
        log_in(client)


def test_another_ones_sender_is_refused(server, swaks):
    """BindSender, on each listener: 553 5.7.1 for a neighbour, a stranger and a look-alike; alias and case are the account's own."""
    f = server({"Limits": {"MaxErrors": "100"}})
    for listener in ("relay", "submission", "submissions"):
        done = swaks(*login(f, listener, sender="c@facteur.test"))
        assert done.returncode == 23 and "553 5.7.1" in done.stdout, done.stdout
    with client_of(f) as client:
        log_in(client)
        for sender in ("ceo@else.test", "a@facteur.test.evil.test", "A2@facteur.test", "postmaster@facteur.test", '"a@facteur.test"@else.test'):
            code, text = client.mail(sender)
            assert code == 553 and text.startswith(b"5.7.1"), sender
        for sender in ("alias@facteur.test", "A@FACTEUR.TEST", ""):
            client.sendmail(sender, [TO], b"Subject: own\r\n\r\nx\r\n")
    assert len(f.receiver.wait_messages(3)) == 3


def test_bind_sender_off(server, swaks):
    f = server({"Submission": {"BindSender": "no"}})
    assert swaks(*login(f, "submission", sender="ceo@else.test")).returncode == 0
    assert f.receiver.wait_messages(1)[0].sender == "ceo@else.test"


def test_wrong_logins_tell_nothing(server, swaks):
    """A wrong password, an unknown user and an empty password get the same words; neither is in the log."""
    f = server()
    said = []
    for user, password in ((USER, "wrong-canary"), ("nobody@facteur.test", PASSWORD), (USER, PASSWORD + " "), ("a", PASSWORD),
                           ("alias@facteur.test'--", PASSWORD)):
        done = swaks(*login(f, "submissions", user=user, password=password))
        assert done.returncode == 28, done.stdout
        said += re.findall(r"<~\* (535 .*)", done.stdout)
    assert len(said) == 5 and set(said) == {"535 5.7.8 User name or password is wrong"}
    assert "canary" not in f.log_text() and len(re.findall(r"login.failed|login-failed", f.log_text())) == 5
    assert not f.receiver.sessions


# ---- the dialogue of AUTH (RFC 4954) ----


def client_of(f, listener="submission"):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = f.client(port_of(f, listener))
    client.starttls(context=context)
    client.ehlo()
    return client


def log_in(client):
    """smtplib's own login knows ASCII only."""
    assert client.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode())[0] == 235


def test_s26_the_dialogue_of_auth(server):
    """Cancelled, broken and repeated logins have their replies; the session goes on."""
    f = server({"Limits": {"MaxFailedLogins": "100", "MaxErrors": "100"}})
    with client_of(f) as client:
        assert client.docmd("AUTH", "LOGIN") == (334, b"VXNlcm5hbWU6")
        assert client.docmd("*")[0] == 501
        assert client.docmd("AUTH", "PLAIN")[0] == 334
        assert client.docmd("not base64!")[0] == 501
        assert client.docmd("AUTH", "PLAIN AAA")[0] == 501  # length is no multiple of four: S15
        assert client.docmd("AUTH", "PLAIN =")[0] in (501, 535)
        assert client.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0a\0b\0c").decode())[0] in (501, 535)
        assert client.docmd("AUTH", "PLAIN")[0] == 334
        assert client.docmd("A" * 12300)[0] == 500  # RFC 4954 4: 12,288 octets
        assert client.docmd("AUTH")[0] == 501
        assert client.mail(USER)[0] == 530
        log_in(client)
        assert client.docmd("AUTH", "PLAIN")[0] == 503
        assert client.mail(USER)[0] == 250
        assert client.docmd("AUTH", "PLAIN")[0] == 503
        assert client.rcpt(TO)[0] == 250
        assert client.data(b"Subject: after all\r\n\r\nx\r\n")[0] == 250
    f.receiver.wait_messages(1)


def test_a_login_as_somebody_else(server):
    """RFC 4616: an authorization identity that is not the account's own is refused, the same one is taken."""
    f = server()
    with client_of(f) as client:
        assert client.docmd("AUTH", "PLAIN " + base64.b64encode(f"c@facteur.test\0{USER}\0{PASSWORD}".encode()).decode())[0] == 535
        assert client.docmd("AUTH", "PLAIN " + base64.b64encode(f"{USER}\0{USER}\0{PASSWORD}".encode()).decode())[0] == 235


# ---- Python's smtplib ----


def test_smtplib_send_message(server):
    """A message with an attachment and names in UTF-8, as programs write it; Bcc is not among the fields."""
    f = server()
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Cc"], message["Bcc"] = USER, f"J\u00fcrgen <{TO}>", "c@dest.test", "hidden@dest.test"
    message["Subject"] = "Gr\u00fc\u00dfe"
    message.set_content("\u00e9t\u00e9\n.\n..\n" + "x" * 300 + "\n")
    message.add_attachment(bytes(range(256)) * 50, maintype="application", subtype="octet-stream", filename="all.bin")
    message.set_boundary("the-same-each-time")
    with client_of(f) as client:
        log_in(client)
        assert client.send_message(message) == {}
    got = f.receiver.wait_messages(1)[0]
    assert sorted(got.recipients) == [TO, "c@dest.test", "hidden@dest.test"]
    sent = message.as_bytes(policy=SMTP.clone(max_line_length=998))
    body = sent.split(b"\r\n\r\n", 1)[1]
    assert got.data.endswith(body) and b"hidden@" not in got.data


def test_smtplib_smtputf8(server):
    """RFC 6531 from end to end: addresses and header in UTF-8, announced to the next host too."""
    f = server({"Relay": {"Networks": "127.0.0.0/8"}})
    message = EmailMessage(policy=SMTPUTF8)
    message["From"], message["To"], message["Subject"] = "s\u00e9nder@dest.test", "j\u00fcrgen@d\u00e9st.test", "\u2713"
    message.set_content("x\n")
    with f.client() as client:
        client.send_message(message)
    got = f.receiver.wait_messages(1)[0]
    assert got.sender == "s\u00e9nder@dest.test" and "SMTPUTF8" in got.parameters
    assert got.recipients[0].startswith("j\u00fcrgen@") and "To: j\u00fcrgen@d\u00e9st.test".encode() in got.data


def test_smtplib_options_of_mail_and_rcpt(server):
    """RFC 3461's and RFC 1870's parameters are understood and handed on; nonsense is refused."""
    f = server({"Limits": {"MaxErrors": "100"}})
    with f.client() as client:
        client.ehlo()
        for wrong in ("SIZE=99999999999", "SIZE=x", "BODY=9BIT", "RET=SOME", "ENVID=", "ENVID=a+0", "NONSENSE=1", "RET=FULL RET=HDRS"):
            assert client.mail(USER, [wrong])[0] // 100 == 5, wrong
        assert client.mail(USER, ["SIZE=1000", "BODY=8BITMIME", "RET=HDRS", "ENVID=id+2B1"])[0] == 250
        for wrong in ("NOTIFY=NEVER,DELAY", "NOTIFY=", "NOTIFY=SOMETIMES", "ORCPT=x", "ORCPT=rfc822;a+0x", "SIZE=1"):
            assert client.rcpt(TO, [wrong])[0] // 100 == 5, wrong
        assert client.rcpt(TO, ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;old+2Bb@dest.test"])[0] == 250
        assert client.rcpt("never@dest.test", ["NOTIFY=NEVER"])[0] == 250
        assert client.data(b"Subject: x\r\n\r\nx\r\n")[0] == 250
    got = f.receiver.wait_messages(1)[0]
    assert got.parameters["RET"] == "HDRS" and got.parameters["ENVID"] == "id+2B1"
    assert got.recipient_parameters[TO] == {"NOTIFY": "SUCCESS,DELAY", "ORCPT": "rfc822;old+2Bb@dest.test"}
    assert got.recipient_parameters["never@dest.test"]["NOTIFY"] == "NEVER"


def test_smtplib_is_told_about_each_recipient(server):
    f = server()
    with f.client() as client:
        refused = client.sendmail(USER, [TO, "nobody@facteur.test", "not an address"], b"Subject: x\r\n\r\nx\r\n")
        assert sorted(refused) == ["nobody@facteur.test", "not an address"]
        assert refused["nobody@facteur.test"][0] == 550
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail(USER, ["nobody@facteur.test"], b"x\r\n")
    assert f.receiver.wait_messages(1)[0].recipients == [TO]


def test_chunks_in_a_row(server):
    """BDAT pipelined, binary-looking dots, chunks of no octets; the octets arrive as they were (RFC 3030)."""
    f = server()
    text = b"Subject: chunks\r\n\r\n.\r\n..\r\nend\r\n"
    with f.client() as client:
        client.ehlo()
        stream = b"MAIL FROM:<a@facteur.test>\r\nRCPT TO:<b@dest.test>\r\n"
        for part in (text[:5], b"", text[5:19], text[19:]):
            stream += b"BDAT %d\r\n" % len(part) + part
        client.send(stream + b"BDAT 0 LAST\r\nNOOP\r\n")
        assert [client.getreply()[0] for _ in range(8)] == [250] * 8
    assert f.receiver.wait_messages(1)[0].data.endswith(text)
