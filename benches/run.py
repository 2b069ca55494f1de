"""Builds and runs the benchmarks; scripts/bench.sh is the way in."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import build
import report
from cases import CASES

CORES = sorted(os.sched_getaffinity(0))
PATIENCE = 120  # seconds for one program


class Failure(Exception):
    pass


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


class Server:
    """The server for one measurement, and what it says of its clients."""

    def __init__(self, core, tls):
        command = [build.OUT / "server"]
        if tls:
            command += [build.OUT / "server.pem", build.OUT / "server.key"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pinned(core)
        )
        ports = self.process.stdout.readline().split()
        if not ports:
            raise Failure("the server did not start")
        self.port = ports[-1]
        self.closed = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.closed.append(line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        return [parse(line) for line in self.closed]


def parse(line):
    result = {}
    for word in line.split():
        key, equals, value = word.partition("=")
        if equals:
            try:
                result[key] = float(value)
            except ValueError:
                result[key] = value
    return result


def judge(peer, mode, options, output, closed):
    """Whether every message arrived, once and in order."""
    if output.get("wrong"):
        raise Failure(f"{output['wrong']:.0f} messages wrong at the client")
    if mode not in ("publish", "receive", "queue"):
        return
    if len(closed) != 1:
        raise Failure(f"{len(closed)} connections instead of one")
    server = closed[0]
    if server["wrong"]:
        raise Failure(f"{server['wrong']:.0f} packets wrong at the server")
    if mode == "receive":
        if server["sent"] != output["n"]:
            raise Failure("not all was received")
        # The programs leave at the last message, and others may go without acknowledging
        # it. With QoS 2 our library delivers at the PUBLISH, and the PUBRELs of the last
        # window are still to come then.
        missing = output["n"] - server["acked"] if options.get("qos") else 0
        if peer == "ours" and missing > (options.get("window", 20) if options.get("qos") == 2 else 0):
            raise Failure(f"{missing:.0f} messages never acknowledged")
    elif server["received"] != output["n"]:
        raise Failure(f"the server got {server['received']:.0f} of {output['n']:.0f}")


def run_step(case, peer, mode, count, options):
    client_core = CORES[0]
    server = Server(CORES[0] if case.one_core else CORES[-1], case.tls)
    try:
        options = dict(options)
        if case.tls:
            options["tls"] = build.OUT / "ca.pem"
        command = [build.program(peer, mode), mode, server.port, str(count)]
        command += [f"{key}={value}" for key, value in options.items()]
        if case.processes:
            command = [build.OUT / "spawn", str(case.processes)] + command
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                env=build.environment(peer),
                preexec_fn=pinned(client_core),
            )
        except subprocess.TimeoutExpired:
            raise Failure(f"not done after {PATIENCE} s") from None
    finally:
        closed = server.stop()
    output = {}
    for line in done.stdout.splitlines():
        output |= parse(line)
    if done.returncode != 0 and "alive" not in output:
        why = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise Failure(why[-1])
    judge(peer, mode, options, output, closed)
    if len(closed) == 1:
        output["server_cpu_ns"] = closed[0]["cpu_ns"]
    return output


def run_case(case, peers, rounds):
    """Returns {peer: [output of each round]} and {peer: why it failed}."""
    outputs = {peer: [] for peer in case.peers if peer in peers}
    failures = {}
    for turn in range(min(rounds, case.rounds or rounds)):
        for peer, results in outputs.items():
            if peer in failures:
                continue
            if sys.stderr.isatty():
                print(f"\r\033[K{case.name}, round {turn + 1}, {peer}", end="", file=sys.stderr, flush=True)
            merged = {}
            try:
                for prefix, mode, count, options in case.steps:
                    count = case.counts.get(peer, count)
                    for key, value in run_step(case, peer, mode, count, options).items():
                        merged[prefix + key] = value
            except Failure as why:
                failures[peer] = str(why)
                continue
            results.append(merged)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return outputs, failures


def main():
    wanted = os.environ.get("CASES", "").split() + sys.argv[1:]
    known = {case.name for case in CASES}
    for name in wanted:
        if name not in known:
            sys.exit(f"bench: no case {name}; there are: {' '.join(case.name for case in CASES)}")
    rounds = int(os.environ.get("ROUNDS") or 5)
    peers = os.environ.get("PEERS", "").split() or ["debian", "ours", "paho", "rumqttc", "floor"]
    build.build(peers)
    load = os.getloadavg()[0]
    results, seconds = [], {}
    report.print_header(peers)
    for case in CASES:
        if wanted and case.name not in wanted:
            continue
        begun = time.monotonic()
        outputs, failures = run_case(case, peers, rounds)
        seconds[case.name] = round(time.monotonic() - begun, 1)
        figures = report.figures(case, outputs, failures)
        report.print_rows(figures, peers)
        results += figures
    report.print_notes(results, load, len(CORES), rounds)
    everything = {"load": load, "cores": len(CORES), "rounds": rounds, "seconds": seconds, "figures": results}
    (build.OUT / "results.json").write_text(json.dumps(everything, indent=1, ensure_ascii=False))
    if not wanted and len(peers) == 5:
        report.write(Path("docs"), everything)
        subprocess.run([sys.executable, "-B", "scripts/pages.py"], check=True)
        print("docs/performance.md is written, and the comparison in README.md.")
    if any("ours" in figure["failed"] for figure in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
