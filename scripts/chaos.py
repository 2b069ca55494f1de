#!/usr/bin/env python3
"""Makes docs/reliability/chaos.json of what tests/chaos.rs said: chaos.py ROWS FAULTS SEED"""

import json
import pathlib
import sys

RESULT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "reliability" / "chaos.json"

# What tests/chaos_support/report.rs writes, in its order.
NAMES = """kind version store faults reconnects accepted1 delivered1 missing1 repeated1
    accepted2 delivered2 missing2 repeated2 acknowledged unknown doubled failed clock quota
    by_broker""".split()
KINDS = {
    "cut": "connection cut (FIN) at a random byte",
    "reset": "connection reset (RST) at a random byte",
    "stall": "nothing passes for a while, then it goes on or is reset",
    "half-open": "one or both directions swallowed, nobody told",
    "slow": "byte after byte",
    "broker restarted": "broker stopped and started again, with its sessions",
    "descriptors": "no file descriptor left, connection reset",
    "clock": "time of day jumps by up to decades, every fourth with resets",
    "process killed": "our process killed (SIGKILL) and started again",
    "everything": "our process killed, broker restarted, network broken",
    "broker killed": "broker killed (SIGKILL), forgets everything",
    "subscriber killed": "our subscriber killed (SIGKILL) and started again",
}
FORGETFUL = "broker killed"
MORTAL = "subscriber killed"


def chaos(rows_file, faults, seed):
    order = list(KINDS)
    rows = []
    for line in pathlib.Path(rows_file).read_text().splitlines():
        values = line.split("\t")
        if len(values) != len(NAMES):
            sys.exit(f"{rows_file}: not a row of {len(NAMES)}: {line}")
        rows.append({name: int(v) if v.isdigit() else v for name, v in zip(NAMES, values)})
    stores = ["off", "process crash", "groups", "every message"]
    rows.sort(key=lambda row: (order.index(row["kind"]), str(row["version"]), stores.index(row["store"])))
    kept = [row for row in rows if row["kind"] not in (FORGETFUL, MORTAL)]
    mortal = [row for row in rows if row["kind"] == MORTAL]
    lost = [row for row in rows if row["kind"] == FORGETFUL]
    if not kept or not lost or not mortal:
        sys.exit("chaos: rows are missing")

    def total(of, name):
        return sum(row[name] for row in of)

    def strict(row):
        return [row["faults"], row["reconnects"], row["accepted1"], row["accepted2"],
                row["missing1"] + row["missing2"], row["doubled"], row["repeated1"], row["by_broker"]]

    def forgetful(row):
        return [row["faults"], row["accepted1"] + row["accepted2"],
                row["delivered1"] + row["delivered2"], row["missing1"] + row["missing2"],
                row["acknowledged"], row["unknown"],
                row["missing1"] + row["missing2"] - row["acknowledged"] - row["unknown"], row["doubled"]]

    def died(row):
        return [row["faults"], row["reconnects"], row["accepted1"], row["accepted2"], row["missing1"], row["missing2"],
                row["doubled"], row["by_broker"]]

    def named(row):
        return [KINDS[row["kind"]], str(row["version"]), row["store"]]

    def with_total(of, numbers):
        table = [named(row) + numbers(row) for row in of]
        sums = [sum(column) for column in zip(*map(numbers, of))]
        return table + [["all", "", ""] + sums]

    without = [row for row in kept if row["store"] == "off"]
    stored = [row for row in kept if row["store"] != "off"]
    result = {
        "title": "Faults with real parts",
        "command": f"make chaos FAULTS={faults} SEED={seed}",
        "intro": (
            "A publisher and a subscriber, programs on the C API with a loop thread, talk to Debian's Mosquitto through"
            " a proxy that breaks connections; brokers and processes end, descriptors and clocks fail. Both keep a"
            " persistent session. Each message has a number and a checked content: what the publisher was told is"
            " accepted is compared with what the subscriber got. `make test` runs some dozens of the same faults."),
        "tables": [
            {
                "title": "Faults after which nothing may be missing",
                "columns": ["fault", "MQTT", "store", "faults", "reconnects", "accepted QoS 1", "accepted QoS 2",
                            "lost", "QoS 2 doubled", "QoS 1 repeated", "QoS 2 doubled by the broker"],
                "rows": with_total(kept, strict),
            },
            {
                "title": "A broker that forgets what it has acknowledged",
                "columns": ["fault", "MQTT", "store", "faults", "accepted", "delivered", "not delivered",
                            "of these acknowledged by the broker", "of these told the program as unknown",
                            "of these lost by us", "QoS 2 doubled within a session"],
                "rows": with_total(lost, forgetful),
            },
            {
                "title": "A subscriber that is killed",
                "columns": ["fault", "MQTT", "store", "faults", "reconnects", "accepted QoS 1", "accepted QoS 2",
                            "QoS 1 died with the process", "QoS 2 died with the process", "QoS 2 doubled",
                            "QoS 2 doubled by the broker"],
                "rows": with_total(mortal, died),
            },
        ],
        "notes": [
            f"{total(rows, 'faults'):,} faults, {total(rows, 'accepted1') + total(rows, 'accepted2'):,} messages;"
            f" lost by us: {sum(forgetful(r)[6] for r in lost) + total(kept, 'missing1') + total(kept, 'missing2'):,},"
            f" QoS 2 doubled by us: {total(rows, 'doubled'):,}. Besides,"
            f" {total(mortal, 'missing1') + total(mortal, 'missing2'):,} died with a subscriber that was killed.",
            "Where no publisher is killed each accepted message also had exactly one outcome, and every outcome was an"
            " acknowledgement, or with the broker that forgets “session lost”; otherwise the command fails.",
            "“Doubled by the broker”: Mosquitto 2.0.11, when it loses a connection again before it has sent its"
            " releases (PUBREL) again, goes back to sending the messages (PUBLISH) under the same packet identifier."
            " No receiver can tell these from new ones. A message counts here only when the broker's own log says"
            " that it did this with that identifier.",
            "MQTT lets a message of QoS 1 come again after a reconnect: “repeated”.",
            f"Without descriptors {total([r for r in rows if r['kind'] == 'descriptors'], 'failed'):,} attempts to"
            " connect failed before one could be had again; each client came back by itself.",
            "The clock is moved by a library in front of the C library's. No connection ended by a jump. libmqttrs asked"
            f" for the time of day {total([r for r in without if r['kind'] == 'clock'], 'clock')} times without a store, and"
            f" {total([r for r in stored if r['kind'] == 'clock'], 'clock')} times with one: once for each store that"
            " is opened, since message expiry goes on by it while there is no process.",
            "A process that is killed may have published more than it lived to say; so of those more may be"
            " delivered than are counted as accepted.",
            "What a subscriber's process had acknowledged and not yet shown to its callback dies with it. With the store"
            " nothing of QoS 2 is shown twice.",
            f"The subscriber itself ended {total(rows, 'quota'):,} connections (0x93): Mosquitto 2.0.11 sends more again"
            " at once after several reconnects than the Receive Maximum of 20 allows.",
        ],
    }
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if len(sys.argv) != 4:
    sys.exit(__doc__)
chaos(*sys.argv[1:])
