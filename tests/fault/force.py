#!/usr/bin/env python3
"""Qemu Kill All force=True, to be run in a PID namespace of its own: it ends every QEMU there.

usage: unshare --pid --mount-proc --fork force.py DIRECTORY
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../robot/libraries"))

from FaultServer import FaultServer  # noqa: E402


def main():
    if len([entry for entry in os.listdir("/proc") if entry.isdigit()]) > 3:
        sys.exit("there are other processes here: this needs a PID namespace of its own")
    server = FaultServer()
    run_dir = os.path.join(sys.argv[1], "forced")
    foreign = subprocess.Popen(["qemu-system-x86_64", "-S", "-machine", "none", "-nodefaults",
                                "-display", "none"])
    namesake = subprocess.Popen(["sleep", "600"])
    talker = subprocess.Popen(["sh", "-c", "sleep 600; : qemu-system-x86_64"])
    server.start_server(run_dir)
    own = server.call("Start Kernel VM", "own", paused="True")
    try:
        killed = server.call("Qemu Kill All", force="True")
        assert sorted(map(str, killed)) == sorted(["own", str(foreign.pid)]), killed
        assert foreign.wait(timeout=5) == -9
        assert not os.path.exists(f"/proc/{own['pid']}")
        assert namesake.poll() is None and talker.poll() is None
        assert server.call("Qemu Kill All", force="True") == []
        assert server.signal_server("SIGTERM") == 0
    finally:
        namesake.kill()
        talker.kill()
        shutil.rmtree(server.get_server_directory())
    return 0


if __name__ == "__main__":
    sys.exit(main())
