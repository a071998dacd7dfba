// SPDX-License-Identifier: Apache-2.0
// HTTP as an attacker sends it: bytes, at the attacker's pace.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const answerWithinMs = 30_000;

/**
 * Sends what `write(send, isEnded)` sends and reads until the server closes; that is what most cases
 * are about, so a server that does not is an error. Answers `{text, statuses, took}`: all that came,
 * the status of each answer in it, and after how many milliseconds the connection ended.
 */
export async function attack({ port }, write) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let text = '';
  let isEnded = false;
  const began = performance.now();
  socket.setEncoding('latin1').on('data', (chunk) => (text += chunk));
  socket.on('error', () => {}); // a reset is an end, too
  const ended = new Promise((resolve) => {
    socket.once('close', () => {
      isEnded = true;
      resolve(true);
    });
  });
  const send = async (bytes) => {
    if (!isEnded && !socket.write(bytes)) {
      await Promise.race([ended, new Promise((resolve) => socket.once('drain', resolve))]);
    }
  };
  if (typeof write === 'function') await write(send, () => isEnded);
  else await send(write);
  const late = new AbortController();
  const isOver = await Promise.race([
    ended,
    sleep(answerWithinMs, false, { signal: late.signal }).catch(() => false),
  ]);
  late.abort();
  socket.destroy();
  if (!isOver) throw new Error(`the server kept the connection; it said: ${text.slice(0, 300)}`);
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  return { text, statuses, took: performance.now() - began };
}

/// Sends `text` a byte at a time, until the server has enough of it.
export const drip = (start, text, everyMs) => async (send, isEnded) => {
  await send(start);
  for (const byte of text) {
    if (isEnded()) return;
    await sleep(everyMs);
    await send(byte);
  }
};
