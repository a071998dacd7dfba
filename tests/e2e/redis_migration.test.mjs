// SPDX-License-Identifier: Apache-2.0
// Gateways of the replaced service on the same Redis, during a migration: messages and presence go
// both ways, in its formats.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BaseGateway } from './support/base_system.mjs';
import { connect, eventually } from './support/client.mjs';
import {
  becomesReady, joins, presence, rosterBecomes, seconds, slackMs, startGateways, timed, watches,
} from './support/gateways.mjs';
import { post } from './support/http.mjs';
import { readMetrics } from './support/metrics.mjs';
import { skipsRedis, startRedis } from './support/redis.mjs';
import { startServer } from './support/server.mjs';

const emptyMeta = { user_id: '', meta: null, updated_at: 0 };

describe('together with the replaced service', { timeout: 120_000, skip: skipsRedis }, () => {
  let redis;
  let gateways;
  let base;
  let rooms = 0;
  const room = () => `room-${++rooms}`;

  before(async () => {
    redis = await startRedis();
    gateways = await startGateways([redis.address, redis.address], {
      PRESENCE_TTL_SECONDS: String(presence.ttlMs / 1000),
      PRESENCE_LEAVE_GRACE_MS: '0',
    });
    base = await BaseGateway.start(redis);
  });
  after(async () => {
    base?.stop();
    await gateways?.stop();
    await redis?.remove();
  });

  const watcherIn = async (index, channel) => watches(await gateways.open(index, 'watcher'), channel);

  test('its broadcasts reach the clients of both gateways, every payload as it was written', async () => {
    const channel = room();
    const listeners = [await gateways.open(0, 'a'), await gateways.openVersioned(1, 'b')];
    for (const listener of listeners) await listener.subscribe(channel);
    const payloads = [
      '{"text":"hello"}', '12345678901234567890', '{"b":1,"a":2,"b":3}', 'null', '"\\u00e9"',
    ];
    for (const payload of payloads) {
      await base.broadcast(channel, { user: 'alice', event: 'user-message', payload });
    }
    await base.broadcast(channel, { event: 'by-a-backend', payload: '1' });
    for (const listener of listeners) {
      for (const payload of payloads) {
        const message = await listener.take({ type: 'broadcast', user_id: 'alice' });
        assert.deepEqual([message.channel, message.event], [channel, 'user-message']);
        assert.ok(Math.abs(message.ts - Date.now()) < 60_000);
        assert.ok(listener.frames.some((frame) => frame.includes(`"payload":${payload}`)), payload);
      }
      const last = await listener.take({ type: 'broadcast', event: 'by-a-backend' });
      assert.ok(!('user_id' in last));
    }
  });

  test('our broadcasts reach it in its format, from WebSocket and from HTTP', async () => {
    const channel = room();
    const alice = await gateways.open(0, 'alice');
    const payload = '{"n":12345678901234567890,"text":"hello"}';
    alice.send(`{"type":"broadcast","channel":"${channel}","event":"user-message","payload":${payload}}`);
    const bus = `broadcast.${channel}`;
    const { text, message } = await base.take(bus, { event: 'user-message' });
    assert.deepEqual([message.type, message.channel_id, message.user_id],
      ['broadcast', channel, 'alice']);
    assert.deepEqual(message.meta, emptyMeta);
    assert.ok(Number.isInteger(message.ts) && Math.abs(message.ts - Date.now()) < 60_000);
    assert.ok(text.includes(`"payload":${payload}`), 'its text is that of the client');
    await post(gateways[1].url, '/api/event', { channel, event: 'by-a-backend', payload: [1] });
    const { message: second } = await base.take(bus, { event: 'by-a-backend' });
    assert.deepEqual(second.payload, [1]);
    assert.ok(!second.user_id);
  });

  test('what both publish has one order for all subscribers', async (t) => {
    const channel = room();
    const listeners = [await gateways.open(0, 'a'), await gateways.open(1, 'b')];
    for (const listener of listeners) await listener.subscribe(channel);
    const each = 200;
    const alice = await gateways.open(0, 'alice');
    await Promise.all(Array.from({ length: each }, async (_, n) => {
      await Promise.all([
        base.broadcast(channel, { event: 'base', payload: String(n) }),
        alice.broadcast(channel, n),
      ]);
    }));
    const orders = [];
    for (const listener of listeners) {
      const heard = await listener.takeMany(2 * each, { type: 'broadcast' });
      orders.push(heard.map(({ event, payload }) => `${event} ${payload}`));
    }
    assert.deepEqual(orders[0], orders[1]);
    const ofBase = () => base.heard.filter(({ bus }) => bus === `broadcast.${channel}`);
    await eventually(() => ofBase().length === 2 * each, 'the base system has heard all');
    assert.deepEqual(ofBase().map(({ message }) => `${message.event} ${message.payload}`), orders[0]);
    t.diagnostic(`${2 * each} messages, 3 subscribers, 1 order`);
  });

  test('what is no broadcast is passed by and counted; the next one comes', async () => {
    const channel = room();
    const listener = await gateways.open(0, 'a');
    await listener.subscribe(channel);
    const poison = ['', '{', 'null', '[]', '{"type":"other","channel_id":"x"}', '\u0000',
      `{"type":"broadcast","payload":${'['.repeat(5_000)}`];
    for (const text of poison) await redis.call('PUBLISH', `broadcast.${channel}`, text);
    await base.broadcast(channel, { event: 'good', payload: '1' });
    await listener.take({ type: 'broadcast', event: 'good' });
    assert.deepEqual(listener.drain(), []);
    const value = await readMetrics(gateways[0]);
    assert.equal(value('roomcast_broker_bad_messages_total'), poison.length);
    base.heard.length = 0;
  });

  test('its users are in our syncs and events: join, update, leave', async () => {
    const channel = room();
    const early = await watcherIn(0, channel);
    await base.join(channel, 'alice', { name: 'Alice' });
    const joined = await early.take({ type: 'presence_join', channel });
    assert.deepEqual([joined.user_id, joined.meta], ['alice', { name: 'Alice' }]);
    const late = await watcherIn(1, channel);
    assert.deepEqual(late.sync.users.map(({ user_id: user, meta }) => [user, meta]),
      [['alice', { name: 'Alice' }]]);
    await base.update(channel, 'alice', { name: 'Alicia' });
    for (const watcher of [early, late]) {
      const { meta } = await watcher.take({ type: 'presence_update', user_id: 'alice' });
      assert.deepEqual(meta, { name: 'Alicia' });
    }
    for (const gateway of gateways) await rosterBecomes(gateway, channel, ['alice']);
    await base.leave(channel, 'alice');
    for (const watcher of [early, late]) {
      await watcher.take({ type: 'presence_leave', user_id: 'alice' });
      assert.deepEqual(watcher.drain(), []);
    }
  });

  test('our users are in its list and in its events: join, update, leave', async () => {
    const channel = room();
    const bus = `presence.${channel}`;
    const alice = await gateways.open(0, 'alice');
    await joins(alice, channel, { name: 'Alice' });
    const { message } = await base.take(bus, { type: 'presence_join' });
    assert.deepEqual([message.channel_id, message.user_id], [channel, 'alice']);
    assert.deepEqual([message.meta.user_id, message.meta.meta], ['alice', { name: 'Alice' }]);
    assert.ok(Math.abs(message.meta.updated_at - Date.now() / 1000) < 60);
    assert.deepEqual((await base.list(channel)).get('alice'), message.meta);
    await alice.request({ type: 'presence_update', channel, payload: { name: 'Alicia' } });
    const { message: updated } = await base.take(bus, { type: 'presence_update' });
    assert.deepEqual(updated.meta.meta, { name: 'Alicia' });
    await alice.close();
    const { message: left } = await base.take(bus, { type: 'presence_leave' });
    assert.equal(left.user_id, 'alice');
    assert.equal((await base.list(channel)).size, 0);
  });

  test('our users outlive the TTL that it sets, without a word', async () => {
    const channel = room();
    const short = await BaseGateway.start(redis, { ttlSeconds: 2 });
    const watcher = await watcherIn(1, channel);
    await joins(await gateways.open(0, 'ours'), channel);
    await short.join(channel, 'theirs', {});
    for (const user of ['ours', 'theirs']) await watcher.take({ type: 'presence_join', user_id: user });
    await rosterBecomes(gateways[0], channel, ['ours', 'theirs']);
    await eventually(async () => (await redis.call('PTTL', `presence:${channel}`)) > 2_000,
      'the life of the hash is renewed');
    await short.leave(channel, 'theirs');
    await watcher.take({ type: 'presence_leave', user_id: 'theirs' });
    assert.deepEqual(watcher.drain(), []);
    assert.deepEqual([...(await base.list(channel)).keys()], ['ours']);
    short.stop();
  });

  test('users whom it has left behind leave, once: an entry too old, and a hash that has expired',
    async (t) => {
      const [stale, expired] = [room(), room()];
      const watchers = [await watcherIn(0, stale), await watcherIn(1, expired)];
      const longAgo = Math.floor(Date.now() / 1000) - presence.ttlMs / 1000 - 60;
      await base.join(stale, 'ghost', {}, longAgo);
      await base.join(stale, 'alive', {});
      await base.join(expired, 'ghost', {});
      for (const watcher of watchers) await watcher.take({ type: 'presence_join', user_id: 'ghost' });
      await redis.call('DEL', `presence:${expired}`);
      const took = await timed(() => Promise.all(watchers.map((watcher) =>
        watcher.take({ type: 'presence_leave', user_id: 'ghost' }))));
      await rosterBecomes(gateways[0], stale, ['alive']);
      assert.deepEqual([...(await base.list(stale)).keys()], ['alive']);
      t.diagnostic(`ghosts left after ${seconds(took)} (2 T: ${seconds(2 * presence.ttlMs)})`);
      assert.ok(took < 2 * presence.ttlMs + slackMs());
      await base.leave(stale, 'alive');
      await watchers[0].take({ type: 'presence_leave', user_id: 'alive' });
      for (const watcher of watchers) assert.deepEqual(watcher.drain({ user_id: 'ghost' }), []);
    });

  test('its environment file works unchanged', async () => {
    const guarded = await startRedis({ password: 'pass word' });
    const lines = [
      'SERVER_ADDR=127.0.0.1:0', `REDIS_ADDR=${guarded.address}`, 'REDIS_PASSWORD="pass word"',
      'REDIS_DB=3', 'PRESENCE_TTL_SECONDS=60', 'BROADCAST_MQ_TYPE=redis', 'CORS_ALLOWED_ORIGINS=*',
    ];
    const server = await startServer({ files: { '.env': `${lines.join('\n')}\n` } });
    const there = await BaseGateway.start(guarded);
    try {
      await becomesReady(server);
      const alice = await connect(server, { user: 'alice' });
      await joins(alice, 'room1', { n: 1 });
      await there.take('presence.room1', { type: 'presence_join', user_id: 'alice' });
      await guarded.call('SELECT', 3);
      assert.equal(await guarded.call('HLEN', 'presence:room1'), 1);
      await alice.subscribe('room1');
      await there.broadcast('room1', { event: 'hello', payload: '1' });
      await alice.take({ type: 'broadcast', event: 'hello' });
      await alice.close();
    } finally {
      there.stop();
      await server.stop();
      await guarded.remove();
    }
  });
});
