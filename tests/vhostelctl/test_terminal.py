"""vhostelctl on a terminal: the progress line, Ctrl-C, passwords, completion."""
import os
import pathlib
import re
import signal
import stat
import subprocess
import tempfile
import time
import unittest

import programs
from programs import Case, RealServer, Terminal, ROOT, echo_server, vhostelctl, wait_for


class Interrupts(Case):
    make_server = RealServer

    def start(self, seconds):
        """A call that sleeps on the node for that long, which nothing else does."""
        return Terminal(programs.BUILD / "vhostelctl", "call", "Execute On Node", "DUT1", "sleep",
                        seconds, VHOSTEL_URL=self.server.url)

    def sleeps(self, seconds):
        """Whether a process `sleep SECONDS` runs."""
        wanted = f"sleep\0{seconds}\0".encode()
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if path.read_bytes() == wanted:
                    return True
            except OSError:
                pass
        return False

    def cancelled_by(self, seconds, interrupt):
        """How long the server took to cancel, how long the process to go, and the terminal."""
        with self.start(seconds) as terminal:
            wait_for(lambda: self.sleeps(seconds), "the process")
            terminal.expect("Ctrl-C cancels")
            before = self.server.log()
            start = time.monotonic()
            interrupt(terminal)
            wait_for(lambda: "Execute On Node: cancelled" in self.server.log()[len(before):],
                     "the cancellation")
            logged = time.monotonic() - start
            wait_for(lambda: not self.sleeps(seconds), "the end of the process")
            gone = time.monotonic() - start
            terminal.wait()
            return logged, gone, terminal

    def test_ctrl_c_cancels_within_100_ms(self):
        logged, gone, terminal = self.cancelled_by("31.25", lambda t: t.type("\x03"))
        self.assertLess(logged, 0.1)
        self.assertLess(gone, 0.2)
        self.assertEqual(terminal.status, 130)
        self.assertRegex(terminal.shown, r"cancelled after \d+\.\d s: the connection is closed")

    def test_sigterm_cancels(self):
        logged, _, terminal = self.cancelled_by("31.5", lambda t: os.kill(t.pid, signal.SIGTERM))
        self.assertLess(logged, 0.1)
        self.assertEqual(terminal.status, 143)

    def test_a_progress_line_is_shown_and_wiped(self):
        with self.start("0.9") as terminal:
            self.assertEqual(terminal.wait(), 0)
        times = [float(t) for t in re.findall(r"Execute On Node: (\d+\.\d) s", terminal.shown)]
        self.assertGreaterEqual(len(times), 3, terminal.shown)
        self.assertEqual(times, sorted(times))
        self.assertRegex(terminal.shown, r"Ctrl-C cancels\r\x1b\[K\S+ INFO [^\r]*\r\nrc: 0")

    def test_a_quick_call_shows_no_line(self):
        with self.start("0") as terminal:
            self.assertEqual(terminal.wait(), 0)
        self.assertNotIn("Ctrl-C", terminal.shown)


