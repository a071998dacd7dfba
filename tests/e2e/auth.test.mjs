// SPDX-License-Identifier: Apache-2.0
// Who gets in (docs/protocol.md section 1): tokens and where they come from, refusals word by word,
// origins, keys of each kind. Afterwards no token and no secret stands in the log.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, connectVersioned, socketUrl } from './support/client.mjs';
import { get } from './support/http.mjs';
import { startServer } from './support/server.mjs';
import {
  findLeaks, hmacToken, keyToken, makeKey, now, secret, unsignedToken,
} from './support/tokens.mjs';

const otherSecret = 'another shared secret, 32 bytes or more';

describe('authentication', { timeout: 120_000 }, () => {
  const servers = [];
  const used = [];
  const clients = [];

  const start = async (env) => {
    const server = await startServer({ env: { LOG_LEVEL: 'debug', ...env } });
    servers.push(server);
    return server;
  };
  const remember = (token) => (used.push(token), token);
  const token = (claims, options) => remember(hmacToken(claims, options));
  const open = async (server, options) => {
    const client = await connectVersioned(server, options);
    clients.push(client);
    return client;
  };
  const userOf = async (server, options) => (await open(server, options)).welcome.user_id;
  const refusal = async (server, options) => {
    const client = await connect(server, options).catch((error) => error);
    assert.ok(client instanceof Error, `it was let in: ${JSON.stringify(options)}`);
    assert.ok(client.status, client.stack);
    return { status: client.status, ...JSON.parse(client.body), headers: client.headers };
  };

  after(async () => {
    for (const client of clients) client.socket.terminate();
    await Promise.all(servers.map((server) => server.stop()));
    for (const server of servers) {
      const log = server.stderr + server.stdout;
      assert.deepEqual(findLeaks(log, used, [secret, otherSecret]), [], 'nothing secret is logged');
    }
  });

  test('without JWT the query names the user', async () => {
    const server = await start({});
    assert.equal(await userOf(server, { user: 'alice' }), 'alice');
    assert.equal(await userOf(server, { user: 'é/😀 +&' }), 'é/😀 +&');
    for (const options of [{}, { user: '' }]) {
      const { status, error } = await refusal(server, options);
      assert.deepEqual([status, error], [400, 'missing user_id']);
    }
    for (const user of ['x'.repeat(257), 'a\nb', 'a\u0000', '\u0085']) {
      assert.equal((await refusal(server, { user })).status, 400);
    }
    for (const options of [
      { query: { token: token({ sub: 'alice' }) } },
      { query: { access_token: token({ sub: 'alice' }) } },
      { headers: { Authorization: `Bearer ${token({ sub: 'alice' })}` } },
      { protocol: ['roomcast.v1', `roomcast.bearer.${token({ sub: 'alice' })}`] },
    ]) {
      const { status, error } = await refusal(server, { user: 'alice', ...options });
      assert.equal(status, 400);
      assert.match(error, /token.*JWT/);
    }
  });

  test('a token is taken from each of its places, in the documented order', async () => {
    const server = await start({
      JWT_SECRET: secret,
      JWT_COOKIE: 'session',
      CORS_ALLOWED_ORIGINS: 'https://app.example.com',
    });
    const places = [
      (t) => ({ headers: { Authorization: `Bearer ${t}` } }),
      (t) => ({ query: { token: t } }),
      (t) => ({ query: { access_token: t } }),
      (t) => ({ protocol: [`roomcast.bearer.${t}`] }),
      (t) => ({ headers: { Cookie: `a=b; session=${t}` } }),
    ];
    const merge = (a, b) => ({
      headers: { ...a.headers, ...b.headers },
      query: { ...a.query, ...b.query },
      protocol: [...(a.protocol ?? []), ...(b.protocol ?? [])],
    });
    for (const [i, place] of places.entries()) {
      const options = place(token({ sub: `user-${i}` }));
      assert.equal(await userOf(server, options), `user-${i}`);
      const bad = remember(hmacToken({ sub: 'x' }, { key: otherSecret }));
      assert.equal((await refusal(server, place(bad))).status, 401);
      for (const later of places.slice(i + 1)) {
        const both = merge(later(token({ sub: 'later' })), place(token({ sub: `user-${i}` })));
        assert.equal(await userOf(server, both), `user-${i}`, `place ${i} wins`);
        const rescued = merge(later(token({ sub: 'later' })), place(bad));
        assert.equal((await refusal(server, rescued)).status, 401, 'a bad one is not rescued');
      }
    }
    const lowerCase = { headers: { Authorization: `bearer ${token({ sub: 'alice' })}` } };
    assert.equal(await userOf(server, lowerCase), 'alice');
    const ignored = { user: 'mallory', query: { token: token({ sub: 'alice' }) } };
    assert.equal(await userOf(server, ignored), 'alice', 'the query\'s user_id is ignored');
  });

  test('refusals have the documented status and text', async () => {
    const server = await start({ JWT_SECRET: secret });
    const missing = await refusal(server, { user: 'alice' });
    assert.deepEqual([missing.status, missing.error], [401, 'missing token']);
    assert.match(missing.headers['www-authenticate'], /Bearer/);
    const none = { alg: 'none', typ: 'JWT' };
    const good = hmacToken({ sub: 'alice' });
    for (const [bad, expected] of [
      ['x', /three parts/],
      ['a.b.c.d', /three parts/],
      ['a.b.c', /header/],
      [`${good}x`, /signature/],
      [good.slice(0, -2), /signature/],
      [`${good}=`, /signature/],
      [hmacToken({ sub: 'alice' }, { key: otherSecret }), /signature/],
      [hmacToken({ sub: 'alice', exp: now() - 60 }), /expired/],
      [hmacToken({ sub: 'alice', exp: String(now() + 60) }), /exp is not a number/],
      [hmacToken({ sub: 'alice', nbf: now() + 60 }), /not valid yet/],
      [hmacToken({ sub: '' }), /user id/],
      [hmacToken({ sub: 7 }), /user id/],
      [hmacToken({}), /user id/],
      [hmacToken({ sub: 'a\nb' }), /control/],
      [hmacToken({ sub: 'x'.repeat(257) }), /256/],
      [hmacToken({ sub: 'alice', channels: 'all' }), /channels/],
      [hmacToken({ sub: 'alice', channels: { a: ['write'] } }), /channels/],
      [hmacToken('[]'), /JSON object/],
      [hmacToken({ sub: 'x', pad: 'x'.repeat(9000) }), /8192/],
      [unsignedToken({ sub: 'alice' }, none), /algorithm/],
      [unsignedToken({ sub: 'alice' }, { ...none, alg: 'None' }), /algorithm/],
      [unsignedToken({ sub: 'alice' }, { typ: 'JWT' }), /algorithm/],
      [hmacToken({ sub: 'alice' }, { header: { alg: 'HS512' } }), /algorithm/],
      [hmacToken({ sub: 'alice' }, { header: { alg: 'hs256' } }), /algorithm/],
      [hmacToken({ sub: 'alice' }, { header: { crit: ['exp'] } }), /crit/],
    ]) {
      used.push(bad);
      // In a header: a request line has less room than the longest token.
      const headers = { Authorization: `Bearer ${bad}` };
      const { status, error } = await refusal(server, { headers });
      assert.equal(status, 401, bad);
      assert.match(error, /^invalid token: /);
      assert.match(error, expected);
    }
  });

  test('a plain GET tells the same verdict, and 426 where it is good', async () => {
    const server = await start({ JWT_SECRET: secret });
    const plain = (query) => get(server.url, new URL(socketUrl(server, query)).pathname +
      new URL(socketUrl(server, query)).search);
    assert.deepEqual((await plain({})).json().error, 'missing token');
    assert.equal((await plain({ token: 'a.b.c' })).status, 401);
    const good = await plain({ token: token({ sub: 'alice' }) });
    assert.equal(good.status, 426);
    assert.equal(good.headers.upgrade, 'websocket');
  });

  test('the user id comes from the claim that is set, else user_id, else sub', async () => {
    const server = await start({ JWT_SECRET: secret, JWT_USER_CLAIM: 'uid' });
    const user = (claims) => userOf(server, { query: { token: token(claims) } });
    assert.equal(await user({ uid: 'a', user_id: 'b', sub: 'c' }), 'a');
    assert.equal(await user({ user_id: 'b', sub: 'c' }), 'b');
    assert.equal(await user({ sub: 'c' }), 'c');
    assert.equal(await user({ uid: '', sub: 'c' }), 'c');
  });

  test('audience, issuer and leeway are checked as they are set', async () => {
    const server = await start({
      JWT_SECRET: secret, JWT_AUDIENCE: 'chat', JWT_ISSUER: 'https://id.example.com',
    });
    const claims = { sub: 'alice', aud: 'chat', iss: 'https://id.example.com' };
    const query = (changes) => ({ query: { token: token({ ...claims, ...changes }) } });
    assert.equal(await userOf(server, query({})), 'alice');
    assert.equal(await userOf(server, query({ aud: ['other', 'chat'] })), 'alice');
    for (const changes of [{ aud: 'other' }, { aud: [] }, { aud: undefined }, { aud: ['chatt'] },
      { iss: 'https://id.example.com/' }, { iss: undefined }, { iss: [claims.iss] }]) {
      assert.equal((await refusal(server, query(changes))).status, 401, JSON.stringify(changes));
    }
    assert.equal(await userOf(server, query({ nbf: now() + 3 })), 'alice', 'within the leeway of 5 s');
    assert.equal((await refusal(server, query({ exp: now() - 7 }))).status, 401);
  });

  test('both secrets are good while they are rotated', async () => {
    const server = await start({ JWT_SECRET: otherSecret, JWT_SECRET_PREVIOUS: secret });
    for (const key of [secret, otherSecret]) {
      assert.equal(await userOf(server, { query: { token: token({ sub: 'a' }, { key }) } }), 'a');
    }
    const third = token({ sub: 'a' }, { key: 'a third secret that was never set, 32 bytes' });
    assert.equal((await refusal(server, { query: { token: third } })).status, 401);
  });

  test('the secret may come from a file', async () => {
    const server = await startServer({ env: { JWT_SECRET_FILE: 'secret' }, files: { secret: `${secret}\n` } });
    servers.push(server);
    assert.equal(await userOf(server, { query: { token: token({ sub: 'a' }) } }), 'a');
    assert.equal((await refusal(server, { user: 'a' })).error, 'missing token');
  });

  test('PEM keys take their own algorithm alone', async () => {
    for (const algorithm of ['RS256', 'ES256', 'EdDSA']) {
      const [key, other] = [makeKey(algorithm), makeKey(algorithm)];
      const server = await start({ JWT_PUBLIC_KEY: key.pem });
      const query = (t) => ({ query: { token: remember(t) } });
      assert.equal(await userOf(server, query(keyToken({ sub: 'a' }, key))), 'a', algorithm);
      const confused = hmacToken({ sub: 'a' }, { key: key.pem });
      const bad = [
        keyToken({ sub: 'a' }, other),
        confused,
        hmacToken({ sub: 'a' }, { key: key.pem, header: { alg: algorithm } }),
        unsignedToken({ sub: 'a' }, { alg: 'none' }),
        unsignedToken({ sub: 'a' }, { alg: algorithm }),
      ];
      for (const header of ['RS256', 'ES256', 'EdDSA'].filter((name) => name !== algorithm)) {
        bad.push(keyToken({ sub: 'a' }, key, { alg: header }));
      }
      for (const each of bad) assert.equal((await refusal(server, query(each))).status, 401);
    }
    const [rsa, ed] = [makeKey('RS256'), makeKey('EdDSA')];
    const server = await start({ JWT_PUBLIC_KEY: `${rsa.pem}${ed.pem}`.replaceAll('\n', '\\n') });
    for (const key of [rsa, ed]) {
      const good = remember(keyToken({ sub: 'a' }, key));
      assert.equal(await userOf(server, { query: { token: good } }), 'a', 'several keys on one line');
    }
  });

  test('pages of other origins are refused, programs without one are not', async () => {
    const server = await start({ CORS_ALLOWED_ORIGINS: 'https://app.example.com,http://localhost:3000' });
    const from = (origin) => ({ user: 'alice', headers: { Origin: origin } });
    for (const good of ['https://app.example.com', 'http://localhost:3000']) {
      assert.equal(await userOf(server, from(good)), 'alice', good);
    }
    for (const bad of ['https://app.example.com.evil.example', 'http://app.example.com',
      'https://app.example.com:8443', 'https://example.com', 'null', 'http://localhost', '', 'x',
      'https://evil.example/https://app.example.com']) {
      const { status, reason } = await refusal(server, from(bad));
      assert.deepEqual([status, reason], [403, 'bad_origin'], bad);
    }
    assert.equal(await userOf(server, { user: 'alice' }), 'alice');
    const own = await start({ ALLOWED_ORIGINS: 'https://app.example.com' });
    assert.equal((await refusal(own, from('https://other.example'))).status, 403);
    const open = await start({});
    assert.equal(await userOf(open, from('https://anyone.example')), 'alice');
  });
});
