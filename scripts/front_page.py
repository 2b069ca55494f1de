"""The comparison in README.md: picked out of the pages and results in docs/, none of it typed."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benches"))
import plot  # noqa: E402

BEGIN, END = "<!-- make pages: comparison -->\n", "<!-- end -->\n"
PEERS = {"ours": "libmqttrs", "debian": "libmosquitto", "paho": "Paho C", "rumqttc": "rumqttc"}
NOT_MEASURED = "-"

# Rows of docs/performance.md, by what they are called there, and their names here. The first ones
# are drawn as well.
CPU_TIMES = {
    "publish QoS 0, one thread, ns": "publish QoS 0",
    "publish QoS 1, window 100, ns": "publish QoS 1",
    "publish QoS 2, 100 outstanding, ns": "publish QoS 2",
    "receive QoS 0, ns": "receive QoS 0",
    "receive QoS 1, window 1,000, ns": "receive QoS 1",
    "TLS 1.3, publish QoS 0, ns": "publish QoS 0, TLS 1.3",
    "TLS 1.3, receive QoS 0, ns": "receive QoS 0, TLS 1.3",
}
OTHERS = {
    "publish QoS 0, 1 MiB, µs": "CPU time to publish 1 MiB, QoS 0, µs",
    "receive QoS 0, 1 MiB, µs": "CPU time to receive 1 MiB, QoS 0, µs",
    "there and back, median, µs": "a message to the broker and back, median, µs",
    "there and back, 99th percentile, µs": "the same, 99th percentile, µs",
    "whole process, publish one QoS 1, µs": "a program that connects, publishes one message and ends, µs",
    "memory of one of 400,000 waiting, byte": "memory of a waiting message besides topic and payload, bytes",
    "clients alive, of 5,000 with loop_start": "clients with a loop thread, of 5,000 in one process",
}


def performance():
    """The tables of docs/performance.md: {first cell: {column: cell}}."""
    rows, columns = {}, []
    for line in (ROOT / "docs/performance.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            columns = []
        elif not columns:
            columns = cells
        # The table of rates has some of the same names; the first one counts.
        elif cells[0] not in rows:
            rows[cells[0]] = dict(zip(columns, cells)) if "libmqttrs" in columns else cells[1]
    return rows


def result(path, title, row, column):
    """A cell of a table in a result beside the pages."""
    part = json.loads((ROOT / "docs" / path).read_text())
    table = next(table for table in part["tables"] if table["title"] == title)
    cells = next(cells for cells in table["rows"] if cells[0] == row)
    return cells[table["columns"].index(column) if isinstance(column, str) else column]


def comparison():
    measured = performance()
    cpu_times = [(name, [measured[row][peer] for peer in PEERS.values()]) for row, name in CPU_TIMES.items()]
    others = [(name, [measured[row][peer] for peer in PEERS.values()]) for row, name in OTHERS.items()]
    filters = ("features/filters.json", "A message", "10,000")
    others.append(
        (
            "CPU time of a message to the callback of one of 10,000 filters, ns",
            [result(*filters, 2), result(*filters, 4), NOT_MEASURED, NOT_MEASURED],
        )
    )
    store = ("reliability/store.json", "Throughput")
    speed = "messages a second"
    others.append(
        (
            "messages a second that are written to a file before they are accepted, QoS 1",
            [
                result(*store, "`MQTTRS_STORE_PROCESS_CRASH`, not synchronised", speed),
                NOT_MEASURED,
                result(*store, "Paho C, file persistence, not synchronised", speed),
                NOT_MEASURED,
            ],
        )
    )
    versions = ", ".join(f"{peer} {measured[peer].split(',')[0]}" for peer in PEERS.values())
    faults = json.loads((ROOT / "docs/reliability/chaos.json").read_text())["notes"][0]
    return (
        f"{table('CPU time of the client for a message of 64 bytes, ns', cpu_times)}\n\n"
        f"{table('What else was compared', others)}\n\n"
        f"{versions}; {measured['processor']}, {measured['system']}. `{NOT_MEASURED}`: not measured.\n"
        "Where these figures come from, and all others: [performance](docs/performance.md), [features](docs/features.md),\n"
        "[reliability](docs/reliability.md). The last also has what happened when `make chaos` broke networks,\n"
        f"brokers and processes: {faults}\n"
    )


def table(title, rows):
    lines = [[title, *PEERS.values()], ["---", *["---:"] * len(PEERS)], *([name, *cells] for name, cells in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def readme():
    """README.md with the comparison of now."""
    text = (ROOT / "README.md").read_text()
    before, rest = text.split(BEGIN)
    return before + BEGIN + comparison() + END + rest.split(END, 1)[1]


def drawing():
    """The CPU times as a picture, docs/performance/front.svg."""
    measured = performance()

    def values(row):
        cells = {peer: measured[row][name] for peer, name in PEERS.items()}
        return {peer: float(cell.replace(",", "")) for peer, cell in cells.items() if cell[0].isdigit()}

    groups = [(name, values(row)) for row, name in CPU_TIMES.items()]
    return plot.chart("CPU time of the client for a message of 64 bytes: shorter is better", groups, PEERS, "nanoseconds, logarithmic")
