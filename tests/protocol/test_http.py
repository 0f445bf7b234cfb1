"""HTTP as it should be, and as it should not be."""
import http.client
import socket
import time
import unittest

import harness
from harness import (DEADLINE, ServerCase, call_xml, post, read_to_end, result_of, status_of,
                     value_call)

NAMES = call_xml("get_keyword_names")


class Healthy(ServerCase):
    """After each of these the same server still answers."""

    def tearDown(self):
        self.assertTrue(result_of(self.server.raw(post(NAMES))))

    def status(self, request):
        return status_of(self.server.raw(request))

    def fault(self, body):
        answer = self.server.raw(post(body))
        self.assertEqual(status_of(answer), 200, answer[:200])
        with self.assertRaises(harness.xmlrpc.client.Fault) as caught:
            result_of(answer)
        return caught.exception.faultString


class Requests(Healthy):
    def test_a_connection_is_kept(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE)
        sockets = set()
        for _ in range(3):
            connection.request("POST", "/RPC2", NAMES, {"Content-Type": "text/xml"})
            connection.getresponse().read()
            sockets.add(id(connection.sock))
        self.assertEqual(len(sockets), 1)
        self.assertIsNotNone(connection.sock)
        connection.close()

    def test_pipelined_requests_are_answered_in_order(self):
        one = post(value_call("<value>first</value>"), close=False)
        two = post(value_call("<value>second</value>"))
        answer = self.server.raw(one + two)
        self.assertLess(answer.index(b"first"), answer.index(b"second"))

    def test_http_1_0(self):
        request = post(NAMES, version="1.0").replace(b"Host: localhost\r\n", b"")
        self.assertEqual(self.status(request), 200)

    def test_a_chunked_body(self):
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(NAMES[i:i + 7]), NAMES[i:i + 7])
                          for i in range(0, len(NAMES), 7)) + b"0\r\n\r\n"
        head = (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        self.assertTrue(result_of(self.server.raw(head + chunks)))

    def test_expect_100_continue(self):
        with self.server.connect() as sock:
            head, body = post(NAMES, headers=["Expect: 100-continue"]).split(b"\r\n\r\n", 1)
            sock.sendall(head + b"\r\n\r\n")
            self.assertIn(b"100", sock.recv(1000))
            sock.sendall(body)
            self.assertEqual(status_of(read_to_end(sock)), 200)

    def test_a_body_that_is_too_long_is_not_asked_for(self):
        head = post(b"", headers=["Expect: 100-continue"])
        head = head.replace(b"Content-Length: 0", b"Content-Length: 99999999")
        with self.server.connect() as sock:
            sock.sendall(head)
            self.assertEqual(status_of(read_to_end(sock)), 413)

    def test_a_request_byte_by_byte(self):
        with self.server.connect() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in post(NAMES):
                sock.sendall(bytes([byte]))
            self.assertEqual(status_of(read_to_end(sock)), 200)

    def test_wrong_methods(self):
        for method in [b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE"]:
            with self.subTest(method):
                self.assertEqual(self.status(post(NAMES).replace(b"POST", method)), 405)

    def test_a_wrong_method_for_the_path(self):
        for path in ["/healthz", "/library.json"]:
            with self.subTest(path):
                answer = self.server.raw(post(NAMES, path))
                self.assertEqual(status_of(answer), 405)
                self.assertIn(b"\r\nAllow: GET, HEAD\r\n", answer)
        answer = self.server.raw(b"GET /RPC2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        self.assertEqual(status_of(answer), 405)
        self.assertIn(b"\r\nAllow: POST\r\n", answer)

    def test_a_wrong_path(self):
        self.assertEqual(self.status(post(NAMES, "/elsewhere")), 404)

    def test_wrong_content_types(self):
        for kind in [b"text/plain", b"application/json", b"application/x-www-form-urlencoded",
                     b"text/xml; charset=utf-16", b"text/xml; charset=utf-8xyz", b"text/xmlx"]:
            with self.subTest(kind):
                self.assertEqual(self.status(post(NAMES).replace(b"text/xml", kind)), 415)
        self.assertEqual(
            self.status(post(NAMES).replace(b"Content-Type: text/xml\r\n", b"")), 415)

    def test_right_content_types(self):
        for kind in [b"text/xml; charset=utf-8", b"application/xml", b"TEXT/XML;charset=\"UTF-8\"",
                     b"text/xml; charset=utf8", b"text/xml; a=b; charset=utf-8 ; c=d"]:
            with self.subTest(kind):
                self.assertEqual(self.status(post(NAMES).replace(b"text/xml", kind)), 200)

    def test_two_content_lengths(self):
        for other in ["5", str(len(NAMES))]:
            request = post(NAMES, headers=[f"Content-Length: {other}"])
            self.assertEqual(self.status(request), 400)

    def test_content_lengths_that_are_none(self):
        for length in ["-1", "abc", "0x10", "1 2", "+5", "99999999999999999999999"]:
            with self.subTest(length):
                request = post(NAMES).replace(b"Content-Length: %d" % len(NAMES),
                                              b"Content-Length: " + length.encode())
                self.assertIn(self.status(request), [400, 413])

    def test_both_length_and_chunked(self):
        self.assertEqual(self.status(post(NAMES, headers=["Transfer-Encoding: chunked"])), 400)

    def test_two_transfer_codings(self):
        for second in ["chunked", "identity", "gzip"]:
            with self.subTest(second):
                request = post(b"", headers=["Transfer-Encoding: chunked",
                                             f"Transfer-Encoding: {second}"])
                request = request.replace(b"Content-Length: 0\r\n", b"")
                self.assertEqual(self.status(request + b"0\r\n\r\n"), 400)

    def test_an_unknown_transfer_coding(self):
        request = post(b"", headers=["Transfer-Encoding: gzip"])
        self.assertIn(self.status(request.replace(b"Content-Length: 0\r\n", b"")), [400, 501])

    def test_an_unknown_content_encoding(self):
        self.assertEqual(self.status(post(NAMES, headers=["Content-Encoding: gzip"])), 415)

    def test_no_host(self):
        self.assertEqual(self.status(post(NAMES).replace(b"Host: localhost\r\n", b"")), 400)

    def test_headers_beyond_the_limit(self):
        request = post(NAMES, headers=[f"X-{i}: {'x' * 1000}" for i in range(100)])
        self.assertIn(self.status(request), [400, 413, 431])

    def test_what_is_no_http(self):
        for request in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"garbage\r\n\r\n",
                        b"POST\r\n\r\n", b"\0\0\0\0\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]:
            with self.subTest(request), self.server.connect() as sock:
                sock.sendall(request)
                sock.shutdown(socket.SHUT_WR)
                self.assertNotEqual(status_of(read_to_end(sock)), 200)


    def test_an_end_that_comes_with_the_last_bytes_is_seen(self):
        for _ in range(5):
            with self.server.connect() as sock:
                # Held back until the end, so that both are in one segment.
                sock.send(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\n", socket.MSG_MORE)
                sock.shutdown(socket.SHUT_WR)
                start = time.monotonic()
                self.assertNotEqual(status_of(read_to_end(sock)), 200)
                # Long before the time of a request is over.
                self.assertLess(time.monotonic() - start, 5)


class Bodies(Healthy):
    def test_malformed_xml(self):
        for body in [b"", b" ", b"text", b"<", b"<a", b"<a>", b"</a>", b"<a></b>", b"<methodCall/>",
                     b"<methodCall><methodName/></methodCall>", NAMES[:-20], NAMES + NAMES,
                     b"<!-- ", b"<?xml ", b"<![CDATA[", b"<a b='", b"&", b"<a>&</a>", b"<a>&#;</a>",
                     b"<a>&nbsp;</a>", b"<a>&#0;</a>", b"<a>&#xD800;</a>", b"<a>&#x110000;</a>"]:
            with self.subTest(body[:30]):
                self.fault(body)

    def test_bytes_that_are_not_utf8(self):
        for bad in [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82",
                    b"\xfc\x84\x80\x80\x80\x80"]:
            with self.subTest(bad):
                self.assertIn("UTF-8", self.fault(value_call("<value>@</value>")
                                                  .replace(b"@", bad)))

    def test_a_nul_byte(self):
        for value in ["a\0b", "<![CDATA[a\0b]]>"]:
            self.assertIn("NUL", self.fault(value_call(f"<value>{value}</value>")))

    def test_other_encodings(self):
        self.fault(value_call("<value>x</value>").replace(
            b"<?xml version='1.0'?>", b"<?xml version='1.0' encoding='ISO-8859-1'?>"))
        self.fault(NAMES.decode().encode("utf-16"))

    def test_deep_nesting(self):
        for depth in [100, 3000, 200000]:
            with self.subTest(depth):
                self.fault(value_call("<value><array><data>" * depth))
                self.fault(value_call("<a>" * depth))

    def test_nesting_within_the_limit(self):
        depth = 60
        xml = ("<value><array><data>" * depth + "<value>x</value>" +
               "</data></array></value>" * depth)
        self.assertEqual(status_of(self.server.raw(post(value_call(xml)))), 200)
        self.assertEqual(result_of(self.server.raw(post(value_call(xml))))["status"], "PASS")

    def test_entities(self):
        bomb = (b"<?xml version='1.0'?><!DOCTYPE b [<!ENTITY a 'aaaaaaaaaa'>" +
                b"".join(b"<!ENTITY %c '%s'>" % (98 + i, b"&%c;" % (97 + i) * 10)
                         for i in range(10)) +
                b"]><methodCall><methodName>&k;</methodName></methodCall>")
        start = time.monotonic()
        self.fault(bomb)
        # Expanding it takes half a minute.
        self.assertLess(time.monotonic() - start, 5)

    def test_a_document_type(self):
        call = value_call("<value>x</value>").replace(b"<methodCall>", b"<!DOCTYPE m><methodCall>", 1)
        self.assertIn("document type", self.fault(call))

    def test_an_external_entity(self):
        self.fault(b"<?xml version='1.0'?><!DOCTYPE b [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
                   + value_call("<value>&a;</value>")[21:])

    def test_more_elements_than_the_limit(self):
        self.assertIn("elements", self.fault(
            value_call("<value><array><data>" + "<value/>" * 250000 + "</data></array></value>")))

    def test_more_members_than_the_limit(self):
        members = "".join(f"<member><name>{i}</name><value/></member>" for i in range(20000))
        self.assertIn("members", self.fault(value_call(f"<value><struct>{members}</struct></value>")))

    def test_a_truncated_body_ends_with_its_connection(self):
        with self.server.connect() as sock:
            sock.sendall(post(NAMES)[:-30])
            sock.shutdown(socket.SHUT_WR)
            self.assertNotEqual(status_of(read_to_end(sock)), 200)

    def test_a_body_at_the_limit(self):
        limit = 4096 * 1024
        frame = len(value_call("<value></value>"))
        body = value_call(f"<value>{'x' * (limit - frame)}</value>")
        self.assertEqual(len(body), limit)
        self.assertEqual(self.status(post(body)), 200)

    def test_a_body_beyond_the_limit(self):
        self.assertEqual(self.status(post(b"x" * (4096 * 1024 + 1))), 413)

    def test_a_chunked_body_beyond_the_limit(self):
        head = (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (65536, b"x" * 65536)
        self.assertEqual(self.status(head + chunk * 80 + b"0\r\n\r\n"), 413)

    def test_pythons_client_sees_413_and_does_not_try_again(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE)
        connection.request("POST", "/RPC2", b"x" * 20_000_000, {"Content-Type": "text/xml"})
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()


class Foreign(Healthy):
    """Requests that a web page makes, or that came by a rebound name."""

    def test_another_origin(self):
        for origin in ["https://evil.example", "null", "http://localhost:1"]:
            with self.subTest(origin):
                self.assertEqual(self.status(post(NAMES, headers=[f"Origin: {origin}"])), 403)

    def test_our_own_origin(self):
        host = f"127.0.0.1:{self.server.port}"
        request = post(NAMES, headers=[f"Origin: http://{host}"], host=host)
        self.assertEqual(self.status(request), 200)

    def test_a_rebound_name(self):
        for host in ["evil.example", "evil.example:8270", "127.0.0.1.evil.example", ""]:
            with self.subTest(host):
                self.assertIn(self.status(post(NAMES, host=host)), [400, 403])
        request = post(NAMES, host="evil.example", headers=["Origin: http://evil.example"])
        self.assertEqual(self.status(request), 403)

    def test_names_that_are_ours(self):
        for host in ["127.0.0.1", "localhost:8270", "[::1]:8270", "10.0.0.1", socket.gethostname()]:
            with self.subTest(host):
                self.assertEqual(self.status(post(NAMES, host=host)), 200)

    def test_a_page_of_another_site_without_origin(self):
        self.assertEqual(self.status(post(NAMES, headers=["Sec-Fetch-Site: cross-site"])), 403)

    def test_two_hosts(self):
        self.assertEqual(self.status(post(NAMES, headers=["Host: evil.example"])), 400)


if __name__ == "__main__":
    unittest.main()
