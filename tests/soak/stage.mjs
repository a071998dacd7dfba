// SPDX-License-Identifier: Apache-2.0
// What a soak runs against: a Redis and two gateways, the first with TLS. The faults it knows are
// Redis's restart, a crash of the second gateway, and new certificates.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, eventually } from '../e2e/support/client.mjs';
import { becomesReady, logHolds, presence, roster, startGateway } from '../e2e/support/gateways.mjs';
import { post } from '../e2e/support/http.mjs';
import { readMetrics } from '../e2e/support/metrics.mjs';
import { startRedis } from '../e2e/support/redis.mjs';
import { rooms } from './load.mjs';

const awayMs = 2_000;
const settings = {
  SHARDS: '2',
  METRICS_ADDR: '127.0.0.1:0',
  PRESENCE_TTL_SECONDS: String(presence.ttlMs / 1000),
  PRESENCE_LOST_GRACE_MS: '1000',
  PING_SECONDS: '3',
  PONG_SECONDS: '3',
  OUTBOX_BYTES: '262144',
};

export async function startStage(certificates) {
  const redis = await startRedis();
  const tls = {
    TLS_CERT_FILE: join(certificates, 'cert.pem'),
    TLS_KEY_FILE: join(certificates, 'key.pem'),
  };
  const gateways = [
    await startGateway(redis.address, { ...settings, ...tls }),
    await startGateway(redis.address, settings),
  ];
  const stage = new Stage(redis, gateways);
  await stage.recovers();
  return stage;
}

class Stage {
  gateways; // the second one changes
  #redis;
  #ended = []; // what ended gateways have logged

  constructor(redis, gateways) {
    this.#redis = redis;
    this.gateways = gateways;
  }

  /// What every gateway has logged so far, those that were killed included.
  log() {
    return [...this.#ended, ...this.gateways.map((gateway) => gateway.stderr)].join('');
  }

  async restartRedis() {
    await this.#redis.stop();
    await sleep(awayMs);
    await this.#redis.start();
    await this.recovers();
  }

  async replaceGateway() {
    const { port } = this.gateways[1];
    await this.gateways[1].kill();
    this.#ended.push(this.gateways[1].stderr);
    this.gateways[1] = await startGateway(this.#redis.address, settings, { port });
    await this.recovers();
  }

  async reloadCertificate() {
    const [gateway] = this.gateways;
    const reloads = () => gateway.stderr.split('certificate reloaded').length;
    const before = reloads();
    for (const each of this.gateways) each.signal('SIGHUP');
    await eventually(() => reloads() > before, 'the certificate is reloaded');
  }

  /// All are ready, and what is published through each is heard on each.
  async recovers() {
    await Promise.all(this.gateways.map(becomesReady));
    const listeners = await Promise.all(this.gateways.map((each) => connect(each, { user: 'probe' })));
    await Promise.all(listeners.map((listener) => listener.subscribe('probe')));
    for (const { url, port } of this.gateways) {
      await eventually(async () => {
        await post(url, '/api/event', { channel: 'probe', event: String(port), payload: null });
        return listeners.every((listener) => listener.drain({ event: String(port) }).length > 0);
      }, 'publications are heard on all gateways');
    }
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  /// Waits until nobody is present and no connection is left but the one that asks. Answers who is
  /// present all the same, `room: user`.
  async empties() {
    const isLeft = async () => (await this.#present()).length === 0;
    await eventually(isLeft, 'nobody is present').catch(() => {}); // told by the answer
    const ghosts = await this.#present();
    for (const gateway of this.gateways) {
      const isEmpty = async () => (await readMetrics(gateway))('roomcast_connections') === 1;
      await eventually(isEmpty, 'all connections have ended');
    }
    return ghosts;
  }

  async stop() {
    for (const gateway of this.gateways) {
      assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
    }
    await this.#redis.remove();
  }

  async #present() {
    const asked = this.gateways.flatMap((gateway) =>
      rooms.map(async (room) => {
        const users = (await roster(gateway, room)) ?? ['cannot tell'];
        return users.map((user) => `${room}: ${user}`);
      }),
    );
    return (await Promise.all(asked)).flat();
  }
}
