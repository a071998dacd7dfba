// SPDX-License-Identifier: Apache-2.0
// The table: a case for each case of the Autobahn testsuite's groups 1 to 7, 9 and 10, under its
// number there, asking for the same behaviour.
//
// A case is `{id, title, steps}` and, where they differ from the defaults:
//   write     how it is written: `together` (one write; the default), `frames` (a write for each
//             frame) or `octets` (a write for each byte); or a number of bytes for each write
//   errors    error messages that are due, by their code
//   close     the code of the server's close frame; 1005 is one without a code. Without `close` the
//             connection must have stayed, and the test closes it
//   witnessed what other subscribers get, where that is not all that the steps send
//   trips     the case runs its steps so often, each time waiting for the answer
//   answer    the type of the answer to a trip that is no echo
import { greek, utf8Sections } from './rfc6455_utf8.mjs';
import { opcodes } from './rfc6455_client.mjs';
import {
  answered,
  bytes,
  close,
  first,
  frame,
  last,
  middle,
  octets,
  ping,
  pong,
  quiet,
  sized,
  text,
  whole,
} from './rfc6455_steps.mjs';

const protocolError = 1002;
const invalidPayload = 1007;
const badMessage = 4000;
const none = 1005;

const kibi = 1024;
const mebi = 1024 * kibi;

/// The same steps written in each of the three ways, under the numbers from `number` on.
function threeWays(group, number, title, rest) {
  return ['together', 'frames', 'octets'].map((write, i) => ({
    id: `${group}.${number + i}`,
    title: `${title}, ${write}`,
    write,
    ...rest,
  }));
}

// A message of no bytes is no command: the answer is an error, and the connection stays.
function framing(group, opcode) {
  const sizes = [125, 126, 127, 128, 65_535, 65_536];
  return [
    {
      id: `${group}.1`,
      title: 'an empty message',
      steps: [frame({ opcode })],
      errors: [badMessage],
    },
    ...sizes.map((size, i) => ({
      id: `${group}.${i + 2}`,
      title: `a message of ${size} bytes`,
      steps: [sized(size, { opcode })],
    })),
    {
      id: `${group}.8`,
      title: 'a message of 65536 bytes in pieces of 997',
      write: 997,
      steps: [sized(65_536, { opcode })],
    },
  ];
}

const tenPings = Array.from({ length: 10 }, (_, i) => ping(`payload-${i}`));

const pings = [
  { id: '2.1', title: 'a ping without payload', steps: [ping()] },
  { id: '2.2', title: 'a ping with a text', steps: [ping('Hello, world!')] },
  { id: '2.3', title: 'a ping with bytes', steps: [ping(Buffer.from('00fffefdfcfb00ff', 'hex'))] },
  { id: '2.4', title: 'a ping of 125 bytes', steps: [ping(Buffer.alloc(125, 0xfe))] },
  { id: '2.5', title: 'a ping of 126 bytes', steps: [ping(Buffer.alloc(126, 0xfe))], close: protocolError },
  { id: '2.6', title: 'a ping of 125 bytes, in octets', write: 'octets', steps: [ping(Buffer.alloc(125, 0xfe))] },
  { id: '2.7', title: 'a pong nobody asked for', steps: [pong(), quiet(50)] },
  { id: '2.8', title: 'such a pong with payload', steps: [pong('unsolicited pong payload'), quiet(50)] },
  { id: '2.9', title: 'such a pong, then a ping', steps: [pong('unsolicited'), ping('ping payload')] },
  { id: '2.10', title: 'ten pings', steps: tenPings },
  { id: '2.11', title: 'ten pings in octets', write: 'octets', steps: tenPings },
];

const reservedBits = [
  { id: '3.1', title: 'RSV 1 on a text', steps: [text('Hello', { reserved: 1 })], close: protocolError },
  ...threeWays(3, 2, 'a good text, then one with a reserved bit, then a ping', {
    steps: [text('first'), text('second', { reserved: 2 }), ping()],
    close: protocolError,
  }),
  {
    id: '3.5',
    title: 'RSV 5 on a binary',
    steps: [frame({ opcode: opcodes.binary, payload: '00fffefd', reserved: 5 })],
    close: protocolError,
  },
  {
    id: '3.6',
    title: 'RSV 6 on a ping',
    steps: [frame({ opcode: opcodes.ping, payload: 'Hello', reserved: 6 })],
    close: protocolError,
  },
  { id: '3.7', title: 'RSV 7 on a close', steps: [frame({ opcode: opcodes.close, reserved: 7 })], close: protocolError },
];
// The bits of 3.2 to 3.4 are 2, 3 and 4.
for (const [i, reserved] of [2, 3, 4].entries()) {
  reservedBits[i + 1].steps = [text('first'), text('second', { reserved }), ping()];
}

