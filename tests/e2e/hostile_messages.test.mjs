// SPDX-License-Identifier: Apache-2.0
// Messages and frames that no honest client sends: each gets the error or close code that
// docs/protocol.md gives it, and nobody else notices.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { connectionCount, eventually, hostile, kibi, mebi } from './support/hostile.mjs';
import { encodeFrame, opcodes, RawClient } from './support/rfc6455_client.mjs';
import { startServer } from './support/server.mjs';

let server;
const theServer = () => server;
before(async () => {
  server = await startServer({ env: { MESSAGE_RATE: '0', LOG_LEVEL: 'warn' } });
});
after(async () => {
  assert.deepEqual(await server?.stop(), { code: 0, signal: null });
});

/// The text is refused with `code`; the connection stays.
async function isRefused(client, text, code) {
  await client.sendText(text);
  const answer = await client.nextJson();
  assert.deepEqual([answer.type, answer.code], ['error', code], text.slice(0, 80));
}

/// `bytes` end a new connection with `code`, and then TCP ends in order.
async function isClosed(where, bytes, code, { protocol, chop } = {}) {
  const client = await RawClient.open(where, { protocol });
  await client.write(bytes, chop);
  const ended = await client.end();
  assert.equal(ended.code, code, ended.reason);
  assert.equal(ended.how, 'FIN');
}

const broken = [
  '', '{', '}', '[]', 'null', '"a"', '{"type":}', "{'type':'ping'}", '{"type":"ping",}', '{"a":1}{"b":2}',
  '{"type":"ping"}\u0000', '\ufeff{"type":"ping"}', '{"type":"broadcast","channel":"a","payload":01}',
  '{"type":"broadcast","channel":"a","payload":NaN}', '{"type":"broadcast","channel":"a","payload":"\t"}',
  '{"type":"broadcast","channel":"a","payload":"\\x"}', '{"type":"broadcast","channel":"a","payload":[1,]}',
  '{"type":"broadcast","channel":"a","payload":"\\ud800"}}',
];
const wrongTypes = [
  '{}', '{"type":1}', '{"type":null}', '{"type":["ping"]}', '{"type":"no such type"}', '{"type":"PING"}',
  '{"type":"broadcast"}', '{"type":"broadcast","channel":1}', '{"type":"broadcast","channel":["a"]}',
  '{"type":"broadcast","channel":{}}', '{"type":"subscribe","channel":"a"}',
  '{"type":"subscribe","channel":"a","listen":"broadcast"}',
  '{"type":"subscribe","channel":"a","listen":[["broadcast"]]}',
  '{"type":"presence_join","channel":"a","payload":1}', '{"type":"ping","id":[1]}',
  '{"type":"ping","id":1e400}', '{"type":"__proto__"}',
];
const badChannels = [
  '', 'x'.repeat(257), 'x'.repeat(60_000), 'a\nb', 'a\u0000', '\u001b[31m', '\u007f', '\u009f', 'ü'.repeat(129),
];

hostile('malformed JSON', theServer, async () => {
  const client = await RawClient.open(server);
  for (let round = 0; round < 20; ++round) {
    for (const text of broken) await isRefused(client, text, 4000);
  }
  client.drop();
});

hostile('wrong types, unknown types, missing fields', theServer, async () => {
  const client = await RawClient.open(server);
  for (let round = 0; round < 20; ++round) {
    for (const text of wrongTypes) await isRefused(client, text, 4000);
  }
  client.drop();
});

hostile('empty and oversized channels, and control characters in them', theServer, async () => {
  const client = await RawClient.open(server);
  const types = ['subscribe', 'unsubscribe', 'broadcast', 'presence_join', 'presence_leave', 'presence_get'];
  for (const type of types) {
    for (const channel of badChannels) {
      await isRefused(client, JSON.stringify({ type, channel, listen: ['broadcast'] }), 4004);
    }
  }
  client.drop();
});

hostile('30,000 levels of nesting', theServer, async () => {
  const client = await RawClient.open(server);
  const levels = 30_000;
  const arrays = '['.repeat(levels) + ']'.repeat(levels);
  const objects = '{"a":'.repeat(levels / 3) + '1' + '}'.repeat(levels / 3);
  for (let round = 0; round < 20; ++round) {
    await isRefused(client, arrays, 4000);
    await isRefused(client, '['.repeat(65_536), 4000);
    for (const deep of [arrays, objects, '['.repeat(levels), '{"a":'.repeat(levels / 3)]) {
      await isRefused(client, `{"type":"broadcast","channel":"a","payload":${deep}}`, 4000);
      await isRefused(client, `{"unknown":${deep},"type":"ping"}`, 4000);
    }
  }
  client.drop();
});

