// SPDX-License-Identifier: Apache-2.0
// A server's life for its operator: stopping gently and at once, coming back, readiness, logs.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, eventually } from './support/client.mjs';
import { get, post } from './support/http.mjs';
import { startServer } from './support/server.mjs';

/// Runs `body` with a server and stops that whatever happens.
async function withServer(options, body) {
  const server = await startServer(options);
  try {
    return await body(server);
  } finally {
    await server.stop();
  }
}

const openMany = (server, count) =>
  Promise.all(Array.from({ length: count }, (_, i) => connect(server, { user: `user-${i}` })));

describe('stopping', { timeout: 120_000 }, () => {
  test('SIGTERM and SIGINT close clients with 1012 and exit 0', async () => {
    for (const signal of ['SIGTERM', 'SIGINT']) {
      await withServer({}, async (server) => {
        const clients = await openMany(server, 5);
        server.signal(signal);
        for (const client of clients) {
          const { code, reason } = await client.closed;
          assert.equal(code, 1012);
          assert.match(reason, /reconnect/);
        }
        assert.deepEqual(await server.exited, { code: 0, signal: null });
      });
    }
  });

  test('closes are spread over the time that is set', async () => {
    await withServer({ env: { DRAIN_SECONDS: '3' } }, async (server) => {
      const clients = await openMany(server, 400);
      const began = Date.now();
      server.signal('SIGTERM');
      const ends = await Promise.all(
        clients.map(async (client) => {
          assert.equal((await client.closed).code, 1012);
          return Date.now() - began;
        }),
      );
      assert.deepEqual(await server.exited, { code: 0, signal: null });
      ends.sort((a, b) => a - b);
      assert.ok(ends.at(-1) >= 1500, `the last one was closed after ${ends.at(-1)} ms`);
      const perQuarter = [0, 1, 2, 3].map(
        (quarter) => ends.filter((end) => Math.min(3, Math.floor(end / 750)) === quarter).length,
      );
      assert.ok(Math.max(...perQuarter) <= 300, `closed per quarter: ${perQuarter}`);
    });
  });

  test('DRAIN_SECONDS=0 closes all at once', async () => {
    await withServer({ env: { DRAIN_SECONDS: '0' } }, async (server) => {
      const clients = await openMany(server, 50);
      server.signal('SIGTERM');
      for (const client of clients) assert.equal((await client.closed).code, 1012);
      assert.equal((await server.exited).code, 0);
    });
  });

  test('what was accepted is delivered before the close', async () => {
    await withServer({}, async (server) => {
      const [reader, writer] = await openMany(server, 2);
      await reader.subscribe('last words');
      const payload = 'x'.repeat(1000);
      const acks = [];
      for (let i = 0; i < 300; ++i) acks.push(writer.broadcast('last words', [i, payload]));
      await Promise.all(acks);
      server.signal('SIGTERM');
      assert.equal((await reader.closed).code, 1012);
      const heard = reader.drain({ type: 'broadcast' }).map((message) => message.payload[0]);
      assert.deepEqual(heard, Array.from({ length: 300 }, (_, i) => i));
    });
  });

  test('leaves are announced to those still connected', async () => {
    await withServer({ env: { DRAIN_SECONDS: '3' } }, async (server) => {
      const clients = await openMany(server, 100);
      const events = new Map(clients.map((client) => [client, new Set()]));
      for (const client of clients) {
        client.socket.on('message', (bytes) => {
          const message = JSON.parse(bytes.toString());
          if (message.type === 'presence_leave') events.get(client).add(message.user_id);
        });
        await client.subscribe('room1', ['presence']);
        await client.request({ type: 'presence_join', channel: 'room1' });
      }
      const order = [];
      for (const client of clients) client.closed.then(() => order.push(client));
      server.signal('SIGTERM');
      await server.exited;
      await Promise.all(clients.map((client) => client.closed));
      const heardByLast = Math.max(...order.slice(-10).map((client) => events.get(client).size));
      assert.ok(heardByLast >= 50, `one of the last to go heard of ${heardByLast} leaves`);
    });
  });

  test('a second signal ends it at once with 130', async () => {
    await withServer({ env: { DRAIN_SECONDS: '600', DRAIN_DELAY_SECONDS: '600' } }, async (server) => {
      const [client] = await openMany(server, 1);
      server.signal('SIGTERM');
      await eventually(async () => (await get(server.url, '/readyz')).status === 503, 'it drains');
      server.signal('SIGTERM');
      assert.deepEqual(await server.exited, { code: 130, signal: null });
      await client.closed;
    });
  });

  test('unready at once, still serving for DRAIN_DELAY_SECONDS', async () => {
    await withServer({ env: { DRAIN_DELAY_SECONDS: '2' } }, async (server) => {
      const [client] = await openMany(server, 1);
      const began = Date.now();
      server.signal('SIGTERM');
      const unready = await eventually(async () => {
        const answer = await get(server.url, '/readyz');
        return answer.status === 503 && answer;
      }, 'unready');
      assert.match(unready.body, /draining/);
      assert.equal((await get(server.url, '/healthz')).status, 200);
      const late = await connect(server, { user: 'late' });
      await late.subscribe('room1');
      assert.equal((await post(server.url, '/api/event', { channel: 'room1' })).status, 200);
      await late.take({ type: 'broadcast' });
      for (const each of [client, late]) assert.equal((await each.closed).code, 1012);
      assert.ok(Date.now() - began >= 1900);
      assert.equal((await server.exited).code, 0);
    });
  });

  test('it comes back on the same port at once', async () => {
    let port = 0;
    for (let round = 0; round < 3; ++round) {
      await withServer({ port }, async (server) => {
        port = server.port;
        const clients = await openMany(server, 20);
        assert.equal((await clients[0].broadcast('room1', round)).type, 'ack');
        if (round === 1) await server.kill();
      });
    }
  });

  test('a client that does not answer its close frame does not hold the exit up', async () => {
    await withServer({ env: { CLOSE_WAIT_SECONDS: '1' } }, async (server) => {
      const [client] = await openMany(server, 1);
      client.socket.pause();
      server.signal('SIGTERM');
      assert.equal((await server.exited).code, 0);
      client.socket.terminate();
    });
  });
});

