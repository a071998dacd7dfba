// SPDX-License-Identifier: Apache-2.0
// The list of channels, and the selected channel: its messages and who is present.
import { byId, element, say, timeOfDay } from './dom.js';
import { watchJson } from './json_text.js';

const drawEveryMs = 60;

/** `user()` names the signed-in user; `onSelect` is called when another channel is shown. */
export class ChannelView {
  #session;
  #channels;
  #user;
  #onSelect;
  #messages = byId('messages');
  #shownChannel;
  #shown = [];
  #isPlanned = false;

  constructor({ session, channels, user, onSelect }) {
    this.#session = session;
    this.#channels = channels;
    this.#user = user;
    this.#onSelect = onSelect;
    session.addEventListener('change', () => this.#plan());
    session.addEventListener('problem', ({ detail }) => {
      const isShown = detail.channel === channels.selected?.name;
      this.notice(isShown ? detail.problem : `${detail.channel}: ${detail.problem}`);
    });

    byId('subscribe-form').addEventListener('submit', (event) => this.#subscribe(event));
    for (const word of ['broadcast', 'presence']) {
      byId(`channel-${word}`).addEventListener('change', () => this.#listen());
    }
    byId('unsubscribe').addEventListener('click', () => {
      session.unsubscribe(channels.selected.name);
      byId('subscribe-channel').focus();
    });

    const meta = byId('meta');
    const check = watchJson(meta, byId('meta-hint'), { object: true, optional: true });
    byId('presence-form').addEventListener('submit', async (event) => {
      event.preventDefault();
      if (check().ok) this.#outcome(await session.join(channels.selected.name, meta.value.trim()));
    });
    byId('leave').addEventListener('click', async () => {
      this.#outcome(await session.leave(channels.selected.name));
    });
    this.render();
  }

  /** Says something about the channels that nobody asked for: an error, a gap. */
  notice(text, tone = 'bad') {
    say(byId('channel-notice'), text, tone);
  }

  select(name) {
    this.#channels.select(name);
    this.notice('');
    say(byId('presence-outcome'), '');
    this.#onSelect();
    this.render();
  }

  render() {
    this.#renderList();
    const channel = this.#channels.selected;
    byId('channel-title').textContent = channel ? `# ${channel.name}` : 'No channel';
    byId('channel-listen').hidden = !channel;
    byId('unsubscribe').hidden = !channel;
    byId('presence-card').hidden = !channel;
    byId('channel-broadcast').checked = channel?.hears('broadcast') ?? false;
    byId('channel-presence').checked = channel?.hears('presence') ?? false;
    this.#renderMessages(channel);
    if (channel) this.#renderMembers(channel);
  }

  /** Under a flood, drawing must not eat the time for reading. */
  #plan() {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setTimeout(() => {
      this.#isPlanned = false;
      this.render();
    }, drawEveryMs);
  }

