#!/usr/bin/env python3
"""How fast a kernel VM starts through the server, beside the same QEMU started by hand.

usage: tools/with-server python3 tests/bench/boot.py [--rounds N] [--vms N] [--build DIR]

In each round, in turn:
  server  Start Kernel VM with a command that prints a marker; until the call returns
  hand    the same QEMU command line, not paused, with a reader on its console; until the marker
  plain   SeaBIOS and the bzImage with the same initramfs and the kernel arguments that a boot
          needs, its console log looked at once a second; until the marker
Then paused VMs: what they cost the server, and how long Qemu Kill All takes. Exit status 1 when a
limit is missed.
"""
import argparse
import os
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import xmlrpc.client

MARKER = "VHOSTEL-BENCH-READY"
COMMAND = f"echo {MARKER}; sleep infinity"
# Of one start by hand.
SECONDS = 120
SERVER_TO_HAND = 1.10
SERVER_TO_PLAIN = 0.60
MARKER_TO_RETURN_MS = 20
KILL_ALL_SECONDS = 1.0
SERVER_RSS_MIB = 16
# The plain start has what a boot needs and nothing that makes it quicker.
PLAIN_APPEND = "console=ttyS0 panic=-1 net.ifnames=0"
SEEN = re.compile(r"ready, seen ([0-9.]+) ms after its line arrived")


class Server:
    """The server under test, over one kept connection."""

    def __init__(self):
        self.proxy = xmlrpc.client.ServerProxy(os.environ["VHOSTEL_URL"])
        self.pid = int(os.environ["VHOSTEL_PID"])

    def call(self, keyword, *arguments, **named):
        """What the keyword returned, and what Robot would log."""
        result = self.proxy.run_keyword(keyword, list(arguments), named)
        if result["status"] != "PASS":
            sys.exit(f"{keyword}: {result['error']}")
        return result.get("return"), result.get("output", "")

    def rss_mib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def children(self):
        found = []
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/children", encoding="ascii") as children:
                found += children.read().split()
        return found


