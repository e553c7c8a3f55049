"""`queue why` and `explain` by the outside contract: every key, sentences first, the rule and where it is written behind; both languages."""
import pytest

from peer.sink import HANG

SENDER, TO = "a@facteur.test", "b@dest.test"
RECORDS = ("dest.test. MX 10 mx2.test.", "dest.test. MX 20 mx3.test.", "mx2.test. A 127.0.0.2", "mx2.test. A 127.0.0.4",
           "mx3.test. A 127.0.0.3", "null.test. MX 0 .")
LAST = {"at", "stage", "host", "address", "code", "enhanced_code", "text", "tls", "in_doubt"}
RECIPIENT = {"to", "state", "attempts", "next_attempt", "last", "rule", "reason"}
MESSAGE = {"id", "queue", "from", "size_bytes", "received", "recipients"}
CANDIDATE = {"kind", "host", "addresses", "preference", "port", "tls", "credential", "pop_check"}
EVENT = {"at", "event", "id", "from", "to", "rule", "last"}
DECIDED = {"rule", "key", "value", "file", "line"}


def is_time(text):
    return len(text) in (20, 24) and text[10] == "T" and text.endswith("Z")


@pytest.fixture
def server(facteurd, nameserver, sink):
    nameserver.set(*RECORDS)
    receiver, host = sink(2), sink(9)
    f = facteurd({"Delivery": {"Mode": "direct-then-smarthost", "SmartHost": f"127.0.0.9:{host.port}"}})
    f.receiver, f.host = receiver, host
    return f


def explain(f, to, *more):
    return f.ask("explain", "--from", SENDER, "--to", to, *more)


def rules(explained):
    return [(one["then"], one["rule"]) for one in explained["consequences"]]


def test_explain_lists_hosts_and_what_follows(server):
    f = server
    told = explain(f, TO)
    assert set(told) >= {"mode", "candidates", "outcome_if_none", "consequences"}
    assert all(set(one) >= CANDIDATE for one in told["candidates"])
    first, second, last = told["candidates"]
    assert (first["kind"], first["host"], sorted(first["addresses"])) == ("mx", "mx2.test", ["127.0.0.2", "127.0.0.4"])
    assert (first["preference"], first["port"], first["credential"], first["pop_check"]) == (10, f.host.port, "none", False)
    assert (second["host"], second["preference"]) == ("mx3.test", 20)
    assert (last["kind"], last["host"], last["credential"]) == ("smarthost", "127.0.0.9", "none")
    assert rules(told) == [("the next host is tried", "A15"), ("the next host is tried", "A15"), ("the next host is tried", "A10"),
                           ("the smart host is tried", "A10"), ("the letter waits and is tried again", "A24")]
    assert told["outcome_if_none"] == "retry"
    assert told["decided_by"][0]["key"] == "Delivery.Mode" and told["decided_by"][0]["file"] == str(f.ini)
    line = f.ini.read_text().split("\n").index("Mode = direct-then-smarthost") + 1
    assert told["decided_by"][0]["line"] == line
    assert not f.receiver.sessions and not f.host.sessions  # nothing is sent
    text = f.facteur("explain", "--from", SENDER, "--to", TO)
    assert text.startswith("Mail for dest.test goes directly") and f"{f.ini}:{line}" in text
    french = f.run_facteur("explain", "--from", SENDER, "--to", TO, language="fr_FR.UTF-8").stdout
    assert french.startswith("Le courrier pour dest.test va directement") and "(5XX)\u00a0: l\u2019h\u00f4te suivant est essay\u00e9 (A15)" in french


@pytest.mark.parametrize("to, said, outcome, expected", [
    ("x@absent.test", "The domain absent.test does not exist.", "retry",
     [("the smart host is tried", "A2"), ("the letter waits and is tried again", "A24")]),
    ("x@null.test", "declares that it receives no mail", "bounce", [("the letter is returned to its sender", "A7")])])
def test_explain_knows_what_the_name_servers_say(server, to, said, outcome, expected):
    told = explain(server, to)
    assert any(said in sentence for sentence in told["summary"])
    assert rules(told) == expected and told["outcome_if_none"] == outcome
    assert told["candidates"][0]["addresses"] == [] and told["candidates"][0]["port"] is None


def test_explain_of_what_stays_here(server):
    told = explain(server, "someone@facteur.test")
    assert told["candidates"] == [] and told["consequences"] == [] and told["outcome_if_none"] is None
    assert server.run_facteur("explain", "--to", "no address").returncode == 1
    assert server.run_facteur("explain").returncode == 2


