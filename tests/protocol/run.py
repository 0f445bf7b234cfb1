#!/usr/bin/env python3
"""Run the protocol's checks: run.py --server BINARY [--peer URL] [NAME ...]

With --peer the comparable checks run against that server instead.
"""
import argparse
import json
import pathlib
import sys
import unittest

import harness

# What any remote server can be asked. The conversions of test_arguments.Typed are our own.
COMPARABLE = ["test_protocol", "test_values", "test_arguments.Binding", "test_results.Results", "test_http",
              "test_beside"]


class Result(unittest.TestResult):
    def __init__(self, verbose):
        super().__init__()
        self.verbose = verbose
        self.outcomes = {}

    def note(self, test, outcome, details=None):
        self.outcomes[test.id()] = outcome
        if self.verbose and outcome != "passed":
            print(f"{outcome.upper()}: {test.id()}\n{details or ''}", flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if self.verbose:
            print(f"left out: {test.id()}: {reason}", flush=True)

    def addSuccess(self, test):
        self.outcomes.setdefault(test.id(), "passed")

    def addFailure(self, test, err):
        self.note(test, "failed", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        self.note(test, "failed", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        if err:
            self.note(test, "failed", f"{subtest}\n{self._exc_info_to_string(err, test)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", type=pathlib.Path, required=True)
    parser.add_argument("--vhosteld", type=pathlib.Path, help="for what needs real VMs")
    parser.add_argument("--sanitized", action="store_true", help="the server has sanitizers")
    parser.add_argument("--peer")
    parser.add_argument("--json", action="store_true", help="print outcomes as JSON")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    harness.SERVER_BINARY = options.server.resolve()
    harness.VHOSTELD_BINARY = options.vhosteld and options.vhosteld.resolve()
    harness.SANITIZED = options.sanitized
    harness.PEER_URL = options.peer
    here = pathlib.Path(__file__).resolve().parent
    names = options.names or (COMPARABLE if options.peer else
                              sorted(p.stem for p in here.glob("test_*.py")))
    result = Result(not options.json)
    unittest.defaultTestLoader.loadTestsFromNames(names).run(result)
    if options.json:
        print(json.dumps(result.outcomes))
        return 0
    passed = sum(outcome == "passed" for outcome in result.outcomes.values())
    failed = len(result.outcomes) - passed
    print(f"protocol: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
