// SPDX-License-Identifier: Apache-2.0
// Runs one case of the RFC 6455 table: on a connection of its own, which listens to a channel of its
// own, while a witness on another connection listens too.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { closeOf, encodeFrame, opcodes, RawClient } from './rfc6455_client.mjs';
import { framesOf, messagesOf } from './rfc6455_steps.mjs';

const pieceOf = { octets: 1 };

/// A broadcast as the server wrote it: its payload is the bytes within the quotes.
function readBroadcast(bytes) {
  const head = /^\{"type":"broadcast","channel":"([^"]*)","event":"e","payload":"/.exec(
    bytes.subarray(0, 256).toString('latin1'),
  );
  if (!head) return undefined;
  const end = bytes.lastIndexOf('","user_id":"');
  return { channel: head[1], payload: bytes.subarray(head[0].length, end) };
}

/// A well-behaved subscriber of all channels of the table.
export class Witness {
  #client;
  #heard = new Map();
  #subscribed = new Map();

  static async open(server) {
    const witness = new Witness();
    witness.#client = await RawClient.open(server, { user: 'witness' });
    witness.#read();
    return witness;
  }

  /// Listens to `channel` from now on.
  async watch(channel) {
    this.#heard.set(channel, { payloads: [], changed: () => {} });
    const confirmed = new Promise((resolve) => this.#subscribed.set(channel, resolve));
    await this.#client.sendText({ type: 'subscribe', channel, listen: ['broadcast'], id: channel });
    await confirmed;
  }

  /// Waits for `count` messages; then has one of its own go round, and answers with all that came
  /// before that one.
  async heard(channel, count) {
    const heard = this.#heard.get(channel);
    await until(heard, () => heard.payloads.length >= count);
    const marker = 'the witness is satisfied';
    await this.#client.sendText({ type: 'broadcast', channel, event: 'e', payload: marker });
    await until(heard, () => heard.payloads.at(-1)?.equals(Buffer.from(marker)));
    await this.#client.sendText({ type: 'unsubscribe', channel });
    this.#heard.delete(channel);
    return heard.payloads.slice(0, -1);
  }

  async close() {
    await this.#client.sendClose(1000);
    await this.#client.end();
  }

  async #read() {
    for (let frame; (frame = await this.#client.next(2 ** 30)); ) {
      if (frame.opcode !== opcodes.text) continue;
      const broadcast = readBroadcast(frame.payload);
      if (broadcast) {
        const heard = this.#heard.get(broadcast.channel);
        heard.payloads.push(Buffer.from(broadcast.payload));
        heard.changed();
        continue;
      }
      const answer = JSON.parse(frame.payload.toString());
      if (answer.type === 'subscribed') this.#subscribed.get(answer.channel)();
    }
  }
}

function until(heard, isTrue, withinMs = 20_000) {
  if (isTrue()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('a message did not reach the witness')), withinMs);
    heard.changed = () => {
      if (!isTrue()) return;
      clearTimeout(late);
      resolve();
    };
  });
}

/// Throws when the server does not do as `one` asks.
export async function runCase(server, witness, one) {
  const channel = one.id;
  const client = await RawClient.open(server, { user: `case-${one.id}` });
  try {
    await client.sendText({ type: 'subscribe', channel, listen: ['broadcast'], id: 1 });
    assert.equal((await client.nextJson()).type, 'subscribed');
    if (one.trips) return await runTrips(client, one, channel);
    await witness.watch(channel);
    const sent = messagesOf(one.steps, channel);
    const seen = await play(client, one, channel);
    await check(client, one, seen, sent);
    const due = one.witnessed?.map((text) => Buffer.from(text)) ?? sent;
    assert.deepEqual(await witness.heard(channel, due.length), due, 'what the witness heard');
  } finally {
    client.drop();
  }
}

async function runTrips(client, one, channel) {
  const [message] = one.steps;
  const [bytes] = framesOf(message, channel).map(encodeFrame);
  for (let i = 0; i < one.trips; ++i) {
    await client.write(bytes);
    const frame = await client.next();
    assert.equal(frame?.opcode, opcodes.text);
    assert.ok(frame.payload.subarray(0, 40).toString().startsWith(`{"type":"${one.answer}"`));
    const broadcast = readBroadcast(frame.payload);
    if (broadcast) assert.ok(broadcast.payload.equals(messagesOf(one.steps, channel)[0]));
  }
}

