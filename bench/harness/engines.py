# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured: where to find them and how to start them."""

import os
import pathlib
import shutil
import subprocess

import brokers
import machine
from brokers import StartFailure
from processes import Announcing, Listening, RunningNodes, folder_in, started

BENCH = pathlib.Path(__file__).resolve().parent.parent
PEERS = BENCH / "peers"
NCHAN_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


class Programs:
    """What the build has made."""

    def __init__(self, build):
        self.roomcast = build / "roomcast"
        self.load = build / "bench" / "bench_load"
        self.floor = build / "bench" / "bench_floor"


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
        nodes = RunningNodes()
        environment = {}
        try:
            for name in self.names:
                folder = folder_in(directory, name)
                nodes.brokers.append(brokers.start(name, folder, machine.ON_SERVER_CORE))
                environment |= nodes.brokers[-1].environment
            for number in range(self.count):
                folder = folder_in(directory, f"node-{number}")
                nodes.nodes.append(self.make_node(environment).start(folder))
        except StartFailure:
            nodes.stop()
            raise
        return nodes


class OverTls:
    """An engine whose server has a certificate made for the run; `make(environment)` gives it."""

    def __init__(self, make):
        self.make = make
        no_openssl = None if shutil.which("openssl") else "openssl is not installed"
        self.missing = no_openssl or make({}).missing

    def start(self, directory):
        running = self.make(certificate(pathlib.Path(directory))).start(directory)
        running.options = {"tls": "yes"}
        return running


def certificate(directory):
    """The settings that name a new certificate and its key."""
    key, chain = directory / "key.pem", directory / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", chain]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise StartFailure(f"no certificate: {done.stderr.strip()[-200:]}")
    return {"TLS_CERT_FILE": str(chain), "TLS_KEY_FILE": str(key)}


def nats():
    configuration = (
        'listen: "127.0.0.1:-1"\n'  # its own protocol, which nobody speaks here
        'websocket { listen: "127.0.0.1:@PORT@", no_tls: true, compression: false }\n'
    )
    missing = None if shutil.which("nats-server") else "nats-server is not installed"
    return Listening(["nats-server", "-c"], configuration, "nats", missing)


def nginx(site, protocol, module=None):
    configuration = (PEERS / "nginx.conf").read_text()
    configuration = configuration.replace("@SITE@", (PEERS / site).read_text())
    command = ["nginx", "-p", "./", "-e", "stderr"]
    missing = None if shutil.which("nginx") else "nginx is not installed"
    if module:
        configuration = f"load_module {module};\n{configuration}"
        if not missing and not module.exists():
            missing = f"nginx has no module {module.name}"
    return Listening([*command, "-c"], configuration, protocol, missing, has_workers=True)


def constant_nginx():
    engine = nginx("constant.conf", "json")
    engine.options = {"subscribed": "no"}
    return engine


def centrifugo():
    missing = executable(machine.CENTRIFUGO, "script/centrifugo builds it, or says why not")
    configuration = (PEERS / "centrifugo.json").read_text()
    return Listening([machine.CENTRIFUGO, "-c"], configuration, "centrifugo", missing)


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


def roomcast(programs, io_uring, wrapper=machine.ON_SERVER_CORE, **environment):
    settings = {
        "SHARDS": "1",
        "SERVER_ADDR": "127.0.0.1:0",
        "MESSAGE_RATE": "0",
        "LOG_LEVEL": "warn",
        "IO_URING": io_uring,
        **environment,
    }
    missing = executable(programs.roomcast, "script/bench builds it once the server is there")
    return Announcing([programs.roomcast], settings, missing, wrapper)


def roomcast_shards(programs):
    return roomcast(programs, "off", machine.ON_BOTH_CORES, SHARDS="2")


def roomcast_tls(programs):
    return OverTls(lambda found: roomcast(programs, "off", **found))


def roomcast_nodes(programs, count, broker="redis", **environment):
    def make(found):
        engine = roomcast(programs, "off", **found, **environment)
        engine.is_on_broker = True
        return engine

    return OnBroker(broker, count, make)


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
    "roomcast-shards-2": roomcast_shards,
    "roomcast-tls": roomcast_tls,
    "uws": lambda programs: node("uws_server.mjs"),
    "ws": lambda programs: node("ws_server.mjs"),
    "nats": lambda programs: nats(),
    "nchan": lambda programs: nginx("nchan.conf", "nchan", NCHAN_MODULE),
    "centrifugo": lambda programs: centrifugo(),
    "nginx": lambda programs: constant_nginx(),
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
OURS = [name for name in NAMES if name.startswith("roomcast")]


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
