// SPDX-License-Identifier: Apache-2.0
// TLS on the clients' listener, with certificates made by openssl: wss, https, a new certificate on
// SIGHUP while old connections go on, and what is refused.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeCertificate } from './support/certificate.mjs';
import { connect, eventually } from './support/client.mjs';
import { curl, get, sendRaw } from './support/http.mjs';
import { runBinary, startServer } from './support/server.mjs';

describe('TLS', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomcast-tls-'));
  const file = (name) => join(folder, name);
  let server;
  let ca;

  const install = (name) => {
    copyFileSync(file(`${name}.key`), file('live.key'));
    copyFileSync(file(`${name}.pem`), file('live.pem'));
  };
  const open = (user, options = {}) => connect(server, { user, ca, ...options });
  const shownName = (client) => client.socket._socket.getPeerCertificate().subject.CN;

  before(async () => {
    makeCertificate(folder, 'first', ['-newkey', 'rsa:2048']);
    makeCertificate(folder, 'second');
    ca = ['first', 'second'].map((name) => readFileSync(file(`${name}.pem`)));
    writeFileSync(file('both.pem'), Buffer.concat(ca));
    install('first');
    server = await startServer({
      env: {
        TLS_CERT_FILE: file('live.pem'),
        TLS_KEY_FILE: file('live.key'),
        METRICS_ADDR: '127.0.0.1:0',
        MESSAGE_RATE: '0',
      },
    });
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const trusted = ['--cacert', file('both.pem')];

  test('https and wss serve one channel', async () => {
    const alice = await open('alice');
    assert.equal(shownName(alice), 'first');
    await alice.subscribe('room1');
    const { code, stdout, stderr } = await curl(
      ...trusted, '-d', '{"channel":"room1","payload":"hello"}', `${server.url}/api/event`,
    );
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).status, 'ok');
    assert.equal((await alice.take({ type: 'broadcast' })).payload, 'hello');
    await alice.close();
  });

  test('TLS 1.2 and 1.3 are spoken, older ones are not', async () => {
    for (const [version, expected] of [['1.2', 0], ['1.3', 0], ['1.1', 35]]) {
      const { code } = await curl(...trusted, `--tlsv${version}`, '--tls-max', version, '--ciphers',
        'DEFAULT@SECLEVEL=0', `${server.url}/healthz`);
      assert.equal(code, expected, `TLS ${version}`);
    }
  });

  test('messages of any size come whole, in both directions', async () => {
    const alice = await open('alice');
    await alice.subscribe('large');
    for (const size of [1, 1000, 16_000, 16_384, 17_000, 40_000, 65_000]) {
      const payload = 'x'.repeat(size);
      await alice.broadcast('large', payload);
      assert.equal((await alice.take({ type: 'broadcast' })).payload, payload);
    }
    const count = 200;
    for (let i = 0; i < count; ++i) {
      alice.send({ type: 'broadcast', channel: 'large', payload: [i, 'y'.repeat(3000)] });
    }
    const heard = await alice.takeMany(count, { type: 'broadcast' });
    assert.deepEqual(heard.map((message) => message.payload[0]), heard.map((_, i) => i));
    await alice.close();
  });

  test('a hundred clients at once hear everything in order', async () => {
    const clients = await Promise.all(Array.from({ length: 100 }, (_, i) => open(`user-${i}`)));
    await Promise.all(clients.map((client) => client.subscribe('crowd')));
    const count = 50;
    for (let i = 0; i < count; ++i) {
      clients[i % 10].send({ type: 'broadcast', channel: 'crowd', payload: 'z'.repeat(100 + i) });
    }
    let order;
    for (const client of clients) {
      const heard = await client.takeMany(count, { type: 'broadcast' });
      order ??= heard.map((message) => message.payload.length);
      assert.deepEqual(heard.map((message) => message.payload.length), order);
    }
    assert.equal(new Set(order).size, count);
    for (const client of clients) client.socket.terminate();
  });

  test('SIGHUP: old connections go on, the next one sees the new certificate', async () => {
    const old = await open('old');
    await old.subscribe('room1');
    install('second');
    server.signal('SIGHUP');
    const fresh = await eventually(async () => {
      const client = await open('new');
      if (shownName(client) === 'second') return client;
      client.socket.terminate();
      return false;
    }, 'the new certificate is shown');
    await fresh.subscribe('room1');
    await fresh.broadcast('room1', 'from the new');
    await old.broadcast('room1', 'from the old');
    for (const client of [old, fresh]) {
      const heard = await client.takeMany(2, { type: 'broadcast' });
      assert.deepEqual(heard.map((m) => m.payload), ['from the new', 'from the old']);
    }
    assert.equal(shownName(old), 'first');
    await Promise.all([old.close(), fresh.close()]);
  });

  test('SIGHUP: a broken certificate keeps the old one', async () => {
    const mark = server.stderr.length;
    writeFileSync(file('live.pem'), 'no certificate');
    server.signal('SIGHUP');
    await eventually(() => server.stderr.slice(mark).includes('not reloaded'), 'it is logged');
    copyFileSync(file('first.pem'), file('live.pem'));
    server.signal('SIGHUP');
    await eventually(() => server.stderr.slice(mark).split('not reloaded').length > 2,
      'a certificate without its key is logged too');
    const client = await open('alice');
    assert.equal(shownName(client), 'second');
    assert.equal((await client.request({ type: 'ping' })).type, 'pong');
    await client.close();
    install('second');
  });

  test('plain HTTP and garbage on the TLS port are refused, others live on', async () => {
    const client = await open('alice');
    const plain = await sendRaw(server, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.doesNotMatch(plain, /200/);
    await sendRaw(server, Buffer.alloc(4096, 0x55));
    await sendRaw(server, Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, 0x01, 0xff]), () => true)
      .catch(() => {});
    assert.equal((await client.request({ type: 'ping' })).type, 'pong');
    await client.close();
  });

  test('the operators\' listener speaks plain HTTP', async () => {
    assert.equal((await get(server.operatorsUrl, '/readyz')).status, 200);
    assert.equal((await get(server.operatorsUrl, '/metrics')).status, 200);
  });

  test('clients on TLS get their close frames when the server stops', async () => {
    const client = await open('alice');
    const stopped = server.stop();
    assert.equal((await client.closed).code, 1012);
    assert.deepEqual(await stopped, { code: 0, signal: null });
  });

  test('a start with an unusable certificate is refused', async () => {
    for (const [certificate, key] of [['missing.pem', 'first.key'], ['first.pem', 'second.key'],
      ['first.key', 'first.key'], ['first.pem', 'first.pem']]) {
      const { code, stderr } = await runBinary({
        env: { SERVER_ADDR: '127.0.0.1:0', TLS_CERT_FILE: file(certificate), TLS_KEY_FILE: file(key) },
      });
      assert.equal(code, 78, `${certificate} ${key}: ${stderr}`);
      assert.match(stderr, /TLS_(CERT|KEY)_FILE|\.(pem|key)/);
    }
  });
});
