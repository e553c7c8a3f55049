"""Notices of failure, to the letter of RFC 3464 and RFC 3461: to whom, with what, in which language; and those that nobody gets."""
import re

import pytest

from peer.notice import Notice

SENDER, TO = "s@source.test", "b@dest.test"
RECORDS = ("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2", "other.test. MX 10 mx4.test.", "mx4.test. A 127.0.0.4",
           "source.test. MX 10 mx3.test.", "mx3.test. A 127.0.0.3")
LETTER = "From: s@source.test\r\nSubject: about the boat\r\nX-Mark: one\r\n\r\nthe body of it\r\n.dotted\r\n"
NO_SUCH = "550 5.1.1 no such user here"


@pytest.fixture
def world(facteurd, nameserver, sink):
    """dest.test and other.test are hosts that the letters go to, source.test has the sender's mail."""
    class World:
        def start(self, settings=None, start=True):
            nameserver.set(*RECORDS)
            self.dest, self.home, self.other = sink(2), sink(3), sink(4)
            self.f = facteurd(settings, start=start)
            return self.f

        def notices(self, count=1):
            """Those that came home; each from the null sender and to one recipient."""
            messages = self.home.wait_messages(count)
            assert len(messages) == count
            for message in messages:
                assert message.sender == "" and message.recipients == [SENDER]
            return [Notice(message.data) for message in messages]

        def notice(self):
            return self.notices()[0]

        def none(self):
            """The queue is empty and no notice was made; whoever asks waits for an end first."""
            self.f.wait_empty()
            assert not re.search(r"^notice ", self.f.log_text(), re.M) and not self.home.messages

    return World()


def test_a_failure_is_told_in_full(world):
    f = world.start()
    world.dest.on("rcpt", NO_SUCH, match="b@")
    f.send(SENDER, [TO, "ok@dest.test"], LETTER, ["RET=FULL", "ENVID=boat+2B42"], ["ORCPT=rfc822;B+40Dest@dest.test", "NOTIFY=FAILURE"])
    notice = world.notice()
    assert notice["From"].addresses[0].addr_spec == "postmaster@facteur.test"
    assert notice["To"].addresses[0].addr_spec == SENDER
    assert notice["Subject"] == "Not delivered: about the boat" and notice["Auto-Submitted"] == "auto-replied"
    assert notice.language == "en"
    assert notice.has("Subject: about the boat") and notice.has("refused this recipient") and notice.has("no such user here")
    report, group = notice.report, notice.recipients[TO]
    assert list(notice.recipients) == [TO]
    assert report["Original-Envelope-Id"] == "boat+42" and report["Reporting-MTA"] == "dns; mta.facteur.test"
    assert group["Original-Recipient"] == "rfc822; B@Dest@dest.test" and group["Final-Recipient"] == f"rfc822; {TO}"
    assert (group["Action"], group["Status"]) == ("failed", "5.1.1")
    assert group["Remote-MTA"] == "dns; mx2.test" and group["Diagnostic-Code"] == f"smtp; {NO_SUCH}"
    assert group["Last-Attempt-Date"]
    assert notice.returned.get_content_type() == "message/rfc822" and notice.original.endswith(LETTER.encode())
    assert world.dest.wait_messages(1)[0].recipients == ["ok@dest.test"]
    f.wait_empty()


def test_the_transcript_stands_in_the_text(world):
    f = world.start()
    world.dest.on("rcpt", NO_SUCH)
    f.send(SENDER, [TO], LETTER)
    text = world.notice().text
    after = text.split("Transcript of the session:")[1]
    assert "EHLO mta.facteur.test" in after and f"RCPT TO:<{TO}>" in after and NO_SUCH in after


def test_no_transcript_when_it_is_switched_off(world):
    f = world.start({"RetryQueue": {"TranscriptInNotices": "no"}})
    world.dest.on("rcpt", NO_SUCH)
    f.send(SENDER, [TO], LETTER)
    notice = world.notice()
    assert "Transcript" not in notice.text and "EHLO" not in notice.text and notice.has("no such user here")


def test_no_secret_stands_in_a_transcript(facteurd, nameserver, sink):
    """A23 at a smart host with a login."""
    nameserver.set()
    host = sink(9, tls=True, logins={"user": "canary-77"}, mechanisms=("PLAIN", "LOGIN"))
    host.on("rcpt", NO_SUCH, match="b@")
    f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"127.0.0.9:{host.port}", "SmartHostAuth": "yes",
                               "SmartHostUser": "user", "SmartHostPassword": "canary-77"}})
    f.send(SENDER, [TO], LETTER)
    octets = host.wait_messages(1)[0].data
    assert host.messages[0].recipients == [SENDER]
    text = Notice(octets).text
    assert "AUTH" in text and "canary" not in text and "AHVzZXIAY2FuYXJ5LTc3" not in text and "Y2FuYXJ5LTc3" not in text


