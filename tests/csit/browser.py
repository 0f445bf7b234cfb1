"""The density page in a browser: what is seen of it, and what it asks for.

Chromium, headless, with a profile of its own. It asks for updates of itself whatever its options
say, so requests are told apart by who made them, and names are resolved to nothing.
"""
import collections
import json
import re
import struct
import subprocess
import zlib

import page
import sample

SECONDS = 60
WIDTH, HEIGHT = 1200, 700
# Pixels of its colour, at least, that show a cell of the heat map, and a line of a plot.
CELL_PIXELS, LINE_PIXELS = 400, 20
BROWSER_ITSELF = "not an origin"


def visit(target, directory):
    """Returns the screenshot's bytes and the addresses that the page asked for."""
    picture, log = directory / "page.png", directory / "net.json"
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-extensions", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND",
         f"--user-data-dir={directory / 'profile'}", f"--log-net-log={log}",
         f"--window-size={WIDTH},{HEIGHT}", "--hide-scrollbars", f"--screenshot={picture}",
         target.as_uri()],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    if not picture.exists():
        raise OSError(f"chromium made no screenshot, exit status {done.returncode}: {done.stderr}")
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    asked = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return picture.read_bytes(), sorted({one["url"] for one in asked
                                         if one["initiator"] != BROWSER_ITSELF})


def chunks(png):
    at = 8
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8:at + 8 + length]
        at += length + 12


def unfilter(kind, line, above, step):
    """Source: PNG specification, section 9."""
    for i, value in enumerate(line):
        left = line[i - step] if i >= step else 0
        up = above[i]
        corner = above[i - step] if i >= step else 0
        if kind == 1:
            value += left
        elif kind == 2:
            value += up
        elif kind == 3:
            value += (left + up) // 2
        elif kind == 4:
            guess = left + up - corner
            value += min((left, up, corner), key=lambda near: abs(guess - near))
        line[i] = value & 255
    return line


def colours(png):
    """How many pixels have which (red, green, blue); and the picture's size."""
    parts = collections.defaultdict(bytes)
    for kind, data in chunks(png):
        parts[kind] += data
    width, height, depth, colour_type = struct.unpack_from(">IIBB", parts[b"IHDR"])
    step = {2: 3, 6: 4}[colour_type]
    if depth != 8:
        raise ValueError(f"{depth} bits a colour")
    raw = zlib.decompress(parts[b"IDAT"])
    count, above = collections.Counter(), bytes(width * step)
    for start in range(0, len(raw), width * step + 1):
        line = bytearray(raw[start + 1:start + 1 + width * step])
        above = unfilter(raw[start], line, above, step) if raw[start] else line
        count.update(zip(above[0::step], above[1::step], above[2::step]))
    return count, (width, height)


def named(text, before):
    """The colours behind that word in a page, "rgb(1, 2, 3)"."""
    return {tuple(map(int, numbers)) for numbers in
            re.findall(before + r"rgb\((\d+),\s*(\d+),\s*(\d+)\)", text)}


def check_seen(checks, directory):
    density, target = directory / "seen.json", directory / "seen.html"
    density.write_text(json.dumps(sample.density(2, 2)), encoding="utf-8")
    checks.that("there is a page", page.report(density, target).returncode == 0)
    text = target.read_text(encoding="utf-8")
    png, asked = visit(target, directory)
    seen, size = colours(png)
    checks.that(f"the picture has the window's size: {size}", size == (WIDTH, HEIGHT))
    checks.that(f"nothing is asked for: {asked}", not asked)
    cells = named(" ".join(page.Page(text).cells), "background:")
    checks.that("cells differ", len(cells) > 2)
    for colour in cells:
        checks.that(f"a cell {colour}: {seen[colour]} pixels", seen[colour] >= CELL_PIXELS)
    for svg in re.findall(r"<svg.*?</svg>", text, re.S):
        lines = named(svg, "stroke='")
        checks.that(f"a plot's lines are seen: {lines}",
                    lines and all(seen[colour] >= LINE_PIXELS for colour in lines))
    return png


def check_told_apart(checks, directory):
    """A page that does ask for something is found out: so the check above can fail."""
    target = directory / "asks.html"
    target.write_text('<img src="http://127.0.0.1:9/elsewhere.png">', encoding="utf-8")
    _, asked = visit(target, directory)
    checks.that(f"a picture from elsewhere is noticed: {asked}",
                asked == ["http://127.0.0.1:9/elsewhere.png"])
