// SPDX-License-Identifier: Apache-2.0
// permessage-deflate (RFC 7692) with other people's clients, and with one that breaks its rules.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { connect, connectVersioned } from './support/client.mjs';
import { readMetrics } from './support/metrics.mjs';
import { noPython, runPython } from './support/python.mjs';
import { opcodes, RawClient } from './support/rfc6455_client.mjs';
import { startServer } from './support/server.mjs';

const offer = 'Sec-WebSocket-Extensions: permessage-deflate\r\n';
const messageLimit = 65_536;

/// An object whose JSON has about `bytes` bytes and shrinks to less than half.
function orders(bytes) {
  const list = [];
  for (let i = 0; JSON.stringify(list).length < bytes; ++i) {
    list.push({ id: i * 7919, customer: `customer-${i % 17}`, paid: i % 3 === 0, town: 'Malmö' });
  }
  return list;
}

/// The payload of a compressed message.
function deflate(text) {
  const whole = deflateRawSync(text, { finishFlush: 2 /* Z_SYNC_FLUSH */ });
  return whole.subarray(0, whole.length - 4);
}

async function connectDeflate(server, user, perMessageDeflate = true) {
  const client = await connect(server, { user, perMessageDeflate });
  assert.match(client.socket.extensions, perMessageDeflate ? /permessage-deflate/ : /^$/);
  return client;
}

const bytesReceived = (client) => client.socket._socket.bytesRead;

