"""The examples of the rules, each against scripted hosts: 1 to 9, and 11."""
import re

import pytest

from peer.sink import DEFAULT

SENDER, TO = "a@facteur.test", "b@dest.test"
QUICK = {"RemoteRetryMinutes": "2s", "RetryMinutes": "2s", "DelayAfterTempErrorMinutes": "0"}
TWO_MX = ("dest.test. MX 10 mx2.test.", "dest.test. MX 20 mx3.test.", "mx2.test. A 127.0.0.2", "mx3.test. A 127.0.0.3")


@pytest.fixture
def world(facteurd, nameserver, sink):
    """world(mode, switches...): facteurd with two MX hosts and, where the mode has one, a smart host."""
    class World:
        mx1 = mx2 = smarthost = f = None

        def start(self, mode, records=TWO_MX, mx=2, retry=None, accounts=None, smarthost=None, **delivery):
            nameserver.set(*records)
            if mx > 0:
                self.mx1 = sink(2)
            if mx > 1:
                self.mx2 = sink(3)
            settings = {"Delivery": {"Mode": mode, **delivery}, "RetryQueue": {**QUICK, **(retry or {})}}
            if mode != "direct":
                self.smarthost = sink(9, **(smarthost or {}))
                settings["Delivery"]["SmartHost"] = f"127.0.0.9:{self.smarthost.port}"
            self.f = facteurd(settings, start=False)
            self.f.write_accounts({SENDER: {"Password": "x"}, "c@facteur.test": {"Password": "y"}, **(accounts or {})})
            self.f.start()
            return self.f

        def bounced(self, status, count=1):
            line = self.f.wait_log(rf"delivery .*to=<{TO}> .*dsn={status} status=bounced.*")
            assert len(self.f.wait_maildir("a", count)) == count
            return line.group(0)

        def deferred(self, count=1):
            self.f.wait_count(rf"delivery .*to=<{TO}> .*status=deferred", count)
            assert "status=bounced" not in self.f.log_text()

    return World()


@pytest.mark.parametrize("switch", ["no", "yes"])
def test_example_1_nxdomain_in_mode_3(world, switch):
    """A1, A2."""
    f = world.start("direct-then-smarthost", records=(), mx=0, BounceIfNoMxOrA=switch)
    f.send(SENDER, [TO])
    if switch == "no":
        assert world.smarthost.wait_messages(1)[0].recipients == [TO]
    else:
        assert "rule=A1 " in world.bounced("5.1.2") + " "
        assert not world.smarthost.sessions


def test_example_2_servfail_and_the_smart_host_down(world, nameserver):
    """A4, A36: each attempt asks DNS again, then the smart host again."""
    nameserver.break_zone("dest.test")
    f = world.start("direct-then-smarthost", records=(), mx=0, BounceIfNoMxOrA="yes")
    world.smarthost.stop_listening()
    f.send(SENDER, [TO])
    world.deferred(2)
    world.smarthost.listen_again()
    world.smarthost.wait_messages(1)


def test_example_3_mode_1(world, nameserver):
    """A1, A4."""
    nameserver.break_zone("broken.test")
    f = world.start("direct", records=(), mx=0, BounceIfNoMxOrA="yes")
    f.send(SENDER, ["x@broken.test"])
    f.wait_count(r"delivery .*to=<x@broken.test> .*stage=dns .*status=deferred", 2)
    f.send(SENDER, [TO])
    world.bounced("5.1.2")
    assert not re.search(r"to=<x@broken.test> .*status=bounced", f.log_text())


def test_example_4_550_then_450(world):
    """A15."""
    f = world.start("direct")
    world.mx1.on("rcpt", "550 5.1.1 no")
    world.mx2.on("rcpt", "450 4.2.1 later", DEFAULT)
    f.send(SENDER, [TO])
    world.deferred()
    world.mx2.wait_messages(1)


def test_example_4_550_twice(world):
    """A15, A16: the most preferred host's verdict is quoted."""
    f = world.start("direct")
    world.mx1.on("rcpt", "550 5.1.1 first says no")
    world.mx2.on("rcpt", "550 5.2.1 second says no")
    f.send(SENDER, [TO])
    assert "first says no" in world.bounced("5.1.1")
    text = f.wait_maildir("a", 1)[0].as_string()
    assert "first says no" in text and "second says no" in text


def test_example_4_550_and_a_refused_connection(world):
    """A15: unreachable hosts hold no bounce back."""
    f = world.start("direct")
    world.mx1.on("rcpt", "550 5.1.1 no")
    world.mx2.stop_listening()
    f.send(SENDER, [TO])
    world.bounced("5.1.1")


@pytest.mark.parametrize("first", ["down", "554"])
def test_example_4_sessions_that_fail(world, first):
    """A15: only session failures are retried."""
    f = world.start("direct", CacheConnectionFailuresMinutes="0")
    if first == "down":
        world.mx1.stop_listening()
    else:
        world.mx1.on("banner", "554 5.3.2 not today", DEFAULT)
    world.mx2.stop_listening()
    f.send(SENDER, [TO])
    world.deferred()
    if first == "down":
        world.mx2.listen_again()
    (world.mx2 if first == "down" else world.mx1).wait_messages(1)


def test_example_4_switch_on(world):
    """A14."""
    f = world.start("direct", BounceOnFirst5xx="yes")
    world.mx1.on("rcpt", "550 5.1.1 no")
    f.send(SENDER, [TO])
    world.bounced("5.1.1")
    assert not world.mx2.sessions


def test_example_5_550_at_rcpt_in_mode_3(world):
    """A12."""
    f = world.start("direct-then-smarthost", records=("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2"), mx=1)
    world.mx1.on("rcpt", "550 5.1.1 no")
    f.send(SENDER, [TO])
    world.bounced("5.1.1")
    assert not world.smarthost.sessions


