"""Credentials, TLS, Unix sockets, systemd's sockets, and who may be served without a password."""
import base64
import contextlib
import ctypes
import fcntl
import http.client
import os
import signal
import socket
import ssl
import statistics
import struct
import subprocess
import tempfile
import termios
import pathlib
import time
import unittest

import harness
from harness import (DEADLINE, Server, body_of, call_xml, median_ms, post, read_to_end, status_of,
                     value_call, wait_for)

NAMES = call_xml("get_keyword_names")
libcrypt = ctypes.CDLL("libcrypt.so.1")
libcrypt.crypt.restype = libcrypt.crypt_gensalt.restype = ctypes.c_char_p


def hash_of(password):
    salt = libcrypt.crypt_gensalt(b"$y$", 1, os.urandom(16), 16)
    return libcrypt.crypt(password.encode(), salt).decode()


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Files(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="access-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.passwords = self.path / "passwords"

    def write_passwords(self, text, mode=0o600):
        self.passwords.write_text(text)
        self.passwords.chmod(mode)
        return f"remote:\n  password_file: {self.passwords}\n"

    def refused(self, constants, *arguments):
        config = self.path / "constants.yaml"
        config.write_text(constants)
        ended = subprocess.run([harness.SERVER_BINARY, "--config", config, "--port", "0", *arguments],
                               capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        return ended.stderr


class Credentials(Files):
    def status(self, server, *headers, path="/RPC2"):
        return status_of(server.raw(post(NAMES, path, headers=headers)))

    def test_the_right_password_is_served(self):
        constants = self.write_passwords(f"# lab\n\nann:{hash_of('s3cret:é')}\nbob:{hash_of('b')}\n")
        with Server(constants) as server:
            self.assertEqual(self.status(server, basic("ann", "s3cret:é")), 200)
            self.assertEqual(self.status(server, basic("bob", "b")), 200)
            self.assertEqual(self.status(server, basic("ann", "s3cret:é")), 200)

    def test_everything_else_is_not(self):
        constants = self.write_passwords(f"ann:{hash_of('right')}\nempty:{hash_of('')}\n")
        with Server(constants) as server:
            self.assertEqual(self.status(server, basic("ann", "right")), 200)
            for header in [[], [basic("ann", "wrong")], [basic("ann", "")], [basic("ann", "righ")],
                           [basic("ann", "right ")], [basic("bob", "right")], [basic("", "right")],
                           [basic("ann", "x" * 100000)[:2000]], ["Authorization: Basic !!!"],
                           ["Authorization: Basic"], ["Authorization: Bearer x"],
                           ["Authorization: Basic " + base64.b64encode(b"ann").decode()],
                           ["Authorization: Basic " + base64.b64encode(b"ann:right\0").decode()]]:
                with self.subTest(header):
                    self.assertEqual(self.status(server, *header), 401)
            self.assertEqual(self.status(server, basic("empty", "")), 200)
            answer = server.raw(post(NAMES))
            self.assertIn(b"WWW-Authenticate: Basic realm=", answer)
            for page in [b"/", b"/library.json"]:
                request = b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % page
                self.assertEqual(status_of(server.raw(request)), 401)
            self.assertNotIn("right", server.log())

    def test_pythons_client_with_credentials_in_the_url(self):
        with Server(self.write_passwords(f"ann:{hash_of('p%40')}\n")) as server:
            with server.proxy(f"http://ann:p%2540@127.0.0.1:{server.port}") as proxy:
                self.assertTrue(proxy.get_keyword_names())

    def test_a_password_that_was_right_is_quick_from_then_on(self):
        slow = libcrypt.crypt(b"p", libcrypt.crypt_gensalt(b"$y$", 7, os.urandom(16), 16)).decode()
        with Server(self.write_passwords(f"ann:{slow}\n")) as server:
            def call():
                self.assertEqual(self.status(server, basic("ann", "p")), 200)

            first_ms = median_ms(call, 1)
            self.assertLess(median_ms(call), first_ms / 3)

    def costly(self, rounds=8):
        """A hash that takes long enough for others to come meanwhile."""
        salt = libcrypt.crypt_gensalt(b"$y$", rounds, os.urandom(16), 16)
        return libcrypt.crypt(b"p", salt).decode()

    def statuses(self, server, passwords):
        """Of clients that come at the same time."""
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(server.connect()) for _ in passwords]
            for sock, password in zip(sockets, passwords):
                sock.sendall(post(NAMES, headers=[basic("ann", password)]))
            return [status_of(read_to_end(sock)) for sock in sockets]

    def test_many_guesses_at_once_are_told_to_come_again(self):
        with Server(self.write_passwords(f"ann:{self.costly()}\n")) as server:
            statuses = self.statuses(server, [str(number) for number in range(24)])
            self.assertEqual(set(statuses), {401, 503})
            self.assertGreaterEqual(statuses.count(401), 8)
            # Whoever waits is not counted for ever.
            self.assertEqual(self.statuses(server, ["x", "p"]), [401, 200])

    def test_many_with_the_same_password_at_once_are_served(self):
        with Server(self.write_passwords(f"ann:{self.costly()}\n")) as server:
            self.assertEqual(set(self.statuses(server, ["p"] * 24)), {200})

    def test_an_unknown_user_costs_as_much_as_a_wrong_password(self):
        with Server(self.write_passwords(f"ann:{self.costly(6)}\n")) as server:
            def refused(user):
                self.assertEqual(self.status(server, basic(user, "wrong")), 401)

            wrong_ms = median_ms(lambda: refused("ann"), 5)
            unknown_ms = median_ms(lambda: refused("nobody"), 5)
            malformed_ms = median_ms(lambda: self.status(server, "Authorization: Basic !"), 5)
        self.assertLess(malformed_ms, wrong_ms / 3)
        self.assertGreater(unknown_ms, wrong_ms / 2)
        self.assertLess(unknown_ms, wrong_ms * 2)

    def test_files_that_cannot_be_used(self):
        good = hash_of("x")
        for text, message in [("", "no user"), ("ann\n", ":1: expected NAME:HASH"),
                              (f":{good}\n", ":1: expected NAME:HASH"),
                              ("ann:plaintext\n", "expected a hash"), ("ann:\n", "expected a hash"),
                              (f"ann:{good}\nann:{good}\n", ":2: user 'ann' is given twice")]:
            with self.subTest(text):
                self.assertIn(message, self.refused(self.write_passwords(text)))
        self.assertIn("others can write it",
                      self.refused(self.write_passwords(f"ann:{good}\n", 0o666)))
        self.assertIn("No such file", self.refused("remote:\n  password_file: /nonexistent\n"))

    def test_new_passwords_are_read_on_sighup(self):
        with Server(self.write_passwords(f"ann:{hash_of('old')}\n")) as server:
            self.assertEqual(self.status(server, basic("ann", "old")), 200)
            self.write_passwords(f"ann:{hash_of('new')}\n")
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "read anew" in server.log(), "reload")
            self.assertEqual(self.status(server, basic("ann", "old")), 401)
            self.assertEqual(self.status(server, basic("ann", "new")), 200)

    def test_a_kept_connection_is_judged_by_the_new_passwords_and_ends(self):
        old = f"ann:{hash_of('old')}\n"
        request = post(NAMES, headers=[basic("ann", "old")], close=False)
        for text, status in [(f"ann:{hash_of('new')}\n", 401), (f"{old}bob:{hash_of('b')}\n", 200)]:
            with self.subTest(status), Server(self.write_passwords(old)) as server:
                with server.connect() as sock:
                    sock.sendall(request)
                    self.assertEqual(status_of(sock.recv(65536)), 200)
                    self.write_passwords(text)
                    server.process.send_signal(signal.SIGHUP)
                    wait_for(lambda: "read anew" in server.log(), "reload")
                    sock.sendall(request)
                    answer = read_to_end(sock)
                self.assertEqual(status_of(answer), status)
                self.assertIn(b"Connection: close", answer)

    def test_a_call_in_flight_outlives_a_reload(self):
        wait = value_call("<value>1 s</value>", "Wait For Nothing")
        with Server() as server, server.connect() as sock:
            sock.sendall(post(wait, close=False))
            server.wait_until_read(sock)
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "read anew" in server.log(), "reload")
            self.assertIn(b"PASS", sock.recv(65536))

    def test_a_bad_file_on_sighup_changes_nothing(self):
        with Server(self.write_passwords(f"ann:{hash_of('old')}\n")) as server:
            self.write_passwords("garbage\n")
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "what was in force stays" in server.log(), "refusal")
            self.assertEqual(self.status(server, basic("ann", "old")), 200)

    def test_health_is_told_to_everybody(self):
        with Server(self.write_passwords(f"ann:{hash_of('x')}\n")) as server:
            answer = server.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertEqual((status_of(answer), body_of(answer)), (200, b"ok\n"))


