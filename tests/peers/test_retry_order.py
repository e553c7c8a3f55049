"""`facteur queue retry`: the administrator says that it may go now (A46)."""
from peer.common import wait_until

SENDER = "a@else.test"


def last_tried(f, count):
    """Their rows; a delay notice may wait beside them."""
    mine = lambda rows: [row for row in rows if row["from"] == SENDER]
    return mine(f.wait_queue(f"{count} that were tried", lambda rows: len(mine(rows)) == count and
                             all(row["recipients"][0]["last"] for row in mine(rows))))


def test_a46_a_host_that_is_back(facteurd, nameserver, sink):
    """What is remembered of the host is forgotten, whatever stopped the letters; one order is enough for all that wait there."""
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    receiver, f = sink(2), facteurd()
    receiver.stop_listening()
    for n in range(5):
        f.send(SENDER, [f"b{n}@dest.test"])
    rows = last_tried(f, 5)
    receiver.listen_again()
    f.facteur("queue", "retry", rows[0]["id"])
    assert len(receiver.wait_messages(5)) == 5
    f.wait_empty()


def test_a46_a_smart_host_that_takes_the_login_again(facteurd, sink):
    """The rest of the login (A25) ends with the order."""
    host = sink(9, tls=True, logins={"user": "pw"})
    f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"127.0.0.9:{host.port}", "SmartHostAuth": "yes", "SmartHostUser": "user",
                               "SmartHostPassword": "pw"}})
    host.on("auth", "535 5.7.8 not today")
    for n in range(3):
        f.send(SENDER, [f"b{n}@dest.test"])
    rows = last_tried(f, 3)
    host.forget_rules()
    f.facteur("queue", "retry", rows[-1]["id"])
    assert len(host.wait_messages(3)) == 3
    f.wait_log(r"alert-resolved rule=A23a")


def test_a46_a_domain_that_exists_now(facteurd, nameserver, sink):
    receiver, f = sink(2), facteurd()
    f.send(SENDER, ["b@new.test"])
    rows = last_tried(f, 1)
    assert rows[0]["recipients"][0]["rule"] == "A2"
    nameserver.set("new.test. A 127.0.0.2")
    # the name server's word that there was none is good for a second
    wait_until("it has gone", lambda: f.run_facteur("queue", "retry", rows[0]["id"]) and receiver.messages)
