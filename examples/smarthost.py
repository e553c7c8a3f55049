#!/usr/bin/python3
"""A provider's server for a first try: 127.0.0.3:2527, STARTTLS, login me / secret; prints the letters that it takes.

Its certificate is for smtp.example.org and signed by itself: examples/run/smarthost.pem, which facteur has to be told to trust.
Needs python3-aiosmtpd and openssl."""
import ssl
import subprocess
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Debugging
from aiosmtpd.smtp import AuthResult, LoginPassword

folder = Path(__file__).parent / "run"
key, certificate = folder / "smarthost.key", folder / "smarthost.pem"


def make_certificate():
    folder.mkdir(exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=smtp.example.org",
                    "-addext", "subjectAltName=DNS:smtp.example.org", "-keyout", key, "-out", certificate],
                   check=True, stderr=subprocess.DEVNULL)


def judge(server, session, envelope, mechanism, login):
    return AuthResult(success=isinstance(login, LoginPassword) and login == LoginPassword(b"me", b"secret"))


if not certificate.exists():
    make_certificate()
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
controller = Controller(Debugging(), hostname="127.0.0.3", port=2527, ident="smtp.example.org", tls_context=context,
                        require_starttls=True, authenticator=judge, auth_required=True)
controller.start()
print("smtp.example.org listens on 127.0.0.3:2527; Enter ends it", flush=True)
input()
controller.stop()
