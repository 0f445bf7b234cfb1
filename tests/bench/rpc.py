#!/usr/bin/env python3
"""How quick calls are, beside PythonRemoteServer under the same load.

usage: BUILD/venv/bin/python tests/bench/rpc.py [--build DIR] [--rounds N] [--seconds N]

vhosteld has no VM, and the call is `List VMs`, which returns an empty list. The peer
(robotremoteserver) offers keywords of the same names, arguments and documentation, which all
return an empty list. In each round every load runs against the one, then against the other; the
figures are the medians of the rounds. Loads by wrk; its latency is from the request to the
answer's end. Of what is over in milliseconds, an import and a start, a round has the median of
five. Exit status 1 when a limit is missed.
"""
import argparse
import contextlib
import io
import json
import os
import pathlib
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import xmlrpc.client

from robot.libraries.Remote import Remote
from robot.running import TestLibrary

HERE = pathlib.Path(__file__).resolve().parent
KEYWORD = "List VMs"
BODY = xmlrpc.client.dumps((KEYWORD, []), "run_keyword")
REQUEST = (f"POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\n"
           f"Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n{BODY}").encode()
DEADLINE = 30
ROBOT_CALLS = 500
SHORT_TIMES = 5

# What it must show.
KEPT_RATIO = 5.0
NEW_RATIO = 1.2
IMPORT_RATIO = 0.1
RSS_MIB = 16.0
RSS_RATIO = 0.5
START_MS = 50.0


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Server:
    """A server of one of the two kinds; ended with the scope."""

    def __init__(self, command, log):
        self.port = int(command[-1])
        self.url = f"http://127.0.0.1:{self.port}"
        began = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.first_answer()
        self.start_ms = (time.perf_counter() - began) * 1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)

    def first_answer(self):
        end = time.monotonic() + DEADLINE
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as sock:
                    sock.sendall(REQUEST)
                    if b"PASS" in b"".join(iter(lambda: sock.recv(65536), b"")):
                        return
            except ConnectionRefusedError:
                pass
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{self.process.args[0]}: no answer")
            select.select([], [], [], 0.0005)

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


class Kinds:
    """How the two are started."""

    def __init__(self, build, directory):
        self.build = build
        self.directory = directory
        self.library = directory / "library.json"
        with Server(self.ours(), subprocess.DEVNULL) as server:
            with xmlrpc.client.ServerProxy(server.url) as proxy:
                self.library.write_text(json.dumps(proxy.get_library_information()))

    def ours(self):
        run_dir = tempfile.mkdtemp(dir=self.directory)
        return [f"{self.build}/vhosteld", "--run-dir", run_dir, "--port", str(free_port())]

    def peer(self):
        return [sys.executable, str(HERE / "rpc_peer.py"), str(self.library), str(free_port())]


