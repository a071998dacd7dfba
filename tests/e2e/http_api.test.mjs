// SPDX-License-Identifier: Apache-2.0
// The HTTP API as backends use it (docs/protocol.md section 4): publishing, batches, reading,
// disconnecting, and HTTP's own manners.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, connectVersioned, eventually } from './support/client.mjs';
import { curl, get, post, request, sendRaw } from './support/http.mjs';
import { startServer } from './support/server.mjs';

describe('HTTP API', { timeout: 120_000 }, () => {
  let server;
  let rooms = 0;
  const clients = [];

  const open = async (options = {}) => {
    const client = await connect(server, { user: 'alice', ...options });
    clients.push(client);
    return client;
  };
  const listener = async () => {
    const room = `room-${++rooms}`;
    const client = await open();
    await client.subscribe(room);
    return { room, client };
  };

  before(async () => {
    server = await startServer({ env: { PRESENCE_LEAVE_GRACE_MS: '0' } });
  });
  after(async () => {
    for (const client of clients) client.socket.terminate();
    await server?.stop();
  });

  test('one line of curl publishes an event', async () => {
    const { room, client } = await listener();
    const body = `{"channel":"${room}","event":"user-message","payload":{"text":"hello"}}`;
    for (const flags of [
      ['-d', body],
      ['-H', 'Content-Type: application/json', '-d', body],
      ['-H', 'Content-Type: text/plain', '--data-binary', body],
      ['-H', 'Transfer-Encoding: chunked', '-d', body],
      ['-H', 'Expect: 100-continue', '-d', body],
      ['--http1.0', '-d', body],
    ]) {
      const { code, stdout, stderr } = await curl(...flags, `${server.url}/api/event`);
      assert.equal(code, 0, stderr);
      const answer = JSON.parse(stdout);
      assert.equal(answer.status, 'ok');
      assert.ok(Number.isSafeInteger(answer.message_id) && answer.message_id > 0, stdout);
      const message = await client.take({ type: 'broadcast' });
      assert.deepEqual([message.event, message.payload], ['user-message', { text: 'hello' }]);
    }
  });

  test('message ids are unique', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => post(server.url, '/api/event', { channel: 'ids' })),
    );
    assert.equal(new Set(answers.map((answer) => answer.json().message_id)).size, 200);
  });

  test('what cannot be published is refused with the reason', async () => {
    const cases = [
      ['', 400, 'bad_message', /JSON/],
      ['hello', 400, 'bad_message', /JSON/],
      ['[]', 400, 'bad_message', /object/],
      ['{"channel":"a"} x', 400, 'bad_message', /JSON/],
      ['{}', 400, 'bad_message', /channel is missing/],
      ['{"channel":7}', 400, 'bad_message', /channel/],
      ['{"channel":""}', 400, 'bad_channel', /channel/],
      ['{"channel":"a\\nb"}', 400, 'bad_channel', /control/],
      [`{"channel":"${'x'.repeat(257)}"}`, 400, 'bad_channel', /256/],
      ['{"channel":"a","event":7}', 400, 'bad_message', /event/],
      [Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1'), 400, 'bad_message', /JSON/],
      [`{"channel":"a","payload":"${'x'.repeat(65_536)}"}`, 413, 'too_large', /payload/],
    ];
    for (const [body, status, reason, expected] of cases) {
      const answer = await post(server.url, '/api/event', body);
      const shown = `${body.slice(0, 60)} -> ${answer.status} ${answer.body}`;
      assert.equal(answer.status, status, shown);
      assert.equal(answer.json().reason, reason, shown);
      assert.match(answer.json().error, expected, shown);
    }
    const huge = await sendRaw(
      server,
      'POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n{',
    );
    assert.match(huge, /^HTTP\/1\.1 413 /, 'refused by its announced length');
  });

  test('a batch is published in order, each event with a result of its own', async () => {
    const { room, client } = await listener();
    const events = Array.from({ length: 1000 }, (_, i) => ({ channel: room, payload: i }));
    const answer = await post(server.url, '/api/events', { events });
    assert.equal(answer.status, 200, answer.body);
    const { results } = answer.json();
    assert.equal(new Set(results.map((result) => result.message_id)).size, 1000);
    const heard = await client.takeMany(1000, { type: 'broadcast' });
    assert.deepEqual(heard.map((message) => message.payload), events.map((event) => event.payload));

    const mixed = await post(server.url, '/api/events', {
      events: [{ channel: room, payload: 'good' }, {}, 7, { channel: '' }, { channel: room }],
    });
    assert.equal(mixed.status, 200);
    const outcome = mixed.json().results.map((result) => result.reason ?? typeof result.message_id);
    assert.deepEqual(outcome, ['number', 'bad_message', 'bad_message', 'bad_channel', 'number']);
    assert.deepEqual((await client.takeMany(2, { type: 'broadcast' })).map((m) => m.payload), [
      'good',
      null,
    ]);

    assert.deepEqual((await post(server.url, '/api/events', { events: [] })).json(), { results: [] });
    const over = { events: Array.from({ length: 1001 }, () => ({ channel: room })) };
    for (const body of [over, {}, { events: 'a' }, '[', '[]']) {
      assert.equal((await post(server.url, '/api/events', body)).status, 400);
    }
    assert.deepEqual(client.drain(), []);
  });

  test('a repeated Idempotency-Key gets the first answer and publishes once', async () => {
    const { room, client } = await listener();
    const key = (value) => ({ headers: { 'Idempotency-Key': value } });
    const body = { channel: room, payload: 'once' };
    const first = await post(server.url, '/api/event', body, key('k1'));
    const repeat = await post(server.url, '/api/event', { ...body, payload: 'twice' }, key('k1'));
    const other = await post(server.url, '/api/event', { ...body, payload: 'other' }, key('k2'));
    assert.equal(first.body, repeat.body);
    assert.notEqual(first.json().message_id, other.json().message_id);

    const batch = { events: [{ channel: room, payload: 'a' }, { channel: room, payload: 'b' }] };
    const [one, two] = [
      await post(server.url, '/api/events', batch, key('k3')),
      await post(server.url, '/api/events', batch, key('k3')),
    ];
    assert.equal(one.body, two.body);
    await post(server.url, '/api/event', { channel: room, payload: 'end' });
    const payloads = (await client.takeMany(5, { type: 'broadcast' })).map((m) => m.payload);
    assert.deepEqual(payloads, ['once', 'other', 'a', 'b', 'end']);
    const long = await post(server.url, '/api/event', body, key('x'.repeat(65)));
    assert.equal(long.status, 400);
  });

  test('channels are listed in pages with their counts', async () => {
    const client = await open();
    const names = ['list/a', 'list/b c', 'list/é'];
    for (const name of names) await client.subscribe(name);
    await client.request({ type: 'presence_join', channel: 'list/a' });
    const seen = [];
    let cursor;
    do {
      const page = (
        await get(server.url, `/api/channels?prefix=list%2F&limit=1${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
      ).json();
      assert.equal(page.scope, 'node');
      assert.ok(page.channels.length <= 1);
      seen.push(...page.channels);
      cursor = page.next_cursor;
    } while (cursor);
    assert.deepEqual(seen.map(({ name, subscribers, users }) => [name, subscribers, users]).sort(), [
      ['list/a', 1, 1],
      ['list/b c', 1, 0],
      ['list/é', 1, 0],
    ]);
    for (const limit of ['0', '-1', 'x', '1001']) {
      assert.equal((await get(server.url, `/api/channels?limit=${limit}`)).status, 400, limit);
    }
    await client.close();
    await eventually(
      async () => (await get(server.url, '/api/channels?prefix=list')).json().channels.length === 0,
      'empty channels are forgotten',
    );
  });

  test('path parts are decoded once, %2F included', async () => {
    const client = await open();
    await client.request({ type: 'presence_join', channel: 'a/b%2Fc' });
    const answer = await get(server.url, '/api/channels/a%2Fb%252Fc/presence');
    assert.deepEqual(answer.json().users.map((user) => user.user_id), ['alice']);
    assert.equal((await get(server.url, '/api/channels/a%2/presence')).status, 400);
    assert.equal((await get(server.url, '/api/channels/a%0Ab/presence')).status, 400);
  });

  test('disconnecting a user ends all of the user\'s connections and no other', async () => {
    const [phone, laptop] = [
      await open({ user: 'böb/1' }),
      await connectVersioned(server, { user: 'böb/1' }),
    ];
    const bystander = await open({ user: 'carol' });
    const answer = await post(server.url, `/api/users/${encodeURIComponent('böb/1')}/disconnect`);
    assert.equal(answer.json().disconnected, 2);
    for (const client of [phone, laptop]) assert.equal((await client.closed).code, 4403);
    assert.equal((await bystander.request({ type: 'ping' })).type, 'pong');
    const nobody = await post(server.url, '/api/users/nobody/disconnect');
    assert.deepEqual([nobody.status, nobody.json().disconnected], [200, 0]);
  });

  test('pipelined requests are answered in their order', async () => {
    const paths = ['/healthz', '/api/channels', '/readyz', '/nowhere', '/healthz'];
    const event = '{"channel":"pipeline"}';
    const bytes =
      `POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Length: ${event.length}\r\n\r\n${event}` +
      paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('') +
      'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const text = await sendRaw(server, bytes);
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
    assert.deepEqual(statuses, ['200', '200', '200', '200', '404', '200', '200']);
    assert.ok(text.indexOf('message_id') < text.indexOf('"channels"'));
    assert.ok(text.indexOf('"channels"') < text.indexOf('"ready"'));
  });

  test('connections are kept alive, or closed when the client says so', async () => {
    const { code, stdout } = await curl(
      '-o', '/dev/null', '-o', '/dev/null', '-w', '%{num_connects} %{http_code}\n',
      `${server.url}/healthz`, `${server.url}/readyz`,
    );
    assert.equal(code, 0);
    assert.equal(stdout, '1 200\n0 200\n');
    const closed = await sendRaw(server, 'GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n');
    assert.match(closed, /^HTTP\/1\.[01] 200/);
  });

  test('HEAD answers the head alone, OPTIONS 204, other methods 405 with Allow', async () => {
    const head = await request(server.url, 'HEAD', '/healthz');
    assert.deepEqual([head.status, head.body], [200, '']);
    const options = await request(server.url, 'OPTIONS', '/api/event');
    assert.deepEqual([options.status, options.body], [204, '']);
    const wrong = await get(server.url, '/api/event');
    assert.equal(wrong.status, 405);
    assert.match(wrong.headers.allow, /POST/);
    assert.equal((await get(server.url, '/nowhere')).json().reason, 'not_found');
  });

  test('health and readiness say what they mean', async () => {
    assert.equal((await get(server.url, '/healthz')).status, 200);
    assert.equal((await get(server.url, '/readyz')).status, 200);
  });
});

describe('cross-origin requests', { timeout: 60_000 }, () => {
  const allowed = 'https://app.example.com';
  const other = 'https://app.example.com.evil.example';

  test('by default every page may read answers', async () => {
    const server = await startServer();
    try {
      for (const [method, path] of [['OPTIONS', '/api/event'], ['GET', '/healthz'], ['GET', '/ws'],
        ['GET', '/nowhere']]) {
        const { headers } = await request(server.url, method, path, { headers: { Origin: other } });
        assert.equal(headers['access-control-allow-origin'], '*', path);
        assert.equal(headers['access-control-allow-methods'], 'GET, POST, OPTIONS', path);
        assert.equal(headers['access-control-allow-headers'], 'Content-Type, Authorization', path);
      }
    } finally {
      await server.stop();
    }
  });

  test('with a list only its pages may, and caches are told', async () => {
    const server = await startServer({ env: { CORS_ALLOWED_ORIGINS: `http://localhost:3000,${allowed}` } });
    try {
      for (const [origin, expected] of [[allowed, allowed], [other, undefined], ['null', undefined],
        ['http://localhost:3001', undefined], ['http://localhost:3000', 'http://localhost:3000']]) {
        const { headers } = await get(server.url, '/healthz', { headers: { Origin: origin } });
        assert.equal(headers['access-control-allow-origin'], expected, origin);
        assert.match(headers.vary, /Origin/, origin);
      }
    } finally {
      await server.stop();
    }
  });
});
