"""The programs under test: servers, vhostelctl, and a terminal to run it on."""
import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import tempfile
import time
import unittest

import harness
from harness import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE = 20

# Set by run.py.
BUILD = ROOT / "build"


def echo_server(constants="", **options):
    """The protocol's test server, whose keywords give back what came in."""
    harness.SERVER_BINARY = BUILD / "tests/echo_server"
    return harness.Server(constants, **options)


class RealServer(harness.Server):
    """vhosteld with a run directory of its own and the tree's configuration."""

    def __init__(self):
        harness.SERVER_BINARY = BUILD / "vhosteld"
        # Short, because the paths of Unix sockets are.
        self.run_dir = tempfile.TemporaryDirectory(prefix="vc-", dir="/tmp")
        # The last --config counts; kernel-vm kits lie beside the tree's own.
        super().__init__("", ["--config", ROOT / "config/constants.yaml", "--run-dir",
                              self.run_dir.name])

    def __exit__(self, *details):
        super().__exit__(*details)
        self.run_dir.cleanup()


def environment(url=None, **more):
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("VHOSTEL", "SSL_")) and not k.lower().endswith("_proxy")}
    return {**kept, **({"VHOSTEL_URL": url} if url else {}), **more}


def vhostelctl(*words, url=None, text=True, stdin="", **more):
    return subprocess.run([BUILD / "vhostelctl", *map(str, words)], capture_output=True, text=text,
                          input=stdin if text else None, timeout=60, env=environment(url, **more))


class Terminal:
    """A program on a terminal of its own, and what it showed there."""

    def __init__(self, *command, **more_environment):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execvpe(command[0], [str(word) for word in command],
                       environment(**more_environment))
        self.shown = ""
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self, seconds):
        """What comes within that time is added; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)

    def expect(self, text, deadline=DEADLINE):
        end = time.monotonic() + deadline
        while text not in self.shown:
            if time.monotonic() > end or not self.read(0.05):
                raise AssertionError(f"{text!r} was not shown: {self.shown!r}")

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        """The exit status, as subprocess has it."""
        end = time.monotonic() + DEADLINE
        while self.read(0.05):
            if time.monotonic() > end:
                raise AssertionError(f"it does not end: {self.shown!r}")
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status


class Case(unittest.TestCase):
    """One server for the tests of a class."""
    make_server = staticmethod(echo_server)

    @classmethod
    def setUpClass(cls):
        cls.server = cls.make_server()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.__enter__()

    def run_ctl(self, *words, **more):
        return vhostelctl(*words, url=self.server.url, **more)

    def passed(self, *words, **more):
        ended = self.run_ctl(*words, **more)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def value(self, *words):
        return json.loads(self.passed("call", "--json", *words))

    def failed(self, code, *words, **more):
        ended = self.run_ctl(*words, **more)
        self.assertEqual(ended.returncode, code, ended.stdout + ended.stderr)
        return ended.stderr


__all__ = ["Case", "RealServer", "Terminal", "echo_server", "vhostelctl", "wait_for"]
