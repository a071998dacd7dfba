// SPDX-License-Identifier: Apache-2.0
// Thousands of idle subscribers, each as light as Node has it: a socket and nothing else.
import net from 'node:net';
import tls from 'node:tls';
import { patienceMs } from './client.mjs';
import { encodeFrame, opcodes } from './rfc6455_client.mjs';

const inFlight = 64;
const mask = Buffer.alloc(4);
const subscription = encodeFrame({
  payload: JSON.stringify({ type: 'subscribe', channel: 'crowd', listen: ['broadcast'], id: 1 }),
  mask,
});
const goodbye = encodeFrame({ opcode: opcodes.close, payload: Buffer.from([0x03, 0xe8]), mask });
const upgrade =
  'GET /ws?user_id=one HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n' +
  'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/// Connects and subscribes `count` times; answers the sockets. With `ca`, over TLS.
export async function openCrowd(server, count, ca) {
  const sockets = [];
  const lane = async () => {
    while (sockets.length + opening < count) {
      ++opening;
      const socket = await open(server, ca);
      --opening;
      sockets.push(socket);
    }
  };
  let opening = 0;
  await Promise.all(Array.from({ length: inFlight }, lane));
  return sockets;
}

function open({ port }, ca) {
  const where = { host: '127.0.0.1', port, noDelay: true };
  const socket = ca ? tls.connect({ ...where, ca }) : net.connect(where);
  return new Promise((resolve, reject) => {
    let heard = '';
    let isUpgraded = false;
    const fail = (error) => {
      socket.destroy();
      reject(error);
    };
    socket.setEncoding('latin1').setTimeout(patienceMs, () => fail(new Error(`silence: ${heard}`)));
    socket.on('error', fail);
    socket.on('data', (text) => {
      heard += text;
      if (!isUpgraded && heard.includes('\r\n\r\n')) {
        if (!heard.startsWith('HTTP/1.1 101 ')) return fail(new Error(heard));
        isUpgraded = true;
        socket.write(subscription);
      } else if (heard.includes('"subscribed"')) {
        socket.setTimeout(0).removeAllListeners('data').resume();
        resolve(socket);
      }
    });
    socket.write(upgrade);
  });
}

/// All of them leave: one in eight says goodbye, the others are cut off.
export function dismissCrowd(sockets) {
  for (const [i, socket] of sockets.entries()) {
    if (i % 8 === 0) socket.end(goodbye);
    else if (socket.encrypted) socket.destroy();
    else socket.resetAndDestroy();
  }
}
