// SPDX-License-Identifier: Apache-2.0
// Errors of docs/protocol.md section 5: each tells what is wrong, and the connection stays.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { connect, connectVersioned } from './support/client.mjs';
import { hmacToken, secret } from './support/tokens.mjs';
import { startServer } from './support/server.mjs';

/// What is sent, its code, and what its message for people must mention.
const refused = [
  ['', 4000, /JSON/],
  ['hello', 4000, /JSON/],
  ['[]', 4000, /one JSON object/],
  ['"ping"', 4000, /one JSON object/],
  ['null', 4000, /one JSON object/],
  ['{"type":"ping"} x', 4000, /JSON/],
  ['{"type":"ping"}\n{"type":"ping"}', 4000, /JSON/],
  ['{"type":"ping"', 4000, /JSON/],
  ['{}', 4000, /"type".*missing/],
  ['{"type":7}', 4000, /"type".*string/],
  ['{"type":"Ping"}', 4000, /unknown "type" "Ping".*broadcast/],
  ['{"type":"broadcast"}', 4000, /"channel".*missing/],
  ['{"type":"broadcast","channel":5}', 4000, /"channel".*string/],
  ['{"type":"broadcast","channel":"a","event":5}', 4000, /"event"/],
  ['{"type":"broadcast","channel":"a","self":"no"}', 4000, /"self"/],
  ['{"type":"broadcast","channel":"a","key":5}', 4000, /"key"/],
  ['{"type":"broadcast","channel":"a","key":""}', 4000, /"key" is empty/],
  ['{"type":"subscribe","channel":"a"}', 4000, /"listen".*missing/],
  ['{"type":"subscribe","channel":"a","listen":"broadcast"}', 4000, /"listen".*array/],
  ['{"type":"subscribe","channel":"a","listen":["broadcast","history"]}', 4000, /"history"/],
  ['{"type":"subscribe","channel":"a","listen":[1]}', 4000, /"listen"/],
  ['{"type":"presence_join","channel":"a","payload":"Alice"}', 4000, /"payload".*object/],
  ['{"type":"presence_update","channel":"a","payload":[]}', 4000, /"payload".*object/],
  ['{"type":"refresh"}', 4000, /"token"/],
  ['{"type":"broadcast","channel":""}', 4004, /empty/],
  [`{"type":"broadcast","channel":"${'x'.repeat(257)}"}`, 4004, /256/],
  ['{"type":"broadcast","channel":"a\\nb"}', 4004, /control/],
  ['{"type":"broadcast","channel":"a\\u0000"}', 4004, /control/],
  ['{"type":"broadcast","channel":"\\u007f"}', 4004, /control/],
  ['{"type":"broadcast","channel":"\\u0085"}', 4004, /control/],
  [`{"type":"broadcast","channel":"a","event":"${'x'.repeat(257)}"}`, 4005, /"event".*256/],
  [`{"type":"broadcast","channel":"a","key":"${'x'.repeat(65)}"}`, 4005, /"key".*64/],
  [`{"type":"presence_join","channel":"a","payload":{"a":"${'x'.repeat(8200)}"}}`, 4005, /8192/],
];

const reasons = { 4000: 'bad_message', 4003: 'forbidden', 4004: 'bad_channel', 4005: 'limit' };

