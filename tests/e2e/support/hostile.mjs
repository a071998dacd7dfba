// SPDX-License-Identifier: Apache-2.0
// What every hostile case has in common: bystanders whose messages must go on, and bounds on what
// an attack may cost. A case fails above twice its bound.
//
// | what                          | bound                                                          |
// | ----------------------------- | -------------------------------------------------------------- |
// | resident memory, any attack   | 8 MiB: what the allocator keeps of buffers that came and went  |
// | each reader that stops        | OUTBOX_BYTES on top; for many on one channel once, not each    |
// | each connection               | 32 KiB on top, its session, subscriptions and partial input    |
// | bystanders' p99               | 50 ms from one client to the other, and the p99 of their own   |
// |                               | timer's lateness: how busy the machine is with other things    |
//
// With ROOMCAST_SANITIZED=1 memory is not judged (red zones and quarantine are most of it), and
// latency may be ten times as long. A run whose latency alone is too long is repeated, twice at the
// most.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

export const kibi = 1024;
export const mebi = 1024 * kibi;
export const isSanitized = process.env.ROOMCAST_SANITIZED === '1';

const baseBytes = 8 * mebi;
const connectionBytes = 32 * kibi;
const latencyMs = isSanitized ? 500 : 50;
const leastMs = 2_000; // so that the bystanders' p99 rests on a hundred samples
const mostRuns = 3;

/**
 * A test of one attack. `server` gives the running server (a function, as servers are started in
 * hooks). `connections` is how many the attack holds at once; `extraBytes` is what it may cost
 * beyond those and the base; `start` runs first; `skip` is as in node:test.
 */
export function hostile(name, server, attack, options = {}) {
  const { connections = 1, extraBytes = 0, start, skip } = options;
  test(name, { timeout: 240_000, skip }, async () => {
    const boundBytes = baseBytes + connections * connectionBytes + extraBytes;
    await start?.();
    let figures;
    // Other work on the machine can spoil one run's latency, never memory or messages.
    for (let run = 0; run < mostRuns; ++run) {
      figures = await watch(name, server(), attack);
      assert.equal(figures.heard, figures.sent, 'a bystander lost a message');
      const { growthBytes } = figures;
      assert.ok(isSanitized || growthBytes <= 2 * boundBytes, `+${growthBytes} of ${boundBytes} bytes`);
      if (figures.p99Ms <= latencyBound(figures)) break;
    }
    assert.ok(figures.p99Ms <= latencyBound(figures), `the p99 was ${figures.p99Ms.toFixed(1)} ms`);
  });
}

const latencyBound = ({ lateMs }) => 2 * (latencyMs + lateMs);

/// One run of the attack, with bystanders; answers what they saw.
async function watch(name, server, attack) {
  const { pid, port } = server;
  const bystanders = await startBystanders({ pid, port, channel: `bystanders of: ${name}` });
  const least = new Promise((resolve) => setTimeout(resolve, leastMs));
  try {
    await attack(server);
  } finally {
    await least;
    report(name, await bystanders.stop());
  }
  return bystanders.figures;
}

function report(name, { growthBytes, p99Ms, lateMs }) {
  const growth = (growthBytes / mebi).toFixed(1);
  const p99 = `bystanders' p99 ${p99Ms.toFixed(1)} ms (timers ${lateMs.toFixed(1)} ms late)`;
  console.log(`hostile: ${name}: +${growth} MiB resident, ${p99}`);
}

/// Two bystanders of `{pid, port, channel}`: `stop()` answers what they saw.
export async function startBystanders(workerData) {
  const worker = new Worker(new URL('./hostile_bystanders.mjs', import.meta.url), { workerData });
  const next = () =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
      worker.once('exit', () => reject(new Error('the bystanders ended early')));
    });
  assert.equal(await next(), 'ready');
  const failed = new Promise((_, reject) => worker.once('error', reject));
  failed.catch(() => {});
  return {
    figures: undefined,
    async stop() {
      worker.postMessage('stop');
      this.figures = await Promise.race([next(), failed]);
      return this.figures;
    },
  };
}

/// Repeats `ask` until it answers something true, for `withinMs` at the most.
export async function eventually(ask, what, withinMs = 10_000) {
  for (const end = performance.now() + withinMs; performance.now() < end; ) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what}: not within ${withinMs} ms`);
}

/// The connections that `server` has now, as its own metrics say.
export async function connectionCount({ url }) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^roomcast_connections (\d+)$/m.exec(text)?.[1] ?? NaN);
}
