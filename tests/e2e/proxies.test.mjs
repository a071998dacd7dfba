// SPDX-License-Identifier: Apache-2.0
// Clients behind a proxy: TRUSTED_PROXIES decides whose X-Forwarded-For is believed.
import { afterEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { connect, eventually } from './support/client.mjs';
import { startServer } from './support/server.mjs';

let server;
afterEach(() => server?.stop());

const from = (address, options = {}) =>
  connect(server, { ...options, headers: { 'X-Forwarded-For': address } });

/// Where the users come from, as the server sees it.
async function peers() {
  const answer = await fetch(new URL('/api/connections', server.url));
  const { connections } = await answer.json();
  return Object.fromEntries(connections.map((entry) => [entry.user_id, entry.peer]));
}

test('a client behind a trusted proxy is known and limited by its own address', async () => {
  server = await startServer({ env: { TRUSTED_PROXIES: '127.0.0.1', MAX_CONNECTIONS_PER_IP: '2' } });
  const held = [
    await from('198.51.100.1', { user: 'alice' }),
    await from('203.0.113.9, 198.51.100.1', { user: 'bob' }),
    await from('2001:db8::7', { user: 'carol' }),
  ];
  assert.deepEqual(await peers(), {
    alice: '198.51.100.1',
    bob: '198.51.100.1',
    carol: '2001:db8::7',
  });

  const refusal = await from('198.51.100.1', { user: 'dave' }).catch((error) => error);
  assert.equal(refusal.status, 503, String(refusal));
  assert.equal(refusal.headers['retry-after'], '5');
  assert.equal(JSON.parse(refusal.body).reason, 'too_many_clients');

  await held.shift().close();
  const again = () => from('198.51.100.1', { user: 'dave' }).catch(() => null);
  held.push(await eventually(again, 'a place is free'));
  for (const client of held) await client.close();
});

test('requests over a proxy\'s connections are not limited by the proxy\'s address', async () => {
  server = await startServer({ env: { TRUSTED_PROXIES: '127.0.0.0/8', MAX_CONNECTIONS_PER_IP: '1' } });
  const held = await from('198.51.100.1', { user: 'alice' });
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => fetch(new URL('/healthz', server.url))),
  );
  assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200, 200, 200]);
  await held.close();
});

test('the log names the client whose upgrade is refused', async () => {
  server = await startServer({ env: { TRUSTED_PROXIES: '127.0.0.1', JWT_SECRET: 'x'.repeat(32) } });
  const refusal = await from('198.51.100.1').catch((error) => error);
  assert.equal(refusal.status, 401, String(refusal));
  await eventually(() => server.stderr.includes('refused an upgrade'), 'the refusal is logged');
  assert.match(server.stderr, /198\.51\.100\.1/);
});

test('what a stranger writes in X-Forwarded-For counts for nothing', async () => {
  server = await startServer({ env: { TRUSTED_PROXIES: '192.0.2.1', MAX_CONNECTIONS_PER_IP: '2' } });
  const held = await from('198.51.100.1', { user: 'mallory' });
  assert.match((await peers()).mallory, /^127\.0\.0\.1:\d+$/);
  await held.close();
});
