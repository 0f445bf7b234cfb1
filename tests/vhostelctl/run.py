#!/usr/bin/env python3
"""Runs the tests of vhostelctl: run.py [--build DIR] [NAME ...]

Without names all of them. The last line is "N passed, N failed".
"""
import argparse
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "protocol"))

import programs  # noqa: E402  needs the path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    programs.BUILD = options.build.resolve()
    names = options.names or sorted(path.stem for path in HERE.glob("test_*.py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=1, stream=sys.stdout).run(suite)
    failed = len(result.failures) + len(result.errors)
    for test, reason in result.skipped:
        print(f"left out: {test.id()}: {reason}")
    passed = result.testsRun - failed - len(result.skipped)
    print(f"vhostelctl: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
