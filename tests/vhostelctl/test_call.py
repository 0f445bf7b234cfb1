"""What vhostelctl sends, shows and returns, against the protocol's test server."""
import base64
import json
import socket
import threading
import xmlrpc.server

from programs import Case, vhostelctl


class Arguments(Case):
    def test_positional_and_named(self):
        got = self.value("Typed", "hello", "number=7", "truth=true", "mode=RX ONLY", "time=2 min")
        self.assertEqual((got["text"], got["number"], got["truth"], got["mode"], got["time"]),
                         ("hello", 7, True, "rx only", 120000))

    def test_the_keywords_name_in_any_spelling(self):
        self.assertEqual(self.value("raw_TEXT"), self.value("Raw Text"))

    def test_values_have_the_type_that_the_server_told(self):
        sent = self.sent_by("Take", "a", "n=2", "r=1.5", "b=False", "l=[1, 2]", "d={\"x\": 1}",
                            "s=5")
        self.assertEqual(sent, [["a"], {"n": 2, "r": 1.5, "b": False, "l": [1, 2], "d": {"x": 1},
                                        "s": "5"}])

    def test_what_has_not_the_types_form_is_sent_as_text(self):
        sent = self.sent_by("Take", "n=two", "r=much", "b=perhaps", "l=[1", "n2=99999999999")
        self.assertEqual(sent, [[], {"n": "two", "r": "much", "b": "perhaps", "l": "[1",
                                     "n2": "99999999999"}])

    def test_repeated_arguments_make_a_list(self):
        self.assertEqual(self.sent_by("Take", "l=1", "l=2", "l=3"), [[], {"l": [1, 2, 3]}])
        self.assertEqual(self.sent_by("Take", "l=[1, 2]", "l=3"), [[], {"l": [1, 2, 3]}])
        self.assertEqual(self.value("Typed", "t", "texts=a,b", "texts=c")["texts"], ["a,b", "c"])
        self.assertIn("'number' is given twice",
                      self.failed(2, "call", "Typed", "t", "number=1", "number=2"))

    def test_json_values(self):
        self.assertEqual(self.value("Many", "x", "a:=[1, null]", "b:=true", "count:=3"),
                         {"first": "x", "rest": [], "count": 3, "options": {"a": [1, None],
                                                                           "b": True}})
        self.assertIn("expected JSON", self.failed(2, "call", "Many", "x", "a:=[1"))

    def test_an_equals_sign_alone_makes_no_name(self):
        self.assertEqual(self.value("Echo", "x=1"), "x=1")
        self.assertEqual(self.value("Echo", "value\\=1"), "value=1")
        self.assertEqual(self.value("Echo", "=1"), "=1")
        self.assertEqual(self.value("Many", "x", "http://a/?b=c")["rest"], ["http://a/?b=c"])

    def test_words_with_dashes_are_arguments(self):
        self.assertEqual(self.value("Many", "-v", "--", "--json", "-")["rest"], ["--json", "-"])
        self.assertEqual(self.value("Echo", "-5"), "-5")

    def test_options_may_stand_behind(self):
        self.assertEqual(json.loads(self.passed("call", "Echo", "x", "--json")), "x")

    def test_a_positional_word_behind_a_named_one(self):
        self.assertIn("its arguments are message, continuable, fatal",
                      self.failed(2, "call", "Fail With", "message=x", "fetal=1"))

    def test_every_character(self):
        for text in ["\U0001f600 \u00e9 \u4e2d", "a\r\nb\tc", "<&>\"' ]]>", "\ue7f0double", ""]:
            with self.subTest(text):
                self.assertEqual(self.value("Echo", text), text)
        ended = vhostelctl("call", "Echo", "\udcff", url=self.server.url)
        self.assertEqual(ended.returncode, 2)

    def sent_by(self, *words):
        """The arguments of run_keyword, at a server that keeps them."""
        sent = []
        with xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), allow_none=True,
                                              logRequests=False) as server:
            types = {"n": "int", "n2": "int | None", "r": "float", "b": "bool", "l": "list[int]",
                     "d": "dict", "s": "str"}

            def run_keyword(name, args, kwargs=None):
                sent.extend([args, kwargs])
                return {"status": "PASS", "return": "", "output": ""}
            server.register_function(lambda name: ["x="] + [f"{k}=" for k in types],
                                     "get_keyword_arguments")
            server.register_function(lambda name: types, "get_keyword_types")
            server.register_function(run_keyword)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            ended = vhostelctl("call", *words, url=f"http://127.0.0.1:{server.server_address[1]}")
            server.shutdown()
            thread.join()
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return sent


