// SPDX-License-Identifier: Apache-2.0
// Redis answers, but not as it should: it says no, or what comes is no answer at all. Gateways say
// what is wrong in their log, are unready where they cannot serve, live, and heal by themselves.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, describe, test } from 'node:test';
import { eventually } from './support/client.mjs';
import {
  becomesReady, becomesUnready, isSanitized, joins, logHolds, presence, readiness,
  rosterBecomes, seconds, slackMs, timed,
} from './support/gateways.mjs';
import { get, post } from './support/http.mjs';
import { skipsRedis } from './support/redis.mjs';
import { Stage } from './support/stage.mjs';

const channel = 'room1';

describe('what Redis may say instead of yes', { timeout: 240_000, skip: skipsRedis }, () => {
  const stage = new Stage();
  afterEach(() => stage.clear());

  const publish = async (gateway, headers = {}) => {
    const { status } = await post(gateway.url, '/api/event', { channel, payload: 1 }, { headers });
    return status;
  };
  const lastLine = (gateway, pattern) =>
    gateway.stderr.split('\n').filter((line) => pattern.test(line)).at(-1)?.slice(0, 240);
  const peakMebibytes = async ({ pid }) =>
    Number(/^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  const lives = async (gateway) => assert.equal((await get(gateway.url, '/healthz')).status, 200);

  test('F10: a wrong password: the log says so, the gateway is unready, and heals when it is right',
    async (t) => {
      const redis = await stage.redis({ password: 'right' });
      const gateway = await stage.gateway(redis.address, { REDIS_PASSWORD: 'wrong' });
      await logHolds(gateway, /cannot be reached.*WRONGPASS/);
      assert.ok(!(await readiness(gateway)).isReady);
      assert.equal(await publish(gateway), 503);
      await lives(gateway);
      t.diagnostic(lastLine(gateway, /WRONGPASS/));
      assert.ok(!/wrong|right/.test(gateway.stderr), 'no password in the log');
      await redis.call('CONFIG', 'SET', 'requirepass', 'wrong');
      t.diagnostic(`ready ${seconds(await timed(() => becomesReady(gateway)))} later`);
    });

  test('F10: no password where one is wanted: the log says so', async (t) => {
    const redis = await stage.redis({ password: 'right' });
    const gateway = await stage.gateway(redis.address);
    await logHolds(gateway, /cannot be reached.*NOAUTH/);
    assert.ok(!(await readiness(gateway)).isReady);
    t.diagnostic(lastLine(gateway, /NOAUTH/));
  });

  test('F10: a Redis that loads its data: the log says so, and the gateway is ready when it is done',
    async (t) => {
      const redis = await stage.redis();
      await redis.call('EVAL', "for i = 1, 3000 do redis.call('SET', 'key' .. i, i) end", 0);
      await redis.stop({ isSaving: true });
      // A millisecond for each key, and answers in between.
      const slowly = { 'key-load-delay': 1_000, 'loading-process-events-interval-bytes': 1_024 };
      Object.assign(redis.settings, slowly);
      const gateway = await stage.gateway(redis.address);
      const started = redis.start();
      await logHolds(gateway, /cannot be reached.*LOADING/);
      assert.ok(!(await readiness(gateway)).isReady);
      assert.equal(await publish(gateway), 503);
      t.diagnostic(lastLine(gateway, /LOADING/));
      await started;
      t.diagnostic(`ready ${seconds(await timed(() => becomesReady(gateway)))} after it was loaded`);
    });

  test('F10: out of memory: what needs memory is refused and logged, the rest goes on, then heals',
    async (t) => {
      const redis = await stage.redis();
      const gateways = await stage.gateways([redis.address, redis.address], {
        PRESENCE_TTL_SECONDS: String(presence.ttlMs / 1000),
      });
      const client = await gateways.open(0, 'alice');
      await client.subscribe(channel);
      await redis.call('CONFIG', 'SET', 'maxmemory', '1');
      assert.equal(await publish(gateways[0], { 'Idempotency-Key': 'once' }), 503);
      await logHolds(gateways[0], /redis refused a publication.*OOM/);
      const answer = await joins(client, channel);
      assert.deepEqual([answer.type, answer.code], ['error', 4500]);
      await becomesUnready(gateways[0]);
      t.diagnostic(`/readyz: ${(await readiness(gateways[0])).body.trim()}`);
      t.diagnostic(lastLine(gateways[0], /OOM/));
      assert.equal(await publish(gateways[1]), 200, 'a message takes no memory of Redis');
      await client.take({ type: 'broadcast', payload: 1 });
      await redis.call('CONFIG', 'SET', 'maxmemory', '0');
      await gateways.allReady();
      assert.equal((await joins(client, channel)).type, 'ack');
      await rosterBecomes(gateways[1], channel, ['alice']);
      assert.equal(await publish(gateways[0], { 'Idempotency-Key': 'once' }), 200);
    });

  test('F10: the master becomes a replica: it is left and logged; as a master it is taken again',
    async (t) => {
      const redis = await stage.redis();
      const gateways = await stage.gateways([redis.address, redis.address]);
      const client = await gateways.openVersioned(0, 'alice');
      await client.subscribe(channel);
      await redis.call('REPLICAOF', '127.0.0.1', (await stage.redisThatIsDown()).port);
      const took = await timed(() => Promise.all(gateways.map(becomesUnready)));
      await logHolds(gateways[0], /replica|no master/);
      t.diagnostic(lastLine(gateways[0], /replica|no master/));
      assert.equal(await publish(gateways[0]), 503);
      await redis.call('REPLICAOF', 'NO', 'ONE');
      const healed = await timed(() => gateways.allReady());
      t.diagnostic(`unready after ${seconds(took)}, ready again after ${seconds(healed)}`);
      await client.take({ type: 'gap', channel });
      assert.equal(await publish(gateways[1]), 200);
      await client.take({ type: 'broadcast' });
      assert.equal((await joins(client, channel)).type, 'ack');
    });

  const rights = ['on', '>secret', '~*', '&rc.*', '&presence.*', '+@all'];

  test('F10: an ACL without the channels of broadcasts: refused, logged, healed by a right', async (t) => {
    const redis = await stage.redis();
    await redis.call('ACL', 'SETUSER', 'gateway', ...rights);
    const gateway = await stage.gateway(`redis://gateway:secret@${redis.address}`);
    await becomesReady(gateway);
    assert.equal(await publish(gateway), 503);
    await logHolds(gateway, /redis refused a publication.*NOPERM/);
    t.diagnostic(lastLine(gateway, /NOPERM/));
    await redis.call('ACL', 'SETUSER', 'gateway', '&broadcast.*');
    assert.equal(await publish(gateway), 200);
    assert.ok(!gateway.stderr.includes('secret'));
  });

  test('F10: an ACL without the scripts of presence: unready with a line that says why', async (t) => {
    const redis = await stage.redis();
    await redis.call('ACL', 'SETUSER', 'gateway', ...rights, '&broadcast.*', '-evalsha', '-eval');
    const gateway = await stage.gateway(`redis://gateway:secret@${redis.address}`);
    await logHolds(gateway, /NOPERM/);
    assert.ok(!(await readiness(gateway)).isReady);
    t.diagnostic(lastLine(gateway, /NOPERM/));
    await redis.call('ACL', 'SETUSER', 'gateway', '+evalsha', '+eval');
    await becomesReady(gateway);
  });

  test('F10: /readyz is red within 10 s of the moment when Redis takes no writes', async (t) => {
    const redis = await stage.redis();
    const gateways = await stage.gateways([redis.address]); // with the default lease, of 30 s
    await redis.call('CONFIG', 'SET', 'maxmemory', '1');
    const took = await timed(() => becomesUnready(gateways[0]));
    assert.ok(took < 10_000 + slackMs(), `${took} ms`);
    assert.match((await readiness(gateways[0])).body, /presence store/);
    await logHolds(gateways[0], /OOM/);
    await redis.call('CONFIG', 'SET', 'maxmemory', '0');
    t.diagnostic(`unready after ${seconds(took)}, ` +
      `ready again after ${seconds(await timed(() => becomesReady(gateways[0])))}`);
  });

  const garbage = {
    'noise': randomBytes(4_096),
    'HTTP': 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n',
    'a bulk string of a terabyte': '$1099511627776\r\nx',
    'an array of a billion': '*1000000000\r\n:1\r\n',
    'endless nesting': '*1\r\n'.repeat(200_000),
    'a line without an end': `+${'x'.repeat(300_000)}`,
    'answers to nothing': ':1\r\n'.repeat(1_000),
    'a map as a push without a channel': '>1\r\n$7\r\nmessage\r\n',
    'a negative length': '$-9\r\n',
    'an error before any command': '-ERR max number of clients reached\r\n',
  };

  test('F11: garbage in place of answers: the connection is dropped, the gateway lives and comes back',
    async (t) => {
      const redis = await stage.redis();
      const proxy = await stage.proxy(redis);
      const gateways = await stage.gateways([proxy.address, redis.address]);
      const client = await gateways.openVersioned(0, 'alice');
      await client.subscribe(channel);
      const times = [];
      for (const [name, bytes] of Object.entries(garbage)) {
        proxy.forge(bytes);
        await becomesUnready(gateways[0]);
        await lives(gateways[0]);
        await proxy.heal();
        times.push(await timed(() => becomesReady(gateways[0])));
        t.diagnostic(`${name}: ready again after ${seconds(times.at(-1))}`);
        client.drain();
        await eventually(async () => {
          await publish(gateways[1]);
          return client.drain({ type: 'broadcast' }).length > 0;
        }, 'publications flow');
      }
      const peak = await peakMebibytes(gateways[0]);
      t.diagnostic(`peak memory ${peak.toFixed(0)} MiB`);
      assert.ok(isSanitized || peak < 128, 'nothing is allocated because a length was announced');
      assert.equal(client.socket.readyState, client.socket.OPEN);
    });
});
