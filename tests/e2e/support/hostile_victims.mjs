// SPDX-License-Identifier: Apache-2.0
// A process with 20 subscribers that do not read, to be killed while the server writes to them:
// node hostile_victims.mjs PORT CHANNEL
import { RawClient } from './rfc6455_client.mjs';

const [port, channel] = process.argv.slice(2);
for (let i = 0; i < 20; ++i) {
  const client = await RawClient.open({ port: Number(port) }, { user: `victim-${i}` });
  await client.sendText({ type: 'subscribe', channel, listen: ['broadcast'], id: 1 });
  await client.nextJson();
  client.socket.pause();
}
setInterval(() => {}, 1_000); // sockets that are not read do not keep a process
console.log('ready');
