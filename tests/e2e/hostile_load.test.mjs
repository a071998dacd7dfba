// SPDX-License-Identifier: Apache-2.0
// Clients that are too slow, too fast, too many or gone: each costs bounded memory, and nobody else's
// latency.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { connectionCount, eventually, hostile, kibi, mebi } from './support/hostile.mjs';
import { encodeFrame, opcodes, RawClient } from './support/rfc6455_client.mjs';
import { startServer } from './support/server.mjs';

const outboxBytes = mebi;
const stallSeconds = 2;
const closeWaitSeconds = 2;
const graceMs = 2_000; // of a busy machine, and of the timer wheel's coarseness
const kernelBytes = 8 * mebi; // more than the kernel holds for a socket that is not read

let server;
let patient; // with a large outbox: slow clients stand still there before it is full
let strict; // with low rates and short deadlines
before(async () => {
  const env = {
    MESSAGE_RATE: '0',
    LOG_LEVEL: 'warn',
    OUTBOX_STALL_SECONDS: `${stallSeconds}`,
    CLOSE_WAIT_SECONDS: `${closeWaitSeconds}`,
  };
  server = await startServer({ env: { ...env, OUTBOX_BYTES: `${outboxBytes}` } });
  patient = await startServer({ env: { ...env, OUTBOX_BYTES: `${64 * mebi}` } });
  strict = await startServer({
    env: {
      ...env,
      MESSAGE_RATE: '100',
      MESSAGE_BURST: '200',
      RATE_PATIENCE_SECONDS: '2',
      PING_SECONDS: '1',
      PONG_SECONDS: '1',
    },
  });
});
after(async () => {
  for (const one of [server, patient, strict]) {
    assert.deepEqual(await one?.stop(), { code: 0, signal: null });
  }
});

async function subscriber(where, channel, options) {
  const client = await RawClient.open(where, options);
  await client.sendText({ type: 'subscribe', channel, listen: ['broadcast'], id: 1 });
  assert.equal((await client.nextJson()).type, 'subscribed');
  return client;
}

/// One that has subscribed and reads nothing from now on.
async function stalled(where, channel) {
  const client = await subscriber(where, channel);
  client.socket.pause();
  return client;
}

const payload = 'x'.repeat(60 * kibi);

/// Publishes `bytes` in large messages, each when the one before is acknowledged.
async function publish(where, channel, bytes) {
  const publisher = await RawClient.open(where, { user: 'busy' });
  const message = encodeFrame({
    payload: JSON.stringify({ type: 'broadcast', channel, event: 'e', payload, id: 1 }),
  });
  for (let sent = 0; sent < bytes; sent += payload.length) {
    await publisher.write(message);
    assert.equal((await publisher.nextJson()).type, 'ack');
  }
  publisher.drop();
}

hostile('a reader that stops reading', () => server, async () => {
  const reader = await subscriber(server, 'hot');
  const slow = await stalled(server, 'hot');
  const whole = Math.ceil((kernelBytes + 2 * outboxBytes) / payload.length);
  const reading = (async () => {
    for (let i = 0; i < whole; ++i) assert.equal((await reader.nextJson()).payload, payload);
  })();
  await publish(server, 'hot', kernelBytes + 2 * outboxBytes);
  await reading; // the others get everything
  slow.socket.resume();
  const ended = await slow.end();
  assert.equal(ended.code, 4008);
  reader.drop();
}, { connections: 3, extraBytes: outboxBytes });

hostile('a reader that stops reading and never comes back', () => server, async () => {
  const slow = await stalled(server, 'hot-2');
  const before = await connectionCount(server);
  await publish(server, 'hot-2', kernelBytes + 2 * outboxBytes);
  const began = performance.now();
  await eventually(async () => (await connectionCount(server)) < before, 'the connection is ended');
  assert.ok(performance.now() - began <= (stallSeconds + closeWaitSeconds) * 1_000 + graceMs);
  slow.drop();
}, { connections: 3, extraBytes: outboxBytes });

hostile('a reader that stands still with room in its outbox', () => patient, async () => {
  const slow = await stalled(patient, 'still');
  await publish(patient, 'still', kernelBytes + 4 * mebi);
  const began = performance.now();
  await sleep(stallSeconds * 1_000 + 1_000);
  slow.socket.resume();
  const ended = await slow.end();
  assert.equal(ended.code, 4008);
  assert.ok(performance.now() - began <= (stallSeconds + closeWaitSeconds) * 1_000 + graceMs);
}, { extraBytes: kernelBytes + 4 * mebi });

