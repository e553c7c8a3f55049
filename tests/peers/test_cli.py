"""The command line by its contract: JSON keys, exit status, both languages, changes in force at once."""

import json

from peer.common import wait_until


def smarthost(receiver, **keys):
    return {"Delivery": {"Mode": "smarthost", "SmartHost": f"{receiver.address}:{receiver.port}", **keys}}


def test_status_and_an_empty_queue(facteurd):
    server = facteurd()
    wait_until("the queue is read in", lambda: server.ask("status")["ready"])
    status = server.ask("status")
    assert status["mode"] == "direct" and status["smarthost"] is None
    assert status["queues"] == {"remote": 0, "retry": 0, "holding": 0, "bad": 0, "local": 0}
    assert server.ask("queue", "list") == []


def test_a_waiting_letter_is_listed_explained_held_released_and_dropped(facteurd, sink, swaks):
    receiver = sink()
    receiver.on("mail", "451 4.3.2 not now")
    server = facteurd(smarthost(receiver))
    swaks("--server", f"127.0.0.1:{server.relay_port}", "--from", "a@facteur.test", "--to", "b@dest.test")
    rows = server.wait_queue("one that was tried", lambda rows: rows and rows[0]["recipients"][0]["last"])
    one = rows[0]["recipients"][0]
    assert one["state"] == "waiting" and one["attempts"] == 1 and one["rule"] == "A24"
    assert one["last"]["stage"] == "mail" and one["last"]["code"] == 451 and one["last"]["enhanced_code"] == "4.3.2"
    why = server.ask("queue", "why", rows[0]["id"])
    assert why["decided_by"][0]["key"] == "Delivery.SmartHost" and why["decided_by"][0]["line"] > 0
    assert why["next_step"] and why["remedies"] and [e["event"] for e in why["history"]][0] == "received"
    french = server.run_facteur("queue", "why", rows[0]["id"], language="fr_FR.UTF-8").stdout
    assert "Nouvelle tentative" in french
    server.facteur("queue", "hold", rows[0]["id"])
    assert server.ask("queue", "list", "--queue", "holding")[0]["recipients"][0]["state"] == "held"
    receiver.forget_rules()
    server.facteur("queue", "release", rows[0]["id"])
    assert receiver.wait_messages(1)[0].recipients == ["b@dest.test"]
    server.wait_empty()
    assert server.run_facteur("queue", "why", rows[0]["id"]).returncode == 1


def test_a_change_is_checked_saved_and_in_force(facteurd, sink, swaks):
    receiver = sink()
    server = facteurd()
    refused = server.run_facteur("config", "set", "Delivery.Mode", "sideways")
    assert refused.returncode == 1 and "Delivery.Mode" in refused.stderr and "direct-then-smarthost" in refused.stderr
    assert server.facteur("config", "get", "Delivery.Mode").strip() == "direct"
    server.facteur("config", "set", "Delivery.SmartHost", f"{receiver.address}:{receiver.port}")
    server.facteur("config", "set", "Delivery.Mode", "smarthost")
    assert server.ask("status")["mode"] == "smarthost"
    swaks("--server", f"127.0.0.1:{server.relay_port}", "--from", "a@facteur.test", "--to", "b@dest.test")
    receiver.wait_messages(1)


def test_a_secret_is_sealed_and_never_shown(facteurd):
    server = facteurd()
    done = server.run_facteur("config", "set", "Delivery.SmartHostPassword", "-", input="canary-8421\n")
    assert done.returncode == 0, done.stderr
    assert "canary-8421" not in server.ini.read_text() and "sealed:" in server.ini.read_text()
    assert "canary" not in server.facteur("config", "show") + server.facteur("--json", "config", "show") + server.log_text()


def test_accounts_log_in_and_send_as_themselves(facteurd, sink, swaks):
    receiver = sink()
    server = facteurd(smarthost(receiver))
    server.add_account("jo@facteur.test", "secret", "--alias", "j@facteur.test")
    assert server.ask("account", "list")[0]["aliases"] == ["j@facteur.test"]
    login = ["--server", f"127.0.0.1:{server.submission_port}", "--tls", "--auth", "PLAIN", "--auth-user", "jo@facteur.test"]
    swaks(*login, "--auth-password", "secret", "--from", "j@facteur.test", "--to", "b@dest.test")
    receiver.wait_messages(1)
    server.facteur("account", "remove", "jo@facteur.test")
    assert server.ask("account", "list") == []


def test_explain_says_where_a_letter_would_go(facteurd, sink):
    receiver = sink()
    server = facteurd(smarthost(receiver))
    explained = server.ask("explain", "--from", "a@facteur.test", "--to", "b@dest.test")
    assert explained["mode"] == "smarthost"
    assert [c["kind"] for c in explained["candidates"]] == ["smarthost"]
    assert explained["candidates"][0]["credential"] == "none" and explained["consequences"]


def test_relay_test_says_how_far_it_came(facteurd, sink):
    receiver = sink()
    server = facteurd(smarthost(receiver))
    assert server.ask("relay", "test")["ok"] is True
    receiver.stop_listening()
    failed = server.run_facteur("--json", "relay", "test")
    told = json.loads(failed.stdout)
    assert failed.returncode == 1 and told["ok"] is False and told["cause"] and told["remedy"]


def test_relay_test_logs_in_over_tls_at_a_server_that_answers_line_by_line(facteurd, sink):
    receiver = sink(tls=True, logins={"me": "secret"}, names=("127.0.0.2",))
    server = facteurd(smarthost(receiver, SmartHostAuth="yes", SmartHostUser="me", SmartHostPassword="secret"))
    told = server.ask("relay", "test")
    assert told["ok"] is True and [step["stage"] for step in told["steps"]] == ["dns", "connect", "tls", "ehlo", "auth"]
    assert server.is_running()


def test_no_server_and_wrong_usage_are_two(facteurd):
    server = facteurd()
    assert server.run_facteur("nonsense").returncode == 2
    server.stop()
    down = server.run_facteur("status")
    assert down.returncode == 2 and "is it running" in down.stderr


def test_a_wrong_reload_keeps_the_running_configuration(facteurd):
    server = facteurd()
    server.change({"Delivery": {"Mode": "smarthost"}})
    refused = server.run_facteur("reload")
    assert refused.returncode == 1 and "Delivery.SmartHost" in refused.stderr
    status = server.ask("status")
    assert status["mode"] == "direct" and status["reload_failed"] is True


def test_after_an_unclean_end_a_change_is_saved_for_the_next_start(facteurd):
    server = facteurd()
    server.kill()
    done = server.run_facteur("config", "set", "Delivery.Mode", "smarthost")
    assert done.returncode == 1, "that mode needs a smart host"
    done = server.run_facteur("config", "set", "Server.Postmaster", "root@facteur.test")
    assert done.returncode == 0 and "in force at the next start" in done.stderr
    assert server.start().ask("config", "get", "Server.Postmaster")
