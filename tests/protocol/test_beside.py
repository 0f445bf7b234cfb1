"""A call beside clients that wait, hang up or say nothing; what any remote server can be asked."""
import contextlib
import time
import unittest

from harness import ServerCase, post, result_of, value_call

# A client that is held up sees it after that long; a call that waits is longer under way.
HELD_UP_S = 1
WAIT = post(value_call("<value>3</value>", "Wait For Nothing"))
ECHO = post(value_call("<value>x</value>"))


class Beside(ServerCase):
    def assert_not_held_up(self):
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            answer = self.server.raw(ECHO, timeout=HELD_UP_S)
            self.assertEqual(result_of(answer)["return"], "x")
        self.assertLess(time.monotonic() - began, HELD_UP_S, "the call was held up")

    def begin(self, data):
        """A client that sends that much and no more, until the end of the test."""
        sock = self.server.connect()
        self.addCleanup(sock.close)
        sock.sendall(data)
        self.server.wait_until_read(sock)
        return sock

    def tearDown(self):
        """The next test finds a server that answers, however long this one held it up."""
        self.doCleanups()
        self.server.raw(ECHO)

    def test_one_that_waits_in_a_keyword(self):
        self.begin(WAIT)
        self.assert_not_held_up()

    def test_one_that_hung_up_while_its_keyword_waited(self):
        self.begin(WAIT).close()
        self.assert_not_held_up()

    def test_one_that_connected_and_says_nothing(self):
        self.begin(b"")
        self.assert_not_held_up()

    def test_one_that_stopped_in_the_headers(self):
        self.begin(ECHO[:40])
        self.assert_not_held_up()

    def test_one_that_stopped_in_the_body(self):
        self.begin(ECHO[:-20])
        self.assert_not_held_up()

    def test_one_that_keeps_its_connection(self):
        sock = self.begin(post(value_call("<value>x</value>"), close=False))
        sock.settimeout(HELD_UP_S)
        sock.recv(65536)
        self.assert_not_held_up()


if __name__ == "__main__":
    unittest.main()
