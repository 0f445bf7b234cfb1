"""Checks of the density page: what is in it, and that it needs nothing from elsewhere."""
import html.parser
import json
import pathlib
import re
import subprocess
import tempfile

import sample

TREE = pathlib.Path(__file__).resolve().parents[2]
# Names of XML namespaces look like addresses; nobody fetches them.
NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")


class Checks:
    """Counts; an exception within counts as a failure too."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, true):
        if true:
            self.passed += 1
        else:
            self.failed += 1
            print(f"density page: not so: {what}")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if isinstance(error, Exception):
            self.that(f"no {kind.__name__}: {error}", False)
        return isinstance(error, Exception)


class Page(html.parser.HTMLParser):
    """What a browser would fetch or run, and what there is to see."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.tags, self.cells = [], {}, []
        self.feed(text)
        self.text = text

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            target = attributes.get(name)
            if target and not target.startswith(("#", "data:,")):
                self.fetched.append(target)
        if tag == "td" and "style" in attributes:
            self.cells.append(attributes["style"])

    def addresses(self):
        return [address for address in re.findall(r"https?://[^\s\"'<>]+", self.text)
                if address not in NAMESPACES]


def report(density, target):
    return subprocess.run([TREE / "tools/density/report", density, target], capture_output=True,
                          text=True, check=False)


def check_page(checks, density, cells):
    with tempfile.TemporaryDirectory() as directory:
        target = pathlib.Path(directory, "density.html")
        done = report(density, target)
        checks.that(f"report succeeds: {done.stderr}", done.returncode == 0)
        page = Page(target.read_text(encoding="utf-8"))
    checks.that(f"nothing is fetched: {page.fetched}", not page.fetched)
    checks.that(f"no address: {page.addresses()}", not page.addresses())
    checks.that("no script, import or url()", "script" not in page.tags and
                "@import" not in page.text and "url(http" not in page.text)
    checks.that("three plots", page.tags.get("svg") == 3)
    checks.that(f"{cells} coloured cells", len(page.cells) == cells)
    return page


def check_whole(checks, directory):
    path = directory / "whole.json"
    path.write_text(json.dumps(sample.density(3, 4, (64, 1518))), encoding="utf-8")
    page = check_page(checks, path, cells=2 * 3 * 4)
    checks.that("all passed", "12 of 12 cells passed" in page.text)
    checks.that("a heat map a frame size", page.tags["table"] == 3)
    checks.that("12 functions", "<b>12 ✓</b>" in page.text)


def check_partial(checks, directory):
    """A cell that failed before anything was measured, one that was not run, a hostile error."""
    density = sample.density(2, 2)
    density["rows"].pop()
    density["rows"][1].update(status="FAIL", error="VM 'nf' <script src=x>: \"gone\"",
                              throughput=[], start={}, memory={"configured": 0}, vcpus=0)
    path = directory / "partial.json"
    path.write_text(json.dumps(density), encoding="utf-8")
    page = check_page(checks, path, cells=2)
    checks.that("2 of 3", "2 of 3 cells passed" in page.text)
    checks.that("the failure is told", "VM &#x27;nf&#x27; &lt;script src=x&gt;" in page.text)


def check_nothing(checks, directory):
    density = sample.density()
    density["rows"] = []
    path = directory / "nothing.json"
    path.write_text(json.dumps(density), encoding="utf-8")
    target = directory / "nothing.html"
    checks.that("a matrix without rows has a page", report(path, target).returncode == 0)
    path.write_text("{", encoding="utf-8")
    done = report(path, target)
    checks.that("a broken file is named", done.returncode == 1 and str(path) in done.stderr)


def check(_build):
    with Checks() as checks, tempfile.TemporaryDirectory() as name:
        for part in (check_whole, check_partial, check_nothing):
            part(checks, pathlib.Path(name))
    return checks.passed, checks.failed
