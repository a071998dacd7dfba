// SPDX-License-Identifier: Apache-2.0
// Several gateways on one Redis, and what tests ask of them.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { connect, connectVersioned, eventually } from './client.mjs';
import { get } from './http.mjs';
import { startServer } from './server.mjs';

export const isSanitized = process.env.ROOMCAST_SANITIZED === '1';

const lateness = monitorEventLoopDelay({ resolution: 10 });
lateness.enable();

/// What a busy machine may add to a time that the server keeps: some seconds, and a multiple of the
/// longest time by which this process's own timers were late.
export const slackMs = () => (isSanitized ? 10_000 : 3_000) + (4 * lateness.max) / 1e6;

/// The shortest times of presence that can be set, as docs/settings.md and stores/redis_context.hpp
/// have them.
export const presence = { ttlMs: 5_000, leaseMs: 2_500, beatMs: 625 };

/**
 * Starts one gateway for each address of `addresses` and waits until all are ready. `env` is for all
 * of them.
 *
 * Answers a list of servers as `startServer` does, with `open(index, user)` and
 * `openVersioned(index, user)` for clients that end with `stop()`.
 */
export async function startGateways(addresses, env = {}) {
  const gateways = new Gateways();
  for (const address of addresses) gateways.push(await startGateway(address, env));
  await gateways.allReady();
  return gateways;
}

export const startGateway = (address, env = {}, options = {}) =>
  startServer({
    ...options,
    env: { REDIS_ADDR: address, MESSAGE_RATE: '0', ...env },
  });

class Gateways extends Array {
  clients = [];

  static get [Symbol.species]() {
    return Array;
  }

  async open(index, user, options = {}) {
    return this.#keep(await connect(this[index], { user, ...options }));
  }

  async openVersioned(index, user) {
    return this.#keep(await connectVersioned(this[index], { user }));
  }

  allReady() {
    return Promise.all(this.map(becomesReady));
  }

  async stop() {
    for (const client of this.clients) client.socket.terminate();
    await Promise.all(this.map((gateway) => gateway.stop()));
  }

  #keep(client) {
    this.clients.push(client);
    return client;
  }
}

export const readiness = async (gateway) => {
  const { status, body } = await get(gateway.url, '/readyz');
  return { isReady: status === 200, body };
};

export const becomesReady = (gateway) =>
  eventually(async () => (await readiness(gateway)).isReady, 'ready');

export const becomesUnready = (gateway) =>
  eventually(async () => !(await readiness(gateway)).isReady, 'unready');

export const logHolds = (gateway, pattern) =>
  eventually(() => pattern.test(gateway.stderr), `the log says ${pattern}`);

export const joins = (client, channel, payload = {}) =>
  client.request({ type: 'presence_join', channel, payload });

/// A connection that listens to the presence of `channel`; its first sync is taken.
export async function watches(client, channel) {
  await client.subscribe(channel, ['presence']);
  client.sync = await client.take({ type: 'presence_sync', channel });
  return client;
}

/// The users on `channel` as `gateway` tells over HTTP, sorted; undefined while it cannot tell.
export async function roster(gateway, channel) {
  const answer = await get(gateway.url, `/api/channels/${encodeURIComponent(channel)}/presence`);
  if (answer.status !== 200) return undefined;
  return answer.json().users.map((user) => user.user_id).sort();
}

export const rosterBecomes = (gateway, channel, users) => {
  const wanted = JSON.stringify([...users].sort());
  return eventually(
    async () => JSON.stringify(await roster(gateway, channel)) === wanted,
    `the roster of ${channel} is ${wanted}`,
  );
};

/// Milliseconds that `work` takes.
export async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
