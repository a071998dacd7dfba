// SPDX-License-Identifier: Apache-2.0
// The subcommands: version, check-config, config, token, publish, health.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, connectVersioned } from './support/client.mjs';
import { runBinary, startServer } from './support/server.mjs';
import { secret } from './support/tokens.mjs';

describe('subcommands', { timeout: 60_000 }, () => {
  let server;
  let own;

  before(async () => {
    const env = { JWT_SECRET: secret, API_KEYS: 'ci:first-key' };
    server = await startServer({ env });
    own = { ...env, SERVER_ADDR: `127.0.0.1:${server.port}` };
  });
  after(() => server?.stop());

  const run = (args, env = {}, files = {}) => runBinary({ args, env, files });
  const login = async (token) => {
    const client = await connectVersioned(server, { query: { token } });
    client.socket.terminate();
    return client.welcome.user_id;
  };

  test('version and help', async () => {
    const version = await run(['version']);
    assert.deepEqual([version.code, version.stderr], [0, '']);
    assert.match(version.stdout, /^roomcast \d+\.\d+\.\d+\S*\n$/);
    assert.equal((await run(['--version'])).stdout, version.stdout);
    const help = await run(['--help']);
    assert.equal(help.code, 0);
    for (const word of ['check-config', 'publish', '--server-addr', '--drain-seconds']) {
      assert.ok(help.stdout.includes(word), word);
    }
    assert.equal((await run(['nonsense'])).code, 64);
  });

  test('check-config says whether the settings are good', async () => {
    const good = await run(['check-config'], { MAX_SUBSCRIPTIONS: '5' });
    assert.equal(good.code, 0, good.stderr);
    const bad = await run(['check-config'], { MAX_SUBSCRIPTIONS: 'five' });
    assert.equal(bad.code, 78);
    assert.match(bad.stderr, /MAX_SUBSCRIPTIONS.*five.*whole number/s);
  });

  test('config shows values and where they came from, and no secret', async () => {
    const { code, stdout } = await run(['config', '--max-subscriptions', '5'], own, {
      '.env': 'MAX_PRESENCE_CHANNELS=6\n',
      'roomcast.toml': 'drain_seconds = 7\n',
    });
    assert.equal(code, 0);
    for (const pattern of [/MAX_SUBSCRIPTIONS\b.*\b5\b/, /MAX_PRESENCE_CHANNELS\b.*\b6\b.*\.env/,
      /DRAIN_SECONDS\b.*\b7\b.*roomcast\.toml/, /SERVER_ADDR\b.*environment/]) {
      assert.match(stdout, pattern);
    }
    for (const hidden of [secret, 'first-key']) assert.equal(stdout.includes(hidden), false);
  });

  test('token makes one that the server takes', async () => {
    const made = await run(['token', '--user', 'alice'], own);
    assert.equal(made.code, 0, made.stderr);
    assert.equal(await login(made.stdout.trim()), 'alice');

    const narrow = await run(
      ['token', '--user', 'bob', '--channels', '{"room:*":["subscribe"]}', '--ttl', '60'],
      own,
    );
    const client = await connect(server, { query: { token: narrow.stdout.trim() } });
    assert.equal((await client.subscribe('room:1')).type, 'subscribed');
    assert.equal((await client.broadcast('room:1', 1)).code, 4003);
    client.socket.terminate();

    assert.equal((await run(['token'], own)).code, 64, 'without --user');
    assert.equal((await run(['token', '--user', 'a', '--ttl', '0'], own)).code, 64);
    assert.equal((await run(['token', '--user', 'a'])).code, 78, 'without a secret');
  });

  test('publish reaches subscribers, with the key of the settings or a given one', async () => {
    const { stdout } = await run(['token', '--user', 'alice'], own);
    const alice = await connect(server, { query: { token: stdout.trim() } });
    await alice.subscribe('room1');
    const settled = await run(['publish', 'room1', 'greeting', '{"n":12345678901234567890}'], own);
    assert.equal(settled.code, 0, settled.stderr);
    assert.equal(JSON.parse(settled.stdout).status, 'ok');
    await alice.take({ type: 'broadcast', event: 'greeting' });
    assert.ok(alice.frames.at(-1).includes('12345678901234567890'));

    const given = await run(['publish', '--url', server.url, '--key', 'first-key', 'room1', 'e', '-5']);
    assert.equal(given.code, 0, given.stderr);
    await alice.take({ type: 'broadcast', payload: -5 });
    const refused = await run(['publish', '--url', server.url, 'room1', 'e', '1']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /401/);
    assert.equal((await run(['publish', 'room1', 'e', 'hello'], own)).code, 64, 'no JSON');
    assert.equal((await run(['publish', 'room1'], own)).code, 64);
    alice.socket.terminate();
  });

  test('health tells by its exit status', async () => {
    const good = await run(['health'], own);
    assert.equal(good.code, 0, good.stderr);
    assert.equal((await run(['health', '--url', server.url])).code, 0);
    const draining = await startServer({ env: { DRAIN_DELAY_SECONDS: '600' } });
    draining.signal('SIGTERM');
    let status = await run(['health', '--url', draining.url]);
    for (let i = 0; i < 100 && status.code === 0; ++i) {
      status = await run(['health', '--url', draining.url]);
    }
    assert.equal(status.code, 1);
    assert.match(status.stderr, /503.*draining/);
    await draining.kill();
    const gone = await run(['health', '--url', draining.url]);
    assert.equal(gone.code, 1);
    assert.notEqual(gone.stderr, '');
  });
});
