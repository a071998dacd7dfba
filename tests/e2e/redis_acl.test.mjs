// SPDX-License-Identifier: Apache-2.0
// The rights that docs/operations.md gives to a Redis user are enough, and Redis refuses nothing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from './support/client.mjs';
import { becomesReady, joins, presence, rosterBecomes, startGateway, startGateways, watches } from './support/gateways.mjs';
import { post } from './support/http.mjs';
import { skipsRedis, startRedis } from './support/redis.mjs';

const manual = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/// The words of the command in the manual, for a user with `password`.
const documentedRights = (password) =>
  manual.match(/^ACL SETUSER roomcast .*$/m)[0].replace('SECRET', password).split(' ');

test('the documented Redis user can do all that gateways do', { skip: skipsRedis }, async (t) => {
  const redis = await startRedis();
  t.after(() => redis.remove());
  await redis.call(...documentedRights('app-password'));
  const address = `redis://roomcast:app-password@${redis.address}`;
  const env = { PRESENCE_TTL_SECONDS: String(presence.ttlMs / 1_000), PRESENCE_LOST_GRACE_MS: '200' };
  const gateways = await startGateways([address, address], env);
  t.after(() => gateways.stop());

  const watcher = await watches(await gateways.openVersioned(0, 'watcher'), 'room');
  await watcher.subscribe('room', ['broadcast', 'presence']);
  for (const [index, user] of [[0, 'alice'], [1, 'bob']]) {
    await joins(await gateways.open(index, user), 'room', { from: user });
  }
  await rosterBecomes(gateways[0], 'room', ['alice', 'bob']);

  const event = { channel: 'room', event: 'greeting', payload: 1 };
  const keyed = { headers: { 'Idempotency-Key': 'once' } };
  const first = await post(gateways[1].url, '/api/event', event, keyed);
  const again = await post(gateways[0].url, '/api/event', event, keyed);
  assert.equal(first.status, 200, first.body);
  assert.equal(again.json().message_id, first.json().message_id);
  await watcher.take({ type: 'broadcast', event: 'greeting' });

  // A crash, which the other one finds; its audit and snapshots run meanwhile.
  await gateways[1].kill();
  await watcher.take({ type: 'presence_leave', user_id: 'bob' });
  await rosterBecomes(gateways[0], 'room', ['alice']);

  // A hand-over: the next one takes over before the first has gone.
  const next = await startGateway(address, env);
  t.after(() => next.stop());
  await becomesReady(next);
  await gateways[0].stop();
  await eventually(
    async () => (await redis.call('HLEN', 'presence:room')) === 0,
    'those of the stopped gateway have left',
  );
  assert.deepEqual(await redis.call('ACL', 'LOG'), []);
});
