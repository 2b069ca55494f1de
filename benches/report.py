"""Figures out of the outputs of the runs; the table on the terminal and docs/performance.md."""

import re
import statistics
import subprocess
from pathlib import Path

import plot

NAMES = {
    "debian": "libmosquitto",
    "ours": "libmqttrs",
    "paho": "Paho C",
    "rumqttc": "rumqttc",
    "floor": "bare socket",
}
NOISY = 0.25


def figures(case, outputs, failures):
    """One figure per row of the case: medians, the ratio to Debian's of the same round,
    the spread, and whether the target is met."""
    result = []
    for row in case.rows:
        values = {}
        for peer, rounds in outputs.items():
            read = []
            for output in rounds:
                try:
                    read.append(row.value(output))
                except KeyError:  # a peer that did not get as far
                    pass
            if read:
                values[peer] = read
        medians = {peer: statistics.median(read) for peer, read in values.items()}
        ratios = {}
        for peer, read in values.items():
            base = values.get("debian")
            if base and len(base) == len(read) and all(base) and all(read):
                pairs = zip(base, read)
                each = [r / b if row.kind in ("share", "rate") else b / r for b, r in pairs]
                ratios[peer] = (statistics.median(each), (max(each) - min(each)) / statistics.median(each))
        rates = {}
        server = [o["server_cpu_ns"] / o["n"] for o in outputs.get("ours", []) if "server_cpu_ns" in o]
        for peer, rounds in outputs.items():
            read = [output["n"] / output["wall_ns"] * 1e9 for output in rounds if row.kind == "times"]
            if read:
                rates[peer] = statistics.median(read)
        ours, ratio = medians.get("ours"), ratios.get("ours", (None, 0))[0]
        met = None
        if row.target is None:
            pass
        elif row.kind == "times":
            met = ratio is not None and ratio >= row.target
        elif row.kind == "share":
            met = ratio is not None and ratio <= row.target
        elif row.kind == "most":
            met = ours is not None and ours <= row.target
        elif row.kind == "over":
            met = "floor" in medians and ours is not None and ours - medians["floor"] <= row.target
        elif row.kind == "least":
            met = ours is not None and ours >= row.target
        result.append(
            {
                "case": case.name,
                "label": row.label,
                "unit": row.unit,
                "kind": row.kind,
                "target": row.target,
                "values": values,
                "medians": medians,
                "ratios": {peer: ratio for peer, (ratio, _) in ratios.items()},
                "rates": rates,
                "server_ns": statistics.median(server) if server else None,
                "spread": ratios.get("ours", (None, 0))[1],
                "met": met,
                "failed": failures,
            }
        )
    return result


def number(value):
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio_text(figure):
    ratio = figure["ratios"].get("ours")
    if ratio is None or figure["kind"] in ("most", "least", "over"):
        return ""
    if figure["kind"] == "share":
        return f"{ratio:.2f}"
    return f"{ratio:.1f} x"


def target_text(figure):
    target = figure["target"]
    if target is None:
        return ""
    return {
        "times": f"{target:g} x",
        "share": f"<= {target:g}",
        "most": f"<= {target:g}",
        "least": f">= {target:g}",
        "over": f"<= +{target:g}",
    }[figure["kind"]]


def rate_text(figure):
    rates = figure["rates"]
    return f"{rates['ours'] / rates['debian']:.1f} x" if "ours" in rates and "debian" in rates else ""


def verdict(figure):
    text = {True: "met", False: "NOT MET", None: ""}[figure["met"]]
    if figure["spread"] > NOISY and text:
        text += " ~"
    return text


LABEL = 42


def print_header(peers):
    columns = "".join(f"{NAMES[peer]:>13}" for peer in NAMES if peer in peers)
    print(f"{'':{LABEL}}{'':5}{columns}{'ratio':>9}{'target':>9}  {'':9}{'rate':>7}")


def print_rows(rows, peers):
    for figure in rows:
        columns = "".join(
            f"{'failed' if peer in figure['failed'] else number(figure['medians'].get(peer)):>13}"
            for peer in NAMES
            if peer in peers
        )
        print(
            f"{figure['label']:{LABEL}}{figure['unit']:>5}{columns}"
            f"{ratio_text(figure):>9}{target_text(figure):>9}  {verdict(figure):9}{rate_text(figure):>7}".rstrip(),
            flush=True,
        )
    if rows:
        for peer, why in rows[0]["failed"].items():
            print(f"    {rows[0]['case']}, {NAMES[peer]}: {why}", flush=True)


def noise(load, cores, results):
    """What to say of how quiet the machine was."""
    lines = []
    if load > 0.5 * cores:
        lines.append(f"The machine was busy with other things when this began: a load of {load:.1f} on {cores} cores.")
    noisy = [figure["label"] for figure in results if figure["spread"] > NOISY]
    if noisy:
        lines.append(f"Ratios that differ by more than {NOISY:.0%} among the rounds (~): {'; '.join(noisy)}.")
    if not lines:
        lines.append(f"The machine was quiet: no ratio differs by more than {NOISY:.0%} among the rounds.")
    return lines


