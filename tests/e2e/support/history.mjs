// SPDX-License-Identifier: Apache-2.0
// Records what is sent and what is heard, and judges it: per sender nothing doubled or out of order,
// and nothing that was acknowledged is missing where no gap was told.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/// Sends numbered messages until it is stopped, at most `window` without an answer.
export class Publisher {
  accepted = new Set();
  refused = 0;
  slowestMs = 0;
  #isStopped = false;
  #done;

  constructor(client, channel, { name, pauseMs = 5, window = 50 } = {}) {
    this.name = name;
    this.#done = this.#run(client, channel, pauseMs, window);
  }

  /// The last one is answered when this answers.
  async stop() {
    this.#isStopped = true;
    await this.#done;
    return this;
  }

  async #run(client, channel, pauseMs, window) {
    const underWay = new Set();
    for (let n = 0; !this.#isStopped; ++n) {
      const sent = this.#send(client, channel, n).finally(() => underWay.delete(sent));
      underWay.add(sent);
      await (underWay.size < window ? sleep(pauseMs) : Promise.race(underWay));
    }
    await Promise.all(underWay);
  }

  async #send(client, channel, n) {
    const started = performance.now();
    const answer = await client.broadcast(channel, { from: this.name, n });
    this.slowestMs = Math.max(this.slowestMs, performance.now() - started);
    if (answer.type === 'ack') {
      this.accepted.add(n);
    } else {
      assert.equal(answer.code, 4500, JSON.stringify(answer));
      ++this.refused;
    }
  }
}

/// Everything that `client` hears of `channel`, in order: `{from, n}`, or 'gap'.
export function record(client, channel) {
  const history = [];
  client.socket.on('message', (bytes) => {
    const message = JSON.parse(bytes.toString());
    if (message.channel !== channel) return;
    if (message.type === 'broadcast') history.push(message.payload);
    if (message.type === 'gap') history.push('gap');
  });
  return history;
}

/// One subscriber has heard each message of `publisher` once at the most, and in its order.
export function checkOrder(history, { name }) {
  const numbers = history.filter(({ from }) => from === name).map(({ n }) => n);
  numbers.forEach((n, i) => assert.ok(i === 0 || n > numbers[i - 1], `${name}: ${n} came late`));
}

/// How many messages that were acknowledged one subscriber has not heard. A gap must have been told
/// between those that were heard before and behind.
export function countMissing(history, { name, accepted }) {
  let last = -1;
  let isGapTold = false;
  let missing = 0;
  const look = (next) => {
    for (let n = last + 1; n < next; ++n) {
      if (!accepted.has(n)) continue;
      assert.ok(isGapTold, `${name}: ${n} is missing in silence, between ${last} and ${next}`);
      ++missing;
    }
  };
  for (const entry of history) {
    if (entry === 'gap') {
      isGapTold = true;
    } else if (entry.from === name) {
      look(entry.n);
      last = entry.n;
      isGapTold = false;
    }
  }
  look(Math.max(last, ...accepted) + 1);
  return missing;
}

export const gapCount = (history) => history.filter((entry) => entry === 'gap').length;
