// SPDX-License-Identifier: Apache-2.0
// A payload's text passes through as it came (docs/protocol.md section 2.1), never unchecked, and
// each frame holds one document.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect } from './support/client.mjs';
import { post } from './support/http.mjs';
import { startServer } from './support/server.mjs';

const kept = [
  '12345678901234567890',
  '9007199254740993',
  '-0',
  '1.0',
  '1E+2',
  '0.10000000000000000000000001',
  '1e400',
  '{"b":1,"a":2}',
  '{"a":1,"a":2}',
  '"\\u00e9\\/\\ud83d\\ude00\\u0000"',
  '"é😀\u2028\u2029\u007f"',
  '[ 1 ,\t2 , { "x" : null } ]',
  '{}',
  '[]',
  'true',
  '"\\\\n"',
  `${'['.repeat(500)}${']'.repeat(500)}`,
];

const broken = [
  '{"a":1,}', '[1,]', '{a:1}', "{'a':1}", '01', '+1', '.5', '1.', '0x10', 'NaN', 'Infinity',
  '"\t"', '"\\x41"', '"\\ud800', 'tru', 'nul', '[1 2]', '{"a" 1}', '', ',', '1 2', '"a" "b"',
  '[1}', '/* c */ 1', `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
];

describe('payloads', { timeout: 120_000 }, () => {
  let server;
  let alice;

  before(async () => {
    server = await startServer({ env: { MESSAGE_RATE: '0' } });
    alice = await connect(server, { user: 'alice' });
    await alice.subscribe('room1', ['broadcast', 'presence']);
    await alice.take({ type: 'presence_sync' });
  });
  after(async () => {
    alice?.socket.terminate();
    await server?.stop();
  });

  /// The frame that holds what was sent last, whole.
  async function echoFrame() {
    await alice.take({ type: 'broadcast' });
    return alice.frames.at(-1);
  }

  test('text over WebSocket is kept to the byte', async () => {
    for (const payload of kept) {
      alice.send(`{"type":"broadcast","channel":"room1","event":"e","payload":${payload}}`);
      const frame = await echoFrame();
      assert.ok(frame.includes(`"payload":${payload},`), `${payload} became ${frame}`);
    }
  });

  test('text over HTTP is kept to the byte', async () => {
    for (const payload of kept) {
      const answer = await post(
        server.url,
        '/api/event',
        `{"channel":"room1","event":"e","payload":${payload}}`,
      );
      assert.equal(answer.status, 200, `${payload}: ${answer.body}`);
      const frame = await echoFrame();
      assert.ok(frame.includes(`"payload":${payload},`), `${payload} became ${frame}`);
    }
  });

  test('line breaks between tokens become spaces, those in strings stay escaped', async () => {
    const payload = '{\r\n  "a" :\n[1,\r2] , "b\\n":"c\\r\\n"\n}';
    const expected = '{    "a" : [1, 2] , "b\\n":"c\\r\\n" }';
    alice.send(`{"type":"broadcast","channel":"room1","payload":${payload}}`);
    let frame = await echoFrame();
    assert.ok(frame.includes(`"payload":${expected}`), frame);
    assert.doesNotMatch(frame, /[\r\n]/);
    await post(server.url, '/api/event', `{"channel":"room1","payload":${payload}}`);
    frame = await echoFrame();
    assert.ok(frame.includes(`"payload":${expected}`), frame);
  });

  test('meta is kept to the byte in events, syncs and lists', async () => {
    const meta = '{"n":9007199254740993,"b":1,"a":2,"a":3,"s":"\\u00e9"}';
    alice.send(`{"type":"presence_join","channel":"room1","payload":${meta}}`);
    await alice.take({ type: 'presence_join' });
    assert.ok(alice.frames.at(-1).includes(`"meta":${meta}`), alice.frames.at(-1));
    alice.send({ type: 'presence_get', channel: 'room1', id: 1 });
    await alice.take({ type: 'presence' });
    assert.ok(alice.frames.at(-1).includes(`"meta":${meta}`), alice.frames.at(-1));
  });

  test('broken JSON is refused wherever it stands, and reaches nobody', async () => {
    for (const payload of broken) {
      alice.send(`{"type":"broadcast","channel":"room1","payload":${payload}}`);
      const error = await alice.take((message) => message.type !== 'broadcast');
      assert.deepEqual([error.type, error.code], ['error', 4000], payload.slice(0, 40));
      const answer = await post(
        server.url,
        '/api/event',
        `{"channel":"room1","payload":${payload}}`,
      );
      assert.equal(answer.status, 400, payload.slice(0, 40));
    }
    await alice.broadcast('room1', 'end');
    assert.equal((await alice.take({ type: 'broadcast' })).payload, 'end');
  });

  test('names survive as they are: escapes, other alphabets, broker wildcards', async () => {
    const names = ['é', '聊天室', '😀', 'a b', 'a*', '*', '>', 'a.>', '#', 'a/b%2Fc', '"\\', '__proto__',
      'x'.repeat(256), 'é'.repeat(128)];
    for (const name of names) await alice.subscribe(name);
    for (const name of names) {
      await alice.broadcast(name, name, { event: name });
      const message = await alice.take({ type: 'broadcast' });
      assert.deepEqual([message.channel, message.event, message.payload], [name, name, name]);
    }
    assert.deepEqual(alice.drain(), [], 'a wildcard hears nothing but its own name');
  });

  test('of a repeated field the last one counts, and unknown fields are ignored', async () => {
    alice.send(
      '{"type":"ping","channel":"","type":"broadcast","x":{"type":"ping"},"channel":"room1",' +
        '"payload":1,"payload":2,"id":1,"id":2}',
    );
    await alice.take({ type: 'ack', id: 2 });
    assert.equal((await alice.take({ type: 'broadcast' })).payload, 2);
  });

  test('a burst to a stalled reader stays one document a frame, in order and complete', async () => {
    const reader = await connect(server, { user: 'reader' });
    await reader.subscribe('burst');
    reader.socket.pause();
    const count = 2000;
    for (let i = 0; i < count; ++i) {
      alice.send({ type: 'broadcast', channel: 'burst', payload: i });
    }
    await alice.broadcast('burst', 'end');
    reader.socket.resume();
    await reader.take({ payload: 'end' });
    const payloads = reader.frames.map((frame) => JSON.parse(frame).payload).filter(Number.isInteger);
    assert.deepEqual(payloads, Array.from({ length: count }, (_, i) => i));
    reader.socket.terminate();
  });
});
