"""The TCP port that shows a guest's serial console, for suites."""
import re
import socket
import time

from robot.api.deco import keyword, library


@library(scope="SUITE", auto_keywords=False)
class GuestSerial:
    @keyword
    def type_on_serial_port(self, port: int, text: str, pattern: str, timeout: float = 20):
        """Sends ``text`` and waits until what comes back matches."""
        deadline = time.monotonic() + timeout
        seen = b""
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as serial:
            serial.sendall(text.encode())
            while not re.search(pattern.encode(), seen, re.M):
                serial.settimeout(max(0.01, deadline - time.monotonic()))
                try:
                    piece = serial.recv(4096)
                except socket.timeout:
                    piece = b""
                if not piece:
                    raise AssertionError(f"port {port}: no line matches {pattern} after {timeout} "
                                         f"s: {seen.decode(errors='replace')}")
                seen += piece
