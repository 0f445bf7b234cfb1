"""The tables of the density page: how many network functions, and how fast."""
import html

# Cividis, from slow to fast: even steps of lightness, and told apart by the colour-blind too.
COLOURS = [(0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115),
           (138, 134, 120), (165, 156, 116), (195, 179, 105), (225, 204, 85), (254, 232, 56)]
# Where black text on a colour has more contrast than white text (WCAG 2, relative luminance).
DARK_TEXT_FROM = 0.179


def colour(share):
    """The colour of a share from 0 to 1, between the two nearest of the table."""
    place = min(max(share, 0), 1) * (len(COLOURS) - 1)
    below = min(int(place), len(COLOURS) - 2)
    return tuple(round(a + (b - a) * (place - below))
                 for a, b in zip(COLOURS[below], COLOURS[below + 1]))


def luminance(rgb):
    def linear(channel):
        channel /= 255
        return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
    red, green, blue = map(linear, rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def cell_style(share):
    rgb = colour(share)
    text = "#000" if luminance(rgb) > DARK_TEXT_FROM else "#fff"
    return f"background:rgb{rgb};color:{text}"


def rate(pps):
    for unit, factor in (("Mpps", 1e6), ("kpps", 1e3)):
        if pps >= factor:
            return f"{pps / factor:.3g}" if pps < 1000 * factor else f"{pps / factor:.0f}", unit
    return f"{pps:.0f}", "pps"


def loss(ratio):
    """Never rounds a loss to none."""
    return "no loss" if not ratio else f"{ratio:.2%} lost" if ratio >= 0.0001 else "<0.01% lost"


def find(density, chains, nodes):
    for row in density["rows"]:
        if (row["chains"], row["nodes"]) == (chains, nodes):
            return row
    return None


def table(density, caption, cell):
    """A table of `cell(row, chains, nodes)`, which returns attributes and content of a td."""
    settings = density["settings"]
    columns = range(1, settings["max_nodes"] + 1)
    lines = [f"<table><caption>{caption}</caption><thead><tr><td></td>"
             f'<th scope="colgroup" colspan="{len(columns)}">functions per chain</th></tr><tr>'
             '<th scope="col">chains</th>',
             *(f'<th scope="col">{nodes}</th>' for nodes in columns), "</tr></thead><tbody>"]
    for chains in range(1, settings["max_chains"] + 1):
        lines.append(f'<tr><th scope="row">{chains}</th>')
        for nodes in columns:
            attributes, content = cell(find(density, chains, nodes), chains, nodes)
            lines.append(f"<td {attributes}>{content}</td>")
        lines.append("</tr>")
    return "".join(lines) + "</tbody></table>"


def failed(row):
    error = html.escape(row.get("error") or "", quote=True)
    return f'class="failed" title="{error}"', "<b>✕</b><small>failed</small>"


def count_cell(row, chains, nodes):
    if not row:
        return 'class="none"', f"<b>{chains * nodes}</b><small>not run</small>"
    if row["status"] != "PASS":
        return failed(row)[0], f"<b>{row['vms']} ✕</b><small>failed</small>"
    details = f"{row['vcpus']} vCPUs · {row['memory']['configured'] / 1024:.3g} GiB"
    return 'class="passed"', f"<b>{row['vms']} ✓</b><small>{details}</small>"


def counts(density):
    return table(density, "network functions in all", count_cell)


def measured(row, frame_size):
    for result in (row or {}).get("throughput", []):
        if result["frame_size"] == frame_size:
            return result
    return None


def heat_map(density, frame_size):
    rates = [result["pps"] for row in density["rows"] if (result := measured(row, frame_size))]
    top = max(rates, default=0)

    def cell(row, _chains, _nodes):
        result = measured(row, frame_size)
        if not result:
            return failed(row) if row else ('class="none"', "<small>not run</small>")
        number, unit = rate(result["pps"])
        mark = "" if row["status"] == "PASS" else " ✕"
        return (f'style="{cell_style(result["pps"] / top if top else 0)}"',
                f"<b>{number} {unit}{mark}</b><small>{loss(result['loss_ratio'])}</small>")

    number, unit = rate(top)
    stops = ",".join(f"rgb{colour(step / 8)}" for step in range(9))
    return (table(density, f"frames of {frame_size} bytes received, all chains", cell) +
            f'<div class="scale"><span>0</span><i style="background:linear-gradient(90deg,{stops})">'
            f"</i><span>{number} {unit}</span></div>")


def heat_maps(density):
    """One heat map a frame size, of which radio buttons show one; no script is needed."""
    sizes = density["settings"]["frame_sizes"]
    if len(sizes) == 1:
        return heat_map(density, sizes[0])
    lines = ['<div class="tabs">']
    for index, size in enumerate(sizes):
        checked = " checked" if index == 0 else ""
        lines.append(f'<input type="radio" name="frame" id="frame{size}"{checked}>'
                     f'<label for="frame{size}">{size} B</label>'
                     f"<div>{heat_map(density, size)}</div>")
    return "".join(lines) + "</div>"
