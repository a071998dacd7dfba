// SPDX-License-Identifier: Apache-2.0
// Settings as operators meet them: a bad one stops the start with 78 and says what would be good;
// flags win over the environment, that over .env, that over roomcast.toml.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from './support/client.mjs';
import { get } from './support/http.mjs';
import { runBinary, startServer } from './support/server.mjs';
import { secret } from './support/tokens.mjs';

/// Settings, and what the refusal must say: the variable, the value, what is allowed.
const refused = [
  [{ SHARDS: '0' }, [/SHARDS/, /"?0"?/, /1 to 64/]],
  [{ SHARDS: 'many' }, [/SHARDS/, /many/, /whole number/]],
  [{ SHARDS: '4x' }, [/SHARDS/, /4x/, /whole number/]],
  [{ SHARDS: '-1' }, [/SHARDS/, /-1/]],
  [{ SHARDS: '99999999999999999999' }, [/SHARDS/, /99999999999999999999/]],
  [{ MAX_MESSAGE_BYTES: '1' }, [/MAX_MESSAGE_BYTES/, /1024/]],
  [{ MAX_MESSAGE_BYTES: '64k' }, [/MAX_MESSAGE_BYTES/, /64k/]],
  [{ OUTBOX_BYTES: '65536' }, [/OUTBOX_BYTES/, /65536/, /262144/]],
  [{ MAX_BODY_BYTES: '2048' }, [/MAX_BODY_BYTES/, /2048/, /MAX_MESSAGE_BYTES/]],
  [{ SERVER_ADDR: 'nowhere' }, [/SERVER_ADDR/, /nowhere/, /host:port/]],
  [{ SERVER_ADDR: ':99999' }, [/SERVER_ADDR/, /99999/]],
  [{ SERVER_ADDR: '203.0.113.1:8080' }, [/203\.0\.113\.1/]],
  [{ METRICS_ADDR: '9100' }, [/METRICS_ADDR/, /9100/]],
  [{ SERVER_ADDR: '127.0.0.1:18099', METRICS_ADDR: '127.0.0.1:18099' }, [/METRICS_ADDR/, /SERVER_ADDR/]],
  [{ IO_URING: 'maybe' }, [/IO_URING/, /maybe/, /auto, on, off/]],
  [{ LOG_LEVEL: 'loud' }, [/LOG_LEVEL/, /loud/, /info/]],
  [{ LOG_FORMAT: 'xml' }, [/LOG_FORMAT/, /xml/, /json/]],
  [{ REDIS_ADDR: 'redis://127.0.0.1:port' }, [/REDIS_ADDR/, /127\.0\.0\.1/, /port/]],
  [{ REDIS_ADDR: 'rediss://127.0.0.1', REDIS_CA_FILE: '/nothing' }, [/CA_FILE/, /nothing/]],
  [{ BROADCAST_MQ_TYPE: 'carrier-pigeon' }, [/BROADCAST_MQ_TYPE/, /carrier-pigeon/, /memory/]],
  [{ PRESENCE_STORE: 'etcd' }, [/PRESENCE_STORE/, /etcd/, /memory, redis/]],
  [{ WS_COMPRESSION: 'gzip' }, [/WS_COMPRESSION/, /gzip/, /off, on/]],
  [{ TLS_CERT_FILE: 'a.pem' }, [/TLS_CERT_FILE/, /TLS_KEY_FILE/, /both/]],
  [{ TLS_KEY_FILE: 'a.key' }, [/TLS_CERT_FILE/, /TLS_KEY_FILE/, /both/]],
  [{ API_KEYS: 'no-name' }, [/API_KEYS/, /name:secret/]],
  [{ API_KEYS: 'a:b:king' }, [/API_KEYS/, /role/]],
  [{ API_AUTH: 'sometimes' }, [/API_AUTH/, /sometimes/, /required/]],
  [{ JWT_SECRET: secret, JWT_ALGORITHMS: 'none' }, [/JWT_ALGORITHMS/, /none/, /HS256/]],
  [{ JWT_SECRET: secret, JWT_ALGORITHMS: 'RS256' }, [/JWT_ALGORITHMS/, /JWT_SECRET/]],
  [{ JWT_PUBLIC_KEY: 'no key' }, [/JWT_PUBLIC_KEY/, /PEM/]],
  [{ JWT_JWKS_URL: 'ftp://x' }, [/JWT_JWKS_URL/, /ftp:\/\/x/, /https/]],
  [{ JWT_SECRET: secret, JWT_COOKIE: 'session' }, [/JWT_COOKIE/, /ALLOWED_ORIGINS/]],
  [{ JWT_SECRET: secret, JWT_LEEWAY_SECONDS: '3600' }, [/JWT_LEEWAY_SECONDS/, /3600/, /60/]],
  [{ JWT_SECRET_FILE: 'missing' }, [/JWT_SECRET_FILE/, /missing/]],
  [{ JWT_SECRET_PREVIOUS: secret }, [/JWT_SECRET_PREVIOUS/, /JWT_SECRET\b/]],
  [{ CORS_ALLOWED_ORIGINS: 'app.example.com' }, [/CORS_ALLOWED_ORIGINS/, /app\.example\.com/]],
  [{ TRUSTED_PROXIES: '10.0.0.0/99' }, [/TRUSTED_PROXIES/, /10\.0\.0\.0\/99/]],
];

