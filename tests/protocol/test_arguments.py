"""Positional and named arguments, defaults, and the text forms of every type."""
import datetime

from harness import ServerCase


class Binding(ServerCase):
    def test_positional(self):
        self.assertEqual(self.returned("Many", "a", "b", "c")["rest"], ["b", "c"])

    def test_named_only(self):
        self.assertEqual(self.returned("Many", "a", count=3)["count"], 3)

    def test_a_positional_argument_by_name(self):
        self.assertEqual(self.returned("Many", first="x")["first"], "x")

    def test_free_named(self):
        self.assertEqual(self.returned("Many", "a", x=1, y=[2])["options"], {"x": 1, "y": [2]})

    def test_defaults(self):
        self.assertEqual(self.returned("Many", "a"),
                         {"first": "a", "rest": [], "count": 7, "options": {}})

    def test_missing(self):
        self.assertIn("first", self.error("Many"))

    def test_given_twice(self):
        self.assertIn("first", self.error("Many", "a", first="b"))


class Typed(ServerCase):
    def check(self, member, given, expected):
        with self.subTest(member, given=given):
            kwargs = {} if member == "text" else {member: given}
            text = given if member == "text" else "x"
            got = self.returned("Typed", text, **kwargs)[member]
            self.assertEqual(got, expected)
            self.assertIs(type(got), type(expected))

    def refuse(self, member, given, expected):
        with self.subTest(member, given=given):
            kwargs = {"text": "x", member: given}
            self.assertEqual(self.error("Typed", **kwargs),
                             f"Typed: argument '{member}': {expected}")

    def test_every_default_parses_from_its_own_text(self):
        with self.server.proxy() as proxy:
            specs = proxy.get_keyword_arguments("Typed")
        defaults = dict(spec.split("=", 1) for spec in specs if "=" in spec)
        self.assertEqual(self.returned("Typed", "x", **defaults), self.returned("Typed", "x"))

    def test_integers(self):
        for given in [2, "2", " 2 ", 2.0, "0x2"]:
            self.check("number", given, 2)
        allowed = "expected an integer from 1 to 255, got "
        for given, shown in [("two", "'two'"), (0, "'0'"), (256, "'256'"), (1.5, "'1.5'"),
                             (True, "'true'"), (None, "'nil'"), ([1], "'[1]'"), ("", "''"),
                             ("1 2", "'1 2'"), ("9" * 30, f"'{'9' * 30}'")]:
            self.refuse("number", given, allowed + shown)

    def test_numbers(self):
        for given in [1.5, "1.5", "15e-1"]:
            self.check("real", given, 1.5)
        for given in ["nan", "inf", "0x1", "", "1.5x"]:
            self.refuse("real", given, f"expected a number, got '{given}'")

    def test_truths(self):
        for given in [True, 1, "true", "YES", "on", "1"]:
            self.check("truth", given, True)
        for given in [False, 0, "False", "no", "off", "0", ""]:
            self.check("truth", given, False)
        self.refuse("truth", "perhaps", "expected true or false, got 'perhaps'")
        self.refuse("truth", 2, "expected true or false, got '2'")

    def test_times(self):
        for given, ms in [(10, 10000), (1.5, 1500), ("10", 10000), ("10 seconds", 10000),
                          ("1 min 30 s", 90000), ("1:30", 90000), ("00:01:30.5", 90500),
                          ("2h", 7200000), ("100 ms", 100), ("1 day", 86400000), ("0.5s", 500),
                          ("1 MINUTE", 60000), ("1 week", 604800000), ("3 us", 0)]:
            self.check("time", given, ms)
        allowed = "expected a time such as '10 seconds' or '1 min 30 s', got "
        for given in ["soon", "", "1 min 2 min", "1.2.3", "-5", "10 parsecs", "nan", "1e99"]:
            self.refuse("time", given, f"{allowed}'{given}'")

    def test_choices(self):
        for given in ["rx only", "RX_ONLY", "rx-only", "RxOnly"]:
            self.check("mode", given, "rx only")
        self.refuse("mode", "tx", "expected 'io', 'mac' or 'rx only', got 'tx'")

    def test_lists(self):
        for given in [["1", "2"], "[1, 2]", "1,2", " 1 , 2 ", "['1', \"2\"]", [1, 2]]:
            self.check("texts", given, ["1", "2"])
            self.check("numbers", given, [1, 2])
        for given in [[], "[]", "", " "]:
            self.check("numbers", given, [])
        self.check("numbers", 5, [5])
        for given in ["[1, 2", "1,two", [1024], {"a": 1}, "[[1]]"]:
            self.assertIn("expected a list of integers from 0 to 1023",
                          self.error("Typed", "x", numbers=given))

    def test_dictionaries(self):
        for given in [{"a": [True, None]}, "{'a': [True, None]}", '{"a": [true, null]}']:
            self.check("dict", given, {"a": [True, None]})
        self.check("dict", "", {})
        for given in ["{", "[1]", [1], 5, "{'a': 1, 'a': 2}"]:
            self.assertIn("expected a dictionary", self.error("Typed", "x", dict=given))

    def test_auto(self):
        self.check("either", "auto", -1)
        self.check("either", "AUTO", -1)
        self.check("either", "5", 5)
        self.refuse("either", "x", "expected an integer or 'auto', got 'x'")

    def test_none(self):
        for given in [None, "none", "None", ""]:
            self.check("maybe", given, None)
        self.check("maybe", "x", "x")

    def test_text(self):
        for given, expected in [("x", "x"), (5, "5"), (True, "True"), ("é😀", "é😀")]:
            self.check("text", given, expected)
        self.refuse("text", "", "expected text of 1 to 32 bytes, got ''")
        self.refuse("text", "x" * 33, f"expected text of 1 to 32 bytes, got '{'x' * 33}'")
        self.refuse("text", {"a": 1}, "expected text of 1 to 32 bytes, got '{\"a\": 1}'")

    def test_text_that_robot_sends_as_bytes(self):
        self.assertEqual(self.returned("Typed", b"\x03\xe9")["text"], "\u2403é")

    def test_text_that_robot_sends_as_bytes_among_any_others(self):
        options = self.returned("Many", "x", other=b"\x03\xe9", deep=[{"a": b"\x03"}],
                                when=datetime.datetime(2023, 9, 14, 17, 30, 23))["options"]
        self.assertEqual(options, {"other": "\u2403é", "deep": [{"a": "\u2403"}],
                                   "when": "20230914T17:30:23"})
        self.assertEqual(self.error("Many", "x", other=b"a\0b"),
                         "Many: argument 'other': expected no NUL byte in its text")

    def test_values_that_json_has_not_are_shown_as_they_were_meant(self):
        when = datetime.datetime(2023, 9, 14, 17, 30, 23)
        self.refuse("number", when, "expected an integer from 1 to 255, got '20230914T17:30:23'")
        self.refuse("number", [when, b"a"],
                    "expected an integer from 1 to 255, got '[\"20230914T17:30:23\", \"a\"]'")

    def test_a_nul_byte_in_text_is_refused(self):
        self.assertIn("expected text", self.error("Typed", b"a\0b"))

    def test_a_long_value_is_cut_in_the_message(self):
        self.assertLess(len(self.error("Typed", "x", number="9" * 100000)), 300)

    def test_too_many(self):
        self.assertEqual(self.error("Typed", *["x"] * 12),
                         "Typed: expected 1 to 11 positional arguments, got 12")

    def test_an_unknown_name(self):
        self.assertEqual(self.error("Typed", "x", nubmer=1),
                         "Typed: argument 'nubmer': no such argument, did you mean 'number'?")
        self.assertIn("expected one of text, number", self.error("Typed", "x", zzzzzzzz=1))

    def test_missing(self):
        self.assertEqual(self.error("Typed"),
                         "Typed: argument 'text': missing, expected text of 1 to 32 bytes")

    def test_bytes(self):
        self.assertEqual(self.returned("Count Bytes", b"\0\1\2"), 3)
        self.assertEqual(self.returned("Count Bytes", "é"), 2)
