# SPDX-License-Identifier: Apache-2.0
"""What `script/server --broker NAME` runs: a real broker, a Redis for presence, and two gateways.

Ports 8080 and 8081, or those of SERVER_ADDR and the next one. Arguments go to both gateways.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import brokers

ROOMCAST = pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / "roomcast"


def addresses():
    """Where the two gateways listen."""
    host, _, port = os.environ.get("SERVER_ADDR", ":8080").rpartition(":")
    if not port.isdigit() or int(port) == 0:
        sys.exit("script/server --broker: SERVER_ADDR needs a port: two gateways take it and the next")
    return [f"{host}:{int(port) + number}" for number in range(2)]


def started(stack, name, directory):
    folder = pathlib.Path(directory) / name
    folder.mkdir()
    print(f"starting {name} …", flush=True)
    broker = brokers.start(name, folder)
    stack.callback(broker.stop)
    return broker.environment


def main(name, arguments):
    listening = addresses()
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="roomcast-broker-"))
        environment = {}
        for server in dict.fromkeys(("redis", name)):  # presence is shared in any case
            environment |= started(stack, server, directory)
        for variable, value in environment.items():
            print(f"  {variable}={value}")
        gateways = []
        for number, address in enumerate(listening, 1):
            own = {"SERVER_ADDR": address, "NODE_NAME": f"gateway-{number}"}
            command = [str(ROOMCAST), *arguments]
            gateways.append(subprocess.Popen(command, env={**os.environ, **environment, **own}))
            stack.callback(brokers.end, gateways[-1])
            print(f"gateway {number}: http://localhost:{address.rpartition(':')[2]}/", flush=True)
        # Ctrl-C reaches the gateways by itself: wait until they have drained.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: [gateway.terminate() for gateway in gateways])
        return max(gateway.wait() for gateway in gateways)


try:
    sys.exit(main(sys.argv[1], sys.argv[2:]))
except brokers.StartFailure as failure:
    sys.exit(f"script/server: {failure}")
