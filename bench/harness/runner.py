# SPDX-License-Identifier: Apache-2.0
"""Runs cases: every run on a fresh server, the engines taking turns within each repetition."""

import json
import os
import statistics
import subprocess
import sys

import machine
from brokers import StartFailure
from processes import started

RUN_SECONDS = 120  # no run takes half of it; above, something hangs


class Result:
    """The runs of one case, by row (engine and variant) and repetition."""

    def __init__(self, case):
        self.case = case
        self.runs = {}  # row -> list of dictionaries, None where a run gave nothing
        self.baselines = {}  # row -> row

    def add(self, row, baseline, run):
        self.runs.setdefault(row, []).append(run)
        self.baselines[row] = baseline

    def values(self, row, metric):
        return [run[metric] for run in self.runs.get(row, []) if metric in run]

    def median(self, row, metric):
        values = self.values(row, metric)
        return statistics.median(values) if values else None

    def ratios(self, row, metric, other):
        """row / other within each repetition in which both gave a value."""
        pairs = zip(self.runs.get(row, []), self.runs.get(other, []))
        return [
            mine[metric] / theirs[metric]
            for mine, theirs in pairs
            if metric in mine and theirs.get(metric)
        ]

    def failures(self, names):
        return [
            f"{self.case.name}, {row}: {run['failure']}"
            for row, runs in self.runs.items()
            for run in runs
            if run["failure"] and any(row == name or row.startswith(name + " ") for name in names)
        ]

    def as_json(self):
        return {
            "name": self.case.name,
            "title": self.case.title,
            "arguments": self.case.arguments,
            "rows": [
                {
                    "row": row,
                    "baseline": self.baselines[row],
                    "metric": self.case.metric,
                    "ratios": self.ratios(row, self.case.metric, self.baselines[row]),
                    "runs": runs,
                }
                for row, runs in self.runs.items()
            ],
        }


class Runner:
    def __init__(self, programs, available, repeat):
        self.programs = programs
        self.available = available
        self.repeat = repeat  # 0: as each case says

    def run(self, case):
        result = Result(case)
        rows = [
            (name, variant)
            for name in case.engines
            if name in self.available
            for variant in case.variants
        ]
        for repetition in range(self.repeat or case.repeat):
            # The first place after a pause may be a better one: take turns with it, too.
            turn = repetition % len(rows) if rows else 0
            for name, variant in rows[turn:] + rows[:turn]:
                row = name + variant.suffix
                print(f"{case.name} {repetition + 1}: {row} ...", file=sys.stderr, flush=True)
                run = self.run_once(name, case.load, {**case.arguments, **variant.arguments})
                if run["failure"]:
                    print(f"  FAILED: {run['failure']}", file=sys.stderr, flush=True)
                result.add(row, case.baseline_of(name), run)
        return result

    def run_once(self, name, load, arguments):
        busy = {"load_average": os.getloadavg()[0]}
        try:
            with started(self.available[name]) as running:
                return {**run_load(self.programs, running, load, arguments), **busy}
        except StartFailure as failure:
            return {"failure": str(failure)}


def run_load(programs, running, load, arguments):
    """One run of the generator against a running server. The result has at least `failure`."""
    options = {
        "port": running.port,
        "protocol": running.protocol,
        "pids": ",".join(map(str, running.pids())),
        "broker_pids": ",".join(map(str, running.broker_pids)),
        "reader_ports": ",".join(map(str, running.reader_ports)),
        **running.options,
        **arguments,
    }
    command = ["taskset", "-c", machine.GENERATOR_CORE, str(programs.load), load]
    for option, value in options.items():
        command += ["--" + option.replace("_", "-"), str(value)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        return {"failure": f"the load generator did not end within {RUN_SECONDS} s"}
    if not done.stdout.strip():
        return {"failure": done.stderr.strip() or f"no result (status {done.returncode})"}
    return json.loads(done.stdout)
