"""What a reload changes on the network: the addresses that are listened on, and the name servers that are asked."""
import socket

from peer.common import free_port, wait_until


def greeting(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(3)
    except OSError:
        return None


def test_listeners_come_and_go(facteurd):
    server, new = facteurd(), free_port()
    old = server.relay_port
    with server.client(old) as session:
        session.ehlo()
        server.reload({"Listen": {"Relay": f"127.0.0.1:{new}"}})
        assert greeting(new) == b"220"
        wait_until("the old address is closed", lambda: greeting(old) is None)
        assert session.noop()[0] == 250, "a session that came in there goes on"
    server.reload({"Listen": {"Relay": f"127.0.0.1:{old} 127.0.0.1:{new}"}})
    assert greeting(old) == b"220" and greeting(new) == b"220"


def test_a_taken_address_leaves_the_running_configuration(facteurd):
    server, fresh = facteurd(), free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        server.change({"Listen": {"Submission": f"127.0.0.1:{taken}", "Relay": f"127.0.0.1:{server.relay_port} 127.0.0.1:{fresh}"}})
        done = server.run_facteur("reload")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    line = server.ini.read_text().split("\n").index(f"Submission = 127.0.0.1:{taken}") + 1
    assert f":{line}: Listen.Submission: cannot be opened: 127.0.0.1:{taken}: address already in use" in said
    assert greeting(server.relay_port) == b"220" and greeting(server.submission_port) == b"220"
    wait_until("what was opened for the refused configuration is closed", lambda: greeting(fresh) is None)
    assert server.ask("status")["reload_failed"]


def test_other_name_servers_are_asked_at_once(facteurd, nameserver, sink):
    server = facteurd({"DNS": {"Servers": f"127.0.0.1@{free_port()}", "Timeout": "1s"}})
    server.send("me@facteur.test", ["you@dest.test"])
    server.wait_log(r"status=deferred .*rule=A4")
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    receiver = sink(2)
    server.reload({"DNS": {"Servers": nameserver.server}})
    server.wait_empty()
    assert len(receiver.messages) == 1


def test_min_free_is_taken_up(facteurd):
    server = facteurd()
    server.reload({"Limits": {"MinFree": "999999M"}})
    with server.client() as session:
        session.ehlo()
        wait_until("452 at MAIL", lambda: session.docmd("MAIL", "FROM:<me@facteur.test>")[0] == 452 or session.rset() and False)
    server.reload({"Limits": {"MinFree": "1M"}})
    with server.client() as session:
        session.ehlo()
        wait_until("250 at MAIL", lambda: session.docmd("MAIL", "FROM:<me@facteur.test>")[0] == 250)
