// SPDX-License-Identifier: Apache-2.0
// What comes to an HTTP port on the open internet: noise, half requests, endless ones, and requests
// that two readers would read in two ways.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { hostile, kibi, mebi } from './support/hostile.mjs';
import { attack, drip } from './support/hostile_http.mjs';
import { RawClient } from './support/rfc6455_client.mjs';
import { startServer } from './support/server.mjs';

const headSeconds = 1;
const bodySeconds = 2;
const idleSeconds = 2;
const graceMs = 2_000; // of a busy machine, and of the timer wheel's coarseness

let server;
const theServer = () => server;
before(async () => {
  server = await startServer({
    env: {
      HANDSHAKE_SECONDS: `${headSeconds}`,
      BODY_SECONDS: `${bodySeconds}`,
      KEEP_ALIVE_SECONDS: `${idleSeconds}`,
      CLOSE_WAIT_SECONDS: '1',
      LOG_LEVEL: 'warn',
    },
  });
});
after(async () => {
  assert.deepEqual(await server?.stop(), { code: 0, signal: null });
});

const post = (headers, body = '') => `POST /api/event HTTP/1.1\r\nHost: a\r\n${headers}\r\n${body}`;

/// One answer with `status`, and the end.
async function isAnswered(bytes, status) {
  const { statuses, text } = await attack(server, bytes);
  assert.deepEqual(statuses, [status], `${String(bytes).slice(0, 80)}: ${text.slice(0, 200)}`);
}

/// The end comes at the deadline: not before, and not after some more.
function isOnTime(took, seconds) {
  assert.ok(took >= seconds * 1_000 - 100, `ended after ${took} ms`);
  assert.ok(took <= seconds * 1_000 + graceMs, `ended after ${took} ms`);
}

hostile('noise instead of HTTP', theServer, async () => {
  for (const noise of [
    '\r\n', '\0\0\0\0', 'hello\r\n\r\n', '\x16\x03\x01', '{"type":"ping"}\r\n', 'SSH-2.0-OpenSSH_9.2\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET /\r\n\r\n', 'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1 x\r\nHost: a\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', '\xff'.repeat(5_000),
  ]) {
    await isAnswered(Buffer.from(noise, 'latin1'), 400);
  }
});

hostile('a TLS hello on the plain port', theServer, async () => {
  const hello = Buffer.concat([Buffer.from('160301020001000001fc0303', 'hex'), Buffer.alloc(505, 0xa5)]);
  await isAnswered(hello, 400);
});

hostile('a head that drips', theServer, async () => {
  const head = 'GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ' + 'x'.repeat(300);
  const results = await Promise.all(
    Array.from({ length: 50 }, () => attack(server, drip('', head, 50))),
  );
  for (const { statuses, took } of results) {
    assert.deepEqual(statuses, [408]);
    isOnTime(took, headSeconds);
  }
}, { connections: 50 });

hostile('half a head, and half an upgrade, and then silence', theServer, async () => {
  for (const half of [
    'G', 'GET /healthz HTTP/1.1\r\n', 'GET /ws?user_id=a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n',
    'GET /healthz HTTP/1.1\r\nHost: a\r\n\r',
  ]) {
    const { statuses, took } = await attack(server, half);
    assert.deepEqual(statuses, [408], half);
    isOnTime(took, headSeconds);
  }
});

hostile('silent connections', theServer, async () => {
  const results = await Promise.all(Array.from({ length: 200 }, () => attack(server, '')));
  for (const { text, took } of results) {
    assert.equal(text, '');
    isOnTime(took, headSeconds);
  }
}, { connections: 200 });

hostile('a body that drips', theServer, async () => {
  const withLength = post('Content-Length: 1000\r\n');
  const chunked = post('Transfer-Encoding: chunked\r\n', '3E8\r\n');
  const results = await Promise.all(
    [withLength, chunked].map((head) => attack(server, drip(head, 'x'.repeat(1_000), 50))),
  );
  for (const { statuses, took } of results) {
    assert.deepEqual(statuses, [408]);
    isOnTime(took, bodySeconds);
  }
});

