"""vhostelctl, robot/adhoc.robot and `make docs` with a real server, a real VM, a real robot."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

import programs
from programs import Case, RealServer, Terminal, ROOT, environment, vhostelctl, wait_for

KITS = ROOT / "build/kernel-vm"
ROBOT = ROOT / "build/venv/bin/robot"


class Vms(Case):
    make_server = RealServer

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ended = vhostelctl("call", "-q", "Start Kernel VM", "vm=nf1", "cpus=1", "memory=256",
                           "--json", url=cls.server.url)
        if ended.returncode:
            raise AssertionError(ended.stderr + cls.server.log())
        cls.info = json.loads(ended.stdout)

    def test_list(self):
        heading, line = self.passed("list").splitlines()
        self.assertEqual(heading.split()[:4], ["NAME", "NODE", "KIND", "STATE"])
        self.assertEqual(line.split()[:6], ["nf1", "DUT1", "kernel", "running", "1", "256"])
        self.assertIn(str(self.info["pid"]), line.split())
        self.assertEqual(heading.index("STATE"), line.index("running"))
        self.assertEqual(json.loads(self.passed("list", "--json", "DUT1"))[0]["pid"],
                         self.info["pid"])

    def test_a_table_is_shown_line_by_line(self):
        shown = self.run_ctl("call", "Get Node Info").stderr
        self.assertRegex(shown, r"(?m)CPUs\n *cpu  core  socket  numa_node  isolated *\n *0  \d+  ")
        self.assertNotIn("<t", shown)

    def test_console(self):
        text = self.passed("console", "nf1")
        self.assertTrue(text)
        self.assertEqual(self.passed("console", "--lines", "1", "nf1"),
                         text.splitlines(keepends=True)[-1])
        self.assertEqual(json.loads(self.passed("console", "--json", "nf1")), text)
        self.assertIn("unknown VM 'nope'", self.failed(1, "console", "nope"))
        self.assertIn("unknown VM 'nope'", self.failed(1, "console", "-f", "nope"))

    def follow(self, *options, vm="nf1"):
        return Terminal(programs.BUILD / "vhostelctl", "console", "-f", *options, vm,
                        VHOSTEL_URL=self.server.url)

    def say(self, text):
        self.passed("call", "Execute In VM", "nf1", "sh", "-c", f"{{ {text}; }} >/dev/ttyS0",
                    "via=agent")

    def test_follow_shows_what_comes_once_and_in_order(self):
        with self.follow() as terminal:
            terminal.expect("init script")
            for i in range(3):
                self.say(f"for k in 0 1 2 3 4; do echo round-{i}-$k; done; printf 'half {i}'")
                terminal.expect(f"half {i}")
            terminal.type("\x03")
            self.assertEqual(terminal.wait(), 130)
        wanted = "".join("".join(f"round-{i}-{k}\r\n" for k in range(5)) + f"half {i}"
                         for i in range(3))
        self.assertIn(wanted, terminal.shown)
        self.assertEqual(terminal.shown.count("round-1-3"), 1)

    def test_follow_survives_many_lines(self):
        with self.follow() as terminal:
            terminal.expect("init script")
            self.say("echo; seq -f many-%g 1 3000; echo many-end")
            terminal.expect("many-end")
        numbers = [line for line in terminal.shown.split("\r\n") if line.startswith("many-")]
        self.assertEqual(numbers[:3000], [f"many-{i}" for i in range(1, 3001)])

    def test_follow_when_the_server_forgets_the_beginning(self):
        self.passed("call", "Set Constant", "limit.output_kib", "4")
        with self.follow("-n", "1") as terminal:
            for i in range(4):
                self.say(f"echo; for k in $(seq 40); do echo slide-{i} the same line; done; echo s{i}")
                terminal.expect(f"s{i}\r\n")
        self.passed("call", "Set Constant", "limit.output_kib", "1024")
        self.assertEqual([terminal.shown.count(f"slide-{i} ") for i in range(4)], [40] * 4)

    def test_follow_waits_for_the_start_and_ends_with_the_vm(self):
        call = threading.Thread(target=self.run_ctl, args=(
            "call", "-q", "Start Kernel VM", "vm=nf2", "memory=256"))
        call.start()
        wait_for(lambda: "nf2" in self.passed("call", "List VMs"), "the VM is known")
        with self.follow(vm="nf2") as terminal:
            call.join()
            terminal.expect("vhostel")
            self.passed("call", "-q", "Kill VM", "nf2")
            self.assertEqual(terminal.wait(), 0, terminal.shown)

    def test_completion_of_vm_names(self):
        for words in [("call", "Get VM Info", "vm="), ("call", "Get VM Info", ""),
                      ("console", "")]:
            self.assertRegex(self.passed("complete", "--", *words), r"(?m)^(vm=)?nf1$")

    def test_multi_line_failures_are_whole(self):
        text = self.failed(1, "call", "Expect On VM Console", "nf1", "never comes", "timeout=0.3")
        self.assertIn("no console line matches 'never comes'", text)
        self.assertGreater(len(text.splitlines()), 1)


class AdHoc(Case):
    make_server = RealServer

    def robot(self, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            return subprocess.run(
                [ROBOT, "--outputdir", directory, "-v", f"URL:{self.server.url}", *arguments,
                 ROOT / "robot/adhoc.robot"], capture_output=True, text=True, timeout=60,
                env=environment())

    def shown(self, keyword, arguments=None):
        ended = self.robot("-v", f"KEYWORD:{keyword}",
                           *(["-v", f"ARGS:{arguments}"] if arguments else []))
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended.stdout

    def test_a_named_argument(self):
        self.assertIn("[]", self.shown("Qemu Kill All", "node=DUT1"))

    def test_no_argument(self):
        self.assertIn("['DUT1']", self.shown("List Nodes"))

    def test_several_arguments(self):
        wanted = "'stdout': 'a|b c|node=1|d=4|'"
        self.assertIn(wanted, self.shown(
            "execute_on_node", "DUT1  printf  %s|  a\tb c  node\\=1  d=4  timeout=5 s"))
        self.assertIn("'stdout': 'a   b|'",
                      self.shown("Execute On Node", "DUT1::printf::%s|::a   b"))

    def test_free_named_arguments(self):
        ended = self.robot("-v", "KEYWORD:Start Kernel VM", "-v", "ARGS:x y  cpus=2  foo=1")
        self.assertIn("argument 'vm'", ended.stdout)

    def test_failures(self):
        ended = self.robot("-v", "KEYWORD:Get VM Info", "-v", "ARGS:nope")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("unknown VM 'nope'", ended.stdout)


class Docs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", f"BUILD={programs.BUILD}", "docs"], cwd=ROOT, check=True,
                       capture_output=True, timeout=300)
        cls.docs = programs.BUILD / "docs"

    def test_pages_of_the_server(self):
        page = (self.docs / "keywords.html").read_text()
        library = json.loads((self.docs / "library.json").read_text())
        names = [keyword["name"] for keyword in library["keywords"]]
        self.assertIn("Start Kernel VM", names)
        for name in names:
            self.assertIn(name, page)

    def shown(self, name):
        path = self.docs / name
        checked = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-ww", path],
                                 capture_output=True, text=True, check=True)
        self.assertEqual(checked.stderr, "")
        return checked.stdout

    def test_manual_pages_have_every_option(self):
        for name, program in [("vhosteld.8", "vhosteld"), ("vhostelctl.1", "vhostelctl")]:
            text = self.shown(name)
            told = subprocess.run([programs.BUILD / program, "--help"], capture_output=True,
                                  text=True).stdout
            for line in told.splitlines():
                option = line.split("--")[1].split()[0] if line.startswith(("  -", "      --")) \
                    else None
                if option:
                    self.assertIn(f"--{option}", text)
        for part in ["call [OPTION]...", "--follow", "--delete", "EXIT STATUS", "SSL_CERT_FILE"]:
            self.assertIn(part, text)

    def test_no_server_is_left(self):
        for path in pathlib.Path("/proc").glob("[0-9]*/exe"):
            try:
                command = (path.parent / "cmdline").read_bytes().split(b"\0")
                mine = os.readlink(path) == str(programs.BUILD / "vhosteld")
            except OSError:
                continue
            self.assertFalse(mine and any(a.startswith(b"/tmp/vh-") for a in command), command)
