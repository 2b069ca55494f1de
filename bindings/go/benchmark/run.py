#!/usr/bin/env python3
"""Measures the binding beside the library in C and Paho's client for Go; prints a table.

    benchmark/run.py [ROUNDS]

It installs what it needs of Debian's packages and takes the libraries from the folder that
MQTTRS_BUILD_DIR names (after `make all dropin`). The peers take turns, each pinned to one core and
the server to another. Figures are medians of CPU time and time for a message, in nanoseconds.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
BUILD = Path(os.environ["MQTTRS_BUILD_DIR"]).resolve()
PACKAGES = "golang-go gcc libc6-dev pkg-config libssl-dev libmosquitto-dev golang-github-eclipse-paho.mqtt.golang-dev"
CORES = sorted(os.sched_getaffinity(0))

# What is measured: its name, how many messages, the command of each peer.
C, TOLD, GO, PAHO = "client", "told", "go", "paho"
CASES = [
    ("publish, QoS 0, untold", 3000000, {C: "publish qos=0", GO: "publish qos=0"}),
    ("publish, QoS 0, untold, 4 threads", 3000000, {C: "publish qos=0 threads=4", GO: "publish qos=0 threads=4"}),
    ("publish, QoS 0, told", 500000, {TOLD: "publish qos=0", GO: "publish qos=0 way=async", PAHO: "publish qos=0"}),
    ("publish, QoS 1, untold, window 100", 500000, {C: "publish qos=1 window=100", GO: "publish qos=1 window=100"}),
    (
        "publish, QoS 1, told, window 100",
        300000,
        {TOLD: "publish qos=1 window=100", GO: "publish qos=1 window=100 way=async", PAHO: "publish qos=1 window=100"},
    ),
    (
        "publish, QoS 1, batches of 500",
        300000,
        {TOLD: "publish qos=1 window=100", GO: "publish qos=1 window=100 way=batch"},
    ),
    (
        "publish, QoS 1, one at a time",
        20000,
        {TOLD: "wait qos=1", GO: "publish qos=1 way=wait", PAHO: "publish qos=1 way=wait"},
    ),
    ("receive, QoS 0", 3000000, {C: "receive qos=0", GO: "receive qos=0", PAHO: "receive qos=0"}),
    (
        "receive, QoS 1, window 1,000",
        500000,
        {C: "receive qos=1 window=1000", GO: "receive qos=1 window=1000", PAHO: "receive qos=1 window=1000"},
    ),
]


def build(out):
    """Compiles the programs; gives the command of each peer and its environment."""
    subprocess.run([TOP / "scripts/install-packages.sh", *PACKAGES.split()], check=True)
    compile_c = "import build; build.OUT.mkdir(exist_ok=True); build.compile_c('server'); build.compile_c('client')"
    env = os.environ | {"PYTHONPATH": "benches", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", compile_c], cwd=TOP, env=env, check=True)
    (out / "mqttrs.pc").write_text(
        f"Name: mqttrs\nDescription: not installed\nVersion: 0.1.0\n"
        f"Libs: -L{BUILD} -Wl,-rpath,{BUILD} -lmqttrs\nCflags: -I{TOP / 'include'}\n"
    )
    env = os.environ | {"PKG_CONFIG_PATH": str(out), "GOCACHE": str(BUILD / "go-cache"), "GOFLAGS": "", "GOPROXY": "off"}
    subprocess.run(["go", "build", "-o", out / "go", "./benchmark"], cwd=HERE.parent, env=env, check=True)
    subprocess.run(
        ["cc", "-O2", f"-I{TOP / 'include'}", f"-I{TOP / 'benches'}", HERE / "c/told.c", "-o", out / "told"]
        + [f"-L{BUILD}", f"-Wl,-rpath,{BUILD}", "-lmqttrs", "-lpthread"],
        check=True,
    )
    peers = {
        C: (BUILD / "bench/client", {"LD_PRELOAD": str(BUILD / "dropin/libmosquitto.so.1")}),
        TOLD: (out / "told", {}),
        GO: (out / "go", {}),
    }
    gopath = Path("/usr/share/gocode")
    if (gopath / "src/github.com/eclipse/paho.mqtt.golang").exists():
        old = env | {"GO111MODULE": "off", "GOPATH": str(gopath)}
        command = ["go", "build", "-tags", "paho", "-o", str(out / "paho"), "main.go"]
        subprocess.run(command, cwd=HERE / "paho", env=old, check=True)
        peers[PAHO] = (out / "paho", {})
    return peers


def measure(program, environment, words, count):
    """CPU time and time for one message, in nanoseconds."""
    pin = lambda core: lambda: os.sched_setaffinity(0, {core})
    server = subprocess.Popen(
        [BUILD / "bench/server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pin(CORES[-1])
    )
    try:
        port = server.stdout.readline().split()[-1]
        mode, *options = words.split()
        done = subprocess.run(
            [program, mode, port, str(count), *options],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            env=os.environ | environment,
            preexec_fn=pin(CORES[0]),
        )
    finally:
        server.stdin.close()
        said = server.stdout.read()
        server.wait()
    result = dict(word.split("=") for word in done.stdout.split())
    told = dict(word.split("=") for word in said.split() if "=" in word)
    if result.get("wrong", "0") != "0" or float(told["wrong"]):
        sys.exit(f"{program.name} {words}: messages wrong: {done.stdout}{said}")
    return float(result["cpu_ns"]) / count, float(result["wall_ns"]) / count


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        peers = build(Path(folder))
        rows = []
        for name, count, commands in CASES:
            results = {peer: [] for peer in commands if peer in peers}
            for _ in range(rounds):
                for peer, found in results.items():
                    # Paho is slow, and a figure for one message needs no more.
                    found.append(measure(*peers[peer], commands[peer], count // 5 if peer == PAHO else count))
            row = {peer: [statistics.median(column) for column in zip(*found)] for peer, found in results.items()}
            rows.append((name, row.get(C) or row[TOLD], row[GO], row.get(PAHO)))
        table("CPU time", 0, rows)
        table("Time", 1, rows)


def table(title, which, rows):
    print(f"\n| {title} | C | Go | Paho | Go / C | Paho / Go |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, *peers in rows:
        c, go, paho = (peer and peer[which] for peer in peers)
        last = f"{paho:,.0f} | {go / c:.1f} | {paho / go:.1f}" if paho else f"- | {go / c:.1f} | -"
        print(f"| {name} | {c:,.0f} | {go:,.0f} | {last} |")


if __name__ == "__main__":
    main()
