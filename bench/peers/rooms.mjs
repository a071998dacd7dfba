// SPDX-License-Identifier: Apache-2.0
// What the Node peers share: the part of the native protocol that the load generator speaks.

export function answer(type, message) {
    return JSON.stringify({ type, id: message.id, channel: message.channel });
}

export function printReady(port) {
    console.log(`ready addr=127.0.0.1:${port}`);
}
