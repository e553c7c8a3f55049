"""Notices of section 4: the delay, the end of patience, and who is told of it. The times are configuration keys of a few seconds."""
import re
from email.utils import parsedate_to_datetime

import pytest

from peer.notice import Notice
from peer.sink import DEFAULT

SENDER, TO = "s@facteur.test", "b@dest.test"
LETTER = "From: s@facteur.test\r\nSubject: about the boat\r\n\r\nthe body of it\r\n"
LATER = "451 4.3.0 not before tomorrow"
SHORT = {"RemoteQueueMinutes": "1s", "RemoteRetryMinutes": "1s", "RetryMinutes": "1s", "DelayAfterTempErrorMinutes": "0"}


@pytest.fixture
def world(facteurd, sink):
    """A smart host that puts everything off; the sender has a mailbox here."""
    class World:
        def start(self, **retry):
            self.host = sink(9)
            self.host.on("rcpt", LATER)
            self.f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"127.0.0.9:{self.host.port}"},
                               "RetryQueue": {**SHORT, **retry}}, start=False)
            self.f.write_accounts({SENDER: {"Password": "x"}})
            return self.f.start()

        def notices(self, count=1, user="s"):
            messages = self.f.wait_maildir(user, count)
            assert len(messages) == count and all(message["Return-Path"] == "<>" for message in messages)
            return [Notice(message.as_bytes()) for message in messages]

        def made(self):
            return len(re.findall(r"^notice ", self.f.log_text(), re.M))

    return World()


def test_the_delay_is_told_once_when_it_enters_the_retry_queue(world):
    f = world.start(GiveUpDays="1d")
    f.send(SENDER, [TO], LETTER, ["RET=FULL", "ENVID=e1"])
    f.wait_count(rf"delivery .*to=<{TO}> .*status=deferred queue=retry", 3)
    notice, = world.notices()
    group = notice.recipients[TO]
    assert notice["Subject"] == "Delayed: about the boat" and notice.report["Original-Envelope-Id"] == "e1"
    assert (group["Action"], group["Status"]) == ("delayed", "4.3.0")
    assert group["Diagnostic-Code"] == f"smtp; {LATER}"
    arrived, until = (parsedate_to_datetime(text) for text in (notice.report["Arrival-Date"], group["Will-Retry-Until"]))
    assert 86399 <= (until - arrived).total_seconds() <= 86401
    assert notice.returned.get_content_type() == "text/rfc822-headers" and b"the body" not in notice.octets
    assert "not before tomorrow" in notice.text and notice.has("keeps trying")
    assert world.made() == 1


@pytest.mark.parametrize("notify, owed", [("DELAY", True), ("FAILURE", False), ("SUCCESS", False), ("NEVER", False)])
def test_a45_notify_says_whether_a_delay_is_told(world, notify, owed):
    f = world.start()
    f.send(SENDER, [TO], LETTER, [], [f"NOTIFY={notify}"])
    f.wait_count(rf"delivery .*to=<{TO}> .*status=deferred queue=retry", 2)
    if owed:
        assert world.notices()[0].recipients[TO]["Action"] == "delayed"
    else:
        assert world.made() == 0


def test_no_delay_is_told_when_it_is_switched_off(world):
    f = world.start(InformSenderDelayed="no")
    f.send(SENDER, [TO], LETTER)
    f.wait_count(rf"delivery .*to=<{TO}> .*status=deferred queue=retry", 2)
    assert world.made() == 0


def test_a_delayed_letter_that_went_after_all(world):
    f = world.start(InformSenderDeliveredAfterDelay="yes")
    f.send(SENDER, [TO], LETTER)
    world.notices(1)
    world.host.on("rcpt", DEFAULT)
    delayed, after = world.notices(2)
    assert after["Subject"] == "Delivered after a delay: about the boat"
    assert (after.recipients[TO]["Action"], after.recipients[TO]["Status"][0]) == ("delivered", "2")
    assert delayed["Message-ID"] != after["Message-ID"]
    f.wait_empty()


def test_the_end_of_patience(world):
    """4.4.7, and the last failure is quoted; the letter returns whole."""
    f = world.start(GiveUpDays="3s", InformSenderDelayed="no")
    f.send(SENDER, [TO], LETTER, [], ["ORCPT=rfc822;b2@dest.test"])
    f.wait_log(rf"delivery .*to=<{TO}> .*status=expired .*rule=A\d+")
    notice, = world.notices()
    group = notice.recipients[TO]
    assert (group["Action"], group["Status"], group["Original-Recipient"]) == ("failed", "4.4.7", "rfc822; b2@dest.test")
    assert group["Diagnostic-Code"] == f"smtp; {LATER}" and "Will-Retry-Until" not in group
    assert notice["Subject"] == "Not delivered: about the boat"
    assert notice.has("as long as its settings allow") and notice.has("not before tomorrow")
    assert notice.original.endswith(b"the body of it\r\n")
    f.wait_empty()
    assert not f.queue("--queue", "bad")


