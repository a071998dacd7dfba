// SPDX-License-Identifier: Apache-2.0
// Starts what a test of several gateways needs, and ends all of it again, the last one first.
import { startGateway, startGateways } from './gateways.mjs';
import { startProxy } from './proxy.mjs';
import { redisThatIsDown, startRedis } from './redis.mjs';

export class Stage {
  #endings = [];

  async redis(options) {
    return this.#keep(await startRedis(options), 'remove');
  }

  async redisThatIsDown() {
    return this.#keep(await redisThatIsDown(), 'remove');
  }

  async proxy(redis) {
    return this.#keep(await startProxy(redis.port), 'close');
  }

  /// All ready, and with clients that end with them.
  async gateways(addresses, env) {
    return this.#keep(await startGateways(addresses, env), 'stop');
  }

  /// It need not become ready.
  async gateway(address, env) {
    return this.#keep(await startGateway(address, env), 'stop');
  }

  async clear() {
    for (const [thing, end] of this.#endings.splice(0).reverse()) await thing[end]();
  }

  #keep(thing, end) {
    this.#endings.push([thing, end]);
    return thing;
  }
}
