// SPDX-License-Identifier: Apache-2.0
// Other people's clients: Python's `websockets`, curl's HTTP, Node's own fetch.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { join } from 'node:path';
import { connect } from './support/client.mjs';
import { curl } from './support/http.mjs';
import { startServer } from './support/server.mjs';

const python = process.env.PYTHON ?? '/usr/bin/python3';
const noPython =
  spawnSync(python, ['-c', 'import websockets']).status === 0
    ? false
    : `${python} has no module websockets (Debian: python3-websockets)`;

describe('other clients', { timeout: 120_000 }, () => {
  let server;

  before(async () => {
    server = await startServer({ env: { MESSAGE_RATE: '0' } });
  });
  after(() => server?.stop());

  test('Python websockets', { skip: noPython }, async () => {
    const url = `${server.url.replace(/^http/, 'ws')}/ws`;
    const script = join(import.meta.dirname, 'python_client.py');
    const { error, stdout, stderr } = await new Promise((resolve) => {
      execFile(python, [script, url], { timeout: 90_000 }, (failure, out, text) =>
        resolve({ error: failure, stdout: out, stderr: text }),
      );
    });
    assert.equal(error, null, stderr);
    assert.equal(stdout, 'ok\n');
  });

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
