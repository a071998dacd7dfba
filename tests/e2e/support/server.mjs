// SPDX-License-Identifier: Apache-2.0
// Starts the server under test and stops it again. The program is named by ROOMCAST_BINARY.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const readyWithinMs = 20_000;
const stopWithinMs = 15_000;
const running = new Set();

// The last resort when a test run ends early; an orderly test has stopped its servers by then.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/// The path of the binary, or an error that says how to name one.
export function serverBinary() {
  const binary = process.env.ROOMCAST_BINARY;
  if (!binary) throw new Error('set ROOMCAST_BINARY to the path of the roomcast binary');
  return binary;
}

/**
 * Starts a server and waits until it accepts.
 *
 * It listens on a loopback port of the system's choice unless `port` names one (to come back where
 * an earlier server was). Of this process's environment it sees the names in `inheritedNames` only,
 * and it runs in a folder with `files` (`{name: text}`) alone, so that no setting or `.env` of the
 * developer's takes part. `wrapper` is a command that becomes the server, such as `prlimit`.
 *
 * Answers `{url, operatorsUrl, port, pid, stdout, stderr, exited, signal(), stop(), kill()}`.
 * `stop()` asks with SIGTERM and answers the exit status `{code, signal}`, as `exited` does; `kill()`
 * is a crash. Both may be called twice. `operatorsUrl` is undefined without METRICS_ADDR.
 */
export async function startServer({ env = {}, args = [], port = 0, files = {}, wrapper = [] } = {}) {
  const folder = await folderWith(files);
  const [program, ...words] = [...wrapper, serverBinary(), ...args];
  const child = spawn(program, words, {
    cwd: folder,
    env: { ...inheritedEnvironment(), SERVER_ADDR: `127.0.0.1:${port}`, DRAIN_SECONDS: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const log = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (log.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (log.stderr += text));
  const exited = exitOf(child).finally(() => {
    running.delete(child);
    return rm(folder, { recursive: true, force: true });
  });

  const end = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    const status = await exited;
    clearTimeout(late);
    checkNoReport(log.stderr);
    return status;
  };

  try {
    const address = await readyAddress(child, exited);
    return {
      url: `${env.TLS_CERT_FILE ? 'https' : 'http'}://${address.text}`,
      operatorsUrl: address.operators && `http://${address.operators}`,
      port: address.port,
      pid: child.pid,
      get stdout() {
        return log.stdout;
      },
      get stderr() {
        return log.stderr;
      },
      exited,
      signal: (name) => child.kill(name),
      stop: () => end('SIGTERM'),
      kill: () => end('SIGKILL'),
    };
  } catch (error) {
    await end('SIGKILL').catch(() => {});
    throw new Error(`${error.message}\n--- stdout\n${log.stdout}--- stderr\n${log.stderr}`);
  }
}

/**
 * Runs the program until it ends: a subcommand, or a start that is refused. Answers
 * `{code, signal, stdout, stderr}`. Environment and folder are those of `startServer`; a server
 * that starts against expectation is killed after `withinMs`.
 */
export async function runBinary({ env = {}, args = [], files = {}, withinMs = 30_000 } = {}) {
  const folder = await folderWith(files);
  const child = spawn(serverBinary(), args, {
    cwd: folder,
    env: { ...inheritedEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const log = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (log.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (log.stderr += text));
  const late = setTimeout(() => child.kill('SIGKILL'), withinMs);
  try {
    const status = await exitOf(child);
    checkNoReport(log.stderr);
    return { ...status, ...log };
  } finally {
    clearTimeout(late);
    running.delete(child);
    await rm(folder, { recursive: true, force: true });
  }
}

/// A build with sanitizers tells what it found on standard error, and may go on.
function checkNoReport(stderr) {
  const report = /(ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|runtime error:)[^]*/.exec(stderr);
  if (report) throw new Error(report[0].slice(0, 8000));
}

async function folderWith(files) {
  const folder = await mkdtemp(join(tmpdir(), 'roomcast-e2e-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

/// Waits for the line `ready addr=HOST:PORT`, with ` operators=HOST:PORT` behind it or not.
async function readyAddress(child, exited) {
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise((resolve) => {
    lines.on('line', (line) => {
      const match = /^ready addr=(\S+:(\d+))(?: operators=(\S+))?$/.exec(line);
      if (match) resolve({ text: match[1], port: Number(match[2]), operators: match[3] });
    });
  });
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the server was not ready within ${readyWithinMs} ms`)),
      readyWithinMs,
    );
  });
  const early = exited.then(({ code, signal }) => {
    throw new Error(`the server ended before it was ready (${signal ?? `exit status ${code}`})`);
  });
  try {
    return await Promise.race([ready, early, late]);
  } finally {
    clearTimeout(timer);
    early.catch(() => {});
  }
}

async function exitOf(child) {
  const failed = once(child, 'error').then(([error]) => {
    throw error;
  });
  const [code, signal] = await Promise.race([once(child, 'close'), failed]);
  failed.catch(() => {});
  return { code, signal };
}

// SHARDS and IO_URING are for the runner: the same tests run with several values of them.
const inheritedNames = /^(PATH|HOME|TMPDIR|LANG|LD_LIBRARY_PATH|SHARDS|IO_URING|[A-Z]+SAN_OPTIONS)$/;

function inheritedEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => inheritedNames.test(name)));
}
