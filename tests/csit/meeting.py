"""The place where suites in processes of their own meet: see tests/robot/pabot/Meeting.py."""
import os
import socketserver
import threading

SECONDS = 120


class Guest(socketserver.StreamRequestHandler):
    def handle(self):
        place = self.server.place
        word = self.rfile.readline()
        if not word.strip():
            place.barrier.abort()
            return
        try:
            mine = place.barrier.wait()
            place.words[mine] = word
            place.barrier.wait()
            others = place.words[1 - mine]
            place.barrier.wait()
        except threading.BrokenBarrierError:
            return  # the guest sees the end of the connection
        self.wfile.write(others)


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Place:
    """Every two guests that come get the line of the other one; an empty line ends it all."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "meeting")
        self.barrier = threading.Barrier(2, timeout=SECONDS)
        self.words = [b"", b""]
        self.server = Server(self.path, Guest)
        self.server.place = self

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.barrier.abort()
        self.server.shutdown()
        self.server.server_close()
