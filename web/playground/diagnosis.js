// SPDX-License-Identifier: Apache-2.0
// Why a connection did not come up. A browser hides the answer to a refused upgrade, but a plain
// request to the same address gets the same verdict (docs/protocol.md, "Connecting").

/**
 * Asks the server at `target` (`{url, token, base}`) and answers
 * `{retry, heading, detail, hint}`. `retry` is false where trying again changes nothing.
 */
export async function diagnose(target) {
  if (location.protocol === 'https:' && target.url.startsWith('ws:')) {
    return finding(false, 'The browser blocks this connection', {
      detail: 'A page loaded over https may only connect with wss.',
      hint: 'Use an https or wss address, or open the server’s own playground.',
    });
  }
  if (!navigator.onLine) {
    return finding(true, 'This device is offline', { hint: 'It goes on when the network is back.' });
  }
  let response;
  try {
    response = await fetch(target.url.replace(/^ws/, 'http'), {
      headers: target.token ? { Authorization: `Bearer ${target.token}` } : {},
      cache: 'no-store',
      signal: AbortSignal.timeout(8000),
    });
  } catch (error) {
    return unreachable(target, error);
  }
  return verdict(response.status, await errorText(response), target);
}

function finding(retry, heading, { detail = '', hint = '' } = {}) {
  return { retry, heading, detail, hint };
}

function unreachable(target, error) {
  const isElsewhere = new URL(target.base).origin !== location.origin;
  return finding(true, 'The server is not reachable', {
    detail:
      error.name === 'TimeoutError'
        ? `${target.base} did not answer within 8 s.`
        : `Nothing answers at ${target.base}.`,
    hint: isElsewhere ? 'It may also be up but not list this page in CORS_ALLOWED_ORIGINS.' : '',
  });
}

function verdict(status, said, target) {
  const detail = said ? `The server says: “${said}” (HTTP ${status}).` : `It answered HTTP ${status}.`;
  switch (status) {
    case 400:
      return finding(false, 'The server refused the connection', { detail, hint: badRequest(target) });
    case 401:
      return finding(false, 'The server refused the sign-in', { detail, hint: unauthorized(target) });
    case 403:
      return finding(false, 'The server refused this page', {
        detail,
        hint: `ALLOWED_ORIGINS must list ${location.origin}.`,
      });
    case 404:
      return finding(false, 'There is no roomcast at this address', { detail });
    case 426:
      return finding(true, 'The upgrade to WebSocket failed', {
        detail: 'The server itself would accept this connection.',
        hint:
          'If this stays: a proxy in between may not pass upgrades on, or ALLOWED_ORIGINS does ' +
          `not list ${location.origin}.`,
      });
    default:
      return finding(true, 'The server cannot take the connection now', { detail });
  }
}

function badRequest(target) {
  return target.token
    ? 'A token was sent, but this server runs without tokens: sign in with a user id.'
    : 'This server runs without tokens: a user id is needed.';
}

function unauthorized(target) {
  return target.token
    ? 'Paste a token that is valid now. For development: roomcast token --user NAME.'
    : 'This server wants a token: sign in with one.';
}

async function errorText(response) {
  try {
    const body = await response.json();
    return typeof body?.error === 'string' ? body.error : '';
  } catch {
    return '';
  }
}
