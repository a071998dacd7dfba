// SPDX-License-Identifier: Apache-2.0
// What the server's codes mean, in words for people. The codes are those of docs/protocol.md.

const closes = {
  1000: 'The connection was closed.',
  1001: 'The server is going away.',
  1002: 'The server saw a breach of the WebSocket protocol.',
  1003: 'The server takes text frames only.',
  1006: 'The link was lost without a goodbye.',
  1007: 'The server got text that is not UTF-8.',
  1009: 'The frame was larger than the server allows.',
  1011: 'The server had an error.',
  1012: 'The server is restarting.',
  1013: 'The server is too busy.',
  4008: 'This tab read too slowly, and the server ended the connection.',
  4029: 'Too many messages a second for too long.',
  4401: 'The token has expired. Paste a fresh one and connect again.',
  4403: 'The server disconnected this user.',
};

/** Codes after which a client must change something before it comes back. */
export const isTerminal = (code) => code >= 4400 && code <= 4499;

/** A close code with the server's own reason, as a sentence. */
export function explainClose(code, reason) {
  const meaning = closes[code] ?? 'The connection was closed.';
  return `${meaning} (${reason ? `${code}: ${reason}` : code})`;
}

const errors = {
  bad_message: 'The server could not read that',
  forbidden: 'The token does not allow that on this channel',
  bad_channel: 'The server does not take this channel name',
  limit: 'That is over a limit of the server',
  rate_limited: 'Too many messages a second',
  unavailable: 'The server’s broker is away; try again',
  invalid_token: 'The server does not accept this token',
  wrong_user: 'This token belongs to another user',
};

/** An `error` frame, as a sentence. */
export function explainError({ code, reason, message, retry_after_ms: wait }) {
  const meaning = errors[reason] ?? 'The server refused';
  const own = message ? ` It says: “${message}”.` : '';
  const again = wait ? ` Try again in ${Math.ceil(wait / 1000)} s.` : '';
  return `${meaning}.${own}${again} (${[code, reason].filter(Boolean).join(' ')})`;
}

/** The answer to an HTTP publish that was not 200, as a sentence. */
export function explainHttp(status, body) {
  const own = body?.error ? ` The server says: “${body.error}”.` : '';
  if (status === 401) return `401: this server wants an API key.${own}`;
  if (status === 403) return `403: this key may not publish here.${own}`;
  if (status === 413) return `413: the message is larger than the server allows.${own}`;
  if (status === 429) return `429: too many requests.${own}`;
  if (status === 503) return `503: the broker did not take it; try again.${own}`;
  return `${status}: not accepted.${own}`;
}