function unknownOpcodes(group, [a, b, c, d, e]) {
  const behindText = (opcode, payload) => [text('Hello'), frame({ opcode, payload }), ping()];
  return [
    { id: `${group}.1`, steps: [frame({ opcode: a })] },
    { id: `${group}.2`, steps: [frame({ opcode: b, payload: 'reserved opcode payload' })] },
    { id: `${group}.3`, write: 'frames', steps: behindText(c, '') },
    { id: `${group}.4`, write: 'frames', steps: behindText(d, 'reserved opcode payload') },
    { id: `${group}.5`, write: 'octets', steps: behindText(e, 'reserved opcode payload') },
  ].map((one, i) => ({ ...one, title: `opcode ${[a, b, c, d, e][i]}`, close: protocolError }));
}

const loose = (payload, isFinal) => frame({ opcode: opcodes.continuation, payload, isFinal });
const twoParts = [first('fragment1'), last('fragment2')];
const withPingWithin = [first('fragment1'), ping('ping payload'), last('fragment2')];
const fivePartsWithPings = [
  first('fragment1'), middle('fragment2'), ping('pongme 1!'), answered('pongme 1!'), quiet(100),
  middle('fragment3'), middle('fragment4'), ping('pongme 2!'), answered('pongme 2!'), last('fragment5'),
];

const fragmentation = [
  {
    id: '5.1',
    title: 'a ping in two fragments',
    steps: [frame({ opcode: opcodes.ping, payload: 'fragment1', isFinal: false }), loose('fragment2', true)],
    close: protocolError,
  },
  {
    id: '5.2',
    title: 'a pong in two fragments',
    steps: [frame({ opcode: opcodes.pong, payload: 'fragment1', isFinal: false }), loose('fragment2', true)],
    close: protocolError,
  },
  ...threeWays(5, 3, 'a text in two fragments', { steps: twoParts }),
  ...threeWays(5, 6, 'a ping between two fragments', { steps: withPingWithin }),
  ...threeWays(5, 9, 'a final continuation of nothing, then a text', {
    steps: [loose('non-continuation payload', true), text('Hello, world!')],
    close: protocolError,
    witnessed: [],
  }),
  ...threeWays(5, 12, 'a continuation of nothing, then a text', {
    steps: [loose('non-continuation payload', false), text('Hello, world!')],
    close: protocolError,
    witnessed: [],
  }),
  {
    id: '5.15',
    title: 'a text in two fragments, then a continuation of nothing',
    steps: [...twoParts, loose('fragment3', false), text('fragment4')],
    close: protocolError,
    witnessed: ['fragment1fragment2'],
  },
  ...[false, true].map((isFinal, i) => ({
    id: `5.${16 + i}`,
    title: `twice a continuation of nothing (final: ${isFinal}) and a text in two fragments`,
    steps: [loose('fragment1', isFinal), ...twoParts, loose('fragment1', isFinal), ...twoParts],
    close: protocolError,
    witnessed: [],
  })),
  {
    id: '5.18',
    title: 'a second text within a fragmented one',
    steps: [first('fragment1'), text('fragment2')],
    close: protocolError,
    witnessed: [],
  },
  { id: '5.19', title: 'five fragments with pings and waits', steps: fivePartsWithPings },
  { id: '5.20', title: 'the same, frame by frame', write: 'frames', steps: fivePartsWithPings },
];

const beyondUnicode = Buffer.from('f4908080', 'hex');
const surrogate = Buffer.from('eda080', 'hex');
const badText = Buffer.concat([greek, surrogate, Buffer.from('edited')]);
const rawFrame = (payload, isFinal = true) => frame({ payload, isFinal });
// Masked with zeros: what follows it needs no masking.
const announcedFrame = (payload, missing) =>
  frame({ payload, announced: BigInt(payload.length + missing), mask: Buffer.alloc(4) });

