# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured: where to find them, how to start and to stop them."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import brokers
import machine

BENCH = pathlib.Path(__file__).resolve().parent.parent
PEERS = BENCH / "peers"
NCHAN_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
START_SECONDS = 10


class Programs:
    """What the build has made."""

    def __init__(self, build):
        self.roomcast = build / "roomcast"
        self.load = build / "bench" / "bench_load"
        self.floor = build / "bench" / "bench_floor"


class StartFailure(Exception):
    pass


class Running:
    """A started server: the port of its WebSocket listener and all of its processes."""

    reader_ports = ()  # of its other nodes
    broker_pids = ()

    def __init__(self, process, port, protocol):
        self.process = process
        self.port = port
        self.protocol = protocol

    def pids(self):
        return [self.process.pid, *children(self.process.pid)]

    def stop(self):
        brokers.end(self.process)


class RunningNodes:
    """Several nodes and the broker between them: one publishes, readers go to the ports by turns."""

    protocol = "json"

    def __init__(self):
        self.brokers = []
        self.nodes = []

    @property
    def port(self):
        return self.nodes[0].port

    @property
    def reader_ports(self):
        return [node.port for node in self.nodes]

    @property
    def broker_pids(self):
        return [pid for broker in self.brokers for pid in broker.pids()]

    def pids(self):
        return [pid for node in self.nodes for pid in node.pids()]

    def stop(self):
        for each in (*self.nodes, *self.brokers):
            each.stop()


def children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def spawn(command, directory, environment=None):
    log = open(pathlib.Path(directory) / "log", "wb")
    with log:
        return subprocess.Popen(
            [*machine.ON_SERVER_CORE, *map(str, command)],
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def wait_for(process, directory, attempt):
    """The first true result of `attempt(log)`; without one the end of the log is the reason."""
    deadline = time.monotonic() + START_SECONDS
    log = pathlib.Path(directory) / "log"
    while process.poll() is None and time.monotonic() < deadline:
        result = attempt(log.read_text(errors="replace"))
        if result:
            return result
        time.sleep(0.02)
    process.kill()
    status = process.wait()
    end = " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
    raise StartFailure(f"does not start (status {status}): {end[-400:]}")


def announced_port(log):
    for line in log.splitlines():
        if "ready addr=" in line:
            digits = line.split("ready addr=", 1)[1].split()[0].rsplit(":", 1)[1]
            return int(digits)
    return None


def answers(port):
    with contextlib.closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Announcing:
    """A server that prints "ready addr=127.0.0.1:PORT"."""

    protocol = "json"

    def __init__(self, command, environment=None, missing=None):
        self.command = command
        self.environment = environment
        self.missing = missing

    def start(self, directory):
        process = spawn(self.command, directory, self.environment)
        port = wait_for(process, directory, announced_port)
        return Running(process, port, self.protocol)


class OnBroker:
    """`count` nodes on a broker of their own; `make_node(environment)` gives an engine that finds it.

    Other than Redis, a broker is given a Redis beside it, for presence.
    """

    def __init__(self, name, count, make_node):
        self.names = dict.fromkeys(("redis", name))
        self.count = count
        self.make_node = make_node
        reasons = [brokers.missing(name) for name in self.names]
        self.missing = next(filter(None, reasons), make_node({"REDIS_ADDR": ":0"}).missing)

    def start(self, directory):
        started = RunningNodes()
        environment = {}
        try:
            for name in self.names:
                folder = folder_in(directory, name)
                started.brokers.append(brokers.start(name, folder, machine.ON_SERVER_CORE))
                environment |= started.brokers[-1].environment
            for number in range(self.count):
                folder = folder_in(directory, f"node-{number}")
                started.nodes.append(self.make_node(environment).start(folder))
        except (StartFailure, brokers.StartFailure) as failure:
            started.stop()
            raise StartFailure(str(failure)) from failure
        return started


def folder_in(directory, name):
    folder = pathlib.Path(directory) / name
    folder.mkdir()
    return folder


class Nats:
    def __init__(self):
        self.missing = None if shutil.which("nats-server") else "nats-server is not installed"

    def start(self, directory):
        port = brokers.free_port()
        config = pathlib.Path(directory) / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{brokers.free_port()}"\n'
            f'websocket {{ listen: "127.0.0.1:{port}", no_tls: true, compression: false }}\n'
        )
        process = spawn(["nats-server", "-c", config], directory)
        wait_for(process, directory, lambda _: answers(port))
        return Running(process, port, "nats")


