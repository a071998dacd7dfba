// SPDX-License-Identifier: Apache-2.0
// The process and its surroundings: ports, limits on connections and files, signals, and what must
// never stand in a log.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { eventually, hostile, isSanitized } from './support/hostile.mjs';
import { attack } from './support/hostile_http.mjs';
import { RawClient } from './support/rfc6455_client.mjs';
import { runBinary, startServer } from './support/server.mjs';
import { findLeaks, hmacToken, now, secret } from './support/tokens.mjs';

let server;
afterEach(async () => {
  if (server) assert.deepEqual(await server.stop(), { code: 0, signal: null });
  server = undefined;
});

test('the same port twice: the second server ends with 78 and names the address', async () => {
  for (const shards of ['1', '4']) {
    server = await startServer({ env: { SHARDS: shards } });
    const second = await runBinary({ env: { SERVER_ADDR: `127.0.0.1:${server.port}` } });
    assert.equal(second.code, 78);
    assert.match(second.stderr, new RegExp(`127\\.0\\.0\\.1:${server.port}.*in use`, 'i'));
    assert.equal(second.stdout, '');
    const client = await RawClient.open(server);
    client.drop();
    await server.stop();
  }
});

test('a bad setting: the start ends with 78 and one line that names it', async () => {
  const bad = {
    SERVER_ADDR: 'nowhere', OUTBOX_BYTES: '-1', MESSAGE_RATE: 'fast', SHARDS: '0', PING_SECONDS: '1e3',
    BROADCAST_MQ_TYPE: 'carrier-pigeon', IO_URING: 'maybe', MAX_MESSAGE_BYTES: '99999999999999999999',
  };
  for (const [name, value] of Object.entries(bad)) {
    const { code, stdout, stderr } = await runBinary({ env: { [name]: value } });
    assert.equal(code, 78, `${name}: ${stderr}`);
    assert.ok(stderr.includes(name) && stderr.includes(value), stderr);
    assert.equal(stdout, '');
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});

test('signals that a process gets by accident do not end it', async () => {
  server = await startServer();
  for (const signal of ['SIGPIPE', 'SIGHUP']) server.signal(signal);
  await sleep(200);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
});

function refusedAnswer(text) {
  const [head, body] = text.split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 503 /);
  assert.match(head, /Retry-After: \d+/);
  assert.equal(Number(/Content-Length: (\d+)/.exec(head)[1]), body.length);
  assert.equal(JSON.parse(body).reason, 'too_many_clients');
}

const silent = () =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: server.port });
    // A connection that is refused at once may never count as made.
    socket.on('error', () => {}).once('connect', () => resolve(socket)).once('close', () => resolve(socket));
  });

test('more connections than MAX_CONNECTIONS are refused, and only those', async () => {
  server = await startServer({ env: { MAX_CONNECTIONS: '20' } });
  const held = [];
  for (let i = 0; i < 20; ++i) held.push(await RawClient.open(server));
  for (let i = 0; i < 100; ++i) refusedAnswer((await attack(server, '')).text);
  for (const client of held) {
    await client.sendText({ type: 'ping', id: 1 });
    assert.equal((await client.nextJson()).type, 'pong');
  }
  held.pop().drop();
  const newcomer = await eventually(() => RawClient.open(server).catch(() => null), 'a place is free');
  for (const client of [...held, newcomer]) client.drop();
});

test('MAX_CONNECTIONS_PER_IP refuses one address and no other', async () => {
  server = await startServer({ env: { MAX_CONNECTIONS_PER_IP: '5', SERVER_ADDR: ':0' } });
  const held = [];
  for (let i = 0; i < 5; ++i) held.push(await RawClient.open(server));
  refusedAnswer((await attack(server, '')).text);
  const other = await new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, localAddress: '127.0.0.2' });
    socket.once('error', reject).once('data', (data) => resolve(data.toString()));
    socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  });
  assert.match(other, /^HTTP\/1\.1 200 /);
  for (const client of held) client.drop();
  await eventually(() => RawClient.open(server).then((client) => client.drop() ?? true, () => false), 'a place is free');
});

/// Processor time of the server so far, in seconds.
function processorSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const fileLimit = 120;
// UBSan looks at memory through a pipe, and takes an object for broken when it gets none.
const skip = isSanitized && 'a sanitizer needs file descriptors of its own';
hostile('more connections than the limit on open files', () => server, async () => {
  const sockets = [];
  for (let i = 0; i < 2 * fileLimit; ++i) sockets.push(await silent());
  const before = processorSeconds(server.pid);
  await sleep(1_000);
  const busy = processorSeconds(server.pid) - before;
  assert.ok(busy < 0.5, `${busy} s of processor time in a second`);
  for (const socket of sockets) socket.destroy();
  const newcomer = await eventually(() => RawClient.open(server).catch(() => null), 'a place is free');
  newcomer.drop();
}, {
  connections: fileLimit,
  skip,
  start: async () => {
    server = await startServer({
      wrapper: ['prlimit', `--nofile=${fileLimit}`, '--'],
      env: { MAX_CONNECTIONS: '10000', LOG_LEVEL: 'warn' },
    });
  },
});

