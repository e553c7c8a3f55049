"""Who may speak to the control socket: root, the server's user, members of the group facteur, and whom [Server] Admins names.

facteurd runs with an /etc/group of its own (in a mount namespace), so that no group of this machine is touched."""
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from peer.common import BUILD, need
from peer.server import Facteurd

GROUP = 64777
NOBODY, STRANGER = 65534, 64779


class OwnGroups(Facteurd):
    """Started where the group facteur has the number GROUP."""

    def start_with(self, group_file):
        wrapper = self.folder / "facteurd"
        wrapper.write_text(f"#!/bin/sh\nexec unshare -m sh -c 'mount --bind {group_file} /etc/group && exec {BUILD}/facteurd -c {self.ini}'\n")
        wrapper.chmod(0o755)
        return self.start(program=wrapper)


@pytest.fixture
def server():
    need("unshare", "setpriv", root=True)
    folder = Path(tempfile.mkdtemp(prefix="facteur-control-"))
    folder.chmod(0o755)
    groups = folder / "group"
    groups.write_text(Path("/etc/group").read_text() + f"facteur:x:{GROUP}:\n")
    daemon = OwnGroups(folder)
    daemon.data.chmod(0o711)
    daemon.start_with(groups)
    yield daemon
    daemon.discard()
    shutil.rmtree(folder)


def asked_by(server, user, group, *groups):
    """facteur --json status as that user; None: it was not let in."""
    members = ["--groups", ",".join(str(g) for g in groups)] if groups else ["--clear-groups"]
    done = subprocess.run(["setpriv", "--reuid", str(user), "--regid", str(group), *members, BUILD / "facteur", "-c", server.ini,
                           "--json", "status"], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 2) and (done.returncode == 0 or done.stderr.startswith("facteur: ")), done
    return json.loads(done.stdout) if done.returncode == 0 else None


def test_the_group_may(server):
    assert asked_by(server, 0, 0)["version"]
    assert asked_by(server, STRANGER, STRANGER, GROUP)["version"]
    assert asked_by(server, STRANGER, GROUP)["version"]
    many = range(70000, 70300)
    assert asked_by(server, STRANGER, STRANGER, *many, GROUP)["version"]


def test_others_may_not(server):
    assert asked_by(server, STRANGER, STRANGER) is None
    assert asked_by(server, STRANGER, STRANGER, 0, 64778) is None
    assert asked_by(server, NOBODY, NOBODY) is None
    mode = (server.data / "control").stat()
    assert (mode.st_mode & 0o777, mode.st_gid) == (0o660, GROUP)


def test_admins_by_their_names(server):
    server.reload({"Server": {"Admins": "nobody"}})
    assert asked_by(server, NOBODY, NOBODY)["version"]
    assert asked_by(server, STRANGER, STRANGER) is None
    server.reload({"Server": {"Admins": None}})
    assert asked_by(server, NOBODY, NOBODY) is None