class Exposure(Files):
    def test_an_address_that_others_reach_needs_credentials(self):
        for host in ["0.0.0.0", "::"]:
            with self.subTest(host):
                text = self.refused("{}\n", "--host", host)
                self.assertIn("remote.password_file", text)
                self.assertIn("remote.allow_anonymous", text)

    def test_or_the_word_that_it_is_meant(self):
        with Server("remote:\n  allow_anonymous: true\n", ["--host", "0.0.0.0"]) as server:
            self.assertEqual(status_of(server.raw(post(NAMES))), 200)

    def test_or_credentials(self):
        constants = self.write_passwords(f"ann:{hash_of('x')}\n")
        with Server(constants, ["--host", "0.0.0.0"]) as server:
            self.assertEqual(status_of(server.raw(post(NAMES))), 401)

    def test_a_configured_host_name_is_known(self):
        with Server("remote:\n  allowed_hosts: lab.example other.example\n") as server:
            self.assertEqual(status_of(server.raw(post(NAMES, host="other.example:1"))), 200)

    def test_a_configured_origin_is_allowed(self):
        with Server("remote:\n  allowed_origins: https://lab.example\n") as server:
            request = post(NAMES, headers=["Origin: https://lab.example"])
            self.assertEqual(status_of(server.raw(request)), 200)


