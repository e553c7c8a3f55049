"""Postfix behind facteurd and before it: a receiving host found by MX, and a sender that relays through facteurd."""
import re
import smtplib
from pathlib import Path

import pytest

from peer.common import wait_until

SENDER = "sender@house.test"
BODY = "first\r\n.dot\r\n..two dots\r\n\r\n  spaces  \r\n" + "x" * 998 + "\r\nlast, then two empty lines\r\n\r\n\r\n"
LETTER = f"From: <{SENDER}>\r\nSubject: octets\r\nMessage-ID: <1@house.test>\r\nDate: Wed, 25 Nov 2026 12:00:00 +0000\r\n\r\n{BODY}".encode()
EIGHT_BIT = LETTER.replace(b"\r\n\r\n", b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                           + "\u00e9t\u00e9 \u2713\r\n".encode(), 1)


def unix(octets):
    return octets.replace(b"\r\n", b"\n")


@pytest.fixture
def direct(facteurd, nameserver, house):
    """direct(listener): facteurd that finds house.test by its MX, and the listener on that port."""
    def make(listener=None, settings=None):
        nameserver.set("house.test. MX 10 mx.house.test.", "mx.house.test. A 127.0.0.1")
        port = house.ports[listener] if listener else house.port
        return facteurd({"Outbound": {"Port": port, "AllowLoopbackMx": "yes"}, **(settings or {})})
    return make


def test_postfix_takes_the_same_octets_over_tls(direct, house):
    f = direct()
    f.send(SENDER, ["octets@house.test"], LETTER)
    house.wait_messages("octets", "house.test")
    octets, = house.octets("octets", "house.test")
    assert octets.endswith(unix(LETTER))
    received = re.sub(rb"\s+", b" ", octets.split(b"\nFrom:")[0])
    assert b"by mx.house.test (Postfix) with ESMTPS" in received and b"using TLSv1.3" in received
    assert b"by mta.facteur.test" in received
    f.wait_log(r"delivery .*to=<octets@house.test> .*status=sent")
    f.wait_empty()


def test_postfix_takes_eight_bits_as_they_are(direct, house):
    f = direct()
    f.send(SENDER, ["eight@house.test"], EIGHT_BIT, ["BODY=8BITMIME"])
    house.wait_messages("eight", "house.test")
    assert house.octets("eight", "house.test")[0].endswith(unix(EIGHT_BIT))


def test_a43_postfix_without_extensions_gets_seven_bits(direct, house):
    """Nothing is offered, TLS neither: the body is converted, and says the same."""
    f = direct("old")
    f.send(SENDER, ["seven@house.test"], EIGHT_BIT, ["BODY=8BITMIME"])
    letter, = house.wait_messages("seven", "house.test")
    assert letter.as_bytes().isascii() and letter["Content-Transfer-Encoding"] in ("quoted-printable", "base64")
    assert letter.get_payload(decode=True).replace(b"\r\n", b"\n") == unix(EIGHT_BIT.split(b"\r\n\r\n", 1)[1])
    f.stop()
    assert house.heard("old") == ["ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"]


def test_a42_postfix_says_its_size(direct, house):
    f = direct("small")
    f.send(SENDER, ["small@house.test"], LETTER + b"y" * 70 + (b"\r\n" + b"z" * 70) * 100 + b"\r\n")
    f.wait_log(r"delivery .*to=<small@house.test> .*dsn=5.3.4 status=bounced.* rule=A42")
    f.stop()
    assert house.heard("small") == ["ehlo=2 starttls=1 quit=1 commands=4"]


def test_a43_an_address_beyond_ascii(direct, house):
    """From the client to the Maildir, local part and header in UTF-8."""
    f = direct()
    letter = "From: <j\u00fcrgen@house.test>\r\nSubject: gr\u00fc\u00dfe\r\nMessage-ID: <2@house.test>\r\n" \
             "Date: Wed, 25 Nov 2026 12:00:00 +0000\r\n\r\nx\r\n"
    letter = letter.encode()
    with f.client() as client:
        client.ehlo()
        assert client.mail("j\u00fcrgen@house.test", ["SMTPUTF8", "BODY=8BITMIME"])[0] == 250
        client.command_encoding = "utf-8"
        assert client.rcpt("an\u00e4@house.test")[0] == 250
        assert client.data(letter)[0] == 250
    found = wait_until("the letter", lambda: [octets for octets in map(Path.read_bytes, (house.mail / "house.test/new").glob("*"))
                                              if "Delivered-To: an\u00e4@house.test".encode() in octets])
    assert len(found) == 1 and found[0].endswith(unix(letter)) and b"with UTF8SMTPS" in found[0]
    f.wait_log(r"delivery .*to=\S+house.test>\S* .*status=sent")


