// SPDX-License-Identifier: Apache-2.0
// A real redis-server for tests, which can be stopped, killed, frozen and started again at the same
// port, and a client that knows RESP2.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, patienceMs } from './client.mjs';

/// Why tests that need Redis are skipped, or false.
export const skipsRedis =
  spawnSync('redis-server', ['--version']).error ? 'redis-server is not installed' : false;

const running = new Set();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/// A loopback port that nobody listens at. For whoever must know it before listening, or come back.
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/// Starts a server with `settings` (`{maxmemory: '1mb'}`); it keeps no data over a restart unless
/// it is stopped with `stop({isSaving: true})`.
export async function startRedis({ settings = {}, password } = {}) {
  const redis = new RedisServer(await freePort(), settings, password);
  redis.folder = await mkdtemp(join(tmpdir(), 'roomcast-redis-'));
  await redis.start();
  return redis;
}

/// One without a process: `start()` is the test's.
export async function redisThatIsDown(options = {}) {
  const redis = await startRedis(options);
  await redis.stop();
  return redis;
}

class RedisServer {
  #child;
  #client;

  constructor(port, settings, password) {
    this.port = port;
    this.address = `127.0.0.1:${port}`;
    this.settings = settings;
    this.password = password;
  }

  /// Answers once it takes commands.
  async start() {
    const settings = {
      port: this.port,
      bind: '127.0.0.1',
      dir: this.folder,
      save: '',
      ...(this.password ? { requirepass: this.password } : {}),
      ...this.settings,
    };
    const words = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn('redis-server', words, { stdio: 'ignore' });
    this.#child = child;
    running.add(child);
    child.once('close', () => running.delete(child));
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended: ${child.exitCode}`);
      try {
        this.#client = await RedisClient.connect(this.port, this.password);
        return (await this.#client.call('PING')) === 'PONG';
      } catch {
        return false; // not listening yet
      }
    }, 'redis-server takes commands');
  }

  call(...words) {
    return this.#client.call(...words);
  }

  /// A connection of its own: for SUBSCRIBE, or to be counted.
  connect() {
    return RedisClient.connect(this.port, this.password);
  }

  async stop({ isSaving = false } = {}) {
    if (isSaving) await this.call('SAVE');
    await this.kill();
  }

  /// The process is gone when this answers; whoever connects then is refused.
  async kill() {
    this.#client?.close();
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'close');
  }

  async remove() {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/// Pipelined calls, answered in order; an error is a rejected promise. After `subscribe` it takes
/// messages alone.
export class RedisClient {
  #socket;
  #bytes = Buffer.alloc(0);
  #waiting = [];
  #onMessage;

  static async connect(port, password) {
    const client = new RedisClient();
    client.#socket = net.connect(port, '127.0.0.1');
    await new Promise((resolve, reject) => {
      client.#socket.once('connect', resolve).once('error', reject);
    });
    client.#socket.setNoDelay(true).setTimeout(0);
    client.#socket.on('data', (piece) => client.#take(piece));
    client.#socket.on('error', (error) => client.#fail(error));
    client.#socket.on('close', () => client.#fail(new Error('redis has closed the connection')));
    if (password) await client.call('AUTH', password);
    return client;
  }

  call(...words) {
    const parts = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`);
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`redis did not answer ${words[0]} within ${patienceMs} ms`)),
        patienceMs,
      );
      this.#waiting.push((answer) => {
        clearTimeout(late);
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
      this.#socket.write(`*${words.length}\r\n${parts.join('')}`);
    });
  }

  /// `onMessage(channel, text)`; channels may hold `*`.
  async subscribe(channels, onMessage) {
    this.#onMessage = onMessage;
    for (const channel of channels) {
      await this.call(channel.includes('*') ? 'PSUBSCRIBE' : 'SUBSCRIBE', channel);
    }
  }

  /// All fields of a hash, as an object.
  async hash(key) {
    const list = await this.call('HGETALL', key);
    const pairs = Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]);
    return Object.fromEntries(pairs);
  }

  close() {
    this.#socket.destroy();
  }

  #fail(error) {
    for (const answer of this.#waiting.splice(0)) answer(error);
  }

  #take(piece) {
    this.#bytes = Buffer.concat([this.#bytes, piece]);
    for (;;) {
      const found = readValue(this.#bytes, 0);
      if (!found) return;
      this.#bytes = this.#bytes.subarray(found.end);
      const value = found.value;
      if (value?.[0] === 'message') this.#onMessage(value[1], value[2]);
      else if (value?.[0] === 'pmessage') this.#onMessage(value[2], value[3]);
      else this.#waiting.shift()?.(value);
    }
  }
}

/// One RESP2 value of `bytes` from `start` on: `{value, end}`, or undefined where it is not whole.
function readValue(bytes, start) {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('utf8', start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(bytes[start])) {
    case '+':
      return { value: line, end };
    case '-':
      return { value: new Error(line), end };
    case ':':
      return { value: Number(line), end };
    case '$': {
      const length = Number(line);
      if (length < 0) return { value: null, end };
      if (bytes.length < end + length + 2) return undefined;
      return { value: bytes.toString('utf8', end, end + length), end: end + length + 2 };
    }
    case '*':
      return readArray(bytes, end, Number(line));
    default:
      throw new Error(`redis sent what is not RESP2: ${line}`);
  }
}

function readArray(bytes, start, length) {
  if (length < 0) return { value: null, end: start };
  const value = [];
  let end = start;
  while (value.length < length) {
    const item = readValue(bytes, end);
    if (!item) return undefined;
    value.push(item.value);
    end = item.end;
  }
  return { value, end };
}
