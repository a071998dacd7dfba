// SPDX-License-Identifier: Apache-2.0
// Memory is given back: however many connections have come and gone, the process is as large as
// after the first of them.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { makeCertificate } from './support/certificate.mjs';
import { eventually } from './support/client.mjs';
import { dismissCrowd, openCrowd } from './support/crowd.mjs';
import { isSanitized } from './support/gateways.mjs';
import { readMetrics } from './support/metrics.mjs';
import { descriptorCount, descriptorLimit, residentBytes } from './support/process.mjs';
import { startServer } from './support/server.mjs';

// What the allocator may keep; 26 bytes for each plain connection that has come and gone.
const mostGrowth = 2 * 1024 * 1024;
const rounds = isSanitized ? 3 : 10;

describe('memory after crowds have come and gone', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomcast-memory-'));
  let server;

  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /// Opens and closes `count` connections again and again, and bounds the growth from the second
  /// round to the last.
  const staysFlat = async (count, tls = {}) => {
    const ca = tls.TLS_CERT_FILE && readFileSync(tls.TLS_CERT_FILE);
    server = await startServer({
      env: { METRICS_ADDR: '127.0.0.1:0', PING_SECONDS: '600', ...tls },
    });
    // The one that asks is there as well.
    const isEmpty = async () => (await readMetrics(server))('roomcast_connections') === 1;
    let files;
    const resident = [];
    for (let round = 0; round < rounds; ++round) {
      const crowd = await openCrowd(server, count, ca);
      const crowded = residentBytes(server.pid);
      dismissCrowd(crowd);
      await eventually(isEmpty, 'all connections have ended');
      resident.push(residentBytes(server.pid));
      files ??= descriptorCount(server.pid);
      if (round === 0) console.log(`memory: ${count} connections: ${(crowded / 1e6).toFixed(1)} MB`);
    }
    console.log(`memory: resident after each: ${resident.map((bytes) => (bytes / 1e6).toFixed(2))} MB`);
    await eventually(() => descriptorCount(server.pid) <= files, 'the files are closed');
    const growth = resident.at(-1) - resident[1];
    assert.ok(isSanitized || growth <= mostGrowth, `${growth} bytes more than after two rounds`);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  };

  const plain = isSanitized ? 300 : Math.min(10_000, descriptorLimit() - 500);
  const encrypted = isSanitized ? 50 : 400;

  test(`${plain} connections, ${rounds} times`, () => staysFlat(plain));

  test(`${encrypted} connections with TLS, ${rounds} times`, () => {
    makeCertificate(folder, 'any');
    return staysFlat(encrypted, {
      TLS_CERT_FILE: join(folder, 'any.pem'),
      TLS_KEY_FILE: join(folder, 'any.key'),
    });
  });
});
