"""Slow, many and vanishing clients."""
import contextlib
import os
import pathlib
import re
import resource
import socket
import time
import unittest

import harness
from harness import (Server, call_xml, median_ms, post, read_to_end, result_of, status_of,
                     value_call, wait_for)

NAMES = call_xml("get_keyword_names")


class Vanished(unittest.TestCase):
    def test_a_peer_that_says_nothing_is_probed(self):
        """Source: proc(5), /proc/net/tcp: timer 2 is keepalive, its time in jiffies of 10 ms."""
        def timer():
            for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
                fields = line.split()
                if [end.split(":")[1] for end in fields[1:3]] == ends:
                    return fields[5]
            return None

        with Server() as server, server.connect() as sock:
            ends = ["%04X" % server.port, "%04X" % sock.getsockname()[1]]
            sock.sendall(post(NAMES, close=False))
            self.assertEqual(status_of(sock.recv(65536)), 200)
            kind, when = wait_for(lambda: timer() and timer().startswith("02") and timer(),
                                  "keepalive").split(":")
            self.assertEqual(kind, "02")
            self.assertLessEqual(int(when, 16) / 100, 31)


class Slow(unittest.TestCase):
    SHORT = "remote:\n  idle: 400 ms\n  request: 400 ms\n"

    # Seconds: beside the limit what a busy machine adds, and far from the limits that are usual.
    EARLIEST, LATEST = 0.3, 10

    def ended(self, sock):
        start = time.monotonic()
        sock.settimeout(self.LATEST)
        data = read_to_end(sock)
        self.assertGreater(time.monotonic() - start, self.EARLIEST)
        return data

    def test_an_idle_kept_connection_ends(self):
        with Server(self.SHORT) as server, server.connect() as sock:
            sock.sendall(post(NAMES, close=False))
            self.assertEqual(status_of(self.ended(sock)), 200)

    def test_a_client_that_says_nothing_is_told_and_cut_off(self):
        with Server(self.SHORT) as server, server.connect() as sock:
            self.assertEqual(status_of(self.ended(sock)), 408)

    def drip(self, at_once, slowly):
        """A byte each 50 ms: at that pace the whole request would take seconds."""
        with Server(self.SHORT) as server, server.connect() as sock:
            sock.sendall(at_once)
            sock.settimeout(0.05)
            data = b""
            for byte in slowly:
                with contextlib.suppress(OSError):
                    sock.sendall(bytes([byte]))
                with contextlib.suppress(TimeoutError):
                    data = sock.recv(1000)
                    break
            self.assertEqual(status_of(data), 408)

    def test_headers_byte_by_byte_do_not_outlive_the_request_time(self):
        self.drip(b"", post(NAMES))

    def test_a_body_byte_by_byte_does_not_outlive_the_request_time(self):
        head, body = post(NAMES).split(b"\r\n\r\n", 1)
        self.drip(head + b"\r\n\r\n", body)

    def test_a_call_may_take_longer_than_the_request_time(self):
        with Server(self.SHORT) as server, server.proxy() as proxy:
            self.assertEqual(proxy.run_keyword("Wait For Nothing", ["1 s"])["status"], "PASS")

    def test_an_answer_that_is_not_taken_ends(self):
        with Server(self.SHORT) as server:
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sock.connect(("127.0.0.1", server.port))
                sock.sendall(post(value_call(f"<value>{'x' * 4_000_000}</value>")))
                wait_for(lambda: "too slow" in server.log(), "cut off")


