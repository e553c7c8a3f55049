"""A name server of the tests' own: NSD with the root zone, so that every name that is not written here does not exist.

    nameserver.set("dest.test. MX 10 mx1.dest.test.", "mx1.dest.test. A 127.0.0.2", "null.test. MX 0 .")
    nameserver.add(...)                 more of them
    nameserver.break_zone("broken.test")  SERVFAIL for it and all below
"""
import subprocess

from peer.common import LIMIT, Process, free_port, need, wait_until

CONFIGURATION = """
server:
    ip-address: 127.0.0.1@{port}
    do-ip6: no
    server-count: 1
    username: ""
    chroot: ""
    database: ""
    zonesdir: "{folder}"
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    zonefiles-check: yes
    rrl-ratelimit: 0
    verbosity: 1
remote-control:
    control-enable: no
zone:
    name: "."
    zonefile: "root.zone"
"""


class NameServer:
    def __init__(self, folder, ttl=1):
        need("nsd", "dig")
        self.folder, self.ttl = folder, ttl
        self.port = free_port()
        self.server = f"127.0.0.1@{self.port}"  # as [DNS] Servers takes it
        self.records, self.broken = [], []
        self.serial = 0
        self.process = None
        self._write()
        self.start()

    def set(self, *records):
        self.records = []
        self.add(*records)

    def add(self, *records):
        """Records in the form of a zone file, names with their final dot. Returns when they are answered."""
        self.records += records
        self._write()
        self.process.popen.send_signal(1)  # SIGHUP: changed zone files are read
        self._wait()

    def break_zone(self, *zones):
        """A zone whose file is not there: NSD answers SERVFAIL."""
        self.broken += zones
        self._write()
        self.stop()
        self.start()

    def ask(self, name, kind):
        """(status, sorted answers), as dig shows them."""
        done = subprocess.run(["dig", "+tries=1", "+time=2", "+noall", "+comments", "+answer", f"@127.0.0.1", "-p",
                               str(self.port), name, kind], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        status, answers = "", []
        for line in done.stdout.splitlines():
            if "status:" in line:
                status = line.split("status: ")[1].split(",")[0]
            elif line and not line.startswith(";"):
                answers.append(" ".join(line.split()[4:]))
        return status, sorted(answers)

    def stop(self):
        if self.process:
            self.process.stop()

    def _write(self):
        self.serial += 1
        lines = [f"$TTL {self.ttl}", f". SOA ns.test. root.test. {self.serial} 3600 600 86400 {self.ttl}", ". NS ns.test.",
                 "ns.test. A 127.0.0.1", *self.records]
        (self.folder / "root.zone").write_text("\n".join(lines) + "\n")
        text = CONFIGURATION.format(port=self.port, folder=self.folder)
        for zone in self.broken:
            text += f'zone:\n    name: "{zone}"\n    zonefile: "not-there/{zone}"\n'
        (self.folder / "nsd.conf").write_text(text)

    def start(self):
        self.process = Process(["/usr/sbin/nsd", "-d", "-c", self.folder / "nsd.conf"], self.folder / "nsd.log")
        self._wait()

    def _wait(self):
        def is_new():
            self.process.check_running()
            return any(answer.split()[2:3] == [str(self.serial)] for answer in self.ask(".", "SOA")[1])
        wait_until(f"NSD answers serial {self.serial}: {self.folder}/nsd.log", is_new, LIMIT)
