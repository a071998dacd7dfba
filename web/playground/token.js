// SPDX-License-Identifier: Apache-2.0
// What a JSON Web Token says about itself. Read for a hint only: the server alone judges it.
import { timeOfDay } from './dom.js';

/** The token without what people paste along with it: white space, "Bearer". */
export const bareToken = (typed) => typed.trim().replace(/^bearer\s+/i, '');

/** A sentence about the token and the tone to say it in, for the hint below its field. */
export function describeToken(typed) {
  const token = bareToken(typed);
  if (!token) {
    return { text: 'Sent as a subprotocol, never in the address. It is not stored.', tone: 'wait' };
  }
  const claims = readClaims(token);
  if (!claims) return { text: 'This does not look like a JWT: three parts with dots.', tone: 'bad' };
  const user = typeof claims.sub === 'string' ? `For “${claims.sub}”` : 'No claim “sub”';
  if (typeof claims.exp !== 'number') return { text: `${user}, without an end.`, tone: 'ok' };
  const ends = claims.exp * 1000;
  return ends < Date.now()
    ? { text: `${user}, expired at ${timeOfDay(ends)}.`, tone: 'bad' }
    : { text: `${user}, until ${timeOfDay(ends)}.`, tone: 'ok' };
}

function readClaims(token) {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const bytes = atob(parts[1].replace(/-/g, '+').replace(/_/g, '/'));
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
    const claims = JSON.parse(text);
    return claims !== null && typeof claims === 'object' ? claims : undefined;
  } catch {
    return undefined;
  }
}
