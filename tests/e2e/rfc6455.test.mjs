// SPDX-License-Identifier: Apache-2.0
// RFC 6455 on the real binary: a case of our own for each case of the Autobahn testsuite's groups 1
// to 7, 9 and 10. Prints "RFC 6455: N of N".
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { caseGroups } from './support/rfc6455_cases.mjs';
import { opcodes, RawClient } from './support/rfc6455_client.mjs';
import { runCase, Witness } from './support/rfc6455_runner.mjs';
import { startServer } from './support/server.mjs';

const autobahnCases = 301; // of groups 1 to 7, 9 and 10 in release 25.10.1
const casesAtOnce = 8;
const mebi = 1024 * 1024;

let server;
let witness;
let passed = 0;

before(async () => {
  server = await startServer({
    env: {
      MAX_MESSAGE_BYTES: `${16 * mebi}`,
      MAX_BODY_BYTES: `${16 * mebi}`,
      MAX_FRAGMENTS: `${mebi}`,
      OUTBOX_BYTES: `${256 * mebi}`,
      MAILBOX_BYTES: `${256 * mebi}`,
      OUTBOX_STALL_SECONDS: '60',
      MESSAGE_RATE: '0',
    },
  });
  witness = await Witness.open(server);
});

after(async () => {
  console.log(`RFC 6455: ${passed} of ${autobahnCases}`);
  await witness?.close();
  assert.deepEqual(await server?.stop(), { code: 0, signal: null });
});

async function runAll(cases, atOnce) {
  const failures = [];
  const waiting = [...cases];
  const work = async () => {
    for (let one; (one = waiting.shift()); ) {
      try {
        await runCase(server, witness, one);
        ++passed;
      } catch (error) {
        failures.push(`${one.id} (${one.title}): ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failures;
}

for (const { name, cases, isHeavy } of caseGroups) {
  test(`${name}: ${cases.length} cases`, async () => {
    const failures = await runAll(cases, isHeavy ? 1 : casesAtOnce);
    assert.deepEqual(failures, []);
  });
}

test('binary messages end a roomcast.v1 connection with 1003, whatever their size', async () => {
  for (const size of [0, 125, 126, 65_535, 65_536]) {
    const client = await RawClient.open(server, { protocol: 'roomcast.v1' });
    assert.equal((await client.nextJson()).type, 'welcome');
    await client.send({ opcode: opcodes.binary, payload: Buffer.alloc(size, ' ') });
    assert.equal((await client.end()).code, 1003, `${size} bytes`);
  }
});

test('the table has a case for each of theirs, and each passed', () => {
  const ids = caseGroups.flatMap(({ cases }) => cases.map(({ id }) => id));
  assert.equal(new Set(ids).size, autobahnCases);
  assert.equal(passed, autobahnCases);
});
