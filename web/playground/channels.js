// SPDX-License-Identifier: Apache-2.0
// What this tab knows of its channels: what it listens to, recent messages, who is present. Takes
// the server's messages and holds no view.

import { partsOf } from './json_text.js';

const keptMessages = 200;

/** One channel. `members` is a Map: user ids are the users' to choose, "__proto__" included. */
class Channel {
  constructor(name, listen) {
    this.name = name;
    this.listen = listen;
    this.state = 'offline'; // then pending, and live or refused on this connection
    this.joinedWith = undefined; // the JSON text of our meta while we are present, "" for none
    this.members = new Map();
    this.isSynced = false;
    this.messages = [];
    this.unread = 0;
  }

  get isLive() {
    return this.state === 'live';
  }

  hears(word) {
    return this.listen.includes(word);
  }
}

/** One user of a channel, from the text of a presence event or of an entry of a sync. */
function memberOf(text) {
  const parts = partsOf(text);
  const meta = parts.get('meta') ?? 'null';
  return {
    user: JSON.parse(parts.get('user_id')),
    meta: meta === 'null' ? '' : meta,
    updatedAt: Number(parts.get('updated_at') ?? 0) * 1000,
  };
}

function membersOf(users) {
  const members = [...partsOf(users).values()].map(memberOf);
  return new Map(members.map((member) => [member.user, member]));
}

/** All channels of this tab, in the order of their subscription. */
export class Channels {
  #byName = new Map();
  #selected;

  get all() {
    return [...this.#byName.values()];
  }

  get selected() {
    return this.#selected;
  }

  get(name) {
    return this.#byName.get(name);
  }

  /** Adds a channel, or changes what is listened to on it. */
  set(name, listen) {
    const channel = this.#byName.get(name) ?? new Channel(name, listen);
    channel.listen = listen;
    if (!channel.hears('presence')) this.#forgetMembers(channel);
    this.#byName.set(name, channel);
    return channel;
  }

  remove(name) {
    this.#byName.delete(name);
    if (this.#selected?.name === name) this.select(this.all.at(-1)?.name);
  }

  select(name) {
    this.#selected = this.#byName.get(name);
    if (this.#selected) this.#selected.unread = 0;
  }

  /** The connection is gone, and with it the subscriptions; what was seen stays. */
  disconnected() {
    for (const channel of this.all) {
      channel.state = 'offline';
      this.#forgetMembers(channel);
    }
  }

  /**
   * Takes a server message, parsed and as it came: payload and meta are kept as text, since parsing
   * would round large numbers. Answers the channel it changed, or undefined.
   */
  take(message, text) {
    const channel = this.#byName.get(message.channel);
    if (!channel) return undefined;
    switch (message.type) {
      case 'broadcast':
        channel.messages.push({
          user: message.user_id,
          event: message.event,
          payload: partsOf(text).get('payload') ?? 'null',
          at: message.ts ?? Date.now(),
        });
        if (channel.messages.length > keptMessages) channel.messages.shift();
        if (channel !== this.#selected) channel.unread += 1;
        return channel;
      case 'subscribed':
        channel.state = 'live';
        return channel;
      case 'unsubscribed':
        channel.state = 'refused';
        return channel;
      case 'presence_sync':
      case 'presence':
        channel.members = membersOf(partsOf(text).get('users'));
        channel.isSynced = true;
        return channel;
      case 'presence_join':
      case 'presence_update':
        channel.members.set(message.user_id, memberOf(text));
        return channel;
      case 'presence_leave':
        channel.members.delete(message.user_id);
        return channel;
      default:
        return undefined;
    }
  }

  #forgetMembers(channel) {
    channel.members.clear();
    channel.isSynced = false;
  }
}
