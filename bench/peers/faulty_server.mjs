// SPDX-License-Identifier: Apache-2.0
// A server with a fault on purpose, for `script/bench --self-test`: the load generator has to find
// exactly what is broken here. `node faulty_server.mjs none|lose|double|reorder|misroute|damage`
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { answer, printReady } from './rooms.mjs';

const fault = process.argv[2];
const kEvery = 1000; // one delivery in a thousand

const channels = new Map();
let deliveries = 0;

function members(channel) {
    if (!channels.has(channel)) channels.set(channel, new Set());
    return channels.get(channel);
}

function deliver(member, text, channel) {
    const isFaulty = text !== undefined && ++deliveries % kEvery === 0;
    const held = member.held;
    member.held = undefined;
    if (isFaulty && fault === 'lose') return;
    if (isFaulty && fault === 'damage') return member.send(text.replace("'user'", "'use'"));
    if (isFaulty && fault === 'reorder' && held === undefined) {
        member.held = text;
        // The last message of a run has none behind it to be overtaken by.
        setTimeout(() => {
            if (member.held === text) deliver(member, undefined, channel);
        }, 200);
        return;
    }
    if (text !== undefined) member.send(text);
    if (held !== undefined) member.send(held);
    if (isFaulty && fault === 'double') member.send(text);
    if (isFaulty && fault === 'misroute') {
        for (const [other, set] of channels) if (other !== channel) return [...set][0].send(text);
    }
}

function publish(channel, text) {
    for (const member of members(channel)) deliver(member, text, channel);
}

// What is posted goes out as it came.
const http = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    publish(JSON.parse(body).channel, body);
    response.end('{}');
});

const server = new WebSocketServer({ server: http });
server.on('connection', (socket) => {
    const joined = new Set();
    socket.on('message', (data) => {
        const message = JSON.parse(data);
        if (message.type === 'broadcast') {
            publish(message.channel, data.toString());
        } else if (message.type === 'subscribe') {
            members(message.channel).add(socket);
            joined.add(message.channel);
            socket.send(answer('subscribed', message));
        } else if (message.type === 'unsubscribe') {
            members(message.channel).delete(socket);
            joined.delete(message.channel);
            socket.send(answer('unsubscribed', message));
        }
    });
    socket.on('close', () => joined.forEach((channel) => members(channel).delete(socket)));
});
http.listen(0, '127.0.0.1', () => printReady(http.address().port));
