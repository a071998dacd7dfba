// SPDX-License-Identifier: Apache-2.0
// HTTP for tests: single requests, raw bytes on a socket, and curl as people use it.
import { execFile } from 'node:child_process';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { patienceMs } from './client.mjs';

/// One request on a connection of its own; answers `{status, headers, body}`, with `json()`.
export function request(url, method, path, { headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const { protocol, hostname, port } = new URL(url);
    const { request: ask } = protocol === 'https:' ? https : http;
    const asked = ask({ hostname, port, method, path, headers, agent: false });
    asked.setTimeout(patienceMs, () => asked.destroy(new Error(`${method} ${path}: no answer`)));
    asked.on('error', reject);
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => (text += piece));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: text,
          json: () => JSON.parse(text),
        }),
      );
    });
    asked.end(typeof body === 'object' ? JSON.stringify(body) : body);
  });
}

export const get = (url, path, options) => request(url, 'GET', path, options);
export const post = (url, path, body, options = {}) =>
  request(url, 'POST', path, { ...options, body });
export const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

/// Runs curl; answers `{code, stdout, stderr}` whatever its exit status.
export function curl(...args) {
  return new Promise((resolve) => {
    execFile(
      'curl',
      ['-sS', '--max-time', String(patienceMs / 1000), ...args],
      { maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }),
    );
  });
}

/// Sends `bytes` on a plain socket and answers all that comes until the server closes, or until
/// `isEnough(text)` says so.
export function sendRaw(server, bytes, isEnough = () => false) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(server.port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    const finish = () => {
      socket.destroy();
      resolve(text);
    };
    socket.setEncoding('latin1').setTimeout(patienceMs, () => {
      socket.destroy();
      reject(new Error(`no end of the answer; so far: ${text}`));
    });
    socket.on('data', (piece) => {
      text += piece;
      if (isEnough(text)) finish();
    });
    socket.on('error', (error) => (error.code === 'ECONNRESET' ? finish() : reject(error)));
    socket.on('end', finish);
  });
}
