"""Strangers who want the server's memory, its state or its queue out of shape: S01, S12, S15 to S17, S19, S23, S27."""
import contextlib
import json
import re
import subprocess
import threading

import pytest

from peer.common import LIMIT, wait_until
from peer.raw import OPENING, connect, opened, reply, say

SENDER, TO = "a@facteur.test", "b@dest.test"


@pytest.fixture
def server(facteurd, sink):
    """server(settings): facteurd whose smart host is `receiver`."""
    def make(settings=None):
        receiver = sink(2)
        f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"{receiver.address}:{receiver.port}"}, **(settings or {})})
        f.receiver = receiver
        return f
    return make


def resident_kb(f):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{f.popen.pid}/status").read())[1])


def still_good(f):
    """Whatever happened before: it runs, and a good letter goes."""
    assert f.is_running(), f.log_text()[-2000:]
    mark = f"still good {len(f.receiver.messages)}"
    f.send(SENDER, [TO], f"Subject: {mark}\r\n\r\nx\r\n")
    f.receiver.wait_for(mark, lambda: any(mark.encode() in message.data for message in f.receiver.messages))


# ---- S01: smuggling by way of another server ----


def test_s01_through_postfix_no_message_is_made_of_another(facteurd, sink, house):
    """Whatever Postfix makes of the ends of lines (some end a letter for it), facteurd sees as many messages as Postfix sent, and passes on no more."""
    receiver = sink(2)
    f = facteurd({"Listen": {"Relay": f"127.0.0.1:{house.facteurd_port}"}, "TLS": dict(zip(("Certificate", "Key"), house.own_certificate)),
                  "Delivery": {"Mode": "smarthost", "SmartHost": f"{receiver.address}:{receiver.port}"}})
    f.relay_port, f.receiver = house.facteurd_port, receiver
    second = b"MAIL FROM:<evil@dest.test>\r\nRCPT TO:<b@dest.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n"
    sent_before = house.log_text().count("status=sent")
    for end in (b"\r.\r\n", b"\r\n.\r", b"\r.\r", b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\n.\r"):
        connection, file = opened(house.port)
        for line in OPENING[1:]:
            assert say(connection, file, line.rstrip()) in (250, 354)
        connection.sendall(b"Subject: one\r\n\r\nbody" + end + second)
        assert file.read()  # until Postfix has closed behind QUIT
        connection.close()
    wait_until("Postfix has sent all", lambda: house.log_text().count("(queue active)") == house.log_text().count(": removed"))
    still_good(f)
    f.wait_empty()
    received = re.findall(r"^received .*from=<(\S*)>", f.log_text(), re.M)
    assert len(received) == len(receiver.messages) == house.log_text().count("status=sent") - sent_before + 1
    for message in receiver.messages:
        assert not re.search(rb"\r[^\n]|[^\r]\n|\0", message.data)


# ---- S12: an envelope that wants to become another one ----

EVIL = ["+0D+0ARCPT+20TO:<evil@dest.test>", "+00", "+0A", "a+3Db", "+2B+2B", "x" * 90, "+22+27--+3B", "+E2+80+AE", "+1B+5B2J"]


def plain(xtext):
    return re.sub(r"\+([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), xtext or "")


def test_s12_parameters_stay_parameters(server):
    """ENVID, ORCPT and AUTH= with coded line ends and controls: refused, or handed on as they were, in one line of the log."""
    f = server({"Limits": {"MaxErrors": "1000"}})
    taken = []
    connection, file = opened(f.relay_port)
    for evil in EVIL:
        mail = f"MAIL FROM:<{SENDER}> ENVID={evil} RET=HDRS".encode()
        rcpt = f"RCPT TO:<{TO}> ORCPT=rfc822;{evil}@dest.test NOTIFY=FAILURE".encode()
        code = say(connection, file, mail)
        assert code in (250, 501, 553), mail
        if code != 250:
            assert say(connection, file, b"MAIL FROM:<a@facteur.test> AUTH=" + evil.encode()) in (250, 501)
            say(connection, file, b"RSET")
            assert say(connection, file, b"MAIL FROM:<a@facteur.test>") == 250
        with_orcpt = say(connection, file, rcpt)
        assert with_orcpt in (250, 501, 553), rcpt
        if with_orcpt != 250:
            assert say(connection, file, f"RCPT TO:<{TO}>".encode()) == 250
        assert say(connection, file, b"DATA") == 354
        assert say(connection, file, b"Subject: x\r\n\r\nx\r\n.") == 250
        taken.append((evil if code == 250 else None, evil if with_orcpt == 250 else None))
    messages = f.receiver.wait_messages(len(EVIL))
    f.wait_empty()
    assert len(messages) == len(EVIL)
    for message in messages:
        assert message.sender == SENDER and message.recipients == [TO]
    handed = sorted((plain(m.parameters.get("ENVID")), plain(m.recipient_parameters[TO].get("ORCPT"))) for m in messages)
    assert handed == sorted((plain(envid), plain(orcpt and f"rfc822;{orcpt}@dest.test")) for envid, orcpt in taken)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", f.log_text())
    assert len(re.findall(r"^received ", f.log_text(), re.M)) == len(EVIL)


def test_s12_s21_what_a_host_says_stays_what_it_says(server):
    """Controls, line ends and bidirectional marks in a refusal: shown as text in the log, in JSON and in the notice."""
    f = server()
    f.receiver.on("rcpt", b"550-5.1.1 first \x1b[31m line\r\n550 5.1.1 \xe2\x80\xae evil \x07\xff text to=<x@y.test> status=sent\r\n", match="refused@")
    f.receiver.on("rcpt", b"451 4.2.0 wait \x1b[2J\xe2\x80\xae\x7f\r\n", match="waits@")
    f.write_accounts({SENDER: {"Password": "x"}})
    f.restart()
    f.send(SENDER, ["refused@dest.test"])
    notice, = f.wait_maildir("a", 1)
    assert "evil" in notice.as_string() and not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", notice.as_string())
    assert not re.search(r"^(to|status|Action: (?!failed))", notice.get_payload(1).as_string(), re.M)
    f.send(SENDER, ["waits@dest.test"])
    rows = f.wait_queue("it was tried", lambda rows: rows and rows[0]["recipients"][0]["last"])
    assert "wait" in rows[0]["recipients"][0]["last"]["text"]
    json.loads(f.facteur("--json", "queue", "why", rows[0]["id"]))
    shown = f.facteur("queue", "why", rows[0]["id"]) + f.facteur("queue", "list") + f.log_text()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", shown.replace("\t", ""))
    assert len(re.findall(r"^delivery .*to=<refused@dest.test>", f.log_text(), re.M)) == 1


# ---- S15: what broke others ----


def test_s15_pieces_that_broke_others(server):
    f = server({"Limits": {"MaxErrors": "1000", "MaxFailedLogins": "100"}})
    for piece in (b"EHLO " + b"x" * 65536, b"HELO " + b"\xff" * 2000, b"MAIL FROM:<" + b"a" * 1900 + b"@facteur.test>", b"MAIL FROM:<\"" + b"\\" * 900,
                  b"MAIL FROM:<a@[IPv6:" + b":" * 500 + b"]>", b"MAIL FROM:<@" + b"x," * 300 + b"@y:a@b>", b"AUTH PLAIN " + b"=" * 12000,
                  b"AUTH PLAIN \x00", b"VRFY \xf0\x9f\x92\xa9", b"EXPN", b"HELP " + b"%s%n" * 100, b"XCLIENT NAME=[UNAVAILABLE]", b"BDAT", b"BDAT -1",
                  b"BDAT 99999999999999999999 LAST", b"BDAT 1 FIRST", b"DATA", b"RCPT TO:<>", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b""):
        connection, file = opened(f.submission_port)
        connection.sendall(piece + b"\r\n")
        answer = file.readline()
        assert answer[:1] in (b"4", b"5", b"2", b""), piece[:40]
        assert not answer.startswith(b"2") or piece[:4] in (b"VRFY", b"HELP", b"HELO"), piece[:40]
        connection.close()
    for server_name in ("x\\", "a" * 250, "\u0001"):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{f.submissions_port}", "-servername", server_name, "-quiet"],
                              input=b"QUIT\r\n", capture_output=True, timeout=LIMIT)
        assert done.returncode is not None
    still_good(f)


REPLIES = [b"550 5.7.2\r\n", b"550\r\n", b"550 \r\n", b"55", b"5\r\n", b"999 9.9.9 x\r\n", b"250-x\r\n550 y\r\n", b"\r\n",
           b"250" + b"x" * 70000 + b"\r\n", b"550 5.1.1\xff\xfe\r\n", b"\x00\x00\x00\r\n", b"250 a\nb\r\n"]


def test_s15_replies_that_broke_others(server):
    """At RCPT: a verdict, or a failure of the session that is retried, never a message sent or a crash."""
    f = server({"Outbound": {"CommandTimeout": "1s"}})
    bounced = []
    for n, answer in enumerate(REPLIES):
        f.receiver.on("rcpt", answer, match=f"odd{n}@")
        f.send(SENDER, [f"odd{n}@dest.test"])
        found = f.wait_log(rf"delivery .*to=<odd{n}@dest.test> .*status=(deferred|bounced)")
        bounced += [n] * (found[1] == "bounced")
    assert bounced == [0, 1, 2, 9], "only what is a 5xx reply by RFC 5321 4.2 is a verdict"
    assert not f.receiver.messages
    still_good(f)


# ---- S16: the state behind an error ----


def test_s16_after_an_error_the_transaction_is_what_it_should_be(server):
    """The sequences that made others crash, or skip their checks: no message without MAIL and RCPT of its own transaction."""
    f = server({"Limits": {"MaxErrors": "1000", "MaxMessageSize": "10000"}})
    connection, file = opened(f.relay_port)

    def ask(*lines):
        codes = []
        for line in lines:
            connection.sendall(line if b"BDAT" in line and b"\r\n" in line else line + b"\r\n")
            codes.append(int(reply(file)[:3]))
        return codes

    mail, rcpt = b"MAIL FROM:<a@facteur.test>", b"RCPT TO:<b@dest.test>"
    assert ask(rcpt, b"DATA", b"BDAT 0 LAST") == [503, 503, 503]
    assert ask(mail, b"DATA", b"BDAT 0 LAST", mail, b"RSET", rcpt) == [250, 503, 503, 503, 250, 503]  # no recipient; twice; forgotten
    assert ask(mail, b"RCPT TO:<nobody@facteur.test>", b"DATA") == [250, 550, 554]
    assert ask(b"RSET", mail, rcpt, b"BDAT 3\r\nabc") == [250] * 4
    assert ask(b"DATA", mail, rcpt) == [503, 503, 503]  # RFC 3030: only BDAT or RSET now
    assert ask(b"RSET") == [250]
    assert ask(b"BDAT 4\r\nabcd", b"NOOP") == [503, 250]  # its octets are skipped, not read as commands
    assert ask(mail, rcpt, b"BDAT 20000 LAST\r\n" + b"x" * 20000) == [250, 250, 552]  # too large: the transaction is over
    assert ask(b"DATA", b"BDAT 1 LAST\r\nx", rcpt) == [503, 503, 503]
    assert ask(mail, rcpt, b"DATA", b"y" * 70 + (b"\r\n" + b"z" * 70) * 200 + b"\r\n.") == [250, 250, 354, 552]
    assert ask(b"DATA", rcpt, b"VRFY \xc3\xa9", b"DATA") == [503, 503, ask(b"VRFY \xc3\xa9")[0], 503]
    assert ask(mail, rcpt, b"EHLO again.test", b"DATA", rcpt) == [250, 250, 250, 503, 503]
    assert ask(mail, rcpt, b"AUTH PLAIN")[2] in (503, 530, 504)
    assert ask(b"DATA", b"Subject: the only one\r\n\r\nx\r\n.", b"DATA") == [354, 250, 503]
    f.receiver.wait_messages(1)
    still_good(f)
    assert len(f.receiver.messages) == 2


# ---- S17: memory ----


def test_s17_no_session_takes_more_memory_than_it_should(server):
    """An endless line, an endless line of a body, a hundred thousand chunks of an octet, too many recipients, a deep message: the
    server grows by less than 8 MiB in all, with five of each at a time."""
    f = server({"Limits": {"MaxErrors": "1000", "MaxMessageSize": "2M"}})
    still_good(f)
    before = resident_kb(f)
    blocks = {"line": b"x" * 65536, "body": b"y" * 65536, "chunks": b"BDAT 1\r\nz" * 1000, "rcpt": b"".join(b"RCPT TO:<r%d@dest.test>\r\n" % n for n in range(1000)),
              "header": b"X-%d: " % 5 + b"h" * 60 + b"\r\n", "deep": b""}
    done = []

    def drain(connection):
        with contextlib.suppress(OSError):
            while connection.recv(65536):
                pass

    def abuse(kind):
        try:
            connection, file = opened(f.relay_port)
            if kind != "line":
                assert say(connection, file, b"MAIL FROM:<a@facteur.test>") == 250 and say(connection, file, b"RCPT TO:<b@dest.test>") == 250
            if kind in ("body", "header", "deep"):
                assert say(connection, file, b"DATA") == 354
            if kind == "deep":
                connection.sendall(b"MIME-Version: 1.0\r\n" + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(20000)))
            threading.Thread(target=drain, args=(connection,), daemon=True).start()
            for _ in range(100 if kind in ("line", "body", "chunks") else 3 if kind == "rcpt" else 20):
                connection.sendall(blocks[kind] * (1 if kind in ("line", "body", "chunks", "rcpt") else 500))
        except (OSError, AssertionError):
            pass
        done.append((kind, resident_kb(f)))

    for kind in blocks:
        threads = [threading.Thread(target=abuse, args=(kind,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT * 2)
        assert f.is_running()
    assert len(done) == 30
    worst = max(grown for _, grown in done) - before
    assert worst < 8 << 10, f"{worst} KiB: {sorted(done, key=lambda d: -d[1])[:3]}"


def test_s17_a_reply_without_an_end(server):
    """EHLO answered by line after line: given up, retried, and no memory kept."""
    f = server({"Outbound": {"CommandTimeout": "5s"}})
    still_good(f)
    f.receiver.on("ehlo", lambda session, argument: b"250-endless " + b"x" * 400 + b"\r\n" + b"250-y\r\n" * 400000)
    before = resident_kb(f)
    f.facteur("config", "set", "Outbound.IdleTimeout", "1s")
    wait_until("no session is kept", lambda: all(session.over for session in f.receiver.sessions))
    f.send(SENDER, ["endless@dest.test"])
    f.wait_log(r"delivery .*to=<endless@dest.test> .*status=deferred")
    assert resident_kb(f) - before < 4 << 10
    f.receiver.forget_rules()
    wait_until("it may be tried again", lambda: f.run_facteur("queue", "retry", f.queue()[0]["id"]).returncode == 0)
    f.wait_empty()


# ---- S19: addresses of two meanings ----


def test_s19_one_reading_of_an_address(facteurd, nameserver, sink):
    """Quoted local parts go to the domain behind the last @, and leave as they came; source routes and doubles are refused."""
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2", "evil.test. MX 10 mx3.test.", "mx3.test. A 127.0.0.3")
    good, evil, f = sink(2), sink(3), facteurd({"Limits": {"MaxErrors": "1000"}})
    taken = ['"a@evil.test"@dest.test', '"a b"@dest.test', '"a\\"b"@dest.test', '"a,b@evil.test"@dest.test', "a!evil.test!b@dest.test", "a%evil.test@dest.test",
             '"<b@evil.test>"@dest.test', "a+b=c/d@dest.test", '""@dest.test', '" "@dest.test', '"RCPT TO:"@dest.test']
    refused = ["@evil.test:b@dest.test", "@evil.test,@x.test:b@dest.test", "a@evil.test@dest.test", "a@dest.test,b@evil.test", "a@dest.test>,<b@evil.test",
               'b@dest.test" <c@evil.test', "b@dest.test\\@evil.test", '"a"@evil.test"@dest.test', "a@dest..test", "a..b@dest.test", ".a@dest.test", "a@-dest.test",
               "a(comment)@dest.test", "a@dest.test(evil.test)", " a@dest.test", "a@dest.test\t"]
    with f.client() as client:
        client.command_encoding = "utf-8"
        client.ehlo()
        assert client.mail(SENDER)[0] == 250
        for one in refused:
            assert client.docmd(f"RCPT TO:<{one}>")[0] // 100 == 5, one
        for one in taken:
            assert client.docmd(f"RCPT TO:<{one}>")[0] == 250, one
        assert client.data(b"Subject: quoted\r\n\r\nx\r\n")[0] == 250
    message, = good.wait_messages(1)
    f.wait_empty()
    heard = sorted(command[len("RCPT TO:<"):].split("> ")[0].rstrip(">") for command in message.session.commands if command.startswith("RCPT"))
    assert heard == sorted(taken) and not evil.sessions


# ---- S23: loops ----


def test_s23_a_host_that_greets_with_our_name(facteurd, nameserver, sink):
    """It is us by another address: 5.4.6 to the sender, nothing is sent (A9)."""
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    mirror, f = sink(2, name="mta.facteur.test"), facteurd()
    f.send("a@else.test", [TO])
    f.wait_log(r"delivery .*to=<b@dest.test> .*dsn=5.4.6 status=bounced.* rule=A9")
    assert not mirror.messages and not any(command.startswith("MAIL") for session in mirror.sessions for command in session.commands)


def test_s23_s28_names_that_go_round(facteurd, nameserver, sink):
    """CNAMEs that point at each other: temporary, and never a bounce before its time; a chain that ends is followed."""
    nameserver.set("loop1.test. CNAME loop2.test.", "loop2.test. CNAME loop1.test.", "alias.test. CNAME dest.test.", "dest.test. MX 10 mx2.test.",
                   "mx2.test. A 127.0.0.2", "mxloop.test. MX 10 loop1.test.")
    receiver, f = sink(2), facteurd({"DNS": {"Timeout": "5s"}})
    for name in ("loop1.test", "mxloop.test"):
        f.send("a@else.test", [f"x@{name}"])
        f.wait_log(rf"delivery .*to=<x@{name}> .*stage=dns .*status=deferred")
    f.send("a@else.test", ["b@alias.test"])
    assert receiver.wait_messages(1)[0].recipients == ["b@alias.test"]
    assert "status=bounced" not in f.log_text()


# ---- S27: many who say nothing ----


def test_s27_the_idle_keep_nobody_out(server):
    """Four hundred clients that say nothing or one octet at a time, from many addresses: a good one is served; one address has its
    limit, and is told 421."""
    f = server({"Limits": {"MaxSessionsPerAddress": "20"}})
    idle = []
    for n in range(400):
        connection, file = connect(f.relay_port, f"127.0.1.{n % 40 + 1}")
        assert reply(file)[:3] == b"220"
        if n % 2:
            connection.sendall(b"E")
        idle.append((connection, file))
    still_good(f)
    mine = []
    for n in range(21):
        connection, file = connect(f.relay_port, "127.0.2.1")
        mine.append((connection, reply(file)[:3]))
    assert [code for _, code in mine] == [b"220"] * 20 + [b"421"]
    mine[0][0].close()
    wait_until("a place is free again", lambda: reply(connect(f.relay_port, "127.0.2.1")[1])[:3] == b"220")
    still_good(f)


@contextlib.contextmanager
def dripping(connection, octets):
    """The octets again and again, until the other side has had enough or the block is over."""
    stop = threading.Event()

    def drip():
        try:
            while not stop.wait(0.2):
                connection.sendall(octets)
        except OSError:
            pass

    threading.Thread(target=drip, daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def test_s27_a_deadline_for_each_command_and_each_transaction(server):
    """An octet now and then keeps no session alive: the command has its time, and the transaction has one."""
    f = server({"Inbound": {"CommandTimeout": "1s", "TransactionTimeout": "3s", "DataTimeout": "1s"}})
    slow, file = connect(f.relay_port)
    reply(file)
    with dripping(slow, b"N"):
        assert file.readline()[:3] == b"421"
    transaction, file = opened(f.relay_port)
    for line in OPENING[1:]:
        assert say(transaction, file, line.rstrip()) in (250, 354)
    with dripping(transaction, b"a line\r\n"):
        assert file.readline()[:3] == b"421"
    still_good(f)
    assert len(f.receiver.messages) == 1
