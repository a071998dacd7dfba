// SPDX-License-Identifier: Apache-2.0
// From what somebody types as a server to the addresses that the playground uses.

/** This page's own server, as shown in the form; with the path that a proxy may add. */
export const ownServer = new URL('.', location.href).href.replace(/\/$/, '');

/**
 * Reads `host:8080`, `https://host/base`, `ws://host/ws` and the like. Answers
 * `{ok, base, webSocket}` (`base` without a closing slash) or `{ok: false, problem}`.
 */
export function readServerAddress(typed) {
  const text = typed.trim() || ownServer;
  const isBare = !/^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  let url;
  try {
    url = new URL(isBare ? `${location.protocol}//${text}` : text);
  } catch {
    return { ok: false, problem: 'This is no address. Try http://127.0.0.1:8080.' };
  }
  const schemes = { 'http:': 'http', 'ws:': 'http', 'https:': 'https', 'wss:': 'https' };
  const scheme = schemes[url.protocol];
  if (!scheme) return { ok: false, problem: 'Use http, https, ws or wss.' };
  const path = url.pathname.replace(/\/+$/, '').replace(/\/ws$/, '');
  const base = `${scheme}://${url.host}${path}`;
  return { ok: true, base, webSocket: `${base.replace(/^http/, 'ws')}/ws` };
}
