"""Every type of XML-RPC, both ways."""
import datetime

from harness import ServerCase, body_of, post, result_of, status_of, value_call, xmlrpc


class Both(ServerCase):
    def same(self, value):
        got = self.returned("Echo", value)
        self.assertEqual(got, value)
        self.assertIs(type(got), type(value))

    def echo_xml(self, xml):
        return result_of(self.server.raw(post(value_call(f"<value>{xml}</value>"))))["return"]

    def refused(self, xml):
        """A fault, and the server lives."""
        answer = self.server.raw(post(value_call(f"<value>{xml}</value>")))
        self.assertEqual(status_of(answer), 200, answer[:200])
        with self.assertRaises(xmlrpc.client.Fault):
            result_of(answer)
        self.same("alive")

    def test_integers(self):
        for value in [0, 1, -1, 2**31 - 1, -2**31]:
            with self.subTest(value):
                self.same(value)

    def test_integers_of_64_bits(self):
        for value in [2**31, -2**31 - 1, 2**63 - 1, -2**63, 9007199254740993]:
            with self.subTest(value):
                self.assertEqual(self.echo_xml(f"<i8>{value}</i8>"), value)

    def test_integers_that_are_none_are_refused(self):
        for xml in ["<i8>9223372036854775808</i8>", "<i8>abc</i8>", "<i8>5x</i8>", "<i8/>",
                    "<i8></i8>", "<int>2147483648</int>", "<i4>1.5</i4>", "<int>1 2</int>",
                    "<ex:i8>x</ex:i8>", "<i8><b/>5</i8>"]:
            with self.subTest(xml):
                self.refused(xml)

    def test_doubles_keep_every_digit(self):
        for value in [0.0, -1.5, 0.1 + 0.2, 1e300, 5e-324, 1.7976931348623157e308, 2 / 3, 1e16]:
            with self.subTest(value):
                self.same(value)

    def test_doubles_that_are_not_finite_are_refused(self):
        for text in ["inf", "-inf", "nan", "1e400", "0x10", "", "1,5", "."]:
            with self.subTest(text):
                self.refused(f"<double>{text}</double>")

    def test_booleans(self):
        self.same(True)
        self.same(False)

    def test_nil(self):
        self.assertIsNone(self.returned("Echo", None))
        self.assertIsNone(self.returned("Nothing"))

    def test_text(self):
        for value in ["", " ", "x", "<&>\"'", "]]>", "tab\tline\nend", "\n", "a" * 100000]:
            with self.subTest(value[:20]):
                self.same(value)

    def test_all_of_unicode(self):
        for value in ["é", "中文", "😀", "a😀b🎉", "\U0010fffd", "\ue7f0", "\ue7f0\ue701\ue700\ue741",
                      "\ue7f0double1", "\ud7ff\ue000\ufffd", "\x85\u2028"]:
            with self.subTest(ascii(value)):
                self.same(value)

    def test_characters_by_reference(self):
        self.assertEqual(self.echo_xml("&#128512;&#x1F600;&#233;&lt;&apos;"), "😀😀é<'")

    def test_a_carriage_return_by_reference_is_kept(self):
        self.assertEqual(self.echo_xml("a&#13;b"), "a\rb")

    def test_text_without_a_type_is_a_string(self):
        self.assertEqual(self.echo_xml("plain"), "plain")

    def test_cdata(self):
        self.assertEqual(self.echo_xml("<string>a<![CDATA[<b>&amp;😀]]>c</string>"), "a<b>&amp;😀c")

    def test_bytes(self):
        for value in [b"", b"a", b"ab", b"abc", bytes(range(256)), b"\0" * 1000]:
            with self.subTest(value[:8]):
                self.same(value)
        self.assertEqual(self.returned("Raw Bytes"), bytes(range(256)))

    def test_bytes_that_are_no_base64_are_refused(self):
        for text in ["!!", "YQ=", "YQ", "YR==", "=YQ=", "YWJj=", "Y😀"]:
            with self.subTest(text):
                self.refused(f"<base64>{text}</base64>")

    def test_bytes_in_lines(self):
        self.assertEqual(self.echo_xml("<base64>\n YW\r\nJj \n</base64>"), b"abc")

    def test_times(self):
        self.same(datetime.datetime(2023, 9, 14, 17, 30, 23))

    def test_times_that_are_none_are_refused(self):
        for text in ["20231314T17:30:23", "garbage", ""]:
            with self.subTest(text):
                self.refused(f"<dateTime.iso8601>{text}</dateTime.iso8601>")

    def test_lists_and_dictionaries(self):
        for value in [[], {}, [1, [2, [3]]], {"a": {"b": []}}, {"": 1}, {"é😀": ["x", None]}]:
            with self.subTest(value):
                self.same(value)

    def test_the_order_of_a_dictionary_is_kept(self):
        value = {name: 1 for name in "zyxabc"}
        self.assertEqual(list(self.returned("Echo", value)), list(value))

    def test_members_of_one_name_are_refused(self):
        member = "<member><name>a</name><value>1</value></member>"
        self.refused(f"<struct>{member}{member}</struct>")

    def test_every_type_in_one_result(self):
        value = self.returned("Every Type")
        self.assertEqual(value["int"], -5)
        self.assertEqual(value["i8"], 9007199254740993)
        self.assertEqual(value["double"], 0.1 + 0.2)
        self.assertEqual(value["huge"], 1e300)
        self.assertIs(value["truth"], True)
        self.assertIsNone(value["nil"])
        self.assertEqual(value["time"], datetime.datetime(2023, 9, 14, 17, 30, 23))
        self.assertEqual(value["list"], [1, ["x"]])

    def test_control_characters_in_a_result_are_made_visible(self):
        self.assertEqual(self.returned("Every Type")["control"], "\u2401\u2408\r")

    def test_console_text_stays_text(self):
        self.assertEqual(self.returned("Raw Text"),
                         "a\u241b[31mred\u241b[0m\nnul\u2400bad\ufffdé😀")

    def test_unknown_types_are_refused(self):
        for xml in ["<foo>1</foo>", "<int>1</int><int>2</int>", "<array></array>",
                    "<boolean>2</boolean>", "<string>a<b/></string>"]:
            with self.subTest(xml):
                self.refused(xml)

    def test_the_answer_is_declared_as_utf8(self):
        answer = self.server.raw(post(value_call("<value>é</value>")))
        self.assertIn(b"encoding=\"UTF-8\"", body_of(answer))
        self.assertIn("é".encode(), body_of(answer))
