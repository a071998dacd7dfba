// SPDX-License-Identifier: Apache-2.0
// A WebSocket client that may break every rule: it sends whatever frames, or bytes, a test asks
// for, in whatever pieces, and holds the server to the rules that a server must keep.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

const answerWithinMs = 10_000;

/**
 * One frame as bytes. `lengthBytes` (2 or 8) forces a longer form of the length than is needed;
 * `announced` is the length that is told instead of the payload's own.
 */
export function encodeFrame({
  opcode = opcodes.text,
  payload = '',
  isFinal = true,
  reserved = 0,
  isMasked = true,
  mask = randomBytes(4),
  lengthBytes,
  announced,
}) {
  const data = Buffer.from(payload);
  const length = announced ?? BigInt(data.length);
  const form = lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const header = Buffer.alloc(2 + form + (isMasked ? 4 : 0));
  header[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  header[1] = (isMasked ? 0x80 : 0) | (form === 0 ? Number(length) : form === 2 ? 126 : 127);
  if (form === 2) header.writeUInt16BE(Number(length), 2);
  if (form === 8) header.writeBigUInt64BE(length, 2);
  if (!isMasked) return Buffer.concat([header, data]);
  mask.copy(header, 2 + form);
  const masked = Buffer.allocUnsafe(data.length);
  for (let i = 0; i < data.length; ++i) masked[i] = data[i] ^ mask[i & 3];
  return Buffer.concat([header, masked]);
}

/// The payload of a close frame.
export function closePayload(code, reason = '') {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/// Cuts a server's bytes into frames, and throws where they break RFC 6455 sections 5.1 to 5.5, or
/// RFC 7692 where `mayDeflate`.
class ServerFrames {
  #chunks = [];
  #held = 0;
  #wanted = 2;
  #mayDeflate;

  constructor(mayDeflate) {
    this.#mayDeflate = mayDeflate;
  }

  *put(chunk) {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    while (this.#held >= this.#wanted) {
      if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
      const bytes = this.#chunks[0];
      const frame = this.#cut(bytes);
      if (!frame) continue;
      this.#chunks = [bytes.subarray(frame.end)];
      this.#held -= frame.end;
      this.#wanted = 2;
      yield frame;
    }
  }

  /// A whole frame; or nothing, when #wanted has grown.
  #cut(bytes) {
    const short = bytes[1] & 0x7f;
    const start = 2 + (short === 127 ? 8 : short === 126 ? 2 : 0);
    if (bytes.length < start) return this.#want(start);
    const length =
      short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
    const opcode = bytes[0] & 0x0f;
    const isDeflated = this.#mayDeflate && opcode === opcodes.text && (bytes[0] & 0x40) !== 0;
    if (bytes[0] & (isDeflated ? 0x30 : 0x70)) throw new Error('the server set a reserved bit');
    if (bytes[1] & 0x80) throw new Error('the server masked a frame');
    if (!(bytes[0] & 0x80)) throw new Error('the server fragmented a message');
    if (!Object.values(opcodes).includes(opcode)) throw new Error(`the server sent opcode ${opcode}`);
    if (opcode >= 8 && length > 125) throw new Error('the server sent a long control frame');
    if (start === 4 && length < 126) throw new Error('the server sent a length in a long form');
    if (start === 10 && length < 65_536) throw new Error('the server sent a length in a long form');
    if (bytes.length < start + length) return this.#want(start + length);
    const payload = bytes.subarray(start, start + length);
    return { opcode, isDeflated, payload, end: start + length };
  }

  #want(bytes) {
    this.#wanted = bytes;
  }
}

/// One connection. What the server sends is kept in the order of its coming until it is asked for.
export class RawClient {
  #socket;
  #parser;
  #frames = [];
  #waiting = [];
  #problem;
  #isEnded = false;
  #endHow;

