// SPDX-License-Identifier: Apache-2.0
// A TCP proxy that does to a link what networks do: it delays, cuts, refuses, swallows in silence,
// and says what the far end never said.
import { once } from 'node:events';
import net from 'node:net';

/// Passes everything on to `targetPort` at first. Give `port` to whoever shall be disturbed.
export async function startProxy(targetPort) {
  const proxy = new Proxy(targetPort);
  await proxy.listen(0);
  return proxy;
}

class Proxy {
  #server;
  #targetPort;
  #links = new Set();
  #isHole = false;
  #delayMs = 0;
  #forged;

  constructor(targetPort) {
    this.#targetPort = targetPort;
  }

  async listen(port) {
    this.#server = net.createServer((near) => this.#open(near)).listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
    this.address = `127.0.0.1:${this.port}`;
  }

  /// Back to a good link. Connections that lack bytes, or have some too many, are reset.
  async heal() {
    if (this.#isHole || this.#forged !== undefined) this.cut();
    this.#isHole = false;
    this.#delayMs = 0;
    this.#forged = undefined;
    if (!this.#server.listening) await this.listen(this.port);
  }

  /// What the far end says comes so much later.
  delay(ms) {
    this.#delayMs = ms;
  }

  /// Open connections stay, new ones are taken, and no byte passes any more: not even the end.
  blackHole() {
    this.#isHole = true;
  }

  /// Resets all connections.
  cut() {
    for (const link of [...this.#links]) link.end();
  }

  /// Resets all connections and refuses new ones.
  async refuse() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /// Says `bytes` in the place of all that the far end would say, on open and on new connections.
  forge(bytes) {
    this.#forged = bytes;
    for (const { near } of this.#links) near.write(bytes);
  }

  async close() {
    if (this.#server.listening) await this.refuse();
  }

  #open(near) {
    if (this.#forged !== undefined) near.write(this.#forged);
    const far = net.connect(this.#targetPort, '127.0.0.1');
    const link = {
      near,
      end: () => {
        if (!this.#links.delete(link)) return;
        near.resetAndDestroy();
        far.destroy();
      },
    };
    this.#links.add(link);
    near.setNoDelay(true);
    far.setNoDelay(true);
    near.on('data', (piece) => this.#isHole || far.write(piece));
    far.on('data', this.#towards(near));
    for (const socket of [near, far]) {
      socket.on('error', () => {}); // 'close' follows
      socket.on('close', () => this.#isHole || link.end());
    }
  }

  /// Keeps the order, also when the delay changes.
  #towards(near) {
    let last = Promise.resolve();
    return (piece) => {
      if (this.#isHole || this.#forged !== undefined) return;
      const due = new Promise((resolve) => {
        if (this.#delayMs > 0) setTimeout(resolve, this.#delayMs);
        else resolve();
      });
      last = Promise.all([last, due]).then(() => {
        if (!this.#isHole && !near.destroyed) near.write(piece);
      });
    };
  }
}
