// SPDX-License-Identifier: Apache-2.0
// Makes JSON Web Tokens, good ones and bad ones, with nothing but node:crypto.
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';

export const secret = 'a shared secret for tests, 32 bytes or more';

const encode = (value) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export const now = () => Math.floor(Date.now() / 1000);

const hashes = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' };

/// A token signed with a shared secret. `header` replaces or adds header fields.
export function hmacToken(claims, { key = secret, header = {} } = {}) {
  const head = { alg: 'HS256', typ: 'JWT', ...header };
  const signed = `${encode(head)}.${encode(claims)}`;
  const hash = hashes[head.alg] ?? 'sha256';
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

/// A key pair for RS256, ES256 or EdDSA: `{algorithm, privateKey, pem, jwk(kid)}`.
export function makeKey(algorithm) {
  const { privateKey, publicKey } = {
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
  }[algorithm]();
  return {
    algorithm,
    privateKey,
    pem: publicKey.export({ type: 'spki', format: 'pem' }),
    jwk: (kid) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      alg: algorithm,
      use: 'sig',
    }),
  };
}

/// A token signed with a private key of makeKey().
export function keyToken(claims, key, header = {}) {
  const head = { alg: key.algorithm, typ: 'JWT', ...header };
  const signed = `${encode(head)}.${encode(claims)}`;
  const hash = key.algorithm === 'EdDSA' ? null : 'sha256';
  const signature = sign(hash, Buffer.from(signed), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${signed}.${signature.toString('base64url')}`;
}

/// A token with any header and without a signature that means something.
export const unsignedToken = (claims, header, signature = '') =>
  `${encode(header)}.${encode(claims)}.${signature}`;

/// What must never stand in a log: the secret, and each long part of each token.
export function findLeaks(log, tokens, secrets = [secret]) {
  const pieces = tokens.flatMap((token) => token.split('.')).filter((part) => part.length > 12);
  return [...secrets, ...pieces].filter((piece) => log.includes(piece));
}
