"""Writes what was measured into a Markdown page, between two marks: `run --page docs/benchmarks.md`.

The figures of that page are never typed.
"""
import os
import re
import statistics

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def share(row, key):
    if row[key] is None:
        return "–"
    return f"{100 * (row['outputs'] - row[key]) / row['outputs']:.1f} %"


def contests(run, titles):
    rows = []
    for row in run["contests"]:
        own = row["engine"] == "tenon"
        rows.append([
            f"{row['model']}, {row['threads']}" if own else "", titles[row["engine"]],
            f"{row['wall_ms']:.3f}", f"{row['cpu_ms']:.3f}",
            "" if own else f"{row['ratio_wall']:.2f}", "" if own else f"{row['ratio_cpu']:.2f}",
            share(row, "differ"), share(row, "differ_f32")])
    return table(["model, threads", "engine", "wall ms", "CPU ms", "Tenon / it", "by CPU time",
                  "= TFLite", "= `f32`"], rows)


GOALS = [("xnnpack", "quantized", 0.67), ("onnxruntime", "quantized", 1.0),
         ("onnxruntime", "float", 1.1)]


def goals(run, titles):
    """Ratios of wall time against what was aimed at; bold where it is reached."""
    lines = []
    for engine, kind, goal in GOALS:
        found = [f"{row['model']} ({row['threads']}) "
                 + (f"**{row['ratio_wall']:.2f}**" if row["ratio_wall"] <= goal
                    else f"{row['ratio_wall']:.2f}")
                 for row in run["contests"] if row["engine"] == engine
                 and row["model"].endswith("float") == (kind == "float")]
        if found:
            lines.append(f"- {kind}, {titles[engine]}, aim {goal:g}: " + ", ".join(found))
    return lines + [""]


def starts(run):
    engines = list(dict.fromkeys(row["engine"] for row in run["starts"]))
    models = list(dict.fromkeys(row["model"] for row in run["starts"]))
    found = {(row["model"], row["engine"]): f"{row['ms']:.1f} ms, {row['peak_kib'] / 1024:.1f} MiB"
             for row in run["starts"]}
    return table(["first answer, peak memory"] + engines,
                 [[model] + [found.get((model, engine), "–") for engine in engines]
                  for model in models])


def scaling(run, titles):
    one = {(row["model"], row["engine"]): row["best_ms"]
           for row in run["contests"] if row["threads"] == 1}
    two = {(row["model"], row["engine"]): row["best_ms"]
           for row in run["contests"] if row["threads"] == 2}
    engines = [engine for engine in ("tenon", "onnxruntime", "xnnpack") if engine in titles]
    models = list(dict.fromkeys(model for model, _ in one))
    return table(["2 threads against 1"] + [titles[engine] for engine in engines],
                 [[model] + [f"{one[model, engine] / two[model, engine]:.2f}"
                             if (model, engine) in one and (model, engine) in two else "–"
                             for engine in engines] for model in models])


def kernels(run):
    """What each kernel of Tenon reaches over the layers of all networks."""
    found = {}
    for model, rows in run["layers"].items():
        for row in rows:
            if row["macs"] and row["ns"]["tenon"]:
                key = (row["op"], row["kernel"])
                found.setdefault(key, []).append(row["macs"] / row["ns"]["tenon"])
    return table(["operator", "kernel", "layers", "GMAC/s: least", "median", "most"],
                 [[op, f"`{kernel}`", str(len(rates)), f"{min(rates):.1f}",
                   f"{statistics.median(rates):.1f}", f"{max(rates):.1f}"]
                  for (op, kernel), rates in sorted(found.items())])


def limit_of(model, peaks):
    """The fastest exact multiplication: what layers are held against."""
    names = ("fma512", "fma") if model.endswith("float") else ("vnni512", "vnni256", "maddubs")
    for wanted in names:
        for name, rate, _ in peaks:
            if name == wanted:
                return rate
    return 0