@pytest.mark.parametrize("asked", [["RET=HDRS"], []])
def test_ret_says_how_much_of_the_letter_returns(world, asked):
    """RFC 3461 4.3; without RET the whole letter."""
    f = world.start()
    world.dest.on("rcpt", NO_SUCH)
    f.send(SENDER, [TO], LETTER, asked)
    notice = world.notice()
    if asked:
        assert notice.returned.get_content_type() == "text/rfc822-headers"
        assert b"X-Mark: one\r\n" in notice.original and b"the body of it" not in notice.octets
        assert notice.has("the header of the message")
    else:
        assert notice.returned.get_content_type() == "message/rfc822" and notice.original.endswith(LETTER.encode())


def test_a_large_letter_returns_by_its_header(world):
    f = world.start()
    world.dest.on("dot", "554 5.6.0 not this one")
    f.send(SENDER, [TO], LETTER + ("x" * 70 + "\r\n") * 6000)
    notice = world.notice()
    assert notice.returned.get_content_type() == "text/rfc822-headers" and len(notice.octets) < 20000
    assert notice.recipients[TO]["Status"] == "5.6.0"


def test_an_8bit_letter_returns_as_it_was(world):
    f = world.start()
    world.dest.on("rcpt", NO_SUCH)
    letter = "From: s@source.test\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" \
             "Content-Transfer-Encoding: 8bit\r\n\r\nl\u2019\u00e9t\u00e9\r\n"
    f.send(SENDER, [TO], letter.encode(), ["BODY=8BITMIME"])
    notice = world.notice()
    assert notice.original.endswith("\r\n\r\nl\u2019\u00e9t\u00e9\r\n".encode())
    assert world.home.messages[0].parameters["BODY"] == "8BITMIME"


def test_one_notice_for_all_of_a_letter(world):
    """Two refused in two ways by one host: one notice with two groups, each with its own story."""
    f = world.start()
    world.dest.on("rcpt", NO_SUCH, match="b@")
    world.dest.on("rcpt", "552 5.2.2 mailbox full", match="full@")
    f.send(SENDER, [TO, "full@dest.test", "ok@dest.test"], LETTER)
    notice = world.notice()
    assert {a: g["Status"] for a, g in notice.recipients.items()} == {TO: "5.1.1", "full@dest.test": "5.2.2"}
    assert notice.has("no such user here") and notice.has("mailbox full")


@pytest.mark.parametrize("notify, owed", [(None, True), ("FAILURE", True), ("SUCCESS,FAILURE", True), ("NEVER", False), ("SUCCESS", False),
                                          ("DELAY", False)])
def test_notify_says_whether_a_failure_is_told(world, notify, owed):
    f = world.start()
    world.dest.on("rcpt", NO_SUCH)
    f.send(SENDER, [TO], LETTER, [], [f"NOTIFY={notify}"] if notify else [])
    f.wait_log(rf"delivery .*to=<{TO}> .*status=bounced")
    if owed:
        assert world.notice().recipients[TO]["Action"] == "failed"
    else:
        world.none()


def test_each_recipient_has_its_own_notify(world):
    f = world.start()
    world.dest.on("rcpt", NO_SUCH)
    with f.client() as client:
        client.ehlo()
        client.mail(SENDER)
        assert client.rcpt("never@dest.test", ["NOTIFY=NEVER"])[0] == 250
        assert client.rcpt(TO, ["NOTIFY=FAILURE"])[0] == 250
        assert client.data(LETTER)[0] == 250
    notice = world.notice()
    assert list(notice.recipients) == [TO] and "never@dest.test" not in notice.octets.decode().split("RCPT TO")[0]
    f.wait_empty()