const stalledReaders = 200;
hostile(`${stalledReaders} stalled readers on one hot channel`, () => server, async () => {
  const slow = [];
  for (let i = 0; i < stalledReaders; ++i) slow.push(await stalled(server, 'hotter'));
  await publish(server, 'hotter', kernelBytes + 2 * outboxBytes);
  const codes = await Promise.all(
    slow.map(async (client) => {
      client.socket.resume();
      return (await client.end()).code;
    }),
  );
  assert.deepEqual([...new Set(codes)], [4008]);
}, { connections: stalledReaders, extraBytes: outboxBytes });

hostile('a sender that floods', () => strict, async () => {
  const client = await RawClient.open(strict);
  const message = encodeFrame({ payload: '{"type":"broadcast","channel":"flood","event":"e","id":1}' });
  const began = performance.now();
  const flood = (async () => {
    while (!client.isEnded) {
      await client.write(Buffer.concat(Array(10).fill(message)));
      await sleep(10);
    }
  })();
  const { code, frames } = await client.end();
  const took = performance.now() - began;
  await flood;
  assert.equal(code, 4029);
  const answers = frames.map((frame) => JSON.parse(frame.payload.toString()));
  const acks = answers.filter(({ type }) => type === 'ack').length;
  const errors = answers.filter(({ type }) => type === 'error');
  assert.ok(acks >= 200 && acks <= 200 + (took / 1_000) * 100 + 1, `${acks} in ${took} ms`);
  assert.ok(errors.every((one) => one.code === 4029 && one.reason === 'rate_limited'));
  assert.ok(errors.every((one) => one.retry_after_ms > 0 && one.retry_after_ms <= 10));
  assert.ok(took >= 2_000 && took <= 3_000 + graceMs, `closed after ${took} ms`);
});

hostile('a sender that floods and does not read', () => strict, async () => {
  const client = await RawClient.open(strict);
  client.socket.pause();
  const message = encodeFrame({ payload: '{"type":"broadcast","channel":"flood","event":"e","id":1}' });
  const batch = Buffer.concat(Array(1_000).fill(message));
  for (let i = 0; i < 100 && !client.isEnded; ++i) {
    await client.write(batch);
    await sleep(10);
  }
  client.socket.resume();
  assert.ok([4008, 4029].includes((await client.end()).code));
}, { extraBytes: outboxBytes });

hostile('clients killed while they are written to', () => server, async () => {
  const before = await connectionCount(server);
  for (let round = 0; round < 3; ++round) {
    const program = fileURLToPath(new URL('support/hostile_victims.mjs', import.meta.url));
    const child = spawn(process.execPath, [program, `${server.port}`, 'killed'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const publishing = publish(server, 'killed', outboxBytes / 2);
    await sleep(20);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    assert.deepEqual(await exited, [null, 'SIGKILL']);
    await publishing;
  }
  await eventually(async () => (await connectionCount(server)) <= before, 'they are gone');
}, { connections: 20, extraBytes: outboxBytes });

hostile('clients that reset in the middle of a frame and of an upgrade', () => server, async () => {
  const before = await connectionCount(server);
  for (let i = 0; i < 100; ++i) {
    const client = await subscriber(server, 'reset');
    await client.write(encodeFrame({ payload: '{"type":"broadcast","channel":"reset"}' }).subarray(0, i % 40));
    client.drop({ isReset: true });
  }
  await eventually(async () => (await connectionCount(server)) <= before, 'they are gone');
}, { connections: 10 });

hostile('a client that vanished: no pong comes', () => strict, async () => {
  const client = await RawClient.open(strict);
  const began = performance.now();
  const { code, frames } = await client.end();
  const took = performance.now() - began;
  assert.equal(code, undefined);
  assert.deepEqual(frames.map(({ opcode }) => opcode), [opcodes.ping]);
  assert.ok(took >= 2_000 - 100 && took <= 2_000 + graceMs, `ended after ${took} ms`);
});

const crowd = 1_000;
hostile(`a channel with ${crowd} subscribers`, () => server, async () => {
  const clients = [];
  for (let i = 0; i < crowd; ++i) clients.push(await subscriber(server, 'crowd'));
  const messages = 20;
  const all = clients.map(async (client) => {
    for (let i = 0; i < messages; ++i) await client.nextJson();
  });
  const publisher = await RawClient.open(server);
  for (let i = 0; i < messages; ++i) {
    await publisher.sendText({ type: 'broadcast', channel: 'crowd', event: 'e', payload: i });
  }
  await Promise.all(all);
  for (const client of [...clients, publisher]) client.drop();
}, { connections: crowd });
