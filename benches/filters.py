#!/usr/bin/env python3
"""What a received message costs that goes to the callback of one among many topic filters.

`make bench-filters` calls this, with the libraries built and MQTTRS_BUILD_DIR telling where; it
writes docs/features/filters.json. ROUNDS= for another number of rounds.
"""

import json
import os
import re
import statistics
import subprocess

import build

RESULT = build.SOURCES.parent / "docs" / "features" / "filters.json"
ROUNDS = int(os.environ.get("ROUNDS") or 5)
FILTERS = [0, 10, 100, 1_000, 10_000]
TOPICS = 5
# A list is gone through for each message: fewer messages, lest it take hours.
TRIED = {"ours": 1_000_000_000, "debian": 10_000_000}


def main():
    build.OUT.mkdir(parents=True, exist_ok=True)
    for name in ("server", "client"):
        build.compile_c(name)
    times = {(peer, filters): [] for filters in FILTERS for peer in TRIED}
    added, sizes = [], []
    for _ in range(ROUNDS):
        for peer, filters in times:
            count = min(500_000, TRIED[peer] // max(filters, 1))
            said, _ = one(peer, filters, count)
            times[peer, filters].append(said["cpu_ns"] / count)
            if (peer, filters) == ("ours", FILTERS[-1]):
                added.append(said["adding_ns"] / filters)
                sizes.append(said["bytes"] / filters)
    rows = []
    for filters in FILTERS:
        row = [f"{filters:,}" if filters else "none, `on_message`"]
        for peer in ("ours", "debian"):
            row += [f"{instructions(peer, filters):,.0f}", f"{statistics.median(times[peer, filters]):,.0f}"]
        rows.append(row)
    result = {
        "title": "Callbacks of topic filters",
        "command": "make bench-filters",
        "intro": "Messages of 64 bytes and QoS 0 arrive on five topics in turn, each of which one filter matches; the others "
        "are names beside these, names elsewhere, and such with `+` and `#`. With `mqttrs_message_callback_add`, and "
        "as one does it with libmosquitto: `on_message` tries one filter after the other with "
        "`mosquitto_topic_matches_sub`.",
        "tables": [
            {
                "title": "A message",
                "columns": [
                    "filters",
                    "libmqttrs, instructions",
                    "ns of CPU",
                    "libmosquitto with a list, instructions",
                    "ns of CPU",
                ],
                "rows": rows,
            },
            {
                "title": f"A filter, as one of {FILTERS[-1]:,}",
                "columns": ["what", "value"],
                "rows": [
                    ["adding it", f"{statistics.median(added):,.0f} ns"],
                    ["memory", f"{statistics.median(sizes):,.0f} bytes"],
                ],
            },
        ],
        "notes": [
            "All of receiving counts, in the process of the client.",
            f"Times are medians of {ROUNDS} rounds; instructions are counted by callgrind, two runs of different "
            "length subtracted.",
        ],
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(RESULT.read_text())


def instructions(peer, filters):
    """A message's, where the start of the process drops out."""
    few, many = (20, 100) if peer == "debian" and filters > 1_000 else (1_000, 5_000)
    tool = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
    counts = []
    for count in (few, many):
        _, said = one(peer, filters, count, tool)
        counts.append(int(re.search(r"Collected : (\d+)", said)[1]))
    return (counts[1] - counts[0]) / (many - few)


def one(peer, filters, count, tool=()):
    """What the client has measured, and what the tool it ran under has said."""
    server = subprocess.Popen([build.OUT / "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().split()[0]
        command = [*tool, build.program(peer, "filters"), "filters", port, str(count)]
        command += [f"topics={TOPICS}", f"filters={filters}"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=300, env=build.environment(peer)
        )
    finally:
        server.stdin.close()
        server.stdout.read()
        server.wait()
    said = {key: float(value) for key, value in (word.split("=") for word in done.stdout.split())}
    if said["n"] != count or said["wrong"] != 0:
        raise SystemExit(f"bench: {command}: {done.stdout}")
    return said, done.stderr


if __name__ == "__main__":
    main()
