"""The plots of the density page, drawn by gnuplot as SVG that stands in the page itself."""
import re
import subprocess

# Okabe and Ito: told apart by the colour-blind; points and dashes differ as well.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"]
SIZE = "420,225"


class GnuplotError(Exception):
    """gnuplot is missing, or did not like what it was told."""


def start_seconds(row):
    return row["start"].get("chains")


def memory_gib(row):
    return row["memory"].get("resident", 0) / 1024 or None


def promised_gib(row):
    return row["memory"].get("configured", 0) / 1024


def kpps(row):
    results = sorted(row["throughput"], key=lambda result: result["frame_size"])
    return results[0]["pps"] / 1000 if results else None


def one_chain_count(rows, y):
    """A line for each number of chains."""
    for chains in sorted({row["chains"] for row in rows}):
        title = "1 chain" if chains == 1 else f"{chains} chains"
        yield title, [(row, y(row)) for row in rows if row["chains"] == chains]


def resident_and_promised(rows, y):
    yield "resident", [(row, y(row)) for row in rows]
    yield "guests' memory", [(row, promised_gib(row)) for row in rows if y(row)]


ONE_CHAIN_COUNT = one_chain_count
RESIDENT_AND_PROMISED = resident_and_promised


def x_of(row, x):
    return row["vms"] if x == "nfs" else row["nodes"]


def lines_of(rows, x, y, series):
    """[(title, [(x, y), ...])], without what was not measured; equal x are kept apart."""
    lines = []
    for title, values in series(rows, y):
        points = sorted((x_of(row, x), value) for row, value in values if value is not None)
        if points:
            lines.append((title, points))
    return lines


def ticks(most):
    """At most about ten, so that the numbers do not run into each other."""
    return max(1, -(-most // 10))


def script(name, x_label, y_label, lines):
    most = max(x for _, points in lines for x, _ in points)
    yield f"set terminal svg size {SIZE} dynamic name '{name}' font 'sans-serif,12'"
    yield f"set xlabel '{x_label}'"
    yield f"set ylabel '{y_label}'"
    yield f"set xrange [0.5:{most + 0.5}]"
    yield f"set xtics {ticks(most)} nomirror"
    yield "set yrange [0:*]"
    yield "set ytics nomirror"
    yield "set border 3 linecolor rgb '#555555'"
    yield "set grid ytics linecolor rgb '#dddddd'"
    yield "set key outside top center horizontal"
    for index, (_, points) in enumerate(lines):
        yield f"$line{index} << EOD"
        yield from (f"{x} {y:.6g}" for x, y in points)
        yield "EOD"
    curves = []
    for index, (title, _) in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        escaped = title.replace("'", "''")
        curves.append(f"$line{index} with linespoints linewidth 2 dashtype {index % 5 + 1} "
                      f"pointtype {[7, 5, 9, 13, 11][index % 5]} pointsize 0.7 "
                      f"linecolor rgb '{colour}' title '{escaped}'")
    yield "plot " + ", ".join(curves)


def in_page(svg, title):
    """Only the picture itself, with a name for those who do not see it."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<title>.*?</title>", f"<title>{title}</title>", svg, count=1, flags=re.S)
    return svg.replace("<svg", '<svg role="img"', 1)


def draw(rows, name, title, x_label, y_label, x, y, series):
    """An svg element, or "" when there is nothing to draw."""
    lines = lines_of(rows, x, y, series)
    if not lines:
        return ""
    text = "\n".join(script(name, x_label, y_label, lines)) + "\n"
    try:
        done = subprocess.run(["gnuplot"], input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise GnuplotError("gnuplot is not installed (Debian package gnuplot-nox)") from None
    if done.returncode or not done.stdout.strip():
        raise GnuplotError(f"gnuplot ended with {done.returncode}: {done.stderr.strip()}")
    return in_page(done.stdout, title)