const utf8 = [
  { id: '6.1.1', title: 'an empty text', steps: [frame({})], errors: [badMessage] },
  {
    id: '6.1.2',
    title: 'three empty fragments',
    steps: [frame({ isFinal: false }), loose('', false), loose('', true)],
    errors: [badMessage],
  },
  {
    id: '6.1.3',
    title: 'empty fragments round a text',
    steps: [frame({ isFinal: false }), whole('middle frame payload'), loose('', true)],
  },
  { id: '6.2.1', title: 'valid text in one frame', steps: [text('Hello-µ@ßöäüàá-UTF-8!!')] },
  { id: '6.2.2', title: 'valid text in two, cut between characters', steps: [first('Hello-µ@ßöä'), last('üàá-UTF-8!!')] },
  { id: '6.2.3', title: 'valid text in fragments of one byte', steps: [octets('Hello-µ@ßöäüàá-UTF-8!!')] },
  { id: '6.2.4', title: 'Greek in fragments of one byte', steps: [octets(greek)] },
  { id: '6.3.1', title: 'invalid text in one frame', steps: [rawFrame(badText)], close: invalidPayload },
  {
    id: '6.3.2',
    title: 'invalid text in fragments of one byte',
    steps: [octets(badText)],
    close: invalidPayload,
    witnessed: [],
  },
  // What makes a text invalid must end the connection when it is there, not when the text ends: the
  // rest is never sent.
  {
    id: '6.4.1',
    title: 'the second fragment makes it invalid',
    steps: [rawFrame(greek, false), quiet(150), loose(beyondUnicode, false)],
    close: invalidPayload,
  },
  {
    id: '6.4.2',
    title: 'one byte of the second fragment makes it invalid',
    steps: [
      rawFrame(Buffer.concat([greek, beyondUnicode.subarray(0, 1)]), false),
      quiet(150),
      loose(beyondUnicode.subarray(1, 2), false),
    ],
    close: invalidPayload,
  },
  {
    id: '6.4.3',
    title: 'a piece of the frame makes it invalid',
    steps: [announcedFrame(greek, 10), quiet(150), bytes(beyondUnicode)],
    close: invalidPayload,
  },
  {
    id: '6.4.4',
    title: 'one byte of the frame makes it invalid',
    steps: [
      announcedFrame(Buffer.concat([greek, beyondUnicode.subarray(0, 1)]), 9),
      quiet(150),
      bytes(beyondUnicode.subarray(1, 2)),
    ],
    close: invalidPayload,
  },
  ...utf8Sections.flatMap(({ title, texts }, section) =>
    texts.map(({ bytes: payload, isValid }, i) => ({
      id: `6.${section + 5}.${i + 1}`,
      title: `${title}: ${payload.toString('hex').slice(0, 40)}`,
      ...(isValid ? validText(payload) : { steps: [rawFrame(payload)], close: invalidPayload }),
    })),
  ),
];

// A control character is UTF-8 but not JSON within quotes: the message is refused, not the frame.
function validText(payload) {
  const isJson = payload.every((byte) => byte >= 0x20);
  return { steps: [text(payload)], ...(isJson ? {} : { errors: [badMessage], witnessed: [] }) };
}

const validCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const invalidCodes = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];

