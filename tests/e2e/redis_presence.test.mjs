// SPDX-License-Identifier: Apache-2.0
// Presence on Redis when something breaks: nobody leaves who is there, nobody stays who is not, and
// each leave is told once. With the shortest presence TTL that can be set.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './support/client.mjs';
import {
  joins, logHolds, presence, roster, rosterBecomes, seconds, slackMs, timed, watches,
} from './support/gateways.mjs';
import { post } from './support/http.mjs';
import { skipsRedis } from './support/redis.mjs';
import { replicate } from './support/roster_model.mjs';
import { Stage } from './support/stage.mjs';

const channel = 'room1';
const handOverGraceMs = 2_000;
const env = {
  PRESENCE_TTL_SECONDS: String(presence.ttlMs / 1000),
  PRESENCE_LEAVE_GRACE_MS: '0',
  PRESENCE_LOST_GRACE_MS: String(handOverGraceMs),
};

describe('presence when something breaks', { timeout: 240_000, skip: skipsRedis }, () => {
  const stage = new Stage();
  let redis;
  let gateways;
  let failures;

  beforeEach(async () => {
    failures = [];
    redis = await stage.redis();
    gateways = await stage.gateways([redis.address, redis.address], env);
  });
  afterEach(async () => {
    await stage.clear();
    assert.deepEqual(failures, [], 'sync and events add up');
  });

  /// A connection that listens and is not in the channel. `seen()` gives the events until now, and
  /// forgets them.
  const newWatcher = async (index) => {
    const client = await gateways.open(index, 'watcher');
    const replicas = replicate(client, failures);
    await watches(client, channel);
    return {
      client,
      users: () => [...replicas.get(channel).users.keys()].sort(),
      seen: () => client.drain(({ type, user_id: user }) =>
        type.startsWith('presence_') && user !== 'marker')
        .map(({ type, user_id: user }) => `${type.slice('presence_'.length)} ${user}`).sort(),
    };
  };
  const names = (prefix, count) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  /// One joined connection on gateway `index` for each of `users`.
  const newUsers = async (index, users) => {
    const clients = new Map();
    await Promise.all(users.map(async (user) => {
      const client = await gateways.open(index, user);
      clients.set(user, client);
      assert.equal((await joins(client, channel, { user })).type, 'ack');
    }));
    return clients;
  };
  /// All events that were under way have reached the watchers: a user has come and gone behind them.
  const settle = async (index, ...watchers) => {
    const marker = await gateways.open(index, 'marker');
    assert.equal((await joins(marker, channel)).type, 'ack');
    assert.equal((await marker.request({ type: 'presence_leave', channel })).type, 'ack');
    for (const { client } of watchers) {
      await client.take({ type: 'presence_leave', user_id: 'marker' });
    }
  };
  /// Both gateways and Redis itself agree.
  const allList = async (users, on = gateways) => {
    for (const gateway of on) await rosterBecomes(gateway, channel, users);
    const connection = await redis.connect();
    const wanted = JSON.stringify([...users].sort());
    await eventually(async () => {
      const fields = Object.keys(await connection.hash(`presence:${channel}`));
      return JSON.stringify(fields.sort()) === wanted;
    }, `Redis lists ${wanted}`);
    connection.close();
  };
  const watcherSees = (watcher, users) =>
    eventually(() => JSON.stringify(watcher.users()) === JSON.stringify([...users].sort()),
      `the watcher has ${users}`);
  /// No node is left that waits to be reaped, for the first or the second time.
  const isTidy = (living) => eventually(async () => {
    const counts = await Promise.all(
      ['live', 'dead'].map((list) => redis.call('ZCARD', `rc:{nodes}:${list}`)));
    return counts[0] === living && counts[1] === 0;
  }, 'dead nodes are forgotten');
  const leavesOf = (users) => users.map((user) => `leave ${user}`).sort();

  test('F7: FLUSHALL: nobody leaves, broadcasts go on, and the roster is whole again within T/3 + 2 s',
    async (t) => {
      const users = [...names('a', 20), ...names('b', 20)];
      await newUsers(0, users.slice(0, 20));
      await newUsers(1, users.slice(20));
      const watchers = [await newWatcher(0), await newWatcher(1)];
      for (const watcher of watchers) await watcherSees(watcher, users);
      const listener = await gateways.open(1, 'listener');
      await listener.subscribe(channel);
      const took = await timed(async () => {
        await redis.call('FLUSHALL');
        assert.equal((await post(gateways[0].url, '/api/event', { channel })).status, 200);
        await listener.take({ type: 'broadcast' });
        await allList(users);
      });
      for (const watcher of watchers) watcher.seen();
      await settle(0, ...watchers);
      for (const watcher of watchers) assert.deepEqual(watcher.users(), [...users].sort());
      const told = watchers.flatMap(({ client }) => client.frames.map((frame) => JSON.parse(frame)));
      const leaves = told.filter(({ type, user_id: user }) =>
        type === 'presence_leave' && user !== 'marker');
      t.diagnostic(`the roster was whole after ${seconds(took)}; false leaves: ${leaves.length}`);
      assert.deepEqual(leaves, []);
      assert.ok(took < presence.ttlMs / 3 + 2_000 + slackMs());
    });

  for (const [what, isSaving] of [['keeps its data', true], ['comes back empty', false]]) {
    test(`F8: Redis is away for longer than the lease and ${what}: no false leaves`, async (t) => {
      const users = [...names('a', 10), ...names('b', 10)];
      const clients = await newUsers(0, users.slice(0, 10));
      await newUsers(1, users.slice(10));
      const watchers = [await newWatcher(0), await newWatcher(1)];
      await redis.stop({ isSaving });
      // Long enough for the pauses between attempts to have grown.
      const downUntil = performance.now() + 8_000;
      await clients.get('a-3').close();
      const late = await gateways.open(1, 'late');
      const answer = await joins(late, channel);
      assert.deepEqual([answer.type, answer.code], ['error', 4500]);
      await sleep(downUntil - performance.now());
      await redis.start();
      const took = await timed(() => gateways.allReady());
      const present = [...users.filter((user) => user !== 'a-3'), 'late'];
      const whole = await timed(() => allList(present));
      for (const watcher of watchers) await watcherSees(watcher, present);
      // The cold rule gives each old lease one more term: whatever it could do wrong has happened.
      await isTidy(2);
      await settle(0, ...watchers);
      for (const watcher of watchers) {
        assert.deepEqual(watcher.seen(), ['join late', 'leave a-3']);
      }
      t.diagnostic(`ready ${seconds(took)} after Redis, roster whole ${seconds(whole)} later; ` +
        'false leaves: 0');
    });
  }

  test('F12: kill -9 of a gateway: its users leave within lease + beat + 1 s, once each; no ghosts',
    async (t) => {
      const doomed = names('doomed', 30);
      await newUsers(0, [...doomed, 'both']);
      await newUsers(1, ['both', 'safe']);
      const watcher = await newWatcher(1);
      const other = await newWatcher(1);
      await settle(1, watcher, other);
      await gateways[0].kill();
      const killed = performance.now();
      await watcherSees(watcher, ['both', 'safe']);
      const took = performance.now() - killed;
      await isTidy(1);
      await settle(1, watcher, other);
      for (const each of [watcher, other]) assert.deepEqual(each.seen(), leavesOf(doomed));
      await allList(['both', 'safe'], [gateways[1]]);
      const bound = presence.leaseMs + presence.beatMs + 1_000;
      t.diagnostic(`last leave ${seconds(took)} after SIGKILL (lease + beat + 1 s: ${seconds(bound)}); ` +
        'ghosts after both passes: 0');
      assert.ok(took < bound + slackMs());
    });

  test('all gateways die and one returns: who is back stays, the others leave once, within 2 leases',
    async (t) => {
      const [back, gone] = [names('back', 5), names('gone', 5)];
      await newUsers(0, [...back, ...gone.slice(0, 3)]);
      await newUsers(1, gone.slice(3));
      await Promise.all(gateways.map((gateway) => gateway.kill()));
      const killed = performance.now();
      gateways.splice(0, 2, await stage.gateway(redis.address, env));
      await gateways.allReady();
      const watcher = await newWatcher(0);
      assert.deepEqual(watcher.users(), [...back, ...gone], 'nobody has left so far');
      await newUsers(0, back);
      await watcherSees(watcher, back);
      const took = performance.now() - killed;
      await isTidy(1);
      await settle(0, watcher);
      assert.deepEqual(watcher.seen().filter((event) => !event.startsWith('update')), leavesOf(gone));
      await allList(back);
      t.diagnostic(`the last leave ${seconds(took)} after the crash; flickers: 0`);
      assert.ok(took < 2 * presence.leaseMs + presence.beatMs + 1_000 + slackMs());
    });

  test('a gateway that is paused for longer than its lease comes back right: joins and leaves once',
    async (t) => {
      const paused = names('paused', 10);
      const clients = await newUsers(0, [...paused, 'both']);
      await newUsers(1, ['both', 'safe']);
      const watchers = [await newWatcher(0), await newWatcher(1)];
      await settle(1, ...watchers);
      gateways[0].signal('SIGSTOP');
      const stopped = performance.now();
      await watcherSees(watchers[1], ['both', 'safe']);
      const leftAfter = performance.now() - stopped;
      assert.deepEqual(watchers[1].seen(), leavesOf(paused));
      await clients.get('paused-0').terminate(); // unnoticed by the one that is paused
      gateways[0].signal('SIGCONT');
      await logHolds(gateways[0], /declared dead/);
      const back = [...paused.slice(1), 'both', 'safe'];
      const took = await timed(() => allList(back));
      for (const watcher of watchers) await watcherSees(watcher, back);
      await isTidy(2);
      await settle(0, ...watchers);
      await allList(back);
      const joined = paused.map((user) => `join ${user}`);
      const events = watchers[1].seen().filter((event) => !event.endsWith('paused-0'));
      assert.deepEqual(events, joined.slice(1), 'each has come back once');
      t.diagnostic(`left after ${seconds(leftAfter)}, whole again ${seconds(took)} after waking`);
    });

  test('F13: SIGTERM of a gateway: who is back within the grace is not missed; the others leave once',
    async (t) => {
      const loyal = names('loyal', 10);
      const gone = names('gone', 5);
      const clients = await newUsers(0, [...loyal, ...gone]);
      await newUsers(1, ['safe']);
      const watcher = await newWatcher(1);
      await settle(1, watcher);
      const stopped = performance.now();
      gateways[0].signal('SIGTERM');
      await Promise.all(loyal.map(async (user) => {
        assert.equal((await clients.get(user).closed).code, 1012);
        assert.equal((await joins(await gateways.open(1, user), channel, { user })).type, 'ack');
      }));
      const { code } = await gateways[0].exited;
      const exitedAfter = performance.now() - stopped;
      assert.equal(code, 0);
      await watcherSees(watcher, [...loyal, 'safe']);
      const leftAfter = performance.now() - stopped;
      await isTidy(1);
      await settle(1, watcher);
      assert.deepEqual(watcher.seen(), leavesOf(gone));
      await allList([...loyal, 'safe'], [gateways[1]]);
      t.diagnostic(`exit 0 after ${seconds(exitedAfter)}; the others left after ${seconds(leftAfter)} ` +
        `(grace ${seconds(handOverGraceMs)}); flickers: 0`);
      assert.ok(leftAfter >= handOverGraceMs - 100);
      assert.ok(leftAfter < handOverGraceMs + 2 * presence.beatMs + 1_000 + slackMs());
    });

  test('Redis forgets the scripts: joins, updates and leaves go on in their order', async () => {
    const watcher = await newWatcher(1);
    const [alice, bob] = [await gateways.open(0, 'alice'), await gateways.open(1, 'bob')];
    await redis.call('SCRIPT', 'FLUSH');
    const steps = ['presence_join', 'presence_update', 'presence_leave', 'presence_join'];
    const answers = [alice, bob].flatMap((client) =>
      steps.map((type, n) => client.request({ type, channel, payload: { n } })));
    for (const { type } of await Promise.all(answers)) assert.equal(type, 'ack');
    await allList(['alice', 'bob']);
    await settle(0, watcher);
    assert.deepEqual(watcher.users(), ['alice', 'bob']);
  });

  test('the link to Redis dies in the middle of joins: what was acknowledged is true', async (t) => {
    const users = names('user', 40);
    const watcher = await newWatcher(1);
    const clients = await Promise.all(users.map((user) => gateways.open(0, user)));
    const answers = clients.map((client) => joins(client, channel));
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const types = (await Promise.all(answers)).map(({ type }) => type);
    const joined = users.filter((_, i) => types[i] === 'ack');
    await gateways.allReady();
    await Promise.all(clients.map((client, i) => types[i] === 'ack' || joins(client, channel)));
    await watcherSees(watcher, users);
    await allList(users);
    t.diagnostic(`${joined.length} of ${users.length} were acknowledged at once`);
    assert.deepEqual(await roster(gateways[1], channel), [...users].sort());
  });
});
