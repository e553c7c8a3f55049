"""facteur relay test: what hinders the smart host, and what can be done about it, in one sentence each."""
import json

import pytest

LOGIN = {"SmartHostAuth": "yes", "SmartHostUser": "me", "SmartHostPassword": "secret"}


def tell(server, language="C.UTF-8"):
    done = server.run_facteur("--json", "relay", "test", language=language)
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["ok"] else 1)
    return told


def smarthost(where, **keys):
    return {"Delivery": {"Mode": "smarthost", "SmartHost": where, **keys}}


def test_a_name_that_does_not_exist(facteurd, nameserver):
    nameserver.set("other.test. A 127.0.0.2")
    server = facteurd(smarthost("smtp.nowhere.test:587"))
    told = tell(server)
    assert told["cause"] == "The name smtp.nowhere.test has no address." and "spelling" in told["remedy"]
    assert [step["ok"] for step in told["steps"]] == [False]
    assert tell(server, "fr_FR.UTF-8")["cause"] == "Le nom smtp.nowhere.test n’a pas d’adresse."


def test_nothing_listens(facteurd, sink):
    receiver = sink()
    receiver.stop_listening()
    told = tell(facteurd(smarthost(f"{receiver.address}:{receiver.port}")))
    assert told["cause"] == f"Nothing listens at {receiver.address}:{receiver.port}." and "587" in told["remedy"]


def test_a_wrong_password(facteurd, sink):
    receiver = sink(tls=True, logins={"me": "another"}, names=("127.0.0.2",))
    receiver.on("auth", "535 5.7.8 no \x1b[31msuch login")
    told = tell(facteurd(smarthost(f"{receiver.address}:{receiver.port}", **LOGIN)))
    assert "does not accept the user name and password: 535 5.7.8 no " in told["cause"]
    assert "\x1b" not in told["cause"], "what a server says cannot write to the terminal"
    assert "Delivery.SmartHostUser" in told["remedy"]
    assert "secret" not in json.dumps(told)


def test_a_certificate_of_another_name(facteurd, sink):
    receiver = sink(tls=True, logins={"me": "secret"}, names=("other.test",))
    told = tell(facteurd(smarthost(f"{receiver.address}:{receiver.port}", **LOGIN)))
    assert told["cause"].startswith(f"The certificate of {receiver.address}:{receiver.port} is not accepted: ")
    assert "TLS.CaFile" in told["remedy"] and told["steps"][-1]["stage"] == "tls"


def test_no_tls_where_a_login_is_due(facteurd, sink):
    receiver = sink(logins={"me": "secret"}, login_in_clear=True)
    told = tell(facteurd(smarthost(f"{receiver.address}:{receiver.port}", **LOGIN)))
    assert "TLS" in told["cause"] and "AllowPlaintextAuth" in told["remedy"]
    assert not any("AUTH" in command for command in receiver.sessions[0].commands)


def test_a_port_with_tls_from_the_first_octet(facteurd, sink):
    receiver = sink(tls=True, implicit_tls=True, names=("127.0.0.2",))
    server = facteurd(smarthost(f"{receiver.address}:{receiver.port}"))
    told = tell(server)
    assert "smtps://" in told["remedy"] and told["ok"] is False
    server.reload(smarthost(f"smtps://{receiver.address}:{receiver.port}"))
    assert tell(server)["ok"] is True


@pytest.mark.parametrize("answer, remedy", [("554 5.7.1 your address is listed", "Ask the provider"), ("421 4.7.0 later", "some minutes")])
def test_a_greeting_that_refuses(facteurd, sink, answer, remedy):
    receiver = sink()
    receiver.on("banner", answer)
    told = tell(facteurd(smarthost(f"{receiver.address}:{receiver.port}")))
    assert answer in told["cause"] and remedy in told["remedy"]
