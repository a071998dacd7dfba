# SPDX-License-Identifier: Apache-2.0
"""Servers as processes: started on their core, awaited, and stopped."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
import time

import brokers
import machine
from brokers import StartFailure

START_SECONDS = 30


class Running:
    """A started server: the port of its WebSocket listener and all of its processes."""

    reader_ports = ()  # of its other nodes
    broker_pids = ()

    def __init__(self, process, port, protocol):
        self.process = process
        self.port = port
        self.protocol = protocol
        self.options = {}  # what the load generator has to know besides

    def pids(self):
        return [self.process.pid, *children(self.process.pid)]

    def stop(self):
        brokers.end(self.process)


class RunningNodes:
    """Several nodes and the broker between them: one publishes, readers go to the ports by turns."""

    protocol = "json"
    options = {}

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


READINESS = (b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"HTTP/1.1 200 ")


class Announcing:
    """A server that prints "ready addr=127.0.0.1:PORT"."""

    protocol = "json"
    is_on_broker = False  # then it listens earlier than it can serve, and /readyz tells

    def __init__(self, command, environment=None, missing=None, wrapper=machine.ON_SERVER_CORE):
        self.command = command
        self.environment = environment
        self.missing = missing
        self.wrapper = wrapper

    def start(self, directory):
        process = spawn(self.command, directory, self.environment, self.wrapper)
        port = wait_for(process, directory, announced_port)
        if self.is_on_broker:
            wait_for(process, directory, lambda _: brokers.answers(port, *READINESS))
        return Running(process, port, self.protocol)


class Listening:
    """A server that is told its port in its configuration, whose path ends its command."""

    def __init__(self, command, configuration, protocol, missing, has_workers=False):
        self.command = command
        self.configuration = configuration
        self.options = {}
        self.protocol = protocol
        self.missing = missing
        self.has_workers = has_workers

    def start(self, directory):
        port = brokers.free_port()
        suffix = ".json" if self.configuration.startswith("{") else ".conf"
        path = pathlib.Path(directory) / f"configuration{suffix}"
        path.write_text(self.configuration.replace("@PORT@", str(port)))
        process = spawn([*self.command, path], directory)
        wait_for(process, directory, lambda _: self.is_ready(process, port))
        running = Running(process, port, self.protocol)
        running.options = self.options
        return running

    def is_ready(self, process, port):
        return brokers.answers(port, b"", b"") and (
            not self.has_workers or bool(children(process.pid))
        )


def children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def spawn(command, directory, environment=None, wrapper=machine.ON_SERVER_CORE):
    log = open(pathlib.Path(directory) / "log", "wb")
    with log:
        return subprocess.Popen(
            [*wrapper, *map(str, command)],
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


def folder_in(directory, name):
    folder = pathlib.Path(directory) / name
    folder.mkdir()
    return folder


@contextlib.contextmanager
def started(engine):
    with tempfile.TemporaryDirectory(prefix="roomcast-bench-") as directory:
        running = engine.start(directory)
        try:
            yield running
        finally:
            running.stop()
