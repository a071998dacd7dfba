// SPDX-License-Identifier: Apache-2.0
// The running binary against its own description: every answer is one that /openapi.json names for
// that route, and every route and status named there is seen.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer } from './support/server.mjs';

const jwtSecret = 'a secret for tests, long enough for HS256';
const goodOrigin = 'https://app.example.com';
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

// What the embedded broker and store give no way to provoke from outside. Unit tests see these.
const beyondReach = new Set([
  'POST /api/event 503',
  'GET /api/channels/{channel}/presence 503',
]);

/// A token of HS256 for `claims`.
function mint(claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', jwtSecret).update(signed).digest('base64url')}`;
}

/// One request on a connection of its own; answers `{status, headers, body}`. `announced` sends a
/// Content-Length without the body that it promises. An upgraded connection is ended at once.
function send(url, method, path, { headers = {}, body, announced } = {}) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const length = announced === undefined ? {} : { 'Content-Length': announced };
    const request = http.request({
      hostname,
      port,
      method,
      path,
      agent: false,
      headers: { ...headers, ...length },
    });
    request.setTimeout(10_000, () => request.destroy(new Error(`${method} ${path}: no answer`)));
    request.on('error', reject);
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, headers: response.headers, body: '' });
    });
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => (text += piece));
      response.on('error', reject);
      response.on('end', () => {
        if (announced !== undefined) request.destroy();
        resolve({ status: response.statusCode, headers: response.headers, body: text });
      });
    });
    if (announced === undefined) request.end(body);
    else request.flushHeaders();
  });
}