class Nchan:
    def __init__(self):
        self.missing = None
        if not shutil.which("nginx"):
            self.missing = "nginx is not installed"
        elif not NCHAN_MODULE.exists():
            self.missing = "nginx has no nchan module (package libnginx-mod-nchan)"

    def start(self, directory):
        port = brokers.free_port()
        config = (BENCH / "peers" / "nginx.conf").read_text()
        config = config.replace("@MODULE@", str(NCHAN_MODULE)).replace("@PORT@", str(port))
        path = pathlib.Path(directory) / "nginx.conf"
        path.write_text(config)
        process = spawn(["nginx", "-p", f"{directory}/", "-c", path, "-e", "stderr"], directory)
        wait_for(process, directory, lambda _: answers(port) and children(process.pid))
        return Running(process, port, "nchan")


def executable(path, how):
    return None if os.access(path, os.X_OK) else f"{path} is missing; {how}"


def node(script):
    missing = None
    if not shutil.which("node"):
        missing = "node is not installed"
    elif not (PEERS / "node_modules").is_dir():
        missing = "bench/peers/node_modules is missing; script/bootstrap installs it"
    return Announcing(["node", PEERS / script], missing=missing)


def floor(programs, *arguments):
    missing = executable(programs.floor, "script/bench builds it")
    return Announcing([programs.floor, *arguments], missing=missing)


def roomcast(programs, io_uring, **environment):
    settings = {
        "SHARDS": "1",
        "SERVER_ADDR": "127.0.0.1:0",
        "MESSAGE_RATE": "0",
        "LOG_LEVEL": "warn",
        "IO_URING": io_uring,
        **environment,
    }
    missing = executable(programs.roomcast, "script/bench builds it once the server is there")
    return Announcing([programs.roomcast], settings, missing)


def roomcast_nodes(programs, count, broker="redis", **environment):
    return OnBroker(
        broker, count, lambda found: roomcast(programs, "off", **found, **environment)
    )


def relay_nodes(programs, count):
    return OnBroker(
        "redis", count, lambda found: floor(programs, "send", found["REDIS_ADDR"].split(":")[1])
    )


MAKERS = {
    "floor": lambda programs: floor(programs, "send"),
    "floor-batch": lambda programs: floor(programs, "batch"),
    "floor-uring": lambda programs: floor(programs, "uring"),
    "roomcast": lambda programs: roomcast(programs, "off"),
    "roomcast-uring": lambda programs: roomcast(programs, "on"),
    "roomcast-deflate": lambda programs: roomcast(programs, "off", WS_COMPRESSION="on"),
    "uws": lambda programs: node("uws_server.mjs"),
    "ws": lambda programs: node("ws_server.mjs"),
    "nats": lambda programs: Nats(),
    "nchan": lambda programs: Nchan(),
    "relay-2": lambda programs: relay_nodes(programs, 2),
    "relay-8": lambda programs: relay_nodes(programs, 8),
    "relay-32": lambda programs: relay_nodes(programs, 32),
    "roomcast-2": lambda programs: roomcast_nodes(programs, 2),
    "roomcast-8": lambda programs: roomcast_nodes(programs, 8),
    "roomcast-32": lambda programs: roomcast_nodes(programs, 32),
    "roomcast-2-nats": lambda programs: roomcast_nodes(programs, 2, "nats"),
    "roomcast-2-rabbitmq": lambda programs: roomcast_nodes(programs, 2, "rabbitmq"),
    "roomcast-2-kafka": lambda programs: roomcast_nodes(programs, 2, "kafka"),
    # For the herd: a grace that a busy machine does not exceed.
    "roomcast-2-patient": lambda programs: roomcast_nodes(
        programs, 2, PRESENCE_LOST_GRACE_MS="30000"
    ),
    # For the crash: a lease of 2.5 s.
    "roomcast-2-ttl-5": lambda programs: roomcast_nodes(programs, 2, PRESENCE_TTL_SECONDS="5"),
}
NAMES = list(MAKERS)
FLOORS = ["floor", "floor-batch", "floor-uring"]
OURS = [name for name in NAMES if name.startswith("roomcast")]


@contextlib.contextmanager
def started(engine):
    with tempfile.TemporaryDirectory(prefix="roomcast-bench-") as directory:
        running = engine.start(directory)
        try:
            yield running
        finally:
            running.stop()


def find(programs, names):
    """Starts each engine once: (those that can be measured, reasons of the others)."""
    available, skipped = {}, {}
    for name in names:
        engine = MAKERS[name](programs)
        if engine.missing:
            skipped[name] = engine.missing
            continue
        try:
            with started(engine):
                available[name] = engine
        except StartFailure as failure:
            skipped[name] = str(failure)
    return available, skipped
