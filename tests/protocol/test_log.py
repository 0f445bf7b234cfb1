"""What the real server leaves in Robot's log."""
import fnmatch
import json
import re
import unittest
import xml.etree.ElementTree as ElementTree

from test_robot import ROOT, python
from test_vm import RealVms


class Log(RealVms):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_server(cls, cls.addClassCleanup)
        output = cls.path / "output.xml"
        ended = python("-m", "robot", "--log", "NONE", "--report", "NONE", "--output", output,
                       "-v", f"URL:{cls.server.url}", ROOT / "tests/robot/log.robot")
        cls.console = ended.stdout + ended.stderr
        cls.tests = {test.get("name"): test for test in ElementTree.parse(output).iter("test")}

    def test_libdoc_writes_a_page_with_every_argument(self):
        page = self.path / "out.html"
        made = python("-m", "robot.libdoc", f"Remote::{self.server.url}", page)
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        with self.server.proxy() as proxy:
            information = proxy.get_library_information()
        text = page.read_text()
        library = json.loads(re.search(r"libdoc = (\{.*\})", text)[1].replace("\\x3c", "<"))
        shown = {keyword["name"]: keyword for keyword in library["keywords"]}
        for name, keyword in information.items():
            if name.startswith("__"):
                continue
            with self.subTest(name):
                for argument in keyword["args"]:
                    argument = argument.lstrip("*").split("=")[0]
                    self.assertIn(argument, [arg["name"] for arg in shown[name]["args"]])
                    self.assertRegex(shown[name]["doc"], rf"<code>\**{argument}\b")

    def html(self, name):
        return [message.text for message in self.tests[name].iter("msg")
                if message.get("html") == "true"]

    def test_every_case_ends_as_it_should(self):
        self.assertTrue(self.tests, self.console)
        for name, test in self.tests.items():
            with self.subTest(name):
                status = test.find("status")
                expected = [tag.text for tag in test.findall("tag")] == ["expected"]
                self.assertEqual(status.get("status"), "FAIL" if expected else "PASS", status.text)
                if expected:
                    pattern = test.find("doc").text.split("GLOB: ", 1)[1].replace("\\n", "\n")
                    self.assertTrue(fnmatch.fnmatchcase(status.text, pattern), status.text)

    def test_what_stands_behind_a_clean_up_that_fails_is_done(self):
        messages = [message.text for message in
                    self.tests["A Clean Up That Fails Lets The Test Go On"].iter("msg")]
        self.assertIn("went on", messages)

    def test_tables_are_html(self):
        node = self.html("A Node Is Shown As Tables")
        self.assertEqual([table.split("</caption>")[0] for table in node],
                         ["<table><caption>Node", "<table><caption>CPUs"])
        plan = self.html("A Plan Is Shown As Tables")
        self.assertEqual(plan[0].count("<tr>"), 5)
        self.assertIn("<th>node_in_chain</th>", plan[0])

    def test_a_failed_start_links_its_console_log(self):
        path = self.path / "run/nf1/console.log"
        self.assertEqual(self.html("A Failed Start Links The Console Log"),
                         [f'Console log: <a href="file://{path}">{path}</a>'])


if __name__ == "__main__":
    unittest.main()