describe('the HTTP API and its description', { timeout: 120_000 }, () => {
  let server;
  let document;
  const seen = new Set();

  const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
  const admin = bearer('two');
  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };

  before(async () => {
    server = await startServer({
      env: {
        API_KEYS: 'one:one,two:two:admin',
        JWT_SECRET: jwtSecret,
        ALLOWED_ORIGINS: goodOrigin,
        DRAIN_DELAY_SECONDS: '3',
      },
    });
    document = JSON.parse((await send(server.url, 'GET', '/openapi.json')).body);
  });
  after(() => server?.stop());

  /// Asks for `path`, which stands for the document's `route`, and holds the answer against it.
  async function call(method, route, expected, { path = route, url = server.url, ...options } = {}) {
    const response = await send(url, method, path, options);
    const mark = `${method} ${route} ${response.status}`;
    seen.add(mark);
    const described = document.paths[route]?.[method.toLowerCase()];
    const isUnknownMethod = !described && response.status === 405;
    assert.ok(
      isUnknownMethod || described?.responses[response.status],
      `not in openapi.json: ${mark} ${response.body}`,
    );
    assert.equal(response.status, expected, `${method} ${path}: ${response.body}`);
    assert.ok(response.headers['access-control-allow-methods'] || expected === 413, mark);
    if (response.status >= 400) {
      const error = JSON.parse(response.body);
      assert.equal(typeof error.error, 'string', mark);
      assert.match(error.reason, /^[a-z0-9_]+$/, mark);
    }
    return response;
  }

  test('knows no methods but those described, and OPTIONS on every route', async () => {
    for (const [route, item] of Object.entries(document.paths)) {
      const path = route
        .replace('{file}', 'playground.css')
        .replace('{channel}', 'room1')
        .replace(/\{\w+\}/, 'x');
      for (const method of methods.filter((name) => !item[name.toLowerCase()])) {
        const response = await call(method, route, 405, { path, ...admin });
        const allowed = response.headers.allow.toLowerCase().split(', ');
        const described = Object.keys(item).filter((name) => name !== 'parameters');
        if (item.get && route !== '/ws') described.push('head');
        assert.deepEqual(allowed.sort(), described.sort(), route);
        // 405 belongs to the path: each of its operations describes it.
        for (const name of described.filter((one) => one !== 'options' && one !== 'head')) {
          assert.ok(item[name].responses['405'], `${name} ${route}: 405 is not described`);
          seen.add(`${name.toUpperCase()} ${route} 405`);
        }
      }
      await call('OPTIONS', route, 204, { path });
    }
  });

  test('answers HEAD like GET, without the body', async () => {
    for (const path of ['/', '/healthz', '/openapi.json']) {
      const head = await send(server.url, 'HEAD', path);
      const get = await send(server.url, 'GET', path);
      assert.equal(head.status, 200);
      assert.equal(head.headers['content-length'], get.headers['content-length']);
      assert.equal(head.body, '');
    }
  });

  test('answers 429 to a client over its rate, and to that one alone', async () => {
    const limited = await startServer({
      env: { API_KEYS: 'one:one,two:two', API_RATE: '1', API_BURST: '1' },
    });
    try {
      const body = '{"channel":"room1"}';
      const publish = (key) => send(limited.url, 'POST', '/api/event', { ...bearer(key), body });
      assert.equal((await publish('one')).status, 200);
      for (const [route, item] of Object.entries(document.paths)) {
        const described = Object.entries(item).filter(([, one]) => one.responses?.['429']);
        for (const [method] of described) {
          const path = route.replace(/\{\w+\}/, 'x');
          const options = { path, url: limited.url, ...bearer('one') };
          const response = await call(method.toUpperCase(), route, 429, options);
          assert.equal(response.headers['retry-after'], '1');
          assert.equal(JSON.parse(response.body).reason, 'rate_limited');
        }
      }
      assert.equal((await publish('two')).status, 200);
      assert.equal((await send(limited.url, 'GET', '/healthz')).status, 200);
    } finally {
      await limited.stop();
    }
  });

  test('asks for a key or token where the description says so', async () => {
    const user = bearer(mint({ sub: 'alice' }));
    for (const [route, item] of Object.entries(document.paths)) {
      if (!route.startsWith('/api/')) continue;
      const path = route.replace(/\{\w+\}/, 'x');
      for (const method of ['get', 'post', 'delete'].filter((name) => item[name])) {
        const options = { path, headers: { Origin: 'https://page.example.com' } };
        await call(method.toUpperCase(), route, 401, options);
        await call(method.toUpperCase(), route, 401, { path, ...bearer('wrong') });
        await call(method.toUpperCase(), route, 403, { path, ...user });
      }
    }
  });

  test('publishes', async () => {
    const service = bearer(mint({ sub: 'backend', role: 'service' }));
    const event = (body, options) => ['/api/event', { body: JSON.stringify(body), ...options }];
    const post = (status, [route, options]) => call('POST', route, status, options);
    const published = await post(200, event({ channel: 'room1', payload: { a: 1 } }, admin));
    const { status, message_id: id } = JSON.parse(published.body);
    assert.equal(status, 'ok');
    assert.ok(Number.isSafeInteger(id));
    await post(200, event({ channel: 'room1' }, service));
    await post(200, event({ channel: 'room1' }, { headers: { 'X-API-Key': 'one' } }));
    await post(400, event({ event: 'e' }, admin));
    await post(400, ['/api/event', { body: 'nonsense', ...admin }]);
    await post(413, event({ channel: 'room1', payload: 'p'.repeat(70_000) }, admin));

    const key = { headers: { ...admin.headers, 'Idempotency-Key': 'once' } };
    const first = await post(200, event({ channel: 'room1' }, key));
    const repeat = await post(200, event({ channel: 'room1' }, key));
    assert.equal(repeat.body, first.body);

    const batch = [{ channel: 'a' }, { channel: '' }, { channel: 'b' }];
    const answer = await call('POST', '/api/events', 200, {
      body: JSON.stringify({ events: batch }),
      ...admin,
    });
    const { results } = JSON.parse(answer.body);
    assert.equal(results.length, 3);
    assert.ok(results[0].message_id && results[2].message_id);
    assert.equal(results[1].reason, 'bad_channel');
    await call('POST', '/api/events', 400, { body: '{}', ...admin });
    await call('POST', '/api/events', 413, { announced: 2_000_000, ...admin });
  });

  test('tells about channels, users and connections', async () => {
    await call('GET', '/api/channels', 200, admin);
    await call('GET', '/api/channels', 400, { path: '/api/channels?limit=0', ...admin });
    const presence = '/api/channels/{channel}/presence';
    await call('GET', presence, 200, { path: '/api/channels/a%2Fb/presence', ...admin });
    await call('GET', presence, 400, { path: '/api/channels/a%00b/presence', ...admin });
    const disconnect = '/api/users/{user}/disconnect';
    await call('POST', disconnect, 200, { path: '/api/users/nobody/disconnect', ...admin });
    await call('POST', disconnect, 400, { path: '/api/users/%ff/disconnect', ...admin });
  });

  test('tells operators about the node', async (t) => {
    for (const route of ['/api/stats', '/api/config', '/api/nodes', '/api/connections']) {
      const response = await call('GET', route, 200, admin);
      assert.equal(response.headers['cache-control'], 'no-store');
      assert.ok(!response.body.includes(jwtSecret), `${route} shows a secret`);
      await call('GET', route, 200); // from this machine no key is needed
      await call('GET', route, 400, { path: `${route}?a=%`, ...admin });
    }
    const { default: WebSocket } = await import('ws');
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, {
      headers: bearer(mint({ sub: 'alice' })).headers,
    });
    t.after(() => socket.terminate());
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const list = await call('GET', '/api/connections', 200, {
      path: '/api/connections?user_id=alice',
      ...admin,
    });
    const [connection] = JSON.parse(list.body).connections;
    assert.equal(connection.user_id, 'alice');

    const route = '/api/connections/{id}';
    const path = `/api/connections/${encodeURIComponent(connection.connection_id)}`;
    await call('GET', route, 200, { path, ...admin });
    await call('DELETE', route, 200, { path, ...admin });
    assert.equal(await closed, 4403);
    for (const method of ['GET', 'DELETE']) {
      await call(method, route, 404, { path: '/api/connections/nothing', ...admin });
      await call(method, route, 400, { path: '/api/connections/%zz', ...admin });
    }
  });

  test('serves health, metrics, pages and itself', async () => {
    for (const route of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/']) {
      await call('GET', route, 200);
      await call('GET', route, 400, { path: `${route}?a=%` });
    }
    const file = { path: '/playground.css' };
    await call('GET', '/{file}', 200, file);
    await call('GET', '/{file}', 400, { path: '/playground.css?%' });
    await call('GET', '/{file}', 404, { path: '/nothing.css' });
    for (const route of ['/', '/openapi.json', '/{file}']) {
      const path = route === '/{file}' ? file.path : route;
      const { headers } = await send(server.url, 'GET', path);
      await call('GET', route, 304, { path, headers: { 'If-None-Match': headers.etag } });
    }
  });

  test('judges who may open a WebSocket', async () => {
    const path = `/ws?token=${mint({ sub: 'alice' })}`;
    const accepted = await send(server.url, 'GET', path, { headers: upgrade });
    assert.equal(accepted.status, 101);
    seen.add('GET /ws 101');
    assert.ok(document.paths['/ws'].get.responses['101']);
    await call('GET', '/ws', 426, { path });
    await call('GET', '/ws', 401, { headers: upgrade });
    await call('GET', '/ws', 401, { path: '/ws?token=a.b.c' });
    await call('GET', '/ws', 400, { path, headers: { ...upgrade, 'Sec-WebSocket-Key': 'short' } });
    await call('GET', '/ws', 403, { path, headers: { Origin: 'https://evil.example' } });
    await call('GET', '/ws', 426, { path, headers: { Origin: goodOrigin } });
  });

  // The last one: it ends the server.
  test('is unready while it drains', async () => {
    const stopped = server.stop();
    let status = 200;
    for (let attempt = 0; attempt < 20 && status === 200; ++attempt) {
      await sleep(100);
      ({ status } = await send(server.url, 'GET', '/readyz'));
    }
    await call('GET', '/readyz', 503);
    await call('GET', '/healthz', 200);
    await stopped;
  });

  test('has shown every status that the description names', () => {
    const missing = [];
    for (const [route, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        for (const status of Object.keys(operation.responses ?? {})) {
          const mark = `${method.toUpperCase()} ${route} ${status}`;
          if (!seen.has(mark) && !beyondReach.has(mark)) missing.push(mark);
        }
      }
    }
    assert.deepEqual(missing, []);
  });
});
