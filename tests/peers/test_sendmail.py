"""sendmail as cron, PHP's mail() and scripts call it, and mailq: the same intake, the same durability."""

import re
import subprocess

import pytest

from peer.common import BUILD, LIMIT, need

SENDMAIL = BUILD / "sendmail"


def run(server, *arguments, input=b"", program=SENDMAIL):
    return subprocess.run([program, "-C", server.ini, *arguments], input=input, capture_output=True, timeout=LIMIT)


@pytest.fixture
def server(facteurd, sink):
    """facteurd whose smart host is `receiver`, with root's mailbox."""
    receiver = sink()
    f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"{receiver.address}:{receiver.port}"},
                  "Domains": {"Local": "facteur.test mta.facteur.test"}}, start=False)
    f.write_accounts({"root@facteur.test": {"Password": "x", "Alias": "root@mta.facteur.test"}})
    f.receiver = receiver
    return f.start()


def test_sendmail_as_php_and_cron_call_it(server):
    letter = b'To: "Jo, B." <jo@dest.test>\nBcc: hidden@dest.test\nSubject: from php\n\nline\n.dotted\n'
    done = run(server, "-t", "-i", "-fphp@example.test", input=letter)
    assert done.returncode == 0, done.stderr
    message = server.receiver.wait_messages(1)[0]
    assert message.sender == "php@example.test"
    assert sorted(message.recipients) == ["hidden@dest.test", "jo@dest.test"]
    assert b"Bcc" not in message.data
    assert message.data.endswith(b"\r\n\r\nline\r\n.dotted\r\n")
    assert b"\r\nMessage-ID: <" in message.data and b"\r\nDate: " in message.data


def test_sendmail_without_a_server_says_try_again(tmp_path):
    config = tmp_path / "facteur.ini"
    config.write_text(f"[Server]\nDataDir = {tmp_path}\n")
    done = subprocess.run([SENDMAIL, "-C", config, "a@dest.test"], input=b"x\n", capture_output=True, timeout=LIMIT)
    assert done.returncode == 75
    assert b"is it running" in done.stderr