hostile('binary frames', theServer, async () => {
  const base = await RawClient.open(server);
  await base.send({ opcode: opcodes.binary, payload: '{"type":"ping","id":1}' });
  assert.deepEqual(await base.nextJson(), { type: 'pong', id: 1 });
  base.drop();
  const binary = (payload) => encodeFrame({ opcode: opcodes.binary, payload });
  await isClosed(server, binary(Buffer.from('ff00', 'hex')), 1007);
  for (const payload of ['', '{"type":"ping"}', Buffer.alloc(64 * kibi)]) {
    await isClosed(server, binary(payload), 1003, { protocol: 'roomcast.v1' });
  }
});

hostile('invalid UTF-8: in a frame, across frames, across reads', theServer, async () => {
  const inJson = (hex) =>
    Buffer.concat([
      Buffer.from('{"type":"broadcast","channel":"a","payload":"'),
      Buffer.from(hex, 'hex'),
      Buffer.from('"}'),
    ]);
  for (const hex of ['ff', 'c0af', 'eda080', 'f4908080', 'e282', '80', 'f5808080']) {
    const payload = inJson(hex);
    await isClosed(server, encodeFrame({ payload }), 1007);
    await isClosed(server, encodeFrame({ payload }), 1007, { chop: 1 });
    for (let cut = payload.length - 6; cut < payload.length; ++cut) {
      const start = encodeFrame({ payload: payload.subarray(0, cut), isFinal: false });
      const rest = encodeFrame({ opcode: opcodes.continuation, payload: payload.subarray(cut) });
      await isClosed(server, Buffer.concat([start, rest]), 1007);
    }
  }
  // A character that the message ends within.
  await isClosed(server, encodeFrame({ payload: Buffer.from('e282', 'hex') }), 1007);
});

const start = { payload: 'a', isFinal: false };
const violations = [
  ['no mask', [{ payload: 'a', isMasked: false }], 1002],
  ['reserved bits', [{ payload: 'a', reserved: 4 }], 1002],
  ['unknown opcode', [{ opcode: 3 }], 1002],
  ['unknown control opcode', [{ opcode: 15 }], 1002],
  ['fragmented ping', [{ opcode: opcodes.ping, isFinal: false }], 1002],
  ['long ping', [{ opcode: opcodes.ping, payload: 'x'.repeat(126) }], 1002],
  ['continuation of nothing', [{ opcode: opcodes.continuation }], 1002],
  ['text within a text', [start, start], 1002],
  ['binary within a text', [start, { opcode: opcodes.binary }], 1002],
  ['length in 2 bytes for 1', [{ payload: 'a', lengthBytes: 2 }], 1002],
  ['length in 8 bytes for 2', [{ payload: 'x'.repeat(200), lengthBytes: 8 }], 1002],
  ['length 2^63', [{ announced: 2n ** 63n, lengthBytes: 8 }], 1002],
  ['length 2^64 - 1', [{ announced: 2n ** 64n - 1n, lengthBytes: 8 }], 1002],
  ['length 2^63 - 1', [{ announced: 2n ** 63n - 1n, lengthBytes: 8 }], 1009],
  ['length 65,537', [{ announced: 65_537n }], 1009],
  ['65,537 in two', [start, { opcode: opcodes.continuation, announced: 65_536n }], 1009],
  [
    'a sum beyond 2^63',
    [start, { opcode: opcodes.continuation, announced: 2n ** 63n - 1n, lengthBytes: 8 }],
    1009,
  ],
  ['close with half a code', [{ opcode: opcodes.close, payload: 'a' }], 1002],
  ['close with a forbidden code', [{ opcode: opcodes.close, payload: Buffer.from([3, 237]) }], 1002],
];

hostile('protocol violations', theServer, async () => {
  for (const [name, frames, code] of violations) {
    for (const chop of [undefined, 1]) {
      const bytes = Buffer.concat(frames.map(encodeFrame));
      await isClosed(server, bytes, code, { chop }).catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
    }
  }
});

