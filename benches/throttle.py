#!/usr/bin/env python3
"""How exactly limits of speed are kept, over ten seconds of the clock on the wall.

`make bench-throttle` calls this, with the library built and MQTTRS_BUILD_DIR telling where; it
writes docs/features/throttle.json. SPAN= for another number of seconds.
"""

import json
import os
import socket
import subprocess
import tempfile
import time

import build

RESULT = build.SOURCES.parent / "docs" / "features" / "throttle.json"
SPAN = float(os.environ.get("SPAN") or 10)
PAYLOAD = 64
# What is limited, in what, how many a second, at once.
CASES = [
    ("sent", "messages", 10, 1),
    ("sent", "messages", 100, 20),
    ("sent", "messages", 1000, 1),
    ("sent", "messages", 10000, 100),
    ("sent", "bytes", 20000, 1000),
    ("topic", "messages", 100, 1),
    ("topic", "messages", 1000, 50),
    ("received", "messages", 10, 1),
    ("received", "messages", 100, 20),
    ("received", "messages", 1000, 1),
    ("received", "bytes", 20000, 1000),
]
NAMES = {
    "sent": "`mqttrs_throttle_set`, all messages",
    "topic": "`mqttrs_throttle_set`, a topic filter",
    "received": "`mqttrs_receive_throttle_set`",
}


def main():
    build.OUT.mkdir(parents=True, exist_ok=True)
    program = build.OUT / "throttle"
    own = ("-I", "include", "-L", build.BUILD, "-lmqttrs", f"-Wl,-rpath,{build.BUILD}", "-lpthread")
    build.run(os.environ.get("CC") or "cc", "-O2", build.SOURCES / "throttle.c", "-o", program, *own)
    with tempfile.TemporaryDirectory() as folder:
        port, broker = start_broker(folder)
        try:
            rows = [row(program, port, *case) for case in CASES]
            sleeps = measure(program, port, "idle", "messages", 1000, 1)
        finally:
            broker.terminate()
            broker.wait()
    result = {
        "title": "Limits of speed",
        "command": "make bench-throttle",
        "intro": f"Messages of {PAYLOAD} bytes and QoS 1 between clients with loop threads and Mosquitto, more of them than "
        f"may go, counted for {SPAN:g} seconds from the first one on. That is to be the burst and what the rate gives.",
        "tables": [
            {
                "columns": ["limit", "a second", "burst", "messages to be", "messages", "deviation"],
                "rows": rows,
            }
        ],
        "notes": [
            f"Limits that nobody waits for: the loop thread woke up {sleeps} times in {SPAN:g} seconds.",
            "With a clock that stands still until the test moves it, `tests/session_throttle.rs` and "
            "`tests/session_receive_throttle.rs` show the same without a machine's unrest.",
        ],
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(RESULT.read_text())


def start_broker(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = os.path.join(folder, "mosquitto.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    broker = subprocess.Popen(["mosquitto", "-c", config], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return port, broker
        except OSError:
            time.sleep(0.02)
    raise SystemExit("bench: mosquitto does not start")


def measure(program, port, way, unit, rate, burst):
    words = [program, port, way, unit, rate, burst, SPAN]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True, timeout=SPAN + 60)
    return int(done.stdout)


def row(program, port, way, unit, rate, burst):
    found = measure(program, port, way, unit, rate, burst)
    # Fixed header, topic with its length, packet identifier.
    size = 2 + 2 + len("throttle/12345") + 2 + PAYLOAD if unit == "bytes" else 1
    expected = (burst + rate * SPAN) / size
    return [NAMES[way], f"{rate:,} {unit}", f"{burst:,}", f"{expected:,.0f}", f"{found:,}", f"{100 * (found / expected - 1):+.1f} %"]


main()