test('MAX_CONNECTIONS defaults to the limit on open files less 256', async () => {
  server = await startServer({ wrapper: ['prlimit', '--nofile=556', '--'] });
  const held = [];
  for (let i = 0; i < 300; ++i) held.push(await RawClient.open(server));
  refusedAnswer((await attack(server, '')).text);
  for (const client of held) client.drop();
});

/// No line of a log can be made or coloured by a client.
function isClean(log) {
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(log, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  assert.ok(!log.split('\n').some((line) => line.includes('forged') && !/^[{\d]/.test(line)), log);
}

for (const format of ['json', 'text']) {
  test(`names cannot forge or colour lines of a log in ${format}`, async () => {
    server = await startServer({ env: { LOG_LEVEL: 'debug', LOG_FORMAT: format, MAX_MESSAGE_BYTES: '2000' } });
    const evil = '\u001b[31mred\r\nforged level=error\u0007\u009b2J';
    const encoded = encodeURIComponent(evil);
    await attack(server, `GET /ws?user_id=${encoded} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await attack(server, `GET /${encoded}?token=${encoded} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await attack(server, `GET /ws?user_id=a&token=${encoded} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await attack(server, Buffer.from(`GET /\x1b[31mforged HTTP/1.1\r\nHost: \x1b[31m\r\n\r\n`, 'latin1'));
    await attack(
      server,
      Buffer.from('GET /ws?user_id=a HTTP/1.1\r\nHost: a\r\nOrigin: http://\x9b31mforged\r\nConnection: close\r\n\r\n', 'latin1'),
    );
    const client = await RawClient.open(server, { user: encodeURIComponent('ünïcode \u2028 user') });
    for (const type of ['subscribe', 'broadcast', 'presence_join', evil]) {
      await client.sendText({ type, channel: evil, event: evil, listen: [evil], id: evil });
      assert.equal((await client.nextJson()).type, 'error');
    }
    await client.sendClose(4999, evil);
    await client.end();
    await server.stop();
    isClean(server.stderr);
    if (format === 'json') {
      for (const line of server.stderr.trimEnd().split('\n')) JSON.parse(line);
    }
  });
}

test('no token, secret or key stands in a log, at any level', async () => {
  const apiKey = 'an-api-key-that-nobody-may-read';
  server = await startServer({
    env: { LOG_LEVEL: 'debug', JWT_SECRET: secret, API_KEYS: `backend:${apiKey}`, JWT_CLOSE_ON_EXPIRY: 'true' },
  });
  const good = hmacToken({ sub: 'alice', exp: now() + 60 });
  const brief = hmacToken({ sub: 'alice', exp: now() + 2 });
  const expired = hmacToken({ sub: 'alice', exp: now() - 60 });
  const forged = hmacToken({ sub: 'mallory' }, { key: 'another secret of thirty-two bytes!!' });
  const tokens = [good, brief, expired, forged];
  for (const token of tokens) {
    const isGood = token === good || token === brief;
    const ways = [
      { query: `&token=${token}` },
      { query: `&access_token=${token}` },
      { headers: `Authorization: Bearer ${token}\r\n` },
      { protocol: `roomcast.v1, roomcast.bearer.${token}` },
    ];
    for (const way of ways) {
      const client = await RawClient.open(server, way).catch(() => null);
      assert.equal(client !== null, isGood);
      if (!client) continue;
      for (const refresh of tokens) await client.sendText({ type: 'refresh', token: refresh, id: 1 });
      if (token === good) client.drop();
      else await client.end(); // at the end of the token
    }
    for (const path of ['/api/event', `/nowhere?token=${token}`, `/ws?token=${token}`, '/api/stats']) {
      for (const key of [token, apiKey]) {
        await fetch(server.url + path, {
          method: path === '/api/event' ? 'POST' : 'GET',
          headers: { Authorization: `Bearer ${key}` },
          body: path === '/api/event' ? '{"channel":"a"}' : undefined,
        }).then((response) => response.text());
      }
    }
  }
  await server.stop();
  assert.notEqual(server.stderr, '');
  assert.deepEqual(findLeaks(server.stderr + server.stdout, tokens, [secret, apiKey]), []);
});
