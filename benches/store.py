#!/usr/bin/env python3
"""The store measured: beside Paho C's file persistence, with a backlog, and killed.

`make bench-store` calls this, with the libraries built and MQTTRS_BUILD_DIR telling where; it
writes docs/reliability/store.json. ROUNDS= for another number of rounds.
"""
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = pathlib.Path(os.environ["MQTTRS_BUILD_DIR"]) / "store"
RESULT = HERE.parent / "docs" / "reliability" / "store.json"
ROUNDS = int(os.environ.get("ROUNDS") or 5)
BACKLOG = 400_000
# Name, what it is in the table, how many messages.
KINDS = [
    ("paho", "Paho C, file persistence, not synchronised", 5_000),
    ("0", "`MQTTRS_STORE_PROCESS_CRASH`, not synchronised", 100_000),
    ("1", "`MQTTRS_STORE_SYNC_GROUPS`, every 100 ms", 100_000),
    ("2", "`MQTTRS_STORE_SYNC_EVERY`, one thread publishes", 500),
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        build(folder)
        rates = throughput(folder)
        backlogs = [backlog(folder) for _ in range(ROUNDS)]
    tables = [throughput_table(rates), backlog_table(backlogs), *fault_tables()]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({
        "title": "Sessions on the disk",
        "command": "make bench-store",
        "intro": "Messages of 100 bytes and QoS 1 to Debian's Mosquitto, 20 in flight, each stored so "
                 "that it survives the end of the process before it is accepted; then a backlog "
                 "without a connection; then programs that are killed, and disks that fail.",
        "tables": tables,
        "notes": [f"Medians of {ROUNDS} rounds, in which the kinds take turns."],
    }, indent=1, ensure_ascii=False) + "\n")
    print(RESULT.read_text())


def build(folder):
    subprocess.run(["cc", "-O2", HERE / "store_paho.c", "-o", folder / "paho", "-lpaho-mqtt3c"],
                   check=True)
    for name in ("store_mqttrs", "store_backlog"):
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-I", HERE.parent / "include",
                        HERE / f"{name}.c", "-o", folder / name, "-L", LIBRARY, "-lmqttrs",
                        f"-Wl,-rpath,{LIBRARY}"], check=True)


def throughput(folder):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
    broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", config], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        rates = {name: [] for name, _, _ in KINDS}
        for _ in range(ROUNDS):
            for name, _, count in KINDS:
                store = folder / "messages"
                store.mkdir()
                program = [folder / "paho"] if name == "paho" else [folder / "store_mqttrs"]
                last = [] if name == "paho" else [name]
                out = subprocess.run([*program, str(port), str(count), store, *last],
                                     check=True, capture_output=True, text=True)
                rates[name].append(count / float(out.stdout))
                shutil.rmtree(store)
    finally:
        broker.kill()
        broker.wait()
    return rates


def throughput_table(rates):
    rows = []
    for name, what, _ in KINDS:
        ratios = [own / paho for own, paho in zip(rates[name], rates["paho"])]
        rows.append([what, f"{statistics.median(rates[name]):,.0f}",
                     f"{statistics.median(ratios):.1f}"])
    return {"title": "Throughput", "rows": rows,
            "columns": ["way", "messages a second", "times Paho C"]}


def backlog(folder):
    store = folder / "backlog"
    out = subprocess.run([folder / "store_backlog", str(BACKLOG), store],
                         check=True, capture_output=True, text=True)
    shutil.rmtree(store)
    return [float(number) for number in out.stdout.split()]


def backlog_table(rounds):
    median, longest, work, largest, size, took = map(statistics.median, zip(*rounds))
    return {"title": f"A backlog of {BACKLOG:,} messages, of which each further one drops the oldest",
            "columns": ["what", "value"],
            "rows": [
                ["a publish call while the log is written anew, median", f"{median:.1f} µs"],
                ["the longest of all, with what else the machine did", f"{longest / 1000:.1f} ms"],
                ["the most processor time of one", f"{work / 1000:.2f} ms"],
                ["the folder at its largest", f"{largest / 1e6:.1f} MB"],
                ["the folder at the end", f"{size / 1e6:.1f} MB"],
                ["opening it in a new process", f"{took:.2f} s"],
            ]}


def fault_tables():
    cargo = os.environ.get("CARGO", "cargo")
    out = subprocess.run([cargo, "test", "--locked", "--test", "store_kill", "--test",
                          "store_faults", "--", "--nocapture"],
                         check=True, capture_output=True, text=True).stdout
    kills = re.findall(r"^store (.*): (\d+) kills, (\d+) accepted, (\d+) lost, (\d+) doubled$",
                       out, re.M)
    faults = re.findall(r"^store faults: (\d+) of (.*)$", out, re.M)
    full = re.findall(r"^store (\S+) refuses: (\d+) accepted, (\d+) lost, (\d+) doubled$", out, re.M)
    return [
        {"title": "Killed with SIGKILL at any moment",
         "columns": ["setting", "kills", "accepted", "lost", "doubled (QoS 2)"],
         "rows": sorted(map(list, kills))},
        {"title": "Full disks",
         "columns": ["what is full", "accepted before and after", "lost", "doubled (QoS 2)"],
         "rows": sorted(map(list, full))},
        {"title": "Calls of the system that fail, once and for a while, with ENOSPC and EIO",
         "columns": ["call", "failures", "accepted and lost"],
         "rows": [[what, count, "0"] for count, what in faults]},
    ]


def wait_for(port):
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("mosquitto does not start")


main()
