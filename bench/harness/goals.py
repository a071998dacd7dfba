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


GOALS = [
    ours("low", "CPU per delivery at most 1.5x the floor", "cpu_us_per_delivery", 1.5, "floor"),
    ours("window", "as many deliveries a second as uWebSockets.js", "per_second", 1, "uws", True),
    Goal("deflate: CPU per delivery at most 1.15x of the plain run", "deflate",
         "roomcast-deflate deflated", "cpu_us_per_delivery", 1.15, "roomcast-deflate plain"),
    Goal("nodes: p50 at most 1.5x the bare relay", "nodes", "roomcast-2", "latency_p50_ms", 1.5,
         "relay-2"),
    Goal("nodes: p99 at most 2x the bare relay", "nodes", "roomcast-2", "latency_p99_ms", 2,
         "relay-2"),
    Goal("nodes-spread: CPU per delivery at most a fifth of the relay's", "nodes-spread",
         "roomcast-8", "cpu_us_per_delivery", 0.2, "relay-8"),
    Goal("crash: the last leave within lease + beat + 1 s", "crash", "roomcast-2-ttl-5",
         "last_leave_s", 4.125),
    Goal("herd: no false leave", "herd", "roomcast-2-patient", "false_leaves", 0),
    ours("idle", "at most 2,560 bytes a connection", "rss_bytes_per_connection", 2560),
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
