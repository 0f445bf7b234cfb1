#!/usr/bin/env python3
"""Calls side by side that get into each other's way, for the sanitizers to look at.

usage: tools/with-server python3 tests/bench/stress.py [--seconds N] [--threads N]

Each thread starts paused VMs under a few names that all share, asks about them, ends them, changes
constants, or hangs up in the middle of a start; one kills everything now and then. Whatever a call
answers is fine, as long as the server answers. At the end no VM and no process may be left.
"""
import argparse
import collections
import http.client
import os
import random
import socket
import sys
import threading
import time
import xmlrpc.client

NAMES = [f"stress-{number}" for number in range(6)]
CALL_SECONDS = 60


class Transport(xmlrpc.client.Transport):
    """With a time limit, as a call that never returns is what is looked for."""

    def make_connection(self, host):
        return http.client.HTTPConnection(host, timeout=CALL_SECONDS)


def start(name):
    return ("Start Kernel VM", name), {"memory": 256, "paused": True, "timeout": "3s"}


def start_running(name):
    return ("Start Kernel VM", name), {"memory": 256, "vnf": "command", "command": "echo READY",
                                       "ready_pattern": "READY", "timeout": "3s"}


def asks(name):
    return random.choice([("Get VM Info", name), ("Get VM State", name), ("List VMs",),
                          ("Get VM Console", name), ("Qmp Command", name, "query-status"),
                          ("Get Node Info", "DUT1"), ("Get Constant", "timeout.qmp"),
                          ("Wait Until VM Stops", name, "100 ms")]), {}


def changes(name):
    return random.choice([("Kill VM", name), ("Kill VM", name), ("Resume VM", name),
                          ("Pause VM", name), ("Reset VM", name), ("Stop VM", name, "2s"),
                          ("Set Constant", "timeout.qmp", "5 s"), ("Reload Constants",),
                          ("Set VM CPU Affinity", name, "0"),
                          ("Configure Vhost Interfaces", name, f"/tmp/{name}.sock")]), {}


def hang_up(url, name):
    """A start whose client goes away."""
    body = xmlrpc.client.dumps(("Start Kernel VM", [name], {"memory": 256}), "run_keyword")
    host, port = url.split("//")[1].split(":")
    with socket.create_connection((host, int(port))) as peer:
        peer.sendall((f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                      f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        time.sleep(random.random() / 2)  # somewhere in the start


class Stress:
    def __init__(self, url, seconds):
        self.url = url
        self.end = time.monotonic() + seconds
        self.counts = collections.Counter()
        self.broken = []

    def call(self, proxy, arguments, named):
        keyword, *rest = arguments
        result = proxy.run_keyword(keyword, rest, named)
        self.counts[keyword, result["status"]] += 1

    def run(self, number):
        proxy = xmlrpc.client.ServerProxy(self.url, Transport())
        makers = [start, start_running, asks, asks, asks, changes, changes]
        try:
            while time.monotonic() < self.end:
                name = random.choice(NAMES)
                dice = random.random()
                if dice < 0.03 and number == 0:
                    self.call(proxy, ("Qemu Kill All",), {})
                elif dice < 0.08:
                    hang_up(self.url, name)
                else:
                    self.call(proxy, *random.choice(makers)(name))
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            self.broken.append(f"thread {number}: {error!r}")


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            found += file.read().split()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    url = os.environ["VHOSTEL_URL"]
    stress = Stress(url, options.seconds)
    threads = [threading.Thread(target=stress.run, args=(number,))
               for number in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    proxy = xmlrpc.client.ServerProxy(url, Transport())
    for _ in range(2):  # the second for starts that were cancelled by a hang-up during the first
        result = proxy.run_keyword("Qemu Kill All", [])
        if result["status"] != "PASS":
            stress.broken.append(result["error"])
    left = proxy.run_keyword("List VMs", [])["return"]
    if left or children(os.environ["VHOSTEL_PID"]):
        stress.broken.append(f"left: {left}, processes {children(os.environ['VHOSTEL_PID'])}")
    for (keyword, status), count in sorted(stress.counts.items()):
        print(f"{count:6} {status} {keyword}")
    for problem in stress.broken:
        print(problem)
    print(f"{sum(stress.counts.values())} calls, {len(stress.broken)} problems")
    return 1 if stress.broken else 0


if __name__ == "__main__":
    sys.exit(main())
