// SPDX-License-Identifier: Apache-2.0
// A load of known size: every figure of /metrics is what the load generator counted itself.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, connectVersioned, eventually } from './support/client.mjs';
import { get, post } from './support/http.mjs';
import { parseMetrics, readMetrics } from './support/metrics.mjs';
import { startServer } from './support/server.mjs';

const total = (samples, prefix) =>
  [...samples].filter(([name]) => name.startsWith(prefix)).reduce((sum, [, value]) => sum + value, 0);

/// Runs `body` with a server whose scrapes are on a listener of their own.
async function withServer(env, body) {
  const server = await startServer({
    env: { METRICS_ADDR: '127.0.0.1:0', PRESENCE_LEAVE_GRACE_MS: '0', MESSAGE_RATE: '0', ...env },
  });
  const clients = [];
  const open = async (user, options) => {
    clients.push(await connect(server, { user, ...options }));
    return clients.at(-1);
  };
  try {
    await body(server, open);
  } finally {
    for (const client of clients) client.socket.terminate();
    await server.stop();
  }
}

describe('metrics', { timeout: 120_000 }, () => {
  test('every line is of the Prometheus text format, and no name of a client is in it', async () => {
    await withServer({}, async (server, open) => {
      const client = await open('user-named-here');
      await client.subscribe('channel-named-here', ['broadcast', 'presence']);
      await client.request({ type: 'presence_join', channel: 'channel-named-here' });
      await client.broadcast('channel-named-here', 1, { event: 'event-named-here' });
      await client.request({ type: 'nonsense' });
      const { headers, body } = await get(server.operatorsUrl, '/metrics');
      assert.match(headers['content-type'], /^text\/plain; version=0\.0\.4/);
      const { samples, types } = parseMetrics(body);
      assert.ok(samples.size > 50 && types.size > 30, `${samples.size} samples`);
      assert.doesNotMatch(body, /named-here|127\.0\.0\.1/);
      for (const [name, type] of types) {
        assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
        if (type !== 'histogram') continue;
        const buckets = [...samples].filter(([series]) => series.startsWith(`${name}_bucket{`));
        const counts = buckets.map(([, count]) => count);
        assert.deepEqual(counts, [...counts].sort((a, b) => a - b), `${name} adds up`);
        assert.equal(counts.at(-1), samples.get(`${name}_count`), name);
        assert.match(buckets.at(-1)[0], /le="\+Inf"/);
      }
    });
  });

  test('connections, subscriptions, publications and deliveries are counted exactly', async () => {
    await withServer({}, async (server, open) => {
      const subscribers = 20;
      const channels = 5;
      const perChannel = 40;
      const clients = [];
      for (let i = 0; i < subscribers; ++i) clients.push(await open(`user-${i}`));
      for (const client of clients) {
        for (let c = 0; c < channels; ++c) {
          await client.subscribe(`channel-${c}`, c === 0 ? ['broadcast', 'presence'] : ['broadcast']);
        }
      }
      let metric = await readMetrics(server);
      assert.equal(metric('roomcast_sessions'), subscribers);
      assert.equal(metric('roomcast_connections'), subscribers + 1, 'the scrape is one');
      assert.equal(metric('roomcast_subscriptions'), subscribers * channels);
      assert.equal(metric('roomcast_channels'), channels);
      assert.equal(metric('roomcast_messages_received_total'), subscribers * channels);

      for (let i = 0; i < perChannel; ++i) {
        for (let c = 0; c < channels; ++c) await clients[i % subscribers].broadcast(`channel-${c}`, i);
      }
      const overHttp = 7;
      for (let i = 0; i < overHttp; ++i) await post(server.url, '/api/event', { channel: 'channel-1' });
      const batch = Array.from({ length: 13 }, () => ({ channel: 'channel-2' }));
      await post(server.url, '/api/events', { events: batch });
      await clients[0].broadcast('channel-1', 'quiet', { self: false });
      await clients[0].broadcast('nobody listens', 1);
      const key = { key: 'k' };
      for (let i = 0; i < 3; ++i) await clients[0].broadcast('channel-3', 'keyed', key);
      await clients[1].request({ type: 'presence_join', channel: 'channel-0' });
      await clients[2].request({ type: 'presence_join', channel: 'channel-0' });
      await clients[2].request({ type: 'presence_leave', channel: 'channel-0' });

      const heard = perChannel * channels + overHttp + batch.length + 1 + 1;
      const deliveries = heard * subscribers - 1; // all but the sender that asked for no echo
      for (const [i, client] of clients.entries()) {
        await client.takeMany(heard - (i === 0 ? 1 : 0), { type: 'broadcast' });
        await client.takeMany(2, { type: 'presence_join' });
        await client.take({ type: 'presence_leave' });
        assert.deepEqual(client.drain({ type: 'broadcast' }), []);
      }
      const webSocket = perChannel * channels + 1 + 1 + 3;
      const http = overHttp + batch.length;
      metric = await eventually(async () => {
        const read = await readMetrics(server);
        return read('roomcast_deliveries_total') >= deliveries && read;
      });
      assert.equal(metric('roomcast_deliveries_total'), deliveries);
      assert.equal(metric('roomcast_publications_received_total{source="websocket"}'), webSocket);
      assert.equal(metric('roomcast_publications_received_total{source="http"}'), http);
      assert.equal(metric('roomcast_idempotent_repeats_total'), 2);
      assert.equal(metric('roomcast_presence_deliveries_total'), 3 * subscribers);
      assert.equal(metric('roomcast_presence_members'), 1);
      assert.equal(metric('roomcast_messages_received_total'), subscribers * channels + webSocket + 3);
      assert.equal(metric('roomcast_gaps_total'), 0);
      assert.equal(metric('roomcast_mailbox_refused_total'), 0);
      assert.equal(metric('roomcast_slow_consumers_total'), 0);
      assert.equal(metric('roomcast_publish_to_socket_seconds_count') > 0, true);

      for (const client of clients.slice(0, 15)) await client.close();
      for (const client of clients.slice(15)) await client.terminate();
      metric = await eventually(async () => {
        const read = await readMetrics(server);
        return read('roomcast_sessions') === 0 && read('roomcast_channels') === 0 && read;
      });
      for (const level of ['subscriptions', 'presence_members', 'outbox_bytes']) {
        assert.equal(metric(`roomcast_${level}`), 0, level);
      }
    });
  });

  test('bytes are those of the sockets', async () => {
    await withServer({}, async (server, open) => {
      const before = await readMetrics(server);
      const scraped = await readMetrics(server);
      // What one scrape itself adds, so that it can be taken off.
      const scrape = (name) => scraped(name) - before(name);
      const client = await open('alice');
      await client.subscribe('room1');
      for (let i = 0; i < 50; ++i) await client.broadcast('room1', 'x'.repeat(i * 100));
      await client.takeMany(50, { type: 'broadcast' });
      const { bytesRead, bytesWritten } = client.socket._socket;
      const after = await readMetrics(server);
      const grown = (name) => after(name) - scraped(name) - scrape(name);
      assert.equal(grown('roomcast_received_bytes_total'), bytesWritten);
      // Digits of the figures in a scrape's own answer may differ by a few.
      const sent = grown('roomcast_sent_bytes_total');
      assert.ok(Math.abs(sent - bytesRead) < 200, `sent ${sent}, received ${bytesRead}`);
    });
  });

  test('errors are counted by reason', async () => {
    await withServer({ MAX_SUBSCRIPTIONS: '1' }, async (server, open) => {
      const client = await open('alice');
      await client.subscribe('a');
      for (let i = 0; i < 3; ++i) assert.equal((await client.request({ type: 'x' })).code, 4000);
      for (let i = 0; i < 4; ++i) assert.equal((await client.broadcast('', 1)).code, 4004);
      for (let i = 0; i < 5; ++i) assert.equal((await client.subscribe('b')).code, 4005);
      for (let i = 0; i < 2; ++i) await connect(server, {}).catch(() => {});
      const bad = await open('bob');
      bad.socket.send('x'.repeat(70_000));
      await bad.closed;
      const metric = await readMetrics(server);
      const errors = (reason) => metric(`roomcast_errors_total{reason="${reason}"}`);
      assert.deepEqual(
        ['bad_message', 'bad_channel', 'limit', 'forbidden', 'rate_limited'].map(errors),
        [3, 4, 5, 0, 0],
      );
      assert.equal(metric('roomcast_handshakes_refused_total'), 2);
      assert.equal(metric('roomcast_protocol_errors_total'), 1);
    });
  });

  test('rate-limit hits are those that clients were told', async () => {
    await withServer({ MESSAGE_RATE: '10', MESSAGE_BURST: '20' }, async (server, open) => {
      const client = await open('alice');
      for (let i = 0; i < 100; ++i) client.send({ type: 'ping', id: i });
      const answers = [];
      for (let i = 0; i < 100; ++i) answers.push(await client.take({ id: i }));
      const told = answers.filter((answer) => answer.code === 4029).length;
      assert.ok(told > 0);
      const metric = await readMetrics(server);
      assert.equal(metric('roomcast_rate_limited_total'), told);
      assert.equal(metric('roomcast_errors_total{reason="rate_limited"}'), told);
      assert.equal(metric('roomcast_messages_received_total'), 100);
    });
  });

  test('slow consumers are counted and closed with 4008, the others hear everything', async () => {
    await withServer({ OUTBOX_BYTES: '262144' }, async (server, open) => {
      const publisher = await open('publisher');
      const reader = await open('reader');
      await reader.subscribe('room1');
      const stuck = [];
      for (let i = 0; i < 3; ++i) {
        stuck.push(await connectVersioned(server, { user: `stuck-${i}` }));
        await stuck[i].subscribe('room1');
        stuck[i].socket.pause();
      }
      const payload = 'x'.repeat(60_000);
      let published = 0;
      await eventually(async () => {
        for (let i = 0; i < 20; ++i, ++published) await publisher.broadcast('room1', payload);
        return (await readMetrics(server))('roomcast_slow_consumers_total') >= 3;
      });
      await reader.takeMany(published, { type: 'broadcast' });
      for (const client of stuck) {
        client.socket.resume();
        assert.equal((await client.closed).code, 4008);
      }
      await eventually(async () => (await readMetrics(server))('roomcast_sessions') === 2);
      assert.equal((await readMetrics(server))('roomcast_slow_consumers_total'), 3);
    });
  });

  test('connections over the limit are refused and counted', async () => {
    await withServer({ MAX_CONNECTIONS: '5' }, async (server, open) => {
      const clients = [];
      for (let i = 0; i < 5; ++i) clients.push(await open(`user-${i}`));
      let refused = 0;
      for (let i = 0; i < 3; ++i, ++refused) {
        const late = await connect(server, { user: 'late' }).catch((error) => error);
        assert.equal(late.status, 503);
        assert.ok(late.headers['retry-after']);
      }
      assert.equal((await clients[0].request({ type: 'ping' })).type, 'pong', 'others live on');
      await clients[0].close();
      // The scrape needs the place that became free, and is refused itself until it is.
      const { body } = await eventually(async () => {
        const answer = await get(server.operatorsUrl, '/metrics');
        if (answer.status === 503) ++refused;
        return answer.status === 200 && answer;
      });
      const { samples } = parseMetrics(body);
      assert.equal(samples.get('roomcast_connections_refused_total'), refused);
      assert.equal(samples.get('roomcast_connections'), 5);
    });
  });

  test('stats tell the same figures as metrics', async () => {
    await withServer({}, async (server, open) => {
      const client = await open('alice');
      await client.subscribe('room1');
      await client.broadcast('room1', 1);
      await client.take({ type: 'broadcast' });
      const stats = (await get(server.operatorsUrl, '/api/stats')).json();
      const metric = await readMetrics(server);
      for (const name of ['sessions', 'subscriptions', 'channels']) {
        assert.equal(stats[name], metric(`roomcast_${name}`), name);
      }
      assert.equal(stats.deliveries, 1);
      assert.equal(total(parseMetrics((await get(server.operatorsUrl, '/metrics')).body).samples,
        'roomcast_publications_received_total'), 1);
    });
  });
});
