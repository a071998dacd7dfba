// SPDX-License-Identifier: Apache-2.0
// Many clients at once: gateways that restart one after the other under load, and a herd that comes
// back in one moment.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectVersioned, eventually } from './support/client.mjs';
import {
  becomesUnready, isSanitized, joins, rosterBecomes, seconds, slackMs, startGateway, timed,
} from './support/gateways.mjs';
import { checkOrder, countMissing, record } from './support/history.mjs';
import { startBystanders } from './support/hostile.mjs';
import { post } from './support/http.mjs';
import { skipsRedis } from './support/redis.mjs';
import { replicate } from './support/roster_model.mjs';
import { Stage } from './support/stage.mjs';

const channel = 'room1';
const herdSize = isSanitized ? 200 : 1_000;

describe('many at once', { timeout: 240_000, skip: skipsRedis }, () => {
  const stage = new Stage();
  let redis;
  let gateways;

  const start = async (count, env) => {
    redis = await stage.redis();
    gateways = await stage.gateways(Array(count).fill(redis.address), env);
  };
  afterEach(() => stage.clear());

  /// Subscribes and joins in one breath.
  const enter = async (client, listen = ['broadcast']) => {
    const answers = await Promise.all([
      client.subscribe(channel, listen), joins(client, channel, { same: true }),
    ]);
    assert.deepEqual(answers.map(({ type }) => type), ['subscribed', 'ack']);
  };
  const users = (count) => Array.from({ length: count }, (_, i) => `user-${i}`);
  const publish = (gateway, event, payload) =>
    post(gateway.url, '/api/event', { channel, event, payload });

  /// A backend that publishes numbered messages through whichever gateway answers, until stopped.
  const newBackend = () => {
    const backend = { name: 'backend', accepted: new Set(), refused: 0, isStopped: false };
    backend.run = (async () => {
      for (let n = 0; !backend.isStopped; ++n) {
        const answer = await publish(gateways[n % gateways.length], 'e', { from: backend.name, n })
          .catch(() => ({ status: 0 }));
        if (answer.status === 200) backend.accepted.add(n);
        else ++backend.refused;
        await sleep(2);
      }
    })();
    backend.stop = () => ((backend.isStopped = true), backend.run);
    return backend;
  };

  /// A user who is always there: on the next gateway as soon as a connection ends.
  class Resident {
    histories = [];
    failures = [];
    leavesSeen = 0;
    reconnects = -1;
    #isOver = false;

    constructor(number) {
      this.user = `user-${number}`;
      this.entered = new Promise((resolve) => (this.onEntered = resolve));
      this.run = this.#live(number);
    }

    async end() {
      this.#isOver = true;
      this.client.socket.terminate();
      await this.run;
    }

    async #live(number) {
      for (let turn = number; !this.#isOver; ++turn) {
        const wasThere = await this.#stay(gateways[turn % gateways.length]);
        if (!wasThere) await sleep(10); // that one is down: the next
      }
    }

    /// One connection, if there is one.
    async #stay(gateway) {
      try {
        this.client = await connectVersioned(gateway, { user: this.user });
      } catch {
        return false;
      }
      ++this.reconnects;
      this.histories.push(record(this.client, channel));
      replicate(this.client, this.failures);
      await enter(this.client, ['broadcast', 'presence']).then(this.onEntered, () => {});
      await this.client.closed;
      this.leavesSeen += this.client.drain({ type: 'presence_leave' }).length;
      return true;
    }
  }

  test('F14: a rolling restart of three gateways under load: no silent loss, nothing doubled, no flicker',
    async (t) => {
      const env = { DRAIN_SECONDS: '1' };
      await start(3, env);
      const residents = Array.from({ length: 60 }, (_, number) => new Resident(number));
      await Promise.all(residents.map(({ entered }) => entered));
      const backend = newBackend();
      for (const index of gateways.keys()) {
        const { port } = gateways[index];
        assert.equal((await gateways[index].stop()).code, 0);
        gateways[index] = await startGateway(redis.address, env, { port });
        await gateways.allReady();
        for (const gateway of gateways) await rosterBecomes(gateway, channel, users(60));
      }
      await backend.stop();
      await eventually(async () => {
        await publish(gateways[0], 'the end', { from: 'end' });
        return residents.every(({ client }) =>
          client.unread.some(({ event }) => event === 'the end'));
      }, 'all residents hear again');
      for (const resident of residents) await resident.end();

      let missing = 0;
      for (const { histories, failures } of residents) {
        assert.deepEqual(failures, []);
        for (const history of histories) {
          checkOrder(history, backend);
          missing += countMissing(history, { ...backend, accepted: acceptedWithin(history, backend) });
        }
      }
      const sum = (name) => residents.reduce((total, resident) => total + resident[name], 0);
      t.diagnostic(`${sum('reconnects')} reconnects, ${backend.accepted.size} published, ` +
        `${backend.refused} refused, ${missing} missing while connected, flickers: ${sum('leavesSeen')}`);
      assert.ok(sum('reconnects') >= 60);
      assert.equal(sum('leavesSeen'), 0);
    });

  /// What a connection should have heard: from the first to the last message that it did hear.
  const acceptedWithin = (history, { name, accepted }) => {
    const heard = history.filter(({ from }) => from === name).map(({ n }) => n);
    return new Set([...accepted].filter((n) => n >= heard[0] && n <= heard.at(-1)));
  };

  test(`F15: a gateway dies and its ${herdSize} clients come back at once; Redis restarts`, async (t) => {
    await start(2, { MAX_CONNECTIONS: '20000' });
    const names = users(herdSize);
    /// The herd comes in a moment: nobody waits for anybody else.
    const arrive = (index) => Promise.all(names.map(async (user) => {
      const client = await gateways.openVersioned(index, user);
      await enter(client);
      return client;
    }));
    const first = await timed(async () => {
      await arrive(0);
    });
    await rosterBecomes(gateways[1], channel, names);
    const { pid, port } = gateways[1];
    const bystanders = await startBystanders({ pid, port, channel: 'bystanders' });
    const watcher = await gateways.open(1, 'watcher');
    await watcher.subscribe(channel, ['presence']);
    await gateways[0].kill();
    let clients;
    const second = await timed(async () => {
      clients = await arrive(1);
    });
    const { p99Ms, lateMs, heard, sent } = await bystanders.stop();
    t.diagnostic(`${herdSize} subscribed and joined in ${seconds(first)}, after a crash of their ` +
      `gateway in ${seconds(second)}; bystanders' p99 ${p99Ms.toFixed(1)} ms (timers ` +
      `${lateMs.toFixed(1)} ms late)`);
    assert.equal(heard, sent);
    assert.ok(p99Ms < (isSanitized ? 3_000 : 1_000) + 4 * lateMs, 'the herd starves nobody');

    await redis.kill();
    await becomesUnready(gateways[1]);
    await redis.start();
    const heardAfter = await timed(() => eventually(async () => {
      await publish(gateways[1], 'back', 0);
      return clients.every(({ unread }) => unread.some(({ event }) => event === 'back'));
    }, 'all hear again'));
    const listedAfter = heardAfter + await timed(() => eventually(
      async () => (await redis.call('HLEN', `presence:${channel}`)) === herdSize, 'all are listed'));
    await rosterBecomes(gateways[1], channel, names);
    for (const client of clients) assert.ok(client.drain({ type: 'gap' }).length > 0);
    const leaves = watcher.drain({ type: 'presence_leave' });
    t.diagnostic(`Redis is back, empty: all hear after ${seconds(heardAfter)}, are listed after ` +
      `${seconds(listedAfter)}; false leaves: ${leaves.length}`);
    assert.deepEqual(leaves, []);
    assert.ok(listedAfter < 60_000 / 3 + 2_000 + slackMs()); // T/3 + 2 s
  });

  test('F6: Redis cuts a gateway of 6,000 channels: each is told its gap once, and goes on', async (t) => {
    const count = 6_000;
    await start(2, { MAX_SUBSCRIPTIONS: String(count), OUTBOX_BYTES: '67108864' });
    const client = await gateways.openVersioned(0, 'subscriber');
    const channels = Array.from({ length: count }, (_, i) => `channel-${i}`);
    const answers = await Promise.all(channels.map((name) => client.subscribe(name)));
    assert.ok(answers.every(({ type }) => type === 'subscribed'));
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const gaps = [];
    const took = await timed(async () => gaps.push(...await client.takeMany(count, { type: 'gap' })));
    assert.equal(new Set(gaps.map((gap) => gap.channel)).size, count);
    await gateways.allReady();
    const batch = (from) => channels.slice(from, from + 1_000).map((name) => ({ channel: name }));
    for (let from = 0; from < count; from += 1_000) {
      const { status } = await post(gateways[1].url, '/api/events', { events: batch(from) });
      assert.equal(status, 200);
    }
    await eventually(() => client.unread.length >= count, 'a message on each channel');
    const heard = client.drain().map((message) => `${message.type} ${message.channel}`);
    assert.deepEqual(heard.sort(), channels.map((name) => `broadcast ${name}`).sort());
    t.diagnostic(`${count} channels subscribed again and told in ${seconds(took)}`);
  });
});
