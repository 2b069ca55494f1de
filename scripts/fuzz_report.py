#!/usr/bin/env python3
"""Writes docs/reliability/fuzz.json of fuzz/hours.tsv, fuzz/coverage.tsv and fuzz/findings.tsv."""

import csv
import json
from pathlib import Path

from fuzz_coverage import PARTS, part_of

ROOT = Path(__file__).resolve().parent.parent


def table(name):
    with open(ROOT / "fuzz" / name, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def rounds():
    """Of each target the sum of its rounds, and what the best of them reached."""
    targets = {}
    for line in table("hours.tsv"):
        one = targets.setdefault(line["target"], dict.fromkeys(list(line)[1:], 0))
        for key in ("cpu_seconds", "executions", "finds"):
            one[key] += int(line[key])
        for key in ("edges", "features"):
            one[key] = max(one[key], int(line[key]))
        one["rounds"] = one.get("rounds", 0) + 1
    return targets


def share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def coverage():
    sums = {name: [0] * 4 for name, _ in PARTS}
    for line in table("coverage.tsv"):
        part = part_of(line["file"])
        if part:
            for place, key in enumerate(("lines", "lines_reached", "functions", "functions_reached")):
                sums[part][place] += int(line[key])
    return [
        [part, lines, reached, share(reached, lines), functions, called, share(called, functions)]
        for part, (lines, reached, functions, called) in sums.items()
    ]


def main():
    targets = rounds()
    seconds = sum(one["cpu_seconds"] for one in targets.values())
    executions = sum(one["executions"] for one in targets.values())
    stopped = sum(one["finds"] for one in targets.values())
    rows = [
        [name, one["rounds"], one["cpu_seconds"], one["executions"], one["edges"], one["features"],
         one["finds"]]
        for name, one in sorted(targets.items())
    ]
    rows.append(["all", sum(one["rounds"] for one in targets.values()), seconds, executions, "", "",
                 stopped])
    result = {
        "title": "Fuzzing",
        "command": "make fuzz SECONDS=300 && make fuzz-coverage",
        "intro": (
            f"{executions:,} inputs made by libFuzzer in {seconds / 3600:.2f} hours of CPU time, under "
            "AddressSanitizer, with leaks looked for, overflow checked, and in the targets' own "
            "words what must hold (fuzz/README.md). Each round is one line of fuzz/hours.tsv."
        ),
        "tables": [
            {
                "title": "Rounds",
                "columns": ["target", "rounds", "CPU seconds", "executions", "edges", "features",
                            "rounds ended by a find"],
                "rows": rows,
            },
            {
                "title": "What seeds and corpora reach",
                "columns": ["part", "lines", "reached", "share", "functions", "called", "share"],
                "rows": coverage(),
            },
            {
                "title": "Findings",
                "columns": ["target", "what it was", "what was done", "what keeps it found"],
                "rows": [list(line.values()) for line in table("findings.tsv")],
            },
        ],
        "notes": [
            "Edges are those of the whole program under test, dependencies included, and those of the "
            "best round.",
            "Lines and functions are counted in a build without optimisation, by running each "
            "target's case over its seeds and corpus.",
        ],
    }
    path = ROOT / "docs" / "reliability" / "fuzz.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
