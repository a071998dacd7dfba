// SPDX-License-Identifier: Apache-2.0
// Other people's clients: Python's `websockets`, curl's HTTP, Node's own fetch.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect } from './support/client.mjs';
import { curl } from './support/http.mjs';
import { noPython, runPython } from './support/python.mjs';
import { startServer } from './support/server.mjs';

describe('other clients', { timeout: 120_000 }, () => {
  let server;

  before(async () => {
    server = await startServer({ env: { MESSAGE_RATE: '0' } });
  });
  after(() => server?.stop());

  test('Python websockets', { skip: noPython }, () => runPython(server));

  test('fetch publishes, with its keep-alive and content type', async () => {
    const client = await connect(server, { user: 'alice' });
    await client.subscribe('fetched');
    for (let i = 0; i < 20; ++i) {
      const response = await fetch(`${server.url}/api/event`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ channel: 'fetched', payload: i }),
      });
      assert.equal(response.status, 200);
      assert.equal((await response.json()).status, 'ok');
    }
    const heard = await client.takeMany(20, { type: 'broadcast' });
    assert.deepEqual(heard.map((message) => message.payload), Array.from({ length: 20 }, (_, i) => i));
    client.socket.terminate();
  });

  test('curl asks for an upgrade and is told the verdict', async () => {
    const { stdout } = await curl('-i', `${server.url}/ws`);
    assert.match(stdout, /^HTTP\/1\.1 400 /);
    assert.match(stdout, /missing user_id/);
    const good = await curl('-i', `${server.url}/ws?user_id=alice`);
    assert.match(good.stdout, /^HTTP\/1\.1 426 /);
    assert.match(good.stdout, /^Upgrade: websocket/im);
  });
});