def test_an_absent_domain_at_the_end_of_patience(facteurd, nameserver):
    """A2, A5: retried, with the delay told after the first attempt; at the end its own status."""
    f = facteurd({"RetryQueue": {**SHORT, "RemoteQueueMinutes": "30m", "GiveUpDays": "3s"}}, start=False)
    nameserver.set("nothing.test. TXT x")
    f.write_accounts({SENDER: {"Password": "x"}})
    f.start()
    f.send(SENDER, ["b@absent.test"], LETTER)
    f.send(SENDER, ["b@nothing.test"], LETTER)
    f.wait_count(r"delivery .*status=expired", 2)
    notices = [Notice(message.as_bytes()) for message in f.wait_maildir("s", 4)]
    told = sorted((address, group["Action"], group["Status"]) for notice in notices for address, group in notice.recipients.items())
    assert told == [("b@absent.test", "delayed", "4.1.2"), ("b@absent.test", "failed", "5.1.2"),
                    ("b@nothing.test", "delayed", "4.4.4"), ("b@nothing.test", "failed", "5.4.4")]


def test_after_the_first_retry(world):
    """GiveUpDays = 0: the first attempt and one retry."""
    f = world.start(GiveUpDays="0")
    f.send(SENDER, [TO], LETTER)
    f.wait_log(rf"delivery .*to=<{TO}> .*status=expired")
    assert sum(command.startswith("RCPT") for s in world.host.sessions for command in s.commands) == 2
    f.wait_empty()


def test_all_three_actions_at_the_end(world):
    f = world.start(GiveUpDays="2s", InformSenderDelayed="no", OnGiveUpInformPostmaster="yes", OnGiveUpKeepInBadQueue="yes")
    f.send(SENDER, [TO], LETTER)
    told, = world.notices()
    copy, = world.notices(user="postmaster")
    assert told["To"].addresses[0].addr_spec == SENDER and told["Auto-Submitted"] == "auto-replied"
    assert copy["To"].addresses[0].addr_spec == "postmaster@facteur.test" and copy["Auto-Submitted"] == "auto-generated"
    assert copy.returned.get_content_type() == "text/rfc822-headers" and copy.has(SENDER)
    f.wait_empty()
    row, = f.queue("--queue", "bad")
    assert row["recipients"][0]["state"] == "expired" and row["recipients"][0]["last"]["enhanced_code"] == "4.3.0"


def test_the_postmaster_alone_is_told(world):
    """The sender only where the page says so; of a letter without sender too."""
    f = world.start(GiveUpDays="2s", OnGiveUpInformSender="no", OnGiveUpInformPostmaster="yes")
    f.send("", [TO], LETTER)
    copy, = world.notices(user="postmaster")
    assert copy.recipients[TO]["Status"] == "4.4.7" and copy.has("no sender")
    f.wait_empty()
    assert not f.queue("--queue", "bad") and not f.maildir("s")


def test_a40_a_notice_that_expires(world):
    """UndeliverableNoticesToBadQueue at the end of patience."""
    f = world.start(GiveUpDays="2s")
    f.send("", [TO], LETTER)
    f.wait_log(rf"delivery .*to=<{TO}> .*status=expired")
    f.wait_empty()
    row, = f.queue("--queue", "bad")
    assert row["recipients"][0]["state"] == "expired" and world.made() == 0


def test_the_bad_queue_has_a_lifetime(world):
    """BadQueueDays."""
    f = world.start(GiveUpDays="2s", BadQueueDays="2s")
    f.send("", [TO], LETTER)
    f.wait_log(rf"delivery .*to=<{TO}> .*status=expired")
    f.wait_log(r"(?m)^removed ")
    assert not f.queue("--queue", "bad")


def test_no_action_at_all_is_refused(facteurd):
    """A45: mail must not vanish."""
    f = facteurd()
    f.change({"RetryQueue": {"OnGiveUpInformSender": "no"}})
    refused = f.run_facteur("reload")
    assert refused.returncode == 1 and "RetryQueue.OnGiveUp" in refused.stderr
