// SPDX-License-Identifier: Apache-2.0
// A double of the service that roomcast replaces, as far as a Redis shows it: what it writes there,
// what it publishes, and how it reads what others do. It knows nothing of owners, sequence numbers
// and ids, and no more of the time than to renew a hash's life with each write.
import assert from 'node:assert/strict';
import { eventually } from './client.mjs';

const emptyMeta = { user_id: '', meta: null, updated_at: 0 };
const nowSeconds = () => Math.floor(Date.now() / 1000);

/// What is no message of it or of ours it passes by.
function readMessage(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export class BaseGateway {
  /// All bus messages, its own too: `{bus, text, message}`.
  heard = [];
  #calls;
  #subscription;

  constructor({ ttlSeconds = 60 } = {}) {
    this.ttlSeconds = ttlSeconds;
  }

  static async start(redis, options) {
    const gateway = new BaseGateway(options);
    gateway.#calls = await redis.connect();
    gateway.#subscription = await redis.connect();
    await gateway.#subscription.subscribe(['broadcast.*', 'presence.*'], (bus, text) => {
      const message = readMessage(text);
      if (message) gateway.heard.push({ bus, text, message });
    });
    return gateway;
  }

  stop() {
    this.#calls.close();
    this.#subscription.close();
  }

  /// The first message on `bus` that was not taken yet and has the fields of `expected`.
  take(bus, expected = {}) {
    return eventually(() => {
      const index = this.heard.findIndex((each) => each.bus === bus &&
        Object.entries(expected).every(([name, value]) => each.message[name] === value));
      return index >= 0 && this.heard.splice(index, 1)[0];
    }, `the base system hears ${JSON.stringify(expected)} on ${bus}`);
  }

  /// `payload` is JSON text, which is sent as it is; `user` is absent for what a backend has sent.
  broadcast(channel, { user, event, payload }) {
    const fields = [
      '"type":"broadcast"',
      `"channel_id":${JSON.stringify(channel)}`,
      ...(user === undefined ? [] : [`"user_id":${JSON.stringify(user)}`]),
      `"event":${JSON.stringify(event)}`,
      `"payload":${payload}`,
      `"meta":${JSON.stringify(emptyMeta)}`,
      `"ts":${Date.now()}`,
    ];
    return this.#calls.call('PUBLISH', `broadcast.${channel}`, `{${fields.join(',')}}`);
  }

  join(channel, user, meta, updatedAt) {
    return this.#put('presence_join', channel, user, meta, updatedAt);
  }

  update(channel, user, meta) {
    return this.#put('presence_update', channel, user, meta);
  }

  async leave(channel, user) {
    await this.#calls.call('HDEL', `presence:${channel}`, user);
    await this.#publish('presence_leave', channel, user, emptyMeta);
  }

  /// The users of `channel`: a map from user to `{user_id, meta, updated_at}`.
  async list(channel) {
    const fields = await this.#calls.hash(`presence:${channel}`);
    return new Map(Object.entries(fields).map(([user, text]) => {
      const entry = JSON.parse(text);
      assert.deepEqual(Object.keys(entry), ['user_id', 'meta', 'updated_at'], 'nothing else in it');
      return [user, entry];
    }));
  }

  async #put(type, channel, user, meta, updatedAt = nowSeconds()) {
    const key = `presence:${channel}`;
    const entry = { user_id: user, meta, updated_at: updatedAt };
    await this.#calls.call('MULTI');
    await this.#calls.call('HSET', key, user, JSON.stringify(entry));
    await this.#calls.call('EXPIRE', key, this.ttlSeconds);
    await this.#calls.call('EXEC');
    await this.#publish(type, channel, user, entry);
  }

  #publish(type, channel, user, meta) {
    const message = { type, channel_id: channel, user_id: user, meta, ts: Date.now() };
    return this.#calls.call('PUBLISH', `presence.${channel}`, JSON.stringify(message));
  }
}
