# SPDX-License-Identifier: Apache-2.0
"""The cases: which load, on which engines, compared with what. docs/benchmarks.md says why."""

import dataclasses

import engines

SERVERS = ["roomcast", "roomcast-uring", "uws", "ws", "nats", "nchan"]


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to run a case. Its rows are named engine+suffix."""

    suffix: str
    arguments: dict


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    load: str  # the case of bench_load
    arguments: dict
    engines: list
    # What each row is a multiple of: a row's name, or a suffix of the same engine's other row.
    baseline: str = ""
    metric: str = "cpu_us_per_delivery"  # of which the multiple is taken
    columns: tuple = ()
    variants: tuple = (Variant("", {}),)
    is_once: bool = False  # a check, not a measurement: repetitions add nothing

    def baseline_of(self, engine):
        return engine + self.baseline if self.baseline.startswith(" ") else self.baseline


LATENCY = ("latency_p50_ms", "latency_p99_ms", "latency_p999_ms")
FANOUT = ("cpu_us_per_delivery", "per_second", *LATENCY)

BROKERS = ["roomcast", "roomcast-2", "roomcast-2-nats", "roomcast-2-rabbitmq",
           "roomcast-2-kafka"]
NODES = ("cpu_us_per_delivery", "broker_us_per_delivery", "per_second", *LATENCY)

ALL = [
    Case(
        "low",
        "1,000 readers of one channel, 10 messages a second",
        "fanout",
        {"readers": 1000, "rate": 10, "warmup": 1, "seconds": 5},
        ["floor", "floor-uring", *SERVERS],
        baseline="floor",
        columns=FANOUT,
    ),
    Case(
        "window",
        "1,000 readers of one channel, as fast as possible with 64 messages in flight",
        "fanout",
        {"readers": 1000, "window": 64, "warmup": 0.7, "seconds": 3},
        ["floor-batch", "floor", "floor-uring", *SERVERS],
        baseline="floor-batch",
        columns=(*FANOUT, "messages_per_read"),
    ),
    Case(
        "channels",
        "1,000 channels of 5 readers each, as fast as possible with 256 messages in flight",
        "fanout",
        {"readers": 5000, "channels": 1000, "window": 256, "warmup": 0.7, "seconds": 3},
        ["floor", "floor-uring", *SERVERS],
        baseline="floor",
        columns=(*FANOUT, "rss_bytes"),
    ),
    Case(
        "deflate",
        "1,000 readers of one channel, 50 messages of 1 KB a second; all negotiate "
        "permessage-deflate, or none does",
        "fanout",
        {"readers": 1000, "rate": 50, "payload": 1024, "warmup": 1, "seconds": 5},
        ["roomcast-deflate"],
        baseline=" plain",
        columns=FANOUT,
        variants=(
            Variant(" plain", {"deflate": "no"}),
            Variant(" deflated", {"deflate": "yes"}),
        ),
    ),
    Case(
        "nodes",
        "two nodes on one Redis: 100 readers of one channel on the two, 50 messages a second",
        "fanout",
        {"readers": 100, "rate": 50, "warmup": 1, "seconds": 5},
        ["relay-2", "roomcast-2"],
        baseline="relay-2",
        metric="latency_p50_ms",
        columns=NODES,
    ),
    Case(
        "nodes-window",
        "two nodes on one Redis: 1,000 readers of one channel on the two, 64 messages in flight",
        "fanout",
        {"readers": 1000, "window": 64, "warmup": 0.7, "seconds": 3},
        ["relay-2", "roomcast-2"],
        baseline="relay-2",
        columns=NODES,
    ),
    Case(
        "nodes-spread",
        "eight nodes on one Redis: 1,000 channels of one reader each, 64 in flight",
        "fanout",
        {"readers": 1000, "channels": 1000, "window": 64, "warmup": 0.7, "seconds": 3},
        ["relay-8", "roomcast-8"],
        baseline="relay-8",
        columns=NODES,
    ),
    Case(
        "nodes-many",
        "the same with 32 nodes",
        "fanout",
        {"readers": 960, "channels": 960, "window": 64, "warmup": 0.7, "seconds": 3},
        ["relay-32", "roomcast-32"],
        baseline="relay-32",
        columns=NODES,
    ),
    Case(
        "brokers",
        "two nodes on each kind of broker: 100 readers of one channel, 50 messages a second",
        "fanout",
        {"readers": 100, "rate": 50, "warmup": 1, "seconds": 5},
        BROKERS,
        baseline="roomcast-2",
        metric="latency_p50_ms",
        columns=NODES,
    ),
    Case(
        "brokers-window",
        "two nodes on each kind of broker: 1,000 readers of one channel, 64 messages in flight",
        "fanout",
        {"readers": 1000, "window": 64, "warmup": 0.7, "seconds": 3},
        BROKERS,
        baseline="roomcast-2",
        columns=NODES,
    ),
    Case(
        "herd",
        "two nodes on one Redis: 10,000 users join 100 channels; all are cut off and come back at "
        "once, at the other node",
        "herd",
        {"readers": 10000, "channels": 100, "seconds": 3},
        ["roomcast-2-patient"],
        columns=("cpu_us_per_join", "broker_us_per_join", "per_second", "all_back_after_s",
                 "back_p50_s", "back_p99_s", "joins", "false_leaves"),
    ),
    Case(
        "crash",
        "two nodes on one Redis, lease 2.5 s: SIGKILL to one with 100 users, until the last left",
        "crash",
        {"readers": 100, "channels": 10, "seconds": 30},
        ["roomcast-2-ttl-5"],
        columns=("first_leave_s", "last_leave_s", "leaves"),
    ),
    Case(
        "idle",
        "10,000 readers connect, upgrade, subscribe (64 at a time), then are idle",
        "connections",
        {"readers": 10000, "seconds": 1},
        ["floor", "roomcast", "uws", "ws", "nats", "nchan"],
        baseline="floor",
        metric="cpu_us_per_connection",
        columns=("cpu_us_per_connection", "per_second", "rss_bytes_per_connection", "rss_bytes"),
    ),
    Case(
        "churn",
        "over a million deliveries to 500 readers while 100 clients a second come, subscribe, "
        "subscribe again, unsubscribe, return and go",
        "churn",
        {"readers": 500, "rate": 400, "burst": 8, "visitors": 100, "seconds": 7},
        ["roomcast", "roomcast-uring", "uws"],
        columns=("verified", "lost", "doubled", "out_of_order", "stray", "visitors"),
        is_once=True,
    ),
    Case(
        "stalled",
        "990 readers at 20 messages a second; 10 more, with a heavy channel on top, stop reading",
        "stalled",
        {"readers": 990, "rate": 20, "warmup": 1, "seconds": 8, "stalled": 10},
        ["roomcast", "roomcast-uring", "ws"],
        baseline=" all reading",
        metric="latency_p99_ms",
        columns=(*LATENCY[:2], "rss_growth_bytes", "closed_by_server", "all_closed_after_s"),
        variants=(
            Variant(" all reading", {"stalling": "no"}),
            Variant(" 10 stalled", {"stalling": "yes"}),
        ),
    ),
]
NAMES = [case.name for case in ALL]

QUICK = {
    "low": {"warmup": 0.3, "seconds": 1},
    "window": {"warmup": 0.3, "seconds": 0.7},
    "channels": {"warmup": 0.3, "seconds": 0.7},
    "deflate": {"warmup": 0.3, "seconds": 1},
    "nodes": {"warmup": 0.3, "seconds": 1},
    "nodes-window": {"warmup": 0.3, "seconds": 0.7},
    "nodes-spread": {"warmup": 0.3, "seconds": 0.7},
    "brokers": {"warmup": 0.3, "seconds": 1},
    "brokers-window": {"warmup": 0.3, "seconds": 0.7},
    "nodes-many": {"warmup": 0.3, "seconds": 0.7},
    "herd": {"readers": 1000, "channels": 10, "seconds": 1},
    "idle": {"readers": 1000},
    "churn": {"readers": 100, "rate": 200, "seconds": 1.5},
    "stalled": {"warmup": 0.3, "seconds": 1.5},
}


def select(names, is_quick, file_limit):
    """The named cases, or all; smaller ones where the file limit asks for it."""
    selected = []
    for case in ALL:
        if names and case.name not in names:
            continue
        arguments = {**case.arguments, **(QUICK.get(case.name, {}) if is_quick else {})}
        if arguments["readers"] > file_limit - 512:
            arguments["readers"] = file_limit - 512
            print(f"{case.name}: {arguments['readers']} readers only: file limit {file_limit}")
        selected.append(dataclasses.replace(case, arguments=arguments))
    return selected


assert all(name in engines.NAMES for case in ALL for name in case.engines)
