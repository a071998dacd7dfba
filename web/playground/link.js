// SPDX-License-Identifier: Apache-2.0
// The part of the page's state that a link carries, in the address after `#`: server, sign-in kind,
// channels and what to listen to. Tokens, keys and user ids are never part of it.
import { ownServer } from './server_address.js';

// One word for each listen set, so that a link can be read and written by hand.
const words = { both: ['broadcast', 'presence'], broadcast: ['broadcast'], presence: ['presence'], none: [] };

/** Reads a hash: `{server, identity, channels: [{name, listen}]}`; what is not in it is absent. */
export function readLink(hash) {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const channels = [];
  for (const [word, name] of parameters) {
    if (Object.hasOwn(words, word) && name) channels.push({ name, listen: words[word] });
  }
  return {
    server: parameters.get('server') ?? undefined,
    identity: parameters.get('identity') === 'token' ? 'token' : undefined,
    channels,
  };
}

/** Writes the hash that readLink reads back. */
export function writeLink({ server, identity, channels }) {
  const parameters = new URLSearchParams();
  if (server && server !== ownServer) parameters.set('server', server);
  if (identity === 'token') parameters.set('identity', 'token');
  for (const { name, listen } of channels) parameters.append(wordFor(listen), name);
  const text = parameters.toString();
  return text ? `#${text}` : '';
}

function wordFor(listen) {
  if (listen.length === 2) return 'both';
  return listen[0] ?? 'none';
}
