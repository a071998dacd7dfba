// SPDX-License-Identifier: Apache-2.0
// uWebSockets.js with its own publish/subscribe, which is written in C++ and batches sends. A
// message is delivered as it was received.
import { createRequire } from 'node:module';
import { answer, printReady } from './rooms.mjs';

// The package's entry falls back to an emulation in JavaScript where its native part does not
// load. That must not be measured as if it were uWebSockets, so the native part is named here.
const build = `uws_${process.platform}_${process.arch}_${process.versions.modules}`;
const load = createRequire(import.meta.url);
const uws = load(`@trufflesuite/uws-js-unofficial/binaries/${build}.node`);

const app = uws.App();
app.ws('/*', {
    compression: uws.DISABLED,
    idleTimeout: 120,
    maxBackpressure: 64 * 1024 * 1024, // above it messages are dropped, which would be loss
    message(socket, data) {
        const message = JSON.parse(Buffer.from(data).toString());
        switch (message.type) {
            case 'broadcast':
                app.publish(message.channel, data, false);
                break;
            case 'subscribe':
                socket.subscribe(message.channel);
                socket.send(answer('subscribed', message), false);
                break;
            case 'unsubscribe':
                socket.unsubscribe(message.channel);
                socket.send(answer('unsubscribed', message), false);
                break;
        }
    }
});
app.listen('127.0.0.1', 0, (listener) => printReady(uws.us_socket_local_port(listener)));
