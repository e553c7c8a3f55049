"""Direct delivery: how hosts are found, and TLS on the way to them."""
import pytest

SENDER, TO = "a@facteur.test", "b@dest.test"
MX = "dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2"


def test_implicit_mx(facteurd, nameserver, sink):
    nameserver.set("dest.test. A 127.0.0.2")
    receiver, f = sink(2), facteurd()
    f.send(SENDER, [TO])
    receiver.wait_messages(1)


def test_a10a_the_other_family(facteurd, nameserver, sink):
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. AAAA ::1", "mx2.test. A 127.0.0.2")
    receiver, f = sink(2), facteurd()
    f.send(SENDER, [TO])
    receiver.wait_messages(1)


def test_a39_address_literal(facteurd, nameserver, sink):
    receiver, f = sink(2), facteurd()
    f.send(SENDER, ["b@[127.0.0.2]"])
    assert receiver.wait_messages(1)[0].recipients == ["b@[127.0.0.2]"]


def test_a41_opportunistic(facteurd, nameserver, sink):
    """Encrypted whatever name the certificate bears; in clear on a new connection when TLS fails."""
    nameserver.set(*MX, "other.test. MX 10 mx3.test.", "mx3.test. A 127.0.0.3")
    good, bad, f = sink(2, tls=True, names=("else.test",)), sink(3, tls=True), facteurd()
    bad.on("starttls", "454 4.7.0 not now")
    f.send(SENDER, [TO])
    assert good.wait_messages(1)[0].session.tls
    f.send(SENDER, ["b@other.test"])
    assert not bad.wait_messages(1)[0].session.tls


@pytest.mark.parametrize("demand", ["required", "verified"])
def test_a41_a_demand_unmet_waits(facteurd, nameserver, sink, demand):
    nameserver.set(*MX)
    receiver = sink(2, tls=demand == "verified", names=("else.test",))
    f = facteurd({"TlsPolicy": {"dest.test": demand}})
    f.send(SENDER, [TO])
    f.wait_log(r"delivery .*to=<b@dest.test> .*dsn=4.7.\d+ status=deferred.* rule=A41")
    assert not any(command.upper().startswith("MAIL") for s in receiver.sessions for command in s.commands)


def test_a33_no_octet_of_a_login_over_an_unverified_link(facteurd, sink):
    host = sink(9, tls=True, names=("else.test",), logins={"user": "canary"})
    f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"127.0.0.9:{host.port}", "SmartHostAuth": "yes", "SmartHostUser": "user",
                               "SmartHostPassword": "canary"}})
    f.send(SENDER, [TO])
    f.wait_log(r"delivery .*to=<b@dest.test> .*status=deferred.* rule=A33")
    assert not any(command.upper().startswith(("AUTH", "MAIL")) for s in host.sessions for command in s.commands)
    assert "canary" not in f.log_text()


def test_a22_a31_one_session_and_groups(facteurd, nameserver, sink):
    nameserver.set(*MX)
    receiver, f = sink(2), facteurd({"Outbound": {"MaxConnectionsPerDestination": "1"}})
    f.send(SENDER, [f"b{n}@dest.test" for n in range(150)])
    f.send("c@facteur.test", [TO])
    messages = receiver.wait_messages(3)
    assert sorted(len(message.recipients) for message in messages) == [1, 50, 100]
    assert len({id(message.session) for message in messages}) == 1


def test_a22_452_sends_the_rest_at_once(facteurd, nameserver, sink):
    nameserver.set(*MX)
    receiver, f = sink(2), facteurd()
    receiver.on("rcpt", lambda session, argument: "452 4.5.3 too many" if len(session.message.recipients) >= 3 else "250 2.1.5 ok")
    f.send(SENDER, [f"b{n}@dest.test" for n in range(8)])
    messages = receiver.wait_messages(3)
    assert sorted(len(message.recipients) for message in messages) == [2, 3, 3]


def test_a42_a43_what_the_host_cannot_take(facteurd, nameserver, sink):
    nameserver.set(*MX)
    receiver = sink(2)
    receiver.extensions = ["SIZE 1000", "ENHANCEDSTATUSCODES"]
    f = facteurd()
    f.send(SENDER, [TO], "Subject: x\r\n\r\n" + "x" * 60 + ("\r\n" + "y" * 60) * 50 + "\r\n")
    f.wait_log(r"delivery .*dsn=5.3.4 status=bounced.* rule=A42")
    with f.client() as client:
        client.ehlo()
        client.mail(SENDER, ["SMTPUTF8", "BODY=8BITMIME"])
        assert client.docmd("RCPT", "TO:<c@dest.test>")[0] == 250
        assert client.data("Subject: \u00e9\r\n\r\nx\r\n".encode())[0] == 250
    f.wait_log(r"delivery .*to=<c@dest.test> .*dsn=5.6.7 status=bounced.* rule=A43")
    assert not receiver.messages


def test_8bit_is_converted_for_a_host_without_8bitmime(facteurd, nameserver, sink):
    nameserver.set(*MX)
    receiver = sink(2)
    receiver.extensions = []
    f = facteurd()
    letter = "From: a@facteur.test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\u00e9t\u00e9\r\n"
    f.send(SENDER, [TO], letter.encode(), ["BODY=8BITMIME"])
    data = receiver.wait_messages(1)[0].data
    assert data.isascii() and (b"=C3=A9t=C3=A9" in data or b"w6l0w6k" in data)
