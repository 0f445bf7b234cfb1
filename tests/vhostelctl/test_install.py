"""What `make install` puts where."""
import configparser
import pathlib
import subprocess
import tempfile
import unittest

import programs
from programs import ROOT


class Install(unittest.TestCase):
    """Below a directory of its own, without the kits, which are large."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="install-")
        cls.addClassCleanup(directory.cleanup)
        cls.root = pathlib.Path(directory.name)
        subprocess.run(["make", "--no-print-directory", "-C", ROOT, "install",
                        f"BUILD={programs.BUILD.relative_to(ROOT)}", f"DESTDIR={cls.root}",
                        "PREFIX=/usr", "SYSCONFDIR=/etc", "KITS="],
                       check=True, capture_output=True)

    def unit(self, name):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read(self.root / "usr/lib/systemd/system" / name)
        return unit

    def test_programs_pages_and_completion_are_where_they_are_looked_for(self):
        for path in ["usr/sbin/vhosteld", "usr/bin/vhostelctl", "usr/share/man/man8/vhosteld.8",
                     "usr/share/man/man1/vhostelctl.1", "etc/vhostel/constants.yaml",
                     "usr/share/bash-completion/completions/vhostelctl"]:
            with self.subTest(path):
                self.assertTrue((self.root / path).stat().st_size)

    def test_the_service_starts_what_is_installed(self):
        command = self.unit("vhosteld.service")["Service"]["ExecStart"].split()
        self.assertEqual(command[1::2], ["--config"])
        for path in command[::2]:
            self.assertTrue((self.root / path.lstrip("/")).exists(), path)
        checked = subprocess.run([self.root / command[0].lstrip("/"), "--check-config", "--config",
                                  self.root / command[2].lstrip("/")],
                                 capture_output=True, text=True, timeout=30)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_the_socket_is_its_owners_alone(self):
        self.assertEqual(self.unit("vhosteld.socket")["Socket"]["SocketMode"], "0600")


if __name__ == "__main__":
    unittest.main()
