// SPDX-License-Identifier: Apache-2.0
// The words in which the tables of RFC 6455 cases are written. Roomcast echoes nothing but what a
// client broadcasts on a channel that it listens to; so where a case sends a text, it sends a
// broadcast command that carries the text as its payload.
import { closePayload, opcodes } from './rfc6455_client.mjs';

// Each step is `{kind, ...}`; frames are made when a case runs, because they name its channel.

/// A frame as it is: no command.
export const frame = (fields) => ({ kind: 'frame', fields });

export const ping = (payload = '') => frame({ opcode: opcodes.ping, payload });
export const pong = (payload = '') => frame({ opcode: opcodes.pong, payload });
export const close = (code, reason) =>
  frame({ opcode: opcodes.close, payload: code === undefined ? '' : closePayload(code, reason) });

/// One message in one frame.
export const text = (payload, fields = {}) => ({ kind: 'message', payload, opcode: opcodes.text, fields });
/// One message, `size` bytes long as a whole; in frames of `fragment` bytes where that is given.
export const sized = (size, { opcode = opcodes.text, fragment } = {}) => ({
  kind: 'sized',
  size,
  opcode,
  fragment,
});

// One message in several frames.
export const first = (payload) => ({ kind: 'part', payload, isFirst: true });
export const middle = (payload) => ({ kind: 'part', payload });
export const last = (payload) => ({ kind: 'part', payload, isLast: true });
/// All of a message in one fragment that is neither first nor last.
export const whole = (payload) => ({ kind: 'whole', payload });
/// One message in frames of one byte each.
export const octets = (payload) => ({ kind: 'octets', payload });

/// Bytes as they are.
export const bytes = (payload) => ({ kind: 'bytes', payload });
/// Nothing comes for a while, and the connection stays.
export const quiet = (ms) => ({ kind: 'quiet', ms });
/// Waits for a pong before it goes on.
export const answered = (payload) => ({ kind: 'answered', payload });

const encoder = new TextEncoder();

function commandAround(channel, payload) {
  return Buffer.concat([prefix(channel), Buffer.from(payload), suffix]);
}

function prefix(channel) {
  return encoder.encode(`{"type":"broadcast","channel":"${channel}","event":"e","payload":"`);
}

const suffix = encoder.encode('"}');

/// The frames of a step, as arguments of encodeFrame().
export function framesOf(step, channel) {
  switch (step.kind) {
    case 'frame':
      return [step.fields];
    case 'message':
      return [{ opcode: step.opcode, payload: commandAround(channel, step.payload), ...step.fields }];
    case 'part':
      return [partOf(step, channel)];
    case 'whole':
      return [
        {
          opcode: opcodes.continuation,
          payload: commandAround(channel, step.payload),
          isFinal: false,
        },
      ];
    case 'octets':
      return fragments(commandAround(channel, step.payload), 1, opcodes.text);
    case 'sized': {
      const command = commandAround(channel, filler(step, channel));
      return fragments(command, step.fragment ?? command.length, step.opcode);
    }
    default:
      return [];
  }
}

function filler(step, channel) {
  return '*'.repeat(step.size - prefix(channel).length - suffix.length);
}

function partOf({ payload, isFirst = false, isLast = false }, channel) {
  const data = Buffer.from(payload);
  if (isFirst) return { payload: Buffer.concat([prefix(channel), data]), isFinal: false };
  return {
    opcode: opcodes.continuation,
    payload: isLast ? Buffer.concat([data, suffix]) : data,
    isFinal: isLast,
  };
}

function fragments(message, size, opcode) {
  const frames = [];
  for (let start = 0; start < message.length; start += size) {
    frames.push({
      opcode: start === 0 ? opcode : opcodes.continuation,
      payload: message.subarray(start, start + size),
      isFinal: start + size >= message.length,
    });
  }
  return frames;
}

/// The payloads of the messages that `steps` send whole, in their order.
export function messagesOf(steps, channel) {
  const messages = [];
  let parts;
  for (const step of steps) {
    if (step.kind === 'message' && !step.fields.reserved) messages.push(Buffer.from(step.payload));
    if (step.kind === 'octets' || step.kind === 'whole') messages.push(Buffer.from(step.payload));
    if (step.kind === 'sized') messages.push(Buffer.from(filler(step, channel)));
    if (step.kind !== 'part') continue;
    parts = step.isFirst ? [] : parts;
    parts?.push(Buffer.from(step.payload));
    if (step.isLast && parts) messages.push(Buffer.concat(parts));
    if (step.isLast) parts = undefined;
  }
  return messages;
}
