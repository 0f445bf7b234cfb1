"""What a running server takes over from its files and from keywords, by the real server."""
import signal
import unittest

import harness
from harness import DEADLINE, Server, call_xml, post, result_of, status_of, wait_for
from test_access import Files, basic, hash_of


class RealServer(Files):
    """The real server, with a run directory of its own; it starts no VM."""

    def setUp(self):
        super().setUp()
        if not harness.VHOSTELD_BINARY:
            raise unittest.SkipTest("no --vhosteld")

    def start(self, constants):
        return Server(constants, ["--run-dir", self.path / "run"], harness.VHOSTELD_BINARY)

    def call(self, server, name, *arguments, user="ann", password="x"):
        request = post(call_xml("run_keyword", name, list(arguments)),
                       headers=[basic(user, password)])
        return result_of(server.raw(request))

    def status(self, server, password):
        request = post(call_xml("get_keyword_names"), headers=[basic("ann", password)])
        return status_of(server.raw(request))


class Reload(RealServer):
    def test_the_keyword_takes_over_passwords_and_limits_too(self):
        constants = self.write_passwords(f"ann:{hash_of('old')}\n")
        with self.start(constants) as server:
            self.write_passwords(f"ann:{hash_of('new')}\n")
            server.constants.write_text(constants + "  body_kib: 1\n")
            answer = self.call(server, "Reload Constants", password="old")
            self.assertEqual(answer["status"], "PASS", answer)
            self.assertEqual(self.status(server, "old"), 401)
            self.assertEqual(self.status(server, "new"), 200)
            long = post(b"x" * 2000, headers=[basic("ann", "new")])
            self.assertEqual(status_of(server.raw(long)), 413)

    def refuses_all(self, reload):
        """A password file that cannot be used keeps the constants beside it out."""
        constants = self.write_passwords(f"ann:{hash_of('x')}\n")
        with self.start(constants) as server:
            before = self.call(server, "Get Constant", "timeout.vhost")["return"]
            self.write_passwords("garbage\n")
            server.constants.write_text(constants + "timeout:\n  vhost: 7 s\n")
            reload(server)
            after = self.call(server, "Get Constant", "timeout.vhost")["return"]
            self.assertEqual(after, before)
            self.write_passwords(f"ann:{hash_of('x')}\n")
            self.assertEqual(self.call(server, "Reload Constants")["status"], "PASS")
            after = self.call(server, "Get Constant", "timeout.vhost")["return"]
            self.assertNotEqual(after, before)

    def test_sighup_takes_over_all_or_nothing(self):
        def reload(server):
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "what was in force stays" in server.log(), "refusal")
        self.refuses_all(reload)

    def test_the_keyword_takes_over_all_or_nothing(self):
        def reload(server):
            answer = self.call(server, "Reload Constants")
            self.assertEqual(answer["status"], "FAIL")
            self.assertIn("remote.password_file", answer["error"])
        self.refuses_all(reload)


class SetConstant(RealServer):
    def test_keys_that_only_the_file_sets_are_refused_with_when_they_take_effect(self):
        with self.start("server:\n  allow_remote_stop: false\n") as server:
            for key, value, when in [("server.allow_remote_stop", "true", "reads its files anew"),
                                     ("remote.password_file", "none", "reads its files anew"),
                                     ("server.port", "1", "when the server starts"),
                                     ("run_dir", "/tmp/x", "when the server starts")]:
                with self.subTest(key):
                    answer = self.call(server, "Set Constant", key, value)
                    self.assertEqual(answer["status"], "FAIL")
                    self.assertIn(key, answer["error"])
                    self.assertIn("constants.yaml", answer["error"])
                    self.assertIn(when, answer["error"])
            self.assertEqual(self.call(server, "Get Constant", "server.allow_remote_stop")["return"],
                             "false")
            self.assertEqual(self.call(server, "Set Constant", "timeout.vhost", "9 s")["status"],
                             "PASS")


class StopRemoteServer(RealServer):
    def test_the_keyword_ends_the_server_and_is_answered(self):
        with self.start("{}\n") as server:
            self.assertEqual(self.call(server, "Stop Remote Server")["status"], "PASS")
            self.assertEqual(server.process.wait(DEADLINE), 0)

    def test_the_keyword_can_be_forbidden(self):
        with self.start("server:\n  allow_remote_stop: false\n") as server:
            answer = self.call(server, "Stop Remote Server")
            self.assertEqual(answer["status"], "FAIL")
            self.assertIn("server.allow_remote_stop", answer["error"])
            self.assertEqual(self.call(server, "List VMs")["status"], "PASS")


if __name__ == "__main__":
    unittest.main()