const closing = [
  { id: '7.1.1', title: 'a message, then a close', steps: [text('Hello World!'), close(1000)], close: 1000 },
  { id: '7.1.2', title: 'two closes', steps: [close(1000), close(1000)], close: 1000 },
  { id: '7.1.3', title: 'a ping behind a close', steps: [close(1000), ping()], close: 1000 },
  { id: '7.1.4', title: 'a text behind a close', steps: [close(1000), text('Hello World!')], close: 1000, witnessed: [] },
  {
    id: '7.1.5',
    title: 'a close between two fragments',
    steps: [first('fragment1'), close(1000), last('fragment2')],
    close: 1000,
    witnessed: [],
  },
  {
    id: '7.1.6',
    title: '256 KiB, a text, a close and a ping',
    steps: [sized(256 * kibi), text('Hello World!'), close(1000), ping()],
    close: 1000,
  },
  { id: '7.3.1', title: 'a close without payload', steps: [close()], close: none },
  { id: '7.3.2', title: 'a close with half a code', steps: [frame({ opcode: opcodes.close, payload: 'a' })], close: protocolError },
  { id: '7.3.3', title: 'a close with a code', steps: [close(1000)], close: 1000 },
  { id: '7.3.4', title: 'a close with a reason', steps: [close(1000, 'Hello World!')], close: 1000 },
  { id: '7.3.5', title: 'a close with the longest reason', steps: [close(1000, '*'.repeat(123))], close: 1000 },
  { id: '7.3.6', title: 'a close with a reason too long', steps: [close(1000, '*'.repeat(124))], close: protocolError },
  { id: '7.5.1', title: 'a close whose reason is not UTF-8', steps: [close(1000, badText)], close: invalidPayload },
  ...validCodes.map((code, i) => ({
    id: `7.7.${i + 1}`,
    title: `close code ${code}`,
    steps: [close(code)],
    close: code,
  })),
  ...invalidCodes.map((code, i) => ({
    id: `7.9.${i + 1}`,
    title: `close code ${code}`,
    steps: [close(code)],
    close: protocolError,
  })),
  { id: '7.13.1', title: 'close code 5000', steps: [close(5000)], close: protocolError },
  { id: '7.13.2', title: 'close code 65535', steps: [close(65_535)], close: protocolError },
];

function sizes(group, opcode) {
  return [64 * kibi, 256 * kibi, mebi, 4 * mebi, 8 * mebi, 16 * mebi].map((size, i) => ({
    id: `${group}.${i + 1}`,
    title: `a message of ${size / kibi} KiB`,
    steps: [sized(size, { opcode })],
  }));
}

function fragmentSizes(group, opcode) {
  return Array.from({ length: 9 }, (_, i) => 64 * 4 ** i).map((fragment, i) => ({
    id: `${group}.${i + 1}`,
    title: `4 MiB in fragments of ${fragment}`,
    steps: [sized(4 * mebi, { opcode, fragment })],
  }));
}

function chopSizes(group, opcode) {
  return [64, 128, 256, 512, 1024, 2048].map((write, i) => ({
    id: `${group}.${i + 1}`,
    title: `1 MiB in pieces of ${write}`,
    write,
    steps: [sized(mebi, { opcode })],
  }));
}

// 0 and 16 bytes are too short for a broadcast: an error and a ping command's pong are the answers.
function roundTrips(group, opcode) {
  const step = {
    0: frame({ opcode }),
    16: frame({ opcode, payload: '{"type": "ping"}' }),
  };
  const answer = { 0: 'error', 16: 'pong' };
  return [0, 16, 64, 256, 1024, 4096].map((size, i) => ({
    id: `${group}.${i + 1}`,
    title: `1000 round trips of ${size} bytes`,
    steps: [step[size] ?? sized(size, { opcode })],
    trips: 1000,
    answer: answer[size] ?? 'broadcast',
  }));
}

export const caseGroups = [
  { name: '1 framing', cases: [...framing('1.1', opcodes.text), ...framing('1.2', opcodes.binary)] },
  { name: '2 pings and pongs', cases: pings },
  { name: '3 reserved bits', cases: reservedBits },
  {
    name: '4 opcodes',
    cases: [...unknownOpcodes('4.1', [3, 4, 5, 6, 7]), ...unknownOpcodes('4.2', [11, 12, 13, 14, 15])],
  },
  { name: '5 fragmentation', cases: fragmentation },
  { name: '6 UTF-8', cases: utf8 },
  { name: '7 closing', cases: closing },
  {
    name: '9 sizes and speed',
    isHeavy: true,
    cases: [
      ...sizes('9.1', opcodes.text),
      ...sizes('9.2', opcodes.binary),
      ...fragmentSizes('9.3', opcodes.text),
      ...fragmentSizes('9.4', opcodes.binary),
      ...chopSizes('9.5', opcodes.text),
      ...chopSizes('9.6', opcodes.binary),
      ...roundTrips('9.7', opcodes.text),
      ...roundTrips('9.8', opcodes.binary),
    ],
  },
  {
    name: '10 automatic fragmentation',
    cases: [
      {
        id: '10.1.1',
        title: '65536 bytes in fragments of 1300',
        steps: [sized(65_536, { fragment: 1300 })],
      },
    ],
  },
];