def test_success_is_left_to_a_host_with_dsn(world):
    """RFC 3461 5.2.1: the parameters go on as they came, each recipient with its own, and the notice is the next host's."""
    f = world.start()
    f.send(SENDER, [TO], LETTER, ["RET=HDRS", "ENVID=boat+2B42"], ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;b+2Bx@dest.test"])
    message, = world.dest.wait_messages(1)
    lines = [line for line in message.session.commands if line.startswith(("MAIL", "RCPT"))]
    size = len(message.data)
    assert lines == [f"MAIL FROM:<{SENDER}> SIZE={size} RET=HDRS ENVID=boat+2B42",
                     f"RCPT TO:<{TO}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bx@dest.test"]
    f.wait_log(rf"delivery .*to=<{TO}> .*status=sent")
    world.none()


def test_nothing_is_added_that_nobody_asked_for(world):
    f = world.start()
    f.send(SENDER, [TO], LETTER)
    message, = world.dest.wait_messages(1)
    lines = [line for line in message.session.commands if line.startswith(("MAIL", "RCPT"))]
    assert lines == [f"MAIL FROM:<{SENDER}> SIZE={len(message.data)}", f"RCPT TO:<{TO}>"]


@pytest.mark.parametrize("notify", ["SUCCESS", "NEVER", "FAILURE"])
def test_a_host_without_dsn_gets_no_parameters(world, notify):
    """RFC 3461 5.2.2: with NOTIFY=SUCCESS the sender is told that the letter was handed on."""
    f = world.start()
    world.dest.extensions = ["PIPELINING", "ENHANCEDSTATUSCODES"]
    f.send(SENDER, [TO], LETTER, ["RET=FULL", "ENVID=e1"], [f"NOTIFY={notify}", "ORCPT=rfc822;b2@dest.test"])
    message, = world.dest.wait_messages(1)
    assert not message.parameters and not message.recipient_parameters[TO]
    f.wait_log(rf"delivery .*to=<{TO}> .*status=sent")
    if notify != "SUCCESS":
        world.none()
        return
    notice = world.notice()
    group = notice.recipients[TO]
    assert (group["Action"], group["Status"][:2], group["Original-Recipient"]) == ("relayed", "2.", "rfc822; b2@dest.test")
    assert notice.report["Original-Envelope-Id"] == "e1"
    assert notice.returned.get_content_type() == "text/rfc822-headers"  # RFC 3461 4.3: RET is for failures
    assert notice["Subject"] == "Delivery report: about the boat"


def test_success_in_a_mailbox_here(world):
    f = world.start(start=False)
    f.write_accounts({"here@facteur.test": {"Password": "x"}})
    f.start()
    f.send(SENDER, ["here@facteur.test"], LETTER, [], ["NOTIFY=SUCCESS"])
    group = world.notice().recipients["here@facteur.test"]
    assert (group["Action"], group["Status"]) == ("delivered", "2.0.0")
    assert group["Remote-MTA"] is None
    assert len(f.wait_maildir("here")) == 1


def test_a_notice_in_french(world):
    """[Server] Language: the subject as encoded-words, the text in UTF-8, with the typography that French has."""
    f = world.start({"Server": {"Language": "fr"}})
    world.dest.on("rcpt", NO_SUCH)
    f.send(SENDER, [TO], LETTER)
    notice = world.notice()
    assert notice["Subject"] == "Non distribu\u00e9\u00a0: about the boat"
    assert notice["From"].addresses[0].display_name == "Service de distribution du courrier"
    assert notice.language == "fr" and notice.octets.isascii()
    ours = notice.text.split("Transcription de la session")[0]
    assert "Le serveur de messagerie mx2.test (127.0.0.2) a refus\u00e9 ce destinataire." in notice.sentences
    assert notice.has("Ce que vous pouvez faire\u00a0:") and "'" not in ours
    assert not re.search(r"[^\s(][ \n]+[:;?!\u00bb](\s|$)", ours) and not re.search(r"\u00ab[ \n]", ours)
    assert "Transcription de la session\u00a0:" in notice.text
    assert notice.recipients[TO]["Action"] == "failed"  # the machine's part has no language


# ---- nobody to tell ----

def bad_queue(f):
    return f.queue("--queue", "bad")


@pytest.mark.parametrize("kept", ["yes", "no"])
def test_a40_the_null_sender_is_told_nothing(world, kept):
    f = world.start({"RetryQueue": {"UndeliverableNoticesToBadQueue": kept}})
    world.dest.on("rcpt", NO_SUCH)
    f.send("", [TO], LETTER)
    f.wait_log(rf"delivery .*to=<{TO}> .*status=bounced")
    if kept == "yes":
        f.wait_empty()
        row, = bad_queue(f)
        assert row["from"] == "" and row["recipients"][0]["state"] == "bounced" and row["recipients"][0]["last"]["code"] == 550
    else:
        f.wait_log(r"(?m)^removed ")
        assert not bad_queue(f)
    world.none()


def test_a40_a_notice_that_is_refused_goes_to_the_bad_queue(world):
    """The double bounce: no notice about a notice, and the letter that it speaks of is in it."""
    f = world.start()
    world.dest.on("rcpt", NO_SUCH)
    world.home.on("rcpt", "550 5.1.1 nor is there a sender")
    f.send(SENDER, [TO], LETTER)
    f.wait_log(rf"delivery .*to=<{SENDER}> .*status=bounced")
    f.wait_empty()
    row, = bad_queue(f)
    assert row["from"] == "" and row["recipients"][0]["to"] == SENDER
    assert len(re.findall(r"^notice ", f.log_text(), re.M)) == 1
    events = [event["event"] for event in f.ask("history", "--id", row["id"])]
    assert "notice" in events and "removed" not in events


def test_a45_a_loop_is_told_and_kept(world):
    f = world.start({"RetryQueue": {"MaxHops": "5"}})
    f.send(SENDER, [TO], "Received: from a by b; Wed, 25 Nov 2026 12:00:00 +0000\r\n" * 6 + LETTER)
    notice = world.notice()
    assert notice.recipients[TO]["Status"] == "5.4.6" and notice.has("too many servers")
    f.wait_empty()
    row, = bad_queue(f)
    assert row["from"] == SENDER and row["recipients"][0]["state"] == "bounced"
    assert not world.dest.sessions