def test_a27_explain_and_why_say_whose_login(facteurd, sink):
    host = sink(9, tls=True, logins={"general": "pw", "own": "pw"})
    host.on("rcpt", "451 4.3.0 not now")
    f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"127.0.0.9:{host.port}", "SmartHostAuth": "yes", "PerAccountAuth": "yes",
                               "SmartHostUser": "general", "SmartHostPassword": "pw"}}, start=False)
    f.write_accounts({SENDER: {"Password": "x", "SmartHostUser": "own", "SmartHostPassword": "pw"}, "c@facteur.test": {"Password": "y"}})
    f.start()
    assert explain(f, TO)["candidates"][0]["credential"] == f"account:{SENDER}"
    assert explain(f, TO, "--account", "c@facteur.test")["candidates"][0]["credential"] == "general"
    for sender in (SENDER, "c@facteur.test"):
        f.send(sender, [TO])
    rows = f.wait_queue("both were tried", lambda rows: len(rows) == 2 and all(row["recipients"][0]["last"] for row in rows))
    why = {row["from"]: f.ask("queue", "why", row["id"]) for row in rows}
    assert why[SENDER]["credential"] == f"account:{SENDER}" and why["c@facteur.test"]["credential"] == "general"
    decided = why[SENDER]["decided_by"]
    assert [one["rule"] for one in decided] == ["A24", "A27"] and decided[1]["key"] == "Delivery.PerAccountByAddress"
    assert "pw" not in str(why[SENDER]["decided_by"]) and "own" not in f.facteur("queue", "why", why[SENDER]["id"]).split()


def test_why_has_every_key_and_sentences_first(server):
    f = server
    f.receiver.on("rcpt", "451 4.3.0 not now", match=TO)
    f.send(SENDER, [TO, "ok@dest.test"])
    row, = f.wait_queue("tried", lambda rows: rows and all(r["last"] for r in rows[0]["recipients"]))
    why = f.ask("queue", "why", row["id"])
    assert set(row) >= MESSAGE and set(why) >= MESSAGE | {"history", "decided_by", "next_step", "remedies"}
    assert is_time(why["received"]) and why["from"] == SENDER and why["queue"] == "remote" and why["size_bytes"] > 0
    waiting, done = why["recipients"]
    assert all(set(one) >= RECIPIENT and set(one["last"]) >= LAST for one in (waiting, done))
    assert (waiting["state"], waiting["attempts"], waiting["rule"]) == ("waiting", 1, "A11") and is_time(waiting["next_attempt"])
    assert (done["state"], done["next_attempt"], done["last"]["code"]) == ("delivered", None, 250)
    last = waiting["last"]
    assert (last["stage"], last["host"], last["code"], last["enhanced_code"], last["text"]) == ("rcpt", "mx2.test", 451, "4.3.0", "not now")
    assert last["tls"] is False and last["in_doubt"] is False and is_time(last["at"])
    assert all(set(event) >= EVENT and is_time(event["at"]) for event in why["history"])
    assert {event["from"] for event in why["history"]} == {SENDER}
    rule = why["decided_by"][0]
    assert set(rule) == DECIDED and (rule["rule"], rule["key"], rule["line"]) == ("A11", "Delivery.FallbackOnTempError", None)
    assert why["next_step"].endswith(".") and all(remedy.endswith(".") for remedy in why["remedies"]) and why["remedies"]
    lines = f.facteur("queue", "why", row["id"]).splitlines()
    assert lines[0].startswith(f"{TO}: A server asked to try again later")
    behind = next(n for n, line in enumerate(lines) if "Delivery.FallbackOnTempError = after-remote-queue" in line)
    assert "(the default)" in lines[behind] and behind > next(n for n, line in enumerate(lines) if why["next_step"] in line)
    french = f.run_facteur("queue", "why", row["id"], language="fr_FR.UTF-8").stdout
    assert french.startswith(f"{TO}\u00a0: Un serveur a demand\u00e9") and "file distante" in french and "(valeur par d\u00e9faut)" in french
    assert f.run_facteur("queue", "why", "0000000000000").returncode == 1
    assert f.run_facteur("queue", "why", row["id"] + "!").returncode == 1


def test_show_before_the_first_attempt(facteurd, nameserver, sink):
    """`last` is null until then."""
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    receiver = sink(2)
    receiver.on("banner", HANG)
    f = facteurd()
    f.send("", [TO])
    row, = f.queue()
    recipient = row["recipients"][0]
    assert row["from"] == "" and recipient["last"] is None and recipient["rule"] is None and recipient["reason"] is None
    assert recipient["attempts"] == 0 and f.ask("queue", "show", row["id"])["id"] == row["id"]
