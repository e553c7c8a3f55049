"""Fixtures of the tests with real peers. docs/TESTING.md says how to use them."""
import itertools
import subprocess
import tempfile
from pathlib import Path

import pytest

from peer.common import BUILD, CertificateAuthority, LIMIT, claimed_ports, free_port, need, release_ports
from peer.house import House
from peer.mta import DovecotLogins, Postfix
from peer.nameserver import NameServer
from peer.server import Facteurd
from peer.sink import Sink, tls_server_context

logs = pytest.StashKey[list]()


def pytest_configure(config):
    config.addinivalue_line("markers", "counts: measures counts a message (./dev bench)")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the ends of the logs of all that took part."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for path in item.stash.get(logs, []):
            if path.exists():
                report.sections.append((str(path), path.read_text(errors="replace")[-8000:]))


@pytest.fixture(autouse=True)
def ports_of_the_test():
    """First of the test's own fixtures, behind those of the session: what it has claimed is given back last."""
    before = claimed_ports()
    yield
    release_ports(before)


@pytest.fixture
def keep_log(request):
    return request.node.stash.setdefault(logs, []).append


@pytest.fixture(scope="session")
def ca(tmp_path_factory):
    need("openssl")
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def outbound_port():
    """[Outbound] Port of the test: the one on which all its MX hosts listen, each on an address 127.0.0.N of its own."""
    return free_port()


@pytest.fixture
def nameserver(tmp_path, keep_log):
    folder = tmp_path / "ns"
    folder.mkdir()
    server = NameServer(folder)
    keep_log(folder / "nsd.log")
    yield server
    server.stop()


@pytest.fixture
def sink(outbound_port, ca):
    """sink(2) is a scripted receiver on 127.0.0.2. tls=True: offers STARTTLS with a certificate of the tests' CA for its name."""
    made = []

    def make(number=2, port=None, name=None, tls=False, names=(), **options):
        name = name or f"mx{number}.test"
        address = f"127.0.0.{number}"
        context = tls_server_context(*ca.issue(*(names or (name, address)))) if tls else None
        made.append(Sink(address, port or outbound_port, name, tls=context, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def facteurd(tmp_path, ca, outbound_port, request, keep_log):
    """facteurd({"Delivery": {"Mode": "smarthost"}}) starts one; with a nameserver fixture in the test it asks that.
    start=False: only written."""
    if not (BUILD / "facteurd").exists():
        pytest.fail("build/facteurd is not there: ./dev build")
    made, numbers = [], itertools.count(1)

    def make(settings=None, start=True, **options):
        if "nameserver" in request.fixturenames:
            options.setdefault("nameserver", request.getfixturevalue("nameserver"))
        server = Facteurd(tmp_path / f"f{next(numbers)}", settings, ca=ca, outbound_port=outbound_port, **options)
        keep_log(server.log)
        made.append(server)
        return server.start() if start else server

    yield make
    for server in made:
        server.discard()


@pytest.fixture(scope="session")
def open_folder():
    """A new folder that other users can walk into, as those of Postfix and Dovecot do. Those of pytest are closed to them, and
    another run of pytest closes them again while this one is using them."""
    with tempfile.TemporaryDirectory(prefix="facteur-peers-") as root:
        root, numbers = Path(root), itertools.count(1)
        root.chmod(0o755)
        yield lambda: root / str(next(numbers))


@pytest.fixture
def postfix(open_folder, keep_log):
    made = []

    def make(**options):
        server = Postfix(open_folder(), **options)
        keep_log(server.log)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="session")
def shared_house(open_folder, tmp_path_factory, ca):
    server = House(open_folder(), ca, CertificateAuthority(tmp_path_factory.mktemp("other-ca")))
    yield server
    server.stop()


@pytest.fixture
def house(shared_house, keep_log):
    """The Postfix with many listeners that all tests share: peer/house.py."""
    keep_log(shared_house.log)
    return shared_house


@pytest.fixture
def dovecot_logins(open_folder, keep_log):
    """dovecot_logins({"user": "password"}) checks logins for a Postfix: postfix(**logins.settings())."""
    made = []

    def make(logins):
        made.append(DovecotLogins(open_folder(), logins))
        keep_log(made[-1].folder / "dovecot.log")
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def swaks():
    """swaks("--to", ...): the finished process; its stdout is the transcript."""
    need("swaks")

    def run(*arguments):
        return subprocess.run(["swaks", "--timeout", str(LIMIT), *map(str, arguments)], capture_output=True, text=True,
                              errors="replace", stdin=subprocess.DEVNULL)

    return run