def print_notes(results, load, cores, rounds):
    print()
    print(f"CPU time (user and system) of the client process, median of {rounds} rounds, taken in turn; ratio: libmosquitto over")
    print("libmqttrs in the same round, or for latency and the like (<=) libmqttrs over libmosquitto; rate: messages")
    print("per second of wall-clock time, libmqttrs over libmosquitto.")
    for line in noise(load, cores, results):
        print(line)
    judged = [figure for figure in results if figure["met"] is not None]
    print(f"{sum(figure['met'] for figure in judged)} of {len(judged)} targets met.")


# docs/performance.md


def read_first(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def package(name):
    return read_first(["dpkg-query", "--show", "--showformat=${Version}", name])


def found(pattern, path):
    match = re.search(pattern, Path(path).read_text(), re.MULTILINE)
    return match.group(1).strip() if match else "unknown"


def machine():
    version = found(r'^version = "(.*)"', "Cargo.toml")
    rumqttc = found(r'name = "rumqttc"\nversion = "(.*)"', "benches/rumqttc/Cargo.lock")
    kernel = read_first(["uname", "-sr"]).split("-")[0]
    memory = int(found(r"MemTotal:\s+(\d+)", "/proc/meminfo")) / 1024 / 1024
    return [
        ("processor", found(r"model name\s*:(.*)", "/proc/cpuinfo")),
        ("memory", f"{memory:.0f} GiB"),
        ("system", found(r'PRETTY_NAME="(.*)"', "/etc/os-release") + ", " + kernel),
        ("libmqttrs", f"{version}, {read_first(['rustc', '--version'])}"),
        ("libmosquitto", package("libmosquitto1")),
        ("Paho C", package("libpaho-mqtt1.3")),
        ("rumqttc", rumqttc),
        ("OpenSSL (libmosquitto, Paho C, server)", package("libssl3")),
    ]


def markdown_table(header, rows):
    yield "| " + " | ".join(header) + " |"
    yield "|" + "|".join("---" if i == 0 else "---:" for i in range(len(header))) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def case_row(figure):
    cells = [f"{figure['label']}{', ' + figure['unit'] if figure['unit'] else ''}"]
    for peer in NAMES:
        failed = peer in figure["failed"] and peer not in figure["medians"]
        cells.append("failed" if failed else number(figure["medians"].get(peer)))
    cells.append(ratio_text(figure).replace(" x", " ×"))
    cells.append(target_text(figure).replace(" x", " ×").replace("<=", "≤").replace(">=", "≥"))
    cells.append(verdict(figure).replace("NOT MET", "**not met**"))
    return cells


def rate_row(figure):
    rates = figure["rates"]
    cells = [number(rates.get(peer)) for peer in NAMES]
    return [figure["label"], *cells, rate_text(figure).replace(" x", " ×"), number(figure["server_ns"])]


def counts():
    lines = [line for line in Path("benches/counts.tsv").read_text().splitlines() if line and not line.startswith("#")]
    yield from markdown_table(lines[0].split("\t"), [line.split("\t") for line in lines[1:]])


def write(folder, everything):
    results, rounds = everything["figures"], everything["rounds"]
    header = ["", *NAMES.values(), "ratio", "target", ""]
    ratios = [figure for figure in results if figure["kind"] == "times"]
    others = [figure for figure in results if figure["kind"] != "times"]
    plots = folder / "performance"
    plots.mkdir(exist_ok=True)
    (plots / "ratios.svg").write_text(plot.ratios(ratios, NAMES))
    (plots / "times.svg").write_text(plot.times(ratios, NAMES))
    text = Path("benches/performance.md.in").read_text()
    parts = {
        "ROUNDS": str(rounds),
        "MACHINE": "\n".join(markdown_table(["", ""], machine())).replace("---:", "---"),
        "NOISE": "\n".join(noise(everything["load"], everything["cores"], results)),
        "RATIOS": "\n".join(markdown_table(header, map(case_row, ratios))),
        "RATES": "\n".join(markdown_table(["", *NAMES.values(), "ratio", "server"], map(rate_row, ratios))),
        "OTHERS": "\n".join(markdown_table(header, map(case_row, others))),
        "COUNTS": "\n".join(counts()),
        "NOTES": Path("benches/performance-notes.md").read_text(),
        "MET": f"{sum(bool(f['met']) for f in results)} of {sum(f['met'] is not None for f in results)}",
    }
    for key, value in parts.items():
        text = text.replace(f"@{key}@", value)
    (folder / "performance.md").write_text(text.rstrip() + "\n")
