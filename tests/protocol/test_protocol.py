"""The methods of the remote library interface."""
import xmlrpc.client

from harness import ServerCase, call_xml, post, result_of


class Methods(ServerCase):
    def test_names_are_listed_without_the_librarys_own_entries(self):
        with self.server.proxy() as proxy:
            names = proxy.get_keyword_names()
        self.assertIn("echo", [name.lower().replace(" ", "_") for name in names])
        self.assertNotIn("__intro__", names)
        self.assertNotIn("__init__", names)

    def test_arguments_are_told(self):
        with self.server.proxy() as proxy:
            self.assertEqual(proxy.get_keyword_arguments("many"),
                             ["first", "*rest", "count=7", "**options"])

    def test_types_are_told(self):
        with self.server.proxy() as proxy:
            types = proxy.get_keyword_types("many")
        self.assertEqual((types["first"], types["count"]), ("str", "int"))

    def test_tags_are_told(self):
        with self.server.proxy() as proxy:
            self.assertEqual(proxy.get_keyword_tags("echo"), ["value"])

    def test_documentation_is_told(self):
        with self.server.proxy() as proxy:
            self.assertTrue(proxy.get_keyword_documentation("echo")
                            .startswith("Gives back its argument."))

    def test_the_library_itself_is_documented(self):
        with self.server.proxy() as proxy:
            self.assertTrue(proxy.get_keyword_documentation("__intro__"))
            self.assertIsInstance(proxy.get_keyword_documentation("__init__"), str)

    def test_everything_comes_in_one_answer(self):
        with self.server.proxy() as proxy:
            info = proxy.get_library_information()
            names = proxy.get_keyword_names()
        self.assertEqual(set(info) - {"__intro__", "__init__"}, set(names))
        self.assertIn("__intro__", info)
        self.assertIn("__init__", info)
        one = {name.lower().replace(" ", "_"): entry for name, entry in info.items()}["many"]
        self.assertEqual(one["args"], ["first", "*rest", "count=7", "**options"])

    def test_keywords_are_found_in_any_spelling(self):
        for name in ["Wait For Nothing", "wait_for_nothing", "WAITFORNOTHING"]:
            with self.subTest(name):
                self.assertEqual(self.run_keyword(name, "0.001")["status"], "PASS")

    def test_an_unknown_keyword_fails_with_a_suggestion(self):
        self.assertIn("did you mean 'Echo'", self.error("Ecko"))

    def test_an_unknown_method_is_a_fault_and_names_the_methods(self):
        with self.server.proxy() as proxy, self.assertRaises(xmlrpc.client.Fault) as caught:
            proxy.get_keywords()
        self.assertIn("get_keyword_names", caught.exception.faultString)

    def test_wrong_parameters_are_faults(self):
        for params in [(), (1,), ("Echo", "no list"), ("Echo", [], []), ("Echo", [], {}, 1)]:
            with self.subTest(params), self.server.proxy() as proxy:
                with self.assertRaises(xmlrpc.client.Fault):
                    proxy.run_keyword(*params)

    def test_both_paths_answer_alike(self):
        for path in ["/", "/RPC2"]:
            with self.subTest(path):
                names = result_of(self.server.raw(post(call_xml("get_keyword_names"), path)))
                self.assertTrue(names)
