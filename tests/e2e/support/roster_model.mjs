// SPDX-License-Identifier: Apache-2.0
// Rule 5 of presence (docs/protocol.md section 3.3) as a model: what a connection is told adds up,
// and no event contradicts what was said before.
import assert from 'node:assert/strict';

/// What one connection was told about one channel: a map from user to the text of the meta.
export class Replica {
  users;

  apply(message) {
    const meta = message.meta === undefined ? 'null' : JSON.stringify(message.meta);
    switch (message.type) {
      case 'presence_sync':
        this.users = new Map(message.users.map((u) => [u.user_id, JSON.stringify(u.meta)]));
        assert.equal(this.users.size, message.users.length, 'a user is in a sync once');
        return;
      case 'presence_join':
        assert.ok(this.users, 'the sync comes before any event');
        assert.ok(!this.users.has(message.user_id), `${message.user_id} joined twice`);
        return this.users.set(message.user_id, meta);
      case 'presence_update':
        assert.ok(this.users?.has(message.user_id), `${message.user_id} was updated while away`);
        return this.users.set(message.user_id, meta);
      case 'presence_leave':
        assert.ok(this.users?.has(message.user_id), `${message.user_id} left twice`);
        return this.users.delete(message.user_id);
    }
  }
}

/// Holds every presence message of one connection against its replicas, from the first on; what
/// contradicts is added to `failures`. Answers a map from channel to replica.
export function replicate(client, failures) {
  const replicas = new Map();
  client.socket.on('message', (bytes) => {
    const message = JSON.parse(bytes.toString());
    if (!message.type.startsWith('presence_')) return;
    if (!replicas.has(message.channel)) replicas.set(message.channel, new Replica());
    try {
      replicas.get(message.channel).apply(message);
    } catch (error) {
      failures.push(`${message.channel}: ${error.message}`);
    }
  });
  return replicas;
}
