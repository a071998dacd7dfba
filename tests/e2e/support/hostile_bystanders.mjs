// SPDX-License-Identifier: Apache-2.0
// Two well-behaved clients, on a thread of their own so that the attack does not slow them down on
// the client's side: one sends the other a message every 20 ms. The same thread watches the
// server's resident memory. Started by hostile.mjs.
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

import { residentBytes } from './process.mjs';
import { opcodes, RawClient } from './rfc6455_client.mjs';

const everyMs = 20;
const patienceMs = 20_000;
const { channel } = workerData;

const publisher = await RawClient.open(workerData, { user: 'publisher' });
const subscriber = await RawClient.open(workerData, { user: 'subscriber' });
await subscriber.sendText({ type: 'subscribe', channel, listen: ['broadcast'], id: 1 });
await subscriber.nextJson();

const latencies = [];
const lateness = []; // of this thread's own timer: the machine's share of a latency
let heard = 0;
async function listen() {
  for (let frame; (frame = await subscriber.next(2 ** 30)); ) {
    if (frame.opcode === opcodes.ping) await subscriber.send({ ...frame, opcode: opcodes.pong });
    if (frame.opcode !== opcodes.text) continue;
    const { payload } = JSON.parse(frame.payload.toString());
    if (payload.number !== heard) throw new Error(`message ${payload.number} came as ${heard}`);
    ++heard;
    latencies.push(performance.now() - payload.sentAt);
  }
}
const listening = listen();

let isStopped = false;
parentPort.once('message', () => (isStopped = true));
const before = residentBytes(workerData.pid);
let peak = before;
let sent = 0;
parentPort.postMessage('ready');
for (let due = performance.now(); !isStopped; due = Math.max(due + everyMs, performance.now())) {
  await sleep(Math.max(0, due - performance.now()));
  lateness.push(Math.max(0, performance.now() - due));
  await publisher.sendText({
    type: 'broadcast',
    channel,
    event: 'e',
    payload: { number: sent, sentAt: performance.now() },
  });
  ++sent;
  peak = Math.max(peak, residentBytes(workerData.pid));
}
for (const end = performance.now() + patienceMs; heard < sent && performance.now() < end; ) {
  await sleep(everyMs);
}
for (const client of [publisher, subscriber]) await client.sendClose(1000);
await publisher.end();
await listening;

function p99(values) {
  values.sort((a, b) => a - b);
  return values[Math.ceil(values.length * 0.99) - 1];
}

parentPort.postMessage({
  sent,
  heard,
  p99Ms: p99(latencies),
  lateMs: p99(lateness),
  growthBytes: peak - before,
});
