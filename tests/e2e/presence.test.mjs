// SPDX-License-Identifier: Apache-2.0
// The presence rules of docs/protocol.md section 3.3, one by one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, socketUrl } from './support/client.mjs';
import { get, post } from './support/http.mjs';
import { startServer } from './support/server.mjs';

const leaveGraceMs = 400;
const lostGraceMs = 900;

describe('presence', { timeout: 120_000 }, () => {
  let server;
  let rooms = 0;
  const clients = [];

  const open = async (user) => {
    const client = await connect(server, { user });
    clients.push(client);
    return client;
  };
  /// A room and a watcher that listens to its presence and is not in it.
  const watched = async () => {
    const room = `presence-${++rooms}`;
    const watcher = await open('watcher');
    await watcher.subscribe(room, ['presence']);
    await watcher.take({ type: 'presence_sync', channel: room });
    return { room, watcher };
  };
  const join = (client, room, payload) =>
    client.request({ type: 'presence_join', channel: room, payload });
  const leave = (client, room) => client.request({ type: 'presence_leave', channel: room });
  /// Everything on the way to `watcher` has come: a marker user joined and left behind it.
  const settle = async (watcher, room) => {
    const marker = await open('marker');
    await join(marker, room);
    await leave(marker, room);
    await watcher.take({ type: 'presence_join', user_id: 'marker' });
    await watcher.take({ type: 'presence_leave', user_id: 'marker' });
    await marker.close();
  };

  before(async () => {
    server = await startServer({
      env: {
        PRESENCE_LEAVE_GRACE_MS: String(leaveGraceMs),
        PRESENCE_LOST_GRACE_MS: String(lostGraceMs),
      },
    });
  });
  after(async () => {
    for (const client of clients) client.socket.terminate();
    await server?.stop();
  });

  test('rule 1: several tabs are one user, who leaves with the last', async () => {
    const { room, watcher } = await watched();
    const tabs = [await open('alice'), await open('alice'), await open('alice')];
    await join(tabs[0], room, { tab: 'same' });
    await watcher.take({ type: 'presence_join', user_id: 'alice' });
    await join(tabs[1], room, { tab: 'same' });
    await settle(watcher, room);
    assert.deepEqual(watcher.drain(), [], 'the same meta is silent');

    await join(tabs[2], room, { tab: 'other' });
    const update = await watcher.take({ type: 'presence_update', user_id: 'alice' });
    assert.deepEqual(update.meta, { tab: 'other' });

    await leave(tabs[0], room);
    await leave(tabs[2], room);
    await settle(watcher, room);
    assert.deepEqual(watcher.drain(), [], 'one tab is still there');
    await leave(tabs[1], room);
    await watcher.take({ type: 'presence_leave', user_id: 'alice' });
    await settle(watcher, room);
    assert.deepEqual(watcher.drain(), [], 'left once');
  });

  test('rule 2: a leave is this connection\'s own; a repeat or one without a join is silent', async () => {
    const { room, watcher } = await watched();
    const [tab, otherTab] = [await open('alice'), await open('alice')];
    await join(tab, room);
    await watcher.take({ type: 'presence_join' });
    assert.equal((await leave(otherTab, room)).type, 'ack');
    await settle(watcher, room);
    assert.deepEqual(watcher.drain(), []);
    assert.equal((await leave(tab, room)).type, 'ack');
    await watcher.take({ type: 'presence_leave' });
    assert.equal((await leave(tab, room)).type, 'ack');
    await settle(watcher, room);
    assert.deepEqual(watcher.drain(), []);
  });

  test('rule 3: a close is a leave after its grace, a lost link after a longer one', async () => {
    const { room, watcher } = await watched();
    for (const [end, graceMs] of [['close', leaveGraceMs], ['terminate', lostGraceMs]]) {
      const alice = await open('alice');
      await join(alice, room);
      await watcher.take({ type: 'presence_join', user_id: 'alice' });
      const ended = Date.now();
      await alice[end]();
      await watcher.take({ type: 'presence_leave', user_id: 'alice' });
      const took = Date.now() - ended;
      assert.ok(took >= graceMs - 50, `${end}: the leave came after ${took} ms`);
    }
  });

  test('rule 3: a killed client process leaves after the grace', async () => {
    const { room, watcher } = await watched();
    const script = `
      import { WebSocket } from 'ws';
      const socket = new WebSocket(${JSON.stringify(socketUrl(server, { user_id: 'doomed' }))});
      socket.on('open', () => socket.send('{"type":"presence_join","channel":"${room}"}'));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      stdio: 'inherit',
    });
    await watcher.take({ type: 'presence_join', user_id: 'doomed' });
    const killed = Date.now();
    child.kill('SIGKILL');
    await once(child, 'exit');
    await watcher.take({ type: 'presence_leave', user_id: 'doomed' });
    assert.ok(Date.now() - killed >= lostGraceMs - 50);
  });

  test('rule 3: a reload within the grace is not seen', async () => {
    const { room, watcher } = await watched();
    let page = await open('alice');
    await join(page, room, { name: 'Alice' });
    await watcher.take({ type: 'presence_join' });
    for (const end of ['close', 'terminate', 'close']) {
      await page[end]();
      page = await open('alice');
      await join(page, room, { name: 'Alice' });
    }
    await sleep(lostGraceMs + 300);
    await settle(watcher, room);
    assert.deepEqual(watcher.drain(), [], 'no flicker');
    await leave(page, room);
    await watcher.take({ type: 'presence_leave', user_id: 'alice' });
  });

  test('rule 3: leave and a disconnect by the API wait for no grace', async () => {
    const slow = await startServer({
      env: { PRESENCE_LEAVE_GRACE_MS: '600000', PRESENCE_LOST_GRACE_MS: '600000' },
    });
    try {
      const watcher = await connect(slow, { user: 'watcher' });
      await watcher.subscribe('room1', ['presence']);
      const tabs = [await connect(slow, { user: 'alice' }), await connect(slow, { user: 'alice' })];
      for (const tab of tabs) await join(tab, 'room1');
      await watcher.take({ type: 'presence_join', user_id: 'alice' });
      const answer = await post(slow.url, '/api/users/alice/disconnect');
      assert.deepEqual(answer.json(), { disconnected: 2, nodes_told: 0 });
      for (const tab of tabs) assert.equal((await tab.closed).code, 4403);
      await watcher.take({ type: 'presence_leave', user_id: 'alice' });
    } finally {
      await slow.stop();
    }
  });

  test('rule 3: a grace of 0 is none', async () => {
    const eager = await startServer({
      env: { PRESENCE_LEAVE_GRACE_MS: '0', PRESENCE_LOST_GRACE_MS: '0' },
    });
    try {
      const watcher = await connect(eager, { user: 'watcher' });
      await watcher.subscribe('room1', ['presence']);
      for (const end of ['close', 'terminate']) {
        const alice = await connect(eager, { user: 'alice' });
        await join(alice, 'room1');
        await watcher.take({ type: 'presence_join' });
        await alice[end]();
        await watcher.take({ type: 'presence_leave' });
      }
    } finally {
      await eager.stop();
    }
  });

  test('rule 4: connected users stay without a word, and nothing is announced', async () => {
    const short = await startServer({ env: { PING_SECONDS: '1', PONG_SECONDS: '2',
      PRESENCE_TTL_SECONDS: '5' } });
    try {
      const watcher = await connect(short, { user: 'watcher' });
      await watcher.subscribe('room1', ['presence']);
      const alice = await connect(short, { user: 'alice' });
      await join(alice, 'room1');
      await watcher.take({ type: 'presence_join' });
      watcher.drain();
      await sleep(6500);
      assert.deepEqual(watcher.drain(), []);
      const { users } = await watcher.request({ type: 'presence_get', channel: 'room1' });
      assert.deepEqual(users.map((user) => user.user_id), ['alice']);
    } finally {
      await short.stop();
    }
  });

  test('rule 6: updates over the rate are merged, each id is acknowledged', async () => {
    const { room, watcher } = await watched();
    const alice = await open('alice');
    await join(alice, room, { n: -1 });
    await watcher.take({ type: 'presence_join' });
    const count = 100;
    const started = Date.now();
    const acks = Promise.all(
      Array.from({ length: count }, (_, n) =>
        alice.request({ type: 'presence_update', channel: room, payload: { n } }),
      ),
    );
    for (const ack of await acks) assert.equal(ack.type, 'ack');
    await settle(watcher, room);
    const seconds = (Date.now() - started) / 1000;
    const seen = watcher.drain({ type: 'presence_update' }).map((update) => update.meta.n);
    assert.ok(seen.length <= 10 + Math.ceil(seconds * 10), `${seen.length} updates in ${seconds} s`);
    assert.equal(seen.at(-1), count - 1, 'the last one wins');
    assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
  });

  test('rule 6: a leave ends what was held back', async () => {
    const { room, watcher } = await watched();
    const alice = await open('alice');
    await join(alice, room);
    for (let n = 0; n < 50; ++n) {
      alice.send({ type: 'presence_update', channel: room, payload: { n }, id: n });
    }
    alice.send({ type: 'presence_leave', channel: room, id: 'leave' });
    for (let n = 0; n < 50; ++n) await alice.take({ type: 'ack', id: n });
    await alice.take({ type: 'ack', id: 'leave' });
    await watcher.take({ type: 'presence_leave' });
    await sleep(300);
    await settle(watcher, room);
    assert.deepEqual(watcher.drain((message) => message.type !== 'presence_join').filter(
      (message) => message.type !== 'presence_update'), [], 'nobody is resurrected');
    const { users } = await watcher.request({ type: 'presence_get', channel: room });
    assert.deepEqual(users, []);
  });

  test('rule 7: meta is the user\'s, and the last writer wins', async () => {
    const { room, watcher } = await watched();
    const [phone, laptop] = [await open('alice'), await open('alice')];
    await join(phone, room, { on: 'phone' });
    await join(laptop, room, { on: 'laptop' });
    await phone.request({ type: 'presence_update', channel: room, payload: { on: 'phone again' } });
    const { users } = await watcher.request({ type: 'presence_get', channel: room });
    assert.deepEqual(users.map((user) => user.meta), [{ on: 'phone again' }]);
    await leave(phone, room);
    const later = await watcher.request({ type: 'presence_get', channel: room });
    assert.deepEqual(later.users.map((user) => user.meta), [{ on: 'phone again' }]);
  });

  test('an update without a join is a join', async () => {
    const { room, watcher } = await watched();
    const alice = await open('alice');
    const answer = await alice.request({ type: 'presence_update', channel: room, payload: {} });
    assert.equal(answer.type, 'ack');
    await watcher.take({ type: 'presence_join', user_id: 'alice' });
  });

  test('the same roster comes over HTTP', async () => {
    const { room } = await watched();
    const alice = await open('alice');
    await join(alice, room, { name: 'Alice' });
    await join(await open('bob'), room);
    const answer = await get(server.url, `/api/channels/${room}/presence`);
    assert.equal(answer.status, 200);
    const { users, channel } = answer.json();
    assert.equal(channel, room);
    const list = await alice.request({ type: 'presence_get', channel: room });
    assert.deepEqual(users, list.users);
    const empty = await get(server.url, '/api/channels/nobody%2Fhere/presence');
    assert.deepEqual(empty.json(), { channel: 'nobody/here', users: [] });
    const { channels } = (await get(server.url, `/api/channels?prefix=${room}`)).json();
    assert.deepEqual(channels, [{ name: room, subscribers: 1, users: 2 }]);
  });
});
