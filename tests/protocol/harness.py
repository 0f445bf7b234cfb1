"""Servers to test, and the ways to talk to them: XML-RPC, raw sockets, Robot's own client."""
import contextlib
import http.client
import os
import pathlib
import re
import select
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import unittest
import xmlrpc.client

PROTOCOL = pathlib.Path(__file__).resolve().parent
# For what must happen, not for how soon: ample, because the machine may be busy.
DEADLINE = 30

# Set by run.py.
SERVER_BINARY = None
VHOSTELD_BINARY = None
PEER_URL = None
# Built with sanitizers: slower, and its memory is not its own.
SANITIZED = False
FINDINGS = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer")


def wait_for(condition, what, deadline=DEADLINE):
    """Ask until it is so. For what offers no event to a test outside the process."""
    end = time.monotonic() + deadline
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        select.select([], [], [], 0.005)
    return result


def median_ms(action, times=20):
    """The median time of an action. On a busy machine a single one may take any time."""
    took = []
    for _ in range(times):
        start = time.monotonic()
        action()
        took.append(time.monotonic() - start)
    return statistics.median(took) * 1000


class Server:
    """A test server of our own, with its own directory and configuration."""

    def __init__(self, constants="", arguments=(), binary=None, **popen):
        self.directory = tempfile.TemporaryDirectory(prefix="protocol-")
        self.path = pathlib.Path(self.directory.name)
        self.constants = self.path / "constants.yaml"
        self.constants.write_text(constants or "{}\n")
        self.log_path = self.path / "log"
        self.port_file = self.path / "port"
        self.log_file = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [binary or SERVER_BINARY, "--config", self.constants, "--port", "0", "--port-file", self.port_file,
             "--log-level", "debug", *arguments],
            stderr=self.log_file, stdout=self.log_file, **popen)

    def __enter__(self):
        wait_for(lambda: self.process.poll() is not None or self.port_file.exists(), "start")
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended: {self.log()}")
        self.port = int(self.port_file.read_text())
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(DEADLINE)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log_file.close()
        log = self.log()
        self.directory.cleanup()
        if FINDINGS.search(log):
            raise AssertionError(f"the server's log:\n{log}")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def log(self):
        return self.log_path.read_text(errors="replace")

    def proxy(self, url=None, **options):
        return xmlrpc.client.ServerProxy(url or self.url, use_builtin_types=True, allow_none=True,
                                         **options)

    def connect(self, timeout=DEADLINE):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def raw(self, data, timeout=DEADLINE):
        """Send bytes, read the answer to its end of file."""
        with self.connect(timeout) as sock:
            sock.sendall(data)
            return read_to_end(sock)

    def wait_until_read(self, sock):
        """Until the kernel has nothing left of what was sent: a worker has read it."""
        wait_for(lambda: self.unread(sock) == 0, "the request was read")

    def unread(self, sock):
        """Source: proc(5), /proc/net/tcp, tx_queue:rx_queue."""
        ends = ["%04X" % self.port, "%04X" % sock.getsockname()[1]]
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if [field.split(":")[1] for field in fields[1:3]] == ends:
                return int(fields[4].split(":")[1], 16)
        return None

    def status_kib(self, field):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
        raise AssertionError(field)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def read_to_end(sock):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := sock.recv(65536):
            data += chunk
    return data


def call_xml(method, *params):
    return xmlrpc.client.dumps(params, method, allow_none=True).encode()


def value_call(value_xml, name="Echo"):
    """run_keyword(name, [value]) with the value as XML text."""
    return (f"<?xml version='1.0'?><methodCall><methodName>run_keyword</methodName><params>"
            f"<param><value><string>{name}</string></value></param><param><value><array><data>"
            f"{value_xml}</data></array></value></param></params></methodCall>").encode()


def post(body, path="/RPC2", headers=(), host="localhost", version="1.1", close=True):
    lines = [f"POST {path} HTTP/{version}", f"Host: {host}", "Content-Type: text/xml",
             f"Content-Length: {len(body)}", *headers]
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else None


def body_of(answer):
    return answer.split(b"\r\n\r\n", 1)[1]


def result_of(answer):
    """What an XML-RPC answer holds; a fault is raised."""
    return xmlrpc.client.loads(body_of(answer), use_builtin_types=True)[0][0]


class ServerCase(unittest.TestCase):
    """One server for the tests of a class; a peer when run.py was given one."""
    constants = ""

    @classmethod
    def setUpClass(cls):
        if PEER_URL:
            cls.server = Peer(PEER_URL)
            return
        cls.server = Server(cls.constants)
        try:
            cls.server.__enter__()
        except BaseException:
            cls.server.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def run_keyword(self, name, *args, **kwargs):
        with self.server.proxy() as proxy:
            return proxy.run_keyword(name, list(args), *([kwargs] if kwargs else []))

    def returned(self, name, *args, **kwargs):
        answer = self.run_keyword(name, *args, **kwargs)
        self.assertEqual(answer["status"], "PASS", answer.get("error"))
        return answer.get("return")

    def error(self, name, *args, **kwargs):
        answer = self.run_keyword(name, *args, **kwargs)
        self.assertEqual(answer["status"], "FAIL", answer)
        return answer["error"]


class Peer(Server):
    """Another remote server with the keywords of peer_library.py, at a URL."""

    def __init__(self, url):
        self.port = int(url.rsplit(":", 1)[1])

    def __exit__(self, *_):
        pass


__all__ = ["Server", "ServerCase", "call_xml", "value_call", "post", "status_of", "body_of",
           "result_of", "read_to_end", "wait_for", "median_ms", "http", "xmlrpc"]
