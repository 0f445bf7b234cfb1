"""What a call leaves in Robot's log."""
import re
import time

from harness import ServerCase


class Results(ServerCase):
    def test_a_pass_has_status_output_and_return(self):
        answer = self.run_keyword("Echo", "x")
        self.assertEqual((answer["status"], answer["return"]), ("PASS", "x"))
        # On a busy machine it may take long enough to tell of itself.
        self.assertRegex(answer.get("output", ""), r"\A(\*INFO:\d+\* Echo \(\S+ s\)\n)?\Z")

    def test_a_failure_has_its_message(self):
        self.assertEqual(self.error("Fail With", "it broke"), "it broke")

    def test_a_failure_is_neither_continuable_nor_fatal_by_itself(self):
        answer = self.run_keyword("Fail With", "x")
        self.assertFalse(answer.get("continuable", False))
        self.assertFalse(answer.get("fatal", False))

    def test_continuable(self):
        answer = self.run_keyword("Fail With", "x", True)
        self.assertIs(answer["continuable"], True)
        self.assertFalse(answer.get("fatal", False))

    def test_fatal(self):
        self.assertIs(self.run_keyword("Fail With", "x", False, True)["fatal"], True)

    def test_messages_have_levels_and_time_stamps(self):
        before = time.time() * 1000
        output = self.run_keyword("Log Lines")["output"]
        after = time.time() * 1000
        stamps = re.findall(r"^\*(DEBUG|INFO|WARN|HTML):(\d+)\* ", output, re.M)
        self.assertEqual([level for level, _ in stamps], ["INFO", "DEBUG", "WARN", "HTML", "INFO"])
        for _, stamp in stamps:
            self.assertTrue(before - 1 <= int(stamp) <= after + 1)

    def test_steps_have_their_duration(self):
        self.assertRegex(self.run_keyword("Log Lines")["output"], r"a step \(\d+\.\d{3} s\)")

    def test_text_of_a_guest_forges_no_message(self):
        output = self.run_keyword("Log Lines")["output"]
        self.assertNotRegex(output, re.compile(r"^\*ERROR\*", re.M))
        self.assertIn("*ERROR* forged", output)

    def test_a_failure_tells_the_steps_before_it(self):
        traceback = self.run_keyword("Fail With", "x")["traceback"]
        self.assertLess(traceback.index("first step"), traceback.index("second step"))

    def test_a_message_with_control_characters_arrives(self):
        self.assertEqual(self.error("Fail With", b"a\x1bb"), "a\u241bb")


class Members(ServerCase):
    """What our own answers promise beside what Robot needs."""
    MEMBERS = {"status", "output", "return", "error", "traceback", "continuable", "fatal"}

    def test_every_answer_has_all_members(self):
        for name, arguments in [("Echo", ["x"]), ("Nothing", []), ("Fail With", ["x"]),
                                ("Typed", []), ("No Such Keyword", [])]:
            with self.subTest(name):
                answer = self.run_keyword(name, *arguments)
                self.assertEqual(set(answer), self.MEMBERS)
                self.assertIs(answer["continuable"], False)
                self.assertIs(answer["fatal"], False)
                for member in ["output", "error", "traceback"]:
                    self.assertIsInstance(answer[member], str)

    def test_a_promised_value_that_does_not_come_is_a_failure(self):
        self.assertIsNone(self.returned("Nothing"))
        self.assertIn("expected a value", self.error("Broken Promise"))

    def test_a_call_without_steps_tells_of_itself_when_it_took_time_or_failed(self):
        for name, arguments in [("Wait For Nothing", ["20 ms"]), ("Typed", [])]:
            with self.subTest(name):
                output = self.run_keyword(name, *arguments)["output"]
                self.assertRegex(output, rf"\A\*INFO:\d+\* {name} \(\d+\.\d{{3}} s\)\n\Z")
        self.assertNotIn("Log Lines (", self.run_keyword("Log Lines")["output"])
        self.assertIn("Typed (", self.run_keyword("Typed")["traceback"])
