// SPDX-License-Identifier: Apache-2.0
// Every client message of docs/protocol.md section 2 and every answer of section 3, on a base
// connection and on one of roomcast.v1.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, connectVersioned } from './support/client.mjs';
import { post } from './support/http.mjs';
import { startServer } from './support/server.mjs';

describe('native protocol', { timeout: 120_000 }, () => {
  let server;
  let rooms = 0;
  const clients = [];

  const newRoom = () => `room-${++rooms}`;
  const open = async (options = {}) => {
    const client = await connect(server, { user: 'alice', ...options });
    clients.push(client);
    return client;
  };
  const openVersioned = async (options = {}) => {
    const client = await connectVersioned(server, { user: 'alice', ...options });
    clients.push(client);
    return client;
  };

  before(async () => {
    server = await startServer({ env: { PRESENCE_LEAVE_GRACE_MS: '50', MESSAGE_RATE: '0' } });
  });
  after(async () => {
    for (const client of clients) client.socket.terminate();
    await server?.stop();
  });

  test('a broadcast reaches all who listen, with the sender as the server knows it', async () => {
    const room = newRoom();
    const [alice, bob] = [await open(), await open({ user: 'bob' })];
    for (const client of [alice, bob]) await client.subscribe(room);
    const sent = Date.now();
    alice.send({
      type: 'broadcast',
      channel: room,
      event: 'user-message',
      payload: { text: 'hello' },
      user_id: 'mallory',
      ts: 1,
    });
    for (const client of [alice, bob]) {
      const { ts, ...rest } = await client.take({ type: 'broadcast' });
      assert.deepEqual(rest, {
        type: 'broadcast',
        channel: room,
        event: 'user-message',
        payload: { text: 'hello' },
        user_id: 'alice',
      });
      assert.ok(ts >= sent - 1000 && ts <= Date.now() + 1000, `ts ${ts} is Unix milliseconds`);
    }
  });

  test('an absent payload is null, an absent event is empty, and no subscription is needed', async () => {
    const room = newRoom();
    const [alice, bob] = [await open(), await open({ user: 'bob' })];
    await bob.subscribe(room);
    alice.send({ type: 'broadcast', channel: room });
    const message = await bob.take({ type: 'broadcast' });
    assert.equal(message.payload, null);
    assert.equal(message.event, '');
    assert.deepEqual(alice.unread, []);
  });

  test('a broadcast over HTTP has no user_id, and its event defaults to "message"', async () => {
    const room = newRoom();
    const alice = await open();
    await alice.subscribe(room);
    const answer = await post(server.url, '/api/event', { channel: room });
    assert.equal(answer.status, 200, answer.body);
    const message = await alice.take({ type: 'broadcast' });
    assert.equal('user_id' in message, false);
    assert.equal(message.event, 'message');
    assert.equal(message.payload, null);
  });

  test('a new listen set replaces the old one', async () => {
    const room = newRoom();
    const [alice, bob] = [await open(), await open({ user: 'bob' })];
    assert.deepEqual(await alice.subscribe(room, ['presence', 'broadcast', 'presence']), {
      type: 'subscribed',
      id: 'request-1',
      channel: room,
      listen: ['broadcast', 'presence'],
    });
    await alice.take({ type: 'presence_sync', channel: room });

    await alice.subscribe(room, ['presence']);
    await alice.take({ type: 'presence_sync', channel: room });
    await bob.broadcast(room, 1);
    await bob.request({ type: 'presence_join', channel: room });
    await alice.take({ type: 'presence_join', user_id: 'bob' });
    assert.deepEqual(alice.drain(), [], 'it does not listen to broadcasts any more');

    await alice.subscribe(room, ['broadcast']);
    await bob.request({ type: 'presence_leave', channel: room });
    await bob.broadcast(room, 2);
    await alice.take({ type: 'broadcast', payload: 2 });
    assert.deepEqual(alice.drain(), [], 'it does not listen to presence any more');
  });

  test('an empty listen set listens to nothing and leaves presence untouched', async () => {
    const room = newRoom();
    const [alice, bob] = [await open(), await open({ user: 'bob' })];
    await bob.subscribe(room, ['broadcast', 'presence']);
    await bob.take({ type: 'presence_sync' });
    await alice.subscribe(room);
    await alice.request({ type: 'presence_join', channel: room });
    await bob.take({ type: 'presence_join', user_id: 'alice' });
    assert.deepEqual((await alice.subscribe(room, [])).listen, []);
    await bob.broadcast(room, 'unheard');
    await bob.take({ type: 'broadcast' });
    const roster = await alice.request({ type: 'presence_get', channel: room });
    assert.deepEqual(roster.users.map((user) => user.user_id), ['alice']);
    assert.deepEqual(alice.drain(), []);
    assert.deepEqual(bob.drain(), []);
  });

  test('unsubscribe stops all listening, and may be said without a subscription', async () => {
    const room = newRoom();
    const alice = await open();
    await alice.subscribe(room);
    await alice.broadcast(room, 1);
    await alice.take({ type: 'broadcast', payload: 1 });
    for (let round = 0; round < 2; ++round) {
      const answer = await alice.request({ type: 'unsubscribe', channel: room });
      assert.deepEqual(answer, { type: 'unsubscribed', id: answer.id, channel: room });
    }
    assert.equal((await alice.broadcast(room, 2)).type, 'ack');
    await alice.subscribe(room);
    await alice.broadcast(room, 3);
    assert.equal((await alice.take({ type: 'broadcast' })).payload, 3);
  });

  test('self: false spares the sending connection alone', async () => {
    const room = newRoom();
    const [tab, otherTab] = [await open(), await open()];
    for (const client of [tab, otherTab]) await client.subscribe(room);
    assert.equal((await tab.broadcast(room, 'quiet', { self: false })).type, 'ack');
    await tab.broadcast(room, 'loud', { self: true });
    assert.deepEqual((await otherTab.takeMany(2, { type: 'broadcast' })).map((m) => m.payload), [
      'quiet',
      'loud',
    ]);
    assert.equal((await tab.take({ type: 'broadcast' })).payload, 'loud');
  });

  test('a repeated idempotency key is acknowledged and not sent again', async () => {
    const room = newRoom();
    const [tab, otherTab, bob] = [await open(), await open(), await open({ user: 'bob' })];
    await bob.subscribe(room);
    const first = await tab.broadcast(room, 'once', { key: 'k1' });
    const repeat = await tab.broadcast(room, 'twice', { key: 'k1' });
    assert.deepEqual([first.type, repeat.type], ['ack', 'ack']);
    assert.equal(repeat.ts, first.ts, 'the first result is told again');
    await otherTab.broadcast(room, 'from another tab', { key: 'k1' });
    await tab.broadcast(room, 'another key', { key: 'k2' });
    await bob.broadcast(room, 'another user', { key: 'k1' });
    await bob.broadcast(newRoom(), 'another channel', { key: 'k1' });
    const heard = await bob.takeMany(3, { type: 'broadcast' });
    assert.deepEqual(heard.map((message) => message.payload), [
      'once',
      'another key',
      'another user',
    ]);
    assert.deepEqual(bob.drain(), []);
  });

  test('repeats in one burst are answered each and sent once', async () => {
    const room = newRoom();
    const alice = await open();
    await alice.subscribe(room);
    const acks = await Promise.all(
      Array.from({ length: 50 }, (_, i) => alice.broadcast(room, i, { key: 'burst' })),
    );
    assert.ok(acks.every((ack) => ack.type === 'ack'));
    await alice.broadcast(room, 'end');
    assert.deepEqual((await alice.takeMany(2, { type: 'broadcast' })).map((m) => m.payload), [
      0,
      'end',
    ]);
  });

  test('ids come back as written, once, on the answer of each type', async () => {
    const room = newRoom();
    const alice = await open();
    const answers = [
      ['"subscribe","listen":["broadcast"]', 'subscribed'],
      ['"broadcast","self":false', 'ack'],
      ['"presence_join"', 'ack'],
      ['"presence_update","payload":{}', 'ack'],
      ['"presence_get"', 'presence'],
      ['"presence_leave"', 'ack'],
      ['"ping"', 'pong'],
      ['"unsubscribe"', 'unsubscribed'],
      ['"nonsense"', 'error'],
    ];
    const ids = ['"plain"', '"\\u0061\\n\\"é"', '""', '0', '-7', '9007199254740992',
      '-9007199254740992', `"${'x'.repeat(64)}"`];
    for (const id of ids) {
      for (const [type, answer] of answers) {
        alice.send(`{"channel":"${room}","id":${id},"type":${type}}`);
        const message = await alice.take(() => true);
        assert.equal(message.type, answer, alice.frames.at(-1));
        assert.ok(alice.frames.at(-1).includes(`"id":${id}`), `${id}: ${alice.frames.at(-1)}`);
      }
    }
    assert.deepEqual(alice.drain(), []);
  });

  test('a bad id is refused without an id, and nothing is done', async () => {
    const room = newRoom();
    const alice = await open();
    await alice.subscribe(room);
    const bad = ['1.5', '1e2', '9007199254740993', '-9007199254740993', '1e400', 'true', 'null',
      '[]', '{}', `"${'x'.repeat(65)}"`];
    for (const id of bad) {
      alice.send(`{"type":"broadcast","channel":"${room}","id":${id}}`);
      const error = await alice.take(() => true);
      assert.equal(error.type, 'error', `${id}: ${JSON.stringify(error)}`);
      assert.equal(error.code, 4000);
      assert.equal('id' in error, false);
      assert.match(error.message, /"id"/);
    }
    await alice.broadcast(room, 'end');
    assert.equal((await alice.take({ type: 'broadcast' })).payload, 'end');
  });

  test('without an id there is no ack, and errors have none', async () => {
    const room = newRoom();
    const alice = await open();
    alice.send({ type: 'subscribe', channel: room, listen: ['broadcast'] });
    alice.send({ type: 'presence_join', channel: room });
    alice.send({ type: 'presence_leave', channel: room });
    alice.send({ type: 'broadcast', channel: room, payload: 'echo' });
    alice.send({ type: 'broadcast', channel: '' });
    const error = await alice.take({ type: 'error' });
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'reason', 'type']);
    await alice.take({ type: 'broadcast', payload: 'echo' });
    await alice.request({ type: 'ping' });
    assert.deepEqual(alice.drain(), []);
  });

  test('a base connection hears base messages only', async () => {
    const room = newRoom();
    const alice = await open();
    assert.equal(alice.socket.protocol, '');
    alice.send({ type: 'subscribe', channel: room, listen: ['broadcast', 'presence'] });
    alice.send({ type: 'presence_join', channel: room, payload: { name: 'Alice' } });
    alice.send({ type: 'presence_update', channel: room, payload: { name: 'Al' } });
    alice.send({ type: 'broadcast', channel: room, event: 'e', payload: 1 });
    alice.send({ type: 'presence_leave', channel: room });
    await alice.take({ type: 'presence_leave' });
    const types = alice.frames.map((frame) => JSON.parse(frame).type);
    assert.deepEqual(types, [
      'presence_sync',
      'presence_join',
      'presence_update',
      'broadcast',
      'presence_leave',
    ]);
  });

  test('presence messages have the documented fields', async () => {
    const room = newRoom();
    const alice = await open();
    alice.send({ type: 'presence_join', channel: room, payload: { name: 'Alice' } });
    alice.send({ type: 'subscribe', channel: room, listen: ['presence'] });
    const sync = await alice.take({ type: 'presence_sync' });
    const seconds = sync.users[0].updated_at;
    assert.ok(Math.abs(seconds - Date.now() / 1000) < 60, `updated_at ${seconds} is Unix seconds`);
    assert.deepEqual(sync, {
      type: 'presence_sync',
      channel: room,
      users: [{ user_id: 'alice', meta: { name: 'Alice' }, updated_at: seconds }],
    });
    const bob = await open({ user: 'bob' });
    bob.send({ type: 'presence_join', channel: room });
    const join = await alice.take({ type: 'presence_join' });
    assert.deepEqual(Object.keys(join).sort(), ['channel', 'ts', 'type', 'updated_at', 'user_id']);
    bob.send({ type: 'presence_update', channel: room, payload: { status: 'typing' } });
    const update = await alice.take({ type: 'presence_update' });
    assert.deepEqual(update.meta, { status: 'typing' });
    assert.ok(update.ts > 1e12 && update.updated_at < 1e11);
    bob.send({ type: 'presence_update', channel: room });
    assert.equal('meta' in (await alice.take({ type: 'presence_update' })), false);
    const list = await bob.request({ type: 'presence_get', channel: room });
    assert.deepEqual(list.users.map(({ user_id, meta }) => [user_id, meta]).sort(), [
      ['alice', { name: 'Alice' }],
      ['bob', null],
    ]);
    bob.send({ type: 'presence_leave', channel: room });
    const leave = await alice.take({ type: 'presence_leave' });
    assert.deepEqual(Object.keys(leave).sort(), ['channel', 'ts', 'type', 'user_id']);
  });

  test('roomcast.v1 is greeted first, with the limits in force', async () => {
    const client = await openVersioned();
    assert.equal(client.socket.protocol, 'roomcast.v1');
    assert.equal(JSON.parse(client.frames[0]).type, 'welcome');
    const { welcome } = client;
    assert.equal(typeof welcome.connection_id, 'string');
    assert.equal(welcome.user_id, 'alice');
    assert.equal(welcome.ping_interval_ms, 25_000);
    assert.equal(welcome.max_message_bytes, 65_536);
    assert.equal(welcome.limits.max_subscriptions, 1000);
    assert.ok(Math.abs(welcome.server_time - Date.now()) < 60_000);
    assert.match(welcome.server, /^roomcast\/\d+\.\d+\.\d+/);
    assert.equal(typeof welcome.node, 'string');
    assert.notEqual((await openVersioned()).welcome.connection_id, welcome.connection_id);
  });

  test('of several subprotocols roomcast.v1 is chosen, unknown ones are left alone', async () => {
    const client = await openVersioned({ protocol: ['other'] });
    assert.equal(client.socket.protocol, 'roomcast.v1');
    const refused = await open({ protocol: ['other'] }).catch((error) => error);
    assert.match(refused.message, /no subprotocol/i, 'ws: the server picked none of those offered');
  });

  test('binary frames are read on base connections and close roomcast.v1 ones', async () => {
    const base = await open();
    base.socket.send(Buffer.from('{"type":"ping","id":1}'));
    await base.take({ type: 'pong', id: 1 });
    const versioned = await openVersioned();
    versioned.socket.send(Buffer.from('{"type":"ping","id":1}'));
    assert.equal((await versioned.closed).code, 1003);
  });

  test('history, since and refresh without JWT are refused in plain words', async () => {
    const room = newRoom();
    const alice = await openVersioned();
    const history = await alice.request({ type: 'history', channel: room, limit: 10 });
    assert.deepEqual([history.type, history.code], ['error', 4000]);
    assert.match(history.message, /history/);
    const since = await alice.request({
      type: 'subscribe',
      channel: room,
      listen: ['broadcast'],
      since: { last: 10 },
    });
    assert.deepEqual([since.type, since.code], ['error', 4000]);
    assert.match(since.message, /since/);
    const refresh = await alice.request({ type: 'refresh', token: 'a.b.c' });
    assert.deepEqual([refresh.type, refresh.code], ['error', 4401]);
    assert.match(refresh.message, /JWT/);
  });

  test('WebSocket pings are answered with their payload', async () => {
    const alice = await open();
    const pong = new Promise((resolve) => alice.socket.once('pong', resolve));
    alice.socket.ping('are you there');
    assert.equal((await pong).toString(), 'are you there');
  });

  test('a close is answered with the same code', async () => {
    for (const code of [1000, 1001, 3000, 4999]) {
      assert.equal((await (await open()).close(code)).code, code);
    }
  });
});
