"""Calls keywords of a server by hand, for suites: in the background, or past Robot's own checks.

Robot converts arguments before it sends them, and runs one keyword after another. Here arguments
travel as they are given, and a call can run while the suite goes on.
"""
import os
import threading
import time
import xmlrpc.client

from robot.api import logger
from robot.api.deco import keyword, library


class Once(xmlrpc.client.Transport):
    """Python's own sends a request again when the connection breaks: the keyword would run twice."""

    def request(self, host, handler, request_body, verbose=False):
        return self.single_request(host, handler, request_body, verbose)


class Call:
    """One call; its connection is its own, so that it can be cut."""

    def __init__(self, url, name, args, named):
        self.description = f"{name} {list(args)} {named}"
        self.answer = None
        self.error = None
        self.began = time.monotonic()
        self.took = None
        self.proxy = xmlrpc.client.ServerProxy(url, transport=Once(), allow_none=True)
        self.thread = threading.Thread(target=self._run, args=(name, list(args), named),
                                       daemon=True)
        self.thread.start()

    def _run(self, name, args, named):
        try:
            self.answer = self.proxy.run_keyword(name, args, named)
        except (OSError, xmlrpc.client.Error) as error:
            self.error = error
        self.took = time.monotonic() - self.began

    def finish(self, timeout):
        self.thread.join(timeout)
        if self.thread.is_alive():
            raise AssertionError(f"no answer after {timeout} s: {self.description}")
        if self.error:
            raise AssertionError(f"{self.description}: {self.error}")
        logger.debug(self.answer.get("output", ""))
        if self.answer["status"] != "PASS":
            raise AssertionError(self.answer["error"])
        return self.answer.get("return", "")


@library(scope="SUITE", auto_keywords=False)
class SideBySide:
    def __init__(self, url: str = ""):
        self._url = url or os.environ["VHOSTEL_URL"]

    @keyword
    def call_server(self, name: str, *args, **named):
        """Runs a keyword with arguments as they are; returns its result, fails with its error."""
        return Call(self._url, name, args, named).finish(240)

    @keyword
    def get_call_output(self, name: str, *args, **named):
        """Runs a keyword and returns its status, error and output as they came."""
        call = Call(self._url, name, args, named)
        call.thread.join(240)
        return call.answer

    @keyword
    def begin_call(self, name: str, *args, **named):
        """Starts a call and returns at once."""
        return Call(self._url, name, args, named)

    @keyword
    def finish_call(self, call, timeout: float = 60):
        """Waits for the end of a call that was begun; returns its result or fails with its error."""
        return call.finish(timeout)

    @keyword
    def get_duration_of_call(self, call):
        """Seconds from a call's begin to its answer."""
        return call.took