class Results(Case):
    def test_json_of_every_type(self):
        got = self.value("Every Type")
        self.assertEqual((got["int"], got["i8"], got["double"], got["huge"], got["truth"],
                          got["nil"], got["time"], got["list"]),
                         (-5, 9007199254740993, 0.1 + 0.2, 1e300, True, None, "20230914T17:30:23",
                          [1, ["x"]]))
        self.assertEqual(base64.b64decode(self.value("Raw Bytes")), bytes(range(256)))

    def test_readable_text(self):
        text = self.passed("call", "Every Type")
        for line in ["int: -5", "truth: True", "nil: None", "list:", "  1"]:
            self.assertIn(line, text.split("\n"))
        self.assertEqual(self.passed("call", "Echo", "a\nb"), "a\nb\n")
        self.assertEqual(self.passed("call", "Nothing"), "")

    def test_bytes_come_as_they_are(self):
        ended = self.run_ctl("call", "Raw Bytes", text=False)
        self.assertEqual(ended.stdout, bytes(range(256)))

    def test_messages_are_readable(self):
        ended = self.run_ctl("call", "Log Lines")
        self.assertEqual(ended.stdout, "")
        for pattern in [r"(?m)^\d\d:\d\d:\d\d\.\d{3} INFO  a step \(\d\.\d+ s\)$", "WARN  careful",
                        "INFO  bold", r"guest said:\n +\*ERROR\* forged"]:
            self.assertRegex(ended.stderr, pattern)
        self.assertNotIn("details", ended.stderr)
        self.assertIn("DEBUG details", self.run_ctl("call", "-v", "Log Lines").stderr)
        quiet = self.run_ctl("call", "--quiet", "Log Lines").stderr
        self.assertIn("careful", quiet)
        self.assertNotIn("a step", quiet)

    def test_a_failure_is_told_whole(self):
        message = "it broke: " + "x" * 3000 + " the end"
        ended = self.run_ctl("call", "Fail With", message)
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        self.assertIn(f"FAIL: {message}\n", ended.stderr)
        self.assertIn("second step", ended.stderr)
        html = self.failed(1, "call", "Fail With", "*HTML*<b>bad</b> &amp; worse")
        self.assertIn("bad & worse", html)
        self.assertNotIn("<b>", html)

    def test_no_progress_line_without_a_terminal(self):
        self.assertRegex(self.run_ctl("call", "Wait For Nothing", "500 ms").stderr,
                         r"\A\S+ INFO  Wait For Nothing \(\S+ s\)\n\Z")

    def test_full_standard_output(self):
        import programs
        import subprocess
        with open("/dev/full", "wb") as full:
            ended = subprocess.run([programs.BUILD / "vhostelctl", "call", "Echo", "x"],
                                   stdout=full, stderr=subprocess.PIPE, timeout=20,
                                   env=programs.environment(self.server.url))
        self.assertEqual(ended.returncode, 1)
        self.assertIn(b"standard output", ended.stderr)


