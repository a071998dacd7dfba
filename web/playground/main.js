// SPDX-License-Identifier: Apache-2.0
// The playground: builds the parts and wires them together.
import { ChannelView } from './channel_view.js';
import { Channels } from './channels.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { ConnectionView } from './connection_view.js';
import { byId } from './dom.js';
import { explainError } from './explain.js';
import { FrameLog } from './frame_log.js';
import { Guide } from './guide.js';
import { readLink, writeLink } from './link.js';
import { ownServer } from './server_address.js';
import { Session } from './session.js';

const spoken = {
  idle: 'disconnected',
  connecting: 'connecting',
  open: 'connected',
  diagnosing: 'no connection; asking the server why',
  waiting: 'trying again soon',
  refused: 'refused',
  ended: 'ended by the server',
};
const firstChannel = { name: 'lobby', listen: ['broadcast', 'presence'] };

const link = readLink(location.hash);
const connection = new Connection();
const channels = new Channels();
const log = new FrameLog();
const guide = new Guide();
// First of the listeners, so that the log has things in the order in which they happened.
connection.addEventListener('frame', ({ detail }) => log.add(detail.direction, detail.text));
connection.addEventListener('state', ({ detail }) => {
  const { heading, detail: more = '' } = detail.finding ?? {};
  log.add('note', [spoken[detail.name], heading && `${heading}. ${more}`].filter(Boolean).join(': '));
});
const session = new Session(connection, channels);

for (const { name, listen } of link.channels.length ? link.channels : [firstChannel]) {
  channels.set(name, listen);
}
channels.select(channels.all[0].name);

const connectionView = new ConnectionView(connection, { link, onChange: linkChanged });
const composer = new Composer({
  connection,
  session,
  channels,
  base: () => connectionView.base,
  note: (text) => log.add('note', text),
});
const channelView = new ChannelView({
  session,
  channels,
  user: () => connectionView.user,
  onSelect: () => composer.channelChanged(),
});

function linkChanged() {
  const hash = writeLink({
    server: connectionView.server,
    identity: connectionView.identity,
    channels: channels.all,
  });
  history.replaceState(null, '', hash || location.pathname);
  guide.offer(location.href);
  composer.showCurl();
}

connection.addEventListener('state', ({ detail }) => {
  if (detail.name !== 'open') return;
  guide.done('connect');
  linkChanged();
});
connection.addEventListener('message', ({ detail: { message } }) => {
  const isOthers = message.user_id !== undefined && message.user_id !== connectionView.user;
  if (message.type === 'broadcast') guide.done(isOthers ? 'tab' : 'send');
  if (message.type === 'presence_join') guide.done(isOthers ? 'tab' : 'join');
  if (message.type === 'presence_sync' && message.users.length > 0) guide.done('tab');
  // An error with an id is told where the request was made.
  if (message.type === 'error' && message.id === undefined) channelView.notice(explainError(message));
  if (message.type === 'gap') {
    channelView.notice(`${message.channel}: messages may be missing (${message.reason}).`, 'wait');
  }
  if (message.type === 'unsubscribed' && message.id === undefined) {
    channelView.notice(`${message.channel}: the server ended the subscription (${message.code}).`);
  }
});
session.addEventListener('change', ({ detail }) => {
  if (connection.isOpen && (!detail || detail.isLive)) linkChanged();
});
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the hash belongs to the link
  byId('channel-title').focus();
});
// Somebody edited the address or followed a link within the tab.
addEventListener('hashchange', () => location.reload());

guide.offer(`${ownServer}/${writeLink({ channels: channels.all })}`);
// A link with channels is meant to show them at once. Only on this page's own server, and never with
// a token: a link must not send anybody's tab elsewhere.
const isOwnServer = connectionView.server === ownServer;
if (link.channels.length && isOwnServer && connectionView.identity === 'user') connectionView.connect();