class Tls(Files):
    def make_pair(self, name):
        certificate, key = self.path / f"{name}.pem", self.path / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", f"/CN={name}",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                        certificate], check=True, capture_output=True)
        return certificate, key

    def constants(self, name="one"):
        self.certificate, self.key = self.make_pair(name)
        return (f"remote:\n  tls_certificate: {self.certificate}\n  tls_key: {self.key}\n"
                f"  request: 1 s\n")

    def call(self, server, certificate):
        context = ssl.create_default_context(cafile=certificate)
        with server.proxy(f"https://127.0.0.1:{server.port}", context=context) as proxy:
            return proxy.run_keyword("Echo", ["x" * 100000])["return"]

    def test_https(self):
        with Server(self.constants()) as server:
            self.assertEqual(self.call(server, self.certificate), "x" * 100000)

    def test_old_versions_are_refused(self):
        with Server(self.constants()) as server:
            context = ssl.create_default_context(cafile=self.certificate)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
            with self.assertRaises((ssl.SSLError, OSError)):
                context.wrap_socket(server.connect(), server_hostname="127.0.0.1")

    def test_plain_http_on_the_tls_port_harms_nothing(self):
        with Server(self.constants()) as server:
            self.assertNotEqual(status_of(server.raw(post(NAMES))), 200)
            self.assertEqual(self.call(server, self.certificate), "x" * 100000)

    def test_a_handshake_that_does_not_go_on_ends(self):
        with Server(self.constants()) as server, server.connect() as sock:
            sock.sendall(b"\x16\x03\x01\x02\x00")
            start = time.monotonic()
            read_to_end(sock)
            self.assertLess(time.monotonic() - start, 10)

    def test_a_hang_up_cancels_under_tls(self):
        took = []
        with Server(self.constants()) as server:
            context = ssl.create_default_context(cafile=self.certificate)
            for number in range(1, 6):
                sock = context.wrap_socket(server.connect(), server_hostname="127.0.0.1")
                sock.sendall(post(value_call("<value>10 ms</value>", "Wait For Nothing"), close=False))
                sock.recv(1)
                sock.sendall(post(value_call("<value>60 s</value>", "Wait For Nothing"), close=False))
                server.wait_until_read(sock)
                start = time.monotonic()
                sock.close()
                wait_for(lambda: server.log().count("the client hung up") == number, "cancellation")
                took.append(time.monotonic() - start)
        self.assertLess(statistics.median(took), 0.1)

    def test_a_new_certificate_is_read_on_sighup(self):
        with Server(self.constants()) as server:
            self.assertTrue(self.call(server, self.certificate))
            other, key = self.make_pair("two")
            self.certificate.write_bytes(other.read_bytes())
            self.key.write_bytes(key.read_bytes())
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "read anew" in server.log(), "reload")
            self.assertTrue(self.call(server, other))

    def test_a_pair_that_does_not_belong_together_is_refused(self):
        one, two = self.make_pair("one"), self.make_pair("two")
        text = self.refused(f"remote:\n  tls_certificate: {one[0]}\n  tls_key: {two[1]}\n")
        self.assertIn("remote.tls_key", text)
        self.assertIn("expected both or none", self.refused(f"remote:\n  tls_key: {two[1]}\n"))


