// SPDX-License-Identifier: Apache-2.0
// What must hold however fast things follow each other: the seam of subscribe and broadcast, one
// order for all, and nothing lost, doubled or out of place while clients come and go.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, eventually } from './support/client.mjs';
import { get, post } from './support/http.mjs';
import { startServer } from './support/server.mjs';

const churnMs = 10_000;

describe('order and seams', { timeout: 120_000 }, () => {
  let server;
  const clients = [];
  const open = async (user) => {
    const client = await connect(server, { user });
    clients.push(client);
    return client;
  };

  before(async () => {
    server = await startServer({ env: { MESSAGE_RATE: '0', PRESENCE_LEAVE_GRACE_MS: '0' } });
  });
  after(async () => {
    for (const client of clients) client.socket.terminate();
    await server?.stop();
  });

  test('subscribe and broadcast in one breath: the echo always comes', async () => {
    const alice = await open('alice');
    for (let i = 0; i < 300; ++i) {
      alice.send({ type: 'subscribe', channel: `seam-${i}`, listen: ['broadcast'], id: `s${i}` });
      alice.send({ type: 'broadcast', channel: `seam-${i}`, payload: i, id: `b${i}` });
    }
    for (let i = 0; i < 300; ++i) {
      await alice.take({ type: 'subscribed', id: `s${i}` });
      await alice.take({ type: 'ack', id: `b${i}` });
      await alice.take({ type: 'broadcast', channel: `seam-${i}`, payload: i });
    }
    assert.deepEqual(alice.drain(), []);
  });

  test('subscribed comes first, then the sync, then what is live', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')];
    const publisher = setInterval(() => bob.send({ type: 'broadcast', channel: 'lively' }), 1);
    const joiner = setInterval(() => {
      bob.send({ type: 'presence_join', channel: 'lively' });
      bob.send({ type: 'presence_leave', channel: 'lively' });
    }, 1);
    for (let round = 0; round < 50; ++round) {
      alice.send({
        type: 'subscribe',
        channel: 'lively',
        listen: ['broadcast', 'presence'],
        id: `s${round}`,
      });
      await alice.take({ type: 'broadcast' });
      alice.send({ type: 'unsubscribe', channel: 'lively', id: `u${round}` });
      await alice.take({ type: 'unsubscribed', id: `u${round}` });
      const types = alice.frames.map((frame) => JSON.parse(frame).type);
      assert.deepEqual(types.slice(0, 2), ['subscribed', 'presence_sync'], `round ${round}`);
      assert.equal(types.at(-1), 'unsubscribed', 'nothing comes behind it');
      alice.frames.length = 0;
      alice.drain();
    }
    clearInterval(publisher);
    clearInterval(joiner);
    await bob.request({ type: 'ping' });
    await bob.broadcast('lively', 'end');
    assert.deepEqual(alice.frames, []);
  });

  test('unsubscribe and subscribe at once: the last word counts', async () => {
    const alice = await open('alice');
    for (let round = 0; round < 100; ++round) {
      alice.send({ type: 'subscribe', channel: 'flip', listen: ['broadcast'] });
      alice.send({ type: 'unsubscribe', channel: 'flip' });
      alice.send({ type: 'broadcast', channel: 'flip', payload: 'unheard' });
      alice.send({ type: 'subscribe', channel: 'flip', listen: ['broadcast'] });
      alice.send({ type: 'broadcast', channel: 'flip', payload: round });
    }
    await alice.take({ payload: 99 });
    const payloads = alice.frames.map((frame) => JSON.parse(frame).payload);
    assert.deepEqual(payloads, Array.from({ length: 100 }, (_, i) => i));
  });

  test('all subscribers see one order, whoever publishes and however', async () => {
    const subscribers = [];
    for (let i = 0; i < 8; ++i) {
      subscribers.push(await open(`user-${i}`));
      await subscribers[i].subscribe('one-order');
    }
    const perPublisher = 100;
    await Promise.all([
      ...subscribers.slice(0, 4).map(async (client, publisher) => {
        for (let i = 0; i < perPublisher; ++i) {
          client.send({ type: 'broadcast', channel: 'one-order', payload: [publisher, i] });
          if (i % 10 === 9) await client.request({ type: 'ping' });
        }
      }),
      (async () => {
        for (let i = 0; i < perPublisher; ++i) {
          await post(server.url, '/api/event', { channel: 'one-order', payload: [4, i] });
        }
      })(),
    ]);
    const orders = [];
    for (const client of subscribers) {
      const heard = await client.takeMany(5 * perPublisher, { type: 'broadcast' });
      orders.push(heard.map((message) => message.payload));
    }
    for (const order of orders) assert.deepEqual(order, orders[0]);
    for (let publisher = 0; publisher < 5; ++publisher) {
      const own = orders[0].filter(([sender]) => sender === publisher).map(([, i]) => i);
      assert.deepEqual(own, Array.from({ length: perPublisher }, (_, i) => i), 'as it was sent');
    }
  });

  test('churn: nothing is lost, doubled or out of order while subscribed', async (t) => {
    const channels = ['churn-a', 'churn-b', 'churn-c'];
    const publisher = await open('publisher');
    const witness = await open('witness');
    for (const channel of channels) await witness.subscribe(channel);

    let published = 0;
    const steady = setInterval(() => {
      for (const channel of channels) {
        publisher.send({ type: 'broadcast', channel, payload: published });
      }
      ++published;
    }, 2);

    const until = Date.now() + churnMs;
    let rounds = 0;
    let deliveries = 0;
    /// One client's life, again and again: between its subscribe and its unsubscribe each number
    /// follows the one before.
    const live = async (number) => {
      while (Date.now() < until) {
        const channel = channels[(number + rounds) % channels.length];
        const client = await connect(server, { user: `churn-${number}` });
        for (let turn = 0; turn < 3 && Date.now() < until; ++turn) {
          await client.subscribe(channel);
          await client.takeMany(1 + ((number + turn) % 5), { type: 'broadcast' });
          const stopped = await client.request({ type: 'unsubscribe', channel });
          assert.equal(stopped.type, 'unsubscribed');
          client.drain();
          const heard = client.frames.map((frame) => JSON.parse(frame));
          client.frames.length = 0;
          const numbers = heard.filter((m) => m.type === 'broadcast').map((m) => m.payload);
          numbers.forEach((value, i) => assert.equal(value, numbers[0] + i, `${numbers}`));
          deliveries += numbers.length;
        }
        if (number % 2) await client.close();
        else await client.terminate();
        ++rounds;
      }
    };
    try {
      await Promise.all(Array.from({ length: 12 }, (_, number) => live(number)));
    } finally {
      clearInterval(steady);
    }
    const expected = Array.from({ length: published }, (_, i) => i);
    for (const channel of channels) {
      await publisher.broadcast(channel, 'end');
      await witness.take({ channel, payload: 'end' });
      const heard = witness.drain({ type: 'broadcast', channel });
      assert.deepEqual(heard.map((message) => message.payload), expected, channel);
    }
    assert.deepEqual(witness.drain(), []);
    await eventually(async () => {
      const { channels: known } = (await get(server.url, '/api/channels?prefix=churn-')).json();
      return known.length === 3 && known.every((channel) => channel.subscribers === 1);
    }, 'the witness alone is left');
    t.diagnostic(`${rounds} lives, ${deliveries} deliveries checked, ${published * 3} published`);
  });
});
