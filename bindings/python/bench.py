"""Messages a second, beside paho-mqtt: ``make bench-python``.

Every measurement is a process of its own (bench_client.py) against the small server of benches/,
which counts what it gets and answers at once, so that the clients are what is measured. The
contestants take turns in each of ROUNDS rounds (default 5); the figures are medians. Writes bench.json, and
the table into README.md. Ends with 1 where the server saw a message lost, doubled or out of order.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BUILD = Path(os.environ.get("MQTTRS_BUILD_DIR", REPOSITORY / "build")).resolve()
BENCHES = REPOSITORY / "benches"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
PAHO = "paho-mqtt==2.2.0"

CONTESTANTS = {
    "paho": "paho.mqtt.client",
    "ours": "mqttrs.client",
    "aio": "aio",
    "native": "native",
}
# How many messages, so that each measurement takes about half a second.
COUNTS = {
    ("publish", 0): {"paho": 30_000, "aio": 30_000, "ours": 400_000, "native": 400_000},
    ("publish", 1): {"paho": 8_000, "aio": 20_000, "ours": 80_000, "native": 80_000},
    ("publish", 2): {"paho": 6_000, "aio": 20_000, "ours": 60_000, "native": 60_000},
    ("receive", 0): {"paho": 20_000, "aio": 100_000, "ours": 300_000, "native": 300_000},
    ("receive", 1): {"paho": 8_000, "aio": 50_000, "ours": 150_000, "native": 150_000},
    ("receive", 2): {"paho": 8_000, "aio": 40_000, "ours": 100_000, "native": 100_000},
}
# What "ours" is to reach, as a multiple of paho's rate.
TARGETS = {("publish", 0): 5, ("publish", 1): 5, ("receive", 0): 3, ("receive", 1): 3}


def run(*command: object, **options: Any) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, **options
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> None:
    """The server, paho-mqtt, and our package as it is installed."""
    compiler = os.environ.get("CC", "cc")
    sources = [BENCHES / "server.c", BENCHES / "server_mqtt.c"]
    run(compiler, "-O2", *sources, "-o", folder / "server", "-lssl", "-lcrypto")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "install", "--no-deps"]
    run(*pip, "--target", folder / "paho", PAHO)
    source = folder / "source"
    source.mkdir()
    for name in ("README.md", "pyproject.toml", "setup.py", "mqttrs"):
        run("cp", "-r", HERE / name, source)
    environment = {**os.environ, "MQTTRS_BUILD_DIR": str(BUILD)}
    environment["MQTTRS_INCLUDE_DIR"] = str(REPOSITORY / "include")
    local = ["--no-build-isolation", "--no-index", "--target", folder / "ours", source]
    run(*pip, *local, env=environment)


def measure(
    folder: Path, server: IO[str], port: str, who: str, mode: str, qos: int
) -> dict[str, float]:
    path = f"{folder / 'paho'}:{folder / 'ours'}"
    command = [HERE / "bench_client.py", CONTESTANTS[who], mode, port, COUNTS[mode, qos][who], qos]
    # Elsewhere than beside the sources, so that the package is the installed one.
    out = run(
        sys.executable,
        "-P" if sys.version_info >= (3, 11) else "-B",
        *command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
    )
    account = dict(word.split("=") for word in server.readline().split() if "=" in word)
    moved = int(account["received" if mode == "publish" else "sent"])
    if account["wrong"] != "0" or moved != COUNTS[mode, qos][who]:
        sys.exit(f"{who}, {mode} QoS {qos}: the server has {account}")
    return json.loads(out)


def main() -> None:
    only = sys.argv[1:] or list(CONTESTANTS)
    samples: dict[tuple[str, str, int], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="python-bench.") as name:
        folder = Path(name)
        build(folder)
        with subprocess.Popen(
            [folder / "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            port = server.stdout.readline().split()[0]
            for number in range(ROUNDS):
                for mode, qos in COUNTS:
                    for who in only:
                        result = measure(folder, server.stdout, port, who, mode, qos)
                        samples.setdefault((who, mode, qos), []).append(result)
                print(f"round {number + 1} of {ROUNDS}", flush=True)
            server.stdin.close()
    report(only, samples)


def report(only: list[str], samples: dict[tuple[str, str, int], list[dict[str, float]]]) -> None:
    rows = []
    for mode, qos in COUNTS:
        row: dict[str, Any] = {"mode": mode, "qos": qos, "target": TARGETS.get((mode, qos))}
        for who in only:
            runs = samples[who, mode, qos]
            rate = statistics.median(r["messages"] / r["seconds"] for r in runs)
            cpu = statistics.median(r["cpu_seconds"] / r["messages"] for r in runs)
            row[who] = {"per_second": round(rate), "cpu_us": round(cpu * 1e6, 2)}
        rows.append(row)
    table = make_table(rows, only)
    print(table)
    if list(CONTESTANTS) == only:
        machine = f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores"
        result = {"rounds": ROUNDS, "machine": machine, "paho": PAHO, "rows": rows}
        (HERE / "bench.json").write_text(json.dumps(result, indent=1) + "\n")
        readme = HERE / "README.md"
        marked = re.compile(r"(<!-- bench -->\n).*(<!-- /bench -->)", re.DOTALL)
        text = f"{machine}, {PAHO.replace('==', ' ')}, {ROUNDS} rounds:\n\n{table}\n"
        readme.write_text(marked.sub(lambda m: m[1] + text + m[2], readme.read_text()))


def make_table(rows: list[dict[str, Any]], only: list[str]) -> str:
    titles = {
        "paho": "`paho.mqtt.client`",
        "ours": "`mqttrs.client`",
        "aio": "`mqttrs.aio`",
        "native": "native layer",
    }
    both = {"paho", "ours"} <= set(only)
    head = ["messages a second", *(titles[who] for who in only)] + (
        ["faster", "CPU time"] if both else []
    )
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in rows:
        line = [
            f"{row['mode']}, QoS {row['qos']}",
            *(f"{row[who]['per_second']:,}" for who in only),
        ]
        if both:
            times = row["ours"]["per_second"] / row["paho"]["per_second"]
            cpu = [row[who]["cpu_us"] for who in ("paho", "ours")]
            line += [f"{times:.1f}×", f"{cpu[0]:.1f} → {cpu[1]:.1f} µs"]
        lines.append(line)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