class Headers(unittest.TestCase):
    def status(self, server, size):
        """Of a request with that many bytes of headers, in lines as clients send them."""
        lines = [f"X-{number}: {'x' * 990}" for number in range(size // 1000)]
        return status_of(server.raw(post(NAMES, headers=lines)))

    def test_the_memory_for_headers_is_what_the_key_says(self):
        for kib, fits, beyond in [(4, 1000, 8000), (256, 150_000, 300_000)]:
            with self.subTest(kib), Server(f"remote:\n  header_kib: {kib}\n") as server:
                self.assertEqual(self.status(server, 0), 200)
                self.assertEqual(self.status(server, fits), 200)
                self.assertIn(self.status(server, beyond), [413, 431])
                # What comes in and goes out in pieces needs no more.
                body = value_call(f"<value>{'x' * 1_000_000}</value>")
                self.assertEqual(status_of(server.raw(post(body))), 200)


class Many(unittest.TestCase):
    def quick_call_ms(self, server):
        return median_ms(lambda: result_of(server.raw(post(value_call("<value>x</value>")))))

    def test_200_half_open_connections_delay_no_call(self):
        with Server() as server, contextlib.ExitStack() as stack:
            alone_ms = self.quick_call_ms(server)
            for i in range(200):
                sock = stack.enter_context(server.connect())
                if i % 2:
                    sock.sendall(post(NAMES)[:50])
            self.assertLess(self.quick_call_ms(server) - alone_ms, 100)

    def test_a_quick_call_beside_8_that_wait(self):
        with Server() as server, contextlib.ExitStack() as stack:
            for _ in range(8):
                sock = stack.enter_context(server.connect())
                sock.sendall(post(value_call("<value>60 s</value>", "Wait For Nothing")))
                server.wait_until_read(sock)
            self.assertLess(self.quick_call_ms(server), 20)

    def test_beyond_the_limit_clients_are_told(self):
        with Server("remote:\n  connections: 5\n") as server, contextlib.ExitStack() as stack:
            for _ in range(5):
                sock = stack.enter_context(server.connect())
                sock.sendall(b"POST")
            wait_for(lambda: status_of(server.raw(b"")) == 503, "503")
            stack.close()
            wait_for(lambda: status_of(server.raw(post(NAMES))) == 200, "room again")

    def test_one_address_cannot_take_all(self):
        with Server("remote:\n  connections_per_address: 3\n") as server:
            with contextlib.ExitStack() as stack:
                for _ in range(3):
                    stack.enter_context(server.connect()).sendall(b"POST")
                wait_for(lambda: status_of(server.raw(b"")) == 503, "503")
                other = stack.enter_context(socket.socket())
                other.bind(("127.0.0.2", 0))
                other.connect(("127.0.0.1", server.port))
                other.sendall(post(NAMES))
                self.assertEqual(status_of(read_to_end(other)), 200)

    def test_out_of_descriptors_the_server_answers_and_lives(self):
        """Whether the last one goes to a connection or to what serves it depends on the limit."""
        told = re.compile("out of file descriptors|cannot start libmicrohttpd")
        for count in range(40, 44):
            limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
            with self.subTest(count), Server(preexec_fn=limit) as server:
                with contextlib.ExitStack() as stack:
                    for _ in range(60):
                        stack.enter_context(server.connect())
                    wait_for(lambda: told.search(server.log()), "exhaustion")
                wait_for(lambda: status_of(server.raw(post(NAMES))) == 200, "life after it")

    def test_bodies_of_all_connections_together_are_bounded(self):
        body = value_call(f"<value>{'x' * 600_000}</value>")
        with Server("remote:\n  bodies_kib: 1024\n") as server, server.connect() as one:
            one.sendall(post(body)[:-1000])
            server.wait_until_read(one)
            answer = server.raw(post(body))
            self.assertEqual(status_of(answer), 503)
            self.assertIn(b"Retry-After", answer)
            one.sendall(post(body)[-1000:])
            self.assertEqual(status_of(read_to_end(one)), 200)
            self.assertEqual(status_of(server.raw(post(body))), 200)

    def test_many_large_bodies_at_once_take_the_memory_of_few(self):
        """Side by side the parser would take some 60 MiB for each of them."""
        body = value_call(f"<value><array><data>{'<value/>' * 199_980}</data></array></value>")
        with Server() as server, contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(server.connect()) for _ in range(12)]
            for sock in sockets:
                sock.sendall(post(body))
            for sock in sockets:
                self.assertEqual(status_of(read_to_end(sock)), 200)
            if not harness.SANITIZED:
                self.assertLess(server.status_kib("VmHWM"), 400 * 1024)

    def test_who_waits_for_a_large_body_to_be_read_can_hang_up(self):
        large = value_call(f"<value><array><data>{'<value/>' * 199_980}</data></array></value>")
        with Server("remote:\n  request: 1 s\n") as server, contextlib.ExitStack() as stack:
            for _ in range(6):
                sock = stack.enter_context(server.connect())
                sock.sendall(post(large))
                server.wait_until_read(sock)
            stack.close()
            wait_for(lambda: server.descriptors() < 60, "their connections end")
            self.assertEqual(status_of(server.raw(post(NAMES))), 200)

    def test_threads_and_descriptors_are_given_back(self):
        with Server() as server:
            with contextlib.ExitStack() as stack:
                for _ in range(100):
                    stack.enter_context(server.connect())
                wait_for(lambda: server.status_kib("Threads") > 100, "a thread for each")
            wait_for(lambda: server.status_kib("Threads") < 15, "threads ended")
            wait_for(lambda: server.descriptors() < 60, "descriptors closed")

    def test_programs_that_the_server_starts_inherit_no_connection(self):
        """While a refused body is drained, a second descriptor keeps its connection."""
        refused = post(NAMES).replace(b"text/xml", b"text/html")
        with Server() as server, server.connect() as sock:
            sock.sendall(refused[:-10])
            read_to_end(sock)
            process = pathlib.Path(f"/proc/{server.process.pid}")
            flags = []
            for entry in (process / "fd").iterdir():
                # One that is being closed is gone between two looks.
                with contextlib.suppress(FileNotFoundError):
                    if int(entry.name) > 2 and os.readlink(entry).startswith("socket:"):
                        # Source: proc(5), /proc/PID/fdinfo, flags in octal.
                        text = (process / "fdinfo" / entry.name).read_text()
                        flags.append(int(text.split()[3], 8))
            self.assertGreater(len(flags), 1)
            self.assertTrue(all(value & os.O_CLOEXEC for value in flags), flags)
