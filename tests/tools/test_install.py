"""What `meson install` puts where, as docs/OPERATING.md says; and that it works from there. Argument: the build folder, built."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD = Path(sys.argv.pop(1))
PROGRAMS = ["bin/facteur", "sbin/facteurd", "sbin/sendmail"]
PAGES = ["man1/facteur.1", "man1/sendmail.1", "man5/facteur.ini.5", "man8/facteurd.8", "fr/man5/facteur.ini.5"]


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        root = Path(cls.folder.name)
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root], check=True, stdin=subprocess.DEVNULL,
                       capture_output=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        cls.prefix = next(path.parents[1] for path in root.rglob("sbin/facteurd"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_program(self, *arguments):
        return subprocess.run([str(a) for a in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def test_programs(self):
        for name in PROGRAMS:
            self.assertTrue(os.access(self.prefix / name, os.X_OK), name)
        self.assertIn("facteur ", self.run_program(self.prefix / "bin/facteur", "--version").stdout)
        self.assertEqual(os.readlink(self.prefix / "bin/mailq"), "facteur")

    def test_manual_pages(self):
        for name in PAGES:
            self.assertTrue((self.prefix / "share/man" / name).is_file(), name)
        known = {f".{section}" for section in "158"}
        self.assertEqual(len([p for p in (self.prefix / "share/man").rglob("*") if p.suffix in known]), len(PAGES))

    def test_the_sample_is_a_good_configuration(self):
        """As it is but for the folder, and with all that is commented out."""
        sample = (self.prefix / "share/doc/facteur/facteur.ini").read_text()
        for text in (sample, sample.replace("; Postmaster", "Postmaster").replace("; S", "S")):
            path = Path(self.folder.name) / "facteur.ini"
            path.write_text(text.replace("/var/lib/facteur", self.folder.name))
            done = self.run_program(self.prefix / "sbin/facteurd", "-t", "-c", path)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