def test_dsn_is_handed_on_and_postfix_answers(direct, house):
    """RFC 3461: Postfix knows DSN, so the notice of success comes from it, with our ENVID and ORCPT."""
    f = direct()
    f.send(SENDER.replace("sender", "dsn-sender"), ["dsn@house.test"], LETTER, ["RET=HDRS", "ENVID=envid-77"],
           ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;first+40elsewhere.test"])
    house.wait_messages("dsn", "house.test")
    notice, = house.wait_messages("dsn-sender", "house.test")
    status = notice.get_payload(1).as_string()
    assert "Original-Envelope-Id: envid-77" in status and "Action: delivered" in status
    assert "rfc822;first" in status and "elsewhere.test" in status
    assert notice.get_payload(2).get_content_type() == "text/rfc822-headers"


def test_many_letters_in_one_session_of_pipelined_envelopes(direct, house):
    """A31, A22: thirty letters that wait for one connection go in one session, none twice."""
    f = direct(settings={"Outbound": {"MaxConnectionsPerDestination": "1", "Port": house.port, "AllowLoopbackMx": "yes"}})
    before = len(re.findall(r"postfix/smtpd\[\d+\]: connect from", house.log_text()))
    with f.client() as client:
        for n in range(30):
            client.sendmail(SENDER, [f"many{n}@house.test"], b"Subject: many\r\n\r\nx\r\n")
    for n in range(30):
        assert len(house.wait_messages(f"many{n}", "house.test")) == 1
    f.wait_empty()
    f.stop()
    sessions = len(re.findall(r"postfix/smtpd\[\d+\]: connect from", house.log_text())) - before
    assert sessions == 1, sessions


# ---- Postfix as the sender ----


@pytest.fixture
def relay(facteurd, house):
    """facteurd where Postfix sends all that is not its own, with a smart host of ours behind."""
    def make(receiver, settings=None):
        certificate, key = house.own_certificate
        f = facteurd({"Listen": {"Relay": f"127.0.0.1:{house.facteurd_port}"}, "TLS": {"Certificate": certificate, "Key": key},
                      "Delivery": {"Mode": "smarthost", "SmartHost": f"{receiver.address}:{receiver.port}"}, **(settings or {})})
        f.relay_port = house.facteurd_port
        return f
    return make


def test_postfix_sends_through_facteurd(relay, house, sink):
    """Postfix demands TLS of us with a certificate for our name; all recipients go in one transaction."""
    receiver = sink(2)
    f = relay(receiver)
    house.sendmail(unix(LETTER), "-f", SENDER, "b@dest.test", "c@dest.test", "d@dest.test")
    message, = receiver.wait_messages(1)
    assert message.sender == SENDER and sorted(message.recipients) == ["b@dest.test", "c@dest.test", "d@dest.test"]
    assert message.data.endswith(LETTER)
    received = re.sub(rb"\s+", b" ", message.data.split(b"\r\nFrom:")[0])
    assert re.search(rb"from mx.house.test .*by mta.facteur.test .*with ESMTPS", received)
    f.wait_empty()
    assert house.wait_log(r"Verified TLS connection established to 127.0.0.1\S+ TLSv1.3")
    taken = f.wait_log(r"\nreceived id=(\w+)").group(1)  # the house's log is all tests'
    sent = rf"to=<[bcd]@dest.test>, relay=127.0.0.1\S+, .*dsn=2.\d.\d, status=sent \(250 2.*{taken}"
    queue_id = house.wait_log(rf"(\w+): {sent}")[0]
    assert house.wait_log(f"{queue_id}: removed")
    assert len(house.wait_log(sent)) == 3


def test_postfix_pipelines_eight_bits_and_dsn_into_facteurd(relay, house, sink):
    """What Postfix announces reaches the host behind us: BODY, RET, ENVID, NOTIFY, ORCPT."""
    receiver = sink(2)
    relay(receiver)
    with smtplib.SMTP("127.0.0.1", house.port, local_hostname="client.test") as client:
        client.sendmail(SENDER, ["b@dest.test"], EIGHT_BIT, ["BODY=8BITMIME", "RET=FULL", "ENVID=id-8"],
                        ["NOTIFY=DELAY", "ORCPT=rfc822;other@dest.test"])
    message, = receiver.wait_messages(1)
    assert message.data.endswith(EIGHT_BIT)
    assert message.parameters["BODY"] == "8BITMIME" and message.parameters["RET"] == "FULL" and message.parameters["ENVID"] == "id-8"
    assert message.recipient_parameters["b@dest.test"] == {"NOTIFY": "DELAY", "ORCPT": "rfc822;other@dest.test"}


def test_postfix_learns_what_facteurd_refuses(relay, house, sink):
    """A refused recipient bounces at Postfix with our words, the other one goes."""
    receiver = sink(2)
    relay(receiver)
    house.sendmail(b"Subject: two\n\nx\n", "-f", "refused-sender@house.test", "good@dest.test", "nobody@facteur.test")
    assert receiver.wait_messages(1)[0].recipients == ["good@dest.test"]
    notice, = house.wait_messages("refused-sender", "house.test")
    status = notice.get_payload(1).as_string()
    assert "nobody@facteur.test" in status and "Status: 5.1.1" in status and "good@dest.test" not in status


def test_postfix_sends_a_hundred(relay, house, sink):
    """Several sessions at once, each letter once, and as it was."""
    receiver = sink(2)
    f = relay(receiver)
    with smtplib.SMTP("127.0.0.1", house.port, local_hostname="client.test") as client:
        for n in range(100):
            client.sendmail(SENDER, [f"n{n}@dest.test"], LETTER.replace(b"Subject: octets", b"Subject: number %d" % n))
    messages = receiver.wait_messages(100)
    f.wait_empty()
    assert len(messages) == 100 == len({message.recipients[0] for message in messages})
    for message in messages:
        assert message.data.endswith(LETTER.replace(b"Subject: octets", b"Subject: number " + message.recipients[0].split("@")[0][1:].encode()))