class Library(Case):
    def test_keywords(self):
        names = [line.split("  ")[0] for line in self.passed("keywords").splitlines()]
        self.assertEqual(names[:3], ["Echo", "Nothing", "Typed"])
        self.assertNotIn("__init__", names)
        self.assertRegex(self.passed("keywords"), r"(?m)^Echo +Gives back its argument\.$")

    def test_patterns(self):
        def names(pattern):
            return list(json.loads(self.passed("keywords", "--json", pattern)))
        self.assertEqual(names("raw"), ["Raw Text", "Raw Bytes"])
        self.assertEqual(names("raw*s"), ["Raw Bytes"])
        self.assertEqual(names("*"), list(json.loads(self.passed("keywords", "--json"))))
        self.assertIn("no keyword matches", self.failed(1, "keywords", "nope"))

    def test_doc(self):
        text = self.passed("doc", "typed")
        for part in ["Typed\n", "Gives back what it understood.", "  number=1 (int)\n",
                     "      An integer. From 1 to 255.", "(int / Literal['auto'])", "Tags: arg"]:
            self.assertIn(part, text)
        entry = json.loads(self.passed("doc", "--json", "Typed"))
        self.assertEqual((entry["name"], entry["types"]["number"]), ("Typed", "int"))

    def test_unknown_keywords(self):
        self.assertIn("did you mean 'Typed'", self.failed(1, "doc", "Typd"))
        self.assertIn("did you mean 'Typed'", self.failed(1, "call", "Typd"))


class CommandLine(Case):
    def test_help_of_everything(self):
        text = self.passed("--help")
        for command in ["call", "keywords", "doc", "list", "console", "passwd"]:
            self.assertRegex(text, rf"(?m)^  {command} ")
            shown = self.passed(command, "--help")
            self.assertTrue(shown.startswith(f"Usage: vhostelctl {command} [OPTION]..."), shown)
            self.assertIn("--url URL", shown)
        for word in ["VHOSTEL_URL", "http://127.0.0.1:8270", "130", "--version"]:
            self.assertIn(word, text)

    def test_version(self):
        self.assertRegex(self.passed("--version"), r"^vhostelctl \d+\.\d+\.\d+\n$")

    def test_usage_errors(self):
        for words, message in [([], "a command is missing"), (["bogus"], "no such command"),
                               (["list", "--follow"], "no such option"),
                               (["--follow", "list"], "takes no option '--follow'"),
                               (["call"], "usage: vhostelctl call KEYWORD"),
                               (["doc", "a", "b"], "'b': one word too many"),
                               (["list", "-x"], "no such option"), (["list", "-u"], "URL is missing"),
                               (["console", "-n", "0", "x"], "from 1 to 1000000, got '0'"),
                               (["console", "-fj", "x"], "do not go together"),
                               (["-u", "ftp://x", "list"], "got 'ftp:'"),
                               (["-u", "http://[x", "list"], "URL")]:
            with self.subTest(words):
                self.assertIn(message, self.failed(2, *words))

    def test_no_server(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            message = self.failed(3, "--url", url, "keywords")
        self.assertIn(f"{url}: no server", message)
        self.assertIn("--url or VHOSTEL_URL", message)

    def test_no_xmlrpc(self):
        self.assertIn("HTTP status 4", self.failed(3, "-u", self.server.url + "/nowhere", "list"))

    def test_a_fault_is_told(self):
        with xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            ended = vhostelctl("keywords", url=f"http://127.0.0.1:{server.server_address[1]}")
            server.shutdown()
            thread.join()
        self.assertEqual(ended.returncode, 1)
        self.assertIn('method "get_library_information" is not supported', ended.stderr)

    def test_a_proxy_of_the_environment_is_not_asked(self):
        self.passed("keywords", http_proxy="http://127.0.0.1:1", no_proxy="")

    def test_a_url_option_wins_over_the_environment(self):
        ended = vhostelctl("keywords", f"--url={self.server.url}", url="http://127.0.0.1:1")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        without_scheme = self.server.url.removeprefix("http://")
        self.assertEqual(vhostelctl("keywords", "-u", without_scheme).returncode, 0)

    def test_a_broken_connection_is_not_taken_for_a_result_nor_called_again(self):
        calls = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                for _ in range(4):
                    with listener.accept()[0] as connection:
                        request = connection.recv(65536)
                        if b"run_keyword" in request:
                            calls.append(request)
                            continue
                        value = b"<struct/>" if b"types" in request else b"<array><data/></array>"
                        body = (b"<methodResponse><params><param><value>" + value +
                                b"</value></param></params></methodResponse>")
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                                           % (len(body), body))
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            ended = vhostelctl("call", "Echo", url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        self.assertEqual(ended.returncode, 3)
        self.assertIn("the connection broke", ended.stderr)
        self.assertEqual(len(calls), 1)