class Passwords(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.file = pathlib.Path(directory.name) / "passwords"

    def set(self, user, password, **more):
        ended = vhostelctl("passwd", self.file, user, stdin=password + "\n", **more)
        self.assertEqual(ended.returncode, 0, ended.stderr)

    def lines(self):
        return dict(line.split(":") for line in self.file.read_text().splitlines())

    def test_a_file_that_only_its_owner_reads(self):
        self.set("anna", "one")
        self.set("bob", "two")
        before = self.lines()
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual(list(before), ["anna", "bob"])
        for hashed in before.values():
            self.assertRegex(hashed, r"^\$y\$[^$]+\$[^$]+\$[^$]+$")
        self.set("anna", "one")
        self.assertEqual(list(self.lines()), ["anna", "bob"])
        self.assertNotEqual(self.lines()["anna"], before["anna"])
        self.assertEqual(self.lines()["bob"], before["bob"])

    def test_other_lines_stay(self):
        self.file.write_text("# people\n\nanna:$y$old\n")
        self.set("bob", "two")
        self.assertTrue(self.file.read_text().startswith("# people\n\nanna:$y$old\nbob:$y$"))

    def test_users_can_be_removed(self):
        self.set("anna", "one")
        self.set("bob", "two")
        self.assertEqual(vhostelctl("passwd", "--delete", self.file, "anna").returncode, 0)
        self.assertEqual(list(self.lines()), ["bob"])
        self.assertEqual(vhostelctl("passwd", "--delete", self.file, "anna").returncode, 1)

    def test_bad_users_and_passwords(self):
        for user in ["", "a:b", "#a", "x" * 65]:
            with self.subTest(user):
                self.assertEqual(vhostelctl("passwd", self.file, user, stdin="x\n").returncode, 2)
        for password in ["", "x" * 513]:
            ended = vhostelctl("passwd", self.file, "anna", stdin=password + "\n")
            self.assertEqual(ended.returncode, 2)
        self.assertFalse(self.file.exists())

    def on_terminal(self, *typed):
        with Terminal(programs.BUILD / "vhostelctl", "passwd", self.file, "anna") as terminal:
            terminal.expect("Password: ")
            terminal.type(typed[0])
            if len(typed) > 1:
                terminal.expect("Again: ")
                terminal.type(typed[1])
            terminal.wait()
        return terminal

    def test_a_terminal_asks_twice_and_shows_nothing(self):
        terminal = self.on_terminal("secret\n", "secret\n")
        self.assertEqual(terminal.status, 0, terminal.shown)
        self.assertNotIn("secret", terminal.shown)
        self.assertEqual(list(self.lines()), ["anna"])

    def test_two_that_differ_change_nothing(self):
        terminal = self.on_terminal("secret\n", "secrte\n")
        self.assertEqual(terminal.status, 2)
        self.assertFalse(self.file.exists())

    def test_ctrl_c_changes_nothing(self):
        terminal = self.on_terminal("sec\x03")
        self.assertEqual(terminal.status, 130)
        self.assertFalse(self.file.exists())

    def test_the_server_takes_the_file_and_vhostelctl_its_users(self):
        self.set("anna", "p@ss:w/rd")
        with echo_server(f"remote:\n  password_file: {self.file}\n") as server:
            good = server.url.replace("//", "//anna:p%40ss%3Aw%2Frd@")
            ended = vhostelctl("call", "Echo", "x", url=good)
            self.assertEqual((ended.returncode, ended.stdout), (0, "x\n"), ended.stderr)
            wrong = vhostelctl("call", "Echo", "x", url=server.url.replace("//", "//anna:no@"))
            self.assertEqual(wrong.returncode, 3)
            self.assertIn("does not know this user and password", wrong.stderr)
            self.assertNotIn(":no@", wrong.stderr)
            nobody = vhostelctl("call", "Echo", "x", url=server.url)
            self.assertIn("wants a user and a password", nobody.stderr)

    def test_unix_socket(self):
        path = self.file.parent / "socket"
        with echo_server(f"remote:\n  unix_socket: {path}\n"):
            ended = vhostelctl("call", "Echo", "x", url=f"unix:{path}")
            self.assertEqual((ended.returncode, ended.stdout), (0, "x\n"), ended.stderr)

    def test_https(self):
        key, certificate = self.file.parent / "key", self.file.parent / "certificate"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=x",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                        certificate], check=True, capture_output=True)
        with echo_server(f"remote:\n  tls_certificate: {certificate}\n"
                         f"  tls_key: {key}\n") as server:
            url = f"https://127.0.0.1:{server.port}"
            ended = vhostelctl("call", "Echo", "x", url=url, SSL_CERT_FILE=str(certificate))
            self.assertEqual((ended.returncode, ended.stdout), (0, "x\n"), ended.stderr)
            stranger = vhostelctl("call", "Echo", "x", url=url)
            self.assertEqual(stranger.returncode, 3)
            self.assertIn("SSL_CERT_FILE", stranger.stderr)


class Completion(Case):
    def setUp(self):
        self.shell = Terminal(
            "bash", "--norc", "--noprofile", "-i", VHOSTEL_URL=self.server.url, TERM="dumb",
            PATH=f"{programs.BUILD}:{os.environ['PATH']}", PS1="$ ", INPUTRC="/dev/null")
        self.addCleanup(self.shell.__exit__)
        self.shell.type("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'\n"
                        f". {ROOT}/tools/completion/vhostelctl; echo rea''dy\n")
        self.shell.expect("\nready")

    def completed(self, typed, expected):
        """What a line becomes by a tab. Then the line is thrown away."""
        self.shell.shown = ""
        self.shell.type(typed + "\t")
        self.shell.expect(expected)
        self.shell.type("\x15")

    def test_commands(self):
        self.completed("vhostelctl key", "vhostelctl keywords ")

    def test_keyword_names_with_spaces(self):
        self.completed("vhostelctl call Every", "vhostelctl call Every\\ Type ")
        self.completed('vhostelctl call "Wait F', 'vhostelctl call "Wait For Nothing" ')
        self.completed("vhostelctl doc 'Count B", "vhostelctl doc 'Count Bytes' ")
        self.completed("vhostelctl call Every\\ ", "vhostelctl call Every\\ Type ")

    def test_names_of_arguments(self):
        self.completed('vhostelctl call "Fail With" mes', '"Fail With" message=')
        self.completed("vhostelctl call Typed text=x tim", "text=x time")
        self.completed("vhostelctl call Typed text=x timeo", "text=x timeout=")

    def test_values(self):
        self.completed("vhostelctl call Typed text=x truth=T", "truth=True ")
        self.completed("vhostelctl call Typed text=x mode=m", "mode=mac ")

    def test_another_server_on_the_line(self):
        url = self.server.url
        self.shell.type("export VHOSTEL_URL=http://127.0.0.1:1; echo do''ne\n")
        self.shell.expect("\ndone")
        self.completed(f"vhostelctl --url {url} call Every", "call Every\\ Type ")

    def test_no_server(self):
        ended = vhostelctl("complete", "--", "call", "", url="http://127.0.0.1:1")
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "", ""))
