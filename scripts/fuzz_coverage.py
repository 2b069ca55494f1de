#!/usr/bin/env python3
"""fuzz_coverage.py SUMMARY SOURCES TABLE: of llvm-cov's summary a table of the files below SOURCES.

With --files it prints the files that read bytes of the network.
"""

import json
import os
import sys
from pathlib import Path

# What a byte from the network passes until the program has it, and what reads a program's strings
# and a store's log.
PARTS = [
    ("Packets", ["codec/"]),
    ("Session, inbound", [
        "session/inbound.rs", "session/plain.rs", "session/aliases.rs", "session/packet_id_map.rs",
        "session/packet_ids.rs",
    ]),
    ("Session, the rest", ["session/"]),
    ("WebSocket", ["transport/websocket.rs"]),
    ("Answers of proxies", ["transport/proxy/"]),
    ("Answers of name servers", ["transport/srv/"]),
    ("Topics and what else is parsed", ["types/"]),
    ("Server references and lists", ["client/lifecycle/servers.rs"]),
    ("Receiving", ["client/intake.rs", "client/receive.rs", "client/deliver.rs"]),
    ("Log of the store", ["store/"]),
    ("C API", ["ffi/"]),
]


def part_of(file):
    for name, starts in PARTS:
        if any(file.startswith(start) for start in starts):
            return name
    return None


def main():
    if sys.argv[1:] == ["--files"]:
        sources = Path(__file__).parent.parent / "src"
        files = sorted(str(path.relative_to(sources)) for path in sources.rglob("*.rs"))
        print(*(f"src/{file}" for file in files if part_of(file)), sep="\n")
        return
    summary, sources, table = sys.argv[1:]
    rows = []
    for file in json.loads(Path(summary).read_text())["data"][0]["files"]:
        name = os.path.relpath(file["filename"], sources)
        if not name.startswith(".."):
            lines, functions = file["summary"]["lines"], file["summary"]["functions"]
            rows.append((name, lines["count"], lines["covered"], functions["count"],
                         functions["covered"]))
    rows.sort()
    head = ("file", "lines", "lines_reached", "functions", "functions_reached")
    text = "".join("\t".join(map(str, row)) + "\n" for row in [head, *rows])
    Path(table).write_text(text)
    for name, lines, reached, functions, called in rows:
        if part_of(name):
            print(f"{name:40} lines {reached:5} of {lines:5}  functions {called:4} of {functions:4}")


if __name__ == "__main__":
    main()
