"""The table of cases: what is run, what is read from it, and what is to be reached."""

from dataclasses import dataclass, field
from typing import Callable

FLOW = ("debian", "ours", "paho", "rumqttc", "floor")
LIBRARIES = ("debian", "ours")
MIB = 1 << 20


@dataclass
class Row:
    """One figure of a case. `value` reads it from the merged output of a run."""

    label: str
    unit: str
    value: Callable[[dict], float]
    # "times": Debian's figure over ours is at least the target;
    # "share": ours over Debian's is at most the target;
    # "rate": ours over Debian's, for information;
    # "over": ours minus the bare socket's is at most the target;
    # "most", "least": our own figure is at most, at least the target; None: for information.
    kind: str | None = None
    target: float | None = None


@dataclass
class Case:
    name: str
    rows: list[Row]
    # Each step is (prefix of the keys in the output, mode, count, options).
    steps: list[tuple[str, str, int, dict]]
    peers: tuple[str, ...] = FLOW
    one_core: bool = False
    tls: bool = False
    # Run so many processes in turn and time them whole.
    processes: int = 0
    # At most so many rounds, for what does not vary.
    rounds: int | None = None
    # A peer that cannot do as many.
    counts: dict[str, int] = field(default_factory=dict)


def per_message(r):
    return r["cpu_ns"] / r["n"]