hostile('HTTP, noise and more behind a violation is not read', theServer, async () => {
  const client = await RawClient.open(server);
  const noise = Buffer.alloc(mebi, 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.write(Buffer.concat([encodeFrame({ opcode: 3 }), noise]));
  const ended = await client.end();
  assert.equal(ended.code, 1002);
  assert.deepEqual(ended.frames, []);
});

for (const [what, payload] of [['tiny', 'a'], ['empty', '']]) {
  hostile(`10,000 ${what} fragments`, theServer, async () => {
    const next = encodeFrame({ opcode: opcodes.continuation, payload, isFinal: false });
    const bytes = Buffer.concat([encodeFrame({ payload, isFinal: false }), ...Array(9_999).fill(next)]);
    await isClosed(server, bytes, 1008);
    // Less than the limit is fine, however it is cut.
    const client = await RawClient.open(server);
    await client.send({ payload: '{"type":"ping"', isFinal: false });
    await client.write(
      Buffer.concat(Array(1_000).fill(encodeFrame({ opcode: opcodes.continuation, isFinal: false }))),
    );
    await client.send({ opcode: opcodes.continuation, payload: '}' });
    assert.equal((await client.nextJson()).type, 'pong');
    client.drop();
  });
}

const unfinished = 200;
hostile(
  `${unfinished} connections with a frame of 64 KiB announced and not sent`,
  theServer,
  async () => {
    const clients = [];
    for (let i = 0; i < unfinished; ++i) {
      const client = await RawClient.open(server);
      await client.send({ announced: 65_536n, payload: 'only these' });
      clients.push(client);
    }
    await clients[0].write(Buffer.alloc(1));
    assert.ok(clients.every((client) => !client.isEnded));
    for (const client of clients) client.drop();
  },
  { connections: unfinished },
);

hostile('4,000 subscriptions on one connection', theServer, async () => {
  const client = await RawClient.open(server);
  const subscribe = (i) =>
    encodeFrame({
      payload: JSON.stringify({ type: 'subscribe', channel: `many-${i}`, listen: ['broadcast'], id: i }),
    });
  await client.write(Buffer.concat(Array.from({ length: 4_000 }, (_, i) => subscribe(i))));
  const counts = { subscribed: 0, error: 0 };
  for (let i = 0; i < 4_000; ++i) {
    const answer = await client.nextJson();
    ++counts[answer.type];
    if (answer.type === 'error') assert.deepEqual([answer.code, answer.reason], [4005, 'limit']);
  }
  assert.deepEqual(counts, { subscribed: 1_000, error: 3_000 });
  await client.sendText({ type: 'unsubscribe', channel: 'many-0', id: 'gone' });
  assert.equal((await client.nextJson()).type, 'unsubscribed');
  await client.write(subscribe(4_000));
  assert.equal((await client.nextJson()).type, 'subscribed');
  client.drop();
});

const pingFrame = encodeFrame({ opcode: opcodes.ping, payload: 'x'.repeat(125) });

hostile('100,000 pings from a client that reads', theServer, async () => {
  const client = await RawClient.open(server);
  const batch = Buffer.concat(Array(1_000).fill(pingFrame));
  for (let i = 0; i < 100; ++i) {
    await client.write(batch);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await client.send({ opcode: opcodes.ping, payload: 'the last' });
  let pongs = 0;
  for (let frame; (frame = await client.next()); ) {
    assert.equal(frame.opcode, opcodes.pong);
    ++pongs;
    if (frame.payload.toString() === 'the last') break;
  }
  assert.ok(pongs < 50_000, `${pongs} pongs`);
  client.drop();
});

/// Writes `bytes` again and again without reading, until the server ends it or `most` went out.
async function floodUnread(client, bytes, most) {
  client.socket.pause();
  for (let sent = 0; sent < most && !client.socket.destroyed; sent += bytes.length) {
    const isTaken = client.socket.write(bytes);
    if (!isTaken) {
      const isDrained = await Promise.race([
        new Promise((resolve) => client.socket.once('drain', () => resolve(true))),
        new Promise((resolve) => client.socket.once('close', () => resolve(true))),
        new Promise((resolve) => setTimeout(() => resolve(false), 1_000)),
      ]);
      if (!isDrained) return;
    } else {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

// One ping in each write: the server reads them in many turns, and owes a pong for each.
hostile(
  'pings from a client that does not read',
  theServer,
  async () => {
    const client = await RawClient.open(server);
    await floodUnread(client, pingFrame, 24 * mebi);
    client.drop();
  },
  { extraBytes: mebi },
);

hostile(
  'commands with answers from a client that does not read',
  theServer,
  async () => {
    const client = await RawClient.open(server);
    const one = encodeFrame({ payload: '{"type":"ping","id":"' + 'x'.repeat(60) + '"}' });
    await floodUnread(client, Buffer.concat(Array(100).fill(one)), 24 * mebi);
    client.socket.resume();
    const ended = await client.end();
    assert.equal(ended.code, 4008);
  },
  { extraBytes: mebi },
);

hostile('a roster that is asked for again and again and not read', theServer, async () => {
  const joined = await RawClient.open(server, { user: 'roster' });
  const payload = { text: 'x'.repeat(8_000) };
  await joined.sendText({ type: 'presence_join', channel: 'roster', payload, id: 1 });
  await joined.nextJson();
  const client = await RawClient.open(server);
  const get = encodeFrame({ payload: '{"type":"presence_get","channel":"roster","id":1}' });
  await floodUnread(client, Buffer.concat(Array(100).fill(get)), mebi);
  client.drop();
  joined.drop();
});

hostile('connections that come and go', theServer, async () => {
  const before = await connectionCount(server);
  for (let i = 0; i < 300; ++i) {
    const client = await RawClient.open(server);
    const listen = ['broadcast', 'presence'];
    await client.sendText({ type: 'subscribe', channel: `brief-${i}`, listen });
    client.drop({ isReset: i % 2 === 0 });
  }
  await eventually(async () => (await connectionCount(server)) <= before, 'they are gone');
});