describe('logs', { timeout: 60_000 }, () => {
  const lines = (text) => text.split('\n').filter((line) => line !== '');

  test('JSON lines parse, and name level, time and message', async () => {
    const env = { LOG_FORMAT: 'json', LOG_LEVEL: 'debug' };
    const server = await startServer({ env });
    await (await connect(server, { user: 'alice' })).close();
    await connect(server, {}).catch(() => {});
    await server.stop();
    const entries = lines(server.stderr).map((line) => JSON.parse(line));
    assert.ok(entries.length >= 3, server.stderr);
    for (const entry of entries) {
      assert.match(entry.level, /^(debug|info|warn|error)$/);
      assert.equal(typeof (entry.message ?? entry.msg), 'string', JSON.stringify(entry));
      assert.ok(!Number.isNaN(Date.parse(entry.time ?? entry.ts)), JSON.stringify(entry));
    }
    assert.match(server.stderr, /missing user_id/, 'a refused upgrade is told with its reason');
    assert.match(server.stdout, /^ready addr=127\.0\.0\.1:\d+\n$/);
  });

  test('LOG_FORMAT=text is for people, auto is JSON where there is no terminal', async () => {
    await withServer({ env: { LOG_FORMAT: 'text' } }, async (server) => {
      await eventually(() => lines(server.stderr).length > 0);
      assert.throws(() => JSON.parse(lines(server.stderr)[0]));
    });
    await withServer({}, async (server) => {
      await eventually(() => lines(server.stderr).length > 0);
      JSON.parse(lines(server.stderr)[0]);
    });
  });

  test('LOG_LEVEL leaves out what is less important', async () => {
    const server = await startServer({ env: { LOG_LEVEL: 'error' } });
    await connect(server, {}).catch(() => {});
    await server.stop();
    assert.equal(server.stderr, '');
  });

  test('names from outside cannot forge a line', async () => {
    for (const format of ['text', 'json']) {
      const server = await startServer({ env: { LOG_FORMAT: format, LOG_LEVEL: 'debug' } });
      const forged = 'x\n{"level":"error"}\u001b[31m';
      await connect(server, { user: forged }).catch(() => {});
      await server.stop();
      for (const line of lines(server.stderr)) {
        assert.ok(!line.startsWith('{"level":"error"}'), line);
        assert.ok(!line.includes('\u001b'), line);
      }
    }
  });
});
