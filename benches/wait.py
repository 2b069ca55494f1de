#!/usr/bin/env python3
"""Publishing and waiting, with tokens and, as ever, with a condition variable.

`make bench-wait` calls this, with the libraries built and MQTTRS_BUILD_DIR telling where; it
writes docs/features/wait.json. ROUNDS= for another number of rounds.
"""

import json
import os
import statistics
import subprocess

import build

RESULT = build.SOURCES.parent / "docs" / "features" / "wait.json"
ROUNDS = int(os.environ.get("ROUNDS") or 5)
# What the table says, the program, the library it runs on.
WAYS = [
    ("libmosquitto, condition variable", "wait_condvar", "debian"),
    ("libmqttrs, condition variable", "wait_condvar", "ours"),
    ("libmqttrs, `mqttrs_tokens_wait`", "wait_token", "own"),
]
# Messages in all, and at a time.
GROUPS = [(20_000, 1), (50_000, 20), (100_000, 1000)]


def main():
    build.OUT.mkdir(parents=True, exist_ok=True)
    build.compile_c("server")
    own = ("-I", "include", "-L", build.BUILD, "-lmqttrs", f"-Wl,-rpath,{build.BUILD}")
    for name, words in (("wait_condvar", ("-lmosquitto", "-lpthread")), ("wait_token", own)):
        source = build.SOURCES / f"{name}.c"
        build.run(os.environ.get("CC") or "cc", "-O2", source, "-o", build.OUT / name, *words)
    tables = []
    for total, group in GROUPS:
        times = {way[0]: [] for way in WAYS}
        for _ in range(ROUNDS):
            for way, program, library in WAYS:
                times[way].append(one(program, library, total, group))
        tables.append(table(times, group))
    result = {
        "title": "Publishing and waiting",
        "command": "make bench-wait",
        "intro": "Messages of 64 bytes and QoS 1, published one or some at a time by a thread that waits until all "
        "of these are acknowledged, with `mosquitto_loop_start`, beside the same with a condition variable that "
        "the publish callback signals.",
        "tables": tables,
        "notes": [f"Medians of {ROUNDS} rounds, in which the ways take turns."],
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(RESULT.read_text())


def one(program, library, total, group):
    """Microseconds a message, by the clock and of CPU."""
    server = subprocess.Popen([build.OUT / "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().split()[-1]
        command = [build.OUT / program, port, str(total), str(group)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=120, env=build.environment(library)
        )
    finally:
        server.stdin.close()
        server.stdout.read()
        server.wait()
    values = dict(word.split("=") for word in done.stdout.split())
    count = float(values["n"])
    return float(values["wall"]) * 1e6 / count, float(values["cpu"]) * 1e6 / count


def table(times, group):
    medians = {way: [statistics.median(column) for column in zip(*pairs)] for way, pairs in times.items()}
    first = medians[WAYS[0][0]]
    rows = [
        [way, f"{wall:.2f}", f"{first[0] / wall:.1f}", f"{cpu:.2f}", f"{first[1] / cpu:.1f}"]
        for way, (wall, cpu) in medians.items()
    ]
    return {
        "title": "One message at a time" if group == 1 else f"{group:,} messages at a time",
        "columns": ["way", "µs a message", "times faster", "µs of CPU a message", "times less"],
        "rows": rows,
    }


main()
