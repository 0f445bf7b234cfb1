"""Robot Framework itself as the client: a suite, libdoc, and what an import costs."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest
import urllib.request
import xml.etree.ElementTree as ElementTree

from harness import Server, status_of, body_of, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("ROBOT_PYTHON", str(ROOT / "build/venv/bin/python"))


def python(*arguments):
    return subprocess.run([PYTHON, *map(str, arguments)], capture_output=True, text=True, timeout=180)


class Suite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="robot-")
        cls.addClassCleanup(cls.directory.cleanup)
        output = pathlib.Path(cls.directory.name) / "output.xml"
        with Server() as server:
            ended = python("-m", "robot", "--log", "NONE", "--report", "NONE", "--output", output,
                           "--loglevel", "DEBUG", "-v", f"URL:{server.url}",
                           ROOT / "tests/robot/protocol.robot")
            wait_for(lambda: "the client hung up" in server.log(), "cancellation by time-out")
            cls.server_log = server.log()
        cls.console = ended.stdout + ended.stderr
        cls.tests = {test.get("name"): test for test in ElementTree.parse(output).iter("test")}

    def test_every_case_ends_as_it_should(self):
        self.assertGreater(len(self.tests), 12, self.console)
        for name, test in self.tests.items():
            with self.subTest(name):
                status = test.find("status")
                expected = [tag.text for tag in test.findall("tag")] == ["expected"]
                self.assertEqual(status.get("status"), "FAIL" if expected else "PASS", status.text)
                if expected:
                    doc = test.find("doc").text.removeprefix("FAIL ").replace("\\n", "\n")
                    self.assertEqual(status.text, doc)

    def test_messages_come_with_their_levels(self):
        messages = [(m.get("level"), m.text) for m in
                    self.tests["Messages Have Their Levels"].iter("msg")]
        self.assertIn(("DEBUG", "details"), messages)
        self.assertIn(("WARN", "careful"), messages)
        self.assertIn(("INFO", "<b>bold</b>"), messages)
        self.assertFalse([m for m in messages if m[0] == "ERROR"])

    def test_the_import_prints_no_error(self):
        self.assertNotIn("[ ERROR ]", self.console)

    def test_a_cancelled_call_is_in_the_servers_log(self):
        self.assertIn("Wait For Nothing: cancelled after ", self.server_log)


class Documentation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def get(self, path):
        with urllib.request.urlopen(self.server.url + path) as response:
            return response.headers, response.read().decode()

    def names(self):
        with self.server.proxy() as proxy:
            return proxy.get_keyword_names()

    def test_libdoc_lists_every_keyword(self):
        listed = python("-m", "robot.libdoc", f"Remote::{self.server.url}", "list").stdout
        self.assertEqual(listed.split("\n")[:-1], sorted(self.names()))

    def test_libdoc_shows_arguments_with_type_default_and_text(self):
        shown = python("-m", "robot.libdoc", f"Remote::{self.server.url}", "show", "Typed").stdout
        for part in ["number", "int", "`1`", "An integer.", "From 1 to 255"]:
            self.assertIn(part, shown)

    def test_robot_reads_library_json(self):
        with tempfile.TemporaryDirectory() as directory:
            spec = pathlib.Path(directory) / "library.json"
            spec.write_text(self.get("/library.json")[1])
            listed = python("-m", "robot.libdoc", spec, "list")
            self.assertEqual(listed.stdout.split("\n")[:-1], sorted(self.names()), listed.stderr)
            page = pathlib.Path(directory) / "library.html"
            made = python("-m", "robot.libdoc", spec, page)
            self.assertEqual(made.returncode, 0, made.stdout)
            self.assertIn("Typed", page.read_text())

    def test_library_json_says_what_libdoc_says(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "remote.json"
            python("-m", "robot.libdoc", "--specdocformat", "RAW", f"Remote::{self.server.url}", path)
            theirs = {k["name"]: k for k in json.loads(path.read_text())["keywords"]}
            types = {t["name"]: t for t in json.loads(path.read_text())["typedocs"]}
        spec = json.loads(self.get("/library.json")[1])
        self.assertEqual([(t["type"], t["name"], sorted(t["usages"])) for t in spec["typedocs"]],
                         [(t["type"], t["name"], t["usages"]) for t in types.values()])
        ours = {k["name"]: k for k in spec["keywords"]}
        self.assertEqual(set(ours), set(theirs))
        for name, keyword in ours.items():
            with self.subTest(name):
                mine = [(a["name"], a["kind"], a["defaultValue"], a["required"], a["repr"])
                        for a in keyword["args"]]
                self.assertEqual(mine, [(a["name"], a["kind"], a["defaultValue"], a["required"],
                                         a["repr"]) for a in theirs[name]["args"]])
                self.assertEqual(keyword["tags"], theirs[name]["tags"])

    def test_the_page_shows_every_keyword_and_needs_nothing_else(self):
        headers, page = self.get("/")
        for name in self.names():
            self.assertIn(f">{name}</a>", page)
        self.assertIn("An integer. From 1 to 255.", page)
        for outside in ["http://", "https://", "src=", "@import", "url("]:
            self.assertNotIn(outside, page)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])

    def test_health(self):
        self.assertEqual(self.get("/healthz")[1], "ok\n")

    def test_head_has_no_body(self):
        answer = self.server.raw(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        self.assertEqual((status_of(answer), body_of(answer)), (200, b""))

    def test_the_information_follows_the_constants(self):
        def specs():
            with server.proxy() as proxy:
                return proxy.get_library_information()["Typed"]["args"]

        with Server("timeout:\n  execute: 7 s\n") as server:
            self.assertIn("timeout=7 s", specs())
            self.assertIn("timeout=7 s", specs())
            server.constants.write_text("timeout:\n  execute: 8 s\n")
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "read anew" in server.log(), "reload")
            self.assertIn("timeout=8 s", specs())

    def test_importing_takes_one_request(self):
        program = ("import sys, xmlrpc.client\n"
                   "count = 0\n"
                   "original = xmlrpc.client.Transport.request\n"
                   "def request(*a, **k):\n"
                   "    global count\n    count += 1\n    return original(*a, **k)\n"
                   "xmlrpc.client.Transport.request = request\n"
                   "from robot.running import TestLibrary\n"
                   f"lib = TestLibrary.from_name('Remote', args=['{self.server.url}'])\n"
                   "print(len(lib.keywords), count)\n")
        ended = python("-c", program)
        self.assertEqual(ended.stdout.split(), [str(len(self.names())), "1"], ended.stderr)