describe('native errors', { timeout: 120_000 }, () => {
  const servers = [];
  const clients = [];
  let server;

  const start = async (env) => {
    const started = await startServer({ env });
    servers.push(started);
    return started;
  };
  const open = async (where, options = {}) => {
    const client = await connect(where, { user: 'alice', ...options });
    clients.push(client);
    return client;
  };

  before(async () => {
    server = await start({ MESSAGE_RATE: '0' });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.socket.terminate();
  });
  after(() => Promise.all(servers.map((one) => one.stop())));

  test('a message that cannot be taken is answered with what is wrong', async () => {
    const alice = await open(server);
    for (const [text, code, expected] of refused) {
      alice.send(text);
      const error = await alice.take(() => true);
      const shown = `${text.slice(0, 80)} -> ${JSON.stringify(error)}`;
      assert.deepEqual([error.type, error.code, error.reason], ['error', code, reasons[code]], shown);
      assert.match(error.message, expected, shown);
      assert.ok(error.message.length < 300, shown);
    }
    await alice.request({ type: 'ping' });
  });

  test('an error names the id and the channel as far as they can be read', async () => {
    const alice = await open(server);
    const error = await alice.request({ type: 'subscribe', channel: 'room1' });
    assert.deepEqual([error.type, error.channel], ['error', 'room1']);
    const unknown = await alice.request({ type: 'nonsense', channel: 'room1' });
    assert.deepEqual([unknown.code, unknown.channel], [4000, 'room1']);
  });

  test('more subscriptions or presence channels than allowed are refused with 4005', async () => {
    const small = await start({ MAX_SUBSCRIPTIONS: '3', MAX_PRESENCE_CHANNELS: '2' });
    const alice = await open(small);
    for (const room of ['a', 'b', 'c']) await alice.subscribe(room);
    const error = await alice.subscribe('d');
    assert.deepEqual([error.type, error.code, error.channel], ['error', 4005, 'd']);
    assert.match(error.message, /3 subscriptions/);
    assert.equal((await alice.subscribe('a', ['presence'])).type, 'subscribed', 'a known channel');
    await alice.request({ type: 'unsubscribe', channel: 'b' });
    assert.equal((await alice.subscribe('d')).type, 'subscribed', 'the freed place');

    for (const room of ['a', 'b']) await alice.request({ type: 'presence_join', channel: room });
    const full = await alice.request({ type: 'presence_join', channel: 'c' });
    assert.deepEqual([full.type, full.code], ['error', 4005]);
    assert.match(full.message, /2 channels/);
    await alice.request({ type: 'presence_leave', channel: 'a' });
    assert.equal((await alice.request({ type: 'presence_join', channel: 'c' })).type, 'ack');
  });

  test('a message over the size limit closes with 1009, one at the limit does not', async () => {
    const alice = await open(server);
    const message = (bytes) => {
      const head = '{"type":"ping","id":1,"x":"';
      return `${head}${'x'.repeat(bytes - head.length - 2)}"}`;
    };
    alice.send(message(65_536));
    await alice.take({ type: 'pong' });
    alice.send(message(65_537));
    assert.equal((await alice.closed).code, 1009);
  });

  test('invalid UTF-8 closes with 1007', async () => {
    const alice = await open(server);
    alice.socket.send(Buffer.from([0x22, 0xc3, 0x28, 0x22]), { binary: false });
    assert.equal((await alice.closed).code, 1007);
    const binary = await open(server);
    binary.socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: true });
    assert.equal((await binary.closed).code, 1007);
  });

  test('over the message rate: 4029 with retry_after_ms, and nothing is done', async () => {
    const slow = await start({ MESSAGE_RATE: '5', MESSAGE_BURST: '10' });
    const [alice, bob] = [await open(slow), await open(slow, { user: 'bob' })];
    await bob.subscribe('room1');
    const sent = 60;
    for (let i = 0; i < sent; ++i) {
      alice.send({ type: 'broadcast', channel: 'room1', payload: i, id: i });
    }
    const answers = [];
    for (let i = 0; i < sent; ++i) answers.push(await alice.take({ id: i }));
    const acknowledged = answers.filter((answer) => answer.type === 'ack');
    const errors = answers.filter((answer) => answer.type === 'error');
    assert.ok(acknowledged.length >= 10 && errors.length > 0, `${errors.length} refused`);
    for (const error of errors) {
      assert.deepEqual([error.code, error.reason], [4029, 'rate_limited']);
      assert.ok(error.retry_after_ms > 0 && error.retry_after_ms <= 1000, JSON.stringify(error));
    }
    const heard = await bob.takeMany(acknowledged.length, { type: 'broadcast' });
    assert.deepEqual(heard.map((message) => message.payload), acknowledged.map((ack) => ack.id));
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal((await alice.request({ type: 'ping' })).type, 'pong', 'it may go on when it waits');
    assert.deepEqual(bob.drain(), []);
  });

  test('a flood that goes on is closed with 4029, and hurts nobody', async () => {
    const strict = await start({
      MESSAGE_RATE: '5',
      MESSAGE_BURST: '10',
      RATE_PATIENCE_SECONDS: '1',
    });
    const [flood, bystander] = [await open(strict), await open(strict, { user: 'bob' })];
    const timer = setInterval(() => flood.socket.send('{"type":"ping"}'), 20);
    const { code, reason } = await flood.closed;
    clearInterval(timer);
    assert.equal(code, 4029);
    assert.match(reason, /rate/);
    assert.equal((await bystander.request({ type: 'ping' })).type, 'pong');
  });

  test('what the token does not allow is refused with 4003 and leaves no trace', async () => {
    const guarded = await start({ JWT_SECRET: secret });
    const channels = { 'room:*': ['subscribe'], 'room:1': ['publish'], board: ['presence'] };
    const alice = await open(guarded, {
      user: undefined,
      query: { token: hmacToken({ sub: 'alice', channels }) },
    });
    const allowed = [
      { type: 'subscribe', channel: 'room:2', listen: ['broadcast', 'presence'] },
      { type: 'presence_get', channel: 'room:2' },
      { type: 'broadcast', channel: 'room:1' },
      { type: 'presence_join', channel: 'board' },
      { type: 'presence_leave', channel: 'board' },
      { type: 'unsubscribe', channel: 'room:2' },
    ];
    for (const message of allowed) {
      assert.notEqual((await alice.request(message)).type, 'error', JSON.stringify(message));
    }
    const forbidden = [
      { type: 'subscribe', channel: 'other', listen: ['broadcast'] },
      { type: 'subscribe', channel: 'room', listen: ['presence'] },
      { type: 'presence_get', channel: 'board' },
      { type: 'broadcast', channel: 'room:2' },
      { type: 'broadcast', channel: 'board' },
      { type: 'presence_join', channel: 'room:1' },
      { type: 'presence_update', channel: 'room:1' },
    ];
    for (const message of forbidden) {
      const error = await alice.request(message);
      assert.deepEqual(
        [error.type, error.code, error.reason, error.channel],
        ['error', 4003, 'forbidden', message.channel],
      );
      assert.match(error.message, /token/);
    }
  });

  test('a versioned connection gets the same errors', async () => {
    const client = await connectVersioned(server, { user: 'alice' });
    clients.push(client);
    assert.equal((await client.request({ type: 'nonsense' })).code, 4000);
  });
});