  #subscribe(event) {
    event.preventDefault();
    const field = byId('subscribe-channel');
    // Spaces are part of a name; only an empty field means the suggestion.
    const name = field.value || field.placeholder;
    const listen = ['broadcast', 'presence'].filter((word) => byId(`listen-${word}`).checked);
    this.#session.subscribe(name, listen);
    this.select(name);
    field.value = '';
  }

  #listen() {
    const listen = ['broadcast', 'presence'].filter((word) => byId(`channel-${word}`).checked);
    this.#session.subscribe(this.#channels.selected.name, listen);
  }

  #outcome(answer) {
    say(byId('presence-outcome'), answer.ok ? 'Stored' : answer.problem, answer.ok ? 'ok' : 'bad');
  }

  #renderList() {
    const rows = this.#channels.all.map((channel) => {
      const isSelected = channel === this.#channels.selected;
      const button = element(
        'button',
        { type: 'button', className: 'channel', dataset: { state: channel.state } },
        element('span', { className: 'dot', ariaHidden: 'true' }),
        element('span', { className: 'name', textContent: channel.name }),
        element('span', { className: 'state', textContent: channelState(channel) }),
      );
      if (isSelected) button.setAttribute('aria-current', 'true');
      if (channel.unread) {
        button.append(element('span', { className: 'badge', textContent: String(channel.unread), title: 'unread' }));
      }
      button.addEventListener('click', () => this.select(channel.name));
      return element('li', {}, button);
    });
    const list = byId('channel-list');
    const focused = [...list.children].findIndex((row) => row.contains(document.activeElement));
    list.replaceChildren(...rows);
    if (focused >= 0) rows[Math.min(focused, rows.length - 1)]?.firstChild.focus();
  }

  /** Adds what is new, so that a reader's place and selection stay. */
  #renderMessages(channel) {
    const box = this.#messages;
    const wasAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    const messages = channel?.messages ?? [];
    if (channel !== this.#shownChannel || this.#shown.length === 0) {
      this.#shownChannel = channel;
      this.#shown = [];
      box.replaceChildren();
    }
    const known = new Set(this.#shown);
    const news = messages.filter((message) => !known.has(message));
    for (let surplus = this.#shown.length + news.length - messages.length; surplus > 0; surplus -= 1) {
      box.firstElementChild.remove();
    }
    box.append(...news.map((message) => this.#messageRow(message)));
    this.#shown = [...messages];
    if (messages.length === 0) {
      box.append(element('p', { className: 'empty', textContent: emptyText(channel) }));
    }
    if (wasAtEnd) box.scrollTop = box.scrollHeight;
  }

  #messageRow(message) {
    const isOwn = message.user !== undefined && message.user === this.#user();
    return element(
      'article',
      { className: 'message', dataset: { own: String(isOwn) } },
      avatar(message.user ?? ''),
      element(
        'p',
        { className: 'byline' },
        element('b', { textContent: message.user ?? 'over HTTP', title: message.user ?? '' }),
        isOwn ? element('span', { className: 'tag', textContent: 'you' }) : '',
        element('code', { textContent: message.event }),
        element('time', { textContent: timeOfDay(message.at) }),
      ),
      element('p', { className: 'payload', textContent: message.payload }),
    );
  }

  #renderMembers(channel) {
    const members = [...channel.members.values()].sort((a, b) => (a.user < b.user ? -1 : 1));
    byId('members').replaceChildren(...members.map((member) => this.#memberRow(member)));
    byId('member-count').textContent = channel.isSynced ? String(members.length) : '';
    byId('members-empty').hidden = members.length > 0;
    byId('members-empty').textContent = membersText(channel);
    const hasJoined = channel.joinedWith !== undefined;
    byId('join').textContent = hasJoined ? 'Update' : 'Join';
    byId('leave').disabled = !hasJoined;
  }

  #memberRow({ user, meta, updatedAt }) {
    const isOwn = user === this.#user();
    return element(
      'li',
      { dataset: { own: String(isOwn), user } },
      avatar(user),
      element(
        'p',
        { className: 'byline' },
        element('b', { textContent: user, title: user }),
        isOwn ? element('span', { className: 'tag', textContent: 'you' }) : '',
        element('time', { textContent: updatedAt ? timeOfDay(updatedAt) : '' }),
      ),
      element('p', { className: 'payload', textContent: meta || 'no meta' }),
    );
  }
}

function channelState(channel) {
  if (!channel.isLive) return channel.state;
  return channel.hears('presence') && channel.isSynced ? `${channel.members.size} present` : 'live';
}

function emptyText(channel) {
  if (!channel) return 'Subscribe to a channel, and its messages are here.';
  if (!channel.hears('broadcast')) return 'This tab does not listen to broadcasts here.';
  if (channel.state === 'refused') return 'The server did not take this subscription.';
  return channel.isLive ? 'No messages yet.' : 'Messages appear once you are connected.';
}

function membersText(channel) {
  if (!channel.hears('presence')) return 'This tab does not listen to presence here.';
  return channel.isSynced ? 'Nobody has joined yet.' : 'Who has joined appears once you are connected.';
}

/** A disc with the user's first letter, in a colour of the user's own. */
function avatar(user) {
  const disc = element('span', { className: 'avatar', textContent: [...user][0] ?? '↯', ariaHidden: 'true' });
  let hue = 7;
  for (const letter of user) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  disc.style.setProperty('--hue', String(hue));
  return disc;
}
