"""Calls keywords of the server beside the suite: in a thread, on a connection of its own.

The protocol is used directly, because a Robot suite waits for each of its keywords.
"""
import os
import socket
import threading
import xmlrpc.client
from xml.parsers.expat import ExpatError
from urllib.parse import urlsplit

from robot.api.deco import keyword, library


class Call(threading.Thread):
    def __init__(self, name, arguments, named):
        super().__init__(daemon=True)
        self.request = xmlrpc.client.dumps((name, list(arguments), named), "run_keyword").encode()
        address = urlsplit(os.environ["VHOSTEL_URL"])
        self.connection = socket.create_connection((address.hostname, address.port))
        self.host = address.netloc
        self.result = None

    def run(self):
        head = (f"POST /RPC2 HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: text/xml\r\n"
                f"Content-Length: {len(self.request)}\r\nConnection: close\r\n\r\n").encode()
        answer = b""
        try:
            self.connection.sendall(head + self.request)
            while piece := self.connection.recv(65536):
                answer += piece
            self.result = xmlrpc.client.loads(answer.partition(b"\r\n\r\n")[2])[0][0]
        except (OSError, xmlrpc.client.Error, ExpatError, ValueError) as e:
            self.result = {"status": "GONE", "error": str(e)}


@library(scope="SUITE", auto_keywords=False)
class Background:
    def __init__(self):
        self._calls = {}

    @keyword
    def start_in_background(self, alias: str, name: str, *arguments: str, **named: str):
        """Begins to run a keyword of the server."""
        self._calls[alias] = Call(name, arguments, named)
        self._calls[alias].start()

    @keyword
    def wait_for_background(self, alias: str, timeout: float = 60):
        """Returns the whole result: ``status``, ``error``, ``return`` and the rest."""
        call = self._calls.pop(alias)
        call.join(timeout)
        if call.is_alive():
            raise AssertionError(f"'{alias}' still runs after {timeout} s")
        return call.result

    @keyword
    def hang_up_background(self, alias: str):
        """Closes the connection in the middle of the call, as Robot does on a timeout."""
        call = self._calls.pop(alias)
        call.connection.shutdown(socket.SHUT_RDWR)
        call.join(10)
        call.connection.close()
