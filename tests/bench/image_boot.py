#!/usr/bin/env python3
"""How fast Start Image VM is, beside a plain boot of the same image.

usage: tools/with-server tests/bench/image_boot.py --image DIR [--rounds N]

In each round, in turn:
  server  Start Image VM until the call returns: SSH logged in, guest agent answered
  plain   the image as a disk: SeaBIOS, its boot loader, no kernel beside it; the guest agent is
          asked every 5 s, and the first answer ends it
Exit status 1 when the ratio of the medians is over the limit.
"""
import argparse
import json
import os
import random
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import xmlrpc.client

RATIO_MAX = 0.5
PING_SECONDS = 5
PLAIN_SECONDS = 300
MEMORY_MIB = 1024
CPUS = 1


def start_by_server(proxy, name):
    began = time.monotonic()
    result = proxy.run_keyword("Start Image VM", [name], {"cpus": CPUS, "memory": MEMORY_MIB})
    seconds = time.monotonic() - began
    if result["status"] != "PASS":
        sys.exit(f"Start Image VM: {result['error']}")
    if not result["return"]["agent"]:
        sys.exit("Start Image VM: the guest agent did not answer")
    proxy.run_keyword("Kill VM", [name])
    return seconds


def ping(agent, seconds):
    """One question; whether an answer came within the time."""
    identity = random.getrandbits(31)
    agent.sendall(b"\xff" + json.dumps({"execute": "guest-sync-delimited",
                                        "arguments": {"id": identity}}).encode() + b"\n")
    deadline = time.monotonic() + seconds
    text = b""
    while (left := deadline - time.monotonic()) > 0:
        if select.select([agent], [], [], left)[0]:
            piece = agent.recv(65536)
            if not piece:
                sys.exit("the plain boot: QEMU ended")
            text += piece
            if b'"return": %d' % identity in text:
                return True
    return False


def start_plain(image):
    """The guest agent's socket is QEMU's second serial port, as the image wants it."""
    with tempfile.TemporaryDirectory(prefix="vh-", dir="/tmp") as scratch:
        path = os.path.join(scratch, "agent")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(20)
        began = time.monotonic()
        process = subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
             "-machine", "pc,usb=off", "-accel", "tcg,thread=multi", "-cpu", "max",
             "-smp", str(CPUS), "-m", str(MEMORY_MIB),
             "-drive", f"file={os.path.join(image, 'vhostel.img')},format=raw,snapshot=on",
             "-netdev", "user,id=mgmt0", "-device", "e1000,netdev=mgmt0",
             "-serial", f"file:{os.path.join(scratch, 'console')}",
             "-chardev", f"socket,id=agent,path={path}", "-serial", "chardev:agent"],
            stdin=subprocess.DEVNULL)
        try:
            agent = listener.accept()[0]
            while not ping(agent, PING_SECONDS):
                if time.monotonic() - began > PLAIN_SECONDS:
                    sys.exit(f"the plain boot: no guest agent after {PLAIN_SECONDS} s")
            return time.monotonic() - began
        finally:
            process.kill()
            process.wait()
            listener.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True, help="directory that tools/image-vm/build made")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    proxy = xmlrpc.client.ServerProxy(os.environ["VHOSTEL_URL"])
    image = os.path.abspath(options.image)
    proxy.run_keyword("Set Constant", ["image_vm.image", os.path.join(image, "vhostel.img")])
    server, plain = [], []
    for number in range(options.rounds):
        server.append(start_by_server(proxy, f"bench{number}"))
        plain.append(start_plain(image))
        print(f"round {number + 1}: server {server[-1]:.1f} s, plain {plain[-1]:.1f} s",
              flush=True)
    ratio = statistics.median(server) / statistics.median(plain)
    load = os.getloadavg()[0]
    print(f"medians: Start Image VM {statistics.median(server):.1f} s, plain boot "
          f"{statistics.median(plain):.1f} s, ratio {ratio:.2f} (at most {RATIO_MAX}), "
          f"load average {load:.1f}")
    return 0 if ratio <= RATIO_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
