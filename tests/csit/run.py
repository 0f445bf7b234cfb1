#!/usr/bin/env python3
"""CSIT's names, two suites at the same time, the density matrix and its page, with real VMs.

usage: run.py --build DIR

The last line is "N passed, N failed".
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import browser
import meeting
import page

TREE = pathlib.Path(__file__).resolve().parents[2]


def robot(build, name, program, *arguments, environment=None):
    """Runs suites against a server of their own; (passed, failed) from their output.xml."""
    output = build / "check-csit" / name
    output.mkdir(parents=True, exist_ok=True)
    (output / "output.xml").unlink(missing_ok=True)
    command = [TREE / "tools/with-server", "--build", build, "--log", output / "server.log",
               program, "--outputdir", output, *arguments]
    # pabot looks for robot in PATH, and leaves a file where it runs.
    path = f"{build / 'venv/bin'}:{os.environ['PATH']}"
    done = subprocess.run([str(word) for word in command], cwd=output, check=False,
                          env=dict(os.environ, PATH=path, **(environment or {})))
    try:
        total = xml.etree.ElementTree.parse(output / "output.xml").find("statistics/total/stat")
        passed, failed = int(total.get("pass")), int(total.get("fail"))
    except (OSError, AttributeError, xml.etree.ElementTree.ParseError):
        print(f"{name}: no results, exit status {done.returncode}")
        return 0, 1
    return passed, failed or int(done.returncode != 0)


def seen(build):
    """The page of a made-up matrix, as a browser shows it; its picture stays for who wants to look."""
    with page.Checks() as checks, tempfile.TemporaryDirectory(prefix="vh-") as name:
        directory = pathlib.Path(name)
        browser.check_told_apart(checks, directory)
        output = build / "check-csit"
        output.mkdir(parents=True, exist_ok=True)
        (output / "page.png").write_bytes(browser.check_seen(checks, directory))
    return checks.passed, checks.failed


def csit(build):
    return robot(build, "csit", "robot", TREE / "tests/robot/csit.robot")


def parallel(build):
    # pabot's own server would take the port on which ours is by default.
    with tempfile.TemporaryDirectory(prefix="vh-") as directory, \
            meeting.Place(directory) as place:
        return robot(build, "pabot", "pabot", "--no-pabotlib", "--processes", "2",
                     TREE / "tests/robot/pabot", environment={"MEETING": place.path})


def matrix(build):
    """The smallest matrix, and that its page can be made."""
    passed, failed = robot(build, "density", "robot", "-v", "MAX_CHAINS:1", "-v", "MAX_NODES:1",
                           "-v", "RATE:500", "-v", "DURATION:1 second",
                           TREE / "robot/suites/nf_density")
    density = build / "check-csit/density/density.json"
    if failed or not passed:
        return passed, failed
    with page.Checks() as checks:
        rows = json.loads(density.read_text(encoding="utf-8"))["rows"]
        checks.that("one row", len(rows) == 1 and rows[0]["status"] == "PASS")
        checks.that("no frame lost", rows[0]["throughput"][0]["loss_ratio"] == 0)
        checks.that("memory measured", rows[0]["memory"]["resident"] > 10)
        page.check_page(checks, density, cells=1)
    return passed + checks.passed, checks.failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    build = parser.parse_args().build.resolve()
    results = [part(build) for part in (page.check, seen, csit, parallel, matrix)]
    passed, failed = map(sum, zip(*results))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
