"""Postfix with Dovecot's logins as the smart host: mechanisms, TLS, certificates, wrong passwords, reuse of connections."""
import re

import pytest

from peer.house import MECHANISMS, PASSWORD, USER

SENDER = "sender@facteur.test"
LOGIN = {"SmartHostAuth": "yes", "SmartHostUser": USER, "SmartHostPassword": PASSWORD}


@pytest.fixture
def relay(facteurd, nameserver, house):
    """relay(listener, key=value...): facteurd whose smart host is that listener, by the name smarthost.test, with the login."""
    def make(listener, scheme="", settings=None, **delivery):
        nameserver.set("smarthost.test. A 127.0.0.1")
        keys = {"Mode": "smarthost", "SmartHost": f"{scheme}smarthost.test:{house.ports[listener]}", **LOGIN, **delivery}
        return facteurd({"Delivery": keys, **(settings or {})})
    return make


def sessions(house, listener):
    """The text of Postfix's log about this listener's sessions."""
    return "\n".join(re.findall(rf"postfix/{listener}/smtpd.*", house.log_text()))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_each_mechanism_after_starttls(relay, house, mechanism):
    f = relay(mechanism)
    f.send(SENDER, [f"by-{mechanism}@house.test"])
    house.wait_messages(f"by-{mechanism}", "house.test")
    assert house.wait_log(rf"postfix/{mechanism}/smtpd\S+ \S+ client=\S+ sasl_method={mechanism.upper()}, sasl_username={USER}")
    f.stop()
    session, = house.heard(mechanism)
    assert session.startswith("ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1")
    assert "canary" not in f.log_text()


def test_implicit_tls_takes_the_strongest_mechanism(relay, house):
    """smtps:// means TLS from the first octet on."""
    f = relay("smtps", "smtps://")
    f.send(SENDER, ["smtps@house.test"])
    house.wait_messages("smtps", "house.test")
    assert house.wait_log(rf"postfix/smtps/smtpd\S+ \S+ client=\S+ sasl_method=SCRAM-SHA-256, sasl_username={USER}")
    f.stop()
    assert house.heard("smtps") == ["ehlo=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=6"]


def test_implicit_tls_that_was_not_asked_for(relay, house):
    """A server that waits for TLS from the first octet on, and an administrator who forgot smtps://: both wait for the other's word,
    so it ends with BannerTimeout; mended, the letter goes."""
    f = relay("smtps", settings={"Outbound": {"BannerTimeout": "1s"}})
    f.send(SENDER, ["no-scheme@house.test"])
    f.wait_log(r"delivery .*to=<no-scheme@house.test> .*stage=banner .*status=deferred")
    f.facteur("config", "set", "Delivery.SmartHost", f"smtps://smarthost.test:{house.ports['smtps']}")
    assert len(house.wait_messages("no-scheme", "house.test")) == 1


@pytest.mark.parametrize("listener", ["wrong-name", "unknown-ca"])
def test_a33_no_login_where_the_certificate_is_not_good(relay, house, listener):
    """Neither login nor letter, and one alert that says why. Told not to verify, facteurd takes it."""
    f = relay(listener)
    f.send(SENDER, [f"{listener}@house.test"])
    f.wait_log(rf"delivery .*to=<{listener}@house.test> .*dsn=4.7.\d+ status=deferred .*rule=A33")
    assert f.ask("status")["alerts"] and "sasl" not in sessions(house, listener)
    assert all("auth=" not in heard and "mail=" not in heard for heard in house.heard(listener))
    if listener == "wrong-name":
        assert "else.test" in str(f.ask("status")["alerts"])
    f.facteur("config", "set", "Delivery.SmartHostVerifyCertificate", "no")
    assert len(house.wait_messages(listener, "house.test")) == 1
    f.wait_empty()


def test_a33_no_login_in_clear(relay, house):
    f = relay("clear")
    f.send(SENDER, ["clear@house.test"])
    f.wait_log(r"delivery .*to=<clear@house.test> .*status=deferred .*rule=A33")
    f.reload({"Delivery": {"AllowPlaintextAuth": "yes"}})
    house.wait_messages("clear", "house.test")
    f.stop()
    refused, taken = house.heard("clear")[:1], house.heard("clear")[1:]
    assert "auth" not in refused[0] and "mail" not in refused[0]
    assert len(taken) == 1 and "auth=1" in taken[0]
    assert "sasl_method=SCRAM-SHA-256" in sessions(house, "clear")


def test_a25_a_wrong_password_waits_and_is_mended(relay, house):
    """Forty letters wait for the right password; one command mends it, all go, none twice, and the alert is over."""
    before = len(re.findall(r"authentication failed", sessions(house, "scram-sha-256")))
    f = relay("scram-sha-256", SmartHostPassword="wrong")
    with f.client() as client:
        for n in range(40):
            client.sendmail(SENDER, [f"mended{n}@house.test"], b"Subject: waits\r\n\r\nx\r\n")
    f.wait_count(r"delivery .*status=deferred", 40)
    assert [alert["rule"] for alert in f.ask("status")["alerts"] if alert["rule"]] == ["A23a"]
    assert len(f.queue()) == 40 and not house.messages("mended0", "house.test")
    failures = len(re.findall(r"authentication failed", sessions(house, "scram-sha-256"))) - before
    assert 1 <= failures <= 5, "the login rests after a failure: only what was being said already is said"
    f.facteur("config", "set", "Delivery.SmartHostPassword", "-", input=PASSWORD + "\n")
    f.facteur("reload")
    f.wait_empty()
    for n in range(40):
        assert len(house.wait_messages(f"mended{n}", "house.test")) == 1, n
    f.wait_log(r"alert-resolved rule=A2")
    assert "status=bounced" not in f.log_text() and not f.maildir("sender")


def test_a31_one_login_for_many_letters(relay, house):
    before = len(house.heard("plain"))
    f = relay("plain", SmartHostMaxConnections="1")
    with f.client() as client:
        for n in range(20):
            client.sendmail(SENDER, [f"reuse{n}@house.test"], b"Subject: reuse\r\n\r\nx\r\n")
    for n in range(20):
        assert len(house.wait_messages(f"reuse{n}", "house.test")) == 1, n
    f.wait_empty()
    f.stop()
    assert [heard for heard in house.heard("plain")[before:]] == \
        ["ehlo=2 starttls=1 auth=1 mail=20 rcpt=20 data=20 quit=1 commands=65"]


def test_a23a_without_the_login_nothing_is_lost(relay, house):
    """The page says that no login is needed, the smart host relays only for who has logged in: that is about us, so the mail waits."""
    f = relay("login", SmartHostAuth="no")
    f.send(SENDER, ["without@far.test"])
    f.wait_log(r"delivery .*to=<without@far.test> .*dsn=5.7.1 status=deferred .*rule=A23a .*Relay access denied")
    f.facteur("config", "set", "Delivery.SmartHostAuth", "yes")
    assert house.wait_log(r"to=<without@far.test>, relay=none, .*status=sent")
    f.wait_empty()
    assert not f.maildir("sender")


def test_relay_test_says_what_the_smart_host_says(relay, house):
    f = relay("cram-md5")
    told = f.ask("relay", "test")
    assert told["ok"] is True and [step["stage"] for step in told["steps"] if step["ok"]][-1] == "auth"
    f.facteur("config", "set", "Delivery.SmartHostPassword", "-", input="wrong\n")
    told = f.run_facteur("relay", "test")
    assert told.returncode == 1 and "535" in told.stdout + told.stderr
