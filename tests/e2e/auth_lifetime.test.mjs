// SPDX-License-Identifier: Apache-2.0
// A token's life on a connection: expiry announced and carried out, refresh, rights withdrawn; and
// keys that are fetched and rotate (JWKS).
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { connect, connectVersioned, eventually } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { findLeaks, hmacToken, keyToken, makeKey, now, secret } from './support/tokens.mjs';

describe('tokens over time', { timeout: 120_000 }, () => {
  const ends = [];
  const servers = [];
  const used = [];

  const start = async (env = {}) => {
    const server = await startServer({
      env: { JWT_SECRET: secret, LOG_LEVEL: 'debug', PRESENCE_LEAVE_GRACE_MS: '0', ...env },
    });
    servers.push(server);
    return server;
  };
  const token = (claims, options) => {
    used.push(hmacToken(claims, options));
    return used.at(-1);
  };
  const open = async (server, claims, connectBy = connectVersioned) => {
    const client = await connectBy(server, { query: { token: token(claims) } });
    ends.push(() => client.socket.terminate());
    return client;
  };

  after(async () => {
    for (const end of ends) end();
    await Promise.all(servers.map((server) => server.stop()));
    for (const server of servers) {
      assert.deepEqual(findLeaks(server.stderr + server.stdout, used), [], 'nothing secret is logged');
    }
  });

  test('an expiring token is announced at half of its life, then closes with 4401', async () => {
    const server = await start();
    const exp = now() + 5;
    const [alice, base] = [
      await open(server, { sub: 'alice', iat: exp - 6, exp }),
      await open(server, { sub: 'bob', exp }, connect),
    ];
    assert.deepEqual(await alice.take({ type: 'token_expiring' }), {
      type: 'token_expiring',
      expires_at: exp,
    });
    const announced = Date.now();
    assert.ok(announced >= (exp - 3) * 1000 - 200 && announced < exp * 1000, 'about 3 s before');
    for (const client of [alice, base]) {
      const { code, reason } = await client.closed;
      assert.deepEqual([code, reason], [4401, 'token expired']);
      assert.ok(Date.now() >= exp * 1000 - 100);
    }
    assert.deepEqual(base.frames, [], 'a base connection hears nothing unasked');
  });

  test('a refresh keeps the connection, and is announced anew', async () => {
    const server = await start();
    const alice = await open(server, { sub: 'alice', exp: now() + 4 });
    await alice.subscribe('room1');
    await alice.take({ type: 'token_expiring' });
    const exp = now() + 8;
    const ack = await alice.request({ type: 'refresh', token: token({ sub: 'alice', exp }) });
    assert.equal(ack.type, 'ack');
    assert.equal((await alice.take({ type: 'token_expiring' })).expires_at, exp);
    assert.equal((await alice.broadcast('room1', 'still here')).type, 'ack');
    await alice.take({ type: 'broadcast', payload: 'still here' });
    assert.equal((await alice.closed).code, 4401);
    assert.ok(Date.now() >= exp * 1000 - 100, 'the first token\'s end passed unnoticed');
  });

  test('a refresh without an id is silent, one without exp ends the waiting', async () => {
    const server = await start();
    const exp = now() + 3;
    const alice = await open(server, { sub: 'alice', exp }, connect);
    alice.send({ type: 'refresh', token: token({ sub: 'alice' }) });
    await alice.request({ type: 'ping' });
    await new Promise((resolve) => setTimeout(resolve, (exp + 1) * 1000 - Date.now()));
    assert.equal((await alice.request({ type: 'ping' })).type, 'pong');
    assert.deepEqual(alice.drain(), []);
  });

  test('a bad token or another user\'s is refused, and the connection stays', async () => {
    const server = await start();
    const alice = await open(server, { sub: 'alice', channels: { a: ['subscribe'] } });
    for (const [bad, code, reason] of [
      ['x', 4401, 'invalid_token'],
      [hmacToken({ sub: 'alice' }, { key: 'wrong' }), 4401, 'invalid_token'],
      [hmacToken({ sub: 'alice', exp: now() - 60 }), 4401, 'invalid_token'],
      [hmacToken({ sub: 'mallory' }), 4403, 'wrong_user'],
    ]) {
      used.push(bad);
      const error = await alice.request({ type: 'refresh', token: bad });
      assert.deepEqual([error.type, error.code, error.reason], ['error', code, reason]);
    }
    assert.equal((await alice.subscribe('a')).type, 'subscribed');
    assert.equal((await alice.subscribe('b')).code, 4003, 'the old rights hold');
  });

  test('rights that a refresh takes away end subscriptions and presence', async () => {
    const server = await start();
    const all = ['subscribe', 'publish', 'presence'];
    const alice = await open(server, { sub: 'alice', channels: { 'room:*': all, 'lobby': all } });
    const bob = await open(server, { sub: 'bob' });
    for (const room of ['room:1', 'lobby']) {
      await alice.subscribe(room, ['broadcast', 'presence']);
      await alice.request({ type: 'presence_join', channel: room });
      await bob.subscribe(room, ['presence']);
    }
    const reduced = token({ sub: 'alice', channels: { lobby: ['subscribe'] } });
    assert.equal((await alice.request({ type: 'refresh', token: reduced })).type, 'ack');
    assert.deepEqual(await alice.take({ type: 'unsubscribed' }), {
      type: 'unsubscribed',
      channel: 'room:1',
      code: 4003,
    });
    for (const room of ['room:1', 'lobby']) {
      await bob.take({ type: 'presence_leave', channel: room, user_id: 'alice' });
    }
    alice.drain();
    for (const room of ['room:1', 'lobby']) await bob.broadcast(room, room);
    assert.equal((await alice.take({ type: 'broadcast' })).channel, 'lobby');
    assert.equal((await alice.subscribe('room:1')).code, 4003);
    assert.equal((await alice.broadcast('lobby', 1)).code, 4003);
    const restored = token({ sub: 'alice' });
    assert.equal((await alice.request({ type: 'refresh', token: restored })).type, 'ack');
    assert.equal((await alice.subscribe('room:1')).type, 'subscribed');
  });

  test('JWT_CLOSE_ON_EXPIRY=false lets connections outlive their tokens', async () => {
    const server = await start({ JWT_CLOSE_ON_EXPIRY: 'false', JWT_LEEWAY_SECONDS: '0' });
    const exp = now() + 2;
    const alice = await open(server, { sub: 'alice', exp });
    await new Promise((resolve) => setTimeout(resolve, (exp + 1) * 1000 - Date.now()));
    assert.equal((await alice.request({ type: 'ping' })).type, 'pong');
    const late = await connect(server, { query: { token: used.at(-1) } }).catch((error) => error);
    assert.equal(late.status, 401);
  });

  test('keys from a JWKS URL are fetched, kept, and fetched again when they rotate', async () => {
    let keys = [];
    let requests = 0;
    let isDown = false;
    const issuer = http.createServer((request, response) => {
      ++requests;
      response.statusCode = isDown ? 500 : 200;
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ keys }));
    });
    issuer.listen(0, '127.0.0.1');
    await once(issuer, 'listening');
    ends.push(() => issuer.close());

    const [rsa, ec, ed, next] = ['RS256', 'ES256', 'EdDSA', 'RS256'].map(makeKey);
    keys = [rsa.jwk('rsa'), ec.jwk('ec'), ed.jwk('ed')];
    const server = await start({
      JWT_SECRET: '',
      JWT_JWKS_URL: `http://127.0.0.1:${issuer.address().port}/keys`,
    });
    const enter = async (key, kid) => {
      used.push(keyToken({ sub: 'alice' }, key, kid ? { kid } : {}));
      const client = await connect(server, { query: { token: used.at(-1) } }).catch((e) => e);
      if (client instanceof Error) return client.status;
      client.socket.terminate();
      return 101;
    };
    await eventually(async () => (await enter(rsa, 'rsa')) === 101, 'the keys were fetched');
    assert.equal(await enter(ec, 'ec'), 101);
    assert.equal(await enter(ed, 'ed'), 101);
    assert.equal(await enter(rsa, 'ec'), 401, 'a key under another\'s id');
    const before = requests;
    for (let i = 0; i < 20; ++i) assert.equal(await enter(rsa, 'rsa'), 101);
    assert.equal(requests, before, 'known keys need no request');

    for (let i = 0; i < 20; ++i) assert.equal(await enter(next, 'next'), 401);
    assert.ok(requests - before <= 3, `unknown keys cannot make it ask: ${requests - before} requests`);
    keys = [next.jwk('next')];
    await eventually(async () => (await enter(next, 'next')) === 101, 'the new key is found');
    isDown = true;
    assert.equal(await enter(next, 'next'), 101, 'known keys outlive the issuer\'s failure');
  });
});
