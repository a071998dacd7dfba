// SPDX-License-Identifier: Apache-2.0
// The card "Connection": where to connect and as whom, how it stands, and why it does not.
import { byId, element, headed, say, timeOfDay } from './dom.js';
import { readServerAddress, ownServer } from './server_address.js';
import { recall, remember } from './storage.js';
import { bareToken, describeToken } from './token.js';

const subprotocol = 'roomcast.v1';

/** Calls `onChange` when what a link carries has changed. */
export class ConnectionView {
  #connection;
  #server = byId('server');
  #user = byId('user');
  #token = byId('token');
  #notice = byId('connection-notice');
  #facts = new Map();
  #countdown;

  constructor(connection, { link, onChange }) {
    this.#connection = connection;
    this.#server.value = link.server ?? ownServer;
    this.#user.value = ownUser();
    if (link.identity) document.querySelector(`[name=identity][value=${link.identity}]`).checked = true;
    this.#showIdentity();
    this.#describe(this.#token, byId('token-hint'));

    byId('connect-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.connect();
    });
    byId('connect-form').addEventListener('change', () => {
      this.#showIdentity();
      onChange();
    });
    this.#token.addEventListener('input', () => this.#describe(this.#token, byId('token-hint')));
    this.#user.addEventListener('change', () => keepUser(this.#user.value));
    byId('disconnect').addEventListener('click', () => connection.close());
    byId('retry-now').addEventListener('click', () => connection.retryNow());
    byId('retry-stop').addEventListener('click', () => connection.close());
    byId('refresh-form').addEventListener('submit', (event) => this.#refresh(event));

    connection.addEventListener('state', ({ detail }) => this.#show(detail));
    connection.addEventListener('message', ({ detail }) => this.#take(detail.message));
    this.#show(connection.state);
  }

  get server() {
    return this.#server.value.trim();
  }

  get identity() {
    return document.querySelector('[name=identity]:checked').value;
  }

  /** The signed-in user as the server knows it, or as the form says. */
  get user() {
    return this.#facts.get('User') ?? this.#user.value;
  }

  /** The address that HTTP requests go to, or undefined while the form holds none. */
  get base() {
    const address = readServerAddress(this.server);
    return address.ok ? address.base : undefined;
  }

  connect() {
    const address = readServerAddress(this.server);
    if (!address.ok) return this.#refuse(this.#server, address.problem);
    if (this.identity === 'user') {
      const url = `${address.webSocket}?user_id=${encodeURIComponent(this.#user.value)}`;
      // An empty id goes out without the parameter: the server's own answer explains it best.
      this.#connection.open({
        base: address.base,
        url: this.#user.value ? url : address.webSocket,
        protocols: [subprotocol],
      });
      return undefined;
    }
    const token = bareToken(this.#token.value);
    this.#connection.open({ base: address.base, url: address.webSocket, ...credentials(token) });
    return undefined;
  }

  #refuse(field, problem) {
    say(this.#notice, problem, 'bad');
    field.focus();
  }

  #showIdentity() {
    byId('user-field').hidden = this.identity !== 'user';
    byId('token-field').hidden = this.identity !== 'token';
  }

  #describe(field, hint) {
    const { text, tone } = describeToken(field.value);
    say(hint, text, tone);
  }

  #show(state) {
    clearInterval(this.#countdown);
    const isOpen = state.name === 'open';
    const isBusy = ['connecting', 'diagnosing', 'waiting'].includes(state.name);
    byId('status').dataset.state = state.name;
    if (!isOpen) this.#facts.clear();
    byId('status-text').textContent = this.#stateText(state);
    byId('connect-form').hidden = isOpen;
    byId('connected').hidden = !isOpen;
    byId('refresh-form').hidden = this.identity !== 'token';
    byId('connect').textContent = isBusy ? 'Connect anew' : 'Connect';
    byId('retry-actions').hidden = state.name !== 'waiting';
    if (state.finding) {
      const { heading, detail, hint } = state.finding;
      say(this.#notice, headed(heading, detail, hint), state.name === 'waiting' ? 'wait' : 'bad');
    } else if (isOpen || state.name === 'idle' || state.attempt === 0) {
      say(this.#notice, '');
    }
    if (state.name === 'waiting') this.#countDown(state.until);
    if (isOpen) this.#fact('Server', this.base);
  }

  #stateText(state) {
    switch (state.name) {
      case 'open':
        return `connected as ${this.user}`;
      case 'connecting':
        return state.attempt ? 'reconnecting …' : 'connecting …';
      case 'diagnosing':
        return 'asking the server why …';
      case 'waiting':
        return 'waiting to try again';
      case 'refused':
        return 'refused';
      case 'ended':
        return 'ended by the server';
      default:
        return 'not connected';
    }
  }

  #countDown(until) {
    const show = () => {
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      byId('retry-count').textContent = `in ${seconds} s`;
    };
    show();
    this.#countdown = setInterval(show, 250);
  }

  #take(message) {
    if (message.type === 'welcome') {
      this.#fact('User', message.user_id);
      this.#fact('Speaks', message.server);
      this.#fact('Node', message.node);
      this.#fact('Connection', message.connection_id);
      byId('status-text').textContent = this.#stateText({ name: 'open' });
    } else if (message.type === 'token_expiring') {
      const end = timeOfDay(expiryMilliseconds(message.expires_at));
      say(this.#notice, headed(`The token ends at ${end}`, 'Paste a fresh one above to stay.'), 'wait');
    }
  }

  #fact(name, value) {
    if (value === undefined) return;
    this.#facts.set(name, String(value));
    byId('facts').replaceChildren(
      ...[...this.#facts].flatMap(([term, description]) => [
        element('dt', { textContent: term }),
        element('dd', { textContent: description }),
      ]),
    );
  }

  async #refresh(event) {
    event.preventDefault();
    const field = byId('fresh-token');
    const token = bareToken(field.value);
    const answer = await this.#connection.request({ type: '"refresh"', token: JSON.stringify(token) });
    if (!answer.ok) return say(this.#notice, answer.problem, 'bad');
    this.#connection.replaceToken(credentials(token));
    this.#token.value = token;
    field.value = '';
    return say(this.#notice, 'The server took the fresh token.', 'ok');
  }
}

/** A token travels as a subprotocol: addresses end in logs. */
function credentials(token) {
  return token
    ? { token, protocols: [subprotocol, `roomcast.bearer.${token}`] }
    : { token: undefined, protocols: [subprotocol] };
}

const expiryMilliseconds = (time) => (time < 1e11 ? time * 1000 : time);

/** This tab's user id: made up at first, kept over reloads, different in each tab. */
function ownUser() {
  const kept = recall('tab', 'user');
  if (kept) return kept;
  const pick = (words) => words[Math.floor(Math.random() * words.length)];
  const made = `${pick(['amber', 'brisk', 'calm', 'eager', 'gentle', 'lucky', 'quiet', 'sunny'])}-${pick(
    ['badger', 'crane', 'falcon', 'finch', 'heron', 'lynx', 'otter', 'wren'],
  )}-${Math.floor(10 + Math.random() * 90)}`;
  keepUser(made);
  return made;
}

function keepUser(user) {
  remember('tab', 'user', user);
}
