# SPDX-License-Identifier: Apache-2.0
"""deploy/nginx.conf before two real gateways: python3 nginx_test.py ROOMCAST.

Only addresses differ from the file. Exit status 77 is a skip: nginx or a module is not there.
"""
import asyncio
import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request

CONF = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
PATIENCE_SECONDS = 30
CLIENT_ADDRESS = "127.0.0.2"  # another than nginx has
SKIPPED = 77

try:
    import websockets
except ImportError:
    print("skipped: python3-websockets is not installed")
    sys.exit(SKIPPED)


def expect(condition, sentence):
    if not condition:
        sys.exit(sentence)


@contextlib.contextmanager
def ended(process):
    """Ends the process with the block."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start_gateway(roomcast, name):
    environment = {"SERVER_ADDR": "127.0.0.1:0", "TRUSTED_PROXIES": "127.0.0.1",
                   "DRAIN_SECONDS": "1", "SHARDS": "1", "NODE_NAME": name, "LOG_LEVEL": "error"}
    with tempfile.TemporaryDirectory() as empty:
        gateway = subprocess.Popen([roomcast], env=environment, cwd=empty, text=True,
                                   stdout=subprocess.PIPE)
        ready = gateway.stdout.readline()
    gateway.address = re.fullmatch(r"ready addr=(\S+)\n", ready)[1]
    return gateway


def users(gateway):
    """Who is connected to a gateway, each from the address of the client."""
    with urllib.request.urlopen(f"http://{gateway.address}/api/connections") as answer:
        entries = json.load(answer)["connections"]
    for entry in entries:
        expect(entry["peer"] == CLIENT_ADDRESS, f"not the client's address: {entry}")
    return sorted(entry["user_id"] for entry in entries)


def start_nginx(addresses, folder):
    """nginx with the addresses of this test, and the port on which it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = CONF.read_text(encoding="utf-8")
    for last, address in zip(("11", "12"), addresses):
        text = text.replace(f"172.30.99.{last}:8080", address)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    expect("172.30" not in text and str(port) in text, "nginx.conf has other addresses")
    conf = pathlib.Path(folder) / "nginx.conf"
    conf.write_text(text, encoding="utf-8")
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not pathlib.Path(nginx).exists():
        print("skipped: nginx is not installed")
        sys.exit(SKIPPED)
    with open(f"{folder}/log", "w", encoding="utf-8") as log:
        return port, subprocess.Popen(
            [nginx, "-c", str(conf), "-g", f"daemon off; pid {folder}/pid;"],
            stdout=log, stderr=subprocess.STDOUT)


async def wait_for_port(port, nginx, folder):
    for _ in range(PATIENCE_SECONDS * 20):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        if nginx.poll() is not None:
            log = pathlib.Path(f"{folder}/log").read_text(encoding="utf-8")
            if "Permission denied" in log:
                print("skipped: nginx opens its folders as root alone")
                sys.exit(SKIPPED)
            sys.exit(f"nginx ended: {log}")
        await asyncio.sleep(0.05)
    sys.exit("nginx does not listen")


async def connect(port, user):
    """A client that has subscribed, and so has had an answer of its gateway."""
    client = await websockets.connect(f"ws://127.0.0.1:{port}/ws?user_id={user}",
                                      local_addr=(CLIENT_ADDRESS, 0))
    await client.send(json.dumps(
        {"type": "subscribe", "channel": "lobby", "listen": ["broadcast"], "id": 1}))
    answer = json.loads(await client.recv())
    expect(answer["type"] == "subscribed", f"no subscription: {answer}")
    return client


async def check_clients(port, gateways):
    clients = [await connect(port, f"user{number}") for number in range(4)]
    moving = users(gateways[0])
    expect(len(moving) == 2, f"not two clients each: {moving}, {users(gateways[1])}")
    # One gateway stops: its clients are told, and find the other one at once.
    gateways[0].terminate()
    for number, client in enumerate(clients):
        if f"user{number}" in moving:
            await asyncio.wait_for(client.wait_closed(), PATIENCE_SECONDS)
            expect(client.close_code == 1012, f"closed with {client.close_code}")
            clients[number] = await connect(port, f"user{number}")
    expect(len(users(gateways[1])) == 4, f"not all have moved: {users(gateways[1])}")
    publish = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/event", method="POST",
        data=json.dumps({"channel": "lobby", "event": "hello", "payload": 1}).encode())
    with urllib.request.urlopen(publish) as answer:
        expect(answer.status == 200, f"publishing: {answer.status}")
    for client in clients:
        message = json.loads(await asyncio.wait_for(client.recv(), PATIENCE_SECONDS))
        expect(message["event"] == "hello", f"not the event: {message}")
        await client.close()


async def head_behind(port, upstream, request):
    """What a gateway is sent for a request."""
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as client:
        client.sendall(request)
        upstream.settimeout(PATIENCE_SECONDS)
        gateway, _ = await loop.run_in_executor(None, upstream.accept)
        with gateway:
            gateway.settimeout(PATIENCE_SECONDS)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = gateway.recv(65536)
                expect(piece, "nginx ended its connection within a request")
                head += piece
            # Unanswered, it would be sent again to the other gateway.
            gateway.sendall(b"HTTP/1.1 400 no\r\nContent-Length: 0\r\n\r\n")
            expect(client.recv(65536).startswith(b"HTTP/1.1 400"), "nginx gives no answer")
            return head.decode()


async def check_headers(port, upstream):
    head = await head_behind(
        port, upstream,
        b"GET /ws?token=" + b"x" * 12_000 + b" HTTP/1.1\r\nHost: chat.example:8443\r\n"
        b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        b"X-Forwarded-For: 198.51.100.7\r\nSec-WebSocket-Key: abc\r\n\r\n")
    for line in ("Upgrade: websocket", "Connection: upgrade", "Host: chat.example:8443",
                 "X-Forwarded-For: 198.51.100.7, 127.0.0.1", "X-Forwarded-Proto: http",
                 "Sec-WebSocket-Key: abc"):
        expect(f"\r\n{line}\r\n" in head, f"no '{line}' in {head[-400:]}")
    head = await head_behind(port, upstream, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    expect("connection:" not in head.lower() and "upgrade:" not in head.lower(),
           f"no shared connection for {head[-400:]}")


async def main(roomcast):
    with contextlib.ExitStack() as stack:
        def enter(addresses):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            port, nginx = start_nginx(addresses, folder)
            stack.enter_context(ended(nginx))
            return port, wait_for_port(port, nginx, folder)

        gateways = [stack.enter_context(ended(start_gateway(roomcast, f"gateway-{number}")))
                    for number in (1, 2)]
        port, listens = enter([gateway.address for gateway in gateways])
        await listens
        await check_clients(port, gateways)

        upstream = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port, listens = enter([f"127.0.0.1:{upstream.getsockname()[1]}"] * 2)
        await listens
        await check_headers(port, upstream)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