hostile('an idle connection after its answer', theServer, async () => {
  const { statuses, took } = await attack(server, 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual(statuses, [200]);
  isOnTime(took, idleSeconds);
});

hostile('1 GiB announced', theServer, async () => {
  for (const headers of ['', 'Expect: 100-continue\r\n']) {
    const { statuses, took } = await attack(server, post(`${headers}Content-Length: 1073741824\r\n`));
    assert.deepEqual(statuses, [413]);
    assert.ok(took < bodySeconds * 1_000, `answered after ${took} ms`);
  }
});

hostile('1 GiB announced and sent', theServer, async () => {
  let sent = 0;
  const { statuses } = await attack(server, async (send, isEnded) => {
    await send(post('Content-Length: 1073741824\r\n'));
    for (; sent < 256 * mebi && !isEnded(); sent += mebi) await send(Buffer.alloc(mebi));
  });
  // The connection may be cut before the answer is read: this client went on writing.
  assert.ok(statuses.every((status) => status === 413));
});

hostile('an endless chunked body', theServer, async () => {
  const chunk = `10000\r\n${'x'.repeat(64 * kibi)}\r\n`;
  let sent = 0;
  const { statuses } = await attack(server, async (send, isEnded) => {
    await send(post('Transfer-Encoding: chunked\r\n'));
    for (; sent < 256 * mebi && !isEnded(); sent += chunk.length) {
      await send(chunk);
      await sleep(1);
    }
  });
  assert.ok(statuses.every((status) => status === 413));
  assert.ok(sent < 256 * mebi, 'the server took it all');
}, { extraBytes: mebi });

hostile('endless chunk extensions, trailers and chunk sizes', theServer, async () => {
  const endless = [
    `1;${'x'.repeat(100_000)}`, `1;${'a=b;'.repeat(30_000)}`, `0\r\nX-Trailer: ${'x'.repeat(100_000)}`,
    `0\r\n${'X: y\r\n'.repeat(20_000)}`, '0'.repeat(100_000),
  ];
  for (const body of endless) {
    const { statuses } = await attack(server, post('Transfer-Encoding: chunked\r\n', body));
    assert.equal(statuses.length, 1, body.slice(0, 20));
    assert.ok([400, 413, 431].includes(statuses[0]), `${body.slice(0, 20)}: ${statuses}`);
  }
});

hostile('5,000 headers, 1 MiB of header, long request lines', theServer, async () => {
  const get = (target, headers) => `GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
  await isAnswered(get('/healthz', 'X-A: b\r\n'.repeat(5_000)), 431);
  await isAnswered(get('/healthz', `X-A: ${'b'.repeat(mebi)}\r\n`), 431);
  await isAnswered(get('/healthz', `${'a'.repeat(mebi)}: b\r\n`), 431);
  await isAnswered(get(`/${'a'.repeat(9_000)}`, ''), 414);
  await isAnswered(get(`/${'a'.repeat(mebi)}`, ''), 414);
  await isAnswered(get('/healthz', `Cookie: ${'a=b; '.repeat(10_000)}\r\n`), 431);
});

const publish = (() => {
  const body = '{"channel":"smuggled","event":"e"}';
  return post(`Content-Length: ${body.length}\r\n`, body);
})();
const chunkedEnd = '0\r\n\r\n';

/// Heads that one reader ends elsewhere than another; behind each stands a whole request.
const shapes = [
  ['both lengths', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', chunkedEnd)],
  ['both lengths, the other way', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', chunkedEnd)],
  ['two lengths', post('Content-Length: 0\r\nContent-Length: 5\r\n')],
  ['two equal lengths', post('Content-Length: 0\r\nContent-Length: 0\r\n')],
  ['a list of lengths', post('Content-Length: 0, 0\r\n')],
  ['a signed length', post('Content-Length: +0\r\n')],
  ['a negative length', post('Content-Length: -1\r\n')],
  ['a length in hex', post('Content-Length: 0x0\r\n')],
  ['a length with a blank', post('Content-Length: 0 0\r\n')],
  ['no length', post('Content-Length:\r\n')],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', chunkedEnd)],
  ['two encodings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', chunkedEnd)],
  ['identity', post('Transfer-Encoding: identity\r\n')],
  ['gzip before chunked', post('Transfer-Encoding: gzip, chunked\r\n', chunkedEnd)],
  ['xchunked', post('Transfer-Encoding: xchunked\r\n', chunkedEnd)],
  ['chunked with a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', chunkedEnd)],
  ['chunked in quotes', post('Transfer-Encoding: "chunked"\r\n', chunkedEnd)],
  ['a blank before the colon', post('Content-Length : 0\r\n')],
  ['a tab before the colon', post('Transfer-Encoding\t: chunked\r\n', chunkedEnd)],
  ['a folded line', post('X-A: b\r\n Content-Length: 5\r\n')],
  ['a blank before the name', post(' Content-Length: 5\r\n')],
  ['a bare line feed', post('X-A: b\nContent-Length: 0\r\n')],
  ['a bare carriage return', post('X-A: b\rContent-Length: 0\r\n')],
  ['NUL in a value', post('X-A: \0\r\n')],
  ['NUL in a name', post('X-\0: a\r\n')],
  ['a line feed at the end of the head', 'GET /healthz HTTP/1.1\nHost: a\n\n'],
  ['no name', post(': a\r\n')],
  ['no colon', post('Content-Length\r\n')],
  ['chunk size overflow', post('Transfer-Encoding: chunked\r\n', '10000000000000000\r\n')],
  ['negative chunk size', post('Transfer-Encoding: chunked\r\n', '-1\r\n')],
  ['chunk size with a prefix', post('Transfer-Encoding: chunked\r\n', '0x0\r\n\r\n')],
  ['chunk size with a blank', post('Transfer-Encoding: chunked\r\n', ' 0\r\n\r\n')],
  ['no chunk size', post('Transfer-Encoding: chunked\r\n', '\r\n\r\n')],
  ['a chunk line with a bare line feed', post('Transfer-Encoding: chunked\r\n', '0\n\n')],
  ['a chunk extension with a bare line feed', post('Transfer-Encoding: chunked\r\n', '0;a\nb\r\n\r\n')],
  ['chunk data that is longer than its size', post('Transfer-Encoding: chunked\r\n', '1\r\nab\r\n0\r\n\r\n')],
  ['chunk data without an end', post('Transfer-Encoding: chunked\r\n', '1\r\na0\r\n\r\n')],
  ['no host', 'GET /healthz HTTP/1.1\r\n\r\n'],
  ['two hosts', 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ['a malformed host', 'GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n'],
  ['an upgrade with a body', 'GET /ws?user_id=a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\n'],
  ['chunked in HTTP/1.0', 'POST /api/event HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' + chunkedEnd],
];

hostile('smuggled requests', theServer, async () => {
  const witness = await RawClient.open(server);
  await witness.sendText({ type: 'subscribe', channel: 'smuggled', listen: ['broadcast'], id: 1 });
  await witness.nextJson();
  for (const [name, request] of shapes) {
    const { statuses, text } = await attack(server, Buffer.from(request + publish, 'latin1'));
    assert.deepEqual(statuses, [400], `${name}: ${text.slice(0, 200)}`);
  }
  // The witness hears what is honest, so it would have heard the others.
  const honest = await fetch(`${server.url}/api/event`, {
    method: 'POST',
    body: '{"channel":"smuggled","event":"honest"}',
  });
  assert.equal(honest.status, 200);
  assert.equal((await witness.nextJson()).event, 'honest');
  witness.drop();
});

hostile('a request within the body of another', theServer, async () => {
  const witness = await RawClient.open(server);
  await witness.sendText({ type: 'subscribe', channel: 'smuggled', listen: ['broadcast'], id: 1 });
  await witness.nextJson();
  const request = post(`Connection: close\r\nContent-Length: ${publish.length}\r\n`, publish);
  const { statuses } = await attack(server, request);
  assert.deepEqual(statuses, [400]);
  await witness.sendText({ type: 'ping', id: 'still nothing' });
  assert.equal((await witness.nextJson()).type, 'pong');
  witness.drop();
});

hostile('frames and requests behind a refused upgrade', theServer, async () => {
  const refused =
    'GET /ws?user_id=a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n';
  const frame = Buffer.from('818500000000', 'hex');
  const { statuses } = await attack(server, Buffer.concat([Buffer.from(refused), frame]));
  assert.ok(!statuses.includes(101) && statuses[0] === 400, `${statuses}`);
});

hostile('malformed Host and Origin on an upgrade', theServer, async () => {
  for (const header of ['Host: [::', 'Host: a:b:c', 'Origin: http://[', 'Origin: \xff\xfe', 'Origin: ' + ':'.repeat(4_000)]) {
    const host = header.startsWith('Host') ? '' : 'Host: a\r\n';
    const request =
      `GET /ws?user_id=a HTTP/1.1\r\n${host}${header}\r\nUpgrade: websocket\r\nConnection: close\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n';
    const { statuses } = await attack(server, Buffer.from(request, 'latin1'));
    assert.equal(statuses.length, 1);
    assert.ok([400, 403, 426].includes(statuses[0]), `${header.slice(0, 20)}: ${statuses}`);
  }
});

const pipelined = (count) => 'GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(count);

hostile('40,000 pipelined requests from a client that reads nothing', theServer, async () => {
  const socket = connect({ host: '127.0.0.1', port: server.port });
  socket.on('error', () => {});
  socket.pause();
  socket.write(pipelined(40_000));
  await sleep(1_000);
  socket.destroy();
}, { extraBytes: mebi });

hostile('300 pipelined requests from a client that reads late', theServer, async () => {
  const socket = connect({ host: '127.0.0.1', port: server.port });
  socket.pause();
  socket.write(pipelined(299) + 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await sleep(500);
  let text = '';
  for await (const chunk of socket.setEncoding('latin1')) text += chunk;
  assert.equal(text.match(/HTTP\/1\.1 200 /g).length, 300);
}, { extraBytes: mebi });
