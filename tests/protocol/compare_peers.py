#!/usr/bin/env python3
"""Run the comparable checks against our server and against robotremoteserver, in two columns.

compare_peers.py --server BINARY [--python PYTHON]
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import harness
import run

HERE = pathlib.Path(__file__).resolve().parent


def outcomes(server, peer=None):
    command = [sys.executable, HERE / "run.py", "--json", "--server", server]
    command += ["--peer", peer] if peer else []
    command += run.COMPARABLE
    ended = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(ended.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        sys.exit(f"{command}: {ended.stdout}{ended.stderr}")


class PythonRemoteServer:
    """The peer, with the keywords of peer_library.py."""

    def __init__(self, python):
        self.directory = tempfile.TemporaryDirectory(prefix="peer-")
        self.port_file = pathlib.Path(self.directory.name) / "port"
        self.process = subprocess.Popen([python, HERE / "peer_library.py", self.port_file],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_for(lambda: self.port_file.exists() and self.port_file.read_text(), "peer")

    def __enter__(self):
        return f"http://127.0.0.1:{self.port_file.read_text().strip()}"

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.directory.cleanup()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", type=pathlib.Path, required=True)
    parser.add_argument("--python", default="build/venv/bin/python")
    options = parser.parse_args()
    ours = outcomes(options.server)
    with PythonRemoteServer(options.python) as url:
        theirs = outcomes(options.server, url)
    print(f"{'check':<78} {'vhosteld':<9} robotremoteserver")
    for name in sorted(ours):
        print(f"{name:<78} {ours[name]:<9} {theirs.get(name, 'failed')}")
    count = lambda column: sum(outcome == "passed" for outcome in column.values())
    print(f"vhosteld: {count(ours)} of {len(ours)}, "
          f"robotremoteserver: {count(theirs)} of {len(ours)}")
    return 0 if count(ours) == len(ours) else 1


if __name__ == "__main__":
    sys.exit(main())
