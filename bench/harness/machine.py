# SPDX-License-Identifier: Apache-2.0
"""The machine and the versions behind the figures."""

import os
import pathlib
import platform
import re
import shutil
import subprocess

# The server has one core, the load generator another: the first two that we may use.
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = str(CORES[0])
GENERATOR_CORE = str(CORES[min(1, len(CORES) - 1)])
ON_SERVER_CORE = ("taskset", "-c", SERVER_CORE)
ON_BOTH_CORES = ("taskset", "-c", f"{SERVER_CORE},{GENERATOR_CORE}")
CENTRIFUGO = pathlib.Path("build/bench/centrifugo/centrifugo").resolve()  # of script/centrifugo
CONGESTION_CONTROL = "/proc/sys/net/ipv4/tcp_congestion_control"


def first_match(path, pattern):
    match = re.search(pattern, pathlib.Path(path).read_text(errors="replace"), re.MULTILINE)
    return match.group(1).strip() if match else None


def version(*command):
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def describe():
    stamp = CENTRIFUGO.with_name(".of")  # the program built by `go install` does not know it
    return {
        "cpu": first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$") or platform.machine(),
        "cores": len(CORES),
        "memory_kib": first_match("/proc/meminfo", r"^MemTotal:\s*(\d+)"),
        "kernel": platform.release(),
        "congestion_control": first_match(CONGESTION_CONTROL, r"(\w+)"),
        "load_average": os.getloadavg(),
        "compiler": version("c++", "--version"),
        "node": version("node", "--version"),
        "redis-server": version("redis-server", "--version"),
        "nats-server": version("nats-server", "--version"),
        "nginx": version("nginx", "-v"),
        "centrifugo": stamp.read_text().strip() if stamp.exists() else None,
        "openssl": version("openssl", "version"),
    }