def test_debians_cron(server):
    """The very call of Debian's cron, with its fields, for a local user by his bare name."""
    letter = b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@mta> run-parts /etc/cron.daily\nMIME-Version: 1.0\n" \
             b"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\n\xc3\xa9t\xc3\xa9\n.\nbehind the dot\n"
    done = run(server, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", input=letter)
    assert done.returncode == 0, done.stderr
    got, = server.wait_maildir("root", 1)
    assert got["Subject"].startswith("Cron <root@mta>") and got["X-Cron-Env"] == "<SHELL=/bin/sh>"
    assert got.get_payload(decode=True) == b"\xc3\xa9t\xc3\xa9\n.\nbehind the dot\n"
    assert not server.receiver.sessions


def test_cronie(server):
    """Its other call: -t with an address that a crontab's MAILTO names, and options that mean nothing here."""
    done = run(server, "-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root@mta.facteur.test",
               input=b'From: "(Cron Daemon)" <root@mta.facteur.test>\nTo: ops@dest.test\nSubject: Cron\n\nx\n')
    assert done.returncode == 0, done.stderr
    message, = server.receiver.wait_messages(1)
    assert message.sender == "root@mta.facteur.test" and message.recipients == ["ops@dest.test"]


def test_php_mail(server, tmp_path):
    """PHP's own mail(), its default call (-t -i) and with the envelope's sender as the fifth argument."""
    need("php")
    script = tmp_path / "mail.php"
    script.write_text(r"""<?php
$headers = ["From" => "Shop <shop@example.test>", "Cc" => "copy@dest.test", "Bcc" => "hidden@dest.test", "X-Mailer" => "PHP/" . phpversion()];
$ok = mail("jo@dest.test, Bo <bo@dest.test>", "=?UTF-8?B?" . base64_encode("\u{e9}t\u{e9}") . "?=", "first\r\n.second\r\nthird", $headers)
   && mail("jo@dest.test", "with a sender", "x", "From: shop@example.test\r\nBcc: hidden@dest.test", "-fbounces@example.test");
exit($ok ? 0 : 1);
""")
    done = subprocess.run(["php", "-n", "-d", f"sendmail_path={SENDMAIL} -C {server.ini} -t -i", script], capture_output=True, timeout=LIMIT,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = sorted(server.receiver.wait_messages(2), key=lambda message: -len(message.recipients))
    assert sorted(first.recipients) == ["bo@dest.test", "copy@dest.test", "hidden@dest.test", "jo@dest.test"]
    assert b"hidden@" not in first.data and b"From: Shop <shop@example.test>\r\n" in first.data and b"\r\nX-Mailer: PHP/" in first.data
    assert first.data.endswith(b"\r\n\r\nfirst\r\n.second\r\nthird\r\n")
    assert second.sender == "bounces@example.test" and sorted(second.recipients) == ["hidden@dest.test", "jo@dest.test"]
    for message in (first, second):
        assert not re.search(rb"\r[^\n]|[^\r]\n", message.data)
    server.wait_empty()


def test_php_mail_hears_of_a_refusal(server, tmp_path):
    """mail() returns false, and nothing is sent, when a recipient is refused or there is none."""
    need("php")
    for call in ('mail("nobody@facteur.test", "x", "x")', 'mail("", "x", "x")'):
        done = subprocess.run(["php", "-n", "-d", f"sendmail_path={SENDMAIL} -C {server.ini} -t -i", "-r", f"exit(@{call} ? 0 : 9);"],
                              capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        assert done.returncode == 9, call
    assert not server.receiver.messages and server.queue() == []


def test_s02_nothing_smuggled_out_of_sendmail(server):
    """A local program's line ends are any; what leaves has CRLF only, and is one message (or refused)."""
    evil = b"MAIL FROM:<evil@dest.test>\nRCPT TO:<victim@dest.test>\nDATA\nSubject: smuggled\n\nx\n"
    taken = 0
    for end in (b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r\n", b"\n.\r", b"\r\n.\r\r\n", b"\r\r\n.\r\n"):
        done = run(server, "-i", "-f", "me@dest.test", "b@dest.test", input=b"Subject: one\n\nbody" + end + evil)
        assert done.returncode in (0, 65, 69), done.stderr
        taken += done.returncode == 0
    assert taken >= 3
    messages = server.receiver.wait_messages(taken)
    server.wait_empty()
    assert len(messages) == taken
    for message in messages:
        assert message.sender == "me@dest.test" and message.recipients == ["b@dest.test"] and b"smuggled" in message.data
    for session in server.receiver.sessions:
        assert not re.search(rb"\r[^\n]|[^\r]\n|\0", bytes(session.octets))


def test_options_and_refusals(server):
    """-N, -R, -V, -r, lines that end with a dot, wrong options, refused recipients: exit codes of sysexits.h."""
    done = run(server, "-N", "success,failure", "-R", "hdrs", "-V", "id1", "-r", "", "b@dest.test", input=b"Subject: x\n\nx\n.\nbehind\n")
    assert done.returncode == 0, done.stderr
    message, = server.receiver.wait_messages(1)
    assert message.sender == "" and message.recipient_parameters["b@dest.test"]["NOTIFY"].upper() == "SUCCESS,FAILURE"
    assert message.parameters["RET"].upper() == "HDRS" and message.parameters["ENVID"] == "id1"
    assert b"behind" not in message.data
    assert run(server, "-Z").returncode == 64
    assert run(server, input=b"x\n").returncode == 64
    refused = run(server, "nobody@facteur.test", input=b"x\n")
    assert refused.returncode == 67 and b"nobody@facteur.test: 550" in refused.stderr


def test_sendmail_bs(server):
    """-bs: SMTP on standard input and output, as some mail programs use it."""
    done = run(server, "-bs", input=b"EHLO x\r\nMAIL FROM:<a@dest.test>\r\nRCPT TO:<b@dest.test>\r\nDATA\r\nSubject: bs\r\n\r\nx\r\n.\r\nQUIT\r\n")
    assert done.returncode == 0 and [line[:3] for line in done.stdout.splitlines()][-5:] == [b"250", b"250", b"354", b"250", b"221"]
    assert server.receiver.wait_messages(1)[0].data.endswith(b"Subject: bs\r\n\r\nx\r\n")


def test_sendmail_bs_whose_input_ends(server):
    """Without QUIT what was said counts; a letter without its end is dropped, and the caller hears of it."""
    begin = b"EHLO x\r\nMAIL FROM:<a@dest.test>\r\nRCPT TO:<b@dest.test>\r\nDATA\r\nSubject: bs\r\n\r\nx\r\n"
    assert run(server, "-bs", input=begin).returncode == 65
    done = run(server, "-bs", input=begin + b".\r\n")
    assert done.returncode == 0 and [line[:3] for line in done.stdout.splitlines()][-2:] == [b"250", b"221"]
    assert len(server.receiver.wait_messages(1)) == 1
    server.wait_empty()


def test_mailq(server, tmp_path):
    """The name alone decides: a link to facteur called mailq shows the queue, in words when it is empty."""
    mailq = tmp_path / "mailq"
    mailq.symlink_to(BUILD / "facteur")
    empty = run(server, program=mailq)
    assert empty.returncode == 0 and empty.stdout == b"Nothing waits.\n"
    server.receiver.on("mail", "451 4.3.2 not now")
    assert run(server, "-fa@dest.test", "b@dest.test", input=b"Subject: waits\n\nx\n").returncode == 0
    rows = server.wait_queue("one that was tried", lambda rows: rows and rows[0]["recipients"][0]["last"])
    shown = run(server, program=mailq)
    assert shown.returncode == 0
    for word in (rows[0]["id"], "a@dest.test", "b@dest.test", "not now"):
        assert word.encode() in shown.stdout, shown.stdout
