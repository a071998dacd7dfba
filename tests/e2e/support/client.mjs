// SPDX-License-Identifier: Apache-2.0
// A WebSocket client for tests: it keeps what it receives until the test asks for it.
import { WebSocket } from 'ws';
import { isDeepStrictEqual } from 'node:util';

/// Long, as the server may run under a sanitizer on a busy machine; nothing waits that long else.
export const patienceMs = 30_000;

/// The address of `server`'s WebSocket with `query` (an object) behind it.
export function socketUrl(server, query = {}) {
  const url = new URL('/ws', server.url.replace(/^http/, 'ws'));
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * Connects and waits until the upgrade is done. `user` is the query's user_id; `protocol` a
 * subprotocol or a list of them. `options` are those of `ws`. A refused upgrade is an error with
 * `status`, `headers` and `body`.
 */
export function connect(server, { user, query = {}, protocol = [], ...options } = {}) {
  const url = socketUrl(server, { ...(user === undefined ? {} : { user_id: user }), ...query });
  const socket = new WebSocket(url, protocol, { perMessageDeflate: false, ...options });
  const client = new Client(socket);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      socket.terminate();
      reject(new Error(`no upgrade within ${patienceMs} ms: ${url}`));
    }, patienceMs);
    socket.once('open', () => (clearTimeout(late), resolve(client)));
    socket.on('error', (error) => (clearTimeout(late), reject(error)));
    socket.once('unexpected-response', (request, response) => {
      clearTimeout(late);
      let body = '';
      response.setEncoding('utf8').on('data', (piece) => (body += piece));
      response.on('end', () => {
        const error = new Error(`the upgrade was refused: ${response.statusCode} ${body}`);
        reject(Object.assign(error, {
          status: response.statusCode,
          headers: response.headers,
          body,
        }));
      });
    });
  });
}

/// A connection that asks for `roomcast.v1`; its welcome is taken and kept as `client.welcome`.
export async function connectVersioned(server, options = {}) {
  const protocol = ['roomcast.v1', options.protocol ?? []].flat();
  const client = await connect(server, { ...options, protocol });
  client.welcome = await client.take({ type: 'welcome' });
  return client;
}

/// Whether `message` has all fields of `expected`, which may be a function that judges it.
export function matches(message, expected) {
  if (typeof expected === 'function') return expected(message);
  return Object.entries(expected).every(([name, value]) => isDeepStrictEqual(message[name], value));
}

export class Client {
  /// Every text frame as it came, in order.
  frames = [];
  /// What came and was not taken yet, parsed.
  unread = [];

  #waiting = new Set();
  #nextId = 0;

  constructor(socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
    socket.on('message', (bytes, isBinary) => {
      if (isBinary) throw new Error('the server sent a binary frame');
      const text = bytes.toString();
      this.frames.push(text);
      this.unread.push(JSON.parse(text));
      this.#wake();
    });
  }

  /// Sends an object as JSON, or a text as it is.
  send(message) {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /// Sends `message` with an id of its own and answers what the server answers to it.
  async request(message) {
    const id = `request-${++this.#nextId}`;
    this.send({ ...message, id });
    return this.take({ id });
  }

  /// Waits for the first message that matches and takes it out; others stay where they are.
  async take(expected) {
    return this.#until(
      () => {
        const index = this.unread.findIndex((message) => matches(message, expected));
        return index < 0 ? undefined : this.unread.splice(index, 1)[0];
      },
      () => `${typeof expected === 'function' ? expected : JSON.stringify(expected)}`,
    );
  }

  /// Waits for `count` messages that match; answers them in order.
  async takeMany(count, expected) {
    const taken = [];
    while (taken.length < count) taken.push(await this.take(expected));
    return taken;
  }

  /// Takes all that came so far and matches.
  drain(expected = () => true) {
    const taken = this.unread.filter((message) => matches(message, expected));
    this.unread = this.unread.filter((message) => !matches(message, expected));
    return taken;
  }

  async subscribe(channel, listen = ['broadcast']) {
    return this.request({ type: 'subscribe', channel, listen });
  }

  broadcast(channel, payload, rest = {}) {
    return this.request({ type: 'broadcast', channel, event: 'e', payload, ...rest });
  }

  /// A close handshake; answers the code and reason that the server sent.
  close(code = 1000) {
    this.socket.close(code);
    return this.closed;
  }

  /// Ends the link without a close frame, as a pulled cable or a crash would.
  terminate() {
    this.socket.terminate();
    return this.closed;
  }

  async #until(look, describe) {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.socket.readyState === WebSocket.CLOSED) {
        const { code, reason } = await this.closed;
        throw new Error(`closed (${code} ${reason}) while waiting for ${describe()}`);
      }
      if (Date.now() > deadline) {
        const unread = this.unread.slice(-20).map((message) => JSON.stringify(message));
        throw new Error(`nothing came that matches ${describe()}; unread:\n${unread.join('\n')}`);
      }
      await new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, Math.max(1, deadline - Date.now() + 1));
        this.#waiting.add(wake);
      });
    }
  }

  #wake() {
    for (const wake of [...this.#waiting]) wake();
  }
}

/// Asks `condition` again and again until it answers something true, which is the answer.
export async function eventually(condition, what = String(condition)) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`did not come true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
