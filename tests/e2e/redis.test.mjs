// SPDX-License-Identifier: Apache-2.0
// Two gateways on one Redis are one server.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from './support/client.mjs';
import { joins, roster, rosterBecomes, startGateways, watches } from './support/gateways.mjs';
import { get, post } from './support/http.mjs';
import { skipsRedis, startRedis } from './support/redis.mjs';

describe('two gateways on one Redis', { timeout: 120_000, skip: skipsRedis }, () => {
  let redis;
  let gateways;
  let rooms = 0;
  const room = () => `room-${++rooms}`;

  before(async () => {
    redis = await startRedis();
    gateways = await startGateways([redis.address, redis.address], {
      PRESENCE_LEAVE_GRACE_MS: '200',
      PRESENCE_LOST_GRACE_MS: '200',
    });
  });
  after(async () => {
    await gateways?.stop();
    await redis?.remove();
  });

  let markers = 0;
  /// The payloads that `client` was sent on `channel` until now.
  const heard = async (client, channel) => {
    const marker = `marker-${++markers}`;
    await post(gateways[0].url, '/api/event', { channel, event: 'marker', payload: marker });
    await client.take({ type: 'broadcast', channel, payload: marker });
    return client.drain({ type: 'broadcast', event: 'e' }).map(({ payload }) => payload);
  };

  test('all subscribers of both gateways see one order, whoever publishes and however', async (t) => {
    const channel = room();
    const perPublisher = 150;
    const subscribers = [];
    for (let i = 0; i < 6; ++i) {
      subscribers.push(await gateways.open(i % 2, `user-${i}`));
      await subscribers[i].subscribe(channel);
    }
    const overWebSocket = async (index, publisher) => {
      const client = await gateways.open(index, 'publisher');
      const answers = Array.from({ length: perPublisher }, (_, i) =>
        client.broadcast(channel, [publisher, i]));
      for (const answer of await Promise.all(answers)) assert.equal(answer.type, 'ack');
    };
    const overHttp = async (index, publisher) => {
      for (let i = 0; i < perPublisher; ++i) {
        const event = { channel, payload: [publisher, i] };
        assert.equal((await post(gateways[index].url, '/api/event', event)).status, 200);
      }
    };
    const started = performance.now();
    await Promise.all([
      overWebSocket(0, 0), overWebSocket(1, 1), overHttp(0, 2), overHttp(1, 3),
    ]);
    const orders = [];
    for (const client of subscribers) {
      const heard = await client.takeMany(4 * perPublisher, { type: 'broadcast' });
      orders.push(heard.map((message) => message.payload));
    }
    t.diagnostic(`${6 * 4 * perPublisher} deliveries in ${Math.round(performance.now() - started)} ms`);
    for (const order of orders) assert.deepEqual(order, orders[0]);
    for (let publisher = 0; publisher < 4; ++publisher) {
      const own = orders[0].filter(([sender]) => sender === publisher).map(([, i]) => i);
      assert.deepEqual(own, Array.from({ length: perPublisher }, (_, i) => i), 'as it was sent');
    }
  });

  test('a sender hears its echo once, and none with self: false; the others hear both', async () => {
    const channel = room();
    const [sender, near, far] = [
      await gateways.open(0, 'sender'), await gateways.open(0, 'near'), await gateways.open(1, 'far'),
    ];
    for (const client of [sender, near, far]) await client.subscribe(channel);
    assert.equal((await sender.broadcast(channel, 'echoed')).type, 'ack');
    assert.equal((await sender.broadcast(channel, 'hushed', { self: false })).type, 'ack');
    assert.deepEqual(await heard(sender, channel), ['echoed']);
    assert.deepEqual(await heard(near, channel), ['echoed', 'hushed']);
    assert.deepEqual(await heard(far, channel), ['echoed', 'hushed']);
  });

  test('an idempotency key of a backend, and one of a user, holds on both gateways', async () => {
    const channel = room();
    const listener = await gateways.open(1, 'listener');
    await listener.subscribe(channel);
    const event = { channel, event: 'e', payload: 'by HTTP' };
    const options = { headers: { 'Idempotency-Key': 'order-17' } };
    const answers = [];
    for (const index of [0, 1, 0]) {
      answers.push((await post(gateways[index].url, '/api/event', event, options)).json());
    }
    assert.equal(answers[0].status, 'ok');
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual(answers[2], answers[0]);
    const acks = [];
    for (const index of [1, 0]) {
      const sender = await gateways.open(index, 'sender');
      acks.push(await sender.broadcast(channel, 'by WebSocket', { key: 'order-17' }));
    }
    assert.deepEqual(acks.map(({ type, ts }) => [type, ts]), Array(2).fill(['ack', acks[0].ts]));
    assert.deepEqual(await heard(listener, channel), ['by HTTP', 'by WebSocket']);
  });

  test('presence is one list: a join on one gateway is seen on the other, and sync and events add up',
    async () => {
      const channel = room();
      const early = await watches(await gateways.open(1, 'early'), channel);
      assert.deepEqual(early.sync.users, []);
      const alice = await gateways.open(0, 'alice');
      await joins(alice, channel, { name: 'Alice' });
      const joined = await early.take({ type: 'presence_join', channel });
      assert.deepEqual([joined.user_id, joined.meta], ['alice', { name: 'Alice' }]);

      const late = await watches(await gateways.open(0, 'late'), channel);
      assert.deepEqual(late.sync.users.map((user) => [user.user_id, user.meta]),
        [['alice', { name: 'Alice' }]]);
      await joins(await gateways.open(1, 'bob'), channel);
      for (const watcher of [early, late]) {
        await watcher.take({ type: 'presence_join', user_id: 'bob' });
      }
      await alice.request({ type: 'presence_update', channel, payload: { name: 'Alicia' } });
      for (const watcher of [early, late]) {
        const { meta } = await watcher.take({ type: 'presence_update', user_id: 'alice' });
        assert.deepEqual(meta, { name: 'Alicia' });
      }
      for (const gateway of gateways) assert.deepEqual(await roster(gateway, channel), ['alice', 'bob']);
      await alice.request({ type: 'presence_leave', channel });
      for (const watcher of [early, late]) {
        await watcher.take({ type: 'presence_leave', user_id: 'alice' });
        assert.deepEqual(watcher.drain(), []);
      }
    });

  test('tabs on both gateways are one user, with one join and one leave', async () => {
    const channel = room();
    const watchers = [
      await watches(await gateways.open(0, 'watcher'), channel),
      await watches(await gateways.open(1, 'watcher'), channel),
    ];
    const tabs = [];
    for (const index of [0, 1, 0, 1]) {
      tabs.push(await gateways.open(index, 'alice'));
      await joins(tabs.at(-1), channel, { same: true });
    }
    for (const tab of tabs.slice(0, 3)) {
      assert.equal((await tab.request({ type: 'presence_leave', channel })).type, 'ack');
    }
    await joins(await gateways.open(1, 'marker'), channel);
    const types = async (watcher) => {
      await watcher.take({ type: 'presence_join', user_id: 'marker' });
      return watcher.drain({ user_id: 'alice' }).map(({ type }) => type);
    };
    for (const watcher of watchers) assert.deepEqual(await types(watcher), ['presence_join']);
    await tabs[3].close();
    for (const watcher of watchers) {
      await watcher.take({ type: 'presence_leave', user_id: 'alice' });
      assert.deepEqual(watcher.drain(), []);
    }
  });

  test('a user is disconnected on both gateways, and presence says so', async () => {
    const channel = room();
    const watcher = await watches(await gateways.open(1, 'watcher'), channel);
    const tabs = [await gateways.open(0, 'eve'), await gateways.open(1, 'eve')];
    for (const tab of tabs) await joins(tab, channel);
    await eventually(async () => (await nodeNames(gateways[0])).length === 2, 'both are known');
    const answer = await post(gateways[0].url, '/api/users/eve/disconnect');
    assert.deepEqual(answer.json(), { disconnected: 1, nodes_told: 1 });
    for (const tab of tabs) assert.equal((await tab.closed).code, 4403);
    await watcher.take({ type: 'presence_leave', user_id: 'eve' });
  });

  const nodeNames = async (gateway) =>
    (await get(gateway.url, '/api/nodes')).json().nodes.map(({ node }) => node);

  test('/api/nodes lists both gateways on both', async () => {
    for (const gateway of gateways) {
      const names = await eventually(async () => {
        const found = await nodeNames(gateway);
        return found.length === 2 && found;
      }, 'both are listed');
      assert.equal(new Set(names).size, 2);
    }
  });

  test('an acknowledgement waits for Redis: none comes while it stands still', async () => {
    const channel = room();
    const client = await gateways.open(0, 'alice');
    await client.subscribe(channel);
    const pauseMs = 700;
    const started = performance.now();
    await redis.call('CLIENT', 'PAUSE', pauseMs, 'ALL');
    const answers = await Promise.all([
      client.broadcast(channel, 1).then(({ type }) => type),
      post(gateways[1].url, '/api/event', { channel, payload: 2 }).then(({ status }) => status),
    ]);
    assert.deepEqual(answers, ['ack', 200]);
    assert.ok(performance.now() - started >= pauseMs - 5, `${performance.now() - started} ms`);
  });

  test('the roster of both is that of Redis, in the base system\'s form', async () => {
    const channel = room();
    await joins(await gateways.open(0, 'alice'), channel, { n: 1 });
    await joins(await gateways.open(1, 'bob'), channel);
    const fields = await (await redis.connect()).hash(`presence:${channel}`);
    assert.deepEqual(Object.keys(fields).sort(), ['alice', 'bob']);
    const { user_id: user, meta, updated_at: updatedAt } = JSON.parse(fields.alice);
    assert.deepEqual([user, meta], ['alice', { n: 1 }]);
    assert.ok(Math.abs(updatedAt - Date.now() / 1000) < 60);
    for (const gateway of gateways) await rosterBecomes(gateway, channel, ['alice', 'bob']);
  });
});