describe('settings', { timeout: 120_000 }, () => {
  test('a bad one stops the start: 78, with variable, value and what is allowed', async () => {
    for (const [env, expected] of refused) {
      const { code, stdout, stderr } = await runBinary({ env: { SERVER_ADDR: '127.0.0.1:0', ...env } });
      const shown = `${JSON.stringify(env)}: ${code} ${stderr}`;
      assert.equal(code, 78, shown);
      for (const pattern of expected) assert.match(stderr, pattern, shown);
      assert.equal(stdout, '', shown);
      assert.equal(stderr.includes(secret), false, shown);
    }
  });

  test('unknown flags and keys are refused, with the nearest known name', async () => {
    const flag = await runBinary({ args: ['--sever-addr', ':0'] });
    assert.equal(flag.code, 78);
    assert.match(flag.stderr, /--sever-addr.*--server-addr/);
    const value = await runBinary({ args: ['--shards'] });
    assert.equal(value.code, 78);
    assert.match(value.stderr, /--shards needs a value/);
    const key = await runBinary({ files: { 'roomcast.toml': 'max_mesage_bytes = 1\n' } });
    assert.equal(key.code, 78);
    assert.match(key.stderr, /roomcast\.toml line 1.*max_mesage_bytes.*max_message_bytes/);
    const broken = await runBinary({ files: { 'roomcast.toml': 'shards = \n' } });
    assert.equal(broken.code, 78);
    assert.match(broken.stderr, /roomcast\.toml line 1/);
    const config = await runBinary({ args: ['--config', 'missing.toml'] });
    assert.equal(config.code, 78);
    assert.match(config.stderr, /missing\.toml/);
  });

  test('a port in use stops the start, whoever has it', async () => {
    const first = await startServer();
    try {
      const env = { SERVER_ADDR: `127.0.0.1:${first.port}` };
      const second = await runBinary({ env });
      assert.equal(second.code, 78, second.stderr);
      assert.match(second.stderr, new RegExp(`cannot listen.*${first.port}.*in use`, 'i'));
      assert.equal(second.stdout, '');
      assert.equal((await get(first.url, '/healthz')).status, 200);
      const metrics = await runBinary({
        env: { SERVER_ADDR: '127.0.0.1:0', METRICS_ADDR: `127.0.0.1:${first.port}` },
      });
      assert.equal(metrics.code, 78, metrics.stderr);
    } finally {
      await first.stop();
    }
  });

  test('flags win over the environment, that over .env, that over roomcast.toml', async () => {
    const layers = [
      { args: ['--max-subscriptions', '1'] },
      { env: { MAX_SUBSCRIPTIONS: '2' } },
      { files: { '.env': 'MAX_SUBSCRIPTIONS=3\n' } },
      { files: { 'roomcast.toml': 'max_subscriptions = 4\n' } },
    ];
    for (let first = 0; first < layers.length; ++first) {
      const options = { args: ['config'], env: {}, files: {} };
      for (const layer of layers.slice(first)) {
        options.args = [...options.args, ...(layer.args ?? [])];
        Object.assign(options.env, layer.env);
        Object.assign(options.files, layer.files);
      }
      const { code, stdout, stderr } = await runBinary(options);
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`MAX_SUBSCRIPTIONS\\W+${first + 1}\\b`), stdout);
    }
  });

  test('a setting from each source is in force in the running server', async () => {
    for (const [source, options] of Object.entries({
      flag: { args: ['--max-subscriptions=2'] },
      environment: { env: { MAX_SUBSCRIPTIONS: '2' } },
      dotenv: { files: { '.env': '# comment\nexport MAX_SUBSCRIPTIONS="2"\n' } },
      toml: { files: { 'roomcast.toml': 'max_subscriptions = 2 # comment\n' } },
      file: { env: { MAX_SUBSCRIPTIONS_FILE: 'two' }, files: { two: '2\n' } },
    })) {
      const server = await startServer(options);
      const client = await connect(server, { user: 'alice' });
      for (const room of ['a', 'b']) assert.equal((await client.subscribe(room)).type, 'subscribed');
      assert.equal((await client.subscribe('c')).code, 4005, source);
      client.socket.terminate();
      await server.stop();
    }
  });

  test('an empty variable is unset; of two in .env the last wins, with a warning', async () => {
    const empty = await runBinary({ args: ['config'], env: { MAX_SUBSCRIPTIONS: '' },
      files: { '.env': 'MAX_SUBSCRIPTIONS=7\n' } });
    assert.match(empty.stdout, /MAX_SUBSCRIPTIONS\W+7\b/);
    const twice = await runBinary({ args: ['config'],
      files: { '.env': 'MAX_SUBSCRIPTIONS=7\nMAX_SUBSCRIPTIONS=8\n' } });
    assert.match(twice.stdout, /MAX_SUBSCRIPTIONS\W+8\b/);
    assert.match(twice.stderr, /MAX_SUBSCRIPTIONS.*twice/);
  });

  test('every setting of the reference is a flag and a key that check-config knows', async () => {
    const { stdout } = await runBinary({ args: ['config', '--markdown'] });
    const names = [...stdout.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map((match) => match[1]);
    const help = (await runBinary({ args: ['--help'] })).stdout;
    const settings = [...new Set(names)].filter(
      (name) => help.includes(`--${name.toLowerCase().replaceAll('_', '-')}`),
    );
    assert.ok(settings.length > 60, `${settings.length} settings`);
    for (const name of ['SERVER_ADDR', 'DRAIN_SECONDS', 'JWT_SECRET', 'API_KEYS', 'OUTBOX_BYTES']) {
      assert.ok(settings.includes(name), name);
    }
  });

  test('an open server that listens beyond loopback says so', async () => {
    const server = await startServer({ env: { SERVER_ADDR: '0.0.0.0:0' } });
    await server.stop();
    assert.match(server.stderr, /reachable from other machines/);
    assert.match(server.stderr, /API_KEYS/);
    const closed = await startServer({ env: { SERVER_ADDR: '0.0.0.0:0', JWT_SECRET: secret } });
    await closed.stop();
    assert.doesNotMatch(closed.stderr, /reachable from other machines/);
  });
});