def unread(sock):
    """What the other end of a Unix socket has not read. Source: unix(7), SIOCOUTQ."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def as_descriptor_3(file):
    """Where systemd would put it, to be inherited."""
    os.dup2(file.fileno(), 3)
    os.set_inheritable(3, True)


class InheritingServer:
    """A server as systemd starts it, with one socket handed over. Source: sd_listen_fds(3)."""

    def __init__(self, listening, path, *arguments):
        self.listening, self.path, self.arguments = listening, path, arguments

    def __enter__(self):
        config = self.path / "constants.yaml"
        config.write_text("{}\n")
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", harness.SERVER_BINARY,
             "--config", config, *self.arguments],
            env={**os.environ, "LISTEN_FDS": "1"}, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: as_descriptor_3(self.listening), close_fds=False)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(DEADLINE):
            raise AssertionError(f"exit status {self.process.returncode}")


# A user that is neither root nor the server's.
NOBODY = 65534

class Sockets(Files):
    def call_unix(self, path):
        connection = UnixConnection(path)
        connection.request("POST", "/", NAMES, {"Content-Type": "text/xml", "Host": "anything"})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status

    def test_a_unix_socket_serves_its_owner_without_credentials(self):
        path = self.path / "socket"
        constants = self.write_passwords(f"ann:{hash_of('x')}\n") + f"  unix_socket: {path}\n"
        with Server(constants) as server:
            self.assertEqual(self.call_unix(path), 200)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            self.assertEqual(status_of(server.raw(post(NAMES))), 401)
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(DEADLINE)
            self.assertFalse(path.exists())

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_a_unix_socket_that_all_can_reach_serves_no_other_user(self):
        with socket.socket(socket.AF_UNIX) as listening:
            path = self.path / "socket"
            listening.bind(str(path))
            listening.listen()
            self.path.chmod(0o755)
            path.chmod(0o666)
            with InheritingServer(listening, self.path):
                self.assertEqual(self.call_unix(path), 200)
                with socket.socket(socket.AF_UNIX) as sock:
                    os.seteuid(NOBODY)
                    self.addCleanup(os.seteuid, 0)
                    sock.connect(str(path))
                    self.assertEqual(status_of(read_to_end(sock)), 403)
                os.seteuid(0)

    def test_a_hang_up_on_a_unix_socket_cancels(self):
        path = self.path / "socket"
        with Server(f"remote:\n  unix_socket: {path}\n") as server:
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(str(path))
            sock.sendall(post(value_call("<value>60 s</value>", "Wait For Nothing")))
            wait_for(lambda: unread(sock) == 0, "the request was read")
            sock.close()
            wait_for(lambda: "the client hung up" in server.log(), "cancellation")

    def test_a_socket_that_a_dead_server_left_is_replaced(self):
        path = self.path / "socket"
        constants = f"remote:\n  unix_socket: {path}\n"
        with Server(constants) as dead:
            dead.process.kill()
            dead.process.wait()
        self.assertTrue(path.exists())
        with Server(constants):
            self.assertEqual(self.call_unix(path), 200)
            self.assertIn("a server listens on it already", self.refused(constants))

    def test_systemds_sockets_are_served(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            number = listening.getsockname()[1]
            with InheritingServer(listening, self.path, "--host", "192.0.2.1"):
                with socket.create_connection(("127.0.0.1", number), DEADLINE) as sock:
                    sock.sendall(post(NAMES))
                    self.assertEqual(status_of(read_to_end(sock)), 200)
            # The socket outlives the server: systemd starts the next one with it.
            socket.create_connection(("127.0.0.1", number), DEADLINE).close()

    def test_a_descriptor_that_is_no_listening_socket_is_refused(self):
        config = self.path / "constants.yaml"
        config.write_text("{}\n")
        with open("/dev/null", "rb") as null:
            ended = subprocess.run(
                ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", harness.SERVER_BINARY,
                 "--config", config], env={**os.environ, "LISTEN_FDS": "1"}, capture_output=True,
                text=True, timeout=DEADLINE, preexec_fn=lambda: as_descriptor_3(null),
                close_fds=False)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("LISTEN_FDS", ended.stderr)
