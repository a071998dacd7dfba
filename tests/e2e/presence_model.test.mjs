// SPDX-License-Identifier: Apache-2.0
// Rule 5 of presence (docs/protocol.md section 3.3) against a model: 20 clients do anything at any
// time; for every watcher the sync plus its events adds up to what is true, and no event contradicts
// what was said before.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect } from './support/client.mjs';
import { replicate } from './support/roster_model.mjs';
import { startServer } from './support/server.mjs';

const churnMs = 6_000;
const rooms = ['model-a', 'model-b'];

/// A repeatable stream of numbers below `limit` (mulberry32).
function dice(seed) {
  return (limit) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

const asObject = (map) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

describe('presence under churn', { timeout: 120_000 }, () => {
  let server;

  before(async () => {
    server = await startServer({
      env: {
        PRESENCE_LEAVE_GRACE_MS: '20',
        PRESENCE_LOST_GRACE_MS: '60',
        PRESENCE_RATE: '50',
        MESSAGE_RATE: '0',
      },
    });
  });
  after(() => server?.stop());

  test('sync plus events adds up for every watcher', async (t) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    t.diagnostic(`SEED=${seed}`);
    const failures = [];
    const steady = await connect(server, { user: 'steady' });
    const steadyReplicas = replicate(steady, failures);
    for (const room of rooms) await steady.subscribe(room, ['presence']);

    const until = Date.now() + churnMs;
    let actions = 0;
    /// One client; ten users have two of them each. Answers its last connection, still open.
    const live = async (number) => {
      const roll = dice(seed + number);
      const user = `user-${number % 10}`;
      let client;
      let replicas;
      const reopen = async () => {
        client = await connect(server, { user });
        replicas = replicate(client, failures);
      };
      await reopen();
      while (Date.now() < until) {
        const channel = rooms[roll(rooms.length)];
        ++actions;
        switch (roll(8)) {
          case 0:
          case 1:
            await client.request({ type: 'presence_join', channel, payload: { n: roll(3) } });
            break;
          case 2:
            await client.request({ type: 'presence_update', channel, payload: { n: roll(9) } });
            break;
          case 3:
            client.send({ type: 'presence_leave', channel });
            break;
          case 4:
            client.send({ type: 'subscribe', channel, listen: ['presence'] });
            break;
          case 5:
            await client.request({ type: 'unsubscribe', channel });
            replicas.delete(channel);
            break;
          case 6:
            await client.close();
            await reopen();
            break;
          case 7:
            await client.terminate();
            await reopen();
            break;
        }
        client.drain();
      }
      return { client, user };
    };
    const lives = await Promise.all(Array.from({ length: 20 }, (_, number) => live(number)));

    // A known end: every connection leaves, the even ones join again with a meta of their own.
    for (const { client } of lives) {
      for (const channel of rooms) await client.request({ type: 'presence_leave', channel });
    }
    for (const [i, { client, user }] of lives.slice(0, 10).entries()) {
      if (i % 2) continue;
      for (const channel of rooms) {
        await client.request({ type: 'presence_join', channel, payload: { user } });
      }
    }
    // Graces of connections that ended just before still run; a marker behind them ends the wait.
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const channel of rooms) {
      await steady.request({ type: 'presence_join', channel, payload: { marker: true } });
      await steady.take({ type: 'presence_join', channel, user_id: 'steady' });
    }
    const expected = { steady: '{"marker":true}' };
    for (let i = 0; i < 10; i += 2) expected[`user-${i}`] = `{"user":"user-${i}"}`;

    assert.deepEqual(failures, [], `SEED=${seed}`);
    for (const channel of rooms) {
      const replica = steadyReplicas.get(channel).users;
      assert.deepEqual(asObject(replica), asObject(new Map(Object.entries(expected))), channel);
      const { users } = await steady.request({ type: 'presence_get', channel });
      const truth = new Map(users.map((entry) => [entry.user_id, JSON.stringify(entry.meta)]));
      assert.deepEqual(asObject(truth), asObject(replica), channel);
    }
    for (const { client } of lives) client.socket.terminate();
    steady.socket.terminate();
    t.diagnostic(`${actions} actions`);
  });
});
