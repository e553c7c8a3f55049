"""A reload while mail waits: the way is changed and all of it leaves; a wrong file changes nothing and says what to write.

FACTEUR_RELOAD_COUNT=10000 gives the number of messages that the project promises; fewer of them take less of each run."""
import os
import socket
import threading

import pytest

from peer.common import LIMIT, wait_until

COUNT = int(os.environ.get("FACTEUR_RELOAD_COUNT", "2000"))
SESSIONS = 4
PATIENT = LIMIT + COUNT // 50
MX = [f"dest{n}.test. MX 10 mx2.test." for n in range(10)] + ["mx2.test. A 127.0.0.2"]


def submit(port, numbers):
    """One session; the next envelope goes out behind the final dot."""
    with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
        file = connection.makefile("rb")

        def expect(*codes):
            for code in codes:
                while (line := file.readline())[3:4] == b"-":
                    pass
                assert line[:3] == code, line

        end = b"EHLO client.test\r\n"
        for position, n in enumerate(numbers):
            envelope = b"MAIL FROM:<s%d@source.test>\r\nRCPT TO:<b%d@dest%d.test>\r\nDATA\r\n" % (n, n, n % 10)
            connection.sendall(end + envelope if position else end)
            if not position:
                expect(b"220", b"250")
                connection.sendall(envelope)
            else:
                expect(b"250")
            expect(b"250", b"250", b"354")
            end = b"Subject: %d\r\n\r\nx\r\n.\r\n" % n
        connection.sendall(end + b"QUIT\r\n")
        expect(b"250", b"221")


def fill(f, count):
    """Messages of as many senders to as many recipients."""
    failures = []

    def run(numbers):
        try:
            submit(f.relay_port, numbers)
        except Exception as error:  # said by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(range(n, count, SESSIONS),)) for n in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


@pytest.fixture
def stuck(facteurd, nameserver, sink):
    """A server in mode direct whose destinations all refuse connections, and a smart host that it does not know of yet."""
    nameserver.set(*MX)
    direct = sink(2)
    direct.stop_listening()
    f = facteurd()
    f.host = sink(9)
    return f


def test_all_that_waits_leaves_by_the_new_way(stuck):
    """A46. One message has three recipients on three domains, and becomes one transaction with the smart host (A22)."""
    f, host, three = stuck, stuck.host, [f"b@dest{n}.test" for n in range(3)]
    f.send("three@source.test", three)
    fill(f, COUNT)
    f.wait_count(r"delivery .*from=<three@source.test> .*status=deferred", 3)
    status = f.ask("status")
    assert sum(status["queues"].values()) == COUNT + 1 == status["queues"]["remote"] and not host.sessions
    f.facteur("config", "set", "Delivery.SmartHost", f"127.0.0.9:{host.port}")
    f.facteur("config", "set", "Delivery.Mode", "smarthost")
    wait_until("all have left", lambda: sum(f.ask("status")["queues"].values()) == 0, PATIENT)
    messages = host.messages
    assert len(messages) == COUNT + 1
    transaction, = [message for message in messages if message.sender == "three@source.test"]
    assert sorted(transaction.recipients) == three
    others = {(message.sender, *message.recipients) for message in messages if message is not transaction}
    assert others == {(f"s{n}@source.test", f"b{n}@dest{n % 10}.test") for n in range(COUNT)}
    assert f.ask("status")["mode"] == "smarthost" and "status=bounced" not in f.log_text()


def test_back_to_direct(stuck, sink):
    """The routes are worked out at each attempt, so it goes the other way too; the smart host is not asked any more."""
    f, host = stuck, stuck.host
    host.stop_listening()
    f.reload({"Delivery": {"Mode": "smarthost", "SmartHost": f"127.0.0.9:{host.port}"}})
    f.send("s@source.test", ["b@dest1.test"])
    f.wait_log(r"delivery .*to=<b@dest1.test> .*status=deferred")
    host.listen_again()
    direct = sink(2)
    f.reload({"Delivery": {"Mode": "direct"}})
    assert direct.wait_messages(1)[0].recipients == ["b@dest1.test"]
    assert not host.messages
    f.wait_empty()


@pytest.mark.parametrize("language, refusal, nearest", [
    ("C.UTF-8", "The configuration is refused; the running one stays.", "did you mean \u201cBounceOnFirst5xx\u201d"),
    ("fr_FR.UTF-8", "La configuration est refus\u00e9e\u00a0;", "\u00ab\u00a0BounceOnFirst5xx\u00a0\u00bb")])
def test_a_wrong_file_names_key_line_and_remedy(stuck, language, refusal, nearest):
    """An unknown key with the nearest known one, and a wrong value: both are told, each with its line; nothing is changed. In the
    language of whoever asks."""
    f = stuck
    f.send("s@source.test", ["b@dest1.test"])
    f.wait_log(r"delivery .*to=<b@dest1.test> .*status=deferred")
    good = f.ini.read_text()
    f.change({"Delivery": {"BounceOnFirst5x": "yes", "AbortOnRcpt5xx": "perhaps"}})
    lines = f.ini.read_text().split("\n")
    unknown, value = lines.index("BounceOnFirst5x = yes") + 1, lines.index("AbortOnRcpt5xx = perhaps") + 1
    refused = f.run_facteur("reload", language=language)
    assert refused.returncode == 1 and refusal in refused.stderr
    told = {int(line.split(":")[1]): line for line in refused.stderr.splitlines() if line.startswith(str(f.ini))}
    assert set(told) == {unknown, value}
    assert told[unknown].startswith(f"{f.ini}:{unknown}: Delivery.BounceOnFirst5x") and nearest in told[unknown]
    assert told[value].startswith(f"{f.ini}:{value}: Delivery.AbortOnRcpt5xx") and "yes" in told[value]
    assert f.ask("status")["reload_failed"] is True and len(f.queue()) == 1
    f.ini.write_text(good)
    f.facteur("reload")
    assert f.ask("status")["reload_failed"] is False
