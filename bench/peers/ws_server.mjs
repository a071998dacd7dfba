// SPDX-License-Identifier: Apache-2.0
// Node `ws`, written the way its documentation does a broadcast, with a set of sockets for each
// channel. A message is delivered as it was received.
import { WebSocketServer } from 'ws';
import { answer, printReady } from './rooms.mjs';

const channels = new Map();

function members(channel) {
    if (!channels.has(channel)) channels.set(channel, new Set());
    return channels.get(channel);
}

const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    backlog: 4096,
    perMessageDeflate: false,
    clientTracking: false
});

server.on('connection', (socket) => {
    const joined = new Set();
    socket.on('message', (data) => {
        const message = JSON.parse(data);
        switch (message.type) {
            case 'broadcast':
                for (const member of members(message.channel)) member.send(data, { binary: false });
                break;
            case 'subscribe':
                members(message.channel).add(socket);
                joined.add(message.channel);
                socket.send(answer('subscribed', message));
                break;
            case 'unsubscribe':
                members(message.channel).delete(socket);
                joined.delete(message.channel);
                socket.send(answer('unsubscribed', message));
                break;
        }
    });
    socket.on('close', () => joined.forEach((channel) => members(channel).delete(socket)));
    socket.on('error', () => socket.terminate());
});
server.on('listening', () => printReady(server.address().port));
