# SPDX-License-Identifier: Apache-2.0
"""What script/bench runs, inside the private network namespace that it has made."""

import argparse
import json
import pathlib
import resource
import sys
import time

import cases
import catalogue
import charts
import cost
import engines
import goals
import machine
import self_test
import table
from runner import Runner


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description="Measures roomcast beside a floor and its peers; docs/benchmarks.md explains.",
    )
    names = [case.name for case in catalogue.ALL]
    add = parser.add_argument
    add("cases", nargs="*", metavar="case", help=f"of {', '.join(names)}; default: all but scale*")
    add("--repeat", type=int, help="repetitions of each case (default 3, or 1 without a goal)")
    add("--peers", help="only these engines, with commas between: " + ",".join(engines.NAMES))
    add("--quick", action="store_true", help="short and small: does everything work?")
    add("--check", action="store_true", help="end with status 1 when a goal is missed")
    add("--charts", type=pathlib.Path, metavar="DIR", help="draw charts of the results there")
    add("--self-test", action="store_true", help="prove that the load generator finds faults")
    add("--out", type=pathlib.Path, help="where the JSON goes (default build/bench)", required=True)
    add("--build", type=pathlib.Path, help=argparse.SUPPRESS, required=True)
    arguments = parser.parse_args()
    for name in arguments.cases:
        if name not in names:
            parser.error(f"no case {name}; there are: {', '.join(names)}")
    arguments.peers = arguments.peers.split(",") if arguments.peers else engines.NAMES
    for name in arguments.peers:
        if name not in engines.NAMES:
            parser.error(f"no engine {name}; there are: {', '.join(engines.NAMES)}")
    return arguments


def raise_file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def print_availability(available, skipped):
    print("engines:", ", ".join(available))
    for name, reason in skipped.items():
        print(f"SKIPPED {name}: {reason}")


def main():
    arguments = parse_arguments()
    file_limit = raise_file_limit()
    programs = engines.Programs(arguments.build)
    if arguments.self_test:
        return self_test.run(programs)

    selected = cases.select(catalogue.ALL, arguments.cases, arguments.quick, file_limit)
    used = {name for case in selected for name in case.engines}
    assert used <= set(engines.NAMES)
    wanted = [name for name in arguments.peers if name in used]
    available, skipped = engines.find(programs, wanted)
    print_availability(available, skipped)
    if "roomcast" in skipped and programs.roomcast.exists():
        return 1  # a server that does not start is no missing peer
    if arguments.quick:
        print("QUICK: smaller and shorter than the titles say; the figures mean nothing")
    repeat = arguments.repeat or (1 if arguments.quick else 0)
    started = time.time()
    runner = Runner(programs, available, repeat)
    results = [runner.run(case) for case in selected]

    for result in results:
        print(table.render(result))
    verdicts = [] if arguments.quick else goals.judge(results)
    model = {} if arguments.quick else cost.model(results)
    if model:
        print(cost.render(model))
    if verdicts:
        print(table.render_goals(verdicts))
    document = {
        "machine": machine.describe(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 1),
        "repetitions": repeat or "as each case says",
        "quick": arguments.quick,
        "skipped": skipped,
        "cases": [result.as_json() for result in results],
        "cost_model": model,
        "goals": verdicts,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / time.strftime("results-%Y%m%d-%H%M%S.json", time.gmtime(started))
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"written: {path} ({document['seconds']:.0f} s)")

    if arguments.charts:
        charts.write(results, arguments.charts)
    failed = [failure for result in results for failure in result.failures(engines.OURS)]
    for failure in failed:
        print(f"FAILED {failure}")
    is_missed = arguments.check and any(verdict["met"] is False for verdict in verdicts)
    return 1 if failed or is_missed else 0


sys.exit(main())
