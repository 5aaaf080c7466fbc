"""Draws measured ratios as an SVG: one group of bars for each network, one bar for each peer."""
from xml.sax.saxutils import escape

WIDTH, LABELS, RIGHT, BAR, GAP, TOP = 900, 250, 60, 13, 14, 74
COLOURS = {"onnxruntime": "#2b6cb0", "onnxruntime-precise": "#90b4d8",
           "xnnpack": "#c05621", "tflite-xnnpack": "#e3a77d"}
RATIO_MAX = 2.0


def text(x, y, content, size=12, anchor="start", colour="#222", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}" font-weight="{weight}">{escape(content)}</text>')


def at(ratio):
    return LABELS + min(ratio, RATIO_MAX) / RATIO_MAX * (WIDTH - LABELS - RIGHT)


def grid(bottom):
    parts = []
    for step in range(0, int(RATIO_MAX * 4) + 1):
        value = step / 4
        one = value == 1
        parts.append(f'<line x1="{at(value):.1f}" y1="{TOP - 8}" x2="{at(value):.1f}" '
                     f'y2="{bottom}" stroke="{"#222" if one else "#ddd"}" '
                     f'stroke-width="{1.5 if one else 1}"/>')
        parts.append(text(at(value), bottom + 16, f"{value:g}", 11, "middle", "#555"))
    return parts


def bar(y, row):
    colour = COLOURS.get(row["engine"], "#888")
    ratio = row["ratio_wall"]
    label = f"{ratio:.2f}" + (" →" if ratio > RATIO_MAX else "")
    return [f'<rect x="{LABELS}" y="{y}" width="{at(ratio) - LABELS:.1f}" height="{BAR - 2}" '
            f'fill="{colour}"/>', text(at(ratio) + 4, y + BAR - 3, label, 11)]


def legend(titles, engines):
    parts, x = [], LABELS
    for engine in engines:
        parts.append(f'<rect x="{x}" y="46" width="11" height="11" '
                     f'fill="{COLOURS.get(engine, "#888")}"/>')
        parts.append(text(x + 16, 56, titles[engine], 12))
        x += 34 + 7 * len(titles[engine])
    return parts


def ratios(rows, titles, caption):
    """`rows` as bench/run makes them; rows of Tenon itself are the ones divided by."""
    groups, y, parts = {}, TOP, []
    for row in rows:
        if row["engine"] != "tenon":
            groups.setdefault((row["model"], row["threads"]), []).append(row)
    for (model, threads), group in groups.items():
        middle = y + len(group) * BAR / 2 + 4
        parts.append(text(LABELS - 8, middle, f"{model}, {threads} thr.", 12, "end"))
        for row in group:
            parts += bar(y, row)
            y += BAR
        y += GAP
    engines = list(dict.fromkeys(row["engine"] for group in groups.values() for row in group))
    head = [text(LABELS, 22, "Time of Tenon divided by time of a peer: below 1, Tenon is faster", 15,
                 weight="bold"), text(LABELS, 38, caption, 11, colour="#555")]
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 24}" '
         f'viewBox="0 0 {WIDTH} {y + 24}" font-family="sans-serif">',
         f'<rect width="{WIDTH}" height="{y + 24}" fill="#fff"/>']
        + head + legend(titles, engines) + grid(y - GAP + 6) + parts + ["</svg>", ""])
