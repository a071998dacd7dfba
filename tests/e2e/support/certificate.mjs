// SPDX-License-Identifier: Apache-2.0
// Self-signed certificates for servers under test, made by openssl.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/// Writes `name`.pem and `name`.key into `folder`, for 127.0.0.1 and localhost. `type` is how the
/// key is made.
export function makeCertificate(
  folder,
  name,
  type = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
) {
  execFileSync('openssl', [
    'req', '-x509', ...type, '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost',
    '-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`),
  ], { stdio: 'pipe' });
}