def test_example_5_banner_and_down(world):
    """A10."""
    f = world.start("direct-then-smarthost")
    world.mx1.on("banner", "554 5.3.2 no")
    world.mx2.stop_listening()
    f.send(SENDER, [TO])
    assert world.smarthost.wait_messages(1)[0].recipients == [TO]


def test_example_5_refused_as_a_client(world):
    """A13."""
    f = world.start("direct-then-smarthost", records=("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2"), mx=1)
    world.mx1.on("rcpt", lambda session, argument: f"550 5.7.1 [{session.peer[0]}] blocked")
    f.send(SENDER, [TO])
    assert world.smarthost.wait_messages(1)[0].recipients == [TO]


def test_example_5_450_until_the_time_is_up(world):
    """A11."""
    f = world.start("direct-then-smarthost", records=("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2"), mx=1,
                    retry={"RemoteQueueMinutes": "3s", "RemoteRetryMinutes": "1s"})
    world.mx1.on("rcpt", "450 4.2.0 greylisted")
    f.send(SENDER, [TO])
    world.deferred()
    assert not world.smarthost.messages
    world.smarthost.wait_messages(1)
    assert sum(command.upper().startswith("RCPT") for s in world.mx1.sessions for command in s.commands) >= 2


@pytest.mark.parametrize("switch", ["yes", "no"])
def test_example_6_one_of_two_refused(world, switch):
    """A19, A20; A21."""
    f = world.start("direct", AbortOnRcpt5xx=switch)
    for host in (world.mx1, world.mx2):
        host.on("rcpt", "550 5.1.1 no such user", match="b@")
    f.send(SENDER, ["ok@dest.test", TO])
    world.bounced("5.1.1")
    if switch == "yes":
        f.wait_log(r"delivery .*to=<ok@dest.test> .*dsn=5.0.0 status=bounced.*")
        assert not world.mx1.messages and not world.mx2.sessions
        assert not any(command.upper().startswith("DATA") for s in world.mx1.sessions for command in s.commands)
    else:
        assert world.mx1.wait_messages(1)[0].recipients == ["ok@dest.test"]
        assert not re.search(r"to=<ok@dest.test> .*status=bounced", f.log_text())
    notice, = f.wait_maildir("a", 1)
    assert ("ok@dest.test" in notice.get_payload(1).as_string()) == (switch == "yes")


def test_example_7_two_logins(world):
    """A26, A27, A31: two accounts, two sessions, two logins."""
    own = {"SmartHostUser": "own", "SmartHostPassword": "own secret"}
    f = world.start("smarthost", smarthost={"tls": True, "logins": {"general": "pw", "own": "own secret"}, "mechanisms": ("PLAIN",)},
                    accounts={SENDER: {"Password": "x", **own}}, PerAccountAuth="yes", SmartHostAuth="yes", SmartHostUser="general",
                    SmartHostPassword="pw")
    f.send(SENDER, [TO])
    f.send("c@facteur.test", [TO])
    messages = world.smarthost.wait_messages(2)
    logins = {message.sender: message.session.login for message in messages}
    assert logins == {SENDER: ("PLAIN", "own", "own secret"), "c@facteur.test": ("PLAIN", "general", "pw")}
    assert messages[0].session is not messages[1].session


@pytest.mark.parametrize("stage", ["auth", "rcpt"])
def test_example_8_the_smart_host_refuses_us(world, stage):
    """A25, A23a: everything waits, one alert, no bounce."""
    f = world.start("smarthost", smarthost={"tls": True, "logins": {"user": "pw"}}, SmartHostAuth="yes", SmartHostUser="user",
                    SmartHostPassword="pw")
    world.smarthost.on(stage, "535 5.7.8 no" if stage == "auth" else "550 5.7.64 TenantAttribution; Relay Access Denied")
    for n in range(5):
        f.send(SENDER, [f"b{n}@dest{n}.test"])
    f.wait_log(r"\balert rule=A23a")
    f.wait_count(r"delivery .*status=deferred", 5)
    text = f.log_text()
    assert "status=bounced" not in text
    assert len(re.findall(r"\balert rule=", text)) == 1
    assert "alert-resolved" not in text


@pytest.mark.parametrize("mode", ["direct", "direct-then-smarthost", "smarthost"])
def test_example_9_null_mx(world, mode):
    """A7."""
    f = world.start(mode, records=("dest.test. MX 0 .",), mx=0)
    f.send(SENDER, [TO])
    if mode == "smarthost":
        world.smarthost.wait_messages(1)
    else:
        assert "rule=A7 " in world.bounced("5.1.10") + " "
        assert mode == "direct" or not world.smarthost.sessions


def test_example_11_the_password_is_mended(world):
    """A25, A46: 200 messages go once the password is right, without a further command."""
    f = world.start("smarthost", smarthost={"tls": True, "logins": {"user": "right"}}, SmartHostAuth="yes", SmartHostUser="user",
                    SmartHostPassword="wrong")
    with f.client() as client:
        for n in range(200):
            client.sendmail(SENDER, [f"b{n}@dest{n}.test"], f"Subject: {n}\r\n\r\nx\r\n")
    f.wait_log(r"\balert rule=A23a")
    assert not world.smarthost.messages
    f.hang_up({"Delivery": {"SmartHostPassword": "right"}})
    messages = world.smarthost.wait_messages(200)
    assert len({message.recipients[0] for message in messages}) == 200 == len(messages)
    f.wait_log(r"alert-resolved rule=A23a")
    text = f.log_text()
    assert "status=bounced" not in text and len(re.findall(r"\balert rule=", text)) == 1
