// SPDX-License-Identifier: Apache-2.0
// The load of a soak: clients that come, talk and go in every way there is, and HTTP publishes.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../e2e/support/client.mjs';
import { joins } from '../e2e/support/gateways.mjs';
import { post } from '../e2e/support/http.mjs';

const clientsAtOnce = 60;
const publishEveryMs = 25;
const between = (least, most) => least + Math.floor(Math.random() * (most - least));
const oneOf = (list) => list[between(0, list.length)];

export const rooms = Array.from({ length: 20 }, (_, i) => `room-${i}`);
const heavy = 'heavy'; // what the slow readers listen to

/// `gateways` may change its members while the load runs.
export class Load {
  counts = { clients: 0, heard: 0, published: 0, refused: 0 };
  /// Why clients or publishes failed while no fault explained it.
  surprises = [];
  #faults = { begun: 0, ended: 0 };
  #gateways;
  #isStopped = false;
  #lanes;
  #silent = new Set();

  constructor(gateways) {
    this.#gateways = gateways;
    const lanes = Array.from({ length: clientsAtOnce }, () => this.#repeat(() => this.#liveOneLife()));
    this.#lanes = [...lanes, this.#repeat(() => this.#publish())];
  }

  /// While `fault` runs, and for those whom it met, failures are no surprise.
  async during(fault) {
    ++this.#faults.begun;
    await fault();
    ++this.#faults.ended;
  }

  /// All have left when this answers, but for those who have fallen silent.
  async stop() {
    this.#isStopped = true;
    await Promise.all(this.#lanes);
  }

  /// Ends the sockets of those whom the gateways have given up.
  forgetSilent() {
    for (const client of this.#silent) client.socket.terminate();
  }

  async #repeat(work) {
    while (!this.#isStopped) {
      const { ended } = this.#faults;
      try {
        await work();
      } catch (error) {
        ++this.counts.refused;
        if (this.#faults.begun === ended) this.surprises.push(error.message);
        await sleep(200);
      }
    }
  }

  async #liveOneLife() {
    const client = await connect(oneOf(this.#gateways), { user: `user-${between(0, 200)}` });
    ++this.counts.clients;
    try {
      if (between(0, 30) === 0) return await this.#readSlowly(client);
      const room = oneOf(rooms);
      await client.subscribe(room, ['broadcast', 'presence']);
      if (between(0, 3) > 0) await joins(client, room, { mood: 'good' });
      await this.#talk(client, room);
      await this.#leave(client, room);
    } catch (error) {
      client.socket.terminate();
      throw error;
    }
  }

  async #talk(client, room) {
    const end = performance.now() + between(200, 6_000);
    while (performance.now() < end && !this.#isStopped) {
      await client.broadcast(room, 'x'.repeat(between(0, 10) === 0 ? 30_000 : between(1, 500)));
      this.counts.heard += client.drain({ type: 'broadcast' }).length;
      client.drain();
      client.frames.length = 0;
      await sleep(between(50, 500));
    }
  }

  async #leave(client, room) {
    switch (between(0, 4)) {
      case 0:
        await client.request({ type: 'presence_leave', channel: room });
        return client.close();
      case 1:
        return client.close();
      case 2:
        return client.terminate();
      default:
        return this.#fallSilent(client);
    }
  }

  async #readSlowly(client) {
    await client.subscribe(heavy);
    this.#fallSilent(client);
  }

  /// Neither reads nor answers any more, and does not close: a pulled cable.
  #fallSilent(client) {
    client.socket.pause();
    client.socket._socket.pause();
    this.#silent.add(client);
  }

  async #publish() {
    await sleep(publishEveryMs);
    const isHeavy = between(0, 2) === 0;
    const { status } = await post(oneOf(this.#gateways).url, '/api/event', {
      channel: isHeavy ? heavy : oneOf(rooms),
      event: 'published',
      payload: 'y'.repeat(isHeavy ? 60_000 : 200),
    });
    if (status !== 200) throw new Error(`a publish was answered with ${status}`);
    ++this.counts.published;
  }
}
