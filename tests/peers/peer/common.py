"""Ports, waiting, processes, certificates: what all peers need."""
import contextlib
import os
import random
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[3]
BUILD = TREE / os.environ.get("FACTEUR_BUILD", "build")
LIMIT = 60  # seconds; no test needs it, an overloaded machine may

# Below the range that the kernel takes source ports from. A port is claimed until the end of its test (of the run, if a
# fixture of the session took it) by an abstract unix socket, so that two runs at the same time do not meet.
PORTS = range(30000, 32000)
_claims = []


def free_port(ports=PORTS):
    """A port that nobody uses on any loopback address."""
    for port in random.sample(ports, len(ports)):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0facteur-test-port-{port}")
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    if kind == socket.SOCK_STREAM:
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("0.0.0.0", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port
    raise RuntimeError(f"no free port in {ports}")


def claimed_ports():
    return len(_claims)


def release_ports(count):
    """All but the first so many: there are not enough of them for all tests of a run."""
    for claim in _claims[count:]:
        claim.close()
    del _claims[count:]


def wait_until(what, condition, limit=LIMIT):
    """The first true value of condition(); asked often because the thing that is waited for cannot call us."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {limit} s in vain: {what}"
        time.sleep(0.02)


def need(*programs, root=False):
    """Skips a test whose programs are not here. Not in CI, where everything must be."""
    missing = [program for program in programs if not find_program(program)]
    why = f"not installed: {' '.join(missing)} (./dev test installs it)" if missing else ""
    if not why and root and os.geteuid() != 0:
        why = f"{programs[0]} runs only as root"
    if why and os.environ.get("CI"):
        pytest.fail(why)
    if why:
        pytest.skip(why)


def find_program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Process:
    """A program in the foreground whose output goes to a file."""

    def __init__(self, arguments, log, **options):
        self.log = Path(log)
        with open(self.log, "ab") as output:
            self.popen = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=output,
                                          stderr=subprocess.STDOUT, **options)

    def is_running(self):
        return self.popen.poll() is None

    def check_running(self):
        assert self.is_running(), f"{self.popen.args[0]} ended with {self.popen.returncode}:\n{self.log.read_text(errors='replace')}"

    def stop(self, limit=LIMIT):
        """SIGTERM, and SIGKILL when that is not enough. The exit status."""
        if self.is_running():
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(limit)
        if self.is_running():
            self.popen.kill()
        return self.popen.wait()


class CertificateAuthority:
    """Certificates of a CA that only the tests trust. issue(names) once a set of names."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.certificate = self.folder / "ca.pem"
        self._key = self.folder / "ca.key"
        self._openssl("req", "-x509", "-days", "30", "-subj", "/CN=facteur test CA", "-keyout", self._key,
                      "-out", self.certificate, "-addext", "keyUsage=critical,keyCertSign")

    def _openssl(self, command, *arguments):
        subprocess.run(["openssl", command, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, capture_output=True)

    def issue(self, *names, days=30):
        """(certificate, key), PEM files, for host names and addresses."""
        stem = self.folder / names[0].replace("*", "_").replace(":", "_")
        certificate, key = Path(f"{stem}.pem"), Path(f"{stem}.key")
        if not certificate.exists():
            kinds = [("IP:" if name.replace(".", "").isdigit() or ":" in name else "DNS:") + name for name in names]
            self._openssl("req", "-x509", "-days", days, "-subj", f"/CN={names[0]}", "-CA", self.certificate, "-CAkey", self._key,
                          "-keyout", key, "-out", certificate, "-addext", "subjectAltName=" + ",".join(kinds),
                          "-addext", "basicConstraints=critical,CA:FALSE")
            key.chmod(0o644)
        return certificate, key