def flow(name, label, mode, count, target, peers=FLOW, one_core=False, tls=False, counts=None, unit="ns", **options):
    """A case of messages at full rate; the figure is CPU time of the client for one."""
    scale = 1000 if unit == "µs" else 1
    # Paho C takes so long to publish that it gets a fifth of the messages.
    counts = counts or ({"paho": count // 5} if mode == "publish" and options.get("size", 64) < MIB else {})
    row = Row(label, unit, lambda r: per_message(r) / scale, "times", target)
    return Case(name, [row], [("", mode, count, options)], peers, one_core, tls, counts=counts)


CASES = [
    flow("pub-q0", "publish QoS 0, one thread", "publish", 500_000, 14, ahead=0),
    flow("pub-q0-4t", "publish QoS 0, 4 threads", "publish", 500_000, 14, peers=LIBRARIES, threads=4),
    flow("pub-q1-w20", "publish QoS 1, window 20, one core", "publish", 50_000, 14, one_core=True, qos=1, window=20),
    flow("pub-q1-w100", "publish QoS 1, window 100", "publish", 50_000, 18, qos=1, window=100),
    flow("pub-q1-nolimit", "publish QoS 1, no window limit", "publish", 50_000, 150, qos=1, window=0),
    flow("pub-q2-w20", "publish QoS 2, window 20, one core", "publish", 30_000, 12, one_core=True, qos=2, window=20),
    flow("pub-q2-w100", "publish QoS 2, 100 outstanding", "publish", 30_000, 14, qos=2, window=100),
    flow("rcv-q0", "receive QoS 0", "receive", 300_000, 80),
    flow("rcv-q0-1000t", "receive QoS 0, 1,000 topics", "receive", 300_000, 60, topics=1000),
    flow("rcv-q1-w20", "receive QoS 1, window 20, one core", "receive", 50_000, 18, one_core=True, qos=1, window=20),
    flow("rcv-q1-w1000", "receive QoS 1, window 1,000", "receive", 100_000, 150, qos=1, window=1000),
    flow("rcv-q2-w20", "receive QoS 2, window 20, one core", "receive", 30_000, 14, one_core=True, qos=2, window=20),
    flow("pub-1m", "publish QoS 0, 1 MiB", "publish", 300, 1.5, unit="µs", size=MIB, ahead=8),
    flow("rcv-1m", "receive QoS 0, 1 MiB", "receive", 300, 1.2, unit="µs", size=MIB),
    flow("tls-pub-q0", "TLS 1.3, publish QoS 0", "publish", 200_000, 10, FLOW[:4], tls=True),
    flow("tls-rcv-q0", "TLS 1.3, receive QoS 0", "receive", 200_000, 3.5, FLOW[:4], tls=True),
    flow("tls-rcv-1m", "TLS 1.3, receive QoS 0, 1 MiB", "receive", 200, 1.9, FLOW[:4], tls=True, unit="µs", size=MIB),
    Case(
        "tls-connects",
        [
            Row("TLS 1.3 connect", "µs", lambda r: per_message(r) / 1e3, "times", 1.4),
            Row("TLS 1.3 connects per second", "1/s", lambda r: r["n"] / r["wall_ns"] * 1e9, "rate"),
        ],
        [("", "connects", 300, {})],
        LIBRARIES,
        tls=True,
    ),
    Case(
        "pingpong",
        [
            Row("there and back, median", "µs", lambda r: r["median_ns"] / 1e3, "share", 0.75),
            Row("there and back, 99th percentile", "µs", lambda r: r["p99_ns"] / 1e3, "share", 1.0),
            Row("there and back, CPU", "µs", lambda r: per_message(r) / 1e3),
        ],
        [("", "pingpong", 10_000, {})],
    ),
    Case(
        "once",
        [
            Row("whole process, publish one QoS 1", "µs", lambda r: r["wall_ns"] / r["n"] / 1e3, "share", 0.5),
            Row("whole process, CPU", "µs", lambda r: per_message(r) / 1e3),
        ],
        [("", "once", 1, {})],
        ("debian", "ours", "floor"),
        processes=50,
    ),
    Case(
        "tls-once",
        [
            Row("whole process, with TLS 1.3", "µs", lambda r: r["wall_ns"] / r["n"] / 1e3, "share", 0.5),
            Row("whole process, with TLS 1.3, CPU", "µs", lambda r: per_message(r) / 1e3),
        ],
        [("", "once", 1, {})],
        LIBRARIES,
        processes=50,
        tls=True,
    ),
    Case(
        "queue",
        [
            Row("queue one behind the window", "ns", lambda r: r["deep.queue_ns"] / r["deep.n"], "share", 0.7),
            Row("memory of one of 400,000 waiting", "byte", lambda r: r["deep.bytes"] / r["deep.n"], "most", 110),
            Row("drain 400,000 waiting, each", "ns", lambda r: r["deep.cpu_ns"] / r["deep.n"]),
            Row("drain 1,000 waiting, each", "ns", lambda r: r["few.cpu_ns"] / r["few.n"]),
            Row(
                "drain: 400,000 against 1,000, each",
                "x",
                lambda r: r["deep.cpu_ns"] / r["deep.n"] / (r["few.cpu_ns"] / r["few.n"]),
                "most",
                1.15,
            ),
        ],
        [
            ("few.", "queue", 1000, {"qos": 1}),
            ("deep.", "queue", 400_000, {"qos": 1}),
        ],
        LIBRARIES,
        one_core=True,
    ),
    Case(
        "many",
        [
            Row("clients alive, of 5,000 with loop_start", "", lambda r: r["alive"], "least", 5000),
            Row("descriptors of each", "", lambda r: r["descriptors"] / r["n"], "most", 1.01),
            Row("connect, subscribe, a message: CPU", "µs", lambda r: per_message(r) / 1e3),
            Row("resident memory of each", "KB", lambda r: r["resident"] / r["n"] / 1024),
        ],
        [("", "many", 5000, {})],
        LIBRARIES,
        rounds=1,
    ),
    Case(
        "shared",
        [
            Row("10,000 clients in one thread: connect", "µs", lambda r: r["connect_ns"] / r["clients"] / 1e3, "most", 45),
            Row("resident memory of an idle one", "KB", lambda r: r["resident"] / r["clients"] / 1024, "most", 3),
            Row("a message a second each: cores used", "", lambda r: r["cpu_ns"] / r["wall_ns"], "over", 0.1),
            Row("a message a second each: median", "µs", lambda r: r["median_ns"] / 1e3),
            Row("99th percentile", "µs", lambda r: r["p99_ns"] / 1e3),
        ],
        [("", "shared", 10_000, {})],
        ("debian", "ours", "floor"),
        rounds=2,
    ),
    Case(
        "fair",
        [
            Row("quiet client beside a flooded one: median", "µs", lambda r: r["median_ns"] / 1e3, "share"),
            Row("quiet client: 99th percentile", "µs", lambda r: r["p99_ns"] / 1e3, "share"),
            Row("messages of the flood, a second", "1/s", lambda r: r["flood"] / r["wall_ns"] * 1e9, "rate"),
        ],
        [("", "fair", 1, {"seconds": 2})],
        LIBRARIES,
        rounds=3,
    ),
    Case(
        "idle",
        [Row("wake-ups in 5 idle seconds", "", lambda r: r["wakeups"], "most", 0)],
        [("", "idle", 5, {})],
        LIBRARIES,
        rounds=1,
    ),
]
