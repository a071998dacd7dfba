# SPDX-License-Identifier: Apache-2.0
"""What the figures should be. Ratios are taken within each repetition, then the median."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Goal:
    text: str
    case: str
    row: str
    metric: str
    limit: float
    other: str = ""  # the row to divide by; without one the limit is absolute
    is_minimum: bool = False


def ours(case, text, metric, limit, other="", is_minimum=False):
    return Goal(f"{case}: {text}", case, "roomcast", metric, limit, other, is_minimum)


CPU = "cpu_us_per_delivery"
LIMIT_OF_AN_OUTBOX = 1 << 20
STALLED, READING = "roomcast 10 stalled", "roomcast all reading"

GOALS = [
    ours("low", "CPU per delivery at most 1.2x the floor", CPU, 1.2, "floor"),
    Goal("low: CPU per delivery with io_uring at most 0.85x the floor", "low", "roomcast-uring",
         CPU, 0.85, "floor"),
    ours("low", "CPU per delivery at most 0.6x Node ws", CPU, 0.6, "ws"),
    ours("low", "CPU per delivery below uWebSockets.js", CPU, 1, "uws"),
    ours("low", "p99 at most 1.5x the floor", "latency_p99_ms", 1.5, "floor"),
    ours("window", "CPU per delivery at most 1.6x the batching floor", CPU, 1.6, "floor-batch"),
    ours("window", "3x the deliveries a second of uWebSockets.js", "per_second", 3, "uws", True),
    ours("window", "3x the deliveries a second of nats-server", "per_second", 3, "nats", True),
    ours("window", "50x the deliveries a second of Node ws", "per_second", 50, "ws", True),
    ours("channels", "CPU per delivery at most 1.4x the floor", CPU, 1.4, "floor"),
    Goal("channels: CPU per delivery with io_uring at most that of the floor", "channels",
         "roomcast-uring", CPU, 1, "floor"),
    ours("channels", "CPU per delivery below uWebSockets.js", CPU, 1, "uws"),
    ours("idle", "at most 2,048 bytes a connection", "rss_bytes_per_connection", 2048),
    ours("storm", "CPU per connection at most 2x the floor", "cpu_us_per_connection", 2, "floor"),
    Goal("stalled: p99 of the others at most 1.3x of the run without", "stalled", STALLED,
         "latency_p99_ms", 1.3, READING),
    Goal("stalled: all of them closed", "stalled", STALLED, "closed_by_server", 10,
         is_minimum=True),
    Goal("stalled: memory at most that of their outboxes", "stalled", STALLED, "rss_growth_bytes",
         10 * LIMIT_OF_AN_OUTBOX),
    Goal("shards: CPU per delivery of two at most 1.4x of one", "shards", "roomcast-shards-2", CPU,
         1.4, "roomcast"),
    Goal("shards-window: CPU per delivery of two at most 2x of one", "shards-window",
         "roomcast-shards-2", CPU, 2, "roomcast"),
    Goal("deflate: CPU per delivery at most 1.15x of the plain run", "deflate",
         "roomcast-deflate deflated", CPU, 1.15, "roomcast-deflate plain"),
    Goal("nodes: p50 at most 1.5x the bare relay", "nodes", "roomcast-2", "latency_p50_ms", 1.5,
         "relay-2"),
    Goal("nodes: p99 at most 2x the bare relay", "nodes", "roomcast-2", "latency_p99_ms", 2,
         "relay-2"),
    Goal("nodes-spread: CPU per delivery at most a fifth of the relay's", "nodes-spread",
         "roomcast-8", CPU, 0.2, "relay-8"),
    Goal("crash: the last leave within lease + beat + 1 s", "crash", "roomcast-2-ttl-5",
         "last_leave_s", 4.125),
    Goal("herd: no false leave", "herd", "roomcast-2-patient", "false_leaves", 0),
    ours("churn", "over a million deliveries verified", "verified", 1e6, is_minimum=True),
    ours("churn", "none lost", "lost", 0),
    ours("churn", "none doubled", "doubled", 0),
    ours("churn", "none out of order", "out_of_order", 0),
]


def figure(goal, result):
    if goal.other:
        values = result.ratios(goal.row, goal.metric, goal.other)
    else:
        values = result.values(goal.row, goal.metric)
    return statistics.median(values) if values else None


def judge(results):
    """One verdict for each goal of the cases that ran; `met` is None where there is no figure."""
    by_name = {result.case.name: result for result in results}
    verdicts = []
    for goal in GOALS:
        if goal.case not in by_name:
            continue
        value = figure(goal, by_name[goal.case])
        met = None
        if value is not None:
            met = value >= goal.limit if goal.is_minimum else value <= goal.limit
        verdicts.append({"goal": goal.text, "limit": goal.limit, "value": value, "met": met})
    return verdicts
