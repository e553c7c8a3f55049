"""sendmail as cron and PHP's mail() call it: the same intake, the same durability."""

import subprocess

from peer.common import BUILD, LIMIT


def test_sendmail_as_php_and_cron_call_it(facteurd, sink):
    receiver = sink()
    server = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"{receiver.address}:{receiver.port}"}})
    letter = b'To: "Jo, B." <jo@dest.test>\nBcc: hidden@dest.test\nSubject: from php\n\nline\n.dotted\n'
    subprocess.run([BUILD / "sendmail", "-C", server.ini, "-t", "-i", "-fphp@example.test"], input=letter, check=True, timeout=LIMIT)
    message = receiver.wait_messages(1)[0]
    assert message.sender == "php@example.test"
    assert sorted(message.recipients) == ["hidden@dest.test", "jo@dest.test"]
    assert b"Bcc" not in message.data
    assert message.data.endswith(b"\r\n\r\nline\r\n.dotted\r\n")
    assert b"\r\nMessage-ID: <" in message.data and b"\r\nDate: " in message.data


def test_sendmail_without_a_server_says_try_again(tmp_path):
    config = tmp_path / "facteur.ini"
    config.write_text(f"[Server]\nDataDir = {tmp_path}\n")
    done = subprocess.run([BUILD / "sendmail", "-C", config, "a@dest.test"], input=b"x\n", capture_output=True, timeout=LIMIT)
    assert done.returncode == 75
    assert b"is it running" in done.stderr
