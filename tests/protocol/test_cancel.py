"""Calls that end because their client went away, or the server is stopped."""
import signal
import socket
import statistics
import struct
import subprocess
import time
import unittest

from harness import (DEADLINE, Server, call_xml, post, read_to_end, result_of, value_call,
                     wait_for)

WAIT = post(value_call("<value>60 s</value>", "Wait For Nothing"), close=False)


class HangUp(unittest.TestCase):
    def cancelled_after_ms(self, hang_up, times=5):
        """The median, from the hang-up until the server's log tells of it."""
        took = []
        with Server() as server:
            for number in range(1, times + 1):
                sock = server.connect()
                sock.sendall(WAIT)
                server.wait_until_read(sock)
                start = time.monotonic()
                hang_up(sock)
                wait_for(lambda: server.log().count("the client hung up") == number, "cancellation")
                took.append(time.monotonic() - start)
                sock.close()
            self.assertEqual(server.log().count("Wait For Nothing: cancelled"), times)
        return statistics.median(took) * 1000

    def test_a_closed_connection_cancels_within_100_ms(self):
        self.assertLess(self.cancelled_after_ms(socket.socket.close), 100)

    def test_a_reset_cancels_within_100_ms(self):
        def reset(sock):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        self.assertLess(self.cancelled_after_ms(reset), 100)

    def test_a_client_that_sends_on_does_not_cancel(self):
        with Server() as server, server.connect() as sock:
            call = post(value_call("<value>300 ms</value>", "Wait For Nothing"), close=False)
            sock.sendall(call + post(call_xml("get_keyword_names")))
            answer = read_to_end(sock)
            self.assertEqual(answer.count(b"HTTP/1.1 200"), 2)
            self.assertNotIn("cancelled", server.log())


class Stop(unittest.TestCase):
    def test_a_stop_cancels_and_answers(self):
        with Server() as server, server.connect() as sock:
            sock.sendall(WAIT)
            server.wait_until_read(sock)
            server.process.send_signal(signal.SIGTERM)
            answer = read_to_end(sock)
            self.assertEqual(result_of(answer)["status"], "FAIL")
            self.assertIn("stopping", result_of(answer)["error"])
            # Whatever the suite does next has no server.
            self.assertIs(result_of(answer)["fatal"], True)
            self.assertIn(b"Connection: close", answer)
            self.assertEqual(server.process.wait(DEADLINE), 0)

    def test_the_port_file_is_removed(self):
        for number in [signal.SIGINT, signal.SIGTERM]:
            with Server() as server:
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(DEADLINE), 0)
                self.assertFalse(server.port_file.exists())

    def test_idle_connections_do_not_hold_up_the_stop(self):
        with Server() as server:
            sockets = [server.connect() for _ in range(20)]
            sockets[0].sendall(post(call_xml("get_keyword_names"), close=False))
            wait_for(lambda: sockets[0].recv(1000), "an answer")
            server.process.send_signal(signal.SIGTERM)
            # Much sooner than connections that are idle end by themselves.
            self.assertEqual(server.process.wait(10), 0)
            for sock in sockets:
                sock.close()

    def test_a_client_stops_the_server_and_is_answered(self):
        with Server() as server, server.proxy() as proxy:
            self.assertIs(proxy.stop_remote_server(), True)
            self.assertEqual(server.process.wait(DEADLINE), 0)

    def test_a_stop_by_clients_can_be_forbidden(self):
        with Server("server:\n  allow_remote_stop: false\n") as server, server.proxy() as proxy:
            self.assertIs(proxy.stop_remote_server(), False)
            self.assertTrue(proxy.get_keyword_names())
            self.assertIn("refused", server.log())


class Options(unittest.TestCase):
    def run_server(self, *arguments):
        from harness import SERVER_BINARY
        return subprocess.run([SERVER_BINARY, *arguments], capture_output=True, text=True,
                              timeout=DEADLINE)

    def test_version_and_help(self):
        self.assertRegex(self.run_server("--version").stdout, r"^vhosteld \d+\.\d+\.\d+\n$")
        text = self.run_server("--help").stdout
        for option in ["--config", "--topology", "--host", "--port", "--port-file", "--run-dir",
                       "--check-config", "--print-config", "--log-level", "--version", "--help",
                       "LISTEN_FDS"]:
            self.assertIn(option, text)

    def test_bad_options(self):
        for arguments, message in [(["--port", "x"], "from 0 to 65535, got 'x'"),
                                   (["--port", "65536"], "from 0 to 65535"),
                                   (["--log-level", "loud"], "error, warn, info or debug"),
                                   (["--nonsense"], "--help"), (["extra"], "extra")]:
            with self.subTest(arguments):
                ended = self.run_server(*arguments)
                self.assertEqual(ended.returncode, 1)
                self.assertIn(message, ended.stderr)

    def test_what_is_printed_as_the_configuration_is_accepted(self):
        with Server() as server:
            server.constants.write_text(self.run_server("--print-config").stdout)
            ended = self.run_server("--check-config", "--config", server.constants)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def test_every_error_of_the_configuration_is_told(self):
        with Server() as server:
            server.constants.write_text("server:\n  port: 99999\n  prot: 1\n")
            ended = self.run_server("--check-config", "--config", server.constants)
            self.assertEqual(ended.returncode, 1)
            self.assertIn(":2:", ended.stderr)
            self.assertIn(":3:", ended.stderr)

    def test_a_port_in_use(self):
        with Server() as server:
            ended = self.run_server("--config", server.constants, "--port", str(server.port))
            self.assertEqual(ended.returncode, 1)
            self.assertIn("Address already in use", ended.stderr)
