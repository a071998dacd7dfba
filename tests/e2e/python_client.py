# SPDX-License-Identifier: Apache-2.0
"""Speaks to a roomcast server with Python's `websockets`, as a bot would: two users meet in a room.

Usage: python_client.py WS_URL [deflate], the latter where the server is to agree on compression,
which the library always offers. Prints "ok" at the end; any difference from the protocol is an
exception. Exit status 77 says that the library is missing.
"""

import asyncio
import json
import sys

try:
    import websockets
except ImportError:
    sys.exit(77)

PATIENCE_SECONDS = 30


async def receive(socket, **expected):
    """The next message, which must have the fields `expected`."""
    message = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_SECONDS))
    actual = {name: message.get(name) for name in expected}
    assert actual == expected, f"expected {expected}, got {message}"
    return message


async def send(socket, **message):
    await socket.send(json.dumps(message))


async def meet(url, extensions):
    alice = await websockets.connect(url + "?user_id=alice", subprotocols=["roomcast.v1"])
    bob = await websockets.connect(url + "?user_id=bob")
    assert alice.subprotocol == "roomcast.v1" and bob.subprotocol is None
    assert [extension.name for extension in alice.extensions] == extensions, alice.extensions
    await receive(alice, type="welcome", user_id="alice")

    await send(bob, type="subscribe", channel="python", listen=["broadcast", "presence"])
    await receive(bob, type="presence_sync", users=[])
    await send(alice, type="presence_join", channel="python", payload={"name": "Älice"}, id=1)
    await receive(alice, type="ack", id=1)
    await receive(bob, type="presence_join", user_id="alice", meta={"name": "Älice"})

    big = 2**70
    await send(alice, type="broadcast", channel="python", event="hello", payload=[big, "😀"], id=2)
    await receive(alice, type="ack", id=2)
    await receive(bob, type="broadcast", event="hello", payload=[big, "😀"], user_id="alice")

    # A message in many fragments, with a ping between them.
    async def fragments():
        text = json.dumps({"type": "broadcast", "channel": "python", "payload": "f" * 5000})
        for start in range(0, len(text), 100):
            yield text[start : start + 100]

    await alice.send(fragments())
    await asyncio.wait_for(await alice.ping(b"in between"), PATIENCE_SECONDS)
    await receive(bob, type="broadcast", payload="f" * 5000)

    await send(alice, type="presence_leave", channel="python")
    await receive(bob, type="presence_leave", user_id="alice")
    await alice.close(3000, "done")
    assert alice.close_code == 3000, alice.close_code

    await bob.send("not json")
    await receive(bob, type="error", code=4000, reason="bad_message")
    await bob.close()
    assert bob.close_code == 1000, bob.close_code

    try:
        await websockets.connect(url)
        raise AssertionError("let in without a user id")
    except websockets.InvalidStatusCode as refused:
        assert refused.status_code == 400, refused.status_code


async def crowd(url, size, messages):
    """`size` users on one channel: each hears every message once and in the same order."""

    async def listen(socket):
        heard = []
        while len(heard) < size * messages:
            heard.append((await receive(socket, type="broadcast"))["payload"])
        return heard

    sockets = [await websockets.connect(f"{url}?user_id=user-{i}") for i in range(size)]
    for i, socket in enumerate(sockets):
        await send(socket, type="subscribe", channel="crowd", listen=["broadcast"], id=i)
        await receive(socket, type="subscribed", id=i)
    listeners = [asyncio.create_task(listen(socket)) for socket in sockets]
    for number in range(messages):
        for i, socket in enumerate(sockets):
            await send(socket, type="broadcast", channel="crowd", payload=[i, number])
    orders = [await listener for listener in listeners]
    assert all(order == orders[0] for order in orders)
    assert sorted(map(tuple, orders[0])) == [(i, n) for i in range(size) for n in range(messages)]
    for socket in sockets:
        await socket.close()


async def main(url, mode=""):
    await meet(url, ["permessage-deflate"] if mode == "deflate" else [])
    await crowd(url, size=20, messages=20)
    print("ok")


asyncio.run(main(*sys.argv[1:]))