  /// Connects and upgrades. `server` is what startServer() answers.
  static async open(server, { user = 'raw', protocol, query = '', headers = '' } = {}) {
    const socket = connect({ host: '127.0.0.1', port: server.port, noDelay: true });
    const head =
      `GET /ws?user_id=${user}${query} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
      'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
      (protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : '') +
      `${headers}\r\n`;
    const { status, behind } = await new Promise((resolve, reject) => {
      let answer = Buffer.alloc(0);
      const onData = (chunk) => {
        answer = Buffer.concat([answer, chunk]);
        const end = answer.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', onData).off('error', reject).off('close', onEarlyEnd);
        const status = answer.subarray(0, end).toString();
        if (status.startsWith('HTTP/1.1 101 ')) resolve({ status, behind: answer.subarray(end + 4) });
        else reject(new Error(`the upgrade was refused: ${status.split('\r\n')[0]}`));
      };
      const onEarlyEnd = () => reject(new Error('the connection ended before the upgrade'));
      socket.on('data', onData).once('error', reject).once('close', onEarlyEnd);
      socket.write(head);
    });
    const extensions = /^sec-websocket-extensions: (.*)$/im.exec(status)?.[1];
    return new RawClient(socket, behind, extensions);
  }

  constructor(socket, behind, extensions) {
    this.#socket = socket;
    this.extensions = extensions;
    this.#parser = new ServerFrames(extensions?.startsWith('permessage-deflate'));
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', (error) => this.#end(error.code));
    socket.on('close', () => this.#end('FIN'));
    if (behind.length > 0) this.#take(behind);
  }

  get socket() {
    return this.#socket;
  }

  get isEnded() {
    return this.#isEnded;
  }

  /// Writes bytes, in pieces of `chop` bytes with a turn of the loop between them.
  async write(bytes, chop = bytes.length) {
    for (let start = 0; start < bytes.length && !this.#isEnded; start += chop) {
      this.#socket.write(bytes.subarray(start, start + chop));
      if (chop < bytes.length) await nextTurn();
    }
  }

  send(frame, chop) {
    return this.write(encodeFrame(frame), chop);
  }

  sendText(value) {
    return this.send({ payload: typeof value === 'string' ? value : JSON.stringify(value) });
  }

  sendClose(code, reason) {
    return this.send({
      opcode: opcodes.close,
      payload: code === undefined ? '' : closePayload(code, reason),
    });
  }

  /// The next frame, or undefined when the connection ended without one more.
  async next(withinMs = answerWithinMs) {
    if (this.#problem) throw this.#problem;
    if (this.#frames.length > 0) return this.#frames.shift();
    if (this.#isEnded) return undefined;
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      waiter.timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(new Error(`nothing came within ${withinMs} ms`));
      }, withinMs);
      this.#waiting.push(waiter);
    });
  }

  /// The next text message as an object, pings and pongs left aside.
  async nextJson(withinMs) {
    for (;;) {
      const frame = await this.next(withinMs);
      if (!frame) throw new Error(`the connection ended (${this.#endHow})`);
      if (frame.opcode === opcodes.close) throw new Error(`closed with ${closeOf(frame).code}`);
      if (frame.opcode === opcodes.text) return JSON.parse(frame.payload.toString());
    }
  }

  /// Reads on until the end. Answers `{code, reason, frames, how}`: the server's close frame, what
  /// came before it, and how TCP ended: `FIN` or an error's code. Frames behind a close frame throw.
  async end(withinMs = answerWithinMs) {
    const frames = [];
    let close;
    for (let frame; (frame = await this.next(withinMs)); ) {
      if (close) throw new Error('the server sent a frame behind its close frame');
      if (frame.opcode === opcodes.close) close = closeOf(frame);
      else frames.push(frame);
    }
    return { ...close, frames, how: this.#endHow };
  }

  /// Ends the connection at once; with RST where `isReset`.
  drop({ isReset = false } = {}) {
    if (isReset) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #take(chunk) {
    try {
      for (const frame of this.#parser.put(chunk)) this.#offer(frame);
    } catch (error) {
      this.#problem = error;
      for (const waiter of this.#waiting.splice(0)) this.#settle(waiter, 'reject', error);
    }
  }

  #offer(frame) {
    const waiter = this.#waiting.shift();
    if (waiter) this.#settle(waiter, 'resolve', frame);
    else this.#frames.push(frame);
  }

  #end(how) {
    this.#endHow ??= how;
    this.#isEnded = true;
    for (const waiter of this.#waiting.splice(0)) this.#settle(waiter, 'resolve', undefined);
  }

  #settle(waiter, how, value) {
    clearTimeout(waiter.timer);
    waiter[how](value);
  }
}

/// What a close frame says; no code is 1005, as RFC 6455 section 7.1.5 has it.
export function closeOf(frame) {
  if (frame.payload.length === 0) return { code: 1005, reason: '' };
  return { code: frame.payload.readUInt16BE(0), reason: frame.payload.subarray(2).toString() };
}
