# SPDX-License-Identifier: Apache-2.0
"""Real message brokers on 127.0.0.1: for script/server --broker and for script/bench."""

import base64
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import uuid

JARS = pathlib.Path(__file__).resolve().parents[2] / "build" / "kafka"  # of script/kafka-jars
RABBITMQ = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
NAMES = ("redis", "nats", "rabbitmq", "kafka")
START_SECONDS = 60


class StartFailure(Exception):
    """Why a server does not start, in one line."""


def free_port():
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def end(process):
    """SIGTERM, and SIGKILL where that is not enough."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Broker:
    """A running one: `environment` is what a gateway needs to find it."""

    def __init__(self, environment):
        self.environment = environment
        self.processes = []

    def pids(self):
        return [process.pid for process in self.processes]

    def stop(self):
        for process in reversed(self.processes):
            end(process)


def missing(name):
    """Why `name` cannot be started here; None: it can."""
    if name == "rabbitmq":
        has_all = RABBITMQ.exists() and shutil.which("epmd")
        return None if has_all else "rabbitmq-server is not installed"
    if name == "kafka":
        has_all = shutil.which("java") and (JARS / ".of").exists()
        return None if has_all else "there is no Kafka: script/kafka-jars says why"
    return None if shutil.which(f"{name}-server") else f"{name}-server is not installed"


def start(name, directory, wrapper=()):
    """Starts `name` with its files in `directory`, which exists. `wrapper` is a command that becomes
    the server, such as taskset."""
    directory = pathlib.Path(directory)
    starters = {
        "redis": start_redis,
        "nats": start_nats,
        "rabbitmq": start_rabbitmq,
        "kafka": start_kafka,
    }
    return starters[name](directory, list(wrapper))


def start_redis(directory, wrapper):
    port = free_port()
    broker = Broker({"REDIS_ADDR": f"127.0.0.1:{port}"})
    command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
               "no", "--dir", directory]
    spawn(broker, wrapper + command, directory)
    return when(broker, directory, lambda: answers(port, b"PING\r\n", b"+PONG"))


def start_nats(directory, wrapper):
    port = free_port()
    broker = Broker(
        {"BROADCAST_MQ_TYPE": "nats", "BROADCAST_NATS_URL": f"nats://127.0.0.1:{port}"}
    )
    spawn(broker, wrapper + ["nats-server", "-a", "127.0.0.1", "-p", port], directory)
    return when(broker, directory, lambda: answers(port, b"", b"INFO"))


def start_rabbitmq(directory, wrapper):
    port, distribution_port, epmd_port = free_port(), free_port(), free_port()
    broker = Broker(
        {
            "BROADCAST_MQ_TYPE": "rabbitmq",
            "BROADCAST_RABBITMQ_URL": f"amqp://guest:guest@127.0.0.1:{port}/",
        }
    )
    (directory / "enabled_plugins").write_text("[].\n")
    (directory / "rabbitmq.conf").write_text("loopback_users = none\n")
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(directory),
        "RUNNING_UNDER_SYSTEMD": "1",  # the server takes the place of its script
        "RABBITMQ_NODENAME": f"rc{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "logs"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd_port),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    # A name server of its own: one that Erlang starts would stay behind.
    spawn(broker, ["epmd", "-address", "127.0.0.1", "-port", epmd_port], directory)
    spawn(broker, wrapper + [RABBITMQ], directory, environment)
    return when(broker, directory, lambda: answers(port, b"AMQP\x00\x00\x09\x01", b"\x01"))


def start_kafka(directory, wrapper):
    """One server in KRaft mode, broker and controller, as small as it goes."""
    port, controller_port = free_port(), free_port()
    broker = Broker(
        {"BROADCAST_MQ_TYPE": "kafka", "BROADCAST_KAFKA_BROKERS": f"127.0.0.1:{port}"}
    )
    settings = directory / "server.properties"
    settings.write_text(
        f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={directory / "data"}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
"""
    )
    java = ["java", "-XX:+UseSerialGC", "-Xmx512m", "-cp", JARS / "*"]
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # With "=", since one in 64 of these names begins with "-".
    form = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", settings]
    done = subprocess.run(list(map(str, form)), capture_output=True, text=True)
    if done.returncode != 0:
        raise StartFailure(f"kafka does not start: {done.stderr.strip()[-400:]}")
    spawn(broker, [*wrapper, *java, "kafka.Kafka", settings], directory)
    # It listens once it serves.
    return when(broker, directory, lambda: answers(port, b"", b""))


def spawn(broker, command, directory, environment=None):
    # Not the terminal's process group: Ctrl-C is for the gateways, which need the broker to drain.
    with open(directory / "log", "ab") as log:
        broker.processes.append(
            subprocess.Popen(
                list(map(str, command)),
                cwd=directory,
                env=environment or os.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )


def answers(port, question, beginning):
    """Whether the first bytes that come from the port are `beginning`."""
    with contextlib.suppress(OSError):
        with socket.create_connection(("127.0.0.1", port), 1) as client:
            client.sendall(question)
            return client.recv(len(beginning)) == beginning
    return False


def when(broker, directory, is_ready):
    """`broker` as soon as it is ready; otherwise it is stopped, and the end of its log is why."""
    deadline = time.monotonic() + START_SECONDS
    server = broker.processes[-1]
    while server.poll() is None and time.monotonic() < deadline:
        if is_ready():
            return broker
        time.sleep(0.05)
    broker.stop()
    end_of_log = (directory / "log").read_text(errors="replace").strip().splitlines()[-3:]
    raise StartFailure(f"{server.args[0]} does not start: {' | '.join(end_of_log)[-400:]}")
