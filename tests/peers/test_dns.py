"""Answers of name servers, and none: what is temporary is never bounced."""
SENDER = "a@else.test"
QUICK = {"RetryQueue": {"RemoteRetryMinutes": "1s", "DelayAfterTempErrorMinutes": "0"}}


def test_a4_servfail_for_the_address_of_the_only_mx(facteurd, nameserver, sink):
    nameserver.set("dest.test. MX 10 mx.broken.test.")
    nameserver.break_zone("broken.test")
    f = facteurd({**QUICK, "Delivery": {"Mode": "direct", "BounceIfNoMxOrA": "yes"}})
    f.send(SENDER, ["b@dest.test"])
    f.wait_count(r"delivery .*to=<b@dest.test> .*stage=dns .*status=deferred", 2)
    assert "status=bounced" not in f.log_text()


def test_a_broken_mx_beside_a_good_one(facteurd, nameserver, sink):
    nameserver.set("dest.test. MX 10 mx.broken.test.", "dest.test. MX 20 none.test.", "dest.test. MX 30 mx2.test.", "mx2.test. A 127.0.0.2")
    nameserver.break_zone("broken.test")
    receiver, f = sink(2), facteurd()
    f.send(SENDER, ["b@dest.test"])
    receiver.wait_messages(1)


def test_no_name_server_answers(facteurd, nameserver, sink):
    """A resolver that is gone is temporary in every switch's position; when it is back the letter goes by itself."""
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    receiver = sink(2)
    f = facteurd({**QUICK, "DNS": {"Timeout": "2s"}, "Delivery": {"Mode": "direct", "BounceIfNoMxOrA": "yes", "BounceOnFirst5xx": "yes"}})
    nameserver.stop()
    f.send(SENDER, ["b@dest.test"])
    f.wait_log(r"delivery .*to=<b@dest.test> .*stage=dns .*status=deferred")
    nameserver.start()
    receiver.wait_messages(1)
    assert "status=bounced" not in f.log_text()