def load(server, connections, close, seconds):
    """Calls a second, median and 99th percentile of the latency in milliseconds."""
    environment = dict(os.environ, RPC_BODY=BODY, **({"RPC_CLOSE": "1"} if close else {}))
    ended = subprocess.run(
        ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", HERE / "rpc.lua",
         server.url], env=environment, capture_output=True, text=True, check=True)
    calls, duration, p50, p99, errors = map(
        int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", ended.stdout).groups())
    if errors or not calls:
        sys.exit(f"{server.process.args[0]}: {errors} errors under load:\n{ended.stdout}")
    return calls * 1e6 / duration, p50 / 1000, p99 / 1000


def robot_call_ms(server):
    """The median call of Robot's own client."""
    remote = Remote(server.url)
    times = []
    with contextlib.redirect_stdout(io.StringIO()):
        for _ in range(ROBOT_CALLS):
            began = time.perf_counter()
            remote.run_keyword(KEYWORD, [], {})
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


class Requests:
    """Counts what Robot's client sends."""

    def __enter__(self):
        self.count = 0
        self.original = xmlrpc.client.Transport.request

        def request(*arguments, **named):
            self.count += 1
            return self.original(*arguments, **named)

        xmlrpc.client.Transport.request = request
        return self

    def __exit__(self, *_):
        xmlrpc.client.Transport.request = self.original


def robot_import(server):
    """Milliseconds and requests of an import of the library by a Robot that runs already."""
    with Requests() as requests:
        began = time.perf_counter()
        library = TestLibrary.from_name("Remote", args=[server.url])
        took = (time.perf_counter() - began) * 1000
    if not library.keywords:
        sys.exit(f"{server.url}: no keywords")
    return took, requests.count


def measure(server, seconds):
    kept = load(server, 8, False, seconds)
    one = load(server, 1, True, seconds)
    eight = load(server, 8, True, seconds)
    imports = [robot_import(server) for _ in range(SHORT_TIMES)]
    import_ms = statistics.median(took for took, _ in imports)
    requests = max(count for _, count in imports)
    return {"kept": kept[0], "kept p99": kept[2],
            "one": one[0], "one p50": one[1], "one p99": one[2],
            "eight": eight[0], "eight p50": eight[1], "eight p99": eight[2],
            "robot": robot_call_ms(server), "import": import_ms, "requests": requests,
            "loaded": server.rss_mib()}


def median_start_ms(command, log):
    times = []
    for _ in range(SHORT_TIMES):
        with Server(command(), log) as server:
            times.append(server.start_ms)
    return statistics.median(times)


def run_rounds(kinds, options, log):
    """The medians of ours and of the peer's."""
    rounds = {"ours": [], "peer": []}
    # Robot's own modules are imported with the first library.
    with Server(kinds.ours(), log) as server:
        robot_import(server)
    for number in range(options.rounds):
        for name, samples in rounds.items():
            command = getattr(kinds, name)
            start_ms = median_start_ms(command, log)
            with Server(command(), log) as server:
                idle = server.rss_mib()
                samples.append({"start": start_ms, "idle": idle,
                                **measure(server, options.seconds)})
        print(f"round {number + 1}: kept {rounds['ours'][-1]['kept']:.0f} and "
              f"{rounds['peer'][-1]['kept']:.0f} calls/s", flush=True)
    return [{key: statistics.median(sample[key] for sample in samples) for key in samples[0]}
            for samples in rounds.values()]


class Table:
    def __init__(self):
        self.missed = 0
        print(f"\n{'':54}{'vhosteld':>10}{'peer':>10}{'limit':>10}")

    def line(self, what, ours, peer, limit=None, good=True):
        verdict = "" if limit is None else "PASS" if good else "FAIL"
        self.missed += verdict == "FAIL"
        print(f"{verdict:6}{what:48}{ours:10.2f}{peer:10.2f}{limit or '':>10}")


def report(ours, peer):
    table = Table()

    def rate(key, what, ratio):
        limit = ratio * peer[key]
        table.line(f"{what}, calls/s", ours[key], peer[key], f">= {limit:.0f}", ours[key] >= limit)

    def below(key, what, limit=None):
        limit = peer[key] if limit is None else limit
        table.line(what, ours[key], peer[key], f"< {limit:.2f}", ours[key] < limit)

    rate("kept", f"8 kept connections ({ours['kept'] / peer['kept']:.1f} times)", KEPT_RATIO)
    table.line("  its p99, ms", ours["kept p99"], peer["kept p99"])
    for key, clients in (("one", "1 client"), ("eight", "8 clients")):
        ratio = ours[key] / peer[key]
        rate(key, f"new connections, {clients} ({ratio:.2f} times)", NEW_RATIO)
        table.line("  its median, ms", ours[f"{key} p50"], peer[f"{key} p50"])
        below(f"{key} p99", "  its p99, ms")
    below("robot", "Robot's Remote, median call, ms")
    below("import", f"import by Robot's Remote, ms ({ours['import'] / peer['import']:.3f} times)", IMPORT_RATIO * peer["import"])
    table.line("  its requests", ours["requests"], peer["requests"], "== 1", ours["requests"] == 1)
    below("idle", "RSS after the first answer, MiB", min(RSS_MIB, RSS_RATIO * peer["idle"]))
    below("loaded", "RSS after all of it, MiB", min(RSS_MIB, RSS_RATIO * peer["loaded"]))
    below("start", "start to first answer, ms", START_MS)
    return table.missed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of one load")
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.2f}; `{KEYWORD}` against "
          f"robotremoteserver, medians of {options.rounds} rounds, loads of {options.seconds} s, "
          f"medians of {SHORT_TIMES} imports and starts a round")
    with tempfile.TemporaryDirectory(prefix="vhb-", dir="/tmp") as directory:
        kinds = Kinds(options.build, pathlib.Path(directory))
        with open(os.path.join(options.build, "bench-rpc.log"), "wb") as log:
            missed = report(*run_rounds(kinds, options, log))
    print(f"{missed} limits missed" if missed else "all limits are kept")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