class Qemu:
    """A QEMU started by hand, in a directory of its own; ended with the scope."""

    def __init__(self, command, directory):
        self.directory = directory
        self.began = time.monotonic()
        with open(os.path.join(directory, "qemu.log"), "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def seconds(self):
        return time.monotonic() - self.began

    def check(self):
        if self.process.poll() is not None or self.seconds() > SECONDS:
            with open(os.path.join(self.directory, "qemu.log"), encoding="utf-8") as log:
                sys.exit(f"QEMU by hand ended, or no marker within {SECONDS} s: {log.read()}")

    def connect(self, name):
        """QEMU listens a few milliseconds after its start."""
        while True:
            peer = socket.socket(socket.AF_UNIX)
            try:
                peer.connect(os.path.join(self.directory, name))
                return peer
            except OSError:
                peer.close()
            self.check()
            time.sleep(0.001)


def time_server(server, number):
    """Seconds, what follows the marker in milliseconds, the VM's command line and init script."""
    name = f"bench-{number}"
    began = time.monotonic()
    info, output = server.call("Start Kernel VM", name, vnf="command", command=COMMAND,
                               ready_pattern=MARKER)
    seconds = time.monotonic() - began
    seen = SEEN.search(output)
    if not seen:
        sys.exit(f"Start Kernel VM does not tell when it saw the marker:\n{output}")
    init = re.search(r"init=(\S+)", " ".join(info["command_line"]))[1]
    with open(init, encoding="utf-8") as file:
        script = file.read()
    server.call("Kill VM", name)
    # The server measures up to the end of its wait; what comes then, until the client has the
    # answer, is seen from here.
    after = float(seen[1]) + (seconds - info["boot_time"]["ready"]) * 1000
    return seconds, float(seen[1]), after, info, script, output


def write_init(directory, script):
    path = os.path.join(directory, "init")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    os.chmod(path, 0o700)


def hand_command(info, directory):
    command = [re.sub(r"init=\S+", f"init={directory}/init", word)
               for word in info["command_line"]]
    command = [word.replace(info["run_dir"] + "/", directory + "/") for word in command]
    command.remove("-S")
    return command


def time_hand(info, directory):
    with Qemu(hand_command(info, directory), directory) as qemu:
        text = b""
        with qemu.connect("console.sock") as console:
            while MARKER.encode() not in text:
                qemu.check()
                if select.select([console], [], [], 1)[0]:
                    text += console.recv(65536)
        return qemu.seconds()


def plain_command(info, directory, bzimage):
    """The same machine as one without this server would start it."""
    flags = ("-S", "-nodefaults", "-no-user-config", "-no-reboot")
    words = iter(info["command_line"])
    command = [next(words)]
    for option in words:
        value = None if option in flags else next(words)
        if option in ("-S", "-bios", "-pidfile", "-mon", "-chardev", "-serial", "-sandbox") or (
                value and re.match("virtio-serial|virtserialport|virtconsole", value)):
            continue
        if option == "-kernel":
            value = bzimage
        if option == "-append":
            pages = re.search(r"hugepages=\S+", value)
            value = f"{PLAIN_APPEND} {pages[0] if pages else ''} init={directory}/init"
        command += [option] if value is None else [option, value]
    return command + ["-serial", f"file:{directory}/console.log"]


def time_plain(info, directory, bzimage):
    with Qemu(plain_command(info, directory, bzimage), directory) as qemu:
        text = ""
        while MARKER not in text:
            time.sleep(1)  # what is measured: a tester who looks once a second
            qemu.check()
            with open(os.path.join(directory, "console.log"), encoding="utf-8",
                      errors="replace") as file:
                text = file.read()
        return qemu.seconds()


class Report:
    def __init__(self):
        self.missed = 0

    def line(self, what, value, unit, limit):
        verdict = "PASS" if value <= limit else "FAIL"
        self.missed += verdict == "FAIL"
        print(f"{verdict}  {what}: {value:.2f}{unit}, at most {limit:.2f}{unit}")


def run_round(server, number, options):
    a, seen, after, info, script, output = time_server(server, number)
    if options.verbose:
        print(output)
    others = []
    for function, more in ((time_hand, ()),
                           (time_plain, (os.path.join(options.build, "kernel-vm/bzImage"),))):
        directory = tempfile.mkdtemp(prefix="vhb-", dir="/tmp")
        try:
            write_init(directory, script)
            others.append(function(info, directory, *more))
        finally:
            shutil.rmtree(directory)
    return [a] + others + [seen, after]


def bench_starts(server, options, report):
    rounds = []
    print("round    server      hand     plain   marker seen   returned (ms after the marker)")
    for number in range(options.rounds):
        rounds.append(run_round(server, number, options))
        print("{:5} {:8.3f}s {:8.3f}s {:8.3f}s {:11.1f}ms {:8.1f}ms".format(
            number + 1, *rounds[-1]), flush=True)
    middle = [statistics.median(column) for column in zip(*rounds)]
    print("median{:8.3f}s {:8.3f}s {:8.3f}s {:11.1f}ms {:8.1f}ms".format(*middle))
    report.line("server / hand", middle[0] / middle[1], "", SERVER_TO_HAND)
    report.line("server / plain", middle[0] / middle[2], "", SERVER_TO_PLAIN)
    report.line("marker to the end of the wait, in the server", middle[3], " ms",
                MARKER_TO_RETURN_MS)
    report.line("marker to the client's answer", middle[4], " ms", MARKER_TO_RETURN_MS)


def bench_paused(server, options, report):
    server.call("Qemu Kill All")
    pids = []
    costs = [(server.threads(), server.rss_mib())]
    began = time.monotonic()
    for number in range(options.vms):
        info, _ = server.call("Start Kernel VM", f"paused-{number}", memory=256, paused=True)
        pids.append(info["pid"])
        costs.append((server.threads(), server.rss_mib()))
    started = time.monotonic() - began
    began = time.monotonic()
    killed, _ = server.call("Qemu Kill All")
    seconds = time.monotonic() - began
    left = [pid for pid in pids if os.path.exists(f"/proc/{pid}")] + server.children()
    print(f"{options.vms} paused VMs started in {started:.2f} s")
    for count in (0, 1, options.vms):
        print(f"  {count:4} VMs: {costs[count][0]} threads, RSS {costs[count][1]:.2f} MiB")
    report.line(f"Qemu Kill All of {len(killed)}", seconds, " s", KILL_ALL_SECONDS)
    report.line("VMs that it did not kill", options.vms - len(killed), "", 0)
    report.line("processes left, zombies included", len(left), "", 0)
    report.line("server RSS", costs[-1][1], " MiB", SERVER_RSS_MIB)
    report.line("threads that VMs 2 and on added", costs[-1][0] - costs[1][0], "", 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vms", type=int, default=20)
    parser.add_argument("--build", default="build")
    parser.add_argument("--verbose", action="store_true", help="show the server's steps")
    options = parser.parse_args()
    server = Server()
    report = Report()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]}, "
          f"QEMU {server.call('Get Qemu Version')[0]}")
    if options.rounds:
        bench_starts(server, options, report)
    if options.vms:
        bench_paused(server, options, report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
