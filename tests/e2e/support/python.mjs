// SPDX-License-Identifier: Apache-2.0
// Python's `websockets`, where it is installed.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const python = process.env.PYTHON ?? '/usr/bin/python3';

/// False, or why nothing can be tried with it.
export const noPython =
  spawnSync(python, ['-c', 'import websockets']).status === 0
    ? false
    : `${python} has no module websockets (Debian: python3-websockets)`;

/// Runs python_client.py against `server`, with further arguments, and demands its "ok".
export async function runPython(server, ...args) {
  const url = `${server.url.replace(/^http/, 'ws')}/ws`;
  const script = join(import.meta.dirname, '..', 'python_client.py');
  const { error, stdout, stderr } = await new Promise((resolve) => {
    execFile(python, [script, url, ...args], { timeout: 90_000 }, (failure, out, text) =>
      resolve({ error: failure, stdout: out, stderr: text }),
    );
  });
  assert.equal(error, null, stderr);
  assert.equal(stdout, 'ok\n');
}