/// Sends what the steps say, and answers with the frames that came meanwhile.
async function play(client, one, channel) {
  const seen = [];
  const piece = typeof one.write === 'number' ? one.write : pieceOf[one.write];
  let waiting = [];
  const write = async () => {
    if (waiting.length > 0) await client.write(Buffer.concat(waiting), piece);
    waiting = [];
  };
  for (const step of one.steps) {
    if (step.kind === 'quiet') {
      await write();
      await sleep(step.ms);
      assert.equal(client.isEnded, false, 'the connection stays');
    } else if (step.kind === 'answered') {
      await write();
      const frame = await client.next();
      assert.equal(frame?.opcode, opcodes.pong);
      assert.equal(frame.payload.toString(), step.payload);
      seen.push(frame);
    } else if (step.kind === 'bytes') {
      await write();
      await client.write(step.payload);
    } else {
      for (const frame of framesOf(step, channel)) {
        waiting.push(encodeFrame(frame));
        if (one.write === 'frames') await write();
      }
    }
  }
  await write();
  return seen;
}

async function check(client, one, seen, sent) {
  if (one.close === undefined) await waitForAnswers(client, one, seen, sent.length);
  if (one.close === undefined) await client.sendClose(1000, 'done');
  const ended = await client.end();
  assert.equal(ended.code, one.close ?? 1000, 'the close code');
  assert.equal(ended.how, 'FIN', 'how TCP ended');
  seen.push(...ended.frames);

  const pings = one.steps.filter((step) => step.fields?.opcode === opcodes.ping);
  checkPongs(seen, one.close === undefined ? pings : []);
  const texts = seen.filter((frame) => frame.opcode === opcodes.text);
  const errors = texts.map((frame) => frame.payload).filter((bytes) => !readBroadcast(bytes));
  assert.deepEqual(errors.map((bytes) => JSON.parse(bytes.toString()).code), one.errors ?? []);
  const echoes = texts.map((frame) => readBroadcast(frame.payload)?.payload).filter(Boolean);
  // A violation may end the connection before the echo of what came ahead of it is on its way.
  const due = one.errors ? [] : one.close === undefined ? sent : sent.slice(0, echoes.length);
  assert.equal(echoes.length, due.length, 'the number of echoes');
  for (const [i, echo] of echoes.entries()) assert.ok(echo.equals(due[i]), `echo ${i + 1}`);
}

async function waitForAnswers(client, one, seen, messages) {
  const pings = one.steps.filter((step) => step.fields?.opcode === opcodes.ping);
  const lastPing = pings.at(-1)?.fields.payload;
  const isPonged = () =>
    lastPing === undefined ||
    seen.some((frame) => frame.opcode === opcodes.pong && frame.payload.equals(Buffer.from(lastPing)));
  const due = one.errors?.length ?? messages;
  const texts = () => seen.filter((frame) => frame.opcode === opcodes.text).length;
  while (texts() < due || !isPonged()) {
    const frame = await client.next(20_000);
    if (!frame) throw new Error('the connection ended');
    if (frame.opcode === opcodes.close) throw new Error(`closed with ${closeOf(frame).code}`);
    seen.push(frame);
  }
}

/// Of several pings the last alone need be answered (RFC 6455 section 5.5.3), but none twice and
/// none out of turn.
function checkPongs(seen, pings) {
  const pongs = seen.filter((frame) => frame.opcode === opcodes.pong);
  if (pings.length === 0) return;
  let next = 0;
  for (const { payload } of pongs) {
    const found = pings.findIndex(
      (step, i) => i >= next && payload.equals(Buffer.from(step.fields.payload)),
    );
    assert.ok(found >= 0, 'a pong that no ping asked for, or out of turn');
    next = found + 1;
  }
  assert.equal(next, pings.length, 'the last ping is answered');
}
