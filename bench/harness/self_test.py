# SPDX-License-Identifier: Apache-2.0
"""Proves that the load generator finds lost, doubled, reordered, stray and damaged deliveries."""

import subprocess

import engines
from processes import Announcing, started
from runner import run_load

ARGUMENTS = {"readers": 20, "channels": 2, "rate": 1000, "warmup": 0.2, "seconds": 0.8}
SUBSCRIPTIONS = {**ARGUMENTS, "channels": 10, "subscriptions": 3}
CHURN = {"readers": 20, "rate": 500, "visitors": 20, "seconds": 2}
HTTP = {"publishers": 1, "pipeline": 4, "warmup": 0.2, "seconds": 2}
# What a fault must be found as. A damaged message is a stray one that is missing as well.
FOUND_AS = {
    "none": (),
    "lose": ("lost",),
    "double": ("doubled",),
    "reorder": ("out_of_order",),
    "misroute": ("stray",),
    "damage": ("stray", "lost"),
}
# To misroute into, there has to be a channel that the reader does not listen to.
WITHOUT_OTHERS = [fault for fault in FOUND_AS if fault != "misroute"]
LOADS = {
    "fanout": ("fanout", ARGUMENTS, FOUND_AS),
    "fanout, three channels each": ("fanout", SUBSCRIPTIONS, WITHOUT_OTHERS),
    "churn": ("churn", CHURN, WITHOUT_OTHERS),
    "http": ("http", HTTP, WITHOUT_OTHERS),
}
COUNTS = ("lost", "doubled", "out_of_order", "stray")


def verdict(fault, run):
    """Why the run is not what the fault should give; None when it is."""
    if any(count not in run for count in COUNTS):
        return run["failure"]
    found = tuple(count for count in COUNTS if run[count] > 0)
    if set(found) != set(FOUND_AS[fault]):
        return f"found as {found or 'nothing'}, not as {FOUND_AS[fault] or 'nothing'}"
    if bool(run["failure"]) != bool(found):
        return f"failure is {run['failure']!r}"
    # One delivery in a thousand is faulty; held ones may wait for the end of the run.
    expected = run["verified"] / 1000
    for count in found:
        if not 0.5 * expected - 25 <= run[count] <= 1.5 * expected + 25:
            return f"{run[count]} {count}, not about {expected:.0f}"
    return None


def run(programs):
    failures = subprocess.run([str(programs.load), "self-test"]).returncode
    node = engines.node("faulty_server.mjs")
    if node.missing:
        print(f"SKIPPED the faulty servers: {node.missing}")
        return 1 if failures else 0
    for name, (load, arguments, faults) in LOADS.items():
        for fault in faults:
            server = Announcing([*node.command, fault])
            with started(server) as running:
                problem = verdict(fault, run_load(programs, running, load, arguments))
            good = "clean" if fault == "none" else "found"
            print(f"self-test: {name}, fault {fault}: {problem or good}")
            failures += problem is not None
    return 1 if failures else 0