describe('compression', { timeout: 120_000 }, () => {
  let server;

  before(async () => {
    server = await startServer({ env: { WS_COMPRESSION: 'on', MESSAGE_RATE: '0' } });
  });
  after(async () => assert.deepEqual(await server?.stop(), { code: 0, signal: null }));

  test('everyone on a channel gets the same text, compressed or not', async () => {
    const clients = await Promise.all([
      connectDeflate(server, 'plain', false),
      connectDeflate(server, 'deflate'),
      connectDeflate(server, 'no-takeover', { clientNoContextTakeover: true, threshold: 0 }),
      connectDeflate(server, 'small-window', { serverMaxWindowBits: 9, threshold: 0 }),
    ]);
    for (const client of clients) await client.subscribe('mixed');
    const sizes = [0, 10, 200, 300, 500, 1_000, 5_000, 30_000, 60_000];
    for (const [i, size] of sizes.entries()) {
      await clients[i % clients.length].broadcast('mixed', orders(size));
    }
    const heard = [];
    for (const client of clients) {
      heard.push(await client.takeMany(sizes.length, { type: 'broadcast' }));
    }
    assert.deepEqual(heard[0].map(({ payload }) => payload), sizes.map(orders));
    for (const other of heard.slice(1)) assert.deepEqual(other, heard[0]);
    const [plain, deflated, , small] = clients.map(bytesReceived);
    assert.ok(deflated < plain / 2, `${deflated} bytes against ${plain}`);
    assert.ok(small > deflated, 'what exceeds its window is sent plain');
    for (const client of clients) await client.close();
  });

  test('what one thread compresses is counted before and behind', async () => {
    const client = await connectDeflate(server, 'counted');
    await client.subscribe('counted');
    const before = await readMetrics(server);
    await client.broadcast('counted', orders(2_000));
    const message = await client.take({ type: 'broadcast' });
    const after = await readMetrics(server);
    const grown = (name) => after(name) - before(name);
    assert.equal(grown('roomcast_deflate_input_bytes_total'),
      Buffer.byteLength(JSON.stringify(message)));
    const out = grown('roomcast_deflate_output_bytes_total');
    assert.ok(out > 0 && out < 1_000, `${out} bytes`);
    await client.close();
  });

  test('a large presence_sync is compressed, small answers are not', async () => {
    const members = await Promise.all(
      Array.from({ length: 30 }, (_, i) => connect(server, { user: `member-${i}` })),
    );
    for (const member of members) {
      await member.request({ type: 'presence_join', channel: 'crowd', payload: { name: 'n'.repeat(200) } });
    }
    const raw = await RawClient.open(server, { headers: offer });
    await raw.sendText({ type: 'subscribe', channel: 'crowd', listen: ['presence'], id: 1 });
    const [answer, sync] = [await raw.next(), await raw.next()];
    assert.deepEqual([answer.isDeflated, sync.isDeflated], [false, true]);
    assert.ok(sync.payload.length < 2_000, `${sync.payload.length} bytes`);
    raw.drop();
    const client = await connectDeflate(server, 'watcher');
    await client.subscribe('crowd', ['presence']);
    assert.equal((await client.take({ type: 'presence_sync' })).users.length, 30);
    for (const one of [...members, client]) one.terminate();
  });

  test('fragments of a compressed message, a ping between them', async () => {
    const witness = await connect(server, { user: 'witness' });
    await witness.subscribe('raw');
    const raw = await RawClient.open(server, { headers: offer });
    const text = JSON.stringify({ type: 'broadcast', channel: 'raw', payload: orders(3_000) });
    const payload = deflate(text);
    await raw.send({ reserved: 4, payload: payload.subarray(0, 100), isFinal: false }, 1);
    await raw.send({ opcode: opcodes.ping, payload: 'between' });
    await raw.send({ opcode: opcodes.continuation, isFinal: false });
    await raw.send({ opcode: opcodes.continuation, payload: payload.subarray(100) }, 7);
    assert.equal((await raw.next()).payload.toString(), 'between');
    assert.deepEqual((await witness.take({ type: 'broadcast' })).payload, orders(3_000));
    await raw.sendText({ type: 'ping', id: 1 });
    assert.deepEqual(await raw.nextJson(), { type: 'pong', id: 1 });
    raw.drop();
    witness.terminate();
  });

  test('rules that are broken', async () => {
    const hello = deflate('"hello"');
    const bomb = deflate(Buffer.alloc(messageLimit * 500, 'x'));
    assert.ok(bomb.length < messageLimit, 'it must pass as a message');
    const cases = [
      ['a bomb', 1009, [{ reserved: 4, payload: bomb }]],
      ['one byte too many', 1009, [{ reserved: 4, payload: deflate('x'.repeat(messageLimit + 1)) }]],
      ['no deflate', 1007, [{ reserved: 4, payload: Buffer.from([7]) }]],
      ['cut short', 1007, [{ reserved: 4, payload: hello.subarray(0, 4) }]],
      ['empty', 1007, [{ reserved: 4 }]],
      ['no UTF-8', 1007, [{ reserved: 4, payload: deflate(Buffer.from([0x22, 0xff, 0x22])) }]],
      ['RSV1 on a ping', 1002, [{ reserved: 4, opcode: opcodes.ping }]],
      ['RSV1 on a continuation', 1002, [
        { reserved: 4, payload: hello.subarray(0, 4), isFinal: false },
        { reserved: 4, payload: hello.subarray(4), opcode: opcodes.continuation },
      ]],
      ['RSV2', 1002, [{ reserved: 2, payload: hello }]],
      ['RSV1 and RSV3', 1002, [{ reserved: 5, payload: hello }]],
    ];
    for (const [title, code, frames] of cases) {
      const raw = await RawClient.open(server, { headers: offer });
      for (const frame of frames) await raw.send(frame);
      assert.equal((await raw.end()).code, code, title);
    }
    const raw = await RawClient.open(server);
    await raw.send({ reserved: 4, payload: hello });
    assert.equal((await raw.end()).code, 1002, 'RSV1 without an agreement');
  });

  test('answers what was agreed on', async () => {
    const fixed = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
    const offers = [
      ['permessage-deflate', fixed],
      ['permessage-deflate; client_max_window_bits', fixed],
      ['permessage-deflate; server_max_window_bits=10', `${fixed}; server_max_window_bits=10`],
      ['permessage-deflate; server_max_window_bits=7, permessage-deflate', fixed],
      ['permessage-deflate; server_max_window_bits=7', undefined],
      ['permessage-deflate; what', undefined],
      ['permessage-bzip2', undefined],
    ];
    for (const [value, expected] of offers) {
      const raw = await RawClient.open(server, { headers: `Sec-WebSocket-Extensions: ${value}\r\n` });
      assert.equal(raw.extensions, expected, value);
      raw.drop();
    }
  });

  test('Python websockets', { skip: noPython }, () => runPython(server, 'deflate'));

  test('off, nothing is agreed on', async () => {
    const off = await startServer({ env: { MESSAGE_RATE: '0' } });
    const client = await connectVersioned(off, { user: 'a', perMessageDeflate: true });
    assert.equal(client.socket.extensions, '');
    await client.subscribe('off');
    await client.broadcast('off', orders(5_000));
    assert.deepEqual((await client.take({ type: 'broadcast' })).payload, orders(5_000));
    client.terminate();
    const raw = await RawClient.open(off, { headers: offer });
    assert.equal(raw.extensions, undefined);
    await raw.send({ reserved: 4, payload: deflate('"hello"') });
    assert.equal((await raw.end()).code, 1002);
    await off.stop();
  });
});
