"""Many mixed calls: memory and descriptors stay where they were after the first thousand."""
import http.client
import os
import threading
import unittest

import harness
from harness import DEADLINE, Server, call_xml, post, read_to_end, value_call, wait_for

# `make soak` makes 100000, what an hour of parallel suites makes.
CALLS = int(os.environ.get("SOAK_CALLS", "20000"))
FIRST = 1000
CLIENTS = 8
SLACK_KIB = 512
# The allocator keeps some kilobytes of what each thread frees; how many is chance.
# Source: mallopt(3), NOTES; GNU C Library manual, "Memory Allocation Tunables".
UNCACHED = {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}

TEXT = {"Content-Type": "text/xml"}
KEPT = [("POST", "/RPC2", body) for body in [
    value_call("<value>x</value>"),
    value_call("<value><struct><member><name>k</name><value><array><data><value><i8>1</i8></value>"
               "<value><double>0.5</double></value></data></array></value></member></struct></value>"),
    value_call("<value>x</value>", "No Such Keyword"),
    value_call("<value>it failed</value>", "Fail With"),
    value_call("<value>x</value><value>number</value>", "Typed"),
    value_call("<value>a</value><value>b</value>", "Many"),
    value_call("", "Raw Bytes"),
    value_call("", "Log Lines"),
    value_call("", "Every Type"),
    value_call(f"<value>{'é😀<>' * 2000}</value>".replace("<>", "&lt;&gt;")),
    call_xml("get_keyword_names"),
    call_xml("get_library_information"),
    call_xml("get_keyword_arguments", "Typed"),
    call_xml("no_such_method"),
    b"<methodCall><bad",
]] + [("GET", "/", b""), ("GET", "/library.json", b""), ("GET", "/elsewhere", b"")]
NEW = [post(value_call("<value>x</value>")), post(b"<bad"), post(b"x", "/elsewhere"),
       post(call_xml("get_keyword_names")).replace(b"text/xml", b"text/plain"),
       post(b"x" * 100, headers=["Content-Length: 5"]), b"garbage\r\n\r\n"]
WAIT = post(value_call("<value>60 s</value>", "Wait For Nothing"))


class Client(threading.Thread):
    """Of ten calls eight over a kept connection, and two over new ones; now and then it hangs up."""

    def __init__(self, server, count):
        super().__init__()
        self.server = server
        self.count = count
        self.error = None
        self.kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)

    def call_kept(self, number):
        method, path, body = KEPT[number % len(KEPT)]
        self.kept.request(method, path, body, TEXT)
        self.kept.getresponse().read()

    def call_new(self, number):
        if number % 97 == 0:
            with self.server.connect() as sock:
                sock.sendall(WAIT)
        else:
            self.server.raw(NEW[number % len(NEW)])

    def run(self):
        try:
            for number in range(self.count):
                (self.call_new if number % 5 == 4 else self.call_kept)(number)
        except (OSError, http.client.HTTPException) as error:
            self.error = error
        self.kept.close()


class Soak(unittest.TestCase):
    def load(self, server, count):
        clients = [Client(server, count // CLIENTS) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
            self.assertIsNone(client.error)

    def soak(self, **popen):
        with Server(arguments=["--log-level", "error"], **popen) as server:
            # Beside its own two a sanitizer may have one.
            threads = server.status_kib("Threads")
            self.load(server, FIRST)
            memory, descriptors = server.status_kib("VmRSS"), server.descriptors()
            self.load(server, FIRST if harness.SANITIZED else CALLS - FIRST)
            busy = server.status_kib("VmRSS")
            wait_for(lambda: server.status_kib("Threads") <= threads, "idle workers end")
            wait_for(lambda: server.descriptors() <= descriptors, "descriptors closed")
            idle = server.status_kib("VmRSS")
            if os.environ.get("SOAK_CALLS"):
                print(f"after {FIRST} calls: RSS {memory} KiB, {descriptors} descriptors; "
                      f"after {CALLS}: RSS {busy} KiB, idle {idle} KiB, "
                      f"{server.descriptors()} descriptors")
            return busy - memory, idle - memory

    def test_memory_and_descriptors_are_given_back(self):
        grown = self.soak()[1]
        # A sanitizer keeps what is freed, but looks at the calls side by side.
        self.assertTrue(harness.SANITIZED or grown <= SLACK_KIB, grown)

    @unittest.skipIf(harness.SANITIZED, "a sanitizer has an allocator of its own")
    def test_memory_in_use_does_not_grow(self):
        self.assertLessEqual(self.soak(env=UNCACHED)[0], SLACK_KIB)


if __name__ == "__main__":
    unittest.main()
