# SPDX-License-Identifier: Apache-2.0
"""script/bench --guard: instructions and allocations of the micro-benchmarks, against the record.

Each case runs under callgrind for two numbers of iterations; the difference is what the iterations
cost, without start and set-up. Nothing is timed, so a busy machine changes nothing.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

RECORD = pathlib.Path(__file__).parents[1] / "micro" / "instructions.json"
TOLERANCE = 1.05
ALLOCATORS = {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"}


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="script/bench --guard",
        description="Fails when a micro-benchmark takes over 5 % more instructions, or allocates"
        " more, than bench/micro/instructions.json says.",
    )
    add = parser.add_argument
    add("--record", action="store_true", help="write the counts there instead")
    add("--build", type=pathlib.Path, help=argparse.SUPPRESS, required=True)
    add("--out", type=pathlib.Path, help=argparse.SUPPRESS, required=True)
    return parser.parse_args()


def describe(program):
    """The cases, and all that counts depend on besides our own sources."""
    output = subprocess.run([program, "--describe"], check=True, capture_output=True, text=True)
    description = json.loads(output.stdout)
    # The C library and simdjson choose their code by what the processor can do.
    has_avx2 = " avx2 " in pathlib.Path("/proc/cpuinfo").read_text()
    toolchain = description["toolchain"]
    toolchain["machine"] = platform.machine() + (" with AVX2" if has_avx2 else "")
    version = subprocess.run(["valgrind", "--version"], check=True, capture_output=True, text=True)
    toolchain["valgrind"] = version.stdout.strip().removeprefix("valgrind-")
    return toolchain, description["cases"]


def read_profile(path):
    """Instructions and calls of the allocator in a file of callgrind's."""
    instructions = allocations = 0
    is_allocator = False
    for line in path.read_text().splitlines():
        if line.startswith("cfn="):
            is_allocator = line[4:].split("'")[0] in ALLOCATORS
        elif line.startswith("calls=") and is_allocator:
            allocations += int(line[6:].split()[0])
        elif line.startswith("totals:"):
            instructions = int(line.split()[1])
    return instructions, allocations


def run(program, folder, case, iterations):
    path = folder / f"{case['name']}.{iterations}.callgrind"
    command = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={path}"]
    command += ["--compress-strings=no", "--dump-line=no"]
    command += [program, "--count", case["name"], str(iterations)]
    done = subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C"}, check=False)
    if done.returncode != 0:
        sys.exit(f"guard: {case['name']} failed under callgrind: {done.stderr.strip()}")
    return read_profile(path)


def count(program, folder, case):
    """Instructions and allocations of one iteration."""
    few = case["iterations"]
    less, more = (run(program, folder, case, iterations) for iterations in (few, 3 * few))
    return [(b - a) / (2 * few) for a, b in zip(less, more)]


def count_all(program, folder, cases):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(lambda case: count(program, folder, case), cases))
    empty = counts[0][0]
    return {
        case["name"]: {"instructions": round(instructions - empty, 1), "allocations": round(allocations, 1)}
        for case, (instructions, allocations) in zip(cases[1:], counts[1:])
    }


def excess(now, recorded):
    """What is over the record, in words; empty if nothing is."""
    return [what for what in now if now[what] > recorded[what] * TOLERANCE]


def print_table(cases, counts, recorded):
    print(f"{'case':<18}{'instructions':>14}{'recorded':>12}{'change':>9}{'allocations':>13}{'recorded':>10}   each")
    for case in cases[1:]:
        name = case["name"]
        now = counts[name]
        then = recorded.get(name)
        change = f"{now['instructions'] / then['instructions'] - 1:+.1%}" if then else ""
        columns = [then["instructions"] if then else "-", change]
        print(
            f"{name:<18}{now['instructions']:>14}{columns[0]:>12}{columns[1]:>9}"
            f"{now['allocations']:>13}{then['allocations'] if then else '-':>10}"
            f"   {now['instructions'] / case['units']:.1f} a {case['unit']}"
        )


def judge(counts, recorded):
    failures = []
    for name, now in counts.items():
        if name not in recorded:
            failures.append(f"{name} is not in the record")
            continue
        failures += [f"{name}: more {what} than recorded" for what in excess(now, recorded[name])]
    return failures + [f"{name} is recorded and gone" for name in recorded if name not in counts]


def main():
    arguments = parse_arguments()
    if not shutil.which("valgrind"):
        sys.exit("guard: valgrind is not installed (script/bootstrap does that)")
    program = arguments.build / "bench" / "bench_micro"
    folder = arguments.out / "callgrind"
    folder.mkdir(parents=True, exist_ok=True)
    toolchain, cases = describe(program)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"toolchain": {}, "cases": {}}
    counts = count_all(program, folder, cases)
    print_table(cases, counts, record["cases"])
    print(f"where they go: callgrind_annotate {folder}/CASE.*.callgrind")
    if arguments.record:
        RECORD.write_text(json.dumps({"toolchain": toolchain, "cases": counts}, indent=1) + "\n")
        print(f"recorded: {RECORD}")
        return 0
    if toolchain != record["toolchain"]:
        print(f"NOT JUDGED: recorded with {record['toolchain']}, and this is {toolchain}")
        return 0
    failures = judge(counts, record["cases"])
    for failure in failures:
        print(f"FAILED {failure}")
    if failures:
        print("If that is wanted: script/bench --guard --record, and say why in the commit.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
