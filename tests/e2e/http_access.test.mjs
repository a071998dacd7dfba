// SPDX-License-Identifier: Apache-2.0
// Who may call the HTTP API: API_KEYS, tokens with a role, API_AUTH, and the operators' routes.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect } from './support/client.mjs';
import { bearer, get, post, request } from './support/http.mjs';
import { startServer } from './support/server.mjs';
import { hmacToken, now, secret } from './support/tokens.mjs';

const operatorRoutes = ['/api/stats', '/api/config', '/api/connections'];

describe('access to the HTTP API', { timeout: 120_000 }, () => {
  const servers = [];
  const start = async (env) => {
    const server = await startServer({ env });
    servers.push(server);
    return server;
  };
  after(() => Promise.all(servers.map((server) => server.stop())));

  const publish = async (server, options) =>
    (await post(server.url, '/api/event', { channel: 'room1' }, options)).status;

  test('without keys and without JWT it is open', async () => {
    const server = await start({});
    assert.equal(await publish(server), 200);
    assert.equal((await get(server.url, '/api/channels')).status, 200);
  });

  test('as soon as there are keys, one is needed', async () => {
    const server = await start({ API_KEYS: 'ci:first-key,ops:second-key:admin' });
    assert.equal(await publish(server), 401);
    assert.equal(await publish(server, bearer('first-key')), 200);
    assert.equal(await publish(server, bearer('second-key')), 200);
    assert.equal(await publish(server, { headers: { 'X-API-Key': 'first-key' } }), 200);
    assert.equal(await publish(server, { headers: { Authorization: 'bearer first-key' } }), 200);
    for (const wrong of ['first-ke', 'first-key2', 'ci', 'ci:first-key', 'FIRST-KEY']) {
      assert.equal(await publish(server, bearer(wrong)), 401, wrong);
    }
    const refused = await post(server.url, '/api/event', { channel: 'room1' });
    assert.equal(refused.json().reason, 'unauthorized');
    assert.match(refused.headers['www-authenticate'], /Bearer/);
    assert.equal((await get(server.url, '/healthz')).status, 200, 'health stays open');
    const client = await connect(server, { user: 'alice' });
    await client.close();
  });

  test('with JWT on a token of the role service or admin is needed', async () => {
    const server = await start({ JWT_SECRET: secret });
    const token = (claims) => bearer(hmacToken({ sub: 'backend', ...claims }));
    assert.equal(await publish(server), 401);
    assert.equal(await publish(server, token({ role: 'service' })), 200);
    assert.equal(await publish(server, token({ role: 'admin' })), 200);
    for (const role of [undefined, 'user', 'Service', ['service'], 1]) {
      assert.equal(await publish(server, token({ role })), 403, String(role));
    }
    assert.equal(await publish(server, token({ role: 'service', exp: now() - 60 })), 401);
    assert.equal(await publish(server, bearer(hmacToken({ role: 'service', sub: 'x' }, { key: 'no' }))), 401);
    const narrow = token({ role: 'service', channels: { other: ['publish'] } });
    assert.equal(await publish(server, narrow), 403, 'channel rights hold over HTTP too');
  });

  test('API_AUTH=none opens it, API_AUTH=required closes it', async () => {
    const opened = await start({ JWT_SECRET: secret, API_AUTH: 'none' });
    assert.equal(await publish(opened), 200);
    const closed = await start({ API_AUTH: 'required' });
    assert.equal(await publish(closed), 401);
  });

  test('operator routes need the role admin', async () => {
    const server = await start({ API_KEYS: 'ci:first-key,ops:second-key:admin', JWT_SECRET: secret });
    for (const route of operatorRoutes) {
      assert.equal((await get(server.url, route, bearer('second-key'))).status, 200, route);
      assert.equal((await get(server.url, route, bearer('first-key'))).status, 403, route);
      assert.equal((await get(server.url, route, bearer('wrong'))).status, 401, route);
      const admin = bearer(hmacToken({ sub: 'root', role: 'admin' }));
      assert.equal((await get(server.url, route, admin)).status, 200, route);
      const service = bearer(hmacToken({ sub: 'backend', role: 'service' }));
      assert.equal((await get(server.url, route, service)).status, 403, route);
    }
  });

  test('without a key only this machine itself may call them, API_AUTH=none or not', async () => {
    for (const env of [{}, { API_AUTH: 'none' }, { API_KEYS: 'ci:first-key' }]) {
      const server = await start(env);
      for (const route of operatorRoutes) {
        assert.equal((await get(server.url, route)).status, 200, 'the operator\'s own curl');
        for (const [name, value] of [
          ['Origin', 'http://localhost'],
          ['Origin', 'null'],
          ['X-Forwarded-For', '203.0.113.9'],
          ['X-Forwarded-For', '127.0.0.1'],
          ['Forwarded', 'for=203.0.113.9'],
          ['X-Real-IP', '203.0.113.9'],
          ['Via', '1.1 proxy'],
          ['Host', 'rebound.example.com'],
        ]) {
          const answer = await get(server.url, route, { headers: { [name]: value } });
          assert.equal(answer.status, 401, `${route} with ${name}: ${value}`);
        }
      }
    }
  });

  test('operators see connections and end them', async () => {
    const server = await start({ MESSAGE_RATE: '0' });
    const [alice, bob] = [await connect(server, { user: 'alice' }), await connect(server, { user: 'bob' })];
    await alice.subscribe('room1');
    const { connections } = (await get(server.url, '/api/connections')).json();
    assert.deepEqual(connections.map((one) => one.user_id).sort(), ['alice', 'bob']);
    const [found] = (await get(server.url, '/api/connections?channel=room1')).json().connections;
    assert.equal(found.user_id, 'alice');
    assert.equal(found.subscriptions, 1);
    assert.match(found.peer, /^127\.0\.0\.1/);
    const path = `/api/connections/${encodeURIComponent(found.connection_id)}`;
    assert.deepEqual((await get(server.url, path)).json(), found);
    assert.equal((await request(server.url, 'DELETE', path)).status, 200);
    assert.equal((await alice.closed).code, 4403);
    assert.equal((await request(server.url, 'DELETE', path)).status, 404);
    assert.equal((await bob.request({ type: 'ping' })).type, 'pong');
    const stats = (await get(server.url, '/api/stats')).json();
    assert.equal(stats.sessions, 1);
    bob.socket.terminate();
  });

  test('the settings shown to operators hide every secret', async () => {
    const server = await start({ API_KEYS: 'ci:first-key', JWT_SECRET: secret });
    const { body } = await get(server.url, '/api/config');
    assert.match(body, /JWT_SECRET|jwt_secret/);
    for (const hidden of ['first-key', secret]) assert.equal(body.includes(hidden), false);
  });

  test('METRICS_ADDR takes operator routes away from the clients\' listener', async () => {
    const server = await start({ METRICS_ADDR: '127.0.0.1:0' });
    for (const route of [...operatorRoutes, '/metrics']) {
      assert.equal((await get(server.url, route)).status, 404, route);
      assert.equal((await get(server.operatorsUrl, route)).status, 200, route);
    }
    for (const route of ['/healthz', '/readyz']) {
      assert.equal((await get(server.url, route)).status, 200, route);
      assert.equal((await get(server.operatorsUrl, route)).status, 200, route);
    }
    for (const route of ['/ws', '/api/channels', '/']) {
      assert.equal((await get(server.operatorsUrl, route)).status, 404, route);
    }
  });
});