def losses(run):
    """Time that Tenon loses to the fastest peer, layer by layer, summed over each operator."""
    rows = []
    for model, layers in run["layers"].items():
        lost = {}
        for row in layers:
            peers = [ns for name, ns in row["ns"].items() if name != "tenon" and ns]
            if peers and row["ns"]["tenon"] > min(peers):
                lost[row["op"]] = lost.get(row["op"], 0) + row["ns"]["tenon"] - min(peers)
        total = sum(row["ns"]["tenon"] for row in layers)
        worst = sorted(lost.items(), key=lambda item: -item[1])[:3]
        rows.append([model, f"{total / 1e3:.0f}", f"{sum(lost.values()) / 1e3:.0f}",
                     ", ".join(f"{op} {ns / 1e3:.0f}" for op, ns in worst)])
    return table(["model", "us, sum of layers", "lost to the fastest peer", "most of it in"], rows)


def layers_page(results):
    """Every layer of every network: a page of its own."""
    lines = ["# Benchmarks, layer by layer", "",
             "Written by `bench/run --page`, as [benchmarks.md](benchmarks.md). Microseconds on one "
             "core; ORT is ONNX Runtime, whose default may saturate. Limit: the share of what the "
             "fastest instruction that multiplies exactly reaches.", ""]
    for run in results["runs"]:
        for model, rows in run["layers"].items():
            limit = limit_of(model, run["peaks"])
            lines += [f"## {model}, CPU seen as {run['cpu']}", ""]
            body = []
            for i, row in enumerate(rows):
                ns = row["ns"]["tenon"]
                rate = row["macs"] / ns if ns and row["macs"] else 0
                body.append([str(i), row["op"], f"`{row['kernel']}`", f"{ns / 1e3:.1f}",
                             f"{rate:.1f}" if rate else "",
                             f"{100 * rate / limit:.0f} %" if rate and limit else ""]
                            + [f"{row['ns'][name] / 1e3:.1f}" if row["ns"].get(name) else ""
                               for name in ("onnxruntime", "xnnpack")])
            lines += table(["", "operator", "kernel", "Tenon", "GMAC/s", "limit", "ORT",
                            "XNNPACK"], body)
    return "\n".join(lines)


def page(results, titles):
    lines = [f"{results['machine']}; {results['date']}"
             + (", before all other processes (SCHED_FIFO)" if results["realtime"] else ""), ""]
    for run in results["runs"]:
        picture = f"benchmarks-{run['cpu']}.svg"
        lines += [f"### CPU seen as {run['cpu']}", "",
                  "Peak of one core: " + "; ".join(f"{text}: {rate:.0f} GMAC/s"
                                                   for _, rate, text in run["peaks"]) + ".", "",
                  f"![Ratios to peers]({picture})", ""]
        lines += goals(run, titles) + contests(run, titles) + scaling(run, titles) + starts(run) + kernels(run)
        lines += losses(run)
    return "\n".join(lines)


def write_page(path, results, titles, pictures):
    """`pictures`: by CPU mode, the text of the SVG, which is put beside the page."""
    with open(path, encoding="utf-8") as f:
        old = f.read()
    if BEGIN not in old or END not in old:
        raise SystemExit(f"{path} has no marks {BEGIN} and {END}")
    new = re.sub(re.escape(BEGIN) + ".*" + re.escape(END),
                 lambda _: f"{BEGIN}\n{page(results, titles)}{END}", old, flags=re.S)
    with open(path, "w", encoding="utf-8") as f:
        f.write(new)
    with open(path.replace(".md", "-layers.md"), "w", encoding="utf-8") as f:
        f.write(layers_page(results))
    for cpu, svg in pictures.items():
        with open(os.path.join(os.path.dirname(path), f"benchmarks-{cpu}.svg"), "w",
                  encoding="utf-8") as f:
            f.write(svg)
